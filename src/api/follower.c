#include "api/follower.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

#include "base/banned.h"

static enum sc_code find_job(struct sc_conn *conn, int64_t owner_id, struct sc_str text,
                             int64_t *out, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_job_id_parse(text, id, err);
    if (code == SC_OK)
        code = sc_job_find(conn, owner_id, id, &job, err);
    if (code == SC_OK)
        *out = job.id;
    return code;
}

enum sc_code sc_follower_begin(struct sc_api *api, int64_t owner_id,
                               const struct sc_following *what, struct sc_follower *out,
                               struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_follower f = { .owner_id = owner_id, .replaying = true };
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK && what->job_id.ptr != NULL)
        code = find_job(conn, owner_id, what->job_id, &f.job, err);
    f.last_id = SC_MAX(what->since, 0);
    if (code == SC_OK && what->since < 0 && f.job == 0)
        code = sc_event_newest(conn, &f.last_id, err);
    if (code == SC_OK)
        *out = f;
    return code;
}

static void tell_each(const struct sc_event *event, const struct sc_segments *segments,
                      sc_told_fn fn, void *ctx)
{
    for (size_t i = 0; i < segments->count; i++) {
        struct sc_event of_segment = sc_event_of_segment(event, &segments->items[i]);
        fn(ctx, &of_segment, &segments->items[i]);
    }
}

/* A text that cannot be read keeps nobody from the events. */
static void tell(struct sc_conn *conn, const struct sc_event *event, sc_told_fn fn, void *ctx)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    struct sc_error err = { 0 };
    if (sc_preview_of_event(conn, event, &segments, &err) != SC_OK)
        SC_LOG(WARNING, "api", "cannot tell segments", SC_S("job", event->job_id),
               SC_S("error", err.msg));
    tell_each(event, &segments, fn, ctx);
    fn(ctx, event, NULL);
}

/* What has been certain, or was given up, since it was told of is gone. */
static void tell_said(struct sc_api *api, const struct sc_event *event, sc_told_fn fn, void *ctx)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    struct sc_event found = { .said = event->said - 1 };
    if (sc_said_next(api->options.queue, event->job, &found, &segments) &&
        found.said == event->said)
        tell_each(event, &segments, fn, ctx);
}

/* Who looks on sees it now; it is told again once it is certain, then as a part of the log. */
static void tell_pending(struct sc_conn *conn, const struct sc_event *event, sc_told_fn fn,
                         void *ctx)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    struct sc_event provisional = *event;
    provisional.kind = SC_EVENT_SEGMENT_PROVISIONAL;
    if (sc_preview_pending(conn, event, &segments, NULL) == SC_OK)
        tell_each(&provisional, &segments, fn, ctx);
}

void sc_follower_tell(struct sc_api *api, const struct sc_event *event, sc_told_fn fn, void *ctx)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_event now = *event;
    if (event->kind == SC_EVENT_SEGMENT_PROVISIONAL) {
        tell_said(api, event, fn, ctx);
        return;
    }
    bool reads = event->kind == SC_EVENT_JOB_PROGRESS || event->kind == SC_EVENT_TASK_COMPLETED;
    if (!reads || sc_store_read(api->options.store, &conn, NULL) != SC_OK) {
        fn(ctx, event, NULL);
        return;
    }
    if (event->kind == SC_EVENT_JOB_PROGRESS && sc_job_get(conn, event->job, &job, NULL) == SC_OK)
        now.eta_ms = sc_job_eta_ms(api->options.queue, conn, &job);
    tell(conn, &now, fn, ctx);
    tell_pending(conn, event, fn, ctx);
}

struct replay {
    struct sc_follower *follower;
    struct sc_conn *conn;
    sc_told_fn tell;
    void *ctx;
    int count;
};

static enum sc_code replay_event(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    struct replay *r = ctx;
    (void)err;
    tell(r->conn, event, r->tell, r->ctx);
    r->follower->last_id = event->id;
    r->count++;
    return SC_OK;
}

/* What it missed is too much to be read again: it is told so, and goes on behind it. */
static enum sc_code skip(struct replay *r, int64_t backlog, struct sc_error *err)
{
    struct sc_event gap = {
        .kind = SC_EVENT_GAP,
        .at_ms = sc_clock_wall_ms(),
        .stage = -1,
        .chunk = -1,
        .duration_ms = -1,
        .message = "events were passed over: read again how your jobs are",
    };
    enum sc_code code = sc_event_newest(r->conn, &gap.id, err);
    if (code != SC_OK || gap.id - r->follower->last_id <= backlog)
        return code;
    return replay_event(r, &gap, err);
}

/* Up to the newest that was said before the log was read. What was said later may be of an attempt
 * that this log does not know: it is told as it was published, behind what came before it. False:
 * there may be more. */
static bool say_all(struct replay *r, struct sc_queue *queue, int64_t newest, int limit)
{
    struct sc_follower *f = r->follower;
    for (int i = 0; i < limit; i++) {
        SC_AUTO_SEGMENTS segments = { 0 };
        struct sc_event event = { .said = f->said };
        if (!sc_said_next(queue, f->job, &event, &segments) || event.said > newest)
            return true;
        tell_each(&event, &segments, r->tell, r->ctx);
        f->said = event.said;
    }
    return false;
}

enum sc_code sc_follower_replay(struct sc_follower *f, struct sc_api *api, int limit, sc_told_fn fn,
                                void *ctx, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_queue *queue = api->options.queue;
    int64_t newest = f->job == 0 ? 0 : sc_said_newest(queue);
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    struct replay r = { f, conn, fn, ctx, 0 };
    if (code == SC_OK && f->lagging)
        code = skip(&r, sc_config_now(api->options.config)->events_backlog, err);
    f->lagging = f->lagging && code != SC_OK;
    struct sc_event_filter filter = { f->owner_id, f->job, f->last_id, limit };
    r.count = 0;
    if (code == SC_OK)
        code = sc_event_list(conn, &filter, replay_event, &r, err);
    if (code == SC_OK && r.count < limit)
        f->replaying = f->job != 0 && !say_all(&r, queue, newest, limit - r.count);
    return code;
}

bool sc_follower_wants(const struct sc_follower *f, const struct sc_event *event)
{
    if (f->replaying || (f->job != 0 && f->job != event->job) ||
        (f->owner_id != 0 && f->owner_id != event->owner_id))
        return false;
    return event->id <= 0 ? event->said == 0 || event->said > f->said : event->id > f->last_id;
}

bool sc_follower_takes(struct sc_follower *f, const struct sc_event *event)
{
    if (!sc_follower_wants(f, event))
        return false;
    f->last_id = SC_MAX(f->last_id, event->id);
    f->said = SC_MAX(f->said, event->said);
    return true;
}

void sc_follower_miss(struct sc_follower *f)
{
    f->lagging = f->lagging || !f->replaying;
    f->replaying = true;
}

/* ---- those who ask by HTTP ---- */

/* Who holds some. As many rows as principals that do, which are few. */
struct sc_holder {
    struct sc_holder *next;
    int64_t owner_id;
    int64_t count[SC_FOLLOW_KINDS];
};

static struct sc_holder **find_locked(struct sc_api *api, int64_t owner_id)
{
    struct sc_holder **at = &api->holders;
    while (*at != NULL && (*at)->owner_id != owner_id)
        at = &(*at)->next;
    return at;
}

static enum sc_code enter(struct sc_api *api, enum sc_follow_kind kind, int64_t owner_id,
                          struct sc_error *err)
{
    static const char *const names[] = { "event streams", "WebSockets" };
    const struct sc_config *config = sc_config_now(api->options.config);
    int64_t limit = kind == SC_FOLLOW_STREAM ? config->events_streams : config->events_sockets;
    SC_LOCK(&api->lock);
    struct sc_holder **at = find_locked(api, owner_id);
    if (*at != NULL && (*at)->count[kind] >= limit)
        return sc_error_set(err, SC_E_RATE_LIMITED,
                            "you hold %lld %s open already: close some, or let events.%s be raised",
                            (long long)limit, names[kind],
                            kind == SC_FOLLOW_STREAM ? "streams" : "sockets");
    if (*at == NULL) {
        *at = sc_alloc(sizeof(**at));
        (*at)->owner_id = owner_id;
    }
    (*at)->count[kind]++;
    return SC_OK;
}

enum sc_code sc_follow_open(struct sc_request *req, struct sc_api *api, enum sc_follow_kind kind,
                            const struct sc_following *what, struct sc_follower *out,
                            struct sc_error *err)
{
    enum sc_code code = sc_follower_begin(api, sc_api_owner(req), what, out, err);
    if (code == SC_OK)
        code = enter(api, kind, out->owner_id, err);
    if (code == SC_E_RATE_LIMITED)
        sc_reply_header(req, "Retry-After", "5");
    return code;
}

void sc_follow_leave(struct sc_api *api, enum sc_follow_kind kind, int64_t owner_id)
{
    SC_LOCK(&api->lock);
    struct sc_holder **at = find_locked(api, owner_id);
    struct sc_holder *holder = *at;
    sc_assert(holder != NULL && holder->count[kind] > 0);
    holder->count[kind]--;
    for (int i = 0; i < SC_FOLLOW_KINDS; i++) {
        if (holder->count[i] > 0)
            return;
    }
    *at = holder->next;
    free(holder);
}
