#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/banned.h"

struct code_row {
    const char *name;
    int http;
    int exit_status;
    bool retry;
    const char *text;
};

static const struct code_row rows[SC_CODE_COUNT_] = {
    [SC_OK] = { "OK", 200, SC_EXIT_OK, false, "ok" },
#define SC_ERROR(name, http, exit_code, retry, text) \
    [SC_E_##name] = { #name, http, exit_code, retry != 0, text },
#include "base/error.def"
#undef SC_ERROR
};

static const struct code_row *row_of(enum sc_code code)
{
    sc_assert((unsigned)code < SC_CODE_COUNT_);
    return &rows[code];
}

SC_PRINTF(5, 0)
static void fill(struct sc_error *err, enum sc_code code, const char *file, int line,
                 const char *fmt, va_list args)
{
    if (err == NULL)
        return;
    *err = (struct sc_error){ .code = code, .file = file, .line = line };
    (void)vsnprintf(err->msg, sizeof(err->msg), fmt, args);
}

enum sc_code sc_error_set_(struct sc_error *err, enum sc_code code, const char *file, int line,
                           const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, code, file, line, fmt, args);
    va_end(args);
    return code;
}

enum sc_code sc_error_field_(struct sc_error *err, enum sc_code code, const char *field,
                             const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, code, file, line, fmt, args);
    va_end(args);
    if (err != NULL)
        (void)snprintf(err->field, sizeof(err->field), "%s", field);
    return code;
}

static enum sc_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return SC_E_NO_SPACE;
    case EROFS:
        return SC_E_STORE_READ_ONLY;
    }
    return SC_E_IO_ERROR;
}

enum sc_code sc_error_errno_(struct sc_error *err, int errnum, const char *file, int line,
                             const char *fmt, ...)
{
    enum sc_code code = code_of_errno(errnum);
    va_list args;
    va_start(args, fmt);
    fill(err, code, file, line, fmt, args);
    va_end(args);
    if (err != NULL) {
        size_t used = strlen(err->msg);
        char text[96];
        (void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s",
                       strerror_r(errnum, text, sizeof(text)));
    }
    return code;
}

enum sc_code sc_error_copy(struct sc_error *dst, const struct sc_error *src)
{
    if (dst != NULL && dst != src)
        *dst = *src;
    return src->code;
}

const char *sc_code_name(enum sc_code code)
{
    return row_of(code)->name;
}

bool sc_code_parse(const char *text, enum sc_code *out)
{
    for (int i = 0; i < SC_CODE_COUNT_; i++) {
        if (strcmp(rows[i].name, text) == 0) {
            *out = (enum sc_code)i;
            return true;
        }
    }
    return false;
}

int sc_code_http_status(enum sc_code code)
{
    return row_of(code)->http;
}

int sc_code_exit_status(enum sc_code code)
{
    return row_of(code)->exit_status;
}

bool sc_code_is_retryable(enum sc_code code)
{
    return row_of(code)->retry;
}

const char *sc_code_text(enum sc_code code)
{
    return row_of(code)->text;
}
