#include "cli/args.h"

#include "cli/command.h"

#include "testing.h"

#include "base/banned.h"

#define LINE_MAX_ARGS 16

/* Splits a command line at spaces; "_" stands for an empty argument. */
struct line {
    char text[256];
    char *argv[LINE_MAX_ARGS];
    int argc;
};

static void line_split(struct line *l, const char *text)
{
    (void)snprintf(l->text, sizeof(l->text), "%s", text);
    l->argc = 0;
    for (char *c = l->text; *c != '\0';) {
        assert_true(l->argc < LINE_MAX_ARGS);
        l->argv[l->argc++] = c;
        c += strcspn(c, " ");
        if (*c == ' ')
            *c++ = '\0';
    }
    for (int i = 0; i < l->argc; i++) {
        if (strcmp(l->argv[i], "_") == 0)
            l->argv[i][0] = '\0';
    }
}

static enum sc_code parse(const char *text, struct line *l, struct sc_args *args,
                          struct sc_error *err)
{
    line_split(l, text);
    return sc_args_parse(l->argc, l->argv, args, err);
}

/* "name=value name=value | word word" of what was understood. */
static void put_args(const struct sc_args *args, struct sc_buf *out)
{
    sc_buf_puts(out, args->command == NULL ? "-" : args->command->name);
    sc_buf_putc(out, ':');
    for (size_t i = 0; i < args->given_count; i++)
        sc_buf_printf(out, " %s=%s", args->given[i].flag->name, args->given[i].value);
    sc_buf_puts(out, " |");
    for (size_t i = 0; i < args->word_count; i++)
        sc_buf_printf(out, " %s", args->words[i]);
}

static void command_lines_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *line, *understood;
    } rows[] = {
        { "scripta", "-: |" },
        { "scripta --version", "-: version=on |" },
        { "scripta transcribe a.wav", "transcribe: | a.wav" },
        { "scripta transcribe -f srt a b", "transcribe: format=srt | a b" },
        { "scripta transcribe -fsrt a", "transcribe: format=srt | a" },
        { "scripta transcribe -f=srt a", "transcribe: format=srt | a" },
        { "scripta transcribe a --format=srt b", "transcribe: format=srt | a b" },
        { "scripta transcribe a --format srt", "transcribe: format=srt | a" },
        { "scripta transcribe --model=x=y a", "transcribe: model=x=y | a" },
        { "scripta transcribe --model= a", "transcribe: model= | a" },
        { "scripta transcribe -m _ a", "transcribe: model= | a" },
        { "scripta transcribe -e null -m delay_ms=20 -l en a",
          "transcribe: engine=null model=delay_ms=20 language=en | a" },
        { "scripta transcribe --force a", "transcribe: force=on | a" },
        { "scripta transcribe --force=off a", "transcribe: force=off | a" },
        { "scripta transcribe --force off a", "transcribe: force=off | a" },
        { "scripta transcribe --force on ./off", "transcribe: force=on | ./off" },
        { "scripta transcripts export -f json --words off 2",
          "transcripts export: format=json words=off | 2" },
        { "scripta transcribe --vad off a", "transcribe: vad=off | a" },
        { "scripta transcribe --vad=off a", "transcribe: vad=off | a" },
        { "scripta add --priority-order -5 a", "add: priority-order=-5 | a" },
        { "scripta transcribe -", "transcribe: | -" },
        { "scripta transcribe -- -a --force", "transcribe: | -a --force" },
        { "scripta --data d -qv jobs list -n 5",
          "jobs list: data=d quiet=on verbose=on limit=5 |" },
        { "scripta jobs", "jobs list: |" },
        { "scripta jobs --status failed", "jobs list: status=failed |" },
        { "scripta jobs show x", "jobs show: | x" },
        { "scripta queue", "queue: |" },
        { "scripta queue pause low", "queue pause: | low" },
        { "scripta search budget vote", "search: | budget vote" },
        { "scripta search saved", "search saved: |" },
        { "scripta search -- saved", "search: | saved" },
        { "scripta add --pipeline noop", "add: pipeline=noop |" },
        { "scripta jobs show --help", "jobs show: help=on |" },
        { "scripta version --json", "version: json=on |" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_args_done) struct sc_args args = { 0 };
        SC_AUTO_BUF out = { 0 };
        struct line l;
        struct sc_error err = { 0 };
        if (parse(rows[i].line, &l, &args, &err) != SC_OK)
            fail_msg("%s: %s", rows[i].line, err.msg);
        put_args(&args, &out);
        assert_string_equal(sc_buf_text(&out), rows[i].understood);
    }
}

static void wrong_command_lines_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } rows[] = {
        { "scripta trancribe a",
          "there is no command 'trancribe'; did you mean `scripta transcribe`?" },
        { "scripta xyzzy", "there is no command 'xyzzy'; `scripta help` lists them" },
        { "scripta /dev/null", "there is no command '/dev/null', but a file: `scripta transcribe "
                               "FILE` prints its text" },
        { "scripta _", "there is no command ''; `scripta help` lists them" },
        { "scripta jobs lisst",
          "there is no command 'jobs lisst'; did you mean `scripta jobs list`?" },
        { "scripta db", "`scripta db` needs one of init|migrate|info|check" },
        { "scripta transcribe --frmat x a", "there is no option --frmat; did you mean --format?" },
        { "scripta jobs list --zzzz",
          "there is no option --zzzz; `scripta help jobs list` lists them" },
        { "scripta --zzzz jobs", "there is no option --zzzz; `scripta help` lists them" },
        { "scripta transcribe -Z a",
          "there is no option -Z; `scripta help transcribe` lists them" },
        { "scripta jobs list --force",
          "there is no option --force; `scripta help jobs list` lists them" },
        { "scripta transcribe a -f",
          "--format needs a value: --format txt|srt|vtt|json|csv|tsv|lrc|md|docx|ass" },
        { "scripta transcribe a --output", "--output needs a value: --output OUT" },
        { "scripta --json=yes version", "--json takes no value" },
        { "scripta transcribe",
          "`scripta transcribe` needs FILE...; `scripta help transcribe` has examples" },
        { "scripta jobs show a b", "'b' is one too many: scripta jobs show JOB" },
        { "scripta version x", "'x' is one too many: scripta version" },
        { "scripta transcripts show _",
          "TRANSCRIPT is empty; give one that `scripta transcripts list` shows" },
        { "scripta jobs cancel a _ b", "JOB is empty; give one that `scripta jobs list` shows" },
        { "scripta transcripts compare 1 2 _",
          "VERSION is empty; `scripta help transcripts compare` has examples" },
        { "scripta tag file 1 _", "ID is empty; `scripta help tag` has examples" },
        { "scripta add _", "FILE is empty; `scripta help add` has examples" },
        { "scripta \x1b[31m", "there is no command '\\x1b[31m'; `scripta help` lists them" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_args_done) struct sc_args args = { 0 };
        struct line l;
        struct sc_error err = { 0 };
        assert_int_equal(parse(rows[i].line, &l, &args, &err), SC_E_INVALID_VALUE);
        assert_string_equal(err.msg, rows[i].message);
        assert_int_equal(sc_code_exit_status(err.code), SC_EXIT_USAGE);
    }
}

static void a_text_may_be_empty(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "scripta note file 1 _",
        "scripta search _",
        "scripta transcripts replace 1 a _",
        "scripta transcripts speakers 1 a _",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_args_done) struct sc_args args = { 0 };
        struct line l;
        assert_int_equal(parse(rows[i], &l, &args, NULL), SC_OK);
    }
}

static void what_stands_before_an_error_is_known(void **state)
{
    (void)state;
    SC_AUTO(sc_args_done) struct sc_args args = { 0 };
    struct line l;
    assert_int_equal(parse("scripta --json jobs list --zzzz", &l, &args, NULL), SC_E_INVALID_VALUE);
    assert_true(sc_args_has(&args, "json"));
}

static void the_last_value_counts(void **state)
{
    (void)state;
    SC_AUTO(sc_args_done) struct sc_args args = { 0 };
    struct line l;
    int64_t n = 7;
    struct sc_error err = { 0 };
    assert_int_equal(parse("scripta jobs list -n 5 -n 9", &l, &args, NULL), SC_OK);
    assert_string_equal(sc_args_get(&args, "limit", "1"), "9");
    assert_string_equal(sc_args_get(&args, "cursor", "none"), "none");
    assert_int_equal(sc_args_int(&args, "cursor", 1, 8, &n, &err), SC_OK);
    assert_int_equal(n, 7);
    assert_int_equal(sc_args_int(&args, "limit", 1, 9, &n, &err), SC_OK);
    assert_int_equal(n, 9);
    assert_int_equal(sc_args_int(&args, "limit", 1, 8, &n, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "--limit is '9', must be a whole number from 1 to 8");
}

static void options_of_the_api_are_named_as_they_are_typed(void **state)
{
    (void)state;
    static const struct {
        const char *field, *message, *want;
    } rows[] = {
        { "max_lines", "max_lines is '0', must be 1", "--max-lines is '0', must be 1" },
        { "max_lines", "srt takes no max_lines; see max_lines_x",
          "srt takes no --max-lines; see "
          "max_lines_x" },
        { "words", "words is 'my words'", "--words is 'my --words'" },
        { "vad", "--vad is off", "--vad is off" },
        { "", "nothing", "nothing" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, rows[i].field, "%s", rows[i].message);
        sc_args_as_typed(&err);
        assert_string_equal(err.msg, rows[i].want);
        assert_null(strchr(err.field, '_'));
    }
    sc_args_as_typed(NULL);
}

static void a_flood_of_options_is_refused(void **state)
{
    (void)state;
    SC_AUTO(sc_args_done) struct sc_args args = { 0 };
    char quiet[] = "-qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    char name[] = "scripta";
    char *argv[] = { name, quiet };
    assert_int_equal(sc_args_parse(2, argv, &args, NULL), SC_E_INVALID_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(command_lines_are_understood),  TEST(wrong_command_lines_name_what_is_wrong),
        TEST(a_text_may_be_empty),           TEST(what_stands_before_an_error_is_known),
        TEST(the_last_value_counts),         TEST(options_of_the_api_are_named_as_they_are_typed),
        TEST(a_flood_of_options_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
