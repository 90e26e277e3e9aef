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
        { .title = "STAGE", .member = "stage", .minor = 1 },
        { .title = "DONE", .member = "progress", .kind = SC_VIEW_PERCENT },
        { .title = "LENGTH", .member = "duration_seconds", .kind = SC_VIEW_SECONDS, .minor = 2 },
        { .title = "NAME", .member = "name", .otherwise = "file_name", .flexible = true },
        { .title = "CREATED", .member = "created_at", .kind = SC_VIEW_TIME, .minor = 3 },
        { 0 },
    };
    static const char *const filters[] = {
        "status",        "stage",         "pipeline",      "engine", "model",
        "language",      "priority",      "file-id",       "name",   "error-code",
        "tag",           "created-since", "created-until", "search", "sort",
        "updated-since", "updated-until", "cursor",        NULL,
    };
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

struct retried {
    size_t done, refused;
    struct sc_buf out; /* a line for each */
};

static void retry_page(struct sc_cli *cli, const struct sc_json_value *jobs, struct retried *r)
{
    for (size_t i = 0; jobs != NULL && i < sc_json_count(jobs); i++) {
        const char *id = sc_json_get_text(sc_json_member(sc_json_at(jobs, i), "job_id"), "");
        SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", id, "/retry");
        SC_AUTO_BUF answer = { 0 };
        struct sc_error err = { 0 };
        if (sc_cli_call(cli, "POST", path, NULL, &answer, &err) != SC_OK) {
            r->refused++;
            (void)sc_cli_fail(cli, &err); /* the others go on; the status says that some failed */
            continue;
        }
        r->done++;
        if (cli->json)
            sc_buf_put_str(&r->out, sc_str_trim(sc_buf_str(&answer)));
        else
            sc_buf_printf(&r->out, "%s retried", id);
        sc_buf_putc(&r->out, '\n');
    }
}

static int retry_all(struct sc_cli *cli)
{
    struct retried r = { .done = 0 };
    SC_AUTO_BUF path = { 0 };
    int status = SC_EXIT_OK;

    /* The cursor keeps jobs that fail again meanwhile from being met twice. */
    for (bool more = true; more;) {
        SC_AUTO_BUF reply = { 0 };
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        struct sc_error err = { 0 };
        if (path.len == 0)
            sc_buf_puts(&path, "/api/jobs?status=failed&limit=100");
        if (sc_cli_fetch(cli, "GET", sc_buf_text(&path), &reply, &doc, &err) != SC_OK) {
            status = sc_cli_fail(cli, &err);
            break;
        }
        const struct sc_json_value *root = sc_json_root(doc);
        const char *next = sc_json_get_text(sc_json_member(root, "next_cursor"), "");
        retry_page(cli, sc_json_member(root, "jobs"), &r);
        more = next[0] != '\0';
        sc_buf_reset(&path);
        sc_buf_puts(&path, "/api/jobs?status=failed&limit=100&cursor=");
        sc_url_encode(&path, sc_str_from(next));
    }
    if (!cli->quiet || cli->json) {
        int printed = sc_cli_done(cli, &r.out);
        status = status == SC_EXIT_OK ? printed : status;
    }
    sc_cli_note(cli, "%zu retried", r.done);
    sc_buf_done(&r.out);
    return r.refused > 0 ? SC_EXIT_FAILED : status;
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
    { .title = "CHUNK", .member = "chunk", .kind = SC_VIEW_NUMBER },
    { .title = "TRY", .member = "attempt", .kind = SC_VIEW_NUMBER },
    { .title = "MS", .member = "duration_ms", .kind = SC_VIEW_NUMBER },
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
