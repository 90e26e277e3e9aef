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

static void put_cpu(struct sc_json *w, const struct sc_system *s)
{
    const struct sc_machine *m = &s->machine;
    sc_json_object(w, "cpu");
    sc_json_text(w, "model", m->cpu[0] == '\0' ? NULL : m->cpu);
    sc_json_int(w, "cores", m->cores);
    sc_json_int(w, "usable", m->usable);
    sc_json_array(w, "load");
    for (size_t i = 0; i < SC_ARRAY_LEN(m->load) && m->load[i] >= 0; i++)
        sc_json_real(w, NULL, m->load[i], 2);
    sc_json_end(w);
    sc_json_seconds(w, "server_seconds", s->usage.cpu_us < 0 ? -1 : s->usage.cpu_us / 1000);
    sc_json_seconds(w, "workers_seconds", s->workers_cpu_us / 1000);
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
    put_cpu(w, s);
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

/* ---- what the views write ---- */

static const struct sc_json_field class_fields[] = {
    SC_SHOW_WORDS(TEXT, "name", sc_words_class, "The class", "normal"),
    SC_SHOW(BOOL, "paused", "None of its tasks is started", "false"),
    SC_SHOW(INT, "pending", "Jobs that wait", "3"),
    SC_SHOW(INT, "running", "Jobs at work", "1"),
    SC_SHOW(INT, "failed", "Jobs that failed", "0"),
    SC_SHOW(INT, "workers", "Workers on them", "1"),
    SC_SHOW(REAL_OR_NULL, "oldest_age_seconds", "How long the oldest has waited", "4.5"),
    SC_SHOW(INT, "max_concurrent", "Jobs at work at most", "4"),
};
static const struct sc_json_shape class_shape = { .name = "QueueClass",
                                                  SC_SHAPE_FIELDS(class_fields) };
static const struct sc_json_field totals_fields[] = { SC_QUEUE_TOTALS };
static const struct sc_json_shape totals_shape = { .name = "QueueTotals",
                                                   SC_SHAPE_FIELDS(totals_fields) };
static const struct sc_json_field worker_fields[] = {
    SC_SHOW(INT, "id", "Names the worker", "3"),
    SC_SHOW(TEXT, "name", "What it calls itself", "w1"),
    SC_SHOW(TEXT, "host", "Where it runs", "localhost"),
    SC_SHOW(INT, "pid", "Its process", "4711"),
    SC_SHOW(TEXT, "device", "What it recognises with", ""),
    SC_SHOW(BOOL, "local", "The server started it", "true"),
    SC_SHOW(BOOL, "busy", "It works on a task", "true"),
    SC_SHOW(UUID_OR_NULL, "current_job", "Its job, where that is yours", NULL),
    SC_SHOW(TIME, "registered_at", "Since when", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME, "last_heartbeat", "When it was heard last", "2026-11-20T14:30:45.123Z"),
};
static const struct sc_json_shape worker_shape = { .name = "Worker",
                                                   SC_SHAPE_FIELDS(worker_fields) };
static const struct sc_json_field queue_fields[] = {
    SC_SHOW_OF(LIST, "queues", &class_shape, "high, normal, low"),
    SC_SHOW_OF(OBJECT, "totals", &totals_shape, NULL),
    SC_SHOW_OF(OBJECT, "throughput", &sc_shape_throughput, NULL),
    SC_SHOW_OF(LIST, "workers", &worker_shape, "Idle and busy ones"),
};
const struct sc_json_shape sc_shape_queue = {
    .name = "Queue",
    SC_SHAPE_FIELDS(queue_fields),
};

static const char *check_word(int index)
{
    return index < SC_CHECK_COUNT_ ? sc_check_to_string((enum sc_check)index) : NULL;
}

static const char *check_status_word(int index)
{
    return index < SC_CHECK_STATUS_COUNT_ ? sc_check_status_to_string((enum sc_check_status)index)
                                          : NULL;
}

static const struct sc_json_field check_fields[] = {
    SC_SHOW_WORDS(TEXT, "name", check_word, "What was looked at", "store"),
    SC_SHOW_WORDS(TEXT, "status", check_status_word, "How it is", "ok"),
    { .name = "code",
      SC_SHOW_TEXT,
      .words = sc_words_code,
      .optional = true,
      .help = "What is amiss" },
    { .name = "message", SC_SHOW_TEXT, .optional = true, .help = "The same as a sentence" },
};
static const struct sc_json_shape check_shape = { .name = "Check", SC_SHAPE_FIELDS(check_fields) };
static const struct sc_json_field health_fields[] = {
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "ok|degraded|stopping",
      .help = "How the server is",
      .example = "ok" },
    SC_SHOW(TEXT, "version", "Of the server", "0.1.0"),
    SC_SHOW(TEXT, "store", "`ok`, or the code of what is wrong", "ok"),
    SC_SHOW(INT_OR_NULL, "workers", "How many; null: unknown", "2"),
    SC_SHOW(REAL, "uptime_seconds", "Since the start", "12.345"),
    SC_SHOW_OF(LIST, "checks", &check_shape, "What was looked at"),
};
const struct sc_json_shape sc_shape_health = {
    .name = "Health",
    SC_SHAPE_FIELDS(health_fields),
};

static const struct sc_json_field reason_fields[] = {
    SC_SHOW_WORDS(TEXT, "code", sc_words_code, "Why", "STORE_READ_ONLY"),
    SC_SHOW(TEXT, "message", "The same as a sentence", "the store cannot be written"),
};
static const struct sc_json_shape reason_shape = { .name = "Reason",
                                                   SC_SHAPE_FIELDS(reason_fields) };
static const struct sc_json_field failure_fields[] = {
    SC_SHOW_WORDS(TEXT, "code", sc_words_code, "Why", "STORE_READ_ONLY"),
    SC_SHOW(TEXT, "message", "The same as a sentence", "the store cannot be written"),
    SC_SHOW(TEXT, "request_id", "Of this call, as in the log of the server", "0198"),
};
static const struct sc_json_shape failure_shape = { .name = "Failure",
                                                    SC_SHAPE_FIELDS(failure_fields) };
static const struct sc_json_field ready_fields[] = {
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "ready|not_ready",
      .help = "Whether work is accepted",
      .example = "ready" },
    SC_SHOW_OF(LIST, "checks", &check_shape, "What was looked at"),
    { .name = "reasons", SC_SHOW_LIST, .of = &reason_shape, .help = "Why not", .example = "[]" },
    { .name = "error",
      SC_SHOW_OBJECT,
      .of = &failure_shape,
      .optional = true,
      .help = "The first reason, as every error is told" },
};
const struct sc_json_shape sc_shape_ready = {
    .name = "Readiness",
    SC_SHAPE_FIELDS(ready_fields),
};

static const struct sc_json_field live_fields[] = {
    SC_SHOW(TEXT, "status", "Always `live`", "live"),
};
const struct sc_json_shape sc_shape_live = {
    .name = "Liveness",
    SC_SHAPE_FIELDS(live_fields),
};

static const struct sc_json_field host_fields[] = {
    SC_SHOW(TEXT, "kernel", "Which one runs", "Linux 6.1.0"),
    SC_SHOW(TEXT, "architecture", "Of the processor", "x86_64"),
    SC_SHOW(REAL_OR_NULL, "uptime_seconds", "Since the machine was started", "86400.0"),
};
static const struct sc_json_shape host_shape = { .name = "Host", SC_SHAPE_FIELDS(host_fields) };
static const struct sc_json_field cpu_fields[] = {
    SC_SHOW(TEXT_OR_NULL, "model", "As it calls itself", "EPYC"),
    SC_SHOW(INT, "cores", "How many there are", "8"),
    SC_SHOW(INT, "usable", "How many this server may use", "8"),
    { .name = "load",
      SC_SHOW_REALS,
      .help = "Over 1, 5 and 15 minutes",
      .example = "[0.25, 0.31, 0.4]" },
    SC_SHOW(REAL_OR_NULL, "server_seconds", "Processor time of the server since its start", "1.25"),
    SC_SHOW(REAL, "workers_seconds",
            "The same of the workers and decoders that it has started, and of what these ran",
            "312.5"),
};
static const struct sc_json_shape cpu_shape = { .name = "Cpu", SC_SHAPE_FIELDS(cpu_fields) };
static const struct sc_json_field memory_fields[] = {
    SC_SHOW(INT_OR_NULL, "total_bytes", "What there is", "16777216000"),
    SC_SHOW(INT_OR_NULL, "free_bytes", "What can be had without swapping", "8388608000"),
    SC_SHOW(INT_OR_NULL, "server_bytes", "What this server has", "41943040"),
    SC_SHOW(INT, "workers_bytes", "What the local workers have", "125829120"),
};
static const struct sc_json_shape memory_shape = { .name = "Memory",
                                                   SC_SHAPE_FIELDS(memory_fields) };
static const struct sc_json_field disk_fields[] = {
    SC_SHOW(TEXT, "name", "The folder, below the data folder", "data"),
    SC_SHOW(INT_OR_NULL, "total_bytes", "What there is", "77001312256"),
    SC_SHOW(INT_OR_NULL, "free_bytes", "What is free", "38500656128"),
};
static const struct sc_json_shape disk_shape = { .name = "Disk", SC_SHAPE_FIELDS(disk_fields) };
static const struct sc_json_field crew_fields[] = {
    SC_SHOW(INT, "places", "Workers that this server starts itself, at most", "2"),
    SC_SHOW(INT, "alive", "Workers that are heard", "2"),
    SC_SHOW(INT, "local", "Of these, on this machine", "2"),
    SC_SHOW(INT, "busy", "Of these, at work", "1"),
};
static const struct sc_json_shape crew_shape = { .name = "WorkerCounts",
                                                 SC_SHAPE_FIELDS(crew_fields) };
static const struct sc_json_field gpu_fields[] = {
    SC_SHOW(INT, "index", "From 0", "0"),
    SC_SHOW(TEXT, "name", "As it calls itself", "NVIDIA T4"),
    SC_SHOW(INT_OR_NULL, "memory_total_bytes", "What it has", "16106127360"),
    SC_SHOW(INT_OR_NULL, "memory_free_bytes", "What is free", "15032385536"),
    SC_SHOW(INT_OR_NULL, "utilisation_percent", "How busy it is", "0"),
    SC_SHOW(INT_OR_NULL, "temperature_celsius", "How warm it is", "41"),
};
static const struct sc_json_shape gpu_shape = { .name = "Gpu", SC_SHAPE_FIELDS(gpu_fields) };
static const struct sc_json_field system_fields[] = {
    SC_SHOW(TEXT, "version", "Of the server", "0.1.0"),
    SC_SHOW(INT, "schema_version", "Of the store that it knows", "5"),
    SC_SHOW(TIME, "started_at", "When it was started", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(REAL, "uptime_seconds", "Since then", "12.345"),
    SC_SHOW_OF(OBJECT, "host", &host_shape, NULL),
    SC_SHOW_OF(OBJECT, "cpu", &cpu_shape, NULL),
    SC_SHOW_OF(OBJECT, "memory", &memory_shape, NULL),
    SC_SHOW_OF(LIST, "disks", &disk_shape, "One for each file system below the data folder"),
    SC_SHOW_OF(OBJECT, "workers", &crew_shape, NULL),
    SC_SHOW_OF(LIST, "gpus", &gpu_shape, "Those that NVIDIA's driver tells of"),
    SC_SHOW(TEXT_OR_NULL, "gpu_driver", "Its version", NULL),
    SC_SHOW(TEXT_OR_NULL, "gpu_note", "Why there is none", "no GPU: there is no NVIDIA driver"),
};
const struct sc_json_shape sc_shape_system = {
    .name = "System",
    .help = "The machine of the server",
    SC_SHAPE_FIELDS(system_fields),
};

static const struct sc_json_field paused_fields[] = {
    SC_SHOW_WORDS(TEXT, "name", sc_words_class, "The class", "low"),
    SC_SHOW(BOOL, "paused", "Whether it is", "true"),
};
const struct sc_json_shape sc_shape_paused = {
    .name = "PausedQueue",
    SC_SHAPE_FIELDS(paused_fields),
};

static const struct sc_json_field store_fields[] = {
    SC_SHOW(TEXT, "data_dir", "The data folder", "/var/lib/scripta"),
    SC_SHOW(INT, "schema_version", "Of the store", "3"),
    SC_SHOW(INT, "schema_known", "The newest that the program knows", "3"),
    SC_SHOW(INT, "size_bytes", "Of the database", "4096000"),
    SC_SHOW(INT, "wal_bytes", "Of its log", "32768"),
    SC_SHOW(INT, "pages", "How many", "1000"),
    SC_SHOW(INT, "free_pages", "Unused ones", "0"),
    SC_SHOW(INT, "page_size", "In bytes", "4096"),
    { .name = SC_STORE_TABLES,
      SC_SHOW_OBJECT,
      .items = SC_JSON_INT,
      .help = "How many rows each table has",
      .example = "{\"jobs\": 44}" },
};
const struct sc_json_shape sc_shape_store = {
    .name = "StoreInfo",
    SC_SHAPE_FIELDS(store_fields),
};

static const struct sc_json_field verdict_fields[] = {
    SC_SHOW(TEXTS, "problems", "Every one that was found", "[]"),
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "ok|damaged",
      .help = "The verdict",
      .example = "ok" },
    { .name = "error",
      SC_SHOW_OBJECT,
      .of = &failure_shape,
      .optional = true,
      .help = "When it is damaged" },
};
const struct sc_json_shape sc_shape_store_check = {
    .name = "StoreCheck",
    SC_SHAPE_FIELDS(verdict_fields),
};
