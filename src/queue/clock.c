/* The queue's clock: the wall clock as it stood when the queue was opened, advanced by the
 * monotonic clock. Leases, back-offs, time-outs and durations are measured on it, so a step of the
 * wall clock expires nothing early and delays nothing; `run_after` of a job alone is the user's
 * wall time.
 *
 * The next server starts a new clock, which may stand before or behind the last one (the wall was
 * stepped, the machine was off). So at open all leases of other hosts' workers are renewed, job
 * deadlines are moved by the difference to the last saved time, and back-offs are cut to the
 * longest one possible (queue.c). */

#include "queue/queue-internal.h"

#include "base/banned.h"

int64_t sc_queue_clock_ms(const struct sc_queue *queue)
{
    return sc_clock_mono_ms() + queue->clock_offset_ms;
}

/* splitmix64's finaliser: neighbouring inputs give unrelated outputs. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

int64_t sc_queue_backoff_ms(const struct sc_queue *queue, int64_t task, int64_t epoch, int nth)
{
    int64_t most = queue->config.backoff_max_ms;
    int64_t delay = queue->config.backoff_base_ms;
    for (int i = 1; i < nth && delay < most; i++)
        delay *= 2;
    delay = SC_MIN(delay, most);

    uint64_t chance = mix(mix(queue->jitter_seed ^ (uint64_t)task) ^ (uint64_t)epoch);
    int64_t half = delay / 2;
    return delay - half + (int64_t)(chance % (uint64_t)(half + 1));
}
