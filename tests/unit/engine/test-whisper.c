#include "engine/engine.h"

#include "model.h"
#include "testing.h"

#include <math.h>

#include "base/banned.h"

#define RATE 16000
#define SECONDS 8
#define LONG_SECONDS 40 /* several windows */

struct table {
    struct test_dir dir;
    struct sc_config *config;
    const struct sc_engine_ops *engine;
    void *random, *loop, *bracket; /* states */
    int16_t pcm[LONG_SECONDS * RATE];
};

static struct table t;

static void *opened(const char *name, const struct test_model *m)
{
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    void *made = NULL;
    assert_true(test_model_write(m, test_path(&t.dir, name, path)));
    if (t.engine->open(t.config, path, NULL, &made, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return made;
}

/* Forty times the same word. */
static void put_loop(struct sc_buf *out)
{
    sc_buf_puts(out, "<|0.00|>");
    for (int i = 0; i < 40; i++)
        sc_buf_puts(out, " no");
    sc_buf_puts(out, "<|7.00|>");
}

static int set_up(void **state)
{
    SC_AUTO_BUF loop = { 0 };
    struct sc_error err = { 0 };
    (void)state;
    put_loop(&loop);
    t.dir = test_dir_new();
    t.engine = sc_engine_find("whisper");
    if (sc_config_load(&(struct sc_config_sources){ 0 }, &t.config, &err) != SC_OK)
        fail_msg("%s", err.msg);
    t.random = opened("ggml-random.bin", &(struct test_model){ .text_ctx = 64, .seed = 5 });
    t.loop = opened("ggml-loop.bin", &(struct test_model){ .script = sc_buf_text(&loop) });
    t.bracket = opened("ggml-bracket.bin",
                       &(struct test_model){ .script = "<|0.00|> Well [ then.<|7.00|>" });
    for (int i = 0; i < LONG_SECONDS * RATE; i++)
        t.pcm[i] = (int16_t)(8000 * sin(i * 0.05) * sin(i * 0.0003));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t.engine->close(t.random);
    t.engine->close(t.loop);
    t.engine->close(t.bracket);
    sc_config_free(t.config);
    test_dir_done(&t.dir);
    return 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static struct sc_engine_result heard_in(void *opened_state, int seconds, const char *language,
                                        const char *settings)
{
    const struct sc_engine_request request = {
        .pcm = t.pcm,
        .samples = (size_t)seconds * RATE,
        .attempt = 1,
        .language = language,
        .settings = settings,
    };
    const struct sc_engine_stop run_on = { never, NULL };
    struct sc_engine_result result = { 0 };
    struct sc_error err = { 0 };
    if (t.engine->transcribe(opened_state, &request, &result, 1, &run_on, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return result;
}

static struct sc_engine_result heard_with(void *opened_state, const char *settings)
{
    return heard_in(opened_state, SECONDS, "en", settings);
}

#define NO_LIMITS                                                   \
    "\"logprob_threshold\":-100,\"compression_ratio_threshold\":0," \
    "\"entropy_threshold\":0,\"repetition_guard\":false"

/* What fails goes on to the last temperature that there is, and the log tells of it. */
struct row {
    const char *settings, *doubtful_at; /* NULL: believed */
    const char *why;                    /* NULL: by what is unlikely */
};

static void check_rows(void *opened_state, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sc_engine_result r = heard_with(opened_state, rows[i].settings);
        const char *at = strstr(sc_buf_text(&r.log), "doubtful at temperature ");
        const char *why = rows[i].why == NULL ? ", avg_logprob -" : rows[i].why;
        bool good = rows[i].doubtful_at == NULL
                        ? r.log.len == 0
                        : at != NULL && strncmp(at + 24, rows[i].doubtful_at, 3) == 0 &&
                              strncmp(at + 27, why, strlen(why)) == 0;
        if (!good)
            fail_msg("%s: %s", rows[i].settings, sc_buf_text(&r.log));
        sc_engine_result_done(&r);
    }
}

static void steps_lead_from_a_temperature_to_the_next(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{}", "1.0" },
        { "{\"temperature\":0}", "1.0" },
        { "{\"temperature_increment_on_fallback\":0}", "0.0" },
        { "{\"temperature_increment_on_fallback\":0.7}", "0.7" },
        { "{\"temperature\":0.4}", "0.4" },
        { "{\"temperature\":0.4,\"temperature_increment_on_fallback\":0.3}", "1.0" },
        { "{\"temperature\":0.4,\"temperature_increment_on_fallback\":0.5}", "0.9" },
        { "{" NO_LIMITS "}", NULL },
        { "{\"logprob_threshold\":-100}", NULL },
    };
    /* Words of random weights are never likely. */
    check_rows(t.random, rows, SC_ARRAY_LEN(rows));
}

/* The script's tokens are all different, though they spell the same. */
static void each_limit_fails_a_text_by_itself(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{}", "1.0", ", compression_ratio " },
        { "{\"compression_ratio_threshold\":0}", NULL },
        { "{\"compression_ratio_threshold\":100}", NULL },
        { "{\"compression_ratio_threshold\":0,\"entropy_threshold\":3.5}", "1.0",
          ", comes to no end, or loops by its entropy" },
        { "{\"compression_ratio_threshold\":0,\"entropy_threshold\":3.4}", NULL },
    };
    check_rows(t.loop, rows, SC_ARRAY_LEN(rows));
}

/* A part of a recording that is heard in sequence, from 10 s on: `carry` NULL: the first. */
static struct sc_engine_result heard_part(const char *carry)
{
    const struct sc_engine_request request = {
        .pcm = t.pcm,
        .samples = SECONDS * RATE,
        .start_ms = carry == NULL ? 0 : 10000,
        .until_ms = carry == NULL ? 4000 : 14000,
        .carry = carry,
        .attempt = 1,
        .language = "",
        .settings = "{\"sequential\":true}",
    };
    const struct sc_engine_stop run_on = { never, NULL };
    struct sc_engine_result result = { 0 };
    assert_int_equal(t.engine->transcribe(t.loop, &request, &result, 1, &run_on, NULL), SC_OK);
    return result;
}

static void a_part_hands_on_and_goes_on(void **state)
{
    (void)state;
    struct sc_engine_result first = heard_part(NULL);
    assert_int_equal(first.code, SC_OK);
    assert_non_null(strstr(sc_buf_text(&first.carry), "\"language\":\"en\""));
    sc_engine_result_done(&first);
    /* The window in front of it reached to 13 s: what is said before is not said again. */
    struct sc_engine_result next =
        heard_part("{\"frame\":1300,\"language\":\"de\",\"loudest\":0,\"drawn\":[0,0,0,0,0,0,0,0],"
                   "\"tokens\":[]}");
    assert_int_equal(next.code, SC_OK);
    assert_true(next.segments.count > 0);
    assert_in_range(next.segments.items[0].start_ms, 3000, 3100);
    assert_string_equal(next.language, "de");
    sc_engine_result_done(&next);
}

static void what_was_handed_on_in_pieces_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "{", "{\"frame\":1300}" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_engine_result r = heard_part(bad[i]);
        assert_int_equal(r.code, SC_E_ENGINE_ERROR);
        assert_non_null(strstr(r.error.msg, "handed on is damaged"));
        sc_engine_result_done(&r);
    }
}

static void threads_change_no_word(void **state)
{
    (void)state;
    struct sc_engine_result one = heard_with(t.random, "{\"threads\":1}");
    struct sc_engine_result all = heard_with(t.random, "{\"device\":\"cpu\"}");
    SC_AUTO_BUF a = { 0 };
    SC_AUTO_BUF b = { 0 };
    sc_segments_text(&one.segments, &a);
    sc_segments_text(&all.segments, &b);
    assert_string_equal(sc_buf_text(&a), sc_buf_text(&b));
    sc_engine_result_done(&one);
    sc_engine_result_done(&all);
}

struct option_row {
    void *model;
    int seconds;
    const char *language, *others, *option;
};

/* All that listeners are told. */
static void put_heard(const struct option_row *row, bool wished, struct sc_buf *out)
{
    SC_AUTO_BUF settings = { 0 };
    sc_buf_printf(&settings, "{%s%s%s}", row->others, wished ? "," : "", wished ? row->option : "");
    struct sc_engine_result r =
        heard_in(row->model, row->seconds, row->language, sc_buf_text(&settings));
    sc_buf_printf(out, "%s:", r.language);
    for (size_t i = 0; i < r.segments.count; i++) {
        const struct sc_segment *s = &r.segments.items[i];
        sc_buf_printf(out, " %d-%d %s (%zu words, %s)", (int)s->start_ms, (int)s->end_ms, s->text,
                      s->word_count, s->heard == NULL ? "" : s->heard->language);
    }
    sc_engine_result_done(&r);
}

#define ONCE NO_LIMITS ",\"temperature_increment_on_fallback\":0"
#define DRAWN NO_LIMITS ",\"temperature\":0.6"
#define TOLD ONCE ",\"sequential\":true,\"prompt\":\"Augusta Ada King, Countess of\""

/* With each option by itself something else is heard than without it. Those of the limits have
 * tests above; `device`, `threads` and `compute_type` change no word. */
static void each_option_reaches_what_is_heard(void **state)
{
    (void)state;
    const struct option_row rows[] = {
        { t.random, SECONDS, "en", ONCE, "\"prompt\":\"Ada Lovelace\"" },
        { t.random, SECONDS, "en", ONCE, "\"hotwords\":\"Ada Lovelace\"" },
        { t.random, SECONDS, "en", ONCE, "\"task\":\"translate\"" },
        { t.random, SECONDS, "en", ONCE, "\"beam_size\":3" },
        { t.random, SECONDS, "en", ONCE, "\"word_timestamps\":false" },
        { t.random, SECONDS, "en", ONCE, "\"temperature\":0.6" },
        { t.random, SECONDS, "en", DRAWN, "\"best_of\":1" },
        { t.random, SECONDS, "", ONCE, "\"multilingual\":true" },
        { t.random, LONG_SECONDS, "en", ONCE, "\"sequential\":true" },
        { t.random, LONG_SECONDS, "en", TOLD, "\"carry_initial_prompt\":true" },
        { t.bracket, SECONDS, "en", ONCE, "\"suppress_non_speech\":false" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF usual = { 0 };
        SC_AUTO_BUF wished = { 0 };
        put_heard(&rows[i], false, &usual);
        put_heard(&rows[i], true, &wished);
        if (strcmp(sc_buf_text(&usual), sc_buf_text(&wished)) == 0)
            fail_msg("%s changes nothing: %s", rows[i].option, sc_buf_text(&usual));
    }
}

static void what_is_no_speech_is_said_only_where_it_is_wished(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        bool bracket;
    } rows[] = {
        { "{" ONCE "}", false },
        { "{" ONCE ",\"suppress_non_speech\":true}", false },
        { "{" ONCE ",\"suppress_non_speech\":false}", true },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF said = { 0 };
        struct sc_engine_result r = heard_with(t.bracket, rows[i].settings);
        sc_segments_text(&r.segments, &said);
        if ((strchr(sc_buf_text(&said), '[') != NULL) != rows[i].bracket)
            fail_msg("%s: %s", rows[i].settings, sc_buf_text(&said));
        sc_engine_result_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(steps_lead_from_a_temperature_to_the_next),
        TEST(each_limit_fails_a_text_by_itself),
        TEST(a_part_hands_on_and_goes_on),
        TEST(what_was_handed_on_in_pieces_is_refused),
        TEST(threads_change_no_word),
        TEST(each_option_reaches_what_is_heard),
        TEST(what_is_no_speech_is_said_only_where_it_is_wished),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
