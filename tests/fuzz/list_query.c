/* What lists are asked with: cursors of each and in every order, states of older systems, times. */

#include "fuzz.h"

#include "api/request.h"

#include <stdlib.h>

#include "base/banned.h"

/* A cursor has one spelling: what is read is written back as it came. */
static void check_cursor(enum sc_job_sort sort, struct sc_str text)
{
    struct sc_job_place place = { -1, -1 };
    char again[SC_JOB_CURSOR_TEXT];
    if (!sc_job_cursor_parse(sort, text, &place))
        return;
    if (place.id <= 0 ||
        !sc_str_equal(sc_str_from(sc_job_cursor_format(sort, &place, again)), text))
        abort();
}

static void check_file_cursor(enum sc_file_sort sort, struct sc_str text)
{
    SC_AUTO_BUF again = { 0 };
    struct sc_file_place place = { 0 };
    if (!sc_file_cursor_parse(sort, text, &place))
        return;
    sc_file_cursor_put(&again, sort, &place);
    if (place.id <= 0 || !sc_str_equal(sc_buf_str(&again), text))
        abort();
}

static void check_plain_cursor(enum sc_cursor_kind kind, struct sc_str text)
{
    char again[SC_CURSOR_TEXT];
    int64_t id = 0;
    if (sc_cursor_parse(kind, text, &id) &&
        (id <= 0 || !sc_str_equal(sc_str_from(sc_cursor_format(kind, id, again)), text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct sc_status_filter status = { .state = -1 };
    char quoted[SC_QUOTED_TEXT];
    int64_t at = -1;
    for (int sort = 0; sort < SC_JOB_SORT_COUNT_; sort++)
        check_cursor((enum sc_job_sort)sort, text);
    for (int sort = 0; sort < SC_FILE_SORT_COUNT_; sort++)
        check_file_cursor((enum sc_file_sort)sort, text);
    for (int kind = 0; kind <= SC_CURSOR_TOKEN; kind++)
        check_plain_cursor((enum sc_cursor_kind)kind, text);
    if (sc_status_parse(text, &status) && (status.state < 0 || status.state >= SC_JOB_STATE_COUNT_))
        abort();
    if (sc_time_or_age_parse(text, INT64_C(1700000000000), &at) && at < 1)
        abort();
    (void)sc_quote(text, quoted);
    return 0;
}
