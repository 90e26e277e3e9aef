#include "net/client-internal.h"

#include "base/clock.h"

#include <errno.h>

#include "base/banned.h"

struct piece_source {
    struct sc_client *client;
    const struct sc_piece *piece;
    int64_t at; /* of the file */
};

static size_t read_piece(char *into, size_t one, size_t room, void *ctx)
{
    struct piece_source *s = ctx;
    const struct sc_piece *p = s->piece;
    (void)one;
    s->client->active_ms = sc_clock_mono_ms();
    room = (size_t)SC_MIN((int64_t)room, p->total - s->at);
    if (room == 0)
        return 0;
    ssize_t n;
    do {
        n = pread(p->fd, into, room, s->at);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        s->client->broken = true;
        if (n < 0)
            (void)sc_error_errno(&s->client->fault, errno, "cannot read the recording");
        else
            (void)sc_error_set(&s->client->fault, SC_E_IO_ERROR,
                               "the recording became shorter while it was sent");
        return CURL_READFUNC_ABORT;
    }
    s->at += n;
    if (p->progress != NULL)
        p->progress(p->ctx, s->at, p->total);
    return (size_t)n;
}

/* libcurl rewinds when it has to send again over a fresh connection. */
static int rewind_source(void *ctx, curl_off_t offset, int origin)
{
    struct piece_source *s = ctx;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    s->at = s->piece->offset + offset;
    return CURL_SEEKFUNC_OK;
}

enum sc_code sc_client_piece(struct sc_client *c, const struct sc_piece *piece, int *status,
                             struct sc_buf *reply, struct sc_error *err)
{
    struct piece_source source = { .client = c, .piece = piece, .at = piece->offset };
    char offset[32];
    int got = 0;
    (void)snprintf(offset, sizeof(offset), "%lld", (long long)piece->offset);
    sc_buf_reset(reply);
    sc_client_begin(c, "PATCH", piece->path);
    c->reply = reply;
    sc_client_header(c, "Tus-Resumable", "1.0.0");
    sc_client_header(c, "Content-Type", "application/offset+octet-stream");
    sc_client_header(c, "Upload-Offset", offset);
    (void)curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE,
                           (curl_off_t)(piece->total - piece->offset));
    (void)curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, read_piece);
    (void)curl_easy_setopt(c->easy, CURLOPT_READDATA, &source);
    (void)curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, rewind_source);
    (void)curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, &source);
    (void)curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
    enum sc_code code = sc_client_run(c, 0, SC_CLIENT_UPLOAD_IDLE_MS, &got, err);
    if (code != SC_OK)
        return code;
    if (status != NULL)
        *status = got;
    return sc_client_judge(c, got, sc_buf_str(reply), err);
}
