/* The claim. Class goes first, so classes are asked one after the other, each lane through the
 * index tasks_ready for as many rows as are wanted; the lanes are merged here. One claim in ten
 * takes the oldest instead, of whatever class: that bounds how long the last in line can wait.
 *
 * A task that came to grief before is claimed alone: when its worker dies again, it is known whose
 * fault that was, and the neighbours of a poisoned task go free (sc_worker_gone).
 *
 * A lane may have a limit (a program that holds a GPU, a server that takes so many requests): its
 * tasks that run are counted here, in the one transaction that could add to them.
 *
 * A worker that says how many tasks of a lane it runs in one call gets what stands at the head of
 * the line and can go together: it ends at the first task of another lane or model, so nobody is
 * passed over for a fuller call. And it gets its share: as many as are ready, divided by the
 * workers that serve the lane. What another could run at the same time is left to it, while of a
 * long line every call is full. */

#include "queue/queue-internal.h"

#include "base/banned.h"

#define LANES_MAX 64

struct pick {
    int64_t id, job, epoch;
    int stage, chunk, priority;
    int failures, interruptions;
    size_t lane; /* of the claim's */
    bool used;
};

struct picks {
    struct pick at[SC_CLAIM_MAX];
    size_t count;
};

typedef int (*compare_fn)(const struct pick *a, const struct pick *b);

static int by_age(const struct pick *a, const struct pick *b)
{
    if (a->job != b->job)
        return a->job < b->job ? -1 : 1;
    return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

static int by_rank(const struct pick *a, const struct pick *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return by_age(a, b);
}

/* Keeps the list [from, count) sorted and at most `max` long in all. */
static void insert_sorted(struct picks *list, size_t from, size_t max, compare_fn compare,
                          const struct pick *pick)
{
    size_t i = list->count;
    while (i > from && compare(pick, &list->at[i - 1]) < 0)
        i--;
    if (i >= max)
        return;
    size_t last = SC_MIN(list->count, max - 1);
    for (size_t j = last; j > i; j--)
        list->at[j] = list->at[j - 1];
    list->at[i] = *pick;
    list->count = last + 1;
}

struct search {
    struct sc_conn *tx;
    const struct sc_claim *claim;
    enum sc_sql sql;
    compare_fn compare;
    const int *room; /* per lane of the claim: tasks that may be taken from it */
};

/* Adds one class of one lane to the list, in its place behind `from`. */
static enum sc_code gather(const struct search *search, size_t lane, enum sc_class class,
                           size_t from, struct picks *list, struct sc_error *err)
{
    if (search->room[lane] == 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(search->tx, search->sql);
    sc_stmt_bind_text(&st, ":lane", search->claim->lanes[lane]);
    sc_stmt_bind_int(&st, ":class", (int64_t) class);
    sc_stmt_bind_int(&st, ":limit", SC_MIN(search->claim->max, search->room[lane]));
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct pick pick = {
            .id = sc_stmt_int(&st, "id"),
            .job = sc_stmt_int(&st, "job"),
            .chunk = (int)sc_stmt_int(&st, "chunk"),
            .priority = (int)sc_stmt_int(&st, "priority"),
            .stage = (int)sc_stmt_int(&st, "stage"),
            .epoch = sc_stmt_int(&st, "epoch"),
            .failures = (int)sc_stmt_int(&st, "failures"),
            .interruptions = (int)sc_stmt_int(&st, "interruptions"),
            .lane = lane,
        };
        insert_sorted(list, from, (size_t)search->claim->max, search->compare, &pick);
    }
}

/* The best of all lanes: a class only follows when those above it leave room. */
static enum sc_code find_best(struct sc_conn *tx, const struct sc_claim *claim, const int *room,
                              const bool paused[SC_CLASS_COUNT_], struct picks *out,
                              struct sc_error *err)
{
    struct search search = { tx, claim, SC_SQL_TASK_BEST, by_rank, room };
    for (int c = 0; c < SC_CLASS_COUNT_ && out->count < (size_t)claim->max; c++) {
        size_t from = out->count;
        for (size_t i = 0; !paused[c] && i < claim->lane_count; i++) {
            enum sc_code code = gather(&search, i, (enum sc_class)c, from, out, err);
            if (code != SC_OK)
                return code;
        }
    }
    return SC_OK;
}

static enum sc_code find_oldest(struct sc_conn *tx, const struct sc_claim *claim, const int *room,
                                const bool paused[SC_CLASS_COUNT_], struct picks *out,
                                struct sc_error *err)
{
    struct search search = { tx, claim, SC_SQL_TASK_OLDEST, by_age, room };
    for (int c = 0; c < SC_CLASS_COUNT_; c++) {
        for (size_t i = 0; !paused[c] && i < claim->lane_count; i++) {
            enum sc_code code = gather(&search, i, (enum sc_class)c, 0, out, err);
            if (code != SC_OK)
                return code;
        }
    }
    return SC_OK;
}

/* Failed or was interrupted before. */
static bool is_suspect(const struct pick *pick)
{
    return pick->failures + pick->interruptions > 0;
}

struct offer {
    const struct sc_claim *claim;
    char worker[SC_WORKER_NAME];
    int room[LANES_MAX];
    struct picks best, oldest;
    size_t given;
};

/* out: the task as it is once taken, its job's part left open. */
static enum sc_code take(struct sc_queue *queue, struct sc_conn *tx, const struct offer *offer,
                         const struct pick *pick, struct sc_task_row *out, bool *taken,
                         struct sc_error *err)
{
    sc_assert(sc_task_may_move(SC_TASK_READY, SC_TASK_RUNNING));
    int64_t clock = sc_queue_clock_ms(queue);
    *out = (struct sc_task_row){
        .task = {
            .id = pick->id,
            .job = pick->job,
            .epoch = pick->epoch + 1,
            .stage = (enum sc_stage)pick->stage,
            .chunk = pick->chunk,
            .state = SC_TASK_RUNNING,
            .failures = pick->failures,
            .interruptions = pick->interruptions,
            .worker_id = offer->claim->worker_id,
            .lease_until_ms = clock + queue->config.lease_ms,
            .claimed_ms = clock,
        },
    };
    (void)snprintf(out->task.lane, sizeof(out->task.lane), "%s", offer->claim->lanes[pick->lane]);
    memcpy(out->worker, offer->worker, sizeof(out->worker));
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_TAKE);
    sc_stmt_bind_int(&st, ":worker_id", out->task.worker_id);
    sc_stmt_bind_int(&st, ":clock", clock);
    sc_stmt_bind_int(&st, ":lease_until_ms", out->task.lease_until_ms);
    sc_stmt_bind_int(&st, ":id", pick->id);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *taken = sc_conn_changes(tx) > 0;
    return code;
}

/* The log and the job's state, after its task was taken. */
static enum sc_code follow_up(struct sc_queue *queue, struct sc_conn *tx, struct sc_task_row *row,
                              struct sc_task *out, struct sc_error *err)
{
    struct sc_job_brief job = { 0 };
    enum sc_code code = sc_job_brief_get(tx, row->task.job, &job, err);
    /* Later stages begin when the pipeline says so: chunks run while split still does. */
    if (code == SC_OK && job.state == SC_JOB_PENDING)
        code = sc_job_start(queue, tx, &job, row->task.stage, err);
    else if (code == SC_OK && job.stage_clock_ms < 0)
        code = sc_job_set_stage(queue, tx, &job, row->task.stage, err);
    if (code != SC_OK)
        return code;
    struct sc_event event = sc_queue_task_event(SC_EVENT_TASK_CLAIMED, &job, row);
    code = sc_queue_emit(queue, tx, &event, err);
    if (code != SC_OK)
        return code;
    row->task.owner_id = job.owner_id;
    memcpy(row->task.job_id, job.job_id, sizeof(row->task.job_id));
    *out = row->task;
    return SC_OK;
}

static struct pick *first_unused(struct picks *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!list->at[i].used)
            return &list->at[i];
    }
    return NULL;
}

/* The same task may stand in both lists. */
static void mark_used(struct picks *list, int64_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i].id == id)
            list->at[i].used = true;
    }
}

/* Does one of the next `max` claims go to the oldest? */
static bool turn_is_near(const struct sc_queue *queue, int max)
{
    return queue->claim_turn % SC_FAIR_EVERY + (unsigned)max >= SC_FAIR_EVERY;
}

/* Of what is left in the lane, and of the one task that the worker has by now. */
static enum sc_code keep_to_share(struct sc_conn *tx, struct offer *offer, size_t lane,
                                  struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_SHARE);
    sc_stmt_bind_text(&st, ":lane", offer->claim->lanes[lane]);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    int64_t workers = SC_MAX(1, sc_stmt_int(&st, "workers"));
    int64_t share = (sc_stmt_int(&st, "ready") + 1 + workers - 1) / workers;
    offer->room[lane] = (int)SC_MIN(offer->room[lane], share - 1);
    return SC_OK;
}

/* Can the pick go into one call with what was given? */
static enum sc_code goes_along(struct sc_conn *tx, struct offer *offer, const struct sc_task *first,
                               const struct pick *pick, bool *out, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    *out = offer->claim->batch == NULL || offer->given == 0;
    if (*out || strcmp(first->lane, offer->claim->lanes[pick->lane]) != 0)
        return SC_OK;
    if (offer->given == 1)
        code = keep_to_share(tx, offer, pick->lane, err);
    *out = code == SC_OK && offer->room[pick->lane] > 0;
    if (!*out || pick->job == first->job)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SAME_MODEL);
    sc_stmt_bind_int(&st, ":job", first->job);
    sc_stmt_bind_int(&st, ":other", pick->job);
    code = sc_stmt_one(&st, err);
    *out = code == SC_OK && sc_stmt_int(&st, "same") != 0;
    return code;
}

static enum sc_code hand_out(struct sc_queue *queue, struct sc_conn *tx, struct offer *offer,
                             struct sc_task *out, struct sc_error *err)
{
    bool alone = false; /* what was given bears no company */
    while (offer->given < (size_t)offer->claim->max) {
        bool fair = queue->claim_turn % SC_FAIR_EVERY == SC_FAIR_EVERY - 1;
        struct pick *pick = first_unused(fair ? &offer->oldest : &offer->best);
        if (pick == NULL)
            break;
        if (alone || (is_suspect(pick) && offer->given > 0)) {
            sc_queue_note_ready(queue, tx); /* for another worker */
            break;
        }
        bool along = false;
        enum sc_code code = goes_along(tx, offer, &out[0], pick, &along, err);
        if (code != SC_OK || !along)
            return code;
        mark_used(fair ? &offer->best : &offer->oldest, pick->id);
        pick->used = true;
        /* Other classes' picks, or those of the other list, have taken the last place. */
        if (offer->room[pick->lane] == 0)
            continue;
        bool taken = false;
        struct sc_task_row row;
        code = take(queue, tx, offer, pick, &row, &taken, err);
        if (code == SC_OK && taken)
            code = follow_up(queue, tx, &row, &out[offer->given], err);
        if (code != SC_OK)
            return code;
        if (taken) {
            alone = is_suspect(pick);
            offer->room[pick->lane]--;
            offer->given++;
            queue->claim_turn++;
        }
    }
    return SC_OK;
}

/* How many tasks of the lane may be taken now. */
static enum sc_code lane_room(const struct sc_queue *queue, struct sc_conn *tx, const char *lane,
                              int *out, struct sc_error *err)
{
    int max = sc_queue_lane_max(queue, lane);
    *out = SC_CLAIM_MAX;
    if (max == 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_COUNT_LANE);
    sc_stmt_bind_text(&st, ":lane", lane);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = (int)SC_MAX(0, SC_MIN(max - sc_stmt_int(&st, "n"), SC_CLAIM_MAX));
    return code;
}

enum sc_code sc_task_claim(struct sc_queue *queue, struct sc_conn *tx, const struct sc_claim *claim,
                           struct sc_task *out, size_t *count, struct sc_error *err)
{
    sc_assert(claim->max >= 1 && claim->max <= SC_CLAIM_MAX && claim->lane_count <= LANES_MAX);
    bool paused[SC_CLASS_COUNT_] = { false };
    struct offer offer = { .claim = claim };
    enum sc_code code = sc_worker_seen(queue, tx, claim->worker_id, offer.worker, err);
    if (code == SC_OK)
        code = sc_queue_paused(tx, paused, err);
    for (size_t i = 0; code == SC_OK && i < claim->lane_count; i++) {
        code = lane_room(queue, tx, claim->lanes[i], &offer.room[i], err);
        if (claim->batch != NULL)
            offer.room[i] = SC_MIN(offer.room[i], claim->batch[i]);
    }
    if (code == SC_OK)
        code = find_best(tx, claim, offer.room, paused, &offer.best, err);
    if (code == SC_OK && offer.best.count > 0 && turn_is_near(queue, claim->max))
        code = find_oldest(tx, claim, offer.room, paused, &offer.oldest, err);
    if (code == SC_OK)
        code = hand_out(queue, tx, &offer, out, err);
    if (code == SC_OK && offer.given > 0)
        sc_queue_note_due(queue, tx, queue->config.lease_ms);
    if (code == SC_OK)
        *count = offer.given;
    return code;
}
