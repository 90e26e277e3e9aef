#include "api/heard.h"
#include "api/marks.h"
#include "api/views.h"

#include "base/banned.h"

#define CONFIDENCE_DIGITS 4

static void put_confidence(struct sc_json *w, const char *key, double confidence)
{
    if (confidence < 0)
        sc_json_null(w, key);
    else
        sc_json_real(w, key, confidence, CONFIDENCE_DIGITS);
}

static void put_word(struct sc_json *w, const struct sc_word *word)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "word", word->text);
    sc_json_seconds(w, "start", word->start_ms);
    sc_json_seconds(w, "end", word->end_ms);
    put_confidence(w, "confidence", (double)word->confidence);
    sc_json_end(w);
}

static void put_segment(struct sc_json *w, const struct sc_segment *segment)
{
    sc_json_object(w, NULL);
    sc_json_int(w, "id", segment->id);
    sc_json_seconds(w, "start", segment->start_ms);
    sc_json_seconds(w, "end", segment->end_ms);
    sc_json_text(w, "text", segment->text == NULL ? "" : segment->text);
    put_confidence(w, "confidence", (double)segment->confidence);
    sc_json_text(w, "speaker", segment->speaker);
    sc_heard_put(w, segment->heard);
    sc_json_array(w, "words");
    for (size_t i = 0; i < segment->word_count; i++)
        put_word(w, &segment->words[i]);
    sc_json_end(w);
    sc_json_end(w);
}

static void put_content(struct sc_json *w, const struct sc_segments *segments)
{
    SC_AUTO_BUF text = { 0 };
    sc_segments_text(segments, &text);
    w->out->failed = w->out->failed || text.failed;
    sc_json_str(w, "text", sc_buf_str(&text));
    sc_json_array(w, "segments");
    for (size_t i = 0; i < segments->count; i++)
        put_segment(w, &segments->items[i]);
    sc_json_end(w);
}

void sc_transcript_deleted_view(struct sc_buf *out, int64_t id)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", id);
    sc_json_bool(&w, "deleted", true);
    sc_json_end(&w);
}

void sc_transcript_view(struct sc_json *w, const char *key, const struct sc_transcript *t,
                        int version, const struct sc_segments *segments)
{
    sc_json_object(w, key);
    sc_json_int(w, "id", t->id);
    sc_json_text(w, "job_id", t->job_id[0] == '\0' ? NULL : t->job_id);
    sc_json_int(w, "file_id", t->file_id);
    sc_json_text(w, "file_name", t->file_name);
    sc_json_text(w, "status", t->complete ? "complete" : "partial");
    sc_json_text(w, "language", t->language[0] == '\0' ? NULL : t->language);
    sc_json_int(w, "version", version);
    sc_json_int(w, "segment_count", t->segment_count);
    sc_json_int(w, "word_count", t->word_count);
    put_confidence(w, "confidence_score", t->confidence);
    sc_json_seconds(w, "duration_seconds", t->duration_ms);
    sc_json_text(w, "srt_path", t->srt_path[0] == '\0' ? NULL : t->srt_path);
    sc_json_text(w, "cloud_url", t->cloud_url[0] == '\0' ? NULL : t->cloud_url);
    sc_marks_fields(w, t->marks);
    sc_json_time(w, "created_at", t->created_ms);
    sc_json_time(w, "updated_at", t->updated_ms);
    if (segments != NULL)
        put_content(w, segments);
    sc_json_end(w);
}

void sc_version_view(struct sc_json *w, const char *key, const struct sc_version *v,
                     const struct sc_segments *segments)
{
    sc_json_object(w, key);
    sc_json_int(w, "version_number", v->version);
    sc_json_bool(w, "is_current", v->current);
    sc_json_int(w, "segment_count", v->segment_count);
    sc_json_int(w, "word_count", v->word_count);
    sc_json_text(w, "created_by", v->created_by);
    sc_json_time(w, "created_at", v->created_ms);
    sc_json_text(w, "change_note", v->change_note[0] == '\0' ? NULL : v->change_note);
    sc_json_opt(w, "restored_from", v->restored_from == 0 ? -1 : v->restored_from);
    sc_json_text(w, "content_hash", v->content_hash);
    if (segments != NULL)
        put_content(w, segments);
    sc_json_end(w);
}

void sc_export_view(struct sc_json *w, const char *key, const struct sc_export_row *row)
{
    sc_json_object(w, key);
    sc_json_int(w, "export_id", row->id);
    sc_json_int(w, "version_number", row->version);
    sc_json_text(w, "format_name", row->format);
    sc_json_text(w, "file_path", row->path);
    sc_json_text(w, "exported_by", row->by);
    sc_json_time(w, "exported_at", row->exported_ms);
    sc_json_end(w);
}

/* ---- what the views write ---- */

static const struct sc_json_field word_fields[] = {
    SC_SHOW(TEXT, "word", "The word", "good"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "0.58"),
    SC_SHOW(REAL_OR_NULL, "confidence", "0 to 1", "0.91"),
};
static const struct sc_json_shape word_shape = { .name = "Word", SC_SHAPE_FIELDS(word_fields) };
static const struct sc_json_field segment_fields[] = {
    SC_SHOW(INT, "id", "Names the segment in all versions; on the whole server no other one has it",
            "93"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "1.2"),
    SC_SHOW(TEXT, "text", "What was said", "good morning"),
    SC_SHOW(REAL_OR_NULL, "confidence", "0 to 1", "0.91"),
    SC_SHOW(TEXT_OR_NULL, "speaker", "Who said it, where that is known", NULL),
    SC_SHOW_HEARD,
    SC_SHOW_OF(LIST, "words", &word_shape, "Its words, where the engine tells them"),
};
static const struct sc_json_shape segment_shape = { .name = "Segment",
                                                    SC_SHAPE_FIELDS(segment_fields) };

static const struct sc_json_field transcript_fields[] = {
    SC_SHOW(INT, "id", "Names the transcript", "1"),
    SC_SHOW(UUID_OR_NULL, "job_id", "The job that made it", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW(INT, "file_id", "The recording", "1"),
    SC_SHOW(TEXT, "file_name", "The name that the recording came under first", "memo.mp3"),
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "partial|complete",
      .help = "`partial`: what has been recognised so far",
      .example = "complete" },
    SC_SHOW(TEXT_OR_NULL, "language", "Of the text: what is spoken, `en` for a translation", "en"),
    SC_SHOW(INT, "version", "The one shown; 0 while it is partial", "1"),
    SC_SHOW(INT, "segment_count", "How many segments", "12"),
    SC_SHOW(INT, "word_count", "How many words; in scripts without spaces, signs", "140"),
    SC_SHOW(REAL_OR_NULL, "confidence_score", "0 to 1", "0.87"),
    SC_SHOW(REAL_OR_NULL, "duration_seconds", "The length of the recording", "93.25"),
    SC_SHOW(TEXT_OR_NULL, "srt_path",
            "Where `auto_export` wrote its SRT; null too once its job was cleaned away", NULL),
    SC_SHOW(TEXT_OR_NULL, "cloud_url", "Of an older system", NULL),
    SC_SHOW_MARKS,
    SC_SHOW(TIME, "created_at", "When it was made", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME, "updated_at", "When it changed last; of an earlier version when that was made",
            "2026-11-20T14:30:45.123Z"),
};

const struct sc_json_shape sc_shape_transcript_row = {
    .name = "TranscriptRow",
    .help = "A transcript in a list",
    SC_SHAPE_FIELDS(transcript_fields),
};

SC_PAGE_SHAPE(sc_shape_transcripts, "TranscriptPage", "transcripts", &sc_shape_transcript_row);

static const struct sc_json_field content_fields[] = {
    SC_SHOW(TEXT, "text", "All of it, a line for each segment", "good morning"),
    SC_SHOW_OF(LIST, "segments", &segment_shape, "In the order of time"),
};
const struct sc_json_shape sc_shape_transcript = {
    .name = "Transcript",
    .help = "A transcript with its segments",
    .base = &sc_shape_transcript_row,
    SC_SHAPE_FIELDS(content_fields),
};

static const struct sc_json_field version_fields[] = {
    SC_SHOW(INT, "version_number", "Which one", "1"),
    SC_SHOW(BOOL, "is_current", "It is the one that is shown", "true"),
    SC_SHOW(INT, "segment_count", "How many segments", "12"),
    SC_SHOW(INT, "word_count", "How many words; in scripts without spaces, signs", "140"),
    SC_SHOW(TEXT, "created_by", "Who made it", "local"),
    SC_SHOW(TIME, "created_at", "When", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TEXT_OR_NULL, "change_note", "Why", NULL),
    SC_SHOW(INT_OR_NULL, "restored_from",
            "A rollback or undoing made it equal to this version; null: neither", NULL),
    SC_SHOW(TEXT, "content_hash", "Checksum of what it says",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
};
static const struct sc_json_shape version_row_shape = {
    .name = "VersionRow",
    .help = "A version in a list",
    SC_SHAPE_FIELDS(version_fields),
};
SC_PAGE_SHAPE(sc_shape_versions, "VersionPage", "versions", &version_row_shape);

const struct sc_json_shape sc_shape_version = {
    .name = "Version",
    .help = "A version with its segments",
    .base = &version_row_shape,
    SC_SHAPE_FIELDS(content_fields),
};

static const struct sc_json_field deleted_fields[] = {
    SC_SHOW(INT, "id", "The transcript", "12"),
    SC_SHOW(BOOL, "deleted", "Always true", "true"),
};
const struct sc_json_shape sc_shape_transcript_deleted = {
    .name = "DeletedTranscript",
    SC_SHAPE_FIELDS(deleted_fields),
};

static const struct sc_json_field export_fields[] = {
    SC_SHOW(INT, "export_id", "Names the export", "1"),
    SC_SHOW(INT, "version_number", "What was exported", "1"),
    SC_SHOW(TEXT, "format_name", "As what", "srt"),
    SC_SHOW(TEXT_OR_NULL, "file_path",
            "Where it is, below the data folder; null: it was sent to a client",
            "transcripts/talk.srt"),
    SC_SHOW(TEXT, "exported_by", "By whom", "local"),
    SC_SHOW(TIME, "exported_at", "When", "2026-11-20T14:30:45.123Z"),
};
const struct sc_json_shape sc_shape_export_row = { .name = "ExportRow",
                                                   SC_SHAPE_FIELDS(export_fields) };
SC_PAGE_SHAPE(sc_shape_exports, "ExportPage", "exports", &sc_shape_export_row);

static const struct sc_json_field made_fields[] = {
    SC_SHOW(INT_OR_NULL, "export_id", "Names the export; null: it could not be recorded", "1"),
    SC_SHOW(INT, "transcript_id", "Of which transcript", "1"),
    SC_SHOW(INT, "version_number", "Of which version", "1"),
    SC_SHOW(TEXT, "format_name", "As what", "srt"),
    SC_SHOW(TEXT, "file_path", "Where it is, below the data folder", "transcripts/talk.srt"),
    SC_SHOW(INT, "size_bytes", "How long it is", "812"),
};
const struct sc_json_shape sc_shape_export = {
    .name = "Export",
    .help = "A file that was written on the server",
    SC_SHAPE_FIELDS(made_fields),
};
