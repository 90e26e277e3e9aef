#pragma once
/* What the files of the outbox share. */

#include "outbox/outbox.h"

#include "net/post.h"

#include <pthread.h>
#include <stdatomic.h>

#define SC_OUTBOX_SLOTS 16   /* attempts at the same time … */
#define SC_OUTBOX_PER_HOST 4 /* … and to one host and port */

/* What comes of an attempt. */
struct sc_settlement {
    int64_t delivery_id, webhook_id;
    enum sc_delivery_state state;
    int64_t now_ms, due_ms, rest_until_ms; /* -1: none */
    int64_t duration_ms;
    int response_code;
    int disable; /* sc_webhook_end; -1: it stays */
    char error[160];
    char host[SC_HOST_TEXT];
};

/* An attempt: under way, or ended and to be recorded. */
struct sc_slot_attempt {
    bool used, ended;
    struct sc_guard_target target;
    struct sc_delivery delivery;
    int failures;       /* of its webhook, in a row, before this one */
    int64_t failing_ms; /* since when; -1: it does not fail */
    struct sc_settlement settled;
};

struct sc_outbox {
    struct sc_outbox_options options;
    pthread_t thread;
    struct sc_poster *poster; /* the thread's, but for its wake */
    /* -- the thread's -- */
    struct sc_slot_attempt slots[SC_OUTBOX_SLOTS];
    int64_t turn;      /* the webhook that had it last */
    int64_t upkeep_ms; /* monotonic: next time */
    bool failing;      /* the store does not take what it is told */
    /* -- anybody's -- */
    _Atomic int64_t kinds; /* bits that some webhook may want: never too few */
    atomic_bool stopping;
    atomic_bool untidy; /* a webhook was removed, whose rows are still there */
    atomic_bool idle;   /* nothing is under way, nor due as far as is known */
};

/* Something may be due. Any thread. */
void sc_outbox_poke(struct sc_outbox *o);
/* The same after the commit of tx. */
void sc_outbox_note(struct sc_outbox *o, struct sc_conn *tx);
/* And there are rows to be removed. */
void sc_outbox_note_removed(struct sc_outbox *o, struct sc_conn *tx);

/* ---- deliveries.c ---- */

void sc_delivery_from_row(struct sc_stmt *st, struct sc_delivery *out);
/* A sc_event_write_fn: what the event owes to webhooks. */
enum sc_code sc_outbox_hear(void *ctx, struct sc_conn *tx, const struct sc_event *event,
                            struct sc_error *err);
/* Writes what came of an attempt, to the delivery and to its webhook. */
SC_MUST_USE enum sc_code sc_delivery_settle(struct sc_outbox *o, struct sc_conn *tx,
                                            const struct sc_settlement *s, struct sc_error *err);
/* Forgets a slice of what ended long ago or belonged to a webhook that was removed. *more: there
 * may be more. */
SC_MUST_USE enum sc_code sc_deliveries_upkeep(struct sc_outbox *o, struct sc_conn *tx, bool *more,
                                              struct sc_error *err);
/* Fills o->kinds. */
SC_MUST_USE enum sc_code sc_outbox_learn_kinds(struct sc_outbox *o, struct sc_error *err);

/* ---- judge.c ---- */

/* What the outcome of an attempt means. Pure but for the settings and a chance. */
void sc_attempt_judge(const struct sc_config *config, struct sc_slot_attempt *slot,
                      const struct sc_posted *posted, int64_t now_ms, uint32_t chance);
