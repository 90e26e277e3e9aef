/* The api itself, and what its handlers share. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/id.h"

#include <stdarg.h>

#include "base/banned.h"

void sc_api_count(struct sc_api *api, int by)
{
    atomic_fetch_add(&api->waiting, by);
    atomic_store(&api->last_request_ms, sc_clock_mono_ms());
    if (api->options.activity != NULL)
        api->options.activity(api->options.ctx);
}

static bool resume_request(void *handle)
{
    return sc_request_resume(handle);
}

static void tasks_ready(void *ctx)
{
    sc_api_wake(ctx);
}

struct sc_api *sc_api_new(const struct sc_api_options *options)
{
    struct sc_api *api = sc_alloc(sizeof(*api));
    api->options = *options;
    api->started_ms = sc_clock_mono_ms();
    sc_random_bytes(&api->run, sizeof(api->run));
    atomic_init(&api->last_request_ms, api->started_ms);
    atomic_init(&api->waiting, 0);
    atomic_init(&api->stopping, false);
    sc_assert(pthread_mutex_init(&api->lock, NULL) == 0);
    sc_assert(pthread_mutex_init(&api->refusals_lock, NULL) == 0);
    sc_assert(pthread_mutex_init(&api->unended_lock, NULL) == 0);
    sc_parking_init(&api->parking, resume_request);
    api->push = sc_push_new(api);
    api->job_memo = sc_job_memo_new();
    sc_queue_on_ready(options->queue, tasks_ready, api);
    return api;
}

void sc_api_free(struct sc_api *api)
{
    if (api == NULL)
        return;
    sc_queue_on_ready(api->options.queue, NULL, api);
    sc_parking_done(&api->parking);
    sc_push_free(api->push);
    sc_job_memo_free(api->job_memo);
    sc_api_once_done(api);
    (void)pthread_mutex_destroy(&api->refusals_lock);
    (void)pthread_mutex_destroy(&api->lock);
    free(api);
}

void sc_api_wake(struct sc_api *api)
{
    sc_parking_wake(&api->parking);
}

void sc_api_stop(struct sc_api *api)
{
    atomic_store(&api->stopping, true);
    sc_parking_wake_all(&api->parking);
    sc_api_streams_wake(api);
}

int sc_api_waiting(struct sc_api *api)
{
    return atomic_load(&api->waiting);
}

int64_t sc_api_last_request_ms(struct sc_api *api)
{
    return atomic_load(&api->last_request_ms);
}

struct sc_done *sc_api_answer(struct sc_request *req, enum sc_code code, struct sc_error *err,
                              int status, struct sc_buf *body)
{
    if (code == SC_OK)
        return sc_reply_json(req, status, body);
    if (code == SC_E_TRANSCRIPT_BUSY)
        sc_reply_header(req, "Retry-After", "2");
    if (err->code != code) /* an expected answer of a lower module, which sets no message */
        (void)sc_error_set(err, code, "%s", sc_code_text(code));
    return sc_reply_error(req, err);
}

void sc_api_location(struct sc_request *req, const char *format, ...)
{
    char location[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(location, sizeof(location), format, args);
    va_end(args);
    sc_reply_header(req, "Location", location);
}

void sc_page_begin(struct sc_page *page, struct sc_buf *out, const char *name, int limit)
{
    *page = (struct sc_page){ .limit = limit };
    sc_json_begin(&page->w, out);
    sc_json_object(&page->w, NULL);
    sc_json_array(&page->w, name);
}

bool sc_page_take(struct sc_page *page, int64_t id)
{
    if (page->shown == page->limit) {
        page->more = true;
        return false;
    }
    page->shown++;
    page->last_id = id;
    return true;
}

void sc_page_end(struct sc_page *page, enum sc_cursor_kind kind)
{
    char cursor[SC_CURSOR_TEXT];
    sc_json_end(&page->w);
    sc_json_text(&page->w, "next_cursor",
                 page->more ? sc_cursor_format(kind, page->last_id, cursor) : NULL);
    sc_json_end(&page->w);
}

struct sc_done *sc_list_answer(struct sc_request *req, struct sc_api *api,
                               const struct sc_list *list, struct sc_query_page *asked)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_query_page plain = { 0 };
    struct sc_page page;
    if (asked == NULL)
        asked = &plain;
    asked->limit = SC_LIMIT_DEFAULT;
    enum sc_code code = sc_query_read(req, list->query, asked, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_page_begin(&page, &body, list->name, asked->limit++);
    code = list->rows(req, conn, asked, &page, &err);
    sc_page_end(&page, list->kind);
    return sc_api_answer(req, code, &err, 200, &body);
}
