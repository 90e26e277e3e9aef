/* Decodes a recording once, in order, cuts each of its streams, and makes each chunk's task ready
 * as soon as its PCM is on the disk. Cutting is deterministic: after a kill everything is decoded
 * again from the start, some thousand times faster than it plays, and what is there already is
 * passed over.
 *
 * Of a job that an earlier version has begun, the same recording may be cut elsewhere. Chunks that
 * a worker was ever given stay as they are, and all in front of them; behind them it is cut anew.
 */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/spoken.h"
#include "sys/file.h"
#include "vad/chain.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

#define SAMPLES_PER_MS 16
/* What is left of a chunk behind those that stay, and no longer than the silence around speech. */
#define REST_SAMPLES (300 * SAMPLES_PER_MS)
#define AHEAD_LOOK_MS 1000
/* A header may lie, but not without bound: twice what it says and a minute, where that is more than
 * an hour, is the work of a decompression bomb. */
#define LYING_FLOOR_MS INT64_C(3600000)
#define LYING_SLACK_MS INT64_C(60000)

struct split;

/* One sequence of chunks: the mixed recording, or one of its channels. */
struct lane {
    struct split *split;
    int stream;
    struct sc_cutter *cutter; /* owned; NULL: it is a chain … */
    struct sc_chain *chain;   /* owned; NULL: it is none */
    int64_t from;             /* what lies in front is in chunks that stay as they were cut */
};

struct split {
    struct sc_runner *r;
    struct sc_pipelines *p;
    struct sc_job job;   /* owned */
    struct sc_file file; /* owned */
    struct sc_sound sound;
    struct sc_cut_options cut_options;
    int engine_chunk_s;
    struct lane lanes[SC_STREAMS_MAX];
    int streams;
    int next; /* index of the next chunk, over all streams */
    int64_t limit_ms;
    char task_lane[48];
    struct sc_pass_end end;
    struct sc_buf warnings; /* owned */
    struct sc_peaks_draft peaks;
    /* of the chunk at hand */
    const struct lane *lane;
    struct sc_cut cut;       /* its spans are those of `at` */
    struct sc_stretches at;  /* in the recording */
    struct sc_buf stretches; /* owned; the same as the store keeps them */
    int channel;
    char pcm_hash[SC_SHA256_TEXT];
    char language[SC_LANGUAGE_TEXT]; /* of its stream, where that has been heard */
};

static void split_done(struct split *s)
{
    for (int i = 0; i < s->streams; i++) {
        sc_cutter_free(s->lanes[i].cutter);
        sc_chain_free(s->lanes[i].chain);
    }
    sc_job_done(&s->job);
    sc_file_done(&s->file);
    sc_buf_done(&s->warnings);
    sc_buf_done(&s->stretches);
    sc_peaks_draft_done(&s->peaks);
}

static enum sc_code stopped(struct split *s, struct sc_error *err)
{
    if (sc_runner_should_stop(s->r))
        return sc_error_set(err, SC_E_CANCELLED, "stopped while cutting");
    return SC_OK;
}

static enum sc_code chunks_ahead(struct split *s, int *ahead, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_store_read(s->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, s->r->task.job, &job, err);
    *ahead = job.chunks_total - job.chunks_completed;
    return code;
}

/* Waits until recognition has caught up, so that the disk holds a bounded part of the recording. */
static enum sc_code wait_for_room(struct split *s, struct sc_error *err)
{
    for (;;) {
        int ahead = 0;
        uint64_t seen = sc_pipelines_wakes(s->p);
        enum sc_code code = stopped(s, err);
        if (code == SC_OK)
            code = chunks_ahead(s, &ahead, err);
        if (code != SC_OK || ahead < sc_config_now(s->p->o.config)->split_ahead)
            return code;
        sc_runner_pause(s->r, seen, AHEAD_LOOK_MS);
    }
}

enum known { KNOWN_NOT, KNOWN_OPEN, KNOWN_DONE, KNOWN_ELSEWHERE };

/* Was this chunk cut before? A different cut of the same recording would mix two texts. */
static enum sc_code look_up(struct split *s, enum known *known, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(s->p->o.store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_GET);
    sc_stmt_bind_int(&st, ":job", s->r->task.job);
    sc_stmt_bind_int(&st, ":chunk", s->next);
    code = sc_stmt_one(&st, err);
    *known = KNOWN_NOT;
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return code;
    if (sc_stmt_int(&st, "channel") != s->channel ||
        sc_stmt_int(&st, "start_samples") != s->cut.start_samples ||
        sc_stmt_int(&st, "end_samples") != s->cut.end_samples ||
        strcmp(sc_stmt_text(&st, "stretches"), sc_buf_text(&s->stretches)) != 0) {
        *known = KNOWN_ELSEWHERE;
        return SC_OK;
    }
    *known = sc_stmt_is_null(&st, "processed_ms") ? KNOWN_OPEN : KNOWN_DONE;
    return SC_OK;
}

static enum sc_code write_pcm(struct split *s, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_chunk_path(s->p, s->job.job_id, s->next);
    size_t bytes = s->cut.samples * sizeof(int16_t);
    sc_hash_bytes(s->cut.pcm, bytes, s->pcm_hash);
    if (sc_file_size(path) == (int64_t)bytes)
        return SC_OK;
    return sc_file_write_atomic(path, s->cut.pcm, bytes, err);
}

static enum sc_code note_progress(struct split *s, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SPLIT_PROGRESS);
    sc_stmt_bind_int(&st, ":id", s->r->task.job);
    sc_stmt_bind_int(&st, ":samples", s->cut.end_samples);
    return sc_stmt_run(&st, err);
}

static enum sc_code add_task(struct split *s, struct sc_conn *tx, struct sc_error *err)
{
    const int64_t job = s->r->task.job;
    const struct sc_chain_link link = { job, s->next, s->channel, s->task_lane };
    const struct sc_task_spec spec = { .stage = SC_STAGE_TRANSCRIBE,
                                       .chunk = s->next,
                                       .lane = s->task_lane };
    bool in_line = s->sound.sequential || (s->sound.one_language && s->language[0] == '\0');
    return in_line ? sc_chain_add(s->p, tx, &link, err)
                   : sc_task_add(s->p->o.queue, tx, job, &spec, err);
}

static enum sc_code write_chunk(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct split *s = ctx;
    struct sc_task task;
    struct sc_fence fence = sc_runner_fence(s->r);
    enum sc_code code = sc_task_check(tx, &fence, &task, err);
    if (code == SC_OK && s->sound.one_language)
        code = sc_spoken_find(tx, s->r->task.job, s->channel, s->language, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHUNK_INSERT);
    sc_stmt_bind_int(&st, ":job", s->r->task.job);
    sc_stmt_bind_int(&st, ":chunk", s->next);
    sc_stmt_bind_int(&st, ":channel", s->channel);
    sc_stmt_bind_int(&st, ":start_samples", s->cut.start_samples);
    sc_stmt_bind_int(&st, ":end_samples", s->cut.end_samples);
    if (s->stretches.len > 0)
        sc_stmt_bind_str(&st, ":stretches", sc_buf_str(&s->stretches));
    sc_stmt_bind_opt(&st, ":until_samples", s->sound.sequential ? s->cut.until_samples : -1);
    sc_stmt_bind_int(&st, ":overlaps_next", s->cut.overlaps_next ? 1 : 0);
    sc_stmt_bind_text(&st, ":pcm_hash", s->pcm_hash);
    if (s->language[0] != '\0')
        sc_stmt_bind_text(&st, ":language", s->language);
    code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = add_task(s, tx, err);
    return code == SC_OK ? note_progress(s, tx, err) : code;
}

static void log_chunk(struct split *s)
{
    SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "chunk", SC_I("chunk", s->next),
               SC_I("channel", s->channel + 1),
               SC_I("start_ms", s->cut.start_samples / SAMPLES_PER_MS),
               SC_I("end_ms", s->cut.end_samples / SAMPLES_PER_MS),
               SC_I("stretches", s->cut.span_count), SC_I("overlaps_next", s->cut.overlaps_next));
}

/* ---- cut elsewhere than before ---- */

struct anew {
    struct split *s;
    int kept;
    int64_t dropped;
};

static enum sc_code find_kept(struct anew *a, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHUNK_KEPT);
    sc_stmt_bind_int(&st, ":job", a->s->r->task.job);
    sc_stmt_bind_int(&st, ":next", a->s->next);
    sc_stmt_bind_int(&st, ":stage", SC_STAGE_TRANSCRIBE);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        a->kept = (int)sc_stmt_int_or(&st, "chunk", -1);
    return code;
}

static enum sc_code drop_behind(struct anew *a, struct sc_conn *tx, struct sc_error *err)
{
    const int64_t job = a->s->r->task.job;
    SC_AUTO_STMT tasks = sc_stmt_get(tx, SC_SQL_CHUNK_DROP_TASKS);
    sc_stmt_bind_int(&tasks, ":job", job);
    sc_stmt_bind_int(&tasks, ":stage", SC_STAGE_TRANSCRIBE);
    sc_stmt_bind_int(&tasks, ":kept", a->kept);
    enum sc_code code = sc_stmt_run(&tasks, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT chunks = sc_stmt_get(tx, SC_SQL_CHUNK_DROP);
    sc_stmt_bind_int(&chunks, ":job", job);
    sc_stmt_bind_int(&chunks, ":kept", a->kept);
    code = sc_stmt_run(&chunks, err);
    a->dropped = sc_conn_changes(tx);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT count = sc_stmt_get(tx, SC_SQL_JOB_COUNT_CHUNKS);
    sc_stmt_bind_int(&count, ":id", job);
    sc_stmt_bind_int(&count, ":total", -a->dropped);
    sc_stmt_bind_int(&count, ":completed", 0);
    sc_stmt_bind_int(&count, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&count, err);
}

/* Where the chunks of a lane that stay end. */
static enum sc_code find_from(struct lane *lane, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHUNK_CUT_UNTIL);
    sc_stmt_bind_int(&st, ":job", lane->split->r->task.job);
    sc_stmt_bind_int(&st, ":channel", sc_sound_channel(&lane->split->sound, lane->stream));
    sc_stmt_bind_int(&st, ":overlap", (int64_t)SC_CUT_OVERLAP_MS * SAMPLES_PER_MS);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        lane->from = sc_stmt_int_or(&st, "samples", 0);
    return code;
}

static enum sc_code write_anew(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct anew *a = ctx;
    struct sc_task task;
    struct sc_fence fence = sc_runner_fence(a->s->r);
    enum sc_code code = sc_task_check(tx, &fence, &task, err);
    if (code == SC_OK)
        code = find_kept(a, tx, err);
    if (code == SC_OK)
        code = drop_behind(a, tx, err);
    for (int i = 0; code == SC_OK && i < a->s->streams; i++)
        code = find_from(&a->s->lanes[i], tx, err);
    return code;
}

/* What is cut from here on is new; s->next is the first behind the chunks that stay. */
static enum sc_code cut_anew(struct split *s, struct sc_error *err)
{
    struct anew a = { .s = s };
    if (s->sound.sequential)
        return sc_error_set(
            err, SC_E_AUDIO_ERROR,
            "chunk %d is cut elsewhere than before: submit the job again with force", s->next);
    enum sc_code code = sc_store_write(s->p->o.store, SC_DURABLE, write_anew, &a, err);
    if (code != SC_OK)
        return code;
    SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "cut anew", SC_I("chunk", s->next),
               SC_I("kept", a.kept + 1), SC_I("dropped", a.dropped));
    for (int chunk = a.kept + 1; chunk <= a.kept + (int)a.dropped; chunk++) {
        SC_AUTO_FREE char *path = sc_chunk_path(s->p, s->job.job_id, chunk);
        (void)unlink(path); /* one that stays is found out by its hash */
    }
    s->next = a.kept + 1;
    return SC_OK;
}

/* ---- chunks ---- */

/* As much of the chunk as lies behind those that stay; false: nothing to speak of. */
static bool set_cut(struct split *s, const struct sc_cut *cut)
{
    struct sc_cut_span *span = s->at.items;
    int64_t from = s->lane->from, gone = 0;
    size_t left = cut->span_count;
    sc_stretches_set(&s->at, cut->spans, cut->span_count);
    for (; left > 0 && span->end_samples <= from; span++, left--)
        gone += span->end_samples - span->start_samples;
    if (left > 0 && span->start_samples < from) {
        gone += from - span->start_samples;
        span->start_samples = from;
    }
    if (gone > 0 && (int64_t)cut->samples - gone <= REST_SAMPLES)
        return false;
    memmove(s->at.items, span, left * sizeof(*span));
    s->at.count = left;
    s->cut = *cut;
    s->cut.start_samples = s->at.items[0].start_samples;
    s->cut.pcm += gone;
    s->cut.samples -= (size_t)gone;
    s->cut.spans = s->at.items;
    s->cut.span_count = left;
    return true;
}

static enum sc_code write_stretches(struct split *s, struct sc_error *err)
{
    sc_buf_reset(&s->stretches);
    sc_stretches_write(&s->at, &s->stretches);
    if (s->stretches.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for a chunk");
    return SC_OK;
}

static enum sc_code put_chunk(struct split *s, enum known known, struct sc_error *err)
{
    enum sc_code code = known == KNOWN_NOT ? wait_for_room(s, err) : SC_OK;
    if (code == SC_OK && known != KNOWN_DONE)
        code = write_pcm(s, err);
    if (code == SC_OK && known == KNOWN_NOT)
        code = sc_store_write(s->p->o.store, SC_DURABLE, write_chunk, s, err);
    if (code == SC_OK && known == KNOWN_NOT)
        log_chunk(s);
    s->next++;
    return code;
}

static enum sc_code take_cut(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    const struct lane *lane = ctx;
    struct split *s = lane->split;
    enum known known;
    s->lane = lane;
    s->channel = sc_sound_channel(&s->sound, lane->stream);
    if (!set_cut(s, cut))
        return SC_OK;
    enum sc_code code = write_stretches(s, err);
    if (code == SC_OK)
        code = look_up(s, &known, err);
    if (code != SC_OK || known != KNOWN_ELSEWHERE)
        return code == SC_OK ? put_chunk(s, known, err) : code;
    code = cut_anew(s, err);
    if (code != SC_OK || !set_cut(s, cut))
        return code;
    code = write_stretches(s, err);
    return code == SC_OK ? put_chunk(s, KNOWN_NOT, err) : code;
}

/* The decoder refuses what declares itself too long; what does not say so is counted here. */
static enum sc_code too_long(struct split *s, struct sc_error *err)
{
    SC_AUTO_FREE char *dir = sc_work_dir(s->p, s->job.job_id);
    (void)sc_folder_remove(dir); /* said in the log */
    return sc_error_set(
        err, SC_E_FILE_TOO_LARGE,
        "the recording is longer than %lld s, more than %s allows: cut it, or raise "
        "upload.max_duration",
        (long long)(s->limit_ms / 1000),
        s->limit_ms == sc_config_now(s->p->o.config)->upload_max_duration ? "the setting"
                                                                          : "its header");
}

/* The peaks of the recording, unless there are better ones, or this job hears only a part of it. */
static void begin_peaks(struct split *s, int streams)
{
    bool whole = sc_sound_is_split(&s->sound) || strcmp(s->sound.channels, "mix") == 0;
    if (whole && sc_peaks_stored_channels(s->p, s->file.file_hash) < streams)
        sc_peaks_draft_begin(s->p, streams, &s->peaks);
}

static enum sc_code begin_streams(void *ctx, int streams, struct sc_error *err)
{
    struct split *s = ctx;
    s->cut_options.max_chunk_s = sc_sound_chunk_s(&s->sound, s->engine_chunk_s, streams);
    for (; s->streams < streams; s->streams++) {
        struct lane *lane = &s->lanes[s->streams];
        *lane = (struct lane){ .split = s, .stream = s->streams };
        if (s->sound.sequential)
            lane->chain = sc_chain_new(sc_sound_part_s(&s->sound, streams), take_cut, lane);
        else
            lane->cutter = sc_cutter_new(&s->cut_options, take_cut, lane);
        if (lane->cutter == NULL && lane->chain == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "no memory for cutting");
    }
    begin_peaks(s, streams);
    return SC_OK;
}

static enum sc_code feed(struct lane *lane, const int16_t *pcm, size_t samples,
                         struct sc_error *err)
{
    return lane->chain != NULL ? sc_chain_feed(lane->chain, pcm, samples, err)
                               : sc_cutter_feed(lane->cutter, pcm, samples, err);
}

static enum sc_code finish(struct lane *lane, struct sc_error *err)
{
    return lane->chain != NULL ? sc_chain_finish(lane->chain, err)
                               : sc_cutter_finish(lane->cutter, err);
}

/* Stream after stream, block by block: so the chunks of all streams are numbered in the same order
 * each time. */
static enum sc_code take_block(void *ctx, const int16_t *const *streams, size_t samples,
                               struct sc_error *err)
{
    struct split *s = ctx;
    enum sc_code code = SC_OK;
    sc_peaks_draft_feed(&s->peaks, streams, samples);
    for (int i = 0; code == SC_OK && i < s->streams; i++)
        code = feed(&s->lanes[i], streams[i], samples, err);
    return code;
}

static void tell_music(struct split *s, const struct lane *lane, struct sc_json *warnings)
{
    size_t count = 0;
    const struct sc_music_span *spans = sc_cutter_music(lane->cutter, &count);
    const int channel = sc_sound_channel(&s->sound, lane->stream);
    for (size_t i = 0; i < count; i++)
        SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "music", SC_I("channel", channel + 1),
                   SC_I("start_ms", spans[i].start_ms), SC_I("end_ms", spans[i].end_ms));
    sc_sound_warn_music(warnings, channel, lane->cutter);
}

/* What was left out or lost, to the job and its log. */
static void tell_warnings(struct split *s)
{
    struct sc_json warnings;
    sc_sound_warnings_begin(&warnings, &s->warnings);
    for (int i = 0; i < s->streams; i++) {
        if (s->lanes[i].cutter != NULL)
            tell_music(s, &s->lanes[i], &warnings);
    }
    sc_sound_warnings_end(&warnings, &s->end);
}

static void log_end(struct split *s)
{
    const struct sc_pass_end *end = &s->end;
    SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "decoded", SC_I("samples", end->samples),
               SC_I("streams", s->streams), SC_I("chunks", s->next),
               SC_I("lost_packets", end->packets), SC_I("first_lost_ms", end->first_ms),
               SC_I("truncated", end->truncated));
    for (size_t i = 0; i < end->lost_count; i++)
        SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "lost",
                   SC_I("start_ms", end->lost[i].start_ms), SC_I("end_ms", end->lost[i].end_ms));
    if (end->packets > 0 || end->lost_count > 0 || end->truncated)
        SC_LOG(WARNING, "pipeline", "parts of a recording could not be decoded",
               SC_S("job", s->job.job_id), SC_I("lost_packets", end->packets),
               SC_I("first_ms", end->first_ms), SC_I("truncated", end->truncated));
}

static enum sc_code end_seams(struct sc_conn *tx, int64_t job, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHUNK_END_SEAMS);
    sc_stmt_bind_int(&st, ":job", job);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_end(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct split *s = ctx;
    struct sc_task task;
    bool repeated = false;
    int64_t duration_ms = s->end.samples / SAMPLES_PER_MS;
    struct sc_fence fence = sc_runner_fence(s->r);
    enum sc_code code = sc_task_complete(s->p->o.queue, tx, &fence, &task, &repeated, err);
    if (code != SC_OK || repeated)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SPLIT_DONE);
    sc_stmt_bind_int(&st, ":id", s->r->task.job);
    sc_stmt_bind_int(&st, ":samples", s->end.samples);
    sc_stmt_bind_int(&st, ":duration_ms", duration_ms);
    sc_stmt_bind_str(&st, ":warnings", sc_buf_str(&s->warnings));
    code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        code = end_seams(tx, s->r->task.job, err);
    if (code == SC_OK)
        code = sc_file_set_duration(tx, s->file.id, duration_ms, err);
    if (code == SC_OK && s->next > 0)
        code = sc_job_enter_stage(s->p->o.queue, tx, s->r->task.job, SC_STAGE_TRANSCRIBE, err);
    return code == SC_OK ? sc_merge_when_ready(s->p, tx, s->r->task.job, err) : code;
}

static void choose_cuts(struct split *s, const struct sc_engine_row *engine)
{
    const struct sc_sound *sound = &s->sound;
    /* Of a job that an earlier version made, there may be chunks that it cut its own way. */
    bool same = strcmp(s->job.engine_version, engine->version) == 0;
    int pack_s = same ? sc_sound_pack_s(sound, engine->window_s) : 0;
    s->engine_chunk_s = pack_s > 0 ? pack_s : engine->max_chunk_s;
    s->cut_options = (struct sc_cut_options){
        .vad = sound->vad,
        .leave_out_music = sound->drop_music,
        .pack = pack_s > 0,
        .max_chunk_s = sc_sound_chunk_s(sound, s->engine_chunk_s, 1),
        .target_s = sc_sound_aim_s(sound, engine->aim_chunk_s),
        .first_s = sc_sound_aim_s(sound, engine->aim_chunk_s) / 2,
        .overlap_ms = SC_CUT_OVERLAP_MS,
        .threshold_db = sound->threshold_db,
        .hangover_ms = sound->hangover_ms,
        .min_silence_ms = sound->min_silence_ms,
    };
}

static enum sc_code cut_all(struct split *s, int input, struct sc_error *err)
{
    const struct sc_pass pass = {
        .input = input,
        .channels = s->sound.channels,
        .limit_ms = s->limit_ms,
        .stop = sc_runner_should_stop,
        .stop_ctx = s->r,
        .begin = begin_streams,
        .block = take_block,
        .ctx = s,
    };
    SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "decoding", SC_S("format", s->file.format),
               SC_S("codec", s->file.codec), SC_S("channels", s->sound.channels),
               SC_I("vad", s->cut_options.vad), SC_I("pack", s->cut_options.pack),
               SC_I("sequential", s->sound.sequential),
               SC_I("max_chunk_s", s->cut_options.max_chunk_s), SC_I("attempt", s->r->task.epoch));
    enum sc_code code = sc_pass_run(&pass, &s->end, err);
    if (code == SC_E_FILE_TOO_LARGE)
        return too_long(s, err);
    for (int i = 0; code == SC_OK && i < s->streams; i++)
        code = finish(&s->lanes[i], err);
    if (code != SC_OK)
        return code;
    sc_peaks_draft_keep(s->p, s->file.file_hash, &s->peaks);
    log_end(s);
    tell_warnings(s);
    return SC_OK;
}

static enum sc_code load(struct split *s, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(s->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, s->r->task.job, &s->job, err);
    if (code == SC_OK)
        code = sc_file_find(conn, 0, s->job.file_id, &s->file, err);
    return code;
}

/* Who hears this recording, and with what; and why nobody better, where the settings choose. */
static void log_engine(struct split *s, const struct sc_engine_row *engine)
{
    struct sc_engine_row best;
    const char *setting = sc_config_now(s->p->o.config)->engine_default;
    bool chosen = strcmp(setting, SC_ENGINE_AUTO) == 0 &&
                  sc_engines_get(&s->p->engines, setting, &best, NULL) == SC_OK &&
                  strcmp(best.name, engine->name) == 0;
    SC_JOB_LOG(s->p, s->job.job_id, SC_STAGE_SPLIT, "engine", SC_S("engine", engine->name),
               SC_S("version", engine->version), SC_S("model", s->job.model),
               SC_S("passed_over", chosen ? best.passed_over : ""));
}

static enum sc_code prepare(struct split *s, struct sc_error *err)
{
    struct sc_engine_row engine;
    enum sc_code code = load(s, err);
    if (code == SC_OK)
        code = sc_engines_get(&s->p->engines, s->job.engine, &engine, err);
    if (code != SC_OK)
        return code;
    log_engine(s, &engine);
    sc_sound_read(s->job.settings, &s->sound);
    choose_cuts(s, &engine);
    (void)snprintf(s->task_lane, sizeof(s->task_lane), "engine:%s", s->job.engine);
    s->limit_ms = sc_config_now(s->p->o.config)->upload_max_duration;
    int64_t told = s->file.duration_ms;
    if (told > 0 && !s->file.duration_counted) {
        int64_t bound = SC_MAX(2 * told + LYING_SLACK_MS, LYING_FLOOR_MS);
        s->limit_ms = SC_MIN(s->limit_ms, bound);
    }
    SC_AUTO_FREE char *work = sc_work_dir(s->p, s->job.job_id);
    SC_AUTO_FREE char *dir = sc_path_join(work, "chunks");
    return sc_dir_create(dir, err);
}

enum sc_code sc_split_run(struct sc_runner *r, struct sc_error *err)
{
    SC_AUTO(split_done) struct split s = { .r = r, .p = r->p, .peaks = { .fd = -1 } };
    SC_AUTO_CLOSE int input = -1;
    enum sc_code code = prepare(&s, err);
    if (code == SC_OK)
        code = sc_pipelines_open_file(s.p, &s.file, &input, err);
    if (code == SC_OK)
        code = cut_all(&s, input, err);
    if (code == SC_OK)
        code = sc_store_write(s.p->o.store, SC_DURABLE, write_end, &s, err);
    return code;
}
