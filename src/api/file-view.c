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
    sc_json_raw(w, "tags", sc_str_from(file->tags == NULL ? "{}" : file->tags));
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
    sc_json_int(&w, "orphans", mended->orphans);
    sc_json_int(&w, "orphan_bytes", mended->orphan_bytes);
    sc_json_end(&w);
}
