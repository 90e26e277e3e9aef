/* Short stretches of speech, packed: an engine that hears where sound is in its chunk and knows
 * nothing else must give words where the recording has that sound. */

#include "base/alloc.h"
#include "rig.h"

#include "base/banned.h"

#define BURSTS_MAX 80
#define LOUD 2000
/* Between two samples of a burst, at most; below the shortest pause. */
#define APART (RATE / 5)
/* A burst may begin and end within a block of the decoder's resampling. */
#define NEAR_MS 10

/* The sounds below are music to who listens for it. */
static const char *const packed[] = { "engine", "whisper", "model", "/nowhere/ggml-x.bin",
                                      "music",  "keep",    NULL };

static void start(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

/* Sounds that can be told apart by how loud they are: the k-th of 3000 + 100 k. */
struct talk {
    struct recording sound; /* owned */
    struct {
        int64_t start_ms, end_ms;
    } bursts[BURSTS_MAX];
    int count;
};

static void talk_done(struct talk *t)
{
    recording_done(&t->sound);
}
#define TALK SC_AUTO(talk_done) struct talk

static void add_burst(struct dice *d, struct talk *t, int64_t ms, int64_t pause_ms)
{
    int64_t peak = 3000 + 100 * t->count;
    t->bursts[t->count].start_ms = (int64_t)t->sound.samples / 16;
    for (int64_t i = 0; i < ms * 16; i++)
        add_sample(&t->sound, (double)(i / 20 % 2 == 0 ? peak : -peak));
    t->bursts[t->count++].end_ms = (int64_t)t->sound.samples / 16;
    add_noise(d, &t->sound, pause_ms, 20);
}

static void any_talk(struct dice *d, int bursts, struct talk *t)
{
    add_noise(d, &t->sound, dice_between(d, 0, 9000), 20);
    while (t->count < bursts)
        add_burst(d, t, dice_between(d, 100, 3000),
                  dice_between(d, 700, dice_between(d, 0, 1) == 0 ? 2500 : 25000));
}

/* ---- the engine ---- */

static void say_burst(struct sc_segment *s, int64_t from, int64_t to, int peak)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "b%d", (peak - 3000 + 50) / 100);
    assert_true(sc_segment_add_word(s, (struct sc_str){ text, (size_t)n }, from / 16, to / 16, 1));
}

/* One segment over all of it, as Whisper may: that it spans pauses is ours to mend. */
static void hear(const int16_t *pcm, int64_t samples, struct sc_segments *out)
{
    struct sc_segment *s = NULL;
    for (int64_t at = 0; at < samples; at++) {
        if (abs(pcm[at]) < LOUD)
            continue;
        int64_t last = at;
        int peak = abs(pcm[at]);
        for (int64_t i = at; i < samples && i - last < APART; i++) {
            last = abs(pcm[i]) >= LOUD ? i : last;
            peak = SC_MAX(peak, abs(pcm[i]));
        }
        if (s == NULL)
            s = sc_segments_add(out);
        say_burst(s, at, last, peak);
        at = last + APART - 1;
    }
    if (s != NULL)
        sc_segment_settle(s);
}

static void work_on(struct rig *r, const struct sc_chunk_work *w)
{
    struct sc_chunk_result result = { .fence = fence_of(r, &w->task) };
    SC_AUTO_CLOSE int fd = -1;
    int64_t size = 0;
    bool repeated;
    assert_int_equal(sc_chunk_input(r->p, &result.fence, &fd, &size, NULL), SC_OK);
    assert_int_equal(size, w->samples * 2);
    assert_true(w->samples <= 30 * RATE);
    SC_AUTO_FREE int16_t *pcm = malloc((size_t)size);
    assert_int_equal(read(fd, pcm, (size_t)size), size);
    hear(pcm, w->samples, &result.segments);
    assert_int_equal(sc_chunk_complete(r->p, &result, NULL, &repeated, NULL), SC_OK);
    sc_segments_done(&result.segments);
}

static size_t work(struct rig *r, int max)
{
    struct sc_chunk_work works[SC_CLAIM_MAX];
    size_t n = claim_lane(r, "engine:whisper", max, works);
    for (size_t i = 0; i < n; i++) {
        work_on(r, &works[i]);
        sc_chunk_work_done(&works[i]);
    }
    return n;
}

static void work_to_end(struct watch *w, int64_t id)
{
    SC_AUTO_FREE char *sql =
        sc_asprintf("SELECT state > 1 FROM jobs WHERE id = %lld", (long long)id);
    while (ask(w->r, sql) == 0) {
        struct sc_event event;
        if (work(w->r, 2) == 0)
            (void)sc_subscriber_wait(w->sub, sc_clock_mono_ms() + LOOK_MS, &event);
    }
    SC_AUTO_JOB job = job_of(w->r, id);
    assert_int_equal(job.state, SC_JOB_COMPLETED);
}

/* ---- what comes of it ---- */

static void read_segments(struct rig *r, int64_t id, struct sc_segments *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_transcript_of_job(conn, id, &t, NULL), SC_OK);
    assert_int_equal(sc_transcript_segments(conn, &t, 1, out, NULL), SC_OK);
    assert_int_equal(sc_segments_check(out, NULL), SC_OK);
}

/* Each burst once, in order, where it is. speaker NULL: of all. */
static void assert_heard(struct rig *r, int64_t id, const struct talk *t, const char *speaker)
{
    SC_AUTO_SEGMENTS all = { 0 };
    int next = 0;
    read_segments(r, id, &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct sc_segment *s = &all.items[i];
        if (speaker != NULL && strcmp(s->speaker, speaker) != 0)
            continue;
        for (size_t k = 0; k < s->word_count; k++, next++) {
            char want[24];
            (void)snprintf(want, sizeof(want), "b%d", next);
            assert_true(next < t->count);
            assert_string_equal(s->words[k].text, want);
            assert_in_range(s->words[k].start_ms, t->bursts[next].start_ms,
                            t->bursts[next].start_ms + NEAR_MS);
            assert_in_range(s->words[k].end_ms, t->bursts[next].end_ms - NEAR_MS,
                            t->bursts[next].end_ms);
        }
    }
    assert_int_equal(next, t->count);
}

static void words_come_back_to_where_the_sound_is(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct dice d = { seed * 7919 };
        TALK t = { 0 };
        any_talk(&d, 20, &t);
        int64_t id = start_recording(&r, &t.sound, 1, packed);
        work_to_end(&watch, id);
        assert_heard(&r, id, &t, NULL);
    }
    assert_true(ask(&r, "SELECT count(*) FROM chunks WHERE stretches IS NOT NULL") >= 6);
}

/* 30 bursts of 2 s, 12 s apart: 12 of 2.9 s fit into a window with the silence around them. */
static void an_interview_with_long_pauses_takes_few_chunks(void **state)
{
    (void)state;
    static const char *const cut[] = { "engine", "whisper", "model",        "/nowhere/ggml-x.bin",
                                       "music",  "keep",    "chunk_length", "30s",
                                       NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct dice d = { 5 };
    TALK t = { 0 };
    start(&r);
    for (int i = 0; i < 30; i++)
        add_burst(&d, &t, 2000, 10000);
    int64_t id = start_recording(&r, &t.sound, 1, packed);
    work_to_end(&watch, id);
    assert_heard(&r, id, &t, NULL);
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks"), 3);
    /* Who asks for a length gets it. */
    id = start_recording(&r, &t.sound, 1, cut);
    work_to_end(&watch, id);
    assert_heard(&r, id, &t, NULL);
    assert_true(ask(&r, "SELECT count(*) FROM chunks WHERE job = 2") >= 10);
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks WHERE job = 2 AND stretches IS NOT NULL"),
                     0);
}

static void each_channel_is_packed_by_itself(void **state)
{
    (void)state;
    static const char *const split[] = { "engine", "whisper", "model",    "/nowhere/ggml-x.bin",
                                         "music",  "keep",    "channels", "split",
                                         NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct dice d = { 11 };
    TALK left = { 0 };
    TALK right = { 0 };
    start(&r);
    any_talk(&d, 30, &left);
    any_talk(&d, 25, &right);
    while (left.sound.samples < right.sound.samples)
        add_sample(&left.sound, 0);
    while (right.sound.samples < left.sound.samples)
        add_sample(&right.sound, 0);
    int64_t id =
        start_recording(&r, (const struct recording[]){ left.sound, right.sound }, 2, split);
    work_to_end(&watch, id);
    assert_heard(&r, id, &left, "1");
    assert_heard(&r, id, &right, "2");
}

/* Stopped and begun again at any moment, and with sound that has gone from the work folder. */
static void packed_chunks_survive_what_chunks_survive(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct dice d = { 13 };
    TALK t = { 0 };
    char name[128], path[PATH_MAX];
    r.config->split_ahead = 3;
    any_talk(&d, BURSTS_MAX, &t);
    start(&r);
    int64_t id = start_recording(&r, &t.sound, 1, packed);
    SC_AUTO_JOB job = job_of(&r, id);
    int gone = 0;
    for (int stop = 0; stop < 4; stop++) {
        wait_for(&watch, "SELECT count(*) > 0 FROM tasks WHERE stage = 2 AND state = 0", 1);
        sc_pipelines_close(r.p);
        for (int chunk = 0; chunk < 20; chunk += 2) {
            (void)snprintf(name, sizeof(name), "work/%s/chunks/%06d.pcm", job.job_id, chunk);
            gone += unlink(test_path(&r.f.dir, name, path)) == 0;
        }
        rig_open_pipelines(&r);
        start(&r);
        (void)work(&r, 1);
    }
    work_to_end(&watch, id);
    assert_true(gone > 0);
    assert_heard(&r, id, &t, NULL);
}

struct returned {
    struct rig *r;
    const struct sc_task *task;
};

static enum sc_code op_return(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct returned *b = ctx;
    struct sc_fence fence = fence_of(b->r, b->task);
    return sc_task_release(b->r->queue, tx, &fence, err);
}

static void give_back(struct rig *r, const struct sc_task *task)
{
    struct returned b = { r, task };
    assert_int_equal(sc_store_write(r->f.store, SC_RELAXED, op_return, &b, NULL), SC_OK);
}

/* The program is replaced by one that cuts elsewhere: here, by the settings of the job. The worker
 * has heard `done` chunks by then, and gives one back. */
static void cut_anew(int done, const char *const *options, int channels)
{
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct dice d = { 19 + (uint64_t)done };
    TALK t = { 0 };
    TALK other = { 0 };
    struct sc_chunk_work lost[SC_CLAIM_MAX];
    r.config->split_ahead = 4;
    any_talk(&d, 30, &t);
    any_talk(&d, 30, &other);
    while (t.sound.samples < other.sound.samples)
        add_sample(&t.sound, 0);
    while (other.sound.samples < t.sound.samples)
        add_sample(&other.sound, 0);
    start(&r);
    int64_t id =
        start_recording(&r, (const struct recording[]){ t.sound, other.sound }, channels, options);
    for (int i = 0; i < done; i++) {
        wait_for(&watch, "SELECT count(*) > 0 FROM tasks WHERE stage = 2 AND state = 0", 1);
        assert_int_equal(work(&r, 1), 1);
    }
    wait_for(&watch, "SELECT count(*) - sum(processed_ms IS NOT NULL) FROM chunks", 4);
    if (done > 0) {
        assert_int_equal(claim_lane(&r, "engine:whisper", 1, lost), 1);
        give_back(&r, &lost[0].task);
        sc_chunk_work_done(&lost[0]);
    }
    sc_pipelines_close(r.p);
    assert_int_equal(
        write_sql(r.f.store, "UPDATE jobs SET settings = json_remove(settings, '$.chunk_length')"),
        SC_OK);
    rig_open_pipelines(&r);
    start(&r);
    work_to_end(&watch, id);
    assert_heard(&r, id, &t, channels > 1 ? "1" : NULL);
    if (channels > 1)
        assert_heard(&r, id, &other, "2");
    assert_true(ask(&r, "SELECT count(*) FROM chunks WHERE stretches IS NOT NULL") > 0);
    assert_int_equal(ask(&r, "SELECT (SELECT count(*) FROM chunks) - chunks_total FROM jobs"), 0);
}

static void what_is_cut_elsewhere_than_before_is_cut_anew_behind_what_was_heard(void **state)
{
    (void)state;
    static const char *const mixed[] = { "engine", "whisper", "model",        "/nowhere/ggml-x.bin",
                                         "music",  "keep",    "chunk_length", "10s",
                                         NULL };
    static const char *const split[] = { "engine",
                                         "whisper",
                                         "model",
                                         "/nowhere/ggml-x.bin",
                                         "music",
                                         "keep",
                                         "chunk_length",
                                         "10s",
                                         "channels",
                                         "split",
                                         NULL };
    for (int done = 0; done < 4; done++) {
        cut_anew(done, mixed, 1);
        cut_anew(done, split, 2);
    }
}

/* So many of three chunks of 10 s were given to a worker and stay, of which the last overlaps one
 * that nobody was given, or that was never cut; the program of today finds silence there, and cuts
 * nothing behind them: fewer chunks than there were. */
static void cut_nothing_behind(int stay)
{
    static const char *const plain[] = {
        "engine",   "whisper", "model", "/nowhere/ggml-x.bin", "vad", "off", "chunk_length", "10s",
        "language", "en",      NULL
    };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct dice d = { 7 };
    TALK t = { 0 };
    struct sc_chunk_work given[SC_CLAIM_MAX];
    r.config->split_ahead = 3;
    for (int i = 0; i < 11; i++)
        add_burst(&d, &t, 800, 700);
    add_noise(&d, &t.sound, 22000, 20);
    start(&r);
    int64_t id = start_recording(&r, &t.sound, 1, plain);
    wait_for(&watch, "SELECT count(*) FROM chunks", 3);
    assert_int_equal(ask(&r, "SELECT min(overlaps_next) FROM chunks WHERE chunk < 2"), 1);
    assert_int_equal(claim_lane(&r, "engine:whisper", stay, given), stay);
    for (int i = 0; i < stay; i++) {
        give_back(&r, &given[i].task);
        sc_chunk_work_done(&given[i]);
    }
    sc_pipelines_close(r.p);
    assert_int_equal(write_sql(r.f.store,
                               "UPDATE jobs SET settings = json_set(json_remove(settings, "
                               "'$.chunk_length'), '$.vad', json('true'), '$.music', 'keep')"),
                     SC_OK);
    rig_open_pipelines(&r);
    start(&r);
    wait_for(&watch, "SELECT count(*) FROM chunks", stay);
    work_to_end(&watch, id);
    assert_heard(&r, id, &t, NULL);
    assert_int_equal(ask(&r, "SELECT overlaps_next FROM chunks ORDER BY chunk DESC LIMIT 1"), 0);
    assert_int_equal(ask(&r, "SELECT chunks_total FROM jobs"), stay);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE stage = 2"), stay);
}

static void the_last_chunk_that_stays_waits_for_no_other(void **state)
{
    (void)state;
    cut_nothing_behind(2);
    cut_nothing_behind(3);
}

/* A task's stretches are as the store has them, or the store is damaged. */
static void stretches_that_are_damaged_are_not_guessed(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct dice d = { 17 };
    TALK t = { 0 };
    struct sc_chunk_work works[SC_CLAIM_MAX];
    struct sc_claimed claimed = { .claim = { r.worker, &(const char *){ "engine:whisper" }, 1, 1 },
                                  .work = works };
    start(&r);
    any_talk(&d, 20, &t);
    (void)start_recording(&r, &t.sound, 1, packed);
    wait_for(&watch, "SELECT split_done FROM jobs", 1);
    assert_int_equal(write_sql(r.f.store, "UPDATE chunks SET stretches = '1-2'"), SC_OK);
    assert_int_equal(sc_chunk_claim(r.p, &claimed, NULL), SC_E_STORE_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_come_back_to_where_the_sound_is),
        TEST(an_interview_with_long_pauses_takes_few_chunks),
        TEST(each_channel_is_packed_by_itself),
        TEST(packed_chunks_survive_what_chunks_survive),
        TEST(what_is_cut_elsewhere_than_before_is_cut_anew_behind_what_was_heard),
        TEST(the_last_chunk_that_stays_waits_for_no_other),
        TEST(stretches_that_are_damaged_are_not_guessed),
    };
    return cmocka_run_group_tests_name("pipeline/packing", tests, NULL, NULL);
}
