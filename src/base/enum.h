#pragma once
/* Text of enums from one table each. The enum ends in a COUNT_ member; the table names every value.
 *
 *     SC_DECLARE_ENUM_STRINGS(sc_job_state);                     in the header
 *     SC_DEFINE_ENUM_STRINGS(sc_job_state, SC_JOB_STATE_COUNT_,
 *                            { [SC_JOB_PENDING] = "pending", ... });
 *
 * yields sc_job_state_to_string() (static text) and sc_job_state_from_string() (false: unknown). */

#include "base/macros.h"

#include <stdbool.h>
#include <string.h>

#define SC_DECLARE_ENUM_STRINGS(name)              \
    const char *name##_to_string(enum name value); \
    bool name##_from_string(const char *text, enum name *out)

#define SC_DEFINE_ENUM_STRINGS(name, count, ...)                                        \
    static const char *const name##_table_[count] = __VA_ARGS__;                        \
    const char *name##_to_string(enum name value)                                       \
    {                                                                                   \
        sc_assert((unsigned)value < (unsigned)(count) && name##_table_[value] != NULL); \
        return name##_table_[value];                                                    \
    }                                                                                   \
    bool name##_from_string(const char *text, enum name *out)                           \
    {                                                                                   \
        for (unsigned i = 0; text != NULL && i < (unsigned)(count); i++) {              \
            if (strcmp(name##_table_[i], text) == 0) {                                  \
                *out = (enum name)i;                                                    \
                return true;                                                            \
            }                                                                           \
        }                                                                               \
        return false;                                                                   \
    }                                                                                   \
    struct sc_require_semicolon_
