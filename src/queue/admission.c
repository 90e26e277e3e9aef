/* Admission: how many jobs of a class are in work at a time. Only tasks of admitted jobs are ready,
 * so the limit needs no check in the claim. The places are filled whenever one may have become
 * free: when a job ends, enters or becomes due, and when the queue is opened. */

#include "queue/queue-internal.h"

#include "base/banned.h"

enum sc_code sc_admission_move(struct sc_conn *tx, int64_t job, enum sc_admission from,
                               enum sc_admission to, struct sc_error *err)
{
    sc_assert(sc_admission_may_move(from, to));
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SET_ADMISSION);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_int(&st, ":from", (int64_t)from);
    sc_stmt_bind_int(&st, ":to", (int64_t)to);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

static enum sc_code admit(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                          struct sc_error *err)
{
    enum sc_code code =
        sc_admission_move(tx, job, SC_ADMISSION_WAITING, SC_ADMISSION_ADMITTED, err);
    if (code != SC_OK)
        return code;
    int64_t moved = 0;
    code = sc_task_move_all(tx, job, SC_TASK_WAITING, SC_TASK_READY, &moved, err);
    if (code == SC_OK && moved > 0)
        sc_queue_note_ready(queue, tx);
    return code;
}

static enum sc_code taken_places(struct sc_conn *tx, enum sc_class class, int limit, int *taken,
                                 struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_ADMITTED);
    sc_stmt_bind_int(&st, ":class", (int64_t) class);
    sc_stmt_bind_int(&st, ":limit", limit);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *taken = (int)sc_stmt_int(&st, "n");
    return code;
}

/* *job 0: nobody waits. */
static enum sc_code next_in_line(struct sc_queue *queue, struct sc_conn *tx, enum sc_class class,
                                 int64_t *job, struct sc_error *err)
{
    bool oldest = queue->admission_turn[class] % SC_FAIR_EVERY == SC_FAIR_EVERY - 1;
    SC_AUTO_STMT st = sc_stmt_get(tx, oldest ? SC_SQL_JOB_OLDEST_WAITING : SC_SQL_JOB_NEXT_WAITING);
    sc_stmt_bind_int(&st, ":class", (int64_t) class);
    enum sc_code code = sc_stmt_one(&st, err);
    *job = code == SC_OK ? sc_stmt_int(&st, "id") : 0;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_admission_fill(struct sc_queue *queue, struct sc_conn *tx, enum sc_class class,
                               struct sc_error *err)
{
    int places = queue->config.max_concurrent[class];
    int taken = 0;
    enum sc_code code = taken_places(tx, class, places, &taken, err);
    while (code == SC_OK && taken < places) {
        int64_t job = 0;
        code = next_in_line(queue, tx, class, &job, err);
        if (code != SC_OK || job == 0)
            return code;
        code = admit(queue, tx, job, err);
        queue->admission_turn[class]++;
        taken++;
    }
    return code;
}

enum sc_code sc_admission_enter(struct sc_queue *queue, struct sc_conn *tx,
                                const struct sc_job_brief *job, struct sc_error *err)
{
    return job->counted ? sc_admission_fill(queue, tx, job->class, err)
                        : admit(queue, tx, job->id, err);
}

enum sc_code sc_admission_due(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                              struct sc_error *err)
{
    enum sc_code code =
        sc_admission_move(tx, job, SC_ADMISSION_SCHEDULED, SC_ADMISSION_WAITING, err);
    if (code == SC_OK)
        code = sc_task_move_all(tx, job, SC_TASK_SCHEDULED, SC_TASK_WAITING, NULL, err);
    struct sc_job_brief brief;
    if (code == SC_OK)
        code = sc_job_brief_get(tx, job, &brief, err);
    if (code == SC_OK)
        code = sc_admission_enter(queue, tx, &brief, err);
    return code;
}
