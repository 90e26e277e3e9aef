#pragma once
/* HTTP client over libcurl: JSON calls, uploads with progress, streams. One client is used by one
 * thread at a time; connections are kept alive. */

#include "base/buf.h"
#include "base/error.h"

struct sc_client;

/* server: "unix:/path/to/socket" (any length), "http://host:port" or "https://…". token may be
 * NULL. */
SC_MUST_USE enum sc_code sc_client_open(const char *server, const char *token,
                                        struct sc_client **out, struct sc_error *err);
void sc_client_close(struct sc_client *c);
SC_DEFINE_FREEP(struct sc_client, sc_client_close);

/* PEM file of the authorities whose certificates an https server may have; NULL or "": the
 * system's. Before the first call. */
void sc_client_trust(struct sc_client *c, const char *ca_file);

/* Polled during calls: true gives CANCELLED. */
typedef bool (*sc_client_stop_fn)(void *ctx);
void sc_client_set_stop(struct sc_client *c, sc_client_stop_fn fn, void *ctx);
/* For those who wait long and often: from now on `stop` is asked only when bytes have come or after
 * sc_client_wake(), which any thread may call while the client is open. */
void sc_client_expect_wake(struct sc_client *c);
void sc_client_wake(struct sc_client *c);

struct sc_call {
    const char *method; /* NULL: GET */
    const char *path;
    const char *body;   /* JSON text or NULL */
    size_t body_len;    /* 0: up to its NUL */
    const char *type;   /* of the body; NULL: JSON */
    int64_t timeout_ms; /* <= 0: 60 s */
};
/* *status (may be NULL) and *reply are set whenever an answer came, also an error answer: the
 * return code is then the one named in its body (message and field too). SERVER_UNREACHABLE when
 * none came, TIMEOUT, CANCELLED. reply is reset first. */
SC_MUST_USE enum sc_code sc_client_call(struct sc_client *c, const struct sc_call *call,
                                        int *status, struct sc_buf *reply, struct sc_error *err);
/* A header for the next call only. */
void sc_client_header(struct sc_client *c, const char *name, const char *value);

struct sc_upload_field {
    const char *name, *value;
};
typedef void (*sc_upload_progress_fn)(void *ctx, int64_t sent, int64_t total);
struct sc_upload {
    const char *path;      /* of the API */
    const char *file;      /* local path; "-": standard input */
    const char *file_name; /* sent to the server */
    const struct sc_upload_field *fields;
    size_t field_count;
    sc_upload_progress_fn progress; /* may be NULL */
    void *ctx;
};
/* Multipart, streamed from disk. */
SC_MUST_USE enum sc_code sc_client_upload(struct sc_client *c, const struct sc_upload *upload,
                                          int *status, struct sc_buf *reply, struct sc_error *err);

/* The rest of a file, from an offset on, to an upload in pieces (PATCH of the tus protocol). */
struct sc_piece {
    const char *path;
    int fd; /* borrowed; its position is not used */
    int64_t offset, total;
    sc_upload_progress_fn progress; /* may be NULL; of the whole file */
    void *ctx;
};
SC_MUST_USE enum sc_code sc_client_piece(struct sc_client *c, const struct sc_piece *piece,
                                         int *status, struct sc_buf *reply, struct sc_error *err);

/* A form whose `file` part lies in memory, for servers that are not ours. */
struct sc_form {
    const char *path;
    const struct sc_upload_field *fields;
    size_t field_count;
    const char *file_name, *file_type;
    struct sc_str head, body; /* the file: one behind the other */
    int64_t timeout_ms;
};
struct sc_answer {
    int status;
    int64_t retry_after_ms; /* -1: not said */
    /* To be shown, not parsed: control signs and invalid UTF-8 are spelled out. */
    char type[80];      /* Content-Type, "" */
    char location[200]; /* where a redirection points to, "" */
};
/* SC_OK for every answer that came whole, whatever its status; redirections are not followed.
 * reply is reset first, an answer beyond its limit is IO_ERROR. Else SERVER_UNREACHABLE, TIMEOUT,
 * CANCELLED. */
SC_MUST_USE enum sc_code sc_client_form(struct sc_client *c, const struct sc_form *form,
                                        struct sc_answer *answer, struct sc_buf *reply,
                                        struct sc_error *err);

/* Server-sent events: fn per event until it returns false or the stream ends. id and type may be
 * empty. */
typedef bool (*sc_sse_fn)(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data);
SC_MUST_USE enum sc_code sc_client_events(struct sc_client *c, const char *path, sc_sse_fn fn,
                                          void *ctx, struct sc_error *err);
struct sc_download {
    const char *path; /* of the API */
    int fd;           /* a regular file when offset > 0 */
    int64_t offset;   /* so many bytes are there already: only the rest is asked for */
    const char *etag; /* of those, quoted; may be NULL when offset is 0 */
    sc_upload_progress_fn progress; /* bytes in all so far, and in the end (-1: unknown); or NULL */
    void *ctx;
};
/* The body to the end of a file descriptor. Where the server has other bytes than those of etag,
 * the file is emptied and all of them come. */
SC_MUST_USE enum sc_code sc_client_download(struct sc_client *c, const struct sc_download *what,
                                            int *status, struct sc_error *err);
/* Percent-encodes a path segment or query value. */
void sc_url_encode(struct sc_buf *out, struct sc_str text);
