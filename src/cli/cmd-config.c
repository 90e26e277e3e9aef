#include "cli/command.h"
#include "cli/list.h"
#include "models/tell.h"
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

/* Values that are wrong, or where all are good those that name what is not there. */
struct findings {
    const struct sc_complaints *bad; /* NULL: none */
    struct sc_models_problems models;
};

static struct findings look(const struct sc_cli *cli)
{
    struct findings f = { .bad = cli->bad_settings };
    if (f.bad == NULL)
        sc_models_judge(cli->config, &f.models);
    return f;
}

static size_t count(const struct findings *f)
{
    return f->bad == NULL ? f->models.count : f->bad->count;
}

static const struct sc_error *at(const struct findings *f, size_t i)
{
    return f->bad == NULL ? &f->models.rows[i] : &f->bad->rows[i];
}

static void put_problems(const struct findings *f, struct sc_buf *out)
{
    struct sc_json w;

    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "status", count(f) == 0 ? "ok" : "problems");
    sc_json_array(&w, "problems");
    for (size_t i = 0; i < count(f); i++) {
        const struct sc_error *err = at(f, i);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "field", err->field);
        sc_json_text(&w, "message", err->msg);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_array(&w, "unknown_variables");
    for (const char *e = sc_config_unknown_env(NULL); e != NULL; e = sc_config_unknown_env(e))
        sc_json_str(&w, NULL, (struct sc_str){ e, strcspn(e, "=") });
    sc_json_end(&w);
    sc_json_end(&w);
    sc_buf_putc(out, '\n');
}

/* Every value that is wrong, each with its place, what it must be, and in one go. */
int sc_cmd_config_check(struct sc_cli *cli, const struct sc_args *args)
{
    const struct findings f = look(cli);
    SC_AUTO_BUF out = { 0 };

    (void)args;
    if (cli->json) {
        put_problems(&f, &out);
        int status = sc_cli_done(cli, &out);
        return count(&f) == 0 || status != SC_EXIT_OK ? status : SC_EXIT_CONFIG;
    }
    for (const char *e = sc_config_unknown_env(NULL); e != NULL; e = sc_config_unknown_env(e))
        sc_cli_note(cli, "scripta: warning: no setting has the variable %.*s", (int)strcspn(e, "="),
                    e);
    for (size_t i = 0; i < count(&f); i++)
        (void)sc_cli_fail(cli, at(&f, i));
    if (count(&f) > 0) {
        sc_cli_note(cli, "%zu setting%s to mend; `scripta config docs` lists what each takes",
                    count(&f), count(&f) == 1 ? "" : "s");
        return SC_EXIT_CONFIG;
    }
    if (!cli->quiet)
        sc_buf_puts(&out, "the settings are good; `scripta doctor` looks whether they work\n");
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
