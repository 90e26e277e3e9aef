#pragma once
/* Voice activity and deterministic cutting on 16 kHz mono s16 PCM, streaming, pure.
 *
 * Frames of 20 ms are speech when their energy lies 6 dB or more above the 10th percentile of the
 * energies within 15 s to either side (measured best: 3.7 % missed at 8 dB SNR where fixed
 * thresholds and the WebRTC detector call everything speech), with 300 ms of hangover. The cutter
 * makes pieces of at most max_chunk_s that begin and end in silence; where there is none it lets
 * neighbours overlap by a second. Equal samples give equal cuts however the input is sliced. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SC_PCM_RATE 16000

struct sc_cut_options {
    bool vad; /* off: fixed windows of max_chunk_s with overlap_ms, first to last sample */
    bool leave_out_music; /* with vad: what is clearly music, over a long time, is no speech */
    bool pack;       /* with vad: pauses longer than a second are shortened, so that a piece holds
                      * max_chunk_s (SC_PACK_MAX_S at most) of sound from ten minutes of the recording */
    int max_chunk_s; /* of the engine */
    int target_s;    /* aim, <= max_chunk_s (0: max_chunk_s) */
    int first_s;     /* aim of the first piece, so that its text comes soon (0: target_s) */
    int overlap_ms;  /* where a cut falls into speech; 1 000 */
    double threshold_db; /* above the noise floor; 6 */
    int hangover_ms;     /* 300 */
    int min_silence_ms;  /* shorter pauses are not cut at; 300 */
};

/* Seconds of sound that can be packed into one piece, and the spans that they may come from: of
 * each pause that is shortened 0.6 s stay. */
#define SC_PACK_MAX_S 60
#define SC_CUT_SPANS (SC_PACK_MAX_S * 10 / 6 + 2)
/* [start, end) in samples of the recording. */
struct sc_cut_span {
    int64_t start_samples, end_samples;
};
/* One piece. */
struct sc_cut {
    int64_t start_samples, end_samples; /* of the first span, of the last one */
    bool overlaps_next;                 /* the next piece begins overlap_ms before end_samples */
    int64_t until_samples; /* of a chain (chain.h): the next part takes over there; else 0 */
    const struct sc_cut_span *spans; /* where its sound lies, in order; one unless packed */
    size_t span_count;               /* SC_CUT_SPANS at most */
    const int16_t *pcm;              /* all of it, one span after the other */
    size_t samples;
    /* spans and pcm are borrowed during the callback */
};
typedef enum sc_code (*sc_cut_fn)(void *ctx, const struct sc_cut *cut, struct sc_error *err);

/* Sound that was left out as music, in the recording's time. */
struct sc_music_span {
    int64_t start_ms, end_ms;
};
#define SC_MUSIC_SPANS 32

struct sc_cutter;
/* NULL: no memory. fn is called from feed and finish, in order; after an error of fn the cutter
 * answers CANCELLED. Used by one thread at a time. */
struct sc_cutter *sc_cutter_new(const struct sc_cut_options *options, sc_cut_fn fn, void *ctx);
void sc_cutter_free(struct sc_cutter *c);
SC_DEFINE_FREEP(struct sc_cutter, sc_cutter_free);
/* Feeds samples, which are copied; calls fn for each piece that is complete (with vad: pieces
 * without speech are left out). Memory is bounded by max_chunk_s + 65 s. */
SC_MUST_USE enum sc_code sc_cutter_feed(struct sc_cutter *c, const int16_t *pcm, size_t samples,
                                        struct sc_error *err);
/* The end of the recording: the remaining pieces. */
SC_MUST_USE enum sc_code sc_cutter_finish(struct sc_cutter *c, struct sc_error *err);
/* After finish: what was left out as music, in order, with at least two seconds between them; where
 * there are more than SC_MUSIC_SPANS, the last spans the rest. Borrowed from the cutter. */
const struct sc_music_span *sc_cutter_music(const struct sc_cutter *c, size_t *count);
