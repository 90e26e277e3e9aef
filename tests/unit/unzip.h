#pragma once
/* Reads one entry of a zip archive back, from its table of contents, as readers do. */

#include "base/buf.h"

#include <zlib.h>

#include "testing.h"

static inline uint32_t zip_number(const unsigned char *at, int bytes)
{
    uint32_t n = 0;
    for (int i = bytes; i > 0; i--)
        n = n << 8 | at[i - 1];
    return n;
}

/* False: no such entry. */
static inline bool unzip(const struct sc_buf *archive, const char *name, struct sc_buf *out)
{
    const unsigned char *all = (const unsigned char *)archive->ptr;
    assert_true(archive->len > 22);
    const unsigned char *end = all + archive->len - 22; /* no comment */
    assert_int_equal(zip_number(end, 4), 0x06054b50);
    const unsigned char *row = all + zip_number(end + 16, 4);
    assert_int_equal(zip_number(end + 12, 4), end - row);
    for (uint32_t i = zip_number(end + 10, 2); i > 0; i--, row += 46 + zip_number(row + 28, 2)) {
        assert_int_equal(zip_number(row, 4), 0x02014b50);
        if (zip_number(row + 28, 2) != strlen(name) || memcmp(row + 46, name, strlen(name)) != 0)
            continue;
        const unsigned char *head = all + zip_number(row + 42, 4);
        assert_int_equal(zip_number(head, 4), 0x04034b50);
        assert_memory_equal(head + 30, name, strlen(name));
        const unsigned char *packed = head + 30 + strlen(name);
        uint32_t size = zip_number(row + 24, 4), packed_size = zip_number(row + 20, 4);
        assert_memory_equal(packed + packed_size, "PK\x07\x08", 4); /* the sizes behind it */
        assert_memory_equal(packed + packed_size + 4, row + 16, 12);
        sc_buf_reset(out);
        char *at = sc_buf_extend(out, size);
        z_stream z = { .next_in = (Bytef *)(uintptr_t)packed,
                       .avail_in = packed_size,
                       .next_out = (Bytef *)at,
                       .avail_out = size };
        assert_int_equal(inflateInit2(&z, -MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(inflateEnd(&z), Z_OK);
        assert_int_equal(crc32_z(0, (const Bytef *)at, size), zip_number(row + 16, 4));
        return true;
    }
    return false;
}
