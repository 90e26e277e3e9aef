#pragma once
/* Audio from untrusted bytes: probe and streaming decode to 16 kHz s16, mixed or by channel. The
 * only place that sees FFmpeg. Input is read through a callback, never by name: no protocol, no
 * second file, an allow-list of containers and codecs. One decode runs on one thread; nothing is
 * shared between decodes. */

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SC_AUDIO_RATE 16000
/* A probe decodes this much; where nothing of it decodes it looks on for the first that does. */
#define SC_AUDIO_PROBE_MS 10000
/* What is not all of one stream: channels of the recording that are delivered. */
#define SC_AUDIO_MIX 0      /* all mixed into one stream */
#define SC_AUDIO_SPLIT (-1) /* each as a stream */
#define SC_AUDIO_STREAMS 8  /* of a split; further channels are mixed into the last */

/* Where the bytes come from. read_at returns the count (0: end) or -1 with errno set. */
struct sc_audio_source {
    int64_t (*read_at)(void *ctx, int64_t offset, void *out, size_t len);
    void *ctx; /* borrowed */
    int64_t size;
};
/* Bytes of an open regular file of this size, read with pread; *fd is borrowed. */
struct sc_audio_source sc_audio_source_fd(const int *fd, int64_t size);
/* Bytes in memory, borrowed. */
struct sc_audio_source sc_audio_source_memory(const struct sc_str *bytes);

#define SC_AUDIO_TAGS 32
struct sc_audio_tag {
    char key[32];
    char value[256]; /* as in the file: not always UTF-8, cut where too long */
};

struct sc_audio_info {
    char format[16];      /* "mp3", "m4a", "webm", … : the usual extension */
    char codec[32];       /* the decoder's name */
    int64_t duration_ms;  /* declared by the container and plausible; -1: none */
    int64_t estimated_ms; /* guessed from the bit rate; -1: none */
    int64_t bit_rate;     /* bits a second; -1: unknown */
    int64_t start_ms;     /* silence before the first sample, counted in the recording's time */
    int sample_rate, channels; /* of the source */
    int streams;       /* delivered: 1, or for a split the channels, SC_AUDIO_STREAMS at most */
    int track, tracks; /* which sound track was chosen, from 1, and of how many */
    struct sc_audio_tag tags[SC_AUDIO_TAGS];
    size_t tag_count;
};

#define SC_AUDIO_LOST 32
/* Part of the recording, in its time, that could not be decoded: silence stands in for it. */
struct sc_audio_span {
    int64_t start_ms, end_ms;
};

struct sc_audio_stats {
    int64_t samples;        /* delivered of each stream, silence in gaps included */
    int64_t decoded_ms;     /* of them decoded from packets */
    int64_t packet_errors;  /* packets that no decoder accepted: stepped over */
    int64_t first_error_ms; /* where in the recording; -1: none */
    /* In order, with at least a second between them; where there are more, the last spans the rest.
     */
    struct sc_audio_span lost[SC_AUDIO_LOST];
    size_t lost_count;
    bool truncated; /* the file ends before the recording does */
    bool cancels;   /* two channels were mixed that are each other's opposite */
};

/* Both may return an error, which ends the decode with that code. pcm holds `samples` samples of
 * each stream, interleaved, SC_AUDIO_PIECE values at most; it is borrowed during the call. info
 * comes once, before the first pcm. */
#define SC_AUDIO_PIECE 32768
struct sc_audio_sink {
    enum sc_code (*info)(void *ctx, const struct sc_audio_info *info, struct sc_error *err);
    enum sc_code (*pcm)(void *ctx, const int16_t *pcm, size_t samples, struct sc_error *err);
    void *ctx;
};

struct sc_audio_options {
    int channels;            /* SC_AUDIO_MIX, SC_AUDIO_SPLIT or one channel's number, from 1 */
    bool probe;              /* stop after SC_AUDIO_PROBE_MS; pcm is not called */
    int64_t max_ms;          /* longer recordings end with FILE_TOO_LARGE; 0: no limit */
    bool (*stop)(void *ctx); /* polled; true gives CANCELLED; NULL: never */
    void *stop_ctx;
};

/* Loads what FFmpeg loads lazily, so that decoding opens nothing: before the jail closes. */
void sc_audio_warm_up(void);

/* FILE_FORMAT with a sentence that says what the bytes are and what to do; FILE_TOO_LARGE;
 * INVALID_VALUE for a channel that the recording lacks; AUDIO_ERROR when the decoder gives up;
 * IO_ERROR; CANCELLED; what the sink returned. Broken packets are counted and stepped over. What
 * they held, gaps over 50 ms and late starts become silence, so that times stay true. */
SC_MUST_USE enum sc_code sc_audio_decode(const struct sc_audio_source *source,
                                         const struct sc_audio_options *options,
                                         const struct sc_audio_sink *sink,
                                         struct sc_audio_stats *stats, struct sc_error *err);
