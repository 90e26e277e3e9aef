/* The calls of workers: register, claim (long poll), input, heartbeat, and how a task ended. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"

#include "base/banned.h"

#define WAIT_MAX_MS 60000
#define HELD_MAX 256

static void copy_text(char *out, size_t size, struct sc_str text)
{
    text.len = SC_MIN(text.len, size - 1);
    text.len = sc_utf8_valid_prefix(text);
    (void)snprintf(out, size, "%.*s", (int)text.len, text.ptr == NULL ? "" : text.ptr);
}

static void note_heard(struct sc_api *api, int64_t worker_id)
{
    if (api->options.worker_heard != NULL)
        api->options.worker_heard(api->options.ctx, worker_id);
}

static enum sc_code check_worker(struct sc_request *req, struct sc_api *api, int64_t worker_id,
                                 struct sc_error *err)
{
    int64_t mine = sc_request_principal(req)->token_id;
    int64_t its = 0;
    if (mine == 0)
        return SC_OK;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_worker_token(conn, worker_id, &its, err);
    if (code == SC_OK && its != mine)
        code = sc_error_set(err, SC_E_NOT_FOUND, "no worker %lld: register again",
                            (long long)worker_id);
    return code;
}

enum sc_code sc_api_worker_body(struct sc_request *req, struct sc_api *api,
                                struct sc_json_doc **doc, struct sc_error *err)
{
    enum sc_code code = sc_query_none(req, err);
    if (code == SC_OK)
        code = sc_request_json(req, doc, err);
    if (code != SC_OK)
        return code;
    int64_t worker_id = sc_json_get_int(sc_json_member(sc_json_root(*doc), "worker_id"), 0);
    code = worker_id > 0 ? check_worker(req, api, worker_id, err) : SC_OK;
    if (code == SC_OK)
        atomic_store(&api->heard_ms, SC_MAX(1, sc_clock_mono_ms()));
    return code;
}

/* ---- register ---- */

struct register_body {
    struct sc_str name, host, device;
    int64_t pid;
    bool local;
    const struct sc_json_value *engines;
};

static const struct sc_json_field register_fields[] = {
    SC_BODY(struct register_body, name, TEXT, .required = true, .min = 1, .max = 63,
            .help = "What it calls itself", .example = "w1"),
    SC_BODY(struct register_body, host, TEXT, .required = true, .min = 1, .max = 63,
            .help = "Where it runs", .example = "localhost"),
    SC_BODY(struct register_body, pid, INT, .required = true, .min = 1, .max = INT32_MAX,
            .help = "Its process", .example = "4711"),
    SC_BODY(struct register_body, local, BOOL,
            .help = "It runs on the server's host; believed with scope `admin` only"),
    SC_BODY(struct register_body, engines, ARRAY, .items = SC_JSON_TEXT, .required = true,
            .help = "The engines that it has, at most 16", .example = "[\"null\"]"),
    SC_BODY(struct register_body, device, TEXT, .max = 31, .help = "What it recognises with"),
};
static const struct sc_json_shape register_shape = {
    .name = "WorkerRegistration",
    .request = true,
    SC_SHAPE_FIELDS(register_fields),
};

struct registration {
    struct sc_queue *queue;
    struct sc_worker worker;
    struct sc_buf engines;
    int64_t id;
};

static void registration_done(struct registration *r)
{
    sc_buf_done(&r->engines);
}

static enum sc_code write_registration(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct registration *r = ctx;
    return sc_worker_register(r->queue, tx, &r->worker, sc_buf_text(&r->engines), &r->id, err);
}

static enum sc_code decode_registration(struct sc_request *req, struct registration *out,
                                        struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct register_body body = { 0 };
    enum sc_code code = sc_request_read(req, &register_shape, &body, &doc, err);
    if (code == SC_OK)
        code = sc_names_check(body.engines, "engines", SC_LANE_TEXT - 8, err);
    if (code != SC_OK)
        return code;
    struct sc_worker *w = &out->worker;
    copy_text(w->name, sizeof(w->name), body.name);
    copy_text(w->host, sizeof(w->host), body.host);
    copy_text(w->device, sizeof(w->device), body.device);
    w->pid = (int)body.pid;
    w->token_id = sc_request_principal(req)->token_id;
    /* The end of a local worker is seen by the supervisor; a token of another host may not claim
     * that for its own. */
    w->local = body.local && (sc_request_principal(req)->scopes & SC_SCOPE_ADMIN) != 0;
    sc_json_dump(body.engines, &out->engines);
    return SC_OK;
}

struct sc_done *sc_api_worker_register(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(registration_done) struct registration r = { .queue = api->options.queue };
    enum sc_code code = decode_registration(req, &r, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_registration, &r, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &reply);
    if (r.worker.local && api->options.worker_registered != NULL)
        api->options.worker_registered(api->options.ctx, r.worker.pid, r.id);
    sc_registration_view(&reply, r.id, sc_config_now(api->options.config)->queue_lease,
                         sc_config_now(api->options.config)->queue_heartbeat);
    return sc_api_answer(req, SC_OK, &err, 200, &reply);
}

/* ---- claim ---- */

struct claim_body {
    int64_t worker_id, max, wait_ms;
    const struct sc_json_value *lanes, *batch;
};

static const struct sc_json_field claim_fields[] = {
    SC_BODY(struct claim_body, worker_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the registration", .example = "3"),
    SC_BODY(struct claim_body, lanes, ARRAY, .items = SC_JSON_TEXT, .required = true,
            .help = "`noop` and `engine:NAME`, 1 to 16", .example = "[\"engine:null\"]"),
    SC_BODY(struct claim_body, max, INT, .required = true, .min = 1, .max = SC_CLAIM_MAX,
            .help = "How many tasks at most", .example = "1"),
    SC_BODY(struct claim_body, batch, ARRAY, .items = SC_JSON_INT,
            .help =
                "For each of the lanes, how many of its tasks one call of the engine takes, 1 to "
                "64: the tasks given are then of one lane and one model, and at most this "
                "worker's share of what is ready",
            .example = "[4]"),
    SC_BODY(struct claim_body, wait_ms, INT, .required = true, .max = WAIT_MAX_MS,
            .help = "How long to wait for one", .example = "1000"),
};
static const struct sc_json_shape claim_shape = {
    .name = "ClaimRequest",
    .request = true,
    SC_SHAPE_FIELDS(claim_fields),
};

/* A claim that waits. It outlives the request's first handler: whoever answers frees it. */
struct pending_claim {
    struct sc_waiter waiter;
    struct sc_api *api;
    struct sc_request *req;
    int64_t worker_id, token_id, deadline_ms;
    struct sc_lanes lanes;
};

static enum sc_code decode_claim(struct pending_claim *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct claim_body body = { 0 };
    enum sc_code code = sc_api_worker_body(out->req, out->api, &doc, err);
    if (code == SC_OK)
        code =
            sc_json_read(sc_json_root(doc), claim_fields, SC_ARRAY_LEN(claim_fields), &body, err);
    if (code == SC_OK)
        code = sc_lanes_read(body.lanes, body.batch, &out->lanes, err);
    if (code != SC_OK)
        return code;
    for (size_t i = 0; i < out->lanes.count; i++) {
        size_t used = strlen(out->waiter.key);
        (void)snprintf(out->waiter.key + used, SC_PARKING_KEY - used, "%s,", out->lanes.at[i]);
    }
    out->worker_id = body.worker_id;
    out->lanes.max = (int)body.max;
    out->deadline_ms = sc_clock_mono_ms() + body.wait_ms;
    return SC_OK;
}

static enum sc_code try_claim(struct pending_claim *claim, struct sc_buf *reply, size_t *count,
                              struct sc_error *err)
{
    SC_AUTO(sc_claimed_done) struct sc_claimed claimed = { 0 };
    sc_claimed_begin(&claimed, claim->worker_id, &claim->lanes);
    enum sc_code code = sc_chunk_claim(claim->api->options.pipelines, &claimed, err);
    if (code != SC_OK)
        return code;
    struct sc_json w;
    sc_json_begin(&w, reply);
    sc_json_object(&w, NULL);
    sc_claimed_view(&w, &claimed);
    sc_json_end(&w);
    *count = claimed.count;
    return SC_OK;
}

static struct sc_done *finish_claim(struct pending_claim *claim, enum sc_code code,
                                    struct sc_error *err, struct sc_buf *reply)
{
    struct sc_request *req = claim->req;
    sc_parking_leave(&claim->api->parking, &claim->waiter);
    free(claim);
    return sc_api_answer(req, code, err, 200, reply);
}

static void claim_gone(void *ctx)
{
    struct pending_claim *claim = ctx;
    sc_parking_leave(&claim->api->parking, &claim->waiter);
    free(claim);
}

static struct sc_done *claim_again(struct sc_request *req, void *app);

static void *park_claim(void *ctx)
{
    struct pending_claim *claim = ctx;
    return sc_reply_later(claim->req, claim->deadline_ms, claim_again, claim_gone, claim);
}

static struct sc_done *run_claim(struct pending_claim *claim)
{
    struct sc_parking *parking = &claim->api->parking;
    for (;;) {
        struct sc_error err = { 0 };
        SC_AUTO_BUF reply = { 0 };
        size_t count = 0;
        sc_parking_begin(parking, &claim->waiter);
        if (atomic_load(&claim->api->stopping)) {
            enum sc_code stop = sc_error_set(&err, SC_E_SHUTTING_DOWN, "the server is stopping");
            return finish_claim(claim, stop, &err, &reply);
        }
        enum sc_code code = sc_api_token_lives(claim->api, claim->token_id)
                                ? try_claim(claim, &reply, &count, &err)
                                : sc_error_set(&err, SC_E_UNAUTHENTICATED, "the token has ended");
        /* One that gets its share, or what goes into one call, leaves something to others. */
        size_t all = claim->lanes.batch[0] == 0 ? (size_t)claim->lanes.max : 1;
        sc_parking_end(parking, &claim->waiter, code == SC_OK && count < all);
        bool late = sc_clock_mono_ms() >= claim->deadline_ms;
        if (code != SC_OK || count > 0 || late)
            return finish_claim(claim, code, &err, &reply);
        struct sc_done *done = sc_parking_park(parking, &claim->waiter, park_claim, claim);
        if (done != NULL)
            return done;
    }
}

/* Woken by news or by the deadline: one more try either way, so that nothing is missed. */
static struct sc_done *claim_again(struct sc_request *req, void *app)
{
    struct sc_api *api = app;
    struct sc_waiter *waiter = sc_parking_find(&api->parking, req);
    sc_assert(waiter != NULL);
    return run_claim((struct pending_claim *)waiter);
}

struct sc_done *sc_api_worker_claim(struct sc_request *req, struct sc_api *api)
{
    struct pending_claim *claim = sc_alloc(sizeof(*claim));
    struct sc_error err = { 0 };
    claim->api = api;
    claim->req = req;
    claim->waiter.handle = req;
    sc_parking_enter(&api->parking, &claim->waiter);
    claim->token_id = sc_request_principal(req)->token_id;
    enum sc_code code = decode_claim(claim, &err);
    if (code == SC_OK) {
        note_heard(api, claim->worker_id);
        return run_claim(claim);
    }
    SC_AUTO_BUF reply = { 0 };
    return finish_claim(claim, code, &err, &reply);
}

/* ---- input ---- */

static const struct sc_query_field input_fields[] = {
    SC_QUERY_ROW(NUMBER, struct sc_fence, worker_id, "worker_id", .required = true,
                 .help = "Of the registration", .example = "3"),
    SC_QUERY_ROW(NUMBER, struct sc_fence, epoch, "epoch", .required = true, .help = "Of the claim",
                 .example = "1"),
};
static const struct sc_query input_query = SC_QUERY(input_fields);

struct sc_done *sc_api_worker_input(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    SC_AUTO_CLOSE int fd = -1;
    struct sc_fence fence = { 0 };
    int64_t size;

    enum sc_code code = sc_query_read(req, &input_query, &fence, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_TASK_NOT_FOUND, &fence.task_id, &err);
    if (code == SC_OK)
        code = check_worker(req, api, fence.worker_id, &err);
    if (code == SC_OK)
        code = sc_chunk_input(api->options.pipelines, &fence, &fd, &size, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &none);
    return sc_reply_file(req, SC_TAKE_FD(fd), size, "application/octet-stream", NULL);
}

/* ---- heartbeat ---- */

struct heartbeat_body {
    int64_t worker_id, as_of;
    const struct sc_json_value *tasks;
};

static const struct sc_json_field held_fields[] = {
    SC_BODY(struct sc_held, task_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "The task", .example = "7"),
    SC_BODY(struct sc_held, epoch, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the claim", .example = "1"),
    SC_BODY(struct sc_held, progress, INT, .max = 100,
            .help = "How much of the chunk is done, in percent, where the engine can tell",
            .example = "40"),
};
static const struct sc_json_shape held_shape = {
    .name = "HeldTaskRequest",
    .request = true,
    SC_SHAPE_FIELDS(held_fields),
};

static const struct sc_json_field heartbeat_fields[] = {
    SC_BODY(struct heartbeat_body, worker_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the registration", .example = "3"),
    SC_BODY(struct heartbeat_body, tasks, ARRAY, .items = SC_JSON_OBJECT, .of = &held_shape,
            .required = true, .help = "All that it holds, at most 256"),
    SC_BODY(struct heartbeat_body, as_of, INT, .max = INT64_MAX,
            .help = "Of the last answer to a claim that it has read: of what it claimed before, "
                    "what is not listed is given to others. Left out: what is not listed keeps its "
                    "lease",
            .example = "1763994645123"),
};
static const struct sc_json_shape heartbeat_shape = {
    .name = "HeartbeatRequest",
    .request = true,
    SC_SHAPE_FIELDS(heartbeat_fields),
};

struct heartbeat {
    struct sc_queue *queue;
    struct sc_beat_list list;
    struct sc_held held[HELD_MAX];
};

static enum sc_code write_heartbeat(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct heartbeat *h = ctx;
    return sc_task_heartbeat(h->queue, tx, &h->list, err);
}

static enum sc_code decode_heartbeat(struct sc_request *req, struct sc_api *api,
                                     struct heartbeat *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct heartbeat_body body = { 0 };
    enum sc_code code = sc_api_worker_body(req, api, &doc, err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(doc), heartbeat_fields, SC_ARRAY_LEN(heartbeat_fields),
                            &body, err);
    if (code != SC_OK)
        return code;
    out->list = (struct sc_beat_list){ .worker_id = body.worker_id,
                                       .as_of_ms = body.as_of,
                                       .held = out->held,
                                       .count = sc_json_count(body.tasks) };
    if (out->list.count > HELD_MAX) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "tasks", "at most %d tasks in a heartbeat",
                              HELD_MAX);
    }
    for (size_t i = 0; code == SC_OK && i < out->list.count; i++)
        code =
            sc_request_object(sc_json_at(body.tasks, i), "tasks", &held_shape, &out->held[i], err);
    return code;
}

/* Each answer that is not OK says stop; who names the task again later has not. */
static void note_told(struct sc_api *api, const struct heartbeat *beat)
{
    int64_t task = 0;
    for (size_t i = 0; task == 0 && i < beat->list.count; i++)
        task = beat->held[i].answer == SC_BEAT_OK ? 0 : beat->held[i].task_id;
    if (api->options.worker_told != NULL)
        api->options.worker_told(api->options.ctx, beat->list.worker_id, task);
}

struct sc_done *sc_api_worker_heartbeat(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    struct heartbeat beat = { .queue = api->options.queue };
    enum sc_code code = decode_heartbeat(req, api, &beat, &err);
    if (code == SC_OK)
        code = sc_store_write_again(api->options.store, SC_RELAXED, write_heartbeat, &beat, &err);
    if (code == SC_OK) {
        note_heard(api, beat.list.worker_id);
        note_told(api, &beat);
    }
    if (code == SC_OK)
        sc_heartbeat_view(&reply, beat.held, beat.list.count);
    return sc_api_answer(req, code, &err, 200, &reply);
}

/* ---- described ---- */

SC_API_DOC(worker_register) = {
    .body = &register_shape,
    .replies = { { 200, &sc_shape_registration } },
};

SC_API_DOC(worker_claim) = {
    .body = &claim_shape,
    .replies = { { 200, &sc_shape_claim } },
    .errors = { SC_E_NOT_FOUND },
};

SC_API_DOC(worker_input) = {
    .query = &input_query,
    .replies = { { 200, .types = "application/octet-stream",
                   .help = "The chunk: 16-bit little-endian mono PCM at 16 kHz" },
                 { 206, .types = "application/octet-stream", .help = "The range asked for" } },
    .errors = { SC_E_TASK_NOT_FOUND, SC_E_NOT_FOUND, SC_E_LEASE_LOST },
    .flags = SC_DOC_RANGES,
};

SC_API_DOC(worker_heartbeat) = {
    .body = &heartbeat_shape,
    .replies = { { 200, &sc_shape_heartbeat } },
    .errors = { SC_E_NOT_FOUND },
};
