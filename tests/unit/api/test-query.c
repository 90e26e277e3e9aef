/* What handlers read out of queries, paths, headers and bodies, asked through a server. */
#include "api/request.h"

#include "base/alloc.h"
#include "net/client.h"
#include "sys/socket.h"
#include "json/writer.h"

#include "testing.h"

#include "base/banned.h"

#define NOW INT64_C(1700000000000)
#define UUID "018bcfe5-6800-7000-8000-000000000000"

static struct sc_done *answer(struct sc_request *req, enum sc_code code, int64_t value,
                              const struct sc_error *err)
{
    if (code != SC_OK)
        return sc_reply_error(req, err);
    SC_AUTO_BUF body = { 0 };
    sc_buf_printf(&body, "%lld", (long long)value);
    return sc_reply_bytes(req, 200, "text/plain", &body);
}

static const char *stage_word(int index)
{
    return index < SC_STAGE_COUNT_ ? sc_stage_to_string((enum sc_stage)index) : NULL;
}

struct asked {
    bool flag;
    int stage;
    struct sc_query_page page;
    int64_t after, number, few, time, seconds;
    struct sc_str text, raw;
};

static bool more_rows(size_t index, struct sc_query_field *out)
{
    static const struct sc_query_field raw =
        SC_QUERY_ROW(RAW, struct asked, raw, "raw", .help = "Anything");
    *out = raw;
    return index == 0;
}

static const struct sc_query_field asked_fields[] = {
    SC_QUERY_ROW(FLAG, struct asked, flag, "flag", .help = "On or off"),
    SC_QUERY_ROW(WORD, struct asked, stage, "stage", .words = stage_word, .help = "A stage"),
    SC_QUERY_LIMIT_ROW(struct asked, page.limit),
    SC_QUERY_ROW(CURSOR, struct asked, page.before, "cursor", .cursor = SC_CURSOR_TRANSCRIPT,
                 .help = "A place"),
    SC_QUERY_ROW(CURSOR, struct asked, after, "after", .cursor = SC_CURSOR_TRANSCRIPT,
                 .help = "A place"),
    SC_QUERY_ROW(NUMBER, struct asked, number, "number", .help = "From 1 up"),
    SC_QUERY_ROW(NUMBER, struct asked, few, "few", .max = 3, .help = "From 0 to 3"),
    SC_QUERY_ROW(TIME, struct asked, time, "time", .help = "A time"),
    SC_QUERY_ROW(SECONDS, struct asked, seconds, "seconds", .help = "A time of a recording"),
    SC_QUERY_ROW(TEXT, struct asked, text, "text", .help = "Not empty"),
};
static const struct sc_query asked_query = { SC_SHAPE_FIELDS(asked_fields), .more = more_rows };

static struct sc_done *on_query(struct sc_request *req, void *app)
{
    (void)app;
    struct sc_error err = { 0 };
    struct asked q = { .stage = -1, .page = { .limit = SC_LIMIT_DEFAULT } };
    enum sc_code code = sc_query_read(req, &asked_query, &q, &err);
    /* Each row of the test asks for one thing; the limit's default is 50. */
    return answer(req, code,
                  q.flag + q.page.limit + q.page.before + q.after + q.number + q.few + q.time +
                      q.seconds + q.stage + 1 + (int64_t)q.text.len + (int64_t)q.raw.len,
                  &err);
}

static struct sc_done *on_needed(struct sc_request *req, void *app)
{
    (void)app;
    static const struct sc_query_field fields[] = {
        SC_QUERY_ROW(NUMBER, struct sc_query_page, before, "number", .required = true,
                     .help = "It must be there"),
    };
    static const struct sc_query query = SC_QUERY(fields);
    struct sc_error err = { 0 };
    struct sc_query_page q = { .before = 0 };
    enum sc_code code = sc_query_read(req, &query, &q, &err);
    return answer(req, code, q.before, &err);
}

static struct sc_done *on_number(struct sc_request *req, void *app)
{
    (void)app;
    struct sc_error err = { 0 };
    int64_t id = 0;
    enum sc_code code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, &err);
    return answer(req, code, id, &err);
}

static struct sc_done *on_job(struct sc_request *req, void *app)
{
    (void)app;
    struct sc_error err = { 0 };
    char id[SC_UUID_TEXT] = "";
    enum sc_code code = sc_path_job_id(req, id, &err);
    return answer(req, code, strcmp(id, UUID) == 0, &err);
}

static const struct sc_json_field n_fields[] = {
    { .name = "n", .type = SC_JSON_INT, .offset = 0, .min = 1, .max = 9 },
};
static const struct sc_json_shape n_shape = { .request = true, SC_SHAPE_FIELDS(n_fields) };

static struct sc_done *on_body(struct sc_request *req, void *app)
{
    (void)app;
    struct sc_error err = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_FREE char *key = NULL;
    int64_t n = 0;
    enum sc_code code = sc_request_idempotency_key(req, &key, &err);
    if (code == SC_OK)
        code = sc_request_read(req, &n_shape, &n, &doc, &err);
    return answer(req, code, n + (key == NULL ? 0 : (int64_t)strlen(key)), &err);
}

static struct sc_done *on_objects(struct sc_request *req, void *app)
{
    (void)app;
    struct sc_error err = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    int64_t n = 0;
    enum sc_code code = sc_request_json(req, &doc, &err);
    if (code == SC_OK)
        code = sc_request_object(sc_json_member(sc_json_root(doc), "it"), "it", &n_shape, &n, &err);
    return answer(req, code, n, &err);
}

static struct sc_done *on_empty(struct sc_request *req, void *app)
{
    (void)app;
    struct sc_error err = { 0 };
    enum sc_code code = sc_request_empty(req, &err);
    return answer(req, code, 0, &err);
}

static const struct sc_route routes[] = {
    { "GET", "/api/q", on_query, 0, SC_ROUTE_OPEN, 0, "" },
    { "GET", "/api/needed", on_needed, 0, SC_ROUTE_OPEN, 0, "" },
    { "GET", "/api/files/{id}", on_number, 0, SC_ROUTE_OPEN, 0, "" },
    { "GET", "/api/jobs/{id}", on_job, 0, SC_ROUTE_OPEN, 0, "" },
    { "POST", "/api/body", on_body, 0, SC_ROUTE_OPEN, 1000, "" },
    { "POST", "/api/objects", on_objects, 0, SC_ROUTE_OPEN, 1000, "" },
    { "POST", "/api/empty", on_empty, 0, SC_ROUTE_OPEN, 1000, "" },
};

static enum sc_code let_in(void *app, struct sc_str bearer, const struct sc_peer *peer,
                           struct sc_principal *out, struct sc_error *err)
{
    (void)app, (void)bearer, (void)peer, (void)err;
    *out = (struct sc_principal){ .owner_id = 1 };
    return SC_OK;
}

struct rig {
    struct test_dir dir;
    struct test_clock clock;
    struct sc_http *http;
    struct sc_client *client;
};

static struct rig rig_new(void)
{
    struct rig r = { .dir = test_dir_new(), .clock = test_clock_at(NOW, 1000) };
    struct sc_error err = { 0 };
    char path[PATH_MAX], server[PATH_MAX + 8];
    int fd = -1;
    (void)snprintf(server, sizeof(server), "unix:%s", test_path(&r.dir, "s", path));
    if (sc_socket_listen_unix(path, &fd, &err) != SC_OK)
        fail_msg("%s", err.msg);
    const struct sc_http_options options = {
        .routes = routes,
        .route_count = SC_ARRAY_LEN(routes),
        .auth = let_in,
        .listen_fds = &fd,
        .listen_count = 1,
        .threads = 1,
        .workers = 1,
        .connection_limit = 10,
        .idle_timeout_s = 30,
        .temp_dir = r.dir.path,
        .spool_limit = 1000,
    };
    if (sc_http_start(&options, &r.http, &err) != SC_OK ||
        sc_client_open(server, NULL, &r.client, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return r;
}

static void rig_done(struct rig *r)
{
    sc_client_close(r->client);
    sc_http_stop(r->http, sc_clock_mono_ms());
    sc_http_free(r->http);
    test_clock_done(&r->clock);
    test_dir_done(&r->dir);
}

struct row {
    const char *path, *body;
    enum sc_code code;
    int64_t value;     /* of SC_OK */
    const char *field; /* of the rest; NULL: not looked at */
};

static void assert_rows(struct rig *r, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        SC_AUTO_BUF reply = { 0 };
        struct sc_error err = { 0 };
        struct sc_call call = { .method = row->body == NULL ? "GET" : "POST",
                                .path = row->path,
                                .body = row->body };
        enum sc_code code = sc_client_call(r->client, &call, NULL, &reply, &err);
        if (code != row->code)
            fail_msg("%s %s: %s: %s", row->path, row->body == NULL ? "" : row->body,
                     sc_code_name(code), err.msg);
        if (code != SC_OK && row->field != NULL)
            assert_string_equal(err.field, row->field);
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "%lld", (long long)row->value);
        if (code == SC_OK)
            assert_string_equal(sc_buf_text(&reply), expected);
    }
}

static void queries_are_read_and_what_is_wrong_is_named(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r = rig_new();
    const struct row rows[] = {
        { "/api/q", NULL, SC_OK, SC_LIMIT_DEFAULT, NULL },
        { "/api/q?flag=true", NULL, SC_OK, SC_LIMIT_DEFAULT + 1, NULL },
        { "/api/q?flag=off", NULL, SC_OK, SC_LIMIT_DEFAULT, NULL },
        { "/api/q?flag=perhaps", NULL, SC_E_INVALID_VALUE, 0, "flag" },
        { "/api/q?limit=7", NULL, SC_OK, 7, NULL },
        { "/api/q?limit=0", NULL, SC_E_INVALID_VALUE, 0, "limit" },
        { "/api/q?cursor=nonsense", NULL, SC_E_INVALID_VALUE, 0, "cursor" },
        { "/api/q?after=nonsense", NULL, SC_E_INVALID_VALUE, 0, "after" },
        { "/api/q?number=12", NULL, SC_OK, SC_LIMIT_DEFAULT + 12, NULL },
        { "/api/q?number=0", NULL, SC_E_INVALID_VALUE, 0, "number" },
        { "/api/q?number=1x", NULL, SC_E_INVALID_VALUE, 0, "number" },
        { "/api/q?time=1970-01-02", NULL, SC_OK, SC_LIMIT_DEFAULT + 86400000, NULL },
        { "/api/q?time=2h", NULL, SC_OK, SC_LIMIT_DEFAULT + NOW - 7200000, NULL },
        { "/api/q?time=99999d", NULL, SC_E_INVALID_VALUE, 0, "time" },
        { "/api/q?time=soon", NULL, SC_E_INVALID_VALUE, 0, "time" },
        { "/api/q?stage=merge", NULL, SC_OK, SC_LIMIT_DEFAULT + 1 + SC_STAGE_MERGE, NULL },
        { "/api/q?stage=ingest", NULL, SC_OK, SC_LIMIT_DEFAULT + 1, NULL },
        { "/api/q?stage=sleep", NULL, SC_E_INVALID_VALUE, 0, "stage" },
        { "/api/q?few=0", NULL, SC_OK, SC_LIMIT_DEFAULT, NULL },
        { "/api/q?few=4", NULL, SC_E_INVALID_VALUE, 0, "few" },
        { "/api/q?seconds=1.5", NULL, SC_OK, SC_LIMIT_DEFAULT + 1500, NULL },
        { "/api/q?seconds=-1", NULL, SC_E_INVALID_VALUE, 0, "seconds" },
        { "/api/q?seconds=1e99", NULL, SC_E_INVALID_VALUE, 0, "seconds" },
        { "/api/q?text=four", NULL, SC_OK, SC_LIMIT_DEFAULT + 4, NULL },
        { "/api/q?text=", NULL, SC_E_INVALID_VALUE, 0, "text" },
        { "/api/q?raw=", NULL, SC_OK, SC_LIMIT_DEFAULT, NULL },
        { "/api/q?raw=four", NULL, SC_OK, SC_LIMIT_DEFAULT + 4, NULL },
        { "/api/needed?number=4", NULL, SC_OK, 4, NULL },
        { "/api/needed", NULL, SC_E_INVALID_VALUE, 0, "number" },
        { "/api/q?page=2", NULL, SC_E_INVALID_VALUE, 0, "page" },
        { "/api/q?limit=7&limit=8", NULL, SC_E_INVALID_VALUE, 0, "limit" },
    };
    assert_rows(&r, rows, SC_ARRAY_LEN(rows));
    char text[SC_CURSOR_TEXT], path[80];
    (void)snprintf(path, sizeof(path), "/api/q?cursor=%s",
                   sc_cursor_format(SC_CURSOR_TRANSCRIPT, 900, text));
    const struct row page = { path, NULL, SC_OK, SC_LIMIT_DEFAULT + 900, NULL };
    assert_rows(&r, &page, 1);
    struct sc_error err = { 0 };
    assert_int_equal(sc_query_refuse_cursor(SC_STR("x\n"), &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "cursor");
}

static void all_that_is_wrong_with_a_query_is_told(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r = rig_new();
    SC_AUTO_BUF reply = { 0 };
    struct sc_error err = { 0 };
    struct sc_call call = { .method = "GET", .path = "/api/q?number=0&colour=red&limit=x&limit=7" };
    assert_int_equal(sc_client_call(r.client, &call, NULL, &reply, &err), SC_E_INVALID_VALUE);
    static const char *const parts[] = {
        "\"field\":\"colour\",\"fields\":[{\"field\":\"colour\",\"message\":\"unknown query",
        "\"message\":\"query parameter 'limit' is given twice\"}",
        "\"message\":\"limit 'x' is not a whole number from 1 to 500\"}",
        "\"message\":\"number '0' is not a whole number from 1 up\"}]",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(parts); i++) {
        if (strstr(sc_buf_text(&reply), parts[i]) == NULL)
            fail_msg("no %s in %s", parts[i], sc_buf_text(&reply));
    }
}

static void ids_of_paths_are_read(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r = rig_new();
    const struct row rows[] = {
        { "/api/files/1", NULL, SC_OK, 1, NULL },
        { "/api/files/9000000000", NULL, SC_OK, INT64_C(9000000000), NULL },
        { "/api/files/0", NULL, SC_E_FILE_NOT_FOUND, 0, NULL },
        { "/api/files/-1", NULL, SC_E_FILE_NOT_FOUND, 0, NULL },
        { "/api/files/one", NULL, SC_E_FILE_NOT_FOUND, 0, NULL },
        { "/api/files/99999999999999999999", NULL, SC_E_FILE_NOT_FOUND, 0, NULL },
        { "/api/jobs/" UUID, NULL, SC_OK, 1, NULL },
        { "/api/jobs/1", NULL, SC_E_JOB_NOT_FOUND, 0, NULL },
    };
    assert_rows(&r, rows, SC_ARRAY_LEN(rows));
}

static void bodies_are_objects_of_known_fields(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r = rig_new();
    const struct row rows[] = {
        { "/api/body", "{\"n\": 5}", SC_OK, 5, NULL },
        { "/api/body", "{}", SC_OK, 0, NULL },
        { "/api/body", "{\"n\": 10}", SC_E_INVALID_VALUE, 0, "n" },
        { "/api/body", "{\"m\": 1}", SC_E_INVALID_VALUE, 0, "m" },
        { "/api/body", "[1]", SC_E_INVALID_REQUEST, 0, NULL },
        { "/api/body", "{", SC_E_INVALID_REQUEST, 0, NULL },
        { "/api/body?x=1", "{}", SC_E_INVALID_VALUE, 0, "x" },
        { "/api/objects", "{\"it\": {\"n\": 3}}", SC_OK, 3, NULL },
        { "/api/objects", "{\"it\": [3]}", SC_E_INVALID_VALUE, 0, "it" },
        { "/api/empty", "{}", SC_OK, 0, NULL },
        { "/api/empty", "", SC_OK, 0, NULL },
        { "/api/empty", "{\"n\": 1}", SC_E_INVALID_VALUE, 0, "n" },
        { "/api/empty?x=1", "{}", SC_E_INVALID_VALUE, 0, "x" },
    };
    assert_rows(&r, rows, SC_ARRAY_LEN(rows));
    sc_client_header(r.client, "Idempotency-Key", "four");
    assert_rows(&r, &(const struct row){ "/api/body", "{\"n\": 5}", SC_OK, 9, NULL }, 1);
    sc_client_header(r.client, "Idempotency-Key", "caf\xc3\xa9");
    assert_rows(&r, &(const struct row){ "/api/body", "{}", SC_E_INVALID_VALUE, 0, NULL }, 1);
    sc_client_header(r.client, "Content-Type", "text/plain");
    assert_rows(&r, &(const struct row){ "/api/body", "{}", SC_E_UNSUPPORTED_TYPE, 0, NULL }, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(queries_are_read_and_what_is_wrong_is_named),
        TEST(all_that_is_wrong_with_a_query_is_told),
        TEST(ids_of_paths_are_read),
        TEST(bodies_are_objects_of_known_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
