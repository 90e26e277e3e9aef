#pragma once
/* Intakes: recordings that arrive in pieces, and what became of them until they expire. Functions
 * with a `tx` run inside a write (store/store.h). */

#include "store/store.h"

#include "base/enum.h"
#include "base/id.h"

enum sc_intake_state {
    SC_INTAKE_OPEN,
    SC_INTAKE_COMPLETED, /* it is a file */
    SC_INTAKE_REFUSED,   /* it will never be one */
    SC_INTAKE_STATE_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_intake_state);

struct sc_intake_row {
    int64_t id, owner_id;
    char upload_id[SC_UUID_TEXT];
    enum sc_intake_state state;
    int64_t total;  /* bytes; -1: not told yet */
    int64_t offset; /* on the disk for good */
    char *name;     /* of the file: data, never a path; these three owned */
    char *options;  /* of the job, a JSON object of texts; NULL: no job */
    char *metadata; /* as the client sent it */
    int64_t created_ms, expires_ms;
    int64_t file_id; /* of a completed one, as the next three; 0: none */
    char job_id[SC_UUID_TEXT];
    bool duplicate, existing_job;
    char error_code[40]; /* of a refused one */
    char error[240];
};
void sc_intake_row_done(struct sc_intake_row *row);
#define SC_AUTO_INTAKE_ROW SC_AUTO(sc_intake_row_done) struct sc_intake_row

/* UPLOAD_NOT_FOUND also for another owner's and for one that has expired by now_ms; owner_id 0:
 * anybody's. *out is to be empty. */
SC_MUST_USE enum sc_code sc_intake_find(struct sc_conn *conn, int64_t owner_id,
                                        const char *upload_id, int64_t now_ms,
                                        struct sc_intake_row *out, struct sc_error *err);
/* The owner's open one that was made with this Idempotency-Key; NOT_FOUND, err untouched. */
SC_MUST_USE enum sc_code sc_intake_find_key(struct sc_conn *conn, int64_t owner_id, const char *key,
                                            int64_t now_ms, struct sc_intake_row *out,
                                            struct sc_error *err);
/* The next open one of any owner after that id. */
SC_MUST_USE enum sc_code sc_intake_next_open(struct sc_conn *conn, int64_t after,
                                             struct sc_intake_row *out, bool *found,
                                             struct sc_error *err);
/* The one that expires first. */
SC_MUST_USE enum sc_code sc_intake_next_expiry(struct sc_conn *conn, struct sc_intake_row *out,
                                               bool *found, struct sc_error *err);
typedef void (*sc_intake_fn)(void *ctx, const struct sc_intake_row *row);
struct sc_intake_filter {
    int64_t owner_id, before_id; /* before_id 0: from the newest */
    int64_t now_ms;
    int limit;
};
/* At most `limit`, newest first. */
SC_MUST_USE enum sc_code sc_intake_list(struct sc_conn *conn, const struct sc_intake_filter *filter,
                                        sc_intake_fn fn, void *ctx, struct sc_error *err);
/* Bytes that open ones will take in the end, but for the one with that id (0: all), as far as they
 * are known. */
SC_MUST_USE enum sc_code sc_intake_reserved(struct sc_conn *conn, int64_t but, int64_t *bytes,
                                            struct sc_error *err);
/* How many of the owner's are open. */
SC_MUST_USE enum sc_code sc_intake_count(struct sc_conn *conn, int64_t owner_id, int64_t *count,
                                         struct sc_error *err);

/* ---- changes; of what is no longer open nothing changes ---- */

/* row gives what a new one has; *id: of the row. key NULL: none. */
SC_MUST_USE enum sc_code sc_intake_insert(struct sc_conn *tx, const struct sc_intake_row *row,
                                          const char *key, int64_t *id, struct sc_error *err);
/* So many bytes are on the disk while more arrive; never less than before. */
SC_MUST_USE enum sc_code sc_intake_checkpoint(struct sc_conn *tx, int64_t id, int64_t offset,
                                              int64_t expires_ms, struct sc_error *err);
/* Keeps offset, total and expiry of the row. */
SC_MUST_USE enum sc_code sc_intake_keep(struct sc_conn *tx, const struct sc_intake_row *row,
                                        struct sc_error *err);
/* Keeps what became of it: file_id, job_id and so on. */
SC_MUST_USE enum sc_code sc_intake_settle(struct sc_conn *tx, const struct sc_intake_row *row,
                                          struct sc_error *err);
/* Keeps error_code and error. */
SC_MUST_USE enum sc_code sc_intake_refuse(struct sc_conn *tx, const struct sc_intake_row *row,
                                          struct sc_error *err);
SC_MUST_USE enum sc_code sc_intake_delete(struct sc_conn *tx, int64_t id, struct sc_error *err);
