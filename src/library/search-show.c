/* One hit: where in the segment it is, when that is said, and the words around it. */

#include "library/library-internal.h"
#include "library/search-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/fold.h"

#include "base/banned.h"

/* Signs around the first mark, where the words are long, or there are no spaces. */
#define CONTEXT_SIGNS_PER_WORD 12

/* Bytes of the segment's text. */
struct span {
    size_t start, end;
};
struct spans {
    struct span *at;
    size_t count, cap;
};

static void spans_done(struct spans *s)
{
    free(s->at);
}

static void add_span(struct spans *s, size_t start, size_t end)
{
    sc_grow((void **)&s->at, &s->cap, s->count + 1, sizeof(*s->at));
    s->at[s->count++] = (struct span){ start, end };
}

void sc_shown_hit_done(struct sc_shown_hit *hit)
{
    sc_segment_done(&hit->segment);
    sc_buf_done(&hit->snippet);
    free(hit->marks);
    *hit = (struct sc_shown_hit){ .marks = NULL };
}

struct sc_search_hit sc_shown_hit_tell(const struct sc_shown_hit *hit)
{
    return (struct sc_search_hit){
        .segment_id = hit->segment.id,
        .start_ms = hit->segment.start_ms,
        .end_ms = hit->segment.end_ms,
        .at_ms = hit->at_ms,
        .speaker = hit->segment.speaker == NULL ? "" : hit->segment.speaker,
        .snippet = sc_buf_str(&hit->snippet),
        .cut_before = hit->cut_before,
        .cut_after = hit->cut_after,
        .marks = hit->marks,
        .mark_count = hit->mark_count,
    };
}

/* ---- where ---- */

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int by_start = (x->start > y->start) - (x->start < y->start);
    return by_start != 0 ? by_start : (x->end > y->end) - (x->end < y->end);
}

/* In order, and what overlaps is one. */
static void merge_spans(struct spans *s)
{
    size_t kept = 0;
    if (s->count == 0)
        return;
    qsort(s->at, s->count, sizeof(*s->at), compare_spans);
    for (size_t i = 1; i < s->count; i++) {
        if (s->at[i].start < s->at[kept].end)
            s->at[kept].end = SC_MAX(s->at[kept].end, s->at[i].end);
        else
            s->at[++kept] = s->at[i];
    }
    s->count = kept + 1;
}

static void take_token(void *ctx, const struct sc_token *token)
{
    struct spans *tokens = ctx;
    if (!token->colocated)
        add_span(tokens, token->start, token->end);
}

/* Places are told in tokens: which bytes these are only the tokenizer knows. */
static void find_words(const struct sc_search_row *row, struct sc_str text, struct spans *out)
{
    SC_AUTO(spans_done) struct spans tokens = { .count = 0 };
    const unsigned char *p = (const unsigned char *)row->places.ptr;
    size_t at = row->places.len == 0 ? 0 : 1 + (size_t)p[0];
    sc_tokenizer_words_run(row->tokenizer, text, false, take_token, &tokens);
    for (; at + SC_TOKENIZER_PLACE <= row->places.len; at += SC_TOKENIZER_PLACE) {
        size_t first =
            p[at + 1] | (size_t)p[at + 2] << 8 | (size_t)p[at + 3] << 16 | (size_t)p[at + 4] << 24;
        size_t last = first + SC_MAX(p[at], 1) - 1;
        if (last < tokens.count) /* of an index and rows that do not fit, fsck tells */
            add_span(out, tokens.at[first].start, tokens.at[last].end);
    }
    merge_spans(out);
}

/* The text folded, and the bytes of the text that each byte of it stands for. */
struct folded {
    struct sc_buf text;
    struct span *of;
    size_t cap;
};

static void folded_done(struct folded *f)
{
    sc_buf_done(&f->text);
    free(f->of);
}

static void fold(struct sc_str text, struct folded *out)
{
    struct sc_folder f = { .rest = text };
    size_t start;
    for (uint32_t sign; (sign = sc_fold_next(&f, &start)) != 0;) {
        size_t at = out->text.len;
        sc_utf8_append(&out->text, sign);
        sc_grow((void **)&out->of, &out->cap, out->text.len, sizeof(*out->of));
        for (; at < out->text.len; at++)
            out->of[at] = (struct span){ start, f.at };
    }
}

static void find_parts(struct sc_str text, struct sc_str wanted, struct spans *out)
{
    SC_AUTO(folded_done) struct folded f = { .cap = 0 };
    fold(text, &f);
    size_t at = 0;
    while (f.text.len - at >= wanted.len && f.text.len > 0) {
        const char *found = memmem(f.text.ptr + at, f.text.len - at, wanted.ptr, wanted.len);
        if (found == NULL)
            break;
        size_t first = (size_t)(found - f.text.ptr);
        at = first + wanted.len;
        add_span(out, f.of[first].start, f.of[at - 1].end);
    }
}

/* ---- when ---- */

/* Of the word that the byte belongs to; without words as far into the time as into the text. */
static int64_t time_at(const struct sc_segment *s, struct sc_str text, size_t byte)
{
    size_t at = 0;
    int64_t before = s->start_ms;
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_str word = sc_str_from(s->words[i].text);
        const char *found =
            word.len == 0 ? NULL : memmem(text.ptr + at, text.len - at, word.ptr, word.len);
        if (found == NULL)
            continue;
        if ((size_t)(found - text.ptr) > byte)
            return before;
        before = s->words[i].start_ms;
        at = (size_t)(found - text.ptr) + word.len;
        if (byte < at)
            return before;
    }
    if (s->word_count > 0 || text.len == 0)
        return before;
    return s->start_ms +
           (int64_t)((double)(s->end_ms - s->start_ms) * (double)byte / (double)text.len);
}

/* ---- the words around ---- */

static bool is_start(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static size_t step_back(struct sc_str text, size_t at, int words)
{
    int signs = words * CONTEXT_SIGNS_PER_WORD, passed = 0;
    size_t start = at;
    while (at > 0 && signs > 0) {
        at--;
        if (!is_start(text.ptr[at]))
            continue;
        signs--;
        bool begins = text.ptr[at] != ' ' && (at == 0 || text.ptr[at - 1] == ' ');
        if (begins && (start = at, ++passed) >= words)
            return at;
    }
    /* In the midst of a word: from where one begins, if there is one on the way. */
    return at == 0 || passed == 0 ? at : start;
}

static size_t step_on(struct sc_str text, size_t at, int words)
{
    int signs = words * CONTEXT_SIGNS_PER_WORD, passed = 0;
    size_t end = at;
    bool inside = at < text.len && text.ptr[at] != ' '; /* of a word that is not counted */
    while (at < text.len && signs > 0 && passed < words) {
        at++;
        if (at < text.len && !is_start(text.ptr[at]))
            continue;
        signs--;
        if (text.ptr[at - 1] == ' ' || (at < text.len && text.ptr[at] != ' '))
            continue;
        end = at;
        passed += !inside;
        inside = false;
    }
    return at == text.len || passed == 0 ? at : end;
}

static size_t count_signs(const char *text, size_t from, size_t to)
{
    size_t n = 0;
    for (; from < to; from++)
        n += is_start(text[from]);
    return n;
}

static void cut(struct sc_str text, const struct spans *spans, int context,
                struct sc_shown_hit *out)
{
    size_t first = spans->count > 0 ? spans->at[0].start : 0;
    size_t behind = spans->count > 0 ? spans->at[0].end : 0;
    size_t from = step_back(text, first, context), to = step_on(text, behind, context);
    out->cut_before = from > 0;
    out->cut_after = to < text.len;
    sc_buf_append(&out->snippet, text.ptr + from, to - from);
    for (size_t i = 0; i < spans->count; i++) {
        struct span s = { SC_MAX(spans->at[i].start, from), SC_MIN(spans->at[i].end, to) };
        if (s.start >= s.end)
            continue;
        sc_grow((void **)&out->marks, &out->mark_cap, out->mark_count + 1, sizeof(*out->marks));
        out->marks[out->mark_count++] = (struct sc_search_mark){
            .start = count_signs(text.ptr, from, s.start),
            .length = count_signs(text.ptr, s.start, s.end),
        };
    }
}

static enum sc_code read_segment(struct sc_conn *conn, int64_t row, struct sc_segment *out,
                                 bool *found, struct sc_error *err)
{
    struct sc_error why = { 0 };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEARCH_SEGMENT);
    sc_stmt_bind_int(&st, ":id", row);
    enum sc_code code = sc_stmt_one(&st, err);
    *found = code == SC_OK && sc_segment_from_row(&st, out, &why);
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_search_show(struct sc_conn *conn, const struct sc_search *search,
                            const struct sc_search_row *row, struct sc_shown_hit *out, bool *found,
                            struct sc_error *err)
{
    SC_AUTO(spans_done) struct spans spans = { .count = 0 };
    enum sc_code code = read_segment(conn, row->id, &out->segment, found, err);
    if (code != SC_OK || !*found)
        return code;
    struct sc_str text = sc_str_from(out->segment.text);
    if (search->parts)
        find_parts(text, search->folded, &spans);
    else
        find_words(row, text, &spans);
    cut(text, &spans, search->context, out);
    out->at_ms = time_at(&out->segment, text, spans.count > 0 ? spans.at[0].start : 0);
    return SC_OK;
}

void sc_search_show_text(const struct sc_search *search, const struct sc_search_row *row,
                         struct sc_str text, struct sc_shown_hit *out)
{
    SC_AUTO(spans_done) struct spans spans = { .count = 0 };
    find_words(row, text, &spans);
    cut(text, &spans, search->context, out);
}
