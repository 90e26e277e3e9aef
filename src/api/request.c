#include "api/request.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>

#include "base/banned.h"

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

static void unknown_name(struct sc_known_names *k, struct sc_str name, struct sc_error *one)
{
    char quoted[SC_QUOTED_TEXT];
    SC_AUTO_BUF known = { 0 };
    for (size_t i = 0; k->names[i] != NULL; i++)
        sc_buf_printf(&known, "%s%s", i == 0 ? "" : ", ", k->names[i]);
    (void)sc_quote(name, quoted);
    if (known.len == 0)
        (void)sc_error_field(one, SC_E_INVALID_VALUE, quoted,
                             "unknown %s '%s': this address takes none", k->what, quoted);
    else
        (void)sc_error_field(one, SC_E_INVALID_VALUE, quoted, "unknown %s '%s'; known are %s",
                             k->what, quoted, sc_buf_text(&known));
}

void sc_known_names_visit(void *ctx, struct sc_str name, struct sc_str value)
{
    struct sc_known_names *k = ctx;
    struct sc_error one = { 0 };
    size_t i = 0;
    (void)value;
    while (k->names[i] != NULL && !sc_str_equal(name, sc_str_from(k->names[i])))
        i++;
    if (k->names[i] == NULL)
        unknown_name(k, name, &one);
    else if ((k->seen >> i & 1) != 0)
        (void)sc_error_field(&one, SC_E_INVALID_VALUE, k->names[i], "%s '%s' is given twice",
                             k->what, k->names[i]);
    else
        k->seen |= UINT64_C(1) << i;
    if (one.code != SC_OK)
        k->code = sc_error_also(k->err, &one);
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

bool sc_time_or_age_parse(struct sc_str text, int64_t now_ms, int64_t *out)
{
    int64_t ms, at;
    if (!sc_time_parse(text, &at)) {
        if (!sc_duration_parse(text, &ms) || ms > now_ms)
            return false;
        at = now_ms - ms;
    }
    *out = SC_MAX(at, 1);
    return true;
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
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
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

enum sc_code sc_request_read(struct sc_request *req, const struct sc_json_shape *shape, void *into,
                             struct sc_json_doc **doc, struct sc_error *err)
{
    enum sc_code code = sc_query_none(req, err);
    if (code == SC_OK)
        code = sc_request_json(req, doc, err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(*doc), shape->fields, shape->count, into, err);
    return code;
}

enum sc_code sc_request_object(const struct sc_json_value *value, const char *field,
                               const struct sc_json_shape *shape, void *into, struct sc_error *err)
{
    if (sc_json_type(value) != SC_JSON_OBJECT)
        return sc_error_field(err, SC_E_INVALID_VALUE, field, "%s must hold objects", field);
    return sc_json_read(value, shape->fields, shape->count, into, err);
}

enum sc_code sc_request_empty(struct sc_request *req, struct sc_error *err)
{
    enum sc_code code = sc_query_none(req, err);
    if (code != SC_OK || sc_request_body(req).len == 0)
        return code;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    code = sc_request_json(req, &doc, err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(doc), NULL, 0, NULL, err);
    return code;
}
