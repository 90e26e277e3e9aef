#include "library/sum.h"

#include "base/alloc.h"

#include <inttypes.h>

#include "base/banned.h"

struct sc_sum {
    enum sc_sum_kind kind;
    struct sc_hash *chain; /* owned */
    struct sc_sum_number added;
    int64_t start_ms, rank; /* of the segment before */
};

/* ---- numbers ---- */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sc_sum_parse(struct sc_str hex, struct sc_sum_number *out)
{
    struct sc_sum_number n;
    if (hex.len != 2 * sizeof(n.bytes))
        return false;
    for (size_t i = 0; i < sizeof(n.bytes); i++) {
        int high = digit(hex.ptr[2 * i]), low = digit(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        n.bytes[i] = (unsigned char)(high * 16 + low);
    }
    *out = n;
    return true;
}

void sc_sum_format(const struct sc_sum_number *n, char out[SC_SHA256_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(n->bytes); i++) {
        out[2 * i] = digits[n->bytes[i] >> 4];
        out[2 * i + 1] = digits[n->bytes[i] & 15];
    }
    out[SC_SHA256_TEXT - 1] = '\0';
}

/* What a segment adds. A hash that is none, for its row is damaged, adds something else than any
 * sound one. */
static struct sc_sum_number number_of(struct sc_str content_hash, int64_t rank)
{
    struct sc_sum_number n;
    if (rank == 0 && sc_sum_parse(content_hash, &n))
        return n;
    char at[24], hex[SC_SHA256_TEXT];
    int len = snprintf(at, sizeof(at), ":%" PRId64, rank);
    SC_AUTO(sc_hash_freep) struct sc_hash *hash = sc_hash_new();
    sc_hash_update(hash, content_hash.ptr, content_hash.len);
    sc_hash_update(hash, at, (size_t)len);
    sc_hash_hex(hash, hex);
    sc_assert(sc_sum_parse(sc_str_from(hex), &n));
    return n;
}

void sc_sum_add(struct sc_sum_number *n, struct sc_str content_hash, int64_t rank)
{
    struct sc_sum_number more = number_of(content_hash, rank);
    unsigned carry = 0;
    for (size_t i = sizeof(n->bytes); i-- > 0; carry >>= 8) {
        carry += (unsigned)n->bytes[i] + more.bytes[i];
        n->bytes[i] = (unsigned char)carry;
    }
}

/* n -= less, mod 2^256. */
static void subtract(struct sc_sum_number *n, const struct sc_sum_number *less)
{
    unsigned borrow = 0;
    for (size_t i = sizeof(n->bytes); i-- > 0;) {
        unsigned left = 256U + n->bytes[i] - less->bytes[i] - borrow;
        n->bytes[i] = (unsigned char)left;
        borrow = left < 256U ? 1 : 0;
    }
}

void sc_sum_take_off(struct sc_sum_number *n, struct sc_str content_hash, int64_t rank)
{
    struct sc_sum_number less = number_of(content_hash, rank);
    subtract(n, &less);
}

static bool has_one_sign(const struct sc_sum_number *n)
{
    int signs = 0;
    for (size_t i = 0; i < sizeof(n->bytes); i++)
        signs += (n->bytes[i] >> 4 != 0) + ((n->bytes[i] & 15) != 0);
    return signs == 1;
}

bool sc_sum_is_near(struct sc_str a, struct sc_str b)
{
    struct sc_sum_number x, y;
    if (!sc_sum_parse(a, &x) || !sc_sum_parse(b, &y))
        return false;
    struct sc_sum_number over = x, under = y;
    subtract(&over, &y);
    subtract(&under, &x);
    return has_one_sign(&over) || has_one_sign(&under);
}

/* ---- all of it ---- */

struct sc_sum *sc_sum_new(enum sc_sum_kind kind)
{
    struct sc_sum *s = sc_alloc(sizeof(*s));
    *s = (struct sc_sum){ .kind = kind, .start_ms = -1 };
    if (kind == SC_SUM_CHAIN)
        s->chain = sc_hash_new();
    return s;
}

void sc_sum_free(struct sc_sum *s)
{
    if (s == NULL)
        return;
    sc_hash_free(s->chain);
    free(s);
}

void sc_sum_segment(struct sc_sum *s, struct sc_str content_hash, int64_t start_ms)
{
    if (s->kind == SC_SUM_CHAIN) {
        sc_hash_update(s->chain, content_hash.ptr, content_hash.len);
        return;
    }
    s->rank = start_ms == s->start_ms ? s->rank + 1 : 0;
    s->start_ms = start_ms;
    sc_sum_add(&s->added, content_hash, s->rank);
}

void sc_sum_hex(struct sc_sum *s, char out[SC_SHA256_TEXT])
{
    if (s->kind == SC_SUM_CHAIN)
        sc_hash_hex(s->chain, out);
    else
        sc_sum_format(&s->added, out);
}
