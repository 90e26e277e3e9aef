#pragma once
/* Counters of this process, for GET /metrics. Adding is one atomic instruction on a place that is
 * known when the program is compiled; nothing is looked up, locked or allocated. All begin at 0
 * with the process; what must survive it comes from the store. metric.def has them all.
 *
 *     SC_COUNT(uploads, SC_UPLOAD_STORED, 1);
 *     SC_OBSERVE(store_commit, 0, microseconds);
 *
 * Thread-safe. */

#include "base/buf.h"

#include <stdatomic.h>

/* ---- what the cells of a metric are ---- */

#define SC_METRIC_ROUTES 256 /* rows of the route table; behind them: no route */
#define SC_METRIC_ANSWERS 6  /* none, 1xx to 5xx */
#define SC_METRIC_STAGES 8   /* enum sc_stage */
#define SC_METRIC_FORMATS 16 /* sc_format_all() */
#define SC_METRIC_MODELS 12  /* pairs of an engine and a model; behind them: all others */

enum sc_request_kind { SC_REQUEST_PLAIN, SC_REQUEST_WAIT, SC_REQUEST_UPLOAD };
#define SC_METRIC_REQUEST_KINDS 3
#define SC_HTTP_LIMITS 4 /* enum sc_guard_kind */
enum sc_upload_outcome {
    SC_UPLOAD_STORED,
    SC_UPLOAD_DUPLICATE,
    SC_UPLOAD_REFUSED,
    SC_UPLOAD_FAILED,
    SC_UPLOAD_ABORTED
};
#define SC_UPLOAD_OUTCOMES 5
enum sc_job_end { SC_JOB_END_COMPLETED, SC_JOB_END_FAILED, SC_JOB_END_CANCELLED };
#define SC_JOB_ENDS 3
enum sc_task_setback { SC_TASK_FAILURE, SC_TASK_INTERRUPTION, SC_TASK_RELEASE };
#define SC_TASK_SETBACKS 3
enum sc_worker_loss { SC_WORKER_DIED, SC_WORKER_SILENT };
#define SC_WORKER_LOSSES 2
enum sc_webhook_outcome { SC_WEBHOOK_TAKEN, SC_WEBHOOK_REFUSED, SC_WEBHOOK_GIVEN_UP };
#define SC_WEBHOOK_OUTCOMES 3

/* ---- keeping ---- */

/* Microseconds that this thread has waited for the store: writes, and statements of its own. */
extern _Thread_local int64_t sc_store_waited_us;

enum sc_buckets {
    SC_BUCKETS_SHORT, /* 1 ms to 10 s */
    SC_BUCKETS_LONG,  /* 10 s to 6 h */
};
#define SC_BUCKET_COUNT 5 /* few: each is a series, and of those there shall be 200 at most */

struct sc_histogram {
    _Atomic uint64_t bucket[SC_BUCKET_COUNT + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum_us;
};

#define COUNTER(id, cells, name, labels, help) _Atomic uint64_t id[cells];
#define GAUGE(id, cells, name, labels, help) _Atomic int64_t id[cells];
#define HISTOGRAM(id, cells, buckets, name, labels, help) struct sc_histogram id[cells];
#define READ(id, type, name, labels, help)
struct sc_metrics {
#include "base/metric.def"
};
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef READ
extern struct sc_metrics sc_metrics;

#define COUNTER(id, cells, name, labels, help)
#define GAUGE(id, cells, name, labels, help)
#define HISTOGRAM(id, cells, buckets, name, labels, help) SC_BUCKETS_OF_##id = SC_BUCKETS_##buckets,
#define READ(id, type, name, labels, help)
enum {
#include "base/metric.def"
};
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef READ

/* Adds to a cell of a counter or gauge. */
#define SC_COUNT(id, cell, n) \
    ((void)atomic_fetch_add_explicit(&sc_metrics.id[cell], (n), memory_order_relaxed))
/* Adds a time in microseconds to a cell of a histogram. */
#define SC_OBSERVE(id, cell, us) \
    sc_histogram_observe(&sc_metrics.id[cell], (enum sc_buckets)SC_BUCKETS_OF_##id, (us))
#define SC_COUNTED(id, cell) atomic_load_explicit(&sc_metrics.id[cell], memory_order_relaxed)

/* Times below 0 (the clock of a test) count as 0. */
void sc_histogram_observe(struct sc_histogram *h, enum sc_buckets buckets, int64_t us);

/* The cell of an engine and a model, the same for the same pair; SC_METRIC_MODELS once there are so
 * many others, or for a name that is long or no plain word: a job's model is its maker's text. */
size_t sc_metric_model(const char *engine, const char *model);
/* False: no such cell yet. Borrowed for ever. */
bool sc_metric_model_name(size_t cell, const char **engine, const char **model);

/* ---- times, finely: for quantiles ---- */

/* Four buckets to each doubling, so that a quantile is right to a tenth. */
#define SC_LATENCY_BUCKETS 104
struct sc_latency {
    _Atomic uint64_t bucket[SC_LATENCY_BUCKETS]; /* of microseconds, up to a minute and more */
    _Atomic uint64_t sum_us;
};
void sc_latency_observe(struct sc_latency *l, int64_t us);
struct sc_latency_figures {
    uint64_t count, sum_us;
    int64_t p50_us, p95_us, p99_us;
};
void sc_latency_read(const struct sc_latency *l, struct sc_latency_figures *out);

/* ---- showing: the text format of Prometheus ---- */

#define COUNTER(id, cells, name, labels, help) SC_METRIC_##id,
#define GAUGE(id, cells, name, labels, help) SC_METRIC_##id,
#define HISTOGRAM(id, cells, buckets, name, labels, help) SC_METRIC_##id,
#define READ(id, type, name, labels, help) SC_METRIC_##id,
enum sc_metric {
#include "base/metric.def"
    SC_METRIC_COUNT_
};
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef READ

/* What it is: once, before its samples, which follow without others between them. */
void sc_metric_head(struct sc_buf *out, enum sc_metric id);
/* A sample; values: of its labels, in their order. NULL when it has none. */
void sc_metric_put(struct sc_buf *out, enum sc_metric id, const char *const *values, double sample);
/* The samples of a histogram, in seconds. */
void sc_metric_put_histogram(struct sc_buf *out, enum sc_metric id, const char *const *values,
                             const struct sc_histogram *h, enum sc_buckets buckets);
/* Three quantiles, sum and count. */
void sc_metric_put_summary(struct sc_buf *out, enum sc_metric id, const char *const *values,
                           const struct sc_latency_figures *figures);
