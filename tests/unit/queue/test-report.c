#include "queue-verbs.h"

#include "queue/report.h"

#include "base/banned.h"

static void sql(struct rig *r, const char *text)
{
    if (write_sql(r->f.store, text) != SC_OK)
        fail_msg("%s", text);
}

/* Rows that a table has and a recount has not, and the other way round. */
static int64_t differences(struct rig *r, const char *kept, const char *counted)
{
    char text[1600];
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
    int64_t files =
        differences(r, "SELECT * FROM file_stats WHERE files > 0",
                    "SELECT owner_id, count(*), sum(size_bytes), sum(coalesce(duration_ms, 0)),"
                    " count(duration_ms), sum(n), sum(n > 1), sum(max(n - 1, 0) * size_bytes)"
                    " FROM (SELECT *, (SELECT count(*) FROM uploads WHERE file_id = files.id) AS n"
                    " FROM files) GROUP BY owner_id");
    int64_t queue = differences(r, "SELECT * FROM queue_stats WHERE jobs <> 0",
                                "SELECT class, state, count(*) FROM jobs WHERE state IN (0, 1, 3)"
                                " GROUP BY class, state");
    if (days != 0 || all != 0 || files != 0 || queue != 0)
        fail_msg("step %d: %d by day, %d in all, %d of files, %d of the queue differ", step,
                 (int)days, (int)all, (int)files, (int)queue);
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
    test_clock_step(&r->clock, 7200000); /* other days */
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
    sql(&r, "DELETE FROM jobs; DELETE FROM files");
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_changes"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_stats WHERE jobs <> 0"), 0);
    assert_true(ask(&r, "SELECT count(*) FROM job_stats") > 0);
    (void)sweep(&r, NULL); /* what counts nothing goes with time */
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_stats"), 0);
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
    const int64_t day = 86400000;
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
