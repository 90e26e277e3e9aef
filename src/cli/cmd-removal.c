/* What takes things away: it asks on a terminal. */

#include "cli/command.h"
#include "cli/list.h"

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
    if (!is_wanted(cli, args, what, with))
        return SC_EXIT_CANCELLED;
    return sc_each_send(cli, args, "DELETE", before, sc_args_has(args, "force") ? "?force=1" : "",
                        "deleted");
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
