/* Help and docs/cli.md, from the command table. */
#include "base/alloc.h"
#include "cli/command.h"
#include "cli/format.h"
#include "config/job-options.h"

#include "base/banned.h"

#define WIDTH 80
#define COLUMN 30
#define NAMES 19       /* where the overview says what a command does */
#define GROUP_NAMES 25 /* … and the list of a group */
#define NARROW 60      /* narrower screens have meanings below names, */
#define BELOW 8        /* from this column on */

/* Exit statuses, in the words of docs/cli.md. */
static const struct sc_help_exit exits[] = {
    { SC_EXIT_OK, "done" },
    { SC_EXIT_FAILED, "some of several things failed" },
    { SC_EXIT_USAGE, "wrong command, option or value" },
    { SC_EXIT_MISSING, "the thing named does not exist" },
    { SC_EXIT_CONFLICT, "the state does not allow it" },
    { SC_EXIT_DATA, "the input is no usable audio, or too large" },
    { SC_EXIT_ENGINE, "the engine or model cannot be used, or failed" },
    { SC_EXIT_STORE, "the store is missing, damaged, locked or newer" },
    { SC_EXIT_NO_SPACE, "the disk or the quota is full" },
    { SC_EXIT_UNREACHABLE, "no server answers" },
    { SC_EXIT_DENIED, "not allowed" },
    { SC_EXIT_TIMEOUT, "the time allowed has passed" },
    { SC_EXIT_CONFIG, "the configuration or the installation is wrong" },
    { SC_EXIT_IO, "a file could not be read or written" },
    { SC_EXIT_INTERNAL, "a bug in Scripta" },
    { SC_EXIT_CANCELLED, "cancelled, such as by Ctrl-C" },
};

/* Where help goes, and how wide that is. */
struct page {
    struct sc_buf *out;
    size_t width;
};

static struct page page_of(struct sc_buf *out, int width)
{
    return (struct page){ out, width == 0 ? WIDTH : (size_t)SC_MIN(width, WIDTH) };
}

/* Where meanings stand: beside the names or, where there is no room for that, below them. */
static size_t column_of(const struct page *p, size_t wanted)
{
    return p->width < NARROW ? BELOW : wanted;
}

static void fill(struct sc_buf *out, size_t count)
{
    while (count-- > 0)
        sc_buf_putc(out, ' ');
}

/* The meaning of what stands in the line up to `at`. */
static void put_meaning(const struct page *p, const char *text, size_t at, size_t wanted)
{
    size_t column = column_of(p, wanted);
    if (at + 2 > column) {
        sc_buf_putc(p->out, '\n');
        at = 0;
    }
    fill(p->out, column - at);
    sc_format_wrap(p->out, sc_str_from(text), &(struct sc_margins){ column, column, p->width });
    sc_buf_putc(p->out, '\n');
}

/* "-f, --format FORMAT" */
static void put_flag(struct sc_buf *out, const struct sc_flag *flag)
{
    if (flag->letter != 0)
        sc_buf_printf(out, "-%c, ", flag->letter);
    sc_buf_printf(out, "--%s", flag->name);
    if (flag->kind == SC_FLAG_VALUE)
        sc_buf_printf(out, " %s", flag->value);
}

static void put_title(const struct page *p, const char *title)
{
    sc_buf_putc(p->out, '\n');
    sc_format_wrap(p->out, sc_str_from(title), &(struct sc_margins){ .width = p->width });
    sc_buf_puts(p->out, ":\n");
}

static void put_flags(const struct page *p, const char *title, const struct sc_flag *flags)
{
    put_title(p, title);
    for (; flags->name != NULL; flags++) {
        SC_AUTO_BUF left = { 0 };
        if (flags->heading != NULL)
            put_title(p, flags->heading);
        sc_buf_puts(&left, flags->letter != 0 ? "  " : "      ");
        put_flag(&left, flags);
        sc_buf_put_str(p->out, sc_buf_str(&left));
        put_meaning(p, flags->help, left.len, COLUMN);
    }
}

struct sc_flag *sc_job_flags_new(void)
{
    /* Flags with their strings behind them, in one piece: built once, freed by the caller. */
    size_t count;
    const struct sc_job_option *all = sc_job_option_all(&count);
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += strlen(all[i].name) + 1;
    struct sc_flag *flags = sc_alloc((count + 1) * sizeof(*flags) + size);
    char *text = (char *)(flags + count + 1);
    for (size_t i = 0; i < count; i++) {
        flags[i] = (struct sc_flag){
            .name = text,
            .letter = all[i].flag,
            .kind = SC_FLAG_VALUE,
            .help = all[i].help,
            .heading = all[i].heading,
        };
        for (const char *c = all[i].name; *c != '\0'; c++)
            *text++ = *c == '_' ? '-' : *c;
        text++; /* sc_alloc gives zeroed memory */
        switch (all[i].type) {
        case SC_JOB_BOOL:
            flags[i].value = "on|off";
            if (strcmp(all[i].fallback, "false") == 0)
                flags[i].kind = SC_FLAG_ON;
            break;
        case SC_JOB_ENUM:
            flags[i].value = all[i].choices;
            break;
        case SC_JOB_TEXT:
            flags[i].value = "TEXT";
            break;
        case SC_JOB_INT:
        case SC_JOB_REAL:
            flags[i].value = "N";
            break;
        case SC_JOB_TIME:
            flags[i].value = "TIME";
            break;
        case SC_JOB_DURATION:
            flags[i].value = "DURATION";
            break;
        }
    }
    return flags;
}

void sc_job_flag_option(const char *flag, char *out, size_t size)
{
    sc_assert(strlen(flag) < size);
    for (; *flag != '\0'; flag++)
        *out++ = *flag == '-' ? '_' : *flag;
    *out = '\0';
}

const struct sc_help_exit *sc_help_exits(size_t *count)
{
    *count = SC_ARRAY_LEN(exits);
    return exits;
}

void sc_help_usage(struct sc_buf *out, const struct sc_command *c)
{
    sc_buf_printf(out, "scripta %s%s%s%s", c->name,
                  c->flags != NULL || c->job_options || c->export_options ? " [OPTION...]" : "",
                  c->usage[0] == '\0' ? "" : " ", c->usage);
}

static void put_command(const struct page *p, const struct sc_command *c)
{
    SC_AUTO_FREE struct sc_flag *job_flags = c->job_options ? sc_job_flags_new() : NULL;
    SC_AUTO_FREE struct sc_flag *export_flags = c->export_options ? sc_export_flags_new() : NULL;
    struct sc_str examples = sc_str_from(c->examples);
    const struct sc_margins margins = { .width = p->width };
    SC_AUTO_BUF summary = { 0 };

    sc_buf_puts(p->out, "Usage: ");
    sc_help_usage(p->out, c);
    sc_buf_puts(p->out, "\n\n");
    sc_buf_printf(&summary, "%s.", c->summary);
    sc_format_wrap(p->out, sc_buf_str(&summary), &margins);
    sc_buf_putc(p->out, '\n');
    if (c->about != NULL) {
        sc_buf_putc(p->out, '\n');
        sc_format_wrap(p->out, sc_str_from(c->about), &margins);
        sc_buf_putc(p->out, '\n');
    }
    if (c->flags != NULL)
        put_flags(p, "Options", c->flags);
    if (job_flags != NULL)
        put_flags(p, "Options of the job", job_flags);
    if (export_flags != NULL)
        put_flags(p, "Options of the export, with the formats that take them", export_flags);
    put_flags(p, "Options of every command", sc_global_flags);
    sc_buf_puts(p->out, "\nExamples:\n");
    while (examples.len > 0) {
        sc_buf_puts(p->out, "  ");
        sc_buf_put_str(p->out, sc_str_take_until(&examples, '\n'));
        sc_buf_putc(p->out, '\n');
    }
}

static void put_row(const struct page *p, const char *name, const char *text, size_t column)
{
    sc_buf_printf(p->out, "  %s", name);
    put_meaning(p, text, 2 + strlen(name), column);
}

/* "pause, resume" of the commands whose first word is `group`. */
static void put_verbs(struct sc_buf *out, struct sc_str group)
{
    for (SC_EACH_COMMAND(c)) {
        if (strncmp(c->name, group.ptr, group.len) == 0 && c->name[group.len] == ' ')
            sc_buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", c->name + group.len + 1);
    }
}

/* The first command of a group stands for all of it. */
static bool is_told(const struct sc_command *command, struct sc_str group)
{
    for (SC_EACH_COMMAND(c)) {
        if (c == command)
            return false;
        if (strncmp(c->name, group.ptr, group.len) == 0 &&
            (c->name[group.len] == ' ' || c->name[group.len] == '\0'))
            return true;
    }
    return false;
}

/* A group of commands is one row, also where one of them is the word alone: all of them would be
 * more than a screen. */
static void put_in_overview(const struct page *p, const struct sc_command *c)
{
    struct sc_str group = { c->name, strcspn(c->name, " ") };
    SC_AUTO_FREE char *name = sc_strndup(group.ptr, group.len);
    SC_AUTO_BUF verbs = { 0 };
    SC_AUTO_BUF text = { 0 };
    bool alone = c->name[group.len] == '\0';
    if (is_told(c, group))
        return;
    put_verbs(&verbs, group);
    if (alone)
        sc_buf_puts(&text, c->summary);
    if (verbs.len > 0)
        sc_buf_printf(&text, "%s%s", alone ? "; " : "", sc_buf_text(&verbs));
    SC_AUTO_FREE char *shown = sc_asprintf("%s%s", name, verbs.len > 0 ? " ..." : "");
    put_row(p, shown, sc_buf_text(&text), NAMES);
}

void sc_help_text(struct sc_buf *out, const struct sc_command *command, int width)
{
    const struct page page = page_of(out, width);
    const struct sc_margins margins = { .width = page.width };
    if (command != NULL) {
        put_command(&page, command);
        return;
    }
    sc_format_wrap(out, SC_STR("Scripta turns recordings into durable text."), &margins);
    sc_buf_puts(out, "\nUsage: scripta [OPTION...] COMMAND\n\n");
    for (SC_EACH_COMMAND(c))
        put_in_overview(&page, c);
    sc_buf_putc(out, '\n');
    sc_format_wrap(out,
                   SC_STR("First: scripta transcribe recording.wav. More: scripta help COMMAND"),
                   &margins);
    sc_buf_putc(out, '\n');
}

void sc_help_group(struct sc_buf *out, const char *group, int width)
{
    const struct page page = page_of(out, width);
    size_t len = strlen(group);
    SC_AUTO_BUF last = { 0 };

    sc_buf_printf(out, "Usage: scripta %s COMMAND\n\nCommands:\n", group);
    for (SC_EACH_COMMAND(c)) {
        if (strncmp(c->name, group, len) == 0 && (c->name[len] == ' ' || c->name[len] == '\0'))
            put_row(&page, c->name, c->summary, GROUP_NAMES);
    }
    sc_buf_printf(&last, "`scripta help %s COMMAND` says more, with examples.", group);
    sc_buf_putc(out, '\n');
    sc_format_wrap(out, sc_buf_str(&last), &(struct sc_margins){ .width = page.width });
    sc_buf_putc(out, '\n');
}

static void put_markdown_flags(struct sc_buf *out, const struct sc_flag *flags)
{
    sc_buf_puts(out, "\n| option | meaning |\n|---|---|\n");
    for (; flags->name != NULL; flags++) {
        SC_AUTO_BUF left = { 0 };
        put_flag(&left, flags);
        sc_buf_puts(out, "| `");
        /* A bar would end the cell, in code as well. */
        for (const char *c = sc_buf_text(&left); *c != '\0'; c++)
            sc_buf_printf(out, "%s%c", *c == '|' ? "\\" : "", *c);
        sc_buf_printf(out, "` | %s |\n", flags->help);
    }
}

/* error.def, which the API, job rows and the command line share. */
static void put_markdown_errors(struct sc_buf *out)
{
    sc_buf_puts(out,
                "\n## Error codes\n\n"
                "One spelling in JSON, in job rows and here. `again` says that the queue tries "
                "a task again after it.\n\n"
                "| code | HTTP | exit | again | meaning |\n|---|---|---|---|---|\n");
    for (int i = SC_OK + 1; i < SC_CODE_COUNT_; i++) {
        enum sc_code code = (enum sc_code)i;
        sc_buf_printf(out, "| `%s` | %d | %d | %s | %s |\n", sc_code_name(code),
                      sc_code_http_status(code), sc_code_exit_status(code),
                      sc_code_is_retryable(code) ? "yes" : "", sc_code_text(code));
    }
}

void sc_help_markdown(struct sc_buf *out)
{
    SC_AUTO_FREE struct sc_flag *job_flags = sc_job_flags_new();
    SC_AUTO_FREE struct sc_flag *export_flags = sc_export_flags_new();

    sc_buf_puts(
        out,
        "# The command line\n"
        "\n"
        "This page is made from the command table: `scripta help --markdown` prints it.\n"
        "\n"
        "A command talks to a server: that of `--server`, else of `SCRIPTA_SERVER`, else the one\n"
        "on `run/scripta.sock` of the data folder that `--data` names, else\n"
        "`/run/scripta/scripta.sock` when a server answers there, else the one of the default "
        "data\n"
        "folder. When no server runs on a data folder, the command starts one, which ends by\n"
        "itself soon after the last command and the last task.\n"
        "\n"
        "Results go to standard output, everything else to standard error. `--json` prints the\n"
        "API's JSON, one document a line, and errors as `{\"error\": {\"code\", \"message\"}}`.\n"
        "Colours and the progress line appear on a terminal only; `NO_COLOR` turns colours off.\n"
        "\n"
        "## Options of every command\n");
    put_markdown_flags(out, sc_global_flags);
    sc_buf_puts(out, "\n## Options of a job\n"
                     "\n"
                     "`transcribe` and `add` take all of them.\n");
    put_markdown_flags(out, job_flags);
    sc_buf_puts(out,
                "\n## Options of an export\n"
                "\n"
                "`transcribe` and `transcripts export` take them, each with the formats that it\n"
                "names. `scripta transcripts formats` shows the defaults.\n");
    put_markdown_flags(out, export_flags);
    sc_buf_puts(out, "\n## Commands\n");
    for (SC_EACH_COMMAND(c)) {
        sc_buf_printf(out, "\n### %s\n\n`", c->name);
        sc_help_usage(out, c);
        sc_buf_printf(out, "`\n\n%s.%s%s\n", c->summary, c->about == NULL ? "" : " ",
                      c->about == NULL ? "" : c->about);
        if (c->flags != NULL)
            put_markdown_flags(out, c->flags);
        sc_buf_printf(out, "\n```sh\n%s```\n", c->examples);
    }
    sc_buf_puts(out, "\n## Exit status\n\n| status | meaning |\n|---|---|\n");
    for (size_t i = 0; i < SC_ARRAY_LEN(exits); i++)
        sc_buf_printf(out, "| %d | %s |\n", exits[i].status, exits[i].text);
    put_markdown_errors(out);
}
