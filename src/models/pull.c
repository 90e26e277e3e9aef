/* Downloading. Into .NAME.part of the folder, with a note beside it of the address and the ETag:
 * with both the same the next attempt goes on behind what is there. */
#include "models/models-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "net/fetch.h"
#include "sys/file.h"
#include "json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

#define ATTEMPTS 5                  /* that bring nothing, one after another */
#define PAUSE_MS INT64_C(100)       /* it doubles */
#define SUM_LIMIT ((size_t)4 << 10) /* of a .sha256 file: a line */
#define SUM_WAIT_MS 20000
/* Of an address in an error, whose remedy needs its room: of a longer one the file. */
#define ADDRESS_SHOWN 100

struct pull {
    const struct sc_config *config;
    const struct sc_model_wish *wish;
    const struct sc_models_watch *watch;
    struct sc_client *client;
    char *server, *path; /* of the address */
    char *shown;         /* the address without its query: that may hold a key */
    char *dir, *part, *note;
    struct sc_pull_note there;   /* of what is there; url: ours */
    char wanted[SC_SHA256_TEXT]; /* that somebody vouches for; "": nobody yet */
    enum sc_model_trust trust;
    bool begun;   /* this command has brought bytes */
    bool by_name; /* not by its address, nor under another */
};

static void pull_done(struct pull *p)
{
    sc_client_close(p->client);
    free(p->server);
    free(p->path);
    free(p->shown);
    free(p->dir);
    free(p->part);
    free(p->note);
    sc_pull_note_done(&p->there);
}

/* ---- the address ---- */

static enum sc_code split_address(struct pull *p, const char *url, struct sc_error *err)
{
    const char *host = strstr(url, "://");
    const char *slash = host == NULL ? NULL : strchr(host + 3, '/');
    if (slash == NULL || slash == host + 3 || strcspn(url, " \t\r\n#") != strlen(url) ||
        memchr(host + 3, '@', (size_t)(slash - host - 3)) != NULL ||
        (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "'%.120s' is no address of a file: http://HOST/FILE or https://HOST/"
                            "FILE, without a password",
                            url);
    p->server = sc_strndup(url, (size_t)(slash - url));
    p->path = sc_strdup(slash);
    p->shown = sc_strndup(url, strcspn(url, "?"));
    return SC_OK;
}

static enum sc_code address_of(const struct sc_config *config, const char *what, char **out,
                               struct sc_error *err)
{
    const char *base = config->models_url;
    size_t len = strlen(base);
    if (strstr(what, "://") != NULL) {
        *out = sc_strdup(what);
        return SC_OK;
    }
    if (!sc_model_name_is_safe(what))
        return sc_error_field(err, SC_E_INVALID_VALUE, "name",
                              "'%.80s' is no name of a model, and no address", what);
    if (len == 0)
        return sc_error_field(err, SC_E_CONFIG_ERROR, "models.url",
                              "models.url is not set: say where models are pulled from, or give "
                              "the whole address in place of '%.80s'",
                              what);
    while (len > 0 && base[len - 1] == '/')
        len--;
    bool is_file = sc_str_ends(sc_str_from(what), SC_STR(SC_MODEL_SUFFIX));
    *out = is_file
               ? sc_asprintf("%.*s/%s", (int)len, base, what)
               : sc_asprintf("%.*s/" SC_MODEL_PREFIX "%s" SC_MODEL_SUFFIX, (int)len, base, what);
    return SC_OK;
}

static enum sc_code look(void *from, struct sc_model *m, struct sc_error *err)
{
    struct pull *p = from;
    const struct sc_model_wish *wish = p->wish;
    SC_AUTO_FREE char *url = NULL;
    enum sc_code code = address_of(p->config, wish->what, &url, err);
    if (code == SC_OK)
        code = split_address(p, url, err);
    if (code != SC_OK)
        return code;
    const char *file = strrchr(p->shown, '/') + 1;
    char own[SC_MODEL_NAME];
    bool is_model = sc_model_name_of(file, own);
    if (!is_model && wish->name == NULL)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "'%.100s' is no ggml file: the address must end in NAME.bin; other "
                            "models are downloaded by hand and added with `scripta models add`",
                            file);
    code = sc_models_name(wish, is_model ? own : NULL, file, m->name, err);
    if (code != SC_OK)
        return code;
    p->dir = sc_models_dir(p->config);
    p->part = sc_asprintf("%s/.%s" SC_MODEL_PART, p->dir, m->name);
    p->note = sc_asprintf("%s" SC_MODEL_NOTE, p->part);
    code = sc_client_open(p->server, NULL, &p->client, err);
    if (code != SC_OK)
        return code;
    sc_client_trust(p->client, p->config->ca_file);
    if (p->watch != NULL && p->watch->stop != NULL)
        sc_client_set_stop(p->client, p->watch->stop, p->watch->ctx);
    return SC_OK;
}

/* ---- what an earlier attempt left ---- */

static void put_megabytes(struct sc_buf *out, int64_t bytes)
{
    sc_buf_printf(out, "%lld.%lld MB", (long long)(bytes / 1000000),
                  (long long)(bytes / 100000 % 10));
}

/* Whether this pull goes on behind it, and from where. */
static void tell_what_is_there(const struct pull *p, int64_t size, bool same)
{
    SC_AUTO_BUF done = { 0 };
    SC_AUTO_BUF all = { 0 };
    put_megabytes(&done, size);
    put_megabytes(&all, p->there.whole);
    if (!same)
        sc_models_say(p->watch,
                      "%s of an earlier pull are of another address, or of a file that cannot be "
                      "gone on with: it begins anew",
                      sc_buf_text(&done));
    else if (p->there.whole > 0)
        sc_models_say(p->watch, "going on behind the %s of %s that came before", sc_buf_text(&done),
                      sc_buf_text(&all));
    else
        sc_models_say(p->watch, "going on behind the %s that came before", sc_buf_text(&done));
}

/* What came of another address is no beginning of this file. */
static void look_at_rest(struct pull *p, int fd)
{
    int64_t size = (int64_t)lseek(fd, 0, SEEK_END);
    sc_pull_note_read(p->note, &p->there);
    bool same = strcmp(p->there.url, p->shown) == 0 && p->there.etag[0] != '\0';
    if (size > 0)
        tell_what_is_there(p, size, same);
    if (same)
        return;
    sc_pull_note_done(&p->there);
    p->there = (struct sc_pull_note){ .url = sc_strdup(p->shown), .whole = -1 };
}

/* ---- the download ---- */

static void show(void *ctx, int64_t done, int64_t total)
{
    const struct pull *p = ctx;
    sc_models_show(p->watch, "download", done, total);
}

static enum sc_code begin(void *ctx, int64_t offset, int64_t total, const char *etag,
                          struct sc_error *err)
{
    struct pull *p = ctx;
    enum sc_code code = sc_models_room(p->dir, total - offset, err);
    if (code != SC_OK || (strcmp(p->there.etag, etag) == 0 && p->there.whole == total))
        return code;
    (void)snprintf(p->there.etag, sizeof(p->there.etag), "%s", etag);
    p->there.whole = total;
    return sc_pull_note_write(&p->there, p->note, err);
}

/* A body may be longer than was said, or have no end: others write to that disk, too. */
static enum sc_code room(void *ctx, int64_t len, struct sc_error *err)
{
    const struct pull *p = ctx;
    return sc_models_room(p->dir, len, err);
}

/* The sum that stands in a file beside the model, as `sha256sum` writes it. */
static void ask_for_sum(struct pull *p)
{
    SC_AUTO_BUF reply = { .limit = SUM_LIMIT };
    SC_AUTO_FREE char *path = sc_asprintf("%s.sha256", p->path);
    const struct sc_call call = { .path = path, .timeout_ms = SUM_WAIT_MS };
    int status = 0;
    if (strchr(p->path, '?') != NULL ||
        sc_client_call(p->client, &call, &status, &reply, NULL) != SC_OK || status != 200)
        return;
    struct sc_str text = sc_str_trim(sc_buf_str(&reply));
    text.len = SC_MIN(text.len, strcspn(sc_buf_text(&reply), " \t\r\n"));
    if (sc_models_sum_parse(text, p->wanted))
        p->trust = SC_MODEL_TRUST_SERVER;
}

static bool broke(enum sc_code code)
{
    return code == SC_E_SERVER_UNREACHABLE || code == SC_E_TIMEOUT;
}

struct attempt {
    bool again;   /* it broke, and may not break the next time */
    bool brought; /* more than there was: not by beginning anew */
};

/* One transfer behind what is there; what is there goes when the server has other bytes. */
static enum sc_code fetch_once(struct pull *p, int fd, struct attempt *a, struct sc_error *err)
{
    struct sc_fetched got;
    int64_t offset = p->there.etag[0] == '\0' ? 0 : (int64_t)lseek(fd, 0, SEEK_END);
    const struct sc_fetch what = { .path = p->path,
                                   .fd = fd,
                                   .offset = offset,
                                   .etag = p->there.etag,
                                   .whole = p->there.whole,
                                   .progress = show,
                                   .begin = begin,
                                   .room = room,
                                   .ctx = p };
    enum sc_code code = sc_client_fetch(p->client, &what, &got, err);
    if (got.is_other && offset > 0) {
        sc_models_say(p->watch, "what came before cannot be gone on with: it begins anew");
        p->there.etag[0] = '\0';
        return fetch_once(p, fd, a, err);
    }
    a->again = broke(code) && !got.is_final;
    a->brought = (got.status == 206 || !p->begun) && (int64_t)lseek(fd, 0, SEEK_END) > offset;
    p->begun = p->begun || a->brought;
    if (p->wanted[0] == '\0' && got.sha256[0] != '\0') {
        memcpy(p->wanted, got.sha256, sizeof(p->wanted));
        p->trust = SC_MODEL_TRUST_SERVER;
    }
    return code;
}

/* A connection that breaks is taken up again, as long as that brings bytes. A server that cannot go
 * on behind what came begins anew each time, and might do so for ever: that brings none. */
static enum sc_code fetch_all(struct pull *p, int fd, struct sc_error *err)
{
    for (int failed = 0;;) {
        struct attempt a = { .again = false };
        enum sc_code code = fetch_once(p, fd, &a, err);
        failed = a.brought ? 0 : failed + 1;
        if (!a.again || failed >= ATTEMPTS)
            return code;
        if (sc_models_stopped(p->watch))
            return sc_error_set(err, SC_E_CANCELLED, "interrupted");
        if (err != NULL)
            sc_models_say(p->watch, "%s: trying again (%d of %d)", err->msg, failed + 1, ATTEMPTS);
        sc_clock_sleep_ms(PAUSE_MS << failed);
    }
}

/* What is there after a failure, for the next attempt. */
static enum sc_code tell_rest(struct pull *p, int fd, enum sc_code code, struct sc_error *err)
{
    int64_t size = (int64_t)lseek(fd, 0, SEEK_END);
    bool kept = size > 0 && p->there.etag[0] != '\0';
    if (!kept) {
        (void)unlink(p->part);
        (void)unlink(p->note);
    }
    SC_AUTO_BUF came = { 0 };
    put_megabytes(&came, size);
    if (kept && (broke(code) || code == SC_E_CANCELLED || code == SC_E_NO_SPACE))
        sc_models_say(p->watch, "%s have come and are kept: the same command goes on behind them",
                      sc_buf_text(&came));
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_NOT_FOUND, "there is no '%.180s'", p->shown);
    if (code == SC_E_UNAUTHENTICATED || code == SC_E_FORBIDDEN)
        return sc_error_set(err, SC_E_FORBIDDEN,
                            "the server does not give '%.160s' to everybody: download it by other "
                            "means, and add it with `scripta models add FILE`",
                            p->shown);
    return code;
}

static enum sc_code download(struct pull *p, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = open(p->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot write '%s'", p->part);
    look_at_rest(p, fd);
    if (p->wanted[0] == '\0')
        ask_for_sum(p);
    enum sc_code code = fetch_all(p, fd, err);
    if (code == SC_OK)
        code = sc_file_sync(fd, err);
    return code == SC_OK ? SC_OK : tell_rest(p, fd, code, err);
}

static enum sc_code settle(struct pull *p, struct sc_model *m, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, sc_str_from(p->shown));
    (void)snprintf(m->facts.source, sizeof(m->facts.source), "%s", sc_buf_text(&shown));
    m->facts.trust = p->trust;
    const struct sc_model_made made = {
        .path = p->part,
        .seen = strlen(p->shown) <= ADDRESS_SHOWN ? p->shown : strrchr(p->shown, '/') + 1,
        .sha256 = p->wanted,
        .is_asked_for = p->by_name && p->wanted[0] == '\0',
    };
    enum sc_code code = sc_models_settle(&made, m, p->watch, err);
    /* Bytes that are wrong do not become right by going on behind them. */
    if (code == SC_E_CHECKSUM_MISMATCH || code == SC_E_MODEL_ERROR)
        (void)unlink(p->part);
    if (code == SC_OK || code == SC_E_CHECKSUM_MISMATCH || code == SC_E_MODEL_ERROR)
        (void)unlink(p->note);
    if (code == SC_OK && m->facts.trust == SC_MODEL_TRUST_NOBODY)
        sc_models_say(p->watch,
                      "nobody vouches for these bytes: compare their SHA-256, %.64s, with what "
                      "the author publishes",
                      m->facts.sha256);
    return code;
}

static enum sc_code bring(void *from, struct sc_model *m, struct sc_error *err)
{
    enum sc_code code = download(from, err);
    return code == SC_OK ? settle(from, m, err) : code;
}

enum sc_code sc_models_pull(const struct sc_config *config, const struct sc_model_wish *wish,
                            const struct sc_models_watch *watch, struct sc_model *out,
                            struct sc_error *err)
{
    static const struct sc_models_way way = { look, bring };
    SC_AUTO(pull_done)
    struct pull p = { .config = config,
                      .wish = wish,
                      .watch = watch,
                      .by_name = wish->name == NULL && strstr(wish->what, "://") == NULL };
    if (wish->sha256 != NULL) {
        (void)snprintf(p.wanted, sizeof(p.wanted), "%s", wish->sha256);
        p.trust = SC_MODEL_TRUST_ASKED;
    }
    return sc_models_bring(config, &way, &p, wish->replace, out, err);
}
