#include "whisper/wording.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

#include "base/banned.h"

#define LONG_MIN_MS 500
#define MEDIAN_MAX_MS 700

/* Stand before the word that they belong to … */
static const char *const opening[] = { "\"", "'", "“", "‘", "¿",  "¡", "(",
                                       "[",  "{", "«", "-", "「", "『" };
/* … and behind it. */
static const char *const closing[] = { "\"", "'",  ".",  "。", ",",  "，", "!",  "！",
                                       "?",  "？", ":",  "：", "”",  "’",  ")",  "]",
                                       "}",  "»",  "、", ";",  "；", "…",  "」", "』" };

bool sc_wording_is_unspaced(const char *language)
{
    static const char *const codes[] = { "zh", "ja", "th", "lo", "my", "yue" };
    for (size_t i = 0; language != NULL && i < SC_ARRAY_LEN(codes); i++) {
        if (strcmp(codes[i], language) == 0)
            return true;
    }
    return false;
}

void sc_wording_text(const struct sc_vocab *vocab, const int32_t *tokens, size_t count,
                     struct sc_buf *out)
{
    SC_AUTO_BUF bytes = { 0 };
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] < vocab->eot)
            sc_buf_put_str(&bytes, sc_vocab_token(vocab, tokens[i]));
    }
    sc_utf8_append_lossy(out, sc_buf_str(&bytes));
}

/* How many tokens from `at` on make whole signs, at least one. */
static size_t whole_signs(const struct sc_vocab *vocab, const int32_t *tokens, size_t count,
                          size_t at)
{
    SC_AUTO_BUF bytes = { 0 };
    for (size_t n = 0; at + n < count && tokens[at + n] < vocab->eot; n++) {
        sc_buf_put_str(&bytes, sc_vocab_token(vocab, tokens[at + n]));
        size_t broken = bytes.len - sc_utf8_valid_prefix(sc_buf_str(&bytes));
        /* Three bytes may be the start of a sign, four that are none never become one. */
        if (broken == 0 || broken >= 4)
            return n + 1;
    }
    return 1;
}

static bool is_among(struct sc_str text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sc_str_equal(text, sc_str_from(list[i])))
            return true;
    }
    return false;
}

/* Nothing but signs of one of the lists? */
static bool is_all_of(struct sc_str text, const char *const *list, size_t count)
{
    uint32_t sign;
    if (text.len == 0)
        return false;
    while (text.len > 0) {
        size_t n = sc_utf8_decode(text, &sign);
        if (n == 0 || !is_among((struct sc_str){ text.ptr, n }, list, count))
            return false;
        text = (struct sc_str){ text.ptr + n, text.len - n };
    }
    return true;
}

static void text_of(const struct sc_vocab *vocab, const int32_t *tokens, struct sc_wording w,
                    struct sc_buf *out)
{
    sc_buf_reset(out);
    sc_wording_text(vocab, tokens + w.first, w.count, out);
}

/* What a word does to its neighbours. */
static bool is_opening(struct sc_str text)
{
    bool apart = text.len > 0 && text.ptr[0] == ' ';
    return apart && is_all_of(sc_str_trim(text), opening, SC_ARRAY_LEN(opening));
}

static bool is_closing(struct sc_str text)
{
    return is_all_of(text, closing, SC_ARRAY_LEN(closing));
}

/* Joins the words that stand beside each other. Signs that open go to the word behind them, at the
 * end of the text to the one before. */
static size_t join_signs(const struct sc_vocab *vocab, const int32_t *tokens,
                         struct sc_wording *words, size_t count)
{
    SC_AUTO_BUF text = { 0 };
    size_t kept = 0;
    bool opens = false;
    for (size_t i = 0; i < count; i++) {
        text_of(vocab, tokens, words[i], &text);
        bool adjoins = kept > 0 && words[kept - 1].first + words[kept - 1].count == words[i].first;
        if (adjoins && (opens || is_closing(sc_buf_str(&text))))
            words[kept - 1].count += words[i].count;
        else
            words[kept++] = words[i];
        opens = (!opens || !adjoins) && is_opening(sc_buf_str(&text));
    }
    return kept;
}

size_t sc_wording_of(const struct sc_vocab *vocab, const int32_t *tokens, size_t count,
                     bool unspaced, struct sc_wording *out)
{
    SC_AUTO_BUF text = { 0 };
    size_t words = 0;
    bool broken = true; /* the next signs begin a word whatever they are */
    for (size_t i = 0; i < count;) {
        if (tokens[i] >= vocab->eot) {
            broken = true;
            i++;
            continue;
        }
        struct sc_wording one = { i, whole_signs(vocab, tokens, count, i) };
        text_of(vocab, tokens, one, &text);
        struct sc_str signs = sc_buf_str(&text);
        bool begins =
            broken || unspaced || (signs.len > 0 && signs.ptr[0] == ' ') || is_closing(signs);
        if (begins)
            out[words++] = one;
        else
            out[words - 1].count += one.count;
        broken = false;
        i += one.count;
    }
    return join_signs(vocab, tokens, out, words);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void sc_wording_bound(int64_t *starts, int64_t *ends, size_t count)
{
    int64_t *lengths SC_AUTO_FREE = sc_alloc_array(count + 1, sizeof(*lengths));
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (ends[i] > starts[i])
            lengths[known++] = ends[i] - starts[i];
    }
    if (known == 0)
        return;
    qsort(lengths, known, sizeof(*lengths), compare_times);
    int64_t most = SC_MAX(2 * SC_MIN(lengths[known / 2], MEDIAN_MAX_MS), LONG_MIN_MS);
    for (size_t i = 0; i < count; i++) {
        if (ends[i] - starts[i] <= most)
            continue;
        if (i == 0)
            starts[i] = ends[i] - most;
        else
            ends[i] = starts[i] + most;
    }
}
