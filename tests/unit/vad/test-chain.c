#include "vad/chain.h"

#include "testing.h"

#include "base/alloc.h"

#include "base/banned.h"

#define MS 16 /* samples */

struct parts {
    int64_t start[64], end[64], until[64];
    size_t count;
    bool good; /* each holds the recording's samples */
    size_t fail_at;
};

static int16_t sample_at(int64_t i)
{
    return (int16_t)((i * 7919) % 32003);
}

static enum sc_code take(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    struct parts *p = ctx;
    if (p->count == p->fail_at)
        return sc_error_set(err, SC_E_NO_SPACE, "full");
    p->start[p->count] = cut->start_samples;
    p->end[p->count] = cut->end_samples;
    p->until[p->count++] = cut->until_samples;
    for (int64_t i = cut->start_samples; i < cut->end_samples; i++)
        p->good = p->good && cut->pcm[i - cut->start_samples] == sample_at(i);
    assert_false(cut->overlaps_next);
    return SC_OK;
}

static enum sc_code cut(int part_s, int64_t samples, size_t slice, struct parts *out,
                        struct sc_error *err)
{
    SC_AUTO(sc_chain_freep) struct sc_chain *c = sc_chain_new(part_s, take, out);
    int16_t *pcm SC_AUTO_FREE = sc_alloc_array((size_t)samples + 1, sizeof(*pcm));
    enum sc_code code = SC_OK;
    for (int64_t i = 0; i < samples; i++)
        pcm[i] = sample_at(i);
    for (int64_t at = 0; at < samples && code == SC_OK; at += (int64_t)slice)
        code = sc_chain_feed(c, pcm + at, (size_t)SC_MIN((int64_t)slice, samples - at), err);
    return code == SC_OK ? sc_chain_finish(c, err) : code;
}

static struct parts parts_of(int part_s, int64_t samples, size_t slice)
{
    struct parts p = { .good = true, .fail_at = 64 };
    assert_int_equal(cut(part_s, samples, slice, &p, NULL), SC_OK);
    assert_true(p.good);
    return p;
}

static void each_part_has_a_window_behind_it_and_a_little_in_front(void **state)
{
    (void)state;
    const struct parts p = parts_of(60, 200 * 1000 * MS, 320);
    assert_int_equal(p.count, 3);
    static const int64_t expected[][3] = {
        { 0, 91000, 60000 },
        { 59900, 151000, 120000 },
        { 119900, 200000, 200000 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        assert_int_equal(p.start[i], expected[i][0] * MS);
        assert_int_equal(p.end[i], expected[i][1] * MS);
        assert_int_equal(p.until[i], expected[i][2] * MS);
    }
}

static void slices_change_nothing(void **state)
{
    (void)state;
    static const size_t slices[] = { 1000003, 320, 7919, 1 << 20 };
    const struct parts whole = parts_of(7, 100 * 1000 * MS + 5, 100 * 1000 * MS + 5);
    for (size_t i = 0; i < SC_ARRAY_LEN(slices); i++) {
        const struct parts p = parts_of(7, 100 * 1000 * MS + 5, slices[i]);
        assert_memory_equal(&p, &whole, sizeof(p));
    }
}

static void they_are_as_many_as_are_counted(void **state)
{
    (void)state;
    static const int64_t ms[] = { 0,     1,     5000,  30999, 31000, 35999,
                                  36000, 36001, 40999, 41000, 41001, 100000 };
    for (size_t i = 0; i < SC_ARRAY_LEN(ms); i++) {
        const struct parts p = parts_of(5, ms[i] * MS, 16000);
        assert_int_equal(p.count, sc_chain_count(5, ms[i]));
        for (size_t k = 1; k < p.count; k++) {
            assert_int_equal(p.until[k - 1], (int64_t)k * 5000 * MS);
            assert_int_equal(p.start[k], p.until[k - 1] - SC_CHAIN_LEAD_MS * MS);
        }
        if (p.count > 0)
            assert_int_equal(p.until[p.count - 1], ms[i] * MS);
    }
}

static void what_the_taker_says_ends_it(void **state)
{
    (void)state;
    struct parts p = { .fail_at = 1 };
    struct sc_error err = { 0 };
    assert_int_equal(cut(5, 100 * 1000 * MS, 16000, &p, &err), SC_E_NO_SPACE);
    assert_int_equal(p.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_part_has_a_window_behind_it_and_a_little_in_front),
        TEST(slices_change_nothing),
        TEST(they_are_as_many_as_are_counted),
        TEST(what_the_taker_says_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
