#pragma once
/* Where one request ends and the next begins, read as strictly as RFC 9112 allows: a program before
 * us must not see other requests in the same bytes. Pure; sees every byte of a connection before
 * libmicrohttpd does, in pieces of any size, and holds none of them back. */

#include "base/error.h"
#include "base/str.h"

#define SC_FRAMING_TARGET ((size_t)8192)   /* longest request target */
#define SC_FRAMING_SECTION ((size_t)16384) /* longest request line with its header fields */
#define SC_FRAMING_FIELDS 100              /* header fields, and trailer fields */
/* What libmicrohttpd will keep of the headers may weigh so much (CONNECTION_MEMORY of server.c). */
#define SC_FRAMING_WEIGHT ((size_t)20480)

enum sc_framing_state {
    SC_FRAMING_START, /* between requests */
    SC_FRAMING_METHOD,
    SC_FRAMING_TARGET_,
    SC_FRAMING_VERSION,
    SC_FRAMING_LINE_LF,
    SC_FRAMING_FIELD, /* the first sign of a line */
    SC_FRAMING_NAME,
    SC_FRAMING_SPACE, /* before a value */
    SC_FRAMING_VALUE,
    SC_FRAMING_VALUE_LF,
    SC_FRAMING_END_LF,
    SC_FRAMING_BODY,
    SC_FRAMING_SIZE, /* of a chunk */
    SC_FRAMING_EXTENSION,
    SC_FRAMING_SIZE_LF,
    SC_FRAMING_CHUNK,
    SC_FRAMING_CHUNK_CR,
    SC_FRAMING_CHUNK_LF,
    SC_FRAMING_REFUSED,
};

struct sc_framing {
    enum sc_framing_state state;
    enum sc_code code; /* what REFUSED is answered with */
    const char *why;   /* static */
    int64_t left;      /* of the body, or of the chunk */
    int64_t requests;  /* whose headers are whole */
    size_t section, weight, target, piece;
    int fields, hosts, lengths, codings, blank_lines, digits;
    char word[24];  /* of the method, the version or a name, lower case but for the first two */
    char value[32]; /* of a field that matters here */
    size_t word_len, value_len;
    int minor;
    bool is_head, in_trailer, cookie;
    unsigned field; /* which field that matters here; 0: none */
};

/* Takes a piece. Returns how many of its first bytes belong to requests that may be served: all of
 * them, or what stands before the request that is refused. A refused request stays refused; of one
 * whose headers were let through, the rest of the body is held back. */
size_t sc_framing_feed(struct sc_framing *f, const char *bytes, size_t len);
