/* Chunks on their way to workers and back. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metric.h"
#include "pipeline/spoken.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

#define SAMPLES_PER_MS 16

/* In the result of one chunk, which one write stores: no write may keep the others waiting for
 * long. Far above what speech holds (some four words a second), and what a short chunk may hold of
 * engines that see things. */
#define SEGMENTS_ANYWAY 1000
#define SEGMENTS_PER_S 50
#define WORDS_ANYWAY 2000
#define WORDS_PER_S 100

void sc_chunk_work_done(struct sc_chunk_work *w)
{
    sc_job_order_done(&w->order);
    sc_freep(&w->carry);
}

/* ---- claim ---- */

/* Forgets what was claimed; the room stays. */
static void drop_claimed(struct sc_claimed *c)
{
    for (size_t i = 0; i < c->count; i++)
        sc_chunk_work_done(&c->work[i]);
    c->count = 0;
}

void sc_claimed_done(struct sc_claimed *c)
{
    drop_claimed(c);
    sc_freep(&c->work);
}

struct claim {
    struct sc_pipelines *p;
    struct sc_claimed *claimed;
};

struct span {
    int64_t start, end; /* samples */
    struct sc_stretches stretches;
    int64_t samples;                 /* of all of them */
    int64_t until;                   /* 0: in no chain */
    int channel;                     /* as chunks.channel */
    char language[SC_LANGUAGE_TEXT]; /* that it is told; "": that of its job */
    char pcm_hash[SC_SHA256_TEXT];
};

enum sc_code sc_stretches_of_row(struct sc_stmt *st, struct sc_stretches *out, struct sc_error *err)
{
    struct sc_str text = { 0 };
    if (!sc_stmt_is_null(st, "stretches"))
        text = sc_stmt_str(st, "stretches");
    return sc_stretches_read(text, sc_stmt_int(st, "start_samples"), sc_stmt_int(st, "end_samples"),
                             out, err);
}

static enum sc_code read_span(struct sc_conn *conn, int64_t job, int chunk, struct span *out,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_GET);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":chunk", chunk);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_INTERNAL, "chunk %d of job %lld has no row", chunk,
                            (long long)job);
    if (code != SC_OK)
        return code;
    out->start = sc_stmt_int(&st, "start_samples");
    out->end = sc_stmt_int(&st, "end_samples");
    out->until = sc_stmt_int_or(&st, "until_samples", 0);
    out->channel = (int)sc_stmt_int(&st, "channel");
    SC_STMT_READ(&st, out, language);
    (void)snprintf(out->pcm_hash, sizeof(out->pcm_hash), "%s", sc_stmt_text(&st, "pcm_hash"));
    code = sc_stretches_of_row(&st, &out->stretches, err);
    if (code == SC_OK)
        out->samples = sc_stretches_samples(&out->stretches);
    return code;
}

/* Reads what an engine needs of a task that was just claimed. */
static enum sc_code describe(struct sc_conn *tx, const struct sc_task *task,
                             struct sc_chunk_work *out, struct sc_error *err)
{
    struct span span = { 0 };
    enum sc_code code = sc_job_order_get(tx, task->job, &out->order, err);
    if (code == SC_OK && task->chunk >= 0)
        code = read_span(tx, task->job, task->chunk, &span, err);
    if (code == SC_OK && span.until > 0)
        code = sc_chain_carry(tx, task->job, task->chunk, span.channel, &out->carry, err);
    if (span.language[0] != '\0')
        (void)snprintf(out->order.language, sizeof(out->order.language), "%s", span.language);
    out->until_samples = span.until;
    out->start_samples = span.start;
    out->end_samples = span.end;
    out->samples = span.samples;
    return code;
}

static enum sc_code claim_in(struct sc_pipelines *p, struct sc_conn *tx, struct sc_claimed *claimed,
                             struct sc_error *err)
{
    struct sc_task tasks[SC_CLAIM_MAX];
    size_t n = 0;
    drop_claimed(claimed); /* the write may run twice */
    claimed->as_of_ms = sc_queue_clock_ms(p->o.queue);
    enum sc_code code = sc_task_claim(p->o.queue, tx, &claimed->claim, tasks, &n, err);
    for (size_t i = 0; code == SC_OK && i < n; i++) {
        struct sc_chunk_work *w = &claimed->work[claimed->count++];
        *w = (struct sc_chunk_work){ .task = tasks[i] };
        code = describe(tx, &tasks[i], w, err);
    }
    return code;
}

static enum sc_code write_claim(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct claim *c = ctx;
    return claim_in(c->p, tx, c->claimed, err);
}

enum sc_code sc_chunk_claim(struct sc_pipelines *p, struct sc_claimed *claimed,
                            struct sc_error *err)
{
    struct claim c = { .p = p, .claimed = claimed };
    /* A claim that a power cut forgets is claimed again. */
    enum sc_code code = sc_store_write_again(p->o.store, SC_RELAXED, write_claim, &c, err);
    if (code != SC_OK)
        drop_claimed(claimed);
    return code;
}

/* ---- input ---- */

int sc_chunk_open(const char *path, int64_t samples)
{
    struct stat st;
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                st.st_size == samples * (int64_t)sizeof(int16_t);
    return good ? SC_TAKE_FD(fd) : -1;
}

/* -1: it has gone, or is not what was cut. */
static int open_whole(struct sc_pipelines *p, const struct sc_task *task, const struct span *span)
{
    SC_AUTO_FREE char *path = sc_chunk_path(p, task->job_id, task->chunk);
    SC_AUTO_CLOSE int fd = sc_chunk_open(path, span->samples);
    return fd >= 0 && sc_chunk_is_whole(fd, span->samples, span->pcm_hash) ? SC_TAKE_FD(fd) : -1;
}

static enum sc_code check_input(struct sc_pipelines *p, const struct sc_fence *fence,
                                struct sc_task *task, struct span *span, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_task_check(conn, fence, task, err);
    return code == SC_OK ? read_span(conn, task->job, task->chunk, span, err) : code;
}

enum sc_code sc_chunk_input(struct sc_pipelines *p, const struct sc_fence *fence, int *fd,
                            int64_t *size, struct sc_error *err)
{
    struct sc_task task;
    struct span span;
    enum sc_code code = check_input(p, fence, &task, &span, err);
    if (code != SC_OK)
        return code;
    int opened = open_whole(p, &task, &span);
    if (opened < 0) {
        code = sc_recut(p, task.job, err);
        if (code != SC_OK)
            return code;
        opened = open_whole(p, &task, &span);
    }
    if (opened < 0)
        return sc_error_set(err, SC_E_IO_ERROR, "the sound of chunk %d cannot be read", task.chunk);
    *size = span.samples * (int64_t)sizeof(int16_t);
    *fd = opened;
    return SC_OK;
}

/* ---- completion ---- */

struct completion {
    struct sc_pipelines *p;
    struct sc_chunk_result *result;
    struct sc_claimed *next; /* NULL: nothing is claimed */
    struct sc_task task;     /* chunk -1: of none, or no longer held by this worker */
    struct sc_buf text;
    int64_t no_speech_ms; /* left out */
    bool bare;    /* not looked at yet: what says nothing mostly ends a task without a chunk */
    bool refused; /* the write met a task with a chunk */
    bool repeated;
    int channel;      /* of the chunk */
    bool chained;     /* it is one of a chain */
    bool awaited;     /* others wait for the language that it hears */
    int64_t audio_ms; /* of the chunk */
    size_t model;     /* its cell of the metrics */
};

static void completion_done(struct completion *c)
{
    sc_buf_done(&c->text);
}

/* Of a recording split by channel, the speaker is the channel, whatever the engine thinks. */
static enum sc_code name_speaker(struct sc_segments *segments, const struct sc_sound *sound,
                                 int channel, struct sc_error *err)
{
    if (!sc_sound_is_split(sound))
        return SC_OK;
    for (size_t i = 0; i < segments->count; i++) {
        struct sc_segment *s = &segments->items[i];
        free(s->speaker);
        s->speaker = sc_asprintf("%d", channel + 1);
        if (s->speaker == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "no memory for a speaker");
    }
    return SC_OK;
}

static enum sc_code store_result(struct completion *c, struct sc_conn *tx, const struct sc_job *job,
                                 struct sc_error *err)
{
    int64_t transcript = 0;
    char hash[SC_SHA256_TEXT];
    struct sc_origin origin = { job->engine, job->engine_version, job->model, job->model_hash };
    enum sc_code code = sc_transcript_begin(tx, c->task.job, sc_clock_wall_ms(), &transcript, err);
    if (code == SC_OK)
        code = sc_transcript_put_chunk(tx, transcript, c->task.chunk, &c->result->segments, &origin,
                                       err);
    if (code != SC_OK)
        return code;
    sc_hash_bytes(c->text.ptr, c->text.len, hash);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHUNK_DONE);
    sc_stmt_bind_int(&st, ":job", c->task.job);
    sc_stmt_bind_int(&st, ":chunk", c->task.chunk);
    sc_stmt_bind_str(&st, ":text", sc_buf_str(&c->text));
    sc_stmt_bind_text(&st, ":result_hash", hash);
    sc_stmt_bind_int(&st, ":no_speech_ms", c->no_speech_ms);
    if (c->result->language[0] != '\0')
        sc_stmt_bind_text(&st, ":language", c->result->language);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

static enum sc_code note_language(struct completion *c, struct sc_conn *tx, struct sc_error *err)
{
    if (c->result->language[0] == '\0' || c->text.len == 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_DETECTED_LANGUAGE);
    sc_stmt_bind_int(&st, ":id", c->task.job);
    sc_stmt_bind_text(&st, ":language", c->result->language);
    return sc_stmt_run(&st, err);
}

/* What the task's end brings for its job. */
static enum sc_code settle(struct completion *c, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    if (c->task.stage == SC_STAGE_NOOP)
        return sc_job_complete(c->p->o.queue, tx, c->task.job, err);
    c->refused = c->bare;
    if (c->refused)
        return SC_E_CONFLICT;
    enum sc_code code = sc_job_get(tx, c->task.job, &job, err);
    if (code == SC_OK)
        code = store_result(c, tx, &job, err);
    if (code == SC_OK)
        code = note_language(c, tx, err);
    const struct sc_chain_link link = { c->task.job, c->task.chunk, c->channel, c->task.lane };
    if (code == SC_OK && c->chained)
        code = sc_chain_go_on(c->p, tx, &link, sc_buf_str(&c->result->carry), err);
    if (code == SC_OK && c->awaited)
        code = sc_spoken_go_on(c->p, tx, &link, c->text.len > 0 ? c->result->language : "", err);
    return code == SC_OK ? sc_merge_when_ready(c->p, tx, c->task.job, err) : code;
}

static enum sc_code write_completion(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct completion *c = ctx;
    enum sc_code code =
        sc_task_complete(c->p->o.queue, tx, &c->result->fence, &c->task, &c->repeated, err);
    if (code == SC_OK && !c->repeated)
        code = settle(c, tx, err);
    if (code == SC_OK && c->next != NULL)
        code = claim_in(c->p, tx, c->next, err);
    return code;
}

static enum sc_code check_count(const struct sc_job *job, size_t count, int64_t limit,
                                const char *what, struct sc_error *err)
{
    if (count <= (size_t)limit)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "segments",
                          "engine '%s' gives %zu %s for one chunk, which may have %lld",
                          job->engine, count, what, (long long)limit);
}

static enum sc_code check_amount(const struct sc_segments *segments, const struct sc_job *job,
                                 const struct span *span, struct sc_error *err)
{
    int64_t seconds = span->samples / SAMPLES_PER_MS / 1000;
    size_t words = 0;
    for (size_t i = 0; i < segments->count; i++)
        words += segments->items[i].word_count;
    enum sc_code code = check_count(job, segments->count,
                                    SEGMENTS_ANYWAY + SEGMENTS_PER_S * seconds, "segments", err);
    if (code != SC_OK)
        return code;
    return check_count(job, words, WORDS_ANYWAY + WORDS_PER_S * seconds, "words", err);
}

/* Checks the result against its chunk and moves it to recording time, once. */
static enum sc_code prepare(struct completion *c, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_sound sound;
    struct span span;
    enum sc_code code = sc_segments_check(&c->result->segments, err);
    if (code == SC_OK)
        code = sc_store_read(c->p->o.store, &conn, err);
    if (code != SC_OK)
        return code;
    code = sc_task_check(conn, &c->result->fence, &c->task, err);
    if (code == SC_E_LEASE_LOST)
        return SC_OK; /* the write tells a repeat from a loss */
    if (code != SC_OK || c->task.chunk < 0)
        return code;
    code = read_span(conn, c->task.job, c->task.chunk, &span, err);
    if (code == SC_OK)
        code = sc_job_get(conn, c->task.job, &job, err);
    if (code == SC_OK)
        code = check_amount(&c->result->segments, &job, &span, err);
    if (code == SC_OK)
        code = sc_chain_check(sc_buf_str(&c->result->carry), span.until, span.end, err);
    if (code != SC_OK)
        return code;
    sc_sound_read(job.settings, &sound);
    c->no_speech_ms = sc_segments_drop_no_speech(&c->result->segments, sound.no_speech);
    code = name_speaker(&c->result->segments, &sound, span.channel, err);
    if (code != SC_OK)
        return code;
    c->channel = span.channel;
    c->chained = span.until > 0;
    c->awaited = sound.one_language && span.language[0] == '\0';
    if (span.until >= span.end) /* nobody takes it */
        sc_buf_reset(&c->result->carry);
    /* What lies behind is the next one's. */
    c->audio_ms = (c->chained ? span.until - span.start : span.samples) / SAMPLES_PER_MS;
    c->model = sc_metric_model(job.engine, job.model);
    code = sc_stretches_place(&span.stretches, &c->result->segments, err);
    if (code != SC_OK)
        return code;
    sc_segments_text(&c->result->segments, &c->text);
    if (c->text.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the text of a chunk");
    return SC_OK;
}

/* Before the result counts: whoever sees the job completed finds its log whole. */
static void log_result(const struct completion *c)
{
    const struct sc_chunk_result *result = c->result;
    if (c->task.chunk < 0)
        return;
    sc_job_log_said(c->p, c->task.job_id, c->task.chunk, sc_buf_str(&result->log));
    SC_JOB_LOG(c->p, c->task.job_id, SC_STAGE_TRANSCRIBE, "chunk", SC_I("chunk", c->task.chunk),
               SC_I("segments", result->segments.count), SC_I("no_speech_ms", c->no_speech_ms),
               SC_I("attempt", c->task.epoch), SC_I("worker", result->fence.worker_id),
               SC_I("ms", result->processing_ms));
}

static bool says_nothing(const struct sc_chunk_result *result)
{
    return result->segments.count == 0 && result->log.len == 0 && result->language[0] == '\0';
}

static enum sc_code complete_chunk(struct completion *c, struct sc_error *err)
{
    c->bare = c->refused = false;
    c->task = (struct sc_task){ .chunk = -1 };
    enum sc_code code = prepare(c, err);
    if (code != SC_OK)
        return code;
    log_result(c);
    return sc_store_write_again(c->p->o.store, SC_DURABLE, write_completion, c, err);
}

static void measure_chunk(const struct completion *c)
{
    if (c->repeated)
        return;
    SC_COUNT(engine_chunks, c->model, 1);
    SC_COUNT(engine_audio_ms, c->model, (uint64_t)c->audio_ms);
    SC_COUNT(engine_busy_ms, c->model, (uint64_t)SC_MAX(0, c->result->processing_ms));
    if (c->result->load_ms > 0) {
        SC_COUNT(engine_loads, c->model, 1);
        SC_COUNT(engine_load_ms, c->model, (uint64_t)c->result->load_ms);
    }
}

enum sc_code sc_chunk_complete(struct sc_pipelines *p, struct sc_chunk_result *result,
                               struct sc_claimed *next, bool *repeated, struct sc_error *err)
{
    SC_AUTO(completion_done)
    struct completion c = { .p = p, .result = result, .next = next, .bare = says_nothing(result) };
    enum sc_code code = SC_OK;
    if (c.bare)
        code = sc_store_write_again(p->o.store, SC_DURABLE, write_completion, &c, err);
    if (!c.bare || c.refused)
        code = complete_chunk(&c, err);
    if (code != SC_OK && next != NULL)
        drop_claimed(next);
    if (code != SC_OK)
        return code;
    *repeated = c.repeated;
    if (c.task.chunk < 0)
        return SC_OK;
    measure_chunk(&c);
    if (!sc_config_now(p->o.config)->keep_chunks) {
        SC_AUTO_FREE char *path = sc_chunk_path(p, c.task.job_id, c.task.chunk);
        (void)unlink(path); /* what stays behind goes with the job's folder */
    }
    sc_pipelines_wake(p); /* a split may wait for room ahead */
    return SC_OK;
}

/* ---- said so far ---- */

struct saying {
    struct sc_queue *queue;
    const struct sc_fence *fence;
    struct sc_saying *what;
};

static enum sc_code write_saying(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct saying *s = ctx;
    return sc_task_say(s->queue, tx, s->fence, s->what, err);
}

/* The bounds of the whole result hold for what has been said of it. */
static enum sc_code check_so_far(const struct sc_saying *what, const struct sc_job *job,
                                 const struct span *span, struct sc_error *err)
{
    int64_t seconds = span->samples / SAMPLES_PER_MS / 1000;
    enum sc_code code = check_amount(what->segments, job, span, err);
    return code == SC_OK ? check_count(job, (size_t)what->first + what->given,
                                       SEGMENTS_ANYWAY + SEGMENTS_PER_S * seconds, "segments", err)
                         : code;
}

/* As the result will lie in the recording. */
static enum sc_code place_saying(struct sc_pipelines *p, const struct sc_fence *fence,
                                 struct sc_saying *what, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_sound sound;
    struct sc_task task;
    struct span span = { 0 };
    enum sc_code code = sc_segments_check(what->segments, err);
    if (code == SC_OK)
        code = sc_store_read(p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_task_check(conn, fence, &task, err);
    if (code == SC_OK && task.chunk < 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "segments",
                              "task %lld has no sound in which something could be said",
                              (long long)task.id);
    if (code == SC_OK)
        code = read_span(conn, task.job, task.chunk, &span, err);
    if (code == SC_OK)
        code = sc_job_get(conn, task.job, &job, err);
    if (code == SC_OK)
        code = check_so_far(what, &job, &span, err);
    if (code != SC_OK)
        return code;
    sc_sound_read(job.settings, &sound);
    (void)sc_segments_drop_no_speech(what->segments, sound.no_speech);
    code = name_speaker(what->segments, &sound, span.channel, err);
    return code == SC_OK ? sc_stretches_place(&span.stretches, what->segments, err) : code;
}

enum sc_code sc_chunk_say(struct sc_pipelines *p, const struct sc_fence *fence,
                          struct sc_saying *what, struct sc_error *err)
{
    struct saying s = { p->o.queue, fence, what };
    enum sc_code code = place_saying(p, fence, what, err);
    if (code != SC_OK)
        return code;
    for (size_t i = 0; i < what->segments->count; i++) {
        sc_segment_drop_words(&what->segments->items[i]);
        sc_segment_forget_heard(&what->segments->items[i]);
    }
    /* It changes no row: on the writer's thread it comes before the end of its task, or not. */
    return sc_store_write(p->o.store, SC_RELAXED, write_saying, &s, err);
}

/* ---- failure ---- */

struct failure {
    struct sc_queue *queue;
    const struct sc_fence *fence;
    const struct sc_error *why;
};

static enum sc_code write_failure(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct failure *f = ctx;
    struct sc_task task;
    enum sc_code code = sc_task_check(tx, f->fence, &task, err);
    return code == SC_OK ? sc_task_fail(f->queue, tx, f->fence, f->why, err) : code;
}

static enum sc_code check_task(struct sc_pipelines *p, const struct sc_fence *fence,
                               struct sc_task *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    return code == SC_OK ? sc_task_check(conn, fence, out, err) : code;
}

enum sc_code sc_chunk_fail(struct sc_pipelines *p, const struct sc_fence *fence,
                           const struct sc_error *why, struct sc_str log, struct sc_error *err)
{
    struct failure f = { .queue = p->o.queue, .fence = fence, .why = why };
    struct sc_task task;
    enum sc_code code = check_task(p, fence, &task, err);
    if (code != SC_OK)
        return code;
    if (task.chunk >= 0) {
        sc_job_log_said(p, task.job_id, task.chunk, log);
        SC_JOB_LOG(p, task.job_id, task.stage, "chunk failed", SC_I("chunk", task.chunk),
                   SC_I("attempt", task.epoch), SC_I("worker", fence->worker_id),
                   SC_S("code", sc_code_name(why->code)), SC_S("error", why->msg));
    }
    return sc_store_write(p->o.store, SC_DURABLE, write_failure, &f, err);
}

/* ---- list ---- */

static void chunk_from_row(struct sc_stmt *st, struct sc_chunk *out)
{
    *out = (struct sc_chunk){
        .chunk = (int)sc_stmt_int(st, "chunk"),
        .channel = (int)sc_stmt_int(st, "channel"),
        .start_ms = sc_stmt_int(st, "start_samples") / SAMPLES_PER_MS,
        .end_ms = sc_stmt_int(st, "end_samples") / SAMPLES_PER_MS,
        .attempts = (int)sc_stmt_int(st, "epoch"),
        .processed_ms = sc_stmt_int_or(st, "processed_ms", 0),
        .language = sc_stmt_text(st, "language"),
        .text = sc_stmt_is_null(st, "text") ? (struct sc_str){ 0 } : sc_stmt_str(st, "text"),
    };
    enum sc_task_state state = (enum sc_task_state)sc_stmt_int(st, "state");
    (void)snprintf(out->status, sizeof(out->status), "%s", sc_task_state_to_string(state));
    (void)sc_code_parse(sc_stmt_text(st, "error_code"), &out->error_code);
    (void)snprintf(out->error_message, sizeof(out->error_message), "%s",
                   sc_stmt_text(st, "error_message"));
}

/* The text as it was stored; JOB's chunk is named when it is not. */
static enum sc_code check_text(struct sc_conn *conn, struct sc_stmt *st, int64_t job,
                               const struct sc_chunk *chunk, struct sc_error *err)
{
    char hash[SC_SHA256_TEXT];
    sc_hash_bytes(chunk->text.ptr, chunk->text.len, hash);
    if (chunk->text.ptr == NULL ? sc_stmt_is_null(st, "result_hash")
                                : strcmp(hash, sc_stmt_text(st, "result_hash")) == 0)
        return SC_OK;
    SC_AUTO_JOB row = { 0 };
    bool known = sc_job_get(conn, job, &row, NULL) == SC_OK;
    return sc_error_set(err, SC_E_TRANSCRIPT_DAMAGED,
                        "the text of chunk %d of job %s is damaged: it does not match its "
                        "checksum; 'scripta fsck' says what can be restored",
                        chunk->chunk, known ? row.job_id : "?");
}

enum sc_code sc_chunk_list(struct sc_conn *conn, int64_t job, sc_chunk_fn fn, void *ctx,
                           struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_LIST);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":stage", SC_STAGE_TRANSCRIBE);
    bool row = false;
    enum sc_code code = sc_stmt_step(&st, &row, err);
    while (code == SC_OK && row) {
        struct sc_chunk chunk;
        chunk_from_row(&st, &chunk);
        code = sc_stretches_of_row(&st, &chunk.stretches, err);
        if (code == SC_OK)
            code = check_text(conn, &st, job, &chunk, err);
        if (code == SC_OK)
            code = fn(ctx, &chunk, err);
        if (code == SC_OK)
            code = sc_stmt_step(&st, &row, err);
    }
    return code;
}
