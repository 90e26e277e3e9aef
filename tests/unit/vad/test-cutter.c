#include "transcript/seam.h"

#include "cutting.h"

#include "base/banned.h"

static const struct sc_cut_options defaults = { CUT_DEFAULTS };

struct piece {
    int64_t start, end;
    bool overlaps;
    uint64_t sum; /* of the samples, in order */
};

struct pieces {
    struct piece items[400];
    size_t count;
};

static uint64_t sum_of(const int16_t *pcm, int64_t samples)
{
    uint64_t sum = 14695981039346656037u;
    for (int64_t i = 0; i < samples; i++)
        sum = (sum ^ (uint16_t)pcm[i]) * 1099511628211u;
    return sum;
}

static enum sc_code take_piece(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    struct pieces *p = ctx;
    (void)err;
    assert_true(p->count < SC_ARRAY_LEN(p->items));
    p->items[p->count++] = (struct piece){
        cut->start_samples,
        cut->end_samples,
        cut->overlaps_next,
        sum_of(cut->pcm, cut->end_samples - cut->start_samples),
    };
    return SC_OK;
}

static void cut(const struct recording *r, const struct sc_cut_options *o, int64_t slices,
                struct pieces *out)
{
    out->count = 0;
    cut_recording(r, o, slices, take_piece, out);
}

/* Flags by the detector alone, with the hangover. */
static uint8_t *speech_of(const struct recording *r, int64_t *frames)
{
    SC_AUTO_FREE struct sc_detector *det = calloc(1, sizeof(*det));
    uint8_t *flags = calloc(r->samples / SC_FRAME_SAMPLES + 2, 1);
    int64_t n = 0, hang = 0;
    bool speech;
    sc_detector_init(det, 6.0);
    for (size_t at = 0;; at += SC_FRAME_SAMPLES) {
        if (at < r->samples)
            sc_detector_push(det,
                             sc_vad_level(r->pcm + at, SC_MIN(r->samples - at, SC_FRAME_SAMPLES)));
        else
            sc_detector_end(det);
        while (sc_detector_next(det, &speech)) {
            hang = speech ? 16 : SC_MAX(hang - 1, 0);
            flags[n++] = hang > 0;
        }
        if (at >= r->samples)
            break;
    }
    *frames = n;
    return flags;
}

static void assert_good_pieces(const struct recording *r, const struct sc_cut_options *o,
                               const struct pieces *p)
{
    int64_t frames;
    SC_AUTO_FREE uint8_t *flags = speech_of(r, &frames);
    int64_t covered = 0; /* no speech before here is left out */
    for (size_t i = 0; i < p->count; i++) {
        const struct piece *x = &p->items[i];
        assert_true(x->start >= 0 && x->start < x->end && x->end <= (int64_t)r->samples);
        assert_true(x->end - x->start <= (int64_t)o->max_chunk_s * SC_PCM_RATE);
        assert_int_equal(x->sum, sum_of(r->pcm + x->start, x->end - x->start));
        bool overlap = i > 0 && p->items[i - 1].overlaps;
        if (overlap)
            assert_int_equal(x->start, p->items[i - 1].end - o->overlap_ms * SC_PCM_RATE / 1000);
        else
            assert_true(x->start >= covered);
        for (int64_t f = covered / SC_FRAME_SAMPLES; f < x->start / SC_FRAME_SAMPLES; f++)
            assert_false(flags[f]);
        /* A piece begins and ends in silence, but for overlaps and the ends of the recording. */
        if (!overlap && x->start > 0)
            assert_false(flags[x->start / SC_FRAME_SAMPLES - 1]);
        if (!x->overlaps && x->end < (int64_t)r->samples)
            assert_false(flags[x->end / SC_FRAME_SAMPLES]);
        bool some = false;
        for (int64_t f = x->start / SC_FRAME_SAMPLES; f * SC_FRAME_SAMPLES < x->end; f++)
            some = some || flags[f];
        assert_true(some);
        covered = x->end;
    }
    assert_true(p->count == 0 || !p->items[p->count - 1].overlaps);
    for (int64_t f = (covered + SC_FRAME_SAMPLES - 1) / SC_FRAME_SAMPLES; f < frames; f++)
        assert_false(flags[f]);
}

/* Speech and pauses of many lengths. */
static void add_talk(struct dice *d, struct recording *r, int64_t ms)
{
    size_t until = r->samples + (size_t)ms * SC_PCM_RATE / 1000;
    int64_t noise = dice_between(d, 0, 200);
    while (r->samples < until) {
        add_speech(d, r, dice_between(d, 200, dice_between(d, 0, 5) == 0 ? 45000 : 9000), noise);
        add_noise(d, r, dice_between(d, 100, dice_between(d, 0, 5) == 0 ? 40000 : 1500), noise);
    }
    r->samples -= (size_t)dice_between(d, 0, 5000);
}

static void pieces_hold_all_speech_in_order_and_are_short_enough(void **state)
{
    (void)state;
    struct dice d = { 8 };
    for (int run = 0; run < 24; run++) {
        static const int longest[] = { 30, 5, 12, 60 };
        RECORDING r = { 0 };
        static struct pieces p;
        struct sc_cut_options o = defaults;
        o.max_chunk_s = longest[run % 4];
        o.target_s = run % 3 == 0 ? 0 : (o.max_chunk_s + 1) / 2;
        o.first_s = run % 5;
        add_talk(&d, &r, 100000);
        cut(&r, &o, 0, &p);
        assert_true(p.count > 0);
        assert_good_pieces(&r, &o, &p);
    }
}

static void cuts_do_not_depend_on_how_the_samples_come(void **state)
{
    (void)state;
    static const int64_t slices[] = { 7, 319, 320, 321, 16000, 100000 };
    struct dice d = { 9 };
    for (int vad = 0; vad < 2; vad++) {
        RECORDING r = { 0 };
        static struct pieces whole, sliced;
        struct sc_cut_options o = defaults;
        o.vad = vad == 1;
        o.max_chunk_s = 10;
        o.target_s = 6;
        o.first_s = 3;
        add_talk(&d, &r, 150000);
        cut(&r, &o, 0, &whole);
        assert_true(whole.count > 3);
        for (size_t i = 0; i < SC_ARRAY_LEN(slices); i++) {
            cut(&r, &o, slices[i], &sliced);
            assert_int_equal(sliced.count, whole.count);
            for (size_t k = 0; k < whole.count; k++) {
                assert_int_equal(sliced.items[k].start, whole.items[k].start);
                assert_int_equal(sliced.items[k].end, whole.items[k].end);
                assert_int_equal(sliced.items[k].overlaps, whole.items[k].overlaps);
                assert_int_equal(sliced.items[k].sum, whole.items[k].sum);
            }
        }
    }
}

/* A second of speech, then silence, and so on. */
static void add_sentences(struct dice *d, struct recording *r, int count)
{
    for (int i = 0; i < count; i++) {
        add_noise(d, r, 1000, 8000);
        add_noise(d, r, 800, 20);
    }
}

static void the_first_piece_is_aimed_at_less_so_that_its_text_comes_soon(void **state)
{
    (void)state;
    struct dice d = { 23 };
    static struct pieces p;
    struct sc_cut_options o = defaults;
    o.target_s = 12;
    o.first_s = 6;
    RECORDING r = { 0 };
    add_sentences(&d, &r, 60);
    cut(&r, &o, 0, &p);
    assert_good_pieces(&r, &o, &p);
    assert_in_range(p.items[0].end - p.items[0].start, 5 * SC_PCM_RATE, 7 * SC_PCM_RATE);
    for (size_t i = 1; i + 1 < p.count; i++)
        assert_in_range(p.items[i].end - p.items[i].start, 11 * SC_PCM_RATE, 13 * SC_PCM_RATE);
    /* What is not longer than a piece is not cut for that. */
    RECORDING whole = { 0 };
    add_sentences(&d, &whole, 6);
    cut(&whole, &o, 0, &p);
    assert_int_equal(p.count, 1);
}

static void silence_alone_gives_no_pieces(void **state)
{
    (void)state;
    static const int64_t peaks[] = { 0, 3, 500 };
    struct dice d = { 10 };
    static struct pieces p;
    for (size_t i = 0; i < SC_ARRAY_LEN(peaks); i++) {
        RECORDING r = { 0 };
        add_noise(&d, &r, 100000, peaks[i]);
        cut(&r, &defaults, 4096, &p);
        assert_int_equal(p.count, 0);
    }
    RECORDING none = { 0 };
    cut(&none, &defaults, 0, &p);
    assert_int_equal(p.count, 0);
    struct sc_cut_options off = defaults;
    off.vad = false;
    cut(&none, &off, 0, &p);
    assert_int_equal(p.count, 0);
}

static void the_cut_is_in_the_pause_nearest_to_the_target(void **state)
{
    (void)state;
    static const int64_t pauses_ms[] = { 6000, 11000, 16000, 21000 };
    struct dice d = { 11 };
    RECORDING r = { 0 };
    static struct pieces p;
    add_noise(&d, &r, 1000, 20);
    for (size_t i = 0; i < SC_ARRAY_LEN(pauses_ms); i++) {
        add_speech(&d, &r, pauses_ms[i] - (int64_t)r.samples / 16, 20);
        add_noise(&d, &r, 1000, 20);
    }
    add_speech(&d, &r, 20000, 20);
    add_noise(&d, &r, 3000, 20);
    struct sc_cut_options o = defaults;
    o.target_s = 10;
    cut(&r, &o, 0, &p);
    assert_good_pieces(&r, &o, &p);
    /* Speech begins near 1 000 and the piece 300 before: the pause at 11 000 is the nearest. */
    assert_in_range(p.items[0].start, 9600, 12800);
    assert_in_range(p.items[0].end, 11000 * 16, 12000 * 16);
    assert_false(p.items[0].overlaps);
    assert_in_range(p.items[1].start, 11000 * 16, 12000 * 16);
}

/* Also when it is a frame of its own. */
static void speech_reaches_to_the_very_last_sample(void **state)
{
    (void)state;
    static const int64_t rest[] = { 0, 1, 2, 160, SC_FRAME_SAMPLES - 1 };
    for (size_t i = 0; i < SC_ARRAY_LEN(rest); i++) {
        struct dice d = { 21 };
        RECORDING r = { 0 };
        static struct pieces p;
        add_noise(&d, &r, 5000, 20);
        add_speech(&d, &r, 4000, 20);
        assert_int_equal(r.samples % SC_FRAME_SAMPLES, 0);
        for (int64_t k = 0; k < rest[i]; k++)
            add_sample(&r, 9000);
        cut(&r, &defaults, 0, &p);
        assert_int_equal(p.count, 1);
        assert_int_equal(p.items[0].end, r.samples);
    }
}

static void speech_without_a_pause_is_cut_with_an_overlap(void **state)
{
    (void)state;
    struct dice d = { 12 };
    RECORDING r = { 0 };
    static struct pieces p;
    add_noise(&d, &r, 8000, 20);
    add_speech(&d, &r, 75000, 20);
    add_noise(&d, &r, 8000, 20);
    cut(&r, &defaults, 1000, &p);
    assert_good_pieces(&r, &defaults, &p);
    assert_int_equal(p.count, 3);
    assert_true(p.items[0].overlaps);
    assert_true(p.items[1].overlaps);
    assert_int_equal(p.items[0].end - p.items[0].start, 30 * SC_PCM_RATE);
    assert_int_equal(p.items[1].start, p.items[0].end - SC_PCM_RATE);
}

static void a_pause_that_begins_at_the_last_moment_is_still_used(void **state)
{
    (void)state;
    int before = 0;
    for (int64_t speech_ms = 9300; speech_ms < 9900; speech_ms += 20) {
        struct dice d = { 17 };
        RECORDING r = { 0 };
        static struct pieces p;
        int64_t frames, at = (1000 + speech_ms) / SC_FRAME_MS;
        struct sc_cut_options o = defaults;
        o.max_chunk_s = 10;
        add_noise(&d, &r, 1000, 20);
        add_speech(&d, &r, speech_ms, 20);
        add_noise(&d, &r, 2000, 20);
        add_speech(&d, &r, 5000, 20);
        add_noise(&d, &r, 20000, 20);
        cut(&r, &o, 0, &p);
        SC_AUTO_FREE uint8_t *flags = speech_of(&r, &frames);
        while (flags[at])
            at++;
        bool fits = at * SC_FRAME_SAMPLES <= p.items[0].start + 10 * SC_PCM_RATE;
        assert_true(p.items[0].overlaps == !fits);
        before += fits;
    }
    assert_in_range(before, 5, 25);
}

static void an_early_pause_is_used_only_when_it_is_long(void **state)
{
    (void)state;
    for (int is_long = 0; is_long < 2; is_long++) {
        struct dice d = { 18 };
        RECORDING r = { 0 };
        static struct pieces p;
        add_noise(&d, &r, 8000, 20);
        add_speech(&d, &r, 2000, 20);
        add_noise(&d, &r, is_long ? 4000 : 1000, 20);
        add_speech(&d, &r, 40000, 20);
        add_noise(&d, &r, 8000, 20);
        cut(&r, &defaults, 0, &p);
        assert_good_pieces(&r, &defaults, &p);
        assert_true(p.items[0].overlaps == !is_long);
        assert_true(p.items[0].end - p.items[0].start <= (is_long ? 4 : 30) * SC_PCM_RATE);
    }
}

static void the_rest_is_cut_near_the_target_too(void **state)
{
    (void)state;
    struct dice d = { 19 };
    RECORDING r = { 0 };
    static struct pieces p;
    struct sc_cut_options o = defaults;
    o.target_s = 10;
    add_noise(&d, &r, 1000, 20);
    add_speech(&d, &r, 10000, 20);
    add_noise(&d, &r, 1000, 20);
    add_speech(&d, &r, 10000, 20);
    add_noise(&d, &r, 5000, 20);
    cut(&r, &o, 0, &p);
    assert_good_pieces(&r, &o, &p);
    assert_int_equal(p.count, 2);
}

/* The words of the `null` engine for a piece, in recording time. */
static void null_words(const struct piece *x, struct sc_segments *out)
{
    struct sc_segment *s = NULL;
    for (int64_t k = x->start / SC_PCM_RATE; k * SC_PCM_RATE < x->end; k++) {
        int64_t mid = k * SC_PCM_RATE + SC_PCM_RATE / 2;
        char text[24];
        if (mid < x->start || mid >= x->end)
            continue;
        if (s == NULL)
            s = sc_segments_add(out);
        (void)snprintf(text, sizeof(text), "t%lld", (long long)k);
        assert_true(sc_segment_add_word(s, sc_str_from(text), k * 1000, k * 1000 + 1000, 1));
    }
    if (s != NULL)
        sc_segment_settle(s);
}

static void append_text(const struct sc_segments *s, struct sc_buf *out)
{
    for (size_t i = 0; i < s->count; i++) {
        sc_buf_puts(out, s->items[i].text);
        sc_buf_putc(out, ' ');
    }
}

/* Recognises all pieces with the null engine, settles the seams and joins the text. */
static void transcribe(const struct pieces *p, int64_t overlap_ms, struct sc_buf *out)
{
    SC_AUTO_SEGMENTS left = { 0 };
    for (size_t i = 0; i < p->count; i++) {
        struct sc_segments right = { 0 };
        struct sc_seam_changes changed;
        null_words(&p->items[i], &right);
        if (i > 0 && p->items[i - 1].overlaps) {
            int64_t end_ms = p->items[i - 1].end / 16;
            assert_int_equal(
                sc_seam_settle(&left, &right, end_ms - overlap_ms, end_ms, &changed, NULL), SC_OK);
        }
        append_text(&left, out);
        sc_segments_done(&left);
        left = right;
    }
    append_text(&left, out);
}

static void windows_without_vad_give_every_word_of_the_null_engine_once(void **state)
{
    (void)state;
    static const int overlaps[] = { 1000, 0, 500, 300, 2000, 60 };
    static const int longest[] = { 30, 7, 10, 4 };
    RECORDING r = { 0 };
    static struct pieces p;
    struct dice d = { 13 };
    add_noise(&d, &r, 200000, 100);
    for (size_t o = 0; o < SC_ARRAY_LEN(overlaps); o++) {
        for (int seconds = 1; seconds < 200; seconds += seconds < 70 ? 1 : 13) {
            SC_AUTO_BUF got = { 0 };
            SC_AUTO_BUF expected = { 0 };
            struct sc_cut_options off = defaults;
            off.vad = false;
            off.overlap_ms = overlaps[o];
            off.max_chunk_s = longest[seconds % 4];
            struct recording part = { r.pcm, (size_t)seconds * SC_PCM_RATE, 0 };
            cut(&part, &off, 0, &p);
            assert_int_equal(p.items[0].start, 0);
            assert_int_equal(p.items[p.count - 1].end, part.samples);
            for (size_t i = 0; i < p.count; i++)
                assert_int_equal(p.items[i].sum, sum_of(r.pcm + p.items[i].start,
                                                        p.items[i].end - p.items[i].start));
            transcribe(&p, overlaps[o], &got);
            for (int k = 0; k < seconds; k++)
                sc_buf_printf(&expected, "t%d ", k);
            assert_string_equal(sc_buf_text(&got), sc_buf_text(&expected));
        }
    }
}

static void a_window_that_is_just_full_is_the_only_one(void **state)
{
    (void)state;
    struct dice d = { 14 };
    RECORDING r = { 0 };
    static struct pieces p;
    struct sc_cut_options off = defaults;
    off.vad = false;
    add_noise(&d, &r, 30000, 10);
    cut(&r, &off, 0, &p);
    assert_int_equal(p.count, 1);
    assert_false(p.items[0].overlaps);
    add_sample(&r, 1);
    cut(&r, &off, 0, &p);
    assert_int_equal(p.count, 2);
    assert_true(p.items[0].overlaps);
    assert_int_equal(p.items[1].start, 29 * SC_PCM_RATE);
    assert_int_equal(p.items[1].end, 30 * SC_PCM_RATE + 1);
}

static void seams_with_vad_neither_lose_nor_double_words(void **state)
{
    (void)state;
    struct dice d = { 15 };
    for (int run = 0; run < 12; run++) {
        RECORDING r = { 0 };
        static struct pieces p;
        SC_AUTO_BUF got = { 0 };
        SC_AUTO_BUF expected = { 0 };
        struct sc_cut_options o = defaults;
        o.max_chunk_s = 5 + run;
        add_talk(&d, &r, 90000);
        cut(&r, &o, 0, &p);
        transcribe(&p, o.overlap_ms, &got);
        for (int64_t k = 0, i = 0; k * SC_PCM_RATE < (int64_t)r.samples; k++) {
            int64_t mid = k * SC_PCM_RATE + SC_PCM_RATE / 2;
            while (i + 1 < (int64_t)p.count && p.items[i].end <= mid)
                i++;
            if (p.items[i].start <= mid && mid < p.items[i].end)
                sc_buf_printf(&expected, "t%d ", (int)k);
        }
        assert_string_equal(sc_buf_text(&got), sc_buf_text(&expected));
    }
}

/* The words whose middle lies in a piece, each once. */
static void expect_words(const struct pieces *p, int64_t samples, struct sc_buf *out)
{
    int64_t last = -1;
    for (size_t i = 0; i < p->count; i++) {
        for (int64_t k = p->items[i].start / SC_PCM_RATE; k * SC_PCM_RATE < samples; k++) {
            int64_t mid = k * SC_PCM_RATE + SC_PCM_RATE / 2;
            if (k > last && mid >= p->items[i].start && mid < p->items[i].end) {
                sc_buf_printf(out, "t%d ", (int)k);
                last = k;
            }
        }
    }
}

static void whatever_the_options_no_word_is_lost_or_doubled(void **state)
{
    (void)state;
    enum { RECORDINGS = 4, RUNS = 240 };
    struct recording talks[RECORDINGS] = { 0 };
    static struct pieces p;
    struct dice d = { 1717 };
    for (int i = 0; i < RECORDINGS; i++)
        add_talk(&d, &talks[i], 70000);
    for (int run = 0; run < RUNS; run++) {
        SC_AUTO_BUF got = { 0 };
        SC_AUTO_BUF expected = { 0 };
        const struct recording *talk = &talks[run % RECORDINGS];
        struct recording r = { talk->pcm, talk->samples - (size_t)dice_between(&d, 0, 200000), 0 };
        struct sc_cut_options o = {
            .vad = dice_between(&d, 0, 1) == 1,
            .max_chunk_s = (int)dice_between(&d, 2, 30),
            .threshold_db = (double)dice_between(&d, 1, 25),
            .hangover_ms = (int)dice_between(&d, 0, 2000),
            .min_silence_ms = (int)dice_between(&d, 20, 2000),
        };
        o.target_s = (int)dice_between(&d, 0, o.max_chunk_s);
        o.overlap_ms = (int)dice_between(&d, 0, o.max_chunk_s * 500) / 20 * 20;
        cut(&r, &o, run % 3 == 0 ? 5000 : 0, &p);
        transcribe(&p, o.overlap_ms, &got);
        expect_words(&p, (int64_t)r.samples, &expected);
        if (strcmp(sc_buf_text(&got), sc_buf_text(&expected)) != 0)
            fail_msg("run %d (chunks of %d s, overlap %d ms, vad %d):\n%s\n%s", run, o.max_chunk_s,
                     o.overlap_ms, o.vad, sc_buf_text(&got), sc_buf_text(&expected));
    }
    for (int i = 0; i < RECORDINGS; i++)
        recording_done(&talks[i]);
}

static enum sc_code refuse(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    (void)cut;
    ++*(int *)ctx;
    return sc_error_set(err, SC_E_NO_SPACE, "full");
}

static void an_error_of_the_callback_stops_the_cutter(void **state)
{
    (void)state;
    struct dice d = { 16 };
    RECORDING r = { 0 };
    int calls = 0;
    struct sc_error err = { 0 };
    struct sc_cut_options off = defaults;
    off.vad = false;
    add_noise(&d, &r, 70000, 10);
    SC_AUTO(sc_cutter_freep) struct sc_cutter *c = sc_cutter_new(&off, refuse, &calls);
    assert_int_equal(sc_cutter_feed(c, r.pcm, r.samples, &err), SC_E_NO_SPACE);
    assert_string_equal(err.msg, "full");
    assert_int_equal(sc_cutter_feed(c, r.pcm, 1, &err), SC_E_CANCELLED);
    assert_int_equal(sc_cutter_finish(c, &err), SC_E_CANCELLED);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_hold_all_speech_in_order_and_are_short_enough),
        TEST(cuts_do_not_depend_on_how_the_samples_come),
        TEST(the_first_piece_is_aimed_at_less_so_that_its_text_comes_soon),
        TEST(silence_alone_gives_no_pieces),
        TEST(the_cut_is_in_the_pause_nearest_to_the_target),
        TEST(speech_reaches_to_the_very_last_sample),
        TEST(speech_without_a_pause_is_cut_with_an_overlap),
        TEST(a_pause_that_begins_at_the_last_moment_is_still_used),
        TEST(an_early_pause_is_used_only_when_it_is_long),
        TEST(the_rest_is_cut_near_the_target_too),
        TEST(windows_without_vad_give_every_word_of_the_null_engine_once),
        TEST(a_window_that_is_just_full_is_the_only_one),
        TEST(seams_with_vad_neither_lose_nor_double_words),
        TEST(whatever_the_options_no_word_is_lost_or_doubled),
        TEST(an_error_of_the_callback_stops_the_cutter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
