#include "http/router.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include "base/banned.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes text in place; false for what no client means: a bad escape, NUL, a control sign, bytes
 * that are no UTF-8. *slash: it held an encoded one. */
static bool decode(char *text, bool is_query, struct sc_str *out, bool *slash)
{
    char *to = text;
    for (const char *p = text; *p != '\0'; p++) {
        char c = *p;
        if (c == '%') {
            int high = hex_value(p[1]);
            int low = high < 0 ? -1 : hex_value(p[2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            p += 2;
            if (c == '\0')
                return false;
            *slash = *slash || c == '/';
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (!is_query && ((unsigned char)c < 0x20 || c == 0x7f))
            return false;
        *to++ = c;
    }
    *to = '\0';
    *out = (struct sc_str){ text, (size_t)(to - text) };
    return sc_utf8_is_valid(*out);
}

bool sc_pair_decode(char *text, struct sc_pair *out)
{
    static char empty[1] = "";
    char *equals = strchr(text, '=');
    char *value = equals == NULL ? empty : equals + 1;
    bool slash = false; /* anything may be in a query */
    if (equals != NULL)
        *equals = '\0';
    if (equals == NULL)
        out->value = SC_STR("");
    else if (!decode(value, true, &out->value, &slash))
        return false;
    return decode(text, true, &out->name, &slash);
}

static bool is_dots(struct sc_str s)
{
    return sc_str_equal(s, SC_STR(".")) || sc_str_equal(s, SC_STR(".."));
}

static bool parse_path(char *path, struct sc_target *out)
{
    for (char *at = path + 1; at != NULL;) {
        char *slash = strchr(at, '/');
        if (slash != NULL)
            *slash++ = '\0';
        if (out->segment_count == SC_TARGET_SEGMENTS)
            return false;
        struct sc_str *segment = &out->segments[out->segment_count++];
        if (!decode(at, false, segment, &out->encoded_slash) || is_dots(*segment))
            return false;
        at = slash;
    }
    return true;
}

static bool parse_query(char *query, struct sc_target *out)
{
    for (char *at = query; at != NULL;) {
        char *amp = strchr(at, '&');
        if (amp != NULL)
            *amp++ = '\0';
        if (*at != '\0') {
            if (out->query == NULL)
                out->query = sc_alloc_array(SC_TARGET_PAIRS, sizeof(*out->query));
            if (out->query_count == SC_TARGET_PAIRS ||
                !sc_pair_decode(at, &out->query[out->query_count]))
                return false;
            out->query_count++;
        }
        at = amp;
    }
    return true;
}

enum sc_code sc_target_parse(const char *uri, struct sc_target *out, struct sc_error *err)
{
    *out = (struct sc_target){ 0 };
    /* The absolute form of RFC 9112: the authority is the Host header's matter. */
    if (strncmp(uri, "http://", 7) == 0 || strncmp(uri, "https://", 8) == 0) {
        uri = strstr(uri, "//") + 2;
        uri += strcspn(uri, "/?");
    }
    out->path = sc_strndup(uri, strcspn(uri, "?"));
    out->arena = sc_strdup(*uri == '\0' ? "/" : uri);
    char *query = strchr(out->arena, '?');
    if (query != NULL)
        *query++ = '\0';
    if (out->arena[0] != '/' || !parse_path(out->arena, out))
        return sc_error_set(err, SC_E_INVALID_REQUEST, "the path of the request is malformed");
    if (!parse_query(query, out))
        return sc_error_set(err, SC_E_INVALID_REQUEST, "the query of the request is malformed");
    return SC_OK;
}

void sc_target_done(struct sc_target *t)
{
    free(t->query);
    free(t->path);
    free(t->arena);
    *t = (struct sc_target){ 0 };
}

static bool is_name(struct sc_str piece)
{
    return piece.len > 2 && piece.ptr[0] == '{' && piece.ptr[piece.len - 1] == '}';
}

/* Of a pattern or target: how many segments it has, and a number for the second one, which tells
 * most calls apart; 0: a {name} or nothing stands there. */
struct sc_router_mark {
    uint32_t segments, second;
};

static uint32_t number_of(struct sc_str segment)
{
    uint32_t sum = (uint32_t)segment.len;
    for (size_t i = 0; i < segment.len; i++)
        sum = sum * 31 + (unsigned char)segment.ptr[i];
    return sum | 1;
}

static struct sc_router_mark mark_of_pattern(const char *pattern)
{
    struct sc_router_mark mark = { 0 };
    for (const char *at = pattern; *at == '/';) {
        struct sc_str segment = { at + 1, strcspn(at + 1, "/") };
        if (++mark.segments == 2 && *segment.ptr != '{')
            mark.second = number_of(segment);
        at = segment.ptr + segment.len;
    }
    return mark;
}

static struct sc_router_mark mark_of_target(const struct sc_target *target)
{
    return (struct sc_router_mark){
        .segments = (uint32_t)target->segment_count,
        .second = target->segment_count > 1 ? number_of(target->segments[1]) : 0,
    };
}

/* May it match? Each request asks this of every route. */
static bool may_match(struct sc_router_mark pattern, struct sc_router_mark target)
{
    return pattern.segments == target.segments &&
           (pattern.second == 0 || pattern.second == target.second);
}

void sc_router_init(struct sc_router *router, const struct sc_route *routes, size_t count)
{
    *router = (struct sc_router){ .routes = routes, .count = count };
    router->marks = sc_alloc_array(count, sizeof(*router->marks));
    for (size_t i = 0; i < count; i++)
        router->marks[i] = mark_of_pattern(routes[i].pattern);
}

void sc_router_done(struct sc_router *router)
{
    free(SC_TAKE(router->marks));
}

/* A number that grows with each literal segment, the first ones counting most; 0: no match. */
static unsigned match(const char *pattern, const struct sc_target *target)
{
    unsigned score = 1;
    for (size_t i = 0; i < target->segment_count; i++) {
        struct sc_str segment = target->segments[i];
        if (*pattern++ != '/')
            return 0;
        bool literal = *pattern != '{';
        if (literal ? strncmp(pattern, segment.ptr, segment.len) != 0 : segment.len == 0)
            return 0;
        pattern += literal ? segment.len : strcspn(pattern, "/");
        if (*pattern != '/' && *pattern != '\0')
            return 0;
        score = score << 1 | (literal ? 1u : 0u);
    }
    return *pattern == '\0' ? score : 0;
}

static bool serves(const char *route_method, const char *method)
{
    return strcmp(route_method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route_method, "GET") == 0);
}

static void add_allowed(struct sc_buf *allow, const char *method)
{
    if (allow->len > 0 && strstr(allow->ptr, method) != NULL)
        return;
    if (allow->len > 0)
        sc_buf_puts(allow, ", ");
    sc_buf_puts(allow, method);
    if (strcmp(method, "GET") == 0)
        sc_buf_puts(allow, ", HEAD");
}

const struct sc_route *sc_router_find(const struct sc_router *router, const char *method,
                                      const struct sc_target *target, struct sc_buf *allow,
                                      struct sc_error *err)
{
    const struct sc_route *best = NULL;
    const struct sc_router_mark mark = mark_of_target(target);
    unsigned best_score = 0;
    for (size_t i = 0; i < router->count; i++) {
        const struct sc_route *route = &router->routes[i];
        if (!may_match(router->marks[i], mark))
            continue;
        bool refused = target->encoded_slash && (route->flags & SC_ROUTE_SLASH) == 0;
        unsigned score = refused ? 0 : match(route->pattern, target);
        if (score == 0)
            continue;
        add_allowed(allow, route->method);
        if (score > best_score && serves(route->method, method)) {
            best = route;
            best_score = score;
        }
    }
    if (best == NULL && allow->len > 0) {
        add_allowed(allow, "OPTIONS");
        (void)sc_error_set(err, SC_E_METHOD_NOT_ALLOWED, "this address takes %s",
                           sc_buf_text(allow));
    } else if (best == NULL && target->encoded_slash) {
        (void)sc_error_set(err, SC_E_INVALID_REQUEST, "the path of the request is malformed");
    } else if (best == NULL) {
        (void)sc_error_set(err, SC_E_NOT_FOUND, "nothing has this address");
    }
    return best;
}

struct sc_str sc_router_param(const struct sc_route *route, const struct sc_target *target,
                              const char *name)
{
    struct sc_str rest = sc_str_from(route->pattern + 1);
    for (size_t i = 0; i < target->segment_count; i++) {
        struct sc_str piece = sc_str_take_until(&rest, '/');
        if (is_name(piece) &&
            sc_str_equal((struct sc_str){ piece.ptr + 1, piece.len - 2 }, sc_str_from(name)))
            return target->segments[i];
    }
    return (struct sc_str){ 0 };
}
