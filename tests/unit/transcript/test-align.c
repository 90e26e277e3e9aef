#include "transcript/diff.h"

#include "make.h"

#include "base/banned.h"

/* "id start-end speaker: text [word start-end …]" by lines. */
static void dump(const struct sc_segments *s, struct sc_buf *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct sc_segment *x = &s->items[i];
        sc_buf_printf(out, "%d %d-%d %s%s%s", (int)x->id, (int)x->start_ms, (int)x->end_ms,
                      x->speaker == NULL ? "" : x->speaker, x->speaker == NULL ? "" : ": ",
                      x->text);
        for (size_t k = 0; k < x->word_count; k++) {
            const struct sc_word *w = &x->words[k];
            sc_buf_printf(out, "%s%s %d-%d", k == 0 ? " [" : ", ", w->text, (int)w->start_ms,
                          (int)w->end_ms);
            if (w->confidence < 0)
                sc_buf_putc(out, '?');
        }
        sc_buf_puts(out, x->word_count > 0 ? "]\n" : "\n");
    }
}

/* A segment for each line, each word 100 ms, 1 s of silence between segments. */
static void make(struct sc_segments *out, const char *text)
{
    add_lines(out, text, 100, 1000);
    for (size_t i = 0; i < out->count; i++) {
        out->items[i].row = 100 + out->items[i].id;
        out->items[i].chunk = 3;
    }
}

static void assert_aligned(const struct sc_segments *old, const char *text, const char *wanted)
{
    SC_AUTO_SEGMENTS got = { 0 };
    SC_AUTO_BUF shown = { 0 };
    struct sc_error err = { 0 };
    assert_true(sc_segments_align(old, sc_str_from(text), NULL, &got));
    dump(&got, &shown);
    assert_string_equal(sc_buf_text(&shown), wanted);
    assert_int_equal(sc_segments_check(&got, &err), SC_OK);
}

static void words_keep_their_segments_and_times(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        { "a b c d\ne f\ng", "1 0-400 a b c d [a 0-100, b 100-200, c 200-300, d 300-400]\n"
                             "2 1400-1600 e f [e 1400-1500, f 1500-1600]\n"
                             "3 2600-2700 g [g 2600-2700]\n" },
        { "a X YY d\ne f\ng", "1 0-400 a X YY d [a 0-100, X 100-166?, YY 166-300?, d 300-400]\n"
                              "2 1400-1600 e f [e 1400-1500, f 1500-1600]\n"
                              "3 2600-2700 g [g 2600-2700]\n" },
        { "a d\ng", "1 0-400 a d [a 0-100, d 300-400]\n"
                    "3 2600-2700 g [g 2600-2700]\n" },
        /* lines are segments: one is cut */
        { "a b\nc d\ne f\ng", "1 0-200 a b [a 0-100, b 100-200]\n"
                              "0 200-400 c d [c 200-300, d 300-400]\n"
                              "2 1400-1600 e f [e 1400-1500, f 1500-1600]\n"
                              "3 2600-2700 g [g 2600-2700]\n" },
        /* a word goes to the line above */
        { "a b c d e\nf\ng",
          "1 0-1500 a b c d e [a 0-100, b 100-200, c 200-300, d 300-400, e 1400-1500]\n"
          "2 1500-1600 f [f 1500-1600]\n"
          "3 2600-2700 g [g 2600-2700]\n" },
        /* a new line, with room for it */
        { "a b c d\nnew\ne f\ng", "1 0-400 a b c d [a 0-100, b 100-200, c 200-300, d 300-400]\n"
                                  "0 400-660 new [new 400-660?]\n"
                                  "2 1400-1600 e f [e 1400-1500, f 1500-1600]\n"
                                  "3 2600-2700 g [g 2600-2700]\n" },
        /* all in one line: segments stay */
        { "a b c d e f g", "1 0-400 a b c d [a 0-100, b 100-200, c 200-300, d 300-400]\n"
                           "2 1400-1600 e f [e 1400-1500, f 1500-1600]\n"
                           "3 2600-2700 g [g 2600-2700]\n" },
        /* both sides of an end changed */
        { "a b c X\nY f\ng", "1 0-400 a b c X [a 0-100, b 100-200, c 200-300, X 300-400?]\n"
                             "2 1400-1600 Y f [Y 1400-1500?, f 1500-1600]\n"
                             "3 2600-2700 g [g 2600-2700]\n" },
        { "", "" },
    };
    SC_AUTO_SEGMENTS old = { 0 };
    make(&old, "a b c d\ne f\ng");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_aligned(&old, rows[i].text, rows[i].wanted);
}

static void joined_lines_join_where_lines_are_segments(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    make(&old, "a\nb\nc\nd\ne");
    assert_aligned(&old, "a\nb c\nd\ne",
                   "1 0-100 a [a 0-100]\n2 1100-2300 b c [b 1100-1200, c 2200-2300]\n"
                   "4 3300-3400 d [d 3300-3400]\n5 4400-4500 e [e 4400-4500]\n");
}

static void wrapped_paragraphs_keep_the_segments(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    make(&old, "a b c\nd e f\ng h");
    const char *wanted = "1 0-300 a b c [a 0-100, b 100-200, c 200-300]\n"
                         "2 1300-1600 d X f [d 1300-1400, X 1400-1500?, f 1500-1600]\n"
                         "3 2600-2800 g h [g 2600-2700, h 2700-2800]\n";
    assert_aligned(&old, "a b\nc d X\nf g\nh\n", wanted);
    assert_aligned(&old, "a b\nc d X\n\nf g\nh\n", wanted);
}

static void names_in_front_of_lines_are_speakers(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    make(&old, "a\nb\nc\nd");
    old.items[0].speaker = strdup("Ann");
    old.items[1].speaker = strdup("Ann");
    old.items[2].speaker = strdup("Bob");
    assert_aligned(&old, "Ann: a\nb\nBob: c\nd",
                   "1 0-100 Ann: a [a 0-100]\n2 1100-1200 Ann: b [b 1100-1200]\n"
                   "3 2200-2300 Bob: c [c 2200-2300]\n4 3300-3400 d [d 3300-3400]\n");
    /* Bob says what Ann did, to the end of her turn. */
    assert_aligned(&old, "Bob: a\nb\nc\nAnn: d",
                   "1 0-100 Bob: a [a 0-100]\n2 1100-1200 Bob: b [b 1100-1200]\n"
                   "3 2200-2300 Bob: c [c 2200-2300]\n4 3300-3400 Ann: d [d 3300-3400]\n");
    /* No name: nobody changes. An unknown one is text. */
    assert_aligned(&old, "a\nNote: b\nc\nd",
                   "1 0-100 Ann: a [a 0-100]\n2 1100-1200 Ann: Note: b [Note: 1100-1183?, b "
                   "1100-1200]\n3 2200-2300 Bob: c [c 2200-2300]\n4 3300-3400 d [d 3300-3400]\n");
}

static void scripts_without_spaces_are_aligned_by_signs(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    make(&old, "会議 は 今日 です");
    assert_aligned(&old, "会議は明日です",
                   "1 0-400 会議は明日です [会議 0-100, は 100-200, 明 200-250?, 日 250-300, "
                   "です 300-400]\n");
}

static void segments_without_words_stay_so(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    static const char *const texts[] = { "ab cd", "", "line one\nline two" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        struct sc_segment *s = sc_segments_add(&old);
        assert_non_null(s);
        s->id = (int64_t)i + 1;
        s->start_ms = (int64_t)i * 1000;
        s->end_ms = s->start_ms + 1000;
        s->text = strdup(texts[i]);
    }
    assert_aligned(&old, "ab xy\n\nline one\nline two\n",
                   "1 0-1000 ab xy\n2 1000-2000 \n3 2000-3000 line one\nline two\n");
}

static void changed_words_leave_the_lines_of_a_segment(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        { "a b X\nd e\nf\ng", "1 0-1000 a b X\nd e\nf\n2 1000-2000 g\n" },
        { "a b c\nX e\nf\ng", "1 0-1000 a b c\nX e\nf\n2 1000-2000 g\n" },
        { "a b X\r\nY e\r\n\r\nf\r\ng\r\n", "1 0-1000 a b X\nY e\n\nf\n2 1000-2000 g\n" },
        { "X Y\nZ\nV\ng", "1 0-1000 X Y\nZ\nV\n2 1000-2000 g\n" },
        { "a b\nd e\nf\nX", "1 0-1000 a b\nd e\nf\n2 1000-2000 X\n" },
        /* lines that were joined, or wrapped anew */
        { "a b X d e\nf\ng", "1 0-1000 a b X d e\nf\n2 1000-2000 g\n" },
        { "a X b c d e f\ng", "1 0-1000 a X b c d e f\n2 1000-2000 g\n" },
        /* a line more is a segment more */
        { "a b c\nX\nd e\nf\ng", "1 0-500 a b c\n0 417-500 X\n0 500-1000 d e\nf\n2 1000-2000 g\n" },
    };
    SC_AUTO_SEGMENTS old = { 0 };
    static const char *const texts[] = { "a b c\nd e\nf", "g" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        struct sc_segment *s = sc_segments_add(&old);
        assert_non_null(s);
        s->id = (int64_t)i + 1;
        s->start_ms = (int64_t)i * 1000;
        s->end_ms = s->start_ms + 1000;
        s->text = strdup(texts[i]);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_aligned(&old, rows[i].text, rows[i].wanted);
    /* A line that names who speaks is another segment. */
    old.items[1].speaker = strdup("Ann");
    assert_aligned(&old, "a b c\nAnn: d e\nf\ng",
                   "1 0-500 a b c\n0 500-1000 Ann: d e\nf\n2 1000-2000 Ann: g\n");
}

static void spaces_that_were_changed_are_kept(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    make(&old, "AI は");
    assert_aligned(&old, "AIは", "1 0-200 AIは [AI 0-100, は 100-200]\n");
}

static void untouched_text_changes_nothing(void **state)
{
    (void)state;
    struct dice d = { 9 };
    for (int round = 0; round < 500; round++) {
        SC_AUTO_SEGMENTS old = { 0 };
        SC_AUTO_SEGMENTS got = { 0 };
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_BUF before = { 0 };
        SC_AUTO_BUF after = { 0 };
        int64_t at = 0;
        for (int64_t n = dice_between(&d, 0, 9); n > 0; n--) {
            struct sc_segment *s = sc_segments_add(&old);
            assert_non_null(s);
            s->id = (int64_t)old.count;
            s->start_ms = s->end_ms = at;
            for (int64_t k = dice_between(&d, 0, 6); k > 0; k--) {
                char word[8];
                (void)snprintf(word, sizeof(word), "w%d", (int)dice_between(&d, 0, 5));
                add_word(s, word, at, at + 100);
                at += 100;
            }
            sc_segment_settle(s);
            at -= dice_between(&d, 0, at - s->start_ms); /* they may overlap */
        }
        sc_segments_text(&old, &text);
        assert_true(sc_segments_align(&old, sc_buf_str(&text), NULL, &got));
        dump(&old, &before);
        dump(&got, &after);
        assert_string_equal(sc_buf_text(&before), sc_buf_text(&after));
    }
}

static void assert_same_words(struct sc_str text, const struct sc_segments *got)
{
    SC_AUTO_BUF found = { 0 };
    SC_AUTO_BUF wanted = { 0 };
    for (size_t i = 0; i < got->count; i++) {
        struct sc_str rest = sc_str_from(got->items[i].text);
        while (rest.len > 0)
            sc_buf_put_str(&found, sc_str_take_until(&rest, ' '));
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ' ' && text.ptr[i] != '\n')
            sc_buf_putc(&wanted, text.ptr[i]);
    }
    assert_string_equal(sc_buf_text(&found), sc_buf_text(&wanted));
}

static void any_text_can_be_laid_on_any_segments(void **state)
{
    (void)state;
    struct dice d = { 13 };
    for (int round = 0; round < 2000; round++) {
        SC_AUTO_SEGMENTS old = { 0 };
        SC_AUTO_SEGMENTS got = { 0 };
        SC_AUTO_BUF first = { 0 };
        SC_AUTO_BUF text = { 0 };
        struct sc_error err = { 0 };
        for (int64_t n = dice_between(&d, 0, 25); n > 0; n--) {
            int kind = (int)dice_between(&d, 0, 9);
            bool last = n == 1;
            sc_buf_printf(&first, "w%d%s", kind,
                          last                          ? ""
                          : dice_between(&d, 0, 3) == 0 ? "\n"
                                                        : " ");
            if (dice_between(&d, 0, 5) > 0)
                sc_buf_printf(&text, "w%d%s", kind, dice_between(&d, 0, 3) == 0 ? "\n" : " ");
            if (dice_between(&d, 0, 4) == 0)
                sc_buf_printf(&text, "n%d%s", kind, dice_between(&d, 0, 3) == 0 ? "\n\n" : " ");
        }
        make(&old, sc_buf_text(&first));
        assert_true(sc_segments_align(&old, sc_buf_str(&text), NULL, &got));
        assert_int_equal(sc_segments_check(&got, &err), SC_OK);
        assert_same_words(sc_buf_str(&text), &got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_keep_their_segments_and_times),
        TEST(joined_lines_join_where_lines_are_segments),
        TEST(wrapped_paragraphs_keep_the_segments),
        TEST(names_in_front_of_lines_are_speakers),
        TEST(scripts_without_spaces_are_aligned_by_signs),
        TEST(segments_without_words_stay_so),
        TEST(changed_words_leave_the_lines_of_a_segment),
        TEST(spaces_that_were_changed_are_kept),
        TEST(untouched_text_changes_nothing),
        TEST(any_text_can_be_laid_on_any_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
