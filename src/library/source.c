/* The segments of a version, one at a time. */
#include "library/library-internal.h"

#include <inttypes.h>

#include "base/banned.h"

/* A partial transcript has no sum yet; its row counts the segments in the writes that add them. */
static bool is_partial(const struct sc_transcript_source *s)
{
    return s->wanted.hash[0] == '\0';
}

static void begin(struct sc_transcript_source *s)
{
    bool alive = s->version == s->t->version;
    s->st = sc_stmt_get(s->conn, alive ? SC_SQL_SEGMENT_LIST_ALIVE : SC_SQL_SEGMENT_LIST_VERSION);
    sc_stmt_bind_int(&s->st, ":transcript_id", s->t->id);
    sc_stmt_bind_int(&s->st, ":version", SC_MAX(1, s->version)); /* a partial one's are born in 1 */
    s->sum = sc_sum_new(s->wanted.kind);
    s->count = 0;
    s->begun = true;
    s->ended = false;
}

/* The statement is free for others. */
static void end(struct sc_transcript_source *s)
{
    if (s->begun)
        sc_stmt_done(&s->st);
    sc_sum_free(s->sum);
    s->sum = NULL;
    s->begun = false;
}

static enum sc_code check_end(struct sc_transcript_source *s, struct sc_error *err)
{
    char found[SC_SHA256_TEXT], what[80];
    if (is_partial(s) && s->count != s->t->segment_count)
        return sc_transcript_damaged(s->conn, s->t->id, "a segment is missing", err);
    if (is_partial(s))
        return SC_OK;
    sc_sum_hex(s->sum, found);
    (void)snprintf(what, sizeof(what), "version %d, a segment is missing or misplaced", s->version);
    return strcmp(found, s->wanted.hash) == 0 ? SC_OK
                                              : sc_transcript_damaged(s->conn, s->t->id, what, err);
}

static enum sc_code next(struct sc_source *source, const struct sc_segment **out,
                         struct sc_error *err)
{
    struct sc_transcript_source *s = (struct sc_transcript_source *)source;
    bool row = false;
    if (!s->begun && !s->ended)
        begin(s);
    sc_segment_done(&s->segment);
    s->segment = (struct sc_segment){ 0 };
    *out = NULL;
    if (s->ended)
        return SC_OK;
    enum sc_code code =
        sc_segment_read(&s->st, s->t->id, &s->segment, is_partial(s) ? NULL : s->sum, &row, err);
    if (code == SC_OK && row) {
        s->count++;
        *out = &s->segment;
        return SC_OK;
    }
    if (code == SC_OK)
        code = check_end(s, err);
    s->ended = code == SC_OK;
    end(s);
    return code;
}

static void rewind_rows(struct sc_source *source)
{
    struct sc_transcript_source *s = (struct sc_transcript_source *)source;
    end(s);
    s->ended = false;
}

void sc_transcript_source_done(struct sc_transcript_source *s)
{
    end(s);
    sc_segment_done(&s->segment);
}

enum sc_code sc_transcript_source_open(struct sc_conn *conn, const struct sc_transcript *t,
                                       int version, struct sc_transcript_source *out,
                                       struct sc_error *err)
{
    enum sc_code code = SC_OK;
    *out = (struct sc_transcript_source){
        .source = { next, rewind_rows }, .conn = conn, .t = t, .version = version
    };
    if (version != 0 || t->complete)
        code = sc_version_sum(conn, t->id, version, &out->wanted, err);
    if (code == SC_E_VERSION_NOT_FOUND && t->complete && version == t->version)
        return sc_transcript_damaged(conn, t->id, "its current version is missing", err);
    return code;
}

enum sc_code sc_transcript_segments(struct sc_conn *conn, const struct sc_transcript *t,
                                    int version, struct sc_segments *out, struct sc_error *err)
{
    SC_AUTO_SEGMENTS read = { 0 };
    SC_AUTO_TRANSCRIPT_SOURCE from = { .begun = false };
    const struct sc_segment *one;
    enum sc_code code = sc_transcript_source_open(conn, t, version, &from, err);
    while (sc_source_take(&from.source, &code, &one, err)) {
        if (!sc_segments_take(&read, &from.segment))
            code = sc_error_set(err, SC_E_INTERNAL, "no memory for transcript %" PRId64, t->id);
    }
    if (code != SC_OK)
        return code;
    sc_segments_done(out);
    *out = read;
    read = (struct sc_segments){ 0 };
    return SC_OK;
}
