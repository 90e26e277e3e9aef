#pragma once
/* SHA-256 (FIPS 180-4) through GnuTLS: streamed, of bytes at hand, or keyed (HMAC, RFC 2104). And
 * other sums, for protocols that want them where nothing rests on them. */

#include "base/macros.h"
#include "base/str.h"

#define SC_SHA256_BYTES 32
#define SC_SHA256_TEXT 65
#define SC_HASH_BYTES_MAX SC_SHA256_BYTES

enum sc_hash_kind { SC_HASH_SHA256, SC_HASH_SHA1, SC_HASH_MD5, SC_HASH_KIND_COUNT_ };
/* The names that checksum headers have for them. */
extern const char *const sc_hash_names[SC_HASH_KIND_COUNT_];

struct sc_hash; /* a running sum; used by one thread at a time */

struct sc_hash *sc_hash_new(void); /* SHA-256 */
struct sc_hash *sc_hash_new_kind(enum sc_hash_kind kind);
/* The same sum of the same bytes, which goes on by itself. */
struct sc_hash *sc_hash_copy(const struct sc_hash *h);
void sc_hash_free(struct sc_hash *h);
SC_DEFINE_FREEP(struct sc_hash, sc_hash_free);
void sc_hash_update(struct sc_hash *h, const void *bytes, size_t len);
/* Lower-case hex of what was fed; the sum starts anew. */
void sc_hash_hex(struct sc_hash *h, char out[SC_SHA256_TEXT]);
/* The bytes of the sum of any kind; returns how many. The sum starts anew. */
size_t sc_hash_take(struct sc_hash *h, unsigned char out[SC_HASH_BYTES_MAX]);
/* Lower-case hex of bytes at hand. */
void sc_hash_bytes(const void *bytes, size_t len, char out[SC_SHA256_TEXT]);
/* Lower-case hex of the HMAC of bytes at hand. */
void sc_hash_hmac(struct sc_str key, struct sc_str bytes, char out[SC_SHA256_TEXT]);
/* SHA-1 of bytes at hand in base64: what the handshake of WebSockets proves with. */
#define SC_SHA1_BASE64 29
void sc_sha1_base64(const void *bytes, size_t len, char out[SC_SHA1_BASE64]);
