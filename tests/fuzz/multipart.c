/* Forms. The first line is the Content-Type, the rest the body. In slices of one sign it gives what
 * it gives at once. */

#include "fuzz.h"

#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static enum sc_code begin(void *ctx, const struct sc_part *part, struct sc_error *err)
{
    (void)err;
    sc_buf_printf(ctx, "\n%s [%s]: ", part->name, part->filename == NULL ? "" : part->filename);
    return SC_OK;
}

static enum sc_code bytes(void *ctx, const char *at, size_t len, struct sc_error *err)
{
    (void)err;
    if (len == 0)
        abort();
    sc_buf_append(ctx, at, len);
    return SC_OK;
}

static enum sc_code read_form(const char *boundary, struct sc_str form, size_t slice, bool *whole,
                              struct sc_buf *out)
{
    static const struct sc_multipart_ops ops = { begin, bytes };
    SC_AUTO(sc_multipart_freep) struct sc_multipart *m = sc_multipart_new(boundary, &ops, out);
    struct sc_error err = { 0 };
    enum sc_code code = SC_OK;
    for (size_t at = 0; code == SC_OK && at < form.len; at += slice)
        code = sc_multipart_feed(m, form.ptr + at, SC_MIN(slice, form.len - at), &err);
    *whole = sc_multipart_is_whole(m);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str rest = { (const char *)data, size };
    char boundary[SC_BOUNDARY_MAX + 1];
    SC_AUTO_BUF once = { 0 };
    SC_AUTO_BUF slices = { 0 };
    bool one = false, many = false;

    if (sc_multipart_boundary(sc_str_take_until(&rest, '\n'), boundary, NULL) != SC_OK)
        return 0;
    enum sc_code code = read_form(boundary, rest, rest.len + 1, &one, &once);
    if (read_form(boundary, rest, 1, &many, &slices) != code)
        abort();
    /* What came before a fault may be cut elsewhere. */
    if (code == SC_OK && (one != many || !sc_str_equal(sc_buf_str(&once), sc_buf_str(&slices))))
        abort();
    return 0;
}
