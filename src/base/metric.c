#include "base/metric.h"

#include "base/lock.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

struct sc_metrics sc_metrics;
_Thread_local int64_t sc_store_waited_us;

/* ---- histograms ---- */

static const int64_t bounds[][SC_BUCKET_COUNT] = {
    [SC_BUCKETS_SHORT] = { 1000, 10000, 100000, 1000000, 10000000 },
    [SC_BUCKETS_LONG] = { 10000000, 60000000, 600000000, 3600000000, 21600000000 },
};

static void add(_Atomic uint64_t *cell, uint64_t n)
{
    (void)atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

static uint64_t value_of(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

void sc_histogram_observe(struct sc_histogram *h, enum sc_buckets buckets, int64_t us)
{
    size_t i = 0;
    us = SC_MAX(us, 0);
    while (i < SC_BUCKET_COUNT && us > bounds[buckets][i])
        i++;
    add(&h->bucket[i], 1);
    add(&h->sum_us, (uint64_t)us);
}

/* Below 4 each value has its own bucket, from there on each quarter of a doubling. */
static size_t latency_bucket(uint64_t us)
{
    if (us < 4)
        return (size_t)us;
    unsigned top = 63u - (unsigned)__builtin_clzll(us);
    size_t i = 4 * (size_t)(top - 1) + (size_t)(us >> (top - 2) & 3);
    return SC_MIN(i, (size_t)SC_LATENCY_BUCKETS - 1);
}

/* The middle of a bucket. */
static int64_t latency_of(size_t i)
{
    if (i < 4)
        return (int64_t)i;
    unsigned top = (unsigned)(i / 4) + 1;
    int64_t step = INT64_C(1) << (top - 2);
    return (int64_t)(4 + i % 4) * step + step / 2;
}

void sc_latency_observe(struct sc_latency *l, int64_t us)
{
    us = SC_MAX(us, 0);
    add(&l->bucket[latency_bucket((uint64_t)us)], 1);
    add(&l->sum_us, (uint64_t)us);
}

/* The value that `part` of all values do not exceed. */
static int64_t quantile(const uint64_t counts[SC_LATENCY_BUCKETS], uint64_t total, double part)
{
    double wanted = ceil((double)total * part);
    double seen = 0;
    for (size_t i = 0; i < SC_LATENCY_BUCKETS; i++) {
        seen += (double)counts[i];
        if (counts[i] > 0 && seen >= wanted)
            return latency_of(i);
    }
    return 0;
}

void sc_latency_read(const struct sc_latency *l, struct sc_latency_figures *out)
{
    uint64_t counts[SC_LATENCY_BUCKETS];
    *out = (struct sc_latency_figures){ .sum_us = value_of(&l->sum_us) };
    for (size_t i = 0; i < SC_LATENCY_BUCKETS; i++) {
        counts[i] = value_of(&l->bucket[i]);
        out->count += counts[i];
    }
    out->p50_us = quantile(counts, out->count, 0.5);
    out->p95_us = quantile(counts, out->count, 0.95);
    out->p99_us = quantile(counts, out->count, 0.99);
}

/* ---- engines and models ---- */

#define NAME_MAX_ 40

static pthread_mutex_t models_lock = PTHREAD_MUTEX_INITIALIZER;
/* Rows are written under the lock, once, before the count says that they are there. */
static struct {
    char engine[NAME_MAX_ + 1], model[NAME_MAX_ + 1];
} models[SC_METRIC_MODELS];
static atomic_size_t model_count;

static bool is_plain(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    size_t len = strlen(name);
    return len <= NAME_MAX_ && strspn(name, plain) == len;
}

size_t sc_metric_model(const char *engine, const char *model)
{
    if (!is_plain(engine) || !is_plain(model))
        return SC_METRIC_MODELS;
    SC_LOCK(&models_lock);
    size_t n = atomic_load(&model_count);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(models[i].engine, engine) == 0 && strcmp(models[i].model, model) == 0)
            return i;
    }
    if (n == SC_METRIC_MODELS)
        return SC_METRIC_MODELS;
    (void)snprintf(models[n].engine, sizeof(models[n].engine), "%s", engine);
    (void)snprintf(models[n].model, sizeof(models[n].model), "%s", model);
    atomic_store(&model_count, n + 1);
    return n;
}

bool sc_metric_model_name(size_t cell, const char **engine, const char **model)
{
    *engine = *model = "other";
    if (cell == SC_METRIC_MODELS)
        return true;
    if (cell >= atomic_load(&model_count))
        return false;
    *engine = models[cell].engine;
    *model = models[cell].model;
    return true;
}

/* ---- the text format ---- */

struct row {
    const char *name, *type, *labels, *help;
};

#define TYPE_COUNTER "counter"
#define TYPE_GAUGE "gauge"
#define TYPE_SUMMARY "summary"
static const struct row rows[] = {
#define COUNTER(id, cells, name, labels, help) { name, TYPE_COUNTER, labels, help },
#define GAUGE(id, cells, name, labels, help) { name, TYPE_GAUGE, labels, help },
#define HISTOGRAM(id, cells, buckets, name, labels, help) { name, "histogram", labels, help },
#define READ(id, type, name, labels, help) { name, TYPE_##type, labels, help },
#include "base/metric.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef READ
};

void sc_metric_head(struct sc_buf *out, enum sc_metric id)
{
    const struct row *row = &rows[id];
    sc_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, row->type);
}

static void put_label(struct sc_buf *out, bool first, struct sc_str name, const char *value)
{
    sc_buf_puts(out, first ? "{" : ",");
    sc_buf_put_str(out, name);
    sc_buf_puts(out, "=\"");
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            sc_buf_putc(out, '\\');
        if (*value == '\n')
            sc_buf_puts(out, "\\n");
        else
            sc_buf_putc(out, *value);
    }
    sc_buf_putc(out, '"');
}

/* A sample's name and labels; `extra`, NULL: none, is one more label. */
static void put_series(struct sc_buf *out, const struct row *row, const char *suffix,
                       const char *const *values, const char *extra, const char *extra_value)
{
    struct sc_str rest = sc_str_from(row->labels);
    bool first = true;
    sc_buf_puts(out, row->name);
    sc_buf_puts(out, suffix);
    for (size_t i = 0; rest.len > 0; i++, first = false)
        put_label(out, first, sc_str_take_until(&rest, ','), values[i]);
    if (extra != NULL) {
        put_label(out, first, sc_str_from(extra), extra_value);
        first = false;
    }
    sc_buf_puts(out, first ? " " : "} ");
}

/* Whole numbers whole, others as short as they read back. */
static void put_number(struct sc_buf *out, double sample)
{
    if (fabs(sample) < 1e15 && sample == floor(sample))
        sc_buf_printf(out, "%.0f\n", sample);
    else
        sc_buf_printf(out, "%.15g\n", sample);
}

void sc_metric_put(struct sc_buf *out, enum sc_metric id, const char *const *values, double sample)
{
    put_series(out, &rows[id], "", values, NULL, NULL);
    put_number(out, sample);
}

void sc_metric_put_histogram(struct sc_buf *out, enum sc_metric id, const char *const *values,
                             const struct sc_histogram *h, enum sc_buckets buckets)
{
    uint64_t seen = 0;
    for (size_t i = 0; i <= SC_BUCKET_COUNT; i++) {
        char bound[24] = "+Inf";
        if (i < SC_BUCKET_COUNT)
            (void)snprintf(bound, sizeof(bound), "%g", (double)bounds[buckets][i] / 1e6);
        seen += value_of(&h->bucket[i]);
        put_series(out, &rows[id], "_bucket", values, "le", bound);
        put_number(out, (double)seen);
    }
    put_series(out, &rows[id], "_sum", values, NULL, NULL);
    put_number(out, (double)value_of(&h->sum_us) / 1e6);
    put_series(out, &rows[id], "_count", values, NULL, NULL);
    put_number(out, (double)seen);
}

void sc_metric_put_summary(struct sc_buf *out, enum sc_metric id, const char *const *values,
                           const struct sc_latency_figures *figures)
{
    const struct {
        const char *part;
        int64_t us;
    } quantiles[] = { { "0.5", figures->p50_us },
                      { "0.95", figures->p95_us },
                      { "0.99", figures->p99_us } };
    for (size_t i = 0; i < SC_ARRAY_LEN(quantiles); i++) {
        put_series(out, &rows[id], "", values, "quantile", quantiles[i].part);
        put_number(out, (double)quantiles[i].us / 1e6);
    }
    put_series(out, &rows[id], "_sum", values, NULL, NULL);
    put_number(out, (double)figures->sum_us / 1e6);
    put_series(out, &rows[id], "_count", values, NULL, NULL);
    put_number(out, (double)figures->count);
}
