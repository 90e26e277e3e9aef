#pragma once
/* FFmpeg's types under the cleanup attribute. Private to this folder. */

#include "base/macros.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/channel_layout.h>
#include <libavutil/cpu.h>
#include <libavutil/dict.h>
#include <libavutil/log.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

static inline void av_packetp(AVPacket **p)
{
    av_packet_free(p);
}
static inline void av_framep(AVFrame **p)
{
    av_frame_free(p);
}
static inline void av_codecp(AVCodecContext **p)
{
    avcodec_free_context(p);
}
static inline void av_swrp(SwrContext **p)
{
    swr_free(p);
}
static inline void av_dictp(AVDictionary **p)
{
    av_dict_free(p);
}
static inline void av_memoryp(uint8_t **p)
{
    av_freep(p);
}
