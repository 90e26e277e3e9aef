/* Drafts: the current version, of which no more is read than what is edited and what stands around
 * it.
 *
 * Segments come into the draft by their start: all that start at one time, or none. Whoever changes
 * or places a segment reads those that start when it does, and those at the next time in front and
 * behind. So in the list it stands beside the segments that it has beside it in the transcript,
 * also when some of those were removed: they were looked for, too. */
#include "library/edit-internal.h"

#include "base/alloc.h"

#include <inttypes.h>

#include "base/banned.h"

static enum sc_code no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
}

void sc_draft_done(struct sc_draft *d)
{
    sc_segments_done(&d->list);
    free(d->places);
    free(d->starts);
    d->places = NULL;
    d->starts = NULL;
    d->place_count = d->place_cap = d->start_count = d->start_cap = 0;
}

enum sc_code sc_draft_open(struct sc_conn *conn, const struct sc_save *save, struct sc_draft *out,
                           struct sc_saved *saved, struct sc_error *err)
{
    *out = (struct sc_draft){ .conn = conn };
    *saved = (struct sc_saved){ 0 };
    enum sc_code code = sc_transcript_find(conn, save->owner_id, save->transcript, &out->t, err);
    return code == SC_OK ? sc_edit_check_base(&out->t, save, saved, err) : code;
}

/* ---- reading ---- */

/* Starts in order, each a member of a row. */
struct starts {
    const void *rows;
    size_t count, size, offset;
};

static struct starts starts_of_list(const struct sc_segments *list)
{
    return (struct starts){ list->items, list->count, sizeof(*list->items),
                            offsetof(struct sc_segment, start_ms) };
}

static struct starts starts_of_places(const struct sc_draft *d)
{
    return (struct starts){ d->places, d->place_count, sizeof(*d->places),
                            offsetof(struct sc_edit_place, start_ms) };
}

/* Where the first row with this start, or a later one, stands. */
static size_t first_at(struct starts in, int64_t start_ms)
{
    size_t low = 0, high = in.count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int64_t start;
        memcpy(&start, (const char *)in.rows + mid * in.size + in.offset, sizeof(start));
        if (start < start_ms)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool insert_item(struct sc_segments *list, size_t at, const struct sc_edit_place *p)
{
    if (sc_segments_add(list) == NULL)
        return false;
    struct sc_segment s = list->items[list->count - 1];
    s.row = p->row;
    s.id = p->segment_id;
    s.start_ms = p->start_ms;
    memmove(&list->items[at + 1], &list->items[at], (list->count - 1 - at) * sizeof(s));
    list->items[at] = s;
    return true;
}

static bool insert_place(struct sc_draft *d, size_t at, const struct sc_edit_place *p)
{
    void *places = d->places;
    if (!sc_try_grow(&places, &d->place_cap, d->place_count + 1, sizeof(*p)))
        return false;
    d->places = places;
    memmove(&d->places[at + 1], &d->places[at], (d->place_count - at) * sizeof(*p));
    d->places[at] = *p;
    d->place_count++;
    return true;
}

/* The rows of a statement, in order, from this place and item on. */
static enum sc_code insert_rows(struct sc_draft *d, struct sc_stmt *st, size_t place, size_t item,
                                struct sc_error *err)
{
    for (;; place++, item++) {
        bool row = false;
        enum sc_code code = sc_stmt_step(st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_edit_place p;
        sc_edit_place_from_row(st, &p);
        if (!insert_place(d, place, &p) || !insert_item(&d->list, item, &p))
            return no_memory(err);
    }
}

/* False with *at, where it belongs: what starts then has not been read. */
static bool knows_start(const struct sc_draft *d, int64_t start_ms, size_t *at)
{
    *at = first_at((struct starts){ d->starts, d->start_count, sizeof(*d->starts), 0 }, start_ms);
    return d->whole || (*at < d->start_count && d->starts[*at] == start_ms);
}

static void bind_version(struct sc_stmt *st, const struct sc_draft *d)
{
    sc_stmt_bind_int(st, ":transcript_id", d->t.id);
    sc_stmt_bind_int(st, ":version", d->t.version);
}

/* All segments of the version that start then, in front of those that were moved there. */
static enum sc_code read_start(struct sc_draft *d, int64_t start_ms, struct sc_error *err)
{
    size_t at;
    if (knows_start(d, start_ms, &at))
        return SC_OK;
    void *starts = d->starts;
    if (!sc_try_grow(&starts, &d->start_cap, d->start_count + 1, sizeof(*d->starts)))
        return no_memory(err);
    d->starts = starts;
    memmove(&d->starts[at + 1], &d->starts[at], (d->start_count - at) * sizeof(*d->starts));
    d->starts[at] = start_ms;
    d->start_count++;
    SC_AUTO_STMT st = sc_stmt_get(d->conn, SC_SQL_EDIT_GROUP);
    bind_version(&st, d);
    sc_stmt_bind_int(&st, ":start_ms", start_ms);
    return insert_rows(d, &st, first_at(starts_of_places(d), start_ms),
                       first_at(starts_of_list(&d->list), start_ms), err);
}

enum sc_code sc_draft_read_all(struct sc_draft *d, struct sc_error *err)
{
    sc_assert(d->start_count == 0);
    d->whole = true;
    SC_AUTO_STMT st = sc_stmt_get(d->conn, SC_SQL_EDIT_PLACES);
    bind_version(&st, d);
    return insert_rows(d, &st, 0, 0, err);
}

/* The start that the statement finds; -1: none. */
static enum sc_code find_start(struct sc_draft *d, enum sc_sql sql, const char *name, int64_t value,
                               int64_t *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(d->conn, sql);
    bind_version(&st, d);
    sc_stmt_bind_int(&st, name, value);
    enum sc_code code = sc_stmt_one(&st, err);
    *out = code == SC_OK ? sc_stmt_int(&st, "start_ms") : -1;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_draft_look(struct sc_draft *d, int64_t start_ms, struct sc_error *err)
{
    static const enum sc_sql around[] = { SC_SQL_EDIT_START_BEFORE, SC_SQL_EDIT_START_BEHIND };
    enum sc_code code = read_start(d, start_ms, err);
    for (size_t i = 0; code == SC_OK && !d->whole && i < SC_ARRAY_LEN(around); i++) {
        int64_t start = -1;
        code = find_start(d, around[i], ":start_ms", start_ms, &start, err);
        if (code == SC_OK && start >= 0)
            code = read_start(d, start, err);
    }
    return code;
}

/* ---- finding ---- */

enum sc_code sc_draft_load(struct sc_draft *d, size_t index, struct sc_error *err)
{
    struct sc_segment *s = &d->list.items[index];
    return sc_edit_is_stub(s) ? sc_edit_load_row(d->conn, d->t.id, s->row, s, err) : SC_OK;
}

static bool find_id(const struct sc_segments *list, int64_t id, size_t *at)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].id == id) {
            *at = i;
            return true;
        }
    }
    return false;
}

enum sc_code sc_draft_find(struct sc_draft *d, int64_t id, size_t *at, bool *found,
                           struct sc_error *err)
{
    int64_t start = -1;
    enum sc_code code = SC_OK;
    *found = id > 0 && find_id(&d->list, id, at);
    if (*found)
        start = d->list.items[*at].start_ms;
    else if (id > 0 && !d->whole)
        code = find_start(d, SC_SQL_EDIT_START_OF, ":segment_id", id, &start, err);
    if (code != SC_OK || start < 0)
        return code;
    code = sc_draft_look(d, start, err);
    *found = code == SC_OK && find_id(&d->list, id, at); /* a removed one is not */
    return *found ? sc_draft_load(d, *at, err) : code;
}

enum sc_code sc_draft_find_row(struct sc_draft *d, int64_t row, int64_t start_ms, size_t *at,
                               bool *found, struct sc_error *err)
{
    enum sc_code code = read_start(d, start_ms, err);
    *found = false;
    if (code != SC_OK)
        return code;
    /* Mostly it still stands where it stood. */
    size_t from = first_at(starts_of_list(&d->list), start_ms);
    for (size_t n = 0; n < d->list.count && !*found; n++) {
        *at = (from + n) % d->list.count;
        *found = d->list.items[*at].row == row;
    }
    return *found ? sc_draft_load(d, *at, err) : SC_OK;
}
