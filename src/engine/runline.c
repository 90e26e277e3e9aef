#include "engine/runline.h"

#include "base/alloc.h"
#include "base/buf.h"

#include "base/banned.h"

void sc_runline_done(struct sc_runline *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->words[i]);
    free(w->words);
    *w = (struct sc_runline){ 0 };
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Cuts one word off, without its quotes; what is wrong with it, or NULL. */
static const char *take_word(struct sc_str *rest, struct sc_buf *out)
{
    char quote = '\0';
    for (; rest->len > 0; rest->ptr++, rest->len--) {
        char c = rest->ptr[0];
        char next = rest->len > 1 ? rest->ptr[1] : '\0';
        bool escapes = c == '\\' && quote != '\'' && (quote == '\0' || next == '\\' || next == '"');
        if (quote == '\0' && is_space(c))
            return NULL;
        if (escapes && rest->len < 2)
            return "it ends in a backslash";
        if (escapes) {
            sc_buf_putc(out, next);
            rest->ptr++;
            rest->len--;
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else {
            sc_buf_putc(out, c);
        }
    }
    return quote == '\0' ? NULL : "a quote is not closed";
}

static void add(struct sc_runline *w, char *word)
{
    w->words[w->count++] = word;
    w->words[w->count] = NULL;
}

static const char *split(struct sc_str rest, struct sc_runline *out)
{
    for (;;) {
        SC_AUTO_BUF word = { 0 };
        while (rest.len > 0 && is_space(rest.ptr[0])) {
            rest.ptr++;
            rest.len--;
        }
        if (rest.len == 0)
            return NULL;
        if (out->count == SC_RUNLINE_WORDS)
            return "it has more than 256 words";
        const char *fault = take_word(&rest, &word);
        if (fault != NULL)
            return fault;
        char *text = sc_buf_take(&word);
        sc_assert(text != NULL); /* shorter than the line, which is bounded */
        add(out, text);
    }
}

enum sc_code sc_runline_split(struct sc_str line, struct sc_runline *out, struct sc_error *err)
{
    SC_AUTO(sc_runline_done) struct sc_runline made = { 0 };
    made.words = sc_alloc_array(SC_RUNLINE_WORDS + 1, sizeof(*made.words));
    const char *fault =
        memchr(line.ptr, '\0', line.len) != NULL ? "it holds a NUL byte" : split(line, &made);
    if (fault != NULL)
        return sc_error_set(err, SC_E_INVALID_VALUE, "%s", fault);
    *out = made;
    made = (struct sc_runline){ 0 };
    return SC_OK;
}

/* The next {letters} in text; len 0: there is none. */
static struct sc_str next_placeholder(const char *text)
{
    for (const char *open = strchr(text, '{'); open != NULL; open = strchr(open + 1, '{')) {
        size_t n = strspn(open + 1, "abcdefghijklmnopqrstuvwxyz");
        if (n > 0 && open[1 + n] == '}')
            return (struct sc_str){ open + 1, n };
    }
    return (struct sc_str){ 0 };
}

static const struct sc_placeholder *find(struct sc_str name, const struct sc_placeholder *known,
                                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sc_str_equal(name, sc_str_from(known[i].name)))
            return &known[i];
    }
    return NULL;
}

struct sc_str sc_runline_unknown(const struct sc_runline *w, const struct sc_placeholder *known,
                                 size_t count)
{
    for (size_t i = 0; i < w->count; i++) {
        struct sc_str name = next_placeholder(w->words[i]);
        for (; name.len > 0; name = next_placeholder(name.ptr + name.len)) {
            if (find(name, known, count) == NULL)
                return name;
        }
    }
    return (struct sc_str){ 0 };
}

bool sc_runline_use(const struct sc_runline *w, const char *name)
{
    for (size_t i = 0; i < w->count; i++) {
        struct sc_str found = next_placeholder(w->words[i]);
        for (; found.len > 0; found = next_placeholder(found.ptr + found.len)) {
            if (sc_str_equal(found, sc_str_from(name)))
                return true;
        }
    }
    return false;
}

/* A value is put in once and not looked at again: what it holds is data. */
static char *fill(const char *word, const struct sc_placeholder *values, size_t count)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_str name = next_placeholder(word);
    for (; name.len > 0; name = next_placeholder(word)) {
        const struct sc_placeholder *value = find(name, values, count);
        const char *behind = name.ptr + name.len + 1;
        const char *until = value != NULL && value->value != NULL ? name.ptr - 1 : behind;
        sc_buf_append(&out, word, (size_t)(until - word));
        if (until != behind)
            sc_buf_puts(&out, value->value);
        word = behind;
    }
    sc_buf_puts(&out, word);
    char *text = sc_buf_take(&out);
    sc_assert(text != NULL);
    return text;
}

void sc_runline_fill(const struct sc_runline *w, const struct sc_placeholder *values, size_t count,
                     struct sc_runline *out)
{
    out->words = sc_alloc_array(w->count + 1, sizeof(*out->words));
    out->count = 0;
    for (size_t i = 0; i < w->count; i++)
        add(out, fill(w->words[i], values, count));
}
