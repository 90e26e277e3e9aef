#include "api/views.h"

#include "pipeline/intake.h"

#include "base/banned.h"

void sc_intake_fields(struct sc_json *w, const struct sc_intake_row *row)
{
    bool completed = row->state == SC_INTAKE_COMPLETED;
    sc_json_text(w, "upload_id", row->upload_id);
    sc_json_text(w, "state", sc_intake_state_to_string(row->state));
    sc_json_text(w, "name", row->name);
    sc_json_opt(w, "size_bytes", row->total);
    sc_json_int(w, "offset_bytes", row->offset);
    if (row->options == NULL)
        sc_json_null(w, "job_options");
    else
        sc_json_raw(w, "job_options", sc_str_from(row->options));
    sc_json_time(w, "created_at", row->created_ms);
    sc_json_time(w, "expires_at", row->expires_ms);
    sc_json_opt(w, "file_id", completed ? row->file_id : -1);
    sc_json_text(w, "job_id", row->job_id[0] == '\0' ? NULL : row->job_id);
    if (completed)
        sc_json_bool(w, "duplicate", row->duplicate);
    else
        sc_json_null(w, "duplicate");
    if (row->job_id[0] != '\0')
        sc_json_bool(w, "existing_job", row->existing_job);
    else
        sc_json_null(w, "existing_job");
    sc_json_text(w, "error_code", row->error_code[0] == '\0' ? NULL : row->error_code);
    sc_json_text(w, "error", row->error[0] == '\0' ? NULL : row->error);
}

void sc_intake_view(struct sc_json *w, const char *key, const struct sc_intake_row *row)
{
    sc_json_object(w, key);
    sc_intake_fields(w, row);
    sc_json_end(w);
}

static const struct sc_json_field intake_fields[] = {
    SC_SHOW(UUID, "upload_id", "Names the upload", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW_WORDS(TEXT, "state", sc_words_intake_state, "How far it is", "open"),
    SC_SHOW(TEXT, "name", "Of the file, as `filename` of its metadata says", "memo.mp3"),
    SC_SHOW(INT_OR_NULL, "size_bytes", "All of it; null: not told yet", "1500000"),
    SC_SHOW(INT, "offset_bytes", "What has come", "500000"),
    { .name = "job_options",
      .type = SC_JSON_OBJECT,
      .items = SC_JSON_TEXT,
      .nullable = true,
      .help = "Of the job that will be made of it; null: only the file is kept",
      .example = "{\"engine\": \"pocketsphinx\"}" },
    SC_SHOW(TIME, "created_at", "When it was begun", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME, "expires_at", "When it is forgotten, unless it goes on before",
            "2026-11-21T14:30:45.123Z"),
    SC_SHOW(INT_OR_NULL, "file_id", "The file that it has become", NULL),
    SC_SHOW(UUID_OR_NULL, "job_id",
            "The job that was made of it, or an earlier one of the same work", NULL),
    { .name = "duplicate",
      SC_SHOW_BOOL,
      .nullable = true,
      .help = "The bytes were known before; null: it is no file" },
    { .name = "existing_job",
      SC_SHOW_BOOL,
      .nullable = true,
      .help = "An earlier job does the same work; null: no job was made" },
    SC_SHOW_WORDS(TEXT_OR_NULL, "error_code", sc_words_code, "Why it was refused, as a word", NULL),
    SC_SHOW(TEXT_OR_NULL, "error", "The same as a sentence", NULL),
};
const struct sc_json_shape sc_shape_resumable = {
    .name = "ResumableUpload",
    .help = "A recording that arrives in pieces",
    SC_SHAPE_FIELDS(intake_fields),
};
SC_PAGE_SHAPE(sc_shape_resumables, "ResumableUploadPage", "uploads", &sc_shape_resumable);
