#pragma once
/* Content-Disposition: the name under which a browser saves an answer (RFC 6266, RFC 8187). Pure.
 */

#include "base/buf.h"

/* Appends the header's value: attachment, with the name in ASCII and, where that cannot say it, in
 * UTF-8 too. stem is data that a client sent once: slashes, control signs and those that turn the
 * direction of text become '_', leading dots too, and it is cut to 150 bytes. extension "": none.
 */
void sc_disposition_put(struct sc_buf *out, struct sc_str stem, const char *extension);
