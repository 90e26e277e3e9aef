#include "cli/submit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/resume.h"
#include "config/job-options.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/banned.h"

#define ATTEMPTS 4
#define FIELDS_MAX (SC_ARGS_GIVEN + 1)

struct fields {
    struct sc_upload_field rows[FIELDS_MAX];
    char names[FIELDS_MAX][48];
    size_t count;
    char model[PATH_MAX]; /* in full, where it was told from here */
};

struct upload_state {
    const struct sc_submission *what;
    int64_t started_ms;
    bool sent; /* all of the file */
};

void sc_submitted_done(struct sc_submitted *s)
{
    free(s->job_id);
    sc_buf_done(&s->reply);
    *s = (struct sc_submitted){ 0 };
}

static bool is_job_flag(const struct sc_args *args, const struct sc_flag *flag)
{
    for (const struct sc_flag *f = args->job_flags; f != NULL && f->name != NULL; f++) {
        if (f == flag)
            return true;
    }
    return false;
}

static void add_field(struct fields *f, const char *name, const char *value)
{
    sc_assert(f->count < FIELDS_MAX);
    (void)snprintf(f->names[f->count], sizeof(f->names[0]), "%s", name);
    f->rows[f->count] = (struct sc_upload_field){ f->names[f->count], value };
    f->count++;
}

/* "./ggml-base.en.bin": the server is elsewhere. Of what is not here it says so. */
static const char *from_root(struct fields *f, const char *model)
{
    bool from_here = strncmp(model, "./", 2) == 0 || strncmp(model, "../", 3) == 0;
    return from_here && realpath(model, f->model) != NULL ? f->model : model;
}

static void collect(const struct sc_args *args, const char *priority, struct fields *f)
{
    for (size_t i = 0; i < args->given_count; i++) {
        char name[48];
        if (!is_job_flag(args, args->given[i].flag))
            continue;
        sc_job_flag_option(args->given[i].flag->name, name, sizeof(name));
        const char *value = args->given[i].value;
        add_field(f, name, strcmp(name, "model") == 0 ? from_root(f, value) : value);
    }
    if (priority != NULL && !sc_args_has(args, "priority"))
        add_field(f, "priority", priority);
}

enum sc_code sc_submit_check(const struct sc_args *args, struct sc_error *err)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    struct fields f = { .count = 0 };

    collect(args, NULL, &f);
    for (size_t i = 0; i < f.count; i++) {
        enum sc_code code = sc_job_options_set(options, sc_str_from(f.rows[i].name),
                                               sc_str_from(f.rows[i].value), err);
        if (code != SC_OK) {
            sc_args_as_typed(err);
            return code;
        }
    }
    enum sc_code code = sc_job_options_check(options, err);
    if (code != SC_OK)
        sc_args_as_typed(err);
    return code;
}

enum sc_code sc_submit_check_file(const char *file, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_BUF shown = { 0 };
    struct stat info;

    if (strcmp(file, "-") == 0)
        return !isatty(STDIN_FILENO)
                   ? SC_OK
                   : sc_error_set(err, SC_E_INVALID_VALUE,
                                  "standard input is a terminal; "
                                  "name a file, or send a recording through a pipe");
    sc_utf8_append_printable(&shown, sc_str_from(file));
    if (stat(file, &info) != 0 && strstr(file, "://") != NULL)
        return sc_error_set(err, SC_E_NOT_FOUND,
                            "'%s' is an address: download the recording, then name the file",
                            sc_buf_text(&shown));
    if (stat(file, &info) != 0 && errno == ELOOP)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "'%s' is a link that leads back to itself: name the recording",
                            sc_buf_text(&shown));
    if (stat(file, &info) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? sc_error_set(err, SC_E_NOT_FOUND, "there is no file '%s'", sc_buf_text(&shown))
                   : sc_error_errno(err, errno, "cannot read '%s'", sc_buf_text(&shown));
    if (S_ISDIR(info.st_mode))
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is a folder; name the files in it",
                            sc_buf_text(&shown));
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode))
        return sc_error_set(err, SC_E_FILE_FORMAT, "'%s' is a device, not a recording",
                            sc_buf_text(&shown));
    if (S_ISSOCK(info.st_mode))
        return sc_error_set(err, SC_E_FILE_FORMAT, "'%s' is a socket, not a recording",
                            sc_buf_text(&shown));
    if (!S_ISREG(info.st_mode))
        return SC_OK; /* a pipe: opening it here would eat its first bytes */
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot read '%s'", sc_buf_text(&shown));
    return SC_OK;
}

void sc_submit_about(const char *file, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO_FREE char *named = NULL;
    SC_AUTO_FREE char *message = NULL;
    bool piped = strcmp(file, "-") == 0;
    int status = sc_code_exit_status(err->code);

    /* These are of the server, whatever the file. */
    if (status == SC_EXIT_UNREACHABLE || status == SC_EXIT_STORE || status == SC_EXIT_CONFIG)
        return;
    sc_utf8_append_printable(&shown, sc_str_from(piped ? "standard input" : file));
    /* With its quotes: a file may be called 'text' or 'a'. */
    named = sc_asprintf(piped ? "%s" : "'%s'", sc_buf_text(&shown));
    if (strstr(err->msg, named) != NULL)
        return;
    message = sc_asprintf("%s: %s", sc_buf_text(&shown), err->msg);
    (void)snprintf(err->msg, sizeof(err->msg), "%s", message);
}

const char *sc_submit_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (strcmp(file, "-") == 0)
        return "stdin";
    return slash == NULL ? file : slash + 1;
}

static void on_sent(void *ctx, int64_t sent, int64_t total)
{
    struct upload_state *u = ctx;
    double elapsed = (double)(sc_clock_mono_ms() - u->started_ms) / 1000;
    struct sc_progress p = {
        .label = u->what->label, .stage = "upload", .percent = -1, .eta_s = -1
    };

    u->sent = total >= 0 && sent >= total;
    if (u->what->line == NULL)
        return;
    if (total > 0) {
        p.percent = 100.0 * (double)sent / (double)total;
        if (sent > 0 && elapsed > 1)
            p.eta_s = elapsed * (double)(total - sent) / (double)sent;
    }
    sc_progress_show(u->what->line, &p);
}

/* With the last byte sent the server may have made the job: its answer says which one to cancel. */
static bool interrupted(void *ctx)
{
    const struct upload_state *u = ctx;
    return sc_cli_interrupted() && !u->sent;
}

static enum sc_code upload(struct sc_cli *cli, const struct sc_submission *what,
                           const struct fields *f, int *status, struct sc_buf *reply,
                           struct sc_error *err)
{
    struct upload_state state = { .what = what, .started_ms = sc_clock_mono_ms() };
    struct sc_upload up = {
        .path = what->dry_run   ? "/api/upload?dry_run=1"
                : what->waiting ? "/api/upload?waiting=1"
                                : "/api/upload",
        .file = what->file,
        .file_name = sc_submit_name(what->file),
        .fields = f->rows,
        .field_count = f->count,
        .progress = on_sent,
        .ctx = &state,
    };

    sc_client_set_stop(cli->client, interrupted, &state);
    enum sc_code code = sc_client_upload(cli->client, &up, status, reply, err);
    sc_client_set_stop(cli->client, NULL, NULL);
    if (what->line != NULL)
        sc_progress_clear(what->line);
    return code;
}

static enum sc_code resume(struct sc_cli *cli, const struct sc_submission *what,
                           const struct fields *f, int *status, struct sc_buf *reply,
                           struct sc_error *err)
{
    struct upload_state state = { .what = what, .started_ms = sc_clock_mono_ms() };
    const struct sc_resume r = {
        .file = what->file,
        .file_name = sc_submit_name(what->file),
        .fields = f->rows,
        .field_count = f->count,
        .waiting = what->waiting,
        .progress = on_sent,
        .stop = interrupted,
        .ctx = &state,
    };
    bool kept = false;
    enum sc_code code = sc_resume_send(cli, &r, status, reply, &kept, err);
    if (what->line != NULL)
        sc_progress_clear(what->line);
    if (kept)
        sc_cli_note(cli, "the server keeps what came: the same command again goes on there");
    return code;
}

static void put_options(const struct fields *f, struct sc_buf *out)
{
    struct sc_json w;

    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    for (size_t i = 0; i < f->count; i++) {
        const struct sc_job_option *option = sc_job_option_find(sc_str_from(f->rows[i].name));
        bool on;
        int64_t number;
        struct sc_str value = sc_str_from(f->rows[i].value);
        if (option->type == SC_JOB_BOOL && sc_str_to_bool(value, &on))
            sc_json_bool(&w, option->name, on);
        else if (option->type == SC_JOB_INT && sc_str_to_int64(value, &number))
            sc_json_int(&w, option->name, number);
        else
            sc_json_str(&w, option->name, value);
    }
    sc_json_end(&w);
}

static enum sc_code post_job(struct sc_cli *cli, bool dry_run, const struct fields *f, int *status,
                             struct sc_buf *reply, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    put_options(f, &body);
    const struct sc_call call = {
        .method = "POST",
        .path = dry_run ? "/api/jobs?dry_run=1" : "/api/jobs",
        .body = sc_buf_text(&body),
    };
    return sc_client_call(cli->client, &call, status, reply, err);
}

/* The server's checks of a job, which begin with its options: that no file is named is the last of
 * them. */
enum sc_code sc_submit_ask(struct sc_cli *cli, const struct sc_args *args, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    struct fields f = { .count = 0 };
    struct sc_error why = { 0 };
    size_t files = 0;

    for (size_t i = 0; i < args->word_count; i++)
        files += sc_submit_check_file(args->words[i], NULL) == SC_OK;
    if (files == 0)
        return SC_OK;
    collect(args, NULL, &f);
    put_options(&f, &body);
    enum sc_code code =
        sc_cli_call(cli, "POST", "/api/jobs?dry_run=1", sc_buf_text(&body), &reply, &why);
    return code == SC_OK || strcmp(why.field, "file_id") == 0 ? SC_OK : sc_error_copy(err, &why);
}

static enum sc_code understand(struct sc_submitted *out, int status, struct sc_buf *reply,
                               struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    int64_t ms;

    if (sc_json_parse(sc_buf_str(reply), &doc, NULL) != SC_OK)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "the server's answer is no JSON");
    const struct sc_json_value *root = sc_json_root(doc);
    const char *id = sc_json_get_text(sc_json_member(root, "job_id"), "");
    const char *run_after = sc_json_get_text(sc_json_member(root, "run_after"), "");
    if (id[0] == '\0')
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "the server's answer names no job");
    *out =
        (struct sc_submitted){ .job_id = sc_strdup(id), .earlier = status == 200, .reply = *reply };
    if (sc_time_parse(sc_str_from(run_after), &ms) && ms > sc_clock_wall_ms())
        out->run_after_ms = ms;
    *reply = (struct sc_buf){ 0 };
    return SC_OK;
}

enum sc_code sc_submit(struct sc_cli *cli, const struct sc_args *args,
                       const struct sc_submission *what, struct sc_submitted *out,
                       struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    struct fields f = { .count = 0 };
    char key[SC_UUID_TEXT];
    enum sc_code code = SC_OK;
    int status = 0;

    collect(args, what->priority, &f);
    if (what->file != NULL && !what->dry_run && sc_resume_suits(cli, what->file)) {
        code = resume(cli, what, &f, &status, &reply, err);
        if (code != SC_E_NOT_FOUND)
            return code == SC_OK ? understand(out, status, &reply, err) : code;
    }
    sc_uuid7(key);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (attempt > 0)
            sc_clock_sleep_ms(INT64_C(100) << attempt);
        if (cli->client == NULL) {
            code = sc_cli_connect(cli, err);
            if (code != SC_OK)
                return code;
        }
        sc_client_header(cli->client, "Idempotency-Key", key);
        code = what->file == NULL ? post_job(cli, what->dry_run, &f, &status, &reply, err)
                                  : upload(cli, what, &f, &status, &reply, err);
        if (code != SC_E_SERVER_UNREACHABLE && code != SC_E_SHUTTING_DOWN)
            break;
        sc_cli_disconnect(cli);
        /* What came through a pipe is gone and cannot be sent a second time. */
        struct stat info;
        bool again = what->file == NULL || (stat(what->file, &info) == 0 && S_ISREG(info.st_mode));
        if (!sc_cli_server_is_local(cli) || !again)
            break;
    }
    if (code != SC_OK)
        return code;
    if (what->dry_run) {
        out->reply = reply;
        reply = (struct sc_buf){ 0 };
        return SC_OK;
    }
    return understand(out, status, &reply, err);
}

void sc_submit_say_when(const struct sc_cli *cli, const struct sc_submitted *job)
{
    char text[SC_TIME_TEXT];
    SC_AUTO_BUF when = { 0 };

    if (job->run_after_ms == 0)
        return;
    sc_format_time(&when, sc_time_rfc3339(job->run_after_ms, text), sc_clock_wall_ms());
    sc_cli_note(cli, "scheduled: it starts %s (%s), when a server runs then%s", sc_buf_text(&when),
                text, sc_cli_server_is_local(cli) ? "; `scripta serve` keeps one running" : "");
}

static void say_where(struct sc_cli *cli, const char *engine, const struct sc_json_value *engines)
{
    for (size_t i = 0; i < sc_json_count(engines); i++) {
        const struct sc_json_value *e = sc_json_at(engines, i);
        const char *sends_to = sc_json_get_text(sc_json_member(e, "sends_to"), "");
        if (strcmp(sc_json_get_text(sc_json_member(e, "name"), ""), engine) == 0 &&
            sends_to[0] != '\0')
            sc_cli_note(cli, "recordings are sent to %s: whoever runs that can hear them",
                        sends_to);
    }
}

void sc_submit_say_engine(struct sc_cli *cli, const struct sc_submitted *job)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *list = NULL;
    SC_AUTO_BUF reply = { 0 };
    if (cli->said_engine || cli->quiet ||
        sc_json_parse(sc_buf_str(&job->reply), &doc, NULL) != SC_OK)
        return;
    const char *engine = sc_json_get_text(sc_json_member(sc_json_root(doc), "engine"), "");
    bool chosen = !sc_args_has(cli->args, "engine");
    /* The other ones send nothing away, and are nobody's second choice: no need to ask. */
    if ((strcmp(engine, "http") != 0 && !(chosen && strcmp(engine, "pocketsphinx") == 0)) ||
        sc_cli_fetch(cli, "GET", "/api/engines", &reply, &list, NULL) != SC_OK)
        return;
    const struct sc_json_value *root = sc_json_root(list);
    const char *why = sc_json_get_text(sc_json_member(root, "default_reason"), "");
    const char *fallback = sc_json_get_text(sc_json_member(root, "default_engine"), "");
    say_where(cli, engine, sc_json_member(root, "engines"));
    if (chosen && why[0] != '\0' && strcmp(fallback, engine) == 0)
        sc_cli_note(cli, "engine %s: %s", engine, why);
    cli->said_engine = true;
}

static const char *const classes[] = { "high", "normal", "low" };

unsigned sc_submit_class(const struct sc_submitted *job)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (sc_json_parse(sc_buf_str(&job->reply), &doc, NULL) != SC_OK)
        return 0;
    const struct sc_json_value *status = sc_json_member(sc_json_root(doc), "status");
    const struct sc_json_value *priority = sc_json_member(sc_json_root(doc), "priority");
    if (strcmp(sc_json_get_text(status, ""), "pending") != 0)
        return 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(classes); i++) {
        if (strcmp(sc_json_get_text(priority, ""), classes[i]) == 0)
            return 1u << i;
    }
    return 0;
}

void sc_submit_tell_paused(struct sc_cli *cli, unsigned mask)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (mask == 0 || cli->quiet ||
        sc_cli_fetch(cli, "GET", "/api/queue", &reply, &doc, NULL) != SC_OK)
        return; /* a courtesy: the jobs are there in any case */
    const struct sc_json_value *queues = sc_json_member(sc_json_root(doc), "queues");
    for (size_t i = 0; queues != NULL && i < sc_json_count(queues); i++) {
        const struct sc_json_value *queue = sc_json_at(queues, i);
        const char *name = sc_json_get_text(sc_json_member(queue, "name"), "");
        for (size_t k = 0; k < SC_ARRAY_LEN(classes); k++) {
            if ((mask & 1u << k) != 0 && strcmp(name, classes[k]) == 0 &&
                sc_json_get_bool(sc_json_member(queue, "paused"), false))
                sc_cli_note(cli, "class %s is paused: `scripta queue resume %s` lets it go on",
                            name, name);
        }
    }
}
