#pragma once
/* The jail of the decoder: seccomp is the wall, Landlock the second. Called once, by a process of
 * one thread, after everything that it needs is open. Afterwards nothing can be opened, connected,
 * executed or traced; open and socket calls answer EACCES, what is not on the list kills. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Sanitizers need shadow memory without limit and a few more calls. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SC_JAIL_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SC_JAIL_SANITIZED true
#endif
#endif
#ifndef SC_JAIL_SANITIZED
#define SC_JAIL_SANITIZED false
#endif

struct sc_jail_options {
    int64_t memory_bytes; /* RLIMIT_AS; 0: none (sanitizer builds) */
    int64_t cpu_seconds;  /* RLIMIT_CPU; 0: none */
};

/* JAIL_UNAVAILABLE when seccomp cannot be had; *landlock tells whether the second wall stands. */
SC_MUST_USE enum sc_code sc_jail_enter(const struct sc_jail_options *options, bool *landlock,
                                       struct sc_error *err);
