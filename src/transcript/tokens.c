#include "transcript/tokens.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/text.h"

#include "base/banned.h"

/* A word that is wider and of a script without spaces is a sentence: it may be cut between any two
 * signs. */
#define WORD_COLUMNS 12

void sc_tokens_done(struct sc_tokens *t)
{
    sc_buf_done(&t->text);
    free(t->items);
    t->items = NULL;
    t->count = t->cap = 0;
}

struct sc_str sc_token_str(const struct sc_tokens *t, size_t index)
{
    return (struct sc_str){ sc_buf_text(&t->text) + t->items[index].at, t->items[index].len };
}

static void push(struct sc_tokens *t, struct sc_token token)
{
    void *items = t->items;
    if (t->text.failed || !sc_try_grow(&items, &t->cap, t->count + 1, sizeof(*t->items))) {
        t->failed = true;
        return;
    }
    t->items = items;
    t->items[t->count++] = token;
}

/* The time of byte `at` of `len` that share [start, end]; in floating point, as the product of a
 * long time and a long text passes 64 bits. */
static int64_t share(int64_t start, int64_t end, size_t at, size_t len)
{
    return start + (int64_t)((double)(end - start) * (double)at / (double)len);
}

static int width_of(struct sc_str s)
{
    int columns = 0;
    uint32_t cp;
    for (size_t n; s.len > 0 && (n = sc_utf8_decode(s, &cp)) > 0; s.ptr += n, s.len -= n)
        columns += sc_text_width(cp);
    return columns;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Would the sign at s, behind what the token holds, complete something that players of SubRip do
 * not take for text: an arrow, or the start of a tag or of an override? A space parts the two. */
static bool is_syntax(struct sc_str token, struct sc_str s)
{
    char last = token.len > 0 ? token.ptr[token.len - 1] : '\0';
    if (s.ptr[0] == '>')
        return token.len >= 2 && last == '-' && token.ptr[token.len - 2] == '-';
    if (last == '<')
        return is_letter(s.ptr[0]) || (s.ptr[0] == '/' && s.len > 1 && is_letter(s.ptr[1]));
    return last == '{' && s.ptr[0] == '\\';
}

static bool is_flag(uint32_t cp)
{
    return cp >= 0x1f1e6 && cp <= 0x1f1ff;
}

/* One sign for the eye, written as two: joined emoji, pairs of flag letters, Korean letters that
 * make a syllable. `flags` counts the flag letters in front. */
static bool is_joined(uint32_t before, uint32_t cp, int flags)
{
    bool jamo = before >= 0x1100 && before <= 0x11ff && cp >= 0x1160 && cp <= 0x11ff;
    return before == 0x200d || jamo || (is_flag(cp) && flags % 2 == 1);
}

/* Adds one word, in pieces when it is wider than a line or a whole sentence without spaces. */
static void add_word(struct sc_tokens *t, struct sc_str word, bool space, int64_t start,
                     int64_t end)
{
    struct sc_token token = {
        .at = t->text.len, .space = space, .start_ms = start, .end_ms = start
    };
    uint32_t before = 0, seen = 0;
    int flags = 0;
    bool sentence = width_of(word) > SC_MIN(WORD_COLUMNS, t->width);
    for (size_t i = 0; i < word.len;) {
        uint32_t cp;
        struct sc_str rest = { word.ptr + i, word.len - i };
        size_t n = sc_utf8_decode(rest, &cp);
        sc_assert(n > 0); /* the text went through sc_text_append_line */
        int columns = sc_text_width(cp);
        /* A comma or full stop of such a script never begins a line. */
        bool breaks = sentence && sc_text_is_unsegmented(seen) && sc_text_is_unsegmented(cp) &&
                      !sc_text_is_punctuation(cp);
        bool whole = columns == 0 || is_joined(before, cp, flags);
        if (token.len > 0 && !whole && (breaks || token.columns + columns > t->width)) {
            token.end_ms = share(start, end, i, word.len);
            push(t, token);
            token = (struct sc_token){ .at = t->text.len, .start_ms = token.end_ms };
        }
        struct sc_str made = { sc_buf_text(&t->text) + token.at, t->text.len - token.at };
        if (t->subrip && is_syntax(made, rest)) {
            token.end_ms = share(start, end, i, word.len);
            push(t, token);
            token = (struct sc_token){ .at = t->text.len, .space = true, .start_ms = token.end_ms };
        }
        sc_buf_append(&t->text, rest.ptr, n);
        token.len += n;
        token.columns += columns;
        flags = is_flag(cp) ? flags + 1 : 0;
        before = cp;
        seen = columns > 0 ? cp : seen;
        i += n;
    }
    token.end_ms = SC_MAX(end, token.start_ms);
    if (token.len > 0)
        push(t, token);
}

/* A clean line. A space belongs to the time of the word in front: it is no pause. */
static void add_line(struct sc_tokens *t, struct sc_str line, int64_t start, int64_t end)
{
    struct sc_str rest = line;
    while (rest.len > 0) {
        size_t at = line.len - rest.len;
        struct sc_str word = sc_str_take_until(&rest, ' ');
        add_word(t, word, t->count > 0, share(start, end, at, line.len),
                 share(start, end, line.len - rest.len, line.len));
    }
}

void sc_tokens_add_text(struct sc_tokens *t, struct sc_str text, int64_t start_ms, int64_t end_ms)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, text);
    add_line(t, sc_buf_str(&line), start_ms, end_ms);
    t->failed = t->failed || line.failed || t->text.failed;
}

/* The words with their times; false (t unchanged) when they are not what the text says. */
static bool add_timed_words(struct sc_tokens *t, const struct sc_segment *s, struct sc_str line)
{
    SC_AUTO_BUF joined = { 0 };
    SC_AUTO_BUF word = { 0 };
    for (int pass = 0; pass < 2; pass++) {
        sc_buf_reset(&joined);
        for (size_t i = 0; i < s->word_count; i++) {
            const struct sc_word *w = &s->words[i];
            sc_buf_reset(&word);
            sc_text_append_line(&word, sc_str_from(w->text));
            bool space = sc_text_needs_space(sc_buf_str(&joined), sc_buf_str(&word));
            if (space)
                sc_buf_putc(&joined, ' ');
            sc_buf_put_str(&joined, sc_buf_str(&word));
            /* The words of one "word" with a space in it share its time. */
            struct sc_str rest = sc_buf_str(&word);
            bool first = true;
            while (pass == 1 && rest.len > 0) {
                add_word(t, sc_str_take_until(&rest, ' '), t->count > 0 && (space || !first),
                         w->start_ms, w->end_ms);
                first = false;
            }
        }
        if (joined.failed || !sc_str_equal(sc_buf_str(&joined), line))
            return false;
    }
    return true;
}

void sc_tokens_add_segment(struct sc_tokens *t, const struct sc_segment *s)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(s->text));
    if (!add_timed_words(t, s, sc_buf_str(&line)))
        add_line(t, sc_buf_str(&line), s->start_ms, s->end_ms);
    t->failed = t->failed || line.failed || t->text.failed;
}

void sc_tokens_add_copy(struct sc_tokens *t, const struct sc_tokens *of, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct sc_token token = of->items[i];
        token.at = t->text.len;
        sc_buf_put_str(&t->text, sc_token_str(of, i));
        push(t, token);
    }
    t->failed = t->failed || t->text.failed;
}

/* ---- lines ---- */

/* Columns that a token adds to a line that has some already. */
static int more_columns(const struct sc_tokens *t, size_t index)
{
    return t->items[index].columns + (t->items[index].space ? 1 : 0);
}

int sc_tokens_columns(const struct sc_tokens *t, size_t from, size_t to)
{
    int columns = 0;
    for (size_t i = from; i < to; i++)
        columns += i > from ? more_columns(t, i) : t->items[i].columns;
    return columns;
}

int sc_tokens_lines(const struct sc_tokens *t, size_t from, size_t to, int lead, int width)
{
    int lines = 1, columns = lead;
    bool some = lead > 0;
    for (size_t i = from; i < to; i++) {
        int more = some ? more_columns(t, i) : t->items[i].columns;
        if (some && columns + more > width) {
            lines++;
            columns = t->items[i].columns;
        } else {
            columns += more;
        }
        some = true;
    }
    return lines;
}

void sc_tokens_balance(const struct sc_tokens *t, size_t from, size_t to, bool *breaks)
{
    int lines = sc_tokens_lines(t, from, to, 0, t->width);
    int low = 1, high = t->width;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sc_tokens_lines(t, from, to, 0, middle) <= lines)
            high = middle;
        else
            low = middle + 1;
    }
    /* Filled from the last line up, so that the lines above are the shorter ones. */
    int columns = 0;
    for (size_t i = to; i > from; i--) {
        bool last = i == to;
        int wider = t->items[i - 1].columns + (!last && t->items[i].space ? 1 : 0);
        bool full = !last && columns + wider > low;
        if (!last)
            breaks[i] = full;
        columns = full || last ? t->items[i - 1].columns : columns + wider;
    }
    breaks[from] = false;
}

int sc_token_ends_phrase(struct sc_str token)
{
    static const char *const marks[][10] = {
        { ",", ";", ":", "\xe3\x80\x81", "\xef\xbc\x8c", "\xef\xbc\x9b", "\xd8\x8c",
          "\xe2\x80\x94" },
        { ".", "!", "?", "\xe2\x80\xa6", "\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f", "\xd8\x9f",
          "\xe0\xa5\xa4" },
    };
    for (int rank = 2; rank > 0; rank--) {
        for (size_t i = 0; i < 10 && marks[rank - 1][i] != NULL; i++) {
            size_t n = strlen(marks[rank - 1][i]);
            if (token.len >= n && memcmp(token.ptr + token.len - n, marks[rank - 1][i], n) == 0)
                return rank;
        }
    }
    return 0;
}
