/* Request bodies: the JSON reader, a field table over what it read, and the canonical form. */

#include "fuzz.h"

#include "base/macros.h"
#include "json/reader.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct body {
    struct sc_str name;
    int64_t count;
    double ratio;
    bool force;
    const struct sc_json_value *any;
};

static void read_fields(const struct sc_json_value *root)
{
    bool given = false;
    const struct sc_json_field fields[] = {
        SC_BODY(struct body, name, TEXT, .required = true, .min = 1, .max = 64),
        SC_BODY(struct body, count, INT, .min = 0, .max = 1000, .given = &given),
        SC_BODY(struct body, ratio, REAL, .min = -1, .max = 1),
        SC_BODY(struct body, force, BOOL, .required = false),
        SC_BODY(struct body, any, NULL, .required = false),
    };
    struct body body = { .count = 7 };
    struct sc_error err = { 0 };

    if (sc_json_read(root, fields, SC_ARRAY_LEN(fields), &body, &err) != SC_OK)
        return;
    if (body.name.len < 1 || body.name.len > 64 || body.count < 0 || body.count > 1000)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *again = NULL;
    SC_AUTO(sc_buf_done) struct sc_buf first = { 0 };
    SC_AUTO(sc_buf_done) struct sc_buf second = { 0 };
    struct sc_error err = { 0 };

    if (sc_json_parse((struct sc_str){ (const char *)data, size }, &doc, &err) != SC_OK)
        return 0;
    read_fields(sc_json_root(doc));
    /* The canonical form is JSON, and its own canonical form. */
    sc_json_dump(sc_json_root(doc), &first);
    if (sc_json_parse(sc_buf_str(&first), &again, &err) != SC_OK)
        abort();
    sc_json_dump(sc_json_root(again), &second);
    if (!sc_str_equal(sc_buf_str(&first), sc_buf_str(&second)))
        abort();
    return 0;
}
