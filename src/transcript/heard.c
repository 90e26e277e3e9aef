#include "transcript/heard.h"

#include "base/alloc.h"
#include "transcript/segment.h"
#include "transcript/varint.h"
#include "json/reader.h"
#include "json/writer.h"

#include <math.h>

#include "base/banned.h"

#define PACK_VERSION 1
#define PARTS 10000 /* of one: what is kept behind the point */
#define DIGITS 4
#define NUMBER_MAX 1e6
#define SEEK_MAX (SC_SEGMENT_TIME_MAX / 10)

/* The numbers, in the order of their bits. */
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    { "temperature", offsetof(struct sc_heard, temperature) },
    { "avg_logprob", offsetof(struct sc_heard, avg_logprob) },
    { "compression_ratio", offsetof(struct sc_heard, compression_ratio) },
    { "no_speech_prob", offsetof(struct sc_heard, no_speech_prob) },
};
#define NUMBERS SC_ARRAY_LEN(numbers)
#define SEEK_TOLD (1U << NUMBERS)
#define LANGUAGE_TOLD (SEEK_TOLD << 1)

static double *number_of(struct sc_heard *h, size_t i)
{
    return (double *)(void *)((char *)h + numbers[i].offset);
}

static double get_number(const struct sc_heard *h, size_t i)
{
    double value;
    memcpy(&value, (const char *)h + numbers[i].offset, sizeof(value));
    return value;
}

static bool is_told(double number)
{
    return !isnan(number);
}

static bool is_kept(double number)
{
    return fabs(number) <= NUMBER_MAX; /* NaN and the infinite are not */
}

void sc_heard_free(struct sc_heard *h)
{
    if (h == NULL)
        return;
    free(h->tokens);
    free(h);
}

static struct sc_heard *heard_new(void)
{
    struct sc_heard *h = sc_try_alloc(sizeof(*h));
    if (h != NULL)
        *h = (struct sc_heard){ .temperature = NAN,
                                .avg_logprob = NAN,
                                .compression_ratio = NAN,
                                .no_speech_prob = NAN,
                                .seek = -1 };
    return h;
}

struct sc_heard *sc_segment_make_heard(struct sc_segment *s)
{
    if (s->heard == NULL)
        s->heard = heard_new();
    return s->heard;
}

bool sc_heard_add_token(struct sc_heard *h, int32_t token)
{
    void *tokens = h->tokens;
    if (h->token_count == SC_HEARD_TOKENS_MAX ||
        !sc_try_grow(&tokens, &h->token_cap, h->token_count + 1, sizeof(*h->tokens)))
        return false;
    h->tokens = tokens;
    h->tokens[h->token_count++] = token;
    return true;
}

bool sc_heard_is_empty(const struct sc_heard *h)
{
    if (h == NULL)
        return true;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (is_told(get_number(h, i)))
            return false;
    }
    return h->token_count == 0 && h->seek < 0 && h->language[0] == '\0';
}

bool sc_heard_is_equal(const struct sc_heard *a, const struct sc_heard *b)
{
    SC_AUTO_BUF x = { 0 };
    SC_AUTO_BUF y = { 0 };
    sc_heard_pack(a, &x);
    sc_heard_pack(b, &y);
    return !x.failed && !y.failed && sc_str_equal(sc_buf_str(&x), sc_buf_str(&y));
}

struct sc_heard *sc_heard_copy(const struct sc_heard *h)
{
    SC_AUTO(sc_heard_freep) struct sc_heard *copy = heard_new();
    if (copy == NULL)
        return NULL;
    *copy = *h;
    copy->tokens = NULL;
    copy->token_count = copy->token_cap = 0;
    for (size_t i = 0; i < h->token_count; i++) {
        if (!sc_heard_add_token(copy, h->tokens[i]))
            return NULL;
    }
    return SC_TAKE(copy);
}

void sc_segment_forget_heard(struct sc_segment *s)
{
    sc_heard_free(SC_TAKE(s->heard));
}

void sc_segment_forget_tokens(struct sc_segment *s)
{
    if (s->heard == NULL)
        return;
    s->heard->token_count = 0;
    if (sc_heard_is_empty(s->heard))
        sc_segment_forget_heard(s);
}

static bool is_lower(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 'a' || text.ptr[i] > 'z')
            return false;
    }
    return true;
}

/* A code as all of them are written: what is packed has one form. There are packs with a code
 * ("deu", "jw") that would be another one by now. */
static bool is_code(struct sc_str text)
{
    char code[SC_LANGUAGE_TEXT];
    return (text.len == 2 || text.len == 3) && is_lower(text) && sc_language_code(text, code);
}

const char *sc_heard_fault(const struct sc_heard *h)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        double number = get_number(h, i);
        if (is_told(number) && !is_kept(number))
            return "has a temperature, avg_logprob, compression_ratio or no_speech_prob beyond a "
                   "million";
    }
    if (h->seek > SEEK_MAX)
        return "has a seek that lies outside of any recording";
    if (h->language[0] != '\0' && !is_code(sc_str_from(h->language)))
        return "has a language that is no code such as en";
    for (size_t i = 0; i < h->token_count; i++) {
        if (h->tokens[i] < 0)
            return "has a token below 0";
    }
    return NULL;
}

/* ---- packed ---- */

void sc_heard_pack(const struct sc_heard *h, struct sc_buf *out)
{
    unsigned told = 0;
    if (sc_heard_is_empty(h))
        return;
    for (size_t i = 0; i < NUMBERS; i++)
        told |= is_told(get_number(h, i)) ? 1U << i : 0;
    told |= h->seek >= 0 ? SEEK_TOLD : 0;
    told |= h->language[0] != '\0' ? LANGUAGE_TOLD : 0;
    sc_buf_putc(out, PACK_VERSION);
    sc_buf_putc(out, (char)told);
    for (size_t i = 0; i < NUMBERS; i++) {
        if ((told & 1U << i) != 0)
            sc_varint_put(out, sc_varint_zigzag(llround(get_number(h, i) * PARTS)));
    }
    if (h->seek >= 0)
        sc_varint_put(out, (uint64_t)h->seek);
    if (h->language[0] != '\0') {
        sc_buf_putc(out, (char)strlen(h->language));
        sc_buf_puts(out, h->language);
    }
    for (size_t i = 0; i < h->token_count; i++)
        sc_varint_put(out, (uint64_t)h->tokens[i]);
}

static const char *take_numbers(struct sc_str *rest, unsigned told, struct sc_heard *h)
{
    uint64_t v;
    for (size_t i = 0; i < NUMBERS; i++) {
        if ((told & 1U << i) == 0)
            continue;
        if (!sc_varint_take(rest, &v))
            return "a number is cut short";
        double number = (double)sc_varint_unzigzag(v) / PARTS;
        if (!is_kept(number))
            return "a number is out of range";
        *number_of(h, i) = number;
    }
    if ((told & SEEK_TOLD) == 0)
        return NULL;
    if (!sc_varint_take(rest, &v))
        return "a number is cut short";
    h->seek = (int64_t)SC_MIN(v, (uint64_t)SEEK_MAX + 1);
    return h->seek > SEEK_MAX ? "a time is out of range" : NULL;
}

static const char *take_language(struct sc_str *rest, struct sc_heard *h)
{
    size_t length = rest->len == 0 ? 0 : (unsigned char)rest->ptr[0];
    if (length == 0 || length >= rest->len)
        return "a language is cut short";
    const struct sc_str code = { rest->ptr + 1, length };
    if (!is_code(code))
        return "a language is none";
    (void)snprintf(h->language, sizeof(h->language), "%.*s", (int)code.len, code.ptr);
    *rest = (struct sc_str){ rest->ptr + 1 + length, rest->len - 1 - length };
    return NULL;
}

/* What is wrong, or NULL. */
static const char *unpack(struct sc_str rest, struct sc_heard *h)
{
    if (rest.len < 2 || rest.ptr[0] != PACK_VERSION)
        return "the version is unknown";
    unsigned told = (unsigned char)rest.ptr[1];
    if (told >= LANGUAGE_TOLD << 1 || (told == 0 && rest.len == 2))
        return "what it tells is unknown";
    rest = (struct sc_str){ rest.ptr + 2, rest.len - 2 };
    const char *fault = take_numbers(&rest, told, h);
    if (fault == NULL && (told & LANGUAGE_TOLD) != 0)
        fault = take_language(&rest, h);
    while (fault == NULL && rest.len > 0) {
        uint64_t token;
        if (!sc_varint_take(&rest, &token) || token > INT32_MAX)
            fault = "a token is none";
        else if (!sc_heard_add_token(h, (int32_t)token))
            fault = "it has too many tokens";
    }
    return fault;
}

enum sc_code sc_heard_unpack(struct sc_str bytes, struct sc_segment *s, struct sc_error *err)
{
    SC_AUTO(sc_heard_freep) struct sc_heard *h = NULL;
    if (bytes.len > 0) {
        h = heard_new();
        const char *fault = h == NULL ? "memory is exhausted" : unpack(bytes, h);
        if (fault != NULL)
            return sc_error_set(err, SC_E_STORE_DAMAGED, "packed tokens are damaged: %s", fault);
    }
    sc_segment_forget_heard(s);
    s->heard = SC_TAKE(h);
    return SC_OK;
}

/* ---- JSON ---- */

void sc_heard_put(struct sc_json *w, const struct sc_heard *h)
{
    if (h == NULL)
        return;
    if (h->language[0] != '\0')
        sc_json_text(w, "language", h->language);
    if (h->seek >= 0)
        sc_json_int(w, "seek", h->seek);
    if (h->token_count > 0)
        sc_json_array(w, "tokens");
    for (size_t i = 0; i < h->token_count; i++)
        sc_json_int(w, NULL, h->tokens[i]);
    if (h->token_count > 0)
        sc_json_end(w);
    for (size_t i = 0; i < NUMBERS; i++) {
        double number = get_number(h, i);
        if (is_kept(number))
            sc_json_real(w, numbers[i].name, number, DIGITS);
    }
}

/* A token as a number, or as an object that has its number. False: it is none. */
static bool read_token(const struct sc_json_value *v, int32_t *token)
{
    if (v != NULL && sc_json_type(v) == SC_JSON_OBJECT)
        v = sc_json_member(v, "id");
    int64_t number = sc_json_get_int(v, -1);
    *token = (int32_t)SC_MIN(SC_MAX(number, -1), INT32_MAX);
    return number >= 0 && number <= INT32_MAX;
}

/* All of them, or none. */
static void read_tokens(const struct sc_json_value *list, struct sc_heard *h)
{
    int32_t token;
    if (list == NULL || sc_json_type(list) != SC_JSON_ARRAY)
        return;
    for (size_t i = 0; i < sc_json_count(list); i++) {
        if (!read_token(sc_json_at(list, i), &token) || !sc_heard_add_token(h, token)) {
            h->token_count = 0;
            return;
        }
    }
}

static void read_language(const struct sc_json_value *v, struct sc_heard *h)
{
    struct sc_str text = sc_json_get_str(v, SC_STR(""));
    if (!sc_language_code(text, h->language) || strcmp(h->language, "auto") == 0)
        h->language[0] = '\0';
}

/* Programs that tell nothing of it write zeros, as the clients of OpenAI want every member. */
static bool says_nothing(const struct sc_heard *h)
{
    bool nothing = h->token_count == 0 && h->language[0] == '\0';
    for (size_t i = 0; i < NUMBERS; i++) {
        double number = get_number(h, i);
        nothing = nothing && (!is_told(number) || number == 0);
    }
    return nothing;
}

bool sc_heard_read(const struct sc_json_value *object, struct sc_segment *s)
{
    SC_AUTO(sc_heard_freep) struct sc_heard *h = heard_new();
    if (h == NULL)
        return false;
    read_tokens(sc_json_member(object, "tokens"), h);
    for (size_t i = 0; i < NUMBERS; i++) {
        double number = sc_json_get_real(sc_json_member(object, numbers[i].name), (double)NAN);
        *number_of(h, i) = is_kept(number) ? number : NAN;
    }
    int64_t seek = sc_json_get_int(sc_json_member(object, "seek"), -1);
    h->seek = seek >= 0 && seek <= SEEK_MAX ? seek : -1;
    read_language(sc_json_member(object, "language"), h);
    sc_segment_forget_heard(s);
    if (!says_nothing(h))
        s->heard = SC_TAKE(h);
    return true;
}
