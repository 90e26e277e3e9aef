/* The packed column of what was heard besides words: what a damaged database can hold. */

#include "fuzz.h"

#include "transcript/segment.h"

#include <stdlib.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str bytes = { (const char *)data, size };
    SC_AUTO(sc_segment_done) struct sc_segment segment = { 0 };
    SC_AUTO_BUF packed = { 0 };

    if (sc_heard_unpack(bytes, &segment, NULL) != SC_OK)
        return 0;
    sc_heard_pack(segment.heard, &packed);
    if (!sc_str_equal(sc_buf_str(&packed), bytes))
        abort();
    if (segment.heard != NULL && sc_heard_fault(segment.heard) != NULL)
        abort();
    return 0;
}
