#include "json/writer.h"

#include "transcript/writer-internal.h"

#include "base/banned.h"

/* The transcript object of the API; times are seconds with three decimals. No text is changed. */

/* Of a word three decimals are all that is stored. */
static void put_confidence(struct sc_json *w, float confidence, int decimals)
{
    if (confidence >= 0)
        sc_json_real(w, "confidence", (double)confidence, decimals);
    else
        sc_json_null(w, "confidence");
}

static void put_words(struct sc_json *w, const struct sc_segment *s,
                      const struct sc_writer_options *options)
{
    sc_json_array(w, "words");
    for (size_t i = 0; i < s->word_count; i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "word", s->words[i].text);
        sc_json_seconds(w, "start", sc_writer_time(options, s->words[i].start_ms));
        sc_json_seconds(w, "end", sc_writer_time(options, s->words[i].end_ms));
        put_confidence(w, s->words[i].confidence, 3);
        sc_json_end(w);
    }
    sc_json_end(w);
}

static void put_heard(struct sc_json *w, const struct sc_segment *s,
                      const struct sc_writer_options *options)
{
    if (s->heard == NULL)
        return;
    struct sc_heard moved = *s->heard; /* borrows its tokens */
    if (moved.seek >= 0)
        moved.seek = sc_writer_time(options, moved.seek * 10) / 10;
    sc_heard_put(w, &moved);
}

static void put_segment(struct sc_json *w, const struct sc_segment *s,
                        const struct sc_writer_options *options)
{
    sc_json_object(w, NULL);
    sc_json_opt(w, "id", s->id > 0 ? s->id : -1);
    sc_json_seconds(w, "start", sc_writer_time(options, s->start_ms));
    sc_json_seconds(w, "end", sc_writer_time(options, s->end_ms));
    sc_json_text(w, "text", s->text == NULL ? "" : s->text);
    put_confidence(w, s->confidence, 4);
    if (options->speakers)
        sc_json_text(w, "speaker", s->speaker);
    put_heard(w, s, options);
    if (options->words)
        put_words(w, s, options);
    sc_json_end(w);
}

/* Left out when nobody asked, null when it is not known. */
static void put_known(struct sc_json *w, const char *key, const char *text)
{
    if (text != NULL)
        sc_json_text(w, key, text[0] == '\0' ? NULL : text);
}

static void put_metadata(struct sc_json *w, const struct sc_writer_meta *meta)
{
    sc_json_opt(w, "id", meta->transcript_id > 0 ? meta->transcript_id : -1);
    put_known(w, "job_id", meta->job_id == NULL ? "" : meta->job_id);
    sc_json_opt(w, "file_id", meta->file_id > 0 ? meta->file_id : -1);
    put_known(w, "file_name", meta->file_name);
    put_known(w, "engine", meta->engine);
    put_known(w, "model", meta->model);
    sc_json_text(w, "status", meta->status);
    put_known(w, "language", meta->language == NULL ? "" : meta->language);
    sc_json_int(w, "version", meta->version);
}

/* The text of the segments that are written: a pass of its own, since it stands in front of them.
 */
static enum sc_code put_whole_text(struct sc_writer_out *out, struct sc_json *w,
                                   struct sc_source *source, struct sc_error *err)
{
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    sc_json_text_open(w, "text");
    for (int some = 0; sc_source_take(source, &code, &s, err);) {
        if (sc_writer_is_cut(out->options, s->end_ms))
            continue;
        sc_json_text_part(w, sc_str_from(some++ > 0 ? "\n" : ""));
        sc_json_text_part(w, sc_str_from(s->text == NULL ? "" : s->text));
        code = sc_writer_flush(out, false, err);
    }
    sc_json_text_close(w);
    source->rewind(source);
    return code;
}

SC_WRITER(sc_writer_json)
{
    SC_AUTO_WRITER_OUT out;
    struct sc_json w;
    const struct sc_segment *s;
    sc_writer_begin(&out, options, piece, ctx);
    sc_json_begin(&w, &out.buf);
    sc_json_object(&w, NULL);
    if (options->metadata)
        put_metadata(&w, meta);
    enum sc_code code = put_whole_text(&out, &w, source, err);
    sc_json_array(&w, "segments");
    while (sc_source_take(source, &code, &s, err)) {
        if (!sc_writer_is_cut(options, s->end_ms))
            put_segment(&w, s, options);
        code = sc_writer_flush(&out, false, err);
    }
    if (code != SC_OK)
        return code;
    sc_json_end(&w);
    sc_json_end(&w);
    sc_buf_putc(&out.buf, '\n');
    return sc_writer_flush(&out, true, err);
}
