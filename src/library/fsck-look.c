/* The first look at a transcript: is all of it as its checksums say? Most are, and what is wrong
 * with the others is found by fsck-transcript.c, which reads all of one. A transcript may have
 * thousands of versions, so it is looked at in slices of them: the rows that are born in these, and
 * those that were there before. */
#include "library/fsck-look.h"

#include "base/alloc.h"
#include "base/clock.h"

#include "base/banned.h"

/* The versions of (from, to]. */
struct look {
    struct sc_fsck_work w; /* of which rows and versions are those of the slice */
    int64_t from, to;
    bool sound;
};

static void look_done(struct look *l)
{
    sc_fsck_work_done(&l->w);
}

static void take_row(struct look *l, struct sc_stmt *st)
{
    const struct sc_fsck_row *row = sc_fsck_take_row(&l->w, st);
    l->sound = l->sound && row->sound && sc_stmt_int(st, "numbered") != 0;
}

/* What was there at `from`: its rows were looked at with the versions before. */
static enum sc_code read_there(struct look *l, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENTS_THERE);
    sc_stmt_bind_int(&st, ":transcript_id", l->w.t.id);
    sc_stmt_bind_int(&st, ":version", l->from);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        (void)sc_fsck_take_row(&l->w, &st);
    }
}

/* Ends behind a version, once it is time. */
static enum sc_code read_born(struct look *l, struct sc_conn *conn, int64_t until_ms,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENTS_BORN);
    sc_stmt_bind_int(&st, ":transcript_id", l->w.t.id);
    sc_stmt_bind_int(&st, ":from", l->from);
    l->to = INT64_MAX;
    for (int64_t last = l->from;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        int64_t born = sc_stmt_int(&st, "born");
        if (born != last && last > 0 && last != l->from && sc_clock_mono_ms() >= until_ms) {
            l->to = last;
            return SC_OK;
        }
        last = born;
        take_row(l, &st);
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct sc_fsck_row *x = a, *y = b;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    if (x->ord != y->ord)
        return x->ord < y->ord ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static enum sc_code read_rows(struct look *l, struct sc_conn *conn, int64_t until_ms,
                              struct sc_error *err)
{
    int64_t began_ms = sc_clock_mono_ms();
    enum sc_code code = l->from > 0 ? read_there(l, conn, err) : SC_OK;
    int64_t now_ms = sc_clock_mono_ms();
    /* Else a long transcript would be read once for each of its versions. */
    int64_t fair_ms = now_ms + (now_ms - began_ms);
    if (code == SC_OK)
        code = read_born(l, conn, SC_MAX(until_ms, fair_ms), err);
    if (code == SC_OK && l->w.rows.count > 0)
        qsort(l->w.rows.items, l->w.rows.count, sizeof(*l->w.rows.items), compare_rows);
    return code;
}

static void hold_against_sums(struct look *l)
{
    const struct sc_fsck_versions *versions = &l->w.versions;
    SC_AUTO_FREE struct sc_fsck_version *sums = sc_fsck_sums(&l->w.rows, versions);
    for (size_t i = 0; i < versions->count; i++) {
        const struct sc_fsck_version *v = &versions->items[i];
        l->sound = l->sound && sums[i].segments == v->segments &&
                   sc_fsck_counts(&l->w.state, v->words, sums[i].words) &&
                   strcmp(sums[i].sum.hash, v->sum.hash) == 0;
    }
}

static bool is_partial(const struct look *l)
{
    const struct sc_transcript *t = &l->w.t;
    int64_t words = 0;
    for (size_t i = 0; i < l->w.rows.count; i++)
        words += l->w.rows.items[i].words;
    return !t->complete && t->version == 0 && l->from <= 0 && l->w.versions.count == 0 &&
           t->segment_count == (int64_t)l->w.rows.count &&
           sc_fsck_counts(&l->w.state, t->word_count, words);
}

/* The row of the transcript against that of its current version, which was looked at. */
static enum sc_code check_row(struct look *l, struct sc_conn *conn, struct sc_error *err)
{
    if (is_partial(l))
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_AGREES);
    sc_stmt_bind_int(&st, ":id", l->w.t.id);
    sc_stmt_bind_int(&st, ":uncounted", l->w.state.uncounted);
    enum sc_code code = sc_stmt_one(&st, err);
    l->sound = l->sound && code == SC_OK;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

static enum sc_code look_from(struct look *l, struct sc_conn *conn,
                              const struct sc_fsck_place *from, int64_t until_ms,
                              struct sc_error *err)
{
    int64_t after = from->within > 0 ? from->after - 1 : from->after;
    enum sc_code code = sc_transcript_next(conn, after, &l->w.t, err);
    if (code != SC_OK)
        return code;
    /* It may be another by now. */
    l->from = from->within > 0 && l->w.t.id == from->after ? from->within : INT64_MIN;
    code = sc_transcript_read_state(conn, l->w.t.id, &l->w.state, err);
    if (code == SC_OK)
        code = read_rows(l, conn, until_ms, err);
    if (code == SC_OK)
        code = sc_fsck_read_versions(&l->w, conn, l->from, l->to, err);
    if (code != SC_OK)
        return code;
    hold_against_sums(l);
    return l->to == INT64_MAX ? check_row(l, conn, err) : SC_OK;
}

enum sc_code sc_fsck_look(struct sc_fsck *f, const struct sc_fsck_place *from, int64_t until_ms,
                          struct sc_fsck_seen *out, struct sc_error *err)
{
    SC_AUTO(look_done) struct look l = { .w.f = f, .sound = true };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(f->o->store, &conn, err);
    if (code == SC_OK)
        code = look_from(&l, conn, from, until_ms, err);
    *out = (struct sc_fsck_seen){ .id = l.w.t.id,
                                  .within = l.to == INT64_MAX ? 0 : l.to,
                                  .damaged = !l.sound };
    if (code == SC_E_STORE_DAMAGED && l.w.t.id > 0) {
        out->damaged = true; /* pages that cannot be read */
        return SC_OK;
    }
    return code == SC_E_TRANSCRIPT_NOT_FOUND ? SC_OK : code;
}
