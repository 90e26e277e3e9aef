#include "net/client-internal.h"

#include "base/clock.h"

#include <errno.h>

#include "base/banned.h"

struct sink {
    struct sc_client *client;
    const struct sc_download *what;
    bool begun;
    int64_t there, total;
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

/* The first bytes of the answer tell which part it is. */
static bool begin_body(struct sink *sink, int status)
{
    struct sc_client *c = sink->client;
    curl_off_t length = -1;
    sink->begun = true;
    (void)curl_easy_getinfo(c->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    sink->there = status == 206 ? sink->what->offset : 0;
    sink->total = length < 0 ? -1 : sink->there + (int64_t)length;
    if (sink->what->offset == 0 || status == 206)
        return true;
    if (ftruncate(sink->what->fd, 0) == 0 && lseek(sink->what->fd, 0, SEEK_SET) == 0)
        return true;
    c->broken = true;
    (void)sc_error_errno(&c->fault, errno, "cannot start the download anew");
    return false;
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
    if (!sink->begun && !begin_body(sink, status))
        return 0;
    if (!write_all(sink->what->fd, bytes, len)) {
        c->broken = true;
        (void)sc_error_errno(&c->fault, errno, "cannot write the download");
        return 0;
    }
    sink->there += (int64_t)len;
    if (sink->what->progress != NULL)
        sink->what->progress(sink->what->ctx, sink->there, sink->total);
    return len;
}

enum sc_code sc_client_download(struct sc_client *c, const struct sc_download *what, int *status,
                                struct sc_error *err)
{
    struct sink sink = { .client = c, .what = what };
    int got = 0;
    if (what->offset > 0) {
        char range[48];
        (void)snprintf(range, sizeof(range), "bytes=%lld-", (long long)what->offset);
        sc_client_header(c, "Range", range);
        sc_client_header(c, "If-Range", what->etag);
    }
    sc_client_begin(c, "GET", what->path);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &sink);
    enum sc_code code = sc_client_run(c, 0, SC_CLIENT_IDLE_MS, &got, err);
    if (code != SC_OK)
        return code;
    if (status != NULL)
        *status = got;
    return sc_client_judge(c, got, sc_buf_str(&c->scrap), err);
}
