#pragma once
/* SC_LOCK(&x->lock); holds the mutex until the end of the enclosing block. */

#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

static inline pthread_mutex_t *sc_lock_take(pthread_mutex_t *m)
{
    sc_assert(pthread_mutex_lock(m) == 0);
    return m;
}

static inline void sc_lock_drop(pthread_mutex_t **m)
{
    sc_assert(pthread_mutex_unlock(*m) == 0);
}

#define SC_LOCK_NAME_2(line) sc_lock_guard_##line
#define SC_LOCK_NAME(line) SC_LOCK_NAME_2(line)
#define SC_LOCK(m) \
    SC_AUTO(sc_lock_drop) SC_UNUSED pthread_mutex_t *SC_LOCK_NAME(__LINE__) = sc_lock_take(m)

/* A condition variable on the monotonic clock. */
void sc_cond_init(pthread_cond_t *c);
/* The caller holds m. Waits until signalled or until sc_clock_mono_ms() would reach deadline_ms
 * (negative: for ever); false when the time has come. Spurious wake-ups happen: loop on the
 * condition. */
bool sc_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ms);
