#include "whisper/kernels.h"

#include <string.h>

#include "base/macros.h"

#include "base/banned.h"

static bool runs_here(const struct sc_kernels *k)
{
#if defined(__x86_64__)
    if (k == &sc_kernels_avx512)
        return __builtin_cpu_supports("avx512f");
    if (k == &sc_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k == &sc_kernels_plain;
}

const struct sc_kernels *sc_kernels_at(size_t index)
{
    static const struct sc_kernels *const all[] = {
#if defined(__x86_64__)
        &sc_kernels_avx512,
        &sc_kernels_avx2,
#endif
        &sc_kernels_plain,
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(all); i++) {
        if (runs_here(all[i]) && index-- == 0)
            return all[i];
    }
    return NULL;
}

const struct sc_kernels *sc_kernels_best(void)
{
    return sc_kernels_at(0);
}

const struct sc_kernels *sc_kernels_find(const char *name)
{
    const struct sc_kernels *k;

    for (size_t i = 0; (k = sc_kernels_at(i)) != NULL; i++) {
        if (strcmp(k->name, name) == 0)
            return k;
    }
    return NULL;
}
