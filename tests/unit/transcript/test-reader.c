#include "transcript/reader.h"
#include "transcript/text.h"
#include "transcript/writer.h"

#include "random.h"
#include "reading.h"

#include "base/banned.h"

struct row {
    const char *what, *format, *text;
    const char *expected; /* NULL: refused, and the message is `says` */
    const char *says;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SC_AUTO_READING read = { 0 };
        SC_AUTO_BUF got = { 0 };
        struct sc_error err = { 0 };
        enum sc_code code = sc_format_read(rows[i].format, sc_str_from(rows[i].text), &read, &err);
        if (rows[i].expected == NULL) {
            assert_int_equal(code, SC_E_INVALID_VALUE);
            assert_string_equal(err.msg, rows[i].says);
            assert_string_equal(err.field, "text");
            continue;
        }
        if (code != SC_OK)
            fail_msg("%s: %s", rows[i].what, err.msg);
        dump(&read, &got);
        if (strcmp(sc_buf_text(&got), rows[i].expected) != 0)
            fail_msg("%s: read as\n%s", rows[i].what, sc_buf_text(&got));
        assert_int_equal(sc_segments_check(&read.segments, &err), SC_OK);
    }
}

static void srt_is_read_as_tools_write_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "plain", "srt",
          "1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n\n2\n00:01:00,000 --> "
          "01:00:00,000\nBye\n\n",
          "1000 2500 Hello there\n60000 3600000 Bye\n", NULL },
        { "byte order mark, CRLF, no last line end", "srt",
          "\xef\xbb\xbf"
          "1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n\r\n2\r\n00:00:03,000 --> "
          "00:00:04,000\r\nyou",
          "1000 2000 Hi\n3000 4000 you\n", NULL },
        { "CR alone", "srt", "1\r00:00:01,000 --> 00:00:02,000\rHi\r\r", "1000 2000 Hi\n", NULL },
        { "no numbers, points, no hours, no fraction, spaces", "srt",
          " 0:01.5  -->  00:02 \nHi\n\n00:03,25-->00:04.1234\nyou\n",
          "1500 2000 Hi\n3250 4123 you\n", NULL },
        { "a short arrow and seconds alone", "srt", "1.5 -> 2.25\nHi\n", "1500 2250 Hi\n", NULL },
        { "layout behind the times", "srt",
          "1\n00:00:01,000 --> 00:00:02,000 X1:40 X2:600 Y1:20 Y2:50\nHi\n", "1000 2000 Hi\n",
          NULL },
        { "styling", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>Hi</i> <font color=\"#fff\">you</font> "
          "<b>a<B> < b & <x> {c} &amp;\n",
          "1000 2000 Hi you a < b & <x> {c} &amp;\n", NULL },
        { "text with an empty line stays whole, also one that is a number", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\nfirst\n\nsecond\n42\n\n2\n00:00:03,000 --> "
          "00:00:04,000\nthird\n",
          "1000 2000 first second 42\n3000 4000 third\n", NULL },
        { "no empty line between the cues", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\nfirst\n2\n00:00:03,000 --> 00:00:04,000\nsecond\n",
          "1000 2000 first\n3000 4000 second\n", NULL },
        { "an arrow in the text", "srt", "1\n00:00:01,000 --> 00:00:02,000\na --> b\n",
          "1000 2000 a --> b\n", NULL },
        { "cues without text are left out", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\n<i></i>\n\n3\n"
          "00:00:05,000 --> 00:00:06,000\nHi\n",
          "5000 6000 Hi\n", NULL },
        { "times that run backwards", "srt",
          "1\n00:00:05,000 --> 00:00:04,000\nlate\n\n2\n00:00:01,000 --> 00:00:02,000\nearly\n",
          "1000 2000 early\n5000 5000 late\n", NULL },
        { "an arrow that nobody reads", "srt", "1\n00:00:05,000 → 00:00:06,000\nHi\n", NULL,
          "line 2: '00:00:05,000 → 00:00:06,000' is no pair of times; write it as 00:00:01.000 --> "
          "00:00:02.500" },
        { "SubViewer's times", "srt",
          "0:00:00.599,0:00:02.160\nhi you\n\n0:00:02.160,0:00:04.770\n1.5,2.5\n10:30,11:45\n",
          "599 2160 hi you\n2160 4770 1.5,2.5 10:30,11:45\n", NULL },
        { "two times in a text", "srt", "1\n00:01,000 --> 00:02,000\n10:30 - 11:45\n",
          "1000 2000 10:30 - 11:45\n", NULL },
        { "signs of scripts without spaces are joined without one", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\n会議\nです \n。a\nb\n", "1000 2000 会議です 。a b\n",
          NULL },
        { "control signs", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\na\x01"
          "b\x0c\n",
          "1000 2000 a b\n", NULL },
        { "nothing", "srt", "\n \n", "", NULL },
        { "text without times", "srt", "\nHello\nthere\n", NULL,
          "line 2: 'Hello' stands in front of any times, so belongs to no cue" },
        { "broken times", "srt",
          "1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n00:00:0x --> 00:00:04\n", NULL,
          "line 6: '00:00:0x --> 00:00:04' is no pair of times; write it as 00:00:01.000 --> "
          "00:00:02.500" },
        { "times before the beginning", "srt", "1\n-00:00:01,000 --> 00:00:02,000\nHi\n", NULL,
          "line 2: '-00:00:01,000 --> 00:00:02,000' is no pair of times; write it as 00:00:01.000 "
          "--> 00:00:02.500" },
        { "no recording is so long", "srt", "99999999999:00:00,000 --> 00:00:02,000\nHi\n", NULL,
          "line 1: '99999999999:00:00,000 --> 00:00:02,000' is no pair of times; write it as "
          "00:00:01.000 --> 00:00:02.500" },
        { "bad UTF-8", "srt", "1\n00:00:01,000 --> 00:00:02,000\nH\xe9llo\n", NULL,
          "line 3, byte 2: 0xE9 is no UTF-8 there; save the text as UTF-8" },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void vtt_is_read_as_tools_write_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "plain, with names, settings, notes and styles", "vtt",
          "WEBVTT - a title\nKind: captions\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000\n\nSTYLE\n"
          "::cue { color: red }\n\nNOTE\nnothing\nto see\n\nNOTE one line\n\nREGION\nid:a\n\n"
          "intro part\n00:01.000 --> 00:02.500 align:start position:10%\nHello\nthere\n\n"
          "00:00:03.000 --> 00:00:04.000\nBye\n",
          "1000 2500 Hello there\n3000 4000 Bye\n", NULL },
        { "entities and tags", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n<c.red>a</c> &lt;b&gt; &amp;amp; &nbsp;x "
          "&#39;&#x263a; "
          "&bogus; &#xd800; <lang en>q</lang> <unknown>r a<b\n",
          "1000 2000 a <b> &amp; \xc2\xa0x '\xe2\x98\xba &bogus; &#xd800; q r a<b\n", NULL },
        { "voices", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann &amp; Bo>Hi\n\n00:02.000 --> 00:04.000\n"
          "<v.loud Ann>ab</v>\n<v Bo>cdefgh</v>\n",
          "1000 2000 [Ann & Bo] Hi\n2000 2500 [Ann] ab\n2500 4000 [Bo] cdefgh\n", NULL },
        { "times of words", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:03.000\nfirst <00:01.500>second<00:02.000><c> third "
          "fourth</c>\n",
          "1000 3000 first second third fourth\n  1000 1500 first\n  1500 2000 second\n"
          "  2000 2454 third\n  2454 3000 fourth\n",
          NULL },
        { "how signs are read", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n<ruby>漢<rt>kan</rt>字<rt>ji</ruby>です "
          "<ruby>a<rt>b\n",
          "1000 2000 漢(kan)字(ji)です a(b)\n", NULL },
        { "a space that does not break", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n&nbsp;\n\n00:02.000 --> 00:03.000\n \u00a0\nHi\n"
          "&nbsp;\n",
          "2000 3000 Hi\n", NULL },
        { "no empty line behind the header", "vtt", "WEBVTT\n00:01.000 --> 00:02.000\nHi\n",
          "1000 2000 Hi\n", NULL },
        { "empty", "vtt", "", "", NULL },
        { "no cues", "vtt", "WEBVTT\n\n", "", NULL },
        { "not WebVTT", "vtt", "1\n00:01.000 --> 00:02.000\nHi\n", NULL,
          "line 1: '1' is not WEBVTT, with which such a text begins" },
        { "nearly WebVTT", "vtt", "WEBVTTX\n\n", NULL,
          "line 1: 'WEBVTTX' is not WEBVTT, with which such a text begins" },
        { "text without times", "vtt", "WEBVTT\n\nlost words\n", NULL,
          "line 3: 'lost words' stands in front of any times, so belongs to no cue" },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void json_of_every_dialect_is_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "ours", "json",
          "{\"id\":1,\"job_id\":\"x\",\"version\":1,\"language\":\"en\",\"text\":\"Hi you\","
          "\"segments\":[{\"id\":7,\"start\":1.000,\"end\":2.500,\"text\":\" Hi you\",\"speaker\":"
          "\"1\",\"confidence\":0.5,\"words\":[{\"word\":\"Hi\",\"start\":1.0,\"end\":1.5},"
          "{\"word\":\"you\",\"start\":1.5,\"end\":2.5}]}]}",
          "1000 2500 [1]  Hi you\n  1000 1500 Hi\n  1500 2500 you\n", NULL },
        { "OpenAI json", "json", "{\"text\":\"Hello there.\\nBye.\",\"usage\":{}}",
          "0 0 Hello there.\n0 0 Bye.\n", NULL },
        { "OpenAI verbose_json with words beside the segments", "json",
          "{\"task\":\"transcribe\",\"language\":\"english\",\"duration\":3.5,\"text\":\"a b c\","
          "\"segments\":[{\"id\":0,\"start\":0.0,\"end\":1.0,\"text\":\" a "
          "b\",\"avg_logprob\":-0.5,"
          "\"tokens\":[1,2]},{\"id\":1,\"start\":1.0,\"end\":2.0,\"text\":\" c\"}],"
          "\"words\":[{\"word\":\"a\",\"start\":0,\"end\":0.4},{\"word\":\"b\",\"start\":0.4,"
          "\"end\":1.1},{\"word\":\"c\",\"start\":1.2,\"end\":2}]}",
          "0 1100 a b\n  0 400 a\n  400 1100 b\n1000 2000 c\n  1200 2000 c\n", NULL },
        { "words beside a segment that has no end and says another", "json",
          "{\"segments\":[{\"start\":0,\"text\":\" a c\"}],\"words\":[{\"word\":\"a\",\"start\":0,"
          "\"end\":0.4},{\"word\":\"b\",\"start\":0.4,\"end\":1.1}]}",
          "0 1100 a c\n  0 400 a\n  400 1100 c\n", NULL },
        { "OpenAI diarized_json", "json",
          "{\"text\":\"x\",\"segments\":[{\"type\":\"transcript.text.segment\",\"id\":\"seg_1\","
          "\"start\":0,\"end\":4.7,\"text\":\"x\",\"speaker\":\"agent\"}]}",
          "0 4700 [agent] x\n", NULL },
        { "whisper.cpp with tokens", "json",
          "{\"systeminfo\":\"\",\"result\":{\"language\":\"en\"},\"transcription\":[{"
          "\"timestamps\":"
          "{\"from\":\"00:00:00,000\",\"to\":\"00:00:03,000\"},\"offsets\":{\"from\":0,\"to\":3000}"
          ","
          "\"text\":\" And "
          "sew\",\"tokens\":[{\"text\":\"[_BEG_]\",\"offsets\":{\"from\":0,\"to\":0},"
          "\"p\":0.9},{\"text\":\" "
          "And\",\"offsets\":{\"from\":320,\"to\":370},\"p\":0.7},{\"text\":"
          "\" s\",\"offsets\":{\"from\":370,\"to\":530},\"p\":0.6},{\"text\":\"ew\",\"offsets\":"
          "{\"from\":530,\"to\":600},\"p\":0.6}]}]}",
          "0 3000 And sew\n  320 370 And\n  370 600 sew\n", NULL },
        { "whisper.cpp, a script without spaces, a sign cut between tokens", "json",
          "{\"transcription\":[{\"offsets\":{\"from\":0,\"to\":900},\"text\":\"会議\",\"tokens\":["
          "{\"text\":\"会\",\"offsets\":{\"from\":0,\"to\":400}},{\"text\":\"議\",\"offsets\":"
          "{\"from\":400,\"to\":900}}]},{\"offsets\":{\"from\":900,\"to\":1900},\"text\":\"議\","
          "\"tokens\":[{\"text\":\"\xe8\xad\",\"offsets\":{\"from\":900,\"to\":950}},{\"text\":"
          "\"\xb0\",\"offsets\":{\"from\":950,\"to\":1900}}]}]}",
          "0 900 会議\n  0 400 会\n  400 900 議\n900 1900 議\n", NULL },
        { "WhisperX, a word without times", "json",
          "{\"segments\":[{\"start\":0.1,\"end\":2,\"text\":\" in 2024 now\",\"words\":[{\"word\":"
          "\"in\",\"start\":0.1,\"end\":0.3,\"score\":0.9},{\"word\":\"2024\"},{\"word\":\"now\","
          "\"start\":1,\"end\":2,\"score\":1.0}],\"speaker\":\"SPEAKER_00\"}],\"word_segments\":[]"
          "}",
          "100 2000 [SPEAKER_00] in 2024 now\n  100 300 in\n  300 300 2024\n  1000 2000 now\n",
          NULL },
        { "Hugging Face, the last without end", "json",
          "{\"text\":\"a b\",\"chunks\":[{\"timestamp\":[0.0,1.5],\"text\":\" a\"},{\"timestamp\":"
          "[1.5,null],\"text\":\" b\"}]}",
          "0 1500 a\n1500 1565 b\n", NULL },
        { "Vosk", "json",
          "{\"result\":[{\"conf\":1.0,\"end\":0.5,\"start\":0.1,\"word\":\"hello\"},{\"conf\":0.5,"
          "\"end\":0.9,\"start\":0.5,\"word\":\"you\"}],\"text\":\"hello you\"}",
          "100 900 hello you\n  100 500 hello\n  500 900 you\n", NULL },
        { "a list", "json",
          "[{\"start\":\"00:00:01.5\",\"end\":\"00:02\",\"text\":\"a\"},{\"start\":3,\"text\":"
          "\"b\"},"
          "{\"start\":4,\"end\":5,\"text\":\"c\"}]",
          "1500 2000 a\n3000 4000 b\n4000 5000 c\n", NULL },
        { "backwards", "json",
          "[{\"start\":5,\"end\":4,\"text\":\"b\"},{\"start\":-0.02,\"end\":1,\"text\":\"a\"}]",
          "0 1000 a\n5000 5000 b\n", NULL },
        { "without ends, with words of two who speak at once", "json",
          "[{\"start\":0,\"text\":\"one two\",\"words\":[{\"word\":\"one\",\"start\":0,\"end\":1},{"
          "\"word\":\"two\",\"start\":4,\"end\":5}]},{\"start\":2,\"text\":\"hm\",\"words\":[{"
          "\"word\":\"hm\",\"start\":2,\"end\":3}]}]",
          "0 5000 one two\n  0 1000 one\n  4000 5000 two\n2000 3000 hm\n  2000 3000 hm\n", NULL },
        { "two without end begin at once", "json",
          "[{\"start\":1,\"text\":\"a\"},{\"start\":1,\"text\":\"b\"},{\"start\":3,\"text\":\"c\"},"
          "{\"start\":2,\"text\":\"d\"}]",
          "1000 2000 a\n1000 2000 b\n2000 3000 d\n3000 3065 c\n", NULL },
        { "silence", "json", "{\"text\":\"\",\"segments\":[]}", "", NULL },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void json_of_no_dialect_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "nothing known", "json", "{\"a\":1}", NULL,
          "the JSON holds no segments, no words and no text that are known here; have its program "
          "write srt, vtt or csv, or a list of {start, end, text}" },
        { "a number", "json", "[1]", NULL,
          "segment 1 is no object and no list of start, end and text" },
        { "no start", "json", "[{\"text\":\"a\",\"end\":1}]", NULL,
          "segment 1 has no start; name it 'start', in seconds" },
        { "no time", "json", "[{\"text\":\"a\",\"start\":\"soon\"}]", NULL,
          "segment 1 has a time that is no number of seconds" },
        { "no word", "json",
          "{\"segments\":[{\"start\":0,\"end\":1,\"text\":\"a\",\"words\":[{}]}]}", NULL,
          "segment 1 word 1 has no text; name it 'word' or 'text'" },
        { "text of another type", "json", "[{\"start\":0,\"end\":1,\"text\":5}]", NULL,
          "segment 1 has a text that is no text" },
        { "too late", "json", "[{\"start\":1e300,\"end\":1,\"text\":\"a\"}]", NULL,
          "segment 1 has a time that is no number of seconds" },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
    SC_AUTO_READING read = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_format_read("json", SC_STR("{\n\"text\":"), &read, &err),
                     SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "line 2"));
}

static void lines_with_their_times_are_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "as Whisper prints them", "txt",
          "[00:00.000 --> 00:02.000]  Hi you\r\n\n[00:02.000 --> 01:00:04.500]  And  me\n"
          "[00:05.000 --> 00:06.000]\n",
          "0 2000 Hi you\n2000 3604500 And me\n", NULL },
        { "no colon, and a fraction cut short", "txt",
          "[1.250 --> 2.500] a\n[00:01.25 --> 00:02.50] b\n",
          "0 0 [1.250 --> 2.500] a\n0 0 [00:01.25 --> 00:02.50] b\n", NULL },
        { "one has none", "txt", "[00:00.000 --> 00:02.000]  Hi\nyou\n",
          "0 0 [00:00.000 --> 00:02.000] Hi\n0 0 you\n", NULL },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void times_that_stay_words_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t clocks;
    } rows[] = {
        { "Ann Miller  0:01  \nHi you\n\nBob (00:03):\nAnd me\n", 2 },
        { "[00:00:01] Ann: Hi\n(0:03) so\n", 2 },
        { "It is 10.30\n10:30 it was\n[so] 5\n:\n", 0 },
        { "[00:00.000 --> 00:02.000]  Hi\n", 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        assert_int_equal(sc_format_read("txt", sc_str_from(rows[i].text), &read, NULL), SC_OK);
        if (read.doubts.clocks != rows[i].clocks)
            fail_msg("%s: %zu", rows[i].text, read.doubts.clocks);
    }
}

static void headings_tell_who_speaks_and_since_when(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected; /* NULL: lines like any other */
    } rows[] = {
        { "Ann Miller  0:12  \r\nHi you\r\n\r\nBob K.\t1:02:03\r\nAnd me.\r\nSo\r\n",
          "12000 3723000 [Ann Miller] Hi you\n3723000 3723650 [Bob K.] And me. So\n" },
        { "\n  Speaker 1 (00:03):\nHi\n\n\nSpeaker 2 (00:03):\n会議\nです\nSpeaker 1 "
          "(59:59):\nso\n",
          "3000 3599000 [Speaker 1] Hi\n3000 3599000 [Speaker 2] 会議です\n"
          "3599000 3599130 [Speaker 1] so\n" },
        { "Ann  0:12\nHi\nBob  0:13\n10:30 it was\nat  10:3\nof  9:61\n",
          "12000 13000 [Ann] Hi\n13000 14820 [Bob] 10:30 it was at 10:3 of 9:61\n" },
        /* a single one, text in front, none below, of both ways, backwards */
        { "Meeting  10:30\nwho was there\n", NULL },
        { "Notes\nAnn  0:12\nHi\nBob  0:13\nHo\n", NULL },
        { "Ann  0:12\nBob  0:13\nHo\n", NULL },
        { "Ann  0:12\nHi\nBob  0:13\n", NULL },
        { "Ann  0:12\n\xe2\x80\x8b\nBob  0:13\nHo\n", NULL },
        { "Ann  0:12\nHi\nBob (0:13):\nHo\n", NULL },
        { "Ann  0:12\nHi\nBob  0:11\nHo\n", NULL },
        /* no names, no times */
        { "  0:12\nHi\n  0:13\nHo\n", NULL },
        { "It was late.  0:12\nHi\nIt was.  0:13\nHo\n", NULL },
        { "So: he came  0:12\nHi\nBob  0:13\nHo\n", NULL },
        { "Somebody who has a name of more than 48 bytes indeed  0:12\nHi\nBob  0:13\nHo\n", NULL },
        { "Ann 0:12\nHi\nBob 0:13\nHo\n", NULL },
        { "Ann  0:60\nHi\nBob  0:72\nHo\n", NULL },
        { "Ann  1:60:00\nHi\nBob  1:72:00\nHo\n", NULL },
        { "Ann  100:00\nHi\nBob  101:00\nHo\n", NULL },
        { "Ann (0:12)\nHi\nBob (0:13)\nHo\n", NULL },
        { "(0:12):\nHi\n(0:13):\nHo\n", NULL },
        { "Ann  12\nHi\nBob  ::13\nHo\n", NULL },
    };
    const struct sc_read_how how = { .headings = true };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        SC_AUTO_READING plain = { 0 };
        SC_AUTO_BUF got = { 0 };
        SC_AUTO_BUF as_it_is = { 0 };
        struct sc_str text = sc_str_from(rows[i].text);
        assert_int_equal(sc_format_read_as("txt", text, &how, &read, NULL), SC_OK);
        assert_int_equal(sc_format_read("txt", text, &plain, NULL), SC_OK);
        dump(&read, &got);
        dump(&plain, &as_it_is);
        const char *wanted = rows[i].expected == NULL ? sc_buf_text(&as_it_is) : rows[i].expected;
        if (strcmp(sc_buf_text(&got), wanted) != 0)
            fail_msg("%s: read as\n%s", rows[i].text, sc_buf_text(&got));
        assert_int_equal(read.timed, rows[i].expected != NULL);
        assert_int_equal(read.doubts.headings, read.timed ? read.segments.count : 0);
        assert_false(plain.timed);
    }
}

static void json_of_editors_and_services_is_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "Premiere", "json",
          "{\"language\":\"en-us\",\"segments\":[{\"start\":0.5,\"duration\":2.0,\"speaker\":"
          "\"u-1\",\"words\":[{\"start\":0.5,\"duration\":0.4,\"confidence\":0.9,\"eos\":false,"
          "\"text\":\"What\",\"type\":\"word\"},{\"start\":1.0,\"duration\":0.4,\"eos\":true,"
          "\"text\":\"now?\",\"type\":\"word\"}]},{\"start\":3,\"duration\":1,\"speaker\":\"u-2\","
          "\"words\":[{\"start\":3,\"duration\":1,\"text\":\"No.\"}]}],\"speakers\":[{\"id\":"
          "\"u-1\",\"name\":\"Ann\"},{\"id\":\"u-2\",\"name\":\"\"}]}",
          "500 2500 [Ann] What now?\n  500 900 What\n  1000 1400 now?\n"
          "3000 4000 [u-2] No.\n  3000 4000 No.\n",
          NULL },
        { "AssemblyAI, whole milliseconds", "json",
          "{\"text\":\"Row on. Yes.\",\"audio_duration\":3,\"words\":[{\"text\":\"Row\",\"start\":"
          "250,\"end\":650}],\"utterances\":[{\"start\":250,\"end\":900,\"text\":\"Row on.\","
          "\"speaker\":\"A\",\"words\":[{\"text\":\"Row\",\"start\":250,\"end\":650},{\"text\":"
          "\"on.\",\"start\":700,\"end\":900}]},{\"start\":1700,\"end\":1900,\"text\":\"Yes.\","
          "\"speaker\":\"B\"}]}",
          "250 900 [A] Row on.\n  250 650 Row\n  700 900 on.\n1700 1900 [B] Yes.\n", NULL },
        { "whole seconds", "json",
          "{\"segments\":[{\"start\":1,\"end\":9,\"text\":\"Om\",\"words\":[{\"word\":\"Om\","
          "\"start\":1,\"end\":9}]}]}",
          "1000 9000 Om\n  1000 9000 Om\n", NULL },
        { "Amazon Transcribe", "json",
          "{\"jobName\":\"j\",\"results\":{\"transcripts\":[{\"transcript\":\"Hi, "
          "you.\"}],\"items\":"
          "[{\"type\":\"pronunciation\",\"alternatives\":[{\"confidence\":\"0.99\",\"content\":"
          "\"Hi\"}],\"start_time\":\"0.0\",\"end_time\":\"0.4\"},{\"type\":\"punctuation\","
          "\"alternatives\":[{\"confidence\":\"0.0\",\"content\":\",\"}]},{\"type\":"
          "\"pronunciation\",\"alternatives\":[{\"content\":\"you\"}],\"start_time\":\"0.5\","
          "\"end_time\":\"0.9\"}],\"audio_segments\":[{\"id\":0,\"transcript\":\"Hi, you.\","
          "\"start_time\":\"0.0\",\"end_time\":\"0.9\",\"speaker_label\":\"spk_0\",\"items\":"
          "[0,1,2]}]}}",
          "0 900 [spk_0] Hi, you.\n  0 400 Hi\n  500 900 you\n", NULL },
        { "Deepgram's utterances", "json",
          "{\"results\":{\"channels\":[],\"utterances\":[{\"start\":0.1,\"end\":0.5,\"transcript\":"
          "\"hi you\",\"speaker\":0}]}}",
          "100 500 [0] hi you\n", NULL },
        { "Deepgram's utterances of two channels", "json",
          "{\"results\":{\"channels\":[{\"alternatives\":[]},{\"alternatives\":[]}],"
          "\"utterances\":[{\"start\":0.1,\"end\":0.5,\"channel\":1,\"transcript\":\"hi\"},"
          "{\"start\":0.3,\"end\":0.5,\"channel\":0,\"transcript\":\"you\",\"speaker\":0},"
          "{\"start\":0.4,\"end\":0.5,\"transcript\":\"all\"},{\"start\":0.5,\"end\":0.6,"
          "\"channel\":9223372036854775807,\"transcript\":\"none\"}]}}",
          "100 500 [2] hi\n300 500 [1.0] you\n400 500 all\n500 600 none\n", NULL },
        { "Deepgram's words, which stand beside their text", "json",
          "{\"metadata\":{\"channels\":1},\"results\":{\"channels\":[{\"alternatives\":[{"
          "\"transcript\":\"Hi, you. Bye\",\"confidence\":0.9,\"words\":[{\"word\":\"hi\","
          "\"start\":0.1,\"end\":0.5,\"confidence\":0.9,\"punctuated_word\":\"Hi,\"},{"
          "\"word\":\"you\",\"start\":0.5,\"end\":0.9,\"punctuated_word\":\"you.\"},{"
          "\"word\":\"bye\",\"start\":1,\"end\":1.4,\"punctuated_word\":\"Bye\"}]},{"
          "\"transcript\":\"something else\"}],\"detected_language\":\"en\"}]}}",
          "100 900 Hi, you.\n  100 500 Hi,\n  500 900 you.\n1000 1400 Bye\n  1000 1400 Bye\n",
          NULL },
        { "Deepgram's words, with speakers", "json",
          "{\"results\":{\"channels\":[{\"alternatives\":[{\"transcript\":\"hi you\","
          "\"words\":[{\"word\":\"hi\",\"start\":0.1,\"end\":0.5,\"speaker\":0},{\"word\":"
          "\"you\",\"start\":0.5,\"end\":0.9,\"speaker\":1}]}]}]}}",
          "100 500 [0] hi\n  100 500 hi\n500 900 [1] you\n  500 900 you\n", NULL },
        { "Deepgram's channels, one of which is silent", "json",
          "{\"results\":{\"channels\":[{\"alternatives\":[{\"transcript\":\"so. well\","
          "\"words\":[{\"word\":\"so.\",\"start\":1,\"end\":1.5},{\"word\":\"well\","
          "\"start\":3,\"end\":3.5}]}]},{\"alternatives\":[{\"transcript\":\"\",\"words\":[]}]},"
          "{\"alternatives\":[{\"transcript\":\"yes no\",\"words\":[{\"word\":\"yes\","
          "\"start\":2,\"end\":2.5,\"speaker\":0},{\"word\":\"no\",\"start\":4,\"end\":4.5,"
          "\"speaker\":1}]}]}]}}",
          "1000 1500 [1] so.\n  1000 1500 so.\n2000 2500 [3.0] yes\n  2000 2500 yes\n"
          "3000 3500 [1] well\n  3000 3500 well\n4000 4500 [3.1] no\n  4000 4500 no\n",
          NULL },
        { "channels without times", "json",
          "{\"results\":{\"channels\":[{\"alternatives\":[{\"transcript\":\"\"}]},{"
          "\"alternatives\":[{\"transcript\":\"hi\"}]}]}}",
          NULL, "channel 2: its text has no words with times" },
        { "channels of another kind", "json", "{\"channels\":[1],\"text\":\"hi you\"}",
          "0 0 hi you\n", NULL },
        { "a word of a channel without a time", "json",
          "{\"results\":{\"channels\":[{\"alternatives\":[{\"words\":[{\"word\":\"hi\","
          "\"start\":\"x\"}]}]}]}}",
          NULL, "channel 1: word 1 has a time that is no number of seconds" },
        { "a list with lengths", "json",
          "[{\"text\":\"hi\",\"start\":0.5,\"duration\":1.5},{\"text\":\"you\",\"startMs\":2500,"
          "\"endMs\":3000},{\"text\":\"all\",\"start\":4,\"duration\":null}]",
          "500 2000 hi\n2500 3000 you\n4000 4195 all\n", NULL },
        { "a length that is none", "json", "[{\"text\":\"hi\",\"start\":0.5,\"duration\":\"x\"}]",
          NULL, "segment 1 has a time that is no number of seconds" },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void words_without_segments_become_sentences(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "OpenAI, asked for words", "json",
          "{\"task\":\"transcribe\",\"duration\":9.0,\"text\":\"Hello \\\"there.\\\" (How) are "
          "you? "
          "- so\",\"words\":[{\"word\":\"Hello\",\"start\":0,\"end\":0.4},{\"word\":\"there\","
          "\"start\":0.4,\"end\":0.8},{\"word\":\"How\",\"start\":1,\"end\":1.2},{\"word\":\"are\","
          "\"start\":1.2,\"end\":1.4},{\"word\":\"you\",\"start\":1.4,\"end\":2},{\"word\":\"so\","
          "\"start\":2,\"end\":2.2}]}",
          "0 800 Hello \"there.\"\n  0 400 Hello\n  400 800 there\n"
          "1000 2000 (How) are you?\n  1000 1200 How\n  1200 1400 are\n  1400 2000 you\n"
          "2000 2200 - so\n  2000 2200 so\n",
          NULL },
        { "Hugging Face, asked for words", "json",
          "{\"text\":\" One two. Three four five\",\"chunks\":[{\"text\":\" "
          "One\",\"timestamp\":[0,0.4]},"
          "{\"text\":\" two.\",\"timestamp\":[0.4,0.8]},{\"text\":\" "
          "Three\",\"timestamp\":[1,1.5]},"
          "{\"text\":\" four\",\"timestamp\":[3.5,4]},{\"text\":\" five\",\"timestamp\":[4,4.5]}]}",
          "0 800 One two.\n  0 400 One\n  400 800 two.\n1000 1500 Three\n  1000 1500 Three\n"
          "3500 4500 four five\n  3500 4000 four\n  4000 4500 five\n",
          NULL },
        { "chunks of one word each, but few", "json",
          "{\"text\":\" a b\",\"chunks\":[{\"text\":\" a\",\"timestamp\":[0,1]},{\"text\":\" b\","
          "\"timestamp\":[1,2]}]}",
          "0 1000 a\n1000 2000 b\n", NULL },
        { "words with their speakers", "json",
          "{\"text\":\"Hi you. No\",\"words\":[{\"text\":\"Hi\",\"start\":0.1,\"end\":0.3,\"type\":"
          "\"word\",\"speaker_id\":\"s0\"},{\"text\":\" \",\"start\":0.3,\"end\":0.4,\"type\":"
          "\"spacing\",\"speaker_id\":\"s0\"},{\"text\":\"you.\",\"start\":0.4,\"end\":0.8,"
          "\"speaker_id\":\"s0\"},{\"text\":\"No\",\"start\":0.9,\"end\":1.2,\"speaker_id\":\"s1\"}"
          "]}",
          "100 800 [s0] Hi you.\n  100 300 Hi\n  400 800 you.\n900 1200 [s1] No\n"
          "  900 1200 No\n",
          NULL },
        { "whole milliseconds, one speaker", "json",
          "{\"text\":\"Row on. "
          "Yes\",\"utterances\":null,\"words\":[{\"text\":\"Row\",\"start\":250,"
          "\"end\":650,\"speaker\":null},{\"text\":\"on.\",\"start\":700,\"end\":900},{\"text\":"
          "\"Yes\",\"start\":1700,\"end\":1900}]}",
          "250 900 Row on.\n  250 650 Row\n  700 900 on.\n1700 1900 Yes\n  1700 1900 Yes\n", NULL },
        { "signs without spaces", "json",
          "{\"text\":\"会議です。次は\",\"words\":[{\"word\":\"会議\",\"start\":0,\"end\":1},{"
          "\"word\":"
          "\"です\",\"start\":1,\"end\":2},{\"word\":\"次\",\"start\":2,\"end\":3},{\"word\":"
          "\"は\","
          "\"start\":3,\"end\":4}]}",
          "0 2000 会議です。\n  0 1000 会議\n  1000 2000 です\n2000 4000 次は\n  2000 3000 次\n"
          "  3000 4000 は\n",
          NULL },
        { "one utterance with its times", "json",
          "{\"start\":0,\"end\":3,\"text\":\"A. "
          "B.\",\"words\":[{\"word\":\"A.\",\"start\":0,\"end\":"
          "1},{\"word\":\"B.\",\"start\":1,\"end\":2}]}",
          "0 3000 A. B.\n  0 1000 A.\n  1000 2000 B.\n", NULL },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

/* Behind 20 s a short pause will do. */
static void long_speech_is_cut_at_shorter_pauses(void **state)
{
    (void)state;
    SC_AUTO_BUF json = { 0 };
    SC_AUTO_READING read = { 0 };
    sc_buf_puts(&json, "{\"words\":[");
    for (int i = 0; i < 60; i++)
        sc_buf_printf(&json, "%s{\"word\":\"w%d\",\"start\":%d.0,\"end\":%d.5}", i == 0 ? "" : ",",
                      i, i, i);
    sc_buf_puts(&json, "]}");
    assert_int_equal(sc_format_read("json", sc_buf_str(&json), &read, NULL), SC_OK);
    assert_int_equal(read.segments.count, 3);
    assert_int_equal(read.segments.items[0].end_ms, 20500);
    assert_int_equal(read.segments.items[1].start_ms, 21000);
    assert_int_equal(sc_segments_check(&read.segments, NULL), SC_OK);
}

static void a_segment_of_json_is_one_line(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "others'", "json",
          "[{\"start\":1,\"end\":3,\"text\":\" line one\\nline "
          "two\\ttab\\u0007\"},{\"start\":4,\"end\":5,"
          "\"text\":\"\\u2028sep\\u0085nel\\rcr\",\"words\":[{\"word\":\"\\nsep\",\"start\":4,"
          "\"end\":4.5},"
          "{\"word\":\"nel\\ncr\",\"start\":4.5,\"end\":5}]},[6,7,\"a\\nb\"]]",
          "1000 3000 line one line two tab\n4000 5000 sep nel cr\n  4000 4500 sep\n"
          "  4500 5000 nel cr\n6000 7000 a b\n",
          NULL },
        { "ours", "json",
          "{\"job_id\":null,\"version\":1,\"segments\":[{\"start\":1,\"end\":2,\"text\":\"a\\nb\"}]"
          "}",
          "1000 2000 a\nb\n", NULL },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void lists_of_start_end_and_text_are_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "lists of start, end and text", "json",
          "[[0, 1.5, \" a\"], [\"00:01.5\", null, \"b\"], [2, 3, \" \"], [3, 4, \"c\"]]",
          "0 1500 a\n1500 3000 b\n3000 4000 c\n", NULL },
        { "lists of other things", "json", "[[0, 1, \"a\"], [1, \"a\"]]", NULL,
          "segment 2 is a list of other things than start, end and text" },
        { "a list without a text", "json", "[[0, 1, 2]]", NULL,
          "segment 1 is a list of other things than start, end and text" },
        { "a list without a start", "json", "[[null, 1, \"a\"]]", NULL,
          "segment 1 is a list of other things than start, end and text" },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

static void the_header_of_webvtt_tells_the_language(void **state)
{
    (void)state;
    static const struct {
        const char *text, *language;
    } rows[] = {
        { "WEBVTT\nKind: captions\nLanguage: de\n\n00:01.000 --> 00:02.000\nHallo\n", "de" },
        { "WEBVTT\r\nLanguage:pt-BR \r\n00:01.000 --> 00:02.000\r\nOi\r\n", "pt-BR" },
        { "WEBVTT\nLanguage:\n\n00:01.000 --> 00:02.000\nHi\n", "" },
        { "WEBVTT\nLanguage: longer than the name of any language\n\n", "" },
        { "WEBVTT\n\n00:01.000 --> 00:02.000\nLanguage: de\n", "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        assert_int_equal(sc_format_read("vtt", sc_str_from(rows[i].text), &read, NULL), SC_OK);
        assert_string_equal(read.language, rows[i].language);
    }
}

/* backwards, early, outside, moved; and whether the last one has no end */
static void what_times_leave_in_doubt_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *format, *text;
        size_t backwards, early, outside, moved;
        bool open;
    } rows[] = {
        { "json", "[{\"start\":0,\"end\":1,\"text\":\"a\"}]", 0, 0, 0, 0, false },
        { "json", "[{\"start\":5,\"end\":2,\"text\":\"a\"},{\"start\":6,\"end\":7,\"text\":\"b\"}]",
          1, 0, 0, 0, false },
        { "json", "[{\"start\":-1,\"end\":2,\"text\":\"a\"}]", 0, 1, 0, 0, false },
        { "json", "[{\"start\":-0.02,\"end\":2,\"text\":\"a\"}]", 0, 0, 0, 0, false },
        { "json", "[[5,2,\"a\"],[-3,1,\"b\"]]", 1, 1, 0, 1, false },
        { "json",
          "[{\"start\":1,\"end\":2,\"text\":\"a "
          "b\",\"words\":[{\"word\":\"a\",\"start\":5,\"end\":6},"
          "{\"word\":\"b\",\"start\":6,\"end\":8}]}]",
          0, 0, 1, 0, false },
        { "json",
          "[{\"start\":1,\"end\":4,\"text\":\"a "
          "b\",\"words\":[{\"word\":\"a\",\"start\":3,\"end\":4},"
          "{\"word\":\"b\",\"start\":1,\"end\":2}]}]",
          1, 0, 0, 0, false },
        { "json",
          "[{\"start\":1,\"end\":4,\"text\":\"a\",\"words\":[{\"word\":\"a\",\"start\":3,\"end\":2}"
          "]}]",
          1, 0, 0, 0, false },
        { "json",
          "{\"segments\":[{\"start\":0,\"end\":2,\"text\":\"a\"}],\"words\":[{\"word\":\"a\","
          "\"start\":-1,"
          "\"end\":-2}]}",
          0, 1, 0, 0, false },
        { "json", "{\"chunks\":[{\"timestamp\":[2.0,null],\"text\":\"a\"}]}", 0, 0, 0, 0, true },
        { "srt", "0:08 --> 0:07\nHi\n\n0:09 --> 0:08\n\n", 1, 0, 0, 0, false },
        { "vtt", "WEBVTT\n\n00:03.000 --> 00:02.000\n<v A>a\n<v B>b\n", 1, 0, 0, 0, false },
        { "vtt", "WEBVTT\n\n00:03.000 --> 00:04.000\na <00:09.000>b\n", 0, 0, 1, 0, false },
        { "vtt", "WEBVTT\n\n00:03.000 --> 00:04.000\na\n\n00:01.000 --> 00:02.000\nb\n", 0, 0, 0, 1,
          false },
        { "csv", "start,end,text\n2.0,1.0,a\n3.0,4.0,b\n", 1, 0, 0, 0, false },
        { "csv", "start,text\n2.0,a\n3.0,b\n", 0, 0, 0, 0, true },
        { "csv", "text\na\n", 0, 0, 0, 0, false },
        { "txt", "a\n", 0, 0, 0, 0, false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        struct sc_error err = { 0 };
        assert_int_equal(sc_format_read(rows[i].format, sc_str_from(rows[i].text), &read, &err),
                         SC_OK);
        const struct sc_read_doubts *d = &read.doubts;
        if (d->backwards != rows[i].backwards || d->early != rows[i].early ||
            d->outside != rows[i].outside || d->moved != rows[i].moved || read.open != rows[i].open)
            fail_msg("%s: %zu %zu %zu %zu %d", rows[i].text, d->backwards, d->early, d->outside,
                     d->moved, read.open);
        assert_int_equal(sc_segments_check(&read.segments, &err), SC_OK);
    }
}

static void a_last_segment_without_end_lasts_until_the_recording_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t length_ms, end_ms;
    } rows[] = {
        { "[{\"start\":2,\"text\":\"abcd\"}]", 12000, 12000 },
        { "[{\"start\":2,\"text\":\"abcd\"}]", -1, 2260 },      /* not known */
        { "[{\"start\":13,\"text\":\"abcd\"}]", 12000, 13260 }, /* behind it */
        { "[{\"start\":2,\"end\":3,\"text\":\"abcd\"}]", 12000, 3000 },
        { "[]", 12000, 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        assert_int_equal(sc_format_read("json", sc_str_from(rows[i].text), &read, NULL), SC_OK);
        sc_reading_end_at(&read, rows[i].length_ms);
        int64_t end = read.segments.count == 0 ? 0 : read.segments.items[0].end_ms;
        assert_int_equal(end, rows[i].end_ms);
    }
}

static void confidences_and_language_are_kept(void **state)
{
    (void)state;
    SC_AUTO_READING read = { 0 };
    static const char text[] =
        "{\"language\":\"en\",\"segments\":[{\"start\":0,\"end\":1,\"text\":\"a\",\"avg_logprob\":"
        "-0.693147,\"words\":[{\"word\":\" a\",\"start\":0,\"end\":1,\"probability\":0.25}]},"
        "{\"start\":1,\"end\":2,\"text\":\"b\",\"words\":[{\"word\":\"b\",\"start\":1,\"end\":2,"
        "\"score\":1.5}]},{\"start\":2,\"end\":3,\"text\":\"c\"}]}";
    assert_int_equal(sc_format_read("json", sc_str_from(text), &read, NULL), SC_OK);
    assert_string_equal(read.language, "en");
    assert_true(read.timed);
    const struct sc_segment *s = read.segments.items;
    assert_float_equal(s[0].confidence, 0.5, 0.001);
    assert_float_equal(s[0].words[0].confidence, 0.25, 0.001);
    assert_float_equal(s[1].confidence, 1, 0.001);
    assert_true(s[2].confidence < 0);
}

static void channels_that_take_turns_raise_no_doubt(void **state)
{
    (void)state;
    SC_AUTO_READING read = { 0 };
    static const char text[] =
        "{\"results\":{\"channels\":[{\"detected_language\":\"de\",\"alternatives\":[{"
        "\"transcript\":\"a c\",\"words\":[{\"word\":\"a\",\"start\":0,\"end\":0.5},{"
        "\"word\":\"c\",\"start\":4,\"end\":5,\"confidence\":0.25}]}]},{\"alternatives\":[{"
        "\"transcript\":\"b\",\"words\":[{\"word\":\"b\",\"start\":2,\"end\":3}]}]}]}}";
    assert_int_equal(sc_format_read("json", sc_str_from(text), &read, NULL), SC_OK);
    assert_string_equal(read.language, "de");
    assert_int_equal(read.segments.count, 3);
    assert_float_equal(read.segments.items[2].words[0].confidence, 0.25, 0.001);
    assert_int_equal(read.doubts.moved, 0);
}

static void no_speech_is_as_doubtful_as_both_signs_say(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        double no_speech; /* negative: unknown */
    } rows[] = {
        { "", -1 },
        { ",\"no_speech_prob\":0.75", 0.75 },
        { ",\"no_speech_prob\":0.9,\"avg_logprob\":-0.2", 0.181 }, /* sure of its words */
        { ",\"no_speech_prob\":0.9,\"avg_logprob\":-1.5", 0.777 },
        { ",\"no_speech_prob\":0.1,\"avg_logprob\":-1.5", 0.1 },
        { ",\"no_speech_prob\":1,\"avg_logprob\":0", 0 }, /* of a server that knows neither */
        { ",\"no_speech_prob\":7,\"avg_logprob\":-99", 1 },
        { ",\"no_speech_prob\":-3", 0 },
        { ",\"no_speech_prob\":null", -1 },
        { ",\"no_speech_prob\":\"x\"", -1 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        SC_AUTO_BUF text = { 0 };
        sc_buf_printf(&text, "{\"segments\":[{\"start\":0,\"end\":1,\"text\":\"a\"%s}]}",
                      rows[i].members);
        assert_int_equal(sc_format_read("json", sc_buf_str(&text), &read, NULL), SC_OK);
        assert_float_equal(read.segments.items[0].no_speech, rows[i].no_speech, 0.001);
    }
}

static void text_without_times_is_spread_over_a_span(void **state)
{
    (void)state;
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF got = { 0 };
    assert_int_equal(sc_format_read("txt", SC_STR("ab cd\r\n\n  efghi \n"), &read, NULL), SC_OK);
    assert_false(read.timed);
    assert_true(sc_segments_estimate_words(&read.segments));
    sc_segments_spread(&read.segments, 1000, 3000);
    dump(&read, &got);
    assert_string_equal(sc_buf_text(&got), "1000 2000 ab cd\n  1000 1500 ab\n  1500 2000 cd\n"
                                           "2000 3000 efghi\n  2000 3000 efghi\n");
}

static void utf16_is_converted(void **state)
{
    (void)state;
    static const char little[] = "\xff\xfe"
                                 "1\0.\0"
                                 "5\0-\0>\0"
                                 "2\0.\0"
                                 "5\0\n\0\x3d\xd8\x00\xde";
    static const char broken[] = "\xfe\xff\0\n\xd8\x3d\0a";
    static const char wide[] = "\xff\xfe\0\0a\0\0\0\n\0\0\0";
    SC_AUTO_READING read = { 0 };
    struct sc_error err = { 0 };
    struct sc_str text = { little, sizeof(little) - 1 };
    assert_int_equal(sc_format_read("srt", text, &read, &err), SC_OK);
    assert_string_equal(read.segments.items[0].text, "\xf0\x9f\x98\x80");
    text = (struct sc_str){ broken, sizeof(broken) - 1 };
    assert_int_equal(sc_format_read("srt", text, &read, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "line 2 is no valid UTF-16; save the text as UTF-8");
    assert_int_equal(read.segments.count, 1);         /* untouched by the failure */
    text = (struct sc_str){ wide, sizeof(wide) - 1 }; /* UTF-32 begins like UTF-16 */
    assert_int_equal(sc_format_read("txt", text, &read, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "line 1: a NUL, which no text has; save the text as UTF-8");
}

static void formats_are_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format;
    } rows[] = {
        { "\xef\xbb\xbfWEBVTT\n\n", "vtt" },
        { "\n1\n00:00:01,000 --> 00:00:02,000\nHi\n", "srt" },
        { " {\"text\": \"a\"}\n", "json" },
        { "{\"other\": 1}", "json" },
        { "[{\"start\":0,\"end\":1,\"text\":\"a\"}]", "json" },
        { "[{\"start\": NaN, \"end\": 1, \"text\": \"x\"}]", "json" },
        { "[{\"start\": 0, \"end\": 1, \"text\": \"cut o", "json" },
        { "[[{\"text\"", "json" },
        { "{ \"text\": \"cut o", "json" },
        { "[[Page]] of a wiki", "txt" },
        { "1\n-00:00:01,000 --> 00:00:02,000\nHi\n", "srt" },
        { "1\n00:00:01,000 --> -00:00:02,000\nHi\n", "srt" },
        { "1\n99999999999:00:00,000 --> 99999999999:00:01,000\nHi\n", "srt" },
        { "from A --> B, 10 --> twenty\n", "txt" },
        { "1\n00:00:01,000 -> 00:00:02,000\nHi\n", "srt" },
        { "\n00:00:01,000 -> 00:00:02,000\nHi\n", "srt" },
        { "1\n00:00:01,000 → 00:00:02,000\nHi\n", "srt" },
        { "Open:\n10:30 - 11:45\n", "txt" },
        { "We open 10:30 -> 11:45\n", "txt" },
        { "0,2000,\" hello cpp\"\n2000,3000,\"you\"\n", "csv" },
        { "0.5;1,25;hello\n", "csv" },
        { "0\t2000\thello\n", "tsv" },
        { "00:00:01.5,00:00:02,Ann,hello\n", "csv" },
        { "1, 2, buckle my shoe\n", "txt" },
        { "0, 2000, hello\n", "csv" },
        { "10,5,no times\n", "txt" },
        { "1,2\n", "txt" },
        { "[[1,2,\"x\"]]", "json" },
        { "[ [0.5, 2, \"cut o", "json" },
        { "[[1]] and [[2]] say so\n", "txt" },
        { "[Music]", "txt" },
        { "{inaudible", "txt" },
        { "Hello at 10:30\n", "txt" },
        { "", "txt" },
        { "\xff", "txt" },
        { "[ti:memo.wav]\n[re:Scripta]\n\n[00:04.00]Bob: Hi\n", "lrc" },
        { "[100:04.00]Hi\n\n[100:05.00]Ho\n", "lrc" },
        { "[00:04] Hi at 10.30\n", "txt" },
        { "[aside: he coughs]\nHi\n", "txt" },
        { "[Script Info]\r\nScriptType: v4.00+\r\n", "ass" },
        { "---\nfile: \"memo.wav\"\n---\n\n# memo.wav\n", "md" },
        { "`00:00:04` **Bob:** Hi\n", "md" },
        { "**Bob:** Hi\n", "md" },
        { "---\nHi: you\nHi\n---\n", "txt" },
        { "PK\x03\x04\x14", "docx" },
        { "<?xml version=\"1.0\"?>\n<tt>\n", "xml" },
        { "<tt xml:lang=\"en\">\n", "ttml" },
        { "<!doctype html>\n", "html" },
        { "<i>Hi</i> you\n", "txt" },
        { "{\\rtf1\\ansi Hi}", "rtf" },
        { "Scenarist_SCC V1.0\n\n00:00:01:00\t9420\n", "scc" },
        { "%PDF-1.7\n", "pdf" },
        { "{25}{50}Hi\n", "sub" },
        { "[10][20]Hi\n", "sub" },
        { "[10] and [20]\n", "txt" },
        { "00:00:00:05 - 00:00:02:12\nSpeaker 1\nHi\n", "text with frames in its times" },
        { "00:00:00;05 Hi\n", "text with frames in its times" },
        { "0:00:00.599,0:00:02.160\nHi\n", "srt" },
        { "[00:00.000 --> 00:02.000]  Hi\n", "txt" },
        { "Number,Start time in milliseconds,End time in milliseconds,Text\n", "csv" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_string_equal(sc_format_guess(sc_str_from(rows[i].text)), rows[i].format);
}

/* What we write we read, or know and refuse: it never becomes words. */
static void every_export_is_known(void **state)
{
    (void)state;
    static const char *const kinds[] = { "srt", "vtt", "csv", "tsv", "json",
                                         "lrc", "ass", "md",  "docx" };
    const struct sc_writer_meta meta = {
        .job_id = "j", .status = "complete", .language = "en", .file_name = "a.wav", .version = 1
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF text = { 0 };
        struct sc_segment *s = add_segment(&list, 1000, 100, "good morning");
        const struct sc_format *format = sc_format_find(kinds[i]);
        s->speaker = strdup("Ann");
        assert_int_equal(sc_format_to_buf(format, &list, &meta, NULL, &text, NULL), SC_OK);
        assert_string_equal(sc_format_guess(sc_buf_str(&text)), kinds[i]);
        assert_true(sc_format_is_read(kinds[i]) == (i < 5));
    }
}

static void brackets_are_paired_with_the_next_that_close(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "two that open, in front of and behind one that closes", "vtt",
          "WEBVTT\n\n00:01.000 --> 00:02.000\n> a <b<i>b</b> < c <i>d</i> <e\n",
          "1000 2000 > a b d <e\n", NULL },
        { "a '<' that is text, in SubRip", "srt",
          "0:01.0 --> 0:02\n1 < 2 <b>a</b> < <i>b</i> > <i {\\an8}c{\\d {\\e} {f} {\\g\n",
          "1000 2000 1 < 2 a < b > <i c {f} {\\g\n", NULL },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

/* Each such sign looked for its end in all that follows once: hours, for a text as long as this. */
static void brackets_that_nothing_closes_are_text(void **state)
{
    (void)state;
    static const struct {
        const char *format, *head, *sign, *end;
    } rows[] = {
        { "vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n", "<", "" },
        { "srt", "0:01.0 --> 0:02\n", "<", "" },
        { "srt", "0:01.0 --> 0:02\n", "<", "x>" },
        { "srt", "0:01.0 --> 0:02\n", "{\\", "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_READING read = { 0 };
        sc_buf_puts(&text, rows[i].head);
        for (size_t n = 0; n < 4 << 20; n++)
            sc_buf_puts(&text, rows[i].sign);
        sc_buf_puts(&text, rows[i].end);
        assert_int_equal(sc_format_read(rows[i].format, sc_buf_str(&text), &read, NULL), SC_OK);
        assert_int_equal(read.segments.count, 1);
        /* No assert_string_equal: it would print them. */
        assert_true(
            strcmp(read.segments.items[0].text, sc_buf_text(&text) + strlen(rows[i].head)) == 0);
    }
}

static void other_formats_are_refused_by_name(void **state)
{
    (void)state;
    SC_AUTO_READING read = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_format_read("docx", SC_STR(""), &read, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "format");
    assert_int_equal(sc_format_read("srt", (struct sc_str){ "", SC_READ_LIMIT + 1 }, &read, &err),
                     SC_E_FILE_TOO_LARGE);
}

static void tables_are_read_as_tools_write_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "whisper.cpp", "csv",
          "start,end,text\n0,1500,\" Hello, you\"\n1500,61000,\" Bye \"\"x\"\"\"\n",
          "0 1500 Hello, you\n1500 61000 Bye \"x\"\n", NULL },
        { "whisper", "tsv", "start\tend\ttext\n0\t1500\t\"Hello\" he said\n1500\t3000\t\"Yes\"\n",
          "0 1500 \"Hello\" he said\n1500 3000 \"Yes\"\n", NULL },
        { "Subtitle Edit", "csv",
          "Number,Start time in milliseconds,End time in milliseconds,Text\n1,500,1500,\"Hi, "
          "you\"\n",
          "500 1500 Hi, you\n", NULL },
        { "Excel between tabs", "tsv", "start\tend\ttext\r\n0\t1500\t\"say \"\"Hi\"\"\"\r\n",
          "0 1500 say \"Hi\"\n", NULL },
        { "signs by name", "tsv", "start\tend\ttext\n0\t900\ta\\tb\\nc\\\\d\\e\n",
          "0 900 a\tb\nc\\d\\e\n", NULL },
        { "semicolons, decimal commas, other names, another order", "csv",
          "\xef\xbb\xbf"
          "Speaker;Transcript;Begin;Stop\r\nAnn;\"a; b\";0,5;1,25\r\n\r\n;c;2;3,1234\r\n",
          "500 1250 [Ann] a; b\n2000 3123 c\n", NULL },
        { "Excel says the separator; timecodes; a duration", "csv",
          "sep=|\nTime In|Duration (s)|Caption\n00:00:01,500|2|one\n1:00:00.25|0.5|two\n",
          "1500 3500 one\n3600250 3600750 two\n", NULL },
        { "milliseconds in the names", "csv", "start_ms,End (ms),text\n1,2,a\n", "1 2 a\n", NULL },
        { "seconds in the names", "csv", "start_seconds,end_s,text\n1,2,a\n", "1000 2000 a\n",
          NULL },
        { "a unit in one name", "csv", "start_s,end,text\n1,2,a\n", "1000 2000 a\n", NULL },
        { "whole seconds, for nobody speaks so fast", "csv",
          "start,end,text\n0,5,five words in five seconds\n", "0 5000 five words in five seconds\n",
          NULL },
        { "no end", "csv", "timestamp,text\n0.5,a\n2.0,b\n", "500 2000 a\n2000 2065 b\n", NULL },
        { "no names", "csv", "0.5,1.5,a\n2,3,b\n", "500 1500 a\n2000 3000 b\n", NULL },
        { "cells that are empty", "csv", "start,end,text\n1.0,,a\n2.0,3,b,,\n",
          "1000 2000 a\n2000 3000 b\n", NULL },
        { "lines in a cell, an empty text, a formula that was guarded", "csv",
          "start,end,text,speaker\n0.5,1,\"a\nb\",\n1,2,,X\n2,3,'=1+1,,,\n3,4,'tis\n",
          "500 1000 a b\n2000 3000 =1+1\n3000 4000 'tis\n", NULL },
        { "a name that was guarded", "csv", "start,end,speaker,text\n1,2,'@ann,a\n2,3,'t Hooft,b\n",
          "1000 2000 [@ann] a\n2000 3000 ['t Hooft] b\n", NULL },
        { "a name with signs that are named", "tsv",
          "start\tend\ttext\tspeaker\n1000\t2000\ta\t'-R\\\\D\n", "1000 2000 [-R\\D] a\n", NULL },
        { "words", "csv",
          "# engine: x\nsegment,word,start,end,speaker,text,confidence\n1,1,0.000,0.500,A,one,0.5\n"
          "1,2,0.500,1.000,A,two,\n2,1,2.000,3.000,,three,\n3,1,4.000,5.000,,no words,\n",
          "0 1000 [A] one two\n  0 500 one\n  500 1000 two\n2000 3000 three\n  2000 3000 three\n"
          "4000 5000 no words\n",
          NULL },
        { "text alone", "csv", "text\na\nb\n", "0 0 a\n0 0 b\n", NULL },
        { "nothing", "csv", "", "", NULL },
        { "no text", "csv", "start,end\n1,2\n", NULL,
          "line 1 names no column for the text; call one 'text', those for times 'start' and "
          "'end'" },
        { "an open quote", "csv", "start,end,text\n1,2,\"a\n", NULL,
          "line 2 opens a quote that nothing closes" },
        { "text behind a quote", "csv", "start,end,text\n1,2,\"a\" b\n", NULL,
          "line 2 has text behind a closing quote" },
        { "cells too many", "csv", "start,text,end\n1,a, b,2\n", NULL,
          "line 2 has other cells than the first line names; quote what holds the separator" },
        { "cells too many behind the text", "csv", "start,end,text\n1,2,a\n3,4,too,many\n", NULL,
          "line 3 has other cells than the first line names; quote what holds the separator" },
        { "cells too few", "csv", "start,end,text\n\n1,2\n", NULL,
          "line 3 has other cells than the first line names; quote what holds the separator" },
        { "no time", "csv", "start,end,text\n1,x,a\n", NULL,
          "line 2 has a time that is none; times are 1.5, 1500 or 00:00:01.500" },
        { "no start", "csv", "start,end,text\n,1,a\n", NULL, "line 2 has no start" },
        { "a time too long", "csv", "start,end,text\n1.5,4398046512,a\n", NULL,
          "a time is longer than any recording" },
    };
    check_rows(rows, SC_ARRAY_LEN(rows));
}

/* Rows without text are left out. */
static void assert_same_rows(const struct sc_segments *read, const struct sc_segments *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++) {
        SC_AUTO_BUF line = { 0 }, got = { 0 };
        sc_text_append_line(&line, sc_str_from(list->items[i].text));
        if (line.len == 0)
            continue;
        assert_true(n < read->count);
        assert_string_equal(read->items[n].text, sc_buf_text(&line));
        sc_buf_reset(&line);
        sc_text_append_line(&line, sc_str_from(list->items[i].speaker));
        sc_buf_puts(&got, read->items[n].speaker == NULL ? "" : read->items[n].speaker);
        assert_string_equal(sc_buf_text(&got), sc_buf_text(&line));
        assert_int_equal(read->items[n].start_ms, list->items[i].start_ms);
        assert_int_equal(read->items[n++].end_ms, list->items[i].end_ms);
    }
    assert_int_equal(n, read->count);
}

static void tables_that_we_wrote_are_read_back(void **state)
{
    (void)state;
    static const char *const kinds[] = { "csv", "tsv", "csv" };
    const struct sc_writer_meta meta = { .job_id = "j", .status = "", .version = 1 };
    struct dice d = { 77 };
    for (int i = 0; i < 300; i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_READING read = { 0 };
        struct sc_writer_options o;
        struct sc_error err = { 0 };
        const struct sc_format *format = sc_format_find(kinds[i % 3]);
        random_transcript(&d, true, &list);
        sc_writer_options_init(&o, format);
        o.words = i % 3 == 2;
        o.speakers = true;
        assert_int_equal(sc_format_to_buf(format, &list, &meta, &o, &text, NULL), SC_OK);
        if (sc_format_read(format->name, sc_buf_str(&text), &read, &err) != SC_OK)
            fail_msg("%s in\n%s", err.msg, sc_buf_text(&text));
        assert_string_equal(sc_format_guess(sc_buf_str(&text)), format->name);
        assert_int_equal(sc_segments_check(&read.segments, &err), SC_OK);
        if (i % 3 == 0)
            assert_same_rows(&read.segments, &list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(srt_is_read_as_tools_write_it),
        TEST(vtt_is_read_as_tools_write_it),
        TEST(json_of_every_dialect_is_read),
        TEST(json_of_no_dialect_is_refused),
        TEST(lines_with_their_times_are_read),
        TEST(times_that_stay_words_are_counted),
        TEST(headings_tell_who_speaks_and_since_when),
        TEST(json_of_editors_and_services_is_read),
        TEST(words_without_segments_become_sentences),
        TEST(long_speech_is_cut_at_shorter_pauses),
        TEST(a_segment_of_json_is_one_line),
        TEST(lists_of_start_end_and_text_are_read),
        TEST(the_header_of_webvtt_tells_the_language),
        TEST(what_times_leave_in_doubt_is_told),
        TEST(a_last_segment_without_end_lasts_until_the_recording_ends),
        TEST(confidences_and_language_are_kept),
        TEST(channels_that_take_turns_raise_no_doubt),
        TEST(no_speech_is_as_doubtful_as_both_signs_say),
        TEST(text_without_times_is_spread_over_a_span),
        TEST(utf16_is_converted),
        TEST(formats_are_guessed),
        TEST(every_export_is_known),
        TEST(brackets_are_paired_with_the_next_that_close),
        TEST(brackets_that_nothing_closes_are_text),
        TEST(other_formats_are_refused_by_name),
        TEST(tables_are_read_as_tools_write_them),
        TEST(tables_that_we_wrote_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
