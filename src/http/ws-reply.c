/* Answering with a WebSocket, and handing its connection over to the thread that serves it. */
#include "http/websocket.h"

#include "base/alloc.h"
#include "http/http-internal.h"
#include "http/ws-handshake.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/banned.h"

static void set_options(int fd)
{
    int on = 1, off = 0;
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    /* Of TCP alone, where a message must not wait for the next one. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* On a thread of libmicrohttpd's, once the answer to the handshake has been sent. */
static void on_upgrade(void *cls, struct MHD_Connection *conn, void *con_cls, const char *early,
                       size_t early_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct sc_request *req = con_cls;
    struct sc_socket *s = SC_TAKE(req->socket);
    (void)cls;
    (void)conn;
    bool tls = req->listener->tls;
    s->fd = tls ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    s->far_fd = tls ? req->fd : -1;
    if (tls)
        s->tls = handle;
    else
        (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE); /* ours stays open */
    sc_buf_append(&s->early, early, early_len);
    if (s->fd >= 0)
        set_options(s->fd);
    if (s->fd >= 0 && !s->early.failed && sc_socket_hand_over(s))
        return;
    if (s->fd >= 0)
        sc_socket_close_fd(s);
    sc_socket_free(s);
}

static struct sc_done *refuse(struct sc_request *req)
{
    struct sc_error err = { 0 };
    (void)sc_error_set(&err, SC_E_SERVER_UNREACHABLE,
                       "there are too many open WebSockets: try again later");
    sc_reply_header(req, MHD_HTTP_HEADER_RETRY_AFTER, "5");
    return sc_reply_error(req, &err);
}

struct sc_done *sc_reply_socket(struct sc_request *req, const struct sc_socket_ops *ops, void *ctx)
{
    char accept[SC_SHA1_BASE64];
    struct sc_sockets *all = &req->http->sockets;
    struct sc_socket *s = sc_alloc(sizeof(*s));
    *s = (struct sc_socket){ .sockets = all, .ops = ops, .ctx = ctx, .fd = -1, .far_fd = -1 };
    s->ws = sc_ws_new(ops->message_limit, sc_socket_take_message, s);
    int open = atomic_fetch_add(&all->open, 1);
    if (s->ws == NULL || open >= req->http->options.socket_limit) {
        sc_socket_free(s);
        return refuse(req);
    }
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, NULL);
    sc_assert(response != NULL);
    req->socket = s;
    sc_ws_accept(sc_request_header(req, MHD_HTTP_HEADER_SEC_WEBSOCKET_KEY), accept);
    sc_reply_header(req, MHD_HTTP_HEADER_UPGRADE, "websocket");
    sc_reply_header(req, MHD_HTTP_HEADER_SEC_WEBSOCKET_ACCEPT, accept);
    if (sc_ws_list_has(sc_request_header(req, MHD_HTTP_HEADER_SEC_WEBSOCKET_PROTOCOL),
                       SC_STR(SC_WS_PROTOCOL_NAME)))
        sc_reply_header(req, MHD_HTTP_HEADER_SEC_WEBSOCKET_PROTOCOL, SC_WS_PROTOCOL_NAME);
    return sc_request_upgrade_done(req, response);
}
