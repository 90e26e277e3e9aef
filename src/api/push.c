/* GET /ws/{client_id}: events over WebSockets. All of them share one subscription, and the text of
 * an event is written once for all that are told of it: an idle socket costs its connection and a
 * place in the log. Everything here runs on the thread of the sockets unless it says otherwise. */

#include "api/push.h"

#include "api/follower.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "http/websocket.h"

#include "base/banned.h"

/* Events that were published and not told yet, of all sockets; what is more is read from the log.
 */
#define RING 1024
#define PAGE 50            /* events read from the log at a time … */
#define PAGE_BYTES 49152   /* … and room for them */
#define MESSAGE_BYTES 4096 /* that a client may send at once */
#define FOLLOWED_MAX 64    /* jobs that one socket follows */
#define LOOK_AGAIN_MS 1000

struct listener {
    struct sc_api *api;
    struct sc_socket *socket; /* NULL until it is open */
    int64_t owner_id, token_id;
    int64_t expires_ms; /* wall time; 0: never */
    struct sc_follower *followed;
    size_t count, cap;
    struct listener *prev, *next;
};

struct sc_push {
    struct sc_api *api;
    struct sc_sockets *_Atomic sockets; /* from the first socket, or stream that expires, on */
    atomic_bool look;                   /* tokens may have ended, or the server stops */
    /* -- of the sockets' thread alone -- */
    struct sc_subscriber *ring; /* while sockets are open */
    struct listener *first;
    int64_t look_ms; /* wall time at which a token ends; 0: none does */
};

struct sc_push *sc_push_new(struct sc_api *api)
{
    struct sc_push *push = sc_alloc(sizeof(*push));
    push->api = api;
    return push;
}

void sc_push_free(struct sc_push *push)
{
    if (push == NULL)
        return;
    sc_assert(push->first == NULL && push->ring == NULL); /* sockets end before the api */
    free(push);
}

void sc_push_wake(struct sc_push *push)
{
    struct sc_sockets *sockets = atomic_load(&push->sockets);
    atomic_store(&push->look, true);
    if (sockets != NULL)
        sc_sockets_wake(sockets);
}

void sc_push_look_at_streams(struct sc_push *push, struct sc_request *req)
{
    struct sc_sockets *sockets = sc_request_sockets(req);
    atomic_store(&push->sockets, sockets);
    sc_sockets_wake(sockets);
}

/* On the thread that publishes. */
static void on_events(void *ctx)
{
    sc_sockets_wake(ctx);
}

/* ---- telling ---- */

/* Appends. */
static void frame_event(void *ctx, const struct sc_event *event, const struct sc_segment *segment)
{
    struct sc_buf *frames = ctx;
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &text);
    sc_event_view(&w, NULL, event, segment);
    sc_ws_frame(frames, SC_WS_TEXT, sc_buf_str(&text));
}

static void send_text(struct listener *l, const struct sc_buf *text)
{
    SC_AUTO_BUF frame = { 0 };
    sc_ws_frame(&frame, SC_WS_TEXT, sc_buf_str(text));
    sc_socket_send(l->socket, sc_buf_str(&frame));
}

static void send_event(void *ctx, const struct sc_event *event, const struct sc_segment *segment)
{
    struct listener *l = ctx;
    SC_AUTO_BUF frame = { 0 };
    frame_event(&frame, event, segment);
    sc_socket_send(l->socket, sc_buf_str(&frame));
}

/* A page of the log for each subscription that is behind, while there is room; the rest when that
 * has left. */
static void catch_up(struct listener *l)
{
    struct sc_error err = { 0 };
    bool behind = false;
    for (size_t i = 0; i < l->count; i++) {
        struct sc_follower *f = &l->followed[i];
        if (f->replaying && sc_socket_has_room(l->socket, PAGE_BYTES) &&
            sc_follower_replay(f, l->api, PAGE, send_event, l, &err) != SC_OK) {
            sc_socket_close(l->socket, SC_WS_INTERNAL, "the log cannot be read: try again");
            return;
        }
        behind = behind || f->replaying;
    }
    if (behind)
        sc_socket_when_drained(l->socket);
}

/* frames: of the event and its segments; empty until somebody wants them. */
static void tell(struct listener *l, const struct sc_event *event, struct sc_buf *frames)
{
    for (size_t i = 0; i < l->count; i++) {
        struct sc_follower *f = &l->followed[i];
        if (!sc_follower_wants(f, event))
            continue;
        if (frames->len == 0)
            sc_follower_tell(l->api, event, frame_event, frames);
        if (sc_socket_has_room(l->socket, frames->len)) {
            (void)sc_follower_takes(f, event);
            sc_socket_send(l->socket, sc_buf_str(frames));
        } else {
            sc_follower_miss(f);
            sc_socket_when_drained(l->socket);
        }
        return; /* told once, whatever it follows */
    }
}

static void miss_all(struct sc_push *push)
{
    for (struct listener *l = push->first; l != NULL; l = l->next) {
        for (size_t i = 0; i < l->count; i++)
            sc_follower_miss(&l->followed[i]);
        if (l->count > 0)
            sc_socket_when_drained(l->socket);
    }
}

static void tell_all(struct sc_push *push)
{
    SC_AUTO_BUF frames = { 0 };
    struct sc_event event;
    while (push->ring != NULL && sc_subscriber_next(push->ring, &event)) {
        sc_buf_reset(&frames);
        if (event.kind == SC_EVENT_GAP) {
            miss_all(push);
            continue;
        }
        for (struct listener *l = push->first; l != NULL; l = l->next)
            tell(l, &event, &frames);
    }
}

/* ---- who may listen on ---- */

/* Those of one token often stand together, so the last answer is kept. */
static void look_at_tokens(struct sc_push *push)
{
    int64_t token_id = 0;
    bool lives = true;
    bool stopping = atomic_load(&push->api->stopping);
    push->look_ms = 0;
    for (struct listener *l = push->first; l != NULL; l = l->next) {
        if (l->token_id != token_id) {
            token_id = l->token_id;
            lives = sc_api_token_lives(push->api, token_id);
        }
        if (stopping)
            sc_socket_close(l->socket, SC_WS_GOING_AWAY, "the server is stopping");
        else if (!lives)
            sc_socket_close(l->socket, SC_WS_POLICY, "the token has ended");
        else if (l->expires_ms > 0 && (push->look_ms == 0 || l->expires_ms < push->look_ms))
            push->look_ms = l->expires_ms;
    }
}

int64_t sc_api_sockets_round(void *ctx)
{
    struct sc_push *push = ((struct sc_api *)ctx)->push;
    bool due = push->look_ms > 0 && sc_clock_wall_ms() >= push->look_ms;
    tell_all(push);
    if (atomic_exchange(&push->look, false) || due)
        look_at_tokens(push);
    int64_t look_ms = sc_api_streams_look(push->api);
    if (look_ms == 0 || (push->look_ms > 0 && push->look_ms < look_ms))
        look_ms = push->look_ms;
    if (look_ms == 0)
        return INT64_MAX;
    /* The wall clock may be set meanwhile: not for longer than it may be wrong. */
    int64_t left = look_ms - sc_clock_wall_ms();
    return sc_clock_mono_ms() + SC_MAX(1, SC_MIN(left, LOOK_AGAIN_MS));
}

/* ---- what clients say ---- */

static void answer_error(struct listener *l, const struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &text);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "type", "error");
    sc_json_text(&w, "code", sc_code_name(err->code));
    sc_json_text(&w, "message", err->msg[0] == '\0' ? sc_code_text(err->code) : err->msg);
    sc_json_text(&w, "field", err->field[0] == '\0' ? NULL : err->field);
    sc_json_end(&w);
    send_text(l, &text);
}

static void answer(struct listener *l, const char *type, const struct sc_push_command *command)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &text);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "type", type);
    if (command->verb != SC_PUSH_PING) {
        sc_json_bool(&w, "all", command->all);
        if (command->job_id.ptr != NULL)
            sc_json_str(&w, "job_id", command->job_id);
    }
    sc_json_end(&w);
    send_text(l, &text);
}

static void forget_at(struct listener *l, size_t at)
{
    memmove(&l->followed[at], &l->followed[at + 1], (l->count - at - 1) * sizeof(*l->followed));
    l->count--;
}

/* All of them, or those of one job; a socket follows either everything or jobs. */
static void forget(struct listener *l, bool all, int64_t job)
{
    for (size_t i = l->count; i-- > 0;) {
        if (all || l->followed[i].job == 0 || l->followed[i].job == job)
            forget_at(l, i);
    }
}

static enum sc_code follow(struct listener *l, const struct sc_follower *f, struct sc_error *err)
{
    void *p = l->followed;
    forget(l, f->job == 0, f->job);
    if (l->count == FOLLOWED_MAX)
        return sc_error_set(err, SC_E_RATE_LIMITED,
                            "one WebSocket follows %d jobs at most: follow all of them instead",
                            FOLLOWED_MAX);
    if (!sc_try_grow(&p, &l->cap, l->count + 1, sizeof(*l->followed)))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for another subscription");
    l->followed = p;
    l->followed[l->count++] = *f;
    return SC_OK;
}

static enum sc_code subscribe(struct listener *l, const struct sc_push_command *command,
                              struct sc_error *err)
{
    struct sc_following what = { .job_id = command->job_id, .since = command->since };
    struct sc_follower f;
    enum sc_code code = sc_follower_begin(l->api, l->owner_id, &what, &f, err);
    if (code == SC_OK)
        code = follow(l, &f, err);
    if (code != SC_OK)
        return code;
    answer(l, "subscribed", command);
    sc_socket_when_drained(l->socket);
    return SC_OK;
}

static enum sc_code unsubscribe(struct listener *l, const struct sc_push_command *command,
                                struct sc_error *err)
{
    struct sc_following what = { .job_id = command->job_id, .since = 0 };
    struct sc_follower f;
    enum sc_code code =
        command->all ? SC_OK : sc_follower_begin(l->api, l->owner_id, &what, &f, err);
    if (code != SC_OK)
        return code;
    for (size_t i = l->count; i-- > 0;) {
        if (command->all || l->followed[i].job == f.job)
            forget_at(l, i);
    }
    answer(l, "unsubscribed", command);
    return SC_OK;
}

static void on_message(struct sc_socket *socket, void *ctx, struct sc_str payload, bool text)
{
    struct listener *l = ctx;
    struct sc_push_command command;
    struct sc_error err = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (!text) {
        sc_socket_close(socket, SC_WS_UNSUPPORTED, "messages are JSON, sent as text");
        return;
    }
    enum sc_code code = sc_push_command_parse(payload, &command, &doc, &err);
    if (code == SC_OK && command.verb == SC_PUSH_SUBSCRIBE)
        code = subscribe(l, &command, &err);
    else if (code == SC_OK && command.verb == SC_PUSH_UNSUBSCRIBE)
        code = unsubscribe(l, &command, &err);
    else if (code == SC_OK)
        answer(l, "pong", &command);
    if (code != SC_OK && err.code != code) /* an expected answer of a lower module */
        (void)sc_error_set(&err, code, "%s", sc_code_text(code));
    if (code != SC_OK)
        answer_error(l, &err);
}

/* ---- sockets ---- */

static void on_opened(struct sc_socket *socket, void *ctx)
{
    struct listener *l = ctx;
    struct sc_push *push = l->api->push;
    l->socket = socket;
    l->next = push->first;
    if (l->next != NULL)
        l->next->prev = l;
    push->first = l;
    /* Before the log is read: between the two nothing is missed. */
    if (push->ring == NULL)
        push->ring = sc_subscriber_open(l->api->options.hub, 0, 0, RING, on_events,
                                        atomic_load(&push->sockets));
    /* Its token may have ended since it was judged. */
    if (l->token_id != 0 || atomic_load(&l->api->stopping))
        sc_push_wake(push);
    catch_up(l);
}

static void on_drained(struct sc_socket *socket, void *ctx)
{
    (void)socket;
    catch_up(ctx);
}

/* On any thread when it was never open. */
static void on_closed(void *ctx)
{
    struct listener *l = ctx;
    struct sc_push *push = l->api->push;
    if (l->socket != NULL) {
        if (l->prev == NULL)
            push->first = l->next;
        else
            l->prev->next = l->next;
        if (l->next != NULL)
            l->next->prev = l->prev;
        if (push->first == NULL)
            sc_subscriber_close(SC_TAKE(push->ring));
    }
    sc_follow_leave(l->api, SC_FOLLOW_SOCKET, l->owner_id);
    sc_api_count(l->api, -1);
    free(l->followed);
    free(l);
}

static const struct sc_query_field open_fields[] = {
    SC_FOLLOWING_ROWS("Only of this job, from its first event on"),
};
static const struct sc_query open_query = SC_QUERY(open_fields);

static enum sc_code begin(struct sc_request *req, struct sc_api *api, struct sc_follower *out,
                          struct sc_error *err)
{
    struct sc_following what = { .since = -1 };
    enum sc_code code = sc_query_read(req, &open_query, &what, err);
    if (code == SC_OK && !sc_push_client_is_good(sc_request_param(req, "client_id")))
        code = sc_error_field(err, SC_E_INVALID_VALUE, "client_id",
                              "client_id is not 1 to 64 of A-Z a-z 0-9 . _ ~ -");
    return code == SC_OK ? sc_follow_open(req, api, SC_FOLLOW_SOCKET, &what, out, err) : code;
}

struct sc_done *sc_api_socket_open(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_socket_ops ops = { on_opened, on_message, on_drained, on_closed,
                                              MESSAGE_BYTES };
    const struct sc_principal *who = sc_request_principal(req);
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    struct sc_follower follower;
    enum sc_code code = begin(req, api, &follower, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &none);
    struct listener *l = sc_alloc(sizeof(*l));
    *l = (struct listener){
        .api = api,
        .owner_id = follower.owner_id,
        .token_id = who->token_id,
        .expires_ms = who->expires_ms,
        .followed = sc_alloc(sizeof(follower)),
        .count = 1,
        .cap = 1,
    };
    l->followed[0] = follower;
    atomic_store(&api->push->sockets, sc_request_sockets(req));
    sc_api_count(api, 1);
    return sc_reply_socket(req, &ops, l);
}

SC_API_DOC(socket_open) = {
    .query = &open_query,
    .replies = { { 101, &sc_shape_event, .types = "application/x-websocket",
                   .help = "A WebSocket, over which each event comes as a text message of JSON" } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_UPGRADE_REQUIRED },
};
