#include "config/nearest.h"

#include "testing.h"

#include "base/banned.h"

static void distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(sc_edit_distance(SC_STR(""), SC_STR("abc")), 3);
    assert_int_equal(sc_edit_distance(SC_STR("abc"), SC_STR("abc")), 0);
    assert_int_equal(sc_edit_distance(SC_STR("lanuage"), SC_STR("language")), 1);
    assert_int_equal(sc_edit_distance(SC_STR("langauge"), SC_STR("language")), 1);
    assert_int_equal(sc_edit_distance(SC_STR("kitten"), SC_STR("sitting")), 3);
    char word[65];
    memset(word, 'x', sizeof(word));
    assert_int_equal(sc_edit_distance((struct sc_str){ word, 64 }, SC_STR("")), 64);
    assert_true(sc_edit_distance((struct sc_str){ word, 65 }, SC_STR("")) == SIZE_MAX);
}

static const char *suggest(const char *word)
{
    static const char *const known[] = { "transcribe", "transcripts", "jobs", "files", "queue" };
    struct sc_nearest n = { .word = sc_str_from(word) };
    for (size_t i = 0; i < SC_ARRAY_LEN(known); i++)
        sc_nearest_offer(&n, known[i]);
    return n.best;
}

static void the_nearest_known_word_is_found(void **state)
{
    (void)state;
    assert_string_equal(suggest("trancribe"), "transcribe");
    assert_string_equal(suggest("transcript"), "transcripts");
    assert_string_equal(suggest("job"), "jobs");
    assert_string_equal(suggest("que"), "queue");
    assert_null(suggest("x"));
    assert_null(suggest(""));
    assert_null(suggest("elephant"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(distance_counts_edits),
        TEST(the_nearest_known_word_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
