#include "http/accept.h"

#include "base/banned.h"

/* A quality as thousandths: "1", "0.5"; -1: malformed. */
static int parse_quality(struct sc_str s)
{
    int value = 0, scale = 1000;
    if (s.len == 0 || s.len > 5 || (s.ptr[0] != '0' && s.ptr[0] != '1'))
        return -1;
    if (s.len > 1 && s.ptr[1] != '.')
        return -1;
    value = (s.ptr[0] - '0') * scale;
    for (size_t i = 2; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return -1;
        scale /= 10;
        value += (s.ptr[i] - '0') * scale;
    }
    return value > 1000 ? -1 : value;
}

/* The next "name;a=b;q=0.5" of a list; its name and quality. False: no more. A quality that cannot
 * be read counts as 1. */
static bool next_item(struct sc_str *rest, struct sc_str *name, int *quality)
{
    if (rest->len == 0)
        return false;
    struct sc_str item = sc_str_take_until(rest, ',');
    *name = sc_str_trim(sc_str_take_until(&item, ';'));
    *quality = 1000;
    while (item.len > 0) {
        struct sc_str value = sc_str_take_until(&item, ';');
        struct sc_str key = sc_str_trim(sc_str_take_until(&value, '='));
        if (sc_str_equal_nocase(key, SC_STR("q"))) {
            int q = parse_quality(sc_str_trim(value));
            *quality = q < 0 ? 1000 : q;
        }
    }
    return true;
}

bool sc_accepts_gzip(struct sc_str header)
{
    int gzip = -1, identity = -1, any = -1, quality;
    struct sc_str rest = header, name;
    while (next_item(&rest, &name, &quality)) {
        if (sc_str_equal_nocase(name, SC_STR("gzip")) ||
            sc_str_equal_nocase(name, SC_STR("x-gzip")))
            gzip = quality;
        else if (sc_str_equal_nocase(name, SC_STR("identity")))
            identity = quality;
        else if (sc_str_equal(name, SC_STR("*")))
            any = quality;
    }
    if (gzip < 0)
        gzip = any;
    return gzip > 0 && gzip >= identity;
}

/* How closely a range fits a type: 3 itself, 2 its kind, 1 everything, 0 not. */
static int fit(struct sc_str range, struct sc_str type)
{
    struct sc_str kind = type;
    if (sc_str_equal(range, SC_STR("*/*")) || sc_str_equal(range, SC_STR("*")))
        return 1;
    if (sc_str_equal_nocase(range, type))
        return 3;
    kind = sc_str_take_until(&kind, '/');
    return range.len == kind.len + 2 &&
                   sc_str_equal_nocase((struct sc_str){ range.ptr, kind.len }, kind) &&
                   memcmp(range.ptr + kind.len, "/*", 2) == 0
               ? 2
               : 0;
}

bool sc_accepts_type(struct sc_str header, struct sc_str type)
{
    struct sc_str rest = header, range;
    struct sc_str bare = type;
    int best = 0, best_quality = 0, quality;
    bool ranges = false;
    bare = sc_str_trim(sc_str_take_until(&bare, ';'));
    while (next_item(&rest, &range, &quality)) {
        int how = fit(range, bare);
        ranges = ranges || range.len > 0;
        if (how > best || (how == best && quality > best_quality)) {
            best = how;
            best_quality = quality;
        }
    }
    return !ranges || (best > 0 && best_quality > 0);
}
