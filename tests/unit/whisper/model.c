/* A scripted model is a machine of pairs. Each token of the script, and each special one that it
 * needs, has a row of a Hadamard matrix as its embedding: signs of one size whose mean is 0, which
 * layer norms leave alone, and orthogonal to all others. The last layer of the decoder has a unit
 * for each pair of neighbours that fires for the first and writes the second. All else is 0, so
 * nothing that the model hears counts. */
#include "model.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "whisper/vocab.h"
#include "json/writer.h"

#include <math.h>

#include "base/banned.h"

#define SPECIALS 8
#define SCRIPT_MAX 1000

struct maker {
    struct test_model m;
    struct sc_whisper_dims dims;
    struct sc_str *tokens;
    size_t token_count, token_cap;
    int script[SCRIPT_MAX]; /* tokens */
    int script_len;
    float *embedding;
    uint64_t random;
    struct sc_buf *out;
    struct sc_json *header; /* of safetensors, whose values go to out; NULL: the ggml form */
};

/* Words that tests meet; what stands for sounds is there to be suppressed. */
static const char *const words[] = {
    " the", " of",  " and", " to",  " a",  " in", " is", " that", " it", " for",
    " you", " was", " one", " two", "The", "'s",  "'t",  "ing",   "ed",  " (",
    " [",   " \"",  " -",   " '",   "♪",   " ♪",  "--",  " \xe2", "er",  "th",
};

static uint64_t next(struct maker *k)
{
    uint64_t z = k->random += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

/* Around 0, of deviation 1: four numbers of 16 bits. */
static float normal(struct maker *k)
{
    const uint64_t z = next(k);
    const int64_t sum = (int64_t)(z & 0xffff) + (int64_t)(z >> 16 & 0xffff) +
                        (int64_t)(z >> 32 & 0xffff) + (int64_t)(z >> 48);
    return (float)((double)(sum - 131070) / 65536 * 1.7320508075688772);
}

static uint16_t half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint32_t sign = bits >> 16 & 0x8000;
    const float magnitude = fabsf(value);
    if (magnitude == 0)
        return (uint16_t)sign;
    if (!(magnitude < 65520.0F))
        return (uint16_t)(sign | (isnan(value) ? 0x7e00 : 0x7c00));
    int exponent;
    (void)frexpf(magnitude, &exponent);
    const int unit = SC_MAX(exponent, -13) - 11;
    const uint32_t steps = (uint32_t)lrintf(ldexpf(magnitude, -unit));
    return (uint16_t)(sign | (((uint32_t)(unit + 24) << 10) + steps));
}

static void put_u16(struct sc_buf *out, uint32_t value)
{
    const char bytes[2] = { (char)(value & 0xff), (char)(value >> 8 & 0xff) };
    sc_buf_append(out, bytes, sizeof(bytes));
}

static void put_i32(struct sc_buf *out, int64_t value)
{
    put_u16(out, (uint32_t)value & 0xffff);
    put_u16(out, (uint32_t)value >> 16);
}

static void put_f32(struct sc_buf *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_i32(out, bits);
}

static uint32_t bfloat_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* The block as numbers of `bits` bits, `scale` apart, from `least` on, or around 0. */
static void put_nibbles(struct sc_buf *out, const float x[32], int bits, bool least)
{
    float low = x[0], high = x[0], peak = x[0];
    uint32_t fifth = 0, numbers[32];
    const int top = (1 << bits) - 1, middle = 1 << (bits - 1);

    for (int i = 1; i < 32; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
        peak = fabsf(x[i]) > fabsf(peak) ? x[i] : peak;
    }
    const float scale = least ? (high - low) / (float)top : peak / (float)-middle;
    for (int i = 0; i < 32; i++) {
        const float from = least ? x[i] - low : x[i];
        const long n = lrintf(scale == 0 ? 0 : from / scale) + (least ? 0 : middle);
        numbers[i] = (uint32_t)SC_MAX(0, SC_MIN(n, top));
        fifth |= (numbers[i] >> 4) << i;
    }
    put_u16(out, half_of(scale));
    if (least)
        put_u16(out, half_of(low));
    if (bits == 5)
        put_i32(out, fifth);
    for (int i = 0; i < 16; i++)
        sc_buf_putc(out, (char)((numbers[i] & 15) | (numbers[i + 16] & 15) << 4));
}

static void put_bytes(struct sc_buf *out, const float x[32])
{
    float peak = 0;
    for (int i = 0; i < 32; i++)
        peak = fmaxf(peak, fabsf(x[i]));
    put_u16(out, half_of(peak / 127));
    for (int i = 0; i < 32; i++)
        sc_buf_putc(out, (char)lrintf(peak == 0 ? 0 : x[i] * 127 / peak));
}

void test_model_pack(enum sc_wtype type, const float *values, int64_t count, struct sc_buf *out)
{
    for (int64_t i = 0; i < count; i += sc_wtype_block(type)) {
        switch (type) {
        case SC_WTYPE_F32:
            put_f32(out, values[i]);
            break;
        case SC_WTYPE_F16:
            put_u16(out, half_of(values[i]));
            break;
        case SC_WTYPE_BF16:
            put_u16(out, bfloat_of(values[i]));
            break;
        case SC_WTYPE_Q4_0:
        case SC_WTYPE_Q4_1:
            put_nibbles(out, values + i, 4, type == SC_WTYPE_Q4_1);
            break;
        case SC_WTYPE_Q5_0:
        case SC_WTYPE_Q5_1:
            put_nibbles(out, values + i, 5, type == SC_WTYPE_Q5_1);
            break;
        case SC_WTYPE_Q8_0:
            put_bytes(out, values + i);
            break;
        case SC_WTYPE_COUNT_:
            abort();
        }
    }
}

static int add_token(struct maker *k, const char *bytes, size_t len)
{
    void *tokens = k->tokens;
    sc_grow(&tokens, &k->token_cap, k->token_count + 1, sizeof(*k->tokens));
    k->tokens = tokens;
    k->tokens[k->token_count] = (struct sc_str){ sc_strndup(bytes, len), len };
    return (int)k->token_count++;
}

static void add_script(struct maker *k, int token)
{
    sc_assert(k->script_len < SCRIPT_MAX);
    k->script[k->script_len++] = token;
}

static bool is_part(char c)
{
    return strchr(".,?!<", c) == NULL && c != ' ';
}

/* The token of these bytes that the script does not have yet, made where there is none: each of its
 * tokens is said once. */
static int script_token(struct maker *k, const char *bytes, size_t len)
{
    for (size_t i = 0; i < k->token_count; i++) {
        bool used = false;
        for (int j = 0; j < k->script_len; j++)
            used = used || k->script[j] == (int)i;
        if (!used && sc_str_equal(k->tokens[i], (struct sc_str){ bytes, len }))
            return (int)i;
    }
    return add_token(k, bytes, len);
}

/* Times are noted as -1 - number; the vocabulary's size is not known yet. */
static void read_script(struct maker *k)
{
    for (const char *at = k->m.script; at != NULL && *at != '\0';) {
        double seconds;
        int n = 0;
        if (sscanf(at, "<|%lf|>%n", &seconds, &n) == 1 && n > 0) {
            add_script(k, -1 - (int)lrint(seconds * 1000 / SC_VOCAB_TIME_MS));
            at += n;
            continue;
        }
        size_t len = 1;
        while (at[len] != '\0' && (is_part(at[len]) && (is_part(at[0]) || at[0] == ' ')))
            len++;
        for (size_t i = 0; i < len; i++) {
            if ((unsigned char)at[i] >= 0xc0) {
                add_script(k, script_token(k, at, i + 1));
                at += i + 1;
                len -= i + 1;
                break;
            }
        }
        add_script(k, script_token(k, at, len));
        at += len;
    }
}

static void make_vocabulary(struct maker *k)
{
    char name[16];

    for (int i = 0; i < 256; i++) {
        /* As NUL is no text for sc_strndup, its token is the two bytes that stand for it. */
        const char byte = (char)i;
        (void)add_token(k, i == 0 ? "\xc0\x80" : &byte, i == 0 ? 2 : 1);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(words); i++)
        (void)add_token(k, words[i], strlen(words[i]));
    read_script(k);
    while (k->token_count < (size_t)k->m.text_tokens) {
        const int len = snprintf(name, sizeof(name), " w%zu", k->token_count);
        (void)add_token(k, name, (size_t)len);
    }
    const int languages = SC_MAX(k->m.languages, 0);
    k->dims.n_vocab = (int)k->token_count + SPECIALS + languages + SC_VOCAB_TIMES;
    for (int i = 0; i < k->script_len; i++) {
        if (k->script[i] < 0)
            k->script[i] = k->dims.n_vocab - SC_VOCAB_TIMES - 1 - k->script[i];
    }
}

/* The name that Hugging Face gives the tensor. */
static void other_name(const char *name, struct sc_buf *out)
{
    static const char *const rows[][2] = {
        { "encoder.ln_post.", "encoder.layer_norm." },
        { "decoder.ln.", "decoder.layer_norm." },
        { "positional_embedding", "embed_positions.weight" },
        { "token_embedding", "embed_tokens" },
        { ".blocks.", ".layers." },
        { ".cross_attn_ln.", ".encoder_attn_layer_norm." },
        { ".attn_ln.", ".self_attn_layer_norm." },
        { ".mlp_ln.", ".final_layer_norm." },
        { ".cross_attn.", ".encoder_attn." },
        { ".attn.", ".self_attn." },
        { "query.", "q_proj." },
        { "key.", "k_proj." },
        { "value.", "v_proj." },
        { ".out.", ".out_proj." },
        { "mlp.0.", "fc1." },
        { "mlp.2.", "fc2." },
    };
    sc_buf_puts(out, "model.");
    while (*name != '\0') {
        size_t i = 0;
        while (i < SC_ARRAY_LEN(rows) && strncmp(name, rows[i][0], strlen(rows[i][0])) != 0)
            i++;
        if (i == SC_ARRAY_LEN(rows)) {
            sc_buf_putc(out, *name++);
            continue;
        }
        /* A point at the end is given back: the next part may begin with it. */
        const size_t skip = strlen(rows[i][0]), len = strlen(rows[i][1]);
        const size_t point = rows[i][0][skip - 1] == '.' ? 1 : 0;
        sc_buf_append(out, rows[i][1], len - point);
        name += skip - point;
    }
}

static void put_entry(struct maker *k, const char *name, const int64_t *dims, int rank)
{
    static const char *const types[SC_WTYPE_COUNT_] = { "F32", "F16", "BF16" };
    SC_AUTO_BUF full = { 0 };
    int64_t count = 1;

    sc_assert(types[k->m.type] != NULL);
    other_name(name, &full);
    sc_json_object(k->header, sc_buf_text(&full));
    sc_json_text(k->header, "dtype", types[k->m.type]);
    sc_json_array(k->header, "shape");
    for (int i = 0; i < rank; i++) {
        sc_json_int(k->header, NULL, dims[i]);
        count *= dims[i];
    }
    sc_json_end(k->header);
    sc_json_array(k->header, "data_offsets");
    sc_json_int(k->header, NULL, (int64_t)k->out->len);
    sc_json_int(k->header, NULL, (int64_t)(k->out->len + sc_wtype_bytes(k->m.type, count)));
    sc_json_end(k->header);
    sc_json_end(k->header);
}

static void put_head(struct maker *k, const char *name, enum sc_wtype type, const int64_t *dims,
                     int rank)
{
    static const int numbers[SC_WTYPE_COUNT_] = { 0, 1, 30, 2, 3, 6, 7, 8 };

    put_i32(k->out, rank);
    put_i32(k->out, (int64_t)strlen(name));
    put_i32(k->out, numbers[type]);
    for (int i = rank; i-- > 0;)
        put_i32(k->out, dims[i]);
    sc_buf_puts(k->out, name);
}

static void round_values(enum sc_wtype type, float *values, int64_t count)
{
    SC_AUTO_BUF packed = { .limit = (size_t)4 << 30 };

    test_model_pack(type, values, count, &packed);
    sc_assert(!packed.failed);
    const struct sc_wtensor t = {
        .type = type,
        .rank = 2,
        .dims = { 1, count, 1 },
        .data = (const unsigned char *)packed.ptr,
        .bytes = packed.len,
    };
    sc_wtensor_read(&t, 0, 1, values);
}

/* As the real files have it: vectors and positions are f32, convolutions no less than f16. */
static void put_tensor(struct maker *k, const char *name, float *values, const int64_t *dims,
                       int rank)
{
    const bool exact = rank == 1 || strstr(name, "positional") != NULL;
    const bool conv = strstr(name, "conv") != NULL;
    const enum sc_wtype type = exact                               ? SC_WTYPE_F32
                               : conv && k->m.type != SC_WTYPE_F32 ? SC_WTYPE_F16
                                                                   : k->m.type;
    const enum sc_wtype rounded = exact                                  ? SC_WTYPE_F32
                                  : conv && k->m.rounded != SC_WTYPE_F32 ? SC_WTYPE_F16
                                                                         : k->m.rounded;
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    if (rounded != SC_WTYPE_F32)
        round_values(rounded, values, count);
    if (k->header != NULL) {
        put_entry(k, name, dims, rank);
        test_model_pack(k->m.type, values, count, k->out);
        return;
    }
    if (conv && rank == 1)
        put_head(k, name, type, (int64_t[]){ dims[0], 1 }, 2);
    else
        put_head(k, name, type, dims, rank);
    test_model_pack(type, values, count, k->out);
}

/* Random values around `middle`; a scripted model has none. */
static void put_random(struct maker *k, const char *name, const int64_t *dims, int rank,
                       const float line[2])
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    float *values = sc_alloc_array((size_t)count, sizeof(*values));
    for (int64_t i = 0; i < count; i++)
        values[i] = line[0] + (k->m.script == NULL ? line[1] * normal(k) : 0);
    put_tensor(k, name, values, dims, rank);
    free(values);
}

static void put_vector(struct maker *k, const char *part, const char *name, int64_t size,
                       float middle)
{
    char full[96];
    (void)snprintf(full, sizeof(full), "%s.%s", part, name);
    put_random(k, full, &size, 1, (float[2]){ middle, 0.1F });
}

static void put_matrix(struct maker *k, const char *part, const char *name, int64_t rows,
                       int64_t columns)
{
    char full[96];
    (void)snprintf(full, sizeof(full), "%s.%s", part, name);
    put_random(k, full, (int64_t[]){ rows, columns }, 2,
               (float[2]){ 0, 1 / sqrtf((float)columns) });
}

static void put_norm(struct maker *k, const char *part)
{
    put_vector(k, part, "weight", k->dims.n_audio_state, 1);
    put_vector(k, part, "bias", k->dims.n_audio_state, 0);
}

static void put_attention(struct maker *k, const char *layer, const char *name)
{
    const int64_t n = k->dims.n_audio_state;
    char part[64];

    (void)snprintf(part, sizeof(part), "%s.%s_ln", layer, name);
    put_norm(k, part);
    (void)snprintf(part, sizeof(part), "%s.%s", layer, name);
    put_matrix(k, part, "query.weight", n, n);
    put_vector(k, part, "query.bias", n, 0);
    put_matrix(k, part, "key.weight", n, n);
    put_matrix(k, part, "value.weight", n, n);
    put_vector(k, part, "value.bias", n, 0);
    put_matrix(k, part, "out.weight", n, n);
    put_vector(k, part, "out.bias", n, 0);
}

static void put_mlp(struct maker *k, const char *layer)
{
    const int64_t n = k->dims.n_audio_state;
    put_matrix(k, layer, "mlp.0.weight", 4 * n, n);
    put_vector(k, layer, "mlp.0.bias", 4 * n, 0);
    put_matrix(k, layer, "mlp.2.weight", n, 4 * n);
    put_vector(k, layer, "mlp.2.bias", n, 0);
}

/* The units of the machine. */
struct machine {
    float *in, *bias, *out; /* of mlp.0 and mlp.2 */
    int units;
};

static void pair(struct maker *k, struct machine *x, int from, int to, float gain)
{
    const int n = k->dims.n_audio_state, unit = x->units++;
    const float *a = k->embedding + (ptrdiff_t)from * n, *b = k->embedding + (ptrdiff_t)to * n;

    /* Fires with 0.2 n for its token and is -0.3 n for all others, where GELU is 0. */
    sc_assert(unit < 4 * n);
    for (int i = 0; i < n; i++) {
        x->in[unit * n + i] = a[i] / 2;
        x->out[i * 4 * n + unit] = b[i] * gain * 4 / (0.2F * (float)n);
    }
    x->bias[unit] = -0.3F * (float)n;
}

/* Behind eot: sot, languages, translate, transcribe, solm, prev, no_speech, no_timestamps. */
struct specials {
    int eot, sot, translate, transcribe, no_speech, no_timestamps;
};

static struct specials specials_of(const struct maker *k)
{
    const int text = (int)k->token_count, times = k->dims.n_vocab - SC_VOCAB_TIMES;
    return (struct specials){ text, text + 1, times - 6, times - 5, times - 2, times - 1 };
}

static void put_machine(struct maker *k, const char *layer)
{
    const int64_t n = k->dims.n_audio_state;
    const struct specials s = specials_of(k);
    struct machine x = {
        .in = sc_alloc_array((size_t)(4 * n * n), sizeof(float)),
        .out = sc_alloc_array((size_t)(4 * n * n), sizeof(float)),
        .bias = sc_alloc_array((size_t)(4 * n), sizeof(float)),
    };
    char name[64];
    const int *script = k->script, len = k->script_len, first_time = s.no_timestamps + 1;
    int last_word = s.eot, first_word = s.eot;

    for (int i = 0; i + 1 < len; i++)
        pair(k, &x, script[i], script[i + 1], 1);
    for (int i = len; i-- > 0;) {
        if (script[i] < s.eot) {
            first_word = script[i];
            last_word = last_word == s.eot ? script[i] : last_word;
        }
    }
    pair(k, &x, s.transcribe, script[0], 1);
    pair(k, &x, s.translate, script[0], 1);
    pair(k, &x, s.no_timestamps, first_word, 1);
    pair(k, &x, script[len - 1], s.eot, 1);
    /* Without times the text ends with its last word. */
    if (script[len - 1] >= first_time && last_word != s.eot)
        pair(k, &x, last_word, s.eot, 0.6F);
    pair(k, &x, s.sot, k->m.silent ? s.no_speech : k->m.languages > 0 ? s.sot + 1 : script[0], 1);
    if (k->m.silent)
        pair(k, &x, s.sot, k->m.languages > 0 ? s.sot + 1 : script[0], 0.8F);
    (void)snprintf(name, sizeof(name), "%s.mlp.0.weight", layer);
    put_tensor(k, name, x.in, (int64_t[]){ 4 * n, n }, 2);
    (void)snprintf(name, sizeof(name), "%s.mlp.0.bias", layer);
    put_tensor(k, name, x.bias, (int64_t[]){ 4 * n }, 1);
    (void)snprintf(name, sizeof(name), "%s.mlp.2.weight", layer);
    put_tensor(k, name, x.out, (int64_t[]){ n, 4 * n }, 2);
    put_vector(k, layer, "mlp.2.bias", n, 0);
    free(x.in);
    free(x.out);
    free(x.bias);
}

static void embed(struct maker *k, int token, int row)
{
    const int n = k->dims.n_audio_state;

    sc_assert(row < n);
    for (int i = 0; i < n; i++)
        k->embedding[(ptrdiff_t)token * n + i] = __builtin_parity((unsigned)(row & i)) ? -1 : 1;
}

static void make_embedding(struct maker *k)
{
    const struct specials s = specials_of(k);
    const int special[] = { s.eot,        s.sot,       s.sot + 1,      s.translate,
                            s.transcribe, s.no_speech, s.no_timestamps };
    const int n = k->dims.n_audio_state;
    int row = 1;

    k->embedding = sc_alloc_array((size_t)k->dims.n_vocab * (size_t)n, sizeof(*k->embedding));
    if (k->m.script == NULL) {
        for (int64_t i = 0; i < (int64_t)k->dims.n_vocab * n; i++)
            k->embedding[i] = normal(k) / sqrtf((float)n);
        return;
    }
    /* An English-only model has a task where others have their first language. */
    for (size_t i = 0; i < SC_ARRAY_LEN(special); i++)
        embed(k, special[i], row++);
    for (int i = 0; i < k->script_len; i++)
        embed(k, k->script[i], row++);
}

static void put_front(struct maker *k)
{
    const struct sc_whisper_dims *d = &k->dims;
    static const int32_t types[SC_WTYPE_COUNT_] = { 0, 1, 24, 2, 3, 8, 9, 7 };
    const int32_t numbers[] = { 0x67676d6c,      d->n_vocab,       d->n_audio_ctx, d->n_audio_state,
                                d->n_audio_head, d->n_audio_layer, d->n_text_ctx,  d->n_text_state,
                                d->n_text_head,  d->n_text_layer,  d->n_mels,      types[k->m.type],
                                d->n_mels,       SC_WHISPER_BINS };
    float *mel = sc_alloc_array((size_t)d->n_mels * SC_WHISPER_BINS, sizeof(*mel));

    for (size_t i = 0; i < SC_ARRAY_LEN(numbers); i++)
        put_i32(k->out, numbers[i]);
    for (int b = 0; b < d->n_mels; b++) {
        /* Our own bands: even ones, so that a test cannot mistake them for Slaney's. */
        for (int i = 0; i < SC_WHISPER_BINS; i++) {
            const float width = (float)SC_WHISPER_BINS / (float)d->n_mels + 1;
            const float gap = fabsf((float)i - width * ((float)b + 0.5F) + (float)b / 2);
            mel[b * SC_WHISPER_BINS + i] = fmaxf(0, 1 - gap / width) / 32;
        }
    }
    test_model_pack(SC_WTYPE_F32, mel, (int64_t)d->n_mels * SC_WHISPER_BINS, k->out);
    free(mel);
    put_i32(k->out, (int64_t)k->token_count);
    for (size_t i = 0; i < k->token_count; i++) {
        put_i32(k->out, (int64_t)k->tokens[i].len);
        sc_buf_put_str(k->out, k->tokens[i]);
    }
}

static void put_tensors(struct maker *k)
{
    const struct sc_whisper_dims *d = &k->dims;
    const int64_t n = d->n_audio_state;
    char layer[48];

    put_random(k, "encoder.positional_embedding", (int64_t[]){ d->n_audio_ctx, n }, 2,
               (float[2]){ 0, 0.5F });
    put_random(k, "encoder.conv1.weight", (int64_t[]){ n, d->n_mels, 3 }, 3,
               (float[2]){ 0, 1 / sqrtf((float)d->n_mels * 3) });
    put_random(k, "encoder.conv1.bias", &n, 1, (float[2]){ 0, 0.1F });
    put_random(k, "encoder.conv2.weight", (int64_t[]){ n, n, 3 }, 3,
               (float[2]){ 0, 1 / sqrtf((float)n * 3) });
    put_random(k, "encoder.conv2.bias", &n, 1, (float[2]){ 0, 0.1F });
    put_norm(k, "encoder.ln_post");
    for (int i = 0; i < d->n_audio_layer; i++) {
        (void)snprintf(layer, sizeof(layer), "encoder.blocks.%d", i);
        put_attention(k, layer, "attn");
        (void)snprintf(layer, sizeof(layer), "encoder.blocks.%d.mlp_ln", i);
        put_norm(k, layer);
        (void)snprintf(layer, sizeof(layer), "encoder.blocks.%d", i);
        put_mlp(k, layer);
    }
    put_random(k, "decoder.positional_embedding", (int64_t[]){ d->n_text_ctx, n }, 2,
               (float[2]){ 0, 0.1F });
    put_tensor(k, "decoder.token_embedding.weight", k->embedding, (int64_t[]){ d->n_vocab, n }, 2);
    put_norm(k, "decoder.ln");
    for (int i = 0; i < d->n_text_layer; i++) {
        (void)snprintf(layer, sizeof(layer), "decoder.blocks.%d", i);
        put_attention(k, layer, "attn");
        put_attention(k, layer, "cross_attn");
        (void)snprintf(layer, sizeof(layer), "decoder.blocks.%d.mlp_ln", i);
        put_norm(k, layer);
        (void)snprintf(layer, sizeof(layer), "decoder.blocks.%d", i);
        if (k->m.script != NULL && i + 1 == d->n_text_layer)
            put_machine(k, layer);
        else
            put_mlp(k, layer);
    }
}

static int or_default(int value, int fallback)
{
    return value == 0 ? fallback : value;
}

static void set_dims(struct maker *k)
{
    struct test_model *m = &k->m;
    m->state = or_default(m->state, 64);
    m->languages = or_default(m->languages, 4);
    make_vocabulary(k);
    while (m->script != NULL && m->state < k->script_len + SPECIALS)
        m->state *= 2;
    m->heads = or_default(m->heads, (m->state + 63) / 64);
    m->layers = or_default(m->layers, 1);
    k->dims = (struct sc_whisper_dims){
        .n_vocab = k->dims.n_vocab,
        .n_audio_ctx = SC_WHISPER_POSITIONS,
        .n_audio_state = m->state,
        .n_audio_head = m->heads,
        .n_audio_layer = m->layers,
        .n_text_ctx = or_default(m->text_ctx, 448),
        .n_text_state = m->state,
        .n_text_head = m->heads,
        .n_text_layer = or_default(m->text_layers, m->layers),
        .n_mels = or_default(m->mels, 80),
    };
}

static void maker_done(struct maker *k)
{
    for (size_t i = 0; i < k->token_count; i++)
        free((void *)(uintptr_t)k->tokens[i].ptr);
    free(k->tokens);
    free(k->embedding);
}

void test_model_ggml(const struct test_model *m, struct sc_buf *out)
{
    struct maker k = { .m = *m, .random = m->seed, .out = out };

    out->limit = (size_t)4 << 30;
    set_dims(&k);
    make_embedding(&k);
    put_front(&k);
    put_tensors(&k);
    sc_assert(!out->failed);
    maker_done(&k);
}

/* Each byte as a sign that can be printed. */
static void put_printable(struct sc_buf *out, struct sc_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint32_t sign = (unsigned char)bytes.ptr[i];
        /* Those before '!', from DEL to 0xa0, and 0xad are numbered from 256 on. */
        if (sign <= 32)
            sign += 256;
        else if (sign >= 127 && sign <= 160)
            sign += 256 + 33 - 127;
        else if (sign == 173)
            sign = 256 + 67;
        sc_utf8_append(out, sign);
    }
}

static void put_vocabulary(struct maker *k, struct sc_buf *out)
{
    struct sc_json w;

    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    for (size_t i = 0; i < k->token_count; i++) {
        SC_AUTO_BUF key = { 0 };
        put_printable(&key, k->tokens[i]);
        sc_json_int(&w, sc_buf_text(&key), (int64_t)i);
    }
    sc_json_end(&w);
}

static void put_config(struct maker *k, struct sc_buf *out)
{
    const struct sc_whisper_dims *d = &k->dims;
    struct sc_json w;

    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "model_type", "whisper");
    sc_json_int(&w, "vocab_size", d->n_vocab);
    sc_json_int(&w, "max_source_positions", d->n_audio_ctx);
    sc_json_int(&w, "d_model", d->n_audio_state);
    sc_json_int(&w, "encoder_attention_heads", d->n_audio_head);
    sc_json_int(&w, "encoder_layers", d->n_audio_layer);
    sc_json_int(&w, "max_target_positions", d->n_text_ctx);
    sc_json_int(&w, "decoder_attention_heads", d->n_text_head);
    sc_json_int(&w, "decoder_layers", d->n_text_layer);
    sc_json_int(&w, "num_mel_bins", d->n_mels);
    sc_json_end(&w);
}

void test_model_safetensors(const struct test_model *m, struct test_safetensors *out)
{
    SC_AUTO_BUF values = { .limit = (size_t)4 << 30 };
    SC_AUTO_BUF header = { 0 };
    struct sc_json w;
    struct maker k = { .m = *m, .random = m->seed, .out = &values, .header = &w };

    *out = (struct test_safetensors){ .weights = { .limit = (size_t)4 << 30 } };
    set_dims(&k);
    make_embedding(&k);
    sc_json_begin(&w, &header);
    sc_json_object(&w, NULL);
    sc_json_object(&w, "__metadata__");
    sc_json_text(&w, "format", "pt");
    sc_json_end(&w);
    put_tensors(&k);
    sc_json_end(&w);
    put_i32(&out->weights, (int64_t)header.len);
    put_i32(&out->weights, 0);
    sc_buf_put_str(&out->weights, sc_buf_str(&header));
    sc_buf_put_str(&out->weights, sc_buf_str(&values));
    put_config(&k, &out->config);
    put_vocabulary(&k, &out->vocabulary);
    sc_assert(!out->weights.failed && !out->vocabulary.failed);
    maker_done(&k);
}

void test_safetensors_done(struct test_safetensors *s)
{
    sc_buf_done(&s->weights);
    sc_buf_done(&s->config);
    sc_buf_done(&s->vocabulary);
}

static bool write_bytes(const char *path, struct sc_str bytes)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL)
        return false;
    const bool good = fwrite(bytes.ptr, 1, bytes.len, f) == bytes.len;
    return fclose(f) == 0 && good;
}

bool test_model_write_folder(const struct test_model *m, const char *folder)
{
    SC_AUTO(test_safetensors_done) struct test_safetensors s = { 0 };
    SC_AUTO_FREE char *weights = sc_asprintf("%s/model.safetensors", folder);
    SC_AUTO_FREE char *config = sc_asprintf("%s/config.json", folder);
    SC_AUTO_FREE char *vocabulary = sc_asprintf("%s/vocab.json", folder);

    test_model_safetensors(m, &s);
    return write_bytes(weights, sc_buf_str(&s.weights)) &&
           write_bytes(config, sc_buf_str(&s.config)) &&
           write_bytes(vocabulary, sc_buf_str(&s.vocabulary));
}

bool test_model_write(const struct test_model *m, const char *path)
{
    SC_AUTO_BUF bytes = { 0 };

    test_model_ggml(m, &bytes);
    return write_bytes(path, sc_buf_str(&bytes));
}

const struct test_model test_golden_model = {
    .text_tokens = 50257, .languages = 99, .state = 64, .heads = 2, .layers = 2, .seed = 11
};

const struct test_model test_told_model = {
    .text_tokens = 50257, .languages = 99, .state = 64, .seed = 9
};

/* Triangles that rise and fall in pitch and strength, and noise; in whole numbers. */
void test_golden_sound(int16_t *pcm, size_t samples)
{
    uint32_t random = 1, phase = 0;

    for (size_t i = 0; i < samples; i++) {
        const int32_t swell = abs((int32_t)(i % 16000) - 8000);
        random = random * 1664525 + 1013904223;
        phase += 40000000U + (uint32_t)swell * 5000U;
        const int32_t wave = abs((int32_t)(phase >> 16) - 32768) - 16384;
        pcm[i] = (int16_t)(wave * (8000 - swell) / 8000 + (int32_t)(random >> 24) - 128);
    }
}
