#pragma once
/* Named points at which a test build can fail, stop or die: SC_FAULT("store.commit").
 *
 * SCRIPTA_FAULT="store.commit:kill:3,blob.fsync:fail" arms points by environment: the action
 * happens at the Nth pass (default 1). `kill` raises SIGKILL, `fail` makes SC_FAULT yield true once
 * from the Nth pass on, `stop` raises SIGSTOP. Compiled out (always false) unless built with
 * -Dfaults=true. */

#include <stdbool.h>
#include <stdint.h>

#ifdef SC_WITH_FAULTS
bool sc_fault_hit(const char *point);
/* For unit tests: the point fails at its Nth pass from now on, once. `point` is borrowed until it
 * is disarmed. */
void sc_fault_arm(const char *point, int64_t nth);
/* The same, and the process is killed there. */
void sc_fault_arm_kill(const char *point, int64_t nth);
/* The same, and `fn` is called there: what others do at that moment. */
void sc_fault_arm_call(const char *point, int64_t nth, void (*fn)(void *ctx), void *ctx);
/* How many passes are left of the point that was armed last; 0: it has failed. */
int64_t sc_fault_left(void);
/* Takes that back; whether it has failed meanwhile. */
bool sc_fault_disarm(const char *point);
#define SC_FAULT(point) sc_fault_hit(point)
#else
#define SC_FAULT(point) false
#endif
