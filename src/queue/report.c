#include "queue/report.h"

#include "base/clock.h"
#include "store/figures.h"

#include "base/banned.h"

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define NO_DAY_YET (INT64_C(1) << 40) /* as the end of what is open */

SC_DEFINE_ENUM_STRINGS(sc_dimension, SC_DIMENSION_COUNT_,
                       {
                           [SC_BY_NOTHING] = "",
                           [SC_BY_STATUS] = "status",
                           [SC_BY_PIPELINE] = "pipeline",
                           [SC_BY_ENGINE] = "engine",
                           [SC_BY_MODEL] = "model",
                           [SC_BY_LANGUAGE] = "language",
                           [SC_BY_DAY] = "day",
                           [SC_BY_WEEK] = "week",
                           [SC_BY_MONTH] = "month",
                       });

static bool is_time(enum sc_dimension by)
{
    return by >= SC_BY_DAY;
}

static const char *value_of(struct sc_stmt *st, enum sc_dimension by, const char *column)
{
    if (by == SC_BY_STATUS)
        return sc_job_state_to_string((enum sc_job_state)sc_stmt_int(st, column));
    return sc_stmt_text(st, column);
}

struct days {
    int64_t first, last;
};

static struct days days_of(const struct sc_report_query *q)
{
    return (struct days){ q->since_ms / DAY_MS,
                          q->until_ms == 0 ? NO_DAY_YET : q->until_ms / DAY_MS };
}

/* By two dimensions that are no time; days that make whole periods come from their sums. */
static void ask_jobs(struct sc_stmt *st, const struct sc_report_query *q)
{
    struct days all = { SC_ALL_DAYS, SC_ALL_DAYS };
    struct days late = { 0, -1 }, whole = { 0, -1 };
    if (q->since_ms != 0 || q->until_ms != 0) {
        all = days_of(q);
        int64_t from = (all.first + SC_PERIOD_DAYS - 1) / SC_PERIOD_DAYS;
        int64_t end = (all.last + 1) / SC_PERIOD_DAYS;
        if (from < end) {
            whole = (struct days){ SC_PERIOD(end - 1), SC_PERIOD(from) };
            late = (struct days){ end * SC_PERIOD_DAYS, all.last };
            all.last = from * SC_PERIOD_DAYS - 1;
        }
    }
    sc_stmt_bind_int(st, ":from", all.first);
    sc_stmt_bind_int(st, ":to", all.last);
    sc_stmt_bind_int(st, ":whole_from", whole.first);
    sc_stmt_bind_int(st, ":whole_to", whole.last);
    sc_stmt_bind_int(st, ":late_from", late.first);
    sc_stmt_bind_int(st, ":late_to", late.last);
}

/* Each day's jobs stand there once for each dimension; by time alone any of them will do. */
static void ask_days(struct sc_stmt *st, const struct sc_report_query *q)
{
    enum sc_dimension by = is_time(q->by[0]) ? q->by[1] : q->by[0];
    bool any = by == SC_BY_NOTHING || is_time(by);
    struct days days = days_of(q);
    sc_stmt_bind_int(st, ":dimension", any ? SC_BY_STATUS : (int64_t)by);
    sc_stmt_bind_int(st, ":since", days.first);
    sc_stmt_bind_int(st, ":until", days.last);
}

/* Does job_days have the answer? Without any time the sums of all days are less to read. */
static bool is_of_days(const struct sc_report_query *q)
{
    if (is_time(q->by[0]) || is_time(q->by[1]))
        return true;
    bool ranged = q->since_ms != 0 || q->until_ms != 0;
    return ranged && (q->by[0] == SC_BY_NOTHING || q->by[1] == SC_BY_NOTHING);
}

enum sc_code sc_report_jobs(struct sc_conn *conn, const struct sc_report_query *query,
                            sc_report_fn fn, void *ctx, struct sc_error *err)
{
    bool of_days = is_of_days(query);
    SC_AUTO_STMT st = sc_stmt_get(conn, of_days ? SC_SQL_REPORT_DAYS : SC_SQL_REPORT_JOBS);
    sc_stmt_bind_int(&st, ":first", (int64_t)query->by[0]);
    sc_stmt_bind_int(&st, ":second", (int64_t)query->by[1]);
    sc_stmt_bind_int(&st, ":owner_id", query->owner_id);
    sc_stmt_bind_int(&st, ":limit", query->limit);
    if (of_days)
        ask_days(&st, query);
    else
        ask_jobs(&st, query);
    for (;;) {
        bool more = false;
        enum sc_code code = sc_stmt_step(&st, &more, err);
        if (code != SC_OK || !more)
            return code;
        struct sc_report_row row = {
            .by = { value_of(&st, query->by[0], "a"), value_of(&st, query->by[1], "b") },
            .jobs = sc_stmt_int(&st, "jobs"),
            .duration_ms = sc_stmt_int(&st, "duration_ms"),
            .completed = sc_stmt_int(&st, "completed"),
            .processing_ms = sc_stmt_int(&st, "processing_ms"),
            .paced_audio_ms = sc_stmt_int(&st, "paced_audio_ms"),
            .paced_ms = sc_stmt_int(&st, "paced_ms"),
        };
        code = fn(ctx, &row, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_report_files(struct sc_conn *conn, int64_t owner_id, struct sc_report_files *out,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_REPORT_FILES);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK && code != SC_E_NOT_FOUND)
        return code;
    *out = (struct sc_report_files){ 0 };
    if (code == SC_E_NOT_FOUND) /* never had one */
        return SC_OK;
    out->files = sc_stmt_int(&st, "files");
    out->bytes = sc_stmt_int(&st, "bytes");
    out->duration_ms = sc_stmt_int(&st, "duration_ms");
    out->timed = sc_stmt_int(&st, "timed");
    out->arrivals = sc_stmt_int(&st, "arrivals");
    out->repeated = sc_stmt_int(&st, "repeated");
    out->saved_bytes = sc_stmt_int(&st, "saved_bytes");
    return SC_OK;
}

static enum sc_code ended_within(struct sc_conn *conn, int64_t since, int64_t until,
                                 struct sc_throughput *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_REPORT_MINUTES);
    sc_stmt_bind_int(&st, ":since", since);
    sc_stmt_bind_int(&st, ":until", until);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    out->completed = sc_stmt_int(&st, "completed");
    out->failed = sc_stmt_int(&st, "failed");
    out->audio_ms = sc_stmt_int(&st, "audio_ms");
    return SC_OK;
}

enum sc_code sc_report_throughput(struct sc_conn *conn, struct sc_throughput *minute,
                                  struct sc_throughput *hour, struct sc_error *err)
{
    int64_t now = sc_clock_wall_ms() / MINUTE_MS;
    enum sc_code code = ended_within(conn, now - 1, now - 1, minute, err);
    return code == SC_OK ? ended_within(conn, now - 59, now, hour, err) : code;
}
