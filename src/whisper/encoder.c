/* Everything but attention is done row by row, so a thread takes a block of rows through all that
 * lies between two attentions while it is in its cache: two rounds of the pool for a layer.
 *
 * Windows are encoded a few at a time: one gives work to some threads already, and the memory that
 * passes through here should not grow with the batch. */
#include "whisper/encoder.h"

#include "base/alloc.h"
#include "whisper/net-internal.h"

#include "base/banned.h"

/* Rows of a block, or a few times as many: a multiple of what a tile of any kernel holds; 1500 is
 * 25 of them. */
#define BLOCK SC_ATTEND_ROWS
/* Weights of a layer that stay in a cache which cores share, from block to block. Those of larger
 * ones come from memory each time, so that larger blocks pay, if there are enough for all threads.
 */
#define LAYER_STAYS ((size_t)16 << 20)
#define BLOCKS_FOR_THREAD 6
/* Multiplications between two questions whether to go on: less than a millisecond where there are
 * vectors, ten where there are none. */
#define PIECE_PRODUCTS ((size_t)16 << 20)
/* Threads that one window keeps busy, and windows that are enough for any number. */
#define THREADS_FOR_WINDOW 4
#define GROUP 4

struct sc_windows {
    const struct sc_net *net;
    size_t count, capacity;
    /* Of each window, for each layer of the decoder, the keys and values of all heads. */
    struct sc_room *cross;
    bool keep_output;
    void (*watch)(void *ctx, double share); /* NULL: nobody */
    void *watch_ctx;
    struct sc_room *outputs;
    struct sc_room spectrum, frames, states, queries, found, keys_values, own;
};

struct run {
    const struct sc_net *net;
    struct sc_pool *pool;
    struct sc_windows *w;
    const float *const *mels; /* of the first window of the group */
    size_t first, count;      /* windows of the group */
    size_t layer;
    size_t rows, state, mels_count;
    size_t block;  /* rows of one, but in attention */
    size_t blocks; /* of a window */
    struct sc_attention self, cross;
};

struct sc_windows *sc_windows_open(const struct sc_net *net, bool keep_output)
{
    struct sc_windows *w = sc_alloc(sizeof(*w));
    w->net = net;
    w->keep_output = keep_output;
    return w;
}

void sc_windows_close(struct sc_windows *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->capacity; i++) {
        sc_room_done(&w->cross[i]);
        sc_room_done(&w->outputs[i]);
    }
    free(w->cross);
    free(w->outputs);
    struct sc_room *const rooms[] = { &w->spectrum, &w->frames,      &w->states, &w->queries,
                                      &w->found,    &w->keys_values, &w->own };
    for (size_t i = 0; i < SC_ARRAY_LEN(rooms); i++)
        sc_room_done(rooms[i]);
    free(w);
}

void sc_windows_watch(struct sc_windows *w, void (*fn)(void *ctx, double share), void *ctx)
{
    w->watch = fn;
    w->watch_ctx = ctx;
}

const float *sc_windows_output(const struct sc_windows *w, size_t window)
{
    sc_assert(w->keep_output && window < w->count);
    return w->outputs[window].at;
}

const float *sc_windows_cross(const struct sc_windows *w, size_t window, size_t layer)
{
    const struct sc_attention a = sc_net_cross_attention(w->net);
    sc_assert(window < w->count);
    return w->cross[window].at + layer * sc_attention_floats(&a);
}

/* A block of rows of a window of the group. */
struct block {
    size_t window, first, count;
};

static size_t blocks_of(size_t rows, size_t block)
{
    return (rows + block - 1) / block;
}

/* Block `number` of `block` rows, of windows that have `rows` each. */
static struct block block_of(size_t number, size_t rows, size_t block)
{
    const size_t blocks = blocks_of(rows, block), first = number % blocks * block;
    return (struct block){ number / blocks, first, SC_MIN(block, rows - first) };
}

static size_t choose_block(const struct run *r, size_t windows, size_t threads)
{
    size_t block = BLOCK;
    if (12 * r->state * r->state * sizeof(float) <= LAYER_STAYS)
        return block;
    for (size_t times = 2; times <= 3; times++) {
        if (windows * blocks_of(r->rows, times * BLOCK) >= BLOCKS_FOR_THREAD * threads)
            block = times * BLOCK;
    }
    return block;
}

static float *states_at(const struct run *r, const struct sc_room *room, const struct block *b)
{
    return room->at + (b->window * r->rows + b->first) * r->state;
}

/* Of a thread: a block of normalised rows and behind it the widest that is made of them, or the
 * scores of a block. */
static size_t own_floats(const struct run *r)
{
    return SC_MAX(5 * r->block * r->state, BLOCK * sc_attention_stride(&r->self));
}

static float *own_at(const struct run *r, int thread)
{
    return r->w->own.at + (size_t)thread * own_floats(r);
}

static size_t spectrum_floats(const struct run *r)
{
    return (2 * r->rows + 2) * r->mels_count;
}

static size_t frames_floats(const struct run *r)
{
    return (2 * r->rows + 1) * r->state;
}

/* Bands of a frame side by side, a frame of silence before the first and behind the last. */
static void turn(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const struct block b = block_of(part, 2 * r->rows, BLOCK);
    const float *mel = r->mels[b.window] + b.first;
    float *to = r->w->spectrum.at + b.window * spectrum_floats(r) + (b.first + 1) * r->mels_count;

    (void)thread;
    for (size_t band = 0; band < r->mels_count; band++, mel += 2 * r->rows) {
        for (size_t i = 0; i < b.count; i++)
            to[i * r->mels_count + band] = mel[i];
    }
}

/* Piece by piece: of a large model a block takes long enough to ask on the way whether to go on. */
static bool multiply(const struct run *r, int thread, const struct sc_multiply *job)
{
    const size_t panels = SC_PANELS(sc_matrix_outputs(job->matrix));
    const size_t products = SC_MAX(1, sc_matrix_inputs(job->matrix) * job->rows * SC_PANEL);
    const size_t piece = SC_MAX(1, PIECE_PRODUCTS / products);

    for (size_t first = 0; first < panels; first += piece) {
        if (!sc_pool_goes_on(r->pool, thread))
            return false;
        sc_multiply_panels(job, first, SC_MIN(first + piece, panels));
    }
    return true;
}

/* The first convolution, over three frames each; a row of zeros stays before the first. */
static void convolve_first(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const struct block b = block_of(part, 2 * r->rows, BLOCK);

    (void)thread;
    sc_multiply(&(struct sc_multiply){
        .matrix = r->net->first_conv,
        .in = r->w->spectrum.at + b.window * spectrum_floats(r) + b.first * r->mels_count,
        .in_stride = r->mels_count,
        .rows = b.count,
        .out = r->w->frames.at + b.window * frames_floats(r) + (b.first + 1) * r->state,
        .out_stride = r->state,
        .after = SC_AFTER_GELU,
    });
}

/* The second, over three of its rows, two apart; its row i is row i + 1 there. */
static bool convolve_second(const struct run *r, int thread, const struct block *b)
{
    float *states = states_at(r, &r->w->states, b);
    const float *positions = r->net->audio_positions + b->first * r->state;
    const struct sc_multiply job = {
        .matrix = r->net->second_conv,
        .in = r->w->frames.at + b->window * frames_floats(r) + 2 * b->first * r->state,
        .in_stride = 2 * r->state,
        .rows = b->count,
        .out = states,
        .out_stride = r->state,
        .after = SC_AFTER_GELU,
    };

    if (!multiply(r, thread, &job))
        return false;
    r->net->kernels->add_scaled(1, positions, b->count * r->state, states);
    return true;
}

/* Queries, keys and values of a layer. */
static void project(const struct run *r, const struct sc_layer *layer, const struct block *b,
                    int thread)
{
    float *normed = own_at(r, thread), *wide = normed + r->block * r->state;
    float *queries = states_at(r, &r->w->queries, b);
    const struct sc_multiply job = {
        .matrix = layer->queries_keys_values,
        .in = normed,
        .in_stride = r->state,
        .rows = b->count,
        .out = wide,
        .out_stride = 3 * r->state,
    };

    sc_net_norm(r->net, &layer->attention_norm, states_at(r, &r->w->states, b), b->count, normed);
    if (!multiply(r, thread, &job))
        return;
    for (size_t i = 0; i < b->count; i++)
        memcpy(queries + i * r->state, wide + i * 3 * r->state, r->state * sizeof(*queries));
    sc_attention_store(&r->self,
                       &(struct sc_attention_rows){
                           .keys = wide + r->state,
                           .values = wide + 2 * r->state,
                           .stride = 3 * r->state,
                           .first = b->first,
                           .count = b->count,
                       },
                       r->w->keys_values.at + b->window * sc_attention_floats(&r->self));
}

static void begin_layers(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const struct block b = block_of(part, r->rows, r->block);
    if (convolve_second(r, thread, &b))
        project(r, &r->net->encoder[0], &b, thread);
}

static void attend(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    /* Blocks of a head follow one another: its keys and values are in the cache by then. */
    const size_t blocks = blocks_of(r->rows, BLOCK);
    const size_t heads = part / blocks, head = heads % r->self.heads;
    struct block b = block_of(part % blocks, r->rows, BLOCK);

    b.window = heads / r->self.heads;
    sc_attend(&r->self, r->w->keys_values.at + b.window * sc_attention_floats(&r->self), head,
              &(struct sc_attend){
                  .queries = states_at(r, &r->w->queries, &b),
                  .query_stride = r->state,
                  .rows = b.count,
                  .out = states_at(r, &r->w->found, &b),
                  .out_stride = r->state,
                  .scores = own_at(r, thread),
              });
}

/* From what attention found to the queries, keys and values of the next layer, or to the output. */
static void pass_on(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const struct sc_layer *layer = &r->net->encoder[r->layer];
    const struct block b = block_of(part, r->rows, r->block);
    float *own = own_at(r, thread), *wide = own + r->block * r->state;
    float *states = states_at(r, &r->w->states, &b), *found = states_at(r, &r->w->found, &b);

    if (!multiply(r, thread,
                  &(struct sc_multiply){ layer->attention_out, found, r->state, b.count, states,
                                         r->state, SC_AFTER_ADD }))
        return;
    sc_net_norm(r->net, &layer->wide_norm, states, b.count, own);
    if (!multiply(r, thread,
                  &(struct sc_multiply){ layer->wide, own, r->state, b.count, wide, 4 * r->state,
                                         SC_AFTER_GELU }) ||
        !multiply(r, thread,
                  &(struct sc_multiply){ layer->narrow, wide, 4 * r->state, b.count, states,
                                         r->state, SC_AFTER_ADD }))
        return;
    if (r->layer + 1 < (size_t)r->net->dims.n_audio_layer)
        project(r, layer + 1, &b, thread);
    else
        sc_net_norm(r->net, &r->net->encoder_norm, states, b.count, found);
}

/* What a layer of the decoder will attend to. */
static void project_cross(void *ctx, size_t part, int thread)
{
    const struct run *r = ctx;
    const size_t blocks = r->blocks * r->count, layer = part / blocks;
    const struct block b = block_of(part % blocks, r->rows, r->block);
    const float *output = states_at(r, &r->w->found, &b);
    float *own = own_at(r, thread);

    if (!multiply(r, thread,
                  &(struct sc_multiply){ r->net->decoder[layer].cross_keys_values, output, r->state,
                                         b.count, own, 2 * r->state, SC_AFTER_NOTHING }))
        return;
    sc_attention_store(&r->cross,
                       &(struct sc_attention_rows){
                           .keys = own,
                           .values = own + r->state,
                           .stride = 2 * r->state,
                           .first = b.first,
                           .count = b.count,
                       },
                       r->w->cross[r->first + b.window].at +
                           layer * sc_attention_floats(&r->cross));
    if (r->w->keep_output && layer == 0)
        memcpy(states_at(r, &r->w->outputs[r->first + b.window],
                         &(struct block){ 0, b.first, b.count }),
               output, b.count * r->state * sizeof(*output));
}

static bool make_room(const struct run *r, size_t group, size_t count, int threads)
{
    struct sc_windows *w = r->w;
    const size_t states = group * r->rows * r->state;
    bool enough = sc_room_grow(&w->spectrum, group * spectrum_floats(r)) &&
                  sc_room_grow(&w->frames, group * frames_floats(r)) &&
                  sc_room_grow(&w->states, states) && sc_room_grow(&w->queries, states) &&
                  sc_room_grow(&w->found, states) &&
                  sc_room_grow(&w->keys_values, group * sc_attention_floats(&r->self)) &&
                  sc_room_grow(&w->own, (size_t)threads * own_floats(r));
    for (size_t i = 0; enough && i < count; i++) {
        enough = sc_room_grow(&w->cross[i],
                              (size_t)r->net->dims.n_text_layer * sc_attention_floats(&r->cross)) &&
                 (!w->keep_output || sc_room_grow(&w->outputs[i], r->rows * r->state));
    }
    return enough;
}

/* Room for the lists of `count` windows. */
static void make_list(struct sc_windows *w, size_t count)
{
    if (count <= w->capacity)
        return;
    size_t capacity = w->capacity;
    sc_grow((void **)&w->cross, &capacity, count, sizeof(*w->cross));
    size_t same = w->capacity;
    sc_grow((void **)&w->outputs, &same, count, sizeof(*w->outputs));
    sc_assert(same == capacity);
    memset(w->cross + w->capacity, 0, (capacity - w->capacity) * sizeof(*w->cross));
    memset(w->outputs + w->capacity, 0, (capacity - w->capacity) * sizeof(*w->outputs));
    w->capacity = capacity;
}

static void tell_share(const struct run *r, size_t all)
{
    const double layers = r->net->dims.n_audio_layer;
    const double done = (double)r->first + (double)r->count * (double)(r->layer + 1) / layers;
    if (r->w->watch != NULL)
        r->w->watch(r->w->watch_ctx, done / (double)all);
}

static bool encode_group(struct run *r, size_t all, const struct sc_stop *stop)
{
    struct sc_pool *pool = r->pool;
    const size_t blocks = r->count * r->blocks;
    const size_t looks = r->count * blocks_of(r->rows, BLOCK) * r->self.heads;
    const size_t frame_blocks = r->count * blocks_of(2 * r->rows, BLOCK);

    if (!sc_pool_run(pool, turn, r, frame_blocks, stop) ||
        !sc_pool_run(pool, convolve_first, r, frame_blocks, stop) ||
        !sc_pool_run(pool, begin_layers, r, blocks, stop))
        return false;
    for (r->layer = 0; r->layer < (size_t)r->net->dims.n_audio_layer; r->layer++) {
        if (!sc_pool_run(pool, attend, r, looks, stop) ||
            !sc_pool_run(pool, pass_on, r, blocks, stop))
            return false;
        tell_share(r, all);
    }
    return sc_pool_run(pool, project_cross, r, blocks * (size_t)r->net->dims.n_text_layer, stop);
}

enum sc_code sc_net_encode(const struct sc_net *net, struct sc_pool *pool, const float *const *mels,
                           size_t count, const struct sc_stop *stop, struct sc_windows *w,
                           struct sc_error *err)
{
    const int threads = sc_pool_threads(pool);
    const size_t group = SC_MIN(count, SC_MIN(GROUP, 1 + (size_t)threads / THREADS_FOR_WINDOW));
    struct run r = {
        .net = net,
        .pool = pool,
        .w = w,
        .rows = (size_t)net->dims.n_audio_ctx,
        .state = sc_net_state(net),
        .mels_count = (size_t)net->dims.n_mels,
        .self = sc_net_self_attention(net),
        .cross = sc_net_cross_attention(net),
    };

    sc_assert(w->net == net);
    r.block = choose_block(&r, group, (size_t)threads);
    r.blocks = blocks_of(r.rows, r.block);
    w->count = 0;
    make_list(w, count);
    if (!make_room(&r, group, count, threads))
        return sc_error_set(err, SC_E_INTERNAL,
                            "memory is exhausted: encode fewer windows at once");
    for (r.first = 0; r.first < count; r.first += r.count) {
        r.count = SC_MIN(group, count - r.first);
        r.mels = mels + r.first;
        if (!encode_group(&r, count, stop))
            return sc_error_set(err, SC_E_CANCELLED, "cancelled");
    }
    w->count = count;
    return SC_OK;
}
