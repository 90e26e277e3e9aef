#include "queue/queue-internal.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/lock.h"

#include "base/banned.h"

static int64_t or_default(int64_t value, int64_t absent)
{
    return value > 0 ? value : absent;
}

static struct sc_queue_config complete_config(const struct sc_queue_config *config)
{
    struct sc_queue_config out = {
        .lease_ms = or_default(config->lease_ms, 30000),
        .max_failures = (int)or_default(config->max_failures, 3),
        .max_interruptions = (int)or_default(config->max_interruptions, 100),
        .backoff_base_ms = or_default(config->backoff_base_ms, 1000),
        .backoff_max_ms = or_default(config->backoff_max_ms, 300000),
        .job_timeout_ms = SC_MAX(0, config->job_timeout_ms),
        .idempotency_ttl_ms = or_default(config->idempotency_ttl_ms, (int64_t)24 * 3600 * 1000),
        .result_ttl_ms = config->result_ttl_ms,
        .failure_ttl_ms = config->failure_ttl_ms,
    };
    memcpy(out.lane_limits, config->lane_limits, sizeof(out.lane_limits));
    for (int c = 0; c < SC_CLASS_COUNT_; c++)
        out.max_concurrent[c] = (int)or_default(config->max_concurrent[c], 2);
    return out;
}

enum sc_code sc_queue_configure(struct sc_queue *queue, struct sc_conn *tx,
                                const struct sc_queue_config *config, struct sc_error *err)
{
    struct sc_queue_config fresh = complete_config(config);
    fresh.lease_ms = queue->config.lease_ms;
    {
        SC_LOCK(&queue->lock);
        queue->config = fresh;
    }
    enum sc_code code = SC_OK;
    for (int c = 0; code == SC_OK && c < SC_CLASS_COUNT_; c++)
        code = sc_admission_fill(queue, tx, (enum sc_class)c, err);
    sc_queue_note_ready(queue, tx); /* a lane may have become wider */
    return code;
}

int sc_queue_lane_max(const struct sc_queue *queue, const char *lane)
{
    const struct sc_lane_limit *limits = queue->config.lane_limits;
    for (size_t i = 0; i < SC_LANE_LIMITS && limits[i].lane != NULL; i++) {
        if (strcmp(limits[i].lane, lane) == 0)
            return limits[i].max;
    }
    return 0;
}

enum sc_code sc_queue_meta_get(struct sc_conn *conn, const char *key, int64_t absent, int64_t *out,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_QUEUE_META_GET);
    sc_stmt_bind_text(&st, ":key", key);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND) {
        *out = absent;
        return SC_OK;
    }
    if (code == SC_OK && !sc_str_to_int64(sc_stmt_str(&st, "value"), out))
        return sc_error_set(err, SC_E_STORE_DAMAGED, "meta '%s' is no number", key);
    return code;
}

enum sc_code sc_queue_meta_put(struct sc_conn *tx, const char *key, int64_t value,
                               struct sc_error *err)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_QUEUE_META_PUT);
    sc_stmt_bind_text(&st, ":key", key);
    sc_stmt_bind_text(&st, ":value", text);
    return sc_stmt_run(&st, err);
}

static enum sc_code say_goodbye(struct sc_queue *queue, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT gone = sc_stmt_get(tx, SC_SQL_WORKER_GONE_EARLIER);
    sc_stmt_bind_int(&gone, ":generation", queue->generation);
    sc_stmt_bind_int(&gone, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&gone, err);
}

/* Moves what the last server measured on its clock over to this one's (clock.c). Whatever runs now
 * that is not an orphan belongs to another host's worker, which may not have noticed anything. */
static enum sc_code change_clocks(struct sc_queue *queue, struct sc_conn *tx, struct sc_error *err)
{
    int64_t clock = sc_queue_clock_ms(queue);
    int64_t last = 0;
    enum sc_code code = sc_queue_meta_get(tx, SC_META_CLOCK, clock, &last, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT leases = sc_stmt_get(tx, SC_SQL_TASK_RENEW_ALL);
    sc_stmt_bind_int(&leases, ":lease_until_ms", clock + queue->config.lease_ms);
    sc_stmt_bind_int(&leases, ":clock", clock);
    code = sc_stmt_run(&leases, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT workers = sc_stmt_get(tx, SC_SQL_WORKER_BEAT_ALL);
    sc_stmt_bind_int(&workers, ":clock", clock);
    code = sc_stmt_run(&workers, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT backoff = sc_stmt_get(tx, SC_SQL_TASK_CLAMP_BACKOFF);
    sc_stmt_bind_int(&backoff, ":latest", clock + queue->config.backoff_max_ms);
    code = sc_stmt_run(&backoff, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT jobs = sc_stmt_get(tx, SC_SQL_JOB_SHIFT_CLOCKS);
    sc_stmt_bind_int(&jobs, ":shift", clock - last);
    code = sc_stmt_run(&jobs, err);
    return code == SC_OK ? sc_queue_meta_put(tx, SC_META_CLOCK, clock, err) : code;
}

static enum sc_code begin_generation(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_queue *queue = ctx;
    int64_t last = 0;
    enum sc_code code = sc_queue_meta_get(tx, SC_META_GENERATION, 0, &last, err);
    queue->generation = last + 1;
    if (code == SC_OK)
        code = sc_queue_meta_put(tx, SC_META_GENERATION, queue->generation, err);
    if (code == SC_OK)
        code = say_goodbye(queue, tx, err);
    if (code == SC_OK)
        code = change_clocks(queue, tx, err);
    /* The limits may have been raised. */
    for (int c = 0; code == SC_OK && c < SC_CLASS_COUNT_; c++)
        code = sc_admission_fill(queue, tx, (enum sc_class)c, err);
    return code;
}

struct recovery {
    struct sc_queue *queue;
    size_t count;
};

/* One slice of the tasks that this host's processes held under an earlier server. */
static enum sc_code recover_slice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct recovery *recovery = ctx;
    int64_t ids[SC_QUEUE_SLICE];
    enum sc_code code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_ORPHANS);
        sc_stmt_bind_int(&st, ":generation", recovery->queue->generation);
        sc_stmt_bind_int(&st, ":limit", SC_QUEUE_SLICE);
        code = sc_queue_ids(&st, ids, SC_QUEUE_SLICE, &recovery->count, err);
    }
    struct sc_error why = { 0 };
    sc_error_set(&why, SC_E_WORKER_CRASHED, "the server was restarted");
    for (size_t i = 0; code == SC_OK && i < recovery->count; i++)
        code = sc_task_setback(recovery->queue, tx, ids[i], SC_SETBACK_INTERRUPTION, &why, err);
    return code;
}

enum sc_code sc_queue_open(struct sc_store *store, struct sc_hub *hub,
                           const struct sc_queue_config *config, struct sc_queue **out,
                           struct sc_error *err)
{
    SC_AUTO(sc_queue_closep) struct sc_queue *queue = sc_alloc(sizeof(*queue));
    queue->store = store;
    queue->hub = hub;
    queue->config = complete_config(config);
    queue->clock_offset_ms = sc_clock_wall_ms() - sc_clock_mono_ms();
    queue->clock_saved_ms = sc_queue_clock_ms(queue);
    sc_random_bytes(&queue->jitter_seed, sizeof(queue->jitter_seed));
    sc_assert(pthread_mutex_init(&queue->lock, NULL) == 0);

    enum sc_code code = sc_store_write(store, SC_DURABLE, begin_generation, queue, err);
    struct recovery recovery = { queue, SC_QUEUE_SLICE };
    while (code == SC_OK && recovery.count == SC_QUEUE_SLICE)
        code = sc_store_write(store, SC_DURABLE, recover_slice, &recovery, err);
    if (code == SC_OK)
        *out = SC_TAKE(queue);
    return code;
}

void sc_queue_close(struct sc_queue *queue)
{
    if (queue == NULL)
        return;
    sc_said_forget_job(queue, 0);
    sc_assert(pthread_mutex_destroy(&queue->lock) == 0);
    free(queue);
}

static void set_hook(struct sc_queue *queue, struct sc_hook *hooks, sc_ready_fn fn, void *ctx)
{
    SC_LOCK(&queue->lock);
    struct sc_hook *place = NULL;
    for (size_t i = 0; i < SC_QUEUE_LISTENERS; i++) {
        bool taken = hooks[i].fn != NULL;
        if (taken ? hooks[i].ctx == ctx : place == NULL)
            place = &hooks[i];
    }
    sc_assert(place != NULL || fn == NULL);
    if (place != NULL)
        *place = (struct sc_hook){ fn, ctx };
}

void sc_queue_on_ready(struct sc_queue *queue, sc_ready_fn fn, void *ctx)
{
    set_hook(queue, queue->on_ready, fn, ctx);
}

void sc_queue_on_silent(struct sc_queue *queue, sc_silent_fn fn, void *ctx)
{
    SC_LOCK(&queue->lock);
    queue->on_silent = fn;
    queue->silent_ctx = ctx;
}

void sc_queue_on_due(struct sc_queue *queue, sc_due_fn fn, void *ctx)
{
    SC_LOCK(&queue->lock);
    queue->on_due = fn;
    queue->due_ctx = ctx;
}

void sc_queue_on_event(struct sc_queue *queue, sc_event_write_fn fn, void *ctx)
{
    SC_LOCK(&queue->lock);
    queue->on_event = fn;
    queue->event_ctx = ctx;
}

void sc_queue_on_cancel(struct sc_queue *queue, sc_ready_fn fn, void *ctx)
{
    set_hook(queue, queue->on_cancel, fn, ctx);
}
