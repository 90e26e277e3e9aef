#include "whisper/matmul.h"

#include "base/alloc.h"
#include "whisper/room.h"

#include "base/banned.h"

struct sc_matrix {
    const struct sc_kernels *kernels;
    enum sc_precision precision;
    size_t outputs, inputs;
    struct sc_room panels;
    struct sc_room bias; /* of whole panels */
};

struct sc_matrix *sc_matrix_new(const struct sc_kernels *kernels, enum sc_precision precision,
                                size_t outputs, size_t inputs)
{
    SC_AUTO(sc_matrix_freep) struct sc_matrix *m = sc_alloc(sizeof(*m));

    *m = (struct sc_matrix){
        .kernels = kernels,
        .precision = precision,
        .outputs = outputs,
        .inputs = inputs,
    };
    if (!sc_room_grow(&m->panels, SC_PANEL_FLOATS(inputs, outputs)) ||
        !sc_room_grow(&m->bias, SC_PANELS(outputs) * SC_PANEL))
        return NULL;
    return SC_TAKE(m);
}

void sc_matrix_free(struct sc_matrix *m)
{
    if (m == NULL)
        return;
    sc_room_done(&m->panels);
    sc_room_done(&m->bias);
    free(m);
}

/* Of an output's first weight; the others follow SC_PANEL apart. */
static size_t panel_place(const struct sc_matrix *m, size_t output)
{
    return output / SC_PANEL * SC_PANEL * m->inputs + output % SC_PANEL;
}

void sc_matrix_set(struct sc_matrix *m, size_t first, size_t count, const float *weights,
                   const float *bias, float factor)
{
    sc_assert(first + count <= m->outputs);
    for (size_t i = 0; i < count; i++, weights += m->inputs) {
        const size_t output = first + i;
        float *to = m->panels.at + panel_place(m, output);
        for (size_t k = 0; k < m->inputs; k++)
            to[k * SC_PANEL] = weights[k] * factor;
        m->bias.at[output] = bias == NULL ? 0 : bias[i] * factor;
    }
}

void sc_matrix_get(const struct sc_matrix *m, size_t output, float *weights)
{
    const float *from = m->panels.at + panel_place(m, output);

    sc_assert(output < m->outputs);
    for (size_t k = 0; k < m->inputs; k++)
        weights[k] = from[k * SC_PANEL];
}

size_t sc_matrix_outputs(const struct sc_matrix *m)
{
    return m->outputs;
}

size_t sc_matrix_inputs(const struct sc_matrix *m)
{
    return m->inputs;
}

void sc_multiply_panels(const struct sc_multiply *job, size_t first, size_t end)
{
    const struct sc_matrix *m = job->matrix;
    const size_t column = first * SC_PANEL;
    const size_t columns = SC_MIN(end * SC_PANEL, m->outputs) - column;
    const struct sc_product p = {
        .in = job->in,
        .in_stride = job->in_stride,
        .rows = job->rows,
        .depth = m->inputs,
        .columns = columns,
        .panels = m->panels.at + column * m->inputs,
        .bias = m->bias.at + column,
        .out = job->out + column,
        .out_stride = job->out_stride,
        .add = job->after == SC_AFTER_ADD,
    };
    m->kernels->product(&p);
    if (job->after == SC_AFTER_GELU) {
        for (size_t row = 0; row < job->rows; row++)
            m->kernels->gelu(p.out + row * p.out_stride, columns);
    }
}

void sc_multiply(const struct sc_multiply *job)
{
    sc_multiply_panels(job, 0, SC_PANELS(job->matrix->outputs));
}
