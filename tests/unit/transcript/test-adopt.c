#include "transcript/compare.h"
#include "transcript/reader.h"
#include "transcript/writer.h"

#include "make.h"

#include "base/banned.h"

static void dump(const struct sc_segments *s, struct sc_buf *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct sc_segment *x = &s->items[i];
        sc_buf_printf(out, "%d %d-%d %s: %s [", (int)x->id, (int)x->start_ms, (int)x->end_ms,
                      x->speaker == NULL ? "-" : x->speaker, x->text);
        for (size_t k = 0; k < x->word_count; k++)
            sc_buf_printf(out, "%s%s %d-%d%s", k == 0 ? "" : ", ", x->words[k].text,
                          (int)x->words[k].start_ms, (int)x->words[k].end_ms,
                          x->words[k].confidence < 0 ? "?" : "");
        sc_buf_puts(out, "]\n");
    }
}

static void make(struct sc_segments *out)
{
    static const char *const texts[] = { "good morning", "how are you today", "fine" };
    static const char *const speakers[] = { "Ann", "Ann", "Bob" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        struct sc_segment *s = add_segment(out, 1000 * (int64_t)(i + 1), 100, texts[i]);
        s->id = 10 + (int64_t)i;
        s->row = 20 + (int64_t)i;
        s->speaker = strdup(speakers[i]);
    }
}

static void assert_adopted(const char *format, const char *text, bool named, const char *wanted)
{
    SC_AUTO_SEGMENTS old = { 0 };
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF got = { 0 };
    struct sc_error err = { 0 };
    make(&old);
    assert_int_equal(sc_format_read(format, sc_str_from(text), &read, &err), SC_OK);
    SC_AUTO_NAMES names = { 0 };
    assert_true(!named || sc_names_find(&old, &read.segments, &names));
    assert_true(sc_segments_adopt(&old, named ? &names : NULL, &read.segments));
    dump(&read.segments, &got);
    assert_string_equal(sc_buf_text(&got), wanted);
    assert_int_equal(sc_segments_check(&read.segments, &err), SC_OK);
}

static void words_that_are_the_same_keep_what_was_known(void **state)
{
    (void)state;
    /* One segment as it was, one corrected, one cut in two, without its speaker's name. */
    assert_adopted("srt",
                   "1\n00:00:01,000 --> 00:00:01,200\nAnn: good evening\n\n"
                   "2\n00:00:02,000 --> 00:00:02,200\nhow are\n\n"
                   "3\n00:00:02,200 --> 00:00:02,400\nyou today\n\n"
                   "4\n00:00:03,000 --> 00:00:03,100\nBob: fine\n",
                   true,
                   "10 1000-1200 Ann: good evening [good 1000-1100, evening 1100-1200?]\n"
                   "11 2000-2200 Ann: how are [how 2000-2100, are 2100-2200]\n"
                   "0 2200-2400 Ann: you today [you 2200-2300, today 2300-2400]\n"
                   "12 3000-3100 Bob: fine [fine 3000-3100]\n");
}

static void a_corrected_name_is_a_new_name_of_that_speaker(void **state)
{
    (void)state;
    assert_adopted("srt",
                   "1\n00:00:01,000 --> 00:00:01,200\nAnna: good morning\n\n"
                   "2\n00:00:02,000 --> 00:00:02,400\nhow are you today\n\n"
                   "3\n00:00:03,000 --> 00:00:03,100\nBob: fine\n",
                   true,
                   "10 1000-1200 Anna: good morning [good 1000-1100, morning 1100-1200]\n"
                   "11 2000-2400 Anna: how are you today [how 2000-2100, are 2100-2200, "
                   "you 2200-2300, today 2300-2400]\n"
                   "12 3000-3100 Bob: fine [fine 3000-3100]\n");
}

static void a_colon_makes_no_name(void **state)
{
    (void)state;
    assert_adopted("srt",
                   "1\n00:00:01,000 --> 00:00:01,200\nAnn: good morning\n\n"
                   "2\n00:00:02,000 --> 00:00:02,400\nNote: are you today\n\n"
                   "3\n00:00:03,000 --> 00:00:03,100\nBob: fine\n",
                   true,
                   "10 1000-1200 Ann: good morning [good 1000-1100, morning 1100-1200]\n"
                   "11 2000-2400 Ann: Note: are you today [Note: 2000-2100?, are 2100-2200, "
                   "you 2200-2300, today 2300-2400]\n"
                   "12 3000-3100 Bob: fine [fine 3000-3100]\n");
}

static void times_of_a_file_that_was_moved_are_its_own(void **state)
{
    (void)state;
    assert_adopted("vtt",
                   "WEBVTT\n\n00:01.100 --> 00:01.300\n<v Cat>good morning\n\n"
                   "01:00.000 --> 01:04.000\nhow are you today\n",
                   false,
                   "10 1100-1300 Cat: good morning [good 1100-1100, morning 1100-1200]\n"
                   "11 60000-64000 -: how are you today [how 60000-60857?, are 60857-61714?, "
                   "you 61714-62571?, today 62571-64000?]\n");
}

static void a_word_behind_the_last_one_shares_its_time(void **state)
{
    (void)state;
    assert_adopted("vtt",
                   "WEBVTT\n\n00:01.000 --> 00:01.200\nvery good morning\n\n"
                   "00:03.000 --> 00:03.100\nfine day\n",
                   false,
                   "10 1000-1200 Ann: very good morning [very 1000-1050?, good 1000-1100, "
                   "morning 1100-1200]\n"
                   "12 3000-3100 Bob: fine day [fine 3000-3100, day 3058-3100?]\n");
}

static void what_was_stored_without_words_stays_so(void **state)
{
    (void)state;
    static const char text[] = "WEBVTT\n\n00:01.000 --> 00:01.200\ngood evening\n\n"
                               "00:02.000 --> 00:02.400\nhow are you today\n\n"
                               "00:09.000 --> 00:09.100\nnew\n";
    for (int i = 0; i < 2; i++) { /* with i == 1 others have words */
        SC_AUTO_SEGMENTS old = { 0 };
        SC_AUTO_READING read = { 0 };
        make(&old);
        for (size_t k = 0; k < 3 - (size_t)i; k++)
            sc_segment_drop_words(&old.items[k]);
        assert_int_equal(sc_format_read("vtt", SC_STR(text), &read, NULL), SC_OK);
        assert_true(sc_segments_adopt(&old, NULL, &read.segments));
        assert_int_equal(read.segments.items[0].word_count, 0);
        assert_int_equal(read.segments.items[1].word_count, 0);
        assert_int_equal(read.segments.items[2].word_count, i);
    }
}

static void assert_round_trip(const char *format, const char *captions, bool named)
{
    SC_AUTO_SEGMENTS old = { 0 };
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF before = { 0 };
    SC_AUTO_BUF after = { 0 };
    struct sc_writer_options options;
    const struct sc_writer_meta meta = { .job_id = "", .status = "", .language = "" };
    const struct sc_format *writer = sc_format_find(format);
    make(&old);
    sc_writer_options_init(&options, writer);
    if (captions != NULL)
        assert_int_equal(sc_writer_options_set(&options, writer, SC_STR("captions"),
                                               sc_str_from(captions), NULL),
                         SC_OK);
    assert_int_equal(sc_format_to_buf(writer, &old, &meta, &options, &text, NULL), SC_OK);
    assert_int_equal(sc_format_read(format, sc_buf_str(&text), &read, NULL), SC_OK);
    SC_AUTO_NAMES names = { 0 };
    assert_true(!named || sc_names_find(&old, &read.segments, &names));
    assert_int_equal(names.fresh_count, 0);
    if (read.timed)
        assert_true(sc_segments_adopt(&old, named ? &names : NULL, &read.segments));
    else
        assert_true(sc_segments_align(&old, sc_buf_str(&text), &names, &read.segments));
    dump(&old, &before);
    dump(&read.segments, &after);
    assert_string_equal(sc_buf_text(&before), sc_buf_text(&after));
}

static void what_was_exported_comes_back_unchanged(void **state)
{
    (void)state;
    assert_round_trip("srt", "off", true);
    assert_round_trip("vtt", "off", false);
    assert_round_trip("json", NULL, false);
    assert_round_trip("csv", NULL, false);
    assert_round_trip("tsv", NULL, false);
    assert_round_trip("txt", NULL, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_that_are_the_same_keep_what_was_known),
        TEST(a_corrected_name_is_a_new_name_of_that_speaker),
        TEST(a_colon_makes_no_name),
        TEST(times_of_a_file_that_was_moved_are_its_own),
        TEST(a_word_behind_the_last_one_shares_its_time),
        TEST(what_was_stored_without_words_stays_so),
        TEST(what_was_exported_comes_back_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
