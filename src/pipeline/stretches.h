#pragma once
/* The stretches of a recording whose sound makes one chunk: one, or where pauses were shortened
 * several (vad/vad.h, packing), which follow each other in the chunk without a gap. Pure. */

#include "base/buf.h"
#include "base/error.h"
#include "transcript/segment.h"
#include "vad/vad.h"

struct sc_stretches {
    struct sc_cut_span items[SC_CUT_SPANS]; /* in order, apart, none empty */
    size_t count;                           /* 1 at least */
};

void sc_stretches_set(struct sc_stretches *s, const struct sc_cut_span *spans, size_t count);
/* Appends them as chunks.stretches keeps them; of one nothing. */
void sc_stretches_write(const struct sc_stretches *s, struct sc_buf *out);
/* Those of a chunk from start to end; text without a pointer: one. STORE_DAMAGED. */
SC_MUST_USE enum sc_code sc_stretches_read(struct sc_str text, int64_t start_samples,
                                           int64_t end_samples, struct sc_stretches *out,
                                           struct sc_error *err);
/* Samples of all of them. */
int64_t sc_stretches_samples(const struct sc_stretches *s);
/* Takes segments whose times count from the start of the chunk to where the recording has them;
 * what lies behind the chunk's end is clamped. A word lies in the stretch that has its middle, and
 * nowhere else; a segment whose words lie in several becomes one in each. They come out in the
 * order of their starts: parts of segments that overlap change places. INTERNAL: no memory, and
 * the segments are as they were, or some of them gone. */
SC_MUST_USE enum sc_code sc_stretches_place(const struct sc_stretches *s,
                                            struct sc_segments *segments, struct sc_error *err);
