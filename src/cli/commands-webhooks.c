/* Webhooks: who is told of what happens to jobs. */
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

#define EVENTS_FLAG                                                                        \
    {                                                                                      \
        "events", 0, SC_FLAG_VALUE, "NAME[,NAME]",                                         \
            "Out of job_created, job_started, job_complete, job_error, job_cancelled and " \
            "job_retried; "                                                                \
            "*: all"                                                                       \
    }
#define DESCRIPTION_FLAG                                          \
    {                                                             \
        "description", 0, SC_FLAG_VALUE, "TEXT", "What it is for" \
    }

static const struct sc_flag add_flags[] = { EVENTS_FLAG, DESCRIPTION_FLAG, { 0 } };

static const struct sc_flag list_flags[] = { SC_LIST_FLAGS, { 0 } };

static const struct sc_flag edit_flags[] = {
    { "url", 0, SC_FLAG_VALUE, "URL", "Where messages are posted to" },
    EVENTS_FLAG,
    DESCRIPTION_FLAG,
    { "enable", 0, SC_FLAG_SWITCH, NULL, "Go on, with what is owed too" },
    { "disable", 0, SC_FLAG_SWITCH, NULL, "Make no messages; what is owed waits" },
    { "new-secret", 0, SC_FLAG_SWITCH, NULL, "Make another secret and print it" },
    { 0 },
};

static const struct sc_flag deliveries_flags[] = {
    { "status", 0, SC_FLAG_VALUE, "STATUS", "Only those: pending, delivered or failed" },
    SC_LIST_FLAGS,
    { 0 },
};

const struct sc_command sc_commands_webhooks[] = {
    {
        .name = "webhooks add",
        .run = sc_cmd_webhooks_add,
        .summary = "Have what happens to jobs posted to an address, and print its secret",
        .usage = "URL",
        .min_words = 1,
        .max_words = 1,
        .flags = add_flags,
        .about =
            "Of your own jobs; their ends unless --events says otherwise. The secret signs the "
            "messages and is printed once. The host must be one that the world can reach, "
            "unless the server's setting webhooks.allow names it. docs/webhooks.md tells what "
            "is posted and how a receiver verifies it.",
        .examples = "scripta webhooks add https://hooks.example.com/scripta\n"
                    "scripta webhooks add https://hooks.example.com/all --events '*'\n",
    },
    {
        .name = "webhooks list",
        .run = sc_cmd_webhooks_list,
        .summary = "List webhooks, newest first",
        .usage = "",
        .flags = list_flags,
        .examples = "scripta webhooks list\n",
    },
    {
        .name = "webhooks show",
        .run = sc_cmd_webhooks_show,
        .summary = "Show a webhook",
        .usage = "WEBHOOK",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta webhooks show 1\n",
    },
    {
        .name = "webhooks edit",
        .run = sc_cmd_webhooks_edit,
        .summary = "Change a webhook, switch it off or on again",
        .usage = "WEBHOOK",
        .min_words = 1,
        .max_words = 1,
        .flags = edit_flags,
        .about = "Whatever is changed, what is owed to it is tried again at once.",
        .examples = "scripta webhooks edit 1 --disable\n"
                    "scripta webhooks edit 1 --events '*'\n"
                    "scripta webhooks edit 1 --new-secret\n",
    },
    {
        .name = "webhooks remove",
        .run = sc_cmd_webhooks_remove,
        .summary = "Remove webhooks with all that is owed to them",
        .usage = "WEBHOOK...",
        .min_words = 1,
        .max_words = -1,
        .examples = "scripta webhooks remove 1\n",
    },
    {
        .name = "webhooks test",
        .run = sc_cmd_webhooks_test,
        .summary = "Post a test message to a webhook and tell what it answered",
        .usage = "WEBHOOK",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta webhooks test 1\n",
    },
    {
        .name = "webhooks deliveries",
        .run = sc_cmd_webhooks_deliveries,
        .summary = "List what was posted to a webhook, newest first, and what came of it",
        .usage = "WEBHOOK",
        .min_words = 1,
        .max_words = 1,
        .flags = deliveries_flags,
        .examples = "scripta webhooks deliveries 1 --status failed\n",
    },
    {
        .name = "webhooks replay",
        .run = sc_cmd_webhooks_replay,
        .summary = "Post a message again and tell what was answered",
        .usage = "WEBHOOK DELIVERY",
        .min_words = 2,
        .max_words = 2,
        .about = "The same message, under the same id, from the first attempt on.",
        .examples = "scripta webhooks replay 1 17\n",
    },
    { 0 },
};
