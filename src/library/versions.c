#include "library/library-internal.h"

#include <inttypes.h>

#include "base/banned.h"

/* ---- reading ---- */

/* The content hash that a version was given; VERSION_NOT_FOUND. */
static enum sc_code version_hash(struct sc_conn *conn, int64_t id, int version,
                                 char out[SC_SHA256_TEXT], struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_VERSION_GET);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    sc_stmt_bind_int(&st, ":version", version);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_VERSION_NOT_FOUND, "transcript %" PRId64 " has no version %d",
                            id, version);
    if (code == SC_OK)
        (void)snprintf(out, SC_SHA256_TEXT, "%s", sc_stmt_text(&st, "content_hash"));
    return code;
}

static enum sc_code read_alive(struct sc_conn *conn, int64_t id, struct sc_segments *out,
                               struct sc_hash *sum, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEGMENT_LIST_ALIVE);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    return sc_segments_read(&st, id, out, sum, err);
}

static enum sc_code read_past(struct sc_conn *conn, int64_t id, int version,
                              struct sc_segments *out, struct sc_hash *sum, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEGMENT_LIST_VERSION);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    sc_stmt_bind_int(&st, ":version", version);
    return sc_segments_read(&st, id, out, sum, err);
}

enum sc_code sc_transcript_segments(struct sc_conn *conn, const struct sc_transcript *t,
                                    int version, struct sc_segments *out, struct sc_error *err)
{
    if (version == 0 && !t->complete)
        return read_alive(conn, t->id, out, NULL, err);

    char wanted[SC_SHA256_TEXT];
    enum sc_code code = version_hash(conn, t->id, version, wanted, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_SEGMENTS read = { 0 };
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    code = version == t->version ? read_alive(conn, t->id, &read, sum, err)
                                 : read_past(conn, t->id, version, &read, sum, err);
    if (code != SC_OK)
        return code;
    char found[SC_SHA256_TEXT];
    sc_hash_hex(sum, found);
    if (strcmp(found, wanted) != 0)
        return sc_error_set(err, SC_E_STORE_DAMAGED,
                            "version %d of transcript %" PRId64
                            " is damaged: a segment is missing or misplaced",
                            version, t->id);
    sc_segments_done(out);
    *out = read;
    read = (struct sc_segments){ 0 };
    return SC_OK;
}

/* ---- making version 1 ---- */

struct totals {
    int64_t segments, words, duration_ms, now_ms;
    double confidence; /* negative: unknown */
    char content_hash[SC_SHA256_TEXT];
};

/* Counts the stored rows and sums their hashes: what will be read is what counts. */
static enum sc_code sum_rows(struct sc_conn *tx, int64_t id, struct totals *out,
                             struct sc_error *err)
{
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SEGMENT_LIST_HASHES);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row)
            break;
        struct sc_str hash = sc_stmt_str(&st, "content_hash");
        sc_hash_update(sum, hash.ptr, hash.len);
        out->segments++;
    }
    sc_hash_hex(sum, out->content_hash);
    return SC_OK;
}

/* The mean over the segments whose confidence is known, each with the weight of its words. */
static double mean_confidence(const struct sc_segments *all)
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct sc_segment *s = &all->items[i];
        double words = s->word_count == 0 ? 1 : (double)s->word_count;
        if (s->confidence >= 0) {
            sum += (double)s->confidence * words;
            weight += words;
        }
    }
    return weight > 0 ? sum / weight : -1;
}

static enum sc_code insert_version(struct sc_conn *tx, int64_t id, const struct totals *totals,
                                   struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_VERSION_INSERT_FIRST);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":segments", totals->segments);
    sc_stmt_bind_int(&st, ":words", totals->words);
    sc_stmt_bind_int(&st, ":now", totals->now_ms);
    sc_stmt_bind_text(&st, ":content_hash", totals->content_hash);
    return sc_stmt_run(&st, err);
}

static enum sc_code complete_row(struct sc_conn *tx, int64_t id, const char *language,
                                 const struct totals *totals, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_COMPLETE);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":segments", totals->segments);
    sc_stmt_bind_int(&st, ":words", totals->words);
    if (totals->confidence >= 0)
        sc_stmt_bind_double(&st, ":confidence", totals->confidence);
    else
        sc_stmt_bind_null(&st, ":confidence");
    sc_stmt_bind_opt(&st, ":duration_ms", totals->duration_ms);
    sc_stmt_bind_text(&st, ":language", language == NULL ? "" : language);
    sc_stmt_bind_int(&st, ":now", totals->now_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_transcript_finish(struct sc_conn *tx, int64_t id, const char *language,
                                  const struct sc_segments *all, int64_t duration_ms,
                                  int64_t now_ms, struct sc_error *err)
{
    bool partial = false;
    enum sc_code code = sc_transcript_partial(tx, id, &partial, err);
    if (code != SC_OK || !partial)
        return code;
    struct totals totals = {
        .words = sc_segments_words(all),
        .duration_ms = duration_ms,
        .now_ms = now_ms,
        .confidence = mean_confidence(all),
    };
    code = sum_rows(tx, id, &totals, err);
    if (code == SC_OK && totals.segments != (int64_t)all->count)
        return sc_error_set(err, SC_E_INTERNAL,
                            "transcript %" PRId64 " holds %" PRId64 " segments, not the %zu given",
                            id, totals.segments, all->count);
    if (code == SC_OK)
        code = insert_version(tx, id, &totals, err);
    return code == SC_OK ? complete_row(tx, id, language, &totals, err) : code;
}

enum sc_code sc_export_record(struct sc_conn *tx, const struct sc_export *export, int64_t now_ms,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EXPORT_INSERT);
    sc_stmt_bind_int(&st, ":transcript_id", export->transcript_id);
    sc_stmt_bind_int(&st, ":version", export->version);
    sc_stmt_bind_text(&st, ":format", export->format);
    sc_stmt_bind_text(&st, ":path", export->path);
    sc_stmt_bind_int(&st, ":by", export->by);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return sc_stmt_run(&st, err);
}
