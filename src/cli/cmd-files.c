#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "cli/local-hash.h"

#include <inttypes.h>

#include "base/banned.h"

int sc_cmd_files_list(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "FILE", .member = "id", .kind = SC_VIEW_NUMBER },
        { .title = "FORMAT", .member = "format" },
        { .title = "LENGTH", .member = "duration_seconds", .kind = SC_VIEW_SECONDS },
        { .title = "SIZE", .member = "size_bytes", .kind = SC_VIEW_SIZE },
        { .title = "NAME", .member = "original_name", .flexible = true },
        { .title = "UPLOADED", .member = "uploaded_at", .kind = SC_VIEW_TIME, .minor = 1 },
        { .title = "ARCHIVED", .member = "archived_at", .kind = SC_VIEW_TIME, .minor = 2 },
        { .title = "PURGED", .member = "purged_at", .kind = SC_VIEW_TIME, .minor = 3 },
        { 0 },
    };
    static const char *const filters[] = { "hash",     "name",  "format", "tag",
                                           "since",    "until", "unused", "damaged",
                                           "archived", "sort",  "cursor", NULL };
    static const struct sc_list list = { "/api/files", "files", columns, filters,
                                         "no files; `scripta add FILE` brings one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_files_show(struct sc_cli *cli, const struct sc_args *args)
{
    return sc_show_run(cli, "/api/files/", args->words[0], NULL);
}

int sc_cmd_files_duplicates(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "FILE", .member = "file_id", .kind = SC_VIEW_NUMBER },
        { .title = "SHA-256", .member = "file_hash", .minor = 1 },
        { .title = "COUNT", .member = "count", .kind = SC_VIEW_NUMBER },
        { .title = "SIZE", .member = "size_bytes", .kind = SC_VIEW_SIZE },
        { .title = "SAVED", .member = "saved_bytes", .kind = SC_VIEW_SIZE },
        { .title = "NAME", .member = "original_name", .flexible = true },
        { 0 },
    };
    static const char *const filters[] = { "cursor", NULL };
    static const struct sc_list list = { "/api/files/duplicates", "duplicates", columns, filters,
                                         "no recording arrived twice" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_files_uploads(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "TIME", .member = "uploaded_at" },
        { .title = "SOURCE", .member = "source" },
        { .title = "NAME", .member = "name", .flexible = true },
        { 0 },
    };
    static const char *const filters[] = { "cursor", NULL };
    SC_AUTO_FREE char *path = sc_cli_path("/api/files/", args->words[0], "/uploads");
    struct sc_list list = { path, "uploads", columns, filters, "no uploads" };
    return sc_list_run(cli, args, &list);
}

/* ---- usage ---- */

static void put_usage(const struct sc_json_value *root, int width, struct sc_buf *out)
{
    static const struct sc_view_column columns[] = {
        { .title = "FORMAT", .member = "format" },
        { .title = "FILES", .member = "files", .kind = SC_VIEW_NUMBER },
        { .title = "SIZE", .member = "bytes", .kind = SC_VIEW_SIZE },
        { 0 },
    };
    const struct sc_json_value *formats = sc_json_member(root, "formats");
    const struct sc_json_value *fits = sc_json_member(root, "fits");
    sc_view_count(out, "files", sc_json_member(root, "files"));
    sc_view_size(out, "their size", sc_json_member(root, "own_bytes"));
    sc_view_size(out, "saved by duplicates", sc_json_member(root, "saved_bytes"));
    sc_view_size(out, "used by everybody", sc_json_member(root, "used_bytes"));
    sc_view_size(out, "limit", sc_json_member(root, "limit_bytes"));
    sc_view_size(out, "available", sc_json_member(root, "available_bytes"));
    if (fits != NULL)
        sc_buf_printf(out, SC_VIEW_LABEL "%s\n", "fits",
                      sc_json_get_bool(fits, false) ? "yes" : "no");
    if (formats == NULL || sc_json_count(formats) == 0)
        return;
    sc_buf_putc(out, '\n');
    sc_view_table(formats, columns, -1, width, out);
}

int sc_cmd_files_usage(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    sc_buf_puts(&path, "/api/files/usage");
    if (sc_args_has(args, "additional")) {
        sc_buf_puts(&path, "?additional=");
        sc_url_encode(&path, sc_str_from(sc_args_get(args, "additional", "")));
    }
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&path), &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *fits = sc_json_member(sc_json_root(doc), "fits");
    if (!cli->json)
        put_usage(sc_json_root(doc), sc_list_width(cli), &out);
    int status = cli->json ? sc_cli_done_json(cli, &reply) : sc_cli_done(cli, &out);
    bool too_much = fits != NULL && !sc_json_get_bool(fits, true);
    return status == SC_EXIT_OK && too_much ? SC_EXIT_NO_SPACE : status;
}

/* ---- find ---- */

static bool is_hash(const char *word)
{
    return strlen(word) == SC_SHA256_TEXT - 1 && strspn(word, "0123456789abcdef") == strlen(word);
}

/* Prints a line, or the file as JSON. *known tells whether the server has it. */
static int find_one(struct sc_cli *cli, const char *word, bool *known)
{
    char hash[SC_SHA256_TEXT];
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    (void)snprintf(hash, sizeof(hash), "%s", word);
    if (!is_hash(word) && sc_local_hash(cli, word, hash, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    SC_AUTO_FREE char *path = sc_asprintf("/api/files?hash=%s", hash);
    if (sc_cli_fetch(cli, "GET", path, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *files = sc_json_member(sc_json_root(doc), "files");
    *known = files != NULL && sc_json_count(files) > 0;
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    sc_utf8_append_printable(&out, sc_str_from(word));
    if (*known) {
        const struct sc_json_value *file = sc_json_at(files, 0);
        sc_buf_printf(&out, ": file %" PRId64 ", ", sc_json_get_int(sc_json_member(file, "id"), 0));
        sc_utf8_append_printable(
            &out, sc_str_from(sc_json_get_text(sc_json_member(file, "original_name"), "")));
        sc_buf_putc(&out, '\n');
    } else {
        sc_buf_puts(&out, ": not known\n");
    }
    return sc_cli_done(cli, &out);
}

int sc_cmd_files_find(struct sc_cli *cli, const struct sc_args *args)
{
    size_t failed = 0;
    int last = SC_EXIT_OK;
    bool all = true;
    for (size_t i = 0; i < args->word_count; i++) {
        bool known = true;
        int status = find_one(cli, args->words[i], &known);
        failed += status != SC_EXIT_OK ? 1 : 0;
        last = status != SC_EXIT_OK ? status : last;
        all = all && known;
    }
    if (failed > 0)
        return sc_exit_of_several(args->word_count, failed, last);
    return all ? SC_EXIT_OK : SC_EXIT_MISSING;
}
