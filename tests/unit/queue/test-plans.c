#include "queue-fixture.h"

#include "store/admin.h"

#include "base/banned.h"

/* What the planner answers for a statement, as text. */
static void explain(struct rig *r, enum sc_sql id, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_store_explain(conn, id, out, NULL), SC_OK);
}

struct hot {
    enum sc_sql id;
    const char *index; /* must be in the plan */
};

#define HOT(name, index)       \
    {                          \
        SC_SQL_##name, (index) \
    }

static void hot_statements_neither_scan_nor_sort(void **state)
{
    (void)state;
    static const struct hot hot[] = {
        HOT(TASK_BEST, "tasks_ready (lane=? AND class=?)"),
        HOT(TASK_OLDEST, "tasks_ready_oldest (lane=? AND class=?)"),
        HOT(TASK_TAKE, "INTEGER PRIMARY KEY"),
        HOT(TASK_GET, "INTEGER PRIMARY KEY"),
        HOT(TASK_LEAVE, "INTEGER PRIMARY KEY"),
        HOT(TASK_RENEW, "INTEGER PRIMARY KEY"),
        HOT(TASK_KNOWN, "tasks_running (worker_id=?)"),
        HOT(TASK_HELD, "tasks_running (worker_id=?)"),
        HOT(TASK_DUE, "tasks_scheduled (run_after_ms<?)"),
        HOT(TASK_NEXT_DUE, "tasks_scheduled"),
        HOT(TASK_MOVE_JOB, "(job=?)"),
        HOT(TASK_UNFINISHED, "(job=?)"),
        HOT(JOB_GET, "INTEGER PRIMARY KEY"),
        HOT(JOB_FIND, "(job_id=?)"),
        HOT(JOB_BY_DEDUPE_KEY, "jobs_dedupe (dedupe_key=?)"),
        HOT(JOB_COMPLETED_TWIN, "jobs_file (file_id=?)"),
        HOT(JOB_NEXT_WAITING, "jobs_waiting (class=?)"),
        HOT(JOB_OLDEST_WAITING, "jobs_waiting_oldest (class=?)"),
        HOT(JOB_DUE, "jobs_scheduled (run_after_ms<?)"),
        HOT(JOB_OVERDUE, "jobs_deadline (deadline_ms"),
        HOT(JOB_SCAN_NEWEST, "jobs_owner (owner_id=? AND id<?)"),
        HOT(JOB_SCAN_OLDEST, "jobs_owner (owner_id=? AND id>?)"),
        HOT(JOB_SCAN_STATE_NEWEST, "jobs_owner_state (owner_id=? AND state=? AND id<?)"),
        HOT(JOB_SCAN_STATE_OLDEST, "jobs_owner_state (owner_id=? AND state=? AND id>?)"),
        HOT(JOB_SCAN_CAMPAIGN_NEWEST, "jobs_campaign (campaign_id=? AND id<?)"),
        HOT(JOB_SCAN_CAMPAIGN_OLDEST, "jobs_campaign (campaign_id=? AND id>?)"),
        HOT(JOB_SCAN_FILE_NEWEST, "jobs_file (file_id=? AND id<?)"),
        HOT(JOB_SCAN_FILE_OLDEST, "jobs_file (file_id=? AND id>?)"),
        HOT(JOB_SCAN_TAG_NEWEST, "job_tags_tag (tag=? AND job<?)"),
        HOT(JOB_SCAN_TAG_OLDEST, "job_tags_tag (tag=? AND job>?)"),
        HOT(JOB_SCAN_COMPLETED_LAST, "jobs_owner_completed (owner_id=? AND completed_ms"),
        HOT(JOB_SCAN_COMPLETED_FIRST, "jobs_owner_completed (owner_id=? AND completed_ms"),
        HOT(JOB_SCAN_DURATION_LAST, "jobs_owner_duration (owner_id=? AND duration_ms"),
        HOT(JOB_SCAN_DURATION_FIRST, "jobs_owner_duration (owner_id=? AND duration_ms"),
        HOT(JOB_PROBE, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        HOT(JOB_HAS_TAG, "PRIMARY KEY (job=? AND tag=?)"),
        HOT(JOB_NEXT_EXPORT_DUE, "jobs_exports_due (id>?)"),
        HOT(CHUNK_GET, "PRIMARY KEY (job=? AND chunk=?)"),
        HOT(CHAIN_BEFORE, "PRIMARY KEY (job=? AND chunk<?)"),
        HOT(CHAIN_NEXT, "PRIMARY KEY (job=? AND chunk>?)"),
        HOT(SPOKEN_FIND, "PRIMARY KEY (job=?)"),
        HOT(SPOKEN_TELL, "PRIMARY KEY (job=?)"),
        HOT(JOB_ANNOUNCE_CHUNK, "INTEGER PRIMARY KEY"),
        HOT(CHUNK_NEXT_SEAM, "later USING PRIMARY KEY (job=? AND chunk>?)"),
        HOT(EVENT_LIST_JOB, "job_events_job (job=? AND id>?)"),
        HOT(EVENT_CHUNKS_DONE, "job_events_job (job=? AND id<?)"),
        HOT(EVENT_LIST_ALL, "job_events USING INTEGER PRIMARY KEY (rowid>?)"),
        HOT(FIGURES_CHANGE, "PRIMARY KEY (owner_id=? AND day=? AND state=?"),
        HOT(FIGURES_CHANGE_DAY, "PRIMARY KEY (owner_id=? AND dimension=? AND day=? AND value=?)"),
        HOT(REPORT_FILES, "INTEGER PRIMARY KEY"),
        HOT(REPORT_MINUTES, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        HOT(REPORT_FORGET_MINUTES, "INTEGER PRIMARY KEY (rowid<?)"),
        HOT(JOB_EXPIRED, "jobs_expiry (expires_ms>? AND expires_ms<?)"),
        HOT(JOB_NEXT_EXPIRY, "jobs_expiry (expires_ms>?)"),
        HOT(TASK_EXPIRE, "(job=?)"),
        HOT(TASK_FOLLOW_JOB, "(job=?)"),
        HOT(CLEAN_COUNT, "jobs_owner_completed (owner_id=? AND completed_ms>? AND completed_ms<?)"),
        HOT(CLEAN_RECORD,
            "jobs_owner_completed (owner_id=? AND completed_ms>? AND completed_ms<?)"),
        HOT(CLEAN_MARK, "jobs_owner_completed (owner_id=? AND completed_ms>? AND completed_ms<?)"),
        HOT(PURGE_TRANSCRIPT, "transcripts_job (job=?)"),
        HOT(TEXT_UNINDEX_NEXT, "segments_alive (transcript_id=?)"),
        HOT(PURGE_DELETED_TRANSCRIPT, "transcripts_owner (owner_id=?)"),
        HOT(PURGE_ORIGINS, "origins_edit (transcript_id=?)"),
        HOT(PURGE_CHANGES_TRANSCRIPT, "changes_transcript (transcript_id=?)"),
        HOT(PURGE_CHANGES_JOB, "changes_job (job=?)"),
        HOT(PURGE_CHANGES_FILE, "changes_file (file_id=?)"),
        HOT(PURGE_SEGMENTS, "segments_alive (transcript_id=?)"),
        HOT(PURGE_OLD_SEGMENTS, "(transcript_id=?)"),
        HOT(PURGE_TASKS, "(job=?)"),
        HOT(PURGE_CHUNKS, "PRIMARY KEY (job=?)"),
        HOT(PURGE_EVENTS, "job_events_job (job=?)"),
        HOT(WORKER_BEAT, "INTEGER PRIMARY KEY"),
        HOT(QUEUE_OLDEST, "jobs_pending (class=?)"),
        HOT(IDEMPOTENCY_GET, "PRIMARY KEY (owner_id=? AND key=?)"),
        HOT(IDEMPOTENCY_SET, "PRIMARY KEY (owner_id=? AND key=?)"),
        HOT(IDEMPOTENCY_DROP, "PRIMARY KEY (owner_id=? AND key=?)"),
    };
    AUTO_RIG(r);
    for (size_t i = 0; i < SC_ARRAY_LEN(hot); i++) {
        SC_AUTO_BUF plan = { 0 };
        explain(&r, hot[i].id, &plan);
        const char *text = sc_buf_text(&plan);
        if (strstr(text, hot[i].index) == NULL || strstr(text, "TEMP B-TREE") != NULL ||
            strstr(text, "SCAN") != NULL)
            fail_msg("wanted '%s', got\n%s", hot[i].index, text);
    }
}

/* These read a partial index from end to end: it holds only what is open, admitted, ready, running.
 */
static void counts_and_the_sweep_read_small_indexes_only(void **state)
{
    (void)state;
    static const struct hot hot[] = {
        HOT(TASK_EXPIRED, "tasks_running"),
        HOT(TASK_NEXT_EXPIRY, "tasks_running"),
        HOT(TASK_COUNT_READY, "COVERING INDEX tasks_ready_oldest"),
        HOT(TASK_COUNT_LANE, "tasks_running"),
        HOT(TASK_SHARE, "tasks_ready"),
        HOT(TASK_SHARE, "workers_alive"),
        HOT(JOB_SAME_MODEL, "INTEGER PRIMARY KEY"),
        HOT(TASK_COUNT_RUNNING, "COVERING INDEX tasks_running"),
        HOT(JOB_PACE, "jobs_owner_completed (owner_id=? AND completed_ms>?)"),
        HOT(JOB_ADMITTED, "COVERING INDEX jobs_admitted (class=? AND counted=?"),
        HOT(JOB_AT_WORK, "jobs_admitted (class=? AND counted=?"),
        HOT(JOB_BEFORE, "jobs_waiting (class=? AND priority"),
        HOT(JOB_POSITION, "jobs_waiting (class=? AND priority"),
        HOT(TASK_DEMAND, "tasks_ready_oldest (lane<?)"),
        HOT(TASK_ORPHANS, "tasks_running"),
        HOT(WORKER_GONE_SILENT, "workers_alive"),
        HOT(WORKER_LIST, "workers_alive"),
        HOT(QUEUE_COUNT_JOBS, "SCAN queue_stats"),
        HOT(TASK_EXISTS, "SEARCH tasks USING COVERING INDEX"),
        HOT(IDEMPOTENCY_EXPIRE, "idempotency_age (created_ms<?)"),
    };
    AUTO_RIG(r);
    for (size_t i = 0; i < SC_ARRAY_LEN(hot); i++) {
        SC_AUTO_BUF plan = { 0 };
        explain(&r, hot[i].id, &plan);
        const char *text = sc_buf_text(&plan);
        if (strstr(text, hot[i].index) == NULL || strstr(text, "TEMP B-TREE") != NULL)
            fail_msg("wanted '%s', got\n%s", hot[i].index, text);
    }
}

/* A range of days of one owner, however long ago the others are. Answers are sorted: they are
 * short. */
static void figures_are_read_by_ranges_of_days(void **state)
{
    (void)state;
    static const struct hot hot[] = {
        HOT(REPORT_JOBS, "job_stats USING PRIMARY KEY (owner_id=? AND day>? AND day<?)"),
        HOT(REPORT_DAYS,
            "job_days USING PRIMARY KEY (owner_id=? AND dimension=? AND day>? AND day<?)"),
    };
    AUTO_RIG(r);
    for (size_t i = 0; i < SC_ARRAY_LEN(hot); i++) {
        SC_AUTO_BUF plan = { 0 };
        explain(&r, hot[i].id, &plan);
        const char *text = sc_buf_text(&plan);
        if (strstr(text, hot[i].index) == NULL || strstr(text, "SCAN job") != NULL)
            fail_msg("wanted '%s', got\n%s", hot[i].index, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hot_statements_neither_scan_nor_sort),
        TEST(counts_and_the_sweep_read_small_indexes_only),
        TEST(figures_are_read_by_ranges_of_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
