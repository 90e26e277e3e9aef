/* The hash of a file's row against the name of its bytes. The name is a second copy of the hash,
 * and the bytes are the judge: where they have the sum of their name, the row is damaged and they
 * are not. It costs nothing unless the two differ. */
#include "library/fsck-hash.h"

#include "base/clock.h"

#include <inttypes.h>

#include "base/banned.h"

struct lost_hash {
    const struct sc_file *file;
    const char *hash; /* of the bytes */
    int64_t by;
};

static enum sc_code write_hash(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct lost_hash *l = ctx;
    int64_t now_ms = sc_clock_wall_ms();
    enum sc_code code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FSCK_FILE_SET_HASH);
        sc_stmt_bind_int(&st, ":file_id", l->file->id);
        sc_stmt_bind_text(&st, ":place", l->file->file_path);
        sc_stmt_bind_text(&st, ":hash", l->hash);
        sc_stmt_bind_int(&st, ":now", now_ms);
        code = sc_stmt_run(&st, err);
    }
    if (code == SC_OK)
        code = sc_fsck_changed_one(tx, err);
    const struct sc_change change = {
        .kind = SC_CHANGE_FILE_REPAIRED,
        .owner_id = l->file->owner_id,
        .by = l->by,
        .at_ms = now_ms,
        .file_id = l->file->id,
    };
    return code == SC_OK ? sc_change_record(tx, &change, err) : code;
}

static bool bytes_have_it(struct sc_fsck *f, const struct sc_file *file, const char *hash)
{
    char found[SC_SHA256_TEXT];
    SC_AUTO_CLOSE int fd = -1;
    return sc_blobs_get(f->o->blobs, file->file_path, &fd, NULL) == SC_OK &&
           sc_fsck_hash_bytes(fd, found, NULL) == SC_OK && strcmp(found, hash) == 0;
}

/* The id of another file of the owner with these bytes, which came again meanwhile; 0: none. */
static enum sc_code find_twin(struct sc_fsck *f, const struct sc_file *file, const char *hash,
                              int64_t *id, struct sc_error *err)
{
    SC_AUTO_FILE twin = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(f->o->store, &conn, err);
    if (code == SC_OK)
        code = sc_file_find_hash(conn, file->owner_id, hash, &twin, err);
    *id = code == SC_OK ? twin.id : 0;
    return code == SC_E_FILE_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_fsck_check_hash(struct sc_fsck *f, const struct sc_file *file, bool *lost,
                                struct sc_error *err)
{
    char hash[SC_SHA256_TEXT], remedy[160];
    int64_t twin = 0;
    *lost = sc_file_hash_differs(file, hash) && bytes_have_it(f, file, hash);
    enum sc_code code = *lost ? find_twin(f, file, hash, &twin, err) : SC_OK;
    if (code != SC_OK || !*lost)
        return code;
    struct lost_hash l = { .file = file, .hash = hash, .by = sc_fsck_by(f) };
    struct sc_fsck_problem p = {
        .kind = SC_FSCK_FILE,
        .file_id = file->id,
        .chunk = -1,
        .message = "the checksum in the row of the recording is damaged; its bytes are sound",
        .source = twin == 0 ? "the name of its bytes, which they match" : NULL,
        .repairable = twin == 0,
    };
    if (p.repairable && f->o->repair)
        code = sc_store_write(f->o->store, SC_DURABLE, write_hash, &l, err);
    if (code == SC_E_CONFLICT)
        return SC_OK; /* moved or deleted meanwhile */
    p.repaired = p.repairable && f->o->repair && code == SC_OK;
    (void)snprintf(remedy, sizeof(remedy),
                   "file %" PRId64 " has the same bytes, which came again: delete one of the two",
                   twin);
    p.remedy = p.repaired ? "restored" : p.repairable ? SC_FSCK_RESTORE : remedy;
    sc_fsck_report(f, &p);
    return code;
}
