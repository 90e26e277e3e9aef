/* G9: the plug is pulled. One run of the whole main job is recorded (power-disk.h); then, for
 * ROUNDS moments of it (default 20), a disk is made as a loss of power could have left it, and on
 * that disk everything that had been acknowledged by then must be there.
 *
 * SEED=N throws the same dice again, FIRST=N begins at round N. */
#include "../pipeline/rig.h"
#include "power-disk.h"

#include "base/alloc.h"
#include "daemon/daemon-internal.h"
#include "library/edit.h"
#include "library/fsck.h"
#include "pipeline/intake-internal.h"
#include "pipeline/removal.h"
#include "transcript/revise.h"

#include <dirent.h>

#include "base/banned.h"

/* ---- what was promised, and when ---- */

enum promise {
    PROMISED_QUERY,  /* sql answers value */
    PROMISED_TEXT,   /* the job's transcript reads t0 … t(value - 1) */
    PROMISED_EXPORT, /* the job's exports are there, whole, or owed */
    PROMISED_PIECES, /* the upload that sql names has come so far, or has become a file */
};
struct acknowledged {
    size_t moment;
    enum promise promise;
    char sql[300];
    int64_t value, job;
    size_t until; /* a moment at which it was taken back; 0: never */
};
#define PROMISES 200
static struct acknowledged promises[PROMISES];
static size_t promise_count;

static struct acknowledged *promise(enum promise what, int64_t job, int64_t value)
{
    assert_true(promise_count < PROMISES);
    struct acknowledged *a = &promises[promise_count++];
    *a =
        (struct acknowledged){ .moment = power_now(), .promise = what, .job = job, .value = value };
    return a;
}

static void promise_query(int64_t value, const char *format, ...) SC_PRINTF(2, 3);
static void promise_query(int64_t value, const char *format, ...)
{
    struct acknowledged *a = promise(PROMISED_QUERY, 0, value);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(a->sql, sizeof(a->sql), format, args);
    va_end(args);
}

/* ---- the run that is recorded ---- */

/* As `serve` starts. */
static void start(struct rig *r, const char *data)
{
    struct sc_folder folder;
    struct sc_lockfile *lock = NULL;
    struct sc_error err = { 0 };
    *r = (struct rig){ .setting = "auto_export=json,srt" };
    (void)snprintf(r->f.dir.path, sizeof(r->f.dir.path), "%s", data);
    (void)test_path(&r->f.dir, "scripta.db", r->f.path);
    sc_folder_init(&folder, data);
    enum sc_code code = sc_folder_lock(&folder, false, &lock, &err);
    if (code == SC_OK)
        code = sc_folder_prepare(&folder, &err);
    struct sc_store_options o = options_for(r->f.path, true);
    if (code == SC_OK)
        code = sc_store_open(&o, &r->f.store, &err);
    if (code != SC_OK)
        fail_msg("the start fails with %s: %s", sc_code_name(code), err.msg);
    /* So little is written here that the log would be moved at the end only. */
    r->f.store->log.limits.pass = 25;
    sc_lockfile_drop(lock);
    sc_folder_done(&folder);
}

static void open_all(struct rig *r, const char *data)
{
    struct sc_error err = { 0 };
    start(r, data);
    rig_open(r);
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

static void close_all(struct rig *r)
{
    sc_pipelines_stop(r->p);
    rig_close(r);
}

/* A recording arrives: its row, its bytes and its job are promised. */
static int64_t bring(struct rig *r, int64_t ms, double amplitude, int64_t owner)
{
    size_t size = 0;
    SC_AUTO_FREE char *wav = make_wav(ms, amplitude, &size);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    const struct upload u = { .bytes = wav, .size = size, .owner = owner, .options = null_job };
    struct sc_error err = { 0 };
    if (arrive(r, &u, &a, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    promise_query(1, "SELECT count(*) FROM jobs WHERE id = %lld AND job_id = '%s'",
                  (long long)a.job.id, a.job.job_id);
    promise_query(1, "SELECT count(*) FROM files WHERE id = %lld AND file_hash = '%s'",
                  (long long)a.file.id, a.file.file_hash);
    return a.job.id;
}

/* Each chunk's result is promised when it was taken; then the whole text. */
static void finish_job(struct rig *r, int64_t job, int words)
{
    AUTO_WATCH(w, r);
    for (;;) {
        struct sc_chunk_work works[4];
        struct sc_event event;
        size_t n = claim_chunks(r, 4, works);
        for (size_t i = 0; i < n; i++) {
            check_input(r, &works[i]);
            assert_int_equal(complete(r, &works[i], NULL), SC_OK);
            promise_query(1,
                          "SELECT count(*) FROM chunks WHERE job = %lld AND chunk = %d"
                          " AND text IS NOT NULL",
                          (long long)works[i].task.job, works[i].task.chunk);
            sc_chunk_work_done(&works[i]);
        }
        SC_AUTO_JOB row = job_of(r, job);
        if (row.state > SC_JOB_PROCESSING)
            break;
        if (n == 0)
            (void)sc_subscriber_wait(w.sub, sc_clock_mono_ms() + LOOK_MS, &event);
    }
    promise(PROMISED_TEXT, job, words);
    char sql[120];
    (void)snprintf(sql, sizeof(sql), "SELECT exports_due FROM jobs WHERE id = %lld",
                   (long long)job);
    wait_for(&w, sql, 0);
    promise(PROMISED_EXPORT, job, 0);
}

/* What comes in pieces. */
static char *pieces;
static size_t pieces_size;

static void promise_pieces(const struct sc_intake *in)
{
    struct acknowledged *a = promise(PROMISED_PIECES, 0, sc_intake_row(in)->offset);
    (void)snprintf(a->sql, sizeof(a->sql), "%s", sc_intake_row(in)->upload_id);
}

/* Sends the bytes up to there; those of a piece that is cut off are promised to nobody. */
static void send_piece(struct sc_intake *in, size_t end, bool cut)
{
    static const struct sc_checksum no_sum = { .len = 0 };
    struct sc_intake_piece to;
    struct sc_error err = { 0 };
    int64_t len = (int64_t)end - sc_intake_offset(in);
    if (sc_intake_begin(in, &no_sum, len, &to, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    for (int64_t sent = 0; sent < len;) {
        int64_t some = SC_MIN(len - sent, 9000);
        const char *bytes = pieces + to.offset + sent;
        assert_int_equal(sc_file_write_all(to.fd, bytes, (size_t)some, NULL), SC_OK);
        if (to.whole != NULL)
            sc_hash_update(to.whole, bytes, (size_t)some);
        sent += some;
        sc_intake_progress(in, sent);
    }
    if (cut) {
        sc_intake_cut(in, len);
        return;
    }
    if (sc_intake_end(in, len, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    promise_pieces(in);
}

static struct sc_intake *begin_upload(struct rig *r)
{
    const struct sc_intake_spec spec = {
        .owner_id = ANNA, .total = (int64_t)pieces_size, .name = "p.wav", .metadata = "", .fd = -1
    };
    struct sc_intake *in = NULL;
    SC_AUTO_INTAKE_ROW row = { 0 };
    struct sc_error err = { 0 };
    if (sc_intake_create(r->p, &spec, &in, &row, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    promise_pieces(in);
    return in;
}

/* As a client on a bad line: pieces, one that is cut, the question how far it has come. */
static void bring_in_pieces(struct rig *r)
{
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = begin_upload(r);
    send_piece(in, pieces_size / 4, false);
    send_piece(in, pieces_size / 2, true);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    assert_int_equal(sc_intake_row(in)->offset, pieces_size / 2);
    promise_pieces(in);
    send_piece(in, pieces_size, false);
    assert_int_equal(sc_intake_finish(in, NULL), SC_OK);
    promise_query(1, "SELECT count(*) FROM intakes WHERE upload_id = '%s' AND state = 1",
                  sc_intake_row(in)->upload_id);
    promise_query(1, "SELECT count(*) FROM files WHERE id = %lld",
                  (long long)sc_intake_row(in)->file_id);
}

/* The plug is pulled while more comes. */
static void leave_in_pieces(struct rig *r)
{
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = begin_upload(r);
    send_piece(in, pieces_size / 3, false);
    send_piece(in, pieces_size - 1000, true);
}

static void write_row(struct rig *r, int n)
{
    char sql[120];
    (void)snprintf(sql, sizeof(sql), "INSERT INTO meta (key, value) VALUES ('row %d', '%d')", n, n);
    assert_int_equal(write_sql(r->f.store, sql), SC_OK);
    promise_query(n, "SELECT value FROM meta WHERE key = 'row %d'", n);
}

struct edit_write {
    const struct sc_edit *edit;
    struct sc_saved saved;
};

static enum sc_code write_edit(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct edit_write *w = ctx;
    return sc_edit_write(tx, w->edit, sc_clock_wall_ms(), &w->saved, err);
}

/* The job's text as it is then with another first line: a version that is promised. */
static void edit_job(struct rig *r, int64_t job, const char *first)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    struct sc_transcript t;
    struct sc_saved planned;
    struct sc_error err = { 0 };
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        SC_AUTO_SEGMENTS list = { 0 };
        assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
        assert_int_equal(sc_transcript_of_job(conn, job, &t, NULL), SC_OK);
        assert_int_equal(sc_transcript_segments(conn, &t, t.version, &list, NULL), SC_OK);
        assert_true(sc_segment_reword(&list.items[0], sc_str_from(first)));
        const struct sc_save save = {
            .by = ANNA, .transcript = t.id, .note = first, .kind = SC_CHANGE_EDITED
        };
        if (sc_edit_plan(conn, &save, &list, &edit, &planned, &err) != SC_OK)
            fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    }
    struct edit_write w = { .edit = edit };
    assert_int_equal(sc_store_write(r->f.store, SC_DURABLE, write_edit, &w, NULL), SC_OK);
    assert_int_equal(w.saved.version, t.version + 1);
    promise_query(1, "SELECT count(*) FROM versions WHERE transcript_id = %lld AND version = %d",
                  (long long)t.id, w.saved.version);
    promise_query(1, "SELECT count(*) FROM segments WHERE transcript_id = %lld AND text = '%s'",
                  (long long)t.id, first);
}

static void archive_job(struct rig *r, int64_t job)
{
    SC_AUTO_JOB row = job_of(r, job);
    struct sc_archiving what = { .owner_id = ANNA, .job_id = row.job_id, .archive = true };
    struct sc_error err = { 0 };
    if (sc_pipelines_archive(r->p, &what, &err) != SC_OK)
        fail_msg("%s", err.msg);
    promise_query(1, "SELECT archived_ms IS NOT NULL FROM jobs WHERE id = %lld", (long long)job);
}

static void delete_job(struct rig *r, int64_t job)
{
    SC_AUTO_JOB row = job_of(r, job);
    size_t begun = power_now();
    assert_int_equal(sc_pipelines_delete_job(r->p, ANNA, row.job_id, false, NULL), SC_OK);
    for (size_t i = 0; i < promise_count; i++) {
        char of_job[40];
        (void)snprintf(of_job, sizeof(of_job), "= %lld", (long long)job);
        const char *found = strstr(promises[i].sql, of_job);
        bool about = promises[i].job == job ||
                     (found != NULL && strstr(promises[i].sql, "FROM files") == NULL &&
                      strstr(promises[i].sql, "job") != NULL);
        if (about)
            promises[i].until = begun;
    }
    promise_query(0, "SELECT count(*) FROM jobs WHERE id = %lld AND purge = 0", (long long)job);
}

static void record(const char *data)
{
    struct rig r;
    open_all(&r, data);
    int64_t first = bring(&r, 2000, 9000, ANNA);
    bring_in_pieces(&r);
    write_row(&r, 1);
    int64_t second = bring(&r, 3000, 0, ANNA);
    finish_job(&r, first, 2);
    for (int n = 2; n < 6; n++)
        write_row(&r, n);
    close_all(&r); /* the log goes into the store */

    open_all(&r, data);
    finish_job(&r, second, 3);
    int64_t third = bring(&r, 2000, 9000, BERT); /* the same bytes for another owner */
    int64_t fourth = bring(&r, 40000, 0, ANNA);  /* several chunks */
    finish_job(&r, fourth, 40);
    finish_job(&r, third, 2);
    edit_job(&r, fourth, "one");
    edit_job(&r, second, "two");
    edit_job(&r, fourth, "three");
    archive_job(&r, second);
    delete_job(&r, first);
    leave_in_pieces(&r);
    write_row(&r, 6);
    /* No end: the last thing that it knows of is being pulled out of the wall. */
    power_stop();
    close_all(&r);
}

/* ---- after the lights are on again ---- */

struct findings {
    struct sc_buf problems;
};

static void keep(void *ctx, const struct sc_fsck_problem *p)
{
    struct findings *f = ctx;
    if (p->kind != SC_FSCK_ORPHAN)
        sc_buf_printf(&f->problems, "%s: %s; ", sc_fsck_kind_to_string(p->kind), p->message);
}

static void check_store(struct sc_store *store, const char *data, struct sc_buf *out)
{
    struct findings f = { .problems = { 0 } };
    struct sc_error err = { 0 };
    struct sc_fsck_slice slice = { .done = false };
    SC_AUTO(sc_blobs_closep) struct sc_blobs *blobs = NULL;
    assert_int_equal(sc_blobs_open(data, &blobs, NULL), SC_OK);
    struct sc_fsck_options o = {
        .store = store, .blobs = blobs, .root = data, .audio = true, .alone = true, .slice_ms = 1000
    };
    while (!slice.done) {
        struct sc_fsck_place from = slice.next;
        if (sc_fsck_step(&o, &from, &slice, keep, &f, &err) != SC_OK) {
            sc_buf_printf(&f.problems, "the check fails: %s", err.msg);
            break;
        }
    }
    sc_buf_put_str(out, sc_buf_str(&f.problems));
    sc_buf_done(&f.problems);
}

static void check_text(struct sc_store *store, const struct acknowledged *a, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_SEGMENTS all = { 0 };
    SC_AUTO_BUF text = { 0 }, wanted = { 0 };
    struct sc_transcript t;
    struct sc_error err = { 0 };
    assert_int_equal(sc_store_read(store, &conn, NULL), SC_OK);
    enum sc_code code = sc_transcript_of_job(conn, a->job, &t, &err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &t, 1, &all, &err);
    for (size_t i = 0; i < all.count; i++)
        sc_buf_printf(&text, "%s ", all.items[i].text);
    for (int64_t i = 0; i < a->value; i++)
        sc_buf_printf(&wanted, "t%lld ", (long long)i);
    if (code != SC_OK || strcmp(sc_buf_text(&text), sc_buf_text(&wanted)) != 0)
        sc_buf_printf(out, "job %lld reads '%s' %s; ", (long long)a->job, sc_buf_text(&text),
                      err.msg);
}

/* Every path that the store names below transcripts/ is a whole file. */
static enum sc_code check_export(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct sc_buf *paths = ctx;
    (void)err;
    if (row->path != NULL)
        sc_buf_printf(paths, "%s\n", row->path);
    return SC_OK;
}

static bool read_file(const char *data, const char *path, struct sc_buf *out)
{
    SC_AUTO_FREE char *full = sc_path_join(data, path);
    return sc_file_read(full, 1 << 20, out, NULL) == SC_OK;
}

/* An archived job's exports follow their row; a start that was cut short left them where they were,
 * and the next one moves them. */
static bool read_export(const char *data, struct sc_str path, struct sc_buf *out)
{
    static const char archive[] = "audio/archive/";
    SC_AUTO_FREE char *name = sc_strndup(path.ptr, path.len);
    return read_file(data, name, out) || (sc_str_starts(path, sc_str_from(archive)) &&
                                          read_file(data, name + strlen(archive), out));
}

static void check_exports(struct sc_store *store, const char *data, const struct acknowledged *a,
                          struct sc_buf *out)
{
    SC_AUTO_BUF paths = { 0 };
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        struct sc_transcript t;
        char sql[100];
        assert_int_equal(sc_store_read(store, &conn, NULL), SC_OK);
        (void)snprintf(sql, sizeof(sql), "SELECT exports_due FROM jobs WHERE id = %lld",
                       (long long)a->job);
        if (number_on(conn, sql) == 1)
            return; /* owed: the next start pays */
        if (sc_transcript_of_job(conn, a->job, &t, NULL) == SC_OK)
            assert_int_equal(sc_export_list(conn, t.id, 0, 10, check_export, &paths, NULL), SC_OK);
    }
    struct sc_str rest = sc_buf_str(&paths);
    int count = 0;
    for (; rest.len > 0; count++) {
        SC_AUTO_BUF text = { 0 };
        struct sc_str path = sc_str_take_until(&rest, '\n');
        if (!read_export(data, path, &text))
            sc_buf_printf(out, "the export %.*s is gone; ", (int)path.len, path.ptr);
        else if (strstr(sc_buf_text(&text), "t1") == NULL)
            sc_buf_printf(out, "the export %.*s is not whole; ", (int)path.len, path.ptr);
    }
    if (count != 2)
        sc_buf_printf(out, "job %lld has %d exports; ", (long long)a->job, count);
}

/* No row tells of bytes that are not on the disk, whether somebody has heard of them or not. */
static void check_intake(const char *data, const struct sc_intake_row *row, struct sc_buf *out)
{
    SC_AUTO_BUF bytes = { 0 };
    SC_AUTO_FREE char *path = sc_asprintf("%s/" SC_INTAKE_FOLDER "/%s.part", data, row->upload_id);
    if (row->state != SC_INTAKE_OPEN)
        return;
    if (sc_file_read(path, pieces_size, &bytes, NULL) != SC_OK ||
        (int64_t)bytes.len < row->offset || memcmp(bytes.ptr, pieces, (size_t)row->offset) != 0)
        sc_buf_printf(out, "the row of an upload tells of %lld bytes, %zu are there or others; ",
                      (long long)row->offset, bytes.len);
}

static void check_pieces(struct sc_store *store, const char *data, const struct acknowledged *a,
                         struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_INTAKE_ROW row = { 0 };
    assert_int_equal(sc_store_read(store, &conn, NULL), SC_OK);
    if (sc_intake_find(conn, ANNA, a->sql, 0, &row, NULL) != SC_OK)
        sc_buf_printf(out, "the upload %s is gone; ", a->sql);
    else if (row.state != SC_INTAKE_COMPLETED && row.offset < a->value)
        sc_buf_printf(out, "of the upload %s %lld bytes were told, %lld are known; ", a->sql,
                      (long long)a->value, (long long)row.offset);
    else
        check_intake(data, &row, out);
}

static void check_open_intakes(struct sc_store *store, const char *data, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t after = 0;
    assert_int_equal(sc_store_read(store, &conn, NULL), SC_OK);
    for (bool found = true; found;) {
        SC_AUTO_INTAKE_ROW row = { 0 };
        assert_int_equal(sc_intake_next_open(conn, after, &row, &found, NULL), SC_OK);
        after = row.id;
        if (found)
            check_intake(data, &row, out);
    }
}

static void check_promises(struct sc_store *store, const char *data, size_t moment,
                           struct sc_buf *out)
{
    for (size_t i = 0; i < promise_count; i++) {
        const struct acknowledged *a = &promises[i];
        if (a->moment > moment || (a->until != 0 && a->until <= moment))
            continue;
        if (a->promise == PROMISED_TEXT) {
            check_text(store, a, out);
        } else if (a->promise == PROMISED_EXPORT) {
            check_exports(store, data, a, out);
        } else if (a->promise == PROMISED_PIECES) {
            check_pieces(store, data, a, out);
        } else {
            int64_t found = number(store, a->sql);
            if (found != a->value)
                sc_buf_printf(out, "%s: %lld, not %lld; ", a->sql, (long long)found,
                              (long long)a->value);
        }
    }
}

/* Of an edit that nobody heard of all is there or nothing. (Whether each version reads as it was
 * written, and the index finds what is alive, check_store sees.) */
static void check_versions(struct sc_store *store, struct sc_buf *out)
{
    int64_t odd = number(store, "SELECT count(*) FROM transcripts AS t WHERE current_version <>"
                                " (SELECT count(*) FROM versions AS v WHERE v.transcript_id = t.id)"
                                " OR current_version <> (SELECT coalesce(max(version), 0)"
                                " FROM versions AS v WHERE v.transcript_id = t.id"
                                " AND is_current = 1)");
    if (odd > 0)
        sc_buf_printf(out, "of %lld transcripts versions are missing; ", (long long)odd);
    odd = number(store, "SELECT count(*) FROM segments, transcripts AS t WHERE t.id ="
                        " transcript_id AND (born > max(current_version, 1) OR died >"
                        " current_version)");
    if (odd > 0)
        sc_buf_printf(out, "%lld segments are of versions that are not there; ", (long long)odd);
}

/* Files of the wrong length under a name that readers trust. */
static void check_folder(const char *data, const char *below, struct sc_buf *out)
{
    SC_AUTO_FREE char *path = sc_path_join(data, below);
    DIR *d = opendir(path);
    const struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        SC_AUTO_FREE char *name = sc_path_join(below, entry->d_name);
        SC_AUTO_FREE char *full = sc_path_join(data, name);
        struct stat st;
        SC_AUTO_BUF text = { 0 };
        if (entry->d_name[0] == '.' || lstat(full, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            check_folder(data, name, out);
        else if (sc_file_read(full, 1 << 20, &text, NULL) != SC_OK ||
                 strstr(sc_buf_text(&text), "t1") == NULL)
            sc_buf_printf(out, "%s is partly written; ", name);
    }
    if (d != NULL)
        (void)closedir(d);
}

/* The client goes on behind what it is told. */
static void finish_uploads(struct rig *r, struct sc_buf *out)
{
    struct sc_error err = { 0 };
    for (int64_t after = 0;;) {
        SC_AUTO_INTAKE_ROW row = { 0 };
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
        bool found = false;
        {
            SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
            assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
            assert_int_equal(sc_intake_next_open(conn, after, &row, &found, NULL), SC_OK);
        }
        if (!found)
            return;
        after = row.id;
        enum sc_code code = sc_intake_hold(r->p, ANNA, row.upload_id, &in, &err);
        if (code == SC_E_UPLOAD_LOCKED)
            continue; /* it had come whole: the server ends it itself */
        if (code == SC_OK && sc_intake_row(in)->state == SC_INTAKE_OPEN) {
            send_piece(in, pieces_size, false);
            code = sc_intake_finish(in, &err);
        }
        if (code != SC_OK)
            sc_buf_printf(out, "an upload does not go on: %s; ", err.msg);
    }
}

/* The next start goes on with what was under way, to the end of every job. */
static void go_on(const char *data, size_t moment, struct sc_buf *out)
{
    struct rig r;
    open_all(&r, data);
    size_t promised = promise_count;
    finish_uploads(&r, out);
    promise_count = promised; /* what is promised now is of no other round */
    {
        AUTO_WATCH(w, &r);
        struct sc_event event;
        int64_t deadline = sc_clock_mono_ms() + PATIENCE_MS;
        while (ask(&r, "SELECT count(*) FROM jobs WHERE state < 2 AND purge = 0") > 0 ||
               ask(&r, "SELECT count(*) FROM jobs WHERE exports_due = 1 AND purge = 0") > 0) {
            if (work_some(&r, 4) == 0)
                (void)sc_subscriber_wait(w.sub, sc_clock_mono_ms() + LOOK_MS, &event);
            if (sc_clock_mono_ms() > deadline) {
                sc_buf_puts(out, "the jobs do not end; ");
                break;
            }
        }
    }
    if (ask(&r, "SELECT count(*) FROM jobs WHERE state <> 2 AND purge = 0") > 0)
        sc_buf_puts(out, "a job has not completed; ");
    for (size_t i = 0; i < promise_count; i++) {
        /* Whatever was brought in is transcribed now, whether its end was promised or not. */
        const struct acknowledged *a = &promises[i];
        char sql[100];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE id = %lld AND purge = 0",
                       (long long)a->job);
        if (a->promise == PROMISED_TEXT && ask(&r, sql) == 1)
            check_text(r.f.store, a, out);
        if (a->promise == PROMISED_EXPORT && ask(&r, sql) == 1)
            check_exports(r.f.store, data, a, out);
    }
    check_promises(r.f.store, data, moment, out);
    check_store(r.f.store, data, out);
    close_all(&r);
}

/* ---- all of it ---- */

static int64_t from_environment(const char *name, int64_t fallback)
{
    int64_t out = fallback;
    const char *text = getenv(name);
    return text != NULL && sc_str_to_int64(sc_str_from(text), &out) ? out : fallback;
}

struct round {
    size_t moment;
    int64_t number;
};

static int by_moment(const void *a, const void *b)
{
    const struct round *left = a, *right = b;
    return (left->moment > right->moment) - (left->moment < right->moment);
}

static uint64_t scatter(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x7FB5D329728EA185U;
    x ^= x >> 27;
    x *= 0x81DADEF4BC2DD44DU;
    return x ^ x >> 33;
}

static bool look(struct power_disk *disk, const struct round *round, uint64_t seed, bool whole)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char data[PATH_MAX];
    SC_AUTO_BUF wrong = { 0 };
    enum power_mode mode = (enum power_mode)(round->number % POWER_MODE_COUNT_);
    power_disk_leave(disk, mode, seed, dir.path);
    (void)test_path(&dir, "home/data", data);
    check_folder(data, "transcripts", &wrong);
    struct rig r;
    start(&r, data);
    check_promises(r.f.store, data, round->moment, &wrong);
    check_open_intakes(r.f.store, data, &wrong);
    check_versions(r.f.store, &wrong);
    check_store(r.f.store, data, &wrong);
    sc_store_close(r.f.store);
    if (whole)
        go_on(data, round->moment, &wrong);
    if (wrong.len > 0)
        print_error("round %lld, moment %zu, %s: %s\n", (long long)round->number, round->moment,
                    power_mode_name(mode), sc_buf_text(&wrong));
    return wrong.len == 0;
}

static void what_was_acknowledged_survives_a_loss_of_power(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char data[PATH_MAX];
    int64_t rounds = from_environment("ROUNDS", 20), first = from_environment("FIRST", 0);
    int64_t seed = from_environment("SEED", 1), lost = 0, resumed = 0;
    pieces = make_wav(1500, 5000, &pieces_size);
    power_record(dir.path);
    record(test_path(&dir, "home/data", data));
    size_t end = power_now();

    struct round *list = sc_alloc_array((size_t)rounds, sizeof(*list));
    for (int64_t i = 0; i < rounds; i++) {
        uint64_t dice = scatter((uint64_t)seed * 1000003U + (uint64_t)(first + i));
        list[i] = (struct round){ .moment = (size_t)(dice % (end + 1)), .number = first + i };
    }
    qsort(list, (size_t)rounds, sizeof(*list), by_moment);
    struct power_disk *disk = power_disk_new();
    for (int64_t i = 0; i < rounds; i++) {
        bool whole = list[i].number % 8 == 7;
        power_disk_run(disk, list[i].moment);
        resumed += whole ? 1 : 0;
        lost += look(disk, &list[i], scatter((uint64_t)(seed + list[i].number)), whole) ? 0 : 1;
    }
    power_disk_free(disk);
    free(list);
    free(pieces);
    print_message("G9: power lost %lld times in %zu changes of the disk, %zu promises, %lld starts "
                  "that went on to the end, %lld with a loss\n",
                  (long long)rounds, end, promise_count, (long long)resumed, (long long)lost);
    assert_int_equal(lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_acknowledged_survives_a_loss_of_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
