/* What goes in, as the description of the API tells it: parameters, headers, bodies. */

#include "api/openapi.h"

#include "transcript/writer.h"

#include "base/banned.h"

static const struct sc_json_field recording_fields[] = {
    { .name = "file",
      .type = SC_JSON_TEXT,
      .format = "binary",
      .required = true,
      .help = "The bytes of the recording, with its name" },
};
const struct sc_json_shape sc_shape_recording = { .request = true,
                                                  SC_SHAPE_FIELDS(recording_fields) };

/* Names in paths, by where the path begins. */
static const struct {
    const char *begin;
    struct sc_json_field field;
} path_names[] = {
    { "/api/jobs/", { .name = "id", SC_SHOW_UUID, .help = "The `job_id`" } },
    { "/api/files/verify/", { .name = "id", SC_SHOW_INT, .help = "The `verify_id`" } },
    { "/api/files/", { .name = "id", SC_SHOW_INT, .help = "The `id` of the file" } },
    { "/api/uploads/", { .name = "id", SC_SHOW_UUID, .help = "The `upload_id`" } },
    { "/api/transcripts/", { .name = "id", SC_SHOW_INT, .help = "The `id` of the transcript" } },
    { "/api/transcripts/", { .name = "v", SC_SHOW_INT, .help = "The number of the version" } },
    { "/api/transcripts/", { .name = "n", SC_SHOW_INT, .help = "The `export_id`" } },
    { "/api/formats/",
      { .name = "format", SC_SHOW_TEXT, .help = "The `format_name` of the format" } },
    { "/api/searches/", { .name = "id", SC_SHOW_INT, .help = "The `id` of the saved search" } },
    { "/api/queue/",
      { .name = "name", SC_SHOW_TEXT, .words = sc_words_class, .help = "The class" } },
    { "/api/tokens/", { .name = "id", SC_SHOW_INT, .help = "The `id` of the token" } },
    { "/api/webhooks/", { .name = "id", SC_SHOW_INT, .help = "The `id` of the webhook" } },
    { "/api/webhooks/", { .name = "n", SC_SHOW_INT, .help = "The `id` of the delivery" } },
    { "/api/worker/tasks/", { .name = "id", SC_SHOW_INT, .help = "The `task_id`" } },
    { "/ws/",
      { .name = "client_id",
        SC_SHOW_TEXT,
        .min = 1,
        .max = 64,
        .help = "A name of the client's own, of A-Z a-z 0-9 . _ ~ -" } },
    { "/v1/models/", { .name = "id", SC_SHOW_TEXT, .help = "The `id` of the model" } },
    { "/v1/models/", { .name = "engine", SC_SHOW_TEXT, .help = "What is before the slash" } },
    { "/v1/models/", { .name = "model", SC_SHOW_TEXT, .help = "What is behind the slash" } },
};

static const struct sc_doc_header request_headers[] = {
    { "Idempotency-Key",
      "1 to 255 printable ASCII signs: the same key with the same request is done once in 24 hours",
      SC_DOC_IDEMPOTENT },
    { "Range", "One range of bytes", SC_DOC_RANGES },
    { "If-Range", "The `ETag` that the range is of", SC_DOC_RANGES },
    { "If-None-Match", "The `ETag` of bytes that are there already", SC_DOC_READS },
    { "If-Match", "The `ETag` of what is to be changed, as it was read", SC_DOC_CHANGES },
    { "Tus-Resumable", "`1.0.0`: the version of the tus protocol; GET and HEAD go without",
      SC_DOC_TUS },
    { "Upload-Length", "Bytes of the whole recording", SC_DOC_TUS_LENGTH },
    { "Upload-Defer-Length", "`1`: `Upload-Length` comes with a later piece", SC_DOC_TUS_CREATE },
    { "Upload-Metadata",
      "Pairs of a key and its value in base64, with commas between them: `filename`, `job`, any "
      "option of a job",
      SC_DOC_TUS_CREATE },
    { "Upload-Offset", "Where the piece begins: what has come so far", SC_DOC_TUS_PIECE },
    { "Upload-Checksum", "`sha256`, `sha1` or `md5`, a space and the sum of the piece in base64",
      SC_DOC_TUS_PIECE },
    { "Last-Event-ID", "As `since`; browsers send it when they connect again", SC_DOC_LAST_EVENT },
};

/* ---- rows of other tables ---- */

static void describe_option(const struct sc_job_option *option, struct sc_json_field *out)
{
    *out = (struct sc_json_field){ .name = option->name, .help = option->help };
    switch (option->type) {
    case SC_JOB_TEXT:
        out->min = option->min;
        out->max = option->max;
        out->type = SC_JSON_TEXT;
        return;
    case SC_JOB_TIME:
        out->type = SC_JSON_TEXT;
        return;
    case SC_JOB_BOOL:
        out->type = SC_JSON_BOOL;
        out->also = SC_JSON_TEXT; /* "on", "off", as flags are spelled */
        return;
    case SC_JOB_INT:
        out->type = SC_JSON_INT;
        out->also = SC_JSON_TEXT;
        out->min = option->min;
        out->max = option->max;
        return;
    case SC_JOB_REAL:
    case SC_JOB_DURATION:
        out->type = SC_JSON_REAL;
        out->also = SC_JSON_TEXT;
        return;
    case SC_JOB_ENUM:
        out->type = SC_JSON_TEXT;
        out->choices = option->choices;
        return;
    }
}

/* The options, and behind them their older spellings. */
bool sc_doc_job_option(size_t index, struct sc_json_field *out)
{
    size_t count, at;
    const struct sc_job_option *options = sc_job_option_all(&count);
    if (index < count) {
        describe_option(&options[index], out);
        return true;
    }
    at = count;
    for (size_t i = 0; i < count; i++) {
        for (const char *const *a = options[i].aliases; a != NULL && *a != NULL; a++) {
            if (at++ == index) {
                describe_option(&options[i], out);
                out->name = *a;
                return true;
            }
        }
    }
    return false;
}

static void describe_writer_option(const struct sc_writer_option *option,
                                   struct sc_query_field *out)
{
    *out = (struct sc_query_field){ .name = option->name, .help = option->help };
    switch (option->type) {
    case SC_WRITER_BOOL:
        out->type = SC_JSON_BOOL;
        return;
    case SC_WRITER_INT:
        out->type = SC_JSON_INT;
        out->min = option->min;
        out->max = option->max;
        return;
    case SC_WRITER_SECONDS:
        out->type = SC_JSON_REAL;
        return;
    case SC_WRITER_RATIO:
    case SC_WRITER_LAYOUT:
        out->type = SC_JSON_TEXT;
        return;
    case SC_WRITER_CHOICE:
        out->type = SC_JSON_TEXT;
        out->choices = option->choices;
        return;
    }
}

bool sc_doc_format_option(const char *format, size_t index, struct sc_query_field *out)
{
    size_t count;
    const struct sc_format *wanted = sc_format_find(format);
    const struct sc_writer_option *options = sc_writer_option_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (sc_writer_option_applies(&options[i], wanted) && index-- == 0) {
            describe_writer_option(&options[i], out);
            return true;
        }
    }
    return false;
}

/* ---- parameters ---- */

static void put_parameter(struct sc_json *w, const char *in, const struct sc_json_field *f)
{
    struct sc_json_field bare = *f;
    bare.help = NULL;
    bare.nullable = false;
    sc_json_object(w, NULL);
    sc_json_text(w, "name", f->name);
    sc_json_text(w, "in", in);
    sc_json_text(w, "description", f->help);
    sc_json_bool(w, "required", f->required);
    sc_json_field_schema(w, "schema", &bare, false, SC_DOC_REFS);
    sc_json_end(w);
}

static void put_path_name(struct sc_json *w, const char *pattern, struct sc_str name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(path_names); i++) {
        struct sc_json_field f = path_names[i].field;
        if (strncmp(pattern, path_names[i].begin, strlen(path_names[i].begin)) == 0 &&
            sc_str_equal(name, sc_str_from(f.name))) {
            f.required = true;
            put_parameter(w, "path", &f);
            return;
        }
    }
    sc_assert_failed("every name of a path is described", __FILE__, __LINE__, pattern);
}

static bool in_brackets(struct sc_str *rest, struct sc_str *name)
{
    (void)sc_str_take_until(rest, '{');
    if (rest->len == 0)
        return false;
    *name = sc_str_take_until(rest, '}');
    return true;
}

static void put_query(struct sc_json *w, const struct sc_query *query)
{
    struct sc_query_field f;
    for (size_t i = 0; query != NULL && sc_query_at(query, i, &f); i++) {
        const struct sc_json_field field = {
            .name = f.name,
            .type = f.type,
            .required = f.required,
            .min = f.min,
            .max = f.max,
            .format = f.format,
            .words = f.words,
            .choices = f.choices,
            .help = f.help,
            .example = f.example,
        };
        put_parameter(w, "query", &field);
    }
}

void sc_doc_parameters(struct sc_json *w, const struct sc_doc_row *row)
{
    struct sc_str name, rest = sc_str_from(row->pattern);
    sc_json_array(w, "parameters");
    while (in_brackets(&rest, &name))
        put_path_name(w, row->pattern, name);
    put_query(w, row->doc->query);
    for (size_t i = 0; i < SC_ARRAY_LEN(request_headers); i++) {
        const struct sc_json_field f = {
            .name = request_headers[i].name,
            .type = SC_JSON_TEXT,
            .help = request_headers[i].help,
        };
        if ((sc_doc_flags(row) & request_headers[i].flag) != 0)
            put_parameter(w, "header", &f);
    }
    sc_json_end(w);
}

/* ---- bodies ---- */

/* Bytes as they are. */
static void put_bytes(struct sc_json *w, const char *type)
{
    sc_json_object(w, type);
    sc_json_object(w, "schema");
    sc_json_text(w, "type", "string");
    sc_json_text(w, "format", "binary");
    sc_json_end(w);
    sc_json_end(w);
}

void sc_doc_body(struct sc_json *w, const struct sc_route_doc *doc)
{
    bool is_piece = (doc->flags & SC_DOC_PIECE) != 0, is_text = (doc->flags & SC_DOC_TEXT) != 0;
    if (doc->body == NULL && doc->form == NULL && !is_piece && !is_text)
        return;
    sc_json_object(w, "requestBody");
    sc_json_bool(w, "required", (doc->flags & SC_DOC_BODY_OPTIONAL) == 0);
    sc_json_object(w, "content");
    if (doc->form != NULL) {
        sc_json_object(w, "multipart/form-data");
        sc_json_shape_use(w, "schema", doc->form, SC_DOC_REFS);
        sc_json_end(w);
        if ((doc->flags & SC_DOC_RAW) != 0)
            put_bytes(w, "application/octet-stream");
    } else if (is_piece) {
        put_bytes(w, SC_HTTP_PIECE_TYPE);
    } else if (is_text) {
        put_bytes(w, "application/octet-stream");
    } else {
        sc_json_object(w, "application/json");
        sc_json_shape_use(w, "schema", doc->body, SC_DOC_REFS);
        sc_json_shape_example(w, "example", doc->body);
        sc_json_end(w);
    }
    sc_json_end(w);
    sc_json_end(w);
}
