#pragma once
/* A certificate with its key, from PEM files that may change while they are in use. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* TLS 1.2 and 1.3; forward secrecy and authenticated encryption alone. Nothing is ever renegotiated
 * here, so that no client has to say how it would: those of TLS 1.3 alone do not. */
#define SC_TLS_PRIORITIES                                                                     \
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-256-GCM:+AES-128-GCM:"       \
    "+CHACHA20-POLY1305:+AEAD:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+SIGN-ALL:"     \
    "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:-SIGN-DSA-SHA1:-SIGN-DSA-SHA256:+CTYPE-X509:+COMP-NULL:" \
    "%SERVER_PRECEDENCE"

struct sc_tls_facts {
    int64_t expires_ms; /* wall clock: the first certificate of the chain to end */
    char name[128];     /* whom it is for, printable */
};
/* What the files hold, or CONFIG_ERROR, with tls.cert or tls.key as its field: a file is missing,
 * is no PEM, they do not belong together. One that has expired is none. */
SC_MUST_USE enum sc_code sc_tls_check(const char *cert, const char *key, struct sc_tls_facts *out,
                                      struct sc_error *err);

struct sc_tls;
/* One at a time in a process. Errors as above. */
SC_MUST_USE enum sc_code sc_tls_open(const char *cert, const char *key, struct sc_tls **out,
                                     struct sc_error *err);
/* No connection may be left. NULL allowed. */
void sc_tls_free(struct sc_tls *tls);
SC_DEFINE_FREEP(struct sc_tls, sc_tls_free);
/* Reads the files again. Connections that are open keep what they began with; on failure new ones,
 * too, get the certificate of before. From any thread; a new connection does this by itself, at
 * most every SC_TLS_LOOK_MS, when it finds other files than those that were read. */
SC_MUST_USE enum sc_code sc_tls_reload(struct sc_tls *tls, struct sc_error *err);
#define SC_TLS_LOOK_MS 2000
void sc_tls_facts(struct sc_tls *tls, struct sc_tls_facts *out);

/* For libmicrohttpd: a gnutls_certificate_retrieve_function2 that hands out the one that is open.
 */
void *sc_tls_callback(void);
