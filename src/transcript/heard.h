#pragma once
/* What a recogniser of Whisper's kind says of a segment besides its words: the tokens that spell
 * it, how the window went that it was heard in, and its language where each is heard for itself.
 * Optional, and true only of the words that the recogniser gave.
 *
 * Numbers are kept with four digits after the point. The packed form, of one column, is canonical:
 *
 *     byte    version: 1
 *     byte    which numbers are told: 1 temperature, 2 avg_logprob, 4 compression_ratio,
 *             8 no_speech_prob, 16 seek; 32: the language
 *     varint  of each told number but seek its ten-thousandths, zigzag
 *     varint  seek, when told
 *     byte    the length of the language's code, when told, and so many letters
 *     varint  of each token, up to the end
 *
 * Nothing told is no bytes. */

#include "base/buf.h"
#include "base/error.h"
#include "base/language.h"

#include <stdint.h>

#define SC_HEARD_TOKENS_MAX ((size_t)10000) /* of one segment */

struct sc_heard {
    int32_t *tokens; /* owned */
    size_t token_count, token_cap;
    double temperature, avg_logprob, compression_ratio, no_speech_prob; /* NAN: not told */
    /* Where the window begins, in hundredths of a second; -1: not told. */
    int64_t seek;
    char language[SC_LANGUAGE_TEXT]; /* its code; "": not told */
};

struct sc_segment;
struct sc_json;
struct sc_json_value;

void sc_heard_free(struct sc_heard *h);
SC_DEFINE_FREEP(struct sc_heard, sc_heard_free);
/* What the segment has, of which nothing is told yet where it had none; NULL: no memory. Borrowed:
 * the segment owns it. */
struct sc_heard *sc_segment_make_heard(struct sc_segment *s);
/* False: no memory, or too many. */
bool sc_heard_add_token(struct sc_heard *h, int32_t token);
/* Is nothing told? NULL tells nothing. */
bool sc_heard_is_empty(const struct sc_heard *h);
/* As the store keeps them. */
bool sc_heard_is_equal(const struct sc_heard *a, const struct sc_heard *b);
/* NULL: no memory. */
struct sc_heard *sc_heard_copy(const struct sc_heard *h);

/* The words are others now: nothing of it is true any more. */
void sc_segment_forget_heard(struct sc_segment *s);
/* The segment says only a part of the tokens; what is said of the window stays true. */
void sc_segment_forget_tokens(struct sc_segment *s);

/* A number or token that cannot be kept, as "has a …"; NULL: all can. Static. */
const char *sc_heard_fault(const struct sc_heard *h);
/* Appends the packed form; h may be NULL. */
void sc_heard_pack(const struct sc_heard *h, struct sc_buf *out);
/* Replaces what s has by that of bytes (nothing for no bytes); STORE_DAMAGED, s untouched, for
 * bytes that are no packed form. */
SC_MUST_USE enum sc_code sc_heard_unpack(struct sc_str bytes, struct sc_segment *s,
                                         struct sc_error *err);

/* Writes what is told as members of the open object, named as OpenAI names them, and `language`. h
 * may be NULL. */
void sc_heard_put(struct sc_json *w, const struct sc_heard *h);
/* Reads these members of an object into s; those that cannot be kept are passed over, and so are
 * the zeros of a program that tells none of them. False: no memory. */
bool sc_heard_read(const struct sc_json_value *object, struct sc_segment *s);
