#include "testing.h"

#include "twin.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

static double *zeros(size_t count)
{
    double *values = calloc(count, sizeof(*values));
    assert_non_null(values);
    return values;
}

struct layer {
    const struct sc_whisper_file *f;
    char name[64]; /* "encoder.blocks.0", or "" */
};

/* Tensor `part` of a layer; NULL: there is none. */
static float *tensor(const struct layer *l, const char *part)
{
    char name[128];
    (void)snprintf(name, sizeof(name), "%s%s%s", l->name, l->name[0] == '\0' ? "" : ".", part);
    const struct sc_wtensor *t = sc_whisper_file_tensor(l->f, name);
    if (t == NULL)
        return NULL;
    float *values = malloc((size_t)(t->dims[0] * sc_wtensor_row(t)) * sizeof(*values));
    assert_non_null(values);
    sc_wtensor_read(t, 0, t->dims[0], values);
    return values;
}

struct matrix {
    int rows, columns;
    double *at;
};

static struct matrix matrix(int rows, int columns)
{
    return (struct matrix){ rows, columns, zeros((size_t)rows * (size_t)columns) };
}

static double gelu(double x)
{
    return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

static struct matrix linear(const struct layer *l, const char *part, struct matrix in, int outputs)
{
    char name[64];
    struct matrix out = matrix(in.rows, outputs);
    (void)snprintf(name, sizeof(name), "%s.weight", part);
    float *weights = tensor(l, name);
    (void)snprintf(name, sizeof(name), "%s.bias", part);
    float *bias = tensor(l, name);
    assert_non_null(weights);
    for (int r = 0; r < in.rows; r++) {
        for (int o = 0; o < outputs; o++) {
            double sum = bias == NULL ? 0 : (double)bias[o];
            for (int i = 0; i < in.columns; i++)
                sum += in.at[r * in.columns + i] * (double)weights[o * in.columns + i];
            out.at[r * outputs + o] = sum;
        }
    }
    free(weights);
    free(bias);
    return out;
}

static struct matrix norm(const struct layer *l, const char *part, struct matrix in)
{
    char name[64];
    struct matrix out = matrix(in.rows, in.columns);
    (void)snprintf(name, sizeof(name), "%s.weight", part);
    float *weights = tensor(l, name);
    (void)snprintf(name, sizeof(name), "%s.bias", part);
    float *bias = tensor(l, name);
    for (int r = 0; r < in.rows; r++) {
        const double *row = in.at + (ptrdiff_t)r * in.columns;
        double mean = 0, variance = 0;
        for (int i = 0; i < in.columns; i++)
            mean += row[i] / in.columns;
        for (int i = 0; i < in.columns; i++)
            variance += (row[i] - mean) * (row[i] - mean) / in.columns;
        for (int i = 0; i < in.columns; i++)
            out.at[r * in.columns + i] =
                (row[i] - mean) / sqrt(variance + 1e-5) * (double)weights[i] + (double)bias[i];
    }
    free(weights);
    free(bias);
    return out;
}

static void add(struct matrix to, struct matrix what)
{
    for (int i = 0; i < to.rows * to.columns; i++)
        to.at[i] += what.at[i];
    free(what.at);
}

struct look {
    int heads, head;   /* whose weights are wanted */
    bool back_only;    /* row r looks at rows 0 to r */
    double *attention; /* NULL: nobody asks */
};

/* Row r of queries at the rows of keys and values. */
static struct matrix look(struct matrix q, struct matrix k, struct matrix v, const struct look *how)
{
    const int width = q.columns / how->heads;
    struct matrix out = matrix(q.rows, q.columns);
    double *scores = zeros((size_t)k.rows);
    for (int head = 0; head < how->heads; head++) {
        const int at = head * width;
        for (int r = 0; r < q.rows; r++) {
            const int end = how->back_only ? r + 1 : k.rows;
            double sum = 0;
            for (int p = 0; p < end; p++) {
                double s = 0;
                for (int i = at; i < at + width; i++)
                    s += q.at[r * q.columns + i] * k.at[p * k.columns + i];
                scores[p] = exp(s / sqrt(width));
                sum += scores[p];
            }
            for (int p = 0; p < end; p++) {
                for (int i = at; i < at + width; i++)
                    out.at[r * q.columns + i] += scores[p] / sum * v.at[p * v.columns + i];
                if (how->attention != NULL && how->head == head)
                    how->attention[r * k.rows + p] = scores[p] / sum;
            }
        }
    }
    free(scores);
    return out;
}

/* x += what attention `part` of x finds in `at` (x itself when NULL). */
static void attend(const struct layer *l, const char *part, struct matrix x,
                   const struct matrix *at, const struct look *how)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s_ln", part);
    struct matrix h = norm(l, name, x);
    const struct matrix from = at == NULL ? h : *at;
    (void)snprintf(name, sizeof(name), "%s.query", part);
    struct matrix q = linear(l, name, h, x.columns);
    (void)snprintf(name, sizeof(name), "%s.key", part);
    struct matrix k = linear(l, name, from, x.columns);
    (void)snprintf(name, sizeof(name), "%s.value", part);
    struct matrix v = linear(l, name, from, x.columns);
    struct matrix found = look(q, k, v, how);
    (void)snprintf(name, sizeof(name), "%s.out", part);
    add(x, linear(l, name, found, x.columns));
    double *const all[] = { h.at, q.at, k.at, v.at, found.at };
    for (size_t i = 0; i < SC_ARRAY_LEN(all); i++)
        free(all[i]);
}

static void think(const struct layer *l, struct matrix x)
{
    struct matrix h = norm(l, "mlp_ln", x);
    struct matrix wide = linear(l, "mlp.0", h, 4 * x.columns);
    for (int i = 0; i < wide.rows * wide.columns; i++)
        wide.at[i] = gelu(wide.at[i]);
    add(x, linear(l, "mlp.2", wide, x.columns));
    free(h.at);
    free(wide.at);
}

/* in[rows][channels], three taps; what lies outside is 0. */
static struct matrix convolve(const struct layer *l, const char *part, struct matrix in,
                              struct matrix out)
{
    const int stride = in.rows / out.rows;
    char name[64];
    (void)snprintf(name, sizeof(name), "%s.weight", part);
    float *weights = tensor(l, name);
    (void)snprintf(name, sizeof(name), "%s.bias", part);
    float *bias = tensor(l, name);
    for (int r = 0; r < out.rows; r++) {
        for (int o = 0; o < out.columns; o++) {
            double sum = (double)bias[o];
            for (int tap = 0; tap < 3; tap++) {
                const int from = r * stride + tap - 1;
                if (from < 0 || from >= in.rows)
                    continue;
                for (int i = 0; i < in.columns; i++)
                    sum += in.at[from * in.columns + i] *
                           (double)weights[(o * in.columns + i) * 3 + tap];
            }
            out.at[r * out.columns + o] = gelu(sum);
        }
    }
    free(weights);
    free(bias);
    free(in.at);
    return out;
}

double *twin_encode(const struct sc_whisper_file *f, const float *mel)
{
    const struct sc_whisper_dims *d = sc_whisper_file_dims(f);
    const int rows = d->n_audio_ctx;
    struct layer l = { .f = f };
    struct matrix frames = matrix(2 * rows, d->n_mels);

    for (int t = 0; t < 2 * rows; t++) {
        for (int b = 0; b < d->n_mels; b++)
            frames.at[t * d->n_mels + b] = (double)mel[b * 2 * rows + t];
    }
    struct matrix x = convolve(&l, "encoder.conv1", frames, matrix(2 * rows, d->n_audio_state));
    x = convolve(&l, "encoder.conv2", x, matrix(rows, d->n_audio_state));
    float *positions = tensor(&l, "encoder.positional_embedding");
    for (int i = 0; i < rows * d->n_audio_state; i++)
        x.at[i] += (double)positions[i];
    free(positions);
    for (int i = 0; i < d->n_audio_layer; i++) {
        (void)snprintf(l.name, sizeof(l.name), "encoder.blocks.%d", i);
        attend(&l, "attn", x, NULL, &(struct look){ .heads = d->n_audio_head });
        think(&l, x);
    }
    l.name[0] = '\0';
    struct matrix out = norm(&l, "encoder.ln_post", x);
    free(x.at);
    return out.at;
}

double *twin_decode(const struct sc_whisper_file *f, const struct twin_decode *job)
{
    const struct sc_whisper_dims *d = sc_whisper_file_dims(f);
    const int n = d->n_text_state;
    struct layer l = { .f = f };
    struct matrix x = matrix(job->count, n);
    double *copy = zeros((size_t)d->n_audio_ctx * (size_t)n);
    memcpy(copy, job->encoded, (size_t)d->n_audio_ctx * (size_t)n * sizeof(*copy));
    const struct matrix window = { d->n_audio_ctx, n, copy };
    float *tokens = tensor(&l, "decoder.token_embedding.weight");
    float *positions = tensor(&l, "decoder.positional_embedding");

    for (int i = 0; i < job->count * n; i++)
        x.at[i] = (double)tokens[job->tokens[i / n] * n + i % n] + (double)positions[i];
    free(tokens);
    free(positions);
    for (int i = 0; i < d->n_text_layer; i++) {
        (void)snprintf(l.name, sizeof(l.name), "decoder.blocks.%d", i);
        attend(&l, "attn", x, NULL, &(struct look){ .heads = d->n_text_head, .back_only = true });
        attend(&l, "cross_attn", x, &window,
               &(struct look){ .heads = d->n_text_head,
                               .head = job->head,
                               .attention = i == job->layer ? job->attention : NULL });
        think(&l, x);
    }
    l.name[0] = '\0';
    struct matrix last = norm(&l, "decoder.ln", x);
    struct matrix logits = linear(&l, "decoder.token_embedding", last, d->n_vocab);
    free(last.at);
    free(x.at);
    free(copy);
    return logits.at;
}
