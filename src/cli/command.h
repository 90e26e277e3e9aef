#pragma once
/* The command table: parsing, help, docs/cli.md and the commands themselves come from it. */

#include "cli/args.h"
#include "cli/export.h"
#include "cli/session.h"

struct sc_command {
    const char *name; /* "jobs list"; NULL ends the table */
    /* Returns an exit status; reports its own errors (sc_cli_fail). */
    int (*run)(struct sc_cli *cli, const struct sc_args *args);
    const char *summary; /* one line, no full stop */
    const char *usage;   /* words behind the name: "FILE..." */
    int min_words;
    int max_words;               /* -1: any number */
    const struct sc_flag *flags; /* NULL: none of its own */
    bool job_options;            /* takes every option of a job */
    bool export_options;         /* takes every option of an export */
    bool no_config;              /* runs without settings */
    bool any_config;             /* runs also with bad settings: cli->bad_settings, no config */
    const char *about;           /* a paragraph; may be NULL */
    const char *examples;        /* one command line each */
};

/* The command behind `command` in the order of help, NULL: the first; NULL behind the last. */
const struct sc_command *sc_command_next(const struct sc_command *command);
/* for (SC_EACH_COMMAND(c)) */
#define SC_EACH_COMMAND(c)                              \
    const struct sc_command *c = sc_command_next(NULL); \
    (c) != NULL;                                        \
    (c) = sc_command_next(c)
/* The groups, each with a row without name at its end. */
extern const struct sc_command sc_commands_jobs[];
extern const struct sc_command sc_commands_files[];
extern const struct sc_command sc_commands_transcripts[];
extern const struct sc_command sc_commands_marks[];
extern const struct sc_command sc_commands_server[];
extern const struct sc_command sc_commands_models[];
extern const struct sc_command sc_commands_webhooks[];
extern const struct sc_command sc_commands_store[];
/* Flags that every command takes. Ends with a row without name. */
extern const struct sc_flag sc_global_flags[];

/* Help of one command, or the overview when command is NULL, as a terminal of that width shows it;
 * 0: as one of 80 columns. */
void sc_help_text(struct sc_buf *out, const struct sc_command *command, int width);
/* The commands whose first word is `group`. */
void sc_help_group(struct sc_buf *out, const char *group, int width);
/* docs/cli.md. */
void sc_help_markdown(struct sc_buf *out);
/* "scripta jobs list [OPTION...]" and what stands behind it. */
void sc_help_usage(struct sc_buf *out, const struct sc_command *command);
struct sc_help_exit {
    int status;
    const char *text;
};
/* Exit statuses in words; *count of them. */
const struct sc_help_exit *sc_help_exits(size_t *count);
/* The manual page scripta.1. */
void sc_man_page(struct sc_buf *out);
/* The completion of bash, zsh or fish; false: another shell. */
bool sc_completion(struct sc_buf *out, const char *shell);
/* Flags made from the table of job options; ends with a row without name. The caller frees the
 * array, its strings are static. */
struct sc_flag *sc_job_flags_new(void);
/* The job option behind a flag of that table: "priority-order" is priority_order. */
void sc_job_flag_option(const char *flag, char *out, size_t size);

int sc_cmd_add(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_config_check(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_config_docs(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_config_example(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_config_show(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_db_check(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_db_info(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_db_init(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_db_migrate(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_doctor(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_engines(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_archive(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_clean(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_delete(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_delete(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_download(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_duplicates(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_find(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_list(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_peaks(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_restore(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_show(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_uploads(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_usage(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_files_verify(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_fsck(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_help(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_archive(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_cancel(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_chunks(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_clean(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_delete(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_edit(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_events(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_list(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_log(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_restore(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_retry(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_jobs_show(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_models_add(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_models_info(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_models_list(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_models_pull(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_models_remove(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_models_verify(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_note(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_queue(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_queue_pause(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_queue_resume(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_search(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_search_forget(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_search_run(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_search_saved(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_serve(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_system(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_gpu(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_stats(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_stats_query(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_history(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_tag(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_token_create(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_token_list(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_token_revoke(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcribe(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_blame(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_compare(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_edit(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_export(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_exports(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_formats(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_history(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_import(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_list(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_prune(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_replace(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_rollback(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_show(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_speakers(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_undo(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_transcripts_versions(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_version(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_wait(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_add(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_deliveries(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_edit(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_list(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_remove(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_replay(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_show(struct sc_cli *cli, const struct sc_args *args);
int sc_cmd_webhooks_test(struct sc_cli *cli, const struct sc_args *args);
