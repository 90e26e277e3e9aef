/* Headers of resumable uploads: each line is one, of the kind that its first sign tells. */

#include "fuzz.h"

#include "api/tus.h"
#include "base/utf8.h"
#include "http/multipart.h"
#include "json/reader.h"

#include <stdlib.h>

#include "base/banned.h"

static void check_metadata(struct sc_str text)
{
    SC_AUTO(sc_tus_metadata_done) struct sc_tus_metadata m = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (sc_tus_metadata(text, &m, &err) != SC_OK) {
        if (err.msg[0] == '\0' || err.field[0] == '\0')
            abort();
        return;
    }
    /* The store keeps them. */
    if (!sc_utf8_is_valid(sc_buf_str(&m.name)) ||
        (sc_json_parse(sc_buf_str(&m.options), &doc, &err) != SC_OK &&
         memchr(m.options.ptr, '\\', m.options.len) == NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    while (text.len > 0) {
        struct sc_str line = sc_str_take_until(&text, '\n');
        struct sc_str rest = { line.ptr + 1, line.len - (line.len > 0) };
        SC_AUTO_BUF name = { 0 };
        struct sc_checksum sum = { 0 };
        int64_t bytes = 0;
        if (line.len == 0)
            continue;
        if (line.ptr[0] == 'm')
            check_metadata(rest);
        else if (line.ptr[0] == 'c' && sc_tus_checksum(rest, &sum, NULL) == SC_OK && sum.len < 16)
            abort();
        else if (line.ptr[0] == 'n' && sc_tus_bytes("x", rest, &bytes, NULL) == SC_OK && bytes < 0)
            abort();
        else if (line.ptr[0] == 'd' && sc_disposition_name(rest, &name) && name.len > rest.len)
            abort();
    }
    return 0;
}
