#include "api/views.h"

#include "transcript/compare.h"

#include "base/banned.h"

#define RATE_DIGITS 4

static void put_side(struct sc_json *w, const char *key, const struct sc_compared *side)
{
    sc_json_object(w, key);
    sc_json_int(w, "transcript_id", side->transcript_id);
    sc_json_int(w, "version", side->version);
    sc_json_end(w);
}

static void put_counts(struct sc_json *w, const struct sc_comparison *c)
{
    double rate = sc_comparison_rate(c);
    sc_json_object(w, "words");
    sc_json_int(w, "from", (int64_t)c->diff.a.count);
    sc_json_int(w, "to", (int64_t)c->diff.b.count);
    sc_json_int(w, "same", (int64_t)c->same);
    sc_json_int(w, "replaced", (int64_t)c->substituted);
    sc_json_int(w, "added", (int64_t)c->added);
    sc_json_int(w, "removed", (int64_t)c->removed);
    if (rate < 0)
        sc_json_null(w, "error_rate");
    else
        sc_json_real(w, "error_rate", rate, RATE_DIGITS);
    sc_json_end(w);
    sc_json_object(w, "segments");
    for (int kind = 0; kind < SC_COMPARE_KIND_COUNT_; kind++)
        sc_json_int(w, sc_compare_kind_text((enum sc_compare_kind)kind),
                    (int64_t)c->segments[kind]);
    sc_json_end(w);
}

static void put_words(struct sc_json *w, const char *key, const struct sc_segments *segments,
                      const struct sc_diff_words *words, size_t at, size_t count)
{
    SC_AUTO_BUF text = { .limit = SIZE_MAX / 4 };
    if (count == 0) {
        sc_json_null(w, key);
        return;
    }
    sc_diff_put(words, at, count, &text);
    w->out->failed = w->out->failed || text.failed;
    sc_json_object(w, key);
    sc_json_int(w, "count", (int64_t)count);
    sc_json_int(w, "segment_id", segments->items[words->items[at].segment].id);
    sc_json_seconds(w, "start", words->items[at].start_ms);
    sc_json_seconds(w, "end", words->items[at + count - 1].end_ms);
    sc_json_str(w, "text", sc_buf_str(&text));
    sc_json_end(w);
}

static void put_segments(struct sc_json *w, const char *key, const struct sc_segments *segments,
                         size_t at, size_t count)
{
    if (count == 0) {
        sc_json_null(w, key);
        return;
    }
    sc_json_object(w, key);
    sc_json_array(w, "ids");
    for (size_t i = at; i < at + count; i++)
        sc_json_int(w, NULL, segments->items[i].id);
    sc_json_end(w);
    sc_json_seconds(w, "start", segments->items[at].start_ms);
    sc_json_seconds(w, "end", segments->items[at + count - 1].end_ms);
    sc_json_text(w, "speaker", segments->items[at].speaker);
    sc_json_end(w);
}

void sc_comparison_view(struct sc_buf *out, const struct sc_compared sides[2],
                        const struct sc_comparison *c)
{
    struct sc_json w;
    out->limit = SIZE_MAX / 4;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    put_side(&w, "from", &sides[0]);
    put_side(&w, "to", &sides[1]);
    put_counts(&w, c);
    sc_json_array(&w, "word_operations");
    for (size_t i = 0; i < c->diff.count; i++) {
        const struct sc_diff_op *op = &c->diff.ops[i];
        sc_json_object(&w, NULL);
        sc_json_text(&w, "op", sc_diff_kind_text(op->kind));
        put_words(&w, "from", c->a, &c->diff.a, op->a, op->a_count);
        put_words(&w, "to", c->b, &c->diff.b, op->b, op->b_count);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_array(&w, "segment_operations");
    for (size_t i = 0; i < c->count; i++) {
        const struct sc_compare_part *part = &c->parts[i];
        sc_json_object(&w, NULL);
        sc_json_text(&w, "op", sc_compare_kind_text(part->kind));
        put_segments(&w, "from", c->a, part->a, part->a_count);
        put_segments(&w, "to", c->b, part->b, part->b_count);
        sc_json_bool(&w, "words_differ", part->words_differ);
        sc_json_bool(&w, "speaker_differs", part->speaker_differs);
        sc_json_bool(&w, "times_differ", part->times_differ);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
}

/* ---- what it writes ---- */

static const char *word_op(int index)
{
    return index < SC_DIFF_KIND_COUNT_ ? sc_diff_kind_text((enum sc_diff_kind)index) : NULL;
}

static const char *segment_op(int index)
{
    return index < SC_COMPARE_KIND_COUNT_ ? sc_compare_kind_text((enum sc_compare_kind)index)
                                          : NULL;
}

static const struct sc_json_field side_fields[] = {
    SC_SHOW(INT, "transcript_id", "Of which transcript", "1"),
    SC_SHOW(INT, "version", "Which version", "1"),
};
static const struct sc_json_shape side_shape = { .name = "Compared", SC_SHAPE_FIELDS(side_fields) };

static const struct sc_json_field count_fields[] = {
    SC_SHOW(INT, "from", "Words of the first side", "140"),
    SC_SHOW(INT, "to", "Words of the second", "141"),
    SC_SHOW(INT, "same", "Words of both", "137"),
    SC_SHOW(INT, "replaced", "Words of the first in whose place others are", "3"),
    SC_SHOW(INT, "added", "Words of the second alone, beyond that", "1"),
    SC_SHOW(INT, "removed", "Words of the first alone, beyond that", "0"),
    SC_SHOW(REAL_OR_NULL, "error_rate",
            "Replaced, added and removed for each word of the first; null: it has none", "0.0286"),
};
static const struct sc_json_shape count_shape = { .name = "ComparedWords",
                                                  SC_SHAPE_FIELDS(count_fields) };

static const struct sc_json_field kind_fields[] = {
    SC_SHOW(INT, "same", "Equal ones", "11"),
    SC_SHOW(INT, "changed", "With other words", "1"),
    SC_SHOW(INT, "split", "That became several", "0"),
    SC_SHOW(INT, "merged", "Several that became one", "0"),
    SC_SHOW(INT, "added", "Of the second side alone", "0"),
    SC_SHOW(INT, "removed", "Of the first side alone", "0"),
    SC_SHOW(INT, "speaker", "Of another speaker", "0"),
    SC_SHOW(INT, "retimed", "At another time", "0"),
};
static const struct sc_json_shape kind_shape = { .name = "ComparedSegments",
                                                 SC_SHAPE_FIELDS(kind_fields) };

static const struct sc_json_field run_fields[] = {
    SC_SHOW(INT, "count", "How many words", "1"),
    SC_SHOW(INT, "segment_id", "The segment of the first of them", "1"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "0.58"),
    SC_SHOW(TEXT, "text", "The words", "mourning"),
};
static const struct sc_json_shape run_shape = { .name = "ComparedRun",
                                                SC_SHAPE_FIELDS(run_fields) };

static const struct sc_json_field part_fields[] = {
    SC_SHOW(INTS, "ids", "The segments", "[1]"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "1.2"),
    SC_SHOW(TEXT_OR_NULL, "speaker", "Of the first of them", NULL),
};
static const struct sc_json_shape part_shape = { .name = "ComparedPart",
                                                 SC_SHAPE_FIELDS(part_fields) };

#define SIDE(name_, shape_, help_)                                                         \
    {                                                                                      \
        .name = (name_), SC_SHOW_OBJECT, .of = (shape_), .nullable = true, .help = (help_) \
    }

static const struct sc_json_field word_fields[] = {
    SC_SHOW_WORDS(TEXT, "op", word_op, "What became of them", "changed"),
    SIDE("from", &run_shape, "The words of the first side; null: none"),
    SIDE("to", &run_shape, "The words of the second; null: none"),
};
static const struct sc_json_shape word_shape = { .name = "WordOperation",
                                                 SC_SHAPE_FIELDS(word_fields) };

static const struct sc_json_field segment_fields[] = {
    SC_SHOW_WORDS(TEXT, "op", segment_op, "What became of them", "changed"),
    SIDE("from", &part_shape, "Of the first side; null: none"),
    SIDE("to", &part_shape, "Of the second; null: none"),
    SC_SHOW(BOOL, "words_differ", "They have other words", "true"),
    SC_SHOW(BOOL, "speaker_differs", "Somebody else says them", "false"),
    SC_SHOW(BOOL, "times_differ", "They, or words of theirs, have other times", "false"),
};
static const struct sc_json_shape segment_shape = { .name = "SegmentOperation",
                                                    SC_SHAPE_FIELDS(segment_fields) };

static const struct sc_json_field comparison_fields[] = {
    SC_SHOW_OF(OBJECT, "from", &side_shape, "The first side"),
    SC_SHOW_OF(OBJECT, "to", &side_shape, "The second"),
    SC_SHOW_OF(OBJECT, "words", &count_shape, "How many words differ"),
    SC_SHOW_OF(OBJECT, "segments", &kind_shape, "How many segments differ, and how"),
    SC_SHOW_OF(LIST, "word_operations", &word_shape, "All words of both, in order"),
    SC_SHOW_OF(LIST, "segment_operations", &segment_shape, "All segments of both, in order"),
};
const struct sc_json_shape sc_shape_comparison = {
    .name = "Comparison",
    .help = "What differs between two versions",
    SC_SHAPE_FIELDS(comparison_fields),
};
