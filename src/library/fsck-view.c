#include "library/fsck.h"

#include "json/writer.h"

#include "base/banned.h"

static void put_time(struct sc_json *w, const char *name, const struct sc_fsck_problem *problem,
                     int64_t ms)
{
    if (problem->placed)
        sc_json_seconds(w, name, ms);
    else
        sc_json_null(w, name);
}

void sc_fsck_problem_view(struct sc_json *w, const struct sc_fsck_problem *problem)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "kind", sc_fsck_kind_to_string(problem->kind));
    sc_json_text(w, "job_id", problem->job_id[0] == '\0' ? NULL : problem->job_id);
    sc_json_opt(w, "transcript_id", problem->transcript_id > 0 ? problem->transcript_id : -1);
    sc_json_opt(w, "version", problem->version > 0 ? problem->version : -1);
    sc_json_opt(w, "segment_id", problem->segment_id > 0 ? problem->segment_id : -1);
    sc_json_opt(w, "chunk_index", problem->chunk);
    sc_json_opt(w, "file_id", problem->file_id > 0 ? problem->file_id : -1);
    put_time(w, "start", problem, problem->start_ms);
    put_time(w, "end", problem, problem->end_ms);
    sc_json_text(w, "words", problem->words);
    sc_json_text(w, "message", problem->message);
    sc_json_text(w, "remedy", problem->remedy);
    sc_json_bool(w, "repairable", problem->repairable);
    sc_json_text(w, "source", problem->source);
    sc_json_bool(w, "repaired", problem->repaired);
    sc_json_bool(w, "accepted", problem->accepted);
    sc_json_end(w);
}
