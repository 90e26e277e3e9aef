/* Tokens: making them, showing them, ending them. A token's text is told once, to whoever made it;
 * the store keeps its SHA-256. Whoever is `local` (the Unix socket, open loopback, a token of the
 * principal local) makes tokens for anybody and sees all of them; other admins have to do with
 * those of their own principal alone. Nobody gives what he has not: scopes only out of his own. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/utf8.h"
#include "config/value.h"

#include "http/token.h"

#include "base/banned.h"

/* 160 bits as 32 letters and digits of base 32 (RFC 4648, in lower case). */
#define SECRET_BYTES 20
#define SECRET_TEXT (SECRET_BYTES * 8 / 5)
#define TOKEN_TEXT (sizeof(SC_TOKEN_PREFIX) + SECRET_TEXT)
#define EXPIRES_MAX_S (INT64_C(100) * 366 * 86400)
#define SCOPES_TEXT 24 /* "read write admin work" */

static void make_secret(char out[TOKEN_TEXT])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char bytes[SECRET_BYTES];
    sc_random_bytes(bytes, sizeof(bytes));
    memcpy(out, SC_TOKEN_PREFIX, sizeof(SC_TOKEN_PREFIX) - 1);
    char *p = out + sizeof(SC_TOKEN_PREFIX) - 1;
    for (size_t bit = 0; bit < (size_t)SECRET_BYTES * 8; bit += 5) {
        size_t at = bit / 8;
        unsigned two = (unsigned)bytes[at] << 8 | (at + 1 < SECRET_BYTES ? bytes[at + 1] : 0u);
        *p++ = digits[two >> (11 - bit % 8) & 31];
    }
    *p = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

static void format_scopes(unsigned scopes, char out[SCOPES_TEXT])
{
    out[0] = '\0';
    for (int i = 0; i < SC_SCOPE_COUNT_; i++) {
        size_t used = strlen(out);
        if ((scopes & 1u << i) != 0)
            (void)snprintf(out + used, SCOPES_TEXT - used, "%s%s", used == 0 ? "" : " ",
                           sc_scope_names[i]);
    }
}

/* Whose tokens the asker may see; 0: everybody's. */
static int64_t realm(struct sc_request *req)
{
    int64_t owner = sc_api_owner(req);
    return owner == SC_LOCAL_OWNER ? 0 : owner;
}

/* ---- create ---- */

struct create_body {
    struct sc_str name, owner;
    const struct sc_json_value *scopes;
    int64_t expires_in; /* seconds; 0: never */
};

static const struct sc_json_field create_fields[] = {
    SC_BODY(struct create_body, name, TEXT, .required = true, .min = 1, .max = 100,
            .help = "What it is for", .example = "phone"),
    SC_BODY(struct create_body, owner, TEXT, .min = 1, .max = 63,
            .help = "Whose things it opens, a principal that is made when new; you unless given",
            .example = "ann"),
    SC_BODY(struct create_body, scopes, ARRAY, .items = SC_JSON_TEXT, .words = sc_words_scope,
            .help = "None that you lack; read and write unless given; work stands alone",
            .example = "[\"read\"]"),
    SC_BODY(struct create_body, expires_in, INT, .min = 1, .max = EXPIRES_MAX_S,
            .help = "In seconds; never unless given", .example = "7776000"),
};
static const struct sc_json_shape create_shape = {
    .name = "TokenRequest",
    .request = true,
    SC_SHAPE_FIELDS(create_fields),
};

struct creation {
    char *name;
    char owner[64];
    char scopes[SCOPES_TEXT];
    char hash[SC_SHA256_TEXT];
    int64_t now_ms, expires_ms; /* -1: never */
    int64_t by;                 /* who makes it */
    int64_t id;
};

static void creation_done(struct creation *c)
{
    sc_freep(&c->name);
}

static enum sc_code decode_scopes(const struct sc_json_value *array, unsigned *out,
                                  struct sc_error *err)
{
    unsigned scopes = 0;
    for (size_t i = 0; i < sc_json_count(array); i++) {
        struct sc_str name = sc_json_get_str(sc_json_at(array, i), SC_STR(""));
        bool one = memchr(name.ptr, ' ', name.len) == NULL;
        unsigned scope = one ? sc_scopes_parse(name) : 0;
        if (scope == 0) {
            char quoted[SC_QUOTED_TEXT];
            return sc_error_field(err, SC_E_INVALID_VALUE, "scopes",
                                  "'%s' is no scope; there are read, write, admin and work",
                                  sc_quote(name, quoted));
        }
        scopes |= scope;
    }
    if (array == NULL)
        scopes = SC_SCOPE_READ | SC_SCOPE_WRITE;
    if (scopes == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "scopes",
                              "scopes is empty: name read, write, admin or work");
    /* A worker is given everybody's recordings, so its token opens nothing else. */
    if ((scopes & SC_SCOPE_WORK) != 0 && scopes != SC_SCOPE_WORK)
        return sc_error_field(err, SC_E_INVALID_VALUE, "scopes",
                              "the scope work stands alone: make a second token for the others");
    *out = scopes;
    return SC_OK;
}

/* What may stand in logs, file names and command lines without quotes. */
static bool is_owner_name(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || strchr("._@-", c) == NULL))
            return false;
    }
    return true;
}

static enum sc_code check_grant(const struct sc_principal *maker, const struct creation *c,
                                unsigned scopes, struct sc_error *err)
{
    if (maker->owner_id != SC_LOCAL_OWNER && strcmp(c->owner, maker->name) != 0)
        return sc_error_field(err, SC_E_FORBIDDEN, "owner",
                              "only the principal local makes tokens for others");
    for (int i = 0; i < SC_SCOPE_COUNT_; i++) {
        if ((scopes & ~maker->scopes & 1u << i) != 0)
            return sc_error_field(err, SC_E_FORBIDDEN, "scopes",
                                  "a token cannot grant the scope '%s', which its maker lacks",
                                  sc_scope_names[i]);
    }
    return SC_OK;
}

static enum sc_code check_creation(const struct create_body *body, unsigned *scopes,
                                   struct sc_error *err)
{
    struct sc_error all = { 0 }, one = { 0 };
    if (!sc_value_is_plain(body->name)) {
        (void)sc_error_field(&one, SC_E_INVALID_VALUE, "name", "name holds control signs");
        (void)sc_error_also(&all, &one);
    }
    if (!is_owner_name(body->owner)) {
        (void)sc_error_field(&one, SC_E_INVALID_VALUE, "owner",
                             "owner must be letters, digits and ._@- and begin with one of the "
                             "former");
        (void)sc_error_also(&all, &one);
    }
    if (decode_scopes(body->scopes, scopes, &one) != SC_OK)
        (void)sc_error_also(&all, &one);
    return all.code == SC_OK ? SC_OK : sc_error_copy(err, &all);
}

static enum sc_code decode_creation(struct sc_request *req, struct creation *out,
                                    struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_principal *maker = sc_request_principal(req);
    struct create_body body = { .owner = sc_str_from(maker->name) };
    unsigned scopes = 0;
    enum sc_code code = sc_request_read(req, &create_shape, &body, &doc, err);
    if (code == SC_OK)
        code = check_creation(&body, &scopes, err);
    if (code != SC_OK)
        return code;
    out->name = sc_strndup(body.name.ptr, body.name.len);
    (void)snprintf(out->owner, sizeof(out->owner), "%.*s", (int)body.owner.len, body.owner.ptr);
    format_scopes(scopes, out->scopes);
    out->now_ms = sc_clock_wall_ms();
    out->expires_ms = body.expires_in == 0 ? -1 : out->now_ms + body.expires_in * 1000;
    return check_grant(maker, out, scopes, err);
}

static enum sc_code find_principal(struct sc_conn *tx, const struct creation *c, int64_t *id,
                                   struct sc_error *err)
{
    SC_AUTO_STMT add = sc_stmt_get(tx, SC_SQL_PRINCIPAL_ADD);
    sc_stmt_bind_text(&add, ":name", c->owner);
    sc_stmt_bind_int(&add, ":now", c->now_ms);
    enum sc_code code = sc_stmt_run(&add, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT find = sc_stmt_get(tx, SC_SQL_PRINCIPAL_FIND);
    sc_stmt_bind_text(&find, ":name", c->owner);
    code = sc_stmt_one(&find, err);
    if (code == SC_OK)
        *id = sc_stmt_int(&find, "id");
    return code;
}

static enum sc_code insert_token(struct sc_conn *tx, const struct creation *c, int64_t principal,
                                 struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TOKEN_INSERT);
    sc_stmt_bind_int(&st, ":principal_id", principal);
    sc_stmt_bind_text(&st, ":name", c->name);
    sc_stmt_bind_text(&st, ":hash", c->hash);
    sc_stmt_bind_text(&st, ":scopes", c->scopes);
    sc_stmt_bind_int(&st, ":now", c->now_ms);
    sc_stmt_bind_opt(&st, ":expires_ms", c->expires_ms);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_token(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct creation *c = ctx;
    int64_t principal = 0;
    enum sc_code code = find_principal(tx, c, &principal, err);
    if (code == SC_OK)
        code = insert_token(tx, c, principal, err);
    if (code != SC_OK)
        return code;
    c->id = sc_conn_last_id(tx);
    return sc_change_record_other(tx, SC_CHANGE_TOKEN_CREATED, principal, c->by, c->id, err);
}

struct sc_done *sc_api_token_create(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(creation_done) struct creation c = { 0 };
    char secret[TOKEN_TEXT];
    enum sc_code code = decode_creation(req, &c, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 201, &body);
    c.by = sc_api_owner(req);
    make_secret(secret);
    sc_hash_bytes(secret, strlen(secret), c.hash);
    code = sc_store_write(api->options.store, SC_DURABLE, write_token, &c, &err);
    if (code == SC_OK) {
        const struct sc_token_row token = {
            .id = c.id,
            .name = c.name,
            .owner = c.owner,
            .scopes = sc_scopes_parse(sc_str_from(c.scopes)),
            .created_ms = c.now_ms,
            .expires_ms = c.expires_ms,
            .revoked_ms = -1,
            .last_used_ms = -1,
        };
        SC_LOG(INFO, "api", "token created", SC_I("token", c.id), SC_S("owner", c.owner),
               SC_S("scopes", c.scopes), SC_S("by", sc_request_principal(req)->name));
        sc_token_created_view(&body, &token, c.now_ms, secret);
        sc_api_location(req, "/api/tokens/%lld", (long long)c.id);
        sc_reply_header(req, "Cache-Control", "no-store");
    }
    explicit_bzero(secret, sizeof(secret));
    return sc_api_answer(req, code, &err, 201, &body);
}

/* ---- list ---- */

/* Borrowed from the row at hand. */
static struct sc_token_row token_from_row(struct sc_stmt *st)
{
    return (struct sc_token_row){
        .id = sc_stmt_int(st, "id"),
        .name = sc_stmt_text(st, "name"),
        .owner = sc_stmt_text(st, "owner"),
        .scopes = sc_scopes_parse(sc_stmt_str(st, "scopes")),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .expires_ms = sc_stmt_int_or(st, "expires_ms", -1),
        .revoked_ms = sc_stmt_int_or(st, "revoked_ms", -1),
        .last_used_ms = sc_stmt_int_or(st, "last_used_ms", -1),
    };
}

static enum sc_code token_rows(struct sc_request *req, struct sc_conn *conn,
                               const struct sc_query_page *asked, struct sc_page *page,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TOKEN_LIST);
    sc_stmt_bind_int(&st, ":principal_id", realm(req));
    sc_stmt_bind_int(&st, ":before_id", asked->before);
    sc_stmt_bind_int(&st, ":limit", asked->limit);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_token_row token = token_from_row(&st);
        if (sc_page_take(page, token.id))
            sc_token_view(&page->w, NULL, &token, sc_clock_wall_ms());
    }
}

static const struct sc_query_field list_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_TOKEN) };
static const struct sc_query list_query = SC_QUERY(list_fields);

struct sc_done *sc_api_token_list(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "tokens", SC_CURSOR_TOKEN, &list_query, token_rows };
    return sc_list_answer(req, api, &list, NULL);
}

/* ---- show ---- */

/* owner 0: whoever's. revoked_ms, unless negative: when it is being ended. */
static enum sc_code view_token(struct sc_conn *conn, int64_t id, int64_t owner, int64_t revoked_ms,
                               struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TOKEN_GET);
    struct sc_json w;
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":principal_id", owner);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_TOKEN_NOT_FOUND, "no such token: '%lld'", (long long)id);
    if (code != SC_OK)
        return code;
    struct sc_token_row token = token_from_row(&st);
    if (token.revoked_ms < 0)
        token.revoked_ms = revoked_ms;
    sc_buf_reset(out);
    sc_json_begin(&w, out);
    sc_token_view(&w, NULL, &token, sc_clock_wall_ms());
    return SC_OK;
}

struct sc_done *sc_api_token_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t id = 0;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_TOKEN_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = view_token(conn, id, realm(req), -1, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- revoke ---- */

struct revocation {
    int64_t id, owner, by;
    struct sc_buf *body;
};

/* One that has ended already ended then. */
static enum sc_code end_token(struct sc_conn *tx, const struct revocation *r, int64_t now_ms,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TOKEN_REVOKE);
    sc_stmt_bind_int(&st, ":id", r->id);
    sc_stmt_bind_int(&st, ":now", now_ms);
    bool row = false;
    enum sc_code code = sc_stmt_step(&st, &row, err);
    if (code != SC_OK || !row)
        return code;
    int64_t owner = sc_stmt_int(&st, "principal_id");
    code = sc_stmt_run(&st, err);
    return code == SC_OK
               ? sc_change_record_other(tx, SC_CHANGE_TOKEN_REVOKED, owner, r->by, r->id, err)
               : code;
}

static enum sc_code write_revocation(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct revocation *r = ctx;
    int64_t now = sc_clock_wall_ms();
    enum sc_code code = view_token(tx, r->id, r->owner, now, r->body, err);
    return code == SC_OK ? end_token(tx, r, now, err) : code;
}

/* The row stays: it says who had access, and until when. */
struct sc_done *sc_api_token_revoke(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct revocation r = { .owner = realm(req), .by = sc_api_owner(req), .body = &body };
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_TOKEN_NOT_FOUND, &r.id, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_revocation, &r, &err);
    if (code == SC_OK) {
        SC_LOG(INFO, "api", "token revoked", SC_I("token", r.id),
               SC_S("by", sc_request_principal(req)->name));
        atomic_fetch_add(&api->revocations, 1);
        /* Streams and parked claims look whether it was theirs; uploads do so by themselves. */
        sc_api_streams_wake(api);
        sc_parking_wake_all(&api->parking);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(token_create) = {
    .body = &create_shape,
    .replies = { { 201, &sc_shape_token_created } },
    .errors = { SC_E_FORBIDDEN },
    .flags = SC_DOC_LOCATION,
};
SC_API_DOC(token_show) = {
    .replies = { { 200, &sc_shape_token } },
    .errors = { SC_E_TOKEN_NOT_FOUND },
};
SC_API_DOC(token_list) = { .query = &list_query, .replies = { { 200, &sc_shape_tokens } } };
SC_API_DOC(token_revoke) = {
    .replies = { { 200, &sc_shape_token } },
    .errors = { SC_E_TOKEN_NOT_FOUND },
};
