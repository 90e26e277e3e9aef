/* Answers without an end that is known, such as server-sent events. The server's thread asks for
 * bytes; when there are none the connection is suspended until somebody wakes the stream. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

#define BLOCK 16384

struct sc_stream {
    struct sc_http *http;
    struct MHD_Connection *conn;
    sc_stream_fn next;
    void (*closed)(void *ctx);
    void *ctx;
    int slot;          /* in the park; -1: none */
    struct sc_buf buf; /* of the server's thread */
    pthread_mutex_t lock;
    /* -- protected by lock -- */
    bool awake;     /* woken since `next` was last asked */
    bool comment;   /* a comment is due */
    bool suspended; /* the connection waits for us */
    bool ended;     /* `next` said so, or the server stops: send what is left and end */
    bool gone;      /* the client has left */
};

static void resume_locked(struct sc_stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    MHD_resume_connection(s->conn);
}

void sc_stream_wake(struct sc_stream *stream)
{
    SC_LOCK(&stream->lock);
    stream->awake = true;
    resume_locked(stream);
}

void sc_stream_end_locked(struct sc_stream *stream, bool gone)
{
    SC_LOCK(&stream->lock);
    stream->ended = true;
    stream->gone = stream->gone || gone;
    resume_locked(stream);
}

void sc_stream_comment_locked(struct sc_stream *stream)
{
    SC_LOCK(&stream->lock);
    stream->comment = true;
    resume_locked(stream);
}

enum step { STEP_ASK, STEP_SEND, STEP_WAIT, STEP_END, STEP_FAIL };

/* What to do while the buffer is empty. */
static enum step next_step(struct sc_stream *s)
{
    SC_LOCK(&s->lock);
    if (s->gone)
        return STEP_FAIL;
    if (s->ended)
        return STEP_END;
    if (s->awake) {
        s->awake = false;
        return STEP_ASK;
    }
    if (s->comment) {
        s->comment = false;
        sc_buf_puts(&s->buf, ":\n\n");
        return STEP_SEND;
    }
    s->suspended = true;
    /* Under the lock, so that a wake-up resumes what is suspended already. */
    MHD_suspend_connection(s->conn);
    return STEP_WAIT;
}

static void ask(struct sc_stream *s)
{
    bool more = s->next(s->ctx, &s->buf);
    if (more)
        return;
    SC_LOCK(&s->lock);
    s->ended = true;
}

static ssize_t read_stream(void *cls, uint64_t at, char *out, size_t room)
{
    struct sc_stream *s = cls;
    (void)at;
    while (s->buf.len == 0) {
        switch (next_step(s)) {
        case STEP_ASK:
            ask(s);
            if (s->buf.failed)
                return MHD_CONTENT_READER_END_WITH_ERROR;
            break;
        case STEP_SEND:
            break;
        case STEP_WAIT:
            return 0;
        case STEP_END:
            return MHD_CONTENT_READER_END_OF_STREAM;
        case STEP_FAIL:
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    size_t n = SC_MIN(room, s->buf.len);
    memcpy(out, s->buf.ptr, n);
    sc_buf_consume(&s->buf, n);
    return (ssize_t)n;
}

/* libmicrohttpd lets go of the response before it closes the socket, so that the park never watches
 * a descriptor that has become another's. */
static void free_stream(void *cls)
{
    struct sc_stream *s = cls;
    if (s->slot >= 0)
        sc_park_remove_stream(&s->http->park, s->slot);
    if (s->closed != NULL)
        s->closed(s->ctx);
    sc_buf_done(&s->buf);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

struct sc_done *sc_reply_stream(struct sc_request *req, const char *content_type, sc_stream_fn next,
                                void (*closed)(void *ctx), void *ctx, struct sc_stream **out)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sc_stream *s = sc_alloc(sizeof(*s));
    s->http = req->http;
    s->conn = req->conn;
    s->next = next;
    s->closed = closed;
    s->ctx = ctx;
    s->awake = true; /* the first bytes need no wake-up */
    sc_assert(pthread_mutex_init(&s->lock, NULL) == 0);
    s->slot = sc_park_add_stream(&req->http->park, s, info == NULL ? -1 : info->connect_fd);
    if (s->slot < 0)
        sc_stream_end_locked(s, false);
    sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    sc_reply_header(req, "X-Accel-Buffering", "no");
    *out = s;
    return sc_request_stream_done(req, MHD_create_response_from_callback(
                                           MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, free_stream));
}
