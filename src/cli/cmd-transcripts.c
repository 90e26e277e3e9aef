#include "base/alloc.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "sys/file.h"

#include "base/banned.h"

int sc_cmd_transcripts_list(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "TRANSCRIPT", .member = "id", .kind = SC_VIEW_NUMBER },
        { .title = "STATUS", .member = "status" },
        { .title = "VERSION", .member = "version", .kind = SC_VIEW_NUMBER, .minor = 1 },
        { .title = "LANGUAGE", .member = "language", .minor = 2 },
        { .title = "WORDS", .member = "word_count", .kind = SC_VIEW_NUMBER },
        { .title = "LENGTH", .member = "duration_seconds", .kind = SC_VIEW_SECONDS },
        { .title = "FILE", .member = "file_name", .flexible = true },
        { .title = "JOB", .member = "job_id", .minor = 4 },
        { .title = "CREATED", .member = "created_at", .kind = SC_VIEW_TIME, .minor = 3 },
        { 0 },
    };
    static const char *const filters[] = { "job-id", "file-id", "language", "model", "tag",
                                           "since",  "until",   "cursor",   NULL };
    static const struct sc_list list = { "/api/transcripts", "transcripts", columns, filters,
                                         "no transcripts; `scripta transcribe FILE` makes one" };
    return sc_list_run(cli, args, &list);
}

/* What a call below the transcript's address tells of the version of --revision. */
static enum sc_code fetch_revision(struct sc_cli *cli, const struct sc_args *args,
                                   const char *below, struct sc_buf *reply,
                                   struct sc_json_doc **doc, struct sc_error *err)
{
    int64_t revision = 0;
    if (sc_args_int(args, "revision", 1, INT32_MAX, &revision, err) != SC_OK)
        return err->code;
    SC_AUTO_FREE char *after = revision == 0
                                   ? sc_strdup(below)
                                   : sc_asprintf("%s?version=%lld", below, (long long)revision);
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], after);
    return sc_cli_fetch(cli, "GET", path, reply, doc, err);
}

int sc_cmd_transcripts_show(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const skip[] = { "text", "segments", NULL };
    static const struct sc_view_column columns[] = {
        { .title = "SEGMENT", .member = "id", .kind = SC_VIEW_NUMBER },
        { .title = "AT", .member = "start", .kind = SC_VIEW_SECONDS },
        { .title = "SPEAKER", .member = "speaker" },
        { .title = "TEXT", .member = "text", .wraps = true },
        { 0 },
    };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    if (fetch_revision(cli, args, "", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *root = sc_json_root(doc);
    sc_view_object(root, skip, sc_list_now(cli), &out);
    const struct sc_json_value *segments = sc_json_member(root, "segments");
    if (segments != NULL && sc_json_count(segments) > 0) {
        sc_buf_putc(&out, '\n');
        sc_view_table(segments, columns, sc_list_now(cli), sc_list_width(cli), &out);
    }
    return sc_cli_done(cli, &out);
}

int sc_cmd_transcripts_export(struct sc_cli *cli, const struct sc_args *args)
{
    const char *output = sc_args_get(args, "output", "-");
    const struct sc_format *format = NULL;
    int64_t revision = 0;
    SC_AUTO_FREE char *after = NULL;
    SC_AUTO_FREE char *path = NULL;
    SC_AUTO_BUF query = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };

    if (sc_export_choose(args, output, &format, &err) != SC_OK ||
        sc_export_check_stream(format, cli->out_is_terminal, strcmp(output, "-") == 0, &err) !=
            SC_OK ||
        sc_args_int(args, "revision", 1, INT32_MAX, &revision, &err) != SC_OK ||
        sc_export_query(args, format, revision, &query, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    after = sc_asprintf("/export.%s%s", format->name, sc_buf_text(&query));
    path = sc_cli_path("/api/transcripts/", args->words[0], after);
    if (sc_cli_call(cli, "GET", path, NULL, &text, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (strcmp(output, "-") == 0)
        return sc_cli_done(cli, &text);
    if (sc_cli_write_file(output, &text, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_cli_note(cli, "%s", output);
    return SC_EXIT_OK;
}

/* A list below one transcript. */
static int list_below(struct sc_cli *cli, const struct sc_args *args, const char *member,
                      const struct sc_view_column *columns, const char *empty)
{
    static const char *const filters[] = { "cursor", NULL };
    SC_AUTO_FREE char *after = sc_asprintf("/%s", member);
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], after);
    const struct sc_list list = { path, member, columns, filters, empty };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_transcripts_exports(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "EXPORT", .member = "export_id", .kind = SC_VIEW_NUMBER },
        { .title = "VERSION", .member = "version_number", .kind = SC_VIEW_NUMBER },
        { .title = "FORMAT", .member = "format_name" },
        { .title = "FILE", .member = "file_path" },
        { .title = "BY", .member = "exported_by" },
        { .title = "EXPORTED", .member = "exported_at", .kind = SC_VIEW_TIME },
        { 0 },
    };
    return list_below(cli, args, "exports", columns, "nothing was exported of this transcript");
}

int sc_cmd_transcripts_versions(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "VERSION", .member = "version_number", .kind = SC_VIEW_NUMBER },
        { .title = "CURRENT", .member = "is_current" },
        { .title = "WORDS", .member = "word_count", .kind = SC_VIEW_NUMBER },
        { .title = "BY", .member = "created_by" },
        { .title = "CREATED", .member = "created_at", .kind = SC_VIEW_TIME },
        { .title = "EQUALS", .member = "restored_from", .kind = SC_VIEW_NUMBER },
        { .title = "NOTE", .member = "change_note" },
        { 0 },
    };
    return list_below(cli, args, "versions", columns,
                      "no versions yet: the transcript is still being made");
}

int sc_cmd_transcripts_blame(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "AT", .member = "start", .kind = SC_VIEW_SECONDS },
        { .title = "BY", .member = "engine", .otherwise = "by" },
        { .title = "MODEL", .member = "model", .minor = 1 },
        { .title = "VERSION", .member = "version", .kind = SC_VIEW_NUMBER },
        { .title = "WHEN", .member = "at", .kind = SC_VIEW_TIME, .minor = 2 },
        { .title = "WORDS", .member = "text", .wraps = true },
        { 0 },
    };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (fetch_revision(cli, args, "/blame", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    sc_view_table(sc_json_member(sc_json_root(doc), "runs"), columns, sc_list_now(cli),
                  sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}

int sc_cmd_transcripts_history(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "CHANGE", .member = "change_id", .kind = SC_VIEW_NUMBER },
        { .title = "WHAT", .member = "kind" },
        { .title = "VERSION", .member = "version", .kind = SC_VIEW_NUMBER },
        { .title = "EQUALS", .member = "restored_from", .kind = SC_VIEW_NUMBER, .below = "detail" },
        { .title = "BY", .member = "by" },
        { .title = "WHEN", .member = "at", .kind = SC_VIEW_TIME },
        { 0 },
    };
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], "/history");
    static const char *const filters[] = { "cursor", NULL };
    const struct sc_list list = { path, "changes", columns, filters,
                                  "nothing was done to this transcript since it was made" };
    return sc_list_run(cli, args, &list);
}

/* Switches the format that the flag names, if it was given; false: *err says why not. */
static bool switch_format(struct sc_cli *cli, const struct sc_args *args, const char *flag,
                          struct sc_error *err)
{
    const char *name = sc_args_get(args, flag, NULL);
    SC_AUTO_BUF reply = { 0 };
    if (name == NULL)
        return true;
    bool on = strcmp(flag, "enable") == 0;
    SC_AUTO_FREE char *path = sc_cli_path("/api/formats/", name, "");
    if (sc_cli_call(cli, "PATCH", path, on ? "{\"is_active\":true}" : "{\"is_active\":false}",
                    &reply, err) != SC_OK)
        return false;
    sc_cli_note(cli, "%s is switched %s", name, on ? "on" : "off");
    return true;
}

/* The formats as the server has them: it writes them. */
int sc_cmd_transcripts_formats(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "OPTION", .member = "name" },
        { .title = "DEFAULT", .member = "default", .kind = SC_VIEW_SETTING },
        { .title = "MEANING", .member = "help", .wraps = true },
        { 0 },
    };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (!switch_format(cli, args, "disable", &err) || !switch_format(cli, args, "enable", &err))
        return sc_cli_fail(cli, &err);
    if (!cli->json && (sc_args_has(args, "disable") || sc_args_has(args, "enable")))
        return SC_EXIT_OK;
    if (sc_cli_fetch(cli, "GET", "/api/formats", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *all = sc_json_member(sc_json_root(doc), "formats");
    for (size_t i = 0; all != NULL && i < sc_json_count(all); i++) {
        const struct sc_json_value *format = sc_json_at(all, i);
        sc_buf_puts(&out, i > 0 ? "\n" : "");
        const char *name = sc_json_get_text(sc_json_member(format, "format_name"), "");
        const struct sc_margins margins = { strlen(name) + 2, 2, (size_t)sc_list_width(cli) };
        sc_buf_printf(&out, "%s: ", name);
        sc_format_wrap(&out, sc_json_get_str(sc_json_member(format, "description"), SC_STR("")),
                       &margins);
        sc_buf_puts(&out, sc_json_get_bool(sc_json_member(format, "is_active"), true)
                              ? "\n"
                              : " (switched off)\n");
        sc_view_table(sc_json_member(format, "options"), columns, sc_list_now(cli),
                      sc_list_width(cli), &out);
    }
    return sc_cli_done(cli, &out);
}
