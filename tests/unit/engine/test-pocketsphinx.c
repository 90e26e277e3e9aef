/* On real recordings: the LibriVox clips of Debian's pocketsphinx-testdata. */
#include "engine/engine.h"

#include "testing.h"

#include "base/banned.h"

#define CLIPS "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"
#define RATE 16000
#define WAV_HEAD 44

struct clip {
    int16_t *pcm;
    size_t samples;
};

static struct clip load(const char *number)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), CLIPS "%s.wav", number);
    SC_AUTO_FCLOSE FILE *f = fopen(path, "rb");
    if (f == NULL)
        skip();
    struct clip c = { .pcm = calloc(60 * RATE, sizeof(int16_t)) };
    assert_non_null(c.pcm);
    assert_int_equal(fseek(f, WAV_HEAD, SEEK_SET), 0);
    c.samples = fread(c.pcm, sizeof(int16_t), 60 * RATE, f);
    return c;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}
static const struct sc_engine_stop run_on = { never, NULL };

static const struct sc_engine_ops *sphinx(void)
{
    return sc_engine_find("pocketsphinx");
}

static int open_sphinx(void **state)
{
    struct sc_error err = { 0 };
    return sphinx()->open(NULL, "", NULL, state, &err) == SC_OK ? 0 : -1;
}

static int close_sphinx(void **state)
{
    sphinx()->close(*state);
    return 0;
}

static struct sc_engine_result hear(void *state, const struct clip *clip)
{
    struct sc_engine_request request = {
        .pcm = clip->pcm,
        .samples = clip->samples,
        .attempt = 1,
        .language = "",
        .settings = "{}",
    };
    struct sc_engine_result result = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sphinx()->transcribe(state, &request, &result, 1, &run_on, &err), SC_OK);
    assert_int_equal(result.code, SC_OK);
    assert_int_equal(sc_segments_check(&result.segments, &err), SC_OK);
    return result;
}

/* Everything that enters the transcript, as one sum. */
static void sum_of(const struct sc_engine_result *r, char out[4 * 65])
{
    out[0] = '\0';
    assert_true(r->segments.count <= 3);
    for (size_t i = 0; i < r->segments.count; i++)
        sc_segment_hash(&r->segments.items[i], out + i * 64);
}

static void words_come_with_times_and_confidence(void **state)
{
    struct clip clip = load("0880"); /* "he was not an ill disposed young man" */
    struct sc_engine_result r = hear(*state, &clip);
    SC_AUTO_BUF text = { 0 };
    sc_segments_text(&r.segments, &text);
    assert_non_null(strstr(sc_buf_text(&text), "he was not"));
    assert_non_null(strstr(sc_buf_text(&text), "young man"));
    assert_string_equal(r.language, "en");
    int64_t at = 0;
    for (size_t i = 0; i < r.segments.count; i++) {
        const struct sc_segment *s = &r.segments.items[i];
        for (size_t k = 0; k < s->word_count; k++) {
            const struct sc_word *w = &s->words[k];
            assert_true(w->start_ms >= at && w->end_ms > w->start_ms);
            assert_true(w->confidence >= 0 && w->confidence <= 1);
            assert_null(strpbrk(w->text, "(<[+"));
            at = w->end_ms;
        }
    }
    assert_in_range(at, 2500, clip.samples / 16);
    sc_engine_result_done(&r);
    free(clip.pcm);
}

/* What makes a resumed job read as an uninterrupted one. */
static void a_chunk_does_not_depend_on_what_was_heard_before(void **state)
{
    struct clip before = load("0930");
    struct clip clip = load("0880");
    char alone[4 * 65];
    char after[4 * 65];
    char fresh[4 * 65];
    struct sc_engine_result r = hear(*state, &clip);
    sum_of(&r, alone);
    sc_engine_result_done(&r);
    r = hear(*state, &before);
    sc_engine_result_done(&r);
    r = hear(*state, &clip);
    sum_of(&r, after);
    sc_engine_result_done(&r);
    void *other = NULL;
    assert_int_equal(sphinx()->open(NULL, "en-us", NULL, &other, NULL), SC_OK);
    r = hear(other, &clip);
    sum_of(&r, fresh);
    sc_engine_result_done(&r);
    sphinx()->close(other);
    assert_string_not_equal(alone, "");
    assert_string_equal(after, alone);
    assert_string_equal(fresh, alone);
    free(before.pcm);
    free(clip.pcm);
}

/* Words behind a long pause keep their times, and the pause parts the segments. */
static void a_pause_moves_nothing_and_parts_segments(void **state)
{
    struct clip clip = load("0880");
    struct clip twice = { .pcm = calloc(30 * RATE, sizeof(int16_t)),
                          .samples = 2 * clip.samples + 5 * RATE };
    assert_non_null(twice.pcm);
    assert_true(twice.samples < 30 * RATE);
    memcpy(twice.pcm, clip.pcm, clip.samples * sizeof(int16_t));
    size_t second = clip.samples + 5 * RATE;
    memcpy(twice.pcm + second, clip.pcm, clip.samples * sizeof(int16_t));

    struct sc_engine_result r = hear(*state, &twice);
    assert_true(r.segments.count >= 2);
    const struct sc_segment *last = &r.segments.items[r.segments.count - 1];
    assert_in_range(last->start_ms, second / 16, second / 16 + 500);
    assert_in_range(last->end_ms, second / 16 + 2500, twice.samples / 16);
    sc_engine_result_done(&r);
    free(twice.pcm);
    free(clip.pcm);
}

static void silence_and_nothing_give_no_words(void **state)
{
    struct clip silence = { .pcm = calloc(5 * RATE, sizeof(int16_t)), .samples = 5 * RATE };
    assert_non_null(silence.pcm);
    static const size_t lengths[] = { 5 * RATE, 100, 1, 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(lengths); i++) {
        silence.samples = lengths[i];
        struct sc_engine_result r = hear(*state, &silence);
        assert_int_equal(r.segments.count, 0);
        sc_engine_result_done(&r);
    }
    free(silence.pcm);
}

static bool at_the_fifth_look(void *ctx)
{
    int *looks = ctx;
    return ++*looks >= 5;
}

static void stop_ends_a_chunk_in_the_middle_and_the_next_is_whole(void **state)
{
    struct clip clip = load("0880");
    struct sc_engine_request request = { .pcm = clip.pcm, .samples = clip.samples, .language = "" };
    struct sc_engine_result result = { 0 };
    struct sc_error err = { 0 };
    char before[4 * 65];
    char after[4 * 65];
    int looks = 0;
    struct sc_engine_result r = hear(*state, &clip);
    sum_of(&r, before);
    sc_engine_result_done(&r);
    assert_int_equal(sphinx()->transcribe(*state, &request, &result, 1,
                                          &(struct sc_engine_stop){ at_the_fifth_look, &looks },
                                          &err),
                     SC_E_CANCELLED);
    assert_int_equal(looks, 5); /* each look is 100 ms further */
    r = hear(*state, &clip);
    sum_of(&r, after);
    sc_engine_result_done(&r);
    assert_string_equal(after, before);
    free(clip.pcm);
}

static void models_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const models[] = { "de", "/nowhere", "relative/path", "/usr" };
    for (size_t i = 0; i < SC_ARRAY_LEN(models); i++) {
        struct sc_error err = { 0 };
        void *opened = NULL;
        assert_int_equal(sphinx()->open(NULL, models[i], NULL, &opened, &err), SC_E_MODEL_ERROR);
        assert_null(opened);
        assert_non_null(strstr(err.msg, models[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_come_with_times_and_confidence),
        TEST(a_chunk_does_not_depend_on_what_was_heard_before),
        TEST(a_pause_moves_nothing_and_parts_segments),
        TEST(silence_and_nothing_give_no_words),
        TEST(stop_ends_a_chunk_in_the_middle_and_the_next_is_whole),
        TEST(models_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, open_sphinx, close_sphinx);
}
