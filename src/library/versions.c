#include "library/library-internal.h"

#include "base/alloc.h"

#include <inttypes.h>

#include "base/banned.h"

/* ---- reading ---- */

void sc_sum_from_row(struct sc_stmt *st, struct sc_sum_stored *out)
{
    out->kind = sc_stmt_int(st, "content_hash_kind") == SC_SUM_CHAIN ? SC_SUM_CHAIN : SC_SUM_ADDED;
    SC_STMT_COPY(st, "content_hash", out->hash);
}

enum sc_code sc_version_sum(struct sc_conn *conn, int64_t id, int version,
                            struct sc_sum_stored *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_VERSION_GET);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    sc_stmt_bind_int(&st, ":version", version);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_VERSION_NOT_FOUND, "transcript %" PRId64 " has no version %d",
                            id, version);
    if (code == SC_OK)
        sc_sum_from_row(&st, out);
    return code;
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
    SC_AUTO(sc_sum_freep) struct sc_sum *sum = sc_sum_new(SC_SUM_ADDED);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SEGMENT_LIST_HASHES);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row)
            break;
        sc_sum_segment(sum, sc_stmt_str(&st, "content_hash"), sc_stmt_int(&st, "start_ms"));
        out->segments++;
    }
    sc_sum_hex(sum, out->content_hash);
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
    sc_stmt_bind_int(&st, ":content_hash_kind", SC_SUM_ADDED);
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

/* ---- lists ---- */

void sc_version_done(struct sc_version *v)
{
    free(v->change_note);
    v->change_note = NULL;
}

static void version_from_row(struct sc_stmt *st, struct sc_version *out)
{
    *out = (struct sc_version){
        .version = (int)sc_stmt_int(st, "version"),
        .current = sc_stmt_int(st, "is_current") != 0,
        .restored_from = (int)sc_stmt_int_or(st, "restored_from", 0),
        .segment_count = sc_stmt_int(st, "segment_count"),
        .word_count = sc_stmt_int(st, "word_count"),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .change_note = sc_strdup(sc_stmt_text(st, "change_note")),
    };
    SC_STMT_READ(st, out, created_by);
    SC_STMT_READ(st, out, content_hash);
}

enum sc_code sc_version_list(struct sc_conn *conn, int64_t transcript, int64_t before, int limit,
                             sc_version_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_VERSION_LIST);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    sc_stmt_bind_int(&st, ":before", before == 0 ? INT64_MAX : before);
    sc_stmt_bind_int(&st, ":limit", limit);
    for (;;) {
        bool row = false;
        SC_AUTO_VERSION v = { 0 };
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        version_from_row(&st, &v);
        code = fn(ctx, &v, err);
        if (code != SC_OK)
            return code;
    }
}

static enum sc_code take_version(void *ctx, const struct sc_version *v, struct sc_error *err)
{
    struct sc_version *out = ctx;
    (void)err;
    *out = *v;
    out->change_note = sc_strdup(v->change_note);
    return SC_OK;
}

enum sc_code sc_version_find(struct sc_conn *conn, int64_t transcript, int version,
                             struct sc_version *out, struct sc_error *err)
{
    struct sc_version found = { 0 };
    /* The newest one below version + 1, if it is that one; there is no version 0. */
    enum sc_code code = sc_version_list(conn, transcript, (int64_t)SC_MAX(version, 0) + 1, 1,
                                        take_version, &found, err);
    if (code == SC_OK && found.version > 0 && found.version == version) {
        *out = found;
        return SC_OK;
    }
    sc_version_done(&found);
    return code != SC_OK
               ? code
               : sc_error_set(err, SC_E_VERSION_NOT_FOUND,
                              "transcript %" PRId64 " has no version %d", transcript, version);
}
