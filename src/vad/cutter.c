#include "base/alloc.h"
#include "base/macros.h"
#include "vad/music.h"

#include <string.h>

#include "base/banned.h"

/* Samples are gathered into frames; each frame is kept until no piece can need it. With vad the
 * detector flags a frame 15 s after it came, and music is told apart 5 s later. A piece begins a
 * little before the first speech behind the last cut, and is cut only when the flags of all of its
 * longest form and of 2 s behind are known: then the choice depends on the samples alone, never on
 * how they were fed.
 *
 * All positions are frames from the start of the recording, but for the last sample. */
#define SECOND_FRAMES 50
/* Silence kept at the ends of a piece, half of the pause at most. */
#define PAD_FRAMES 15
/* A pause as long as this may end a piece of any length; a shorter one only from a quarter of what
 * is aimed at on, so that a pause at its start does not cost a piece. */
#define LONG_FRAMES 100
/* Frames in memory beyond the longest piece: the detector's side, the look ahead, and the rest as
 * slack, so that moving the kept ones to the front of the buffer is rare. */
#define EXTRA_FRAMES (42 * SECOND_FRAMES)
#define MUSIC_APART_MS 2000 /* music that goes on after less is the same */

struct sc_cutter {
    sc_cut_fn fn;
    void *ctx;
    bool vad, broken;
    int64_t max, target, overlap; /* frames; max and overlap are samples without vad */
    int64_t aim;                  /* of the piece at hand: target, or for the first less */
    int64_t min_silence, hangover;
    struct sc_detector detector;
    int64_t hang;           /* frames that the last speech still reaches */
    struct sc_music *music; /* NULL: it is not looked for */
    struct sc_music_span spans[SC_MUSIC_SPANS];
    size_t span_count;

    int16_t *pcm;   /* samples from frame `base` on */
    uint8_t *flags; /* one per frame from `base` on: speech, known up to `known` */
    int64_t capacity, base;
    int64_t samples; /* fed so far */
    int64_t heard;   /* frames of which is known whether they are sound … */
    int64_t known;   /* … and whether speech */
    bool ended;

    bool in_piece;
    int64_t start; /* of the piece, or where to look for the next speech */
    int64_t first; /* its first frame of speech */
    int64_t cut;   /* end of the last piece */
};

static int64_t frames_of_ms(int64_t ms)
{
    return SC_MAX(0, ms) / SC_FRAME_MS;
}

struct sc_cutter *sc_cutter_new(const struct sc_cut_options *options, sc_cut_fn fn, void *ctx)
{
    sc_assert(options->max_chunk_s > 0);
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
    c->hangover = frames_of_ms(options->hangover_ms);
    sc_detector_init(&c->detector, options->threshold_db);
    c->capacity = c->max + EXTRA_FRAMES;
    c->pcm = sc_try_alloc((size_t)c->capacity * SC_FRAME_SAMPLES * sizeof(*c->pcm));
    c->flags = sc_try_alloc((size_t)c->capacity);
    const bool leave_out_music = options->vad && options->leave_out_music;
    if (leave_out_music)
        c->music = sc_music_new();
    if (c->pcm == NULL || c->flags == NULL || (leave_out_music && c->music == NULL)) {
        sc_cutter_free(c);
        return NULL;
    }
    return c;
}

void sc_cutter_free(struct sc_cutter *c)
{
    if (c == NULL)
        return;
    sc_music_free(c->music);
    free(c->pcm);
    free(c->flags);
    free(c);
}

static bool is_speech(const struct sc_cutter *c, int64_t frame)
{
    return c->flags[frame - c->base] != 0;
}

static int64_t frames_begun(const struct sc_cutter *c)
{
    return (c->samples + SC_FRAME_SAMPLES - 1) / SC_FRAME_SAMPLES;
}

/* Hands out [start, end) of frames. */
static enum sc_code emit(struct sc_cutter *c, int64_t end, bool overlaps_next, struct sc_error *err)
{
    struct sc_cut cut = {
        .start_samples = c->start * SC_FRAME_SAMPLES,
        .end_samples = SC_MIN(end * SC_FRAME_SAMPLES, c->samples),
        .overlaps_next = overlaps_next,
        .pcm = c->pcm + (c->start - c->base) * SC_FRAME_SAMPLES,
    };
    enum sc_code code = c->fn(c->ctx, &cut, err);
    c->broken = code != SC_OK;
    c->cut = end;
    c->start = overlaps_next ? end - c->overlap : end;
    c->first = c->start;
    c->in_piece = overlaps_next;
    c->aim = c->target;
    return code;
}

/* Where to end the piece: in the pause nearest to the aim, or -1 when there is none. */
static int64_t find_pause(const struct sc_cutter *c)
{
    int64_t best = -1, best_distance = INT64_MAX;
    int64_t limit = SC_MIN(c->start + c->max, c->known);
    for (int64_t at = c->first; at <= limit && at < c->known;) {
        if (is_speech(c, at)) {
            at++;
            continue;
        }
        int64_t from = at;
        while (at < c->known && !is_speech(c, at))
            at++;
        int64_t len = at - from;
        int64_t end = SC_MIN(from + SC_MIN(PAD_FRAMES, len / 2), c->start + c->max);
        bool eligible = len >= LONG_FRAMES || (end - c->start) * 4 >= c->aim;
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
    int64_t last = c->ended ? speech_end(c) : INT64_MAX;
    int64_t rest = c->ended ? SC_MIN(SC_MIN(last + PAD_FRAMES, c->known), longest) : longest;
    if (last - c->start <= c->target)
        return emit(c, rest, false, err);
    int64_t pause = find_pause(c);
    if (pause >= 0)
        return emit(c, pause, false, err);
    if (last <= longest)
        return emit(c, rest, false, err);
    return emit(c, longest, c->overlap > 0, err);
}

/* Goes on to the next frame of speech; false when none is known yet. */
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
        if (!c->ended && c->known < c->start + c->max + LONG_FRAMES)
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
    while (code == SC_OK && frames_begun(c) > c->start + c->max)
        code = emit(c, c->start + c->max, c->overlap > 0, err);
    if (code == SC_OK && c->ended && c->samples > c->cut * SC_FRAME_SAMPLES)
        code = emit(c, frames_begun(c), false, err);
    return code;
}

static void note_music(struct sc_cutter *c)
{
    const int64_t start = c->known * SC_FRAME_MS;
    struct sc_music_span *last = c->span_count == 0 ? NULL : &c->spans[c->span_count - 1];
    if (last == NULL ||
        (start - last->end_ms >= MUSIC_APART_MS && c->span_count < SC_MUSIC_SPANS)) {
        last = &c->spans[c->span_count++];
        last->start_ms = start;
    }
    last->end_ms = start + SC_FRAME_MS;
}

static void take_music(struct sc_cutter *c)
{
    bool music;
    while (sc_music_next(c->music, &music)) {
        if (music)
            note_music(c);
        /* Until now the flag has only said that there is sound. */
        c->flags[c->known++ - c->base] &= !music;
    }
}

/* Takes the decisions that are due. */
static void take_flags(struct sc_cutter *c)
{
    bool speech;
    while (sc_detector_next(&c->detector, &speech)) {
        if (speech)
            c->hang = c->hangover + 1;
        c->flags[c->heard++ - c->base] = c->hang > 0;
        c->hang -= c->hang > 0;
        if (c->music != NULL) {
            sc_music_flag(c->music, c->flags[c->heard - 1 - c->base] != 0);
            take_music(c);
        } else {
            c->known = c->heard;
        }
    }
}

/* Moves the frames that are still needed to the front of the buffer. */
static void make_room(struct sc_cutter *c)
{
    int64_t keep = c->in_piece || !c->vad ? c->start : SC_MAX(c->cut, c->start - PAD_FRAMES);
    int64_t drop = SC_MAX(0, keep - c->base);
    int64_t frames = frames_begun(c) - c->base - drop;
    sc_assert(frames < c->capacity);
    memmove(c->pcm, c->pcm + drop * SC_FRAME_SAMPLES,
            (size_t)frames * SC_FRAME_SAMPLES * sizeof(*c->pcm));
    memmove(c->flags, c->flags + drop, (size_t)frames);
    c->base += drop;
}

/* A frame is complete, or the last one as far as it goes. */
static enum sc_code end_frame(struct sc_cutter *c, struct sc_error *err)
{
    if (!c->vad)
        return advance_windows(c, err);
    int64_t frame = frames_begun(c) - 1;
    const int16_t *pcm = c->pcm + (frame - c->base) * SC_FRAME_SAMPLES;
    if (c->music != NULL)
        sc_music_push(c->music, pcm, (size_t)(c->samples - frame * SC_FRAME_SAMPLES));
    sc_detector_push(&c->detector,
                     sc_vad_level(pcm, (size_t)(c->samples - frame * SC_FRAME_SAMPLES)));
    take_flags(c);
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
        if (used == 0 && frames_begun(c) - c->base >= c->capacity)
            make_room(c);
        size_t n = SC_MIN(samples, SC_FRAME_SAMPLES - used);
        memcpy(c->pcm + (c->samples - c->base * SC_FRAME_SAMPLES), pcm, n * sizeof(*pcm));
        pcm += n;
        samples -= n;
        c->samples += (int64_t)n;
        if (used + n < SC_FRAME_SAMPLES)
            break;
        enum sc_code code = end_frame(c, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

enum sc_code sc_cutter_finish(struct sc_cutter *c, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (c->broken)
        return sc_error_set(err, SC_E_CANCELLED, "cutting has failed before");
    if (c->vad && c->samples % SC_FRAME_SAMPLES != 0)
        code = end_frame(c, err);
    c->ended = true;
    if (code != SC_OK)
        return code;
    if (!c->vad)
        return advance_windows(c, err);
    sc_detector_end(&c->detector);
    if (c->music != NULL)
        sc_music_end(c->music);
    take_flags(c);
    return advance(c, err);
}

const struct sc_music_span *sc_cutter_music(const struct sc_cutter *c, size_t *count)
{
    *count = c->span_count;
    return c->spans;
}
