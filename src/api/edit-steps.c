/* Edits in steps, and find and replace. */

#include "api/edits.h"

#include "base/alloc.h"
#include "transcript/find.h"

#include "base/banned.h"

#define PLACES_MAX 1000 /* that an answer shows */

/* ---- steps ---- */

struct step_body {
    struct sc_str op, text, speaker, from, to;
    int64_t segment, with, after_word;
    double start, end, at;
};

/* What an operation takes besides `op`; of `either`, where there is any, one must be there. */
static const struct {
    const char *name;
    enum sc_operation_kind kind;
    const char *must[4], *either[3], *may[2]; /* NULL behind the last */
    bool both;                                /* of `either`: all may be there at once */
} step_names[] = {
    { "text", SC_OPERATION_TEXT, { "segment", "text" }, { NULL }, { NULL }, false },
    { "times", SC_OPERATION_TIMES, { "segment" }, { "start", "end" }, { NULL }, true },
    { "split", SC_OPERATION_SPLIT, { "segment" }, { "at", "after_word" }, { NULL }, false },
    { "merge", SC_OPERATION_MERGE, { "segment" }, { NULL }, { "with" }, false },
    { "delete", SC_OPERATION_DELETE, { "segment" }, { NULL }, { NULL }, false },
    { "insert", SC_OPERATION_INSERT, { "start", "end", "text" }, { NULL }, { "speaker" }, false },
    { "speaker", SC_OPERATION_SPEAKER, { "segment", "speaker" }, { NULL }, { NULL }, false },
    { "rename_speaker", SC_OPERATION_RENAME, { "from", "to" }, { NULL }, { NULL }, false },
};

static const char *step_word(int index)
{
    return index < (int)SC_ARRAY_LEN(step_names) ? step_names[index].name : NULL;
}

static const struct sc_json_field step_fields[] = {
    SC_BODY(struct step_body, op, TEXT, .required = true, .words = step_word,
            .help = "What is done", .example = "text"),
    SC_BODY(struct step_body, segment, INT, .min = 1, .max = INT64_MAX,
            .help = "The `id` of the segment; of all but `insert` and `rename_speaker`",
            .example = "1"),
    SC_BODY(struct step_body, text, TEXT, .help = "Of `text` and `insert`",
            .example = "good evening"),
    SC_BODY(struct step_body, start, REAL, .help = "Of `times` and `insert`, in seconds",
            .example = "1.5"),
    SC_BODY(struct step_body, end, REAL, .help = "Of `times` and `insert`, in seconds",
            .example = "2.5"),
    SC_BODY(struct step_body, at, REAL,
            .help = "Of `split`: in front of the first word that begins at "
                    "this time or later, in seconds",
            .example = "1.9"),
    SC_BODY(struct step_body, after_word, INT, .min = 1, .max = INT32_MAX,
            .help = "Of `split`: how many words the first part keeps", .example = "3"),
    SC_BODY(struct step_body, with, INT, .min = 1, .max = INT64_MAX,
            .help = "Of `merge`: a segment behind it; the next one unless given", .example = "2"),
    SC_BODY(struct step_body, speaker, TEXT, .max = 200,
            .help = "Of `speaker` and `insert`; empty: nobody is named", .example = "Ann"),
    SC_BODY(struct step_body, from, TEXT,
            .help = "Of `rename_speaker`: a name that is there, however long", .example = "S1"),
    SC_BODY(struct step_body, to, TEXT, .max = 200, .help = "Of `rename_speaker`",
            .example = "Ann"),
};
static const struct sc_json_shape step_shape = { .name = "EditOperation",
                                                 .request = true,
                                                 SC_SHAPE_FIELDS(step_fields) };

struct steps_body {
    struct sc_edit_asked asked;
    const struct sc_json_value *operations;
};
static const struct sc_json_field steps_fields[] = {
    SC_BODY(struct steps_body, operations, ARRAY, .required = true, .items = SC_JSON_OBJECT,
            .of = &step_shape, .help = "1 to 1,000 steps; each sees what those before it made"),
    SC_EDIT_ASKED_ROWS(struct steps_body),
};
static const struct sc_json_shape steps_shape = { .name = "TranscriptEdit",
                                                  .request = true,
                                                  SC_SHAPE_FIELDS(steps_fields) };

static bool is_listed(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static bool is_given(const struct sc_json_value *step, const char *name)
{
    const struct sc_json_value *v = sc_json_member(step, name);
    return v != NULL && sc_json_type(v) != SC_JSON_NULL;
}

/* What the operation does not take would be passed over, and what it lacks be taken for empty. */
static enum sc_code check_members(const struct sc_json_value *step, size_t kind, size_t number,
                                  struct sc_error *err)
{
    const char *const *must = step_names[kind].must, *const *either = step_names[kind].either;
    for (size_t i = 0; i < SC_ARRAY_LEN(step_fields); i++) {
        const char *name = step_fields[i].name;
        if (strcmp(name, "op") != 0 && is_given(step, name) && !is_listed(must, name) &&
            !is_listed(either, name) && !is_listed(step_names[kind].may, name))
            return sc_error_field(err, SC_E_INVALID_VALUE, "operations",
                                  "operation %zu: %s takes no %s; leave it out", number,
                                  step_names[kind].name, name);
    }
    for (; *must != NULL; must++) {
        if (!is_given(step, *must))
            return sc_error_field(err, SC_E_INVALID_VALUE, "operations",
                                  "operation %zu: %s needs %s", number, step_names[kind].name,
                                  *must);
    }
    int count = either[0] == NULL ? 1 : is_given(step, either[0]) + is_given(step, either[1]);
    if (count == 0 || (count == 2 && !step_names[kind].both))
        return sc_error_field(err, SC_E_INVALID_VALUE, "operations",
                              "operation %zu: %s needs %s or %s%s", number, step_names[kind].name,
                              either[0], either[1], count == 2 ? ", not both" : "");
    return SC_OK;
}

static enum sc_code check_times(const struct sc_json_value *step, size_t number,
                                struct sc_error *err)
{
    static const char *const times[] = { "start", "end", "at" };
    for (size_t i = 0; i < SC_ARRAY_LEN(times); i++) {
        if (is_given(step, times[i]) &&
            sc_edit_ms(sc_json_get_real(sc_json_member(step, times[i]), -1)) < 0)
            return sc_error_field(err, SC_E_INVALID_VALUE, "operations",
                                  "operation %zu: %s is no time of a recording; give seconds from "
                                  "its start, 0 or more",
                                  number, times[i]);
    }
    return SC_OK;
}

static enum sc_code read_step(const struct sc_json_value *value, size_t number,
                              struct sc_operation *out, struct sc_error *err)
{
    struct step_body b = { .start = -0.001, .end = -0.001, .at = -0.001 };
    struct sc_error why = { 0 };
    if (sc_request_object(value, "operations", &step_shape, &b, &why) != SC_OK)
        return sc_error_field(err, SC_E_INVALID_VALUE, "operations", "operation %zu: %.180s",
                              number, why.msg);
    size_t kind = 0;
    while (kind < SC_ARRAY_LEN(step_names) &&
           !sc_str_equal(b.op, sc_str_from(step_word((int)kind))))
        kind++;
    if (kind == SC_ARRAY_LEN(step_names))
        return sc_error_field(err, SC_E_INVALID_VALUE, "operations",
                              "operation %zu: op must be text, times, split, merge, delete, "
                              "insert, speaker or rename_speaker",
                              number);
    if (check_members(value, kind, number, err) != SC_OK ||
        check_times(value, number, err) != SC_OK)
        return SC_E_INVALID_VALUE;
    *out = (struct sc_operation){
        .kind = step_names[kind].kind,
        .segment = b.segment,
        .with = b.with,
        .start_ms = sc_edit_ms(b.start),
        .end_ms = sc_edit_ms(b.end),
        .at_ms = sc_edit_ms(b.at),
        .words = b.after_word,
        .text = b.text,
        .speaker = step_names[kind].kind == SC_OPERATION_RENAME ? b.to : b.speaker,
        .from = b.from,
    };
    return SC_OK;
}

static enum sc_code plan_steps(struct sc_api *api, struct sc_edit_ask *a, void *ctx,
                               struct sc_error *err)
{
    const struct sc_json_value *list = ((const struct steps_body *)ctx)->operations;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    size_t count = sc_json_count(list);
    if (count == 0 || count > SC_OPERATIONS_MAX)
        return sc_error_field(
            err, SC_E_INVALID_VALUE, "operations",
            "operations must be a list of 1 to %d steps; PUT the segments to change more",
            SC_OPERATIONS_MAX);
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    for (size_t i = 0; code == SC_OK && i < count; i++) {
        struct sc_operation step;
        code = read_step(sc_json_at(list, i), i + 1, &step, err);
        if (code == SC_OK)
            code = sc_draft_apply(&a->draft, &step, i + 1, err);
    }
    return code == SC_OK ? sc_edit_plan_draft(&a->draft, &a->save, &a->edit, &a->saved, err) : code;
}

struct sc_done *sc_api_transcript_edit(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct steps_body body = { .operations = NULL };
    SC_AUTO_EDIT_ASK ask = { 0 };
    enum sc_code code = sc_request_read(req, &steps_shape, &body, &ask.doc, &err);
    ask.asked = body.asked;
    if (code == SC_OK)
        code = sc_edit_ask_begin(req, &ask, SC_CHANGE_EDITED, &err);
    if (code == SC_OK)
        code = sc_edit_ask_run(api, &ask, plan_steps, &body, &err);
    return sc_edit_answer(req, api, &ask, code, &err);
}

/* ---- find and replace ---- */

struct replace_body {
    struct sc_edit_asked asked;
    struct sc_str find, replace;
    bool match_case, whole_words, dry_run;
};
static const struct sc_json_field replace_fields[] = {
    SC_BODY(struct replace_body, find, TEXT, .required = true, .min = 1, .max = 1000,
            .help = "What is looked for, within each segment", .example = "Jon"),
    SC_BODY(struct replace_body, replace, TEXT, .required = true, .max = 1000,
            .help = "What stands there then; may be empty: a segment of which nothing is left goes",
            .example = "John"),
    SC_BODY(struct replace_body, match_case, BOOL, .help = "Capitals are other letters",
            .example = "false"),
    SC_BODY(struct replace_body, whole_words, BOOL, .help = "Not within longer words",
            .example = "true"),
    SC_BODY(struct replace_body, dry_run, BOOL, .help = "Only tell what would change",
            .example = "true"),
    SC_EDIT_ASKED_ROWS(struct replace_body),
};
static const struct sc_json_shape replace_shape = { .name = "TranscriptReplace",
                                                    .request = true,
                                                    SC_SHAPE_FIELDS(replace_fields) };

struct replacing {
    const struct replace_body *body;
    struct sc_buf text;    /* of places */
    struct sc_json places; /* an array that is open */
    int64_t segments, count;
};

static void replacing_done(struct replacing *r)
{
    sc_buf_done(&r->text);
}

static enum sc_code add_place(void *ctx, const struct sc_replaced *place, struct sc_error *err)
{
    struct replacing *r = ctx;
    (void)err;
    if (r->segments++ < PLACES_MAX)
        sc_replaced_view(&r->places, NULL, place);
    return SC_OK;
}

static enum sc_code plan_replace(struct sc_api *api, struct sc_edit_ask *a, void *ctx,
                                 struct sc_error *err)
{
    struct replacing *r = ctx;
    const struct replace_body *body = r->body;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    const struct sc_replace what = {
        .find = body->find,
        .with = body->replace,
        .flags = (body->match_case ? SC_FIND_CASE : 0) | (body->whole_words ? SC_FIND_WORDS : 0),
    };
    sc_buf_done(&r->text); /* of the try before */
    r->segments = 0;
    sc_json_begin(&r->places, &r->text);
    sc_json_array(&r->places, NULL);
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    if (code == SC_OK)
        code = sc_draft_replace(&a->draft, &what, add_place, r, &r->count, err);
    if (code == SC_OK)
        code = sc_edit_plan_draft(&a->draft, &a->save, &a->edit, &a->saved, err);
    return code;
}

struct sc_done *sc_api_transcript_replace(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct replace_body body = { .dry_run = false };
    SC_AUTO(replacing_done) struct replacing r = { .body = &body };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_EDIT_ASK ask = { 0 };
    enum sc_code code = sc_request_read(req, &replace_shape, &body, &ask.doc, &err);
    ask.asked = body.asked;
    if (code == SC_OK)
        code = sc_edit_ask_begin(req, &ask, SC_CHANGE_REPLACED, &err);
    if (code == SC_OK)
        code = body.dry_run ? plan_replace(api, &ask, &r, &err)
                            : sc_edit_ask_run(api, &ask, plan_replace, &r, &err);
    if (code != SC_OK)
        return sc_edit_answer(req, api, &ask, code, &err);
    sc_json_end(&r.places);
    char etag[SC_ETAG_TEXT];
    const struct sc_replacement_answer answer = {
        .transcript_id = ask.save.transcript,
        .version = ask.saved.version == 0 ? ask.draft.t.version : ask.saved.version,
        .changed = ask.saved.changed && !body.dry_run,
        .dry_run = body.dry_run,
        .count = r.count,
        .segments = r.segments,
        .places = sc_buf_str(&r.text),
        .etag = sc_edit_etag(req, ask.save.transcript, ask.saved.version, etag),
    };
    sc_replacement_view(&reply, &answer);
    return sc_api_answer(req, code, &err, 200, &reply);
}

/* ---- described ---- */

SC_API_DOC(transcript_edit) = {
    .body = &steps_shape,
    .replies = { { 200, &sc_shape_saved, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT, SC_E_TRANSCRIPT_BUSY },
};
SC_API_DOC(transcript_replace) = {
    .body = &replace_shape,
    .replies = { { 200, &sc_shape_replacement, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT, SC_E_TRANSCRIPT_BUSY },
};
