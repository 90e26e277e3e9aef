/* What the jailed decoder says in JSON, which is as untrusted as the recording: INFO and DONE. */

#include "fuzz.h"

#include "base/utf8.h"
#include "pipeline/decoder.h"
#include "json/reader.h"

#include <stdlib.h>

#include "base/banned.h"

static void check_probe(struct sc_str text)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_probe probe = { .duration_ms = -1 };
    if (sc_probe_read(text, &probe, NULL) == SC_OK) {
        if (!sc_utf8_is_valid(sc_str_from(probe.format)) ||
            !sc_utf8_is_valid(sc_str_from(probe.codec)) || probe.duration_ms < -1 ||
            probe.bit_rate < -1 || probe.sample_rate < 0 || probe.channels < 0 ||
            sc_json_parse(sc_str_from(probe.metadata), &doc, NULL) != SC_OK)
            abort();
    }
    free(probe.metadata);
}

static void check_end(struct sc_str text)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF warnings = { 0 };
    struct sc_pass_end end;
    struct sc_json w;
    sc_pass_end_read(text, 16000, &end);
    if (end.samples != 16000 || end.lost_count > SC_LOST_MAX)
        abort();
    sc_sound_warnings_begin(&w, &warnings);
    sc_sound_warnings_end(&w, &end);
    if (warnings.len > 0 && sc_json_parse(sc_buf_str(&warnings), &doc, NULL) != SC_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct sc_sound sound;
    SC_AUTO_BUF settings = { 0 };
    check_probe(text);
    check_end(text);
    sc_buf_put_str(&settings, text);
    sc_sound_read(sc_buf_text(&settings), &sound);
    return 0;
}
