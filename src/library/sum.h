#pragma once
/* The checksum of a version: over the content hashes of its segments, in their order. It tells a
 * segment that is missing, twice, or not where it was.
 *
 * SC_SUM_CHAIN, of the first releases: SHA-256 over the hashes one behind another. SC_SUM_ADDED:
 * the hashes are added up as numbers of 256 bits, so that an edit takes off what ends and adds what
 * is new. A hash covers the times of its segment, and so its place among the others; of segments
 * that start at the same time, those behind the first are added as SHA-256 of hash and rank. */

#include "base/hash.h"

/* As versions.content_hash_kind has it. */
enum sc_sum_kind { SC_SUM_CHAIN, SC_SUM_ADDED };

struct sc_sum_stored {
    enum sc_sum_kind kind;
    char hash[SC_SHA256_TEXT];
};

/* ---- over all segments, in order ---- */

struct sc_sum;
struct sc_sum *sc_sum_new(enum sc_sum_kind kind);
void sc_sum_free(struct sc_sum *s);
SC_DEFINE_FREEP(struct sc_sum, sc_sum_free);
void sc_sum_segment(struct sc_sum *s, struct sc_str content_hash, int64_t start_ms);
/* Of what was fed; it is then to be freed. */
void sc_sum_hex(struct sc_sum *s, char out[SC_SHA256_TEXT]);

/* ---- by difference ---- */

struct sc_sum_number {
    unsigned char bytes[SC_SHA256_BYTES]; /* the highest first */
};
/* False: that is no sum. */
bool sc_sum_parse(struct sc_str hex, struct sc_sum_number *out);
void sc_sum_format(const struct sc_sum_number *n, char out[SC_SHA256_TEXT]);
/* Would one be the other, were one sign of it, or of the sum that it was made from, another? */
bool sc_sum_is_near(struct sc_str a, struct sc_str b);
/* rank: how many segments that start at the same time stand in front of it. */
void sc_sum_add(struct sc_sum_number *n, struct sc_str content_hash, int64_t rank);
void sc_sum_take_off(struct sc_sum_number *n, struct sc_str content_hash, int64_t rank);
