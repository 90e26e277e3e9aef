/* What intakes need beside their holders: a thread that brings bytes to the disk while more arrive,
 * and ends what an earlier server left; the end of what nobody goes on with. */

#include "pipeline/intake-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "pipeline/mend.h"
#include "sys/file.h"

#include <unistd.h>

#include "base/banned.h"

#define BUSY_MS 1000 /* somebody has hold of what has expired */

/* ---- syncing ---- */

struct checkpoint {
    int64_t id, offset, expires_ms;
};

static enum sc_code write_checkpoint(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct checkpoint *c = ctx;
    return sc_intake_checkpoint(tx, c->id, c->offset, c->expires_ms, err);
}

/* The row may lag behind: what it does not know has to be sent again, no more. */
void sc_intake_sync_now(struct sc_pipelines *p, int64_t id, int fd, int64_t offset)
{
    struct sc_error err = { 0 };
    struct checkpoint c = { id, offset,
                            sc_clock_wall_ms() + sc_config_now(p->o.config)->uploads_expiry };
    enum sc_code code = sc_file_sync(fd, &err);
    if (code == SC_OK)
        code = sc_store_write(p->o.store, SC_RELAXED, write_checkpoint, &c, &err);
    if (code != SC_OK)
        SC_LOG(WARNING, "pipeline", "cannot secure an upload", SC_S("why", err.msg));
}

void sc_intake_sync_later(struct sc_pipelines *p, int64_t id, int fd, int64_t offset)
{
    struct sc_intakes *i = &p->intakes;
    struct sc_intake_sync *sync;
    if (fd < 0)
        return;
    SC_LOCK(&i->lock);
    if (i->stop) {
        (void)close(fd);
        return;
    }
    sync = sc_alloc(sizeof(*sync));
    *sync = (struct sc_intake_sync){ .id = id, .fd = fd, .offset = offset };
    if (i->last_sync == NULL)
        i->syncs = sync;
    else
        i->last_sync->next = sync;
    i->last_sync = sync;
    (void)pthread_cond_signal(&i->work);
}

/* NULL: the thread is to end. */
static struct sc_intake_sync *next_sync(struct sc_intakes *i)
{
    SC_LOCK(&i->lock);
    while (i->syncs == NULL && !i->stop)
        (void)sc_cond_wait(&i->work, &i->lock, -1);
    struct sc_intake_sync *sync = i->syncs;
    if (sync != NULL)
        i->syncs = sync->next;
    if (i->syncs == NULL)
        i->last_sync = NULL;
    return sync;
}

/* ---- what an earlier server left ---- */

/* Of no row: it was being made, or removed. */
static void visit_file(void *ctx, const char *name, const char *path)
{
    struct sc_pipelines *p = ctx;
    char upload_id[SC_UUID_TEXT];
    struct sc_intake_row row = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    (void)snprintf(upload_id, sizeof(upload_id), "%s", name);
    if (strlen(name) != SC_UUID_TEXT - 1 + strlen(".part") ||
        !sc_uuid_is_valid(sc_str_from(upload_id)) ||
        sc_store_read(p->o.store, &conn, NULL) != SC_OK)
        return;
    enum sc_code code = sc_intake_find(conn, 0, upload_id, 0, &row, NULL);
    if (code == SC_E_UPLOAD_NOT_FOUND || (code == SC_OK && row.state != SC_INTAKE_OPEN))
        (void)unlink(path);
    sc_intake_row_done(&row);
}

static bool next_open(struct sc_pipelines *p, int64_t after, struct sc_intake_row *row)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    bool found = false;
    return sc_store_read(p->o.store, &conn, NULL) == SC_OK &&
           sc_intake_next_open(conn, after, row, &found, NULL) == SC_OK && found;
}

/* All bytes had come, and their client may have gone for good. */
static void finish_complete(struct sc_pipelines *p)
{
    int64_t after = 0;
    for (bool found = true; found && !sc_pipelines_is_stopping(p);) {
        SC_AUTO_INTAKE_ROW row = { 0 };
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
        struct sc_error err = { 0 };
        found = next_open(p, after, &row);
        after = row.id;
        if (!found || row.offset != row.total ||
            sc_intake_hold(p, 0, row.upload_id, &in, &err) != SC_OK)
            continue;
        if (sc_intake_finish(in, &err) != SC_OK && err.code != SC_E_SHUTTING_DOWN)
            SC_LOG(WARNING, "pipeline", "an upload that had come whole is no recording",
                   SC_S("upload", row.upload_id), SC_S("code", sc_code_name(err.code)),
                   SC_S("why", err.msg));
    }
}

static void *care_main(void *ctx)
{
    struct sc_pipelines *p = ctx;
    struct sc_intake_sync *sync;
    (void)pthread_setname_np(pthread_self(), "intakes");
    finish_complete(p);
    while ((sync = next_sync(&p->intakes)) != NULL) {
        sc_intake_sync_now(p, sync->id, sync->fd, sync->offset);
        (void)close(sync->fd);
        free(sync);
    }
    return NULL;
}

enum sc_code sc_intakes_start(struct sc_pipelines *p, struct sc_error *err)
{
    /* Before any request can make a file. */
    SC_AUTO_FREE char *folder = sc_path_join(p->root, SC_INTAKE_FOLDER);
    enum sc_code code = sc_dir_create_durable(folder, err);
    if (code != SC_OK)
        return code;
    sc_each_entry(p, SC_INTAKE_FOLDER, visit_file, p);
    int rc = pthread_create(&p->intakes.thread, NULL, care_main, p);
    if (rc != 0)
        return sc_error_errno(err, rc, "cannot start the thread of uploads");
    p->intakes.started = true;
    return SC_OK;
}

void sc_intakes_stop(struct sc_pipelines *p)
{
    struct sc_intakes *i = &p->intakes;
    {
        SC_LOCK(&i->lock);
        i->stop = true;
        (void)pthread_cond_signal(&i->work);
    }
    if (i->started)
        (void)pthread_join(i->thread, NULL);
    i->started = false;
}

/* ---- the end of time ---- */

static enum sc_code next_expiry(struct sc_pipelines *p, struct sc_intake_row *row, bool *found,
                                struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    return code == SC_OK ? sc_intake_next_expiry(conn, row, found, err) : code;
}

enum sc_code sc_intake_expire(struct sc_pipelines *p, int64_t *next_ms, struct sc_error *err)
{
    SC_AUTO_INTAKE_ROW seen = { 0 };
    SC_AUTO_INTAKE_ROW row = { 0 };
    bool found = false;
    *next_ms = -1;
    enum sc_code code = next_expiry(p, &seen, &found, err);
    if (code != SC_OK || !found)
        return code;
    int64_t left = seen.expires_ms - sc_clock_wall_ms();
    if (left > 0) {
        *next_ms = left;
        return SC_OK;
    }
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = sc_intake_take(p, seen.upload_id);
    *next_ms = in == NULL ? BUSY_MS : 0;
    if (in == NULL)
        return SC_OK;
    /* It may have gone on until now. */
    code = next_expiry(p, &row, &found, err);
    if (code != SC_OK || !found || row.id != seen.id || row.expires_ms != seen.expires_ms)
        return code;
    sc_intake_row_done(&in->row);
    in->row = row;
    row = (struct sc_intake_row){ 0 };
    code = sc_intake_remove(in, err);
    if (code == SC_OK && in->row.state == SC_INTAKE_OPEN)
        SC_LOG(INFO, "pipeline", "an unfinished upload has expired", SC_S("upload", in->upload_id),
               SC_I("bytes", in->row.offset));
    return code;
}
