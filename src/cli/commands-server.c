/* The server: its queue, its figures, who may call it, what it can do. */
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

static const struct sc_flag serve_flags[] = {
    { "listen", 0, SC_FLAG_VALUE, "ADDR:PORT",
      "TCP address beside the Unix socket, such as "
      "127.0.0.1:8000" },
    { "workers", 0, SC_FLAG_VALUE, "N", "Local worker processes; 0: one for each core, -1: none" },
    { "background", 'b', SC_FLAG_SWITCH, NULL,
      "Return once it is ready; it outlives the terminal" },
    { "stop", 0, SC_FLAG_SWITCH, NULL, "Stop the server of the data folder" },
    { "ephemeral", 0, SC_FLAG_SWITCH, NULL, "End soon after the last client and task" },
    { "ready-fd", 0, SC_FLAG_VALUE, "N", "Descriptor to which \"ready\" or an error is written" },
    { 0 },
};

static const struct sc_flag stats_query_flags[] = {
    { "group-by", 0, SC_FLAG_VALUE, "FIELD[,FIELD]",
      "status, pipeline, engine, model, language, day, week or month" },
    { "measure", 0, SC_FLAG_VALUE, "NAME",
      "jobs, completed, duration_seconds, average_duration_seconds, processing_time, "
      "average_processing_time or speed. Default: jobs" },
    { "since", 0, SC_FLAG_VALUE, "TIME", "From this day: a date, RFC 3339, or how long ago" },
    { "until", 0, SC_FLAG_VALUE, "TIME", "Up to this day, inclusive" },
    { 0 },
};

static const struct sc_flag token_create_flags[] = {
    { "owner", 0, SC_FLAG_VALUE, "PRINCIPAL",
      "Whose things it opens; made when new. Default: your own" },
    { "scope", 0, SC_FLAG_VALUE, "SCOPES",
      "Out of read, write and admin; or work, for a worker. Default: read,write" },
    { "expires", 0, SC_FLAG_VALUE, "DURATION", "End after this time, such as 90d. Default: never" },
    { 0 },
};

static const struct sc_flag token_list_flags[] = { SC_LIST_FLAGS, { 0 } };

const struct sc_command sc_commands_server[] = {
    {
        .name = "serve",
        .run = sc_cmd_serve,
        .summary = "Run the server of a data folder",
        .usage = "",
        .flags = serve_flags,
        .about =
            "It answers on run/scripta.sock of the data folder and, with --listen, on TCP. In the "
            "foreground it logs to the terminal and ends with Ctrl-C, SIGTERM and the terminal "
            "itself; with --background it logs to logs/scripta.log and ends with --stop. What runs "
            "then goes on at the next start. SIGHUP makes it read its settings again. Without a "
            "server every other command starts one for itself.",
        .examples = "scripta serve\n"
                    "scripta serve --background --listen 127.0.0.1:8000\n"
                    "scripta serve --stop\n"
                    "scripta serve --data /srv/scripta --listen 127.0.0.1:8000\n",
    },
    {
        .name = "queue",
        .run = sc_cmd_queue,
        .summary = "Show the queues and the workers",
        .usage = "",
        .examples = "scripta queue\n",
    },
    {
        .name = "queue pause",
        .run = sc_cmd_queue_pause,
        .summary = "Start nothing more of these classes; what runs goes on",
        .usage = "high|normal|low...",
        .min_words = 1,
        .max_words = 3,
        .examples = "scripta queue pause low\n",
    },
    {
        .name = "queue resume",
        .run = sc_cmd_queue_resume,
        .summary = "Go on with these classes",
        .usage = "high|normal|low...",
        .min_words = 1,
        .max_words = 3,
        .examples = "scripta queue resume low\n",
    },
    {
        .name = "system",
        .run = sc_cmd_system,
        .summary = "Show the server's machine: load, memory, disks, workers",
        .usage = "",
        .examples = "scripta system\n"
                    "scripta system --json\n",
    },
    {
        .name = "gpu",
        .run = sc_cmd_gpu,
        .summary = "Show the server's GPUs, or why there is none",
        .usage = "",
        .examples = "scripta gpu\n"
                    "scripta --server http://gpu-box:8000 gpu --json\n",
    },
    {
        .name = "stats",
        .run = sc_cmd_stats,
        .summary = "Show figures about files, jobs and storage",
        .usage = "",
        .examples = "scripta stats\n",
    },
    {
        .name = "stats query",
        .run = sc_cmd_stats_query,
        .summary = "Group one figure by one or two fields",
        .usage = "",
        .flags = stats_query_flags,
        .about = "Days are UTC, of a job's creation; a week is named by its Monday.",
        .examples = "scripta stats query --group-by day,status --since 30d\n"
                    "scripta stats query --group-by model --measure speed\n",
    },
    {
        .name = "token create",
        .run = sc_cmd_token_create,
        .summary = "Make a token for another program, person or machine and print it",
        .usage = "NAME",
        .min_words = 1,
        .max_words = 1,
        .flags = token_create_flags,
        .about =
            "It is printed once; the store keeps its hash alone. No scope includes another: read "
            "sees what the owner has, write brings and changes, admin runs the server and makes "
            "tokens, work is a worker and nothing else. NAME is a label.",
        .examples = "scripta token create laptop\n"
                    "scripta token create ann-phone --owner ann --scope read,write --expires 90d\n"
                    "scripta token create gpu-box --scope work\n",
    },
    {
        .name = "token list",
        .run = sc_cmd_token_list,
        .summary = "List tokens, newest first, with when they were last used",
        .usage = "",
        .flags = token_list_flags,
        .about = "Those that have ended too. The text of a token is not among what is "
                 "shown: nobody has it but whom it was given to. Last used is exact to a minute.",
        .examples = "scripta token list\n",
    },
    {
        .name = "token revoke",
        .run = sc_cmd_token_revoke,
        .summary = "End tokens at once, with the event streams that they opened",
        .usage = "TOKEN...",
        .min_words = 1,
        .max_words = -1,
        .about = "By their number, as `scripta token list` shows it. Calls with such a token are "
                 "refused from now on, its event streams end, a worker's claims too. An answer "
                 "that is on its way is sent to its end.",
        .examples = "scripta token revoke 3\n",
    },
    {
        .name = "engines",
        .run = sc_cmd_engines,
        .summary = "List the engines and whether they can run here",
        .usage = "",
        .about =
            "For each: whether it can run and what to do when it cannot, the languages and job "
            "options that it takes, and how fast it was in your jobs, in times real time.",
        .examples = "scripta engines\n"
                    "scripta --json engines\n",
    },
    {
        .name = "doctor",
        .run = sc_cmd_doctor,
        .summary = "Check the installation and say what to do",
        .usage = "",
        .any_config = true,
        .about =
            "Looks at programs, kernel and jail, limits, settings, the data folder and its disk, "
            "the store, the server, engines, queue and files; with a server and without. It "
            "changes nothing. The exit code is 1 when there is a problem; warnings are none.",
        .examples = "scripta doctor\n"
                    "scripta doctor --json --data /srv/scripta\n",
    },
    { 0 },
};
