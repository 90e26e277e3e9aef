#include "base/alloc.h"
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

/* Parsing "scripta jobs list" tells which command was meant, or what is wrong with it. */
static enum sc_code find(const struct sc_args *args, const struct sc_command **command, bool *group,
                         struct sc_error *err)
{
    char name[] = "scripta";
    char *argv[3] = { name };
    int argc = 1;
    SC_AUTO(sc_args_done) struct sc_args found = { 0 };
    char help[] = "--help"; /* so that missing words are no error */
    char *with_help[4];

    for (size_t i = 0; i < args->word_count; i++)
        argv[argc++] = sc_strdup(args->words[i]);
    for (int i = 0; i < argc; i++)
        with_help[i] = argv[i];
    with_help[argc] = help;
    enum sc_code code = sc_args_parse(argc + 1, with_help, &found, err);
    *command = found.command;
    *group = found.group != NULL;
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    return code;
}

int sc_cmd_help(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF out = { 0 };
    const struct sc_command *command = NULL;
    bool group = false;
    struct sc_error err = { 0 };

    const char *shell = sc_args_get(args, "completion", NULL);
    if (shell != NULL && !sc_completion(&out, shell)) {
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, "completion",
                             "completion is '%.40s', must be bash, zsh or fish", shell);
        return sc_cli_fail(cli, &err);
    }
    if (sc_args_has(args, "markdown"))
        sc_help_markdown(&out);
    else if (sc_args_has(args, "man"))
        sc_man_page(&out);
    else if (sc_args_has(args, "openapi"))
        cli->server->describe_api(&out);
    if (out.len > 0)
        return sc_cli_done(cli, &out);
    if (args->word_count > 0 && find(args, &command, &group, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (group)
        sc_help_group(&out, args->words[0], sc_list_width(cli));
    else
        sc_help_text(&out, command, sc_list_width(cli));
    return sc_cli_done(cli, &out);
}
