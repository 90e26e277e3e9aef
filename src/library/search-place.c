/* Where a page of a search went on to, as text: the letter of the order, a capital where the window
 * has all hits, then hexadecimal numbers with '-' between them. By rank the scale follows: rows,
 * signs, and a number for each phrase. */
#include "library/search.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

/* The second: the window has all hits. */
static const char letters[SC_SEARCH_SORT_COUNT_][2] = {
    [SC_SEARCH_RANK] = { 'r', 'R' }, [SC_SEARCH_NEWEST] = { 'n', 'N' }
};

void sc_search_place_put(struct sc_buf *out, enum sc_search_sort sort,
                         const struct sc_search_place *place)
{
    uint64_t score;
    const struct sc_search_scale *scale = &place->scale;
    memcpy(&score, &place->score, sizeof(score));
    sc_buf_printf(out, "%c%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64,
                  letters[sort][place->all ? 1 : 0], (uint64_t)place->top, (uint64_t)place->low,
                  (uint64_t)place->transcript, score);
    if (place->transcript == 0 || scale->phrases == 0)
        return;
    sc_buf_printf(out, "-%" PRIx64 "-%" PRIx64, (uint64_t)scale->rows, (uint64_t)scale->signs);
    for (size_t i = 0; i < scale->phrases; i++)
        sc_buf_printf(out, "-%" PRIx64, (uint64_t)scale->with[i]);
}

/* Up to the next '-': digits as sc_search_place_put writes them. */
static bool take_hex(struct sc_str *rest, uint64_t *out)
{
    struct sc_str part = sc_str_take_until(rest, '-');
    if (part.len == 0 || part.len > 16 || (part.len > 1 && part.ptr[0] == '0'))
        return false;
    *out = 0;
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f'))
            return false;
        *out = *out << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* How many of something, of which there cannot be more than `most`. */
static bool take_count(struct sc_str *rest, int64_t most, int64_t *out)
{
    uint64_t value;
    if (!take_hex(rest, &value) || value > (uint64_t)most)
        return false;
    *out = (int64_t)value;
    return true;
}

static bool take_scale(struct sc_str *rest, struct sc_search_scale *out)
{
    if (!take_count(rest, INT32_MAX, &out->rows) || !take_count(rest, INT64_MAX, &out->signs))
        return false;
    while (rest->len > 0 && out->phrases < SC_TOKENIZER_PHRASES) {
        if (!take_count(rest, out->rows, &out->with[out->phrases]))
            return false;
        out->phrases++;
    }
    return true;
}

bool sc_search_place_parse(enum sc_search_sort sort, struct sc_str text,
                           struct sc_search_place *out)
{
    uint64_t top, low, transcript, score;
    struct sc_search_place place = { 0 };
    place.all = text.len > 0 && text.ptr[0] == letters[sort][1];
    if (text.len < 2 || text.ptr[0] != letters[sort][place.all ? 1 : 0])
        return false;
    struct sc_str rest = { text.ptr + 1, text.len - 1 };
    if (!take_hex(&rest, &top) || !take_hex(&rest, &low) || !take_hex(&rest, &transcript) ||
        !take_hex(&rest, &score) || (rest.len > 0 && !take_scale(&rest, &place.scale)))
        return false;
    place.top = (int64_t)top;
    place.low = (int64_t)low;
    place.transcript = (int64_t)transcript;
    memcpy(&place.score, &score, sizeof(score));
    SC_AUTO_BUF again = { 0 };
    sc_search_place_put(&again, sort, &place);
    if (!sc_str_equal(sc_buf_str(&again), text) || place.top <= 0 || place.low < 0 ||
        place.low > place.top || place.transcript < 0 || !isfinite(place.score))
        return false;
    *out = place;
    return true;
}
