#include "queue/transitions.h"

#include "base/banned.h"

#define BIT(state) (1u << (state))

/* pending -> failed: refused before any task of it was claimed (its file has gone, say).
 * failed, cancelled -> pending: a retry. completed is final. */
static const unsigned job_moves[SC_JOB_STATE_COUNT_] = {
    [SC_JOB_PENDING] = BIT(SC_JOB_PROCESSING) | BIT(SC_JOB_FAILED) | BIT(SC_JOB_CANCELLED),
    [SC_JOB_PROCESSING] = BIT(SC_JOB_COMPLETED) | BIT(SC_JOB_FAILED) | BIT(SC_JOB_CANCELLED),
    [SC_JOB_COMPLETED] = 0,
    [SC_JOB_FAILED] = BIT(SC_JOB_PENDING),
    [SC_JOB_CANCELLED] = BIT(SC_JOB_PENDING),
};

/* scheduled -> waiting: its job has become due; -> ready: the back-off is over.
 * waiting -> scheduled: its job was put off.
 * dead, cancelled -> waiting: the job is retried and queues for admission. done is final. */
static const unsigned task_moves[SC_TASK_STATE_COUNT_] = {
    [SC_TASK_READY] = BIT(SC_TASK_RUNNING) | BIT(SC_TASK_CANCELLED),
    [SC_TASK_RUNNING] = BIT(SC_TASK_READY) | BIT(SC_TASK_SCHEDULED) | BIT(SC_TASK_DONE) |
                        BIT(SC_TASK_DEAD) | BIT(SC_TASK_CANCELLED),
    [SC_TASK_SCHEDULED] = BIT(SC_TASK_READY) | BIT(SC_TASK_WAITING) | BIT(SC_TASK_CANCELLED),
    [SC_TASK_WAITING] = BIT(SC_TASK_READY) | BIT(SC_TASK_SCHEDULED) | BIT(SC_TASK_CANCELLED),
    [SC_TASK_DONE] = 0,
    [SC_TASK_DEAD] = BIT(SC_TASK_WAITING),
    [SC_TASK_CANCELLED] = BIT(SC_TASK_WAITING),
};

#define ADMISSION_COUNT (SC_ADMISSION_ENDED + 1)
static const unsigned admission_moves[ADMISSION_COUNT] = {
    [SC_ADMISSION_SCHEDULED] = BIT(SC_ADMISSION_WAITING) | BIT(SC_ADMISSION_ENDED),
    [SC_ADMISSION_WAITING] =
        BIT(SC_ADMISSION_SCHEDULED) | BIT(SC_ADMISSION_ADMITTED) | BIT(SC_ADMISSION_ENDED),
    [SC_ADMISSION_ADMITTED] = BIT(SC_ADMISSION_ENDED),
    [SC_ADMISSION_ENDED] = BIT(SC_ADMISSION_WAITING),
};

static bool may(const unsigned *moves, unsigned count, unsigned from, unsigned to)
{
    sc_assert(from < count && to < count);
    return (moves[from] & BIT(to)) != 0;
}

bool sc_job_may_move(enum sc_job_state from, enum sc_job_state to)
{
    return may(job_moves, SC_JOB_STATE_COUNT_, from, to);
}

bool sc_task_may_move(enum sc_task_state from, enum sc_task_state to)
{
    return may(task_moves, SC_TASK_STATE_COUNT_, from, to);
}

bool sc_admission_may_move(enum sc_admission from, enum sc_admission to)
{
    return may(admission_moves, ADMISSION_COUNT, from, to);
}
