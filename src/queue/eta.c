/* When a job that waits will be done: after those before it in its class, as many at a time as the
 * class has places, each as fast as completed jobs of its engine and model were. Jobs that were
 * measured had others beside them too, so there is nothing to add for sharing the machine. Classes
 * that go before are not looked at: the estimate is of one that gets its places. */

#include "queue/eta.h"
#include "queue/queue-internal.h"

#include "base/lock.h"

#include "base/banned.h"

#define LOOKED_AT \
    50          /* jobs before it that are looked at one by one; more are taken to be like them */
#define PACES 8 /* kinds of work whose speed is looked up once */

struct pace {
    char pipeline[24], engine[24], model[120];
    double by_audio; /* time taken by time of recording; negative: unknown */
    double each;     /* ms of one job, where its recording's length is unknown; negative: unknown */
};

struct estimate {
    struct sc_conn *conn;
    int64_t clock_ms; /* the queue's */
    struct pace paces[PACES];
    size_t pace_count;
};

/* What the bound statement's figures say; false: nothing of the kind has completed. */
static bool read_pace(struct sc_stmt *st, struct pace *out)
{
    if (sc_stmt_one(st, NULL) != SC_OK)
        return false;
    double jobs = sc_stmt_double_or(st, "jobs", 0), took = sc_stmt_double_or(st, "took", 0);
    double audio = sc_stmt_double_or(st, "paced_audio", 0);
    if (jobs <= 0)
        return false;
    out->each = took / jobs;
    if (audio > 0)
        out->by_audio = sc_stmt_double_or(st, "paced", 0) / audio;
    return true;
}

/* Of the same engine and model or, where none of them has completed, of the pipeline. */
static void look_up(struct sc_conn *conn, struct pace *pace)
{
    {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_PACE_MODEL);
        sc_stmt_bind_text(&st, ":pipeline", pace->pipeline);
        sc_stmt_bind_text(&st, ":engine", pace->engine);
        sc_stmt_bind_text(&st, ":model", pace->model);
        if (read_pace(&st, pace))
            return;
    }
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_PACE_PIPELINE);
    sc_stmt_bind_text(&st, ":pipeline", pace->pipeline);
    (void)read_pace(&st, pace);
}

static const struct pace *pace_of(struct estimate *e, const struct pace *wanted)
{
    for (size_t i = 0; i < e->pace_count; i++) {
        const struct pace *p = &e->paces[i];
        if (strcmp(p->pipeline, wanted->pipeline) == 0 && strcmp(p->engine, wanted->engine) == 0 &&
            strcmp(p->model, wanted->model) == 0)
            return p;
    }
    struct pace *p = &e->paces[e->pace_count < PACES ? e->pace_count++ : PACES - 1];
    *p = *wanted;
    p->by_audio = p->each = -1;
    look_up(e->conn, p);
    return p;
}

static double time_of(const struct pace *pace, int64_t duration_ms)
{
    if (duration_ms > 0 && pace->by_audio >= 0)
        return (double)duration_ms * pace->by_audio;
    return pace->each;
}

/* Of the whole job, from its start; negative: unknown. */
static double whole_job(struct estimate *e, const struct sc_job *job)
{
    struct pace wanted = { .by_audio = -1 };
    (void)snprintf(wanted.pipeline, sizeof(wanted.pipeline), "%s", job->pipeline);
    (void)snprintf(wanted.engine, sizeof(wanted.engine), "%s", job->engine);
    (void)snprintf(wanted.model, sizeof(wanted.model), "%s", job->model);
    return time_of(pace_of(e, &wanted), job->duration_ms);
}

/* What the rows of a bound statement still need; a row whose kind is unknown is taken for `like`.
 * *rows: how many there were. */
static double needed_by(struct estimate *e, struct sc_stmt *st, double like, int *rows)
{
    double sum = 0;
    bool row = false;
    for (*rows = 0; sc_stmt_step(st, &row, NULL) == SC_OK && row; (*rows)++) {
        struct pace wanted = { .by_audio = -1 };
        SC_STMT_COPY(st, "pipeline", wanted.pipeline);
        SC_STMT_COPY(st, "engine", wanted.engine);
        SC_STMT_COPY(st, "model", wanted.model);
        double needs = time_of(pace_of(e, &wanted), sc_stmt_int_or(st, "duration_ms", 0));
        int64_t started = sc_stmt_int_or(st, "started_clock_ms", -1);
        if (needs < 0)
            needs = like;
        if (started >= 0)
            needs -= (double)SC_MAX(0, e->clock_ms - started);
        sum += SC_MAX(0, needs);
    }
    return sum;
}

/* Until it gets a place of its class. */
static double wait_for_place(struct sc_queue *queue, struct estimate *e, const struct sc_job *job,
                             double like)
{
    int rows = 0, position = 0, places;
    double sum;
    {
        SC_LOCK(&queue->lock);
        places = queue->config.max_concurrent[job->class];
    }
    {
        SC_AUTO_STMT st = sc_stmt_get(e->conn, SC_SQL_JOB_AT_WORK);
        sc_stmt_bind_int(&st, ":class", (int64_t)job->class);
        sc_stmt_bind_int(&st, ":limit", LOOKED_AT);
        sum = needed_by(e, &st, like, &rows);
    }
    SC_AUTO_STMT st = sc_stmt_get(e->conn, SC_SQL_JOB_BEFORE);
    sc_stmt_bind_int(&st, ":class", (int64_t)job->class);
    sc_stmt_bind_int(&st, ":priority", job->priority);
    sc_stmt_bind_int(&st, ":id", job->id);
    sc_stmt_bind_int(&st, ":limit", LOOKED_AT);
    double before = needed_by(e, &st, like, &rows);
    if (rows == LOOKED_AT && sc_job_position(e->conn, job, &position, NULL) == SC_OK)
        before *= (double)SC_MAX(position, rows) / rows;
    return (sum + before) / SC_MAX(1, places);
}

int64_t sc_job_wait_eta_ms(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job)
{
    struct estimate e = { .conn = conn, .clock_ms = sc_queue_clock_ms(queue) };
    bool paused[SC_CLASS_COUNT_] = { false };
    if (sc_queue_paused(conn, paused, NULL) != SC_OK || paused[job->class])
        return -1; /* until somebody resumes it */
    double wait = 0, whole = whole_job(&e, job);
    if (whole < 0)
        return -1;
    if (job->admission == SC_ADMISSION_SCHEDULED)
        wait = (double)SC_MAX(0, job->run_after_ms - sc_clock_wall_ms());
    else if (job->admission == SC_ADMISSION_WAITING)
        wait = wait_for_place(queue, &e, job, whole);
    return (int64_t)(wait + whole);
}

int64_t sc_job_start_eta_ms(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job,
                            int64_t elapsed_ms)
{
    struct estimate e = { .conn = conn, .clock_ms = sc_queue_clock_ms(queue) };
    double left = whole_job(&e, job) - (double)elapsed_ms;
    return left > 0 ? (int64_t)left : -1;
}
