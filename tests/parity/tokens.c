/* A window's tokens are cut into segments here as the reference does: one begins where the last one
 * ended. Ours keep the silence between them. */
#include "tokens.h"

#include "model.h"
#include "reference.h"
#include "whisper/listen.h"

#include "base/alloc.h"

#include <whisper.h>

#include "base/banned.h"

#define RATE 16000
#define UNKNOWN (-1)
#define SEGMENTS_MAX 4000
#define TOKENS_MAX 100000

/* Segments, their tokens one behind the other. */
struct heard {
    int count, token_count;
    struct {
        int64_t start, end; /* 10 ms */
        int tokens;
    } segments[SEGMENTS_MAX];
    int32_t tokens[TOKENS_MAX];
    const struct sc_vocab *vocab;
    int language;
};

struct way {
    const char *name;
    const char *language, *prompt;
    bool translate, plain; /* plain: without times */
    int beam;
    float temperature, step;
};

static const struct way ways[] = {
    { "greedy", "en", "", .beam = 1 },
    { "greedy, no times", "en", "", .plain = true, .beam = 1 },
    { "greedy, temperatures", "en", "", .beam = 1, .step = 0.2f },
    { "detection", "auto", "", .beam = 1 },
    { "translate", "de", "", .translate = true, .beam = 1 },
    { "prompt", "en", " the one of two", .beam = 1 },
    { "at 0.4", "en", "", .beam = 1, .temperature = 0.4f },
    { "beams of 5", "en", "", .beam = 5 },
};

static void begin_segment(struct heard *h, int64_t start, int64_t end)
{
    sc_assert(h->count < SEGMENTS_MAX);
    h->segments[h->count].start = start;
    h->segments[h->count].end = end;
    h->segments[h->count++].tokens = 0;
}

static void add_token(struct heard *h, int32_t token)
{
    sc_assert(h->token_count < TOKENS_MAX);
    h->tokens[h->token_count++] = token;
    h->segments[h->count - 1].tokens++;
}

/* ---- ours ---- */

static void add_range(struct heard *h, const struct sc_decode_window *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        add_token(h, w->said[i].token);
}

/* Cuts what was said in a window as the reference does. */
static void told(void *ctx, const struct sc_decode_window *w, int frame)
{
    struct heard *h = ctx;
    int first_time = h->vocab->first_time;
    size_t from = 0;
    bool any = false;
    h->language = w->language;
    if (w->said_count == 0 || w->silence)
        return;
    /* Of a text that begins without a time the reference tells its guess. */
    bool begun = w->said[0].token >= first_time;
    int64_t start = begun ? frame + 2 * (int64_t)(w->said[0].token - first_time) : UNKNOWN;
    for (size_t i = 0; i < w->said_count; i++) {
        int32_t token = w->said[i].token;
        any = any || token < h->vocab->eot;
        if (token <= first_time)
            continue;
        int64_t end = frame + 2 * (int64_t)(token - first_time);
        if (any) {
            begin_segment(h, start, end);
            add_range(h, w, from, i + 1);
        }
        any = false;
        while (i + 1 < w->said_count && w->said[i + 1].token > first_time)
            i++;
        start = end;
        from = i + 1;
    }
    if (any) {
        begin_segment(h, start, frame + w->advance);
        add_range(h, w, from, w->said_count);
    }
}

static void hear_ours(struct sc_listener *l, const struct way *way, const int16_t *pcm,
                      size_t samples, struct heard *out)
{
    struct sc_listen_clip clip = { .pcm = pcm,
                                   .samples = samples,
                                   .wishes = sc_listen_wishes_usual(),
                                   .told = told,
                                   .told_ctx = out };
    struct sc_error err = { 0 };
    clip.wishes.language = way->language;
    clip.wishes.prompt = way->prompt;
    clip.wishes.translate = way->translate;
    clip.wishes.words = false;
    clip.wishes.previous = true;
    clip.wishes.non_speech = true;
    clip.wishes.decode.timestamps = !way->plain;
    clip.wishes.decode.beam = way->beam;
    clip.wishes.decode.drawn_beams = true;
    clip.wishes.decode.temperature = way->temperature;
    clip.wishes.decode.temperature_step = way->step;
    clip.wishes.decode.limits.loops = false;
    clip.wishes.decode.limits.compression_max = 0;
    *out = (struct heard){ .vocab = sc_listener_vocab(l) };
    if (sc_listen(l, &clip, 1, NULL, &err) != SC_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(2);
    }
    sc_listen_clip_done(&clip);
}

/* ---- the reference ---- */

static void hear_reference(struct whisper_context *ctx, const struct way *way, const float *samples,
                           size_t count, struct heard *out)
{
    struct whisper_full_params p = whisper_full_default_params(
        way->beam > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
    struct whisper_state *state = whisper_init_state(ctx);
    p.n_threads = 1;
    p.language = way->language;
    p.initial_prompt = way->prompt;
    p.translate = way->translate;
    p.no_timestamps = way->plain;
    p.temperature = way->temperature;
    p.temperature_inc = way->step;
    p.greedy.best_of = 5;
    p.beam_search.beam_size = way->beam > 1 ? way->beam : p.beam_search.beam_size;
    p.print_progress = false;
    *out = (struct heard){ 0 };
    if (whisper_full_with_state(ctx, state, p, samples, (int)count) != 0) {
        (void)fprintf(stderr, "the reference failed\n");
        exit(2);
    }
    for (int i = 0; i < whisper_full_n_segments_from_state(state); i++) {
        begin_segment(out, whisper_full_get_segment_t0_from_state(state, i),
                      whisper_full_get_segment_t1_from_state(state, i));
        for (int k = 0; k < whisper_full_n_tokens_from_state(state, i); k++)
            add_token(out, whisper_full_get_token_id_from_state(state, i, k));
    }
    out->language = whisper_full_lang_id_from_state(state);
    whisper_free_state(state);
}

/* ---- both ---- */

static int common_tokens(const struct heard *a, const struct heard *b)
{
    int n = 0;
    while (n < SC_MIN(a->token_count, b->token_count) && a->tokens[n] == b->tokens[n])
        n++;
    return n;
}

/* Without times the reference tells guesses of where the text lies: only tokens count then. */
static bool is_equal(const struct heard *a, const struct heard *b, bool timed)
{
    bool equal = a->count == b->count && a->token_count == b->token_count &&
                 common_tokens(a, b) == a->token_count;
    for (int i = 0; i < a->count && equal && timed; i++)
        equal = (a->segments[i].start == UNKNOWN || a->segments[i].start == b->segments[i].start) &&
                a->segments[i].end == b->segments[i].end &&
                a->segments[i].tokens == b->segments[i].tokens;
    return equal;
}

/* Both with one model. */
struct pair {
    struct sc_listener *ours;
    struct reference *reference;
    struct heard *a, *b;
};

static bool compare(const struct pair *x, const char *model, const struct way *way,
                    const int16_t *pcm, size_t count)
{
    float *samples SC_AUTO_FREE = sc_alloc_array(count, sizeof(*samples));
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)pcm[i] / 32768;
    hear_ours(x->ours, way, pcm, count, x->a);
    hear_reference(reference_context(x->reference), way, samples, count, x->b);
    bool equal = is_equal(x->a, x->b, !way->plain);
    (void)printf("%-32s %-22s %5.1f s  %3d/%-3d %4d/%-4d  %s\n", model, way->name,
                 (double)count / RATE, x->a->count, x->b->count, x->a->token_count,
                 x->b->token_count, equal ? "equal" : "!");
    (void)fflush(stdout);
    return equal;
}

#define REAL .text_tokens = 50257, .languages = 99
/* Of two layers of text and 51865 tokens the reference believes that it is a distilled model, and
 * leaves times out: there is none here. */
static const struct {
    const char *name;
    struct test_model model;
} models[] = {
    { "64 wide, 1+1 layers", { REAL, .state = 64, .seed = 1 } },
    { "128 wide, 1+3 layers, 1 head",
      { REAL, .state = 128, .text_layers = 3, .heads = 1, .seed = 2 } },
    { "192 wide, 2+1 layers", { REAL, .state = 192, .layers = 2, .text_layers = 1, .seed = 3 } },
    { "64 wide, 1+1 layers, 128 bands",
      { .text_tokens = 50257, .languages = 100, .state = 64, .mels = 128, .seed = 4 } },
    { "64 wide, 1+1 layers, f16", { REAL, .state = 64, .seed = 6, .type = SC_WTYPE_F16 } },
    { "a script", { REAL, .script = "<|0.00|> Hello world.<|1.50|> This is a script.<|4.00|>" } },
};

/* The clip; of a script also what is longer than two windows. (Behind many tokens of random weights
 * the likeliest two are closer than the reference's rounding of keys and values to f16.) */
static int compare_ways(const struct pair *x, size_t model, const int16_t *pcm, size_t samples,
                        int *rows)
{
    const char *name = models[model].name;
    size_t more = (size_t)65 * RATE;
    int16_t *again SC_AUTO_FREE = sc_alloc_array(more, sizeof(*again));
    int failed = 0;
    for (size_t i = 0; i < more; i++)
        again[i] = pcm[i % samples];
    bool is_script = models[model].model.script != NULL;
    for (size_t i = 0; i < SC_ARRAY_LEN(ways); i++) {
        if (!is_script && (ways[i].temperature > 0 || ways[i].step > 0))
            continue;
        failed += !compare(x, name, &ways[i], pcm, samples);
        *rows += 1;
        if (!is_script)
            continue;
        failed += !compare(x, name, &ways[i], again, more);
        *rows += 1;
    }
    return failed;
}

int parity_tokens(const int16_t *pcm, size_t samples, const char *path, int *rows)
{
    struct pair x = { .a = sc_alloc(sizeof(*x.a)), .b = sc_alloc(sizeof(*x.b)) };
    struct sc_error err = { 0 };
    int failed = 0;
    (void)printf("%-32s %-22s %-8s %-7s %s\n", "model", "decoded", "sound", "segments", "tokens");
    for (size_t i = 0; i < SC_ARRAY_LEN(models); i++) {
        bool made = test_model_write(&models[i].model, path);
        x.reference = made ? reference_open(path) : NULL;
        if (x.reference == NULL || sc_listener_open(path, 1, NULL, &x.ours, &err) != SC_OK) {
            (void)fprintf(stderr, "parity: cannot open '%s': %s\n", path, err.msg);
            exit(1);
        }
        failed += compare_ways(&x, i, pcm, samples, rows);
        sc_listener_close(SC_TAKE(x.ours));
        reference_close(x.reference);
    }
    free(x.a);
    free(x.b);
    return failed;
}
