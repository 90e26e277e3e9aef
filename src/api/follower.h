#pragma once
/* A place in the log of events, for whoever follows it: streams of server-sent events and
 * WebSockets alike. The log is read from the cursor on, then what is published; what stands in both
 * is told apart by its id, which grows with every commit. Missing what was published is no loss:
 * the log is read again from the last id told. Used by one thread at a time. */

#include "api/api-internal.h"

struct sc_follower {
    int64_t owner_id, job; /* job 0: all of the owner's */
    int64_t last_id;       /* told, or known to the client */
    bool replaying;        /* the log may hold more than was told */
    bool lagging;          /* it read live and fell behind */
    int64_t said;          /* the last provisional text told (sc_event.said) */
};

/* What a client asks to follow. */
struct sc_following {
    struct sc_str job_id; /* .ptr NULL: all of its jobs */
    int64_t since;        /* a cursor; -1: a job's first event, or now for all of them */
};
/* JOB_NOT_FOUND. From then on nothing is missed. */
SC_MUST_USE enum sc_code sc_follower_begin(struct sc_api *api, int64_t owner_id,
                                           const struct sc_following *what, struct sc_follower *out,
                                           struct sc_error *err);
/* Tells an event, or a segment (else NULL) that it is of. */
typedef void (*sc_told_fn)(void *ctx, const struct sc_event *event,
                           const struct sc_segment *segment);
/* Tells a page of the log, at most `limit` events. f->replaying is false after the last one. Who
 * has fallen more than events.backlog behind is told of a gap and goes on behind it. Behind the
 * last event of one job comes what is said of it at the moment. */
SC_MUST_USE enum sc_code sc_follower_replay(struct sc_follower *f, struct sc_api *api, int limit,
                                            sc_told_fn tell, void *ctx, struct sc_error *err);
/* Tells an event that was published, with what is known of the moment, and before it the segments
 * that it made certain: whoever misses them misses it too, and is told both again. */
void sc_follower_tell(struct sc_api *api, const struct sc_event *event, sc_told_fn tell, void *ctx);
/* Is the event, which was published, to be told now? Then it counts as told. */
bool sc_follower_takes(struct sc_follower *f, const struct sc_event *event);
/* The same without taking it. */
bool sc_follower_wants(const struct sc_follower *f, const struct sc_event *event);
/* It could not be told what was published. */
void sc_follower_miss(struct sc_follower *f);

/* ---- those who ask by HTTP: a principal holds so many of a kind open ---- */

/* Of a query table, into a struct sc_following. */
#define SC_FOLLOWING_ROWS(job_help)                                                          \
    SC_QUERY_ROW(TEXT, struct sc_following, job_id, "job_id", .format = "uuid",              \
                 .help = (job_help)),                                                        \
        SC_QUERY_ROW(CURSOR, struct sc_following, since, "since", .cursor = SC_CURSOR_EVENT, \
                     .help = "Everything after this event", .example = "e1a")
enum sc_follow_kind { SC_FOLLOW_STREAM, SC_FOLLOW_SOCKET, SC_FOLLOW_KINDS };
/* JOB_NOT_FOUND; RATE_LIMITED when the asker holds events.streams or events.sockets open, with the
 * header Retry-After. Else sc_follow_leave must follow. */
SC_MUST_USE enum sc_code sc_follow_open(struct sc_request *req, struct sc_api *api,
                                        enum sc_follow_kind kind, const struct sc_following *what,
                                        struct sc_follower *out, struct sc_error *err);
/* Any thread. */
void sc_follow_leave(struct sc_api *api, enum sc_follow_kind kind, int64_t owner_id);
