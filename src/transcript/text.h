#pragma once
/* What the module must know about signs: case, punctuation, width, scripts without spaces. Small
 * range tables of our own, since those of libc depend on the locale. For files of this module only.
 */

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

uint32_t sc_text_lower(uint32_t cp);
/* Punctuation, white space and control signs. */
bool sc_text_is_punctuation(uint32_t cp);
/* Written without spaces between words: Han, Kana, Thai, Lao, Khmer, Burmese, and their
 * punctuation. */
bool sc_text_is_unsegmented(uint32_t cp);
/* Columns on a screen: 0 (combining, invisible), 1 or 2 (wide). */
int sc_text_width(uint32_t cp);
/* Must a space stand between `before` and `after` when they are joined? False when either is empty.
 */
bool sc_text_needs_space(struct sc_str before, struct sc_str after);
/* Appends s as one line: runs of white space and control signs become one space, none at the ends;
 * byte order marks go, invalid bytes become U+FFFD. */
void sc_text_append_line(struct sc_buf *out, struct sc_str s);
/* Cuts the next word off *rest, false at its end: what white space holds apart, in scripts without
 * spaces each sign with the vowels and tones that belong to it. */
bool sc_text_take_word(struct sc_str *rest, struct sc_str *word);
