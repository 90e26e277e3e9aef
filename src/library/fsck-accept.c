/* Taking what stayed damaged as it is: from here on it has the checksum of what is there. Nothing
 * is made up; bytes that are no text become U+FFFD, words that cannot be unpacked go, times are put
 * in order. One write, with the row of the history that says so. */
#include "library/fsck-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include "base/banned.h"

struct accept {
    struct sc_fsck_work *w;
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
    a->segments++;
    return sc_stmt_run(&st, err);
}

static enum sc_code accept_version(struct accept *a, const struct sc_fsck_version *stored,
                                   struct sc_error *err)
{
    struct sc_fsck_version sum = sc_fsck_sum(&a->w->rows, stored);
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
            now = sc_fsck_sum(&a->w->rows, &a->w->versions.items[i]);
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

static enum sc_code write_accept(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct accept *a = ctx;
    struct sc_fsck_work *w = a->w;
    enum sc_code code = SC_OK;
    a->tx = tx;
    a->segments = 0;
    for (size_t i = 0; code == SC_OK && i < w->rows.count; i++) {
        if (!w->rows.items[i].sound)
            code = accept_row(a, &w->rows.items[i], err);
    }
    /* Times and sums are those of the rows as they are now. */
    if (code == SC_OK)
        code = sc_fsck_load_from(w, tx, w->t.id - 1, err);
    for (size_t i = 0; code == SC_OK && i < w->versions.count; i++)
        code = accept_version(a, &w->versions.items[i], err);
    if (code == SC_OK)
        code = accept_counts(a, err);
    return code == SC_OK
               ? sc_fsck_record(tx, w, SC_CHANGE_DAMAGE_ACCEPTED, w->t.version, a->segments, err)
               : code;
}

enum sc_code sc_fsck_accept(struct sc_fsck_work *w, struct sc_error *err)
{
    struct accept a = { .w = w };
    return sc_store_write(w->f->o->store, SC_DURABLE, write_accept, &a, err);
}
