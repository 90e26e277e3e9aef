#pragma once
/* Numbers in as few bytes as they need, as the packed columns have them: seven bits a byte, low
 * ones first. Each number has one form. */

#include "base/buf.h"

#include <stdint.h>

/* At most 63 bits. */
void sc_varint_put(struct sc_buf *out, uint64_t v);
/* Cuts one off; false, and nothing cut, when it is cut short, longer than needed or over 63 bits.
 */
bool sc_varint_take(struct sc_str *rest, uint64_t *out);
/* Signed numbers near 0 as small ones. */
uint64_t sc_varint_zigzag(int64_t v);
int64_t sc_varint_unzigzag(uint64_t v);
