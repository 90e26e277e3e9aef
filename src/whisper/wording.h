#pragma once
/* Tokens as words. A token may hold a part of a sign of UTF-8: such ones are joined before anybody
 * looks at them. Signs of punctuation belong to the word that they stand at. Pure. */

#include "base/buf.h"
#include "whisper/vocab.h"

#include <stdbool.h>

/* A word: tokens [first, first + count) of those given. */
struct sc_wording {
    size_t first, count;
};

/* Is this language, by its code, written without spaces between words? Its words are signs. */
bool sc_wording_is_unspaced(const char *language);
/* The words of text tokens; out has room for `count`. Tokens beyond text are parts of no word and
 * end one. Returns how many. */
size_t sc_wording_of(const struct sc_vocab *vocab, const int32_t *tokens, size_t count,
                     bool unspaced, struct sc_wording *out);
/* Appends the text of these tokens, bytes that are no UTF-8 as U+FFFD. */
void sc_wording_text(const struct sc_vocab *vocab, const int32_t *tokens, size_t count,
                     struct sc_buf *out);

/* Words longer than twice the median, at least half a second, end then: what follows is silence
 * that alignment has given them. The first word of a segment begins later instead. Times in
 * milliseconds, in order. */
void sc_wording_bound(int64_t *starts, int64_t *ends, size_t count);
