#pragma once
/* WebSockets (RFC 6455): a route with SC_ROUTE_SOCKET answers with one by sc_reply_socket(). Once
 * it is open it belongs to one thread of the adapter, which serves all of them: every callback and
 * every call here that takes a socket is made on that thread, unless it says otherwise. Pings,
 * time-outs, fragments, closings and what is not allowed are the adapter's matter. */

#include "http/http.h"
#include "http/ws-codec.h"

/* Unsent bytes of a socket; what is more than them must wait. */
#define SC_SOCKET_OUT_BYTES ((size_t)64 << 10)

struct sc_socket;

struct sc_socket_ops {
    void (*opened)(struct sc_socket *socket, void *ctx);
    void (*message)(struct sc_socket *socket, void *ctx, struct sc_str payload, bool text);
    /* What was sent has left, after sc_socket_when_drained(). */
    void (*drained)(struct sc_socket *socket, void *ctx);
    /* Once, at the end, on any thread; also when it never opened. */
    void (*closed)(void *ctx);
    size_t message_limit; /* bytes of a message that a client may send */
};

/* Answers with a WebSocket. The handshake has been judged before the handler ran. ops: static. */
struct sc_done *sc_reply_socket(struct sc_request *req, const struct sc_socket_ops *ops, void *ctx);

/* Sends a frame that sc_ws_frame() made; nothing once the socket is closing. */
void sc_socket_send(struct sc_socket *socket, struct sc_str frame);
/* May len bytes more be sent now? If not the client reads slowly: send nothing until it has. */
bool sc_socket_has_room(const struct sc_socket *socket, size_t len);
/* `drained` is called once, when everything that was sent has left, which may be at once. */
void sc_socket_when_drained(struct sc_socket *socket);
/* Closes it, once what was sent before has left; `closed` comes later. */
void sc_socket_close(struct sc_socket *socket, enum sc_ws_close code, const char *reason);

/* Calls options.sockets_round on the sockets' thread. From any thread, until sc_http_free. */
struct sc_sockets;
struct sc_sockets *sc_request_sockets(struct sc_request *req);
void sc_sockets_wake(struct sc_sockets *sockets);
