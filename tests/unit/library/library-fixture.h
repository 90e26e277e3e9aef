#pragma once
/* A store with two owners, a file and jobs, and one-line forms of the library's verbs: each is one
 * write. */

#include "library/files.h"
#include "library/transcripts.h"
#include "store/fixture.h"
#include "transcript/make.h"

#include <inttypes.h>

#define T0 INT64_C(1700000000000)

struct rig {
    struct fixture f;
    struct test_clock clock;
};

/* Jobs 1 and 2 are on file 1 (the second says the language), job 3 has no file; job 4 is the other
 * owner's, on file 2. */
static const char rig_content[] =
    "INSERT INTO principals (id, name, created_ms) VALUES (2, 'other', 0);"
    "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format,"
    "  codec, duration_ms, sample_rate, channels, uploaded_ms) VALUES"
    "  (1, 1, 'h1', 'a.wav', 'p1', 10, 'wav', 'pcm_s16le', 4000, 16000, 1, 0),"
    "  (2, 2, 'h1', 'b.wav', 'p1', 10, 'wav', 'pcm_s16le', 4000, 16000, 1, 0);"
    "INSERT INTO jobs (id, job_id, owner_id, file_id, pipeline, class, state, admission, language,"
    "  created_ms, updated_ms) VALUES"
    "  (1, 'j1', 1, 1, 'transcribe', 1, 1, 2, '', 0, 0),"
    "  (2, 'j2', 1, 1, 'transcribe', 1, 1, 2, 'de', 0, 0),"
    "  (3, 'j3', 1, NULL, 'noop', 1, 1, 2, '', 0, 0),"
    "  (4, 'j4', 2, 2, 'transcribe', 1, 1, 2, '', 0, 0);";

static inline struct rig rig_new(void)
{
    struct rig r = { .f = fixture_new(), .clock = test_clock_at(T0, 1000) };
    assert_int_equal(write_sql(r.f.store, rig_content), SC_OK);
    return r;
}

static inline void rig_done(struct rig *r)
{
    fixture_done(&r->f);
    test_clock_done(&r->clock);
}

#define AUTO_RIG(r) SC_AUTO(rig_done) struct rig r = rig_new()
#define AUTO_READER(conn, r)                               \
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL; \
    assert_int_equal(sc_store_read((r).f.store, &conn, NULL), SC_OK)

/* What a write needs and answers, for all of them. */
struct op {
    const struct sc_file *file;
    const char *source;
    struct sc_file *stored;
    bool duplicate;
    int64_t id, job, duration_ms, by;
    int chunk, version;
    const struct sc_segments *segments;
    const char *language, *format, *model;
    struct sc_error err;
};

static inline enum sc_code op_file_add(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_file_add(tx, op->file, op->source, sc_clock_wall_ms(), op->stored, &op->duplicate,
                       err);
}

static inline enum sc_code op_set_duration(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_file_set_duration(tx, op->id, op->duration_ms, err);
}

static inline enum sc_code op_begin(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_transcript_begin(tx, op->job, sc_clock_wall_ms(), &op->id, err);
}

static inline enum sc_code op_put_chunk(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    struct sc_origin origin = { "null", "1", op->model };
    return sc_transcript_put_chunk(tx, op->id, op->chunk, op->segments, &origin, err);
}

static inline enum sc_code op_finish(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_transcript_finish(tx, op->id, op->language, op->segments, op->duration_ms,
                                sc_clock_wall_ms(), err);
}

static inline enum sc_code op_export(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    const struct sc_export export = {
        .transcript_id = op->id,
        .version = op->version,
        .format = op->format,
        .by = op->by,
    };
    return sc_export_record(tx, &export, sc_clock_wall_ms(), err);
}

static inline enum sc_code do_write(struct rig *r, sc_write_fn fn, struct op *op)
{
    op->err = (struct sc_error){ 0 };
    enum sc_code code = sc_store_write(r->f.store, SC_RELAXED, fn, op, &op->err);
    assert_true(code == SC_OK || op->err.msg[0] != '\0'); /* every refusal says why */
    return code;
}

static inline int64_t begin(struct rig *r, int64_t job)
{
    struct op op = { .job = job };
    assert_int_equal(do_write(r, op_begin, &op), SC_OK);
    return op.id;
}

static inline enum sc_code put_chunk(struct rig *r, int64_t id, int chunk,
                                     const struct sc_segments *segments)
{
    struct op op = { .id = id, .chunk = chunk, .segments = segments, .model = "m" };
    return do_write(r, op_put_chunk, &op);
}

/* Puts one segment per text, each a second long, from start_ms on. */
static inline void put_texts(struct rig *r, int64_t id, int chunk, int64_t start_ms,
                             const char *const *texts)
{
    SC_AUTO_SEGMENTS list = { 0 };
    for (; *texts != NULL; texts++, start_ms += 1000)
        (void)add_segment(&list, start_ms, 100, *texts);
    assert_int_equal(put_chunk(r, id, chunk, &list), SC_OK);
}

#define PUT(r, id, chunk, start_ms, ...) \
    put_texts(&(r), (id), (chunk), (start_ms), (const char *const[]){ __VA_ARGS__, NULL })

static inline struct sc_transcript find(struct rig *r, int64_t id)
{
    struct sc_transcript t;
    AUTO_READER(conn, *r);
    assert_int_equal(sc_transcript_find(conn, 0, id, &t, NULL), SC_OK);
    return t;
}

static inline enum sc_code read_version(struct rig *r, int64_t id, int version,
                                        struct sc_segments *out, struct sc_error *err)
{
    struct sc_transcript t = find(r, id);
    AUTO_READER(conn, *r);
    return sc_transcript_segments(conn, &t, version, out, err);
}

/* All text of a version, segments by newlines. */
static inline void assert_text(struct rig *r, int64_t id, int version, const char *wanted)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };
    if (read_version(r, id, version, &segments, &err) != SC_OK)
        fail_msg("%s", err.msg);
    sc_segments_text(&segments, &text);
    assert_string_equal(sc_buf_text(&text), wanted);
}

/* Finishes with what is stored. */
static inline enum sc_code finish(struct rig *r, int64_t id, const char *language)
{
    SC_AUTO_SEGMENTS all = { 0 };
    struct sc_transcript t = find(r, id);
    assert_int_equal(read_version(r, id, t.version, &all, NULL), SC_OK);
    struct op op = { .id = id, .language = language, .segments = &all, .duration_ms = 5000 };
    return do_write(r, op_finish, &op);
}

static inline int64_t hits(struct rig *r, const char *word)
{
    static const char format[] = "SELECT count(*) FROM segments_fts WHERE segments_fts MATCH"
                                 " '\"' || char(1) || '1' || char(2) || '%s\" OR \"' || char(1)"
                                 " || '2' || char(2) || '%s\"'";
    char sql[240];
    (void)snprintf(sql, sizeof(sql), format, word, word);
    return number(r->f.store, sql);
}

/* The indexes hold exactly what the rows say: FTS5's own check fails else. */
static inline void assert_index_whole(struct rig *r)
{
    static const char check[] =
        "INSERT INTO segments_parts (segments_parts, rank) VALUES ('integrity-check', 1);"
        "INSERT INTO segments_fts (segments_fts, rank) VALUES ('integrity-check', 1)";
    assert_int_equal(write_sql(r->f.store, check), SC_OK);
}
