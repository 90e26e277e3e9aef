#pragma once
/* From decoded frames to 16 kHz streams at the right time: resamples, fills gaps and losses,
 * follows format changes, cuts padding. Private to this folder. */

#include "audio/mixer.h"

/* What the packets' timestamps are worth. */
enum clock {
    CLOCK_BASE, /* they count the stream's time base */
    CLOCK_RATE, /* they count samples: nothing once the rate is another */
    CLOCK_NONE, /* nothing */
};

struct timeline {
    const struct sc_audio_sink *sink; /* borrowed; NULL: samples are only counted */
    int64_t max_samples;              /* -1: no limit */
    int64_t end_samples;              /* see struct input; -1: none, or found wrong */
    int64_t limit_samples;            /* up to which a gap is believed; -1: none */
    int64_t origin;
    AVRational time_base;
    enum clock clock;
    bool jumps; /* the container's clock may jump (MPEG-TS) */

    bool gapless; /* a gap can only be a loss: the container knows no pauses */
    struct mixer mixer;

    /* Positions and counts are in samples of each stream. */
    int64_t at;      /* placed on the timeline */
    int64_t decoded; /* of them not silence that we filled in */
    int64_t shift;   /* added to positions after a jump of the clock */
    int64_t sent;    /* delivered */
    size_t filled;   /* of piece */
    int16_t *piece;  /* SC_AUDIO_PIECE values */
    size_t held;     /* of hold: what lies beyond end_samples */
    int16_t *hold;

    int64_t lost_at;     /* where the loss began that is going on; -1: none */
    int64_t lost_length; /* of it, as far as its packets say */
    struct sc_audio_span lost[SC_AUDIO_LOST];
    size_t lost_count;
};

/* The mixer is ready: mixer_init(). False: no memory. */
bool timeline_init(struct timeline *t, const struct input *in, const struct sc_audio_sink *sink);
void timeline_done(struct timeline *t);
SC_MUST_USE enum sc_code timeline_frame(struct timeline *t, AVFrame *frame, struct sc_error *err);
/* Silence that was recorded as such, `duration` long in the stream's time base. */
SC_MUST_USE enum sc_code timeline_pause(struct timeline *t, int64_t duration, struct sc_error *err);
/* A packet that could not be decoded, as long as that (0: unknown). */
void timeline_lose(struct timeline *t, int64_t duration);
/* The end of a part; what *in is now goes on right behind it, with a clock of its own. */
SC_MUST_USE enum sc_code timeline_join(struct timeline *t, const struct input *in,
                                       struct sc_error *err);
/* The end of the recording: what the resampler and the buffers still hold. */
SC_MUST_USE enum sc_code timeline_finish(struct timeline *t, struct sc_error *err);
