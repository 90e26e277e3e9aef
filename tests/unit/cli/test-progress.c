#include "cli/progress.h"

#include "cli/format.h"

#include "testing.h"

#include <locale.h>

#include "base/banned.h"

static void the_line_says_what_is_known(void **state)
{
    (void)state;
    static const struct {
        struct sc_progress p;
        int width;
        const char *line;
    } rows[] = {
        { { "a.wav", "transcribe", 50, 12.3, 41, NULL },
          80,
          "a.wav  transcribe [#############--------------]  50%  12x  ETA 0:41" },
        { { "a.wav", "transcribe", 0, 0, -1, NULL },
          80,
          "a.wav  transcribe [---------------------------]   0%" },
        { { "a.wav", "transcribe", 100, 3.25, 0, NULL },
          80,
          "a.wav  transcribe [###########################] 100%  3.2x  ETA 0:00" },
        { { "a.wav", "pending", -1, 0, -1 }, 80, "a.wav  pending" },
        { { "a.wav", "upload", 250, 0, -1 }, 30, "a.wav  upload [#########] 100%" },
        { { "a.wav", "transcribe", 50, 2, 5 }, 40, "a.wav  transcribe  50%  2.0x  ETA 0:05" },
        { { "a.wav", "transcribe", 50, 2, 5 }, 26, "a.wav  50%  2.0x  ETA 0:05" },
        { { "a-very-long-name-of-a-recording.wav", "split", 50, 0, -1, NULL },
          40,
          "a-very-long\xe2\x80\xa6  split [######-------]  50%" },
        { { "a\nb\x1b[2J.wav", "split", 50, 0, -1 }, 30, "a\\nb\\x1b[2J.wav  split  50%" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_progress_render(&rows[i].p, rows[i].width, false, &out);
        assert_string_equal(sc_buf_text(&out), rows[i].line);
    }
}

static void the_line_never_passes_the_width(void **state)
{
    (void)state;
    static const char *const labels[] = { "", "x", "\xe4\xbc\x9a\xe8\xad\xb0.wav",
                                          "a-very-long-name-of-a-recording-with-many-words.wav" };
    for (size_t l = 0; l < SC_ARRAY_LEN(labels); l++) {
        for (int width = 1; width < 120; width++) {
            for (int percent = -1; percent <= 100; percent += 20) {
                SC_AUTO_BUF out = { 0 };
                struct sc_progress p = { labels[l], "transcribe", percent, 123.4, 36000, NULL };
                sc_progress_render(&p, width, false, &out);
                if (sc_format_width(sc_buf_str(&out)) > (size_t)width)
                    fail_msg("%d columns: '%s'", width, sc_buf_text(&out));
            }
        }
    }
}

static void colours_are_closed(void **state)
{
    (void)state;
    for (int percent = 0; percent <= 100; percent += 50) {
        SC_AUTO_BUF out = { 0 };
        struct sc_progress p = { "a", "split", percent, 0, -1, NULL };
        sc_progress_render(&p, 80, true, &out);
        assert_non_null(strstr(sc_buf_text(&out), "\033[32m"));
        assert_non_null(strstr(sc_buf_text(&out), "\033[0m"));
    }
}

static void nothing_is_drawn_where_there_is_no_terminal(void **state)
{
    (void)state;
    struct sc_progress_line line = { .enabled = false };
    struct sc_progress p = { "a", "split", 50, 0, -1, NULL };
    sc_progress_show(&line, &p);
    assert_false(line.drawn);
}

static void what_was_said_stands_above_the_line(void **state)
{
    (void)state;
    static const struct {
        struct sc_progress_line line;
        const char *said, *drawn;
    } rows[] = {
        { { 0 }, NULL, "\ra  split  50%\033[K" },
        { { .drawn = true }, "0:07  well", "\r0:07  well\033[K\na  split  50%\033[K" },
        { { .drawn = true, .has_said = true },
          "1:00  a\nb ",
          "\r\033[A1:00  a\\nb\033[K\na  split  50%\033[K" },
        { { .has_said = true }, /* it was cleared since */
          "0:07  well, \xe4\xbc\x9a\xe8\xad\xb0 and so on",
          "\r0:07  well, \xe4\xbc\x9a\xe2\x80\xa6\033[K\na  split  50%\033[K" },
        { { .colour = true },
          "0:07  well",
          "\r\033[2m0:07  well\033[0m\033[K\na  split  50%\033[K" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        struct sc_progress p = { "a", "split", 50, 0, -1, rows[i].said };
        sc_progress_draw(&rows[i].line, &p, 15, &out);
        assert_string_equal(sc_buf_text(&out), rows[i].drawn);
    }
}

static void redraws_are_rationed(void **state)
{
    (void)state;
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000000, 1000);
    struct sc_progress_line line = { .enabled = true };
    struct sc_progress p = { "a", "split", 50, 0, -1, NULL };
    sc_progress_show(&line, &p);
    assert_int_equal(line.last_ms, 1000);
    test_clock_step(&clock, 99);
    sc_progress_show(&line, &p);
    assert_int_equal(line.last_ms, 1000);
    test_clock_step(&clock, 1);
    sc_progress_show(&line, &p);
    assert_int_equal(line.last_ms, 1100);
    sc_progress_clear(&line);
    assert_false(line.drawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_line_says_what_is_known), TEST(the_line_never_passes_the_width),
        TEST(colours_are_closed),          TEST(nothing_is_drawn_where_there_is_no_terminal),
        TEST(redraws_are_rationed),        TEST(what_was_said_stands_above_the_line),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
