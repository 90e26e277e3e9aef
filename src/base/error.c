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

#define CUT " \xe2\x80\xa6" /* … */
#define WORD_MOST 40

static bool is_cut(const char *text)
{
    size_t len = strlen(text), mark = strlen(CUT);
    return len >= mark && strcmp(text + len - mark, CUT) == 0;
}

/* A sentence for which there was too little room ends with a whole word. */
static void cut_sentence(char *text, size_t size)
{
    size_t most = size - sizeof(CUT), len = most;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    for (size_t i = len; i > 0 && len - i < WORD_MOST; i--) {
        if (text[i] == ' ') {
            len = i;
            break;
        }
    }
    while (len > 0 && strchr(" ,;:", text[len - 1]) != NULL)
        len--;
    memcpy(text + len, CUT, sizeof(CUT));
}

SC_PRINTF(5, 0)
static void fill(struct sc_error *err, enum sc_code code, const char *file, int line,
                 const char *fmt, va_list args)
{
    if (err == NULL)
        return;
    *err = (struct sc_error){ .code = code, .file = file, .line = line };
    if (vsnprintf(err->msg, sizeof(err->msg), fmt, args) >= (int)sizeof(err->msg))
        cut_sentence(err->msg, sizeof(err->msg));
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

static void append(struct sc_error *err, const char *between, const char *more)
{
    size_t used = strlen(err->msg);
    size_t room = sizeof(err->msg) - used;
    if (!is_cut(err->msg) && snprintf(err->msg + used, room, "%s%s", between, more) >= (int)room)
        cut_sentence(err->msg, sizeof(err->msg));
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
        char text[96];
        append(err, ": ", strerror_r(errnum, text, sizeof(text)));
    }
    return code;
}

enum sc_code sc_error_copy(struct sc_error *dst, const struct sc_error *src)
{
    if (dst != NULL && dst != src)
        *dst = *src;
    return src->code;
}

/* What does not fit is told by the sentences that do. */
static void note_field(struct sc_error *err, const char *field, const char *message)
{
    size_t room = sizeof(err->each) - err->each_len;
    size_t name_len = strlen(field) + 1, len = strlen(message) + 1;
    if (name_len + len > room)
        return;
    memcpy(err->each + err->each_len, field, name_len);
    memcpy(err->each + err->each_len + name_len, message, len);
    err->each_len = (uint16_t)(err->each_len + name_len + len);
}

enum sc_code sc_error_also(struct sc_error *all, const struct sc_error *one)
{
    const char *field, *message;
    size_t at = 0;
    if (all == NULL)
        return one->code;
    if (all->code == SC_OK)
        return sc_error_copy(all, one);
    if (all->each_len == 0)
        note_field(all, all->field, all->msg);
    while (sc_error_next_field(one, &at, &field, &message))
        note_field(all, field, message);
    append(all, "; ", one->msg);
    return all->code;
}

bool sc_error_next_field(const struct sc_error *err, size_t *at, const char **field,
                         const char **message)
{
    if (err->each_len == 0) {
        *field = err->field;
        *message = err->msg;
        return (*at)++ == 0 && err->field[0] != '\0';
    }
    if (*at >= err->each_len)
        return false;
    *field = err->each + *at;
    *at += strlen(*field) + 1;
    *message = err->each + *at;
    *at += strlen(*message) + 1;
    return true;
}

const char *sc_code_name(enum sc_code code)
{
    return row_of(code)->name;
}

bool sc_code_parse(const char *text, enum sc_code *out)
{
    if (text[0] == '\0')
        return false; /* of nearly every job */
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
