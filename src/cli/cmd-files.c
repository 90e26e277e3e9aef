#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

int sc_cmd_files_list(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "FILE", .member = "id" },
        { .title = "FORMAT", .member = "format" },
        { .title = "LENGTH", .member = "duration_seconds", .kind = SC_VIEW_SECONDS },
        { .title = "SIZE", .member = "size_bytes", .kind = SC_VIEW_SIZE },
        { .title = "NAME", .member = "original_name", .flexible = true },
        { .title = "UPLOADED", .member = "uploaded_at", .kind = SC_VIEW_TIME },
        { 0 },
    };
    static const char *const filters[] = { "hash", "name", "cursor", NULL };
    static const struct sc_list list = { "/api/files", "files", columns, filters,
                                         "no files; `scripta add FILE` brings one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_files_show(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_show_run(cli, "/api/files/", args->words[0], NULL);
}
