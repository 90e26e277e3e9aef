/* Event streams, through a real server with a real store and queue. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "net/client.h"
#include "store/fixture.h"
#include "sys/socket.h"

#include <signal.h>

#include "base/banned.h"

struct house {
    struct fixture store;
    struct sc_config *config;
    struct sc_live_config *live;
    struct sc_hub *hub;
    struct sc_queue *queue;
    struct sc_api *api;
    struct sc_http *http;
    char server[PATH_MAX + 8];
};

static struct sc_done *events_route(struct sc_request *req, void *app)
{
    return sc_api_event_stream(req, app);
}

static const struct sc_route routes[] = {
    { "GET", "/api/events", events_route, SC_SCOPE_READ, 0, 0, "events" },
};

static void must(enum sc_code code, const struct sc_error *err)
{
    if (code != SC_OK)
        fail_msg("%s: %s", sc_code_name(code), err->msg);
}

static void load_config(struct house *h)
{
    struct sc_error err = { 0 };
    char data[PATH_MAX + 16];
    (void)snprintf(data, sizeof(data), "data_dir=%s", h->store.dir.path);
    const struct sc_config_override overrides[] = { { "--data", data }, { NULL, NULL } };
    const struct sc_config_sources sources = { .overrides = overrides };
    must(sc_config_load(&sources, &h->config, &err), &err);
    h->live = sc_live_config_new(h->config);
}

static void house_open(struct house *h)
{
    struct sc_error err = { 0 };
    struct sc_queue_config config = { 0 };
    char path[PATH_MAX];
    int fd;
    (void)signal(SIGPIPE, SIG_IGN);
    h->store = fixture_new();
    load_config(h);
    h->hub = sc_hub_new();
    must(sc_queue_open(h->store.store, h->hub, &config, &h->queue, &err), &err);
    struct sc_api_options options = {
        .store = h->store.store, .queue = h->queue, .hub = h->hub, .config = h->live
    };
    h->api = sc_api_new(&options);
    must(sc_socket_listen_unix(test_path(&h->store.dir, "s", path), &fd, &err), &err);
    (void)snprintf(h->server, sizeof(h->server), "unix:%s", path);
    struct sc_http_options http = {
        .routes = routes,
        .route_count = SC_ARRAY_LEN(routes),
        .app = h->api,
        .auth = sc_api_authenticate,
        .listen_fds = &fd,
        .listen_count = 1,
        .threads = 1,
        .workers = 2,
        .connection_limit = 8,
        .idle_timeout_s = 30,
        .temp_dir = h->store.dir.path,
    };
    must(sc_http_start(&http, &h->http, &err), &err);
}

static void house_stop(struct house *h)
{
    sc_api_stop(h->api);
    sc_http_stop(h->http, sc_clock_mono_ms() + 5000);
}

static void house_done(struct house *h)
{
    house_stop(h);
    sc_http_free(h->http);
    assert_int_equal(sc_api_waiting(h->api), 0);
    sc_api_free(h->api);
    sc_queue_close(h->queue);
    sc_hub_free(h->hub);
    sc_live_config_free(h->live);
    sc_config_free(h->config);
    fixture_done(&h->store);
}

/* ---- what happens to jobs ---- */

enum deed { DEED_CREATE, DEED_CANCEL, DEED_RETRY };

struct act {
    struct sc_queue *queue;
    enum deed deed;
    int64_t job;
    char job_id[SC_UUID_TEXT];
};

static enum sc_code create(struct sc_conn *tx, struct act *act, struct sc_error *err)
{
    struct sc_job_spec spec = {
        .owner_id = 1,
        .pipeline = "noop",
        .engine = "",
        .engine_version = "",
        .model = "",
        .task = "transcribe",
        .language = "",
        .file_name = "",
        .name = "",
        .settings = "{}",
        .class = SC_CLASS_NORMAL,
        .duration_ms = -1,
        .first_stage = SC_STAGE_NOOP,
        .first_lane = "noop",
    };
    SC_AUTO_JOB job = { 0 };
    bool existing;
    enum sc_code code = sc_job_create(act->queue, tx, &spec, &job, &existing, err);
    if (code == SC_OK) {
        act->job = job.id;
        memcpy(act->job_id, job.job_id, sizeof(act->job_id));
    }
    return code;
}

static enum sc_code write_act(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct act *act = ctx;
    switch (act->deed) {
    case DEED_CREATE:
        return create(tx, act, err);
    case DEED_CANCEL:
        return sc_job_cancel(act->queue, tx, act->job, err);
    case DEED_RETRY:
        return sc_job_retry(act->queue, tx, act->job, err);
    }
    return SC_E_INTERNAL;
}

static void act(struct house *h, struct act *a, enum deed deed)
{
    struct sc_error err = { 0 };
    a->queue = h->queue;
    a->deed = deed;
    must(sc_store_write(h->store.store, SC_RELAXED, write_act, a, &err), &err);
}

/* ---- a client ---- */

struct seen {
    struct house *house;
    struct act *cancel;      /* NULL, or the job to cancel once its first event is here */
    struct sc_buf types;     /* "job_created job_cancelled " */
    int64_t last;            /* id */
    int count, out_of_order; /* ids must grow by themselves */
    int limit;               /* leaves after so many; 0: at the end of the stream */
};

static void seen_done(struct seen *s)
{
    sc_buf_done(&s->types);
}

static bool take_event(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct seen *s = ctx;
    int64_t number = 0;
    (void)data;
    assert_true(sc_cursor_parse(SC_CURSOR_EVENT, id, &number));
    s->out_of_order += number <= s->last;
    s->last = number;
    s->count++;
    sc_buf_put_str(&s->types, type);
    sc_buf_putc(&s->types, ' ');
    if (s->cancel != NULL)
        act(s->house, SC_TAKE(s->cancel), DEED_CANCEL);
    return s->count != s->limit;
}

static void follow(struct house *h, const char *path, struct seen *s)
{
    struct sc_error err = { 0 };
    SC_AUTO(sc_client_closep) struct sc_client *client = NULL;
    s->house = h;
    must(sc_client_open(h->server, NULL, &client, &err), &err);
    must(sc_client_events(client, path, take_event, s, &err), &err);
    assert_int_equal(s->out_of_order, 0);
}

static char *job_path(const struct act *a, const char *more)
{
    return sc_asprintf("/api/events?job_id=%s%s", a->job_id, more);
}

/* ---- tests ---- */

static void a_stream_of_a_job_begins_at_its_first_event_and_ends_with_it(void **state)
{
    (void)state;
    SC_AUTO(house_done) struct house h = { 0 };
    SC_AUTO(seen_done) struct seen s = { 0 };
    struct act a = { 0 };
    house_open(&h);
    act(&h, &a, DEED_CREATE);
    s.cancel = &a; /* comes live, after what was replayed */
    SC_AUTO_FREE char *path = job_path(&a, "");
    follow(&h, path, &s);
    assert_string_equal(sc_buf_text(&s.types), "job_created job_cancelled ");
}

static void a_retried_job_has_not_ended_with_its_first_failure(void **state)
{
    (void)state;
    SC_AUTO(house_done) struct house h = { 0 };
    SC_AUTO(seen_done) struct seen s = { 0 };
    struct act a = { 0 };
    house_open(&h);
    act(&h, &a, DEED_CREATE);
    act(&h, &a, DEED_CANCEL);
    act(&h, &a, DEED_RETRY);
    s.cancel = &a;
    SC_AUTO_FREE char *path = job_path(&a, "");
    follow(&h, path, &s);
    assert_string_equal(sc_buf_text(&s.types),
                        "job_created job_cancelled job_retried job_cancelled ");
}

static void a_cursor_is_followed_by_all_that_came_after_it(void **state)
{
    (void)state;
    SC_AUTO(house_done) struct house h = { 0 };
    SC_AUTO(seen_done) struct seen all = { 0 };
    SC_AUTO(seen_done) struct seen rest = { 0 };
    SC_AUTO(seen_done) struct seen nothing = { 0 };
    struct act a = { 0 };
    house_open(&h);
    act(&h, &a, DEED_CREATE);
    for (int i = 0; i < 120; i++) { /* more than two pages of the log */
        act(&h, &a, DEED_CANCEL);
        act(&h, &a, DEED_RETRY);
    }
    act(&h, &a, DEED_CANCEL);
    SC_AUTO_FREE char *path = job_path(&a, "");
    follow(&h, path, &all);
    assert_int_equal(all.count, 242);
    SC_AUTO_FREE char *since = job_path(&a, "&since=e2");
    follow(&h, since, &rest);
    assert_int_equal(rest.count, 240);
    char cursor[SC_CURSOR_TEXT];
    SC_AUTO_FREE char *more =
        sc_asprintf("&since=%s", sc_cursor_format(SC_CURSOR_EVENT, all.last, cursor));
    SC_AUTO_FREE char *end = job_path(&a, more);
    follow(&h, end, &nothing); /* ends at once: the job has ended and all is known */
    assert_int_equal(nothing.count, 0);
}

struct stopper {
    struct house *house;
    struct act *job;
};

static bool stop_at_first(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct stopper *s = ctx;
    (void)id;
    (void)type;
    (void)data;
    assert_int_equal(sc_api_waiting(s->house->api), 1);
    sc_api_stop(s->house->api);
    return true;
}

static void streams_end_when_the_server_stops(void **state)
{
    (void)state;
    SC_AUTO(house_done) struct house h = { 0 };
    SC_AUTO(sc_client_closep) struct sc_client *client = NULL;
    struct sc_error err = { 0 };
    struct act a = { 0 };
    house_open(&h);
    act(&h, &a, DEED_CREATE);
    struct stopper s = { &h, &a };
    SC_AUTO_FREE char *path = job_path(&a, "");
    must(sc_client_open(h.server, NULL, &client, &err), &err);
    must(sc_client_events(client, path, stop_at_first, &s, &err), &err);
}

static void a_job_that_is_not_there_has_no_stream(void **state)
{
    (void)state;
    SC_AUTO(house_done) struct house h = { 0 };
    SC_AUTO(sc_client_closep) struct sc_client *client = NULL;
    SC_AUTO_BUF reply = { 0 };
    struct sc_error err = { 0 };
    int status = 0;
    house_open(&h);
    must(sc_client_open(h.server, NULL, &client, &err), &err);
    assert_int_equal(
        sc_client_call(
            client,
            &(struct sc_call){ .path = "/api/events?job_id=0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11" },
            &status, &reply, &err),
        SC_E_JOB_NOT_FOUND);
    assert_int_equal(status, 404);
    assert_int_equal(sc_client_call(client, &(struct sc_call){ .path = "/api/events?since=j1" },
                                    &status, &reply, &err),
                     SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "since");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_of_a_job_begins_at_its_first_event_and_ends_with_it),
        TEST(a_retried_job_has_not_ended_with_its_first_failure),
        TEST(a_cursor_is_followed_by_all_that_came_after_it),
        TEST(streams_end_when_the_server_stops),
        TEST(a_job_that_is_not_there_has_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
