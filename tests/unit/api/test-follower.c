/* What a follower is told, and in which order, while things happen as it reads. */

#include "api/follower.h"

#include "queue/queue-say.h"

#include "base/banned.h"

struct reading {
    struct rig *rig;
    struct sc_task *task; /* NULL, or what is given back when its claim is told */
    struct sc_buf told;   /* "task_claimed one task_released " */
};

static void reading_done(struct reading *r)
{
    sc_buf_done(&r->told);
}

static void take(void *ctx, const struct sc_event *event, const struct sc_segment *segment)
{
    struct reading *r = ctx;
    sc_buf_printf(&r->told, "%s ",
                  segment == NULL ? sc_event_kind_to_string(event->kind) : segment->text);
    if (r->task == NULL || event->kind != SC_EVENT_TASK_CLAIMED)
        return;
    /* Behind the log that is being read: its next attempt begins. */
    struct sc_task *task = SC_TAKE(r->task);
    assert_int_equal(release(r->rig, task), SC_OK);
    *task = claim_one(r->rig);
    assert_int_equal(say(r->rig, task, 0, "again"), SC_OK);
}

/* As whoever has replayed the log does. */
static void drain(struct sc_follower *f, struct sc_api *api, struct sc_subscriber *ring,
                  struct reading *reading)
{
    struct sc_event event;
    while (sc_subscriber_next(ring, &event)) {
        if (sc_follower_takes(f, &event))
            sc_follower_tell(api, &event, take, reading);
    }
}

static void what_a_new_attempt_says_is_told_behind_the_end_of_the_old_one(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.first_stage = SC_STAGE_TRANSCRIBE;
    spec.first_lane = "engine:null";
    SC_AUTO_JOB job = job_of(&r, create_from(&r, &spec, NULL));
    struct sc_task task = claim_one(&r);
    assert_int_equal(say(&r, &task, 0, "gone"), SC_OK);

    struct sc_api api = { .options = { .store = r.f.store, .queue = r.queue } };
    struct sc_subscriber *ring = sc_subscriber_open(r.hub, 0, 0, 16, NULL, NULL);
    const struct sc_following what = { sc_str_from(job.job_id), -1 };
    struct sc_follower f;
    SC_AUTO(reading_done) struct reading reading = { .rig = &r, .task = &task };
    assert_int_equal(sc_follower_begin(&api, 1, &what, &f, NULL), SC_OK);
    assert_int_equal(sc_follower_replay(&f, &api, 50, take, &reading, NULL), SC_OK);
    assert_false(f.replaying);
    assert_string_equal(sc_buf_text(&reading.told),
                        "job_created job_started stage_started task_claimed ");
    drain(&f, &api, ring, &reading);
    assert_string_equal(sc_buf_text(&reading.told),
                        "job_created job_started stage_started task_claimed "
                        "task_released task_claimed again ");

    /* Who comes now reads the same. */
    SC_AUTO(reading_done) struct reading late = { .rig = &r };
    assert_int_equal(sc_follower_begin(&api, 1, &what, &f, NULL), SC_OK);
    assert_int_equal(sc_follower_replay(&f, &api, 50, take, &late, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&late.told), sc_buf_text(&reading.told));
    sc_subscriber_close(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_new_attempt_says_is_told_behind_the_end_of_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
