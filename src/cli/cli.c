/* From argv to a command: parsing, settings, and what every command needs. */
#include "cli/cli.h"

#include "base/alloc.h"
#include "cli/command.h"
#include "cli/list.h"

#include <locale.h>
#include <signal.h>

#include "base/banned.h"

#define LIST_MAX ((size_t)2 * SC_ARGS_GIVEN)

/* Strings put together. */
struct list {
    char *rows[LIST_MAX];
    size_t count;
};

static void list_done(struct list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->rows[i]);
}

static const char *list_add(struct list *l, char *text)
{
    sc_assert(l->count < LIST_MAX);
    return l->rows[l->count++] = text;
}

/* Flags that are settings by another name. */
static const char *setting_of(const struct sc_args *args, const char *flag)
{
    if (strcmp(flag, "data") == 0)
        return "data_dir";
    if (strcmp(flag, "server") == 0)
        return "server";
    if (strcmp(flag, "ca-file") == 0)
        return "ca_file";
    if (args->command->run != sc_cmd_serve)
        return NULL;
    if (strcmp(flag, "listen") == 0 || strcmp(flag, "workers") == 0)
        return flag;
    return strcmp(flag, "verbose") == 0 ? "log.level" : NULL;
}

/* The settings among the flags, and what a server that we start must be told as well. */
struct given {
    struct list texts; /* of both */
    struct sc_config_override overrides[SC_ARGS_GIVEN + 1];
    char flags[SC_ARGS_GIVEN][24]; /* "--listen" */
    size_t count;
    const char *server[SC_ARGS_GIVEN + 1];
    size_t server_count;
};

static void given_done(struct given *g)
{
    list_done(&g->texts);
}

static void collect(const struct sc_args *args, struct given *g)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const char *flag = args->given[i].flag->name;
        const char *value = args->given[i].value;
        const char *setting = setting_of(args, flag);
        bool set = strcmp(flag, "set") == 0;
        if (setting != NULL || set) {
            (void)snprintf(g->flags[g->count], sizeof(g->flags[0]), "--%s", flag);
            if (strcmp(flag, "verbose") == 0)
                value = "debug";
            g->overrides[g->count] = (struct sc_config_override){
                g->flags[g->count],
                list_add(&g->texts, set ? sc_strdup(value) : sc_asprintf("%s=%s", setting, value)),
            };
            g->count++;
        }
        if (set || strcmp(flag, "config") == 0 || strcmp(flag, "env-file") == 0)
            g->server[g->server_count++] = list_add(&g->texts, sc_asprintf("--%s=%s", flag, value));
    }
}

static bool data_dir_is_named(const struct sc_config *config)
{
    for (size_t i = 0; i < sc_option_count(); i++) {
        SC_AUTO_BUF value = { 0 };
        SC_AUTO_BUF source = { 0 };
        if (strcmp(sc_option_at(i)->name, "data_dir") != 0)
            continue;
        sc_config_show(config, i, &value, &source);
        return strcmp(sc_buf_text(&source), "default") != 0;
    }
    return false;
}

static void complaints_done(struct sc_complaints *c)
{
    free(c->rows);
}

static void complain(void *ctx, const struct sc_error *err)
{
    struct sc_complaints *c = ctx;
    sc_grow((void **)&c->rows, &c->cap, c->count + 1, sizeof(*c->rows));
    c->rows[c->count++] = *err;
}

static int run_with_config(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO(given_done) struct given given = { .count = 0 };
    SC_AUTO(complaints_done) struct sc_complaints bad = { 0 };
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    struct sc_error err = { 0 };

    collect(args, &given);
    struct sc_config_sources sources = {
        .file = sc_args_get(args, "config", NULL),
        .env_file = sc_args_get(args, "env-file", NULL),
        .overrides = given.overrides,
        .complain = complain,
        .ctx = &bad,
    };
    if (sc_config_load(&sources, &config, &err) != SC_OK && !args->command->any_config) {
        int status = sc_cli_fail(cli, &err);
        if (bad.count > 1 && !cli->json)
            sc_cli_note(cli, "  and %zu more: `scripta config check` lists them", bad.count - 1);
        return status;
    }
    cli->bad_settings = bad.count > 0 ? &bad : NULL;
    cli->config = config;
    cli->sources = &sources;
    cli->data_given = config != NULL && data_dir_is_named(config);
    cli->server_args = given.server;
    int status = args->command->run(cli, args);
    sc_cli_disconnect(cli);
    cli->config = NULL;
    cli->sources = NULL;
    return status;
}

static int run_command(struct sc_cli *cli, const struct sc_args *args)
{
    const struct sc_command *command = args->command;

    if (sc_args_has(args, "version"))
        return sc_cmd_version(cli, args);
    if (command == NULL || sc_args_has(args, "help")) {
        SC_AUTO_BUF help = { 0 };
        if (args->group != NULL)
            sc_help_group(&help, args->group, sc_list_width(cli));
        else
            sc_help_text(&help, command, sc_list_width(cli));
        if (sc_args_has(args, "help"))
            return sc_cli_done(cli, &help);
        (void)fputs(sc_buf_text(&help), stderr);
        return SC_EXIT_USAGE;
    }
    return command->no_config ? command->run(cli, args) : run_with_config(cli, args);
}

int sc_cli_main(int argc, char **argv, const struct sc_cli_server *server)
{
    SC_AUTO(sc_args_done) struct sc_args args = { 0 };
    struct sc_cli cli = { .server = server, .args = &args };
    struct sc_error err = { 0 };
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    (void)setlocale(LC_CTYPE, ""); /* without it only the widths of wide signs are unknown */
    (void)signal(SIGPIPE, SIG_IGN);
    cli.out_is_terminal = isatty(STDOUT_FILENO) == 1;
    cli.err_is_terminal = isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0;
    cli.colour = cli.err_is_terminal && (no_color == NULL || no_color[0] == '\0');

    enum sc_code code = sc_args_parse(argc, argv, &args, &err);
    cli.json = sc_args_has(&args, "json");
    cli.quiet = sc_args_has(&args, "quiet");
    cli.verbose = sc_args_has(&args, "verbose");
    if (code != SC_OK)
        return sc_cli_fail(&cli, &err);
    return run_command(&cli, &args);
}
