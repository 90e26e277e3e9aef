/* Who holds which hash. There are as many at a time as there are requests, so a list will do. */

#include "blob/blob-internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

#include "base/banned.h"

static struct sc_blob_hold *find_locked(struct sc_blobs *blobs, const char *sha256)
{
    for (size_t i = 0; i < blobs->hold_count; i++) {
        if (strcmp(blobs->holds[i].sha256, sha256) == 0)
            return &blobs->holds[i];
    }
    return NULL;
}

static struct sc_blob_hold *add_locked(struct sc_blobs *blobs, const char *sha256)
{
    void *items = blobs->holds;
    sc_grow(&items, &blobs->hold_cap, blobs->hold_count + 1, sizeof(*blobs->holds));
    blobs->holds = items;
    struct sc_blob_hold *hold = &blobs->holds[blobs->hold_count++];
    *hold = (struct sc_blob_hold){ .shared = 0 };
    (void)snprintf(hold->sha256, sizeof(hold->sha256), "%s", sha256);
    return hold;
}

bool sc_blobs_hold(struct sc_blobs *blobs, const char *sha256, enum sc_hold how, int64_t wait_ms)
{
    int64_t deadline = sc_clock_mono_ms() + wait_ms;
    SC_LOCK(&blobs->lock);
    for (;;) {
        struct sc_blob_hold *hold = find_locked(blobs, sha256);
        if (hold == NULL || (!hold->alone && how == SC_HOLD_SHARED)) {
            hold = hold == NULL ? add_locked(blobs, sha256) : hold;
            hold->alone = how == SC_HOLD_ALONE;
            hold->shared += how == SC_HOLD_SHARED ? 1 : 0;
            return true;
        }
        if (!sc_cond_wait(&blobs->released, &blobs->lock, deadline))
            return false;
    }
}

void sc_blobs_release(struct sc_blobs *blobs, const char *sha256, enum sc_hold how)
{
    SC_LOCK(&blobs->lock);
    struct sc_blob_hold *hold = find_locked(blobs, sha256);
    sc_assert(hold != NULL && (how == SC_HOLD_ALONE ? hold->alone : hold->shared > 0));
    if (how == SC_HOLD_ALONE || --hold->shared == 0)
        *hold = blobs->holds[--blobs->hold_count];
    sc_assert(pthread_cond_broadcast(&blobs->released) == 0);
}
