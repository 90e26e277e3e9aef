#pragma once
/* What the files of the intakes share. */

#include "pipeline/intake.h"
#include "pipeline/pipeline-internal.h"

#define SC_INTAKE_FOLDER "incoming"

/* One that somebody holds, or whose sum is worth keeping until the next piece comes. */
struct sc_intake {
    struct sc_pipelines *p;
    char upload_id[SC_UUID_TEXT];
    struct sc_intake *next; /* -- protected by intakes->lock, as `held` and `seen_offset` -- */
    bool held;
    int64_t seen_offset; /* for those who only look */
    /* -- of the holder -- */
    struct sc_intake_row row;
    bool fresh;           /* nothing of the file has been looked at */
    bool gone;            /* nothing is left to go on with */
    int64_t offset;       /* bytes of the file that count; row.offset of them are on the disk */
    struct sc_hash *hash; /* of the first `hashed` bytes */
    int64_t hashed;
    /* A piece under way. */
    int fd; /* -1: none is */
    struct sc_checksum sum;
    struct sc_hash *before; /* what `hash` was, while the piece may have to be taken back */
    struct sc_hash *piece;
    bool feeds;         /* `hash` takes the piece as it comes */
    int64_t checkpoint; /* the last one that was asked for */
};

/* Of an upload: bytes that are to be synced and told to its row. */
struct sc_intake_sync {
    int64_t id, offset;
    int fd; /* owned */
    struct sc_intake_sync *next;
};

/* The path of its bytes; owned by the caller. */
char *sc_intake_path(const struct sc_pipelines *p, const char *upload_id);
/* Holds it whatever its row says; NULL: somebody else does. */
struct sc_intake *sc_intake_take(struct sc_pipelines *p, const char *upload_id);
/* Syncs fd and tells the row. */
void sc_intake_sync_now(struct sc_pipelines *p, int64_t id, int fd, int64_t offset);
/* Leaves the sync to the thread; takes fd. */
void sc_intake_sync_later(struct sc_pipelines *p, int64_t id, int fd, int64_t offset);
