#include "api/views.h"

#include "pipeline/verify.h"

#include "base/banned.h"

static const char *damage_word(const struct sc_verify_problem *problem)
{
    return problem->damage == SC_FILE_SOUND ? "unreadable"
                                            : sc_file_damage_to_string(problem->damage);
}

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
        sc_json_text(&w, "damage", damage_word(problem));
        sc_json_text(&w, "message", problem->why);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
}
