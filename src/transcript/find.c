#include "transcript/find.h"

#include "base/utf8.h"
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

/* Does `what` stand at `at`? *len: how much of the text it takes there. */
static bool stands_at(struct sc_str text, struct sc_str what, unsigned flags, size_t at,
                      size_t *len)
{
    size_t end = at;
    for (size_t i = 0; i < what.len;) {
        size_t step, taken;
        uint32_t wanted = sign_at(what, i, &step), found = sign_at(text, end, &taken);
        if (step == 0 || taken == 0)
            return false;
        if (wanted != found &&
            ((flags & SC_FIND_CASE) != 0 || sc_text_lower(wanted) != sc_text_lower(found)))
            return false;
        i += step;
        end += taken;
    }
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
