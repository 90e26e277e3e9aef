/* The thread that posts what is due. What it has in hand is only in its slots: the store says that
 * it is owed until an attempt has ended and what came of it is written. */

#include "outbox/outbox-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/log.h"
#include "base/metric.h"

#include <inttypes.h>

#include "base/banned.h"

#define RETRY_MS 1000              /* after the store has failed */
#define UPKEEP_MS (60 * 60 * 1000) /* between looks at what is old */
#define GRACE_MS 1000              /* for attempts that are under way when it stops */
#define LOOK 8 /* due deliveries of one webhook that are looked at; some may be under way */
_Static_assert(LOOK >= 2 * SC_OUTBOX_PER_HOST, "enough beside those under way");

void sc_outbox_poke(struct sc_outbox *o)
{
    atomic_store(&o->idle, false);
    sc_poster_wake(o->poster);
}

static void committed(void *owner, const void *arg)
{
    (void)arg;
    sc_outbox_poke(owner);
}

void sc_outbox_note(struct sc_outbox *o, struct sc_conn *tx)
{
    sc_conn_after_commit(tx, committed, o, NULL, 0);
}

static void removed(void *owner, const void *arg)
{
    struct sc_outbox *o = owner;
    (void)arg;
    atomic_store(&o->untidy, true);
    sc_outbox_poke(o);
}

void sc_outbox_note_removed(struct sc_outbox *o, struct sc_conn *tx)
{
    sc_conn_after_commit(tx, removed, o, NULL, 0);
}

bool sc_outbox_busy(struct sc_outbox *o)
{
    return !atomic_load(&o->idle);
}

/* ---- an attempt ---- */

/* NULL: none is free, or the host has as many as it may, or this one is in hand. */
static struct sc_slot_attempt *find_slot(struct sc_outbox *o, int64_t delivery,
                                         const struct sc_guard_target *target)
{
    struct sc_slot_attempt *free_slot = NULL;
    int same = 0;
    for (size_t i = 0; i < SC_OUTBOX_SLOTS; i++) {
        struct sc_slot_attempt *slot = &o->slots[i];
        if (!slot->used) {
            free_slot = slot;
            continue;
        }
        if (slot->delivery.id == delivery)
            return NULL;
        same += slot->target.port == target->port && strcmp(slot->target.host, target->host) == 0;
    }
    return same < SC_OUTBOX_PER_HOST ? free_slot : NULL;
}

static void end_attempt(struct sc_outbox *o, struct sc_slot_attempt *slot,
                        const struct sc_posted *posted)
{
    uint32_t chance;
    sc_random_bytes(&chance, sizeof(chance));
    sc_attempt_judge(sc_config_now(o->options.config), slot, posted, sc_clock_wall_ms(), chance);
    slot->ended = true;
}

static void posted(void *ctx, void *tag, const struct sc_posted *posted)
{
    (void)SC_FAULT("outbox.answered"); /* the receiver has it, and that is written nowhere yet */
    end_attempt(ctx, tag, posted);
}

struct due_hook {
    int64_t id;
    const char *url, *secret;
    int failures;
    int64_t failing_ms;
};

static void send_message(struct sc_outbox *o, struct sc_slot_attempt *slot,
                         const struct due_hook *hook)
{
    const struct sc_config *c = sc_config_now(o->options.config);
    const struct sc_delivery *d = &slot->delivery;
    int64_t now_s = sc_clock_wall_ms() / 1000;
    SC_AUTO_BUF body = { 0 };
    char mac[SC_SHA256_TEXT], id[64], at[64], signature[32 + SC_SHA256_TEXT];
    sc_webhook_message(&body, d);
    sc_webhook_sign(hook->secret, d->message_id, now_s, sc_buf_str(&body), mac);
    (void)snprintf(id, sizeof(id), "Scripta-Webhook-Id: %s", d->message_id);
    (void)snprintf(at, sizeof(at), "Scripta-Timestamp: %" PRId64, now_s);
    (void)snprintf(signature, sizeof(signature), "Scripta-Signature: v1=%s", mac);
    const char *const headers[] = {
        "Content-Type: application/json", "Expect:", id, at, signature, NULL
    };
    const struct sc_post post = {
        .url = hook->url,
        .allow = c->webhooks_allow,
        .ca_file = c->webhooks_ca_file,
        .headers = headers,
        .body = sc_buf_str(&body),
        .timeout_ms = c->webhooks_timeout,
    };
    struct sc_error err = { 0 };
    if (sc_poster_send(o->poster, &post, slot, &err) != SC_OK) {
        struct sc_posted refused = { .retry_after_ms = -1 };
        (void)snprintf(refused.error, sizeof(refused.error), "%.*s", SC_POSTED_ERROR - 1, err.msg);
        end_attempt(o, slot, &refused);
    }
}

/* ---- what is due ---- */

static size_t free_slots(const struct sc_outbox *o)
{
    size_t n = 0;
    for (size_t i = 0; i < SC_OUTBOX_SLOTS; i++)
        n += !o->slots[i].used;
    return n;
}

static enum sc_code start_hook(struct sc_outbox *o, struct sc_conn *conn,
                               const struct due_hook *hook, int64_t now_ms, struct sc_error *err)
{
    struct sc_guard_target target = { 0 };
    /* One that is not allowed any more has no host: it fails at once. */
    (void)!sc_guard_url(hook->url, "*", &target, NULL);
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_DELIVERY_DUE);
    sc_stmt_bind_int(&st, ":webhook_id", hook->id);
    sc_stmt_bind_int(&st, ":now", now_ms);
    sc_stmt_bind_int(&st, ":limit", LOOK);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_slot_attempt *slot = find_slot(o, sc_stmt_int(&st, "id"), &target);
        if (slot == NULL)
            continue;
        *slot = (struct sc_slot_attempt){
            .used = true,
            .target = target,
            .failures = hook->failures,
            .failing_ms = hook->failing_ms,
        };
        sc_delivery_from_row(&st, &slot->delivery);
        o->turn = hook->id;
        send_message(o, slot, hook);
    }
}

/* Fills the slots, each webhook in its turn. */
static enum sc_code start_due(struct sc_outbox *o, struct sc_conn *conn, int64_t now_ms,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WEBHOOK_DUE);
    sc_stmt_bind_int(&st, ":now", now_ms);
    sc_stmt_bind_int(&st, ":turn", o->turn);
    while (free_slots(o) > 0) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        const struct due_hook hook = {
            .id = sc_stmt_int(&st, "id"),
            .url = sc_stmt_text(&st, "url"),
            .secret = sc_stmt_text(&st, "secret"),
            .failures = (int)sc_stmt_int(&st, "failures"),
            .failing_ms = sc_stmt_int_or(&st, "failing_ms", -1),
        };
        code = start_hook(o, conn, &hook, now_ms, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

/* *wait_ms: until something is due that is not now; -1: nothing is. */
static enum sc_code look_ahead(struct sc_conn *conn, int64_t now_ms, int64_t *wait_ms,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WEBHOOK_NEXT_DUE);
    sc_stmt_bind_int(&st, ":now", now_ms);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK) {
        int64_t due = sc_stmt_int_or(&st, "due_ms", -1);
        *wait_ms = due < 0 ? -1 : SC_MAX(1, due - now_ms);
    }
    return code;
}

/* ---- what came of them ---- */

static enum sc_code write_ended(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_outbox *o = ctx;
    enum sc_code code = SC_OK;
    for (size_t i = 0; i < SC_OUTBOX_SLOTS && code == SC_OK; i++) {
        if (o->slots[i].ended)
            code = sc_delivery_settle(o, tx, &o->slots[i].settled, err);
    }
    return code;
}

static void tell(const struct sc_slot_attempt *slot)
{
    const struct sc_settlement *s = &slot->settled;
    bool ok = s->state == SC_DELIVERY_DELIVERED;
    bool last = s->state == SC_DELIVERY_FAILED;
    SC_COUNT(webhook_attempts, ok ? SC_WEBHOOK_TAKEN : SC_WEBHOOK_REFUSED, 1);
    SC_OBSERVE(webhook_duration, 0, s->duration_ms * 1000);
    if (last)
        SC_COUNT(webhook_attempts, SC_WEBHOOK_GIVEN_UP, 1);
    /* The address itself may hold a secret: its host is all that is told. */
    if (ok)
        SC_LOG(DEBUG, "outbox", "delivered", SC_I("webhook", s->webhook_id),
               SC_I("delivery", s->delivery_id), SC_S("host", s->host),
               SC_I("status", s->response_code));
    else if (last || slot->failures == 0)
        SC_LOG(WARNING, "outbox", last ? "a delivery is given up" : "a webhook fails",
               SC_I("webhook", s->webhook_id), SC_I("delivery", s->delivery_id),
               SC_S("host", s->host), SC_I("attempt", slot->delivery.attempts + 1),
               SC_S("why", s->error));
}

static void complain(struct sc_outbox *o, const struct sc_error *err)
{
    if (!o->failing)
        SC_LOG(WARNING, "outbox", "webhooks wait for the store",
               SC_S("code", sc_code_name(err->code)), SC_S("error", err->msg));
    o->failing = true;
}

/* SC_OK: no slot is left that has ended. Until then they are kept, so that nothing is posted twice
 * because the store is away. */
static enum sc_code record(struct sc_outbox *o, struct sc_error *err)
{
    bool any = false;
    for (size_t i = 0; i < SC_OUTBOX_SLOTS; i++)
        any = any || o->slots[i].ended;
    if (!any)
        return SC_OK;
    enum sc_code code = sc_store_write(o->options.store, SC_RELAXED, write_ended, o, err);
    for (size_t i = 0; i < SC_OUTBOX_SLOTS && code == SC_OK; i++) {
        if (!o->slots[i].ended)
            continue;
        tell(&o->slots[i]);
        o->slots[i] = (struct sc_slot_attempt){ 0 };
    }
    return code;
}

/* ---- the thread ---- */

struct upkeep {
    struct sc_outbox *o;
    bool more;
};

static enum sc_code write_upkeep(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct upkeep *u = ctx;
    return sc_deliveries_upkeep(u->o, tx, &u->more, err);
}

static enum sc_code keep_up(struct sc_outbox *o, struct sc_error *err)
{
    struct upkeep u = { .o = o };
    if (!atomic_exchange(&o->untidy, false) && sc_clock_mono_ms() < o->upkeep_ms)
        return SC_OK;
    o->upkeep_ms = 0; /* also when it fails */
    enum sc_code code = sc_store_write(o->options.store, SC_RELAXED, write_upkeep, &u, err);
    if (code == SC_OK)
        o->upkeep_ms = u.more ? 0 : sc_clock_mono_ms() + UPKEEP_MS;
    return code;
}

/* Milliseconds until the next turn; -1: until something ends or is made. */
static int64_t turn(struct sc_outbox *o)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_error err = { 0 };
    int64_t now = sc_clock_wall_ms();
    int64_t wait = -1;
    atomic_store(&o->idle, true); /* whoever pokes from here on is seen by the next turn */
    enum sc_code code = record(o, &err);
    if (code == SC_OK && !atomic_load(&o->stopping)) {
        code = keep_up(o, &err);
        if (code == SC_OK)
            code = sc_store_read(o->options.store, &conn, &err);
        if (code == SC_OK)
            code = start_due(o, conn, now, &err);
        if (code == SC_OK)
            code = look_ahead(conn, now, &wait, &err);
    }
    if (free_slots(o) < SC_OUTBOX_SLOTS)
        atomic_store(&o->idle, false);
    if (code != SC_OK) {
        complain(o, &err);
        return RETRY_MS;
    }
    o->failing = false;
    for (size_t i = 0; i < SC_OUTBOX_SLOTS; i++) {
        if (o->slots[i].ended) /* refused before it was posted */
            return 0;
    }
    int64_t upkeep = SC_MAX(0, o->upkeep_ms - sc_clock_mono_ms());
    return wait < 0 ? upkeep : SC_MIN(wait, upkeep);
}

static void *outbox_main(void *ctx)
{
    struct sc_outbox *o = ctx;
    struct sc_error err = { 0 };
    (void)pthread_setname_np(pthread_self(), "outbox");
    while (!atomic_load(&o->stopping))
        sc_poster_run(o->poster, turn(o), posted, o);
    int64_t deadline = sc_clock_mono_ms() + GRACE_MS;
    int64_t left = GRACE_MS;
    while (sc_poster_count(o->poster) > 0 && left > 0) {
        sc_poster_run(o->poster, left, posted, o);
        left = deadline - sc_clock_mono_ms();
    }
    (void)!record(o, &err); /* else they are posted again */
    return NULL;
}

enum sc_code sc_outbox_open(const struct sc_outbox_options *options, struct sc_outbox **out,
                            struct sc_error *err)
{
    struct sc_outbox *o = sc_alloc(sizeof(*o));
    o->options = *options;
    o->poster = sc_poster_new();
    atomic_init(&o->kinds, 0);
    atomic_init(&o->stopping, false);
    atomic_init(&o->untidy, false);
    atomic_init(&o->idle, false);
    enum sc_code code = sc_outbox_learn_kinds(o, err);
    if (code == SC_OK) {
        sc_queue_on_event(options->queue, sc_outbox_hear, o);
        int rc = pthread_create(&o->thread, NULL, outbox_main, o);
        if (rc == 0) {
            *out = o;
            return SC_OK;
        }
        sc_queue_on_event(options->queue, NULL, NULL);
        code = sc_error_errno(err, rc, "cannot start the thread of webhooks");
    }
    sc_poster_free(o->poster);
    free(o);
    return code;
}

void sc_outbox_stop(struct sc_outbox *o)
{
    atomic_store(&o->stopping, true);
    sc_poster_wake(o->poster);
}

void sc_outbox_close(struct sc_outbox *o)
{
    if (o == NULL)
        return;
    sc_outbox_stop(o);
    (void)pthread_join(o->thread, NULL);
    sc_queue_on_event(o->options.queue, NULL, NULL);
    sc_poster_free(o->poster);
    free(o);
}
