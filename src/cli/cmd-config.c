#include "base/utf8.h"
#include "cli/command.h"
#include "cli/list.h"
#include "json/writer.h"

#include "base/banned.h"

static void put_json(const struct sc_cli *cli, struct sc_buf *out)
{
    struct sc_json w;

    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "settings");
    for (size_t i = 0; i < sc_option_count(); i++) {
        SC_AUTO_BUF value = { 0 };
        SC_AUTO_BUF source = { 0 };
        sc_config_show(cli->config, i, &value, &source);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "name", sc_option_at(i)->name);
        sc_json_str(&w, "value", sc_buf_str(&value));
        sc_json_str(&w, "source", sc_buf_str(&source));
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
    sc_buf_putc(out, '\n');
}

int sc_cmd_config_show(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_TABLE table = { .titles = { "SETTING", "VALUE", "FROM" }, .columns = 3, .flexible = 2 };

    (void)args;
    if (cli->json) {
        put_json(cli, &out);
        return sc_cli_done(cli, &out);
    }
    for (size_t i = 0; i < sc_option_count(); i++) {
        SC_AUTO_BUF value = { 0 };
        SC_AUTO_BUF source = { 0 };
        sc_config_show(cli->config, i, &value, &source);
        sc_table_cell(&table, sc_option_at(i)->name);
        sc_table_take(&table, &value);
        sc_table_take(&table, &source);
    }
    sc_table_render(&table, sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}

/* A bad setting never gets here: loading refused it, with name, value, range and place. */
int sc_cmd_config_check(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF out = { 0 };

    (void)args;
    for (const char *e = sc_config_unknown_env(NULL); e != NULL; e = sc_config_unknown_env(e)) {
        SC_AUTO_BUF name = { 0 };
        sc_utf8_append_printable(&name, (struct sc_str){ e, strcspn(e, "=") });
        sc_cli_note(cli, "scripta: warning: no setting has the variable %s", sc_buf_text(&name));
    }
    if (cli->json) {
        struct sc_json w;
        sc_json_begin(&w, &out);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "status", "ok");
        sc_json_end(&w);
        sc_buf_putc(&out, '\n');
    } else if (!cli->quiet)
        sc_buf_puts(&out, "the settings are good\n");
    return sc_cli_done(cli, &out);
}

int sc_cmd_config_docs(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF out = { 0 };
    (void)args;
    sc_config_write_docs(&out);
    return sc_cli_done(cli, &out);
}

int sc_cmd_config_example(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF out = { 0 };
    (void)args;
    sc_config_write_example(&out);
    return sc_cli_done(cli, &out);
}
