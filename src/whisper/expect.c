/* Which tensors a Whisper model has, and in what shapes: all of it follows from its dimensions. */
#include "base/alloc.h"
#include "whisper/align.h"
#include "whisper/file-internal.h"
#include "whisper/mel.h"

#include "base/banned.h"

enum size {
    NONE,
    VOCAB,
    POSITIONS,
    STATE,
    WIDE, /* four times the state */
    TEXT,
    MELS,
    KERNEL
};

struct row {
    const char *name, *other_name;
    enum size dims[SC_WTENSOR_RANK];
};

static const struct row whole[] = {
    { "encoder.positional_embedding", "encoder.embed_positions.weight", { POSITIONS, STATE } },
    { "encoder.conv1.weight", "encoder.conv1.weight", { STATE, MELS, KERNEL } },
    { "encoder.conv1.bias", "encoder.conv1.bias", { STATE } },
    { "encoder.conv2.weight", "encoder.conv2.weight", { STATE, STATE, KERNEL } },
    { "encoder.conv2.bias", "encoder.conv2.bias", { STATE } },
    { "encoder.ln_post.weight", "encoder.layer_norm.weight", { STATE } },
    { "encoder.ln_post.bias", "encoder.layer_norm.bias", { STATE } },
    { "decoder.positional_embedding", "decoder.embed_positions.weight", { TEXT, STATE } },
    { "decoder.token_embedding.weight", "decoder.embed_tokens.weight", { VOCAB, STATE } },
    { "decoder.ln.weight", "decoder.layer_norm.weight", { STATE } },
    { "decoder.ln.bias", "decoder.layer_norm.bias", { STATE } },
};

/* Of each layer of the encoder and of the decoder. Keys have no bias. */
static const struct row layer[] = {
    { "attn_ln.weight", "self_attn_layer_norm.weight", { STATE } },
    { "attn_ln.bias", "self_attn_layer_norm.bias", { STATE } },
    { "attn.query.weight", "self_attn.q_proj.weight", { STATE, STATE } },
    { "attn.query.bias", "self_attn.q_proj.bias", { STATE } },
    { "attn.key.weight", "self_attn.k_proj.weight", { STATE, STATE } },
    { "attn.value.weight", "self_attn.v_proj.weight", { STATE, STATE } },
    { "attn.value.bias", "self_attn.v_proj.bias", { STATE } },
    { "attn.out.weight", "self_attn.out_proj.weight", { STATE, STATE } },
    { "attn.out.bias", "self_attn.out_proj.bias", { STATE } },
    { "mlp_ln.weight", "final_layer_norm.weight", { STATE } },
    { "mlp_ln.bias", "final_layer_norm.bias", { STATE } },
    { "mlp.0.weight", "fc1.weight", { WIDE, STATE } },
    { "mlp.0.bias", "fc1.bias", { WIDE } },
    { "mlp.2.weight", "fc2.weight", { STATE, WIDE } },
    { "mlp.2.bias", "fc2.bias", { STATE } },
};

/* Of each layer of the decoder. */
static const struct row cross[] = {
    { "cross_attn_ln.weight", "encoder_attn_layer_norm.weight", { STATE } },
    { "cross_attn_ln.bias", "encoder_attn_layer_norm.bias", { STATE } },
    { "cross_attn.query.weight", "encoder_attn.q_proj.weight", { STATE, STATE } },
    { "cross_attn.query.bias", "encoder_attn.q_proj.bias", { STATE } },
    { "cross_attn.key.weight", "encoder_attn.k_proj.weight", { STATE, STATE } },
    { "cross_attn.value.weight", "encoder_attn.v_proj.weight", { STATE, STATE } },
    { "cross_attn.value.bias", "encoder_attn.v_proj.bias", { STATE } },
    { "cross_attn.out.weight", "encoder_attn.out_proj.weight", { STATE, STATE } },
    { "cross_attn.out.bias", "encoder_attn.out_proj.bias", { STATE } },
};

static int64_t size_of(enum size size, const struct sc_whisper_dims *d)
{
    switch (size) {
    case VOCAB:
        return d->n_vocab;
    case POSITIONS:
        return d->n_audio_ctx;
    case STATE:
        return d->n_audio_state;
    case WIDE:
        return 4 * (int64_t)d->n_audio_state;
    case TEXT:
        return d->n_text_ctx;
    case MELS:
        return d->n_mels;
    case KERNEL:
        return 3;
    case NONE:
        break;
    }
    return 1;
}

static void add(struct sc_whisper_file *f, const struct row *row, const char *part, int number)
{
    struct sc_whisper_entry *e = &f->entries[f->entry_count++];

    if (part == NULL) {
        (void)snprintf(e->name, sizeof(e->name), "%s", row->name);
        (void)snprintf(e->other_name, sizeof(e->other_name), "%s", row->other_name);
    } else {
        (void)snprintf(e->name, sizeof(e->name), "%s.blocks.%d.%s", part, number, row->name);
        (void)snprintf(e->other_name, sizeof(e->other_name), "%s.layers.%d.%s", part, number,
                       row->other_name);
    }
    for (int i = 0; i < SC_WTENSOR_RANK; i++) {
        e->tensor.dims[i] = size_of(row->dims[i], &f->dims);
        if (row->dims[i] != NONE)
            e->tensor.rank = i + 1;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sc_whisper_entry *)a)->name,
                  ((const struct sc_whisper_entry *)b)->name);
}

static enum sc_code check(const struct sc_whisper_dims *d, struct sc_error *err)
{
    /* Bars that are far above the largest model there is: 1280 wide, 32 layers, 20 heads. */
    const struct {
        const char *name;
        int value, min, max;
    } rows[] = {
        { "n_vocab", d->n_vocab, 1, 100000 },
        { "n_audio_ctx", d->n_audio_ctx, SC_WHISPER_POSITIONS, SC_WHISPER_POSITIONS },
        { "n_audio_state", d->n_audio_state, 2, 8192 },
        { "n_audio_head", d->n_audio_head, 1, 128 },
        { "n_audio_layer", d->n_audio_layer, 1, 128 },
        { "n_text_ctx", d->n_text_ctx, 16, 4096 },
        { "n_text_state", d->n_text_state, d->n_audio_state, d->n_audio_state },
        { "n_text_head", d->n_text_head, 1, 128 },
        { "n_text_layer", d->n_text_layer, 1, 128 },
        { "n_mels", d->n_mels, 1, 256 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (rows[i].value < rows[i].min || rows[i].value > rows[i].max)
            return sc_whisper_bad(err,
                                  "no Whisper model has %s = %d; the file is damaged, or it "
                                  "is another kind of model",
                                  rows[i].name, rows[i].value);
    }
    if (d->n_audio_state % 2 != 0 || d->n_audio_state % d->n_audio_head != 0 ||
        d->n_text_state % d->n_text_head != 0)
        return sc_whisper_bad(err, "a state of %d cannot be shared by %d and %d heads",
                              d->n_audio_state, d->n_audio_head, d->n_text_head);
    return SC_OK;
}

enum sc_code sc_whisper_expect(struct sc_whisper_file *f, struct sc_error *err)
{
    const struct sc_whisper_dims *d = &f->dims;

    enum sc_code code = check(d, err);
    if (code != SC_OK)
        return code;
    f->entries = sc_alloc_array(
        SC_ARRAY_LEN(whole) + SC_ARRAY_LEN(layer) * (size_t)(d->n_audio_layer + d->n_text_layer) +
            SC_ARRAY_LEN(cross) * (size_t)d->n_text_layer,
        sizeof(*f->entries));
    for (size_t i = 0; i < SC_ARRAY_LEN(whole); i++)
        add(f, &whole[i], NULL, 0);
    for (int n = 0; n < d->n_audio_layer; n++) {
        for (size_t i = 0; i < SC_ARRAY_LEN(layer); i++)
            add(f, &layer[i], "encoder", n);
    }
    for (int n = 0; n < d->n_text_layer; n++) {
        for (size_t i = 0; i < SC_ARRAY_LEN(layer); i++)
            add(f, &layer[i], "decoder", n);
        for (size_t i = 0; i < SC_ARRAY_LEN(cross); i++)
            add(f, &cross[i], "decoder", n);
    }
    qsort(f->entries, f->entry_count, sizeof(*f->entries), by_name);
    for (size_t i = 0; i < f->entry_count; i++)
        f->entries[i].tensor.name = f->entries[i].name;
    return SC_OK;
}

struct sc_whisper_entry *sc_whisper_find(const struct sc_whisper_file *f, const char *name)
{
    size_t low = 0, high = f->entry_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, f->entries[middle].name);
        if (order == 0)
            return &f->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static int64_t count_of(const struct row *rows, size_t count, const struct sc_whisper_dims *d)
{
    int64_t values = 0;
    for (size_t i = 0; i < count; i++)
        values +=
            size_of(rows[i].dims[0], d) * size_of(rows[i].dims[1], d) * size_of(rows[i].dims[2], d);
    return values;
}

/* Values of all tensors. */
static int64_t weights_of(const struct sc_whisper_dims *d)
{
    return count_of(whole, SC_ARRAY_LEN(whole), d) +
           count_of(layer, SC_ARRAY_LEN(layer), d) * (d->n_audio_layer + d->n_text_layer) +
           count_of(cross, SC_ARRAY_LEN(cross), d) * d->n_text_layer;
}

/* Bytes of the weights: panels are wider than an odd state, or vocabulary. */
static int64_t weight_bytes(const struct sc_whisper_dims *d)
{
    const int64_t state = d->n_audio_state, layers = d->n_audio_layer + d->n_text_layer;
    const int64_t wider = state % 32 == 0 ? 0 : 31 * state * 16 * layers;
    return (int64_t)sizeof(float) * (weights_of(d) + 31 * state + wider);
}

int sc_whisper_hypotheses(const struct sc_whisper_use *use)
{
    return SC_MIN(SC_MAX(1, SC_MAX(use->beam, use->best_of)), SC_WHISPER_HYPOTHESES);
}

/* What heads attended to while a window's text was read once more, of one window at a time, what is
 * made of it, and its costs. A text takes half of the context at most. */
static int64_t alignment(const struct sc_whisper_dims *d)
{
    struct sc_head heads[SC_ALIGN_HEADS];
    const size_t most = SC_MAX(sc_align_heads(d, true, heads), sc_align_heads(d, false, heads));
    return ((int64_t)most + 3) * (d->n_text_ctx / 2 + 8) * d->n_audio_ctx + d->n_vocab;
}

/* Bytes of a clip: its samples, their spectrum, and that of the window at hand once more. */
static int64_t sound_of(const struct sc_whisper_dims *d, const struct sc_whisper_use *use)
{
    const int64_t frames = (int64_t)use->clip_s * SC_MEL_RATE / SC_MEL_STEP + SC_MEL_WINDOW;
    return (int64_t)use->clip_s * SC_MEL_RATE * (int64_t)sizeof(int16_t) +
           frames * d->n_mels * (int64_t)sizeof(float);
}

int64_t sc_whisper_memory(const struct sc_whisper_dims *d, const struct sc_whisper_use *use)
{
    const int64_t state = d->n_audio_state, positions = d->n_audio_ctx, text = d->n_text_ctx;
    const int64_t audio_head = state / d->n_audio_head, text_head = state / d->n_text_head;
    const int64_t windows = use->batch, sequences = windows * sc_whisper_hypotheses(use);
    /* Keys and values of a window, of all heads: their panels are up to 31 columns wider. */
    const int64_t panels = positions * state + 31 * state;
    const int64_t itself = panels + positions * (state + d->n_audio_head * (-audio_head & 31));
    const int64_t looked_at = panels + positions * (state + d->n_text_head * (-text_head & 31));
    /* The spectrum, what the first convolution makes of it, three rows of each position. Of
     * windows that are encoded together (at most 4), and for each thread (16) a block of rows. */
    const int64_t passing =
        (2 * positions + 2) * (d->n_mels + state) + 3 * positions * state + itself;
    const int64_t block = 12 * state * state * (int64_t)sizeof(float) > 16 << 20 ? 180 : 60;
    const int64_t thread = SC_MAX(5 * block * state, 60 * (positions + 31));
    /* Tokens of a window's hypotheses: what is ahead of the text is shared, half of the context at
     * most, and held once more by what was said at the temperature before; the text of each is the
     * other half. The rows of a call are those ahead, of all windows. */
    const int64_t token = 2 * (int64_t)d->n_text_layer * state;
    const int64_t ahead = text / 2 + 8;
    const int64_t window =
        (int64_t)d->n_text_layer * looked_at + 2 * ahead * token + ahead * state * 7;
    const int64_t sequence = text / 2 * token + d->n_vocab;
    const int64_t scores = 60 * (positions + 31);
    const int64_t once =
        (windows > 0 ? 16 * (thread + scores) + 64 * token : 0) + (use->words ? alignment(d) : 0);
    return weight_bytes(d) + windows * sound_of(d, use) +
           (int64_t)sizeof(float) *
               (windows * window + SC_MIN(windows, 4) * passing + once + sequences * sequence);
}
