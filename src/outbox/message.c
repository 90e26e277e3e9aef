/* What is sent, and when again. */

#include "outbox/webhook.h"

#include "base/alloc.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

SC_DEFINE_ENUM_STRINGS(sc_webhook_end, SC_WEBHOOK_END_COUNT_,
                       {
                           [SC_WEBHOOK_BY_USER] = "user",
                           [SC_WEBHOOK_GONE] = "gone",
                           [SC_WEBHOOK_FAILING] = "failing",
                       });
SC_DEFINE_ENUM_STRINGS(sc_delivery_state, SC_DELIVERY_STATE_COUNT_,
                       {
                           [SC_DELIVERY_PENDING] = "pending",
                           [SC_DELIVERY_DELIVERED] = "delivered",
                           [SC_DELIVERY_FAILED] = "failed",
                       });

/* Few for each job: progress is for sockets and streams. */
static const enum sc_event_kind offered[] = {
    SC_EVENT_JOB_CREATED, SC_EVENT_JOB_STARTED,   SC_EVENT_JOB_COMPLETED,
    SC_EVENT_JOB_FAILED,  SC_EVENT_JOB_CANCELLED, SC_EVENT_JOB_RETRIED,
};

bool sc_webhook_kind(int index, enum sc_event_kind *out)
{
    if (index < 0 || (size_t)index >= SC_ARRAY_LEN(offered))
        return false;
    *out = offered[index];
    return true;
}

bool sc_webhook_events_parse(struct sc_str name, int64_t *out)
{
    enum sc_event_kind kind;
    if (sc_str_equal(name, SC_STR("*"))) {
        *out = SC_WEBHOOK_ALL;
        return true;
    }
    for (int i = 0; sc_webhook_kind(i, &kind); i++) {
        if (sc_str_equal(name, sc_str_from(sc_event_kind_to_string(kind)))) {
            *out = INT64_C(1) << kind;
            return true;
        }
    }
    return false;
}

int64_t sc_webhook_events_default(void)
{
    return INT64_C(1) << SC_EVENT_JOB_COMPLETED | INT64_C(1) << SC_EVENT_JOB_FAILED |
           INT64_C(1) << SC_EVENT_JOB_CANCELLED;
}

void sc_webhook_done(struct sc_webhook *hook)
{
    explicit_bzero(hook->secret, sizeof(hook->secret));
    sc_freep(&hook->url);
    sc_freep(&hook->description);
}

const char *sc_delivery_type(const struct sc_delivery *d)
{
    return d->kind == SC_DELIVERY_TEST ? "webhook_test"
                                       : sc_event_kind_to_string((enum sc_event_kind)d->kind);
}

/* ---- the message ---- */

void sc_webhook_message(struct sc_buf *out, const struct sc_delivery *d)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "id", d->message_id);
    sc_json_text(&w, "type", sc_delivery_type(d));
    sc_json_time(&w, "created_at", d->created_ms);
    sc_json_text(&w, "job_id", d->job_id[0] == '\0' ? NULL : d->job_id);
    sc_json_text(&w, "status",
                 d->job_state < 0 ? NULL : sc_job_state_to_string((enum sc_job_state)d->job_state));
    sc_json_opt(&w, "file_id", d->file_id > 0 ? d->file_id : -1);
    sc_json_opt(&w, "transcript_id", d->transcript_id > 0 ? d->transcript_id : -1);
    sc_json_text(&w, "error_code", d->code == SC_OK ? NULL : sc_code_name(d->code));
    sc_json_end(&w);
}

static const char *type_words(int index)
{
    enum sc_event_kind kind;
    if (sc_webhook_kind(index, &kind))
        return sc_event_kind_to_string(kind);
    return index == (int)SC_ARRAY_LEN(offered) ? "webhook_test" : NULL;
}

static const char *state_words(int index)
{
    return index < SC_JOB_STATE_COUNT_ ? sc_job_state_to_string((enum sc_job_state)index) : NULL;
}

static const struct sc_json_field message_fields[] = {
    SC_SHOW(TEXT, "id", "Of the message: the same in every attempt; take each once",
            "6f1c2e0b9a7d4c5e8f3a1b2c3d4e5f60"),
    SC_SHOW_WORDS(TEXT, "type", type_words, "What happened", "job_complete"),
    SC_SHOW(TIME, "created_at", "When it happened", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(UUID_OR_NULL, "job_id", "To which job; null in a test",
            "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "status", state_words, "The state of the job then", "completed"),
    SC_SHOW(INT_OR_NULL, "file_id", "The recording of the job", "1"),
    SC_SHOW(INT_OR_NULL, "transcript_id", "What came of it", "1"),
    SC_SHOW(TEXT_OR_NULL, "error_code", "Why the job failed", NULL),
};
const struct sc_json_shape sc_shape_webhook_message = {
    .name = "WebhookMessage",
    .help = "What is posted to a webhook: ids and states, never texts",
    SC_SHAPE_FIELDS(message_fields),
};

void sc_webhook_sign(const char *secret, const char *message_id, int64_t timestamp_s,
                     struct sc_str body, char out[SC_SHA256_TEXT])
{
    SC_AUTO_BUF text = { 0 };
    sc_buf_printf(&text, "%s.%" PRId64 ".", message_id, timestamp_s);
    sc_buf_put_str(&text, body);
    sc_hash_hmac(sc_str_from(secret), sc_buf_str(&text), out);
}

/* ---- when again ---- */

int64_t sc_webhook_wait_ms(int64_t first_ms, int64_t most_ms, int nth)
{
    int64_t wait = SC_MIN(first_ms, most_ms);
    for (int i = 1; i < nth && wait < most_ms; i++)
        wait = wait > most_ms / 3 ? most_ms : wait * 3;
    return wait;
}

int64_t sc_webhook_jitter_ms(int64_t wait_ms, uint32_t chance)
{
    int64_t quarter = wait_ms / 4;
    return wait_ms - quarter + (int64_t)(chance % (uint64_t)(2 * quarter + 1));
}
