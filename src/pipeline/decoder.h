#pragma once
/* Sound of recordings: the jailed decoder, a whole pass over what it sends, and what a job's
 * settings say of it. For files of the module and their tests. */

#include "base/buf.h"
#include "base/error.h"
#include "vad/peaks.h"
#include "vad/vad.h"
#include "json/writer.h"

#include <stdbool.h>
#include <sys/types.h>

struct sc_pipelines;

/* ---- decoder (decoder.c): the jailed child and its frames ---- */

#define SC_FRAME_INFO 0x4f464e49u
#define SC_FRAME_PCM 0x204d4350u
#define SC_FRAME_DONE 0x454e4f44u
#define SC_FRAME_FAIL 0x4c494146u

struct sc_decoder {
    pid_t pid;
    int fd; /* its frames */
    uint32_t type;
    struct sc_buf payload; /* of the frame at hand */
    bool (*stop)(void *ctx);
    void *ctx;
};
struct sc_decoder_options {
    int input; /* an open file, borrowed */
    bool probe;
    const char *channels; /* "mix" (as NULL), "split", "1" … "8" */
    int64_t max_ms;
};
/* Starts `scripta-media decode`. stop is polled while waiting; may be NULL. */
SC_MUST_USE enum sc_code sc_decoder_start(struct sc_decoder *d,
                                          const struct sc_decoder_options *options,
                                          struct sc_error *err);
/* Next frame into type and payload. FAIL frames and deaths become errors: DECODER_CRASHED,
 * CANCELLED (stop fired, or somebody killed the decoder: *killed), FILE_FORMAT, AUDIO_ERROR, … */
SC_MUST_USE enum sc_code sc_decoder_next(struct sc_decoder *d, bool *killed, struct sc_error *err);
/* Kills and reaps what still runs. */
void sc_decoder_done(struct sc_decoder *d);

/* What a probe finds; strings are cut to size. */
struct sc_probe {
    char format[32], codec[48];
    int64_t duration_ms, bit_rate; /* -1: unknown */
    int sample_rate, channels;
    char *metadata; /* JSON; owned */
};
/* Fills it from the JSON of an INFO frame; what no recording can have counts as unknown. */
SC_MUST_USE enum sc_code sc_probe_read(struct sc_str json, struct sc_probe *out,
                                       struct sc_error *err);
/* max_ms: longest recording; FILE_TOO_LARGE when the container says more. */
SC_MUST_USE enum sc_code sc_probe_file(int input, int64_t max_ms, struct sc_probe *out,
                                       struct sc_error *err);

/* ---- a pass over a recording (pass.c) ---- */

#define SC_STREAMS_MAX 8
#define SC_PASS_BLOCK 320 /* samples: 20 ms */
#define SC_LOST_MAX 32

/* What the decoder says at the end. */
struct sc_pass_end {
    int64_t samples; /* of each stream */
    struct {
        int64_t start_ms, end_ms;
    } lost[SC_LOST_MAX]; /* silence stands there */
    size_t lost_count;
    int64_t packets, first_ms; /* that could not be decoded; where the first was, -1: nowhere */
    bool truncated;            /* the file ends before the recording does */
    bool cancels;              /* two channels were mixed that are each other's opposite */
};

/* From the JSON of a DONE frame behind so many samples; what makes no sense in it is left out. */
void sc_pass_end_read(struct sc_str json, int64_t samples, struct sc_pass_end *out);

struct sc_pass {
    int input;            /* an open file, borrowed */
    const char *channels; /* as struct sc_decoder_options has it */
    int64_t limit_ms;     /* FILE_TOO_LARGE for what is longer */
    bool (*stop)(void *ctx);
    void *stop_ctx;
    /* Once, before the first sample. */
    enum sc_code (*begin)(void *ctx, int streams, struct sc_error *err);
    /* Blocks of SC_PASS_BLOCK samples of every stream, the last one shorter: however the decoder
     * sends them, equal recordings give equal calls. */
    enum sc_code (*block)(void *ctx, const int16_t *const *streams, size_t samples,
                          struct sc_error *err);
    void *ctx;
};
/* Decodes all of it. Errors are those of sc_decoder_next and of the callbacks. */
SC_MUST_USE enum sc_code sc_pass_run(const struct sc_pass *pass, struct sc_pass_end *end,
                                     struct sc_error *err);

/* ---- what a job's settings say of its sound (sound.c) ---- */

struct sc_sound {
    char channels[8]; /* "mix", "split", "1" … "8" */
    bool vad;
    bool drop_music;
    bool
        sequential; /* chunks are parts of a chain (vad/chain.h); vad and drop_music are then off */
    bool one_language; /* of each stream, heard once (pipeline/spoken.h) */
    int chunk_s;       /* 0: as the engine has it */
    int threshold_db, min_silence_ms, hangover_ms;
    double no_speech; /* segments whose no_speech is higher are left out */
};
/* Canonical settings; what is missing in those of an older job is as it was then. */
void sc_sound_read(const char *settings, struct sc_sound *out);
bool sc_sound_is_split(const struct sc_sound *sound);
/* The channel of a stream as chunks.channel has it. */
int sc_sound_channel(const struct sc_sound *sound, int stream);
/* The longest chunk, in seconds, of an engine that takes so many. */
int sc_sound_chunk_s(const struct sc_sound *sound, int engine_s, int streams);
/* The length of the parts of a chain. */
int sc_sound_part_s(const struct sc_sound *sound, int streams);
/* What is aimed at, in seconds, for an engine that wants so many; 0: the longest. Somebody who asks
 * for a length gets it. */
int sc_sound_aim_s(const struct sc_sound *sound, int engine_s);
/* How much sound is packed into one chunk, in seconds, for an engine with such a window; 0: chunks
 * are cut as they lie. Somebody who asks for a length gets it. */
int sc_sound_pack_s(const struct sc_sound *sound, int window_s);
/* jobs.warnings of a recording, as JSON: opened, what each stream left out, closed with what the
 * pass lost. */
void sc_sound_warnings_begin(struct sc_json *w, struct sc_buf *out);
/* channel: as chunks.channel has it. */
void sc_sound_warn_music(struct sc_json *w, int channel, const struct sc_cutter *cutter);
void sc_sound_warnings_end(struct sc_json *w, const struct sc_pass_end *end);
/* The job's warnings and one more: words of ms milliseconds, between start_ms and end_ms, were left
 * out because nobody speaks there. */
void sc_sound_warn_no_speech(struct sc_buf *out, const char *warnings, int64_t ms, int64_t start_ms,
                             int64_t end_ms);

/* ---- peaks that a pass writes beside (peaks.c); what fails is logged, never passed on ---- */

struct sc_peaks_draft {     /* starts as { .fd = -1 } */
    struct sc_peaks *maker; /* NULL: none are being made */
    int fd;
    char *temp;
};
void sc_peaks_draft_begin(struct sc_pipelines *p, int channels, struct sc_peaks_draft *d);
void sc_peaks_draft_feed(struct sc_peaks_draft *d, const int16_t *const *streams, size_t samples);
void sc_peaks_draft_keep(struct sc_pipelines *p, const char *hash, struct sc_peaks_draft *d);
void sc_peaks_draft_done(struct sc_peaks_draft *d);
/* 0: none are stored. */
int sc_peaks_stored_channels(struct sc_pipelines *p, const char *hash);

/* ---- the sound of chunks ---- */

/* -1 unless a regular file of just so many samples is there (chunks.c). */
int sc_chunk_open(const char *path, int64_t samples);
/* Is it what was cut? (recut.c) */
bool sc_chunk_is_whole(int fd, int64_t samples, const char *hash);
/* Decodes once more and cuts out what the open chunks of the job miss. */
SC_MUST_USE enum sc_code sc_recut(struct sc_pipelines *p, int64_t job, struct sc_error *err);
