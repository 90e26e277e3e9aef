#include "queue-fixture.h"

#include "base/banned.h"

/* The whole table once more, as a reader would draw it: rows are from, columns are to. */
static void jobs_move_as_drawn(void **state)
{
    (void)state;
    static const char *const drawn[SC_JOB_STATE_COUNT_] = {
        /*            p r c f x */
        [SC_JOB_PENDING] = ".r.fx", [SC_JOB_PROCESSING] = "..cfx", [SC_JOB_COMPLETED] = ".....",
        [SC_JOB_FAILED] = "p....",  [SC_JOB_CANCELLED] = "p....",
    };
    for (int from = 0; from < SC_JOB_STATE_COUNT_; from++) {
        for (int to = 0; to < SC_JOB_STATE_COUNT_; to++)
            assert_int_equal(sc_job_may_move((enum sc_job_state)from, (enum sc_job_state)to),
                             drawn[from][to] != '.');
    }
}

static void tasks_move_as_drawn(void **state)
{
    (void)state;
    static const char *const drawn[SC_TASK_STATE_COUNT_] = {
        /* ready running scheduled waiting done dead cancelled */
        [SC_TASK_READY] = ".r....x",     [SC_TASK_RUNNING] = "r.s.dDx",
        [SC_TASK_SCHEDULED] = "r..w..x", [SC_TASK_WAITING] = "r.s...x",
        [SC_TASK_DONE] = ".......",      [SC_TASK_DEAD] = "...w...",
        [SC_TASK_CANCELLED] = "...w...",
    };
    for (int from = 0; from < SC_TASK_STATE_COUNT_; from++) {
        for (int to = 0; to < SC_TASK_STATE_COUNT_; to++)
            assert_int_equal(sc_task_may_move((enum sc_task_state)from, (enum sc_task_state)to),
                             drawn[from][to] != '.');
    }
}

static void admission_moves_as_drawn(void **state)
{
    (void)state;
    static const char *const drawn[] = {
        [SC_ADMISSION_SCHEDULED] = ".w.e",
        [SC_ADMISSION_WAITING] = "s.ae",
        [SC_ADMISSION_ADMITTED] = "...e",
        [SC_ADMISSION_ENDED] = ".w..",
    };
    for (int from = 0; from <= SC_ADMISSION_ENDED; from++) {
        for (int to = 0; to <= SC_ADMISSION_ENDED; to++)
            assert_int_equal(sc_admission_may_move((enum sc_admission)from, (enum sc_admission)to),
                             drawn[from][to] != '.');
    }
}

static void names_are_the_contract(void **state)
{
    (void)state;
    assert_string_equal(sc_class_to_string(SC_CLASS_HIGH), "high");
    assert_string_equal(sc_job_state_to_string(SC_JOB_CANCELLED), "cancelled");
    assert_string_equal(sc_stage_to_string(SC_STAGE_TRANSCRIBE), "transcribe");
    assert_string_equal(sc_task_state_to_string(SC_TASK_SCHEDULED), "scheduled");
    enum sc_class class;
    assert_true(sc_class_from_string("low", &class) && class == SC_CLASS_LOW);
    assert_false(sc_class_from_string("lowest", &class));
}

static void back_off_doubles_up_to_its_limit_and_repeats_itself(void **state)
{
    (void)state;
    struct sc_queue queue = { .config = { .backoff_base_ms = 1000, .backoff_max_ms = 20000 },
                              .jitter_seed = 1 };
    int64_t whole = 1000;
    for (int nth = 1; nth <= 40; nth++) {
        int64_t wait = sc_queue_backoff_ms(&queue, 7, nth, nth);
        assert_in_range(wait, whole / 2, whole);
        assert_int_equal(wait, sc_queue_backoff_ms(&queue, 7, nth, nth));
        whole = SC_MIN(whole * 2, 20000);
    }
    /* Tasks that failed together do not come back together. */
    int64_t first = sc_queue_backoff_ms(&queue, 1, 1, 5);
    bool differs = false;
    for (int64_t task = 2; task < 12; task++)
        differs = differs || sc_queue_backoff_ms(&queue, task, 1, 5) != first;
    assert_true(differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs_move_as_drawn),
        TEST(tasks_move_as_drawn),
        TEST(admission_moves_as_drawn),
        TEST(names_are_the_contract),
        TEST(back_off_doubles_up_to_its_limit_and_repeats_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
