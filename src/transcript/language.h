#pragma once
/* Languages of recognisers: two-letter codes and their English names, as Whisper has them. Pure. */

#include "base/str.h"

/* The code of "en", "EN", "english" or "English"; "" when it is none. Of "en-US" that of "en".
 * Static. */
const char *sc_language_code(struct sc_str name);
/* "english" of "en"; NULL: unknown. Static. */
const char *sc_language_name(struct sc_str code);
