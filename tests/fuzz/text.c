/* The small parsers of base: numbers, sizes, durations, times, UTF-8 and its safe display. */

#include "fuzz.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "base/utf8.h"

#include <stdlib.h>

#include "base/banned.h"

static void check_times(struct sc_str s)
{
    int64_t ms = 0;
    char text[SC_TIME_TEXT];

    /* What was read must be written and read again as the same time. */
    if (sc_time_parse(s, &ms)) {
        int64_t again = 0;
        if (!sc_time_parse(sc_str_from(sc_time_rfc3339(ms, text)), &again) || again != ms)
            abort();
    }
}

static void check_display(struct sc_str s)
{
    SC_AUTO(sc_buf_done) struct sc_buf lossy = { 0 };
    SC_AUTO(sc_buf_done) struct sc_buf shown = { 0 };

    sc_utf8_append_lossy(&lossy, s);
    sc_utf8_append_printable(&shown, s);
    if (!sc_utf8_is_valid(sc_buf_str(&lossy)) || !sc_utf8_is_valid(sc_buf_str(&shown)))
        abort();
    for (size_t i = 0; i < shown.len; i++) {
        if ((unsigned char)shown.ptr[i] < 0x20 || shown.ptr[i] == 0x7f)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str s = { (const char *)data, size };
    int64_t whole = 0;
    double real = 0;
    bool yes = false;

    (void)sc_str_to_int64(s, &whole);
    (void)sc_str_to_double(s, &real);
    (void)sc_str_to_bool(s, &yes);
    (void)sc_str_to_size(s, &whole);
    (void)sc_duration_parse(s, &whole);
    (void)sc_uuid_is_valid(s);
    check_times(s);
    check_display(s);
    return 0;
}
