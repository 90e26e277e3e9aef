/* Position is counted in output samples, because a count cannot lie; the packets' clock is believed
 * only where it says that something is missing. Behind (pts earlier than the count): chained files
 * restart at zero and muxers round, so samples are never dropped. Ahead by more than 50 ms:
 * silence, if the container could mean it; else the clock has jumped and is followed from there.
 * Behind a packet that could not be decoded, whatever is missing up to the next frame is lost: the
 * clock says how much, or without one the packets' lengths. */
#include "audio/timeline.h"

#include "base/banned.h"

#define MS(n) ((int64_t)(n) * (SC_AUDIO_RATE / 1000))
#define GAP_MIN MS(50)
#define GAP_UNDECLARED MS(60000) /* believed without a declared duration */
#define GAP_JUMPING MS(10000)    /* believed of a clock that may jump */
#define BACKWARDS MS(1000)       /* earlier by more: the clock has restarted */
#define HOLD MS(100)             /* padding of an encoder is shorter */
#define CONVERT 4096             /* values made by the resampler at a time */
#define APART_MS 1000            /* losses closer than that are one */

/* Bare frames end to end have no clock: FFmpeg counts them by the rate of the first. In a chain of
 * Ogg it goes on to count in the first part's unit of time, and in its lengths of packets. */
static enum clock clock_of(const struct input *in)
{
    const AVCodecParameters *par = in->stream->codecpar;
    const char *name = in->format->iformat->name;
    AVRational base = in->stream->time_base;
    if (av_match_list(name, "mp3,aac,ac3,eac3,dts,amr,gsm,ilbc", ','))
        return CLOCK_NONE;
    bool counts_samples = base.num == 1 && base.den == par->sample_rate;
    return strcmp(name, "ogg") == 0 && counts_samples && par->codec_id != AV_CODEC_ID_OPUS
               ? CLOCK_RATE
               : CLOCK_BASE;
}

bool timeline_init(struct timeline *t, const struct input *in, const struct sc_audio_sink *sink)
{
    int64_t max_ms = in->options->max_ms;
    struct mixer mixer = t->mixer;
    *t = (struct timeline){
        .mixer = mixer,
        .lost_at = -1,
        .sink = in->options->probe ? NULL : sink,
        .max_samples = max_ms > 0 && !in->options->probe ? MS(max_ms) : -1,
        .end_samples = in->end_samples,
        .limit_samples = in->limit_ms < 0 ? -1 : MS(in->limit_ms + 1000),
        .origin = in->origin,
        .time_base = in->stream->time_base,
        .clock = clock_of(in),
        .jumps = (in->format->iformat->flags & AVFMT_TS_DISCONT) != 0,
        .gapless = av_match_list(in->format->iformat->name, "ogg,flac,wav,w64", ','),
        .piece = av_malloc_array(SC_AUDIO_PIECE, sizeof(int16_t)),
        .hold = av_malloc_array((size_t)HOLD * (size_t)mixer.streams, sizeof(int16_t)),
    };
    return t->piece != NULL && t->hold != NULL;
}

void timeline_done(struct timeline *t)
{
    mixer_done(&t->mixer);
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
static void copy(int16_t *to, const int16_t *pcm, size_t values)
{
    if (pcm == NULL)
        memset(to, 0, values * sizeof(*to));
    else
        memcpy(to, pcm, values * sizeof(*to));
}

static const int16_t *skip(const struct timeline *t, const int16_t *pcm, size_t samples)
{
    return pcm == NULL ? NULL : pcm + samples * (size_t)t->mixer.streams;
}

static enum sc_code deliver(struct timeline *t, const int16_t *pcm, size_t count,
                            struct sc_error *err)
{
    const size_t streams = (size_t)t->mixer.streams;
    const size_t room = SC_AUDIO_PIECE / streams;
    while (count > 0) {
        size_t n = SC_MIN(count, room - t->filled);
        copy(t->piece + t->filled * streams, pcm, n * streams);
        pcm = skip(t, pcm, n);
        count -= n;
        t->filled += n;
        if (t->filled == room) {
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
    const size_t streams = (size_t)t->mixer.streams;
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
    pcm = skip(t, pcm, now);
    if (code != SC_OK || count == 0)
        return code;
    if (t->held + count <= (size_t)HOLD) {
        copy(t->hold + t->held * streams, pcm, count * streams);
        t->held += count;
        return SC_OK;
    }
    t->end_samples = -1;
    code = deliver(t, t->hold, t->held, err);
    t->held = 0;
    return code != SC_OK ? code : deliver(t, pcm, count, err);
}

/* Resamples count input samples (data NULL: drains) and places what comes out. */
static enum sc_code convert(struct timeline *t, const uint8_t **data, int count,
                            struct sc_error *err)
{
    int16_t out[CONVERT];
    const int room = CONVERT / t->mixer.streams;
    int n;
    do {
        n = mixer_convert(&t->mixer, out, room, data, count);
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
    } while (n == room);
    return SC_OK;
}

static enum sc_code drain(struct timeline *t, struct sc_error *err)
{
    if (t->mixer.swr == NULL)
        return SC_OK;
    const int64_t owed = mixer_owed(&t->mixer);
    const int64_t before = t->decoded;
    enum sc_code code = convert(t, NULL, 0, err);
    mixer_close(&t->mixer);
    if (code != SC_OK || t->decoded > before || owed == 0)
        return code;
    /* swresample keeps to itself what is shorter than its filter. */
    t->decoded += owed;
    return place(t, NULL, (size_t)owed, err);
}

static void note_loss(struct timeline *t, int64_t from, int64_t to)
{
    struct sc_audio_span span = { from * 1000 / SC_AUDIO_RATE, to * 1000 / SC_AUDIO_RATE };
    if (span.end_ms <= span.start_ms)
        return;
    struct sc_audio_span *last = t->lost_count == 0 ? NULL : &t->lost[t->lost_count - 1];
    if (last != NULL && (span.start_ms - last->end_ms < APART_MS || t->lost_count == SC_AUDIO_LOST))
        last->end_ms = SC_MAX(last->end_ms, span.end_ms);
    else
        t->lost[t->lost_count++] = span;
}

static int64_t to_samples(const struct timeline *t, int64_t duration)
{
    return av_rescale_q(SC_MAX(duration, 0), t->time_base, (AVRational){ 1, SC_AUDIO_RATE });
}

void timeline_lose(struct timeline *t, int64_t duration)
{
    if (t->lost_at < 0) {
        t->lost_at = t->at + mixer_pending(&t->mixer);
        t->lost_length = 0;
    }
    if (__builtin_add_overflow(t->lost_length, to_samples(t, duration), &t->lost_length))
        t->lost_length = INT64_MAX / 2;
}

static bool gap_is_believed(const struct timeline *t, int64_t gap, int64_t position)
{
    if (gap <= (t->jumps ? GAP_JUMPING : GAP_UNDECLARED))
        return true;
    if (t->lost_at >= 0 && gap <= t->lost_length + GAP_MIN)
        return true;
    return !t->jumps && t->limit_samples >= 0 && position <= t->limit_samples;
}

/* Where the frame lies by the packets' clock; false: it has none. */
static bool clock_position(const struct timeline *t, const AVFrame *frame, int64_t *position)
{
    int64_t pts = frame->best_effort_timestamp;
    int64_t from_origin = 0;
    if (t->clock == CLOCK_NONE || pts == AV_NOPTS_VALUE ||
        __builtin_sub_overflow(pts, t->origin, &from_origin))
        return false;
    if (t->clock == CLOCK_RATE && frame->sample_rate != t->time_base.den)
        return false;
    int64_t raw = av_rescale_q(from_origin, t->time_base, (AVRational){ 1, SC_AUDIO_RATE });
    return raw != INT64_MIN && !__builtin_add_overflow(raw, t->shift, position);
}

/* Silence up to position; lost: it stands in for what could not be decoded. */
static enum sc_code fill(struct timeline *t, int64_t position, bool lost, struct sc_error *err)
{
    enum sc_code code = drain(t, err);
    if (code != SC_OK || position <= t->at)
        return code;
    if (lost)
        note_loss(t, t->at, position);
    return place(t, NULL, (size_t)(position - t->at), err);
}

/* Compares the packets' clock with the count, and fills or follows. */
static enum sc_code keep_time(struct timeline *t, const AVFrame *frame, struct sc_error *err)
{
    const bool losing = t->lost_at >= 0;
    const int64_t now = t->at + mixer_pending(&t->mixer);
    int64_t position = 0;
    int64_t gap = 0;
    if (!clock_position(t, frame, &position)) {
        if (!losing)
            return SC_OK;
        position = t->lost_at + t->lost_length;
    }
    if (__builtin_sub_overflow(position, now, &gap))
        return SC_OK;
    if (gap < -BACKWARDS || (gap > GAP_MIN && !gap_is_believed(t, gap, position))) {
        t->shift -= gap;
        gap = 0;
    }
    t->lost_at = -1;
    if (gap <= (losing ? MS(1) : GAP_MIN))
        return SC_OK;
    /* Before the first frame nothing can have been lost but by a packet that failed. */
    return fill(t, position, losing || (t->gapless && t->decoded > 0), err);
}

enum sc_code timeline_pause(struct timeline *t, int64_t duration, struct sc_error *err)
{
    int64_t length = SC_MIN(to_samples(t, duration), MS(1000));
    enum sc_code code = drain(t, err);
    if (code != SC_OK || length <= 0)
        return code;
    t->decoded += length;
    return place(t, NULL, (size_t)length, err);
}

enum sc_code timeline_frame(struct timeline *t, AVFrame *frame, struct sc_error *err)
{
    if (frame->nb_samples <= 0 || !mixer_takes(frame->sample_rate, frame->ch_layout.nb_channels))
        return SC_OK;
    enum sc_code code = keep_time(t, frame, err);
    if (code == SC_OK && !mixer_fits(&t->mixer, frame)) {
        code = drain(t, err);
        if (code == SC_OK)
            code = mixer_open(&t->mixer, frame, err);
    }
    if (code != SC_OK)
        return code;
    if (mixer_clean(frame) < 0)
        return sc_error_set(err, SC_E_AUDIO_ERROR, "no memory left for a block of the recording");
    mixer_weigh(&t->mixer, frame);
    return convert(t, (const uint8_t **)(uintptr_t)frame->extended_data, frame->nb_samples, err);
}

/* What failed at the end has no frame behind it that says how long it was. */
static enum sc_code finish_loss(struct timeline *t, struct sc_error *err)
{
    int64_t length = t->lost_length;
    int64_t end = 0;
    if (t->lost_at < 0 || length <= 0 || __builtin_add_overflow(t->lost_at, length, &end))
        return SC_OK;
    if (length > GAP_UNDECLARED && (t->limit_samples < 0 || end > t->limit_samples))
        end = t->lost_at + GAP_UNDECLARED;
    if (t->max_samples >= 0)
        end = SC_MIN(end, t->max_samples);
    return fill(t, end, true, err);
}

enum sc_code timeline_join(struct timeline *t, const struct input *in, struct sc_error *err)
{
    enum sc_code code = drain(t, err);
    if (code == SC_OK)
        code = finish_loss(t, err);
    t->lost_at = -1;
    t->shift = t->at;
    t->origin = in->origin;
    t->time_base = in->stream->time_base;
    return code;
}

enum sc_code timeline_finish(struct timeline *t, struct sc_error *err)
{
    enum sc_code code = drain(t, err);
    if (code == SC_OK)
        code = finish_loss(t, err);
    return code != SC_OK ? code : flush_piece(t, err);
}
