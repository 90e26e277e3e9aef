#include "net/client-internal.h"

#include "base/clock.h"
#include "net/sse.h"

#include "base/banned.h"

struct listener {
    struct sc_client *client;
    struct sc_sse sse;
};

static size_t take_events(char *bytes, size_t one, size_t len, void *ctx)
{
    struct listener *l = ctx;
    struct sc_client *c = l->client;
    (void)one;
    c->active_ms = sc_clock_mono_ms();
    if (c->finished)
        return 0;
    if (sc_client_status(c) != 200) {
        sc_buf_append(&c->scrap, bytes, len);
        return len; /* cut error bodies still name the status */
    }
    switch (sc_sse_feed(&l->sse, (struct sc_str){ bytes, len })) {
    case SC_SSE_MORE:
        return len;
    case SC_SSE_ENOUGH:
        c->finished = true;
        return 0;
    case SC_SSE_TOO_LARGE:
        break;
    }
    return sc_client_fault(c, SC_E_IO_ERROR, "an event of the server is too large");
}

enum sc_code sc_client_events(struct sc_client *c, const char *path, sc_sse_fn fn, void *ctx,
                              struct sc_error *err)
{
    struct listener listener = { .client = c };
    int status = 0;
    sc_sse_init(&listener.sse, fn, ctx);
    sc_client_begin(c, "GET", path);
    sc_client_add_header(c, "Accept: text/event-stream");
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_events);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &listener);
    enum sc_code code = sc_client_run(c, 0, SC_CLIENT_IDLE_MS, &status, err);
    if (code == SC_OK)
        code = sc_client_judge(c, status, sc_buf_str(&c->scrap), err);
    sc_sse_done(&listener.sse);
    return code;
}
