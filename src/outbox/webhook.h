#pragma once
/* A webhook, a delivery, and what is sent. Pure. Part of outbox/outbox.h. */

#include "base/hash.h"
#include "queue/queue.h"
#include "json/shape.h"

/* Why a webhook is disabled. */
enum sc_webhook_end {
    SC_WEBHOOK_BY_USER,
    SC_WEBHOOK_GONE,    /* its receiver answered 410 */
    SC_WEBHOOK_FAILING, /* for longer than webhooks.disable_after */
    SC_WEBHOOK_END_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_webhook_end);

#define SC_WEBHOOK_SECRET 64

struct sc_webhook {
    int64_t id, owner_id;
    char *url, *description; /* owned */
    int64_t events;          /* bits 1 << sc_event_kind, or SC_WEBHOOK_ALL */
    char secret[SC_WEBHOOK_SECRET];
    bool enabled;
    int disabled_why;                                /* sc_webhook_end; -1: enabled */
    int failures;                                    /* in a row */
    int64_t failing_ms, rest_until_ms, delivered_ms; /* -1: not */
    int64_t created_ms, updated_ms;
};
void sc_webhook_done(struct sc_webhook *hook);
#define SC_AUTO_WEBHOOK SC_AUTO(sc_webhook_done) struct sc_webhook

/* ---- what can be heard of ---- */

#define SC_WEBHOOK_ALL INT64_C(-1)
/* The kinds of events that are offered, from index 0 on; false: no more. */
bool sc_webhook_kind(int index, enum sc_event_kind *out);
/* "job_complete" or "*" as bits; false: not offered. */
bool sc_webhook_events_parse(struct sc_str name, int64_t *out);
/* The ends of jobs. */
int64_t sc_webhook_events_default(void);

/* ---- deliveries ---- */

enum sc_delivery_state {
    SC_DELIVERY_PENDING,
    SC_DELIVERY_DELIVERED,
    SC_DELIVERY_FAILED, /* no more attempts, until it is replayed */
    SC_DELIVERY_STATE_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_delivery_state);

#define SC_DELIVERY_TEST (-1) /* the kind of a test */
#define SC_MESSAGE_ID 33      /* bytes of a message's id with its end */

struct sc_delivery {
    int64_t id, webhook_id;
    char message_id[SC_MESSAGE_ID];
    int kind; /* sc_event_kind or SC_DELIVERY_TEST */
    char job_id[SC_UUID_TEXT];
    int64_t file_id, transcript_id; /* 0: none */
    int job_state;                  /* sc_job_state, -1: none */
    enum sc_code code;
    enum sc_delivery_state state;
    int attempts;
    int64_t created_ms, due_ms, tried_ms, ended_ms; /* -1: not */
    int64_t duration_ms;                            /* of the last attempt; -1: none */
    int response_code;                              /* 0: none */
    char error[160];
};
/* "job_complete", "webhook_test". Static. */
const char *sc_delivery_type(const struct sc_delivery *d);

/* The message: the same bytes in every attempt. */
void sc_webhook_message(struct sc_buf *out, const struct sc_delivery *d);
extern const struct sc_json_shape sc_shape_webhook_message;
/* HMAC-SHA-256 over "id.timestamp.body" under the secret's text, in hex. */
void sc_webhook_sign(const char *secret, const char *message_id, int64_t timestamp_s,
                     struct sc_str body, char out[SC_SHA256_TEXT]);

/* Milliseconds from the nth failed attempt (from 1) to the next: three times as long each time. */
int64_t sc_webhook_wait_ms(int64_t first_ms, int64_t most_ms, int nth);
/* A quarter more or less, by chance. */
int64_t sc_webhook_jitter_ms(int64_t wait_ms, uint32_t chance);
