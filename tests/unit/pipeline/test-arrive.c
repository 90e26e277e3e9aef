/* Bytes arrive: what is kept, what is refused, and that a refusal keeps nothing. */

#include "rig.h"

#include "base/fault.h"

#include "base/banned.h"

#define SECOND 1000

struct wav {
    char *bytes;
    size_t size;
};

static void wav_done(struct wav *w)
{
    free(w->bytes);
}
static struct wav wav_of(int64_t ms, double amplitude)
{
    struct wav w;
    w.bytes = make_wav(ms, amplitude, &w.size);
    return w;
}
#define AUTO_WAV(name, ms, amplitude) SC_AUTO(wav_done) struct wav name = wav_of(ms, amplitude)
#define AUTO_ARRIVED(name) SC_AUTO(sc_arrived_done) struct sc_arrived name = { 0 }

/* Files below audio/, which is where bytes are kept. */
static int kept;
static int count_file(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)path;
    (void)st;
    (void)walk;
    kept += kind == FTW_F;
    return 0;
}
static int kept_files(struct rig *r)
{
    char path[PATH_MAX];
    kept = 0;
    (void)nftw(test_path(&r->f.dir, "audio", path), count_file, 16, FTW_PHYS);
    return kept;
}

static void assert_kept(struct rig *r, int files, int rows, int jobs)
{
    assert_int_equal(kept_files(r), files);
    assert_int_equal(ask(r, "SELECT count(*) FROM files"), rows);
    assert_int_equal(ask(r, "SELECT count(*) FROM jobs"), jobs);
}

static void assert_refused(struct rig *r, const struct upload *u, enum sc_code code,
                           const char *field)
{
    AUTO_ARRIVED(a);
    struct sc_error err = { 0 };
    assert_int_equal(arrive(r, u, &a, &err), code);
    assert_string_equal(err.field, field);
    assert_true(err.msg[0] != '\0');
    assert_int_equal(a.file.id, 0);
}

static void a_new_recording_is_kept_with_what_the_probe_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, 2 * SECOND, 8000);
    AUTO_ARRIVED(a);
    char hash[SC_SHA256_TEXT];
    const struct upload u = { wav.bytes, wav.size, .name = "a\n\"$(id)\".wav" };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    sc_hash_bytes(wav.bytes, wav.size, hash);
    assert_false(a.duplicate);
    assert_int_equal(a.job.id, 0);
    assert_string_equal(a.file.file_hash, hash);
    assert_string_equal(a.file.original_name, "a\n\"$(id)\".wav");
    assert_string_equal(a.file.format, "wav");
    assert_int_equal(a.file.duration_ms, 2 * SECOND);
    assert_int_equal(a.file.sample_rate, RATE);
    assert_int_equal(a.file.channels, 1);
    assert_int_equal(a.file.size_bytes, wav.size);
    assert_true(strncmp(a.file.file_path, "audio/uploads/", 14) == 0);
    assert_non_null(strstr(a.file.file_path, hash));
    assert_true(sc_blobs_exists(r.blobs, a.file.file_path));
    assert_kept(&r, 1, 1, 0);
}

static void the_same_bytes_again_are_the_first_file_and_are_recorded(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    struct upload u = { wav.bytes, wav.size, .name = "a.wav" };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    u.name = "b.wav";
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    assert_true(b.duplicate);
    assert_int_equal(b.file.id, a.file.id);
    assert_string_equal(b.file.original_name, "a.wav");
    assert_int_equal(ask(&r, "SELECT count(*) FROM uploads"), 2);
    assert_int_equal(ask(&r, "SELECT count(*) FROM uploads WHERE name = 'b.wav'"), 1);
    assert_kept(&r, 1, 1, 0);
}

static void another_owner_shares_the_bytes_and_nothing_else(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    struct upload u = { wav.bytes, wav.size, .name = "anna's.wav", .options = null_job };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    u.owner = BERT;
    u.name = "bert's.wav";
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    assert_false(b.duplicate);
    assert_false(b.existing_job);
    assert_true(b.file.id != a.file.id);
    assert_true(b.job.id != a.job.id);
    assert_string_equal(b.file.original_name, "bert's.wav");
    assert_string_equal(b.file.file_path, a.file.file_path);
    assert_int_equal(b.file.duration_ms, SECOND);
    assert_kept(&r, 1, 2, 2);
    /* The bytes were counted once. */
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t used = 0;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_storage_used(conn, &used, NULL), SC_OK);
    assert_int_equal(used, wav.size);
}

static void bytes_that_have_gone_are_brought_back(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    char path[PATH_MAX];
    const struct upload u = { wav.bytes, wav.size };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    assert_int_equal(unlink(test_path(&r.f.dir, a.file.file_path, path)), 0);
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    assert_true(b.duplicate);
    assert_int_equal(b.file.id, a.file.id);
    assert_true(sc_blobs_exists(r.blobs, a.file.file_path));
}

/* Changes a file until the clock of its changes, which may lag behind ours, is past its row. */
static void change_after(const char *path, int64_t row_ms, void (*change)(const char *path))
{
    struct stat st;
    do {
        change(path);
        assert_int_equal(stat(path, &st), 0);
    } while ((int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000 <= row_ms);
}

static void alter(const char *path)
{
    SC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "altered", 7, 100), 7);
}

static void set_mode(const char *path)
{
    assert_int_equal(chmod(path, 0600), 0);
}

static void cut(const char *path)
{
    assert_int_equal(truncate(path, 100), 0);
}

static void bytes_that_were_altered_are_replaced_by_those_that_come(void **state)
{
    (void)state;
    static void (*const changes[])(const char *path) = { alter, cut };
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    char path[PATH_MAX];
    const struct upload u = { wav.bytes, wav.size };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    int64_t row_ms = a.file.uploaded_ms;
    (void)test_path(&r.f.dir, a.file.file_path, path);
    for (size_t i = 0; i < SC_ARRAY_LEN(changes); i++) {
        AUTO_ARRIVED(b);
        SC_AUTO_BUF now = { 0 };
        change_after(path, row_ms, changes[i]);
        assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
        assert_true(b.duplicate);
        assert_int_equal(b.file.id, a.file.id);
        assert_int_equal(sc_file_read(path, wav.size, &now, NULL), SC_OK);
        assert_int_equal(now.len, wav.size);
        assert_memory_equal(now.ptr, wav.bytes, wav.size);
        row_ms = ask(&r, "SELECT verified_ms FROM files");
        assert_true(row_ms >= a.file.uploaded_ms);
    }
    assert_kept(&r, 1, 1, 0);
}

static void bytes_that_only_look_changed_are_read_once_and_stay(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    AUTO_ARRIVED(c);
    char path[PATH_MAX];
    struct stat before, after;
    const struct upload u = { wav.bytes, wav.size };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT coalesce(verified_ms, 0) FROM files"), 0);
    change_after(test_path(&r.f.dir, a.file.file_path, path), a.file.uploaded_ms, set_mode);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    int64_t verified_ms = ask(&r, "SELECT verified_ms FROM files");
    assert_true(verified_ms >= a.file.uploaded_ms);
    assert_int_equal(arrive(&r, &u, &c, NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT verified_ms FROM files"), verified_ms);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
}

static void what_is_no_recording_is_refused_and_nothing_is_kept(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    static const char text[] = "This is a letter. It has no sound in it, not even in capitals.\n";
    static const char playlist[] = "#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n";
    const struct upload bad[] = {
        { "", 0 },
        { text, sizeof(text) - 1 },
        { text, sizeof(text) - 1, .options = null_job },
        { playlist, sizeof(playlist) - 1 },
        { wav.bytes, 40 }, /* the header is cut off */
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        assert_refused(&r, &bad[i], SC_E_FILE_FORMAT, "file");
    assert_kept(&r, 0, 0, 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM uploads"), 0);
}

static void what_is_too_large_or_too_long_is_refused(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, 3 * SECOND, 8000);
    const struct upload u = { wav.bytes, wav.size };
    r.config->upload_max_size = (int64_t)wav.size - 1;
    assert_refused(&r, &u, SC_E_FILE_TOO_LARGE, "file");
    r.config->upload_max_size = (int64_t)wav.size;
    r.config->upload_max_duration = 1 * SECOND;
    AUTO_ARRIVED(a);
    struct sc_error err = { 0 };
    assert_int_equal(arrive(&r, &u, &a, &err), SC_E_FILE_TOO_LARGE);
    assert_kept(&r, 0, 0, 0);
    r.config->upload_max_duration = 3 * SECOND;
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
}

static void a_recording_over_the_quota_is_refused_but_known_bytes_are_not(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(one, SECOND, 8000);
    AUTO_WAV(two, SECOND, 9000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    const struct upload first = { one.bytes, one.size };
    const struct upload second = { two.bytes, two.size };
    r.config->upload_quota = (int64_t)(one.size + two.size) - 1;
    assert_int_equal(arrive(&r, &first, &a, NULL), SC_OK);
    assert_refused(&r, &second, SC_E_STORAGE_QUOTA, "");
    assert_kept(&r, 1, 1, 0);
    assert_int_equal(arrive(&r, &first, &b, NULL), SC_OK);
    assert_true(b.duplicate);
}

struct racer {
    struct rig *r;
    struct upload u;
    pthread_t thread;
    enum sc_code code;
};

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    AUTO_ARRIVED(a);
    racer->code = arrive(racer->r, &racer->u, &a, NULL);
    return NULL;
}

/* Each passes by itself; the probe, which takes a while, lies between the check and the store. */
static void what_arrives_at_the_same_time_shares_the_quota(void **state)
{
    (void)state;
    AUTO_RIG(r);
    enum { RACERS = 6, ROOM = 2 };
    struct racer racers[RACERS];
    char *wavs[RACERS];
    int taken = 0;
    for (int i = 0; i < RACERS; i++) {
        size_t size = 0;
        wavs[i] = make_wav(SECOND, 1000 * (i + 1), &size);
        racers[i] = (struct racer){ .r = &r, .u = { wavs[i], size } };
        r.config->upload_quota = (int64_t)size * ROOM;
    }
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        taken += racers[i].code == SC_OK;
        assert_true(racers[i].code == SC_OK || racers[i].code == SC_E_STORAGE_QUOTA);
        free(wavs[i]);
    }
    assert_true(taken >= 1 && taken <= ROOM);
    assert_int_equal(ask(&r, "SELECT count(*) FROM files"), taken);
    /* Nothing stays reserved. */
    AUTO_WAV(late, SECOND, 7777);
    AUTO_ARRIVED(a);
    const struct upload u = { late.bytes, late.size };
    r.config->upload_quota = (int64_t)late.size * (taken + 1);
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
}

#ifdef SC_WITH_FAULTS
static void arrive_meanwhile(void *ctx)
{
    race(ctx);
}

/* The other finds no row when it looks, and no room once that of the first is there. */
static void equal_ones_that_arrive_at_the_same_time_take_the_room_of_one(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    struct racer first = { .r = &r, .u = { wav.bytes, wav.size }, .code = SC_E_INTERNAL };
    r.config->upload_quota = (int64_t)wav.size;
    sc_fault_arm_call("arrive.looked", 1, arrive_meanwhile, &first);
    assert_int_equal(arrive(&r, &first.u, &a, NULL), SC_OK);
    assert_true(sc_fault_disarm("arrive.looked"));
    assert_int_equal(first.code, SC_OK);
    assert_true(a.duplicate);
    assert_kept(&r, 1, 1, 0);
    assert_int_equal(ask(&r, "SELECT value FROM counters WHERE name = 'storage_bytes'"),
                     (int64_t)wav.size);
}
#endif

/* The next storage warning, or "" when there is none. */
static void next_warning(struct sc_subscriber *sub, struct sc_event *out)
{
    *out = (struct sc_event){ 0 };
    while (sc_subscriber_next(sub, out)) {
        if (out->kind == SC_EVENT_STORAGE)
            return;
    }
    out->message[0] = '\0';
}

static void marks_of_the_quota_and_large_files_are_told_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct sc_event event;
    /* Of ten files that fill it, the eighth and the tenth pass a mark. */
    for (int i = 0; i < 10; i++) {
        AUTO_WAV(wav, SECOND, 100 * (i + 1));
        AUTO_ARRIVED(a);
        AUTO_ARRIVED(again);
        const struct upload u = { wav.bytes, wav.size };
        r.config->upload_quota = (int64_t)wav.size * 10;
        assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
        next_warning(watch.sub, &event);
        const char *wanted = i == 7 ? ", 80 % of it or more" : i == 9 ? ", 95 % of it or more" : "";
        assert_non_null(strstr(event.message, wanted));
        assert_true((event.message[0] == '\0') == (wanted[0] == '\0'));
        assert_int_equal(arrive(&r, &u, &again, NULL), SC_OK);
        next_warning(watch.sub, &event);
        assert_string_equal(event.message, "");
    }
    AUTO_WAV(large, 2 * SECOND, 100);
    AUTO_ARRIVED(b);
    const struct upload u = { large.bytes, large.size };
    r.config->upload_quota = 0;
    r.config->upload_warn_size = (int64_t)large.size - 1;
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    next_warning(watch.sub, &event);
    assert_int_equal(event.code, SC_E_FILE_TOO_LARGE);
    assert_int_equal(event.owner_id, ANNA);
    assert_non_null(strstr(event.message, "more than upload.warn_size"));
}

static void uploads_stop_while_the_disk_has_only_its_reserve(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    const struct upload u = { wav.bytes, wav.size };
    r.config->upload_reserve = INT64_MAX;
    assert_refused(&r, &u, SC_E_NO_SPACE, "");
    assert_kept(&r, 0, 0, 0);
    r.config->upload_reserve = 0;
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
}

static void a_job_that_cannot_be_is_refused_before_the_bytes_are_kept(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    static const char *const no_engine[] = { "engine", "parrot", NULL };
    static const char *const no_file[] = { "pipeline", "noop", NULL };
    struct upload u = { wav.bytes, wav.size, .options = no_engine };
    assert_refused(&r, &u, SC_E_ENGINE_UNAVAILABLE, "engine");
    u.options = no_file;
    assert_refused(&r, &u, SC_E_INVALID_VALUE, "pipeline");
    assert_kept(&r, 0, 0, 0);
}

static void the_same_work_is_answered_with_the_earlier_job_unless_forced(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    AUTO_ARRIVED(c);
    AUTO_ARRIVED(d);
    static const char *const other[] = { "engine", "null", "vad", "on", NULL };
    static const char *const forced[] = { "engine", "null", "vad", "off", "force", "1", NULL };
    struct upload u = { wav.bytes, wav.size, .options = null_job };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    assert_false(a.existing_job);
    assert_true(b.existing_job);
    assert_false(b.replayed);
    assert_int_equal(b.job.id, a.job.id);
    u.options = other;
    assert_int_equal(arrive(&r, &u, &c, NULL), SC_OK);
    assert_false(c.existing_job);
    u.options = forced;
    assert_int_equal(arrive(&r, &u, &d, NULL), SC_OK);
    assert_false(d.existing_job);
    assert_kept(&r, 1, 1, 3);
}

static void a_repeated_key_is_replayed_with_the_first_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(wav, SECOND, 8000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    AUTO_ARRIVED(c);
    static const char *const forced[] = { "engine", "null", "force", "1", NULL };
    struct upload u = { wav.bytes, wav.size, .key = "k1", .options = forced };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    assert_false(a.replayed);
    assert_true(b.replayed);
    assert_int_equal(b.job.id, a.job.id);
    u.owner = BERT; /* keys are each owner's own */
    assert_int_equal(arrive(&r, &u, &c, NULL), SC_OK);
    assert_false(c.replayed);
    assert_kept(&r, 1, 2, 2);
}

static void a_key_with_another_request_is_a_conflict_and_keeps_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(one, SECOND, 8000);
    AUTO_WAV(two, SECOND, 9000);
    AUTO_ARRIVED(a);
    static const char *const low[] = { "engine", "null", "vad", "off", "priority", "low", NULL };
    struct upload u = { one.bytes, one.size, .key = "k1", .options = null_job };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    struct upload bytes = { two.bytes, two.size, .key = "k1", .options = null_job };
    assert_refused(&r, &bytes, SC_E_IDEMPOTENCY_CONFLICT, "");
    u.options = low;
    assert_refused(&r, &u, SC_E_IDEMPOTENCY_CONFLICT, "");
    u.options = NULL; /* the file alone is another request too */
    assert_refused(&r, &u, SC_E_IDEMPOTENCY_CONFLICT, "");
    assert_kept(&r, 1, 1, 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM uploads"), 1);
}

static void a_file_without_a_job_obeys_its_key_too(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WAV(one, SECOND, 8000);
    AUTO_WAV(two, SECOND, 9000);
    AUTO_ARRIVED(a);
    AUTO_ARRIVED(b);
    struct upload u = { one.bytes, one.size, .key = "k1" };
    assert_int_equal(arrive(&r, &u, &a, NULL), SC_OK);
    assert_int_equal(arrive(&r, &u, &b, NULL), SC_OK);
    assert_false(a.replayed);
    assert_true(b.replayed);
    assert_int_equal(b.file.id, a.file.id);
    struct upload other = { two.bytes, two.size, .key = "k1" };
    assert_refused(&r, &other, SC_E_IDEMPOTENCY_CONFLICT, "");
    assert_kept(&r, 1, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_recording_is_kept_with_what_the_probe_found),
        TEST(the_same_bytes_again_are_the_first_file_and_are_recorded),
        TEST(another_owner_shares_the_bytes_and_nothing_else),
        TEST(bytes_that_have_gone_are_brought_back),
        TEST(bytes_that_were_altered_are_replaced_by_those_that_come),
        TEST(bytes_that_only_look_changed_are_read_once_and_stay),
        TEST(what_is_no_recording_is_refused_and_nothing_is_kept),
        TEST(what_is_too_large_or_too_long_is_refused),
        TEST(a_recording_over_the_quota_is_refused_but_known_bytes_are_not),
        TEST(what_arrives_at_the_same_time_shares_the_quota),
#ifdef SC_WITH_FAULTS
        TEST(equal_ones_that_arrive_at_the_same_time_take_the_room_of_one),
#endif
        TEST(marks_of_the_quota_and_large_files_are_told_once),
        TEST(uploads_stop_while_the_disk_has_only_its_reserve),
        TEST(a_job_that_cannot_be_is_refused_before_the_bytes_are_kept),
        TEST(the_same_work_is_answered_with_the_earlier_job_unless_forced),
        TEST(a_repeated_key_is_replayed_with_the_first_job),
        TEST(a_key_with_another_request_is_a_conflict_and_keeps_nothing),
        TEST(a_file_without_a_job_obeys_its_key_too),
    };
    return cmocka_run_group_tests_name("pipeline/arrive", tests, NULL, NULL);
}
