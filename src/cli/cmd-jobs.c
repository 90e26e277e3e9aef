#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
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
        "updated-since", "updated-until", "campaign-id",   "cursor", NULL,
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

/* The body of one call. cursor "": from the newest. */
static void put_retry(struct sc_buf *body, const struct sc_args *args, const char *cursor)
{
    static const char *const filters[][2] = {
        { "error-code", "error_code" },
        { "engine", "engine" },
        { "model", "model" },
        { "tag", "tag" },
        { "created-since", "created_since" },
    };
    struct sc_json w;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(filters); i++) {
        if (sc_args_has(args, filters[i][0]))
            sc_json_text(&w, filters[i][1], sc_args_get(args, filters[i][0], ""));
    }
    sc_json_bool(&w, "dry_run", sc_args_has(args, "dry-run"));
    if (cursor[0] != '\0')
        sc_json_text(&w, "cursor", cursor);
    sc_json_end(&w);
}

static int retry_all(struct sc_cli *cli, const struct sc_args *args)
{
    bool dry = sc_args_has(args, "dry-run");
    int64_t done = 0, refused = 0;
    SC_AUTO_BUF cursor = { 0 };
    SC_AUTO_BUF out = { 0 };
    for (bool more = true; more;) {
        SC_AUTO_BUF body = { 0 };
        SC_AUTO_BUF reply = { 0 };
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        struct sc_error err = { 0 };
        put_retry(&body, args, sc_buf_text(&cursor));
        if (sc_cli_call(cli, "POST", "/api/jobs/retry", sc_buf_text(&body), &reply, &err) !=
                SC_OK ||
            sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
            return sc_cli_fail(cli, &err);
        const struct sc_json_value *root = sc_json_root(doc);
        const struct sc_json_value *ids = sc_json_member(root, "job_ids");
        for (size_t i = 0; !cli->json && ids != NULL && i < sc_json_count(ids); i++)
            sc_buf_printf(&out, "%s %s\n", sc_json_get_text(sc_json_at(ids, i), ""),
                          dry ? "would be retried" : "retried");
        if (cli->json)
            sc_buf_printf(&out, "%s\n", sc_buf_text(&reply));
        done += sc_json_get_int(sc_json_member(root, "jobs"), 0);
        refused += sc_json_get_int(sc_json_member(root, "refused"), 0);
        sc_buf_reset(&cursor);
        sc_buf_puts(&cursor, sc_json_get_text(sc_json_member(root, "next_cursor"), ""));
        more = cursor.len > 0;
    }
    int status = cli->quiet && !cli->json ? SC_EXIT_OK : sc_cli_done(cli, &out);
    sc_cli_note(cli, dry ? "%" PRId64 " would be retried" : "%" PRId64 " retried", done);
    if (refused > 0)
        sc_cli_note(cli,
                    "%" PRId64 " have forgotten what they did: `scripta add --force` makes "
                    "new ones",
                    refused);
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
    static const struct sc_each each = {
        .method = "POST",
        .what = "job",
        .before = "/api/jobs/",
        .after = "/retry",
        .done = "retried",
        .refused = "`scripta add --force FILE` does work again that has completed",
    };
    return all ? retry_all(cli, args) : sc_each_run(cli, args, &each);
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

/* Each --setting NAME=VALUE; without a value it is to be the default again. */
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
        if (value[1] == '\0')
            sc_json_null(w, name);
        else
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

/* Flags of every command are none. */
static bool names_a_change(const struct sc_args *args)
{
    for (const struct sc_flag *f = args->command->flags; f->name != NULL; f++) {
        if (sc_args_has(args, f->name))
            return true;
    }
    return false;
}

int sc_cmd_jobs_edit(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    size_t failed = 0;
    int last = SC_EXIT_OK;

    if (!names_a_change(args) || build_edit(args, &body, &err) != SC_OK) {
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

/* ---- chunks and events ---- */

int sc_cmd_jobs_chunks(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "CHUNK", .member = "chunk_index", .kind = SC_VIEW_NUMBER },
        { .title = "START", .member = "start_time", .kind = SC_VIEW_SECONDS },
        { .title = "END", .member = "end_time", .kind = SC_VIEW_SECONDS },
        { .title = "SOUND", .member = "sound", .kind = SC_VIEW_SECONDS },
        { .title = "LANGUAGE", .member = "language", .minor = 1 },
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
    sc_view_table(sc_json_member(sc_json_root(doc), "chunks"), columns, sc_list_now(cli),
                  sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}

/* "transcribe chunk 3, try 2: ENGINE_ERROR out of memory; local-1, 1.2 s" */
static void describe_event(const struct sc_json_value *event, struct sc_buf *out)
{
    const char *stage = sc_json_get_text(sc_json_member(event, "stage"), "");
    const char *code = sc_json_get_text(sc_json_member(event, "code"), "");
    const char *message = sc_json_get_text(sc_json_member(event, "message"), "");
    const char *worker = sc_json_get_text(sc_json_member(event, "worker"), "");
    int64_t chunk = sc_json_get_int(sc_json_member(event, "chunk"), -1);
    int64_t attempt = sc_json_get_int(sc_json_member(event, "attempt"), 0);
    int64_t ms = sc_json_get_int(sc_json_member(event, "duration_ms"), -1);

    sc_buf_puts(out, stage);
    if (chunk >= 0)
        sc_buf_printf(out, "%schunk %" PRId64, out->len > 0 ? " " : "", chunk);
    if (attempt > 1)
        sc_buf_printf(out, "%stry %" PRId64, out->len > 0 ? ", " : "", attempt);
    if (code[0] != '\0' || message[0] != '\0')
        sc_buf_printf(out, "%s%s%s%s", out->len > 0 ? ": " : "", code,
                      code[0] != '\0' && message[0] != '\0' ? " " : "", message);
    if (worker[0] != '\0')
        sc_buf_printf(out, "%s%s", out->len > 0 ? "; " : "", worker);
    if (ms >= 0)
        sc_buf_printf(out, "%s%.1f s", out->len > 0 ? ", " : "", (double)ms / 1000);
}

static void add_events(struct sc_table *table, const struct sc_json_value *events)
{
    for (size_t i = 0; events != NULL && i < sc_json_count(events); i++) {
        const struct sc_json_value *event = sc_json_at(events, i);
        SC_AUTO_BUF text = { 0 };
        sc_format_moment(&text, sc_json_get_text(sc_json_member(event, "at"), ""));
        sc_table_take(table, &text);
        sc_table_cell(table, sc_json_get_text(sc_json_member(event, "type"), ""));
        describe_event(event, &text);
        sc_table_take(table, &text);
    }
}

/* Every page of one job's log belongs together, so all are shown. */
int sc_cmd_jobs_events(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", args->words[0], "/events?limit=200");
    SC_AUTO_BUF cursor = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_TABLE table = { .titles = { "TIME", "EVENT", "DETAILS" }, .columns = 3, .flexible = 2 };

    for (size_t count = 1; count > 0;) {
        SC_AUTO_BUF whole = { 0 };
        SC_AUTO_BUF reply = { 0 };
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
        const char *next = sc_json_get_text(sc_json_member(root, "next_cursor"), "");
        count = events == NULL || next[0] == '\0' ? 0 : sc_json_count(events);
        add_events(&table, events);
        if (cli->json && (count > 0 || cursor.len == 0)) {
            int status = sc_cli_done_json(cli, &reply);
            if (status != SC_EXIT_OK)
                return status;
        }
        sc_buf_reset(&cursor);
        sc_buf_puts(&cursor, next);
    }
    if (cli->json)
        return SC_EXIT_OK;
    sc_table_render(&table, sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}
