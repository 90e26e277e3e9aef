/* The models of the engine whisper. */
#include "cli/command.h"

#include "base/banned.h"

static const struct sc_flag bring_flags[] = {
    { "name", 0, SC_FLAG_VALUE, "NAME", "What it is to be called. Default: its own name" },
    { "sha256", 0, SC_FLAG_VALUE, "HEX", "Refuse it when it has another SHA-256" },
    { "replace", 0, SC_FLAG_SWITCH, NULL, "Replace the model of that name" },
    { 0 },
};

const struct sc_command sc_commands_models[] = {
    {
        .name = "models list",
        .run = sc_cmd_models_list,
        .summary = "List the models of whisper",
        .usage = "",
        .about = "Those of the data folder and of the system, with their type, size and the memory "
                 "that they need. What was copied into the folder by hand is `unchecked` and "
                 "listed without them: `scripta models verify NAME` looks. What that found "
                 "damaged is used by nobody. Below stands what pulls that were broken off have "
                 "left: the same `scripta models pull` goes on, `scripta models remove` ends it.",
        .examples = "scripta models list\n"
                    "scripta models list --json\n",
    },
    {
        .name = "models add",
        .run = sc_cmd_models_add,
        .summary = "Take a model file that is here: ggml, or a folder of safetensors",
        .usage = "FILE",
        .min_words = 1,
        .max_words = 1,
        .flags = bring_flags,
        .about = "Copies it into the models folder, after it has been read and checked as a whole. "
                 "It can be used at once, by a running server too. No network is needed.",
        .examples = "scripta models add ggml-base.en.bin\n"
                    "scripta models add ~/distil-small.en --name distil\n",
    },
    {
        .name = "models pull",
        .run = sc_cmd_models_pull,
        .summary = "Download a model",
        .usage = "NAME|URL",
        .min_words = 1,
        .max_words = 1,
        .flags = bring_flags,
        .about =
            "NAME is ggml-NAME.bin below the setting models.url, which has no default: nothing "
            "is contacted unless you say whom. What came stays when the connection breaks or "
            "you press Ctrl-C, and the same command goes on behind it. The SHA-256 is held "
            "against --sha256, else against the file URL.sha256 or what the server tells of "
            "it; where nobody says it, the command says so. A NAME that "
            "the author lists with its sum brings that file and no other.",
        .examples = "scripta models pull base.en --set models.url=https://models.example/whisper\n"
                    "scripta models pull https://models.example/ggml-small-q5_1.bin\n",
    },
    {
        .name = "models info",
        .run = sc_cmd_models_info,
        .summary = "Show a model's dimensions, languages, type and memory",
        .usage = "NAME|FILE",
        .min_words = 1,
        .max_words = 1,
        .about = "Of a model of the folder, or of any file, which need not be added first. It is "
                 "opened and checked for that.",
        .examples = "scripta models info base.en\n"
                    "scripta models info ./ggml-large-v3.bin\n",
    },
    {
        .name = "models verify",
        .run = sc_cmd_models_verify,
        .summary = "Read models again and hold them against their SHA-256",
        .usage = "[NAME...]",
        .max_words = -1,
        .about = "All of them when none is named. A file that was copied into the folder by hand "
                 "is checked, and what was found out is kept beside it.",
        .examples = "scripta models verify\n"
                    "scripta models verify base.en\n",
    },
    {
        .name = "models remove",
        .run = sc_cmd_models_remove,
        .summary = "Remove a model, or what an unfinished pull of it left",
        .usage = "NAME",
        .min_words = 1,
        .max_words = 1,
        .about = "A worker that has it loaded goes on with it; jobs that wait for it fail. "
                 "Transcripts stay.",
        .examples = "scripta models remove base.en\n",
    },
    { 0 },
};
