/* The models folder: settings that name what is not there, models that are damaged, pulls that were
 * broken off. */
#include "base/alloc.h"
#include "cli/doctor.h"
#include "cli/format.h"
#include "models/tell.h"

#include "base/banned.h"

static const char *text_of(const struct sc_json_value *object, const char *name)
{
    return sc_json_get_text(sc_json_member(object, name), "");
}

/* Where no server of another machine is asked, it is looked up here. */
static enum sc_code fetch(struct sc_doctor *d, struct sc_json_doc **doc, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    if (!sc_cli_server_is_local(d->cli))
        return sc_cli_fetch(d->cli, "GET", "/api/models", &reply, doc, err);
    enum sc_code code = sc_models_json(d->cli->config, &reply, err);
    return code == SC_OK ? sc_json_parse(sc_buf_str(&reply), doc, err) : code;
}

static void check_problems(struct sc_doctor *d, const struct sc_json_value *list)
{
    d->model_problems = list == NULL ? 0 : sc_json_count(list);
    for (size_t i = 0; i < d->model_problems; i++) {
        const struct sc_json_value *problem = sc_json_at(list, i);
        SC_AUTO_FREE char *fix = sc_asprintf("bring it, or mend %s", text_of(problem, "field"));
        sc_doctor_say(d, SC_MARK_PROBLEM, "models", fix, "%s", text_of(problem, "message"));
    }
}

/* Returns how many are good. */
static size_t check_models(struct sc_doctor *d, const struct sc_json_value *list)
{
    size_t good = 0;
    for (size_t i = 0; i < sc_json_count(list); i++) {
        const struct sc_json_value *model = sc_json_at(list, i);
        if (strcmp(text_of(model, "state"), "damaged") != 0)
            good++;
        else
            sc_doctor_say(d, SC_MARK_WARNING, "models", SC_MODELS_MEND,
                          "'%s' was found damaged, and no job uses it", text_of(model, "name"));
    }
    return good;
}

static void check_rests(struct sc_doctor *d, const struct sc_json_value *list)
{
    for (size_t i = 0; i < sc_json_count(list); i++) {
        const struct sc_json_value *rest = sc_json_at(list, i);
        SC_AUTO_BUF size = { 0 };
        if (strcmp(text_of(rest, "state"), "running") == 0)
            continue;
        sc_format_size(&size, sc_json_get_int(sc_json_member(rest, "size_bytes"), 0));
        bool is_pull = strcmp(text_of(rest, "kind"), "pull") == 0;
        SC_AUTO_FREE char *fix = sc_asprintf(
            "the same command %s, `scripta models remove %s` removes it",
            is_pull ? "goes on with it" : "begins anew in its place", text_of(rest, "name"));
        sc_doctor_say(d, SC_MARK_NOTE, "models", fix,
                      "%s lie here of '%s', which a `models %s` did "
                      "not bring whole",
                      sc_buf_text(&size), text_of(rest, "name"), text_of(rest, "kind"));
    }
}

static void check_strays(struct sc_doctor *d, const struct sc_json_value *warnings)
{
    for (size_t i = 0; warnings != NULL && i < sc_json_count(warnings); i++)
        sc_doctor_say(d, SC_MARK_WARNING, "models", "rename what is to be a model", "%s",
                      sc_json_get_text(sc_json_at(warnings, i), ""));
}

void sc_doctor_models(struct sc_doctor *d)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (d->server && !d->asked)
        return;
    if (fetch(d, &doc, &err) != SC_OK) {
        d->model_problems = 1;
        sc_doctor_say(d, SC_MARK_PROBLEM, "models", "let the folder be read, or name another one",
                      "%s", err.msg);
        return;
    }
    const struct sc_json_value *root = sc_json_root(doc);
    check_problems(d, sc_json_member(root, "problems"));
    size_t good = check_models(d, sc_json_member(root, "models"));
    check_rests(d, sc_json_member(root, "unfinished"));
    check_strays(d, sc_json_member(root, "warnings"));
    if (good > 0 && d->model_problems == 0)
        sc_doctor_say(d, SC_MARK_OK, "models", NULL, "%zu can be used", good);
}
