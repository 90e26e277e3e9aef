#include "testing.h"

#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

/* A block of exactly these bytes, so that the sanitizer sees one too far. */
struct exact {
    char *bytes;
    size_t len;
};

static void exact_done(struct exact *e)
{
    free(e->bytes);
}

static struct exact exact_of(struct sc_str bytes)
{
    struct exact e = { malloc(bytes.len > 0 ? bytes.len : 1), bytes.len };
    assert_non_null(e.bytes);
    memcpy(e.bytes, bytes.ptr, bytes.len);
    return e;
}

static struct exact model(const struct test_model *m)
{
    SC_AUTO_BUF bytes = { 0 };
    test_model_ggml(m, &bytes);
    return exact_of(sc_buf_str(&bytes));
}

static struct sc_whisper_file *file_of(const struct exact *e)
{
    struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };
    if (sc_whisper_file_of((struct sc_str){ e->bytes, e->len }, &f, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return f;
}

static void assert_refused(const char *bytes, size_t len, const char *because)
{
    SC_AUTO(exact_done) struct exact e = exact_of((struct sc_str){ bytes, len });
    struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };

    assert_int_equal(sc_whisper_file_of((struct sc_str){ e.bytes, e.len }, &f, &err),
                     SC_E_MODEL_ERROR);
    assert_null(f);
    assert_string_equal(err.field, "model");
    if (strstr(err.msg, because) == NULL)
        fail_msg("'%s' says nothing of '%s'", err.msg, because);
}

static const struct test_model tiny = { .state = 2, .heads = 1, .mels = 2, .text_ctx = 16 };

static void put_i32(const struct exact *e, size_t at, int32_t value)
{
    for (size_t i = 0; i < 4; i++)
        e->bytes[at + i] = (char)((uint32_t)value >> 8 * i & 0xff);
}

/* Where the head of the tensor begins. */
static size_t head_of(const struct exact *e, const char *name, int rank)
{
    const char *at = memmem(e->bytes, e->len, name, strlen(name));
    assert_non_null(at);
    return (size_t)(at - e->bytes) - 12 - 4 * (size_t)rank;
}

static void tells_what_the_file_says(void **state)
{
    const struct test_model m = { .state = 128,
                                  .heads = 4,
                                  .layers = 2,
                                  .text_layers = 3,
                                  .mels = 128,
                                  .text_ctx = 64,
                                  .languages = 7,
                                  .seed = 1 };
    (void)state;
    SC_AUTO(exact_done) struct exact e = model(&m);
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = file_of(&e);
    const struct sc_whisper_dims *d = sc_whisper_file_dims(f);
    const int text = sc_whisper_file_tokens(f);
    assert_int_equal(d->n_vocab, text + 8 + 7 + 1501);
    assert_int_equal(d->n_audio_ctx, 1500);
    assert_int_equal(d->n_audio_state, 128);
    assert_int_equal(d->n_audio_head, 4);
    assert_int_equal(d->n_audio_layer, 2);
    assert_int_equal(d->n_text_ctx, 64);
    assert_int_equal(d->n_text_state, 128);
    assert_int_equal(d->n_text_head, 4);
    assert_int_equal(d->n_text_layer, 3);
    assert_int_equal(d->n_mels, 128);
    assert_true(sc_str_equal(sc_whisper_file_token(f, 'a'), SC_STR("a")));
    assert_true(sc_str_equal(sc_whisper_file_token(f, 256), SC_STR(" the")));
    assert_int_equal(sc_whisper_file_token(f, text).len, 0);
    assert_int_equal(sc_whisper_file_token(f, -1).len, 0);
    assert_true(sc_whisper_file_mel(f)[201] >= 0);
    assert_int_equal(sc_whisper_file_type(f), SC_WTYPE_F32);
    /* 15 tensors in a layer, 9 more in one of the decoder, 11 besides. */
    int64_t count = 0;
    static const char *const some[] = { "encoder.conv1.weight", "encoder.conv2.bias",
                                        "decoder.positional_embedding",
                                        "encoder.blocks.1.attn.key.weight",
                                        "decoder.blocks.2.cross_attn.out.bias" };
    for (size_t i = 0; i < SC_ARRAY_LEN(some); i++)
        count += sc_whisper_file_tensor(f, some[i]) != NULL;
    assert_int_equal(count, SC_ARRAY_LEN(some));
    assert_null(sc_whisper_file_tensor(f, "encoder.blocks.2.attn.key.weight"));
    assert_null(sc_whisper_file_tensor(f, "encoder.blocks.1.attn.key.bias"));
    assert_null(sc_whisper_file_tensor(f, ""));
    /* Beams, tries, chunks and times of words: each is counted. */
    const struct sc_whisper_use one = { .batch = 1 };
    const struct sc_whisper_use beams = { .batch = 1, .beam = 5, .best_of = 2 };
    const struct sc_whisper_use five = { .batch = 1, .best_of = 5 };
    const struct sc_whisper_use most = { .batch = 1, .beam = 8, .best_of = 100 };
    const struct sc_whisper_use words = { .batch = 1, .best_of = 5, .words = true };
    const struct sc_whisper_use two = { .batch = 2, .best_of = 5, .words = true };
    assert_int_equal(sc_whisper_hypotheses(&one), 1);
    assert_int_equal(sc_whisper_hypotheses(&beams), 5);
    assert_int_equal(sc_whisper_hypotheses(&most), 8);
    assert_int_equal(sc_whisper_memory(d, &beams), sc_whisper_memory(d, &five));
    assert_true(sc_whisper_memory(d, &five) > sc_whisper_memory(d, &one));
    assert_true(sc_whisper_memory(d, &words) > sc_whisper_memory(d, &five));
    assert_true(sc_whisper_memory(d, &one) > (int64_t)e.len);
    assert_true(sc_whisper_memory(d, &two) > sc_whisper_memory(d, &words));
    /* A second of sound: its samples, and a hundred frames of its spectrum, of each chunk. */
    const struct sc_whisper_use heard = { .batch = 2, .clip_s = 332, .best_of = 5, .words = true };
    assert_int_equal(sc_whisper_memory(d, &heard) - sc_whisper_memory(d, &two),
                     INT64_C(2) * 332 * (16000 * 2 + 100 * 128 * 4));
}

static void tensors_have_their_shapes_and_values(void **state)
{
    struct test_model m = { .state = 64, .seed = 7 };
    float exact_row[192], row[192];
    (void)state;
    SC_AUTO(exact_done) struct exact plain = model(&m);
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = file_of(&plain);
    for (int type = 0; type < SC_WTYPE_COUNT_; type++) {
        m.type = (enum sc_wtype)type;
        SC_AUTO(exact_done) struct exact e = model(&m);
        SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *g = file_of(&e);
        assert_int_equal(sc_whisper_file_type(g), type);

        const struct sc_wtensor *t = sc_whisper_file_tensor(g, "decoder.token_embedding.weight");
        assert_int_equal(t->type, type);
        assert_int_equal(t->rank, 2);
        assert_int_equal(t->dims[0], sc_whisper_file_dims(g)->n_vocab);
        assert_int_equal(t->dims[1], 64);
        sc_wtensor_read(t, 1000, 3, row);
        sc_wtensor_read(sc_whisper_file_tensor(f, t->name), 1000, 3, exact_row);
        for (int i = 0; i < 192; i++)
            assert_true(fabsf(row[i] - exact_row[i]) < 0.06F);

        t = sc_whisper_file_tensor(g, "encoder.conv1.weight");
        assert_int_equal(t->rank, 3);
        assert_int_equal(t->dims[1], 80);
        assert_int_equal(t->dims[2], 3);
        t = sc_whisper_file_tensor(g, "encoder.conv2.bias");
        assert_int_equal(t->rank, 1);
        assert_int_equal(t->dims[0], 64);
        assert_int_equal(t->type, SC_WTYPE_F32);
    }
}

static void every_cut_is_told(void **state)
{
    (void)state;
    SC_AUTO(exact_done) struct exact e = model(&tiny);
    const size_t first = head_of(&e, "encoder.positional_embedding", 2);
    const size_t second = head_of(&e, "encoder.conv1.weight", 3);
    const size_t mel_end = 56 + 4 * 2 * 201;

    assert_refused(e.bytes, 0, "empty");
    assert_refused(e.bytes, 3, "no Whisper model");
    assert_refused(e.bytes, 47, "ends within its dimensions");
    assert_refused(e.bytes, 55, "ends within its mel filters");
    assert_refused(e.bytes, mel_end - 1, "ends within its mel filters");
    assert_refused(e.bytes, mel_end + 3, "ends within its vocabulary");
    assert_refused(e.bytes, mel_end + 6, "ends within its vocabulary");
    assert_refused(e.bytes, first - 1, "ends within its vocabulary");
    assert_refused(e.bytes, first, "'decoder.blocks.0.attn.key.weight' is missing");
    assert_refused(e.bytes, first + 11, "ends within the head of a tensor");
    assert_refused(e.bytes, first + 13, "ends within the head of a tensor");
    assert_refused(e.bytes, first + 25, "ends within the name of a tensor");
    assert_refused(e.bytes, second - 1, "11999 of its 12000 bytes");
    assert_refused(e.bytes, e.len - 1, "ends within the tensor");
    for (size_t len = 0; len < e.len; len += len < 4000 ? 7 : 997)
        assert_refused(e.bytes, len, "");
}

static void what_lies_is_refused(void **state)
{
    (void)state;
    SC_AUTO(exact_done) struct exact whole = model(&tiny);
    const size_t mel = 56, tokens = mel + 4 * 2 * 201, named = tokens + 4;
    const size_t position = head_of(&whole, "encoder.positional_embedding", 2);
    const size_t bias = head_of(&whole, "encoder.ln_post.bias", 1);
    const size_t norm = head_of(&whole, "encoder.ln_post.weight", 1);
    const struct {
        size_t at;
        int32_t value;
        const char *because;
    } rows[] = {
        { 4, -1, "n_vocab = -1" },
        { 4, 2000000000, "n_vocab = 2000000000" },
        { 4, 1600, "a vocabulary of 1600 tokens" },
        { 8, 1499, "n_audio_ctx = 1499" },
        { 12, 0, "n_audio_state = 0" },
        { 12, 1 << 30, "n_audio_state" },
        { 16, 3, "cannot be shared by 3" },
        { 16, 0, "n_audio_head = 0" },
        { 20, 0, "n_audio_layer = 0" },
        { 20, 100000, "n_audio_layer = 100000" },
        { 20, 2, "is missing" },
        { 24, 1 << 20, "n_text_ctx" },
        { 28, 4, "n_text_state = 4" },
        { 32, -2, "n_text_head = -2" },
        { 36, 1 << 24, "n_text_layer" },
        { 40, 3, "mel filters are 2 x 201 where 3 x 201" },
        { 48, 80, "mel filters are 80 x 201" },
        { 52, 400, "mel filters are 2 x 400" },
        { mel, 0x7fc00000, "a mel filter holds nan" },
        { mel + 8, 0x7f800000, "a mel filter holds inf" },
        { mel + 8, (int32_t)0xbf000000, "a mel filter holds -0.5" },
        { tokens, -5, "-5 of them named" },
        { tokens, 1 << 30, "1073741824 of them named" },
        { named, -1, "token 0 is -1 bytes long" },
        { named, SC_WHISPER_TOKEN_MAX + 1, "token 0 is 257 bytes long, and no Whisper model has" },
        { named, 1 << 30, "token 0 is 1073741824 bytes long" },
        { position, 0, "no head of a tensor" },
        { position, 5, "no head of a tensor" },
        { position + 4, 0, "no head of a tensor" },
        { position + 4, 1 << 30, "no head of a tensor" },
        { position + 8, 12, "of type 12" },
        { position + 8, -1, "of type -1" },
        { position + 8, 8, "of type 8" },
        { position + 12, 3, "not the shape" },
        { position + 16, 1 << 30, "not the shape" },
        { position + 20, 0x41414141, "has a tensor 'AAAA" },
        { position + 20, 0x01414141, "name is no text" },
        { norm + 8, 2, "of type 2" },
        { norm, 2, "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(exact_done)
        struct exact e = exact_of((struct sc_str){ whole.bytes, whole.len });
        put_i32(&e, rows[i].at, rows[i].value);
        assert_refused(e.bytes, e.len, rows[i].because);
    }
    /* The same name twice: "…bias" becomes "…weight" when six bytes are moved. */
    SC_AUTO_BUF twice = { 0 };
    sc_buf_append(&twice, whole.bytes, whole.len);
    sc_buf_append(&twice, whole.bytes + norm, bias - norm);
    assert_refused(twice.ptr, twice.len, "'encoder.ln_post.weight' is there twice");
}

static void a_quantised_vector_is_refused(void **state)
{
    const struct test_model m = { .state = 64, .mels = 2, .text_ctx = 16 };
    (void)state;
    SC_AUTO(exact_done) struct exact e = model(&m);
    put_i32(&e, head_of(&e, "encoder.ln_post.weight", 1) + 8, 8);
    assert_refused(e.bytes, e.len, "vector 'encoder.ln_post.weight' is quantised");
}

static void strangers_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *because;
    } rows[] = {
        { "GGUF\3\0\0\0", 8, "GGUF" },
        { "PK\3\4\24\0", 6, "PyTorch" },
        { "\x80\2}q\0", 5, "PyTorch" },
        { "\6\0\0\0\13\0WhisperSpec\0", 18, "CTranslate2" },
        { "ggml\0\0", 6, "big-endian" },
        { "tjgg\1", 5, "another kind" },
        { "version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull" },
        { "<!DOCTYPE html>", 15, "web page" },
        { "{\"a\":1}", 7, "JSON" },
        { "\x1f\x8b\10", 3, "unpack" },
        { "RIFF", 4, "no Whisper model" },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_refused(rows[i].bytes, rows[i].len, rows[i].because);
}

/* KiB of a mapped file that are in memory; -1: it is not mapped. */
static long resident_kb(const char *path)
{
    char line[PATH_MAX + 128];
    long kb = -1;
    bool within = false;
    FILE *f = fopen("/proc/self/smaps", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strstr(line, path) != NULL) {
            within = true;
            kb = SC_MAX(kb, 0);
        } else if (within && strncmp(line, "Rss:", 4) == 0) {
            kb += strtol(line + 4, NULL, 10);
            within = false;
        }
    }
    (void)fclose(f);
    return kb;
}

/* Who has read a tensor needs no memory for it, and may read it again. */
static void what_is_left_of_a_file_is_in_memory_no_more(void **state)
{
    static const char *const names[] = { "decoder.token_embedding.weight",
                                         "encoder.blocks.0.mlp.0.weight", "encoder.conv1.bias" };
    const struct test_model m = { .state = 128, .text_tokens = 2000, .seed = 3 };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = NULL;
    char path[PATH_MAX];
    (void)state;
    assert_true(test_model_write(&m, test_path(&dir, "ggml-own.bin", path)));
    assert_int_equal(sc_whisper_file_open(path, &f, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        const struct sc_wtensor *t = sc_whisper_file_tensor(f, names[i]);
        const size_t bytes = (size_t)(t->dims[0] * sc_wtensor_row(t)) * sizeof(float);
        SC_AUTO_FREE float *once = malloc(bytes);
        SC_AUTO_FREE float *again = malloc(bytes);
        assert_true(once != NULL && again != NULL);
        sc_wtensor_read(t, 0, t->dims[0], once);
        const long before = resident_kb(path);
        sc_whisper_file_leave(f, t);
        assert_true(resident_kb(path) <= before - (long)(t->bytes / 1024));
        sc_wtensor_read(t, 0, t->dims[0], again);
        assert_memory_equal(once, again, bytes);
    }
}

/* By whoever copies another over it, say. */
static void a_file_that_is_cut_short_while_it_is_open_is_told(void **state)
{
    const struct test_model m = { .state = 128, .text_tokens = 2000, .seed = 3 };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };
    char path[PATH_MAX];
    (void)state;
    assert_true(test_model_write(&m, test_path(&dir, "ggml-own.bin", path)));
    assert_int_equal(sc_whisper_file_open(path, &f, NULL), SC_OK);
    const struct sc_wtensor *t = sc_whisper_file_tensor(f, "decoder.token_embedding.weight");
    SC_AUTO_FREE float *values = malloc((size_t)(t->dims[0] * sc_wtensor_row(t)) * sizeof(float));
    assert_non_null(values);
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(sc_whisper_file_check(f, &err), SC_OK);
    sc_wtensor_read(t, 0, t->dims[0], values);
    assert_int_equal(sc_whisper_file_check(f, &err), SC_E_MODEL_ERROR);
    assert_string_equal(err.field, "model");
    assert_string_equal(err.msg,
                        "cannot use the model 'ggml-own.bin': the file changed while it was read; "
                        "get it again whole, and replace models with `scripta models add "
                        "--replace`");
}

static void opens_files_by_their_path(void **state)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };
    (void)state;

    assert_true(test_model_write(&tiny, test_path(&dir, "ggml-own.bin", path)));
    assert_int_equal(sc_whisper_file_open(path, &f, &err), SC_OK);
    assert_int_equal(sc_whisper_file_dims(f)->n_mels, 2);
    sc_whisper_file_close(f);
    f = NULL;

    test_write(&dir, "a.bin", "GGUF");
    assert_int_equal(sc_whisper_file_open(test_path(&dir, "a.bin", path), &f, &err),
                     SC_E_MODEL_ERROR);
    /* Whoever reads it may be a client, who has no business with our folders. */
    assert_non_null(strstr(err.msg, "'a.bin'"));
    assert_null(strstr(err.msg, dir.path));
    assert_int_equal(sc_whisper_file_open(dir.path, &f, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, strrchr(dir.path, '/') + 1));
    assert_null(strstr(err.msg, dir.path));
    test_write(&dir, "empty.bin", "");
    assert_int_equal(sc_whisper_file_open(test_path(&dir, "empty.bin", path), &f, &err),
                     SC_E_MODEL_ERROR);
    assert_int_equal(sc_whisper_file_open(test_path(&dir, "none.bin", path), &f, &err),
                     SC_E_NOT_FOUND);
    assert_int_equal(sc_whisper_file_open("/dev/null", &f, &err), SC_E_MODEL_ERROR);
    assert_null(f);
    sc_whisper_file_close(NULL);
}

/* What docs/engine.md says of the models that everybody has: their weights alone, with a window and
 * five
 * tries, with eight windows of five each, both with times of words; in MiB. */
static void memory_follows_from_the_dimensions(void **state)
{
    static const struct {
        int vocab, state, layers, text_layers, mels;
        int64_t millions; /* of weights, as everybody knows them */
        int weights, one, eight;
    } rows[] = {
        { 51865, 384, 4, 4, 80, 39, 144, 231, 577 },
        { 51865, 512, 6, 6, 80, 74, 277, 409, 1031 },
        { 51865, 768, 12, 12, 80, 244, 922, 1262, 2942 },
        { 51865, 1024, 24, 24, 80, 769, 2914, 3649, 7914 },
        { 51866, 1280, 32, 32, 128, 1550, 5888, 7054, 14083 },
        { 51866, 1280, 32, 4, 128, 809, 3086, 3387, 4483 },
    };
    const struct sc_whisper_use usual = {
        .batch = 1, .clip_s = 30, .beam = 1, .best_of = 5, .words = true
    };
    struct sc_whisper_use eight = usual;
    eight.batch = 8;
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        const struct sc_whisper_dims d = {
            .n_vocab = rows[i].vocab,
            .n_audio_ctx = 1500,
            .n_audio_state = rows[i].state,
            .n_audio_head = rows[i].state / 64,
            .n_audio_layer = rows[i].layers,
            .n_text_ctx = 448,
            .n_text_state = rows[i].state,
            .n_text_head = rows[i].state / 64,
            .n_text_layer = rows[i].text_layers,
            .n_mels = rows[i].mels,
        };
        const int64_t net = sc_whisper_memory(&d, &(struct sc_whisper_use){ 0 });
        const int64_t weights = net / 4;
        assert_true(llabs(weights - rows[i].millions * 1000000) < rows[i].millions * 40000);
        assert_int_equal((net + (1 << 19)) >> 20, rows[i].weights);
        assert_int_equal((sc_whisper_memory(&d, &usual) + (1 << 19)) >> 20, rows[i].one);
        assert_int_equal((sc_whisper_memory(&d, &eight) + (1 << 19)) >> 20, rows[i].eight);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_what_the_file_says),
        TEST(tensors_have_their_shapes_and_values),
        TEST(every_cut_is_told),
        TEST(what_lies_is_refused),
        TEST(a_quantised_vector_is_refused),
        TEST(strangers_are_named),
        TEST(what_is_left_of_a_file_is_in_memory_no_more),
        TEST(a_file_that_is_cut_short_while_it_is_open_is_told),
        TEST(opens_files_by_their_path),
        TEST(memory_follows_from_the_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
