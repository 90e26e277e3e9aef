#include "whisper/beam.h"

#include "testing.h"

#include <math.h>

#include "base/banned.h"

static void the_likeliest_come_in_order(void **state)
{
    (void)state;
    const float logs[] = { -3, -1, -INFINITY, -2, -1, -4 };
    int32_t top[8];
    assert_int_equal(sc_beam_top(logs, 6, 3, top), 3);
    assert_int_equal(top[0], 1);
    assert_int_equal(top[1], 4);
    assert_int_equal(top[2], 3);
    assert_int_equal(sc_beam_top(logs, 6, 8, top), 5);
    assert_int_equal(top[4], 5);
}

static void continuations_are_sorted_by_their_sums(void **state)
{
    (void)state;
    struct sc_continuation list[] = {
        { .parent = 1, .token = 1, .sum = -2 },
        { .parent = 0, .token = 2, .sum = -2 },
        { .parent = 2, .token = 3, .sum = -1 },
        { .parent = 0, .token = 4, .sum = -2 },
    };
    const int32_t order[] = { 3, 2, 4, 1 };
    sc_beam_sort(list, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(list[i].token, order[i]);
}

struct caches {
    int text[SC_BEAM_MAX]; /* what each cache holds */
    int copies;
};

static void copy(void *ctx, size_t to, size_t from)
{
    struct caches *c = ctx;
    c->text[to] = c->text[from];
    c->copies++;
}

/* Whatever the parents are, each child's cache holds what its parent's held. */
static void every_child_has_the_cache_of_its_parent(void **state)
{
    (void)state;
    enum { N = 4 };
    for (int choice = 0; choice < 256; choice++) {
        int parents[N];
        size_t slots[N] = { 2, 0, 3, 1 };
        struct caches c = { .text = { 0 } };
        int distinct = 0;
        for (int i = 0; i < N; i++) {
            parents[i] = choice >> (2 * i) & 3;
            c.text[slots[i]] = 100 + i;
            bool known = false;
            for (int k = 0; k < i; k++)
                known = known || parents[k] == parents[i];
            distinct += !known;
        }
        sc_beam_move(parents, slots, N, copy, &c);
        assert_int_equal(c.copies, N - distinct);
        for (int i = 0; i < N; i++) {
            assert_int_equal(c.text[slots[i]], 100 + parents[i]);
            for (int k = 0; k < i; k++)
                assert_int_not_equal(slots[i], slots[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_likeliest_come_in_order),
        TEST(continuations_are_sorted_by_their_sums),
        TEST(every_child_has_the_cache_of_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
