#include "http/hasher.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "sys/file.h"

#include "base/banned.h"

/* Enough that no side waits for another's next turn of the processor. */
#define BLOCKS 4

/* What is done with each block, by one thread at a time and in order. */
struct sc_hash_lane {
    struct sc_hash_line *line;
    bool writes; /* it hashes else */
    /* -- protected by hasher->lock -- */
    size_t taken; /* blocks; the block of number n is blocks[n % BLOCKS] */
    bool busy;    /* queued, or a thread is at it */
    struct sc_hash_lane *next;
};

struct sc_hash_line {
    struct sc_hasher *hasher;
    struct sc_hash_sums sums;
    int fd;                 /* -1: nothing is written here */
    int64_t written, begun; /* bytes, of the thread that writes: in the file, on their way on */
    char *blocks[BLOCKS];   /* made when first needed: most uploads are small */
    size_t lens[BLOCKS];
    /* -- protected by hasher->lock -- */
    size_t pushed; /* blocks */
    struct sc_hash_lane hash, file;
    struct sc_error error; /* of the file */
};

static void enqueue_locked(struct sc_hasher *h, struct sc_hash_lane *lane)
{
    lane->busy = true;
    lane->next = NULL;
    if (h->last == NULL)
        h->first = lane;
    else
        h->last->next = lane;
    h->last = lane;
    (void)pthread_cond_signal(&h->work);
}

static struct sc_hash_lane *take_locked(struct sc_hasher *h)
{
    struct sc_hash_lane *lane = h->first;
    h->first = lane->next;
    if (h->first == NULL)
        h->last = NULL;
    return lane;
}

static enum sc_code write_block(struct sc_hash_line *line, size_t at, struct sc_error *err)
{
    enum sc_code code = sc_file_write_all(line->fd, line->blocks[at], line->lens[at], err);
    if (code != SC_OK)
        return code;
    line->written += (int64_t)line->lens[at];
    if (line->written - line->begun >= SC_WRITE_BACK) {
        sc_file_start_write_back(line->fd, line->begun, line->written - line->begun);
        line->begun = line->written;
    }
    return SC_OK;
}

static void hash_block(struct sc_hash_line *line, size_t at)
{
    if (line->sums.whole != NULL)
        sc_hash_update(line->sums.whole, line->blocks[at], line->lens[at]);
    if (line->sums.piece != NULL)
        sc_hash_update(line->sums.piece, line->blocks[at], line->lens[at]);
}

/* One block; called and left with the lock held. */
static void run_locked(struct sc_hasher *h, struct sc_hash_lane *lane)
{
    struct sc_hash_line *line = lane->line;
    struct sc_error err = { 0 };
    size_t at = lane->taken % BLOCKS;
    bool good = line->error.code == SC_OK;
    enum sc_code code = SC_OK;
    (void)pthread_mutex_unlock(&h->lock);
    if (!lane->writes)
        hash_block(line, at);
    else if (good)
        code = write_block(line, at, &err);
    (void)pthread_mutex_lock(&h->lock);
    if (code != SC_OK)
        line->error = err;
    lane->taken++;
    lane->busy = false;
    if (lane->taken < line->pushed)
        enqueue_locked(h, lane);
    (void)pthread_cond_broadcast(&h->done);
}

/* One block at a time, then the lane goes to the end of the queue: uploads share the threads. */
static void *hasher_main(void *ctx)
{
    struct sc_hasher *h = ctx;
    (void)pthread_setname_np(pthread_self(), "http-hash");
    (void)pthread_mutex_lock(&h->lock);
    for (;;) {
        while (h->first == NULL && !h->stop)
            (void)sc_cond_wait(&h->work, &h->lock, -1);
        if (h->first == NULL)
            break;
        run_locked(h, take_locked(h));
    }
    (void)pthread_mutex_unlock(&h->lock);
    return NULL;
}

bool sc_hasher_start(struct sc_hasher *hasher, int threads)
{
    threads = SC_MAX(threads, 1);
    hasher->threads = sc_alloc_array((size_t)threads, sizeof(*hasher->threads));
    sc_assert(pthread_mutex_init(&hasher->lock, NULL) == 0);
    sc_cond_init(&hasher->work);
    sc_cond_init(&hasher->done);
    while (hasher->thread_count < threads) {
        if (pthread_create(&hasher->threads[hasher->thread_count], NULL, hasher_main, hasher) != 0)
            return false;
        hasher->thread_count++;
    }
    return true;
}

void sc_hasher_stop(struct sc_hasher *hasher)
{
    if (hasher->threads == NULL)
        return;
    {
        SC_LOCK(&hasher->lock);
        hasher->stop = true;
        (void)pthread_cond_broadcast(&hasher->work);
    }
    for (int i = 0; i < hasher->thread_count; i++)
        (void)pthread_join(hasher->threads[i], NULL);
    free(SC_TAKE(hasher->threads));
    hasher->thread_count = 0;
    (void)pthread_cond_destroy(&hasher->work);
    (void)pthread_cond_destroy(&hasher->done);
    (void)pthread_mutex_destroy(&hasher->lock);
}

struct sc_hash_line *sc_hash_line_new(struct sc_hasher *hasher, const struct sc_hash_sums *sums,
                                      int fd)
{
    struct sc_hash_line *line = sc_alloc(sizeof(*line));
    line->hasher = hasher;
    line->sums = *sums;
    line->fd = fd;
    line->hash.line = line->file.line = line;
    line->file.writes = true;
    return line;
}

static size_t done_locked(const struct sc_hash_line *line)
{
    return line->fd < 0 ? line->hash.taken : SC_MIN(line->hash.taken, line->file.taken);
}

/* Until at most `left` pushed blocks wait to be hashed and written. */
static void wait_for_blocks(struct sc_hash_line *line, size_t left)
{
    struct sc_hasher *h = line->hasher;
    SC_LOCK(&h->lock);
    while (line->pushed - done_locked(line) > left)
        (void)sc_cond_wait(&h->done, &h->lock, -1);
}

void sc_hash_line_free(struct sc_hash_line *line)
{
    if (line == NULL)
        return;
    wait_for_blocks(line, 0);
    for (size_t i = 0; i < BLOCKS; i++)
        free(line->blocks[i]);
    free(line);
}

char *sc_hash_line_block(struct sc_hash_line *line)
{
    wait_for_blocks(line, BLOCKS - 1);
    char **block = &line->blocks[line->pushed % BLOCKS];
    if (*block == NULL)
        *block = sc_try_alloc(SC_HASH_BLOCK);
    return *block;
}

void sc_hash_line_push(struct sc_hash_line *line, size_t len)
{
    struct sc_hasher *h = line->hasher;
    line->lens[line->pushed % BLOCKS] = len;
    SC_LOCK(&h->lock);
    line->pushed++;
    if (line->fd >= 0 && !line->file.busy)
        enqueue_locked(h, &line->file);
    if (!line->hash.busy)
        enqueue_locked(h, &line->hash);
}

enum sc_code sc_hash_line_fault(struct sc_hash_line *line, struct sc_error *err)
{
    SC_LOCK(&line->hasher->lock);
    return line->error.code == SC_OK ? SC_OK : sc_error_copy(err, &line->error);
}

void sc_hash_line_wait(struct sc_hash_line *line)
{
    wait_for_blocks(line, 0);
}
