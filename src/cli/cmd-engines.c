#include "base/clock.h"
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

int sc_cmd_engines(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "ENGINE", .member = "name" },
        { .title = "VERSION", .member = "version", .minor = 1 },
        { .title = "USABLE", .member = "usable", .kind = SC_VIEW_YES_NO },
        { .title = "LANGUAGES", .member = "languages", .kind = SC_VIEW_LIST },
        { .title = "MODEL", .member = "default_model" },
        { .title = "NOTE", .member = "reason", .otherwise = "note", .flexible = true },
        { 0 },
    };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    (void)args;
    if (sc_cli_fetch(cli, "GET", "/api/engines", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    sc_view_table(sc_json_member(sc_json_root(doc), "engines"), columns, sc_clock_wall_ms(),
                  sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}
