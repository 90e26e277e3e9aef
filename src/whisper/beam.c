#include "whisper/beam.h"

#include "base/macros.h"

#include <math.h>

#include "base/banned.h"

size_t sc_beam_top(const float *logs, size_t count, size_t wanted, int32_t *out)
{
    size_t have = 0;
    for (size_t i = 0; i < count; i++) {
        if (isinf(logs[i]) || (have == wanted && logs[i] <= logs[out[have - 1]]))
            continue;
        size_t at = have < wanted ? have++ : have - 1;
        for (; at > 0 && logs[out[at - 1]] < logs[i]; at--)
            out[at] = out[at - 1];
        out[at] = (int32_t)i;
    }
    return have;
}

static bool comes_before(const struct sc_continuation *a, const struct sc_continuation *b)
{
    return a->sum > b->sum || (a->sum >= b->sum && a->parent < b->parent);
}

void sc_beam_sort(struct sc_continuation *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sc_continuation one = list[i];
        size_t at = i;
        for (; at > 0 && comes_before(&one, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = one;
    }
}

void sc_beam_move(const int *parents, size_t *slots, int count,
                  void (*copy)(void *ctx, size_t to, size_t from), void *ctx)
{
    size_t moved[SC_BEAM_MAX];
    bool taken[SC_BEAM_MAX] = { false };
    bool settled[SC_BEAM_MAX] = { false };
    sc_assert(count <= SC_BEAM_MAX);
    for (int i = 0; i < count; i++) {
        settled[i] = !taken[parents[i]];
        taken[parents[i]] = true;
        moved[i] = slots[parents[i]];
    }
    for (int i = 0, spare = 0; i < count; i++) {
        if (settled[i])
            continue;
        while (taken[spare])
            spare++;
        copy(ctx, slots[spare], slots[parents[i]]);
        moved[i] = slots[spare++];
    }
    for (int i = 0; i < count; i++)
        slots[i] = moved[i];
}
