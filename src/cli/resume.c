#include "cli/resume.h"

#include "base/clock.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define WORTH ((int64_t)4 << 20)
#define PATIENCE_MS 60000 /* so long nothing may come through */
#define PAUSE_MAX_MS 5000
#define STOP_POLL_MS 100

struct sending {
    struct sc_cli *cli;
    const struct sc_resume *what;
    int fd;
    int64_t size;
    struct sc_buf metadata;
    char key[SC_SHA256_TEXT];
    struct sc_buf path; /* of the upload; "": none was begun */
    int64_t offset;     /* what the server has */
    bool completed;
    char job_id[40];
    bool earlier;
};

static void sending_done(struct sending *s)
{
    sc_closep(&s->fd);
    sc_buf_done(&s->metadata);
    sc_buf_done(&s->path);
}

bool sc_resume_suits(const struct sc_cli *cli, const char *file)
{
    struct stat info;
    return strcmp(file, "-") != 0 && !sc_cli_server_is_local(cli) && stat(file, &info) == 0 &&
           S_ISREG(info.st_mode) && (int64_t)info.st_size >= WORTH;
}

/* ---- what is asked for ---- */

static void put_base64(struct sc_buf *out, struct sc_str text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < text.len; i += 3) {
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < text.len ? (unsigned char)text.ptr[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            sc_buf_putc(out, i + k > text.len ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
}

static void put_pair(struct sc_buf *out, const char *key, const char *value)
{
    sc_buf_printf(out, "%s%s ", out->len == 0 ? "" : ",", key);
    put_base64(out, sc_str_from(value));
}

/* The same file, unchanged, with the same wishes: an unfinished upload of it is gone on with. */
static void make_key(struct sending *s, const struct stat *info)
{
    SC_AUTO_BUF text = { 0 };
    sc_buf_printf(&text, "%lld %lld %lld %lld.%09ld ", (long long)info->st_dev,
                  (long long)info->st_ino, (long long)info->st_size,
                  (long long)info->st_mtim.tv_sec, info->st_mtim.tv_nsec);
    sc_buf_put_str(&text, sc_buf_str(&s->metadata));
    sc_hash_bytes(text.ptr, text.len, s->key);
}

static enum sc_code prepare(struct sending *s, struct sc_error *err)
{
    struct stat info;
    const struct sc_resume *what = s->what;
    s->fd = open(what->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return sc_error_errno(err, errno, "cannot open '%s'", what->file);
    s->size = (int64_t)info.st_size;
    put_pair(&s->metadata, "filename", what->file_name);
    put_pair(&s->metadata, "job", "true");
    if (what->waiting)
        put_pair(&s->metadata, "waiting", "true");
    for (size_t i = 0; i < what->field_count; i++)
        put_pair(&s->metadata, what->fields[i].name, what->fields[i].value);
    if (s->metadata.failed)
        return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    make_key(s, &info);
    return SC_OK;
}

/* ---- what the server says ---- */

static enum sc_code understand(struct sending *s, struct sc_buf *reply, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (sc_json_parse(sc_buf_str(reply), &doc, NULL) != SC_OK)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "the server's answer is no JSON");
    const struct sc_json_value *root = sc_json_root(doc);
    const char *id = sc_json_get_text(sc_json_member(root, "upload_id"), "");
    const char *state = sc_json_get_text(sc_json_member(root, "state"), "");
    s->offset = sc_json_get_int(sc_json_member(root, "offset_bytes"), -1);
    if (id[0] == '\0' || s->offset < 0 || s->offset > s->size)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "the server's answer names no upload");
    sc_buf_reset(&s->path);
    sc_buf_puts(&s->path, "/api/uploads/");
    sc_url_encode(&s->path, sc_str_from(id));
    s->completed = strcmp(state, "completed") == 0;
    s->earlier = sc_json_get_bool(sc_json_member(root, "existing_job"), false);
    (void)snprintf(s->job_id, sizeof(s->job_id), "%s",
                   sc_json_get_text(sc_json_member(root, "job_id"), ""));
    if (strcmp(state, "refused") == 0) {
        enum sc_code code = SC_E_UPLOAD_REFUSED;
        if (!sc_code_parse(sc_json_get_text(sc_json_member(root, "error_code"), ""), &code))
            code = SC_E_UPLOAD_REFUSED;
        return sc_error_set(err, code, "%s",
                            sc_json_get_text(sc_json_member(root, "error"), "it was refused"));
    }
    return SC_OK;
}

static enum sc_code begin(struct sending *s, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    char length[32];
    struct sc_client *client = s->cli->client;
    const struct sc_call call = { .method = "POST", .path = "/api/uploads" };
    (void)snprintf(length, sizeof(length), "%lld", (long long)s->size);
    sc_client_header(client, "Tus-Resumable", "1.0.0");
    sc_client_header(client, "Upload-Length", length);
    sc_client_header(client, "Upload-Metadata", sc_buf_text(&s->metadata));
    sc_client_header(client, "Idempotency-Key", s->key);
    enum sc_code code = sc_client_call(client, &call, NULL, &reply, err);
    return code == SC_OK ? understand(s, &reply, err) : code;
}

static enum sc_code look(struct sending *s, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    const struct sc_call call = { .path = sc_buf_text(&s->path) };
    enum sc_code code = sc_client_call(s->cli->client, &call, NULL, &reply, err);
    return code == SC_OK ? understand(s, &reply, err) : code;
}

static enum sc_code send_rest(struct sending *s, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    const struct sc_piece piece = {
        .path = sc_buf_text(&s->path),
        .fd = s->fd,
        .offset = s->offset,
        .total = s->size,
        .progress = s->what->progress,
        .ctx = s->what->ctx,
    };
    enum sc_code code = sc_client_piece(s->cli->client, &piece, NULL, &reply, err);
    return code == SC_OK ? look(s, err) : code;
}

/* ---- going on ---- */

/* The line, the server or its disk may be better in a moment. */
static bool may_pass(enum sc_code code)
{
    return code == SC_E_SERVER_UNREACHABLE || code == SC_E_SHUTTING_DOWN || code == SC_E_TIMEOUT ||
           code == SC_E_UPLOAD_LOCKED || code == SC_E_UPLOAD_OFFSET || code == SC_E_RATE_LIMITED ||
           sc_code_http_status(code) == 503;
}

/* What came can be gone on with: another time, or with another token of the same owner. */
static bool is_kept(enum sc_code code)
{
    return may_pass(code) || code == SC_E_CANCELLED || code == SC_E_UNAUTHENTICATED ||
           code == SC_E_FORBIDDEN;
}

/* False: the user has had enough. */
static bool pause_for(const struct sending *s, int64_t ms)
{
    int64_t until = sc_clock_mono_ms() + ms;
    while (sc_clock_mono_ms() < until) {
        if (s->what->stop(s->what->ctx))
            return false;
        sc_clock_sleep_ms(STOP_POLL_MS);
    }
    return true;
}

/* One attempt: connects, asks where to go on, sends. */
static enum sc_code attempt(struct sending *s, struct sc_error *err)
{
    enum sc_code code = s->cli->client == NULL ? sc_cli_connect(s->cli, err) : SC_OK;
    if (code != SC_OK)
        return code;
    sc_client_set_stop(s->cli->client, s->what->stop, s->what->ctx);
    code = s->path.len == 0 ? begin(s, err) : look(s, err);
    if (code == SC_E_UPLOAD_NOT_FOUND)
        sc_buf_reset(&s->path); /* it has expired meanwhile */
    if (code == SC_OK && !s->completed)
        code = send_rest(s, err);
    sc_client_set_stop(s->cli->client, NULL, NULL);
    return code;
}

static enum sc_code send_all(struct sending *s, struct sc_error *err)
{
    int64_t since = sc_clock_mono_ms(), best = -1, pause = 200;
    for (;;) {
        enum sc_code code = attempt(s, err);
        bool again = code == SC_E_UPLOAD_NOT_FOUND && best >= 0;
        if (code == SC_OK || (!may_pass(code) && !again))
            return code;
        sc_cli_disconnect(s->cli);
        if (s->offset > best) {
            best = s->offset;
            since = sc_clock_mono_ms();
            pause = 200;
        }
        if (sc_clock_mono_ms() - since > PATIENCE_MS)
            return code;
        if (!pause_for(s, pause))
            return sc_error_set(err, SC_E_CANCELLED, "cancelled");
        pause = SC_MIN(2 * pause, PAUSE_MAX_MS);
    }
}

enum sc_code sc_resume_send(struct sc_cli *cli, const struct sc_resume *what, int *status,
                            struct sc_buf *reply, bool *kept, struct sc_error *err)
{
    SC_AUTO(sending_done) struct sending s = { .cli = cli, .what = what, .fd = -1 };
    enum sc_code code = prepare(&s, err);
    if (code == SC_OK)
        code = send_all(&s, err);
    *kept = code != SC_OK && s.path.len > 0 && is_kept(code);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *path = sc_cli_path("/api/jobs/", s.job_id, "");
    const struct sc_call call = { .path = path };
    code = sc_client_call(cli->client, &call, NULL, reply, err);
    *status = s.earlier ? 200 : 201;
    return code;
}
