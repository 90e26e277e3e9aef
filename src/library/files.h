#pragma once
/* Files: who brought which bytes. Functions with a `tx` run inside a write (store/store.h). */

#include "library/marks.h"
#include "store/store.h"

#include "base/enum.h"
#include "base/hash.h"

enum sc_file_damage { SC_FILE_SOUND, SC_FILE_MISSING, SC_FILE_ALTERED, SC_FILE_DAMAGE_COUNT_ };
SC_DECLARE_ENUM_STRINGS(sc_file_damage);

/* Whose files are being deleted (migration 0002): nobody finds them there. */
#define SC_DELETED_OWNER (-1)

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
    char *metadata;                   /* what its container says of it; JSON object; owned */
    struct sc_marks marks;            /* owned; empty where they were not read */
    int64_t uploaded_ms, archived_ms; /* archived 0: not */
    int64_t purged_ms;                /* its bytes were cleaned out of the archive; 0: not */
    int64_t verified_ms;              /* its bytes were last held against the hash; 0: never */
    int64_t arrivals;                 /* rows of uploads */
    enum sc_file_damage damage;       /* as far as known */
};
void sc_file_done(struct sc_file *file);
/* What file owns belongs to the answer from now on. */
struct sc_file sc_file_take(struct sc_file *file);
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
/* ---- lists (file-list.c) ---- */

enum sc_file_sort {
    SC_FILE_NEWEST,
    SC_FILE_OLDEST,
    SC_FILE_LARGEST,
    SC_FILE_SMALLEST,
    SC_FILE_LONGEST, /* those of unknown length last */
    SC_FILE_SHORTEST,
    SC_FILE_NAME_DOWN,
    SC_FILE_NAME_UP, /* by the bytes of the name */
    SC_FILE_SAVED,   /* what arrived more than once, what saved most first */
    SC_FILE_SORT_COUNT_
};
/* A row's place in a sorted list: a page goes on behind it. id 0: from the start. */
struct sc_file_place {
    int64_t id, value;
    char name[512]; /* of the lists that are sorted by name */
};
struct sc_file_filter {
    int64_t owner_id;                 /* required */
    const char *hash, *name, *format; /* NULL: all */
    const char *tag;                  /* NULL: all */
    int64_t since_ms, until_ms;       /* of the upload, inclusive and exclusive; 0: open */
    bool unused;                      /* no job refers to it */
    bool damaged;                     /* known to be missing or altered */
    bool archived;                    /* in the archive, or cleaned out of it */
    enum sc_file_sort sort;
    struct sc_file_place after;
    int limit;
    /* Asked before each further row; true stops the walk. NULL: never. */
    bool (*spent)(void *ctx);
    void *spent_ctx;
};
struct sc_file_page_end {
    bool more;    /* there is, or may be, another page */
    bool partial; /* `spent` stopped the walk before the page was full */
    struct sc_file_place next;
};
typedef enum sc_code (*sc_file_fn)(void *ctx, const struct sc_file *file, struct sc_error *err);
/* At most `limit` files to fn. */
SC_MUST_USE enum sc_code sc_file_list(struct sc_conn *conn, const struct sc_file_filter *filter,
                                      sc_file_fn fn, void *ctx, struct sc_file_page_end *end,
                                      struct sc_error *err);

struct sc_arrival_row {
    int64_t id, file_id, at_ms;
    const char *name, *source, *by; /* borrowed for the call */
};
typedef enum sc_code (*sc_arrival_fn)(void *ctx, const struct sc_arrival_row *row,
                                      struct sc_error *err);
struct sc_arrival_filter {
    int64_t file_id;
    int64_t before_id; /* cursor; 0: from the newest */
    int limit;
};
/* Who brought a file and when, newest first. */
SC_MUST_USE enum sc_code sc_file_arrivals(struct sc_conn *conn,
                                          const struct sc_arrival_filter *filter, sc_arrival_fn fn,
                                          void *ctx, struct sc_error *err);
typedef void (*sc_file_format_fn)(void *ctx, const char *format, int64_t files, int64_t bytes);
SC_MUST_USE enum sc_code sc_file_formats(struct sc_conn *conn, int64_t owner_id,
                                         sc_file_format_fn fn, void *ctx, struct sc_error *err);

/* ---- changes ---- */

/* What was found when the bytes of a hash were read. */
SC_MUST_USE enum sc_code sc_file_set_verified(struct sc_conn *tx, const char *hash,
                                              enum sc_file_damage damage, int64_t now_ms,
                                              struct sc_error *err);
/* What decoding counted. */
SC_MUST_USE enum sc_code sc_file_set_duration(struct sc_conn *tx, int64_t id, int64_t duration_ms,
                                              struct sc_error *err);
/* ---- deleting (removal.c) ---- */

struct sc_file_uses {
    int64_t jobs;
    int64_t transcripts; /* without a job */
};
SC_MUST_USE enum sc_code sc_file_uses(struct sc_conn *conn, int64_t id, struct sc_file_uses *out,
                                      struct sc_error *err);
/* From now on nobody finds the file, its jobs and transcripts, and the same bytes make a new file.
 * No job of it may be pending or processing. The sweeper (pipeline/purge.c) removes the rows. */
SC_MUST_USE enum sc_code sc_file_mark_deleted(struct sc_conn *tx, const struct sc_file *file,
                                              struct sc_error *err);
/* The same for a job that has ended, and its transcripts. */
SC_MUST_USE enum sc_code sc_job_mark_deleted(struct sc_conn *tx, int64_t job, struct sc_error *err);
/* The next deleted file after that id whose jobs have gone, with the hash that it had. */
SC_MUST_USE enum sc_code sc_file_next_deleted(struct sc_conn *conn, int64_t after,
                                              struct sc_file *out, bool *found,
                                              struct sc_error *err);
/* Does a row name these bytes at this place (*used), or at any (*known)? For who holds the hash. */
SC_MUST_USE enum sc_code sc_file_bytes_used(struct sc_store *store, const struct sc_file *file,
                                            bool *used, bool *known, struct sc_error *err);
/* Does any row name that place, whatever hash it has? */
SC_MUST_USE enum sc_code sc_file_place_named(struct sc_conn *conn, const char *place, bool *named,
                                             struct sc_error *err);
/* Is the hash of the row another than that in the name of its bytes, *name? Then one of the two is
 * damaged, and the bytes tell which. */
bool sc_file_hash_differs(const struct sc_file *file, char name[SC_SHA256_TEXT]);

/* The bytes were cleaned out of the archive, by that principal: for all rows that have them, in the
 * history of each owner. */
SC_MUST_USE enum sc_code sc_file_purge(struct sc_conn *tx, const struct sc_file *file, int64_t by,
                                       int64_t now_ms, struct sc_error *err);
/* The next file behind *file (id 0: the first) that was archived before that time. */
SC_MUST_USE enum sc_code sc_file_next_archived(struct sc_conn *conn, int64_t before_ms,
                                               struct sc_file *file, bool *found,
                                               struct sc_error *err);
/* The next file with bytes after that id, of any owner. */
SC_MUST_USE enum sc_code sc_file_next(struct sc_conn *conn, int64_t after, struct sc_file *out,
                                      bool *found, struct sc_error *err);

/* Bytes of all stored audio, each blob once. */
SC_MUST_USE enum sc_code sc_storage_used(struct sc_conn *conn, int64_t *bytes,
                                         struct sc_error *err);
