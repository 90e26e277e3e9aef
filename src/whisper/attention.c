#include "whisper/attention.h"

#include <string.h>

#include "base/macros.h"

#include "base/banned.h"

/* Of one head: keys with a column for each position, then values with a row for each. */
static size_t key_floats(const struct sc_attention *a)
{
    return SC_PANEL_FLOATS(a->width, a->positions);
}

static size_t head_floats(const struct sc_attention *a)
{
    return key_floats(a) + SC_PANEL_FLOATS(a->positions, a->width);
}

size_t sc_attention_floats(const struct sc_attention *a)
{
    return a->heads * head_floats(a);
}

size_t sc_attention_stride(const struct sc_attention *a)
{
    return SC_PANELS(a->positions) * SC_PANEL;
}

static void store_keys(const struct sc_attention *a, const struct sc_attention_rows *r, size_t head,
                       float *to)
{
    const float *from = r->keys + head * a->width;
    for (size_t at = 0; at < r->count;) {
        const size_t position = r->first + at, column = position % SC_PANEL;
        const size_t count = SC_MIN(SC_PANEL - column, r->count - at);
        float *panel = to + position / SC_PANEL * SC_PANEL * a->width + column;
        for (size_t d = 0; d < a->width; d++) {
            for (size_t i = 0; i < count; i++)
                panel[d * SC_PANEL + i] = from[(at + i) * r->stride + d];
        }
        at += count;
    }
}

static void store_values(const struct sc_attention *a, const struct sc_attention_rows *r,
                         size_t head, float *to)
{
    const float *from = r->values + head * a->width;
    for (size_t d = 0; d < a->width; d += SC_PANEL) {
        const size_t count = SC_MIN(SC_PANEL, a->width - d);
        float *panel = to + d * a->positions + r->first * SC_PANEL;
        for (size_t i = 0; i < r->count; i++)
            memcpy(panel + i * SC_PANEL, from + i * r->stride + d, count * sizeof(*panel));
    }
}

void sc_attention_store(const struct sc_attention *a, const struct sc_attention_rows *rows,
                        float *store)
{
    for (size_t head = 0; head < a->heads; head++) {
        float *to = store + head * head_floats(a);
        store_keys(a, rows, head, to);
        store_values(a, rows, head, to + key_floats(a));
    }
}

void sc_attend(const struct sc_attention *a, const float *store, size_t head,
               const struct sc_attend *job)
{
    const struct sc_kernels *k = a->kernels;
    const float *keys = store + head * head_floats(a);
    const size_t stride = sc_attention_stride(a);

    k->product(&(struct sc_product){
        .in = job->queries + head * a->width,
        .in_stride = job->query_stride,
        .rows = job->rows,
        .depth = a->width,
        .columns = a->positions,
        .panels = keys,
        .out = job->scores,
        .out_stride = stride,
    });
    /* They are divided by their sum at the end, where there are fewer of them. */
    float *out = job->out + head * a->width;
    float factors[SC_ATTEND_ROWS];
    sc_assert(job->rows <= SC_ATTEND_ROWS);
    for (size_t i = 0; i < job->rows; i++)
        factors[i] = 1 / k->exponents(job->scores + i * stride, a->positions);
    k->product(&(struct sc_product){
        .in = job->scores,
        .in_stride = stride,
        .rows = job->rows,
        .depth = a->positions,
        .columns = a->width,
        .panels = keys + key_floats(a),
        .out = out,
        .out_stride = job->out_stride,
    });
    for (size_t i = 0; i < job->rows; i++) {
        k->scale(factors[i], out + i * job->out_stride, a->width);
        if (job->keep_scores)
            k->scale(factors[i], job->scores + i * stride, a->positions);
    }
}
