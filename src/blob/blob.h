#pragma once
/* Content-addressed bytes in a folder: audio/uploads/YYYY/MM/<sha256>.<ext> below a root. Paths
 * that leave this module are relative to the root. Thread-safe. */

#include "base/error.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct sc_blobs;

/* root is the data folder; creates what is missing below it. */
SC_MUST_USE enum sc_code sc_blobs_open(const char *root, struct sc_blobs **out,
                                       struct sc_error *err);
void sc_blobs_close(struct sc_blobs *blobs);
SC_DEFINE_FREEP(struct sc_blobs, sc_blobs_close);

/* Where bytes of this hash and extension go when they arrive at now_ms; owned by the caller. */
char *sc_blobs_place(const char *sha256, const char *extension, int64_t now_ms);
/* The hash that the name of a blob says, "<sha256>.<ext>" without folders; false: it is no such
 * name. */
bool sc_blob_name_hash(const char *name, char out[SC_SHA256_TEXT]);
/* Moves a temp file of the same file system to its place: fsync of the bytes, rename, fsync of the
 * folders. Durable when it returns SC_OK; an existing file of that name is replaced by equal bytes.
 * The temp file stays where it is on failure. */
SC_MUST_USE enum sc_code sc_blobs_put(struct sc_blobs *blobs, const char *temp_path, int fd,
                                      const char *place, struct sc_error *err);
/* The same for synced bytes in another place below the root, which stay there as well: when their
 * row is not written after all they must not be lost. FILE_NOT_FOUND when there are none. */
SC_MUST_USE enum sc_code sc_blobs_put_again(struct sc_blobs *blobs, const char *from,
                                            const char *place, struct sc_error *err);
/* Opens for reading; FILE_NOT_FOUND when the bytes are gone. */
SC_MUST_USE enum sc_code sc_blobs_get(struct sc_blobs *blobs, const char *place, int *fd,
                                      struct sc_error *err);
bool sc_blobs_exists(struct sc_blobs *blobs, const char *place);

/* ---- holds: whoever reads a row and then acts on its bytes keeps others from moving them ---- */

enum sc_hold {
    SC_HOLD_SHARED, /* the bytes stay where they are */
    SC_HOLD_ALONE,  /* to move or remove them */
};
/* Waits for those who hold the hash otherwise; false after wait_ms. */
bool sc_blobs_hold(struct sc_blobs *blobs, const char *sha256, enum sc_hold how, int64_t wait_ms);
void sc_blobs_release(struct sc_blobs *blobs, const char *sha256, enum sc_hold how);

/* ---- bytes whose row is not written yet: the next start settles what a kill leaves ---- */

SC_MUST_USE enum sc_code sc_blobs_mark(struct sc_blobs *blobs, const char *sha256,
                                       const char *place, struct sc_error *err);
void sc_blobs_unmark(struct sc_blobs *blobs, const char *sha256);
typedef void (*sc_blob_mark_fn)(void *ctx, const char *sha256, const char *place);
void sc_blobs_each_mark(struct sc_blobs *blobs, sc_blob_mark_fn fn, void *ctx);

/* ---- moving and removing ---- */

/* The same bytes' place in audio/archive/, or back in audio/uploads/; owned by the caller. */
char *sc_blobs_archive_place(const char *place);
char *sc_blobs_upload_place(const char *place);
/* Puts the bytes at `to` as well: a second name, or a copy where that is another file system.
 * Durable when it returns SC_OK. FILE_NOT_FOUND when there are none. */
SC_MUST_USE enum sc_code sc_blobs_copy(struct sc_blobs *blobs, const char *from, const char *to,
                                       struct sc_error *err);
/* Missing bytes are fine. */
SC_MUST_USE enum sc_code sc_blobs_remove(struct sc_blobs *blobs, const char *place,
                                         struct sc_error *err);

/* Where the exports of archived jobs are: beside recordings, and none themselves. */
#define SC_ARCHIVED_EXPORTS "audio/archive/transcripts"

struct sc_blob_entry {
    const char *place, *name; /* borrowed for the call; name: the last part of place */
    int64_t size, changed_ms;
    bool exported; /* of an archived job */
};
/* False stops. */
typedef bool (*sc_blob_fn)(void *ctx, const struct sc_blob_entry *entry);
/* Every file in audio/uploads/ and audio/archive/, temp files too, in no order. */
void sc_blobs_each(struct sc_blobs *blobs, sc_blob_fn fn, void *ctx);
