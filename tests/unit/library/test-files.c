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
    given.tags = tags;
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
    assert_string_equal(f.tags, tags);
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
    assert_string_equal(f.tags, "{}");
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
    assert_null(f.tags);
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

static void lists_are_newest_first_and_filtered(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_file third = sample(1, "h3", "a.wav"), fourth = sample(1, "h4", "c.wav");
    bool duplicate = false;
    (void)add(&r, &third, &duplicate);
    (void)add(&r, &fourth, &duplicate);
    static const struct {
        struct sc_file_filter filter;
        const char *ids;
    } rows[] = {
        { { 1, NULL, NULL, 0, 9 }, "4,3,1," },  { { 1, NULL, NULL, 0, 2 }, "4,3," },
        { { 1, NULL, NULL, 3, 9 }, "1," },      { { 0, NULL, NULL, 0, 9 }, "4,3,2,1," },
        { { 1, NULL, "a.wav", 0, 9 }, "3,1," }, { { 1, NULL, "a.wav", 3, 9 }, "1," },
        { { 0, NULL, "b.wav", 0, 9 }, "2," },   { { 1, "h1", NULL, 0, 9 }, "1," },
        { { 0, "h1", NULL, 0, 9 }, "2,1," },    { { 0, "h1", NULL, 2, 9 }, "1," },
        { { 0, "h1", "b.wav", 0, 9 }, "2," },   { { 1, "h1", "b.wav", 0, 9 }, "" },
        { { 1, NULL, "none", 0, 9 }, "" },      { { 2, NULL, NULL, 0, 9 }, "2," },
    };
    AUTO_READER(conn, r);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct seen seen = { .ids = "" };
        assert_int_equal(sc_file_list(conn, &rows[i].filter, note_file, &seen, NULL), SC_OK);
        assert_string_equal(seen.ids, rows[i].ids);
    }
    struct seen seen = { .stop_after = 1 };
    assert_int_equal(sc_file_list(conn, &rows[0].filter, note_file, &seen, NULL), SC_E_CANCELLED);
    assert_string_equal(seen.ids, "4,");
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
        TEST(lists_are_newest_first_and_filtered),
        TEST(the_counted_duration_replaces_the_declared_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
