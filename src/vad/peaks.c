#include "vad/peaks.h"

#include "base/alloc.h"
#include "base/macros.h"

#include <string.h>

#include "base/banned.h"

/* Whole rows are shown: so many in a point, where there are, keep the edges of a range near to what
 * was asked for. */
#define ROWS_PER_POINT 4
#define PIECE 8192 /* bytes of zoom 0 that are handed on together */

static const char magic[8] = { 's', 'c', 'p', 'e', 'a', 'k', 's', '1' };

/* The row of one zoom that is being filled. */
struct row {
    int64_t filled; /* samples */
    struct sc_peak peaks[SC_PEAKS_CHANNELS];
};

struct sc_peaks {
    int channels;
    sc_peaks_fn fn;
    void *ctx;
    int64_t samples;
    struct row rows[SC_PEAKS_ZOOMS];
    struct sc_buf kept[SC_PEAKS_ZOOMS]; /* zoom 0: not yet handed on */
};

int64_t sc_peaks_row_samples(int zoom)
{
    int64_t n = SC_PEAKS_SAMPLES;
    for (int z = 0; z < zoom; z++)
        n *= SC_PEAKS_FACTOR;
    return n;
}

void sc_peaks_layout(int channels, int64_t samples, struct sc_peaks_layout *out)
{
    *out = (struct sc_peaks_layout){ .channels = channels, .samples = samples };
    out->size = SC_PEAKS_HEADER;
    for (int z = 0; z < SC_PEAKS_ZOOMS; z++) {
        int64_t row = sc_peaks_row_samples(z);
        out->rows[z] = (samples + row - 1) / row;
        out->offset[z] = out->size;
        out->size += out->rows[z] * channels * (int64_t)sizeof(struct sc_peak);
    }
}

static void put_le64(unsigned char *at, int64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)((uint64_t)value >> (8 * i));
}

static int64_t get_le64(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return (int64_t)value;
}

void sc_peaks_header_write(const struct sc_peaks_layout *layout, unsigned char out[SC_PEAKS_HEADER])
{
    memcpy(out, magic, sizeof(magic));
    put_le64(out + 8, layout->channels);
    put_le64(out + 16, layout->samples);
}

bool sc_peaks_header_read(const unsigned char in[SC_PEAKS_HEADER], struct sc_peaks_layout *out)
{
    int64_t channels = get_le64(in + 8), samples = get_le64(in + 16);
    if (memcmp(in, magic, sizeof(magic)) != 0 || channels < 1 || channels > SC_PEAKS_CHANNELS ||
        samples < 0 || samples > INT64_MAX / 64)
        return false;
    sc_peaks_layout((int)channels, samples, out);
    return true;
}

/* ---- making ---- */

static void empty_row(struct row *row)
{
    row->filled = 0;
    for (int c = 0; c < SC_PEAKS_CHANNELS; c++)
        row->peaks[c] = (struct sc_peak){ INT8_MAX, INT8_MIN };
}

struct sc_peaks *sc_peaks_new(int channels, sc_peaks_fn fn, void *ctx)
{
    sc_assert(channels >= 1 && channels <= SC_PEAKS_CHANNELS);
    struct sc_peaks *p = sc_try_alloc(sizeof(*p));
    if (p == NULL)
        return NULL;
    *p = (struct sc_peaks){ .channels = channels, .fn = fn, .ctx = ctx };
    for (int z = 0; z < SC_PEAKS_ZOOMS; z++)
        empty_row(&p->rows[z]);
    return p;
}

void sc_peaks_free(struct sc_peaks *p)
{
    if (p == NULL)
        return;
    for (int z = 0; z < SC_PEAKS_ZOOMS; z++)
        sc_buf_done(&p->kept[z]);
    free(p);
}

static void widen(struct sc_peak *peak, struct sc_peak by)
{
    peak->min = SC_MIN(peak->min, by.min);
    peak->max = SC_MAX(peak->max, by.max);
}

/* The row is complete, or the last one: it goes out, and into the row above. */
static void end_row(struct sc_peaks *p, int zoom)
{
    struct row *row = &p->rows[zoom];
    sc_buf_append(&p->kept[zoom], row->peaks, (size_t)p->channels * sizeof(row->peaks[0]));
    if (zoom + 1 < SC_PEAKS_ZOOMS) {
        struct row *above = &p->rows[zoom + 1];
        for (int c = 0; c < p->channels; c++)
            widen(&above->peaks[c], row->peaks[c]);
        above->filled += row->filled;
        if (above->filled >= sc_peaks_row_samples(zoom + 1))
            end_row(p, zoom + 1);
    }
    empty_row(row);
}

static enum sc_code hand_on(struct sc_peaks *p, int zoom, struct sc_error *err)
{
    struct sc_buf *kept = &p->kept[zoom];
    if (kept->failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for peaks");
    enum sc_code code = kept->len == 0 ? SC_OK : p->fn(p->ctx, kept->ptr, kept->len, err);
    sc_buf_reset(kept);
    return code;
}

static struct sc_peak peak_of(const int16_t *pcm, size_t samples)
{
    int16_t min = pcm[0], max = pcm[0];
    for (size_t i = 1; i < samples; i++) {
        min = SC_MIN(min, pcm[i]);
        max = SC_MAX(max, pcm[i]);
    }
    return (struct sc_peak){ (int8_t)(min >> 8), (int8_t)(max >> 8) };
}

enum sc_code sc_peaks_feed(struct sc_peaks *p, const int16_t *const *channels, size_t samples,
                           struct sc_error *err)
{
    struct row *row = &p->rows[0];
    for (size_t at = 0; at < samples;) {
        size_t n = SC_MIN(samples - at, (size_t)(SC_PEAKS_SAMPLES - row->filled));
        for (int c = 0; c < p->channels; c++)
            widen(&row->peaks[c], peak_of(channels[c] + at, n));
        row->filled += (int64_t)n;
        at += n;
        if (row->filled == SC_PEAKS_SAMPLES)
            end_row(p, 0);
    }
    p->samples += (int64_t)samples;
    return p->kept[0].len >= PIECE ? hand_on(p, 0, err) : SC_OK;
}

enum sc_code sc_peaks_finish(struct sc_peaks *p, struct sc_peaks_layout *out, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (int z = 0; z < SC_PEAKS_ZOOMS; z++) {
        if (p->rows[z].filled > 0)
            end_row(p, z);
    }
    for (int z = 0; code == SC_OK && z < SC_PEAKS_ZOOMS; z++)
        code = hand_on(p, z, err);
    if (code == SC_OK)
        sc_peaks_layout(p->channels, p->samples, out);
    return code;
}

/* ---- choosing ---- */

void sc_peaks_window_zoom(const struct sc_peaks_layout *layout, int zoom, int64_t start,
                          int64_t end, struct sc_peaks_window *out)
{
    int64_t row = sc_peaks_row_samples(zoom);
    start = SC_MAX(0, SC_MIN(start, layout->samples));
    end = SC_MAX(start, SC_MIN(end, layout->samples));
    int64_t first = start / row;
    int64_t last = end > start ? (end + row - 1) / row : first;
    *out = (struct sc_peaks_window){ zoom, first, last - first, last - first };
}

void sc_peaks_window_points(const struct sc_peaks_layout *layout, int64_t points, int64_t start,
                            int64_t end, struct sc_peaks_window *out)
{
    int zoom = SC_PEAKS_ZOOMS - 1;
    sc_peaks_window_zoom(layout, zoom, start, end, out);
    while (zoom > 0 && out->rows < points * ROWS_PER_POINT)
        sc_peaks_window_zoom(layout, --zoom, start, end, out);
    out->points = SC_MIN(points, out->rows);
}

struct sc_peak sc_peaks_point(const struct sc_peaks_window *window, int channels,
                              const struct sc_peak *rows, int channel, int64_t index)
{
    int64_t from = index * window->rows / window->points;
    int64_t to = (index + 1) * window->rows / window->points;
    struct sc_peak peak = rows[from * channels + channel];
    for (int64_t i = from + 1; i < to; i++)
        widen(&peak, rows[i * channels + channel]);
    return peak;
}
