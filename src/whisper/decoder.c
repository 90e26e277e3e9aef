/* A row is a token: all tokens of all steps go through each layer together, so that weights are
 * read once for all. Products are shared out by outputs, attention by rows and heads. */
#include "whisper/decoder.h"

#include "base/alloc.h"
#include "whisper/net-internal.h"
#include "whisper/sequences.h"

#include "base/banned.h"

/* Weights of a part of a product: enough that waking a thread for it pays. */
#define PART_FLOATS 65536
/* Rows of a part: texts ahead of many windows have thousands, too many for one. */
#define PART_ROWS 256

struct row {
    size_t seq, position, window;
    int32_t token;
};

/* Rows that follow one another and attend to the same window. */
struct stretch {
    size_t first, count;
};

struct run {
    const struct sc_net *net;
    const struct sc_decode *job;
    struct sc_attention cross;
    size_t layer, state, heads, width;
    struct row *rows;
    size_t count;
    struct stretch *stretches;
    size_t stretch_count;
    /* Of each row: what is handed on, the same normalised, queries with keys and values or what is
     * widest, and what attention found. */
    float *states, *normed, *wide, *found;
    float *own; /* of each thread */
    size_t own_floats;
};

struct share {
    struct sc_multiply multiply;
    size_t panels;    /* of a part */
    size_t row_parts; /* that share the same panels, one behind the other */
};

static void multiply_part(void *ctx, size_t part, int thread)
{
    const struct share *s = ctx;
    const size_t all = SC_PANELS(sc_matrix_outputs(s->multiply.matrix));
    const size_t first = part / s->row_parts * s->panels;
    const size_t row = part % s->row_parts * PART_ROWS;
    struct sc_multiply job = s->multiply;

    (void)thread;
    job.in += row * job.in_stride;
    job.out += row * job.out_stride;
    job.rows = SC_MIN(PART_ROWS, job.rows - row);
    sc_multiply_panels(&job, first, SC_MIN(first + s->panels, all));
}

static bool multiply(const struct run *r, struct sc_multiply job)
{
    struct share s = { .multiply = job };
    const size_t inputs = sc_matrix_inputs(job.matrix);

    s.multiply.in_stride = inputs;
    s.multiply.out_stride = sc_matrix_outputs(job.matrix);
    s.panels = SC_MAX(1, PART_FLOATS / (inputs * SC_PANEL));
    s.row_parts = (job.rows + PART_ROWS - 1) / PART_ROWS;
    const size_t parts = (SC_PANELS(s.multiply.out_stride) + s.panels - 1) / s.panels * s.row_parts;
    return sc_pool_run(r->job->pool, multiply_part, &s, parts, r->job->stop);
}

static void embed(const struct run *r)
{
    for (size_t i = 0; i < r->count; i++) {
        float *to = r->states + i * r->state;
        sc_matrix_get(r->net->logits, (size_t)r->rows[i].token, to);
        r->net->kernels->add_scaled(1, r->net->text_positions + r->rows[i].position * r->state,
                                    r->state, to);
    }
}

/* Keys and values of all rows must be there before the first looks back. */
static void remember(const struct run *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct row *row = &r->rows[i];
        memcpy(sc_sequences_token(r->job->sequences, row->seq, row->position, r->layer),
               r->wide + (3 * i + 1) * r->state, 2 * r->state * sizeof(float));
    }
}

static void look_back(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const struct sc_kernels *k = r->net->kernels;
    const struct row *row = &r->rows[part];
    float *scores = r->own + (size_t)thread * r->own_floats;

    for (size_t head = 0; head < r->heads; head++) {
        const float *query = r->wide + 3 * part * r->state + head * r->width;
        float *found = r->found + part * r->state + head * r->width;
        for (size_t i = 0; i <= row->position; i++) {
            const float *token = sc_sequences_token(r->job->sequences, row->seq, i, r->layer);
            scores[i] = k->dot(query, token + head * r->width, r->width);
        }
        const float sum = k->exponents(scores, row->position + 1);
        memset(found, 0, r->width * sizeof(*found));
        for (size_t i = 0; i <= row->position; i++) {
            const float *token = sc_sequences_token(r->job->sequences, row->seq, i, r->layer);
            k->add_scaled(scores[i], token + r->state + head * r->width, r->width, found);
        }
        k->scale(1 / sum, found, r->width);
    }
}

/* Hands what a head weighed to whoever asked for it. */
static void show(const struct run *r, const struct stretch *s, size_t head, const float *scores)
{
    const struct sc_heads *asked = r->job->heads;
    const size_t positions = r->cross.positions;

    for (size_t i = 0; asked != NULL && i < asked->count; i++) {
        if (asked->heads[i].layer != (int)r->layer || asked->heads[i].head != (int)head)
            continue;
        for (size_t row = 0; row < s->count; row++)
            memcpy(asked->weights + ((s->first + row) * asked->count + i) * positions,
                   scores + row * sc_attention_stride(&r->cross), positions * sizeof(*scores));
    }
}

static void look_at_window(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const struct stretch *s = &r->stretches[part / r->heads];
    const size_t head = part % r->heads, window = r->rows[s->first].window;
    float *scores = r->own + (size_t)thread * r->own_floats;

    sc_attend(&r->cross, sc_windows_cross(r->job->windows, window, r->layer), head,
              &(struct sc_attend){
                  .queries = r->wide + s->first * r->state,
                  .query_stride = r->state,
                  .rows = s->count,
                  .out = r->found + s->first * r->state,
                  .out_stride = r->state,
                  .scores = scores,
                  .keep_scores = r->job->heads != NULL,
              });
    show(r, s, head, scores);
}

static bool run_layer(struct run *r, const struct sc_layer *layer)
{
    struct sc_pool *pool = r->job->pool;
    const struct sc_stop *stop = r->job->stop;
    const struct sc_net *net = r->net;

    sc_net_norm(net, &layer->attention_norm, r->states, r->count, r->normed);
    if (!multiply(r, (struct sc_multiply){ .matrix = layer->queries_keys_values,
                                           .in = r->normed,
                                           .rows = r->count,
                                           .out = r->wide }))
        return false;
    remember(r);
    if (!sc_pool_run(pool, look_back, r, r->count, stop) ||
        !multiply(r, (struct sc_multiply){ .matrix = layer->attention_out,
                                           .in = r->found,
                                           .rows = r->count,
                                           .out = r->states,
                                           .after = SC_AFTER_ADD }))
        return false;
    sc_net_norm(net, &layer->cross_norm, r->states, r->count, r->normed);
    if (!multiply(r, (struct sc_multiply){ .matrix = layer->cross_queries,
                                           .in = r->normed,
                                           .rows = r->count,
                                           .out = r->wide }) ||
        !sc_pool_run(pool, look_at_window, r, r->stretch_count * r->heads, stop) ||
        !multiply(r, (struct sc_multiply){ .matrix = layer->cross_out,
                                           .in = r->found,
                                           .rows = r->count,
                                           .out = r->states,
                                           .after = SC_AFTER_ADD }))
        return false;
    sc_net_norm(net, &layer->wide_norm, r->states, r->count, r->normed);
    return multiply(r, (struct sc_multiply){ .matrix = layer->wide,
                                             .in = r->normed,
                                             .rows = r->count,
                                             .out = r->wide,
                                             .after = SC_AFTER_GELU }) &&
           multiply(r, (struct sc_multiply){ .matrix = layer->narrow,
                                             .in = r->wide,
                                             .rows = r->count,
                                             .out = r->states,
                                             .after = SC_AFTER_ADD });
}

/* The last row of each step against all tokens. */
static bool tell(const struct run *r)
{
    for (size_t step = 0, end = 0; step < r->job->count; step++) {
        end += r->job->steps[step].count;
        sc_net_norm(r->net, &r->net->decoder_norm, r->states + (end - 1) * r->state, 1,
                    r->normed + step * r->state);
    }
    return multiply(r, (struct sc_multiply){ .matrix = r->net->logits,
                                             .in = r->normed,
                                             .rows = r->job->count,
                                             .out = r->job->logits });
}

static bool run(struct run *r)
{
    embed(r);
    for (r->layer = 0; r->layer < (size_t)r->net->dims.n_text_layer; r->layer++) {
        if (!run_layer(r, &r->net->decoder[r->layer]))
            return false;
    }
    return tell(r);
}

/* Rows and stretches of the steps, whose sequences have their places already. */
static void lay_out(struct run *r)
{
    const struct sc_decode *job = r->job;
    size_t row = 0;

    for (size_t step = 0; step < job->count; step++) {
        const struct sc_step *s = &job->steps[step];
        const size_t from = sc_sequences_length(job->sequences, s->seq) - s->count;
        for (size_t i = 0; i < s->count; i++, row++) {
            sc_assert(s->tokens[i] >= 0 && s->tokens[i] < r->net->dims.n_vocab);
            r->rows[row] =
                (struct row){ s->seq, from + i, sc_sequences_window(job->sequences, s->seq),
                              s->tokens[i] };
        }
    }
    for (size_t i = 0; i < r->count; i++) {
        struct stretch *last = &r->stretches[SC_MAX(r->stretch_count, 1) - 1];
        if (r->stretch_count > 0 && last->count < SC_ATTEND_ROWS &&
            r->rows[last->first].window == r->rows[i].window)
            last->count++;
        else
            r->stretches[r->stretch_count++] = (struct stretch){ i, 1 };
    }
}

static bool make_room(struct run *r)
{
    const size_t threads = (size_t)sc_pool_threads(r->job->pool);

    r->own_floats =
        SC_MAX((size_t)r->net->dims.n_text_ctx, SC_ATTEND_ROWS * sc_attention_stride(&r->cross));
    r->own =
        sc_sequences_room(r->job->sequences, threads * r->own_floats + r->count * 7 * r->state);
    if (r->own == NULL)
        return false;
    r->states = r->own + threads * r->own_floats;
    r->normed = r->states + r->count * r->state;
    r->found = r->normed + r->count * r->state;
    r->wide = r->found + r->count * r->state;
    return true;
}

/* Gives back the places of the first `steps` steps. */
static void take_back(const struct sc_decode *job, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        const size_t seq = job->steps[i].seq;
        sc_sequences_cut(job->sequences, seq,
                         sc_sequences_length(job->sequences, seq) - job->steps[i].count);
    }
}

enum sc_code sc_net_decode(const struct sc_net *net, const struct sc_decode *job,
                           struct sc_error *err)
{
    struct run r = {
        .net = net,
        .job = job,
        .cross = sc_net_cross_attention(net),
        .state = sc_net_state(net),
    };
    size_t steps = 0;

    r.heads = r.cross.heads;
    r.width = r.cross.width;
    while (steps < job->count &&
           sc_sequences_extend(job->sequences, job->steps[steps].seq, job->steps[steps].count)) {
        sc_assert(job->steps[steps].count > 0);
        r.count += job->steps[steps++].count;
    }
    SC_AUTO_FREE struct row *rows = sc_try_alloc(r.count * sizeof(*rows));
    SC_AUTO_FREE struct stretch *stretches = sc_try_alloc(r.count * sizeof(*stretches));
    r.rows = rows;
    r.stretches = stretches;
    if (steps < job->count || rows == NULL || stretches == NULL || !make_room(&r)) {
        take_back(job, steps);
        return sc_error_set(err, SC_E_INTERNAL,
                            "memory is exhausted: decode fewer sequences at once");
    }
    lay_out(&r);
    if (!run(&r)) {
        take_back(job, steps);
        return sc_error_set(err, SC_E_CANCELLED, "cancelled");
    }
    return SC_OK;
}
