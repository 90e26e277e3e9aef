#include "base/alloc.h"

#include "base/enum.h"

#include "testing.h"

#include "base/banned.h"

static void new_memory_is_zeroed_and_never_null(void **state)
{
    (void)state;
    SC_AUTO_FREE char *a = sc_alloc(64);
    SC_AUTO_FREE char *b = sc_alloc(0);
    SC_AUTO_FREE int *c = sc_alloc_array(0, sizeof(int));
    assert_non_null(b);
    assert_non_null(c);
    for (int i = 0; i < 64; i++)
        assert_int_equal(a[i], 0);
}

static void copies_and_formatted_text_are_owned(void **state)
{
    (void)state;
    SC_AUTO_FREE char *a = sc_strdup("one");
    SC_AUTO_FREE char *b = sc_strndup("three", 2);
    SC_AUTO_FREE char *c = sc_asprintf("%s-%d", a, 7);
    assert_string_equal(a, "one");
    assert_string_equal(b, "th");
    assert_string_equal(c, "one-7");
}

static void growing_keeps_items_and_refuses_overflow(void **state)
{
    (void)state;
    SC_AUTO_FREE int *items = NULL;
    void *p = NULL;
    size_t cap = 0;
    assert_true(sc_try_grow(&p, &cap, 1, sizeof(int)));
    items = p;
    assert_true(cap >= 1);
    items[0] = 42;
    assert_true(sc_try_grow(&p, &cap, 1000, sizeof(int)));
    items = p;
    assert_true(cap >= 1000);
    assert_int_equal(items[0], 42);
    assert_false(sc_try_grow(&p, &cap, SIZE_MAX / 2, sizeof(int)));
    assert_ptr_equal(p, items);
    size_t before = cap;
    sc_grow(&p, &cap, before, sizeof(int));
    assert_int_equal(cap, before);
    sc_grow(&p, &cap, before + 1, sizeof(int));
    items = p;
    assert_int_equal(cap, 2 * before);
    assert_int_equal(items[0], 42);
}

static void taking_a_pointer_leaves_null_behind(void **state)
{
    (void)state;
    char *a = sc_strdup("x");
    SC_AUTO_FREE char *b = SC_TAKE(a);
    assert_null(a);
    assert_string_equal(b, "x");
}

enum sc_color { SC_RED, SC_BLUE, SC_COLOR_COUNT_ };
SC_DECLARE_ENUM_STRINGS(sc_color);
SC_DEFINE_ENUM_STRINGS(sc_color, SC_COLOR_COUNT_, { [SC_RED] = "red", [SC_BLUE] = "blue" });

static void enum_text_goes_both_ways(void **state)
{
    (void)state;
    enum sc_color c = SC_RED;
    assert_string_equal(sc_color_to_string(SC_BLUE), "blue");
    assert_true(sc_color_from_string("blue", &c));
    assert_int_equal(c, SC_BLUE);
    assert_false(sc_color_from_string("green", &c));
    assert_false(sc_color_from_string(NULL, &c));
    assert_int_equal(c, SC_BLUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_memory_is_zeroed_and_never_null),
        TEST(copies_and_formatted_text_are_owned),
        TEST(growing_keeps_items_and_refuses_overflow),
        TEST(taking_a_pointer_leaves_null_behind),
        TEST(enum_text_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
