#include "pipeline/spoken.h"

#include "pipeline/pipeline-internal.h"

#include "base/banned.h"

static enum sc_code take(struct sc_stmt *st, char out[SC_LANGUAGE_TEXT], struct sc_error *err)
{
    enum sc_code code = sc_stmt_one(st, err);
    if (code == SC_OK)
        (void)snprintf(out, SC_LANGUAGE_TEXT, "%s", sc_stmt_text(st, "language"));
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_spoken_find(struct sc_conn *conn, int64_t job, int channel,
                            char out[SC_LANGUAGE_TEXT], struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SPOKEN_FIND);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":channel", channel);
    out[0] = '\0';
    return take(&st, out, err);
}

static enum sc_code tell(struct sc_conn *tx, const struct sc_chain_link *link, const char *language,
                         struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SPOKEN_TELL);
    sc_stmt_bind_int(&st, ":job", link->job);
    sc_stmt_bind_int(&st, ":channel", link->channel);
    sc_stmt_bind_text(&st, ":language", language);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_spoken_go_on(struct sc_pipelines *p, struct sc_conn *tx,
                             const struct sc_chain_link *link, const char *language,
                             struct sc_error *err)
{
    struct sc_chain_link at = *link;
    bool known = language[0] != '\0';
    enum sc_code code = known ? tell(tx, link, language, err) : SC_OK;
    do {
        if (code == SC_OK)
            code = sc_chain_next(p, tx, &at, &at.chunk, err);
    } while (code == SC_OK && known && at.chunk >= 0);
    return code;
}

enum sc_code sc_spoken_settle(struct sc_conn *tx, int64_t job, char out[SC_LANGUAGE_TEXT],
                              struct sc_error *err)
{
    SC_AUTO_STMT find = sc_stmt_get(tx, SC_SQL_SPOKEN_FIRST);
    sc_stmt_bind_int(&find, ":job", job);
    enum sc_code code = take(&find, out, err);
    if (code != SC_OK || out[0] == '\0')
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SPOKEN_LANGUAGE);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_text(&st, ":language", out);
    return sc_stmt_run(&st, err);
}
