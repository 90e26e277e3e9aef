#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/list.h"
#include "json/writer.h"

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
    static const struct sc_each each = {
        "POST", "job", "/api/jobs/", "/cancel", "cancelled", NULL
    };
    return sc_each_run(cli, args, &each);
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
    static const struct sc_each each = {
        .method = "POST",
        .what = "job",
        .before = "/api/jobs/",
        .after = "/retry",
        .done = "retried",
        .refused = "`scripta add --force FILE` does work again that has completed",
    };
    return all ? retry_all(cli) : sc_each_run(cli, args, &each);
}

/* ---- edit ---- */

/* "a,b": an array; "" empties it. */
static void put_tags(struct sc_json *w, const char *text)
{
    struct sc_str rest = sc_str_from(text);
    sc_json_array(w, "tags");
    while (rest.len > 0) {
        struct sc_str tag = sc_str_trim(sc_str_take_until(&rest, ','));
        if (tag.len > 0)
            sc_json_str(w, NULL, tag);
    }
    sc_json_end(w);
}

/* Each --setting NAME=VALUE. */
static enum sc_code put_settings(struct sc_json *w, const struct sc_args *args,
                                 struct sc_error *err)
{
    sc_json_object(w, "settings");
    for (size_t i = 0; i < args->given_count; i++) {
        char name[64];
        const char *value = strchr(args->given[i].value, '=');
        if (strcmp(args->given[i].flag->name, "setting") != 0)
            continue;
        if (value == NULL)
            return sc_error_field(err, SC_E_INVALID_VALUE, "--setting",
                                  "--setting takes NAME=VALUE, such as language=de");
        (void)snprintf(name, sizeof(name), "%.*s", (int)(value - args->given[i].value),
                       args->given[i].value);
        sc_json_text(w, name, value + 1);
    }
    sc_json_end(w);
    return SC_OK;
}

static enum sc_code build_edit(const struct sc_args *args, struct sc_buf *body,
                               struct sc_error *err)
{
    static const char *const texts[][2] = {
        { "priority", "priority" },
        { "priority-order", "priority_order" },
        { "name", "name" },
        { "notes", "notes" },
    };
    /* "" takes them away. */
    static const char *const times[][2] = { { "run-after", "run_after" },
                                            { "timeout", "timeout" } };
    struct sc_json w;
    enum sc_code code = SC_OK;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        if (sc_args_has(args, texts[i][0]))
            sc_json_text(&w, texts[i][1], sc_args_get(args, texts[i][0], ""));
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(times); i++) {
        const char *value = sc_args_get(args, times[i][0], NULL);
        if (value != NULL)
            sc_json_text(&w, times[i][1], value[0] == '\0' ? NULL : value);
    }
    if (sc_args_has(args, "tags"))
        put_tags(&w, sc_args_get(args, "tags", ""));
    if (sc_args_has(args, "setting"))
        code = put_settings(&w, args, err);
    if (code == SC_OK)
        sc_json_end(&w);
    return code;
}

int sc_cmd_jobs_edit(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    size_t failed = 0;
    int last = SC_EXIT_OK;

    if (args->given_count == 0 || build_edit(args, &body, &err) != SC_OK) {
        if (err.code == SC_OK)
            (void)sc_error_set(&err, SC_E_INVALID_VALUE,
                               "say what is to change, such as --priority high");
        return sc_cli_fail(cli, &err);
    }
    for (size_t i = 0; i < args->word_count; i++) {
        SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", args->words[i], "");
        SC_AUTO_BUF reply = { 0 };
        int status = SC_EXIT_OK;
        err = (struct sc_error){ 0 };
        if (sc_cli_call(cli, "PATCH", path, sc_buf_text(&body), &reply, &err) != SC_OK)
            status = sc_cli_fail(cli, &err);
        else if (cli->json)
            status = sc_cli_done_json(cli, &reply);
        else if (!cli->quiet)
            sc_cli_note(cli, "%s changed", args->words[i]);
        if (status != SC_EXIT_OK) {
            failed++;
            last = status;
        }
    }
    return sc_exit_of_several(args->word_count, failed, last);
}

/* ---- logs ---- */

int sc_cmd_jobs_log(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const flags[] = { "stage", "lines", NULL };
    SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", args->words[0], "/log?");
    SC_AUTO_BUF whole = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    sc_buf_puts(&whole, path);
    sc_list_parameters(&whole, args, flags);
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&whole), &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *logs = sc_json_member(sc_json_root(doc), "logs");
    for (size_t i = 0; i < sc_json_count(logs); i++) {
        const struct sc_json_value *lines = sc_json_member(sc_json_at(logs, i), "lines");
        for (size_t k = 0; k < sc_json_count(lines); k++) {
            sc_utf8_append_printable(&out, sc_json_get_str(sc_json_at(lines, k), SC_STR("")));
            sc_buf_putc(&out, '\n');
        }
    }
    if (out.len == 0)
        sc_cli_note(cli, "nothing was logged; scripta jobs events tells what happened");
    return sc_cli_done(cli, &out);
}

/* ---- clean ---- */

int sc_cmd_jobs_clean(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    struct sc_json w;
    int64_t days = -1;
    bool dry = sc_args_has(args, "dry-run");

    if (sc_args_int(args, "older-than", 0, 36500, &days, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (days < 0) {
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, "--older-than",
                             "say how old: --older-than DAYS, 0 for every job that has ended");
        return sc_cli_fail(cli, &err);
    }
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "older_than_days", days);
    if (sc_args_has(args, "status"))
        sc_json_text(&w, "status", sc_args_get(args, "status", ""));
    sc_json_bool(&w, "with_transcripts", sc_args_has(args, "with-transcripts"));
    sc_json_bool(&w, "dry_run", dry);
    sc_json_end(&w);
    if (sc_cli_call(cli, "POST", "/api/jobs/clean", sc_buf_text(&body), &reply, &err) != SC_OK ||
        sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    int64_t jobs = sc_json_get_int(sc_json_member(sc_json_root(doc), "jobs"), 0);
    SC_AUTO_BUF out = { 0 };
    sc_buf_printf(&out, "%" PRId64 " %s %s\n", jobs, jobs == 1 ? "job" : "jobs",
                  dry ? "would be removed" : "removed");
    return sc_cli_done(cli, &out);
}

/* ---- chunks and events ---- */

int sc_cmd_jobs_chunks(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "CHUNK", .member = "chunk_index", .kind = SC_VIEW_NUMBER },
        { .title = "START", .member = "start_time", .kind = SC_VIEW_SECONDS },
        { .title = "END", .member = "end_time", .kind = SC_VIEW_SECONDS },
        { .title = "STATUS", .member = "status" },
        { .title = "TRIES", .member = "attempts", .kind = SC_VIEW_NUMBER },
        { .title = "CODE", .member = "error_code" },
        { .title = "TEXT", .member = "error_message", .otherwise = "text", .flexible = true },
        { 0 },
    };
    SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", args->words[0], "/chunks");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    if (sc_cli_fetch(cli, "GET", path, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    sc_view_table(sc_json_member(sc_json_root(doc), "chunks"), columns, sc_clock_wall_ms(),
                  sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
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
