#pragma once
/* Languages as recognisers and their clients name them: codes and English names. Pure. */

#include "base/str.h"

#define SC_LANGUAGE_TEXT 12 /* a code with its NUL */

/* "de", "de-AT", "DE", "german" → "de"; "auto" stays. False: no name of a language and no code. */
bool sc_language_code(struct sc_str text, char out[SC_LANGUAGE_TEXT]);
/* "de", "de-AT" → "german"; the code itself when its name is not known, "unknown" for "". Static,
 * or the text given. */
const char *sc_language_name(const char *code);
