/* One transcript: each row against its checksum, each version against the sum of its rows, and the
 * figures that the rows of versions and transcripts repeat.
 *
 * It is looked at first (fsck-look.c), while others edit it. Only where that finds something that
 * is to be restored, edits are kept waiting, and all of it is read. Those that are on their way
 * then still come in between: what is written was decided on by a state of the transcript, and when
 * that has passed the transcript is read and decided on once more. */
#include "library/edit-internal.h"
#include "library/fsck-ledger.h"
#include "library/fsck-look.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define OTHERS_MAX 16  /* rows of a segment that are looked at */
#define WORDS_TOLD 120 /* bytes of what a damaged row says */
#define STALE_TRIES 32 /* in each of which an edit that was on its way has come in between */
#define HOLD_TRIES 3   /* each of which waits for whoever saves the transcript */

void sc_fsck_work_done(struct sc_fsck_work *w)
{
    free(w->rows.items);
    free(w->versions.items);
    free(w->sums);
    free(w->told);
    sc_fsck_sources_done(&w->exports);
}

struct sc_fsck_problem sc_fsck_problem_of(const struct sc_fsck_work *w, enum sc_fsck_kind kind)
{
    struct sc_fsck_problem p = {
        .kind = kind, .transcript_id = w->t.id, .file_id = w->t.file_id, .chunk = -1
    };
    (void)snprintf(p.job_id, sizeof(p.job_id), "%s", w->t.job_id);
    return p;
}

void sc_fsck_tell_words(const struct sc_fsck_work *w, struct sc_fsck_problem *p, int64_t start_ms,
                        int64_t end_ms, struct sc_str words, struct sc_buf *out)
{
    const struct sc_fsck_options *o = w->f->o;
    p->placed = true;
    p->start_ms = start_ms;
    p->end_ms = end_ms;
    if (o->reader != 0 && o->reader != w->t.owner_id)
        return; /* whoever looks after the server need not read what others said */
    sc_utf8_append_lossy(out, (struct sc_str){ words.ptr, SC_MIN(words.len, WORDS_TOLD) });
    if (words.len > WORDS_TOLD) {
        out->len = sc_utf8_valid_prefix((struct sc_str){ out->ptr, SC_MIN(out->len, WORDS_TOLD) });
        sc_buf_puts(out, "…");
    }
    p->words = sc_buf_text(out);
}

void sc_fsck_report_or(struct sc_fsck_work *w, struct sc_fsck_problem *p, const char *remedy)
{
    p->remedy = p->accepted     ? SC_FSCK_ACCEPTED
                : p->repaired   ? "restored"
                : p->repairable ? w->busy ? SC_FSCK_BUSY : SC_FSCK_RESTORE
                                : remedy;
    sc_fsck_ledger_add(w->found, p);
}

void sc_fsck_report_of(struct sc_fsck_work *w, struct sc_fsck_problem *p)
{
    sc_fsck_report_or(w, p, SC_FSCK_LOST);
}

const struct sc_fsck_sources *sc_fsck_exports(struct sc_fsck_work *w)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (!w->exports_read && sc_store_read(w->f->o->store, &conn, NULL) == SC_OK)
        sc_fsck_read_exports(conn, w->f->o->root, w->t.id, &w->exports);
    w->exports_read = true;
    return &w->exports;
}

enum sc_code sc_fsck_record(struct sc_conn *tx, const struct sc_fsck_work *w,
                            enum sc_change_kind kind, int version, int64_t segments,
                            struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json json;
    sc_json_begin(&json, &detail);
    sc_json_object(&json, NULL);
    sc_json_int(&json, "segments", segments);
    sc_json_end(&json);
    const struct sc_change change = {
        .kind = kind,
        .owner_id = w->t.owner_id,
        .by = sc_fsck_by(w->f),
        .at_ms = sc_clock_wall_ms(),
        .transcript_id = w->t.id,
        .version = version,
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

/* ---- writing beside others ---- */

bool sc_fsck_counts(const struct sc_transcript_state *state, int64_t words, int64_t right)
{
    return state->uncounted || words == right;
}

static enum sc_code conflict(struct sc_error *err)
{
    return sc_error_set(err, SC_E_CONFLICT, "the transcript was changed while it was checked");
}

struct decided {
    const struct sc_fsck_work *w;
    sc_write_fn fn;
    void *ctx;
    struct sc_transcript_state behind;
};

static enum sc_code write_decided(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct decided *d = ctx;
    struct sc_transcript_state now;
    enum sc_code code = sc_transcript_read_state(tx, d->w->t.id, &now, err);
    if (code == SC_E_NOT_FOUND)
        return conflict(err);
    if (code != SC_OK)
        return code;
    if (!sc_transcript_same_state(&now, &d->w->state))
        return conflict(err);
    code = d->fn(tx, d->ctx, err);
    return code == SC_OK ? sc_transcript_read_state(tx, d->w->t.id, &d->behind, err) : code;
}

enum sc_code sc_fsck_write(struct sc_fsck_work *w, sc_write_fn fn, void *ctx, struct sc_error *err)
{
    struct decided d = { .w = w, .fn = fn, .ctx = ctx };
    enum sc_code code = sc_store_write(w->f->o->store, SC_DURABLE, write_decided, &d, err);
    if (code == SC_OK)
        w->state = d.behind;
    return code;
}

enum sc_code sc_fsck_changed_one(struct sc_conn *tx, struct sc_error *err)
{
    return sc_conn_changes(tx) == 1 ? SC_OK : conflict(err);
}

bool sc_fsck_wrote(struct sc_fsck_work *w, enum sc_code *code)
{
    if (*code == SC_E_CONFLICT) {
        w->stale = true;
        *code = SC_OK;
        return false;
    }
    return *code == SC_OK;
}

/* ---- rows ---- */

static struct sc_fsck_row *add_row(struct sc_fsck_rows *r)
{
    void *items = r->items;
    sc_grow(&items, &r->cap, r->count + 1, sizeof(*r->items));
    r->items = items;
    return &r->items[r->count++];
}

void sc_fsck_suppose_row(struct sc_fsck_work *w, const struct sc_fsck_row *row)
{
    sc_fsck_forget_sums(w);
    (void)add_row(&w->rows);
    struct sc_fsck_row *items = w->rows.items;
    size_t at = w->rows.count - 1;
    while (at > 0 && (items[at - 1].start_ms > row->start_ms ||
                      (items[at - 1].start_ms == row->start_ms && items[at - 1].ord > row->ord))) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = *row;
}

const struct sc_fsck_row *sc_fsck_take_row(struct sc_fsck_work *w, struct sc_stmt *st)
{
    SC_AUTO(sc_segment_done) struct sc_segment segment = { 0 };
    struct sc_error why = { 0 };
    struct sc_fsck_row *row = add_row(&w->rows);
    *row = (struct sc_fsck_row){
        .id = sc_stmt_int(st, "id"),
        .segment_id = sc_stmt_int(st, "segment_id"),
        .born = sc_stmt_int(st, "born"),
        .died = sc_stmt_int_or(st, "died", INT64_MAX),
        .start_ms = sc_stmt_int(st, "start_ms"),
        .end_ms = sc_stmt_int(st, "end_ms"),
        .ord = sc_stmt_int(st, "ord"),
        .chunk = (int)sc_stmt_int(st, "chunk"),
        .sound = sc_segment_from_row(st, &segment, &why),
    };
    row->words = sc_segment_says(&segment);
    (void)snprintf(row->hash, sizeof(row->hash), "%s", sc_stmt_text(st, "content_hash"));
    return row;
}

static enum sc_code read_rows(struct sc_fsck_work *w, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENTS);
    sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
    w->rows.count = 0;
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        (void)sc_fsck_take_row(w, &st);
    }
}

static struct sc_fsck_version *add_version(struct sc_fsck_versions *v)
{
    void *items = v->items;
    sc_grow(&items, &v->cap, v->count + 1, sizeof(*v->items));
    v->items = items;
    return &v->items[v->count++];
}

enum sc_code sc_fsck_read_versions(struct sc_fsck_work *w, struct sc_conn *conn, int64_t from,
                                   int64_t to, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_VERSIONS);
    sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
    sc_stmt_bind_int(&st, ":from", from);
    sc_stmt_bind_int(&st, ":to", to);
    w->versions.count = 0;
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_fsck_version *v = add_version(&w->versions);
        *v = (struct sc_fsck_version){
            .transcript = w->t.id,
            .version = (int)sc_stmt_int(&st, "version"),
            .current = sc_stmt_int(&st, "is_current") != 0,
            .segments = sc_stmt_int(&st, "segment_count"),
            .words = sc_stmt_int(&st, "word_count"),
        };
        sc_sum_from_row(&st, &v->sum);
    }
}

enum sc_code sc_fsck_load_from(struct sc_fsck_work *w, struct sc_conn *conn, int64_t after,
                               struct sc_error *err)
{
    w->t = (struct sc_transcript){ 0 };
    sc_fsck_forget_sums(w);
    enum sc_code code = sc_transcript_next(conn, after, &w->t, err);
    if (code == SC_E_TRANSCRIPT_NOT_FOUND)
        return SC_OK;
    if (code == SC_OK)
        code = sc_transcript_read_state(conn, w->t.id, &w->state, err);
    if (code == SC_OK)
        code = read_rows(w, conn, err);
    return code == SC_OK ? sc_fsck_read_versions(w, conn, INT64_MIN, INT64_MAX, err) : code;
}

enum sc_code sc_fsck_load(struct sc_fsck_work *w, int64_t after, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(w->f->o->store, &conn, err);
    return code == SC_OK ? sc_fsck_load_from(w, conn, after, err) : code;
}

/* What was found of a transcript that is another by now is found again, where it still is so. */
static void forget_found(struct sc_fsck_work *w)
{
    sc_fsck_ledger_forget(w->found);
    w->told_count = 0;
    w->given_up = 0;
    w->hopeless = w->no_current = false;
}

enum sc_code sc_fsck_reload(struct sc_fsck_work *w, struct sc_error *err)
{
    int64_t id = w->t.id;
    bool stale = w->stale;
    w->changed = w->stale = false;
    enum sc_code code = sc_fsck_load(w, id - 1, err);
    w->gone = code == SC_OK && w->t.id != id;
    if (w->gone)
        w->rows.count = w->versions.count = 0;
    if (stale || w->gone)
        forget_found(w);
    return code;
}

/* ---- restoring rows ---- */

struct restored {
    const struct sc_fsck_work *w;
    struct sc_stored row;
};

static void restored_done(struct restored *r)
{
    sc_stored_done(&r->row);
}

static enum sc_code write_row(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct restored *r = ctx;
    const struct sc_segment *s = &r->row.s;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_SEGMENT_RESTORE);
    sc_stmt_bind_int(&st, ":id", s->row);
    sc_stmt_bind_int(&st, ":transcript_id", r->row.transcript);
    sc_segment_bind(&st, s, sc_buf_str(&r->row.words), sc_buf_str(&r->row.heard));
    sc_stmt_bind_text(&st, ":content_hash", r->row.hash);
    sc_stmt_bind_str(&st, ":was", sc_buf_str(&r->row.was));
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? sc_fsck_record(tx, r->w, SC_CHANGE_REPAIRED, 0, 1, err) : code;
}

/* The lines of the chunk's text. */
static void read_chunk(struct sc_conn *conn, const struct sc_fsck_work *w, int chunk,
                       struct sc_fsck_sources *out)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_CHUNK_TEXT);
    sc_stmt_bind_int(&st, ":job", w->t.job);
    sc_stmt_bind_int(&st, ":chunk", chunk);
    struct sc_fsck_source *source = sc_fsck_sources_add(out);
    if (source == NULL || sc_stmt_one(&st, NULL) != SC_OK)
        return;
    (void)snprintf(source->name, sizeof(source->name), "the text of chunk %d", chunk);
    struct sc_str text = sc_stmt_str(&st, "text");
    while (text.len > 0) {
        struct sc_str line = sc_str_take_until(&text, '\n');
        struct sc_segment *to = sc_segments_add(&source->list);
        if (to == NULL)
            return;
        to->text = sc_strndup(line.ptr, line.len);
    }
}

/* Rows of the same segment in other versions, and rows that say the same. */
static void read_others(struct sc_conn *conn, const struct sc_fsck_work *w,
                        const struct sc_stored *row, struct sc_fsck_sources *out)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENT_OTHERS);
    sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
    sc_stmt_bind_int(&st, ":id", row->s.row);
    sc_stmt_bind_int(&st, ":segment_id", row->s.id);
    sc_stmt_bind_text(&st, ":content_hash", row->hash);
    sc_stmt_bind_int(&st, ":limit", OTHERS_MAX);
    for (;;) {
        bool more = false;
        struct sc_error why = { 0 };
        if (sc_stmt_step(&st, &more, NULL) != SC_OK || !more)
            return;
        struct sc_fsck_source *source = sc_fsck_sources_add(out);
        struct sc_segment *to = source == NULL ? NULL : sc_segments_add(&source->list);
        if (to == NULL)
            return;
        (void)sc_segment_from_row(&st, to, &why); /* one that is damaged gives what it has */
        source->has = SC_FSCK_ALL;
        (void)snprintf(source->name, sizeof(source->name), "the segment in version %d",
                       (int)sc_stmt_int(&st, "born"));
    }
}

static bool find_restored(struct sc_fsck_work *w, const struct sc_fsck_row *row,
                          struct sc_stored *out, char from[SC_FSCK_NAME])
{
    SC_AUTO(sc_fsck_sources_done) struct sc_fsck_sources near = { .count = 0 };
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        if (sc_store_read(w->f->o->store, &conn, NULL) != SC_OK)
            return false;
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENT);
        sc_stmt_bind_int(&st, ":id", row->id);
        sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
        enum sc_code code = sc_stmt_one(&st, NULL);
        w->stale = w->stale || code == SC_E_NOT_FOUND; /* pruned since it was read */
        if (code != SC_OK)
            return false;
        sc_stored_from_row(&st, out);
        out->transcript = w->t.id;
        read_others(conn, w, out, &near);
        read_chunk(conn, w, row->chunk, &near);
    }
    const struct sc_fsck_sources *const sources[] = { &near, sc_fsck_exports(w), NULL };
    return sc_stored_restore(out, sources, from);
}

/* Rows that stay as they are, are told once, however often the transcript is read. */
static bool was_told(const struct sc_fsck_work *w, int64_t row)
{
    for (size_t i = 0; i < w->told_count; i++) {
        if (w->told[i] == row)
            return true;
    }
    return false;
}

static void note_told(struct sc_fsck_work *w, int64_t row)
{
    void *told = w->told;
    sc_grow(&told, &w->told_cap, w->told_count + 1, sizeof(*w->told));
    w->told = told;
    w->told[w->told_count++] = row;
}

static enum sc_code mend_row(struct sc_fsck_work *w, struct sc_fsck_row *row, struct sc_error *err)
{
    SC_AUTO(restored_done) struct restored r = { .w = w };
    SC_AUTO_BUF words = { 0 };
    char from[SC_FSCK_NAME];
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_SEGMENT);
    p.segment_id = row->segment_id;
    p.version = (int)row->born;
    p.chunk = row->chunk;
    p.message = "the segment does not match its checksum";
    p.repairable = find_restored(w, row, &r.row, from);
    if (w->stale)
        return SC_OK;
    p.source = p.repairable ? from : NULL;
    sc_fsck_tell_words(w, &p, row->start_ms, row->end_ms, sc_buf_str(&r.row.text), &words);
    if (p.repairable && w->f->o->repair) {
        /* Whatever else was done to the transcript: rows keep what they say. */
        enum sc_code code = sc_store_write(w->f->o->store, SC_DURABLE, write_row, &r, err);
        p.repaired = sc_fsck_wrote(w, &code);
        if (w->stale || (code != SC_OK && code != SC_E_STORE_DAMAGED))
            return code;
        w->changed = w->changed || p.repaired;
    }
    row->sound = p.repaired;
    w->hopeless = w->hopeless || !p.repaired;
    if (!p.repaired)
        note_told(w, row->id);
    sc_fsck_report_of(w, &p);
    return SC_OK;
}

/* Are versions missing that once were? Their rows went with them. */
static bool is_pruned(const struct sc_fsck_work *w)
{
    const struct sc_fsck_versions *v = &w->versions;
    return v->count > 0 && v->items[v->count - 1].version != (int64_t)v->count;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Of all rows, in order. */
static int64_t *sorted_ids(const struct sc_fsck_work *w)
{
    int64_t *ids = sc_alloc((w->rows.count + 1) * sizeof(*ids));
    for (size_t i = 0; i < w->rows.count; i++)
        ids[i] = w->rows.items[i].id;
    qsort(ids, w->rows.count, sizeof(*ids), compare_ids);
    return ids;
}

/* A row born in version 1 is the first of its segment; a later one names an earlier row, which may
 * have been pruned since, when there are versions no more. */
static bool knows_its_segment(const struct sc_fsck_work *w, const struct sc_fsck_row *row,
                              const int64_t *ids)
{
    if (row->segment_id == row->id)
        return true;
    if (row->born <= 1 || row->segment_id > row->id || row->segment_id <= 0)
        return false;
    return is_pruned(w) ||
           bsearch(&row->segment_id, ids, w->rows.count, sizeof(*ids), compare_ids) != NULL;
}

struct numbering {
    const struct sc_fsck_work *w;
    int64_t row, was;
};

static enum sc_code write_segment_id(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct numbering *n = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_SEGMENT_SET_ID);
    sc_stmt_bind_int(&st, ":id", n->row);
    sc_stmt_bind_int(&st, ":transcript_id", n->w->t.id);
    sc_stmt_bind_int(&st, ":was", n->was);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? sc_fsck_record(tx, n->w, SC_CHANGE_REPAIRED, 0, 1, err) : code;
}

static enum sc_code mend_segment_id(struct sc_fsck_work *w, struct sc_fsck_row *row,
                                    struct sc_error *err)
{
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_SEGMENT);
    struct numbering n = { w, row->id, row->segment_id };
    enum sc_code code = SC_OK;
    bool written = false;
    p.segment_id = row->id;
    p.message = "the segment has lost its number";
    /* A row of a later version is a segment of its own from then on. */
    bool accepted = row->born > 1 && w->f->o->accept;
    p.repairable = row->born <= 1;
    p.source = p.repairable ? "the row, which is the first of its segment" : NULL;
    if (w->f->o->repair && (p.repairable || accepted)) {
        code = sc_fsck_write(w, write_segment_id, &n, err);
        written = sc_fsck_wrote(w, &code);
        if (!written)
            return code;
    }
    p.accepted = accepted && written;
    p.repaired = p.repairable && written;
    if (!written)
        note_told(w, row->id);
    sc_fsck_report_of(w, &p);
    return code;
}

static enum sc_code check_rows(struct sc_fsck_work *w, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && !w->stale && i < w->rows.count; i++) {
        struct sc_fsck_row *row = &w->rows.items[i];
        if (!row->sound && !was_told(w, row->id))
            code = mend_row(w, row, err);
    }
    /* A restored time may have moved its row. */
    return code == SC_OK && w->changed && !w->stale ? sc_fsck_reload(w, err) : code;
}

/* Once the rows are there that others name. */
static enum sc_code check_numbers(struct sc_fsck_work *w, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    SC_AUTO_FREE int64_t *ids = sorted_ids(w);
    for (size_t i = 0; code == SC_OK && !w->stale && i < w->rows.count; i++) {
        struct sc_fsck_row *row = &w->rows.items[i];
        if (!knows_its_segment(w, row, ids) && !was_told(w, row->id))
            code = mend_segment_id(w, row, err);
    }
    return code;
}

struct sc_fsck_version sc_fsck_sum(const struct sc_fsck_rows *rows,
                                   const struct sc_fsck_version *stored)
{
    struct sc_fsck_version sum = *stored;
    SC_AUTO(sc_sum_freep) struct sc_sum *segments = sc_sum_new(stored->sum.kind);
    sum.segments = sum.words = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct sc_fsck_row *row = &rows->items[i];
        if (row->born > stored->version || row->died <= stored->version)
            continue;
        sum.segments++;
        sum.words += row->words;
        sc_sum_segment(segments, sc_str_from(row->hash), row->start_ms);
    }
    sc_sum_hex(segments, sum.sum.hash);
    return sum;
}

struct sc_fsck_version sc_fsck_sum_of(const struct sc_fsck_work *w,
                                      const struct sc_fsck_version *stored)
{
    return w->sums != NULL ? w->sums[stored - w->versions.items] : sc_fsck_sum(&w->rows, stored);
}

void sc_fsck_reckon(struct sc_fsck_work *w)
{
    if (w->sums == NULL)
        w->sums = sc_fsck_sums(&w->rows, &w->versions);
}

void sc_fsck_forget_sums(struct sc_fsck_work *w)
{
    free(w->sums);
    w->sums = NULL;
}

/* ---- the transcript's row ---- */

struct truth {
    const struct sc_fsck_work *w;
    struct sc_fsck_version of;
};

static enum sc_code write_transcript(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct truth *truth = ctx;
    const struct sc_fsck_version *v = &truth->of;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_TRANSCRIPT_RESTORE);
    sc_stmt_bind_int(&st, ":id", v->transcript);
    sc_stmt_bind_int(&st, ":state", v->version > 0 ? 1 : 0);
    sc_stmt_bind_int(&st, ":version", v->version);
    sc_stmt_bind_int(&st, ":segments", v->segments);
    sc_stmt_bind_int(&st, ":words", v->words);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? sc_fsck_record(tx, truth->w, SC_CHANGE_REPAIRED, v->version, 0, err)
                         : code;
}

/* What its versions say; of a partial one, whose rows are born in version 1, its rows. */
static struct sc_fsck_version find_truth(const struct sc_fsck_work *w)
{
    struct sc_fsck_version truth = { .transcript = w->t.id };
    for (size_t i = 0; i < w->versions.count; i++) {
        if (w->versions.items[i].current)
            return sc_fsck_sum(&w->rows, &w->versions.items[i]);
    }
    truth.segments = (int64_t)w->rows.count;
    for (size_t i = 0; i < w->rows.count; i++)
        truth.words += w->rows.items[i].words;
    return truth;
}

static enum sc_code check_row(struct sc_fsck_work *w, struct sc_error *err)
{
    const struct sc_transcript *t = &w->t;
    struct truth truth = { w, find_truth(w) };
    enum sc_code code = SC_OK;
    bool complete = truth.of.version > 0;
    if (t->complete == complete && t->version == truth.of.version &&
        t->segment_count == truth.of.segments &&
        sc_fsck_counts(&w->state, t->word_count, truth.of.words))
        return SC_OK;
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_TRANSCRIPT);
    p.message = complete ? "the transcript's row does not agree with its versions"
                         : "the partial transcript has lost a segment";
    p.repairable = complete;
    p.source = complete ? "its versions" : NULL;
    if (p.repairable && w->f->o->repair) {
        code = sc_fsck_write(w, write_transcript, &truth, err);
        p.repaired = sc_fsck_wrote(w, &code);
        if (!p.repaired)
            return code;
    }
    w->hopeless = w->hopeless || (!p.repaired && !t->complete);
    sc_fsck_report_of(w, &p);
    return code;
}

/* ---- again until it holds ---- */

/* Of what was read; w->stale: that has passed. */
static enum sc_code check_once(struct sc_fsck_work *w, struct sc_error *err)
{
    enum sc_code code = check_rows(w, err);
    /* A dry run would only say the same again of rows that can be restored. */
    if (code == SC_OK && !w->stale && (!w->hopeless || w->f->o->repair))
        code = sc_fsck_check_versions(w, err);
    if (code == SC_OK && !w->stale)
        code = check_numbers(w, err);
    if (code == SC_OK && !w->stale && !w->gone)
        code = sc_fsck_check_current(w, err);
    if (code == SC_OK && !w->stale && !w->hopeless && !w->no_current && !w->gone)
        code = check_row(w, err);
    return code == SC_OK && !w->stale && !w->gone && w->hopeless && w->f->o->accept
               ? sc_fsck_accept(w, err)
               : code;
}

static enum sc_code check_all(struct sc_fsck_work *w, struct sc_error *err)
{
    for (int tries = 1;; tries++) {
        enum sc_code code = check_once(w, err);
        if (code != SC_OK || !w->stale)
            return code;
        if (tries == STALE_TRIES)
            return conflict(err);
        code = sc_fsck_reload(w, err);
        if (code != SC_OK || w->gone)
            return code;
    }
}

/* ---- all of it ---- */

/* Pages that cannot be read are a problem of this transcript, not the end of the check. */
static enum sc_code check_loaded(struct sc_fsck_work *w, enum sc_code loaded, struct sc_error *err)
{
    enum sc_code code = loaded == SC_OK ? check_all(w, err) : loaded;
    if (code != SC_E_STORE_DAMAGED)
        return code;
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_TRANSCRIPT);
    p.message = "pages of the store that hold the transcript cannot be read";
    p.remedy = SC_FSCK_BACKUP;
    sc_fsck_ledger_add(w->found, &p);
    return SC_OK;
}

/* One that is gone by now is as sound as can be. */
static enum sc_code look(struct sc_fsck *f, struct sc_fsck_ledger *found, int64_t id, bool busy,
                         struct sc_error *err)
{
    SC_AUTO(sc_fsck_work_done) struct sc_fsck_work w = { .f = f, .found = found, .busy = busy };
    enum sc_code code = sc_fsck_load(&w, id - 1, err);
    return w.t.id == id ? check_loaded(&w, code, err) : code;
}

/* By whoever others wait for. */
struct held {
    struct sc_fsck *f;
    struct sc_fsck_ledger *found;
    int64_t transcript;
};

static enum sc_code mend_held(void *ctx, struct sc_error *err)
{
    const struct held *h = ctx;
    SC_AUTO(sc_fsck_work_done) struct sc_fsck_work w = { .f = h->f, .found = h->found };
    enum sc_code code = sc_fsck_load(&w, h->transcript - 1, err);
    return w.t.id == h->transcript ? check_loaded(&w, code, err) : code;
}

/* Others wait for it meanwhile; where they do not let it, it is only told what is wrong. */
static enum sc_code mend(struct sc_fsck *f, struct sc_fsck_ledger *found, int64_t id,
                         struct sc_error *err)
{
    struct sc_fsck_options dry = *f->o;
    dry.repair = dry.accept = false;
    struct sc_fsck last = { .o = &dry, .fn = f->fn, .ctx = f->ctx };
    struct held held = { f, found, id };
    enum sc_code code = SC_E_TRANSCRIPT_BUSY;
    for (int tries = 0; code == SC_E_TRANSCRIPT_BUSY && tries < HOLD_TRIES; tries++)
        code = sc_edit_settled(f->o->store, id, mend_held, &held, err);
    bool busy = code == SC_E_TRANSCRIPT_BUSY || code == SC_E_CONFLICT;
    if (!busy && code != SC_E_STORE_DAMAGED)
        return code;
    sc_fsck_ledger_forget(found);
    return look(&last, found, id, busy, err);
}

enum sc_code sc_fsck_transcript(struct sc_fsck *f, struct sc_fsck_place *at, int64_t until_ms,
                                bool *found, struct sc_error *err)
{
    SC_AUTO_LEDGER ledger = { .count = 0 };
    struct sc_fsck_seen seen;
    enum sc_code code = sc_fsck_look(f, at, until_ms, &seen, err);
    if (code == SC_OK && seen.damaged) {
        seen.within = 0;
        code =
            f->o->repair ? mend(f, &ledger, seen.id, err) : look(f, &ledger, seen.id, false, err);
    }
    if (code != SC_OK)
        sc_fsck_ledger_forget(&ledger);
    sc_fsck_ledger_tell(&ledger, f);
    *found = seen.id > 0;
    if (code == SC_OK && *found) {
        at->after = seen.id;
        at->within = seen.within;
    }
    return code;
}
