/* What earlier servers left in work/: folders of jobs that have completed or are not there. Those
 * of failed and cancelled jobs stay, for a retry goes on with their chunks. */

#include "pipeline/mend.h"

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

static void visit(void *ctx, const char *name, const char *path)
{
    struct sc_pipelines *p = ctx;
    if (sc_uuid_is_valid(sc_str_from(name)) && !is_needed(p, name))
        (void)sc_folder_remove(path); /* said in the log */
}

void sc_recover_work(struct sc_pipelines *p)
{
    sc_each_entry(p, "work", visit, p);
}
