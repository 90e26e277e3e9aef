#pragma once
/* The network once more, as simple as it can be: a number at a time, in double precision, nothing
 * kept between calls. What the real one is held against. */

#include "whisper/decoder.h"

/* The encoder's output for a window, [n_audio_ctx][n_audio_state]; the caller's to free. */
double *twin_encode(const struct sc_whisper_file *f, const float *mel);

struct twin_decode {
    const double *encoded;
    const int32_t *tokens;
    int count;
    int layer, head;   /* whose attention to the window is wanted */
    double *attention; /* [count][n_audio_ctx]; NULL: nobody asks */
};
/* Logits after each token, [count][n_vocab]; the caller's to free. */
double *twin_decode(const struct sc_whisper_file *f, const struct twin_decode *job);
