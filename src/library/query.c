#include "library/query.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "config/nearest.h"
#include "store/fold.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/banned.h"

/* A recursive descent, as deep as SC_QUERY_DEPTH allows. What a part of the query comes to is text
 * in the language of FTS5, always a whole: one string, or something in parentheses. Empty text is a
 * part without words. */

enum token_kind { END, WORD, PHRASE, OPEN, CLOSE, AND, OR, NOT, MINUS, PLUS, CONDITION };

struct token {
    enum token_kind kind;
    struct sc_str text; /* of words, phrases and conditions' values */
    bool prefix;
    size_t column, value_column;
    enum sc_condition condition;
};

struct parser {
    struct sc_str rest;
    size_t column; /* of the start of rest, in signs from 1 on */
    struct token at;
    int64_t owner_id;
    int depth, terms;
    struct sc_match *out;
    struct sc_error *err;
};

void sc_match_done(struct sc_match *m)
{
    sc_buf_done(&m->text);
}

enum sc_code sc_match_refuse(struct sc_error *err, size_t column, const char *fmt, ...)
{
    char what[180];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return sc_error_field(err, SC_E_INVALID_VALUE, "q", "q, column %zu: %s", column, what);
}

/* ---- signs ---- */

static uint32_t peek(const struct parser *p)
{
    uint32_t sign = 0;
    (void)sc_utf8_decode(p->rest, &sign); /* checked before: it is UTF-8 */
    return sign;
}

static void skip(struct parser *p)
{
    uint32_t sign;
    size_t n = SC_MAX(sc_utf8_decode(p->rest, &sign), 1);
    p->rest = (struct sc_str){ p->rest.ptr + n, p->rest.len - n };
    p->column++;
}

static bool is_space(uint32_t sign)
{
    return sc_fold_sign(sign) == ' ' || sign < 0x20;
}

/* Programs for writing put other marks where people type ". */
static bool is_quote(uint32_t sign)
{
    return sign == '"' || (sign >= 0x201C && sign <= 0x201F);
}

static bool ends_word(uint32_t sign)
{
    return is_space(sign) || is_quote(sign) || sign == '(' || sign == ')';
}

static bool has_word(struct sc_str text)
{
    while (text.len > 0) {
        uint32_t sign = 0;
        size_t n = SC_MAX(sc_utf8_decode(text, &sign), 1);
        if (sc_fold_is_word(sign))
            return true;
        text = (struct sc_str){ text.ptr + n, text.len - n };
    }
    return false;
}

/* ---- tokens ---- */

static const struct {
    const char *name;
    enum sc_condition condition;
} names[] = {
    { "speaker", SC_CONDITION_SPEAKER }, { "language", SC_CONDITION_LANGUAGE },
    { "lang", SC_CONDITION_LANGUAGE },   { "file", SC_CONDITION_FILE },
    { "job", SC_CONDITION_JOB },         { "tag", SC_CONDITION_TAG },
    { "since", SC_CONDITION_SINCE },     { "after", SC_CONDITION_SINCE },
    { "until", SC_CONDITION_UNTIL },     { "before", SC_CONDITION_UNTIL },
    { "longer", SC_CONDITION_LONGER },   { "shorter", SC_CONDITION_SHORTER },
    { "status", SC_CONDITION_STATUS },   { "is", SC_CONDITION_IS },
};

/* "name:" of a condition at the start of the rest; its bytes, 0: none. */
static size_t condition_name(struct sc_str rest, enum sc_condition *out)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i].name);
        if (rest.len <= len || rest.ptr[len] != ':' ||
            !sc_str_equal_nocase((struct sc_str){ rest.ptr, len }, sc_str_from(names[i].name)))
            continue;
        *out = names[i].condition;
        return len + 1;
    }
    return 0;
}

#define MISTYPED_MIN 4 /* signs; shorter ones are near to everything */

/* The condition that "speakr:anna" at the start of the rest is near to; NULL: none, and so text.
 * *typed is its name as it stands there. */
static const char *mistyped_condition(struct sc_str rest, struct sc_str *typed)
{
    char lower[16];
    size_t len = 0, best = SIZE_MAX;
    const char *meant = NULL;
    for (; len < rest.len && len < sizeof(lower); len++) {
        char c = (char)(rest.ptr[len] | 0x20);
        if (c < 'a' || c > 'z')
            break;
        lower[len] = c;
    }
    if (len < MISTYPED_MIN || len == sizeof(lower) || len + 1 >= rest.len || rest.ptr[len] != ':' ||
        rest.ptr[len + 1] == '/' || is_space((unsigned char)rest.ptr[len + 1]))
        return NULL;
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        size_t far = sc_edit_distance((struct sc_str){ lower, len }, sc_str_from(names[i].name));
        if (far <= (len < 6 ? 1U : 2U) && far < best) {
            best = far;
            meant = names[i].name;
        }
    }
    *typed = (struct sc_str){ rest.ptr, len };
    return meant;
}

/* Up to the closing mark, which is taken too. */
static enum sc_code take_quoted(struct parser *p, struct sc_str *out)
{
    size_t opened = p->column;
    skip(p);
    const char *start = p->rest.ptr;
    while (p->rest.len > 0 && !is_quote(peek(p)))
        skip(p);
    if (p->rest.len == 0)
        return sc_match_refuse(p->err, opened,
                               "this quotation mark is never closed: close it, or leave it out");
    *out = (struct sc_str){ start, (size_t)(p->rest.ptr - start) };
    skip(p);
    return SC_OK;
}

static struct sc_str take_plain(struct parser *p)
{
    const char *start = p->rest.ptr;
    while (p->rest.len > 0 && !ends_word(peek(p)))
        skip(p);
    return (struct sc_str){ start, (size_t)(p->rest.ptr - start) };
}

static enum sc_code take_condition(struct parser *p, size_t name_len)
{
    for (size_t i = 0; i < name_len; i++)
        skip(p);
    p->at.kind = CONDITION;
    p->at.value_column = p->column;
    enum sc_code code = SC_OK;
    if (p->rest.len > 0 && is_quote(peek(p)))
        code = take_quoted(p, &p->at.text);
    else
        p->at.text = take_plain(p);
    if (code == SC_OK && p->at.text.len == 0)
        return sc_match_refuse(p->err, p->at.value_column,
                               "the condition has no value: write it behind the colon, or put "
                               "quotation marks around the word");
    return code;
}

/* A star stands at the end of a word, or behind a phrase. */
static enum sc_code take_word(struct parser *p)
{
    static const struct {
        const char *text;
        enum token_kind kind;
    } operators[] = { { "AND", AND }, { "OR", OR }, { "NOT", NOT } };
    struct sc_str text = take_plain(p);
    p->at.kind = WORD;
    for (size_t i = 0; i < SC_ARRAY_LEN(operators); i++) {
        if (sc_str_equal(text, sc_str_from(operators[i].text))) {
            p->at.kind = operators[i].kind;
            return SC_OK;
        }
    }
    const char *star = memchr(text.ptr, '*', text.len);
    if (star != NULL) {
        struct sc_str head = { text.ptr, (size_t)(star - text.ptr) };
        size_t signs = 0;
        for (size_t i = 0; i < head.len; i++)
            signs += ((unsigned char)head.ptr[i] & 0xC0) != 0x80;
        if (head.len + 1 != text.len || !has_word(head))
            return sc_match_refuse(p->err, p->at.column + signs,
                                   "* stands at the end of a word, as in budg*; for parts of words "
                                   "use mode=substring");
        p->at.prefix = true;
        text = head;
    }
    p->at.text = text;
    return SC_OK;
}

static enum sc_code take_phrase(struct parser *p)
{
    p->at.kind = PHRASE;
    enum sc_code code = take_quoted(p, &p->at.text);
    if (code == SC_OK && p->rest.len > 0 && p->rest.ptr[0] == '*') {
        if (!has_word(p->at.text))
            return sc_match_refuse(p->err, p->column, "* stands at the end of a word, as in budg*");
        p->at.prefix = true;
        skip(p);
    }
    return code;
}

/* A sign of its own: a parenthesis, or a + or - right in front of something. */
static bool take_sign(struct parser *p, uint32_t sign)
{
    static const struct {
        char sign;
        enum token_kind kind;
    } signs[] = { { '(', OPEN }, { ')', CLOSE }, { '-', MINUS }, { '+', PLUS } };
    for (size_t i = 0; i < SC_ARRAY_LEN(signs); i++) {
        if (sign != (unsigned char)signs[i].sign)
            continue;
        struct parser behind = *p;
        skip(&behind);
        uint32_t next = peek(&behind);
        if (i >= 2 && (behind.rest.len == 0 || is_space(next) || next == ')'))
            return false;
        skip(p);
        p->at.kind = signs[i].kind;
        return true;
    }
    return false;
}

static enum sc_code next(struct parser *p)
{
    while (p->rest.len > 0 && is_space(peek(p)))
        skip(p);
    p->at = (struct token){ .kind = END, .column = p->column };
    if (p->rest.len == 0)
        return SC_OK;
    uint32_t sign = peek(p);
    if (take_sign(p, sign))
        return SC_OK;
    if (is_quote(sign))
        return take_phrase(p);
    size_t name_len = condition_name(p->rest, &p->at.condition);
    struct sc_str typed;
    const char *meant = name_len > 0 ? NULL : mistyped_condition(p->rest, &typed);
    if (meant != NULL)
        return sc_match_refuse(p->err, p->column,
                               "there is no condition '%.*s'; did you mean %s: (or put quotation "
                               "marks around the word)",
                               (int)typed.len, typed.ptr, meant);
    return name_len > 0 ? take_condition(p, name_len) : take_word(p);
}

/* ---- the language of FTS5 ---- */

static void put_mark(struct sc_buf *out, int64_t owner_id)
{
    sc_buf_printf(out, "\x01%" PRId64 "\x02", owner_id);
}

static void put_string(struct sc_buf *out, int64_t owner_id, struct sc_str text, bool prefix)
{
    sc_buf_putc(out, '"');
    put_mark(out, owner_id);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            sc_buf_putc(out, '"');
        sc_buf_putc(out, text.ptr[i]);
    }
    sc_buf_puts(out, prefix ? "\"*" : "\"");
}

/* all = all OP one, in parentheses. */
static void join(struct sc_buf *all, const char *op, const struct sc_buf *one)
{
    if (one->len == 0)
        return;
    if (all->len == 0) {
        sc_buf_put_str(all, sc_buf_str(one));
        return;
    }
    SC_AUTO_BUF before = *all;
    *all = (struct sc_buf){ 0 };
    sc_buf_printf(all, "(%s %s %s)", sc_buf_text(&before), op, sc_buf_text(one));
}

/* ---- the grammar ---- */

#define ALONE "a condition stands by itself, without OR, NOT, + or -"

static enum sc_code parse_any(struct parser *p, struct sc_buf *out);

static enum sc_code parse_group(struct parser *p, struct sc_buf *out)
{
    size_t opened = p->at.column;
    if (++p->depth > SC_QUERY_DEPTH)
        return sc_match_refuse(p->err, opened, "at most %d parentheses may stand in each other",
                               SC_QUERY_DEPTH);
    enum sc_code code = next(p);
    if (code == SC_OK && p->at.kind == CLOSE)
        return sc_match_refuse(p->err, opened, "there is nothing between the parentheses");
    if (code == SC_OK)
        code = parse_any(p, out);
    if (code == SC_OK && p->at.kind != CLOSE)
        return sc_match_refuse(p->err, opened,
                               "this parenthesis is never closed: close it, or leave it out");
    p->depth--;
    return code == SC_OK ? next(p) : code;
}

static enum sc_code take_value(struct parser *p)
{
    struct token *t = &p->at;
    if (p->depth > 0)
        return sc_match_refuse(p->err, t->column,
                               "a condition holds for the whole search: it stands outside of "
                               "parentheses");
    if (p->out->conditions[t->condition].value.ptr != NULL)
        return sc_match_refuse(p->err, t->column, "this condition stands here twice: leave one");
    p->out->conditions[t->condition].value = t->text;
    p->out->conditions[t->condition].column = t->value_column;
    return next(p);
}

static enum sc_code parse_term(struct parser *p, struct sc_buf *out)
{
    if (has_word(p->at.text)) {
        if (++p->terms > SC_QUERY_TERMS)
            return sc_match_refuse(p->err, p->at.column,
                                   "a search has at most %d words and phrases", SC_QUERY_TERMS);
        put_string(out, p->owner_id, p->at.text, p->at.prefix);
    }
    return next(p);
}

/* A word, a phrase or a group. */
static enum sc_code parse_one(struct parser *p, struct sc_buf *out)
{
    switch (p->at.kind) {
    case WORD:
    case PHRASE:
        return parse_term(p, out);
    case OPEN:
        return parse_group(p, out);
    case END:
        return sc_match_refuse(p->err, p->at.column, "here something to look for is missing");
    case CLOSE:
        return sc_match_refuse(p->err, p->at.column, "this parenthesis was never opened");
    case AND:
    case OR:
        return sc_match_refuse(p->err, p->at.column,
                               "AND and OR stand between two things to look for; as words they go "
                               "in small letters or quotation marks");
    case CONDITION:
        return sc_match_refuse(p->err, p->at.column, ALONE);
    case NOT:
    case MINUS:
    case PLUS:
        break;
    }
    return sc_match_refuse(p->err, p->at.column, "two signs for what must, or must not, be there");
}

static bool begins_one(enum token_kind kind)
{
    return kind != END && kind != CLOSE && kind != OR;
}

/* Words that are asked for together. */
struct all {
    struct sc_buf with, without;
    size_t without_column; /* of the first thing that must not be there */
    bool words;            /* not conditions alone */
};

static void all_done(struct all *a)
{
    sc_buf_done(&a->with);
    sc_buf_done(&a->without);
}

/* The next thing, which must be there, or must not, or is a condition. */
static enum sc_code parse_next(struct parser *p, struct all *all)
{
    SC_AUTO_BUF one = { 0 };
    size_t column = p->at.column;
    if (p->at.kind == CONDITION)
        return take_value(p);
    enum sc_code code = SC_OK;
    bool negative = p->at.kind == NOT || p->at.kind == MINUS;
    if (negative || p->at.kind == PLUS)
        code = next(p);
    if (code == SC_OK)
        code = parse_one(p, &one);
    if (code != SC_OK)
        return code;
    if (negative && all->without_column == 0)
        all->without_column = column;
    all->words = true;
    join(negative ? &all->without : &all->with, negative ? "OR" : "AND", &one);
    return SC_OK;
}

static enum sc_code parse_all(struct parser *p, bool behind_or, struct sc_buf *out)
{
    SC_AUTO(all_done) struct all all = { .words = false };
    size_t column = p->at.column;
    enum sc_code code = parse_next(p, &all);
    while (code == SC_OK && begins_one(p->at.kind)) {
        if (p->at.kind == AND)
            code = next(p);
        if (code == SC_OK)
            code = parse_next(p, &all);
    }
    if (code != SC_OK)
        return code;
    if (!all.words && (behind_or || p->at.kind == OR))
        return sc_match_refuse(p->err, column, ALONE);
    if (all.without.len > 0 && all.with.len == 0)
        return sc_match_refuse(p->err, all.without_column,
                               "only what must not be there: add something to look for");
    sc_buf_put_str(out, sc_buf_str(&all.with));
    join(out, "NOT", &all.without);
    return SC_OK;
}

static enum sc_code parse_any(struct parser *p, struct sc_buf *out)
{
    enum sc_code code = parse_all(p, false, out);
    while (code == SC_OK && p->at.kind == OR) {
        SC_AUTO_BUF one = { 0 };
        code = next(p);
        if (code == SC_OK)
            code = parse_all(p, true, &one);
        if (code == SC_OK)
            join(out, "OR", &one);
    }
    return code;
}

/* ---- */

/* What no query may be, whichever way it is read. */
static enum sc_code check_text(struct sc_str typed, struct sc_error *err)
{
    size_t column = 1;
    if (typed.len > SC_QUERY_BYTES)
        return sc_error_field(err, SC_E_INVALID_VALUE, "q",
                              "q has %zu bytes: a search has at most %d", typed.len,
                              SC_QUERY_BYTES);
    for (struct sc_str rest = typed; rest.len > 0; column++) {
        uint32_t sign;
        size_t n = sc_utf8_decode(rest, &sign);
        if (n == 0 || sign == 0)
            return sc_match_refuse(err, column, "%s",
                                   n == 0 ? "a byte that is no UTF-8" : "a NUL: leave it out");
        rest = (struct sc_str){ rest.ptr + n, rest.len - n };
    }
    return SC_OK;
}

static enum sc_code refuse_empty(const struct sc_match *m, struct sc_error *err)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        if (m->conditions[names[i].condition].value.ptr != NULL)
            return sc_match_refuse(err, 1, "%s: alone is not enough: add a word to look for",
                                   names[i].name);
    }
    return sc_match_refuse(err, 1, "there is no word to look for");
}

enum sc_code sc_match_compile(struct sc_str typed, int64_t owner_id, struct sc_match *out,
                              struct sc_error *err)
{
    SC_AUTO_MATCH m = { .text = { 0 } };
    struct parser p = { .rest = typed, .column = 1, .owner_id = owner_id, .out = &m, .err = err };
    enum sc_code code = check_text(typed, err);
    if (code == SC_OK)
        code = next(&p);
    if (code == SC_OK && p.at.kind == END)
        return refuse_empty(&m, err);
    if (code == SC_OK)
        code = parse_any(&p, &m.text);
    if (code == SC_OK && p.at.kind == CLOSE)
        return sc_match_refuse(err, p.at.column, "this parenthesis was never opened");
    if (code == SC_OK && m.text.len == 0)
        return refuse_empty(&m, err);
    if (code == SC_OK && m.text.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the search");
    if (code == SC_OK) {
        *out = m;
        m = (struct sc_match){ .text = { 0 } };
    }
    return code;
}

/* ---- parts of words ---- */

#define PARTS_MAX 24 /* of the text; the rows that have these are held against all of it */

enum sc_code sc_match_compile_part(struct sc_str typed, int64_t owner_id, struct sc_buf *folded,
                                   struct sc_buf *out, struct sc_error *err)
{
    size_t starts[SC_QUERY_BYTES + 1];
    size_t count = 0, start;
    enum sc_code code = check_text(typed, err);
    if (code != SC_OK)
        return code;
    struct sc_folder f = { .rest = sc_str_trim(typed) };
    for (uint32_t sign; (sign = sc_fold_next(&f, &start)) != 0;) {
        starts[count++] = folded->len;
        sc_utf8_append(folded, sign);
    }
    starts[count] = folded->len;
    if (count == 0)
        return sc_match_refuse(err, 1, "there is nothing to look for");
    for (size_t i = 0; i + 3 <= SC_MIN(count, PARTS_MAX + 2); i++) {
        struct sc_str three = { folded->ptr + starts[i], starts[i + 3] - starts[i] };
        if (i > 0)
            sc_buf_puts(out, " AND ");
        put_string(out, owner_id, three, false);
    }
    return SC_OK;
}
