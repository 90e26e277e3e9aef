#include "api/views.h"

#include "base/banned.h"

#define SAMPLES_PER_MS 16

void sc_registration_view(struct sc_buf *out, int64_t worker_id, int64_t lease_ms,
                          int64_t heartbeat_ms)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "worker_id", worker_id);
    sc_json_int(&w, "lease_ms", lease_ms);
    sc_json_int(&w, "heartbeat_ms", heartbeat_ms);
    sc_json_end(&w);
}

static const char *answer_name(enum sc_beat answer)
{
    switch (answer) {
    case SC_BEAT_OK:
        return "ok";
    case SC_BEAT_LOST:
        return "lost";
    case SC_BEAT_CANCELLED:
        return "cancelled";
    }
    return "lost";
}

void sc_heartbeat_view(struct sc_buf *out, const struct sc_held *held, size_t count)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "tasks");
    for (size_t i = 0; i < count; i++) {
        sc_json_object(&w, NULL);
        sc_json_int(&w, "task_id", held[i].task_id);
        sc_json_int(&w, "epoch", held[i].epoch);
        sc_json_text(&w, "answer", answer_name(held[i].answer));
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
}

void sc_work_view(struct sc_json *w, const char *key, const struct sc_chunk_work *work)
{
    const struct sc_task *task = &work->task;
    const struct sc_job_order *order = &work->order;
    sc_json_object(w, key);
    sc_json_int(w, "task_id", task->id);
    sc_json_int(w, "epoch", task->epoch);
    sc_json_text(w, "job_id", task->job_id);
    sc_json_text(w, "stage", sc_stage_to_string(task->stage));
    sc_json_int(w, "chunk_index", task->chunk);
    sc_json_text(w, "engine", order->engine);
    sc_json_text(w, "model", order->model);
    sc_json_text(w, "language", order->language);
    sc_json_text(w, "task", order->task);
    sc_json_raw(w, "settings", sc_str_from(order->settings == NULL ? "{}" : order->settings));
    sc_json_int(w, "start_ms", work->start_samples / SAMPLES_PER_MS);
    sc_json_int(w, "end_ms", work->end_samples / SAMPLES_PER_MS);
    sc_json_int(w, "samples", work->end_samples - work->start_samples);
    sc_json_int(w, "attempt", task->failures + task->interruptions + 1);
    sc_json_int(w, "timeout_ms", order->timeout_ms);
    sc_json_end(w);
}

void sc_claimed_view(struct sc_json *w, const struct sc_claimed *claimed)
{
    sc_json_array(w, "tasks");
    for (size_t i = 0; i < claimed->count; i++)
        sc_work_view(w, NULL, &claimed->work[i]);
    sc_json_end(w);
}

void sc_completion_view(struct sc_buf *out, bool repeated, const struct sc_claimed *next)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "status", repeated ? "repeated" : "accepted");
    if (next != NULL)
        sc_claimed_view(&w, next);
    sc_json_end(&w);
}
