#include "config/job-options.h"

#include "json/reader.h"

#include "testing.h"

#include "base/banned.h"

#define SET(o, name, value, err) \
    sc_job_options_set((o), sc_str_from(name), sc_str_from(value), (err))

static void every_default_is_a_value_of_its_option(void **state)
{
    (void)state;
    size_t count;
    const struct sc_job_option *all = sc_job_option_all(&count);
    for (size_t i = 0; i < count; i++) {
        SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
        assert_true(strlen(all[i].help) > 0);
        assert_ptr_equal(sc_job_option_find(sc_str_from(all[i].name)), &all[i]);
        assert_string_equal(sc_job_options_text(o, all[i].name), all[i].fallback);
        if (all[i].fallback[0] == '\0')
            continue;
        assert_int_equal(SET(o, all[i].name, all[i].fallback, NULL), SC_OK);
        assert_string_equal(sc_job_options_text(o, all[i].name), all[i].fallback);
    }
}

static void values_are_kept_in_one_spelling(void **state)
{
    (void)state;
    SC_AUTO(test_clock_done) SC_UNUSED struct test_clock clock = test_clock_at(1700000000000, 1000);
    static const struct {
        const char *name, *value, *kept;
        int64_t number;
    } rows[] = {
        { "pipeline", "noop", "noop", -1 },
        { "engine", "null", "null", -1 },
        { "model", "delay_ms=20,crash_at=3", "delay_ms=20,crash_at=3", -1 },
        { "model_size", "en-us", "en-us", -1 },
        { "model_used", "en-us", "en-us", -1 },
        { "task_type", "translate", "translate", -1 },
        { "language", "en-US", "en-US", -1 },
        { "language", "DE", "de", -1 },
        { "language", "German", "de", -1 },
        { "language", "auto", "auto", -1 },
        { "vad", "off", "false", -1 },
        { "vad", "1", "true", -1 },
        { "priority", "low", "low", -1 },
        { "priority_order", "-5", "-5", -5 },
        { "temperature", "0", "0", -1 },
        { "temperature", "1.000", "1", -1 },
        { "temperature", "0.20", "0.2", -1 },
        { "temperature", "5e-2", "0.05", -1 },
        { "temperature", "0.123", "0.123", -1 },
        { "name", "a\nb \"$(x)\"", "a\nb \"$(x)\"", -1 },
        { "force", "yes", "true", -1 },
        { "run_after", "10m", "2023-11-14T22:23:20.000Z", 1700000600000 },
        { "run_after", "2030-01-31T09:00:00+01:00", "2030-01-31T08:00:00.000Z", 1896076800000 },
        { "timeout", "90", "90s", 90000 },
        { "timeout", "2h", "2h", 7200000 },
        { "max_retries", "0", "0", 0 },
        { "channels", "left", "1", -1 },
        { "channels", "right", "2", -1 },
        { "channels", "8", "8", -1 },
        { "channels", "split", "split", -1 },
        { "vad_threshold", "12", "12", 12 },
        { "vad_padding", "0", "0", 0 },
        { "vad_min_silence", "1", "1s", 1000 },
        { "chunk_length", "20", "20s", 20000 },
        { "no_speech_threshold", "1.0", "1", -1 },
        { "logprob_threshold", "-0.50", "-0.5", -1 },
        { "log_prob_threshold", "-1.25", "-1.25", -1 },
        { "logprob_thold", "0", "0", -1 },
        { "entropy_thold", "2.8", "2.8", -1 },
        { "temperature_inc", "0.4", "0.4", -1 },
        { "repetition_guard", "off", "false", -1 },
        { "threads", "4", "4", 4 },
        { "device", "cpu", "cpu", -1 },
        { "no_speech_threshold", "0.45", "0.45", -1 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
        struct sc_error err = { 0 };
        if (SET(o, rows[i].name, rows[i].value, &err) != SC_OK)
            fail_msg("%s=%s: %s", rows[i].name, rows[i].value, err.msg);
        assert_string_equal(sc_job_options_text(o, rows[i].name), rows[i].kept);
        assert_true(sc_job_options_given(o, rows[i].name));
        if (rows[i].number >= 0)
            assert_int_equal(sc_job_options_int(o, rows[i].name), rows[i].number);
    }
}

static void bad_values_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message;
    } rows[] = {
        { "vad", "maybe", "vad is 'maybe', must be on or off" },
        { "priority", "urgent", "priority is 'urgent', must be high, normal or low" },
        { "priority", "", "priority is '', must be high, normal or low" },
        { "priority_order", "1.5",
          "priority_order is '1.5', must be a whole number from -1000000 to 1000000" },
        { "priority_order", "1000001", NULL },
        { "temperature", "1.001",
          "temperature is '1.001', must be a number from 0 to 1 with at most three digits behind "
          "the point" },
        { "temperature", "0.0001", NULL },
        { "temperature", "-0.1", NULL },
        { "temperature", "nan", NULL },
        { "temperature", "warm", NULL },
        { "temperature", "", NULL },
        { "no_speech_threshold", "1.1",
          "no_speech_threshold is '1.1', must be a number from 0 to 1 with at most three digits "
          "behind the point" },
        { "no_speech_threshold", "off", NULL },
        { "logprob_threshold", "0.1",
          "logprob_threshold is '0.1', must be a number from -100 to 0 with at most three digits "
          "behind the point" },
        { "compression_ratio_threshold", "-1", NULL },
        { "entropy_threshold", "11", NULL },
        { "temperature_increment_on_fallback", "1.1", NULL },
        { "threads", "0", "threads is '0', must be a whole number from 1 to 256" },
        { "device", "cuda",
          "device is 'cuda', must be auto or cpu; the engines of this version compute on the "
          "processor: leave it out, or reach a program that has a GPU by engine http or command" },
        { "prompt", "", NULL },
        { "prompt", "\xff", NULL },
        { "engine", "whisper/multi",
          "engine is 'whisper/multi', must be the name of an engine (letters, digits, '-' and "
          "'_'); a model is told by the option model" },
        { "engine", "../x", NULL },
        { "engine", "", NULL },
        { "language", "e", NULL },
        { "language", "xx",
          "language is 'xx', must be a code such as en or de-AT, an English name such as german, "
          "or auto" },
        { "language", "../x", NULL },
        { "model", "a\nb", NULL },
        { "name", "\xff", NULL },
        { "run_after", "soon", NULL },
        { "timeout", "999ms",
          "timeout is '999ms', must be a duration from 1s to 366d, such as 90s "
          "or 15m" },
        { "timeout", "0", NULL },
        { "channels", "9", NULL },
        { "channels", "0", NULL },
        { "channels", "stereo",
          "channels is 'stereo', must be mix, split, left, right, 1, 2, 3, 4, 5, 6, 7 or 8" },
        { "vad_threshold", "41", "vad_threshold is '41', must be a whole number from 1 to 40" },
        { "vad_threshold", "0", NULL },
        { "vad_padding", "3s", "vad_padding is '3s', must be a duration from 0 to 2s" },
        { "vad_min_silence", "19ms", NULL },
        { "chunk_length", "4s", NULL },
        { "task", "\x1b[31m", "task is '\\x1b[31m', must be transcribe or translate" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
        struct sc_error err = { 0 };
        assert_int_equal(SET(o, rows[i].name, rows[i].value, &err), SC_E_INVALID_VALUE);
        assert_string_equal(err.field, rows[i].name);
        assert_false(sc_job_options_given(o, rows[i].name));
        if (rows[i].message != NULL)
            assert_string_equal(err.msg, rows[i].message);
    }
}

static void an_unknown_option_suggests_the_nearest(void **state)
{
    (void)state;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    struct sc_error err = { 0 };
    assert_int_equal(SET(o, "languagq", "en", &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "there is no job option 'languagq'; did you mean 'language'?");
    assert_string_equal(err.field, "languagq");
    assert_int_equal(SET(o, "zzz", "en", &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "known are pipeline, engine, "));
}

static void an_option_is_given_once(void **state)
{
    (void)state;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    struct sc_error err = { 0 };
    assert_int_equal(SET(o, "model", "a", &err), SC_OK);
    assert_int_equal(SET(o, "model_size", "b", &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "model is given twice");
    assert_string_equal(sc_job_options_text(o, "model"), "a");
}

static void resolving_fills_only_what_was_not_given(void **state)
{
    (void)state;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    assert_int_equal(SET(o, "engine", "null", NULL), SC_OK);
    sc_job_options_resolve(o, "engine", "pocketsphinx");
    sc_job_options_resolve(o, "model", "en-us");
    assert_string_equal(sc_job_options_text(o, "engine"), "null");
    assert_string_equal(sc_job_options_text(o, "model"), "en-us");
    assert_false(sc_job_options_given(o, "model"));
}

static void a_pipeline_refuses_options_that_it_does_not_take(void **state)
{
    (void)state;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    struct sc_error err = { 0 };
    assert_int_equal(SET(o, "vad", "off", NULL), SC_OK);
    assert_int_equal(sc_job_options_check(o, &err), SC_OK);
    assert_int_equal(SET(o, "pipeline", "noop", NULL), SC_OK);
    assert_int_equal(sc_job_options_check(o, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "vad");
}

static void settings_of_the_detector_need_it(void **state)
{
    (void)state;
    static const char *const names[] = { "vad_threshold", "vad_min_silence", "vad_padding",
                                         "music" };
    static const char *const values[] = { "9", "100ms", "100ms", "keep" };
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
        struct sc_error err = { 0 };
        assert_int_equal(SET(o, names[i], values[i], NULL), SC_OK);
        assert_int_equal(sc_job_options_check(o, NULL), SC_OK);
        assert_int_equal(SET(o, "vad", "off", NULL), SC_OK);
        assert_int_equal(sc_job_options_check(o, &err), SC_E_INVALID_VALUE);
        assert_string_equal(err.field, names[i]);
        assert_non_null(strstr(err.msg, "means nothing while vad is off"));
    }
}

static void check_canonical(const char *const *pairs, const char *expected)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    SC_AUTO_BUF out = { 0 };
    for (; *pairs != NULL; pairs += 2)
        assert_int_equal(SET(o, pairs[0], pairs[1], NULL), SC_OK);
    sc_job_options_canonical(o, &out);
    assert_string_equal(sc_buf_text(&out), expected);
}

static void the_canonical_form_is_stable(void **state)
{
    (void)state;
    static const char plain[] = "{\"engine\":\"\",\"language\":\"auto\",\"model\":\"\",\"music\":"
                                "\"drop\",\"no_speech_threshold\":0.6,"
                                "\"pipeline\":\"transcribe\","
                                "\"task\":\"transcribe\",\"vad\":true}";
    check_canonical((const char *const[]){ NULL }, plain);
    check_canonical((const char *const[]){ "vad", "on", "language", "auto", NULL }, plain);
    check_canonical((const char *const[]){ "priority", "high", "force", "on", "name", "x",
                                           "run_after", "1h", "timeout", "5m", "max_retries", "1",
                                           "priority_order", "3", NULL },
                    plain);
    check_canonical(
        (const char *const[]){ "vad", "off", "model_size", "m", "engine", "null", NULL },
        "{\"engine\":\"null\",\"language\":\"auto\",\"model\":\"m\",\"music\":\"drop\","
        "\"no_speech_threshold\":0.6,\"pipeline\":\"transcribe\",\"task\":\"transcribe\",\"vad\":"
        "false}");
    check_canonical((const char *const[]){ "pipeline", "noop", NULL }, "{\"pipeline\":\"noop\"}");
    /* What came later is left out where it is the default: older jobs keep their keys. */
    check_canonical((const char *const[]){ "channels", "mix", "vad_threshold", "6", NULL }, plain);
    check_canonical(
        (const char *const[]){ "channels", "left", "vad_threshold", "9", "chunk_length", "20s",
                               NULL },
        "{\"channels\":\"1\",\"chunk_length\":20000,\"engine\":\"\",\"language\":\"auto\","
        "\"model\":\"\",\"music\":\"drop\",\"no_speech_threshold\":0.6,"
        "\"pipeline\":\"transcribe\",\"task\":\"transcribe\",\"vad\":true,"
        "\"vad_threshold\":9}");
}

static void check_identity(const char *const *pairs, bool ours, const char *const *same)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *a = sc_job_options_new();
    SC_AUTO(sc_job_options_freep) struct sc_job_options *b = sc_job_options_new();
    SC_AUTO_BUF is = { 0 };
    SC_AUTO_BUF expected = { 0 };
    for (; *pairs != NULL; pairs += 2)
        assert_int_equal(SET(a, pairs[0], pairs[1], NULL), SC_OK);
    for (; *same != NULL; same += 2)
        assert_int_equal(SET(b, same[0], same[1], NULL), SC_OK);
    sc_job_options_identity(a, ours, &is);
    sc_job_options_canonical(b, &expected);
    assert_string_equal(sc_buf_text(&is), sc_buf_text(&expected));
}

static void what_changes_no_text_is_of_no_account_for_the_key(void **state)
{
    (void)state;
#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })
    static const char *const none[] = { NULL };
    check_identity(PAIRS("threads", "4", "device", "cpu", "compute_type", "float32"), false, none);
    check_identity(PAIRS("temperature", "0", "beam_size", "1", "best_of", "5",
                         "temperature_increment_on_fallback", "0.2"),
                   true, none);
    /* What another program takes by itself is not known. */
    check_identity(PAIRS("temperature", "0"), false, PAIRS("temperature", "0"));
    check_identity(PAIRS("beam_size", "2", "best_of", "4", "temperature", "0.0"), true,
                   PAIRS("beam_size", "2", "best_of", "4"));
    /* Above a temperature that is told no other is tried by itself. */
    check_identity(PAIRS("temperature", "0.4", "temperature_increment_on_fallback", "0.2"), true,
                   PAIRS("temperature", "0.4", "temperature_increment_on_fallback", "0.2"));
    check_identity(PAIRS("temperature", "0.4", "temperature_increment_on_fallback", "0"), true,
                   PAIRS("temperature", "0.4"));
    check_identity(PAIRS("temperature_increment_on_fallback", "0"), true,
                   PAIRS("temperature_increment_on_fallback", "0"));
#undef PAIRS
}

static void settings_that_were_kept_have_the_identity_that_they_had(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } rows[] = {
        { "vad", "off" },         { "chunk_length", "20s" }, { "prompt", " Ann: \"yes\" " },
        { "temperature", "0.4" }, { "channels", "split" },   { "language", "de" },
        { "threads", "3" },       { "beam_size", "1" }
    };
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    sc_job_options_state(o, "multilingual");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF settings = { 0 };
        SC_AUTO_BUF identity = { 0 };
        assert_int_equal(SET(o, rows[i].name, rows[i].value, NULL), SC_OK);
        sc_job_options_canonical(o, &settings);
        sc_job_options_identity(o, true, &identity);
        assert_true(
            sc_job_settings_have_identity(sc_buf_text(&settings), true, sc_buf_text(&identity)));
        assert_false(sc_job_settings_have_identity(sc_buf_text(&settings), true, "{}"));
    }
    assert_false(sc_job_settings_have_identity("{\"gone\":1}", true, "{}"));
    assert_false(sc_job_settings_have_identity("no JSON", true, "{}"));
}

/* Where it means something that a younger option is at its default. */
static void what_is_stated_is_in_the_canonical_form(void **state)
{
    (void)state;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    SC_AUTO_BUF plain = { 0 };
    SC_AUTO_BUF stated = { 0 };
    sc_job_options_canonical(o, &plain);
    assert_null(strstr(sc_buf_text(&plain), "multilingual"));
    sc_job_options_state(o, "multilingual");
    sc_job_options_canonical(o, &stated);
    assert_non_null(strstr(sc_buf_text(&stated), "\"multilingual\":false"));
    assert_false(sc_job_options_given(o, "multilingual"));
}

static void options_of_some_engines_can_be_walked(void **state)
{
    (void)state;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    assert_null(sc_job_options_next_by_engine(o, NULL));
    assert_int_equal(SET(o, "temperature", "0.5", NULL), SC_OK);
    assert_int_equal(SET(o, "vad", "off", NULL), SC_OK);
    assert_int_equal(SET(o, "prompt", "names", NULL), SC_OK);
    const struct sc_job_option *first = sc_job_options_next_by_engine(o, NULL);
    assert_string_equal(first->name, "prompt");
    const struct sc_job_option *second = sc_job_options_next_by_engine(o, first);
    assert_string_equal(second->name, "temperature");
    assert_null(sc_job_options_next_by_engine(o, second));
    SC_AUTO_BUF form = { 0 };
    sc_job_options_canonical(o, &form);
    assert_non_null(strstr(sc_buf_text(&form), "\"prompt\":\"names\""));
    assert_non_null(strstr(sc_buf_text(&form), "\"temperature\":0.5"));
    assert_null(strstr(sc_buf_text(&form), "hotwords"));
}

static void json_values_need_the_type_of_the_option(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json, *kept; /* kept NULL: refused */
    } rows[] = {
        { "vad", "false", "false" },
        { "vad", "\"off\"", "false" },
        { "vad", "0", NULL },
        { "priority_order", "7", "7" },
        { "priority_order", "7.5", NULL },
        { "timeout", "90", "90s" },
        { "timeout", "\"15m\"", "15m" },
        { "engine", "\"null\"", "null" },
        { "engine", "null", "" },
        { "engine", "1", NULL },
        { "engine", "[\"null\"]", NULL },
        { "name", "{}", NULL },
        { "temperature", "0.25", "0.25" },
        { "temperature", "1", "1" },
        { "temperature", "\"0.5\"", "0.5" },
        { "temperature", "2", NULL },
        { "temperature", "true", NULL },
        { "channels", "2", "2" },
        { "channels", "\"left\"", "1" },
        { "channels", "9", NULL },
        { "name", "true", NULL },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        SC_AUTO_BUF text = { 0 };
        struct sc_error err = { 0 };
        sc_buf_printf(&text, "{\"v\":%s}", rows[i].json);
        assert_int_equal(sc_json_parse(sc_buf_str(&text), &doc, NULL), SC_OK);
        enum sc_code code =
            sc_job_options_set_json(o, rows[i].name, sc_json_member(sc_json_root(doc), "v"), &err);
        assert_int_equal(code, rows[i].kept == NULL ? SC_E_INVALID_VALUE : SC_OK);
        if (rows[i].kept != NULL)
            assert_string_equal(sc_job_options_text(o, rows[i].name), rows[i].kept);
        else
            assert_string_equal(err.field, rows[i].name);
    }
}

static void options_that_contradict_each_other_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[7];
        const char *field; /* NULL: they go together */
    } rows[] = {
        { { "beam_size", "5" }, NULL },
        { { "beam_size", "5", "temperature", "0" }, NULL },
        { { "beam_size", "5", "temperature", "0.2" }, "beam_size" },
        { { "beam_size", "1", "temperature", "0.2" }, NULL },
        { { "best_of", "3" }, NULL },
        { { "best_of", "3", "temperature", "0" }, NULL },
        { { "best_of", "3", "temperature_inc", "0" }, "best_of" },
        { { "best_of", "3", "temperature_inc", "0", "temperature", "0" }, "best_of" },
        { { "best_of", "3", "temperature_inc", "0", "temperature", "0.2" }, NULL },
        { { "temperature", "1", "temperature_inc", "0.2" }, "temperature_increment_on_fallback" },
        { { "temperature", "1", "temperature_inc", "0" }, NULL },
        { { "temperature", "0.9", "temperature_inc", "0.2" }, NULL },
        { { "temperature_inc", "0.05" }, NULL },
        { { "temperature_inc", "0.049" }, "temperature_increment_on_fallback" },
        { { "sequential", "on" }, NULL },
        { { "sequential", "on", "vad", "off" }, NULL },
        { { "sequential", "on", "vad", "on" }, "vad" },
        { { "sequential", "off", "vad", "on" }, NULL },
        { { "sequential", "on", "vad_padding", "1s" }, "vad_padding" },
        { { "sequential", "on", "music", "keep" }, "music" },
        { { "sequential", "on", "carry_initial_prompt", "on" }, "carry_initial_prompt" },
        { { "prompt", "x", "carry_initial_prompt", "on" }, "carry_initial_prompt" },
        { { "prompt", "x", "carry_initial_prompt", "on", "sequential", "on" }, NULL },
        { { "carry_initial_prompt", "off" }, NULL },
        { { "multilingual", "on" }, NULL },
        { { "multilingual", "on", "language", "auto" }, NULL },
        { { "multilingual", "on", "language", "de" }, "multilingual" },
        { { "multilingual", "off", "language", "de" }, NULL },
        { { "multilingual", "on", "sequential", "on" }, NULL },
        { { "multilingual", "on", "task", "translate" }, NULL },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
        struct sc_error err = { 0 };
        for (const char *const *p = rows[i].pairs; *p != NULL; p += 2)
            assert_int_equal(SET(o, p[0], p[1], NULL), SC_OK);
        enum sc_code code = sc_job_options_check(o, &err);
        assert_int_equal(code, rows[i].field == NULL ? SC_OK : SC_E_INVALID_VALUE);
        if (rows[i].field != NULL)
            assert_string_equal(err.field, rows[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_default_is_a_value_of_its_option),
        TEST(values_are_kept_in_one_spelling),
        TEST(bad_values_are_refused_by_name),
        TEST(an_unknown_option_suggests_the_nearest),
        TEST(an_option_is_given_once),
        TEST(resolving_fills_only_what_was_not_given),
        TEST(a_pipeline_refuses_options_that_it_does_not_take),
        TEST(settings_of_the_detector_need_it),
        TEST(the_canonical_form_is_stable),
        TEST(settings_that_were_kept_have_the_identity_that_they_had),
        TEST(what_is_stated_is_in_the_canonical_form),
        TEST(what_changes_no_text_is_of_no_account_for_the_key),
        TEST(options_of_some_engines_can_be_walked),
        TEST(json_values_need_the_type_of_the_option),
        TEST(options_that_contradict_each_other_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
