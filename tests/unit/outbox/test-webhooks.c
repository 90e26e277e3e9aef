/* What the outbox does without its thread: events, settlements, upkeep, plans. */

#include "outbox/outbox-internal.h"

#include "base/alloc.h"
#include "queue/queue-fixture.h"
#include "store/admin.h"

#include "base/banned.h"

#define HOUR INT64_C(3600000)

struct box {
    struct rig r;
    struct sc_config *config;
    struct sc_live_config *live;
    struct sc_outbox o;
};

static struct box *box_new(void)
{
    struct box *b = sc_alloc(sizeof(*b));
    b->r = rig_new();
    assert_int_equal(sc_config_receive(SC_STR(""), &b->config, NULL), SC_OK);
    b->live = sc_live_config_new(b->config);
    b->o.options = (struct sc_outbox_options){ b->r.f.store, b->r.queue, b->r.hub, b->live };
    b->o.poster = sc_poster_new();
    sc_queue_on_event(b->r.queue, sc_outbox_hear, &b->o);
    return b;
}

static void box_free(struct box *b)
{
    sc_queue_on_event(b->r.queue, NULL, NULL);
    sc_live_config_free(b->live);
    sc_config_free(b->config);
    rig_done(&b->r);
    sc_poster_free(b->o.poster);
    free(b);
}
SC_DEFINE_FREEP(struct box, box_free);
#define AUTO_BOX(name) SC_AUTO(box_freep) struct box *name = box_new()

/* ---- one-line forms ---- */

struct hook_op {
    struct box *b;
    struct sc_webhook hook;
    struct sc_settlement settlement;
    struct sc_delivery delivery;
    int64_t id;
    bool more;
};

static enum sc_code op_hook(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct hook_op *op = ctx;
    return sc_webhook_create(&op->b->o, tx, &op->hook, err);
}

static int64_t add_hook(struct box *b, int64_t owner, int64_t events)
{
    struct hook_op op = { .b = b,
                          .hook = { .owner_id = owner,
                                    .url = (char[]){ "https://a.example/" },
                                    .description = (char[]){ "" },
                                    .events = events,
                                    .enabled = true } };
    assert_int_equal(sc_store_write(b->r.f.store, SC_RELAXED, op_hook, &op, NULL), SC_OK);
    assert_int_equal(strlen(op.hook.secret), 54);
    return op.hook.id;
}

static struct sc_webhook hook_of(struct box *b, int64_t id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_webhook hook;
    assert_int_equal(sc_store_read(b->r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_webhook_get(conn, 1, id, &hook, NULL), SC_OK);
    return hook;
}

static struct sc_delivery delivery_of(struct box *b, int64_t hook, int64_t id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_delivery d;
    assert_int_equal(sc_store_read(b->r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_delivery_get(conn, hook, id, &d, NULL), SC_OK);
    return d;
}

static enum sc_code op_settle(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct hook_op *op = ctx;
    return sc_delivery_settle(&op->b->o, tx, &op->settlement, err);
}

/* An attempt of this delivery that ends so, now. */
static struct sc_settlement attempt(struct box *b, int64_t hook, int64_t id,
                                    const struct sc_posted *posted)
{
    SC_AUTO_WEBHOOK row = hook_of(b, hook);
    struct sc_slot_attempt slot = { .used = true,
                                    .delivery = delivery_of(b, hook, id),
                                    .failures = row.failures,
                                    .failing_ms = row.failing_ms };
    sc_attempt_judge(b->config, &slot, posted, sc_clock_wall_ms(), 0);
    struct hook_op op = { .b = b, .settlement = slot.settled };
    assert_int_equal(sc_store_write(b->r.f.store, SC_RELAXED, op_settle, &op, NULL), SC_OK);
    return slot.settled;
}

static struct sc_posted answered(int status)
{
    return (struct sc_posted){ .status = status, .retry_after_ms = -1, .duration_ms = 5 };
}

static int64_t count(struct box *b)
{
    return ask(&b->r, "SELECT count(*) FROM webhook_deliveries");
}

/* ---- events ---- */

static void events_are_owed_to_their_owners_webhooks_that_want_them(void **state)
{
    (void)state;
    AUTO_BOX(b);
    assert_int_equal(
        write_sql(b->r.f.store, "INSERT INTO principals (id, name, created_ms) VALUES (7, 'a', 0)"),
        SC_OK);
    int64_t all = add_hook(b, 1, SC_WEBHOOK_ALL);
    (void)add_hook(b, 1, INT64_C(1) << SC_EVENT_JOB_FAILED);
    (void)add_hook(b, 7, SC_WEBHOOK_ALL);
    int64_t job = create(&b->r, SC_CLASS_NORMAL, 0);
    assert_int_equal(count(b), 1);
    SC_AUTO_JOB made = job_of(&b->r, job);
    struct sc_delivery d = delivery_of(b, all, 1);
    assert_string_equal(sc_delivery_type(&d), "job_created");
    assert_string_equal(d.job_id, made.job_id);
    assert_int_equal(d.state, SC_DELIVERY_PENDING);
    assert_int_equal(d.due_ms, T0);
    assert_int_equal(strlen(d.message_id), 32);
    assert_int_equal(d.transcript_id, 0);
}

static void kinds_that_are_not_offered_are_owed_to_nobody(void **state)
{
    (void)state;
    AUTO_BOX(b);
    (void)add_hook(b, 1, SC_WEBHOOK_ALL);
    int64_t job = create(&b->r, SC_CLASS_NORMAL, 0);
    assert_int_equal(add_chunk(&b->r, job, 0), SC_OK);
    int64_t before = count(b);
    struct sc_event event = { .kind = SC_EVENT_JOB_PROGRESS, .job = job };
    struct sc_error err = { 0 };
    /* A conn is not needed to find out. */
    assert_int_equal(sc_outbox_hear(&b->o, NULL, &event, &err), SC_OK);
    event.kind = SC_EVENT_STORAGE;
    event.job = 0;
    assert_int_equal(sc_outbox_hear(&b->o, NULL, &event, &err), SC_OK);
    assert_int_equal(count(b), before);
}

static enum sc_code op_create_in_vain(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    enum sc_code code = sc_job_create(op->queue, tx, op->spec, &op->job, &op->flag, err);
    return code == SC_OK ? sc_error_set(err, SC_E_CANCELLED, "in vain") : code;
}

static void what_did_not_happen_is_not_owed(void **state)
{
    (void)state;
    AUTO_BOX(b);
    (void)add_hook(b, 1, SC_WEBHOOK_ALL);
    struct sc_job_spec spec = noop_spec();
    struct op op = { .spec = &spec };
    assert_int_equal(do_write(&b->r, op_create_in_vain, &op), SC_E_CANCELLED);
    sc_job_done(&op.job);
    assert_int_equal(count(b), 0);
}

/* Whoever starts with webhooks in the store knows what they want before the first event. */
static void a_new_start_knows_what_is_wanted(void **state)
{
    (void)state;
    AUTO_BOX(b);
    (void)add_hook(b, 1, INT64_C(1) << SC_EVENT_JOB_CREATED);
    atomic_store(&b->o.kinds, 0);
    (void)create(&b->r, SC_CLASS_NORMAL, 0);
    assert_int_equal(count(b), 0);
    assert_int_equal(sc_outbox_learn_kinds(&b->o, NULL), SC_OK);
    (void)create(&b->r, SC_CLASS_NORMAL, 1);
    assert_int_equal(count(b), 1);
}

/* ---- attempts ---- */

static void a_taken_message_ends_and_heals_its_webhook(void **state)
{
    (void)state;
    AUTO_BOX(b);
    int64_t hook = add_hook(b, 1, SC_WEBHOOK_ALL);
    (void)create(&b->r, SC_CLASS_NORMAL, 0);
    struct sc_posted no = answered(500), yes = answered(204);
    (void)attempt(b, hook, 1, &no);
    {
        SC_AUTO_WEBHOOK failing = hook_of(b, hook);
        assert_int_equal(failing.failures, 1);
        assert_int_equal(failing.failing_ms, T0);
        assert_int_equal(failing.rest_until_ms, T0 + 10000);
        struct sc_delivery d = delivery_of(b, hook, 1);
        assert_int_equal(d.state, SC_DELIVERY_PENDING);
        assert_int_equal(d.due_ms, T0 + 7500); /* a quarter less: the least of chances */
        assert_int_equal(d.response_code, 500);
        assert_string_equal(d.error, "it answered 500");
    }
    test_clock_step(&b->r.clock, 8000);
    (void)attempt(b, hook, 1, &yes);
    SC_AUTO_WEBHOOK healed = hook_of(b, hook);
    assert_int_equal(healed.failures, 0);
    assert_int_equal(healed.failing_ms, -1);
    assert_int_equal(healed.rest_until_ms, -1);
    assert_int_equal(healed.delivered_ms, T0 + 8000);
    struct sc_delivery d = delivery_of(b, hook, 1);
    assert_int_equal(d.state, SC_DELIVERY_DELIVERED);
    assert_int_equal(d.due_ms, -1);
    assert_int_equal(d.ended_ms, T0 + 8000);
    assert_int_equal(d.attempts, 2);
    assert_string_equal(d.error, "");
}

static void outcomes_mean_what_they_should(void **state)
{
    (void)state;
    AUTO_BOX(b);
    static const struct {
        struct sc_posted posted;
        int attempts;      /* before this one */
        int64_t failed_ms; /* for so long already; 0: it does not fail */
        int state, disable;
        int64_t due_ms; /* from now, with the least of chances; -1: none */
    } rows[] = {
        { { .status = 200, .retry_after_ms = -1 }, 0, 0, SC_DELIVERY_DELIVERED, -1, -1 },
        { { .status = 299, .retry_after_ms = -1 }, 9, 0, SC_DELIVERY_DELIVERED, -1, -1 },
        { { .status = 199, .retry_after_ms = -1 }, 0, 0, SC_DELIVERY_PENDING, -1, 7500 },
        { { .status = 300, .retry_after_ms = -1 }, 0, 0, SC_DELIVERY_PENDING, -1, 7500 },
        { { .status = 0, .retry_after_ms = -1 }, 1, 0, SC_DELIVERY_PENDING, -1, 22500 },
        { { .status = 503, .retry_after_ms = 60000 }, 0, 0, SC_DELIVERY_PENDING, -1, 60000 },
        { { .status = 503, .retry_after_ms = 48 * HOUR },
          0,
          0,
          SC_DELIVERY_PENDING,
          -1,
          12 * HOUR },
        { { .status = 429, .retry_after_ms = 1 }, 8, 0, SC_DELIVERY_PENDING, -1, 9 * HOUR },
        { { .status = 500, .retry_after_ms = -1 }, 9, 0, SC_DELIVERY_FAILED, -1, -1 },
        { { .status = 410, .retry_after_ms = -1 }, 0, 0, SC_DELIVERY_FAILED, SC_WEBHOOK_GONE, -1 },
        { { .status = 500, .retry_after_ms = -1 }, 0, 119 * HOUR, SC_DELIVERY_PENDING, -1, 7500 },
        { { .status = 500, .retry_after_ms = -1 },
          0,
          120 * HOUR,
          SC_DELIVERY_PENDING,
          SC_WEBHOOK_FAILING,
          7500 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_slot_attempt slot = {
            .delivery = { .attempts = rows[i].attempts },
            .failing_ms = rows[i].failed_ms == 0 ? -1 : T0 - rows[i].failed_ms,
        };
        sc_attempt_judge(b->config, &slot, &rows[i].posted, T0, 0);
        const struct sc_settlement *s = &slot.settled;
        if ((int)s->state != rows[i].state || s->disable != rows[i].disable ||
            s->due_ms != (rows[i].due_ms < 0 ? -1 : T0 + rows[i].due_ms))
            fail_msg("row %zu: state %d, disable %d, due %lld", i, (int)s->state, s->disable,
                     (long long)(s->due_ms - T0));
    }
    struct sc_slot_attempt test = { .delivery = { .kind = SC_DELIVERY_TEST }, .failing_ms = -1 };
    struct sc_posted no = answered(500);
    sc_attempt_judge(b->config, &test, &no, T0, 0);
    assert_int_equal(test.settled.state, SC_DELIVERY_FAILED);
}

static void a_webhook_that_ends_is_told_of_once(void **state)
{
    (void)state;
    AUTO_BOX(b);
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(b->r.hub, 1, 0, 64, NULL, NULL);
    int64_t hook = add_hook(b, 1, SC_WEBHOOK_ALL);
    (void)create(&b->r, SC_CLASS_NORMAL, 0);
    (void)create(&b->r, SC_CLASS_NORMAL, 1);
    struct sc_posted gone = answered(410);
    (void)attempt(b, hook, 1, &gone);
    (void)attempt(b, hook, 2, &gone); /* that was under way */
    struct sc_event event;
    int told = 0;
    while (sc_subscriber_next(sub, &event))
        told += event.kind == SC_EVENT_WEBHOOK_DISABLED && event.owner_id == 1;
    assert_int_equal(told, 1);
    SC_AUTO_WEBHOOK ended = hook_of(b, hook);
    assert_false(ended.enabled);
    assert_int_equal(ended.disabled_why, SC_WEBHOOK_GONE);
    int64_t before = count(b);
    (void)create(&b->r, SC_CLASS_NORMAL, 2);
    assert_int_equal(count(b), before);
}

static void waits_grow_threefold_up_to_the_longest(void **state)
{
    (void)state;
    static const int64_t seconds[] = { 10, 30, 90, 270, 810, 2430, 7290, 21870, 43200, 43200 };
    int64_t sum = 0;
    for (int i = 0; i < (int)SC_ARRAY_LEN(seconds); i++) {
        assert_int_equal(sc_webhook_wait_ms(10000, 12 * HOUR, i + 1), seconds[i] * 1000);
        sum += i < 9 ? seconds[i] : 0;
    }
    assert_in_range(sum, 20 * 3600, 24 * 3600); /* ten attempts in about a day */
    assert_int_equal(sc_webhook_wait_ms(5000, 1000, 1), 1000);
    assert_int_equal(sc_webhook_wait_ms(1, INT64_MAX / 2, 1000), INT64_MAX / 2);
    for (uint32_t chance = 0; chance < 1000; chance++)
        assert_in_range(sc_webhook_jitter_ms(100, chance * 4294967u), 75, 125);
    assert_int_equal(sc_webhook_jitter_ms(100, 0), 75);
    assert_int_equal(sc_webhook_jitter_ms(100, 50), 125);
    assert_int_equal(sc_webhook_jitter_ms(3, UINT32_MAX), 3);
}

/* ---- upkeep ---- */

static enum sc_code op_upkeep(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct hook_op *op = ctx;
    return sc_deliveries_upkeep(&op->b->o, tx, &op->more, err);
}

static bool upkeep(struct box *b)
{
    struct hook_op op = { .b = b };
    assert_int_equal(sc_store_write(b->r.f.store, SC_RELAXED, op_upkeep, &op, NULL), SC_OK);
    return op.more;
}

static enum sc_code op_remove(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct hook_op *op = ctx;
    return sc_webhook_remove(&op->b->o, tx, 1, op->id, err);
}

static void what_was_removed_goes_in_slices(void **state)
{
    (void)state;
    AUTO_BOX(b);
    struct hook_op op = { .b = b, .id = add_hook(b, 1, SC_WEBHOOK_ALL) };
    int64_t other = add_hook(b, 1, SC_WEBHOOK_ALL);
    for (int i = 0; i < 150; i++)
        (void)create(&b->r, SC_CLASS_NORMAL, i);
    assert_int_equal(count(b), 300);
    assert_int_equal(sc_store_write(b->r.f.store, SC_RELAXED, op_remove, &op, NULL), SC_OK);
    assert_int_equal(ask(&b->r, "SELECT length(secret) FROM webhooks WHERE removed_ms > 0"), 0);
    assert_int_equal(sc_store_write(b->r.f.store, SC_RELAXED, op_remove, &op, NULL),
                     SC_E_WEBHOOK_NOT_FOUND);
    assert_true(upkeep(b));
    assert_int_equal(count(b), 200);
    while (upkeep(b)) {
    }
    assert_int_equal(count(b), 150);
    assert_int_equal(ask(&b->r, "SELECT count(*) FROM webhooks"), 1);
    SC_AUTO_WEBHOOK left = hook_of(b, other);
    assert_true(left.enabled);
}

static void ended_deliveries_are_forgotten_in_time_and_owed_ones_never(void **state)
{
    (void)state;
    AUTO_BOX(b);
    int64_t hook = add_hook(b, 1, SC_WEBHOOK_ALL);
    (void)create(&b->r, SC_CLASS_NORMAL, 0);
    (void)create(&b->r, SC_CLASS_NORMAL, 1);
    struct sc_posted yes = answered(200);
    (void)attempt(b, hook, 1, &yes);
    test_clock_step(&b->r.clock, 30 * 24 * HOUR - 1);
    (void)upkeep(b);
    assert_int_equal(count(b), 2);
    test_clock_step(&b->r.clock, 1);
    (void)upkeep(b);
    assert_int_equal(count(b), 1);
    assert_int_equal(delivery_of(b, hook, 2).state, SC_DELIVERY_PENDING);
}

static void a_clock_that_is_set_back_delays_nothing_for_years(void **state)
{
    (void)state;
    AUTO_BOX(b);
    int64_t hook = add_hook(b, 1, SC_WEBHOOK_ALL);
    (void)create(&b->r, SC_CLASS_NORMAL, 0);
    struct sc_posted no = answered(500);
    (void)attempt(b, hook, 1, &no);
    sc_clock_set(T0 - 1000 * 24 * HOUR, 5000);
    (void)upkeep(b);
    assert_in_range(delivery_of(b, hook, 1).due_ms, 0, T0 - 999 * 24 * HOUR);
    SC_AUTO_WEBHOOK row = hook_of(b, hook);
    assert_in_range(row.rest_until_ms, 0, T0 - 999 * 24 * HOUR);
}

/* ---- what is sent ---- */

static void messages_are_the_same_bytes_each_time_and_signed(void **state)
{
    (void)state;
    const struct sc_delivery d = {
        .message_id = "0123456789abcdef0123456789abcdef",
        .kind = SC_EVENT_JOB_FAILED,
        .job_id = "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11",
        .file_id = 3,
        .job_state = SC_JOB_FAILED,
        .code = SC_E_ENGINE_ERROR,
        .created_ms = T0,
    };
    SC_AUTO_BUF body = { 0 };
    char mac[SC_SHA256_TEXT];
    sc_webhook_message(&body, &d);
    assert_string_equal(
        sc_buf_text(&body),
        "{\"id\":\"0123456789abcdef0123456789abcdef\",\"type\":\"job_error\","
        "\"created_at\":\"2023-11-14T22:13:20.000Z\","
        "\"job_id\":\"0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11\",\"status\":\"failed\",\"file_id\":3,"
        "\"transcript_id\":null,\"error_code\":\"ENGINE_ERROR\"}");
    /* As openssl has it: printf id.1700000000.{} | openssl dgst -sha256 -hmac whsec_x */
    sc_webhook_sign("whsec_x", "id", 1700000000, SC_STR("{}"), mac);
    assert_string_equal(mac, "eb096f6d70a2c106dd3b9fd086d5155178456f40100d0671f0d5b45c25dfb0f3");
}

static void names_of_events_are_known(void **state)
{
    (void)state;
    int64_t bits = 0;
    enum sc_event_kind kind;
    for (int i = 0; sc_webhook_kind(i, &kind); i++) {
        assert_true(sc_webhook_events_parse(sc_str_from(sc_event_kind_to_string(kind)), &bits));
        assert_int_equal(bits, INT64_C(1) << kind);
    }
    assert_true(sc_webhook_events_parse(SC_STR("*"), &bits));
    assert_int_equal(bits, SC_WEBHOOK_ALL);
    assert_false(sc_webhook_events_parse(SC_STR("job_progress"), &bits));
    assert_false(sc_webhook_events_parse(SC_STR(""), &bits));
}

/* ---- plans ---- */

static void hot_statements_neither_scan_nor_sort(void **state)
{
    (void)state;
    static const struct {
        enum sc_sql id;
        const char *index;
    } hot[] = {
        { SC_SQL_WEBHOOK_GET, "INTEGER PRIMARY KEY" },
        { SC_SQL_WEBHOOK_LIST, "webhooks_owner (owner_id=?" },
        { SC_SQL_WEBHOOK_COUNT, "webhooks_owner (owner_id=?" },
        { SC_SQL_DELIVERY_RECORD, "webhooks_owner (owner_id=?" },
        { SC_SQL_DELIVERY_DUE, "webhook_deliveries_due (webhook_id=? AND due_ms<?)" },
        { SC_SQL_DELIVERY_SETTLE, "INTEGER PRIMARY KEY" },
        { SC_SQL_DELIVERY_LIST, "webhook_deliveries_list (webhook_id=?" },
        { SC_SQL_DELIVERY_LIST_STATE, "webhook_deliveries_state (webhook_id=? AND state=?" },
        { SC_SQL_DELIVERY_EXPIRE, "webhook_deliveries_ended (ended_ms>? AND ended_ms<?)" },
        { SC_SQL_DELIVERY_FORGET, "(webhook_id=?)" },
    };
    AUTO_BOX(b);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(b->r.f.store, &conn, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(hot); i++) {
        SC_AUTO_BUF plan = { 0 };
        assert_int_equal(sc_store_explain(conn, hot[i].id, &plan, NULL), SC_OK);
        const char *text = sc_buf_text(&plan);
        if (strstr(text, hot[i].index) == NULL || strstr(text, "TEMP B-TREE") != NULL ||
            strstr(text, "SCAN") != NULL)
            fail_msg("wanted '%s', got\n%s", hot[i].index, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_owed_to_their_owners_webhooks_that_want_them),
        TEST(kinds_that_are_not_offered_are_owed_to_nobody),
        TEST(what_did_not_happen_is_not_owed),
        TEST(a_new_start_knows_what_is_wanted),
        TEST(a_taken_message_ends_and_heals_its_webhook),
        TEST(outcomes_mean_what_they_should),
        TEST(a_webhook_that_ends_is_told_of_once),
        TEST(waits_grow_threefold_up_to_the_longest),
        TEST(what_was_removed_goes_in_slices),
        TEST(ended_deliveries_are_forgotten_in_time_and_owed_ones_never),
        TEST(a_clock_that_is_set_back_delays_nothing_for_years),
        TEST(messages_are_the_same_bytes_each_time_and_signed),
        TEST(names_of_events_are_known),
        TEST(hot_statements_neither_scan_nor_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
