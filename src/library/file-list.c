/* Lists of files. One statement walks the index that fits the order, or one that names the format
 * or the name; the rest of the filter is tried on each row here, so any mix of conditions costs
 * bounded time and can go on from the very row where it stopped. */

#include "library/library-internal.h"

#include "base/banned.h"

/* A list of newest files ends where files are older than asked for by this much: the wall clock may
 * have been set back by less while files arrived. */
#define CLOCK_SLACK_MS INT64_C(86400000)

struct walk {
    const struct sc_file_filter *filter;
    struct sc_conn *conn;
    enum sc_sql sql;
    bool rising;
    struct sc_file_page_end end;
    int shown;
};

static bool by_tag(enum sc_sql sql)
{
    return sql == SC_SQL_FILE_LIST_TAG_ASC || sql == SC_SQL_FILE_LIST_TAG_DESC;
}

static bool by_id(enum sc_sql sql)
{
    return sql == SC_SQL_FILE_LIST_FORMAT_ASC || sql == SC_SQL_FILE_LIST_FORMAT_DESC ||
           sql == SC_SQL_FILE_LIST_NAMED_ASC || sql == SC_SQL_FILE_LIST_NAMED_DESC ||
           sql == SC_SQL_FILE_LIST_DAMAGED_ASC || sql == SC_SQL_FILE_LIST_DAMAGED_DESC ||
           by_tag(sql);
}

static bool by_name(enum sc_sql sql)
{
    return sql == SC_SQL_FILE_LIST_NAME_ASC || sql == SC_SQL_FILE_LIST_NAME_DESC;
}

static enum sc_sql statement_of(const struct sc_file_filter *f, bool *rising)
{
    static const enum sc_sql sorted[SC_FILE_SORT_COUNT_] = {
        [SC_FILE_NEWEST] = SC_SQL_FILE_LIST_UPLOADED_DESC,
        [SC_FILE_OLDEST] = SC_SQL_FILE_LIST_UPLOADED_ASC,
        [SC_FILE_LARGEST] = SC_SQL_FILE_LIST_SIZE_DESC,
        [SC_FILE_SMALLEST] = SC_SQL_FILE_LIST_SIZE_ASC,
        [SC_FILE_LONGEST] = SC_SQL_FILE_LIST_DURATION_DESC,
        [SC_FILE_SHORTEST] = SC_SQL_FILE_LIST_DURATION_ASC,
        [SC_FILE_NAME_DOWN] = SC_SQL_FILE_LIST_NAME_DESC,
        [SC_FILE_NAME_UP] = SC_SQL_FILE_LIST_NAME_ASC,
        [SC_FILE_SAVED] = SC_SQL_FILE_LIST_SAVED,
    };
    *rising = f->sort == SC_FILE_OLDEST || f->sort == SC_FILE_SMALLEST ||
              f->sort == SC_FILE_SHORTEST || f->sort == SC_FILE_NAME_UP;
    bool by_time = f->sort == SC_FILE_NEWEST || f->sort == SC_FILE_OLDEST;
    if (by_time && f->damaged)
        return *rising ? SC_SQL_FILE_LIST_DAMAGED_ASC : SC_SQL_FILE_LIST_DAMAGED_DESC;
    if (by_time && f->name != NULL)
        return *rising ? SC_SQL_FILE_LIST_NAMED_ASC : SC_SQL_FILE_LIST_NAMED_DESC;
    if (by_time && f->tag != NULL)
        return *rising ? SC_SQL_FILE_LIST_TAG_ASC : SC_SQL_FILE_LIST_TAG_DESC;
    if (by_time && f->format != NULL)
        return *rising ? SC_SQL_FILE_LIST_FORMAT_ASC : SC_SQL_FILE_LIST_FORMAT_DESC;
    return sorted[f->sort];
}

/* Where a list begins: in the order of time at the first that is asked for. */
static int64_t first_key(const struct walk *w)
{
    const struct sc_file_filter *f = w->filter;
    if (f->sort == SC_FILE_NEWEST && f->until_ms > 0)
        return f->until_ms; /* files of that moment are passed over one by one */
    if (f->sort == SC_FILE_OLDEST && f->since_ms > 0)
        return f->since_ms - 1;
    return w->rising ? INT64_MIN : INT64_MAX;
}

static void bind(struct sc_stmt *st, const struct walk *w)
{
    const struct sc_file_filter *f = w->filter;
    bool from_start = f->after.id == 0;
    int64_t start = w->rising ? INT64_MIN : INT64_MAX;
    if (by_tag(w->sql))
        sc_stmt_bind_text(st, ":tag", f->tag);
    else
        sc_stmt_bind_int(st, ":owner_id", f->owner_id);
    sc_stmt_bind_int(st, ":id", from_start ? start : f->after.id);
    if (w->sql == SC_SQL_FILE_LIST_NAMED_ASC || w->sql == SC_SQL_FILE_LIST_NAMED_DESC)
        sc_stmt_bind_text(st, ":name", f->name);
    if (w->sql == SC_SQL_FILE_LIST_FORMAT_ASC || w->sql == SC_SQL_FILE_LIST_FORMAT_DESC)
        sc_stmt_bind_text(st, ":format", f->format);
    if (by_id(w->sql))
        return;
    if (!by_name(w->sql))
        sc_stmt_bind_int(st, ":key", from_start ? first_key(w) : f->after.value);
    else if (!from_start)
        sc_stmt_bind_text(st, ":key", f->after.name);
    else if (w->rising)
        sc_stmt_bind_text(st, ":key", "");
    else
        sc_stmt_bind_blob(st, ":key", "", 0); /* any blob is greater than any text */
}

static struct sc_file_place place_of(const struct walk *w, struct sc_stmt *st)
{
    struct sc_file_place place = { .id = sc_stmt_int(st, "id") };
    switch (w->filter->sort) {
    case SC_FILE_NEWEST:
    case SC_FILE_OLDEST:
        place.value = sc_stmt_int(st, "uploaded_ms");
        break;
    case SC_FILE_LARGEST:
    case SC_FILE_SMALLEST:
        place.value = sc_stmt_int(st, "size_bytes");
        break;
    case SC_FILE_LONGEST:
    case SC_FILE_SHORTEST:
        place.value = sc_stmt_int_or(st, "duration_ms", -1);
        break;
    case SC_FILE_SAVED:
        place.value = (sc_stmt_int(st, "arrivals") - 1) * sc_stmt_int(st, "size_bytes");
        break;
    case SC_FILE_NAME_DOWN:
    case SC_FILE_NAME_UP:
        SC_STMT_COPY(st, "original_name", place.name);
        break;
    case SC_FILE_SORT_COUNT_:
        break;
    }
    return place;
}

/* No row behind this one can fit. */
static bool is_past(const struct sc_file_filter *f, struct sc_stmt *st)
{
    int64_t at = sc_stmt_int(st, "uploaded_ms");
    if (f->sort == SC_FILE_NEWEST)
        return f->since_ms > 0 && at < f->since_ms - CLOCK_SLACK_MS;
    return f->sort == SC_FILE_OLDEST && f->until_ms > 0 && at >= f->until_ms + CLOCK_SLACK_MS;
}

static bool same(struct sc_stmt *st, const char *column, const char *wanted)
{
    return wanted == NULL || sc_str_equal(sc_stmt_str(st, column), sc_str_from(wanted));
}

static enum sc_code is_unused(struct sc_conn *conn, int64_t file, bool *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_IS_USED);
    sc_stmt_bind_int(&st, ":file_id", file);
    bool used = false;
    enum sc_code code = sc_stmt_step(&st, &used, err);
    *out = !used;
    return code;
}

static enum sc_code has_tag(struct sc_conn *conn, int64_t file, const char *tag, bool *out,
                            struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_HAS_TAG);
    sc_stmt_bind_int(&st, ":id", file);
    sc_stmt_bind_text(&st, ":tag", tag);
    return sc_stmt_step(&st, out, err);
}

static enum sc_code fits(const struct walk *w, struct sc_stmt *st, bool *out, struct sc_error *err)
{
    const struct sc_file_filter *f = w->filter;
    int64_t at = sc_stmt_int(st, "uploaded_ms");
    int64_t id = sc_stmt_int(st, "id");
    enum sc_code code = SC_OK;
    *out = sc_stmt_int(st, "owner_id") == f->owner_id && (f->since_ms == 0 || at >= f->since_ms) &&
           (f->until_ms == 0 || at < f->until_ms) && same(st, "format", f->format) &&
           same(st, "original_name", f->name) && same(st, "file_hash", f->hash) &&
           (!f->damaged || sc_stmt_int(st, "damage") != 0) &&
           (!f->archived || sc_stmt_int_or(st, "archived_ms", 0) != 0);
    if (*out && f->tag != NULL && !by_tag(w->sql))
        code = has_tag(w->conn, id, f->tag, out, err);
    if (code == SC_OK && *out && f->unused)
        code = is_unused(w->conn, id, out, err);
    return code;
}

static enum sc_code show(const struct walk *w, struct sc_stmt *st, sc_file_fn fn, void *ctx,
                         struct sc_error *err)
{
    SC_AUTO_FILE file = { 0 };
    sc_file_from_row(st, &file);
    enum sc_code code = sc_marks_get(w->conn, SC_MARKED_FILE, file.id, &file.marks, err);
    return code == SC_OK ? fn(ctx, &file, err) : code;
}

/* One row; *go says whether there may be another. */
static enum sc_code visit(struct walk *w, struct sc_stmt *st, sc_file_fn fn, void *ctx, bool *go,
                          struct sc_error *err)
{
    bool row = false, fit = false;
    enum sc_code code = sc_stmt_step(st, &row, err);
    *go = code == SC_OK && row && !is_past(w->filter, st);
    if (!*go)
        return code;
    code = fits(w, st, &fit, err);
    if (code == SC_OK && fit && w->shown == w->filter->limit) {
        w->end.more = true;
        *go = false;
        return SC_OK;
    }
    if (code == SC_OK && fit) {
        w->shown++;
        code = show(w, st, fn, ctx, err);
    }
    w->end.next = place_of(w, st);
    return code;
}

/* An owner has one file of a hash. */
static enum sc_code list_hash(struct walk *w, sc_file_fn fn, void *ctx, struct sc_error *err)
{
    bool fit = false;
    SC_AUTO_STMT st = sc_stmt_get(w->conn, SC_SQL_FILE_BY_OWNER_HASH);
    sc_stmt_bind_int(&st, ":owner_id", w->filter->owner_id);
    sc_stmt_bind_text(&st, ":file_hash", w->filter->hash);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND || w->filter->after.id != 0)
        return SC_OK;
    if (code == SC_OK)
        code = fits(w, &st, &fit, err);
    return code == SC_OK && fit ? show(w, &st, fn, ctx, err) : code;
}

enum sc_code sc_file_list(struct sc_conn *conn, const struct sc_file_filter *filter, sc_file_fn fn,
                          void *ctx, struct sc_file_page_end *end, struct sc_error *err)
{
    struct walk w = { .filter = filter, .conn = conn };
    enum sc_code code = SC_OK;
    if (filter->hash != NULL) {
        code = list_hash(&w, fn, ctx, err);
    } else {
        w.sql = statement_of(filter, &w.rising);
        SC_AUTO_STMT st = sc_stmt_get(conn, w.sql);
        bind(&st, &w);
        for (bool go = true; code == SC_OK && go;) {
            code = visit(&w, &st, fn, ctx, &go, err);
            if (go && code == SC_OK && filter->spent != NULL && filter->spent(filter->spent_ctx)) {
                w.end.more = w.end.partial = true;
                break;
            }
        }
    }
    if (code == SC_OK)
        *end = w.end;
    return code;
}

enum sc_code sc_file_arrivals(struct sc_conn *conn, const struct sc_arrival_filter *filter,
                              sc_arrival_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_UPLOAD_LIST);
    sc_stmt_bind_int(&st, ":file_id", filter->file_id);
    sc_stmt_bind_int(&st, ":before", filter->before_id == 0 ? INT64_MAX : filter->before_id);
    sc_stmt_bind_int(&st, ":limit", filter->limit);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_arrival_row arrival = {
            .id = sc_stmt_int(&st, "id"),
            .file_id = sc_stmt_int(&st, "file_id"),
            .at_ms = sc_stmt_int(&st, "created_ms"),
            .name = sc_stmt_text(&st, "name"),
            .source = sc_stmt_text(&st, "source"),
            .by = sc_stmt_text(&st, "brought_by"),
        };
        code = fn(ctx, &arrival, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_file_formats(struct sc_conn *conn, int64_t owner_id, sc_file_format_fn fn,
                             void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_FORMATS);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        fn(ctx, sc_stmt_text(&st, "format"), sc_stmt_int(&st, "files"), sc_stmt_int(&st, "bytes"));
    }
}
