#pragma once
/* What is owed to the outside: webhooks. A delivery is written by the transaction that writes its
 * event, and one thread posts what is due until the receiver has taken it or nobody will try any
 * more. So it arrives at least once, in no promised order: whoever is killed between an answer and
 * its record posts the same message again, under the same id.
 *
 * Functions with `tx` run inside a write; those with `conn` also on a reader. */

#include "config/live.h"
#include "outbox/webhook.h"

struct sc_outbox;
struct sc_outbox_options { /* all borrowed until close */
    struct sc_store *store;
    struct sc_queue *queue;
    struct sc_hub *hub;
    const struct sc_live_config *config;
};
/* Hears of every event of the queue from now on, and starts its thread. */
SC_MUST_USE enum sc_code sc_outbox_open(const struct sc_outbox_options *options,
                                        struct sc_outbox **out, struct sc_error *err);
/* No new attempts; those under way have a second to end. What is owed stays owed. Does not wait. */
void sc_outbox_stop(struct sc_outbox *o);
/* Waits for the thread. No write of the queue may be under way. NULL allowed. */
void sc_outbox_close(struct sc_outbox *o);
SC_DEFINE_FREEP(struct sc_outbox, sc_outbox_close);
/* Is something being sent, or about to be? What waits for its next attempt does not count. Any
 * thread. */
bool sc_outbox_busy(struct sc_outbox *o);

/* ---- webhooks (webhooks.c). WEBHOOK_NOT_FOUND also for another owner's. ---- */

#define SC_WEBHOOKS_MAX 100 /* of one owner */

/* Makes one out of url, description, events and enabled, with a new secret; completes *hook.
 * CONFLICT when the owner has SC_WEBHOOKS_MAX. */
SC_MUST_USE enum sc_code sc_webhook_create(struct sc_outbox *o, struct sc_conn *tx,
                                           struct sc_webhook *hook, struct sc_error *err);
/* *out: sc_webhook_done. */
SC_MUST_USE enum sc_code sc_webhook_get(struct sc_conn *conn, int64_t owner_id, int64_t id,
                                        struct sc_webhook *out, struct sc_error *err);
/* Newest first, those before before_id (0: all). The webhook is borrowed during fn. */
typedef void (*sc_webhook_fn)(void *ctx, const struct sc_webhook *hook);
SC_MUST_USE enum sc_code sc_webhook_list(struct sc_conn *conn, int64_t owner_id, int64_t before_id,
                                         int limit, sc_webhook_fn fn, void *ctx,
                                         struct sc_error *err);
struct sc_webhook_changes {
    const char *url, *description; /* NULL: as it is */
    const int64_t *events;
    const bool *enabled;
    bool new_secret;
};
/* *out: as it is afterwards; what is owed to it is tried again at once. */
SC_MUST_USE enum sc_code sc_webhook_edit(struct sc_outbox *o, struct sc_conn *tx, int64_t owner_id,
                                         int64_t id, const struct sc_webhook_changes *changes,
                                         struct sc_webhook *out, struct sc_error *err);
/* With all that is owed to it. */
SC_MUST_USE enum sc_code sc_webhook_remove(struct sc_outbox *o, struct sc_conn *tx,
                                           int64_t owner_id, int64_t id, struct sc_error *err);
/* Owes it a message of no job, which is tried once. CONFLICT when it is disabled. */
SC_MUST_USE enum sc_code sc_webhook_test(struct sc_outbox *o, struct sc_conn *tx, int64_t owner_id,
                                         int64_t id, struct sc_delivery *out, struct sc_error *err);

/* ---- deliveries (deliveries.c). DELIVERY_NOT_FOUND for one of another webhook. ---- */

struct sc_delivery_filter {
    int64_t owner_id, webhook_id;
    int64_t before_id; /* 0: from the newest */
    int state;         /* sc_delivery_state; -1: all */
    int limit;
};
typedef void (*sc_delivery_fn)(void *ctx, const struct sc_delivery *delivery);
SC_MUST_USE enum sc_code sc_delivery_list(struct sc_conn *conn,
                                          const struct sc_delivery_filter *filter,
                                          sc_delivery_fn fn, void *ctx, struct sc_error *err);
/* Does not ask whose webhook it is. */
SC_MUST_USE enum sc_code sc_delivery_get(struct sc_conn *conn, int64_t webhook_id, int64_t id,
                                         struct sc_delivery *out, struct sc_error *err);
/* The same message again, from the first attempt on; one that waits is tried at once. CONFLICT when
 * the webhook is disabled. */
SC_MUST_USE enum sc_code sc_delivery_replay(struct sc_outbox *o, struct sc_conn *tx,
                                            int64_t owner_id, int64_t webhook_id, int64_t id,
                                            struct sc_delivery *out, struct sc_error *err);
/* How many are owed; stops counting at `most`. */
SC_MUST_USE enum sc_code sc_deliveries_owed(struct sc_conn *conn, int64_t most, int64_t *out,
                                            struct sc_error *err);
