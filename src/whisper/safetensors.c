/* The safetensors form: the length of a header, the header, which is JSON and says for each tensor
 * its type, shape and place, then the values. Dimensions and vocabulary are in files beside it. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "whisper/file-internal.h"
#include "whisper/mel.h"
#include "json/reader.h"

#include "base/banned.h"

#define HEADER_MAX ((uint64_t)16 << 20)
#define NAME_MAX_ 96

/* What is read while the document lives. */
struct reading {
    struct sc_whisper_file *f;
    const struct sc_json_value *header;
    struct sc_str values;
};

static uint64_t header_len(struct sc_str bytes)
{
    uint64_t len = 0;
    for (size_t i = 8; i-- > 0;)
        len = len << 8 | (unsigned char)bytes.ptr[i];
    return len;
}

bool sc_safetensors_is(struct sc_str bytes)
{
    return bytes.len > 8 && bytes.ptr[8] == '{' && header_len(bytes) <= HEADER_MAX;
}

/* Hugging Face's files say "model." before every name, others leave it out. */
static const struct sc_json_value *find(const struct reading *r, const char *name)
{
    char full[sizeof("model.") + NAME_MAX_];

    (void)snprintf(full, sizeof(full), "model.%s", name);
    const struct sc_json_value *v = sc_json_member(r->header, full);
    return v != NULL ? v : sc_json_member(r->header, name);
}

/* A number of the list; -1: none, or none that a dimension could have. */
static int64_t number_at(const struct sc_json_value *list, size_t i)
{
    if (list == NULL || sc_json_type(list) != SC_JSON_ARRAY || i >= sc_json_count(list))
        return -1;
    return sc_json_get_int(sc_json_at(list, i), -1);
}

static int dim_of(const struct reading *r, const char *name, size_t i)
{
    const struct sc_json_value *tensor = find(r, name);
    const int64_t n = tensor == NULL ? -1 : number_at(sc_json_member(tensor, "shape"), i);
    return n < 0 || n > INT32_MAX ? -1 : (int)n;
}

static int count_layers(const struct reading *r, const char *part)
{
    char name[NAME_MAX_];
    int count = 0;

    for (bool there = true; there && count < 1000; count += there) {
        (void)snprintf(name, sizeof(name), "%s.layers.%d.fc1.weight", part, count);
        there = find(r, name) != NULL;
    }
    return count;
}

/* Without a config.json. All models have 64 numbers to a head. */
static void dims_of_shapes(struct reading *r)
{
    const int state = dim_of(r, "encoder.conv1.weight", 0);
    r->f->dims = (struct sc_whisper_dims){
        .n_vocab = dim_of(r, "decoder.embed_tokens.weight", 0),
        .n_audio_ctx = dim_of(r, "encoder.embed_positions.weight", 0),
        .n_audio_state = state,
        .n_audio_head = SC_MAX(state / 64, 1),
        .n_audio_layer = count_layers(r, "encoder"),
        .n_text_ctx = dim_of(r, "decoder.embed_positions.weight", 0),
        .n_text_state = dim_of(r, "decoder.embed_tokens.weight", 1),
        .n_text_head = SC_MAX(state / 64, 1),
        .n_text_layer = count_layers(r, "decoder"),
        .n_mels = dim_of(r, "encoder.conv1.weight", 1),
    };
}

static enum sc_code dims_of_config(struct sc_whisper_file *f, struct sc_str config,
                                   struct sc_error *err)
{
    struct sc_whisper_dims *d = &f->dims;
    const struct {
        const char *name;
        int *to;
    } rows[] = {
        { "vocab_size", &d->n_vocab },
        { "max_source_positions", &d->n_audio_ctx },
        { "d_model", &d->n_audio_state },
        { "d_model", &d->n_text_state },
        { "encoder_attention_heads", &d->n_audio_head },
        { "encoder_layers", &d->n_audio_layer },
        { "max_target_positions", &d->n_text_ctx },
        { "decoder_attention_heads", &d->n_text_head },
        { "decoder_layers", &d->n_text_layer },
        { "num_mel_bins", &d->n_mels },
    };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error why = { 0 };

    if (sc_json_parse(config, &doc, &why) != SC_OK)
        return sc_whisper_bad(err, "its config.json is no JSON: %.100s", why.msg);
    const struct sc_json_value *root = sc_json_root(doc);
    const char *kind = sc_json_get_text(sc_json_member(root, "model_type"), "whisper");
    if (strcmp(kind, "whisper") != 0)
        return sc_whisper_bad(err, "its config.json says that it is of type '%.40s', not whisper",
                              kind);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        const int64_t n = sc_json_get_int(sc_json_member(root, rows[i].name), -1);
        if (n < 0 || n > INT32_MAX)
            return sc_whisper_bad(err, "its config.json has no good '%s'", rows[i].name);
        *rows[i].to = (int)n;
    }
    return SC_OK;
}

static bool type_of(const char *name, enum sc_wtype *out)
{
    static const struct {
        const char *name;
        enum sc_wtype type;
    } rows[] = { { "F32", SC_WTYPE_F32 }, { "F16", SC_WTYPE_F16 }, { "BF16", SC_WTYPE_BF16 } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = rows[i].type;
            return true;
        }
    }
    return false;
}

static bool fits(const struct sc_wtensor *t, const struct sc_json_value *shape)
{
    if (shape == NULL || sc_json_type(shape) != SC_JSON_ARRAY ||
        sc_json_count(shape) != (size_t)t->rank)
        return false;
    for (int i = 0; i < t->rank; i++) {
        if (number_at(shape, (size_t)i) != t->dims[i])
            return false;
    }
    return true;
}

static enum sc_code read_tensor(struct reading *r, struct sc_whisper_entry *e, struct sc_error *err)
{
    const struct sc_json_value *v = find(r, e->other_name);
    struct sc_wtensor *t = &e->tensor;

    if (v == NULL)
        return sc_whisper_bad(err, "the tensor 'model.%s' is missing", e->other_name);
    const char *type = sc_json_get_text(sc_json_member(v, "dtype"), "");
    if (!type_of(type, &t->type))
        return sc_whisper_bad(err,
                              "the tensor 'model.%s' is of type '%.10s'; F32, F16 and BF16 can be "
                              "read: convert it to one of them",
                              e->other_name, type);
    if (!fits(t, sc_json_member(v, "shape")))
        return sc_whisper_bad(err,
                              "the tensor 'model.%s' has not the shape that the dimensions ask for",
                              e->other_name);
    const struct sc_json_value *offsets = sc_json_member(v, "data_offsets");
    const int64_t from = number_at(offsets, 0), to = number_at(offsets, 1);
    t->bytes = sc_wtype_bytes(t->type, t->dims[0] * sc_wtensor_row(t));
    if (from < 0 || to < from || (uint64_t)(to - from) != t->bytes)
        return sc_whisper_bad(err,
                              "the tensor 'model.%s' has a place that is not of its size; the file "
                              "is damaged",
                              e->other_name);
    if ((uint64_t)to > r->values.len)
        return sc_whisper_bad(err,
                              "the file ends before the tensor 'model.%s' does; it was not copied "
                              "whole: get it again",
                              e->other_name);
    t->data = (const unsigned char *)r->values.ptr + from;
    return SC_OK;
}

static int by_place(const void *a, const void *b)
{
    const unsigned char *x = (*(const struct sc_wtensor *const *)a)->data;
    const unsigned char *y = (*(const struct sc_wtensor *const *)b)->data;
    return (x > y) - (x < y);
}

static enum sc_code check_places(const struct sc_whisper_file *f, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    const struct sc_wtensor **sorted = sc_alloc_array(f->entry_count, sizeof(*sorted));

    for (size_t i = 0; i < f->entry_count; i++)
        sorted[i] = &f->entries[i].tensor;
    qsort(sorted, f->entry_count, sizeof(*sorted), by_place);
    for (size_t i = 1; code == SC_OK && i < f->entry_count; i++) {
        if (sorted[i]->data < sorted[i - 1]->data + sorted[i - 1]->bytes)
            code = sc_whisper_bad(err,
                                  "the tensors '%s' and '%s' lie over each other; the file is "
                                  "damaged",
                                  sorted[i - 1]->name, sorted[i]->name);
    }
    free((void *)sorted);
    return code;
}

/* Bytes that are signs of their own are written so, the others, in order, as those from 256 on. */
static bool stands_for_itself(unsigned byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad && byte <= 0xff);
}

static int byte_of(uint32_t sign)
{
    if (sign < 256)
        return stands_for_itself(sign) ? (int)sign : -1;
    for (unsigned byte = 0, n = 256; byte < 256; byte++) {
        if (!stands_for_itself(byte) && n++ == sign)
            return (int)byte;
    }
    return -1;
}

/* Appends the bytes that the token stands for; false: it is not written so. */
static bool decode_token(struct sc_str text, struct sc_buf *out)
{
    while (text.len > 0) {
        uint32_t sign = 0;
        const size_t n = sc_utf8_decode(text, &sign);
        const int byte = n == 0 ? -1 : byte_of(sign);
        if (byte < 0)
            return false;
        sc_buf_putc(out, (char)byte);
        text = (struct sc_str){ text.ptr + n, text.len - n };
    }
    return true;
}

/* vocab.json is a table of tokens and numbers; tokenizer.json has it in its model. */
static const struct sc_json_value *vocabulary_of(const struct sc_json_doc *doc)
{
    const struct sc_json_value *root = sc_json_root(doc);
    if (sc_json_type(root) != SC_JSON_OBJECT)
        return NULL;
    const struct sc_json_value *model = sc_json_member(root, "model");
    if (model == NULL || sc_json_type(model) != SC_JSON_OBJECT)
        return root;
    const struct sc_json_value *vocabulary = sc_json_member(model, "vocab");
    return vocabulary != NULL && sc_json_type(vocabulary) == SC_JSON_OBJECT ? vocabulary : NULL;
}

static enum sc_code read_tokens(struct sc_whisper_file *f, const struct sc_json_value *table,
                                size_t bytes, struct sc_error *err)
{
    const char *key;
    const struct sc_json_value *value;

    const size_t named = sc_json_count(table);
    const int text = named > INT32_MAX ? -1 : sc_whisper_text_tokens(f->dims.n_vocab, (int)named);
    if (text < 0)
        return sc_whisper_bad(err,
                              "no Whisper model has a vocabulary of %d tokens, %zu of them named",
                              f->dims.n_vocab, named);
    enum sc_code code = sc_whisper_make_tokens(f, text, err);
    if (code != SC_OK)
        return code;
    /* No token is longer than it is written: nothing moves while they are appended. */
    if (sc_buf_reserve(&f->token_bytes, bytes + 1) == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    for (void *at = NULL; (at = sc_json_next_member(table, at, &key, &value)) != NULL;) {
        const int64_t id = sc_json_get_int(value, -1);
        const size_t from = f->token_bytes.len;
        if (id < 0 || id >= f->dims.n_vocab)
            return sc_whisper_bad(err, "its vocabulary numbers the token '%.40s' beyond its size",
                                  key);
        if (id >= text)
            continue;
        if (f->tokens[id].len > 0)
            return sc_whisper_bad(err, "its vocabulary has two tokens with the number %d", (int)id);
        if (!decode_token(sc_str_from(key), &f->token_bytes))
            return sc_whisper_bad(err,
                                  "its vocabulary has a token '%.40s', which stands for no "
                                  "bytes",
                                  key);
        f->tokens[id] = (struct sc_str){ f->token_bytes.ptr + from, f->token_bytes.len - from };
        code = sc_whisper_check_token((int)id, f->tokens[id].len, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code read_vocabulary(struct sc_whisper_file *f, struct sc_str text,
                                    struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error why = { 0 };

    if (text.len == 0)
        return sc_whisper_bad(err, "its vocabulary is missing: tokenizer.json or vocab.json must "
                                   "lie beside it");
    if (sc_json_parse(text, &doc, &why) != SC_OK)
        return sc_whisper_bad(err, "its vocabulary is no JSON: %.100s", why.msg);
    const struct sc_json_value *table = vocabulary_of(doc);
    if (table == NULL)
        return sc_whisper_bad(err, "its tokenizer.json holds no vocabulary");
    return read_tokens(f, table, text.len, err);
}

static enum sc_code make_mel(struct sc_whisper_file *f, struct sc_error *err)
{
    f->mel = sc_try_alloc((size_t)f->dims.n_mels * SC_WHISPER_BINS * sizeof(*f->mel));
    if (f->mel == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    sc_mel_filters(f->dims.n_mels, f->mel);
    return SC_OK;
}

static enum sc_code read_tensors(struct reading *r, struct sc_error *err)
{
    enum sc_code code = sc_whisper_expect(r->f, err);
    for (size_t i = 0; code == SC_OK && i < r->f->entry_count; i++)
        code = read_tensor(r, &r->f->entries[i], err);
    return code == SC_OK ? check_places(r->f, err) : code;
}

enum sc_code sc_safetensors_read(struct sc_whisper_file *f, struct sc_str config,
                                 struct sc_str vocabulary, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error why = { 0 };
    const uint64_t len = header_len(f->bytes);

    if (len > f->bytes.len - 8)
        return sc_whisper_bad(err, "the file ends within its header; it was not copied whole: get "
                                   "it again");
    const struct sc_str text = { f->bytes.ptr + 8, (size_t)len };
    if (sc_json_parse(text, &doc, &why) != SC_OK)
        return sc_whisper_bad(err, "its header is no JSON: %.100s", why.msg);
    struct reading r = {
        .f = f,
        .header = sc_json_root(doc),
        .values = { text.ptr + text.len, f->bytes.len - 8 - text.len },
    };
    enum sc_code code = SC_OK;
    if (config.len > 0)
        code = dims_of_config(f, config, err);
    else
        dims_of_shapes(&r);
    if (code == SC_OK)
        code = read_tensors(&r, err);
    if (code == SC_OK)
        code = read_vocabulary(f, vocabulary, err);
    return code == SC_OK ? make_mel(f, err) : code;
}
