#pragma once
/* Hashes uploads, and writes them into their files, beside the threads that receive them: the next
 * block arrives while this one is hashed by one thread and written by another. One line per upload,
 * whose blocks are taken in order; any number of lines share the hasher's threads. */

#include "base/error.h"
#include "base/hash.h"
#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define SC_HASH_BLOCK ((size_t)256 << 10)
/* So much is written to the disk while the next arrives, so that little is left for the fsync. */
#define SC_WRITE_BACK ((int64_t)8 << 20)
/* What a file has beyond this goes past the page cache: the processor copies nothing there, what
 * others keep there stays, and the fsync finds it on the disk. Most recordings are smaller: a job
 * that reads them at once need not wait for the disk, nor does the look into a larger one. */
#define SC_DIRECT_FROM ((int64_t)32 << 20)

struct sc_hash_line;
struct sc_hash_lane;

struct sc_hasher {
    pthread_t *threads;
    int thread_count;
    pthread_mutex_t lock;
    pthread_cond_t work; /* a lane has been queued, or stop */
    pthread_cond_t done; /* a block has been hashed, or written */
    /* -- protected by lock -- */
    struct sc_hash_lane *first, *last; /* lanes with blocks that no thread has begun */
    bool stop;
};

/* False: no threads. sc_hasher_stop() is due all the same. */
bool sc_hasher_start(struct sc_hasher *hasher, int threads);
/* No line may be left. Idempotent; a zeroed hasher is fine. */
void sc_hasher_stop(struct sc_hasher *hasher);

/* The sums that a line feeds, borrowed until it is freed; both may be NULL. */
struct sc_hash_sums {
    struct sc_hash *whole, *piece;
};
/* Borrows the hasher and fd, into which the line writes from its position on, and whose O_DIRECT it
 * sets and has taken back when it has been waited for; -1: it only hashes. */
struct sc_hash_line *sc_hash_line_new(struct sc_hasher *hasher, const struct sc_hash_sums *sums,
                                      int fd);
/* Waits as sc_hash_line_wait does; NULL allowed. */
void sc_hash_line_free(struct sc_hash_line *line);
SC_DEFINE_FREEP(struct sc_hash_line, sc_hash_line_free);
/* The block to fill next, SC_HASH_BLOCK bytes, the same until it is pushed; waits while all are
 * full. NULL: no memory. Borrowed. These four are for one thread at a time. */
char *sc_hash_line_block(struct sc_hash_line *line);
/* The first `len` bytes of the block are the upload's next ones. */
void sc_hash_line_push(struct sc_hash_line *line, size_t len);
/* What went wrong with the file so far; nothing is written behind that. */
SC_MUST_USE enum sc_code sc_hash_line_fault(struct sc_hash_line *line, struct sc_error *err);
/* Waits until the sums hold all that was pushed, and the file does or has failed. */
void sc_hash_line_wait(struct sc_hash_line *line);
