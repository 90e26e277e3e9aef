#include "transcript/match.h"

#include "base/alloc.h"
#include "make.h"

#include "base/banned.h"

#define LENGTH_MAX 200

struct lists {
    uint32_t a[LENGTH_MAX], b[LENGTH_MAX];
    bool alone_a[LENGTH_MAX], alone_b[LENGTH_MAX];
    size_t count_a, count_b;
};

/* The length of a longest common subsequence, by its definition. */
static size_t reference(const struct lists *l)
{
    static size_t rows[LENGTH_MAX + 1][LENGTH_MAX + 1];
    for (size_t i = l->count_a + 1; i-- > 0;) {
        for (size_t k = l->count_b + 1; k-- > 0;) {
            if (i == l->count_a || k == l->count_b)
                rows[i][k] = 0;
            else if (l->a[i] == l->b[k])
                rows[i][k] = rows[i + 1][k + 1] + 1;
            else
                rows[i][k] = SC_MAX(rows[i + 1][k], rows[i][k + 1]);
        }
    }
    return rows[0][0];
}

/* What is not alone must be the same on both sides; its length. */
static size_t common(const uint32_t *a, const bool *alone_a, size_t count_a, const uint32_t *b,
                     const bool *alone_b, size_t count_b)
{
    size_t i = 0, k = 0, length = 0;
    for (;;) {
        while (i < count_a && alone_a[i])
            i++;
        while (k < count_b && alone_b[k])
            k++;
        if (i == count_a || k == count_b)
            break;
        assert_int_equal(a[i], b[k]);
        i++;
        k++;
        length++;
    }
    assert_int_equal(i, count_a);
    assert_int_equal(k, count_b);
    return length;
}

static size_t match(struct lists *l, size_t kinds)
{
    struct sc_match_side a = { l->a, l->count_a, l->alone_a };
    struct sc_match_side b = { l->b, l->count_b, l->alone_b };
    assert_true(sc_match(&a, &b, kinds));
    return common(l->a, l->alone_a, l->count_a, l->b, l->alone_b, l->count_b);
}

static void as_much_as_possible_is_matched(void **state)
{
    (void)state;
    static struct lists l;
    struct dice d = { 7 };
    for (int round = 0; round < 3000; round++) {
        size_t longest = round % 50 == 0 ? LENGTH_MAX : 30;
        int64_t kinds = dice_between(&d, 1, round % 3 == 0 ? 3 : 40);
        l.count_a = (size_t)dice_between(&d, 0, (int64_t)longest);
        l.count_b = (size_t)dice_between(&d, 0, (int64_t)longest);
        for (size_t i = 0; i < l.count_a; i++)
            l.a[i] = (uint32_t)dice_between(&d, 0, kinds - 1);
        for (size_t k = 0; k < l.count_b; k++)
            l.b[k] = (uint32_t)dice_between(&d, 0, kinds - 1);
        assert_int_equal(match(&l, (size_t)kinds), reference(&l));
    }
}

static void edits_of_a_list_are_found(void **state)
{
    (void)state;
    static struct lists l;
    struct dice d = { 11 };
    for (int round = 0; round < 300; round++) {
        l.count_a = LENGTH_MAX;
        l.count_b = 0;
        for (size_t i = 0; i < l.count_a; i++) {
            l.a[i] = (uint32_t)dice_between(&d, 0, 99);
            int64_t what = dice_between(&d, 0, 19);
            if (what > 1 && l.count_b < LENGTH_MAX)
                l.b[l.count_b++] = l.a[i];
            if (what == 1 && l.count_b < LENGTH_MAX)
                l.b[l.count_b++] = (uint32_t)dice_between(&d, 0, 99);
        }
        assert_int_equal(match(&l, 100), reference(&l));
    }
}

/* Long lists, of the same length, in which so many of a hundred differ. */
static size_t match_long(size_t count, int64_t kinds, int64_t percent, struct dice *d)
{
    uint32_t *ids = sc_alloc_array(2 * count, sizeof(*ids));
    bool *alone = sc_alloc_array(2 * count, sizeof(*alone));
    for (size_t i = 0; i < count; i++) {
        /* Few words are common and many are rare, as in speech. */
        int64_t most = dice_between(d, 0, kinds - 1);
        ids[i] = (uint32_t)dice_between(d, 0, most);
        ids[count + i] = dice_between(d, 0, 99) < percent
                             ? (uint32_t)dice_between(d, 0, dice_between(d, 0, kinds - 1))
                             : ids[i];
    }
    struct sc_match_side a = { ids, count, alone }, b = { ids + count, count, alone + count };
    assert_true(sc_match(&a, &b, (size_t)kinds));
    size_t length = common(a.ids, a.alone, count, b.ids, b.alone, count);
    free(ids);
    free(alone);
    return length;
}

static void long_lists_are_matched_where_words_are_rare(void **state)
{
    (void)state;
    struct dice d = { 3 };
    /* Two of three words are the same; chance adds some. */
    size_t found = match_long(20000, 8000, 33, &d);
    assert_in_range(found, 13200, 15000);
    /* Few kinds: nothing is there once, and much would be equal by chance. */
    found = match_long(20000, 50, 33, &d);
    assert_in_range(found, 13000, 17000);
    found = match_long(20000, 2, 100, &d);
    assert_in_range(found, 13000, 18000);
}

static void nothing_in_common_and_everything(void **state)
{
    (void)state;
    static struct lists l = { .count_a = 200, .count_b = 150 };
    for (uint32_t i = 0; i < 200; i++)
        l.a[i] = i;
    for (uint32_t k = 0; k < 150; k++)
        l.b[k] = 200 + k;
    assert_int_equal(match(&l, 350), 0);
    memcpy(l.b, l.a, sizeof(l.b));
    assert_int_equal(match(&l, 350), 150);
    l.count_b = 0;
    assert_int_equal(match(&l, 350), 0);
    l.count_a = 0;
    assert_int_equal(match(&l, 0), 0);
    /* The same words backwards: one of them can be matched. */
    l.count_a = l.count_b = 200;
    for (uint32_t i = 0; i < 200; i++)
        l.b[i] = 199 - i;
    assert_int_equal(match(&l, 200), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_much_as_possible_is_matched),
        TEST(edits_of_a_list_are_found),
        TEST(long_lists_are_matched_where_words_are_rare),
        TEST(nothing_in_common_and_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
