#pragma once
/* The protocol of one WebSocket (RFC 6455), the server's side, without a connection: bytes go in,
 * messages and bytes to send come out. No extensions. What a client may not send closes with the
 * code that the RFC names. Not thread-safe. */

#include "base/buf.h"

enum sc_ws_opcode {
    SC_WS_TEXT = 1,
    SC_WS_BINARY = 2,
    SC_WS_CLOSE = 8,
    SC_WS_PING = 9,
    SC_WS_PONG = 10,
};

enum sc_ws_close {
    SC_WS_NORMAL = 1000,
    SC_WS_GOING_AWAY = 1001,
    SC_WS_PROTOCOL = 1002,
    SC_WS_UNSUPPORTED = 1003,
    SC_WS_BAD_TEXT = 1007,
    SC_WS_POLICY = 1008,
    SC_WS_TOO_BIG = 1009,
    SC_WS_INTERNAL = 1011,
};
#define SC_WS_REASON 123 /* bytes of a reason at most */

/* A whole message: text is valid UTF-8. Pings, pongs and closings are dealt with here. */
typedef void (*sc_ws_message_fn)(void *ctx, struct sc_str payload, bool text);

struct sc_ws;
/* A message of more than message_limit bytes closes with TOO_BIG. NULL: no memory. */
struct sc_ws *sc_ws_new(size_t message_limit, sc_ws_message_fn message, void *ctx);
void sc_ws_free(struct sc_ws *ws);
SC_DEFINE_FREEP(struct sc_ws, sc_ws_free);
/* Takes bytes that came and appends what is to be answered to out. The message function may append
 * to the same buffer, but must not call back. False: no memory; the socket is lost. */
bool sc_ws_feed(struct sc_ws *ws, struct sc_str bytes, struct sc_buf *out);
/* Appends a whole frame. Nothing may follow what closes. */
void sc_ws_frame(struct sc_buf *out, enum sc_ws_opcode opcode, struct sc_str payload);
/* Appends the frame that closes, unless one was sent. reason: cut to SC_WS_REASON bytes. */
void sc_ws_close(struct sc_ws *ws, enum sc_ws_close code, const char *reason, struct sc_buf *out);
/* A closing frame was sent: nothing else may be. */
bool sc_ws_is_closing(const struct sc_ws *ws);
/* The closing was sent and answered, or nothing more is understood: what is in out is the last. */
bool sc_ws_is_over(const struct sc_ws *ws);
