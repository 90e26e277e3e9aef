#pragma once
/* The encoder: from log-mel to the keys and values that decoding attends to. */

#include "whisper/net.h"

/* Windows that have been encoded, and the memory that encoding needs: used again by the next call,
 * so that a long recording takes no more than its largest batch. */
struct sc_windows;

/* keep_output: what the encoder puts out is kept too. net outlives it. Owned by the caller. */
SC_MUST_USE struct sc_windows *sc_windows_open(const struct sc_net *net, bool keep_output);
void sc_windows_close(struct sc_windows *w);
SC_DEFINE_FREEP(struct sc_windows, sc_windows_close);
/* Told on the caller's thread of sc_net_encode, after each layer, how much of its windows is done,
 * from 0 to 1. fn NULL: nobody. */
void sc_windows_watch(struct sc_windows *w, void (*fn)(void *ctx, double share), void *ctx);
/* n_audio_ctx rows of n_audio_state; borrowed until the next sc_net_encode. Only when kept,
 * for tests and parity. */
const float *sc_windows_output(const struct sc_windows *w, size_t window);

/* Encodes `count` windows in place of those that w holds; each of mels has n_mels rows of
 * 2 * n_audio_ctx frames. CANCELLED when stop said so, INTERNAL when memory is exhausted; w then
 * holds none. */
SC_MUST_USE enum sc_code sc_net_encode(const struct sc_net *net, struct sc_pool *pool,
                                       const float *const *mels, size_t count,
                                       const struct sc_stop *stop, struct sc_windows *w,
                                       struct sc_error *err);
