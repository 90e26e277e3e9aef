#pragma once
/* What the readers share. For files of this module only. */

#include "transcript/reader.h"

/* The lines of a text, ended by LF, CRLF or CR, counted from 1. */
struct sc_lines {
    struct sc_str rest;
    int64_t number; /* of the line taken last */
};
/* False at the end. */
bool sc_lines_next(struct sc_lines *lines, struct sc_str *line);

/* "1:02:03,456", "02:03.4", "3,25": hours and minutes may be missing, the fraction too. Cuts it off
 * *rest; false (rest untouched) when there is no time, or none that a recording has. */
bool sc_cue_time_take(struct sc_str *rest, int64_t *ms);

/* "00:00:01,000 --> 00:00:02,500 position:10%": what stands behind is layout. False: no pair of
 * times that can be read. */
bool sc_cue_span_parse(struct sc_str line, int64_t *start_ms, int64_t *end_ms);
/* Is this line two times and nothing else, with whatever signs between them? */
bool sc_cue_is_span(struct sc_str line);

/* A cue as it stands in the file. */
struct sc_cue {
    struct sc_str text; /* lines ended by LF, with their markup */
    int64_t start_ms, end_ms;
    size_t skip;      /* so many lines at its beginning are left out */
    int64_t until_ms; /* its segments last so long; its words until end_ms at most */
};
/* Appends the segments of one cue: tags go, entities are decoded (WebVTT), voices become speakers,
 * times between words become the words' times. False: no memory. */
bool sc_cue_markup(struct sc_reading *out, bool vtt, const struct sc_cue *cue);
/* Appends the first `most` lines of a cue without their markup, each behind its voice and a tab,
 * ended by LF; empty ones are left out, here and wherever lines are counted. False: no memory. */
bool sc_cue_lines(bool vtt, struct sc_str text, size_t most, struct sc_buf *out, size_t *count);
/* Leaves out what rolling captions repeat, by out->how.rolling: sets skip, end_ms and until_ms. A
 * cue of which nothing stays skips all its lines, one without lines goes. Tells it in *out. False:
 * no memory. */
bool sc_rolling_collapse(struct sc_cue *cues, size_t *count, bool vtt, struct sc_reading *out);

/* Cuts segments whose words came without any behind sentences and at pauses; those whose words do
 * not spell the text stay. False: no memory. */
bool sc_segments_cut(struct sc_segments *list);

/* Is this, from between '<' and '>', a tag that players of SubRip obey? */
bool sc_srt_is_tag(struct sc_str tag);

/* text: valid UTF-8 without byte order mark. Times need not be in order yet. */
enum sc_code sc_read_srt(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_vtt(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_txt(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_json(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_csv(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_tsv(struct sc_str text, struct sc_reading *out, struct sc_error *err);
/* A text is said at this speed where nothing tells its end: so many milliseconds for each byte,
 * some 15 signs a second. */
#define SC_READ_BYTE_MS 65

/* "csv", "tsv"; NULL: the first line names no columns for text and times, and has no times itself.
 */
const char *sc_table_guess(struct sc_str text);
enum sc_code sc_read_no_memory(struct sc_error *err);
/* What a text says its language is; one that is too long to be any is passed over. */
void sc_reading_say_language(struct sc_reading *r, struct sc_str language);
/* Sets the text of a segment, a NUL in it as a space. False: no memory. */
bool sc_segment_set_text(struct sc_segment *s, struct sc_str text);
/* The same for the speaker; none for no text. */
bool sc_segment_set_speaker(struct sc_segment *s, struct sc_str speaker);
