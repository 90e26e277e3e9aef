#pragma once
/* The arithmetic of the network, for each kind of CPU: one source, kernels-body.inc, compiled for
 * AVX-512, for AVX2 and in plain C, which every CPU has and the others are tested against. Pure.
 *
 * What a row of the answer is depends on its own inputs alone, to the last bit: not on which rows
 * are computed beside it, nor on where a product is cut into pieces. Between two kinds of CPU
 * answers differ by rounding. */

#include <stdbool.h>
#include <stddef.h>

/* Columns of a panel. A matrix of `columns` is stored as panels one after another, the last one
 * filled up with zeros; each holds `depth` rows of SC_PANEL values. */
#define SC_PANEL 32

#define SC_PANELS(columns) (((columns) + SC_PANEL - 1) / SC_PANEL)
#define SC_PANEL_FLOATS(depth, columns) (SC_PANELS(columns) * SC_PANEL * (depth))

/* out[rows][columns] = in[rows][depth] * panels, + bias, + out when `add`. */
struct sc_product {
    const float *in;
    size_t in_stride; /* values from a row to the next; may be less than depth */
    size_t rows, depth, columns;
    const float *panels;
    const float *bias; /* for all columns, filled up to whole panels; NULL: none */
    float *out;
    size_t out_stride;
    bool add;
};

struct sc_kernels {
    const char *name; /* "avx512", "avx2", "plain" */
    void (*product)(const struct sc_product *p);
    /* Each value becomes e to the power of its distance from the largest; returns their sum, by
     * which the caller divides what it makes of them. count > 0. */
    float (*exponents)(float *values, size_t count);
    /* Normalised to mean 0 and variance 1, times weight, plus bias. */
    void (*layer_norm)(const float *in, const float *weight, const float *bias, size_t count,
                       float *out);
    void (*gelu)(float *values, size_t count);
    float (*dot)(const float *a, const float *b, size_t count);
    /* out += factor * in */
    void (*add_scaled)(float factor, const float *in, size_t count, float *out);
    /* values *= factor */
    void (*scale)(float factor, float *values, size_t count);
};

extern const struct sc_kernels sc_kernels_avx512, sc_kernels_avx2, sc_kernels_plain;

/* The fastest that this CPU can run. Static. */
const struct sc_kernels *sc_kernels_best(void);
/* Those that this CPU can run, best first; NULL behind the last. */
const struct sc_kernels *sc_kernels_at(size_t index);
/* By name, of those that this CPU can run; NULL: none. For tests and benches. */
const struct sc_kernels *sc_kernels_find(const char *name);
