/* Webhooks: addresses that hear of their owner's jobs, and what was posted to them. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "config/value.h"
#include "http/answer.h"
#include "net/guard.h"

#include "base/banned.h"

#define DESCRIPTION_MAX 200
#define EVENTS_MAX 32

/* ---- bodies ---- */

struct hook_body {
    struct sc_str url, description; /* NULL: not given */
    const struct sc_json_value *events;
    bool enabled, new_secret;
};

#define EVENTS_HELP                                                      \
    "Out of `job_created`, `job_started`, `job_complete`, `job_error`, " \
    "`job_cancelled` and `job_retried`, or `*` for all of them"

static const struct sc_json_field create_fields[] = {
    SC_BODY(struct hook_body, url, TEXT, .required = true, .min = 1, .max = SC_GUARD_URL - 1,
            .help = "Where messages are posted to", .example = "https://hooks.example.com/scripta"),
    SC_BODY(struct hook_body, events, ARRAY, .items = SC_JSON_TEXT, .words = sc_words_webhook_event,
            .help = EVENTS_HELP "; the ends of jobs unless given",
            .example = "[\"job_complete\", \"job_error\"]"),
    SC_BODY(struct hook_body, description, TEXT, .max = DESCRIPTION_MAX, .help = "What it is for",
            .example = "the archive"),
    SC_BODY(struct hook_body, enabled, BOOL, .help = "`true` unless given", .example = "true"),
};
static const struct sc_json_shape create_shape = {
    .name = "WebhookRequest",
    .request = true,
    SC_SHAPE_FIELDS(create_fields),
};

static const struct sc_json_field edit_fields[] = {
    SC_BODY(struct hook_body, url, TEXT, .min = 1, .max = SC_GUARD_URL - 1,
            .help = "Where messages are posted to", .example = "https://hooks.example.com/new"),
    SC_BODY(struct hook_body, events, ARRAY, .items = SC_JSON_TEXT, .words = sc_words_webhook_event,
            .help = EVENTS_HELP, .example = "[\"*\"]"),
    SC_BODY(struct hook_body, description, TEXT, .max = DESCRIPTION_MAX, .help = "What it is for",
            .example = "the archive"),
    SC_BODY(struct hook_body, enabled, BOOL,
            .help = "`false`: no messages are made, and those that are owed wait",
            .example = "true"),
    SC_BODY(struct hook_body, new_secret, BOOL,
            .help = "Makes another secret, which the answer tells; the old one signs no more",
            .example = "false"),
};
static const struct sc_json_shape edit_shape = {
    .name = "WebhookChange",
    .request = true,
    SC_SHAPE_FIELDS(edit_fields),
};

static enum sc_code decode_events(const struct sc_json_value *array, int64_t *out,
                                  struct sc_error *err)
{
    int64_t events = 0, one;
    size_t count = sc_json_count(array);
    if (count == 0 || count > EVENTS_MAX)
        return sc_error_field(err, SC_E_INVALID_VALUE, "events",
                              "events must name some, or \"*\" for all");
    for (size_t i = 0; i < count; i++) {
        struct sc_str name = sc_json_get_str(sc_json_at(array, i), SC_STR(""));
        char quoted[SC_QUOTED_TEXT];
        if (!sc_webhook_events_parse(name, &one))
            return sc_error_field(err, SC_E_INVALID_VALUE, "events",
                                  "'%s' is none of job_created, job_started, job_complete, "
                                  "job_error, job_cancelled, job_retried or *",
                                  sc_quote(name, quoted));
        events |= one;
    }
    *out = events;
    return SC_OK;
}

/* A body whose texts are owned. */
struct decoded {
    char *url, *description; /* NULL: not given */
    int64_t events;
    bool has_events, enabled, has_enabled, new_secret;
};

static void decoded_done(struct decoded *d)
{
    sc_freep(&d->url);
    sc_freep(&d->description);
}

static char *copy(struct sc_str text)
{
    return text.ptr == NULL ? NULL : sc_strndup(text.ptr, text.len);
}

/* All that is bad is told. */
static enum sc_code check(struct sc_api *api, const struct hook_body *body, struct decoded *out,
                          struct sc_error *err)
{
    struct sc_error all = { 0 }, one = { 0 };
    out->url = copy(body->url);
    out->description = copy(body->description);
    const char *allow = sc_config_now(api->options.config)->webhooks_allow;
    if (out->url != NULL && sc_guard_url(out->url, allow, NULL, &one) != SC_OK) {
        (void)sc_error_field(&all, SC_E_INVALID_VALUE, "url", "%s", one.msg);
        one = (struct sc_error){ 0 };
    }
    if (out->description != NULL && !sc_value_is_plain(body->description)) {
        (void)sc_error_field(&one, SC_E_INVALID_VALUE, "description",
                             "description holds control signs");
        (void)sc_error_also(&all, &one);
    }
    if (out->has_events && decode_events(body->events, &out->events, &one) != SC_OK)
        (void)sc_error_also(&all, &one);
    return all.code == SC_OK ? SC_OK : sc_error_copy(err, &all);
}

static enum sc_code decode(struct sc_request *req, struct sc_api *api,
                           const struct sc_json_shape *shape, struct decoded *out,
                           struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct hook_body body = { .enabled = true };
    enum sc_code code = sc_request_read(req, shape, &body, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *enabled = sc_json_member(sc_json_root(doc), "enabled");
    out->enabled = body.enabled;
    out->has_enabled = enabled != NULL && sc_json_type(enabled) == SC_JSON_BOOL;
    out->new_secret = body.new_secret;
    out->has_events = body.events != NULL;
    return check(api, &body, out, err);
}

/* ---- create ---- */

/* Who else than its owner would have done it? Nobody finds another's. */
static enum sc_code record(struct sc_conn *tx, enum sc_change_kind kind, int64_t owner, int64_t id,
                           struct sc_error *err)
{
    return sc_change_record_other(tx, kind, owner, owner, id, err);
}

struct creation {
    struct sc_outbox *outbox;
    struct sc_webhook hook;
};

static enum sc_code write_creation(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct creation *c = ctx;
    enum sc_code code = sc_webhook_create(c->outbox, tx, &c->hook, err);
    return code == SC_OK ? record(tx, SC_CHANGE_WEBHOOK_CREATED, c->hook.owner_id, c->hook.id, err)
                         : code;
}

struct sc_done *sc_api_webhook_create(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(decoded_done) struct decoded d = { .events = sc_webhook_events_default() };
    enum sc_code code = decode(req, api, &create_shape, &d, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 201, &body);
    struct creation c = {
        .outbox = api->options.outbox,
        .hook = { .owner_id = sc_api_owner(req),
                  .url = d.url,
                  .description = d.description == NULL ? (char[]){ "" } : d.description,
                  .events = d.events,
                  .enabled = d.enabled },
    };
    code = sc_store_write(api->options.store, SC_DURABLE, write_creation, &c, &err);
    if (code == SC_OK) {
        sc_api_location(req, "/api/webhooks/%lld", (long long)c.hook.id);
        sc_reply_header(req, "Cache-Control", "no-store");
        sc_webhook_secret_view(&body, &c.hook);
        SC_LOG(INFO, "api", "webhook created", SC_I("webhook", c.hook.id),
               SC_S("by", sc_request_principal(req)->name));
    }
    explicit_bzero(c.hook.secret, sizeof(c.hook.secret));
    return sc_api_answer(req, code, &err, 201, &body);
}

/* ---- list and show ---- */

static void put_hook(void *ctx, const struct sc_webhook *hook)
{
    struct sc_page *page = ctx;
    if (sc_page_take(page, hook->id))
        sc_webhook_view(&page->w, NULL, hook);
}

static const struct sc_query_field list_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_WEBHOOK) };
static const struct sc_query list_query = SC_QUERY(list_fields);

static enum sc_code hook_rows(struct sc_request *req, struct sc_conn *conn,
                              const struct sc_query_page *asked, struct sc_page *page,
                              struct sc_error *err)
{
    return sc_webhook_list(conn, sc_api_owner(req), asked->before, asked->limit, put_hook, page,
                           err);
}

struct sc_done *sc_api_webhook_list(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "webhooks", SC_CURSOR_WEBHOOK, &list_query, hook_rows };
    return sc_list_answer(req, api, &list, NULL);
}

static void view(struct sc_buf *out, const struct sc_webhook *hook)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_webhook_view(&w, NULL, hook);
}

struct sc_done *sc_api_webhook_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_WEBHOOK hook = { 0 };
    int64_t id = 0;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_WEBHOOK_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = sc_webhook_get(conn, sc_api_owner(req), id, &hook, &err);
    if (code == SC_OK)
        view(&body, &hook);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- change and remove ---- */

struct change {
    struct sc_outbox *outbox;
    int64_t owner_id, id, n;
    struct sc_webhook_changes changes;
    struct sc_webhook hook; /* afterwards; owned */
    struct sc_delivery delivery;
};

static void change_done(struct change *c)
{
    sc_webhook_done(&c->hook);
}

static enum sc_code write_edit(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    sc_webhook_done(&c->hook);
    enum sc_code code =
        sc_webhook_edit(c->outbox, tx, c->owner_id, c->id, &c->changes, &c->hook, err);
    return code == SC_OK ? record(tx, SC_CHANGE_WEBHOOK_CHANGED, c->owner_id, c->id, err) : code;
}

struct sc_done *sc_api_webhook_edit(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(decoded_done) struct decoded d = { 0 };
    SC_AUTO(change_done)
    struct change c = { .outbox = api->options.outbox, .owner_id = sc_api_owner(req) };
    enum sc_code code = sc_path_number(req, SC_E_WEBHOOK_NOT_FOUND, &c.id, &err);
    if (code == SC_OK)
        code = decode(req, api, &edit_shape, &d, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    c.changes = (struct sc_webhook_changes){
        .url = d.url,
        .description = d.description,
        .events = d.has_events ? &d.events : NULL,
        .enabled = d.has_enabled ? &d.enabled : NULL,
        .new_secret = d.new_secret,
    };
    code = sc_store_write(api->options.store, SC_DURABLE, write_edit, &c, &err);
    if (code == SC_OK && d.new_secret) {
        sc_reply_header(req, "Cache-Control", "no-store");
        sc_webhook_secret_view(&body, &c.hook);
    } else if (code == SC_OK) {
        view(&body, &c.hook);
        sc_reply_is_as_get(req);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

static enum sc_code write_removal(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    sc_webhook_done(&c->hook);
    enum sc_code code = sc_webhook_get(tx, c->owner_id, c->id, &c->hook, err);
    if (code == SC_OK)
        code = sc_webhook_remove(c->outbox, tx, c->owner_id, c->id, err);
    return code == SC_OK ? record(tx, SC_CHANGE_WEBHOOK_REMOVED, c->owner_id, c->id, err) : code;
}

/* The webhook of the path and, where the path has one, its delivery. */
static enum sc_code decode_path(struct sc_request *req, struct change *c, struct sc_error *err)
{
    struct sc_str text = sc_request_param(req, "n");
    char quoted[SC_QUOTED_TEXT];
    enum sc_code code = sc_path_number(req, SC_E_WEBHOOK_NOT_FOUND, &c->id, err);
    if (code != SC_OK || text.ptr == NULL || (sc_str_to_int64(text, &c->n) && c->n > 0))
        return code;
    return sc_error_set(err, SC_E_DELIVERY_NOT_FOUND, "no such delivery: '%s'",
                        sc_quote(text, quoted));
}

/* A change that is asked for without a body. */
static enum sc_code apply(struct sc_request *req, struct sc_api *api, sc_write_fn write,
                          struct change *c, struct sc_error *err)
{
    c->outbox = api->options.outbox;
    c->owner_id = sc_api_owner(req);
    enum sc_code code = sc_request_empty(req, err);
    if (code == SC_OK)
        code = decode_path(req, c, err);
    return code == SC_OK ? sc_store_write(api->options.store, SC_DURABLE, write, c, err) : code;
}

struct sc_done *sc_api_webhook_remove(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(change_done) struct change c = { 0 };
    enum sc_code code = apply(req, api, write_removal, &c, &err);
    if (code == SC_OK) {
        view(&body, &c.hook);
        SC_LOG(INFO, "api", "webhook removed", SC_I("webhook", c.id),
               SC_S("by", sc_request_principal(req)->name));
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- deliveries ---- */

static void view_delivery(struct sc_buf *out, const struct sc_delivery *delivery)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_delivery_view(&w, NULL, delivery);
}

/* The answer to what made a delivery. */
static void answer_made(struct sc_request *req, struct sc_buf *out, const struct change *c)
{
    sc_api_location(req, "/api/webhooks/%lld/deliveries/%lld", (long long)c->id,
                    (long long)c->delivery.id);
    view_delivery(out, &c->delivery);
}

static enum sc_code write_test(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    return sc_webhook_test(c->outbox, tx, c->owner_id, c->id, &c->delivery, err);
}

static enum sc_code write_replay(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    return sc_delivery_replay(c->outbox, tx, c->owner_id, c->id, c->n, &c->delivery, err);
}

static struct sc_done *deliver(struct sc_request *req, struct sc_api *api, sc_write_fn write)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct change c = { 0 };
    enum sc_code code = apply(req, api, write, &c, &err);
    if (code == SC_OK)
        answer_made(req, &body, &c);
    return sc_api_answer(req, code, &err, 202, &body);
}

struct sc_done *sc_api_webhook_test(struct sc_request *req, struct sc_api *api)
{
    return deliver(req, api, write_test);
}

struct sc_done *sc_api_webhook_replay(struct sc_request *req, struct sc_api *api)
{
    return deliver(req, api, write_replay);
}

static enum sc_code find_delivery(struct sc_conn *conn, const struct change *c,
                                  struct sc_delivery *out, struct sc_error *err)
{
    SC_AUTO_WEBHOOK hook = { 0 };
    enum sc_code code = sc_webhook_get(conn, c->owner_id, c->id, &hook, err);
    return code == SC_OK ? sc_delivery_get(conn, c->id, c->n, out, err) : code;
}

struct sc_done *sc_api_webhook_delivery(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct change c = { .owner_id = sc_api_owner(req) };
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = decode_path(req, &c, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = find_delivery(conn, &c, &c.delivery, &err);
    if (code == SC_OK)
        view_delivery(&body, &c.delivery);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct delivery_query {
    struct sc_query_page page; /* first */
    int state;
};

static const struct sc_query_field delivery_fields[] = {
    SC_QUERY_LIMIT_ROW(struct delivery_query, page.limit),
    SC_QUERY_ROW(CURSOR, struct delivery_query, page.before, "cursor", .cursor = SC_CURSOR_DELIVERY,
                 .help = SC_QUERY_CURSOR_HELP),
    SC_QUERY_ROW(WORD, struct delivery_query, state, "status", .words = sc_words_delivery_state,
                 .help = "Only those", .example = "failed"),
};
static const struct sc_query delivery_query = SC_QUERY(delivery_fields);

static void put_delivery(void *ctx, const struct sc_delivery *delivery)
{
    struct sc_page *page = ctx;
    if (sc_page_take(page, delivery->id))
        sc_delivery_view(&page->w, NULL, delivery);
}

static enum sc_code delivery_rows(struct sc_request *req, struct sc_conn *conn,
                                  const struct sc_query_page *asked, struct sc_page *page,
                                  struct sc_error *err)
{
    struct sc_delivery_filter filter = {
        .owner_id = sc_api_owner(req),
        .before_id = asked->before,
        .state = ((const struct delivery_query *)asked)->state,
        .limit = asked->limit,
    };
    enum sc_code code = sc_path_number(req, SC_E_WEBHOOK_NOT_FOUND, &filter.webhook_id, err);
    return code == SC_OK ? sc_delivery_list(conn, &filter, put_delivery, page, err) : code;
}

struct sc_done *sc_api_webhook_deliveries(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "deliveries", SC_CURSOR_DELIVERY, &delivery_query,
                                         delivery_rows };
    struct delivery_query asked = { .state = -1 };
    return sc_list_answer(req, api, &list, &asked.page);
}

/* ---- described ---- */

SC_API_DOC(webhook_create) = {
    .body = &create_shape,
    .replies = { { 201, &sc_shape_webhook_secret } },
    .errors = { SC_E_CONFLICT },
    .flags = SC_DOC_LOCATION,
};
SC_API_DOC(webhook_list) = { .query = &list_query, .replies = { { 200, &sc_shape_webhooks } } };
SC_API_DOC(webhook_show) = {
    .replies = { { 200, &sc_shape_webhook } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND },
};
SC_API_DOC(webhook_edit) = {
    .body = &edit_shape,
    .replies = { { 200, &sc_shape_webhook, .or_shape = &sc_shape_webhook_secret } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND },
    .flags = SC_DOC_TAGGED,
};
SC_API_DOC(webhook_remove) = {
    .replies = { { 200, &sc_shape_webhook } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND },
};
SC_API_DOC(webhook_test) = {
    .replies = { { 202, &sc_shape_delivery } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND, SC_E_CONFLICT },
    .flags = SC_DOC_LOCATION,
};
SC_API_DOC(webhook_deliveries) = {
    .query = &delivery_query,
    .replies = { { 200, &sc_shape_deliveries } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND },
};
SC_API_DOC(webhook_delivery) = {
    .replies = { { 200, &sc_shape_delivery } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND, SC_E_DELIVERY_NOT_FOUND },
};
SC_API_DOC(webhook_replay) = {
    .replies = { { 202, &sc_shape_delivery } },
    .errors = { SC_E_WEBHOOK_NOT_FOUND, SC_E_DELIVERY_NOT_FOUND, SC_E_CONFLICT },
    .flags = SC_DOC_LOCATION,
};
