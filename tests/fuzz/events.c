/* Server-sent events, in pieces of any size. */

#include "fuzz.h"

#include "net/sse.h"

#include <stdlib.h>

#include "base/banned.h"

struct seen {
    int count;
    size_t bytes;
};

static bool take_event(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct seen *seen = ctx;

    seen->count++;
    seen->bytes += id.len + type.len + data.len;
    return seen->count < 1000;
}

/* The same bytes in pieces of `step` (0: at once). */
static struct seen feed(struct sc_str text, size_t step)
{
    struct seen seen = { 0 };
    struct sc_sse sse;

    sc_sse_init(&sse, take_event, &seen);
    while (text.len > 0) {
        size_t n = step == 0 || step > text.len ? text.len : step;
        if (sc_sse_feed(&sse, (struct sc_str){ text.ptr, n }) != SC_SSE_MORE)
            break;
        text.ptr += n;
        text.len -= n;
    }
    sc_sse_done(&sse);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct seen whole = feed(text, 0);
    struct seen pieces = feed(text, 1);
    struct seen uneven = feed(text, 7);

    if (whole.count != pieces.count || whole.bytes != pieces.bytes || whole.count != uneven.count ||
        whole.bytes != uneven.bytes)
        abort();
    return 0;
}
