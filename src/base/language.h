#pragma once
/* Languages as recognisers and their clients name them: codes and English names. Pure. */

#include "base/str.h"

#define SC_LANGUAGE_TEXT 24 /* a code with region and script, and its NUL */

/* "de", "DE", "deu", "ger", "german" → "de", "de-AT" → "de-AT"; "auto" stays. False: neither the
 * name of a language nor a code. Codes of two letters are those of ISO 639-1; of three letters any:
 * those of languages that have one of two become that, others stay. */
bool sc_language_tag(struct sc_str text, char out[SC_LANGUAGE_TEXT]);
/* The same without region and script: "de-AT" → "de". */
bool sc_language_code(struct sc_str text, char out[SC_LANGUAGE_TEXT]);
/* "de", "de-AT" → "german"; the code itself when its name is not known, "unknown" for "". Static,
 * or the text given. */
const char *sc_language_name(const char *code);
