/* What an opened recording says of itself: its name, where its time begins, how long it claims to
 * be, its tags. All of it may be a lie; what is impossible is not passed on. */
#include "audio/input.h"

#include <stdio.h>
#include <strings.h>

#include "base/banned.h"

#define OGG_PAGE_MAX 65307

static bool has_video(const AVFormatContext *format)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *s = format->streams[i];
        if (s->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
            (s->disposition & AV_DISPOSITION_ATTACHED_PIC) == 0)
            return true;
    }
    return false;
}

/* FFmpeg has one demuxer for Matroska and WebM and does not tell them apart. */
static bool is_webm(struct input *in)
{
    char head[64];
    int64_t n = in->source->read_at(in->source->ctx, 0, head, sizeof(head));
    return n > 0 && memmem(head, (size_t)n, "webm", 4) != NULL;
}

/* QuickTime, MP4 and the phones' 3GP are one family with one demuxer; the brand tells. */
static const char *mov_name(const AVFormatContext *format)
{
    const AVDictionaryEntry *brand = av_dict_get(format->metadata, "major_brand", NULL, 0);
    if (brand != NULL && strncmp(brand->value, "qt", 2) == 0)
        return "mov";
    if (brand != NULL &&
        (strncmp(brand->value, "3gp", 3) == 0 || strncmp(brand->value, "3g2", 3) == 0))
        return "3gp";
    return has_video(format) ? "mp4" : "m4a";
}

/* Where FFmpeg's name is not the usual extension. */
static const char *format_name(struct input *in)
{
    static const struct {
        const char *demuxer, *name;
    } names[] = { { "mpegts", "ts" }, { "mpeg", "mpg" }, { "nistsphere", "sph" } };
    const char *name = in->format->iformat->name;
    if (av_match_list("mov", name, ','))
        return mov_name(in->format);
    if (av_match_list("matroska", name, ','))
        return is_webm(in) ? "webm" : "mkv";
    if (strcmp(name, "asf") == 0)
        return has_video(in->format) ? "wmv" : "wma";
    if (in->stream->codecpar->codec_id == AV_CODEC_ID_MP2 && strcmp(name, "mp3") == 0)
        return "mp2";
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i].demuxer) == 0)
            return names[i].name;
    }
    return name;
}

static int64_t samples_of(const struct input *in, int64_t ts)
{
    return av_rescale_q(ts, in->stream->time_base, (AVRational){ 1, SC_AUDIO_RATE });
}

/* Timelines of MP4 and Matroska are anchored: a track that begins late is silent until then. Those
 * of streams (MPEG-TS, Ogg, ASF) begin anywhere, and time 0 is where the first of them begins. */
static void set_origin(struct input *in)
{
    const AVFormatContext *f = in->format;
    const char *name = f->iformat->name;
    bool anchored = av_match_list("mov", name, ',') || av_match_list("matroska", name, ',') ||
                    av_match_list("avi", name, ',');
    int64_t start = in->stream->start_time == AV_NOPTS_VALUE ? 0 : in->stream->start_time;
    int64_t late_ms = av_rescale_q(start, in->stream->time_base, (AVRational){ 1, 1000 });
    int64_t known_ms = f->duration > 0 ? f->duration / 1000 : 0;

    in->origin = 0;
    if (anchored && late_ms >= 0 && (late_ms <= 60000 || late_ms < known_ms))
        return;
    in->origin = start;
    if (!anchored && f->start_time != AV_NOPTS_VALUE) {
        int64_t first = av_rescale_q(f->start_time, AV_TIME_BASE_Q, in->stream->time_base);
        int64_t apart = av_rescale_q(start - first, in->stream->time_base, (AVRational){ 1, 1 });
        if (apart >= 0 && apart < 3600)
            in->origin = first;
    }
}

/* A declared length that the bytes cannot hold is a lie: even the thinnest speech codec takes 300
 * bits a second, and PCM says exactly what it takes. */
static bool duration_is_plausible(const struct input *in, int64_t ms)
{
    const AVCodecParameters *par = in->stream->codecpar;
    int64_t per_second = 40;
    int bits = av_get_exact_bits_per_sample(par->codec_id);
    if (bits > 0 && par->sample_rate > 0)
        per_second = SC_MAX((int64_t)bits * par->ch_layout.nb_channels * par->sample_rate / 8, 1);
    return ms >= 0 && ms / 1000 <= in->source->size / per_second + 2;
}

/* Serial number of the last Ogg page in bytes; false when there is none. */
static bool last_ogg_serial(const uint8_t *bytes, size_t len, uint32_t *serial)
{
    for (size_t at = len < 27 ? 0 : len - 26; at-- > 0;) {
        if (memcmp(bytes + at, "OggS", 4) == 0) {
            memcpy(serial, bytes + at + 14, sizeof(*serial));
            return true;
        }
    }
    return false;
}

/* Ogg files may be joined end to end; the duration that FFmpeg reads off the last page is then that
 * of the last part. */
static bool is_chained_ogg(struct input *in)
{
    uint8_t first[27];
    uint32_t first_serial = 0;
    uint32_t last_serial = 0;
    const struct sc_audio_source *s = in->source;
    if (strcmp(in->format->iformat->name, "ogg") != 0 || in->format->nb_streams != 1 ||
        s->read_at(s->ctx, 0, first, sizeof(first)) != (int64_t)sizeof(first))
        return false;
    SC_AUTO(av_memoryp) uint8_t *tail = av_malloc(OGG_PAGE_MAX);
    int64_t n = tail == NULL
                    ? -1
                    : s->read_at(s->ctx, SC_MAX(s->size - OGG_PAGE_MAX, 0), tail, OGG_PAGE_MAX);
    return n > 0 && last_ogg_serial(first, sizeof(first), &first_serial) &&
           last_ogg_serial(tail, (size_t)n, &last_serial) && first_serial != last_serial;
}

/* Headers of streams that were not closed carry the largest number that fits, or nearly. */
static bool is_placeholder(const struct input *in, int64_t samples)
{
    const AVCodecParameters *par = in->stream->codecpar;
    int bits = av_get_exact_bits_per_sample(par->codec_id);
    if (bits <= 0 || par->sample_rate <= 0)
        return false;
    int64_t bytes = av_rescale(av_rescale(samples, par->sample_rate, SC_AUDIO_RATE),
                               (int64_t)bits * par->ch_layout.nb_channels, 8);
    return bytes >= INT64_C(0x7ff00000) && bytes > in->source->size;
}

/* Where sound ends by the container; that of the longest track says nothing of a shorter one. */
static int64_t whole_samples(const struct input *in)
{
    const AVFormatContext *f = in->format;
    const AVStream *s = in->stream;
    const char *name = f->iformat->name;
    int64_t samples = -1;
    if (av_match_list("ogg,mpegts,mpeg,aac,amr,avi,asf", name, ',') ||
        f->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return -1;
    if (s->duration > 0) {
        int64_t start = s->start_time == AV_NOPTS_VALUE ? in->origin : s->start_time;
        samples = samples_of(in, start - in->origin + s->duration);
    } else if (f->duration > 0 && !has_video(f)) {
        samples = av_rescale(f->duration, SC_AUDIO_RATE, AV_TIME_BASE);
    }
    return samples > 0 && !is_placeholder(in, samples) ? samples : -1;
}

static void read_duration(struct input *in, struct sc_audio_info *info)
{
    const AVFormatContext *f = in->format;
    int64_t ms = f->duration > 0 ? av_rescale(f->duration, 1000, AV_TIME_BASE) : -1;
    bool guessed = f->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE &&
                   av_get_exact_bits_per_sample(in->stream->codecpar->codec_id) == 0;
    info->duration_ms = -1;
    info->estimated_ms = -1;
    if (guessed)
        info->estimated_ms = ms;
    else if (is_chained_ogg(in))
        info->duration_ms = -1;
    else if (duration_is_plausible(in, ms))
        info->duration_ms = ms;

    in->limit_ms = info->duration_ms;
    in->whole_samples = whole_samples(in);
    in->end_samples = -1;
    if (av_match_list("mov", f->iformat->name, ',') && in->stream->duration > 0) {
        int64_t start = in->stream->start_time == AV_NOPTS_VALUE ? 0 : in->stream->start_time;
        in->end_samples = samples_of(in, start - in->origin + in->stream->duration);
    }
}

/* Keys of the container's own housekeeping, and keys that are no plain text, are not worth keeping.
 */
static bool is_worth_keeping(const char *key)
{
    if (av_match_list(key,
                      "major_brand,minor_version,compatible_brands,handler_name,vendor_id,"
                      "DURATION,_STATISTICS_TAGS",
                      ','))
        return false;
    for (const char *c = key; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e)
            return false;
    }
    return key[0] != '\0';
}

static bool has_tag(const struct sc_audio_info *info, const char *key)
{
    for (size_t i = 0; i < info->tag_count; i++) {
        if (strncasecmp(info->tags[i].key, key, sizeof(info->tags[i].key) - 1) == 0)
            return true;
    }
    return false;
}

/* The container's tags win over the stream's. */
static void read_tags(struct sc_audio_info *info, const AVDictionary *tags)
{
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(tags, "", e, AV_DICT_IGNORE_SUFFIX)) != NULL &&
           info->tag_count < SC_AUDIO_TAGS) {
        if (!is_worth_keeping(e->key) || has_tag(info, e->key))
            continue;
        struct sc_audio_tag *tag = &info->tags[info->tag_count++];
        (void)snprintf(tag->key, sizeof(tag->key), "%s", e->key);
        (void)snprintf(tag->value, sizeof(tag->value), "%s", e->value);
    }
}

void input_describe(struct input *in, struct sc_audio_info *info)
{
    const AVCodecParameters *par = in->stream->codecpar;
    set_origin(in);
    (void)snprintf(info->format, sizeof(info->format), "%s", format_name(in));
    (void)snprintf(info->codec, sizeof(info->codec), "%s", in->codec->codec->name);
    read_duration(in, info);
    info->bit_rate = par->bit_rate > 0 ? par->bit_rate : in->format->bit_rate;
    if (info->bit_rate <= 0)
        info->bit_rate = -1;
    info->sample_rate = par->sample_rate;
    info->channels = par->ch_layout.nb_channels;
    if (in->stream->start_time != AV_NOPTS_VALUE)
        info->start_ms = SC_MAX(samples_of(in, in->stream->start_time - in->origin) / 16, 0);
    read_tags(info, in->format->metadata);
    read_tags(info, in->stream->metadata);
}
