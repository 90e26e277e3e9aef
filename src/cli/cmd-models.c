/* The models of the engine whisper. They lie in the data folder (or where models.dir says), and
 * these commands work on it whether a server runs or not; it sees what has changed by itself. */
#include "models/tell.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"
#include "cli/progress.h"

#include "base/banned.h"

/* ---- how far it is ---- */

struct showing {
    struct sc_cli *cli;
    const char *label;
    const char *stage; /* at hand; static */
    int64_t begun_ms, from;
    struct sc_progress_line line;
    struct sc_models_watch watch;
};

static void show(void *ctx, const char *stage, int64_t done, int64_t total)
{
    struct showing *s = ctx;
    int64_t now = sc_clock_mono_ms();
    if (s->stage == NULL || strcmp(s->stage, stage) != 0) {
        s->stage = stage;
        s->begun_ms = now;
        s->from = done;
    }
    double took = (double)(now - s->begun_ms) / 1000, came = (double)(done - s->from);
    bool known = total > 0 && took > 1 && came > 0;
    const struct sc_progress p = {
        .label = s->label,
        .stage = stage,
        .percent = total > 0 ? 100.0 * (double)done / (double)total : -1,
        .eta_s = known ? took / came * (double)(total - done) : -1,
    };
    sc_progress_show(&s->line, &p);
}

static void note(void *ctx, const char *text)
{
    struct showing *s = ctx;
    sc_progress_clear(&s->line);
    sc_cli_note(s->cli, "%s", text);
}

static bool stopped(void *ctx)
{
    (void)ctx;
    return sc_cli_interrupted();
}

static void begin_showing(struct showing *s, struct sc_cli *cli, const char *label)
{
    *s = (struct showing){
        .cli = cli,
        .label = label,
        .line = { .enabled = cli->err_is_terminal && !cli->quiet, .colour = cli->colour },
        .watch = { .show = show, .note = note, .stop = stopped, .ctx = s },
    };
    sc_cli_catch_signals();
}

/* The folder of another machine is not here. */
static enum sc_code check_local(const struct sc_cli *cli, struct sc_error *err)
{
    if (sc_cli_server_is_local(cli))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "server",
                          "models are brought and removed on the server's own machine: run this "
                          "there, without --server");
}

/* ---- list and info ---- */

/* What is there, and below it what is to become something yet. */
static void put_lists(struct sc_cli *cli, const struct sc_json_value *root, struct sc_buf *out)
{
    static const struct sc_view_column columns[] = {
        { .title = "NAME", .member = "name", .flexible = true },
        { .title = "STATE", .member = "state" },
        { .title = "DEFAULT", .member = "default", .kind = SC_VIEW_YES_NO },
        { .title = "TYPE", .member = "type" },
        { .title = "LANGUAGES", .member = "languages", .kind = SC_VIEW_NUMBER, .minor = 3 },
        { .title = "SIZE", .member = "size_bytes", .kind = SC_VIEW_SIZE },
        { .title = "MEMORY", .member = "memory_bytes", .kind = SC_VIEW_SIZE, .minor = 4 },
        { .title = "ADDED", .member = "added", .kind = SC_VIEW_TIME, .minor = 2 },
        { .title = "SUM FROM", .member = "sum_from", .minor = 1 },
        { 0 },
    };
    static const struct sc_view_column rests[] = {
        { .title = "UNFINISHED", .member = "name", .flexible = true },
        { .title = "BY", .member = "kind" },
        { .title = "STATE", .member = "state" },
        { .title = "HERE", .member = "size_bytes", .kind = SC_VIEW_SIZE },
        { .title = "OF", .member = "total_bytes", .kind = SC_VIEW_SIZE },
        { .title = "LAST BYTE", .member = "changed", .kind = SC_VIEW_TIME },
        { .title = "FROM", .member = "source", .minor = 1 },
        { 0 },
    };
    const struct sc_json_value *models = sc_json_member(root, "models");
    const struct sc_json_value *unfinished = sc_json_member(root, "unfinished");
    if (sc_json_count(models) > 0)
        sc_view_table(models, columns, sc_list_now(cli), sc_list_width(cli), out);
    else
        sc_cli_note(cli, "no models: `scripta models add FILE` takes one that is here, `scripta "
                         "models pull NAME` brings one");
    if (unfinished == NULL || sc_json_count(unfinished) == 0)
        return;
    if (out->len > 0)
        sc_buf_putc(out, '\n');
    sc_view_table(unfinished, rests, sc_list_now(cli), sc_list_width(cli), out);
    sc_cli_note(cli, "the same `scripta models pull` goes on with what a pull left, an add begins "
                     "anew; `scripta models remove NAME` removes it");
}

static void tell_problems(struct sc_cli *cli, const struct sc_json_value *root)
{
    const struct sc_json_value *problems = sc_json_member(root, "problems");
    for (size_t i = 0; problems != NULL && i < sc_json_count(problems); i++)
        sc_cli_note(cli, "scripta: warning: %s",
                    sc_json_get_text(sc_json_member(sc_json_at(problems, i), "message"), ""));
    const struct sc_json_value *warnings = sc_json_member(root, "warnings");
    for (size_t i = 0; warnings != NULL && i < sc_json_count(warnings); i++)
        sc_cli_note(cli, "scripta: warning: %s", sc_json_get_text(sc_json_at(warnings, i), ""));
}

int sc_cmd_models_list(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    (void)args;
    enum sc_code code = sc_cli_server_is_local(cli)
                            ? sc_models_json(cli->config, &reply, &err)
                            : sc_cli_call(cli, "GET", "/api/models", NULL, &reply, &err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&reply), &doc, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        return sc_cli_done_json(cli, &reply);
    put_lists(cli, sc_json_root(doc), &out);
    tell_problems(cli, sc_json_root(doc));
    return sc_cli_done(cli, &out);
}

/* As the lines above it stand. */
static void put_size(struct sc_buf *out, const char *label, int64_t bytes)
{
    sc_buf_printf(out, "%-10s ", label);
    sc_format_size(out, bytes);
    sc_buf_putc(out, '\n');
}

/* One model as JSON, or as lines for people. */
static int print_model(struct sc_cli *cli, const struct sc_model *m, bool is_default)
{
    static const char *const skip[] = { "size_bytes", "memory_bytes", "system", NULL };
    SC_AUTO_BUF json = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &json);
    sc_model_write(&w, NULL, m, is_default);
    if (cli->json)
        return sc_cli_done_json(cli, &json);
    if (sc_json_parse(sc_buf_str(&json), &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    sc_view_object(sc_json_root(doc), skip, sc_list_now(cli), &out);
    put_size(&out, "size:", m->size_bytes);
    put_size(&out, "memory:", sc_model_memory(m, NULL));
    return sc_cli_done(cli, &out);
}

static bool is_default(const struct sc_cli *cli, const struct sc_model *m)
{
    SC_AUTO_MODELS all = { 0 };
    if (sc_models_list(cli->config, &all, NULL) != SC_OK)
        return false;
    const struct sc_model *best = sc_models_default(cli->config, &all);
    return best != NULL && strcmp(best->path, m->path) == 0;
}

int sc_cmd_models_info(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO_FREE char *full = realpath(args->words[0], NULL);
    bool is_path = full != NULL && strchr(args->words[0], '/') != NULL;
    struct sc_error err = { 0 };
    enum sc_code code = check_local(cli, &err);
    if (code == SC_OK)
        code = sc_models_get(cli->config, is_path ? full : args->words[0], &m, &err);
    if (code == SC_E_NOT_FOUND && full != NULL && !is_path) /* no model of ours is called so */
        code = sc_models_get(cli->config, full, &m, &err);
    /* What is told is looked up in the model itself. */
    if (code == SC_OK)
        code = sc_models_inspect(m.path, &m.facts, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    m.is_inspected = true;
    return print_model(cli, &m, is_default(cli, &m));
}

/* ---- bringing and removing ---- */

/* How it is used, or what must be done first. */
static void tell_use(struct sc_cli *cli, const struct sc_model *m)
{
    SC_AUTO_BUF limit = { 0 };
    struct sc_whisper_use use;
    sc_models_use(cli->config, "", &use);
    if (sc_model_memory(m, &use) <= sc_models_budget(cli->config)) {
        sc_cli_note(cli, "`scripta transcribe -e whisper -m %s FILE` uses it", m->name);
        return;
    }
    sc_format_size(&limit, sc_models_budget(cli->config));
    sc_cli_note(cli, "a worker may spend %s: raise engine.memory to use it", sc_buf_text(&limit));
}

/* A model that has come: its name for scripts, what it is for people. */
static int report(struct sc_cli *cli, const struct sc_model *m)
{
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF size = { 0 };
    SC_AUTO_BUF memory = { 0 };
    if (cli->json)
        return print_model(cli, m, is_default(cli, m));
    sc_format_size(&size, m->size_bytes);
    sc_format_size(&memory, sc_model_memory(m, NULL));
    sc_cli_note(cli, "%s: %s, %s, %s, needs %s of memory", m->name, sc_buf_text(&size),
                m->facts.type, m->facts.languages == 1 ? "English alone" : "many languages",
                sc_buf_text(&memory));
    tell_use(cli, m);
    if (!cli->out_is_terminal || cli->quiet) /* people have just read it */
        sc_buf_printf(&out, "%s\n", m->name);
    return sc_cli_done(cli, &out);
}

/* The flag --sha256, as sums are written here; NULL: not given. */
static enum sc_code wanted_sum(const struct sc_args *args, char out[SC_SHA256_TEXT],
                               const char **sum, struct sc_error *err)
{
    const char *given = sc_args_get(args, "sha256", NULL);
    *sum = given == NULL ? NULL : out;
    if (given == NULL || sc_models_sum_parse(sc_str_from(given), out))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "sha256",
                          "--sha256 takes 64 hexadecimal digits, as `sha256sum` prints them");
}

typedef enum sc_code (*bring_fn)(const struct sc_config *, const struct sc_model_wish *,
                                 const struct sc_models_watch *, struct sc_model *,
                                 struct sc_error *);

static int bring(struct sc_cli *cli, const struct sc_args *args, bring_fn fn)
{
    SC_AUTO_MODEL m = { 0 };
    struct showing s;
    struct sc_error err = { 0 };
    char sum[SC_SHA256_TEXT];
    struct sc_model_wish wish = {
        .what = args->words[0],
        .name = sc_args_get(args, "name", NULL),
        .replace = sc_args_has(args, "replace"),
    };
    begin_showing(&s, cli, args->words[0]);
    enum sc_code code = check_local(cli, &err);
    if (code == SC_OK)
        code = wanted_sum(args, sum, &wish.sha256, &err);
    if (code == SC_OK)
        code = fn(cli->config, &wish, &s.watch, &m, &err);
    sc_progress_clear(&s.line);
    /* Of a server that is none of Scripta's. */
    if (code == SC_E_SERVER_UNREACHABLE)
        return sc_cli_fail_hint(cli, &err,
                                "is the address right, and can it be reached from here?");
    return code == SC_OK ? report(cli, &m) : sc_cli_fail(cli, &err);
}

int sc_cmd_models_add(struct sc_cli *cli, const struct sc_args *args)
{
    return bring(cli, args, sc_models_add);
}

int sc_cmd_models_pull(struct sc_cli *cli, const struct sc_args *args)
{
    return bring(cli, args, sc_models_pull);
}

int sc_cmd_models_remove(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF size = { 0 };
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    int64_t freed = 0;
    enum sc_code code = check_local(cli, &err);
    if (code == SC_OK)
        code = sc_models_remove(cli->config, args->words[0], &freed, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json) {
        struct sc_json w;
        sc_json_begin(&w, &out);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "name", args->words[0]);
        sc_json_int(&w, "freed_bytes", freed);
        sc_json_end(&w);
        return sc_cli_done_json(cli, &out);
    }
    sc_format_size(&size, freed);
    sc_buf_printf(&out, "%s removed, %s freed\n", args->words[0], sc_buf_text(&size));
    return sc_cli_done(cli, &out);
}

/* ---- verifying ---- */

struct verifying {
    struct sc_cli *cli;
    struct sc_buf out;
    struct sc_json json;
    size_t count, failed;
    int last; /* exit status of the last that failed */
};

static bool verify_one(struct verifying *v, const char *name)
{
    SC_AUTO_MODEL m = { 0 };
    struct showing s;
    struct sc_error err = { 0 };
    begin_showing(&s, v->cli, name);
    enum sc_code code = sc_models_verify(v->cli->config, name, &s.watch, &m, &err);
    sc_progress_clear(&s.line);
    v->count++;
    if (v->cli->json) {
        sc_json_object(&v->json, NULL);
        sc_json_text(&v->json, "name", code == SC_OK ? m.name : name);
        sc_json_bool(&v->json, "ok", code == SC_OK);
        sc_json_text(&v->json, "sha256", code == SC_OK ? m.facts.sha256 : NULL);
        sc_json_text(&v->json, "message", code == SC_OK ? NULL : err.msg);
        sc_json_end(&v->json);
    } else if (code == SC_OK) {
        sc_buf_printf(&v->out, "%s ok %s\n", m.name, m.facts.sha256);
    }
    if (code == SC_OK)
        return true;
    v->failed++;
    v->last = sc_code_exit_status(code);
    if (!v->cli->json)
        v->last = sc_cli_fail(v->cli, &err);
    return code != SC_E_CANCELLED;
}

static enum sc_code verify_all(struct verifying *v, const struct sc_args *args,
                               struct sc_error *err)
{
    SC_AUTO_MODELS all = { 0 };
    SC_AUTO_BUF strays = { 0 };
    bool go_on = true;
    for (size_t i = 0; i < args->word_count && go_on; i++)
        go_on = verify_one(v, args->words[i]);
    if (args->word_count > 0)
        return SC_OK;
    enum sc_code code = sc_models_list(v->cli->config, &all, err);
    for (size_t i = 0; code == SC_OK && i < all.count && go_on; i++)
        go_on = verify_one(v, all.rows[i].name);
    sc_models_warn(&all, &strays);
    if (strays.len > 0)
        sc_cli_note(v->cli, "scripta: warning: %s", sc_buf_text(&strays));
    return code;
}

int sc_cmd_models_verify(struct sc_cli *cli, const struct sc_args *args)
{
    struct verifying v = { .cli = cli };
    struct sc_error err = { 0 };
    enum sc_code code = check_local(cli, &err);
    sc_json_begin(&v.json, &v.out);
    if (cli->json) {
        sc_json_object(&v.json, NULL);
        sc_json_array(&v.json, "models");
    }
    if (code == SC_OK)
        code = verify_all(&v, args, &err);
    if (cli->json) {
        sc_json_end(&v.json);
        sc_json_end(&v.json);
    }
    int status = code != SC_OK ? sc_cli_fail(cli, &err)
                 : cli->json   ? sc_cli_done_json(cli, &v.out)
                               : sc_cli_done(cli, &v.out);
    sc_buf_done(&v.out);
    return status != SC_EXIT_OK ? status : sc_exit_of_several(v.count, v.failed, v.last);
}
