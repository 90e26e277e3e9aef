#include "audio/timeline.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>

#include "base/banned.h"

#define READ_ERRORS 100 /* in a row from the demuxer */
/* A probe of which nothing decodes looks no further than this. */
#define LOOK_PACKETS 200000
#define LOOK_BYTES ((int64_t)256 << 20)
#define MS(n) ((int64_t)(n) * (SC_AUDIO_RATE / 1000))
#define HEARD_MS 40
#define CUT_MS 500
#define BETWEEN_BLOCKS 100     /* bytes of Matroska that hold no sound: more was passed over */
#define SHORT_OF_WHOLE MS(500) /* less is rounding and padding */
#define ALLOC_MAX ((size_t)128 << 20) /* one block; headers lie about sizes */

struct decode {
    struct input in;
    struct timeline timeline;
    struct sc_audio_stats *stats;
    int64_t packets;
    int64_t bytes; /* of those packets */
    bool ogg;
    bool lone_matroska;       /* of one track: its blocks lie end to end */
    int64_t block, block_end; /* the last one; 0: none yet */
    const uint8_t *refused;   /* header of the part that is being read, which no decoder takes */
    bool unreadable;          /* the container's end: what it still holds cannot be told apart */
    bool failed;              /* the packet under way gave an error */
    bool ended;               /* enough was decoded */
};

static void decode_done(struct decode *d)
{
    timeline_done(&d->timeline);
    input_done(&d->in);
}

static int64_t read_fd(void *ctx, int64_t offset, void *out, size_t len)
{
    ssize_t n;
    do {
        n = pread(*(const int *)ctx, out, len, offset);
    } while (n < 0 && errno == EINTR);
    return n;
}

struct sc_audio_source sc_audio_source_fd(const int *fd, int64_t size)
{
    return (struct sc_audio_source){ read_fd, (void *)(uintptr_t)fd, size };
}

static int64_t read_memory(void *ctx, int64_t offset, void *out, size_t len)
{
    const struct sc_str *bytes = ctx;
    if (offset < 0 || (uint64_t)offset >= bytes->len)
        return 0;
    size_t n = SC_MIN(len, bytes->len - (size_t)offset);
    memcpy(out, bytes->ptr + offset, n);
    return (int64_t)n;
}

struct sc_audio_source sc_audio_source_memory(const struct sc_str *bytes)
{
    return (struct sc_audio_source){ read_memory, (void *)(uintptr_t)bytes, (int64_t)bytes->len };
}

static void count_error(struct decode *d)
{
    if (d->stats->packet_errors++ == 0)
        d->stats->first_error_ms = d->timeline.at * 1000 / SC_AUDIO_RATE;
    d->failed = true;
}

/* Takes what the decoder has ready. EAGAIN asks for another packet; EOF comes only after the empty
 * one. */
static enum sc_code receive(struct decode *d, AVFrame *frame, struct sc_error *err)
{
    for (;;) {
        int rc = avcodec_receive_frame(d->in.codec, frame);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return SC_OK;
        if (rc < 0) {
            count_error(d);
            return SC_OK;
        }
        enum sc_code code = timeline_frame(&d->timeline, frame, err);
        av_frame_unref(frame);
        if (code != SC_OK)
            return code;
    }
}

/* What to do with a packet. */
enum role {
    ROLE_SOUND,
    ROLE_PAUSE, /* nobody spoke */
    ROLE_EMPTY, /* nothing to decode */
    ROLE_HEAD,  /* of the next part of a chain */
};

static bool begins_with(const AVPacket *packet, struct sc_str mark)
{
    return (size_t)packet->size >= mark.len && memcmp(packet->data, mark.ptr, mark.len) == 0;
}

/* Ogg files may be joined end to end. Where the parts bear the same serial number the demuxer takes
 * the headers of the later ones for sound; the decoder of Vorbis knows what to do with them. */
static enum role role_in_ogg(enum AVCodecID codec, const AVPacket *packet)
{
    static const struct {
        struct sc_str mark;
        enum AVCodecID codec;
        enum role role;
    } heads[] = {
        { SC_STR("OpusHead"), AV_CODEC_ID_OPUS, ROLE_HEAD },
        { SC_STR("OpusTags"), AV_CODEC_ID_OPUS, ROLE_EMPTY },
        { SC_STR("\x7f"
                 "FLAC\x01"),
          AV_CODEC_ID_FLAC, ROLE_EMPTY },
        { SC_STR("Speex   "), AV_CODEC_ID_SPEEX, ROLE_EMPTY },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(heads); i++) {
        if (heads[i].codec == codec && begins_with(packet, heads[i].mark))
            return heads[i].role;
    }
    return ROLE_SOUND;
}

static enum role role_of(const struct decode *d, const AVPacket *packet)
{
    /* To the decoder an empty packet would be the end. AVI has them where nothing was captured. */
    if (packet->size < 1)
        return ROLE_EMPTY;
    /* Telephones send a description of the background noise, or nothing, while nobody speaks.
     * FFmpeg's decoders of AMR know only speech. */
    const int type = packet->data[0] >> 3 & 15;
    enum AVCodecID codec = d->in.stream->codecpar->codec_id;
    if ((codec == AV_CODEC_ID_AMR_NB && type >= 8) || (codec == AV_CODEC_ID_AMR_WB && type >= 9))
        return ROLE_PAUSE;
    return d->ogg ? role_in_ogg(codec, packet) : ROLE_SOUND;
}

/* packet NULL: drains the decoder. */
static enum sc_code feed(struct decode *d, const AVPacket *packet, AVFrame *frame,
                         struct sc_error *err)
{
    d->failed = false;
    int rc = avcodec_send_packet(d->in.codec, packet);
    if (rc < 0 && rc != AVERROR_EOF)
        count_error(d);
    enum sc_code code = receive(d, frame, err);
    if (d->failed && packet != NULL)
        timeline_lose(&d->timeline, packet->duration);
    return code;
}

/* A part that cannot be opened is lost as a whole. */
static enum sc_code next_part(struct decode *d, const AVPacket *header, AVFrame *frame,
                              struct sc_error *err)
{
    enum sc_code code = feed(d, NULL, frame, err);
    bool taken = input_next_part(&d->in, header);
    d->refused = taken ? NULL : d->in.stream->codecpar->extradata;
    return code;
}

/* In a chain of Opus the demuxer takes the header of a later part for the stream, and tells nobody:
 * six channels would be decoded as two, which is noise. */
static bool has_new_header(const struct decode *d)
{
    const AVCodecParameters *par = d->in.stream->codecpar;
    const AVCodecContext *codec = d->in.codec;
    return d->ogg && par->codec_id == AV_CODEC_ID_OPUS && par->extradata_size > 0 &&
           par->extradata != d->refused &&
           (par->extradata_size != codec->extradata_size ||
            memcmp(par->extradata, codec->extradata, (size_t)par->extradata_size) != 0);
}

/* The demuxer of Matroska looks for the next cluster where one is damaged, and tells nobody. The
 * time that is missing then is no pause. */
static bool was_passed_over(struct decode *d, const AVPacket *packet)
{
    const int64_t end = d->block_end;
    if (!d->lone_matroska || packet->pos <= 0)
        return false;
    const bool same = packet->pos == d->block; /* several packets may lie in one */
    d->block = packet->pos;
    d->block_end = (same ? end : packet->pos) + packet->size;
    return !same && end > 0 && packet->pos - end > BETWEEN_BLOCKS;
}

static enum sc_code decode_packet(struct decode *d, const AVPacket *packet, AVFrame *frame,
                                  struct sc_error *err)
{
    if (was_passed_over(d, packet))
        timeline_lose(&d->timeline, 0);
    if (has_new_header(d)) {
        enum sc_code code = next_part(d, NULL, frame, err);
        if (code != SC_OK)
            return code;
    }
    if (d->refused != NULL && d->refused == d->in.stream->codecpar->extradata) {
        count_error(d);
        timeline_lose(&d->timeline, packet->duration);
        return SC_OK;
    }
    switch (role_of(d, packet)) {
    case ROLE_SOUND:
        return feed(d, packet, frame, err);
    case ROLE_PAUSE:
        return timeline_pause(&d->timeline, packet->duration, err);
    case ROLE_EMPTY:
        return SC_OK;
    case ROLE_HEAD:
        return next_part(d, packet, frame, err);
    }
    return SC_OK;
}

static bool nothing_decodes(const struct decode *d)
{
    return d->timeline.decoded == 0 && d->stats->packet_errors > 0;
}

static enum sc_code refuse_undecodable(const struct decode *d, struct sc_error *err)
{
    return sc_error_set(err, SC_E_FILE_FORMAT,
                        "nothing in this recording can be decoded as '%s': it is damaged or "
                        "encrypted; upload another copy",
                        d->in.codec->codec->name);
}

/* After each packet: is it worth going on? What decodes later is worth having, however long it
 * takes to come; only a probe must answer soon. */
static enum sc_code judge(struct decode *d, const AVPacket *packet, struct sc_error *err)
{
    d->packets++;
    d->bytes += packet->size;
    if (!d->in.options->probe)
        return SC_OK;
    if (nothing_decodes(d) && (d->packets >= LOOK_PACKETS || d->bytes >= LOOK_BYTES))
        return refuse_undecodable(d, err);
    if (d->timeline.at >= MS(SC_AUDIO_PROBE_MS))
        d->ended = true;
    return SC_OK;
}

/* Reads one packet of the stream into *packet; false at the end of the recording. */
static enum sc_code next_packet(struct decode *d, AVPacket *packet, bool *got, struct sc_error *err)
{
    int failed = 0;
    for (;;) {
        int rc = av_read_frame(d->in.format, packet);
        if (rc >= 0 && packet->stream_index == d->in.stream->index) {
            *got = true;
            return SC_OK;
        }
        av_packet_unref(packet);
        if (d->in.stopped || d->in.io_errno != 0)
            return input_error(&d->in, rc, SC_E_AUDIO_ERROR, "", err);
        if (d->in.options->stop != NULL && d->in.options->stop(d->in.options->stop_ctx))
            return sc_error_set(err, SC_E_CANCELLED, "decoding was stopped");
        if (rc >= 0)
            continue;
        if (rc != AVERROR_EOF) {
            count_error(d);
            failed++;
        }
        /* A container cut off in the middle ends here as one that is whole does. */
        if (rc == AVERROR_EOF || failed >= READ_ERRORS) {
            d->unreadable = failed > 0;
            *got = false;
            return SC_OK;
        }
    }
}

/* Opens what was joined to the part that has ended; *on: there is more to read. */
static enum sc_code go_on(struct decode *d, AVFrame *frame, bool *on, struct sc_error *err)
{
    *on = false;
    if (d->in.next == 0)
        return SC_OK;
    enum sc_code code = feed(d, NULL, frame, err);
    if (code != SC_OK)
        return code;
    *on = input_open_joined(&d->in);
    if (*on)
        return timeline_join(&d->timeline, &d->in, err);
    if (d->in.stopped || d->in.io_errno != 0)
        return input_error(&d->in, 0, SC_E_AUDIO_ERROR, "", err);
    d->unreadable = true;
    return SC_OK;
}

static enum sc_code decode_all(struct decode *d, struct sc_error *err)
{
    SC_AUTO(av_packetp) AVPacket *packet = av_packet_alloc();
    SC_AUTO(av_framep) AVFrame *frame = av_frame_alloc();
    if (packet == NULL || frame == NULL)
        return sc_error_set(err, SC_E_AUDIO_ERROR, "no memory left to decode this recording");
    bool got = true;
    while (!d->ended) {
        enum sc_code code = next_packet(d, packet, &got, err);
        if (code != SC_OK)
            return code;
        if (!got) {
            code = go_on(d, frame, &got, err);
            if (code != SC_OK)
                return code;
            if (!got)
                break;
            continue;
        }
        code = decode_packet(d, packet, frame, err);
        if (code == SC_OK)
            code = judge(d, packet, err);
        av_packet_unref(packet);
        if (code != SC_OK)
            return code;
    }
    enum sc_code code = d->ended ? SC_OK : feed(d, NULL, frame, err);
    if (code == SC_OK)
        code = timeline_finish(&d->timeline, err);
    if (code == SC_OK && nothing_decodes(d))
        return refuse_undecodable(d, err);
    return code;
}

/* A declared length that the bytes can hold is believed when it is too long: no need to decode a
 * day. */
static enum sc_code check_declared(const struct sc_audio_info *info,
                                   const struct sc_audio_options *options, struct sc_error *err)
{
    if (options->max_ms <= 0 || info->duration_ms <= options->max_ms)
        return SC_OK;
    return sc_error_set(err, SC_E_FILE_TOO_LARGE,
                        "the recording is %lld seconds long and %lld are allowed: cut it, or raise "
                        "upload.max_duration",
                        (long long)(info->duration_ms / 1000), (long long)(options->max_ms / 1000));
}

/* Losses that nobody hears are counted as errors and not told one by one: a frame of MP3 is 26 ms.
 */
static void report_losses(const struct timeline *t, struct sc_audio_stats *stats)
{
    const int64_t end_ms = t->at * 1000 / SC_AUDIO_RATE;
    stats->lost_count = 0;
    for (size_t i = 0; i < t->lost_count; i++) {
        const struct sc_audio_span *span = &t->lost[i];
        /* Nor the packet that the end of a cut file went through. */
        bool cut = stats->truncated && i + 1 == t->lost_count && end_ms - span->start_ms < CUT_MS;
        if (span->end_ms - span->start_ms >= HEARD_MS && !cut)
            stats->lost[stats->lost_count++] = *span;
    }
}

/* Does the recording end before its container says? A reader of MP3 finds its way through damage by
 * leaving out more frames than fail: shorter by up to twice what was lost is damage in the middle.
 */
static bool is_short(const struct decode *d)
{
    const struct timeline *t = &d->timeline;
    int64_t lost_ms = 0;
    for (size_t i = 0; i < t->lost_count; i++)
        lost_ms += t->lost[i].end_ms - t->lost[i].start_ms;
    return t->at + MS(2 * lost_ms) + SHORT_OF_WHOLE < d->in.whole_samples;
}

static void report(const struct decode *d, struct sc_audio_stats *stats)
{
    const struct timeline *t = &d->timeline;
    stats->samples = t->sent;
    stats->decoded_ms = t->decoded * 1000 / SC_AUDIO_RATE;
    stats->truncated = !d->ended && (d->unreadable || input_is_cut_off(&d->in) || is_short(d));
    stats->cancels = mixer_cancels(&t->mixer);
    report_losses(t, stats);
}

enum sc_code sc_audio_decode(const struct sc_audio_source *source,
                             const struct sc_audio_options *options,
                             const struct sc_audio_sink *sink, struct sc_audio_stats *stats,
                             struct sc_error *err)
{
    struct sc_audio_info info = { 0 };
    struct sc_audio_stats counted = { .first_error_ms = -1 };
    SC_AUTO(decode_done)
    struct decode d = {
        .in = { .source = source, .options = options },
        .stats = &counted,
    };
    enum sc_code code = input_open(&d.in, &info, err);
    if (code == SC_OK)
        code = check_declared(&info, options, err);
    if (code == SC_OK)
        code = mixer_init(&d.timeline.mixer, options->channels, info.channels, err);
    info.streams = d.timeline.mixer.streams;
    if (code == SC_OK)
        code = sink->info(sink->ctx, &info, err);
    if (code != SC_OK)
        return code;
    d.ogg = strcmp(d.in.format->iformat->name, "ogg") == 0;
    d.lone_matroska =
        av_match_list("matroska", d.in.format->iformat->name, ',') && d.in.format->nb_streams == 1;
    if (!timeline_init(&d.timeline, &d.in, sink))
        return sc_error_set(err, SC_E_AUDIO_ERROR, "no memory left to decode this recording");
    code = decode_all(&d, err);
    if (code != SC_OK)
        return code;
    report(&d, &counted);
    *stats = counted;
    return SC_OK;
}

void sc_audio_warm_up(void)
{
    av_log_set_level(AV_LOG_QUIET);
    av_max_alloc(ALLOC_MAX);
    /* MPEG-TS converts service names: the first conversion opens the tables of iconv. */
    iconv_t tables = iconv_open("UTF-8", "ISO-8859-1");
    if (tables != (iconv_t)-1)
        (void)iconv_close(tables);
    /* Builds the static tables of codecs and the list of CPU features. */
    (void)av_get_cpu_flags();
    void *state = NULL;
    while (av_codec_iterate(&state) != NULL) {
    }
}
