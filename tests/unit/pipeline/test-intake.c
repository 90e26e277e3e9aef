/* Recordings that arrive in pieces: what is told of how far one has come is on the disk. */
#include "rig.h"

#include "base/alloc.h"
#include "pipeline/intake-internal.h"

#include "base/banned.h"

#define WAV_MS 2000

/* With the folder that `serve` makes. */
static struct rig intake_rig(void)
{
    struct rig r = rig_new();
    SC_AUTO_FREE char *folder = sc_path_join(r.f.dir.path, SC_INTAKE_FOLDER);
    assert_int_equal(sc_dir_create(folder, NULL), SC_OK);
    return r;
}
#define AUTO_INTAKES(name) SC_AUTO(rig_done) struct rig name = intake_rig()

struct source {
    char *bytes;
    int64_t size;
};

static struct source source_new(void)
{
    size_t size = 0;
    char *bytes = make_wav(WAV_MS, 9000, &size);
    return (struct source){ bytes, (int64_t)size };
}

static void source_done(struct source *s)
{
    free(s->bytes);
}
#define AUTO_SOURCE SC_AUTO(source_done) struct source

static const struct sc_checksum no_sum = { .len = 0 };

static struct sc_intake_spec spec_of(int64_t total)
{
    return (struct sc_intake_spec){
        .owner_id = ANNA, .total = total, .name = "a.wav", .metadata = "", .fd = -1
    };
}

/* Begun and released; its upload_id. */
static void create(struct rig *r, const struct sc_intake_spec *spec, char id[SC_UUID_TEXT])
{
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
    SC_AUTO_INTAKE_ROW row = { 0 };
    struct sc_error err = { 0 };
    if (sc_intake_create(r->p, spec, &in, &row, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    (void)snprintf(id, SC_UUID_TEXT, "%s", row.upload_id);
}

static struct sc_intake *hold(struct rig *r, const char *id)
{
    struct sc_intake *in = NULL;
    assert_int_equal(sc_intake_hold(r->p, ANNA, id, &in, NULL), SC_OK);
    return in;
}

/* Writes so many bytes of the source where the piece belongs, as the adapter does. */
static void write_piece(struct sc_intake *in, const struct source *s, int64_t len,
                        const struct sc_checksum *sum)
{
    struct sc_intake_piece to;
    struct sc_error err = { 0 };
    if (sc_intake_begin(in, sum, len, &to, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    assert_int_equal(to.offset, sc_intake_offset(in));
    assert_true(len <= to.limit);
    assert_int_equal(sc_file_write_all(to.fd, s->bytes + to.offset, (size_t)len, NULL), SC_OK);
    if (to.whole != NULL)
        sc_hash_update(to.whole, s->bytes + to.offset, (size_t)len);
    if (to.piece != NULL)
        sc_hash_update(to.piece, s->bytes + to.offset, (size_t)len);
    sc_intake_progress(in, len);
}

static enum sc_code add(struct sc_intake *in, const struct source *s, int64_t len,
                        const struct sc_checksum *sum)
{
    write_piece(in, s, len, sum);
    return sc_intake_end(in, len, NULL);
}

static struct sc_checksum sum_of(const struct source *s, int64_t from, int64_t len)
{
    struct sc_checksum sum = { .kind = SC_HASH_SHA1 };
    SC_AUTO(sc_hash_freep) struct sc_hash *h = sc_hash_new_kind(SC_HASH_SHA1);
    sc_hash_update(h, s->bytes + from, (size_t)len);
    sum.len = sc_hash_take(h, sum.bytes);
    return sum;
}

static int64_t row_offset(struct rig *r)
{
    return ask(r, "SELECT offset_bytes FROM intakes ORDER BY id DESC LIMIT 1");
}

static int64_t bytes_on_disk(struct rig *r, const char *id)
{
    SC_AUTO_FREE char *path = sc_intake_path(r->p, id);
    return sc_file_size(path);
}

static void restart(struct rig *r)
{
    rig_close(r);
    struct sc_store_options o = options_for(r->f.path, false);
    assert_int_equal(sc_store_open(&o, &r->f.store, NULL), SC_OK);
    rig_open(r);
}

/* ---- pieces ---- */

static void pieces_become_a_file(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    AUTO_SOURCE s = source_new();
    struct sc_intake_spec spec = spec_of(s.size);
    char id[SC_UUID_TEXT], hash[SC_SHA256_TEXT], sql[200];
    create(&r, &spec, id);
    int64_t half = s.size / 2;
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        assert_int_equal(add(in, &s, half, &no_sum), SC_OK);
        assert_int_equal(sc_intake_row(in)->offset, half);
        assert_int_equal(row_offset(&r), half);
        assert_int_equal(sc_intake_finish(in, NULL), SC_OK); /* there is nothing to finish yet */
        assert_int_equal(sc_intake_row(in)->state, SC_INTAKE_OPEN);
    }
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
    assert_int_equal(add(in, &s, s.size - half, &no_sum), SC_OK);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    assert_int_equal(sc_intake_row(in)->state, SC_INTAKE_COMPLETED);
    sc_hash_bytes(s.bytes, (size_t)s.size, hash);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM files WHERE file_hash = '%s'", hash);
    assert_int_equal(ask(&r, sql), 1);
    assert_int_equal(bytes_on_disk(&r, id), -1);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK); /* again */
}

/* What a client may build upon is what the row says; how far the bytes have come is no promise. */
static void what_was_cut_is_no_promise_until_it_is_synced(void **state)
{
    (void)state;
    AUTO_INTAKES(r); /* whose thread that syncs does not run */
    AUTO_SOURCE s = source_new();
    struct sc_intake_spec spec = spec_of(s.size);
    char id[SC_UUID_TEXT];
    int64_t come = -1;
    create(&r, &spec, id);
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        assert_int_equal(add(in, &s, 100, &no_sum), SC_OK);
        write_piece(in, &s, 200, &no_sum);
        sc_intake_cut(in, 200);
        assert_int_equal(sc_intake_offset(in), 300);
        assert_int_equal(sc_intake_row(in)->offset, 100);
    }
    {
        SC_AUTO_INTAKE_ROW row = { 0 };
        assert_int_equal(sc_intake_look(r.p, ANNA, id, &row, &come, NULL), SC_OK);
        assert_int_equal(row.offset, 100);
        assert_int_equal(come, 300);
    }
    {
        /* As HEAD does: then it is told. */
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
        assert_int_equal(sc_intake_row(in)->offset, 300);
    }
    assert_int_equal(row_offset(&r), 300);
}

/* After a kill the file may be longer or shorter than its row says; what counts is what both say.
 */
static void what_no_row_knows_is_sent_again(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    AUTO_SOURCE s = source_new();
    struct sc_intake_spec spec = spec_of(s.size);
    char id[SC_UUID_TEXT];
    create(&r, &spec, id);
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        assert_int_equal(add(in, &s, 5000, &no_sum), SC_OK);
    }
    SC_AUTO_FREE char *path = sc_intake_path(r.p, id);
    restart(&r);
    assert_int_equal(truncate(path, 7000), 0);
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        assert_int_equal(sc_intake_offset(in), 5000);
        assert_int_equal(add(in, &s, 1000, &no_sum), SC_OK);
        assert_int_equal(bytes_on_disk(&r, id), 6000); /* what stood behind is gone */
    }
    restart(&r);
    assert_int_equal(truncate(path, 2000), 0); /* no power cut leaves that: a damaged disk does */
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
    assert_int_equal(sc_intake_offset(in), 2000);
    assert_int_equal(add(in, &s, s.size - 2000, &no_sum), SC_OK);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    assert_int_equal(sc_intake_row(in)->state, SC_INTAKE_COMPLETED);
    assert_int_equal(ask(&r, "SELECT count(*) FROM files"), 1);
}

/* The server stops in order: what was cut is brought to the disk. */
static void a_stop_keeps_what_was_cut(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    AUTO_SOURCE s = source_new();
    struct sc_intake_spec spec = spec_of(s.size);
    char id[SC_UUID_TEXT];
    create(&r, &spec, id);
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        write_piece(in, &s, 4000, &no_sum);
        sc_intake_cut(in, 4000);
    }
    restart(&r);
    assert_int_equal(row_offset(&r), 4000);
}

/* ---- checksums ---- */

static void a_piece_with_a_sum_counts_whole_or_not_at_all(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    AUTO_SOURCE s = source_new();
    struct sc_intake_spec spec = spec_of(s.size);
    struct sc_error err = { 0 };
    char id[SC_UUID_TEXT];
    int64_t come = -1;
    create(&r, &spec, id);
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
        struct sc_checksum first = sum_of(&s, 0, 1000), second = sum_of(&s, 1000, 500);
        assert_int_equal(add(in, &s, 1000, &first), SC_OK);
        write_piece(in, &s, 500, &first); /* another one's */
        assert_int_equal(sc_intake_end(in, 500, &err), SC_E_CHECKSUM_MISMATCH);
        assert_non_null(strstr(err.msg, "sha1"));
        assert_int_equal(sc_intake_offset(in), 1000);
        write_piece(in, &s, 400, &second); /* cut off before its end */
        {
            SC_AUTO_INTAKE_ROW row = { 0 };
            assert_int_equal(sc_intake_look(r.p, ANNA, id, &row, &come, NULL), SC_OK);
            assert_int_equal(come, 1000); /* nobody hears of bytes that may be taken back */
        }
        sc_intake_cut(in, 400);
        assert_int_equal(sc_intake_offset(in), 1000);
        assert_int_equal(add(in, &s, 500, &second), SC_OK);
        assert_int_equal(row_offset(&r), 1500);
    }
    /* The sum of all is that of what stayed. */
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
    assert_int_equal(add(in, &s, s.size - 1500, &no_sum), SC_OK);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    char hash[SC_SHA256_TEXT], sql[200];
    sc_hash_bytes(s.bytes, (size_t)s.size, hash);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM files WHERE file_hash = '%s'", hash);
    assert_int_equal(ask(&r, sql), 1);
}

/* ---- lengths, holders, ends ---- */

static void a_length_is_told_once(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    AUTO_SOURCE s = source_new();
    struct sc_intake_spec spec = spec_of(-1);
    struct sc_intake_piece to;
    char id[SC_UUID_TEXT];
    create(&r, &spec, id);
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
    assert_int_equal(add(in, &s, 1000, &no_sum), SC_OK);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    assert_int_equal(sc_intake_row(in)->state, SC_INTAKE_OPEN); /* nobody knows its end */
    assert_int_equal(sc_intake_set_total(in, 999, NULL), SC_E_INVALID_VALUE);
    assert_int_equal(sc_intake_set_total(in, INT64_MAX, NULL), SC_E_FILE_TOO_LARGE);
    assert_int_equal(sc_intake_set_total(in, s.size, NULL), SC_OK);
    assert_int_equal(sc_intake_set_total(in, s.size, NULL), SC_OK);
    assert_int_equal(sc_intake_set_total(in, s.size + 1, NULL), SC_E_INVALID_VALUE);
    assert_int_equal(sc_intake_begin(in, &no_sum, s.size, &to, NULL), SC_E_FILE_TOO_LARGE);
    assert_int_equal(add(in, &s, s.size - 1000, &no_sum), SC_OK);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    assert_int_equal(sc_intake_row(in)->state, SC_INTAKE_COMPLETED);
}

static void one_at_a_time_and_only_for_its_owner(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    struct sc_intake_spec spec = spec_of(100);
    struct sc_intake *other = NULL;
    char id[SC_UUID_TEXT];
    create(&r, &spec, id);
    assert_int_equal(sc_intake_hold(r.p, BERT, id, &other, NULL), SC_E_UPLOAD_NOT_FOUND);
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
    assert_int_equal(sc_intake_hold(r.p, ANNA, id, &other, NULL), SC_E_UPLOAD_LOCKED);
    /* Nor does another owner hear that somebody has it in hand. */
    assert_int_equal(sc_intake_hold(r.p, BERT, id, &other, NULL), SC_E_UPLOAD_NOT_FOUND);
    sc_intake_release(SC_TAKE(in));
    assert_int_equal(sc_intake_hold(r.p, ANNA, "../x", &other, NULL), SC_E_UPLOAD_NOT_FOUND);
    in = hold(&r, id);
    assert_int_equal(sc_intake_remove(in, NULL), SC_OK);
    assert_int_equal(bytes_on_disk(&r, id), -1);
    sc_intake_release(SC_TAKE(in));
    assert_int_equal(sc_intake_hold(r.p, ANNA, id, &other, NULL), SC_E_UPLOAD_NOT_FOUND);
}

static void what_is_no_recording_is_refused_for_good(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    char text[] = "this is a letter and no sound";
    struct source s = { text, sizeof(text) - 1 };
    struct sc_intake_spec spec = spec_of(s.size);
    char id[SC_UUID_TEXT];
    create(&r, &spec, id);
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = hold(&r, id);
    assert_int_equal(add(in, &s, s.size, &no_sum), SC_OK);
    assert_int_equal(sc_intake_finish(in, NULL), SC_E_FILE_FORMAT);
    assert_int_equal(sc_intake_row(in)->state, SC_INTAKE_REFUSED);
    assert_string_equal(sc_intake_row(in)->error_code, "FILE_FORMAT");
    assert_int_equal(bytes_on_disk(&r, id), -1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM files"), 0);
}

static void a_key_names_what_is_unfinished(void **state)
{
    (void)state;
    AUTO_INTAKES(r);
    struct sc_intake_spec spec = spec_of(100);
    struct sc_intake *in = NULL;
    spec.key = "k";
    char first[SC_UUID_TEXT], again[SC_UUID_TEXT];
    create(&r, &spec, first);
    create(&r, &spec, again);
    assert_string_equal(first, again);
    SC_AUTO_INTAKE_ROW row = { 0 };
    spec.total = 101;
    assert_int_equal(sc_intake_create(r.p, &spec, &in, &row, NULL), SC_E_IDEMPOTENCY_CONFLICT);
    spec.owner_id = BERT;
    create(&r, &spec, again);
    assert_string_not_equal(first, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_become_a_file),
        TEST(what_was_cut_is_no_promise_until_it_is_synced),
        TEST(what_no_row_knows_is_sent_again),
        TEST(a_stop_keeps_what_was_cut),
        TEST(a_piece_with_a_sum_counts_whole_or_not_at_all),
        TEST(a_length_is_told_once),
        TEST(one_at_a_time_and_only_for_its_owner),
        TEST(what_is_no_recording_is_refused_for_good),
        TEST(a_key_names_what_is_unfinished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
