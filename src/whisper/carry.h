#pragma once
/* What a clip hands to the one behind it, where both are parts of one recording that is heard in
 * sequence: with it the second goes on as if they had never been cut. As JSON it passes through the
 * store and other hosts, so it is checked like anything that comes from outside. */

#include "base/buf.h"
#include "base/error.h"
#include "base/language.h"
#include "whisper/sequential.h"

/* As JSON, at most. */
#define SC_CARRY_MAX ((size_t)16384)
#define SC_CARRY_TOKENS 1024

struct sc_carry {
    int64_t frame; /* 10 ms each, of the recording: where the next window begins */
    char language[SC_LANGUAGE_TEXT]; /* that was heard; "": none yet */
    float loudest;                   /* of the spectrum so far, in decades */
    /* How often chance was asked, for each hypothesis. */
    int64_t drawn[SC_DECODE_HYPOTHESES_MAX];
    struct sc_past past; /* owned; SC_CARRY_TOKENS at most count */
};
void sc_carry_done(struct sc_carry *c);
/* The last tokens of its past, if there are too many. */
void sc_carry_write(const struct sc_carry *c, struct sc_buf *out);
/* ENGINE_ERROR for what sc_carry_write does not write. tokens: so many there are. */
SC_MUST_USE enum sc_code sc_carry_read(struct sc_str text, int32_t tokens, struct sc_carry *out,
                                       struct sc_error *err);
