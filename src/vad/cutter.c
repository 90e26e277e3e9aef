#include "base/alloc.h"
#include "base/macros.h"
#include "vad/decider.h"

#include <string.h>

#include "base/banned.h"

/* Samples are gathered into frames. With vad a frame is decided on (decider.h) some seconds after
 * it came; then it is kept in a slot until no piece can need it. A piece begins a little before the
 * first speech behind the last cut, and is cut only when the slots of all of its longest form and
 * of 2 s behind are there: then the choice depends on the samples alone, never on how they were
 * fed.
 *
 * Packing: of a long pause only its ends get slots. Everything else counts slots, so that a piece
 * is as long as the sound in it; where a slot lies in the recording stands in `at`.
 *
 * All positions are slots from the start of the recording, but for the last sample. */
#define SECOND_FRAMES 50
/* Silence kept at the ends of a piece, half of the pause at most; and at the ends of each pause
 * that is shortened. */
#define PAD_FRAMES 15
/* A pause as long as this may end a piece of any length; a shorter one only from a quarter of what
 * is aimed at on, so that a pause at its start does not cost a piece. */
#define LONG_FRAMES 100
/* A longer pause is shortened: what a listener takes for the end of a sentence stays in between. */
#define PACK_FRAMES SECOND_FRAMES
/* Packed sound does not come from further apart: no text waits until hours have been decoded, and
 * what is said so much later has little to do with it. */
#define FAR_FRAMES (600 * SECOND_FRAMES)
/* Slots beyond the longest piece: those that are decided on at once at the end of a recording, the
 * look ahead, and the rest as slack, so that moving the kept ones to the front is rare. */
#define EXTRA_FRAMES (42 * SECOND_FRAMES)

struct sc_cutter {
    sc_cut_fn fn;
    void *ctx;
    bool vad, broken;
    int64_t max, target, overlap; /* slots */
    int64_t aim;                  /* of the piece at hand: target, or for the first less */
    int64_t min_silence;
    int64_t long_pause;         /* see LONG_FRAMES; with packing, what is shortened when longer */
    bool pack;                  /* shorten them */
    struct sc_decider *decider; /* NULL: without vad */
    int16_t frame[SC_FRAME_SAMPLES];

    int16_t *pcm;   /* of the slots from `base` on */
    uint8_t *flags; /* the same: speech */
    int64_t *at;    /* the same: which frame of the recording it holds */
    int64_t capacity, base;
    int64_t known;   /* slots that are there */
    int64_t quiet;   /* of these the last that hold no speech */
    int64_t decided; /* frames */
    int64_t samples; /* fed so far */
    bool ended;

    bool in_piece;
    int64_t start;             /* of the piece, or where to look for the next speech */
    int64_t first;             /* its first slot of speech */
    int64_t cut;               /* end of the last piece */
    struct sc_cut_span *spans; /* of the piece that is handed out */
};

static int64_t frames_of_ms(int64_t ms)
{
    return SC_MAX(0, ms) / SC_FRAME_MS;
}

/* At most: between two spans lie the ends of the pause that was shortened. */
static size_t spans_of(const struct sc_cutter *c)
{
    return (size_t)c->max / (2 * PAD_FRAMES) + 2;
}

struct sc_cutter *sc_cutter_new(const struct sc_cut_options *options, sc_cut_fn fn, void *ctx)
{
    sc_assert(options->max_chunk_s > 0);
    sc_assert(!options->pack || options->max_chunk_s <= SC_PACK_MAX_S);
    struct sc_cutter *c = sc_try_alloc(sizeof(*c));
    if (c == NULL)
        return NULL;
    c->fn = fn;
    c->ctx = ctx;
    c->vad = options->vad;
    c->max = (int64_t)options->max_chunk_s * SECOND_FRAMES;
    c->target = (int64_t)options->target_s * SECOND_FRAMES;
    if (c->target <= 0 || c->target > c->max)
        c->target = c->max;
    c->aim = (int64_t)options->first_s * SECOND_FRAMES;
    if (c->aim <= 0 || c->aim > c->target)
        c->aim = c->target;
    /* A piece must bring more new sound than it repeats. */
    c->overlap = SC_MIN(frames_of_ms(options->overlap_ms), c->max / 2);
    c->min_silence = SC_MAX(1, frames_of_ms(options->min_silence_ms));
    c->pack = options->vad && options->pack;
    c->long_pause = c->pack ? SC_MAX(PACK_FRAMES, c->min_silence) : LONG_FRAMES;
    c->capacity = c->max + EXTRA_FRAMES;
    c->pcm = sc_try_alloc((size_t)c->capacity * SC_FRAME_SAMPLES * sizeof(*c->pcm));
    c->flags = sc_try_alloc((size_t)c->capacity);
    c->at = sc_try_alloc((size_t)c->capacity * sizeof(*c->at));
    c->spans = sc_try_alloc(spans_of(c) * sizeof(*c->spans));
    if (options->vad)
        c->decider = sc_decider_new(options);
    if (c->pcm == NULL || c->flags == NULL || c->at == NULL || c->spans == NULL ||
        (options->vad && c->decider == NULL))
        sc_cutter_free(SC_TAKE(c));
    return c;
}

void sc_cutter_free(struct sc_cutter *c)
{
    if (c == NULL)
        return;
    sc_decider_free(c->decider);
    free(c->pcm);
    free(c->flags);
    free(c->at);
    free(c->spans);
    free(c);
}

static bool is_speech(const struct sc_cutter *c, int64_t slot)
{
    return c->flags[slot - c->base] != 0;
}

/* The frame of the recording that a slot holds. */
static int64_t frame_at(const struct sc_cutter *c, int64_t slot)
{
    return c->at[slot - c->base];
}

/* Where the sound between two slots lies in the recording; how many spans that are. */
static size_t list_spans(const struct sc_cutter *c, int64_t from, int64_t to)
{
    size_t n = 0;
    for (int64_t slot = from; slot < to; slot++) {
        int64_t start = frame_at(c, slot) * SC_FRAME_SAMPLES;
        if (n == 0 || c->spans[n - 1].end_samples != start) {
            sc_assert(n < spans_of(c));
            c->spans[n++].start_samples = start;
        }
        c->spans[n - 1].end_samples = SC_MIN(start + SC_FRAME_SAMPLES, c->samples);
    }
    return n;
}

/* Hands out [start, end) of slots. */
static enum sc_code emit(struct sc_cutter *c, int64_t end, bool overlaps_next, struct sc_error *err)
{
    size_t count = list_spans(c, c->start, end);
    struct sc_cut cut = {
        .start_samples = c->spans[0].start_samples,
        .end_samples = c->spans[count - 1].end_samples,
        .overlaps_next = overlaps_next,
        .spans = c->spans,
        .span_count = count,
        .pcm = c->pcm + (c->start - c->base) * SC_FRAME_SAMPLES,
    };
    for (size_t i = 0; i < count; i++)
        cut.samples += (size_t)(c->spans[i].end_samples - c->spans[i].start_samples);
    enum sc_code code = c->fn(c->ctx, &cut, err);
    c->broken = code != SC_OK;
    c->cut = end;
    c->start = overlaps_next ? end - c->overlap : end;
    c->first = c->start;
    c->in_piece = overlaps_next;
    c->aim = c->target;
    return code;
}

/* Would the piece go too far, if it went on to a slot? */
static bool is_far(const struct sc_cutter *c, int64_t slot)
{
    return c->pack && frame_at(c, slot) - frame_at(c, c->start) > FAR_FRAMES;
}

/* Where to end the piece: in the pause nearest to the aim, or -1 when there is none. */
static int64_t find_pause(const struct sc_cutter *c)
{
    int64_t best = -1, best_distance = INT64_MAX;
    int64_t limit = SC_MIN(c->start + c->max, c->known);
    while (is_far(c, limit - 1))
        limit--;
    for (int64_t at = c->first; at <= limit && at < c->known;) {
        if (is_speech(c, at)) {
            at++;
            continue;
        }
        int64_t from = at;
        while (at < c->known && !is_speech(c, at))
            at++;
        int64_t len = frame_at(c, at - 1) + 1 - frame_at(c, from);
        int64_t end = SC_MIN(from + SC_MIN(PAD_FRAMES, len / 2), c->start + c->max);
        bool eligible = len >= c->long_pause || (end - c->start) * 4 >= c->aim;
        int64_t aim = c->start + c->aim;
        int64_t distance = end < aim ? aim - end : end - aim;
        if (len >= c->min_silence && eligible && distance < best_distance) {
            best = end;
            best_distance = distance;
        }
    }
    return best;
}

/* The end of the last speech of all. Only when the recording has ended. */
static int64_t speech_end(const struct sc_cutter *c)
{
    int64_t end = c->known;
    while (end > c->first && !is_speech(c, end - 1))
        end--;
    return end;
}

/* What fits into one piece is one, also where the first is aimed at less: a short recording loses
 * nothing by a cut. */
static enum sc_code cut_piece(struct sc_cutter *c, struct sc_error *err)
{
    int64_t longest = c->start + c->max;
    bool whole = c->ended && !is_far(c, c->known - 1); /* all that may be in it is there */
    int64_t last = whole ? speech_end(c) : INT64_MAX;
    int64_t rest = whole ? SC_MIN(SC_MIN(last + PAD_FRAMES, c->known), longest) : longest;
    if (last - c->start <= c->target)
        return emit(c, rest, false, err);
    int64_t pause = find_pause(c);
    if (pause >= 0)
        return emit(c, pause, false, err);
    sc_assert(
        !is_far(c, c->known - 1)); /* over pauses that were shortened, and any of them would do */
    if (last <= longest)
        return emit(c, rest, false, err);
    return emit(c, longest, c->overlap > 0, err);
}

/* Goes on to the next slot of speech; false when none is known yet. */
static bool find_speech(struct sc_cutter *c)
{
    while (c->start < c->known && !is_speech(c, c->start))
        c->start++;
    if (c->start >= c->known)
        return false;
    c->first = c->start;
    c->start = SC_MAX(c->cut, c->first - PAD_FRAMES);
    c->in_piece = true;
    return true;
}

/* Cuts all that can be cut. */
static enum sc_code advance(struct sc_cutter *c, struct sc_error *err)
{
    for (;;) {
        if (!c->in_piece && !find_speech(c))
            return SC_OK;
        bool enough = c->known >= c->start + c->max + LONG_FRAMES;
        if (!c->ended && !enough && !is_far(c, c->known - 1))
            return SC_OK;
        enum sc_code code = cut_piece(c, err);
        if (code != SC_OK)
            return code;
    }
}

/* Without vad: a window is due when it is full, or at the end when it holds something new. */
static enum sc_code advance_windows(struct sc_cutter *c, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    while (code == SC_OK && c->known > c->start + c->max)
        code = emit(c, c->start + c->max, c->overlap > 0, err);
    if (code == SC_OK && c->ended && c->samples > c->cut * SC_FRAME_SAMPLES)
        code = emit(c, c->known, false, err);
    return code;
}

/* Moves the slots that are still needed to the front of the buffer. */
static void make_room(struct sc_cutter *c)
{
    int64_t keep = c->in_piece || !c->vad ? c->start : SC_MAX(c->cut, c->start - PAD_FRAMES);
    int64_t drop = SC_MAX(0, keep - c->base);
    int64_t slots = c->known - c->base - drop;
    sc_assert(slots < c->capacity);
    memmove(c->pcm, c->pcm + drop * SC_FRAME_SAMPLES,
            (size_t)slots * SC_FRAME_SAMPLES * sizeof(*c->pcm));
    memmove(c->flags, c->flags + drop, (size_t)slots);
    memmove(c->at, c->at + drop, (size_t)slots * sizeof(*c->at));
    c->base += drop;
}

/* Of a long pause, what is neither near the speech in front of it nor, perhaps, near the next. What
 * was cut already stays as it is. */
static void shorten_pause(struct sc_cutter *c)
{
    int64_t from = SC_MAX(c->known - c->quiet, SC_MAX(c->cut, c->base));
    int64_t length = c->decided - (from < c->known ? frame_at(c, from) : c->decided);
    int64_t to = c->known - PAD_FRAMES;
    from += PAD_FRAMES;
    if (length <= c->long_pause || from >= to)
        return;
    int64_t a = from - c->base, b = to - c->base;
    memmove(c->pcm + a * SC_FRAME_SAMPLES, c->pcm + b * SC_FRAME_SAMPLES,
            PAD_FRAMES * SC_FRAME_SAMPLES * sizeof(*c->pcm));
    memmove(c->at + a, c->at + b, PAD_FRAMES * sizeof(*c->at));
    c->known -= to - from;
    c->quiet -= to - from;
    if (!c->in_piece)
        c->start = SC_MIN(c->start, c->known);
}

/* Gives the next frame a slot. */
static void keep_frame(struct sc_cutter *c, const int16_t *pcm, bool speech)
{
    if (c->known - c->base >= c->capacity)
        make_room(c);
    int64_t i = c->known - c->base;
    memcpy(c->pcm + i * SC_FRAME_SAMPLES, pcm, sizeof(c->frame));
    c->flags[i] = speech;
    c->at[i] = c->decided++;
    c->known++;
    c->quiet = speech ? 0 : c->quiet + 1;
    if (c->pack)
        shorten_pause(c);
}

static void keep_decided(struct sc_cutter *c)
{
    bool speech;
    const int16_t *pcm;
    while ((pcm = sc_decider_next(c->decider, &speech)) != NULL)
        keep_frame(c, pcm, speech);
}

/* A frame is complete, or the last one as far as it goes. */
static enum sc_code end_frame(struct sc_cutter *c, size_t samples, struct sc_error *err)
{
    if (!c->vad) {
        keep_frame(c, c->frame, true);
        return advance_windows(c, err);
    }
    sc_decider_push(c->decider, c->frame, samples);
    keep_decided(c);
    return advance(c, err);
}

enum sc_code sc_cutter_feed(struct sc_cutter *c, const int16_t *pcm, size_t samples,
                            struct sc_error *err)
{
    sc_assert(!c->ended);
    while (samples > 0) {
        if (c->broken)
            return sc_error_set(err, SC_E_CANCELLED, "cutting has failed before");
        size_t used = (size_t)(c->samples % SC_FRAME_SAMPLES);
        size_t n = SC_MIN(samples, SC_FRAME_SAMPLES - used);
        memcpy(c->frame + used, pcm, n * sizeof(*pcm));
        pcm += n;
        samples -= n;
        c->samples += (int64_t)n;
        if (used + n < SC_FRAME_SAMPLES)
            break;
        enum sc_code code = end_frame(c, SC_FRAME_SAMPLES, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

enum sc_code sc_cutter_finish(struct sc_cutter *c, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    size_t rest = (size_t)(c->samples % SC_FRAME_SAMPLES);
    if (c->broken)
        return sc_error_set(err, SC_E_CANCELLED, "cutting has failed before");
    memset(c->frame + rest, 0, (SC_FRAME_SAMPLES - rest) * sizeof(*c->frame));
    if (rest > 0)
        code = end_frame(c, rest, err);
    c->ended = true;
    if (code != SC_OK)
        return code;
    if (!c->vad)
        return advance_windows(c, err);
    sc_decider_end(c->decider);
    keep_decided(c);
    return advance(c, err);
}

const struct sc_music_span *sc_cutter_music(const struct sc_cutter *c, size_t *count)
{
    *count = 0;
    return c->vad ? sc_decider_music(c->decider, count) : NULL;
}
