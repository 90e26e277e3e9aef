#include "library-fixture.h"

#include "base/banned.h"

static struct sc_file sample(int64_t owner, const char *hash, const char *name)
{
    struct sc_file f = {
        .owner_id = owner,
        .format = "wav",
        .codec = "pcm_s16le",
        .size_bytes = 1000,
        .duration_ms = -1,
        .sample_rate = 44100,
        .channels = 2,
        .bit_rate = -1,
    };
    (void)snprintf(f.file_hash, sizeof(f.file_hash), "%s", hash);
    (void)snprintf(f.original_name, sizeof(f.original_name), "%s", name);
    (void)snprintf(f.file_path, sizeof(f.file_path), "audio/%s", hash);
    return f;
}

static int64_t add(struct rig *r, const struct sc_file *file, bool *duplicate)
{
    SC_AUTO_FILE stored = { 0 };
    struct op op = { .file = file, .source = "api", .stored = &stored };
    assert_int_equal(do_write(r, op_file_add, &op), SC_OK);
    *duplicate = op.duplicate;
    return stored.id;
}

static int64_t storage(struct rig *r)
{
    int64_t bytes = -1;
    AUTO_READER(conn, *r);
    assert_int_equal(sc_storage_used(conn, &bytes, NULL), SC_OK);
    return bytes;
}

static void a_new_file_is_stored_with_all_that_is_known(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_file given = sample(1, "new", "talk.wav");
    given.duration_ms = 61000;
    given.bit_rate = 128000;
    given.duration_counted = true;
    char tags[] = "{\"a\":1}";
    given.metadata = tags;
    bool duplicate = true;
    int64_t id = add(&r, &given, &duplicate);
    assert_false(duplicate);

    AUTO_READER(conn, r);
    SC_AUTO_FILE f = { 0 };
    assert_int_equal(sc_file_find(conn, 1, id, &f, NULL), SC_OK);
    assert_int_equal(f.id, id);
    assert_int_equal(f.owner_id, 1);
    assert_string_equal(f.file_hash, "new");
    assert_string_equal(f.original_name, "talk.wav");
    assert_string_equal(f.file_path, "audio/new");
    assert_string_equal(f.format, "wav");
    assert_string_equal(f.codec, "pcm_s16le");
    assert_string_equal(f.metadata, tags);
    assert_int_equal(f.size_bytes, 1000);
    assert_int_equal(f.duration_ms, 61000);
    assert_true(f.duration_counted);
    assert_int_equal(f.sample_rate, 44100);
    assert_int_equal(f.channels, 2);
    assert_int_equal(f.bit_rate, 128000);
    assert_int_equal(f.uploaded_ms, T0);
    assert_int_equal(f.archived_ms, 0);
}

static void unknown_is_kept_as_unknown(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_file given = sample(1, "new", "x");
    bool duplicate = false;
    int64_t id = add(&r, &given, &duplicate);
    AUTO_READER(conn, r);
    SC_AUTO_FILE f = { 0 };
    assert_int_equal(sc_file_find(conn, 1, id, &f, NULL), SC_OK);
    assert_int_equal(f.duration_ms, -1);
    assert_int_equal(f.bit_rate, -1);
    assert_false(f.duration_counted);
    assert_string_equal(f.metadata, "{}");
}

static void the_same_bytes_are_one_row_and_every_arrival_is_recorded(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_file first = sample(1, "new", "one.wav"), again = sample(1, "new", "two.wav");
    bool duplicate = true;
    int64_t id = add(&r, &first, &duplicate);
    assert_false(duplicate);
    assert_int_equal(add(&r, &again, &duplicate), id);
    assert_true(duplicate);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM files WHERE file_hash = 'new'"), 1);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM uploads WHERE owner_id = 1"), 2);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM uploads WHERE name = 'two.wav'"
                                       " AND source = 'api' AND created_ms = 1700000000000"),
                     1);
}

static void storage_counts_each_blob_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    bool duplicate = false;
    assert_int_equal(storage(&r), 0);
    struct sc_file mine = sample(1, "new", "a"), theirs = sample(2, "new", "a");
    struct sc_file more = sample(1, "more", "a");
    int64_t id = add(&r, &mine, &duplicate);
    assert_int_equal(storage(&r), 1000);
    (void)add(&r, &mine, &duplicate);
    assert_int_equal(storage(&r), 1000);
    assert_int_not_equal(add(&r, &theirs, &duplicate), id); /* a row of its own */
    assert_false(duplicate);
    assert_int_equal(storage(&r), 1000);
    (void)add(&r, &more, &duplicate);
    assert_int_equal(storage(&r), 2000);
}

static void another_owners_file_does_not_exist(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_READER(conn, r);
    SC_AUTO_FILE f = { 0 };
    assert_int_equal(sc_file_find(conn, 1, 2, &f, NULL), SC_E_FILE_NOT_FOUND);
    assert_int_equal(sc_file_find(conn, 1, 99, &f, NULL), SC_E_FILE_NOT_FOUND);
    assert_null(f.metadata);
    assert_int_equal(sc_file_find(conn, 0, 2, &f, NULL), SC_OK);
    sc_file_done(&f);
    assert_int_equal(sc_file_find_hash(conn, 2, "h1", &f, NULL), SC_OK);
    assert_int_equal(f.id, 2);
    sc_file_done(&f);
    assert_int_equal(sc_file_find_hash(conn, 0, "h1", &f, NULL), SC_OK);
    sc_file_done(&f);
    assert_int_equal(sc_file_find_hash(conn, 2, "none", &f, NULL), SC_E_FILE_NOT_FOUND);
}

struct seen {
    char ids[64]; /* "3,2,1," */
    int stop_after;
};

static enum sc_code note_file(void *ctx, const struct sc_file *file, struct sc_error *err)
{
    struct seen *seen = ctx;
    size_t len = strlen(seen->ids);
    (void)snprintf(seen->ids + len, sizeof(seen->ids) - len, "%d,", (int)file->id);
    if (--seen->stop_after == 0)
        return sc_error_set(err, SC_E_CANCELLED, "enough");
    return SC_OK;
}

static void assert_list(struct sc_conn *conn, const struct sc_file_filter *filter, const char *ids)
{
    struct seen seen = { .ids = "" };
    struct sc_file_page_end end = { .more = false };
    assert_int_equal(sc_file_list(conn, filter, note_file, &seen, &end, NULL), SC_OK);
    assert_string_equal(seen.ids, ids);
}

/* Files 1, 3, 4, 5 are the first owner's. */
static void more_files(struct rig *r)
{
    bool duplicate = false;
    struct sc_file third = sample(1, "h3", "a.wav"), fourth = sample(1, "h4", "c.mp3"),
                   fifth = sample(1, "h5", "b.wav");
    third.size_bytes = 5;
    third.duration_ms = 9000;
    fourth.size_bytes = 2000;
    (void)snprintf(fourth.format, sizeof(fourth.format), "mp3");
    fifth.duration_ms = 100;
    (void)add(r, &third, &duplicate);
    (void)add(r, &fourth, &duplicate);
    (void)add(r, &fifth, &duplicate);
    (void)add(r, &third, &duplicate);
    (void)add(r, &fourth, &duplicate);
}

static void lists_are_filtered_and_sorted(void **state)
{
    (void)state;
    AUTO_RIG(r);
    more_files(&r);
    static const struct {
        struct sc_file_filter filter;
        const char *ids;
    } rows[] = {
        { { .owner_id = 1, .limit = 9 }, "5,4,3,1," },
        { { .owner_id = 1, .limit = 2 }, "5,4," },
        { { .owner_id = 2, .limit = 9 }, "2," },
        { { .owner_id = 1, .sort = SC_FILE_OLDEST, .limit = 9 }, "1,3,4,5," },
        { { .owner_id = 1, .sort = SC_FILE_LARGEST, .limit = 9 }, "4,5,1,3," },
        { { .owner_id = 1, .sort = SC_FILE_SMALLEST, .limit = 9 }, "3,1,5,4," },
        { { .owner_id = 1, .sort = SC_FILE_LONGEST, .limit = 9 }, "3,1,5,4," },
        { { .owner_id = 1, .sort = SC_FILE_SHORTEST, .limit = 9 }, "4,5,1,3," },
        { { .owner_id = 1, .sort = SC_FILE_NAME_UP, .limit = 9 }, "1,3,5,4," },
        { { .owner_id = 1, .sort = SC_FILE_NAME_DOWN, .limit = 9 }, "4,5,3,1," },
        { { .owner_id = 1, .sort = SC_FILE_SAVED, .limit = 9 }, "4,3," },
        { { .owner_id = 1, .name = "a.wav", .limit = 9 }, "3,1," },
        { { .owner_id = 1, .name = "a.wav", .sort = SC_FILE_OLDEST, .limit = 9 }, "1,3," },
        { { .owner_id = 1, .name = "a.wav", .sort = SC_FILE_SMALLEST, .limit = 9 }, "3,1," },
        { { .owner_id = 1, .format = "mp3", .limit = 9 }, "4," },
        { { .owner_id = 1, .format = "wav", .sort = SC_FILE_OLDEST, .limit = 9 }, "1,3,5," },
        { { .owner_id = 1, .format = "wav", .sort = SC_FILE_NAME_DOWN, .limit = 9 }, "5,3,1," },
        { { .owner_id = 1, .name = "a.wav", .format = "mp3", .limit = 9 }, "" },
        { { .owner_id = 1, .hash = "h3", .limit = 9 }, "3," },
        { { .owner_id = 1, .hash = "h3", .format = "mp3", .limit = 9 }, "" },
        { { .owner_id = 2, .hash = "h3", .limit = 9 }, "" },
        { { .owner_id = 1, .unused = true, .limit = 9 }, "5,4,3," },
        { { .owner_id = 1, .damaged = true, .limit = 9 }, "" },
        { { .owner_id = 1, .until_ms = T0, .limit = 9 }, "1," },
        { { .owner_id = 1, .since_ms = T0, .limit = 9 }, "5,4,3," },
        { { .owner_id = 1, .since_ms = T0 + 1, .limit = 9 }, "" },
        { { .owner_id = 1, .sort = SC_FILE_OLDEST, .since_ms = T0, .limit = 9 }, "3,4,5," },
        { { .owner_id = 1, .sort = SC_FILE_OLDEST, .until_ms = T0, .limit = 9 }, "1," },
        { { .owner_id = 1, .until_ms = T0 + 1, .limit = 9 }, "5,4,3,1," },
    };
    AUTO_READER(conn, r);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_list(conn, &rows[i].filter, rows[i].ids);
    struct seen seen = { .stop_after = 1 };
    struct sc_file_page_end end = { .more = false };
    assert_int_equal(sc_file_list(conn, &rows[0].filter, note_file, &seen, &end, NULL),
                     SC_E_CANCELLED);
    assert_string_equal(seen.ids, "5,");
}

static void damaged_files_are_listed_by_their_index(void **state)
{
    (void)state;
    AUTO_RIG(r);
    more_files(&r);
    assert_int_equal(write_sql(r.f.store, "UPDATE files SET damage = 1 WHERE id IN (2, 3, 5)"),
                     SC_OK);
    static const struct {
        struct sc_file_filter filter;
        const char *ids;
    } rows[] = {
        { { .owner_id = 1, .damaged = true, .limit = 9 }, "5,3," },
        { { .owner_id = 1, .damaged = true, .after = { .id = 5 }, .limit = 9 }, "3," },
        { { .owner_id = 1, .damaged = true, .sort = SC_FILE_OLDEST, .limit = 9 }, "3,5," },
        { { .owner_id = 1, .damaged = true, .sort = SC_FILE_SMALLEST, .limit = 9 }, "3,5," },
        { { .owner_id = 1, .damaged = true, .name = "a.wav", .limit = 9 }, "3," },
        { { .owner_id = 1, .damaged = true, .format = "mp3", .limit = 9 }, "" },
        { { .owner_id = 2, .damaged = true, .limit = 9 }, "2," },
    };
    AUTO_READER(conn, r);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_list(conn, &rows[i].filter, rows[i].ids);
}

static void tagged_files_are_listed_by_their_index(void **state)
{
    (void)state;
    AUTO_RIG(r);
    more_files(&r);
    assert_int_equal(write_sql(r.f.store, "INSERT INTO file_tags (file_id, tag) VALUES"
                                          " (1, 't'), (2, 't'), (3, 't'), (5, 't'), (4, 'u')"),
                     SC_OK);
    static const struct {
        struct sc_file_filter filter;
        const char *ids;
    } rows[] = {
        { { .owner_id = 1, .tag = "t", .limit = 9 }, "5,3,1," },
        { { .owner_id = 1, .tag = "t", .after = { .id = 5 }, .limit = 1 }, "3," },
        { { .owner_id = 1, .tag = "t", .sort = SC_FILE_OLDEST, .limit = 9 }, "1,3,5," },
        { { .owner_id = 1, .tag = "t", .sort = SC_FILE_LARGEST, .limit = 9 }, "5,1,3," },
        { { .owner_id = 1, .tag = "t", .name = "a.wav", .limit = 9 }, "3,1," },
        { { .owner_id = 1, .tag = "t", .format = "mp3", .limit = 9 }, "" },
        { { .owner_id = 1, .tag = "u", .hash = "h4", .limit = 9 }, "4," },
        { { .owner_id = 1, .tag = "t", .hash = "h4", .limit = 9 }, "" },
        { { .owner_id = 1, .tag = "T", .limit = 9 }, "" },
        { { .owner_id = 2, .tag = "t", .limit = 9 }, "2," },
        { { .owner_id = 2, .tag = "u", .limit = 9 }, "" },
    };
    AUTO_READER(conn, r);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_list(conn, &rows[i].filter, rows[i].ids);
}

static void assert_pages_join(struct rig *r)
{
    AUTO_READER(conn, *r);
    for (int sort = 0; sort < SC_FILE_SORT_COUNT_; sort++) {
        struct sc_file_filter all = { .owner_id = 1, .sort = (enum sc_file_sort)sort, .limit = 99 };
        struct sc_file_filter page = all;
        struct seen whole = { .ids = "" }, joined = { .ids = "" };
        struct sc_file_page_end end = { .more = true };
        assert_int_equal(sc_file_list(conn, &all, note_file, &whole, &end, NULL), SC_OK);
        assert_false(end.more);
        page.limit = 1;
        do {
            assert_int_equal(sc_file_list(conn, &page, note_file, &joined, &end, NULL), SC_OK);
            page.after = end.next;
        } while (end.more);
        assert_string_equal(joined.ids, whole.ids);
    }
}

/* Pages of one row, whatever the order, are the list; also where rows tie in what it is sorted by.
 */
static void pages_join_to_the_whole_list_in_every_order(void **state)
{
    (void)state;
    AUTO_RIG(r);
    more_files(&r);
    assert_pages_join(&r);
    assert_int_equal(write_sql(r.f.store, "UPDATE files SET duration_ms = 100, size_bytes = 5,"
                                          " original_name = 'a.wav', uploaded_ms = 5"
                                          " WHERE id IN (1, 3, 5)"),
                     SC_OK);
    assert_pages_join(&r);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void a_walk_that_ran_out_of_time_goes_on_where_it_stopped(void **state)
{
    (void)state;
    AUTO_RIG(r);
    more_files(&r);
    AUTO_READER(conn, r);
    struct sc_file_filter f = {
        .owner_id = 1, .name = "a.wav", .sort = SC_FILE_LARGEST, .limit = 9, .spent = at_once
    };
    struct seen seen = { .ids = "" };
    struct sc_file_page_end end;
    int calls = 0;
    do {
        assert_int_equal(sc_file_list(conn, &f, note_file, &seen, &end, NULL), SC_OK);
        assert_int_equal(end.partial, end.more);
        f.after = end.next;
        calls++;
    } while (end.more);
    assert_string_equal(seen.ids, "1,3,");
    assert_int_equal(calls, 5);
}

static enum sc_code note_arrival(void *ctx, const struct sc_arrival_row *row, struct sc_error *err)
{
    struct seen *seen = ctx;
    size_t len = strlen(seen->ids);
    (void)err;
    (void)snprintf(seen->ids + len, sizeof(seen->ids) - len, "%s@%d,", row->name, (int)row->id);
    return SC_OK;
}

static void arrivals_are_listed_newest_first(void **state)
{
    (void)state;
    AUTO_RIG(r);
    bool duplicate = false;
    struct sc_file one = sample(1, "new", "one"), two = sample(1, "new", "two");
    int64_t id = add(&r, &one, &duplicate);
    (void)add(&r, &two, &duplicate);
    AUTO_READER(conn, r);
    struct seen seen = { .ids = "" };
    struct sc_arrival_filter all = { id, 0, 9 }, older = { id, 2, 9 };
    assert_int_equal(sc_file_arrivals(conn, &all, note_arrival, &seen, NULL), SC_OK);
    assert_string_equal(seen.ids, "two@2,one@1,");
    seen.ids[0] = '\0';
    assert_int_equal(sc_file_arrivals(conn, &older, note_arrival, &seen, NULL), SC_OK);
    assert_string_equal(seen.ids, "one@1,");
}

static void the_counted_duration_replaces_the_declared_one(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct op op = { .id = 1, .duration_ms = 3999 };
    assert_int_equal(do_write(&r, op_set_duration, &op), SC_OK);
    op.id = 99;
    assert_int_equal(do_write(&r, op_set_duration, &op), SC_E_FILE_NOT_FOUND);
    AUTO_READER(conn, r);
    SC_AUTO_FILE f = { 0 };
    assert_int_equal(sc_file_find(conn, 1, 1, &f, NULL), SC_OK);
    assert_int_equal(f.duration_ms, 3999);
    assert_true(f.duration_counted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_is_stored_with_all_that_is_known),
        TEST(unknown_is_kept_as_unknown),
        TEST(the_same_bytes_are_one_row_and_every_arrival_is_recorded),
        TEST(storage_counts_each_blob_once),
        TEST(another_owners_file_does_not_exist),
        TEST(lists_are_filtered_and_sorted),
        TEST(damaged_files_are_listed_by_their_index),
        TEST(tagged_files_are_listed_by_their_index),
        TEST(pages_join_to_the_whole_list_in_every_order),
        TEST(a_walk_that_ran_out_of_time_goes_on_where_it_stopped),
        TEST(arrivals_are_listed_newest_first),
        TEST(the_counted_duration_replaces_the_declared_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
