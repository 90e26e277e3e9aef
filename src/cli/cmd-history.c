/* What was done, of all things. */

#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

int sc_cmd_history(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "CHANGE", .member = "change_id", .kind = SC_VIEW_NUMBER },
        { .title = "WHAT", .member = "kind" },
        { .title = "FILE", .member = "file_id", .kind = SC_VIEW_NUMBER },
        { .title = "TRANSCRIPT", .member = "transcript_id", .kind = SC_VIEW_NUMBER },
        { .title = "VERSION", .member = "version", .kind = SC_VIEW_NUMBER, .minor = 1 },
        { .title = "BY", .member = "by", .minor = 2 },
        { .title = "WHEN", .member = "at", .kind = SC_VIEW_TIME },
        { .title = "JOB", .member = "job_id" },
        { .title = "DETAIL", .member = "detail", .wraps = true },
        { 0 },
    };
    static const char *const filters[] = { "file-id", "job-id", "transcript-id",
                                           "kind",    "cursor", NULL };
    const struct sc_list list = { "/api/changes", "changes", columns, filters,
                                  "nothing was done yet that the history tells of" };
    return sc_list_run(cli, args, &list);
}
