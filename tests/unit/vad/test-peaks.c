#include "vad/peaks.h"

#include "make.h"

#include "base/banned.h"

struct made {
    struct sc_buf bytes; /* header and rows */
    struct sc_peaks_layout layout;
};

static enum sc_code keep(void *ctx, const void *bytes, size_t len, struct sc_error *err)
{
    struct made *m = ctx;
    (void)err;
    sc_buf_append(&m->bytes, bytes, len);
    return SC_OK;
}

/* slices: longest feed; 0: all at once. */
static void make(const struct recording *r, int channels, int64_t slices, struct made *out)
{
    SC_AUTO(sc_peaks_freep) struct sc_peaks *p = sc_peaks_new(channels, keep, out);
    struct dice d = { 5 };
    unsigned char header[SC_PEAKS_HEADER] = { 0 };
    size_t samples = r[0].samples;
    sc_buf_append(&out->bytes, header, sizeof(header));
    for (size_t at = 0; at < samples;) {
        const int16_t *rows[SC_PEAKS_CHANNELS];
        size_t n = slices == 0 ? samples : (size_t)dice_between(&d, 0, slices);
        n = SC_MIN(n, samples - at);
        for (int c = 0; c < channels; c++)
            rows[c] = r[c].pcm + at;
        assert_int_equal(sc_peaks_feed(p, rows, n, NULL), SC_OK);
        at += n;
    }
    assert_int_equal(sc_peaks_finish(p, &out->layout, NULL), SC_OK);
    sc_peaks_header_write(&out->layout, (unsigned char *)out->bytes.ptr);
}

static struct sc_peak row_of(const struct made *m, int zoom, int64_t row, int channel)
{
    const struct sc_peak *rows =
        (const struct sc_peak *)(const void *)(m->bytes.ptr + m->layout.offset[zoom]);
    return rows[row * m->layout.channels + channel];
}

static void assert_row(const struct made *m, const struct recording *r, int zoom, int64_t row,
                       int channel)
{
    int64_t len = sc_peaks_row_samples(zoom);
    int min = INT8_MAX, max = INT8_MIN;
    int64_t end = SC_MIN((row + 1) * len, (int64_t)r[channel].samples);
    for (int64_t i = row * len; i < end; i++) {
        min = SC_MIN(min, r[channel].pcm[i] >> 8);
        max = SC_MAX(max, r[channel].pcm[i] >> 8);
    }
    struct sc_peak peak = row_of(m, zoom, row, channel);
    assert_int_equal(peak.min, min);
    assert_int_equal(peak.max, max);
}

static void every_zoom_holds_the_extremes_of_its_rows(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 2; channels++) {
        RECORDING left = { 0 }, right = { 0 };
        struct dice d = { 9 };
        add_speech(&d, &left, 50123, 100);
        add_noise(&d, &right, 50123, 32767);
        const struct recording both[2] = { left, right };
        struct made m = { 0 }, sliced = { 0 };
        make(both, channels, 0, &m);
        make(both, channels, 777, &sliced);
        assert_int_equal(m.bytes.len, m.layout.size);
        assert_int_equal(sliced.bytes.len, m.bytes.len);
        assert_memory_equal(m.bytes.ptr, sliced.bytes.ptr, m.bytes.len);
        assert_int_equal(m.layout.rows[0], 5013);
        assert_int_equal(m.layout.rows[1], 314);
        assert_int_equal(m.layout.rows[2], 20);
        assert_int_equal(m.layout.rows[3], 2);
        for (int zoom = 0; zoom < SC_PEAKS_ZOOMS; zoom++) {
            for (int64_t row = 0; row < m.layout.rows[zoom]; row++) {
                for (int c = 0; c < channels; c++)
                    assert_row(&m, both, zoom, row, c);
            }
        }
        sc_buf_done(&m.bytes);
        sc_buf_done(&sliced.bytes);
    }
}

static void a_header_comes_back_and_others_are_refused(void **state)
{
    (void)state;
    struct sc_peaks_layout layout, back;
    unsigned char header[SC_PEAKS_HEADER], bad[SC_PEAKS_HEADER];
    sc_peaks_layout(3, 123456789, &layout);
    sc_peaks_header_write(&layout, header);
    assert_true(sc_peaks_header_read(header, &back));
    assert_int_equal(back.size, layout.size);
    assert_int_equal(back.channels, 3);
    static const size_t flips[] = { 0, 9, 15, 23 };
    for (size_t i = 0; i < SC_ARRAY_LEN(flips); i++) {
        memcpy(bad, header, sizeof(bad));
        bad[flips[i]] ^= 0x80;
        assert_false(sc_peaks_header_read(bad, &back));
    }
}

static void a_recording_without_sound_has_no_rows(void **state)
{
    (void)state;
    RECORDING none = { 0 };
    struct made m = { 0 };
    struct sc_peaks_window w;
    make(&none, 1, 0, &m);
    assert_int_equal(m.layout.size, SC_PEAKS_HEADER);
    sc_peaks_window_points(&m.layout, 100, 0, INT64_MAX, &w);
    assert_int_equal(w.points, 0);
    sc_buf_done(&m.bytes);
}

static void a_window_takes_the_zoom_that_suffices(void **state)
{
    (void)state;
    struct sc_peaks_layout hour;
    sc_peaks_layout(1, INT64_C(3600) * 16000, &hour);
    static const struct {
        int64_t points, start_s, end_s;
        int zoom;
        int64_t rows, got;
    } rows[] = {
        { 20, 0, 3600, 3, 88, 20 },           { 22, 0, 3600, 3, 88, 22 },
        { 23, 0, 3600, 2, 1407, 23 },         { 1000, 0, 3600, 1, 22500, 1000 },
        { 20000, 0, 3600, 0, 360000, 20000 }, { 1000, 0, 10, 0, 1000, 1000 },
        { 1000, 60, 61, 0, 100, 100 },        { 10, 3599, 9999, 0, 100, 10 },
        { 10, 4000, 5000, 0, 0, 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_peaks_window w;
        sc_peaks_window_points(&hour, rows[i].points, rows[i].start_s * 16000,
                               rows[i].end_s * 16000, &w);
        assert_int_equal(w.zoom, rows[i].zoom);
        assert_int_equal(w.rows, rows[i].rows);
        assert_int_equal(w.points, rows[i].got);
        assert_true(w.first + w.rows <= hour.rows[w.zoom]);
    }
}

static void points_cover_every_row_once(void **state)
{
    (void)state;
    struct sc_peak rows[100];
    for (int i = 0; i < 100; i++)
        rows[i] = (struct sc_peak){ (int8_t)-i, (int8_t)i };
    for (int64_t points = 1; points <= 100; points++) {
        const struct sc_peaks_window w = { 0, 0, 100, points };
        assert_int_equal(sc_peaks_point(&w, 1, rows, 0, points - 1).max, 99);
        assert_int_equal(sc_peaks_point(&w, 1, rows, 0, 0).min, -(int)((100 / points) - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_zoom_holds_the_extremes_of_its_rows),
        TEST(a_header_comes_back_and_others_are_refused),
        TEST(a_recording_without_sound_has_no_rows),
        TEST(a_window_takes_the_zoom_that_suffices),
        TEST(points_cover_every_row_once),
    };
    return cmocka_run_group_tests_name("vad/peaks", tests, NULL, NULL);
}
