/* Does a long MP4 need FFmpeg's handling of edit lists? It keeps the index of packets twice while
 * it applies them: 80 MB for ten hours of AAC. Nearly every recording has one edit that skips the
 * encoder's delay and plays the rest, which FFmpeg can also do without a second index. */
#include "audio/input.h"

#include <stdlib.h>

#include "base/banned.h"

#define BOXES_MAX 1000 /* in one box */
#define TICKS_MAX ((uint64_t)1 << 52)
#define TRACKS_MAX 64
#define DELAY_MAX_MS 500 /* of an encoder; more is a cut */
#define END_OFF_MS 500

/* A part of the file: a box without its head. */
struct part {
    uint64_t at, end;
};

struct track {
    bool sound, edited;
    uint32_t scale;         /* ticks a second of the track */
    uint64_t duration;      /* in those */
    int edits;              /* that play something */
    uint64_t delay;         /* at which the first of them begins, in the track's ticks */
    uint64_t edit_duration; /* in ticks of the film */
};

static uint64_t number(const uint8_t *b, int bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < bytes; i++)
        n = n << 8 | b[i];
    return n;
}

static bool read_at(const struct input *in, uint64_t at, uint8_t *out, size_t len)
{
    return in->source->read_at(in->source->ctx, (int64_t)at, out, len) == (int64_t)len;
}

/* The first box of this type in `within`, from *at on; *at is behind it then. */
static bool find_box(const struct input *in, struct part within, const char *type, uint64_t *at,
                     struct part *out)
{
    for (int i = 0; i < BOXES_MAX && *at < within.end && within.end - *at >= 8; i++) {
        uint8_t head[16] = { 0 };
        uint64_t start = *at + 8;
        if (!read_at(in, *at, head, 8))
            return false;
        uint64_t length = number(head, 4);
        if (length == 1 && read_at(in, *at, head, sizeof(head))) {
            length = number(head + 8, 8);
            start += 8;
        }
        if (length < start - *at || length > within.end - *at)
            return false;
        *out = (struct part){ start, *at + length };
        *at += length;
        if (memcmp(head + 4, type, 4) == 0)
            return true;
    }
    return false;
}

static bool child(const struct input *in, struct part within, const char *type, struct part *out)
{
    uint64_t at = within.at;
    return find_box(in, within, type, &at, out);
}

/* mvhd and mdhd share their beginning: version, dates, ticks a second, duration. */
static bool read_clock(const struct input *in, struct part box, uint32_t *scale, uint64_t *duration)
{
    uint8_t b[32] = { 0 };
    const size_t least = 20; /* of version 0; version 1 has 32 */
    uint64_t size = SC_MIN(box.end - box.at, (uint64_t)sizeof(b));
    if (size < least || !read_at(in, box.at, b, (size_t)size) || (b[0] == 1 && size < sizeof(b)))
        return false;
    int wide = b[0] == 1 ? 8 : 4;
    *scale = (uint32_t)number(b + 4 + 2 * wide, 4);
    *duration = number(b + 8 + 2 * wide, wide);
    return *scale > 0;
}

static bool read_edits(const struct input *in, struct part box, struct track *t)
{
    uint8_t b[8];
    if (!read_at(in, box.at, b, sizeof(b)))
        return false;
    const int wide = b[0] == 1 ? 8 : 4;
    const size_t size = b[0] == 1 ? 20 : 12;
    uint64_t count = number(b + 4, 4);
    if (count > 4)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t e[20];
        if (!read_at(in, box.at + 8 + i * size, e, size))
            return false;
        uint64_t from = number(e + wide, wide);
        bool empty = from == (wide == 4 ? UINT32_MAX : UINT64_MAX);
        if (number(e + 2 * wide, 4) != 0x10000 || (empty && i > 0))
            return false;
        if (empty)
            continue;
        t->edits++;
        t->delay = from;
        t->edit_duration = number(e, wide);
    }
    return true;
}

static bool read_track(const struct input *in, struct part trak, struct track *t)
{
    struct part mdia;
    struct part box;
    uint8_t handler[12];
    if (!child(in, trak, "mdia", &mdia) || !child(in, mdia, "hdlr", &box) ||
        !read_at(in, box.at, handler, sizeof(handler)))
        return false;
    t->sound = memcmp(handler + 8, "soun", 4) == 0;
    if (!t->sound)
        return true;
    if (!child(in, mdia, "mdhd", &box) || !read_clock(in, box, &t->scale, &t->duration))
        return false;
    t->edited = child(in, trak, "edts", &box) && child(in, box, "elst", &box);
    return !t->edited || read_edits(in, box, t);
}

static int64_t milliseconds(uint64_t ticks, uint32_t scale)
{
    return av_rescale((int64_t)SC_MIN(ticks, TICKS_MAX), 1000, scale);
}

/* One edit that skips a delay and plays all the rest. */
static bool is_plain(const struct track *t, uint32_t film_scale)
{
    if (!t->sound || !t->edited)
        return true;
    int64_t delay_ms = milliseconds(t->delay, t->scale);
    int64_t track_ms = milliseconds(t->duration, t->scale);
    int64_t edit_ms = milliseconds(t->edit_duration, film_scale);
    return t->edits == 1 && delay_ms <= DELAY_MAX_MS &&
           llabs(track_ms - delay_ms - edit_ms) <= END_OFF_MS;
}

bool input_has_plain_edits(const struct input *in, uint64_t least_index)
{
    const struct part file = { 0, (uint64_t)in->source->size };
    struct part moov;
    struct part box;
    uint32_t scale = 0;
    uint64_t duration = 0;
    if (!child(in, file, "moov", &moov) || moov.end - moov.at < least_index ||
        !child(in, moov, "mvhd", &box) || !read_clock(in, box, &scale, &duration))
        return false;
    uint64_t at = moov.at;
    for (int i = 0; i < TRACKS_MAX && find_box(in, moov, "trak", &at, &box); i++) {
        struct track t = { 0 };
        if (!read_track(in, box, &t) || !is_plain(&t, scale))
            return false;
    }
    return true;
}
