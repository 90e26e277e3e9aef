/* Tokens and times of our decoding against those of a reference, libwhisper, on the same model and
 * sound:
 *
 *     parity-tokens BACKENDS MODEL SOUND.wav...
 *
 * BACKENDS: the folder of ggml's back ends; SOUND: 16 kHz, mono, 16 bit. Prints a row for each way
 * of decoding and sound; ends with 1 when one differs. What both say is compared token by token,
 * and segment by segment, cut as the reference cuts: a segment begins where the last one ended. */

#include "whisper/listen.h"

#include "base/alloc.h"

#include <ggml-backend.h>
#include <whisper.h>

#include "base/banned.h"

#define RATE 16000
#define WAV_HEAD 44
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
    { "beams, temperatures", "en", " the one", .beam = 5, .step = 0.2f },
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
    int64_t start = frame;
    if (w->said[0].token >= first_time)
        start += 2 * (int64_t)(w->said[0].token - first_time);
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

static bool is_equal(const struct heard *a, const struct heard *b)
{
    bool equal = a->count == b->count && a->token_count == b->token_count &&
                 common_tokens(a, b) == a->token_count;
    for (int i = 0; i < a->count && equal; i++)
        equal = a->segments[i].start == b->segments[i].start &&
                a->segments[i].end == b->segments[i].end &&
                a->segments[i].tokens == b->segments[i].tokens;
    return equal;
}

static bool read_sound(const char *path, struct sc_buf *out)
{
    FILE *f SC_AUTO_FCLOSE = fopen(path, "rb");
    size_t n = 1;
    while (f != NULL && n > 0) {
        char *room = sc_buf_reserve(out, 1 << 16);
        n = room == NULL ? 0 : fread(room, 1, 1 << 16, f);
        out->len += n;
    }
    return out->len > WAV_HEAD;
}

struct both {
    struct sc_listener *ours;
    struct whisper_context *reference;
    struct heard *a, *b;
};

static bool compare(const struct both *x, const struct way *way, const char *path)
{
    SC_AUTO_BUF sound = { 0 };
    if (!read_sound(path, &sound)) {
        (void)fprintf(stderr, "cannot read '%s'\n", path);
        exit(2);
    }
    const int16_t *pcm = (const int16_t *)(const void *)(sound.ptr + WAV_HEAD);
    size_t count = (sound.len - WAV_HEAD) / sizeof(*pcm);
    float *samples SC_AUTO_FREE = sc_alloc_array(count, sizeof(*samples));
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)pcm[i] / 32768;
    hear_ours(x->ours, way, pcm, count, x->a);
    hear_reference(x->reference, way, samples, count, x->b);
    bool equal = is_equal(x->a, x->b);
    (void)printf("%-9s %-22s %6.1f s  segments %d/%d, tokens %d/%d, the first %d equal  %s\n",
                 equal ? "equal" : "DIFFERENT", way->name, (double)count / RATE, x->a->count,
                 x->b->count, x->a->token_count, x->b->token_count, common_tokens(x->a, x->b),
                 path);
    return equal;
}

static void be_quiet(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    if (level == GGML_LOG_LEVEL_ERROR)
        (void)fputs(text, stderr);
}

int main(int argc, char **argv)
{
    struct sc_error err = { 0 };
    struct both x = { .a = sc_alloc(sizeof(*x.a)), .b = sc_alloc(sizeof(*x.b)) };
    bool equal = true;
    if (argc < 4) {
        (void)fprintf(stderr, "usage: parity-tokens BACKENDS MODEL SOUND.wav...\n");
        return 2;
    }
    whisper_log_set(be_quiet, NULL);
    ggml_backend_load_all_from_path(argv[1]);
    struct whisper_context_params params = whisper_context_default_params();
    params.use_gpu = false;
    params.flash_attn = false;
    x.reference = whisper_init_from_file_with_params_no_state(argv[2], params);
    if (x.reference == NULL || sc_listener_open(argv[2], 1, &x.ours, &err) != SC_OK) {
        (void)fprintf(stderr, "cannot open '%s': %s\n", argv[2], err.msg);
        return 2;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(ways); i++) {
        for (int k = 3; k < argc; k++)
            equal = compare(&x, &ways[i], argv[k]) && equal;
    }
    sc_listener_close(x.ours);
    whisper_free(x.reference);
    free(x.a);
    free(x.b);
    return equal ? 0 : 1;
}
