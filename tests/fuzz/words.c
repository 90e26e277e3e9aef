/* The packed column of words: what a damaged database can hold. */

#include "fuzz.h"

#include "transcript/words.h"

#include <stdlib.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_segment segment = { 0 };
    struct sc_segment again = { 0 };
    SC_AUTO(sc_buf_done) struct sc_buf packed = { 0 };
    struct sc_error err = { 0 };

    if (sc_words_unpack((struct sc_str){ (const char *)data, size }, &segment, &err) == SC_OK) {
        sc_words_pack(&segment, &packed);
        if (sc_words_unpack(sc_buf_str(&packed), &again, &err) != SC_OK ||
            again.word_count != segment.word_count || again.made_count != segment.made_count)
            abort();
    }
    sc_segment_done(&segment);
    sc_segment_done(&again);
    return 0;
}
