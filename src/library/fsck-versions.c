/* Versions against the sums of their rows. A sum that does not fit says that a row is missing, or
 * stands in versions that are not its own. What is right is known from elsewhere: a version that is
 * equal to it (an undo, a rollback), an export of it, or the versions around it. Only what makes
 * the sums fit again is done. */
#include "library/fsck-internal.h"

#include "base/alloc.h"

#include <inttypes.h>

#include "base/banned.h"

#define SPANS_TRIED 2000 /* rows whose versions are tried, at most */

/* The segments of a version as they were. A row has its number; what comes from a source its place
 * there. */
struct known {
    int64_t row; /* 0: of the source */
    size_t at;
    int64_t start_ms, end_ms;
    char hash[SC_SHA256_TEXT];
};
struct knowns {
    struct known *items; /* owned */
    size_t count, cap;
    const struct sc_fsck_source *source; /* NULL: rows */
    char name[SC_FSCK_NAME];
};

static void knowns_done(struct knowns *k)
{
    free(k->items);
    *k = (struct knowns){ .items = NULL };
}

static struct known *add_known(struct knowns *k)
{
    void *items = k->items;
    sc_grow(&items, &k->cap, k->count + 1, sizeof(*k->items));
    k->items = items;
    k->items[k->count] = (struct known){ .row = 0 };
    return &k->items[k->count++];
}

static bool is_in(const struct sc_fsck_row *row, int version)
{
    return row->born <= version && row->died > version;
}

bool sc_fsck_is_right(const struct sc_fsck_work *w, const struct sc_fsck_version *v)
{
    struct sc_fsck_version sum = sc_fsck_sum_of(w, v);
    return strcmp(sum.sum.hash, v->sum.hash) == 0;
}

/* ---- what a version was ---- */

static void take_rows(const struct sc_fsck_work *w, int version, struct knowns *out)
{
    for (size_t i = 0; i < w->rows.count; i++) {
        const struct sc_fsck_row *row = &w->rows.items[i];
        if (!is_in(row, version))
            continue;
        struct known *one = add_known(out);
        one->row = row->id;
        one->start_ms = row->start_ms;
        one->end_ms = row->end_ms;
        (void)snprintf(one->hash, sizeof(one->hash), "%s", row->hash);
    }
    (void)snprintf(out->name, sizeof(out->name), "version %d, which is equal", version);
}

/* False: it is not what the version was. */
static bool take_source(const struct sc_fsck_source *source, const struct sc_sum_stored *of,
                        struct knowns *out)
{
    char found[SC_SHA256_TEXT];
    SC_AUTO(sc_sum_freep) struct sc_sum *sum = sc_sum_new(of->kind);
    for (size_t i = 0; i < source->list.count; i++) {
        const struct sc_segment *s = &source->list.items[i];
        struct known *one = add_known(out);
        one->at = i;
        one->start_ms = s->start_ms;
        one->end_ms = s->end_ms;
        sc_segment_hash(s, one->hash);
        sc_sum_segment(sum, sc_str_from(one->hash), one->start_ms);
    }
    sc_sum_hex(sum, found);
    out->source = source;
    (void)snprintf(out->name, sizeof(out->name), "%s", source->name);
    return strcmp(found, of->hash) == 0;
}

/* Were both the same? Checksums of two kinds cannot be compared, so another is made of the rows. */
static bool is_equal(const struct sc_fsck_work *w, const struct sc_fsck_version *other,
                     const struct sc_fsck_version *v)
{
    struct sc_fsck_version as = *other;
    if (other->sum.kind == v->sum.kind)
        return strcmp(other->sum.hash, v->sum.hash) == 0;
    as.sum.kind = v->sum.kind;
    as = sc_fsck_sum(&w->rows, &as);
    return strcmp(as.sum.hash, v->sum.hash) == 0;
}

/* Rows that a dry run has put there can be read nowhere. */
static bool is_supposed(const struct sc_fsck_work *w, int version)
{
    for (size_t i = 0; i < w->rows.count; i++) {
        if (w->rows.items[i].supposed && is_in(&w->rows.items[i], version))
            return true;
    }
    return false;
}

static bool find_known(struct sc_fsck_work *w, const struct sc_fsck_version *v, struct knowns *out)
{
    for (size_t i = 0; i < w->versions.count; i++) {
        const struct sc_fsck_version *other = &w->versions.items[i];
        if (other->version != v->version && is_equal(w, other, v) && sc_fsck_is_right(w, other) &&
            !is_supposed(w, other->version)) {
            take_rows(w, other->version, out);
            return true;
        }
    }
    const struct sc_fsck_sources *exports = sc_fsck_exports(w);
    for (size_t i = 0; i < exports->count; i++) {
        if (take_source(&exports->items[i], &v->sum, out))
            return true;
        knowns_done(out);
    }
    return false;
}

/* ---- rows that are missing ---- */

struct lost {
    const struct sc_fsck_work *w;
    struct sc_stored row; /* of which s.origin 0: not known */
    int64_t born, died, ord;
    const char *format; /* of the export that it comes from; NULL: of none */
};

static void lost_done(struct lost *l)
{
    sc_stored_done(&l->row);
}

/* A job, or an import, makes all of a first version. */
static enum sc_code first_origin(struct sc_conn *tx, const struct lost *l, int64_t *out,
                                 struct sc_error *err)
{
    *out = 0;
    if (l->born > 1)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_FIRST_ORIGIN);
    sc_stmt_bind_int(&st, ":transcript_id", l->row.transcript);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = sc_stmt_int_or(&st, "origin_id", 0);
    return code;
}

/* Who made its words: as the row that it is copied from says it, or as all of version 1 was made.
 * Exports do not tell it: what comes from them is 'restored'. */
static enum sc_code find_origin(struct sc_conn *tx, const struct lost *l, int64_t *out,
                                struct sc_error *err)
{
    const struct sc_origin restored = { .engine = "restored", .model = l->format };
    *out = l->row.s.origin;
    enum sc_code code = *out != 0 ? SC_OK : first_origin(tx, l, out, err);
    return code == SC_OK && *out == 0 ? sc_origin_row(tx, &restored, out, err) : code;
}

static enum sc_code write_lost(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct lost *l = ctx;
    const struct sc_segment *s = &l->row.s;
    int64_t origin;
    enum sc_code code = find_origin(tx, l, &origin, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_SEGMENT_INSERT);
    sc_stmt_bind_int(&st, ":transcript_id", l->row.transcript);
    sc_stmt_bind_int(&st, ":segment_id", s->id);
    sc_stmt_bind_int(&st, ":born", l->born);
    sc_stmt_bind_opt(&st, ":died", l->died == INT64_MAX ? -1 : l->died);
    sc_stmt_bind_int(&st, ":chunk", s->chunk);
    sc_stmt_bind_int(&st, ":ord", l->ord);
    sc_segment_bind(&st, s, sc_buf_str(&l->row.words), sc_buf_str(&l->row.heard));
    sc_stmt_bind_int(&st, ":origin_id", origin);
    sc_stmt_bind_text(&st, ":content_hash", l->row.hash);
    code = sc_stmt_run(&st, err);
    return code == SC_OK ? sc_fsck_record(tx, l->w, SC_CHANGE_REPAIRED, (int)l->born, 1, err)
                         : code;
}

static bool load_known(const struct sc_fsck_work *w, const struct knowns *k,
                       const struct known *one, struct lost *out)
{
    out->row.transcript = w->t.id;
    (void)snprintf(out->row.hash, sizeof(out->row.hash), "%s", one->hash);
    if (k->source != NULL) {
        if (!sc_segment_copy(&k->source->list.items[one->at], &out->row.s))
            return false;
        out->row.s.chunk = -1;
        out->row.s.origin = 0;
        out->format = k->source->format;
        sc_stored_pack(&out->row);
        return true;
    }
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(w->f->o->store, &conn, NULL) != SC_OK)
        return false;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_SEGMENT);
    sc_stmt_bind_int(&st, ":id", one->row);
    sc_stmt_bind_int(&st, ":transcript_id", w->t.id);
    if (sc_stmt_one(&st, NULL) != SC_OK)
        return false;
    sc_stored_from_row(&st, &out->row);
    out->row.transcript = w->t.id;
    return out->row.unpacked;
}

/* The number of the version behind i; INT64_MAX behind the last. */
static int64_t version_behind(const struct sc_fsck_work *w, size_t i)
{
    return i + 1 < w->versions.count ? w->versions.items[i + 1].version : INT64_MAX;
}

static size_t count_hash(const struct knowns *k, const char *hash)
{
    size_t n = 0;
    for (size_t i = 0; i < k->count; i++)
        n += strcmp(k->items[i].hash, hash) == 0 ? 1 : 0;
    return n;
}

/* From version i on as long as the versions are wrong, and none that is known goes without it. */
static int64_t span_end(struct sc_fsck_work *w, size_t i, const char *hash)
{
    for (size_t next = i + 1; next < w->versions.count; next++) {
        SC_AUTO(knowns_done) struct knowns known = { .count = 0 };
        const struct sc_fsck_version *v = &w->versions.items[next];
        if (sc_fsck_is_right(w, v) || (find_known(w, v, &known) && count_hash(&known, hash) == 0))
            return v->version;
    }
    return INT64_MAX;
}

/* The segments of a version in order, and which row has each. */
struct standing {
    const struct sc_fsck_row *row; /* NULL: it is lost */
    int64_t ord;
};

/* False: that some are missing is not what is wrong with the version. */
static bool find_rows(const struct sc_fsck_work *w, int version, const struct knowns *k,
                      struct standing *out)
{
    size_t at = 0, there = 0;
    for (size_t i = 0; i < w->rows.count; i++) {
        const struct sc_fsck_row *row = &w->rows.items[i];
        if (!is_in(row, version))
            continue;
        while (at < k->count && strcmp(k->items[at].hash, row->hash) != 0)
            at++;
        if (at == k->count)
            return false;
        out[at++] = (struct standing){ row, row->ord };
        there++;
    }
    return there < k->count;
}

static int64_t own_order(const struct sc_fsck_work *w, const struct known *one)
{
    for (size_t i = 0; one->row != 0 && i < w->rows.count; i++) {
        if (w->rows.items[i].id == one->row)
            return w->rows.items[i].ord;
    }
    return 0;
}

/* Gives those that are lost an order between the segments around them that begin at the same time.
 * False: there is no room, so these do not stand as they did. */
static bool place_lost(const struct sc_fsck_work *w, const struct knowns *k, struct standing *s)
{
    for (size_t i = 0; i < k->count; i++) {
        int64_t start = k->items[i].start_ms, low = INT64_MIN, high = INT64_MAX;
        size_t next = i;
        if (s[i].row != NULL)
            continue;
        if (i > 0 && k->items[i - 1].start_ms == start)
            low = s[i - 1].ord + 1;
        while (next < k->count && k->items[next].start_ms == start && s[next].row == NULL)
            next++;
        if (next < k->count && k->items[next].start_ms == start)
            high = s[next].ord - (int64_t)(next - i);
        if (low > high)
            return false;
        s[i].ord = SC_MIN(SC_MAX(own_order(w, &k->items[i]), low), high);
    }
    return true;
}

/* What is put right later changes this version and those before it no more. */
static void give_up(struct sc_fsck_work *w, int version)
{
    w->hopeless = true;
    w->given_up = SC_MAX(w->given_up, version);
}

/* As if it had been restored: what follows is told as it will be. */
static void suppose(struct sc_fsck_work *w, const struct lost *l)
{
    const struct sc_segment *s = &l->row.s;
    struct sc_fsck_row row = {
        .id = s->id,
        .segment_id = s->id,
        .born = l->born,
        .died = l->died,
        .start_ms = s->start_ms,
        .end_ms = s->end_ms,
        .ord = l->ord,
        .chunk = s->chunk,
        .words = sc_segment_says(s),
        .sound = true,
        .supposed = true,
    };
    (void)snprintf(row.hash, sizeof(row.hash), "%s", l->row.hash);
    sc_fsck_suppose_row(w, &row);
}

static enum sc_code mend_lost(struct sc_fsck_work *w, struct lost *l, const struct knowns *k,
                              const struct known *one, struct sc_error *err)
{
    SC_AUTO_BUF words = { 0 };
    enum sc_code code = SC_OK;
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_SEGMENT);
    p.version = (int)l->born;
    p.message = "a segment of the version is missing";
    p.repairable = load_known(w, k, one, l);
    p.source = p.repairable ? k->name : NULL;
    p.segment_id = l->row.s.id;
    sc_fsck_tell_words(w, &p, one->start_ms, one->end_ms,
                       sc_str_from(l->row.s.text == NULL ? "" : l->row.s.text), &words);
    if (p.repairable && w->f->o->repair) {
        code = sc_fsck_write(w, write_lost, l, err);
        p.repaired = sc_fsck_wrote(w, &code);
        if (!p.repaired)
            return code;
        w->changed = true;
    } else if (p.repairable) {
        suppose(w, l);
    } else {
        give_up(w, p.version);
    }
    w->hopeless = w->hopeless || !p.repaired;
    sc_fsck_report_of(w, &p);
    return code;
}

static enum sc_code mend_missing(struct sc_fsck_work *w, size_t i, const struct knowns *k,
                                 const struct standing *s, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t at = 0; code == SC_OK && !w->stale && at < k->count; at++) {
        if (s[at].row != NULL)
            continue;
        SC_AUTO(lost_done)
        struct lost l = { .w = w,
                          .born = w->versions.items[i].version,
                          .died = span_end(w, i, k->items[at].hash),
                          .ord = s[at].ord };
        code = mend_lost(w, &l, k, &k->items[at], err);
    }
    return code;
}

/* Whether version i is known, and only misses rows; then it is mended. */
static enum sc_code mend_version(struct sc_fsck_work *w, size_t i, bool *known,
                                 struct sc_error *err)
{
    SC_AUTO(knowns_done) struct knowns k = { .count = 0 };
    const struct sc_fsck_version *v = &w->versions.items[i];
    *known = false;
    if (!find_known(w, v, &k))
        return SC_OK;
    SC_AUTO_FREE struct standing *s = sc_alloc((k.count + 1) * sizeof(*s));
    memset(s, 0, (k.count + 1) * sizeof(*s));
    *known = find_rows(w, v->version, &k, s) && place_lost(w, &k, s);
    return *known ? mend_missing(w, i, &k, s, err) : SC_OK;
}

/* ---- rows in versions that are not theirs ---- */

struct span {
    const struct sc_fsck_work *w;
    int64_t row, born, died, was_born, was_died;
};

static enum sc_code write_span(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct span *s = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_SEGMENT_SPAN);
    sc_stmt_bind_int(&st, ":id", s->row);
    sc_stmt_bind_int(&st, ":born", s->born);
    sc_stmt_bind_opt(&st, ":died", s->died == INT64_MAX ? -1 : s->died);
    sc_stmt_bind_int(&st, ":transcript_id", s->w->t.id);
    sc_stmt_bind_int(&st, ":was_born", s->was_born);
    sc_stmt_bind_opt(&st, ":was_died", s->was_died == INT64_MAX ? -1 : s->was_died);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? sc_fsck_record(tx, s->w, SC_CHANGE_REPAIRED, (int)s->born, 1, err)
                         : code;
}

/* A run of versions whose sums are wrong: [first, end). */
struct run {
    size_t first, end;
};

/* By the rows as they are tried just now. */
static bool all_right(const struct sc_fsck_work *w, struct run bad)
{
    for (size_t i = bad.first; i < bad.end; i++) {
        const struct sc_fsck_version *v = &w->versions.items[i];
        struct sc_fsck_version sum = sc_fsck_sum(&w->rows, v);
        if (strcmp(sum.sum.hash, v->sum.hash) != 0)
            return false;
    }
    return true;
}

static bool is_somewhere(const struct sc_fsck_work *w, const struct sc_fsck_row *row)
{
    for (size_t i = 0; i < w->versions.count; i++) {
        if (is_in(row, w->versions.items[i].version))
            return true;
    }
    return false;
}

/* The row's span with those versions turned round; false: it would have a hole. */
static bool turned_round(const struct sc_fsck_work *w, const struct sc_fsck_row *row,
                         struct run bad, struct span *out)
{
    int64_t first = w->versions.items[bad.first].version;
    int64_t behind = version_behind(w, bad.end - 1);
    bool was_in = is_in(row, (int)first);
    for (size_t i = bad.first; i < bad.end; i++) {
        if (is_in(row, w->versions.items[i].version) != was_in)
            return false;
    }
    *out = (struct span){ .w = w,
                          .row = row->id,
                          .born = row->born,
                          .died = row->died,
                          .was_born = row->born,
                          .was_died = row->died };
    bool before = bad.first > 0 && is_in(row, w->versions.items[bad.first - 1].version);
    bool after = bad.end < w->versions.count && is_in(row, w->versions.items[bad.end].version);
    if (was_in) { /* cut off at one end */
        if (before == after)
            return false;
        out->born = after ? behind : row->born;
        out->died = before ? first : row->died;
        return true;
    }
    if (!before && !after && is_somewhere(w, row))
        return false;
    out->born = before ? row->born : first;
    out->died = after ? row->died : behind;
    return true;
}

static bool try_span(struct sc_fsck_work *w, struct sc_fsck_row *row, struct run bad,
                     struct span *out)
{
    int64_t born = row->born, died = row->died;
    if (!turned_round(w, row, bad, out))
        return false;
    row->born = out->born;
    row->died = out->died;
    bool right = all_right(w, bad);
    row->born = born;
    row->died = died;
    return right;
}

static enum sc_code mend_span(struct sc_fsck_work *w, struct run bad, bool *found,
                              struct sc_error *err)
{
    struct span span;
    struct sc_fsck_row *row = NULL;
    int tried = 0;
    for (size_t i = 0; row == NULL && i < w->rows.count && tried < SPANS_TRIED; i++, tried++) {
        if (try_span(w, &w->rows.items[i], bad, &span))
            row = &w->rows.items[i];
    }
    *found = row != NULL;
    if (row == NULL)
        return SC_OK;
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_VERSION);
    enum sc_code code = SC_OK;
    p.version = w->versions.items[bad.first].version;
    p.segment_id = row->segment_id;
    p.message = "a segment stands in other versions than its own";
    p.source = "the checksums of the versions";
    p.repairable = p.placed = true;
    p.start_ms = row->start_ms;
    p.end_ms = row->end_ms;
    if (w->f->o->repair) {
        code = sc_fsck_write(w, write_span, &span, err);
        p.repaired = sc_fsck_wrote(w, &code);
        if (!p.repaired)
            return code;
        w->changed = true;
    }
    row->born = span.born;
    row->died = span.died;
    sc_fsck_forget_sums(w);
    w->hopeless = w->hopeless || !p.repaired;
    sc_fsck_report_of(w, &p);
    return code;
}

/* ---- a version's own row ---- */

struct figures {
    const struct sc_fsck_work *w;
    struct sc_fsck_version sum;
};

static enum sc_code write_version(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct figures *f = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_VERSION_RESTORE);
    sc_stmt_bind_int(&st, ":transcript_id", f->sum.transcript);
    sc_stmt_bind_int(&st, ":version", f->sum.version);
    sc_stmt_bind_int(&st, ":segments", f->sum.segments);
    sc_stmt_bind_int(&st, ":words", f->sum.words);
    sc_stmt_bind_text(&st, ":content_hash", f->sum.sum.hash);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    return code == SC_OK ? sc_fsck_record(tx, f->w, SC_CHANGE_REPAIRED, f->sum.version, 0, err)
                         : code;
}

static bool has_damaged(const struct sc_fsck_work *w, int version)
{
    for (size_t i = 0; i < w->rows.count; i++) {
        if (!w->rows.items[i].sound && is_in(&w->rows.items[i], version))
            return true;
    }
    return false;
}

/* Was the sum itself damaged? Then those that edits have made from it since are as far off. */
static bool is_sum_damaged(const char *right, const struct sc_sum_stored *stored)
{
    if (sc_hash_is_near(right, stored->hash))
        return true;
    return stored->kind == SC_SUM_ADDED &&
           sc_sum_is_near(sc_str_from(right), sc_str_from(stored->hash));
}

/* A sum that was damaged itself is made again; a figure that is wrong while the sum is right is put
 * right by it. *wrong: rows are. */
static enum sc_code check_figures(struct sc_fsck_work *w, struct sc_fsck_version *stored,
                                  bool *wrong, struct sc_error *err)
{
    sc_fsck_reckon(w);
    struct figures f = { w, sc_fsck_sum_of(w, stored) };
    bool same = strcmp(f.sum.sum.hash, stored->sum.hash) == 0;
    if (has_damaged(w, stored->version)) /* its words are not those that were counted */
        f.sum.words = stored->words;
    enum sc_code code = SC_OK;
    *wrong = !same && !is_sum_damaged(f.sum.sum.hash, &stored->sum);
    if (*wrong || (same && f.sum.segments == stored->segments &&
                   sc_fsck_counts(&w->state, stored->words, f.sum.words)))
        return SC_OK;
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_VERSION);
    p.version = stored->version;
    p.message = same ? "the version counts its segments or words wrongly"
                     : "the checksum of the version is damaged";
    p.source = "its segments";
    p.repairable = true;
    if (w->f->o->repair) {
        code = sc_fsck_write(w, write_version, &f, err);
        p.repaired = sc_fsck_wrote(w, &code);
        if (!p.repaired)
            return code;
    }
    *stored = f.sum;
    sc_fsck_report_of(w, &p);
    return code;
}

static void report_lost(struct sc_fsck_work *w, int version)
{
    struct sc_fsck_problem p = sc_fsck_problem_of(w, SC_FSCK_VERSION);
    p.version = version;
    p.message = "the version does not match its checksum: a segment is missing or misplaced";
    give_up(w, version);
    sc_fsck_report_of(w, &p);
}

/* The versions from `first` on that are wrong. */
static struct run wrong_from(const struct sc_fsck_work *w, size_t first)
{
    struct run bad = { first, first };
    while (bad.end < w->versions.count && !sc_fsck_is_right(w, &w->versions.items[bad.end]))
        bad.end++;
    return bad;
}

/* The first of them that is known; those before it are told when that does not help. */
static enum sc_code mend_run(struct sc_fsck_work *w, struct run bad, bool *mended,
                             struct sc_error *err)
{
    enum sc_code code = mend_span(w, bad, mended, err);
    size_t i = bad.first;
    for (bool known = false; code == SC_OK && !w->stale && !*mended && !known && i < bad.end; i++) {
        code = mend_version(w, i, &known, err);
        *mended = known && w->given_up < w->versions.items[i].version;
        if (known && !*mended)
            break;
    }
    for (size_t k = bad.first; code == SC_OK && !w->stale && !*mended && k < i; k++)
        report_lost(w, w->versions.items[k].version);
    return code;
}

/* Ends behind the first run that was mended: what was read is old then. */
static enum sc_code check_once(struct sc_fsck_work *w, bool *again, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    *again = false;
    for (size_t i = 0; code == SC_OK && i < w->versions.count && !*again && !w->stale; i++) {
        bool wrong = false;
        if (w->versions.items[i].version <= w->given_up)
            continue;
        code = check_figures(w, &w->versions.items[i], &wrong, err);
        if (code != SC_OK || !wrong)
            continue;
        struct run bad = wrong_from(w, i);
        code = mend_run(w, bad, again, err);
        i = bad.end - 1;
    }
    return code;
}

enum sc_code sc_fsck_check_versions(struct sc_fsck_work *w, struct sc_error *err)
{
    bool again = true;
    enum sc_code code = SC_OK;
    while (code == SC_OK && again && !w->stale) {
        code = check_once(w, &again, err);
        if (code == SC_OK && w->changed && !w->stale)
            code = sc_fsck_reload(w, err);
    }
    return code;
}
