#include "base/clock.h"
#include "cli/command.h"
#include "cli/list.h"
#include "json/writer.h"

#include "base/banned.h"

static enum sc_code put_scopes(struct sc_json *w, const char *text, struct sc_error *err)
{
    struct sc_str rest = sc_str_from(text);
    sc_json_array(w, "scopes");
    while (rest.len > 0) {
        struct sc_str scope = sc_str_trim(sc_str_take_until(&rest, ','));
        if (scope.len == 0)
            return sc_error_field(err, SC_E_INVALID_VALUE, "scope",
                                  "--scope '%s' is no list such as read,write", text);
        sc_json_str(w, NULL, scope);
    }
    sc_json_end(w);
    return SC_OK;
}

static enum sc_code put_expiry(struct sc_json *w, const char *text, struct sc_error *err)
{
    int64_t ms;
    if (!sc_duration_parse(sc_str_from(text), &ms) || ms < 1000)
        return sc_error_field(err, SC_E_INVALID_VALUE, "expires",
                              "--expires '%s' is no duration such as 12h or 90d", text);
    sc_json_int(w, "expires_in", ms / 1000);
    return SC_OK;
}

static enum sc_code put_request(const struct sc_args *args, struct sc_buf *out,
                                struct sc_error *err)
{
    struct sc_json w;
    enum sc_code code = SC_OK;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "name", args->words[0]);
    if (sc_args_has(args, "owner"))
        sc_json_text(&w, "owner", sc_args_get(args, "owner", ""));
    if (sc_args_has(args, "expires"))
        code = put_expiry(&w, sc_args_get(args, "expires", ""), err);
    if (code == SC_OK && sc_args_has(args, "scope"))
        code = put_scopes(&w, sc_args_get(args, "scope", ""), err);
    if (code == SC_OK)
        sc_json_end(&w);
    return code;
}

/* The token alone on standard output, so that $(scripta token create …) holds it. */
int sc_cmd_token_create(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    if (put_request(args, &body, &err) != SC_OK ||
        sc_cli_call(cli, "POST", "/api/tokens", sc_buf_text(&body), &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *root = sc_json_root(doc);
    sc_buf_printf(&out, "%s\n", sc_json_get_text(sc_json_member(root, "token"), ""));
    int status = sc_cli_done(cli, &out);
    sc_cli_note(cli, "token %lld of %s; keep it now, it is not shown again",
                (long long)sc_json_get_int(sc_json_member(root, "id"), 0),
                sc_json_get_text(sc_json_member(root, "owner"), ""));
    return status;
}

int sc_cmd_token_list(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "TOKEN", .member = "id", .kind = SC_VIEW_NUMBER },
        { .title = "OWNER", .member = "owner" },
        { .title = "SCOPES", .member = "scopes", .kind = SC_VIEW_LIST },
        { .title = "STATUS", .member = "status" },
        { .title = "USED", .member = "last_used_at", .kind = SC_VIEW_TIME },
        { .title = "EXPIRES", .member = "expires_at", .kind = SC_VIEW_TIME },
        { .title = "CREATED", .member = "created_at", .kind = SC_VIEW_TIME },
        { .title = "NAME", .member = "name", .flexible = true },
        { 0 },
    };
    static const char *const filters[] = { "cursor", NULL };
    static const struct sc_list list = { "/api/tokens", "tokens", columns, filters,
                                         "no tokens; `scripta token create NAME` makes one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_token_revoke(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_each each = { "DELETE", "token", "/api/tokens/", "", "revoked", NULL };
    return sc_each_run(cli, args, &each);
}
