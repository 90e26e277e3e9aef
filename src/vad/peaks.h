#pragma once
/* Waveform peaks: the lowest and the highest sample of each 10 ms, and three coarser zooms of 16 to
 * 1 each, for a page that draws a recording. Pure; what is drawn is stored elsewhere.
 *
 * Stored form: a header, then the rows of zoom 0 (10 ms), 1 (160 ms), 2 (2.56 s) and 3 (41 s). A
 * row holds a minimum and a maximum for each channel. */

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SC_PEAKS_ZOOMS 4
#define SC_PEAKS_FACTOR 16
#define SC_PEAKS_SAMPLES 160 /* of a row of zoom 0 */
#define SC_PEAKS_HEADER 24
#define SC_PEAKS_CHANNELS 8

struct sc_peak {
    int8_t min, max; /* -128 … 127: the upper byte of a sample */
};

/* Where what is. */
struct sc_peaks_layout {
    int channels;
    int64_t samples;
    int64_t rows[SC_PEAKS_ZOOMS], offset[SC_PEAKS_ZOOMS]; /* bytes from the start */
    int64_t size;                                         /* of all */
};
void sc_peaks_layout(int channels, int64_t samples, struct sc_peaks_layout *out);
/* Samples of one row. */
int64_t sc_peaks_row_samples(int zoom);
void sc_peaks_header_write(const struct sc_peaks_layout *layout,
                           unsigned char out[SC_PEAKS_HEADER]);
/* False for what is no header, or of another form. */
bool sc_peaks_header_read(const unsigned char in[SC_PEAKS_HEADER], struct sc_peaks_layout *out);

/* ---- making ---- */

/* The bytes behind the header, in order. */
typedef enum sc_code (*sc_peaks_fn)(void *ctx, const void *bytes, size_t len, struct sc_error *err);

struct sc_peaks;
/* NULL: no memory. channels: 1 … SC_PEAKS_CHANNELS. fn is called from feed and finish. */
struct sc_peaks *sc_peaks_new(int channels, sc_peaks_fn fn, void *ctx);
void sc_peaks_free(struct sc_peaks *p);
SC_DEFINE_FREEP(struct sc_peaks, sc_peaks_free);
/* Samples of every channel, in any slices. Zooms 1 to 3 are kept in memory until the end: 45 KB for
 * an hour of one channel. */
SC_MUST_USE enum sc_code sc_peaks_feed(struct sc_peaks *p, const int16_t *const *channels,
                                       size_t samples, struct sc_error *err);
SC_MUST_USE enum sc_code sc_peaks_finish(struct sc_peaks *p, struct sc_peaks_layout *out,
                                         struct sc_error *err);

/* ---- choosing ---- */

/* Which rows answer a question. */
struct sc_peaks_window {
    int zoom;
    int64_t first, rows; /* of that zoom */
    int64_t points;      /* <= rows: what they are drawn together to */
};
/* The rows of the zoom that touch [start, end) of samples. */
void sc_peaks_window_zoom(const struct sc_peaks_layout *layout, int zoom, int64_t start,
                          int64_t end, struct sc_peaks_window *out);
/* The coarsest zoom that has four rows there for each point, or zoom 0; fewer points where that has
 * not so many rows. points: up to INT64_MAX / 4. */
void sc_peaks_window_points(const struct sc_peaks_layout *layout, int64_t points, int64_t start,
                            int64_t end, struct sc_peaks_window *out);
/* Point `index` of a channel, from the window's rows. */
struct sc_peak sc_peaks_point(const struct sc_peaks_window *window, int channels,
                              const struct sc_peak *rows, int channel, int64_t index);
