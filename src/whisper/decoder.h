#pragma once
/* The decoder: what token may come next. */

#include "whisper/encoder.h"

/* Sequences of tokens that have been decoded, each of one window, with what attention to them
 * needs. Sequences that were copied share what they have in common. */
struct sc_sequences;

/* Room for sequences 0 to capacity - 1, each of up to n_text_ctx tokens; memory is taken as they
 * grow. net outlives it. */
SC_MUST_USE enum sc_code sc_sequences_open(const struct sc_net *net, size_t capacity,
                                           struct sc_sequences **out, struct sc_error *err);
void sc_sequences_close(struct sc_sequences *s);
SC_DEFINE_FREEP(struct sc_sequences, sc_sequences_close);

/* Makes seq empty, of that window. */
void sc_sequences_start(struct sc_sequences *s, size_t seq, size_t window);
/* Makes `to` what `from` is. Costs as much as copying its tokens. */
void sc_sequences_copy(struct sc_sequences *s, size_t to, size_t from);
/* Forgets all tokens behind the first `length`. */
void sc_sequences_cut(struct sc_sequences *s, size_t seq, size_t length);
size_t sc_sequences_length(const struct sc_sequences *s, size_t seq);

/* Tokens to append to a sequence: at least one, and as many as fit into n_text_ctx. */
struct sc_step {
    size_t seq; /* in one step of a call only */
    const int32_t *tokens;
    size_t count;
};

/* What heads of the decoder attended to. */
struct sc_head {
    int layer, head;
};

struct sc_heads {
    const struct sc_head *heads;
    size_t count;
    /* Room for [tokens of all steps, in order][count][n_audio_ctx]: how much each position of the
     * window weighed, 1 in all. */
    float *weights;
};

struct sc_decode {
    struct sc_pool *pool;
    const struct sc_windows *windows;
    struct sc_sequences *sequences;
    const struct sc_step *steps;
    size_t count;
    float *logits;          /* [count][n_vocab], after the last token of each step */
    struct sc_heads *heads; /* NULL: nobody asks */
    const struct sc_stop *stop;
};

/* All steps together: each weight is read once for all of them. CANCELLED when stop said so,
 * INTERNAL when memory is exhausted; sequences are then as before. */
SC_MUST_USE enum sc_code sc_net_decode(const struct sc_net *net, const struct sc_decode *job,
                                       struct sc_error *err);
