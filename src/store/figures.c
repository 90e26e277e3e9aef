/* The figures of jobs: job_stats, job_days, job_minutes, queue_stats and two counters. What changes
 * them is noted, in memory for changes of state, by triggers in job_changes for anything else, and
 * is added up once before the COMMIT: most notes of a transaction are of the same few rows, and
 * cancel out.
 */
#include "store/figures.h"

#include "base/alloc.h"
#include "store/store-internal.h"

#include "base/banned.h"

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
/* Of sc_job_state, which a layer below declares. */
#define COMPLETED 2
#define STATES 5
#define CLASSES 3 /* of sc_class */

/* What a row of job_stats gains. */
struct sc_figure {
    int64_t owner_id, day;
    int state;
    int class; /* -1: a trigger has seen to queue_stats */
    char pipeline[24], engine[24], model[120], language[24];
    int64_t jobs, duration_ms, processing_ms, paced_audio_ms, paced_ms;
};

/* Of job_days, numbered there from 1 on as here. */
#define DIMENSIONS 5

/* What a row of job_days gains. */
struct sc_figure_day {
    int64_t owner_id, day;
    int dimension;
    const char *value; /* borrowed from a struct sc_figure */
    int64_t jobs, duration_ms, completed, processing_ms, paced_audio_ms, paced_ms;
};

/* What a row of job_minutes gains. */
struct sc_figure_minute {
    int64_t minute, completed, failed, audio_ms;
};

static struct sc_figure *add_figure(struct sc_figures *f)
{
    void *at = f->at;
    sc_grow(&at, &f->room, f->count + 1, sizeof(*f->at));
    f->at = at;
    return &f->at[f->count++];
}

void sc_conn_count_job(struct sc_conn *tx, const struct sc_job_figure *job, int sign)
{
    bool is_paced = job->state == COMPLETED && job->duration_ms > 0 && job->processing_ms > 0;
    sc_assert(tx->in_member && job->class >= 0 && job->class < CLASSES);
    sc_assert(job->state >= 0 && job->state < STATES);
    struct sc_figure *f = add_figure(&tx->figures);
    *f = (struct sc_figure){
        .owner_id = job->owner_id,
        .day = job->created_ms / DAY_MS,
        .state = job->state,
        .class = job->class,
        .jobs = sign,
        .duration_ms = sign * job->duration_ms,
        .processing_ms = sign * job->processing_ms,
        .paced_audio_ms = is_paced ? sign * job->duration_ms : 0,
        .paced_ms = is_paced ? sign * job->processing_ms : 0,
    };
    memcpy(f->pipeline, job->pipeline, sizeof(f->pipeline));
    memcpy(f->engine, job->engine, sizeof(f->engine));
    memcpy(f->model, job->model, sizeof(f->model));
    memcpy(f->language, job->language, sizeof(f->language));
}

void sc_conn_count_end(struct sc_conn *tx, bool completed, int64_t now_ms, int64_t audio_ms)
{
    struct sc_figures *f = &tx->figures;
    void *at = f->minutes;
    sc_assert(tx->in_member);
    sc_grow(&at, &f->minute_room, f->minute_count + 1, sizeof(*f->minutes));
    f->minutes = at;
    f->minutes[f->minute_count++] = (struct sc_figure_minute){
        .minute = now_ms / MINUTE_MS,
        .completed = completed,
        .failed = !completed,
        .audio_ms = completed ? audio_ms : 0,
    };
}

struct sc_figures_mark sc_figures_mark(const struct sc_conn *conn)
{
    return (struct sc_figures_mark){ conn->figures.count, conn->figures.minute_count };
}

void sc_figures_drop(struct sc_conn *conn, struct sc_figures_mark mark)
{
    conn->figures.count = mark.count;
    conn->figures.minute_count = mark.minute_count;
}

void sc_figures_done(struct sc_figures *f)
{
    free(f->at);
    free(f->minutes);
    *f = (struct sc_figures){ 0 };
}

/* ---- adding up ---- */

/* What triggers noted joins the list; their table is empty again. */
static enum sc_code take_changes(struct sc_conn *conn, struct sc_error *err)
{
    bool any = false;
    {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FIGURES_CHANGES);
        for (;;) {
            bool row = false;
            enum sc_code code = sc_stmt_step(&st, &row, err);
            if (code != SC_OK)
                return code;
            if (!row)
                break;
            struct sc_figure *f = add_figure(&conn->figures);
            *f = (struct sc_figure){
                .owner_id = sc_stmt_int(&st, "owner_id"),
                .day = sc_stmt_int(&st, "day"),
                .state = (int)sc_stmt_int(&st, "state"),
                .class = -1,
                .jobs = sc_stmt_int(&st, "jobs"),
                .duration_ms = sc_stmt_int(&st, "duration_ms"),
                .processing_ms = sc_stmt_int(&st, "processing_ms"),
                .paced_audio_ms = sc_stmt_int(&st, "paced_audio_ms"),
                .paced_ms = sc_stmt_int(&st, "paced_ms"),
            };
            SC_STMT_READ(&st, f, pipeline);
            SC_STMT_READ(&st, f, engine);
            SC_STMT_READ(&st, f, model);
            SC_STMT_READ(&st, f, language);
            any = true;
        }
    }
    return any ? sc_conn_run(conn, SC_SQL_FIGURES_FORGET_CHANGES, err) : SC_OK;
}

static bool same_row(const struct sc_figure *a, const struct sc_figure *b)
{
    return a->state == b->state && a->day == b->day && a->owner_id == b->owner_id &&
           strcmp(a->pipeline, b->pipeline) == 0 && strcmp(a->engine, b->engine) == 0 &&
           strcmp(a->model, b->model) == 0 && strcmp(a->language, b->language) == 0;
}

/* Makes one element of those for the same row. */
static void merge_figures(struct sc_figures *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct sc_figure *from = &f->at[i];
        size_t k = 0;
        while (k < kept && !same_row(&f->at[k], from))
            k++;
        struct sc_figure *to = &f->at[k];
        if (k == kept) {
            kept++;
            if (to != from)
                *to = *from;
            continue;
        }
        to->jobs += from->jobs;
        to->duration_ms += from->duration_ms;
        to->processing_ms += from->processing_ms;
        to->paced_audio_ms += from->paced_audio_ms;
        to->paced_ms += from->paced_ms;
    }
    f->count = kept;
}

static void merge_minutes(struct sc_figures *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->minute_count; i++) {
        struct sc_figure_minute from = f->minutes[i];
        size_t k = 0;
        while (k < kept && f->minutes[k].minute != from.minute)
            k++;
        if (k == kept) {
            f->minutes[kept++] = from;
            continue;
        }
        f->minutes[k].completed += from.completed;
        f->minutes[k].failed += from.failed;
        f->minutes[k].audio_ms += from.audio_ms;
    }
    f->minute_count = kept;
}

static enum sc_code change_row(struct sc_conn *conn, enum sc_sql sql, const struct sc_figure *f,
                               int64_t day, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, sql);
    sc_stmt_bind_int(&st, ":jobs", f->jobs);
    sc_stmt_bind_int(&st, ":duration_ms", f->duration_ms);
    sc_stmt_bind_int(&st, ":processing_ms", f->processing_ms);
    sc_stmt_bind_int(&st, ":paced_audio_ms", f->paced_audio_ms);
    sc_stmt_bind_int(&st, ":paced_ms", f->paced_ms);
    sc_stmt_bind_int(&st, ":owner_id", f->owner_id);
    sc_stmt_bind_int(&st, ":day", day);
    sc_stmt_bind_int(&st, ":state", f->state);
    sc_stmt_bind_text(&st, ":pipeline", f->pipeline);
    sc_stmt_bind_text(&st, ":engine", f->engine);
    sc_stmt_bind_text(&st, ":model", f->model);
    sc_stmt_bind_text(&st, ":language", f->language);
    return sc_stmt_run(&st, err);
}

/* An UPDATE costs half of an upsert, and mostly the row is there. */
static enum sc_code write_figure(struct sc_conn *conn, const struct sc_figure *f, int64_t day,
                                 struct sc_error *err)
{
    enum sc_code code = change_row(conn, SC_SQL_FIGURES_CHANGE, f, day, err);
    if (code == SC_OK && sc_conn_changes(conn) == 0)
        code = change_row(conn, SC_SQL_FIGURES_INSERT, f, day, err);
    return code;
}

static bool is_nothing(const struct sc_figure *f)
{
    return f->jobs == 0 && f->duration_ms == 0 && f->processing_ms == 0 && f->paced_audio_ms == 0 &&
           f->paced_ms == 0;
}

static enum sc_code write_figures(struct sc_conn *conn, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < conn->figures.count; i++) {
        const struct sc_figure *f = &conn->figures.at[i];
        if (is_nothing(f))
            continue;
        code = write_figure(conn, f, f->day, err);
        if (code == SC_OK)
            code = write_figure(conn, f, SC_PERIOD(f->day / SC_PERIOD_DAYS), err);
        if (code == SC_OK)
            code = write_figure(conn, f, SC_ALL_DAYS, err);
    }
    return code;
}

/* ---- days by one dimension ---- */

static const char *value_of(const struct sc_figure *f, int dimension)
{
    static const char *const states[STATES] = { "0", "1", "2", "3", "4" };
    const char *const values[DIMENSIONS] = { states[f->state], f->pipeline, f->engine, f->model,
                                             f->language };
    return values[dimension - 1];
}

/* The element for that row, an empty one if need be; all are of this dimension. */
static struct sc_figure_day *find_day(struct sc_figure_day *days, size_t *count,
                                      const struct sc_figure *f, int dimension)
{
    const char *value = value_of(f, dimension);
    for (size_t i = 0; i < *count; i++) {
        struct sc_figure_day *d = &days[i];
        if (d->day == f->day && d->owner_id == f->owner_id && strcmp(d->value, value) == 0)
            return d;
    }
    days[*count] = (struct sc_figure_day){
        .owner_id = f->owner_id,
        .day = f->day,
        .dimension = dimension,
        .value = value,
    };
    return &days[(*count)++];
}

static void add_to_day(struct sc_figure_day *d, const struct sc_figure *f)
{
    bool completed = f->state == COMPLETED;
    d->jobs += f->jobs;
    d->duration_ms += f->duration_ms;
    d->completed += completed ? f->jobs : 0;
    d->processing_ms += completed ? f->processing_ms : 0;
    d->paced_audio_ms += f->paced_audio_ms;
    d->paced_ms += f->paced_ms;
}

static enum sc_code change_day(struct sc_conn *conn, enum sc_sql sql, const struct sc_figure_day *d,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, sql);
    sc_stmt_bind_int(&st, ":jobs", d->jobs);
    sc_stmt_bind_int(&st, ":duration_ms", d->duration_ms);
    sc_stmt_bind_int(&st, ":completed", d->completed);
    sc_stmt_bind_int(&st, ":processing_ms", d->processing_ms);
    sc_stmt_bind_int(&st, ":paced_audio_ms", d->paced_audio_ms);
    sc_stmt_bind_int(&st, ":paced_ms", d->paced_ms);
    sc_stmt_bind_int(&st, ":owner_id", d->owner_id);
    sc_stmt_bind_int(&st, ":dimension", d->dimension);
    sc_stmt_bind_int(&st, ":day", d->day);
    sc_stmt_bind_text(&st, ":value", d->value);
    return sc_stmt_run(&st, err);
}

/* A change of state alone, as most are, changes nothing by the other dimensions. */
static enum sc_code write_day(struct sc_conn *conn, const struct sc_figure_day *d,
                              struct sc_error *err)
{
    if (d->jobs == 0 && d->duration_ms == 0 && d->completed == 0 && d->processing_ms == 0 &&
        d->paced_audio_ms == 0 && d->paced_ms == 0)
        return SC_OK;
    enum sc_code code = change_day(conn, SC_SQL_FIGURES_CHANGE_DAY, d, err);
    if (code == SC_OK && sc_conn_changes(conn) == 0)
        code = change_day(conn, SC_SQL_FIGURES_INSERT_DAY, d, err);
    return code;
}

static enum sc_code write_days(struct sc_conn *conn, struct sc_error *err)
{
    const struct sc_figures *f = &conn->figures;
    SC_AUTO_FREE struct sc_figure_day *days = sc_alloc_array(f->count + 1, sizeof(*days));
    enum sc_code code = SC_OK;
    for (int dimension = 1; dimension <= DIMENSIONS; dimension++) {
        size_t count = 0;
        for (size_t i = 0; i < f->count; i++)
            add_to_day(find_day(days, &count, &f->at[i], dimension), &f->at[i]);
        for (size_t i = 0; code == SC_OK && i < count; i++)
            code = write_day(conn, &days[i], err);
    }
    return code;
}

static enum sc_code change_overview(struct sc_conn *conn, int class, int state, int64_t jobs,
                                    struct sc_error *err)
{
    if (jobs == 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FIGURES_OVERVIEW);
    sc_stmt_bind_int(&st, ":jobs", jobs);
    sc_stmt_bind_int(&st, ":class", class);
    sc_stmt_bind_int(&st, ":state", state);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_overview(struct sc_conn *conn, struct sc_error *err)
{
    int64_t gained[CLASSES][STATES] = { 0 };
    for (size_t i = 0; i < conn->figures.count; i++) {
        const struct sc_figure *f = &conn->figures.at[i];
        if (f->class >= 0)
            gained[f->class][f->state] += f->jobs;
    }
    enum sc_code code = SC_OK;
    for (int c = 0; code == SC_OK && c < CLASSES; c++) {
        for (int state = 0; code == SC_OK && state < STATES; state++)
            code = change_overview(conn, c, state, gained[c][state], err);
    }
    return code;
}

static enum sc_code write_minute(struct sc_conn *conn, const struct sc_figure_minute *m,
                                 struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FIGURES_MINUTE);
    sc_stmt_bind_int(&st, ":minute", m->minute);
    sc_stmt_bind_int(&st, ":completed", m->completed);
    sc_stmt_bind_int(&st, ":failed", m->failed);
    sc_stmt_bind_int(&st, ":audio_ms", m->audio_ms);
    return sc_stmt_run(&st, err);
}

static enum sc_code add_to_counter(struct sc_conn *conn, const char *name, int64_t n,
                                   struct sc_error *err)
{
    if (n == 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_COUNTER_ADD);
    sc_stmt_bind_text(&st, ":name", name);
    sc_stmt_bind_int(&st, ":n", n);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_ends(struct sc_conn *conn, const struct sc_figures *f,
                               struct sc_error *err)
{
    int64_t completed = 0;
    int64_t failed = 0;
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < f->minute_count; i++) {
        completed += f->minutes[i].completed;
        failed += f->minutes[i].failed;
        code = write_minute(conn, &f->minutes[i], err);
    }
    if (code == SC_OK)
        code = add_to_counter(conn, SC_COUNTER_COMPLETED, completed, err);
    if (code == SC_OK)
        code = add_to_counter(conn, SC_COUNTER_FAILED, failed, err);
    return code;
}

enum sc_code sc_figures_write(struct sc_conn *conn, struct sc_error *err)
{
    struct sc_figures *f = &conn->figures;
    enum sc_code code = take_changes(conn, err);
    if (code == SC_OK)
        code = write_overview(conn, err);
    merge_figures(f);
    merge_minutes(f);
    if (code == SC_OK)
        code = write_figures(conn, err);
    if (code == SC_OK)
        code = write_days(conn, err);
    if (code == SC_OK)
        code = write_ends(conn, f, err);
    sc_figures_drop(conn, (struct sc_figures_mark){ 0 });
    return code;
}
