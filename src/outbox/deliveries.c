#include "outbox/outbox-internal.h"

#include "base/clock.h"
#include "base/metric.h"

#include <inttypes.h>

#include "base/banned.h"

#define SLICE 100 /* rows that a transaction of upkeep takes */

void sc_delivery_from_row(struct sc_stmt *st, struct sc_delivery *out)
{
    *out = (struct sc_delivery){
        .id = sc_stmt_int(st, "id"),
        .webhook_id = sc_stmt_int(st, "webhook_id"),
        .kind = (int)sc_stmt_int(st, "kind"),
        .file_id = sc_stmt_int_or(st, "file_id", 0),
        .transcript_id = sc_stmt_int_or(st, "transcript_id", 0),
        .job_state = (int)sc_stmt_int_or(st, "job_state", -1),
        .state = (enum sc_delivery_state)sc_stmt_int(st, "state"),
        .attempts = (int)sc_stmt_int(st, "attempts"),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .due_ms = sc_stmt_int_or(st, "due_ms", -1),
        .tried_ms = sc_stmt_int_or(st, "tried_ms", -1),
        .ended_ms = sc_stmt_int_or(st, "ended_ms", -1),
        .duration_ms = sc_stmt_int_or(st, "duration_ms", -1),
        .response_code = (int)sc_stmt_int_or(st, "response_code", 0),
    };
    (void)sc_code_parse(sc_stmt_text(st, "code"), &out->code); /* "" and unknown: SC_OK stays */
    SC_STMT_READ(st, out, message_id);
    SC_STMT_READ(st, out, job_id);
    SC_STMT_READ(st, out, error);
}

enum sc_code sc_delivery_get(struct sc_conn *conn, int64_t webhook_id, int64_t id,
                             struct sc_delivery *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_DELIVERY_GET);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":webhook_id", webhook_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_DELIVERY_NOT_FOUND,
                            "webhook %" PRId64 " has no delivery '%" PRId64 "'", webhook_id, id);
    if (code == SC_OK)
        sc_delivery_from_row(&st, out);
    return code;
}

enum sc_code sc_delivery_list(struct sc_conn *conn, const struct sc_delivery_filter *filter,
                              sc_delivery_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_WEBHOOK hook = { 0 };
    enum sc_code code = sc_webhook_get(conn, filter->owner_id, filter->webhook_id, &hook, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st =
        sc_stmt_get(conn, filter->state < 0 ? SC_SQL_DELIVERY_LIST : SC_SQL_DELIVERY_LIST_STATE);
    if (filter->state >= 0)
        sc_stmt_bind_int(&st, ":state", filter->state);
    sc_stmt_bind_int(&st, ":webhook_id", filter->webhook_id);
    sc_stmt_bind_int(&st, ":before_id", filter->before_id);
    sc_stmt_bind_int(&st, ":limit", filter->limit);
    for (;;) {
        struct sc_delivery delivery;
        bool row = false;
        code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        sc_delivery_from_row(&st, &delivery);
        fn(ctx, &delivery);
    }
}

enum sc_code sc_deliveries_owed(struct sc_conn *conn, int64_t most, int64_t *out,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_DELIVERY_OWED);
    sc_stmt_bind_int(&st, ":most", most);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = sc_stmt_int(&st, "n");
    return code;
}

/* ---- events ---- */

enum sc_code sc_outbox_learn_kinds(struct sc_outbox *o, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(o->options.store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WEBHOOK_KINDS);
    for (;;) {
        bool row = false;
        code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        atomic_fetch_or(&o->kinds, sc_stmt_int(&st, "events"));
    }
}

static bool is_offered(enum sc_event_kind kind)
{
    enum sc_event_kind one;
    for (int i = 0; sc_webhook_kind(i, &one); i++) {
        if (one == kind)
            return true;
    }
    return false;
}

enum sc_code sc_outbox_hear(void *ctx, struct sc_conn *tx, const struct sc_event *event,
                            struct sc_error *err)
{
    struct sc_outbox *o = ctx;
    int64_t bit = INT64_C(1) << event->kind;
    if (event->job == 0 || (atomic_load(&o->kinds) & bit) == 0 || !is_offered(event->kind))
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELIVERY_RECORD);
    sc_stmt_bind_int(&st, ":kind", (int64_t)event->kind);
    sc_stmt_bind_int(&st, ":job", event->job);
    sc_stmt_bind_int(&st, ":job_state", event->state);
    sc_stmt_bind_text(&st, ":code", event->code == SC_OK ? NULL : sc_code_name(event->code));
    sc_stmt_bind_int(&st, ":at_ms", event->at_ms);
    sc_stmt_bind_int(&st, ":bit", bit);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK && sc_conn_changes(tx) > 0)
        sc_outbox_note(o, tx);
    return code;
}

/* ---- what came of an attempt ---- */

static enum sc_code settle_delivery(struct sc_conn *tx, const struct sc_settlement *s,
                                    struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELIVERY_SETTLE);
    sc_stmt_bind_int(&st, ":id", s->delivery_id);
    sc_stmt_bind_int(&st, ":state", (int64_t)s->state);
    sc_stmt_bind_opt(&st, ":due_ms", s->due_ms);
    sc_stmt_bind_int(&st, ":now", s->now_ms);
    sc_stmt_bind_int(&st, ":duration_ms", s->duration_ms);
    sc_stmt_bind_opt(&st, ":response_code", s->response_code == 0 ? -1 : s->response_code);
    sc_stmt_bind_text(&st, ":error", s->error[0] == '\0' ? NULL : s->error);
    sc_stmt_bind_opt(&st, ":ended_ms", s->state == SC_DELIVERY_PENDING ? -1 : s->now_ms);
    return sc_stmt_run(&st, err);
}

static enum sc_code settle_webhook(struct sc_conn *tx, const struct sc_settlement *s,
                                   struct sc_error *err)
{
    bool ok = s->state == SC_DELIVERY_DELIVERED;
    SC_AUTO_STMT st = sc_stmt_get(tx, ok ? SC_SQL_WEBHOOK_DELIVERED : SC_SQL_WEBHOOK_FAILED);
    sc_stmt_bind_int(&st, ":id", s->webhook_id);
    sc_stmt_bind_int(&st, ":now", s->now_ms);
    if (!ok)
        sc_stmt_bind_opt(&st, ":rest_until_ms", s->rest_until_ms);
    return sc_stmt_run(&st, err);
}

static void publish(void *owner, const void *arg)
{
    SC_COUNT(webhooks_disabled, 0, 1);
    sc_hub_publish(owner, arg);
}

static enum sc_code disable(struct sc_outbox *o, struct sc_conn *tx, const struct sc_settlement *s,
                            struct sc_error *err)
{
    struct sc_event event = {
        .kind = SC_EVENT_WEBHOOK_DISABLED,
        .at_ms = s->now_ms,
        .state = -1,
        .stage = -1,
        .chunk = -1,
        .duration_ms = -1,
    };
    bool row = false;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_DISABLE);
    sc_stmt_bind_int(&st, ":id", s->webhook_id);
    sc_stmt_bind_int(&st, ":why", s->disable);
    sc_stmt_bind_int(&st, ":now", s->now_ms);
    enum sc_code code = sc_stmt_step(&st, &row, err);
    if (code != SC_OK || !row)
        return code; /* it is disabled already, or removed */
    event.owner_id = sc_stmt_int(&st, "owner_id");
    code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    (void)snprintf(event.message, sizeof(event.message), "webhook %" PRId64 " was disabled: %s",
                   s->webhook_id,
                   s->disable == SC_WEBHOOK_GONE ? "its receiver answered 410"
                                                 : "its receiver has failed for long");
    sc_conn_after_commit(tx, publish, o->options.hub, &event, sizeof(event));
    return SC_OK;
}

enum sc_code sc_delivery_settle(struct sc_outbox *o, struct sc_conn *tx,
                                const struct sc_settlement *s, struct sc_error *err)
{
    enum sc_code code = settle_delivery(tx, s, err);
    if (code == SC_OK)
        code = settle_webhook(tx, s, err);
    if (code == SC_OK && s->disable >= 0)
        code = disable(o, tx, s, err);
    return code;
}

/* ---- upkeep ---- */

/* Rows of the first webhook that was removed, then itself. */
static enum sc_code forget_removed(struct sc_conn *tx, bool *more, struct sc_error *err)
{
    int64_t id;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_REMOVED);
        enum sc_code code = sc_stmt_one(&st, err);
        if (code != SC_OK)
            return code == SC_E_NOT_FOUND ? SC_OK : code;
        id = sc_stmt_int(&st, "id");
    }
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELIVERY_FORGET);
        sc_stmt_bind_int(&st, ":webhook_id", id);
        sc_stmt_bind_int(&st, ":limit", SLICE);
        enum sc_code code = sc_stmt_run(&st, err);
        if (code != SC_OK)
            return code;
    }
    *more = true;
    if (sc_conn_changes(tx) == SLICE)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_FORGET);
    sc_stmt_bind_int(&st, ":id", id);
    return sc_stmt_run(&st, err);
}

static enum sc_code forget_ended(struct sc_conn *tx, int64_t before_ms, bool *more,
                                 struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELIVERY_EXPIRE);
    sc_stmt_bind_int(&st, ":before_ms", before_ms);
    sc_stmt_bind_int(&st, ":limit", SLICE);
    enum sc_code code = sc_stmt_run(&st, err);
    *more = *more || (code == SC_OK && sc_conn_changes(tx) == SLICE);
    return code;
}

static enum sc_code clamp(struct sc_conn *tx, enum sc_sql id, int64_t latest_ms,
                          struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, id);
    sc_stmt_bind_int(&st, ":latest", latest_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_deliveries_upkeep(struct sc_outbox *o, struct sc_conn *tx, bool *more,
                                  struct sc_error *err)
{
    const struct sc_config *c = sc_config_now(o->options.config);
    int64_t now = sc_clock_wall_ms();
    int64_t latest = now + c->webhooks_backoff_max / 4 * 5 + 1;
    *more = false;
    enum sc_code code = forget_removed(tx, more, err);
    if (code == SC_OK && c->webhooks_keep > 0)
        code = forget_ended(tx, now - c->webhooks_keep, more, err);
    if (code == SC_OK)
        code = clamp(tx, SC_SQL_DELIVERY_CLAMP, latest, err);
    if (code == SC_OK)
        code = clamp(tx, SC_SQL_WEBHOOK_CLAMP, latest, err);
    return code;
}
