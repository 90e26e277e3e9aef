#include "library/sum.h"

#include "base/hash.h"
#include "library-fixture.h"

#include "base/banned.h"

struct one {
    const char *text;
    int64_t start_ms;
};

static void sum_of(enum sc_sum_kind kind, const struct one *ones, size_t count,
                   char out[SC_SHA256_TEXT])
{
    SC_AUTO(sc_sum_freep) struct sc_sum *sum = sc_sum_new(kind);
    for (size_t i = 0; i < count; i++) {
        char hash[SC_SHA256_TEXT];
        sc_hash_bytes(ones[i].text, strlen(ones[i].text), hash);
        sc_sum_segment(sum, sc_str_from(hash), ones[i].start_ms);
    }
    sc_sum_hex(sum, out);
}

static void every_change_of_the_list_changes_the_sum(void **state)
{
    (void)state;
    static const struct one was[] = { { "a", 0 }, { "b", 10 }, { "c", 10 }, { "d", 20 } };
    static const struct one others[][5] = {
        { { "a", 0 }, { "b", 10 }, { "c", 10 } },                          /* missing */
        { { "b", 10 }, { "c", 10 }, { "d", 20 } },                         /* the first */
        { { "a", 0 }, { "c", 10 }, { "b", 10 }, { "d", 20 } },             /* misplaced */
        { { "a", 0 }, { "b", 10 }, { "c", 10 }, { "e", 20 } },             /* another */
        { { "a", 0 }, { "b", 10 }, { "c", 10 }, { "d", 20 }, { "d", 20 } } /* twice */
    };
    for (int kind = 0; kind < 2; kind++) {
        char first[SC_SHA256_TEXT], other[SC_SHA256_TEXT];
        sum_of((enum sc_sum_kind)kind, was, SC_ARRAY_LEN(was), first);
        sum_of((enum sc_sum_kind)kind, was, SC_ARRAY_LEN(was), other);
        assert_string_equal(first, other);
        for (size_t i = 0; i < SC_ARRAY_LEN(others); i++) {
            size_t count = 0;
            while (count < SC_ARRAY_LEN(others[i]) && others[i][count].text != NULL)
                count++;
            sum_of((enum sc_sum_kind)kind, others[i], count, other);
            assert_string_not_equal(first, other);
        }
    }
}

/* Known values: of the first kind as the first releases wrote it, the second by hand. */
static void sums_stay_what_they_were(void **state)
{
    (void)state;
    static const struct one one[] = { { "abc", 5 } };
    char sum[SC_SHA256_TEXT], hash[SC_SHA256_TEXT], chained[SC_SHA256_TEXT];
    sc_hash_bytes("abc", 3, hash);
    sc_hash_bytes(hash, SC_SHA256_TEXT - 1, chained);
    sum_of(SC_SUM_CHAIN, one, 1, sum);
    assert_string_equal(sum, chained);
    sum_of(SC_SUM_ADDED, one, 1, sum);
    assert_string_equal(sum, hash);
    sum_of(SC_SUM_ADDED, one, 0, sum);
    assert_string_equal(sum, "0000000000000000000000000000000000000000000000000000000000000000");
    sum_of(SC_SUM_CHAIN, one, 0, sum);
    assert_string_equal(sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#define HEX63(c) c "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void numbers_carry_and_borrow(void **state)
{
    (void)state;
    struct sc_sum_number n;
    char text[SC_SHA256_TEXT];
    assert_true(sc_sum_parse(SC_STR(HEX63("f")), &n));
    sc_sum_add(&n, SC_STR("0000000000000000000000000000000000000000000000000000000000000002"), 0);
    sc_sum_format(&n, text);
    assert_string_equal(text, "0000000000000000000000000000000000000000000000000000000000000001");
    sc_sum_take_off(&n, SC_STR("0000000000000000000000000000000000000000000000000000000000000002"),
                    0);
    sc_sum_format(&n, text);
    assert_string_equal(text, HEX63("f"));
    struct dice d = { .state = 3 };
    for (int i = 0; i < 2000; i++) {
        char hash[SC_SHA256_TEXT];
        int64_t value = dice_between(&d, 0, INT64_C(1) << 40), rank = dice_between(&d, 0, 2);
        const struct sc_sum_number before = n;
        sc_hash_bytes(&value, sizeof(value), hash);
        sc_sum_add(&n, sc_str_from(hash), rank);
        struct sc_sum_number back = n;
        sc_sum_take_off(&back, sc_str_from(hash), rank);
        assert_memory_equal(&back, &before, sizeof(back));
    }
}

static void what_is_no_sum_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "12", HEX63("g"), HEX63("F"), HEX63("ff") };
    struct sc_sum_number n;
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        assert_false(sc_sum_parse(sc_str_from(bad[i]), &n));
    /* A row whose hash is spoilt adds something all the same. */
    char without[SC_SHA256_TEXT], with[SC_SHA256_TEXT];
    SC_AUTO(sc_sum_freep) struct sc_sum *a = sc_sum_new(SC_SUM_ADDED);
    SC_AUTO(sc_sum_freep) struct sc_sum *b = sc_sum_new(SC_SUM_ADDED);
    sc_sum_segment(b, SC_STR(""), 0);
    sc_sum_hex(a, without);
    sc_sum_hex(b, with);
    assert_string_not_equal(without, with);
}

/* Whatever was added and taken off since, and however far the difference has carried. */
static void a_sum_that_was_made_of_a_damaged_one_is_near(void **state)
{
    (void)state;
    struct dice d = { .state = 7 };
    for (int i = 0; i < 2000; i++) {
        struct sc_sum_number right = { { 0 } }, wrong;
        char hash[SC_SHA256_TEXT], a[SC_SHA256_TEXT], b[SC_SHA256_TEXT];
        for (size_t k = 0; k < sizeof(right.bytes); k++)
            right.bytes[k] = (unsigned char)dice_next(&d);
        sc_sum_format(&right, a);
        memcpy(b, a, sizeof(b));
        char *sign = &b[dice_between(&d, 0, SC_SHA256_TEXT - 2)];
        *sign = "0123456789abcdef"[(dice_between(&d, 1, 15) +
                                    (*sign <= '9' ? *sign - '0' : *sign - 'a' + 10)) %
                                   16];
        assert_true(sc_sum_parse(sc_str_from(b), &wrong));
        for (int k = 0; k < 4; k++) {
            sc_sum_format(&right, a);
            sc_sum_format(&wrong, b);
            assert_true(sc_sum_is_near(sc_str_from(a), sc_str_from(b)));
            assert_true(sc_sum_is_near(sc_str_from(b), sc_str_from(a)));
            (void)snprintf(hash, sizeof(hash), "%064d", i * 4 + k);
            sc_hash_bytes(hash, 64, hash);
            sc_sum_add(&right, sc_str_from(hash), 0);
            assert_false(sc_sum_is_near(sc_str_from(a), sc_str_from(hash)));
            sc_sum_add(&wrong, sc_str_from(hash), 0);
        }
    }
    assert_false(sc_sum_is_near(SC_STR("x"), SC_STR("y")));
    assert_false(sc_sum_is_near(sc_str_from("0"), sc_str_from("1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_change_of_the_list_changes_the_sum),
        TEST(sums_stay_what_they_were),
        TEST(numbers_carry_and_borrow),
        TEST(what_is_no_sum_is_refused),
        TEST(a_sum_that_was_made_of_a_damaged_one_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
