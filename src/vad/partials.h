#pragma once
/* The partials of a spectrum and the notes that they make. For files of this module only. */

#include <stdbool.h>
#include <stdint.h>

#define SC_PARTIALS 128
#define SC_NOTES 60 /* semitones */

/* In order of frequency. */
struct sc_partials {
    int count;
    float bin[SC_PARTIALS]; /* where it is, to a small part of a bin */
    float power[SC_PARTIALS];
    bool clear[SC_PARTIALS]; /* stands out so far that it is no noise */
};
/* Adds the peak at a bin of these levels; it must be the last one so far. Peaks have a lower level
 * before them and none that is higher behind them. */
void sc_partials_add(struct sc_partials *p, const int16_t *level, int bin, float power, bool clear);

/* Shares of a frame's power, of 255. */
struct sc_notes {
    uint8_t clear;  /* in clear partials … */
    uint8_t steady; /* … in those of them that stay where they are for a moment, … */
    /* … and of these where between two semitones: a vector in a circle of a semitone; */
    int16_t cosine, sine;
    uint8_t note[SC_NOTES]; /* and on which semitone. */
};
/* What is in tune, of three frames that follow each other; all: the power of the one at hand. */
void sc_partials_notes(const struct sc_partials *before, const struct sc_partials *at,
                       const struct sc_partials *after, float all, struct sc_notes *out);

/* The notes of many frames together. */
struct sc_tuning {
    int32_t clear, cosine, sine;
    int32_t note[SC_NOTES];
};
/* sign: 1 for a frame that comes, -1 for one that goes. */
void sc_tuning_add(struct sc_tuning *t, const struct sc_notes *notes, int sign);
/* How much of what is tonal lies on notes in the same tune, 0 … 1, less what is due to a pitch that
 * never changes. Of speech 0.15 at most, of quick melodies 0.5 and more; of a voice without any
 * melody, whose partials are all in tune with each other, 0.35 at most. */
float sc_tuning_share(const struct sc_tuning *t);
