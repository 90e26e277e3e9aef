#include "store/admin.h"

#include "base/alloc.h"
#include "library-fixture.h"

#include "base/banned.h"

struct hot {
    enum sc_sql id;
    const char *index; /* must be in the plan */
};

#define HOT(name, index)       \
    {                          \
        SC_SQL_##name, (index) \
    }

/* Of a table, or of an index from end to end; FTS5 and tables of SQLite's own say SCAN of all. */
static bool walks(struct sc_buf *plan)
{
    static const char *const harmless[] = { "SCAN CONSTANT ROW", "SCAN (subquery", "VIRTUAL TABLE",
                                            "SCAN sqlite_" };
    for (const char *line = sc_buf_text(plan), *end; *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        end += *end == '\n';
        SC_AUTO_FREE char *text = sc_strndup(line, (size_t)(end - line));
        bool found = strstr(text, "SCAN ") != NULL;
        for (size_t i = 0; i < SC_ARRAY_LEN(harmless); i++)
            found = found && strstr(text, harmless[i]) == NULL;
        if (found)
            return true;
    }
    return false;
}

static void assert_plans(const struct hot *hot, size_t count, bool sorted)
{
    AUTO_RIG(r);
    AUTO_READER(conn, r);
    for (size_t i = 0; i < count; i++) {
        SC_AUTO_BUF plan = { 0 };
        assert_int_equal(sc_store_explain(conn, hot[i].id, &plan, NULL), SC_OK);
        const char *text = sc_buf_text(&plan);
        if (strstr(text, hot[i].index) == NULL || walks(&plan) ||
            (sorted && strstr(text, "TEMP B-TREE") != NULL))
            fail_msg("wanted '%s', got\n%s", hot[i].index, text);
    }
}

static void hot_statements_neither_scan_nor_sort(void **state)
{
    (void)state;
    static const struct hot hot[] = {
        HOT(FILE_HASH_KNOWN, "files_hash (file_hash=?)"),
        HOT(FILE_GET, "INTEGER PRIMARY KEY"),
        HOT(FILE_BY_OWNER_HASH, "(owner_id=? AND file_hash=?)"),
        HOT(FILE_BY_HASH, "files_hash (file_hash=?)"),
        HOT(FILE_LIST_UPLOADED_DESC, "files_uploaded (owner_id=? AND uploaded_ms<?)"),
        HOT(FILE_LIST_UPLOADED_ASC, "files_uploaded (owner_id=? AND uploaded_ms>?)"),
        HOT(FILE_LIST_SIZE_DESC, "files_size (owner_id=? AND size_bytes<?)"),
        HOT(FILE_LIST_SIZE_ASC, "files_size (owner_id=? AND size_bytes>?)"),
        HOT(FILE_LIST_DURATION_DESC, "files_duration (owner_id=? AND <expr><?)"),
        HOT(FILE_LIST_DURATION_ASC, "files_duration (owner_id=? AND <expr>>?)"),
        HOT(FILE_LIST_NAME_DESC, "files_name (owner_id=? AND original_name<?)"),
        HOT(FILE_LIST_NAME_ASC, "files_name (owner_id=? AND original_name>?)"),
        HOT(FILE_LIST_SAVED, "files_saved (owner_id=? AND <expr><?)"),
        HOT(FILE_LIST_FORMAT_DESC, "files_format (owner_id=? AND format=? AND id<?)"),
        HOT(FILE_LIST_FORMAT_ASC, "files_format (owner_id=? AND format=? AND id>?)"),
        HOT(FILE_LIST_NAMED_DESC, "files_name (owner_id=? AND original_name=? AND rowid<?)"),
        HOT(FILE_LIST_NAMED_ASC, "files_name (owner_id=? AND original_name=? AND rowid>?)"),
        HOT(FILE_LIST_DAMAGED_DESC, "files_damage (owner_id=? AND id<?)"),
        HOT(FILE_LIST_DAMAGED_ASC, "files_damage (owner_id=? AND id>?)"),
        HOT(FILE_LIST_TAG_DESC, "file_tags_tag (tag=? AND file_id<?)"),
        HOT(FILE_LIST_TAG_ASC, "file_tags_tag (tag=? AND file_id>?)"),
        HOT(FILE_HAS_TAG, "(file_id=? AND tag=?)"),
        HOT(FILE_TAG_LIST, "(file_id=?)"),
        HOT(JOB_TAG_LIST, "(job=?)"),
        HOT(TRANSCRIPT_TAG_LIST, "(transcript_id=?)"),
        HOT(MARKS_FILE, "INTEGER PRIMARY KEY"),
        HOT(MARKS_JOB, "INTEGER PRIMARY KEY"),
        HOT(MARKS_TRANSCRIPT, "INTEGER PRIMARY KEY"),
        HOT(TAG_FILES, "file_tags_tag (tag=?)"),
        HOT(TAG_JOBS, "job_tags_tag (tag=?)"),
        HOT(TAG_TRANSCRIPTS, "transcript_tags_tag (tag=?)"),
        HOT(FILE_PLACE_USED, "files_place (file_path=?)"),
        HOT(FILE_PLACE_NAMED, "files_place (file_path=?)"),
        HOT(FILE_IS_USED, "jobs_file (file_id=?)"),
        HOT(FILE_FORMATS, "COVERING INDEX files_format (owner_id=?)"),
        HOT(PURGE_FILE, "files_owner (owner_id=? AND id>?)"),
        HOT(FILE_OPEN_JOB, "jobs_file (file_id=?)"),
        HOT(FILE_MOVE, "files_hash (file_hash=?)"),
        HOT(FILE_NEXT, "INTEGER PRIMARY KEY (rowid>?)"),
        HOT(ARCHIVE_DUE, "files_archived"),
        HOT(DELETE_FILE_JOBS, "jobs_file (file_id=?)"),
        HOT(DELETE_FILE_TRANSCRIPTS, "transcripts_file (file_id=?)"),
        HOT(DELETE_FILE_KEYS, "idempotency_file (file_id=?)"),
        HOT(EXPORT_MOVE, "export_history_transcript (transcript_id=?)"),
        HOT(FILE_SET_VERIFIED, "files_hash (file_hash=?)"),
        HOT(UPLOAD_LIST, "uploads_file (file_id=? AND rowid<?)"),
        HOT(FILE_SET_DURATION, "INTEGER PRIMARY KEY"),
        HOT(INTAKE_GET, "(upload_id=?)"),
        HOT(INTAKE_BY_KEY, "intakes_key (owner_id=? AND idempotency_key=?)"),
        HOT(INTAKE_LIST, "intakes_owner (owner_id=? AND id<?)"),
        HOT(INTAKE_NEXT_OPEN, "intakes_open (id>?)"),
        HOT(INTAKE_NEXT_EXPIRY, "intakes_expiry (expires_ms>?)"),
        HOT(INTAKE_CHECKPOINT, "INTEGER PRIMARY KEY"),
        HOT(INTAKE_KEEP, "INTEGER PRIMARY KEY"),
        HOT(TRANSCRIPT_GET, "INTEGER PRIMARY KEY"),
        HOT(TRANSCRIPT_OF_JOB, "transcripts_job (job=?)"),
        HOT(TRANSCRIPT_LIST_ALL, "INTEGER PRIMARY KEY (rowid<?)"),
        HOT(TRANSCRIPT_LIST_OWNER, "transcripts_owner (owner_id=? AND id<?)"),
        HOT(TRANSCRIPT_LIST_TAG, "transcript_tags_tag (tag=? AND transcript_id<?)"),
        HOT(TRANSCRIPT_LIST_FILE, "transcripts_file (file_id=? AND id<?)"),
        HOT(TRANSCRIPT_LIST_JOB, "transcripts_job (job=? AND rowid<?)"),
        HOT(TRANSCRIPT_INSERT, "INTEGER PRIMARY KEY"),
        HOT(TRANSCRIPT_STATE, "INTEGER PRIMARY KEY"),
        HOT(TRANSCRIPT_GROW, "INTEGER PRIMARY KEY"),
        HOT(TRANSCRIPT_COMPLETE, "INTEGER PRIMARY KEY"),
        HOT(SEGMENT_DELETE_CHUNK, "segments_chunk (transcript_id=? AND chunk=?)"),
        HOT(TEXT_UNINDEX_CHUNK, "segments_chunk (transcript_id=? AND chunk=?)"),
        HOT(TEXT_INDEX_CHUNK, "segments_chunk (transcript_id=? AND chunk=?)"),
        HOT(TEXT_UNINDEX_ROW, "INTEGER PRIMARY KEY"),
        HOT(TEXT_INDEX_ROW, "INTEGER PRIMARY KEY"),
        HOT(PARTS_UNINDEX_CHUNK, "segments_chunk (transcript_id=? AND chunk=?)"),
        HOT(PARTS_INDEX_CHUNK, "segments_chunk (transcript_id=? AND chunk=?)"),
        HOT(PARTS_UNINDEX_ROW, "INTEGER PRIMARY KEY"),
        HOT(PARTS_INDEX_ROW, "INTEGER PRIMARY KEY"),
        HOT(SEARCH_SCAN, "transcripts_owner (owner_id=? AND id>? AND id<?)"),
        HOT(SEARCH_BOUNDS_FILE, "transcripts_file (file_id=?)"),
        HOT(SEARCH_BOUNDS_JOB, "transcripts_job (job=?)"),
        HOT(SEARCH_TRANSCRIPT, "INTEGER PRIMARY KEY"),
        HOT(SEARCH_SEGMENT, "INTEGER PRIMARY KEY"),
        HOT(SEGMENT_LIST_ALIVE, "segments_alive (transcript_id=?)"),
        HOT(SEGMENT_LIST_HASHES, "segments_alive (transcript_id=?)"),
        HOT(ORIGIN_FIND,
            "origins_engine (engine=? AND engine_version=? AND model=? AND model_hash=?)"),
        HOT(ORIGIN_OF_ENGINE, "segments_born (transcript_id=?)"),
        HOT(VERSION_GET, "(transcript_id=? AND version=?)"),
        HOT(VERSION_INSERT_FIRST, "INTEGER PRIMARY KEY"),
        HOT(VERSION_LIST, "(transcript_id=? AND version<?)"),
        HOT(EXPORT_LIST, "export_history_transcript (transcript_id=? AND id<?)"),
        HOT(PURGE_EXPORT_PATHS, "export_history_path (file_path=? AND id>?)"),
        HOT(EXPORT_BY_PATH, "export_history_path (file_path=?)"),
        HOT(EXPORTS_BELOW, "export_history_path (file_path>? AND file_path<?)"),
    };
    assert_plans(hot, SC_ARRAY_LEN(hot), true);
}

static void edits_neither_scan_nor_sort(void **state)
{
    (void)state;
    static const struct hot hot[] = {
        HOT(EDIT_PLACES, "COVERING INDEX segments_alive (transcript_id=?)"),
        HOT(EDIT_GROUP, "COVERING INDEX segments_alive (transcript_id=? AND start_ms=?)"),
        HOT(EDIT_START_BEFORE, "COVERING INDEX segments_alive (transcript_id=? AND start_ms<?)"),
        HOT(EDIT_START_BEHIND, "COVERING INDEX segments_alive (transcript_id=? AND start_ms>?)"),
        HOT(EDIT_START_OF, "segments_number (transcript_id=? AND segment_id=?)"),
        HOT(EDIT_ROW, "INTEGER PRIMARY KEY"),
        HOT(EDIT_TRANSCRIPT, "INTEGER PRIMARY KEY"),
        HOT(EDIT_REPAIRED, "changes_transcript (transcript_id=? AND id>?)"),
        HOT(CHANGE_LAST, "COVERING INDEX changes_transcript (transcript_id=?)"),
        HOT(FSCK_SEGMENTS_BORN, "segments_born (transcript_id=? AND born>?)"),
        HOT(FSCK_AGREES, "versions_current (transcript_id=? AND version=?)"),
        HOT(FSCK_STATE, "COVERING INDEX changes_transcript (transcript_id=?)"),
        HOT(RECOUNT_NEXT, "INTEGER PRIMARY KEY (rowid<?)"),
        HOT(RECOUNT_ROWS, "(transcript_id=?)"),
        HOT(RECOUNT_VERSION, "(transcript_id=? AND version=?)"),
        HOT(RECOUNT_TRANSCRIPT, "INTEGER PRIMARY KEY"),
        HOT(EDIT_ROW_DIES, "INTEGER PRIMARY KEY"),
        HOT(EDIT_VERSION_OLD, "versions_current (transcript_id=?)"),
        HOT(EDIT_TEXTS, "segments_alive (transcript_id=?)"),
        HOT(EDIT_SPOKEN_BY, "segments_alive (transcript_id=?)"),
        HOT(VERSION_RESTORED_FROM, "(transcript_id=? AND version=?)"),
        HOT(CHANGE_FORGET, "changes_age (changed_ms<?)"),
        HOT(STAGE_LEFT, "transcripts_staged (id>?)"),
        HOT(STAGE_BEGIN, "INTEGER PRIMARY KEY"),
        HOT(STAGE_ENDING, "segments_dying (transcript_id=? AND dies=?)"),
        HOT(STAGE_REVIVE, "segments_dying (transcript_id=? AND dies=?)"),
        HOT(STAGE_UNBORN, "segments_born (transcript_id=? AND born=?)"),
        HOT(CHANGE_LIST_ALL, "INTEGER PRIMARY KEY (rowid<?)"),
        HOT(CHANGE_LIST_OWNER, "changes_owner (owner_id=? AND id<?)"),
        HOT(CHANGE_LIST_KIND, "changes_kind (owner_id=? AND kind=? AND id<?)"),
        HOT(CHANGE_LIST_JOB, "changes_job (job=? AND id<?)"),
        HOT(CHANGE_LIST_TRANSCRIPT, "changes_transcript (transcript_id=? AND id<?)"),
    };
    assert_plans(hot, SC_ARRAY_LEN(hot), true);
}

/* A chunk has some ten rows; a past version is read whole. */
static void what_is_sorted_is_found_by_an_index(void **state)
{
    (void)state;
    static const struct hot hot[] = {
        HOT(SEGMENT_LIST_CHUNK, "segments_chunk (transcript_id=? AND chunk=?)"),
        HOT(PRUNE_SEGMENTS, "segments_dead (transcript_id=? AND died<?)"),
        HOT(PRUNE_CHUNKS, "segments_dead (transcript_id=? AND died<?)"),
        HOT(PRUNE_VERSIONS, "(transcript_id=? AND version=?)"),
        HOT(CHANGE_LIST_FILE, "changes_file (file_id=? AND id<?)"),
        HOT(CHANGE_LIST_FILE, "changes_gone (gone_file_id=? AND id<?)"),
        HOT(SEGMENT_LIST_VERSION, "COVERING INDEX segments_dead (transcript_id=? AND died>?)"),
        HOT(SEGMENT_LIST_VERSION, "COVERING INDEX segments_alive (transcript_id=?)"),
        HOT(SEGMENT_LIST_VERSION, "INTEGER PRIMARY KEY"),
    };
    assert_plans(hot, SC_ARRAY_LEN(hot), false);
}

/* FTS5 gives its rows in the order asked for, from the newest on, and each is one look-up. */
static void a_search_goes_through_the_index(void **state)
{
    (void)state;
    static const enum sc_sql searches[] = { SC_SQL_SEARCH_WORDS, SC_SQL_SEARCH_PARTS };
    SC_AUTO_BUF tags = { 0 };
    AUTO_RIG(r);
    AUTO_READER(conn, r);
    for (size_t i = 0; i < SC_ARRAY_LEN(searches); i++) {
        SC_AUTO_BUF plan = { 0 };
        assert_int_equal(sc_store_explain(conn, searches[i], &plan, NULL), SC_OK);
        const char *text = sc_buf_text(&plan);
        if (strstr(text, "VIRTUAL TABLE INDEX") == NULL ||
            strstr(text, "SCAN segments\n") != NULL || strstr(text, "SCAN segments ") != NULL ||
            strstr(text, "TEMP B-TREE") != NULL)
            fail_msg("%s", text);
    }
    assert_int_equal(sc_store_explain(conn, SC_SQL_SEARCH_HAS_TAG, &tags, NULL), SC_OK);
    assert_non_null(strstr(sc_buf_text(&tags), "transcript_tags USING PRIMARY KEY"));
    assert_non_null(strstr(sc_buf_text(&tags), "file_tags USING PRIMARY KEY"));
    assert_non_null(strstr(sc_buf_text(&tags), "job_tags USING PRIMARY KEY"));
}

/* Statements that walk a table or a whole index, and may: at start or by an administrator, of
 * tables that stay small, or of indexes of what runs or waits alone. */
static const enum sc_sql walking[] = {
    SC_SQL_FIGURES_CHANGES,    SC_SQL_MIGRATIONS_LIST,  SC_SQL_JOB_PACE_MODEL,
    SC_SQL_JOB_PACE_PIPELINE,  SC_SQL_JOB_SHIFT_CLOCKS, SC_SQL_TASK_EXPIRED,
    SC_SQL_TASK_ORPHANS,       SC_SQL_TASK_RENEW_ALL,   SC_SQL_TASK_COUNT_READY,
    SC_SQL_TASK_COUNT_RUNNING, SC_SQL_TASK_COUNT_LANE,  SC_SQL_TASK_DEMAND,
    SC_SQL_TASK_SHARE,         SC_SQL_WORKER_BEAT_ALL,  SC_SQL_WORKER_GONE_EARLIER,
    SC_SQL_WORKER_GONE_SILENT, SC_SQL_WORKER_LIST,      SC_SQL_QUEUE_LIST,
    SC_SQL_QUEUE_COUNT_JOBS,   SC_SQL_TOKEN_ANY,        SC_SQL_TOKEN_LIST,
    SC_SQL_FORMAT_LIST,        SC_SQL_INTAKE_RESERVED,  SC_SQL_REPORT_FORGET_EMPTY,
    SC_SQL_WEBHOOK_KINDS,      SC_SQL_WEBHOOK_DUE,      SC_SQL_WEBHOOK_CLAMP,
    SC_SQL_WEBHOOK_REMOVED,    SC_SQL_DELIVERY_OWED,    SC_SQL_DELIVERY_CLAMP,
    SC_SQL_REPORT_FORGET_DAYS,
};

static bool may_walk(enum sc_sql id)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(walking); i++) {
        if (walking[i] == id)
            return true;
    }
    return false;
}

/* Of all statements, whoever adds one. */
static void what_walks_is_known(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_READER(conn, r);
    int faults = 0;
    for (int id = 0; id < SC_SQL_COUNT_; id++) {
        SC_AUTO_BUF plan = { 0 };
        if (sc_store_explain(conn, (enum sc_sql)id, &plan, NULL) != SC_OK)
            continue;
        bool found = walks(&plan);
        if (found != may_walk((enum sc_sql)id)) {
            print_message("%s %s\n%s\n", sc_sql_name((enum sc_sql)id),
                          found ? "walks" : "walks no more", sc_buf_text(&plan));
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hot_statements_neither_scan_nor_sort),
        TEST(edits_neither_scan_nor_sort),
        TEST(what_is_sorted_is_found_by_an_index),
        TEST(a_search_goes_through_the_index),
        TEST(what_walks_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
