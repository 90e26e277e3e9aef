/* What a decoder sends or does that it should not: a script stands in for it. */

#include "pipeline/pipeline-internal.h"

#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* From now on a script with these commands is the decoder. */
static void pretend(const struct test_dir *dir, const char *commands)
{
    SC_AUTO_BUF script = { 0 };
    char path[PATH_MAX];
    sc_buf_printf(&script, "#!/bin/sh\n%s\n", commands);
    test_write(dir, "media", sc_buf_text(&script));
    assert_int_equal(chmod(test_path(dir, "media", path), 0700), 0);
    assert_int_equal(setenv("SCRIPTA_MEDIA", path, 1), 0);
}

/* The first error that comes of a decoder which does this. */
static enum sc_code fate_of(const char *commands, bool *killed, struct sc_error *err)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_decoder_done) struct sc_decoder d = { .fd = -1 };
    SC_AUTO_CLOSE int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pretend(&dir, commands);
    const struct sc_decoder_options options = { .input = input, .max_ms = 1000 };
    assert_int_equal(sc_decoder_start(&d, &options, err), SC_OK);
    enum sc_code code;
    do
        code = sc_decoder_next(&d, killed, err);
    while (code == SC_OK && d.type != SC_FRAME_DONE);
    return code;
}

static void each_way_to_fail_has_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *commands;
        enum sc_code code;
        bool killed;
    } rows[] = {
        { "kill -SEGV $$", SC_E_DECODER_CRASHED, false },
        { "exit 3", SC_E_DECODER_CRASHED, false },
        { "exit 127", SC_E_JAIL_UNAVAILABLE, false },
        { "printf 'PCM '", SC_E_DECODER_CRASHED, false },
        { "printf 'PCM \\377\\377\\377\\377'", SC_E_DECODER_CRASHED, false },
        { "printf 'PCM \\004\\000\\000\\000ab'", SC_E_DECODER_CRASHED, false },
        { "kill -XCPU $$", SC_E_AUDIO_ERROR, false },
        { "kill -KILL $$", SC_E_CANCELLED, true },
        { "printf 'FAIL\\002\\000\\000\\000no'", SC_E_AUDIO_ERROR, false },
        { "printf 'FAIL\\002\\000\\000\\000{}'", SC_E_AUDIO_ERROR, false },
        { "printf 'FAIL\\026\\000\\000\\000{\"code\":\"FILE_FORMAT\"}'", SC_E_FILE_FORMAT, false },
        { "printf 'DONE\\002\\000\\000\\000{}'", SC_OK, false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        bool killed = false;
        enum sc_code code = fate_of(rows[i].commands, &killed, &err);
        if (code != rows[i].code || killed != rows[i].killed)
            fail_msg("%s: %s, %s", rows[i].commands, sc_code_name(code), err.msg);
    }
}

/* ---- passes ---- */

struct heard {
    int streams;
    struct sc_buf text; /* "1 2 3|4 5 6;" for a block of two streams */
};

static enum sc_code hear_begin(void *ctx, int streams, struct sc_error *err)
{
    struct heard *h = ctx;
    (void)err;
    h->streams = streams;
    return SC_OK;
}

static enum sc_code hear_block(void *ctx, const int16_t *const *streams, size_t samples,
                               struct sc_error *err)
{
    struct heard *h = ctx;
    (void)err;
    for (int s = 0; s < h->streams; s++) {
        sc_buf_puts(&h->text, s == 0 ? "" : "|");
        for (size_t i = 0; i < samples; i++)
            sc_buf_printf(&h->text, "%s%d", i == 0 ? "" : " ", streams[s][i]);
    }
    sc_buf_putc(&h->text, ';');
    return SC_OK;
}

static enum sc_code pass_over(const char *commands, const char *channels, struct heard *h,
                              struct sc_pass_end *end, struct sc_error *err)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct sc_pass pass = {
        .input = input,
        .channels = channels,
        .limit_ms = 60000,
        .begin = hear_begin,
        .block = hear_block,
        .ctx = h,
    };
    pretend(&dir, commands);
    return sc_pass_run(&pass, end, err);
}

#define INFO_2 "printf 'INFO\\r\\000\\000\\000{\"streams\":2}'; "
#define INFO_1 "printf 'INFO\\r\\000\\000\\000{\"streams\":1}'; "
#define DONE "printf 'DONE\\002\\000\\000\\000{}'"

static void streams_are_taken_apart(void **state)
{
    (void)state;
    static const char two[] = INFO_2 "printf 'PCM \\010\\000\\000\\000\\001\\000\\004\\000"
                                     "\\002\\000\\005\\000'; "
                                     "printf 'PCM \\004\\000\\000\\000\\003\\000\\006\\000'; " DONE;
    struct heard h = { 0 };
    struct sc_pass_end end;
    assert_int_equal(pass_over(two, "split", &h, &end, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&h.text), "1 2 3|4 5 6;");
    assert_int_equal(end.samples, 3);
    assert_int_equal(end.first_ms, -1);
    assert_false(end.truncated);
    sc_buf_done(&h.text);
}

static void what_is_not_what_was_asked_for_is_the_decoders_fault(void **state)
{
    (void)state;
    static const struct {
        const char *commands, *channels;
    } rows[] = {
        { INFO_2 DONE, "mix" },
        { INFO_2 DONE, "2" },
        { INFO_2 INFO_2 DONE, "split" },
        { "printf 'INFO\\r\\000\\000\\000{\"streams\":9}'; " DONE, "split" },
        { "printf 'INFO\\r\\000\\000\\000{\"streams\":0}'; " DONE, "split" },
        { "printf 'PCM \\002\\000\\000\\000ab'; " DONE, "mix" },
        { INFO_2 "printf 'PCM \\002\\000\\000\\000ab'; " DONE, "split" },
        { INFO_1 "printf 'PCM \\003\\000\\000\\000abc'; " DONE, "mix" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct heard h = { 0 };
        struct sc_pass_end end;
        enum sc_code code = pass_over(rows[i].commands, rows[i].channels, &h, &end, NULL);
        if (code != SC_E_DECODER_CRASHED)
            fail_msg("%s: %s", rows[i].commands, sc_code_name(code));
        sc_buf_done(&h.text);
    }
}

/* ---- warnings ---- */

static void assert_warnings(const struct sc_pass_end *end, const char *wanted)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_sound_warnings_begin(&w, &out);
    sc_sound_warnings_end(&w, end);
    assert_string_equal(sc_buf_text(&out), wanted);
}

static void what_was_lost_is_told_with_its_place(void **state)
{
    (void)state;
    static const char done[] = INFO_1
        "j='{\"errors\":{\"packets\":3},\"first_error_ms\":1500,\"truncated\":true,\"lost\":["
        "{\"start_ms\":1500,\"end_ms\":2250},{\"start_ms\":3723400,\"end_ms\":3724000},"
        "{\"start_ms\":9,\"end_ms\":8},7]}'; printf \"DONE\\\\$(printf %o "
        "${#j})\\000\\000\\000$j\"";
    struct heard h = { 0 };
    struct sc_pass_end end;
    struct sc_error err = { 0 };
    if (pass_over(done, "mix", &h, &end, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(end.lost_count, 2);
    end.samples = 16 * 7000;
    assert_warnings(
        &end, "[{\"code\":\"AUDIO_LOST\",\"message\":\"the sound 0:01.5 to 0:02.2 could not be "
              "decoded: nothing was recognised there\",\"start\":1.500,\"end\":2.250},"
              "{\"code\":\"AUDIO_LOST\",\"message\":\"the sound 1:02:03.4 to 1:02:04.0 could not "
              "be decoded: nothing was recognised there\",\"start\":3723.400,\"end\":3724.000},"
              "{\"code\":\"AUDIO_TRUNCATED\",\"message\":\"the recording breaks off at 0:07.0: "
              "the rest of the file is missing or damaged\",\"start\":7.000,\"end\":null}]");
    assert_warnings(&(struct sc_pass_end){ .first_ms = -1 }, "[]");
    /* A packet or two that nobody misses. */
    assert_warnings(&(struct sc_pass_end){ .first_ms = 61000, .packets = 1 }, "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_way_to_fail_has_its_code),
        TEST(streams_are_taken_apart),
        TEST(what_is_not_what_was_asked_for_is_the_decoders_fault),
        TEST(what_was_lost_is_told_with_its_place),
    };
    return cmocka_run_group_tests_name("pipeline/decoder", tests, NULL, NULL);
}
