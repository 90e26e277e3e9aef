/* In one way for files, jobs and transcripts: tags, notes, the history. */
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

static const struct sc_flag tag_flags[] = {
    { "add", 'a', SC_FLAG_VALUE, "TAG,TAG",
      "Tags to put to those that are there; may be repeated" },
    { "remove", 'r', SC_FLAG_VALUE, "TAG,TAG", "Tags to take away; may be repeated" },
    { "tags", 0, SC_FLAG_VALUE, "TAG,TAG", "All of the tags from now on; empty: none" },
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag history_flags[] = {
    { "file-id", 0, SC_FLAG_VALUE, "FILE", "Of this file" },
    { "job-id", 0, SC_FLAG_VALUE, "JOB", "Of this job" },
    { "transcript-id", 0, SC_FLAG_VALUE, "TRANSCRIPT", "Of this transcript" },
    { "kind", 0, SC_FLAG_VALUE, "KIND", "What was done, such as job.deleted" },
    SC_LIST_FLAGS,
    { 0 },
};

const struct sc_command sc_commands_marks[] = {
    {
        .name = "tag",
        .run = sc_cmd_tag,
        .summary = "List the tags in use, or change those of files, jobs, transcripts",
        .usage = "[file|job|transcript ID...]",
        .min_words = 0,
        .max_words = -1,
        .flags = tag_flags,
        .about = "Alone it lists the words in use, with how many files, jobs and transcripts have "
                 "each; with ids it prints the tags that each thing then has. A tag has at most 64 "
                 "bytes, a thing at most 32 tags. A comma within a tag is written `\\,`, a "
                 "backslash `\\\\`. `files list`, `jobs list` and `transcripts list` "
                 "take --tag.",
        .examples = "scripta tag file 7 --add interview,2026 --remove draft\n"
                    "scripta tag transcript 12 13 14 --add checked\n"
                    "scripta tag job 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa --tags urgent\n"
                    "scripta tag file 7\n"
                    "scripta tag\n",
    },
    {
        .name = "note",
        .run = sc_cmd_note,
        .summary = "Show or change the notes of a file, job or transcript",
        .usage = "file|job|transcript ID [TEXT]",
        .min_words = 2,
        .max_words = 3,
        .about = "TEXT takes the place of the notes that are there, \"\" takes them away. At most "
                 "10,000 bytes.",
        .examples = "scripta note file 7 \"Second take; the first one has wind noise\"\n"
                    "scripta note transcript 12 \"$(cat remarks.txt)\"\n"
                    "scripta note file 7\n",
    },
    {
        .name = "history",
        .run = sc_cmd_history,
        .summary = "List what was done to files, jobs and transcripts, newest first",
        .usage = "",
        .flags = history_flags,
        .about = "Ids and numbers, never text. The history of a thing goes when it is deleted; the "
                 "row that tells of the deletion stays, with the numbers in its detail.",
        .examples = "scripta history\n"
                    "scripta history --file-id 7\n"
                    "scripta history --kind job.deleted\n",
    },
    { 0 },
};
