/* What a list of jobs is asked with: cursors of every order, states of older systems, times. */

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct sc_status_filter status = { .state = -1 };
    char quoted[SC_QUOTED_TEXT];
    int64_t at = -1;
    for (int sort = 0; sort < SC_JOB_SORT_COUNT_; sort++)
        check_cursor((enum sc_job_sort)sort, text);
    if (sc_status_parse(text, &status) && (status.state < 0 || status.state >= SC_JOB_STATE_COUNT_))
        abort();
    if (sc_time_or_age_parse(text, INT64_C(1700000000000), &at) && at == -1)
        abort();
    (void)sc_quote(text, quoted);
    return 0;
}
