#include "base/alloc.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/list.h"

#include <inttypes.h>

#include "base/banned.h"

int sc_cmd_jobs_list(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "JOB", .member = "job_id" },
        { .title = "STATUS", .member = "status" },
        { .title = "STAGE", .member = "stage" },
        { .title = "DONE", .member = "progress", .kind = SC_VIEW_PERCENT },
        { .title = "LENGTH", .member = "duration_seconds", .kind = SC_VIEW_SECONDS },
        { .title = "NAME", .member = "name", .otherwise = "file_name", .flexible = true },
        { .title = "CREATED", .member = "created_at", .kind = SC_VIEW_TIME },
        { 0 },
    };
    static const char *const filters[] = { "status", "file-id", "cursor", NULL };
    static const struct sc_list list = { "/api/jobs", "jobs", columns, filters,
                                         "no jobs; `scripta transcribe FILE` makes one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_jobs_show(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_show_run(cli, "/api/jobs/", args->words[0], NULL);
}

int sc_cmd_jobs_cancel(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_each_run(cli, args, "/api/jobs/", "/cancel", "cancelled");
}

/* Retries every failed job, page by page; each leaves the list as it is retried, so that there is
 * no cursor to keep. */
static int retry_all(struct sc_cli *cli)
{
    SC_AUTO_BUF out = { 0 };
    size_t retried = 0, refused = 0;

    for (bool more = true; more;) {
        SC_AUTO_BUF reply = { 0 };
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        struct sc_error err = { 0 };
        if (sc_cli_fetch(cli, "GET", "/api/jobs?status=failed&limit=100", &reply, &doc, &err) !=
            SC_OK)
            return sc_cli_fail(cli, &err);
        const struct sc_json_value *jobs = sc_json_member(sc_json_root(doc), "jobs");
        size_t before = retried;
        refused = 0;
        for (size_t i = 0; jobs != NULL && i < sc_json_count(jobs); i++) {
            const char *id = sc_json_get_text(sc_json_member(sc_json_at(jobs, i), "job_id"), "");
            SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", id, "/retry");
            SC_AUTO_BUF answer = { 0 };
            if (sc_cli_call(cli, "POST", path, NULL, &answer, &err) == SC_OK) {
                retried++;
                sc_buf_printf(&out, "%s retried\n", id);
            } else {
                refused++;
                (void)sc_cli_fail(cli, &err);
            }
        }
        more = retried > before;
    }
    int status = cli->json || cli->quiet ? SC_EXIT_OK : sc_cli_done(cli, &out);
    sc_cli_note(cli, "%zu jobs retried", retried);
    return refused > 0 ? SC_EXIT_FAILED : status;
}

int sc_cmd_jobs_retry(struct sc_cli *cli, const struct sc_args *args)
{
    bool all = sc_args_has(args, "all-failed");
    struct sc_error err = { 0 };

    if (all == (args->word_count > 0)) {
        (void)sc_error_set(&err, SC_E_INVALID_VALUE,
                           "name the jobs to retry, or give --all-failed alone");
        return sc_cli_fail(cli, &err);
    }
    return all ? retry_all(cli) : sc_each_run(cli, args, "/api/jobs/", "/retry", "retried");
}

static const struct sc_view_column event_columns[] = {
    { .title = "TIME", .member = "at", .kind = SC_VIEW_TEXT },
    { .title = "EVENT", .member = "type" },
    { .title = "STAGE", .member = "stage" },
    { .title = "CHUNK", .member = "chunk" },
    { .title = "TRY", .member = "attempt" },
    { .title = "MS", .member = "duration_ms" },
    { .title = "WORKER", .member = "worker" },
    { .title = "CODE", .member = "code" },
    { .title = "MESSAGE", .member = "message", .flexible = true },
    { 0 },
};

int sc_cmd_jobs_events(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", args->words[0], "/events?limit=200");
    SC_AUTO_BUF cursor = { 0 };

    /* Every page of one job's log belongs together, so all are printed. */
    for (bool first = true;; first = false) {
        SC_AUTO_BUF whole = { 0 };
        SC_AUTO_BUF reply = { 0 };
        SC_AUTO_BUF out = { 0 };
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        struct sc_error err = { 0 };
        sc_buf_puts(&whole, path);
        if (cursor.len > 0) {
            sc_buf_puts(&whole, "&since=");
            sc_url_encode(&whole, sc_buf_str(&cursor));
        }
        if (sc_cli_fetch(cli, "GET", sc_buf_text(&whole), &reply, &doc, &err) != SC_OK)
            return sc_cli_fail(cli, &err);
        const struct sc_json_value *root = sc_json_root(doc);
        const struct sc_json_value *events = sc_json_member(root, "events");
        if (!first && (events == NULL || sc_json_count(events) == 0))
            return SC_EXIT_OK;
        if (!cli->json)
            sc_view_table(events, event_columns, sc_clock_wall_ms(), sc_list_width(cli), &out);
        int status = cli->json ? sc_cli_done_json(cli, &reply) : sc_cli_done(cli, &out);
        const char *next = sc_json_get_text(sc_json_member(root, "next_cursor"), "");
        if (status != SC_EXIT_OK || next[0] == '\0')
            return status;
        sc_buf_reset(&cursor);
        sc_buf_puts(&cursor, next);
    }
}
