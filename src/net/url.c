#include "net/client.h"

#include "base/banned.h"

void sc_url_encode(struct sc_buf *out, struct sc_str text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != '\0' && strchr(plain, c) != NULL)
            sc_buf_putc(out, c);
        else
            sc_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}
