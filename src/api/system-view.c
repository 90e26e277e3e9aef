#include "api/system-view.h"
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

SC_DEFINE_ENUM_STRINGS(sc_check_status, SC_CHECK_STATUS_COUNT_,
                       {
                           [SC_CHECK_OK] = "ok",
                           [SC_CHECK_WARNING] = "warning",
                           [SC_CHECK_FAILED] = "failed",
                           [SC_CHECK_UNKNOWN] = "unknown",
                       });
SC_DEFINE_ENUM_STRINGS(sc_check, SC_CHECK_COUNT_,
                       {
                           [SC_CHECK_STORE] = "store",
                           [SC_CHECK_DISK] = "disk",
                           [SC_CHECK_WORKERS] = "workers",
                           [SC_CHECK_DECODER] = "decoder",
                       });

/* The first check that ended so; SC_CHECK_COUNT_: none. */
static int first_check(const struct sc_health *health, enum sc_check_status status)
{
    int i = 0;
    while (i < SC_CHECK_COUNT_ && health->checks[i].status != status)
        i++;
    return i;
}

bool sc_health_is_ready(const struct sc_health *health)
{
    return !health->stopping && first_check(health, SC_CHECK_FAILED) == SC_CHECK_COUNT_;
}

static bool is_well(const struct sc_health *health)
{
    return sc_health_is_ready(health) && first_check(health, SC_CHECK_WARNING) == SC_CHECK_COUNT_;
}

static void put_checks(struct sc_json *w, const struct sc_health *health)
{
    sc_json_array(w, "checks");
    for (int i = 0; i < SC_CHECK_COUNT_; i++) {
        const struct sc_error *why = &health->checks[i].why;
        sc_json_object(w, NULL);
        sc_json_text(w, "name", sc_check_to_string((enum sc_check)i));
        sc_json_text(w, "status", sc_check_status_to_string(health->checks[i].status));
        if (why->code != SC_OK) {
            sc_json_text(w, "code", sc_code_name(why->code));
            sc_json_text(w, "message", why->msg);
        }
        sc_json_end(w);
    }
    sc_json_end(w);
}

void sc_health_view(struct sc_json *w, const struct sc_health *health)
{
    const char *status = health->stopping ? "stopping" : is_well(health) ? "ok" : "degraded";
    const struct sc_error *store = &health->checks[SC_CHECK_STORE].why;
    sc_json_object(w, NULL);
    sc_json_text(w, "status", status);
    sc_json_text(w, "version", SC_VERSION);
    sc_json_text(w, "store", store->code == SC_OK ? "ok" : sc_code_name(store->code));
    sc_json_opt(w, "workers", health->workers);
    sc_json_seconds(w, "uptime_seconds", health->uptime_ms);
    put_checks(w, health);
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
    int first = first_check(health, SC_CHECK_FAILED);
    sc_json_object(w, NULL);
    sc_json_text(w, "status", sc_health_is_ready(health) ? "ready" : "not_ready");
    put_checks(w, health);
    sc_json_array(w, "reasons");
    if (health->stopping)
        put_reason(w, NULL, SC_E_SHUTTING_DOWN, stopping, NULL);
    for (int i = first; i < SC_CHECK_COUNT_; i++) {
        const struct sc_error *why = &health->checks[i].why;
        if (health->checks[i].status == SC_CHECK_FAILED)
            put_reason(w, NULL, why->code, why->msg, NULL);
    }
    sc_json_end(w);
    if (health->stopping)
        put_reason(w, "error", SC_E_SHUTTING_DOWN, stopping, request_id);
    else if (first < SC_CHECK_COUNT_)
        put_reason(w, "error", health->checks[first].why.code, health->checks[first].why.msg,
                   request_id);
    sc_json_end(w);
}

static void put_cpu(struct sc_json *w, const struct sc_machine *m)
{
    sc_json_object(w, "cpu");
    sc_json_text(w, "model", m->cpu[0] == '\0' ? NULL : m->cpu);
    sc_json_int(w, "cores", m->cores);
    sc_json_int(w, "usable", m->usable);
    sc_json_array(w, "load");
    for (size_t i = 0; i < SC_ARRAY_LEN(m->load) && m->load[i] >= 0; i++)
        sc_json_real(w, NULL, m->load[i], 2);
    sc_json_end(w);
    sc_json_end(w);
}

static void put_memory(struct sc_json *w, const struct sc_system *s)
{
    sc_json_object(w, "memory");
    sc_json_opt(w, "total_bytes", s->machine.memory_total);
    sc_json_opt(w, "free_bytes", s->machine.memory_free);
    sc_json_opt(w, "server_bytes", s->usage.resident_bytes);
    sc_json_int(w, "workers_bytes", s->workers_bytes);
    sc_json_end(w);
}

void sc_system_fields(struct sc_json *w, const struct sc_system *s)
{
    sc_json_text(w, "version", SC_VERSION);
    sc_json_int(w, "schema_version", sc_store_schema_version());
    sc_json_time(w, "started_at", s->usage.started_ms);
    sc_json_seconds(w, "uptime_seconds", s->uptime_ms);
    sc_json_object(w, "host");
    sc_json_text(w, "kernel", s->machine.kernel);
    sc_json_text(w, "architecture", s->machine.architecture);
    sc_json_seconds(w, "uptime_seconds", s->machine.uptime_ms);
    sc_json_end(w);
    put_cpu(w, &s->machine);
    put_memory(w, s);
    sc_json_array(w, "disks");
    for (size_t i = 0; i < s->disk_count; i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "name", s->disks[i].name);
        sc_json_opt(w, "total_bytes", s->disks[i].total_bytes);
        sc_json_opt(w, "free_bytes", s->disks[i].free_bytes);
        sc_json_end(w);
    }
    sc_json_end(w);
    sc_json_object(w, "workers");
    sc_json_int(w, "places", s->worker_places);
    sc_json_int(w, "alive", s->workers);
    sc_json_int(w, "local", s->workers_local);
    sc_json_int(w, "busy", s->workers_busy);
    sc_json_end(w);
}

void sc_devices_fields(struct sc_json *w, const struct sc_json_value *said, const char *why)
{
    const char *key;
    const struct sc_json_value *value;
    if (said == NULL) {
        sc_json_array(w, "gpus");
        sc_json_end(w);
        sc_json_null(w, "gpu_driver");
        sc_json_text(w, "gpu_note", why);
        return;
    }
    for (void *at = sc_json_next_member(said, NULL, &key, &value); at != NULL;
         at = sc_json_next_member(said, at, &key, &value)) {
        SC_AUTO_BUF text = { 0 };
        sc_json_dump(value, &text);
        sc_json_raw(w, key, sc_buf_str(&text));
    }
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
