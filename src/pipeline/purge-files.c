/* Removing files that were deleted, once their jobs have gone: kept transcripts and arrivals in
 * slices, then the bytes, then the row. */

#include "pipeline/purge.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "blob/peaks-file.h"
#include "sys/file.h"

#include <unistd.h>

#include "base/banned.h"

struct file_purge {
    struct sc_pipelines *p;
    struct sc_file file; /* owned; its hash as it was before */
    bool found, bare;
};

static enum sc_code find_file(struct file_purge *f, int64_t after, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(f->p->o.store, &conn, err);
    return code == SC_OK ? sc_file_next_deleted(conn, after, &f->file, &f->found, err) : code;
}

static enum sc_code write_file_slice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct file_purge *f = ctx;
    int64_t left = SC_PURGE_SLICE;
    const struct sc_purge_of kept = { SC_SQL_PURGE_FILE_TRANSCRIPT, ":file_id", f->file.id };
    enum sc_code code = sc_purge_transcripts(f->p, tx, &kept, &left, err);
    if (code == SC_OK)
        code = sc_purge_rows(tx, SC_SQL_PURGE_UPLOADS, ":file_id", f->file.id, &left, err);
    if (code == SC_OK)
        code = sc_purge_rows(tx, SC_SQL_PURGE_CHANGES_FILE, ":file_id", f->file.id, &left, err);
    f->bare = left > 0;
    return code;
}

static enum sc_code write_file_row(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct file_purge *f = ctx;
    enum sc_code code = sc_purge_keep_id(tx, "files.last_id", f->file.id, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_FILE_ROW);
    sc_stmt_bind_int(&st, ":file_id", f->file.id);
    return sc_stmt_run(&st, err);
}

/* Bytes that no row names any more. Whoever brings them just now holds them until their row is
 * written, so either we see the row or they bring the bytes after us. */
static enum sc_code remove_bytes(struct file_purge *f, bool *done, struct sc_error *err)
{
    bool used = true, known = true;
    *done = sc_blobs_hold(f->p->o.blobs, f->file.file_hash, SC_HOLD_ALONE, 0);
    if (!*done)
        return SC_OK;
    enum sc_code code = sc_file_bytes_used(f->p->o.store, &f->file, &used, &known, err);
    (void)SC_FAULT("purge.bytes");
    if (code == SC_OK && !used)
        code = sc_blobs_remove(f->p->o.blobs, f->file.file_path, err);
    if (code == SC_OK && !known)
        sc_peaks_remove(f->p->root, f->file.file_hash);
    sc_blobs_release(f->p->o.blobs, f->file.file_hash, SC_HOLD_ALONE);
    return code;
}

static enum sc_code purge_file(struct file_purge *f, bool *done, struct sc_error *err)
{
    (void)SC_FAULT("clean.slice");
    *done = true;
    enum sc_code code = sc_store_write(f->p->o.store, SC_RELAXED, write_file_slice, f, err);
    if (code == SC_OK && f->bare)
        code = remove_bytes(f, done, err);
    if (code != SC_OK || !f->bare || !*done)
        return code;
    (void)SC_FAULT("purge.row");
    return sc_store_write(f->p->o.store, SC_RELAXED, write_file_row, f, err);
}

enum sc_code sc_purge_files(struct sc_pipelines *p, enum sc_purge_state *state,
                            struct sc_error *err)
{
    struct file_purge f = { .p = p, .found = true };
    for (int64_t after = 0; f.found;) {
        bool done = false;
        enum sc_code code = find_file(&f, after, err);
        if (code != SC_OK || !f.found)
            return code;
        after = f.file.id;
        code = purge_file(&f, &done, err);
        sc_file_done(&f.file);
        *state = done ? SC_PURGE_MORE : SC_PURGE_HELD;
        if (code != SC_OK || done)
            return code;
    }
    return SC_OK;
}
