#pragma once
/* Files: who brought which bytes. Functions with a `tx` run inside a write (store/store.h). */

#include "store/store.h"

#include "base/hash.h"

struct sc_file {
    int64_t id, owner_id;
    char file_hash[SC_SHA256_TEXT];
    char original_name[512]; /* data, never a path */
    char file_path[160];     /* of the blob */
    char format[32], codec[48];
    int64_t size_bytes, duration_ms; /* duration -1: unknown */
    bool duration_counted;           /* from decoding, not from the header */
    int sample_rate, channels;
    int64_t bit_rate;                 /* -1: unknown */
    char *tags;                       /* JSON object; owned */
    int64_t uploaded_ms, archived_ms; /* archived 0: not */
};
void sc_file_done(struct sc_file *file);
#define SC_AUTO_FILE SC_AUTO(sc_file_done) struct sc_file

/* Inserts the row, or finds the owner's row with that hash (*duplicate); either way the arrival is
 * recorded in uploads (source: "api", "cli", "watch"). `file` gives all but id and uploaded_ms;
 * *out is the stored row. Keeps the storage counter. */
SC_MUST_USE enum sc_code sc_file_add(struct sc_conn *tx, const struct sc_file *file,
                                     const char *source, int64_t now_ms, struct sc_file *out,
                                     bool *duplicate, struct sc_error *err);
/* FILE_NOT_FOUND also for another owner's; owner_id 0: anybody's. */
SC_MUST_USE enum sc_code sc_file_find(struct sc_conn *conn, int64_t owner_id, int64_t id,
                                      struct sc_file *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_file_find_hash(struct sc_conn *conn, int64_t owner_id, const char *hash,
                                           struct sc_file *out, struct sc_error *err);
struct sc_file_filter {
    int64_t owner_id;
    const char *hash, *name; /* NULL: all */
    int64_t before_id;       /* cursor; 0: from the newest */
    int limit;
};
typedef enum sc_code (*sc_file_fn)(void *ctx, const struct sc_file *file, struct sc_error *err);
SC_MUST_USE enum sc_code sc_file_list(struct sc_conn *conn, const struct sc_file_filter *filter,
                                      sc_file_fn fn, void *ctx, struct sc_error *err);
/* What decoding counted. */
SC_MUST_USE enum sc_code sc_file_set_duration(struct sc_conn *tx, int64_t id, int64_t duration_ms,
                                              struct sc_error *err);
/* Bytes of all stored audio, each blob once. */
SC_MUST_USE enum sc_code sc_storage_used(struct sc_conn *conn, int64_t *bytes,
                                         struct sc_error *err);
