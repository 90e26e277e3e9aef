#include "api/marks.h"
#include "api/views.h"

#include "base/banned.h"

void sc_file_fields(struct sc_json *w, const struct sc_file *file)
{
    sc_json_int(w, "id", file->id);
    sc_json_text(w, "file_hash", file->file_hash);
    sc_json_text(w, "original_name", file->original_name);
    sc_json_text(w, "file_path", file->file_path);
    sc_json_int(w, "size_bytes", file->size_bytes);
    sc_json_text(w, "format", file->format);
    sc_json_text(w, "codec", file->codec);
    sc_json_seconds(w, "duration_seconds", file->duration_ms);
    sc_json_int(w, "sample_rate", file->sample_rate);
    sc_json_int(w, "channels", file->channels);
    sc_json_opt(w, "bit_rate", file->bit_rate);
    sc_json_raw(w, "metadata", sc_str_from(file->metadata == NULL ? "{}" : file->metadata));
    sc_marks_fields(w, &file->marks);
    sc_json_time(w, "uploaded_at", file->uploaded_ms);
    sc_json_time(w, "archived_at", file->archived_ms);
    sc_json_time(w, "purged_at", file->purged_ms);
    sc_json_time(w, "verified_at", file->verified_ms);
    sc_json_text(w, "damage",
                 file->damage == SC_FILE_SOUND ? NULL : sc_file_damage_to_string(file->damage));
    sc_json_int(w, "upload_count", file->arrivals);
}

void sc_file_view(struct sc_json *w, const char *key, const struct sc_file *file)
{
    sc_json_object(w, key);
    sc_file_fields(w, file);
    sc_json_end(w);
}

void sc_arrived_fields(struct sc_json *w, const struct sc_arrived *arrived)
{
    /* A job says its file itself. */
    if (arrived->job.id == 0)
        sc_json_int(w, "file_id", arrived->file.id);
    sc_json_bool(w, "duplicate", arrived->duplicate);
}

void sc_file_deleted_view(struct sc_buf *out, int64_t id, const struct sc_file_uses *gone)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", id);
    sc_json_bool(&w, "deleted", true);
    sc_json_int(&w, "jobs", gone->jobs);
    sc_json_int(&w, "kept_transcripts", gone->transcripts);
    sc_json_end(&w);
}

void sc_files_cleaned_view(struct sc_buf *out, const struct sc_clean_files *what,
                           const struct sc_cleaned *cleaned)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "kind", sc_clean_kind_to_string(what->kind));
    sc_json_int(&w, "files", cleaned->files);
    sc_json_int(&w, "bytes", cleaned->bytes);
    sc_json_bool(&w, "dry_run", what->dry_run);
    sc_json_end(&w);
}

void sc_mended_view(struct sc_buf *out, const struct sc_mended *mended)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_time(&w, "finished_at", mended->finished_ms);
    sc_json_int(&w, "took_ms", mended->took_ms);
    sc_json_int(&w, "arrivals_removed", mended->arrivals);
    sc_json_int(&w, "half_moved", mended->half_moved);
    sc_json_int(&w, "temp_removed", mended->temp);
    sc_json_int(&w, "folders_removed", mended->folders);
    sc_json_int(&w, "exports_moved", mended->exports);
    sc_json_int(&w, "missing", mended->missing);
    sc_json_int(&w, "checksums", mended->checksums);
    sc_json_int(&w, "orphans", mended->orphans);
    sc_json_int(&w, "orphan_bytes", mended->orphan_bytes);
    sc_json_end(&w);
}

/* ---- what the views write ---- */

static const struct sc_json_field file_fields[] = {
    SC_SHOW(INT, "id", "Names the file", "1"),
    SC_SHOW(TEXT, "file_hash", "SHA-256 of the bytes",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    SC_SHOW(TEXT, "original_name", "The name that it came under first", "memo.mp3"),
    SC_SHOW(TEXT, "file_path", "Its bytes, below the data folder",
            "audio/uploads/2026/11/9f86.mp3"),
    SC_SHOW(INT, "size_bytes", "How long it is", "1500000"),
    SC_SHOW(TEXT, "format", "What the bytes are", "mp3"),
    SC_SHOW(TEXT, "codec", "How sound is coded in them", "mp3"),
    SC_SHOW(REAL_OR_NULL, "duration_seconds",
            "From the header, until the recording has been decoded once", "93.25"),
    SC_SHOW(INT, "sample_rate", "In hertz", "44100"),
    SC_SHOW(INT, "channels", "How many", "2"),
    SC_SHOW(INT_OR_NULL, "bit_rate", "In bits per second", "128000"),
    SC_SHOW(OBJECT, "metadata", "What its container says of it", "{\"title\": \"Memo\"}"),
    SC_SHOW_MARKS,
    SC_SHOW(TIME, "uploaded_at", "When it came first", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "archived_at", "When it was archived", NULL),
    SC_SHOW(TIME_OR_NULL, "purged_at", "When its bytes were cleaned out of the archive", NULL),
    SC_SHOW(TIME_OR_NULL, "verified_at", "When its bytes were last held against their hash", NULL),
    SC_SHOW_WORDS(TEXT_OR_NULL, "damage", sc_words_damage,
                  "What is known to be wrong with its bytes", NULL),
    SC_SHOW(INT, "upload_count", "How often it came", "1"),
};

const struct sc_json_shape sc_shape_file = {
    .name = "File",
    .help = "A recording",
    SC_SHAPE_FIELDS(file_fields),
};

SC_WALK_SHAPE(sc_shape_files, "FilePage", "files", &sc_shape_file);

static const struct sc_json_field arrived_fields[] = {
    SC_SHOW(INT, "file_id", "The same as `id`", "1"),
    SC_SHOW(BOOL, "duplicate", "These bytes were known before", "false"),
};
const struct sc_json_shape sc_shape_file_upload = {
    .name = "UploadedFile",
    .help = "A file, and whether it was known",
    .base = &sc_shape_file,
    SC_SHAPE_FIELDS(arrived_fields),
};

static const struct sc_json_field duplicate_fields[] = {
    SC_SHOW(INT, "file_id", "The file", "1"),
    SC_SHOW(TEXT, "file_hash", "SHA-256 of the bytes",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    SC_SHOW(TEXT, "original_name", "The name that it came under first", "memo.mp3"),
    SC_SHOW(INT, "count", "How often it came", "3"),
    SC_SHOW(INT, "size_bytes", "How long it is", "1500000"),
    SC_SHOW(INT, "saved_bytes", "What the later ones would have taken", "3000000"),
};
static const struct sc_json_shape duplicate_shape = { .name = "Duplicate",
                                                      SC_SHAPE_FIELDS(duplicate_fields) };
SC_WALK_SHAPE(sc_shape_duplicates, "DuplicatePage", "duplicates", &duplicate_shape);

static const struct sc_json_field arrival_fields[] = {
    SC_SHOW(INT, "id", "Names the arrival", "7"),
    SC_SHOW(INT, "file_id", "Which file came", "3"),
    SC_SHOW(TEXT, "name", "The name that it came under", "memo.mp3"),
    SC_SHOW(TEXT, "source", "What brought it", "api"),
    SC_SHOW(TEXT, "by", "Who brought it", "local"),
    SC_SHOW(TIME, "uploaded_at", "When", "2026-11-20T14:30:45.123Z"),
};
static const struct sc_json_shape arrival_shape = { .name = "Upload",
                                                    SC_SHAPE_FIELDS(arrival_fields) };
SC_PAGE_SHAPE(sc_shape_arrivals, "UploadPage", "uploads", &arrival_shape);

static const struct sc_json_field format_fields[] = {
    SC_SHOW(TEXT, "format", "What the bytes are", "mp3"),
    SC_SHOW(INT, "files", "How many", "12"),
    SC_SHOW(INT, "bytes", "How long together", "18000000"),
};
static const struct sc_json_shape format_shape = { .name = "FormatUsage",
                                                   SC_SHAPE_FIELDS(format_fields) };
static const struct sc_json_field usage_fields[] = {
    SC_SHOW(INT, "files", "Files of the asker", "2"),
    SC_SHOW(INT, "own_bytes",
            "How long they are, also those whose bytes were cleaned out of the archive", "48088"),
    SC_SHOW(INT, "saved_bytes", "What later arrivals of known bytes would have taken", "16044"),
    SC_SHOW(INT_OR_NULL, "used_bytes",
            "What the recordings of all owners take, each once; null without scope `admin`",
            "48088"),
    SC_SHOW(INT_OR_NULL, "limit_bytes",
            "The setting `upload.quota`; null: none, or without scope `admin`", NULL),
    SC_SHOW(INT, "available_bytes", "What quota and disk still let in", "77001312256"),
    { .name = "fits",
      SC_SHOW_BOOL,
      .optional = true,
      .help = "A recording of `additional` bytes would be taken",
      .example = "true" },
    SC_SHOW_OF(LIST, "formats", &format_shape, "`files` and `own_bytes` by what they are"),
};
const struct sc_json_shape sc_shape_usage = {
    .name = "Usage",
    SC_SHAPE_FIELDS(usage_fields),
};

static const struct sc_json_field deleted_fields[] = {
    SC_SHOW(INT, "id", "The file", "7"),
    SC_SHOW(BOOL, "deleted", "Always true", "true"),
    SC_SHOW(INT, "jobs", "Jobs that went with it", "2"),
    SC_SHOW(INT, "kept_transcripts", "Transcripts without a job that went with it", "0"),
};
const struct sc_json_shape sc_shape_file_deleted = {
    .name = "DeletedFile",
    SC_SHAPE_FIELDS(deleted_fields),
};

static const struct sc_json_field cleaned_fields[] = {
    SC_SHOW_WORDS(TEXT, "kind", sc_words_clean_kind, "What was looked for", "orphans"),
    SC_SHOW(INT, "files", "How many", "3"),
    SC_SHOW(INT, "bytes", "How long together", "48132"),
    SC_SHOW(BOOL, "dry_run", "They were only counted", "true"),
};
const struct sc_json_shape sc_shape_files_cleaned = {
    .name = "CleanedFiles",
    SC_SHAPE_FIELDS(cleaned_fields),
};

static const struct sc_json_field mended_fields[] = {
    SC_SHOW(TIME_OR_NULL, "finished_at", "null: the pass still goes on",
            "2026-11-20T14:30:45.123Z"),
    SC_SHOW(INT, "took_ms", "How long it took", "12"),
    SC_SHOW(INT, "arrivals_removed", "Bytes of uploads that were cut off", "0"),
    SC_SHOW(INT, "half_moved", "Files that were on their way between folders", "0"),
    SC_SHOW(INT, "temp_removed", "Files in `temp/`", "0"),
    SC_SHOW(INT, "folders_removed", "Work folders of jobs that are gone", "0"),
    SC_SHOW(INT, "exports_moved", "Exports that went where their job is", "0"),
    SC_SHOW(INT, "missing", "Files that have lost their bytes", "0"),
    SC_SHOW(INT, "checksums", "Files whose hash is not the name of their bytes", "0"),
    SC_SHOW(INT, "orphans", "Bytes that belong to no file", "0"),
    SC_SHOW(INT, "orphan_bytes", "How long these are", "0"),
};
const struct sc_json_shape sc_shape_mended = {
    .name = "Recovery",
    .help = "What the pass at the start found",
    SC_SHAPE_FIELDS(mended_fields),
};
