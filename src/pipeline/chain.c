#include "pipeline/chain.h"

#include "base/alloc.h"
#include "pipeline/pipeline-internal.h"

#include "base/banned.h"

static enum sc_code add_task(struct sc_pipelines *p, struct sc_conn *tx,
                             const struct sc_chain_link *link, int chunk, struct sc_error *err)
{
    const struct sc_task_spec spec = {
        .stage = SC_STAGE_TRANSCRIBE,
        .chunk = chunk,
        .lane = link->lane,
        .counted = true,
    };
    return sc_task_add(p->o.queue, tx, link->job, &spec, err);
}

/* The chunk before it, or behind it, in its chain: NOT_FOUND. */
static enum sc_code find(struct sc_stmt *st, int64_t job, int chunk, int channel,
                         struct sc_error *err)
{
    sc_stmt_bind_int(st, ":job", job);
    sc_stmt_bind_int(st, ":chunk", chunk);
    sc_stmt_bind_int(st, ":channel", channel);
    return sc_stmt_one(st, err);
}

enum sc_code sc_chain_add(struct sc_pipelines *p, struct sc_conn *tx,
                          const struct sc_chain_link *link, struct sc_error *err)
{
    enum sc_code code = sc_task_announce(tx, link->job, link->chunk, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHAIN_BEFORE);
    code = find(&st, link->job, link->chunk, link->channel, err);
    if (code == SC_OK && sc_stmt_is_null(&st, "processed_ms"))
        return SC_OK;
    return code == SC_OK || code == SC_E_NOT_FOUND ? add_task(p, tx, link, link->chunk, err) : code;
}

static enum sc_code keep(struct sc_conn *tx, const struct sc_chain_link *link, struct sc_str carry,
                         struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHAIN_KEEP);
    sc_stmt_bind_int(&st, ":job", link->job);
    sc_stmt_bind_int(&st, ":chunk", link->chunk);
    if (carry.len > 0)
        sc_stmt_bind_str(&st, ":carry", carry);
    return sc_stmt_run(&st, err);
}

static enum sc_code forget(struct sc_conn *tx, const struct sc_chain_link *link,
                           struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHAIN_FORGET);
    sc_stmt_bind_int(&st, ":job", link->job);
    sc_stmt_bind_int(&st, ":chunk", link->chunk);
    sc_stmt_bind_int(&st, ":channel", link->channel);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_chain_next(struct sc_pipelines *p, struct sc_conn *tx,
                           const struct sc_chain_link *link, int *next, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHAIN_NEXT);
    enum sc_code code = find(&st, link->job, link->chunk, link->channel, err);
    if (code != SC_OK && code != SC_E_NOT_FOUND)
        return code;
    *next = code == SC_OK ? (int)sc_stmt_int(&st, "chunk") : -1;
    return code == SC_OK ? add_task(p, tx, link, *next, err) : SC_OK;
}

enum sc_code sc_chain_go_on(struct sc_pipelines *p, struct sc_conn *tx,
                            const struct sc_chain_link *link, struct sc_str carry,
                            struct sc_error *err)
{
    int next;
    enum sc_code code = keep(tx, link, carry, err);
    if (code == SC_OK)
        code = forget(tx, link, err);
    return code == SC_OK ? sc_chain_next(p, tx, link, &next, err) : code;
}

enum sc_code sc_chain_carry(struct sc_conn *conn, int64_t job, int chunk, int channel, char **out,
                            struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHAIN_BEFORE);
    enum sc_code code = find(&st, job, chunk, channel, err);
    if (code != SC_OK && code != SC_E_NOT_FOUND)
        return code;
    *out = code == SC_E_NOT_FOUND ? NULL : sc_strdup(sc_stmt_text(&st, "carry"));
    return SC_OK;
}

enum sc_code sc_chain_check(struct sc_str carry, int64_t until, int64_t end, struct sc_error *err)
{
    if (until == 0 && carry.len > 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "carry",
                              "carry is for chunks of sequential jobs: leave it out");
    if (until > 0 && until < end && carry.len == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "carry",
                              "the chunk hands over to the next one: carry is missing");
    return SC_OK;
}
