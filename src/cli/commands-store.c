/* The store of the data folder, and the settings. */
#include "cli/command.h"

#include "base/banned.h"

static const struct sc_flag fsck_flags[] = {
    { "audio", 0, SC_FLAG_SWITCH, NULL, "Read every recording and hold it against its SHA-256" },
    { "repair", 0, SC_FLAG_SWITCH, NULL, "Restore what can be restored exactly" },
    { "accept", 0, SC_FLAG_SWITCH, NULL,
      "After --repair, which it implies: take what stays damaged as it is now" },
    { 0 },
};

const struct sc_command sc_commands_store[] = {
    {
        .name = "db init",
        .run = sc_cmd_db_init,
        .summary = "Make the store of the data folder, if it is not there",
        .usage = "",
        .about = "The first server of a data folder makes the store by itself; this is for whoever "
                 "wants it, with its owner and mode, before. A store that is there stays as it is, "
                 "unless it needs to be migrated.",
        .examples = "scripta db init --data /srv/scripta\n",
    },
    {
        .name = "db migrate",
        .run = sc_cmd_db_migrate,
        .summary = "Bring the store up to this program's schema",
        .usage = "",
        .about = "The first server of a newer program does the same. A copy of the store goes to "
                 "backups/ before anything changes; a program that is older than the store is "
                 "refused.",
        .examples = "scripta db migrate --data /srv/scripta\n",
    },
    {
        .name = "db info",
        .run = sc_cmd_db_info,
        .summary = "Show the store's schema, size, pages and rows",
        .usage = "",
        .about = "The schema of the store and the one that this program writes, the size of its "
                 "files, its pages and how many of them are free, and the rows of each table. "
                 "Through the server when one runs, else on the folder itself.",
        .examples = "scripta db info\n"
                    "scripta db info --json\n",
    },
    {
        .name = "db check",
        .run = sc_cmd_db_check,
        .summary = "Check the store's integrity and foreign keys",
        .usage = "",
        .about = "SQLite's own check of every page and index, and that no row refers to one that "
                 "is not there. It reads all of the store, which may take a while. Exits with 7 "
                 "and tells every problem when there is one; `scripta fsck` also holds what is "
                 "stored against its checksums.",
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
            "else on the folder itself. Without --repair nothing is changed but the note that a "
            "recording is altered, with which its upload replaces it; what is restored "
            "matches the checksum of the day it was written, or it is left alone. Each damage of a "
            "transcript is told with its time, with the words that stand there now, and with what "
            "they can be restored from. --accept serves what is left of a transcript again, under "
            "new checksums; `scripta history` says so. Ctrl-C ends it with what was found and "
            "restored until then. Exits with 7 when damage remains.",
        .examples = "scripta fsck\n"
                    "scripta fsck --audio --json\n"
                    "scripta fsck --repair\n"
                    "scripta fsck --accept\n",
    },
    {
        .name = "config show",
        .run = sc_cmd_config_show,
        .summary = "Show every setting in effect and where it came from",
        .usage = "",
        .about =
            "Each with its value and where that is from: its default, the settings file or .env "
            "with the line, a variable, or a flag. Secrets are shown as ***. What it shows is what "
            "a server would take now; one that runs takes it on SIGHUP or at its next start.",
        .examples = "scripta config show\n"
                    "scripta config show --data /srv/scripta --json\n",
    },
    {
        .name = "config check",
        .run = sc_cmd_config_check,
        .summary = "Check all sources of settings and change nothing",
        .usage = "",
        .any_config = true,
        .about =
            "Every value that is wrong is told with its file and line, or its variable or "
            "flag, and with what it must be; where all are good, a model or a models folder that "
            "a setting names and that is not there. The status is then 12. `scripta doctor` "
            "looks further: whether the address is free, the engine runs, the disk has room.",
        .examples = "scripta config check --config /etc/scripta.yaml\n",
    },
    {
        .name = "config docs",
        .run = sc_cmd_config_docs,
        .summary = "Print docs/config.md",
        .usage = "",
        .no_config = true,
        .about = "The page of all settings: name, variable, type, default, least value, whether a "
                 "change needs a restart, and what it does.",
        .examples = "scripta config docs > docs/config.md\n",
    },
    {
        .name = "config example",
        .run = sc_cmd_config_example,
        .summary = "Print a settings file with every default",
        .usage = "",
        .no_config = true,
        .about =
            "Every setting with its default, all of them as comments: take out the # of what you "
            "change. The file belongs to the data folder, as scripta.yaml, or where --config says.",
        .examples = "scripta config example > scripta.yaml\n",
    },
    { 0 },
};
