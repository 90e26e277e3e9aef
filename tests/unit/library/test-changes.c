/* The history of what people did. */
#include "library/changes.h"

#include "library-fixture.h"

#include "base/banned.h"

static enum sc_code op_record(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_change_record(tx, ctx, err);
}

static void record(struct rig *r, struct sc_change change)
{
    assert_int_equal(sc_store_write(r->f.store, SC_RELAXED, op_record, &change, NULL), SC_OK);
}

static enum sc_code note_change(void *ctx, const struct sc_change *c, struct sc_error *err)
{
    (void)err;
    sc_buf_printf(ctx, "%d %s by %s at %d", (int)c->id, sc_change_name(c->kind), c->by_name,
                  (int)c->at_ms);
    sc_buf_printf(ctx, " f%d j%d:%s t%d v%d o%d %s\n", (int)c->file_id, (int)c->job, c->job_id,
                  (int)c->transcript_id, c->version, (int)c->other_id, c->detail);
    return SC_OK;
}

static void assert_changes(struct rig *r, struct sc_change_filter filter, const char *wanted)
{
    SC_AUTO_BUF found = { 0 };
    AUTO_READER(conn, *r);
    filter.limit = filter.limit == 0 ? 10 : filter.limit;
    assert_int_equal(sc_change_list(conn, &filter, note_change, &found, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&found), wanted);
}

#define ASSERT_CHANGES(r, wanted, ...) \
    assert_changes(&(r), (struct sc_change_filter){ __VA_ARGS__ }, (wanted))

static void fill(struct rig *r)
{
    int64_t transcript = begin(r, 1);
    record(r, (struct sc_change){ .kind = SC_CHANGE_EDITED,
                                  .owner_id = 1,
                                  .by = 1,
                                  .at_ms = 10,
                                  .transcript_id = transcript,
                                  .version = 2,
                                  .detail = "{\"n\":3}" });
    record(r, (struct sc_change){
                  .kind = SC_CHANGE_PRUNED, .owner_id = 1, .by = 2, .at_ms = 11, .file_id = 1 });
    record(r, (struct sc_change){
                  .kind = SC_CHANGE_IMPORTED, .owner_id = 1, .by = 1, .at_ms = 12, .job = 1 });
    record(r, (struct sc_change){
                  .kind = SC_CHANGE_EDITED, .owner_id = 2, .by = 2, .at_ms = 13, .other_id = 77 });
}

/* What was deleted with its file, or before it, is told by the file's number in its detail. */
static void what_was_deleted_is_found_by_its_file(void **state)
{
    (void)state;
    AUTO_RIG(r);
    const struct sc_change rows[] = {
        { .kind = SC_CHANGE_FILE_MARKED, .owner_id = 1, .by = 1, .at_ms = 10, .file_id = 1 },
        { .kind = SC_CHANGE_JOB_DELETED, .owner_id = 1, .by = 2, .at_ms = 11, .gone_file_id = 1 },
        { .kind = SC_CHANGE_JOB_DELETED, .owner_id = 2, .by = 2, .at_ms = 12, .gone_file_id = 1 },
        { .kind = SC_CHANGE_FILE_DELETED, .owner_id = 1, .by = 1, .at_ms = 13, .gone_file_id = 11 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        record(&r, rows[i]);
    ASSERT_CHANGES(r,
                   "2 job.deleted by other at 11 f0 j0: t0 v0 o0 {}\n"
                   "1 file.marked by local at 10 f1 j0: t0 v0 o0 {}\n",
                   .owner_id = 1, .file_id = 1);
    ASSERT_CHANGES(r, "1 file.marked by local at 10 f1 j0: t0 v0 o0 {}\n", .owner_id = 1,
                   .file_id = 1, .before_id = 2);
    ASSERT_CHANGES(r, "4 file.deleted by local at 13 f0 j0: t0 v0 o0 {}\n", .owner_id = 1,
                   .file_id = 11, .kind = "file.deleted");
}

static void changes_are_listed_newest_first(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r);
    static const char *const lines[] = {
        "1 transcript.edited by local at 10 f0 j0: t1 v2 o0 {\"n\":3}\n",
        "2 transcript.pruned by other at 11 f1 j0: t0 v0 o0 {}\n",
        "3 transcript.imported by local at 12 f0 j1:j1 t0 v0 o0 {}\n",
        "4 transcript.edited by other at 13 f0 j0: t0 v0 o77 {}\n",
    };
    char all[400];
    (void)snprintf(all, sizeof(all), "%s%s%s%s", lines[3], lines[2], lines[1], lines[0]);
    ASSERT_CHANGES(r, all, .owner_id = 0);
    ASSERT_CHANGES(r, all + strlen(lines[3]), .owner_id = 1);
    ASSERT_CHANGES(r, lines[3], .owner_id = 2);
    ASSERT_CHANGES(r, lines[0], .transcript_id = 1);
    ASSERT_CHANGES(r, lines[1], .file_id = 1);
    ASSERT_CHANGES(r, lines[2], .job = 1, .owner_id = 1);
    ASSERT_CHANGES(r, "", .job = 1, .owner_id = 2);
    ASSERT_CHANGES(r, lines[2], .limit = 1, .before_id = 4);
    ASSERT_CHANGES(r, lines[0], .owner_id = 1, .kind = "transcript.edited");
    ASSERT_CHANGES(r, "", .owner_id = 1, .kind = "transcript.edited", .before_id = 1);
    ASSERT_CHANGES(r, lines[1], .kind = "transcript.pruned");
    ASSERT_CHANGES(r, lines[1], .file_id = 1, .kind = "transcript.pruned");
    ASSERT_CHANGES(r, "", .file_id = 1, .kind = "transcript.edited");
    ASSERT_CHANGES(r, "", .job = 1, .kind = "transcript.edited");
    ASSERT_CHANGES(r, "", .transcript_id = 1, .kind = "transcript.pruned");
}

static void a_change_goes_with_its_thing_and_numbers_stay(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM transcripts WHERE id = 1"), SC_OK);
    assert_int_equal(number(r.f.store, "SELECT sum(id) FROM changes"), 2 + 3 + 4);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM jobs WHERE id = 1"), SC_OK);
    assert_int_equal(number(r.f.store, "SELECT sum(id) FROM changes"), 2 + 4);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM files WHERE id = 1;"
                                          "DELETE FROM changes"),
                     SC_OK);
    record(&r, (struct sc_change){ .owner_id = 1, .by = 1 });
    assert_int_equal(number(r.f.store, "SELECT id FROM changes"), 5);
}

/* What a newer release has recorded has no name here. */
static void kinds_that_are_unknown_are_passed_over(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r);
    assert_int_equal(write_sql(r.f.store, "UPDATE changes SET kind = 'x.y' WHERE id < 4"), SC_OK);
    ASSERT_CHANGES(r, "", .owner_id = 1);
}

struct forgetting {
    int64_t before_ms, removed;
    int limit;
};

static enum sc_code op_forget(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct forgetting *f = ctx;
    return sc_changes_forget(tx, f->before_ms, f->limit, &f->removed, err);
}

static int64_t forgotten(struct rig *r, int64_t before_ms, int limit)
{
    struct forgetting f = { .before_ms = before_ms, .limit = limit };
    assert_int_equal(sc_store_write(r->f.store, SC_RELAXED, op_forget, &f, NULL), SC_OK);
    return f.removed;
}

/* In slices, and what an undo is known by stays. */
static void what_is_old_is_forgotten(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    for (int i = 0; i < 10; i++)
        record(&r, (struct sc_change){ .kind = i == 2 ? SC_CHANGE_UNDONE : SC_CHANGE_EDITED,
                                       .owner_id = 1,
                                       .by = 1,
                                       .at_ms = 10 + i,
                                       .transcript_id = transcript,
                                       .version = i + 2 });
    assert_int_equal(forgotten(&r, 10, 100), 0);
    assert_int_equal(forgotten(&r, 15, 3), 3);
    assert_int_equal(forgotten(&r, 15, 3), 1);
    assert_int_equal(forgotten(&r, 15, 3), 0);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes"), 6);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes WHERE changed_ms = 12"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_are_listed_newest_first),
        TEST(what_was_deleted_is_found_by_its_file),
        TEST(what_is_old_is_forgotten),
        TEST(a_change_goes_with_its_thing_and_numbers_stay),
        TEST(kinds_that_are_unknown_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
