#include "net/client-internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* Where the bytes of the `file` part come from. */
struct source {
    struct sc_client *client;
    const struct sc_upload *upload;
    int fd;
    bool owned;
    int64_t total; /* -1: unknown, sent in chunks */
    int64_t sent;
};

static void source_done(struct source *s)
{
    if (s->owned && s->fd >= 0)
        (void)close(s->fd);
}

static size_t abort_read(struct source *s, int errnum)
{
    s->client->broken = true;
    if (errnum != 0)
        (void)sc_error_errno(&s->client->fault, errnum, "cannot read '%s'", s->upload->file);
    else
        (void)sc_error_set(&s->client->fault, SC_E_IO_ERROR,
                           "'%s' became shorter while it was sent", s->upload->file);
    return CURL_READFUNC_ABORT;
}

static size_t read_piece(char *into, size_t one, size_t room, void *ctx)
{
    struct source *s = ctx;
    (void)one;
    s->client->active_ms = sc_clock_mono_ms();
    if (s->total >= 0 && (int64_t)room > s->total - s->sent)
        room = (size_t)(s->total - s->sent); /* a file that grows is sent as it was */
    if (room == 0)
        return 0;
    ssize_t n;
    do {
        n = read(s->fd, into, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return abort_read(s, errno);
    if (n == 0 && s->total >= 0)
        return abort_read(s, 0);
    s->sent += n;
    if (s->upload->progress != NULL)
        s->upload->progress(s->upload->ctx, s->sent, s->total);
    return (size_t)n;
}

/* libcurl rewinds when it has to send again over a fresh connection. */
static int rewind_source(void *ctx, curl_off_t offset, int origin)
{
    struct source *s = ctx;
    if (origin != SEEK_SET || lseek(s->fd, offset, SEEK_SET) < 0)
        return CURL_SEEKFUNC_FAIL;
    s->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static enum sc_code open_source(struct source *s, struct sc_error *err)
{
    const char *file = s->upload->file;
    struct stat st;

    s->total = -1;
    s->owned = strcmp(file, "-") != 0;
    /* A pipe that nobody writes to must not hold us: without a writer it reads as empty. */
    s->fd = s->owned ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : STDIN_FILENO;
    if (s->fd < 0 && errno == ENOENT)
        return sc_error_set(err, SC_E_FILE_NOT_FOUND, "no such file: '%s'", file);
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return sc_error_errno(err, errno, "cannot open '%s'", file);
    if (S_ISDIR(st.st_mode))
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is a folder", file);
    if (s->owned && fcntl(s->fd, F_SETFL, 0) != 0)
        return sc_error_errno(err, errno, "cannot open '%s'", file);
    off_t at = S_ISREG(st.st_mode) ? lseek(s->fd, 0, SEEK_CUR) : -1;
    if (at >= 0)
        s->total = SC_MAX((int64_t)st.st_size - (int64_t)at, 0);
    return SC_OK;
}

static bool add_parts(curl_mime *mime, struct source *s)
{
    const struct sc_upload *up = s->upload;
    CURLcode worst = CURLE_OK;
    /* Fields first: the server knows the options before the bytes arrive. */
    for (size_t i = 0; i < up->field_count && worst == CURLE_OK; i++) {
        curl_mimepart *part = curl_mime_addpart(mime);
        worst = curl_mime_name(part, up->fields[i].name);
        if (worst == CURLE_OK)
            worst = curl_mime_data(part, up->fields[i].value, CURL_ZERO_TERMINATED);
    }
    if (worst != CURLE_OK)
        return false;
    curl_mimepart *part = curl_mime_addpart(mime);
    /* A standard input that was read in part cannot be rewound to a position of ours. */
    curl_seek_callback seek = s->owned && s->total >= 0 ? rewind_source : NULL;
    return curl_mime_name(part, "file") == CURLE_OK &&
           curl_mime_filename(part, up->file_name) == CURLE_OK &&
           curl_mime_type(part, "application/octet-stream") == CURLE_OK &&
           curl_mime_data_cb(part, s->total, read_piece, seek, NULL, s) == CURLE_OK;
}

enum sc_code sc_client_upload(struct sc_client *c, const struct sc_upload *upload, int *status,
                              struct sc_buf *reply, struct sc_error *err)
{
    SC_AUTO(source_done) struct source source = { .client = c, .upload = upload, .fd = -1 };
    enum sc_code code = open_source(&source, err);
    if (code != SC_OK)
        return code;

    int got = 0;
    sc_buf_reset(reply);
    sc_client_begin(c, "POST", upload->path);
    c->reply = reply;
    curl_mime *mime = curl_mime_init(c->easy);
    sc_assert(mime != NULL);
    if (add_parts(mime, &source)) {
        (void)curl_easy_setopt(c->easy, CURLOPT_MIMEPOST, mime);
        (void)curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
        code = sc_client_run(c, 0, SC_CLIENT_UPLOAD_IDLE_MS, &got, err);
    } else {
        code = sc_error_set(err, SC_E_INTERNAL, "out of memory");
    }
    (void)curl_easy_setopt(c->easy, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(mime);
    if (code != SC_OK)
        return code;
    if (status != NULL)
        *status = got;
    return sc_client_judge(c, got, sc_buf_str(reply), err);
}
