/* The ggml form: magic, eleven numbers, mel filters, tokens, then one tensor after the other, each
 * with its own head. All numbers are little-endian; the innermost dimension comes first. */
#include "base/alloc.h"
#include "whisper/file-internal.h"

#include <math.h>

#include "base/banned.h"

static const char magic[] = { 'l', 'm', 'g', 'g' };

struct cursor {
    struct sc_str rest;
    size_t at; /* of rest in the file */
};

/* The next len bytes; NULL: the file ends before. */
static const unsigned char *take(struct cursor *c, size_t len)
{
    if (len > c->rest.len)
        return NULL;
    const char *at = c->rest.ptr;
    c->rest.ptr += len;
    c->rest.len -= len;
    c->at += len;
    return (const unsigned char *)at;
}

static enum sc_code ends(const struct cursor *c, const char *within, struct sc_error *err)
{
    return sc_whisper_bad(err,
                          "the file ends within %s, %zu bytes behind its beginning; it was "
                          "not copied whole: get it again",
                          within, c->at + c->rest.len);
}

static int32_t to_i32(const unsigned char *at)
{
    return (int32_t)((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                     (uint32_t)at[3] << 24);
}

static bool take_ints(struct cursor *c, int32_t *out, size_t count)
{
    const unsigned char *at = take(c, 4 * count);
    for (size_t i = 0; at != NULL && i < count; i++)
        out[i] = to_i32(at + 4 * i);
    return at != NULL;
}

bool sc_ggml_is(struct sc_str bytes)
{
    return bytes.len >= sizeof(magic) && memcmp(bytes.ptr, magic, sizeof(magic)) == 0;
}

static enum sc_code read_dims(struct cursor *c, struct sc_whisper_file *f, struct sc_error *err)
{
    int32_t n[11];

    (void)take(c, sizeof(magic));
    if (!take_ints(c, n, SC_ARRAY_LEN(n)))
        return ends(c, "its dimensions", err);
    /* The eleventh is the type of most tensors, each of which says its own. */
    f->dims = (struct sc_whisper_dims){
        .n_vocab = n[0],
        .n_audio_ctx = n[1],
        .n_audio_state = n[2],
        .n_audio_head = n[3],
        .n_audio_layer = n[4],
        .n_text_ctx = n[5],
        .n_text_state = n[6],
        .n_text_head = n[7],
        .n_text_layer = n[8],
        .n_mels = n[9],
    };
    return sc_whisper_expect(f, err);
}

static enum sc_code read_mel(struct cursor *c, struct sc_whisper_file *f, struct sc_error *err)
{
    int32_t n[2];

    if (!take_ints(c, n, SC_ARRAY_LEN(n)))
        return ends(c, "its mel filters", err);
    if (n[0] != f->dims.n_mels || n[1] != SC_WHISPER_BINS)
        return sc_whisper_bad(err,
                              "its mel filters are %d x %d where %d x %d are needed; the file is "
                              "damaged",
                              n[0], n[1], f->dims.n_mels, SC_WHISPER_BINS);
    const size_t count = (size_t)n[0] * SC_WHISPER_BINS;
    const struct sc_wtensor filters = {
        .type = SC_WTYPE_F32,
        .rank = 1,
        .dims = { (int64_t)count, 1, 1 },
        .data = take(c, count * sizeof(float)),
    };
    if (filters.data == NULL)
        return ends(c, "its mel filters", err);
    f->mel = sc_alloc_array(count, sizeof(*f->mel));
    sc_wtensor_read(&filters, 0, filters.dims[0], f->mel);
    for (size_t i = 0; i < count; i++) {
        if (!(f->mel[i] >= 0 && f->mel[i] <= 1))
            return sc_whisper_bad(err, "a mel filter holds %g; the file is damaged",
                                  (double)f->mel[i]);
    }
    return SC_OK;
}

static enum sc_code read_tokens(struct cursor *c, struct sc_whisper_file *f, struct sc_error *err)
{
    int32_t named;

    if (!take_ints(c, &named, 1))
        return ends(c, "its vocabulary", err);
    const int text = named < 0 ? -1 : sc_whisper_text_tokens(f->dims.n_vocab, named);
    if (text < 0)
        return sc_whisper_bad(err,
                              "no Whisper model has a vocabulary of %d tokens, %d of them named; "
                              "the file is damaged, or it is another kind of model",
                              f->dims.n_vocab, named);
    enum sc_code code = sc_whisper_make_tokens(f, text, err);
    if (code != SC_OK)
        return code;
    for (int i = 0; i < named; i++) {
        int32_t len;
        if (!take_ints(c, &len, 1))
            return ends(c, "its vocabulary", err);
        if (len < 0)
            return sc_whisper_bad(err, "token %d is %d bytes long; the file is damaged", i, len);
        code = sc_whisper_check_token(i, (size_t)len, err);
        if (code != SC_OK)
            return code;
        const unsigned char *token = take(c, (size_t)len);
        if (token == NULL)
            return ends(c, "its vocabulary", err);
        if (i < text)
            f->tokens[i] = (struct sc_str){ (const char *)token, (size_t)len };
    }
    return SC_OK;
}

/* ggml's own numbers of types. */
static bool type_of(int32_t number, enum sc_wtype *out)
{
    static const struct {
        int32_t number;
        enum sc_wtype type;
    } rows[] = {
        { 0, SC_WTYPE_F32 },  { 1, SC_WTYPE_F16 },  { 2, SC_WTYPE_Q4_0 }, { 3, SC_WTYPE_Q4_1 },
        { 6, SC_WTYPE_Q5_0 }, { 7, SC_WTYPE_Q5_1 }, { 8, SC_WTYPE_Q8_0 }, { 30, SC_WTYPE_BF16 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (rows[i].number == number) {
            *out = rows[i].type;
            return true;
        }
    }
    return false;
}

/* Are the file's dimensions, innermost first, those of the tensor? Biases of convolutions have one
 * of size 1 more. */
static bool fits(const struct sc_wtensor *t, const int32_t *dims, int rank)
{
    while (rank > t->rank && dims[0] == 1) {
        dims++;
        rank--;
    }
    if (rank != t->rank)
        return false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] != t->dims[rank - 1 - i])
            return false;
    }
    return true;
}

struct head {
    int32_t rank, name_len, type;
    int32_t dims[4];
    char name[64];
};

static enum sc_code read_head(struct cursor *c, struct head *head, struct sc_error *err)
{
    int32_t n[3];

    if (!take_ints(c, n, SC_ARRAY_LEN(n)))
        return ends(c, "the head of a tensor", err);
    *head = (struct head){ .rank = n[0], .name_len = n[1], .type = n[2] };
    if (head->rank < 1 || head->rank > (int32_t)SC_ARRAY_LEN(head->dims) || head->name_len < 1 ||
        head->name_len >= (int32_t)sizeof(head->name))
        return sc_whisper_bad(err,
                              "what stands %zu bytes behind its beginning is no head of a tensor; "
                              "the file is damaged",
                              c->at - 4 * SC_ARRAY_LEN(n));
    if (!take_ints(c, head->dims, (size_t)head->rank))
        return ends(c, "the head of a tensor", err);
    const unsigned char *name = take(c, (size_t)head->name_len);
    if (name == NULL)
        return ends(c, "the name of a tensor", err);
    for (int i = 0; i < head->name_len; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return sc_whisper_bad(err, "a tensor's name is no text; the file is damaged");
        head->name[i] = (char)name[i];
    }
    return SC_OK;
}

static enum sc_code read_tensor(struct cursor *c, struct sc_whisper_file *f, struct sc_error *err)
{
    struct head head;
    enum sc_wtype type;

    enum sc_code code = read_head(c, &head, err);
    if (code != SC_OK)
        return code;
    struct sc_whisper_entry *e = sc_whisper_find(f, head.name);
    if (e == NULL)
        return sc_whisper_bad(err, "no Whisper model of its dimensions has a tensor '%s'",
                              head.name);
    struct sc_wtensor *t = &e->tensor;
    if (t->data != NULL)
        return sc_whisper_bad(err, "the tensor '%s' is there twice; the file is damaged", t->name);
    if (!fits(t, head.dims, head.rank))
        return sc_whisper_bad(err,
                              "the tensor '%s' has not the shape that the dimensions ask for; the "
                              "file is damaged",
                              t->name);
    if (!type_of(head.type, &type) || t->dims[t->rank - 1] % sc_wtype_block(type) != 0)
        return sc_whisper_bad(err,
                              "the tensor '%s' is of type %d; f32, f16, bf16, q4_0, q4_1, q5_0, "
                              "q5_1 and q8_0 can be read: convert it to one of them",
                              t->name, head.type);
    if (t->rank == 1 && sc_wtype_block(type) != 1)
        return sc_whisper_bad(err, "the vector '%s' is quantised; the file is damaged", t->name);
    const size_t bytes = sc_wtype_bytes(type, t->dims[0] * sc_wtensor_row(t));
    const unsigned char *data = take(c, bytes);
    if (data == NULL)
        return sc_whisper_bad(
            err,
            "the file ends within the tensor '%s', at %zu of its %zu bytes: get it "
            "again, whole",
            t->name, c->rest.len, bytes);
    t->type = type;
    t->data = data;
    t->bytes = bytes;
    return SC_OK;
}

enum sc_code sc_ggml_read(struct sc_whisper_file *f, struct sc_error *err)
{
    struct cursor c = { .rest = f->bytes };

    enum sc_code code = read_dims(&c, f, err);
    if (code == SC_OK)
        code = read_mel(&c, f, err);
    if (code == SC_OK)
        code = read_tokens(&c, f, err);
    while (code == SC_OK && c.rest.len > 0)
        code = read_tensor(&c, f, err);
    for (size_t i = 0; code == SC_OK && i < f->entry_count; i++) {
        if (f->entries[i].tensor.data == NULL)
            code = sc_whisper_bad(err,
                                  "the tensor '%s' is missing: the file was not copied whole, get "
                                  "it again",
                                  f->entries[i].name);
    }
    return code;
}
