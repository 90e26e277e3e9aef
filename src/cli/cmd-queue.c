#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"

#include <inttypes.h>

#include "base/banned.h"

static int64_t member_int(const struct sc_json_value *object, const char *name)
{
    return sc_json_get_int(sc_json_member(object, name), 0);
}

static void put_rate(struct sc_buf *out, const struct sc_json_value *throughput, const char *span)
{
    const struct sc_json_value *ended = sc_json_member(throughput, span);
    int64_t failed = member_int(ended, "failed");
    sc_buf_printf(out, "last %-6s %" PRId64 " completed, ", span, member_int(ended, "jobs"));
    sc_format_clock(out, sc_json_get_real(sc_json_member(ended, "audio_seconds"), 0));
    sc_buf_puts(out, " of audio");
    if (failed > 0)
        sc_buf_printf(out, ", %" PRId64 " failed", failed);
    sc_buf_putc(out, '\n');
}

/* Queues that are paused while jobs wait in them; in red where that shows. */
static void put_paused(const struct sc_cli *cli, const struct sc_json_value *queues,
                       struct sc_buf *out)
{
    bool colour = cli->out_is_terminal && cli->colour;
    for (size_t i = 0; queues != NULL && i < sc_json_count(queues); i++) {
        const struct sc_json_value *queue = sc_json_at(queues, i);
        const char *name = sc_json_get_text(sc_json_member(queue, "name"), "");
        if (member_int(queue, "pending") == 0 ||
            !sc_json_get_bool(sc_json_member(queue, "paused"), false))
            continue;
        sc_buf_printf(out, "%s%s is paused%s: `scripta queue resume %s` goes on\n",
                      colour ? "\033[1;31m" : "", name, colour ? "\033[0m" : "", name);
    }
}

/* Two limits that are easily taken for each other: jobs that share the work, and who does it. */
static void put_limits(const struct sc_json_value *root, struct sc_buf *out)
{
    const struct sc_json_value *list = sc_json_member(root, "workers");
    int64_t limit = member_int(sc_json_member(root, "totals"), "max_concurrent");
    int64_t hands = 0;
    for (size_t i = 0; list != NULL && i < sc_json_count(list); i++) {
        const char *name = sc_json_get_text(sc_json_member(sc_json_at(list, i), "name"), "");
        hands += strcmp(name, "serve") != 0; /* the server's own row: it cuts and joins */
    }
    sc_buf_printf(out, "at most %" PRId64 " are begun and not ended, and ", limit);
    if (hands == 0)
        sc_buf_puts(out, "no worker runs: they come with the work\n");
    else
        sc_buf_printf(out, "%" PRId64 " worker%s recognise%s\n", hands, hands == 1 ? "" : "s",
                      hands == 1 ? "s" : "");
}

int sc_cmd_queue(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column queues[] = {
        { .title = "QUEUE", .member = "name" },
        { .title = "PAUSED", .member = "paused", .kind = SC_VIEW_YES_NO },
        { .title = "PENDING", .member = "pending", .kind = SC_VIEW_NUMBER },
        { .title = "RUNNING", .member = "running", .kind = SC_VIEW_NUMBER },
        { .title = "FAILED", .member = "failed", .kind = SC_VIEW_NUMBER },
        { .title = "WORKERS", .member = "workers", .kind = SC_VIEW_NUMBER },
        { .title = "OLDEST", .member = "oldest_age_seconds", .kind = SC_VIEW_SECONDS },
        { .title = "LIMIT", .member = "max_concurrent", .kind = SC_VIEW_NUMBER },
        { 0 },
    };
    static const struct sc_view_column workers[] = {
        { .title = "WORKER", .member = "name" },
        { .title = "HOST", .member = "host", .minor = 1 },
        { .title = "PID", .member = "pid", .kind = SC_VIEW_NUMBER },
        { .title = "DEVICE", .member = "device", .minor = 2 },
        { .title = "JOB", .member = "current_job", .flexible = true },
        { .title = "SEEN", .member = "last_heartbeat", .kind = SC_VIEW_TIME },
        { 0 },
    };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    (void)args;
    if (sc_cli_fetch(cli, "GET", "/api/queue", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *list = sc_json_member(root, "workers");
    int64_t now = sc_list_now(cli);
    int width = sc_list_width(cli);
    sc_view_table(sc_json_member(root, "queues"), queues, now, width, &out);
    const struct sc_json_value *totals = sc_json_member(root, "totals");
    sc_buf_printf(&out, "\n%" PRId64 " queued, %" PRId64 " active; ", member_int(totals, "queued"),
                  member_int(totals, "active"));
    put_limits(root, &out);
    put_rate(&out, sc_json_member(root, "throughput"), "minute");
    put_rate(&out, sc_json_member(root, "throughput"), "hour");
    put_paused(cli, sc_json_member(root, "queues"), &out);
    if (list != NULL && sc_json_count(list) > 0) {
        sc_buf_putc(&out, '\n');
        sc_view_table(list, workers, now, width, &out);
    }
    return sc_cli_done(cli, &out);
}

int sc_cmd_queue_pause(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = { "POST", "queue", "/api/queue/", "/pause", "paused", NULL };
    return sc_each_run(cli, args, &each);
}

int sc_cmd_queue_resume(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = {
        "POST", "queue", "/api/queue/", "/resume", "resumed", NULL
    };
    return sc_each_run(cli, args, &each);
}
