/* GET /ws/echo, in test builds alone (-Dtest_hooks=true): conformance suites talk to it. */

#include "api/api-internal.h"

#include "http/websocket.h"

#include "base/banned.h"

#define MESSAGE_BYTES ((size_t)16 << 20)

static void on_opened(struct sc_socket *socket, void *ctx)
{
    (void)socket;
    (void)ctx;
}

static void on_message(struct sc_socket *socket, void *ctx, struct sc_str payload, bool text)
{
    SC_AUTO_BUF frame = { 0 };
    (void)ctx;
    sc_ws_frame(&frame, text ? SC_WS_TEXT : SC_WS_BINARY, payload);
    sc_socket_send(socket, sc_buf_str(&frame));
}

static void on_closed(void *ctx)
{
    (void)ctx;
}

struct sc_done *sc_api_echo(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_socket_ops ops = { on_opened, on_message, NULL, on_closed,
                                              MESSAGE_BYTES };
    return sc_reply_socket(req, &ops, api);
}
