/* Loading. Where the settings file lies depends on the data folder, which flags and environment can
 * set; so the data folder is looked for first, then all sources are applied in their order. */
#include "config/config.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "config/dotenv.h"
#include "config/nearest.h"
#include "config/table.h"
#include "config/value.h"
#include "sys/file.h"
#include "yaml/reader.h"

#include <limits.h>
#include <pwd.h>
#include <unistd.h>

#include "base/banned.h"

#define ENV_PREFIX "SCRIPTA_"
#define NULL_WORD "null"
#define HTTP_BYTES_MAX ((int64_t)16 << 20)

/* Variables of ours that are no settings: fault points, and where the helper program is. */
static const char *const other_env[] = { "SCRIPTA_FAULT", "SCRIPTA_MEDIA" };

struct loader {
    struct loaded *to;
    const struct sc_config_sources *sources;
    const char *file;      /* being read */
    bool found_by_data;    /* that file was found through the data folder, so it cannot move it */
    struct sc_error first; /* that somebody was told of */
};

static void loaded_free(struct loaded *loaded)
{
    if (loaded == NULL)
        return;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = sc_option_row(i);
        if (row->kind == OPTION_TEXT || row->kind == OPTION_ENUM || row->kind == OPTION_LIST)
            free(*(char **)((char *)&loaded->values + row->offset));
        free(loaded->source[i]);
    }
    free(loaded);
}
SC_DEFINE_FREEP(struct loaded, loaded_free);

void sc_config_free(struct sc_config *config)
{
    loaded_free((struct loaded *)config);
}

/* Goes on behind what is wrong where somebody wants to hear of all of it. err was set. */
static enum sc_code heed(struct loader *l, enum sc_code code, const struct sc_error *err)
{
    if (code == SC_OK || l->sources->complain == NULL)
        return code;
    if (l->first.code == SC_OK)
        l->first = *err;
    l->sources->complain(l->sources->ctx, err);
    return SC_OK;
}

static enum sc_code unknown_name(const char *source, struct sc_str name, bool env,
                                 struct sc_error *err)
{
    struct sc_nearest near = { .word = name };
    SC_AUTO_BUF shown = { 0 };

    for (size_t i = 0; i < OPTION_COUNT; i++)
        sc_nearest_offer(&near, env ? sc_option_at(i)->env : sc_option_at(i)->name);
    sc_utf8_append_printable(&shown, (struct sc_str){ name.ptr, SC_MIN(name.len, 60) });
    if (near.best != NULL)
        return sc_error_field(err, SC_E_CONFIG_ERROR, sc_buf_text(&shown),
                              "%s: there is no setting '%s'; did you mean '%s'?", source,
                              sc_buf_text(&shown), near.best);
    return sc_error_field(err, SC_E_CONFIG_ERROR, sc_buf_text(&shown),
                          "%s: there is no setting '%s'; `scripta config show` lists them", source,
                          sc_buf_text(&shown));
}

static enum sc_code apply_file_value(struct loader *l, size_t index, enum option_form form,
                                     struct sc_str value, int line, struct sc_error *err)
{
    SC_AUTO_FREE char *source = sc_asprintf("%s:%d", l->file, line);

    if (index == OPTION_INDEX_data_dir && l->found_by_data)
        return sc_error_field(err, SC_E_CONFIG_ERROR, "data_dir",
                              "%s: data_dir cannot stand in a file of the data folder itself; use "
                              "--data or --config",
                              source);
    return sc_option_assign(l->to, index, form, value, source, err);
}

/* An engine is called so, and nobody thinks of quotes. */
static bool may_be_null(size_t index)
{
    const char *choices = sc_option_row(index)->choices;
    return choices != NULL && sc_value_in_choices(SC_STR(NULL_WORD), choices);
}

static enum sc_code apply_entry(struct loader *l, const struct sc_yaml_entry *entry,
                                struct sc_error *err)
{
    size_t index;
    enum option_form form;

    if (!sc_option_find(sc_str_from(entry->path), &index, &form)) {
        if (entry->mapping && entry->value == NULL)
            return SC_OK; /* a group; its members are looked at one by one */
        SC_AUTO_FREE char *source = sc_asprintf("%s:%d", l->file, entry->line);
        return unknown_name(source, sc_str_from(entry->path), false, err);
    }
    if (entry->mapping)
        return sc_error_field(err, SC_E_CONFIG_ERROR, entry->path,
                              "%s:%d: %s takes one value, not a group", l->file, entry->line,
                              entry->path);
    const char *value = entry->value;
    if (value == NULL && entry->says_null && may_be_null(index))
        value = NULL_WORD;
    if (value == NULL)
        return SC_OK;
    return apply_file_value(l, index, form, sc_str_from(value), entry->line, err);
}

static enum sc_code apply_yaml(struct loader *l, const struct sc_yaml *yaml, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < yaml->count; i++)
        code = heed(l, apply_entry(l, &yaml->entries[i], err), err);
    return code;
}

static enum sc_code read_file(const char *path, struct sc_buf *text, struct sc_error *err)
{
    struct sc_error cause;

    if (sc_file_read_any(path, SC_YAML_SIZE, text, &cause) != SC_OK)
        return sc_error_set(err, SC_E_CONFIG_ERROR, "%s", cause.msg);
    return SC_OK;
}

static enum sc_code load_yaml(struct loader *l, const char *path, struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO(sc_yaml_done) struct sc_yaml yaml = { 0 };

    enum sc_code code = read_file(path, &text, err);
    if (code != SC_OK)
        return code;
    if (sc_yaml_parse(sc_buf_str(&text), path, &yaml, err) != SC_OK) {
        if (err != NULL)
            err->code = SC_E_CONFIG_ERROR;
        return SC_E_CONFIG_ERROR;
    }
    l->file = path;
    return apply_yaml(l, &yaml, err);
}

static bool is_other_env(struct sc_str name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(other_env); i++) {
        if (sc_str_equal(name, sc_str_from(other_env[i])))
            return true;
    }
    return false;
}

static enum sc_code apply_dotenv(void *ctx, int line, struct sc_str name, struct sc_str value,
                                 struct sc_error *err)
{
    struct loader *l = ctx;
    size_t index;
    enum option_form form;

    /* The file is often shared with other programs: names that are not ours are not looked at. */
    if (!sc_str_starts(name, SC_STR(ENV_PREFIX)) || is_other_env(name))
        return SC_OK;
    if (!sc_option_find_env(name, &index, &form)) {
        SC_AUTO_FREE char *source = sc_asprintf("%s:%d", l->file, line);
        return heed(l, unknown_name(source, name, true, err), err);
    }
    return heed(l, apply_file_value(l, index, form, value, line, err), err);
}

static enum sc_code load_dotenv(struct loader *l, const char *path, struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    enum sc_code code = read_file(path, &text, err);

    if (code != SC_OK)
        return code;
    l->file = path;
    return sc_dotenv_read(sc_buf_str(&text), path, apply_dotenv, l, err);
}

static enum sc_code load_environment(struct loader *l, struct sc_error *err)
{
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        struct sc_str value = sc_str_from(*e);
        struct sc_str name = sc_str_take_until(&value, '=');
        size_t index;
        enum option_form form;

        if (!sc_str_starts(name, SC_STR(ENV_PREFIX)) || !sc_option_find_env(name, &index, &form))
            continue;
        /* Of two spellings of one setting the plain one counts, in whatever order they stand. */
        const char *plain = sc_option_at(index)->env;
        if (!sc_str_equal(name, sc_str_from(plain)) && getenv(plain) != NULL)
            continue;
        /* An empty variable is how compose files and shells leave something out; of a text or a
         * list it is a value. */
        enum option_kind kind = sc_option_row(index)->kind;
        if (value.len == 0 && kind != OPTION_TEXT && kind != OPTION_LIST)
            continue;
        SC_AUTO_FREE char *source = sc_asprintf("env %.*s", (int)name.len, name.ptr);
        enum sc_code code = heed(l, sc_option_assign(l->to, index, form, value, source, err), err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code apply_override(struct loader *l, const struct sc_config_override *o,
                                   struct sc_error *err)
{
    struct sc_str value = sc_str_from(o->assignment);
    bool has_value = strchr(o->assignment, '=') != NULL;
    struct sc_str name = sc_str_take_until(&value, '=');
    size_t index;
    enum option_form form;

    if (!sc_option_find(name, &index, &form))
        return unknown_name(o->flag, name, false, err);
    if (!has_value)
        return sc_error_field(err, SC_E_CONFIG_ERROR, o->assignment, "%s: expected %s=VALUE",
                              o->flag, o->assignment);
    return sc_option_assign(l->to, index, form, value, o->flag, err);
}

static enum sc_code load_overrides(struct loader *l, struct sc_error *err)
{
    const struct sc_config_override *o = l->sources->overrides;
    enum sc_code code = SC_OK;
    for (; code == SC_OK && o != NULL && o->assignment != NULL; o++) {
        /* What was typed is a wrong value of a command, not a bad installation. */
        if (apply_override(l, o, err) != SC_OK)
            code = heed(l, err->code = SC_E_INVALID_VALUE, err);
    }
    return code;
}

/* Where the data folder is when nobody says. */
static char *default_data_dir(void)
{
    const char *base = getenv("XDG_DATA_HOME");
    if (base != NULL && base[0] == '/')
        return sc_path_join(base, "scripta");
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        const struct passwd *user = getpwuid(getuid());
        home = user == NULL ? "/" : user->pw_dir;
    }
    return sc_path_join(home, ".local/share/scripta");
}

enum sc_code sc_data_dir_make(const char *data_dir, const char *name, struct sc_error *err)
{
    struct sc_error why = { 0 };
    SC_AUTO_FREE char *path = sc_path_join(data_dir, name);
    enum sc_code code = sc_dir_create_durable(path, &why);
    if (code == SC_OK)
        return SC_OK;
    return sc_error_set(err, code,
                        "there can be no data folder '%.80s' (--data DIR or SCRIPTA_DATA_DIR names "
                        "another): %s",
                        data_dir, why.msg);
}

static char *absolute(const char *path)
{
    char cwd[PATH_MAX];

    if (path[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
        return sc_strdup(path);
    return sc_path_join(cwd, path);
}

/* The data folder as flags or environment have it, before any file was read. */
static char *data_dir_before_files(const struct sc_config_sources *sources)
{
    const char *found = NULL;

    const struct sc_config_override *o = sources->overrides;
    for (; o != NULL && o->assignment != NULL; o++) {
        if (sc_str_starts(sc_str_from(o->assignment), SC_STR("data_dir=")))
            found = o->assignment + strlen("data_dir=");
    }
    if (found == NULL || found[0] == '\0')
        found = getenv("SCRIPTA_DATA_DIR");
    if (found == NULL || found[0] == '\0')
        found = getenv("SCRIPTA_DATA");
    return found == NULL || found[0] == '\0' ? default_data_dir() : absolute(found);
}

static enum sc_code load_files(struct loader *l, const char *data_dir, struct sc_error *err)
{
    SC_AUTO_FREE char *own_yaml = sc_path_join(data_dir, "scripta.yaml");
    const char *yaml = l->sources->file;

    l->found_by_data = yaml == NULL;
    if (yaml == NULL && access(own_yaml, F_OK) == 0)
        yaml = own_yaml;
    if (yaml != NULL) {
        enum sc_code code = heed(l, load_yaml(l, yaml, err), err);
        if (code != SC_OK)
            return code;
    }

    const char *slash = l->sources->file == NULL ? NULL : strrchr(l->sources->file, '/');
    SC_AUTO_FREE char *folder =
        slash != NULL ? sc_strndup(l->sources->file, (size_t)(slash - l->sources->file) + 1)
        : l->sources->file != NULL ? sc_strdup(".")
                                   : sc_strdup(data_dir);
    SC_AUTO_FREE char *beside = sc_path_join(folder, ".env");
    if (l->sources->env_file != NULL) {
        l->found_by_data = false;
        return heed(l, load_dotenv(l, l->sources->env_file, err), err);
    }
    return access(beside, F_OK) == 0 ? heed(l, load_dotenv(l, beside, err), err) : SC_OK;
}

static enum sc_code check_heartbeat(struct loader *l, struct sc_error *err)
{
    struct sc_config *c = &l->to->values;
    const char *heartbeat_source = l->to->source[OPTION_INDEX_queue_heartbeat];

    if (strcmp(heartbeat_source, "default") == 0)
        c->queue_heartbeat = SC_MIN(c->queue_heartbeat, SC_MAX(c->queue_lease / 3, 20));
    if (c->queue_heartbeat >= c->queue_lease)
        return sc_error_field(err, SC_E_CONFIG_ERROR, "queue.heartbeat",
                              "%s: queue.heartbeat must be shorter than queue.lease (%lld ms)",
                              heartbeat_source, (long long)c->queue_lease);
    return SC_OK;
}

static enum sc_code check_http_bytes(struct loader *l, struct sc_error *err)
{
    if (l->to->values.engine_http_max_bytes > HTTP_BYTES_MAX)
        return sc_error_field(err, SC_E_CONFIG_ERROR, "engine.http.max_bytes",
                              "%s: engine.http.max_bytes must be 1M to 16M",
                              l->to->source[OPTION_INDEX_engine_http_max_bytes]);
    return SC_OK;
}

/* What one option alone cannot say. */
static enum sc_code finish(struct loader *l, struct sc_error *err)
{
    struct sc_config *c = &l->to->values;
    enum sc_code code = heed(l, check_heartbeat(l, err), err);
    if (code == SC_OK)
        code = heed(l, check_http_bytes(l, err), err);
    if (code != SC_OK)
        return code;
    char *dir = c->data_dir[0] == '\0' ? default_data_dir() : absolute(c->data_dir);
    free(c->data_dir);
    c->data_dir = dir;
    return SC_OK;
}

static enum sc_code set_defaults(struct loaded *to, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < OPTION_COUNT; i++)
        code = sc_option_assign(to, i, FORM_VALUE, sc_str_from(sc_option_at(i)->fallback),
                                "default", err);
    return code;
}

enum sc_code sc_config_load(const struct sc_config_sources *sources, struct sc_config **out,
                            struct sc_error *err)
{
    SC_AUTO(loaded_freep) struct loaded *to = sc_alloc(sizeof(*to));
    struct loader l = { .to = to, .sources = sources };
    struct sc_error why = { 0 };

    SC_AUTO_FREE char *data_dir = data_dir_before_files(sources);
    enum sc_code code = set_defaults(to, &why);
    if (code == SC_OK)
        code = load_files(&l, data_dir, &why);
    if (code == SC_OK)
        code = load_environment(&l, &why);
    if (code == SC_OK)
        code = load_overrides(&l, &why);
    if (code == SC_OK)
        code = finish(&l, &why);
    if (code != SC_OK)
        return sc_error_copy(err, &why);
    if (l.first.code != SC_OK)
        return sc_error_copy(err, &l.first);
    *out = &SC_TAKE(to)->values;
    return SC_OK;
}

static bool engines_need(size_t index, struct sc_str name)
{
    return index == OPTION_INDEX_data_dir || index == OPTION_INDEX_workers ||
           sc_str_starts(name, SC_STR("engine.")) || sc_str_starts(name, SC_STR("models."));
}

void sc_config_hand_over(const struct sc_config *config, struct sc_buf *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *name = sc_option_at(i)->name;
        if (!engines_need(i, sc_str_from(name)))
            continue;
        sc_buf_printf(out, "%s=", name);
        sc_option_put_plain(config, i, out);
        sc_buf_putc(out, '\0');
    }
}

enum sc_code sc_config_receive(struct sc_str pairs, struct sc_config **out, struct sc_error *err)
{
    SC_AUTO(loaded_freep) struct loaded *to = sc_alloc(sizeof(*to));
    static const struct sc_config_sources none = { 0 };
    struct loader l = { .to = to, .sources = &none };
    enum sc_code code = set_defaults(to, err);

    while (code == SC_OK && pairs.len > 0) {
        struct sc_str value = sc_str_take_until(&pairs, '\0');
        struct sc_str name = sc_str_take_until(&value, '=');
        size_t index;
        enum option_form form;
        if (!sc_option_find(name, &index, &form))
            return unknown_name("server", name, false, err);
        code = sc_option_assign(to, index, form, value, "server", err);
    }
    if (code == SC_OK)
        code = finish(&l, err);
    if (code != SC_OK)
        return code;
    *out = &SC_TAKE(to)->values;
    return SC_OK;
}

void sc_config_show(const struct sc_config *config, size_t index, struct sc_buf *value,
                    struct sc_buf *source)
{
    sc_option_put_value(config, index, value);
    sc_buf_puts(source, ((const struct loaded *)config)->source[index]);
}

const char *sc_config_unknown_env(const char *after)
{
    bool skip = after != NULL;

    for (char **e = environ; e != NULL && *e != NULL; e++) {
        struct sc_str value = sc_str_from(*e);
        struct sc_str name = sc_str_take_until(&value, '=');
        size_t index;
        enum option_form form;

        if (skip) {
            skip = *e != after;
            continue;
        }
        if (sc_str_starts(name, SC_STR(ENV_PREFIX)) && !is_other_env(name) &&
            !sc_option_find_env(name, &index, &form))
            return *e;
    }
    return NULL;
}
