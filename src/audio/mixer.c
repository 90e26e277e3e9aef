/* Which channel goes into which stream, as a matrix for swresample. A recording may change its
 * layout on the way (chained Ogg, broadcast); the number of streams stays, and no channel that was
 * recorded is dropped when channels are split: those beyond the last stream go into it. */
#include "audio/mixer.h"

#include <math.h>

#include "base/banned.h"

#define CHANNELS_MAX 64 /* what swresample can hold */
#define RATE_MIN 2000
#define RATE_MAX 1000000
#define WEIGHED 128     /* samples of a frame that tell enough about it */
#define SILENT 1e-7     /* -70 dB: nobody can be heard in either channel */
#define CANCELLED 0.005 /* 20 dB below what two equal channels give */

bool mixer_takes(int rate, int channels)
{
    return rate >= RATE_MIN && rate <= RATE_MAX && channels >= 1 && channels <= CHANNELS_MAX;
}

enum sc_code mixer_init(struct mixer *m, int wanted, int channels, struct sc_error *err)
{
    if (wanted > channels)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "channels: the recording has %d channel%s, there is no channel %d",
                            channels, channels == 1 ? "" : "s", wanted);
    *m = (struct mixer){ .channels = wanted, .streams = 1 };
    if (wanted == SC_AUDIO_SPLIT)
        m->streams = SC_MIN(channels, SC_AUDIO_STREAMS);
    return SC_OK;
}

void mixer_close(struct mixer *m)
{
    swr_free(&m->swr);
}

void mixer_done(struct mixer *m)
{
    mixer_close(m);
    av_channel_layout_uninit(&m->layout);
}

bool mixer_fits(const struct mixer *m, const AVFrame *frame)
{
    return m->swr != NULL && m->rate == frame->sample_rate && m->format == frame->format &&
           av_channel_layout_compare(&m->layout, &frame->ch_layout) == 0;
}

int64_t mixer_pending(const struct mixer *m)
{
    return m->swr == NULL ? 0 : swr_get_delay(m->swr, SC_AUDIO_RATE);
}

int64_t mixer_owed(const struct mixer *m)
{
    return av_rescale_rnd(swr_get_delay(m->swr, m->rate), SC_AUDIO_RATE, m->rate, AV_ROUND_UP);
}

static bool is_finite(const uint8_t *sample, size_t size)
{
    float single = 0;
    double number = 0;
    if (size == sizeof number) {
        memcpy(&number, sample, sizeof number);
        return isfinite(number);
    }
    memcpy(&single, sample, sizeof single);
    return isfinite(single);
}

int mixer_clean(AVFrame *frame)
{
    const enum AVSampleFormat format = (enum AVSampleFormat)frame->format;
    const enum AVSampleFormat packed = av_get_packed_sample_fmt(format);
    const int channels = frame->ch_layout.nb_channels;
    const int planes = av_sample_fmt_is_planar(format) ? channels : 1;
    const int count = frame->nb_samples * (channels / planes);
    const size_t size = (size_t)av_get_bytes_per_sample(format);
    bool owned = false;

    if (packed != AV_SAMPLE_FMT_FLT && packed != AV_SAMPLE_FMT_DBL)
        return 0;
    for (int plane = 0; plane < planes; plane++) {
        for (size_t at = 0; at < (size_t)count * size; at += size) {
            if (is_finite(frame->extended_data[plane] + at, size))
                continue;
            int rc = owned ? 0 : av_frame_make_writable(frame);
            if (rc < 0)
                return rc;
            owned = true;
            memset(frame->extended_data[plane] + at, 0, size);
        }
    }
    return 0;
}

/* 1 is the loudest. Formats in which hardly anybody records in stereo count as silence. */
static double value_at(const void *plane, enum AVSampleFormat packed, int at)
{
    const int16_t *words = plane;
    const int32_t *longs = plane;
    const float *numbers = plane;
    if (packed == AV_SAMPLE_FMT_S16)
        return words[at] * 0x1p-15;
    if (packed == AV_SAMPLE_FMT_S32)
        return longs[at] * 0x1p-31;
    return packed == AV_SAMPLE_FMT_FLT ? (double)numbers[at] : 0;
}

void mixer_weigh(struct mixer *m, const AVFrame *frame)
{
    const enum AVSampleFormat format = (enum AVSampleFormat)frame->format;
    const enum AVSampleFormat packed = av_get_packed_sample_fmt(format);
    const bool planar = av_sample_fmt_is_planar(format) != 0;
    const int count = SC_MIN(frame->nb_samples, WEIGHED);
    if (m->channels != SC_AUDIO_MIX || frame->ch_layout.nb_channels != 2)
        return;
    for (int i = 0; i < count; i++) {
        double left = value_at(frame->extended_data[0], packed, planar ? i : 2 * i);
        double right = planar ? value_at(frame->extended_data[1], packed, i)
                              : value_at(frame->extended_data[0], packed, 2 * i + 1);
        double mean = (left + right) / 2;
        m->apart += left * left + right * right;
        m->mixed += mean * mean;
    }
    m->weighed += count;
}

bool mixer_cancels(const struct mixer *m)
{
    return m->apart > SILENT * (double)m->weighed && m->mixed < CANCELLED * m->apart;
}

int mixer_convert(struct mixer *m, int16_t *out, int room, const uint8_t **data, int count)
{
    uint8_t *planes[1] = { (uint8_t *)out };
    return swr_convert(m->swr, planes, room, data, count);
}

/* swresample's own matrix weighs the channels of a known layout as a cinema would, and keeps their
 * sum from clipping. Of a bare count nobody knows which channel is the subwoofer, which the matrix
 * would drop. */
static bool has_meaning(const AVChannelLayout *from)
{
    return from->order == AV_CHANNEL_ORDER_NATIVE || from->nb_channels <= 2;
}

/* Row by row the weight of each channel in a stream. */
static void weigh(const struct mixer *m, int channels, double *matrix)
{
    if (m->channels == SC_AUDIO_MIX || (m->streams == 1 && m->channels == SC_AUDIO_SPLIT)) {
        for (int in = 0; in < channels; in++)
            matrix[in] = 1.0 / channels;
        return;
    }
    if (m->channels != SC_AUDIO_SPLIT) {
        /* A part that has fewer channels is mono more often than not: then that is what was said.
         */
        int in = channels == 1 ? 0 : m->channels - 1;
        if (in < channels)
            matrix[in] = 1;
        return;
    }
    for (int in = 0; in < channels; in++) {
        bool shared = in >= m->streams - 1 && channels > m->streams;
        int out = SC_MIN(in, m->streams - 1);
        matrix[out * channels + in] = shared ? 1.0 / (channels - m->streams + 1) : 1;
    }
}

static int try_open(struct mixer *m, AVChannelLayout *from, const AVFrame *frame, bool own)
{
    double matrix[SC_AUDIO_STREAMS * CHANNELS_MAX] = { 0 };
    AVChannelLayout to = { 0 };
    if (own)
        weigh(m, from->nb_channels, matrix);
    av_channel_layout_default(&to, m->streams);
    int rc = swr_alloc_set_opts2(&m->swr, &to, AV_SAMPLE_FMT_S16, SC_AUDIO_RATE, from,
                                 (enum AVSampleFormat)frame->format, frame->sample_rate, 0, NULL);
    if (rc >= 0 && own)
        rc = swr_set_matrix(m->swr, matrix, from->nb_channels);
    if (rc >= 0)
        rc = swr_init(m->swr);
    if (rc < 0)
        swr_free(&m->swr);
    av_channel_layout_uninit(&to);
    return rc;
}

enum sc_code mixer_open(struct mixer *m, const AVFrame *frame, struct sc_error *err)
{
    int channels = frame->ch_layout.nb_channels;
    AVChannelLayout from = { 0 };
    bool known = m->channels == SC_AUDIO_MIX && has_meaning(&frame->ch_layout);
    int rc = 0;

    mixer_close(m);
    if (known && frame->ch_layout.order == AV_CHANNEL_ORDER_NATIVE) {
        rc = av_channel_layout_copy(&from, &frame->ch_layout);
        rc = rc < 0 ? rc : try_open(m, &from, frame, false);
        av_channel_layout_uninit(&from);
    } else if (known) {
        av_channel_layout_default(&from, channels);
        rc = try_open(m, &from, frame, false);
    }
    /* Also for layouts that are known by name and that swresample cannot mix. */
    if (m->swr == NULL) {
        from = (AVChannelLayout){ .order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = channels };
        rc = try_open(m, &from, frame, true);
    }
    if (rc >= 0)
        rc = av_channel_layout_copy(&m->layout, &frame->ch_layout);
    if (rc < 0) {
        mixer_close(m);
        return sc_error_set(err, SC_E_AUDIO_ERROR,
                            "cannot resample sound of %d Hz with %d channels to 16 kHz",
                            frame->sample_rate, channels);
    }
    m->rate = frame->sample_rate;
    m->format = frame->format;
    return SC_OK;
}
