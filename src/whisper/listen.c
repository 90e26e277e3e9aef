#include "whisper/listen.h"

#include "base/alloc.h"
#include "whisper/align.h"
#include "whisper/mel.h"
#include "whisper/telling.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

/* Frames of a part of a spectrum. */
#define MEL_FRAMES 512
/* Less sound than this is no window. */
#define REST_FRAMES 10
/* Beyond what any model computes, by far, and small enough to be reckoned with. */
#define LOGIT_MAX 1e30f
/* Half a window of the encoder's: samples that a frame reaches to either side. */
#define FRAME_SIDE 200

struct sc_listener {
    float *filters; /* of its spectrum */
    struct sc_vocab *vocab;
    struct sc_net *net;
    struct sc_pool *pool;
    struct sc_windows *windows;
    struct sc_sequences *sequences;
    size_t capacity; /* of sequences */
    struct sc_head heads[SC_ALIGN_HEADS];
    size_t head_count;
};

/* A clip at work. */
struct hearing {
    struct sc_listen_clip *clip;
    struct sc_decode_options options;
    struct sc_mel *mel;
    int frames; /* of the clip */
    int until;  /* windows begin in front of this one */
    int seek;   /* where the next window begins */
    bool begun; /* a window was heard … */
    bool spoke; /* … and in one something was said */
    float loudest;
    int told;     /* the language's token; -1: it is to be heard … */
    int language; /* … and has been so first, where something was said */
    struct sc_past past;
    struct sc_random *chance;
    float *spectrum; /* of the window */
    bool over;       /* its answer is whole */
};

struct listening {
    struct sc_listener *l;
    struct hearing *all;
    size_t count;
    const struct sc_stop *stop;
    size_t mel_parts; /* of each clip */
    /* Of the windows that are heard now. */
    struct hearing **live;
    size_t live_count;
    size_t sequences; /* of each */
};

struct sc_listen_wishes sc_listen_wishes_usual(void)
{
    return (struct sc_listen_wishes){
        .language = "",
        .prompt = "",
        .hotwords = "",
        .words = true,
        .decode = { .language = -1,
                    .timestamps = true,
                    .temperature_step = 0.2f,
                    .best_of = SC_WHISPER_BEST_OF,
                    .beam = 1,
                    .limits = { .logprob_min = -1,
                                .entropy_min = 2.4f,
                                .compression_max = 2.4f,
                                .no_speech_max = 0.6f,
                                .loops = true } },
    };
}

void sc_listen_clip_done(struct sc_listen_clip *c)
{
    sc_segments_done(&c->segments);
    sc_buf_done(&c->log);
    sc_carry_done(&c->carry);
    c->language[0] = '\0';
}

void sc_listener_close(struct sc_listener *l)
{
    if (l == NULL)
        return;
    sc_sequences_close(l->sequences);
    sc_windows_close(l->windows);
    sc_net_close(l->net);
    sc_pool_close(l->pool);
    sc_vocab_free(l->vocab);
    free(l->filters);
    free(l);
}

static float *copy_filters(const struct sc_whisper_file *file)
{
    const size_t count = (size_t)sc_whisper_file_dims(file)->n_mels * SC_WHISPER_BINS;
    float *filters = sc_alloc_array(count, sizeof(*filters));
    memcpy(filters, sc_whisper_file_mel(file), count * sizeof(*filters));
    return filters;
}

enum sc_code sc_listener_open(const char *path, int threads, const struct sc_stop *stop,
                              struct sc_listener **out, struct sc_error *err)
{
    SC_AUTO(sc_listener_closep) struct sc_listener *l = sc_alloc(sizeof(*l));
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    enum sc_code code = sc_whisper_file_open(path, &file, err);
    if (code == SC_OK)
        code = sc_vocab_of(file, &l->vocab, err);
    if (code == SC_OK)
        code = sc_pool_open(threads, &l->pool, err);
    const struct sc_net_options options = { .precision = SC_PRECISION_F32,
                                            .pool = l->pool,
                                            .stop = stop };
    if (code == SC_OK)
        code = sc_net_open(file, &options, &l->net, err);
    if (code == SC_OK)
        code = sc_whisper_file_check(file, err);
    if (code != SC_OK)
        return code;
    l->filters = copy_filters(file);
    l->windows = sc_windows_open(l->net, false);
    l->head_count = sc_align_heads(sc_net_dims(l->net), !l->vocab->multilingual, l->heads);
    *out = SC_TAKE(l);
    return SC_OK;
}

const struct sc_vocab *sc_listener_vocab(const struct sc_listener *l)
{
    return l->vocab;
}

static bool is_auto(const char *language)
{
    return language[0] == '\0' || strcmp(language, "auto") == 0;
}

/* The token of the wished language; -1: it is to be heard, or the model has no such token. */
static int language_of(const struct sc_listener *l, const struct sc_listen_wishes *wishes)
{
    return is_auto(wishes->language) ? -1 : sc_vocab_language_token(l->vocab, wishes->language);
}

enum sc_code sc_listener_check(const struct sc_listener *l, const struct sc_listen_wishes *wishes,
                               struct sc_error *err)
{
    char code[SC_LANGUAGE_TEXT] = "en";
    if (!l->vocab->multilingual && wishes->translate)
        return sc_error_field(err, SC_E_INVALID_VALUE, "task",
                              "this model knows English only and cannot translate: use task "
                              "transcribe, or a model without .en in its name");
    if (is_auto(wishes->language))
        return SC_OK;
    (void)sc_language_code(sc_str_from(wishes->language), code);
    if (!l->vocab->multilingual && strcmp(code, "en") != 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "language",
                              "this model knows English only, not '%.16s': use a model without .en "
                              "in its name",
                              wishes->language);
    if (l->vocab->multilingual && language_of(l, wishes) < 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "language",
                              "this model does not know the language '%.16s': leave it out, or use "
                              "another model",
                              wishes->language);
    return SC_OK;
}

/* Who asked for few holds up nobody else: 0, all, where one of them did not ask. */
static int threads_for(const struct sc_listen_clip *clips, size_t count)
{
    int most = 0;
    for (size_t i = 0; i < count; i++) {
        if (clips[i].wishes.threads == 0)
            return 0;
        most = SC_MAX(most, clips[i].wishes.threads);
    }
    return most;
}

/* ---- preparing ---- */

static void listening_done(struct listening *g)
{
    for (size_t i = 0; g->all != NULL && i < g->count; i++) {
        sc_mel_free(g->all[i].mel);
        sc_past_done(&g->all[i].past);
        free(g->all[i].chance);
        free(g->all[i].spectrum);
    }
    free(g->all);
    free(g->live);
}

/* Text ahead of a window: first what should be preferred, then what was said before. */
static bool add_text(struct hearing *h, const struct sc_listener *l, const char *text)
{
    SC_AUTO_BUF spaced = { 0 };
    size_t max = (size_t)sc_net_dims(l->net)->n_text_ctx;
    int32_t *tokens SC_AUTO_FREE = sc_try_alloc(max * sizeof(*tokens));
    struct sc_str trimmed = sc_str_trim(sc_str_from(text));
    if (tokens == NULL || trimmed.len == 0)
        return tokens != NULL;
    sc_buf_putc(&spaced, ' ');
    sc_buf_put_str(&spaced, trimmed);
    size_t count = sc_vocab_encode(l->vocab, sc_buf_str(&spaced), tokens, max);
    return sc_past_add(&h->past, tokens, count);
}

/* Text that goes ahead of the first window: hot words, then the prompt, or what the part before
 * has left of it and of what was said. */
static bool begin_past(struct hearing *h, const struct sc_listener *l)
{
    const struct sc_listen_wishes *wishes = &h->clip->wishes;
    const struct sc_carry *from = h->clip->from;
    bool keeps = wishes->previous && wishes->carry_prompt;
    if (!add_text(h, l, wishes->hotwords))
        return false;
    h->past.kept = wishes->previous ? h->past.count : 0;
    if ((from == NULL || keeps) && !add_text(h, l, wishes->prompt))
        return false;
    h->past.kept = keeps ? h->past.count : h->past.kept;
    return from == NULL || sc_past_add(&h->past, from->past.tokens, from->past.count);
}

/* Goes on where the part before has ended. */
static void go_on(struct hearing *h, const struct sc_listener *l, const struct sc_carry *from)
{
    int64_t seek = from->frame - h->clip->first_frame;
    h->seek = (int)SC_MAX(0, SC_MIN(seek, (int64_t)INT32_MAX / 2));
    h->loudest = from->loudest;
    const struct sc_listen_wishes *wishes = &h->clip->wishes;
    if (h->told < 0 && l->vocab->multilingual && !wishes->each_window && from->language[0] != '\0')
        h->language = sc_vocab_language_token(l->vocab, from->language);
    for (size_t i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++)
        sc_random_skip(&h->chance[i], from->drawn[i]);
}

static enum sc_code prepare(struct hearing *h, struct sc_listener *l, struct sc_error *err)
{
    struct sc_listen_clip *clip = h->clip;
    const struct sc_listen_wishes *wishes = &clip->wishes;
    int bands = sc_net_dims(l->net)->n_mels;
    h->options = wishes->decode;
    h->options.translate = wishes->translate;
    h->told = h->language = language_of(l, wishes);
    if (!wishes->non_speech)
        h->options.suppressed = sc_vocab_non_speech(l->vocab, &h->options.suppressed_count);
    h->frames =
        clip->samples < FRAME_SIDE ? 0 : (int)((clip->samples - FRAME_SIDE) / SC_MEL_STEP) + 1;
    h->chance = sc_try_alloc(SC_DECODE_HYPOTHESES_MAX * sizeof(*h->chance));
    h->spectrum = sc_try_alloc((size_t)bands * SC_MEL_WINDOW * sizeof(*h->spectrum));
    if (h->chance == NULL || h->spectrum == NULL || !begin_past(h, l))
        return sc_error_set(err, SC_E_INTERNAL, "no memory left to hear a clip");
    for (uint32_t i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++)
        sc_random_seed(&h->chance[i], i);
    h->until = clip->until_frame == 0
                   ? h->frames
                   : (int)SC_MIN((int64_t)h->frames, clip->until_frame - clip->first_frame);
    h->loudest = SC_MEL_SILENCE;
    if (clip->from != NULL)
        go_on(h, l, clip->from);
    return sc_mel_open(clip->pcm, clip->samples, bands, l->filters, &h->mel, err);
}

static void mel_part(void *ctx, size_t part, int thread)
{
    const struct listening *g = ctx;
    (void)thread;
    sc_mel_part(g->all[part / g->mel_parts].mel, (int)(part % g->mel_parts), (int)g->mel_parts);
}

static enum sc_code cancelled(struct sc_error *err)
{
    return sc_error_set(err, SC_E_CANCELLED, "stopped");
}

static enum sc_code prepare_all(struct listening *g, struct sc_error *err)
{
    g->mel_parts = 1;
    for (size_t i = 0; i < g->count; i++) {
        enum sc_code code = prepare(&g->all[i], g->l, err);
        if (code != SC_OK)
            return code;
        g->mel_parts = SC_MAX(g->mel_parts, (size_t)g->all[i].frames / MEL_FRAMES);
    }
    if (!sc_pool_run(g->l->pool, mel_part, g, g->count * g->mel_parts, g->stop))
        return cancelled(err);
    for (size_t i = 0; i < g->count; i++)
        g->all[i].loudest = sc_mel_finish(g->all[i].mel, g->all[i].loudest);
    return SC_OK;
}

/* ---- how far it is ---- */

/* So many frames of the window are done. What is begun anew at another temperature takes nothing
 * back. */
static void tell_progress(const struct hearing *h, int frames)
{
    atomic_int *progress = h->clip->progress;
    if (progress == NULL || h->until <= 0)
        return;
    int percent = (int)(100 * (int64_t)SC_MIN(h->seek + frames, h->until) / h->until);
    if (percent > atomic_load(progress))
        atomic_store(progress, percent);
}

/* Of the work on a window, by the number of layers. */
static double encoders_share(const struct sc_listener *l)
{
    const struct sc_whisper_dims *dims = sc_net_dims(l->net);
    return (double)dims->n_audio_layer / (dims->n_audio_layer + dims->n_text_layer);
}

static void tell_window(const struct listening *g, size_t window, double share)
{
    const struct hearing *h = g->live[window];
    tell_progress(h, (int)(share * SC_MIN(h->frames - h->seek, SC_WINDOW_FRAMES)));
}

static void encoded(void *ctx, double share)
{
    const struct listening *g = ctx;
    for (size_t i = 0; i < g->live_count; i++)
        tell_window(g, i, share * encoders_share(g->l));
}

static void reached(void *ctx, size_t window, int frames)
{
    const struct listening *g = ctx;
    const double before = encoders_share(g->l);
    tell_window(g, window,
                before + (1 - before) * SC_MIN(frames, SC_WINDOW_FRAMES) / SC_WINDOW_FRAMES);
}

/* ---- the network as decoding sees it ---- */

static bool stopped(void *ctx)
{
    const struct listening *g = ctx;
    return g->stop != NULL && g->stop->fn(g->stop->ctx);
}

/* Weights that are no numbers, or too large ones, make logits that are none, of which no token can
 * be chosen: a damaged file, or one that was made to do harm. */
static enum sc_code compute(const struct listening *g, const struct sc_decode *job,
                            struct sc_error *err)
{
    enum sc_code code = sc_net_decode(g->l->net, job, err);
    size_t values = job->count * (size_t)sc_net_dims(g->l->net)->n_vocab;
    for (size_t i = 0; i < values && code == SC_OK; i++) {
        if (!(fabsf(job->logits[i]) <= LOGIT_MAX))
            code =
                sc_error_field(err, SC_E_MODEL_ERROR, "model",
                               "the model computes what is no number: its file is damaged, bring "
                               "it again or choose another");
    }
    return code;
}

static void start(void *ctx, size_t seq, size_t window)
{
    const struct listening *g = ctx;
    sc_sequences_start(g->l->sequences, seq, window);
}

static void copy(void *ctx, size_t to, size_t from)
{
    const struct listening *g = ctx;
    sc_sequences_copy(g->l->sequences, to, from);
}

static enum sc_code step(void *ctx, const struct sc_step *steps, size_t count, float *logits,
                         struct sc_error *err)
{
    const struct listening *g = ctx;
    const struct sc_decode job = {
        .pool = g->l->pool,
        .windows = g->l->windows,
        .sequences = g->l->sequences,
        .steps = steps,
        .count = count,
        .logits = logits,
        .stop = g->stop,
    };
    return compute(g, &job, err);
}

static enum sc_code make_room(struct sc_listener *l, size_t sequences, struct sc_error *err)
{
    if (l->capacity >= sequences)
        return SC_OK;
    sc_sequences_close(SC_TAKE(l->sequences));
    l->capacity = 0;
    enum sc_code code = sc_sequences_open(l->net, sequences, &l->sequences, err);
    if (code == SC_OK)
        l->capacity = sequences;
    return code;
}

/* ---- times of words ---- */

/* What the decoder reads once more to tell when each token of its text is said: text between the
 * start of the transcript and its end. */
static size_t text_again(const struct sc_listener *l, const struct hearing *h,
                         const struct sc_decode_window *w, int32_t *line, size_t *ahead)
{
    const struct sc_vocab *v = l->vocab;
    size_t count = 0;
    line[count++] = v->sot;
    if (v->multilingual) {
        line[count++] = w->language;
        line[count++] = h->options.translate ? v->translate : v->transcribe;
    }
    *ahead = count;
    line[count++] = v->no_timestamps;
    count += sc_telling_text(v, w, line + count);
    line[count++] = v->eot;
    return count;
}

/* *starts: owned by the caller; NULL where nothing was said. */
static enum sc_code align(struct listening *g, const struct hearing *h,
                          const struct sc_decode_window *w, size_t seq, int32_t **starts,
                          struct sc_error *err)
{
    struct sc_listener *l = g->l;
    const struct sc_whisper_dims *dims = sc_net_dims(l->net);
    size_t context = (size_t)dims->n_audio_ctx;
    int32_t *line SC_AUTO_FREE = sc_try_alloc((w->said_count + 8) * sizeof(*line));
    float *logits SC_AUTO_FREE = sc_try_alloc((size_t)dims->n_vocab * sizeof(*logits));
    if (line == NULL || logits == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory left for the times of words");
    struct sc_attention a = { .heads = l->head_count, .stride = context };
    a.tokens = text_again(l, h, w, line, &a.ahead);
    a.positions = SC_MIN((size_t)SC_MIN(w->frames, SC_WINDOW_FRAMES) / 2, context);
    if (a.tokens - a.ahead < 3 || a.tokens > (size_t)dims->n_text_ctx)
        return SC_OK;
    float *weights SC_AUTO_FREE =
        sc_try_alloc(a.tokens * SC_MAX(a.heads, 1) * context * sizeof(*weights));
    int32_t *made SC_AUTO_FREE = sc_try_alloc(a.tokens * sizeof(*made));
    if (weights == NULL || made == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory left for the times of words");
    struct sc_heads heads = { .heads = l->heads, .count = l->head_count, .weights = weights };
    const struct sc_step again = { .seq = seq, .tokens = line, .count = a.tokens };
    const struct sc_decode job = {
        .pool = l->pool,
        .windows = l->windows,
        .sequences = l->sequences,
        .steps = &again,
        .count = 1,
        .logits = logits,
        .heads = &heads,
        .stop = g->stop,
    };
    sc_sequences_start(l->sequences, seq, w->window);
    enum sc_code code = compute(g, &job, err);
    a.weights = weights;
    if (code == SC_OK)
        code = sc_align(&a, g->stop, made, err);
    if (code == SC_OK)
        *starts = SC_TAKE(made);
    return code;
}

/* ---- windows ---- */

static void note_doubts(struct hearing *h, const struct sc_decode_window *w)
{
    const struct sc_fallback *limits = &w->options->limits;
    struct sc_buf *log = &h->clip->log;
    if (!w->failed)
        return;
    sc_buf_printf(log, "from %.2f s on: doubtful at temperature %.1f", h->seek / 100.0,
                  (double)w->temperature);
    if (w->unlikely)
        sc_buf_printf(log, ", avg_logprob %.2f is below %.2f", (double)w->avg_log,
                      (double)limits->logprob_min);
    if (w->swells)
        sc_buf_printf(log, ", compression_ratio %.2f is above %.2f", (double)w->compression,
                      (double)limits->compression_max);
    if (w->loops)
        sc_buf_puts(log, ", says the same again and again");
    if (!w->unlikely && !w->swells && !w->loops)
        sc_buf_puts(log, ", comes to no end, or loops by its entropy");
    sc_buf_putc(log, '\n');
}

/* Of a window in which nobody speaks it is a guess, which counts until somebody does. Unless each
 * is heard for itself, the first has told all others which it is. */
static void note_language(struct hearing *h, const struct sc_decode_window *w)
{
    bool speaks = !w->silence && w->compression > 0;
    if (!h->begun || !h->clip->wishes.each_window || (speaks && !h->spoke))
        h->language = w->language;
    h->begun = true;
    h->spoke = h->spoke || speaks;
}

/* What was said in a window goes into the answer of its clip, which goes on behind it. */
static enum sc_code take(struct listening *g, struct hearing *h, const struct sc_decode_window *w,
                         size_t seq, struct sc_error *err)
{
    struct sc_listen_clip *clip = h->clip;
    int32_t *starts SC_AUTO_FREE = NULL;
    enum sc_code code = SC_OK;
    if (clip->told != NULL)
        clip->told(clip->told_ctx, w, h->seek);
    if (clip->wishes.words && !w->silence)
        code = align(g, h, w, seq, &starts, err);
    if (code != SC_OK)
        return code;
    const struct sc_telling telling = {
        .vocab = g->l->vocab,
        .window = w,
        .frame = h->seek,
        .length_ms = (int64_t)clip->samples * 1000 / SC_MEL_RATE,
        .words = clip->wishes.words,
        .language = clip->wishes.tell_language && h->told < 0,
        .starts = starts,
    };
    if (!sc_tell(&telling, &clip->segments) ||
        (clip->wishes.previous && !sc_past_follow(&h->past, w)))
        return sc_error_set(err, SC_E_INTERNAL, "no memory left for what was said");
    note_doubts(h, w);
    note_language(h, w);
    h->seek += sc_next_window(g->l->vocab, w);
    tell_progress(h, 0);
    return SC_OK;
}

static void name_language(const struct listening *g, const struct hearing *h)
{
    const char *code = sc_vocab_language(g->l->vocab, h->language);
    if (!g->l->vocab->multilingual)
        code = "en";
    (void)snprintf(h->clip->language, sizeof(h->clip->language), "%s",
                   code == NULL || !h->begun ? "" : code);
}

static bool is_unwanted(const struct sc_listen_clip *clip)
{
    return clip->unwanted != NULL && atomic_load(clip->unwanted);
}

/* False: no memory. */
static bool hand_on(const struct listening *g, struct hearing *h)
{
    struct sc_carry *out = &h->clip->carry;
    const char *code = sc_vocab_language(g->l->vocab, h->language);
    if (h->clip->until_frame == 0)
        return true;
    *out = (struct sc_carry){ .frame = h->clip->first_frame + h->seek, .loudest = h->loudest };
    (void)snprintf(out->language, sizeof(out->language), "%s", code == NULL ? "" : code);
    for (size_t i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++)
        out->drawn[i] = h->chance[i].drawn;
    return h->past.count == h->past.kept ||
           sc_past_add(&out->past, h->past.tokens + h->past.kept, h->past.count - h->past.kept);
}

static bool goes_on(const struct hearing *h)
{
    return !is_unwanted(h->clip) && h->seek < h->until && h->seek + REST_FRAMES < h->frames;
}

/* Its sound is at its end, or nobody wants it any more: then it gives its answer. */
static enum sc_code end_clip(const struct listening *g, struct hearing *h, struct sc_error *err)
{
    struct sc_listen_clip *clip = h->clip;
    clip->left = is_unwanted(clip);
    h->over = true;
    if (clip->left)
        sc_listen_clip_done(clip);
    else if (!hand_on(g, h))
        return sc_error_set(err, SC_E_INTERNAL, "no memory left for what is handed on");
    else
        name_language(g, h);
    if (clip->done != NULL)
        clip->done(clip->done_ctx, clip);
    return SC_OK;
}

/* A window is told as soon as it is decoded, and so is a clip that it is the last of. */
static enum sc_code over(void *ctx, const struct sc_decode_window *w, struct sc_error *err)
{
    struct listening *g = ctx;
    struct hearing *h = g->live[w->window];
    enum sc_code code = take(g, h, w, w->window * g->sequences, err);
    if (code == SC_OK && !goes_on(h))
        return end_clip(g, h, err);
    if (code == SC_OK && h->clip->grown != NULL)
        h->clip->grown(h->clip->grown_ctx, h->clip);
    return code;
}

static void set_window(struct hearing *h, size_t window, struct sc_decode_window *w)
{
    h->options.language = h->clip->wishes.each_window ? h->told : h->language;
    *w = (struct sc_decode_window){
        .options = &h->options,
        .window = window,
        .frames = h->frames - h->seek,
        .past = h->past.tokens,
        .past_count = sc_past_ahead(&h->past, h->clip->first_frame + h->seek,
                                    h->clip->first_frame + h->frames),
        .past_kept = h->past.kept,
        .chance = h->chance,
        .unwanted = h->clip->unwanted,
    };
    sc_mel_window(h->mel, (size_t)h->seek, h->spectrum);
}

static enum sc_code hear_windows(struct listening *g, struct sc_decode_window *windows,
                                 struct sc_error *err)
{
    struct sc_listener *l = g->l;
    struct hearing **live = g->live;
    const size_t count = g->live_count;
    const float **mels SC_AUTO_FREE = sc_alloc_array(count, sizeof(*mels));
    const struct sc_decode_net net = { .ctx = g,
                                       .text_ctx = sc_net_dims(l->net)->n_text_ctx,
                                       .start = start,
                                       .copy = copy,
                                       .step = step,
                                       .stopped = stopped,
                                       .over = over,
                                       .reached = reached };
    g->sequences = 1;
    for (size_t i = 0; i < count; i++) {
        set_window(live[i], i, &windows[i]);
        mels[i] = live[i]->spectrum;
        g->sequences = SC_MAX(g->sequences, sc_decode_sequences(&live[i]->options));
    }
    enum sc_code code = make_room(l, count * g->sequences, err);
    sc_windows_watch(l->windows, encoded, g);
    if (code == SC_OK)
        code = sc_net_encode(l->net, l->pool, mels, count, g->stop, l->windows, err);
    if (code == SC_OK)
        code = sc_decode_windows(&net, l->vocab, windows, count, g->sequences, err);
    sc_windows_watch(l->windows, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        sc_decode_window_done(&windows[i]);
    return code;
}

static enum sc_code hear_all(struct listening *g, struct sc_error *err)
{
    struct sc_decode_window *windows SC_AUTO_FREE = sc_alloc_array(g->count, sizeof(*windows));
    for (;;) {
        g->live_count = 0;
        for (size_t i = 0; i < g->count; i++) {
            struct hearing *h = &g->all[i];
            enum sc_code code = SC_OK;
            if (!h->over && goes_on(h))
                g->live[g->live_count++] = h;
            else if (!h->over)
                code = end_clip(g, h, err);
            if (code != SC_OK)
                return code;
        }
        if (g->live_count == 0)
            return SC_OK;
        enum sc_code code = hear_windows(g, windows, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_listen(struct sc_listener *l, struct sc_listen_clip *clips, size_t count,
                       const struct sc_stop *stop, struct sc_error *err)
{
    SC_AUTO(listening_done) struct listening g = { .l = l, .count = count, .stop = stop };
    g.all = sc_alloc_array(SC_MAX(count, 1), sizeof(*g.all));
    g.live = sc_alloc_array(SC_MAX(count, 1), sizeof(struct hearing *));
    for (size_t i = 0; i < count; i++)
        g.all[i].clip = &clips[i];
    sc_pool_use(l->pool, threads_for(clips, count));
    enum sc_code code = prepare_all(&g, err);
    if (code == SC_OK)
        code = hear_all(&g, err);
    for (size_t i = 0; i < count && code != SC_OK; i++)
        sc_listen_clip_done(&clips[i]);
    return code;
}
