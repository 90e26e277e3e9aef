#pragma once
/* The weights as encoder and decoder use them. For files of this module only. */

#include "whisper/attention.h"
#include "whisper/net.h"
#include "whisper/room.h"

struct sc_norm {
    float *weight, *bias;
};

/* Queries come out scaled for attention. */
struct sc_layer {
    struct sc_norm attention_norm;
    struct sc_matrix *queries_keys_values;
    struct sc_matrix *attention_out;
    /* Of the decoder only. */
    struct sc_norm cross_norm;
    struct sc_matrix *cross_queries;
    struct sc_matrix *cross_keys_values;
    struct sc_matrix *cross_out;

    struct sc_norm wide_norm;
    struct sc_matrix *wide;
    struct sc_matrix *narrow;
};

struct sc_net {
    struct sc_whisper_dims dims;
    const struct sc_kernels *kernels;

    struct sc_matrix *first_conv, *second_conv;
    float *audio_positions; /* n_audio_ctx rows */
    struct sc_layer *encoder;
    struct sc_norm encoder_norm;

    float *text_positions; /* n_text_ctx rows */
    struct sc_layer *decoder;
    struct sc_norm decoder_norm;
    struct sc_matrix *logits; /* its rows are those of the tokens, too */
};

/* Keys and values of an encoded window, for a layer of the decoder. Borrowed. */
struct sc_windows;
const float *sc_windows_cross(const struct sc_windows *w, size_t window, size_t layer);

static inline size_t sc_net_state(const struct sc_net *net)
{
    return (size_t)net->dims.n_audio_state;
}

/* Each position of the input to itself, in the encoder. */
struct sc_attention sc_net_self_attention(const struct sc_net *net);
/* Tokens to positions. */
struct sc_attention sc_net_cross_attention(const struct sc_net *net);
/* `rows` rows, one behind the other. */
void sc_net_norm(const struct sc_net *net, const struct sc_norm *norm, const float *in, size_t rows,
                 float *out);
