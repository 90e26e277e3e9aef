#include "transcript/reader.h"
#include "transcript/writer.h"

#include "make.h"
#include "reading.h"

#include "base/banned.h"

#define LONG_LINE "we shall sing of the sea and sail"

static enum sc_code read_rolling(const char *format, struct sc_str text, enum sc_rolling rolling,
                                 struct sc_reading *out, struct sc_error *err)
{
    const struct sc_read_how how = { .rolling = rolling };
    return sc_format_read_as(format, text, &how, out, err);
}

/* As a video platform writes the captions that it made itself. */
static const char platform[] =
    "WEBVTT\nKind: captions\nLanguage: en\n\n"
    "00:00:01.000 --> 00:00:03.000 align:start position:0%\n \n"
    "the<00:00:01.400><c> bees</c><00:00:02.000><c> fly</c>\n\n"
    "00:00:03.000 --> 00:00:03.010 align:start position:0%\nthe bees fly\n \n\n"
    "00:00:03.010 --> 00:00:05.000 align:start position:0%\nthe bees fly\n"
    "out<00:00:03.500><c> at</c><00:00:04.000><c> dawn</c>\n\n"
    "00:00:05.000 --> 00:00:05.010 align:start position:0%\nout at dawn\n \n\n"
    "00:00:05.010 --> 00:00:06.000 align:start position:0%\nout at dawn\n[Music]\n\n"
    "00:00:06.000 --> 00:00:06.010 align:start position:0%\n[Music]\n \n\n"
    "00:00:09.000 --> 00:00:10.000 align:start position:0%\n \nand<00:00:09.200><c> back</c>\n\n"
    "00:00:10.000 --> 00:00:10.010 align:start position:0%\nand back\n \n";
static const char platform_lines[] = "1000 3010 the bees fly\n"
                                     "  1000 1400 the\n  1400 2000 bees\n  2000 3000 fly\n"
                                     "3010 5010 out at dawn\n"
                                     "  3010 3500 out\n  3500 4000 at\n  4000 5000 dawn\n"
                                     "5010 6010 [Music]\n"
                                     "9000 10010 and back\n"
                                     "  9000 9200 and\n  9200 10000 back\n";

static const char three_rows[] = "1\n00:00:01,000 --> 00:00:02,000\n>> GOOD EVENING.\n\n"
                                 "2\n00:00:02,000 --> 00:00:04,000\n>> GOOD EVENING.\nHERE IS\n\n"
                                 "3\n00:00:04,000 --> 00:00:05,000\n>> GOOD EVENING.\nHERE IS\n"
                                 "THE NEWS.\n\n"
                                 "4\n00:00:05,040 --> 00:00:07,000\nHERE IS\nTHE NEWS.\nRAIN.\n\n"
                                 "5\n00:00:07,000 --> 00:00:08,000\nTHE NEWS.\nRAIN.\nRAIN.\n\n"
                                 "6\n00:00:08,000 --> 00:00:09,000\nRAIN.\nRAIN.\nRAIN.\n\n"
                                 "7\n00:00:09,000 --> 00:00:10,000\nRAIN.\nRAIN.\nRAIN.\n";

static void what_rolling_captions_repeat_is_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *what, *format, *text, *expected;
        enum sc_rolling rolling;
        size_t repeat, cues;
    } rows[] = {
        { "a platform's", "vtt", platform, platform_lines, SC_ROLLING_AUTO, 6, 8 },
        { "three rows of a broadcast, a word said four times", "srt", three_rows,
          "1000 2000 >> GOOD EVENING.\n2000 4000 HERE IS\n4000 5040 THE NEWS.\n5040 7000 RAIN.\n"
          "7000 8000 RAIN.\n8000 9000 RAIN.\n9000 10000 RAIN.\n",
          SC_ROLLING_AUTO, 6, 7 },
        { "cues that overlap", "srt",
          "0:00.5 --> 0:04\na\n\n0:02.0 --> 0:06\n<i>a</i>\nb\n\n0:04.0 --> 0:08\nb\nc\n\n"
          "0:06.0 --> 0:10\nc\nd\n",
          "500 2000 a\n2000 4000 b\n4000 6000 c\n6000 10000 d\n", SC_ROLLING_AUTO, 3, 4 },
        { "one row with holds, long ones too", "srt",
          "0:01.0 --> 0:02\na\n\n0:02.0 --> 0:02.01\na\n\n0:02.01 --> 0:03\nb\n\n"
          "0:03.0 --> 0:03.01\nb\n\n0:03.01 --> 0:04\nb\n\n0:04.0 --> 0:04.01\nb\n",
          "1000 2010 a\n2010 3010 b\n3010 4010 b\n", SC_ROLLING_AUTO, 3, 6 },
        { "rows that stay long, and a screen that is cleared", "srt",
          "0:01.0 --> 0:02\na\n\n0:02.0 --> 0:03\na\nb\n\n0:03.0 --> 0:05\nb\n\n"
          "0:05.0 --> 0:06\nb\nc\n\n0:06.0 --> 0:07\nb\nc\n\n0:07.0 --> 0:08.5\nc\nd\n\n"
          "0:08.0 --> 0:09\nx\n\n0:09.0 --> 0:10\nx\nb\n",
          "1000 2000 a\n2000 5000 b\n5000 7000 c\n7000 8000 d\n8000 9000 x\n9000 10000 b\n",
          SC_ROLLING_AUTO, 6, 8 },
        { "voices", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>yes\n\n00:02.000 --> 00:03.000\n<v Ann>yes\n"
          "<v Bob>yes\n\n00:03.000 --> 00:04.000\n<v Bob>yes\nno\n\n00:04.000 --> 00:05.000\n"
          "<v Bob>no\n<v Ann>no <00:04.500>oh\n",
          "1000 2000 [Ann] yes\n2000 3000 [Bob] yes\n3000 4000 [Bob] no\n4000 5000 [Ann] no oh\n"
          "  4000 4500 no\n  4500 5000 oh\n",
          SC_ROLLING_AUTO, 3, 4 },
        { "a few, as was asked", "srt", "0:01.0 --> 0:02\na\n\n0:02.0 --> 0:03\na\nb\n",
          "1000 2000 a\n2000 3000 b\n", SC_ROLLING_COLLAPSE, 1, 2 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        SC_AUTO_BUF got = { 0 };
        struct sc_error err = { 0 };
        if (read_rolling(rows[i].format, sc_str_from(rows[i].text), rows[i].rolling, &read, &err) !=
            SC_OK)
            fail_msg("%s: %s", rows[i].what, err.msg);
        dump(&read, &got);
        if (strcmp(sc_buf_text(&got), rows[i].expected) != 0)
            fail_msg("%s: read as\n%s", rows[i].what, sc_buf_text(&got));
        assert_true(read.collapsed);
        if (read.doubts.rolling != rows[i].repeat || read.doubts.cues != rows[i].cues)
            fail_msg("%s: %zu of %zu", rows[i].what, read.doubts.rolling, read.doubts.cues);
        assert_int_equal(sc_segments_check(&read.segments, &err), SC_OK);
    }
}

static const char song[] = "0:01.0 --> 0:03\nRow the boat\nrow the boat\n\n"
                           "0:03.0 --> 0:05\nrow the boat\ndown the stream\n\n"
                           "0:05.0 --> 0:07\nMerrily, merrily\nmerrily, merrily\n\n"
                           "0:07.0 --> 0:09\nMerrily, merrily\nmerrily, merrily\n\n"
                           "0:09.0 --> 0:11\nlife is a dream\nlife is a dream\n\n"
                           "0:11.0 --> 0:13\nlife is a dream\nRow the boat\n\n"
                           "0:13.0 --> 0:15\nRow the boat\n\n0:15.0 --> 0:17\nRow the boat\n";
static const char said_again[] = "1\n00:00:01,000 --> 00:00:02,000\nWho is there?\n\n"
                                 "2\n00:00:02,000 --> 00:00:03,000\nWho is there?\n\n"
                                 "3\n00:00:03,000 --> 00:00:04,000\nWho is there?\nSpeak up!\n\n"
                                 "4\n00:00:04,000 --> 00:00:05,000\nSpeak up!\n\n"
                                 "5\n00:00:05,000 --> 00:00:06,000\nIt is me.\n\n"
                                 "6\n00:00:07,000 --> 00:00:08,000\nIt is me.\nOnly me.\n\n"
                                 "7\n00:00:09,000 --> 00:00:10,000\nOnly me.\nWho else?\n";

static const char chant[] = "0:01.0 --> 0:02\nGive us more\nGive us more\n\n"
                            "0:02.0 --> 0:03\nGive us more\nGive us more\n\n"
                            "0:03.0 --> 0:04\nGive us more\nGive us more\n\n"
                            "0:04.0 --> 0:05\nGive us more\nGive us more\n\n"
                            "0:05.0 --> 0:06\nGive us more\nGive us more\n\n"
                            "0:06.0 --> 0:07\nThey have gone\n";
static const char thanks[] = "0:01.0 --> 0:02\nThank you.\nThank you.\n\n"
                             "0:02.0 --> 0:03\nThank you.\nThank you.\n\n"
                             "0:03.0 --> 0:04\nThank you.\nThank you.\n\n"
                             "0:04.0 --> 0:05\nThank you.\nThank you.\n\n"
                             "0:05.0 --> 0:06\nThank you.\nSit down.\n\n"
                             "0:06.0 --> 0:07\nSit down.\nPlease.\n\n"
                             "0:07.0 --> 0:08\nPlease.\nHurry.\n";

/* What is no rolling file, or was asked for, is as the plain reader has it. */
static void what_is_said_again_stays(void **state)
{
    (void)state;
    static const struct {
        const char *what, *format, *text;
        enum sc_rolling rolling;
    } rows[] = {
        { "a refrain", "srt", song, SC_ROLLING_AUTO },
        { "a speaker who repeats himself", "srt", said_again, SC_ROLLING_AUTO },
        { "two cues that roll", "srt",
          "0:01.0 --> 0:02\na\n\n0:02.0 --> 0:03\na\nb\n\n0:03.0 --> 0:04\nb\nc\n",
          SC_ROLLING_AUTO },
        { "three that roll, of six", "srt",
          "0:01.0 --> 0:02\na\n\n0:02.0 --> 0:03\na\nb\n\n0:03.0 --> 0:04\nb\nc\n\n"
          "0:04.0 --> 0:05\nc\nd\n\n0:05.0 --> 0:06\ne\n\n0:06.0 --> 0:07\nf\n",
          SC_ROLLING_AUTO },
        { "each cue twice", "srt",
          "0:01.0 --> 0:02\na\nb\n\n0:02.0 --> 0:03\na\nb\n\n0:03.0 --> 0:04\nc\nd\n\n"
          "0:04.0 --> 0:05\nc\nd\n\n0:05.0 --> 0:06\ne\nf\n\n0:06.0 --> 0:07\ne\nf\n",
          SC_ROLLING_AUTO },
        { "a chant in two lines", "srt", chant, SC_ROLLING_AUTO },
        { "pairs of thanks, and others", "srt", thanks, SC_ROLLING_AUTO },
        { "two who contradict each other", "srt",
          "0:01.0 --> 0:02\n- Yes.\n- No.\n\n0:02.0 --> 0:03\n- No.\n- Yes.\n\n"
          "0:03.0 --> 0:04\n- Yes.\n- No.\n\n0:04.0 --> 0:05\n- No.\n- Yes.\n\n"
          "0:05.0 --> 0:06\n- Yes.\n- No.\n",
          SC_ROLLING_AUTO },
        { "with other dashes, and voices", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>\u2013 Yes.\n\u2014No.\n\n"
          "00:02.000 --> 00:03.000\n<v A>\u2014No.\n\u2013 Yes.\n\n"
          "00:03.000 --> 00:04.000\n<v A>\u2013 Yes.\n\u2010 No.\n\n"
          "00:04.000 --> 00:05.000\n<v A>\u2010 No.\n\u2013 Yes.\n",
          SC_ROLLING_AUTO },
        { "another order", "srt", "0:05.0 --> 0:06\na\n\n0:01.0 --> 0:02\na\nb\n",
          SC_ROLLING_COLLAPSE },
        { "cues apart", "srt",
          "0:01.0 --> 0:02\na\n\n0:02.1 --> 0:03\na\nb\n\n0:03.1 --> 0:04\nb\nc\n\n"
          "0:04.1 --> 0:05\nc\nd\n\n0:05.1 --> 0:06\nd\ne\n",
          SC_ROLLING_COLLAPSE },
        { "one line, again and again", "srt",
          "0:01.0 --> 0:02\na\n\n0:02.0 --> 0:03\na\n\n0:03.0 --> 0:04\na\n\n0:04.0 --> 0:05\na\n",
          SC_ROLLING_COLLAPSE },
        { "a platform's, kept", "vtt", platform, SC_ROLLING_KEEP },
        { "text without times", "txt", "a\na\nb\nb\nc\nc\nd\n", SC_ROLLING_COLLAPSE },
        { "nothing", "srt", "0:01.0 --> 0:02\n\n", SC_ROLLING_COLLAPSE },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        SC_AUTO_READING plain = { 0 };
        SC_AUTO_BUF got = { 0 };
        SC_AUTO_BUF expected = { 0 };
        struct sc_str text = sc_str_from(rows[i].text);
        assert_int_equal(read_rolling(rows[i].format, text, rows[i].rolling, &read, NULL), SC_OK);
        assert_int_equal(sc_format_read(rows[i].format, text, &plain, NULL), SC_OK);
        dump(&read, &got);
        dump(&plain, &expected);
        if (strcmp(sc_buf_text(&got), sc_buf_text(&expected)) != 0)
            fail_msg("%s: read as\n%s", rows[i].what, sc_buf_text(&got));
        assert_false(read.collapsed);
    }
}

/* Six segments, each of which our own captions show in two equal lines. */
static void captions_of_equal_lines_are_read_back_as_they_were_written(void **state)
{
    (void)state;
    static const char *const formats[] = { "srt", "vtt" };
    const struct sc_writer_meta meta = { .job_id = "j", .status = "complete", .version = 1 };
    SC_AUTO_SEGMENTS list = { 0 };
    for (int i = 0; i < 6; i++)
        add_segment(&list, i * 3200, 200, LONG_LINE " " LONG_LINE);
    for (size_t i = 0; i < SC_ARRAY_LEN(formats); i++) {
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_READING read = { 0 };
        const struct sc_format *format = sc_format_find(formats[i]);
        assert_int_equal(sc_format_to_buf(format, &list, &meta, NULL, &text, NULL), SC_OK);
        assert_non_null(strstr(sc_buf_text(&text), LONG_LINE "\n" LONG_LINE "\n"));
        assert_int_equal(read_rolling(formats[i], sc_buf_str(&text), SC_ROLLING_AUTO, &read, NULL),
                         SC_OK);
        assert_false(read.collapsed);
        assert_int_equal(read.segments.count, list.count);
        for (size_t k = 0; k < list.count; k++) {
            assert_string_equal(read.segments.items[k].text, list.items[k].text);
            assert_int_equal(read.segments.items[k].start_ms, list.items[k].start_ms);
        }
    }
}

/* ---- generated ---- */

#define LINES 40

struct line {
    int64_t start_ms, end_ms; /* as it is shown first; the next one begins at end_ms */
    char words[4][8];
    size_t count;
};

struct roll {
    struct line lines[LINES];
    size_t count, window;
    bool vtt, holds, inner, overlap;
};

/* Lines of few words, so that some come again. */
static void make_roll(struct dice *d, struct roll *r)
{
    int64_t at = dice_between(d, 0, 2000);
    *r = (struct roll){ .count = (size_t)dice_between(d, 5, LINES),
                        .window = (size_t)dice_between(d, 1, 3),
                        .vtt = dice_between(d, 0, 1) == 0,
                        .holds = dice_between(d, 0, 1) == 0,
                        .overlap = dice_between(d, 0, 2) == 0 };
    r->inner = r->vtt && dice_between(d, 0, 1) == 0;
    for (size_t i = 0; i < r->count; i++) {
        struct line *line = &r->lines[i];
        line->start_ms = at;
        line->end_ms = at = at + dice_between(d, 800, 4000);
        line->count = (size_t)dice_between(d, 1, 4);
        for (size_t k = 0; k < line->count; k++)
            (void)snprintf(line->words[k], sizeof(line->words[k]), "w%d",
                           (int)dice_between(d, 0, 9));
    }
}

static void put_time(struct sc_buf *out, int64_t ms, bool vtt)
{
    sc_buf_printf(out, "%02d:%02d:%02d%c%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                  (int)(ms / 1000 % 60), vtt ? '.' : ',', (int)(ms % 1000));
}

static void put_span(struct sc_buf *out, const struct roll *r, int64_t start_ms, int64_t end_ms)
{
    put_time(out, start_ms, r->vtt);
    sc_buf_puts(out, " --> ");
    put_time(out, end_ms, r->vtt);
    sc_buf_putc(out, '\n');
}

/* When a word of a line begins. */
static int64_t word_at(const struct line *line, size_t word)
{
    return line->start_ms + (int64_t)word * 150;
}

static void put_line(struct sc_buf *out, const struct roll *r, size_t i, bool inner)
{
    const struct line *line = &r->lines[i];
    for (size_t k = 0; k < line->count; k++) {
        if (inner && k > 0) {
            sc_buf_putc(out, '<');
            put_time(out, word_at(line, k), true);
            sc_buf_printf(out, "><c> %s</c>", line->words[k]);
        } else {
            sc_buf_printf(out, "%s%s", k == 0 ? "" : " ", line->words[k]);
        }
    }
    sc_buf_putc(out, '\n');
}

static void put_roll(struct sc_buf *out, const struct roll *r)
{
    sc_buf_puts(out, r->vtt ? "WEBVTT\n\n" : "");
    for (size_t i = 0; i < r->count; i++) {
        const struct line *line = &r->lines[i];
        int64_t end = line->end_ms - (r->holds ? 10 : 0);
        put_span(out, r, line->start_ms, end + (r->overlap && !r->holds ? 700 : 0));
        for (size_t k = i + 1 - SC_MIN(r->window, i + 1); k <= i; k++)
            put_line(out, r, k, r->inner && k == i);
        sc_buf_putc(out, '\n');
        if (!r->holds)
            continue;
        put_span(out, r, end, line->end_ms);
        for (size_t k = i + 1 - SC_MIN(SC_MAX(r->window, 2) - 1, i + 1); k <= i; k++)
            put_line(out, r, k, false);
        sc_buf_puts(out, r->window > 1 ? " \n\n" : "\n");
    }
}

static void check_line(const struct sc_segment *s, const struct roll *r, size_t i)
{
    const struct line *line = &r->lines[i];
    SC_AUTO_BUF text = { 0 };
    for (size_t k = 0; k < line->count; k++)
        sc_buf_printf(&text, "%s%s", k == 0 ? "" : " ", line->words[k]);
    assert_string_equal(s->text, sc_buf_text(&text));
    assert_int_equal(s->start_ms, line->start_ms);
    bool longer = i + 1 == r->count && r->overlap && !r->holds;
    assert_int_equal(s->end_ms, line->end_ms + (longer ? 700 : 0));
    assert_int_equal(s->word_count, r->inner && line->count > 1 ? line->count : 0);
    for (size_t k = 0; k < s->word_count; k++) {
        assert_string_equal(s->words[k].text, line->words[k]);
        assert_int_equal(s->words[k].start_ms, word_at(line, k));
        assert_true(k + 1 == s->word_count || s->words[k].end_ms == word_at(line, k + 1));
    }
}

static void any_text_that_was_rolled_up_comes_back(void **state)
{
    (void)state;
    struct dice d = { 20261122 };
    size_t rolled = 0;
    for (int round = 0; round < 1000; round++) {
        struct roll r;
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_READING read = { 0 };
        struct sc_error err = { 0 };
        make_roll(&d, &r);
        put_roll(&text, &r);
        assert_int_equal(
            read_rolling(r.vtt ? "vtt" : "srt", sc_buf_str(&text), SC_ROLLING_AUTO, &read, &err),
            SC_OK);
        if (read.segments.count != r.count)
            fail_msg("round %d: %zu segments of %zu lines:\n%s", round, read.segments.count,
                     r.count, sc_buf_text(&text));
        bool repeats = r.window > 1 || r.holds;
        assert_int_equal(read.collapsed, repeats);
        for (size_t i = 0; repeats && i < r.count; i++)
            check_line(&read.segments.items[i], &r, i);
        assert_int_equal(sc_segments_check(&read.segments, &err), SC_OK);
        rolled += repeats;
    }
    assert_true(rolled > 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_rolling_captions_repeat_is_left_out),
        TEST(what_is_said_again_stays),
        TEST(captions_of_equal_lines_are_read_back_as_they_were_written),
        TEST(any_text_that_was_rolled_up_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
