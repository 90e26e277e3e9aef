/* scripta files peaks: the outline of a recording, drawn with blocks on a terminal. */
#include "base/alloc.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"

#include "base/banned.h"

#define WIDTH_ELSE 80 /* columns where there is no terminal */

static void draw(const struct sc_json_value *channel, struct sc_buf *out)
{
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    const struct sc_json_value *min = sc_json_member(channel, "min");
    const struct sc_json_value *max = sc_json_member(channel, "max");
    size_t n = min == NULL || max == NULL ? 0 : SC_MIN(sc_json_count(min), sc_json_count(max));

    for (size_t i = 0; i < n; i++) {
        int64_t low = sc_json_get_int(sc_json_at(min, i), 0);
        int64_t high = sc_json_get_int(sc_json_at(max, i), 0);
        int64_t loud = SC_MAX(0, SC_MIN(SC_MAX(-low, high), 127));
        /* Any sound at all is seen: one step is 18 of 127. */
        sc_buf_puts(out, blocks[(loud + 17) / 18]);
    }
    sc_buf_putc(out, '\n');
}

static void describe(const struct sc_json_value *root, struct sc_buf *out)
{
    const struct sc_json_value *channels = sc_json_member(root, "channels");

    for (size_t i = 0; channels != NULL && i < sc_json_count(channels); i++)
        draw(sc_json_at(channels, i), out);
    sc_format_clock(out, sc_json_get_real(sc_json_member(root, "start"), 0));
    sc_buf_puts(out, " to ");
    sc_format_clock(out, sc_json_get_real(sc_json_member(root, "end"), 0));
    sc_buf_printf(out, ", %.2f s each\n",
                  sc_json_get_real(sc_json_member(root, "seconds_per_point"), 0));
}

int sc_cmd_files_peaks(struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const flags[] = { "zoom", "points", "start", "end", NULL };
    SC_AUTO_FREE char *path = sc_cli_path("/api/files/", args->words[0], "/peaks");
    SC_AUTO_BUF query = { 0 };
    SC_AUTO_BUF whole = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    int width = cli->out_is_terminal ? sc_list_width(cli) : WIDTH_ELSE;

    if (!cli->json && !sc_args_has(args, "zoom") && !sc_args_has(args, "points"))
        sc_buf_printf(&query, "&points=%d", width);
    sc_list_parameters(&query, args, flags);
    sc_buf_puts(&whole, path);
    if (query.len > 0) {
        sc_buf_putc(&whole, '?');
        sc_buf_puts(&whole, sc_buf_text(&query) + 1);
    }
    if (sc_cli_fetch(cli, "GET", sc_buf_text(&whole), &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    describe(sc_json_root(doc), &out);
    return sc_cli_done(cli, &out);
}
