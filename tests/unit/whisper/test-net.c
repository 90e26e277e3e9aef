#include "testing.h"

#include "model.h"
#include "twin.h"

#include <math.h>
#include <stdlib.h>

#include "base/fault.h"

#include "base/banned.h"

#define FRAMES (2 * SC_WHISPER_POSITIONS)
#define TOKENS 7

/* Widths that no vector divides, heads of different numbers of lanes. */
static const struct test_model odd = {
    .state = 24, .heads = 2, .layers = 2, .mels = 5, .text_ctx = 40, .seed = 7
};
static const struct test_model quantised = {
    .state = 32,
    .heads = 1,
    .layers = 1,
    .mels = 3,
    .text_ctx = 40,
    .type = SC_WTYPE_Q5_0,
};

static const int32_t tokens[TOKENS] = { 300, 17, 4, 260, 17, 99, 301 };

struct world {
    struct sc_buf bytes;
    struct sc_whisper_file *file;
    struct sc_net *net;
    struct sc_pool *pool;
    struct sc_windows *windows;
    struct sc_sequences *sequences;
};

static void world_done(struct world *w)
{
    sc_sequences_close(w->sequences);
    sc_windows_close(w->windows);
    sc_pool_close(w->pool);
    sc_net_close(w->net);
    sc_whisper_file_close(w->file);
    sc_buf_done(&w->bytes);
}

static struct world world_of(const struct test_model *m, const struct sc_kernels *kernels,
                             int threads)
{
    struct world w = { 0 };
    struct sc_error err = { 0 };

    test_model_ggml(m, &w.bytes);
    if (sc_whisper_file_of(sc_buf_str(&w.bytes), &w.file, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(sc_pool_open(threads, &w.pool, &err), SC_OK);
    const struct sc_net_options options = { .kernels = kernels,
                                            .pool = threads > 1 ? w.pool : NULL };
    assert_int_equal(sc_net_open(w.file, &options, &w.net, &err), SC_OK);
    w.windows = sc_windows_open(w.net, true);
    assert_int_equal(sc_sequences_open(w.net, 8, &w.sequences, &err), SC_OK);
    return w;
}

/* Something like a spectrum; the caller's to free. */
static float *mel_of(int mels, uint32_t seed)
{
    const size_t count = (size_t)mels * FRAMES;
    float *mel = malloc(count * sizeof(*mel));
    assert_non_null(mel);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525U + 1013904223U;
        mel[i] = (float)(seed >> 8) / 8388608.0F - 0.5F + 0.5F * sinf((float)i / 37);
    }
    return mel;
}

static void encode(struct world *w, const float *const *mels, size_t count)
{
    struct sc_error err = { 0 };
    if (sc_net_encode(w->net, w->pool, mels, count, NULL, w->windows, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

static float *decode(struct world *w, const struct sc_step *steps, size_t count,
                     struct sc_heads *heads)
{
    struct sc_error err = { 0 };
    float *logits = malloc(count * (size_t)sc_net_dims(w->net)->n_vocab * sizeof(*logits));
    assert_non_null(logits);
    if (sc_net_decode(w->net,
                      &(struct sc_decode){ .pool = w->pool,
                                           .windows = w->windows,
                                           .sequences = w->sequences,
                                           .steps = steps,
                                           .count = count,
                                           .logits = logits,
                                           .heads = heads },
                      &err) != SC_OK)
        fail_msg("%s", err.msg);
    return logits;
}

/* Root of the mean square of the difference, over that of what is expected. */
static double distance(const float *got, const double *expected, size_t count)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        off += pow((double)got[i] - expected[i], 2);
        all += pow(expected[i], 2);
    }
    return sqrt(off / all);
}

static void check_against_twin(const struct test_model *m)
{
    const struct sc_kernels *k;
    struct world first = world_of(m, NULL, 1);
    const struct sc_whisper_dims *d = sc_net_dims(first.net);
    const size_t positions = (size_t)d->n_audio_ctx, vocab = (size_t)d->n_vocab;
    SC_AUTO_FREE float *mel = mel_of(d->n_mels, 1);
    SC_AUTO_FREE double *encoded = twin_encode(first.file, mel);
    SC_AUTO_FREE double *attention = calloc(TOKENS * positions, sizeof(*attention));
    SC_AUTO_FREE double *logits =
        twin_decode(first.file, &(struct twin_decode){ encoded, tokens, TOKENS, d->n_text_layer - 1,
                                                       d->n_text_head - 1, attention });

    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        SC_AUTO(world_done) struct world w = world_of(m, k, 2);
        encode(&w, (const float *[]){ mel }, 1);
        assert_true(distance(sc_windows_output(w.windows, 0), encoded,
                             positions * (size_t)d->n_audio_state) < 2e-6);

        SC_AUTO_FREE float *weights = malloc(TOKENS * positions * sizeof(*weights));
        const struct sc_head head = { d->n_text_layer - 1, d->n_text_head - 1 };
        struct sc_heads heads = { &head, 1, weights };
        sc_sequences_start(w.sequences, 3, 0);
        SC_AUTO_FREE float *whole = decode(&w, &(struct sc_step){ 3, tokens, TOKENS }, 1, &heads);
        assert_true(distance(whole, logits + (TOKENS - 1) * vocab, vocab) < 2e-6);
        assert_true(distance(weights, attention, TOKENS * positions) < 2e-6);

        sc_sequences_start(w.sequences, 0, 0);
        for (size_t i = 0; i < TOKENS; i++) {
            SC_AUTO_FREE float *one = decode(&w, &(struct sc_step){ 0, tokens + i, 1 }, 1, NULL);
            assert_true(distance(one, logits + i * vocab, vocab) < 2e-6);
        }
    }
    world_done(&first);
}

static void it_computes_what_its_twin_does(void **state)
{
    (void)state;
    check_against_twin(&odd);
}

static void quantised_weights_are_read_as_they_stand_in_the_file(void **state)
{
    (void)state;
    check_against_twin(&quantised);
}

#define WINDOWS 3

/* The logits of a few tokens for each of WINDOWS windows, computed in batches of `batch`. */
static void run_in_batches(int threads, size_t batch, const float *const *mels, float *outputs,
                           float *logits)
{
    SC_AUTO(world_done) struct world w = world_of(&odd, NULL, threads);
    const struct sc_whisper_dims *d = sc_net_dims(w.net);
    const size_t floats = (size_t)d->n_audio_ctx * (size_t)d->n_audio_state;
    const size_t vocab = (size_t)d->n_vocab;

    for (size_t first = 0; first < WINDOWS; first += batch) {
        const size_t count = SC_MIN(batch, WINDOWS - first);
        struct sc_step steps[WINDOWS];
        encode(&w, mels + first, count);
        for (size_t i = 0; i < count; i++) {
            memcpy(outputs + (first + i) * floats, sc_windows_output(w.windows, i),
                   floats * sizeof(*outputs));
            sc_sequences_start(w.sequences, i, i);
            /* Steps of different lengths. */
            steps[i] = (struct sc_step){ i, tokens, 1 + (first + i) % 3 };
        }
        free(decode(&w, steps, count, NULL));
        for (size_t i = 0; i < count; i++)
            steps[i] = (struct sc_step){ i, tokens + first + i, 1 };
        SC_AUTO_FREE float *told = decode(&w, steps, count, NULL);
        memcpy(logits + first * vocab, told, count * vocab * sizeof(*logits));
    }
}

static void answers_depend_neither_on_threads_nor_on_the_batch(void **state)
{
    (void)state;
    SC_AUTO(world_done) struct world w = world_of(&odd, NULL, 1);
    const struct sc_whisper_dims *d = sc_net_dims(w.net);
    const size_t floats = WINDOWS * (size_t)d->n_audio_ctx * (size_t)d->n_audio_state;
    const size_t vocab = WINDOWS * (size_t)d->n_vocab;
    float *mels[WINDOWS];
    SC_AUTO_FREE float *outputs = malloc(floats * sizeof(*outputs));
    SC_AUTO_FREE float *logits = malloc(vocab * sizeof(*logits));
    SC_AUTO_FREE float *outputs_again = malloc(floats * sizeof(*outputs));
    SC_AUTO_FREE float *logits_again = malloc(vocab * sizeof(*logits));

    for (size_t i = 0; i < WINDOWS; i++)
        mels[i] = mel_of(d->n_mels, (uint32_t)i);
    run_in_batches(1, 1, (const float *const *)mels, outputs, logits);
    static const struct {
        int threads;
        size_t batch;
    } others[] = { { 1, WINDOWS }, { 3, 2 }, { 5, WINDOWS } };
    for (size_t i = 0; i < SC_ARRAY_LEN(others); i++) {
        run_in_batches(others[i].threads, others[i].batch, (const float *const *)mels,
                       outputs_again, logits_again);
        assert_memory_equal(outputs, outputs_again, floats * sizeof(*outputs));
        assert_memory_equal(logits, logits_again, vocab * sizeof(*logits));
    }
    for (size_t i = 0; i < WINDOWS; i++)
        free(mels[i]);
}

/* Beams: copies go on by themselves, and what they share stays. */
static void copied_sequences_share_their_past_and_nothing_else(void **state)
{
    (void)state;
    SC_AUTO(world_done) struct world w = world_of(&odd, NULL, 1);
    const size_t bytes = (size_t)sc_net_dims(w.net)->n_vocab * sizeof(float);
    SC_AUTO_FREE float *mel = mel_of(odd.mels, 1);
    encode(&w, (const float *[]){ mel }, 1);

    sc_sequences_start(w.sequences, 0, 0);
    free(decode(&w, &(struct sc_step){ 0, tokens, 3 }, 1, NULL));
    sc_sequences_copy(w.sequences, 1, 0);
    sc_sequences_copy(w.sequences, 2, 1);
    sc_sequences_copy(w.sequences, 2, 2);
    assert_int_equal(sc_sequences_length(w.sequences, 2), 3);
    const int32_t other[] = { 8, 9 };
    free(decode(&w, (struct sc_step[]){ { 1, other, 2 }, { 0, tokens + 3, 2 } }, 2, NULL));
    sc_sequences_cut(w.sequences, 1, 3);
    sc_sequences_start(w.sequences, 0, 0);
    SC_AUTO_FREE float *copied =
        decode(&w, (struct sc_step[]){ { 1, tokens + 3, 2 }, { 2, tokens + 3, 2 } }, 2, NULL);
    SC_AUTO_FREE float *alone = decode(&w, &(struct sc_step){ 0, tokens, 5 }, 1, NULL);
    assert_memory_equal(copied, alone, bytes);
    assert_memory_equal((char *)copied + bytes, alone, bytes);
}

static void sequences_grow_to_the_whole_context_again_and_again(void **state)
{
    (void)state;
    SC_AUTO(world_done) struct world w = world_of(&odd, NULL, 1);
    SC_AUTO_FREE float *mel = mel_of(odd.mels, 1);
    int32_t many[40];
    encode(&w, (const float *[]){ mel }, 1);
    for (size_t i = 0; i < SC_ARRAY_LEN(many); i++)
        many[i] = (int32_t)i;
    for (int round = 0; round < 2; round++) {
        struct sc_step steps[8];
        for (size_t seq = 0; seq < SC_ARRAY_LEN(steps); seq++) {
            sc_sequences_start(w.sequences, seq, 0);
            steps[seq] = (struct sc_step){ seq, many, SC_ARRAY_LEN(many) };
        }
        free(decode(&w, steps, SC_ARRAY_LEN(steps), NULL));
        for (size_t seq = 0; seq < SC_ARRAY_LEN(steps); seq++)
            assert_int_equal(sc_sequences_length(w.sequences, seq), SC_ARRAY_LEN(many));
    }
}

struct countdown {
    int asked, until;
};

static bool is_over(void *ctx)
{
    struct countdown *c = ctx;
    return c->asked++ >= c->until;
}

/* When it says so behind the last part of all, there is nothing left to stop. */
static void assert_stopped(enum sc_code code, const struct countdown *c)
{
    if (c->asked <= c->until)
        assert_int_equal(code, SC_OK);
    else if (code != SC_OK)
        assert_int_equal(code, SC_E_CANCELLED);
}

/* Stopped at each point where it asks: told, and nothing is left behind that a later call meets. */
static void a_stop_anywhere_leaves_everything_as_it_was(void **state)
{
    (void)state;
    SC_AUTO(world_done) struct world w = world_of(&odd, NULL, 1);
    SC_AUTO_FREE float *mel = mel_of(odd.mels, 1);
    const float *const mels[] = { mel };
    struct countdown c = { 0 };
    const struct sc_stop stop = { is_over, &c };
    enum sc_code code = SC_E_CANCELLED;
    int stops = 0;

    for (; code != SC_OK; c.until = c.until * 3 / 2 + 1) {
        c.asked = 0;
        code = sc_net_encode(w.net, w.pool, mels, 1, &stop, w.windows, NULL);
        assert_stopped(code, &c);
        stops++;
    }
    assert_true(stops > 5);
    sc_sequences_start(w.sequences, 0, 0);
    free(decode(&w, &(struct sc_step){ 0, tokens, 2 }, 1, NULL));
    SC_AUTO_FREE float *expected = decode(&w, &(struct sc_step){ 0, tokens + 2, 2 }, 1, NULL);
    SC_AUTO_FREE float *logits = malloc((size_t)sc_net_dims(w.net)->n_vocab * sizeof(*logits));
    sc_sequences_cut(w.sequences, 0, 2);
    const struct sc_step step = { 0, tokens + 2, 2 };
    struct sc_decode job = { .pool = w.pool,
                             .windows = w.windows,
                             .sequences = w.sequences,
                             .steps = &step,
                             .count = 1,
                             .logits = logits,
                             .stop = &stop };
    for (c.until = 0, code = SC_E_CANCELLED; code != SC_OK; c.until++) {
        c.asked = 0;
        assert_int_equal(sc_sequences_length(w.sequences, 0), 2);
        code = sc_net_decode(w.net, &job, NULL);
        assert_stopped(code, &c);
    }
    assert_true(c.until > 10);
    assert_memory_equal(logits, expected, (size_t)sc_net_dims(w.net)->n_vocab * sizeof(*logits));
}

#ifdef SC_WITH_FAULTS
/* Everything anew, with memory that is exhausted at the nth request for a large block. */
static enum sc_code run_short_of_memory(const struct sc_whisper_file *file, const float *mel,
                                        int64_t nth)
{
    SC_AUTO(sc_net_closep) struct sc_net *net = NULL;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = NULL;
    SC_AUTO(sc_windows_closep) struct sc_windows *windows = NULL;
    SC_AUTO(sc_sequences_closep) struct sc_sequences *sequences = NULL;
    const struct sc_step step = { 0, tokens, TOKENS };
    SC_AUTO_FREE float *logits =
        malloc((size_t)sc_whisper_file_dims(file)->n_vocab * sizeof(*logits));
    enum sc_code code = sc_pool_open(1, &pool, NULL);

    sc_fault_arm("memory.sized", nth);
    if (code == SC_OK)
        code = sc_net_open(file, &(struct sc_net_options){ .pool = pool }, &net, NULL);
    if (code == SC_OK)
        windows = sc_windows_open(net, true);
    if (code == SC_OK)
        code = sc_net_encode(net, pool, (const float *[]){ mel }, 1, NULL, windows, NULL);
    if (code == SC_OK)
        code = sc_sequences_open(net, 1, &sequences, NULL);
    if (code == SC_OK) {
        sc_sequences_start(sequences, 0, 0);
        code = sc_net_decode(net,
                             &(struct sc_decode){ .pool = pool,
                                                  .windows = windows,
                                                  .sequences = sequences,
                                                  .steps = &step,
                                                  .count = 1,
                                                  .logits = logits },
                             NULL);
        assert_int_equal(sc_sequences_length(sequences, 0), code == SC_OK ? TOKENS : 0);
    }
    assert_true(sc_fault_disarm("memory.sized") == (code != SC_OK));
    return code;
}

static void exhausted_memory_is_told_wherever_it_ends(void **state)
{
    (void)state;
    static const struct test_model small = { .state = 4, .heads = 1, .mels = 2, .text_ctx = 16 };
    SC_AUTO_BUF bytes = { 0 };
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    SC_AUTO_FREE float *mel = mel_of(small.mels, 1);
    int64_t nth = 1;

    test_model_ggml(&small, &bytes);
    assert_int_equal(sc_whisper_file_of(sc_buf_str(&bytes), &file, NULL), SC_OK);
    for (enum sc_code code = SC_E_INTERNAL; code != SC_OK;
         nth = nth < 40 ? nth + 1 : nth * 21 / 20) {
        code = run_short_of_memory(file, mel, nth);
        assert_true(code == SC_OK || code == SC_E_INTERNAL);
    }
    assert_true(nth > 100);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_computes_what_its_twin_does),
        TEST(quantised_weights_are_read_as_they_stand_in_the_file),
        TEST(answers_depend_neither_on_threads_nor_on_the_batch),
        TEST(copied_sequences_share_their_past_and_nothing_else),
        TEST(sequences_grow_to_the_whole_context_again_and_again),
        TEST(a_stop_anywhere_leaves_everything_as_it_was),
#ifdef SC_WITH_FAULTS
        TEST(exhausted_memory_is_told_wherever_it_ends),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
