#pragma once
/* An opened recording: container, chosen stream, decoder. Private to this folder. */

#include "audio/audio.h"
#include "audio/av.h"

struct input {
    const struct sc_audio_source *source;   /* borrowed */
    const struct sc_audio_options *options; /* borrowed */
    int64_t base;                           /* where the part begins that is being read */
    int64_t head;                           /* behind the start of its first mark; 0: not seen */
    int64_t next;                           /* where the next part begins; 0: none was seen */
    int64_t offset;                         /* of the next byte to read */
    bool flac;                              /* bare: may be joined */
    int io_errno;                           /* of a read that failed; 0: none */
    bool stopped;                           /* options->stop said so */
    AVIOContext *io;
    AVFormatContext *format;
    AVStream *stream; /* borrowed from format */
    AVCodecContext *codec;
    int64_t origin;        /* timestamp of the stream that is time 0 */
    int64_t end_samples;   /* declared by a container that can be trusted to the sample; -1: none */
    int64_t whole_samples; /* at which the container says that sound ends; -1: it does not */
    int64_t limit_ms;      /* declared duration up to which a gap is believed; -1: none */
};

void input_done(struct input *in);
/* Recognises, opens, chooses the stream, opens its decoder and fills *info. *in is zeroed by the
 * caller; call input_done also after an error. */
SC_MUST_USE enum sc_code input_open(struct input *in, struct sc_audio_info *info,
                                    struct sc_error *err);
/* The part of input_open() that fills *info. */
void input_describe(struct input *in, struct sc_audio_info *info);
/* Opens the decoder anew for the next part of a chain: by its header, or by what the demuxer has
 * made of it (NULL). False: it stays as it was. */
bool input_next_part(struct input *in, const AVPacket *header);
/* Opens the file that was joined to the one that has ended (FLAC: see next). False: it cannot be
 * read, or reading was stopped; *in stays as it was. */
bool input_open_joined(struct input *in);
/* Whether the container says by its structure that the file should be longer. */
bool input_is_cut_off(const struct input *in);
/* Whether an MP4 file ends without the box that says what is where. */
bool input_lacks_index(const struct input *in);
/* Whether an MP4 with an index of so many bytes at least has edits that do no more than skip the
 * encoder's delay. */
bool input_has_plain_edits(const struct input *in, uint64_t least_index);
/* The error for a negative FFmpeg result: IO_ERROR, CANCELLED or `otherwise` with the sentence. */
enum sc_code input_error(const struct input *in, int av_error, enum sc_code otherwise,
                         const char *what, struct sc_error *err);
/* Demuxers that only read what they are given. */
extern const char input_formats[];

/* What the first bytes are when they are no audio: "a ZIP archive; unpack it…", or NULL. Static. */
const char *sniff_refusal(struct sc_str head);
#define SNIFF_IMAGE "this is a picture, not audio: upload a recording"
