#include "vad/partials.h"

#include "make.h"

#include "base/banned.h"

#define FRAMES 500

/* Partials at these bins, all as strong and clear. */
static struct sc_partials partials_at(const float *bins, int count)
{
    struct sc_partials p = { .count = count };
    for (int i = 0; i < count; i++) {
        p.bin[i] = bins[i];
        p.power[i] = 1000;
        p.clear[i] = true;
    }
    return p;
}

/* The notes of a frame whose partials stay where they are. */
static struct sc_notes notes_of(const float *bins, int count)
{
    const struct sc_partials p = partials_at(bins, count);
    struct sc_notes notes;
    sc_partials_notes(&p, &p, &p, 1000 * (float)count, &notes);
    return notes;
}

/* Three partials of a tone so many semitones above bin 20. */
static struct sc_notes tone(float semitones)
{
    const float bin = 20 * powf(2, semitones / 12);
    return notes_of((float[]){ bin, 2 * bin, 3 * bin }, 3);
}

static void a_peak_is_found_between_its_bins(void **state)
{
    (void)state;
    static const struct {
        int16_t level[3];
        float bin;
    } cases[] = {
        { { 0, 100, 0 }, 1 },
        { { 0, 100, 100 }, 1.5F },
        { { 50, 100, 0 }, 0.8333F },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        struct sc_partials p = { 0 };
        sc_partials_add(&p, cases[i].level, 1, 7, true);
        assert_int_equal(p.count, 1);
        assert_true(fabsf(p.bin[0] - cases[i].bin) < 0.001F);
        assert_true(p.power[0] == 7 && p.clear[0]);
    }
}

static void what_moves_or_is_not_clear_is_not_steady(void **state)
{
    (void)state;
    const struct sc_partials at = partials_at((float[]){ 20, 40.1F, 60 }, 3);
    const struct sc_partials before = partials_at((float[]){ 19, 40, 61 }, 3);
    const struct sc_partials after = partials_at((float[]){ 21, 43, 62 }, 3);
    struct sc_notes notes;
    sc_partials_notes(&before, &at, &after, 6000, &notes);
    assert_int_equal(notes.clear, 128);
    assert_in_range(notes.steady, 42, 43);
    sc_partials_notes(&after, &at, &before, 6000, &notes);
    assert_in_range(notes.steady, 42, 43);

    struct sc_partials faint = at;
    faint.clear[1] = false;
    sc_partials_notes(&at, &faint, &at, 6000, &notes);
    assert_int_equal(notes.clear, 85);
    assert_int_equal(notes.steady, 85);
}

static float share_of(float (*pitch)(struct dice *d, int frame))
{
    struct sc_tuning t = { 0 };
    struct dice d = { 4 };
    for (int i = 0; i < FRAMES; i++) {
        const struct sc_notes notes = tone(pitch(&d, i));
        sc_tuning_add(&t, &notes, 1);
    }
    return sc_tuning_share(&t);
}

static float scale(struct dice *d, int frame)
{
    (void)frame;
    return (float)dice_between(d, 0, 12) + 0.37F;
}

static float anything(struct dice *d, int frame)
{
    (void)frame;
    return (float)dice_between(d, 0, 12000) / 1000;
}

static float always(struct dice *d, int frame)
{
    (void)d;
    (void)frame;
    return 0.37F;
}

static void notes_are_in_tune_whatever_the_tuning_and_other_pitches_are_not(void **state)
{
    (void)state;
    assert_true(share_of(scale) > 0.8F);
    assert_true(share_of(anything) < 0.1F);
    assert_true(share_of(always) < share_of(scale) - 0.1F);
}

static void nothing_is_not_in_tune(void **state)
{
    (void)state;
    const struct sc_tuning none = { 0 };
    assert_true(sc_tuning_share(&none) <= 0);
}

static void frames_that_go_leave_nothing_behind(void **state)
{
    (void)state;
    static const struct sc_tuning none;
    struct sc_tuning t = { 0 };
    struct dice d = { 4 };
    for (int sign = 1; sign >= -1; sign -= 2) {
        d.state = 4;
        for (int i = 0; i < FRAMES; i++) {
            const struct sc_notes notes = tone(anything(&d, i));
            sc_tuning_add(&t, &notes, sign);
        }
    }
    assert_memory_equal(&t, &none, sizeof(t));
}

/* All places where a partial can be have a note. */
static void the_lowest_and_the_highest_partial_have_notes(void **state)
{
    (void)state;
    static const float ends[] = { 9.5F, 256.5F };
    for (size_t i = 0; i < SC_ARRAY_LEN(ends); i++) {
        const struct sc_notes notes = notes_of(&ends[i], 1);
        int sum = 0;
        for (int n = 0; n < SC_NOTES; n++)
            sum += notes.note[n];
        assert_in_range(sum, 254, 256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_peak_is_found_between_its_bins),
        TEST(what_moves_or_is_not_clear_is_not_steady),
        TEST(notes_are_in_tune_whatever_the_tuning_and_other_pitches_are_not),
        TEST(nothing_is_not_in_tune),
        TEST(frames_that_go_leave_nothing_behind),
        TEST(the_lowest_and_the_highest_partial_have_notes),
    };
    return cmocka_run_group_tests_name("vad/partials", tests, NULL, NULL);
}
