#pragma once
/* The jail of the decoder: seccomp is the wall, Landlock the second. Called once, by a process of
 * one thread, after everything that it needs is open. Afterwards it can read the input, write to
 * standard output, have memory and end; nothing else. Open, stat and socket calls answer EACCES,
 * since libraries try them and cope; what is on no list kills (SIGSYS). */

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
    int input_fd;         /* over 2: the one descriptor that may be read; the others are closed */
    int64_t memory_bytes; /* RLIMIT_AS; 0: none (sanitizer builds) */
    int64_t cpu_seconds;  /* RLIMIT_CPU; 0: none */
};

/* JAIL_UNAVAILABLE when seccomp cannot be had: nothing untrusted may be touched then. Standard
 * error leads nowhere afterwards (but in sanitizer builds, whose reports must be seen): what a
 * decoder that was taken over says belongs on no terminal and in no log. */
SC_MUST_USE enum sc_code sc_jail_enter(const struct sc_jail_options *options, struct sc_error *err);
/* Does this kernel have the second wall? The jail stands without. */
bool sc_jail_has_landlock(void);
