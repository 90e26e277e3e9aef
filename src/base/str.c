#include "base/str.h"

#include "base/macros.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

#include "base/banned.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool sc_str_equal(struct sc_str a, struct sc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool sc_str_equal_nocase(struct sc_str a, struct sc_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool sc_str_starts(struct sc_str s, struct sc_str prefix)
{
    return s.len >= prefix.len && sc_str_equal((struct sc_str){ s.ptr, prefix.len }, prefix);
}

bool sc_str_ends(struct sc_str s, struct sc_str suffix)
{
    return s.len >= suffix.len &&
           sc_str_equal((struct sc_str){ s.ptr + s.len - suffix.len, suffix.len }, suffix);
}

struct sc_str sc_str_trim(struct sc_str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct sc_str sc_str_take_until(struct sc_str *rest, char sep)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, sep, rest->len);
    struct sc_str head = { rest->ptr, at == NULL ? rest->len : (size_t)(at - rest->ptr) };
    size_t used = head.len + (at == NULL ? 0 : 1);
    if (used > 0) {
        rest->ptr += used;
        rest->len -= used;
    }
    return head;
}

bool sc_str_to_int64(struct sc_str s, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    int64_t value = 0;
    if (s.len == (negative ? 1 : 0))
        return false;
    for (size_t i = negative ? 1 : 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]))
            return false;
        int digit = s.ptr[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    *out = value;
    return true;
}

static size_t skip_digits(struct sc_str s, size_t at)
{
    while (at < s.len && is_digit(s.ptr[at]))
        at++;
    return at;
}

/* [-]digits[.digits][e[+-]digits]: no hexadecimal, no "inf", no "nan", no bare point. */
static bool is_decimal(struct sc_str s)
{
    size_t start = s.len > 0 && s.ptr[0] == '-' ? 1 : 0;
    size_t at = skip_digits(s, start);
    if (at == start)
        return false;
    if (at < s.len && s.ptr[at] == '.') {
        start = at + 1;
        at = skip_digits(s, start);
        if (at == start)
            return false;
    }
    if (at < s.len && lower(s.ptr[at]) == 'e') {
        start = at + 1;
        if (start < s.len && (s.ptr[start] == '+' || s.ptr[start] == '-'))
            start++;
        at = skip_digits(s, start);
        if (at == start)
            return false;
    }
    return at == s.len;
}

bool sc_str_to_double(struct sc_str s, double *out)
{
    char text[64];
    if (s.len >= sizeof(text) || !is_decimal(s))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    /* Not strtod: the decimal point must not follow the user's locale. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    sc_assert(c_locale != (locale_t)0);
    double value = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool sc_str_to_bool(struct sc_str s, bool *out)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = { { "on", true },   { "true", true },   { "yes", true }, { "1", true },
                  { "off", false }, { "false", false }, { "no", false }, { "0", false } };
    for (size_t i = 0; i < SC_ARRAY_LEN(words); i++) {
        if (sc_str_equal_nocase(s, sc_str_from(words[i].text))) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

bool sc_str_to_size(struct sc_str s, int64_t *out)
{
    static const char units[] = "kmgt";
    int64_t factor = 1;
    if (s.len > 0 && s.ptr[s.len - 1] != '\0') {
        const char *unit = strchr(units, lower(s.ptr[s.len - 1]));
        if (unit != NULL) {
            factor = INT64_C(1) << (10 * (unit - units + 1));
            s.len--;
        }
    }
    int64_t count, result;
    if (!sc_str_to_int64(s, &count) || count < 0 || __builtin_mul_overflow(count, factor, &result))
        return false;
    *out = result;
    return true;
}
