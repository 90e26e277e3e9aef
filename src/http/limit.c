#include "http/limit.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/banned.h"

/* 8,192 keys at once; pages that no key has touched cost nothing. */
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
    struct table *table;
    pthread_mutex_t locks[STRIPES];
};

static struct sc_limiter *around(struct table *table)
{
    struct sc_limiter *l = sc_alloc(sizeof(*l));
    l->table = table;
    for (size_t i = 0; i < STRIPES; i++)
        sc_assert(pthread_mutex_init(&l->locks[i], NULL) == 0);
    return l;
}

struct sc_limiter *sc_limiter_new(void)
{
    struct table *table =
        mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        sc_out_of_memory();
    sc_random_bytes(&table->secret, sizeof(table->secret));
    return around(table);
}

/* A file of its room and nothing else: a place that is missing on a full disk would be a SIGBUS. */
static bool make_room(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    errno = S_ISREG(st.st_mode) ? 0 : EINVAL;
    if (errno == 0 && st.st_size != (off_t)sizeof(struct table) && ftruncate(fd, 0) != 0)
        return false;
    if (errno == 0)
        errno = posix_fallocate(fd, 0, (off_t)sizeof(struct table));
    return errno == 0;
}

static void begin(struct table *table, const char *epoch)
{
    memset(table, 0, sizeof(*table));
    sc_random_bytes(&table->secret, sizeof(table->secret));
    (void)snprintf(table->epoch, sizeof(table->epoch), "%s", epoch);
    memcpy(table->mark, mark, sizeof(mark));
}

/* Whatever a damaged file holds, no key is counted for longer than a window. */
static void drop_ended(struct table *table, int64_t longest_ms, int64_t now_ms)
{
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        struct cell *c = &table->cells[i / WAYS][i % WAYS];
        bool live = c->end_ms > now_ms && c->end_ms <= now_ms + longest_ms && c->count >= 0;
        if (!live && c->end_ms != 0)
            *c = (struct cell){ 0 };
    }
}

enum sc_code sc_limiter_open(const char *path, const char *epoch, int64_t longest_ms,
                             int64_t now_ms, struct sc_limiter **out, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct table *table = MAP_FAILED;
    if (fd >= 0 && make_room(fd))
        table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (table == MAP_FAILED)
        return sc_error_errno(err, errno, "cannot keep counts in '%s'", path);
    bool known = memcmp(table->mark, mark, sizeof(mark)) == 0 && epoch[0] != '\0' &&
                 strncmp(table->epoch, epoch, sizeof(table->epoch)) == 0;
    if (known)
        drop_ended(table, longest_ms, now_ms);
    else
        begin(table, epoch);
    *out = around(table);
    return SC_OK;
}

void sc_limiter_free(struct sc_limiter *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        (void)pthread_mutex_destroy(&l->locks[i]);
    (void)munmap(l->table, sizeof(*l->table));
    free(l);
}

static size_t set_of(const struct sc_limiter *l, uint64_t key)
{
    uint64_t secret = l->table->secret, x = key ^ secret;
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
    struct cell *cell = find_locked(l->table->cells[at], key, now_ms, &found);
    if (cell == NULL)
        cell = least_used_locked(l->table->cells[at]);
    else if (!found)
        *cell = (struct cell){ .key = key, .end_ms = now_ms + limit->window_ms };
    bool taken = cell->count < limit->most;
    if (taken)
        cell->count++;
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
    struct cell *cell = find_locked(l->table->cells[at], key, 0, &found);
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
    struct cell *cell = find_locked(l->table->cells[at], key, 0, &found);
    sc_assert(found && cell->count > 0);
    if (--cell->count == 0)
        cell->end_ms = 0;
}
