#pragma once
/* What the files of the client share: one handle, one transfer at a time. */

#include "net/client.h"

#include <curl/curl.h>

/* Idle time after which a stream or a transfer without a total limit counts as broken: the server
 * sends a comment every 15 s, and after an upload it probes the file before it answers. */
#define SC_CLIENT_IDLE_MS 60000
#define SC_CLIENT_UPLOAD_IDLE_MS 300000

struct sc_client {
    CURL *easy;
    CURLM *multi;               /* keeps the connections */
    char *server;               /* as given, for messages */
    char *base;                 /* "http://host:port", no slash at the end */
    char *socket;               /* path that fits sockaddr_un, or NULL */
    int dir_fd;                 /* folder of a socket whose path is too long, else -1 */
    char *ca_file;              /* or NULL */
    char *auth;                 /* "Authorization: Bearer …", or NULL */
    struct curl_slist *headers; /* for the next call */
    sc_client_stop_fn stop;
    void *stop_ctx;
    bool woken; /* by sc_client_wake(), so `stop` need not be polled */

    /* -- of the running transfer -- */
    char why[CURL_ERROR_SIZE];
    int64_t active_ms;    /* monotonic time of the last byte in either direction */
    struct sc_buf *reply; /* where the body goes: borrowed, or &scrap */
    struct sc_buf scrap;  /* error bodies of downloads, uploads and streams */
    bool broken;          /* a callback has filled `fault` */
    bool finished;        /* a callback wants no more: the transfer ended well */
    struct sc_error fault;
    CURLcode result; /* libcurl's own, once it has ended */
};

/* Resets the handle and sets what every transfer needs. CURLcode-free: failures show in _run. */
void sc_client_begin(struct sc_client *c, const char *method, const char *path);
void sc_client_add_header(struct sc_client *c, const char *line);
/* Runs the transfer that was prepared. timeout_ms <= 0: no total limit; idle_ms <= 0: no limit
 * between two bytes. *status is set when an answer came whole, or was `finished`; the code then is
 * SC_OK. */
SC_MUST_USE enum sc_code sc_client_run(struct sc_client *c, int64_t timeout_ms, int64_t idle_ms,
                                       int *status, struct sc_error *err);
/* The status line's number so far; 0: none. */
int sc_client_status(struct sc_client *c);
/* SC_OK for 2xx, else the error that the body names, or one that fits the status. */
SC_MUST_USE enum sc_code sc_client_judge(struct sc_client *c, int status, struct sc_str body,
                                         struct sc_error *err);
/* Remembers that a callback failed; returns 0, which stops libcurl. */
size_t sc_client_fault(struct sc_client *c, enum sc_code code, const char *msg);
/* What is needed before the first handle is made, once. */
void sc_net_init(void);
/* What Retry-After of the last answer says, in seconds or as a date; some servers say milliseconds,
 * too. At most a day; -1: nothing. */
int64_t sc_retry_after_ms(CURL *easy);
