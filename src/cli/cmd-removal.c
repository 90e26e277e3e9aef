/* Deleting, which asks on a terminal, archiving and cleaning. */

#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "json/writer.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/banned.h"

/* Asks for y; anything else, and the end of input, is no. Without a terminal nobody can answer, and
 * the command line is taken at its word. */
static bool is_wanted(const struct sc_cli *cli, const struct sc_args *args, const char *what,
                      const char *with)
{
    char answer[16];
    if (sc_args_has(args, "yes") || isatty(STDIN_FILENO) != 1)
        return true;
    if (args->word_count == 1)
        (void)fprintf(stderr, "Delete %s %.80s", what, args->words[0]);
    else
        (void)fprintf(stderr, "Delete %zu %ss", args->word_count, what);
    (void)fprintf(stderr, "%s for good? [y/N] ", with);
    (void)fflush(stderr);
    bool yes =
        fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
    if (!yes)
        sc_cli_note(cli, "nothing was deleted");
    return yes;
}

static int delete_each(struct sc_cli *cli, const struct sc_args *args, const char *before,
                       const char *what, const char *with)
{
    const struct sc_each each = {
        .method = "DELETE",
        .what = what,
        .before = before,
        .after = sc_args_has(args, "force") ? "?force=1" : "",
        .done = "deleted",
        .refused = sc_args_has(args, "force") ? NULL : "--force deletes it with all that",
    };
    if (!is_wanted(cli, args, what, with))
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
