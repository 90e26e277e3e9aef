/* fsck: asks a running server for one slice of the check after another, or makes them itself on a
 * folder that no server has. */
#include "base/alloc.h"
#include "base/fault.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/local-store.h"
#include "cli/progress.h"
#include "library/fsck.h"
#include "json/writer.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

#define SLICE_MS 100
#define NAMED 50 /* problems that people are told one by one; --json tells all */

struct fsck {
    struct sc_cli *cli;
    bool audio, repair, accept;
    struct sc_local_store local; /* store NULL: a server is asked */
    struct sc_blobs *blobs;
    struct sc_buf json; /* the whole answer, written through w */
    struct sc_json w;
    struct sc_buf text; /* the same for people */
    int64_t checked[SC_FSCK_PHASE_COUNT_];
    int64_t problems, orphans, repaired, repairable, accepted;
    struct sc_fsck_place at; /* of the slice at hand, or of the next one */
    bool begun, stopped;     /* a slice is done; not all of them are */
};

static void fsck_done(struct fsck *f)
{
    sc_blobs_close(f->blobs);
    sc_local_store_done(&f->local);
    sc_buf_done(&f->json);
    sc_buf_done(&f->text);
}

/* ---- problems ---- */

static void put_name(struct sc_buf *out, const struct sc_fsck_problem *p)
{
    sc_buf_puts(out, sc_fsck_kind_to_string(p->kind));
    if (p->transcript_id > 0)
        sc_buf_printf(out, ", transcript %" PRId64, p->transcript_id);
    if (p->job_id[0] != '\0')
        sc_buf_printf(out, ", job %s", p->job_id);
    if (p->version > 0)
        sc_buf_printf(out, ", version %d", p->version);
    if (p->segment_id > 0)
        sc_buf_printf(out, ", segment %" PRId64, p->segment_id);
    if (p->chunk >= 0)
        sc_buf_printf(out, ", chunk %d", p->chunk);
    if (p->file_id > 0)
        sc_buf_printf(out, ", file %" PRId64, p->file_id);
}

/* Which words, and when. */
static void put_place(struct sc_buf *out, const struct sc_fsck_problem *p)
{
    if (p->placed) {
        sc_buf_puts(out, "\n    ");
        sc_format_clock(out, (double)p->start_ms / 1000);
        sc_buf_puts(out, " - ");
        sc_format_clock(out, (double)p->end_ms / 1000);
    }
    if (p->placed && p->words != NULL) {
        sc_buf_puts(out, "  ");
        sc_utf8_append_printable(out, sc_str_from(p->words));
    }
    if (p->source != NULL && !p->accepted)
        sc_buf_printf(out, "\n    from %s", p->source);
}

static void take_problem(void *ctx, const struct sc_fsck_problem *p)
{
    struct fsck *f = ctx;
    sc_fsck_problem_view(&f->w, p);
    if (p->kind == SC_FSCK_ORPHAN)
        f->orphans++;
    else
        f->problems++;
    f->repaired += p->repaired ? 1 : 0;
    f->repairable += p->repairable && !p->repaired ? 1 : 0;
    f->accepted += p->accepted ? 1 : 0;
    if (f->problems + f->orphans > NAMED)
        return;
    put_name(&f->text, p);
    sc_buf_puts(&f->text, ": ");
    sc_utf8_append_printable(&f->text, sc_str_from(p->message));
    put_place(&f->text, p);
    sc_buf_puts(&f->text, "\n    ");
    sc_utf8_append_printable(&f->text, sc_str_from(p->remedy));
    sc_buf_putc(&f->text, '\n');
}

/* ---- slices ---- */

static int64_t number(const struct sc_json_value *object, const char *name, int64_t absent)
{
    return sc_json_get_int(sc_json_member(object, name), absent);
}

static const char *text(const struct sc_json_value *object, const char *name)
{
    return sc_json_get_text(sc_json_member(object, name), "");
}

static bool is_told(const struct sc_json_value *object, const char *name)
{
    const struct sc_json_value *value = sc_json_member(object, name);
    return value != NULL && sc_json_type(value) != SC_JSON_NULL;
}

static int64_t milliseconds(const struct sc_json_value *object, const char *name)
{
    return (int64_t)llround(sc_json_get_real(sc_json_member(object, name), 0) * 1000);
}

static void read_problem(struct fsck *f, const struct sc_json_value *from)
{
    struct sc_fsck_problem p = {
        .kind = SC_FSCK_DATABASE,
        .transcript_id = number(from, "transcript_id", 0),
        .segment_id = number(from, "segment_id", 0),
        .file_id = number(from, "file_id", 0),
        .version = (int)number(from, "version", 0),
        .chunk = (int)number(from, "chunk_index", -1),
        .message = text(from, "message"),
        .remedy = text(from, "remedy"),
        .placed = is_told(from, "start"),
        .start_ms = milliseconds(from, "start"),
        .end_ms = milliseconds(from, "end"),
        .words = is_told(from, "words") ? text(from, "words") : NULL,
        .source = is_told(from, "source") ? text(from, "source") : NULL,
        .accepted = sc_json_get_bool(sc_json_member(from, "accepted"), false),
        .repairable = sc_json_get_bool(sc_json_member(from, "repairable"), false),
        .repaired = sc_json_get_bool(sc_json_member(from, "repaired"), false),
    };
    for (int i = 0; i < SC_FSCK_KIND_COUNT_; i++) {
        if (strcmp(text(from, "kind"), sc_fsck_kind_to_string((enum sc_fsck_kind)i)) == 0)
            p.kind = (enum sc_fsck_kind)i;
    }
    (void)snprintf(p.job_id, sizeof(p.job_id), "%s", text(from, "job_id"));
    take_problem(f, &p);
}

static enum sc_code ask(struct fsck *f, const struct sc_fsck_place *from, struct sc_fsck_slice *out,
                        struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json w;
    char after[SC_FSCK_PLACE_TEXT];
    sc_fsck_place_format(from, after);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "after", after);
    sc_json_bool(&w, "audio", f->audio);
    sc_json_bool(&w, "repair", f->repair);
    sc_json_bool(&w, "accept", f->accept);
    sc_json_end(&w);
    enum sc_code code =
        sc_cli_call(f->cli, "POST", "/api/db/fsck", sc_buf_text(&body), &reply, err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&reply), &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *problems = sc_json_member(root, "problems");
    for (size_t i = 0; problems != NULL && i < sc_json_count(problems); i++)
        read_problem(f, sc_json_at(problems, i));
    *out = (struct sc_fsck_slice){
        .checked = number(root, "checked", 0),
        .percent = sc_json_get_real(sc_json_member(root, "percent"), 0),
    };
    const char *next = text(root, "next");
    out->done = !sc_fsck_place_parse(sc_str_from(next), &out->next);
    return SC_OK;
}

static enum sc_code step(struct fsck *f, const struct sc_fsck_place *from,
                         struct sc_fsck_slice *out, struct sc_error *err)
{
    if (f->local.store == NULL)
        return ask(f, from, out, err);
    struct sc_fsck_options options = {
        .store = f->local.store,
        .blobs = f->blobs,
        .root = f->cli->config->data_dir,
        .audio = f->audio,
        .repair = f->repair,
        .accept = f->accept,
        .alone = true,
        .slice_ms = SLICE_MS,
    };
    return sc_fsck_step(&options, from, out, take_problem, f, err);
}

/* ---- the whole of it ---- */

static void show(struct sc_progress_line *line, enum sc_fsck_phase phase, double percent)
{
    struct sc_progress p = { .label = "checking",
                             .stage = sc_fsck_phase_to_string(phase),
                             .percent = percent,
                             .eta_s = -1 };
    sc_progress_show(line, &p);
}

static enum sc_code run(struct fsck *f, struct sc_progress_line *line, struct sc_error *err)
{
    struct sc_fsck_slice slice = { .done = false };
    while (!slice.done) {
        struct sc_fsck_place from = f->at = slice.next;
        (void)SC_FAULT("fsck.slice");
        if (sc_cli_interrupted())
            return sc_error_set(err, SC_E_CANCELLED, "stopped before all was checked");
        show(line, from.phase, slice.percent >= 100 ? 0 : slice.percent);
        enum sc_code code = step(f, &from, &slice, err);
        if (code != SC_OK)
            return code;
        f->checked[from.phase] += slice.checked;
        f->begun = true;
    }
    return SC_OK;
}

/* Is something damaged still? */
static bool is_left(const struct fsck *f)
{
    return f->problems > f->repaired + f->accepted;
}

static const char *verdict(const struct fsck *f)
{
    return f->stopped        ? "stopped"
           : is_left(f)      ? "damaged"
           : f->accepted > 0 ? "accepted"
           : f->repaired > 0 ? "repaired"
                             : "ok";
}

static void put_summary(struct fsck *f)
{
    struct sc_buf *out = &f->text;
    if (f->problems + f->orphans > NAMED)
        sc_buf_printf(out, "and %" PRId64 " more: --json names them\n",
                      f->problems + f->orphans - NAMED);
    sc_buf_printf(out, "%" PRId64 " transcripts, %" PRId64 " chunks, %" PRId64 " files checked%s: ",
                  f->checked[SC_FSCK_TRANSCRIPTS], f->checked[SC_FSCK_CHUNKS],
                  f->checked[SC_FSCK_FILES], f->audio ? " with their audio" : "");
    if (f->problems == 0)
        sc_buf_puts(out, f->stopped ? "sound so far\n" : "all sound\n");
    else
        sc_buf_printf(out,
                      "%" PRId64 " damaged, %" PRId64 " restored, %" PRId64
                      " can be restored with --repair\n",
                      f->problems, f->repaired, f->repairable);
    if (f->accepted > 0)
        sc_buf_printf(out, "%" PRId64 " taken as they are: 'scripta history' says so\n",
                      f->accepted);
    if (f->stopped)
        sc_buf_printf(out, "stopped while it checked the %s: what comes behind is not checked\n",
                      sc_fsck_phase_to_string(f->at.phase));
}

static void end_json(struct fsck *f)
{
    struct sc_json *w = &f->w;
    sc_json_end(w);
    sc_json_text(w, "status", verdict(f));
    if (f->stopped)
        sc_json_text(w, "stopped_in", sc_fsck_phase_to_string(f->at.phase));
    sc_json_object(w, "checked");
    for (int i = 0; i < SC_FSCK_PHASE_COUNT_; i++)
        sc_json_int(w, sc_fsck_phase_to_string((enum sc_fsck_phase)i), f->checked[i]);
    sc_json_end(w);
    sc_json_int(w, "damaged", f->problems);
    sc_json_int(w, "repaired", f->repaired);
    sc_json_int(w, "repairable", f->repairable);
    sc_json_int(w, "accepted", f->accepted);
    sc_json_int(w, "orphans", f->orphans);
    sc_json_end(w);
}

/* All that was found and done, also when it was broken off: repairs stay. */
static int tell(struct fsck *f)
{
    end_json(f);
    put_summary(f);
    if (f->cli->json)
        return sc_cli_done_json(f->cli, &f->json);
    return f->cli->quiet && f->problems == 0 ? SC_EXIT_OK : sc_cli_done(f->cli, &f->text);
}

static enum sc_code open_local(struct fsck *f, struct sc_error *err)
{
    if (sc_cli_server_owns_store(f->cli))
        return SC_OK;
    enum sc_code code = sc_local_store_open(f->cli, false, &f->local, err);
    return code == SC_OK ? sc_blobs_open(f->cli->config->data_dir, &f->blobs, err) : code;
}

int sc_cmd_fsck(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO(fsck_done)
    struct fsck f = { .cli = cli,
                      .audio = sc_args_has(args, "audio"),
                      .accept = sc_args_has(args, "accept") };
    struct sc_error err = { 0 };
    struct sc_progress_line line = { .enabled = cli->err_is_terminal && !cli->quiet,
                                     .colour = cli->colour };
    f.repair = f.accept || sc_args_has(args, "repair");
    sc_cli_catch_signals();
    sc_json_begin(&f.w, &f.json);
    sc_json_object(&f.w, NULL);
    sc_json_array(&f.w, "problems");
    enum sc_code code = open_local(&f, &err);
    if (code == SC_OK)
        code = run(&f, &line, &err);
    sc_progress_clear(&line);
    if (code != SC_OK && !f.begun)
        return sc_cli_fail(cli, &err);
    f.stopped = code != SC_OK;
    int status = tell(&f);
    if (f.stopped)
        return sc_cli_fail(cli, &err);
    return status == SC_EXIT_OK && is_left(&f) ? SC_EXIT_STORE : status;
}
