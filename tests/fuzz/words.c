/* Packed words from a damaged or hostile store: refused, or unpacked into words that pack to the
 * very same bytes. */

#include "fuzz.h"

#include "transcript/words.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SC_AUTO(sc_segment_done) struct sc_segment s = { 0 };
    SC_AUTO_BUF packed = { 0 };
    struct sc_error err = { 0 };
    struct sc_str bytes = { (const char *)data, size };
    if (sc_words_unpack(bytes, &s, &err) != SC_OK) {
        if (s.word_count != 0 || err.msg[0] == '\0')
            abort();
        return 0;
    }
    sc_words_pack(&s, &packed);
    if (!sc_str_equal(bytes, sc_buf_str(&packed)))
        abort();
    for (size_t i = 0; i < s.word_count; i++) {
        if (s.words[i].start_ms < 0 || s.words[i].end_ms < s.words[i].start_ms)
            abort();
    }
    return 0;
}
