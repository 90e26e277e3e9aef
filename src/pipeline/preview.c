#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"

#include "base/banned.h"

#define ENOUGH 200 /* segments at once */

enum { OVERLAPS = 1, SETTLED = 2 }; /* chunks.overlaps_next */

struct sc_preview {
    int64_t job;
    int next; /* chunk whose text is told next */
    bool has_carried;
    struct sc_segments carried; /* of `next`, settled with the chunk before */
};

struct sc_preview *sc_preview_new(int64_t job)
{
    struct sc_preview *p = sc_alloc(sizeof(*p));
    *p = (struct sc_preview){ .job = job };
    return p;
}

void sc_preview_free(struct sc_preview *p)
{
    if (p == NULL)
        return;
    sc_segments_done(&p->carried);
    free(p);
}

struct chunk_state {
    bool done;
    int overlap;
    int64_t end_samples;
};

/* Not done: not there yet either, or of one channel among several. */
static enum sc_code read_chunk(struct sc_conn *conn, int64_t job, int chunk,
                               struct chunk_state *out, struct sc_error *err)
{
    *out = (struct chunk_state){ 0 };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_GET);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":chunk", chunk);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return code;
    *out = (struct chunk_state){
        .done = sc_stmt_int_or(&st, "processed_ms", -1) >= 0 && sc_stmt_int(&st, "channel") < 0,
        .overlap = (int)sc_stmt_int(&st, "overlaps_next"),
        .end_samples = sc_stmt_int(&st, "end_samples"),
    };
    return SC_OK;
}

static enum sc_code move_all(struct sc_segments *from, struct sc_segments *to, struct sc_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        struct sc_segment *slot = sc_segments_add(to);
        if (slot == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "no memory for the text so far");
        *slot = from->items[i];
        from->items[i] = (struct sc_segment){ 0 };
    }
    return SC_OK;
}

static void take_all(struct sc_segments *from, struct sc_segments *to)
{
    *to = *from;
    *from = (struct sc_segments){ 0 };
}

/* The chunk's text as the merge will leave it. */
static enum sc_code tell(struct sc_preview *p, struct sc_conn *conn, int64_t transcript,
                         const struct chunk_state *chunk, struct sc_segments *out,
                         struct sc_error *err)
{
    SC_AUTO_SEGMENTS here = { 0 };
    SC_AUTO_SEGMENTS later = { 0 };
    struct sc_seam_changes changes;
    enum sc_code code = SC_OK;
    /* Once the merge has settled its seam, what is stored has gone through the one before too. */
    bool stored = !p->has_carried || chunk->overlap == SETTLED;
    if (stored)
        code = sc_transcript_chunk(conn, transcript, p->next, &here, err);
    else
        take_all(&p->carried, &here);
    if (code == SC_OK && chunk->overlap == OVERLAPS)
        code = sc_transcript_chunk(conn, transcript, p->next + 1, &later, err);
    if (code == SC_OK && chunk->overlap == OVERLAPS)
        code = sc_merge_seam(&here, &later, chunk->end_samples, &changes, err);
    if (code == SC_OK)
        code = move_all(&here, out, err);
    if (code != SC_OK)
        return code;
    sc_segments_done(&p->carried);
    take_all(&later, &p->carried);
    p->has_carried = chunk->overlap == OVERLAPS;
    p->next++;
    return SC_OK;
}

enum sc_code sc_preview_next(struct sc_preview *p, struct sc_conn *conn, struct sc_segments *out,
                             struct sc_error *err)
{
    struct sc_transcript t;
    enum sc_code code = sc_transcript_of_job(conn, p->job, &t, err);
    if (code == SC_E_TRANSCRIPT_NOT_FOUND) { /* no chunk is done */
        *err = (struct sc_error){ 0 };
        return SC_OK;
    }
    for (size_t before = out->count; code == SC_OK && out->count - before < ENOUGH;) {
        struct chunk_state chunk, later = { .done = true };
        code = read_chunk(conn, p->job, p->next, &chunk, err);
        if (code == SC_OK && chunk.done && chunk.overlap == OVERLAPS)
            code = read_chunk(conn, p->job, p->next + 1, &later, err);
        if (code != SC_OK || !chunk.done || !later.done)
            return code;
        code = tell(p, conn, t.id, &chunk, out, err);
    }
    return code;
}

/* ---- of one event ---- */

/* The first chunk that was not done before the event, and once it had come. */
struct reach {
    int before, after;
};

#define CHUNKS_MAX ((size_t)1 << 20) /* of a recording of months */

static enum sc_code read_done(struct sc_conn *conn, const struct sc_event *event,
                              struct sc_buf *done, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EVENT_CHUNKS_DONE);
    sc_stmt_bind_int(&st, ":job", event->job);
    sc_stmt_bind_int(&st, ":id", event->id);
    sc_stmt_bind_int(&st, ":kind", SC_EVENT_TASK_COMPLETED);
    sc_stmt_bind_int(&st, ":stage", SC_STAGE_TRANSCRIBE);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        size_t chunk = (size_t)sc_stmt_int(&st, "chunk");
        while (done->len <= chunk && chunk < CHUNKS_MAX && !done->failed)
            sc_buf_putc(done, 0);
        if (chunk < done->len)
            done->ptr[chunk] = 1;
    }
}

static enum sc_code read_reach(struct sc_conn *conn, const struct sc_event *event,
                               struct reach *out, struct sc_error *err)
{
    SC_AUTO_BUF done = { 0 }; /* a byte for each chunk */
    enum sc_code code = read_done(conn, event, &done, err);
    *out = (struct reach){ 0, 0 };
    while ((size_t)out->after < done.len && done.ptr[out->after] != 0)
        out->after++;
    out->before = SC_MIN(event->chunk, out->after);
    return code;
}

/* A chunk that overlaps the next one is certain when that is done. */
static enum sc_code step_back(struct sc_conn *conn, int64_t job, int *reach, struct sc_error *err)
{
    struct chunk_state last;
    if (*reach == 0)
        return SC_OK;
    enum sc_code code = read_chunk(conn, job, *reach - 1, &last, err);
    if (code == SC_OK && last.overlap != 0)
        (*reach)--;
    return code;
}

/* Back to where the text of `first` begins to depend on chunks before it. */
static enum sc_code find_start(struct sc_conn *conn, int64_t job, int first, int *out,
                               struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (*out = first; *out > 0; (*out)--) {
        struct chunk_state before;
        code = read_chunk(conn, job, *out - 1, &before, err);
        if (code != SC_OK || before.overlap != OVERLAPS)
            return code;
    }
    return code;
}

/* Tells the chunks from `first` to before `end`; those from p->next on prepare for it. */
static enum sc_code tell_between(struct sc_preview *p, struct sc_conn *conn, int first, int end,
                                 struct sc_segments *out, struct sc_error *err)
{
    struct sc_transcript t;
    enum sc_code code = sc_transcript_of_job(conn, p->job, &t, err);
    if (code == SC_E_TRANSCRIPT_NOT_FOUND) {
        *err = (struct sc_error){ 0 };
        return SC_OK;
    }
    while (code == SC_OK && p->next < end) {
        struct chunk_state chunk;
        SC_AUTO_SEGMENTS before = { 0 };
        code = read_chunk(conn, p->job, p->next, &chunk, err);
        if (code != SC_OK || !chunk.done)
            return code;
        code = tell(p, conn, t.id, &chunk, p->next < first ? &before : out, err);
    }
    return code;
}

static bool ends_chunk(const struct sc_event *event)
{
    return event->kind == SC_EVENT_TASK_COMPLETED && event->stage == SC_STAGE_TRANSCRIBE &&
           event->chunk >= 0;
}

enum sc_code sc_preview_pending(struct sc_conn *conn, const struct sc_event *event,
                                struct sc_segments *out, struct sc_error *err)
{
    struct reach reach;
    struct chunk_state chunk;
    struct sc_transcript t;
    if (!ends_chunk(event))
        return SC_OK;
    enum sc_code code = read_chunk(conn, event->job, event->chunk, &chunk, err);
    if (code != SC_OK || !chunk.done)
        return code;
    code = read_reach(conn, event, &reach, err);
    if (code == SC_OK)
        code = step_back(conn, event->job, &reach.after, err);
    if (code != SC_OK || event->chunk < reach.after)
        return code;
    code = sc_transcript_of_job(conn, event->job, &t, err);
    return code == SC_OK ? sc_transcript_chunk(conn, t.id, event->chunk, out, err) : code;
}

enum sc_code sc_preview_of_event(struct sc_conn *conn, const struct sc_event *event,
                                 struct sc_segments *out, struct sc_error *err)
{
    SC_AUTO(sc_preview_freep) struct sc_preview *p = sc_preview_new(event->job);
    struct reach reach;
    if (!ends_chunk(event))
        return SC_OK;
    enum sc_code code = read_reach(conn, event, &reach, err);
    if (code != SC_OK || reach.before == reach.after)
        return code;
    code = step_back(conn, p->job, &reach.before, err);
    if (code == SC_OK)
        code = step_back(conn, p->job, &reach.after, err);
    if (code == SC_OK)
        code = find_start(conn, p->job, reach.before, &p->next, err);
    return code == SC_OK ? tell_between(p, conn, reach.before, reach.after, out, err) : code;
}
