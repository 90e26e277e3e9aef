/* The command line of the engine `command`: words, placeholders, and what fills them. */

#include "fuzz.h"

#include "engine/runline.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sc_placeholder values[] = {
        { "in", "/tmp/{in} {out}.wav" },
        { "prompt", "" },
        { "lang", NULL },
    };
    struct sc_runline line = { 0 };
    struct sc_runline filled = { 0 };
    struct sc_error err = { 0 };
    struct sc_str text = { (const char *)data, size };

    if (sc_runline_split(text, &line, &err) != SC_OK) {
        if (err.msg[0] == '\0' || line.count != 0)
            abort();
        return 0;
    }
    sc_runline_fill(&line, values, sizeof(values) / sizeof(values[0]), &filled);
    /* Whatever stands in the values, there are as many words as before. */
    if (filled.count != line.count || filled.words[filled.count] != NULL)
        abort();
    for (size_t i = 0; i < line.count; i++) {
        if (strchr(line.words[i], '{') == NULL && strcmp(line.words[i], filled.words[i]) != 0)
            abort();
    }
    struct sc_str unknown = sc_runline_unknown(&line, values, sizeof(values) / sizeof(values[0]));
    if (unknown.len > size)
        abort();
    sc_runline_done(&line);
    sc_runline_done(&filled);
    return 0;
}
