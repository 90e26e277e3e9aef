#include "library/edit.h"

#include "base/alloc.h"
#include "library/library-internal.h"
#include "library/text-index.h"
#include "transcript/words.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

#define NOWHERE SIZE_MAX
/* The API shows confidences with four digits: what comes back with them has not changed. */
#define SAME_CONFIDENCE 0.00006

/* Where a segment of the base stands. */
struct place {
    int64_t row, segment_id, start_ms, ord;
    bool dies;
    char hash[SC_SHA256_TEXT];
};

/* A segment of the new version, in its order. */
struct item {
    size_t place;        /* of the base; NOWHERE: a new one */
    bool kept;           /* its row stays */
    bool made;           /* its words are the edit's */
    int64_t ord;         /* of its new row */
    struct sc_segment s; /* owned; empty when kept */
};

struct sc_edit {
    struct sc_save save; /* borrows nothing */
    char *note;          /* owned */
    char *origin[3];     /* owned: engine, version, model */
    struct sc_transcript base;
    struct place *places; /* owned, in order */
    size_t place_count, place_cap;
    struct item *items; /* owned, in order */
    size_t item_count;
    int64_t changed, words;
};

void sc_edit_free(struct sc_edit *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->item_count; i++)
        sc_segment_done(&e->items[i].s);
    for (size_t i = 0; i < SC_ARRAY_LEN(e->origin); i++)
        free(e->origin[i]);
    free(e->note);
    free(e->places);
    free(e->items);
    free(e);
}

/* ---- the base ---- */

static enum sc_code check_base(const struct sc_transcript *t, const struct sc_save *save,
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

static enum sc_code read_places(struct sc_conn *conn, struct sc_edit *e, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EDIT_PLACES);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        void *places = e->places;
        if (!sc_try_grow(&places, &e->place_cap, e->place_count + 1, sizeof(*e->places)))
            return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
        e->places = places;
        struct place *p = &e->places[e->place_count++];
        *p = (struct place){
            .row = sc_stmt_int(&st, "id"),
            .segment_id = sc_stmt_int(&st, "segment_id"),
            .start_ms = sc_stmt_int(&st, "start_ms"),
            .ord = sc_stmt_int(&st, "ord"),
            .dies = true, /* until it is kept */
        };
        SC_STMT_COPY(&st, "content_hash", p->hash);
    }
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
    struct by_id *ids = sc_alloc_array(e->place_count + 1, sizeof(*ids));
    for (size_t i = 0; i < e->place_count; i++)
        ids[i] = (struct by_id){ .id = e->places[i].segment_id, .place = i };
    qsort(ids, e->place_count, sizeof(*ids), compare_ids);
    return ids;
}

/* ---- what differs ---- */

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

static bool is_same(const struct sc_segment *a, const struct sc_segment *b)
{
    return a->start_ms == b->start_ms && a->end_ms == b->end_ms && is_text_same(a->text, b->text) &&
           is_text_same(a->speaker, b->speaker) &&
           is_confidence_same(a->confidence, b->confidence) && are_words_same(a, b);
}

/* The item becomes a row of its own, with this content. */
static bool write_item(struct item *item, const struct sc_segment *s)
{
    item->kept = false;
    return sc_segment_copy(s, &item->s);
}

static enum sc_code plan_item(struct sc_edit *e, const struct sc_segments *base,
                              const struct sc_segment *s, struct by_id *ids, struct sc_error *err)
{
    struct item *item = &e->items[e->item_count++];
    *item = (struct item){ .place = NOWHERE, .made = true };
    if (s->id != 0) {
        struct by_id key = { .id = s->id };
        struct by_id *found = bsearch(&key, ids, e->place_count, sizeof(*ids), compare_ids);
        if (found == NULL || found->taken)
            return sc_error_field(err, SC_E_INVALID_VALUE, "segments",
                                  "segment %zu has the id %" PRId64 ", which %s: leave the id out "
                                  "for a new segment",
                                  e->item_count, s->id,
                                  found == NULL ? "the transcript does not have"
                                                : "stands further up already");
        found->taken = true;
        item->place = found->place;
        const struct sc_segment *before = &base->items[item->place];
        item->kept = is_same(before, s);
        item->made = !is_text_same(before->text, s->text);
        if (item->kept)
            return SC_OK;
    }
    if (!write_item(item, s))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    item->s.chunk = item->place == NOWHERE ? -1 : base->items[item->place].chunk;
    item->s.origin = item->place == NOWHERE ? 0 : base->items[item->place].origin;
    return SC_OK;
}

/* (start_ms, ord) is the order of the segments, and no two are equal. */
static enum sc_code place_items(struct sc_edit *e, const struct sc_segments *base,
                                struct sc_error *err)
{
    int64_t before_start = -1, before_ord = 0;
    for (size_t i = 0; i < e->item_count; i++) {
        struct item *item = &e->items[i];
        const struct place *p = item->place == NOWHERE ? NULL : &e->places[item->place];
        item->ord = p == NULL ? 0 : p->ord;
        int64_t start = item->kept ? p->start_ms : item->s.start_ms;
        if (start == before_start && item->ord <= before_ord) {
            item->ord = before_ord + 1;
            if (item->kept && !write_item(item, &base->items[item->place]))
                return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
        }
        before_start = start;
        before_ord = item->ord;
    }
    return SC_OK;
}

/* Rows that stay do not die; counts what changes. */
static void count_changes(struct sc_edit *e, const struct sc_segments *base)
{
    e->words = e->base.word_count;
    for (size_t i = 0; i < e->item_count; i++) {
        const struct item *item = &e->items[i];
        if (item->kept) {
            e->places[item->place].dies = false;
            continue;
        }
        e->words += (int64_t)item->s.word_count;
        e->changed += item->place == NOWHERE ? 1 : 0;
    }
    for (size_t i = 0; i < e->place_count; i++) {
        if (e->places[i].dies) {
            e->words -= (int64_t)base->items[i].word_count;
            e->changed++;
        }
    }
}

static enum sc_code plan_items(struct sc_edit *e, const struct sc_segments *base,
                               const struct sc_segments *wanted, struct sc_error *err)
{
    SC_AUTO_FREE struct by_id *ids = sort_ids(e);
    enum sc_code code = SC_OK;
    e->items = sc_try_alloc((wanted->count + 1) * sizeof(*e->items));
    if (e->items == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    for (size_t i = 0; code == SC_OK && i < wanted->count; i++)
        code = plan_item(e, base, &wanted->items[i], ids, err);
    if (code == SC_OK)
        code = place_items(e, base, err);
    if (code == SC_OK)
        count_changes(e, base);
    return code;
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
    SC_AUTO_SEGMENTS base = { 0 };
    SC_AUTO(sc_edit_freep) struct sc_edit *e = NULL;
    *out = (struct sc_saved){ 0 };
    enum sc_code code = sc_transcript_find(conn, save->owner_id, save->transcript, &t, err);
    if (code == SC_OK)
        code = check_base(&t, save, out, err);
    if (code == SC_OK)
        code = sc_segments_check(wanted, err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &t, t.version, &base, err);
    if (code != SC_OK)
        return code;
    e = edit_new(save, &t);
    code = read_places(conn, e, err);
    if (code == SC_OK && e->place_count != base.count)
        code = sc_transcript_damaged(conn, t.id, "its index does not agree with its rows", err);
    if (code == SC_OK)
        code = plan_items(e, &base, wanted, err);
    if (code == SC_OK)
        *edit = SC_TAKE(e);
    return code;
}

/* ---- writing ---- */

/* Nothing has changed yet: somebody was quicker, or the transcript is gone. */
static enum sc_code claim_version(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                                  struct sc_saved *out, struct sc_error *err)
{
    enum sc_code code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_TRANSCRIPT);
        sc_stmt_bind_int(&st, ":id", e->base.id);
        sc_stmt_bind_int(&st, ":owner_id", e->save.owner_id);
        sc_stmt_bind_int(&st, ":base", e->base.version);
        sc_stmt_bind_int(&st, ":segments", (int64_t)e->item_count);
        sc_stmt_bind_int(&st, ":words", e->words);
        sc_stmt_bind_int(&st, ":now", now_ms);
        code = sc_stmt_run(&st, err);
    }
    if (code != SC_OK || sc_conn_changes(tx) == 1)
        return code;
    struct sc_transcript t;
    struct sc_save save = e->save;
    save.base_version = e->base.version;
    code = sc_transcript_find(tx, save.owner_id, save.transcript, &t, err);
    return code == SC_OK ? check_base(&t, &save, out, err) : code;
}

static enum sc_code write_origin(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                                 int64_t *origin, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_ORIGIN);
    sc_stmt_bind_text(&st, ":engine", e->origin[0]);
    sc_stmt_bind_text(&st, ":engine_version", e->origin[1]);
    sc_stmt_bind_text(&st, ":model", e->origin[2]);
    sc_stmt_bind_int(&st, ":by", e->save.by);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    sc_stmt_bind_int(&st, ":version", e->base.version + 1);
    sc_stmt_bind_int(&st, ":now", now_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    *origin = sc_conn_last_id(tx);
    return code;
}

static enum sc_code end_row(struct sc_conn *tx, const struct sc_edit *e, int64_t row,
                            struct sc_error *err)
{
    enum sc_code code = sc_text_unindex_row(tx, row, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_ROW_DIES);
    sc_stmt_bind_int(&st, ":id", row);
    sc_stmt_bind_int(&st, ":version", e->base.version + 1);
    return sc_stmt_run(&st, err);
}

static enum sc_code insert_row(struct sc_conn *tx, const struct sc_edit *e, const struct item *item,
                               int64_t origin, const char *hash, struct sc_error *err)
{
    const struct sc_segment *s = &item->s;
    SC_AUTO_BUF words = { 0 };
    sc_words_pack(s, &words);
    if (words.failed)
        return sc_error_set(err, SC_E_BODY_TOO_LARGE, "a segment has too many words");
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_ROW_INSERT);
    sc_stmt_bind_opt(&st, ":segment_id",
                     item->place == NOWHERE ? -1 : e->places[item->place].segment_id);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    sc_stmt_bind_int(&st, ":version", e->base.version + 1);
    sc_stmt_bind_int(&st, ":chunk", s->chunk);
    sc_stmt_bind_int(&st, ":ord", item->ord);
    sc_stmt_bind_int(&st, ":start_ms", s->start_ms);
    sc_stmt_bind_int(&st, ":end_ms", s->end_ms);
    sc_stmt_bind_text(&st, ":text", s->text == NULL ? "" : s->text);
    sc_stmt_bind_text(&st, ":speaker", s->speaker == NULL ? "" : s->speaker);
    if (s->confidence >= 0)
        sc_stmt_bind_double(&st, ":confidence", s->confidence);
    else
        sc_stmt_bind_null(&st, ":confidence");
    if (words.len > 0)
        sc_stmt_bind_blob(&st, ":words", words.ptr, words.len);
    else
        sc_stmt_bind_null(&st, ":words");
    sc_stmt_bind_int(&st, ":origin_id", item->made || s->origin == 0 ? origin : s->origin);
    sc_stmt_bind_text(&st, ":content_hash", hash);
    return sc_stmt_run(&st, err);
}

/* Ends rows and makes new ones; sums gets the hash of each segment, in order. */
static enum sc_code write_rows(struct sc_conn *tx, const struct sc_edit *e, int64_t origin,
                               struct sc_buf *sums, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < e->place_count; i++) {
        if (e->places[i].dies)
            code = end_row(tx, e, e->places[i].row, err);
    }
    for (size_t i = 0; code == SC_OK && i < e->item_count; i++) {
        const struct item *item = &e->items[i];
        char hash[SC_SHA256_TEXT];
        if (item->kept) {
            sc_buf_puts(sums, e->places[item->place].hash);
            continue;
        }
        struct sc_segment s = item->s; /* as it will be read: no speaker is NULL */
        if (s.speaker != NULL && s.speaker[0] == '\0')
            s.speaker = NULL;
        sc_segment_hash(&s, hash);
        sc_buf_puts(sums, hash);
        code = insert_row(tx, e, item, origin, hash, err);
        if (code == SC_OK)
            code = sc_text_index_row(tx, sc_conn_last_id(tx), err);
    }
    return code;
}

static enum sc_code write_version(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                                  const char *hash, struct sc_error *err)
{
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_VERSION_OLD);
        sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
        enum sc_code code = sc_stmt_run(&st, err);
        if (code != SC_OK)
            return code;
    }
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_VERSION_NEW);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    sc_stmt_bind_int(&st, ":version", e->base.version + 1);
    sc_stmt_bind_int(&st, ":segments", (int64_t)e->item_count);
    sc_stmt_bind_int(&st, ":words", e->words);
    sc_stmt_bind_int(&st, ":by", e->save.by);
    sc_stmt_bind_int(&st, ":now", now_ms);
    sc_stmt_bind_text(&st, ":note", e->note);
    sc_stmt_bind_text(&st, ":content_hash", hash);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_change(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                                 struct sc_error *err)
{
    char detail[80];
    (void)snprintf(detail, sizeof(detail), "{\"base_version\":%d,\"changed_segments\":%" PRId64 "}",
                   e->base.version, e->changed);
    const struct sc_change change = {
        .kind = e->save.kind,
        .owner_id = e->base.owner_id,
        .by = e->save.by,
        .at_ms = now_ms,
        .transcript_id = e->base.id,
        .version = e->base.version + 1,
        .detail = detail,
    };
    return sc_change_record(tx, &change, err);
}

enum sc_code sc_edit_write(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                           struct sc_saved *out, struct sc_error *err)
{
    *out = (struct sc_saved){ .version = e->base.version,
                              .changed = e->changed > 0,
                              .changed_segments = e->changed,
                              .segment_count = (int64_t)e->item_count,
                              .word_count = e->words };
    if (!out->changed)
        return SC_OK;
    int64_t origin = 0;
    char hash[SC_SHA256_TEXT];
    SC_AUTO_BUF sums = { .limit = SIZE_MAX / 4 };
    enum sc_code code = claim_version(tx, e, now_ms, out, err);
    if (code == SC_OK)
        code = write_origin(tx, e, now_ms, &origin, err);
    if (code == SC_OK)
        code = write_rows(tx, e, origin, &sums, err);
    if (code == SC_OK && sums.failed)
        code = sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    if (code != SC_OK)
        return code;
    sc_hash_bytes(sc_buf_text(&sums), sums.len, hash);
    code = write_version(tx, e, now_ms, hash, err);
    if (code == SC_OK)
        code = write_change(tx, e, now_ms, err);
    if (code == SC_OK)
        out->version = e->base.version + 1;
    return code;
}

enum sc_code sc_transcript_save(struct sc_conn *tx, const struct sc_save *save,
                                const struct sc_segments *wanted, int64_t now_ms,
                                struct sc_saved *out, struct sc_error *err)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *e = NULL;
    enum sc_code code = sc_edit_plan(tx, save, wanted, &e, out, err);
    return code == SC_OK ? sc_edit_write(tx, e, now_ms, out, err) : code;
}
