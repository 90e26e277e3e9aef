#include "api/export-place.h"

#include "testing.h"

#include "base/banned.h"

#define JOB "01890a5d-ac96-774b-bcce-b302099a8057"
#define OTHER "01890a5d-ac96-774b-bcce-b302099a8058"

static void paths_stay_below_transcripts(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        const char *anywhere, *own; /* NULL: refused */
    } rows[] = {
        { "a.srt", "transcripts/" JOB "/a.srt", "transcripts/" JOB "/a.srt" },
        { JOB "/x/a b.srt", "transcripts/" JOB "/x/a b.srt", "transcripts/" JOB "/x/a b.srt" },
        { "transcripts/" JOB "/a.srt", "transcripts/" JOB "/a.srt", "transcripts/" JOB "/a.srt" },
        { "talks/2026/é.srt", "transcripts/talks/2026/é.srt", NULL },
        { "transcripts/talks/a.srt", "transcripts/talks/a.srt", NULL },
        { OTHER "/a.srt", NULL, NULL },
        { "transcript-2/a.srt", NULL, NULL },
        { "transcripts/Transcript-16/x/a.srt", NULL, NULL },
        { "transcript-2b/a.srt", "transcripts/transcript-2b/a.srt", NULL },
        { "transcript-/a.srt", "transcripts/transcript-/a.srt", NULL },
        { "transcript-2.srt", "transcripts/" JOB "/transcript-2.srt",
          "transcripts/" JOB "/transcript-2.srt" },
        { "../a.srt", NULL, NULL },
        { "x/../../a.srt", NULL, NULL },
        { JOB "/../a.srt", NULL, NULL },
        { "./a.srt", NULL, NULL },
        { "/etc/a.srt", NULL, NULL },
        { "transcripts//a.srt", NULL, NULL },
        { "x//a.srt", NULL, NULL },
        { "x/", NULL, NULL },
        { "", NULL, NULL },
        { ".hidden.srt", NULL, NULL },
        { "x/.tmp-1.srt", NULL, NULL },
        { "a.srt.", NULL, NULL },
        { "a.srt ", NULL, NULL },
        { ".srt", NULL, NULL },
        { "a.vtt", NULL, NULL },
        { "asrt", NULL, NULL },
        { "a\n.srt", NULL, NULL },
        { "a\\b.srt", NULL, NULL },
        { "c:a.srt", NULL, NULL },
        { "\xff.srt", NULL, NULL },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        for (int anywhere = 0; anywhere < 2; anywhere++) {
            const char *expected = anywhere ? rows[i].anywhere : rows[i].own;
            struct sc_export_home home = { .folder = JOB, .anywhere = anywhere != 0 };
            struct sc_error err = { 0 };
            SC_AUTO_BUF out = { 0 };
            enum sc_code code =
                sc_export_place(sc_str_from(rows[i].wanted), &home, "srt", &out, &err);
            if (expected == NULL) {
                if (code != SC_E_INVALID_VALUE)
                    fail_msg("'%s' is taken", rows[i].wanted);
                assert_string_equal(err.field, "output_path");
                continue;
            }
            if (code != SC_OK)
                fail_msg("%s", err.msg);
            assert_string_equal(sc_buf_text(&out), expected);
        }
    }
}

/* Folders too deep to be removed would stay for ever. */
static void deep_paths_are_refused(void **state)
{
    (void)state;
    struct sc_export_home home = { .folder = JOB, .anywhere = true };
    for (int folders = 15; folders <= 16; folders++) {
        SC_AUTO_BUF wanted = { 0 };
        SC_AUTO_BUF out = { 0 };
        for (int i = 0; i < folders; i++)
            sc_buf_puts(&wanted, "a/");
        sc_buf_puts(&wanted, "a.srt");
        assert_int_equal(sc_export_place(sc_buf_str(&wanted), &home, "srt", &out, NULL),
                         folders == 15 ? SC_OK : SC_E_INVALID_VALUE);
    }
}

static void long_paths_are_refused(void **state)
{
    (void)state;
    struct sc_export_home home = { .folder = JOB, .anywhere = true };
    SC_AUTO_BUF wanted = { 0 };
    SC_AUTO_BUF out = { 0 };
    for (int i = 0; i < 250; i++)
        sc_buf_putc(&wanted, 'a');
    sc_buf_puts(&wanted, ".srt");
    assert_int_equal(sc_export_place(sc_buf_str(&wanted), &home, "srt", &out, NULL),
                     SC_E_INVALID_VALUE);
    sc_buf_reset(&wanted);
    for (int i = 0; i < 250; i++)
        sc_buf_puts(&wanted, "a/");
    sc_buf_puts(&wanted, "a.srt");
    assert_int_equal(sc_export_place(sc_buf_str(&wanted), &home, "srt", &out, NULL),
                     SC_E_INVALID_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_stay_below_transcripts),
        TEST(deep_paths_are_refused),
        TEST(long_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
