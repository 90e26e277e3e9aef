#pragma once
/* Counting by key: how often in a window of time, or how many at once. The room is bounded whatever
 * keys come: a key that finds none shares the count of another that is in use, so that nobody's
 * count can be pushed out by a crowd of keys. Thread-safe; its locks are leaves. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sc_limiter;
struct sc_limiter *sc_limiter_new(void);
/* One whose counts of windows stand in that file too, so that they outlive the process however it
 * ends; nobody else may have it open. What cannot be written later on, or is cut off, is still
 * counted, and lost with the process. epoch: what now_ms counts from (of the machine's start);
 * counts of another one, or of a damaged file, are dropped, as are those that end later than
 * longest_ms from now_ms. */
#define SC_LIMITER_EPOCH 40 /* with its NUL */
SC_MUST_USE enum sc_code sc_limiter_open(const char *path, const char *epoch, int64_t longest_ms,
                                         int64_t now_ms, struct sc_limiter **out,
                                         struct sc_error *err);
void sc_limiter_free(struct sc_limiter *l);
SC_DEFINE_FREEP(struct sc_limiter, sc_limiter_free);

struct sc_limit {
    int64_t most;      /* in a window */
    int64_t window_ms; /* begins with the first of a key */
};
struct sc_limit_state {
    int64_t left;     /* in this window */
    int64_t reset_ms; /* until it ends, at least 1 */
};
/* Counts one of this key at now_ms (monotonic). False: it would be more than limit.most, and is not
 * counted. *state is set either way. */
bool sc_limiter_take(struct sc_limiter *l, uint64_t key, const struct sc_limit *limit,
                     int64_t now_ms, struct sc_limit_state *state);

/* One more at once of this key: false when there are `most` already. *counted: sc_limiter_drop()
 * must follow; a key that finds no room is let in without. A limiter is used for this or for
 * windows. */
bool sc_limiter_hold(struct sc_limiter *l, uint64_t key, int64_t most, bool *counted);
void sc_limiter_drop(struct sc_limiter *l, uint64_t key);
