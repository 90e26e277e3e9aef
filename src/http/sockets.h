#pragma once
/* The thread of WebSockets, for the files of the adapter: websocket.c runs it, ws-reply.c hands it
 * new ones. */

#include "http/websocket.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum sc_socket_state {
    SC_SOCKET_QUIET,   /* heard of; asked for a sign of life when its time is over */
    SC_SOCKET_ASKED,   /* a ping is out */
    SC_SOCKET_CLOSING, /* our closing is out, or what is left to send before the end */
    SC_SOCKET_ENDED,   /* all is said: waits for the client's end of the connection */
    SC_SOCKET_NONE,    /* has gone: freed at the end of the round */
    SC_SOCKET_STATES
};

struct sc_socket {
    struct sc_sockets *sockets;
    const struct sc_socket_ops *ops;
    void *ctx;
    int fd;
    struct MHD_UpgradeResponseHandle *tls; /* NULL: the descriptor is ours alone */
    int far_fd; /* with TLS the connection itself, which is libmicrohttpd's; else -1 */
    struct sc_ws *ws;
    struct sc_buf early; /* what came with the headers of the handshake */
    struct sc_buf out;
    enum sc_socket_state queue;
    int64_t since_ms; /* in that queue */
    struct sc_socket *prev, *next;
    uint32_t interest; /* of the epoll */
    bool tell_drained;
    bool flushing;               /* in the list of those that have something to send */
    bool feeding;                /* its protocol runs: what closes must wait */
    enum sc_ws_close close_code; /* 0: none asked for */
    char close_reason[SC_WS_REASON + 1];
    struct sc_socket *next_dirty;
};

struct sc_socket_queue {
    struct sc_socket *first, *last;
};
struct sc_sockets {
    struct sc_http *http;
    pthread_t thread;
    bool made, started;
    int epoll_fd, wake_fd;
    int64_t ping_ms, pong_ms;
    atomic_int open; /* answered with one, and not freed yet */
    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct sc_socket *arrived; /* by `next` */
    bool woken, stopping;
    int64_t stop_ms; /* drops what is open then */
    /* -- of the thread alone -- */
    struct sc_socket_queue queues[SC_SOCKET_STATES];
    struct sc_socket *dirty; /* something is to be sent, by `next_dirty` */
    int served;
    bool ending, round_due;
    int64_t next_ms, round_ms; /* the earliest deadline; of options.sockets_round */
};
bool sc_sockets_start(struct sc_sockets *all, struct sc_http *http);
/* Closes all of them and ends the thread, at the deadline at the latest; nothing is open after it.
 * Idempotent. */
void sc_sockets_stop(struct sc_sockets *all, int64_t deadline_ms);
void sc_sockets_done(struct sc_sockets *all);
/* To the thread; false: it has ended, the socket is still the caller's. Any thread. */
bool sc_socket_hand_over(struct sc_socket *socket);
/* One that has not been handed over, or is in no queue any more; NULL allowed. Its descriptor is
 * closed before. */
void sc_socket_free(struct sc_socket *socket);
void sc_socket_close_fd(struct sc_socket *socket);
/* A sc_ws_message_fn over struct sc_socket. */
void sc_socket_take_message(void *ctx, struct sc_str payload, bool text);
