#include "base/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

#include "base/banned.h"

void sc_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    sc_assert(pthread_condattr_init(&attr) == 0);
    sc_assert(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    sc_assert(pthread_cond_init(c, &attr) == 0);
    sc_assert(pthread_condattr_destroy(&attr) == 0);
}

bool sc_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ms)
{
    sc_assert(pthread_mutex_trylock(m) == EBUSY); /* else nobody holds it, the caller neither */
    if (deadline_ms < 0) {
        sc_assert(pthread_cond_wait(c, m) == 0);
        return true;
    }
    /* The deadline is on our clock, which tests may set; the wait is on the kernel's. */
    int64_t left_ms = deadline_ms - sc_clock_mono_ms();
    if (left_ms <= 0)
        return false;
    struct timespec until;
    sc_assert(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    int64_t nsec = until.tv_nsec + left_ms % 1000 * 1000000;
    until.tv_sec += left_ms / 1000 + nsec / 1000000000;
    until.tv_nsec = nsec % 1000000000;
    int rc = pthread_cond_timedwait(c, m, &until);
    sc_assert(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}
