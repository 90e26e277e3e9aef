#pragma once
/* Downloads from servers that are not ours: redirections are followed, and what was broken off goes
 * on where the server allows it. */

#include "net/client.h"

#define SC_FETCH_ETAG 200

struct sc_fetch {
    const char *path;               /* behind the server of the client, with its query */
    int fd;                         /* a regular file, written from offset on */
    int64_t offset;                 /* so many bytes are there already */
    const char *etag;               /* of those, as it came; "": they cannot be gone on with */
    int64_t whole;                  /* of the file that those are of; -1: nobody said */
    sc_upload_progress_fn progress; /* bytes in all so far, and in the end (-1: unknown); or NULL */
    /* Asked before the first byte is written: anything but SC_OK ends the download with it; NULL:
     * nobody is asked. total: of the whole file, -1 unknown; offset: where it goes on. */
    enum sc_code (*begin)(void *ctx, int64_t offset, int64_t total, const char *etag,
                          struct sc_error *err);
    /* Asked before each write, of so many bytes: anything but SC_OK ends the download, too. */
    enum sc_code (*room)(void *ctx, int64_t len, struct sc_error *err);
    void *ctx;
};
struct sc_fetched {
    int status;
    /* What is there cannot be gone on with: the server has another file by now, or sent another
     * part than was asked for. */
    bool is_other;
    bool is_final;            /* it failed, and asking once more can end no other way */
    char etag[SC_FETCH_ETAG]; /* a strong one; "": none */
    /* SHA-256 that a server on the way told of what it links to (X-Linked-ETag), lower case; "":
     * none did. */
    char sha256[65];
};
/* At most five redirections, never from https to http nor to anything else; one that is not
 * followed is SERVER_UNREACHABLE and final, as a certificate that is not trusted is. SC_OK when all
 * bytes have come. NOT_FOUND, FORBIDDEN and so on for answers that are no file; SERVER_UNREACHABLE
 * and TIMEOUT when it broke, or the server sent less than the rest: what came before is in the
 * file. `out` is filled as far as headers came, also then. */
SC_MUST_USE enum sc_code sc_client_fetch(struct sc_client *c, const struct sc_fetch *what,
                                         struct sc_fetched *out, struct sc_error *err);
