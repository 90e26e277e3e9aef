#include "http/spill.h"

#include "base/alloc.h"
#include "http/http-internal.h"
#include "http/represent.h"
#include "sys/file.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

void sc_spill_init(struct sc_spill *s, struct sc_request *req)
{
    *s = (struct sc_spill){ .dir = req->http->options.temp_dir, .fd = -1 };
}

void sc_spill_done(struct sc_spill *s)
{
    sc_buf_done(&s->buf);
    sc_hash_free(s->sum);
    s->sum = NULL;
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

enum sc_code sc_nameless_file(const char *dir, int *fd, struct sc_error *err)
{
    SC_AUTO_FREE char *path = NULL;
    enum sc_code code = sc_file_temp(dir, ".answer", fd, &path, err);
    if (code == SC_OK)
        (void)unlink(path);
    return code;
}

static enum sc_code flush(struct sc_spill *s, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (s->fd < 0) {
        code = sc_nameless_file(s->dir, &s->fd, err);
        s->sum = sc_hash_new();
    }
    if (code == SC_OK)
        code = sc_file_write_all(s->fd, s->buf.ptr, s->buf.len, err);
    if (code != SC_OK)
        return code;
    sc_hash_update(s->sum, s->buf.ptr, s->buf.len);
    s->size += (int64_t)s->buf.len;
    sc_buf_reset(&s->buf);
    return SC_OK;
}

enum sc_code sc_spill_put(struct sc_spill *s, const char *bytes, size_t len, struct sc_error *err)
{
    sc_buf_append(&s->buf, bytes, len);
    if (s->buf.failed)
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    return s->buf.len < SC_SPILL_MEMORY ? SC_OK : flush(s, err);
}

static enum sc_code read_file(int fd, int64_t at, size_t most, struct sc_buf *out,
                              struct sc_error *err)
{
    while (most > 0) {
        char *to = sc_buf_reserve(out, most);
        if (to == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
        ssize_t n = pread(fd, to, most, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read an answer");
        if (n == 0)
            return SC_OK;
        out->len += (size_t)n;
        most -= (size_t)n;
        at += n;
    }
    return SC_OK;
}

enum sc_code sc_spill_read(struct sc_spill *s, int64_t at, size_t most, struct sc_buf *out,
                           struct sc_error *err)
{
    if (s->fd < 0) {
        size_t from = SC_MIN((size_t)at, s->buf.len);
        sc_buf_append(out, sc_buf_text(&s->buf) + from, SC_MIN(most, s->buf.len - from));
        return SC_OK;
    }
    enum sc_code code = s->buf.len == 0 ? SC_OK : flush(s, err);
    return code == SC_OK ? read_file(s->fd, at, most, out, err) : code;
}

struct sc_done *sc_reply_spill(struct sc_request *req, const char *content_type, struct sc_spill *s)
{
    struct sc_error err = { 0 };
    char sum[SC_SHA256_TEXT];
    if (s->fd < 0)
        return sc_reply_bytes(req, 200, content_type, &s->buf);
    if (flush(s, &err) != SC_OK)
        return sc_reply_error(req, &err);
    sc_hash_hex(s->sum, sum);
    int fd = s->fd;
    s->fd = -1;
    return sc_reply_whole_file(req, fd, s->size, content_type, sum);
}
