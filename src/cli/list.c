#include "cli/list.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/format.h"

#include <inttypes.h>

#include "base/banned.h"

#define LIMIT_DEFAULT 50

int sc_list_width(const struct sc_cli *cli)
{
    return cli->out_is_terminal ? sc_format_terminal_width(STDOUT_FILENO, 0) : 0;
}

int64_t sc_list_now(const struct sc_cli *cli)
{
    return cli->out_is_terminal ? sc_clock_wall_ms() : -1;
}

static void put_parameter(struct sc_buf *path, const char *flag, const char *value)
{
    sc_buf_putc(path, '&');
    for (; *flag != '\0'; flag++)
        sc_buf_putc(path, *flag == '-' ? '_' : *flag);
    sc_buf_putc(path, '=');
    sc_url_encode(path, sc_str_from(value));
}

static int print_page(const struct sc_cli *cli, const struct sc_list *list, bool chosen,
                      const struct sc_json_value *root)
{
    SC_AUTO_BUF out = { 0 };
    const struct sc_json_value *rows = sc_json_member(root, list->member);
    const char *cursor = sc_json_get_text(sc_json_member(root, "next_cursor"), "");

    bool partial = sc_json_get_bool(sc_json_member(root, "partial"), false);
    if ((rows == NULL || sc_json_count(rows) == 0) && partial) {
        sc_cli_note(cli, "none yet, but the search has not ended; go on: --cursor %s", cursor);
        return SC_EXIT_OK;
    }
    if (rows == NULL || sc_json_count(rows) == 0) {
        if (chosen)
            sc_cli_note(cli, "no %s match these options", list->member);
        else
            sc_cli_note(cli, "%s", list->empty);
        return SC_EXIT_OK;
    }
    sc_view_table(rows, list->columns, sc_list_now(cli), sc_list_width(cli), &out);
    int status = sc_cli_done(cli, &out);
    if (cursor[0] != '\0')
        sc_cli_note(cli, "%s: --cursor %s", partial ? "the search has not ended; go on" : "more",
                    cursor);
    return status;
}

void sc_list_parameters(struct sc_buf *path, const struct sc_args *args, const char *const *flags)
{
    for (const char *const *f = flags; *f != NULL; f++) {
        if (sc_args_has(args, *f))
            put_parameter(path, *f, sc_args_get(args, *f, ""));
    }
}

int sc_list_run(struct sc_cli *cli, const struct sc_args *args, const struct sc_list *list)
{
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    int64_t limit = LIMIT_DEFAULT;

    if (sc_args_int(args, "limit", 1, 500, &limit, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_buf_printf(&path, "%s?limit=%" PRId64, list->path, limit);
    size_t plain = path.len;
    sc_list_parameters(&path, args, list->filters);
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&path), &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    return print_page(cli, list, path.len > plain, sc_json_root(doc));
}

int sc_show_run(struct sc_cli *cli, const char *before, const char *id, const char *const *skip)
{
    SC_AUTO_FREE char *path = sc_cli_path(before, id, "");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };

    if (sc_cli_fetch(cli, "GET", path, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    sc_view_object(sc_json_root(doc), skip, sc_list_now(cli), &out);
    return sc_cli_done(cli, &out);
}

int sc_exit_of_several(size_t count, size_t failed, int last)
{
    if (failed == 0)
        return SC_EXIT_OK;
    return count == 1 ? last : SC_EXIT_FAILED;
}

/* "file 3: it is in use". */
static void name_which(const struct sc_each *each, const char *word, struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    if (strstr(err->msg, word) != NULL)
        return;
    sc_buf_printf(&text, "%s ", each->what);
    sc_utf8_append_printable(&text, sc_str_from(word));
    sc_buf_printf(&text, ": %s", err->msg);
    (void)snprintf(err->msg, sizeof(err->msg), "%s", sc_buf_text(&text));
}

static int run_one(struct sc_cli *cli, const struct sc_each *each, const char *word,
                   bool of_several)
{
    SC_AUTO_FREE char *path = sc_cli_path(each->before, word, each->after);
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };

    if (sc_cli_call(cli, each->method, path, NULL, &reply, &err) != SC_OK) {
        if (of_several)
            name_which(each, word, &err);
        int status = sc_cli_fail(cli, &err);
        if (err.code == SC_E_CONFLICT && each->refused != NULL && !cli->json)
            sc_cli_note(cli, "  %s", each->refused);
        return status;
    }
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (cli->quiet)
        return SC_EXIT_OK;
    sc_utf8_append_printable(&out, sc_str_from(word));
    sc_buf_printf(&out, " %s\n", each->done);
    return sc_cli_done(cli, &out);
}

int sc_each_run(struct sc_cli *cli, const struct sc_args *args, const struct sc_each *each)
{
    size_t failed = 0;
    int last = SC_EXIT_OK;

    for (size_t i = 0; i < args->word_count; i++) {
        int status = run_one(cli, each, args->words[i], args->word_count > 1);
        failed += status != SC_EXIT_OK;
        last = status != SC_EXIT_OK ? status : last;
    }
    return sc_exit_of_several(args->word_count, failed, last);
}
