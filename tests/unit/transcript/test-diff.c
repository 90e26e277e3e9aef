#include "transcript/diff.h"

#include "make.h"

#include "base/banned.h"

static void put_run(struct sc_buf *out, const struct sc_diff_words *words, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++) {
        sc_buf_puts(out, i == at ? "" : " ");
        sc_buf_put_str(out, words->items[i].text);
    }
}

/* "same", "-removed-", "+added+", "<old|new>", by spaces. */
static void put_diff(const struct sc_diff *d, struct sc_buf *out)
{
    static const char *const before[] = { "", "<", "+", "-" }, *const behind[] = { "", ">", "+",
                                                                                   "-" };
    for (size_t i = 0; i < d->count; i++) {
        const struct sc_diff_op *op = &d->ops[i];
        sc_buf_puts(out, i == 0 ? "" : " ");
        sc_buf_puts(out, before[op->kind]);
        put_run(out, &d->a, op->a, op->a_count);
        sc_buf_puts(out, op->kind == SC_DIFF_CHANGED ? "|" : "");
        put_run(out, &d->b, op->b, op->kind == SC_DIFF_SAME ? 0 : op->b_count);
        sc_buf_puts(out, behind[op->kind]);
    }
}

/* A segment for each line, a word each second. */
static void make(struct sc_segments *out, const char *text)
{
    add_lines(out, text, 1000, 0);
}

static void words_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *wanted;
        unsigned flags;
    } rows[] = {
        { "", "", "", 0 },
        { "a b c", "a b c", "a b c", 0 },
        { "a b c", "a x c", "a <b|x> c", 0 },
        { "a b c", "a c", "a -b- c", 0 },
        { "a c", "a b\nc", "a +b+ c", 0 },
        { "", "a b", "+a b+", 0 },
        { "a\nb", "", "-a b-", 0 },
        { "a b", "c d", "<a b|c d>", 0 },
        { "Hello, world", "hello world", "<Hello,|hello> world", 0 },
        { "Hello, world", "Hello, world!", "Hello, <world|world!>", 0 },
        { "Hello, world", "hello World!", "Hello, world", SC_DIFF_LOOSE },
        { "a - b", "a b", "a --- b", SC_DIFF_LOOSE },
        /* Segments do not matter to words, nor does how they are spaced. */
        { "a b\nc d", "a\nb c\nd", "a b c d", 0 },
        { "会議は今日です。", "会議は明日です。", "会 議 は <今|明> 日 で す 。", 0 },
        { "mit AIは x", "mit AIが x", "mit AI <は|が> x", 0 },
        /* A removed one of two equal words is the one whose time has gone. */
        { "the cat", "the the cat", "the +the+ cat", 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS a = { 0 };
        SC_AUTO_SEGMENTS b = { 0 };
        SC_AUTO_DIFF d = { 0 };
        SC_AUTO_BUF got = { 0 };
        make(&a, rows[i].a);
        make(&b, rows[i].b);
        assert_true(sc_diff_segments(&a, &b, rows[i].flags, &d));
        put_diff(&d, &got);
        assert_string_equal(sc_buf_text(&got), rows[i].wanted);
    }
}

static void words_take_their_times_from_the_segments_words(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS a = { 0 };
    SC_AUTO_SEGMENTS none = { 0 };
    SC_AUTO_DIFF d = { 0 };
    struct sc_segment *s = add_segment(&a, 1000, 500, "hello 会議 end");
    free(s->text);
    s->text = strdup("Hello, 会議 end."); /* by the engine: words have no punctuation */
    s = add_segment(&a, 5000, 500, "one two");
    free(s->text);
    s->text = strdup("three");
    assert_true(sc_diff_segments(&a, &none, 0, &d));
    static const struct {
        const char *text;
        size_t word;
        int64_t start, end;
    } wanted[] = {
        { "Hello,", 0, 1000, 1500 },
        { "会", 1, 1500, 1750 },
        { "議", 1, 1750, 2000 },
        { "end.", 2, 2000, 2500 },
        { "three", SC_DIFF_NO_WORD, 5000, 6000 },
    };
    assert_int_equal(d.a.count, SC_ARRAY_LEN(wanted));
    for (size_t i = 0; i < d.a.count; i++) {
        assert_true(sc_str_equal(d.a.items[i].text, sc_str_from(wanted[i].text)));
        assert_int_equal(d.a.items[i].word, wanted[i].word);
        assert_int_equal(d.a.items[i].start_ms, wanted[i].start);
        assert_int_equal(d.a.items[i].end_ms, wanted[i].end);
    }
}

static void times_tell_which_of_equal_words_was_removed(void **state)
{
    (void)state;
    for (size_t gone = 0; gone < 4; gone++) {
        SC_AUTO_SEGMENTS a = { 0 };
        SC_AUTO_SEGMENTS b = { 0 };
        SC_AUTO_DIFF d = { 0 };
        make(&a, "no no no no");
        make(&b, "no no no no");
        struct sc_segment *s = &b.items[0];
        free(s->words[gone].text);
        memmove(s->words + gone, s->words + gone + 1, (3 - gone) * sizeof(*s->words));
        s->word_count--;
        assert_true(sc_segment_settle(s));
        assert_true(sc_diff_segments(&a, &b, 0, &d));
        for (size_t i = 0; i < d.count; i++) {
            if (d.ops[i].kind == SC_DIFF_REMOVED)
                assert_int_equal(d.ops[i].a, gone);
            else
                assert_int_equal(d.ops[i].kind, SC_DIFF_SAME);
        }
    }
}

static void random_lines(struct dice *d, int64_t kinds, struct sc_buf *out)
{
    for (int64_t lines = dice_between(d, 0, 5); lines > 0; lines--) {
        for (int64_t words = dice_between(d, 1, 8); words > 0; words--)
            sc_buf_printf(out, "w%d%s", (int)dice_between(d, 0, kinds), words > 1 ? " " : "");
        sc_buf_putc(out, '\n');
    }
}

/* The operations cover both sides, what they call the same is the same, and going the other way
 * finds as much. */
static void assert_whole(const struct sc_diff *d)
{
    size_t a = 0, b = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct sc_diff_op *op = &d->ops[i];
        assert_int_equal(op->a, a);
        assert_int_equal(op->b, b);
        a += op->a_count;
        b += op->b_count;
        assert_true(op->a_count + op->b_count > 0);
        assert_true((op->a_count == 0) == (op->kind == SC_DIFF_ADDED));
        assert_true((op->b_count == 0) == (op->kind == SC_DIFF_REMOVED));
        if (i > 0)
            assert_true((op->kind == SC_DIFF_SAME) != (d->ops[i - 1].kind == SC_DIFF_SAME));
        if (op->kind != SC_DIFF_SAME)
            continue;
        assert_int_equal(op->a_count, op->b_count);
        for (size_t k = 0; k < op->a_count; k++)
            assert_true(sc_str_equal(d->a.items[op->a + k].text, d->b.items[op->b + k].text));
    }
    assert_int_equal(a, d->a.count);
    assert_int_equal(b, d->b.count);
}

static size_t same_words(const struct sc_diff *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        n += d->ops[i].kind == SC_DIFF_SAME ? d->ops[i].a_count : 0;
    return n;
}

static void operations_make_b_of_a(void **state)
{
    (void)state;
    struct dice d = { 5 };
    for (int round = 0; round < 2000; round++) {
        SC_AUTO_SEGMENTS a = { 0 };
        SC_AUTO_SEGMENTS b = { 0 };
        SC_AUTO_DIFF there = { 0 };
        SC_AUTO_DIFF back = { 0 };
        SC_AUTO_BUF text_a = { 0 };
        SC_AUTO_BUF text_b = { 0 };
        int64_t kinds = dice_between(&d, 1, 12);
        random_lines(&d, kinds, &text_a);
        random_lines(&d, kinds, &text_b);
        make(&a, sc_buf_text(&text_a));
        make(&b, sc_buf_text(&text_b));
        assert_true(sc_diff_segments(&a, &b, 0, &there));
        assert_true(sc_diff_segments(&b, &a, 0, &back));
        assert_whole(&there);
        assert_whole(&back);
        assert_int_equal(same_words(&there), same_words(&back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_are_compared),
        TEST(words_take_their_times_from_the_segments_words),
        TEST(times_tell_which_of_equal_words_was_removed),
        TEST(operations_make_b_of_a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
