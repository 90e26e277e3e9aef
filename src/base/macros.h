#pragma once
/* Language helpers used everywhere: scope-bound cleanup, ownership transfer, checked results.
 * The GNU extensions used here are the closed list of docs/adr/0001. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SC_AUTO(fn) __attribute__((cleanup(fn)))
#define SC_AUTO_FREE SC_AUTO(sc_freep)
#define SC_AUTO_CLOSE SC_AUTO(sc_closep)
#define SC_AUTO_FCLOSE SC_AUTO(sc_fclosep)

#define SC_MUST_USE __attribute__((warn_unused_result))
#define SC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SC_UNUSED __attribute__((unused))
#define SC_NORETURN __attribute__((noreturn))

#define SC_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SC_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Moves a pointer out of a variable that a cleanup watches: the variable becomes NULL. */
#define SC_TAKE(p)                  \
    ({                              \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

/* The same for file descriptors: the variable becomes -1. */
#define SC_TAKE_FD(fd)     \
    ({                     \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })

/* Defines `fn##p`, the cleanup form of a destructor that takes a pointer and accepts NULL. */
#define SC_DEFINE_FREEP(type, fn)      \
    static inline void fn##p(type **p) \
    {                                  \
        fn(*p);                        \
        *p = NULL;                     \
    }                                  \
    struct sc_require_semicolon_

/* A broken invariant is a bug: report and abort, in release builds too. */
#define sc_assert(cond)                                            \
    do {                                                           \
        if (!(cond))                                               \
            sc_assert_failed(#cond, __FILE__, __LINE__, __func__); \
    } while (0)

SC_NORETURN void sc_assert_failed(const char *cond, const char *file, int line, const char *func);

static inline void sc_freep(void *p)
{
    free(*(void **)p);
    *(void **)p = NULL;
}

static inline void sc_closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* descriptors that were written to are closed by hand and checked */
    *fd = -1;
}

static inline void sc_fclosep(FILE **f)
{
    if (*f != NULL)
        (void)fclose(*f);
    *f = NULL;
}
