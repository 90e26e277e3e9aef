#pragma once
/* A zip archive written as a stream: entries one after the other, each compressed while it comes,
 * nothing sought back to, so memory does not grow with what is written. Pure: the bytes go to a
 * function. Its times are all 1980-01-01, so that the same content is the same archive.
 *
 * zlib compresses; the container around it is ours (docs/adr/0020). No ZIP64: an archive, and what
 * an entry holds, stay under 4 GiB. */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define SC_ZIP_ENTRIES 16

/* Called with pieces of the archive in order; anything but SC_OK stops it with that code. */
typedef enum sc_code (*sc_zip_fn)(void *ctx, const char *bytes, size_t len, struct sc_error *err);

struct sc_zip {
    sc_zip_fn fn;
    void *ctx;
    uint64_t at; /* bytes written */
    struct sc_zip_entry {
        const char *name; /* borrowed until the end */
        uint32_t offset, crc, packed, size;
    } entries[SC_ZIP_ENTRIES];
    size_t count;
    bool open;    /* the last of them */
    void *stream; /* zlib's; owned */
};
#define SC_AUTO_ZIP SC_AUTO(sc_zip_done) struct sc_zip

void sc_zip_init(struct sc_zip *zip, sc_zip_fn fn, void *ctx);
void sc_zip_done(struct sc_zip *zip);
/* Ends the entry that is open and begins another. name: ASCII, borrowed until sc_zip_finish.
 * At most SC_ZIP_ENTRIES. FILE_TOO_LARGE: no memory, or 4 GiB are full. */
SC_MUST_USE enum sc_code sc_zip_begin(struct sc_zip *zip, const char *name, struct sc_error *err);
/* Adds bytes to the entry that is open. */
SC_MUST_USE enum sc_code sc_zip_write(struct sc_zip *zip, const char *bytes, size_t len,
                                      struct sc_error *err);
/* Ends the last entry and writes the table of contents. */
SC_MUST_USE enum sc_code sc_zip_finish(struct sc_zip *zip, struct sc_error *err);
