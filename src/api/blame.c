/* Who or what made each word: runs of words that one engine or one edit made. */

#include "api/content.h"

#include "base/alloc.h"

#include "base/banned.h"

struct asked {
    int64_t version; /* 0: the current one */
};
static const struct sc_query_field blame_fields[] = {
    SC_QUERY_ROW(NUMBER, struct asked, version, "version",
                 .help = "An earlier version; the current one unless given", .example = "1"),
};
static const struct sc_query blame_query = SC_QUERY(blame_fields);

static enum sc_code put_origin(struct sc_json *w, struct sc_conn *conn, int64_t origin,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_ORIGIN_GET);
    sc_stmt_bind_int(&st, ":id", origin);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_TRANSCRIPT_DAMAGED,
                            "nobody knows what made a word; 'scripta fsck' looks further");
    if (code != SC_OK)
        return code;
    static const char *const texts[][2] = { { "engine", "engine" },
                                            { "engine_version", "engine_version" },
                                            { "model", "model" },
                                            { "model_hash", "model_hash" },
                                            { "by", "by_name" } };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        const char *text = sc_stmt_text(&st, texts[i][1]);
        sc_json_text(w, texts[i][0], text[0] == '\0' ? NULL : text);
    }
    sc_json_opt(w, "version", sc_stmt_int_or(&st, "version", -1));
    sc_json_time(w, "at", sc_stmt_int_or(&st, "made_ms", 0));
    return SC_OK;
}

/* What one thing made of a segment. */
struct run {
    int64_t start_ms, end_ms, origin;
    struct sc_str text;
};

static enum sc_code put_run(struct sc_json *w, struct sc_conn *conn, const struct sc_segment *s,
                            const struct run *run, struct sc_error *err)
{
    sc_json_object(w, NULL);
    sc_json_int(w, "segment", s->id);
    sc_json_seconds(w, "start", run->start_ms);
    sc_json_seconds(w, "end", run->end_ms);
    sc_json_str(w, "text", run->text);
    enum sc_code code = put_origin(w, conn, run->origin, err);
    sc_json_end(w);
    return code;
}

/* The words [from, to). */
static enum sc_code put_words(struct sc_json *w, struct sc_conn *conn, const struct sc_segment *s,
                              size_t from, size_t to, struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    for (size_t i = from; i < to; i++) {
        sc_buf_puts(&text, i == from ? "" : " ");
        sc_buf_puts(&text, s->words[i].text);
    }
    const struct run run = { s->words[from].start_ms, s->words[to - 1].end_ms,
                             sc_word_origin(s, from), sc_buf_str(&text) };
    return put_run(w, conn, s, &run, err);
}

/* Without words all that is known is when the segment begins and ends. */
static enum sc_code put_bare(struct sc_json *w, struct sc_conn *conn, const struct sc_segment *s,
                             struct sc_error *err)
{
    struct run run = { s->start_ms, s->end_ms, s->origin, sc_str_from(s->text) };
    const struct sc_str all = run.text;
    enum sc_code code = s->made_count == 0 ? put_run(w, conn, s, &run, err) : SC_OK;
    for (size_t i = 0, from = 0; code == SC_OK && i < s->made_count; i++) {
        size_t until = SC_MIN(s->made[i].until, all.len);
        run.text = sc_str_trim((struct sc_str){ all.ptr + from, until - from });
        run.origin = s->made[i].origin;
        code = put_run(w, conn, s, &run, err);
        from = until;
    }
    return code;
}

static enum sc_code put_segment(struct sc_json *w, struct sc_conn *conn, const struct sc_segment *s,
                                struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (s->word_count == 0)
        return put_bare(w, conn, s, err);
    for (size_t from = 0, to; code == SC_OK && from < s->word_count; from = to) {
        to = from + 1;
        while (to < s->word_count && sc_word_origin(s, to) == sc_word_origin(s, from))
            to++;
        code = put_words(w, conn, s, from, to, err);
    }
    return code;
}

static enum sc_code put_blame(struct sc_api *api, const struct sc_content *c, struct sc_buf *body,
                              struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_json w;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code != SC_OK)
        return code;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", c->t.id);
    sc_json_int(&w, "version", c->version);
    sc_json_array(&w, "runs");
    for (size_t i = 0; code == SC_OK && i < c->segments.count; i++)
        code = put_segment(&w, conn, &c->segments.items[i], err);
    if (code != SC_OK)
        return code;
    sc_json_end(&w);
    sc_json_end(&w);
    return SC_OK;
}

struct sc_done *sc_api_transcript_blame(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_CONTENT content = { 0 };
    struct asked asked = { .version = 0 };
    enum sc_code code = sc_query_read(req, &blame_query, &asked, &err);
    if (code == SC_OK)
        code = sc_content_load(req, api, asked.version, &content, &err);
    if (code == SC_OK)
        code = put_blame(api, &content, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

static const struct sc_json_field run_fields[] = {
    SC_SHOW(INT, "segment", "Its `id`", "1"),
    SC_SHOW(REAL, "start",
            "Of the first word, in seconds; of the segment where it has no words' times", "0.32"),
    SC_SHOW(REAL, "end", "Of the last word, or of the segment", "0.58"),
    SC_SHOW(TEXT, "text", "The words", "good evening"),
    SC_SHOW(
        TEXT_OR_NULL, "engine",
        "What made them; null: a person; `restored`: not known, the check took them from an export",
        "pocketsphinx"),
    SC_SHOW(TEXT_OR_NULL, "engine_version", "Of the engine", "5.0"),
    SC_SHOW(TEXT_OR_NULL, "model", "Of the engine", NULL),
    SC_SHOW(TEXT_OR_NULL, "model_hash",
            "Of the model's file; where its sum is not known `file:`, its bytes and its time",
            "sha256:9f86d081…"),
    SC_SHOW(TEXT_OR_NULL, "by", "Whose edit made them; null: the transcription", "local"),
    SC_SHOW(INT_OR_NULL, "version", "The version that this edit made", "2"),
    SC_SHOW(TIME_OR_NULL, "at", "When", "2026-11-20T14:30:45.123Z"),
};
static const struct sc_json_shape run_shape = { .name = "Run", SC_SHAPE_FIELDS(run_fields) };
static const struct sc_json_field blamed_fields[] = {
    SC_SHOW(INT, "id", "Of the transcript", "1"),
    SC_SHOW(INT, "version", "The one shown", "2"),
    SC_SHOW_OF(LIST, "runs", &run_shape, "Words that one engine or one edit made, in order"),
};
static const struct sc_json_shape blame_shape = { .name = "Blame", SC_SHAPE_FIELDS(blamed_fields) };
SC_API_DOC(transcript_blame) = {
    .query = &blame_query,
    .replies = { { 200, &blame_shape } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND },
};
