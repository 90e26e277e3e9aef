#include "media/media.h"

#include "base/str.h"

#include <stdio.h>

#include "base/banned.h"

int media_usage(const char *command, const char *what)
{
    (void)fprintf(stderr, "scripta-media %s: %s (see scripta-media help)\n", command, what);
    return SC_EXIT_USAGE;
}

int media_fail(const struct sc_error *err)
{
    (void)fprintf(stderr, "scripta-media: %s\n", err->msg);
    return sc_code_exit_status(err->code);
}

bool media_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    int64_t n = 0;
    if (text == NULL || !sc_str_to_int64(sc_str_from(text), &n) || n < min || n > max)
        return false;
    *out = n;
    return true;
}
