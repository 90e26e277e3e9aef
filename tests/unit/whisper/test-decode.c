#include "whisper/decode.h"

#include "testing.h"
#include "vocabulary.h"

#include "base/alloc.h"

#include <math.h>

#include "base/banned.h"

#define SEQUENCES 64
#define LENGTH_MAX 512

/* A network that wants, behind each token, one other: `wants` answers it with how sure it is. */
struct fake {
    const struct sc_vocab *v;
    int (*wants)(const struct fake *f, size_t window, const int32_t *said, size_t count,
                 float *sure);
    int32_t text[SEQUENCES][LENGTH_MAX];
    size_t length[SEQUENCES], window[SEQUENCES];
    int starts, calls, stop_at; /* 0: never */
    float silence;              /* logit of no speech */
    size_t longest;             /* line that was ahead of a text */
};

static void start(void *ctx, size_t seq, size_t window)
{
    struct fake *f = ctx;
    f->length[seq] = 0;
    f->window[seq] = window;
    f->starts++;
}

static void copy(void *ctx, size_t to, size_t from)
{
    struct fake *f = ctx;
    memcpy(f->text[to], f->text[from], sizeof(f->text[to]));
    f->length[to] = f->length[from];
    f->window[to] = f->window[from];
}

static enum sc_code step(void *ctx, const struct sc_step *steps, size_t count, float *logits,
                         struct sc_error *err)
{
    struct fake *f = ctx;
    if (++f->calls == f->stop_at)
        return sc_error_set(err, SC_E_CANCELLED, "stopped");
    for (size_t i = 0; i < count; i++) {
        size_t seq = steps[i].seq;
        float *row = logits + i * (size_t)f->v->size;
        float sure = 30;
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(steps[k].seq, seq);
        assert_true(f->length[seq] + steps[i].count <= LENGTH_MAX);
        memcpy(&f->text[seq][f->length[seq]], steps[i].tokens, steps[i].count * sizeof(int32_t));
        f->length[seq] += steps[i].count;
        f->longest = SC_MAX(f->longest, steps[i].count);
        for (int k = 0; k < f->v->size; k++)
            row[k] = k < f->v->first_time ? 0 : -20; /* times are said when they are wanted */
        int token = f->wants(f, f->window[seq], f->text[seq], f->length[seq], &sure);
        row[token] = sure;
        if (f->text[seq][f->length[seq] - 1] == f->v->sot)
            row[f->v->no_speech] = f->silence;
    }
    return SC_OK;
}

/* "<|0.00|> the of<|2.00|>" in each window; in odd ones " to a" up to 4 s. Behind the start of the
 * transcript the second language. */
static int plain(const struct fake *f, size_t window, const int32_t *said, size_t count,
                 float *sure)
{
    const int words[2][2] = {
        { sc_vocab_find(f->v, SC_STR(" the")), sc_vocab_find(f->v, SC_STR(" of")) },
        { sc_vocab_find(f->v, SC_STR(" to")), sc_vocab_find(f->v, SC_STR(" a")) }
    };
    const int *mine = words[window % 2];
    int32_t last = said[count - 1];
    int end = f->v->first_time + (window % 2 ? 200 : 100);
    (void)sure;
    if (last == f->v->sot)
        return f->v->multilingual ? f->v->sot + 2 : f->v->first_time;
    if (last == f->v->first_time || last == f->v->no_timestamps)
        return mine[0];
    if (last == mine[0])
        return mine[1];
    if (last == mine[1])
        return said[count - 3] == f->v->no_timestamps ? f->v->eot : end;
    return last == end ? f->v->eot : f->v->first_time;
}

/* The same words with no certainty at all. */
static int unsure(const struct fake *f, size_t window, const int32_t *said, size_t count,
                  float *sure)
{
    int token = plain(f, window, said, count, sure);
    *sure = window == 1 ? 0.5f : 30;
    return token;
}

/* One word for ever. */
static int stuck(const struct fake *f, size_t window, const int32_t *said, size_t count,
                 float *sure)
{
    int32_t last = said[count - 1];
    (void)window;
    (void)sure;
    if (count > 20)
        return last == f->v->first_time + 300 ? f->v->eot : f->v->first_time + 300;
    return last >= f->v->sot && last < f->v->first_time ? f->v->first_time
                                                        : sc_vocab_find(f->v, SC_STR(" the"));
}

/* A sentence, and behind it a word for ever. */
static int endless(const struct fake *f, size_t window, const int32_t *said, size_t count,
                   float *sure)
{
    int32_t last = said[count - 1];
    int token = plain(f, window, said, count, sure);
    if (last == f->v->first_time + 100)
        return said[count - 2] == last ? sc_vocab_find(f->v, SC_STR(" a")) : last;
    return last == sc_vocab_find(f->v, SC_STR(" a")) ? last : token;
}

/* " the" looks a little better than " of"; what follows it is guesswork. */
static int garden(const struct fake *f, size_t window, const int32_t *said, size_t count,
                  float *sure)
{
    int the = sc_vocab_find(f->v, SC_STR(" the"));
    int32_t last = said[count - 1];
    int token = plain(f, window, said, count, sure);
    *sure = last == f->v->first_time ? 1 : 30;
    for (size_t i = 0; i < count; i++) {
        if (said[i] == the)
            *sure = 1;
    }
    if (last == sc_vocab_find(f->v, SC_STR(" a")))
        return f->v->first_time + 100;
    return last == the ? sc_vocab_find(f->v, SC_STR(" a")) : token;
}

static struct sc_decode_options usual(void)
{
    return (struct sc_decode_options){ .language = -1,
                                       .timestamps = true,
                                       .temperature_step = 0.2f,
                                       .best_of = 3,
                                       .beam = 1,
                                       .limits = { .logprob_min = -1,
                                                   .entropy_min = 2.4f,
                                                   .compression_max = 2.4f,
                                                   .no_speech_max = 0.6f,
                                                   .loops = true } };
}

struct table {
    struct sc_vocab *v;
    struct fake *f;
    struct sc_decode_options options;
    struct sc_random chance[8][SC_DECODE_HYPOTHESES_MAX];
    struct sc_decode_window windows[8];
};

static void table_done(struct table **t)
{
    for (size_t i = 0; i < SC_ARRAY_LEN((*t)->windows); i++)
        sc_decode_window_done(&(*t)->windows[i]);
    sc_vocab_free((*t)->v);
    free((*t)->f);
    free(*t);
}

static struct table *make(int languages)
{
    struct table *t = sc_alloc(sizeof(*t));
    t->v = test_vocabulary(languages);
    t->f = sc_alloc(sizeof(*t->f));
    *t->f = (struct fake){ .v = t->v, .wants = plain };
    t->options = usual();
    return t;
}

/* Decodes windows first, first + 1, … of the network together. */
static enum sc_code decode(struct table *t, size_t first, size_t count, struct sc_error *err)
{
    const struct sc_decode_net net = {
        .ctx = t->f, .text_ctx = 448, .start = start, .copy = copy, .step = step
    };
    for (size_t i = 0; i < count; i++) {
        struct sc_decode_window *w = &t->windows[i];
        const int32_t *past = w->past;
        size_t past_count = w->past_count;
        sc_decode_window_done(w);
        for (uint32_t k = 0; k < SC_DECODE_HYPOTHESES_MAX; k++)
            sc_random_seed(&t->chance[i][k], k);
        *w = (struct sc_decode_window){ .options = &t->options,
                                        .window = first + i,
                                        .frames = 3000,
                                        .past = past,
                                        .past_count = past_count,
                                        .chance = t->chance[i] };
    }
    return sc_decode_windows(&net, t->v, t->windows, count, sc_decode_sequences(&t->options), err);
}

static char *text_of(const struct table *t, size_t window)
{
    SC_AUTO_BUF text = { 0 };
    sc_said_text(t->v, t->windows[window].said, t->windows[window].said_count, &text);
    return sc_buf_take(&text);
}

static void assert_says(const struct table *t, size_t window, const char *expected)
{
    char *text SC_AUTO_FREE = text_of(t, window);
    assert_string_equal(text, expected);
}

static void what_the_network_wants_is_said_with_its_times(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    const struct sc_decode_window *w = &t->windows[0];
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_says(t, 0, " the of");
    assert_int_equal(w->said_count, 4);
    assert_int_equal(w->said[0].token, t->v->first_time);
    assert_int_equal(w->said[3].token, t->v->first_time + 100);
    assert_int_equal(w->advance, 200);
    assert_int_equal(w->language, t->v->sot + 2);
    assert_true(w->language_chance > 0.99f);
    assert_true(fabsf(w->avg_log) < 0.01f);
    assert_true(w->no_speech < 0.01f);
    assert_false(w->failed || w->loops || w->silence);
    assert_int_equal(t->f->starts, 1);
}

static void a_language_that_is_told_is_not_asked_for(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->options.language = t->v->sot + 4;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_int_equal(t->windows[0].language, t->v->sot + 4);
    assert_int_equal(t->f->text[0][1], t->v->sot + 4);
    assert_int_equal(t->f->text[0][2], t->v->transcribe);
    t->options.translate = true;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_int_equal(t->f->text[0][2], t->v->translate);
}

static void a_model_of_english_is_told_neither_language_nor_task(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(TEST_MODEL_ENGLISH);
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_says(t, 0, " the of");
    assert_int_equal(t->f->text[0][0], t->v->sot);
    assert_int_equal(t->f->text[0][1], t->v->first_time);
    assert_int_equal(t->windows[0].language, -1);
}

static void without_times_text_ends_with_its_end(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->options.timestamps = false;
    assert_int_equal(decode(t, 1, 1, NULL), SC_OK);
    assert_says(t, 0, " to a");
    assert_int_equal(t->windows[0].advance, 3000);
    assert_int_equal(t->f->text[0][3], t->v->no_timestamps);
}

/* Whatever is decoded beside it, also what climbs through all temperatures, a window says the same.
 */
static void neighbours_change_nothing(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *alone = make(4);
    SC_AUTO(table_done) struct table *together = make(4);
    alone->f->wants = together->f->wants = unsure;
    assert_int_equal(decode(together, 0, 6, NULL), SC_OK);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(decode(alone, i, 1, NULL), SC_OK);
        const struct sc_decode_window *a = &alone->windows[0];
        const struct sc_decode_window *b = &together->windows[i];
        assert_int_equal(a->said_count, b->said_count);
        assert_memory_equal(a->said, b->said, a->said_count * sizeof(*a->said));
        assert_true(a->temperature >= b->temperature && a->temperature <= b->temperature);
    }
}

static void unlikely_text_is_tried_at_every_temperature(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->f->wants = unsure;
    assert_int_equal(decode(t, 1, 1, NULL), SC_OK);
    assert_int_equal(t->f->starts, 6);
    assert_true(fabsf(t->windows[0].temperature - 1) < 1e-3f);
    assert_true(t->windows[0].failed);
    assert_true(t->windows[0].avg_log < -1);
    assert_int_equal(t->windows[0].counted, t->windows[0].said_count);

    t->f->starts = 0;
    t->options.temperature_step = 0;
    assert_int_equal(decode(t, 1, 1, NULL), SC_OK);
    assert_int_equal(t->f->starts, 1);
    assert_true(t->windows[0].temperature <= 0);
}

static void unlikely_text_where_nobody_speaks_is_silence(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->f->wants = unsure;
    t->f->silence = 40;
    assert_int_equal(decode(t, 0, 2, NULL), SC_OK);
    assert_int_equal(t->f->starts, 2);
    assert_false(t->windows[0].silence); /* sure of its words */
    assert_true(t->windows[1].silence);
    assert_true(t->windows[1].no_speech > 0.9f);
}

static void a_loop_is_decoded_again_and_marked_when_it_stays(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->f->wants = stuck;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_true(t->windows[0].loops && t->windows[0].failed);
    assert_int_equal(t->f->starts, 6);
    t->options.limits.loops = false;
    t->options.limits.compression_max = 0;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_false(t->windows[0].failed);
}

static void of_a_text_that_fails_counts_what_is_told_to_its_end(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->f->wants = endless;
    t->options.temperature_step = 0;
    t->options.limits.loops = false;
    t->options.limits.compression_max = 0;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    const struct sc_decode_window *w = &t->windows[0];
    assert_true(w->failed);
    assert_true(w->said_count > 100);
    assert_int_equal(w->counted, 5);
    assert_int_equal(w->said[4].token, t->v->first_time + 100);
}

static void beams_find_what_greed_passes_by(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->f->wants = garden;
    t->options.temperature_step = 0;
    t->options.limits.logprob_min = -100;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_says(t, 0, " the a");
    t->options.beam = 5;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    char *text SC_AUTO_FREE = text_of(t, 0);
    assert_null(strstr(text, " the a"));
}

static void beams_say_what_is_certain(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    t->options.beam = 5;
    for (int drawn = 0; drawn < 2; drawn++) {
        t->options.drawn_beams = drawn == 1;
        assert_int_equal(decode(t, 0, 2, NULL), SC_OK);
        assert_says(t, 0, " the of");
        assert_says(t, 1, " to a");
    }
}

static void the_past_is_ahead_of_a_cold_text_only(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    int32_t past[300];
    for (int i = 0; i < 300; i++)
        past[i] = i % 200;
    t->windows[0].past = past;
    t->windows[0].past_count = 300;
    t->f->wants = unsure;
    assert_int_equal(decode(t, 0, 1, NULL), SC_OK);
    assert_says(t, 0, " the of");
    assert_int_equal(t->windows[0].past_used, 223);
    assert_int_equal(t->f->text[0][0], t->v->prev);
    assert_int_equal(t->f->text[0][1], past[77]);
    assert_int_equal(t->f->text[0][224], t->v->sot);
    assert_int_equal(decode(t, 1, 1, NULL), SC_OK);
    assert_int_equal(t->windows[0].past_used, 0); /* at 1.0 */
}

static void a_stop_leaves_no_answers(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table *t = make(4);
    struct sc_error err = { 0 };
    for (int at = 1; at < 6; at++) {
        t->f->calls = 0;
        t->f->stop_at = at;
        assert_int_equal(decode(t, 0, 2, &err), SC_E_CANCELLED);
        assert_null(t->windows[0].said);
        assert_null(t->windows[1].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_network_wants_is_said_with_its_times),
        TEST(a_language_that_is_told_is_not_asked_for),
        TEST(a_model_of_english_is_told_neither_language_nor_task),
        TEST(without_times_text_ends_with_its_end),
        TEST(neighbours_change_nothing),
        TEST(unlikely_text_is_tried_at_every_temperature),
        TEST(unlikely_text_where_nobody_speaks_is_silence),
        TEST(a_loop_is_decoded_again_and_marked_when_it_stays),
        TEST(of_a_text_that_fails_counts_what_is_told_to_its_end),
        TEST(beams_find_what_greed_passes_by),
        TEST(beams_say_what_is_certain),
        TEST(the_past_is_ahead_of_a_cold_text_only),
        TEST(a_stop_leaves_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
