/* Many threads against one queue: made to be run under the thread sanitizer too. */

#include "queue-verbs.h"

#include <stdatomic.h>

#include "base/banned.h"

#define THREADS 8
#define TASKS 2000

struct race {
    struct rig *rig;
    atomic_int claims[TASKS + 1]; /* by tasks.id */
    atomic_int done;
};

static enum sc_code op_fill(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    for (int i = 0; i < 100; i++) {
        bool existing;
        SC_AUTO_JOB job = { 0 };
        enum sc_code code = sc_job_create(op->queue, tx, op->spec, &job, &existing, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static void *work(void *ctx)
{
    struct race *race = ctx;
    struct sc_task got[3];
    size_t count;
    while ((count = claim(race->rig, got, 3)) > 0) {
        for (size_t i = 0; i < count; i++) {
            bool repeated = true;
            atomic_fetch_add(&race->claims[got[i].id], 1);
            if (complete(race->rig, &got[i], &repeated) == SC_OK && !repeated &&
                on_job(race->rig, op_end, got[i].job) == SC_OK)
                atomic_fetch_add(&race->done, 1);
        }
    }
    return NULL;
}

static void eight_threads_claim_two_thousand_tasks_once_each(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    for (int i = 0; i < TASKS / 100; i++) {
        struct op op = { .spec = &spec };
        spec.class = (enum sc_class)(i % SC_CLASS_COUNT_);
        spec.counted = i % 2 == 0;
        assert_int_equal(do_write(&r, op_fill, &op), SC_OK);
    }
    static struct race race;
    race.rig = &r;
    pthread_t threads[THREADS];
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(r.hub, 0, 0, 64, NULL, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &race), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);

    for (int id = 1; id <= TASKS; id++)
        assert_int_equal(atomic_load(&race.claims[id]), 1);
    assert_int_equal(atomic_load(&race.done), TASKS);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 4 AND epoch = 1"), TASKS);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE state = 2"), TASKS);
    assert_int_equal(ask(&r, "SELECT value FROM counters WHERE name = 'jobs.completed'"), TASKS);

    /* The reader was too slow: what fitted, then one gap, no more. */
    struct sc_event event;
    int gaps = 0, events = 0;
    while (sc_subscriber_next(sub, &event)) {
        gaps += event.kind == SC_EVENT_GAP;
        events++;
    }
    assert_int_equal(gaps, 1);
    assert_int_equal(events, 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(eight_threads_claim_two_thousand_tasks_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
