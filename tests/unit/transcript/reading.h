#pragma once
/* What readers made of a text, as lines that tests compare. */

#include "transcript/reader.h"

/* A line "start end [speaker] text" for each segment, with "  start end word" below each. */
static inline void dump(const struct sc_reading *r, struct sc_buf *out)
{
    for (size_t i = 0; i < r->segments.count; i++) {
        const struct sc_segment *s = &r->segments.items[i];
        sc_buf_printf(out, "%lld %lld ", (long long)s->start_ms, (long long)s->end_ms);
        if (s->speaker != NULL)
            sc_buf_printf(out, "[%s] ", s->speaker);
        sc_buf_printf(out, "%s\n", s->text);
        for (size_t k = 0; k < s->word_count; k++)
            sc_buf_printf(out, "  %lld %lld %s\n", (long long)s->words[k].start_ms,
                          (long long)s->words[k].end_ms, s->words[k].text);
    }
}
