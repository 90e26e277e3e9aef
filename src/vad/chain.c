#include "vad/chain.h"

#include "base/alloc.h"

#include <string.h>

#include "base/banned.h"

#define SAMPLES(ms) ((int64_t)(ms) * (SC_PCM_RATE / 1000))

struct sc_chain {
    sc_cut_fn fn;
    void *ctx;
    int64_t part; /* samples, as all that follows */
    int64_t next; /* where the one behind the part at hand takes over */
    int16_t *pcm; /* owned; of the part at hand */
    int64_t start;
    size_t count, cap;
};

struct sc_chain *sc_chain_new(int part_s, sc_cut_fn fn, void *ctx)
{
    sc_assert(part_s >= 1 && part_s <= SC_CHAIN_PART_MAX_S);
    struct sc_chain *c = sc_alloc(sizeof(*c));
    *c = (struct sc_chain){ .fn = fn, .ctx = ctx, .part = (int64_t)part_s * SC_PCM_RATE };
    c->next = c->part;
    return c;
}

void sc_chain_free(struct sc_chain *c)
{
    if (c == NULL)
        return;
    free(c->pcm);
    free(c);
}

static enum sc_code give(struct sc_chain *c, int64_t until, struct sc_error *err)
{
    const struct sc_cut_span all = { c->start, c->start + (int64_t)c->count };
    const struct sc_cut cut = {
        .start_samples = all.start_samples,
        .end_samples = all.end_samples,
        .until_samples = until,
        .spans = &all,
        .span_count = 1,
        .pcm = c->pcm,
        .samples = c->count,
    };
    return c->fn(c->ctx, &cut, err);
}

/* What the next part shares with this one. */
static void go_on(struct sc_chain *c)
{
    size_t gone = (size_t)(c->next - SAMPLES(SC_CHAIN_LEAD_MS) - c->start);
    c->count -= gone;
    memmove(c->pcm, c->pcm + gone, c->count * sizeof(*c->pcm));
    c->start += (int64_t)gone;
    c->next += c->part;
}

enum sc_code sc_chain_feed(struct sc_chain *c, const int16_t *pcm, size_t samples,
                           struct sc_error *err)
{
    enum sc_code code = SC_OK;
    while (samples > 0 && code == SC_OK) {
        int64_t end = c->next + SAMPLES(SC_CHAIN_BEHIND_MS);
        size_t taken = (size_t)SC_MIN((int64_t)samples, end - c->start - (int64_t)c->count);
        if (!sc_try_grow((void **)&c->pcm, &c->cap, c->count + taken, sizeof(*c->pcm)))
            return sc_error_set(err, SC_E_INTERNAL, "no memory for a part of a recording");
        memcpy(c->pcm + c->count, pcm, taken * sizeof(*pcm));
        c->count += taken;
        pcm += taken;
        samples -= taken;
        if (c->start + (int64_t)c->count == end) {
            code = give(c, c->next, err);
            go_on(c);
        }
    }
    return code;
}

enum sc_code sc_chain_finish(struct sc_chain *c, struct sc_error *err)
{
    return c->count == 0 ? SC_OK : give(c, c->start + (int64_t)c->count, err);
}

int64_t sc_chain_count(int part_s, int64_t duration_ms)
{
    if (duration_ms <= 0)
        return 0;
    return 1 + SC_MAX(duration_ms - SC_CHAIN_BEHIND_MS, 0) / ((int64_t)part_s * 1000);
}
