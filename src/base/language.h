#pragma once
/* Languages as recognisers and their clients name them: codes and English names. Pure. */

#include "base/str.h"

#define SC_LANGUAGE_TEXT 24 /* a code with region and script, and its NUL */

/* "de", "DE", "deu", "ger", "german" → "de", "de_at" → "de-AT"; "auto" stays. False: neither the
 * name of a language nor a code. Of the codes of a language one counts, whichever was told: that of
 * ISO 639-1 where there is one ("jw" → "jv", "nb" → "no"). Of three letters any is taken. */
bool sc_language_tag(struct sc_str text, char out[SC_LANGUAGE_TEXT]);
/* The same without region and script: "de-AT" → "de". */
bool sc_language_code(struct sc_str text, char out[SC_LANGUAGE_TEXT]);
/* As a list of codes has it, whichever code that is, with its region where none is asked for:
 * "no-NO" of the list "sv,nb" → "nb-NO", "zh" of "zh-CN" → "zh-CN". False: the list does not have
 * it. */
bool sc_language_as(const char *list, const char *language, char out[SC_LANGUAGE_TEXT]);
/* "de", "de-AT" → "german"; the code itself when its name is not known, "unknown" for "". Static,
 * or the text given. */
const char *sc_language_name(const char *code);
