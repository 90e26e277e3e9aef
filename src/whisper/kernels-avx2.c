#include "whisper/kernels.h"

#include <immintrin.h>

#define LANES 8
#define ROWS                                                                            \
    6 /* 12 of the 16 registers are sums, two hold half a row of the panel, one a value \
       */
#define VECTORS 2
#define KERNELS sc_kernels_avx2
#define NAME "avx2"

typedef __m256 vec;

static inline vec v_load(const float *at)
{
    return _mm256_loadu_ps(at);
}

static inline void v_store(float *at, vec a)
{
    _mm256_storeu_ps(at, a);
}

static inline vec v_all(float a)
{
    return _mm256_set1_ps(a);
}

static inline vec v_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

static inline vec v_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

static inline vec v_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

/* a * b + c */
static inline vec v_mul_add(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec v_round(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a * 2^n, n whole, -126 to 127: n goes into the exponent of a float. */
static inline vec v_times_power(vec a, vec n)
{
    const __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23)));
}

#include "whisper/kernels-body.inc"
