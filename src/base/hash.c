#include "base/hash.h"

#include "base/alloc.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/banned.h"

struct sc_hash {
    gnutls_hash_hd_t handle;
    enum sc_hash_kind kind;
};

const char *const sc_hash_names[SC_HASH_KIND_COUNT_] = {
    [SC_HASH_SHA256] = "sha256",
    [SC_HASH_SHA1] = "sha1",
    [SC_HASH_MD5] = "md5",
};
static const gnutls_digest_algorithm_t algorithms[SC_HASH_KIND_COUNT_] = {
    [SC_HASH_SHA256] = GNUTLS_DIG_SHA256,
    [SC_HASH_SHA1] = GNUTLS_DIG_SHA1,
    [SC_HASH_MD5] = GNUTLS_DIG_MD5,
};

static void to_hex(const unsigned char digest[SC_SHA256_BYTES], char out[SC_SHA256_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SC_SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SC_SHA256_TEXT - 1] = '\0';
}

struct sc_hash *sc_hash_new_kind(enum sc_hash_kind kind)
{
    struct sc_hash *h = sc_alloc(sizeof(*h));
    h->kind = kind;
    sc_assert(gnutls_hash_init(&h->handle, algorithms[kind]) == 0);
    return h;
}

struct sc_hash *sc_hash_new(void)
{
    return sc_hash_new_kind(SC_HASH_SHA256);
}

struct sc_hash *sc_hash_copy(const struct sc_hash *other)
{
    struct sc_hash *h = sc_alloc(sizeof(*h));
    h->kind = other->kind;
    h->handle = gnutls_hash_copy(other->handle);
    sc_assert(h->handle != NULL);
    return h;
}

void sc_hash_free(struct sc_hash *h)
{
    if (h == NULL)
        return;
    gnutls_hash_deinit(h->handle, NULL);
    free(h);
}

void sc_hash_update(struct sc_hash *h, const void *bytes, size_t len)
{
    if (len > 0)
        sc_assert(gnutls_hash(h->handle, bytes, len) == 0);
}

void sc_hash_hex(struct sc_hash *h, char out[SC_SHA256_TEXT])
{
    unsigned char digest[SC_SHA256_BYTES];
    gnutls_hash_output(h->handle, digest); /* also starts anew */
    to_hex(digest, out);
}

size_t sc_hash_take(struct sc_hash *h, unsigned char out[SC_HASH_BYTES_MAX])
{
    gnutls_hash_output(h->handle, out);
    return gnutls_hash_get_len(algorithms[h->kind]);
}

void sc_hash_bytes(const void *bytes, size_t len, char out[SC_SHA256_TEXT])
{
    unsigned char digest[SC_SHA256_BYTES];
    sc_assert(gnutls_hash_fast(GNUTLS_DIG_SHA256, len == 0 ? "" : bytes, len, digest) == 0);
    to_hex(digest, out);
}

void sc_hash_hmac(struct sc_str key, struct sc_str bytes, char out[SC_SHA256_TEXT])
{
    unsigned char digest[SC_SHA256_BYTES];
    sc_assert(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.ptr, key.len, bytes.ptr, bytes.len, digest) ==
              0);
    to_hex(digest, out);
}

void sc_sha1_base64(const void *bytes, size_t len, char out[SC_SHA1_BASE64])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[21] = { 0 }; /* a whole number of groups of three */
    sc_assert(gnutls_hash_fast(GNUTLS_DIG_SHA1, len == 0 ? "" : bytes, len, digest) == 0);
    char *p = out;
    for (size_t i = 0; i < sizeof(digest); i += 3) {
        unsigned group = (unsigned)digest[i] << 16 | (unsigned)digest[i + 1] << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *p++ = digits[group >> shift & 63];
    }
    out[SC_SHA1_BASE64 - 2] = '=';
    out[SC_SHA1_BASE64 - 1] = '\0';
}
