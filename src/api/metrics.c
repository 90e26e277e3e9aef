/* GET /metrics: what base/metric.def lists. What is counted in memory is always told; what has to
 * be asked of the store has no samples while that cannot be read. */

#include "api/api-internal.h"

#include "base/metric.h"
#include "http/answer.h"
#include "sys/file.h"
#include "sys/machine.h"
#include "transcript/writer.h"

#include "base/banned.h"

#define STATEMENTS 4     /* shown */
#define WORKER_ENGINES 8 /* told apart */
#define GPUS 8           /* shown */
#define WORKERS_MAX 1000 /* asked for their jobs */
#define DELIVERIES_COUNTED 10000
#define LABELS(...) ((const char *const[]){ __VA_ARGS__ })

/* ---- plain ones ---- */

static void put_one(struct sc_buf *out, enum sc_metric id, double sample)
{
    sc_metric_head(out, id);
    sc_metric_put(out, id, NULL, sample);
}

/* What cannot be found out (-1) is not told. */
static void put_known(struct sc_buf *out, enum sc_metric id, int64_t value, double unit)
{
    sc_metric_head(out, id);
    if (value >= 0)
        sc_metric_put(out, id, NULL, (double)value / unit);
}

#define PUT_COUNTED(out, id) put_one((out), SC_METRIC_##id, (double)SC_COUNTED(id, 0))
/* A counter with one label. */
#define PUT_COUNTERS(out, id, names)                                                        \
    do {                                                                                    \
        sc_metric_head((out), SC_METRIC_##id);                                              \
        for (size_t i_ = 0; i_ < SC_ARRAY_LEN(names); i_++)                                 \
            sc_metric_put((out), SC_METRIC_##id, &(names)[i_], (double)SC_COUNTED(id, i_)); \
    } while (0)
#define PUT_HISTOGRAM(out, id, cell, values)                                       \
    sc_metric_put_histogram((out), SC_METRIC_##id, (values), &sc_metrics.id[cell], \
                            (enum sc_buckets)SC_BUCKETS_OF_##id)

static bool is_used(const struct sc_histogram *h)
{
    for (size_t i = 0; i <= SC_BUCKET_COUNT; i++) {
        if (atomic_load_explicit(&h->bucket[i], memory_order_relaxed) > 0)
            return true;
    }
    return false;
}

/* ---- requests ---- */

static const char *const answers[SC_METRIC_ANSWERS] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

/* Series that nothing was ever counted in are left out: most routes of most servers. */
static void put_requests(struct sc_buf *out)
{
    size_t count;
    const struct sc_route *routes = sc_api_routes(&count);
    sc_metric_head(out, SC_METRIC_http_requests);
    for (size_t i = 0; i <= SC_METRIC_ROUTES; i++) {
        const char *path = i < count ? routes[i].pattern : "other";
        const char *method = i < count ? routes[i].method : "other";
        for (size_t k = 0; k < SC_METRIC_ANSWERS; k++) {
            uint64_t n = SC_COUNTED(http_requests, i * SC_METRIC_ANSWERS + k);
            if (n > 0)
                sc_metric_put(out, SC_METRIC_http_requests, LABELS(path, method, answers[k]),
                              (double)n);
        }
    }
    sc_metric_head(out, SC_METRIC_http_route_us);
    for (size_t i = 0; i <= SC_METRIC_ROUTES; i++) {
        uint64_t us = SC_COUNTED(http_route_us, i);
        if (us > 0)
            sc_metric_put(out, SC_METRIC_http_route_us,
                          LABELS(i < count ? routes[i].pattern : "other",
                                 i < count ? routes[i].method : "other"),
                          (double)us / 1e6);
    }
}

static void put_http(struct sc_buf *out)
{
    static const char *const kinds[] = { "request", "wait", "upload" };
    static const char *const limits[] = { "token", "address", "failures", "connections" };
    static const char *const outcomes[] = { "stored", "duplicate", "refused", "failed", "aborted" };
    size_t count;
    const struct sc_format *formats = sc_format_all(&count);
    put_requests(out);
    sc_metric_head(out, SC_METRIC_http_duration);
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        if (is_used(&sc_metrics.http_duration[i]))
            PUT_HISTOGRAM(out, http_duration, i, &kinds[i]);
    }
    PUT_COUNTED(out, http_in_flight);
    PUT_COUNTERS(out, http_limited, limits);
    PUT_COUNTERS(out, uploads, outcomes);
    sc_metric_head(out, SC_METRIC_exports);
    for (size_t i = 0; i < count; i++)
        sc_metric_put(out, SC_METRIC_exports, &formats[i].name, (double)SC_COUNTED(exports, i));
}

/* ---- the queue ---- */

static void put_classes(struct sc_buf *out, const struct sc_queue_stats *stats)
{
    sc_metric_head(out, SC_METRIC_queue_jobs);
    for (int i = 0; stats != NULL && i < SC_CLASS_COUNT_; i++) {
        const char *name = sc_class_to_string((enum sc_class)i);
        sc_metric_put(out, SC_METRIC_queue_jobs, LABELS(name, "pending"),
                      (double)stats->class[i].pending);
        sc_metric_put(out, SC_METRIC_queue_jobs, LABELS(name, "running"),
                      (double)stats->class[i].running);
    }
    sc_metric_head(out, SC_METRIC_queue_oldest);
    for (int i = 0; stats != NULL && i < SC_CLASS_COUNT_; i++)
        sc_metric_put(out, SC_METRIC_queue_oldest, LABELS(sc_class_to_string((enum sc_class)i)),
                      (double)stats->class[i].oldest_age_ms / 1e3);
    sc_metric_head(out, SC_METRIC_queue_paused);
    for (int i = 0; stats != NULL && i < SC_CLASS_COUNT_; i++)
        sc_metric_put(out, SC_METRIC_queue_paused, LABELS(sc_class_to_string((enum sc_class)i)),
                      stats->class[i].paused);
}

static void put_stages(struct sc_buf *out)
{
    sc_metric_head(out, SC_METRIC_stages);
    for (size_t i = 0; i < SC_STAGE_COUNT_; i++) {
        if (SC_COUNTED(stages, i) > 0)
            sc_metric_put(out, SC_METRIC_stages, LABELS(sc_stage_to_string((enum sc_stage)i)),
                          (double)SC_COUNTED(stages, i));
    }
    sc_metric_head(out, SC_METRIC_stage_ms);
    for (size_t i = 0; i < SC_STAGE_COUNT_; i++) {
        if (SC_COUNTED(stages, i) > 0)
            sc_metric_put(out, SC_METRIC_stage_ms, LABELS(sc_stage_to_string((enum sc_stage)i)),
                          (double)SC_COUNTED(stage_ms, i) / 1e3);
    }
}

/* stats NULL: they cannot be had. */
static void put_queue(struct sc_buf *out, const struct sc_queue_stats *stats)
{
    static const char *const ends[] = { "completed", "failed", "cancelled" };
    static const char *const setbacks[] = { "failure", "interruption", "release" };
    put_classes(out, stats);
    sc_metric_head(out, SC_METRIC_tasks);
    if (stats != NULL) {
        sc_metric_put(out, SC_METRIC_tasks, LABELS("ready"), (double)stats->tasks_ready);
        sc_metric_put(out, SC_METRIC_tasks, LABELS("running"), (double)stats->tasks_running);
    }
    sc_metric_head(out, SC_METRIC_jobs_ever);
    if (stats != NULL) {
        sc_metric_put(out, SC_METRIC_jobs_ever, &ends[0], (double)stats->completed_total);
        sc_metric_put(out, SC_METRIC_jobs_ever, &ends[1], (double)stats->failed_total);
    }
    PUT_COUNTERS(out, jobs_ended, ends);
    sc_metric_head(out, SC_METRIC_job_duration);
    PUT_HISTOGRAM(out, job_duration, 0, NULL);
    put_stages(out);
    PUT_COUNTERS(out, task_setbacks, setbacks);
}

/* ---- engines and workers ---- */

#define PUT_MODELS(out, id, unit)                                                                  \
    do {                                                                                           \
        const char *names_[2];                                                                     \
        sc_metric_head((out), SC_METRIC_##id);                                                     \
        for (size_t i_ = 0; i_ <= SC_METRIC_MODELS; i_++) {                                        \
            if (SC_COUNTED(engine_chunks, i_) > 0 &&                                               \
                sc_metric_model_name(i_, &names_[0], &names_[1]))                                  \
                sc_metric_put((out), SC_METRIC_##id, names_, (double)SC_COUNTED(id, i_) / (unit)); \
        }                                                                                          \
    } while (0)

static void put_engines(struct sc_buf *out)
{
    PUT_MODELS(out, engine_chunks, 1.0);
    PUT_MODELS(out, engine_audio_ms, 1e3);
    PUT_MODELS(out, engine_busy_ms, 1e3);
    PUT_MODELS(out, engine_loads, 1.0);
    PUT_MODELS(out, engine_load_ms, 1e3);
    sc_metric_head(out, SC_METRIC_engine_speed);
    for (size_t i = 0; i <= SC_METRIC_MODELS; i++) {
        const char *names[2];
        uint64_t busy = SC_COUNTED(engine_busy_ms, i);
        if (busy > 0 && sc_metric_model_name(i, &names[0], &names[1]))
            sc_metric_put(out, SC_METRIC_engine_speed, names,
                          (double)SC_COUNTED(engine_audio_ms, i) / (double)busy);
    }
}

struct worker_count {
    struct sc_conn *conn;
    int64_t idle, busy;
    int64_t cpu_us; /* of the local ones */
    struct {
        char name[24];
        int64_t busy;
    } engines[WORKER_ENGINES + 1]; /* the last: any other */
    size_t engine_count;
};

static void count_engine(struct worker_count *c, const char *engine)
{
    size_t i = 0;
    while (i < c->engine_count && strcmp(c->engines[i].name, engine) != 0)
        i++;
    if (i == c->engine_count && i < WORKER_ENGINES) {
        (void)snprintf(c->engines[i].name, sizeof(c->engines[i].name), "%s", engine);
        c->engine_count++;
    }
    c->engines[i].busy++;
}

static enum sc_code count_worker(void *ctx, const struct sc_worker *worker, struct sc_error *err)
{
    struct worker_count *c = ctx;
    SC_AUTO_JOB job = { 0 };
    if (sc_api_is_server(worker))
        return SC_OK;
    if (worker->local)
        c->cpu_us += SC_MAX(0, sc_process_cpu(worker->pid));
    if (worker->job_id[0] == '\0') {
        c->idle++;
        return SC_OK;
    }
    if (c->busy++ >= WORKERS_MAX)
        return SC_OK;
    enum sc_code code = sc_job_find(c->conn, 0, worker->job_id, &job, err);
    if (code == SC_OK)
        count_engine(c, job.engine[0] == '\0' ? "none" : job.engine);
    return code == SC_E_JOB_NOT_FOUND ? SC_OK : code; /* it is being deleted */
}

/* c NULL: they cannot be counted. */
static void put_workers(struct sc_buf *out, struct sc_api *api, const struct worker_count *c)
{
    static const char *const losses[] = { "died", "silent" };
    sc_metric_head(out, SC_METRIC_workers);
    if (c != NULL) {
        sc_metric_put(out, SC_METRIC_workers, LABELS("idle"), (double)c->idle);
        sc_metric_put(out, SC_METRIC_workers, LABELS("busy"), (double)c->busy);
    }
    sc_metric_head(out, SC_METRIC_worker_engines);
    for (size_t i = 0; c != NULL && i < c->engine_count; i++)
        sc_metric_put(out, SC_METRIC_worker_engines, LABELS(c->engines[i].name),
                      (double)c->engines[i].busy);
    if (c != NULL && c->engines[WORKER_ENGINES].busy > 0)
        sc_metric_put(out, SC_METRIC_worker_engines, LABELS("other"),
                      (double)c->engines[WORKER_ENGINES].busy);
    put_known(out, SC_METRIC_workers_cpu, c == NULL ? -1 : sc_api_workers_cpu(api, c->cpu_us), 1e6);
    PUT_COUNTERS(out, workers_lost, losses);
}

/* ---- GPUs ---- */

/* Those that the driver tells: a figure that it does not know has no sample. */
static void put_gpus(struct sc_buf *out, const struct sc_json_value *gpus)
{
    size_t count = SC_MIN(sc_json_count(gpus), (size_t)GPUS);
    char names[GPUS][24];
    sc_metric_head(out, SC_METRIC_gpu_memory);
    for (size_t i = 0; i < count; i++) {
        const struct sc_json_value *gpu = sc_json_at(gpus, i);
        int64_t all = sc_json_get_int(sc_json_member(gpu, "memory_total_bytes"), -1);
        int64_t left = sc_json_get_int(sc_json_member(gpu, "memory_free_bytes"), -1);
        (void)snprintf(names[i], sizeof(names[i]), "%lld",
                       (long long)sc_json_get_int(sc_json_member(gpu, "index"), (int64_t)i));
        if (left >= 0 && all >= left) {
            sc_metric_put(out, SC_METRIC_gpu_memory, LABELS(names[i], "used"),
                          (double)(all - left));
            sc_metric_put(out, SC_METRIC_gpu_memory, LABELS(names[i], "free"), (double)left);
        }
    }
    static const struct {
        enum sc_metric id;
        const char *member;
        double unit;
    } figures[] = { { SC_METRIC_gpu_used, "utilisation_percent", 100 },
                    { SC_METRIC_gpu_heat, "temperature_celsius", 1 } };
    for (size_t f = 0; f < SC_ARRAY_LEN(figures); f++) {
        sc_metric_head(out, figures[f].id);
        for (size_t i = 0; i < count; i++) {
            double value =
                sc_json_get_real(sc_json_member(sc_json_at(gpus, i), figures[f].member), -1);
            if (value >= 0)
                sc_metric_put(out, figures[f].id, LABELS(names[i]), value / figures[f].unit);
        }
    }
}

static void put_devices(struct sc_buf *out, struct sc_api *api)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF said = { 0 };
    if (sc_pipelines_devices(api->options.pipelines, true, &said, NULL) == SC_OK)
        (void)!sc_json_parse(sc_buf_str(&said), &doc, NULL);
    put_gpus(out, doc == NULL ? NULL : sc_json_member(sc_json_root(doc), "gpus"));
}

/* ---- the store ---- */

static void put_statements(struct sc_buf *out)
{
    struct sc_statement_figures list[STATEMENTS];
    uint64_t runs;
    size_t count = sc_store_statements(list, STATEMENTS, &runs);
    sc_metric_head(out, SC_METRIC_statements);
    for (size_t i = 0; i < count; i++)
        sc_metric_put_summary(out, SC_METRIC_statements, &list[i].name, &list[i].latency);
    put_one(out, SC_METRIC_statement_runs, (double)runs);
}

static void put_store(struct sc_buf *out, struct sc_store *store, const struct sc_store_use *use)
{
    static const char *const syncs[] = { "none", "full" };
    put_statements(out);
    sc_metric_head(out, SC_METRIC_store_commit);
    PUT_HISTOGRAM(out, store_commit, 0, NULL);
    PUT_COUNTERS(out, store_commits, syncs);
    PUT_COUNTED(out, store_failures);
    sc_metric_head(out, SC_METRIC_store_write);
    PUT_HISTOGRAM(out, store_write, 0, NULL);
    PUT_COUNTED(out, store_queue);
    sc_metric_head(out, SC_METRIC_store_readers);
    sc_metric_put(out, SC_METRIC_store_readers, LABELS("lent"), use->lent);
    sc_metric_put(out, SC_METRIC_store_readers, LABELS("free"), use->readers - use->lent);
    PUT_COUNTED(out, store_reader_waits);
    put_one(out, SC_METRIC_store_writable, sc_store_is_writable(store, NULL));
}

/* audio: bytes of recordings, -1: unknown. */
static void put_storage(struct sc_buf *out, const struct sc_config *config,
                        const struct sc_store_use *use, int64_t audio)
{
    int64_t left = sc_disk_free(config->data_dir);
    int64_t limit = config->upload_quota;
    if (limit == 0 && audio >= 0 && left >= 0)
        limit = audio + SC_MAX(0, left - config->upload_reserve);
    sc_metric_head(out, SC_METRIC_storage);
    if (audio >= 0)
        sc_metric_put(out, SC_METRIC_storage, LABELS("audio"), (double)audio);
    sc_metric_put(out, SC_METRIC_storage, LABELS("store"), (double)use->size_bytes);
    sc_metric_put(out, SC_METRIC_storage, LABELS("wal"), (double)use->wal_bytes);
    put_known(out, SC_METRIC_storage_limit, limit == 0 ? -1 : limit, 1);
    put_known(out, SC_METRIC_storage_used, limit == 0 ? -1 : audio, (double)limit);
    put_known(out, SC_METRIC_disk_free, left, 1);
    put_known(out, SC_METRIC_disk_size, sc_disk_size(config->data_dir), 1);
}

/* ---- the process ---- */

static void put_process(struct sc_buf *out)
{
    struct sc_usage usage;
    sc_usage_read(&usage);
    put_known(out, SC_METRIC_process_memory, usage.resident_bytes, 1);
    put_known(out, SC_METRIC_process_cpu, usage.cpu_us, 1e6);
    put_known(out, SC_METRIC_process_fds, usage.fds, 1);
    put_known(out, SC_METRIC_process_max_fds, usage.max_fds, 1);
    put_known(out, SC_METRIC_process_threads, usage.threads, 1);
    put_known(out, SC_METRIC_process_start, usage.started_ms, 1e3);
    sc_metric_head(out, SC_METRIC_build);
    sc_metric_put(out, SC_METRIC_build, LABELS(SC_VERSION), 1);
}

/* ---- webhooks ---- */

/* owed -1: not known. */
static void put_webhooks(struct sc_buf *out, int64_t owed)
{
    static const char *const outcomes[] = { "delivered", "failed", "given_up" };
    PUT_COUNTERS(out, webhook_attempts, outcomes);
    sc_metric_head(out, SC_METRIC_webhook_duration);
    if (is_used(&sc_metrics.webhook_duration[0]))
        PUT_HISTOGRAM(out, webhook_duration, 0, NULL);
    PUT_COUNTED(out, webhooks_disabled);
    sc_metric_head(out, SC_METRIC_webhook_owed);
    if (owed >= 0)
        sc_metric_put(out, SC_METRIC_webhook_owed, NULL, (double)owed);
}

/* ---- all of it ---- */

/* What only the store knows. */
struct stored {
    struct sc_queue_stats stats;
    struct worker_count workers;
    int64_t audio, owed;
};

static enum sc_code read_stored(struct sc_api *api, struct stored *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_queue_stats(api->options.queue, conn, &out->stats, err);
    if (code == SC_OK)
        code = sc_storage_used(conn, &out->audio, err);
    if (code == SC_OK)
        code = sc_deliveries_owed(conn, DELIVERIES_COUNTED, &out->owed, err);
    out->workers.conn = conn;
    if (code == SC_OK)
        code = sc_worker_list(api->options.queue, conn, count_worker, &out->workers, err);
    out->workers.conn = NULL;
    return code;
}

struct sc_done *sc_api_metrics_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct stored stored = { .audio = -1 };
    struct sc_store_use use;
    SC_AUTO_BUF body = { 0 };
    enum sc_code code = sc_query_none(req, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    bool known = read_stored(api, &stored, &err) == SC_OK;
    sc_store_use(api->options.store, &use);
    put_http(&body);
    put_queue(&body, known ? &stored.stats : NULL);
    put_engines(&body);
    put_devices(&body, api);
    put_workers(&body, api, known ? &stored.workers : NULL);
    put_store(&body, api->options.store, &use);
    put_storage(&body, sc_config_now(api->options.config), &use, known ? stored.audio : -1);
    PUT_COUNTED(&body, events_published);
    PUT_COUNTED(&body, events_dropped);
    PUT_COUNTED(&body, sockets_open);
    put_one(&body, SC_METRIC_subscribers, sc_hub_subscribers(api->options.hub));
    put_webhooks(&body, known ? stored.owed : -1);
    put_process(&body);
    sc_reply_header(req, "Cache-Control", "no-store");
    sc_reply_is_any_type(req); /* whoever asks for OpenMetrics alone reads this too */
    return sc_reply_bytes(req, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

SC_API_DOC(metrics_show) = {
    .replies = { { 200, .types = "text/plain", .help = "In the text format of Prometheus" } },
};
