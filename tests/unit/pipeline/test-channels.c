/* Recordings of several channels: which is heard, that the others change nothing, that no word is
 * lost or doubled however they are cut and interrupted. */

#include "base/alloc.h"
#include "rig.h"

#include "base/banned.h"

static void start(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

/* A talk: phrases and pauses, now and then a long stretch without one. */
static void make_talk(struct dice *d, struct recording *r, int64_t ms)
{
    while ((int64_t)r->samples < ms * 16) {
        bool long_one = dice_between(d, 0, 5) == 0;
        add_speech(d, r, long_one ? dice_between(d, 12000, 25000) : dice_between(d, 500, 6000), 20);
        add_noise(d, r, dice_between(d, 50, 3000), 20);
    }
    r->samples = (size_t)ms * 16;
}

/* Chunks of the channel that hold this sample. */
static int64_t count_span(struct rig *r, int64_t job, int channel, int64_t at)
{
    SC_AUTO_FREE char *sql = sc_asprintf(
        "SELECT count(*) FROM chunks WHERE job = %lld AND channel = %d AND start_samples <= %lld "
        "AND end_samples > %lld",
        (long long)job, channel, (long long)at, (long long)at);
    return ask(r, sql);
}

static void read_words(struct rig *r, int64_t job, const char *speaker, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_SEGMENTS all = { 0 };
    struct sc_transcript t;
    int64_t last = -1;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_transcript_of_job(conn, job, &t, NULL), SC_OK);
    assert_int_equal(sc_transcript_segments(conn, &t, 1, &all, NULL), SC_OK);
    for (size_t i = 0; i < all.count; i++) {
        const struct sc_segment *s = &all.items[i];
        assert_true(s->start_ms >= last); /* in order of time, whoever speaks */
        last = s->start_ms;
        if (speaker == NULL ? s->speaker != NULL
                            : s->speaker == NULL || strcmp(s->speaker, speaker) != 0)
            continue;
        for (size_t k = 0; k < s->word_count; k++)
            sc_buf_printf(out, "%s ", s->words[k].text);
    }
}

/* Exactly the words whose middle lies in a chunk of the channel, each once, in order. speaker NULL:
 * none must be named. */
static void assert_words(struct rig *r, int64_t job, int channel, const char *speaker,
                         int64_t seconds, bool all)
{
    SC_AUTO_BUF got = { 0 }, wanted = { 0 };
    for (int64_t k = 0; k < seconds; k++) {
        int64_t chunks = count_span(r, job, channel, k * RATE + RATE / 2);
        if (all)
            assert_true(chunks >= 1);
        if (chunks > 0)
            sc_buf_printf(&wanted, "t%lld ", (long long)k);
    }
    read_words(r, job, speaker, &got);
    assert_string_equal(sc_buf_text(&got), sc_buf_text(&wanted));
}

static void the_channels_of_a_recording_are_their_own_speakers(void **state)
{
    (void)state;
    static const char *const options[] = {
        "engine", "null", "vad", "off", "channels", "split", NULL
    };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    RECORDING left = { 0 }, right = { 0 };
    struct dice d = { 3 };
    start(&r);
    add_noise(&d, &left, 65000, 3000);
    add_noise(&d, &right, 65000, 3000);
    int64_t id = start_recording(&r, (const struct recording[]){ left, right }, 2, options);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_words(&r, id, 0, "1", 65, true);
    assert_words(&r, id, 1, "2", 65, true);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.duration_ms, 65000);
    assert_int_equal(job.chunks_total, 6);
    assert_string_equal(job.warnings, "[]");
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks WHERE overlaps_next = 2"), 4);
}

/* The chunks of one channel: where they lie, and their sound. */
static void list_chunks(struct rig *r, int64_t job, int channel, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    for (int64_t chunk = 0; chunk < 200; chunk++) {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_GET);
        sc_stmt_bind_int(&st, ":job", job);
        sc_stmt_bind_int(&st, ":chunk", chunk);
        if (sc_stmt_one(&st, NULL) != SC_OK)
            return;
        if (sc_stmt_int(&st, "channel") == channel)
            sc_buf_printf(out, "%lld-%lld %lld %s\n", (long long)sc_stmt_int(&st, "start_samples"),
                          (long long)sc_stmt_int(&st, "end_samples"),
                          (long long)sc_stmt_int(&st, "overlaps_next"),
                          sc_stmt_text(&st, "pcm_hash"));
    }
}

static void what_is_heard_on_one_channel_does_not_depend_on_the_other(void **state)
{
    (void)state;
    static const char *const split[] = { "engine", "null", "channels", "split", NULL };
    static const char *const second[] = { "engine", "null", "channels", "right", NULL };
    static const char *const alone[] = { "engine", "null", NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct recording both[2] = { { 0 }, { 0 } };
    struct dice d = { 21 };
    start(&r);
    make_talk(&d, &both[0], 70000);
    make_talk(&d, &both[1], 70000);
    int64_t a = start_recording(&r, both, 2, split); /* of one recording, two jobs */
    int64_t b = start_recording(&r, both, 2, second);
    int64_t c = start_recording(&r, &both[1], 1, alone);
    assert_int_equal(work_to_the_end(&watch, a), SC_JOB_COMPLETED);
    assert_int_equal(work_to_the_end(&watch, b), SC_JOB_COMPLETED);
    assert_int_equal(work_to_the_end(&watch, c), SC_JOB_COMPLETED);
    SC_AUTO_BUF of_split = { 0 }, of_second = { 0 }, of_mono = { 0 };
    list_chunks(&r, a, 1, &of_split);
    list_chunks(&r, b, 1, &of_second);
    list_chunks(&r, c, -1, &of_mono);
    assert_true(of_split.len > 0);
    assert_string_equal(sc_buf_text(&of_split), sc_buf_text(&of_second));
    assert_string_equal(sc_buf_text(&of_split), sc_buf_text(&of_mono));
    assert_words(&r, b, 1, NULL, 70, false);
    recording_done(&both[0]);
    recording_done(&both[1]);
}

static void a_channel_that_is_not_there_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const wanted[] = { "right", "3", "8" };
    AUTO_RIG(r);
    RECORDING mono = { 0 };
    struct dice d = { 4 };
    size_t size = 0;
    add_noise(&d, &mono, 500, 3000);
    SC_AUTO_FREE char *wav = interleave(&mono, 1, &size);
    for (size_t i = 0; i < SC_ARRAY_LEN(wanted); i++) {
        const char *const options[] = { "engine", "null", "channels", wanted[i], NULL };
        const struct upload u = { .bytes = wav, .size = size, .options = options };
        SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
        struct sc_error err = { 0 };
        assert_int_equal(arrive(&r, &u, &a, &err), SC_E_INVALID_VALUE);
        assert_string_equal(err.field, "channels");
        assert_non_null(strstr(err.msg, "has only one"));
    }
    assert_int_equal(ask(&r, "SELECT count(*) FROM files"), 0);
}

/* ---- any cuts, any interruptions ---- */

static void restart(struct rig *r)
{
    sc_pipelines_close(r->p);
    rig_open_pipelines(r);
    start(r);
}

/* Works with pauses in which the pipelines are stopped and others take over. */
static void work_interrupted(struct watch *w, int64_t id, struct dice *d)
{
    int stops = (int)dice_between(d, 0, 3);
    for (int i = 0; i < stops; i++) {
        struct sc_event event;
        for (int64_t n = dice_between(d, 0, 40); n > 0; n--)
            (void)sc_subscriber_wait(w->sub, sc_clock_mono_ms() + 5, &event);
        (void)work_some(w->r, (int)dice_between(d, 1, 6));
        restart(w->r);
    }
    assert_int_equal(work_to_the_end(w, id), SC_JOB_COMPLETED);
}

struct choice {
    char channels[8], length[8], threshold[8], padding[8];
    bool vad;
    const char *options[16];
};

static void choose(struct dice *d, struct choice *c)
{
    static const char *const channels[] = { "mix", "split", "split", "split", "1", "2" };
    (void)snprintf(c->channels, sizeof(c->channels), "%s", channels[dice_between(d, 0, 5)]);
    (void)snprintf(c->length, sizeof(c->length), "%ds", (int)dice_between(d, 5, 30));
    (void)snprintf(c->threshold, sizeof(c->threshold), "%d", (int)dice_between(d, 3, 15));
    (void)snprintf(c->padding, sizeof(c->padding), "%dms", (int)dice_between(d, 0, 900));
    c->vad = dice_between(d, 0, 2) > 0;
    const char *list[] = { "engine",
                           "null",
                           "channels",
                           c->channels,
                           "chunk_length",
                           c->length,
                           "vad",
                           c->vad ? "on" : "off",
                           "vad_threshold",
                           c->threshold,
                           "vad_padding",
                           c->padding,
                           NULL };
    if (!c->vad)
        list[8] = NULL;
    memcpy(c->options, list, sizeof(list));
}

static void no_word_is_lost_or_doubled_however_it_is_cut_and_interrupted(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    r.config->split_ahead = 6;
    start(&r);
    for (uint64_t seed = 1; seed <= 16; seed++) {
        struct dice d = { seed * 7919 };
        struct recording both[2] = { { 0 }, { 0 } };
        struct choice c;
        int64_t seconds = dice_between(&d, 20, 90);
        make_talk(&d, &both[0], seconds * 1000);
        make_talk(&d, &both[1], seconds * 1000);
        choose(&d, &c);
        int64_t id = start_recording(&r, both, 2, c.options);
        work_interrupted(&watch, id, &d);
        if (strcmp(c.channels, "split") == 0) {
            assert_words(&r, id, 0, "1", seconds, !c.vad);
            assert_words(&r, id, 1, "2", seconds, !c.vad);
        } else {
            int channel = c.channels[0] == 'm' ? -1 : c.channels[0] - '1';
            assert_words(&r, id, channel, NULL, seconds, !c.vad);
        }
        recording_done(&both[0]);
        recording_done(&both[1]);
    }
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks WHERE overlaps_next = 1"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_channels_of_a_recording_are_their_own_speakers),
        TEST(what_is_heard_on_one_channel_does_not_depend_on_the_other),
        TEST(a_channel_that_is_not_there_is_refused_by_name),
        TEST(no_word_is_lost_or_doubled_however_it_is_cut_and_interrupted),
    };
    return cmocka_run_group_tests_name("pipeline/channels", tests, NULL, NULL);
}
