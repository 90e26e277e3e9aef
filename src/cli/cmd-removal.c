/* Deleting, which asks on a terminal, archiving and cleaning. */

#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "json/writer.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/banned.h"

static bool may_ask(const struct sc_args *args)
{
    return !sc_args_has(args, "yes") && isatty(STDIN_FILENO) == 1;
}

/* Asks for y behind what was just said; anything else, and the end of input, is no. */
static bool is_wanted(const struct sc_cli *cli)
{
    char answer[16];
    (void)fprintf(stderr, " [y/N] ");
    (void)fflush(stderr);
    bool yes =
        fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
    if (!yes)
        sc_cli_note(cli, "nothing was deleted");
    return yes;
}

/* Nobody is asked about a thing that is not there, and what is behind the first is not either. */
static enum sc_code are_there(struct sc_cli *cli, const struct sc_args *args, const char *before,
                              const char *after, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < args->word_count; i++) {
        SC_AUTO_FREE char *path = sc_cli_path(before, args->words[i], after);
        SC_AUTO_BUF reply = { 0 };
        code = sc_cli_call(cli, "GET", path, NULL, &reply, err);
    }
    return code;
}

/* Whoever types ids without a terminal, in a script, is taken at their word. */
static bool may_delete(const struct sc_cli *cli, const struct sc_args *args, const char *what,
                       const char *with)
{
    if (!may_ask(args))
        return true;
    if (args->word_count == 1)
        (void)fprintf(stderr, "Delete %s %.80s", what, args->words[0]);
    else
        (void)fprintf(stderr, "Delete %zu %ss", args->word_count, what);
    (void)fprintf(stderr, "%s for good?", with);
    return is_wanted(cli);
}

static int delete_each(struct sc_cli *cli, const struct sc_args *args, const char *before,
                       const char *what, const char *with)
{
    struct sc_error err = { 0 };
    const char *short_view = strcmp(what, "transcript") == 0 ? "/versions?limit=1" : "";
    const struct sc_each each = {
        .method = "DELETE",
        .what = what,
        .before = before,
        .after = sc_args_has(args, "force") ? "?force=1" : "",
        .done = "deleted", /* who is refused hears of --force from the server */
    };
    if (may_ask(args) && are_there(cli, args, before, short_view, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (!may_delete(cli, args, what, with))
        return SC_EXIT_CANCELLED;
    return sc_each_run(cli, args, &each);
}

int sc_cmd_jobs_delete(struct sc_cli *cli, const struct sc_args *args)
{
    return delete_each(cli, args, "/api/jobs/", "job", ", transcripts and all,");
}

int sc_cmd_files_delete(struct sc_cli *cli, const struct sc_args *args)
{
    return delete_each(cli, args, "/api/files/", "file",
                       sc_args_has(args, "force") ? ", jobs, transcripts and all," : "");
}

int sc_cmd_transcripts_delete(struct sc_cli *cli, const struct sc_args *args)
{
    return delete_each(cli, args, "/api/transcripts/", "transcript",
                       ", versions, exports and all,");
}

int sc_cmd_jobs_archive(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = {
        "POST", "job", "/api/jobs/", "/archive", "archived", NULL
    };
    return sc_each_run(cli, args, &each);
}

int sc_cmd_jobs_restore(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = {
        "POST", "job", "/api/jobs/", "/restore", "restored", NULL
    };
    return sc_each_run(cli, args, &each);
}

int sc_cmd_files_archive(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = {
        "POST", "file", "/api/files/", "/archive", "archived", NULL
    };
    return sc_each_run(cli, args, &each);
}

int sc_cmd_files_restore(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = {
        "POST", "file", "/api/files/", "/restore", "restored", NULL
    };
    return sc_each_run(cli, args, &each);
}

int sc_cmd_files_clean(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    struct sc_json w;
    int64_t days = -1;
    bool dry = !sc_args_has(args, "yes");

    if (sc_args_int(args, "older-than", 0, 36500, &days, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "kind", sc_args_get(args, "kind", ""));
    if (days >= 0)
        sc_json_int(&w, "older_than_days", days);
    sc_json_bool(&w, "dry_run", dry);
    sc_json_end(&w);
    if (sc_cli_call(cli, "POST", "/api/files/clean", sc_buf_text(&body), &reply, &err) != SC_OK ||
        sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *root = sc_json_root(doc);
    int64_t files = sc_json_get_int(sc_json_member(root, "files"), 0);
    sc_buf_printf(&out, "%" PRId64 " %s, ", files, files == 1 ? "file" : "files");
    sc_format_size(&out, sc_json_get_int(sc_json_member(root, "bytes"), 0));
    sc_buf_puts(&out, dry ? " would be removed\n" : " removed\n");
    int status = sc_cli_done(cli, &out);
    if (dry && files > 0)
        sc_cli_note(cli, "nothing was removed; --yes removes them");
    return status;
}

/* ---- jobs clean ---- */

static enum sc_code call_clean(struct sc_cli *cli, const struct sc_args *args, int64_t days,
                               bool dry, struct sc_buf *reply, int64_t *jobs, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "older_than_days", days);
    if (sc_args_has(args, "status"))
        sc_json_text(&w, "status", sc_args_get(args, "status", ""));
    sc_json_bool(&w, "with_transcripts", sc_args_has(args, "with-transcripts"));
    sc_json_bool(&w, "dry_run", dry);
    sc_json_end(&w);
    enum sc_code code = sc_cli_call(cli, "POST", "/api/jobs/clean", sc_buf_text(&body), reply, err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(reply), &doc, err);
    if (code == SC_OK)
        *jobs = sc_json_get_int(sc_json_member(sc_json_root(doc), "jobs"), 0);
    return code;
}

/* Which jobs is not to be seen in the command line, so without a word nothing goes: that of
 * somebody at a terminal who was told how many they are, or --yes. */
static enum sc_code confirm_clean(struct sc_cli *cli, const struct sc_args *args, int64_t days,
                                  bool *wanted, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    int64_t jobs = 0;
    *wanted = sc_args_has(args, "yes") || sc_args_has(args, "dry-run");
    if (*wanted)
        return SC_OK;
    enum sc_code code = call_clean(cli, args, days, true, &reply, &jobs, err);
    if (code != SC_OK)
        return code;
    if (!may_ask(args))
        return sc_error_field(err, SC_E_INVALID_VALUE, "--yes",
                              "%" PRId64 " %s would be removed: say --yes to remove them, or "
                              "--dry-run to learn only how many they are",
                              jobs, jobs == 1 ? "job" : "jobs");
    (void)fprintf(stderr, "Remove %" PRId64 " %s%s for good?", jobs, jobs == 1 ? "job" : "jobs",
                  sc_args_has(args, "with-transcripts") ? ", transcripts and all," : "");
    *wanted = is_wanted(cli);
    return SC_OK;
}

int sc_cmd_jobs_clean(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    int64_t days = -1, jobs = 0;
    bool dry = sc_args_has(args, "dry-run"), wanted = false;

    if (sc_args_int(args, "older-than", 0, 36500, &days, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (days < 0) {
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, "--older-than",
                             "say how old: --older-than DAYS, 0 for every job that has ended");
        return sc_cli_fail(cli, &err);
    }
    if (confirm_clean(cli, args, days, &wanted, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (!wanted)
        return SC_EXIT_CANCELLED;
    if (call_clean(cli, args, days, dry, &reply, &jobs, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    sc_buf_printf(&out, "%" PRId64 " %s %s\n", jobs, jobs == 1 ? "job" : "jobs",
                  dry ? "would be removed" : "removed");
    return sc_cli_done(cli, &out);
}
