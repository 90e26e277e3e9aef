#include "transcript/template.h"
#include "transcript/writer.h"

#include "make.h"

#include "base/banned.h"

static const struct sc_writer_meta meta = {
    .transcript_id = 7,
    .job_id = "j",
    .status = "complete",
    .language = "en",
    .file_name = "a & b.wav",
    .version = 2,
};

static void two_segments(struct sc_segments *list)
{
    struct sc_segment *s = add_segment(list, 1500, 1000, "=one <b> \"two\"");
    s->speaker = strdup("Ann, B");
    s = add_segment(list, 3723004, 500, "three");
    s->confidence = -1;
}

static void write_with(const char *layout, const char *options, struct sc_buf *out)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO(sc_writer_options_done) struct sc_writer_options o;
    struct sc_error err = { 0 };
    const struct sc_format *format = sc_format_find("txt");
    two_segments(&list);
    sc_writer_options_init(&o, format);
    struct sc_str rest = sc_str_from(options);
    while (rest.len > 0) {
        struct sc_str value = sc_str_take_until(&rest, ' ');
        struct sc_str name = sc_str_take_until(&value, '=');
        assert_int_equal(sc_writer_options_set(&o, format, name, value, NULL), SC_OK);
    }
    if (sc_writer_options_set(&o, format, SC_STR("template"), sc_str_from(layout), &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(sc_format_to_buf(format, &list, &meta, &o, out, NULL), SC_OK);
}

static void a_template_places_what_the_transcript_holds(void **state)
{
    (void)state;
    static const struct {
        const char *layout, *options, *expected;
    } rows[] = {
        { "{index} {start} {end} {text}", "",
          "1 00:00:01.500 00:00:04.500 =one <b> \"two\"\n2 01:02:03.004 01:02:03.504 three\n" },
        { "{start:comma}|{start:short}|{start:s}|{start:ms}|{duration:s}\n", "",
          "00:00:01,500|00:00:01|1.500|1500|3.000\n"
          "01:02:03,004|01:02:03|3723.004|3723004|0.500\n" },
        { "{text:xml}|{text:json}|{text:csv}|{confidence}\n", "",
          "=one &lt;b&gt; &quot;two&quot;|\"=one <b> \\\"two\\\"\"|\"'=one <b> "
          "\"\"two\"\"\"|0.500\n"
          "three|\"three\"|\"three\"|\n" },
        { "{if speaker}{speaker}: {/if}{text:plain}\n", "", "Ann, B: =one <b> \"two\"\nthree\n" },
        { "{if speaker}{speaker}: {/if}{index}\n", "speakers=off", "1\n2\n" },
        { "<h1>{recording:xml}</h1>{if "
          "model}{model}{/if}\r\n{each}\r\n<p>{index}</p>\r\n{/each}\r\n"
          "{count} of {transcript} v{version} {{{status}}}",
          "", "<h1>a &amp; b.wav</h1>\n<p>1</p>\n<p>2</p>\n2 of 7 v2 {complete}" },
        { "{index} {start:ms}", "offset=-1 scale=2", "1 2000\n2 7445008\n" },
        { "{count}:{index}", "offset=-60", "1:1\n" },
        { "{index}\n", "line_ends=crlf bom=on",
          "\xef\xbb\xbf"
          "1\r\n2\r\n" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        write_with(rows[i].layout, rows[i].options, &out);
        assert_string_equal(sc_buf_text(&out), rows[i].expected);
    }
}

static void a_fault_is_told_with_its_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *layout, *says;
    } rows[] = {
        { "{text}\nä {txet}", "line 2, column 3: there is no field 'txet'; there are index, " },
        { "{text", "line 1, column 1: the brace is not closed; write {{ for the sign {" },
        { "a } b", "line 1, column 3: this } closes nothing; write }} for the sign" },
        { "{start:xml}", "'start' can be written as clock, comma, short, s or ms" },
        { "{text:ms}", "'text' can be written as plain, json, xml or csv" },
        { "{if speaker}x", "line 1, column 14: {if} has no {/if}" },
        { "x{/if}", "line 1, column 2: {/if} has no {if} in front of it" },
        { "{if text}{if text}{/if}{/if}", "line 1, column 10: {if} does not stand inside another" },
        { "{each}{text}", "line 1, column 13: {each} has no {/each}" },
        { "{/each}", "line 1, column 1: {/each} has no {each} in front of it" },
        { "{each}{/each}{each}{/each}", "line 1, column 14: {each} stands there once" },
        { "{each}{if text}{/each}", "line 1, column 16: {if} has no {/if} in front of it" },
        { "{text}{each}{/each}", "'text' is of a segment: it stands between {each} and {/each}" },
        { "\xff", "the template is no text in UTF-8" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        SC_AUTO(sc_template_freep) struct sc_template *t = NULL;
        assert_int_equal(sc_template_parse(sc_str_from(rows[i].layout), &t, &err),
                         SC_E_INVALID_VALUE);
        assert_string_equal(err.field, "template");
        if (strstr(err.msg, rows[i].says) == NULL)
            fail_msg("'%s' says: %s", rows[i].layout, err.msg);
    }
    char large[SC_TEMPLATE_LIMIT + 1];
    struct sc_template *t = NULL;
    memset(large, 'x', sizeof(large));
    assert_int_equal(sc_template_parse((struct sc_str){ large, sizeof(large) }, &t, NULL),
                     SC_E_INVALID_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_template_places_what_the_transcript_holds),
        TEST(a_fault_is_told_with_its_line_and_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
