/* From argv to a command: parsing, settings, and what every command needs. */
#include "cli/cli.h"

#include "base/alloc.h"
#include "cli/command.h"

#include <locale.h>
#include <signal.h>

#include "base/banned.h"

#define LIST_MAX (2 * SC_ARGS_GIVEN + 8)

/* Strings put together for a list that ends in NULL. */
struct list {
    char *rows[LIST_MAX];
    size_t count;
};

static void list_done(struct list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->rows[i]);
}

static void list_add(struct list *l, char *text)
{
    sc_assert(l->count + 1 < LIST_MAX);
    l->rows[l->count++] = text;
}

/* Flags that are settings by another name. */
static const char *setting_of(const struct sc_args *args, const char *flag)
{
    if (strcmp(flag, "data") == 0)
        return "data_dir";
    if (strcmp(flag, "server") == 0)
        return "server";
    if (args->command->run != sc_cmd_serve)
        return NULL;
    if (strcmp(flag, "listen") == 0 || strcmp(flag, "workers") == 0)
        return flag;
    return strcmp(flag, "verbose") == 0 ? "log.level" : NULL;
}

/* `overrides` becomes name=value for the settings, `server` what a server that we start must be
 * told as well. */
static void collect(const struct sc_args *args, struct list *overrides, struct list *server)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const char *flag = args->given[i].flag->name;
        const char *value = args->given[i].value;
        const char *setting = setting_of(args, flag);
        if (setting != NULL)
            list_add(overrides,
                     sc_asprintf("%s=%s", setting, strcmp(flag, "verbose") == 0 ? "debug" : value));
        if (strcmp(flag, "set") == 0)
            list_add(overrides, sc_strdup(value));
        if (strcmp(flag, "set") == 0 || strcmp(flag, "config") == 0 ||
            strcmp(flag, "env-file") == 0)
            list_add(server, sc_asprintf("--%s=%s", flag, value));
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

static int run_with_config(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO(list_done) struct list overrides = { .count = 0 };
    SC_AUTO(list_done) struct list server = { .count = 0 };
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    struct sc_error err = { 0 };

    collect(args, &overrides, &server);
    struct sc_config_sources sources = {
        .file = sc_args_get(args, "config", NULL),
        .env_file = sc_args_get(args, "env-file", NULL),
        .overrides = (const char *const *)overrides.rows,
    };
    if (sc_config_load(&sources, &config, &err) != SC_OK) {
        if (!args->command->any_config)
            return sc_cli_fail(cli, &err);
        cli->bad_settings = &err;
        return args->command->run(cli, args);
    }
    cli->config = config;
    cli->data_given = data_dir_is_named(config);
    cli->server_args = (const char *const *)server.rows;
    int status = args->command->run(cli, args);
    sc_cli_disconnect(cli);
    cli->config = NULL;
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
            sc_help_group(&help, args->group);
        else
            sc_help_text(&help, command);
        if (sc_args_has(args, "help"))
            return sc_cli_done(cli, &help);
        (void)fputs(sc_buf_text(&help), stderr);
        return SC_EXIT_USAGE;
    }
    return command->no_config ? command->run(cli, args) : run_with_config(cli, args);
}

int sc_cli_main(int argc, char **argv, sc_cli_serve_fn serve)
{
    SC_AUTO(sc_args_done) struct sc_args args = { 0 };
    struct sc_cli cli = { .serve = serve };
    struct sc_error err = { 0 };
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    (void)setlocale(LC_CTYPE, ""); /* without it only the widths of wide signs are unknown */
    (void)signal(SIGPIPE, SIG_IGN);
    cli.out_is_terminal = isatty(STDOUT_FILENO) == 1;
    cli.err_is_terminal = isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0;
    cli.colour = cli.err_is_terminal && (no_color == NULL || no_color[0] == '\0');

    enum sc_code code = sc_args_parse(argc, argv, sc_command_all(), &args, &err);
    cli.json = sc_args_has(&args, "json");
    cli.quiet = sc_args_has(&args, "quiet");
    cli.verbose = sc_args_has(&args, "verbose");
    if (code != SC_OK)
        return sc_cli_fail(&cli, &err);
    return run_command(&cli, &args);
}
