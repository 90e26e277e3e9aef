#include "base/clock.h"
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

static void put_totals(const struct sc_json_value *totals, struct sc_buf *out)
{
    static const char *const names[] = { "queued", "active", "max_concurrent" };

    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++)
        sc_buf_printf(out, "%s%lld %s", i == 0 ? "\n" : ", ",
                      (long long)sc_json_get_int(sc_json_member(totals, names[i]), 0), names[i]);
    sc_buf_putc(out, '\n');
}

int sc_cmd_queue(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column queues[] = {
        { .title = "QUEUE", .member = "name" },
        { .title = "PAUSED", .member = "paused", .kind = SC_VIEW_YES_NO },
        { .title = "PENDING", .member = "pending" },
        { .title = "RUNNING", .member = "running" },
        { .title = "FAILED", .member = "failed" },
        { .title = "WORKERS", .member = "workers" },
        { .title = "OLDEST", .member = "oldest_age_seconds", .kind = SC_VIEW_SECONDS },
        { .title = "LIMIT", .member = "max_concurrent" },
        { 0 },
    };
    static const struct sc_view_column workers[] = {
        { .title = "WORKER", .member = "name" },
        { .title = "HOST", .member = "host" },
        { .title = "PID", .member = "pid" },
        { .title = "DEVICE", .member = "device" },
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
    int64_t now = sc_clock_wall_ms();
    int width = sc_list_width(cli);
    sc_view_table(sc_json_member(root, "queues"), queues, now, width, &out);
    put_totals(sc_json_member(root, "totals"), &out);
    if (list != NULL && sc_json_count(list) > 0) {
        sc_buf_putc(&out, '\n');
        sc_view_table(list, workers, now, width, &out);
    }
    return sc_cli_done(cli, &out);
}

int sc_cmd_queue_pause(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_each_run(cli, args, "/api/queue/", "/pause", "paused");
}

int sc_cmd_queue_resume(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_each_run(cli, args, "/api/queue/", "/resume", "resumed");
}
