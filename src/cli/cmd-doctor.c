#include "cli/command.h"
#include "cli/doctor.h"

#include "cli/format.h"
#include "cli/list.h"

#include <stdarg.h>

#include "base/banned.h"

#define DETAIL 19 /* the column where details begin */
#define NARROW 60 /* terminals with less give the fix the whole line */

static const struct {
    const char *word; /* of JSON */
    const char *shown;
    const char *colour;
} marks[] = {
    [SC_MARK_OK] = { "ok", "ok  ", "\033[32m" },
    [SC_MARK_NOTE] = { "note", "note", "\033[36m" },
    [SC_MARK_WARNING] = { "warning", "warn", "\033[33m" },
    [SC_MARK_PROBLEM] = { "problem", "BAD ", "\033[1;31m" },
};

void sc_doctor_say(struct sc_doctor *d, enum sc_mark mark, const char *what, const char *fix,
                   const char *fmt, ...)
{
    char detail[400];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);

    d->warnings += mark == SC_MARK_WARNING;
    d->problems += mark == SC_MARK_PROBLEM;
    sc_json_object(d->json, NULL);
    sc_json_text(d->json, "status", marks[mark].word);
    sc_json_text(d->json, "check", what);
    sc_json_text(d->json, "detail", detail);
    sc_json_text(d->json, "fix", fix);
    sc_json_end(d->json);

    bool colour = d->cli->out_is_terminal && d->cli->colour;
    if (d->cli->quiet && mark != SC_MARK_PROBLEM)
        return;
    size_t width = (size_t)sc_list_width(d->cli);
    size_t indent = width > 0 && width < NARROW ? 6 : DETAIL;
    sc_buf_printf(&d->text, "%s%s%s  %-12s ", colour ? marks[mark].colour : "", marks[mark].shown,
                  colour ? "\033[0m" : "", what);
    sc_format_wrap(&d->text, sc_str_from(detail), &(struct sc_margins){ DETAIL, indent, width });
    sc_buf_putc(&d->text, '\n');
    if (fix != NULL) {
        sc_buf_printf(&d->text, "%*s", (int)indent, "");
        sc_format_wrap(&d->text, sc_str_from(fix), &(struct sc_margins){ indent, indent, width });
        sc_buf_putc(&d->text, '\n');
    }
}

static void look(struct sc_doctor *d)
{
    sc_doctor_programs(d);
    sc_doctor_kernel(d);
    sc_doctor_limits(d);
    sc_doctor_settings(d);
    if (d->cli->config == NULL)
        return;
    sc_doctor_certificate(d);
    sc_doctor_folder(d);
    sc_doctor_clock(d);
    sc_doctor_server(d);
    sc_doctor_store(d);
    sc_doctor_address(d);
    sc_doctor_models(d);
    sc_doctor_engines(d);
    sc_doctor_queue(d);
    sc_doctor_files(d);
    sc_doctor_recovery(d);
}

static const char *verdict(const struct sc_doctor *d)
{
    return d->problems > 0 ? "problems" : d->warnings > 0 ? "warnings" : "ok";
}

int sc_cmd_doctor(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_doctor d = { .cli = cli };
    SC_AUTO_BUF json = { 0 };
    struct sc_json w;
    int status;

    (void)args;
    d.json = &w;
    sc_json_begin(&w, &json);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "checks");
    look(&d);
    sc_json_end(&w);
    sc_json_text(&w, "status", verdict(&d));
    sc_json_int(&w, "warnings", d.warnings);
    sc_json_int(&w, "problems", d.problems);
    sc_json_end(&w);
    if (!cli->quiet)
        sc_buf_printf(&d.text, "\n%d problem%s, %d warning%s\n", d.problems,
                      d.problems == 1 ? "" : "s", d.warnings, d.warnings == 1 ? "" : "s");
    status = cli->json ? sc_cli_done_json(cli, &json) : sc_cli_done(cli, &d.text);
    sc_buf_done(&d.text);
    return status == SC_EXIT_OK && d.problems > 0 ? SC_EXIT_FAILED : status;
}
