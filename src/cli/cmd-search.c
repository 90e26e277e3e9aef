#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define MARK "\033[1;31m"
#define TITLE "\033[1m"
#define PLAIN "\033[0m"

/* Words of the command line are one search. */
static void put_words(const struct sc_args *args, struct sc_buf *out)
{
    for (size_t i = 0; i < args->word_count; i++) {
        sc_buf_puts(out, i > 0 ? " " : "");
        sc_buf_puts(out, args->words[i]);
    }
}

/* ---- a hit ---- */

/* The bytes of the next `signs` code points, which are taken off the rest. */
static struct sc_str take_signs(struct sc_str *rest, int64_t signs)
{
    size_t at = 0;
    for (; at < rest->len && signs > 0; signs--) {
        at++;
        while (at < rest->len && ((unsigned char)rest->ptr[at] & 0xC0) == 0x80)
            at++;
    }
    struct sc_str out = { rest->ptr, at };
    *rest = (struct sc_str){ rest->ptr + at, rest->len - at };
    return out;
}

static void put_snippet(const struct sc_json_value *hit, bool colour, struct sc_buf *out)
{
    struct sc_str rest = sc_json_get_str(sc_json_member(hit, "snippet"), SC_STR(""));
    const struct sc_json_value *marks = sc_json_member(hit, "marks");
    int64_t at = 0;
    if (sc_json_get_bool(sc_json_member(hit, "cut_before"), false))
        sc_buf_puts(out, "…");
    for (size_t i = 0; i < sc_json_count(marks); i++) {
        const struct sc_json_value *mark = sc_json_at(marks, i);
        int64_t start = sc_json_get_int(sc_json_member(mark, "start"), 0);
        int64_t length = sc_json_get_int(sc_json_member(mark, "length"), 0);
        sc_utf8_append_printable(out, take_signs(&rest, start - at));
        sc_buf_puts(out, colour ? MARK : "[");
        sc_utf8_append_printable(out, take_signs(&rest, length));
        sc_buf_puts(out, colour ? PLAIN : "]");
        at = start + length;
    }
    sc_utf8_append_printable(out, rest);
    if (sc_json_get_bool(sc_json_member(hit, "cut_after"), false))
        sc_buf_puts(out, "…");
}

/* "  1:02:03  anna: … what was said …" */
static void put_hit(const struct sc_json_value *hit, bool colour, struct sc_buf *out)
{
    SC_AUTO_BUF clock = { 0 };
    struct sc_str speaker = sc_json_get_str(sc_json_member(hit, "speaker"), SC_STR(""));
    sc_format_clock(&clock, sc_json_get_real(sc_json_member(hit, "at"), 0));
    sc_buf_printf(out, "  %8s  ", sc_buf_text(&clock));
    if (speaker.len > 0) {
        sc_utf8_append_printable(out, speaker);
        sc_buf_puts(out, ": ");
    }
    put_snippet(hit, colour, out);
    sc_buf_putc(out, '\n');
}

/* ---- a transcript ---- */

static void put_result(const struct sc_cli *cli, const struct sc_json_value *result, bool colour,
                       struct sc_buf *out)
{
    const struct sc_json_value *hits = sc_json_member(result, "hits");
    int64_t count = sc_json_get_int(sc_json_member(result, "hit_count"), 0);
    sc_buf_printf(out, "%stranscript %" PRId64 "%s  ", colour ? TITLE : "",
                  sc_json_get_int(sc_json_member(result, "transcript_id"), 0), colour ? PLAIN : "");
    sc_utf8_append_printable(out, sc_json_get_str(sc_json_member(result, "file_name"), SC_STR("")));
    sc_buf_puts(out, ", ");
    sc_format_time(out, sc_json_get_text(sc_json_member(result, "created_at"), ""),
                   sc_list_now(cli));
    if (strcmp(sc_json_get_text(sc_json_member(result, "status"), ""), "partial") == 0)
        sc_buf_puts(out, ", partial");
    if (count > (int64_t)sc_json_count(hits))
        sc_buf_printf(out, ", %" PRId64 " hits", count);
    sc_buf_putc(out, '\n');
    for (size_t i = 0; i < sc_json_count(hits); i++)
        put_hit(sc_json_at(hits, i), colour, out);
}

/* "file 3  talk.wav  [file_notes]  … the note …" */
static void put_name(const struct sc_json_value *name, bool colour, struct sc_buf *out)
{
    const char *job = sc_json_get_text(sc_json_member(name, "job_id"), "");
    int64_t transcript = sc_json_get_int(sc_json_member(name, "transcript_id"), 0);
    const char *kind = sc_json_get_text(sc_json_member(name, "kind"), "");
    if (job[0] != '\0')
        sc_buf_printf(out, "job %s  ", job);
    else if (transcript > 0)
        sc_buf_printf(out, "transcript %" PRId64 "  ", transcript);
    else
        sc_buf_printf(out, "file %" PRId64 "  ",
                      sc_json_get_int(sc_json_member(name, "file_id"), 0));
    if (strcmp(kind, "file_name") != 0) {
        sc_utf8_append_printable(out,
                                 sc_json_get_str(sc_json_member(name, "file_name"), SC_STR("")));
        sc_buf_puts(out, ": ");
    }
    put_snippet(name, colour, out);
    sc_buf_putc(out, '\n');
}

static void put_total(const struct sc_json_value *root, struct sc_buf *out)
{
    bool exact = sc_json_get_bool(sc_json_member(root, "total_is_exact"), true);
    sc_buf_printf(out, "%" PRId64 "%s", sc_json_get_int(sc_json_member(root, "total_hits"), 0),
                  exact ? "" : "+");
}

static int print_count(const struct sc_cli *cli, const struct sc_json_value *root)
{
    SC_AUTO_BUF out = { 0 };
    put_total(root, &out);
    sc_buf_putc(&out, '\n');
    return sc_cli_done(cli, &out);
}

static void note_total(const struct sc_cli *cli, const struct sc_json_value *root,
                       const char *total)
{
    int64_t transcripts = sc_json_get_int(sc_json_member(root, "total_transcripts"), 0);
    sc_cli_note(cli, "%s hit%s in %" PRId64 " transcript%s", total,
                strcmp(total, "1") == 0 ? "" : "s", transcripts, transcripts == 1 ? "" : "s");
}

static int print_page(const struct sc_cli *cli, const struct sc_json_value *root)
{
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF total = { 0 };
    const struct sc_json_value *results = sc_json_member(root, "results");
    const struct sc_json_value *names = sc_json_member(root, "names");
    const char *cursor = sc_json_get_text(sc_json_member(root, "next_cursor"), "");
    bool partial = sc_json_get_bool(sc_json_member(root, "partial"), false);
    bool colour = cli->out_is_terminal && cli->colour;
    for (size_t i = 0; i < sc_json_count(results); i++) {
        sc_buf_puts(&out, i > 0 ? "\n" : "");
        put_result(cli, sc_json_at(results, i), colour, &out);
    }
    for (size_t i = 0; i < sc_json_count(names); i++)
        put_name(sc_json_at(names, i), colour, &out);
    int status = sc_cli_done(cli, &out);
    put_total(root, &total);
    if (sc_json_count(names) > 0)
        sc_cli_note(cli, "%s found", sc_buf_text(&total));
    else if (sc_json_count(results) == 0 && cursor[0] == '\0')
        sc_cli_note(cli, partial ? "the search took too long: ask for less" : "nothing found");
    else
        note_total(cli, root, sc_buf_text(&total));
    if (cursor[0] != '\0')
        sc_cli_note(cli, "%s: --cursor %s", partial ? "the search has not ended; go on" : "more",
                    cursor);
    return status;
}

/* Flags that belong to a search, beside what it looks for. */
static const char *const conditions[] = {
    "sort",   "hits", "context", "language", "speaker", "tag",     "file-id", "job-id",
    "status", "is",   "since",   "until",    "longer",  "shorter", "limit",   NULL,
};

static int run(struct sc_cli *cli, const struct sc_args *args, const char *path)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (sc_cli_fetch(cli, "GET", path, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_args_has(args, "count"))
        return print_count(cli, sc_json_root(doc));
    return print_page(cli, sc_json_root(doc));
}

/* ---- saved ones ---- */

/* The body of what is saved: the same parameters as the call has. */
static void put_saved(const struct sc_args *args, const char *name, struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    put_words(args, &text);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "name", name);
    sc_json_object(&w, "search");
    sc_json_str(&w, "q", sc_buf_str(&text));
    if (sc_args_has(args, "substring"))
        sc_json_text(&w, "mode", "substring");
    if (sc_args_has(args, "names"))
        sc_json_text(&w, "in", "names");
    for (const char *const *flag = conditions; *flag != NULL; flag++) {
        SC_AUTO_FREE char *member = sc_strdup(*flag);
        for (char *c = member; *c != '\0'; c++)
            *c = *c == '-' ? '_' : *c;
        if (sc_args_has(args, *flag))
            sc_json_text(&w, member, sc_args_get(args, *flag, ""));
    }
    sc_json_end(&w);
    sc_json_end(&w);
}

/* All of them fit one page: an owner has 100 at most. */
#define SAVED "/api/searches?limit=500"

static enum sc_code find_saved(struct sc_cli *cli, const char *name, struct sc_json_doc **doc,
                               const struct sc_json_value **out, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF shown = { 0 };
    enum sc_code code = sc_cli_fetch(cli, "GET", SAVED, &reply, doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *rows = sc_json_member(sc_json_root(*doc), "searches");
    for (size_t i = 0; i < sc_json_count(rows); i++) {
        *out = sc_json_at(rows, i);
        if (strcmp(sc_json_get_text(sc_json_member(*out, "name"), ""), name) == 0)
            return SC_OK;
    }
    sc_utf8_append_printable(&shown, sc_str_from(name));
    return sc_error_set(err, SC_E_NOT_FOUND,
                        "no saved search is called '%.80s'; `scripta search saved` lists them",
                        sc_buf_text(&shown));
}

/* What would have to be typed, but for the quotes. */
static void put_conditions(const struct sc_json_value *search, struct sc_buf *out)
{
    const struct sc_json_value *value;
    const char *key;
    sc_utf8_append_printable(out, sc_json_get_str(sc_json_member(search, "q"), SC_STR("")));
    for (void *at = sc_json_next_member(search, NULL, &key, &value); at != NULL;
         at = sc_json_next_member(search, at, &key, &value)) {
        if (strcmp(key, "q") == 0)
            continue;
        sc_buf_printf(out, " %s=", key);
        sc_utf8_append_printable(out, sc_json_get_str(value, SC_STR("")));
    }
}

/* Another search of that name becomes this one. */
static enum sc_code change(struct sc_cli *cli, const char *name, const char *body,
                           struct sc_buf *was, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *saved = NULL;
    struct sc_error why = { 0 };
    if (find_saved(cli, name, &doc, &saved, &why) != SC_OK)
        return err->code; /* there is no room for another */
    put_conditions(sc_json_member(saved, "search"), was);
    SC_AUTO_FREE char *path =
        sc_asprintf("/api/searches/%" PRId64, sc_json_get_int(sc_json_member(saved, "id"), 0));
    return sc_cli_call(cli, "PATCH", path, body, &reply, err);
}

static enum sc_code save(struct sc_cli *cli, const struct sc_args *args, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF was = { 0 };
    const char *name = sc_args_get(args, "save", "");
    put_saved(args, name, &body);
    enum sc_code code = sc_cli_call(cli, "POST", "/api/searches", sc_buf_text(&body), &reply, err);
    if (code == SC_E_CONFLICT)
        code = change(cli, name, sc_buf_text(&body), &was, err);
    SC_AUTO_BUF word = { 0 };
    sc_format_word(&word, name);
    if (code == SC_OK)
        sc_cli_note(cli, "saved; run it again with `scripta search run %s%s`%s%s",
                    name[0] == '-' ? "-- " : "", sc_buf_text(&word),
                    was.len > 0 ? "; it was: " : "", sc_buf_text(&was));
    return code;
}

int sc_cmd_search(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const page[] = { "cursor", NULL };
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };
    if (sc_args_has(args, "save") && save(cli, args, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_buf_puts(&path, "/api/search?q=");
    put_words(args, &text);
    sc_url_encode(&path, sc_buf_str(&text));
    if (sc_args_has(args, "substring"))
        sc_buf_puts(&path, "&mode=substring");
    if (sc_args_has(args, "names"))
        sc_buf_puts(&path, "&in=names");
    sc_list_parameters(&path, args, conditions);
    sc_list_parameters(&path, args, page);
    return run(cli, args, sc_buf_text(&path));
}

int sc_cmd_search_run(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const page[] = { "cursor", NULL };
    SC_AUTO_BUF path = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *saved = NULL, *value;
    const char *key;
    struct sc_error err = { 0 };
    if (find_saved(cli, args->words[0], &doc, &saved, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *search = sc_json_member(saved, "search");
    sc_buf_puts(&path, "/api/search?");
    for (void *at = sc_json_next_member(search, NULL, &key, &value); at != NULL;
         at = sc_json_next_member(search, at, &key, &value)) {
        sc_buf_printf(&path, "%s%s=", path.ptr[path.len - 1] == '?' ? "" : "&", key);
        sc_url_encode(&path, sc_json_get_str(value, SC_STR("")));
    }
    sc_list_parameters(&path, args, page);
    return run(cli, args, sc_buf_text(&path));
}

int sc_cmd_search_forget(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *saved = NULL;
    struct sc_error err = { 0 };
    if (find_saved(cli, args->words[0], &doc, &saved, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    SC_AUTO_FREE char *path =
        sc_asprintf("/api/searches/%" PRId64, sc_json_get_int(sc_json_member(saved, "id"), 0));
    if (sc_cli_call(cli, "DELETE", path, NULL, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (cli->quiet)
        return SC_EXIT_OK;
    sc_utf8_append_printable(&out, sc_str_from(args->words[0]));
    sc_buf_puts(&out, " forgotten\n");
    return sc_cli_done(cli, &out);
}

int sc_cmd_search_saved(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_TABLE table = { .titles = { "NAME", "CHANGED", "SEARCH" },
                            .columns = 3,
                            .flexible = 2 };
    struct sc_error err = { 0 };
    (void)args;
    if (sc_cli_fetch(cli, "GET", SAVED, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    const struct sc_json_value *rows = sc_json_member(sc_json_root(doc), "searches");
    for (size_t i = 0; i < sc_json_count(rows); i++) {
        SC_AUTO_BUF cell = { 0 };
        const struct sc_json_value *row = sc_json_at(rows, i);
        sc_table_cell(&table, sc_json_get_text(sc_json_member(row, "name"), ""));
        sc_format_time(&cell, sc_json_get_text(sc_json_member(row, "updated_at"), ""),
                       sc_list_now(cli));
        sc_table_take(&table, &cell);
        put_conditions(sc_json_member(row, "search"), &cell);
        sc_table_take(&table, &cell);
    }
    if (table.cell_count == 0) {
        sc_cli_note(cli, "no saved searches; `scripta search WORD... --save NAME` makes one");
        return SC_EXIT_OK;
    }
    sc_table_render(&table, sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}
