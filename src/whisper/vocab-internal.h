#pragma once
/* What the files of the vocabulary share. For files of this module only. */

#include "whisper/vocab.h"

struct sc_vocab_index {
    char *bytes;
    struct sc_str *tokens; /* in bytes */
    int32_t *slots;        /* by hash of the bytes: the token, or -1 */
    uint32_t mask;
    int32_t *non_speech;
    size_t non_speech_count;
};

/* Signs as words are cut by them. */
enum sc_sign { SC_SIGN_OTHER, SC_SIGN_LETTER, SC_SIGN_NUMBER, SC_SIGN_SPACE };

/* Cuts the next piece off *rest, which is not empty: a word with the space before it, a number,
 * a run of other signs, white space. No token reaches over the end of a piece. */
struct sc_str sc_vocab_piece(struct sc_str *rest);
