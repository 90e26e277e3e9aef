#include "engine/engine.h"

#include "testing.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

#define RATE 16000

static const int16_t silence[60 * RATE];

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}
static const struct sc_engine_stop run_on = { never, NULL };

static bool at_the_third_look(void *ctx)
{
    int *looks = ctx;
    return ++*looks >= 3;
}

static const struct sc_engine_ops *null_engine(void)
{
    const struct sc_engine_ops *engine = sc_engine_find("null");
    assert_non_null(engine);
    return engine;
}

static void *opened(const char *model)
{
    struct sc_error err = { 0 };
    void *state = NULL;
    assert_int_equal(null_engine()->open(NULL, model, NULL, &state, &err), SC_OK);
    return state;
}

static struct sc_engine_result said(void *state, int64_t start_ms, size_t samples, int chunk,
                                    int attempt)
{
    struct sc_engine_request request = {
        .pcm = silence,
        .samples = samples,
        .start_ms = start_ms,
        .chunk = chunk,
        .attempt = attempt,
        .language = "",
        .settings = "{}",
    };
    struct sc_engine_result result = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(null_engine()->transcribe(state, &request, &result, 1, &run_on, &err), SC_OK);
    return result;
}

static void it_goes_on_where_it_was_told_to(void **state)
{
    (void)state;
    static const struct {
        const char *carry, *text; /* text NULL: it fails */
    } rows[] = { { NULL, "t10 t11" },
                 { "11", "t11" },
                 { "12", "" },
                 { "8", NULL },
                 { "x", NULL },
                 { "16", NULL },
                 { "1152921503606846976", NULL } };
    void *null = opened("");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        const struct sc_engine_request request = {
            .pcm = silence,
            .samples = 5 * RATE,
            .start_ms = 9900,
            .until_ms = 12000,
            .carry = rows[i].carry,
            .attempt = 1,
            .language = "",
            .settings = "{}",
        };
        struct sc_engine_result result = { 0 };
        SC_AUTO_BUF text = { 0 };
        assert_int_equal(null_engine()->transcribe(null, &request, &result, 1, &run_on, NULL),
                         SC_OK);
        assert_int_equal(result.code, rows[i].text == NULL ? SC_E_ENGINE_ERROR : SC_OK);
        sc_segments_text(&result.segments, &text);
        if (rows[i].text != NULL) {
            assert_string_equal(sc_buf_text(&text), rows[i].text);
            assert_string_equal(sc_buf_text(&result.carry), "12");
        }
        sc_engine_result_done(&result);
    }
    null_engine()->close(null);
}

static void it_tells_how_far_it_is(void **state)
{
    (void)state;
    void *null = opened("delay_ms=50");
    atomic_int progress = 0;
    const struct sc_engine_request request = {
        .pcm = silence, .samples = 16000, .language = "", .settings = "{}", .progress = &progress
    };
    struct sc_engine_result result = { 0 };
    assert_int_equal(null_engine()->transcribe(null, &request, &result, 1, &run_on, NULL), SC_OK);
    assert_true(atomic_load(&progress) > 0);
    sc_engine_result_done(&result);
    null_engine()->close(null);
}

static void check_said(int64_t start_ms, size_t samples, const char *want)
{
    void *state = opened("");
    struct sc_engine_result r = said(state, start_ms, samples, 0, 1);
    struct sc_error err = { 0 };
    assert_int_equal(r.code, SC_OK);
    assert_int_equal(sc_segments_check(&r.segments, &err), SC_OK);
    if (want[0] == '\0')
        assert_int_equal(r.segments.count, 0);
    else
        assert_string_equal(r.segments.items[0].text, want);
    sc_engine_result_done(&r);
    null_engine()->close(state);
}

static void it_says_each_second_whose_middle_lies_in_the_span(void **state)
{
    (void)state;
    check_said(0, 3 * RATE, "t0 t1 t2");
    check_said(0, RATE / 2, "");
    check_said(0, RATE / 2 + 1, "t0");
    check_said(500, RATE, "t0");
    check_said(501, RATE, "t1");
    check_said(29000, 2 * RATE, "t29 t30");
    check_said(1600, RATE, "t2");
    check_said(1400, 2 * RATE, "t1 t2");
    check_said(86399000, RATE, "t86399");
}

static void word_times_are_those_of_the_chunk(void **state)
{
    (void)state;
    void *engine = opened("");
    struct sc_engine_result r = said(engine, 29400, 2 * RATE, 0, 1);
    assert_int_equal(r.segments.count, 1);
    const struct sc_word *words = r.segments.items[0].words;
    assert_int_equal(r.segments.items[0].word_count, 2);
    assert_int_equal(words[0].start_ms, 0); /* t29 began 400 ms before the chunk */
    assert_int_equal(words[0].end_ms, 600);
    assert_int_equal(words[1].start_ms, 600);
    assert_int_equal(words[1].end_ms, 1600);
    assert_true(fabsf(words[0].confidence - 1.0F) < 1e-6F);
    sc_engine_result_done(&r);
    null_engine()->close(engine);
}

static void it_fails_as_often_as_told_and_the_same_each_time(void **state)
{
    (void)state;
    void *engine = opened("fail_rate=0.25");
    int failed = 0;
    for (int chunk = 0; chunk < 1000; chunk++) {
        struct sc_engine_result a = said(engine, 0, RATE, chunk, 1);
        struct sc_engine_result b = said(engine, 0, RATE, chunk, 1);
        assert_int_equal(a.code, b.code);
        assert_true(a.code == SC_OK || a.code == SC_E_ENGINE_ERROR);
        assert_true(a.code == SC_OK || sc_code_is_retryable(a.code));
        failed += a.code != SC_OK;
        sc_engine_result_done(&a);
        sc_engine_result_done(&b);
    }
    assert_in_range(failed, 200, 300);
    null_engine()->close(engine);
}

static void another_attempt_has_another_chance(void **state)
{
    (void)state;
    void *engine = opened("fail_rate=0.5");
    int differ = 0;
    for (int chunk = 0; chunk < 100; chunk++) {
        struct sc_engine_result a = said(engine, 0, RATE, chunk, 1);
        struct sc_engine_result b = said(engine, 0, RATE, chunk, 2);
        differ += a.code != b.code;
        sc_engine_result_done(&a);
        sc_engine_result_done(&b);
    }
    assert_in_range(differ, 25, 75);
    null_engine()->close(engine);
}

static void stop_ends_the_call_and_frees_what_was_said(void **state)
{
    (void)state;
    void *engine = opened("delay_ms=1,hang_at=1");
    const struct sc_engine_request requests[2] = {
        { .pcm = silence, .samples = RATE, .chunk = 0, .language = "", .settings = "" },
        { .pcm = silence, .samples = RATE, .chunk = 1, .language = "", .settings = "" },
    };
    struct sc_engine_result results[2] = { 0 };
    struct sc_error err = { 0 };
    int looks = 0;
    assert_int_equal(
        null_engine()->transcribe(engine, requests, results, 2,
                                  &(struct sc_engine_stop){ at_the_third_look, &looks }, &err),
        SC_E_CANCELLED);
    assert_int_equal(results[0].segments.count, 0);
    null_engine()->close(engine);
}

struct told {
    size_t count;
    int looks;
};

static void note_told(const struct sc_engine_request *request, const struct sc_segments *segments,
                      size_t first)
{
    struct told *t = request->so_far_ctx;
    char text[16];
    assert_int_equal(first, t->count);
    assert_int_equal(segments->count, first + 1);
    (void)snprintf(text, sizeof(text), "t%zu", 10 + first);
    assert_string_equal(segments->items[first].text, text);
    assert_int_equal(segments->items[first].start_ms, 1000 * first);
    t->count++;
}

static void it_tells_its_seconds_and_hangs_behind_the_one_named(void **state)
{
    (void)state;
    struct told told = { 0 };
    struct sc_engine_request request = { .pcm = silence,
                                         .samples = RATE * 5,
                                         .start_ms = 10000,
                                         .language = "",
                                         .settings = "",
                                         .so_far = note_told,
                                         .so_far_ctx = &told };
    struct sc_engine_result result = { 0 };
    void *engine = opened("hang_behind=12");
    const struct sc_engine_stop stop = { at_the_third_look, &told.looks };
    assert_int_equal(null_engine()->transcribe(engine, &request, &result, 1, &stop, NULL),
                     SC_E_CANCELLED);
    assert_int_equal(told.count, 3);
    /* Where that is not said, nobody hangs; where nobody asks, nobody is told. */
    request.start_ms = 13000;
    request.so_far = NULL;
    told.looks = -1000;
    assert_int_equal(null_engine()->transcribe(engine, &request, &result, 1, &stop, NULL), SC_OK);
    assert_int_equal(result.segments.count, 1);
    sc_engine_result_done(&result);
    null_engine()->close(engine);
}

static void a_second_far_behind_the_recording_is_never_said(void **state)
{
    (void)state;
    void *engine = opened("hang_behind=1000000000");
    struct sc_engine_result r = said(engine, 0, RATE, 3, 1);
    assert_int_equal(r.code, SC_OK);
    sc_engine_result_done(&r);
    null_engine()->close(engine);
}

static void unknown_orders_are_refused_with_the_known_ones(void **state)
{
    (void)state;
    static const char *const models[] = {
        "nonsense",
        "delay_ms=-1",
        "delay_ms",
        "fail_rate=2",
        "fail_rate=0.1,crash=1",
        "crash_at=x",
        "hang_behind=1000000001",
        "hang_behind=9223372036854775807",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(models); i++) {
        struct sc_error err = { 0 };
        void *engine = NULL;
        assert_int_equal(null_engine()->open(NULL, models[i], NULL, &engine, &err),
                         SC_E_MODEL_ERROR);
        assert_null(engine);
        assert_non_null(strstr(err.msg, "crash_at"));
        assert_string_equal(err.field, "model");
    }
}

/* In a child, because it is to die. */
static int status_after(const char *model)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct sc_engine_result r = said(opened(model), 0, RATE, 3, 1);
        _exit(r.code == SC_OK ? 0 : 99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void it_dies_at_the_chunk_named(void **state)
{
    (void)state;
    int status = status_after("crash_at=3");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = status_after("crash_at=2");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = status_after("exit_at=3");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SC_EXIT_FAILED);
}

static void engines_are_found_by_name(void **state)
{
    (void)state;
    size_t count = 0;
    const struct sc_engine_ops *const *all = sc_engine_all(&count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(sc_engine_find(all[i]->name), all[i]);
    assert_null(sc_engine_find("nonsense"));
    assert_null(sc_engine_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_goes_on_where_it_was_told_to),
        TEST(it_tells_how_far_it_is),
        TEST(it_says_each_second_whose_middle_lies_in_the_span),
        TEST(word_times_are_those_of_the_chunk),
        TEST(it_fails_as_often_as_told_and_the_same_each_time),
        TEST(another_attempt_has_another_chance),
        TEST(stop_ends_the_call_and_frees_what_was_said),
        TEST(it_tells_its_seconds_and_hangs_behind_the_one_named),
        TEST(a_second_far_behind_the_recording_is_never_said),
        TEST(unknown_orders_are_refused_with_the_known_ones),
        TEST(it_dies_at_the_chunk_named),
        TEST(engines_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
