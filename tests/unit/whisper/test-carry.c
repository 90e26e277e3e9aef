#include "whisper/carry.h"

#include "model.h"
#include "testing.h"
#include "whisper/listen.h"
#include "whisper/mel.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

#define RATE 16000
#define STEP SC_MEL_STEP
#define SECONDS 80
/* As the splitter cuts (pipeline/chain.h): so much sound in front of a part, and behind it. */
#define LEAD_FRAMES 10
#define BEHIND_FRAMES 3100
#define FRAMES (SECONDS * 100)

/* ---- as text ---- */

static struct sc_carry full(void)
{
    struct sc_carry c = { .frame = 123456, .language = "de", .loudest = 0.123456789F };
    for (int i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++)
        c.drawn[i] = 1000 * i;
    for (int32_t token = 0; token < 1500; token++)
        assert_true(sc_past_add(&c.past, &token, 1));
    return c;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    SC_AUTO(sc_carry_done) struct sc_carry c = full();
    SC_AUTO(sc_carry_done) struct sc_carry back = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };
    sc_carry_write(&c, &text);
    assert_in_range(text.len, 100, SC_CARRY_MAX);
    if (sc_carry_read(sc_buf_str(&text), 1500, &back, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(back.frame, c.frame);
    assert_string_equal(back.language, "de");
    assert_memory_equal(&back.loudest, &c.loudest, sizeof(float));
    assert_memory_equal(back.drawn, c.drawn, sizeof(c.drawn));
    assert_int_equal(back.past.count, SC_CARRY_TOKENS);
    assert_int_equal(back.past.tokens[0], 1500 - SC_CARRY_TOKENS);
    assert_int_equal(back.past.tokens[SC_CARRY_TOKENS - 1], 1499);
}

#define FORM(frame, language, loudest, drawn, tokens)                                         \
    "{\"frame\":" frame ",\"language\":" language ",\"loudest\":" loudest ",\"drawn\":" drawn \
    ",\"tokens\":" tokens "}"
#define NONE_DRAWN "[0,0,0,0,0,0,0,0]"

static void what_nobody_writes_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why; /* NULL: it is good */
    } rows[] = {
        { FORM("0", "\"\"", "-10", NONE_DRAWN, "[]"), NULL },
        { FORM("5", "\"yue\"", "1.5", NONE_DRAWN, "[0,99]"), NULL },
        { "", "its form" },
        { "[]", "its form" },
        { "{}", "its form" },
        { FORM("-1", "\"\"", "0", NONE_DRAWN, "[]"), "its form" },
        { FORM("1.5", "\"\"", "0", NONE_DRAWN, "[]"), "its form" },
        { FORM("2000000000000", "\"\"", "0", NONE_DRAWN, "[]"), "its form" },
        { FORM("0", "\"a language of far too many letters for any\"", "0", NONE_DRAWN, "[]"),
          "its form" },
        { FORM("0", "\"e-n\"", "0", NONE_DRAWN, "[]"), "language" },
        { FORM("0", "\"\"", "21", NONE_DRAWN, "[]"), "loudest" },
        { FORM("0", "\"\"", "-1e300", NONE_DRAWN, "[]"), "loudest" },
        { FORM("0", "\"\"", "0", "[0,0,0,0,0,0,0]", "[]"), "drawn" },
        { FORM("0", "\"\"", "0", "[0,0,0,0,0,0,0,-1]", "[]"), "drawn" },
        { FORM("0", "\"\"", "0", "[0,0,0,0,0,0,0,300000000]", "[]"), "drawn" },
        { FORM("0", "\"\"", "0", "[0,0,0,0,0,0,0,\"1\"]", "[]"), "drawn" },
        { FORM("0", "\"\"", "0", NONE_DRAWN, "[100]"), "tokens" },
        { FORM("0", "\"\"", "0", NONE_DRAWN, "[-1]"), "tokens" },
        { FORM("0", "\"\"", "0", NONE_DRAWN, "[null]"), "tokens" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_carry_done) struct sc_carry c = { .frame = -7 };
        struct sc_error err = { 0 };
        enum sc_code code = sc_carry_read(sc_str_from(rows[i].text), 100, &c, &err);
        assert_int_equal(code, rows[i].why == NULL ? SC_OK : SC_E_ENGINE_ERROR);
        if (rows[i].why != NULL && strstr(err.msg, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].text, err.msg);
        assert_true((c.frame == -7) == (rows[i].why != NULL));
    }
}

static void more_tokens_than_anybody_needs_are_refused(void **state)
{
    (void)state;
    SC_AUTO(sc_carry_done) struct sc_carry c = { 0 };
    SC_AUTO_BUF text = { 0 };
    sc_buf_puts(&text, "{\"frame\":0,\"language\":\"\",\"loudest\":0,\"drawn\":" NONE_DRAWN
                       ",\"tokens\":[0");
    for (int i = 0; i < SC_CARRY_TOKENS; i++)
        sc_buf_puts(&text, ",1");
    sc_buf_puts(&text, "]}");
    assert_int_equal(sc_carry_read(sc_buf_str(&text), 100, &c, NULL), SC_E_ENGINE_ERROR);
    while (text.len <= SC_CARRY_MAX)
        sc_buf_putc(&text, ' ');
    assert_int_equal(sc_carry_read(sc_buf_str(&text), 100, &c, NULL), SC_E_ENGINE_ERROR);
}

/* ---- parts are as good as the whole ---- */

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

/* Louder and softer, with pauses; the loudest of it at the very beginning. */
static struct table make(const struct test_model *m)
{
    struct table t = { .dir = test_dir_new() };
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    assert_true(test_model_write(m, test_path(&t.dir, "ggml-test.bin", path)));
    if (sc_listener_open(path, 2, NULL, &t.l, &err) != SC_OK)
        fail_msg("%s", err.msg);
    t.pcm = sc_alloc_array(SECONDS * RATE, sizeof(*t.pcm));
    for (int i = 0; i < SECONDS * RATE; i++) {
        double loud = i < RATE ? 30000 : 9000 * fmax(0, sin(i * 0.00006));
        t.pcm[i] = (int16_t)(loud * sin(i * (0.05 + 0.01 * sin(i * 0.00001))));
    }
    return t;
}

struct story {
    struct sc_buf text;
    int64_t from; /* ms */
};

static void tell_window(void *ctx, const struct sc_decode_window *w, int frame)
{
    struct story *s = ctx;
    sc_buf_printf(&s->text, "%" PRId64 ":", frame + s->from / 10);
    for (size_t i = 0; i < w->said_count; i++)
        sc_buf_printf(&s->text, " %d", w->said[i].token);
    sc_buf_printf(&s->text, " (%.6f %.6f)\n", (double)w->avg_log, (double)w->no_speech);
}

static void add_segments(struct story *s, const struct sc_segments *segments)
{
    for (size_t i = 0; i < segments->count; i++) {
        const struct sc_segment *one = &segments->items[i];
        sc_buf_printf(&s->text, "%" PRId64 "-%" PRId64 " %s\n", one->start_ms + s->from,
                      one->end_ms + s->from, one->text);
        for (size_t k = 0; k < one->word_count; k++)
            sc_buf_printf(&s->text, " %" PRId64, one->words[k].start_ms + s->from);
    }
}

static struct sc_listen_wishes wishes_of(int step)
{
    struct sc_listen_wishes w = sc_listen_wishes_usual();
    w.previous = true;
    w.prompt = "Names: Ada.";
    w.hotwords = step % 2 == 0 ? "" : "hello";
    w.carry_prompt = step % 3 == 0;
    w.each_window = w.tell_language = step % 2 == 1;
    w.decode.temperature_step = 0.5F;
    w.decode.best_of = 2;
    return w;
}

static void hear(const struct table *t, struct sc_listen_clip *clip, struct story *s)
{
    struct sc_error err = { 0 };
    clip->told = tell_window;
    clip->told_ctx = s;
    s->from = clip->first_frame * 10;
    if (sc_listen(t->l, clip, 1, NULL, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

static void hear_whole(const struct table *t, const struct sc_listen_wishes *wishes,
                       struct sc_buf *windows, struct sc_buf *segments)
{
    struct story s = { 0 };
    SC_AUTO(sc_listen_clip_done)
    struct sc_listen_clip clip = { .pcm = t->pcm, .samples = SECONDS * RATE, .wishes = *wishes };
    hear(t, &clip, &s);
    *windows = s.text;
    s.text = (struct sc_buf){ 0 };
    add_segments(&s, &clip.segments);
    *segments = s.text;
}

/* In parts of so many frames; what one hands on goes to the next as text. */
static void hear_parts(const struct table *t, const struct sc_listen_wishes *wishes, int length,
                       struct sc_buf *windows, struct sc_buf *segments)
{
    struct story s = { 0 };
    struct story told = { 0 };
    SC_AUTO_BUF text = { 0 };
    for (int begin = 0;; begin += length) {
        SC_AUTO(sc_carry_done) struct sc_carry from = { 0 };
        struct sc_error err = { 0 };
        int first = SC_MAX(begin - LEAD_FRAMES, 0);
        int end = SC_MIN(begin + length + BEHIND_FRAMES, FRAMES);
        bool last = end == FRAMES;
        SC_AUTO(sc_listen_clip_done)
        struct sc_listen_clip clip = {
            .pcm = t->pcm + (ptrdiff_t)first * STEP,
            .samples = (size_t)(end - first) * STEP,
            .wishes = *wishes,
            .first_frame = first,
            .until_frame = last ? 0 : begin + length,
        };
        if (begin > 0 &&
            sc_carry_read(sc_buf_str(&text), sc_listener_vocab(t->l)->size, &from, &err) != SC_OK)
            fail_msg("%s", err.msg);
        clip.from = begin > 0 ? &from : NULL;
        hear(t, &clip, &s);
        told.from = s.from;
        add_segments(&told, &clip.segments);
        if (last)
            break;
        sc_buf_reset(&text);
        sc_carry_write(&clip.carry, &text);
    }
    *windows = s.text;
    *segments = told.text;
}

static void check_parts(const struct test_model *m, int runs)
{
    SC_AUTO(table_done) struct table t = make(m);
    struct sc_random random;
    sc_random_seed(&random, 7);
    for (int run = 0; run < runs; run++) {
        const struct sc_listen_wishes wishes = wishes_of(run);
        SC_AUTO_BUF whole = { 0 };
        SC_AUTO_BUF whole_segments = { 0 };
        SC_AUTO_BUF parts = { 0 };
        SC_AUTO_BUF part_segments = { 0 };
        int length = 500 + (int)(sc_random_word(&random) % 6000);
        hear_whole(&t, &wishes, &whole, &whole_segments);
        hear_parts(&t, &wishes, length, &parts, &part_segments);
        assert_true(whole.len > 0);
        assert_string_equal(sc_buf_text(&parts), sc_buf_text(&whole));
        assert_string_equal(sc_buf_text(&part_segments), sc_buf_text(&whole_segments));
    }
}

static void parts_say_what_the_whole_says(void **state)
{
    (void)state;
    check_parts(&(struct test_model){ .text_ctx = 64, .seed = 5 }, 3);
    check_parts(&(struct test_model){ .text_ctx = 96, .seed = 3, .languages = TEST_MODEL_ENGLISH },
                1);
    check_parts(&(struct test_model){ .script = "<|0.00|> Hello world.<|12.30|>" }, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(what_nobody_writes_is_refused),
        TEST(more_tokens_than_anybody_needs_are_refused),
        TEST(parts_say_what_the_whole_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
