#include "queue-verbs.h"

#include "queue/report.h"

#include <inttypes.h>

#include "base/banned.h"

#define DAY_MS INT64_C(86400000)

static void sql(struct rig *r, const char *text)
{
    if (write_sql(r->f.store, text) != SC_OK)
        fail_msg("%s", text);
}

/* Rows that a table has and a recount has not, and the other way round. */
static int64_t differences(struct rig *r, const char *kept, const char *counted)
{
    char text[4000];
    int n = snprintf(text, sizeof(text),
                     "SELECT (SELECT count(*) FROM (%s EXCEPT %s))"
                     " + (SELECT count(*) FROM (%s EXCEPT %s))",
                     kept, counted, counted, kept);
    assert_true(n > 0 && (size_t)n < sizeof(text));
    return ask(r, text);
}

#define JOB_SUMS                                                  \
    "count(*), sum(duration_ms), sum(processing_ms),"             \
    " sum(iif(state = 2 AND processing_ms > 0, duration_ms, 0))," \
    " sum(iif(state = 2 AND duration_ms > 0, processing_ms, 0))"  \
    " FROM v_job_stats_of GROUP BY owner_id, state, pipeline, engine, model, language"

static void assert_recounted(struct rig *r, int step)
{
    int64_t days = differences(r, "SELECT * FROM job_stats WHERE day >= 0 AND jobs > 0",
                               "SELECT owner_id, day, state, pipeline, engine, model, language,"
                               " " JOB_SUMS ", day");
    int64_t all = differences(r, "SELECT * FROM job_stats WHERE day = -1 AND jobs > 0",
                              "SELECT owner_id, -1, state, pipeline, engine, model, language,"
                              " " JOB_SUMS);
    int64_t periods = differences(r, "SELECT * FROM job_stats WHERE day < -1 AND jobs > 0",
                                  "SELECT owner_id, -2 - day / 28, state, pipeline, engine, model,"
                                  " language, " JOB_SUMS ", day / 28");
    int64_t single =
        differences(r, "SELECT * FROM job_days WHERE jobs > 0",
                    "SELECT owner_id, n, day, value, count(*), sum(duration_ms),"
                    " sum(state = 2), sum(iif(state = 2, processing_ms, 0)),"
                    " sum(iif(state = 2 AND processing_ms > 0, duration_ms, 0)),"
                    " sum(iif(state = 2 AND duration_ms > 0, processing_ms, 0))"
                    " FROM (SELECT *, column1 AS n, CAST(CASE column1 WHEN 1 THEN state"
                    " WHEN 2 THEN pipeline WHEN 3 THEN engine WHEN 4 THEN model"
                    " ELSE language END AS TEXT) AS value FROM v_job_stats_of,"
                    " (VALUES (1), (2), (3), (4), (5))) GROUP BY owner_id, n, day, value");
    int64_t files =
        differences(r, "SELECT * FROM file_stats WHERE files > 0",
                    "SELECT owner_id, count(*), sum(size_bytes), sum(coalesce(duration_ms, 0)),"
                    " count(duration_ms), sum(n), sum(n > 1), sum(max(n - 1, 0) * size_bytes)"
                    " FROM (SELECT *, (SELECT count(*) FROM uploads WHERE file_id = files.id) AS n"
                    " FROM files) GROUP BY owner_id");
    int64_t queue = differences(r, "SELECT * FROM queue_stats WHERE jobs <> 0",
                                "SELECT class, state, count(*) FROM jobs WHERE state IN (0, 1, 3)"
                                " GROUP BY class, state");
    if (days != 0 || all != 0 || periods != 0 || single != 0 || files != 0 || queue != 0)
        fail_msg(
            "step %d: %d by day, %d in all, %d by four weeks, %d by one dimension, %d of files, "
            "%d of the queue differ",
            step, (int)days, (int)all, (int)periods, (int)single, (int)files, (int)queue);
}

/* Small, the same in every run. */
static unsigned chance(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % below;
}

static void random_upload(struct rig *r, unsigned *seed)
{
    char text[600];
    unsigned owner = 1 + chance(seed, 2), hash = chance(seed, 4);
    (void)snprintf(text, sizeof(text),
                   "INSERT OR IGNORE INTO files (owner_id, file_hash, original_name, file_path,"
                   " size_bytes, format, codec, sample_rate, channels, uploaded_ms)"
                   " VALUES (%u, 'h%u', 'n', 'p', %u, 'wav', 'pcm', 1, 1, 1);"
                   "INSERT INTO uploads (file_id, owner_id, name, source, created_ms)"
                   " SELECT id, owner_id, 'n', 'http', 1 FROM files"
                   " WHERE owner_id = %u AND file_hash = 'h%u'",
                   owner, hash, 100 + hash, owner, hash);
    sql(r, text);
}

static void random_job(struct rig *r, unsigned *seed)
{
    static const char *const models[] = { "", "small", "large" };
    static const char *const languages[] = { "auto", "de" };
    struct sc_job_spec spec = noop_spec();
    spec.owner_id = 1 + chance(seed, 2);
    spec.model = models[chance(seed, 3)];
    spec.language = languages[chance(seed, 2)];
    spec.duration_ms = chance(seed, 3) * 1000;
    spec.file_id = ask(r, "SELECT coalesce(max(id), 0) FROM files");
    (void)create_from(r, &spec, NULL);
}

static void random_claim(struct rig *r, unsigned *seed)
{
    struct sc_task task;
    if (claim(r, &task, 1) == 0)
        return;
    test_clock_step(&r->clock, 1 + chance(seed, 5000));
    if (chance(seed, 3) == 0) {
        assert_int_equal(fail_task(r, &task, SC_E_FILE_FORMAT), SC_OK);
        return;
    }
    assert_int_equal(complete(r, &task, NULL), SC_OK);
    if (chance(seed, 4) != 0) /* else it stays processing */
        assert_int_equal(on_job(r, op_end, task.job), SC_OK);
}

static void random_step(struct rig *r, unsigned *seed)
{
    char text[200];
    int64_t job = 1 + chance(seed, 60);
    switch (chance(seed, 9)) {
    case 0:
        random_upload(r, seed);
        return;
    case 1:
    case 2:
        random_job(r, seed);
        return;
    case 3:
    case 4:
        random_claim(r, seed);
        return;
    case 5:
        (void)on_job(r, chance(seed, 2) == 0 ? op_cancel : op_retry, job); /* may be refused */
        return;
    case 6:
        (void)snprintf(text, sizeof(text),
                       "UPDATE jobs SET duration_ms = %u, detected_language = '%s', class = %u"
                       " WHERE id = %d",
                       chance(seed, 3) * 700, chance(seed, 2) == 0 ? "" : "fr", chance(seed, 3),
                       (int)job);
        break;
    case 7:
        (void)snprintf(text, sizeof(text), "UPDATE files SET duration_ms = %u WHERE id = %u",
                       chance(seed, 9) * 100, 1 + chance(seed, 8));
        break;
    default: /* a file's jobs go with it */
        (void)snprintf(text, sizeof(text), "DELETE FROM %s WHERE id = %d",
                       chance(seed, 5) == 0 ? "files" : "jobs", (int)job);
        break;
    }
    sql(r, text);
    test_clock_step(&r->clock, DAY_MS); /* over the run, four months */
}

#define STATES_SHOWN                                                                    \
    "CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'processing' WHEN 2 THEN 'completed'" \
    " WHEN 3 THEN 'failed' ELSE 'cancelled' END"

/* What a dimension is of a job, as it is shown. */
static const char *const shown[SC_DIMENSION_COUNT_] = {
    [SC_BY_NOTHING] = "''",
    [SC_BY_STATUS] = STATES_SHOWN,
    [SC_BY_PIPELINE] = "pipeline",
    [SC_BY_ENGINE] = "engine",
    [SC_BY_MODEL] = "model",
    [SC_BY_LANGUAGE] = "language",
    [SC_BY_DAY] = "date(day * 86400, 'unixepoch')",
    [SC_BY_WEEK] = "date(day * 86400, 'unixepoch', '-6 days', 'weekday 1')",
    [SC_BY_MONTH] = "substr(date(day * 86400, 'unixepoch'), 1, 7)",
};

struct answer {
    struct rig *rig;
    char counted[1600]; /* the same rows, of the jobs themselves */
    int64_t rows;
};

static enum sc_code is_counted_so(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    struct answer *a = ctx;
    char text[2400];
    (void)err;
    (void)snprintf(text, sizeof(text),
                   "SELECT count(*) FROM (%s) WHERE a = '%s' AND b = '%s' AND jobs = %" PRId64
                   " AND duration_ms = %" PRId64 " AND completed = %" PRId64
                   " AND processing_ms = %" PRId64 " AND paced_audio_ms = %" PRId64
                   " AND paced_ms = %" PRId64,
                   a->counted, row->by[0], row->by[1], row->jobs, row->duration_ms, row->completed,
                   row->processing_ms, row->paced_audio_ms, row->paced_ms);
    if (ask(a->rig, text) != 1)
        fail_msg("no such row: %s", text);
    a->rows++;
    return SC_OK;
}

static int64_t assert_answer_is_count(struct rig *r, const struct sc_report_query *query)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct answer a = { .rig = r };
    char text[2000];
    (void)snprintf(a.counted, sizeof(a.counted),
                   "SELECT %s AS a, %s AS b, count(*) AS jobs, sum(duration_ms) AS duration_ms,"
                   " sum(state = 2) AS completed,"
                   " sum(iif(state = 2, processing_ms, 0)) AS processing_ms,"
                   " sum(iif(state = 2 AND processing_ms > 0, duration_ms, 0)) AS paced_audio_ms,"
                   " sum(iif(state = 2 AND duration_ms > 0, processing_ms, 0)) AS paced_ms"
                   " FROM v_job_stats_of WHERE owner_id = 1 AND day >= %" PRId64
                   " AND day <= %" PRId64 " GROUP BY a, b",
                   shown[query->by[0]], shown[query->by[1]], query->since_ms / DAY_MS,
                   query->until_ms == 0 ? INT64_MAX : query->until_ms / DAY_MS);
    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM (%s)", a.counted);
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_report_jobs(conn, query, is_counted_so, &a, NULL), SC_OK);
    assert_int_equal(a.rows, ask(r, text));
    return a.rows;
}

/* Each two dimensions, over all time and over ranges with and without whole periods of weeks. */
static void assert_answers_are_counts(struct rig *r)
{
    static const int ranges[][2] = { { 0, 0 }, { 1, 0 }, { 0, 50 }, { 3, 100 }, { 40, 41 } };
    int64_t rows = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(ranges); i++) {
        struct sc_report_query query = { .owner_id = 1, .limit = 1000 };
        query.since_ms = ranges[i][0] == 0 ? 0 : T0 + ranges[i][0] * DAY_MS;
        query.until_ms = ranges[i][1] == 0 ? 0 : T0 + ranges[i][1] * DAY_MS;
        for (int a = SC_BY_STATUS; a < SC_DIMENSION_COUNT_; a++) {
            for (int b = SC_BY_NOTHING; b < SC_DIMENSION_COUNT_; b++) {
                query.by[0] = (enum sc_dimension)a;
                query.by[1] = a == b ? SC_BY_NOTHING : (enum sc_dimension)b;
                rows += assert_answer_is_count(r, &query);
            }
        }
    }
    assert_true(rows > 1000);
}

static void figures_equal_a_recount_whatever_happens(void **state)
{
    (void)state;
    AUTO_RIG(r);
    unsigned seed = 7;
    int64_t seen = 0; /* a bit for each state that there was */
    sql(&r, "INSERT INTO principals VALUES (2, 'eve', 0)");
    for (int i = 0; i < 300; i++) {
        random_step(&r, &seed);
        if (i % 10 == 9) {
            assert_recounted(&r, i);
            seen |= ask(&r, "SELECT coalesce(sum(DISTINCT 1 << state), 0) FROM jobs");
        }
    }
    assert_int_equal(seen, (1 << SC_JOB_STATE_COUNT_) - 1);
    assert_true(ask(&r, "SELECT count(*) FROM jobs") > 10);
    assert_answers_are_counts(&r);
    sql(&r, "DELETE FROM jobs; DELETE FROM files");
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_changes"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_stats WHERE jobs <> 0"), 0);
    assert_true(ask(&r, "SELECT count(*) FROM job_stats") > 0);
    (void)sweep(&r, NULL); /* what counts nothing goes with time */
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_stats"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_days"), 0);
    assert_int_equal(ask(&r, "SELECT sum(files + bytes + arrivals + saved_bytes) FROM file_stats"),
                     0);
}

struct rows {
    char text[400];
};

static enum sc_code note_row(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    struct rows *rows = ctx;
    size_t used = strlen(rows->text);
    (void)err;
    (void)snprintf(rows->text + used, sizeof(rows->text) - used, "%s/%s:%d ", row->by[0],
                   row->by[1], (int)row->jobs);
    return SC_OK;
}

static void expect(struct rig *r, struct sc_report_query query, const char *wanted)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct rows rows = { "" };
    query.owner_id = 1;
    query.limit = 100;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_report_jobs(conn, &query, note_row, &rows, NULL), SC_OK);
    assert_string_equal(rows.text, wanted);
}

static void reports_group_by_two_dimensions_and_whole_days(void **state)
{
    (void)state;
    const int64_t day = DAY_MS;
    AUTO_RIG(r); /* T0 is Tuesday, 2023-11-14 */
    struct sc_job_spec spec = noop_spec();
    spec.model = "small";
    for (int i = 0; i < 4; i++) {
        (void)create_from(&r, &spec, NULL);
        test_clock_step(&r.clock, i == 0 ? 5 * day : day); /* Tuesday, then Sunday, Monday, … */
    }
    assert_int_equal(on_job(&r, op_cancel, 1), SC_OK);
    expect(&r, (struct sc_report_query){ .limit = 1 }, "/:4 ");
    expect(&r, (struct sc_report_query){ .by = { SC_BY_STATUS, SC_BY_MODEL } },
           "pending/small:3 cancelled/small:1 ");
    expect(&r, (struct sc_report_query){ .by = { SC_BY_DAY } },
           "2023-11-14/:1 2023-11-19/:1 2023-11-20/:1 2023-11-21/:1 ");
    expect(&r, (struct sc_report_query){ .by = { SC_BY_WEEK, SC_BY_STATUS } },
           "2023-11-13/pending:1 2023-11-13/cancelled:1 2023-11-20/pending:2 ");
    expect(&r, (struct sc_report_query){ .by = { SC_BY_MONTH } }, "2023-11/:4 ");
    expect(&r, (struct sc_report_query){ .since_ms = T0 + 5 * day, .until_ms = T0 + 6 * day },
           "/:2 ");
    expect(&r, (struct sc_report_query){ .since_ms = T0 + 90 * day }, "");
}

static void throughput_counts_whole_minutes_and_forgets(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_throughput minute = { 0 }, hour = { 0 };
    struct sc_job_spec spec = noop_spec();
    spec.duration_ms = 2500;
    for (int i = 0; i < 3; i++)
        (void)create_from(&r, &spec, NULL);
    (void)run_one_job(&r);
    test_clock_step(&r.clock, 60000);
    (void)run_one_job(&r);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_FILE_FORMAT), SC_OK);
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
        assert_int_equal(sc_report_throughput(conn, &minute, &hour, NULL), SC_OK);
    }
    assert_int_equal(minute.completed, 1);
    assert_int_equal(minute.failed, 0);
    assert_int_equal(hour.completed, 2);
    assert_int_equal(hour.failed, 1);
    assert_int_equal(hour.audio_ms, 5000);
    test_clock_step(&r.clock, 3 * 3600000);
    (void)sweep(&r, NULL);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_minutes"), 0);
}

static void the_figures_of_files_are_their_owners(void **state)
{
    (void)state;
    AUTO_RIG(r);
    sql(&r, "INSERT INTO principals (id, name, created_ms) VALUES (2, 'other', 0)");
    sql(&r, "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, "
            "format, codec, duration_ms, sample_rate, channels, uploaded_ms) VALUES"
            " (1, 1, 'h1', 'a', 'p', 10, 'wav', 'c', 4000, 16000, 1, 0),"
            " (2, 2, 'h2', 'b', 'p', 70, 'wav', 'c', NULL, 16000, 1, 0)");
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    struct sc_report_files of = { 0 };
    assert_int_equal(sc_report_files(conn, 1, &of, NULL), SC_OK);
    assert_int_equal(of.files, 1);
    assert_int_equal(of.bytes, 10);
    assert_int_equal(of.timed, 1);
    assert_int_equal(of.duration_ms, 4000);
    assert_int_equal(sc_report_files(conn, 2, &of, NULL), SC_OK);
    assert_int_equal(of.bytes, 70);
    assert_int_equal(of.timed, 0);
    assert_int_equal(sc_report_files(conn, 3, &of, NULL), SC_OK);
    assert_int_equal(of.files, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(figures_equal_a_recount_whatever_happens),
        TEST(reports_group_by_two_dimensions_and_whole_days),
        TEST(throughput_counts_whole_minutes_and_forgets),
        TEST(the_figures_of_files_are_their_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
