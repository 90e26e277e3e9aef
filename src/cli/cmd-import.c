#include "cli/command.h"
#include "cli/list.h"
#include "sys/file.h"
#include "transcript/reader.h"

#include "base/banned.h"

/* Standard input to its end. */
static enum sc_code read_input(struct sc_buf *out, struct sc_error *err)
{
    out->limit = SC_READ_LIMIT;
    for (;;) {
        char *room = sc_buf_reserve(out, 1 << 16);
        if (room == NULL)
            return sc_error_set(err, SC_E_FILE_TOO_LARGE, "standard input is too large");
        ssize_t n = read(STDIN_FILENO, room, 1 << 16);
        if (n < 0)
            return sc_error_set(err, SC_E_IO_ERROR, "cannot read standard input");
        if (n == 0)
            return SC_OK;
        out->len += (size_t)n;
    }
}

static enum sc_code read_file(const char *path, struct sc_buf *out, struct sc_error *err)
{
    if (strcmp(path, "-") == 0)
        return read_input(out, err);
    enum sc_code code = sc_file_read_any(path, SC_READ_LIMIT, out, err);
    return code == SC_E_NOT_FOUND
               ? sc_error_set(err, SC_E_NOT_FOUND, "cannot read '%.150s': there is no such file",
                              path)
               : code;
}

/* A format by the ending of the file, unless the server is to guess, as of .txt, which says little.
 * What exports are called and nobody reads the server refuses by that name. */
static const char *format_of(const struct sc_args *args, const char *path)
{
    static const char *const known[] = { "srt", "vtt", "json", "csv",  "tsv",
                                         "lrc", "ass", "ssa",  "docx", "md" };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < SC_ARRAY_LEN(known); i++) {
        if (sc_str_equal_nocase(sc_str_from(dot + 1), sc_str_from(known[i])))
            return sc_args_get(args, "format", known[i]);
    }
    return sc_args_get(args, "format", NULL);
}

static enum sc_code make_path(const struct sc_args *args, struct sc_buf *out, struct sc_error *err)
{
    static const char *const passed[] = { "offset",       "speakers", "rolling", "language",
                                          "base-version", "dry-run",  NULL };
    const char *transcript = sc_args_get(args, "transcript", NULL);
    const char *file = sc_args_get(args, "file-id", NULL);
    if ((transcript == NULL) == (file == NULL))
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "say what the file is for: --transcript N makes a new version, "
                            "--file-id N a new transcript of a recording");
    if (file == NULL && sc_args_has(args, "language"))
        return sc_error_field(err, SC_E_INVALID_VALUE, "language",
                              "--language is for new transcripts (--file-id)");
    if (transcript == NULL && (sc_args_has(args, "note") || sc_args_has(args, "base-version")))
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "--note and --base-version are for new versions (--transcript)");
    const char *format = format_of(args, args->words[0]);
    SC_AUTO_FREE char *path =
        sc_cli_path(file == NULL ? "/api/transcripts/" : "/api/files/",
                    file == NULL ? transcript : file, file == NULL ? "/import" : "/transcripts");
    SC_AUTO_BUF query = { 0 };
    if (format != NULL) {
        sc_buf_puts(&query, "&format=");
        sc_url_encode(&query, sc_str_from(format));
    }
    if (sc_args_has(args, "note")) {
        sc_buf_puts(&query, "&change_note=");
        sc_url_encode(&query, sc_str_from(sc_args_get(args, "note", "")));
    }
    sc_list_parameters(&query, args, passed);
    sc_buf_printf(out, "%s%s%s", path, query.len == 0 ? "" : "?",
                  query.len == 0 ? "" : sc_buf_text(&query) + 1);
    return SC_OK;
}

/* "transcript 12, version 3: 120 segments, 1400 words (srt)". */
static void put_result(const struct sc_json_value *root, struct sc_buf *out)
{
    bool dry = sc_json_get_bool(sc_json_member(root, "dry_run"), false);
    bool changed = sc_json_get_bool(sc_json_member(root, "changed"), true);
    int64_t transcript = sc_json_get_int(sc_json_member(root, "transcript_id"), 0);
    if (transcript > 0)
        sc_buf_printf(out, "transcript %lld", (long long)transcript);
    else
        sc_buf_puts(out, "a new transcript");
    if (!dry)
        sc_buf_printf(out, ", version %lld",
                      (long long)sc_json_get_int(sc_json_member(root, "version"), 0));
    int64_t segments = sc_json_get_int(sc_json_member(root, "segment_count"), 0);
    int64_t words = sc_json_get_int(sc_json_member(root, "word_count"), 0);
    sc_buf_printf(out, ": %lld segment%s, %lld word%s, read as %s", (long long)segments,
                  segments == 1 ? "" : "s", (long long)words, words == 1 ? "" : "s",
                  sc_json_get_text(sc_json_member(root, "format"), ""));
    sc_buf_puts(out, !changed ? "; nothing differs\n" : dry ? "; nothing was written\n" : "\n");
}

int sc_cmd_transcripts_import(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF bytes = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (make_path(args, &path, &err) != SC_OK || read_file(args->words[0], &bytes, &err) != SC_OK ||
        sc_cli_connect(cli, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_call call = { .method = "POST",
                                  .path = sc_buf_text(&path),
                                  .body = sc_buf_text(&bytes),
                                  .body_len = bytes.len,
                                  .type = "application/octet-stream" };
    int status;
    if (sc_client_call(cli->client, &call, &status, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *warnings = sc_json_member(root, "warnings");
    for (size_t i = 0; warnings != NULL && i < sc_json_count(warnings); i++) {
        SC_AUTO_BUF note = { 0 };
        sc_cli_put_message(
            &note, sc_json_get_text(sc_json_member(sc_json_at(warnings, i), "message"), ""));
        sc_cli_note(cli, "note: %s", sc_buf_text(&note));
    }
    put_result(root, &out);
    return sc_cli_done(cli, &out);
}
