#pragma once
/* Matrices of weights, laid out once for the kernels that multiply by them. What precision they are
 * kept and multiplied in is decided here and nowhere else. */

#include "base/macros.h"
#include "whisper/kernels.h"

enum sc_precision {
    SC_PRECISION_F32,
};

struct sc_matrix;

/* All zeros; NULL when memory is exhausted. */
struct sc_matrix *sc_matrix_new(const struct sc_kernels *kernels, enum sc_precision precision,
                                size_t outputs, size_t inputs);
void sc_matrix_free(struct sc_matrix *m);
SC_DEFINE_FREEP(struct sc_matrix, sc_matrix_free);

/* Sets `count` outputs from `first` on: weights[count][inputs] and bias[count] (NULL: none), all of
 * it times factor. Threads may set different outputs at the same time. */
void sc_matrix_set(struct sc_matrix *m, size_t first, size_t count, const float *weights,
                   const float *bias, float factor);

/* The weights of an output, as they are multiplied by; inputs of them. */
void sc_matrix_get(const struct sc_matrix *m, size_t output, float *weights);

size_t sc_matrix_outputs(const struct sc_matrix *m);
size_t sc_matrix_inputs(const struct sc_matrix *m);

/* What becomes of what was multiplied. */
enum sc_after {
    SC_AFTER_NOTHING,
    SC_AFTER_GELU,
    SC_AFTER_ADD, /* to what is in `out` */
};

struct sc_multiply {
    const struct sc_matrix *matrix;
    const float *in; /* [rows][inputs] */
    size_t in_stride;
    size_t rows;
    float *out; /* [rows][outputs] */
    size_t out_stride;
    enum sc_after after;
};

/* All outputs. Thread-safe; each row as if it were alone. */
void sc_multiply(const struct sc_multiply *job);
/* The same piece by piece: outputs of the panels from `first` to before `end`. */
void sc_multiply_panels(const struct sc_multiply *job, size_t first, size_t end);
