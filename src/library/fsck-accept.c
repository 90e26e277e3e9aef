/* Taking what stayed damaged as it is: from here on it has the checksum of what is there. Nothing
 * is made up; bytes that are no text become U+FFFD, words that cannot be unpacked go, times are put
 * in order. One write, with the row of the history that says so. */
#include "library/fsck-ledger.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include "base/banned.h"

struct accept {
    const struct sc_fsck_work *told;
    const struct sc_fsck_work *w; /* as it is in the write */
    struct sc_conn *tx;
    int64_t segments; /* that were taken */
};

/* What is there, as it may be served. */
static void put_in_order(struct sc_stored *row)
{
    struct sc_segment *s = &row->s;
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF speaker = { 0 };
    for (size_t i = 0; i < row->text.len; i++) {
        if (row->text.ptr[i] == '\0')
            row->text.ptr[i] = ' ';
    }
    sc_utf8_append_lossy(&text, sc_buf_str(&row->text));
    sc_utf8_append_lossy(&speaker, sc_str_from(s->speaker == NULL ? "" : s->speaker));
    free(s->text);
    free(s->speaker);
    s->text = sc_strdup(sc_buf_text(&text));
    s->speaker = speaker.len == 0 ? NULL : sc_strdup(sc_buf_text(&speaker));
    s->start_ms = SC_MIN(SC_MAX(s->start_ms, 0), SC_SEGMENT_TIME_MAX);
    s->end_ms = SC_MIN(SC_MAX(s->end_ms, s->start_ms), SC_SEGMENT_TIME_MAX);
    if (!(s->confidence <= 1))
        s->confidence = -1;
    if (row->unpacked && sc_segment_fault(s, 0) == NULL)
        return;
    /* Words that are not the text's, or not within its times. */
    for (size_t i = 0; i < s->word_count; i++)
        free(s->words[i].text);
    s->word_count = 0;
    sc_heard_free(s->heard);
    s->heard = NULL;
}

static enum sc_code accept_row(struct accept *a, struct sc_fsck_row *row, struct sc_error *err)
{
    SC_AUTO_STORED stored = { 0 };
    {
        SC_AUTO_STMT st = sc_stmt_get(a->tx, SC_SQL_FSCK_SEGMENT);
        sc_stmt_bind_int(&st, ":id", row->id);
        sc_stmt_bind_int(&st, ":transcript_id", a->w->t.id);
        enum sc_code code = sc_stmt_one(&st, err);
        if (code != SC_OK)
            return code;
        sc_stored_from_row(&st, &stored);
    }
    put_in_order(&stored);
    sc_stored_pack(&stored);
    sc_segment_hash(&stored.s, stored.hash);
    SC_AUTO_STMT st = sc_stmt_get(a->tx, SC_SQL_FSCK_SEGMENT_RESTORE);
    sc_stmt_bind_int(&st, ":id", row->id);
    sc_stmt_bind_int(&st, ":transcript_id", a->w->t.id);
    sc_segment_bind(&st, &stored.s, sc_buf_str(&stored.words), sc_buf_str(&stored.heard));
    sc_stmt_bind_text(&st, ":content_hash", stored.hash);
    sc_stmt_bind_str(&st, ":was", sc_buf_str(&stored.was));
    a->segments++;
    enum sc_code code = sc_stmt_run(&st, err);
    return code == SC_OK ? sc_fsck_changed_one(a->tx, err) : code;
}

static enum sc_code accept_version(struct accept *a, const struct sc_fsck_version *stored,
                                   struct sc_error *err)
{
    struct sc_fsck_version sum = sc_fsck_sum_of(a->w, stored);
    SC_AUTO_STMT st = sc_stmt_get(a->tx, SC_SQL_FSCK_VERSION_RESTORE);
    sc_stmt_bind_int(&st, ":transcript_id", a->w->t.id);
    sc_stmt_bind_int(&st, ":version", sum.version);
    sc_stmt_bind_int(&st, ":segments", sum.segments);
    sc_stmt_bind_int(&st, ":words", sum.words);
    sc_stmt_bind_text(&st, ":content_hash", sum.sum.hash);
    return sc_stmt_run(&st, err);
}

/* The figures of the current version; of a partial transcript all its rows. */
static enum sc_code accept_counts(struct accept *a, struct sc_error *err)
{
    struct sc_fsck_version now = { .version = 0 };
    for (size_t i = 0; i < a->w->versions.count; i++) {
        if (a->w->versions.items[i].current)
            now = sc_fsck_sum_of(a->w, &a->w->versions.items[i]);
    }
    for (size_t i = 0; now.version == 0 && i < a->w->rows.count; i++) {
        now.segments++;
        now.words += a->w->rows.items[i].words;
    }
    SC_AUTO_STMT st = sc_stmt_get(a->tx, SC_SQL_FSCK_TRANSCRIPT_COUNT);
    sc_stmt_bind_int(&st, ":id", a->w->t.id);
    sc_stmt_bind_int(&st, ":segments", now.segments);
    sc_stmt_bind_int(&st, ":words", now.words);
    return sc_stmt_run(&st, err);
}

/* Is what is damaged what was told? Whatever else has come meanwhile might be restored. */
static bool is_as_told(const struct sc_fsck_work *told, const struct sc_fsck_work *now)
{
    if (told->rows.count != now->rows.count || told->versions.count != now->versions.count)
        return false;
    for (size_t i = 0; i < now->rows.count; i++) {
        if (told->rows.items[i].id != now->rows.items[i].id ||
            (told->rows.items[i].sound && !now->rows.items[i].sound))
            return false;
    }
    for (size_t i = 0; i < now->versions.count; i++) {
        if (sc_fsck_is_right(told, &told->versions.items[i]) &&
            !sc_fsck_is_right(now, &now->versions.items[i]))
            return false;
    }
    return true;
}

static enum sc_code write_accept(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct accept *a = ctx;
    SC_AUTO(sc_fsck_work_done) struct sc_fsck_work now = { .f = a->told->f };
    a->tx = tx;
    a->w = &now;
    a->segments = 0;
    enum sc_code code = sc_fsck_load_from(&now, tx, a->told->t.id - 1, err);
    sc_fsck_reckon(&now);
    if (code == SC_OK && !is_as_told(a->told, &now))
        code = sc_error_set(err, SC_E_CONFLICT, "more was damaged meanwhile");
    for (size_t i = 0; code == SC_OK && i < now.rows.count; i++) {
        if (!now.rows.items[i].sound)
            code = accept_row(a, &now.rows.items[i], err);
    }
    /* Times and sums are those of the rows as they are now. */
    if (code == SC_OK)
        code = sc_fsck_load_from(&now, tx, now.t.id - 1, err);
    sc_fsck_reckon(&now);
    for (size_t i = 0; code == SC_OK && i < now.versions.count; i++)
        code = accept_version(a, &now.versions.items[i], err);
    if (code == SC_OK)
        code = accept_counts(a, err);
    return code == SC_OK ? sc_fsck_record(tx, &now, SC_CHANGE_DAMAGE_ACCEPTED, now.t.version,
                                          a->segments, err)
                         : code;
}

enum sc_code sc_fsck_accept(struct sc_fsck_work *w, struct sc_error *err)
{
    struct accept a = { .told = w };
    sc_fsck_reckon(w);
    enum sc_code code = sc_fsck_write(w, write_accept, &a, err);
    if (sc_fsck_wrote(w, &code))
        sc_fsck_ledger_accept(w->found);
    return code;
}
