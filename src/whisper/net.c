/* Weights are read a panel's width at a time and each matrix is left once it is read, so that
 * opening takes no more memory than the net, the largest matrix as the file has it, and a few rows
 * for each thread. */
#include "whisper/net-internal.h"

#include <math.h>
#include <stdatomic.h>

#include "base/alloc.h"

#include "base/banned.h"

#define NAME_MAX_ 96

struct loader {
    const struct sc_whisper_file *file;
    const struct sc_net_options *options;
    struct sc_net *net;
    const char *part; /* "encoder", "decoder" */
    int layer;
    bool stopped;
    atomic_bool failed; /* memory is exhausted */
};

/* Then nothing more is read, and the net is thrown away. */
static bool must_end(struct loader *l)
{
    const struct sc_stop *stop = l->options->stop;
    if (!l->stopped && stop != NULL)
        l->stopped = stop->fn(stop->ctx);
    return l->stopped || l->failed;
}

static const struct sc_wtensor *find(const struct loader *l, const char *name)
{
    char full[NAME_MAX_];
    if (l->part == NULL)
        (void)snprintf(full, sizeof(full), "%s", name);
    else
        (void)snprintf(full, sizeof(full), "%s.blocks.%d.%s", l->part, l->layer, name);
    return sc_whisper_file_tensor(l->file, full);
}

/* A whole tensor; a missing one is a bug of whoever opened the file. */
static float *load(struct loader *l, const char *name)
{
    const struct sc_wtensor *t = find(l, name);
    sc_assert(t != NULL);
    if (must_end(l))
        return NULL;
    float *values = sc_try_alloc((size_t)(t->dims[0] * sc_wtensor_row(t)) * sizeof(*values));
    if (values == NULL)
        l->failed = true;
    else
        sc_wtensor_read(t, 0, t->dims[0], values);
    sc_whisper_file_leave(l->file, t);
    return values;
}

static void load_norm(struct loader *l, const char *name, struct sc_norm *out)
{
    char full[NAME_MAX_];
    (void)snprintf(full, sizeof(full), "%s.weight", name);
    out->weight = load(l, full);
    (void)snprintf(full, sizeof(full), "%s.bias", name);
    out->bias = load(l, full);
}

/* Outputs of a matrix that come from one tensor. */
struct source {
    const char *name; /* without ".weight" */
    float factor;
};

struct fill {
    struct loader *loader;
    struct sc_matrix *matrix;
    const struct sc_wtensor *weights, *bias; /* bias NULL: none */
    size_t first;
    float factor;
};

/* Convolutions: [input][tap] becomes [tap][input], since inputs of neighbouring frames lie side by
 * side. */
static void turn_taps(float *row, const struct sc_wtensor *t, float *spare)
{
    const size_t inputs = (size_t)t->dims[1], taps = (size_t)t->dims[2];
    memcpy(spare, row, inputs * taps * sizeof(*row));
    for (size_t i = 0; i < inputs; i++) {
        for (size_t tap = 0; tap < taps; tap++)
            row[tap * inputs + i] = spare[i * taps + tap];
    }
}

static void fill_panel(void *ctx, size_t part, int thread)
{
    const struct fill *f = ctx;
    const struct sc_wtensor *t = f->weights;
    const size_t inputs = (size_t)sc_wtensor_row(t), first = part * SC_PANEL;
    const size_t count = SC_MIN(SC_PANEL, (size_t)t->dims[0] - first);
    SC_AUTO_FREE float *rows = sc_try_alloc((SC_PANEL + 1) * inputs * sizeof(*rows));
    float bias[SC_PANEL];

    (void)thread;
    if (rows == NULL) {
        f->loader->failed = true;
        return;
    }
    sc_wtensor_read(t, (int64_t)first, (int64_t)count, rows);
    for (size_t i = 0; i < count && t->rank == 3; i++)
        turn_taps(rows + i * inputs, t, rows + SC_PANEL * inputs);
    if (f->bias != NULL)
        sc_wtensor_read(f->bias, (int64_t)first, (int64_t)count, bias);
    sc_matrix_set(f->matrix, f->first + first, count, rows, f->bias == NULL ? NULL : bias,
                  f->factor);
}

/* A matrix whose outputs are those of `count` tensors, one behind the other. */
static struct sc_matrix *load_matrix(struct loader *l, const struct source *sources, size_t count)
{
    const struct sc_wtensor *weights[3] = { 0 };
    char name[NAME_MAX_];
    size_t outputs = 0;

    sc_assert(count >= 1 && count <= SC_ARRAY_LEN(weights));
    if (must_end(l))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "%s.weight", sources[i].name);
        weights[i] = find(l, name);
        sc_assert(weights[i] != NULL);
        outputs += (size_t)weights[i]->dims[0];
    }
    struct sc_matrix *m = sc_matrix_new(l->net->kernels, l->options->precision, outputs,
                                        (size_t)sc_wtensor_row(weights[0]));
    if (m == NULL) {
        l->failed = true;
        return NULL;
    }
    struct fill f = { .loader = l, .matrix = m };
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "%s.bias", sources[i].name);
        f.weights = weights[i];
        f.bias = find(l, name);
        f.factor = sources[i].factor;
        const size_t parts = SC_PANELS((size_t)weights[i]->dims[0]);
        if (l->options->pool == NULL) {
            for (size_t part = 0; part < parts && !must_end(l); part++)
                fill_panel(&f, part, 0);
        } else if (!sc_pool_run(l->options->pool, fill_panel, &f, parts, l->options->stop)) {
            l->stopped = true;
        }
        f.first += (size_t)weights[i]->dims[0];
        sc_whisper_file_leave(l->file, weights[i]);
    }
    return m;
}

static struct sc_matrix *load_one(struct loader *l, const char *name)
{
    return load_matrix(l, &(struct source){ name, 1 }, 1);
}

static void load_layer(struct loader *l, size_t width, struct sc_layer *out)
{
    const float scale = 1 / sqrtf((float)width);

    load_norm(l, "attn_ln", &out->attention_norm);
    out->queries_keys_values = load_matrix(
        l, (struct source[]){ { "attn.query", scale }, { "attn.key", 1 }, { "attn.value", 1 } }, 3);
    out->attention_out = load_one(l, "attn.out");
    if (strcmp(l->part, "decoder") == 0) {
        load_norm(l, "cross_attn_ln", &out->cross_norm);
        out->cross_queries = load_matrix(l, &(struct source){ "cross_attn.query", scale }, 1);
        out->cross_keys_values = load_matrix(
            l, (struct source[]){ { "cross_attn.key", 1 }, { "cross_attn.value", 1 } }, 2);
        out->cross_out = load_one(l, "cross_attn.out");
    }
    load_norm(l, "mlp_ln", &out->wide_norm);
    out->wide = load_one(l, "mlp.0");
    out->narrow = load_one(l, "mlp.2");
}

static void load_encoder(struct loader *l)
{
    struct sc_net *net = l->net;

    net->first_conv = load_one(l, "encoder.conv1");
    net->second_conv = load_one(l, "encoder.conv2");
    net->audio_positions = load(l, "encoder.positional_embedding");
    load_norm(l, "encoder.ln_post", &net->encoder_norm);
    l->part = "encoder";
    for (l->layer = 0; l->layer < net->dims.n_audio_layer; l->layer++)
        load_layer(l, sc_net_self_attention(net).width, &net->encoder[l->layer]);
    l->part = NULL;
}

static void load_decoder(struct loader *l)
{
    struct sc_net *net = l->net;

    net->text_positions = load(l, "decoder.positional_embedding");
    load_norm(l, "decoder.ln", &net->decoder_norm);
    net->logits = load_one(l, "decoder.token_embedding");
    l->part = "decoder";
    for (l->layer = 0; l->layer < net->dims.n_text_layer; l->layer++)
        load_layer(l, sc_net_cross_attention(net).width, &net->decoder[l->layer]);
    l->part = NULL;
}

enum sc_code sc_net_open(const struct sc_whisper_file *file, const struct sc_net_options *options,
                         struct sc_net **out, struct sc_error *err)
{
    SC_AUTO(sc_net_closep) struct sc_net *net = sc_alloc(sizeof(*net));

    net->dims = *sc_whisper_file_dims(file);
    net->kernels = options->kernels == NULL ? sc_kernels_best() : options->kernels;
    net->encoder = sc_alloc_array((size_t)net->dims.n_audio_layer, sizeof(*net->encoder));
    net->decoder = sc_alloc_array((size_t)net->dims.n_text_layer, sizeof(*net->decoder));
    struct loader l = { .file = file, .options = options, .net = net };
    load_encoder(&l);
    load_decoder(&l);
    if (l.stopped)
        return sc_error_set(err, SC_E_CANCELLED, "stopped while the model was loaded");
    if (l.failed)
        return sc_error_set(err, SC_E_INTERNAL,
                            "memory is exhausted: this model is too large for it");
    *out = SC_TAKE(net);
    return SC_OK;
}

static void free_norm(struct sc_norm *norm)
{
    free(norm->weight);
    free(norm->bias);
}

static void free_layers(struct sc_layer *layers, int count)
{
    for (int i = 0; layers != NULL && i < count; i++) {
        struct sc_layer *layer = &layers[i];
        free_norm(&layer->attention_norm);
        free_norm(&layer->cross_norm);
        free_norm(&layer->wide_norm);
        sc_matrix_free(layer->queries_keys_values);
        sc_matrix_free(layer->attention_out);
        sc_matrix_free(layer->cross_queries);
        sc_matrix_free(layer->cross_keys_values);
        sc_matrix_free(layer->cross_out);
        sc_matrix_free(layer->wide);
        sc_matrix_free(layer->narrow);
    }
    free(layers);
}

void sc_net_close(struct sc_net *net)
{
    if (net == NULL)
        return;
    sc_matrix_free(net->first_conv);
    sc_matrix_free(net->second_conv);
    free(net->audio_positions);
    free_layers(net->encoder, net->dims.n_audio_layer);
    free_norm(&net->encoder_norm);
    free(net->text_positions);
    free_layers(net->decoder, net->dims.n_text_layer);
    free_norm(&net->decoder_norm);
    sc_matrix_free(net->logits);
    free(net);
}

const struct sc_whisper_dims *sc_net_dims(const struct sc_net *net)
{
    return &net->dims;
}

const struct sc_kernels *sc_net_kernels(const struct sc_net *net)
{
    return net->kernels;
}

static struct sc_attention attention(const struct sc_net *net, int heads)
{
    return (struct sc_attention){
        .kernels = net->kernels,
        .positions = (size_t)net->dims.n_audio_ctx,
        .heads = (size_t)heads,
        .width = sc_net_state(net) / (size_t)heads,
    };
}

struct sc_attention sc_net_self_attention(const struct sc_net *net)
{
    return attention(net, net->dims.n_audio_head);
}

struct sc_attention sc_net_cross_attention(const struct sc_net *net)
{
    return attention(net, net->dims.n_text_head);
}

void sc_net_norm(const struct sc_net *net, const struct sc_norm *norm, const float *in, size_t rows,
                 float *out)
{
    const size_t state = sc_net_state(net);
    for (size_t i = 0; i < rows; i++)
        net->kernels->layer_norm(in + i * state, norm->weight, norm->bias, state, out + i * state);
}
