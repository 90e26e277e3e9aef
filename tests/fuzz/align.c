/* Two texts, a NUL between them: segments are made of the lines of the first, and the second is
 * laid on them. Whatever they hold, the differences cover both sides, and what comes of it is in
 * order and says what the second one says. */

#include "fuzz.h"

#include "base/utf8.h"
#include "transcript/diff.h"
#include "transcript/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Odd lines have words, some a speaker. */
static void make_old(struct sc_str text, struct sc_segments *old)
{
    SC_AUTO_READING read = { 0 };
    if (sc_format_read("txt", text, &read, NULL) != SC_OK)
        return;
    sc_segments_spread(&read.segments, 1000, 61000);
    *old = read.segments;
    read.segments = (struct sc_segments){ 0 };
    for (size_t i = 0; i < old->count; i++) {
        struct sc_segments one = { .items = &old->items[i], .count = 1 };
        if (i % 3 == 1)
            old->items[i].speaker = strdup(i % 2 == 0 ? "A" : "Bo b");
        if (i % 2 == 1 && !sc_segments_estimate_words(&one))
            abort();
    }
}

static void check_diff(const struct sc_segments *a, const struct sc_segments *b, unsigned flags)
{
    SC_AUTO_DIFF d = { 0 };
    size_t at_a = 0, at_b = 0;
    if (!sc_diff_segments(a, b, flags, &d))
        abort();
    for (size_t i = 0; i < d.count; i++) {
        if (d.ops[i].a != at_a || d.ops[i].b != at_b)
            abort();
        at_a += d.ops[i].a_count;
        at_b += d.ops[i].b_count;
    }
    if (at_a != d.a.count || at_b != d.b.count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t first = end == NULL ? size : (size_t)(end - data);
    SC_AUTO_BUF was = { 0 };
    SC_AUTO_BUF is = { 0 };
    SC_AUTO_SEGMENTS old = { 0 };
    SC_AUTO_SEGMENTS got = { 0 };
    if (size == 0)
        return 0;
    sc_utf8_append_lossy(&was, (struct sc_str){ (const char *)data, first });
    if (end != NULL)
        sc_utf8_append_lossy(&is, (struct sc_str){ (const char *)end + 1, size - first - 1 });
    make_old(sc_buf_str(&was), &old);
    if (!sc_segments_align(&old, sc_buf_str(&is), NULL, &got) ||
        sc_segments_check(&got, NULL) != SC_OK)
        abort();
    check_diff(&old, &got, 0);
    check_diff(&got, &old, SC_DIFF_LOOSE);
    return 0;
}
