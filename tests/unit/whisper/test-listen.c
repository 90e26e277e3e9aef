#include "whisper/listen.h"

#include "model.h"
#include "testing.h"

#include "base/alloc.h"
#include "sys/file.h"

#include <limits.h>
#include <math.h>

#include "base/banned.h"

#define RATE 16000
#define LANGUAGES_SEED 6

struct table {
    struct test_dir dir;
    struct sc_listener *l;
    int16_t *pcm;
};

static void table_done(struct table *t)
{
    sc_listener_close(t->l);
    free(t->pcm);
    test_dir_done(&t->dir);
}

static struct table make(const struct test_model *m, int threads)
{
    struct table t = { .dir = test_dir_new() };
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    assert_true(test_model_write(m, test_path(&t.dir, "ggml-test.bin", path)));
    if (sc_listener_open(path, threads, NULL, &t.l, &err) != SC_OK)
        fail_msg("%s", err.msg);
    t.pcm = sc_alloc_array(40 * RATE, sizeof(*t.pcm));
    for (int i = 0; i < 40 * RATE; i++)
        t.pcm[i] = (int16_t)(8000 * sin(i * 0.05) * sin(i * 0.0003));
    return t;
}

static struct sc_listen_clip clip_of(const struct table *t, int from_s, int to_s)
{
    return (struct sc_listen_clip){ .pcm = t->pcm + from_s * RATE,
                                    .samples = (size_t)(to_s - from_s) * RATE,
                                    .wishes = sc_listen_wishes_usual() };
}

static const char sentence[] = "<|0.00|> Hello world.<|2.00|>";

static void a_script_is_said_with_its_times(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .script = sentence }, 2);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 5);
    struct sc_error err = { 0 };
    if (sc_listen(t.l, &clip, 1, NULL, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(clip.segments.count, 1);
    const struct sc_segment *s = &clip.segments.items[0];
    assert_string_equal(s->text, "Hello world.");
    assert_int_equal(s->start_ms, 0);
    assert_int_equal(s->end_ms, 2000);
    assert_int_equal(s->word_count, 2);
    assert_string_equal(s->words[0].text, "Hello");
    assert_true(s->words[0].end_ms > 0 && s->words[0].end_ms < 2000);
    assert_true(s->confidence > 0.9f);
    assert_true(s->no_speech < 0.1f);
    assert_string_equal(clip.language, "en");
    assert_int_equal(clip.log.len, 0);
}

static void nothing_is_said_of_nothing(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .script = sentence }, 1);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 5);
    clip.samples = 100;
    assert_int_equal(sc_listen(t.l, &clip, 1, NULL, NULL), SC_OK);
    assert_int_equal(clip.segments.count, 0);
    assert_string_equal(clip.language, "");
    assert_int_equal(sc_listen(t.l, NULL, 0, NULL, NULL), SC_OK);
}

/* A clip longer than a window is heard in several, each from where the last one ended. */
static void long_clips_are_heard_in_windows(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .script = sentence }, 2);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 40);
    assert_int_equal(sc_listen(t.l, &clip, 1, NULL, NULL), SC_OK);
    assert_int_equal(clip.segments.count, 2);
    assert_int_equal(clip.segments.items[1].start_ms, 30000);
    assert_int_equal(clip.segments.items[1].end_ms, 32000);
    assert_int_equal(sc_segments_check(&clip.segments, NULL), SC_OK);
}

static void text_of(const struct sc_segments *segments, struct sc_buf *out)
{
    for (size_t i = 0; i < segments->count; i++) {
        const struct sc_segment *s = &segments->items[i];
        sc_buf_printf(out, "%lld-%lld %s %.4f\n", (long long)s->start_ms, (long long)s->end_ms,
                      s->text, (double)s->confidence);
        for (size_t k = 0; k < s->word_count; k++)
            sc_buf_printf(out, " %lld %s", (long long)s->words[k].start_ms, s->words[k].text);
    }
}

/* A model of random weights climbs through all temperatures: what it says depends on every bit. */
static void neither_neighbours_nor_threads_change_a_word(void **state)
{
    (void)state;
    const struct test_model m = { .layers = 1, .text_ctx = 64, .seed = 5 };
    SC_AUTO(table_done) struct table one = make(&m, 1);
    SC_AUTO(table_done) struct table three = make(&m, 3);
    struct sc_listen_clip together[4];
    static const int spans[4][2] = { { 0, 3 }, { 3, 5 }, { 4, 12 }, { 0, 1 } };
    for (int i = 0; i < 4; i++)
        together[i] = clip_of(&three, spans[i][0], spans[i][1]);
    assert_int_equal(sc_listen(three.l, together, 4, NULL, NULL), SC_OK);
    for (int i = 0; i < 4; i++) {
        SC_AUTO(sc_listen_clip_done)
        struct sc_listen_clip alone = clip_of(&one, spans[i][0], spans[i][1]);
        SC_AUTO_BUF expected = { 0 };
        SC_AUTO_BUF got = { 0 };
        assert_int_equal(sc_listen(one.l, &alone, 1, NULL, NULL), SC_OK);
        text_of(&alone.segments, &expected);
        text_of(&together[i].segments, &got);
        assert_string_equal(sc_buf_text(&got), sc_buf_text(&expected));
        assert_int_equal(sc_segments_check(&together[i].segments, NULL), SC_OK);
        sc_listen_clip_done(&together[i]);
    }
}

/* Weights as a bad disk leaves them, or somebody who means harm. */
static void a_model_that_computes_no_numbers_is_refused(void **state)
{
    (void)state;
    static const float bad[] = { NAN, INFINITY, 3e38f };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        SC_AUTO(table_done) struct table t = { .dir = test_dir_new() };
        SC_AUTO_BUF model = { 0 };
        char path[PATH_MAX];
        struct sc_error err = { 0 };
        test_model_ggml(&(struct test_model){ .seed = 5, .text_ctx = 64 }, &model);
        for (size_t back = 1; back <= 64; back++) /* of the tensor that stands last */
            memcpy(model.ptr + model.len - back * sizeof(float), &bad[i], sizeof(float));
        test_write_bytes(&t.dir, "ggml-bad.bin", model.ptr, model.len);
        test_path(&t.dir, "ggml-bad.bin", path);
        assert_int_equal(sc_listener_open(path, 1, NULL, &t.l, &err), SC_OK);
        t.pcm = sc_alloc_array(40 * RATE, sizeof(*t.pcm));
        SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 2);
        assert_int_equal(sc_listen(t.l, &clip, 1, NULL, &err), SC_E_MODEL_ERROR);
        assert_non_null(strstr(err.msg, "no number"));
        assert_int_equal(clip.segments.count, 0);
    }
}

static void what_the_model_cannot_do_is_refused_by_name(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table many = make(&(struct test_model){ .script = sentence }, 1);
    SC_AUTO(table_done)
    struct table english =
        make(&(struct test_model){ .script = sentence, .languages = TEST_MODEL_ENGLISH }, 1);
    struct sc_listen_wishes w = sc_listen_wishes_usual();
    struct sc_error err = { 0 };
    w.language = "de-AT";
    assert_int_equal(sc_listener_check(many.l, &w, &err), SC_OK);
    assert_int_equal(sc_listener_check(english.l, &w, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "language");
    w.language = "cy";
    assert_int_equal(sc_listener_check(many.l, &w, &err), SC_E_INVALID_VALUE);
    w.language = "en-GB";
    assert_int_equal(sc_listener_check(english.l, &w, &err), SC_OK);
    w.translate = true;
    assert_int_equal(sc_listener_check(many.l, &w, &err), SC_OK);
    assert_int_equal(sc_listener_check(english.l, &w, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "task");
}

struct spoken {
    int32_t windows[8];
    float no_speech[8];
    size_t count;
};

static void note_spoken(void *ctx, const struct sc_decode_window *w, int frame)
{
    struct spoken *s = ctx;
    (void)frame;
    if (s->count == SC_ARRAY_LEN(s->windows))
        return;
    s->no_speech[s->count] = w->no_speech;
    s->windows[s->count++] = w->language;
}

static void hear_spoken(const struct table *t, const struct sc_listen_wishes *wishes,
                        struct sc_listen_clip *clip, struct spoken *out)
{
    *out = (struct spoken){ .count = 0 };
    *clip = clip_of(t, 0, 40);
    clip->wishes = *wishes;
    clip->told = note_spoken;
    clip->told_ctx = out;
    assert_int_equal(sc_listen(t->l, clip, 1, NULL, NULL), SC_OK);
    assert_true(out->count >= 2);
}

/* The clip's second window sounds like another language to this model than its first. */
static void a_language_is_heard_once_or_in_each_window(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .seed = LANGUAGES_SEED }, 2);
    const struct sc_vocab *v = sc_listener_vocab(t.l);
    struct sc_listen_wishes wishes = sc_listen_wishes_usual();
    struct spoken once, each, told;
    memset(t.pcm + 30 * RATE, 0, sizeof(*t.pcm) * 10 * RATE);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = { 0 };
    hear_spoken(&t, &wishes, &clip, &once);
    for (size_t i = 0; i < once.count; i++)
        assert_int_equal(once.windows[i], once.windows[0]);
    const char *language = sc_vocab_language(v, once.windows[0]);
    assert_string_equal(clip.language, language);
    assert_string_equal(clip.segments.items[0].heard->language, "");
    sc_listen_clip_done(&clip);

    wishes.each_window = wishes.tell_language = true;
    hear_spoken(&t, &wishes, &clip, &each);
    assert_int_equal(each.windows[0], once.windows[0]);
    assert_true(each.windows[each.count - 1] != each.windows[0]);
    assert_string_equal(clip.language, language); /* the first */
    assert_string_equal(clip.segments.items[0].heard->language, language);
    assert_string_equal(clip.segments.items[clip.segments.count - 1].heard->language,
                        sc_vocab_language(v, each.windows[each.count - 1]));
    sc_listen_clip_done(&clip);

    wishes.language = language;
    hear_spoken(&t, &wishes, &clip, &told);
    for (size_t i = 0; i < told.count; i++)
        assert_int_equal(told.windows[i], once.windows[0]);
    assert_string_equal(clip.segments.items[0].heard->language, ""); /* nobody heard it */
}

/* The first window is guessed to be in another language than the second, but says nothing. */
static void a_language_is_that_of_the_first_window_in_which_something_is_said(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .seed = LANGUAGES_SEED }, 2);
    const struct sc_vocab *v = sc_listener_vocab(t.l);
    struct sc_listen_wishes wishes = sc_listen_wishes_usual();
    struct spoken each;
    memset(t.pcm, 0, sizeof(*t.pcm) * 30 * RATE);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = { 0 };
    wishes.each_window = wishes.tell_language = true;
    hear_spoken(&t, &wishes, &clip, &each);
    assert_true(each.no_speech[0] > each.no_speech[1]);
    wishes.decode.limits.no_speech_max = (each.no_speech[0] + each.no_speech[1]) / 2;
    wishes.decode.limits.logprob_min = 1; /* no word is sure enough */
    sc_listen_clip_done(&clip);
    hear_spoken(&t, &wishes, &clip, &each);
    assert_true(each.windows[1] != each.windows[0]);
    assert_string_equal(clip.language, sc_vocab_language(v, each.windows[1]));
    sc_listen_clip_done(&clip);

    /* Where nobody speaks at all the guess of the first stays. */
    wishes.decode.limits.no_speech_max = -1;
    hear_spoken(&t, &wishes, &clip, &each);
    assert_string_equal(clip.language, sc_vocab_language(v, each.windows[0]));
}

static bool stop_at_once(void *ctx)
{
    int *asked = ctx;
    return ++*asked > 3;
}

static void a_stop_leaves_no_answer(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .script = sentence }, 1);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 5);
    int asked = 0;
    const struct sc_stop stop = { stop_at_once, &asked };
    struct sc_error err = { 0 };
    assert_int_equal(sc_listen(t.l, &clip, 1, &stop, &err), SC_E_CANCELLED);
    assert_int_equal(clip.segments.count, 0);
    assert_int_equal(sc_listen(t.l, &clip, 1, NULL, &err), SC_OK);
    assert_int_equal(clip.segments.count, 1);
}

/* Asked so often it lets be; then it does what it is for. */
struct countdown {
    int asked, until;
    atomic_bool *sets; /* NULL: it says stop */
    atomic_int *progress;
    int last, steps; /* of progress: how often it moved */
};

static bool count_down(void *ctx)
{
    struct countdown *c = ctx;
    const bool now = c->asked++ >= c->until;
    if (c->progress != NULL && atomic_load(c->progress) != c->last) {
        assert_true(atomic_load(c->progress) > c->last);
        c->last = atomic_load(c->progress);
        c->steps++;
    }
    if (c->sets != NULL && now)
        atomic_store(c->sets, true);
    return c->sets == NULL && now;
}

struct ends {
    size_t count;
    struct sc_listen_clip *order[4];
};

static void note_end(void *ctx, struct sc_listen_clip *clip)
{
    struct ends *e = ctx;
    e->order[e->count++] = clip;
}

/* Wherever it is that nobody wants one of them any more. */
static void a_clip_that_nobody_wants_is_left_and_the_others_are_not(void **state)
{
    (void)state;
    const struct test_model m = { .layers = 1, .text_ctx = 32, .seed = 5 };
    SC_AUTO(table_done) struct table t = make(&m, 2);
    int left = 0;
    for (int until = 0; until < 2000; until = until * 2 + 1) {
        atomic_bool unwanted = false;
        struct ends ends = { 0 };
        struct countdown c = { .until = until, .sets = &unwanted };
        const struct sc_stop stop = { count_down, &c };
        struct sc_listen_clip clips[3];
        for (int i = 0; i < 3; i++) {
            clips[i] = clip_of(&t, i, i + 3);
            clips[i].done = note_end;
            clips[i].done_ctx = &ends;
        }
        clips[1].unwanted = &unwanted;
        assert_int_equal(sc_listen(t.l, clips, 3, &stop, NULL), SC_OK);
        assert_int_equal(ends.count, 3);
        assert_true(!clips[0].left && !clips[2].left);
        left += clips[1].left;
        assert_int_equal(clips[1].left && clips[1].segments.count > 0, 0);
        for (int i = 0; i < 3; i += 2) {
            SC_AUTO(sc_listen_clip_done) struct sc_listen_clip alone = clip_of(&t, i, i + 3);
            SC_AUTO_BUF expected = { 0 };
            SC_AUTO_BUF got = { 0 };
            assert_int_equal(sc_listen(t.l, &alone, 1, NULL, NULL), SC_OK);
            text_of(&alone.segments, &expected);
            text_of(&clips[i].segments, &got);
            assert_string_equal(sc_buf_text(&got), sc_buf_text(&expected));
        }
        for (int i = 0; i < 3; i++)
            sc_listen_clip_done(&clips[i]);
    }
    assert_true(left > 5);
}

static void who_is_done_is_told_before_the_others_are(void **state)
{
    (void)state;
    const struct test_model m = { .layers = 1, .text_ctx = 32, .seed = 5 };
    SC_AUTO(table_done) struct table t = make(&m, 1);
    struct ends ends = { 0 };
    struct sc_listen_clip clips[2] = { clip_of(&t, 0, 40), clip_of(&t, 0, 3) };
    for (int i = 0; i < 2; i++) {
        clips[i].done = note_end;
        clips[i].done_ctx = &ends;
    }
    assert_int_equal(sc_listen(t.l, clips, 2, NULL, NULL), SC_OK);
    assert_ptr_equal(ends.order[0], &clips[1]);
    assert_ptr_equal(ends.order[1], &clips[0]);
    for (int i = 0; i < 2; i++)
        sc_listen_clip_done(&clips[i]);
}

struct growth {
    size_t windows, count;
    struct sc_buf text;
};

/* What was told of stays as it was. */
static void check_growth(const struct growth *g, const struct sc_listen_clip *clip)
{
    const struct sc_segments before = { .items = clip->segments.items, .count = g->count };
    SC_AUTO_BUF text = { 0 };
    text_of(&before, &text);
    assert_string_equal(sc_buf_text(&text), sc_buf_text(&g->text));
}

static void note_growth(void *ctx, const struct sc_listen_clip *clip)
{
    struct growth *g = ctx;
    check_growth(g, clip);
    sc_buf_reset(&g->text);
    text_of(&clip->segments, &g->text);
    g->count = clip->segments.count;
    g->windows++;
}

static void each_window_is_told_but_the_last(void **state)
{
    (void)state;
    const struct test_model m = { .layers = 1, .text_ctx = 32, .seed = 5 };
    SC_AUTO(table_done) struct table t = make(&m, 1);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 40);
    struct growth g = { 0 };
    clip.grown = note_growth;
    clip.grown_ctx = &g;
    assert_int_equal(sc_listen(t.l, &clip, 1, NULL, NULL), SC_OK);
    assert_true(g.windows >= 1 && g.count > 0);
    assert_true(g.count < clip.segments.count);
    check_growth(&g, &clip);
    sc_buf_done(&g.text);
}

static void progress_moves_within_a_window(void **state)
{
    (void)state;
    const struct test_model m = { .layers = 4, .text_ctx = 64, .seed = 5 };
    SC_AUTO(table_done) struct table t = make(&m, 1);
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 30);
    atomic_int progress = 0;
    struct countdown c = { .until = INT_MAX, .progress = &progress };
    const struct sc_stop stop = { count_down, &c };
    clip.progress = &progress;
    clip.wishes.decode.timestamps = false; /* then by the number of tokens */
    assert_int_equal(sc_listen(t.l, &clip, 1, &stop, NULL), SC_OK);
    /* Four layers of the encoder, which are half of the work, and what was said. */
    assert_true(c.steps >= 10);
    assert_true(atomic_load(&progress) >= 99);
}

/* Wherever a stop comes while a model is loaded, nothing of it stays (sanitizers look), and the
 * next one is whole. */
static void a_stop_while_a_model_is_loaded_leaves_none(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = { .dir = test_dir_new() };
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    struct countdown c = { 0 };
    const struct sc_stop stop = { count_down, &c };
    enum sc_code code = SC_E_CANCELLED;
    int stops = 0;
    assert_true(test_model_write(&(struct test_model){ .script = sentence },
                                 test_path(&t.dir, "ggml-test.bin", path)));
    for (; code == SC_E_CANCELLED; c.until = c.until * 5 / 4 + 1, stops++) {
        c.asked = 0;
        for (int threads = 1; threads <= 2; threads++) {
            sc_listener_close(SC_TAKE(t.l));
            c.asked = 0;
            code = sc_listener_open(path, threads, &stop, &t.l, &err);
            assert_true(code == SC_OK || (code == SC_E_CANCELLED && t.l == NULL));
        }
    }
    assert_int_equal(code, SC_OK);
    assert_true(stops > 10);
    t.pcm = sc_alloc_array((size_t)RATE * 5, sizeof(*t.pcm));
    SC_AUTO(sc_listen_clip_done) struct sc_listen_clip clip = clip_of(&t, 0, 5);
    assert_int_equal(sc_listen(t.l, &clip, 1, NULL, &err), SC_OK);
    assert_string_equal(clip.segments.items[0].text, "Hello world.");
}

/* All that it holds was copied, or laid out anew. */
static void a_model_that_is_loaded_lets_its_file_go(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(&(struct test_model){ .script = sentence }, 2);
    SC_AUTO_BUF maps = { 0 };
    assert_int_equal(sc_file_read("/proc/self/maps", (size_t)1 << 24, &maps, NULL), SC_OK);
    assert_non_null(strstr(sc_buf_text(&maps), "test-whisper-listen"));
    assert_null(strstr(sc_buf_text(&maps), t.dir.path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_script_is_said_with_its_times),
        TEST(nothing_is_said_of_nothing),
        TEST(long_clips_are_heard_in_windows),
        TEST(neither_neighbours_nor_threads_change_a_word),
        TEST(a_model_that_computes_no_numbers_is_refused),
        TEST(what_the_model_cannot_do_is_refused_by_name),
        TEST(a_language_is_heard_once_or_in_each_window),
        TEST(a_language_is_that_of_the_first_window_in_which_something_is_said),
        TEST(a_stop_leaves_no_answer),
        TEST(a_clip_that_nobody_wants_is_left_and_the_others_are_not),
        TEST(who_is_done_is_told_before_the_others_are),
        TEST(each_window_is_told_but_the_last),
        TEST(progress_moves_within_a_window),
        TEST(a_stop_while_a_model_is_loaded_leaves_none),
        TEST(a_model_that_is_loaded_lets_its_file_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
