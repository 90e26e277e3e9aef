#include "api/views.h"

#include "library/fsck.h"

#include "base/banned.h"

void sc_fsck_slice_fields(struct sc_json *w, int phase, const struct sc_fsck_slice *slice)
{
    char next[SC_FSCK_PLACE_TEXT];
    sc_fsck_place_format(&slice->next, next);
    sc_json_text(w, "phase", sc_fsck_phase_to_string((enum sc_fsck_phase)phase));
    sc_json_int(w, "checked", slice->checked);
    sc_json_real(w, "percent", slice->percent, 1);
    sc_json_text(w, "next", slice->done ? NULL : next);
}

/* ---- what the views write; the rows come from library/fsck-view.c ---- */

static const struct sc_json_field problem_fields[] = {
    SC_SHOW_WORDS(TEXT, "kind", sc_words_fsck_kind, "What is damaged", "segment"),
    SC_SHOW(UUID_OR_NULL, "job_id", "Of which job", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW(INT_OR_NULL, "transcript_id", "Of which transcript", "7"),
    SC_SHOW(INT_OR_NULL, "version", "Of which version", NULL),
    SC_SHOW(INT_OR_NULL, "segment_id", "Which segment", "93"),
    SC_SHOW(INT_OR_NULL, "chunk_index", "Which chunk", "0"),
    SC_SHOW(INT_OR_NULL, "file_id", "Of which file", "3"),
    SC_SHOW(REAL_OR_NULL, "start", "When it is said, in seconds", "12.5"),
    SC_SHOW(REAL_OR_NULL, "end", "In the same seconds", "14"),
    SC_SHOW(TEXT_OR_NULL, "words",
            "What stands there now, or is missing; the first of it, and null for another owner's",
            "good mornjng"),
    SC_SHOW(TEXT, "message", "What is wrong", "the segment does not match its checksum"),
    SC_SHOW(TEXT, "remedy", "What to do", "'scripta fsck --repair' restores it"),
    SC_SHOW(BOOL, "repairable", "It can be restored exactly", "true"),
    SC_SHOW(TEXT_OR_NULL, "source", "What from", "the segment in version 2"),
    SC_SHOW(BOOL, "repaired", "It has been", "false"),
    SC_SHOW(BOOL, "accepted", "What is there counts from here on", "false"),
};
static const struct sc_json_shape problem_shape = { .name = "FsckProblem",
                                                    SC_SHAPE_FIELDS(problem_fields) };
static const struct sc_json_field slice_fields[] = {
    SC_SHOW_OF(LIST, "problems", &problem_shape, "What was found in this slice"),
    SC_SHOW_WORDS(TEXT, "phase", sc_words_fsck_phase, "What was checked", "transcripts"),
    SC_SHOW(INT, "checked", "How many", "812"),
    SC_SHOW(REAL, "percent", "Of the phase, behind this slice", "41.0"),
    SC_SHOW(TEXT_OR_NULL, "next", "To send as `after`; null: all is checked", "transcripts:812"),
};
const struct sc_json_shape sc_shape_fsck = {
    .name = "FsckSlice",
    SC_SHAPE_FIELDS(slice_fields),
};
