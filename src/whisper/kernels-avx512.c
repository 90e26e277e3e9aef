#include "whisper/kernels.h"

#include <immintrin.h>

#define LANES 16
#define ROWS 12 /* 24 of the 32 registers are sums, two hold a row of the panel, one a value */
#define VECTORS 2
#define KERNELS sc_kernels_avx512
#define NAME "avx512"

typedef __m512 vec;

static inline vec v_load(const float *at)
{
    return _mm512_loadu_ps(at);
}

static inline void v_store(float *at, vec a)
{
    _mm512_storeu_ps(at, a);
}

static inline vec v_all(float a)
{
    return _mm512_set1_ps(a);
}

static inline vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

static inline vec v_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

static inline vec v_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

/* a * b + c */
static inline vec v_mul_add(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vec v_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a * 2^n, n whole */
static inline vec v_times_power(vec a, vec n)
{
    return _mm512_scalef_ps(a, n);
}

#include "whisper/kernels-body.inc"
