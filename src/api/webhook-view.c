#include "api/views.h"

#include "base/banned.h"

static void put_events(struct sc_json *w, int64_t events)
{
    enum sc_event_kind kind;
    sc_json_array(w, "events");
    if (events == SC_WEBHOOK_ALL)
        sc_json_text(w, NULL, "*");
    for (int i = 0; events != SC_WEBHOOK_ALL && sc_webhook_kind(i, &kind); i++) {
        if ((events & INT64_C(1) << kind) != 0)
            sc_json_text(w, NULL, sc_event_kind_to_string(kind));
    }
    sc_json_end(w);
}

static void put_fields(struct sc_json *w, const struct sc_webhook *hook)
{
    sc_json_int(w, "id", hook->id);
    sc_json_text(w, "url", hook->url);
    put_events(w, hook->events);
    sc_json_text(w, "description", hook->description);
    sc_json_bool(w, "enabled", hook->enabled);
    sc_json_text(w, "disabled_by",
                 hook->disabled_why < 0
                     ? NULL
                     : sc_webhook_end_to_string((enum sc_webhook_end)hook->disabled_why));
    sc_json_int(w, "failures", hook->failures);
    sc_json_time(w, "failing_since", hook->failing_ms);
    sc_json_time(w, "last_delivered_at", hook->delivered_ms);
    sc_json_time(w, "created_at", hook->created_ms);
    sc_json_time(w, "updated_at", hook->updated_ms);
}

void sc_webhook_view(struct sc_json *w, const char *key, const struct sc_webhook *hook)
{
    sc_json_object(w, key);
    put_fields(w, hook);
    sc_json_end(w);
}

void sc_webhook_secret_view(struct sc_buf *out, const struct sc_webhook *hook)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "secret", hook->secret);
    put_fields(&w, hook);
    sc_json_end(&w);
}

void sc_delivery_view(struct sc_json *w, const char *key, const struct sc_delivery *d)
{
    sc_json_object(w, key);
    sc_json_int(w, "id", d->id);
    sc_json_int(w, "webhook_id", d->webhook_id);
    sc_json_text(w, "message_id", d->message_id);
    sc_json_text(w, "type", sc_delivery_type(d));
    sc_json_text(w, "job_id", d->job_id[0] == '\0' ? NULL : d->job_id);
    sc_json_text(w, "status", sc_delivery_state_to_string(d->state));
    sc_json_int(w, "attempts", d->attempts);
    sc_json_opt(w, "response_code", d->response_code == 0 ? -1 : d->response_code);
    sc_json_text(w, "error", d->error[0] == '\0' ? NULL : d->error);
    sc_json_opt(w, "duration_ms", d->duration_ms);
    sc_json_time(w, "created_at", d->created_ms);
    sc_json_time(w, "last_attempt_at", d->tried_ms);
    sc_json_time(w, "next_attempt_at", d->due_ms);
    sc_json_end(w);
}

/* ---- what the views write ---- */

static const struct sc_json_field webhook_fields[] = {
    SC_SHOW(INT, "id", "Names the webhook", "3"),
    SC_SHOW(TEXT, "url", "Where messages are posted to", "https://hooks.example.com/scripta"),
    { .name = "events",
      SC_SHOW_TEXTS,
      .words = sc_words_webhook_event,
      .help = "What it hears of",
      .example = "[\"job_complete\", \"job_error\"]" },
    SC_SHOW(TEXT, "description", "What it is for", "the archive"),
    SC_SHOW(BOOL, "enabled", "Whether messages are made and posted", "true"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "disabled_by", sc_words_webhook_end,
                  "`user`, `gone` (the receiver answered 410) or `failing` (for long); null: it is "
                  "enabled",
                  NULL),
    SC_SHOW(INT, "failures", "Attempts that failed since the last that did not", "0"),
    SC_SHOW(TIME_OR_NULL, "failing_since", "The first of these", NULL),
    SC_SHOW(TIME_OR_NULL, "last_delivered_at", "The last attempt that did not fail",
            "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME, "created_at", "When it was made", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME, "updated_at", "When it was changed", "2026-11-20T14:30:45.123Z"),
};
const struct sc_json_shape sc_shape_webhook = {
    .name = "Webhook",
    .help = "An address that hears of jobs, without its secret",
    SC_SHAPE_FIELDS(webhook_fields),
};
SC_PAGE_SHAPE(sc_shape_webhooks, "WebhookPage", "webhooks", &sc_shape_webhook);

static const struct sc_json_field secret_fields[] = {
    SC_SHOW(TEXT, "secret", "Signs the messages; told here and never again",
            "whsec_0123456789abcdef0123456789abcdef0123456789abcdef"),
};
const struct sc_json_shape sc_shape_webhook_secret = {
    .name = "WebhookWithSecret",
    .help = "A webhook with a secret that was just made",
    .base = &sc_shape_webhook,
    SC_SHAPE_FIELDS(secret_fields),
};

static const struct sc_json_field delivery_fields[] = {
    SC_SHOW(INT, "id", "Names the delivery", "17"),
    SC_SHOW(INT, "webhook_id", "To which webhook", "3"),
    SC_SHOW(TEXT, "message_id", "The `id` of the message, which the receiver sees",
            "6f1c2e0b9a7d4c5e8f3a1b2c3d4e5f60"),
    SC_SHOW(TEXT, "type", "What happened; `webhook_test`: somebody wanted to see it work",
            "job_complete"),
    SC_SHOW(UUID_OR_NULL, "job_id", "To which job", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW_WORDS(TEXT, "status", sc_words_delivery_state,
                  "`pending` until it is taken; `failed`: there will be no more attempts",
                  "delivered"),
    SC_SHOW(INT, "attempts", "Since it was made or replayed", "1"),
    SC_SHOW(INT_OR_NULL, "response_code", "What the receiver answered last", "200"),
    SC_SHOW(TEXT_OR_NULL, "error", "Why the last attempt failed", NULL),
    SC_SHOW(INT_OR_NULL, "duration_ms", "How long it took", "48"),
    SC_SHOW(TIME, "created_at", "When it was made", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "last_attempt_at", "The last attempt", "2026-11-20T14:30:45.173Z"),
    SC_SHOW(TIME_OR_NULL, "next_attempt_at",
            "The next one; a webhook that fails, or is disabled, "
            "may have to wait longer",
            NULL),
};
const struct sc_json_shape sc_shape_delivery = {
    .name = "WebhookDelivery",
    .help = "A message to a webhook and what became of it",
    SC_SHAPE_FIELDS(delivery_fields),
};
SC_PAGE_SHAPE(sc_shape_deliveries, "WebhookDeliveryPage", "deliveries", &sc_shape_delivery);
