#include "http/hasher.h"

#include "base/alloc.h"
#include "base/lock.h"

#include "base/banned.h"

/* Enough that neither side waits for the other's next turn of the processor. */
#define BLOCKS 4

struct sc_hash_line {
    struct sc_hasher *hasher;
    struct sc_hash_sums sums;
    char *blocks[BLOCKS]; /* made when first needed: most uploads are small */
    size_t lens[BLOCKS];
    /* -- protected by hasher->lock -- */
    size_t pushed, hashed; /* blocks; the block of number n is blocks[n % BLOCKS] */
    bool busy;             /* queued, or a thread is at it */
    struct sc_hash_line *next;
};

static void enqueue_locked(struct sc_hasher *h, struct sc_hash_line *line)
{
    line->busy = true;
    line->next = NULL;
    if (h->last == NULL)
        h->first = line;
    else
        h->last->next = line;
    h->last = line;
    (void)pthread_cond_signal(&h->work);
}

static struct sc_hash_line *take_locked(struct sc_hasher *h)
{
    struct sc_hash_line *line = h->first;
    h->first = line->next;
    if (h->first == NULL)
        h->last = NULL;
    return line;
}

/* One block at a time, then the line goes to the end of the queue: uploads share the threads. */
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
        struct sc_hash_line *line = take_locked(h);
        size_t at = line->hashed % BLOCKS;
        (void)pthread_mutex_unlock(&h->lock);
        if (line->sums.whole != NULL)
            sc_hash_update(line->sums.whole, line->blocks[at], line->lens[at]);
        if (line->sums.piece != NULL)
            sc_hash_update(line->sums.piece, line->blocks[at], line->lens[at]);
        (void)pthread_mutex_lock(&h->lock);
        line->hashed++;
        line->busy = false;
        if (line->hashed < line->pushed)
            enqueue_locked(h, line);
        (void)pthread_cond_broadcast(&h->done);
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

struct sc_hash_line *sc_hash_line_new(struct sc_hasher *hasher, const struct sc_hash_sums *sums)
{
    struct sc_hash_line *line = sc_alloc(sizeof(*line));
    line->hasher = hasher;
    line->sums = *sums;
    return line;
}

/* Until at most `left` pushed blocks wait to be hashed. */
static void wait_for_hash(struct sc_hash_line *line, size_t left)
{
    struct sc_hasher *h = line->hasher;
    SC_LOCK(&h->lock);
    while (line->pushed - line->hashed > left)
        (void)sc_cond_wait(&h->done, &h->lock, -1);
}

void sc_hash_line_free(struct sc_hash_line *line)
{
    if (line == NULL)
        return;
    wait_for_hash(line, 0);
    for (size_t i = 0; i < BLOCKS; i++)
        free(line->blocks[i]);
    free(line);
}

char *sc_hash_line_block(struct sc_hash_line *line)
{
    wait_for_hash(line, BLOCKS - 1);
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
    if (!line->busy)
        enqueue_locked(h, line);
}

void sc_hash_line_wait(struct sc_hash_line *line)
{
    wait_for_hash(line, 0);
}
