/* Each entry is written with its sizes behind it (a data descriptor), as those are not known when
 * its header goes out. The table of contents at the end has them once more; readers use that one.
 */

#include "zip/zip.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/banned.h"

#define LOCAL_MARK 0x04034b50u
#define BEHIND_MARK 0x08074b50u
#define TABLE_MARK 0x02014b50u
#define END_MARK 0x06054b50u

#define VERSION 20        /* 2.0: deflate */
#define SIZES_BEHIND 8    /* the flag */
#define DEFLATED 8        /* the method */
#define FIRST_DAY 0x0021u /* 1980-01-01, as MS-DOS counts */

#define PIECE ((size_t)16 << 10)
#define MOST UINT32_MAX

static enum sc_code too_large(struct sc_error *err)
{
    return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the archive is too large to be written");
}

void sc_zip_init(struct sc_zip *zip, sc_zip_fn fn, void *ctx)
{
    *zip = (struct sc_zip){ .fn = fn, .ctx = ctx };
}

void sc_zip_done(struct sc_zip *zip)
{
    if (zip->stream != NULL)
        (void)deflateEnd(zip->stream);
    free(zip->stream);
    zip->stream = NULL;
}

/* ---- records ---- */

/* A record of the container: numbers, low byte first. */
struct record {
    unsigned char bytes[64];
    size_t len;
};

static void put16(struct record *r, uint32_t n)
{
    r->bytes[r->len++] = (unsigned char)(n & 0xff);
    r->bytes[r->len++] = (unsigned char)(n >> 8 & 0xff);
}

static void put32(struct record *r, uint32_t n)
{
    put16(r, n & 0xffff);
    put16(r, n >> 16);
}

static enum sc_code hand_on(struct sc_zip *zip, const void *bytes, size_t len, struct sc_error *err)
{
    if (len > MOST - zip->at)
        return too_large(err);
    zip->at += len;
    return zip->fn(zip->ctx, bytes, len, err);
}

/* A record and, behind it, the name of its entry. */
static enum sc_code put_record(struct sc_zip *zip, const struct record *r, const char *name,
                               struct sc_error *err)
{
    enum sc_code code = hand_on(zip, r->bytes, r->len, err);
    return code == SC_OK && name != NULL ? hand_on(zip, name, strlen(name), err) : code;
}

/* What the header in front of an entry and its row in the table have in common. */
static void put_common(struct record *r, const struct sc_zip_entry *e)
{
    put16(r, VERSION);
    put16(r, SIZES_BEHIND);
    put16(r, DEFLATED);
    put16(r, 0); /* midnight */
    put16(r, FIRST_DAY);
    put32(r, e->crc);
    put32(r, e->packed);
    put32(r, e->size);
    put16(r, (uint32_t)strlen(e->name));
    put16(r, 0); /* no extra field */
}

/* ---- entries ---- */

static struct sc_zip_entry *last_entry(struct sc_zip *zip)
{
    return &zip->entries[zip->count - 1];
}

static enum sc_code compress_some(struct sc_zip *zip, const char *bytes, size_t len, int flush,
                                  struct sc_error *err)
{
    char out[PIECE];
    z_stream *z = zip->stream;
    z->next_in = (Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)len;
    do {
        z->next_out = (Bytef *)out;
        z->avail_out = sizeof(out);
        if (deflate(z, flush) == Z_STREAM_ERROR)
            return sc_error_set(err, SC_E_INTERNAL, "zlib cannot go on");
        size_t n = sizeof(out) - z->avail_out;
        enum sc_code code = n == 0 ? SC_OK : hand_on(zip, out, n, err);
        if (code != SC_OK)
            return code;
        last_entry(zip)->packed += (uint32_t)n;
    } while (z->avail_out == 0);
    return SC_OK;
}

static enum sc_code end_entry(struct sc_zip *zip, struct sc_error *err)
{
    struct record r = { 0 };
    if (!zip->open)
        return SC_OK;
    zip->open = false;
    enum sc_code code = compress_some(zip, "", 0, Z_FINISH, err);
    if (code != SC_OK)
        return code;
    const struct sc_zip_entry *e = last_entry(zip);
    put32(&r, BEHIND_MARK);
    put32(&r, e->crc);
    put32(&r, e->packed);
    put32(&r, e->size);
    return put_record(zip, &r, NULL, err);
}

static enum sc_code start_stream(struct sc_zip *zip, struct sc_error *err)
{
    if (zip->stream != NULL)
        return deflateReset(zip->stream) == Z_OK ? SC_OK : too_large(err);
    z_stream *z = sc_try_alloc(sizeof(*z));
    if (z == NULL || deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL,
                                  Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return too_large(err);
    }
    zip->stream = z;
    return SC_OK;
}

enum sc_code sc_zip_begin(struct sc_zip *zip, const char *name, struct sc_error *err)
{
    struct record r = { 0 };
    sc_assert(zip->count < SC_ZIP_ENTRIES);
    enum sc_code code = end_entry(zip, err);
    if (code == SC_OK)
        code = start_stream(zip, err);
    if (code != SC_OK)
        return code;
    zip->entries[zip->count++] = (struct sc_zip_entry){ .name = name, .offset = (uint32_t)zip->at };
    zip->open = true;
    put32(&r, LOCAL_MARK);
    put_common(&r, last_entry(zip));
    return put_record(zip, &r, name, err);
}

enum sc_code sc_zip_write(struct sc_zip *zip, const char *bytes, size_t len, struct sc_error *err)
{
    struct sc_zip_entry *e = last_entry(zip);
    sc_assert(zip->open);
    if (len > MOST - e->size)
        return too_large(err);
    e->crc = (uint32_t)crc32_z(e->crc, (const Bytef *)bytes, len);
    e->size += (uint32_t)len;
    return compress_some(zip, bytes, len, Z_NO_FLUSH, err);
}

/* ---- the end ---- */

static enum sc_code put_row(struct sc_zip *zip, const struct sc_zip_entry *e, struct sc_error *err)
{
    struct record r = { 0 };
    put32(&r, TABLE_MARK);
    put16(&r, VERSION);
    put_common(&r, e);
    put16(&r, 0); /* no comment */
    put16(&r, 0); /* the first disk */
    put16(&r, 0);
    put32(&r, 0); /* no attributes */
    put32(&r, e->offset);
    return put_record(zip, &r, e->name, err);
}

enum sc_code sc_zip_finish(struct sc_zip *zip, struct sc_error *err)
{
    struct record r = { 0 };
    enum sc_code code = end_entry(zip, err);
    uint32_t table = (uint32_t)zip->at;
    for (size_t i = 0; code == SC_OK && i < zip->count; i++)
        code = put_row(zip, &zip->entries[i], err);
    put32(&r, END_MARK);
    put16(&r, 0); /* one disk */
    put16(&r, 0);
    put16(&r, (uint32_t)zip->count);
    put16(&r, (uint32_t)zip->count);
    put32(&r, (uint32_t)(zip->at - table));
    put32(&r, table);
    put16(&r, 0); /* no comment */
    return code == SC_OK ? put_record(zip, &r, NULL, err) : code;
}
