#include "json/writer.h"

#include "transcript/writer-internal.h"

#include "base/banned.h"

/* The transcript object of the API; times are seconds with three decimals. */

static void put_confidence(struct sc_json *w, float confidence)
{
    if (confidence >= 0)
        sc_json_real(w, "confidence", (double)confidence, 3);
    else
        sc_json_null(w, "confidence");
}

static void put_segment(struct sc_json *w, const struct sc_segment *s)
{
    sc_json_object(w, NULL);
    sc_json_opt(w, "id", s->id > 0 ? s->id : -1);
    sc_json_seconds(w, "start", s->start_ms);
    sc_json_seconds(w, "end", s->end_ms);
    sc_json_text(w, "text", s->text == NULL ? "" : s->text);
    put_confidence(w, s->confidence);
    sc_json_text(w, "speaker", s->speaker);
    sc_json_array(w, "words");
    for (size_t i = 0; i < s->word_count; i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "word", s->words[i].text);
        sc_json_seconds(w, "start", s->words[i].start_ms);
        sc_json_seconds(w, "end", s->words[i].end_ms);
        put_confidence(w, s->words[i].confidence);
        sc_json_end(w);
    }
    sc_json_end(w);
    sc_json_end(w);
}

enum sc_code sc_writer_json(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                            sc_write_piece_fn piece, void *ctx, struct sc_error *err)
{
    struct sc_writer_out out = { .piece = piece, .ctx = ctx };
    SC_AUTO(sc_buf_done) struct sc_buf text = { 0 };
    sc_segments_text(segments, &text);
    out.buf.failed = text.failed;

    struct sc_json w;
    sc_json_begin(&w, &out.buf);
    sc_json_object(&w, NULL);
    sc_json_opt(&w, "id", meta->transcript_id > 0 ? meta->transcript_id : -1);
    sc_json_text(&w, "job_id", meta->job_id);
    sc_json_opt(&w, "file_id", meta->file_id > 0 ? meta->file_id : -1);
    sc_json_text(&w, "status", meta->status);
    sc_json_text(&w, "language", meta->language);
    sc_json_int(&w, "version", meta->version);
    sc_json_str(&w, "text", sc_buf_str(&text));
    sc_json_array(&w, "segments");
    enum sc_code code = sc_writer_flush(&out, false, err);
    for (size_t i = 0; code == SC_OK && i < segments->count; i++) {
        put_segment(&w, &segments->items[i]);
        code = sc_writer_flush(&out, false, err);
    }
    if (code == SC_OK) {
        sc_json_end(&w);
        sc_json_end(&w);
        sc_buf_putc(&out.buf, '\n');
        code = sc_writer_flush(&out, true, err);
    }
    sc_buf_done(&out.buf);
    return code;
}
