/* Templates of text. Whatever is taken writes every segment, or says that it is too large. */

#include "fuzz.h"

#include "transcript/reader.h"
#include "transcript/writer.h"

#include <stdlib.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sc_writer_meta meta = { .version = 1, .job_id = "j", .file_name = "{a}" };
    static const char spoken[] = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>=one {text}\n\n"
                                 "00:02.000 --> 00:03.000\ntwo\n";
    const struct sc_format *txt = sc_format_find("txt");
    SC_AUTO(sc_writer_options_done) struct sc_writer_options options;
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };

    sc_writer_options_init(&options, txt);
    if (sc_writer_options_set(&options, txt, SC_STR("template"),
                              (struct sc_str){ (const char *)data, size }, &err) != SC_OK) {
        if (err.msg[0] == '\0')
            abort();
        return 0;
    }
    if (sc_format_read("vtt", SC_STR(spoken), &read, &err) != SC_OK ||
        sc_format_to_buf(txt, &read.segments, &meta, &options, &out, &err) != SC_OK)
        abort();
    return 0;
}
