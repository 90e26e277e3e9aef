/* Times of tokens by attention (DTW), of the text that the reference said: what the same heads
 * attend to in both networks, and when each token begins by that.
 *
 * Two of its choices are taken over for comparing, and are not ours otherwise: it leaves the task
 * out of what it reads once more, and gives each token the time of the row behind its own. */
#include "heard.h"
#include "model.h"
#include "tokens.h"
#include "whisper/align.h"
#include "whisper/mel.h"

#include "base/alloc.h"

#include <math.h>
#include <whisper.h>

#include "base/banned.h"

#define LINE_MAX 448
/* Of the largest weight. */
#define ATTENTION_ALLOWED 5e-3

static const struct way way = { "times of tokens", "en", "", .plain = true, .beam = 1 };

struct table {
    struct sc_whisper_file *file;
    struct sc_vocab *vocab;
    struct sc_net *net;
    struct sc_pool *pool;
    struct sc_windows *windows;
    struct sc_sequences *sequences;
    struct sc_head heads[SC_ALIGN_HEADS];
    size_t head_count;
};

static void must(enum sc_code code, const struct sc_error *err)
{
    if (code == SC_OK)
        return;
    (void)fprintf(stderr, "parity: %s\n", err->msg);
    exit(2);
}

/* The order in which the reference tells them. */
static int by_place(const void *a, const void *b)
{
    const struct sc_head *x = a, *y = b;
    return x->layer != y->layer ? x->layer - y->layer : x->head - y->head;
}

static void open_table(struct table *t, const char *path)
{
    struct sc_error err = { 0 };
    must(sc_whisper_file_open(path, &t->file, &err), &err);
    must(sc_vocab_of(t->file, &t->vocab, &err), &err);
    must(sc_pool_open(1, &t->pool, &err), &err);
    must(sc_net_open(t->file, &(struct sc_net_options){ .pool = t->pool }, &t->net, &err), &err);
    t->windows = sc_windows_open(t->net, false);
    must(sc_sequences_open(t->net, 1, &t->sequences, &err), &err);
    t->head_count = sc_align_heads(sc_net_dims(t->net), false, t->heads);
    qsort(t->heads, t->head_count, sizeof(t->heads[0]), by_place);
}

static void close_table(struct table *t)
{
    sc_sequences_close(t->sequences);
    sc_windows_close(t->windows);
    sc_net_close(t->net);
    sc_pool_close(t->pool);
    sc_vocab_free(t->vocab);
    sc_whisper_file_close(t->file);
}

/* The reference, told to look at the same heads. */
static struct whisper_context *open_reference(const struct table *t, const char *path)
{
    whisper_ahead heads[SC_ALIGN_HEADS];
    struct whisper_context_params params = whisper_context_default_params();
    for (size_t i = 0; i < t->head_count; i++)
        heads[i] = (whisper_ahead){ t->heads[i].layer, t->heads[i].head };
    params.use_gpu = false;
    params.flash_attn = false;
    params.dtw_token_timestamps = true;
    params.dtw_aheads_preset = WHISPER_AHEADS_CUSTOM;
    params.dtw_aheads = (struct whisper_aheads){ t->head_count, heads };
    struct whisper_context *ctx = whisper_init_from_file_with_params_no_state(path, params);
    if (ctx == NULL)
        exit(2);
    return ctx;
}

static size_t encode(const struct table *t, const int16_t *pcm, size_t samples)
{
    const struct sc_whisper_dims *dims = sc_net_dims(t->net);
    SC_AUTO(sc_mel_freep) struct sc_mel *m = NULL;
    struct sc_error err = { 0 };
    float *mel SC_AUTO_FREE = sc_alloc_array((size_t)dims->n_mels * SC_MEL_WINDOW, sizeof(*mel));
    must(sc_mel_open(pcm, samples, dims->n_mels, sc_whisper_file_mel(t->file), &m, &err), &err);
    sc_mel_part(m, 0, 1);
    (void)sc_mel_finish(m, SC_MEL_SILENCE);
    sc_mel_window(m, 0, mel);
    must(sc_net_encode(t->net, t->pool, (const float *const[]){ mel }, 1, NULL, t->windows, &err),
         &err);
    return SC_MIN((samples - 200) / SC_MEL_STEP + 1, (size_t)SC_MEL_WINDOW) / 2;
}

/* Our attention to the text that the reference said. */
static void attend(const struct table *t, const struct heard *said, struct sc_attention *a,
                   float *weights)
{
    const struct sc_vocab *v = t->vocab;
    int32_t line[LINE_MAX] = { v->sot, v->sot + 1, v->no_timestamps };
    struct sc_error err = { 0 };
    a->tokens = 3;
    for (int i = 0; i < said->token_count; i++) {
        if (said->tokens[i] < v->eot)
            line[a->tokens++] = said->tokens[i];
    }
    line[a->tokens++] = v->eot;
    float *logits SC_AUTO_FREE = sc_alloc_array((size_t)v->size, sizeof(*logits));
    struct sc_heads heads = { t->heads, t->head_count, weights };
    const struct sc_step once = { 0, line, a->tokens };
    const struct sc_decode job = { .pool = t->pool,
                                   .windows = t->windows,
                                   .sequences = t->sequences,
                                   .steps = &once,
                                   .count = 1,
                                   .logits = logits,
                                   .heads = &heads };
    sc_sequences_start(t->sequences, 0, 0);
    must(sc_net_decode(t->net, &job, &err), &err);
    a->weights = weights;
}

/* How far our attention is from the reference's, of the largest; NAN: it cannot be compared. */
static double attention_gap(const struct whisper_state *state, const struct sc_attention *a)
{
    const float *theirs = reference_attention(state, a->tokens * a->stride * a->heads);
    double gap = 0, largest = 0;
    for (size_t i = 0; theirs != NULL && i < a->tokens * a->heads * a->stride; i++) {
        /* Ours are tokens, heads, positions; theirs heads, positions, tokens. */
        size_t token = i / a->stride / a->heads, head = i / a->stride % a->heads;
        size_t at = (head * a->stride + i % a->stride) * a->tokens + token;
        gap = fmax(gap, fabs((double)theirs[at] - (double)a->weights[i]));
        largest = fmax(largest, (double)theirs[at]);
    }
    return theirs == NULL ? NAN : gap / largest;
}

static bool compare(const char *name, const struct table *t, const struct heard *said,
                    size_t positions, const struct whisper_state *state)
{
    struct sc_attention a = { .heads = t->head_count,
                              .stride = (size_t)sc_net_dims(t->net)->n_audio_ctx,
                              .positions = positions,
                              .ahead = 2 };
    float *weights SC_AUTO_FREE = sc_alloc_array(LINE_MAX * a.heads * a.stride, sizeof(*weights));
    int32_t starts[LINE_MAX];
    int tokens = 0, apart = 0;
    struct sc_error err = { 0 };
    attend(t, said, &a, weights);
    must(sc_align(&a, NULL, starts, &err), &err);
    for (int i = 0; i < said->token_count; i++) {
        if (said->tokens[i] < t->vocab->eot)
            apart += said->dtw[i] != 2 * starts[++tokens];
    }
    double gap = attention_gap(state, &a);
    bool good = tokens > 100 && gap <= ATTENTION_ALLOWED && apart == 0;
    (void)printf("%-32s %-5zu %.1e <= %.0e   %d of %d%s\n", name, a.heads, gap, ATTENTION_ALLOWED,
                 tokens - apart, tokens, good ? "" : " !");
    (void)fflush(stdout);
    return good;
}

#define REAL .text_tokens = 50257, .languages = 99
static const struct {
    const char *name;
    struct test_model model;
} models[] = {
    { "64 wide, 1+1 layers, 1 head", { REAL, .state = 64, .seed = 21 } },
    { "128 wide, 1+1 layers", { REAL, .state = 128, .seed = 22 } },
    { "128 wide, 1+3 layers", { REAL, .state = 128, .text_layers = 3, .seed = 23 } },
    { "192 wide, 2+3 layers", { REAL, .state = 192, .layers = 2, .text_layers = 3, .seed = 24 } },
    { "64 wide, 1+1 layers, 128 bands",
      { .text_tokens = 50257, .languages = 100, .state = 64, .mels = 128, .seed = 25 } },
};

int parity_words(const int16_t *pcm, size_t samples, const char *path, int *rows)
{
    struct heard *said = sc_alloc(sizeof(*said));
    int failed = 0;
    (void)printf("\n%-32s %-5s %-18s %s\n", "times of tokens by attention", "heads", "attention",
                 "begin alike");
    for (size_t i = 0; i < SC_ARRAY_LEN(models); i++) {
        struct table t = { 0 };
        if (!test_model_write(&models[i].model, path))
            exit(1);
        open_table(&t, path);
        struct whisper_context *ctx = open_reference(&t, path);
        struct whisper_state *state = hear_reference(ctx, &way, pcm, samples, said);
        failed += !compare(models[i].name, &t, said, encode(&t, pcm, samples), state);
        *rows += 1;
        whisper_free_state(state);
        whisper_free(ctx);
        close_table(&t);
    }
    free(said);
    return failed;
}
