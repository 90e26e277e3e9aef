#pragma once
/* What comes in on a connection passes by sc_framing before libmicrohttpd reads it, which takes
 * more for a request than it should. What is refused there never becomes a request: it is answered
 * here, and the connection ends. All but sc_tap_start are called by the thread of the connection.
 *
 * libmicrohttpd has no hook for this. Its calls of recv() and gnutls_record_recv() come here
 * because this program defines these names, as accept4() does, which must not spin; connections
 * that have no tap are read as ever (docs/adr/0018).
 */

#include "base/str.h"

/* A new connection, with TLS or without; false: it cannot be watched and must not be served. */
bool sc_tap_open(int fd, bool tls);
/* Before the descriptor is closed, or when the connection speaks HTTP no more: from then on what
 * comes is let through. */
void sc_tap_close(int fd);
/* Whether the request under way has its answer: then a refusal only ends the connection. */
void sc_tap_answering(int fd, bool on);
/* Answers the request under way past libmicrohttpd, which cannot before all of a body has come, and
 * ends the connection: what still comes is passed over. */
void sc_tap_refuse(int fd, int status, struct sc_str json, const char *id);
/* Requests whose headers were let through; 0 of a connection that has a request: nobody watches. */
int64_t sc_tap_requests(int fd);
