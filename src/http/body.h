#pragma once
/* More about bodies that go to a file: those that are one themselves, and pieces of one. */

#include "http/http.h"

/* Bytes of the body by its headers; -1: they do not tell. */
int64_t sc_request_announced(struct sc_request *req);

/* The running sum of the file's bytes; the caller's from now on. Once. */
struct sc_hash *sc_request_hash_take(struct sc_request *req);
/* RAW routes: did it come as a form's part? */
bool sc_request_is_form(struct sc_request *req);
/* The file's name that the Content-Disposition of the request tells, appended to out; false: none.
 */
bool sc_request_disposition(struct sc_request *req, struct sc_buf *out);
/* APPEND routes: the ctx of `begin`, whose `end` is not called any more. Once, by the handler. */
void *sc_request_append_take(struct sc_request *req, int64_t *bytes);

/* Where the body of an APPEND route goes. */
struct sc_append {
    int fd;                        /* open for writing at `offset`; borrowed */
    int64_t offset;                /* of the first byte in the file */
    int64_t limit;                 /* bytes that are taken: FILE_TOO_LARGE beyond */
    struct sc_hash *whole, *piece; /* are fed the bytes that get into the file; borrowed, or NULL */
    void *ctx;
};
/* All borrowed until the handler takes ctx (sc_request_append_take) or `end` is called: just one of
 * them happens for each `begin` that succeeds. `bytes`: how many have got into the file. */
struct sc_append_ops {
    /* Judges the request, whose token is good, before its body comes; runs in the server's pool,
     * may read the store. */
    enum sc_code (*begin)(void *app, struct sc_request *req, struct sc_append *out,
                          struct sc_error *err);
    /* Some MiB more are in the file; must not block. */
    void (*wrote)(void *ctx, int64_t bytes);
    /* No handler will run: the client has gone, or the body was refused. Any thread. */
    void (*end)(void *ctx, int64_t bytes);
};
