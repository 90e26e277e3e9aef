/* The whole-database commands. When no server runs they open the folder themselves, under its lock;
 * a running one is asked. */
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/list.h"
#include "cli/local-store.h"
#include "json/writer.h"

#include "base/banned.h"

static void put_table(void *ctx, const char *table, int64_t rows)
{
    sc_json_int(ctx, table, rows);
}

static enum sc_code put_info(const struct sc_cli *cli, struct sc_store *store, struct sc_buf *out,
                             struct sc_error *err)
{
    struct sc_store_info info;
    struct sc_json w;

    enum sc_code code = sc_store_info(store, &info, err);
    if (code != SC_OK)
        return code;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "data_dir", cli->config->data_dir);
    sc_json_int(&w, "schema_version", info.schema_version);
    sc_json_int(&w, "size_bytes", info.size_bytes);
    sc_json_int(&w, "wal_bytes", info.wal_bytes);
    sc_json_int(&w, "pages", info.pages);
    sc_json_int(&w, "free_pages", info.free_pages);
    sc_json_int(&w, "page_size", info.page_size);
    sc_json_object(&w, "tables");
    code = sc_store_tables(store, put_table, &w, err);
    sc_json_end(&w);
    sc_json_end(&w);
    return code;
}

/* Prints a reply, ours or the server's, as JSON or as lines. */
static int print_reply(const struct sc_cli *cli, const struct sc_buf *reply)
{
    static const char *const skip[] = { "tables", "problems", NULL };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    if (cli->json)
        return sc_cli_done_json(cli, reply);
    if (sc_json_parse(sc_buf_str(reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *tables = sc_json_member(root, "tables");
    sc_view_object(root, skip, sc_list_now(cli), &out);
    if (tables != NULL && sc_json_type(tables) == SC_JSON_OBJECT) {
        sc_buf_puts(&out, "\nrows\n");
        sc_view_object(tables, NULL, sc_list_now(cli), &out);
    }
    return sc_cli_done(cli, &out);
}

static int ask_server(struct sc_cli *cli, const char *method, const char *path)
{
    SC_AUTO_BUF reply = { 0 };
    struct sc_error err = { 0 };

    if (sc_cli_call(cli, method, path, NULL, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return print_reply(cli, &reply);
}

/* init and migrate are the same act on a store that may be missing, or must be there. */
static int bring_up(struct sc_cli *cli, bool create, const char *done)
{
    SC_AUTO_LOCAL_STORE o = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };

    if (sc_cli_server_owns_store(cli)) {
        sc_cli_note(cli, "a server runs; it brought the store up to date when it started");
        return ask_server(cli, "GET", "/api/db/info");
    }
    if (sc_local_store_open(cli, create, &o, &err) != SC_OK ||
        put_info(cli, o.store, &out, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (!cli->json)
        sc_cli_note(cli, "%s: %s, schema %d", cli->config->data_dir, done,
                    sc_store_schema_version());
    return cli->json ? print_reply(cli, &out) : SC_EXIT_OK;
}

int sc_cmd_db_init(struct sc_cli *cli, const struct sc_args *args)
{
    (void)args;
    return bring_up(cli, true, "the store is there");
}

int sc_cmd_db_migrate(struct sc_cli *cli, const struct sc_args *args)
{
    (void)args;
    return bring_up(cli, false, "the store is up to date");
}

int sc_cmd_db_info(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_LOCAL_STORE o = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };

    (void)args;
    if (sc_cli_server_owns_store(cli))
        return ask_server(cli, "GET", "/api/db/info");
    if (sc_local_store_open(cli, false, &o, &err) != SC_OK ||
        put_info(cli, o.store, &out, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return print_reply(cli, &out);
}

static void note_problem(void *ctx, const char *problem)
{
    sc_cli_note(ctx, "scripta: %s", problem);
}

int sc_cmd_db_check(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_LOCAL_STORE o = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    struct sc_json w;

    (void)args;
    if (sc_cli_server_owns_store(cli))
        return ask_server(cli, "POST", "/api/db/check");
    if (sc_local_store_open(cli, false, &o, &err) != SC_OK ||
        sc_store_check(o.store, note_problem, cli, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "status", "ok");
    sc_json_end(&w);
    return print_reply(cli, &out);
}
