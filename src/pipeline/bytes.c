/* The bytes of a file, wherever they lie just now. */

#include "pipeline/archive.h"

#include "base/clock.h"

#include "base/banned.h"

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

struct sc_blobs *sc_pipelines_blobs(struct sc_pipelines *p)
{
    return p->o.blobs;
}
