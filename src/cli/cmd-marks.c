/* Tags and notes. */

#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/list.h"
#include "json/writer.h"

#include "base/banned.h"

/* The path before the id of a kind of things; NULL with *err: there is none of that name. */
static const char *path_of(const char *kind, struct sc_error *err)
{
    static const char *const kinds[][2] = {
        { "file", "/api/files/" },
        { "job", "/api/jobs/" },
        { "transcript", "/api/transcripts/" },
    };
    SC_AUTO_BUF text = { 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        if (strcmp(kind, kinds[i][0]) == 0)
            return kinds[i][1];
    }
    sc_utf8_append_printable(&text, sc_str_from(kind));
    (void)sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is none of file, job and transcript",
                       sc_buf_text(&text));
    return NULL;
}

/* Cuts off what stands in front of the next comma; behind a backslash a comma and a backslash are
 * signs of the tag. */
static void take_tag(struct sc_str *rest, struct sc_buf *out)
{
    size_t i = 0;
    sc_buf_reset(out);
    for (; i < rest->len && rest->ptr[i] != ','; i++) {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len && strchr(",\\", rest->ptr[i + 1]) != NULL)
            i++;
        sc_buf_putc(out, rest->ptr[i]);
    }
    i += i < rest->len;
    *rest = (struct sc_str){ rest->ptr + i, rest->len - i };
}

/* As it can be typed. */
static void put_tag(struct sc_buf *out, struct sc_str tag)
{
    SC_AUTO_BUF typed = { 0 };
    for (size_t i = 0; i < tag.len; i++)
        sc_buf_printf(&typed, "%s%c", strchr(",\\", tag.ptr[i]) != NULL ? "\\" : "", tag.ptr[i]);
    sc_utf8_append_printable(out, sc_buf_str(&typed));
}

/* "--add a,b --add c": one array, when the flag was given. */
static void put_tags(struct sc_json *w, const struct sc_args *args, const char *flag,
                     const char *member)
{
    SC_AUTO_BUF taken = { 0 };
    if (!sc_args_has(args, flag))
        return;
    sc_json_array(w, member);
    for (size_t i = 0; i < args->given_count; i++) {
        struct sc_str rest = sc_str_from(args->given[i].value);
        if (strcmp(args->given[i].flag->name, flag) != 0)
            continue;
        while (rest.len > 0) {
            take_tag(&rest, &taken);
            struct sc_str tag = sc_str_trim(sc_buf_str(&taken));
            if (tag.len > 0)
                sc_json_str(w, NULL, tag);
        }
    }
    sc_json_end(w);
}

/* "file 7: a, b" */
static void put_line(const char *kind, const char *id, const struct sc_json_value *tags,
                     struct sc_buf *out)
{
    sc_buf_printf(out, "%s ", kind);
    sc_utf8_append_printable(out, sc_str_from(id));
    sc_buf_puts(out, ":");
    for (size_t i = 0; tags != NULL && i < sc_json_count(tags); i++) {
        sc_buf_puts(out, i > 0 ? ", " : " ");
        put_tag(out, sc_json_get_str(sc_json_at(tags, i), SC_STR("")));
    }
    sc_buf_putc(out, '\n');
}

/* body NULL: only shown. */
static int tag_one(struct sc_cli *cli, const char *kind, const char *before, const char *id,
                   const char *body)
{
    SC_AUTO_FREE char *path = sc_cli_path(before, id, "");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (sc_cli_call(cli, body == NULL ? "GET" : "PATCH", path, body, &reply, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    put_line(kind, id, sc_json_member(sc_json_root(doc), "tags"), &out);
    return sc_cli_done(cli, &out);
}

static int list_words(struct sc_cli *cli, const struct sc_args *args)
{
    static const struct sc_view_column columns[] = {
        { .title = "TAG", .member = "tag", .flexible = true },
        { .title = "FILES", .member = "files", .kind = SC_VIEW_NUMBER },
        { .title = "JOBS", .member = "jobs", .kind = SC_VIEW_NUMBER },
        { .title = "TRANSCRIPTS", .member = "transcripts", .kind = SC_VIEW_NUMBER },
        { 0 },
    };
    static const char *const filters[] = { "cursor", NULL };
    static const struct sc_list list = { "/api/tags", "tags", columns, filters,
                                         "no tags; `scripta tag file ID --add TAG` puts one" };
    return sc_list_run(cli, args, &list);
}

int sc_cmd_tag(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_json w;
    size_t failed = 0;
    int last = SC_EXIT_OK;
    if (args->word_count == 0)
        return list_words(cli, args);
    const char *before = path_of(args->words[0], &err);
    bool steps = sc_args_has(args, "add") || sc_args_has(args, "remove");
    if (before != NULL && args->word_count == 1)
        (void)sc_error_set(&err, SC_E_INVALID_VALUE, "say which: `scripta tag %s ID`",
                           args->words[0]);
    if (err.code != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    put_tags(&w, args, "tags", "tags");
    put_tags(&w, args, "add", "add_tags");
    put_tags(&w, args, "remove", "remove_tags");
    sc_json_end(&w);
    const char *change = steps || sc_args_has(args, "tags") ? sc_buf_text(&body) : NULL;
    for (size_t i = 1; i < args->word_count; i++) {
        int status = tag_one(cli, args->words[0], before, args->words[i], change);
        if (status != SC_EXIT_OK) {
            failed++;
            last = status;
        }
    }
    return sc_exit_of_several(args->word_count - 1, failed, last);
}

int sc_cmd_note(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json w;
    const char *before = path_of(args->words[0], &err);
    bool change = args->word_count > 2;
    if (before == NULL)
        return sc_cli_fail(cli, &err);
    SC_AUTO_FREE char *path = sc_cli_path(before, args->words[1], "");
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "notes", change ? args->words[2] : "");
    sc_json_end(&w);
    if (sc_cli_call(cli, change ? "PATCH" : "GET", path, change ? sc_buf_text(&body) : NULL, &reply,
                    &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    if (sc_json_parse(sc_buf_str(&reply), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const char *notes = sc_json_get_text(sc_json_member(sc_json_root(doc), "notes"), "");
    struct sc_str rest = sc_str_from(notes);
    while (rest.len > 0) {
        sc_utf8_append_printable(&out, sc_str_take_until(&rest, '\n'));
        sc_buf_putc(&out, '\n');
    }
    if (out.len == 0)
        sc_cli_note(cli, "no notes");
    return sc_cli_done(cli, &out);
}
