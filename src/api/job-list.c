/* GET /api/jobs: filters, sorting, pages. A mix of filters that no index answers stops after
 * SC_LIST_WALK_MS with what it has found, and a cursor that goes on. */

#include "api/api-internal.h"

#include "base/clock.h"
#include "base/fault.h"

#include <inttypes.h>

#include "base/banned.h"

/* ---- cursors ---- */

/* The letter names the order, so that no cursor enters another order's list. Newest first is the
 * plain cursor of jobs. */
static const struct {
    const char *name;
    char letter;
} sorts[SC_JOB_SORT_COUNT_] = {
    [SC_JOB_NEWEST] = { "-created_at", 'j' },
    [SC_JOB_OLDEST] = { "created_at", 'O' },
    [SC_JOB_ENDED_LAST] = { "-completed_at", 'E' },
    [SC_JOB_ENDED_FIRST] = { "completed_at", 'F' },
    [SC_JOB_LONGEST] = { "-duration_seconds", 'L' },
    [SC_JOB_SHORTEST] = { "duration_seconds", 'S' },
};

const char *sc_job_cursor_format(enum sc_job_sort sort, const struct sc_job_place *place,
                                 char out[SC_JOB_CURSOR_TEXT])
{
    if (sort == SC_JOB_NEWEST)
        return sc_cursor_format(SC_CURSOR_JOB, place->id, out);
    (void)snprintf(out, SC_JOB_CURSOR_TEXT, "%c%" PRIx64 "-%" PRIx64, sorts[sort].letter,
                   (uint64_t)place->value, (uint64_t)place->id);
    return out;
}

bool sc_job_cursor_parse(enum sc_job_sort sort, struct sc_str text, struct sc_job_place *out)
{
    struct sc_job_place place = { 0 };
    if (sort == SC_JOB_NEWEST) {
        if (!sc_cursor_parse(SC_CURSOR_JOB, text, &place.id))
            return false;
    } else {
        if (text.len < 2 || text.ptr[0] != sorts[sort].letter)
            return false;
        struct sc_str rest = { text.ptr + 1, text.len - 1 };
        struct sc_str value = sc_str_take_until(&rest, '-');
        if (!sc_hex_parse(value, &place.value) || !sc_hex_parse(rest, &place.id) || place.id == 0)
            return false;
    }
    *out = place;
    return true;
}

/* ---- filters ---- */

struct asked {
    struct sc_job_filter filter;
    int sort; /* an enum sc_job_sort */
    struct sc_str cursor;
    char language[SC_LANGUAGE_TEXT]; /* that filter.language borrows */
};

static enum sc_code read_status(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    if (sc_status_parse(text, at))
        return SC_OK;
    return sc_query_refuse(field->name, text, "pending, processing, completed, failed, cancelled",
                           err);
}

static enum sc_code read_code(const struct sc_query_field *field, struct sc_str text, void *at,
                              struct sc_error *err)
{
    enum sc_code known;
    char word[48];
    (void)snprintf(word, sizeof(word), "%.*s", (int)SC_MIN(text.len, sizeof(word) - 1), text.ptr);
    if (!sc_code_parse(word, &known))
        return sc_query_refuse(field->name, text, "the codes of docs/api.md", err);
    *(struct sc_str *)at = text;
    return SC_OK;
}

static const char *sort_word(int index)
{
    return index < SC_JOB_SORT_COUNT_ ? sorts[index].name : NULL;
}

/* A cursor goes with the order, which has been read before it. */
static enum sc_code read_cursor(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    struct asked *asked = (void *)((char *)at - field->offset);
    if (sc_job_cursor_parse((enum sc_job_sort)asked->sort, text, &asked->filter.after))
        return SC_OK;
    return sc_query_refuse_cursor(text, err);
}

#define ROW(kind, member, name, ...) \
    SC_QUERY_ROW(kind, struct asked, filter.member, name, __VA_ARGS__)
static const struct sc_query_field list_fields[] = {
    ROW(OWN, status, "status", .read = read_status,
        .help = "The state; or a name of older systems, in capitals", .example = "failed"),
    ROW(WORD, stage, "stage", .words = sc_words_stage, .help = "The stage at work"),
    ROW(TEXT, pipeline, "pipeline", .help = "What is done", .example = "transcribe"),
    ROW(TEXT, engine, "engine", .help = "The engine", .example = "pocketsphinx"),
    ROW(TEXT, model, "model", .help = "The model of the engine"),
    SC_QUERY_ROW(LANGUAGE, struct asked, language, "language",
                 .help = "Given or detected: a code, or an English name", .example = "en"),
    ROW(WORD, class, "priority", .words = sc_words_class, .help = "The class of the queue"),
    ROW(NUMBER, file_id, "file_id", .help = "Of this recording", .example = "1"),
    ROW(NUMBER, campaign_id, "campaign_id", .help = "Of this campaign", .example = "1"),
    ROW(TEXT, name, "name", .help = "Whose name, or whose file's name, is this"),
    ROW(OWN, error_code, "error_code", .read = read_code, .words = sc_words_code,
        .help = "Why it failed"),
    ROW(TEXT, tag, "tag", .help = "With this tag", .example = "urgent"),
    ROW(TIME, created_since, "created_since", .help = "Made from this time on", .example = "7d"),
    ROW(TIME, created_until, "created_until", .help = "Made before this time"),
    ROW(TIME, updated_since, "updated_since", .help = "Changed from this time on"),
    ROW(TIME, updated_until, "updated_until", .help = "Changed before this time"),
    ROW(TEXT, search, "search",
        .help =
            "Whose name, or whose file's name, holds this; letter case of ASCII counts nothing"),
    SC_QUERY_ROW(WORD, struct asked, sort, "sort", .words = sort_word,
                 .help = "The order; `-created_at` unless given", .example = "-created_at"),
    SC_QUERY_LIMIT_ROW(struct asked, filter.limit),
    SC_QUERY_ROW(OWN, struct asked, cursor, "cursor", .read = read_cursor,
                 .help = SC_QUERY_CURSOR_HELP ", with the same order"),
};
#undef ROW
static const struct sc_query list_query = SC_QUERY(list_fields);

/* ---- the page ---- */

struct walk_time {
    int64_t end_ms;
};

static bool walk_is_over(void *ctx)
{
    const struct walk_time *time = ctx;
    return SC_FAULT("jobs.list") || sc_clock_mono_ms() >= time->end_ms;
}

struct list_view {
    struct sc_json w;
    struct sc_api *api;
    struct sc_conn *conn;
};

static enum sc_code add_job(void *ctx, const struct sc_job *job, struct sc_error *err)
{
    struct list_view *view = ctx;
    struct sc_job_outlook look;
    enum sc_code code = sc_api_job_outlook(view->api, view->conn, job, &look, err);
    if (code == SC_OK)
        sc_job_view(&view->w, NULL, job, &look);
    return code;
}

static enum sc_code write_page(struct sc_api *api, struct sc_conn *conn,
                               const struct sc_job_filter *f, struct sc_buf *body,
                               struct sc_error *err)
{
    struct list_view view = { .api = api, .conn = conn };
    struct sc_job_page_end end = { .more = false };
    char cursor[SC_JOB_CURSOR_TEXT];
    sc_json_begin(&view.w, body);
    sc_json_object(&view.w, NULL);
    sc_json_array(&view.w, "jobs");
    enum sc_code code = sc_job_list(conn, f, add_job, &view, &end, err);
    sc_json_end(&view.w);
    sc_json_text(&view.w, "next_cursor",
                 end.more ? sc_job_cursor_format(f->sort, &end.next, cursor) : NULL);
    sc_json_bool(&view.w, "partial", end.partial);
    sc_json_end(&view.w);
    return code;
}

struct sc_done *sc_api_job_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct walk_time time;
    struct asked asked = {
        .filter = sc_job_filter_all(sc_api_owner(req), SC_LIMIT_DEFAULT),
        .sort = SC_JOB_NEWEST,
    };

    enum sc_code code = sc_query_read(req, &list_query, &asked, &err);
    asked.filter.sort = (enum sc_job_sort)asked.sort;
    if (asked.language[0] != '\0')
        asked.filter.language = sc_str_from(asked.language);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK) {
        time.end_ms = sc_clock_mono_ms() + SC_LIST_WALK_MS;
        asked.filter.spent = walk_is_over;
        asked.filter.spent_ctx = &time;
        code = write_page(api, conn, &asked.filter, &body, &err);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

SC_API_DOC(job_list) = { .query = &list_query, .replies = { { 200, &sc_shape_jobs } } };
