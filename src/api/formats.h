#pragma once
/* How export formats are shown: all of them, or one. */

#include "library/transcripts.h"

void sc_formats_view(struct sc_buf *out, const struct sc_formats_active *active);
void sc_format_view(struct sc_buf *out, const struct sc_format *format, bool active);
