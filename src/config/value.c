#include "config/value.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>

#include "base/banned.h"

bool sc_value_duration(struct sc_str text, int64_t *ms)
{
    int64_t value;

    if (text.len < 3 || memcmp(text.ptr + text.len - 2, "ms", 2) != 0)
        return sc_duration_parse(text, ms);
    text.len -= 2;
    if (!sc_str_to_int64(text, &value) || value < 0)
        return false;
    *ms = value;
    return true;
}

void sc_value_put_duration(struct sc_buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };

    if (ms == 0) {
        sc_buf_putc(out, '0');
        return;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(units); i++) {
        if (ms % units[i].ms == 0) {
            sc_buf_printf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
            return;
        }
    }
}

void sc_value_put_size(struct sc_buf *out, int64_t bytes)
{
    static const char units[] = "TGMK";

    for (int i = 0; bytes > 0 && units[i] != '\0'; i++) {
        int64_t unit = INT64_C(1) << (10 * (4 - i));
        if (bytes % unit == 0) {
            sc_buf_printf(out, "%" PRId64 "%c", bytes / unit, units[i]);
            return;
        }
    }
    sc_buf_printf(out, "%" PRId64, bytes);
}

void sc_value_put_thousandths(struct sc_buf *out, int64_t n)
{
    int64_t rest = n < 0 ? -(n % 1000) : n % 1000;
    sc_buf_printf(out, "%s%" PRId64, n < 0 && n > -1000 ? "-" : "", n / 1000);
    if (rest == 0)
        return;
    sc_buf_printf(out, ".%03" PRId64, rest);
    while (out->len > 0 && out->ptr[out->len - 1] == '0')
        out->ptr[--out->len] = '\0';
}

/* What stands between the scheme and the path; empty: it is no URL of a server. */
static struct sc_str authority_of(const char *text)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < SC_ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) == 0)
            return (struct sc_str){ text + len, strcspn(text + len, "/?#") };
    }
    return SC_STR("");
}

bool sc_value_is_url(const char *text)
{
    struct sc_str authority = authority_of(text);
    return authority.len > 0 && memchr(authority.ptr, '@', authority.len) == NULL &&
           strpbrk(text, "?#") == NULL;
}

bool sc_value_is_server(const char *text)
{
    return (strncmp(text, "unix:", 5) == 0 && text[5] != '\0') || authority_of(text).len > 0;
}

static bool is_host_sign(char c, bool lower)
{
    return (c >= 'a' && c <= 'z') || (!lower && c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_';
}

static bool is_host_name(struct sc_str text, bool lower)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_host_sign(text.ptr[i], lower))
            return false;
    }
    return text.len > 0;
}

/* "host", "host:80", "[::1]:80". */
static bool is_origin_host(struct sc_str text)
{
    struct sc_str rest = text;
    int64_t port = 1;
    if (sc_str_starts(text, SC_STR("["))) {
        struct sc_str inner = sc_str_take_until(&rest, ']');
        if (inner.len == text.len || strspn(inner.ptr + 1, "0123456789abcdef:.") < inner.len - 1 ||
            (rest.len > 0 && rest.ptr[0] != ':'))
            return false;
        (void)sc_str_take_until(&rest, ':');
    } else if (!is_host_name(sc_str_take_until(&rest, ':'), true)) {
        return false;
    }
    bool bare = rest.len == 0 && text.ptr[text.len - 1] != ':';
    return bare || (sc_str_to_int64(rest, &port) && port > 0 && port < 65536);
}

bool sc_value_is_origins(const char *text)
{
    struct sc_str rest = sc_str_from(text);
    while (rest.len > 0) {
        struct sc_str origin = sc_str_trim(sc_str_take_until(&rest, ','));
        size_t scheme = sc_str_starts(origin, SC_STR("https://"))  ? 8
                        : sc_str_starts(origin, SC_STR("http://")) ? 7
                                                                   : 0;
        struct sc_str host = { origin.ptr + scheme, origin.len - scheme };
        if (scheme == 0 || host.len == 0 || !is_origin_host(host))
            return false;
    }
    return true;
}

bool sc_value_is_hosts(const char *text)
{
    struct sc_str rest = sc_str_from(text);
    while (rest.len > 0) {
        if (!is_host_name(sc_str_trim(sc_str_take_until(&rest, ',')), false))
            return false;
    }
    return true;
}

bool sc_value_in_choices(struct sc_str word, const char *choices)
{
    struct sc_str rest = sc_str_from(choices);

    while (rest.len > 0) {
        if (sc_str_equal(sc_str_take_until(&rest, '|'), word))
            return true;
    }
    return false;
}

void sc_value_put_choices(struct sc_buf *out, const char *choices)
{
    struct sc_str rest = sc_str_from(choices);

    for (bool first = true; rest.len > 0; first = false) {
        struct sc_str word = sc_str_take_until(&rest, '|');
        if (!first)
            sc_buf_puts(out, rest.len > 0 ? ", " : " or ");
        sc_buf_put_str(out, word);
    }
}

bool sc_value_is_plain(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return sc_utf8_is_valid(text);
}
