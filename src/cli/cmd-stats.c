/* Figures about files, jobs and the queue. */
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"

#include <inttypes.h>

#include "base/banned.h"

static const struct sc_json_value *member(const struct sc_json_value *object, const char *name)
{
    return sc_json_member(object, name);
}

static void put_time(struct sc_buf *out, const char *label, const struct sc_json_value *value)
{
    sc_buf_printf(out, SC_VIEW_LABEL, label);
    sc_format_clock(out, sc_json_get_real(value, -1));
    sc_buf_putc(out, '\n');
}

static void put_totals(const struct sc_json_value *root, struct sc_buf *out)
{
    const struct sc_json_value *storage = member(root, "storage");
    const struct sc_json_value *speed = member(root, "average_speed");
    sc_view_count(out, "files", member(root, "total_files"));
    put_time(out, "total length", member(root, "total_duration_seconds"));
    put_time(out, "average length", member(root, "average_duration_seconds"));
    sc_view_size(out, "storage used", member(storage, "used_bytes"));
    sc_view_size(out, "saved by duplicates", member(storage, "saved_bytes"));
    sc_view_count(out, "duplicate uploads", member(member(root, "duplicates"), "uploads"));
    sc_view_count(out, "jobs", member(root, "total_jobs"));
    put_time(out, "average time taken", member(root, "average_processing_time"));
    sc_buf_printf(out, SC_VIEW_LABEL, "average speed");
    if (sc_json_type(speed) == SC_JSON_NULL)
        sc_buf_puts(out, "-\n");
    else
        sc_buf_printf(out, "%.1f x real time\n", sc_json_get_real(speed, 0));
}

static void put_states(const struct sc_json_value *states, struct sc_buf *out)
{
    const char *key;
    const struct sc_json_value *value;
    for (void *s = sc_json_next_member(states, NULL, &key, &value); s != NULL;
         s = sc_json_next_member(states, s, &key, &value)) {
        sc_buf_puts(out, "  ");
        sc_buf_printf(out, "%-20s %" PRId64 "\n", key, sc_json_get_int(value, 0));
    }
}

static void put_table(const struct sc_cli *cli, const struct sc_json_value *rows,
                      const struct sc_view_column *columns, struct sc_buf *out)
{
    if (rows == NULL || sc_json_count(rows) == 0)
        return;
    sc_buf_putc(out, '\n');
    sc_view_table(rows, columns, sc_list_now(cli), sc_list_width(cli), out);
}

#define COUNT_COLUMNS                                                                      \
    { .title = "JOBS", .member = "jobs", .kind = SC_VIEW_NUMBER },                         \
        { .title = "COMPLETED", .member = "completed", .kind = SC_VIEW_NUMBER },           \
        { .title = "LENGTH", .member = "duration_seconds", .kind = SC_VIEW_SECONDS },      \
        { .title = "TOOK", .member = "average_processing_time", .kind = SC_VIEW_SECONDS }, \
        { .title = "SPEED", .member = "speed", .kind = SC_VIEW_SPEED },                    \
    {                                                                                      \
        0                                                                                  \
    }

int sc_cmd_stats(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column languages[] = {
        { .title = "LANGUAGE", .member = "language" }, COUNT_COLUMNS
    };
    static const struct sc_view_column models[] = { { .title = "ENGINE", .member = "engine" },
                                                    { .title = "MODEL", .member = "model" },
                                                    COUNT_COLUMNS };
    static const struct sc_view_column days[] = { { .title = "DAY", .member = "day" },
                                                  COUNT_COLUMNS };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    (void)args;
    if (sc_cli_fetch(cli, "GET", "/api/stats", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *root = sc_json_root(doc);
    put_totals(root, &out);
    put_states(member(root, "jobs_by_status"), &out);
    put_table(cli, member(root, "models"), models, &out);
    put_table(cli, member(root, "languages"), languages, &out);
    put_table(cli, member(root, "days"), days, &out);
    return sc_cli_done(cli, &out);
}

/* "AVERAGE SPEED" of average_speed. */
static const char *put_title(const char *name, char out[48])
{
    size_t n = 0;
    for (; n < 47 && name[n] != '\0'; n++) {
        bool small = name[n] >= 'a' && name[n] <= 'z';
        out[n] = name[n] == '_' ? ' ' : small ? (char)(name[n] - 'a' + 'A') : name[n];
    }
    out[n] = '\0';
    return out;
}

/* The columns are the dimensions asked for, and the measure. */
static void put_answer(const struct sc_cli *cli, const struct sc_json_value *root,
                       struct sc_buf *out)
{
    struct sc_view_column columns[4] = { { 0 } };
    char titles[3][48];
    const struct sc_json_value *by = member(root, "group_by");
    size_t count = by == NULL ? 0 : SC_MIN(sc_json_count(by), (size_t)2);
    for (size_t i = 0; i < count; i++) {
        const char *name = sc_json_get_text(sc_json_at(by, i), "");
        columns[i] = (struct sc_view_column){ .title = put_title(name, titles[i]), .member = name };
    }
    columns[count] = (struct sc_view_column){
        .title = put_title(sc_json_get_text(member(root, "measure"), ""), titles[count]),
        .member = "value",
        .kind = SC_VIEW_NUMBER,
    };
    sc_view_table(member(root, "rows"), columns, sc_list_now(cli), sc_list_width(cli), out);
}

int sc_cmd_stats_query(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const flags[] = { "group-by", "measure", "since", "until", NULL };
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    sc_buf_puts(&path, "/api/stats/query?");
    sc_list_parameters(&path, args, flags);
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&path), &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    put_answer(cli, sc_json_root(doc), &out);
    if (sc_json_get_bool(member(sc_json_root(doc), "partial"), false))
        sc_cli_note(cli, "there are more rows; narrow the query with --since and --until");
    return sc_cli_done(cli, &out);
}
