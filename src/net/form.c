#include "net/client-internal.h"

#include "base/clock.h"
#include "base/utf8.h"

#include "base/banned.h"

#define RETRY_AFTER_MAX_MS ((int64_t)24 * 3600 * 1000)

/* The two pieces of the file, read as one. */
struct pieces {
    struct sc_client *client;
    const struct sc_form *form;
    size_t at;
};

static size_t total(const struct sc_form *form)
{
    return form->head.len + form->body.len;
}

static size_t read_pieces(char *into, size_t one, size_t room, void *ctx)
{
    struct pieces *p = ctx;
    const struct sc_form *form = p->form;
    (void)one;
    p->client->active_ms = sc_clock_mono_ms();
    bool in_head = p->at < form->head.len;
    struct sc_str piece = in_head ? form->head : form->body;
    size_t from = in_head ? p->at : p->at - form->head.len;
    size_t n = SC_MIN(room, piece.len - from);
    memcpy(into, piece.ptr + from, n);
    p->at += n;
    return n;
}

static int rewind_pieces(void *ctx, curl_off_t offset, int origin)
{
    struct pieces *p = ctx;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > total(p->form))
        return CURL_SEEKFUNC_FAIL;
    p->at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool add_parts(curl_mime *mime, struct pieces *pieces)
{
    const struct sc_form *form = pieces->form;
    for (size_t i = 0; i < form->field_count; i++) {
        curl_mimepart *part = curl_mime_addpart(mime);
        if (curl_mime_name(part, form->fields[i].name) != CURLE_OK ||
            curl_mime_data(part, form->fields[i].value, CURL_ZERO_TERMINATED) != CURLE_OK)
            return false;
    }
    curl_mimepart *part = curl_mime_addpart(mime);
    return curl_mime_name(part, "file") == CURLE_OK &&
           curl_mime_filename(part, form->file_name) == CURLE_OK &&
           curl_mime_type(part, form->file_type) == CURLE_OK &&
           curl_mime_data_cb(part, (curl_off_t)total(form), read_pieces, rewind_pieces, NULL,
                             pieces) == CURLE_OK;
}

/* The value of a header of the last answer, "": it has none. Borrowed until the next call. */
static const char *header(CURL *easy, const char *name)
{
    struct curl_header *found = NULL;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return "";
    return found->value;
}

/* For people to read: what another server sends may hold anything. */
static void copy_header(struct sc_client *c, const char *name, char *out, size_t size)
{
    SC_AUTO_BUF text = { 0 };
    sc_utf8_append_printable(&text, sc_str_from(header(c->easy, name)));
    struct sc_str s = { sc_buf_text(&text), SC_MIN(text.len, size - 1) };
    (void)snprintf(out, size, "%.*s", (int)sc_utf8_valid_prefix(s), s.ptr);
}

int64_t sc_retry_after_ms(CURL *easy)
{
    int64_t n = -1;
    if (sc_str_to_int64(sc_str_from(header(easy, "retry-after-ms")), &n) && n >= 0)
        return SC_MIN(n, RETRY_AFTER_MAX_MS);
    const char *text = header(easy, "retry-after");
    double seconds = -1;
    if (sc_str_to_double(sc_str_from(text), &seconds) && seconds >= 0)
        return (int64_t)(SC_MIN(seconds, (double)RETRY_AFTER_MAX_MS / 1000) * 1000);
    time_t date = text[0] == '\0' ? -1 : curl_getdate(text, NULL);
    if (date < 0)
        return -1;
    return SC_MAX(0, SC_MIN((int64_t)date * 1000 - sc_clock_wall_ms(), RETRY_AFTER_MAX_MS));
}

enum sc_code sc_client_form(struct sc_client *c, const struct sc_form *form,
                            struct sc_answer *answer, struct sc_buf *reply, struct sc_error *err)
{
    struct pieces pieces = { .client = c, .form = form };
    int status = 0;
    sc_buf_reset(reply);
    sc_client_begin(c, "POST", form->path);
    c->reply = reply;
    curl_mime *mime = curl_mime_init(c->easy);
    sc_assert(mime != NULL);
    enum sc_code code;
    if (add_parts(mime, &pieces)) {
        (void)curl_easy_setopt(c->easy, CURLOPT_MIMEPOST, mime);
        sc_client_add_header(c, "Expect:");
        code = sc_client_run(c, form->timeout_ms, 0, &status, err);
    } else {
        code = sc_error_set(err, SC_E_INTERNAL, "out of memory");
    }
    if (code == SC_OK) {
        *answer =
            (struct sc_answer){ .status = status, .retry_after_ms = sc_retry_after_ms(c->easy) };
        copy_header(c, "content-type", answer->type, sizeof(answer->type));
        copy_header(c, "location", answer->location, sizeof(answer->location));
    }
    (void)curl_easy_setopt(c->easy, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(mime);
    return code;
}
