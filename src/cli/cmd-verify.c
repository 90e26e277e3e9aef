/* files verify: starts a run on the server and follows it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/list.h"
#include "cli/progress.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define LOOK_MS 200

static enum sc_code put_ids(const struct sc_args *args, struct sc_buf *body, struct sc_error *err)
{
    struct sc_json w;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    if (args->word_count > 0)
        sc_json_array(&w, "file_ids");
    for (size_t i = 0; i < args->word_count; i++) {
        int64_t id;
        if (!sc_str_to_int64(sc_str_from(args->words[i]), &id) || id < 1)
            return sc_error_set(err, SC_E_FILE_NOT_FOUND, "no such file: '%.60s'", args->words[i]);
        sc_json_int(&w, NULL, id);
    }
    if (args->word_count > 0)
        sc_json_end(&w);
    sc_json_end(&w);
    return SC_OK;
}

static int64_t number(const struct sc_json_value *run, const char *name)
{
    return sc_json_get_int(sc_json_member(run, name), 0);
}

static int64_t damaged(const struct sc_json_value *run)
{
    return number(run, "missing") + number(run, "altered") + number(run, "checksums") +
           number(run, "unreadable");
}

static bool has_ended(const struct sc_json_value *run)
{
    const char *status = sc_json_get_text(sc_json_member(run, "status"), "");
    return strcmp(status, "waiting") != 0 && strcmp(status, "running") != 0;
}

static void show(struct sc_progress_line *line, const struct sc_json_value *run)
{
    char label[64];
    int64_t total = number(run, "bytes_total");
    (void)snprintf(label, sizeof(label), "%" PRId64 " of %" PRId64 " files",
                   number(run, "files_done"), number(run, "files_total"));
    struct sc_progress p = {
        .label = label,
        .stage = "verify",
        .percent = total > 0 ? 100.0 * (double)number(run, "bytes_done") / (double)total : -1,
        .eta_s = -1,
    };
    sc_progress_show(line, &p);
}

static void put_result(const struct sc_json_value *run, struct sc_buf *out)
{
    const struct sc_json_value *problems = sc_json_member(run, "problems");
    int64_t bad = damaged(run);
    for (size_t i = 0; problems != NULL && i < sc_json_count(problems); i++) {
        const struct sc_json_value *problem = sc_json_at(problems, i);
        sc_buf_printf(out, "%" PRId64 "  ", number(problem, "file_id"));
        sc_utf8_append_printable(
            out, sc_json_get_str(sc_json_member(problem, "original_name"), SC_STR("")));
        sc_buf_printf(out, ": %s, ",
                      sc_json_get_text(sc_json_member(problem, "damage"), "damaged"));
        sc_utf8_append_printable(out,
                                 sc_json_get_str(sc_json_member(problem, "message"), SC_STR("")));
        sc_buf_putc(out, '\n');
    }
    int64_t purged = number(run, "purged"), read = number(run, "files_done") - purged;
    sc_buf_printf(out, "%" PRId64 " file%s verified", read, read == 1 ? "" : "s");
    if (bad > 0)
        sc_buf_printf(out, ", %" PRId64 " damaged", bad);
    else if (read > 0)
        sc_buf_puts(out, ", all sound");
    if (purged > 0)
        sc_buf_printf(out, "; %" PRId64 " without bytes: cleaned out of the archive", purged);
    sc_buf_putc(out, '\n');
}

static int finish(const struct sc_cli *cli, const struct sc_buf *reply,
                  const struct sc_json_value *run)
{
    SC_AUTO_BUF out = { 0 };
    const char *word = sc_json_get_text(sc_json_member(run, "status"), "");
    bool bad = damaged(run) > 0;
    if (!cli->json && (bad || !cli->quiet))
        put_result(run, &out);
    int status = cli->json ? sc_cli_done_json(cli, reply) : sc_cli_done(cli, &out);
    if (status != SC_EXIT_OK)
        return status;
    if (strcmp(word, "cancelled") == 0)
        return SC_EXIT_CANCELLED;
    return bad || strcmp(word, "completed") != 0 ? SC_EXIT_FAILED : SC_EXIT_OK;
}

/* Ctrl-C ends the run too: nobody would see what it finds. */
static int follow(struct sc_cli *cli, struct sc_buf *reply, struct sc_progress_line *line,
                  struct sc_error *err)
{
    SC_AUTO_FREE char *path = NULL;
    for (bool cancelled = false;;) {
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        enum sc_code code = sc_json_parse(sc_buf_str(reply), &doc, err);
        if (code != SC_OK)
            return sc_cli_fail(cli, err);
        const struct sc_json_value *run = sc_json_root(doc);
        if (has_ended(run)) {
            sc_progress_clear(line);
            return finish(cli, reply, run);
        }
        show(line, run);
        if (path == NULL)
            path = sc_asprintf("/api/files/verify/%" PRId64, number(run, "verify_id"));
        sc_clock_sleep_ms(LOOK_MS);
        const char *method = sc_cli_interrupted() && !cancelled ? "DELETE" : "GET";
        cancelled = cancelled || sc_cli_interrupted();
        if (sc_cli_call(cli, method, path, NULL, reply, err) != SC_OK) {
            sc_progress_clear(line);
            return sc_cli_fail(cli, err);
        }
    }
}

int sc_cmd_files_verify(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    struct sc_error err = { 0 };
    struct sc_progress_line line = { .enabled = cli->err_is_terminal && !cli->quiet,
                                     .colour = cli->colour };
    sc_cli_catch_signals();
    enum sc_code code = put_ids(args, &body, &err);
    if (code == SC_OK)
        code = sc_cli_call(cli, "POST", "/api/files/verify", sc_buf_text(&body), &reply, &err);
    return code == SC_OK ? follow(cli, &reply, &line, &err) : sc_cli_fail(cli, &err);
}
