#include "net/client-internal.h"

#include "base/clock.h"

#include <errno.h>

#include "base/banned.h"

struct sink {
    struct sc_client *client;
    int fd;
};

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static size_t take_bytes(char *bytes, size_t one, size_t len, void *ctx)
{
    struct sink *sink = ctx;
    struct sc_client *c = sink->client;
    (void)one;
    c->active_ms = sc_clock_mono_ms();
    int status = sc_client_status(c);
    if (status < 200 || status >= 300) {
        sc_buf_append(&c->scrap, bytes, len);
        return len; /* cut error bodies still name the status */
    }
    if (!write_all(sink->fd, bytes, len)) {
        c->broken = true;
        (void)sc_error_errno(&c->fault, errno, "cannot write the download");
        return 0;
    }
    return len;
}

enum sc_code sc_client_download(struct sc_client *c, const char *path, int fd, int *status,
                                struct sc_error *err)
{
    struct sink sink = { c, fd };
    int got = 0;
    sc_client_begin(c, "GET", path);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &sink);
    enum sc_code code = sc_client_run(c, 0, SC_CLIENT_IDLE_MS, &got, err);
    if (code != SC_OK)
        return code;
    if (status != NULL)
        *status = got;
    return sc_client_judge(c, got, sc_buf_str(&c->scrap), err);
}
