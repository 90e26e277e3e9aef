/* Captions by their properties, over random transcripts that are the same in every run; and what
 * the options of the writers do. */

#include "transcript/reader.h"
#include "transcript/text.h"
#include "transcript/writer.h"

#include "base/utf8.h"

#include "random.h"

#include "base/banned.h"

static const struct sc_writer_meta meta = { .transcript_id = 7,
                                            .job_id = "01890a5d",
                                            .status = "complete",
                                            .language = "en",
                                            .version = 2,
                                            .file_name = "a --> b.wav" };

/* What a reader can see, without white space: the breaking of syntax adds some. */
static void visible(const char *text, struct sc_buf *out)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(text));
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != ' ')
            sc_buf_putc(out, line.ptr[i]);
    }
}

static int by_byte(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* The signs of all segments; sorted, as cues of overlapping segments are interleaved. */
static void all_signs(const struct sc_segments *list, struct sc_buf *out)
{
    for (size_t i = 0; i < list->count; i++)
        visible(list->items[i].text, out);
    if (out->len > 0)
        qsort(out->ptr, out->len, 1, by_byte);
}

static void write_as(const char *format, const struct sc_segments *list,
                     const struct sc_writer_options *options, struct sc_buf *out)
{
    struct sc_error err = { 0 };
    if (sc_format_to_buf(sc_format_find(format), list, &meta, options, out, &err) != SC_OK)
        fail_msg("%s: %s", format, err.msg);
}

static void read_as(const char *format, const struct sc_buf *text, struct sc_reading *out)
{
    struct sc_error err = { 0 };
    if (sc_format_read(format, sc_buf_str(text), out, &err) != SC_OK)
        fail_msg("%s: %s in\n%s", format, err.msg, sc_buf_text(text));
}

/* Long texts: where they part is what one wants to see. */
static void assert_same(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n])
        n++;
    size_t from = n < 80 ? 0 : n - 80;
    if (a[n] != b[n])
        fail_msg("at byte %zu:\n%.200s\n---- is not ----\n%.200s", n, a + from, b + from);
}

/* ---- properties ---- */

static void assert_cues_can_be_read(const struct sc_segments *cues,
                                    const struct sc_writer_options *o)
{
    int64_t end = 0;
    for (size_t i = 0; i < cues->count; i++) {
        const struct sc_segment *c = &cues->items[i];
        assert_true(c->start_ms >= end);
        assert_true(c->end_ms > c->start_ms);
        assert_true(c->end_ms - c->start_ms <= o->max_cue_ms);
        end = c->end_ms;
    }
}

static int columns_of(struct sc_str s)
{
    int columns = 0;
    uint32_t cp;
    for (size_t n; s.len > 0 && (n = sc_utf8_decode(s, &cp)) > 0; s.ptr += n, s.len -= n)
        columns += sc_text_width(cp);
    return columns;
}

/* Text lines of an SRT, by block. */
static void assert_lines_fit(const char *srt, const struct sc_writer_options *o)
{
    struct sc_str rest = sc_str_from(srt);
    while (rest.len > 0) {
        (void)sc_str_take_until(&rest, '\n');
        (void)sc_str_take_until(&rest, '\n');
        int lines = 0;
        for (struct sc_str line; (line = sc_str_take_until(&rest, '\n')).len > 0; lines++) {
            line = sc_str_trim(line);
            assert_true(columns_of(line) <= o->max_line_length);
            assert_null(memmem(line.ptr, line.len, "-->", 3));
        }
        assert_in_range(lines, 1, o->max_lines);
    }
}

static void dice_options(struct dice *d, struct sc_writer_options *o)
{
    o->max_line_length = (int)dice_between(d, 0, 2) == 0 ? (int)dice_between(d, 10, 80) : 42;
    o->max_lines = (int)dice_between(d, 1, 4);
    o->max_cue_ms = dice_between(d, 1, 10) * 1000;
    o->max_cps = (int)dice_between(d, 0, 30);
}

static void no_sign_is_lost_and_every_cue_fits(void **state)
{
    (void)state;
    struct dice d = { 99 };
    for (int run = 0; run < 1500; run++) {
        SC_AUTO_SEGMENTS list = { 0 };
        random_transcript(&d, true, &list);
        for (int f = 0; f < 2; f++) {
            const char *format = f == 0 ? "srt" : "vtt";
            SC_AUTO_BUF text = { 0 };
            SC_AUTO_BUF before = { 0 };
            SC_AUTO_BUF after = { 0 };
            SC_AUTO_READING read = { 0 };
            struct sc_writer_options o;
            sc_writer_options_init(&o, sc_format_find(format));
            dice_options(&d, &o);
            o.speakers = f == 1;
            write_as(format, &list, &o, &text);
            read_as(format, &text, &read);
            assert_cues_can_be_read(&read.segments, &o);
            if (f == 0)
                assert_lines_fit(sc_buf_text(&text), &o);
            all_signs(&list, &before);
            all_signs(&read.segments, &after);
            assert_same(sc_buf_text(&after), sc_buf_text(&before));
        }
    }
}

static void what_was_read_is_written_the_same(void **state)
{
    (void)state;
    struct dice d = { 7 };
    for (int run = 0; run < 1000; run++) {
        SC_AUTO_SEGMENTS list = { 0 };
        bool captions = run % 2 == 0;
        /* Without its words, a text without spaces may be cut at other signs. */
        random_transcript(&d, !captions, &list);
        for (int f = 0; f < 3; f++) {
            static const char *const formats[] = { "srt", "vtt", "txt" };
            SC_AUTO_BUF first = { 0 };
            SC_AUTO_BUF second = { 0 };
            SC_AUTO_READING read = { 0 };
            struct sc_writer_options o;
            sc_writer_options_init(&o, sc_format_find(formats[f]));
            dice_options(&d, &o);
            o.captions = captions;
            /* a long name in front of a long word takes a line more than there may be */
            o.speakers = f > 0 || (o.max_lines > 1 && o.max_line_length > 20);
            write_as(formats[f], &list, &o, &first);
            read_as(formats[f], &first, &read);
            write_as(formats[f], &read.segments, &o, &second);
            assert_same(sc_buf_text(&second), sc_buf_text(&first));
        }
    }
}

static void json_is_read_back_exactly(void **state)
{
    (void)state;
    struct dice d = { 3 };
    for (int run = 0; run < 300; run++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_BUF again = { 0 };
        SC_AUTO_READING read = { 0 };
        random_transcript(&d, true, &list);
        for (size_t i = 0; i < list.count; i++) /* words that contradict the text are laid anew */
            assert_true(sc_segment_settle(&list.items[i]));
        write_as("json", &list, NULL, &text);
        read_as("json", &text, &read);
        assert_int_equal(read.segments.count, list.count);
        for (size_t i = 0; i < list.count; i++) {
            char a[65], b[65];
            if (list.items[i].speaker != NULL && strcmp(list.items[i].speaker, "1") != 0)
                continue; /* its white space is folded */
            sc_segment_hash(&list.items[i], a);
            sc_segment_hash(&read.segments.items[i], b);
            assert_string_equal(a, b);
        }
        write_as("json", &read.segments, NULL, &again);
        assert_string_equal(sc_buf_text(&again), sc_buf_text(&text));
    }
}

static void words_of_webvtt_are_read_back_with_their_times(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_READING read = { 0 };
    struct sc_writer_options o;
    (void)add_segment(&list, 1000, 500, "one two three");
    sc_writer_options_init(&o, sc_format_find("vtt"));
    o.words = true;
    write_as("vtt", &list, &o, &text);
    assert_string_equal(sc_buf_text(&text), "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n"
                                            "one <00:00:01.500>two <00:00:02.000>three\n\n");
    read_as("vtt", &text, &read);
    assert_int_equal(read.segments.items[0].word_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(read.segments.items[0].words[i].text, list.items[0].words[i].text);
        assert_int_equal(read.segments.items[0].words[i].start_ms, list.items[0].words[i].start_ms);
        assert_int_equal(read.segments.items[0].words[i].end_ms, list.items[0].words[i].end_ms);
    }
}

/* ---- signs that are written as several ---- */

static void what_the_eye_takes_for_one_sign_is_never_cut(void **state)
{
    (void)state;
    static const char *const signs[] = { "🇩🇪", "👨‍👩‍👧", "é", "👍🏽", "각" };
    for (size_t i = 0; i < SC_ARRAY_LEN(signs); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF word = { 0 };
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_READING read = { 0 };
        struct sc_writer_options o;
        for (int n = 0; n < 60; n++)
            sc_buf_puts(&word, signs[i]);
        struct sc_segment *s = sc_segments_add(&list);
        add_word(s, sc_buf_text(&word), 0, 60000);
        sc_segment_settle(s);
        sc_writer_options_init(&o, sc_format_find("srt"));
        o.max_line_length = 11;
        write_as("srt", &list, &o, &text);
        read_as("srt", &text, &read);
        assert_true(read.segments.count > 2);
        for (size_t k = 0; k < read.segments.count; k++) {
            struct sc_str rest = sc_str_from(read.segments.items[k].text);
            while (rest.len > 0) {
                struct sc_str line = sc_str_take_until(&rest, ' ');
                assert_int_equal(line.len % strlen(signs[i]), 0);
            }
        }
    }
}

/* ---- two speakers ---- */

static void who_speaks_at_once_is_shown_in_turn_and_named(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF text = { 0 };
    add_segment(&list, 0, 1000, "one two three. four five six seven. eight nine ten.")->speaker =
        strdup("1");
    add_segment(&list, 4000, 1000, "yes indeed")->speaker = strdup("2");
    struct sc_writer_options o;
    sc_writer_options_init(&o, sc_format_find("srt"));
    o.max_cue_ms = 4000;
    o.max_cps = 10;
    write_as("srt", &list, &o, &text);
    assert_string_equal(sc_buf_text(&text),
                        "1\n00:00:00,000 --> 00:00:03,000\n1: one two three.\n\n"
                        "2\n00:00:03,000 --> 00:00:05,000\n"
                        "four five six seven.\n\n"
                        "3\n00:00:05,000 --> 00:00:06,300\n2: yes indeed\n\n"
                        "4\n00:00:07,000 --> 00:00:10,000\n"
                        "1: eight nine ten.\n\n");
}

/* One speaks on and on, others say two words every three seconds. */
static void cues_come_by_their_starts_and_together_as_they_were_read(void **state)
{
    (void)state;
    enum { SECONDS = 60 };
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF all = { 0 };
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF wanted = { 0 };
    SC_AUTO_BUF got = { 0 };
    struct sc_writer_options o;
    for (int k = 0; k < SECONDS; k++)
        sc_buf_printf(&all, "%sa%d", k == 0 ? "" : " ", k);
    add_segment(&list, 0, 1000, sc_buf_text(&all));
    for (int k = 0; k < SECONDS; k++) {
        char said[32];
        (void)snprintf(said, sizeof(said), "b%d c%d", k, k);
        if (k % 3 == 0)
            add_segment(&list, 1000 * (int64_t)k, 1000, said);
        sc_buf_printf(&wanted,
                      k % 3 == 0   ? "a%d b%d "
                      : k % 3 == 1 ? "a%d c%d "
                                   : "a%d ",
                      k, k - k % 3);
    }
    sc_writer_options_init(&o, sc_format_find("srt"));
    o.max_cue_ms = 1000;
    write_as("srt", &list, &o, &text);
    read_as("srt", &text, &read);
    for (size_t i = 0; i < read.segments.count; i++)
        sc_buf_printf(&got, "%s ", read.segments.items[i].text);
    assert_same(sc_buf_text(&got), sc_buf_text(&wanted));
}

static void cues_that_only_have_a_start_can_be_read(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_writer_options o;
    static const char *const said[] = { "one", "two", "three", "four" };
    for (size_t i = 0; i < SC_ARRAY_LEN(said); i++) {
        struct sc_segment *s = sc_segments_add(&list);
        s->id = (int64_t)i + 1;
        s->start_ms = 3000;
        s->end_ms = i == 3 ? 9000 : 3000;
        s->text = strdup(said[i]);
    }
    sc_writer_options_init(&o, sc_format_find("srt"));
    write_as("srt", &list, &o, &text);
    assert_string_equal(sc_buf_text(&text), "1\n00:00:03,000 --> 00:00:03,700\none\n\n"
                                            "2\n00:00:03,700 --> 00:00:04,400\ntwo\n\n"
                                            "3\n00:00:04,400 --> 00:00:05,100\nthree\n\n"
                                            "4\n00:00:05,100 --> 00:00:09,000\nfour\n\n");
}

/* ---- options ---- */

struct option_row {
    const char *format, *options; /* "name=value name=value" */
    const char *expected;
};

static void set_all(struct sc_writer_options *o, const struct sc_format *format, const char *text)
{
    struct sc_str rest = sc_str_from(text);
    while (rest.len > 0) {
        struct sc_str value = sc_str_take_until(&rest, ' ');
        struct sc_str name = sc_str_take_until(&value, '=');
        struct sc_error err = { 0 };
        if (sc_writer_options_set(o, format, name, value, &err) != SC_OK)
            fail_msg("%s", err.msg);
    }
}

static void options_do_what_they_say(void **state)
{
    (void)state;
    static const struct option_row rows[] = {
        { "srt", "captions=off",
          "1\n00:00:00,000 --> 00:00:20,000\nAnn: =one, two three four five six seven eight nine "
          "ten eleven twelve\n\n2\n00:00:20,000 --> 00:00:20,001\n\"bye\"\n\n" },
        { "srt", "max_line_length=12 max_lines=1 max_cue_seconds=5.5 speakers=off",
          "1\n00:00:00,000 --> 00:00:03,333\n=one, two\n\n"
          "2\n00:00:03,333 --> 00:00:06,666\nthree four\n\n"
          "3\n00:00:06,666 --> 00:00:10,000\nfive six\n\n"
          "4\n00:00:10,000 --> 00:00:13,333\nseven eight\n\n"
          "5\n00:00:13,333 --> 00:00:16,666\nnine ten\n\n"
          "6\n00:00:16,666 --> 00:00:18,333\neleven\n\n"
          "7\n00:00:18,333 --> 00:00:20,000\ntwelve\n\n"
          "8\n00:00:20,000 --> 00:00:20,700\n\"bye\"\n\n" },
        { "srt", "offset=-19.5 bom=on line_ends=crlf captions=off",
          "\xef\xbb\xbf"
          "1\r\n00:00:00,000 --> 00:00:00,500\r\nAnn: =one, two three four five six "
          "seven eight nine ten eleven twelve\r\n\r\n2\r\n00:00:00,500 --> 00:00:00,501\r\n"
          "\"bye\"\r\n\r\n" },
        { "vtt", "offset=-20 captions=off", "WEBVTT\n" },
        { "vtt", "metadata=on captions=off speakers=off offset=3600",
          "WEBVTT\n\nNOTE\nrecording: a --  b.wav\nlanguage: en\njob: 01890a5d\ntranscript: 7\n"
          "version: 2\nstatus: complete\n\n01:00:00.000 --> 01:00:20.000\n=one, two three four "
          "five six seven eight nine ten eleven twelve\n\n01:00:20.000 --> 01:00:20.001\n"
          "\"bye\"\n\n" },
        { "txt", "speakers=off line_ends=crlf",
          "=one, two three four five six seven eight nine ten eleven twelve\r\n\"bye\"\r\n" },
        { "csv", "",
          "segment,start,end,speaker,text,confidence\r\n1,0.000,20.000,Ann,\"'=one, two three four "
          "five six seven eight nine ten eleven twelve\",0.500\r\n2,20.000,20.000,,\"\"\"bye\"\"\","
          "\r\n" },
        { "csv", "words=on speakers=off line_ends=lf offset=-17 metadata=on",
          "# recording: a --  b.wav\n# language: en\n# job: 01890a5d\n# transcript: 7\n"
          "# version: 2\n# status: complete\nsegment,word,start,end,text,confidence\n"
          "1,11,0.000,1.333,eleven,0.500\n1,12,1.333,3.000,twelve,0.500\n"
          "2,1,3.000,3.000,\"\"\"bye\"\"\",\n" },
        { "srt", "scale=25/23.976 offset=1 captions=off speakers=off",
          "1\n00:00:01,000 --> 00:00:21,854\n=one, two three four five six seven eight nine ten "
          "eleven twelve\n\n2\n00:00:21,854 --> 00:00:21,855\n\"bye\"\n\n" },
        { "txt", "encoding=utf-16le speakers=off offset=-20", "\xff\xfe" },
        { "tsv", "",
          "start\tend\ttext\n0\t20000\t'=one, two three four five six seven eight nine ten eleven "
          "twelve\n20000\t20000\t\"bye\"\n" },
        { "tsv", "words=on speakers=on offset=-17 line_ends=crlf",
          "start\tend\ttext\tspeaker\r\n0\t1333\televen\tAnn\r\n1333\t3000\ttwelve\tAnn\r\n"
          "3000\t3000\t\"bye\"\t\r\n" },
        { "lrc", "words=on offset=-15 max_line_length=60",
          "[ti:a --> b.wav]\n[la:en]\n[re:Scripta]\n[length:00:05]\n"
          "[00:00.00]<00:00.00>Ann: <00:00.00>nine <00:00.00>ten <00:01.66>eleven "
          "<00:03.33>twelve<00:05.00>\n"
          "[00:05.00]<00:05.00>\"bye\"<00:05.00>\n[00:05.70]\n" },
        { "lrc", "metadata=off captions=off",
          "[00:00.00]Ann: =one, two three four five six seven eight nine ten eleven twelve\n"
          "[00:20.00]\"bye\"\n[00:20.00]\n" },
        { "md", "times=off metadata=off",
          "**Ann:** \\=one, two three four five six seven eight nine ten eleven twelve\n\n"
          "\"bye\"\n\n" },
        { "md", "speakers=off",
          "---\nrecording: \"a --> b.wav\"\nlanguage: \"en\"\njob: \"01890a5d\"\ntranscript: 7\n"
          "version: 2\nstatus: \"complete\"\n---\n\n# a --\\> b.wav\n\n"
          "`00:00:00` \\=one, two three four five six seven eight nine ten eleven twelve "
          "\"bye\"\n\n" },
        { "json", "words=off speakers=off metadata=off offset=-20",
          "{\"text\":\"\",\"segments\":[]}\n" },
        { "json", "words=off metadata=off offset=1.5",
          "{\"text\":\"=one, two three four five six seven eight nine ten eleven twelve\\n"
          "\\\"bye\\\"\",\"segments\":[{\"id\":null,\"start\":1.500,\"end\":21.500,\"text\":\"=one,"
          " "
          "two three four five six seven eight nine ten eleven twelve\",\"confidence\":0.5000,"
          "\"speaker\":\"Ann\"},{\"id\":null,\"start\":21.500,\"end\":21.500,\"text\":"
          "\"\\\"bye\\\"\",\"confidence\":null,\"speaker\":null}]}\n" },
    };
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    static const char *const words[] = { "=one,", "two",   "three", "four", "five",   "six",
                                         "seven", "eight", "nine",  "ten",  "eleven", "twelve" };
    for (int i = 0; i < 12; i++)
        add_word(s, words[i], i * 20000 / 12, (i + 1) * 20000 / 12);
    sc_segment_settle(s);
    s->speaker = strdup("Ann");
    struct sc_segment *last = sc_segments_add(&list);
    last->start_ms = last->end_ms = 20000;
    last->text = strdup("\"bye\"");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF text = { 0 };
        struct sc_writer_options o;
        const struct sc_format *format = sc_format_find(rows[i].format);
        sc_writer_options_init(&o, format);
        set_all(&o, format, rows[i].options);
        write_as(rows[i].format, &list, &o, &text);
        assert_same(sc_buf_text(&text), rows[i].expected);
    }
}

static void bad_options_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *format, *name, *value, *field, *says;
    } rows[] = {
        { "txt", "max_lines", "2", "max_lines",
          "txt takes no max_lines; use it with srt, vtt, ass" },
        { "json", "bom", "on", "bom",
          "json takes no bom; use it with txt, srt, vtt, csv, tsv, lrc, md, ass" },
        { "txt", "colour", "red", "colour",
          "there is no export option 'colour'; txt takes speakers, offset, scale, bom, encoding, "
          "line_ends, template" },
        { "srt", "max_lines", "0", "max_lines",
          "max_lines is '0', must be a whole number from 1 to 10" },
        { "srt", "captions", "maybe", "captions", "captions is 'maybe', must be on or off" },
        { "srt", "max_cue_seconds", "1.2345", "max_cue_seconds",
          "max_cue_seconds is '1.2345', must be seconds from 1 to 60" },
        { "srt", "offset", "--1", "offset",
          "offset is '--1', must be seconds from -360000 to 360000" },
        { "srt", "offset", "1.-5", "offset",
          "offset is '1.-5', must be seconds from -360000 to 360000" },
        { "srt", "offset", "", "offset", "offset is '', must be seconds from -360000 to 360000" },
        { "srt", "line_ends", "cr", "line_ends", "line_ends is 'cr', must be lf or crlf" },
        { "srt", "scale", "25/0", "scale",
          "scale is '25/0', must be a factor from 0.01 to 100, such as 1.001 or 25/23.976" },
        { "srt", "scale", "1e3", "scale",
          "scale is '1e3', must be a factor from 0.01 to 100, such as 1.001 or 25/23.976" },
        { "srt", "encoding", "latin1", "encoding",
          "encoding is 'latin1', must be utf-8, utf-16le or windows-1252" },
        { "vtt", "encoding", "utf-16le", "encoding",
          "vtt takes no encoding; use it with txt, srt, csv, tsv, lrc, ass" },
        { "txt", "template", "{x}", "template",
          "template, line 1, column 1: there is no field 'x'; there are index, start, end, "
          "duration, speaker, text, confidence, count, recording, language, engine, model, job, "
          "transcript, version, status; write {{ for the sign {" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        struct sc_writer_options o, before;
        const struct sc_format *format = sc_format_find(rows[i].format);
        sc_writer_options_init(&o, format);
        before = o;
        assert_int_equal(sc_writer_options_set(&o, format, sc_str_from(rows[i].name),
                                               sc_str_from(rows[i].value), &err),
                         SC_E_INVALID_VALUE);
        assert_string_equal(err.field, rows[i].field);
        assert_string_equal(err.msg, rows[i].says);
        assert_memory_equal(&o, &before, sizeof(o));
    }
}

static void every_option_is_read_as_it_is_shown(void **state)
{
    (void)state;
    size_t formats, options;
    const struct sc_format *all = sc_format_all(&formats);
    const struct sc_writer_option *table = sc_writer_option_all(&options);
    for (size_t f = 0; f < formats; f++) {
        for (size_t i = 0; i < options; i++) {
            SC_AUTO_BUF shown = { 0 };
            SC_AUTO_BUF again = { 0 };
            struct sc_writer_options o;
            sc_writer_options_init(&o, &all[f]);
            sc_writer_option_put(&table[i], &o, &shown);
            if (!sc_writer_option_applies(&table[i], &all[f]))
                continue;
            assert_int_equal(sc_writer_options_set(&o, &all[f], sc_str_from(table[i].name),
                                                   sc_buf_str(&shown), NULL),
                             SC_OK);
            sc_writer_option_put(&table[i], &o, &again);
            assert_string_equal(sc_buf_text(&again), sc_buf_text(&shown));
        }
        assert_non_null(strstr(sc_format_names(), all[f].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_sign_is_lost_and_every_cue_fits),
        TEST(what_was_read_is_written_the_same),
        TEST(json_is_read_back_exactly),
        TEST(words_of_webvtt_are_read_back_with_their_times),
        TEST(what_the_eye_takes_for_one_sign_is_never_cut),
        TEST(who_speaks_at_once_is_shown_in_turn_and_named),
        TEST(cues_come_by_their_starts_and_together_as_they_were_read),
        TEST(cues_that_only_have_a_start_can_be_read),
        TEST(options_do_what_they_say),
        TEST(bad_options_are_refused_by_name),
        TEST(every_option_is_read_as_it_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
