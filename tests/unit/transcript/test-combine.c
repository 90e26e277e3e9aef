#include "transcript/combine.h"

#include "make.h"

#include "base/banned.h"

static void both_changes_are_made(void **state)
{
    (void)state;
    static const struct {
        const char *base, *mine, *theirs, *want;
    } cases[] = {
        { "t0 t1 t2", "ZERO t1 t2", "t0 t1 DREI", "ZERO t1 DREI" },
        { "t0 t1 t2", "t0 t1 DREI", "ZERO t1 t2", "ZERO t1 DREI" },
        { "t0 t1 t2", "t0 t1 t2", "t0 x t2", "t0 x t2" },
        { "t0 t1 t2", "t0 x t2", "t0 t1 t2", "t0 x t2" },
        { "t0 t1 t2", "t0 x t2", "t0 x t2", "t0 x t2" }, /* alike: once */
        { "t0 t1 t2 t3", "t0 x t2 t3", "t0 x t2 y", "t0 x t2 y" },
        { "t0 t1 t2", "x t1 t2", "t0 y t2", "x y t2" }, /* neighbours do not clash */
        { "t0 t1 t2 t3", "x t1 t2 t3", "t0 t1", "x t1" },
        { "t0 t1 t2", "a t0 t1 t2", "t0 t1 t2 b", "a t0 t1 t2 b" },
        { "t0 t1 t2", "a t0 t1 t2", "a t0 t1 t2", "a t0 t1 t2" },
        { "t0 t1", "", "t0 t1", "" },
        { "", "", "x", "x" },
        { "\xe4\xbb\x8a\xe6\x97\xa5\xe3\x81\xae\xe4\xbc\x9a",   /* 今日の会 */
          "\xe4\xbb\x8a\xe5\xb9\xb4\xe3\x81\xae\xe4\xbc\x9a",   /* 今年の会 */
          "\xe4\xbb\x8a\xe6\x97\xa5\xe3\x81\xae\xe8\xa9\xb1",   /* 今日の話 */
          "\xe4\xbb\x8a\xe5\xb9\xb4\xe3\x81\xae\xe8\xa9\xb1" }, /* without a space */
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO_BUF out = { 0 };
        assert_int_equal(sc_text_combine(cases[i].base, cases[i].mine, cases[i].theirs, &out),
                         SC_COMBINED);
        assert_string_equal(sc_buf_text(&out), cases[i].want);
    }
}

static void a_clash_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *base, *mine, *theirs;
    } cases[] = {
        { "t0 t1 t2", "t0 x t2", "t0 y t2" },
        { "t0 t1 t2", "x t2", "t0 y t2" }, /* within what the other took together */
        { "t0 t1 t2", "t0 a t1 t2", "t0 b t1 t2" },
        { "t0 t1 t2", "t0 a t1 t2", "x t1 t2" }, /* added beside a word that changed */
        { "t0 t1 t2", "t0 t1 t2 a", "t0 t1 t2 b" },
        { "t0 t1", "", "t0 x" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO_BUF out = { 0 };
        assert_int_equal(sc_text_combine(cases[i].base, cases[i].mine, cases[i].theirs, &out),
                         SC_COMBINE_CLASH);
        assert_int_equal(sc_text_combine(cases[i].base, cases[i].theirs, cases[i].mine, &out),
                         SC_COMBINE_CLASH);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_changes_are_made),
        cmocka_unit_test(a_clash_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
