#include "whisper/kernels.h"

#include <math.h>

#define LANES 1
#define ROWS 4
#define VECTORS 4
#define KERNELS sc_kernels_plain
#define NAME "plain"

typedef float vec;

static inline vec v_load(const float *at)
{
    return *at;
}

static inline void v_store(float *at, vec a)
{
    *at = a;
}

static inline vec v_all(float a)
{
    return a;
}

static inline vec v_add(vec a, vec b)
{
    return a + b;
}

static inline vec v_sub(vec a, vec b)
{
    return a - b;
}

static inline vec v_mul(vec a, vec b)
{
    return a * b;
}

static inline vec v_div(vec a, vec b)
{
    return a / b;
}

static inline vec v_max(vec a, vec b)
{
    return a > b ? a : b;
}

static inline vec v_min(vec a, vec b)
{
    return a < b ? a : b;
}

/* a * b + c */
static inline vec v_mul_add(vec a, vec b, vec c)
{
    return a * b + c;
}

static inline vec v_round(vec a)
{
    return rintf(a);
}

/* a * 2^n, n whole */
static inline vec v_times_power(vec a, vec n)
{
    return ldexpf(a, (int)n);
}

#include "whisper/kernels-body.inc"
