#include "library-fixture.h"

#include "base/banned.h"

static void a_job_has_one_transcript(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    assert_int_equal(begin(&r, 1), id);
    assert_int_not_equal(begin(&r, 2), id);
    struct sc_transcript t = find(&r, id);
    assert_int_equal(t.owner_id, 1);
    assert_int_equal(t.job, 1);
    assert_string_equal(t.job_id, "j1");
    assert_int_equal(t.file_id, 1);
    assert_false(t.complete);
    assert_int_equal(t.version, 0);
    assert_int_equal(t.duration_ms, 4000); /* the file's */
    assert_true(t.confidence < 0);
    assert_int_equal(t.created_ms, T0);
    assert_string_equal(t.language, "");
    assert_text(&r, id, 0, "");
}

static void a_job_without_a_file_has_no_transcript(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct op op = { .job = 3, .id = -7 };
    assert_int_equal(do_write(&r, op_begin, &op), SC_E_JOB_NOT_FOUND);
    op.job = 99;
    assert_int_equal(do_write(&r, op_begin, &op), SC_E_JOB_NOT_FOUND);
    assert_int_equal(op.id, -7);
}

static void another_owners_transcript_does_not_exist(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 4);
    struct sc_transcript t;
    AUTO_READER(conn, r);
    assert_int_equal(sc_transcript_find(conn, 1, id, &t, NULL), SC_E_TRANSCRIPT_NOT_FOUND);
    assert_int_equal(sc_transcript_find(conn, 2, id, &t, NULL), SC_OK);
    assert_int_equal(sc_transcript_of_job(conn, 4, &t, NULL), SC_OK);
    assert_int_equal(t.id, id);
    assert_int_equal(sc_transcript_of_job(conn, 1, &t, NULL), SC_E_TRANSCRIPT_NOT_FOUND);
}

static enum sc_code note_transcript(void *ctx, const struct sc_transcript *t, struct sc_error *err)
{
    (void)err;
    char *ids = ctx;
    size_t len = strlen(ids);
    (void)snprintf(ids + len, 64 - len, "%d,", (int)t->id);
    return SC_OK;
}

static void lists_are_newest_first_and_filtered(void **state)
{
    (void)state;
    AUTO_RIG(r);
    for (int64_t job = 1; job <= 4; job++) {
        if (job != 3)
            assert_int_equal(begin(&r, job), SC_MIN(job, 3));
    }
    assert_int_equal(write_sql(r.f.store, "UPDATE jobs SET model = 'tiny' WHERE id = 1;"
                                          "INSERT INTO transcript_tags VALUES (1, 't'), (3, 't')"),
                     SC_OK);
    static const struct {
        struct sc_transcript_filter filter;
        const char *ids;
    } rows[] = {
        { { 0, 0, 0, 0, 9 }, "3,2,1," },
        { { 1, 0, 0, 0, 9 }, "2,1," },
        { { 1, 0, 0, 0, 1 }, "2," },
        { { 1, 0, 0, 2, 9 }, "1," },
        { { 1, 2, 0, 0, 9 }, "2," },
        { { 2, 2, 0, 0, 9 }, "" },
        { { 0, 0, 1, 0, 9 }, "2,1," },
        { { 2, 0, 1, 0, 9 }, "" },
        { { 1, 2, 1, 0, 9 }, "2," },
        { { 1, 2, 2, 0, 9 }, "" },
        { { 0, 0, 1, 2, 9 }, "1," },
        { { 0, 2, 0, 2, 9 }, "" },
        { { 1, .limit = 9, .language = "de" }, "2," },
        { { 1, .limit = 9, .language = "fr" }, "" },
        { { 1, 2, .limit = 9, .language = "de" }, "2," },
        { { 0, 0, 1, .limit = 9, .model = "tiny" }, "1," },
        { { .limit = 9, .model = "tiny" }, "1," },
        { { .limit = 9, .since_ms = T0 }, "3,2,1," },
        { { .limit = 9, .since_ms = T0 + 1 }, "" },
        { { .limit = 9, .until_ms = T0 }, "" },
        { { 1, .limit = 9, .since_ms = T0, .until_ms = T0 + 1 }, "2,1," },
        { { 1, .limit = 9, .tag = "t" }, "1," },
        { { 2, .limit = 9, .tag = "t" }, "3," },
        { { .limit = 9, .tag = "t" }, "3,1," },
        { { .limit = 1, .tag = "t" }, "3," },
        { { .limit = 9, .before_id = 3, .tag = "t" }, "1," },
        { { .limit = 9, .tag = "t", .model = "tiny" }, "1," },
        { { .limit = 9, .job = 1, .tag = "t" }, "1," },
        { { .limit = 9, .job = 2, .tag = "t" }, "" },
        { { .limit = 9, .file_id = 1, .tag = "t" }, "1," },
        { { .limit = 9, .tag = "u" }, "" },
    };
    AUTO_READER(conn, r);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char ids[64] = "";
        assert_int_equal(sc_transcript_list(conn, &rows[i].filter, note_transcript, ids, NULL),
                         SC_OK);
        assert_string_equal(ids, rows[i].ids);
    }
}

static void segments_come_back_as_they_were_put(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    SC_AUTO_SEGMENTS put = { 0 };
    struct sc_segment *s = add_segment(&put, 1000, 250, "größer als 会議");
    s->speaker = strdup("Ana");
    s = sc_segments_add(&put); /* without words, speaker, confidence */
    s->start_ms = 5000;
    s->end_ms = 5000;
    s->text = strdup("");
    s->speaker = strdup("");
    s->confidence = -1;
    assert_int_equal(put_chunk(&r, id, 7, &put), SC_OK);

    SC_AUTO_SEGMENTS got = { 0 };
    assert_int_equal(read_version(&r, id, 0, &got, NULL), SC_OK);
    assert_int_equal(got.count, 2);
    const struct sc_segment *a = &got.items[0], *b = &got.items[1];
    assert_true(a->row > 0);
    assert_int_equal(a->id, a->row); /* its first row */
    assert_int_equal(b->id, b->row);
    assert_int_not_equal(a->id, b->id);
    assert_int_equal(a->chunk, 7);
    assert_int_equal(a->start_ms, 1000);
    assert_int_equal(a->end_ms, 1750);
    assert_string_equal(a->text, put.items[0].text);
    assert_string_equal(a->speaker, "Ana");
    assert_float_equal(a->confidence, 0.5, 0.001);
    assert_int_equal(a->word_count, 3);
    assert_string_equal(a->words[0].text, "größer");
    assert_int_equal(a->words[1].start_ms, 1250);
    assert_int_equal(a->words[1].end_ms, 1500);
    assert_null(b->speaker);
    assert_string_equal(b->text, "");
    assert_int_equal(b->word_count, 0);
    assert_true(b->confidence < 0);
}

static void chunks_are_read_in_time_order_whatever_order_they_came_in(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 2, 4000, "five", "six");
    PUT(r, id, 0, 0, "one", "two");
    PUT(r, id, 1, 2000, "three", "four");
    assert_text(&r, id, 0, "one\ntwo\nthree\nfour\nfive\nsix");
    PUT(r, id, 3, 4000, "tie"); /* the earlier chunk first */
    assert_text(&r, id, 0, "one\ntwo\nthree\nfour\nfive\ntie\nsix");

    SC_AUTO_SEGMENTS chunk = { 0 };
    AUTO_READER(conn, r);
    assert_int_equal(sc_transcript_chunk(conn, id, 1, &chunk, NULL), SC_OK);
    assert_int_equal(chunk.count, 2);
    assert_string_equal(chunk.items[0].text, "three");
    assert_int_equal(sc_transcript_chunk(conn, id, 9, &chunk, NULL), SC_OK); /* replaces */
    assert_int_equal(chunk.count, 0);
}

static void putting_a_chunk_again_replaces_rows_counts_and_index(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1), other = begin(&r, 2);
    PUT(r, other, 0, 0, "apple of theirs");
    PUT(r, id, 0, 0, "apple pie", "banana");
    PUT(r, id, 1, 2000, "cherry");
    assert_int_equal(find(&r, id).segment_count, 3);
    assert_int_equal(find(&r, id).word_count, 4);
    assert_int_equal(hits(&r, "apple"), 2);
    assert_int_equal(hits(&r, "banana"), 1);

    test_clock_step(&r.clock, 500);
    PUT(r, id, 0, 0, "damson");
    assert_text(&r, id, 0, "damson\ncherry");
    assert_int_equal(find(&r, id).segment_count, 2);
    assert_int_equal(find(&r, id).word_count, 2);
    assert_int_equal(find(&r, id).updated_ms, T0 + 500);
    assert_int_equal(hits(&r, "apple"), 1);
    assert_int_equal(hits(&r, "banana"), 0);
    assert_int_equal(hits(&r, "damson"), 1);
    assert_index_whole(&r);

    SC_AUTO_SEGMENTS none = { 0 };
    assert_int_equal(put_chunk(&r, id, 0, &none), SC_OK);
    assert_text(&r, id, 0, "cherry");
    assert_index_whole(&r);
    assert_int_equal(find(&r, other).word_count, 3);
}

static void an_engine_is_one_origin(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "a");
    PUT(r, id, 1, 1000, "b");
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM origins"), 1);
    SC_AUTO_SEGMENTS list = { 0 };
    (void)add_segment(&list, 3000, 100, "c");
    struct op op = { .id = id, .chunk = 2, .segments = &list, .model = NULL };
    assert_int_equal(do_write(&r, op_put_chunk, &op), SC_OK);
    assert_int_equal(do_write(&r, op_put_chunk, &op), SC_OK);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM origins"), 2);
    assert_int_equal(number(r.f.store,
                            "SELECT count(*) FROM segments JOIN origins ON origins.id = origin_id"
                            " WHERE engine = 'null' AND engine_version = '1' AND model = 'm'"),
                     2);
}

static void a_chunk_that_is_refused_changes_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "good");
    SC_AUTO_SEGMENTS bad = { 0 };
    (void)add_segment(&bad, 3000, 100, "late");
    (void)add_segment(&bad, 0, 100, "early"); /* out of order */
    assert_int_equal(put_chunk(&r, id, 0, &bad), SC_E_INVALID_VALUE);
    SC_AUTO_SEGMENTS fine = { 0 };
    (void)add_segment(&fine, 0, 100, "fine");
    assert_int_equal(put_chunk(&r, 99, 0, &fine), SC_E_TRANSCRIPT_NOT_FOUND);
    assert_int_equal(finish(&r, id, ""), SC_OK);
    assert_int_equal(put_chunk(&r, id, 0, &fine), SC_E_CONFLICT);
    assert_text(&r, id, 1, "good");
    assert_index_whole(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_has_one_transcript),
        TEST(a_job_without_a_file_has_no_transcript),
        TEST(another_owners_transcript_does_not_exist),
        TEST(lists_are_newest_first_and_filtered),
        TEST(segments_come_back_as_they_were_put),
        TEST(chunks_are_read_in_time_order_whatever_order_they_came_in),
        TEST(putting_a_chunk_again_replaces_rows_counts_and_index),
        TEST(an_engine_is_one_origin),
        TEST(a_chunk_that_is_refused_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
