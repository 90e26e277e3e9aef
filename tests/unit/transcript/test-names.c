#include "transcript/diff.h"
#include "transcript/names.h"
#include "transcript/reader.h"
#include "transcript/writer.h"

#include "make.h"

#include "base/banned.h"

static void add(struct sc_segments *out, const char *speaker, const char *text)
{
    struct sc_segment *s = add_segment(out, 1000 * (int64_t)(out->count + 1), 100, text);
    s->id = (int64_t)out->count;
    s->speaker = speaker == NULL ? NULL : strdup(speaker);
}

static void dump(const struct sc_segments *s, struct sc_buf *out)
{
    for (size_t i = 0; i < s->count; i++)
        sc_buf_printf(out, "%s|%s\n", s->items[i].speaker == NULL ? "" : s->items[i].speaker,
                      s->items[i].text);
}

/* What lines of text, read as a new transcript, come to as lines of "speaker|text". */
static void assert_new(const char *lines, const char *wanted)
{
    SC_AUTO_READING read = { 0 };
    SC_AUTO_NAMES names = { 0 };
    SC_AUTO_BUF got = { 0 };
    assert_int_equal(sc_format_read("txt", sc_str_from(lines), &read, NULL), SC_OK);
    assert_true(sc_names_find(NULL, &read.segments, &names));
    assert_int_equal(names.fresh_count, names.count);
    assert_true(sc_names_take(&names, names.as_exported, &read.segments));
    dump(&read.segments, &got);
    assert_string_equal(got.len == 0 ? "" : sc_buf_text(&got), wanted);
}

static void a_new_transcript_has_names_by_evidence(void **state)
{
    (void)state;
    /* As our exports are. */
    assert_new("Ann: one\ntwo\nBob: three\n", "Ann|one\nAnn|two\nBob|three\n");
    assert_new("1: one\n2: two\nDr. A. Smith: so: yes\n", "1|one\n2|two\nDr. A. Smith|so: yes\n");
    /* A name that returns: who is not named may be anybody. */
    assert_new("So\nAnn: one\ntwo\nAnn: three\n", "|So\nAnn|one\n|two\nAnn|three\n");
    /* Who speaks alone is named once, at the start; a heading looks the same, and is told. */
    assert_new("Ann: one\ntwo\n", "Ann|one\nAnn|two\n");
    assert_new("\nNote: one\ntwo: 2\n", "Note|one\nNote|two: 2\n");
    /* Text. */
    assert_new("So\nNote: one\ntwo\n", "|So\n|Note: one\n|two\n");
    assert_new("and: one\ntwo\n", "|and: one\n|two\n");
    assert_new("One\nNote: two\nAnd: three\n", "|One\n|Note: two\n|And: three\n");
    assert_new("he said: one\nhe said: two\n", "|he said: one\n|he said: two\n");
    assert_new("This is what we all know: a\nThis is what we all know: b\n",
               "|This is what we all know: a\n|This is what we all know: b\n");
    assert_new("At 10:30\nhttp://a\nEnd:\n", "|At 10:30\n|http://a\n|End:\n");
    assert_new("", "");
}

static void our_exports_come_back_with_their_speakers(void **state)
{
    (void)state;
    static const char *const kinds[] = { "srt", "txt" };
    const struct sc_writer_meta meta = { .job_id = "", .status = "", .language = "" };
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        SC_AUTO_SEGMENTS old = { 0 };
        SC_AUTO_READING read = { 0 };
        SC_AUTO_NAMES names = { 0 };
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_BUF before = { 0 };
        SC_AUTO_BUF after = { 0 };
        const struct sc_format *format = sc_format_find(kinds[i]);
        add(&old, "Ann Mary Smith", "good morning everyone");
        add(&old, "Ann Mary Smith", "how are you");
        add(&old, "Bob", "fine");
        add(&old, "Ann Mary Smith", "well then");
        assert_int_equal(sc_format_to_buf(format, &old, &meta, NULL, &text, NULL), SC_OK);
        assert_int_equal(sc_format_read(kinds[i], sc_buf_str(&text), &read, NULL), SC_OK);
        assert_true(sc_names_find(NULL, &read.segments, &names));
        assert_true(sc_names_take(&names, names.as_exported, &read.segments));
        dump(&old, &before);
        dump(&read.segments, &after);
        assert_string_equal(sc_buf_text(&before), sc_buf_text(&after));
    }
}

/* The text laid on what Ann, Ann and Bob said. */
static void assert_laid(const char *lines, const char *fresh, const char *wanted)
{
    SC_AUTO_SEGMENTS old = { 0 };
    SC_AUTO_SEGMENTS laid = { 0 };
    SC_AUTO_READING read = { 0 };
    SC_AUTO_NAMES names = { 0 };
    SC_AUTO_BUF got = { 0 };
    add(&old, "Ann", "good morning everyone");
    add(&old, "Ann", "Note: how are you");
    add(&old, "Bob", "fine thank you");
    add(&old, "Ann", "well then");
    assert_int_equal(sc_format_read("txt", sc_str_from(lines), &read, NULL), SC_OK);
    assert_true(sc_names_find(&old, &read.segments, &names));
    assert_int_equal(names.fresh_count, fresh != NULL);
    if (fresh != NULL)
        assert_string_equal(names.fresh[0], fresh);
    assert_true(sc_segments_align(&old, sc_str_from(lines), &names, &laid));
    dump(&laid, &got);
    assert_string_equal(sc_buf_text(&got), wanted);
}

static void a_version_knows_names_by_their_place(void **state)
{
    (void)state;
    assert_laid("Ann: good morning everyone\nNote: how are you\nBob: fine thank you\n"
                "Ann: well then\n",
                NULL,
                "Ann|good morning everyone\nAnn|Note: how are you\nBob|fine thank you\n"
                "Ann|well then\n");
    assert_laid("Anna: good morning everyone\nNote: how are you\nBob: fine thank you\n"
                "Anna: well then\n",
                "Anna",
                "Anna|good morning everyone\nAnna|Note: how are you\nBob|fine thank you\n"
                "Anna|well then\n");
    assert_laid("Ann: good morning everyone\nNote: how are you\nRob: fine thank you\n"
                "Ann: well then\n",
                "Rob",
                "Ann|good morning everyone\nAnn|Note: how are you\nRob|fine thank you\n"
                "Ann|well then\n");
    /* The name is gone, and what stands there is text of before. */
    assert_laid("Note: how are you\nBob: fine thank you\n", NULL,
                "Ann|Note: how are you\nBob|fine thank you\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_transcript_has_names_by_evidence),
        TEST(our_exports_come_back_with_their_speakers),
        TEST(a_version_knows_names_by_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
