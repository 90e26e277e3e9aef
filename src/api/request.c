#include "api/request.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>

#include "base/banned.h"

static const char cursor_letters[] = {
    [SC_CURSOR_JOB] = 'j',   [SC_CURSOR_UPLOAD] = 'u', [SC_CURSOR_TRANSCRIPT] = 't',
    [SC_CURSOR_EVENT] = 'e', [SC_CURSOR_EXPORT] = 'x', [SC_CURSOR_VERSION] = 'v',
    [SC_CURSOR_TOKEN] = 'k'
};

const char *sc_cursor_format(enum sc_cursor_kind kind, int64_t id, char out[SC_CURSOR_TEXT])
{
    sc_assert(id > 0);
    (void)snprintf(out, SC_CURSOR_TEXT, "%c%" PRIx64, cursor_letters[kind], (uint64_t)id);
    return out;
}

bool sc_hex_parse(struct sc_str digits, int64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len && i < 16; i++) {
        char c = digits.ptr[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f'))
            return false;
        value = value << 4 | (unsigned)(digit ? c - '0' : c - 'a' + 10);
    }
    if (digits.len == 0 || digits.len > 16 || value > INT64_MAX ||
        (digits.len > 1 && digits.ptr[0] == '0'))
        return false;
    *out = (int64_t)value;
    return true;
}

bool sc_cursor_parse(enum sc_cursor_kind kind, struct sc_str text, int64_t *id)
{
    if (text.len < 2 || text.ptr[0] != cursor_letters[kind] || text.ptr[1] == '0')
        return false;
    return sc_hex_parse((struct sc_str){ text.ptr + 1, text.len - 1 }, id);
}

/* Names of older systems: mostly how far a job is with a stage. */
static const struct {
    const char *name;
    struct sc_status_filter filter;
} older_names[] = {
    { "NEW", { SC_JOB_PENDING, SC_STAGE_SPLIT, SC_PART_PENDING } },
    { "PENDING", { SC_JOB_PENDING, -1, SC_PART_ANY } },
    { "PENDING_CHUNK", { SC_JOB_PENDING, SC_STAGE_SPLIT, SC_PART_PENDING } },
    { "CHUNKING", { SC_JOB_PROCESSING, SC_STAGE_SPLIT, SC_PART_PROCESSING } },
    { "CHUNKED", { SC_JOB_PROCESSING, SC_STAGE_SPLIT, SC_PART_COMPLETED } },
    { "PENDING_CONVERSION", { SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_PENDING } },
    { "CONVERTING", { SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_PROCESSING } },
    { "CONVERTED", { SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_COMPLETED } },
    { "PENDING_JOIN", { SC_JOB_PROCESSING, SC_STAGE_JOIN, SC_PART_PENDING } },
    { "JOINING", { SC_JOB_PROCESSING, SC_STAGE_JOIN, SC_PART_PROCESSING } },
    { "PROCESSING", { SC_JOB_PROCESSING, -1, SC_PART_ANY } },
    { "COMPLETED", { SC_JOB_COMPLETED, -1, SC_PART_ANY } },
    { "FAILED", { SC_JOB_FAILED, -1, SC_PART_ANY } },
    { "ERROR", { SC_JOB_FAILED, -1, SC_PART_ANY } },
    { "CANCELLED", { SC_JOB_CANCELLED, -1, SC_PART_ANY } },
};

bool sc_status_parse(struct sc_str text, struct sc_status_filter *out)
{
    for (int i = 0; i < SC_JOB_STATE_COUNT_; i++) {
        if (sc_str_equal(text, sc_str_from(sc_job_state_to_string((enum sc_job_state)i)))) {
            *out = (struct sc_status_filter){ i, -1, SC_PART_ANY };
            return true;
        }
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(older_names); i++) {
        if (sc_str_equal(text, sc_str_from(older_names[i].name))) {
            *out = older_names[i].filter;
            return true;
        }
    }
    return false;
}

const char *sc_quote(struct sc_str text, char out[SC_QUOTED_TEXT])
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, (struct sc_str){ text.ptr, SC_MIN(text.len, 60) });
    struct sc_str all = sc_buf_str(&shown);
    bool cut = text.len > 60 || all.len > SC_QUOTED_TEXT - 4;
    all.len = SC_MIN(all.len, SC_QUOTED_TEXT - 4);
    all.len = sc_utf8_valid_prefix(all);
    (void)snprintf(out, SC_QUOTED_TEXT, "%.*s%s", (int)all.len, all.ptr, cut ? "..." : "");
    return out;
}

void sc_known_names_visit(void *ctx, struct sc_str name, struct sc_str value)
{
    struct sc_known_names *k = ctx;
    (void)value;
    if (k->code != SC_OK)
        return;
    char quoted[SC_QUOTED_TEXT];
    for (size_t i = 0; k->names[i] != NULL; i++) {
        if (!sc_str_equal(name, sc_str_from(k->names[i])))
            continue;
        if ((k->seen >> i & 1) != 0) {
            k->code = sc_error_field(k->err, SC_E_INVALID_VALUE, k->names[i],
                                     "%s '%s' is given twice", k->what, k->names[i]);
        }
        k->seen |= UINT64_C(1) << i;
        return;
    }
    SC_AUTO_BUF known = { 0 };
    for (size_t i = 0; k->names[i] != NULL; i++)
        sc_buf_printf(&known, "%s%s", i == 0 ? "" : ", ", k->names[i]);
    (void)sc_quote(name, quoted);
    k->code =
        known.len == 0
            ? sc_error_field(k->err, SC_E_INVALID_VALUE, quoted,
                             "unknown %s '%s': this address takes none", k->what, quoted)
            : sc_error_field(k->err, SC_E_INVALID_VALUE, quoted, "unknown %s '%s'; known are %s",
                             k->what, quoted, sc_buf_text(&known));
}

enum sc_code sc_limit_parse(struct sc_str text, int *out, struct sc_error *err)
{
    int64_t value;
    if (!sc_str_to_int64(text, &value) || value < 1 || value > SC_LIMIT_MAX) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, "limit",
                              "limit '%s' is not a whole number from 1 to %d",
                              sc_quote(text, quoted), SC_LIMIT_MAX);
    }
    *out = (int)value;
    return SC_OK;
}

enum sc_code sc_idempotency_key_check(struct sc_str key, struct sc_error *err)
{
    bool printable = true;
    for (size_t i = 0; i < key.len; i++)
        printable = printable && key.ptr[i] >= 0x20 && key.ptr[i] < 0x7f;
    if (key.len < 1 || key.len > 255 || !printable) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "Idempotency-Key",
                              "Idempotency-Key must be 1 to 255 printable ASCII signs");
    }
    return SC_OK;
}

enum sc_code sc_query_only(struct sc_request *req, const char *const *names, struct sc_error *err)
{
    struct sc_known_names k = { .names = names, .what = "query parameter", .err = err };
    sc_request_each_query(req, sc_known_names_visit, &k);
    return k.code;
}

enum sc_code sc_query_flag(struct sc_request *req, const char *name, bool *out,
                           struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, name);
    char quoted[SC_QUOTED_TEXT];
    if (text.ptr == NULL || sc_str_to_bool(text, out))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, name, "%s '%s' is neither true nor false", name,
                          sc_quote(text, quoted));
}

enum sc_code sc_query_cursor(struct sc_request *req, const char *name, enum sc_cursor_kind kind,
                             int64_t *out, struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, name);
    if (text.ptr == NULL || sc_cursor_parse(kind, text, out))
        return SC_OK;
    char quoted[SC_QUOTED_TEXT];
    return sc_error_field(err, SC_E_INVALID_VALUE, name,
                          "%s '%s' is no cursor of this list; send one that it answered", name,
                          sc_quote(text, quoted));
}

enum sc_code sc_query_limit(struct sc_request *req, int *out, struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, "limit");
    return text.ptr == NULL ? SC_OK : sc_limit_parse(text, out, err);
}

enum sc_code sc_refuse_sorted_cursor(struct sc_str cursor, struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    return sc_error_field(err, SC_E_INVALID_VALUE, "cursor",
                          "cursor '%s' is no cursor of this list; send one that it answered, with "
                          "the same sort",
                          sc_quote(cursor, quoted));
}

enum sc_code sc_query_page(struct sc_request *req, enum sc_cursor_kind kind, int *limit,
                           int64_t *before, struct sc_error *err)
{
    int rows = SC_LIMIT_DEFAULT;
    int64_t id = 0;
    enum sc_code code = sc_query_limit(req, &rows, err);
    if (code == SC_OK)
        code = sc_query_cursor(req, "cursor", kind, &id, err);
    if (code != SC_OK)
        return code;
    *limit = rows;
    *before = id;
    return SC_OK;
}

enum sc_code sc_query_number(struct sc_request *req, const char *name, int64_t *out,
                             struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, name);
    int64_t value;
    if (text.ptr == NULL)
        return SC_OK;
    if (!sc_str_to_int64(text, &value) || value < 1) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, name,
                              "%s '%s' is not a whole number from 1 up", name,
                              sc_quote(text, quoted));
    }
    *out = value;
    return SC_OK;
}

bool sc_time_or_age_parse(struct sc_str text, int64_t now_ms, int64_t *out)
{
    int64_t ms;
    if (sc_time_parse(text, out))
        return true;
    if (!sc_duration_parse(text, &ms) || ms > now_ms)
        return false;
    *out = now_ms - ms;
    return true;
}

enum sc_code sc_query_time(struct sc_request *req, const char *name, int64_t *out,
                           struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, name);
    char quoted[SC_QUOTED_TEXT];
    if (text.ptr == NULL || sc_time_or_age_parse(text, sc_clock_wall_ms(), out))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, name,
                          "%s '%s' is no time; write 2026-11-20T14:30:00Z, 2026-11-20, or how long "
                          "ago, such as 7d",
                          name, sc_quote(text, quoted));
}

enum sc_code sc_query_stage(struct sc_request *req, int *out, struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, "stage");
    char quoted[SC_QUOTED_TEXT];
    if (text.ptr == NULL)
        return SC_OK;
    for (int i = 0; i < SC_STAGE_COUNT_; i++) {
        if (sc_str_equal(text, sc_str_from(sc_stage_to_string((enum sc_stage)i)))) {
            *out = i;
            return SC_OK;
        }
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, "stage",
                          "stage '%s' is none of ingest, split, transcribe, convert, merge, join, "
                          "noop",
                          sc_quote(text, quoted));
}

enum sc_code sc_path_number(struct sc_request *req, enum sc_code missing, int64_t *out,
                            struct sc_error *err)
{
    struct sc_str text = sc_request_param(req, "id");
    int64_t value;
    char quoted[SC_QUOTED_TEXT];
    if (!sc_str_to_int64(text, &value) || value < 1)
        return sc_error_set(err, missing, "%s: '%s'", sc_code_text(missing),
                            sc_quote(text, quoted));
    *out = value;
    return SC_OK;
}

enum sc_code sc_job_id_parse(struct sc_str text, char out[SC_UUID_TEXT], struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    if (!sc_uuid_is_valid(text))
        return sc_error_set(err, SC_E_JOB_NOT_FOUND, "no such job: '%s'", sc_quote(text, quoted));
    (void)snprintf(out, SC_UUID_TEXT, "%.*s", (int)text.len, text.ptr);
    return SC_OK;
}

enum sc_code sc_path_job_id(struct sc_request *req, char out[SC_UUID_TEXT], struct sc_error *err)
{
    return sc_job_id_parse(sc_request_param(req, "id"), out, err);
}

enum sc_code sc_request_idempotency_key(struct sc_request *req, char **out, struct sc_error *err)
{
    struct sc_str key = sc_request_header(req, "Idempotency-Key");
    if (key.ptr == NULL)
        return SC_OK;
    enum sc_code code = sc_idempotency_key_check(key, err);
    if (code == SC_OK)
        *out = sc_strndup(key.ptr, key.len);
    return code;
}

/* A browser sends application/json to another site's server only after asking it (CORS), so that a
 * page cannot steer an open server on loopback through its visitors. */
static bool is_json_type(struct sc_str type)
{
    struct sc_str media = sc_str_take_until(&type, ';');
    return sc_str_equal_nocase(sc_str_trim(media), SC_STR("application/json"));
}

enum sc_code sc_request_json(struct sc_request *req, struct sc_json_doc **out, struct sc_error *err)
{
    if (!is_json_type(sc_request_header(req, "Content-Type"))) {
        return sc_error_field(err, SC_E_UNSUPPORTED_TYPE, "Content-Type",
                              "send the body as Content-Type: application/json");
    }
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(sc_request_body(req), &doc, err);
    if (code != SC_OK)
        return code;
    if (sc_json_type(sc_json_root(doc)) != SC_JSON_OBJECT)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "the body must be a JSON object");
    *out = SC_TAKE(doc);
    return SC_OK;
}

enum sc_code sc_request_read(struct sc_request *req, const struct sc_json_field *fields,
                             size_t count, void *into, struct sc_json_doc **doc,
                             struct sc_error *err)
{
    static const char *const none[] = { NULL };
    enum sc_code code = sc_query_only(req, none, err);
    if (code == SC_OK)
        code = sc_request_json(req, doc, err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(*doc), fields, count, into, err);
    return code;
}

enum sc_code sc_request_object(const struct sc_json_value *value, const char *field,
                               const struct sc_json_field *fields, size_t count, void *into,
                               struct sc_error *err)
{
    if (sc_json_type(value) != SC_JSON_OBJECT)
        return sc_error_field(err, SC_E_INVALID_VALUE, field, "%s must hold objects", field);
    return sc_json_read(value, fields, count, into, err);
}

enum sc_code sc_request_empty(struct sc_request *req, struct sc_error *err)
{
    static const char *const none[] = { NULL };
    enum sc_code code = sc_query_only(req, none, err);
    if (code != SC_OK || sc_request_body(req).len == 0)
        return code;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    code = sc_request_json(req, &doc, err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(doc), NULL, 0, NULL, err);
    return code;
}
