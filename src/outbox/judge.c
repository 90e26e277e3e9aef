#include "outbox/outbox-internal.h"

#include "base/banned.h"

/* A receiver that fails is left alone for so long at most between attempts of whatever it is owed:
 * each delivery has a longer wait of its own. */
#define REST_MAX_MS ((int64_t)5 * 60 * 1000)

static void explain(struct sc_settlement *s, const struct sc_posted *posted)
{
    if (posted->status == 0)
        (void)snprintf(s->error, sizeof(s->error), "%s", posted->error);
    else if (posted->status >= 300 && posted->status < 400)
        (void)snprintf(s->error, sizeof(s->error),
                       "it answered %d: redirections are not followed, change the url",
                       posted->status);
    else
        (void)snprintf(s->error, sizeof(s->error), "it answered %d", posted->status);
}

/* When it is tried again, if it is. A receiver that names a later time gets it, up to the longest
 * wait. */
static void wait_again(const struct sc_config *c, struct sc_slot_attempt *slot,
                       const struct sc_posted *posted, int64_t now_ms, uint32_t chance)
{
    struct sc_settlement *s = &slot->settled;
    int tries = slot->delivery.attempts + 1;
    int64_t wait = sc_webhook_wait_ms(c->webhooks_backoff, c->webhooks_backoff_max, tries);
    int64_t rest = sc_webhook_wait_ms(c->webhooks_backoff, REST_MAX_MS, slot->failures + 1);
    int64_t asked = SC_MIN(posted->retry_after_ms, c->webhooks_backoff_max);
    s->rest_until_ms = now_ms + SC_MAX(rest, SC_MIN(asked, REST_MAX_MS));
    if (slot->delivery.kind == SC_DELIVERY_TEST || tries >= c->webhooks_attempts) {
        s->state = SC_DELIVERY_FAILED;
        return;
    }
    s->state = SC_DELIVERY_PENDING;
    s->due_ms = now_ms + SC_MAX(sc_webhook_jitter_ms(wait, chance), asked);
}

void sc_attempt_judge(const struct sc_config *config, struct sc_slot_attempt *slot,
                      const struct sc_posted *posted, int64_t now_ms, uint32_t chance)
{
    struct sc_settlement *s = &slot->settled;
    *s = (struct sc_settlement){
        .delivery_id = slot->delivery.id,
        .webhook_id = slot->delivery.webhook_id,
        .now_ms = now_ms,
        .due_ms = -1,
        .rest_until_ms = -1,
        .duration_ms = posted->duration_ms,
        .response_code = posted->status,
        .disable = -1,
    };
    memcpy(s->host, slot->target.host, sizeof(s->host));
    if (posted->status >= 200 && posted->status < 300) {
        s->state = SC_DELIVERY_DELIVERED;
        return;
    }
    explain(s, posted);
    wait_again(config, slot, posted, now_ms, chance);
    bool for_long = config->webhooks_disable_after > 0 && slot->failing_ms >= 0 &&
                    now_ms - slot->failing_ms >= config->webhooks_disable_after;
    if (posted->status == 410) {
        s->state = SC_DELIVERY_FAILED;
        s->due_ms = -1;
        s->disable = SC_WEBHOOK_GONE;
    } else if (for_long) {
        s->disable = SC_WEBHOOK_FAILING;
    }
}
