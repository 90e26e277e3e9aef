#pragma once
/* Readers of transcripts that others wrote: SRT, WebVTT, JSON of several dialects, tables, plain
 * text. They take what the tools of the field write (byte order marks, CRLF, missing numbers,
 * styling) and refuse what cannot be read without losing words. Pure. */

#include "transcript/segment.h"

/* Longer texts are refused: FILE_TOO_LARGE. */
#define SC_READ_LIMIT ((size_t)64 << 20)

/* What becomes of rolling captions, as video platforms and broadcasters write them: each cue shows
 * the last lines of the one before again and adds some. */
enum sc_rolling {
    SC_ROLLING_AUTO, /* collapsed where the whole file is made so (rolling.c has the rule) */
    SC_ROLLING_COLLAPSE,
    SC_ROLLING_KEEP, /* each cue says all that it shows */
    SC_ROLLING_COUNT_
};
/* "auto", "collapse", "keep"; NULL behind the last. */
const char *sc_rolling_word(int index);

/* How many segments had times that cannot be; they were put right. */
struct sc_read_doubts {
    size_t backwards; /* end before they start, or their words run backwards */
    size_t early;     /* had times in front of 0 */
    size_t outside;   /* had words outside of their times: they last as long as these now */
    size_t moved;     /* began before the one in front of them */
    size_t rolling;   /* cues (SRT, WebVTT) that begin with lines of the one in front of them */
    size_t cues;      /* of so many */
    size_t clocks;    /* lines of plain text that hold a time, as words */
    size_t headings;  /* lines of plain text that were taken for who speaks, and from when on */
};

/* What may be read in more than one way. */
struct sc_read_how {
    enum sc_rolling rolling;
    bool headings; /* of plain text (read-lines.c has the rule) */
};

struct sc_reading {
    struct sc_segments segments; /* in order, as sc_segments_check wants them */
    bool timed; /* false: the text has no times at all, every one is 0 (sc_segments_spread) */
    bool open;  /* nobody told the end of the last segment: it is reckoned (sc_reading_end_at) */
    struct sc_read_how how; /* what was asked for */
    bool collapsed;         /* what rolling captions repeat was left out */
    struct sc_read_doubts doubts;
    char language[24]; /* as the text has it ("en", "english"); "": it does not say */
};
#define SC_AUTO_READING SC_AUTO(sc_reading_done) struct sc_reading

void sc_reading_done(struct sc_reading *r);
/* format: "srt", "vtt", "json", "csv", "tsv" or "txt". Reads UTF-8, or UTF-16 with a byte order
 * mark. Whatever *out held is freed and replaced, only on SC_OK. INVALID_VALUE for text that is not
 * of the format: the message names the line (JSON: the member) and the field is "text"; also for a
 * format that nobody reads (field "format").
 *
 * Times that run backwards are put right and no word is dropped for its times: a cue that ends
 * before it starts ends where it starts. One without an end lasts until the next begins, the last
 * as long as its text takes to say. Cues without text are left out. JSON: our own export
 * (read exactly), OpenAI's json, verbose_json and diarized_json, openai-whisper, faster-whisper,
 * WhisperX, whisper.cpp, Vosk, Hugging Face pipelines, Premiere, Amazon Transcribe, AssemblyAI,
 * Deepgram, and a bare array of segments; words without segments become sentences. CSV and TSV:
 * our own, whisper's tools', and tables with other names for their columns. */
SC_MUST_USE enum sc_code sc_format_read(const char *format, struct sc_str text,
                                        struct sc_reading *out, struct sc_error *err);
/* The same, where that keeps rolling captions, and headings, as they are. A line that captions
 * repeat is said once here, from where it is shown first until the next new one is shown; what
 * stands below a heading is one segment of who it names. */
SC_MUST_USE enum sc_code sc_format_read_as(const char *format, struct sc_str text,
                                           const struct sc_read_how *how, struct sc_reading *out,
                                           struct sc_error *err);
/* A last segment whose end nobody told lasts until length_ms, where it begins before that. */
void sc_reading_end_at(struct sc_reading *r, int64_t length_ms);
/* Can sc_format_read read it? */
bool sc_format_is_read(const char *format);
/* The format that text looks like by how it begins: "txt" when like none of the others. Also "lrc",
 * "ass", "md" or "docx", which nobody reads: as text their syntax would become words. Static. */
const char *sc_format_guess(struct sc_str text);
/* Gives each segment a share of [start_ms, end_ms] by the length of its text, and its words theirs.
 */
void sc_segments_spread(struct sc_segments *s, int64_t start_ms, int64_t end_ms);
/* Makes words of the text of segments that have none, each with a share of the segment's time by
 * its length; their confidence is unknown. False: no memory. */
bool sc_segments_estimate_words(struct sc_segments *s);
