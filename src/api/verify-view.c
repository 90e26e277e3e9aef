#include "api/views.h"

#include "pipeline/verify.h"

#include "base/banned.h"

void sc_verification_view(struct sc_buf *out, const struct sc_verification *v)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "verify_id", v->id);
    sc_json_text(&w, "status", sc_verify_state_to_string(v->state));
    sc_json_int(&w, "files_total", v->files_total);
    sc_json_int(&w, "files_done", v->files_done);
    sc_json_int(&w, "bytes_total", v->bytes_total);
    sc_json_int(&w, "bytes_done", v->bytes_done);
    sc_json_int(&w, "missing", v->missing);
    sc_json_int(&w, "altered", v->altered);
    sc_json_int(&w, "checksums", v->checksums);
    sc_json_int(&w, "unreadable", v->unreadable);
    sc_json_int(&w, "purged", v->purged);
    sc_json_time(&w, "started_at", v->started_ms);
    sc_json_time(&w, "completed_at", v->ended_ms);
    sc_json_array(&w, "problems");
    for (size_t i = 0; i < v->problem_count; i++) {
        const struct sc_verify_problem *problem = &v->problems[i];
        sc_json_object(&w, NULL);
        sc_json_int(&w, "file_id", problem->file_id);
        sc_json_text(&w, "original_name", problem->name);
        sc_json_text(&w, "damage", problem->damage);
        sc_json_text(&w, "message", problem->why);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
}

/* ---- what the view writes ---- */

static const struct sc_json_field problem_fields[] = {
    SC_SHOW(INT, "file_id", "The file", "3"),
    SC_SHOW(TEXT, "original_name", "Its name", "memo.mp3"),
    { .name = "damage",
      SC_SHOW_TEXT,
      .choices = "missing|altered|checksum|unreadable",
      .help = "What is wrong",
      .example = "altered" },
    SC_SHOW(TEXT, "message", "The same as a sentence",
            "the bytes are not those that were uploaded: upload them again"),
};
static const struct sc_json_shape problem_shape = { .name = "FileProblem",
                                                    SC_SHAPE_FIELDS(problem_fields) };
static const struct sc_json_field verification_fields[] = {
    SC_SHOW(INT, "verify_id", "Names the verification", "1"),
    SC_SHOW_WORDS(TEXT, "status", sc_words_verify_state, "How far it is", "running"),
    SC_SHOW(INT, "files_total", "Files to read", "12"),
    SC_SHOW(INT, "files_done", "Files read", "3"),
    SC_SHOW(INT, "bytes_total", "What they take", "90000000"),
    SC_SHOW(INT, "bytes_done", "What has been read", "20000000"),
    SC_SHOW(INT, "missing", "Files without their bytes", "0"),
    SC_SHOW(INT, "altered", "Files with other bytes", "0"),
    SC_SHOW(INT, "checksums", "Sound files whose hash in the store is damaged", "0"),
    SC_SHOW(INT, "unreadable", "Files that the disk does not read", "0"),
    SC_SHOW(INT, "purged", "Files whose bytes were cleaned away", "0"),
    SC_SHOW(TIME_OR_NULL, "started_at", "When it began", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "completed_at", "When it ended", NULL),
    SC_SHOW_OF(LIST, "problems", &problem_shape, "The first 200"),
};
const struct sc_json_shape sc_shape_verification = {
    .name = "Verification",
    .help = "Files being held against their hashes",
    SC_SHAPE_FIELDS(verification_fields),
};
