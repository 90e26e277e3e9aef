/* The bytes of a file, wherever they lie just now. */

#include "pipeline/archive.h"
#include "pipeline/plan.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

#define BLOCK ((size_t)1 << 20)

static enum sc_code read_again(struct sc_pipelines *p, int64_t id, struct sc_file *out,
                               struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    return code == SC_OK ? sc_file_find(conn, 0, id, out, err) : code;
}

enum sc_code sc_file_check_bytes(const struct sc_file *file, struct sc_error *err)
{
    char when[SC_TIME_TEXT];
    if (file->purged_ms == 0)
        return SC_OK;
    return sc_error_set(err, SC_E_FILE_NOT_FOUND,
                        "the bytes of file %lld were cleaned out of the archive on %.10s: upload "
                        "it again",
                        (long long)file->id, sc_time_rfc3339(file->purged_ms, when));
}

enum sc_code sc_pipelines_open_file(struct sc_pipelines *p, const struct sc_file *file, int *fd,
                                    struct sc_error *err)
{
    enum sc_code code = sc_file_check_bytes(file, err);
    if (code == SC_OK)
        code = sc_blobs_get(p->o.blobs, file->file_path, fd, err);
    if (code != SC_E_FILE_NOT_FOUND || file->purged_ms != 0)
        return code;
    /* It may have moved to the archive, or back, since its row was read. */
    SC_AUTO_FILE now = { 0 };
    if (read_again(p, file->id, &now, NULL) != SC_OK || strcmp(now.file_path, file->file_path) == 0)
        return code;
    return sc_blobs_get(p->o.blobs, now.file_path, fd, err);
}

enum sc_code sc_bytes_hash(struct sc_pipelines *p, int fd, int64_t *at, int64_t end,
                           struct sc_hash *sum, struct sc_error *err)
{
    SC_AUTO_FREE char *block = sc_try_alloc(BLOCK);
    if (block == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    while (*at < end) {
        ssize_t n = pread(fd, block, (size_t)SC_MIN((int64_t)BLOCK, end - *at), *at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return sc_error_errno(err, n < 0 ? errno : EIO, "cannot read the bytes");
        if (sc_pipelines_is_stopping(p))
            return sc_error_set(err, SC_E_SHUTTING_DOWN, "the server is stopping");
        sc_hash_update(sum, block, (size_t)n);
        *at += n;
    }
    return SC_OK;
}

struct sc_blobs *sc_pipelines_blobs(struct sc_pipelines *p)
{
    return p->o.blobs;
}
