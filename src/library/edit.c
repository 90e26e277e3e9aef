#include "library/edit-internal.h"

#include "base/alloc.h"
#include "transcript/words.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

/* The API shows confidences with four digits: what comes back with them has not changed. */
#define SAME_CONFIDENCE 0.00006

void sc_edit_free(struct sc_edit *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->item_count; i++)
        sc_segment_done(&e->items[i].s);
    for (size_t i = 0; i < e->place_count; i++)
        sc_segment_done(&e->places[i].s);
    for (size_t i = 0; i < SC_ARRAY_LEN(e->origin); i++)
        free(e->origin[i]);
    free(e->note);
    free(e->places);
    free(e->items);
    free(e);
}

static enum sc_code no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
}

/* ---- the base ---- */

enum sc_code sc_edit_check_base(const struct sc_transcript *t, const struct sc_save *save,
                                struct sc_saved *out, struct sc_error *err)
{
    out->version = t->version;
    if (!t->complete)
        return sc_error_set(err, SC_E_CONFLICT,
                            "transcript %" PRId64 " is still being made: wait until its job has "
                            "completed, then edit it",
                            t->id);
    if (save->base_version != 0 && save->base_version != t->version)
        return sc_error_field(err, SC_E_CONFLICT, "base_version",
                              "transcript %" PRId64 " is at version %d by now, not at %d: look at "
                              "what has changed and edit that",
                              t->id, t->version, save->base_version);
    return SC_OK;
}

static struct sc_edit_place *add_place(struct sc_edit *e)
{
    void *places = e->places;
    if (!sc_try_grow(&places, &e->place_cap, e->place_count + 1, sizeof(*e->places)))
        return NULL;
    e->places = places;
    return &e->places[e->place_count++];
}

void sc_edit_place_from_row(struct sc_stmt *st, struct sc_edit_place *out)
{
    *out = (struct sc_edit_place){
        .row = sc_stmt_int(st, "id"),
        .segment_id = sc_stmt_int(st, "segment_id"),
        .start_ms = sc_stmt_int(st, "start_ms"),
        .ord = sc_stmt_int(st, "ord"),
        .dies = true, /* until it is kept */
        .rank_now = -1,
    };
    SC_STMT_COPY(st, "content_hash", out->hash);
}

/* All places of the base. */
static enum sc_code read_places(struct sc_conn *conn, struct sc_edit *e, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EDIT_PLACES);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    sc_stmt_bind_int(&st, ":version", e->base.version);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_edit_place *p = add_place(e);
        if (p == NULL)
            return no_memory(err);
        sc_edit_place_from_row(&st, p);
    }
}

/* Holds all places against the checksum of the base. */
static enum sc_code sum_places(struct sc_conn *conn, struct sc_edit *e,
                               const struct sc_sum_stored *stored, struct sc_error *err)
{
    SC_AUTO(sc_sum_freep) struct sc_sum *sum = sc_sum_new(stored->kind);
    SC_AUTO(sc_sum_freep) struct sc_sum *added = sc_sum_new(SC_SUM_ADDED);
    char found[SC_SHA256_TEXT];
    for (size_t i = 0; i < e->place_count; i++) {
        const struct sc_edit_place *p = &e->places[i];
        sc_sum_segment(sum, sc_str_from(p->hash), p->start_ms);
        sc_sum_segment(added, sc_str_from(p->hash), p->start_ms);
    }
    sc_sum_hex(sum, found);
    if (strcmp(found, stored->hash) != 0)
        return sc_transcript_damaged(conn, e->base.id, "a segment is missing or misplaced", err);
    sc_sum_hex(added, found);
    sc_assert(sc_sum_parse(sc_str_from(found), &e->sum));
    return SC_OK;
}

/* Of a version of the first releases, whose checksum does not tell that of the next one: all of it
 * must be read. */
static enum sc_code sum_old(struct sc_conn *conn, struct sc_edit *e,
                            const struct sc_sum_stored *stored, struct sc_error *err)
{
    struct sc_edit all = { .base = e->base };
    enum sc_code code = read_places(conn, &all, err);
    if (code == SC_OK)
        code = sum_places(conn, &all, stored, err);
    e->sum = all.sum;
    free(all.places);
    return code;
}

/* The checksum of the base, and what has been done to the transcript so far. whole: all places are
 * there. */
static enum sc_code read_base(struct sc_conn *conn, struct sc_edit *e, bool whole,
                              struct sc_error *err)
{
    struct sc_sum_stored stored;
    enum sc_code code = sc_change_last(conn, e->base.id, &e->seen, err);
    if (code == SC_OK)
        code = sc_version_sum(conn, e->base.id, e->base.version, &stored, err);
    if (code != SC_OK)
        return code;
    if (whole)
        return sum_places(conn, e, &stored, err);
    if (stored.kind != SC_SUM_ADDED)
        return sum_old(conn, e, &stored, err);
    return sc_sum_parse(sc_str_from(stored.hash), &e->sum)
               ? SC_OK
               : sc_transcript_damaged(conn, e->base.id, "its checksum is none", err);
}

enum sc_code sc_edit_load_row(struct sc_conn *conn, int64_t transcript, int64_t row,
                              struct sc_segment *out, struct sc_error *err)
{
    struct sc_error why = { 0 };
    char what[160];
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EDIT_ROW);
    sc_stmt_bind_int(&st, ":id", row);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND || code == SC_E_STORE_DAMAGED)
        return sc_transcript_damaged(conn, transcript, "a row cannot be read", err);
    if (code != SC_OK)
        return code;
    if (sc_segment_from_row(&st, out, &why))
        return SC_OK;
    (void)snprintf(what, sizeof(what), "segment %" PRId64 ", %.100s", out->id, why.msg);
    return sc_transcript_damaged(conn, transcript, what, err);
}

static enum sc_code load_place(struct sc_conn *conn, struct sc_edit *e, size_t place,
                               struct sc_error *err)
{
    struct sc_edit_place *p = &e->places[place];
    if (p->s.text != NULL)
        return SC_OK;
    return sc_edit_load_row(conn, e->base.id, p->row, &p->s, err);
}

/* Segment ids of the base in order, to find them by. */
struct by_id {
    int64_t id;
    size_t place;
    bool taken;
};

static int compare_ids(const void *a, const void *b)
{
    int64_t x = ((const struct by_id *)a)->id, y = ((const struct by_id *)b)->id;
    return x < y ? -1 : x > y ? 1 : 0;
}

static struct by_id *sort_ids(const struct sc_edit *e)
{
    struct by_id *ids = sc_try_alloc((e->place_count + 1) * sizeof(*ids));
    for (size_t i = 0; ids != NULL && i < e->place_count; i++)
        ids[i] = (struct by_id){ .id = e->places[i].segment_id, .place = i };
    if (ids != NULL)
        qsort(ids, e->place_count, sizeof(*ids), compare_ids);
    return ids;
}

/* ---- what differs ---- */

bool sc_edit_is_stub(const struct sc_segment *s)
{
    return s->id != 0 && s->text == NULL;
}

static enum sc_code check_wanted(const struct sc_segments *wanted, struct sc_error *err)
{
    int64_t earliest = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct sc_segment *s = &wanted->items[i];
        const char *fault = sc_edit_is_stub(s) ? s->start_ms < earliest
                                                     ? "starts before the one in front "
                                                       "of it"
                                                     : NULL
                                               : sc_segment_fault(s, earliest);
        if (fault != NULL)
            return sc_error_field(err, SC_E_INVALID_VALUE, "segments", "segment %zu %s", i + 1,
                                  fault);
        earliest = s->start_ms;
    }
    return SC_OK;
}

static bool is_text_same(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool is_confidence_same(float a, float b)
{
    return a < 0 || b < 0 ? a < 0 && b < 0 : fabs((double)a - (double)b) < SAME_CONFIDENCE;
}

static bool are_words_same(const struct sc_segment *a, const struct sc_segment *b)
{
    if (a->word_count != b->word_count)
        return false;
    for (size_t i = 0; i < a->word_count; i++) {
        const struct sc_word *x = &a->words[i], *y = &b->words[i];
        if (x->start_ms != y->start_ms || x->end_ms != y->end_ms || strcmp(x->text, y->text) != 0 ||
            sc_words_confidence(x->confidence) != sc_words_confidence(y->confidence))
            return false;
    }
    return true;
}

/* What was heard stays where the wanted one does not tell it. */
static bool is_same(const struct sc_segment *was, const struct sc_segment *wanted)
{
    return was->start_ms == wanted->start_ms && was->end_ms == wanted->end_ms &&
           is_text_same(was->text, wanted->text) && is_text_same(was->speaker, wanted->speaker) &&
           is_confidence_same(was->confidence, wanted->confidence) && are_words_same(was, wanted) &&
           (wanted->heard == NULL || sc_heard_is_equal(was->heard, wanted->heard));
}

/* The item becomes a row of its own, with this content; as it will be read: no speaker is NULL. */
static enum sc_code own_row(struct sc_edit_item *item, const struct sc_segment *s,
                            struct sc_error *err)
{
    item->kept = false;
    if (!sc_segment_copy(s, &item->s))
        return no_memory(err);
    if (item->s.speaker != NULL && item->s.speaker[0] == '\0') {
        free(item->s.speaker);
        item->s.speaker = NULL;
    }
    return SC_OK;
}

/* What made the words is found by comparing them with the base, whatever the list says; a version
 * of earlier knows it itself. */
static enum sc_code take_row(const struct sc_edit *e, struct sc_edit_item *item,
                             const struct sc_segment *s, struct sc_error *err)
{
    enum sc_code code = own_row(item, s, err);
    if (code == SC_OK && e->save.restored_from == 0)
        sc_segment_forget_origins(&item->s);
    return code;
}

/* A segment that the base has. */
static enum sc_code plan_known(struct sc_conn *conn, struct sc_edit *e, struct sc_edit_item *item,
                               const struct sc_segment *s, struct sc_error *err)
{
    item->kept = true;
    if (sc_edit_is_stub(s))
        return SC_OK;
    enum sc_code code = load_place(conn, e, item->place, err);
    if (code != SC_OK || is_same(&e->places[item->place].s, s))
        return code;
    code = take_row(e, item, s, err);
    item->s.chunk = e->places[item->place].s.chunk;
    return code;
}

static enum sc_code plan_item(struct sc_conn *conn, struct sc_edit *e, const struct sc_segment *s,
                              struct by_id *ids, struct sc_error *err)
{
    struct sc_edit_item *item = &e->items[e->item_count++];
    *item = (struct sc_edit_item){ .place = SC_NOWHERE, .segment_id = s->id };
    struct by_id key = { .id = s->id };
    struct by_id *found =
        s->id == 0 ? NULL : bsearch(&key, ids, e->place_count, sizeof(*ids), compare_ids);
    bool is_new = s->id == 0 || (found == NULL && e->save.restored_from != 0);
    if (!is_new && (found == NULL || found->taken))
        return sc_error_field(err, SC_E_INVALID_VALUE, "segments",
                              "segment %zu has the id %" PRId64 ", which %s: leave the id out for "
                              "a new segment",
                              e->item_count, s->id,
                              found == NULL ? "the transcript does not have"
                                            : "stands further up already");
    if (is_new)
        return take_row(e, item, s, err);
    found->taken = true;
    item->place = found->place;
    return plan_known(conn, e, item, s, err);
}

/* (start_ms, ord) is the order of the segments, and no two are equal. */
static enum sc_code order_items(struct sc_conn *conn, struct sc_edit *e, struct sc_error *err)
{
    int64_t before_start = -1, before_ord = 0;
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < e->item_count; i++) {
        struct sc_edit_item *item = &e->items[i];
        struct sc_edit_place *p = item->place == SC_NOWHERE ? NULL : &e->places[item->place];
        sc_assert(p != NULL || !item->kept);
        item->ord = p == NULL ? 0 : p->ord;
        int64_t start = item->kept ? p->start_ms : item->s.start_ms;
        if (start == before_start && item->ord <= before_ord) {
            item->ord = before_ord + 1;
            if (item->kept) {
                code = load_place(conn, e, item->place, err);
                code = code == SC_OK ? own_row(item, &p->s, err) : code;
            }
        }
        before_start = start;
        before_ord = item->ord;
    }
    return code;
}

/* How many that start at the same time stand in front of each, before and now. */
static void rank_all(struct sc_edit *e)
{
    int64_t before = -1, rank = 0;
    for (size_t i = 0; i < e->place_count; i++) {
        struct sc_edit_place *p = &e->places[i];
        rank = p->start_ms == before ? rank + 1 : 0;
        before = p->start_ms;
        p->rank = rank;
    }
    before = -1;
    for (size_t i = 0; i < e->item_count; i++) {
        struct sc_edit_item *item = &e->items[i];
        int64_t start = item->kept ? e->places[item->place].start_ms : item->s.start_ms;
        rank = start == before ? rank + 1 : 0;
        before = start;
        item->rank = rank;
        if (item->kept)
            e->places[item->place].rank_now = rank;
    }
}

/* What leaves the sum of the base, or comes into the next one, is what its hash says: whoever puts
 * a damaged row right must find it in both. */
static enum sc_code check_place(struct sc_conn *conn, struct sc_edit *e, size_t place,
                                struct sc_error *err)
{
    const struct sc_edit_place *p = &e->places[place];
    enum sc_code code = load_place(conn, e, place, err);
    if (code != SC_OK || sc_segment_is_sound(&p->s, p->hash))
        return code;
    return sc_transcript_damaged(conn, e->base.id, "an index has another checksum than its row",
                                 err);
}

/* Rows that stay do not die; what dies is read, and counted. */
static enum sc_code count_changes(struct sc_conn *conn, struct sc_edit *e, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    e->words = e->base.word_count;
    for (size_t i = 0; i < e->item_count; i++) {
        const struct sc_edit_item *item = &e->items[i];
        if (item->kept)
            e->places[item->place].dies = false;
        e->words += item->kept ? 0 : sc_segment_says(&item->s);
        e->changed += item->place == SC_NOWHERE ? 1 : 0;
    }
    for (size_t i = 0; code == SC_OK && i < e->place_count; i++) {
        if (e->places[i].rank_now != e->places[i].rank)
            code = check_place(conn, e, i, err);
        if (code != SC_OK || !e->places[i].dies)
            continue;
        e->words -= sc_segment_says(&e->places[i].s);
        e->changed++;
    }
    return code;
}

/* Has the edit given the segment times that the base does not have? */
static bool is_retimed(const struct sc_edit *e, const struct sc_edit_item *item)
{
    if (item->kept)
        return false;
    if (item->place == SC_NOWHERE)
        return true;
    const struct sc_segment *was = &e->places[item->place].s;
    return was->start_ms != item->s.start_ms || was->end_ms != item->s.end_ms;
}

static enum sc_code overlap(struct sc_conn *conn, struct sc_edit *e, size_t first, bool *out,
                            struct sc_error *err)
{
    const struct sc_edit_item *a = &e->items[first], *b = &e->items[first + 1];
    enum sc_code code = a->kept ? load_place(conn, e, a->place, err) : SC_OK;
    int64_t end = a->kept ? e->places[a->place].s.end_ms : a->s.end_ms;
    *out = (b->kept ? e->places[b->place].start_ms : b->s.start_ms) < end;
    return code;
}

/* What is doubtful about new times. A version of earlier was looked at when it was made. */
static enum sc_code count_doubts(struct sc_conn *conn, struct sc_edit *e, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (e->save.restored_from != 0)
        return SC_OK;
    for (size_t i = 0; code == SC_OK && i < e->item_count; i++) {
        bool before = false, behind = false;
        if (!is_retimed(e, &e->items[i]))
            continue;
        if (i > 0)
            code = overlap(conn, e, i - 1, &before, err);
        if (code == SC_OK && i + 1 < e->item_count)
            code = overlap(conn, e, i, &behind, err);
        e->overlaps += before || behind;
        e->behind_end += e->base.duration_ms >= 0 && e->items[i].s.end_ms > e->base.duration_ms;
    }
    return code;
}

static enum sc_code plan_items(struct sc_conn *conn, struct sc_edit *e,
                               const struct sc_segments *wanted, struct sc_error *err)
{
    SC_AUTO_FREE struct by_id *ids = sort_ids(e);
    enum sc_code code = SC_OK;
    e->items = sc_try_alloc((wanted->count + 1) * sizeof(*e->items));
    if (e->items == NULL || ids == NULL)
        return no_memory(err);
    for (size_t i = 0; code == SC_OK && i < wanted->count; i++)
        code = plan_item(conn, e, &wanted->items[i], ids, err);
    if (code == SC_OK)
        code = order_items(conn, e, err);
    if (code == SC_OK) {
        rank_all(e);
        code = count_changes(conn, e, err);
    }
    if (code == SC_OK)
        code = count_doubts(conn, e, err);
    return code == SC_OK ? sc_edit_find_origins(e, err) : code;
}

static struct sc_edit *edit_new(const struct sc_save *save, const struct sc_transcript *base)
{
    struct sc_edit *e = sc_alloc(sizeof(*e));
    e->base = *base;
    e->save = *save;
    e->save.note = NULL;
    e->save.origin = NULL;
    e->note = sc_strdup(save->note == NULL ? "" : save->note);
    const struct sc_origin *o = save->origin;
    const char *made[] = { o == NULL ? NULL : o->engine, o == NULL ? NULL : o->engine_version,
                           o == NULL ? NULL : o->model };
    for (size_t i = 0; i < SC_ARRAY_LEN(made); i++)
        e->origin[i] = sc_strdup(made[i] == NULL ? "" : made[i]);
    return e;
}

enum sc_code sc_edit_plan(struct sc_conn *conn, const struct sc_save *save,
                          const struct sc_segments *wanted, struct sc_edit **edit,
                          struct sc_saved *out, struct sc_error *err)
{
    struct sc_transcript t;
    SC_AUTO(sc_edit_freep) struct sc_edit *e = NULL;
    *out = (struct sc_saved){ 0 };
    enum sc_code code = sc_transcript_find(conn, save->owner_id, save->transcript, &t, err);
    if (code == SC_OK)
        code = sc_edit_check_base(&t, save, out, err);
    if (code == SC_OK)
        code = check_wanted(wanted, err);
    if (code != SC_OK)
        return code;
    e = edit_new(save, &t);
    code = read_places(conn, e, err);
    if (code == SC_OK)
        code = read_base(conn, e, true, err);
    if (code == SC_OK)
        code = plan_items(conn, e, wanted, err);
    if (code != SC_OK)
        return code;
    sc_edit_tell(e, out);
    *edit = SC_TAKE(e);
    return SC_OK;
}

/* What the draft has read. */
static enum sc_code take_base(struct sc_edit *e, const struct sc_draft *d, struct sc_error *err)
{
    size_t count = d->place_count + 1;
    void *places = NULL;
    if (!sc_try_grow(&places, &e->place_cap, count, sizeof(*e->places)))
        return no_memory(err);
    e->places = places;
    e->place_count = d->place_count;
    for (size_t i = 0; i < d->place_count; i++)
        e->places[i] = d->places[i];
    e->elsewhere = d->whole ? 0 : d->t.segment_count - (int64_t)d->place_count;
    return read_base(d->conn, e, d->whole, err);
}

enum sc_code sc_edit_plan_of_draft(const struct sc_draft *d, const struct sc_save *save,
                                   const struct sc_segments *wanted, struct sc_edit **edit,
                                   struct sc_saved *out, struct sc_error *err)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *e = NULL;
    *out = (struct sc_saved){ .version = d->t.version };
    enum sc_code code = check_wanted(wanted, err);
    if (code != SC_OK)
        return code;
    e = edit_new(save, &d->t);
    code = take_base(e, d, err);
    if (code == SC_OK)
        code = plan_items(d->conn, e, wanted, err);
    if (code != SC_OK)
        return code;
    sc_edit_tell(e, out);
    *edit = SC_TAKE(e);
    return SC_OK;
}

enum sc_code sc_edit_plan_draft(const struct sc_draft *d, const struct sc_save *save,
                                struct sc_edit **edit, struct sc_saved *out, struct sc_error *err)
{
    return sc_edit_plan_of_draft(d, save, &d->list, edit, out, err);
}

enum sc_code sc_transcript_save(struct sc_conn *tx, const struct sc_save *save,
                                const struct sc_segments *wanted, int64_t now_ms,
                                struct sc_saved *out, struct sc_error *err)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *e = NULL;
    enum sc_code code = sc_edit_plan(tx, save, wanted, &e, out, err);
    return code == SC_OK ? sc_edit_write(tx, e, now_ms, out, err) : code;
}
