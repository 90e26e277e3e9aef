#include "transcript/compare.h"
#include "transcript/writer.h"

#include "make.h"

#include "base/banned.h"

/* A segment for each line, "start speaker: words" with "-" for no speaker, words of 100 ms. */
static void make(struct sc_segments *out, const char *text)
{
    struct sc_str rest = sc_str_from(text);
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        int64_t start = 0;
        assert_true(sc_str_to_int64(sc_str_take_until(&line, ' '), &start));
        struct sc_str who = sc_str_take_until(&line, ':');
        SC_AUTO_BUF words = { 0 };
        sc_buf_put_str(&words, sc_str_trim(line));
        struct sc_segment *s = add_segment(out, start, 100, sc_buf_text(&words));
        s->id = (int64_t)out->count;
        if (!sc_str_equal(who, SC_STR("-")))
            s->speaker = strndup(who.ptr, who.len);
    }
}

static const char *const before = "0 Ann: good mourning every one\n"
                                  "1000 Ann: this stays as it is\n"
                                  "2000 Bob: one two three four\n"
                                  "3000 Bob: five six\n"
                                  "4000 Bob: seven eight\n"
                                  "5000 -: to be removed\n"
                                  "6000 -: who said that\n"
                                  "7000 -: late\n";
static const char *const after = "0 Ann: good morning everyone <b>\n"
                                 "1000 Ann: this stays as it is\n"
                                 "2000 Bob: one two\n"
                                 "2200 Bob: three four\n"
                                 "3000 Bob: five six seven eight\n"
                                 "6000 Cat: who said that\n"
                                 "7500 -: late\n"
                                 "9000 -: quite new\n";

static void what_became_of_segments_is_told(void **state)
{
    (void)state;
    static const char *const wanted =
        "v1 -> v2\n"
        "~ 0:00.0  Ann: good [-mourning every one-]{+morning everyone <b>+}\n"
        "  0:01.0  Ann: this stays as it is\n"
        "~ 0:02.0  (split in 2) Bob: one two three four\n"
        "~ 0:03.0  (2 merged) Bob: five six seven eight\n"
        "- 0:05.0  [-to be removed-]\n"
        "~ 0:06.0  (speaker was '') Cat: who said that\n"
        "~ 0:07.5  (was at 0:07.0) late\n"
        "+ 0:09.0  {+quite new+}\n"
        "8 words differ: 3 replaced, 2 added, 3 removed; 24 before, 23 now (word error rate 33.3 "
        "%)\n"
        "segments: 1 changed, 1 split, 1 merged, 1 added, 1 removed, 1 speaker, 1 retimed\n";
    SC_AUTO_SEGMENTS a = { 0 };
    SC_AUTO_SEGMENTS b = { 0 };
    SC_AUTO_COMPARISON c = { 0 };
    SC_AUTO_BUF text = { 0 };
    make(&a, before);
    make(&b, after);
    assert_true(sc_compare(&a, &b, 0, &c));
    const struct sc_compare_style style = { "v1", "v2", false, 3 };
    sc_comparison_text(&c, &style, &text);
    assert_string_equal(sc_buf_text(&text), wanted);
}

static void text_that_does_not_differ_is_left_out(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS a = { 0 };
    SC_AUTO_SEGMENTS b = { 0 };
    SC_AUTO_COMPARISON c = { 0 };
    SC_AUTO_COMPARISON none = { 0 };
    SC_AUTO_BUF text = { 0 };
    make(&a, "0 -: a\n1000 -: b\n2000 -: c\n3000 -: d\n3661000 -: e\n3700000 -: f");
    make(&b, "0 -: a\n1000 -: b\n2000 -: c\n3000 -: d\n3661000 -: \x1b[1m\n3700000 -: f");
    assert_true(sc_compare(&a, &b, 0, &c));
    struct sc_compare_style style = { "v1", "v2", true, 1 };
    sc_comparison_text(&c, &style, &text);
    assert_string_equal(sc_buf_text(&text),
                        "v1 -> v2\n  ...\n"
                        "  \x1b[36m0:03.0\x1b[0m  d\n"
                        "~ \x1b[36m1:01:01.0\x1b[0m  \x1b[31me\x1b[0m \x1b[32m[1m\x1b[0m\n"
                        "  \x1b[36m1:01:40.0\x1b[0m  f\n"
                        "1 word differs: 1 replaced, 0 added, 0 removed; 6 before, 6 now (word "
                        "error rate 16.7 %)\nsegments: 1 changed\n");
    sc_buf_reset(&text);
    assert_true(sc_compare(&a, &a, 0, &none));
    sc_comparison_text(&none, &style, &text);
    assert_string_equal(sc_buf_text(&text), "v1 -> v2\nno differences\n");
    sc_buf_reset(&text);
    assert_true(sc_comparison_unified(&none, &style, &text));
    assert_string_equal(sc_buf_text(&text), "");
}

static void assert_speakers(const char *was, const char *is, const char *line, const char *names)
{
    SC_AUTO_SEGMENTS a = { 0 };
    SC_AUTO_SEGMENTS b = { 0 };
    SC_AUTO_COMPARISON c = { 0 };
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF html = { 0 };
    const struct sc_compare_style style = { "v1", "v2", false, -1 };
    make(&a, was);
    make(&b, is);
    assert_true(sc_compare(&a, &b, 0, &c));
    sc_comparison_text(&c, &style, &text);
    sc_comparison_html(&c, &style, &html);
    assert_non_null(strstr(sc_buf_text(&text), line));
    assert_non_null(strstr(sc_buf_text(&html), names));
}

static void nobody_is_named_for_the_words_of_others(void **state)
{
    (void)state;
    assert_speakers("0 -: one two three four", "0 Ann: one two\n200 -: three four",
                    "~ 0:00.0  (split in 2) (speaker was ''; now 'Ann', '') one two three four\n",
                    "</time> <ins class=\"scripta-speaker-name\">Ann, –</ins> one");
    assert_speakers("0 Ann: one two\n200 Bob: three four", "0 Ann: one two three four",
                    "~ 0:00.0  (2 merged) (speakers were 'Ann', 'Bob') Ann: one two three four\n",
                    "</time> <del class=\"scripta-speaker-name\">Ann, Bob</del> "
                    "<ins class=\"scripta-speaker-name\">Ann</ins> one");
    assert_speakers("0 Bob: one two three four", "0 Bob: one two\n200 Bob: three four",
                    "~ 0:00.0  (split in 2) Bob: one two three four\n",
                    "</time> <b class=\"scripta-speaker-name\">Bob</b> one");
}

static void html_is_escaped(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS a = { 0 };
    SC_AUTO_SEGMENTS b = { 0 };
    SC_AUTO_COMPARISON c = { 0 };
    SC_AUTO_BUF text = { 0 };
    make(&a, "0 <A>: x <script> y\n1000 -: 会 議");
    make(&b, "0 \"B\": x &amp; y\n1000 -: 会 場");
    assert_true(sc_compare(&a, &b, 0, &c));
    const struct sc_compare_style style = { "version 1", "version 2", false, -1 };
    sc_comparison_html(&c, &style, &text);
    assert_string_equal(
        sc_buf_text(&text),
        "<div class=\"scripta-compare\" data-from=\"version 1\" data-to=\"version 2\">\n"
        "<p class=\"scripta-changed\" data-start=\"0.000\" data-end=\"0.300\"><time>0:00.0</time> "
        "<del class=\"scripta-speaker-name\">&lt;A&gt;</del> "
        "<ins class=\"scripta-speaker-name\">&quot;B&quot;</ins> "
        "x <del>&lt;script&gt;</del> <ins>&amp;amp;</ins> y</p>\n"
        "<p class=\"scripta-changed\" data-start=\"1.000\" data-end=\"1.200\"><time>0:01.0</time> "
        "会<del>議</del><ins>場</ins></p>\n</div>\n");
}

/* Applies a unified diff to lines, as patch does when everything fits. */
static void apply(struct sc_str patch, struct sc_str text, struct sc_buf *out)
{
    struct sc_str line;
    size_t at = 1; /* the next line of text */
    while (patch.len > 0) {
        line = sc_str_take_until(&patch, '\n');
        if (sc_str_starts(line, SC_STR("---")) || sc_str_starts(line, SC_STR("+++")))
            continue;
        if (sc_str_starts(line, SC_STR("@@ -"))) {
            size_t from = strtoul(line.ptr + 4, NULL, 10);
            size_t count = line.ptr[4 + strspn(line.ptr + 4, "0123456789")] == ','
                               ? strtoul(strchr(line.ptr, ',') + 1, NULL, 10)
                               : 1;
            for (from += count == 0; at < from; at++) {
                sc_buf_put_str(out, sc_str_take_until(&text, '\n'));
                sc_buf_putc(out, '\n');
            }
            continue;
        }
        assert_true(line.len > 0);
        struct sc_str said = { line.ptr + 1, line.len - 1 };
        if (line.ptr[0] != '+') {
            assert_true(sc_str_equal(sc_str_take_until(&text, '\n'), said));
            at++;
        }
        if (line.ptr[0] != '-') {
            sc_buf_put_str(out, said);
            sc_buf_putc(out, '\n');
        }
    }
    sc_buf_put_str(out, text);
}

static void export_txt(const struct sc_segments *s, struct sc_buf *out)
{
    const struct sc_writer_meta meta = { .job_id = "", .status = "", .language = "" };
    assert_int_equal(sc_format_to_buf(sc_format_find("txt"), s, &meta, NULL, out, NULL), SC_OK);
}

static void random_segments(struct dice *d, struct sc_segments *out)
{
    int64_t at = 0;
    for (int64_t n = dice_between(d, 0, 12); n > 0; n--) {
        struct sc_segment *s = sc_segments_add(out);
        assert_non_null(s);
        s->start_ms = s->end_ms = at;
        for (int64_t k = dice_between(d, 0, 4); k > 0; k--, at += 100) {
            char word[8];
            (void)snprintf(word, sizeof(word), "w%d", (int)dice_between(d, 0, 9));
            add_word(s, word, at, at + 100);
        }
        if (dice_between(d, 0, 2) == 0)
            s->speaker = strdup(dice_between(d, 0, 1) == 0 ? "Ann" : "Bob");
        sc_segment_settle(s);
        at += dice_between(d, 0, 300);
    }
}

/* Parts cover all segments, and their runs all words, in order. */
static void assert_whole(const struct sc_comparison *c)
{
    size_t a = 0, b = 0, word_a = 0, word_b = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct sc_compare_part *p = &c->parts[i];
        struct sc_diff_op run = { 0 };
        assert_int_equal(p->a, a);
        assert_int_equal(p->b, b);
        a += p->a_count;
        b += p->b_count;
        while (sc_comparison_run(c, p, &run)) {
            assert_int_equal(run.a, word_a);
            assert_int_equal(run.b, word_b);
            word_a += run.a_count;
            word_b += run.b_count;
            for (size_t k = 0; run.kind == SC_DIFF_SAME && k < run.a_count; k++)
                assert_true(
                    sc_str_equal(c->diff.a.items[run.a + k].text, c->diff.b.items[run.b + k].text));
        }
    }
    assert_int_equal(a, c->a->count);
    assert_int_equal(b, c->b->count);
    assert_int_equal(word_a, c->diff.a.count);
    assert_int_equal(word_b, c->diff.b.count);
    assert_int_equal(c->same + c->substituted + c->removed, word_a);
    assert_int_equal(c->same + c->substituted + c->added, word_b);
}

static void random_versions_are_compared_whole(void **state)
{
    (void)state;
    struct dice d = { 21 };
    for (int round = 0; round < 1500; round++) {
        SC_AUTO_SEGMENTS a = { 0 };
        SC_AUTO_SEGMENTS b = { 0 };
        SC_AUTO_COMPARISON there = { 0 };
        SC_AUTO_COMPARISON back = { 0 };
        SC_AUTO_BUF patch = { 0 };
        SC_AUTO_BUF text_a = { 0 };
        SC_AUTO_BUF text_b = { 0 };
        SC_AUTO_BUF patched = { 0 };
        random_segments(&d, &a);
        random_segments(&d, &b);
        assert_true(sc_compare(&a, &b, 0, &there));
        assert_true(sc_compare(&b, &a, 0, &back));
        assert_whole(&there);
        assert_whole(&back);
        assert_int_equal(there.same, back.same);
        assert_int_equal(there.added, back.removed);
        assert_int_equal(there.removed, back.added);
        assert_int_equal(there.substituted, back.substituted);

        const struct sc_compare_style style = { "a", "b", false, (int)dice_between(&d, -1, 3) };
        assert_true(sc_comparison_unified(&there, &style, &patch));
        export_txt(&a, &text_a);
        export_txt(&b, &text_b);
        apply(sc_buf_str(&patch), sc_buf_str(&text_a), &patched);
        assert_string_equal(sc_buf_text(&patched), sc_buf_text(&text_b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_became_of_segments_is_told),         TEST(text_that_does_not_differ_is_left_out),
        TEST(nobody_is_named_for_the_words_of_others), TEST(html_is_escaped),
        TEST(random_versions_are_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
