/* Writing an edit: as many rows as differ. */
#include "library/edit-internal.h"

#include "base/alloc.h"
#include "library/text-index.h"
#include "transcript/words.h"

#include <inttypes.h>

#include "base/banned.h"

/* Nothing has changed yet: somebody was quicker, or the transcript is gone. */
static enum sc_code refuse(struct sc_conn *tx, const struct sc_edit *e, struct sc_saved *out,
                           struct sc_error *err)
{
    struct sc_transcript t;
    struct sc_save save = e->save;
    save.base_version = e->base.version;
    enum sc_code code = sc_transcript_find(tx, save.owner_id, save.transcript, &t, err);
    if (code == SC_OK)
        code = sc_edit_check_base(&t, &save, out, err);
    if (code != SC_OK)
        return code;
    return sc_error_set(err, SC_E_TRANSCRIPT_BUSY,
                        "a long edit of transcript %" PRId64 " is being saved: try again", t.id);
}

/* Whatever was put right since changes its sum, and may have changed what it has read. */
static enum sc_code check_unrepaired(struct sc_conn *tx, const struct sc_edit *e,
                                     struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_REPAIRED);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    sc_stmt_bind_int(&st, ":seen", e->seen);
    sc_stmt_bind_text(&st, ":repaired", sc_change_name(SC_CHANGE_REPAIRED));
    sc_stmt_bind_text(&st, ":accepted", sc_change_name(SC_CHANGE_DAMAGE_ACCEPTED));
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return code;
    return sc_error_field(err, SC_E_CONFLICT, "base_version",
                          "transcript %" PRId64 " was repaired meanwhile: look at version %d and "
                          "edit that",
                          e->base.id, e->base.version);
}

enum sc_code sc_edit_claim(struct sc_conn *tx, const struct sc_edit *e, bool staged, int64_t now_ms,
                           struct sc_saved *out, struct sc_error *err)
{
    enum sc_code code = check_unrepaired(tx, e, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_TRANSCRIPT);
        sc_stmt_bind_int(&st, ":id", e->base.id);
        sc_stmt_bind_int(&st, ":owner_id", e->save.owner_id);
        sc_stmt_bind_int(&st, ":base", e->base.version);
        sc_stmt_bind_int(&st, ":staged", staged);
        sc_stmt_bind_int(&st, ":segments", sc_edit_segments(e));
        sc_stmt_bind_int(&st, ":more_words", e->words - e->base.word_count);
        sc_stmt_bind_int(&st, ":now", now_ms);
        code = sc_stmt_run(&st, err);
    }
    return code != SC_OK || sc_conn_changes(tx) == 1 ? code : refuse(tx, e, out, err);
}

enum sc_code sc_edit_stage(struct sc_conn *tx, const struct sc_edit *e, struct sc_saved *out,
                           struct sc_error *err)
{
    enum sc_code code = check_unrepaired(tx, e, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_STAGE_BEGIN);
        sc_stmt_bind_int(&st, ":id", e->base.id);
        sc_stmt_bind_int(&st, ":owner_id", e->save.owner_id);
        sc_stmt_bind_int(&st, ":base", e->base.version);
        code = sc_stmt_run(&st, err);
    }
    return code != SC_OK || sc_conn_changes(tx) == 1 ? code : refuse(tx, e, out, err);
}

enum sc_code sc_edit_make_origin(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
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

enum sc_code sc_edit_end_row(struct sc_conn *tx, int64_t row, int version, struct sc_error *err)
{
    enum sc_code code = sc_text_unindex_row(tx, row, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_ROW_DIES);
    sc_stmt_bind_int(&st, ":id", row);
    sc_stmt_bind_int(&st, ":version", version);
    return sc_stmt_run(&st, err);
}

/* A row as it is written. */
struct writing {
    struct sc_segment s;   /* borrows its texts */
    struct sc_word *words; /* owned */
    struct sc_made *made;  /* owned */
    char hash[SC_SHA256_TEXT];
};

static void writing_done(struct writing *w)
{
    free(w->words);
    free(w->made);
}

/* The edit's own words get its origin: in a copy, for the plan may be written twice. */
static bool prepare_row(const struct sc_edit_item *item, int64_t origin, struct writing *w)
{
    w->s = item->s;
    w->words = sc_try_alloc((w->s.word_count + 1) * sizeof(*w->words));
    w->made = sc_try_alloc((w->s.made_count + 1) * sizeof(*w->made));
    if (w->words == NULL || w->made == NULL)
        return false;
    for (size_t i = 0; i < w->s.word_count; i++) {
        w->words[i] = item->s.words[i];
        if (w->words[i].origin == SC_ORIGIN_HERE)
            w->words[i].origin = origin;
    }
    for (size_t i = 0; i < w->s.made_count; i++) {
        w->made[i] = item->s.made[i];
        if (w->made[i].origin == SC_ORIGIN_HERE)
            w->made[i].origin = origin;
    }
    w->s.words = w->words;
    w->s.made = w->made;
    if (w->s.origin == SC_ORIGIN_HERE)
        w->s.origin = origin;
    sc_segment_hash(&w->s, w->hash);
    return true;
}

static enum sc_code insert_row(struct sc_conn *tx, const struct sc_edit *e,
                               const struct sc_edit_item *item, const struct writing *w,
                               struct sc_error *err)
{
    const struct sc_segment *s = &w->s;
    SC_AUTO_BUF words = { 0 };
    SC_AUTO_BUF heard = { 0 };
    sc_words_pack(s, &words);
    sc_heard_pack(s->heard, &heard);
    if (words.failed || heard.failed)
        return sc_error_field(err, SC_E_BODY_TOO_LARGE, "segments",
                              "a segment has too many words: split it");
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EDIT_ROW_INSERT);
    sc_stmt_bind_opt(&st, ":segment_id", item->segment_id == 0 ? -1 : item->segment_id);
    sc_stmt_bind_int(&st, ":transcript_id", e->base.id);
    sc_stmt_bind_int(&st, ":version", e->base.version + 1);
    sc_stmt_bind_int(&st, ":chunk", s->chunk);
    sc_stmt_bind_int(&st, ":ord", item->ord);
    sc_segment_bind(&st, s, sc_buf_str(&words), sc_buf_str(&heard));
    sc_stmt_bind_int(&st, ":origin_id", s->origin);
    sc_stmt_bind_text(&st, ":content_hash", w->hash);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_edit_write_row(struct sc_conn *tx, const struct sc_edit *e,
                               const struct sc_edit_item *item, int64_t origin,
                               char hash[SC_SHA256_TEXT], struct sc_error *err)
{
    SC_AUTO(writing_done) struct writing w = { 0 };
    if (!prepare_row(item, origin, &w))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    memcpy(hash, w.hash, SC_SHA256_TEXT);
    enum sc_code code = insert_row(tx, e, item, &w, err);
    return code == SC_OK ? sc_text_index_row(tx, sc_conn_last_id(tx), err) : code;
}

char (*sc_edit_hashes(const struct sc_edit *e))[SC_SHA256_TEXT]
{
    return sc_try_alloc((e->item_count + 1) * SC_SHA256_TEXT);
}

void sc_edit_sums(const struct sc_edit *e, char (*hashes)[SC_SHA256_TEXT], char out[SC_SHA256_TEXT])
{
    struct sc_sum_number sum = e->sum;
    for (size_t i = 0; i < e->place_count; i++) {
        const struct sc_edit_place *p = &e->places[i];
        if (p->rank_now == p->rank)
            continue;
        sc_sum_take_off(&sum, sc_str_from(p->hash), p->rank);
        if (p->rank_now >= 0)
            sc_sum_add(&sum, sc_str_from(p->hash), p->rank_now);
    }
    for (size_t i = 0; i < e->item_count; i++) {
        if (!e->items[i].kept)
            sc_sum_add(&sum, sc_str_from(hashes[i]), e->items[i].rank);
    }
    sc_sum_format(&sum, out);
}

/* Ends rows and makes new ones, of which hashes gets the sums. */
static enum sc_code write_rows(struct sc_conn *tx, const struct sc_edit *e, int64_t origin,
                               char (*hashes)[SC_SHA256_TEXT], struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < e->place_count; i++) {
        if (e->places[i].dies)
            code = sc_edit_end_row(tx, e->places[i].row, e->base.version + 1, err);
    }
    for (size_t i = 0; code == SC_OK && i < e->item_count; i++) {
        if (!e->items[i].kept)
            code = sc_edit_write_row(tx, e, &e->items[i], origin, hashes[i], err);
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
    sc_stmt_bind_int(&st, ":by", e->save.by);
    sc_stmt_bind_int(&st, ":now", now_ms);
    sc_stmt_bind_text(&st, ":note", e->note);
    sc_stmt_bind_opt(&st, ":restored_from",
                     e->save.restored_from == 0 ? -1 : e->save.restored_from);
    sc_stmt_bind_text(&st, ":content_hash", hash);
    sc_stmt_bind_int(&st, ":content_hash_kind", SC_SUM_ADDED);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_change(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                                 struct sc_error *err)
{
    char detail[120];
    size_t len = (size_t)snprintf(detail, sizeof(detail),
                                  "{\"base_version\":%d,\"changed_segments\":%" PRId64,
                                  e->base.version, e->changed);
    if (e->save.restored_from != 0)
        len += (size_t)snprintf(detail + len, sizeof(detail) - len, ",\"restored_from\":%d",
                                e->save.restored_from);
    (void)snprintf(detail + len, sizeof(detail) - len, "}");
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

enum sc_code sc_edit_make_version(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                                  const char *hash, struct sc_error *err)
{
    enum sc_code code = write_version(tx, e, now_ms, hash, err);
    return code == SC_OK ? write_change(tx, e, now_ms, err) : code;
}

int64_t sc_edit_segments(const struct sc_edit *e)
{
    return e->elsewhere + (int64_t)e->item_count;
}

void sc_edit_tell(const struct sc_edit *e, struct sc_saved *out)
{
    *out = (struct sc_saved){ .version = e->base.version,
                              .changed = e->changed > 0,
                              .changed_segments = e->changed,
                              .segment_count = sc_edit_segments(e),
                              .word_count = e->words,
                              .behind_end = e->behind_end,
                              .overlaps = e->overlaps };
}

enum sc_code sc_edit_write(struct sc_conn *tx, const struct sc_edit *e, int64_t now_ms,
                           struct sc_saved *out, struct sc_error *err)
{
    sc_edit_tell(e, out);
    if (!out->changed)
        return SC_OK;
    int64_t origin = 0;
    char hash[SC_SHA256_TEXT];
    SC_AUTO_FREE char(*hashes)[SC_SHA256_TEXT] = sc_edit_hashes(e);
    if (hashes == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    enum sc_code code = sc_edit_claim(tx, e, false, now_ms, out, err);
    if (code == SC_OK)
        code = sc_edit_make_origin(tx, e, now_ms, &origin, err);
    if (code == SC_OK)
        code = write_rows(tx, e, origin, hashes, err);
    if (code != SC_OK)
        return code;
    sc_edit_sums(e, hashes, hash);
    code = sc_edit_make_version(tx, e, now_ms, hash, err);
    if (code == SC_OK)
        out->version = e->base.version + 1;
    return code;
}
