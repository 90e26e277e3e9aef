/* Position is counted in output samples, because a count cannot lie; the packets' clock is believed
 * only where it says that something is missing. Behind (pts earlier than the count): chained files
 * restart at zero and muxers round, so samples are never dropped. Ahead by more than 50 ms:
 * silence, if the container could mean it; else the clock has jumped and is followed from there. */
#include "audio/timeline.h"

#include "base/banned.h"

#define MS(n) ((int64_t)(n) * (SC_AUDIO_RATE / 1000))
#define GAP_MIN MS(50)
#define GAP_UNDECLARED MS(60000) /* believed without a declared duration */
#define GAP_JUMPING MS(10000)    /* believed of a clock that may jump */
#define BACKWARDS MS(1000)       /* earlier by more: the clock has restarted */
#define HOLD MS(100)             /* padding of an encoder is shorter */
#define CONVERT 4096             /* samples made by the resampler at a time */

bool timeline_init(struct timeline *t, const struct input *in, const struct sc_audio_sink *sink)
{
    int64_t max_ms = in->options->max_ms;
    *t = (struct timeline){
        .sink = in->options->probe ? NULL : sink,
        .max_samples = max_ms > 0 && !in->options->probe ? MS(max_ms) : -1,
        .end_samples = in->end_samples,
        .limit_samples = in->limit_ms < 0 ? -1 : MS(in->limit_ms + 1000),
        .origin = in->origin,
        .time_base = in->stream->time_base,
        .jumps = (in->format->iformat->flags & AVFMT_TS_DISCONT) != 0,
        .piece = av_malloc_array(SC_AUDIO_PIECE, sizeof(int16_t)),
        .hold = av_malloc_array(HOLD, sizeof(int16_t)),
    };
    return t->piece != NULL && t->hold != NULL;
}

void timeline_done(struct timeline *t)
{
    swr_free(&t->swr);
    av_channel_layout_uninit(&t->layout);
    av_freep(&t->piece);
    av_freep(&t->hold);
}

static enum sc_code flush_piece(struct timeline *t, struct sc_error *err)
{
    size_t n = t->filled;
    if (n == 0)
        return SC_OK;
    t->filled = 0;
    t->sent += (int64_t)n;
    return t->sink == NULL ? SC_OK : t->sink->pcm(t->sink->ctx, t->piece, n, err);
}

/* pcm NULL: silence. */
static enum sc_code deliver(struct timeline *t, const int16_t *pcm, size_t count,
                            struct sc_error *err)
{
    while (count > 0) {
        size_t n = SC_MIN(count, SC_AUDIO_PIECE - t->filled);
        int16_t *to = t->piece + t->filled;
        if (pcm == NULL) {
            memset(to, 0, n * sizeof(*to));
        } else {
            memcpy(to, pcm, n * sizeof(*to));
            pcm += n;
        }
        count -= n;
        t->filled += n;
        if (t->filled == SC_AUDIO_PIECE) {
            enum sc_code code = flush_piece(t, err);
            if (code != SC_OK)
                return code;
        }
    }
    return SC_OK;
}

/* Places samples. What lies beyond the declared end is held back: if it stays short it is an
 * encoder's padding and is dropped at the end, if not the declaration was wrong. */
static enum sc_code place(struct timeline *t, const int16_t *pcm, size_t count,
                          struct sc_error *err)
{
    if (t->max_samples >= 0 && t->at + (int64_t)count > t->max_samples)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE,
                            "the recording is longer than the %lld seconds that are allowed: cut "
                            "it, or raise upload.max_duration",
                            (long long)(t->max_samples / SC_AUDIO_RATE));
    int64_t room = t->end_samples < 0 ? INT64_MAX : SC_MAX(t->end_samples - t->at, 0);
    size_t now = (int64_t)count <= room ? count : (size_t)room;
    enum sc_code code = deliver(t, pcm, now, err);
    t->at += (int64_t)count;
    count -= now;
    if (code != SC_OK || count == 0)
        return code;
    if (t->held + count <= (size_t)HOLD) {
        if (pcm == NULL)
            memset(t->hold + t->held, 0, count * sizeof(*t->hold));
        else
            memcpy(t->hold + t->held, pcm + now, count * sizeof(*t->hold));
        t->held += count;
        return SC_OK;
    }
    t->end_samples = -1;
    code = deliver(t, t->hold, t->held, err);
    t->held = 0;
    return code != SC_OK ? code : deliver(t, pcm == NULL ? NULL : pcm + now, count, err);
}

/* Resamples count input samples (data NULL: drains) and places what comes out. */
static enum sc_code convert(struct timeline *t, const uint8_t **data, int count,
                            struct sc_error *err)
{
    int16_t out[CONVERT];
    uint8_t *planes[1] = { (uint8_t *)out };
    int n;
    do {
        n = swr_convert(t->swr, planes, CONVERT, data, count);
        if (n < 0)
            return sc_error_set(err, SC_E_AUDIO_ERROR, "cannot resample the recording");
        if (n > 0) {
            enum sc_code code = place(t, out, (size_t)n, err);
            if (code != SC_OK)
                return code;
            t->decoded += n;
        }
        /* The rest of this input waits inside; no new input until it is out. */
        count = 0;
    } while (n == CONVERT);
    return SC_OK;
}

static enum sc_code drain(struct timeline *t, struct sc_error *err)
{
    enum sc_code code = t->swr == NULL ? SC_OK : convert(t, NULL, 0, err);
    swr_free(&t->swr);
    return code;
}

static bool same_format(const struct timeline *t, const AVFrame *frame)
{
    return t->swr != NULL && t->rate == frame->sample_rate && t->format == frame->format &&
           av_channel_layout_compare(&t->layout, &frame->ch_layout) == 0;
}

static enum sc_code rebuild(struct timeline *t, const AVFrame *frame, struct sc_error *err)
{
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    AVChannelLayout from = { 0 };
    /* A count of channels without a layout gets the usual one of that count. */
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, frame->ch_layout.nb_channels);
    int rc = from.nb_channels > 0 ? 0 : av_channel_layout_copy(&from, &frame->ch_layout);
    if (rc >= 0)
        rc = swr_alloc_set_opts2(&t->swr, &mono, AV_SAMPLE_FMT_S16, SC_AUDIO_RATE, &from,
                                 (enum AVSampleFormat)frame->format, frame->sample_rate, 0, NULL);
    if (rc >= 0)
        rc = swr_init(t->swr);
    av_channel_layout_uninit(&from);
    if (rc >= 0)
        rc = av_channel_layout_copy(&t->layout, &frame->ch_layout);
    if (rc < 0) {
        swr_free(&t->swr);
        return sc_error_set(err, SC_E_AUDIO_ERROR,
                            "cannot resample sound of %d Hz with %d channels to 16 kHz mono",
                            frame->sample_rate, frame->ch_layout.nb_channels);
    }
    t->rate = frame->sample_rate;
    t->format = frame->format;
    return SC_OK;
}

static bool gap_is_believed(const struct timeline *t, int64_t gap, int64_t position)
{
    if (gap <= (t->jumps ? GAP_JUMPING : GAP_UNDECLARED))
        return true;
    return !t->jumps && t->limit_samples >= 0 && position <= t->limit_samples;
}

/* Compares the packets' clock with the count, and fills or follows. */
static enum sc_code keep_time(struct timeline *t, const AVFrame *frame, struct sc_error *err)
{
    int64_t pts = frame->best_effort_timestamp;
    int64_t from_origin = 0;
    if (pts == AV_NOPTS_VALUE || __builtin_sub_overflow(pts, t->origin, &from_origin))
        return SC_OK;
    int64_t raw = av_rescale_q(from_origin, t->time_base, (AVRational){ 1, SC_AUDIO_RATE });
    int64_t position = 0;
    if (raw == INT64_MIN || __builtin_add_overflow(raw, t->shift, &position))
        return SC_OK;
    int64_t pending = t->swr == NULL ? 0 : swr_get_delay(t->swr, SC_AUDIO_RATE);
    int64_t gap = 0;
    if (__builtin_sub_overflow(position, t->at + pending, &gap))
        return SC_OK;
    if (gap < -BACKWARDS || (gap > GAP_MIN && !gap_is_believed(t, gap, position))) {
        t->shift -= gap;
        return SC_OK;
    }
    if (gap <= GAP_MIN)
        return SC_OK;
    enum sc_code code = drain(t, err);
    if (code != SC_OK || position <= t->at)
        return code;
    return place(t, NULL, (size_t)(position - t->at), err);
}

enum sc_code timeline_frame(struct timeline *t, const AVFrame *frame, struct sc_error *err)
{
    if (frame->nb_samples <= 0 || frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0)
        return SC_OK;
    enum sc_code code = keep_time(t, frame, err);
    if (code == SC_OK && !same_format(t, frame)) {
        code = drain(t, err);
        if (code == SC_OK)
            code = rebuild(t, frame, err);
    }
    if (code != SC_OK)
        return code;
    return convert(t, (const uint8_t **)(uintptr_t)frame->extended_data, frame->nb_samples, err);
}

enum sc_code timeline_finish(struct timeline *t, struct sc_error *err)
{
    enum sc_code code = drain(t, err);
    return code != SC_OK ? code : flush_piece(t, err);
}
