#pragma once
/* From decoded frames to 16 kHz mono s16 at the right time: resamples, fills gaps, follows format
 * changes, cuts padding. Private to this folder. */

#include "audio/input.h"

struct timeline {
    const struct sc_audio_sink *sink; /* borrowed; NULL: samples are only counted */
    int64_t max_samples;              /* -1: no limit */
    int64_t end_samples;              /* see struct input; -1: none, or found wrong */
    int64_t limit_samples;            /* up to which a gap is believed; -1: none */
    int64_t origin;
    AVRational time_base;
    bool jumps; /* the container's clock may jump (MPEG-TS) */

    SwrContext *swr;
    AVChannelLayout layout; /* of the frames that swr was made for */
    int rate;
    int format;

    int64_t at;      /* samples placed on the timeline */
    int64_t decoded; /* of them not silence that we filled in */
    int64_t shift;   /* added to positions after a jump of the clock */
    int64_t sent;    /* samples delivered */
    size_t filled;   /* of piece */
    int16_t *piece;  /* SC_AUDIO_PIECE samples */
    size_t held;     /* of hold: samples beyond end_samples */
    int16_t *hold;
};

bool timeline_init(struct timeline *t, const struct input *in, const struct sc_audio_sink *sink);
void timeline_done(struct timeline *t);
SC_MUST_USE enum sc_code timeline_frame(struct timeline *t, const AVFrame *frame,
                                        struct sc_error *err);
/* The end of the recording: what the resampler and the buffers still hold. */
SC_MUST_USE enum sc_code timeline_finish(struct timeline *t, struct sc_error *err);
