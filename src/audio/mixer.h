#pragma once
/* From frames of any rate, format and layout to interleaved 16 kHz s16 streams: all channels mixed
 * into one, one channel alone, or one stream for each. Private to this folder. */

#include "audio/input.h"

struct mixer {
    int channels; /* see struct sc_audio_options */
    int streams;  /* made of every frame, however many channels it has */

    SwrContext *swr;        /* NULL: not open */
    AVChannelLayout layout; /* of the frames that swr was made for */
    int rate;
    int format;

    /* Of the samples of stereo that mixer_weigh() has looked at, squared and added up. */
    double apart; /* of each channel by itself */
    double mixed; /* of their mean */
    int64_t weighed;
};

/* Whether sound of that rate and that many channels can be: headers lie, and a rate of 1 Hz makes a
 * day of silence out of 200 kB. */
bool mixer_takes(int rate, int channels);
/* The number of streams for a recording of `channels` channels. INVALID_VALUE when it does not have
 * the channel that is asked for. */
SC_MUST_USE enum sc_code mixer_init(struct mixer *m, int wanted, int channels,
                                    struct sc_error *err);
void mixer_done(struct mixer *m);
bool mixer_fits(const struct mixer *m, const AVFrame *frame);
/* Sets what is no finite number to 0: one such sample spoils all that the resampler adds up with
 * it. AVERROR. */
int mixer_clean(AVFrame *frame);
/* Looks at some samples of a frame that was cleaned, for mixer_cancels(). */
void mixer_weigh(struct mixer *m, const AVFrame *frame);
/* Whether two channels were mixed that are each other's opposite, as of a cable that is wired the
 * wrong way round: next to nothing is left. */
bool mixer_cancels(const struct mixer *m);
/* Makes it fit, for a frame that mixer_takes(); what the mixer still held is lost. AUDIO_ERROR. */
SC_MUST_USE enum sc_code mixer_open(struct mixer *m, const AVFrame *frame, struct sc_error *err);
/* Back to not open: the next frame begins anew. */
void mixer_close(struct mixer *m);
/* Samples that it holds back. */
int64_t mixer_pending(const struct mixer *m);
/* The same of one that is open, so that any part of a sample counts as one. */
int64_t mixer_owed(const struct mixer *m);
/* Up to `room` samples of each stream into out; data NULL: drains. Equal to room: there is more, to
 * be had with count 0. Negative: failure. */
int mixer_convert(struct mixer *m, int16_t *out, int room, const uint8_t **data, int count);
