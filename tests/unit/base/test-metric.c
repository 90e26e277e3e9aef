#include "base/metric.h"

#include "testing.h"

#include "base/banned.h"

static bool holds(const struct sc_buf *page, const char *line)
{
    return strstr(sc_buf_text(page), line) != NULL;
}

static void a_histogram_counts_up_to_and_with_each_bound(void **state)
{
    (void)state;
    static struct sc_histogram h;
    SC_AUTO_BUF page = { 0 };
    const int64_t values[] = { -5, 0, 1000, 1001, 10000000, 10000001 };
    for (size_t i = 0; i < SC_ARRAY_LEN(values); i++)
        sc_histogram_observe(&h, SC_BUCKETS_SHORT, values[i]);
    sc_metric_put_histogram(&page, SC_METRIC_store_commit, NULL, &h, SC_BUCKETS_SHORT);
    assert_string_equal(sc_buf_text(&page), "scripta_store_commit_seconds_bucket{le=\"0.001\"} 3\n"
                                            "scripta_store_commit_seconds_bucket{le=\"0.01\"} 4\n"
                                            "scripta_store_commit_seconds_bucket{le=\"0.1\"} 4\n"
                                            "scripta_store_commit_seconds_bucket{le=\"1\"} 4\n"
                                            "scripta_store_commit_seconds_bucket{le=\"10\"} 5\n"
                                            "scripta_store_commit_seconds_bucket{le=\"+Inf\"} 6\n"
                                            "scripta_store_commit_seconds_sum 20.002002\n"
                                            "scripta_store_commit_seconds_count 6\n");
}

static void long_times_have_bounds_of_their_own(void **state)
{
    (void)state;
    static struct sc_histogram h;
    SC_AUTO_BUF page = { 0 };
    sc_histogram_observe(&h, SC_BUCKETS_LONG, INT64_C(3600000001));
    sc_metric_put_histogram(&page, SC_METRIC_job_duration, NULL, &h, SC_BUCKETS_LONG);
    assert_true(holds(&page, "_bucket{le=\"3600\"} 0\n"));
    assert_true(holds(&page, "_bucket{le=\"21600\"} 1\n"));
    assert_true(holds(&page, "_sum 3600.000001\n"));
}

static void what_a_label_holds_cannot_leave_its_quotes(void **state)
{
    (void)state;
    SC_AUTO_BUF page = { 0 };
    const char *const values[] = { "a\"b\\c\nx", "x" };
    sc_metric_head(&page, SC_METRIC_engine_speed);
    sc_metric_put(&page, SC_METRIC_engine_speed, values, 1.5);
    assert_true(holds(&page, "# TYPE scripta_engine_speed_ratio gauge\n"
                             "scripta_engine_speed_ratio{engine=\"a\\\"b\\\\c\\nx\",model=\"x\"} "
                             "1.5\n"));
}

static void quantiles_are_right_to_a_tenth(void **state)
{
    (void)state;
    static struct sc_latency l;
    struct sc_latency_figures f;
    sc_latency_read(&l, &f);
    assert_int_equal(f.count, 0);
    assert_int_equal(f.p99_us, 0);
    for (int64_t us = 1; us <= 100000; us++)
        sc_latency_observe(&l, us);
    sc_latency_read(&l, &f);
    assert_int_equal(f.count, 100000);
    assert_int_equal(f.sum_us, INT64_C(100000) * 100001 / 2);
    const struct {
        int64_t found, real;
    } rows[] = { { f.p50_us, 50000 }, { f.p95_us, 95000 }, { f.p99_us, 99000 } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        assert_true(rows[i].found >= rows[i].real - rows[i].real / 8);
        assert_true(rows[i].found <= rows[i].real + rows[i].real / 8);
    }
}

/* One value alone is every quantile; small ones are exact, large ones stay in the last bucket. */
static void each_time_falls_into_a_bucket_around_it(void **state)
{
    (void)state;
    for (int64_t us = 0; us < INT64_C(100000000); us = us < 64 ? us + 1 : us * 7 / 5) {
        struct sc_latency l = { 0 };
        struct sc_latency_figures f;
        sc_latency_observe(&l, us);
        sc_latency_read(&l, &f);
        assert_int_equal(f.p50_us, f.p99_us);
        assert_true(f.p50_us >= us - us / 8 && f.p50_us <= us + us / 8);
    }
    struct sc_latency long_ago = { 0 };
    struct sc_latency_figures f;
    sc_latency_observe(&long_ago, INT64_MAX);
    sc_latency_observe(&long_ago, -1);
    sc_latency_read(&long_ago, &f);
    assert_int_equal(f.count, 2);
    assert_true(f.p99_us > 60000000 && f.p50_us == 0);
}

static void models_are_told_apart_until_there_are_too_many(void **state)
{
    (void)state;
    const char *engine, *model;
    assert_false(sc_metric_model_name(0, &engine, &model));
    size_t first = sc_metric_model("e", "m");
    assert_int_equal(first, 0);
    assert_int_equal(sc_metric_model("e", "m"), first);
    assert_int_equal(sc_metric_model("e", ""), 1);
    assert_true(sc_metric_model_name(first, &engine, &model));
    assert_string_equal(engine, "e");
    assert_string_equal(model, "m");

    static const char *const odd[] = {
        "a/b", "../x", "a b", "a\nb", "\xc3\xa4", "\"", "12345678901234567890123456789012345678901"
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(odd); i++)
        assert_int_equal(sc_metric_model("e", odd[i]), SC_METRIC_MODELS);
    for (int i = 0; i < 100; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "m%d", i);
        size_t cell = sc_metric_model("e", name);
        assert_true(cell == SC_METRIC_MODELS || i < SC_METRIC_MODELS - 2);
    }
    assert_true(sc_metric_model_name(SC_METRIC_MODELS, &engine, &model));
    assert_string_equal(engine, "other");
    assert_int_equal(sc_metric_model("e", "m"), first);
}

static void a_cell_is_counted_in_and_read(void **state)
{
    (void)state;
    uint64_t before = SC_COUNTED(uploads, SC_UPLOAD_REFUSED);
    SC_COUNT(uploads, SC_UPLOAD_REFUSED, 2);
    assert_int_equal(SC_COUNTED(uploads, SC_UPLOAD_REFUSED), before + 2);
    SC_COUNT(store_queue, 0, 3);
    SC_COUNT(store_queue, 0, -4);
    assert_int_equal(SC_COUNTED(store_queue, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_histogram_counts_up_to_and_with_each_bound),
        cmocka_unit_test(long_times_have_bounds_of_their_own),
        cmocka_unit_test(what_a_label_holds_cannot_leave_its_quotes),
        cmocka_unit_test(quantiles_are_right_to_a_tenth),
        cmocka_unit_test(each_time_falls_into_a_bucket_around_it),
        cmocka_unit_test(models_are_told_apart_until_there_are_too_many),
        cmocka_unit_test(a_cell_is_counted_in_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
