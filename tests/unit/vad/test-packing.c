/* Pieces of packed sound: what they hold, where it comes from, and that they are few. */

#include "vad/decider.h"

#include "base/macros.h"
#include "cutting.h"

#include "base/banned.h"

#define SECOND (int64_t) SC_PCM_RATE
#define PAD (SECOND * 3 / 10)

static const struct sc_cut_options defaults = { CUT_DEFAULTS, .pack = true };

struct piece {
    struct sc_cut_span spans[SC_CUT_SPANS];
    size_t count;
    int64_t samples;
    bool overlaps;
};

struct pieces {
    const struct recording *of;
    struct piece items[60];
    size_t count;
};

/* Its sound is that of its spans. */
static enum sc_code take_piece(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    struct pieces *p = ctx;
    (void)err;
    assert_true(p->count < SC_ARRAY_LEN(p->items));
    struct piece *x = &p->items[p->count++];
    *x = (struct piece){ .count = cut->span_count, .overlaps = cut->overlaps_next };
    assert_in_range(cut->span_count, 1, SC_CUT_SPANS);
    for (size_t i = 0; i < cut->span_count; i++) {
        const struct sc_cut_span *span = &cut->spans[i];
        int64_t len = span->end_samples - span->start_samples;
        x->spans[i] = *span;
        assert_true(len > 0 && span->end_samples <= (int64_t)p->of->samples);
        assert_memory_equal(cut->pcm + x->samples, p->of->pcm + span->start_samples,
                            (size_t)len * sizeof(int16_t));
        x->samples += len;
    }
    assert_int_equal(cut->samples, x->samples);
    assert_int_equal(cut->start_samples, x->spans[0].start_samples);
    assert_int_equal(cut->end_samples, x->spans[x->count - 1].end_samples);
    return SC_OK;
}

static void cut(const struct recording *r, const struct sc_cut_options *o, int64_t slices,
                struct pieces *out)
{
    out->of = r;
    out->count = 0;
    cut_recording(r, o, slices, take_piece, out);
}

/* One for each frame, by the decider alone. */
static uint8_t *speech_of(const struct recording *r, const struct sc_cut_options *o)
{
    SC_AUTO(sc_decider_freep) struct sc_decider *d = sc_decider_new(o);
    uint8_t *flags = calloc(r->samples / SC_FRAME_SAMPLES + 1, 1);
    size_t n = 0;
    bool speech;
    assert_non_null(d);
    for (size_t at = 0; at <= r->samples; at += SC_FRAME_SAMPLES) {
        int16_t frame[SC_FRAME_SAMPLES] = { 0 };
        size_t samples = SC_MIN(r->samples - at, SC_FRAME_SAMPLES);
        memcpy(frame, r->pcm + at, samples * sizeof(*frame));
        if (samples > 0)
            sc_decider_push(d, frame, samples);
        if (samples < SC_FRAME_SAMPLES)
            sc_decider_end(d);
        while (sc_decider_next(d, &speech) != NULL)
            flags[n++] = speech;
    }
    return flags;
}

static bool has_speech(const uint8_t *flags, int64_t from, int64_t to)
{
    for (int64_t f = (from + SC_FRAME_SAMPLES - 1) / SC_FRAME_SAMPLES; f * SC_FRAME_SAMPLES < to;
         f++) {
        if (flags[f])
            return true;
    }
    return false;
}

/* What lies between two spans of a piece was a long pause, and near speech all of it is kept. */
static void assert_good_gap(const uint8_t *flags, const struct sc_cut_span *a,
                            const struct sc_cut_span *b)
{
    assert_true(b->start_samples > a->end_samples);
    assert_true(b->start_samples - a->end_samples + 2 * PAD > SECOND);
    assert_false(has_speech(flags, a->end_samples - PAD, b->start_samples + PAD));
}

static void assert_good_pieces(const struct recording *r, const struct sc_cut_options *o,
                               const struct pieces *p)
{
    SC_AUTO_FREE uint8_t *flags = speech_of(r, o);
    int64_t covered = 0; /* no speech before here is left out */
    for (size_t i = 0; i < p->count; i++) {
        const struct piece *x = &p->items[i];
        bool overlap = i > 0 && p->items[i - 1].overlaps;
        int64_t end = x->spans[x->count - 1].end_samples;
        assert_true(x->samples <= (int64_t)o->max_chunk_s * SECOND);
        assert_true(end - x->spans[0].start_samples <= 602 * SECOND);
        if (overlap)
            assert_int_equal(x->spans[0].start_samples, covered - o->overlap_ms * 16);
        for (size_t k = 0; k < x->count; k++) {
            if (k > 0)
                assert_good_gap(flags, &x->spans[k - 1], &x->spans[k]);
            if (!overlap || k > 0) {
                assert_true(x->spans[k].start_samples >= covered);
                assert_false(has_speech(flags, covered, x->spans[k].start_samples));
            }
            covered = x->spans[k].end_samples;
        }
        if (x->overlaps) /* the last second is one second of the recording */
            assert_true(x->spans[x->count - 1].start_samples <= end - o->overlap_ms * 16);
        else if (end < (int64_t)r->samples)
            assert_false(flags[end / SC_FRAME_SAMPLES]);
    }
    assert_false(has_speech(flags, covered, (int64_t)r->samples));
    assert_true(p->count == 0 || !p->items[p->count - 1].overlaps);
}

/* Speech and pauses of many lengths, now and then without end. */
static void add_talk(struct dice *d, struct recording *r, int64_t ms)
{
    size_t until = r->samples + (size_t)ms * 16;
    int64_t noise = dice_between(d, 0, 200);
    while (r->samples < until) {
        bool endless = dice_between(d, 0, 8) == 0;
        add_speech(d, r, endless ? dice_between(d, 20000, 70000) : dice_between(d, 200, 4000),
                   noise);
        add_noise(d, r, dice_between(d, 100, dice_between(d, 0, 3) == 0 ? 40000 : 6000), noise);
    }
    r->samples -= (size_t)dice_between(d, 0, 5000);
}

static void packed_pieces_hold_all_speech_whatever_the_options(void **state)
{
    (void)state;
    static struct pieces p;
    struct dice d = { 8 };
    size_t packed = 0, overlaps = 0;
    for (int run = 0; run < 40; run++) {
        RECORDING r = { 0 };
        struct sc_cut_options o = defaults;
        if (run >= 10) {
            o.max_chunk_s = (int)dice_between(&d, 2, SC_PACK_MAX_S);
            o.target_s = (int)dice_between(&d, 0, o.max_chunk_s);
            o.first_s = (int)dice_between(&d, 0, o.max_chunk_s);
            o.threshold_db = (double)dice_between(&d, 3, 15);
            o.hangover_ms = (int)dice_between(&d, 0, 2000);
            o.min_silence_ms = (int)dice_between(&d, 20, 4000);
            o.leave_out_music = run % 4 == 0;
        }
        add_talk(&d, &r, 100000);
        cut(&r, &o, 0, &p);
        assert_good_pieces(&r, &o, &p);
        for (size_t i = 0; i < p.count; i++) {
            packed += p.items[i].count > 1;
            overlaps += p.items[i].overlaps;
        }
    }
    if (packed < 30 || overlaps < 10)
        fail_msg("%zu pieces are packed, %zu overlap the next", packed, overlaps);
}

static void packing_does_not_depend_on_how_the_samples_come(void **state)
{
    (void)state;
    static const int64_t slices[] = { 7, 319, 320, 321, 16000, 100000 };
    static struct pieces whole, sliced;
    struct dice d = { 9 };
    RECORDING r = { 0 };
    add_talk(&d, &r, 300000);
    cut(&r, &defaults, 0, &whole);
    assert_true(whole.count > 3);
    for (size_t i = 0; i < SC_ARRAY_LEN(slices); i++) {
        cut(&r, &defaults, slices[i], &sliced);
        assert_int_equal(sliced.count, whole.count);
        assert_memory_equal(sliced.items, whole.items, whole.count * sizeof(whole.items[0]));
    }
}

/* 20 times 2 s of speech and 10 s of silence: 40 s of speech. */
static void short_stretches_share_a_piece(void **state)
{
    (void)state;
    static struct pieces p;
    struct dice d = { 3 };
    struct sc_cut_options apart = defaults;
    RECORDING r = { 0 };
    for (int i = 0; i < 20; i++) {
        add_speech(&d, &r, 2000, 20);
        add_noise(&d, &r, 10000, 20);
    }
    cut(&r, &defaults, 0, &p);
    assert_good_pieces(&r, &defaults, &p);
    assert_int_equal(p.count, 2);
    assert_true(p.items[0].samples > 27 * SECOND);
    apart.pack = false;
    cut(&r, &apart, 0, &p);
    assert_true(p.count >= 6);
}

static void a_pause_of_a_second_stays_as_it_is(void **state)
{
    (void)state;
    static struct pieces p;
    for (int is_long = 0; is_long < 2; is_long++) {
        struct dice d = { 4 };
        RECORDING r = { 0 };
        add_noise(&d, &r, 3000, 20);
        add_speech(&d, &r, 3000, 20);
        add_noise(&d, &r, is_long ? 1700 : 1000, 20); /* the hangover is speech */
        add_speech(&d, &r, 3000, 20);
        add_noise(&d, &r, 3000, 20);
        cut(&r, &defaults, 0, &p);
        assert_good_pieces(&r, &defaults, &p);
        assert_int_equal(p.count, 1);
        assert_int_equal(p.items[0].count, is_long ? 2 : 1);
    }
}

static void pieces_end_before_they_go_too_far_whatever_the_options(void **state)
{
    (void)state;
    static struct pieces p;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct dice d = { seed * 7919 };
        struct sc_cut_options o = defaults;
        RECORDING r = { 0 };
        o.min_silence_ms = (int)dice_between(&d, 20, 6000);
        while (r.samples < 1500 * (size_t)SECOND) {
            add_speech(&d, &r, dice_between(&d, 200, 9000), 20);
            add_noise(&d, &r, dice_between(&d, 500, dice_between(&d, 0, 1) == 0 ? 9000 : 400000),
                      20);
        }
        cut(&r, &o, 0, &p);
        assert_good_pieces(&r, &o, &p);
        assert_true(p.count >= 2);
    }
}

/* One word every four minutes. */
static void what_lies_far_apart_is_not_packed(void **state)
{
    (void)state;
    static struct pieces p;
    struct dice d = { 5 };
    RECORDING r = { 0 };
    for (int i = 0; i < 7; i++) {
        add_speech(&d, &r, 1500, 20);
        add_noise(&d, &r, 240000, 20);
    }
    cut(&r, &defaults, 0, &p);
    assert_good_pieces(&r, &defaults, &p);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.items[0].count, 3);
    assert_int_equal(p.items[2].count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packed_pieces_hold_all_speech_whatever_the_options),
        TEST(packing_does_not_depend_on_how_the_samples_come),
        TEST(short_stretches_share_a_piece),
        TEST(a_pause_of_a_second_stays_as_it_is),
        TEST(pieces_end_before_they_go_too_far_whatever_the_options),
        TEST(what_lies_far_apart_is_not_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
