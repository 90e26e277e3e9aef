#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
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
        { .title = "JOB", .member = "job_id" },
        { .title = "CREATED", .member = "created_at", .kind = SC_VIEW_TIME, .minor = 3 },
        { 0 },
    };
    static const char *const filters[] = { "job-id", "file-id", "cursor", NULL };
    static const struct sc_list list = { "/api/transcripts", "transcripts", columns, filters,
                                         "no transcripts; `scripta transcribe FILE` makes one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_transcripts_show(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const skip[] = { "text", "segments", NULL };
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], "");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    if (sc_cli_fetch(cli, "GET", path, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *root = sc_json_root(doc);
    struct sc_str text = sc_json_get_str(sc_json_member(root, "text"), SC_STR(""));
    sc_view_object(root, skip, sc_clock_wall_ms(), &out);
    sc_buf_putc(&out, '\n');
    while (text.len > 0) {
        sc_utf8_append_printable(&out, sc_str_take_until(&text, '\n'));
        sc_buf_putc(&out, '\n');
    }
    return sc_cli_done(cli, &out);
}

int sc_cmd_transcripts_export(struct sc_cli *cli, const struct sc_args *args)
{
    const char *format = sc_args_get(args, "format", "txt");
    const char *output = sc_args_get(args, "output", "-");
    SC_AUTO_FREE char *after = NULL;
    SC_AUTO_FREE char *path = NULL;
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };

    if (strcmp(format, "txt") != 0 && strcmp(format, "srt") != 0 && strcmp(format, "json") != 0) {
        SC_AUTO_BUF shown = { 0 };
        sc_utf8_append_printable(&shown, sc_str_from(format));
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, "format",
                             "--format is '%.60s', must be txt, srt or json", sc_buf_text(&shown));
        return sc_cli_fail(cli, &err);
    }
    after = sc_asprintf("/export.%s", format);
    path = sc_cli_path("/api/transcripts/", args->words[0], after);
    if (sc_cli_call(cli, "GET", path, NULL, &text, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (strcmp(output, "-") == 0)
        return sc_cli_done(cli, &text);
    if (sc_cli_write_file(output, &text, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return SC_EXIT_OK;
}
