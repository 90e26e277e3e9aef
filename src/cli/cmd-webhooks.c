#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/list.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

/* A test or a replay is told with what came of it: one attempt takes webhooks.timeout, and may have
 * to wait for others to the same host. */
#define OUTCOME_MS 60000
#define LOOK_MS 100

static void put_events(struct sc_json *w, const char *text)
{
    struct sc_str rest = sc_str_from(text);
    sc_json_array(w, "events");
    while (rest.len > 0)
        sc_json_str(w, NULL, sc_str_trim(sc_str_take_until(&rest, ',')));
    sc_json_end(w);
}

/* What add and edit have in common. */
static void put_fields(struct sc_json *w, const struct sc_args *args)
{
    if (sc_args_has(args, "events"))
        put_events(w, sc_args_get(args, "events", ""));
    if (sc_args_has(args, "description"))
        sc_json_text(w, "description", sc_args_get(args, "description", ""));
}

/* The secret alone on standard output, so that $(scripta webhooks add …) holds it. */
static int print_secret(struct sc_cli *cli, const struct sc_buf *reply)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    if (cli->json)
        return sc_cli_done_json(cli, reply);
    if (sc_json_parse(sc_buf_str(reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *root = sc_json_root(doc);
    sc_buf_printf(&out, "%s\n", sc_json_get_text(sc_json_member(root, "secret"), ""));
    int status = sc_cli_done(cli, &out);
    sc_cli_note(cli, "the secret of webhook %" PRId64 "; keep it now, it is not shown again",
                sc_json_get_int(sc_json_member(root, "id"), 0));
    return status;
}

int sc_cmd_webhooks_add(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    struct sc_error err = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "url", args->words[0]);
    put_fields(&w, args);
    sc_json_end(&w);
    if (sc_cli_call(cli, "POST", "/api/webhooks", sc_buf_text(&body), &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return print_secret(cli, &reply);
}

static enum sc_code put_edit(const struct sc_args *args, struct sc_buf *out, struct sc_error *err)
{
    struct sc_json w;
    bool on = sc_args_has(args, "enable"), off = sc_args_has(args, "disable");
    if (on && off)
        return sc_error_field(err, SC_E_INVALID_VALUE, "enable",
                              "--enable and --disable exclude each other");
    static const char *const fields[] = { "url",     "events",     "description", "enable",
                                          "disable", "new-secret", NULL };
    size_t named = 0;
    while (fields[named] != NULL && !sc_args_has(args, fields[named]))
        named++;
    if (fields[named] == NULL)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "nothing to change: see 'scripta help "
                            "webhooks edit'");
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    if (sc_args_has(args, "url"))
        sc_json_text(&w, "url", sc_args_get(args, "url", ""));
    put_fields(&w, args);
    if (on || off)
        sc_json_bool(&w, "enabled", on);
    if (sc_args_has(args, "new-secret"))
        sc_json_bool(&w, "new_secret", true);
    sc_json_end(&w);
    return SC_OK;
}

int sc_cmd_webhooks_edit(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_FREE char *path = sc_cli_path("/api/webhooks/", args->words[0], "");
    struct sc_error err = { 0 };
    if (put_edit(args, &body, &err) != SC_OK ||
        sc_cli_call(cli, "PATCH", path, sc_buf_text(&body), &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json || sc_args_has(args, "new-secret"))
        return print_secret(cli, &reply);
    if (cli->quiet)
        return SC_EXIT_OK;
    sc_utf8_append_printable(&out, sc_str_from(args->words[0]));
    sc_buf_puts(&out, " changed\n");
    return sc_cli_done(cli, &out);
}

int sc_cmd_webhooks_list(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "WEBHOOK", .member = "id", .kind = SC_VIEW_NUMBER },
        { .title = "ENABLED", .member = "enabled", .kind = SC_VIEW_YES_NO },
        { .title = "EVENTS", .member = "events", .kind = SC_VIEW_LIST, .minor = 2 },
        { .title = "FAILURES", .member = "failures", .kind = SC_VIEW_NUMBER },
        { .title = "DELIVERED", .member = "last_delivered_at", .kind = SC_VIEW_TIME },
        { .title = "DESCRIPTION", .member = "description", .minor = 1 },
        { .title = "URL", .member = "url", .flexible = true },
        { 0 },
    };
    static const char *const filters[] = { "cursor", NULL };
    static const struct sc_list list = { "/api/webhooks", "webhooks", columns, filters,
                                         "no webhooks; `scripta webhooks add URL` makes one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_webhooks_show(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_show_run(cli, "/api/webhooks/", args->words[0], NULL);
}

int sc_cmd_webhooks_remove(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = {
        "DELETE", "webhook", "/api/webhooks/", "", "removed", NULL
    };
    return sc_each_run(cli, args, &each);
}

int sc_cmd_webhooks_deliveries(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "DELIVERY", .member = "id", .kind = SC_VIEW_NUMBER },
        { .title = "TYPE", .member = "type" },
        { .title = "STATUS", .member = "status" },
        { .title = "ATTEMPTS", .member = "attempts", .kind = SC_VIEW_NUMBER },
        { .title = "ANSWER", .member = "response_code", .kind = SC_VIEW_NUMBER },
        { .title = "MADE", .member = "created_at", .kind = SC_VIEW_TIME },
        { .title = "NEXT", .member = "next_attempt_at", .kind = SC_VIEW_TIME },
        { .title = "JOB", .member = "job_id", .minor = 1 },
        { .title = "ERROR", .member = "error", .flexible = true },
        { 0 },
    };
    static const char *const filters[] = { "cursor", "status", NULL };
    SC_AUTO_FREE char *path = sc_cli_path("/api/webhooks/", args->words[0], "/deliveries");
    const struct sc_list list = { path, "deliveries", columns, filters,
                                  "nothing was posted to it yet" };
    return sc_list_run(cli, args, &list);
}

/* ---- one attempt, and what came of it ---- */

static int print_outcome(struct sc_cli *cli, const struct sc_buf *reply,
                         const struct sc_json_value *delivery)
{
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF why = { 0 };
    struct sc_error err = { 0 };
    const char *status = sc_json_get_text(sc_json_member(delivery, "status"), "");
    bool taken = strcmp(status, "delivered") == 0;
    if (cli->json) {
        int printed = sc_cli_done_json(cli, reply);
        return taken ? printed : SC_EXIT_IO;
    }
    if (!taken) {
        sc_utf8_append_printable(&why, sc_json_get_str(sc_json_member(delivery, "error"),
                                                       SC_STR("it has not come yet")));
        (void)sc_error_set(&err, SC_E_IO_ERROR, "not delivered: %.160s", sc_buf_text(&why));
        return sc_cli_fail(cli, &err);
    }
    if (cli->quiet)
        return SC_EXIT_OK;
    sc_buf_printf(&out, "delivered: answered %" PRId64 " after %" PRId64 " ms\n",
                  sc_json_get_int(sc_json_member(delivery, "response_code"), 0),
                  sc_json_get_int(sc_json_member(delivery, "duration_ms"), 0));
    return sc_cli_done(cli, &out);
}

/* Posts, and looks until there has been an attempt. */
static int try_now(struct sc_cli *cli, const char *hook, const char *path)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_FREE char *look = NULL;
    struct sc_error err = { 0 };
    int64_t deadline = sc_clock_mono_ms() + OUTCOME_MS;
    if (sc_cli_call(cli, "POST", path, NULL, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    for (;;) {
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        if (sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
            return sc_cli_fail(cli, &err);
        const struct sc_json_value *root = sc_json_root(doc);
        if (sc_json_get_int(sc_json_member(root, "attempts"), 0) > 0 ||
            sc_clock_mono_ms() > deadline)
            return print_outcome(cli, &reply, root);
        if (look == NULL) {
            SC_AUTO_FREE char *after =
                sc_asprintf("/deliveries/%" PRId64, sc_json_get_int(sc_json_member(root, "id"), 0));
            look = sc_cli_path("/api/webhooks/", hook, after);
        }
        sc_clock_sleep_ms(LOOK_MS);
        if (sc_cli_call(cli, "GET", look, NULL, &reply, &err) != SC_OK)
            return sc_cli_fail(cli, &err);
    }
}

int sc_cmd_webhooks_test(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/webhooks/", args->words[0], "/test");
    return try_now(cli, args->words[0], path);
}

int sc_cmd_webhooks_replay(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *delivery = sc_cli_path("/deliveries/", args->words[1], "/replay");
    SC_AUTO_FREE char *path = sc_cli_path("/api/webhooks/", args->words[0], delivery);
    return try_now(cli, args->words[0], path);
}
