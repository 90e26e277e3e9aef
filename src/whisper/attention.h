#pragma once
/* Attention of many queries to the keys and values of one window. Keys and values are kept as the
 * panels that products multiply by, so that nothing is turned over when they are used. */

#include "whisper/kernels.h"

struct sc_attention {
    const struct sc_kernels *kernels;
    size_t positions;    /* of the window */
    size_t heads, width; /* values of a head */
};

/* Floats of the keys and values of all heads. */
size_t sc_attention_floats(const struct sc_attention *a);
/* Floats between two rows of scores. */
size_t sc_attention_stride(const struct sc_attention *a);

/* Takes in keys and values of `count` positions from `first` on; of each, the heads lie one after
 * another. Threads may store different positions at the same time. */
struct sc_attention_rows {
    const float *keys, *values;
    size_t stride; /* from a position to the next */
    size_t first, count;
};
void sc_attention_store(const struct sc_attention *a, const struct sc_attention_rows *rows,
                        float *store);

/* Rows of one call at most. */
#define SC_ATTEND_ROWS 60

struct sc_attend {
    const float *queries; /* of the first head, scaled already */
    size_t query_stride;
    size_t rows;
    float *out; /* of the first head */
    size_t out_stride;
    float *scores;    /* room for rows x sc_attention_stride */
    bool keep_scores; /* then they hold afterwards what each position weighed, 1 in all */
};
/* What head `head` of each row finds. Thread-safe. */
void sc_attend(const struct sc_attention *a, const float *store, size_t head,
               const struct sc_attend *job);
