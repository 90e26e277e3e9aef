#include "queue/queue-internal.h"

#include "base/alloc.h"
#include "base/lock.h"

#include "base/banned.h"

/* Of all tasks. A window of half a minute says some 500 bytes, and takes twice that. */
#define BYTES_MAX ((size_t)4 << 20)

/* What was told of at once. */
struct sc_said {
    struct sc_said *next;
    int64_t task;
    int64_t end; /* segments that its worker told of, with these */
    size_t bytes;
    struct sc_event event; /* .said: 0 until the commit, and nobody is told of it */
    struct sc_segments segments;
};

static void remove_locked(struct sc_queue *queue, struct sc_said **at)
{
    struct sc_said *gone = *at;
    *at = gone->next;
    queue->said.bytes -= gone->bytes;
    sc_segments_done(&gone->segments);
    free(gone);
}

/* Of this task and job; 0: of any. */
static void forget_locked(struct sc_queue *queue, int64_t task, int64_t job)
{
    for (struct sc_said **at = &queue->said.first; *at != NULL;) {
        if ((task == 0 || (*at)->task == task) && (job == 0 || (*at)->event.job == job))
            remove_locked(queue, at);
        else
            at = &(*at)->next;
    }
}

void sc_said_forget_locked(struct sc_queue *queue, int64_t task)
{
    forget_locked(queue, task, 0);
}

void sc_said_forget_job(struct sc_queue *queue, int64_t job)
{
    SC_LOCK(&queue->lock);
    forget_locked(queue, 0, job);
}

static size_t bytes_of(const struct sc_segments *segments)
{
    size_t sum = sizeof(struct sc_said);
    for (size_t i = 0; i < segments->count; i++) {
        const struct sc_segment *s = &segments->items[i];
        sum += sizeof(*s) + strlen(s->text == NULL ? "" : s->text) +
               strlen(s->speaker == NULL ? "" : s->speaker);
    }
    return sum;
}

/* False: it is known, or says nothing. What is known of a write that was rolled back is nothing: it
 * is said anew. When there is too much the oldest goes. */
static bool keep(struct sc_queue *queue, struct sc_saying *what, int64_t task,
                 const struct sc_event *event)
{
    SC_LOCK(&queue->lock);
    struct sc_said **at = &queue->said.first;
    if (what->segments->count == 0)
        return false;
    while (*at != NULL) {
        bool known = (*at)->task == task && what->first < (*at)->end;
        if (known && (*at)->event.said > 0)
            return false;
        if (known)
            remove_locked(queue, at);
        else
            at = &(*at)->next;
    }
    struct sc_said *made = *at = sc_alloc(sizeof(*made));
    *made = (struct sc_said){ .task = task,
                              .end = what->first + (int64_t)what->given,
                              .bytes = bytes_of(what->segments),
                              .event = *event,
                              .segments = *what->segments };
    *what->segments = (struct sc_segments){ 0 };
    queue->said.bytes += made->bytes;
    while (queue->said.bytes > BYTES_MAX && queue->said.first != made)
        remove_locked(queue, &queue->said.first);
    return true;
}

/* Whose commit is done. */
struct kept {
    int64_t task, epoch, end;
};

static void committed(void *owner, const void *arg)
{
    struct sc_queue *queue = owner;
    const struct kept *kept = arg;
    struct sc_event event;
    {
        SC_LOCK(&queue->lock);
        struct sc_said *s = queue->said.first;
        while (s != NULL && (s->task != kept->task || s->event.epoch != kept->epoch ||
                             s->end != kept->end || s->event.said > 0))
            s = s->next;
        if (s == NULL)
            return; /* its task has ended in the same commit */
        s->event.said = ++queue->said.last;
        event = s->event;
    }
    if (queue->hub != NULL)
        sc_hub_publish(queue->hub, &event);
}

enum sc_code sc_task_say(struct sc_queue *queue, struct sc_conn *tx, const struct sc_fence *fence,
                         struct sc_saying *what, struct sc_error *err)
{
    struct sc_task_row row;
    struct sc_job_brief job;
    enum sc_code code = sc_task_row_fenced(tx, fence, &row, err);
    if (code == SC_OK)
        code = sc_job_brief_get(tx, row.task.job, &job, err);
    if (code != SC_OK)
        return code;
    struct sc_event event = sc_queue_task_event(SC_EVENT_SEGMENT_PROVISIONAL, &job, &row);
    event.progress = sc_job_brief_progress_now(queue, &job);
    if (keep(queue, what, row.task.id, &event)) {
        const struct kept kept = { row.task.id, event.epoch, what->first + (int64_t)what->given };
        sc_conn_after_commit(tx, committed, queue, &kept, sizeof(kept));
    }
    return SC_OK;
}

bool sc_said_next(struct sc_queue *queue, int64_t job, struct sc_event *event,
                  struct sc_segments *out)
{
    SC_LOCK(&queue->lock);
    const struct sc_said *s = queue->said.first;
    while (s != NULL && (s->event.job != job || s->event.said <= event->said))
        s = s->next;
    for (size_t i = 0; s != NULL && i < s->segments.count; i++) {
        struct sc_segment *slot = sc_segments_add(out);
        if (slot == NULL || !sc_segment_copy(&s->segments.items[i], slot))
            return false;
    }
    if (s != NULL)
        *event = s->event;
    return s != NULL;
}

int64_t sc_said_newest(struct sc_queue *queue)
{
    SC_LOCK(&queue->lock);
    return queue->said.last;
}
