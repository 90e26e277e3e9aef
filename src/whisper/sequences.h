#pragma once
/* What sequences remember of their tokens. For files of this module only. */

#include "whisper/decoder.h"

/* Takes places for `count` further tokens of a sequence. False: memory is exhausted; nothing is
 * changed. */
SC_MUST_USE bool sc_sequences_extend(struct sc_sequences *s, size_t seq, size_t count);
size_t sc_sequences_window(const struct sc_sequences *s, size_t seq);
/* The keys of the token at `position` in a layer, n_text_state of them; values lie behind them. */
float *sc_sequences_token(const struct sc_sequences *s, size_t seq, size_t position, size_t layer);
/* Room for what is computed, used again by the next call. NULL: memory is exhausted. */
float *sc_sequences_room(struct sc_sequences *s, size_t floats);
