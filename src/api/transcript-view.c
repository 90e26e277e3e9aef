#include "api/views.h"

#include "transcript/writer.h"

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

void sc_version_view(struct sc_json *w, const char *key, const struct sc_version *v,
                     const struct sc_segments *segments)
{
    sc_json_object(w, key);
    sc_json_int(w, "version", v->version);
    sc_json_bool(w, "is_current", v->current);
    sc_json_int(w, "segment_count", v->segment_count);
    sc_json_int(w, "word_count", v->word_count);
    sc_json_text(w, "created_by", v->created_by);
    sc_json_time(w, "created_at", v->created_ms);
    sc_json_text(w, "change_note", v->change_note[0] == '\0' ? NULL : v->change_note);
    sc_json_text(w, "content_hash", v->content_hash);
    if (segments != NULL)
        put_content(w, segments);
    sc_json_end(w);
}

void sc_export_view(struct sc_json *w, const char *key, const struct sc_export_row *row)
{
    sc_json_object(w, key);
    sc_json_int(w, "export_id", row->id);
    sc_json_int(w, "version", row->version);
    sc_json_text(w, "format", row->format);
    sc_json_text(w, "file_path", row->path);
    sc_json_text(w, "exported_by", row->by);
    sc_json_time(w, "exported_at", row->exported_ms);
    sc_json_end(w);
}

static const char *type_of(const struct sc_writer_option *option)
{
    switch (option->type) {
    case SC_WRITER_BOOL:
        return "boolean";
    case SC_WRITER_INT:
        return "integer";
    case SC_WRITER_SECONDS:
        return "seconds";
    case SC_WRITER_CHOICE:
        return "choice";
    }
    return "";
}

static void put_option(struct sc_json *w, const struct sc_writer_option *option,
                       const struct sc_writer_options *defaults)
{
    SC_AUTO_BUF fallback = { 0 };
    sc_writer_option_put(option, defaults, &fallback);
    sc_json_object(w, NULL);
    sc_json_text(w, "name", option->name);
    sc_json_text(w, "type", type_of(option));
    if (option->type == SC_WRITER_CHOICE)
        sc_json_str(w, "default", sc_buf_str(&fallback));
    else
        sc_json_raw(w, "default", sc_buf_str(&fallback)); /* a number, true or false */
    if (option->type == SC_WRITER_INT) {
        sc_json_int(w, "min", option->min);
        sc_json_int(w, "max", option->max);
    } else if (option->type == SC_WRITER_SECONDS) {
        sc_json_real(w, "min", (double)option->min / 1000, 3);
        sc_json_real(w, "max", (double)option->max / 1000, 3);
    } else if (option->type == SC_WRITER_CHOICE) {
        struct sc_str rest = sc_str_from(option->choices);
        sc_json_array(w, "choices");
        while (rest.len > 0)
            sc_json_str(w, NULL, sc_str_take_until(&rest, '|'));
        sc_json_end(w);
    }
    sc_json_text(w, "help", option->help);
    sc_json_end(w);
}

void sc_formats_view(struct sc_buf *out)
{
    struct sc_json w;
    size_t formats, options;
    const struct sc_format *all = sc_format_all(&formats);
    const struct sc_writer_option *table = sc_writer_option_all(&options);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "formats");
    for (size_t f = 0; f < formats; f++) {
        struct sc_writer_options defaults;
        sc_writer_options_init(&defaults, &all[f]);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "name", all[f].name);
        sc_json_text(&w, "description", all[f].description);
        sc_json_text(&w, "mime_type", all[f].mime_type);
        sc_json_text(&w, "file_extension", all[f].extension);
        sc_json_array(&w, "options");
        for (size_t i = 0; i < options; i++) {
            if (sc_writer_option_applies(&table[i], &all[f]))
                put_option(&w, &table[i], &defaults);
        }
        sc_json_end(&w);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
}
