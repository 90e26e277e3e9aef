#pragma once
/* Parts of a recording that is heard in sequence: one begins where the one before hands over to it,
 * wherever that is within a window of Whisper's. So each holds, beside its own length, the sound of
 * a window behind it, and a little in front of it, which the first frames of a spectrum reach into.
 * Nothing is left out, and nobody looks for pauses. Streaming, pure; equal samples give equal parts
 * however the input is sliced. */

#include "vad/vad.h"

#define SC_CHAIN_LEAD_MS 100
/* A window, and so much more that its end does not look like the end of the recording. */
#define SC_CHAIN_BEHIND_MS 31000
/* How long a part is, in seconds, where nobody says otherwise: after an interruption a job goes on
 * at the last part that is done. They are short enough for that, and long beside the window that
 * each has behind it. */
#define SC_CHAIN_PART_S 300
/* The longest part, in seconds: its sound is one body of an answer (SC_BUF_LIMIT). */
#define SC_CHAIN_PART_MAX_S 1800

struct sc_chain;
/* part_s: 1 to SC_CHAIN_PART_MAX_S. fn as sc_cutter_new has it; until_samples of its cuts is set.
 */
struct sc_chain *sc_chain_new(int part_s, sc_cut_fn fn, void *ctx);
void sc_chain_free(struct sc_chain *c);
SC_DEFINE_FREEP(struct sc_chain, sc_chain_free);
/* INTERNAL when memory is exhausted; errors of fn. Memory is bounded by a part. */
SC_MUST_USE enum sc_code sc_chain_feed(struct sc_chain *c, const int16_t *pcm, size_t samples,
                                       struct sc_error *err);
/* The end of the recording: the last part. None where there was no sound at all. */
SC_MUST_USE enum sc_code sc_chain_finish(struct sc_chain *c, struct sc_error *err);
/* How many parts a recording of that length has. */
int64_t sc_chain_count(int part_s, int64_t duration_ms);
