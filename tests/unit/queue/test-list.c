#include "queue-verbs.h"

#include "base/banned.h"

struct seen {
    int64_t ids[64];
    size_t count;
    struct sc_job_page_end end;
};

static enum sc_code note_job(void *ctx, const struct sc_job *job, struct sc_error *err)
{
    (void)err;
    struct seen *seen = ctx;
    seen->ids[seen->count++] = job->id;
    return SC_OK;
}

static struct seen list(struct rig *r, const struct sc_job_filter *filter)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct seen seen = { .count = 0 };
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_job_list(conn, filter, note_job, &seen, &seen.end, NULL), SC_OK);
    return seen;
}

/* The ids of a list, in order, as text. */
static void expect(struct rig *r, const struct sc_job_filter *filter, const char *wanted)
{
    struct seen seen = list(r, filter);
    char text[400] = "";
    for (size_t i = 0; i < seen.count; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%s%d", i == 0 ? "" : " ",
                       (int)seen.ids[i]);
    }
    assert_string_equal(text, wanted);
}

static void sql(struct rig *r, const char *text)
{
    assert_int_equal(write_sql(r->f.store, text), SC_OK);
}

/* Nine jobs: 3, 6 and 9 of another owner; even ones of a file; 4 and 6 cancelled. */
static void make_jobs(struct rig *r)
{
    sql(r, "INSERT INTO principals VALUES (2, 'eve', 0);"
           "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes,"
           " format, codec, sample_rate, channels, uploaded_ms)"
           " VALUES (5, 1, 'h', 'n', 'p', 1, 'wav', 'pcm', 1, 1, 1)");
    struct sc_job_spec spec = noop_spec();
    for (int i = 1; i <= 9; i++) {
        spec.owner_id = i % 3 == 0 ? 2 : 1;
        spec.file_id = i % 2 == 0 ? 5 : 0;
        assert_int_equal(create_from(r, &spec, NULL), i);
        test_clock_step(&r->clock, 1000);
    }
    assert_int_equal(on_job(r, op_cancel, 4), SC_OK);
    assert_int_equal(on_job(r, op_cancel, 6), SC_OK);
}

static void lists_are_newest_first_and_page_by_their_place(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    struct sc_job_filter mine = sc_job_filter_all(1, 4);
    struct seen page = list(&r, &mine);
    assert_int_equal(page.count, 4);
    assert_true(page.end.more);
    assert_false(page.end.partial);
    expect(&r, &mine, "8 7 5 4");
    mine.after = page.end.next;
    expect(&r, &mine, "2 1");
    assert_false(list(&r, &mine).end.more);

    mine = sc_job_filter_all(1, 30);
    mine.status.state = SC_JOB_CANCELLED;
    expect(&r, &mine, "4");
    mine = sc_job_filter_all(1, 30);
    mine.file_id = 5;
    expect(&r, &mine, "8 4 2");
    mine.owner_id = 2;
    expect(&r, &mine, "6");
    mine.status.state = SC_JOB_PENDING;
    expect(&r, &mine, "");
}

/* A last page that is exactly full says that nothing follows. */
static void a_full_page_knows_whether_more_fits(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    struct sc_job_filter mine = sc_job_filter_all(1, 3);
    mine.file_id = 5;
    assert_false(list(&r, &mine).end.more);
    mine.limit = 2;
    struct seen page = list(&r, &mine);
    assert_true(page.end.more);
    assert_int_equal(page.end.next.id, 4);
}

static void each_condition_lets_its_jobs_through_and_no_others(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    sql(&r, "UPDATE jobs SET engine = 'null', model = 'm1' WHERE id IN (1, 3);"
            "UPDATE jobs SET pipeline = 'transcribe', stage = 2 WHERE id IN (2, 3);"
            "UPDATE jobs SET language = 'auto', detected_language = 'de' WHERE id IN (5, 6);"
            "UPDATE jobs SET language = 'de', class = 2 WHERE id IN (7, 9);"
            "UPDATE jobs SET error_code = 'TIMEOUT', name = 'Board Meeting' WHERE id = 8;"
            "UPDATE jobs SET file_name = 'meeting-2.wav', updated_ms = 5000 WHERE id = 4;"
            "UPDATE jobs SET campaign_id = 7 WHERE id IN (1, 3, 8);"
            "INSERT INTO job_tags (job, tag) VALUES (1, 'a'), (3, 'a'), (8, 'a'), (8, 'b')");
    struct sc_job_filter f = sc_job_filter_all(1, 30);
#define ONLY(field, value, wanted)    \
    do {                              \
        f = sc_job_filter_all(1, 30); \
        f.field = (value);            \
        expect(&r, &f, (wanted));     \
    } while (0)
    ONLY(campaign_id, 7, "8 1");
    f.tag = SC_STR("b");
    expect(&r, &f, "8");
    f.sort = SC_JOB_OLDEST;
    f.tag = (struct sc_str){ 0 };
    expect(&r, &f, "1 8");
    f.sort = SC_JOB_LONGEST;
    expect(&r, &f, "");
    ONLY(campaign_id, 8, "");
    ONLY(engine, SC_STR("null"), "1");
    ONLY(model, SC_STR("m1"), "1");
    ONLY(model, SC_STR("m"), "");
    ONLY(pipeline, SC_STR("transcribe"), "2");
    ONLY(stage, SC_STAGE_TRANSCRIBE, "2");
    ONLY(language, SC_STR("de"), "7 5");
    ONLY(class, SC_CLASS_LOW, "7");
    ONLY(error_code, SC_STR("TIMEOUT"), "8");
    ONLY(name, SC_STR("Board Meeting"), "8");
    ONLY(name, SC_STR("meeting-2.wav"), "4");
    ONLY(name, SC_STR("Board"), "");
    ONLY(search, SC_STR("mEETING"), "8 4");
    ONLY(search, SC_STR("meetings"), "");
    ONLY(tag, SC_STR("a"), "8 1");
    ONLY(tag, SC_STR("c"), "");
    ONLY(created_since, T0 + 6000, "8 7");
    ONLY(created_until, T0 + 3000, "2 1");
    ONLY(updated_until, 5001, "4");
    ONLY(updated_since, T0 + 7000, "8");
    f = sc_job_filter_all(1, 30);
    f.tag = SC_STR("a");
    f.search = SC_STR("board");
    f.sort = SC_JOB_LONGEST; /* walks another index, so the tag is looked up */
    sql(&r, "UPDATE jobs SET duration_ms = 7 WHERE id IN (1, 8)");
    expect(&r, &f, "8");
}

/* Of them 9 has one chunk, 10 had nothing to cut, 11 has no recording: it has no such stages. */
static void older_states_tell_how_far_a_stage_is(void **state)
{
    (void)state;
    static const struct {
        struct sc_status_filter status;
        const char *wanted;
    } rows[] = {
        { { SC_JOB_PENDING, SC_STAGE_SPLIT, SC_PART_PENDING }, "1" },
        { { SC_JOB_PROCESSING, SC_STAGE_SPLIT, SC_PART_PROCESSING }, "3 2" },
        { { SC_JOB_PROCESSING, SC_STAGE_SPLIT, SC_PART_COMPLETED }, "10 5 4" },
        { { SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_PENDING }, "10 5" },
        { { SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_PROCESSING }, "6" },
        { { SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_COMPLETED }, "9 7" },
        { { SC_JOB_PROCESSING, SC_STAGE_JOIN, SC_PART_PENDING }, "9 7" },
        { { SC_JOB_PROCESSING, SC_STAGE_JOIN, SC_PART_PROCESSING }, "8" },
    };
    AUTO_RIG(r);
    make_jobs(&r);
    create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_NORMAL, 0);
    sql(&r, "UPDATE jobs SET owner_id = 1, file_id = 5, state = 1, stage = 3, chunks_total = 3,"
            " split_done = 1, pipeline = 'convert' WHERE id <= 10;"
            "UPDATE jobs SET chunks_total = 1, chunks_completed = 1 WHERE id = 9;"
            "UPDATE jobs SET chunks_total = 0 WHERE id = 10;"
            "UPDATE jobs SET state = 0, split_done = 0, chunks_total = 0 WHERE id = 1;"
            "UPDATE jobs SET split_done = 0 WHERE id IN (2, 3);"
            "UPDATE jobs SET chunks_completed = 1 WHERE id IN (3, 6);"
            "UPDATE jobs SET pipeline = 'transcribe' WHERE id = 4;"
            "UPDATE jobs SET chunks_completed = 3 WHERE id IN (7, 8);"
            "UPDATE jobs SET stage = 5 WHERE id = 8");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_job_filter f = sc_job_filter_all(1, 30);
        f.status = rows[i].status;
        expect(&r, &f, rows[i].wanted);
    }
}

static void every_order_pages_through_all_of_its_jobs(void **state)
{
    (void)state;
    static const struct {
        enum sc_job_sort sort;
        const char *wanted;
    } rows[] = {
        { SC_JOB_NEWEST, "8 7 5 4 2 1" }, { SC_JOB_OLDEST, "1 2 4 5 7 8" },
        { SC_JOB_ENDED_LAST, "1 4 2" },   { SC_JOB_ENDED_FIRST, "2 4 1" },
        { SC_JOB_LONGEST, "8 7 2 5" },    { SC_JOB_SHORTEST, "5 2 7 8" },
    };
    AUTO_RIG(r);
    make_jobs(&r);
    sql(&r, "UPDATE jobs SET completed_ms = 10 WHERE id IN (2, 4);"
            "UPDATE jobs SET completed_ms = 20 WHERE id = 1;"
            "UPDATE jobs SET duration_ms = 40 WHERE id IN (2, 7, 8);"
            "UPDATE jobs SET duration_ms = 30 WHERE id = 5");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_job_filter f = sc_job_filter_all(1, 30);
        f.sort = rows[i].sort;
        expect(&r, &f, rows[i].wanted);
        /* And the same one by one. */
        char text[100] = "";
        f.limit = 1;
        for (;;) {
            struct seen page = list(&r, &f);
            size_t used = strlen(text);
            (void)snprintf(text + used, sizeof(text) - used, "%s%d", used == 0 ? "" : " ",
                           (int)page.ids[0]);
            if (!page.end.more)
                break;
            f.after = page.end.next;
        }
        assert_string_equal(text, rows[i].wanted);
    }
}

/* Lets `left` rows be looked at. */
static bool spent(void *ctx)
{
    int *left = ctx;
    return --*left <= 0;
}

static void a_walk_that_is_stopped_goes_on_where_it_was(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    sql(&r, "UPDATE jobs SET name = 'x' WHERE id IN (1, 5)");
    int left = 2;
    struct sc_job_filter f = sc_job_filter_all(1, 30);
    f.search = SC_STR("x");
    f.spent = spent;
    f.spent_ctx = &left;
    struct seen page = list(&r, &f);
    assert_int_equal(page.count, 0);
    assert_true(page.end.partial && page.end.more);
    assert_int_equal(page.end.next.id, 7);

    /* However little time there is, each call gets further. */
    int64_t found[4];
    size_t count = 0, calls = 0;
    do {
        left = 0;
        f.after = page.end.next;
        page = list(&r, &f);
        for (size_t i = 0; i < page.count; i++)
            found[count++] = page.ids[i];
        assert_true(++calls < 10);
    } while (page.end.more);
    assert_int_equal(count, 2);
    assert_int_equal(found[0], 5);
    assert_int_equal(found[1], 1);

    /* A page that was full before the time was spent is whole. */
    left = 4;
    f.after = (struct sc_job_place){ 0 };
    f.limit = 1;
    page = list(&r, &f);
    assert_int_equal(page.ids[0], 5);
    assert_true(page.end.more);
    assert_false(page.end.partial);
}

/* What is older than asked for ends a list of the newest, however many there are. */
static void a_list_since_a_time_does_not_walk_all_that_is_older(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    sql(&r, "UPDATE jobs SET created_ms = created_ms - 200000000 WHERE id <= 5");
    int looked = 1000;
    struct sc_job_filter f = sc_job_filter_all(1, 30);
    f.created_since = T0;
    f.spent = spent;
    f.spent_ctx = &looked;
    expect(&r, &f, "8 7");
    assert_true(looked >= 997);
}

/* And what is younger, or older, than asked for is not walked either. */
static void a_list_of_an_earlier_time_begins_there(void **state)
{
    (void)state;
    static const struct {
        enum sc_job_sort sort;
        int64_t since_days, until_days;
        const char *wanted;
        int rows; /* looked at, at most */
    } rows[] = {
        { SC_JOB_NEWEST, 0, 10, "5 4 3 2 1", 7 },
        { SC_JOB_NEWEST, 10, 15, "8 7 6", 7 },
        { SC_JOB_OLDEST, 50, 0, "26 27 28 29 30", 8 },
        { SC_JOB_OLDEST, 57, 59, "30", 4 },
        { SC_JOB_NEWEST, 0, 1, "1", 3 },
        { SC_JOB_OLDEST, 90, 0, "", 3 },
    };
    const int64_t day = 86400000;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    for (int i = 1; i <= 30; i++) { /* every other day */
        (void)create_from(&r, &spec, NULL);
        test_clock_step(&r.clock, 2 * day);
    }
    sql(&r, "DELETE FROM jobs WHERE id IN (9, 10, 11, 20)"); /* ids have gaps */
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int left = 1000;
        struct sc_job_filter f = sc_job_filter_all(1, 30);
        f.sort = rows[i].sort;
        f.created_since = rows[i].since_days == 0 ? 0 : T0 + rows[i].since_days * day;
        f.created_until = rows[i].until_days == 0 ? 0 : T0 + rows[i].until_days * day;
        f.spent = spent;
        f.spent_ctx = &left;
        expect(&r, &f, rows[i].wanted);
        if (1000 - left > rows[i].rows)
            fail_msg("case %zu looked at %d rows", i, 1000 - left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_are_newest_first_and_page_by_their_place),
        TEST(a_full_page_knows_whether_more_fits),
        TEST(each_condition_lets_its_jobs_through_and_no_others),
        TEST(older_states_tell_how_far_a_stage_is),
        TEST(every_order_pages_through_all_of_its_jobs),
        TEST(a_walk_that_is_stopped_goes_on_where_it_was),
        TEST(a_list_since_a_time_does_not_walk_all_that_is_older),
        TEST(a_list_of_an_earlier_time_begins_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
