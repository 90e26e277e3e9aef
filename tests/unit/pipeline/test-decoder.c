/* What a decoder sends or does that it should not: a script stands in for it. */

#include "pipeline/pipeline-internal.h"

#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* The first error that comes of a decoder which does this. */
static enum sc_code fate_of(const char *commands, bool *killed, struct sc_error *err)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_decoder_done) struct sc_decoder d = { .fd = -1 };
    SC_AUTO_CLOSE int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    SC_AUTO_BUF script = { 0 };
    char path[PATH_MAX];
    sc_buf_printf(&script, "#!/bin/sh\n%s\n", commands);
    test_write(&dir, "media", sc_buf_text(&script));
    assert_int_equal(chmod(test_path(&dir, "media", path), 0700), 0);
    assert_int_equal(setenv("SCRIPTA_MEDIA", path, 1), 0);
    assert_int_equal(sc_decoder_start(&d, input, false, 1000, err), SC_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(each_way_to_fail_has_its_code) };
    return cmocka_run_group_tests_name("pipeline/decoder", tests, NULL, NULL);
}
