#include "base/alloc.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "cli/submit.h"

#include "base/banned.h"

static void say_when(const struct sc_cli *cli, const struct sc_submitted *job)
{
    char text[SC_TIME_TEXT];
    SC_AUTO_BUF when = { 0 };

    if (job->run_after_ms == 0)
        return;
    sc_format_time(&when, sc_time_rfc3339(job->run_after_ms, text), sc_clock_wall_ms());
    sc_cli_note(cli, "scheduled: it starts %s (%s), when a server runs then%s", sc_buf_text(&when),
                text, sc_cli_server_is_local(cli) ? "; `scripta serve` keeps one running" : "");
}

static int add_one(struct sc_cli *cli, const struct sc_args *args, const char *file,
                   struct sc_progress_line *line)
{
    SC_AUTO(sc_submitted_done) struct sc_submitted job = { 0 };
    struct sc_error err = { 0 };
    struct sc_submission what = { .file = file,
                                  .label = file == NULL ? "" : sc_submit_name(file),
                                  .line = line };

    if ((file != NULL && sc_submit_check_file(file, &err) != SC_OK) ||
        sc_submit(cli, args, &what, &job, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &job.reply);
    SC_AUTO_BUF out = { 0 };
    sc_buf_printf(&out, "%s\n", job.job_id);
    int status = sc_cli_done(cli, &out);
    if (job.earlier)
        sc_cli_note(cli, "the same work was handed in before: this is that job; --force does it "
                         "again");
    say_when(cli, &job);
    sc_submit_say_where(cli, &job);
    return status;
}

int sc_cmd_add(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    struct sc_progress_line line = { .enabled = cli->err_is_terminal && !cli->quiet,
                                     .colour = cli->colour };
    bool noop = strcmp(sc_args_get(args, "pipeline", ""), "noop") == 0;
    size_t failed = 0;
    int last = SC_EXIT_OK;

    if (sc_submit_check(args, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (noop != (args->word_count == 0)) {
        (void)sc_error_set(&err, SC_E_INVALID_VALUE, "%s",
                           noop ? "the pipeline noop takes no file"
                                : "`scripta add` needs FILE...; `scripta help add` has examples");
        return sc_cli_fail(cli, &err);
    }
    sc_cli_catch_signals();
    if (noop)
        return add_one(cli, args, NULL, NULL);
    for (size_t i = 0; i < args->word_count && !sc_cli_interrupted(); i++) {
        int status = add_one(cli, args, args->words[i], &line);
        failed += status != SC_EXIT_OK;
        last = status != SC_EXIT_OK ? status : last;
    }
    return sc_cli_interrupted() ? SC_EXIT_CANCELLED
                                : sc_exit_of_several(args->word_count, failed, last);
}
