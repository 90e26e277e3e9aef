/* The store of the data folder, and the settings. */
#include "cli/command.h"

#include "base/banned.h"

static const struct sc_flag fsck_flags[] = {
    { "audio", 0, SC_FLAG_SWITCH, NULL, "Read every recording and hold it against its SHA-256" },
    { "repair", 0, SC_FLAG_SWITCH, NULL, "Restore what can be restored exactly" },
    { 0 },
};

const struct sc_command sc_commands_store[] = {
    {
        .name = "db init",
        .run = sc_cmd_db_init,
        .summary = "Make the store of the data folder, if it is not there",
        .usage = "",
        .examples = "scripta db init --data /srv/scripta\n",
    },
    {
        .name = "db migrate",
        .run = sc_cmd_db_migrate,
        .summary = "Bring the store up to this program's schema",
        .usage = "",
        .examples = "scripta db migrate --data /srv/scripta\n",
    },
    {
        .name = "db info",
        .run = sc_cmd_db_info,
        .summary = "Show the store's schema, size, pages and rows",
        .usage = "",
        .examples = "scripta db info --json\n",
    },
    {
        .name = "db check",
        .run = sc_cmd_db_check,
        .summary = "Check the store's integrity and foreign keys",
        .usage = "",
        .examples = "scripta db check\n",
    },
    {
        .name = "fsck",
        .run = sc_cmd_fsck,
        .summary = "Check all that is stored, and restore what can be restored",
        .usage = "",
        .flags = fsck_flags,
        .about =
            "The database, every transcript, version and chunk against its SHA-256, every "
            "recording against its file, bytes that no file has. Through the server when one runs, "
            "else on the folder itself. Nothing is changed without --repair; what is restored "
            "matches the checksum of the day it was written, or it is left alone. Ctrl-C ends it "
            "with what was found and restored until then. Exits with 7 when damage remains.",
        .examples = "scripta fsck\n"
                    "scripta fsck --audio --json\n"
                    "scripta fsck --repair\n",
    },
    {
        .name = "config show",
        .run = sc_cmd_config_show,
        .summary = "Show every setting in effect and where it came from",
        .usage = "",
        .examples = "scripta config show\n",
    },
    {
        .name = "config check",
        .run = sc_cmd_config_check,
        .summary = "Check all sources of settings and change nothing",
        .usage = "",
        .any_config = true,
        .about = "Every value that is wrong is told with its file and line, or its variable or "
                 "flag, and with what it must be; the status is then 12. `scripta doctor` looks "
                 "further: whether the address is free, the engine runs, the disk has room.",
        .examples = "scripta config check --config /etc/scripta.yaml\n",
    },
    {
        .name = "config docs",
        .run = sc_cmd_config_docs,
        .summary = "Print docs/config.md",
        .usage = "",
        .no_config = true,
        .examples = "scripta config docs > docs/config.md\n",
    },
    {
        .name = "config example",
        .run = sc_cmd_config_example,
        .summary = "Print a settings file with every default",
        .usage = "",
        .no_config = true,
        .examples = "scripta config example > scripta.yaml\n",
    },
    { 0 },
};
