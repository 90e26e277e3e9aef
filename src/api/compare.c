/* Comparing versions, and transcripts of one recording. */

#include "api/content.h"

#include "base/alloc.h"
#include "transcript/compare.h"

#include <inttypes.h>

#include "base/banned.h"

enum format { FORMAT_JSON, FORMAT_TEXT, FORMAT_UNIFIED, FORMAT_HTML };

static const char *format_word(int index)
{
    static const char *const words[] = { "json", "text", "unified", "html" };
    return index < (int)SC_ARRAY_LEN(words) ? words[index] : NULL;
}

#define CONTEXT_MAX 1000000
#define CONTEXT_DEFAULT 3

struct asked {
    int64_t v1, v2, with; /* 0: not given */
    int64_t context;      /* -1: not given */
    bool loose, colour;
    int format;
};

static const struct sc_query_field compare_fields[] = {
    SC_QUERY_ROW(NUMBER, struct asked, v1, "v1",
                 .help = "The version that is compared; unless given the one before `v2`, with "
                         "`with` the current one",
                 .example = "1"),
    SC_QUERY_ROW(NUMBER, struct asked, v2, "v2",
                 .help = "The version that it is compared with; the current one unless given",
                 .example = "2"),
    SC_QUERY_ROW(NUMBER, struct asked, with, "with",
                 .help = "Another transcript of the same recording, whose version `v2` is",
                 .example = "2"),
    SC_QUERY_ROW(WORD, struct asked, format, "format", .words = format_word,
                 .help = "What is answered", .example = "text"),
    SC_QUERY_ROW(FLAG, struct asked, loose, "loose", .help = "Neither case nor punctuation matters",
                 .example = "true"),
    SC_QUERY_ROW(FLAG, struct asked, colour, "colour",
                 .help = "`text` and `unified` with the colours of a terminal", .example = "true"),
    SC_QUERY_ROW(NUMBER, struct asked, context, "context", .min = 0, .max = CONTEXT_MAX,
                 .help = "How many segments are shown around those that differ", .example = "3"),
};
static const struct sc_query compare_query = SC_QUERY(compare_fields);

struct side {
    struct sc_transcript t;
    int version;
    struct sc_segments segments;
};

static void sides_done(struct side (*sides)[2])
{
    sc_segments_done(&(*sides)[0].segments);
    sc_segments_done(&(*sides)[1].segments);
}

static enum sc_code no_version(const struct sc_transcript *t, const char *field, int64_t version,
                               struct sc_error *err)
{
    if (t->version == 0)
        return sc_error_field(err, SC_E_VERSION_NOT_FOUND, field,
                              "transcript %" PRId64 " has no versions yet: it is still being made",
                              t->id);
    return sc_error_field(err, SC_E_VERSION_NOT_FOUND, field,
                          "transcript %" PRId64 " has no version %" PRId64 "; its newest is %d",
                          t->id, version, t->version);
}

static enum sc_code load_side(struct sc_conn *conn, int64_t version, const char *field,
                              struct side *side, struct sc_error *err)
{
    if (version > side->t.version)
        return no_version(&side->t, field, version, err);
    side->version = (int)version;
    enum sc_code code = sc_transcript_segments(conn, &side->t, side->version, &side->segments, err);
    return code == SC_E_VERSION_NOT_FOUND ? no_version(&side->t, field, version, err) : code;
}

static enum sc_code take_version(void *ctx, const struct sc_version *v, struct sc_error *err)
{
    int64_t *out = ctx;
    (void)err;
    *out = v->version;
    return SC_OK;
}

/* The newest version before v2; some may have been pruned. */
static enum sc_code version_before(struct sc_conn *conn, const struct sc_transcript *t, int64_t v2,
                                   int64_t *v1, struct sc_error *err)
{
    *v1 = 0;
    enum sc_code code = sc_version_list(conn, t->id, v2, 1, take_version, v1, err);
    if (code != SC_OK || *v1 > 0)
        return code;
    if (t->version == 0 || v2 > t->version)
        return no_version(t, "v2", v2, err);
    return sc_error_field(
        err, SC_E_VERSION_NOT_FOUND, "v1",
        "transcript %" PRId64 " has no version before %" PRId64 " to compare with", t->id, v2);
}

static enum sc_code find_other(struct sc_request *req, struct sc_conn *conn, int64_t id,
                               struct side sides[2], struct sc_error *err)
{
    sides[1].t = sides[0].t;
    if (id == 0)
        return SC_OK;
    enum sc_code code = sc_transcript_find(conn, sc_api_owner(req), id, &sides[1].t, NULL);
    if (code == SC_E_TRANSCRIPT_NOT_FOUND)
        return sc_error_field(err, code, "with", "no such transcript: '%" PRId64 "'", id);
    if (code != SC_OK)
        return sc_error_set(err, code, "cannot read transcript %" PRId64, id);
    if (sides[1].t.file_id != sides[0].t.file_id)
        return sc_error_field(err, SC_E_INVALID_VALUE, "with",
                              "transcript %" PRId64 " is of another recording (file %" PRId64
                              ", not %" PRId64 ")",
                              id, sides[1].t.file_id, sides[0].t.file_id);
    return SC_OK;
}

static enum sc_code load(struct sc_request *req, struct sc_api *api, const struct asked *asked,
                         struct side sides[2], struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_content_find(req, conn, &sides[0].t, err);
    if (code == SC_OK)
        code = find_other(req, conn, asked->with, sides, err);
    if (code != SC_OK)
        return code;
    int64_t v2 = asked->v2 != 0 ? asked->v2 : sides[1].t.version, v1 = asked->v1;
    if (v1 == 0 && asked->with != 0)
        v1 = sides[0].t.version;
    else if (v1 == 0)
        code = version_before(conn, &sides[0].t, v2, &v1, err);
    if (code == SC_OK)
        code = load_side(conn, v1, "v1", &sides[0], err);
    return code == SC_OK ? load_side(conn, v2, "v2", &sides[1], err) : code;
}

static enum sc_code put_style(const struct asked *asked, const struct side sides[2],
                              const struct sc_comparison *c, struct sc_buf *body,
                              struct sc_error *err)
{
    char names[2][80];
    for (int i = 0; i < 2; i++)
        (void)snprintf(names[i], sizeof(names[i]), "transcript %" PRId64 " version %d",
                       sides[i].t.id, sides[i].version);
    struct sc_compare_style style = { names[0], names[1], asked->colour, (int)asked->context };
    if (style.context < 0 && asked->format != FORMAT_HTML)
        style.context = CONTEXT_DEFAULT;
    body->limit = SIZE_MAX / 4;
    if (asked->format == FORMAT_HTML)
        sc_comparison_html(c, &style, body);
    else if (asked->format == FORMAT_TEXT)
        sc_comparison_text(c, &style, body);
    else if (!sc_comparison_unified(c, &style, body))
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    return SC_OK;
}

struct sc_done *sc_api_transcript_compare(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sides_done) struct side sides[2] = { { .version = 0 } };
    SC_AUTO_COMPARISON c = { 0 };
    struct asked asked = { .context = -1 };
    enum sc_code code = sc_query_read(req, &compare_query, &asked, &err);
    if (code == SC_OK)
        code = load(req, api, &asked, sides, &err);
    if (code == SC_OK &&
        !sc_compare(&sides[0].segments, &sides[1].segments, asked.loose ? SC_DIFF_LOOSE : 0, &c))
        code = sc_error_set(&err, SC_E_INTERNAL, "memory is exhausted");
    if (code == SC_OK && asked.format != FORMAT_JSON)
        code = put_style(&asked, sides, &c, &body, &err);
    if (code == SC_OK && asked.format == FORMAT_JSON) {
        const struct sc_compared compared[] = { { sides[0].t.id, sides[0].version },
                                                { sides[1].t.id, sides[1].version } };
        sc_comparison_view(&body, compared, &c);
    }
    if (code != SC_OK || asked.format == FORMAT_JSON)
        return sc_api_answer(req, code, &err, 200, &body);
    return sc_reply_bytes(req, 200,
                          asked.format == FORMAT_HTML ? "text/html; charset=utf-8"
                                                      : "text/plain; charset=utf-8",
                          &body);
}

SC_API_DOC(transcript_compare) = {
    .query = &compare_query,
    .replies = { { 200, &sc_shape_comparison },
                 { 200, .types = "text/plain|text/html",
                   .help = "With `format`: text, a unified diff or HTML" } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND },
};
