/* Bytes of a connection. In slices of any size they are taken and refused as they are at once, and
 * a request that was let through has the lengths that it says. */

#include "fuzz.h"

#include "http/framing.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static size_t feed_in(struct sc_framing *f, const char *bytes, size_t len, size_t slice)
{
    size_t taken = 0;
    for (size_t at = 0; at < len; at += slice) {
        size_t n = SC_MIN(slice, len - at);
        size_t good = sc_framing_feed(f, bytes + at, n);
        if (good > n)
            abort();
        taken += good;
        if (good < n)
            break;
    }
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_framing once = { 0 }, slices = { 0 };
    if (size == 0)
        return 0;
    size_t slice = 1 + data[0] % 16;
    const char *bytes = (const char *)data + 1;
    size_t whole = feed_in(&once, bytes, size - 1, size);
    size_t cut = feed_in(&slices, bytes, size - 1, slice);
    if (once.code != slices.code || once.requests != slices.requests)
        abort();
    /* Of a request that is refused, slices have let pieces through already. */
    if (cut < whole || (once.code == SC_OK && whole != size - 1))
        abort();
    if ((once.code != SC_OK) != (once.state == SC_FRAMING_REFUSED))
        abort();
    return 0;
}
