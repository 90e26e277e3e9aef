#include "api/views.h"

#include "base/banned.h"

static int64_t workers_of(const struct sc_worker_row *workers, size_t count, int class)
{
    int64_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += workers[i].class == class;
    return n;
}

static void put_queues(struct sc_json *w, const struct sc_queue_stats *stats,
                       const struct sc_worker_row *workers, size_t count)
{
    sc_json_array(w, "queues");
    for (int i = 0; i < SC_CLASS_COUNT_; i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "name", sc_class_to_string((enum sc_class)i));
        sc_json_bool(w, "paused", stats->class[i].paused);
        sc_json_int(w, "pending", stats->class[i].pending);
        sc_json_int(w, "running", stats->class[i].running);
        sc_json_int(w, "failed", stats->class[i].failed);
        sc_json_int(w, "workers", workers_of(workers, count, i));
        sc_json_seconds(w, "oldest_age_seconds",
                        stats->class[i].pending > 0 ? stats->class[i].oldest_age_ms : -1);
        sc_json_int(w, "max_concurrent", stats->class[i].max_concurrent);
        sc_json_end(w);
    }
    sc_json_end(w);
}

void sc_queue_totals_fields(struct sc_json *w, const struct sc_queue_stats *stats)
{
    int64_t queued = 0, active = 0, places = 0;
    for (int i = 0; i < SC_CLASS_COUNT_; i++) {
        queued += stats->class[i].pending;
        active += stats->class[i].running;
        places += stats->class[i].max_concurrent;
    }
    sc_json_int(w, "queued", queued);
    sc_json_int(w, "active", active);
    sc_json_int(w, "max_concurrent", places);
    sc_json_int(w, "tasks_ready", stats->tasks_ready);
    sc_json_int(w, "tasks_running", stats->tasks_running);
    sc_json_int(w, "completed", stats->completed_total);
    sc_json_int(w, "failed", stats->failed_total);
}

static void put_worker(struct sc_json *w, const struct sc_worker_row *row)
{
    const struct sc_worker *worker = &row->worker;
    bool shown = row->visible && worker->job_id[0] != '\0';
    sc_json_object(w, NULL);
    sc_json_int(w, "id", worker->id);
    sc_json_text(w, "name", worker->name);
    sc_json_text(w, "host", worker->host);
    sc_json_int(w, "pid", worker->pid);
    sc_json_text(w, "device", worker->device);
    sc_json_bool(w, "local", worker->local);
    sc_json_bool(w, "busy", worker->job_id[0] != '\0');
    sc_json_text(w, "current_job", shown ? worker->job_id : NULL);
    sc_json_time(w, "registered_at", worker->registered_ms);
    sc_json_time(w, "last_heartbeat", worker->heartbeat_ms);
    sc_json_end(w);
}

void sc_queue_view(struct sc_json *w, const struct sc_queue_picture *picture)
{
    sc_json_object(w, NULL);
    put_queues(w, &picture->stats, picture->workers, picture->worker_count);
    sc_json_object(w, "totals");
    sc_queue_totals_fields(w, &picture->stats);
    sc_json_end(w);
    sc_throughput_view(w, "throughput", &picture->minute, &picture->hour);
    sc_json_array(w, "workers");
    for (size_t i = 0; i < picture->worker_count; i++)
        put_worker(w, &picture->workers[i]);
    sc_json_end(w);
    sc_json_end(w);
}

static bool is_well(const struct sc_health *health)
{
    return !health->stopping && health->store == NULL;
}

void sc_health_view(struct sc_json *w, const struct sc_health *health)
{
    const char *status = health->stopping ? "stopping" : is_well(health) ? "ok" : "degraded";
    sc_json_object(w, NULL);
    sc_json_text(w, "status", status);
    sc_json_text(w, "version", SC_VERSION);
    sc_json_text(w, "store", health->store == NULL ? "ok" : sc_code_name(health->store->code));
    sc_json_opt(w, "workers", health->workers);
    sc_json_seconds(w, "uptime_seconds", health->uptime_ms);
    sc_json_end(w);
}

static void put_reason(struct sc_json *w, const char *key, enum sc_code code, const char *message,
                       const char *request_id)
{
    sc_json_object(w, key);
    sc_json_text(w, "code", sc_code_name(code));
    sc_json_text(w, "message", message);
    if (request_id != NULL)
        sc_json_text(w, "request_id", request_id);
    sc_json_end(w);
}

void sc_ready_view(struct sc_json *w, const struct sc_health *health, const char *request_id)
{
    const char *stopping = sc_code_text(SC_E_SHUTTING_DOWN);
    sc_json_object(w, NULL);
    sc_json_text(w, "status", is_well(health) ? "ready" : "not_ready");
    sc_json_array(w, "reasons");
    if (health->stopping)
        put_reason(w, NULL, SC_E_SHUTTING_DOWN, stopping, NULL);
    if (health->store != NULL)
        put_reason(w, NULL, health->store->code, health->store->msg, NULL);
    sc_json_end(w);
    if (health->stopping)
        put_reason(w, "error", SC_E_SHUTTING_DOWN, stopping, request_id);
    else if (health->store != NULL)
        put_reason(w, "error", health->store->code, health->store->msg, request_id);
    sc_json_end(w);
}

void sc_live_view(struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "status", "live");
    sc_json_end(&w);
}

void sc_paused_view(struct sc_buf *out, enum sc_class class, bool paused)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "name", sc_class_to_string(class));
    sc_json_bool(&w, "paused", paused);
    sc_json_end(&w);
}

void sc_store_fields(struct sc_json *w, const char *data_dir, const struct sc_store_info *info,
                     int schema)
{
    sc_json_text(w, "data_dir", data_dir);
    sc_json_int(w, "schema_version", info->schema_version);
    sc_json_int(w, "schema_known", schema);
    sc_json_int(w, "size_bytes", info->size_bytes);
    sc_json_int(w, "wal_bytes", info->wal_bytes);
    sc_json_int(w, "pages", info->pages);
    sc_json_int(w, "free_pages", info->free_pages);
    sc_json_int(w, "page_size", info->page_size);
}

void sc_check_fields(struct sc_json *w, const struct sc_error *damage, const char *request_id)
{
    sc_json_text(w, "status", damage == NULL ? "ok" : "damaged");
    if (damage != NULL)
        put_reason(w, "error", damage->code, damage->msg, request_id);
}
