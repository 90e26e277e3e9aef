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

static const char *const names[] = {
    "status",   "stage",         "pipeline",      "engine",        "model",
    "language", "priority",      "file_id",       "name",          "error_code",
    "tag",      "created_since", "created_until", "updated_since", "search",
    "sort",     "updated_until", "limit",         "cursor",        NULL,
};

static enum sc_code refuse(const char *field, struct sc_str text, const char *allowed,
                           struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    return sc_error_field(err, SC_E_INVALID_VALUE, field, "%s '%s' is none of %s", field,
                          sc_quote(text, quoted), allowed);
}

static enum sc_code decode_status(struct sc_request *req, struct sc_job_filter *f,
                                  struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, "status");
    if (text.ptr == NULL || sc_status_parse(text, &f->status))
        return SC_OK;
    return refuse("status", text, "pending, processing, completed, failed, cancelled", err);
}

static enum sc_code decode_stage(struct sc_request *req, struct sc_job_filter *f,
                                 struct sc_error *err)
{
    return sc_query_stage(req, &f->stage, err);
}

static enum sc_code decode_class(struct sc_request *req, struct sc_job_filter *f,
                                 struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, "priority");
    for (int i = 0; text.ptr != NULL && i < SC_CLASS_COUNT_; i++) {
        if (sc_str_equal(text, sc_str_from(sc_class_to_string((enum sc_class)i))))
            f->class = i;
    }
    if (text.ptr == NULL || f->class >= 0)
        return SC_OK;
    return refuse("priority", text, "high, normal, low", err);
}

static enum sc_code decode_sort(struct sc_request *req, struct sc_job_filter *f,
                                struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, "sort");
    if (text.ptr == NULL)
        return SC_OK;
    for (int i = 0; i < SC_JOB_SORT_COUNT_; i++) {
        if (sc_str_equal(text, sc_str_from(sorts[i].name))) {
            f->sort = (enum sc_job_sort)i;
            return SC_OK;
        }
    }
    return refuse("sort", text, "created_at, completed_at, duration_seconds, each also with -",
                  err);
}

static enum sc_code decode_error_code(struct sc_request *req, struct sc_job_filter *f,
                                      struct sc_error *err)
{
    enum sc_code known;
    char word[48];
    f->error_code = sc_request_query(req, "error_code");
    if (f->error_code.ptr == NULL)
        return SC_OK;
    (void)snprintf(word, sizeof(word), "%.*s", (int)SC_MIN(f->error_code.len, sizeof(word) - 1),
                   f->error_code.ptr);
    return sc_code_parse(word, &known)
               ? SC_OK
               : refuse("error_code", f->error_code, "the codes of docs/api.md", err);
}

/* Empty text would let nothing through, or everything: it is a mistake. */
static enum sc_code decode_text(struct sc_request *req, const char *name, struct sc_str *out,
                                struct sc_error *err)
{
    *out = sc_request_query(req, name);
    if (out->ptr != NULL && out->len == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, name, "%s is empty; leave it out", name);
    return SC_OK;
}

static enum sc_code decode_texts(struct sc_request *req, struct sc_job_filter *f,
                                 struct sc_error *err)
{
    const struct {
        const char *name;
        struct sc_str *out;
    } rows[] = {
        { "pipeline", &f->pipeline }, { "engine", &f->engine }, { "model", &f->model },
        { "language", &f->language }, { "name", &f->name },     { "tag", &f->tag },
        { "search", &f->search },
    };
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(rows); i++)
        code = decode_text(req, rows[i].name, rows[i].out, err);
    return code;
}

static enum sc_code decode_times(struct sc_request *req, struct sc_job_filter *f,
                                 struct sc_error *err)
{
    enum sc_code code = sc_query_time(req, "created_since", &f->created_since, err);
    if (code == SC_OK)
        code = sc_query_time(req, "created_until", &f->created_until, err);
    if (code == SC_OK)
        code = sc_query_time(req, "updated_since", &f->updated_since, err);
    if (code == SC_OK)
        code = sc_query_time(req, "updated_until", &f->updated_until, err);
    return code;
}

static enum sc_code decode_page(struct sc_request *req, struct sc_job_filter *f,
                                struct sc_error *err)
{
    struct sc_str cursor = sc_request_query(req, "cursor");
    enum sc_code code = sc_query_limit(req, &f->limit, err);
    if (code != SC_OK || cursor.ptr == NULL || sc_job_cursor_parse(f->sort, cursor, &f->after))
        return code;
    return sc_refuse_sorted_cursor(cursor, err);
}

static enum sc_code decode_filter(struct sc_request *req, struct sc_job_filter *f,
                                  struct sc_error *err)
{
    static enum sc_code (*const steps[])(struct sc_request *, struct sc_job_filter *,
                                         struct sc_error *) = {
        decode_status, decode_stage,      decode_class, decode_sort,
        decode_texts,  decode_error_code, decode_times, decode_page,
    };
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = sc_query_number(req, "file_id", &f->file_id, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(steps); i++)
        code = steps[i](req, f, err);
    return code;
}

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
    struct sc_job_filter filter = sc_job_filter_all(sc_api_owner(req), SC_LIMIT_DEFAULT);

    enum sc_code code = decode_filter(req, &filter, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK) {
        time.end_ms = sc_clock_mono_ms() + SC_LIST_WALK_MS;
        filter.spent = walk_is_over;
        filter.spent_ctx = &time;
        code = write_page(api, conn, &filter, &body, &err);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}
