#include "http/range.h"

#include "base/banned.h"

/* Digits only; larger numbers than int64 count as the largest. */
static bool parse_digits(struct sc_str s, int64_t *out)
{
    int64_t n = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        int digit = s.ptr[i] - '0';
        n = n > (INT64_MAX - digit) / 10 ? INT64_MAX : n * 10 + digit;
    }
    *out = n;
    return true;
}

static enum sc_range set_part(int64_t first, int64_t end, int64_t *start, int64_t *len)
{
    *start = first;
    *len = end - first;
    return SC_RANGE_PART;
}

enum sc_range sc_range_parse(struct sc_str header, int64_t size, int64_t *start, int64_t *len)
{
    struct sc_str rest = sc_str_trim(header);
    int64_t first, last;
    if (rest.len < 6 || !sc_str_equal_nocase((struct sc_str){ rest.ptr, 6 }, SC_STR("bytes=")))
        return SC_RANGE_NONE;
    rest = sc_str_trim((struct sc_str){ rest.ptr + 6, rest.len - 6 });
    if (rest.len == 0 || memchr(rest.ptr, '-', rest.len) == NULL)
        return SC_RANGE_NONE;
    struct sc_str from = sc_str_take_until(&rest, '-');

    if (from.len == 0) { /* the last N bytes */
        if (!parse_digits(rest, &last))
            return SC_RANGE_NONE;
        if (last == 0 || size == 0)
            return SC_RANGE_UNSATISFIABLE;
        return set_part(last > size ? 0 : size - last, size, start, len);
    }
    if (!parse_digits(from, &first))
        return SC_RANGE_NONE;
    if (rest.len == 0)
        last = INT64_MAX;
    else if (!parse_digits(rest, &last) || last < first)
        return SC_RANGE_NONE;
    if (first >= size)
        return SC_RANGE_UNSATISFIABLE;
    return set_part(first, last >= size - 1 ? size : last + 1, start, len);
}

static struct sc_str without_weak_mark(struct sc_str tag)
{
    if (sc_str_starts(tag, SC_STR("W/")))
        return (struct sc_str){ tag.ptr + 2, tag.len - 2 };
    return tag;
}

bool sc_etag_listed(struct sc_str header, struct sc_str etag)
{
    struct sc_str rest = header;
    while (rest.len > 0) {
        struct sc_str tag = sc_str_trim(sc_str_take_until(&rest, ','));
        if (sc_str_equal(tag, SC_STR("*")) ||
            sc_str_equal(without_weak_mark(tag), without_weak_mark(etag)))
            return true;
    }
    return false;
}

/* Of a tag from its first dot on: ".ID-DIGITS.VERSION" and a quotation mark. */
static bool parse_version(struct sc_str tag, struct sc_etag_version *out)
{
    struct sc_etag_version v = { .id = 0 };
    (void)sc_str_take_until(&tag, '.');
    struct sc_str id = sc_str_take_until(&tag, '-');
    struct sc_str digits = sc_str_take_until(&tag, '.');
    if (digits.len != sizeof(v.digits) - 1 || tag.len < 2 || tag.ptr[tag.len - 1] != '"' ||
        !parse_digits(id, &v.id) ||
        !parse_digits((struct sc_str){ tag.ptr, tag.len - 1 }, &v.version) || v.version == 0)
        return false;
    memcpy(v.digits, digits.ptr, digits.len);
    *out = v;
    return true;
}

/* Of the next tag of the list that names one; false: there is none. */
static bool next_version(struct sc_str *list, struct sc_etag_version *out)
{
    while (list->len > 0) {
        if (parse_version(sc_str_trim(sc_str_take_until(list, ',')), out))
            return true;
    }
    return false;
}

bool sc_etag_names(struct sc_str header, const struct sc_etag_version *version)
{
    struct sc_etag_version v;
    while (next_version(&header, &v)) {
        if (v.id == version->id && v.version == version->version &&
            strcmp(v.digits, version->digits) == 0)
            return true;
    }
    return false;
}

bool sc_etag_version_of(struct sc_str header, int64_t id, struct sc_etag_version *out)
{
    struct sc_etag_version v;
    while (next_version(&header, &v)) {
        if (v.id == id) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* Takes a tag from the front: W/"…" or "…". */
static bool take_tag(struct sc_str *rest)
{
    struct sc_str s = without_weak_mark(*rest);
    size_t n = 1;
    while (n < s.len && s.ptr[n] != '"' && (unsigned char)s.ptr[n] > 0x20 && s.ptr[n] != 0x7f)
        n++;
    if (n >= s.len || s.ptr[0] != '"' || s.ptr[n] != '"')
        return false;
    *rest = (struct sc_str){ s.ptr + n + 1, s.len - n - 1 };
    return true;
}

bool sc_etag_list_is_valid(struct sc_str header)
{
    struct sc_str rest = sc_str_trim(header);
    if (sc_str_equal(rest, SC_STR("*")))
        return true;
    while (take_tag(&rest)) {
        rest = sc_str_trim(rest);
        if (rest.len == 0)
            return true;
        if (rest.ptr[0] != ',')
            return false;
        rest = sc_str_trim((struct sc_str){ rest.ptr + 1, rest.len - 1 });
    }
    return false;
}

bool sc_etag_is(struct sc_str header, struct sc_str etag)
{
    return !sc_str_starts(etag, SC_STR("W/")) && sc_str_equal(sc_str_trim(header), etag);
}
