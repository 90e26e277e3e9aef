/* One transcript: each row against its checksum, each version against the sum of its rows, and the
 * figures that the rows of versions and transcripts repeat. */
#include "library/fsck-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/file.h"
#include "transcript/reader.h"

#include <inttypes.h>

#include "base/banned.h"

#define EXPORTS_READ 4 /* of a transcript, the newest */

struct row {
    int64_t id, segment_id, born, died; /* died INT64_MAX: it lives */
    int64_t start_ms, words;
    int chunk;
    bool sound;
    char hash[SC_SHA256_TEXT];
};

struct rows {
    struct row *items; /* owned */
    size_t count, cap;
};

struct version {
    int64_t transcript;
    int version;
    bool current;
    int64_t segments, words;
    struct sc_sum_stored sum;
};

struct versions {
    struct version *items; /* owned */
    size_t count, cap;
};

/* All of it as one read sees it: a server goes on writing meanwhile. */
struct work {
    struct sc_fsck *f;
    struct sc_transcript t; /* id 0: there is none */
    struct rows rows;
    struct versions versions;
    bool changed;  /* rows were restored: what was read is old */
    bool hopeless; /* rows remain that are not what they were */
};

static struct sc_fsck_problem problem_of(const struct work *w, enum sc_fsck_kind kind)
{
    struct sc_fsck_problem p = {
        .kind = kind, .transcript_id = w->t.id, .file_id = w->t.file_id, .chunk = -1
    };
    (void)snprintf(p.job_id, sizeof(p.job_id), "%s", w->t.job_id);
    return p;
}

static void report(struct work *w, struct sc_fsck_problem *p)
{
    p->remedy = p->repaired ? "restored" : p->repairable ? SC_FSCK_RESTORE : SC_FSCK_LOST;
    sc_fsck_report(w->f, p);
}

/* ---- rows ---- */

static struct row *add_row(struct rows *r)
{
    void *items = r->items;
    sc_grow(&items, &r->cap, r->count + 1, sizeof(*r->items));
    r->items = items;
    return &r->items[r->count++];
}

static void take_row(struct work *w, struct sc_stmt *st)
{
    SC_AUTO(sc_segment_done) struct sc_segment segment = { 0 };
    struct sc_error why = { 0 };
    struct row *row = add_row(&w->rows);
    *row = (struct row){
        .id = sc_stmt_int(st, "id"),
        .segment_id = sc_stmt_int(st, "segment_id"),
        .born = sc_stmt_int(st, "born"),
        .died = sc_stmt_int_or(st, "died", INT64_MAX),
        .start_ms = sc_stmt_int(st, "start_ms"),
        .chunk = (int)sc_stmt_int(st, "chunk"),
        .sound = sc_segment_from_row(st, &segment, &why),
    };
    row->words = sc_segment_says(&segment);
    (void)snprintf(row->hash, sizeof(row->hash), "%s", sc_stmt_text(st, "content_hash"));
}

static enum sc_code read_rows(struct work *w, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENTS);
    sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
    w->rows.count = 0;
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        take_row(w, &st);
    }
}

static struct version *add_version(struct versions *v)
{
    void *items = v->items;
    sc_grow(&items, &v->cap, v->count + 1, sizeof(*v->items));
    v->items = items;
    return &v->items[v->count++];
}

static enum sc_code read_versions(struct work *w, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_VERSIONS);
    sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
    w->versions.count = 0;
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct version *v = add_version(&w->versions);
        *v = (struct version){
            .transcript = w->t.id,
            .version = (int)sc_stmt_int(&st, "version"),
            .current = sc_stmt_int(&st, "is_current") != 0,
            .segments = sc_stmt_int(&st, "segment_count"),
            .words = sc_stmt_int(&st, "word_count"),
        };
        sc_sum_from_row(&st, &v->sum);
    }
}

/* The transcript behind `after`. */
static enum sc_code load(struct work *w, int64_t after, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(w->f->o->store, &conn, err);
    w->t = (struct sc_transcript){ 0 };
    if (code == SC_OK)
        code = sc_transcript_next(conn, after, &w->t, err);
    if (code == SC_E_TRANSCRIPT_NOT_FOUND)
        return SC_OK;
    if (code == SC_OK)
        code = read_rows(w, conn, err);
    return code == SC_OK ? read_versions(w, conn, err) : code;
}

/* ---- restoring rows ---- */

static enum sc_code write_row(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct sc_stored *row = ctx;
    const struct sc_segment *s = &row->s;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_SEGMENT_RESTORE);
    sc_stmt_bind_int(&st, ":id", s->row);
    sc_stmt_bind_int(&st, ":transcript_id", row->transcript);
    sc_segment_bind(&st, s, sc_buf_str(&row->words), sc_buf_str(&row->heard));
    sc_stmt_bind_text(&st, ":content_hash", row->hash);
    return sc_stmt_run(&st, err);
}

static enum sc_code keep_export(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct sc_buf *paths = ctx; /* each ends in NUL */
    (void)err;
    if (row->path != NULL && strcmp(row->format, "json") == 0)
        sc_buf_append(paths, row->path, strlen(row->path) + 1);
    return SC_OK;
}

/* What cannot be read has nothing to give. */
static void read_export(struct work *w, const char *path, struct sc_segments *out)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_READING reading = { 0 };
    SC_AUTO_FREE char *full = sc_path_join(w->f->o->root, path);
    if (sc_file_read(full, SC_READ_LIMIT, &text, NULL) != SC_OK ||
        sc_format_read("json", sc_buf_str(&text), &reading, NULL) != SC_OK)
        return;
    for (size_t i = 0; i < reading.segments.count; i++) {
        struct sc_segment *to = sc_segments_add(out);
        if (to == NULL)
            return;
        *to = reading.segments.items[i];
        reading.segments.items[i] =
            (struct sc_segment){ .chunk = -1, .confidence = -1, .no_speech = -1 };
    }
}

static void read_sources(struct work *w, struct sc_conn *conn, int chunk,
                         struct sc_restore_sources *out)
{
    SC_AUTO_BUF paths = { 0 };
    {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_CHUNK_TEXT);
        sc_stmt_bind_int(&st, ":job", w->t.job);
        sc_stmt_bind_int(&st, ":chunk", chunk);
        if (sc_stmt_one(&st, NULL) == SC_OK)
            sc_buf_put_str(&out->chunk_text, sc_stmt_str(&st, "text"));
    }
    if (sc_export_list(conn, w->t.id, 0, EXPORTS_READ, keep_export, &paths, NULL) != SC_OK)
        return;
    for (size_t at = 0; at < paths.len; at += strlen(paths.ptr + at) + 1)
        read_export(w, paths.ptr + at, &out->exported);
}

static bool find_restored(struct work *w, const struct row *row, struct sc_stored *out)
{
    SC_AUTO(sc_restore_sources_done) struct sc_restore_sources sources = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(w->f->o->store, &conn, NULL) != SC_OK)
        return false;
    {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENT);
        sc_stmt_bind_int(&st, ":id", row->id);
        sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
        if (sc_stmt_one(&st, NULL) != SC_OK)
            return false;
        sc_stored_from_row(&st, out);
        out->transcript = w->t.id;
    }
    read_sources(w, conn, row->chunk, &sources);
    return sc_stored_restore(out, &sources);
}

static enum sc_code mend_row(struct work *w, struct row *row, struct sc_error *err)
{
    SC_AUTO_STORED stored = { 0 };
    struct sc_fsck_problem p = problem_of(w, SC_FSCK_SEGMENT);
    p.segment_id = row->segment_id;
    p.chunk = row->chunk;
    p.message = "the segment does not match its checksum";
    p.repairable = find_restored(w, row, &stored);
    if (p.repairable && w->f->o->repair) {
        enum sc_code code = sc_store_write(w->f->o->store, SC_DURABLE, write_row, &stored, err);
        if (code != SC_OK && code != SC_E_STORE_DAMAGED)
            return code;
        p.repaired = code == SC_OK;
        w->changed = w->changed || p.repaired;
    }
    w->hopeless = w->hopeless || !p.repaired;
    report(w, &p);
    return SC_OK;
}

/* Are versions missing that once were? Their rows went with them. */
static bool is_pruned(const struct work *w)
{
    const struct versions *v = &w->versions;
    return v->count > 0 && v->items[v->count - 1].version != (int64_t)v->count;
}

/* A row born in version 1 is the first of its segment; a later one names an earlier row, which may
 * have been pruned since, when there are versions no more. */
static bool knows_its_segment(const struct work *w, const struct row *row)
{
    if (row->segment_id == row->id)
        return true;
    if (row->born <= 1 || row->segment_id > row->id || row->segment_id <= 0)
        return false;
    if (is_pruned(w))
        return true;
    for (size_t i = 0; i < w->rows.count; i++) {
        if (w->rows.items[i].id == row->segment_id)
            return true;
    }
    return false;
}

static enum sc_code write_segment_id(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct row *row = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_SEGMENT_SET_ID);
    sc_stmt_bind_int(&st, ":id", row->id);
    return sc_stmt_run(&st, err);
}

static enum sc_code mend_segment_id(struct work *w, struct row *row, struct sc_error *err)
{
    struct sc_fsck_problem p = problem_of(w, SC_FSCK_SEGMENT);
    enum sc_code code = SC_OK;
    p.segment_id = row->id;
    p.message = "the segment has lost its number";
    p.repairable = row->born <= 1;
    if (p.repairable && w->f->o->repair)
        code = sc_store_write(w->f->o->store, SC_DURABLE, write_segment_id, row, err);
    p.repaired = p.repairable && w->f->o->repair && code == SC_OK;
    report(w, &p);
    return code;
}

static enum sc_code check_rows(struct work *w, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < w->rows.count; i++) {
        struct row *row = &w->rows.items[i];
        if (!row->sound)
            code = mend_row(w, row, err);
        if (code == SC_OK && !knows_its_segment(w, row))
            code = mend_segment_id(w, row, err);
    }
    /* A restored time may have moved its row. */
    return code == SC_OK && w->changed ? load(w, w->t.id - 1, err) : code;
}

/* ---- versions ---- */

/* What the rows say of a version. */
static struct version sum_version(const struct work *w, const struct version *stored)
{
    struct version sum = *stored;
    SC_AUTO(sc_sum_freep) struct sc_sum *rows = sc_sum_new(stored->sum.kind);
    sum.segments = sum.words = 0;
    for (size_t i = 0; i < w->rows.count; i++) {
        const struct row *row = &w->rows.items[i];
        if (row->born > stored->version || row->died <= stored->version)
            continue;
        sum.segments++;
        sum.words += row->words;
        sc_sum_segment(rows, sc_str_from(row->hash), row->start_ms);
    }
    sc_sum_hex(rows, sum.sum.hash);
    return sum;
}

static enum sc_code write_version(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct version *v = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_VERSION_RESTORE);
    sc_stmt_bind_int(&st, ":transcript_id", v->transcript);
    sc_stmt_bind_int(&st, ":version", v->version);
    sc_stmt_bind_int(&st, ":segments", v->segments);
    sc_stmt_bind_int(&st, ":words", v->words);
    sc_stmt_bind_text(&st, ":content_hash", v->sum.hash);
    return sc_stmt_run(&st, err);
}

/* A sum that is another in one sign only was damaged itself; a figure that is wrong while the sum
 * is right is put right by it. */
static enum sc_code check_version(struct work *w, const struct version *stored,
                                  struct sc_error *err)
{
    struct version sum = sum_version(w, stored);
    bool same = strcmp(sum.sum.hash, stored->sum.hash) == 0;
    if (same && sum.segments == stored->segments && sum.words == stored->words)
        return SC_OK;
    struct sc_fsck_problem p = problem_of(w, SC_FSCK_VERSION);
    enum sc_code code = SC_OK;
    p.version = stored->version;
    p.message = same ? "the version counts its segments or words wrongly"
                     : "the version does not match its checksum: a segment is missing or misplaced";
    p.repairable = same || sc_hash_is_near(sum.sum.hash, stored->sum.hash);
    if (!same && p.repairable)
        p.message = "the checksum of the version is damaged";
    if (p.repairable && w->f->o->repair)
        code = sc_store_write(w->f->o->store, SC_DURABLE, write_version, &sum, err);
    p.repaired = p.repairable && w->f->o->repair && code == SC_OK;
    w->hopeless = w->hopeless || !p.repairable;
    report(w, &p);
    return code;
}

/* ---- the transcript's row ---- */

static enum sc_code write_transcript(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct version *v = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_TRANSCRIPT_RESTORE);
    sc_stmt_bind_int(&st, ":id", v->transcript);
    sc_stmt_bind_int(&st, ":state", v->version > 0 ? 1 : 0);
    sc_stmt_bind_int(&st, ":version", v->version);
    sc_stmt_bind_int(&st, ":segments", v->segments);
    sc_stmt_bind_int(&st, ":words", v->words);
    return sc_stmt_run(&st, err);
}

static enum sc_code check_row(struct work *w, struct sc_error *err)
{
    const struct sc_transcript *t = &w->t;
    const struct versions *versions = &w->versions;
    struct version truth = { .transcript = t->id };
    enum sc_code code = SC_OK;
    for (size_t i = 0; i < versions->count; i++) {
        if (versions->items[i].current)
            truth = versions->items[i];
    }
    truth = sum_version(w, &truth);
    if (truth.version == 0) /* partial: its rows are born in version 1 */
        for (size_t i = 0; i < w->rows.count; i++) {
            truth.segments++;
            truth.words += w->rows.items[i].words;
        }
    bool complete = truth.version > 0;
    if (t->complete == complete && t->version == truth.version &&
        t->segment_count == truth.segments && t->word_count == truth.words)
        return SC_OK;
    struct sc_fsck_problem p = problem_of(w, SC_FSCK_TRANSCRIPT);
    p.message = complete ? "the transcript's row does not agree with its versions"
                         : "the partial transcript has lost a segment, or its current version";
    p.repairable = complete;
    if (p.repairable && w->f->o->repair)
        code = sc_store_write(w->f->o->store, SC_DURABLE, write_transcript, &truth, err);
    p.repaired = p.repairable && w->f->o->repair && code == SC_OK;
    report(w, &p);
    return code;
}

/* ---- all of it ---- */

static void work_done(struct work *w)
{
    free(w->rows.items);
    free(w->versions.items);
}

static enum sc_code check_sums(struct work *w, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < w->versions.count; i++)
        code = check_version(w, &w->versions.items[i], err);
    return code == SC_OK && !w->hopeless ? check_row(w, err) : code;
}

enum sc_code sc_fsck_transcript(struct sc_fsck *f, int64_t after, int64_t *id, struct sc_error *err)
{
    SC_AUTO(work_done) struct work w = { .f = f };
    enum sc_code code = load(&w, after, err);
    *id = w.t.id;
    if (code == SC_OK && w.t.id > 0)
        code = check_rows(&w, err);
    /* With rows that are not theirs the sums would only say the same again. */
    if (code == SC_OK && w.t.id > 0 && !w.hopeless)
        code = check_sums(&w, err);
    if (code != SC_E_STORE_DAMAGED || *id == 0)
        return code;
    /* Pages that cannot be read are a problem of this transcript, not the end of the check. */
    struct sc_fsck_problem p = problem_of(&w, SC_FSCK_TRANSCRIPT);
    p.message = "pages of the store that hold the transcript cannot be read";
    p.remedy = SC_FSCK_BACKUP;
    sc_fsck_report(f, &p);
    return SC_OK;
}
