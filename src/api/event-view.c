#include "api/request.h"
#include "api/views.h"

#include "base/banned.h"

static void put_where(struct sc_json *w, const struct sc_event *event)
{
    sc_json_text(w, "stage",
                 event->stage < 0 ? NULL : sc_stage_to_string((enum sc_stage)event->stage));
    sc_json_opt(w, "chunk", event->chunk);
    sc_json_opt(w, "attempt", event->attempt > 0 ? event->attempt : -1);
    sc_json_opt(w, "epoch", event->epoch > 0 ? event->epoch : -1);
    sc_json_text(w, "worker", event->worker[0] == '\0' ? NULL : event->worker);
}

static void put_message(struct sc_json *w, const struct sc_event *event)
{
    char text[48];
    if (event->kind == SC_EVENT_JOB_PROGRESS && event->message[0] == '\0') {
        (void)snprintf(text, sizeof(text), "%d %% done", event->progress);
        sc_json_text(w, "message", text);
        return;
    }
    sc_json_text(w, "message", event->message[0] == '\0' ? NULL : event->message);
}

/* What events of one kind alone have, under the names of the push messages. */
static void put_own(struct sc_json *w, const struct sc_event *event)
{
    if (event->kind == SC_EVENT_JOB_PROGRESS)
        sc_json_seconds(w, "eta_seconds", event->eta_ms);
    if (event->kind == SC_EVENT_JOB_COMPLETED) {
        sc_json_opt(w, "transcription_id", event->transcript_id > 0 ? event->transcript_id : -1);
        sc_json_seconds(w, "duration", event->audio_ms);
        sc_json_seconds(w, "processing_time", event->duration_ms);
    }
    if (event->kind == SC_EVENT_JOB_FAILED) {
        sc_json_text(w, "error",
                     event->message[0] == '\0' ? sc_code_text(event->code) : event->message);
        sc_json_text(w, "error_code", sc_code_name(event->code));
    }
}

static void put_segment(struct sc_json *w, const struct sc_segment *segment)
{
    sc_json_seconds(w, "start", segment->start_ms);
    sc_json_seconds(w, "end", segment->end_ms);
    sc_json_text(w, "text", segment->text == NULL ? "" : segment->text);
    sc_json_text(w, "speaker", segment->speaker);
}

void sc_event_view(struct sc_json *w, const char *key, const struct sc_event *event,
                   const struct sc_segment *segment)
{
    char cursor[SC_CURSOR_TEXT];
    sc_json_object(w, key);
    sc_json_text(w, "id",
                 event->id > 0 ? sc_cursor_format(SC_CURSOR_EVENT, event->id, cursor) : NULL);
    sc_json_text(w, "type", sc_event_kind_to_string(event->kind));
    bool of_job = event->job_id[0] != '\0';
    sc_json_text(w, "job_id", of_job ? event->job_id : NULL);
    sc_json_time(w, "at", event->at_ms);
    sc_json_text(w, "status",
                 of_job ? sc_job_state_to_string((enum sc_job_state)event->state) : NULL);
    put_where(w, event);
    sc_json_opt(w, "duration_ms", event->duration_ms);
    sc_json_opt(w, "progress", of_job ? event->progress : -1);
    sc_json_opt(w, "transcript_id", event->transcript_id > 0 ? event->transcript_id : -1);
    sc_json_text(w, "code", event->code == SC_OK ? NULL : sc_code_name(event->code));
    put_message(w, event);
    put_own(w, event);
    if (segment != NULL)
        put_segment(w, segment);
    sc_json_end(w);
}

struct sc_event sc_event_of_segment(const struct sc_event *done, const struct sc_segment *segment)
{
    struct sc_event event = *done;
    event.id = 0;
    if (done->kind != SC_EVENT_SEGMENT_PROVISIONAL) {
        event.kind = SC_EVENT_SEGMENT;
        event.chunk = segment->chunk;
    }
    event.duration_ms = -1;
    return event;
}

void sc_event_sse(struct sc_buf *out, const struct sc_event *event,
                  const struct sc_segment *segment)
{
    char cursor[SC_CURSOR_TEXT];
    sc_buf_printf(out, "event: %s\n", sc_event_kind_to_string(event->kind));
    if (event->id > 0)
        sc_buf_printf(out, "id: %s\n", sc_cursor_format(SC_CURSOR_EVENT, event->id, cursor));
    /* The writer escapes line ends, so that the object is one line. */
    sc_buf_puts(out, "data: ");
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_event_view(&w, NULL, event, segment);
    sc_buf_puts(out, "\n\n");
}

/* ---- what the view writes ---- */

static const struct sc_json_field event_fields[] = {
    SC_SHOW(TEXT_OR_NULL, "id", "Its cursor; null: it is not in the log", "e1a"),
    SC_SHOW_WORDS(TEXT, "type", sc_words_event_kind, "What happened", "job_progress"),
    SC_SHOW(UUID_OR_NULL, "job_id", "To which job", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW(TIME, "at", "When", "2026-11-20T14:30:45.123Z"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "status", sc_words_job_state, "The state of the job then",
                  "processing"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "stage", sc_words_stage, "In which stage", "transcribe"),
    SC_SHOW(INT_OR_NULL, "chunk", "At which chunk", "2"),
    SC_SHOW(INT_OR_NULL, "attempt", "Which try it was", NULL),
    SC_SHOW(INT_OR_NULL, "epoch", "Which claim it was", NULL),
    SC_SHOW(TEXT_OR_NULL, "worker", "Which worker", "w1"),
    SC_SHOW(INT_OR_NULL, "duration_ms", "How long it took", NULL),
    SC_SHOW(INT_OR_NULL, "progress", "Of the job: 0 to 100", "40"),
    SC_SHOW(INT_OR_NULL, "transcript_id", "What came of it", "1"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "code", sc_words_code, "Why it failed", NULL),
    SC_SHOW(TEXT_OR_NULL, "message", "The same as a sentence", NULL),
    { .name = "eta_seconds",
      SC_SHOW_REAL_OR_NULL,
      .optional = true,
      .help = "Of `job_progress`: to the end of the job; null: not known, or read from the log" },
    { .name = "transcription_id",
      SC_SHOW_INT_OR_NULL,
      .optional = true,
      .help = "Of `job_complete`: its transcript" },
    { .name = "duration",
      SC_SHOW_REAL_OR_NULL,
      .optional = true,
      .help = "Of `job_complete`: of the recording, in seconds" },
    { .name = "processing_time",
      SC_SHOW_REAL_OR_NULL,
      .optional = true,
      .help = "Of `job_complete`: from its start to its end, in seconds" },
    { .name = "error", SC_SHOW_TEXT, .optional = true, .help = "Of `job_error`: why" },
    { .name = "error_code",
      SC_SHOW_TEXT,
      .words = sc_words_code,
      .optional = true,
      .help = "Of `job_error`: the same as a code" },
    { .name = "start",
      SC_SHOW_REAL,
      .optional = true,
      .help = "Of `segment` and `segment_provisional`: where it begins in the recording, in "
              "seconds" },
    { .name = "end", SC_SHOW_REAL, .optional = true, .help = "Of the same: and where it ends" },
    { .name = "text", SC_SHOW_TEXT, .optional = true, .help = "Of the same: what was said" },
    { .name = "speaker",
      SC_SHOW_TEXT_OR_NULL,
      .optional = true,
      .help = "Of the same: who said it, where that is known" },
};

const struct sc_json_shape sc_shape_event = {
    .name = "Event",
    .help = "Something that happened",
    SC_SHAPE_FIELDS(event_fields),
};

SC_PAGE_SHAPE(sc_shape_events, "EventPage", "events", &sc_shape_event);
