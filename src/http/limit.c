#include "http/limit.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* 8,192 keys at once. */
#define SETS 1024
#define WAYS 8
#define STRIPES 16

struct cell {
    uint64_t key;
    int64_t end_ms; /* the window's; INT64_MAX: counted at once; 0 or past: free */
    int64_t count;
};

/* What a file holds, in the order of this machine. */
struct table {
    char mark[16];
    char epoch[SC_LIMITER_EPOCH];
    uint64_t secret; /* so that nobody can choose keys that fall together */
    /* -- each set by the lock of its stripe -- */
    struct cell cells[SETS][WAYS];
};

static const char mark[16] = "scripta limits 1";

struct sc_limiter {
    int fd; /* of the file; -1: none */
    pthread_mutex_t locks[STRIPES];
    struct table table;
};

struct sc_limiter *sc_limiter_new(void)
{
    struct sc_limiter *l = sc_alloc(sizeof(*l));
    l->fd = -1;
    sc_random_bytes(&l->table.secret, sizeof(l->table.secret));
    for (size_t i = 0; i < STRIPES; i++)
        sc_assert(pthread_mutex_init(&l->locks[i], NULL) == 0);
    return l;
}

/* Not a shared mapping: a store to that is a SIGBUS once the disk is full or the file has been cut.
 * A cell that could not be written costs nothing but its memory over a restart. */
static void keep(const struct sc_limiter *l, const struct cell *cell)
{
    if (l->fd < 0)
        return;
    ssize_t n = pwrite(l->fd, cell, sizeof(*cell), (const char *)cell - (const char *)&l->table);
    (void)n;
}

/* False: the file holds no counts of this epoch. */
static bool read_table(int fd, const char *epoch, struct table *table)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(*table) &&
           pread(fd, table, sizeof(*table), 0) == (ssize_t)sizeof(*table) &&
           memcmp(table->mark, mark, sizeof(mark)) == 0 && epoch[0] != '\0' &&
           strncmp(table->epoch, epoch, sizeof(table->epoch)) == 0;
}

/* Whole, so that the counts have their room on the disk. False, with errno: there is none. */
static bool begin_table(int fd, const char *epoch, struct table *table)
{
    memset(table, 0, sizeof(*table));
    sc_random_bytes(&table->secret, sizeof(table->secret));
    (void)snprintf(table->epoch, sizeof(table->epoch), "%s", epoch);
    memcpy(table->mark, mark, sizeof(mark));
    if (ftruncate(fd, 0) != 0)
        return false;
    errno = ENOSPC; /* which is what a short write means */
    return pwrite(fd, table, sizeof(*table), 0) == (ssize_t)sizeof(*table);
}

/* Whatever a damaged file holds, no key is counted for longer than a window. */
static void drop_ended(struct sc_limiter *l, int64_t longest_ms, int64_t now_ms)
{
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        struct cell *c = &l->table.cells[i / WAYS][i % WAYS];
        bool live = c->end_ms > now_ms && c->end_ms <= now_ms + longest_ms && c->count >= 0;
        if (!live && c->end_ms != 0) {
            *c = (struct cell){ 0 };
            keep(l, c);
        }
    }
}

enum sc_code sc_limiter_open(const char *path, const char *epoch, int64_t longest_ms,
                             int64_t now_ms, struct sc_limiter **out, struct sc_error *err)
{
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    l->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (l->fd < 0 ||
        (!read_table(l->fd, epoch, &l->table) && !begin_table(l->fd, epoch, &l->table)))
        return sc_error_errno(err, errno, "cannot keep counts in '%s'", path);
    drop_ended(l, longest_ms, now_ms);
    *out = SC_TAKE(l);
    return SC_OK;
}

void sc_limiter_free(struct sc_limiter *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        (void)pthread_mutex_destroy(&l->locks[i]);
    sc_closep(&l->fd);
    free(l);
}

static size_t set_of(const struct sc_limiter *l, uint64_t key)
{
    uint64_t secret = l->table.secret, x = key ^ secret;
    for (int i = 0; i < 2; i++) {
        x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15) + secret;
        x = (x ^ x >> 29) * UINT64_C(0xd6e8feb86659fd93);
    }
    return (size_t)(x >> 40) % SETS;
}

/* The cell of a key, its own: *found, or a free one. NULL: the set is full. */
static struct cell *find_locked(struct cell *set, uint64_t key, int64_t now_ms, bool *found)
{
    struct cell *room = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        bool live = set[i].end_ms > now_ms;
        if (live && set[i].key == key) {
            *found = true;
            return &set[i];
        }
        if (!live && room == NULL)
            room = &set[i];
    }
    *found = false;
    return room;
}

static struct cell *least_used_locked(struct cell *set)
{
    struct cell *least = &set[0];
    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].count < least->count)
            least = &set[i];
    }
    return least;
}

bool sc_limiter_take(struct sc_limiter *l, uint64_t key, const struct sc_limit *limit,
                     int64_t now_ms, struct sc_limit_state *state)
{
    size_t at = set_of(l, key);
    bool found;
    SC_LOCK(&l->locks[at % STRIPES]);
    struct cell *cell = find_locked(l->table.cells[at], key, now_ms, &found);
    if (cell == NULL)
        cell = least_used_locked(l->table.cells[at]);
    else if (!found)
        *cell = (struct cell){ .key = key, .end_ms = now_ms + limit->window_ms };
    bool taken = cell->count < limit->most;
    if (taken) {
        cell->count++;
        keep(l, cell);
    }
    state->left = SC_MAX(limit->most - cell->count, 0);
    state->reset_ms = SC_MAX(cell->end_ms - now_ms, 1);
    return taken;
}

bool sc_limiter_hold(struct sc_limiter *l, uint64_t key, int64_t most, bool *counted)
{
    size_t at = set_of(l, key);
    bool found;
    *counted = false;
    SC_LOCK(&l->locks[at % STRIPES]);
    struct cell *cell = find_locked(l->table.cells[at], key, 0, &found);
    if (cell == NULL)
        return true;
    if (!found)
        *cell = (struct cell){ .key = key, .end_ms = INT64_MAX };
    if (cell->count >= most)
        return false;
    cell->count++;
    *counted = true;
    return true;
}

void sc_limiter_drop(struct sc_limiter *l, uint64_t key)
{
    size_t at = set_of(l, key);
    bool found;
    SC_LOCK(&l->locks[at % STRIPES]);
    struct cell *cell = find_locked(l->table.cells[at], key, 0, &found);
    sc_assert(found && cell->count > 0);
    if (--cell->count == 0)
        cell->end_ms = 0;
}
