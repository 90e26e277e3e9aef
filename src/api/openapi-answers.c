/* What comes out, as the description of the API tells it: answers, headers, errors. */

#include "api/openapi.h"

#include "base/banned.h"

/* ---- errors ---- */

static const struct sc_json_field fault_fields[] = {
    SC_SHOW(TEXT, "field", "Which one", "limit"),
    SC_SHOW(TEXT, "message", "What is wrong with it",
            "limit '0' is not a whole number from 1 to 500"),
};
static const struct sc_json_shape fault_shape = { .name = "BadField",
                                                  SC_SHAPE_FIELDS(fault_fields) };
static const struct sc_json_field failure_fields[] = {
    SC_SHOW_WORDS(TEXT, "code", sc_words_code, "What went wrong, as a word", "INVALID_VALUE"),
    SC_SHOW(TEXT, "message", "The same as a sentence, with the remedy",
            "limit '0' is not a whole number from 1 to 500"),
    { .name = "field",
      SC_SHOW_TEXT,
      .optional = true,
      .help = "The first field or parameter at fault",
      .example = "limit" },
    { .name = "fields",
      SC_SHOW_LIST,
      .of = &fault_shape,
      .optional = true,
      .help = "Every field or parameter at fault" },
    { .name = "current_version",
      SC_SHOW_INT,
      .optional = true,
      .help = "Of an edit whose base is old: the version that is current",
      .example = "3" },
    { .name = "current_text", SC_SHOW_TEXT, .optional = true, .help = "And what it says" },
    { .name = "base_text",
      SC_SHOW_TEXT,
      .optional = true,
      .help = "What the version says that was edited" },
    { .name = "base_missing",
      SC_SHOW_TEXT,
      .optional = true,
      .help = "Why that cannot be told",
      .example = "version 1 was pruned" },
    { .name = "your_text", SC_SHOW_TEXT, .optional = true, .help = "What was to be saved" },
    SC_SHOW(TEXT, "request_id", "Of this call, as in the log of the server",
            "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
};
static const struct sc_json_shape error_inner_shape = { .name = "ErrorDetail",
                                                        SC_SHAPE_FIELDS(failure_fields) };
static const struct sc_json_field error_fields[] = {
    SC_SHOW_OF(OBJECT, "error", &error_inner_shape, NULL),
};
const struct sc_json_shape sc_shape_error = { .name = "Error", SC_SHAPE_FIELDS(error_fields) };

static const struct sc_doc_header answer_headers[] = {
    { "X-Request-Id", "Names the call in the server's log; yours, where you send one", 0 },
    { "Server-Timing",
      "How long it took, in milliseconds: `total`, `queue` before a thread was free, `store` "
      "waiting for the store",
      0 },
    { "Location", "Where what was made is", SC_DOC_LOCATION },
    { "Idempotent-Replayed", "`true`: an earlier call with this key was answered so",
      SC_DOC_IDEMPOTENT },
    { "Upload-Offset", "How many bytes are on the disk", SC_DOC_TUS },
    { "Upload-Expires", "When the upload is forgotten, unless it goes on before", SC_DOC_TUS },
    { "Scripta-File-Id", "The file that the upload has become", SC_DOC_TUS },
    { "Scripta-Job-Id", "The job that was made of it", SC_DOC_TUS },
    { "ETag", "Names these bytes; of a recording their SHA-256", SC_DOC_READS | SC_DOC_TAGGED },
    { "Content-Disposition", "The name of the download", SC_DOC_DOWNLOAD },
};

/* ---- answers ---- */

unsigned sc_doc_flags(const struct sc_doc_row *row)
{
    static const char *const changing[] = { "PATCH", "PUT", "DELETE" };
    unsigned flags = row->doc->flags;
    /* What becomes a WebSocket has no bytes to name. */
    if (strcmp(row->method, "GET") == 0 && row->doc->replies[0].status != 101)
        flags |= SC_DOC_READS;
    for (size_t i = 0; i < SC_ARRAY_LEN(changing); i++) {
        if (strcmp(row->method, changing[i]) == 0)
            flags |= SC_DOC_CHANGES;
    }
    if ((row->flags & SC_ROUTE_MATCH) != 0)
        flags |= SC_DOC_CHANGES;
    if ((row->flags & SC_ROUTE_ONCE) != 0)
        flags |= SC_DOC_IDEMPOTENT;
    return flags;
}

static void put_answer_headers(struct sc_json *w, unsigned flags)
{
    sc_json_object(w, "headers");
    for (size_t i = 0; i < SC_ARRAY_LEN(answer_headers); i++) {
        const struct sc_doc_header *h = &answer_headers[i];
        if (h->flag != 0 && (flags & h->flag) == 0)
            continue;
        SC_AUTO_BUF ref = { 0 };
        sc_buf_printf(&ref, "#/components/headers/%s", h->name);
        sc_json_object(w, h->name);
        sc_json_str(w, "$ref", sc_buf_str(&ref));
        sc_json_end(w);
    }
    sc_json_end(w);
}

static void put_json_content(struct sc_json *w, const struct sc_api_reply *reply)
{
    sc_json_object(w, reply->types == NULL ? "application/json" : reply->types);
    if (reply->types != NULL) { /* a stream: its parts are described, not its bytes */
        sc_json_object(w, "schema");
        sc_json_text(w, "type", "string");
        sc_json_end(w);
        sc_json_shape_use(w, "x-event", reply->shape, SC_DOC_REFS);
        sc_json_end(w);
        return;
    }
    if (reply->or_shape == NULL) {
        sc_json_shape_use(w, "schema", reply->shape, SC_DOC_REFS);
    } else {
        sc_json_object(w, "schema");
        sc_json_array(w, "anyOf");
        sc_json_shape_use(w, NULL, reply->shape, SC_DOC_REFS);
        sc_json_shape_use(w, NULL, reply->or_shape, SC_DOC_REFS);
        if (reply->or_third != NULL)
            sc_json_shape_use(w, NULL, reply->or_third, SC_DOC_REFS);
        sc_json_end(w);
        sc_json_end(w);
    }
    sc_json_shape_example(w, "example", reply->shape);
    sc_json_end(w);
}

static void put_plain_content(struct sc_json *w, const char *types)
{
    for (struct sc_str rest = sc_str_from(types); rest.len > 0;) {
        struct sc_str type = sc_str_take_until(&rest, '|');
        char name[96];
        (void)snprintf(name, sizeof(name), "%.*s", (int)type.len, type.ptr);
        sc_json_object(w, name);
        sc_json_object(w, "schema");
        if (strcmp(name, "application/json") !=
            0) /* an export of that type is described elsewhere */
            sc_json_text(w, "type", "string");
        sc_json_end(w);
        sc_json_end(w);
    }
}

/* The answers with one status, of which a route may have two of different types. */
static void put_reply(struct sc_json *w, const struct sc_doc_row *row, size_t first)
{
    const struct sc_api_reply *r = row->doc->replies;
    char status[8];
    (void)snprintf(status, sizeof(status), "%d", r[first].status);
    sc_json_object(w, status);
    sc_json_text(w, "description", r[first].help == NULL ? "The answer" : r[first].help);
    put_answer_headers(w, sc_doc_flags(row));
    if (r[first].shape == NULL && r[first].types == NULL) { /* no body */
        sc_json_end(w);
        return;
    }
    sc_json_object(w, "content");
    for (size_t i = first; i < SC_DOC_REPLIES && r[i].status != 0; i++) {
        if (r[i].status == r[first].status && r[i].shape != NULL)
            put_json_content(w, &r[i]);
        else if (r[i].status == r[first].status)
            put_plain_content(w, r[i].types);
    }
    sc_json_end(w);
    sc_json_end(w);
}

static bool has_reply(const struct sc_route_doc *doc, size_t before, int status)
{
    for (size_t i = 0; i < before && doc->replies[i].status != 0; i++) {
        if (doc->replies[i].status == status)
            return true;
    }
    return false;
}

/* The codes that a route may answer with beside those of every route. */
static size_t codes_of(const struct sc_doc_row *row, enum sc_code out[SC_DOC_ERRORS + 16])
{
    size_t count = 0;
    out[count++] = SC_E_INVALID_VALUE;
    out[count++] = SC_E_INVALID_REQUEST;
    if (row->scope != SC_SCOPE_NONE) {
        out[count++] = SC_E_UNAUTHENTICATED;
        out[count++] = SC_E_FORBIDDEN;
    }
    if ((sc_doc_flags(row) & SC_DOC_READS) != 0)
        out[count++] = SC_E_NOT_ACCEPTABLE;
    if ((row->doc->flags & SC_DOC_RANGES) != 0)
        out[count++] = SC_E_RANGE_NOT_SATISFIABLE;
    if ((sc_doc_flags(row) & SC_DOC_CHANGES) != 0)
        out[count++] = SC_E_PRECONDITION_FAILED;
    if ((row->flags & SC_ROUTE_SPOOL) != 0)
        out[count++] = SC_E_LENGTH_REQUIRED;
    out[count++] = SC_E_BODY_TOO_LARGE;
    out[count++] = SC_E_UNSUPPORTED_TYPE;
    out[count++] = SC_E_EXPECTATION_FAILED;
    out[count++] = SC_E_RATE_LIMITED;
    if ((row->flags & SC_ROUTE_ONCE) != 0) {
        out[count++] = SC_E_IDEMPOTENCY_CONFLICT;
        out[count++] = SC_E_IDEMPOTENCY_OPEN;
    }
    if ((row->flags & SC_ROUTE_SECRET) != 0)
        out[count++] = SC_E_IDEMPOTENCY_SECRET;
    for (size_t i = 0; i < SC_DOC_ERRORS && row->doc->errors[i] != SC_OK; i++) {
        enum sc_code own = row->doc->errors[i];
        if (own != SC_E_FORBIDDEN && own != SC_E_RATE_LIMITED) /* of every route */
            out[count++] = own;
    }
    return count;
}

static void put_error_example(struct sc_json *w, enum sc_code code)
{
    sc_json_object(w, sc_code_name(code));
    sc_json_object(w, "value");
    sc_json_object(w, "error");
    sc_json_text(w, "code", sc_code_name(code));
    sc_json_text(w, "message", sc_code_text(code));
    sc_json_text(w, "request_id", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11");
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
}

/* Under `key` the codes of the list with the status of the one at `first`. */
static void put_error(struct sc_json *w, const char *key, const enum sc_code *codes, size_t count,
                      size_t first)
{
    int status = sc_code_http_status(codes[first]);
    SC_AUTO_BUF help = { 0 };
    sc_json_object(w, key);
    for (size_t i = first; i < count; i++) {
        if (sc_code_http_status(codes[i]) == status)
            sc_buf_printf(&help, "%s`%s`: %s", help.len == 0 ? "" : "; ", sc_code_name(codes[i]),
                          sc_code_text(codes[i]));
    }
    sc_json_str(w, "description", sc_buf_str(&help));
    sc_json_array(w, "x-codes");
    for (size_t i = first; i < count; i++) {
        if (sc_code_http_status(codes[i]) == status)
            sc_json_text(w, NULL, sc_code_name(codes[i]));
    }
    sc_json_end(w);
    sc_json_object(w, "content");
    sc_json_object(w, "application/json");
    sc_json_shape_use(w, "schema", &sc_shape_error, SC_DOC_REFS);
    sc_json_object(w, "examples");
    for (size_t i = first; i < count; i++) {
        if (sc_code_http_status(codes[i]) == status)
            put_error_example(w, codes[i]);
    }
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
}

static bool is_first(const enum sc_code *codes, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (sc_code_http_status(codes[i]) == sc_code_http_status(codes[at]))
            return false;
    }
    return true;
}

/* Of the server's own failures every code may come from everywhere. */
static const int own_failures[] = { 500, 503, 504, 507 };

static void put_shared_errors(struct sc_json *w, const struct sc_route_doc *doc)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(own_failures); i++) {
        char status[8], ref[48];
        if (has_reply(doc, SC_DOC_REPLIES, own_failures[i]))
            continue;
        (void)snprintf(status, sizeof(status), "%d", own_failures[i]);
        (void)snprintf(ref, sizeof(ref), "#/components/responses/Failure%s", status);
        sc_json_object(w, status);
        sc_json_text(w, "$ref", ref);
        sc_json_end(w);
    }
}

/* Of calls whose errors have another shape than ours. */
static void put_foreign_error(struct sc_json *w, int status, const struct sc_json_shape *shape)
{
    char key[8];
    (void)snprintf(key, sizeof(key), "%d", status);
    sc_json_object(w, key);
    sc_json_text(w, "description", "What is wrong, as the clients of this call read it");
    sc_json_object(w, "content");
    sc_json_object(w, "application/json");
    sc_json_shape_use(w, "schema", shape, SC_DOC_REFS);
    sc_json_shape_example(w, "example", shape);
    sc_json_end(w);
    sc_json_end(w);
    sc_json_end(w);
}

static void put_errors(struct sc_json *w, const struct sc_doc_row *row)
{
    static const int foreign[] = {
        400, 401, 403, 404, 411, 413, 415, 417, 429, 500, 503, 504, 507
    };
    enum sc_code codes[SC_DOC_ERRORS + 16];
    size_t count = codes_of(row, codes);
    if ((row->flags & SC_ROUTE_INLINE) != 0) { /* touches memory alone, looks at no parameter */
        put_error(w, "400", &(enum sc_code){ SC_E_INVALID_REQUEST }, 1, 0);
        put_error(w, "406", &(enum sc_code){ SC_E_NOT_ACCEPTABLE }, 1, 0);
        return;
    }
    for (size_t i = 0; row->doc->error != NULL && i < SC_ARRAY_LEN(foreign); i++)
        put_foreign_error(w, foreign[i], row->doc->error);
    if (row->doc->error != NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        char status[8];
        (void)snprintf(status, sizeof(status), "%d", sc_code_http_status(codes[i]));
        if (is_first(codes, i) && sc_code_http_status(codes[i]) < 500)
            put_error(w, status, codes, count, i);
    }
    put_shared_errors(w, row->doc);
}

/* What a repeated request is answered with (api/once.c), where no status of the first one's is 200:
 * the shape is the same, and a secret is never repeated. */
static void put_repeated(struct sc_json *w, const struct sc_doc_row *row)
{
    const struct sc_api_reply *made = &row->doc->replies[0];
    bool repeats = (row->flags & SC_ROUTE_ONCE) != 0 && (row->flags & SC_ROUTE_SECRET) == 0;
    if (!repeats || has_reply(row->doc, SC_DOC_REPLIES, 200))
        return;
    sc_json_object(w, "200");
    sc_json_text(w, "description", "What the first request with this key made, as it is now");
    put_answer_headers(w, sc_doc_flags(row) & ~(unsigned)SC_DOC_LOCATION);
    sc_json_object(w, "content");
    put_json_content(w, made);
    sc_json_end(w);
    sc_json_end(w);
}

static void put_bare_answer(struct sc_json *w, const char *status, const char *help)
{
    sc_json_object(w, status);
    sc_json_text(w, "description", help);
    sc_json_end(w);
}

void sc_doc_answers(struct sc_json *w, const struct sc_doc_row *row)
{
    const struct sc_route_doc *doc = row->doc;
    sc_assert(doc->replies[0].status != 0);
    sc_json_object(w, "responses");
    for (size_t i = 0; i < SC_DOC_REPLIES && doc->replies[i].status != 0; i++) {
        if (!has_reply(doc, i, doc->replies[i].status))
            put_reply(w, row, i);
    }
    put_repeated(w, row);
    if ((sc_doc_flags(row) & SC_DOC_READS) != 0)
        put_bare_answer(w, "304", "The bytes are those of `If-None-Match`");
    put_errors(w, row);
    sc_json_end(w);
}

/* ---- what more than one route answers ---- */

static void put_failure(struct sc_json *w, int status)
{
    enum sc_code codes[SC_CODE_COUNT_];
    size_t count = 0;
    for (int i = SC_OK + 1; i < SC_CODE_COUNT_; i++) {
        if (sc_code_http_status((enum sc_code)i) == status)
            codes[count++] = (enum sc_code)i;
    }
    char key[16];
    (void)snprintf(key, sizeof(key), "Failure%d", status);
    put_error(w, key, codes, count, 0);
}

void sc_doc_shared_answers(struct sc_json *w)
{
    sc_json_object(w, "headers");
    for (size_t i = 0; i < SC_ARRAY_LEN(answer_headers); i++) {
        sc_json_object(w, answer_headers[i].name);
        sc_json_text(w, "description", answer_headers[i].help);
        sc_json_object(w, "schema");
        sc_json_text(w, "type", "string");
        sc_json_end(w);
        sc_json_end(w);
    }
    sc_json_end(w);
    sc_json_object(w, "responses");
    for (size_t i = 0; i < SC_ARRAY_LEN(own_failures); i++)
        put_failure(w, own_failures[i]);
    sc_json_end(w);
}
