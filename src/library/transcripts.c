#include "library/library-internal.h"

#include "base/alloc.h"

#include <inttypes.h>

#include "base/banned.h"

static void transcript_from_row(struct sc_stmt *st, struct sc_transcript *out)
{
    *out = (struct sc_transcript){
        .id = sc_stmt_int(st, "id"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .job = sc_stmt_int_or(st, "job", 0),
        .file_id = sc_stmt_int(st, "file_id"),
        .complete = sc_stmt_int(st, "state") != 0,
        .version = (int)sc_stmt_int(st, "current_version"),
        .segment_count = sc_stmt_int(st, "segment_count"),
        .word_count = sc_stmt_int(st, "word_count"),
        .duration_ms = sc_stmt_int_or(st, "duration_ms", -1),
        .confidence = sc_stmt_double_or(st, "confidence", -1),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .updated_ms = sc_stmt_int(st, "updated_ms"),
    };
    SC_STMT_READ(st, out, job_id);
    SC_STMT_READ(st, out, file_name);
    SC_STMT_READ(st, out, language);
    SC_STMT_READ(st, out, srt_path);
    SC_STMT_READ(st, out, cloud_url);
}

/* The one row of a bound statement, or TRANSCRIPT_NOT_FOUND. */
static enum sc_code transcript_of(struct sc_stmt *st, struct sc_transcript *out,
                                  struct sc_error *err)
{
    enum sc_code code = sc_stmt_one(st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_TRANSCRIPT_NOT_FOUND, "no such transcript");
    if (code == SC_OK)
        transcript_from_row(st, out);
    return code;
}

enum sc_code sc_transcript_find(struct sc_conn *conn, int64_t owner_id, int64_t id,
                                struct sc_transcript *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TRANSCRIPT_GET);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = transcript_of(&st, out, err);
    if (code == SC_E_TRANSCRIPT_NOT_FOUND)
        return sc_error_set(err, code, "no such transcript: '%" PRId64 "'", id);
    return code;
}

enum sc_code sc_transcript_of_job(struct sc_conn *conn, int64_t job, struct sc_transcript *out,
                                  struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TRANSCRIPT_OF_JOB);
    sc_stmt_bind_int(&st, ":job", job);
    return transcript_of(&st, out, err);
}

void sc_transcript_engine(struct sc_conn *conn, int64_t id, char **engine, char **model)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_ORIGIN_OF_ENGINE);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    *engine = *model = NULL;
    if (sc_stmt_one(&st, NULL) != SC_OK)
        return;
    *engine = sc_strdup(sc_stmt_text(&st, "engine"));
    *model = sc_strdup(sc_stmt_text(&st, "model"));
}

enum sc_code sc_transcript_read_state(struct sc_conn *conn, int64_t id,
                                      struct sc_transcript_state *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_STATE);
    sc_stmt_bind_int(&st, ":id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = (struct sc_transcript_state){
            .version = sc_stmt_int(&st, "current_version"),
            .staged = sc_stmt_int(&st, "staged"),
            .change = sc_stmt_int(&st, "change"),
            .uncounted = sc_stmt_int(&st, "uncounted") != 0,
        };
    return code;
}

bool sc_transcript_same_state(const struct sc_transcript_state *a,
                              const struct sc_transcript_state *b)
{
    return a->version == b->version && a->staged == b->staged && a->change == b->change;
}

enum sc_code sc_transcript_next(struct sc_conn *conn, int64_t after, struct sc_transcript *out,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_TRANSCRIPT_NEXT);
    sc_stmt_bind_int(&st, ":after", after);
    return transcript_of(&st, out, err);
}

enum sc_code sc_transcript_partial(struct sc_conn *conn, int64_t id, bool *partial,
                                   struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TRANSCRIPT_STATE);
    sc_stmt_bind_int(&st, ":id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_TRANSCRIPT_NOT_FOUND, "no such transcript");
    if (code == SC_OK)
        *partial = sc_stmt_int(&st, "state") == 0;
    return code;
}

/* The statement whose index fits the filter. */
static enum sc_sql list_statement(const struct sc_transcript_filter *filter)
{
    if (filter->job != 0)
        return SC_SQL_TRANSCRIPT_LIST_JOB;
    if (filter->file_id != 0)
        return SC_SQL_TRANSCRIPT_LIST_FILE;
    if (filter->tag != NULL)
        return SC_SQL_TRANSCRIPT_LIST_TAG;
    return filter->owner_id != 0 ? SC_SQL_TRANSCRIPT_LIST_OWNER : SC_SQL_TRANSCRIPT_LIST_ALL;
}

enum sc_code sc_transcript_list(struct sc_conn *conn, const struct sc_transcript_filter *filter,
                                sc_transcript_fn fn, void *ctx, struct sc_error *err)
{
    enum sc_sql id = list_statement(filter);
    bool by_job = id == SC_SQL_TRANSCRIPT_LIST_JOB;
    SC_AUTO_STMT st = sc_stmt_get(conn, id);
    if (by_job)
        sc_stmt_bind_int(&st, ":job", filter->job);
    if (by_job || id == SC_SQL_TRANSCRIPT_LIST_FILE)
        sc_stmt_bind_int(&st, ":file_id", filter->file_id);
    if (by_job || id == SC_SQL_TRANSCRIPT_LIST_FILE || id == SC_SQL_TRANSCRIPT_LIST_TAG)
        sc_stmt_bind_text(&st, ":tag", filter->tag);
    if (id != SC_SQL_TRANSCRIPT_LIST_ALL)
        sc_stmt_bind_int(&st, ":owner_id", filter->owner_id);
    sc_stmt_bind_text(&st, ":language", filter->language);
    sc_stmt_bind_text(&st, ":model", filter->model);
    sc_stmt_bind_int(&st, ":since", filter->since_ms);
    sc_stmt_bind_int(&st, ":until", filter->until_ms == 0 ? INT64_MAX : filter->until_ms);
    sc_stmt_bind_int(&st, ":before", filter->before_id == 0 ? INT64_MAX : filter->before_id);
    sc_stmt_bind_int(&st, ":limit", filter->limit);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_transcript t;
        SC_AUTO_MARKS marks = { 0 };
        transcript_from_row(&st, &t);
        code = sc_marks_get(conn, SC_MARKED_TRANSCRIPT, t.id, &marks, err);
        t.marks = &marks;
        if (code == SC_OK)
            code = fn(ctx, &t, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_transcript_begin(struct sc_conn *tx, int64_t job, int64_t now_ms, int64_t *id,
                                 struct sc_error *err)
{
    struct sc_transcript there;
    enum sc_code code = sc_transcript_of_job(tx, job, &there, err);
    if (code == SC_OK)
        *id = there.id;
    if (code != SC_E_TRANSCRIPT_NOT_FOUND)
        return code;

    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_INSERT);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":now", now_ms);
    code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    if (sc_conn_changes(tx) == 0)
        return sc_error_set(err, SC_E_JOB_NOT_FOUND, "no such job, or it has no file");
    *id = sc_conn_last_id(tx);
    return SC_OK;
}
