/* What a worker tells of a chunk, and hands in for it. */

#include "fuzz.h"

#include "api/request.h"
#include "base/language.h"

#include <stdlib.h>

#include "base/banned.h"

static void tell(const struct sc_json_value *root)
{
    SC_AUTO(sc_result_done) struct sc_chunk_result said = { 0 };
    struct sc_error err = { 0 };
    int64_t first = -1;
    if (sc_so_far_read(root, &said, &first, &err) != SC_OK) {
        if (err.msg[0] == '\0')
            abort();
        return;
    }
    if (said.fence.worker_id < 1 || said.fence.epoch < 1 || first < 0 ||
        sc_segments_check(&said.segments, NULL) != SC_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_result_done) struct sc_chunk_result result = { 0 };
    SC_AUTO_BUF all = { 0 };
    struct sc_lanes next = { .max = 0 };
    struct sc_error err = { 0 };

    if (sc_json_parse(text, &doc, NULL) != SC_OK)
        return 0;
    tell(sc_json_root(doc));
    if (sc_result_read(sc_json_root(doc), &result, &next, &err) != SC_OK) {
        if (err.msg[0] == '\0')
            abort();
        return 0;
    }
    if (result.fence.worker_id < 1 || result.fence.epoch < 1 || result.processing_ms < 0 ||
        sc_segments_check(&result.segments, NULL) != SC_OK || next.max > SC_CLAIM_MAX ||
        next.count > SC_LANES_MAX || (next.max > 0) != (next.count > 0))
        abort();
    char code[SC_LANGUAGE_TEXT];
    if (result.language[0] != '\0' &&
        (!sc_language_code(sc_str_from(result.language), code) ||
         strcmp(result.language, code) != 0 || strcmp(code, "auto") == 0))
        abort();
    sc_segments_shift(&result.segments, 3600000);
    sc_segments_text(&result.segments, &all);
    return 0;
}
