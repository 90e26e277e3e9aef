/* PATCH of files and transcripts, GET /api/tags, and what PATCH of jobs shares with them. */

#include "api/marks.h"
#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "config/value.h"
#include "http/answer.h"

#include "base/banned.h"

/* ---- bodies ---- */

void sc_marks_body_done(struct sc_marks_body *body)
{
    sc_freep(&body->notes);
}

static void complain(struct sc_error *err, const char *field, const char *why)
{
    struct sc_error one = { 0 };
    (void)sc_error_field(&one, SC_E_INVALID_VALUE, field, "%s %s", field, why);
    (void)sc_error_also(err, &one);
}

static void take_notes(struct sc_marks_body *body, const struct sc_json_value *value,
                       struct sc_error *err)
{
    const char *text = sc_json_get_text(value, NULL);
    bool none = sc_json_type(value) == SC_JSON_NULL;
    if (!none && (text == NULL || strlen(text) > SC_NOTES_MAX)) {
        complain(err, "notes", "must be text of at most 10000 bytes");
        return;
    }
    sc_freep(&body->notes);
    body->notes = sc_strdup(none ? "" : text);
    body->edit.notes = body->notes;
}

static bool is_tag(struct sc_str tag)
{
    return tag.len > 0 && tag.len <= SC_TAG_MAX && sc_value_is_plain(tag) &&
           sc_str_trim(tag).len == tag.len;
}

static void take_tags(struct sc_tags *tags, const char *name, const struct sc_json_value *value,
                      struct sc_error *err)
{
    bool none = sc_json_type(value) == SC_JSON_NULL;
    size_t count = none || sc_json_type(value) != SC_JSON_ARRAY ? 0 : sc_json_count(value);
    if ((!none && sc_json_type(value) != SC_JSON_ARRAY) || count > SC_TAGS_MAX) {
        complain(err, name, "must be a list of at most 32 texts");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct sc_str tag = sc_json_get_str(sc_json_at(value, i), SC_STR(""));
        if (!is_tag(tag)) {
            complain(err, name,
                     "must be texts of 1 to 64 bytes, without control signs or blanks at the ends");
            return;
        }
        (void)sc_tags_add(tags, tag); /* there is room: they were counted */
    }
}

bool sc_marks_member(struct sc_marks_body *body, const char *name,
                     const struct sc_json_value *value, struct sc_error *err)
{
    if (strcmp(name, "notes") == 0) {
        take_notes(body, value, err);
    } else if (strcmp(name, "tags") == 0) {
        body->has_tags = body->edit.whole = true;
        take_tags(&body->edit.tags, name, value, err);
    } else if (strcmp(name, "add_tags") == 0) {
        body->has_steps = true;
        take_tags(&body->edit.add, name, value, err);
    } else if (strcmp(name, "remove_tags") == 0) {
        body->has_steps = true;
        take_tags(&body->edit.remove, name, value, err);
    } else {
        return false;
    }
    return true;
}

void sc_marks_settle(struct sc_marks_body *body, struct sc_error *err)
{
    if (body->has_tags && body->has_steps)
        complain(err, "tags", "is the whole list: without add_tags and remove_tags");
    for (size_t i = 0; i < body->edit.add.count; i++) {
        if (sc_tags_hold(&body->edit.remove, sc_str_from(body->edit.add.tag[i]))) {
            complain(err, "remove_tags", "names a tag that add_tags names too");
            return;
        }
    }
}

void sc_marks_fields(struct sc_json *w, const struct sc_marks *marks)
{
    if (marks == NULL || marks->tags == NULL) {
        sc_json_null(w, "tags");
        sc_json_null(w, "notes");
        return;
    }
    sc_json_raw(w, "tags", sc_str_from(marks->tags));
    sc_json_text(w, "notes", marks->notes[0] == '\0' ? NULL : marks->notes);
}

/* ---- PATCH of files and transcripts ---- */

struct change {
    struct sc_marks_target target;
    struct sc_marks_body body;
    struct sc_buf *out;
};

static void change_done(struct change *c)
{
    sc_marks_body_done(&c->body);
}

static enum sc_code decode(struct sc_request *req, struct change *c, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error all = { 0 };
    const char *name;
    const struct sc_json_value *value;
    enum sc_code code = sc_query_none(req, err);
    if (code == SC_OK)
        code = sc_request_json(req, &doc, err);
    if (code != SC_OK)
        return code;
    for (void *it = sc_json_next_member(sc_json_root(doc), NULL, &name, &value); it != NULL;
         it = sc_json_next_member(sc_json_root(doc), it, &name, &value)) {
        char quoted[SC_QUOTED_TEXT];
        if (!sc_marks_member(&c->body, name, value, &all))
            complain(&all, sc_quote(sc_str_from(name), quoted),
                     "cannot be changed; tags, add_tags, remove_tags and notes can");
    }
    sc_marks_settle(&c->body, &all);
    if (all.code != SC_OK)
        return sc_error_copy(err, &all);
    if (!c->body.has_tags && !c->body.has_steps && c->body.notes == NULL)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "the body names nothing to change");
    return SC_OK;
}

/* What it is now, as the answer shows it. */
static enum sc_code show(struct sc_conn *tx, struct change *c, struct sc_error *err)
{
    struct sc_json w;
    sc_buf_reset(c->out); /* a write may run twice */
    sc_json_begin(&w, c->out);
    if (c->target.kind == SC_MARKED_FILE) {
        SC_AUTO_FILE file = { 0 };
        enum sc_code code = sc_file_find(tx, c->target.owner_id, c->target.id, &file, err);
        if (code == SC_OK)
            sc_file_view(&w, NULL, &file);
        return code;
    }
    struct sc_transcript t;
    SC_AUTO_MARKS marks = { 0 };
    enum sc_code code = sc_transcript_find(tx, c->target.owner_id, c->target.id, &t, err);
    if (code == SC_OK)
        code = sc_marks_get(tx, SC_MARKED_TRANSCRIPT, t.id, &marks, err);
    t.marks = &marks;
    if (code == SC_OK)
        sc_transcript_view(&w, NULL, &t, t.version, NULL);
    return code;
}

static enum sc_code write_change(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    enum sc_code code = sc_marks_write(tx, &c->target, &c->body.edit, sc_clock_wall_ms(), err);
    return code == SC_OK ? show(tx, c, err) : code;
}

static struct sc_done *mark(struct sc_request *req, struct sc_api *api, enum sc_marked kind,
                            enum sc_code missing)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(change_done)
    struct change c = {
        .target = { .kind = kind,
                    .owner_id = sc_api_owner(req),
                    .by = sc_request_principal(req)->owner_id },
        .out = &body,
    };
    enum sc_code code = sc_path_number(req, missing, &c.target.id, &err);
    if (code == SC_OK)
        code = decode(req, &c, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_change, &c, &err);
    if (kind == SC_MARKED_FILE)
        sc_reply_is_as_get(req);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_edit(struct sc_request *req, struct sc_api *api)
{
    return mark(req, api, SC_MARKED_FILE, SC_E_FILE_NOT_FOUND);
}

struct sc_done *sc_api_transcript_mark(struct sc_request *req, struct sc_api *api)
{
    return mark(req, api, SC_MARKED_TRANSCRIPT, SC_E_TRANSCRIPT_NOT_FOUND);
}

/* ---- the words in use ---- */

struct asked {
    int limit;
    char after[SC_TAG_MAX + 1];
    struct sc_str cursor; /* where its row reads to; not looked at */
};

/* 't' and the word in hexadecimal. */
static enum sc_code read_cursor(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    struct asked *asked = (void *)((char *)at - field->offset);
    struct sc_str digits = { text.ptr + 1, text.len == 0 ? 0 : text.len - 1 };
    if (text.len > 0 && text.ptr[0] == 't' &&
        sc_hex_text_parse(digits, asked->after, sizeof(asked->after)))
        return SC_OK;
    return sc_query_refuse_cursor(text, err);
}

static const struct sc_query_field list_fields[] = {
    SC_QUERY_LIMIT_ROW(struct asked, limit),
    SC_QUERY_ROW(OWN, struct asked, cursor, "cursor", .read = read_cursor,
                 .help = SC_QUERY_CURSOR_HELP),
};
static const struct sc_query list_query = SC_QUERY(list_fields);

static bool walk_is_over(void *ctx)
{
    const int64_t *end_ms = ctx;
    return SC_FAULT("tags.list") || sc_clock_mono_ms() >= *end_ms;
}

static void add_word(void *ctx, const struct sc_tag_row *row)
{
    struct sc_json *w = ctx;
    sc_json_object(w, NULL);
    sc_json_text(w, "tag", row->tag);
    sc_json_int(w, "files", row->count[SC_MARKED_FILE]);
    sc_json_int(w, "jobs", row->count[SC_MARKED_JOB]);
    sc_json_int(w, "transcripts", row->count[SC_MARKED_TRANSCRIPT]);
    sc_json_end(w);
}

static enum sc_code write_page(struct sc_api *api, const struct sc_tag_filter *filter,
                               struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_BUF cursor = { 0 };
    struct sc_tag_page_end end = { .more = false };
    struct sc_json w;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code != SC_OK)
        return code;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "tags");
    code = sc_tag_list(conn, filter, add_word, &w, &end, err);
    sc_json_end(&w);
    sc_buf_putc(&cursor, 't');
    sc_hex_text_put(&cursor, end.passed);
    sc_json_text(&w, "next_cursor", end.more ? sc_buf_text(&cursor) : NULL);
    sc_json_bool(&w, "partial", end.partial);
    sc_json_end(&w);
    return code;
}

struct sc_done *sc_api_tag_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct asked asked = { .limit = SC_LIMIT_DEFAULT };
    int64_t end_ms = sc_clock_mono_ms() + SC_LIST_WALK_MS;
    enum sc_code code = sc_query_read(req, &list_query, &asked, &err);
    const struct sc_tag_filter filter = {
        .owner_id = sc_api_owner(req),
        .after = asked.after,
        .limit = asked.limit,
        .spent = walk_is_over,
        .spent_ctx = &end_ms,
    };
    if (code == SC_OK)
        code = write_page(api, &filter, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

static const struct sc_json_field mark_fields[] = { SC_MARKS_ROWS };
static const struct sc_json_shape mark_shape = {
    .name = "MarksEdit",
    .help = "What is to change; null takes a value away",
    .request = true,
    SC_SHAPE_FIELDS(mark_fields),
};

SC_API_DOC(file_edit) = {
    .body = &mark_shape,
    .replies = { { 200, &sc_shape_file } },
    .errors = { SC_E_FILE_NOT_FOUND },
    .flags = SC_DOC_TAGGED,
};
SC_API_DOC(transcript_mark) = {
    .body = &mark_shape,
    .replies = { { 200, &sc_shape_transcript_row } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND },
};

static const struct sc_json_field tag_fields[] = {
    SC_SHOW(TEXT, "tag", "The word", "interview"),
    SC_SHOW(INT, "files", "Files that have it", "2"),
    SC_SHOW(INT, "jobs", "Jobs that have it", "0"),
    SC_SHOW(INT, "transcripts", "Transcripts that have it", "1"),
};
static const struct sc_json_shape tag_shape = { .name = "Tag", SC_SHAPE_FIELDS(tag_fields) };
SC_WALK_SHAPE(tags_shape, "TagPage", "tags", &tag_shape);

SC_API_DOC(tag_list) = { .query = &list_query, .replies = { { 200, &tags_shape } } };
