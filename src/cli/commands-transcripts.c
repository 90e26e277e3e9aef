/* Transcripts and what is exported of them. */
#include "cli/command.h"
#include "cli/list.h"

#include "config/formats.h"

#include "base/banned.h"

static const struct sc_flag transcripts_list_flags[] = {
    { "job-id", 0, SC_FLAG_VALUE, "JOB", "Transcripts of this job" },
    { "file-id", 0, SC_FLAG_VALUE, "FILE_ID", "Transcripts of this file" },
    { "language", 0, SC_FLAG_VALUE, "CODE", "Transcripts in this language" },
    { "model", 0, SC_FLAG_VALUE, "NAME", "Transcripts that this model made" },
    { "tag", 0, SC_FLAG_VALUE, "TAG", "Transcripts with this tag" },
    { "since", 0, SC_FLAG_VALUE, "TIME",
      "RFC 3339, a date (its midnight UTC), or how long ago, such as 7d" },
    { "until", 0, SC_FLAG_VALUE, "TIME", "The same" },
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag export_flags[] = {
    { "format", 'f', SC_FLAG_VALUE, SC_FORMAT_CHOICES,
      "What is written. Default: what -o ends in, else txt" },
    { "output", 'o', SC_FLAG_VALUE, "FILE", "File to write. Default: -" },
    { "revision", 0, SC_FLAG_VALUE, "N", "Version of the transcript. Default: the current one" },
    SC_RAW_FLAG,
    { 0 },
};

static const struct sc_flag import_flags[] = {
    { "transcript", 't', SC_FLAG_VALUE, "TRANSCRIPT",
      "Make the file the next version of this one" },
    { "file-id", 0, SC_FLAG_VALUE, "FILE_ID", "Make the file a new transcript of this recording" },
    { "format", 'f', SC_FLAG_VALUE, "FORMAT",
      "What FILE is: srt, vtt, json, csv, tsv, txt. Default: what it ends in, of .txt and others "
      "what it looks like" },
    { "offset", 0, SC_FLAG_VALUE, "SECONDS", "Added to every time; may be negative" },
    { "language", 0, SC_FLAG_VALUE, "CODE", "What is spoken. Default: what the file says" },
    { "speakers", 0, SC_FLAG_ON, "on|off", "Keep the names of speakers. Default: on" },
    { "rolling", 0, SC_FLAG_VALUE, "auto|collapse|keep",
      "Lines that rolling captions (srt, vtt) repeat: taken once, or each time. Default: auto, "
      "once where the whole file is made so" },
    { "note", 'm', SC_FLAG_VALUE, "TEXT", "Why, for the list of versions" },
    { "base-version", 0, SC_FLAG_VALUE, "N",
      "Refuse unless this version, which the file was made of, is still the current one" },
    { "dry-run", 0, SC_FLAG_SWITCH, NULL, "Only say what would come" },
    { 0 },
};

static const struct sc_flag compare_flags[] = {
    { "with", 0, SC_FLAG_VALUE, "TRANSCRIPT",
      "Compare with another transcript of the same recording; VERSION is then of that one" },
    { "word-diff", 0, SC_FLAG_VALUE, "plain|color",
      "How words are marked. Default: color on a terminal, else plain, [-old-]{+new+}" },
    { "unified", 'u', SC_FLAG_SWITCH, NULL, "Lines as diff -u shows them, for patch" },
    { "html", 0, SC_FLAG_SWITCH, NULL, "A piece of HTML with <ins> and <del>" },
    { "context", 'U', SC_FLAG_VALUE, "N",
      "Segments shown around those that differ. Default: 3, with --html all" },
    { "loose", 0, SC_FLAG_SWITCH, NULL, "Neither case nor punctuation matters" },
    { 0 },
};
#define COMPARE_ABOUT                                                                           \
    "Shows what differs between two versions: without VERSION between the current one and the " \
    "one "                                                                                      \
    "before, with one between that and the one before it."

static const struct sc_flag show_flags[] = {
    { "revision", 0, SC_FLAG_VALUE, "N", "An earlier version. Default: the current one" },
    { 0 },
};

#define NOTE_FLAGS                                                                           \
    { "note", 'm', SC_FLAG_VALUE, "TEXT", "Why, for the list of versions" },                 \
    {                                                                                        \
        "base", 0, SC_FLAG_VALUE, "N",                                                       \
            "Refuse when another version than this one is current. Default: the current one" \
    }

static const struct sc_flag edit_flags[] = {
    { "segment", 's', SC_FLAG_VALUE, "ID",
      "The segment that is changed; `transcripts show` prints the ids" },
    { "text", 't', SC_FLAG_VALUE, "TEXT", "What it says" },
    { "speaker", 0, SC_FLAG_VALUE, "NAME", "Who says it; '': nobody is named" },
    { "start", 0, SC_FLAG_VALUE, "TIME", "When it begins: 12.5 or 1:02:03.4" },
    { "end", 0, SC_FLAG_VALUE, "TIME", "When it ends" },
    { "split-at", 0, SC_FLAG_VALUE, "TIME",
      "Cut it in two in front of the first word that begins then or later" },
    { "split-after", 0, SC_FLAG_VALUE, "N", "Cut it in two behind so many words" },
    { "merge", 0, SC_FLAG_SWITCH, NULL, "Join the next segment to it" },
    { "delete", 0, SC_FLAG_SWITCH, NULL, "Take it away" },
    { "insert", 0, SC_FLAG_VALUE, "TEXT", "A new segment, with --start and --end" },
    { "text-file", 0, SC_FLAG_VALUE, "FILE",
      "All of the text, a line for each segment, or a file that an editor had, which --base lays "
      "word by word on what others changed meanwhile; - reads standard input" },
    NOTE_FLAGS,
    { 0 },
};

static const struct sc_flag replace_flags[] = {
    { "match-case", 0, SC_FLAG_SWITCH, NULL, "Capitals are other letters than small ones" },
    { "whole-words", 'w', SC_FLAG_SWITCH, NULL, "Leave longer words alone" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Replace, instead of only showing the places" },
    NOTE_FLAGS,
    { 0 },
};

static const struct sc_flag note_flags[] = {
    NOTE_FLAGS,
    { 0 },
};

static const struct sc_flag prune_flags[] = {
    { "keep", 0, SC_FLAG_VALUE, "N", "How many of the newest versions stay" },
    { 0 },
};

static const struct sc_flag delete_flags[] = {
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Do not ask" },
    { 0 },
};

static const struct sc_flag formats_flags[] = {
    { "disable", 0, SC_FLAG_VALUE, SC_FORMAT_CHOICES,
      "Refuse exports in this format; for an admin" },
    { "enable", 0, SC_FLAG_VALUE, SC_FORMAT_CHOICES, "Take them again" },
    { 0 },
};

static const struct sc_flag page_flags[] = {
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag search_flags[] = {
    { "substring", 0, SC_FLAG_SWITCH, NULL, "Look for the text as it stands, within words too" },
    { "names", 0, SC_FLAG_SWITCH, NULL, "In names of files and in notes, not in what was said" },
    { "sort", 0, SC_FLAG_VALUE, "rank|newest", "The best or the newest first. Default: rank" },
    { "count", 0, SC_FLAG_SWITCH, NULL, "Print only how many hits there are" },
    { "hits", 0, SC_FLAG_VALUE, "N", "Hits shown of each transcript, 1 to 100. Default: 3" },
    { "context", 'C', SC_FLAG_VALUE, "N", "Words around a hit, 0 to 200. Default: 10" },
    { "language", 0, SC_FLAG_VALUE, "CODE", "In transcripts in this language: en, or english" },
    { "speaker", 0, SC_FLAG_VALUE, "NAME", "What this speaker says" },
    { "tag", 0, SC_FLAG_VALUE, "TAG", "Where the transcript, its file or its job has this tag" },
    { "file-id", 0, SC_FLAG_VALUE, "FILE_ID", "In transcripts of this file" },
    { "job-id", 0, SC_FLAG_VALUE, "JOB", "In the transcript of this job" },
    { "status", 0, SC_FLAG_VALUE, "STATUS", "Where the job is processing, completed, failed, ..." },
    { "is", 0, SC_FLAG_VALUE, "partial|complete", "Transcripts at work, or done" },
    { "since", 0, SC_FLAG_VALUE, "TIME",
      "RFC 3339, a date (its midnight UTC), or how long ago, such as 7d" },
    { "until", 0, SC_FLAG_VALUE, "TIME", "The same" },
    { "longer", 0, SC_FLAG_VALUE, "SECONDS", "In recordings of at least this length" },
    { "shorter", 0, SC_FLAG_VALUE, "SECONDS", "In recordings of at most this length" },
    { "limit", 'n', SC_FLAG_VALUE, "N", "Transcripts at most, 1 to 100. Default: 20" },
    { "cursor", 0, SC_FLAG_VALUE, "CURSOR", "Go on where the page before ended" },
    { "save", 0, SC_FLAG_VALUE, "NAME",
      "Save the search under this name, also in place of another one, and run it" },
    { 0 },
};

static const struct sc_flag run_flags[] = {
    { "count", 0, SC_FLAG_SWITCH, NULL, "Print only how many hits there are" },
    { "cursor", 0, SC_FLAG_VALUE, "CURSOR", "Go on where the page before ended" },
    { 0 },
};

const struct sc_command sc_commands_transcripts[] = {
    {
        .name = "search",
        .run = sc_cmd_search,
        .summary = "Search what was said",
        .usage = "WORD...",
        .min_words = 1,
        .max_words = -1,
        .flags = search_flags,
        .about = "Finds segments that hold all the words. \"Phrases\" stand in quotation marks, "
                 "budg* finds what begins so; AND, OR, NOT (or -) and parentheses combine; "
                 "speaker:anna, lang:en, tag:press, since:7d and the like narrow the search. "
                 "Quote it all for the shell; behind -- a search may begin with -, or with saved, "
                 "run or forget. Letter case and the "
                 "diacritics of Latin letters count nothing.",
        .examples = "scripta search budget\n"
                    "scripta search '\"annual budget\" OR tax*' --since 30d\n"
                    "scripta search 'vote -second speaker:anna' --sort newest -C 20\n"
                    "scripta search --substring wagen --count\n"
                    "scripta search 'budget OR tax*' --since 30d --save money\n",
    },
    {
        .name = "search saved",
        .run = sc_cmd_search_saved,
        .summary = "List saved searches, newest first",
        .usage = "",
        .examples = "scripta search saved\n",
    },
    {
        .name = "search run",
        .run = sc_cmd_search_run,
        .summary = "Run a saved search",
        .usage = "NAME",
        .min_words = 1,
        .max_words = 1,
        .flags = run_flags,
        .about = "Times such as 30d count from now.",
        .examples = "scripta search run money\n",
    },
    {
        .name = "search forget",
        .run = sc_cmd_search_forget,
        .summary = "Forget a saved search",
        .usage = "NAME",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta search forget money\n",
    },
    {
        .name = "transcripts list",
        .run = sc_cmd_transcripts_list,
        .summary = "List transcripts, newest first",
        .usage = "",
        .flags = transcripts_list_flags,
        .examples = "scripta transcripts list --file-id 7\n"
                    "scripta transcripts list --language en --since 7d\n",
    },
    {
        .name = "transcripts show",
        .run = sc_cmd_transcripts_show,
        .summary = "Show one transcript and its segments",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = show_flags,
        .about = "A line for each segment: its id, by which it is edited, when it begins, who "
                 "speaks and what is said. The text alone is an export: `scripta transcripts "
                 "export TRANSCRIPT`.",
        .examples = "scripta transcripts show 12\n"
                    "scripta transcripts show --revision 1 12\n",
    },
    {
        .name = "transcripts edit",
        .run = sc_cmd_transcripts_edit,
        .summary = "Correct a transcript, in an editor or by flags",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = edit_flags,
        .about = "Without flags $VISUAL or $EDITOR opens the text with a mark for each segment. "
                 "Every change makes a version; words that stay keep their times.",
        .examples = "scripta transcripts edit 12\n"
                    "scripta transcripts edit -s 3 -t 'good evening' -m misheard 12\n"
                    "scripta transcripts edit -s 3 --speaker Ann 12\n"
                    "scripta transcripts edit -s 3 --split-after 2 12\n"
                    "scripta transcripts edit --text-file corrected.txt 12\n",
    },
    {
        .name = "transcripts replace",
        .run = sc_cmd_transcripts_replace,
        .summary = "Find a text in a transcript and replace it everywhere",
        .usage = "TRANSCRIPT FIND REPLACEMENT",
        .min_words = 3,
        .max_words = 3,
        .flags = replace_flags,
        .about = "Shows what would change, until --yes does it.",
        .examples = "scripta transcripts replace -w 12 Jon John\n"
                    "scripta transcripts replace -w --yes 12 Jon John\n",
    },
    {
        .name = "transcripts speakers",
        .run = sc_cmd_transcripts_speakers,
        .summary = "List who speaks, or rename one everywhere",
        .usage = "TRANSCRIPT [NAME NEW_NAME]",
        .min_words = 1,
        .max_words = 3,
        .flags = note_flags,
        .examples = "scripta transcripts speakers 12\n"
                    "scripta transcripts speakers 12 S1 Ann\n",
    },
    {
        .name = "transcripts export",
        .run = sc_cmd_transcripts_export,
        .summary = "Write a transcript as text, captions, rows or a document",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = export_flags,
        .export_options = true,
        .about = "Captions are cut so that they can be read: two lines of 42 columns, 7 seconds. "
                 "`scripta transcripts formats` shows every option with its default.",
        .examples = "scripta transcripts export -o talk.srt 12\n"
                    "scripta transcripts export -f vtt --max-line-length 32 --words 12\n"
                    "scripta transcripts export -f csv --words --bom -o words.csv 12\n",
    },
    {
        .name = "transcripts import",
        .run = sc_cmd_transcripts_import,
        .summary = "Read a transcript from a file",
        .usage = "FILE",
        .min_words = 1,
        .max_words = 1,
        .flags = import_flags,
        .about = "FILE (- for standard input) is SubRip, WebVTT, JSON, CSV, TSV or text that this "
                 "or another "
                 "program wrote. Into a transcript that is there, what FILE does not say is kept "
                 "where its words are the same: times of words, confidences, speakers. A name "
                 "corrected in the file is the new name of that speaker.",
        .examples = "scripta transcripts import --transcript 12 corrected.srt\n"
                    "scripta transcripts import --file-id 7 --language en talk.vtt\n"
                    "scripta transcripts import --file-id 7 --dry-run whisper.json\n"
                    "scripta transcripts export -f txt 12 | sed s/colour/color/ |\n"
                    "    scripta transcripts import --transcript 12 -f txt -\n",
    },
    {
        .name = "transcripts exports",
        .run = sc_cmd_transcripts_exports,
        .summary = "List what was exported of a transcript, newest first",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = page_flags,
        .examples = "scripta transcripts exports 12\n",
    },
    {
        .name = "transcripts versions",
        .run = sc_cmd_transcripts_versions,
        .summary = "List the versions of a transcript, newest first",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = page_flags,
        .examples = "scripta transcripts versions 12\n",
    },
    {
        .name = "transcripts compare",
        .run = sc_cmd_transcripts_compare,
        .summary = "Compare two versions of a transcript, or two transcripts",
        .usage = "TRANSCRIPT [VERSION [VERSION]]",
        .min_words = 1,
        .max_words = 3,
        .flags = compare_flags,
        .about = COMPARE_ABOUT,
        .examples = "scripta transcripts compare 12\n"
                    "scripta transcripts compare 12 1 4\n"
                    "scripta transcripts compare 12 --with 15 --loose\n"
                    "scripta transcripts compare 12 1 2 --unified > corrections.patch\n",
    },
    {
        .name = "transcripts diff",
        .run = sc_cmd_transcripts_compare,
        .summary = "The same as transcripts compare",
        .usage = "TRANSCRIPT [VERSION [VERSION]]",
        .min_words = 1,
        .max_words = 3,
        .flags = compare_flags,
        .about = COMPARE_ABOUT,
        .examples = "scripta transcripts diff 12\n",
    },
    {
        .name = "transcripts blame",
        .run = sc_cmd_transcripts_blame,
        .summary = "Tell who or what made each word",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = show_flags,
        .examples = "scripta transcripts blame 12\n",
    },
    {
        .name = "transcripts rollback",
        .run = sc_cmd_transcripts_rollback,
        .summary = "Make a version that is equal to an earlier one",
        .usage = "TRANSCRIPT VERSION",
        .min_words = 2,
        .max_words = 2,
        .flags = note_flags,
        .examples = "scripta transcripts rollback 12 1\n",
    },
    {
        .name = "transcripts undo",
        .run = sc_cmd_transcripts_undo,
        .summary = "Take back the last change; again: the one before",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = note_flags,
        .about = "Whatever it was: an edit, a replacement, an import, a rollback. The way forward "
                 "is a rollback to the version that was current, which is named.",
        .examples = "scripta transcripts undo 12\n",
    },
    {
        .name = "transcripts prune",
        .run = sc_cmd_transcripts_prune,
        .summary = "Remove old versions of a transcript",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = prune_flags,
        .about = "The current version always stays, and numbers are not given again.",
        .examples = "scripta transcripts prune --keep 10 12\n",
    },
    {
        .name = "transcripts history",
        .run = sc_cmd_transcripts_history,
        .summary = "List what was done to a transcript, newest first",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .flags = page_flags,
        .examples = "scripta transcripts history 12\n",
    },
    {
        .name = "transcripts delete",
        .run = sc_cmd_transcripts_delete,
        .summary = "Delete transcripts that have no job, with their versions and exports",
        .usage = "TRANSCRIPT...",
        .min_words = 1,
        .max_words = -1,
        .flags = delete_flags,
        .about =
            "Those are what was imported, and what was kept when its job was cleaned away; the "
            "result of a job goes with it: scripta jobs delete. The recording stays. On a "
            "terminal it asks first; elsewhere the ids are taken at their word.",
        .examples = "scripta transcripts delete 12\n"
                    "scripta transcripts delete --yes 12 13\n",
    },
    {
        .name = "transcripts formats",
        .run = sc_cmd_transcripts_formats,
        .summary = "List the export formats and their options; switch one off or on",
        .usage = "",
        .flags = formats_flags,
        .examples = "scripta transcripts formats\n"
                    "scripta transcripts formats --disable docx\n",
    },
    { 0 },
};
