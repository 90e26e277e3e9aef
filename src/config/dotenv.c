#include "config/dotenv.h"

#include "base/banned.h"

static bool is_name(struct sc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.len > 0;
}

/* Cuts the quotes, or the comment behind an unquoted value. False: text behind the closing quote.
 */
static bool unquote(struct sc_str *value)
{
    struct sc_str v = *value;

    if (v.len > 0 && (v.ptr[0] == '"' || v.ptr[0] == '\'')) {
        const char *end = memchr(v.ptr + 1, v.ptr[0], v.len - 1);
        if (end == NULL)
            return false;
        struct sc_str rest = { end + 1, (size_t)(v.ptr + v.len - end - 1) };
        rest = sc_str_trim(rest);
        if (rest.len > 0 && rest.ptr[0] != '#')
            return false;
        *value = (struct sc_str){ v.ptr + 1, (size_t)(end - v.ptr - 1) };
        return true;
    }
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '#' && (i == 0 || v.ptr[i - 1] == ' ' || v.ptr[i - 1] == '\t')) {
            v.len = i;
            break;
        }
    }
    *value = sc_str_trim(v);
    return true;
}

enum sc_code sc_dotenv_read(struct sc_str text, const char *name, sc_dotenv_fn fn, void *ctx,
                            struct sc_error *err)
{
    for (int line = 1; text.len > 0; line++) {
        struct sc_str row = sc_str_trim(sc_str_take_until(&text, '\n'));
        if (row.len == 0 || row.ptr[0] == '#')
            continue;
        if (sc_str_starts(row, SC_STR("export "))) {
            row.ptr += 7;
            row.len -= 7;
        }
        const char *equals = memchr(row.ptr, '=', row.len);
        struct sc_str key = sc_str_trim(sc_str_take_until(&row, '='));
        struct sc_str value = sc_str_trim(row);
        if (equals == NULL || !is_name(key) || !unquote(&value))
            return sc_error_set(err, SC_E_CONFIG_ERROR,
                                "%s:%d: expected a line NAME=VALUE, or NAME=\"VALUE\"", name, line);
        enum sc_code code = fn(ctx, line, key, value, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}
