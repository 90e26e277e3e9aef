#include "api/views.h"

#include "base/banned.h"

static void put_row(struct sc_json *w, const struct sc_peaks_view *view, int channel, bool max)
{
    const struct sc_peaks_window *window = &view->window;
    sc_json_array(w, max ? "max" : "min");
    for (int64_t i = 0; i < window->points; i++) {
        struct sc_peak peak = sc_peaks_point(window, view->layout.channels, view->rows, channel, i);
        sc_json_int(w, NULL, max ? peak.max : peak.min);
    }
    sc_json_end(w);
}

void sc_peaks_json(struct sc_json *w, int64_t file_id, const struct sc_peaks_view *view)
{
    const struct sc_peaks_window *window = &view->window;
    int64_t row = sc_peaks_row_samples(window->zoom);
    int64_t start = window->first * row;
    int64_t end = SC_MIN(start + window->rows * row, view->layout.samples);
    double each = window->points == 0
                      ? 0
                      : (double)window->rows / (double)window->points * (double)row / 16000;
    sc_json_object(w, NULL);
    sc_json_int(w, "file_id", file_id);
    sc_json_seconds(w, "duration_seconds", view->layout.samples / 16);
    sc_json_int(w, "zoom", window->zoom);
    sc_json_int(w, "points", window->points);
    sc_json_real(w, "seconds_per_point", each, 6);
    sc_json_seconds(w, "start", start / 16);
    sc_json_seconds(w, "end", end / 16);
    sc_json_array(w, "channels");
    for (int c = 0; c < view->layout.channels; c++) {
        sc_json_object(w, NULL);
        sc_json_opt(w, "channel", view->layout.channels == 1 ? -1 : c + 1);
        put_row(w, view, c, false);
        put_row(w, view, c, true);
        sc_json_end(w);
    }
    sc_json_end(w);
    sc_json_end(w);
}

/* ---- what the view writes ---- */

static const struct sc_json_field channel_fields[] = {
    SC_SHOW(INT_OR_NULL, "channel", "From 1; null: all mixed", NULL),
    SC_SHOW(INTS, "min", "The lowest sample of each point, from -128", "[-3, -90]"),
    SC_SHOW(INTS, "max", "The highest sample of each point, to 127", "[4, 87]"),
};
static const struct sc_json_shape channel_shape = { .name = "PeakChannel",
                                                    SC_SHAPE_FIELDS(channel_fields) };
static const struct sc_json_field peaks_fields[] = {
    SC_SHOW(INT, "file_id", "The file", "1"),
    SC_SHOW(REAL, "duration_seconds", "Its length", "95.0"),
    SC_SHOW(INT, "zoom", "What the answer was read from: 0 to 3", "0"),
    SC_SHOW(INT, "points", "How many each channel has", "2"),
    SC_SHOW(REAL, "seconds_per_point", "The time that each stands for", "0.15"),
    SC_SHOW(REAL, "start", "Where the answer begins", "60.0"),
    SC_SHOW(REAL, "end", "Where it ends", "90.0"),
    SC_SHOW_OF(LIST, "channels", &channel_shape, "One, or each by itself"),
};
const struct sc_json_shape sc_shape_peaks = {
    .name = "Peaks",
    .help = "The outline of a recording",
    SC_SHAPE_FIELDS(peaks_fields),
};
