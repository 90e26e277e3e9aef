/* Frames of a WebSocket in pieces of any size, and the headers that ask for one. */

#include "fuzz.h"

#include "http/ws-codec.h"
#include "http/ws-handshake.h"

#include <stdlib.h>

#include "base/banned.h"

struct heard {
    size_t messages, bytes;
};

static void on_message(void *ctx, struct sc_str payload, bool text)
{
    struct heard *heard = ctx;
    (void)text;
    if (payload.len > 1000)
        abort();
    heard->messages++;
    heard->bytes += payload.len;
}

/* The same bytes in pieces of `step` (0: at once). */
static struct heard feed(struct sc_str bytes, size_t step)
{
    struct heard heard = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_ws_freep) struct sc_ws *ws = sc_ws_new(1000, on_message, &heard);
    while (bytes.len > 0) {
        size_t n = step == 0 || step > bytes.len ? bytes.len : step;
        size_t before = out.len;
        bool closing = sc_ws_is_closing(ws);
        if (!sc_ws_feed(ws, (struct sc_str){ bytes.ptr, n }, &out) || out.failed)
            abort();
        if (closing && out.len != before)
            abort(); /* something came behind what closes */
        bytes.ptr += n;
        bytes.len -= n;
    }
    sc_ws_close(ws, SC_WS_GOING_AWAY, "bye", &out);
    if (!sc_ws_is_closing(ws))
        abort();
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str bytes = { (const char *)data, size };
    char accept[SC_SHA1_BASE64];
    struct heard whole = feed(bytes, 0);
    struct heard pieces = feed(bytes, 1);
    struct heard uneven = feed(bytes, 7);

    if (whole.messages != pieces.messages || whole.bytes != pieces.bytes ||
        whole.messages != uneven.messages || whole.bytes != uneven.bytes)
        abort();
    if (sc_ws_key_is_good(bytes))
        sc_ws_accept(bytes, accept);
    (void)sc_ws_bearer(bytes);
    (void)sc_ws_list_has(bytes, SC_STR("upgrade"));
    if (sc_origin_is_of_host(bytes, SC_STR("localhost")) && size > 17)
        abort();
    return 0;
}
