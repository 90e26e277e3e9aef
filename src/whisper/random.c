#include "whisper/random.h"

#include "base/macros.h"

#include <math.h>

#include "base/banned.h"

#define HALF 397 /* how far behind the word is that a new one is mixed with */
#define TWIST 0x9908b0dfu

void sc_random_seed(struct sc_random *r, uint32_t seed)
{
    r->state[0] = seed;
    for (uint32_t i = 1; i < SC_RANDOM_WORDS; i++) {
        uint32_t before = r->state[i - 1];
        r->state[i] = 1812433253u * (before ^ before >> 30) + i;
    }
    r->at = SC_RANDOM_WORDS;
    r->drawn = 0;
}

static void turn(struct sc_random *r)
{
    for (size_t i = 0; i < SC_RANDOM_WORDS; i++) {
        uint32_t low = r->state[(i + 1) % SC_RANDOM_WORDS];
        uint32_t mixed = (r->state[i] & 0x80000000u) | (low & 0x7fffffffu);
        r->state[i] = r->state[(i + HALF) % SC_RANDOM_WORDS] ^ mixed >> 1 ^ (low & 1 ? TWIST : 0);
    }
    r->at = 0;
}

uint32_t sc_random_word(struct sc_random *r)
{
    if (r->at >= SC_RANDOM_WORDS)
        turn(r);
    r->drawn++;
    uint32_t y = r->state[r->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

void sc_random_skip(struct sc_random *r, int64_t words)
{
    r->drawn += words;
    for (;;) {
        int64_t here = SC_MIN(words, (int64_t)(SC_RANDOM_WORDS - r->at));
        r->at += (size_t)here;
        words -= here;
        if (words == 0)
            return;
        turn(r);
    }
}

double sc_random_share(struct sc_random *r)
{
    double low = sc_random_word(r);
    double high = sc_random_word(r);
    double share = (low + high * 0x1p32) * 0x1p-64;
    return share < 1 ? share : nextafter(1, 0);
}

size_t sc_random_draw(struct sc_random *r, const float *logs, size_t count)
{
    double total = 0;
    size_t last = count;
    for (size_t i = 0; i < count; i++) {
        if (isinf(logs[i]))
            continue;
        total += (double)expf(logs[i]);
        last = i;
    }
    sc_assert(last < count);
    double mark = sc_random_share(r);
    double sum = 0;
    for (size_t i = 0; i < last; i++) {
        if (isinf(logs[i]))
            continue;
        sum += (double)expf(logs[i]) / total;
        if (sum >= mark)
            return i;
    }
    return last;
}
