#include "config/nearest.h"

#include "base/macros.h"

#include "base/banned.h"

#define WORD_LIMIT 64

size_t sc_edit_distance(struct sc_str a, struct sc_str b)
{
    /* Three rows of the usual matrix; the third back is for swaps. */
    size_t rows[3][WORD_LIMIT + 1];

    if (a.len > WORD_LIMIT || b.len > WORD_LIMIT)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = a.ptr[i - 1] != b.ptr[j - 1];
            row[j] = SC_MIN(above[j - 1] + cost, SC_MIN(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = SC_MIN(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void sc_nearest_offer(struct sc_nearest *n, const char *known)
{
    struct sc_str k = sc_str_from(known);
    size_t distance = sc_edit_distance(n->word, k);
    /* A third of the word may be wrong; a typed beginning of three signs or more is meant as well.
     */
    if (n->word.len >= 3 && sc_str_starts(k, n->word))
        distance = 1;
    if (distance > 1 + n->word.len / 3 || distance >= SC_MAX(n->word.len, 2))
        return;
    if (n->best == NULL || distance < n->distance) {
        n->best = known;
        n->distance = distance;
    }
}
