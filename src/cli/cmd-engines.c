#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "models/models.h"

#include <stdarg.h>

#include "base/banned.h"

static void put_sentence(struct sc_buf *out, int width, const char *fmt, ...) SC_PRINTF(3, 4);
static void put_sentence(struct sc_buf *out, int width, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    sc_buf_putc(out, '\n');
    sc_format_wrap(out, sc_str_from(text), &(struct sc_margins){ .width = (size_t)width });
    sc_buf_putc(out, '\n');
}

/* In whole sentences below the table: a remedy that is cut is none. */
static void put_remarks(const struct sc_json_value *engines, int width, struct sc_buf *out)
{
    for (size_t i = 0; i < sc_json_count(engines); i++) {
        const struct sc_json_value *e = sc_json_at(engines, i);
        const char *name = sc_json_get_text(sc_json_member(e, "name"), "");
        const char *reason = sc_json_get_text(sc_json_member(e, "reason"), "");
        const char *sends_to = sc_json_get_text(sc_json_member(e, "sends_to"), "");
        if (sc_json_get_bool(sc_json_member(e, "default"), false))
            put_sentence(out, width, "Jobs that name no engine use %s.", name);
        if (!sc_json_get_bool(sc_json_member(e, "usable"), false))
            put_sentence(out, width, "%s cannot run here: %s.", name, reason);
        else if (sc_json_get_bool(sc_json_member(e, "model_files"), false) &&
                 sc_json_get_text(sc_json_member(e, "default_model"), "")[0] == '\0')
            put_sentence(out, width, "%s %s.", name, reason);
        else if (sends_to[0] != '\0')
            put_sentence(out, width, "%s sends recordings to %s: whoever runs that can hear them.",
                         name, sends_to);
    }
}

int sc_cmd_engines(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "ENGINE", .member = "name" },
        { .title = "READY", .member = "ready", .kind = SC_VIEW_YES_NO },
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
    sc_view_table(engines, columns, sc_list_now(cli), sc_list_width(cli), &out);
    if (sc_json_type(sc_json_member(sc_json_root(doc), "default_engine")) == SC_JSON_NULL)
        put_sentence(&out, sc_list_width(cli), "Jobs have to name an engine: %s.",
                     sc_json_get_text(sc_json_member(sc_json_root(doc), "default_reason"), ""));
    put_remarks(engines, sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}
