#include "transcript/varint.h"

#include "base/banned.h"

void sc_varint_put(struct sc_buf *out, uint64_t v)
{
    while (v >= 0x80) {
        sc_buf_putc(out, (char)(v | 0x80));
        v >>= 7;
    }
    sc_buf_putc(out, (char)v);
}

bool sc_varint_take(struct sc_str *rest, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 9 && i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) != 0)
            continue;
        if (i > 0 && byte == 0)
            return false;
        rest->ptr += i + 1;
        rest->len -= i + 1;
        *out = v;
        return true;
    }
    return false;
}

uint64_t sc_varint_zigzag(int64_t v)
{
    return v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;
}

int64_t sc_varint_unzigzag(uint64_t v)
{
    return (v & 1) != 0 ? (int64_t) ~(v >> 1) : (int64_t)(v >> 1);
}
