#pragma once
/* Posts to addresses that users have chosen, several at a time, driven by one thread. They are
 * guarded (net/guard.h): the address that was checked is the one that the socket connects to. No
 * proxy of the environment is used, no redirection followed, no connection used twice. */

#include "net/guard.h"

struct sc_poster;

/* Never NULL. */
struct sc_poster *sc_poster_new(void);
/* Abandons what is under way. NULL allowed. */
void sc_poster_free(struct sc_poster *p);
SC_DEFINE_FREEP(struct sc_poster, sc_poster_free);

/* Borrowed during sc_poster_send only. */
struct sc_post {
    const char *url;
    const char *allow;          /* as net/guard.h takes it */
    const char *ca_file;        /* certificates that are trusted; "": those of the system */
    const char *const *headers; /* lines "Name: value"; ends in NULL */
    struct sc_str body;
    int64_t timeout_ms; /* from here to the end of the answer */
};
/* tag: handed back when it has ended. INVALID_VALUE: the URL is not to be called. */
SC_MUST_USE enum sc_code sc_poster_send(struct sc_poster *p, const struct sc_post *post, void *tag,
                                        struct sc_error *err);

#define SC_POSTED_ERROR 160
struct sc_posted {
    int status;             /* of the answer, whose body may be cut or late; 0: none came */
    int64_t retry_after_ms; /* -1: not said */
    int64_t duration_ms;
    char error[SC_POSTED_ERROR]; /* why none came, as a clause that tells no address; else "" */
};
typedef void (*sc_posted_fn)(void *ctx, void *tag, const struct sc_posted *posted);
/* Calls fn for each post that has ended; waits for that up to wait_ms (negative: a long time) and
 * until it is woken. fn may send. */
void sc_poster_run(struct sc_poster *p, int64_t wait_ms, sc_posted_fn fn, void *ctx);
/* How many are under way. */
size_t sc_poster_count(const struct sc_poster *p);
/* From any thread while it is open: the wait of the moment, or the next one, ends at once. */
void sc_poster_wake(struct sc_poster *p);
