#include "pipeline/stretches.h"

#include "base/macros.h"
#include "transcript/revise.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define SAMPLES_PER_MS 16
/* Nobody speaks so near to the end of a pause that was shortened (vad/cutter.c). */
#define QUIET_MS 300

void sc_stretches_set(struct sc_stretches *s, const struct sc_cut_span *spans, size_t count)
{
    sc_assert(count >= 1 && count <= SC_CUT_SPANS);
    memcpy(s->items, spans, count * sizeof(*spans));
    s->count = count;
}

void sc_stretches_write(const struct sc_stretches *s, struct sc_buf *out)
{
    for (size_t i = 0; s->count > 1 && i < s->count; i++)
        sc_buf_printf(out, "%s%lld-%lld", i == 0 ? "" : ",", (long long)s->items[i].start_samples,
                      (long long)s->items[i].end_samples);
}

static bool read_span(struct sc_str text, int64_t earliest, struct sc_cut_span *out)
{
    struct sc_str end = text;
    struct sc_str start = sc_str_take_until(&end, '-');
    return sc_str_to_int64(start, &out->start_samples) && sc_str_to_int64(end, &out->end_samples) &&
           out->start_samples >= earliest && out->end_samples > out->start_samples;
}

enum sc_code sc_stretches_read(struct sc_str text, int64_t start_samples, int64_t end_samples,
                               struct sc_stretches *out, struct sc_error *err)
{
    const struct sc_cut_span all = { start_samples, end_samples };
    sc_stretches_set(out, &all, 1);
    if (text.ptr == NULL)
        return SC_OK;
    bool good = text.len > 0;
    int64_t earliest = start_samples;
    for (out->count = 0; good && text.len > 0; out->count++) {
        struct sc_cut_span *span = &out->items[out->count];
        good =
            out->count < SC_CUT_SPANS && read_span(sc_str_take_until(&text, ','), earliest, span);
        earliest = good ? span->end_samples + 1 : earliest;
    }
    if (good && out->items[0].start_samples == start_samples && earliest == end_samples + 1)
        return SC_OK;
    return sc_error_set(err, SC_E_STORE_DAMAGED,
                        "where the sound of a chunk lies is damaged in the store");
}

int64_t sc_stretches_samples(const struct sc_stretches *s)
{
    int64_t samples = 0;
    for (size_t i = 0; i < s->count; i++)
        samples += s->items[i].end_samples - s->items[i].start_samples;
    return samples;
}

/* ---- placing ---- */

struct placing {
    const struct sc_stretches *stretches;
    int64_t starts[SC_CUT_SPANS + 1]; /* of each in the chunk, and its end, in ms */
    size_t at;                        /* the stretch of what of a segment comes next */
    struct sc_segments *out;
};

static int64_t place_time(const struct placing *p, int64_t ms)
{
    int64_t in = SC_MAX(SC_MIN(ms, p->starts[p->at + 1]), p->starts[p->at]) - p->starts[p->at];
    return p->stretches->items[p->at].start_samples / SAMPLES_PER_MS + in;
}

/* Not clamped: where a window begins may lie behind the chunk. */
static int64_t place_seek(const struct placing *p, int64_t ms)
{
    size_t i = 0;
    while (i + 1 < p->stretches->count && ms >= p->starts[i + 1])
        i++;
    return SC_MAX(p->stretches->items[i].start_samples / SAMPLES_PER_MS + ms - p->starts[i], 0);
}

/* Into the stretch at hand; takes the segment. */
static bool put(struct placing *p, struct sc_segment *s)
{
    struct sc_segment *made = sc_segments_add(p->out);
    if (made == NULL)
        return false;
    s->start_ms = place_time(p, s->start_ms);
    s->end_ms = SC_MAX(place_time(p, s->end_ms), s->start_ms);
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_word *w = &s->words[i];
        w->start_ms = SC_MAX(place_time(p, w->start_ms), s->start_ms);
        w->end_ms = SC_MAX(place_time(p, w->end_ms), w->start_ms);
        s->end_ms = SC_MAX(s->end_ms, w->end_ms);
    }
    if (s->heard != NULL && s->heard->seek >= 0)
        s->heard->seek = place_seek(p, s->heard->seek * 10) / 10;
    *made = *s;
    *s = (struct sc_segment){ 0 };
    return true;
}

/* Milliseconds of a segment in a stretch, but where nobody speaks. */
static int64_t share(const struct placing *p, const struct sc_segment *s, size_t i)
{
    int64_t from = p->starts[i] + (i > 0 ? QUIET_MS : 0);
    int64_t to = p->starts[i + 1] - (i + 1 < p->stretches->count ? QUIET_MS : 0);
    return SC_MIN(to, s->end_ms) - SC_MAX(from, s->start_ms);
}

/* A segment without words lies where it reaches to speech: true, and that stretch is at hand,
 * unless there are several. */
static bool find_only(struct placing *p, const struct sc_segment *s)
{
    size_t best = p->at, reached = 0;
    for (size_t i = p->at; i < p->stretches->count; i++) {
        reached += share(p, s, i) > 0;
        if (share(p, s, i) > share(p, s, best))
            best = i;
    }
    if (reached > 1)
        return false;
    p->at = best;
    return true;
}

/* Of a segment without words nobody knows which of its text lies behind the start of the next: it
 * is shared in front of that, so that the text stays in order. */
static void end_before(const struct placing *p, struct sc_segment *s, int64_t next_ms)
{
    size_t i = 0;
    while (i + 1 < p->stretches->count && s->start_ms >= p->starts[i + 1])
        i++;
    if (s->word_count == 0 && s->end_ms > p->starts[i + 1])
        s->end_ms = SC_MIN(s->end_ms, next_ms);
}

/* Takes the segment, or a part of it. */
static bool place(struct placing *p, struct sc_segment *s)
{
    bool bare = s->word_count == 0;
    p->at = 0;
    if (bare && find_only(p, s))
        return put(p, s);
    for (; p->at + 1 < p->stretches->count && s->end_ms > p->starts[p->at + 1]; p->at++) {
        SC_AUTO(sc_segment_done) struct sc_segment rest = { 0 };
        size_t before = 0;
        if (!sc_segment_words_before(s, p->starts[p->at + 1], &before))
            return false;
        if (before == s->word_count)
            break;
        if (before == 0)
            continue;
        if (!sc_segment_split(s, before, &rest))
            return false;
        if (bare)
            sc_segment_drop_words(s);
        if (!put(p, s))
            return false;
        *s = rest;
        rest = (struct sc_segment){ 0 };
    }
    if (bare)
        sc_segment_drop_words(s);
    return put(p, s);
}

/* ---- order ---- */

struct numbered {
    struct sc_segment segment;
    size_t number;
};

static int by_start(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    if (x->segment.start_ms != y->segment.start_ms)
        return x->segment.start_ms < y->segment.start_ms ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Segments may overlap: parts of one then lie behind the start of the next. */
static bool order(struct sc_segments *s)
{
    if (s->count < 2)
        return true;
    SC_AUTO_FREE struct numbered *all = calloc(s->count, sizeof(*all));
    if (all == NULL)
        return false;
    for (size_t i = 0; i < s->count; i++)
        all[i] = (struct numbered){ s->items[i], i };
    qsort(all, s->count, sizeof(*all), by_start);
    for (size_t i = 0; i < s->count; i++)
        s->items[i] = all[i].segment;
    return true;
}

enum sc_code sc_stretches_place(const struct sc_stretches *s, struct sc_segments *segments,
                                struct sc_error *err)
{
    SC_AUTO_SEGMENTS out = { 0 };
    struct placing p = { .stretches = s, .out = &out };
    for (size_t i = 0; i < s->count; i++) {
        int64_t samples = s->items[i].end_samples - s->items[i].start_samples;
        p.starts[i + 1] = p.starts[i] + samples / SAMPLES_PER_MS;
    }
    for (size_t i = 0; i < segments->count; i++) {
        if (i + 1 < segments->count)
            end_before(&p, &segments->items[i], segments->items[i + 1].start_ms);
        if (!place(&p, &segments->items[i]))
            return sc_error_set(err, SC_E_INTERNAL, "no memory for the segments of a chunk");
    }
    if (!order(&out))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the order of a chunk's segments");
    sc_segments_done(segments);
    *segments = out;
    out = (struct sc_segments){ 0 };
    return SC_OK;
}
