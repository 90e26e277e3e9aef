#include "whisper/align.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

/* As the reference has it; a sharp look has a thousand times more. */
#define VARIANCE_MIN 1e-9
#define MEDIAN 7

/* Layer and head of each, as {layer, head} pairs that were published with the models. */
static const struct sc_head tiny_en[] = { { 1, 0 }, { 2, 0 }, { 2, 5 }, { 3, 0 },
                                          { 3, 1 }, { 3, 2 }, { 3, 3 }, { 3, 4 } };
static const struct sc_head tiny[] = { { 2, 2 }, { 3, 0 }, { 3, 2 }, { 3, 3 }, { 3, 4 }, { 3, 5 } };
static const struct sc_head base_en[] = { { 3, 3 }, { 4, 7 }, { 5, 1 }, { 5, 5 }, { 5, 7 } };
static const struct sc_head base[] = { { 3, 1 }, { 4, 2 }, { 4, 3 }, { 4, 7 },
                                       { 5, 1 }, { 5, 2 }, { 5, 4 }, { 5, 6 } };
static const struct sc_head small_en[] = { { 6, 6 },  { 7, 0 },   { 7, 3 },  { 7, 8 },  { 8, 2 },
                                           { 8, 5 },  { 8, 7 },   { 9, 0 },  { 9, 4 },  { 9, 8 },
                                           { 9, 10 }, { 10, 0 },  { 10, 1 }, { 10, 2 }, { 10, 3 },
                                           { 10, 6 }, { 10, 11 }, { 11, 2 }, { 11, 4 } };
static const struct sc_head small[] = { { 5, 3 }, { 5, 9 }, { 8, 0 }, { 8, 4 }, { 8, 7 },
                                        { 8, 8 }, { 9, 0 }, { 9, 7 }, { 9, 9 }, { 10, 5 } };
static const struct sc_head medium_en[] = { { 11, 4 },  { 14, 1 },  { 14, 12 }, { 14, 14 },
                                            { 15, 4 },  { 16, 0 },  { 16, 4 },  { 16, 9 },
                                            { 17, 12 }, { 17, 14 }, { 18, 7 },  { 18, 10 },
                                            { 18, 15 }, { 20, 0 },  { 20, 3 },  { 20, 9 },
                                            { 20, 14 }, { 21, 12 } };
static const struct sc_head medium[] = { { 13, 15 }, { 15, 4 }, { 15, 15 },
                                         { 16, 1 },  { 20, 0 }, { 23, 4 } };
static const struct sc_head large_2[] = {
    { 10, 12 }, { 13, 17 }, { 16, 11 }, { 16, 12 }, { 16, 13 }, { 17, 15 }, { 17, 16 }, { 18, 4 },
    { 18, 11 }, { 18, 19 }, { 19, 11 }, { 21, 2 },  { 21, 3 },  { 22, 3 },  { 22, 9 },  { 22, 12 },
    { 23, 5 },  { 23, 7 },  { 23, 13 }, { 25, 5 },  { 26, 1 },  { 26, 12 }, { 27, 15 }
};
static const struct sc_head large_3[] = {
    { 7, 0 },   { 10, 17 }, { 12, 18 }, { 13, 12 }, { 16, 1 },
    { 17, 14 }, { 19, 11 }, { 21, 4 },  { 24, 1 },  { 25, 6 }
};
static const struct sc_head turbo[] = { { 2, 4 }, { 2, 11 }, { 3, 3 },
                                        { 3, 6 }, { 3, 11 }, { 3, 14 } };

#define LIST(name) name, SC_ARRAY_LEN(name)
/* What tells the models apart; the vocabulary does only where it is not 0. large-v1 has the
 * dimensions of large-v2, which took its place. */
static const struct {
    int layers, heads, vocabulary;
    bool english;
    const struct sc_head *list;
    size_t count;
} published[] = {
    { 4, 6, 0, true, LIST(tiny_en) },        { 4, 6, 0, false, LIST(tiny) },
    { 6, 8, 0, true, LIST(base_en) },        { 6, 8, 0, false, LIST(base) },
    { 12, 12, 0, true, LIST(small_en) },     { 12, 12, 0, false, LIST(small) },
    { 24, 16, 0, true, LIST(medium_en) },    { 24, 16, 0, false, LIST(medium) },
    { 32, 20, 51866, false, LIST(large_3) }, { 32, 20, 0, false, LIST(large_2) },
    { 4, 20, 51866, false, LIST(turbo) },
};

size_t sc_align_heads(const struct sc_whisper_dims *dims, bool english,
                      struct sc_head out[SC_ALIGN_HEADS])
{
    for (size_t i = 0; i < SC_ARRAY_LEN(published); i++) {
        if (published[i].layers != dims->n_text_layer || published[i].heads != dims->n_text_head ||
            published[i].english != english ||
            (published[i].vocabulary != 0 && published[i].vocabulary != dims->n_vocab))
            continue;
        memcpy(out, published[i].list, published[i].count * sizeof(*out));
        return published[i].count;
    }
    size_t count = 0;
    for (int layer = dims->n_text_layer - 1; layer >= dims->n_text_layer / 2; layer--) {
        for (int head = 0; head < dims->n_text_head && count < SC_ALIGN_HEADS; head++)
            out[count++] = (struct sc_head){ layer, head };
    }
    return count;
}

/* Takes each position's mean over the tokens off, and divides by their deviation: a position to
 * which hardly any token attends says little. */
static void normalise(float *picture, size_t tokens, size_t positions)
{
    for (size_t p = 0; p < positions; p++) {
        double sum = 0;
        double squares = 0;
        for (size_t t = 0; t < tokens; t++)
            sum += (double)picture[t * positions + p];
        double mean = sum / (double)tokens;
        for (size_t t = 0; t < tokens; t++) {
            double apart = (double)picture[t * positions + p] - mean;
            squares += apart * apart;
        }
        double deviation = sqrt(squares / (double)tokens + VARIANCE_MIN);
        for (size_t t = 0; t < tokens; t++) {
            double apart = (double)picture[t * positions + p] - mean;
            picture[t * positions + p] = (float)(apart / deviation);
        }
    }
}

/* Beyond its ends a row goes on as its mirror. */
static size_t mirrored(int64_t at, size_t count)
{
    int64_t last = (int64_t)count - 1;
    while (at < 0 || at > last)
        at = at < 0 ? -at : 2 * last - at;
    return (size_t)at;
}

static float median_at(const float *row, size_t count, size_t at)
{
    float sorted[MEDIAN] = { 0 };
    for (int i = 0; i < MEDIAN; i++) {
        float value = row[mirrored((int64_t)at + i - MEDIAN / 2, count)];
        int k = i;
        for (; k > 0 && sorted[k - 1] > value; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = value;
    }
    return sorted[MEDIAN / 2];
}

/* costs -= the row smoothed: what is looked at much is cheap. */
static void subtract_smoothed(const float *row, size_t count, float *costs)
{
    for (size_t i = 0; i < count; i++)
        costs[i] -= count > MEDIAN / 2 ? median_at(row, count, i) : row[i];
}

/* One head's attention, a row of positions for each token. */
static void take_picture(const struct sc_attention *a, size_t head, float *out)
{
    for (size_t t = 0; t < a->tokens; t++)
        memcpy(out + t * a->positions, a->weights + (t * a->heads + head) * a->stride,
               a->positions * sizeof(*out));
}

static enum sc_code no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_ENGINE_ERROR, "no memory left for the times of words");
}

enum sc_code sc_align(const struct sc_attention *a, const struct sc_stop *stop, int32_t *starts,
                      struct sc_error *err)
{
    size_t rows = a->tokens - a->ahead - 1;
    sc_assert(a->tokens > a->ahead + 1 && a->positions <= a->stride);
    if (a->heads == 0 || a->positions == 0) {
        memset(starts, 0, rows * sizeof(*starts));
        return SC_OK;
    }
    float *picture SC_AUTO_FREE = sc_try_alloc(a->tokens * a->positions * sizeof(*picture));
    float *costs SC_AUTO_FREE = sc_try_alloc(rows * a->positions * sizeof(*costs));
    if (picture == NULL || costs == NULL)
        return no_memory(err);
    for (size_t h = 0; h < a->heads; h++) {
        take_picture(a, h, picture);
        normalise(picture, a->tokens, a->positions);
        for (size_t r = 0; r < rows; r++) {
            if (stop != NULL && stop->fn(stop->ctx))
                return sc_error_set(err, SC_E_CANCELLED, "stopped");
            subtract_smoothed(picture + (a->ahead + r) * a->positions, a->positions,
                              costs + r * a->positions);
        }
    }
    for (size_t i = 0; i < rows * a->positions; i++)
        costs[i] /= (float)a->heads;
    return sc_align_path(costs, rows, a->positions, starts) ? SC_OK : no_memory(err);
}

enum came { FROM_BOTH, FROM_ABOVE, FROM_LEFT };

/* One row of the sums, from those of the row above; above[0] and row[0] stand before the first
 * column. */
static void sum_row(const float *costs, size_t columns, const float *above, float *row,
                    unsigned char *came)
{
    row[0] = INFINITY;
    for (size_t c = 1; c <= columns; c++) {
        float both = above[c - 1];
        float down = above[c];
        float right = row[c - 1];
        enum came from = FROM_LEFT;
        if (both < down && both < right)
            from = FROM_BOTH;
        else if (down < both && down < right)
            from = FROM_ABOVE;
        float before = from == FROM_BOTH ? both : from == FROM_ABOVE ? down : right;
        row[c] = costs[c - 1] + before;
        came[c - 1] = (unsigned char)from;
    }
}

bool sc_align_path(const float *costs, size_t rows, size_t columns, int32_t *starts)
{
    float *sums SC_AUTO_FREE = sc_try_alloc(2 * (columns + 1) * sizeof(*sums));
    unsigned char *came SC_AUTO_FREE = sc_try_alloc(rows * columns);
    if (sums == NULL || came == NULL)
        return false;
    float *above = sums;
    float *row = sums + columns + 1;
    for (size_t c = 1; c <= columns; c++)
        above[c] = INFINITY;
    for (size_t r = 0; r < rows; r++) {
        sum_row(costs + r * columns, columns, above, row, came + r * columns);
        float *other = above;
        above = row;
        row = other;
    }
    size_t r = rows - 1;
    size_t c = columns - 1;
    for (;;) {
        starts[r] = (int32_t)c;
        if (r == 0 && c == 0)
            break;
        /* At an edge there is one way only. */
        unsigned char from = r == 0 ? FROM_LEFT : c == 0 ? FROM_ABOVE : came[r * columns + c];
        r -= from != FROM_LEFT;
        c -= from != FROM_ABOVE;
    }
    return true;
}
