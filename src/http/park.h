#pragma once
/* The watch over connections: waiting requests, open streams, headers that do not come. One thread
 * and one epoll; http-internal.h has the order of the locks. */

#include "http/http.h"

#include <pthread.h>

/* A connection under watch, from its acceptance to its end. */
struct sc_watch {
    bool used;
    int fd;
    uint32_t generation;      /* an event of an earlier user of the slot is not ours */
    bool hung_up;             /* the client sends no more */
    bool busy;                /* a request's headers are in, and it has not ended */
    int64_t deadline_ms;      /* of what waits, or of the next headers; INT64_MAX: none */
    struct sc_request *req;   /* parked */
    struct sc_stream *stream; /* open */
    int next_free;
};

struct sc_park {
    struct sc_http *http;
    pthread_t thread;
    bool started;
    int epoll_fd;
    int wake_fd;
    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct sc_watch *slots;
    size_t slot_cap;
    int slot_count;
    int first_free;  /* -1: none */
    int64_t next_ms; /* no deadline is earlier */
    bool stopping;   /* nothing may wait any more */
    bool stop;       /* the thread ends */
};

bool sc_park_start(struct sc_park *park, struct sc_http *http);
/* From now on nothing waits: parked requests are answered 503, streams end. */
void sc_park_close(struct sc_park *park);
void sc_park_stop(struct sc_park *park);
/* Watches a new connection, whose first headers must come in time. Returns its slot; -1: it cannot
 * be watched, and nothing may wait on it. */
int sc_park_watch(struct sc_park *park, int fd);
/* Before the descriptor is closed. */
void sc_park_unwatch(struct sc_park *park, int slot);
/* The headers of a request are in; or it has ended and the next one may take idle_ms to come. */
void sc_park_busy(struct sc_park *park, int slot);
void sc_park_idle(struct sc_park *park, int slot, int64_t idle_ms);
/* Parks a request whose `later` is set, or queues it again when it was resumed meanwhile. The
 * connection is suspended; the request is not the caller's any more. */
void sc_park_add(struct sc_park *park, struct sc_request *req);
/* Marks the start of a run of `again`. */
void sc_park_running(struct sc_park *park, struct sc_request *req);
/* Joins a stream to its connection's watch; false: it must end at once. */
bool sc_park_add_stream(struct sc_park *park, struct sc_stream *stream, int slot);
void sc_park_remove_stream(struct sc_park *park, int slot);

/* ---- streams, for park.c; park->lock is held ---- */

void sc_stream_end_locked(struct sc_stream *stream, bool gone);
void sc_stream_comment_locked(struct sc_stream *stream);
