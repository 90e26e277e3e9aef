/* Opening hostile bytes. FFmpeg's own front door tries every demuxer, follows names inside
 * playlists and inflates archives; here the container is recognised first, must be on the list, and
 * is then opened on a reader that has no names and cannot open anything. */
#include "audio/mixer.h"

#include <errno.h>

#include "base/banned.h"

#define IO_BUFFER (32 << 10)
#define PROBE_BYTES (1 << 20)
#define LONG_INDEX ((uint64_t)1 << 20) /* of MP4: from some two hours on */
#define SCORE_MIN 5                    /* a lone sync word in noise scores 1 */
#define SCORE_FOREIGN_MIN 26           /* below, a name would be a guess */

const char input_formats[] =
    "wav,w64,aiff,mp3,aac,flac,ogg,matroska,webm,mov,mp4,m4a,asf,amr,caf,mpegts,avi,au,"
    "mpeg,flv,ac3,eac3,dts,wv,tta,ape,voc,rm,nistsphere,dss,qcp,gsm,ilbc";

/* Native decoders of what people record; no wrapper libraries, no video. */
static const char input_codecs[] =
    "pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_u16le,pcm_u16be,pcm_s24le,pcm_s24be,pcm_u24le,pcm_u24be,"
    "pcm_s32le,pcm_s32be,pcm_u32le,pcm_u32be,pcm_s64le,pcm_s64be,pcm_f32le,pcm_f32be,pcm_f64le,"
    "pcm_f64be,pcm_alaw,pcm_mulaw,pcm_s8_planar,pcm_s16le_planar,pcm_s24le_planar,"
    "pcm_s32le_planar,pcm_s16be_planar,pcm_bluray,pcm_dvd,pcm_lxf,"
    "adpcm_ima_wav,adpcm_ima_qt,adpcm_ima_amv,adpcm_ima_dk3,adpcm_ima_dk4,adpcm_ms,adpcm_ct,"
    "adpcm_sbpro_2,adpcm_sbpro_3,adpcm_sbpro_4,adpcm_swf,adpcm_yamaha,g722,g726,g726le,"
    "g723_1,g729,gsm,gsm_ms,truespeech,siren,dss_sp,qcelp,evrc,"
    "mp1float,mp1,mp2float,mp2,mp3float,mp3,aac,aac_latm,ac3,eac3,dca,truehd,mlp,"
    "mp3on4float,mp3on4,als,"
    "flac,alac,vorbis,opus,speex,wavpack,tta,ape,shorten,wmav1,wmav2,wmapro,wmalossless,wmavoice,"
    "amrnb,amrwb,qdm2,qdmc,mace3,mace6,nellymoser,ilbc,cook,sipr,ra_144,ra_288";

static bool should_stop(struct input *in)
{
    const struct sc_audio_options *o = in->options;
    if (!in->stopped && o->stop != NULL)
        in->stopped = o->stop(o->stop_ctx);
    return in->stopped;
}

static int on_interrupt(void *opaque)
{
    return should_stop(opaque);
}

/* FFmpeg takes what was joined to a FLAC file for more of its frames, in its unit of time, and
 * doubles or loses some where rate or channels change. It is shown one part at a time: up to the
 * next mark and header. */
static int64_t within_part(struct input *in, const uint8_t *bytes, int64_t n)
{
    const int64_t mark = 8;
    const uint8_t *end = bytes + n;
    for (const uint8_t *at = bytes; (at = memmem(at, (size_t)(end - at), "fLaC", 4)) != NULL;
         at++) {
        const int64_t offset = in->offset + (at - bytes);
        if (end - at < mark || (at[4] & 0x7f) != 0 || memcmp(at + 5, "\0\0\x22", 3) != 0)
            continue;
        if (in->head == 0)
            in->head = offset + 1;
        if (offset < in->head)
            continue;
        in->next = offset;
        return at - bytes;
    }
    /* The next mark may have begun in the last bytes: they are read again. */
    bool more = in->offset + n < in->source->size;
    return more && n >= mark ? n - (mark - 1) : n;
}

static int on_read(void *opaque, uint8_t *out, int len)
{
    struct input *in = opaque;
    if (should_stop(in))
        return AVERROR_EXIT;
    int64_t n = in->source->read_at(in->source->ctx, in->offset, out, (size_t)len);
    if (n < 0) {
        in->io_errno = errno;
        return AVERROR(EIO);
    }
    if (in->flac)
        n = within_part(in, out, n);
    in->offset += n;
    return n == 0 ? AVERROR_EOF : (int)n;
}

static int64_t on_seek(void *opaque, int64_t offset, int whence)
{
    struct input *in = opaque;
    int64_t base = 0;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return in->source->size - in->base;
    case SEEK_CUR:
        base = in->offset - in->base;
        break;
    case SEEK_END:
        base = in->source->size - in->base;
        break;
    case SEEK_SET:
        break;
    default:
        return AVERROR(EINVAL);
    }
    int64_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0 || to > INT64_MAX - in->base)
        return AVERROR(EINVAL);
    in->offset = in->base + to;
    return to;
}

/* Files that name other files get nothing. */
static int on_open_other(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                         AVDictionary **options)
{
    (void)s;
    (void)pb;
    (void)url;
    (void)flags;
    (void)options;
    return AVERROR(EACCES);
}

enum sc_code input_error(const struct input *in, int av_error, enum sc_code otherwise,
                         const char *what, struct sc_error *err)
{
    if (in->stopped)
        return sc_error_set(err, SC_E_CANCELLED, "decoding was stopped");
    if (in->io_errno != 0)
        return sc_error_errno(err, in->io_errno, "cannot read the recording");
    if (av_error == AVERROR(ENOMEM))
        return sc_error_set(err, SC_E_AUDIO_ERROR,
                            "decoding this recording takes more memory than is allowed: convert it "
                            "to WAV or FLAC first");
    return sc_error_set(err, otherwise, "%s", what);
}

void input_done(struct input *in)
{
    avcodec_free_context(&in->codec);
    avformat_close_input(&in->format);
    if (in->io != NULL)
        av_freep(&in->io->buffer);
    avio_context_free(&in->io);
    in->stream = NULL;
}

static enum sc_code no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_AUDIO_ERROR, "no memory left to decode this recording");
}

/* Where the ID3v2 tags at the start end: album art may be larger than what is probed. */
static int64_t tags_end(struct input *in)
{
    int64_t at = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t h[10];
        if (in->source->read_at(in->source->ctx, at, h, sizeof(h)) != (int64_t)sizeof(h) ||
            memcmp(h, "ID3", 3) != 0 || ((h[6] | h[7] | h[8] | h[9]) & 0x80) != 0)
            break;
        at += 10 + ((int64_t)h[6] << 21 | (int64_t)h[7] << 14 | (int64_t)h[8] << 7 | h[9]);
        at += (h[5] & 0x10) != 0 ? 10 : 0;
    }
    return at;
}

static enum sc_code recognise(struct input *in, const AVInputFormat **out, struct sc_error *err)
{
    SC_AUTO(av_memoryp) uint8_t *head = av_mallocz(PROBE_BYTES + AVPROBE_PADDING_SIZE);
    if (head == NULL)
        return no_memory(err);
    int64_t at = tags_end(in);
    int64_t n = in->source->read_at(in->source->ctx, at, head, PROBE_BYTES);
    if (n < 0) {
        in->io_errno = errno;
        return input_error(in, 0, SC_E_IO_ERROR, "", err);
    }
    const char *refusal = at > 0 && n == 0
                              ? "this file holds tags but no audio: upload the whole recording"
                              : sniff_refusal((struct sc_str){ (const char *)head, (size_t)n });
    if (refusal != NULL)
        return sc_error_set(err, SC_E_FILE_FORMAT, "%s", refusal);

    int score = 0;
    AVProbeData probe = { .filename = "", .buf = head, .buf_size = (int)n };
    const AVInputFormat *format = av_probe_input_format3(&probe, 1, &score);
    bool accepted = format != NULL && av_match_list(format->name, input_formats, ',');
    if (format == NULL || score < (accepted ? SCORE_MIN : SCORE_FOREIGN_MIN))
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "this is no audio format that is known here, or the start of the file "
                            "is damaged: convert it to WAV, FLAC, MP3, M4A or Ogg");
    /* FFmpeg's readers of single pictures: bmp_pipe, tiff_pipe, … */
    if (!accepted && strstr(format->name, "_pipe") != NULL)
        return sc_error_set(err, SC_E_FILE_FORMAT, "%s", SNIFF_IMAGE);
    if (!accepted)
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "the format '%s' is not accepted: convert the file to WAV, FLAC, MP3, "
                            "M4A or Ogg",
                            format->name);
    *out = format;
    return SC_OK;
}

static enum sc_code open_container(struct input *in, const AVInputFormat *known,
                                   struct sc_error *err)
{
    uint8_t *buffer = av_malloc(IO_BUFFER);
    if (buffer != NULL)
        in->io = avio_alloc_context(buffer, IO_BUFFER, 0, in, on_read, NULL, on_seek);
    if (in->io == NULL) {
        av_free(buffer);
        return no_memory(err);
    }
    AVFormatContext *format = avformat_alloc_context();
    if (format == NULL)
        return no_memory(err);
    format->pb = in->io;
    format->io_open = on_open_other;
    format->interrupt_callback = (AVIOInterruptCB){ on_interrupt, in };
    format->max_streams = 64;

    in->flac = strcmp(known->name, "flac") == 0;
    SC_AUTO(av_dictp) AVDictionary *options = NULL;
    (void)av_dict_set(&options, "format_whitelist", input_formats, 0);
    (void)av_dict_set(&options, "codec_whitelist", input_codecs, 0);
    (void)av_dict_set(&options, "protocol_whitelist", "none", 0);
    if (av_match_list("mov", known->name, ',') && input_has_plain_edits(in, LONG_INDEX))
        (void)av_dict_set(&options, "advanced_editlist", "0", 0);
    int rc = avformat_open_input(&format, NULL, known, &options);
    if (rc < 0 && av_match_list("mov", known->name, ',') && input_lacks_index(in))
        return input_error(
            in, rc, SC_E_FILE_FORMAT,
            "the file ends before its index, without which it cannot be played: copy "
            "it again whole, or close the recording properly",
            err);
    if (rc < 0)
        return input_error(in, rc, SC_E_FILE_FORMAT,
                           "the file is damaged or cut off: its beginning makes no sense; copy or "
                           "export it again",
                           err);
    in->format = format;
    /* The clock of a broadcast begins where the first stream does, be it the video. */
    bool all = av_match_list("mpegts,mpeg,asf,ogg,flv,rm", known->name, ',');
    for (unsigned i = 0; i < format->nb_streams && !all; i++) {
        if (format->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            format->streams[i]->discard = AVDISCARD_ALL;
    }
    rc = avformat_find_stream_info(format, NULL);
    if (rc < 0)
        return input_error(in, rc, SC_E_FILE_FORMAT,
                           "the file is damaged: what is in it cannot be told; copy or export "
                           "it again",
                           err);
    return SC_OK;
}

static bool is_encrypted(const AVStream *stream)
{
    return av_stream_get_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, NULL) != NULL ||
           av_stream_get_side_data(stream, AV_PKT_DATA_ENCRYPTION_INFO, NULL) != NULL ||
           stream->codecpar->codec_tag == MKTAG('d', 'r', 'm', 's') ||
           stream->codecpar->codec_tag == MKTAG('e', 'n', 'c', 'a') ||
           stream->codecpar->codec_tag == MKTAG('a', 'a', 'v', 'd');
}

static bool is_accepted(const AVCodec *decoder)
{
    return decoder != NULL && av_match_list(decoder->name, input_codecs, ',');
}

/* A track that can be decoded before one that cannot, the film's own sound before a commentary,
 * what the container calls default before the rest; of equals the first. */
static int rank(const AVStream *stream)
{
    const AVCodec *decoder = avcodec_find_decoder(stream->codecpar->codec_id);
    bool usable = is_accepted(decoder) && !is_encrypted(stream) &&
                  stream->codecpar->ch_layout.nb_channels > 0;
    const int special = AV_DISPOSITION_COMMENT | AV_DISPOSITION_VISUAL_IMPAIRED |
                        AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_DESCRIPTIONS;
    return (usable ? 4 : 0) + ((stream->disposition & special) == 0 ? 2 : 0) +
           ((stream->disposition & AV_DISPOSITION_DEFAULT) != 0 ? 1 : 0);
}

static enum sc_code choose_stream(struct input *in, struct sc_audio_info *info,
                                  struct sc_error *err)
{
    int best = -1;
    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        AVStream *s = in->format->streams[i];
        s->discard = AVDISCARD_ALL;
        if (s->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            continue;
        info->tracks++;
        if (rank(s) <= best)
            continue;
        best = rank(s);
        in->stream = s;
        info->track = info->tracks;
    }
    if (in->stream == NULL)
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "this file has no sound track: upload a recording with sound");
    in->stream->discard = AVDISCARD_DEFAULT;
    if (is_encrypted(in->stream))
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "this recording is encrypted: export it without copy protection");
    return SC_OK;
}

/* FFmpeg refuses frames longer than the first header allows; later parts of a joined file may be.
 */
static void allow_any_block(AVCodecContext *codec)
{
    const int info = codec->extradata_size == 34 ? 0 : 8; /* "fLaC" and a block header before it */
    if (codec->extradata_size >= info + 34) {
        codec->extradata[info + 2] = 0xff;
        codec->extradata[info + 3] = 0xff;
    }
}

/* Codecs each of whose frames bears a checksum that FFmpeg compares, and that encoders write. */
static bool has_checksums(enum AVCodecID codec)
{
    static const enum AVCodecID codecs[] = {
        AV_CODEC_ID_FLAC, AV_CODEC_ID_WAVPACK, AV_CODEC_ID_TTA,
        AV_CODEC_ID_APE,  AV_CODEC_ID_AC3,     AV_CODEC_ID_EAC3,
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(codecs); i++) {
        if (codecs[i] == codec)
            return true;
    }
    return false;
}

static int open_decoder(struct input *in, const AVCodec *decoder, const AVCodecParameters *par)
{
    in->codec = avcodec_alloc_context3(decoder);
    if (in->codec == NULL)
        return AVERROR(ENOMEM);
    int rc = avcodec_parameters_to_context(in->codec, par);
    if (rc < 0)
        return rc;
    /* Encoder delay is dropped by the decoder only when it knows the packets' time base. */
    in->codec->pkt_timebase = in->stream->time_base;
    in->codec->thread_count = 1;
    /* A frame that fails its checksum decodes to noise at full volume. */
    if (has_checksums(par->codec_id))
        in->codec->err_recognition |= AV_EF_CRCCHECK | AV_EF_EXPLODE;
    if (par->codec_id == AV_CODEC_ID_FLAC)
        allow_any_block(in->codec);
    return avcodec_open2(in->codec, decoder, NULL);
}

static enum sc_code open_codec(struct input *in, struct sc_error *err)
{
    const AVCodecParameters *par = in->stream->codecpar;
    const AVCodec *decoder = avcodec_find_decoder(par->codec_id);
    if (par->codec_id == AV_CODEC_ID_NONE)
        return sc_error_set(
            err, SC_E_FILE_FORMAT,
            "the sound in this file is of no kind that is known here: convert it to "
            "WAV, FLAC, MP3, AAC or Opus");
    if (!is_accepted(decoder))
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "sound of the codec '%s' is not accepted: convert it to WAV, FLAC, "
                            "MP3, AAC or Opus",
                            avcodec_get_name(par->codec_id));
    int rc = open_decoder(in, decoder, par);
    if (rc < 0)
        return input_error(
            in, rc, SC_E_FILE_FORMAT,
            "the sound track cannot be decoded: it is damaged, or of an unusual kind; "
            "convert it to WAV or FLAC",
            err);
    if (!mixer_takes(par->sample_rate, par->ch_layout.nb_channels))
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "the file claims sound of %d Hz with %d channels, which cannot be "
                            "right: it is damaged; export it again",
                            par->sample_rate, par->ch_layout.nb_channels);
    return SC_OK;
}

static bool take_header(AVCodecParameters *par, const AVPacket *header)
{
    uint8_t *data = av_mallocz((size_t)header->size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (data == NULL)
        return false;
    memcpy(data, header->data, (size_t)header->size);
    av_freep(&par->extradata);
    par->extradata = data;
    par->extradata_size = header->size;
    return true;
}

bool input_next_part(struct input *in, const AVPacket *header)
{
    AVCodecParameters *par = in->stream->codecpar;
    const AVCodec *decoder = in->codec->codec;
    if (header != NULL && !take_header(par, header))
        return false;
    SC_AUTO(av_codecp) AVCodecContext *before = SC_TAKE(in->codec);
    if (open_decoder(in, decoder, par) >= 0)
        return true;
    avcodec_free_context(&in->codec);
    in->codec = SC_TAKE(before);
    return false;
}

bool input_open_joined(struct input *in)
{
    struct sc_audio_info info = { 0 };
    struct sc_error err = { 0 };
    struct input before = *in;
    *in = (struct input){
        .source = before.source,
        .options = before.options,
        .base = before.next,
        .offset = before.next,
    };
    if (open_container(in, before.format->iformat, &err) == SC_OK &&
        choose_stream(in, &info, &err) == SC_OK && open_codec(in, &err) == SC_OK) {
        input_describe(in, &info);
        bool known = in->whole_samples >= 0 && before.whole_samples >= 0;
        in->whole_samples = known ? in->whole_samples + before.whole_samples : -1;
        input_done(&before);
        return true;
    }
    before.stopped = in->stopped;
    before.io_errno = in->io_errno;
    input_done(in);
    *in = before;
    return false;
}

enum sc_code input_open(struct input *in, struct sc_audio_info *info, struct sc_error *err)
{
    const AVInputFormat *known = NULL;
    enum sc_code code = recognise(in, &known, err);
    if (code == SC_OK)
        code = open_container(in, known, err);
    if (code == SC_OK)
        code = choose_stream(in, info, err);
    if (code == SC_OK)
        code = open_codec(in, err);
    if (code == SC_OK)
        input_describe(in, info);
    return code;
}
