#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "cli/submit.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/banned.h"

struct adding {
    struct sc_cli *cli;
    const struct sc_args *args;
    struct sc_progress_line line;
    bool dry_run;
    bool named;       /* ids stand beside names */
    unsigned classes; /* of the jobs made */
    size_t taken, known, refused;
    size_t failed; /* files, for whatever reason */
    int last;      /* the exit status of the last that did */
};

/* "talk.mp3: new, 1:02:03 long, 124 chunks, about 9:30 with pocketsphinx, 40.1 MB" */
static void describe_cost(const char *label, const struct sc_json_value *cost, struct sc_buf *out)
{
    const char *job = sc_json_get_text(sc_json_member(cost, "job_id"), "");
    double seconds = sc_json_get_real(sc_json_member(cost, "duration_seconds"), -1);
    int64_t chunks = sc_json_get_int(sc_json_member(cost, "chunks_expected"), -1);
    double took = sc_json_get_real(sc_json_member(cost, "estimated_seconds"), -1);
    bool known = sc_json_get_bool(sc_json_member(cost, "duplicate"), false);

    sc_utf8_append_printable(out, sc_str_from(label));
    sc_buf_printf(out, ": %s", known ? "known" : "new");
    if (seconds >= 0) {
        sc_buf_puts(out, ", ");
        sc_format_clock(out, seconds);
        sc_buf_puts(out, " long");
    }
    if (job[0] != '\0') {
        sc_buf_printf(out, ", the same work as job %s\n", job);
        return;
    }
    if (chunks >= 0)
        sc_buf_printf(out, ", %" PRId64 " chunk%s", chunks, chunks == 1 ? "" : "s");
    if (took >= 0) {
        sc_buf_puts(out, ", about ");
        sc_format_clock(out, took);
    }
    sc_buf_printf(out, " with %s, ", sc_json_get_text(sc_json_member(cost, "engine"), "no engine"));
    sc_format_size(out, sc_json_get_int(sc_json_member(cost, "bytes_needed"), 0));
    if (!sc_json_get_bool(sc_json_member(cost, "model_checked"), true))
        sc_buf_puts(out, "; whether it has the model shows when it runs");
    sc_buf_putc(out, '\n');
}

static int show_cost(const struct adding *a, const char *label, const struct sc_submitted *job)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };

    if (a->cli->json)
        return sc_cli_done_json(a->cli, &job->reply);
    if (sc_json_parse(sc_buf_str(&job->reply), &doc, &err) != SC_OK)
        return sc_cli_fail(a->cli, &err);
    describe_cost(label, sc_json_root(doc), &out);
    return sc_cli_done(a->cli, &out);
}

static int add_one(struct adding *a, const char *file)
{
    struct sc_cli *cli = a->cli;
    SC_AUTO(sc_submitted_done) struct sc_submitted job = { 0 };
    struct sc_error err = { 0 };
    struct sc_submission what = { .file = file,
                                  .label = file == NULL ? "noop" : sc_submit_name(file),
                                  .line = &a->line,
                                  .dry_run = a->dry_run };

    if ((file != NULL && sc_submit_check_file(file, &err) != SC_OK) ||
        sc_submit(cli, a->args, &what, &job, &err) != SC_OK) {
        a->refused++;
        if (file != NULL)
            sc_submit_about(file, &err);
        return sc_cli_fail(cli, &err);
    }
    a->known += job.earlier;
    a->taken += !job.earlier;
    if (a->dry_run)
        return show_cost(a, what.label, &job);
    a->classes |= sc_submit_class(&job);
    if (cli->json)
        return sc_cli_done_json(cli, &job.reply);
    SC_AUTO_BUF out = { 0 };
    sc_buf_puts(&out, job.job_id);
    if (a->named) {
        sc_buf_puts(&out, "  ");
        sc_utf8_append_printable(&out, sc_str_from(what.label));
    }
    sc_buf_putc(&out, '\n');
    int status = sc_cli_done(cli, &out);
    if (job.earlier)
        sc_cli_note(cli,
                    "%s: the same work was handed in before: this is that job; --force does it "
                    "again",
                    what.label);
    sc_submit_say_when(cli, &job);
    sc_submit_say_engine(cli, &job);
    return status;
}

static void add_counted(struct adding *a, const char *file)
{
    int status = add_one(a, file);
    a->failed += status != SC_EXIT_OK;
    a->last = status != SC_EXIT_OK ? status : a->last;
}

/* ---- folders ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void refuse(struct adding *a, int error, const char *path, const char *why)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, sc_str_from(path));
    if (error != 0)
        (void)sc_error_errno(&err, error, "cannot read '%s'", sc_buf_text(&shown));
    else
        (void)sc_error_set(&err, SC_E_NOT_FOUND, "'%s': %s", sc_buf_text(&shown), why);
    a->refused++;
    a->failed++;
    a->last = sc_cli_fail(a->cli, &err);
}

/* Whether what lies in a folder, or a link there, is a file. */
static bool is_file(const FTSENT *entry)
{
    struct stat info;
    return entry->fts_info == FTS_F
               ? S_ISREG(entry->fts_statp->st_mode)
               : entry->fts_info == FTS_SL && stat(entry->fts_path, &info) == 0 &&
                     S_ISREG(info.st_mode);
}

/* Why it cannot even be told what it is, of a folder that may not be read or a link to nothing; 0:
 * it can. */
static int trouble(const FTSENT *entry)
{
    struct stat info;
    if (entry->fts_info == FTS_SL)
        return stat(entry->fts_path, &info) != 0 ? errno : 0;
    return entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS
               ? entry->fts_errno
               : 0;
}

/* The files of a folder by their names; hidden ones, pipes and devices are passed over. */
static void add_folder(struct adding *a, const char *folder)
{
    const bool deep = sc_args_has(a->args, "recursive");
    SC_AUTO_FREE char *root = sc_strdup(folder);
    char *roots[] = { root, NULL };
    size_t files = 0, folders = 0;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    FTSENT *entry;

    while (!sc_cli_interrupted() && tree != NULL && (entry = fts_read(tree)) != NULL) {
        const bool inside = entry->fts_level > FTS_ROOTLEVEL;
        const bool hidden = inside && entry->fts_name[0] == '.';
        if (entry->fts_info == FTS_D && inside && (hidden || !deep)) {
            folders += !hidden;
            (void)fts_set(tree, entry, FTS_SKIP);
        } else if (!hidden && trouble(entry) != 0) {
            files++;
            refuse(a, trouble(entry), entry->fts_path, NULL);
        } else if (!hidden && is_file(entry)) {
            files++;
            add_counted(a, entry->fts_path);
        }
    }
    if (tree == NULL)
        refuse(a, errno, folder, NULL);
    else
        (void)fts_close(tree);
    if (folders > 0 && files > 0)
        sc_cli_note(a->cli, "%zu folder%s in it passed over; --recursive takes those, too", folders,
                    folders == 1 ? "" : "s");
    if (tree != NULL && files == 0 && !sc_cli_interrupted())
        refuse(a, 0, folder,
               folders > 0 ? "there are but folders in it; --recursive takes their files"
                           : "there is no file in it");
}

static void add_word(struct adding *a, const char *word)
{
    struct stat info;
    if (stat(word, &info) == 0 && S_ISDIR(info.st_mode))
        add_folder(a, word);
    else
        add_counted(a, word);
}

static bool has_folder(const struct sc_args *args)
{
    struct stat info;
    for (size_t i = 0; i < args->word_count; i++) {
        if (stat(args->words[i], &info) == 0 && S_ISDIR(info.st_mode))
            return true;
    }
    return false;
}

/* Of several files, whose lines have gone by: "191 taken, 12 there already, 147 refused". */
static void tell_counts(const struct adding *a)
{
    SC_AUTO_BUF out = { 0 };
    if (a->taken + a->known + a->refused < 2 || a->dry_run)
        return;
    sc_buf_printf(&out, "%zu taken", a->taken);
    if (a->known > 0)
        sc_buf_printf(&out, ", %zu there already", a->known);
    if (a->refused > 0)
        sc_buf_printf(&out, ", %zu refused", a->refused);
    sc_cli_note(a->cli, "%s", sc_buf_text(&out));
}

int sc_cmd_add(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    struct adding a = {
        .cli = cli,
        .args = args,
        .line = { .enabled = cli->err_is_terminal && !cli->quiet, .colour = cli->colour },
        .dry_run = sc_args_has(args, "dry-run"),
    };
    bool noop = strcmp(sc_args_get(args, "pipeline", ""), "noop") == 0;

    if (sc_submit_check(args, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (noop != (args->word_count == 0)) {
        (void)sc_error_set(&err, SC_E_INVALID_VALUE, "%s",
                           noop ? "the pipeline noop takes no file"
                                : "`scripta add` needs FILE...; `scripta help add` has examples");
        return sc_cli_fail(cli, &err);
    }
    sc_cli_catch_signals();
    if (noop) {
        int status = add_one(&a, NULL);
        sc_submit_tell_paused(cli, a.classes);
        return status;
    }
    if (sc_submit_ask(cli, args, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    a.named = cli->out_is_terminal && (args->word_count > 1 || has_folder(args));
    for (size_t i = 0; i < args->word_count && !sc_cli_interrupted(); i++)
        add_word(&a, args->words[i]);
    sc_submit_tell_paused(cli, a.classes);
    tell_counts(&a);
    return sc_cli_interrupted()
               ? SC_EXIT_CANCELLED
               : sc_exit_of_several(a.taken + a.known + a.refused, a.failed, a.last);
}
