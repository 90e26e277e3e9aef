#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

const struct sc_flag sc_global_flags[] = {
    { "data", 0, SC_FLAG_VALUE, "DIR",
      "Data folder; its server is used, and started when none runs" },
    { "server", 0, SC_FLAG_VALUE, "URL",
      "Server to talk to: unix:PATH, http://HOST:PORT or https://…" },
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

#define RAW_FLAG                                            \
    {                                                       \
        "raw", 0, SC_FLAG_SWITCH, NULL,                     \
            "Captions as the engine cut them; the same as " \
            "--captions=off"                                \
    }

static const struct sc_flag transcribe_flags[] = {
    { "format", 'f', SC_FLAG_VALUE, "txt|srt|vtt|json|csv",
      "What is written. Default: what -o ends in, else txt" },
    { "output", 'o', SC_FLAG_VALUE, "OUT", "File, or folder for NAME.FORMAT of each. Default: -" },
    RAW_FLAG,
    { 0 },
};

static const struct sc_flag add_flags[] = {
    { "dry-run", 0, SC_FLAG_SWITCH, NULL, "Only tell what each job would cost; keep nothing" },
    { 0 },
};

static const struct sc_flag files_peaks_flags[] = {
    { "points", 'n', SC_FLAG_VALUE, "N", "Points, 1 to 20000. Default: the terminal's width" },
    { "zoom", 0, SC_FLAG_VALUE, "ZOOM", "0 (10 ms), 1 (160 ms), 2 (2.56 s) or 3 (41 s) a point" },
    { "start", 0, SC_FLAG_VALUE, "SECONDS", "Draw from here on" },
    { "end", 0, SC_FLAG_VALUE, "SECONDS", "Draw up to here" },
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
    { "name", 0, SC_FLAG_VALUE, "NAME", "Jobs of this name, their own or their file's" },
    { "error-code", 0, SC_FLAG_VALUE, "CODE", "Jobs that failed with this code" },
    { "tag", 0, SC_FLAG_VALUE, "TAG", "Jobs with this tag" },
    { "created-since", 0, SC_FLAG_VALUE, "TIME", "RFC 3339, a date, or how long ago, such as 7d" },
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
      "An option that it was made with, before work begins; may be repeated" },
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
    { 0 },
};

static const struct sc_flag files_clean_flags[] = {
    { "kind", 0, SC_FLAG_VALUE, "KIND", "orphans, temp, work or archive" },
    { "older-than", 0, SC_FLAG_VALUE, "DAYS", "Only what is older. Default: 30" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Remove it; else only tell how much it is" },
    { 0 },
};

static const struct sc_flag fsck_flags[] = {
    { "audio", 0, SC_FLAG_SWITCH, NULL, "Read every recording and hold it against its SHA-256" },
    { "repair", 0, SC_FLAG_SWITCH, NULL, "Restore what can be restored exactly" },
    { 0 },
};

static const struct sc_flag delete_flags[] = {
    { "force", 0, SC_FLAG_SWITCH, NULL, "Cancel what runs, and delete what depends on it too" },
    { "yes", 'y', SC_FLAG_SWITCH, NULL, "Do not ask" },
    { 0 },
};

static const struct sc_flag retry_flags[] = {
    { "all-failed", 0, SC_FLAG_SWITCH, NULL, "Every failed job" },
    { 0 },
};

static const struct sc_flag files_list_flags[] = {
    { "hash", 0, SC_FLAG_VALUE, "SHA256", "The file with this content" },
    { "name", 0, SC_FLAG_VALUE, "NAME", "Files of this name" },
    { "format", 0, SC_FLAG_VALUE, "FORMAT", "Files of this format, such as mp3" },
    { "since", 0, SC_FLAG_VALUE, "TIME", "Uploaded from this time on: a date, or 7d ago" },
    { "until", 0, SC_FLAG_VALUE, "TIME", "Uploaded before this time" },
    { "unused", 0, SC_FLAG_ON, NULL, "Files that no job refers to" },
    { "damaged", 0, SC_FLAG_ON, NULL, "Files that were found missing or altered" },
    { "sort", 0, SC_FLAG_VALUE, "ORDER",
      "uploaded_at, size_bytes, duration_seconds or original_name; with - falling. Default: "
      "-uploaded_at" },
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag page_flags[] = {
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag files_usage_flags[] = {
    { "additional", 0, SC_FLAG_VALUE, "SIZE", "Say whether so much more fits, such as 700M" },
    { 0 },
};

static const struct sc_flag files_download_flags[] = {
    { "output", 'o', SC_FLAG_VALUE, "OUT",
      "File, folder, or - for standard output. Default: the file's own name, here" },
    { "overwrite", 0, SC_FLAG_SWITCH, NULL, "Replace a file that is there" },
    { 0 },
};

static const struct sc_flag transcripts_list_flags[] = {
    { "job-id", 0, SC_FLAG_VALUE, "JOB", "Transcripts of this job" },
    { "file-id", 0, SC_FLAG_VALUE, "FILE_ID", "Transcripts of this file" },
    { "language", 0, SC_FLAG_VALUE, "CODE", "Transcripts in this language" },
    { "model", 0, SC_FLAG_VALUE, "NAME", "Transcripts that this model made" },
    { "since", 0, SC_FLAG_VALUE, "TIME", "RFC 3339, a date, or how long ago, such as 7d" },
    { "until", 0, SC_FLAG_VALUE, "TIME", "The same" },
    SC_LIST_FLAGS,
    { 0 },
};

static const struct sc_flag export_flags[] = {
    { "format", 'f', SC_FLAG_VALUE, "txt|srt|vtt|json|csv",
      "What is written. Default: what -o ends in, else txt" },
    { "output", 'o', SC_FLAG_VALUE, "FILE", "File to write. Default: -" },
    { "revision", 0, SC_FLAG_VALUE, "N", "Version of the transcript. Default: the current one" },
    RAW_FLAG,
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

static const struct sc_flag help_flags[] = {
    { "markdown", 0, SC_FLAG_SWITCH, NULL, "Print docs/cli.md" },
    { "man", 0, SC_FLAG_SWITCH, NULL, "Print the manual page, scripta.1" },
    { "completion", 0, SC_FLAG_VALUE, "bash|zsh|fish", "Print the completion for a shell" },
    { 0 },
};

static const struct sc_command table[] = {
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
            "the same command line finds them again, `scripta jobs cancel` ends them. FILE - is "
            "standard input.",
        .examples = "scripta transcribe interview.mp3\n"
                    "scripta transcribe -f srt -o subtitles/ *.mp4\n"
                    "scripta transcribe -f vtt --max-line-length 32 -o talk.vtt talk.mkv\n"
                    "scripta transcribe -l en --vad off -o memo.json memo.wav\n"
                    "ffmpeg -i talk.mkv -f wav - | scripta transcribe -\n",
    },
    {
        .name = "add",
        .run = sc_cmd_add,
        .summary = "Hand recordings in and print the ids of their jobs",
        .usage = "FILE...",
        .min_words = 0,
        .max_words = -1,
        .flags = add_flags,
        .job_options = true,
        .about =
            "Returns as soon as the server has the bytes. Work that is scheduled with --run-after "
            "starts when a server runs at that time. --pipeline noop takes no FILE.",
        .examples = "scripta add *.mp3\n"
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
                 "given; recordings stay in any case.",
        .examples = "scripta jobs clean --older-than 30 --dry-run\n"
                    "scripta jobs clean --older-than 7 --status failed\n",
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
        .about = "A job that is pending or running is refused, unless --force cancels it. The "
                 "recording stays. On a terminal it asks first.",
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
                    "scripta jobs retry --all-failed\n",
    },
    {
        .name = "jobs events",
        .run = sc_cmd_jobs_events,
        .summary = "Show every step of a job: stage, chunk, attempt, worker, duration",
        .usage = "JOB",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta jobs events 01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa\n",
    },
    {
        .name = "files list",
        .run = sc_cmd_files_list,
        .summary = "List stored recordings, newest first or in another order",
        .usage = "",
        .flags = files_list_flags,
        .examples = "scripta files list -n 20\n"
                    "scripta files list --format wav --sort -size_bytes\n"
                    "scripta files list --unused --until 30d\n",
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
        .summary = "Show one recording: format, length, rate, tags",
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
                 "go. On a terminal it asks first.",
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
        .summary = "Show one transcript and its text",
        .usage = "TRANSCRIPT",
        .min_words = 1,
        .max_words = 1,
        .examples = "scripta transcripts show 12\n",
    },
    {
        .name = "transcripts export",
        .run = sc_cmd_transcripts_export,
        .summary = "Write a transcript as txt, srt, vtt, json or csv",
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
        .name = "transcripts formats",
        .run = sc_cmd_transcripts_formats,
        .summary = "List the export formats and their options",
        .usage = "",
        .examples = "scripta transcripts formats\n",
    },
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
            "then goes on at the next start. Without a server every other command starts one for "
            "itself.",
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
        .examples = "scripta token list\n",
    },
    {
        .name = "token revoke",
        .run = sc_cmd_token_revoke,
        .summary = "End tokens at once, with the event streams that they opened",
        .usage = "TOKEN...",
        .min_words = 1,
        .max_words = -1,
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
            "matches the checksum of the day it was written, or it is left alone. Exits with 7 "
            "when damage remains.",
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
                    ". <(scripta help --completion bash)\n",
    },
    { 0 },
};

const struct sc_command *sc_command_all(void)
{
    return table;
}
