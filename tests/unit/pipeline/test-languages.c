/* The language of a job: heard once for each stream, whoever claims what and when. */

#include "base/alloc.h"
#include "pipeline/spoken.h"
#include "rig.h"

#include "base/banned.h"

#define SECONDS 60
#define CHUNKS_MAX 32

static const char *const heard_once[] = { "engine",         "whisper", "model",
                                          "/nowhere/x.bin", "vad",     "off",
                                          "chunk_length",   "10s",     NULL };
static const char *const each[] = { "engine", "whisper",      "model", "/nowhere/x.bin", "vad",
                                    "off",    "chunk_length", "10s",   "multilingual",   "on",
                                    NULL };
static const char *const told[] = { "engine", "whisper",      "model", "/nowhere/x.bin", "vad",
                                    "off",    "chunk_length", "10s",   "language",       "de",
                                    NULL };
static const char *const by_channel[] = { "engine",         "whisper", "model",
                                          "/nowhere/x.bin", "vad",     "off",
                                          "chunk_length",   "10s",     "channels",
                                          "split",          NULL };

static void start(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

/* What is claimed at once, in the order of chunks. */
struct hand {
    struct sc_chunk_work works[SC_CLAIM_MAX];
    size_t count;
};

static void hand_done(struct hand *h)
{
    for (size_t i = 0; i < h->count; i++)
        sc_chunk_work_done(&h->works[i]);
    h->count = 0;
}
#define HAND SC_AUTO(hand_done) struct hand

static size_t claim(struct rig *r, int max, struct hand *h)
{
    hand_done(h);
    h->count = claim_lane(r, "engine:whisper", max, h->works);
    return h->count;
}

static void wait_cut(struct watch *w)
{
    wait_for(w, "SELECT min(split_done) FROM jobs", 1);
}

/* text NULL: there are no words. */
static void answer(struct rig *r, const struct sc_chunk_work *w, const char *language,
                   const char *text)
{
    struct sc_chunk_result result = { .fence = fence_of(r, &w->task) };
    bool repeated = true;
    (void)snprintf(result.language, sizeof(result.language), "%s", language);
    if (text != NULL) {
        struct sc_segment *s = sc_segments_add(&result.segments);
        assert_true(sc_segment_add_word(s, sc_str_from(text), 1000, 2000, 1));
        assert_true(sc_segment_settle(s));
    }
    assert_int_equal(sc_chunk_complete(r->p, &result, NULL, &repeated, NULL), SC_OK);
    assert_false(repeated);
    sc_segments_done(&result.segments);
}

static void assert_hand(const struct hand *h, int first, size_t count, const char *language)
{
    assert_int_equal(h->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(h->works[i].task.chunk, first + (int)i);
        assert_string_equal(h->works[i].order.language, language);
    }
}

/* In the text the language that was told stands. */
static void assert_languages(struct watch *w, int64_t id, const char *heard, const char *of_text)
{
    SC_AUTO_FREE char *sql = sc_asprintf("SELECT state FROM jobs WHERE id = %lld", (long long)id);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    wait_for(w, sql, SC_JOB_COMPLETED);
    SC_AUTO_JOB job = job_of(w->r, id);
    assert_string_equal(job.detected_language, heard);
    assert_int_equal(sc_store_read(w->r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_transcript_of_job(conn, id, &t, NULL), SC_OK);
    assert_string_equal(t.language, of_text);
}

static void assert_spoken(struct watch *w, int64_t id, const char *language)
{
    assert_languages(w, id, language, language);
}

static void the_first_chunk_with_words_tells_the_others(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    HAND h = { 0 };
    int64_t id = start_job(&r, SECONDS * 1000, 3000, heard_once);
    start(&r);
    wait_cut(&w);
    const int all = (int)ask(&r, "SELECT count(*) FROM chunks");
    assert_true(all > 4);
    assert_int_equal(ask(&r, "SELECT chunks_total FROM jobs"), all);

    assert_int_equal(claim(&r, 8, &h), 1);
    assert_hand(&h, 0, 1, "auto");
    answer(&r, &h.works[0], "de", NULL);
    assert_int_equal(claim(&r, 8, &h), 1); /* without words it says nothing */
    assert_hand(&h, 1, 1, "auto");
    answer(&r, &h.works[0], "", "words");
    assert_int_equal(claim(&r, 8, &h), 1); /* nor with words in no language */
    assert_hand(&h, 2, 1, "auto");
    answer(&r, &h.works[0], "fr", "bonjour");
    (void)claim(&r, CHUNKS_MAX, &h);
    assert_hand(&h, 3, (size_t)all - 3, "fr");
    for (size_t i = h.count; i-- > 0;)
        answer(&r, &h.works[i], i == 0 ? "" : "fr", "mots");
    assert_spoken(&w, id, "fr");
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks WHERE language = 'fr'"), all - 2);
}

static void what_is_cut_later_is_told_too(void **state)
{
    (void)state;
    struct rig r = { .f = fixture_new(), .setting = "split.ahead=2" };
    rig_open(&r);
    {
        AUTO_WATCH(w, &r);
        HAND h = { 0 };
        int64_t id = start_job(&r, SECONDS * 1000, 3000, heard_once);
        start(&r);
        wait_for(&w, "SELECT count(*) FROM chunks", 2);
        assert_int_equal(claim(&r, 8, &h), 1);
        answer(&r, &h.works[0], "es", "hola");
        for (int next = 1; ask(&r, "SELECT state FROM jobs") < SC_JOB_COMPLETED;) {
            struct sc_event event;
            if (claim(&r, 1, &h) == 0) {
                (void)sc_subscriber_wait(w.sub, sc_clock_mono_ms() + LOOK_MS, &event);
                continue;
            }
            assert_hand(&h, next++, 1, "es");
            answer(&r, &h.works[0], "es", "si");
        }
        assert_spoken(&w, id, "es");
    }
    rig_done(&r);
}

static void each_stream_has_its_own(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    HAND h = { 0 };
    struct recording channels[2] = { { 0 } };
    for (int i = 0; i < 2; i++) {
        struct dice d = { (uint64_t)i + 7 };
        add_noise(&d, &channels[i], SECONDS * 1000, 3000);
    }
    int64_t id = start_recording(&r, channels, 2, by_channel);
    start(&r);
    wait_cut(&w);
    const int all = (int)ask(&r, "SELECT count(*) FROM chunks");
    assert_int_equal(claim(&r, 8, &h), 2);
    assert_hand(&h, 0, 2, "auto");
    answer(&r, &h.works[1], "de", "hallo"); /* chunk 1 is the second channel's */
    HAND second = { 0 };
    assert_int_equal(claim(&r, CHUNKS_MAX, &second), all / 2 - 1);
    for (size_t i = 0; i < second.count; i++) {
        assert_string_equal(second.works[i].order.language, "de");
        assert_int_equal(second.works[i].task.chunk % 2, 1);
        answer(&r, &second.works[i], "de", "ja");
    }
    answer(&r, &h.works[0], "fr", "salut");
    assert_int_equal(claim(&r, CHUNKS_MAX, &h), all / 2 - 1);
    for (size_t i = 0; i < h.count; i++) {
        assert_string_equal(h.works[i].order.language, "fr");
        answer(&r, &h.works[i], "fr", "oui");
    }
    assert_spoken(&w, id, "fr"); /* of the first chunk, though the other was done before */
    for (int i = 0; i < 2; i++)
        recording_done(&channels[i]);
}

/* All chunks at once, each in the language that the job has, done from the last to the first. */
static void hear_backwards(struct rig *r, struct watch *w, int64_t id, const char *language)
{
    HAND h = { 0 };
    wait_cut(w);
    (void)claim(r, CHUNKS_MAX, &h);
    assert_hand(&h, 0, (size_t)ask(r, "SELECT count(*) FROM chunks"), language);
    for (size_t i = h.count; i-- > 0;)
        answer(r, &h.works[i], i == 1 ? "it" : "pt", i == 0 ? NULL : "words");
    /* Of the first with words, not of the first that was done. */
    assert_languages(w, id, "it", strcmp(language, "auto") == 0 ? "it" : language);
}

static void each_chunk_can_be_heard_for_itself(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    int64_t id = start_job(&r, SECONDS * 1000, 3000, each);
    start(&r);
    hear_backwards(&r, &w, id, "auto");
}

static void a_language_that_is_told_is_waited_for_by_none(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    int64_t id = start_job(&r, SECONDS * 1000, 3000, told);
    start(&r);
    hear_backwards(&r, &w, id, "de");
}

static void jobs_of_an_earlier_version_go_on_as_they_were(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    int64_t id = start_job(&r, SECONDS * 1000, 3000, heard_once);
    assert_int_equal(ask(&r, "SELECT settings ->> '$.multilingual' = 0 FROM jobs"), 1);
    assert_int_equal(
        write_sql(r.f.store, "UPDATE jobs SET settings = json_remove(settings, '$.multilingual')"),
        SC_OK);
    start(&r);
    hear_backwards(&r, &w, id, "auto");
}

static void where_nobody_speaks_each_is_heard_in_its_turn(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    HAND h = { 0 };
    int64_t id = start_job(&r, SECONDS * 1000, 3000, heard_once);
    start(&r);
    wait_cut(&w);
    const int all = (int)ask(&r, "SELECT count(*) FROM chunks");
    for (int i = 0; i < all; i++) {
        assert_int_equal(claim(&r, 8, &h), 1);
        assert_hand(&h, i, 1, "auto");
        answer(&r, &h.works[0], i == 0 ? "" : i == 1 ? "nl" : "en", NULL);
    }
    assert_spoken(&w, id, "nl");
}

static enum sc_code write_retry(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct rig *r = ctx;
    return sc_job_retry(r->queue, tx, 1, err);
}

static void restart(struct rig *r)
{
    sc_pipelines_close(r->p);
    rig_open_pipelines(r);
    start(r);
}

/* A chunk that others wait for is heard again, also after all of its job has failed. */
static void a_failed_chunk_and_a_restart_change_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    HAND h = { 0 };
    const struct sc_error why = { .code = SC_E_AUDIO_ERROR, .msg = "no" };
    int64_t id = start_job(&r, SECONDS * 1000, 3000, heard_once);
    start(&r);
    wait_cut(&w);
    assert_int_equal(claim(&r, 8, &h), 1);
    struct sc_fence fence = fence_of(&r, &h.works[0].task);
    assert_int_equal(sc_chunk_fail(r.p, &fence, &why, SC_STR(""), NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT state FROM jobs"), SC_JOB_FAILED);
    assert_int_equal(claim(&r, 8, &h), 0);
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_retry, &r, NULL), SC_OK);
    restart(&r);
    assert_int_equal(claim(&r, 8, &h), 1);
    assert_hand(&h, 0, 1, "auto");
    answer(&r, &h.works[0], "ru", "da");
    restart(&r);
    (void)claim(&r, CHUNKS_MAX, &h);
    assert_hand(&h, 1, (size_t)ask(&r, "SELECT count(*) FROM chunks") - 1, "ru");
    for (size_t i = 0; i < h.count; i++)
        answer(&r, &h.works[i], "ru", "net");
    assert_spoken(&w, id, "ru");
}

struct twice {
    struct rig *r;
    struct sc_chain_link link;
};

static enum sc_code write_twice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct twice *t = ctx;
    enum sc_code code = sc_chain_add(t->r->p, tx, &t->link, err);
    return code == SC_OK ? sc_chain_add(t->r->p, tx, &t->link, err) : code;
}

static void a_chunk_that_is_added_again_counts_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    (void)start_job(&r, SECONDS * 1000, 3000, heard_once);
    start(&r);
    wait_cut(&w);
    const int64_t all = ask(&r, "SELECT chunks_total FROM jobs");
    for (int chunk = 0; chunk < 2; chunk++) { /* one that has its task, and one that waits */
        struct twice t = { &r, { 1, chunk, -1, "engine:whisper" } };
        assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_twice, &t, NULL), SC_OK);
    }
    assert_int_equal(ask(&r, "SELECT chunks_total FROM jobs"), all);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE stage = 2"), 1);
}

/* ---- whoever is first ---- */

struct script {
    struct {
        const char *language;
        bool has_words;
    } chunks[CHUNKS_MAX];
    int count, speaks; /* the first chunk with words in a language; -1: none has */
};

static void any_script(struct dice *d, int count, struct script *out)
{
    static const char *const languages[] = { "", "en", "de", "fr" };
    *out = (struct script){ .count = count, .speaks = -1 };
    for (int i = 0; i < count; i++) {
        out->chunks[i].language = languages[dice_between(d, 0, 3)];
        out->chunks[i].has_words = dice_between(d, 0, 2) > 0;
        if (out->speaks < 0 && out->chunks[i].has_words && out->chunks[i].language[0] != '\0')
            out->speaks = i;
    }
}

/* As an engine: it hears what the script says, unless it is told. */
static void play(struct rig *r, const struct sc_chunk_work *work, const struct script *script)
{
    const int i = work->task.chunk;
    const bool waits = script->speaks < 0 || i <= script->speaks;
    const char *spoken = script->chunks[waits ? i : script->speaks].language;
    assert_string_equal(work->order.language, waits ? "auto" : spoken);
    answer(r, work, spoken, script->chunks[i].has_words ? "word" : NULL);
}

static void it_does_not_depend_on_who_claims_what_and_when(void **state)
{
    (void)state;
    struct dice d = { 5 };
    for (int run = 0; run < 8; run++) {
        AUTO_RIG(r);
        AUTO_WATCH(w, &r);
        struct script script;
        HAND h = { 0 };
        int64_t id = start_job(&r, SECONDS * 1000, 3000, heard_once);
        start(&r);
        if (dice_between(&d, 0, 1) == 0)
            wait_cut(&w);
        any_script(&d, CHUNKS_MAX, &script);
        for (int done = 0; ask(&r, "SELECT state FROM jobs") < SC_JOB_COMPLETED; done++) {
            struct sc_event event;
            if (claim(&r, (int)dice_between(&d, 1, 8), &h) == 0)
                (void)sc_subscriber_wait(w.sub, sc_clock_mono_ms() + LOOK_MS, &event);
            while (h.count > 0) {
                size_t i = (size_t)dice_between(&d, 0, (int64_t)h.count - 1);
                play(&r, &h.works[i], &script);
                sc_chunk_work_done(&h.works[i]);
                h.works[i] = h.works[--h.count];
            }
            if (dice_between(&d, 0, 9) == 0)
                restart(&r);
        }
        int last = (int)ask(&r, "SELECT max(chunk) FROM chunks");
        if (script.speaks >= 0 && script.speaks <= last)
            assert_spoken(&w, id, script.chunks[script.speaks].language);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_chunk_with_words_tells_the_others),
        TEST(what_is_cut_later_is_told_too),
        TEST(each_stream_has_its_own),
        TEST(each_chunk_can_be_heard_for_itself),
        TEST(a_language_that_is_told_is_waited_for_by_none),
        TEST(jobs_of_an_earlier_version_go_on_as_they_were),
        TEST(where_nobody_speaks_each_is_heard_in_its_turn),
        TEST(a_failed_chunk_and_a_restart_change_nothing),
        TEST(a_chunk_that_is_added_again_counts_once),
        TEST(it_does_not_depend_on_who_claims_what_and_when),
    };
    return cmocka_run_group_tests_name("pipeline/languages", tests, NULL, NULL);
}
