#pragma once
/* Tensors as model files hold them: in one of eight types, mapped, at any alignment. Pure. */

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum sc_wtype {
    SC_WTYPE_F32,
    SC_WTYPE_F16,
    SC_WTYPE_BF16,
    SC_WTYPE_Q4_0,
    SC_WTYPE_Q4_1,
    SC_WTYPE_Q5_0,
    SC_WTYPE_Q5_1,
    SC_WTYPE_Q8_0,
    SC_WTYPE_COUNT_
};

#define SC_WTENSOR_RANK 3

struct sc_wtensor {
    const char *name; /* borrowed from the file */
    enum sc_wtype type;
    int rank; /* 1 to 3 */
    /* The innermost last: a matrix is [rows = outputs][columns = inputs]; those behind `rank` are
     * 1. */
    int64_t dims[SC_WTENSOR_RANK];
    const unsigned char *data; /* borrowed from the file */
    size_t bytes;
};

/* "f32", "q5_1". Static. */
const char *sc_wtype_name(enum sc_wtype type);
/* The quantised types keep blocks of so many neighbours; 1 for the others. */
int sc_wtype_block(enum sc_wtype type);
/* Bytes of `count` neighbours; count is a multiple of the block. */
size_t sc_wtype_bytes(enum sc_wtype type, int64_t count);
/* Values of all dimensions behind the outermost. */
int64_t sc_wtensor_row(const struct sc_wtensor *t);
/* `rows` rows from `row` on as f32. Of a vector each value is a row, of three dimensions each
 * matrix. They must be within the tensor. Thread-safe. */
void sc_wtensor_read(const struct sc_wtensor *t, int64_t row, int64_t rows, float *out);
