/* Figures of the asker's files and jobs. */

#include "api/api-internal.h"

#include "base/clock.h"
#include "queue/report.h"

#include "base/banned.h"

#define OVERVIEW_ROWS 500
#define OVERVIEW_DAYS 30
#define QUERY_ROWS 5000
#define DAY_MS INT64_C(86400000)

struct overview {
    struct sc_json w;
    struct sc_conn *conn;
    int64_t owner_id;
};

typedef void (*row_view_fn)(struct sc_json *w, const struct sc_report_row *row);

struct section {
    struct sc_json *w;
    row_view_fn view;
};

static enum sc_code add_row(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    const struct section *section = ctx;
    (void)err;
    section->view(section->w, row);
    return SC_OK;
}

/* A list of rows by one or two dimensions. */
static enum sc_code put_section(struct overview *o, const char *key, row_view_fn view,
                                const struct sc_report_query *what, struct sc_error *err)
{
    struct section section = { &o->w, view };
    struct sc_report_query query = *what;
    query.owner_id = o->owner_id;
    query.limit = OVERVIEW_ROWS;
    sc_json_array(&o->w, key);
    enum sc_code code = sc_report_jobs(o->conn, &query, add_row, &section, err);
    sc_json_end(&o->w);
    return code;
}

static enum sc_code add_state(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    struct sc_stats_jobs *jobs = ctx;
    enum sc_job_state state;
    (void)err;
    sc_assert(sc_job_state_from_string(row->by[0], &state));
    jobs->by_state[state] = row->jobs;
    jobs->total += row->jobs;
    jobs->completed += row->completed;
    jobs->processing_ms += row->processing_ms;
    jobs->paced_audio_ms += row->paced_audio_ms;
    jobs->paced_ms += row->paced_ms;
    return SC_OK;
}

static enum sc_code put_totals(struct overview *o, struct sc_error *err)
{
    struct sc_report_files files = { 0 };
    struct sc_stats_jobs jobs = { 0 };
    struct sc_report_query query = { .owner_id = o->owner_id,
                                     .by = { SC_BY_STATUS },
                                     .limit = OVERVIEW_ROWS };
    enum sc_code code = sc_report_files(o->conn, o->owner_id, &files, err);
    if (code == SC_OK)
        code = sc_report_jobs(o->conn, &query, add_state, &jobs, err);
    if (code == SC_OK)
        sc_stats_totals_fields(&o->w, &files, &jobs);
    return code;
}

static enum sc_code put_sections(struct overview *o, struct sc_error *err)
{
    const struct sc_report_query by_language = { .by = { SC_BY_LANGUAGE } };
    const struct sc_report_query by_model = { .by = { SC_BY_ENGINE, SC_BY_MODEL } };
    const struct sc_report_query by_day = {
        .by = { SC_BY_DAY },
        .since_ms = sc_clock_wall_ms() - (OVERVIEW_DAYS - 1) * DAY_MS,
    };
    enum sc_code code = put_section(o, "languages", sc_stats_language_view, &by_language, err);
    if (code == SC_OK)
        code = put_section(o, "models", sc_stats_model_view, &by_model, err);
    if (code == SC_OK)
        code = put_section(o, "days", sc_stats_day_view, &by_day, err);
    return code;
}

static enum sc_code put_queue(struct overview *o, struct sc_queue *queue, struct sc_error *err)
{
    struct sc_queue_stats stats;
    struct sc_throughput minute, hour;
    enum sc_code code = sc_queue_stats(queue, o->conn, &stats, err);
    if (code == SC_OK)
        code = sc_report_throughput(o->conn, &minute, &hour, err);
    if (code != SC_OK)
        return code;
    sc_json_object(&o->w, "queue");
    sc_queue_totals_fields(&o->w, &stats);
    sc_throughput_view(&o->w, "throughput", &minute, &hour);
    sc_json_end(&o->w);
    return SC_OK;
}

struct sc_done *sc_api_stats_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct overview o = { .owner_id = sc_api_owner(req) };

    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    o.conn = conn;
    sc_json_begin(&o.w, &body);
    sc_json_object(&o.w, NULL);
    if (code == SC_OK)
        code = put_totals(&o, &err);
    if (code == SC_OK)
        code = put_sections(&o, &err);
    if (code == SC_OK)
        code = put_queue(&o, api->options.queue, &err);
    sc_json_end(&o.w);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- queries ---- */

struct query {
    struct sc_report_query what;
    int measure; /* an enum sc_measure */
    struct sc_json w;
    int rows;
};

/* "a" or "a,b". */
static enum sc_code read_group(const struct sc_query_field *field, struct sc_str text, void *at,
                               struct sc_error *err)
{
    enum sc_dimension *by = at;
    (void)field;
    char quoted[SC_QUOTED_TEXT];
    size_t count = 0;
    for (struct sc_str rest = text; rest.len > 0;) {
        struct sc_str word = sc_str_take_until(&rest, ',');
        int found = SC_BY_NOTHING;
        for (int i = SC_BY_STATUS; i < SC_DIMENSION_COUNT_; i++) {
            if (sc_str_equal(word, sc_str_from(sc_dimension_to_string((enum sc_dimension)i))))
                found = i;
        }
        if (found == SC_BY_NOTHING)
            return sc_error_field(err, SC_E_INVALID_VALUE, "group_by",
                                  "group_by '%s' is none of status, pipeline, engine, model, "
                                  "language, day, week, month",
                                  sc_quote(word, quoted));
        if (count == 2 || (count == 1 && found == (int)by[0]))
            return sc_error_field(err, SC_E_INVALID_VALUE, "group_by",
                                  "group_by takes one dimension, or two different ones");
        by[count++] = (enum sc_dimension)found;
    }
    return SC_OK;
}

static const struct sc_query_field query_fields[] = {
    SC_QUERY_ROW(OWN, struct query, what.by, "group_by", .read = read_group,
                 .help =
                     "One of status, pipeline, engine, model, language, day, week and month, or "
                     "two with a comma between",
                 .example = "day,status"),
    SC_QUERY_ROW(WORD, struct query, measure, "measure", .words = sc_words_measure,
                 .help = "The figure; jobs unless given", .example = "jobs"),
    SC_QUERY_ROW(TIME, struct query, what.since_ms, "since", .help = "From the day of this time on",
                 .example = "7d"),
    SC_QUERY_ROW(TIME, struct query, what.until_ms, "until",
                 .help = "Up to the day of this time, inclusive"),
};
static const struct sc_query query_query = SC_QUERY(query_fields);

static enum sc_code add_answer(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    struct query *q = ctx;
    (void)err;
    if (++q->rows <= QUERY_ROWS)
        sc_stats_answer_view(&q->w, q->what.by, (enum sc_measure)q->measure, row);
    return SC_OK;
}

struct sc_done *sc_api_stats_query(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct query q = { .what = { .owner_id = sc_api_owner(req), .limit = QUERY_ROWS + 1 } };

    enum sc_code code = sc_query_read(req, &query_query, &q, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_json_begin(&q.w, &body);
    sc_stats_query_begin(&q.w, q.what.by, (enum sc_measure)q.measure);
    code = sc_report_jobs(conn, &q.what, add_answer, &q, &err);
    sc_stats_query_end(&q.w, q.rows > QUERY_ROWS);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(stats_show) = { .replies = { { 200, &sc_shape_stats } } };
SC_API_DOC(stats_query) = { .query = &query_query, .replies = { { 200, &sc_shape_stats_query } } };
