/* Who may ask, on a real store that holds tokens. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "store/fixture.h"

#include "base/banned.h"

#define NOW INT64_C(1700000000000)
#define EVERYTHING (SC_SCOPE_READ | SC_SCOPE_WRITE | SC_SCOPE_ADMIN | SC_SCOPE_WORK)

static void add_token(struct sc_store *store, const char *text, const char *scopes,
                      const char *expires, const char *revoked)
{
    char hash[SC_SHA256_TEXT];
    sc_hash_bytes(text, strlen(text), hash);
    SC_AUTO_FREE char *sql = sc_asprintf(
        "INSERT INTO tokens (principal_id, name, hash, scopes, created_ms, expires_ms, revoked_ms) "
        "VALUES (7, '%s', '%s', '%s', 1, %s, %s)",
        text, hash, scopes, expires, revoked);
    assert_int_equal(write_sql(store, sql), SC_OK);
}

static struct sc_store *store_with_tokens(struct fixture *f)
{
    *f = fixture_new();
    const char *ann = "INSERT INTO principals (id, name, created_ms) VALUES (7, 'ann', 1)";
    assert_int_equal(write_sql(f->store, ann), SC_OK);
    add_token(f->store, "scripta_good", "read write", "NULL", "NULL");
    add_token(f->store, "scripta_worker", "work", "1700000000001", "NULL");
    add_token(f->store, "scripta_old", "read", "1700000000000", "NULL");
    add_token(f->store, "scripta_revoked", "read", "NULL", "1699999999999");
    add_token(f->store, "scripta_strange", "admin everything", "NULL", "NULL");
    return f->store;
}

static void tokens_give_their_scopes_until_they_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        unsigned scopes;
    } rows[] = {
        { "scripta_good", true, SC_SCOPE_READ | SC_SCOPE_WRITE },
        { "scripta_worker", true, SC_SCOPE_WORK },
        { "scripta_strange", true, SC_SCOPE_ADMIN },
        { "scripta_old", false, 0 },
        { "scripta_revoked", false, 0 },
        { "scripta_unknown", false, 0 },
        { "scripta_good ", false, 0 },
    };
    SC_AUTO(test_clock_done) SC_UNUSED struct test_clock clock = test_clock_at(NOW, 1000);
    SC_AUTO(fixture_done) struct fixture f = { 0 };
    struct sc_api api = { .options = { .store = store_with_tokens(&f), .local_open = true } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_principal who = { .owner_id = 99 };
        struct sc_error err = { 0 };
        /* A token counts on loopback too, even where none is needed. */
        const struct sc_peer peer = { .loopback = true };
        enum sc_code code = sc_api_authenticate(&api, sc_str_from(rows[i].text), &peer, &who, &err);
        assert_int_equal(code, rows[i].ok ? SC_OK : SC_E_UNAUTHENTICATED);
        assert_int_equal(who.owner_id, rows[i].ok ? 7 : 99);
        assert_int_equal(who.scopes, rows[i].scopes);
        assert_string_equal(who.name, rows[i].ok ? "ann" : "");
    }
}

static void a_key_of_another_service_counts_as_none(void **state)
{
    (void)state;
    SC_AUTO(test_clock_done) SC_UNUSED struct test_clock clock = test_clock_at(NOW, 1000);
    SC_AUTO(fixture_done) struct fixture f = { 0 };
    struct sc_api api = { .options = { .store = store_with_tokens(&f) } };
    for (int i = 0; i < 4; i++) {
        const struct sc_peer peer = { .loopback = i % 2 != 0 };
        struct sc_principal who = { 0 };
        struct sc_error err = { 0 };
        api.options.local_open = i >= 2;
        enum sc_code code = sc_api_authenticate(&api, SC_STR("sk-unused"), &peer, &who, &err);
        assert_int_equal(code, i == 3 ? SC_OK : SC_E_UNAUTHENTICATED);
        assert_int_equal(who.owner_id, i == 3 ? 1 : 0);
    }
}

static void without_a_token_only_this_machine_is_let_in(void **state)
{
    (void)state;
    static const struct {
        bool unix_socket, loopback, open, ok;
    } rows[] = {
        { true, false, false, true },  { true, false, true, true },
        { false, true, true, true },   { false, true, false, false },
        { false, false, true, false }, { false, false, false, false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_api api = { .options = { .local_open = rows[i].open } };
        struct sc_principal who = { 0 };
        struct sc_error err = { 0 };
        const struct sc_peer peer = { .unix_socket = rows[i].unix_socket,
                                      .loopback = rows[i].loopback };
        enum sc_code code = sc_api_authenticate(&api, SC_STR(""), &peer, &who, &err);
        assert_int_equal(code, rows[i].ok ? SC_OK : SC_E_UNAUTHENTICATED);
        assert_int_equal(who.owner_id, rows[i].ok ? 1 : 0);
        assert_int_equal(who.scopes, rows[i].ok ? EVERYTHING : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tokens_give_their_scopes_until_they_end),
        TEST(a_key_of_another_service_counts_as_none),
        TEST(without_a_token_only_this_machine_is_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
