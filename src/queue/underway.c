/* How far workers are with the chunks that they hold, as their heartbeats say. Kept in memory
 * alone: it is old after a second, and a restart begins those chunks anew. */

#include "queue/queue-internal.h"

#include "base/lock.h"

#include "base/banned.h"

/* Of two for the same task the newer one holds; when all places are taken the oldest goes. */
void sc_queue_note_under_way(struct sc_queue *queue, const struct sc_under_way *what)
{
    struct sc_under_way fresh = *what;
    fresh.at_ms = sc_clock_mono_ms();
    SC_LOCK(&queue->lock);
    struct sc_under_way *place = &queue->under_way[0];
    for (size_t i = 0; i < SC_ARRAY_LEN(queue->under_way); i++) {
        struct sc_under_way *u = &queue->under_way[i];
        if (u->task == fresh.task) {
            place = u;
            break;
        }
        if (u->at_ms < place->at_ms)
            place = u;
    }
    *place = fresh;
}

void sc_queue_forget_under_way(struct sc_queue *queue, int64_t task)
{
    SC_LOCK(&queue->lock);
    sc_said_forget_locked(queue, task);
    for (size_t i = 0; i < SC_ARRAY_LEN(queue->under_way); i++) {
        if (queue->under_way[i].task == task)
            queue->under_way[i] = (struct sc_under_way){ 0 };
    }
}

/* Who reads the row as it was before the commit finds it whole here, who reads it after that in the
 * row alone: else progress would go back for a moment. */
void sc_queue_count_under_way(struct sc_queue *queue, int64_t task, int counted)
{
    SC_LOCK(&queue->lock);
    sc_said_forget_locked(queue, task);
    for (size_t i = 0; i < SC_ARRAY_LEN(queue->under_way); i++) {
        if (queue->under_way[i].task == task)
            queue->under_way[i].counted = counted;
    }
}

int sc_queue_under_way(struct sc_queue *queue, int64_t job, int completed)
{
    int64_t now = sc_clock_mono_ms();
    int sum = 0;
    SC_LOCK(&queue->lock);
    for (size_t i = 0; i < SC_ARRAY_LEN(queue->under_way); i++) {
        const struct sc_under_way *u = &queue->under_way[i];
        if (u->job != job || u->task == 0 || now - u->at_ms >= queue->config.lease_ms)
            continue;
        if (u->counted == 0)
            sum += u->percent;
        else if (completed < u->counted)
            sum += 100;
    }
    return sum;
}
