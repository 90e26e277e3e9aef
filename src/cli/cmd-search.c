#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"

#include <inttypes.h>

#include "base/banned.h"

#define MARK "\033[1;31m"
#define TITLE "\033[1m"
#define PLAIN "\033[0m"

/* Words of the command line are one search. */
static void put_query(const struct sc_args *args, struct sc_buf *path)
{
    SC_AUTO_BUF text = { 0 };
    for (size_t i = 0; i < args->word_count; i++) {
        sc_buf_puts(&text, i > 0 ? " " : "");
        sc_buf_puts(&text, args->words[i]);
    }
    sc_url_encode(path, sc_buf_str(&text));
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
        sc_buf_puts(out, colour ? MARK : "");
        sc_utf8_append_printable(out, take_signs(&rest, length));
        sc_buf_puts(out, colour ? PLAIN : "");
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

static int print_page(const struct sc_cli *cli, const struct sc_json_value *root)
{
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF total = { 0 };
    const struct sc_json_value *results = sc_json_member(root, "results");
    const char *cursor = sc_json_get_text(sc_json_member(root, "next_cursor"), "");
    bool partial = sc_json_get_bool(sc_json_member(root, "partial"), false);
    bool colour = cli->out_is_terminal && cli->colour;
    for (size_t i = 0; i < sc_json_count(results); i++) {
        sc_buf_puts(&out, i > 0 ? "\n" : "");
        put_result(cli, sc_json_at(results, i), colour, &out);
    }
    int status = sc_cli_done(cli, &out);
    put_total(root, &total);
    if (sc_json_count(results) == 0 && cursor[0] == '\0')
        sc_cli_note(cli, partial ? "the search took too long: ask for less" : "nothing found");
    else
        sc_cli_note(cli, "%s hits in %" PRId64 " transcripts", sc_buf_text(&total),
                    sc_json_get_int(sc_json_member(root, "total_transcripts"), 0));
    if (cursor[0] != '\0')
        sc_cli_note(cli, "%s: --cursor %s", partial ? "the search has not ended; go on" : "more",
                    cursor);
    return status;
}

int sc_cmd_search(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const filters[] = { "sort",   "hits",    "context", "language", "speaker",
                                           "tag",    "file-id", "job-id",  "status",   "is",
                                           "since",  "until",   "longer",  "shorter",  "limit",
                                           "cursor", NULL };
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    sc_buf_puts(&path, "/api/search?q=");
    put_query(args, &path);
    if (sc_args_has(args, "substring"))
        sc_buf_puts(&path, "&mode=substring");
    sc_list_parameters(&path, args, filters);
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&path), &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_args_has(args, "count"))
        return print_count(cli, sc_json_root(doc));
    return print_page(cli, sc_json_root(doc));
}
