#include "http/hasher.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "sys/file.h"

#include "base/banned.h"

/* Enough that no side waits for another's next turn of the processor. */
#define BLOCKS 4
/* So many are written at once, when so many wait. */
#define RUN 2

/* What is done with each block, by one thread at a time and in order. */
struct sc_hash_lane {
    struct sc_hash_line *line;
    bool writes; /* it hashes else */
    /* -- protected by hasher->lock -- */
    size_t taken; /* blocks; the block of number n is that of n % BLOCKS */
    bool busy;    /* queued, or a thread is at it */
    struct sc_hash_lane *next;
};

struct sc_hash_line {
    struct sc_hasher *hasher;
    struct sc_hash_sums sums;
    int fd; /* -1: nothing is written here */
    /* -- of the thread that writes -- */
    int64_t written, begun; /* bytes: in the file, on their way on */
    bool direct;            /* fd is set so */
    bool no_direct;         /* it cannot be */
    /* -- of the thread that fills them, each until it is pushed -- */
    char *blocks; /* BLOCKS of them, in one piece */
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

static char *block_at(const struct sc_hash_line *line, size_t at)
{
    return line->blocks + at * SC_HASH_BLOCK;
}

/* The last bytes of a file, which are no whole sectors, go through the page cache. */
static void choose_way(struct sc_hash_line *line, size_t len)
{
    bool direct = !line->no_direct && line->written >= SC_DIRECT_FROM &&
                  line->written % SC_DIRECT_ALIGN == 0 && len % SC_DIRECT_ALIGN == 0;
    if (direct == line->direct)
        return;
    if (sc_file_set_direct(line->fd, direct))
        line->direct = direct;
    else
        line->no_direct = true;
}

static enum sc_code write_blocks(struct sc_hash_line *line, size_t at, size_t len,
                                 struct sc_error *err)
{
    choose_way(line, len);
    bool direct = line->direct;
    enum sc_code code = sc_file_write_direct(line->fd, block_at(line, at), len, &line->direct, err);
    line->no_direct = line->no_direct || direct != line->direct;
    if (code != SC_OK)
        return code;
    line->written += (int64_t)len;
    if (line->direct)
        line->begun = line->written;
    if (line->written - line->begun >= SC_WRITE_BACK) {
        sc_file_start_write_back(line->fd, line->begun, line->written - line->begun);
        line->begun = line->written;
    }
    return SC_OK;
}

static void hash_block(struct sc_hash_line *line, size_t at)
{
    if (line->sums.whole != NULL)
        sc_hash_update(line->sums.whole, block_at(line, at), line->lens[at]);
    if (line->sums.piece != NULL)
        sc_hash_update(line->sums.piece, block_at(line, at), line->lens[at]);
}

/* Of the blocks that wait, those that the lane takes next: one, or a run to be written, which lies
 * in one piece. Its bytes are put into *len. */
static size_t next_run(const struct sc_hash_lane *lane, size_t *len)
{
    const struct sc_hash_line *line = lane->line;
    size_t at = lane->taken % BLOCKS;
    size_t most = lane->writes ? SC_MIN(RUN, BLOCKS - at) : 1;
    size_t n = 1;
    *len = line->lens[at];
    while (n < most && lane->taken + n < line->pushed && line->lens[at + n - 1] == SC_HASH_BLOCK)
        *len += line->lens[at + n++];
    return n;
}

/* Called and left with the lock held. */
static void run_locked(struct sc_hasher *h, struct sc_hash_lane *lane)
{
    struct sc_hash_line *line = lane->line;
    struct sc_error err = { 0 };
    size_t at = lane->taken % BLOCKS, len;
    size_t count = next_run(lane, &len);
    bool good = line->error.code == SC_OK;
    enum sc_code code = SC_OK;
    (void)pthread_mutex_unlock(&h->lock);
    if (!lane->writes)
        hash_block(line, at);
    else if (good)
        code = write_blocks(line, at, len, &err);
    (void)pthread_mutex_lock(&h->lock);
    if (code != SC_OK)
        line->error = err;
    lane->taken += count;
    lane->busy = false;
    if (lane->taken < line->pushed)
        enqueue_locked(h, lane);
    (void)pthread_cond_broadcast(&h->done);
}

/* One block or run at a time, then the lane goes to the end of the queue: uploads share the
 * threads. */
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
    sc_hash_line_wait(line);
    free(line->blocks);
    free(line);
}

char *sc_hash_line_block(struct sc_hash_line *line)
{
    wait_for_blocks(line, BLOCKS - 1);
    if (line->blocks == NULL)
        line->blocks = sc_try_alloc_aligned(SC_DIRECT_ALIGN, BLOCKS * SC_HASH_BLOCK);
    return line->blocks == NULL ? NULL : block_at(line, line->pushed % BLOCKS);
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
    if (line->direct)
        line->direct = !sc_file_set_direct(line->fd, false);
}
