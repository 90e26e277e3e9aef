#include "whisper/fallback.h"

#include "testing.h"

#include <math.h>

#include "base/banned.h"

#define EOT 1000

static void entropy_is_that_of_the_last_tokens(void **state)
{
    (void)state;
    int32_t tokens[64];
    for (int i = 0; i < 64; i++)
        tokens[i] = i < 32 ? 7 : i;
    assert_true(fabs(sc_token_entropy(tokens, 64) - log(32)) < 1e-9);
    assert_true(fabs(sc_token_entropy(tokens, 32)) < 1e-9);
    assert_true(fabs(sc_token_entropy(tokens + 31, 2) - log(2)) < 1e-9);
    assert_true(fabs(sc_token_entropy(tokens, 0)) < 1e-9);
}

static void a_text_that_repeats_itself_compresses_well(void **state)
{
    (void)state;
    SC_AUTO_BUF loop = { 0 };
    for (int i = 0; i < 20; i++)
        sc_buf_puts(&loop, " thank you for watching");
    assert_true(sc_text_compression(sc_buf_str(&loop)) > 2.4);
    double plain = sc_text_compression(SC_STR(
        " The birch canoe slid on the smooth planks. Glue the sheet to the dark background."));
    assert_true(plain > 0.5 && plain < 2.4);
    assert_true(sc_text_compression(SC_STR("")) <= 0);
}

static void loops_are_found_across_marks(void **state)
{
    (void)state;
    struct sc_loop loop;
    const int32_t thanks[] = {
        1, 2, EOT + 5, 3, 4, 5, EOT + 9, 3, 4, 5, 3, 4, 5, EOT + 11, 3, 4, 5
    };
    const int32_t song[] = { 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 1, 2, 8, 9 };
    const int32_t no[] = { 1, 7, 7, 7, 7, 7, 2 };
    const int32_t noise[] = { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 };
    assert_true(sc_find_loop(thanks, SC_ARRAY_LEN(thanks), EOT, &loop));
    assert_int_equal(loop.start, 3);
    assert_int_equal(loop.length, 3);
    assert_int_equal(loop.times, 4);
    assert_false(sc_find_loop(song, SC_ARRAY_LEN(song), EOT, &loop));
    assert_false(sc_find_loop(no, SC_ARRAY_LEN(no), EOT, &loop));
    assert_true(sc_find_loop(noise, SC_ARRAY_LEN(noise), EOT, &loop));
    assert_false(sc_find_loop(NULL, 0, EOT, &loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entropy_is_that_of_the_last_tokens),
        TEST(a_text_that_repeats_itself_compresses_well),
        TEST(loops_are_found_across_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
