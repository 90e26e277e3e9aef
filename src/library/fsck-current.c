/* Which version is the current one: a mark in the versions, and a number in the transcript's row.
 * What remains of the two says what the other was. When the row of the version is gone, nothing
 * that remains has its checksum: it is made again of its segments, if that is asked for. */
#include "library/fsck-internal.h"

#include "base/banned.h"

#define MADE_NOTE "made again of its segments by scripta fsck --accept"
#define VERSION_MAX 1000000000 /* a number beyond is damage, and edits go on counting */

struct current {
    const struct sc_fsck_work *w;
    struct sc_fsck_version of;
    bool made; /* it has no row */
    enum sc_change_kind kind;
};

static enum sc_code mark(struct sc_conn *tx, const struct current *c, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_VERSION_MARK);
    sc_stmt_bind_int(&st, ":transcript_id", c->of.transcript);
    sc_stmt_bind_int(&st, ":version", c->of.version);
    return sc_stmt_run(&st, err);
}

static enum sc_code make(struct sc_conn *tx, const struct current *c, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_VERSION_INSERT);
    sc_stmt_bind_int(&st, ":transcript_id", c->of.transcript);
    sc_stmt_bind_int(&st, ":version", c->of.version);
    sc_stmt_bind_int(&st, ":segments", c->of.segments);
    sc_stmt_bind_int(&st, ":words", c->of.words);
    sc_stmt_bind_text(&st, ":note", MADE_NOTE);
    sc_stmt_bind_text(&st, ":content_hash", c->of.sum.hash);
    sc_stmt_bind_int(&st, ":content_hash_kind", c->of.sum.kind);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_current(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct current *c = ctx;
    enum sc_code code = c->made ? make(tx, c, err) : mark(tx, c, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? sc_fsck_record(tx, c->w, c->kind, c->of.version, 0, err) : code;
}

static struct sc_fsck_version *marked(const struct sc_fsck_work *w)
{
    for (size_t i = 0; i < w->versions.count; i++) {
        if (w->versions.items[i].current)
            return &w->versions.items[i];
    }
    return NULL;
}

/* The newest that its segments know of; 0: none. */
static int64_t newest_of_rows(const struct sc_fsck_work *w)
{
    int64_t newest = 0;
    for (size_t i = 0; i < w->rows.count; i++) {
        const struct sc_fsck_row *row = &w->rows.items[i];
        newest = SC_MAX(newest, SC_MAX(row->born, row->died == INT64_MAX ? 0 : row->died));
    }
    return SC_MIN(newest, VERSION_MAX);
}

/* The newest that is known of: its row, or what its segments say. The number of the transcript's
 * row is that of one that was lost when nothing else is newer, and no more than one has gone. */
static struct current find_current(const struct sc_fsck_work *w)
{
    struct current c = { .w = w };
    if (w->versions.count > 0)
        c.of = w->versions.items[w->versions.count - 1];
    int64_t rows = newest_of_rows(w);
    bool told = w->t.version <= SC_MAX(rows, (int64_t)c.of.version + 1);
    int version = told ? w->t.version : (int)rows;
    c.made = w->versions.count == 0 || version > c.of.version;
    if (!c.made)
        return c;
    c.of = (struct sc_fsck_version){ .transcript = w->t.id,
                                     .version = SC_MAX(version, 1),
                                     .sum.kind = SC_SUM_ADDED };
    c.of = sc_fsck_sum(&w->rows, &c.of);
    return c;
}

static enum sc_code restore(struct sc_fsck_work *w, struct current *c, struct sc_fsck_problem *p,
                            struct sc_error *err)
{
    enum sc_code code = sc_fsck_write(w, write_current, c, err);
    if (!sc_fsck_wrote(w, &code))
        return code;
    p->repaired = p->repairable;
    p->accepted = !p->repairable;
    return sc_fsck_reload(w, err);
}

enum sc_code sc_fsck_check_current(struct sc_fsck_work *w, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    bool partial = !w->t.complete && w->versions.count == 0;
    if (w->no_current || partial || marked(w) != NULL)
        return SC_OK;
    struct current c = find_current(w);
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_TRANSCRIPT);
    p.version = c.of.version;
    p.message = c.made ? "the complete transcript has lost its current version"
                       : "the complete transcript has lost the mark of its current version";
    p.repairable = !c.made && w->t.complete && w->t.version == c.of.version;
    p.source = p.repairable ? "the transcript's row" : NULL;
    c.kind = p.repairable ? SC_CHANGE_REPAIRED : SC_CHANGE_DAMAGE_ACCEPTED;
    if (w->f->o->repair && (p.repairable || w->f->o->accept)) {
        code = restore(w, &c, &p, err);
        if (code != SC_OK || w->stale)
            return code;
    }
    w->no_current = !p.repaired && !p.accepted;
    sc_fsck_report_or(w, &p, c.made ? SC_FSCK_MAKES : SC_FSCK_MARKS);
    return SC_OK;
}
