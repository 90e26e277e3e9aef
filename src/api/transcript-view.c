#include "api/views.h"

#include "base/banned.h"

#define CONFIDENCE_DIGITS 4

static void put_confidence(struct sc_json *w, const char *key, double confidence)
{
    if (confidence < 0)
        sc_json_null(w, key);
    else
        sc_json_real(w, key, confidence, CONFIDENCE_DIGITS);
}

static void put_word(struct sc_json *w, const struct sc_word *word)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "word", word->text);
    sc_json_seconds(w, "start", word->start_ms);
    sc_json_seconds(w, "end", word->end_ms);
    put_confidence(w, "confidence", (double)word->confidence);
    sc_json_end(w);
}

static void put_segment(struct sc_json *w, const struct sc_segment *segment)
{
    sc_json_object(w, NULL);
    sc_json_int(w, "id", segment->id);
    sc_json_seconds(w, "start", segment->start_ms);
    sc_json_seconds(w, "end", segment->end_ms);
    sc_json_text(w, "text", segment->text == NULL ? "" : segment->text);
    put_confidence(w, "confidence", (double)segment->confidence);
    sc_json_text(w, "speaker", segment->speaker);
    sc_json_array(w, "words");
    for (size_t i = 0; i < segment->word_count; i++)
        put_word(w, &segment->words[i]);
    sc_json_end(w);
    sc_json_end(w);
}

static void put_content(struct sc_json *w, const struct sc_segments *segments)
{
    SC_AUTO_BUF text = { 0 };
    sc_segments_text(segments, &text);
    w->out->failed = w->out->failed || text.failed;
    sc_json_str(w, "text", sc_buf_str(&text));
    sc_json_array(w, "segments");
    for (size_t i = 0; i < segments->count; i++)
        put_segment(w, &segments->items[i]);
    sc_json_end(w);
}

void sc_transcript_view(struct sc_json *w, const char *key, const struct sc_transcript *t,
                        int version, const struct sc_segments *segments)
{
    sc_json_object(w, key);
    sc_json_int(w, "id", t->id);
    sc_json_text(w, "job_id", t->job_id[0] == '\0' ? NULL : t->job_id);
    sc_json_int(w, "file_id", t->file_id);
    sc_json_text(w, "status", t->complete ? "complete" : "partial");
    sc_json_text(w, "language", t->language[0] == '\0' ? NULL : t->language);
    sc_json_int(w, "version", version);
    sc_json_int(w, "segment_count", t->segment_count);
    sc_json_int(w, "word_count", t->word_count);
    put_confidence(w, "confidence_score", t->confidence);
    sc_json_seconds(w, "duration_seconds", t->duration_ms);
    sc_json_text(w, "srt_path", t->srt_path[0] == '\0' ? NULL : t->srt_path);
    sc_json_text(w, "cloud_url", t->cloud_url[0] == '\0' ? NULL : t->cloud_url);
    sc_json_time(w, "created_at", t->created_ms);
    sc_json_time(w, "updated_at", t->updated_ms);
    if (segments != NULL)
        put_content(w, segments);
    sc_json_end(w);
}
