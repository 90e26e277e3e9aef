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

/* Appends the segments of one cue whose text (lines ended by LF) carries markup: tags go, entities
 * are decoded (WebVTT), voices become speakers, times between words become the words' times.
 * False: no memory. */
bool sc_cue_markup(struct sc_segments *out, struct sc_str text, bool vtt, int64_t start_ms,
                   int64_t end_ms);

/* Is this, from between '<' and '>', a tag that players of SubRip obey? */
bool sc_srt_is_tag(struct sc_str tag);

/* text: valid UTF-8 without byte order mark. Times need not be in order yet. */
enum sc_code sc_read_srt(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_vtt(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_txt(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_json(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_csv(struct sc_str text, struct sc_reading *out, struct sc_error *err);
enum sc_code sc_read_tsv(struct sc_str text, struct sc_reading *out, struct sc_error *err);
/* "csv", "tsv"; NULL: the first line does not name columns for text and times. */
const char *sc_table_guess(struct sc_str text);
enum sc_code sc_read_no_memory(struct sc_error *err);
/* What a text says its language is; one that is too long to be any is passed over. */
void sc_reading_say_language(struct sc_reading *r, struct sc_str language);
/* Sets the text of a segment, a NUL in it as a space. False: no memory. */
bool sc_segment_set_text(struct sc_segment *s, struct sc_str text);
/* The same for the speaker; none for no text. */
bool sc_segment_set_speaker(struct sc_segment *s, struct sc_str speaker);
