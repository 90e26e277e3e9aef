#pragma once
/* A recording cut for a test, whole or as it comes. */

#include "vad/vad.h"

#include "make.h"

#define CUT_DEFAULTS                                                                           \
    .vad = true, .max_chunk_s = 30, .overlap_ms = 1000, .threshold_db = 6, .hangover_ms = 300, \
    .min_silence_ms = 300

/* slices: longest feed; 0: all at once. */
static inline void cut_recording(const struct recording *r, const struct sc_cut_options *o,
                                 int64_t slices, sc_cut_fn take, void *ctx)
{
    SC_AUTO(sc_cutter_freep) struct sc_cutter *c = sc_cutter_new(o, take, ctx);
    struct dice d = { 77 };
    assert_non_null(c);
    for (size_t at = 0; at < r->samples;) {
        size_t n = slices == 0 ? r->samples : (size_t)dice_between(&d, 0, slices);
        n = SC_MIN(n, r->samples - at);
        assert_int_equal(sc_cutter_feed(c, r->pcm + at, n, NULL), SC_OK);
        at += n;
    }
    assert_int_equal(sc_cutter_finish(c, NULL), SC_OK);
}
