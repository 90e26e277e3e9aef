/* GET /api/openapi.json: the API described by the tables that it is made of. routes.def says which
 * calls there are, SC_API_DOC beside each handler what goes in and comes out, error.def what can go
 * wrong, prose.md what people should know. tests/e2e/harness.py holds every answer against it. */

#include "api/openapi.h"

#include "base/banned.h"

#define SHAPES_MAX 256

/* ---- prose ---- */

#define SC_PROSE_ALL(text) static const char prose_all[] = text;
#define SC_PROSE_CHAPTER(title, text)
#define SC_PROSE_ROUTE(method, pattern, chapter, text)
#include "api-prose.h"
#undef SC_PROSE_ALL
#undef SC_PROSE_CHAPTER
#undef SC_PROSE_ROUTE

static const struct {
    const char *title, *text;
} chapters[] = {
#define SC_PROSE_ALL(text)
#define SC_PROSE_CHAPTER(title, text) { title, text },
#define SC_PROSE_ROUTE(method, pattern, chapter, text)
#include "api-prose.h"
#undef SC_PROSE_ALL
#undef SC_PROSE_CHAPTER
#undef SC_PROSE_ROUTE
};

struct prose {
    const char *method, *pattern, *chapter, *text;
};
static const struct prose prose[] = {
#define SC_PROSE_ALL(text)
#define SC_PROSE_CHAPTER(title, text)
#define SC_PROSE_ROUTE(method, pattern, chapter, text) { method, pattern, chapter, text },
#include "api-prose.h"
#undef SC_PROSE_ALL
#undef SC_PROSE_CHAPTER
#undef SC_PROSE_ROUTE
};

static const struct prose *prose_of(const char *method, const char *pattern)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(prose); i++) {
        if (strcmp(prose[i].method, method) == 0 && strcmp(prose[i].pattern, pattern) == 0)
            return &prose[i];
    }
    return NULL;
}

/* ---- routes ---- */

static const struct sc_doc_row rows[] = {
#define ROUTE(method, pattern, handler, scope, flags, body_limit, summary) \
    { #method,          pattern, #handler,          summary,               \
      SC_SCOPE_##scope, flags,   (body_limit) != 0, &sc_doc_##handler },
#include "api/routes.def"
#undef ROUTE
};

/* ---- operations ---- */

static const char *scope_name(unsigned scope)
{
    for (int i = 0; i < SC_SCOPE_COUNT_; i++) {
        if (scope == 1u << i)
            return sc_scope_names[i];
    }
    return NULL;
}

static void put_security(struct sc_json *w, const struct sc_doc_row *row)
{
    sc_json_array(w, "security");
    if ((row->flags & SC_ROUTE_OPEN) == 0) {
        sc_json_object(w, NULL);
        sc_json_array(w, "token");
        sc_json_text(w, NULL, scope_name(row->scope));
        sc_json_end(w);
        sc_json_end(w);
    }
    sc_json_object(w, NULL); /* none: the Unix socket, an open loopback address, an open route */
    sc_json_end(w);
    sc_json_end(w);
    if (row->scope != SC_SCOPE_NONE)
        sc_json_text(w, "x-scope", scope_name(row->scope));
}

static void put_method(struct sc_json *w, const struct sc_doc_row *row)
{
    const struct prose *text = prose_of(row->method, row->pattern);
    char method[8] = "";
    for (size_t i = 0; i + 1 < sizeof(method) && row->method[i] != '\0'; i++)
        method[i] = (char)(row->method[i] - 'A' + 'a');
    sc_json_object(w, method);
    sc_json_text(w, "operationId", row->name);
    sc_json_array(w, "tags");
    if (text != NULL)
        sc_json_text(w, NULL, text->chapter);
    sc_json_end(w);
    sc_json_text(w, "summary", row->summary);
    if (text != NULL)
        sc_json_text(w, "description", text->text);
    sc_json_int(w, "x-order", row - rows);
    put_security(w, row);
    sc_doc_parameters(w, row);
    sc_doc_body(w, row->doc);
    sc_doc_answers(w, row);
    sc_json_end(w);
}

static bool is_first_row(size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(rows[i].pattern, rows[at].pattern) == 0)
            return false;
    }
    return true;
}

static void put_paths(struct sc_json *w)
{
    sc_json_object(w, "paths");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (!is_first_row(i))
            continue;
        sc_json_object(w, rows[i].pattern);
        for (size_t k = i; k < SC_ARRAY_LEN(rows); k++) {
            if (strcmp(rows[k].pattern, rows[i].pattern) == 0)
                put_method(w, &rows[k]);
        }
        sc_json_end(w);
    }
    sc_json_end(w);
}

/* ---- what the server itself sends ---- */

static void put_header(struct sc_json *w, const char *name, const char *help, const char *example)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "name", name);
    sc_json_text(w, "in", "header");
    sc_json_bool(w, "required", true);
    sc_json_text(w, "description", help);
    sc_json_object(w, "schema");
    sc_json_text(w, "type", "string");
    sc_json_end(w);
    sc_json_text(w, "example", example);
    sc_json_end(w);
}

static void put_message_body(struct sc_json *w)
{
    sc_json_object(w, "requestBody");
    sc_json_bool(w, "required", true);
    sc_json_object(w, "content");
    sc_json_object(w, "application/json");
    sc_json_shape_use(w, "schema", &sc_shape_webhook_message, SC_DOC_REFS);
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
}

static void put_webhooks(struct sc_json *w)
{
    sc_json_object(w, "webhooks");
    sc_json_object(w, "job");
    sc_json_object(w, "post");
    sc_json_text(w, "operationId", "webhook_message");
    sc_json_array(w, "tags");
    sc_json_text(w, NULL, "Webhooks");
    sc_json_end(w);
    sc_json_text(w, "summary", "Hear what happened to a job");
    sc_json_text(
        w, "description",
        "Posted to the `url` of a webhook, again until it answers 2xx: take each `id` once.");
    sc_json_array(w, "security");
    sc_json_end(w);
    sc_json_array(w, "parameters");
    put_header(w, "Scripta-Webhook-Id", "The `id` of the message",
               "6f1c2e0b9a7d4c5e8f3a1b2c3d4e5f60");
    put_header(w, "Scripta-Timestamp", "When this attempt was made, in seconds since 1970",
               "1795185045");
    put_header(w, "Scripta-Signature",
               "`v1=` and HMAC-SHA-256, in hex, over `id.timestamp.body` under the secret",
               "v1=b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    sc_json_end(w);
    put_message_body(w);
    sc_json_object(w, "responses");
    sc_json_object(w, "2XX");
    sc_json_text(w, "description", "The message was taken");
    sc_json_end(w);
    sc_json_object(w, "410");
    sc_json_text(w, "description", "The receiver wants no more: the webhook is disabled");
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
}

/* ---- components ---- */

struct shapes {
    const struct sc_json_shape *items[SHAPES_MAX];
    size_t count;
};

/* The shape and all that it holds, each once. */
static void collect(struct shapes *all, const struct sc_json_shape *shape)
{
    struct sc_json_field f;
    if (shape == NULL)
        return;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i] == shape)
            return;
        /* Two shapes of one name would describe each other's answers. */
        sc_assert(shape->name == NULL || strcmp(all->items[i]->name, shape->name) != 0);
    }
    if (shape->name != NULL) {
        sc_assert(all->count < SHAPES_MAX);
        all->items[all->count++] = shape;
    }
    for (size_t at = 0; sc_json_shape_next(shape, &at, &f);)
        collect(all, f.of);
}

static void put_schemas(struct sc_json *w)
{
    struct shapes all = { .count = 0 };
    collect(&all, &sc_shape_error);
    collect(&all, &sc_shape_webhook_message);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        const struct sc_route_doc *doc = rows[i].doc;
        collect(&all, doc->body);
        collect(&all, doc->form);
        collect(&all, doc->error);
        for (size_t k = 0; k < SC_DOC_REPLIES; k++) {
            collect(&all, doc->replies[k].shape);
            collect(&all, doc->replies[k].or_shape);
            collect(&all, doc->replies[k].or_third);
        }
    }
    sc_json_object(w, "schemas");
    for (size_t i = 0; i < all.count; i++)
        sc_json_shape_schema(w, all.items[i]->name, all.items[i], SC_DOC_REFS);
    sc_json_end(w);
}

static void put_components(struct sc_json *w)
{
    sc_json_object(w, "components");
    sc_json_object(w, "securitySchemes");
    sc_json_object(w, "token");
    sc_json_text(w, "type", "http");
    sc_json_text(w, "scheme", "bearer");
    sc_json_text(w, "description",
                 "A token of `POST /api/tokens` with the scope that the call names. None is needed "
                 "on the Unix socket, and on a loopback address while `auth.loopback_open` is on.");
    sc_json_end(w);
    sc_json_end(w);
    sc_doc_shared_answers(w);
    put_schemas(w);
    sc_json_end(w);
}

static void put_info(struct sc_json *w)
{
    sc_json_object(w, "info");
    sc_json_text(w, "title", "Scripta");
    sc_json_text(w, "version", SC_VERSION);
    sc_json_text(w, "summary", "Recordings into text, as jobs");
    sc_json_text(w, "description", prose_all);
    sc_json_object(w, "license");
    sc_json_text(w, "name", "MIT");
    sc_json_text(w, "identifier", "MIT");
    sc_json_end(w);
    sc_json_end(w);
    sc_json_array(w, "servers");
    sc_json_object(w, NULL);
    sc_json_text(w, "url", "/");
    sc_json_text(w, "description", "Where this document comes from");
    sc_json_end(w);
    sc_json_end(w);
    sc_json_array(w, "tags");
    for (size_t i = 0; i < SC_ARRAY_LEN(chapters); i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "name", chapters[i].title);
        if (chapters[i].text[0] != '\0')
            sc_json_text(w, "description", chapters[i].text);
        sc_json_end(w);
    }
    sc_json_end(w);
}

static void put_codes(struct sc_json *w)
{
    sc_json_array(w, "x-codes");
    for (int i = SC_OK + 1; i < SC_CODE_COUNT_; i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "code", sc_code_name((enum sc_code)i));
        sc_json_int(w, "status", sc_code_http_status((enum sc_code)i));
        sc_json_text(w, "message", sc_code_text((enum sc_code)i));
        sc_json_end(w);
    }
    sc_json_end(w);
}

void sc_openapi_write(struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "openapi", "3.1.0");
    put_info(&w);
    put_paths(&w);
    put_webhooks(&w);
    put_components(&w);
    put_codes(&w);
    sc_json_end(&w);
}

struct sc_done *sc_api_openapi_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    (void)api;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        sc_openapi_write(&body);
    return sc_api_answer(req, code, &err, 200, &body);
}

static const struct sc_json_field document_fields[] = {
    SC_SHOW(TEXT, "openapi", "The version of OpenAPI", "3.1.0"),
    SC_SHOW(OBJECT, "info", "What this is", "{}"),
    SC_SHOW(ANY, "servers", "Where it is", "[]"),
    SC_SHOW(ANY, "tags", "The chapters", "[]"),
    SC_SHOW(OBJECT, "paths", "The calls", "{}"),
    SC_SHOW(OBJECT, "webhooks", "What the server itself posts", "{}"),
    SC_SHOW(OBJECT, "components", "What they share", "{}"),
    SC_SHOW(ANY, "x-codes", "Every error code, with its status", "[]"),
};
static const struct sc_json_shape document_shape = { .name = "Document",
                                                     SC_SHAPE_FIELDS(document_fields) };
SC_API_DOC(openapi_show) = { .replies = { { 200, &document_shape } } };
