/* Text to tokens as the models were trained: cut into pieces, then within each piece the two
 * neighbours with the lowest token for both are joined, again and again. The numbers of tokens are
 * the order in which these pairs were learned, so no list of them is needed. Some files were
 * written with spoilt tokens, so that words cannot be joined up from bytes: these take the longest
 * tokens. */
#include "base/utf8.h"
#include "whisper/vocab-internal.h"

#include "base/banned.h"

/* Longer pieces are cut: no word is, and the joining takes the square of the length. */
#define PIECE_MAX 256

/* Where a class of signs begins, times 4, and the class. */
static const uint32_t classes[] = {
#include "whisper/letters.def"
};

static enum sc_sign sign_of(uint32_t sign)
{
    if (sign < 0x80) {
        const uint32_t small = sign | 0x20;
        return small >= 'a' && small <= 'z'                    ? SC_SIGN_LETTER
               : sign >= '0' && sign <= '9'                    ? SC_SIGN_NUMBER
               : sign == ' ' || (sign >= '\t' && sign <= '\r') ? SC_SIGN_SPACE
                                                               : SC_SIGN_OTHER;
    }
    size_t low = 0, high = SC_ARRAY_LEN(classes);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (classes[middle] >> 2 <= sign)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? SC_SIGN_OTHER : (enum sc_sign)(classes[low - 1] & 3);
}

/* The sign at `at`, and its bytes; what is no UTF-8 is one byte of another sign. */
static enum sc_sign sign_at(struct sc_str s, size_t at, size_t *bytes)
{
    uint32_t sign = 0;
    const size_t n = sc_utf8_decode((struct sc_str){ s.ptr + at, s.len - at }, &sign);

    *bytes = n == 0 ? 1 : n;
    return n == 0 ? SC_SIGN_OTHER : sign_of(sign);
}

/* The end of the run of signs of this class from `at` on. */
static size_t run_end(struct sc_str s, size_t at, enum sc_sign class)
{
    size_t bytes;
    while (at < s.len && sign_at(s, at, &bytes) == class)
        at += bytes;
    return at;
}

/* The length of what English ends words with, behind an apostrophe; 0: nothing of it. */
static size_t clitic(struct sc_str s)
{
    static const char *const endings[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    for (size_t i = 0; i < SC_ARRAY_LEN(endings); i++) {
        if (sc_str_starts(s, sc_str_from(endings[i])))
            return strlen(endings[i]);
    }
    return 0;
}

static size_t piece_len(struct sc_str s)
{
    size_t bytes, last = 0;
    const size_t ending = clitic(s);

    if (ending > 0)
        return ending;
    enum sc_sign class = sign_at(s, 0, &bytes);
    if (class != SC_SIGN_SPACE)
        return run_end(s, 0, class);
    if (s.ptr[0] == ' ' && s.len > 1) {
        class = sign_at(s, 1, &bytes);
        if (class != SC_SIGN_SPACE)
            return run_end(s, 1, class);
    }
    /* White space: all of it at the end of the text, else without the last sign, which belongs to
     * what follows or, alone, to nothing. */
    const size_t end = run_end(s, 0, SC_SIGN_SPACE);
    if (end == s.len)
        return end;
    for (size_t at = 0; at < end; at += bytes) {
        last = at;
        (void)sign_at(s, at, &bytes);
    }
    return last > 0 ? last : end;
}

struct sc_str sc_vocab_piece(struct sc_str *rest)
{
    size_t len = SC_MIN(piece_len(*rest), (size_t)PIECE_MAX);

    while (len < rest->len && len > PIECE_MAX - 4 && ((unsigned char)rest->ptr[len] & 0xc0) == 0x80)
        len--;
    const struct sc_str piece = { rest->ptr, len };
    *rest = (struct sc_str){ rest->ptr + len, rest->len - len };
    return piece;
}

/* Joins the two neighbours whose token is the lowest; false: no two have one. `ends` are the ends
 * of the parts. */
static bool join_once(const struct sc_vocab *v, struct sc_str piece, uint16_t *ends, size_t *count)
{
    size_t best = 0;
    int lowest = -1;

    for (size_t i = 0; i + 1 < *count; i++) {
        const size_t from = i == 0 ? 0 : ends[i - 1];
        const int id = sc_vocab_find(v, (struct sc_str){ piece.ptr + from, ends[i + 1] - from });
        if (id >= 0 && (lowest < 0 || id < lowest)) {
            lowest = id;
            best = i;
        }
    }
    if (lowest < 0)
        return false;
    memmove(ends + best, ends + best + 1, (*count - best - 1) * sizeof(*ends));
    (*count)--;
    return true;
}

/* The last `max` of all tokens, as a ring. */
struct tail {
    int32_t *at;
    size_t max, count;
};

static void push(struct tail *t, int id)
{
    if (id >= 0 && t->max > 0)
        t->at[t->count++ % t->max] = id;
}

/* The tokens of the piece, joined up from its bytes; false: there is none for some part. */
static bool join(const struct sc_vocab *v, struct sc_str piece, int32_t out[PIECE_MAX],
                 size_t *count)
{
    uint16_t ends[PIECE_MAX];

    *count = piece.len;
    for (size_t i = 0; i < piece.len; i++)
        ends[i] = (uint16_t)(i + 1);
    while (join_once(v, piece, ends, count)) {
    }
    for (size_t i = 0; i < *count; i++) {
        const size_t from = i == 0 ? 0 : ends[i - 1];
        out[i] = sc_vocab_find(v, (struct sc_str){ piece.ptr + from, ends[i] - from });
        if (out[i] < 0)
            return false;
    }
    return true;
}

/* The longest token that the piece begins with, again and again; bytes that begin none are left
 * out. */
static void take_longest(const struct sc_vocab *v, struct sc_str piece, struct tail *out)
{
    for (size_t at = 0; at < piece.len;) {
        size_t len = piece.len - at;
        int id = -1;
        while (len > 0 && (id = sc_vocab_find(v, (struct sc_str){ piece.ptr + at, len })) < 0)
            len--;
        push(out, id);
        at += SC_MAX(len, 1);
    }
}

static void encode_piece(const struct sc_vocab *v, struct sc_str piece, struct tail *out)
{
    int32_t tokens[PIECE_MAX];
    size_t count;
    const int whole = sc_vocab_find(v, piece);

    if (whole >= 0) {
        push(out, whole);
    } else if (join(v, piece, tokens, &count)) {
        for (size_t i = 0; i < count; i++)
            push(out, tokens[i]);
    } else {
        take_longest(v, piece, out);
    }
}

static void reverse(int32_t *at, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const int32_t swap = at[i];
        at[i] = at[count - 1 - i];
        at[count - 1 - i] = swap;
    }
}

size_t sc_vocab_encode(const struct sc_vocab *v, struct sc_str text, int32_t *out, size_t max)
{
    struct tail tail = { .at = out, .max = max };

    while (text.len > 0)
        encode_piece(v, sc_vocab_piece(&text), &tail);
    if (tail.count <= max)
        return tail.count;
    /* Turned round, so that the oldest comes first. */
    const size_t oldest = tail.count % max;
    reverse(out, oldest);
    reverse(out + oldest, max - oldest);
    reverse(out, max);
    return max;
}
