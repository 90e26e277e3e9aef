#pragma once
/* Reader of server-sent events (text/event-stream): fed in pieces of any size, it calls fn for each
 * event. Line ends are LF, CR or CRLF; comments and unknown fields are skipped. */

#include "net/client.h"

#define SC_SSE_EVENT_LIMIT ((size_t)1 << 20)

struct sc_sse {
    sc_sse_fn fn;
    void *ctx;
    struct sc_buf line, id, type, data;
    bool after_cr;  /* an LF that follows belongs to the same line end */
    bool has_data;  /* a data field came, perhaps an empty one */
    bool past_mark; /* the byte order mark has been looked for */
};

void sc_sse_init(struct sc_sse *s, sc_sse_fn fn, void *ctx);
void sc_sse_done(struct sc_sse *s);
enum sc_sse_state { SC_SSE_MORE, SC_SSE_ENOUGH, SC_SSE_TOO_LARGE };
/* ENOUGH: fn returned false. TOO_LARGE: a line or an event passed the limit. Either is final. */
enum sc_sse_state sc_sse_feed(struct sc_sse *s, struct sc_str bytes);
