/* The sound of chunks that has gone from work/, or is not what was cut: somebody tidied up, a disk
 * forgot. The recording is decoded once more and every span that is missing is cut out of it; where
 * the spans are stands in the store. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "sys/file.h"

#include "base/banned.h"

/* Workers ask again: they must not take all threads that answer requests meanwhile. */
#define WAIT_MS 20000
#define WAITING_MAX 3

struct piece {
    int chunk, stream;
    struct sc_stretches stretches;
    int64_t samples; /* of all of them */
    char hash[SC_SHA256_TEXT];
    int16_t *pcm;   /* owned; while it is being filled */
    int64_t filled; /* samples */
    size_t at;      /* stretch that is being filled */
};

struct recut {
    struct sc_pipelines *p;
    struct sc_job job;   /* owned */
    struct sc_file file; /* owned */
    struct sc_sound sound;
    struct piece *pieces; /* owned */
    size_t count, cap, left;
    int64_t at; /* samples that have passed */
};

static void recut_done(struct recut *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->pieces[i].pcm);
    free(r->pieces);
    sc_job_done(&r->job);
    sc_file_done(&r->file);
}

bool sc_chunk_is_whole(int fd, int64_t samples, const char *hash)
{
    char found[SC_SHA256_TEXT];
    char bytes[65536];
    int64_t rest = samples * (int64_t)sizeof(int16_t), at = 0;
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    while (rest > 0) {
        ssize_t n = pread(fd, bytes, (size_t)SC_MIN(rest, (int64_t)sizeof(bytes)), at);
        if (n <= 0)
            return false;
        sc_hash_update(sum, bytes, (size_t)n);
        at += n;
        rest -= n;
    }
    sc_hash_hex(sum, found);
    return strcmp(found, hash) == 0;
}

static bool is_there(struct recut *r, const struct piece *piece)
{
    SC_AUTO_FREE char *path = sc_chunk_path(r->p, r->job.job_id, piece->chunk);
    SC_AUTO_CLOSE int fd = sc_chunk_open(path, piece->samples);
    return fd >= 0 && sc_chunk_is_whole(fd, piece->samples, piece->hash);
}

static enum sc_code add_piece(struct recut *r, struct sc_stmt *st, struct sc_error *err)
{
    int channel = (int)sc_stmt_int(st, "channel");
    struct piece piece = {
        .chunk = (int)sc_stmt_int(st, "chunk"),
        .stream = sc_sound_is_split(&r->sound) ? channel : 0,
    };
    (void)snprintf(piece.hash, sizeof(piece.hash), "%s", sc_stmt_text(st, "pcm_hash"));
    enum sc_code code = sc_stretches_of_row(st, &piece.stretches, err);
    if (code != SC_OK)
        return code;
    piece.samples = sc_stretches_samples(&piece.stretches);
    if (is_there(r, &piece))
        return SC_OK;
    void *pieces = r->pieces;
    if (!sc_try_grow(&pieces, &r->cap, r->count + 1, sizeof(*r->pieces)))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for chunks");
    r->pieces = pieces;
    r->pieces[r->count++] = piece;
    return SC_OK;
}

static enum sc_code find_missing(struct recut *r, int64_t job, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    bool row = false;
    enum sc_code code = sc_store_read(r->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, job, &r->job, err);
    if (code == SC_OK)
        code = sc_file_find(conn, 0, r->job.file_id, &r->file, err);
    if (code != SC_OK)
        return code;
    sc_sound_read(r->job.settings, &r->sound);
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_LIST_OPEN);
    sc_stmt_bind_int(&st, ":job", job);
    code = sc_stmt_step(&st, &row, err);
    while (code == SC_OK && row) {
        code = add_piece(r, &st, err);
        if (code == SC_OK)
            code = sc_stmt_step(&st, &row, err);
    }
    r->left = r->count;
    return code;
}

static enum sc_code keep_piece(struct recut *r, struct piece *piece, struct sc_error *err)
{
    char hash[SC_SHA256_TEXT];
    size_t bytes = (size_t)piece->filled * sizeof(*piece->pcm);
    SC_AUTO_FREE char *path = sc_chunk_path(r->p, r->job.job_id, piece->chunk);
    sc_hash_bytes(piece->pcm, bytes, hash);
    if (strcmp(hash, piece->hash) != 0) {
        return sc_error_set(err, SC_E_AUDIO_ERROR,
                            "the sound of chunk %d has gone from work/, and the recording no "
                            "longer decodes to it: submit the job again with force",
                            piece->chunk);
    }
    enum sc_code code = sc_file_write_atomic(path, piece->pcm, bytes, err);
    free(piece->pcm);
    piece->pcm = NULL;
    r->left--;
    return code;
}

static enum sc_code fill_piece(struct recut *r, struct piece *piece, const int16_t *pcm,
                               size_t samples, struct sc_error *err)
{
    const int64_t block_end = r->at + (int64_t)samples;
    for (; piece->at < piece->stretches.count; piece->at++) {
        const struct sc_cut_span *span = &piece->stretches.items[piece->at];
        int64_t from = SC_MAX(span->start_samples, r->at);
        int64_t to = SC_MIN(span->end_samples, block_end);
        if (from >= to)
            return SC_OK;
        if (piece->pcm == NULL)
            piece->pcm = sc_try_alloc((size_t)piece->samples * sizeof(*piece->pcm));
        if (piece->pcm == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "no memory for chunk %d", piece->chunk);
        memcpy(piece->pcm + piece->filled, pcm + (from - r->at),
               (size_t)(to - from) * sizeof(*pcm));
        piece->filled += to - from;
        if (span->end_samples > block_end)
            return SC_OK;
    }
    return keep_piece(r, piece, err);
}

static enum sc_code begin(void *ctx, int streams, struct sc_error *err)
{
    const struct recut *r = ctx;
    for (size_t i = 0; i < r->count; i++) {
        if (r->pieces[i].stream < 0 || r->pieces[i].stream >= streams)
            return sc_error_set(err, SC_E_AUDIO_ERROR,
                                "the recording no longer has channel %d: submit the job again with "
                                "force",
                                r->pieces[i].stream + 1);
    }
    return SC_OK;
}

static enum sc_code block(void *ctx, const int16_t *const *streams, size_t samples,
                          struct sc_error *err)
{
    struct recut *r = ctx;
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < r->count; i++) {
        struct piece *piece = &r->pieces[i];
        if (piece->filled < piece->samples)
            code = fill_piece(r, piece, streams[piece->stream], samples, err);
    }
    r->at += (int64_t)samples;
    if (code == SC_OK && r->left == 0) /* the rest of the recording is of no interest */
        return sc_error_set(err, SC_E_CANCELLED, "all is there");
    return code;
}

static enum sc_code cut_again(struct recut *r, struct sc_error *err)
{
    SC_AUTO_CLOSE int input = -1;
    SC_AUTO_FREE char *work = sc_work_dir(r->p, r->job.job_id);
    SC_AUTO_FREE char *dir = sc_path_join(work, "chunks");
    struct sc_pass_end end;
    enum sc_code code = sc_pipelines_open_file(r->p, &r->file, &input, err);
    if (code == SC_OK)
        code = sc_dir_create(dir, err);
    if (code != SC_OK)
        return code;
    const struct sc_pass pass = {
        .input = input,
        .channels = r->sound.channels,
        .limit_ms = sc_config_now(r->p->o.config)->upload_max_duration,
        .stop = sc_pipelines_is_stopping,
        .stop_ctx = r->p,
        .begin = begin,
        .block = block,
        .ctx = r,
    };
    code = sc_pass_run(&pass, &end, err);
    if (r->left == 0)
        return SC_OK;
    if (code == SC_OK)
        return sc_error_set(err, SC_E_AUDIO_ERROR,
                            "the recording has become shorter than it was: submit the job again "
                            "with force");
    if (code == SC_E_CANCELLED) /* killed or stopping: the worker asks again */
        return sc_error_set(err, SC_E_IO_ERROR, "cutting chunks again was interrupted");
    return code;
}

enum sc_code sc_recut(struct sc_pipelines *p, int64_t job, struct sc_error *err)
{
    SC_AUTO(recut_done) struct recut r = { .p = p };
    enum sc_code code = sc_turn_take(p, &p->recut_turn, WAIT_MS, WAITING_MAX, err);
    if (code != SC_OK)
        return code;
    code = find_missing(&r, job, err);
    if (code == SC_OK && r.count > 0) {
        SC_LOG(WARNING, "pipeline", "the sound of chunks has gone and is cut again",
               SC_S("job", r.job.job_id), SC_I("chunks", r.count));
        SC_JOB_LOG(p, r.job.job_id, SC_STAGE_SPLIT, "cut again", SC_I("chunks", r.count));
        code = cut_again(&r, err);
    }
    sc_turn_leave(p, &p->recut_turn);
    return code;
}
