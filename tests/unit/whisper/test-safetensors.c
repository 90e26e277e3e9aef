#include "testing.h"

#include "model.h"
#include "whisper/file-internal.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

static const struct test_model tiny = { .state = 2, .heads = 1, .mels = 2, .text_ctx = 16 };

static void assert_same(const struct sc_whisper_file *f, const struct sc_whisper_file *g)
{
    const struct sc_whisper_dims *a = sc_whisper_file_dims(f), *b = sc_whisper_file_dims(g);
    assert_memory_equal(a, b, sizeof(*a));
    assert_int_equal(f->entry_count, g->entry_count);
    for (size_t i = 0; i < f->entry_count; i++) {
        const struct sc_wtensor *x = &f->entries[i].tensor, *y = &g->entries[i].tensor;
        assert_string_equal(x->name, y->name);
        const size_t values = (size_t)(x->dims[0] * sc_wtensor_row(x));
        float *p = calloc(values, sizeof(*p)), *q = calloc(values, sizeof(*q));
        assert_true(p != NULL && q != NULL);
        sc_wtensor_read(x, 0, x->dims[0], p);
        sc_wtensor_read(y, 0, y->dims[0], q);
        for (size_t j = 0; j < values; j++)
            assert_true(fabsf(p[j] - q[j]) <= 0.02F * fabsf(p[j]));
        free(p);
        free(q);
    }
    assert_int_equal(sc_whisper_file_tokens(f), sc_whisper_file_tokens(g));
    for (int i = 0; i < sc_whisper_file_tokens(f); i++)
        assert_true(sc_str_equal(sc_whisper_file_token(f, i), sc_whisper_file_token(g, i)));
}

static void equals_the_ggml_form_of_the_same_model(void **state)
{
    struct test_model m = { .state = 128, .layers = 2, .text_layers = 3, .mels = 20, .seed = 3 };
    (void)state;
    for (int type = SC_WTYPE_F32; type <= SC_WTYPE_BF16; type++) {
        SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
        struct sc_whisper_file *f = NULL, *g = NULL;
        struct sc_error err = { 0 };
        char path[PATH_MAX];
        m.type = (enum sc_wtype)type;
        assert_true(test_model_write(&m, test_path(&dir, "ggml.bin", path)));
        assert_int_equal(sc_whisper_file_open(path, &f, &err), SC_OK);
        assert_true(test_model_write_folder(&m, dir.path));
        /* Named by the folder, or by its weights. */
        if (sc_whisper_file_open(type == SC_WTYPE_F32 ? dir.path
                                                      : test_path(&dir, "model.safetensors", path),
                                 &g, &err) != SC_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(sc_whisper_file_type(g), type);
        assert_same(f, g);
        /* The filters are not in the file. */
        assert_true(sc_whisper_file_mel(g)[0] == 0 && sc_whisper_file_mel(g)[1] > 0);
        sc_whisper_file_close(f);
        sc_whisper_file_close(g);
    }
}

static enum sc_code read_parts(struct sc_str weights, struct sc_str config,
                               struct sc_str vocabulary, struct sc_error *err)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = calloc(1, sizeof(*f));
    /* A block of exactly these bytes, so that the sanitizer sees one too far. */
    SC_AUTO_FREE char *bytes = malloc(weights.len);
    assert_true(f != NULL && bytes != NULL);
    memcpy(bytes, weights.ptr, weights.len);
    f->bytes = (struct sc_str){ bytes, weights.len };
    assert_true(sc_safetensors_is(f->bytes));
    return sc_safetensors_read(f, config, vocabulary, err);
}

static void dimensions_follow_from_the_shapes_too(void **state)
{
    const struct test_model m = { .state = 128, .layers = 2, .text_layers = 3, .mels = 20 };
    SC_AUTO(test_safetensors_done) struct test_safetensors s = { 0 };
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = calloc(1, sizeof(*f));
    struct sc_error err = { 0 };
    (void)state;
    assert_non_null(f);
    test_model_safetensors(&m, &s);
    f->bytes = sc_buf_str(&s.weights);
    assert_int_equal(sc_safetensors_read(f, SC_STR(""), sc_buf_str(&s.vocabulary), &err), SC_OK);
    assert_int_equal(f->dims.n_audio_layer, 2);
    assert_int_equal(f->dims.n_text_layer, 3);
    assert_int_equal(f->dims.n_text_head, 2);
    assert_int_equal(f->dims.n_mels, 20);
}

static void tokenizer_json_holds_the_vocabulary_in_its_model(void **state)
{
    SC_AUTO(test_safetensors_done) struct test_safetensors s = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };
    (void)state;
    test_model_safetensors(&tiny, &s);
    sc_buf_puts(&text, "{\"version\":\"1.0\",\"model\":{\"type\":\"BPE\",\"vocab\":");
    sc_buf_put_str(&text, sc_buf_str(&s.vocabulary));
    sc_buf_puts(&text, ",\"merges\":[\"e r\"]}}");
    assert_int_equal(
        read_parts(sc_buf_str(&s.weights), sc_buf_str(&s.config), sc_buf_str(&text), &err), SC_OK);
    assert_int_equal(read_parts(sc_buf_str(&s.weights), sc_buf_str(&s.config),
                                SC_STR("{\"model\":{\"vocab\":[]}}"), &err),
                     SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "holds no vocabulary"));
}

static void every_cut_is_told(void **state)
{
    SC_AUTO(test_safetensors_done) struct test_safetensors s = { 0 };
    struct sc_error err = { 0 };
    (void)state;
    test_model_safetensors(&tiny, &s);
    const size_t header =
        8 + (unsigned char)s.weights.ptr[0] + 256 * (size_t)(unsigned char)s.weights.ptr[1];
    for (size_t len = 9; len < s.weights.len; len += len < header ? 501 : 5003) {
        const struct sc_str cut = { s.weights.ptr, len };
        assert_int_equal(read_parts(cut, sc_buf_str(&s.config), sc_buf_str(&s.vocabulary), &err),
                         SC_E_MODEL_ERROR);
        assert_non_null(strstr(err.msg, len < header ? "within its header" : "the file ends"));
    }
}

/* Puts `with` in the place of the first `what`; the header's length stays true. */
static void change(struct sc_buf *b, const char *what, const char *with, bool weights)
{
    SC_AUTO_BUF changed = { .limit = (size_t)1 << 30 };
    const char *at = memmem(b->ptr, b->len, what, strlen(what));
    assert_non_null(at);
    sc_buf_append(&changed, b->ptr, (size_t)(at - b->ptr));
    sc_buf_puts(&changed, with);
    const char *rest = at + strlen(what);
    sc_buf_append(&changed, rest, (size_t)(b->ptr + b->len - rest));
    if (weights) {
        const size_t len = (unsigned char)changed.ptr[0] +
                           256 * (size_t)(unsigned char)changed.ptr[1] + strlen(with) -
                           strlen(what);
        changed.ptr[0] = (char)(len & 0xff);
        changed.ptr[1] = (char)(len >> 8);
    }
    sc_buf_done(b);
    *b = changed;
    changed = (struct sc_buf){ 0 };
}

static void what_lies_is_refused(void **state)
{
    enum { WEIGHTS, CONFIG, VOCABULARY };
    static const struct {
        int part;
        const char *what, *with, *because;
    } rows[] = {
        { WEIGHTS, "\"pt\"", "pt", "header is no JSON" },
        { WEIGHTS, "\"F32\"", "\"F8_E4M3\"", "is of type 'F8_E4M3'" },
        { WEIGHTS, "\"F32\"", "7", "is of type ''" },
        { WEIGHTS, "[1500,2]", "[2,1500]", "has not the shape" },
        { WEIGHTS, "[1500,2]", "[1500]", "has not the shape" },
        { WEIGHTS, "[1500,2]", "null", "has not the shape" },
        { WEIGHTS, "[1500,2]", "[1500,2.5]", "has not the shape" },
        { WEIGHTS, "[0,12000]", "[0,11999]", "not of its size" },
        { WEIGHTS, "[0,12000]", "[-12000,0]", "not of its size" },
        { WEIGHTS, "[0,12000]", "[12000,0]", "not of its size" },
        { WEIGHTS, "[0,12000]", "[9223372036854763807,9223372036854775807]", "the file ends" },
        { WEIGHTS, "[0,12000]", "[4,12004]", "lie over each other" },
        { WEIGHTS, "[0,12000]", "{}", "not of its size" },
        { WEIGHTS, "model.encoder.conv1.bias", "model.encoder.conv9.bias",
          "conv1.bias' is missing" },
        { CONFIG, "\"whisper\"", "\"bert\"", "type 'bert'" },
        { CONFIG, "{", "(", "config.json is no JSON" },
        { CONFIG, "\"d_model\"", "\"d_modem\"", "no good 'd_model'" },
        { CONFIG, "\"d_model\":2", "\"d_model\":99999999999", "no good 'd_model'" },
        { CONFIG, "\"d_model\":2", "\"d_model\":4", "has not the shape" },
        { CONFIG, "\"encoder_layers\":1", "\"encoder_layers\":128", "is missing" },
        { CONFIG, "\"encoder_layers\":1", "\"encoder_layers\":1000000", "n_audio_layer = 1000000" },
        { VOCABULARY, "{", "[", "vocabulary is no JSON" },
        { VOCABULARY, "\"a\":97", "\"a\":98", "two tokens with the number 98" },
        { VOCABULARY, "\"a\":97", "\"a\":-1", "'a' beyond its size" },
        { VOCABULARY, "\"a\":97", "\"a\":60000", "'a' beyond its size" },
        { VOCABULARY, "\"a\":97", "\"a\":\"97\"", "'a' beyond its size" },
        { VOCABULARY, "\"a\":97", "\"日本\":97", "which stands for no bytes" },
        { VOCABULARY, "\"a\":97", "\"a b\":97", "which stands for no bytes" },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(test_safetensors_done) struct test_safetensors s = { 0 };
        struct sc_error err = { 0 };
        test_model_safetensors(&tiny, &s);
        struct sc_buf *part = rows[i].part == WEIGHTS  ? &s.weights
                              : rows[i].part == CONFIG ? &s.config
                                                       : &s.vocabulary;
        change(part, rows[i].what, rows[i].with, rows[i].part == WEIGHTS);
        assert_int_equal(read_parts(sc_buf_str(&s.weights), sc_buf_str(&s.config),
                                    sc_buf_str(&s.vocabulary), &err),
                         SC_E_MODEL_ERROR);
        if (strstr(err.msg, rows[i].because) == NULL)
            fail_msg("'%s' says nothing of '%s'", err.msg, rows[i].because);
    }
}

static void a_token_that_no_model_has_is_refused(void **state)
{
    SC_AUTO(test_safetensors_done) struct test_safetensors s = { 0 };
    struct sc_error err = { 0 };
    char longest[SC_WHISPER_TOKEN_MAX + 8], longer[SC_WHISPER_TOKEN_MAX + 9];
    (void)state;
    (void)snprintf(longest, sizeof(longest), "\"%0*d\":97", SC_WHISPER_TOKEN_MAX, 0);
    (void)snprintf(longer, sizeof(longer), "\"0%0*d\":97", SC_WHISPER_TOKEN_MAX, 0);
    test_model_safetensors(&tiny, &s);
    change(&s.vocabulary, "\"a\":97", longest, false);
    if (read_parts(sc_buf_str(&s.weights), sc_buf_str(&s.config), sc_buf_str(&s.vocabulary),
                   &err) != SC_OK)
        fail_msg("%s", err.msg);
    change(&s.vocabulary, longest, longer, false);
    assert_int_equal(
        read_parts(sc_buf_str(&s.weights), sc_buf_str(&s.config), sc_buf_str(&s.vocabulary), &err),
        SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "token 97 is 257 bytes long"));
}

static void scripted_models_have_this_form_too(void **state)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    const struct test_model m = { .script = "<|0.00|> From a folder.<|3.00|>",
                                  .type = SC_WTYPE_BF16 };
    struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };
    (void)state;
    assert_true(test_model_write_folder(&m, dir.path));
    if (sc_whisper_file_open(dir.path, &f, &err) != SC_OK)
        fail_msg("%s", err.msg);
    sc_whisper_file_close(f);
}

static void what_is_missing_in_the_folder_is_named(void **state)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };
    char path[PATH_MAX];
    (void)state;
    assert_int_equal(sc_whisper_file_open(dir.path, &f, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "no model.safetensors"));
    assert_true(test_model_write_folder(&tiny, dir.path));
    assert_int_equal(remove(test_path(&dir, "vocab.json", path)), 0);
    assert_int_equal(sc_whisper_file_open(dir.path, &f, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "tokenizer.json or vocab.json must lie beside it"));
    assert_null(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equals_the_ggml_form_of_the_same_model),
        TEST(dimensions_follow_from_the_shapes_too),
        TEST(tokenizer_json_holds_the_vocabulary_in_its_model),
        TEST(every_cut_is_told),
        TEST(what_lies_is_refused),
        TEST(a_token_that_no_model_has_is_refused),
        TEST(scripted_models_have_this_form_too),
        TEST(what_is_missing_in_the_folder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
