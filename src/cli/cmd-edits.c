/* Editing transcripts: steps by flags, find and replace, speakers, versions. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/edit-file.h"
#include "cli/format.h"
#include "cli/list.h"
#include "sys/file.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define TEXT_LIMIT ((size_t)16 << 20)

/* ---- what they share ---- */

/* *out: the current version, as the list of versions has it, borrowed from *doc; NULL: none yet. */
static enum sc_code fetch_current(struct sc_cli *cli, const char *id, struct sc_json_doc **doc,
                                  const struct sc_json_value **out, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", id, "/versions?limit=1");
    SC_AUTO_BUF reply = { 0 };
    *out = NULL;
    enum sc_code code = sc_cli_fetch(cli, "GET", path, &reply, doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *all = sc_json_member(sc_json_root(*doc), "versions");
    if (all != NULL && sc_json_count(all) > 0)
        *out = sc_json_at(all, 0);
    return SC_OK;
}

/* The version that is current, which the edit is made of: sent along, so that nobody else's edit is
 * lost, and a call that was repeated does nothing twice. */
static enum sc_code ask_version(struct sc_cli *cli, const char *id, int64_t *version,
                                struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *current;
    enum sc_code code = fetch_current(cli, id, &doc, &current, err);
    if (code == SC_OK)
        *version =
            current == NULL ? 0 : sc_json_get_int(sc_json_member(current, "version_number"), 0);
    return code;
}

/* --base, else the current one; and the note. */
static enum sc_code put_asked(struct sc_cli *cli, const struct sc_args *args, struct sc_json *w,
                              struct sc_error *err)
{
    int64_t base = 0;
    enum sc_code code = sc_args_int(args, "base", 1, INT32_MAX, &base, err);
    if (code == SC_OK && base == 0)
        code = ask_version(cli, args->words[0], &base, err);
    if (code == SC_OK && base > 0)
        sc_json_int(w, "base_version", base);
    if (sc_args_has(args, "note"))
        sc_json_text(w, "change_note", sc_args_get(args, "note", ""));
    return code;
}

static void print_saved(struct sc_cli *cli, const struct sc_args *args,
                        const struct sc_json_value *saved)
{
    const struct sc_json_value *warnings = sc_json_member(saved, "warnings");
    for (size_t i = 0; warnings != NULL && i < sc_json_count(warnings); i++)
        sc_cli_note(cli, "note: %s",
                    sc_json_get_text(sc_json_member(sc_json_at(warnings, i), "message"), ""));
    if (!sc_json_get_bool(sc_json_member(saved, "changed"), false)) {
        sc_cli_note(cli, "nothing has changed: version %" PRId64 " stays",
                    sc_json_get_int(sc_json_member(saved, "version_number"), 0));
        return;
    }
    int64_t count = sc_json_get_int(sc_json_member(saved, "changed_segments"), 0);
    int64_t version = sc_json_get_int(sc_json_member(saved, "version_number"), 0);
    sc_cli_note(cli, "version %" PRId64 ": %" PRId64 " segment%s changed", version, count,
                count == 1 ? "" : "s");
    if (args->command->run == sc_cmd_transcripts_undo)
        sc_cli_note(cli, "forward again: scripta transcripts rollback %s %" PRId64, args->words[0],
                    version - 1);
}

/* A batch numbers its operations, which the user of a flag has not made. */
static void forget_number(struct sc_error *err)
{
    struct sc_str rest = sc_str_from(err->msg);
    int64_t number = 0;
    if (!sc_str_starts(rest, SC_STR("operation ")))
        return;
    (void)sc_str_take_until(&rest, ' ');
    if (sc_str_to_int64(sc_str_take_until(&rest, ':'), &number) && rest.len > 1)
        memmove(err->msg, rest.ptr + 1, rest.len); /* behind the blank, with its NUL */
}

static enum sc_code send(struct sc_cli *cli, const char *method, const char *path,
                         const struct sc_buf *body, struct sc_buf *reply, struct sc_error *err)
{
    return body->failed ? sc_error_set(err, SC_E_BODY_TOO_LARGE, "the edit is too large")
                        : sc_cli_call(cli, method, path, sc_buf_text(body), reply, err);
}

/* Sends the body and tells what became of it. */
static int save(struct sc_cli *cli, const struct sc_args *args, const char *method,
                const char *after, const struct sc_buf *body)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], after);
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (send(cli, method, path, body, &reply, &err) != SC_OK) {
        forget_number(&err);
        return sc_cli_fail(cli, &err);
    }
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    print_saved(cli, args, sc_json_root(doc));
    return SC_EXIT_OK;
}

/* ---- edit ---- */

static const struct {
    const char *name;
    bool inserted; /* of a new segment too */
} step_flags[] = {
    { "text", false },     { "speaker", true },      { "start", true },  { "end", true },
    { "split-at", false }, { "split-after", false }, { "merge", false }, { "delete", false },
    { "insert", true },    { "segment", false },
};

/* The first of them that is given, NULL: none; with --insert, of those that do not go with it. */
static const char *find_step(const struct sc_args *args, bool inserts)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(step_flags); i++) {
        if (sc_args_has(args, step_flags[i].name) && !(inserts && step_flags[i].inserted))
            return step_flags[i].name;
    }
    return NULL;
}

static void put_step(struct sc_json *w, const char *op, int64_t segment)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "op", op);
    if (segment > 0)
        sc_json_int(w, "segment", segment);
}

static enum sc_code put_time(struct sc_json *w, const struct sc_args *args, const char *flag,
                             const char *member, struct sc_error *err)
{
    int64_t ms = 0;
    if (!sc_args_has(args, flag))
        return SC_OK;
    if (!sc_edit_time_parse(sc_str_from(sc_args_get(args, flag, "")), &ms))
        return sc_error_field(err, SC_E_INVALID_VALUE, flag,
                              "--%s must be a time such as 12.5 or 1:02:03.4", flag);
    sc_json_seconds(w, member, ms);
    return SC_OK;
}

static enum sc_code put_inserted(struct sc_json *w, const struct sc_args *args,
                                 struct sc_error *err)
{
    put_step(w, "insert", 0);
    sc_json_text(w, "text", sc_args_get(args, "insert", ""));
    if (sc_args_has(args, "speaker"))
        sc_json_text(w, "speaker", sc_args_get(args, "speaker", ""));
    enum sc_code code = put_time(w, args, "start", "start", err);
    if (code == SC_OK)
        code = put_time(w, args, "end", "end", err);
    sc_json_end(w);
    return code;
}

/* What the flags say about one segment, in the order in which it can be done. */
static enum sc_code put_steps(struct sc_json *w, const struct sc_args *args, int64_t segment,
                              struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (sc_args_has(args, "text")) {
        put_step(w, "text", segment);
        sc_json_text(w, "text", sc_args_get(args, "text", ""));
        sc_json_end(w);
    }
    if (sc_args_has(args, "speaker")) {
        put_step(w, "speaker", segment);
        sc_json_text(w, "speaker", sc_args_get(args, "speaker", ""));
        sc_json_end(w);
    }
    if (sc_args_has(args, "start") || sc_args_has(args, "end")) {
        put_step(w, "times", segment);
        code = put_time(w, args, "start", "start", err);
        code = code == SC_OK ? put_time(w, args, "end", "end", err) : code;
        sc_json_end(w);
    }
    if (code == SC_OK && sc_args_has(args, "split-at")) {
        put_step(w, "split", segment);
        code = put_time(w, args, "split-at", "at", err);
        sc_json_end(w);
    }
    if (code == SC_OK && sc_args_has(args, "split-after")) {
        int64_t words = 0;
        put_step(w, "split", segment);
        code = sc_args_int(args, "split-after", 1, INT32_MAX, &words, err);
        sc_json_int(w, "after_word", words);
        sc_json_end(w);
    }
    if (sc_args_has(args, "merge")) {
        put_step(w, "merge", segment);
        sc_json_end(w);
    }
    if (sc_args_has(args, "delete")) {
        put_step(w, "delete", segment);
        sc_json_end(w);
    }
    return code;
}

/* Flags that say too little, or would be passed over. */
static enum sc_code check_flags(const struct sc_args *args, int64_t segment, struct sc_error *err)
{
    if (sc_args_has(args, "insert")) {
        const char *other = find_step(args, true);
        if (other != NULL)
            return sc_error_field(err, SC_E_INVALID_VALUE, other,
                                  "--insert makes a new segment: leave --%s out", other);
        if (!sc_args_has(args, "start") || !sc_args_has(args, "end"))
            return sc_error_field(err, SC_E_INVALID_VALUE, "insert",
                                  "say when the new segment begins and ends, with --start and "
                                  "--end");
        return SC_OK;
    }
    if (segment == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "segment",
                              "say which segment with --segment; `scripta transcripts show "
                              "TRANSCRIPT` prints their ids");
    if (strcmp(find_step(args, false), "segment") == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "segment",
                              "say what is to change: --text, --speaker, --start, --end, "
                              "--split-at, --split-after, --merge or --delete");
    return SC_OK;
}

static int edit_by_flags(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF body = { 0 };
    struct sc_json w;
    struct sc_error err = { 0 };
    int64_t segment = 0;
    bool inserts = sc_args_has(args, "insert");
    enum sc_code code = sc_args_int(args, "segment", 1, INT64_MAX, &segment, &err);
    if (code == SC_OK)
        code = check_flags(args, segment, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "operations");
    code = inserts ? put_inserted(&w, args, &err) : put_steps(&w, args, segment, &err);
    sc_json_end(&w);
    if (code == SC_OK)
        code = put_asked(cli, args, &w, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_end(&w);
    return save(cli, args, "POST", "/edit", &body);
}

/* All of it, as a text. */
static int edit_by_plain_text(struct sc_cli *cli, const struct sc_args *args, struct sc_str text)
{
    SC_AUTO_BUF body = { .limit = 2 * TEXT_LIMIT };
    struct sc_json w;
    struct sc_error err = { 0 };
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    if (put_asked(cli, args, &w, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_str(&w, "text", text);
    sc_json_end(&w);
    return save(cli, args, "PUT", "", &body);
}

/* What somebody can do whose text is of another version than the one that is current. */
static void tell_way_on(struct sc_cli *cli, const struct sc_args *args, const char *kept,
                        int64_t version)
{
    int64_t current = 0;
    struct sc_error err = { 0 };
    const char *id = args->words[0];
    if (ask_version(cli, id, &current, &err) != SC_OK || current <= version)
        return;
    sc_cli_note(cli,
                "what was changed meanwhile: scripta transcripts compare %s %" PRId64 " %" PRId64,
                id, version, current);
    sc_cli_note(cli,
                "your changes on top of it: scripta transcripts edit --text-file %s --base %" PRId64
                " %s",
                kept, current, id);
}

/* What both changed, and how that is settled. */
static void tell_conflicts(struct sc_cli *cli, const struct sc_args *args,
                           const struct sc_edit_file *file)
{
    struct sc_str rest = sc_buf_str(&file->conflicts);
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        sc_cli_note(cli, "%.*s", (int)line.len, line.ptr);
    }
    sc_cli_note(cli,
                "make these as theirs in %s and give the same command again: it saves the rest of "
                "yours. Then settle them: scripta transcripts edit %s",
                sc_args_get(args, "text-file", "-"), args->words[0]);
}

/* A version as it is shown to an editor. */
static enum sc_code fetch_base(struct sc_cli *cli, const struct sc_args *args, int64_t version,
                               struct sc_edit_file *out, struct sc_error *err)
{
    SC_AUTO_FREE char *after = sc_asprintf("?version=%" PRId64, version);
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], after);
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_cli_fetch(cli, "GET", path, &shown, &doc, err);
    return code == SC_OK ? sc_edit_file_base(out, SC_TAKE(doc), err) : code;
}

/* Sends the steps that make the text of the version that it was edited from; with --base of that
 * one, with both what was written and what others changed. */
static enum sc_code send_steps(struct sc_cli *cli, const struct sc_args *args,
                               struct sc_edit_file *file, struct sc_str text, struct sc_buf *reply,
                               struct sc_error *err)
{
    SC_AUTO_BUF body = { .limit = 2 * TEXT_LIMIT };
    SC_AUTO(sc_edit_file_done) struct sc_edit_file theirs = { 0 };
    struct sc_edit_asks asks = { .note = sc_args_get(args, "note", NULL) };
    int64_t base = 0;
    enum sc_code code = sc_args_int(args, "base", 1, INT32_MAX, &base, err);
    if (code == SC_OK && base != 0 && base < file->version)
        code = sc_error_field(err, SC_E_CONFLICT, "base",
                              "the text is of version %" PRId64 ", so %" PRId64
                              " is not the current one",
                              file->version, base);
    if (code == SC_OK && base > file->version) {
        asks.theirs = &theirs;
        code = fetch_base(cli, args, base, &theirs, err);
    }
    if (code == SC_OK)
        code = sc_edit_file_compare(file, text, &asks, &body, err);
    if (code != SC_OK || file->steps == 0)
        return code;
    SC_AUTO_FREE char *path =
        sc_cli_path("/api/transcripts/", args->words[0], file->whole ? "" : "/edit");
    return send(cli, file->whole ? "PUT" : "POST", path, &body, reply, err);
}

/* As the server says it of an edit that changes nothing. */
static int print_unchanged(struct sc_cli *cli, const struct sc_args *args,
                           const struct sc_edit_file *file)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    const struct sc_json_value *current;
    struct sc_json w;
    if (fetch_current(cli, args->words[0], &doc, &current, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", file->transcript);
    sc_json_int(&w, "version_number",
                sc_json_get_int(sc_json_member(current, "version_number"), 0));
    sc_json_bool(&w, "changed", false);
    sc_json_int(&w, "changed_segments", 0);
    sc_json_int(&w, "segment_count", sc_json_get_int(sc_json_member(current, "segment_count"), 0));
    sc_json_int(&w, "word_count", sc_json_get_int(sc_json_member(current, "word_count"), 0));
    sc_json_array(&w, "warnings");
    sc_json_end(&w);
    sc_json_end(&w);
    return sc_cli_done_json(cli, &out);
}

static int print_steps_saved(struct sc_cli *cli, const struct sc_args *args,
                             const struct sc_edit_file *file, const struct sc_buf *reply)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *saved = NULL;
    struct sc_error err = { 0 };
    if (file->steps == 0 && cli->json)
        return print_unchanged(cli, args, file);
    if (file->steps == 0) {
        sc_cli_note(cli, "nothing has changed");
        return SC_EXIT_OK;
    }
    if (cli->json)
        return sc_cli_done_json(cli, reply);
    if (sc_json_parse(sc_buf_str(reply), &saved, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    print_saved(cli, args, sc_json_root(saved));
    return SC_EXIT_OK;
}

/* A file that an editor had, with its marks: compared with the version that it was made of. */
static int edit_by_marked_text(struct sc_cli *cli, const struct sc_args *args, struct sc_str text,
                               int64_t version)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_edit_file_done) struct sc_edit_file file = { 0 };
    struct sc_error err = { 0 };
    enum sc_code code = fetch_base(cli, args, version, &file, &err);
    if (code == SC_OK)
        code = send_steps(cli, args, &file, text, &reply, &err);
    if (code == SC_OK)
        return print_steps_saved(cli, args, &file, &reply);
    int status = sc_cli_fail(cli, &err);
    if (file.conflicts.len > 0)
        tell_conflicts(cli, args, &file);
    else if (code == SC_E_CONFLICT)
        tell_way_on(cli, args, sc_args_get(args, "text-file", "-"), version);
    return status;
}

static int edit_by_text(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF text = { .limit = TEXT_LIMIT };
    struct sc_error err = { 0 };
    int64_t transcript = 0, version = 0;
    if (sc_edit_text_read(sc_args_get(args, "text-file", "-"), &text, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return sc_edit_file_head(sc_buf_str(&text), &transcript, &version)
               ? edit_by_marked_text(cli, args, sc_buf_str(&text), version)
               : edit_by_plain_text(cli, args, sc_buf_str(&text));
}

/* Who was late is told how to go on by tell_way_on; whatever else kept the text from being saved
 * can be put right in the file itself. */
static int tell_kept(struct sc_cli *cli, const struct sc_args *args,
                     const struct sc_edit_file *file, const struct sc_error *err)
{
    int status = sc_cli_fail(cli, err);
    sc_cli_note(cli, "what you wrote is kept in %s", file->path);
    if (err->code == SC_E_CONFLICT)
        tell_way_on(cli, args, file->path, file->version);
    else
        sc_cli_note(cli, "to save it: scripta transcripts edit --text-file %s %s", file->path,
                    args->words[0]);
    return status;
}

/* In the editor: what was typed is kept when it cannot be saved. */
static int edit_in_editor(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], "");
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO_BUF text = { .limit = TEXT_LIMIT };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_edit_file_done) struct sc_edit_file file = { 0 };
    struct sc_error err = { 0 };
    if (!cli->out_is_terminal && getenv("VISUAL") == NULL && getenv("EDITOR") == NULL) {
        (void)sc_error_set(&err, SC_E_INVALID_VALUE,
                           "this is no terminal: say what is to change by flags, such as "
                           "--segment 3 --text 'good evening', or give all of it with --text-file");
        return sc_cli_fail(cli, &err);
    }
    if (sc_cli_fetch(cli, "GET", path, &shown, &doc, &err) != SC_OK ||
        sc_edit_file_write(&file, SC_TAKE(doc), &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    bool kept = true;
    enum sc_code code = sc_edit_file_open(&file, &kept, &err);
    if (code == SC_OK)
        code = sc_edit_text_read(file.path, &text, &err);
    if (code == SC_OK && sc_utf8_is_blank(sc_buf_str(&text))) { /* there is nothing to keep */
        kept = false;
        sc_edit_file_forget(&file);
    }
    if (code == SC_OK)
        code = send_steps(cli, args, &file, sc_buf_str(&text), &reply, &err);
    if (code != SC_OK)
        return kept ? tell_kept(cli, args, &file, &err) : sc_cli_fail(cli, &err);
    sc_edit_file_forget(&file);
    return print_steps_saved(cli, args, &file, &reply);
}

int sc_cmd_transcripts_edit(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    const char *step = find_step(args, false);
    if (!sc_args_has(args, "text-file"))
        return step != NULL ? edit_by_flags(cli, args) : edit_in_editor(cli, args);
    if (step == NULL)
        return edit_by_text(cli, args);
    (void)sc_error_field(&err, SC_E_INVALID_VALUE, step,
                         "--text-file gives all of the text: leave --%s out", step);
    return sc_cli_fail(cli, &err);
}

/* ---- replace ---- */

/* "-good morning" and "+good evening" of each segment. */
static void put_places(const struct sc_cli *cli, const struct sc_json_value *reply,
                       struct sc_buf *out)
{
    const struct sc_json_value *places = sc_json_member(reply, "places");
    bool colour = cli->out_is_terminal && cli->colour;
    for (size_t i = 0; places != NULL && i < sc_json_count(places); i++) {
        const struct sc_json_value *p = sc_json_at(places, i);
        sc_buf_printf(out, "segment %" PRId64 " at ",
                      sc_json_get_int(sc_json_member(p, "segment"), 0));
        sc_format_clock(out, sc_json_get_real(sc_json_member(p, "start"), -1));
        sc_buf_puts(out, colour ? "\n\033[31m- " : "\n- ");
        sc_utf8_append_printable(out, sc_json_get_str(sc_json_member(p, "before"), SC_STR("")));
        sc_buf_puts(out, colour ? "\033[0m\n\033[32m+ " : "\n+ ");
        sc_utf8_append_printable(out, sc_json_get_str(sc_json_member(p, "after"), SC_STR("")));
        sc_buf_puts(out, colour ? "\033[0m\n" : "\n");
    }
}

static int print_replaced(struct sc_cli *cli, const struct sc_buf *reply, bool dry_run)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    if (sc_json_parse(sc_buf_str(reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *root = sc_json_root(doc);
    int64_t count = sc_json_get_int(sc_json_member(root, "count"), 0);
    put_places(cli, root, &out);
    int status = sc_cli_done(cli, &out);
    if (count == 0)
        sc_cli_note(cli, "it stands nowhere");
    else if (dry_run)
        sc_cli_note(cli, "%" PRId64 " place%s; --yes replaces %s", count, count == 1 ? "" : "s",
                    count == 1 ? "it" : "them");
    else
        sc_cli_note(cli, "version %" PRId64 ": %" PRId64 " place%s replaced",
                    sc_json_get_int(sc_json_member(root, "version_number"), 0), count,
                    count == 1 ? "" : "s");
    return status;
}

int sc_cmd_transcripts_replace(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], "/replace");
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    struct sc_json w;
    struct sc_error err = { 0 };
    bool dry_run = !sc_args_has(args, "yes");
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "find", args->words[1]);
    sc_json_text(&w, "replace", args->words[2]);
    sc_json_bool(&w, "match_case", sc_args_has(args, "match-case"));
    sc_json_bool(&w, "whole_words", sc_args_has(args, "whole-words"));
    sc_json_bool(&w, "dry_run", dry_run);
    if (put_asked(cli, args, &w, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_end(&w);
    if (send(cli, "POST", path, &body, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return cli->json ? sc_cli_done_json(cli, &reply) : print_replaced(cli, &reply, dry_run);
}

/* ---- speakers ---- */

struct speaker {
    const char *name;
    int64_t segments;
    double seconds;
};

static size_t count_speakers(const struct sc_json_value *segments, struct speaker *out)
{
    size_t count = 0;
    for (size_t i = 0; i < sc_json_count(segments); i++) {
        const struct sc_json_value *s = sc_json_at(segments, i);
        const char *name = sc_json_get_text(sc_json_member(s, "speaker"), "");
        size_t at = 0;
        while (at < count && strcmp(out[at].name, name) != 0)
            at++;
        if (at == count)
            out[count++] = (struct speaker){ .name = name };
        out[at].segments++;
        out[at].seconds += sc_json_get_real(sc_json_member(s, "end"), 0) -
                           sc_json_get_real(sc_json_member(s, "start"), 0);
    }
    return count;
}

static void speakers_json(const struct speaker *all, size_t count, struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "speakers");
    for (size_t i = 0; i < count; i++) {
        sc_json_object(&w, NULL);
        sc_json_text(&w, "speaker", all[i].name[0] == '\0' ? NULL : all[i].name);
        sc_json_int(&w, "segments", all[i].segments);
        sc_json_real(&w, "seconds", all[i].seconds, 3);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_end(&w);
}

static int list_speakers(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "SPEAKER", .member = "speaker" },
        { .title = "SEGMENTS", .member = "segments", .kind = SC_VIEW_NUMBER },
        { .title = "SPEAKS", .member = "seconds", .kind = SC_VIEW_SECONDS },
        { 0 },
    };
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], "");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF json = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *made = NULL;
    struct sc_error err = { 0 };
    if (sc_cli_fetch(cli, "GET", path, &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *segments = sc_json_member(sc_json_root(doc), "segments");
    SC_AUTO_FREE struct speaker *all = sc_alloc_array(sc_json_count(segments) + 1, sizeof(*all));
    speakers_json(all, count_speakers(segments, all), &json);
    if (cli->json)
        return sc_cli_done_json(cli, &json);
    if (sc_json_parse(sc_buf_str(&json), &made, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_view_table(sc_json_member(sc_json_root(made), "speakers"), columns, sc_list_now(cli),
                  sc_list_width(cli), &out);
    return sc_cli_done(cli, &out);
}

int sc_cmd_transcripts_speakers(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_json w;
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    if (args->word_count == 1)
        return list_speakers(cli, args);
    if (args->word_count == 2) {
        (void)sc_error_set(&err, SC_E_INVALID_VALUE,
                           "two names are needed: the one that stands there, and the new one");
        return sc_cli_fail(cli, &err);
    }
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "operations");
    put_step(&w, "rename_speaker", 0);
    sc_json_text(&w, "from", args->words[1]);
    sc_json_text(&w, "to", args->words[2]);
    sc_json_end(&w);
    sc_json_end(&w);
    if (put_asked(cli, args, &w, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_end(&w);
    return save(cli, args, "POST", "/edit", &body);
}

/* ---- versions ---- */

static int go_back(struct sc_cli *cli, const struct sc_args *args, const char *after)
{
    struct sc_json w;
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    if (put_asked(cli, args, &w, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_end(&w);
    return save(cli, args, "POST", after, &body);
}

int sc_cmd_transcripts_rollback(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *after = sc_cli_path("/rollback/", args->words[1], "");
    return go_back(cli, args, after);
}

int sc_cmd_transcripts_undo(struct sc_cli *cli, const struct sc_args *args)
{
    return go_back(cli, args, "/undo");
}

int sc_cmd_transcripts_prune(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/transcripts/", args->words[0], "/prune");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    int64_t keep = 0;
    enum sc_code code = sc_args_int(args, "keep", 1, INT32_MAX, &keep, &err);
    if (code == SC_OK && keep == 0)
        code = sc_error_field(&err, SC_E_INVALID_VALUE, "keep",
                              "say with --keep how many of the newest versions stay");
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "keep", keep);
    sc_json_end(&w);
    if (code == SC_OK)
        code = send(cli, "POST", path, &body, &reply, &err);
    if (code == SC_OK && !cli->json)
        code = sc_json_parse(sc_buf_str(&reply), &doc, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    int64_t removed = sc_json_get_int(sc_json_member(sc_json_root(doc), "removed"), 0);
    sc_cli_note(cli, "%" PRId64 " version%s removed", removed, removed == 1 ? "" : "s");
    return SC_EXIT_OK;
}
