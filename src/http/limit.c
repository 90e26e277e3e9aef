#include "http/limit.h"

#include "base/alloc.h"
#include "base/lock.h"

#include <sys/random.h>

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

struct sc_limiter {
    uint64_t secret; /* so that nobody can choose keys that fall together */
    pthread_mutex_t locks[STRIPES];
    /* -- each set by the lock of its stripe -- */
    struct cell cells[SETS][WAYS];
};

struct sc_limiter *sc_limiter_new(void)
{
    struct sc_limiter *l = sc_alloc(sizeof(*l));
    sc_assert(getrandom(&l->secret, sizeof(l->secret), 0) == (ssize_t)sizeof(l->secret));
    for (size_t i = 0; i < STRIPES; i++)
        sc_assert(pthread_mutex_init(&l->locks[i], NULL) == 0);
    return l;
}

void sc_limiter_free(struct sc_limiter *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        (void)pthread_mutex_destroy(&l->locks[i]);
    free(l);
}

static size_t set_of(const struct sc_limiter *l, uint64_t key)
{
    uint64_t x = key ^ l->secret;
    for (int i = 0; i < 2; i++) {
        x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15) + l->secret;
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
    struct cell *cell = find_locked(l->cells[at], key, now_ms, &found);
    if (cell == NULL)
        cell = least_used_locked(l->cells[at]);
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
    struct cell *cell = find_locked(l->cells[at], key, 0, &found);
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
    struct cell *cell = find_locked(l->cells[at], key, 0, &found);
    sc_assert(found && cell->count > 0);
    if (--cell->count == 0)
        cell->end_ms = 0;
}
