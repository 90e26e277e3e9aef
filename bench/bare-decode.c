/* The yardstick for `scripta-media decode`: the same libraries in the plainest loop that there is.
 * Opens a file, decodes its first sound track, resamples to 16 kHz mono s16 and writes that to
 * standard output. No jail, no lists, no clock, no care for what is damaged. */

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>

#define ROOM (1 << 16)

struct bare {
    AVFormatContext *format;
    AVCodecContext *codec;
    SwrContext *swr;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
};

static int open_all(struct bare *b, const char *path)
{
    const AVCodec *decoder = NULL;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    if (avformat_open_input(&b->format, path, NULL, NULL) < 0 ||
        avformat_find_stream_info(b->format, NULL) < 0)
        return -1;
    b->stream = av_find_best_stream(b->format, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    if (b->stream < 0)
        return -1;
    AVCodecParameters *par = b->format->streams[b->stream]->codecpar;
    b->codec = avcodec_alloc_context3(decoder);
    if (b->codec == NULL || avcodec_parameters_to_context(b->codec, par) < 0)
        return -1;
    b->codec->thread_count = 1;
    if (avcodec_open2(b->codec, decoder, NULL) < 0)
        return -1;
    AVChannelLayout from = { 0 };
    av_channel_layout_default(&from, b->codec->ch_layout.nb_channels);
    if (swr_alloc_set_opts2(&b->swr, &mono, AV_SAMPLE_FMT_S16, 16000, &from, b->codec->sample_fmt,
                            b->codec->sample_rate, 0, NULL) < 0 ||
        swr_init(b->swr) < 0)
        return -1;
    b->packet = av_packet_alloc();
    b->frame = av_frame_alloc();
    return b->packet == NULL || b->frame == NULL ? -1 : 0;
}

static int put(const int16_t *pcm, int samples)
{
    const char *at = (const char *)pcm;
    size_t left = (size_t)samples * sizeof(*pcm);
    while (left > 0) {
        ssize_t n = write(STDOUT_FILENO, at, left);
        if (n < 0)
            return -1;
        at += n;
        left -= (size_t)n;
    }
    return 0;
}

/* What the decoder has ready, resampled and written. */
static int take_frames(struct bare *b, const AVPacket *packet)
{
    static int16_t pcm[ROOM];
    uint8_t *planes[1] = { (uint8_t *)pcm };
    if (avcodec_send_packet(b->codec, packet) < 0)
        return 0;
    while (avcodec_receive_frame(b->codec, b->frame) >= 0) {
        int n =
            swr_convert(b->swr, planes, ROOM, (const uint8_t **)(uintptr_t)b->frame->extended_data,
                        b->frame->nb_samples);
        if (n < 0 || put(pcm, n) != 0)
            return -1;
    }
    return 0;
}

static void close_all(struct bare *b)
{
    av_frame_free(&b->frame);
    av_packet_free(&b->packet);
    swr_free(&b->swr);
    avcodec_free_context(&b->codec);
    avformat_close_input(&b->format);
}

int main(int argc, char **argv)
{
    struct bare b = { 0 };
    if (argc != 2 || open_all(&b, argv[1]) != 0) {
        fprintf(stderr, "usage: bare-decode FILE\n");
        return 1;
    }
    while (av_read_frame(b.format, b.packet) >= 0) {
        if (b.packet->stream_index == b.stream && take_frames(&b, b.packet) != 0)
            return 1;
        av_packet_unref(b.packet);
    }
    bool good = take_frames(&b, NULL) == 0;
    close_all(&b);
    return good ? 0 : 1;
}
