#include "rig.h"

#include "base/alloc.h"

#include "base/banned.h"

void rig_open_pipelines(struct rig *r)
{
    const struct sc_pipelines_options o = { r->f.store, r->queue, r->hub, r->blobs, r->live };
    struct sc_error err = { 0 };
    if (sc_pipelines_open(&o, &r->p, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
}

static void rig_load_config(struct rig *r)
{
    char data[PATH_MAX + 16];
    (void)snprintf(data, sizeof(data), "data_dir=%s", r->f.dir.path);
    const struct sc_config_override overrides[] = {
        { "--data", data },
        { "--set", "upload.reserve=0" },
        { r->setting == NULL ? NULL : "--set", r->setting },
        { NULL, NULL },
    };
    const struct sc_config_sources sources = { .overrides = overrides };
    struct sc_error err = { 0 };
    if (sc_config_load(&sources, &r->config, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
}

static enum sc_code write_worker_row(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct rig *r = ctx;
    struct sc_worker me = {
        .name = "test", .host = "here", .device = "cpu", .pid = 7, .local = true
    };
    return sc_worker_register(r->queue, tx, &me, "[\"null\"]", &r->worker, err);
}

void rig_open(struct rig *r)
{
    const struct sc_queue_config queue = { .max_concurrent = { 100, 100, 100 } };
    r->hub = sc_hub_new();
    rig_load_config(r);
    r->live = sc_live_config_new(r->config);
    assert_int_equal(sc_queue_open(r->f.store, r->hub, &queue, &r->queue, NULL), SC_OK);
    assert_int_equal(sc_blobs_open(r->f.dir.path, &r->blobs, NULL), SC_OK);
    assert_int_equal(
        write_sql(r->f.store, "INSERT OR IGNORE INTO principals VALUES (2, 'bert', 0)"), SC_OK);
    assert_int_equal(sc_store_write(r->f.store, SC_RELAXED, write_worker_row, r, NULL), SC_OK);
    rig_open_pipelines(r);
}

struct rig rig_new(void)
{
    struct rig r = { .f = fixture_new() };
    rig_open(&r);
    return r;
}

void rig_close(struct rig *r)
{
    sc_pipelines_close(r->p);
    sc_blobs_close(r->blobs);
    sc_queue_close(r->queue);
    sc_store_close(r->f.store);
    sc_hub_free(r->hub);
    sc_live_config_free(r->live);
    sc_config_free(r->config);
    r->p = NULL;
    r->blobs = NULL;
    r->queue = NULL;
    r->f.store = NULL;
    r->hub = NULL;
    r->live = NULL;
    r->config = NULL;
}

void rig_done(struct rig *r)
{
    rig_close(r);
    fixture_done(&r->f);
}

int64_t ask(struct rig *r, const char *sql)
{
    return number(r->f.store, sql);
}

static void put_le(char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * i));
}

void wav_header(char out[44], uint32_t rate, uint32_t samples)
{
    memcpy(out, "RIFF----WAVEfmt ", 16);
    put_le(out + 4, 36 + samples * 2, 4);
    put_le(out + 16, 16, 4);
    put_le(out + 20, 1, 2);
    put_le(out + 22, 1, 2);
    put_le(out + 24, rate, 4);
    put_le(out + 28, rate * 2, 4);
    put_le(out + 32, 2, 2);
    put_le(out + 34, 16, 2);
    memcpy(out + 36, "data", 4);
    put_le(out + 40, samples * 2, 4);
}

char *make_wav(int64_t ms, double amplitude, size_t *size)
{
    size_t samples = (size_t)ms * (RATE / 1000);
    *size = 44 + samples * 2;
    char *bytes = malloc(*size);
    assert_non_null(bytes);
    wav_header(bytes, RATE, (uint32_t)samples);
    for (size_t i = 0; i < samples; i++) {
        double v = amplitude * sin((double)i * 440 * 2 * M_PI / RATE);
        put_le(bytes + 44 + i * 2, (uint32_t)(int32_t)lrint(v), 2);
    }
    return bytes;
}

char *interleave(const struct recording *channels, int count, size_t *size)
{
    size_t frames = channels[0].samples;
    *size = 44 + frames * (size_t)count * 2;
    char *wav = malloc(*size);
    assert_non_null(wav);
    wav_header(wav, RATE, (uint32_t)(frames * (size_t)count));
    wav[22] = (char)count;
    wav[32] = (char)(2 * count);
    int16_t *out = (int16_t *)(void *)(wav + 44);
    for (size_t i = 0; i < frames; i++) {
        for (int c = 0; c < count; c++)
            *out++ = channels[c].pcm[i];
    }
    return wav;
}

struct sc_job_options *options_from(const char *const *pairs)
{
    struct sc_job_options *o = sc_job_options_new();
    struct sc_error err = { 0 };
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        if (sc_job_options_set(o, sc_str_from(pairs[i]), sc_str_from(pairs[i + 1]), &err) != SC_OK)
            fail_msg("%s", err.msg);
    }
    return o;
}

enum sc_code arrive(struct rig *r, const struct upload *u, struct sc_arrived *out,
                    struct sc_error *err)
{
    char hash[SC_SHA256_TEXT];
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_FREE char *path = NULL;
    SC_AUTO(sc_job_options_freep)
    struct sc_job_options *options = u->options == NULL ? NULL : options_from(u->options);
    assert_int_equal(sc_file_temp(r->f.dir.path, ".up", &fd, &path, NULL), SC_OK);
    assert_int_equal(sc_file_write_all(fd, u->bytes, u->size, NULL), SC_OK);
    sc_hash_bytes(u->bytes, u->size, hash);
    const struct sc_arrival a = {
        .owner_id = u->owner == 0 ? ANNA : u->owner,
        .temp_path = path,
        .fd = fd,
        .size = (int64_t)u->size,
        .sha256 = hash,
        .name = u->name == NULL ? "a.wav" : u->name,
        .source = "api",
        .idempotency_key = u->key,
    };
    enum sc_code code = sc_pipelines_arrive(r->p, &a, options, out, err);
    if (code == SC_OK)
        assert_int_equal(sc_file_size(path), -1);
    else
        assert_int_equal(unlink(path), 0); /* stays where it was */
    return code;
}

int64_t start_job(struct rig *r, int64_t ms, double amplitude, const char *const *options)
{
    size_t size = 0;
    SC_AUTO_FREE char *wav = make_wav(ms, amplitude, &size);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    const struct upload u = { .bytes = wav, .size = size, .options = options };
    struct sc_error err = { 0 };
    if (arrive(r, &u, &a, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    return a.job.id;
}

int64_t start_recording(struct rig *r, const struct recording *channels, int count,
                        const char *const *options)
{
    size_t size = 0;
    SC_AUTO_FREE char *wav = interleave(channels, count, &size);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    const struct upload u = { .bytes = wav, .size = size, .options = options };
    struct sc_error err = { 0 };
    if (arrive(r, &u, &a, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    return a.job.id;
}

struct sc_job job_of(struct rig *r, int64_t id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_job job;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_job_get(conn, id, &job, NULL), SC_OK);
    return job;
}

size_t claim_lane(struct rig *r, const char *lane, int max, struct sc_chunk_work *works)
{
    struct sc_claimed claimed = { .claim = { r->worker, &lane, 1, max, NULL }, .work = works };
    assert_int_equal(sc_chunk_claim(r->p, &claimed, NULL), SC_OK);
    return claimed.count;
}

size_t claim_chunks(struct rig *r, int max, struct sc_chunk_work *works)
{
    return claim_lane(r, "engine:null", max, works);
}

struct sc_fence fence_of(struct rig *r, const struct sc_task *task)
{
    return (struct sc_fence){ task->id, r->worker, task->epoch };
}

void say(const struct sc_chunk_work *w, struct sc_segments *out)
{
    struct sc_segment *segment = NULL;
    int64_t start = w->start_samples / 16, end = w->end_samples / 16;
    for (int64_t k = 0; k * 1000 + 500 < end; k++) {
        char text[24];
        if (k * 1000 + 500 < start)
            continue;
        int n = snprintf(text, sizeof(text), "t%lld", (long long)k);
        if (segment == NULL)
            segment = sc_segments_add(out);
        assert_true(sc_segment_add_word(segment, (struct sc_str){ text, (size_t)n },
                                        SC_MAX(k * 1000 - start, 0),
                                        SC_MIN((k + 1) * 1000, end) - start, 1));
    }
    if (segment != NULL)
        sc_segment_settle(segment);
}

void check_input(struct rig *r, const struct sc_chunk_work *w)
{
    SC_AUTO_CLOSE int fd = -1;
    int64_t size = 0;
    struct sc_fence fence = fence_of(r, &w->task);
    assert_int_equal(sc_chunk_input(r->p, &fence, &fd, &size, NULL), SC_OK);
    assert_int_equal(size, (w->end_samples - w->start_samples) * 2);
    assert_int_equal(lseek(fd, 0, SEEK_END), size);
}

enum sc_code complete(struct rig *r, const struct sc_chunk_work *w, bool *repeated)
{
    struct sc_chunk_result result = { .fence = fence_of(r, &w->task) };
    bool again = false;
    say(w, &result.segments);
    enum sc_code code = sc_chunk_complete(r->p, &result, NULL, &again, NULL);
    sc_segments_done(&result.segments);
    if (repeated != NULL)
        *repeated = again;
    return code;
}

size_t work_some(struct rig *r, int max)
{
    struct sc_chunk_work works[SC_CLAIM_MAX];
    size_t n = claim_chunks(r, max, works);
    for (size_t i = 0; i < n; i++) {
        check_input(r, &works[i]);
        assert_int_equal(complete(r, &works[i], NULL), SC_OK);
        sc_chunk_work_done(&works[i]);
    }
    return n;
}

struct watch watch_new(struct rig *r)
{
    return (struct watch){ r, sc_subscriber_open(r->hub, 0, 0, 4096, NULL, NULL) };
}

void watch_done(struct watch *w)
{
    sc_subscriber_close(w->sub);
}

void wait_for(struct watch *w, const char *sql, int64_t value)
{
    int64_t deadline = sc_clock_mono_ms() + PATIENCE_MS;
    struct sc_event event;
    while (ask(w->r, sql) != value) {
        if (!sc_subscriber_wait(w->sub, sc_clock_mono_ms() + LOOK_MS, &event) &&
            sc_clock_mono_ms() > deadline)
            fail_msg("waited in vain for %lld of: %s", (long long)value, sql);
    }
}

enum sc_job_state work_to_the_end(struct watch *w, int64_t id)
{
    int64_t deadline = sc_clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        struct sc_event event;
        SC_AUTO_JOB job = job_of(w->r, id);
        if (job.state > SC_JOB_PROCESSING)
            return job.state;
        if (work_some(w->r, 4) == 0 &&
            !sc_subscriber_wait(w->sub, sc_clock_mono_ms() + LOOK_MS, &event) &&
            sc_clock_mono_ms() > deadline)
            fail_msg("the job does not end");
    }
}

void text_of(struct rig *r, int64_t id, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_SEGMENTS all = { 0 };
    struct sc_transcript t;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_transcript_of_job(conn, id, &t, NULL), SC_OK);
    assert_true(t.complete);
    assert_int_equal(t.version, 1);
    assert_int_equal(sc_transcript_segments(conn, &t, 1, &all, NULL), SC_OK);
    assert_int_equal(sc_segments_check(&all, NULL), SC_OK);
    sc_segments_text(&all, out);
    for (size_t i = 0; i < out->len; i++) {
        if (out->ptr[i] == '\n')
            out->ptr[i] = ' ';
    }
}

void assert_text(struct rig *r, int64_t id, int n)
{
    SC_AUTO_BUF text = { 0 }, wanted = { 0 };
    text_of(r, id, &text);
    for (int i = 0; i < n; i++)
        sc_buf_printf(&wanted, "%st%d", i == 0 ? "" : " ", i);
    assert_string_equal(sc_buf_text(&text), sc_buf_text(&wanted));
}
