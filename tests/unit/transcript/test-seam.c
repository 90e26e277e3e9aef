#include "transcript/seam.h"

#include "make.h"

#include "base/banned.h"

/* What was really said: words that do not overlap, in order. */
struct said {
    char text[16];
    int64_t start, end;
};

enum hearing {
    BY_MIDPOINT, /* a chunk has the words whose midpoint lies in it, as the `null` engine */
    CLIPPED,     /* it has every word that reaches into it, cut at its edge, and knows it still */
    MANGLED,     /* the same, but what is cut is misheard */
};

struct world {
    struct said words[64];
    size_t count;
    int64_t overlap_start, overlap_end; /* left ends at the latter, right begins at the former */
    enum hearing hearing;
    int64_t jitter_ms; /* each side errs by half of it at most */
};

static void say(struct dice *d, struct world *w, const char *const *vocabulary, size_t words)
{
    int64_t at = dice_between(d, 0, 500);
    for (w->count = 0; w->count < SC_ARRAY_LEN(w->words) && at < 8000; w->count++) {
        struct said *s = &w->words[w->count];
        s->start = at;
        s->end = at + dice_between(d, 120, 700);
        at = s->end + (dice_between(d, 0, 2) == 0 ? dice_between(d, 1, 300) : 0);
        if (vocabulary == NULL)
            (void)snprintf(s->text, sizeof(s->text), "w%zu", w->count);
        else
            (void)snprintf(s->text, sizeof(s->text), "%s",
                           vocabulary[dice_between(d, 0, (int64_t)words - 1)]);
    }
}

/* The segments of the chunk [from, to) in the ears of an engine. */
static void hear(struct dice *d, const struct world *w, int64_t from, int64_t to,
                 struct sc_segments *out)
{
    struct sc_segment *s = NULL;
    int64_t before = 0, left = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct said *x = &w->words[i];
        int64_t start = x->start, end = x->end, mid = (start + end) / 2;
        char text[20];
        (void)snprintf(text, sizeof(text), "%s", x->text);
        if (w->hearing == BY_MIDPOINT && (mid < from || mid >= to))
            continue;
        if (w->hearing != BY_MIDPOINT) {
            start = SC_MAX(start, from);
            end = SC_MIN(end, to);
            if (end - start < 60)
                continue;
            if (w->hearing == MANGLED && (start != x->start || end != x->end))
                (void)snprintf(text, sizeof(text), "%s~x", x->text);
        }
        if (w->jitter_ms > 0) {
            int64_t off = dice_between(d, -w->jitter_ms / 2, w->jitter_ms / 2);
            start = SC_MAX(before, start + off);
            end = SC_MAX(start, end + off);
        }
        if (left-- == 0 || s == NULL) {
            if (s != NULL)
                sc_segment_settle(s);
            s = sc_segments_add(out);
            assert_non_null(s);
            left = dice_between(d, 0, 6);
        }
        add_word(s, text, start, end);
        before = start;
    }
    if (s != NULL)
        sc_segment_settle(s);
}

static size_t words_of(const struct sc_segments *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->items[i].word_count;
    return n;
}

/* Both chunks hear the world, the seam is settled: all that was said must be there, once, in order.
 */
static void assert_seam_keeps_every_word(struct dice *d, const struct world *w)
{
    SC_AUTO_SEGMENTS left = { 0 };
    SC_AUTO_SEGMENTS right = { 0 };
    SC_AUTO_BUF expected = { 0 };
    hear(d, w, 0, w->overlap_end, &left);
    hear(d, w, w->overlap_start, INT64_MAX, &right);
    size_t left_words = words_of(&left), right_words = words_of(&right);
    struct sc_seam_changes changed = { false, false };
    struct sc_error err = { 0 };
    assert_int_equal(
        sc_seam_settle(&left, &right, w->overlap_start, w->overlap_end, &changed, &err), SC_OK);
    for (size_t i = 0; i < w->count; i++) {
        sc_buf_puts(&expected, i == 0 ? "" : " ");
        sc_buf_puts(&expected, w->words[i].text);
    }
    SC_AUTO_FREE char *got = joined(&left, &right);
    assert_string_equal(got, sc_buf_text(&expected));
    assert_true(changed.left == (words_of(&left) < left_words));
    assert_true(changed.right == (words_of(&right) < right_words));
    assert_int_equal(sc_segments_check(&left, &err), SC_OK);
    assert_int_equal(sc_segments_check(&right, &err), SC_OK);
}

static void try_worlds(int runs, enum hearing hearing, int64_t jitter_ms, int64_t shortest_overlap,
                       const char *const *vocabulary, size_t words)
{
    struct dice d = { 20261121 };
    for (int run = 0; run < runs; run++) {
        struct world w = { .hearing = hearing, .jitter_ms = jitter_ms };
        say(&d, &w, vocabulary, words);
        w.overlap_start = dice_between(&d, 0, 7000);
        w.overlap_end = w.overlap_start + dice_between(&d, shortest_overlap, 1500);
        assert_seam_keeps_every_word(&d, &w);
    }
}

static void no_word_is_lost_or_doubled_at_any_cut(void **state)
{
    (void)state;
    try_worlds(20000, BY_MIDPOINT, 0, 0, NULL, 0);
}

static void words_across_the_edges_are_taken_whole(void **state)
{
    (void)state;
    try_worlds(10000, CLIPPED, 0, 1000, NULL, 0);
    try_worlds(10000, MANGLED, 0, 1450, NULL, 0);
}

static void the_sides_may_differ_by_a_quarter_of_a_second(void **state)
{
    (void)state;
    try_worlds(20000, BY_MIDPOINT, 250, 600, NULL, 0);
}

static void repeated_words_stay_as_many_as_they_were(void **state)
{
    (void)state;
    static const char *const one[] = { "no" };
    static const char *const two[] = { "no", "yes" };
    try_worlds(10000, BY_MIDPOINT, 0, 0, one, 1);
    try_worlds(10000, BY_MIDPOINT, 0, 0, two, 2);
    try_worlds(10000, CLIPPED, 0, 1000, one, 1);
}

/* Left and right as rows of words with their start times; each lasts 200 ms. */
struct row {
    const char *left[6];
    int64_t left_ms[6];
    const char *right[6];
    int64_t right_ms[6];
    const char *joined;
};

static void fill(struct sc_segments *list, const char *const *texts, const int64_t *starts)
{
    struct sc_segment *s = texts[0] == NULL ? NULL : sc_segments_add(list);
    for (size_t i = 0; i < 6 && texts[i] != NULL; i++)
        add_word(s, texts[i], starts[i], starts[i] + 200);
    if (s != NULL)
        sc_segment_settle(s);
}

/* The overlap is 1 000 … 2 000. */
static void assert_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SC_AUTO_SEGMENTS left = { 0 };
        SC_AUTO_SEGMENTS right = { 0 };
        struct sc_seam_changes changed;
        fill(&left, rows[i].left, rows[i].left_ms);
        fill(&right, rows[i].right, rows[i].right_ms);
        assert_int_equal(sc_seam_settle(&left, &right, 1000, 2000, &changed, NULL), SC_OK);
        SC_AUTO_FREE char *got = joined(&left, &right);
        assert_string_equal(got, rows[i].joined);
    }
}

static void repeated_words_heard_late_by_one_side_are_paired_in_order(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "oh", "no", "no", "no" },
          { 700, 1200, 1450, 1700 },
          { "no", "no", "no", "so" },
          { 1300, 1550, 1800, 2100 },
          "oh no no no so" },
        { { "a", "no", "no", "no", "b" },
          { 1010, 1250, 1450, 1650, 1790 },
          { "a", "no", "no", "no", "b" },
          { 1050, 1500, 1700, 1900, 2040 },
          "a no no no b" },
        { { "no", "no" }, { 600, 1100 }, { "no", "no" }, { 1100, 2100 }, "no no no" },
    };
    assert_rows(rows, SC_ARRAY_LEN(rows));
}

static void case_and_punctuation_do_not_make_words_different(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "Well,", "Ärger." },
          { 1200, 1450 },
          { "well", "ärger" },
          { 1250, 1500 },
          "Well, ärger" },
        { { "it's" }, { 1600 }, { "Its" }, { 1500 }, "Its" },
        { { "it's" }, { 1380 }, { "Its" }, { 1440 }, "Its" }, /* their mean lies behind 1 500 */
        { { "it's" }, { 1360 }, { "Its" }, { 1420 }, "it's" },
        { { "resume" }, { 1300 }, { "résumé" }, { 1300 }, "resume" },
        { { "-" }, { 1500 }, { "…" }, { 1500 }, "…" },
    };
    assert_rows(rows, SC_ARRAY_LEN(rows));
}

static void equal_words_far_apart_are_two(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "no" }, { 1000 }, { "no" }, { 1700 }, "no no" },
        { { "no", "ham" }, { 1000, 1301 }, { "eggs", "no" }, { 1301, 1602 }, "no ham no" },
    };
    assert_rows(rows, SC_ARRAY_LEN(rows));
}

static void what_only_one_side_heard_is_kept_where_the_other_is_silent(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "a", "b" }, { 1100, 1700 }, { "c" }, { 2100 }, "a b c" },
        { { "a" }, { 500 }, { "b", "c" }, { 1100, 1800 }, "a b c" },
        { { "a", "trans" }, { 1100, 1800 }, { "transcript" }, { 1800 }, "a transcript" },
        { { "whole" }, { 900 }, { "ole", "b" }, { 1000, 1700 }, "whole b" },
        { { NULL }, { 0 }, { "b" }, { 1100 }, "b" },
        { { "a" }, { 1900 }, { NULL }, { 0 }, "a" },
    };
    assert_rows(rows, SC_ARRAY_LEN(rows));
}

static void segments_that_lose_all_words_are_removed_and_others_settled(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS left = { 0 };
    SC_AUTO_SEGMENTS right = { 0 };
    struct sc_seam_changes changed = { false, false };
    (void)add_segment(&left, 0, 400, "a b c d"); /* … 1 600 */
    (void)add_segment(&left, 1600, 200, "e f");  /* 1 600 … 2 000 */
    (void)add_segment(&right, 1000, 100, "z");   /* misheard, in the left half */
    (void)add_segment(&right, 1200, 400, "d e"); /* d is the left's */
    (void)add_segment(&right, 1800, 200, "f g");
    left.items[0].confidence = -1;
    assert_int_equal(sc_seam_settle(&left, &right, 1000, 2000, &changed, NULL), SC_OK);
    assert_true(changed.left);
    assert_true(changed.right);
    assert_int_equal(left.count, 1);
    assert_string_equal(left.items[0].text, "a b c d");
    assert_true(left.items[0].confidence < 0); /* lost nothing: not settled anew */
    assert_int_equal(right.count, 2);
    assert_string_equal(right.items[0].text, "e");
    assert_int_equal(right.items[0].start_ms, 1600);
    assert_string_equal(right.items[1].text, "f g");
}

static void segments_without_words_are_one_unit_when_they_lie_inside(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS left = { 0 };
    SC_AUTO_SEGMENTS right = { 0 };
    static const struct {
        int64_t start, end;
        const char *text;
    } rows[] = { { 0, 1500, "long one" }, { 1600, 1900, "Short." } };
    for (size_t i = 0; i < 2; i++) {
        struct sc_segment *s = sc_segments_add(&left);
        s->start_ms = rows[i].start;
        s->end_ms = rows[i].end;
        s->text = strdup(rows[i].text);
    }
    struct sc_segment *s = sc_segments_add(&right);
    s->start_ms = 1650;
    s->end_ms = 1950;
    s->text = strdup("short");
    struct sc_seam_changes changed = { false, false };
    assert_int_equal(sc_seam_settle(&left, &right, 1000, 2000, &changed, NULL), SC_OK);
    assert_true(changed.left);
    assert_false(changed.right);
    SC_AUTO_FREE char *got = joined(&left, &right);
    assert_string_equal(got, "long one short");
}

static void a_flood_of_words_in_the_overlap_is_settled_in_time(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS left = { 0 };
    SC_AUTO_SEGMENTS right = { 0 };
    struct sc_seam_changes changed;
    struct sc_segment *a = sc_segments_add(&left);
    struct sc_segment *b = sc_segments_add(&right);
    for (int i = 0; i < 20000; i++) {
        add_word(a, "x", 1000 + i / 20, 1000 + i / 20);
        add_word(b, "x", 1000 + i / 20, 1000 + i / 20);
    }
    assert_int_equal(sc_seam_settle(&left, &right, 1000, 2000, &changed, NULL), SC_OK);
    assert_true(words_of(&left) + words_of(&right) >= 20000);
}

static void an_overlap_that_is_none_is_refused(void **state)
{
    (void)state;
    struct sc_segments none = { 0 };
    struct sc_seam_changes changed = { true, false };
    assert_int_equal(sc_seam_settle(&none, &none, 2, 1, &changed, NULL), SC_E_INVALID_VALUE);
    assert_int_equal(sc_seam_settle(&none, &none, -2, -1, &changed, NULL), SC_E_INVALID_VALUE);
    assert_true(changed.left);
    assert_false(changed.right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_word_is_lost_or_doubled_at_any_cut),
        TEST(words_across_the_edges_are_taken_whole),
        TEST(the_sides_may_differ_by_a_quarter_of_a_second),
        TEST(repeated_words_stay_as_many_as_they_were),
        TEST(repeated_words_heard_late_by_one_side_are_paired_in_order),
        TEST(case_and_punctuation_do_not_make_words_different),
        TEST(equal_words_far_apart_are_two),
        TEST(what_only_one_side_heard_is_kept_where_the_other_is_silent),
        TEST(segments_that_lose_all_words_are_removed_and_others_settled),
        TEST(segments_without_words_are_one_unit_when_they_lie_inside),
        TEST(a_flood_of_words_in_the_overlap_is_settled_in_time),
        TEST(an_overlap_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
