#include "engine/answer.h"

#include "testing.h"
#include "json/reader.h"

#include "base/banned.h"

static enum sc_code read_as(const char *format, const char *text, struct sc_engine_result *out,
                            struct sc_error *err)
{
    return sc_answer_read("the program", format, sc_str_from(text), 10000, out, err);
}

static void formats_are_told_apart_by_their_looks(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"segments\": [{\"start\": 1, \"end\": 2.5, \"text\": \" hello\"}]}",
        " [{\"start\": 1, \"end\": 2.5, \"text\": \"hello\"}]",
        "1\n00:00:01,000 --> 00:00:02,500\nhello\n",
        "WEBVTT\n\n00:01.000 --> 00:02.500\nhello\n",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        struct sc_engine_result r = { 0 };
        struct sc_error err = { 0 };
        if (read_as("auto", texts[i], &r, &err) != SC_OK)
            fail_msg("%s: %s", texts[i], err.msg);
        assert_int_equal(r.segments.count, 1);
        assert_int_equal(r.segments.items[0].start_ms, 1000);
        assert_int_equal(r.segments.items[0].end_ms, 2500);
        sc_engine_result_done(&r);
    }
}

static void text_without_times_lies_over_the_chunk(void **state)
{
    (void)state;
    struct sc_engine_result r = { 0 };
    assert_int_equal(read_as("text", "hello there", &r, NULL), SC_OK);
    assert_int_equal(r.segments.items[0].start_ms, 0);
    assert_int_equal(r.segments.items[0].end_ms, 10000);
    sc_engine_result_done(&r);
    assert_int_equal(read_as("json", "{\"text\": \"hello\"}", &r, NULL), SC_OK);
    assert_int_equal(r.segments.items[r.segments.count - 1].end_ms, 10000);
    sc_engine_result_done(&r);
}

static void a_little_beyond_is_cut_and_more_is_refused(void **state)
{
    (void)state;
    struct sc_engine_result r = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(read_as("json",
                             "[{\"start\": 9, \"end\": 30, \"text\": \"a\"},"
                             " {\"start\": 10.9, \"end\": 31, \"text\": \"b\"}]",
                             &r, NULL),
                     SC_OK);
    assert_int_equal(r.segments.items[0].end_ms, 10000);
    assert_int_equal(r.segments.items[1].start_ms, 10000);
    sc_engine_result_done(&r);
    assert_int_equal(read_as("json", "[{\"start\": 11.1, \"end\": 12, \"text\": \"a\"}]", &r, &err),
                     SC_E_ENGINE_ERROR);
    assert_non_null(strstr(err.msg, "segment 1 starts at 11.100 s"));
    assert_int_equal(r.segments.count, 0);
}

static void what_is_cut_short_is_no_text(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"text\": \"hel", " [ {\"start\": 0", "{" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        struct sc_engine_result r = { 0 };
        struct sc_error err = { 0 };
        assert_int_equal(read_as("auto", texts[i], &r, &err), SC_E_ENGINE_ERROR);
        assert_non_null(strstr(err.msg, "the program: its answer is not json"));
    }
}

static void a_refusal_is_told_to_its_end(void **state)
{
    (void)state;
    struct sc_engine_result r = { 0 };
    struct sc_error err = { 0 };
    struct sc_str nothing = SC_STR("{\"text\": null}");
    const char *who = "http://a.server.with.a.rather.long.name.example.org:8000/v1/";
    assert_int_equal(strlen(who), 60);
    assert_int_equal(sc_answer_read(who, "auto", nothing, 1000, &r, &err), SC_E_ENGINE_ERROR);
    assert_non_null(strstr(err.msg, "/v1/: its answer is not json: the JSON holds no segments"));
    assert_non_null(strstr(err.msg, "or a list of {start, end, text}"));
}

static void the_language_comes_out_as_a_code(void **state)
{
    (void)state;
    struct sc_engine_result r = { 0 };
    assert_int_equal(read_as("auto", "{\"language\": \"German\", \"text\": \"ja\"}", &r, NULL),
                     SC_OK);
    assert_string_equal(r.language, "de");
    sc_engine_result_done(&r);
    assert_int_equal(read_as("auto", "{\"language\": \"klingon!\", \"text\": \"x\"}", &r, NULL),
                     SC_OK);
    assert_string_equal(r.language, "");
    sc_engine_result_done(&r);
}

static void lines_with_times_in_brackets_are_segments(void **state)
{
    (void)state;
    struct sc_engine_result r = { 0 };
    assert_int_equal(read_as("auto",
                             "\n[00:00:01.000 --> 00:00:02.500]   a <b> --> c\n"
                             "[00:03.000 --> 00:04,250] d\r\n[00:05.000 --> 00:06.000]\n",
                             &r, NULL),
                     SC_OK);
    assert_int_equal(r.segments.count, 2);
    assert_int_equal(r.segments.items[0].start_ms, 1000);
    assert_int_equal(r.segments.items[0].end_ms, 2500);
    assert_string_equal(r.segments.items[0].text, "a <b> --> c");
    assert_int_equal(r.segments.items[1].start_ms, 3000);
    assert_int_equal(r.segments.items[1].end_ms, 4250);
    sc_engine_result_done(&r);
    static const char *const plain[] = { "[Music] hello", "[00:01.000] hello", "[a --> b] c",
                                         "[00:01.000 --> 00:02.000] a\nb" };
    for (size_t i = 0; i < SC_ARRAY_LEN(plain); i++) {
        assert_int_equal(read_as("auto", plain[i], &r, NULL), SC_OK);
        assert_int_equal(r.segments.items[0].start_ms, 0);
        assert_int_equal(r.segments.items[0].text[0], '[');
        sc_engine_result_done(&r);
    }
}

static void the_head_of_a_wav_file_fits_its_samples(void **state)
{
    (void)state;
    unsigned char head[SC_WAV_HEAD];
    sc_wav_head(0x01020304, head);
    assert_memory_equal(head,
                        "RIFF\x28\x03\x02\x01WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0"
                        "\2\0\x10\0data\4\3\2\1",
                        SC_WAV_HEAD);
}

static void the_wishes_of_a_job_are_read_from_its_options(void **state)
{
    (void)state;
    struct sc_engine_wishes w;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *none = NULL;
    assert_int_equal(sc_engine_wishes_read("{\"prompt\":\"p\",\"hotwords\":\"h\",\"temperature\":"
                                           "0.5,\"task\":\"translate\"}",
                                           &doc, &w, NULL),
                     SC_OK);
    assert_string_equal(w.prompt, "p");
    assert_string_equal(w.hotwords, "h");
    assert_true(w.temperature > 0.49 && w.temperature < 0.51 && w.translate);
    assert_int_equal(sc_engine_wishes_read("{}", &none, &w, NULL), SC_OK);
    assert_true(w.prompt[0] == '\0' && w.temperature < 0 && !w.translate);
}

static void quotes_keep_their_lines_and_their_bound(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    sc_answer_quote(&out, SC_STR("a\r\n\n\x1b[1mb\xff\n"), 100);
    assert_string_equal(sc_buf_text(&out), "a\n\\x1b[1mb\\xff");
    SC_AUTO_BUF cut = { 0 };
    sc_answer_quote(&cut, SC_STR("aaaa\nbbbb\n"), 6);
    assert_string_equal(sc_buf_text(&cut), "aaaa\nb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(formats_are_told_apart_by_their_looks),
        TEST(text_without_times_lies_over_the_chunk),
        TEST(a_little_beyond_is_cut_and_more_is_refused),
        TEST(what_is_cut_short_is_no_text),
        TEST(lines_with_times_in_brackets_are_segments),
        TEST(a_refusal_is_told_to_its_end),
        TEST(the_language_comes_out_as_a_code),
        TEST(the_head_of_a_wav_file_fits_its_samples),
        TEST(the_wishes_of_a_job_are_read_from_its_options),
        TEST(quotes_keep_their_lines_and_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
