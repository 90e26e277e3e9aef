#include "library/fsck.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "library/fsck-hash.h"
#include "library/fsck-internal.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/banned.h"

#define BLOCK ((size_t)256 << 10)
#define HOLD_MS 1000
#define FILE_WAS_ALTERED "the recording did not match its checksum when it was read last"
#define FILE_UNNOTED "upload the recording again once 'scripta files verify' has found this too"

SC_DEFINE_ENUM_STRINGS(sc_fsck_phase, SC_FSCK_PHASE_COUNT_,
                       {
                           [SC_FSCK_STORE] = "store",
                           [SC_FSCK_TRANSCRIPTS] = "transcripts",
                           [SC_FSCK_CHUNKS] = "chunks",
                           [SC_FSCK_INDEX] = "index",
                           [SC_FSCK_FILES] = "files",
                           [SC_FSCK_BYTES] = "bytes",
                       });
SC_DEFINE_ENUM_STRINGS(sc_fsck_kind, SC_FSCK_KIND_COUNT_,
                       {
                           [SC_FSCK_DATABASE] = "database",
                           [SC_FSCK_SEGMENT] = "segment",
                           [SC_FSCK_VERSION] = "version",
                           [SC_FSCK_TRANSCRIPT] = "transcript",
                           [SC_FSCK_CHUNK] = "chunk",
                           [SC_FSCK_FILE] = "file",
                           [SC_FSCK_ORPHAN] = "orphan",
                       });

void sc_fsck_report(struct sc_fsck *f, const struct sc_fsck_problem *problem)
{
    f->fn(f->ctx, problem);
}

int64_t sc_fsck_by(const struct sc_fsck *f)
{
    return f->o->by == 0 ? SC_LOCAL_OWNER : f->o->by;
}

void sc_fsck_place_format(const struct sc_fsck_place *place, char out[SC_FSCK_PLACE_TEXT])
{
    const char *phase = sc_fsck_phase_to_string(place->phase);
    if (place->within > 0)
        (void)snprintf(out, SC_FSCK_PLACE_TEXT, "%s:%" PRId64 ":%" PRId64, phase, place->after,
                       place->within);
    else
        (void)snprintf(out, SC_FSCK_PLACE_TEXT, "%s:%" PRId64, phase, place->after);
}

static bool parse_within(struct sc_str text, struct sc_fsck_place *out)
{
    return out->phase == SC_FSCK_TRANSCRIPTS && sc_str_to_int64(text, &out->within) &&
           out->within > 0;
}

bool sc_fsck_place_parse(struct sc_str text, struct sc_fsck_place *out)
{
    struct sc_str phase = sc_str_take_until(&text, ':');
    struct sc_str whole = text, after = sc_str_take_until(&text, ':');
    struct sc_fsck_place place = { .within = 0 };
    if (!sc_str_to_int64(after, &place.after) || place.after < 0)
        return false;
    for (int i = 0; i < SC_FSCK_PHASE_COUNT_; i++) {
        place.phase = (enum sc_fsck_phase)i;
        if (!sc_str_equal(phase, sc_str_from(sc_fsck_phase_to_string(place.phase))))
            continue;
        if (after.len < whole.len && !parse_within(text, &place))
            return false;
        *out = place;
        return true;
    }
    return false;
}

/* ---- the database ---- */

struct database {
    struct sc_buf problems; /* each ends in NUL */
};

static void database_done(struct database *d)
{
    sc_buf_done(&d->problems);
}

static void keep_problem(void *ctx, const char *problem)
{
    struct database *d = ctx;
    sc_buf_append(&d->problems, problem, strlen(problem) + 1);
}

static enum sc_code find_problems(struct sc_fsck *f, struct database *out, struct sc_error *err)
{
    sc_buf_reset(&out->problems);
    enum sc_code code = sc_store_check(f->o->store, keep_problem, out, err);
    return code == SC_E_STORE_DAMAGED ? SC_OK : code;
}

static enum sc_code run_alone(struct sc_fsck *f, sc_write_fn fn, void *ctx, struct sc_error *err)
{
    return sc_store_write(f->o->store, SC_DURABLE, fn, ctx, err);
}

static enum sc_code reindex(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_STORE_REINDEX);
    return sc_stmt_run(&st, err);
}

static void tell(struct sc_fsck *f, const struct database *d, bool repaired)
{
    for (size_t at = 0; at < d->problems.len; at += strlen(d->problems.ptr + at) + 1) {
        const char *text = d->problems.ptr + at;
        bool of_index = strstr(text, "index") != NULL;
        /* That phase tells of it, and mends it. */
        if (f->o->repair && strstr(text, "text index") != NULL)
            continue;
        struct sc_fsck_problem p = {
            .kind = SC_FSCK_DATABASE,
            .chunk = -1,
            .message = text,
            .repairable = of_index || repaired,
            .repaired = repaired,
            .remedy = repaired   ? "restored: its indexes were made again"
                      : of_index ? "'scripta fsck --repair' makes the indexes again"
                                 : SC_FSCK_BACKUP,
        };
        sc_fsck_report(f, &p);
    }
}

/* Indexes are made of what the tables hold. They come first: a row whose index is wrong cannot be
 * changed. */
static enum sc_code check_store(struct sc_fsck *f, struct sc_fsck_slice *out, struct sc_error *err)
{
    SC_AUTO(database_done) struct database before = { 0 };
    SC_AUTO(database_done) struct database after = { 0 };
    enum sc_code code = find_problems(f, &before, err);
    out->checked = 1;
    if (code != SC_OK || before.problems.len == 0)
        return code;
    bool repaired = f->o->repair && run_alone(f, reindex, NULL, NULL) == SC_OK &&
                    find_problems(f, &after, NULL) == SC_OK &&
                    (after.problems.len == 0 || strstr(after.problems.ptr, "text index") != NULL);
    tell(f, &before, repaired);
    return SC_OK;
}

/* On the index of words and on that of their parts. */
static enum sc_code run_both(struct sc_conn *tx, enum sc_sql words, enum sc_sql parts,
                             struct sc_error *err)
{
    enum sc_code code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, words);
        code = sc_stmt_run(&st, err);
    }
    SC_AUTO_STMT st = sc_stmt_get(tx, parts);
    return code == SC_OK ? sc_stmt_run(&st, err) : code;
}

static enum sc_code check_index(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    return run_both(tx, SC_SQL_FTS_CONTENT_INTEGRITY, SC_SQL_PARTS_CONTENT_INTEGRITY, err);
}

static enum sc_code rebuild_index(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    return run_both(tx, SC_SQL_FTS_REBUILD, SC_SQL_PARTS_REBUILD, err);
}

/* After the texts were put right, for it is made of them. */
static enum sc_code check_text_index(struct sc_fsck *f, struct sc_fsck_slice *out,
                                     struct sc_error *err)
{
    struct sc_fsck_problem p = { .kind = SC_FSCK_DATABASE,
                                 .chunk = -1,
                                 .message = "the text index does not agree with the texts",
                                 .repairable = true };
    out->done = true;
    if (!f->o->repair && !f->o->alone)
        return SC_OK;
    enum sc_code code = run_alone(f, check_index, NULL, err);
    out->checked = 1;
    if (code != SC_E_STORE_DAMAGED)
        return code;
    p.repaired = f->o->repair && run_alone(f, rebuild_index, NULL, NULL) == SC_OK;
    p.remedy = p.repaired ? "restored: it was made again" : SC_FSCK_RESTORE;
    sc_fsck_report(f, &p);
    return SC_OK;
}

/* ---- how far ---- */

static double share(struct sc_fsck *f, enum sc_sql largest, int64_t after)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(f->o->store, &conn, NULL) != SC_OK)
        return 0;
    SC_AUTO_STMT st = sc_stmt_get(conn, largest);
    if (sc_stmt_one(&st, NULL) != SC_OK || sc_stmt_int(&st, "id") <= 0)
        return 100;
    return SC_MIN(100.0, 100.0 * (double)after / (double)sc_stmt_int(&st, "id"));
}

static enum sc_code check_transcripts(struct sc_fsck *f, struct sc_fsck_slice *out,
                                      struct sc_error *err)
{
    int64_t end = sc_clock_mono_ms() + f->o->slice_ms;
    do {
        bool found = false;
        enum sc_code code = sc_fsck_transcript(f, &out->next, end, &found, err);
        out->done = code == SC_OK && !found;
        if (code != SC_OK || !found)
            return code;
        out->checked += out->next.within == 0 ? 1 : 0;
    } while (out->next.within == 0 && sc_clock_mono_ms() < end);
    out->percent =
        share(f, SC_SQL_FSCK_MAX_TRANSCRIPT, out->next.after - (out->next.within > 0 ? 1 : 0));
    return SC_OK;
}

/* ---- chunks ---- */

struct chunk {
    int64_t job, owner, by;
    int chunk;
    char job_id[SC_UUID_TEXT];
    bool has_text, accepted;
    struct sc_buf text;
    char hash[SC_SHA256_TEXT];
    struct sc_buf was; /* the hash as it stands */
};

static void chunk_done(struct chunk *c)
{
    sc_buf_done(&c->text);
    sc_buf_done(&c->was);
}

static bool chunk_is_sound(const struct chunk *c, char found[SC_SHA256_TEXT])
{
    struct sc_str text = sc_buf_str(&c->text);
    sc_hash_bytes(text.ptr, text.len, found);
    return c->has_text && strcmp(found, c->hash) == 0;
}

static enum sc_code record_chunk(struct sc_conn *tx, const struct chunk *c, struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "chunk", c->chunk);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = c->accepted ? SC_CHANGE_JOB_DAMAGE_ACCEPTED : SC_CHANGE_JOB_REPAIRED,
        .owner_id = c->owner,
        .by = c->by,
        .at_ms = sc_clock_wall_ms(),
        .job = c->job,
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

static enum sc_code write_chunk(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct chunk *c = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_CHUNK_RESTORE);
    sc_stmt_bind_int(&st, ":job", c->job);
    sc_stmt_bind_int(&st, ":chunk", c->chunk);
    sc_stmt_bind_str(&st, ":text", sc_buf_str(&c->text));
    sc_stmt_bind_text(&st, ":result_hash", c->hash);
    sc_stmt_bind_str(&st, ":was", sc_buf_str(&c->was));
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? record_chunk(tx, c, err) : code;
}

/* Makes the text of the chunk's segments, which are checked and restored by then. Where a seam took
 * words away they say less, and the checksum tells. */
static bool join_segments(struct sc_conn *conn, struct chunk *c)
{
    SC_AUTO(chunk_done) struct chunk joined = { 0 };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_CHUNK_ROWS);
    sc_stmt_bind_int(&st, ":job", c->job);
    sc_stmt_bind_int(&st, ":chunk", c->chunk);
    for (bool row = true, first = true; row; first = false) {
        if (sc_stmt_step(&st, &row, NULL) != SC_OK)
            return false;
        if (row && !first)
            sc_buf_putc(&joined.text, '\n');
        if (row)
            sc_buf_put_str(&joined.text, sc_stmt_str(&st, "text"));
    }
    char found[SC_SHA256_TEXT];
    joined.has_text = !joined.text.failed;
    (void)snprintf(joined.hash, sizeof(joined.hash), "%s", c->hash);
    if (!chunk_is_sound(&joined, found))
        return false;
    sc_buf_reset(&c->text);
    sc_buf_put_str(&c->text, sc_buf_str(&joined.text));
    return true;
}

/* What it can be restored from; NULL: nothing. */
static const char *restore_chunk(struct sc_conn *conn, struct chunk *c, const char *found)
{
    if (c->has_text && sc_hash_is_near(found, c->hash)) {
        (void)snprintf(c->hash, sizeof(c->hash), "%s", found);
        return "what it says: its checksum alone is damaged";
    }
    if (join_segments(conn, c))
        return "its segments";
    return c->has_text && sc_text_restore(&c->text, c->hash) ? "itself: one bit had turned" : NULL;
}

/* The text as it is from here on. */
static void accept_chunk(struct chunk *c)
{
    SC_AUTO_BUF text = { 0 };
    sc_utf8_append_lossy(&text, sc_buf_str(&c->text));
    sc_buf_reset(&c->text);
    sc_buf_put_str(&c->text, sc_buf_str(&text));
    sc_hash_bytes(c->text.ptr, c->text.len, c->hash);
    c->accepted = true;
}

static enum sc_code mend_chunk(struct sc_fsck *f, struct sc_conn *conn, struct chunk *c,
                               const char *found, struct sc_error *err)
{
    struct sc_fsck_problem p = { .kind = SC_FSCK_CHUNK,
                                 .chunk = c->chunk,
                                 .message = "the text of the chunk does not match its checksum" };
    enum sc_code code = SC_OK;
    (void)snprintf(p.job_id, sizeof(p.job_id), "%s", c->job_id);
    c->by = sc_fsck_by(f);
    c->accepted = false;
    p.source = restore_chunk(conn, c, found);
    p.repairable = p.source != NULL;
    if (!p.repairable && f->o->accept)
        accept_chunk(c);
    if ((p.repairable && f->o->repair) || c->accepted)
        code = sc_store_write(f->o->store, SC_DURABLE, write_chunk, c, err);
    if (code == SC_E_CONFLICT)
        return SC_OK; /* pruned, or said anew: there is nothing to be told of it */
    p.accepted = c->accepted && code == SC_OK;
    p.repaired = p.repairable && f->o->repair && code == SC_OK;
    p.remedy = p.accepted     ? SC_FSCK_ACCEPTED
               : p.repaired   ? "restored"
               : p.repairable ? SC_FSCK_RESTORE
                              : "the transcript has its own copy: only the list of chunks is cut; "
                                "'scripta fsck --accept' takes what is left";
    sc_fsck_report(f, &p);
    return code;
}

static void take_chunk(struct sc_stmt *st, struct chunk *c)
{
    c->job = sc_stmt_int(st, "job");
    c->owner = sc_stmt_int(st, "owner_id");
    c->chunk = (int)sc_stmt_int(st, "chunk");
    c->has_text = !sc_stmt_is_null(st, "text");
    sc_buf_reset(&c->text);
    sc_buf_put_str(&c->text, sc_stmt_str(st, "text"));
    SC_STMT_READ(st, c, job_id);
    (void)snprintf(c->hash, sizeof(c->hash), "%s", sc_stmt_text(st, "result_hash"));
    sc_buf_reset(&c->was);
    sc_buf_put_str(&c->was, sc_stmt_str(st, "result_hash"));
}

static enum sc_code check_chunks(struct sc_fsck *f, struct sc_fsck_slice *out, struct sc_error *err)
{
    SC_AUTO(chunk_done) struct chunk c = { 0 };
    int64_t end = sc_clock_mono_ms() + f->o->slice_ms;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(f->o->store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_CHUNKS);
    sc_stmt_bind_int(&st, ":after", out->next.after);
    for (int64_t last = 0;;) {
        bool row = false;
        char found[SC_SHA256_TEXT];
        code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        out->done = !row;
        if (!row)
            return SC_OK;
        take_chunk(&st, &c);
        if (last != 0 && c.job != last) {
            out->next.after = last;
            if (sc_clock_mono_ms() >= end)
                break;
        }
        last = c.job;
        out->checked++;
        if (!chunk_is_sound(&c, found))
            code = mend_chunk(f, conn, &c, found, err);
        if (code != SC_OK)
            return code;
    }
    sc_stmt_reset(&st);
    return SC_OK;
}

/* ---- recordings ---- */

enum sc_code sc_fsck_hash_bytes(int fd, char out[SC_SHA256_TEXT], struct sc_error *err)
{
    SC_AUTO(sc_hash_freep) struct sc_hash *hash = sc_hash_new();
    SC_AUTO_FREE char *block = sc_alloc(BLOCK);
    for (;;) {
        ssize_t n = read(fd, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read the recording");
        if (n == 0)
            break;
        sc_hash_update(hash, block, (size_t)n);
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    sc_hash_hex(hash, out);
    return SC_OK;
}

/* What is wrong with the bytes of a file, or NULL; *damage is what that makes of the file, sound
 * when it cannot be told. Bytes that are not read are what they were when they were read last. */
static const char *fault_of(struct sc_fsck *f, const struct sc_file *file,
                            enum sc_file_damage *damage)
{
    char hash[SC_SHA256_TEXT];
    struct stat st;
    SC_AUTO_CLOSE int fd = -1;
    enum sc_code code = sc_blobs_get(f->o->blobs, file->file_path, &fd, NULL);
    *damage = code == SC_E_FILE_NOT_FOUND ? SC_FILE_MISSING : SC_FILE_SOUND;
    if (code == SC_E_FILE_NOT_FOUND)
        return "the bytes of the recording are gone";
    if (code != SC_OK || fstat(fd, &st) != 0)
        return "the recording cannot be read";
    if (st.st_size == file->size_bytes) {
        if (!f->o->audio && !sc_file_hash_differs(file, hash)) {
            *damage = file->damage == SC_FILE_ALTERED ? SC_FILE_ALTERED : SC_FILE_SOUND;
            return *damage == SC_FILE_SOUND ? NULL : FILE_WAS_ALTERED;
        }
        if (sc_fsck_hash_bytes(fd, hash, NULL) != SC_OK)
            return "the recording cannot be read";
        if (strcmp(hash, file->file_hash) == 0)
            return NULL;
    }
    *damage = SC_FILE_ALTERED;
    return st.st_size == file->size_bytes ? "the recording does not match its checksum"
                                          : "the recording is not as long as it was";
}

static enum sc_code next_file(struct sc_fsck *f, int64_t after, struct sc_file *out, bool *found,
                              struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(f->o->store, &conn, err);
    return code == SC_OK ? sc_file_next(conn, after, out, found, err) : code;
}

struct verified {
    const struct sc_file *file;
    enum sc_file_damage damage;
};

static enum sc_code write_verified(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct verified *v = ctx;
    return sc_file_set_verified(tx, v->file->file_hash, v->damage, sc_clock_wall_ms(), err);
}

/* Reads the bytes while nobody can replace them, and notes that they are altered: unless that is
 * known, an upload takes them for what it brings, and leaves them. Or that they are sound again.
 * That is no repair: it is done without being asked for. *heals: an upload replaces them. */
static const char *note_fault(struct sc_fsck *f, struct sc_file *file, bool *heals)
{
    struct verified v = { .file = file };
    bool held = sc_blobs_hold(f->o->blobs, file->file_hash, SC_HOLD_SHARED, HOLD_MS);
    const char *fault = fault_of(f, file, &v.damage);
    bool was_read = v.damage == SC_FILE_ALTERED || (f->o->audio && fault == NULL);
    bool noted = v.damage == file->damage ||
                 (held && was_read &&
                  sc_store_write(f->o->store, SC_RELAXED, write_verified, &v, NULL) == SC_OK);
    *heals = v.damage == SC_FILE_MISSING || (v.damage == SC_FILE_ALTERED && noted);
    if (held)
        sc_blobs_release(f->o->blobs, file->file_hash, SC_HOLD_SHARED);
    return fault;
}

/* A file that was moved or deleted since its row was read is looked at again. */
static enum sc_code check_file(struct sc_fsck *f, struct sc_file *file, struct sc_error *err)
{
    enum sc_file_damage damage;
    bool found = false, heals, lost = false;
    enum sc_code code = sc_fsck_check_hash(f, file, &lost, err);
    if (code != SC_OK || lost)
        return code;
    const char *fault = fault_of(f, file, &damage);
    if (fault == NULL && (!f->o->audio || file->damage == SC_FILE_SOUND))
        return SC_OK;
    SC_AUTO_FILE again = { 0 };
    code = next_file(f, file->id - 1, &again, &found, err);
    if (code != SC_OK || !found || again.id != file->id)
        return code;
    fault = note_fault(f, &again, &heals);
    if (fault == NULL)
        return SC_OK;
    struct sc_fsck_problem p = { .kind = SC_FSCK_FILE,
                                 .file_id = file->id,
                                 .chunk = -1,
                                 .message = fault,
                                 .remedy = heals ? "upload the recording again" : FILE_UNNOTED };
    sc_fsck_report(f, &p);
    return SC_OK;
}

static enum sc_code check_files(struct sc_fsck *f, struct sc_fsck_slice *out, struct sc_error *err)
{
    int64_t end = sc_clock_mono_ms() + f->o->slice_ms;
    do {
        SC_AUTO_FILE file = { 0 };
        bool found = false;
        enum sc_code code = next_file(f, out->next.after, &file, &found, err);
        out->done = !found;
        if (code == SC_OK && found)
            code = check_file(f, &file, err);
        if (code != SC_OK || !found)
            return code;
        out->next.after = file.id;
        out->checked++;
    } while (sc_clock_mono_ms() < end);
    out->percent = share(f, SC_SQL_FSCK_MAX_FILE, out->next.after);
    return SC_OK;
}

/* ---- bytes without a row ---- */

struct bytes {
    struct sc_fsck *f;
    int64_t checked;
};

/* By hash, or by place: a row whose hash is damaged still owns its bytes. */
static bool has_row(struct sc_fsck *f, const char *hash, const char *place)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    bool known = true;
    return sc_store_read(f->o->store, &conn, NULL) != SC_OK ||
           sc_file_hash_known(conn, hash, &known, NULL) != SC_OK || known ||
           sc_file_place_named(conn, place, &known, NULL) != SC_OK || known;
}

static void report_bytes(struct bytes *b, const char *message, const char *remedy)
{
    struct sc_fsck_problem p = {
        .kind = SC_FSCK_ORPHAN, .chunk = -1, .message = message, .remedy = remedy
    };
    sc_fsck_report(b->f, &p);
}

static bool visit(void *ctx, const struct sc_blob_entry *entry)
{
    struct bytes *b = ctx;
    char hash[SC_SHA256_TEXT], message[256];
    b->checked++;
    if (entry->exported || entry->name[0] == '.')
        return true; /* no recording, or bytes on their way */
    if (!sc_blob_name_hash(entry->name, hash)) {
        (void)snprintf(message, sizeof(message), "%.200s is no file of the server's", entry->place);
        report_bytes(b, message, "move it away; 'scripta add' takes a recording in");
        return true;
    }
    /* Whoever brings bytes holds their hash until the row is there. */
    if (has_row(b->f, hash, entry->place) || !sc_blobs_hold(b->f->o->blobs, hash, SC_HOLD_ALONE, 0))
        return true;
    bool orphan =
        !has_row(b->f, hash, entry->place) && sc_blobs_exists(b->f->o->blobs, entry->place);
    sc_blobs_release(b->f->o->blobs, hash, SC_HOLD_ALONE);
    if (!orphan)
        return true;
    (void)snprintf(message, sizeof(message), "no file has the bytes at %.200s", entry->place);
    report_bytes(b, message, "'scripta files clean --kind orphans --yes' removes them");
    return true;
}

static enum sc_code check_bytes(struct sc_fsck *f, struct sc_fsck_slice *out)
{
    struct bytes b = { .f = f };
    sc_blobs_each(f->o->blobs, visit, &b);
    out->checked = b.checked;
    out->done = true;
    return SC_OK;
}

/* ---- a slice ---- */

/* `done` means the phase here. */
static enum sc_code check_phase(struct sc_fsck *f, struct sc_fsck_slice *out, struct sc_error *err)
{
    switch (out->next.phase) {
    case SC_FSCK_STORE:
        out->done = true;
        return check_store(f, out, err);
    case SC_FSCK_TRANSCRIPTS:
        return check_transcripts(f, out, err);
    case SC_FSCK_CHUNKS:
        out->percent = share(f, SC_SQL_FSCK_MAX_CHUNK, out->next.after);
        return check_chunks(f, out, err);
    case SC_FSCK_INDEX:
        return check_text_index(f, out, err);
    case SC_FSCK_FILES:
        return check_files(f, out, err);
    case SC_FSCK_BYTES:
        return check_bytes(f, out);
    case SC_FSCK_PHASE_COUNT_:
        break;
    }
    sc_assert(false);
    return SC_E_INTERNAL;
}

/* Where the store cannot be read the phase ends, and the check goes on with what else there is. */
static bool is_damage(struct sc_fsck *f, enum sc_code code, const struct sc_error *why)
{
    if (code != SC_E_STORE_DAMAGED)
        return false;
    struct sc_fsck_problem p = {
        .kind = SC_FSCK_DATABASE, .chunk = -1, .message = why->msg, .remedy = SC_FSCK_BACKUP
    };
    sc_fsck_report(f, &p);
    return true;
}

enum sc_code sc_fsck_step(const struct sc_fsck_options *options, const struct sc_fsck_place *from,
                          struct sc_fsck_slice *out, sc_fsck_fn fn, void *ctx, struct sc_error *err)
{
    struct sc_fsck f = { .o = options, .fn = fn, .ctx = ctx };
    struct sc_fsck_slice slice = { .next = *from };
    struct sc_error why = { 0 };
    enum sc_code code = check_phase(&f, &slice, &why);
    if (is_damage(&f, code, &why)) {
        slice.done = true;
        code = SC_OK;
    }
    if (code != SC_OK)
        return sc_error_copy(err, &why);
    if (slice.done) {
        slice.done = slice.next.phase + 1 == SC_FSCK_PHASE_COUNT_;
        slice.percent = 100;
        slice.next.phase += slice.done ? 0 : 1;
        slice.next.after = slice.next.within = 0;
    }
    *out = slice;
    return SC_OK;
}
