#include "api/parking.h"

#include <string.h>

#include "base/banned.h"

void sc_parking_init(struct sc_parking *p, sc_resume_fn resume)
{
    *p = (struct sc_parking){ .resume = resume };
    sc_assert(pthread_mutex_init(&p->lock, NULL) == 0);
}

void sc_parking_done(struct sc_parking *p)
{
    sc_assert(p->first == NULL);
    (void)pthread_mutex_destroy(&p->lock);
}

void sc_parking_enter(struct sc_parking *p, struct sc_waiter *w)
{
    SC_LOCK(&p->lock);
    w->prev = p->last;
    w->next = NULL;
    w->parked = false;
    w->seen = p->generation;
    if (p->last == NULL)
        p->first = w;
    else
        p->last->next = w;
    p->last = w;
}

void sc_parking_leave(struct sc_parking *p, struct sc_waiter *w)
{
    SC_LOCK(&p->lock);
    if (w->prev == NULL)
        p->first = w->next;
    else
        w->prev->next = w->next;
    if (w->next == NULL)
        p->last = w->prev;
    else
        w->next->prev = w->prev;
    w->prev = w->next = NULL;
    w->parked = false;
}

struct sc_waiter *sc_parking_find(struct sc_parking *p, const void *handle)
{
    SC_LOCK(&p->lock);
    struct sc_waiter *w = p->first;
    while (w != NULL && w->handle != handle)
        w = w->next;
    return w;
}

void sc_parking_begin(struct sc_parking *p, struct sc_waiter *w)
{
    SC_LOCK(&p->lock);
    w->parked = false;
    w->seen = p->generation;
}

/* Wakes the one that waits longest among those whose last try is older than `generation`. */
static void wake_one_locked(struct sc_parking *p, uint64_t generation)
{
    for (struct sc_waiter *w = p->first; w != NULL; w = w->next) {
        if (!w->parked || w->seen >= generation)
            continue;
        w->parked = false;
        if (p->resume(w->handle))
            return;
    }
}

void sc_parking_end(struct sc_parking *p, struct sc_waiter *w, bool exhausted)
{
    SC_LOCK(&p->lock);
    for (struct sc_waiter *o = p->first; exhausted && o != NULL; o = o->next) {
        if (o->parked && o->seen < w->seen && strcmp(o->key, w->key) == 0)
            o->seen = w->seen;
    }
    wake_one_locked(p, w->seen);
}

void *sc_parking_park(struct sc_parking *p, struct sc_waiter *w, void *(*park)(void *ctx),
                      void *ctx)
{
    SC_LOCK(&p->lock);
    if (w->seen < p->generation)
        return NULL;
    w->parked = true;
    return park(ctx);
}

void sc_parking_wake(struct sc_parking *p)
{
    SC_LOCK(&p->lock);
    p->generation++;
    wake_one_locked(p, p->generation);
}

void sc_parking_wake_all(struct sc_parking *p)
{
    SC_LOCK(&p->lock);
    p->generation++;
    for (struct sc_waiter *w = p->first; w != NULL; w = w->next) {
        if (w->parked) {
            w->parked = false;
            (void)p->resume(w->handle); /* false: it runs or has gone already */
        }
    }
}
