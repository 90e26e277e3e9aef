#include "api/tus.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "json/writer.h"

#include <time.h>

#include "base/banned.h"

#define PAIRS_MAX 64
#define KEY_MAX 64

/* ---- numbers ---- */

enum sc_code sc_tus_bytes(const char *header, struct sc_str text, int64_t *out,
                          struct sc_error *err)
{
    int64_t value = 0;
    bool digits = text.len > 0;
    for (size_t i = 0; digits && i < text.len; i++)
        digits = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    if (!digits || !sc_str_to_int64(text, &value))
        return sc_error_field(err, SC_E_INVALID_VALUE, header, "%s must be a number of bytes",
                              header);
    *out = value;
    return SC_OK;
}

/* ---- base64 (RFC 4648, with its padding) ---- */

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bits that the last byte does not take must be zero: each value has one spelling. */
static bool decode_base64(struct sc_str text, struct sc_buf *out)
{
    unsigned bits = 0;
    int held = 0;
    size_t padding = 0;
    if (text.len % 4 != 0)
        return false;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.len - padding; i++) {
        int value = sextet(text.ptr[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (unsigned)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            sc_buf_putc(out, (char)(bits >> held & 0xff));
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0 && !out->failed;
}

/* ---- checksums ---- */

enum sc_code sc_tus_checksum(struct sc_str text, struct sc_checksum *out, struct sc_error *err)
{
    static const size_t lengths[SC_HASH_KIND_COUNT_] = {
        [SC_HASH_SHA256] = 32,
        [SC_HASH_SHA1] = 20,
        [SC_HASH_MD5] = 16,
    };
    struct sc_str rest = sc_str_trim(text);
    struct sc_str name = sc_str_take_until(&rest, ' ');
    for (int kind = 0; kind < SC_HASH_KIND_COUNT_; kind++) {
        SC_AUTO_BUF bytes = { 0 };
        if (!sc_str_equal(name, sc_str_from(sc_hash_names[kind])))
            continue;
        if (!decode_base64(rest, &bytes) || bytes.len != lengths[kind])
            return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Checksum",
                                  "Upload-Checksum holds no %s in base64", sc_hash_names[kind]);
        *out = (struct sc_checksum){ .kind = (enum sc_hash_kind)kind, .len = bytes.len };
        memcpy(out->bytes, bytes.ptr, bytes.len);
        return SC_OK;
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Checksum",
                          "Upload-Checksum must be 'sha256', 'sha1' or 'md5', a space and the sum "
                          "in base64");
}

/* ---- metadata ---- */

struct seen {
    struct sc_str keys[PAIRS_MAX];
    size_t count;
    bool has_filename, has_job;
};

static enum sc_code malformed(struct sc_error *err)
{
    return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Metadata",
                          "Upload-Metadata must be at most %d pairs of a key and its value in "
                          "base64, with commas between them",
                          PAIRS_MAX);
}

static bool is_key(struct sc_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~')
            return false;
    }
    return key.len > 0 && key.len <= KEY_MAX;
}

static bool is_one_of(struct sc_str key, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (sc_str_equal(key, sc_str_from(*names)))
            return true;
    }
    return false;
}

/* What the clients of the protocol tell of a file. */
static const char *const passed_over[] = { "filetype", "type", "relativePath", NULL };
static const char *const names[] = { "filename", "name", NULL };

static enum sc_code take_value(struct sc_tus_metadata *m, struct seen *seen, struct sc_json *w,
                               struct sc_str key, struct sc_str value, struct sc_error *err)
{
    char text[KEY_MAX + 1];
    if (is_one_of(key, passed_over))
        return SC_OK;
    if (is_one_of(key, names)) {
        if (value.len > 0 && memchr(value.ptr, '\0', value.len) != NULL)
            return sc_error_field(err, SC_E_INVALID_VALUE, "filename",
                                  "filename holds a NUL, which no name of a file has");
        bool better = sc_str_equal(key, SC_STR("filename"));
        if (better || !seen->has_filename) {
            sc_buf_reset(&m->name);
            sc_utf8_append_lossy(&m->name, value);
        }
        seen->has_filename = seen->has_filename || better;
        return SC_OK;
    }
    if (sc_str_equal(key, SC_STR("job"))) {
        seen->has_job = true;
        if (!sc_str_to_bool(value, &m->job))
            return sc_error_field(err, SC_E_INVALID_VALUE, "job", "job must be 'true' or 'false'");
        return SC_OK;
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)key.len, key.ptr);
    if (!sc_utf8_is_valid(value))
        return sc_error_field(err, SC_E_INVALID_VALUE, text, "%s is no valid UTF-8", text);
    sc_json_str(w, text, value);
    m->job = m->job || !seen->has_job;
    return SC_OK;
}

static enum sc_code take_pair(struct sc_tus_metadata *m, struct seen *seen, struct sc_json *w,
                              struct sc_str pair, struct sc_error *err)
{
    SC_AUTO_BUF value = { 0 };
    struct sc_str rest = sc_str_trim(pair);
    struct sc_str key = sc_str_take_until(&rest, ' ');
    if (!is_key(key) || seen->count == PAIRS_MAX || !decode_base64(rest, &value))
        return malformed(err);
    for (size_t i = 0; i < seen->count; i++) {
        if (sc_str_equal(seen->keys[i], key))
            return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Metadata",
                                  "Upload-Metadata names '%.*s' twice", (int)key.len, key.ptr);
    }
    seen->keys[seen->count++] = key;
    return take_value(m, seen, w, key, sc_buf_str(&value), err);
}

void sc_tus_metadata_done(struct sc_tus_metadata *m)
{
    sc_buf_done(&m->name);
    sc_buf_done(&m->options);
}

enum sc_code sc_tus_metadata(struct sc_str text, struct sc_tus_metadata *out, struct sc_error *err)
{
    struct seen seen = { 0 };
    struct sc_json w;
    struct sc_str rest = sc_str_trim(text);
    enum sc_code code = SC_OK;
    sc_json_begin(&w, &out->options);
    sc_json_object(&w, NULL);
    while (rest.len > 0 && code == SC_OK)
        code = take_pair(out, &seen, &w, sc_str_take_until(&rest, ','), err);
    sc_json_end(&w);
    return code;
}

/* ---- dates ---- */

const char *sc_tus_date(int64_t wall_ms, char out[SC_HTTP_DATE_TEXT])
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)((wall_ms + 999) / 1000);
    struct tm tm = { 0 };
    sc_assert(gmtime_r(&seconds, &tm) != NULL);
    (void)snprintf(out, SC_HTTP_DATE_TEXT, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
                   (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return out;
}
