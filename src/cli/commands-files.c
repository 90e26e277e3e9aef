/* Recordings. */
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

static const struct sc_flag files_list_flags[] = {
    { "hash", 0, SC_FLAG_VALUE, "SHA256", "The file with this content" },
    { "name", 0, SC_FLAG_VALUE, "NAME", "Files of this name" },
    { "format", 0, SC_FLAG_VALUE, "FORMAT", "Files of this format, such as mp3" },
    { "tag", 0, SC_FLAG_VALUE, "TAG", "Files with this tag" },
    { "since", 0, SC_FLAG_VALUE, "TIME", "Uploaded from this time on: a date, or 7d ago" },
    { "until", 0, SC_FLAG_VALUE, "TIME", "Uploaded before this time" },
    { "unused", 0, SC_FLAG_ON, NULL, "Files that no job refers to" },
    { "damaged", 0, SC_FLAG_ON, NULL, "Files that were found missing or altered" },
    { "archived", 0, SC_FLAG_ON, NULL, "Files that were moved to the archive" },
    { "sort", 0, SC_FLAG_VALUE, "ORDER",
      "uploaded_at, size_bytes, duration_seconds or original_name; with - falling. Default: "
      "-uploaded_at" },
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag files_download_flags[] = {
    { "output", 'o', SC_FLAG_VALUE, "OUT",
      "File, folder, or - for standard output. Default: the file's own name, here" },
    { "overwrite", 0, SC_FLAG_SWITCH, NULL, "Replace a file that is there" },
    { 0 },
};

static const struct sc_flag page_flags[] = {
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag files_clean_flags[] = {
    { "kind", 0, SC_FLAG_VALUE, "KIND", "orphans, temp, work or archive" },
    { "older-than", 0, SC_FLAG_VALUE, "DAYS", "Only what is older. Default: 30" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Remove it; else only tell how much it is" },
    { 0 },
};

static const struct sc_flag delete_flags[] = {
    { "force", 0, SC_FLAG_SWITCH, NULL, "Cancel what runs, and delete what depends on it too" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Do not ask" },
    { 0 },
};

static const struct sc_flag files_peaks_flags[] = {
    { "points", 'n', SC_FLAG_VALUE, "N", "Points, 1 to 20000. Default: the terminal's width" },
    { "zoom", 0, SC_FLAG_VALUE, "ZOOM", "0 (10 ms), 1 (160 ms), 2 (2.56 s) or 3 (41 s) a point" },
    { "start", 0, SC_FLAG_VALUE, "SECONDS", "Draw from here on" },
    { "end", 0, SC_FLAG_VALUE, "SECONDS", "Draw up to here" },
    { 0 },
};

static const struct sc_flag files_usage_flags[] = {
    { "additional", 0, SC_FLAG_VALUE, "SIZE", "Say whether so much more fits, such as 700M" },
    { 0 },
};

const struct sc_command sc_commands_files[] = {
    {
        .name = "files list",
        .run = sc_cmd_files_list,
        .summary = "List stored recordings, newest first or in another order",
        .usage = "",
        .flags = files_list_flags,
        .examples = "scripta files list -n 20\n"
                    "scripta files list --format wav --sort -size_bytes\n"
                    "scripta files list --unused --until 30d\n"
                    "scripta files list --archived\n",
    },
    {
        .name = "files download",
        .run = sc_cmd_files_download,
        .summary = "Download a recording; goes on where it was interrupted",
        .usage = "FILE_ID",
        .min_words = 1,
        .max_words = 1,
        .flags = files_download_flags,
        .about = "The bytes come into OUT.part first; the same command continues it after an "
                 "interruption. At the end they are held against the file's SHA-256, and only then "
                 "get their name.",
        .examples = "scripta files download 7\n"
                    "scripta files download 7 -o talk.flac\n"
                    "scripta files download 7 -o - | ffplay -\n",
    },
    {
        .name = "files duplicates",
        .run = sc_cmd_files_duplicates,
        .summary = "List recordings that arrived more than once, and what that saved",
        .usage = "",
        .flags = page_flags,
        .examples = "scripta files duplicates\n",
    },
    {
        .name = "files find",
        .run = sc_cmd_files_find,
        .summary = "Say whether bytes are known, without uploading them",
        .usage = "FILE|SHA256...",
        .min_words = 1,
        .max_words = -1,
        .about = "A file is hashed here; only its SHA-256 is sent. Exits with 3 when one is not "
                 "known.",
        .examples = "scripta files find talk.mp3\n"
                    "scripta files find *.wav\n",
    },
    {
        .name = "files show",
        .run = sc_cmd_files_show,
        .summary = "Show one recording: format, length, rate, tags and notes",
        .usage = "FILE_ID",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta files show 7\n",
    },
    {
        .name = "files archive",
        .run = sc_cmd_files_archive,
        .summary = "Move recordings to the archive",
        .usage = "FILE_ID...",
        .min_words = 1,
        .max_words = -1,
        .about = "They go to audio/archive/ in the data folder. Listening, searching and new jobs "
                 "go on as before; `scripta files clean --kind archive` may later free their "
                 "room. Refused while a job of the recording has not ended.",
        .examples = "scripta files archive 7 8\n",
    },
    {
        .name = "files restore",
        .run = sc_cmd_files_restore,
        .summary = "Move recordings back from the archive",
        .usage = "FILE_ID...",
        .min_words = 1,
        .max_words = -1,
        .examples = "scripta files restore 7\n",
    },
    {
        .name = "files clean",
        .run = sc_cmd_files_clean,
        .summary = "Free room of what nobody needs any more",
        .usage = "--kind KIND",
        .flags = files_clean_flags,
        .about = "orphans: bytes that belong to no recording. temp: what killed programs left. "
                 "work: sound of ended jobs, which a retry cuts again. archive: the bytes of "
                 "archived recordings; what was made of them stays. Without --yes nothing is "
                 "removed.",
        .examples = "scripta files clean --kind orphans\n"
                    "scripta files clean --kind archive --older-than 365 --yes\n",
    },
    {
        .name = "files delete",
        .run = sc_cmd_files_delete,
        .summary = "Delete recordings",
        .usage = "FILE_ID...",
        .min_words = 1,
        .max_words = -1,
        .flags = delete_flags,
        .about = "A recording that jobs refer to is refused with their number, unless --force "
                 "deletes them too: running ones are cancelled, and transcripts, exports and logs "
                 "go. On a terminal it asks first; elsewhere the ids are taken at their word.",
        .examples = "scripta files delete 7\n"
                    "scripta files delete --force --yes 7 8\n",
    },
    {
        .name = "files peaks",
        .run = sc_cmd_files_peaks,
        .summary = "Draw how loud a recording is, over its time",
        .usage = "FILE_ID",
        .min_words = 1,
        .max_words = 1,
        .flags = files_peaks_flags,
        .about = "Jobs keep the outline of what they decode; of a recording without one it is "
                 "computed now.",
        .examples = "scripta files peaks 7\n"
                    "scripta files peaks 7 --start 60 --end 90\n"
                    "scripta --json files peaks 7 --zoom 2\n",
    },
    {
        .name = "files uploads",
        .run = sc_cmd_files_uploads,
        .summary = "List each arrival of one recording, newest first",
        .usage = "FILE_ID",
        .min_words = 1,
        .max_words = 1,
        .flags = page_flags,
        .examples = "scripta files uploads 7\n",
    },
    {
        .name = "files usage",
        .run = sc_cmd_files_usage,
        .summary = "Show the room that recordings take, by format, and what is left",
        .usage = "",
        .flags = files_usage_flags,
        .examples = "scripta files usage\n"
                    "scripta files usage --additional 2G\n",
    },
    {
        .name = "files verify",
        .run = sc_cmd_files_verify,
        .summary = "Read recordings and hold them against their SHA-256",
        .usage = "[FILE_ID...]",
        .max_words = -1,
        .about =
            "All of them when none is named. The server reads at low priority and keeps what it "
            "finds: `files list --damaged` shows it later. Exits with 1 when one is damaged; "
            "uploading its bytes again mends it.",
        .examples = "scripta files verify\n"
                    "scripta files verify 7 9\n",
    },
    { 0 },
};
