#include "transcript/find.h"

#include "base/utf8.h"
#include "transcript/decompose.h"
#include "transcript/text.h"

#include "base/banned.h"

/* The sign at `at`, and how long it is; 0 behind the end. */
static uint32_t sign_at(struct sc_str text, size_t at, size_t *len)
{
    uint32_t cp = 0;
    *len =
        at >= text.len ? 0 : sc_utf8_decode((struct sc_str){ text.ptr + at, text.len - at }, &cp);
    return cp;
}

/* The sign in front of `at`; 0: none. */
static uint32_t sign_before(struct sc_str text, size_t at)
{
    size_t len;
    if (at == 0)
        return 0;
    do
        at--;
    while (at > 0 && ((unsigned char)text.ptr[at] & 0xc0) == 0x80);
    return sign_at(text, at, &len);
}

/* Do the signs belong to one word? */
static bool is_inside(uint32_t before, uint32_t after)
{
    return before != 0 && after != 0 && !sc_text_is_punctuation(before) &&
           !sc_text_is_punctuation(after) && !sc_text_is_unsegmented(before) &&
           !sc_text_is_unsegmented(after);
}

/* Does a letter end at `at`? A mark behind belongs to it. */
static bool is_whole(struct sc_str text, size_t at)
{
    size_t len;
    uint32_t after = sign_at(text, at, &len);
    return after == 0 || !sc_decompose_is_mark(after);
}

/* Does `what` stand at `at`? *len: how much of the text it takes there. */
static bool stands_at(struct sc_str text, struct sc_str what, unsigned flags, size_t at,
                      size_t *len)
{
    struct sc_decomposer there = { .rest = { text.ptr + at, text.len - at } };
    struct sc_decomposer asked = { .rest = what };
    while (asked.rest.len > 0 || asked.waits > 0) {
        uint32_t wanted = sc_decompose_next(&asked), found = sc_decompose_next(&there);
        if (wanted == 0 || found == 0)
            return false;
        if (wanted != found &&
            ((flags & SC_FIND_CASE) != 0 || sc_text_lower(wanted) != sc_text_lower(found)))
            return false;
    }
    size_t end = text.len - there.rest.len;
    if (there.waits > 0 || !is_whole(text, end))
        return false;
    *len = end - at;
    if ((flags & SC_FIND_WORDS) == 0)
        return true;
    size_t step;
    return !is_inside(sign_before(text, at), sign_at(text, at, &step)) &&
           !is_inside(sign_before(text, end), sign_at(text, end, &step));
}

bool sc_find_next(struct sc_str text, struct sc_str what, unsigned flags, size_t from, size_t *at,
                  size_t *len)
{
    size_t step;
    for (size_t i = from; what.len > 0 && i < text.len; i += step) {
        if (stands_at(text, what, flags, i, len)) {
            *at = i;
            return true;
        }
        (void)sign_at(text, i, &step);
        step = step == 0 ? 1 : step;
    }
    return false;
}
