#include "whisper/align.h"

#include "base/alloc.h"
#include "testing.h"

#include <math.h>

#include "base/banned.h"

static void the_path_follows_what_is_cheap(void **state)
{
    (void)state;
    /* Row by row: where the ones are dear, the zeros are the way. */
    static const float costs[] = {
        0, 0, 1, 1, 1, 1, /* */
        1, 1, 0, 1, 1, 1, /* */
        1, 1, 1, 0, 0, 0,
    };
    int32_t starts[3];
    assert_true(sc_align_path(costs, 3, 6, starts));
    assert_int_equal(starts[0], 0);
    assert_int_equal(starts[1], 2);
    assert_int_equal(starts[2], 3);
}

static void paths_are_as_cheap_as_any_and_ascend(void **state)
{
    (void)state;
    enum { ROWS = 5, COLUMNS = 7 };
    float costs[ROWS * COLUMNS];
    uint32_t seed = 1;
    for (int round = 0; round < 200; round++) {
        double sums[ROWS][COLUMNS];
        int32_t starts[ROWS];
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            seed = seed * 1664525 + 1013904223;
            costs[i] = (float)(seed >> 20) / 4096 - 0.5f;
        }
        assert_true(sc_align_path(costs, ROWS, COLUMNS, starts));
        /* The cheapest path by the book. */
        for (int r = 0; r < ROWS; r++) {
            for (int c = 0; c < COLUMNS; c++) {
                double best = r == 0 && c == 0 ? 0 : INFINITY;
                if (r > 0)
                    best = fmin(best, sums[r - 1][c]);
                if (c > 0)
                    best = fmin(best, sums[r][c - 1]);
                if (r > 0 && c > 0)
                    best = fmin(best, sums[r - 1][c - 1]);
                sums[r][c] = best + (double)costs[r * COLUMNS + c];
            }
        }
        /* Row r spans from its start to the column that its successor is reached from. */
        double least = INFINITY;
        for (int ends = 0; ends < 1 << (ROWS - 1); ends++) {
            double sum = 0;
            bool possible = true;
            for (int r = 0; r < ROWS; r++) {
                int last = r + 1 < ROWS ? starts[r + 1] - (ends >> r & 1) : COLUMNS - 1;
                possible = possible && last >= starts[r];
                for (int c = starts[r]; c <= last; c++)
                    sum += (double)costs[r * COLUMNS + c];
            }
            least = possible ? fmin(least, sum) : least;
        }
        assert_true(fabs(least - sums[ROWS - 1][COLUMNS - 1]) < 1e-4);
        for (int r = 1; r < ROWS; r++)
            assert_true(starts[r] >= starts[r - 1]);
    }
}

/* Two heads look at where each token is said; one looks away. */
static bool says_stop_the_third_time(void *ctx)
{
    int *asked = ctx;
    return ++*asked == 3;
}

static void tokens_begin_where_the_heads_look(void **state)
{
    (void)state;
    enum {
        AHEAD = 2,
        TEXT = 4,
        TOKENS = AHEAD + TEXT + 2,
        HEADS = 3,
        STRIDE = 120,
        POSITIONS = 100
    };
    static const int said[TEXT + 1] = { 10, 30, 35, 70, 90 };
    float *weights SC_AUTO_FREE = sc_alloc_array(TOKENS * HEADS * STRIDE, sizeof(*weights));
    int32_t starts[TEXT + 1];
    for (int t = 0; t < TOKENS; t++) {
        for (int h = 0; h < HEADS; h++) {
            float *row = weights + (t * HEADS + h) * STRIDE;
            for (int p = 0; p < POSITIONS; p++)
                row[p] = 0.002f;
            if (h == 2 || t < AHEAD || t >= AHEAD + TEXT)
                continue;
            for (int p = said[t - AHEAD]; p < said[t - AHEAD + 1]; p++)
                row[p] = 0.05f;
        }
    }
    /* The mark of no times looks at the silence ahead, the last token of text behind the text. */
    for (int p = 0; p < 10; p++)
        weights[(AHEAD - 1) * HEADS * STRIDE + p] = 0.05f;
    const struct sc_attention a = { .weights = weights,
                                    .tokens = TOKENS,
                                    .heads = HEADS,
                                    .stride = STRIDE,
                                    .positions = POSITIONS,
                                    .ahead = AHEAD };
    assert_int_equal(sc_align(&a, NULL, starts, NULL), SC_OK);
    for (int i = 1; i < TEXT; i++)
        assert_true(abs(starts[i] - said[i]) <= 1);
    assert_int_equal(starts[0], 0);

    int asked = 0;
    const struct sc_stop stop = { says_stop_the_third_time, &asked };
    assert_int_equal(sc_align(&a, &stop, starts, NULL), SC_E_CANCELLED);
    assert_int_equal(asked, 3);
}

static void heads_that_hardly_look_hardly_count(void **state)
{
    (void)state;
    enum { TEXT = 2, TOKENS = TEXT + 2, HEADS = 3, POSITIONS = 100 };
    float *weights SC_AUTO_FREE = sc_alloc_array(TOKENS * HEADS * POSITIONS, sizeof(*weights));
    int32_t starts[TEXT + 1];
    /* One head sees the second token begin at 60; two would have it at 20, if they looked. */
    for (int i = 0; i < TOKENS * HEADS * POSITIONS; i++) {
        int p = i % POSITIONS, h = i / POSITIONS % HEADS, t = i / POSITIONS / HEADS;
        bool looks = t < TEXT && (t == 1) == (p >= (h == 0 ? 60 : 20));
        weights[i] = 0.002f + (looks ? h == 0 ? 0.05f : 0.000002f : 0);
    }
    const struct sc_attention a = { .weights = weights,
                                    .tokens = TOKENS,
                                    .heads = HEADS,
                                    .stride = POSITIONS,
                                    .positions = POSITIONS };
    assert_int_equal(sc_align(&a, NULL, starts, NULL), SC_OK);
    assert_int_equal(starts[1], 60);
}

static void published_heads_are_known_by_the_dimensions(void **state)
{
    (void)state;
    struct sc_head heads[SC_ALIGN_HEADS];
    struct sc_whisper_dims dims = { .n_vocab = 51864, .n_text_layer = 6, .n_text_head = 8 };
    assert_int_equal(sc_align_heads(&dims, true, heads), 5);
    assert_int_equal(heads[0].layer, 3);
    dims.n_vocab = 51865;
    assert_int_equal(sc_align_heads(&dims, false, heads), 8);
    dims = (struct sc_whisper_dims){ .n_vocab = 51866, .n_text_layer = 32, .n_text_head = 20 };
    assert_int_equal(sc_align_heads(&dims, false, heads), 10);
    dims.n_vocab = 51865;
    assert_int_equal(sc_align_heads(&dims, false, heads), 23);
    /* turbo: of large-v3's decoder four layers; none of another vocabulary was published. */
    dims = (struct sc_whisper_dims){ .n_vocab = 51866, .n_text_layer = 4, .n_text_head = 20 };
    assert_int_equal(sc_align_heads(&dims, false, heads), 6);
    assert_int_equal(heads[0].layer, 2);
    assert_int_equal(heads[0].head, 4);
    assert_int_equal(heads[5].layer, 3);
    assert_int_equal(heads[5].head, 14);
    dims.n_vocab = 51865;
    assert_int_equal(sc_align_heads(&dims, false, heads), SC_ALIGN_HEADS);
    dims = (struct sc_whisper_dims){ .n_vocab = 400, .n_text_layer = 2, .n_text_head = 3 };
    assert_int_equal(sc_align_heads(&dims, false, heads), 3);
    assert_int_equal(heads[0].layer, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_path_follows_what_is_cheap),
        TEST(paths_are_as_cheap_as_any_and_ascend),
        TEST(tokens_begin_where_the_heads_look),
        TEST(heads_that_hardly_look_hardly_count),
        TEST(published_heads_are_known_by_the_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
