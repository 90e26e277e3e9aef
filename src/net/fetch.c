#include "net/fetch.h"

#include "net/client-internal.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "sys/file.h"

#include <ctype.h>
#include <errno.h>

#include "base/banned.h"

#define REDIRECTIONS 5L

struct fetch {
    struct sc_client *client;
    const struct sc_fetch *what;
    struct sc_fetched *out;
    bool begun;
    int64_t from, whole; /* of Content-Range; -1: not said */
    int64_t there, total;
    char location[120]; /* of the last redirection, to be shown: what stands behind '?' may be a key
                         */
};

/* ---- headers ---- */

static void take_etag(struct fetch *f, struct sc_str value)
{
    if (sc_str_starts(value, SC_STR("\"")) && value.len < SC_FETCH_ETAG)
        (void)snprintf(f->out->etag, SC_FETCH_ETAG, "%.*s", (int)value.len, value.ptr);
}

static void take_sum(struct fetch *f, struct sc_str value)
{
    char sum[65];
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
        value.ptr++;
        value.len -= 2;
    }
    if (value.len != sizeof(sum) - 1)
        return;
    for (size_t i = 0; i < value.len; i++) {
        if (!isxdigit((unsigned char)value.ptr[i]))
            return;
        sum[i] = (char)tolower((unsigned char)value.ptr[i]);
    }
    sum[value.len] = '\0';
    memcpy(f->out->sha256, sum, sizeof(sum));
}

/* "bytes 100-199/200" */
static void take_range(struct fetch *f, struct sc_str value)
{
    struct sc_str unit = sc_str_take_until(&value, ' ');
    struct sc_str first = sc_str_take_until(&value, '-');
    int64_t from, whole;
    (void)sc_str_take_until(&value, '/');
    if (!sc_str_equal_nocase(unit, SC_STR("bytes")) || !sc_str_to_int64(first, &from))
        return;
    f->from = from;
    f->whole = sc_str_to_int64(value, &whole) ? whole : -1; /* "*" where it does not know */
}

static void take_location(struct fetch *f, struct sc_str value)
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, sc_str_take_until(&value, '?'));
    (void)snprintf(f->location, sizeof(f->location), "%s", sc_buf_text(&shown));
}

static size_t take_header(char *bytes, size_t one, size_t len, void *ctx)
{
    struct fetch *f = ctx;
    struct sc_str value = { bytes, len };
    (void)one;
    f->client->active_ms = sc_clock_mono_ms();
    if (sc_str_starts(value, SC_STR("HTTP/"))) { /* of the next server on the way */
        f->out->etag[0] = '\0';
        f->from = f->whole = -1;
        return len;
    }
    struct sc_str name = sc_str_take_until(&value, ':');
    value = sc_str_trim(value);
    if (sc_str_equal_nocase(name, SC_STR("ETag")))
        take_etag(f, value);
    else if (sc_str_equal_nocase(name, SC_STR("X-Linked-ETag")))
        take_sum(f, value);
    else if (sc_str_equal_nocase(name, SC_STR("Content-Range")))
        take_range(f, value);
    else if (sc_str_equal_nocase(name, SC_STR("Location")))
        take_location(f, value);
    return len;
}

/* ---- the body ---- */

/* A part fits what is there when it says that it is of the same bytes: If-Range is often ignored.
 */
static enum sc_code check_part(struct fetch *f, struct sc_error *err)
{
    const struct sc_fetch *what = f->what;
    bool grown = what->whole >= 0 && f->whole >= 0 && what->whole != f->whole;
    if (what->offset > 0 && (grown || strcmp(what->etag, f->out->etag) != 0)) {
        f->out->is_other = true;
        return sc_error_set(err, SC_E_CONFLICT,
                            "the server at '%.120s' has another file now than the one begun",
                            f->client->server);
    }
    if (f->from == what->offset)
        return SC_OK;
    f->out->is_other = what->offset > 0;
    return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                        "the server at '%.120s' answers with another part than was asked for",
                        f->client->server);
}

static enum sc_code begin(struct fetch *f, int status, struct sc_error *err)
{
    const struct sc_fetch *what = f->what;
    curl_off_t length = -1;
    (void)curl_easy_getinfo(f->client->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    f->there = status == 206 ? what->offset : 0;
    f->total = length < 0 ? -1 : f->there + (int64_t)length;
    enum sc_code code = status == 206 ? check_part(f, err) : SC_OK;
    if (code != SC_OK)
        return code;
    if (status == 206 && f->whole >= 0)
        f->total = f->whole;
    if (ftruncate(what->fd, f->there) != 0 || lseek(what->fd, f->there, SEEK_SET) < 0)
        return sc_error_errno(err, errno, "cannot begin the download");
    if (what->begin == NULL)
        return SC_OK;
    return what->begin(what->ctx, f->there, f->total, f->out->etag, err);
}

static size_t take_bytes(char *bytes, size_t one, size_t len, void *ctx)
{
    struct fetch *f = ctx;
    struct sc_client *c = f->client;
    int status = sc_client_status(c);
    enum sc_code code = SC_OK;
    (void)one;
    c->active_ms = sc_clock_mono_ms();
    if (status != 200 && status != 206)
        return len; /* the page of an error: nobody reads it */
    if (!f->begun)
        code = begin(f, status, &c->fault);
    f->begun = true;
    if (code == SC_OK && f->what->room != NULL)
        code = f->what->room(f->what->ctx, (int64_t)len, &c->fault);
    if (code == SC_OK)
        code = sc_file_write_all(f->what->fd, bytes, len, &c->fault);
    if (code != SC_OK) {
        c->broken = true;
        return 0;
    }
    f->there += (int64_t)len;
    if (f->what->progress != NULL)
        f->what->progress(f->what->ctx, f->there, f->total);
    return len;
}

static void prepare(struct fetch *f)
{
    struct sc_client *c = f->client;
    const struct sc_fetch *what = f->what;
    if (what->offset > 0 && what->etag[0] != '\0') {
        char range[48];
        (void)snprintf(range, sizeof(range), "bytes=%lld-", (long long)what->offset);
        sc_client_header(c, "Range", range);
        sc_client_header(c, "If-Range", what->etag);
    }
    sc_client_begin(c, "GET", what->path);
    (void)curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_MAXREDIRS, REDIRECTIONS);
    (void)curl_easy_setopt(c->easy, CURLOPT_REDIR_PROTOCOLS_STR,
                           strncmp(c->server, "https:", 6) == 0 ? "https" : "http,https");
    (void)curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, f);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, f);
}

/* Whether the failure would come again, and what libcurl cannot say of a redirection. */
static enum sc_code judge_failure(const struct fetch *f, enum sc_code code, struct sc_error *err)
{
    switch ((int)f->client->result) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_URL_MALFORMAT:
        f->out->is_final = true;
        if (f->location[0] == '\0')
            return code;
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                            "the server at '%.80s' redirects to '%s', which is not followed: give "
                            "the address where the file lies",
                            f->client->server, f->location);
    case CURLE_PEER_FAILED_VERIFICATION:
        f->out->is_final = true;
        return code;
    default:
        break;
    }
    if (!f->begun || code != SC_E_SERVER_UNREACHABLE || f->client->broken)
        return code;
    return sc_error_set(err, code, "the connection to '%.80s' broke off after %lld bytes",
                        f->client->server, (long long)f->there);
}

/* An answer that is no file. What fails at a server that is not ours is no fault of ours. */
static enum sc_code judge_status(struct fetch *f, struct sc_error *err)
{
    const int status = f->out->status;
    const struct sc_str nothing = { "", 0 };
    /* 416: what is there is no beginning of what the server has now. */
    f->out->is_other = status == 416 && f->what->offset > 0;
    /* 408 and 429 pass, too. */
    if (status >= 500 || status == 408 || status == 429)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                            "the server at '%.120s' answered %d: try again later",
                            f->client->server, status);
    if (status >= 400)
        return sc_client_judge(f->client, status, nothing, err);
    f->out->is_final = true;
    return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                        "the server at '%.120s' answered %d, and no file: give the address where "
                        "the file lies",
                        f->client->server, status);
}

enum sc_code sc_client_fetch(struct sc_client *c, const struct sc_fetch *what,
                             struct sc_fetched *out, struct sc_error *err)
{
    struct fetch f = { .client = c, .what = what, .out = out, .from = -1, .whole = -1 };
    *out = (struct sc_fetched){ 0 };
    prepare(&f);
    enum sc_code code = sc_client_run(c, 0, SC_CLIENT_IDLE_MS, &out->status, err);
    if (code != SC_OK)
        return judge_failure(&f, code, err);
    if (out->status != 200 && out->status != 206)
        return judge_status(&f, err);
    if (!f.begun) /* an empty file */
        code = begin(&f, out->status, err);
    if (code == SC_OK && f.there < f.total) /* some send no more than so much at once */
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                            "the server at '%.120s' sent less than the rest", c->server);
    return code;
}
