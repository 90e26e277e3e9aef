#include "queue/queue-internal.h"

#include "base/banned.h"

enum sc_code sc_idempotency_find(struct sc_conn *tx, struct sc_idempotency *key,
                                 struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_IDEMPOTENCY_GET);
    sc_stmt_bind_int(&st, ":owner_id", key->owner_id);
    sc_stmt_bind_text(&st, ":key", key->key);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND) {
        key->job = 0;
        key->file_id = 0;
        return SC_OK;
    }
    if (code != SC_OK)
        return code;
    if (strcmp(sc_stmt_text(&st, "fingerprint"), key->fingerprint) != 0)
        return sc_error_set(err, SC_E_IDEMPOTENCY_CONFLICT,
                            "this Idempotency-Key was used with another request");
    key->job = sc_stmt_int_or(&st, "job", 0);
    key->file_id = sc_stmt_int_or(&st, "file_id", 0);
    return SC_OK;
}

enum sc_code sc_idempotency_put(struct sc_conn *tx, const struct sc_idempotency *key,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_IDEMPOTENCY_INSERT);
    sc_stmt_bind_int(&st, ":owner_id", key->owner_id);
    sc_stmt_bind_text(&st, ":key", key->key);
    sc_stmt_bind_text(&st, ":fingerprint", key->fingerprint);
    sc_stmt_bind_opt(&st, ":job", key->job == 0 ? -1 : key->job);
    sc_stmt_bind_opt(&st, ":file_id", key->file_id == 0 ? -1 : key->file_id);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}
