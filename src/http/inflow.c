#include "http/inflow.h"

#include "sys/file.h"

#include <string.h>

#include "base/banned.h"

void sc_inflow_begin(struct sc_inflow *in, int fd, struct sc_hasher *hasher,
                     const struct sc_hash_sums *sums)
{
    in->fd = fd;
    in->beside = true;
    in->line = sc_hash_line_new(hasher, sums, fd);
}

void sc_inflow_begin_at(struct sc_inflow *in, int fd, int64_t offset, struct sc_hasher *hasher,
                        const struct sc_hash_sums *sums)
{
    in->fd = fd;
    in->offset = offset;
    in->line = sc_hash_line_new(hasher, sums, -1);
}

static void push(struct sc_inflow *in)
{
    sc_hash_line_push(in->line, in->filled);
    in->written += (int64_t)in->filled;
    in->block = NULL;
    in->filled = 0;
}

/* The file first, so that its error is known before more is read; it is hashed meanwhile. */
static enum sc_code write_block(struct sc_inflow *in, bool *passed, struct sc_error *err)
{
    enum sc_code code = sc_file_write_all(in->fd, in->block, in->filled, err);
    if (code != SC_OK)
        return code;
    push(in);
    if (in->written - in->begun >= SC_WRITE_BACK) {
        sc_file_start_write_back(in->fd, in->offset + in->begun, in->written - in->begun);
        in->begun = in->written;
        *passed = true;
    }
    return SC_OK;
}

static enum sc_code flush_block(struct sc_inflow *in, bool *passed, struct sc_error *err)
{
    if (in->filled == 0)
        return SC_OK;
    if (!in->beside)
        return write_block(in, passed, err);
    push(in);
    return sc_hash_line_fault(in->line, err);
}

enum sc_code sc_inflow_add(struct sc_inflow *in, const char *bytes, size_t len, bool *passed,
                           struct sc_error *err)
{
    enum sc_code code = SC_OK;
    *passed = false;
    if ((int64_t)len > in->limit - in->size)
        return sc_error_field(err, SC_E_FILE_TOO_LARGE, in->field,
                              "files of at most %lld bytes are taken", (long long)in->limit);
    while (len > 0 && code == SC_OK) {
        if (in->block == NULL)
            in->block = sc_hash_line_block(in->line);
        if (in->block == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "out of memory");
        size_t n = SC_MIN(len, SC_HASH_BLOCK - in->filled);
        memcpy(in->block + in->filled, bytes, n);
        in->filled += n;
        in->size += (int64_t)n;
        bytes += n;
        len -= n;
        if (in->filled == SC_HASH_BLOCK)
            code = flush_block(in, passed, err);
    }
    return code;
}

enum sc_code sc_inflow_finish(struct sc_inflow *in, struct sc_error *err)
{
    bool passed;
    enum sc_code code = flush_block(in, &passed, err);
    sc_hash_line_wait(in->line);
    if (code == SC_OK && in->beside)
        code = sc_hash_line_fault(in->line, err);
    /* The rest of what is large, while it is looked into. */
    if (code == SC_OK && in->beside && in->written >= SC_WRITE_BACK)
        sc_file_start_write_back(in->fd, 0, 0);
    return code;
}

void sc_inflow_done(struct sc_inflow *in)
{
    sc_hash_line_free(in->line);
    in->line = NULL;
    in->block = NULL;
}
