#pragma once
/* A server with routes for every kind of answer, on a Unix socket and on TCP, and a raw client. */

#include "http/http.h"
#include "net/client.h"

#include "testing.h"

#include <pthread.h>

struct rig {
    struct test_dir dir;
    char socket[PATH_MAX];
    char temp[PATH_MAX];
    char unix_server[PATH_MAX + 8]; /* for sc_client_open */
    char tcp_server[64];
    int port;
    struct sc_http *http;
};

struct rig_options {
    int workers;
    int64_t spool_limit;
    int idle_timeout_s;
    int64_t ping_ms;  /* 0: as usual */
    int socket_limit; /* 0: 1,000 */
};

/* NULL: 4 workers, 1 MiB, 30 s. */
void rig_start(struct rig *rig, const struct rig_options *options);
void rig_done(struct rig *rig);

/* A connected socket. */
int rig_connect_tcp(struct rig *rig);
int rig_connect_unix(struct rig *rig);
/* Sends text whole. */
void rig_send(int fd, const char *text);
/* Everything until the peer closes. */
void rig_read_all(int fd, struct sc_buf *out);
/* Reads until `mark` has been seen `times` times or the peer closes; false: it closed. */
bool rig_read_until(int fd, struct sc_buf *out, const char *mark, int times);
/* One request over TCP with Connection: close; `head` are the lines before the empty one. */
void rig_ask(struct rig *rig, const char *head, const char *body, struct sc_buf *out);
int rig_status(const struct sc_buf *answer);
/* How many files lie in the temp folder. */
int rig_temp_files(struct rig *rig);
/* Waits (bounded) until *counter, changed by the server's threads, is at least `value`. */
void rig_await(int *counter, int value);

/* What the routes count; changed under a lock, read by rig_await() and rig_count(). */
struct rig_counters {
    int parked, again, gone, closed, streams, slow, auth;
    int sockets, sockets_closed, rounds;
};
extern struct rig_counters rig_counters;
int rig_count(int *counter);
/* Resumes every parked request; returns how many said yes. */
int rig_resume_all(void);
/* Lets the handlers of /api/slow go on. */
void rig_open_gate(void);
/* A connection on which a WebSocket that echoes text has been opened. */
int rig_open_socket(struct rig *rig);
/* Wakes the thread of the sockets; one must have been opened. */
void rig_wake_sockets(void);
/* Hands text to every open stream; NULL ends them. */
void rig_publish(const char *text);
