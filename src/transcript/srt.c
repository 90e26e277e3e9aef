#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/text.h"
#include "transcript/writer-internal.h"

#include <inttypes.h>
#include <stdint.h>

#include "base/banned.h"

/* SubRip. A segment becomes one or more cues that can be read: two lines of 42 columns, 7 s. The
 * text is cut into tokens (words, or pieces of one that is wider than a line) and every token ends
 * up in exactly one cue. SubRip has no escapes: what would be taken for its syntax is broken up. */
#define LINE_COLUMNS 42
#define CUE_MS 7000
/* A pause as long as this ends a cue. */
#define PAUSE_MS 1500
/* A cue stays at least so long when the next leaves room. */
#define SHOW_MS 700

struct token {
    size_t at, len; /* in the text of `tokens` */
    int columns;
    bool space; /* stands in front of it when it is not the first of its line */
    int64_t start, end;
};

struct tokens {
    struct sc_buf text;
    struct token *items; /* owned */
    size_t count, cap;
    bool failed;
};

static void tokens_done(struct tokens *t)
{
    sc_buf_done(&t->text);
    free(t->items);
}

struct cue {
    int64_t start, end;
    struct sc_buf text;
};

struct srt {
    struct sc_writer_out out;
    int64_t index;
    bool held; /* `last` waits for the start of the next one */
    struct cue last;
};

static struct sc_str token_str(const struct tokens *t, const struct token *token)
{
    return (struct sc_str){ t->text.ptr + token->at, token->len };
}

static void push_token(struct tokens *t, struct token token)
{
    void *items = t->items;
    if (t->text.failed || !sc_try_grow(&items, &t->cap, t->count + 1, sizeof(*t->items))) {
        t->failed = true;
        return;
    }
    t->items = items;
    t->items[t->count++] = token;
}

/* Adds one word, in pieces when it is wider than a line or of a script without spaces. */
static void add_word(struct tokens *t, struct sc_str word, bool space, int64_t start, int64_t end)
{
    struct token token = { .at = t->text.len, .space = space, .start = start, .end = start };
    uint32_t before = 0;
    for (size_t i = 0; i < word.len;) {
        uint32_t cp;
        size_t n = sc_utf8_decode((struct sc_str){ word.ptr + i, word.len - i }, &cp);
        sc_assert(n > 0); /* the text went through sc_text_append_line */
        int columns = sc_text_width(cp);
        /* A comma or full stop of such a script never begins a line. */
        bool breaks = sc_text_is_unsegmented(before) && sc_text_is_unsegmented(cp) &&
                      !sc_text_is_punctuation(cp);
        if (token.len > 0 && columns > 0 && (breaks || token.columns + columns > LINE_COLUMNS)) {
            token.end = start + (end - start) * (int64_t)i / (int64_t)word.len;
            push_token(t, token);
            token = (struct token){ .at = t->text.len, .start = token.end };
        }
        /* "-->" would read as a line of times. */
        if (cp == '>' && t->text.len >= token.at + 2 && token.len >= 2 &&
            memcmp(t->text.ptr + t->text.len - 2, "--", 2) == 0) {
            sc_buf_putc(&t->text, ' ');
            token.len++;
            token.columns++;
        }
        sc_buf_append(&t->text, word.ptr + i, n);
        token.len += n;
        token.columns += columns;
        before = columns > 0 ? cp : before;
        i += n;
    }
    token.end = SC_MAX(end, token.start);
    if (token.len > 0)
        push_token(t, token);
}

/* Adds the words of a clean line; their times share [start, end] by length. */
static void add_line(struct tokens *t, struct sc_str line, int64_t start, int64_t end)
{
    struct sc_str rest = line;
    while (rest.len > 0) {
        size_t at = line.len - rest.len;
        struct sc_str word = sc_str_take_until(&rest, ' ');
        int64_t from = start + (end - start) * (int64_t)at / (int64_t)line.len;
        int64_t to = start + (end - start) * (int64_t)(at + word.len) / (int64_t)line.len;
        add_word(t, word, t->count > 0, from, to);
    }
}

/* The words with their times; false (t unchanged) when they are not what the text says. */
static bool add_timed_words(struct tokens *t, const struct sc_segment *s, struct sc_str line)
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

static void collect_tokens(struct tokens *t, const struct sc_segment *s, const char *speaker)
{
    SC_AUTO_BUF line = { 0 };
    if (speaker != NULL) {
        sc_text_append_line(&line, sc_str_from(speaker));
        sc_buf_putc(&line, ':');
        add_line(t, sc_buf_str(&line), s->start_ms, s->start_ms);
        t->failed = t->failed || line.failed;
        sc_buf_reset(&line);
    }
    sc_text_append_line(&line, sc_str_from(s->text));
    if (!add_timed_words(t, s, sc_buf_str(&line)))
        add_line(t, sc_buf_str(&line), s->start_ms, s->end_ms);
    t->failed = t->failed || line.failed;
}

/* Columns of the tokens [from, to) on one line. */
static int columns_of(const struct tokens *t, size_t from, size_t to)
{
    int columns = 0;
    for (size_t i = from; i < to; i++)
        columns += t->items[i].columns + (i > from && t->items[i].space ? 1 : 0);
    return columns;
}

/* Where the second line begins; `to` when one line is enough. Of the breaks that fit the one with
 * the shortest longer line. */
static size_t second_line(const struct tokens *t, size_t from, size_t to)
{
    int whole = columns_of(t, from, to), first = 0, best_columns = INT32_MAX;
    size_t best = to;
    if (whole <= LINE_COLUMNS)
        return to;
    for (size_t i = from; i + 1 < to; i++) {
        const struct token *next = &t->items[i + 1];
        first += t->items[i].columns + (i > from && t->items[i].space ? 1 : 0);
        int longer = SC_MAX(first, whole - first - (next->space ? 1 : 0));
        if (longer <= LINE_COLUMNS && longer < best_columns) {
            best_columns = longer;
            best = i + 1;
        }
    }
    return best;
}

/* Does the cue of the tokens [from, to) fit into two lines? */
static bool fits(const struct tokens *t, size_t from, size_t to)
{
    return columns_of(t, from, to) <= LINE_COLUMNS || second_line(t, from, to) < to;
}

/* How good it is to end a cue behind this token: 2 a sentence, 1 a clause. */
static int ends_phrase(struct sc_str token)
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

/* The end of the cue that begins at `from`: all that fits, or cut behind the last sentence or
 * clause in its second half, else at its longest pause there when that is one. */
static size_t cue_end(const struct tokens *t, size_t from)
{
    size_t to = from + 1;
    while (to < t->count && t->items[to].start - t->items[to - 1].end < PAUSE_MS &&
           t->items[to].end - t->items[from].start <= CUE_MS && fits(t, from, to + 1))
        to++;
    if (to == t->count || t->items[to].start - t->items[to - 1].end >= PAUSE_MS)
        return to;
    size_t best = to;
    int best_rank = 0;
    for (size_t i = to; i > from + (to - from) / 2 && i > from + 1; i--) {
        int rank = ends_phrase(token_str(t, &t->items[i - 1]));
        if (rank > best_rank) {
            best_rank = rank;
            best = i;
        }
    }
    return best;
}

static void put_time(struct sc_buf *out, int64_t ms)
{
    sc_buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ",%03" PRId64, ms / 3600000,
                  ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

/* Writes the cue that waits; it ends where the next begins at the latest (negative: there is none).
 */
static enum sc_code write_held(struct srt *w, int64_t next_start, struct sc_error *err)
{
    if (!w->held)
        return SC_OK;
    struct cue *c = &w->last;
    int64_t end = SC_MAX(c->end, c->start + SHOW_MS);
    if (next_start > c->start)
        end = SC_MIN(end, next_start);
    sc_buf_printf(&w->out.buf, "%" PRId64 "\n", ++w->index);
    put_time(&w->out.buf, c->start);
    sc_buf_puts(&w->out.buf, " --> ");
    put_time(&w->out.buf, end);
    sc_buf_putc(&w->out.buf, '\n');
    sc_buf_put_str(&w->out.buf, sc_buf_str(&c->text));
    sc_buf_puts(&w->out.buf, "\n\n");
    w->out.buf.failed = w->out.buf.failed || c->text.failed;
    w->held = false;
    return sc_writer_flush(&w->out, false, err);
}

static void put_tokens(struct sc_buf *out, const struct tokens *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (i > from && t->items[i].space)
            sc_buf_putc(out, ' ');
        sc_buf_put_str(out, token_str(t, &t->items[i]));
    }
}

static enum sc_code add_cue(struct srt *w, const struct tokens *t, size_t from, size_t to,
                            struct sc_error *err)
{
    int64_t start = SC_MAX(t->items[from].start, 0);
    /* Segments of two speakers may overlap; cues begin in order. */
    if (w->index > 0 || w->held)
        start = SC_MAX(start, w->last.start);
    enum sc_code code = write_held(w, start, err);
    if (code != SC_OK)
        return code;
    w->last.start = start;
    w->last.end = SC_MAX(start + 1, SC_MIN(t->items[to - 1].end, start + CUE_MS));
    sc_buf_reset(&w->last.text);
    size_t second = second_line(t, from, to);
    put_tokens(&w->last.text, t, from, second);
    if (second < to) {
        sc_buf_putc(&w->last.text, '\n');
        put_tokens(&w->last.text, t, second, to);
    }
    w->held = true;
    return SC_OK;
}

static enum sc_code add_segment(struct srt *w, const struct sc_segment *s, const char *speaker,
                                struct sc_error *err)
{
    SC_AUTO(tokens_done) struct tokens t = { 0 };
    collect_tokens(&t, s, speaker);
    if (t.failed || t.text.failed)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
    enum sc_code code = SC_OK;
    for (size_t from = 0; code == SC_OK && from < t.count;) {
        size_t to = cue_end(&t, from);
        code = add_cue(w, &t, from, to, err);
        from = to;
    }
    return code;
}

static bool has_text(const struct sc_segment *s)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(s->text));
    return line.len > 0;
}

enum sc_code sc_writer_srt(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                           sc_write_piece_fn piece, void *ctx, struct sc_error *err)
{
    (void)meta;
    struct srt w = { .out = { .piece = piece, .ctx = ctx } };
    const char *speaker = "";
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < segments->count; i++) {
        const struct sc_segment *s = &segments->items[i];
        if (!has_text(s))
            continue;
        const char *who = s->speaker == NULL ? "" : s->speaker;
        bool named = strcmp(who, speaker) != 0 && who[0] != '\0';
        speaker = who;
        code = add_segment(&w, s, named ? who : NULL, err);
    }
    if (code == SC_OK)
        code = write_held(&w, -1, err);
    if (code == SC_OK)
        code = sc_writer_flush(&w.out, true, err);
    sc_buf_done(&w.last.text);
    sc_buf_done(&w.out.buf);
    return code;
}
