#include "outbox/outbox-internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <inttypes.h>

#include "base/banned.h"

#define SECRET_BYTES 24 /* as hex behind "whsec_" */

static void make_secret(char out[SC_WEBHOOK_SECRET])
{
    unsigned char bytes[SECRET_BYTES];
    sc_random_bytes(bytes, sizeof(bytes));
    size_t at = (size_t)snprintf(out, SC_WEBHOOK_SECRET, "whsec_");
    for (size_t i = 0; i < sizeof(bytes); i++)
        at += (size_t)snprintf(out + at, SC_WEBHOOK_SECRET - at, "%02x", bytes[i]);
    explicit_bzero(bytes, sizeof(bytes));
}

static void from_row(struct sc_stmt *st, struct sc_webhook *out)
{
    *out = (struct sc_webhook){
        .id = sc_stmt_int(st, "id"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .url = sc_strdup(sc_stmt_text(st, "url")),
        .description = sc_strdup(sc_stmt_text(st, "description")),
        .events = sc_stmt_int(st, "events"),
        .enabled = sc_stmt_int(st, "enabled") != 0,
        .disabled_why = (int)sc_stmt_int_or(st, "disabled_why", -1),
        .failures = (int)sc_stmt_int(st, "failures"),
        .failing_ms = sc_stmt_int_or(st, "failing_ms", -1),
        .rest_until_ms = sc_stmt_int_or(st, "rest_until_ms", -1),
        .delivered_ms = sc_stmt_int_or(st, "delivered_ms", -1),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .updated_ms = sc_stmt_int(st, "updated_ms"),
    };
    SC_STMT_READ(st, out, secret);
}

enum sc_code sc_webhook_get(struct sc_conn *conn, int64_t owner_id, int64_t id,
                            struct sc_webhook *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WEBHOOK_GET);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_WEBHOOK_NOT_FOUND, "no such webhook: '%" PRId64 "'", id);
    if (code == SC_OK)
        from_row(&st, out);
    return code;
}

enum sc_code sc_webhook_list(struct sc_conn *conn, int64_t owner_id, int64_t before_id, int limit,
                             sc_webhook_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WEBHOOK_LIST);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    sc_stmt_bind_int(&st, ":before_id", before_id);
    sc_stmt_bind_int(&st, ":limit", limit);
    for (;;) {
        SC_AUTO_WEBHOOK hook = { 0 };
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        from_row(&st, &hook);
        fn(ctx, &hook);
    }
}

/* ---- changes ---- */

/* At once, before the commit: too many bits cost a look at the table, too few a delivery. */
static void want(struct sc_outbox *o, const struct sc_webhook *hook)
{
    if (hook->enabled)
        atomic_fetch_or(&o->kinds, hook->events);
}

static enum sc_code count_hooks(struct sc_conn *tx, int64_t owner_id, int64_t *out,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_COUNT);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = sc_stmt_int(&st, "n");
    return code;
}

enum sc_code sc_webhook_create(struct sc_outbox *o, struct sc_conn *tx, struct sc_webhook *hook,
                               struct sc_error *err)
{
    int64_t count = 0;
    enum sc_code code = count_hooks(tx, hook->owner_id, &count, err);
    if (code != SC_OK)
        return code;
    if (count >= SC_WEBHOOKS_MAX)
        return sc_error_set(err, SC_E_CONFLICT,
                            "there are %d webhooks, the most that one owner "
                            "may have: remove one first",
                            SC_WEBHOOKS_MAX);
    make_secret(hook->secret);
    hook->created_ms = hook->updated_ms = sc_clock_wall_ms();
    hook->disabled_why = hook->enabled ? -1 : SC_WEBHOOK_BY_USER;
    hook->failures = 0;
    hook->failing_ms = hook->rest_until_ms = hook->delivered_ms = -1;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_INSERT);
    sc_stmt_bind_int(&st, ":owner_id", hook->owner_id);
    sc_stmt_bind_text(&st, ":url", hook->url);
    sc_stmt_bind_text(&st, ":description", hook->description);
    sc_stmt_bind_int(&st, ":events", hook->events);
    sc_stmt_bind_text(&st, ":secret", hook->secret);
    sc_stmt_bind_int(&st, ":enabled", hook->enabled);
    sc_stmt_bind_opt(&st, ":disabled_why", hook->disabled_why);
    sc_stmt_bind_int(&st, ":now", hook->created_ms);
    code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    hook->id = sc_conn_last_id(tx);
    want(o, hook);
    return SC_OK;
}

static void apply(struct sc_webhook *hook, const struct sc_webhook_changes *changes)
{
    if (changes->url != NULL) {
        free(hook->url);
        hook->url = sc_strdup(changes->url);
    }
    if (changes->description != NULL) {
        free(hook->description);
        hook->description = sc_strdup(changes->description);
    }
    if (changes->events != NULL)
        hook->events = *changes->events;
    if (changes->new_secret)
        make_secret(hook->secret);
    if (changes->enabled != NULL && *changes->enabled != hook->enabled) {
        hook->enabled = *changes->enabled;
        hook->disabled_why = hook->enabled ? -1 : SC_WEBHOOK_BY_USER;
    }
    hook->failures = 0;
    hook->failing_ms = hook->rest_until_ms = -1;
    hook->updated_ms = sc_clock_wall_ms();
}

enum sc_code sc_webhook_edit(struct sc_outbox *o, struct sc_conn *tx, int64_t owner_id, int64_t id,
                             const struct sc_webhook_changes *changes, struct sc_webhook *out,
                             struct sc_error *err)
{
    SC_AUTO_WEBHOOK hook = { 0 };
    enum sc_code code = sc_webhook_get(tx, owner_id, id, &hook, err);
    if (code != SC_OK)
        return code;
    apply(&hook, changes);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_UPDATE);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_text(&st, ":url", hook.url);
    sc_stmt_bind_text(&st, ":description", hook.description);
    sc_stmt_bind_int(&st, ":events", hook.events);
    sc_stmt_bind_text(&st, ":secret", hook.secret);
    sc_stmt_bind_int(&st, ":enabled", hook.enabled);
    sc_stmt_bind_opt(&st, ":disabled_why", hook.disabled_why);
    sc_stmt_bind_int(&st, ":now", hook.updated_ms);
    code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    want(o, &hook);
    sc_outbox_note(o, tx);
    *out = hook;
    hook = (struct sc_webhook){ 0 };
    return SC_OK;
}

enum sc_code sc_webhook_remove(struct sc_outbox *o, struct sc_conn *tx, int64_t owner_id,
                               int64_t id, struct sc_error *err)
{
    SC_AUTO_WEBHOOK hook = { 0 };
    enum sc_code code = sc_webhook_get(tx, owner_id, id, &hook, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_REMOVE);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        sc_outbox_note_removed(o, tx);
    return code;
}

/* ---- what a user wants tried now ---- */

/* The webhook rests no more; CONFLICT when it is disabled. */
static enum sc_code rouse(struct sc_conn *tx, int64_t owner_id, int64_t id, struct sc_error *err)
{
    SC_AUTO_WEBHOOK hook = { 0 };
    enum sc_code code = sc_webhook_get(tx, owner_id, id, &hook, err);
    if (code != SC_OK)
        return code;
    if (!hook.enabled)
        return sc_error_set(err, SC_E_CONFLICT, "webhook %" PRId64 " is disabled: enable it first",
                            id);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WEBHOOK_RESTED);
    sc_stmt_bind_int(&st, ":id", id);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_webhook_test(struct sc_outbox *o, struct sc_conn *tx, int64_t owner_id, int64_t id,
                             struct sc_delivery *out, struct sc_error *err)
{
    enum sc_code code = rouse(tx, owner_id, id, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELIVERY_RECORD_TEST);
    sc_stmt_bind_int(&st, ":webhook_id", id);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    sc_outbox_note(o, tx);
    return sc_delivery_get(tx, id, sc_conn_last_id(tx), out, err);
}

enum sc_code sc_delivery_replay(struct sc_outbox *o, struct sc_conn *tx, int64_t owner_id,
                                int64_t webhook_id, int64_t id, struct sc_delivery *out,
                                struct sc_error *err)
{
    /* Whose webhook it is comes first: nothing is told of another's. */
    SC_AUTO_WEBHOOK hook = { 0 };
    enum sc_code code = sc_webhook_get(tx, owner_id, webhook_id, &hook, err);
    if (code == SC_OK)
        code = sc_delivery_get(tx, webhook_id, id, out, err);
    if (code == SC_OK)
        code = rouse(tx, owner_id, webhook_id, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELIVERY_REPLAY);
        sc_stmt_bind_int(&st, ":id", id);
        sc_stmt_bind_int(&st, ":webhook_id", webhook_id);
        sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
        code = sc_stmt_run(&st, err);
    }
    if (code != SC_OK)
        return code;
    sc_outbox_note(o, tx);
    return sc_delivery_get(tx, webhook_id, id, out, err);
}
