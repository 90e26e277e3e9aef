#include "base/fault.h"

#include "base/str.h"

#include <pthread.h>
#include <signal.h>

#include "base/lock.h"

#include "base/banned.h"

#ifdef SC_WITH_FAULTS

#define FAULT_MAX 16

enum action { ACTION_KILL, ACTION_FAIL, ACTION_STOP, ACTION_CALL, ACTION_COUNT_ };

static const char *const action_names[ACTION_COUNT_] = {
    [ACTION_KILL] = "kill",
    [ACTION_FAIL] = "fail",
    [ACTION_STOP] = "stop",
    [ACTION_CALL] = "", /* of tests alone */
};

struct fault {
    struct sc_str point; /* in orders, or the caller's */
    enum action action;
    int64_t left; /* passes until the action; 0: done */
    void (*fn)(void *ctx);
    void *ctx;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Protected by lock. */
static bool armed;
static char orders[1024]; /* SCRIPTA_FAULT, as it was */
static struct fault faults[FAULT_MAX];
static size_t fault_count;

/* "point:action" or "point:action:N". */
static bool parse_fault(struct sc_str text, struct fault *out)
{
    struct fault f = { .point = sc_str_take_until(&text, ':'), .left = 1 };
    struct sc_str action = sc_str_take_until(&text, ':');
    while (f.action < ACTION_COUNT_ && !sc_str_equal(action, sc_str_from(action_names[f.action])))
        f.action++;
    if (f.point.len == 0 || action.len == 0 || f.action == ACTION_COUNT_)
        return false;
    if (text.len > 0 && (!sc_str_to_int64(text, &f.left) || f.left < 1))
        return false;
    *out = f;
    return true;
}

/* A test that misspells its fault would pass for the wrong reason, so this stops the process. */
static void arm_all_locked(void)
{
    const char *env = getenv("SCRIPTA_FAULT");
    /* Not sc_strdup: memory has a point of its own, which would come back here. */
    if (env != NULL && snprintf(orders, sizeof(orders), "%s", env) >= (int)sizeof(orders)) {
        (void)fprintf(stderr, "scripta: SCRIPTA_FAULT is too long\n");
        abort();
    }
    struct sc_str rest = sc_str_from(orders);
    while (rest.len > 0) {
        struct sc_str item = sc_str_trim(sc_str_take_until(&rest, ','));
        if (item.len == 0)
            continue;
        if (fault_count == FAULT_MAX || !parse_fault(item, &faults[fault_count])) {
            (void)fprintf(stderr, "scripta: bad SCRIPTA_FAULT '%.*s'\n", (int)item.len, item.ptr);
            abort();
        }
        fault_count++;
    }
    armed = true;
}

/* What is to be called, once the lock is free: it may pass points itself. */
static bool hit_locked(const char *point, struct fault *call)
{
    bool fail = false;
    if (!armed)
        arm_all_locked();
    for (size_t i = 0; i < fault_count; i++) {
        struct fault *f = &faults[i];
        if (f->left == 0 || !sc_str_equal(f->point, sc_str_from(point)) || --f->left > 0)
            continue;
        switch (f->action) {
        case ACTION_KILL:
            (void)raise(SIGKILL);
            break;
        case ACTION_FAIL:
            fail = true;
            break;
        case ACTION_STOP:
            (void)raise(SIGSTOP);
            break;
        case ACTION_CALL:
            *call = *f;
            break;
        case ACTION_COUNT_:
            break;
        }
    }
    return fail;
}

bool sc_fault_hit(const char *point)
{
    struct fault call = { .fn = NULL };
    bool fail;
    {
        SC_LOCK(&lock);
        fail = hit_locked(point, &call);
    }
    if (call.fn != NULL)
        call.fn(call.ctx);
    return fail;
}

static void arm(const struct fault *fault)
{
    SC_LOCK(&lock);
    if (!armed)
        arm_all_locked();
    sc_assert(fault->left > 0 && fault_count < FAULT_MAX);
    faults[fault_count++] = *fault;
}

void sc_fault_arm(const char *point, int64_t nth)
{
    arm(&(struct fault){ sc_str_from(point), ACTION_FAIL, nth, NULL, NULL });
}

void sc_fault_arm_kill(const char *point, int64_t nth)
{
    arm(&(struct fault){ sc_str_from(point), ACTION_KILL, nth, NULL, NULL });
}

void sc_fault_arm_call(const char *point, int64_t nth, void (*fn)(void *ctx), void *ctx)
{
    arm(&(struct fault){ sc_str_from(point), ACTION_CALL, nth, fn, ctx });
}

int64_t sc_fault_left(void)
{
    SC_LOCK(&lock);
    sc_assert(fault_count > 0);
    return faults[fault_count - 1].left;
}

bool sc_fault_disarm(const char *point)
{
    SC_LOCK(&lock);
    sc_assert(fault_count > 0 && sc_str_equal(faults[fault_count - 1].point, sc_str_from(point)));
    return faults[--fault_count].left == 0;
}

#endif
