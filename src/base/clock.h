#pragma once
/* Time. Wall time is milliseconds UTC since 1970 and is what the store keeps; monotonic time is for
 * deadlines inside a process. Both can be set by tests. All functions are thread-safe. */

#include "base/macros.h"
#include "base/str.h"

int64_t sc_clock_wall_ms(void);
int64_t sc_clock_mono_ms(void);
int64_t sc_clock_mono_us(void);
/* Sleeps; interrupted sleeps are resumed. */
void sc_clock_sleep_ms(int64_t ms);

/* Tests: from now on both clocks stand at these values until set again; negative values give the
 * real clocks back. */
void sc_clock_set(int64_t wall_ms, int64_t mono_ms);

#define SC_TIME_TEXT 32
/* "2026-11-20T14:30:45.123Z" into out; returns out. */
const char *sc_time_rfc3339(int64_t wall_ms, char out[SC_TIME_TEXT]);
/* Accepts RFC 3339 with Z or an offset, and plain "YYYY-MM-DD" (midnight UTC). */
bool sc_time_parse(struct sc_str text, int64_t *wall_ms);
/* "90", "90s", "15m", "2h", "7d" in milliseconds. */
bool sc_duration_parse(struct sc_str text, int64_t *ms);
