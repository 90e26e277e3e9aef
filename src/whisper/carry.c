#include "whisper/carry.h"

#include "json/reader.h"
#include "json/writer.h"

#include <math.h>

#include "base/banned.h"

/* Far beyond what the decoding of a recording of months asks for, and skipped within a second. */
#define DRAWN_MAX (INT64_C(1) << 28)
#define FRAME_MAX (INT64_C(1) << 40)
#define LOUDEST_MAX 20.0

void sc_carry_done(struct sc_carry *c)
{
    sc_past_done(&c->past);
}

void sc_carry_write(const struct sc_carry *c, struct sc_buf *out)
{
    char loudest[32];
    struct sc_json w;
    size_t first = c->past.count - SC_MIN(c->past.count, (size_t)SC_CARRY_TOKENS);
    /* Nine digits are every bit of it. */
    int n = snprintf(loudest, sizeof(loudest), "%.9g", (double)c->loudest);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "frame", c->frame);
    sc_json_text(&w, "language", c->language);
    sc_json_raw(&w, "loudest", (struct sc_str){ loudest, (size_t)n });
    sc_json_array(&w, "drawn");
    for (size_t i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++)
        sc_json_int(&w, NULL, c->drawn[i]);
    sc_json_end(&w);
    sc_json_array(&w, "tokens");
    for (size_t i = first; i < c->past.count; i++)
        sc_json_int(&w, NULL, c->past.tokens[i]);
    sc_json_end(&w);
    sc_json_end(&w);
}

static enum sc_code damaged(const char *what, struct sc_error *err)
{
    return sc_error_set(err, SC_E_ENGINE_ERROR,
                        "what the chunk before has handed on is damaged (%s): submit the job again "
                        "with force",
                        what);
}

struct body {
    int64_t frame;
    double loudest;
    struct sc_str language;
    const struct sc_json_value *drawn, *tokens;
};

static const struct sc_json_field fields[] = {
    { "frame", SC_JSON_INT, offsetof(struct body, frame), .required = true, .max = FRAME_MAX },
    { "language", SC_JSON_TEXT, offsetof(struct body, language), .required = true,
      .max = SC_LANGUAGE_TEXT - 1 },
    { "loudest", SC_JSON_REAL, offsetof(struct body, loudest), .required = true },
    { "drawn", SC_JSON_ARRAY, offsetof(struct body, drawn), .required = true },
    { "tokens", SC_JSON_ARRAY, offsetof(struct body, tokens), .required = true },
};

static bool read_drawn(const struct sc_json_value *list, struct sc_carry *out)
{
    if (sc_json_count(list) != SC_DECODE_HYPOTHESES_MAX)
        return false;
    for (size_t i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++) {
        out->drawn[i] = sc_json_get_int(sc_json_at(list, i), -1);
        if (out->drawn[i] < 0 || out->drawn[i] > DRAWN_MAX)
            return false;
    }
    return true;
}

static bool read_tokens(const struct sc_json_value *list, int32_t tokens, struct sc_carry *out)
{
    size_t count = sc_json_count(list);
    if (count > SC_CARRY_TOKENS)
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t number = sc_json_get_int(sc_json_at(list, i), -1);
        int32_t token = (int32_t)number;
        if (number < 0 || number >= tokens || !sc_past_add(&out->past, &token, 1))
            return false;
    }
    return true;
}

/* "", or a code as models know them. */
static bool read_language(struct sc_str text, struct sc_carry *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 'a' || text.ptr[i] > 'z')
            return false;
    }
    (void)snprintf(out->language, sizeof(out->language), "%.*s", (int)text.len, text.ptr);
    return true;
}

enum sc_code sc_carry_read(struct sc_str text, int32_t tokens, struct sc_carry *out,
                           struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_carry_done) struct sc_carry made = { 0 };
    struct body body = { 0 };
    if (text.len > SC_CARRY_MAX || sc_json_parse(text, &doc, NULL) != SC_OK ||
        sc_json_read(sc_json_root(doc), fields, SC_ARRAY_LEN(fields), &body, NULL) != SC_OK)
        return damaged("its form", err);
    made.frame = body.frame;
    made.loudest = (float)body.loudest;
    if (!(fabs(body.loudest) <= LOUDEST_MAX))
        return damaged("loudest", err);
    if (!read_language(body.language, &made))
        return damaged("language", err);
    if (!read_drawn(body.drawn, &made))
        return damaged("drawn", err);
    if (!read_tokens(body.tokens, tokens, &made))
        return damaged("tokens", err);
    *out = made;
    made.past = (struct sc_past){ 0 };
    return SC_OK;
}
