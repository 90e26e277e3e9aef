#include "base/utf8.h"
#include "cli/command.h"

#include "base/banned.h"

/* How the words of both sides are told apart. */
struct look {
    const char *format; /* of the API */
    bool colour;
};

static enum sc_code choose(const struct sc_cli *cli, const struct sc_args *args, struct look *out,
                           struct sc_error *err)
{
    const char *mode = sc_args_get(args, "word-diff", "");
    bool unified = sc_args_has(args, "unified"), html = sc_args_has(args, "html");
    if (unified + html + (mode[0] != '\0') + cli->json > 1)
        return sc_error_field(err, SC_E_INVALID_VALUE, "word-diff",
                              "--word-diff, --unified, --html and --json exclude one another");
    if (mode[0] != '\0' && strcmp(mode, "plain") != 0 && strcmp(mode, "color") != 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "word-diff", "'%.40s' is not plain or color",
                              mode);
    out->format = cli->json ? "json" : html ? "html" : unified ? "unified" : "text";
    out->colour =
        !html && !cli->json &&
        (strcmp(mode, "color") == 0 || (mode[0] == '\0' && cli->out_is_terminal && cli->colour));
    return SC_OK;
}

static enum sc_code put_number(const struct sc_args *args, const char *flag, const char *name,
                               int64_t min, struct sc_buf *query, struct sc_error *err)
{
    int64_t value = -1;
    enum sc_code code = sc_args_int(args, flag, min, INT32_MAX, &value, err);
    if (code == SC_OK && value >= 0)
        sc_buf_printf(query, "&%s=%lld", name, (long long)value);
    return code;
}

/* "v2" of one that was given is compared with the version before it, as in git show. */
static enum sc_code put_versions(const struct sc_args *args, struct sc_buf *query,
                                 struct sc_error *err)
{
    for (size_t i = 1; i < args->word_count; i++) {
        int64_t version;
        if (!sc_str_to_int64(sc_str_from(args->words[i]), &version) || version < 1 ||
            version > INT32_MAX)
            return sc_error_field(err, SC_E_INVALID_VALUE, "version",
                                  "'%.40s' is no number of a version", args->words[i]);
        const char *name = i == 1 && args->word_count == 3 ? "v1" : "v2";
        sc_buf_printf(query, "&%s=%lld", name, (long long)version);
    }
    return SC_OK;
}

/* Colours of ours pass; everything else is shown as data. */
static void put_safely(struct sc_buf *out, struct sc_str text)
{
    static const char *const colours[] = { "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[0m" };
    while (text.len > 0) {
        size_t n = 0, colour = 0;
        while (n < text.len && text.ptr[n] != '\n' && text.ptr[n] != '\x1b')
            n++;
        sc_utf8_append_printable(out, (struct sc_str){ text.ptr, n });
        text.ptr += n;
        text.len -= n;
        if (text.len == 0)
            break;
        n = 1;
        while (colour < SC_ARRAY_LEN(colours) && !sc_str_starts(text, sc_str_from(colours[colour])))
            colour++;
        if (colour < SC_ARRAY_LEN(colours))
            n = strlen(colours[colour]);
        if (colour < SC_ARRAY_LEN(colours) || text.ptr[0] == '\n')
            sc_buf_append(out, text.ptr, n);
        else
            sc_utf8_append_printable(out, (struct sc_str){ text.ptr, n });
        text.ptr += n;
        text.len -= n;
    }
}

int sc_cmd_transcripts_compare(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF query = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF shown = { 0 };
    struct sc_error err = { 0 };
    struct look look = { .format = NULL };
    if (choose(cli, args, &look, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_buf_printf(&query, "/compare?format=%s%s%s", look.format, look.colour ? "&colour=on" : "",
                  sc_args_has(args, "loose") ? "&loose=on" : "");
    if (put_versions(args, &query, &err) != SC_OK ||
        put_number(args, "with", "with", 1, &query, &err) != SC_OK ||
        put_number(args, "context", "context", 0, &query, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], sc_buf_text(&query));
    if (sc_cli_call(cli, "GET", path, NULL, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (!cli->out_is_terminal)
        return sc_cli_done(cli, &reply);
    shown.limit = SIZE_MAX / 4;
    put_safely(&shown, sc_buf_str(&reply));
    return sc_cli_done(cli, &shown);
}
