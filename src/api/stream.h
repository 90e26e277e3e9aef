#pragma once
/* What streams of server-sent events share: a subscription that wakes the stream, the list of open
 * ones, and their end. */

#include "api/api-internal.h"

struct sc_api_stream_ops {
    /* Appends what is ready to out; false at the end. One thread at a time, any one. */
    bool (*next)(struct sc_api_stream *stream, void *ctx, struct sc_buf *out);
    /* Frees ctx: exactly once, when nothing of the stream runs any more. */
    void (*done)(void *ctx);
    /* Is the event worth a wake-up? NULL: each is, and `next` takes them from the ring. Else they
     * are taken from it here. Called under the hub's lock. */
    bool (*wants)(const struct sc_event *event);
};

/* Subscribes to the events of the request's owner, of one job or (0) of all. The next
 * call must follow. Never NULL. */
struct sc_api_stream *sc_api_stream_open(struct sc_request *req, struct sc_api *api, int64_t job,
                                         size_t ring, const struct sc_api_stream_ops *ops,
                                         void *ctx);
/* Answers with it. */
struct sc_done *sc_api_stream_reply(struct sc_request *req, struct sc_api_stream *stream);

/* For `next`: false when the server stops or the token has ended; its ring; to be asked again. */
bool sc_api_stream_lives(const struct sc_api_stream *stream);
struct sc_subscriber *sc_api_stream_ring(struct sc_api_stream *stream);
void sc_api_stream_wake(struct sc_api_stream *stream);
