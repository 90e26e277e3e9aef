/* Edits in steps, and find and replace. */

#include "api/edits.h"

#include "base/alloc.h"
#include "transcript/find.h"

#include "base/banned.h"

#define OPERATIONS_MAX 1000
#define PLACES_MAX 1000 /* that an answer shows */

/* ---- steps ---- */

struct step_body {
    struct sc_str op, text, speaker, from, to;
    int64_t segment, with, after_word;
    double start, end, at;
};

static const struct {
    const char *name;
    enum sc_operation_kind kind;
} step_names[] = {
    { "text", SC_OPERATION_TEXT },       { "times", SC_OPERATION_TIMES },
    { "split", SC_OPERATION_SPLIT },     { "merge", SC_OPERATION_MERGE },
    { "delete", SC_OPERATION_DELETE },   { "insert", SC_OPERATION_INSERT },
    { "speaker", SC_OPERATION_SPEAKER }, { "rename_speaker", SC_OPERATION_RENAME },
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
            .help = "Of `split`: in front of the first word behind "
                    "this time, in seconds",
            .example = "1.9"),
    SC_BODY(struct step_body, after_word, INT, .min = 1, .max = INT32_MAX,
            .help = "Of `split`: how many words the first part keeps", .example = "3"),
    SC_BODY(struct step_body, with, INT, .min = 1, .max = INT64_MAX,
            .help = "Of `merge`: a segment behind it; the next one unless given", .example = "2"),
    SC_BODY(struct step_body, speaker, TEXT, .max = 200,
            .help = "Of `speaker` and `insert`; empty: nobody is named", .example = "Ann"),
    SC_BODY(struct step_body, from, TEXT, .max = 200, .help = "Of `rename_speaker`",
            .example = "S1"),
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

static enum sc_code plan_steps(struct sc_api *api, struct sc_edit_ask *a,
                               const struct sc_json_value *list, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    size_t count = sc_json_count(list);
    if (count == 0 || count > OPERATIONS_MAX)
        return sc_error_field(err, SC_E_INVALID_VALUE, "operations",
                              "operations must be a list of 1 to %d steps", OPERATIONS_MAX);
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    for (size_t i = 0; code == SC_OK && i < count; i++) {
        struct sc_operation step;
        code = read_step(sc_json_at(list, i), i + 1, &step, err);
        if (code == SC_OK)
            code = sc_draft_apply(&a->draft, &step, i + 1, err);
    }
    return code == SC_OK ? sc_edit_plan(conn, &a->save, &a->draft.list, &a->edit, &a->saved, err)
                         : code;
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
        code = plan_steps(api, &ask, body.operations, &err);
    if (code == SC_OK)
        code = sc_edit_ask_write(api, &ask, &err);
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
            .help = "What stands there then; may be empty", .example = "John"),
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
    struct sc_json places; /* an array that is open */
    int64_t segments;
};

static enum sc_code add_place(void *ctx, const struct sc_replaced *place, struct sc_error *err)
{
    struct replacing *r = ctx;
    (void)err;
    if (r->segments++ < PLACES_MAX)
        sc_replaced_view(&r->places, NULL, place);
    return SC_OK;
}

static enum sc_code plan_replace(struct sc_api *api, struct sc_edit_ask *a,
                                 const struct replace_body *body, struct replacing *r,
                                 int64_t *count, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    const struct sc_replace what = {
        .find = body->find,
        .with = body->replace,
        .flags = (body->match_case ? SC_FIND_CASE : 0) | (body->whole_words ? SC_FIND_WORDS : 0),
    };
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    if (code == SC_OK)
        code = sc_draft_replace(&a->draft, &what, add_place, r, count, err);
    if (code == SC_OK)
        code = sc_edit_plan(conn, &a->save, &a->draft.list, &a->edit, &a->saved, err);
    return code;
}

struct sc_done *sc_api_transcript_replace(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct replace_body body = { .dry_run = false };
    struct replacing r = { .segments = 0 };
    int64_t count = 0;
    SC_AUTO_BUF places = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_EDIT_ASK ask = { 0 };
    sc_json_begin(&r.places, &places);
    sc_json_array(&r.places, NULL);
    enum sc_code code = sc_request_read(req, &replace_shape, &body, &ask.doc, &err);
    ask.asked = body.asked;
    if (code == SC_OK)
        code = sc_edit_ask_begin(req, &ask, SC_CHANGE_REPLACED, &err);
    if (code == SC_OK)
        code = plan_replace(api, &ask, &body, &r, &count, &err);
    if (code == SC_OK && !body.dry_run)
        code = sc_edit_ask_write(api, &ask, &err);
    if (code != SC_OK)
        return sc_edit_answer(req, api, &ask, code, &err);
    sc_json_end(&r.places);
    const struct sc_replacement_answer answer = {
        .transcript_id = ask.save.transcript,
        .version = ask.saved.version == 0 ? ask.draft.t.version : ask.saved.version,
        .changed = ask.saved.changed && !body.dry_run,
        .dry_run = body.dry_run,
        .count = count,
        .segments = r.segments,
        .places = sc_buf_str(&places),
    };
    sc_replacement_view(&reply, &answer);
    return sc_api_answer(req, code, &err, 200, &reply);
}

/* ---- described ---- */

SC_API_DOC(transcript_edit) = {
    .body = &steps_shape,
    .replies = { { 200, &sc_shape_saved, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(transcript_replace) = {
    .body = &replace_shape,
    .replies = { { 200, &sc_shape_replacement, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT },
};
