/* What earlier servers left in work/: folders of jobs that have completed or are not there. Those
 * of failed and cancelled jobs stay, for a retry goes on with their chunks. */

#include "pipeline/mend.h"

#include "base/alloc.h"
#include "base/log.h"
#include "sys/file.h"

#include <dirent.h>

#include "base/banned.h"

static bool is_needed(struct sc_pipelines *p, const char *job_id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(p->o.store, &conn, NULL) != SC_OK)
        return true;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_STATE_BY_JOB_ID);
    sc_stmt_bind_text(&st, ":job_id", job_id);
    enum sc_code code = sc_stmt_one(&st, NULL);
    if (code == SC_E_NOT_FOUND)
        return false;
    return code != SC_OK || sc_stmt_int(&st, "state") != SC_JOB_COMPLETED;
}

static void dir_closep(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
}

void sc_recover_work(struct sc_pipelines *p)
{
    SC_AUTO_FREE char *work = sc_path_join(p->root, "work");
    SC_AUTO(dir_closep) DIR *d = opendir(work);
    const struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (!sc_uuid_is_valid(sc_str_from(entry->d_name)) || is_needed(p, entry->d_name))
            continue;
        struct sc_error err = { 0 };
        SC_AUTO_FREE char *path = sc_work_dir(p, entry->d_name);
        if (sc_dir_remove(path, &err) != SC_OK)
            SC_LOG(WARNING, "pipeline", "cannot remove a work folder", SC_S("why", err.msg));
    }
}
