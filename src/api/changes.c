/* The history of an owner: what was done to files, jobs, transcripts and the rest. */

#include "api/edits.h"

#include "base/banned.h"

struct asked {
    struct sc_query_page page; /* first: sc_list_answer fills it */
    struct sc_str job;
    int64_t file_id, transcript_id;
    int kind; /* sc_change_kind; -1: all */
};

static enum sc_code add_change(void *ctx, const struct sc_change *change, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, change->id))
        sc_change_view(&page->w, NULL, change);
    return SC_OK;
}

enum sc_code sc_change_rows(struct sc_conn *conn, const struct sc_change_filter *filter,
                            struct sc_page *page, struct sc_error *err)
{
    return sc_change_list(conn, filter, add_change, page, err);
}

static enum sc_code refuse_things(const struct asked *asked, struct sc_error *err)
{
    int things = (asked->file_id != 0) + (asked->job.ptr != NULL) + (asked->transcript_id != 0);
    if (things <= 1)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE,
                          asked->job.ptr != NULL ? "job_id" : "transcript_id",
                          "a change is of one thing: give one of file_id, job_id, transcript_id");
}

/* *known: false: there is no such job, so nothing was done to it. */
static enum sc_code find_job(struct sc_conn *conn, const struct asked *asked,
                             struct sc_change_filter *filter, bool *known, struct sc_error *err)
{
    char id[SC_UUID_TEXT];
    SC_AUTO_JOB job = { 0 };
    struct sc_error why = { 0 };
    if (asked->job.ptr == NULL)
        return SC_OK;
    enum sc_code code = sc_job_id_parse(asked->job, id, err);
    if (code != SC_OK)
        return code;
    code = sc_job_find(conn, filter->owner_id, id, &job, &why);
    *known = code != SC_E_JOB_NOT_FOUND;
    filter->job = job.id;
    return code == SC_OK || !*known ? SC_OK : sc_error_copy(err, &why);
}

static enum sc_code rows(struct sc_request *req, struct sc_conn *conn,
                         const struct sc_query_page *page_asked, struct sc_page *page,
                         struct sc_error *err)
{
    const struct asked *asked = (const struct asked *)page_asked;
    struct sc_change_filter filter = {
        .owner_id = sc_api_owner(req),
        .file_id = asked->file_id,
        .transcript_id = asked->transcript_id,
        .kind = asked->kind < 0 ? NULL : sc_change_word(asked->kind),
        .before_id = page_asked->before,
        .limit = page_asked->limit,
    };
    bool known = true;
    enum sc_code code = refuse_things(asked, err);
    if (code == SC_OK)
        code = find_job(conn, asked, &filter, &known, err);
    return code == SC_OK && known ? sc_change_rows(conn, &filter, page, err) : code;
}

static const struct sc_query_field list_fields[] = {
    SC_QUERY_ROW(NUMBER, struct asked, file_id, "file_id", .help = "Of this file", .example = "1"),
    SC_QUERY_ROW(TEXT, struct asked, job, "job_id", .format = "uuid", .help = "Of this job"),
    SC_QUERY_ROW(NUMBER, struct asked, transcript_id, "transcript_id", .help = "Of this transcript",
                 .example = "1"),
    SC_QUERY_ROW(WORD, struct asked, kind, "kind", .words = sc_change_word, .help = "What was done",
                 .example = "job.deleted"),
    SC_QUERY_LIMIT_ROW(struct asked, page.limit),
    SC_QUERY_ROW(CURSOR, struct asked, page.before, "cursor", .cursor = SC_CURSOR_CHANGE,
                 .help = SC_QUERY_CURSOR_HELP),
};
static const struct sc_query list_query = SC_QUERY(list_fields);

struct sc_done *sc_api_change_list(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "changes", SC_CURSOR_CHANGE, &list_query, rows };
    struct asked asked = { .kind = -1 };
    return sc_list_answer(req, api, &list, &asked.page);
}

SC_API_DOC(change_list) = {
    .query = &list_query,
    .replies = { { 200, &sc_shape_changes } },
};
