/* Handing recordings in, and the jobs that are made of them. */
#include "cli/command.h"
#include "cli/list.h"

#include "config/formats.h"

#include "base/banned.h"

static const struct sc_flag transcribe_flags[] = {
    { "format", 'f', SC_FLAG_VALUE, SC_FORMAT_CHOICES,
      "What is written. Default: what -o ends in, else txt" },
    { "output", 'o', SC_FLAG_VALUE, "OUT", "File, or folder for NAME.FORMAT of each. Default: -" },
    SC_RAW_FLAG,
    { 0 },
};

static const struct sc_flag add_flags[] = {
    { "recursive", 'r', SC_FLAG_SWITCH, NULL,
      "Of a folder, take the files of the folders in it, too" },
    { "dry-run", 0, SC_FLAG_SWITCH, NULL, "Only tell what each job would cost; keep nothing" },
    { 0 },
};

static const struct sc_flag wait_flags[] = {
    { "timeout", 0, SC_FLAG_VALUE, "DURATION", "Give up after this time, such as 15m" },
    { 0 },
};

static const struct sc_flag jobs_list_flags[] = {
    { "status", 0, SC_FLAG_VALUE, "STATUS",
      "pending, processing, completed, failed or cancelled; names of older systems too" },
    { "stage", 0, SC_FLAG_VALUE, "STAGE", "Jobs that are in this stage, or ended in it" },
    { "pipeline", 0, SC_FLAG_VALUE, "NAME", "Jobs of this pipeline" },
    { "engine", 0, SC_FLAG_VALUE, "NAME", "Jobs of this engine" },
    { "model", 0, SC_FLAG_VALUE, "NAME", "Jobs of this model" },
    { "language", 0, SC_FLAG_VALUE, "CODE", "Jobs of this language, given or detected" },
    { "priority", 0, SC_FLAG_VALUE, "high|normal|low", "Jobs of this class" },
    { "file-id", 0, SC_FLAG_VALUE, "FILE_ID", "Jobs of this file" },
    { "campaign-id", 0, SC_FLAG_VALUE, "N", "Jobs of this campaign" },
    { "name", 0, SC_FLAG_VALUE, "NAME", "Jobs of this name, their own or their file's" },
    { "error-code", 0, SC_FLAG_VALUE, "CODE", "Jobs that failed with this code" },
    { "tag", 0, SC_FLAG_VALUE, "TAG", "Jobs with this tag" },
    { "created-since", 0, SC_FLAG_VALUE, "TIME",
      "RFC 3339, a date (its midnight UTC), or how long ago, such as 7d" },
    { "created-until", 0, SC_FLAG_VALUE, "TIME", "The same" },
    { "updated-since", 0, SC_FLAG_VALUE, "TIME", "The same" },
    { "updated-until", 0, SC_FLAG_VALUE, "TIME", "The same" },
    { "search", 0, SC_FLAG_VALUE, "TEXT", "Jobs whose name, or file's name, holds this text" },
    { "sort", 0, SC_FLAG_VALUE, "FIELD",
      "created_at, completed_at or duration_seconds; with - the other way round. Default: "
      "-created_at" },
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag jobs_edit_flags[] = {
    { "priority", 0, SC_FLAG_VALUE, "CLASS", "high, normal or low" },
    { "priority-order", 0, SC_FLAG_VALUE, "N", "Place within the class; smaller is earlier" },
    { "run-after", 0, SC_FLAG_VALUE, "TIME", "Not before this time; empty: at once" },
    { "timeout", 0, SC_FLAG_VALUE, "DURATION", "Longest time from its start; empty: none" },
    { "name", 0, SC_FLAG_VALUE, "NAME", "Name shown for the job" },
    { "notes", 0, SC_FLAG_VALUE, "TEXT", "Notes; empty: none" },
    { "tags", 0, SC_FLAG_VALUE, "TAG,TAG", "All of its tags; empty: none" },
    { "setting", 0, SC_FLAG_VALUE, "NAME=VALUE",
      "An option that it was made with, before work begins; `NAME=`: not given; may be repeated" },
    { 0 },
};

static const struct sc_flag jobs_log_flags[] = {
    { "stage", 0, SC_FLAG_VALUE, "STAGE", "Of this stage only" },
    { "lines", 'n', SC_FLAG_VALUE, "N", "The last lines of each stage. Default: 1000" },
    { 0 },
};

static const struct sc_flag jobs_clean_flags[] = {
    { "older-than", 0, SC_FLAG_VALUE, "DAYS", "Jobs that ended more than so many days ago" },
    { "status", 0, SC_FLAG_VALUE, "STATUS", "completed, failed or cancelled. Default: all" },
    { "with-transcripts", 0, SC_FLAG_SWITCH, NULL, "Their transcripts and exports too" },
    { "dry-run", 0, SC_FLAG_SWITCH, NULL, "Say how many, and remove nothing" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Do not ask" },
    { 0 },
};

static const struct sc_flag delete_flags[] = {
    { "force", 0, SC_FLAG_SWITCH, NULL, "Cancel what runs, and delete what depends on it too" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Do not ask" },
    { 0 },
};

static const struct sc_flag retry_flags[] = {
    { "all-failed", 0, SC_FLAG_SWITCH, NULL, "Every failed job, or with these options some:" },
    { "error-code", 0, SC_FLAG_VALUE, "CODE", "Those that failed with this code" },
    { "engine", 0, SC_FLAG_VALUE, "NAME", "Those of this engine" },
    { "model", 0, SC_FLAG_VALUE, "NAME", "Those of this model" },
    { "tag", 0, SC_FLAG_VALUE, "TAG", "Those with this tag" },
    { "created-since", 0, SC_FLAG_VALUE, "TIME",
      "RFC 3339, a date (its midnight UTC), or how long ago, such as 7d" },
    { "dry-run", 0, SC_FLAG_SWITCH, NULL, "Say which, and change nothing" },
    { 0 },
};

const struct sc_command sc_commands_jobs[] = {
    {
        .name = "transcribe",
        .run = sc_cmd_transcribe,
        .summary = "Transcribe recordings and print their text",
        .usage = "FILE...",
        .min_words = 1,
        .max_words = -1,
        .flags = transcribe_flags,
        .job_options = true,
        .export_options = true,
        .about =
            "The files become jobs of class high, which run at the same time; their texts come in "
            "the order of the command line. Ctrl-C, or a kill, ends the command and not the jobs: "
            "the same command line finds them again, `scripta jobs cancel` ends them. The same "
            "work "
            "that is scheduled for later starts now, unless its text is there already. FILE - is "
            "standard input. A terminal shows how far it is, and what was said last as soon as it "
            "is recognised.",
        .examples = "scripta transcribe interview.mp3\n"
                    "scripta transcribe -f srt -o subtitles/ *.mp4\n"
                    "scripta transcribe -f vtt --max-line-length 32 -o talk.vtt talk.mkv\n"
                    "scripta transcribe -l en --vad off -o memo.json memo.wav\n"
                    "ffmpeg -i talk.mkv -f wav - | scripta transcribe -\n",
    },
    {
        .name = "add",
        .run = sc_cmd_add,
        .summary = "Hand recordings or folders in and print job ids",
        .usage = "FILE...",
        .min_words = 0,
        .max_words = -1,
        .flags = add_flags,
        .job_options = true,
        .about =
            "Returns as soon as the server has the bytes. Work that is scheduled with --run-after "
            "starts when a server runs at that time. Of a folder its files are taken, by name; "
            "hidden ones are passed over. Of several files the ids stand beside the names on a "
            "terminal, and alone elsewhere; a last line on stderr counts those that were taken, "
            "were there already and were refused. --pipeline noop takes no FILE. A file of 4 MiB "
            "or more for a server on another host is sent in pieces: when the line is cut or the "
            "command ended, the same command line goes on where it was, for as long as the server "
            "keeps the pieces (the setting uploads.expiry).",
        .examples = "scripta add *.mp3\n"
                    "scripta add --recursive interviews/\n"
                    "scripta add --dry-run *.mp3\n"
                    "scripta add --priority low --run-after 8h archive.flac\n"
                    "scripta wait $(scripta add talk.ogg)\n",
    },
    {
        .name = "wait",
        .run = sc_cmd_wait,
        .summary = "Wait until jobs have ended",
        .usage = "JOB...",
        .min_words = 1,
        .max_words = -1,
        .flags = wait_flags,
        .about = "Says of each job that it completed, whether there was speech in it and what of "
                 "the recording was lost; or why it failed. Ctrl-C ends the waiting, not the jobs.",
        .examples = "scripta wait 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n"
                    "scripta wait --timeout 15m 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs list",
        .run = sc_cmd_jobs_list,
        .summary = "List jobs, newest first",
        .usage = "",
        .flags = jobs_list_flags,
        .examples = "scripta jobs list --status failed --created-since 7d\n"
                    "scripta jobs list --tag interview --sort=-duration_seconds\n"
                    "scripta jobs list -n 10 --json\n",
    },
    {
        .name = "jobs show",
        .run = sc_cmd_jobs_show,
        .summary = "Show one job",
        .usage = "JOB",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta jobs show 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs edit",
        .run = sc_cmd_jobs_edit,
        .summary = "Change jobs that are there: place, time, name, tags, settings",
        .usage = "JOB...",
        .min_words = 1,
        .max_words = -1,
        .flags = jobs_edit_flags,
        .examples =
            "scripta jobs edit --tags interview,urgent 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n"
            "scripta jobs edit --setting language=de "
            "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs log",
        .run = sc_cmd_jobs_log,
        .summary = "Print what the stages of a job noted",
        .usage = "JOB",
        .min_words = 1,
        .max_words = 1,
        .flags = jobs_log_flags,
        .examples = "scripta jobs log --stage split 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs clean",
        .run = sc_cmd_jobs_clean,
        .summary = "Remove jobs that ended long ago",
        .usage = "",
        .flags = jobs_clean_flags,
        .about = "Transcripts and what was exported of them stay, unless --with-transcripts is "
                 "given; recordings stay in any case. On a terminal it says how many jobs they are "
                 "and asks; elsewhere it removes nothing without --yes.",
        .examples = "scripta jobs clean --older-than 30 --dry-run\n"
                    "scripta jobs clean --older-than 7 --status failed --yes\n",
    },
    {
        .name = "jobs archive",
        .run = sc_cmd_jobs_archive,
        .summary = "Move the audio and exports of ended jobs to the archive",
        .usage = "JOB...",
        .min_words = 1,
        .max_words = -1,
        .about = "They go to audio/archive/ in the data folder, which may be another disk's. "
                 "Everything can be read as before.",
        .examples = "scripta jobs archive 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs restore",
        .run = sc_cmd_jobs_restore,
        .summary = "Move the audio and exports of jobs back from the archive",
        .usage = "JOB...",
        .min_words = 1,
        .max_words = -1,
        .examples = "scripta jobs restore 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs delete",
        .run = sc_cmd_jobs_delete,
        .summary = "Delete jobs with their transcripts, exports and logs",
        .usage = "JOB...",
        .min_words = 1,
        .max_words = -1,
        .flags = delete_flags,
        .about =
            "A job that is pending or running is refused, unless --force cancels it. The "
            "recording stays. On a terminal it asks first; elsewhere the ids are taken at their "
            "word.",
        .examples = "scripta jobs delete 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs chunks",
        .run = sc_cmd_jobs_chunks,
        .summary = "List the chunks of a job with what was recognised in each",
        .usage = "JOB",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta jobs chunks 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs cancel",
        .run = sc_cmd_jobs_cancel,
        .summary = "Cancel jobs, waiting or running",
        .usage = "JOB...",
        .min_words = 1,
        .max_words = -1,
        .examples = "scripta jobs cancel 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "jobs retry",
        .run = sc_cmd_jobs_retry,
        .summary = "Retry failed or cancelled jobs where they stopped",
        .usage = "JOB...",
        .min_words = 0,
        .max_words = -1,
        .flags = retry_flags,
        .about =
            "A job that has completed stays as it is: `scripta add --force FILE` does its work "
            "again as a new one.",
        .examples = "scripta jobs retry 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n"
                    "scripta jobs retry --all-failed\n"
                    "scripta jobs retry --all-failed --error-code TIMEOUT --dry-run\n",
    },
    {
        .name = "jobs events",
        .run = sc_cmd_jobs_events,
        .summary = "Show every step of a job: stage, chunk, attempt, worker, duration",
        .usage = "JOB",
        .min_words = 1,
        .max_words = 1,
        .about = "On a terminal details are cut at its edge; through a pipe, and with --json, they "
                 "are whole.",
        .examples = "scripta jobs events 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    { 0 },
};
