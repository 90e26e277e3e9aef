#include "net/sse.h"

#include "base/banned.h"

void sc_sse_init(struct sc_sse *s, sc_sse_fn fn, void *ctx)
{
    *s = (struct sc_sse){ .fn = fn, .ctx = ctx };
    s->line.limit = s->id.limit = s->type.limit = s->data.limit = SC_SSE_EVENT_LIMIT;
}

void sc_sse_done(struct sc_sse *s)
{
    sc_buf_done(&s->line);
    sc_buf_done(&s->id);
    sc_buf_done(&s->type);
    sc_buf_done(&s->data);
}

/* An empty line: the event is whole. The id stays, as the last one seen. */
static bool dispatch(struct sc_sse *s)
{
    bool more = true;
    if (s->has_data)
        more = s->fn(s->ctx, sc_buf_str(&s->id), sc_buf_str(&s->type), sc_buf_str(&s->data));
    sc_buf_reset(&s->type);
    sc_buf_reset(&s->data);
    s->has_data = false;
    return more;
}

static void take_field(struct sc_sse *s, struct sc_str line)
{
    struct sc_str value = line;
    struct sc_str name = sc_str_take_until(&value, ':');
    if (value.len > 0 && value.ptr[0] == ' ')
        value = (struct sc_str){ value.ptr + 1, value.len - 1 };
    if (sc_str_equal(name, SC_STR("data"))) {
        if (s->has_data)
            sc_buf_putc(&s->data, '\n');
        sc_buf_put_str(&s->data, value);
        s->has_data = true;
    } else if (sc_str_equal(name, SC_STR("event"))) {
        sc_buf_reset(&s->type);
        sc_buf_put_str(&s->type, value);
    } else if (sc_str_equal(name, SC_STR("id")) &&
               (value.len == 0 || memchr(value.ptr, '\0', value.len) == NULL)) {
        sc_buf_reset(&s->id);
        sc_buf_put_str(&s->id, value);
    }
}

static enum sc_sse_state end_line(struct sc_sse *s)
{
    struct sc_str line = sc_buf_str(&s->line);
    bool more = true;
    if (!s->past_mark && sc_str_starts(line, SC_STR("\xef\xbb\xbf")))
        line = (struct sc_str){ line.ptr + 3, line.len - 3 };
    s->past_mark = true;
    if (line.len == 0)
        more = dispatch(s);
    else if (line.ptr[0] != ':')
        take_field(s, line);
    sc_buf_reset(&s->line);
    if (s->id.failed || s->type.failed || s->data.failed)
        return SC_SSE_TOO_LARGE;
    return more ? SC_SSE_MORE : SC_SSE_ENOUGH;
}

enum sc_sse_state sc_sse_feed(struct sc_sse *s, struct sc_str bytes)
{
    size_t at = 0;
    while (at < bytes.len) {
        if (s->after_cr && bytes.ptr[at] == '\n') {
            s->after_cr = false;
            at++;
            continue;
        }
        s->after_cr = false;
        size_t end = at;
        while (end < bytes.len && bytes.ptr[end] != '\n' && bytes.ptr[end] != '\r')
            end++;
        sc_buf_append(&s->line, bytes.ptr + at, end - at);
        if (s->line.failed)
            return SC_SSE_TOO_LARGE;
        if (end == bytes.len)
            break;
        s->after_cr = bytes.ptr[end] == '\r';
        at = end + 1;
        enum sc_sse_state state = end_line(s);
        if (state != SC_SSE_MORE)
            return state;
    }
    return SC_SSE_MORE;
}
