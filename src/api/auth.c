/* Who asks. The Unix socket and, when configured, loopback are the local owner; everybody else
 * shows a token, of which the store holds only the hash. */

#include "api/api-internal.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "http/token.h"
#include "store/store.h"

#include "base/banned.h"

/* How exact `last_used` is: a write for each request would cost more than the request. */
#define USED_EVERY_MS 60000
/* One line a minute for each source that is refused. */
#define REFUSED_EVERY_MS 60000

/* Names separated by spaces; one that is unknown grants nothing. */
unsigned sc_scopes_parse(struct sc_str text)
{
    unsigned scopes = SC_SCOPE_NONE;
    while (text.len > 0) {
        struct sc_str name = sc_str_take_until(&text, ' ');
        for (int i = 0; i < SC_SCOPE_COUNT_; i++) {
            if (sc_str_equal(name, sc_str_from(sc_scope_names[i])))
                scopes |= 1u << i;
        }
    }
    return scopes;
}

static void set_local(struct sc_principal *out)
{
    *out = (struct sc_principal){
        .owner_id = SC_LOCAL_OWNER,
        .scopes = SC_SCOPE_READ | SC_SCOPE_WRITE | SC_SCOPE_ADMIN | SC_SCOPE_WORK,
        .name = "local",
    };
}

/* Takes as long wherever the two differ. The index has compared them already, but what its timing
 * tells is of hashes, whose beginnings nobody can choose. */
static bool equal_hashes(const char *a, struct sc_str b)
{
    unsigned char difference = 0;
    if (b.len != SC_SHA256_TEXT - 1)
        return false;
    for (size_t i = 0; i < b.len; i++)
        difference |= (unsigned char)((unsigned char)a[i] ^ (unsigned char)b.ptr[i]);
    return difference == 0;
}

struct use {
    int64_t token_id, at_ms;
};

static enum sc_code write_use(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct use *use = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TOKEN_USED);
    sc_stmt_bind_int(&st, ":id", use->token_id);
    sc_stmt_bind_int(&st, ":now", use->at_ms);
    sc_stmt_bind_int(&st, ":every", USED_EVERY_MS);
    return sc_stmt_run(&st, err);
}

/* That a token was used is worth no refusal when it cannot be written. */
static void note_use(struct sc_api *api, int64_t token_id, int64_t last_ms)
{
    struct use use = { token_id, sc_clock_wall_ms() };
    struct sc_error why = { 0 };
    /* A clock that was set back has not used it in the future. */
    bool recent = last_ms <= use.at_ms && use.at_ms - last_ms < USED_EVERY_MS;
    if (!recent && sc_store_is_writable(api->options.store, &why))
        (void)!sc_store_write(api->options.store, SC_RELAXED, write_use, &use, NULL);
}

static enum sc_code find_token(struct sc_api *api, struct sc_str bearer, struct sc_principal *out,
                               int64_t *last_used_ms, struct sc_error *err)
{
    char hash[SC_SHA256_TEXT];
    unsigned round = atomic_load(&api->revocations); /* before the token is looked for */
    sc_hash_bytes(bearer.ptr, bearer.len, hash);

    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TOKEN_FIND);
    sc_stmt_bind_text(&st, ":hash", hash);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND ||
        (code == SC_OK && !equal_hashes(hash, sc_stmt_str(&st, "hash")))) {
        return sc_error_set(err, SC_E_UNAUTHENTICATED,
                            "the token is unknown, expired or revoked; ask for a new one");
    }
    if (code != SC_OK)
        return code;
    *out = (struct sc_principal){
        .owner_id = sc_stmt_int(&st, "principal_id"),
        .token_id = sc_stmt_int(&st, "id"),
        .expires_ms = sc_stmt_int_or(&st, "expires_ms", 0),
        .scopes = sc_scopes_parse(sc_stmt_str(&st, "scopes")),
        .round = round,
    };
    SC_STMT_READ(&st, out, name);
    *last_used_ms = sc_stmt_int_or(&st, "last_used_ms", 0);
    return SC_OK;
}

/* Is it time for a line about this source? *quiet: how many were passed over since the last one.
 * Sources share rows by their hash, so that a crowd of them costs neither memory nor a longer log.
 */
static bool may_log(struct sc_api *api, const char *source, int64_t *quiet)
{
    int64_t now = sc_clock_mono_ms();
    unsigned row = 5381;
    for (const char *p = source; *p != '\0'; p++)
        row = row * 33 + (unsigned char)*p;
    SC_LOCK(&api->refusals_lock);
    struct sc_refusals *r = &api->refusals[row % SC_ARRAY_LEN(api->refusals)];
    if (r->logged_ms != 0 && now - r->logged_ms < REFUSED_EVERY_MS) {
        r->quiet++;
        return false;
    }
    *quiet = r->quiet;
    *r = (struct sc_refusals){ .logged_ms = now };
    return true;
}

static enum sc_code refuse(struct sc_api *api, const struct sc_peer *peer, const char *what,
                           enum sc_code code)
{
    char source[SC_IP_TEXT] = "";
    int64_t quiet = 0;
    if (peer->known)
        (void)sc_ip_format(&peer->address, source);
    if (may_log(api, source, &quiet))
        SC_LOG(WARNING, "api", "refused", SC_S("source", source), SC_S("reason", what),
               SC_I("unlogged_before", quiet));
    return code;
}

enum sc_code sc_api_authenticate(void *ctx, struct sc_str bearer, const struct sc_peer *peer,
                                 struct sc_principal *out, struct sc_error *err)
{
    struct sc_api *api = ctx;
    int64_t last_used_ms = 0;
    if (peer->unix_socket) {
        set_local(out);
        return SC_OK;
    }
    bool open = peer->loopback && api->options.local_open;
    if (bearer.len > 0) {
        enum sc_code code = find_token(api, bearer, out, &last_used_ms, err);
        if (code == SC_OK)
            note_use(api, out->token_id, last_used_ms);
        /* Clients of other services always send a key of some sort. Where none is needed one that
         * is none of ours gives no less than none would; one of ours that has ended is refused,
         * since whoever holds it means to be somebody else than the local owner. */
        bool foreign = !sc_str_starts(bearer, SC_STR(SC_TOKEN_PREFIX));
        if (code != SC_E_UNAUTHENTICATED || !open || !foreign)
            return code == SC_E_UNAUTHENTICATED ? refuse(api, peer, "no valid token", code) : code;
    }
    if (open) {
        set_local(out);
        return SC_OK;
    }
    const char *why = api->options.local_open ? peer->distrust : NULL;
    /* What a page makes its browser do is not asked for a token, which it could not have. */
    bool page = why != NULL && peer->web_page;
    enum sc_code code =
        sc_error_set(err, page ? SC_E_FORBIDDEN : SC_E_UNAUTHENTICATED,
                     "%s: send 'Authorization: Bearer TOKEN' ('scripta token create NAME' on the "
                     "server's machine makes one)",
                     why == NULL ? "a token is needed" : why);
    return refuse(api, peer, why == NULL ? "no token" : why, code);
}

bool sc_api_token_lives(struct sc_api *api, int64_t token_id)
{
    if (token_id == 0)
        return true;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(api->options.store, &conn, NULL) != SC_OK)
        return false;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TOKEN_LIVES);
    sc_stmt_bind_int(&st, ":id", token_id);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_one(&st, NULL) == SC_OK;
}

bool sc_api_principal_lives(void *ctx, struct sc_principal *principal)
{
    struct sc_api *api = ctx;
    unsigned round = atomic_load(&api->revocations);
    if (principal->expires_ms > 0 && sc_clock_wall_ms() >= principal->expires_ms)
        return false;
    if (round == principal->round)
        return true;
    principal->round = round;
    return sc_api_token_lives(api, principal->token_id);
}

bool sc_api_has_tokens(struct sc_api *api)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(api->options.store, &conn, NULL) != SC_OK)
        return false;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TOKEN_ANY);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_one(&st, NULL) == SC_OK;
}
