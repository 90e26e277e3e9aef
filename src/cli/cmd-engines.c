#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/list.h"

#include "base/banned.h"

static void put_sentence(struct sc_buf *out, const char *name, const char *verb, const char *rest,
                         const char *end)
{
    sc_buf_putc(out, '\n');
    sc_utf8_append_printable(out, sc_str_from(name));
    sc_buf_puts(out, verb);
    sc_utf8_append_printable(out, sc_str_from(rest));
    sc_buf_printf(out, "%s.\n", end);
}

/* In whole sentences below the table: a remedy that is cut is none. */
static void put_remarks(const struct sc_json_value *engines, struct sc_buf *out)
{
    for (size_t i = 0; i < sc_json_count(engines); i++) {
        const struct sc_json_value *e = sc_json_at(engines, i);
        const char *name = sc_json_get_text(sc_json_member(e, "name"), "");
        const char *reason = sc_json_get_text(sc_json_member(e, "reason"), "");
        const char *sends_to = sc_json_get_text(sc_json_member(e, "sends_to"), "");
        if (sc_json_get_bool(sc_json_member(e, "default"), false))
            put_sentence(out, "Jobs that name no engine", " use ", name, "");
        if (!sc_json_get_bool(sc_json_member(e, "usable"), false))
            put_sentence(out, name, " cannot run here: ", reason, "");
        else if (sends_to[0] != '\0')
            put_sentence(out, name, " sends recordings to ", sends_to,
                         ": whoever runs that can hear them");
    }
}

int sc_cmd_engines(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "ENGINE", .member = "name" },
        { .title = "USABLE", .member = "usable", .kind = SC_VIEW_YES_NO },
        { .title = "LANGUAGES", .member = "languages", .kind = SC_VIEW_LIST, .minor = 3 },
        { .title = "MODEL", .member = "default_model" },
        { .title = "SPEED", .member = "speed", .kind = SC_VIEW_SPEED, .minor = 2 },
        { .title = "OPTIONS", .member = "options", .kind = SC_VIEW_LIST, .flexible = true },
        { .title = "NOTE", .member = "note", .minor = 1 },
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
    const struct sc_json_value *engines = sc_json_member(sc_json_root(doc), "engines");
    sc_view_table(engines, columns, sc_clock_wall_ms(), sc_list_width(cli), &out);
    put_remarks(engines, &out);
    return sc_cli_done(cli, &out);
}
