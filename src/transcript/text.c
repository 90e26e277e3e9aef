#include "transcript/text.h"

#include "base/macros.h"
#include "base/utf8.h"

#include "base/banned.h"

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t cp, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return true;
    }
    return false;
}

/* Upper-case letters and how their lower-case form is found. step 0: even letters are upper, the
 * next sign is lower; step 1: odd ones are; else the distance. */
static const struct {
    uint32_t first, last;
    int32_t step;
} upper[] = {
    { 0x41, 0x5a, 32 },     { 0xc0, 0xd6, 32 },     { 0xd8, 0xde, 32 },   { 0x100, 0x12f, 0 },
    { 0x130, 0x130, -199 }, { 0x132, 0x137, 0 },    { 0x139, 0x148, 1 },  { 0x14a, 0x177, 0 },
    { 0x178, 0x178, -121 }, { 0x179, 0x17e, 1 },    { 0x1cd, 0x1dc, 1 },  { 0x1de, 0x1ef, 0 },
    { 0x1f8, 0x21f, 0 },    { 0x222, 0x233, 0 },    { 0x386, 0x386, 38 }, { 0x388, 0x38a, 37 },
    { 0x38c, 0x38c, 64 },   { 0x38e, 0x38f, 63 },   { 0x391, 0x3a1, 32 }, { 0x3a3, 0x3ab, 32 },
    { 0x400, 0x40f, 80 },   { 0x410, 0x42f, 32 },   { 0x460, 0x481, 0 },  { 0x48a, 0x4bf, 0 },
    { 0x4c1, 0x4ce, 1 },    { 0x4d0, 0x52f, 0 },    { 0x531, 0x556, 48 }, { 0x1e00, 0x1e95, 0 },
    { 0x1ea0, 0x1eff, 0 },  { 0xff21, 0xff3a, 32 },
};

uint32_t sc_text_lower(uint32_t cp)
{
    if (cp == 0x3c2) /* final sigma */
        return 0x3c3;
    for (size_t i = 0; i < SC_ARRAY_LEN(upper) && cp >= upper[i].first; i++) {
        if (cp > upper[i].last)
            continue;
        if (upper[i].step == 0)
            return cp | 1;
        if (upper[i].step == 1)
            return (cp & 1) != 0 ? cp + 1 : cp;
        return (uint32_t)((int32_t)cp + upper[i].step);
    }
    return cp;
}

bool sc_text_is_punctuation(uint32_t cp)
{
    static const struct range ranges[] = {
        { 0x00, 0x2f },     { 0x3a, 0x40 },     { 0x5b, 0x60 },     { 0x7b, 0xa1 },
        { 0xa7, 0xa8 },     { 0xab, 0xad },     { 0xb4, 0xb4 },     { 0xb6, 0xb8 },
        { 0xbb, 0xbb },     { 0xbf, 0xbf },     { 0x2b9, 0x2bc },   { 0x387, 0x387 },
        { 0x55a, 0x55f },   { 0x589, 0x58a },   { 0x5be, 0x5be },   { 0x5c0, 0x5c0 },
        { 0x5f3, 0x5f4 },   { 0x60c, 0x60d },   { 0x61b, 0x61f },   { 0x66a, 0x66d },
        { 0x6d4, 0x6d4 },   { 0x964, 0x965 },   { 0xe2f, 0xe2f },   { 0xe5a, 0xe5b },
        { 0x104a, 0x104f }, { 0x17d4, 0x17da }, { 0x2000, 0x206f }, { 0x2e00, 0x2e7f },
        { 0x3000, 0x3004 }, { 0x3008, 0x3020 }, { 0x3030, 0x3030 }, { 0x30fb, 0x30fb },
        { 0xfe10, 0xfe1f }, { 0xfe30, 0xfe6f }, { 0xfeff, 0xfeff }, { 0xff01, 0xff0f },
        { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 }, { 0xfffd, 0xfffd },
    };
    return in_ranges(cp, ranges, SC_ARRAY_LEN(ranges));
}

bool sc_text_is_unsegmented(uint32_t cp)
{
    static const struct range ranges[] = {
        { 0xe00, 0xeff },     { 0x1000, 0x109f },   { 0x1780, 0x17ff }, { 0x2e80, 0x30ff },
        { 0x31c0, 0x4dbf },   { 0x4e00, 0x9fff },   { 0xf900, 0xfaff }, { 0xfe30, 0xfe4f },
        { 0xff00, 0xff0f },   { 0xff1a, 0xff20 },   { 0xff3b, 0xff9f }, { 0x1b000, 0x1b16f },
        { 0x1f200, 0x1f2ff }, { 0x20000, 0x3ffff },
    };
    return cp >= ranges[0].first && in_ranges(cp, ranges, SC_ARRAY_LEN(ranges));
}

int sc_text_width(uint32_t cp)
{
    static const struct range none[] = {
        { 0x00, 0x1f },       { 0x7f, 0x9f },     { 0x300, 0x36f },   { 0x483, 0x489 },
        { 0x591, 0x5bd },     { 0x610, 0x61a },   { 0x64b, 0x65f },   { 0xe31, 0xe31 },
        { 0xe34, 0xe3a },     { 0xe47, 0xe4e },   { 0xeb1, 0xeb1 },   { 0xeb4, 0xebc },
        { 0xec8, 0xece },     { 0x102d, 0x1030 }, { 0x1032, 0x1037 }, { 0x1039, 0x103a },
        { 0x103d, 0x103e },   { 0x1058, 0x1059 }, { 0x105e, 0x1060 }, { 0x1071, 0x1074 },
        { 0x1082, 0x1082 },   { 0x1085, 0x1086 }, { 0x108d, 0x108d }, { 0x109d, 0x109d },
        { 0x17b4, 0x17b5 },   { 0x17b7, 0x17bd }, { 0x17c6, 0x17c6 }, { 0x17c9, 0x17d3 },
        { 0x17dd, 0x17dd },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
        { 0x202a, 0x202e },   { 0x2060, 0x206f }, { 0x20d0, 0x20ff }, { 0x3099, 0x309a },
        { 0xfe00, 0xfe0f },   { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0x1f3fb, 0x1f3ff },
        { 0xe0000, 0xe0fff },
    };
    static const struct range wide[] = {
        { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf }, { 0xac00, 0xd7a3 },
        { 0xf900, 0xfaff },   { 0xfe30, 0xfe4f },   { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
        { 0x1f300, 0x1faff }, { 0x20000, 0x3ffff },
    };
    if (cp >= 0x20 && cp < 0x7f)
        return 1; /* most text is: captions take a third less time */
    if (in_ranges(cp, none, SC_ARRAY_LEN(none)))
        return 0;
    return in_ranges(cp, wide, SC_ARRAY_LEN(wide)) ? 2 : 1;
}

#define MARKS_MAX 32 /* no sign has more behind it; what has is not looked through for ever */

/* The last sign of s that is seen; 0 when there is none near its end. */
static uint32_t last_sign(struct sc_str s)
{
    size_t at = s.len;
    for (int marks = 0; at > 0 && marks < MARKS_MAX;) {
        at--;
        if (((unsigned char)s.ptr[at] & 0xc0) == 0x80)
            continue;
        uint32_t cp;
        if (sc_utf8_decode((struct sc_str){ s.ptr + at, s.len - at }, &cp) == 0)
            return 0;
        /* A tone mark or vowel above belongs to the sign before it. */
        if (sc_text_width(cp) > 0)
            return cp;
        marks++;
    }
    return 0;
}

bool sc_text_needs_space(struct sc_str before, struct sc_str after)
{
    uint32_t first;
    if (before.len == 0 || after.len == 0)
        return false;
    if (sc_utf8_decode(after, &first) == 0)
        return true;
    return !(sc_text_is_unsegmented(last_sign(before)) && sc_text_is_unsegmented(first));
}

void sc_text_append_line(struct sc_buf *out, struct sc_str s)
{
    bool some = false, gap = false;
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        size_t n = sc_utf8_decode((struct sc_str){ s.ptr + at, s.len - at }, &cp);
        if (n == 0) {
            cp = 0xfffd;
            n = 1;
        }
        at += n;
        /* C0, space, DEL and C1 with NEL, and the line and paragraph separators */
        if (cp <= 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029) {
            gap = some;
            continue;
        }
        if (cp == 0xfeff)
            continue;
        if (gap)
            sc_buf_putc(out, ' ');
        gap = false;
        some = true;
        sc_utf8_append(out, cp);
    }
}

/* ---- words ---- */

/* What sc_text_append_line makes a space of. */
static bool is_gap(uint32_t cp)
{
    return cp <= 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029;
}

static uint32_t sign_at(struct sc_str s, size_t at, size_t *len)
{
    uint32_t cp = (unsigned char)s.ptr[at];
    *len = 1;
    if (cp >= 0x80)
        *len = sc_utf8_decode((struct sc_str){ s.ptr + at, s.len - at }, &cp);
    if (*len == 0) {
        cp = 0xfffd;
        *len = 1;
    }
    return cp;
}

/* The signs from U+0E00 on are looked at more closely: none below is written without spaces. */
static bool stands_alone(uint32_t cp)
{
    return cp >= 0xe00 && sc_text_is_unsegmented(cp);
}

/* Is it a part of the sign before it, of such a script: a vowel or tone, or below that one? */
static bool is_part(uint32_t cp, uint32_t before)
{
    static const struct range beside[] = {
        { 0xe33, 0xe33 },   { 0xeb3, 0xeb3 },   { 0x102b, 0x102c }, { 0x1031, 0x1031 },
        { 0x1038, 0x1038 }, { 0x103b, 0x103c }, { 0x1056, 0x1057 }, { 0x1062, 0x1064 },
        { 0x1067, 0x106d }, { 0x1083, 0x1084 }, { 0x1087, 0x108c }, { 0x108f, 0x108f },
        { 0x109a, 0x109c }, { 0x17b6, 0x17b6 }, { 0x17be, 0x17c5 }, { 0x17c7, 0x17c8 },
    };
    return sc_text_width(cp) == 0 || before == 0x1039 || before == 0x17d2 ||
           in_ranges(cp, beside, SC_ARRAY_LEN(beside));
}

bool sc_text_take_word(struct sc_str *rest, struct sc_str *word)
{
    size_t at = 0, len = 0;
    uint32_t before = 0;
    while (at < rest->len && is_gap(sign_at(*rest, at, &len)))
        at += len;
    size_t from = at;
    bool alone = at < rest->len && stands_alone(sign_at(*rest, at, &len));
    while (at < rest->len) {
        uint32_t cp = sign_at(*rest, at, &len);
        bool joins = alone ? is_part(cp, before) : !stands_alone(cp);
        if (is_gap(cp) || (at > from && !joins))
            break;
        at += len;
        before = cp;
    }
    *word = (struct sc_str){ rest->ptr + from, at - from };
    rest->ptr += at;
    rest->len -= at;
    return word->len > 0;
}
