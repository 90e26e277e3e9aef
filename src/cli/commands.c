/* The commands, one table for each group; commands-*.c hold them. */
#include "cli/command.h"

#include "base/banned.h"

const struct sc_flag sc_global_flags[] = {
    { "data", 0, SC_FLAG_VALUE, "DIR",
      "Data folder; its server is used, and started when none runs" },
    { "server", 0, SC_FLAG_VALUE, "URL",
      "Server to talk to: unix:PATH, http://HOST:PORT or https://…" },
    { "ca-file", 0, SC_FLAG_VALUE, "FILE",
      "Authorities to trust in an https server, PEM. Default: the system's" },
    { "config", 0, SC_FLAG_VALUE, "FILE",
      "Settings file. Default: scripta.yaml in the data folder" },
    { "env-file", 0, SC_FLAG_VALUE, "FILE",
      "File of variables. Default: .env beside the settings file" },
    { "set", 0, SC_FLAG_VALUE, "NAME=VALUE", "One setting; docs/config.md lists them" },
    { "json", 0, SC_FLAG_SWITCH, NULL, "Print the API's JSON" },
    { "quiet", 'q', SC_FLAG_SWITCH, NULL, "Print results and errors only" },
    { "verbose", 'v', SC_FLAG_SWITCH, NULL, "Say more on standard error" },
    { "help", 'h', SC_FLAG_SWITCH, NULL, "Help of the command" },
    { "version", 0, SC_FLAG_SWITCH, NULL, "Print the version" },
    { 0 },
};

static const struct sc_flag help_flags[] = {
    { "markdown", 0, SC_FLAG_SWITCH, NULL, "Print docs/cli.md" },
    { "man", 0, SC_FLAG_SWITCH, NULL, "Print the manual page, scripta.1" },
    { "completion", 0, SC_FLAG_VALUE, "bash|zsh|fish", "Print the completion for a shell" },
    { "openapi", 0, SC_FLAG_SWITCH, NULL, "Print the API's description (OpenAPI 3.1, JSON)" },
    { 0 },
};

static const struct sc_command commands_help[] = {
    {
        .name = "version",
        .run = sc_cmd_version,
        .summary = "Print the version",
        .usage = "",
        .no_config = true,
        .examples = "scripta version\n",
    },
    {
        .name = "help",
        .run = sc_cmd_help,
        .summary = "Print help",
        .usage = "[COMMAND]",
        .max_words = 2,
        .flags = help_flags,
        .no_config = true,
        .examples = "scripta help jobs list\n"
                    "scripta help --man | man -l -\n"
                    ". <(scripta help --completion bash)\n"
                    "scripta help --openapi > openapi.json\n",
    },
    { 0 },
};

/* In the order of help. */
static const struct sc_command *const groups[] = {
    sc_commands_jobs,     sc_commands_files,  sc_commands_transcripts,
    sc_commands_marks,    sc_commands_server, sc_commands_models,
    sc_commands_webhooks, sc_commands_store,  commands_help,
};

const struct sc_command *sc_command_next(const struct sc_command *command)
{
    bool found = command == NULL;
    for (size_t i = 0; i < SC_ARRAY_LEN(groups); i++) {
        for (const struct sc_command *c = groups[i]; c->name != NULL; c++) {
            if (found)
                return c;
            found = c == command;
        }
    }
    return NULL;
}
