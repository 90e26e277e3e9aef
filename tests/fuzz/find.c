/* A byte of flags, a text, a NUL and what is looked for in it. Each place lies behind the one
 * before, ends where a letter does and reads like what was looked for; who types letters and
 * their marks as signs of their own finds the same places. */

#include "fuzz.h"

#include "base/utf8.h"
#include "transcript/decompose.h"
#include "transcript/find.h"
#include "transcript/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define ASKED_MAX 200 /* bytes: the time grows with its product with the text's */

/* Does a sign begin at `at`, or the text end? A mark does not where a whole letter is asked for. */
static bool is_between(struct sc_str text, size_t at, bool whole)
{
    uint32_t sign = 0;
    if (at >= text.len)
        return at == text.len;
    (void)sc_utf8_decode((struct sc_str){ text.ptr + at, text.len - at }, &sign);
    return ((unsigned char)text.ptr[at] & 0xc0) != 0x80 && !(whole && sc_decompose_is_mark(sign));
}

/* Are they made of the same letters and marks, but for capitals? */
static bool reads_like(struct sc_str a, struct sc_str b)
{
    struct sc_decomposer of_a = { .rest = a };
    struct sc_decomposer of_b = { .rest = b };
    uint32_t one;
    do {
        one = sc_decompose_next(&of_a);
        if (sc_text_lower(one) != sc_text_lower(sc_decompose_next(&of_b)))
            return false;
    } while (one != 0);
    return true;
}

static void check_place(struct sc_str text, struct sc_str what, size_t at, size_t len)
{
    if (len == 0 || !is_between(text, at, false) || !is_between(text, at + len, true))
        abort();
    if (!reads_like((struct sc_str){ text.ptr + at, len }, what))
        abort();
}

static void check_places(struct sc_str text, struct sc_str what, struct sc_str apart,
                         unsigned flags)
{
    size_t from = 0, at, len, again, length;
    while (sc_find_next(text, what, flags, from, &at, &len)) {
        if (at < from)
            abort();
        check_place(text, what, at, len);
        if (!sc_find_next(text, apart, flags, from, &again, &length) || again != at ||
            length != len)
            abort();
        from = at + len;
    }
    if (sc_find_next(text, apart, flags, from, &again, &length))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF what = { 0 };
    SC_AUTO_BUF apart = { 0 };
    if (size == 0)
        return 0;
    struct sc_str input = { (const char *)data + 1, size - 1 };
    const char *end = memchr(input.ptr, 0, input.len);
    if (end == NULL)
        return 0;
    struct sc_str asked = { end + 1, input.len - (size_t)(end + 1 - input.ptr) };
    asked.len = strnlen(asked.ptr, asked.len < ASKED_MAX ? asked.len : ASKED_MAX);
    sc_utf8_append_lossy(&text, (struct sc_str){ input.ptr, (size_t)(end - input.ptr) });
    sc_utf8_append_lossy(&what, asked);
    struct sc_decomposer d = { .rest = sc_buf_str(&what) };
    for (uint32_t sign = sc_decompose_next(&d); sign != 0; sign = sc_decompose_next(&d))
        sc_utf8_append(&apart, sign);
    check_places(sc_buf_str(&text), sc_buf_str(&what), sc_buf_str(&apart),
                 data[0] & (SC_FIND_CASE | SC_FIND_WORDS));
    return 0;
}
