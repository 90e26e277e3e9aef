#include "cli/command.h"

#include "config/job-options.h"

#include "testing.h"

#include "base/banned.h"

static bool has(const struct sc_buf *text, const char *part)
{
    return strstr(sc_buf_text(text), part) != NULL;
}

static void every_command_has_help_and_examples(void **state)
{
    (void)state;
    for (SC_EACH_COMMAND(c)) {
        SC_AUTO_BUF help = { 0 };
        assert_non_null(c->run);
        assert_non_null(c->usage);
        assert_true(strlen(c->summary) > 0 && c->summary[strlen(c->summary) - 1] != '.');
        assert_true(c->examples[strlen(c->examples) - 1] == '\n');
        assert_non_null(strstr(c->examples, c->name));
        sc_help_text(&help, c, 0);
        assert_true(has(&help, c->summary));
        assert_true(has(&help, "Examples:"));
        assert_true(has(&help, "--json"));
        for (const struct sc_flag *f = c->flags; f != NULL && f->name != NULL; f++)
            assert_true(has(&help, f->name));
    }
}

static void no_letter_or_name_means_two_things_to_one_command(void **state)
{
    (void)state;
    for (SC_EACH_COMMAND(c)) {
        SC_AUTO_FREE struct sc_flag *job = c->job_options ? sc_job_flags_new() : NULL;
        const struct sc_flag *tables[] = { c->flags, job, sc_global_flags };
        const struct sc_flag *seen[64];
        size_t count = 0;
        for (size_t t = 0; t < SC_ARRAY_LEN(tables); t++) {
            for (const struct sc_flag *f = tables[t]; f != NULL && f->name != NULL; f++) {
                for (size_t i = 0; i < count; i++) {
                    assert_string_not_equal(seen[i]->name, f->name);
                    assert_false(f->letter != 0 && f->letter == seen[i]->letter);
                }
                assert_true(count < SC_ARRAY_LEN(seen));
                seen[count++] = f;
            }
        }
    }
}

static void every_job_option_is_a_flag(void **state)
{
    (void)state;
    SC_AUTO_FREE struct sc_flag *flags = sc_job_flags_new();
    size_t count;
    const struct sc_job_option *all = sc_job_option_all(&count);
    for (size_t i = 0; i < count; i++) {
        char name[48];
        assert_non_null(flags[i].name);
        assert_non_null(flags[i].value);
        assert_null(strchr(flags[i].name, '_'));
        sc_job_flag_option(flags[i].name, name, sizeof(name));
        assert_string_equal(name, all[i].name);
    }
    assert_null(flags[count].name);
}

static void lines_fit_a_terminal(void **state)
{
    (void)state;
    static const size_t widths[] = { 80, 40 };
    for (size_t w = 0; w < SC_ARRAY_LEN(widths); w++) {
        for (SC_EACH_COMMAND(c)) {
            SC_AUTO_BUF help = { 0 };
            sc_help_text(&help, c, (int)widths[w]);
            struct sc_str rest = sc_buf_str(&help);
            while (rest.len > 0) {
                struct sc_str line = sc_str_take_until(&rest, '\n');
                bool typed = sc_str_starts(line, SC_STR("Usage:")) ||
                             sc_str_starts(line, SC_STR("      --")) ||
                             sc_str_starts(line, SC_STR("  "));
                bool prose = !typed || sc_str_starts(line, SC_STR("        "));
                if (line.len > (prose ? widths[w] : 90))
                    fail_msg("%s at %zu: %.*s", c->name, widths[w], (int)line.len, line.ptr);
            }
        }
    }
}

static void the_overview_lists_every_command(void **state)
{
    (void)state;
    SC_AUTO_BUF overview = { 0 };
    SC_AUTO_BUF page = { 0 };
    sc_help_text(&overview, NULL, 0);
    sc_help_markdown(&page);
    for (SC_EACH_COMMAND(c)) {
        char heading[64];
        (void)snprintf(heading, sizeof(heading), "### %s\n", c->name);
        const char *space = strrchr(c->name, ' ');
        assert_true(has(&overview, space == NULL ? c->name : space + 1));
        assert_true(has(&page, heading));
    }
    assert_true(has(&page, "| 130 | cancelled"));
    assert_true(has(&overview, "list, show, "));
    size_t lines = 0;
    for (const char *p = sc_buf_text(&overview); *p != '\0'; p++)
        lines += *p == '\n';
    assert_in_range(lines, 10, 36); /* about a screen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_command_has_help_and_examples),
        TEST(no_letter_or_name_means_two_things_to_one_command),
        TEST(every_job_option_is_a_flag),
        TEST(lines_fit_a_terminal),
        TEST(the_overview_lists_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
