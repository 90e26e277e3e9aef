#pragma once
/* The progress line on a terminal's standard error, and above it what was said last. Rendering is
 * pure; showing redraws at most ten times a second and only where it is a terminal. */

#include "base/buf.h"

struct sc_progress {
    const char *label; /* name of the file: data from outside; borrowed */
    const char *stage; /* "upload", "transcribe"; borrowed */
    double percent;    /* 0 to 100; negative: unknown */
    double speed;      /* seconds of audio a second; not above 0: unknown */
    double eta_s;      /* negative: unknown */
    const char *said;  /* data from outside; borrowed; NULL: nothing yet */
};

/* One line of at most `width` columns, without line feed. */
void sc_progress_render(const struct sc_progress *p, int width, bool colour, struct sc_buf *out);

struct sc_progress_line {
    bool enabled; /* a terminal, and not --quiet */
    bool colour;
    bool drawn;
    bool has_said;   /* the line above is drawn, too */
    int64_t last_ms; /* monotonic */
};

/* What a terminal is sent to show it over what is drawn. */
void sc_progress_draw(const struct sc_progress_line *line, const struct sc_progress *p, int width,
                      struct sc_buf *out);

/* Draws over the line before, unless that was less than 100 ms ago. */
void sc_progress_show(struct sc_progress_line *line, const struct sc_progress *p);
/* Clears what is drawn, so that other text can stand there. */
void sc_progress_clear(struct sc_progress_line *line);
