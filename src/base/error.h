#pragma once
/* The error value: a code from error.def and one sentence, on the caller's stack.
 *
 * Three kinds are kept apart. An expected answer (NOT_FOUND, CONFLICT) is handled or translated by
 * the caller; a failure is passed up unchanged; a bug is sc_assert. Libraries return, the edges
 * (api, daemon, cli, media) log. */

#include "base/exit.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum sc_code {
    SC_OK = 0,
#define SC_ERROR(name, http, exit_code, retry, text) SC_E_##name,
#include "base/error.def"
#undef SC_ERROR
    SC_CODE_COUNT_
};

#define SC_ERROR_FIELD 48
#define SC_ERROR_EACH 1600

struct sc_error {
    enum sc_code code;
    const char *file; /* source position that raised it; static */
    int line;
    char field[SC_ERROR_FIELD]; /* request field or option at fault, the first of them, or "" */
    char msg[240]; /* one sentence: lower case, no full stop, names the thing and the remedy */
    /* Where several fields are at fault: name, NUL, sentence, NUL for each, as many as fit. */
    char each[SC_ERROR_EACH];
    uint16_t each_len; /* 0: none but `field` */
};

/* Sets *err (NULL allowed) and returns code, so that `return sc_error_set(...)` is one line. */
#define sc_error_set(err, code, ...) sc_error_set_((err), (code), __FILE__, __LINE__, __VA_ARGS__)
/* The same, naming the field at fault. */
#define sc_error_field(err, code, field, ...) \
    sc_error_field_((err), (code), (field), __FILE__, __LINE__, __VA_ARGS__)
/* Sets *err from an errno: ENOSPC/EDQUOT become NO_SPACE, EROFS STORE_READ_ONLY, others IO_ERROR;
 * the text of errno is appended. Returns the code chosen. */
#define sc_error_errno(err, errnum, ...) \
    sc_error_errno_((err), (errnum), __FILE__, __LINE__, __VA_ARGS__)

#ifdef __clang_analyzer__
/* clang-tidy sees one file at a time: without this it believes that a failure may return SC_OK. */
#undef sc_error_set
#undef sc_error_field
#undef sc_error_errno
#define sc_error_set(err, code, ...) \
    ((void)sc_error_set_((err), (code), __FILE__, __LINE__, __VA_ARGS__), (code))
#define sc_error_field(err, code, field, ...) \
    ((void)sc_error_field_((err), (code), (field), __FILE__, __LINE__, __VA_ARGS__), (code))
#define sc_error_errno(err, errnum, ...) \
    ((void)sc_error_errno_((err), (errnum), __FILE__, __LINE__, __VA_ARGS__), SC_E_IO_ERROR)
#endif

enum sc_code sc_error_set_(struct sc_error *err, enum sc_code code, const char *file, int line,
                           const char *fmt, ...) SC_PRINTF(5, 6);
enum sc_code sc_error_field_(struct sc_error *err, enum sc_code code, const char *field,
                             const char *file, int line, const char *fmt, ...) SC_PRINTF(6, 7);
enum sc_code sc_error_errno_(struct sc_error *err, int errnum, const char *file, int line,
                             const char *fmt, ...) SC_PRINTF(5, 6);

/* Copies src into *dst (NULL allowed) and returns its code. */
enum sc_code sc_error_copy(struct sc_error *dst, const struct sc_error *src);
/* Another complaint about the same request: *all becomes a copy of `one`, or takes it in beside
 * what it holds. Code and field stay those of the first. Returns all->code. */
enum sc_code sc_error_also(struct sc_error *all, const struct sc_error *one);
/* Each field at fault with its sentence: *at is 0 at first; false: no more. Borrowed. */
bool sc_error_next_field(const struct sc_error *err, size_t *at, const char **field,
                         const char **message);

/* Spelling in JSON and job rows: "FILE_FORMAT"; "OK" for SC_OK. Static. */
const char *sc_code_name(enum sc_code code);
/* Reverse of sc_code_name; false when text is no code. */
bool sc_code_parse(const char *text, enum sc_code *out);
int sc_code_http_status(enum sc_code code);
int sc_code_exit_status(enum sc_code code);
/* May the queue try the task again after this error? */
bool sc_code_is_retryable(enum sc_code code);
/* The default sentence of error.def. Static. */
const char *sc_code_text(enum sc_code code);
