#include "whisper/fallback.h"

#include "base/alloc.h"
#include "zip/gzip.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

#define LOOP_TOKENS 16 /* the longest phrase that is looked for … */
#define LOOP_TIMES 4   /* … at least so often in a row: refrains of three are sung */
#define LOOP_FILLS 12  /* "no no no no no" is said, a line of it is not */

double sc_token_entropy(const int32_t *tokens, size_t count)
{
    size_t n = SC_MIN(count, (size_t)SC_ENTROPY_TOKENS);
    const int32_t *last = tokens + count - n;
    double entropy = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        bool seen = false;
        for (size_t k = 0; k < n; k++) {
            same += last[k] == last[i];
            seen = seen || (k < i && last[k] == last[i]);
        }
        double share = (double)same / (double)n;
        if (!seen)
            entropy -= share * log(share);
    }
    return entropy;
}

double sc_text_compression(struct sc_str text)
{
    if (text.len == 0)
        return 0;
    size_t packed = sc_zlib_size(text.ptr, text.len);
    return packed == 0 ? -1 : (double)text.len / (double)packed;
}

/* How often the `length` tokens at `start` stand there in a row. */
static size_t times_at(const int32_t *tokens, size_t count, size_t start, size_t length)
{
    size_t times = 1;
    while (start + (times + 1) * length <= count &&
           memcmp(tokens + start, tokens + start + times * length, length * sizeof(*tokens)) == 0)
        times++;
    return times;
}

static bool loop_among(const int32_t *words, size_t count, struct sc_loop *out)
{
    for (size_t start = 0; start < count; start++) {
        for (size_t length = 1; length <= LOOP_TOKENS; length++) {
            size_t times = times_at(words, count, start, length);
            if (times >= LOOP_TIMES && times * length >= LOOP_FILLS) {
                *out = (struct sc_loop){ start, length, times };
                return true;
            }
        }
    }
    return false;
}

bool sc_find_loop(const int32_t *tokens, size_t count, int32_t end, struct sc_loop *out)
{
    int32_t *words SC_AUTO_FREE = sc_alloc_array(count + 1, sizeof(*words));
    size_t *places SC_AUTO_FREE = sc_alloc_array(count + 1, sizeof(*places));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] >= end)
            continue;
        places[n] = i;
        words[n++] = tokens[i];
    }
    if (!loop_among(words, n, out))
        return false;
    out->start = places[out->start];
    return true;
}
