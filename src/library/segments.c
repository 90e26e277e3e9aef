#include "library/library-internal.h"
#include "library/text-index.h"
#include "transcript/words.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <inttypes.h>

#include "base/banned.h"

/* Chunks come in order, and so do the segments of one: (start_ms, ord) then never ties. */
#define ORD_PER_CHUNK INT64_C(1000000)

int64_t sc_segments_words(const struct sc_segments *s)
{
    int64_t words = 0;
    for (size_t i = 0; i < s->count; i++)
        words += sc_segment_says(&s->items[i]);
    return words;
}

/* ---- rows to segments ---- */

bool sc_content_is_sound(const struct sc_buf *content, size_t bare, const char *content_hash)
{
    char hash[SC_SHA256_TEXT];
    sc_hash_bytes(content->ptr, content->len, hash);
    if (strcmp(hash, content_hash) == 0)
        return true;
    sc_hash_bytes(content->ptr, bare, hash);
    return strcmp(hash, content_hash) == 0;
}

bool sc_segment_is_sound(const struct sc_segment *s, const char *content_hash)
{
    SC_AUTO_BUF content = { .limit = SIZE_MAX / 4 };
    size_t bare;
    sc_segment_content(s, &content, &bare);
    return !content.failed && sc_content_is_sound(&content, bare, content_hash);
}

bool sc_segment_from_row(struct sc_stmt *st, struct sc_segment *out, struct sc_error *why)
{
    struct sc_str speaker = sc_stmt_str(st, "speaker");
    struct sc_str text = sc_stmt_str(st, "text");
    out->row = sc_stmt_int(st, "id");
    out->id = sc_stmt_int(st, "segment_id");
    out->origin = sc_stmt_int(st, "origin_id");
    out->chunk = (int)sc_stmt_int(st, "chunk");
    out->start_ms = sc_stmt_int(st, "start_ms");
    out->end_ms = sc_stmt_int(st, "end_ms");
    out->text = sc_strndup(text.ptr, text.len);
    out->speaker = speaker.len == 0 ? NULL : sc_strndup(speaker.ptr, speaker.len);
    out->confidence = (float)sc_stmt_double_or(st, "confidence", -1);
    if (sc_words_unpack(sc_stmt_str(st, "words"), out, why) != SC_OK ||
        sc_heard_unpack(sc_stmt_str(st, "heard"), out, why) != SC_OK)
        return false;
    /* A NUL that came into a text ends it early, which the hash shows. */
    if (sc_segment_is_sound(out, sc_stmt_text(st, "content_hash")))
        return true;
    (void)sc_error_set(why, SC_E_TRANSCRIPT_DAMAGED, "it does not match its checksum");
    return false;
}

/* The job's id with a space in front of "job", or nothing when it cannot be told. */
static void name_job(struct sc_conn *conn, int64_t transcript, char *out, size_t size)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TRANSCRIPT_JOB_ID);
    sc_stmt_bind_int(&st, ":id", transcript);
    out[0] = '\0';
    if (sc_stmt_one(&st, NULL) == SC_OK && !sc_stmt_is_null(&st, "job_id"))
        (void)snprintf(out, size, " of job %s", sc_stmt_text(&st, "job_id"));
}

enum sc_code sc_transcript_damaged(struct sc_conn *conn, int64_t transcript, const char *what,
                                   struct sc_error *err)
{
    char job[64];
    name_job(conn, transcript, job, sizeof(job));
    return sc_error_set(err, SC_E_TRANSCRIPT_DAMAGED,
                        "transcript %" PRId64 "%s is damaged: %.80s; 'scripta fsck' says what "
                        "can be restored",
                        transcript, job, what);
}

/* The next row; damage of its pages is damage of the transcript. */
static enum sc_code step_row(struct sc_stmt *st, int64_t transcript, bool *row,
                             struct sc_error *err)
{
    enum sc_code code = sc_stmt_step(st, row, err);
    if (code != SC_E_STORE_DAMAGED)
        return code;
    return sc_transcript_damaged(st->conn, transcript, "pages of the store cannot be read", err);
}

bool sc_segments_take(struct sc_segments *list, struct sc_segment *one)
{
    struct sc_segment *to = sc_segments_add(list);
    if (to == NULL)
        return false;
    *to = *one;
    *one = (struct sc_segment){ 0 };
    return true;
}

enum sc_code sc_segment_read(struct sc_stmt *st, int64_t transcript, struct sc_segment *out,
                             struct sc_sum *sum, bool *row, struct sc_error *err)
{
    struct sc_error why = { 0 };
    enum sc_code code = step_row(st, transcript, row, err);
    if (code != SC_OK || !*row)
        return code;
    if (!sc_segment_from_row(st, out, &why)) {
        char what[160];
        (void)snprintf(what, sizeof(what), "segment %" PRId64 ", %.100s", out->id, why.msg);
        return sc_transcript_damaged(st->conn, transcript, what, err);
    }
    if (sum != NULL)
        sc_sum_segment(sum, sc_stmt_str(st, "content_hash"), out->start_ms);
    return SC_OK;
}

enum sc_code sc_transcript_chunk(struct sc_conn *conn, int64_t id, int chunk,
                                 struct sc_segments *out, struct sc_error *err)
{
    SC_AUTO_SEGMENTS read = { 0 };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEGMENT_LIST_CHUNK);
    sc_stmt_bind_int(&st, ":transcript_id", id);
    sc_stmt_bind_int(&st, ":chunk", chunk);
    for (bool row = true; row;) {
        SC_AUTO(sc_segment_done) struct sc_segment one = { 0 };
        enum sc_code code = sc_segment_read(&st, id, &one, NULL, &row, err);
        if (code == SC_OK && row && !sc_segments_take(&read, &one))
            code = sc_error_set(err, SC_E_INTERNAL, "no memory for transcript %" PRId64, id);
        if (code != SC_OK)
            return code;
    }
    sc_segments_done(out);
    *out = read;
    read = (struct sc_segments){ 0 };
    return SC_OK;
}

/* ---- segments to rows ---- */

static enum sc_code insert_origin(struct sc_conn *tx, const struct sc_origin *origin, int64_t *id,
                                  struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_ORIGIN_INSERT);
    sc_stmt_bind_text(&st, ":engine", origin->engine);
    sc_stmt_bind_text(&st, ":engine_version", origin->engine_version);
    sc_stmt_bind_text(&st, ":model", origin->model);
    sc_stmt_bind_text(&st, ":model_hash", origin->model_hash);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *id = sc_conn_last_id(tx);
    return code;
}

/* UNIQUE holds NULLs apart, so the row of an engine is looked for first. */
enum sc_code sc_origin_row(struct sc_conn *tx, const struct sc_origin *given, int64_t *id,
                           struct sc_error *err)
{
    struct sc_origin origin = {
        .engine = given->engine == NULL ? "" : given->engine,
        .engine_version = given->engine_version == NULL ? "" : given->engine_version,
        .model = given->model == NULL ? "" : given->model,
        .model_hash = given->model_hash == NULL ? "" : given->model_hash,
    };
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_ORIGIN_FIND);
    sc_stmt_bind_text(&st, ":engine", origin.engine);
    sc_stmt_bind_text(&st, ":engine_version", origin.engine_version);
    sc_stmt_bind_text(&st, ":model", origin.model);
    sc_stmt_bind_text(&st, ":model_hash", origin.model_hash);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return insert_origin(tx, &origin, id, err);
    if (code == SC_OK)
        *id = sc_stmt_int(&st, "id");
    return code;
}

/* What all rows of a chunk share. */
struct target {
    int64_t transcript, origin;
    int chunk;
};

static void bind_packed(struct sc_stmt *st, const char *name, struct sc_str packed)
{
    if (packed.len > 0)
        sc_stmt_bind_blob(st, name, packed.ptr, packed.len);
    else
        sc_stmt_bind_null(st, name);
}

void sc_segment_bind(struct sc_stmt *st, const struct sc_segment *s, struct sc_str words,
                     struct sc_str heard)
{
    sc_stmt_bind_int(st, ":start_ms", s->start_ms);
    sc_stmt_bind_int(st, ":end_ms", s->end_ms);
    sc_stmt_bind_text(st, ":text", s->text == NULL ? "" : s->text);
    sc_stmt_bind_text(st, ":speaker", s->speaker == NULL ? "" : s->speaker);
    if (s->confidence >= 0)
        sc_stmt_bind_double(st, ":confidence", s->confidence);
    else
        sc_stmt_bind_null(st, ":confidence");
    bind_packed(st, ":words", words);
    bind_packed(st, ":heard", heard);
}

static enum sc_code insert_segment(struct sc_conn *tx, const struct target *to,
                                   const struct sc_segment *segment, size_t index,
                                   struct sc_error *err)
{
    struct sc_segment s = *segment; /* as it will be read: no speaker is NULL, no text is "" */
    if (s.speaker != NULL && s.speaker[0] == '\0')
        s.speaker = NULL;
    char hash[SC_SHA256_TEXT];
    sc_segment_hash(&s, hash);
    SC_AUTO_BUF words = { 0 };
    SC_AUTO_BUF heard = { 0 };
    sc_words_pack(&s, &words);
    sc_heard_pack(s.heard, &heard);
    if (words.failed || heard.failed)
        return sc_error_set(err, SC_E_BODY_TOO_LARGE, "segment %zu has too many words", index);

    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SEGMENT_INSERT);
    sc_stmt_bind_int(&st, ":transcript_id", to->transcript);
    sc_stmt_bind_int(&st, ":chunk", to->chunk);
    sc_stmt_bind_int(&st, ":ord", to->chunk * ORD_PER_CHUNK + (int64_t)index);
    sc_segment_bind(&st, &s, sc_buf_str(&words), sc_buf_str(&heard));
    sc_stmt_bind_int(&st, ":origin_id", to->origin);
    sc_stmt_bind_text(&st, ":content_hash", hash);
    return sc_stmt_run(&st, err);
}

static enum sc_code delete_chunk(struct sc_conn *tx, const struct target *to, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SEGMENT_DELETE_CHUNK);
    sc_stmt_bind_int(&st, ":transcript_id", to->transcript);
    sc_stmt_bind_int(&st, ":chunk", to->chunk);
    return sc_stmt_run(&st, err);
}

static enum sc_code replace_rows(struct sc_conn *tx, const struct target *to,
                                 const struct sc_segments *segments, struct sc_error *err)
{
    enum sc_code code = sc_text_unindex_chunk(tx, to->transcript, to->chunk, err);
    if (code == SC_OK)
        code = delete_chunk(tx, to, err);
    for (size_t i = 0; code == SC_OK && i < segments->count; i++)
        code = insert_segment(tx, to, &segments->items[i], i, err);
    return code == SC_OK ? sc_text_index_chunk(tx, to->transcript, to->chunk, err) : code;
}

/* Adds what is new to the transcript's counts and takes off what was replaced. */
static enum sc_code grow(struct sc_conn *tx, int64_t id, const struct sc_segments *before,
                         const struct sc_segments *after, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_GROW);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":segments", (int64_t)after->count - (int64_t)before->count);
    sc_stmt_bind_int(&st, ":words", sc_segments_words(after) - sc_segments_words(before));
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

enum sc_code sc_transcript_put_chunk(struct sc_conn *tx, int64_t id, int chunk,
                                     const struct sc_segments *segments,
                                     const struct sc_origin *origin, struct sc_error *err)
{
    bool partial = false;
    struct target to = { .transcript = id, .chunk = chunk };
    SC_AUTO_SEGMENTS before = { 0 };

    enum sc_code code = sc_segments_check(segments, err);
    if (code == SC_OK)
        code = sc_transcript_partial(tx, id, &partial, err);
    if (code == SC_OK && !partial)
        return sc_error_set(err, SC_E_CONFLICT, "transcript %" PRId64 " is complete", id);
    if (code == SC_OK)
        code = sc_transcript_chunk(tx, id, chunk, &before, err);
    if (code == SC_OK)
        code = sc_origin_row(tx, origin, &to.origin, err);
    if (code == SC_OK)
        code = replace_rows(tx, &to, segments, err);
    return code == SC_OK ? grow(tx, id, &before, segments, err) : code;
}
