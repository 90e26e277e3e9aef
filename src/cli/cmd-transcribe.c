/* scripta transcribe: hand files in, follow their jobs, print their text in the order given. The
 * jobs run at the same time; only the following is one after another. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/format.h"
#include "cli/list.h"
#include "cli/submit.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

struct item {
    const char *file;
    char *label;
    struct sc_submitted job; /* job_id NULL: it was not taken */
    bool ended;
    int status; /* exit status of this file */
};

struct run {
    struct sc_cli *cli;
    const struct sc_args *args;
    const struct sc_format *format;
    struct sc_buf query; /* the options of the export as query parameters */
    const char *output;  /* NULL: standard output */
    bool to_folder;
    struct item *items;
    size_t count;
    struct sc_progress_line line;
};

static void items_free(struct run *r)
{
    for (size_t i = 0; i < r->count; i++) {
        sc_submitted_done(&r->items[i].job);
        free(r->items[i].label);
    }
    free(r->items);
    sc_buf_done(&r->query);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* A folder of the user's, so with the mode that the umask gives; one that exists stays as it is. */
static enum sc_code make_folder(const char *path, struct sc_error *err)
{
    if (is_folder(path))
        return SC_OK;
    enum sc_code code = sc_dir_create(path, err);
    if (code != SC_OK)
        return code;
    return chmod(path, 0777 & ~sc_cli_umask()) == 0
               ? SC_OK
               : sc_error_errno(err, errno, "cannot make the folder '%s'", path);
}

static enum sc_code check_pipeline(const struct sc_args *args, struct sc_error *err)
{
    const char *pipeline = sc_args_get(args, "pipeline", "transcribe");
    enum sc_code code = sc_submit_check(args, err);

    if (code == SC_OK && strcmp(pipeline, "transcribe") != 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "pipeline",
                              "the pipeline %s gives no text; use `scripta add`", pipeline);
    return code;
}

static enum sc_code choose_output(struct run *r, struct sc_error *err)
{
    const char *output = sc_args_get(r->args, "output", NULL);

    if (output != NULL && strcmp(output, "-") == 0)
        output = NULL;
    r->output = output;
    r->to_folder = output != NULL && (is_folder(output) || output[strlen(output) - 1] == '/');
    enum sc_code code = sc_export_choose(r->args, r->to_folder ? NULL : output, &r->format, err);
    if (code == SC_OK && !r->cli->json)
        code = sc_export_check_stream(r->format, r->cli->out_is_terminal,
                                      output == NULL ? r->count : 0, err);
    if (code == SC_OK)
        code = sc_export_query(r->args, r->format, 0, &r->query, err);
    if (code != SC_OK)
        return code;
    if (output != NULL && !r->to_folder && r->count > 1)
        return sc_error_field(err, SC_E_INVALID_VALUE, "output",
                              "-o must name a folder that exists, or end in /, for %zu files",
                              r->count);
    return output != NULL && r->to_folder ? make_folder(output, err) : SC_OK;
}

/* The target in the folder: the file's name with another extension, numbered when two files of this
 * command line would meet. Owned by the caller. */
static char *folder_target(const struct run *r, size_t index)
{
    const char *name = sc_submit_name(r->items[index].file);
    const char *dot = strrchr(name, '.');
    size_t len = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    int twin = 1;

    for (size_t i = 0; i < index; i++) {
        const char *other = sc_submit_name(r->items[i].file);
        const char *other_dot = strrchr(other, '.');
        size_t other_len =
            other_dot == NULL || other_dot == other ? strlen(other) : (size_t)(other_dot - other);
        twin += other_len == len && memcmp(other, name, len) == 0;
    }
    SC_AUTO_FREE char *file =
        twin == 1 ? sc_asprintf("%.*s.%s", (int)len, name, r->format->extension)
                  : sc_asprintf("%.*s-%d.%s", (int)len, name, twin, r->format->extension);
    return sc_path_join(r->output, file);
}

static enum sc_code print_text(struct run *r, size_t index, const struct sc_buf *text,
                               struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };
    bool prose = strcmp(r->format->name, "txt") == 0;

    if (r->count > 1 && prose) {
        sc_buf_puts(&out, index > 0 ? "\n== " : "== ");
        sc_utf8_append_printable(&out, sc_str_from(r->items[index].file));
        sc_buf_puts(&out, " ==\n");
    }
    /* Text from an engine is data: a terminal must not obey it. */
    if (r->cli->out_is_terminal)
        sc_format_lines(&out, sc_buf_str(text), prose ? (size_t)sc_list_width(r->cli) : 0);
    else
        sc_buf_put_str(&out, sc_buf_str(text));
    if (out.len > 0 && out.ptr[out.len - 1] != '\n')
        sc_buf_putc(&out, '\n');
    return sc_cli_print(sc_buf_str(&out), err);
}

/* Standard output gets the transcript, as text or, with --json, as the API has it; a file gets the
 * text, and --json then prints the job. */
static enum sc_code deliver(struct run *r, size_t index, const struct sc_job_end *end,
                            struct sc_error *err)
{
    char id[24];
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_FREE char *path = NULL;
    bool api_json = r->cli->json && r->output == NULL;

    (void)snprintf(id, sizeof(id), "%lld", (long long)end->transcript_id);
    path = api_json ? sc_asprintf("/api/transcripts/%s", id)
                    : sc_asprintf("/api/transcripts/%s/export.%s%s", id, r->format->name,
                                  sc_buf_text(&r->query));
    enum sc_code code = sc_cli_call(r->cli, "GET", path, NULL, &text, err);
    if (code != SC_OK)
        return code;
    if (sc_job_end_is_silent(r->cli, end))
        sc_cli_note(r->cli, "%s: no speech found", r->items[index].label);
    if (r->output == NULL)
        return api_json ? (sc_cli_done_json(r->cli, &text) == SC_EXIT_OK
                               ? SC_OK
                               : sc_error_set(err, SC_E_IO_ERROR, "cannot write the transcript"))
                        : print_text(r, index, &text, err);
    SC_AUTO_FREE char *target = r->to_folder ? folder_target(r, index) : sc_strdup(r->output);
    code = sc_cli_write_file(target, &text, err);
    if (code != SC_OK) {
        sc_submit_about(target, err);
        return code;
    }
    if (r->cli->json)
        (void)sc_cli_done_json(r->cli, &end->reply);
    else
        sc_cli_note(r->cli, "%s", target);
    return SC_OK;
}

static void submit_all(struct run *r)
{
    unsigned classes = 0;
    for (size_t i = 0; i < r->count && !sc_cli_interrupted(); i++) {
        struct item *item = &r->items[i];
        struct sc_error err = { 0 };
        struct sc_submission what = {
            .file = item->file,
            .label = item->label,
            .priority = "high",
            .line = &r->line,
            .waiting = true,
        };
        enum sc_code code = sc_submit_check_file(item->file, &err);
        if (code == SC_OK)
            code = sc_submit(r->cli, r->args, &what, &item->job, &err);
        if (code == SC_OK && r->cli->verbose > 0)
            sc_cli_note(r->cli, "%s: job %s%s", item->label, item->job.job_id,
                        item->job.earlier ? " (the same work was handed in before)" : "");
        if (code == SC_OK)
            sc_submit_say_when(r->cli, &item->job);
        if (code == SC_OK)
            sc_submit_say_engine(r->cli, &item->job);
        if (code != SC_OK && !sc_cli_interrupted()) {
            sc_submit_about(item->file, &err);
            item->status = sc_cli_fail(r->cli, &err);
        }
        item->ended = code != SC_OK;
        if (code == SC_OK)
            classes |= sc_submit_class(&item->job);
    }
    sc_submit_tell_paused(r->cli, classes);
}

/* Whether the same order can come to another end. */
static bool retry_may_help(enum sc_code code)
{
    return code != SC_E_CANCELLED && code != SC_E_MODEL_ERROR && code != SC_E_FILE_FORMAT;
}

static void follow_one(struct run *r, size_t index)
{
    struct item *item = &r->items[index];
    SC_AUTO(sc_job_end_done) struct sc_job_end end = { 0 };
    struct sc_error err = { 0 };
    struct sc_follow what = { .job_id = item->job.job_id, .label = item->label, .line = &r->line };

    enum sc_code code = sc_follow_job(r->cli, &what, &end, &err);
    if (code != SC_OK && sc_cli_interrupted())
        return;
    item->ended = true;
    if (code == SC_OK && !end.completed) {
        sc_submit_about(item->file, &end.error);
        item->status = sc_cli_fail(r->cli, &end.error);
        if (retry_may_help(end.error.code))
            sc_cli_note(r->cli, "  `scripta jobs retry %s` tries again where it stopped",
                        item->job.job_id);
        return;
    }
    if (code == SC_OK)
        code = deliver(r, index, &end, &err);
    if (code == SC_OK)
        sc_job_end_tell(r->cli, item->label, &end);
    if (code != SC_OK) {
        item->status = sc_cli_fail(r->cli, &err);
        if (code == SC_E_SERVER_UNREACHABLE)
            sc_cli_note(r->cli, "  the job goes on: `scripta wait %s`", item->job.job_id);
    }
}

/* Ctrl-C ends the following, not the work: a recording that was handed in is safe, and a job that
 * has begun costs most when it begins again. */
static int leave_all(const struct run *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct item *item = &r->items[i];
        if (item->job.job_id == NULL && item->status == SC_EXIT_OK)
            sc_cli_note(r->cli, "%s: interrupted before it was handed in", item->label);
        bool again = strcmp(item->file, "-") != 0 && !sc_args_has(r->args, "force");
        if (item->job.job_id != NULL && !item->ended)
            sc_follow_tell_left(r->cli, item->label, item->job.job_id, again);
    }
    return SC_EXIT_CANCELLED;
}

int sc_cmd_transcribe(struct sc_cli *cli, const struct sc_args *args)
{
    struct run r = { .cli = cli, .args = args, .count = args->word_count };
    struct sc_error err = { 0 };
    size_t failed = 0;
    int last = SC_EXIT_OK;

    r.items = sc_alloc_array(r.count, sizeof(*r.items));
    r.line.enabled = cli->err_is_terminal && !cli->quiet;
    r.line.colour = cli->colour;
    for (size_t i = 0; i < r.count; i++) {
        r.items[i].file = args->words[i];
        r.items[i].label = r.count == 1 ? sc_strdup(sc_submit_name(args->words[i]))
                                        : sc_asprintf("[%zu/%zu] %s", i + 1, r.count,
                                                      sc_submit_name(args->words[i]));
    }
    if (check_pipeline(args, &err) != SC_OK || choose_output(&r, &err) != SC_OK) {
        items_free(&r);
        return sc_cli_fail(cli, &err);
    }
    sc_cli_catch_signals();
    if (sc_submit_ask(cli, args, &err) != SC_OK) {
        items_free(&r);
        return sc_cli_fail(cli, &err);
    }
    submit_all(&r);
    for (size_t i = 0; i < r.count && !sc_cli_interrupted(); i++) {
        if (!r.items[i].ended)
            follow_one(&r, i);
    }
    for (size_t i = 0; i < r.count; i++) {
        failed += r.items[i].status != SC_EXIT_OK;
        last = r.items[i].status != SC_EXIT_OK ? r.items[i].status : last;
    }
    int status = sc_cli_interrupted() ? leave_all(&r) : sc_exit_of_several(r.count, failed, last);
    items_free(&r);
    return status;
}
