/* A window's tokens are cut into segments here as the reference does. */
#include "heard.h"

#include "base/alloc.h"

#include <whisper.h>

#include "base/banned.h"

static void begin_segment(struct heard *h, int64_t start, int64_t end)
{
    sc_assert(h->count < SEGMENTS_MAX);
    h->segments[h->count].start = start;
    h->segments[h->count].end = end;
    h->segments[h->count++].tokens = 0;
}

static void add_token(struct heard *h, int32_t token, int64_t dtw)
{
    sc_assert(h->token_count < TOKENS_MAX);
    h->dtw[h->token_count] = dtw;
    h->tokens[h->token_count++] = token;
    h->segments[h->count - 1].tokens++;
}

/* ---- ours ---- */

struct sc_listen_wishes wishes_of(const struct way *way)
{
    struct sc_listen_wishes wishes = sc_listen_wishes_usual();
    wishes.language = way->language;
    wishes.prompt = way->prompt;
    wishes.translate = way->translate;
    wishes.words = false;
    wishes.previous = true;
    wishes.non_speech = true;
    wishes.decode.timestamps = !way->plain;
    wishes.decode.beam = way->beam;
    wishes.decode.drawn_beams = true;
    wishes.decode.temperature = way->temperature;
    wishes.decode.temperature_step = way->step;
    wishes.decode.limits.loops = false;
    wishes.decode.limits.compression_max = 0;
    return wishes;
}

static void add_range(struct heard *h, const struct sc_decode_window *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        add_token(h, w->said[i].token, UNKNOWN);
}

void heard_told(void *ctx, const struct sc_decode_window *w, int frame)
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
        start = frame + 2 * (int64_t)(w->said[i].token - first_time);
        from = i + 1;
    }
    if (any) {
        begin_segment(h, start, frame + w->advance);
        add_range(h, w, from, w->said_count);
    }
}

/* ---- the reference ---- */

float *samples_of(const int16_t *pcm, size_t samples)
{
    float *out = sc_alloc_array(samples + 1, sizeof(*out));
    for (size_t i = 0; i < samples; i++)
        out[i] = (float)pcm[i] / 32768;
    return out;
}

static struct whisper_full_params params_of(const struct way *way)
{
    struct whisper_full_params p = whisper_full_default_params(
        way->beam > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
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
    return p;
}

struct whisper_state *hear_reference(struct whisper_context *ctx, const struct way *way,
                                     const int16_t *pcm, size_t samples, struct heard *out)
{
    struct whisper_state *state = whisper_init_state(ctx);
    float *sound SC_AUTO_FREE = samples_of(pcm, samples);
    *out = (struct heard){ 0 };
    if (whisper_full_with_state(ctx, state, params_of(way), sound, (int)samples) != 0) {
        (void)fprintf(stderr, "the reference failed\n");
        exit(2);
    }
    for (int i = 0; i < whisper_full_n_segments_from_state(state); i++) {
        begin_segment(out, whisper_full_get_segment_t0_from_state(state, i),
                      whisper_full_get_segment_t1_from_state(state, i));
        for (int k = 0; k < whisper_full_n_tokens_from_state(state, i); k++) {
            whisper_token_data data = whisper_full_get_token_data_from_state(state, i, k);
            add_token(out, data.id, data.t_dtw);
        }
    }
    out->language = whisper_full_lang_id_from_state(state);
    return state;
}

/* ---- both ---- */

int heard_common(const struct heard *a, const struct heard *b)
{
    int n = 0;
    while (n < SC_MIN(a->token_count, b->token_count) && a->tokens[n] == b->tokens[n])
        n++;
    return n;
}

bool heard_equal(const struct heard *a, const struct heard *b, const struct way *way)
{
    bool equal = a->count == b->count && a->token_count == b->token_count &&
                 heard_common(a, b) == a->token_count;
    for (int i = 0; i < a->count && equal && !way->plain; i++)
        equal = (a->segments[i].start == UNKNOWN || a->segments[i].start == b->segments[i].start) &&
                a->segments[i].end == b->segments[i].end &&
                a->segments[i].tokens == b->segments[i].tokens;
    return equal;
}

void print_heard(const char *model, const struct way *way, size_t samples, const struct heard *a,
                 const struct heard *b, const char *verdict)
{
    (void)printf("%-32s %-24s %5.1f s  %3d/%-3d %5d/%-5d  %s\n", model, way->name,
                 (double)samples / RATE, a->count, b->count, a->token_count, b->token_count,
                 verdict);
    (void)fflush(stdout);
}
