#include "http/ws-codec.h"

#include "base/alloc.h"

#include <wslay/wslay.h>

#include "base/banned.h"

struct sc_ws {
    struct wslay_event_context *context;
    sc_ws_message_fn message;
    void *ctx;
    bool closing;       /* a closing frame is in what was given out */
    bool violated;      /* something came that wslay lets pass */
    bool deaf;          /* nothing more can be understood */
    struct sc_str in;   /* while sc_ws_feed runs */
    struct sc_buf *out; /* while bytes may be given out */
};

static ssize_t on_recv(struct wslay_event_context *context, uint8_t *bytes, size_t room, int flags,
                       void *ctx)
{
    struct sc_ws *ws = ctx;
    (void)flags;
    size_t n = SC_MIN(room, ws->in.len);
    if (n == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(bytes, ws->in.ptr, n);
    ws->in.ptr += n;
    ws->in.len -= n;
    return (ssize_t)n;
}

static ssize_t on_send(struct wslay_event_context *context, const uint8_t *bytes, size_t len,
                       int flags, void *ctx)
{
    struct sc_ws *ws = ctx;
    (void)flags;
    sc_buf_append(ws->out, bytes, len);
    if (ws->out->failed) {
        wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)len;
}

/* A closing has a code of two bytes or nothing at all. */
static void on_frame(struct wslay_event_context *context,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *ctx)
{
    struct sc_ws *ws = ctx;
    (void)context;
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
        ws->violated = true;
}

static void on_message(struct wslay_event_context *context,
                       const struct wslay_event_on_msg_recv_arg *message, void *ctx)
{
    struct sc_ws *ws = ctx;
    if (ws->closing ||
        (message->opcode != WSLAY_TEXT_FRAME && message->opcode != WSLAY_BINARY_FRAME))
        return;
    /* A pong that is owed leaves before what the message is answered with. */
    (void)wslay_event_send(context);
    struct sc_str payload = { (const char *)message->msg, message->msg_length };
    if (payload.ptr == NULL)
        payload.ptr = "";
    ws->message(ws->ctx, payload, message->opcode == WSLAY_TEXT_FRAME);
}

struct sc_ws *sc_ws_new(size_t message_limit, sc_ws_message_fn message, void *ctx)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    struct sc_ws *ws = sc_alloc(sizeof(*ws));
    *ws = (struct sc_ws){ .message = message, .ctx = ctx };
    if (wslay_event_context_server_init(&ws->context, &callbacks, ws) != 0) {
        free(ws);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(ws->context, message_limit);
    return ws;
}

void sc_ws_free(struct sc_ws *ws)
{
    if (ws == NULL)
        return;
    wslay_event_context_free(ws->context);
    free(ws);
}

/* Gives out what waits: pongs, the answer to a closing. */
static bool send_replies(struct sc_ws *ws)
{
    int error = wslay_event_send(ws->context);
    ws->closing = ws->closing || wslay_event_get_close_sent(ws->context) != 0;
    return error == 0;
}

/* A frame that is none: wslay would close without a code. */
static void close_as_violated(struct sc_ws *ws)
{
    static const char code[2] = { SC_WS_PROTOCOL >> 8, (char)(SC_WS_PROTOCOL & 0xff) };
    if (!ws->closing)
        sc_ws_frame(ws->out, SC_WS_CLOSE, (struct sc_str){ code, sizeof(code) });
    ws->closing = ws->deaf = true;
}

bool sc_ws_feed(struct sc_ws *ws, struct sc_str bytes, struct sc_buf *out)
{
    bool ok = true;
    if (ws->deaf)
        return true;
    ws->in = bytes;
    ws->out = out;
    int error = wslay_event_recv(ws->context);
    if (ws->violated || error == WSLAY_ERR_CALLBACK_FAILURE)
        close_as_violated(ws);
    else
        ok = error == 0 && send_replies(ws);
    ws->in = (struct sc_str){ 0 };
    ws->out = NULL;
    return ok;
}

void sc_ws_frame(struct sc_buf *out, enum sc_ws_opcode opcode, struct sc_str payload)
{
    char head[10];
    size_t len = 2;
    head[0] = (char)(0x80 | (int)opcode);
    if (payload.len < 126) {
        head[1] = (char)payload.len;
    } else {
        len = payload.len <= UINT16_MAX ? 4 : 10;
        head[1] = len == 4 ? 126 : 127;
        for (size_t i = 2; i < len; i++)
            head[i] = (char)(payload.len >> 8 * (len - 1 - i) & 0xff);
    }
    sc_buf_append(out, head, len);
    sc_buf_put_str(out, payload);
}

void sc_ws_close(struct sc_ws *ws, enum sc_ws_close code, const char *reason, struct sc_buf *out)
{
    if (sc_ws_is_closing(ws))
        return;
    size_t len = SC_MIN(strlen(reason), (size_t)SC_WS_REASON);
    ws->out = out;
    if (wslay_event_queue_close(ws->context, (uint16_t)code, (const uint8_t *)reason, len) == 0)
        (void)send_replies(ws);
    ws->out = NULL;
}

bool sc_ws_is_closing(const struct sc_ws *ws)
{
    return ws->closing;
}

bool sc_ws_is_over(const struct sc_ws *ws)
{
    return ws->closing && (ws->deaf || wslay_event_get_close_received(ws->context) != 0 ||
                           wslay_event_get_read_enabled(ws->context) == 0);
}
