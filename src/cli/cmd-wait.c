#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/list.h"
#include "config/value.h"

#include "base/banned.h"

static enum sc_code deadline_of(const struct sc_args *args, int64_t *deadline_ms,
                                struct sc_error *err)
{
    const char *text = sc_args_get(args, "timeout", NULL);
    SC_AUTO_BUF shown = { 0 };
    int64_t ms;

    if (text == NULL)
        return SC_OK;
    if (!sc_value_duration(sc_str_from(text), &ms)) {
        sc_utf8_append_printable(&shown, sc_str_from(text));
        return sc_error_field(err, SC_E_INVALID_VALUE, "timeout",
                              "--timeout is '%.60s', must be a duration such as 90s or 15m",
                              sc_buf_text(&shown));
    }
    *deadline_ms = sc_clock_mono_ms() + SC_MAX(ms, 1);
    return SC_OK;
}

static int wait_one(struct sc_cli *cli, const struct sc_follow *what)
{
    SC_AUTO(sc_job_end_done) struct sc_job_end end = { 0 };
    struct sc_error err = { 0 };

    if (sc_follow_job(cli, what, &end, &err) != SC_OK) {
        if (!sc_cli_interrupted())
            return sc_cli_fail(cli, &err);
        sc_follow_tell_left(cli, what->label, what->job_id, false);
        return SC_EXIT_CANCELLED;
    }
    if (cli->json) {
        int status = sc_cli_done_json(cli, &end.reply);
        return end.completed ? status : sc_code_exit_status(end.error.code);
    }
    if (!end.completed)
        return sc_cli_fail(cli, &end.error);
    if (cli->quiet)
        return SC_EXIT_OK;
    SC_AUTO_BUF out = { 0 };
    sc_utf8_append_printable(&out, sc_str_from(what->job_id));
    sc_buf_puts(&out,
                sc_job_end_is_silent(cli, &end) ? " completed, no speech found\n" : " completed\n");
    int status = sc_cli_done(cli, &out);
    sc_job_end_tell(cli, what->label, &end);
    return status;
}

int sc_cmd_wait(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_progress_line line = { .enabled = cli->err_is_terminal && !cli->quiet,
                                     .colour = cli->colour };
    struct sc_error err = { 0 };
    int64_t deadline_ms = 0;
    size_t failed = 0;
    int last = SC_EXIT_OK;

    if (deadline_of(args, &deadline_ms, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_cli_catch_signals();
    for (size_t i = 0; i < args->word_count && !sc_cli_interrupted(); i++) {
        SC_AUTO_FREE char *label =
            args->word_count == 1
                ? sc_strdup(args->words[i])
                : sc_asprintf("[%zu/%zu] %s", i + 1, args->word_count, args->words[i]);
        struct sc_follow what = {
            .job_id = args->words[i],
            .label = label,
            .line = &line,
            .deadline_ms = deadline_ms,
        };
        int status = wait_one(cli, &what);
        failed += status != SC_EXIT_OK;
        last = status != SC_EXIT_OK ? status : last;
    }
    return sc_cli_interrupted() ? SC_EXIT_CANCELLED
                                : sc_exit_of_several(args->word_count, failed, last);
}
