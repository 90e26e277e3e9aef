/* Who asks. The Unix socket and, when configured, loopback are the local owner; everybody else
 * shows a token, of which the store holds only the hash. */

#include "api/api-internal.h"
#include "base/clock.h"
#include "store/store.h"

#include "base/banned.h"

/* How our tokens begin: what begins otherwise is a key for some other service. */
#define TOKEN_PREFIX SC_STR("scripta_")
#define LOCAL_OWNER 1 /* the row of principals that the first migration makes */

static const struct {
    const char *name;
    unsigned scope;
} scope_names[] = {
    { "read", SC_SCOPE_READ },
    { "write", SC_SCOPE_WRITE },
    { "admin", SC_SCOPE_ADMIN },
    { "work", SC_SCOPE_WORK },
};

/* Names separated by spaces; one that is unknown grants nothing. */
static unsigned parse_scopes(struct sc_str text)
{
    unsigned scopes = SC_SCOPE_NONE;
    while (text.len > 0) {
        struct sc_str name = sc_str_take_until(&text, ' ');
        for (size_t i = 0; i < SC_ARRAY_LEN(scope_names); i++) {
            if (sc_str_equal(name, sc_str_from(scope_names[i].name)))
                scopes |= scope_names[i].scope;
        }
    }
    return scopes;
}

static void set_local(struct sc_principal *out)
{
    *out = (struct sc_principal){
        .owner_id = LOCAL_OWNER,
        .scopes = SC_SCOPE_READ | SC_SCOPE_WRITE | SC_SCOPE_ADMIN | SC_SCOPE_WORK,
        .name = "local",
    };
}

static enum sc_code find_token(struct sc_store *store, struct sc_str bearer,
                               struct sc_principal *out, struct sc_error *err)
{
    char hash[SC_SHA256_TEXT];
    sc_hash_bytes(bearer.ptr, bearer.len, hash);

    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TOKEN_FIND);
    sc_stmt_bind_text(&st, ":hash", hash);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND) {
        return sc_error_set(err, SC_E_UNAUTHENTICATED,
                            "the token is unknown, expired or revoked; ask for a new one");
    }
    if (code != SC_OK)
        return code;
    *out = (struct sc_principal){
        .owner_id = sc_stmt_int(&st, "principal_id"),
        .scopes = parse_scopes(sc_stmt_str(&st, "scopes")),
    };
    SC_STMT_READ(&st, out, name);
    return SC_OK;
}

enum sc_code sc_api_authenticate(void *ctx, struct sc_str bearer, bool unix_socket, bool loopback,
                                 struct sc_principal *out, struct sc_error *err)
{
    struct sc_api *api = ctx;
    if (unix_socket) {
        set_local(out);
        return SC_OK;
    }
    bool open = loopback && api->options.local_open;
    enum sc_code code = SC_E_UNAUTHENTICATED;
    if (bearer.len > 0)
        code = find_token(api->options.store, bearer, out, err);
    /* Clients of other services always send a key of some sort. Where none is needed one that is
     * none of ours gives no less than none would; one of ours that has ended is refused, since
     * whoever holds it means to be somebody else than the local owner. */
    bool foreign = !sc_str_starts(bearer, TOKEN_PREFIX);
    if (code == SC_E_UNAUTHENTICATED && open && foreign) {
        set_local(out);
        return SC_OK;
    }
    if (bearer.len > 0)
        return code;
    return sc_error_set(err, SC_E_UNAUTHENTICATED,
                        "a token is needed: send 'Authorization: Bearer TOKEN'");
}
