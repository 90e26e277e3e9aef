/* Idempotency keys. A job's row of its key is written with the job, and names it. Requests that
 * change the store elsewhere claim their key in a write before and end it in one behind: what came
 * of them stands behind the fingerprint, as "<fingerprint> open <run>" or
 * "<fingerprint> made <address>". No row of theirs holds more of an answer than that address. */
#include "queue/queue-internal.h"

#include "base/alloc.h"

#include "base/banned.h"

#define OPEN " open "
#define MADE " made "

static enum sc_code conflict(struct sc_error *err)
{
    return sc_error_set(err, SC_E_IDEMPOTENCY_CONFLICT,
                        "this Idempotency-Key was used with another request");
}

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
        return conflict(err);
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

/* What stands behind the prefix, which text begins with. */
static bool follows(const char **text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncmp(*text, prefix, len) != 0)
        return false;
    *text += len;
    return true;
}

static char *open_row(const struct sc_once *once)
{
    return sc_asprintf("%s" OPEN "%lld", once->fingerprint, (long long)once->run);
}

enum sc_code sc_once_begin(struct sc_conn *tx, struct sc_once *once, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_IDEMPOTENCY_GET);
    SC_AUTO_FREE char *open = open_row(once);
    sc_freep(&once->made); /* a write may run twice */
    sc_stmt_bind_int(&st, ":owner_id", once->owner_id);
    sc_stmt_bind_text(&st, ":key", once->key);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND) {
        const struct sc_idempotency row = { .owner_id = once->owner_id,
                                            .key = once->key,
                                            .fingerprint = open };
        once->state = SC_ONCE_NEW;
        return sc_idempotency_put(tx, &row, err);
    }
    if (code != SC_OK)
        return code;
    const char *found = sc_stmt_text(&st, "fingerprint");
    if (strcmp(found, open) == 0) {
        once->state = SC_ONCE_OPEN;
        return SC_OK;
    }
    bool same = follows(&found, once->fingerprint);
    if (same && follows(&found, OPEN)) {
        once->state = SC_ONCE_CUT;
        return SC_OK;
    }
    if (!same || !follows(&found, MADE))
        return conflict(err);
    once->made = sc_strdup(found);
    once->state = SC_ONCE_DONE;
    return SC_OK;
}

enum sc_code sc_once_end(struct sc_conn *tx, const struct sc_once *once, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_IDEMPOTENCY_SET);
    SC_AUTO_FREE char *open = open_row(once);
    SC_AUTO_FREE char *made = sc_asprintf("%s" MADE "%s", once->fingerprint, once->made);
    sc_stmt_bind_int(&st, ":owner_id", once->owner_id);
    sc_stmt_bind_text(&st, ":key", once->key);
    sc_stmt_bind_text(&st, ":claimed", open);
    sc_stmt_bind_text(&st, ":fingerprint", made);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_once_drop(struct sc_conn *tx, const struct sc_once *once, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_IDEMPOTENCY_DROP);
    SC_AUTO_FREE char *open = open_row(once);
    sc_stmt_bind_int(&st, ":owner_id", once->owner_id);
    sc_stmt_bind_text(&st, ":key", once->key);
    sc_stmt_bind_text(&st, ":claimed", open);
    return sc_stmt_run(&st, err);
}
