/* Editing transcripts: a whole one, in steps, find and replace, rolling back, pruning, history. */

#include "api/edits.h"
#include "api/content.h"
#include "api/heard.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "transcript/diff.h"
#include "transcript/reader.h"
#include "transcript/revise.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

#define EDIT_TRIES 32 /* in each of which somebody's edit is written */
#define NO_VERSION (-1)
#define NAME_MAX_BYTES 200

static void forget_plan(struct sc_edit_ask *a)
{
    sc_segments_done(&a->wanted);
    sc_draft_done(&a->draft);
    sc_edit_free(SC_TAKE(a->edit));
    sc_buf_done(&a->mine);
}

void sc_edit_ask_done(struct sc_edit_ask *a)
{
    forget_plan(a);
    sc_json_doc_free(a->doc);
    free(a->note);
}

enum sc_code sc_edit_ask_begin(struct sc_request *req, struct sc_edit_ask *a,
                               enum sc_change_kind kind, struct sc_error *err)
{
    const struct sc_edit_asked *asked = &a->asked;
    a->note = asked->change_note.ptr == NULL
                  ? NULL
                  : sc_strndup(asked->change_note.ptr, asked->change_note.len);
    a->save = (struct sc_save){
        .owner_id = sc_api_owner(req),
        .by = sc_api_owner(req),
        .base_version = (int)asked->base_version,
        .note = a->note,
        .kind = kind,
    };
    struct sc_str stale = sc_request_stale_tags(req);
    a->stale = stale.ptr != NULL;
    enum sc_code code = sc_path_number(req, SC_E_TRANSCRIPT_NOT_FOUND, &a->save.transcript, err);
    if (a->stale) {
        (void)sc_etag_version_of(stale, a->save.transcript, &a->stale_base);
        a->save.base_version = NO_VERSION; /* every plan is told that it is old */
    }
    if (a->save.base_version == 0) {
        a->save.base_version = (int)sc_request_matched_version(req);
        a->matched = a->save.base_version != 0;
    }
    return code;
}

/* ---- answers ---- */

static enum sc_code owe_exports(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct sc_edit_ask *a = ctx;
    return a->exported ? sc_pipelines_owe_exports(tx, a->save.transcript, err) : SC_OK;
}

static enum sc_code write_plan(struct sc_api *api, struct sc_edit_ask *a, struct sc_error *err)
{
    a->exported = sc_config_now(api->options.config)->auto_export[0] != '\0';
    const struct sc_edit_also also = { owe_exports, a };
    enum sc_code code =
        sc_edit_save(api->options.store, a->edit, sc_clock_wall_ms(), &also, &a->saved, err);
    if (code == SC_OK && a->saved.changed && a->exported)
        sc_pipelines_wake(api->options.pipelines);
    return code;
}

/* Another version is current by now. */
static bool is_late(const struct sc_error *conflict)
{
    return strcmp(conflict->field, "base_version") == 0;
}

enum sc_code sc_edit_ask_run(struct sc_api *api, struct sc_edit_ask *a, sc_edit_plan_fn plan,
                             void *ctx, struct sc_error *err)
{
    for (int tries = 1;; tries++) {
        struct sc_error why = { 0 };
        enum sc_code code = plan(api, a, ctx, err);
        if (code != SC_OK)
            return code;
        code = write_plan(api, a, &why);
        bool late = code == SC_E_CONFLICT && is_late(&why);
        if (!late || tries == EDIT_TRIES) {
            if (code != SC_OK)
                *err = why;
            return code;
        }
        forget_plan(a);
    }
}

/* The text of a version, where it can be read. */
static void put_text_of(struct sc_json *w, const char *key, struct sc_conn *conn,
                        const struct sc_transcript *t, int version)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF text = { 0 };
    if (sc_transcript_segments(conn, t, version, &list, NULL) != SC_OK)
        return;
    sc_segments_text(&list, &text);
    sc_json_str(w, key, sc_buf_str(&text));
}

/* What it says, or why that cannot be told. digits: of its checksum; "": not known. */
static void put_base(struct sc_json *w, struct sc_conn *conn, const struct sc_transcript *t,
                     int64_t version, const char *digits)
{
    struct sc_error why = { 0 };
    SC_AUTO_VERSION found = { 0 };
    if (version == 0)
        (void)sc_error_set(&why, SC_E_VERSION_NOT_FOUND,
                           "If-Match names no version of transcript %" PRId64, t->id);
    else if (version > t->version)
        (void)sc_error_set(&why, SC_E_VERSION_NOT_FOUND, "there is no version %" PRId64 " yet",
                           version);
    else if (sc_version_find(conn, t->id, (int)version, &found, NULL) != SC_OK)
        (void)sc_error_set(&why, SC_E_VERSION_NOT_FOUND, "version %" PRId64 " was pruned", version);
    else if (strncmp(found.content_hash, digits, strlen(digits)) != 0)
        (void)sc_error_set(&why, SC_E_VERSION_NOT_FOUND,
                           "version %" PRId64 " is not the one that If-Match names", version);
    if (why.code == SC_OK)
        put_text_of(w, "base_text", conn, t, (int)version);
    else
        sc_json_text(w, "base_missing", why.msg);
}

/* What somebody needs who was told that his base is old. */
static void put_stale(struct sc_api *api, const struct sc_edit_ask *a, struct sc_buf *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    struct sc_json w;
    if (sc_store_read(api->options.store, &conn, NULL) != SC_OK ||
        sc_transcript_find(conn, a->save.owner_id, a->save.transcript, &t, NULL) != SC_OK)
        return;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "current_version", t.version);
    put_text_of(&w, "current_text", conn, &t, t.version);
    if (a->stale)
        put_base(&w, conn, &t, a->stale_base.version, a->stale_base.digits);
    else if (a->save.base_version != 0)
        put_base(&w, conn, &t, a->save.base_version, "");
    if (a->mine.len > 0)
        sc_json_str(&w, "your_text", sc_buf_str(&a->mine));
    sc_json_end(&w);
}

/* The error as every other, with more members: {"error": {…} } + {…}. */
static struct sc_done *answer_stale(struct sc_request *req, struct sc_api *api,
                                    const struct sc_edit_ask *a, const struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF more = { 0 };
    int status = sc_http_error_body(req, err, &body);
    put_stale(api, a, &more);
    if (more.len > 2 && body.len > 2) {
        body.len -= 2; /* both braces */
        sc_buf_putc(&body, ',');
        sc_buf_append(&body, more.ptr + 1, more.len - 1);
        sc_buf_putc(&body, '}');
    }
    return sc_reply_json(req, status, &body);
}

const char *sc_edit_etag(struct sc_request *req, int64_t transcript, int version,
                         char out[SC_ETAG_TEXT])
{
    if (version == 0 || sc_request_header(req, "If-Match").ptr == NULL)
        return NULL;
    SC_AUTO_FREE char *path = sc_asprintf("/api/transcripts/%" PRId64, transcript);
    return sc_request_tag_of(req, path, version, out) ? out : NULL;
}

struct sc_done *sc_edit_answer(struct sc_request *req, struct sc_api *api,
                               const struct sc_edit_ask *a, enum sc_code code, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    char etag[SC_ETAG_TEXT];
    if (code == SC_E_CONFLICT && (a->stale || (a->matched && is_late(err)))) {
        *err = (struct sc_error){ 0 };
        code = sc_error_set(err, SC_E_PRECONDITION_FAILED, "%s", SC_STALE_MESSAGE);
    }
    if (code == SC_E_PRECONDITION_FAILED || (code == SC_E_CONFLICT && is_late(err)))
        return answer_stale(req, api, a, err);
    if (code == SC_OK)
        sc_saved_view(&body, a->save.transcript, &a->saved,
                      sc_edit_etag(req, a->save.transcript, a->saved.version, etag));
    return sc_api_answer(req, code, err, 200, &body);
}

/* ---- a whole one ---- */

struct put_body {
    struct sc_edit_asked asked;
    struct sc_str text;
    const struct sc_json_value *segments;
};

struct word_body {
    struct sc_str word;
    double start, end, confidence;
};
static const struct sc_json_field word_fields[] = {
    SC_BODY(struct word_body, word, TEXT, .required = true, .help = "The word", .example = "good"),
    SC_BODY(struct word_body, start, REAL, .required = true, .help = "In seconds",
            .example = "0.32"),
    SC_BODY(struct word_body, end, REAL, .required = true, .help = "In seconds", .example = "0.58"),
    SC_BODY(struct word_body, confidence, REAL, .min = 0, .max = 1, .help = "0 to 1",
            .example = "0.91"),
};
static const struct sc_json_shape word_shape = { .name = "WordEdit",
                                                 .request = true,
                                                 SC_SHAPE_FIELDS(word_fields) };

struct segment_body {
    int64_t id;
    double start, end, confidence;
    struct sc_str text, speaker;
    const struct sc_json_value *words;
    struct sc_heard_asked heard;
};
static const struct sc_json_field segment_fields[] = {
    SC_BODY(struct segment_body, id, INT, .min = 1, .max = INT64_MAX,
            .help = "Of a segment that is there; without one it is new", .example = "1"),
    SC_BODY(struct segment_body, start, REAL, .required = true, .help = "In seconds",
            .example = "0.32"),
    SC_BODY(struct segment_body, end, REAL, .required = true, .help = "In seconds",
            .example = "1.2"),
    SC_BODY(struct segment_body, text, TEXT, .required = true, .help = "What was said",
            .example = "good morning"),
    SC_BODY(struct segment_body, speaker, TEXT,
            .help = "Who said it, in at most 200 bytes; an imported name that is longer may stay"),
    SC_BODY(struct segment_body, confidence, REAL, .min = 0, .max = 1,
            .help = "0 to 1; as it was unless given", .example = "0.91"),
    SC_HEARD_ASKED_ROWS(struct segment_body,
                        "As `GET` shows it: without effect, it stays or goes with the words"),
    SC_BODY(struct segment_body, words, ARRAY, .items = SC_JSON_OBJECT, .of = &word_shape,
            .help = "Its words, which must spell the text; unless given they follow from it, and "
                    "those that were there keep their times"),
};
static const struct sc_json_shape segment_shape = { .name = "SegmentEdit",
                                                    .request = true,
                                                    SC_SHAPE_FIELDS(segment_fields) };

static const struct sc_json_field put_fields[] = {
    SC_BODY(struct put_body, segments, ARRAY, .items = SC_JSON_OBJECT, .of = &segment_shape,
            .help = "All segments in the order of time, as `GET` shows them"),
    SC_BODY(struct put_body, text, TEXT,
            .help = "In place of segments: all of it, which is laid on the segments that are there",
            .example = "good morning"),
    SC_EDIT_ASKED_ROWS(struct put_body),
};
static const struct sc_json_shape put_shape = { .name = "TranscriptSave",
                                                .request = true,
                                                SC_SHAPE_FIELDS(put_fields) };

int64_t sc_edit_ms(double seconds)
{
    return isfinite(seconds) && fabs(seconds) < (double)SC_SEGMENT_TIME_MAX / 1000
               ? llround(seconds * 1000)
               : -2;
}

static enum sc_code complain(size_t number, const struct sc_error *why, struct sc_error *err)
{
    return sc_error_field(err, SC_E_INVALID_VALUE, "segments", "segment %zu: %.180s", number,
                          why->msg);
}

static enum sc_code read_words(const struct sc_json_value *words, size_t number,
                               struct sc_segment *out, struct sc_error *err)
{
    for (size_t i = 0; i < sc_json_count(words); i++) {
        struct word_body w = { .confidence = -1 };
        struct sc_error why = { 0 };
        if (sc_request_object(sc_json_at(words, i), "words", &word_shape, &w, &why) != SC_OK)
            return complain(number, &why, err);
        if (!sc_segment_add_word(out, w.word, sc_edit_ms(w.start), sc_edit_ms(w.end),
                                 (float)w.confidence))
            return sc_error_set(err, SC_E_INTERNAL, "no memory for segment %zu", number);
    }
    return SC_OK;
}

/* Do the words say what they said? Then they are those of the base, whatever the text says. */
static bool are_old_words(const struct sc_segment *given, const struct sc_segment *before)
{
    bool same = given->word_count == before->word_count;
    for (size_t i = 0; same && i < given->word_count; i++)
        same = strcmp(given->words[i].text, before->words[i].text) == 0 &&
               given->words[i].start_ms == before->words[i].start_ms &&
               given->words[i].end_ms == before->words[i].end_ms;
    return same;
}

/* As the base has it, whose words need not spell its text: those of some engines do not. */
static bool says_the_same(const struct sc_segment *given, const struct sc_segment *before)
{
    bool same = strcmp(given->text, before->text) == 0 && given->word_count == before->word_count;
    for (size_t i = 0; same && i < given->word_count; i++)
        same = strcmp(given->words[i].text, before->words[i].text) == 0;
    return same;
}

/* A segment whose words are not those of the base. */
static enum sc_code take_new(struct sc_segment *s, const struct segment_body *b, size_t number,
                             const struct sc_segment *before, struct sc_error *err)
{
    struct sc_segments one = { .items = s, .count = 1 };
    s->id = b->id;
    s->start_ms = sc_edit_ms(b->start);
    s->end_ms = sc_edit_ms(b->end);
    s->confidence = (float)b->confidence;
    if (!sc_segment_say(s, b->text) || !sc_segment_name(s, b->speaker) ||
        (b->words == NULL && !sc_segments_estimate_words(&one)))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for segment %zu", number);
    if (sc_segment_is_spelt(s) || (before != NULL && says_the_same(s, before)))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "segments",
                          "segment %zu: its words do not spell its text; give those that do, or "
                          "leave the words out",
                          number);
}

static bool has_name(const struct sc_segment *s, struct sc_str speaker)
{
    return sc_str_equal(sc_str_from(s->speaker == NULL ? "" : s->speaker), speaker);
}

static enum sc_code check_name(const struct segment_body *b, const struct sc_segment *before,
                               size_t number, struct sc_error *err)
{
    if (b->speaker.len <= NAME_MAX_BYTES || (before != NULL && has_name(before, b->speaker)))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "segments",
                          "segment %zu: 'speaker' must be from 0 to %d bytes long", number,
                          NAME_MAX_BYTES);
}

/* The segment of the base as the body has it: its words follow its text and times. */
static bool follow(struct sc_segment *s, const struct segment_body *b)
{
    int64_t start = sc_edit_ms(b->start), end = sc_edit_ms(b->end);
    if (start <= end && (s->start_ms != start || s->end_ms != end))
        sc_segment_retime(s, start, end);
    else if (start > end) { /* refused later, with its number */
        s->start_ms = start;
        s->end_ms = end;
    }
    if (b->confidence >= 0)
        s->confidence = (float)b->confidence;
    return (has_name(s, b->speaker) || sc_segment_name(s, b->speaker)) &&
           sc_segment_reword(s, b->text);
}

/* The base's segments by their ids, which a body may name in any order, and as often as it has room
 * for. */
struct base_id {
    int64_t id;
    size_t at;
};

static int compare_ids(const void *a, const void *b)
{
    int64_t x = ((const struct base_id *)a)->id, y = ((const struct base_id *)b)->id;
    return (x > y) - (x < y);
}

static struct base_id *sort_base(const struct sc_segments *list)
{
    struct base_id *ids = sc_try_alloc((list->count + 1) * sizeof(*ids));
    for (size_t i = 0; ids != NULL && i < list->count; i++)
        ids[i] = (struct base_id){ list->items[i].id, i };
    if (ids != NULL)
        qsort(ids, list->count, sizeof(*ids), compare_ids);
    return ids;
}

/* NULL: none has this id, or it cannot be read. */
static struct sc_segment *find_base(struct sc_edit_ask *a, const struct base_id *ids, int64_t id,
                                    struct sc_error *err, enum sc_code *code)
{
    struct sc_segments *list = &a->draft.list;
    const struct base_id key = { .id = id };
    const struct base_id *found =
        id == 0 ? NULL : bsearch(&key, ids, list->count, sizeof(*ids), compare_ids);
    if (found == NULL)
        return NULL;
    *code = sc_draft_load(&a->draft, found->at, err);
    return &list->items[found->at];
}

/* One that says nothing is left out; one that said nothing before may stay. */
static enum sc_code check_said(const struct sc_segment *s, const struct sc_segment *before,
                               size_t number, struct sc_error *err)
{
    if (!sc_utf8_is_blank(sc_str_from(s->text)) ||
        (before != NULL && sc_utf8_is_blank(sc_str_from(before->text))))
        return SC_OK;
    return sc_error_field(
        err, SC_E_INVALID_VALUE, "segments",
        "segment %zu: the text is empty; leave the segment out if nothing is said", number);
}

static enum sc_code read_segment(struct sc_edit_ask *a, const struct base_id *ids,
                                 const struct sc_json_value *value, size_t number,
                                 struct sc_error *err)
{
    struct segment_body b = { .confidence = -1 };
    struct sc_error why = { 0 };
    enum sc_code code = sc_request_object(value, "segments", &segment_shape, &b, &why);
    if (code != SC_OK)
        return complain(number, &why, err);
    const struct sc_segment *before = find_base(a, ids, b.id, err, &code);
    if (code == SC_OK)
        code = check_name(&b, before, number, err);
    struct sc_segment *s = code == SC_OK ? sc_segments_add(&a->wanted) : NULL;
    if (s == NULL)
        return code != SC_OK ? code : sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    code = read_words(b.words, number, s, err);
    if (code != SC_OK)
        return code;
    if (before == NULL || (b.words != NULL && !are_old_words(s, before))) {
        code = take_new(s, &b, number, before, err);
    } else {
        sc_segment_done(s);
        if (!sc_segment_copy(before, s) || !follow(s, &b))
            code = sc_error_set(err, SC_E_INTERNAL, "no memory for segment %zu", number);
    }
    return code == SC_OK ? check_said(s, before, number, err) : code;
}

static enum sc_code read_segments(struct sc_edit_ask *a, const struct sc_json_value *list,
                                  struct sc_conn *conn, struct sc_error *err)
{
    enum sc_code code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    if (code == SC_OK)
        code = sc_draft_read_all(&a->draft, err);
    for (size_t i = 0; i < sc_json_count(list); i++) { /* for the answer: also where it is stale */
        struct sc_str text =
            sc_json_get_str(sc_json_member(sc_json_at(list, i), "text"), SC_STR(""));
        sc_buf_puts(&a->mine, i == 0 ? "" : "\n");
        sc_buf_put_str(&a->mine, text);
    }
    SC_AUTO_FREE struct base_id *ids = sort_base(&a->draft.list);
    if (code == SC_OK && ids == NULL)
        code = sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    for (size_t i = 0; code == SC_OK && i < sc_json_count(list); i++)
        code = read_segment(a, ids, sc_json_at(list, i), i + 1, err);
    return code;
}

static enum sc_code read_text(struct sc_edit_ask *a, struct sc_str text, struct sc_conn *conn,
                              struct sc_error *err)
{
    SC_AUTO_SEGMENTS base = { 0 };
    sc_buf_put_str(&a->mine, text);
    enum sc_code code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &a->draft.t, a->draft.t.version, &base, err);
    if (code == SC_OK && !sc_segments_align(&base, text, NULL, &a->wanted))
        code = sc_error_set(err, SC_E_INTERNAL, "no memory for the text");
    if (code != SC_OK || base.count > 0)
        return code;
    /* Nothing tells when it was said. */
    sc_segments_spread(&a->wanted, 0, SC_MAX(a->draft.t.duration_ms, 0));
    return sc_segments_estimate_words(&a->wanted)
               ? SC_OK
               : sc_error_set(err, SC_E_INTERNAL, "no memory for the text");
}

static enum sc_code plan_whole(struct sc_api *api, struct sc_edit_ask *a, void *ctx,
                               struct sc_error *err)
{
    const struct put_body *body = ctx;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if ((body->segments == NULL) == (body->text.ptr == NULL))
        return sc_error_field(err, SC_E_INVALID_VALUE, "segments", "give either segments or text");
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = body->segments != NULL ? read_segments(a, body->segments, conn, err)
                                      : read_text(a, body->text, conn, err);
    if (code != SC_OK)
        return code;
    return a->draft.whole
               ? sc_edit_plan_of_draft(&a->draft, &a->save, &a->wanted, &a->edit, &a->saved, err)
               : sc_edit_plan(conn, &a->save, &a->wanted, &a->edit, &a->saved, err);
}

struct sc_done *sc_api_transcript_put(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct put_body body = { .segments = NULL };
    SC_AUTO_EDIT_ASK ask = { 0 };
    enum sc_code code = sc_request_read(req, &put_shape, &body, &ask.doc, &err);
    ask.asked = body.asked;
    if (code == SC_OK && body.text.ptr != NULL && sc_utf8_is_blank(body.text))
        code = sc_error_field(&err, SC_E_INVALID_VALUE, "text",
                              "the text is empty; who means to take all segments away gives an "
                              "empty list of segments");
    if (code == SC_OK)
        code = sc_edit_ask_begin(req, &ask, SC_CHANGE_EDITED, &err);
    if (code == SC_OK)
        code = sc_edit_ask_run(api, &ask, plan_whole, &body, &err);
    return sc_edit_answer(req, api, &ask, code, &err);
}

/* ---- rolling back ---- */

struct back_body {
    struct sc_edit_asked asked;
};
static const struct sc_json_field back_fields[] = { SC_EDIT_ASKED_ROWS(struct back_body) };
static const struct sc_json_shape back_shape = { .name = "TranscriptBack",
                                                 .request = true,
                                                 SC_SHAPE_FIELDS(back_fields) };

/* The body may be missing. */
static enum sc_code read_back(struct sc_request *req, struct sc_edit_ask *a,
                              enum sc_change_kind kind, struct sc_error *err)
{
    struct back_body body = { .asked = { 0 } };
    enum sc_code code = sc_request_body(req).len == 0
                            ? sc_query_none(req, err)
                            : sc_request_read(req, &back_shape, &body, &a->doc, err);
    a->asked = body.asked;
    return code == SC_OK ? sc_edit_ask_begin(req, a, kind, err) : code;
}

/* *version 0: what was before the last change that has not been undone. A change that comes
 * meanwhile is not what was to be taken back. */
static enum sc_code plan_back(struct sc_api *api, struct sc_edit_ask *a, void *ctx,
                              struct sc_error *err)
{
    int64_t version = *(const int64_t *)ctx;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    int to = (int)SC_MIN(version, INT32_MAX);
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_transcript_find(conn, a->save.owner_id, a->save.transcript, &t, err);
    if (code == SC_OK && a->save.base_version == 0)
        a->save.base_version = t.version;
    if (code == SC_OK && version == 0 && t.complete)
        code = sc_version_before(conn, &t, &to, err);
    return code == SC_OK ? sc_edit_plan_rollback(conn, &a->save, to, &a->edit, &a->saved, err)
                         : code;
}

static struct sc_done *go_back(struct sc_request *req, struct sc_api *api, int64_t version)
{
    struct sc_error err = { 0 };
    SC_AUTO_EDIT_ASK ask = { 0 };
    enum sc_change_kind kind = version == 0 ? SC_CHANGE_UNDONE : SC_CHANGE_ROLLED_BACK;
    enum sc_code code = read_back(req, &ask, kind, &err);
    if (code == SC_OK)
        code = sc_edit_ask_run(api, &ask, plan_back, &version, &err);
    if (code == SC_OK) /* for a key that comes again: .../rollback is no address */
        sc_api_location(req, "/api/transcripts/%" PRId64, ask.save.transcript);
    return sc_edit_answer(req, api, &ask, code, &err);
}

struct sc_done *sc_api_transcript_rollback(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    int64_t version = 0;
    if (sc_path_version(req, &version, &err) != SC_OK)
        return sc_reply_error(req, &err);
    return go_back(req, api, version);
}

struct sc_done *sc_api_transcript_undo(struct sc_request *req, struct sc_api *api)
{
    return go_back(req, api, 0);
}

/* ---- pruning ---- */

struct prune_body {
    int64_t keep;
};
static const struct sc_json_field prune_fields[] = {
    SC_BODY(struct prune_body, keep, INT, .required = true, .min = 1, .max = INT32_MAX,
            .help = "How many of the newest versions stay; the current one always does",
            .example = "10"),
};
static const struct sc_json_shape prune_shape = { .name = "TranscriptPrune",
                                                  .request = true,
                                                  SC_SHAPE_FIELDS(prune_fields) };

struct sc_done *sc_api_transcript_prune(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct prune_body asked = { .keep = 0 };
    int64_t removed = 0;
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_prune what = { .owner_id = sc_api_owner(req), .by = sc_api_owner(req) };
    enum sc_code code = sc_request_read(req, &prune_shape, &asked, &doc, &err);
    what.keep = asked.keep;
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_TRANSCRIPT_NOT_FOUND, &what.transcript, &err);
    if (code == SC_OK)
        code = sc_versions_prune(api->options.store, &what, sc_clock_wall_ms(), &removed, &err);
    if (code == SC_OK)
        sc_pruned_view(&body, what.transcript, removed);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- history ---- */

static enum sc_code history_rows(struct sc_request *req, struct sc_conn *conn,
                                 const struct sc_query_page *asked, struct sc_page *page,
                                 struct sc_error *err)
{
    struct sc_transcript t;
    enum sc_code code = sc_content_find(req, conn, &t, err);
    if (code != SC_OK)
        return code;
    const struct sc_change_filter filter = {
        .owner_id = t.owner_id,
        .transcript_id = t.id,
        .before_id = asked->before,
        .limit = asked->limit,
    };
    return sc_change_rows(conn, &filter, page, err);
}

static const struct sc_query_field history_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_CHANGE) };
static const struct sc_query history_query = SC_QUERY(history_fields);

struct sc_done *sc_api_transcript_history(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "changes", SC_CURSOR_CHANGE, &history_query,
                                         history_rows };
    return sc_list_answer(req, api, &list, NULL);
}

/* ---- described ---- */

SC_API_DOC(transcript_put) = {
    .body = &put_shape,
    .replies = { { 200, &sc_shape_saved } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT, SC_E_TRANSCRIPT_BUSY },
};
SC_API_DOC(transcript_rollback) = {
    .body = &back_shape,
    .replies = { { 200, &sc_shape_saved, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND, SC_E_CONFLICT,
                SC_E_TRANSCRIPT_BUSY },
    .flags = SC_DOC_BODY_OPTIONAL,
};
SC_API_DOC(transcript_undo) = {
    .body = &back_shape,
    .replies = { { 200, &sc_shape_saved, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT, SC_E_TRANSCRIPT_BUSY },
    .flags = SC_DOC_BODY_OPTIONAL,
};
SC_API_DOC(transcript_prune) = {
    .body = &prune_shape,
    .replies = { { 200, &sc_shape_pruned, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT, SC_E_TRANSCRIPT_BUSY },
};
SC_API_DOC(transcript_history) = {
    .query = &history_query,
    .replies = { { 200, &sc_shape_changes } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND },
};
