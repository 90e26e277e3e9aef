#pragma once
/* Unix sockets of any path length (through /proc/self/fd/N) and TCP listeners. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Binds and listens, mode 0600, replacing a socket on which nobody listens. CONFLICT when somebody
 * does, or when path is no socket. *fd is the caller's; it does not block. */
SC_MUST_USE enum sc_code sc_socket_listen_unix(const char *path, int *fd, struct sc_error *err);
/* SERVER_UNREACHABLE when nobody listens, FORBIDDEN when the socket is not for us. *fd blocks. */
SC_MUST_USE enum sc_code sc_socket_connect_unix(const char *path, int *fd, struct sc_error *err);
/* Does sc_socket_listen_tcp understand it? Looks up no names. */
bool sc_socket_is_address(const char *text);
/* "127.0.0.1:8000", "[::1]:0"; *port is the bound one. *loopback tells whether only this machine
 * can reach it. INVALID_VALUE for other text, CONFLICT when the port is taken. *fd does not block.
 */
SC_MUST_USE enum sc_code sc_socket_listen_tcp(const char *address, int *fd, int *port,
                                              bool *loopback, struct sc_error *err);
/* User id of the peer of a connected Unix socket; false for another family. */
bool sc_socket_peer_uid(int fd, uint32_t *uid);
