#include "http/token.h"

#include "http/http-internal.h"

#include "base/banned.h"

struct found {
    int count;
    struct sc_str value; /* of the last one; borrowed */
};

static enum MHD_Result visit(void *ctx, enum MHD_ValueKind kind, const char *name, size_t name_len,
                             const char *value, size_t len)
{
    struct found *f = ctx;
    (void)kind;
    if (!sc_str_equal_nocase((struct sc_str){ name, name_len },
                             SC_STR(MHD_HTTP_HEADER_AUTHORIZATION)))
        return MHD_YES;
    f->count++;
    f->value = (struct sc_str){ value == NULL ? "" : value, value == NULL ? 0 : len };
    return MHD_YES;
}

static struct found find(struct MHD_Connection *conn)
{
    struct found f = { .count = 0 };
    (void)MHD_get_connection_values_n(conn, MHD_HEADER_KIND, visit, &f);
    return f;
}

/* Two values in one line, or with anything behind, are none. */
static struct sc_str token_of(struct sc_str value)
{
    struct sc_str scheme = sc_str_take_until(&value, ' ');
    struct sc_str token = sc_str_trim(value);
    if (!sc_str_equal_nocase(scheme, SC_STR("Bearer")))
        return SC_STR("");
    for (size_t i = 0; i < token.len; i++) {
        if (strchr(" \t,;\"", token.ptr[i]) != NULL)
            return SC_STR("");
    }
    return token;
}

static bool holds_ours(struct sc_str value)
{
    const struct sc_str ours = SC_STR(SC_TOKEN_PREFIX);
    for (; value.len >= ours.len; value.ptr++, value.len--) {
        if (sc_str_starts(value, ours))
            return true;
    }
    return false;
}

struct sc_str sc_authorization_token(struct MHD_Connection *conn)
{
    struct found f = find(conn);
    return f.count == 1 ? token_of(f.value) : SC_STR("");
}

bool sc_authorization_is_unread(struct MHD_Connection *conn)
{
    struct found f = find(conn);
    return f.count > 1 || (f.count == 1 && token_of(f.value).len == 0 && holds_ours(f.value));
}
