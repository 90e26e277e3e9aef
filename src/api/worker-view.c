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
    sc_json_text(w, "model_hash", order->model_hash);
    sc_json_text(w, "language", order->language);
    sc_json_text(w, "task", order->task);
    sc_json_raw(w, "settings", sc_str_from(order->settings == NULL ? "{}" : order->settings));
    sc_json_int(w, "start_ms", work->start_samples / SAMPLES_PER_MS);
    sc_json_int(w, "end_ms", work->end_samples / SAMPLES_PER_MS);
    sc_json_int(w, "samples", work->samples);
    if (work->until_samples > 0)
        sc_json_int(w, "until_ms", work->until_samples / SAMPLES_PER_MS);
    if (work->carry != NULL)
        sc_json_text(w, "carry", work->carry);
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
    sc_json_int(w, "as_of", claimed->as_of_ms);
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

/* ---- what the views write ---- */

static const struct sc_json_field registration_fields[] = {
    SC_SHOW(INT, "worker_id", "Names the worker", "3"),
    SC_SHOW(INT, "lease_ms", "How long a task is lent", "60000"),
    SC_SHOW(INT, "heartbeat_ms", "How often to renew", "15000"),
};
const struct sc_json_shape sc_shape_registration = {
    .name = "Registration",
    SC_SHAPE_FIELDS(registration_fields),
};

static const struct sc_json_field held_fields[] = {
    SC_SHOW(INT, "task_id", "The task", "7"),
    SC_SHOW(INT, "epoch", "Of the claim", "1"),
    { .name = "answer",
      SC_SHOW_TEXT,
      .choices = "ok|lost|cancelled",
      .help = "Whether to go on",
      .example = "ok" },
};
static const struct sc_json_shape held_shape = { .name = "HeldTask", SC_SHAPE_FIELDS(held_fields) };
static const struct sc_json_field heartbeat_fields[] = {
    SC_SHOW_OF(LIST, "tasks", &held_shape, "Those that were named"),
};
const struct sc_json_shape sc_shape_heartbeat = {
    .name = "Heartbeat",
    SC_SHAPE_FIELDS(heartbeat_fields),
};

static const struct sc_json_field work_fields[] = {
    SC_SHOW(INT, "task_id", "The task", "7"),
    SC_SHOW(INT, "epoch", "Of this claim", "1"),
    SC_SHOW(UUID, "job_id", "Its job", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW_WORDS(TEXT, "stage", sc_words_stage, "Its stage", "transcribe"),
    SC_SHOW(INT, "chunk_index", "Which chunk", "0"),
    SC_SHOW(TEXT, "engine", "What to recognise it with", "null"),
    SC_SHOW(TEXT, "model", "Its model", ""),
    SC_SHOW(TEXT, "model_hash",
            "Of the model's file when the job was made, as `blame` tells it; empty: not known", ""),
    SC_SHOW(TEXT, "language", "What is spoken", "auto"),
    SC_SHOW(TEXT, "task", "`transcribe` or `translate`", "transcribe"),
    SC_SHOW(OBJECT, "settings", "The other options of the job", "{\"vad\": true}"),
    SC_SHOW(INT, "start_ms", "Where the chunk begins", "0"),
    SC_SHOW(INT, "end_ms", "Where it ends", "28400"),
    SC_SHOW(INT, "samples",
            "How many it holds, at 16 kHz: fewer than from start to end where "
            "pauses were shortened",
            "454400"),
    { .name = "until_ms",
      SC_SHOW_INT,
      .optional = true,
      .help = "Of a sequential job: where the next chunk takes over",
      .example = "300000" },
    { .name = "carry",
      SC_SHOW_TEXT,
      .optional = true,
      .help = "Of a sequential job: what the chunk before has handed on" },
    SC_SHOW(INT, "attempt", "Which try it is", "1"),
    SC_SHOW(INT, "timeout_ms", "Of the job; 0: none", "0"),
};
static const struct sc_json_shape work_shape = { .name = "Task", SC_SHAPE_FIELDS(work_fields) };
static const struct sc_json_field claim_fields[] = {
    SC_SHOW_OF(LIST, "tasks", &work_shape, "None: there was no work"),
    SC_SHOW(INT, "as_of", "For the next heartbeats: when this was claimed, by the queue's clock",
            "1763994645123"),
};
const struct sc_json_shape sc_shape_claim = {
    .name = "Claim",
    SC_SHAPE_FIELDS(claim_fields),
};

static const struct sc_json_field completion_fields[] = {
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "accepted|repeated",
      .help = "`repeated`: it was taken before",
      .example = "accepted" },
    { .name = "tasks",
      SC_SHOW_LIST,
      .of = &work_shape,
      .optional = true,
      .help = "What was claimed with it, as a claim answers" },
    { .name = "as_of",
      SC_SHOW_INT,
      .optional = true,
      .help = "With `tasks`, as a claim answers; 0: nothing could be claimed",
      .example = "1763994645123" },
};
const struct sc_json_shape sc_shape_completion = {
    .name = "Completion",
    SC_SHAPE_FIELDS(completion_fields),
};

const struct sc_json_shape sc_shape_nothing = { .name = "Nothing", .help = "An empty object" };
