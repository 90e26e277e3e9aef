/* What there is in the folders, and which of it a name means. */
#include "models/models-internal.h"

#include "base/alloc.h"
#include "base/language.h"
#include "base/utf8.h"
#include "sys/file.h"
#include "sys/machine.h"
#include "vad/chain.h"
#include "whisper/vocab.h"
#include "json/reader.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define NAMES_TOLD 160
#define STRAYS_TOLD 5
#define MB 1000000

void sc_model_done(struct sc_model *m)
{
    free(m->path);
    *m = (struct sc_model){ 0 };
}

void sc_models_done(struct sc_models *all)
{
    for (size_t i = 0; i < all->count; i++)
        sc_model_done(&all->rows[i]);
    free(all->rows);
    sc_buf_done(&all->strays);
    *all = (struct sc_models){ 0 };
}

char *sc_models_dir(const struct sc_config *config)
{
    if (config->models_dir[0] == '/')
        return sc_strdup(config->models_dir);
    return sc_path_join(config->data_dir,
                        config->models_dir[0] == '\0' ? "models" : config->models_dir);
}

char *sc_model_weights(const char *path, bool is_folder)
{
    return is_folder ? sc_path_join(path, SC_MODEL_WEIGHTS) : sc_strdup(path);
}

bool sc_model_name_is_safe(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= SC_MODEL_NAME || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

bool sc_model_name_of(const char *file, char out[SC_MODEL_NAME])
{
    struct sc_str name = sc_str_from(file);
    if (!sc_model_name_is_safe(file) || !sc_str_ends(name, SC_STR(SC_MODEL_SUFFIX)))
        return false;
    name.len -= sizeof(SC_MODEL_SUFFIX) - 1;
    if (sc_str_starts(name, SC_STR(SC_MODEL_PREFIX))) {
        name.ptr += sizeof(SC_MODEL_PREFIX) - 1;
        name.len -= sizeof(SC_MODEL_PREFIX) - 1;
    }
    (void)snprintf(out, SC_MODEL_NAME, "%.*s", (int)name.len, name.ptr);
    return sc_model_name_is_safe(out);
}

bool sc_model_look(char *path, const char *name, bool is_system, struct sc_model *out)
{
    struct sc_model m = { .path = path, .is_system = is_system };
    struct stat st;
    m.is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    (void)snprintf(m.name, sizeof(m.name), "%s", name);
    if (sc_model_measure(path, m.is_folder, &m, NULL) != SC_OK) {
        free(path);
        return false;
    }
    *out = m;
    return true;
}

static bool has(const struct sc_models *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Somebody meant it for a model: NAME.bin, or a folder with weights. */
static bool looks_like_one(const char *path, const char *file)
{
    SC_AUTO_FREE char *weights = sc_model_weights(path, true);
    return sc_str_ends(sc_str_from(file), SC_STR(SC_MODEL_SUFFIX)) || access(weights, F_OK) == 0;
}

static void take_stray(struct sc_models *all, const char *path, const char *file)
{
    if (file[0] == '.' || !looks_like_one(path, file) || all->stray_count++ >= STRAYS_TOLD)
        return;
    sc_buf_puts(&all->strays, all->stray_count == 1 ? "'" : ", '");
    sc_utf8_append_printable(&all->strays, sc_str_from(file));
    sc_buf_putc(&all->strays, '\'');
}

static void take_entry(struct sc_models *all, const char *dir, const char *file, bool is_system)
{
    char name[SC_MODEL_NAME];
    struct stat st;
    struct sc_model m;
    SC_AUTO_FREE char *path = sc_path_join(dir, file);
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    bool fits = folder ? sc_model_name_is_safe(file) : sc_model_name_of(file, name);
    if (folder && fits)
        (void)snprintf(name, sizeof(name), "%s", file);
    if (fits && has(all, name))
        return;
    if (!fits || !sc_model_look(sc_strdup(path), name, is_system, &m)) {
        take_stray(all, path, file);
        return;
    }
    sc_grow((void **)&all->rows, &all->cap, all->count + 1, sizeof(*all->rows));
    sc_model_facts_read(&m);
    all->rows[all->count++] = m;
}

void sc_models_warn(const struct sc_models *all, struct sc_buf *out)
{
    if (all->stray_count == 0)
        return;
    sc_buf_printf(out, "passed over in the models folder: %s", sc_buf_text(&all->strays));
    if (all->stray_count > STRAYS_TOLD)
        sc_buf_printf(out, " and %zu more", all->stray_count - STRAYS_TOLD);
    sc_buf_puts(out, ": a model is a file NAME.bin, or a folder with " SC_MODEL_WEIGHTS
                     ", and its name has letters, digits, '.', '_' and '-' alone");
}

/* A setting that names what nobody can read stays so; the rest may pass. */
static enum sc_code unreadable(const char *dir, int number, bool is_system, struct sc_error *err)
{
    bool is_setting = number == EACCES || number == ENOTDIR || number == ELOOP;
    if (!is_setting)
        return sc_error_errno(err, number, "cannot read the models folder '%s'", dir);
    return sc_error_field(err, SC_E_CONFIG_ERROR, is_system ? "models.system_dir" : "models.dir",
                          "the models folder '%.120s' cannot be read: %s", dir,
                          strerrordesc_np(number));
}

static enum sc_code take_folder(struct sc_models *all, const char *dir, bool is_system,
                                struct sc_error *err)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, alphasort);
    if (n < 0 && errno == ENOENT)
        return SC_OK;
    if (n < 0)
        return unreadable(dir, errno, is_system, err);
    for (int i = 0; i < n; i++) {
        take_entry(all, dir, entries[i]->d_name, is_system);
        free(entries[i]);
    }
    free(entries);
    return SC_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sc_model *)a)->name, ((const struct sc_model *)b)->name);
}

enum sc_code sc_models_list(const struct sc_config *config, struct sc_models *out,
                            struct sc_error *err)
{
    SC_AUTO_MODELS all = { 0 };
    SC_AUTO_FREE char *dir = sc_models_dir(config);
    enum sc_code code = take_folder(&all, dir, false, err);
    if (code == SC_OK && config->models_system_dir[0] != '\0')
        code = take_folder(&all, config->models_system_dir, true, err);
    if (code != SC_OK)
        return code;
    if (all.count > 1)
        qsort(all.rows, all.count, sizeof(*all.rows), by_name);
    *out = all;
    all = (struct sc_models){ 0 };
    return SC_OK;
}

/* FNV-1a over what would be another for another file. */
static uint64_t stamp_of(const char *dir, const char *file)
{
    struct stat st = { 0 };
    SC_AUTO_FREE char *path = sc_path_join(dir, file);
    (void)stat(path, &st);
    SC_AUTO_FREE char *text =
        sc_asprintf("%s %llu %lld %lld.%09ld", path, (unsigned long long)st.st_ino,
                    (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    uint64_t sum = UINT64_C(14695981039346656037);
    for (const char *p = text; *p != '\0'; p++)
        sum = (sum ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return sum;
}

uint64_t sc_models_stamp(const struct sc_config *config)
{
    SC_AUTO_FREE char *own = sc_models_dir(config);
    const char *dirs[] = { own, config->models_system_dir };
    uint64_t sum = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(dirs); i++) {
        SC_AUTO_DIR *d = dirs[i][0] == '\0' ? NULL : opendir(dirs[i]);
        /* In whatever order they come: the sum of sums does not depend on it. */
        for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
            if (e->d_name[0] != '.')
                sum += stamp_of(dirs[i], e->d_name);
        }
    }
    return sum;
}

/* ---- names ---- */

/* How much of the original weights is left, best first. */
static const char *const precisions[] = { "-q8_0", "-q5_1", "-q5_0", "-q4_1", "-q4_0" };

static struct sc_model *row_named(struct sc_models *all, struct sc_str name)
{
    for (size_t i = 0; i < all->count; i++) {
        struct sc_model *m = &all->rows[i];
        const char *slash = strrchr(m->path, '/');
        if (sc_str_equal(name, sc_str_from(m->name)) ||
            sc_str_equal(name, sc_str_from(slash == NULL ? m->path : slash + 1)))
            return m;
    }
    return NULL;
}

/* A damaged one only where there is no other. */
static struct sc_model *row_meant(struct sc_models *all, const char *name)
{
    struct sc_model *found = row_named(all, sc_str_from(name)), *damaged = NULL;
    for (size_t i = 0; found == NULL && i < SC_ARRAY_LEN(precisions); i++) {
        SC_AUTO_FREE char *full = sc_asprintf("%s%s", name, precisions[i]);
        found = row_named(all, sc_str_from(full));
        if (found != NULL && found->is_damaged) {
            damaged = damaged == NULL ? found : damaged;
            found = NULL;
        }
    }
    return found == NULL ? damaged : found;
}

static void list_names(const struct sc_models *all, struct sc_buf *out)
{
    for (size_t i = 0; i < all->count && out->len < NAMES_TOLD; i++) {
        if (!all->rows[i].is_damaged)
            sc_buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", all->rows[i].name);
    }
    if (out->len >= NAMES_TOLD) {
        out->len = 0;
        sc_buf_printf(out, "those that `scripta models list` tells");
    }
}

static enum sc_code none_named(const struct sc_models *all, const char *name, struct sc_error *err)
{
    SC_AUTO_BUF names = { 0 };
    if (all->count == 0)
        return sc_error_field(err, SC_E_NOT_FOUND, "model",
                              "there is no model for whisper: " SC_MODELS_REMEDY);
    list_names(all, &names);
    if (names.len == 0)
        return sc_error_field(err, SC_E_NOT_FOUND, "model",
                              "there is no model '%.60s', and those that are there were found "
                              "damaged: " SC_MODELS_REMEDY,
                              name);
    return sc_error_field(err, SC_E_NOT_FOUND, "model",
                          "there is no model '%.60s': say %s, or bring it with `scripta models "
                          "add` or `pull`",
                          name, sc_buf_text(&names));
}

/* ---- the default ---- */

/* Numbers in the network's layers, up to a factor that all share. */
static int64_t size_of_network(const struct sc_model *m)
{
    const struct sc_whisper_dims *d = &m->facts.dims;
    if (!m->is_known)
        return 0;
    return (int64_t)d->n_audio_layer * d->n_audio_state * d->n_audio_state +
           (int64_t)d->n_text_layer * d->n_text_state * d->n_text_state;
}

static bool is_better(const struct sc_model *a, const struct sc_model *b,
                      const struct sc_whisper_use *use, int64_t budget)
{
    int64_t a_needs = sc_model_memory(a, use), b_needs = sc_model_memory(b, use);
    bool a_fits = a_needs <= budget, b_fits = b_needs <= budget;
    if (a_fits != b_fits)
        return a_fits;
    if (!a_fits)
        return a_needs < b_needs;
    if (size_of_network(a) != size_of_network(b))
        return size_of_network(a) > size_of_network(b);
    /* The same network: more languages, then more of its weights. */
    if (a->facts.languages != b->facts.languages)
        return a->facts.languages > b->facts.languages;
    return a->size_bytes > b->size_bytes;
}

/* The default, or where none fits the memory what comes nearest to that. */
static const struct sc_model *choose(const struct sc_config *config, const struct sc_models *all)
{
    const struct sc_model *best = NULL;
    int64_t budget = sc_models_budget(config);
    struct sc_whisper_use use;
    sc_models_use(config, "", &use);
    if (config->engine_whisper_model[0] != '\0') {
        struct sc_models copy = *all;
        best = row_meant(&copy, config->engine_whisper_model);
        return best == NULL || best->is_damaged ? NULL : best;
    }
    for (size_t i = 0; i < all->count; i++) {
        if (all->rows[i].is_damaged)
            continue;
        if (best == NULL || is_better(&all->rows[i], best, &use, budget))
            best = &all->rows[i];
    }
    return best;
}

static bool fits(const struct sc_config *config, const struct sc_model *m)
{
    struct sc_whisper_use use;
    sc_models_use(config, "", &use);
    return sc_model_memory(m, &use) <= sc_models_budget(config);
}

const struct sc_model *sc_models_default(const struct sc_config *config,
                                         const struct sc_models *all)
{
    const struct sc_model *best = choose(config, all);
    return best != NULL && fits(config, best) ? best : NULL;
}

bool sc_models_are_too_large(const struct sc_config *config, const struct sc_models *all)
{
    const struct sc_model *best = choose(config, all);
    return best != NULL && !fits(config, best);
}

static void put_too_large(const struct sc_config *config, const struct sc_model *m,
                          struct sc_buf *out)
{
    struct sc_whisper_use use;
    sc_models_use(config, "", &use);
    sc_buf_printf(out,
                  "'%.60s' needs %lld MB of memory and a worker may spend %lld MB: raise "
                  "engine.memory, or bring a smaller one",
                  m->name, (long long)(sc_model_memory(m, &use) / MB),
                  (long long)(sc_models_budget(config) / MB));
}

void sc_models_lack(const struct sc_config *config, const struct sc_models *all, struct sc_buf *out)
{
    const char *set = config->engine_whisper_model;
    const struct sc_model *nearest = choose(config, all);
    struct sc_models copy = *all;
    sc_buf_puts(out, "has no model: ");
    if (nearest != NULL)
        put_too_large(config, nearest, out);
    else if (set[0] == '\0' && all->count > 0)
        sc_buf_printf(out, "'%.60s' was found damaged; " SC_MODELS_MEND, all->rows[0].name);
    else if (set[0] == '\0')
        sc_buf_puts(out, SC_MODELS_REMEDY);
    else if (strchr(set, '/') != NULL)
        sc_buf_puts(out, "the setting engine.whisper.model is a path, and must be a name that "
                         "`scripta models list` shows");
    else if (row_meant(&copy, set) != NULL)
        sc_buf_printf(out,
                      "the setting engine.whisper.model names '%.60s', which was found "
                      "damaged; " SC_MODELS_MEND,
                      set);
    else
        sc_buf_printf(out,
                      "the setting engine.whisper.model names '%.60s', which is not there; "
                      "`scripta models list` shows what is",
                      set);
}

static enum sc_code no_default(const struct sc_config *config, const struct sc_models *all,
                               struct sc_error *err)
{
    SC_AUTO_BUF why = { 0 };
    sc_models_lack(config, all, &why);
    return sc_error_field(err, SC_E_NOT_FOUND, "model", "whisper %s", sc_buf_text(&why));
}

static enum sc_code take_row(struct sc_model *row, struct sc_model *out)
{
    *out = *row;
    row->path = NULL;
    return SC_OK;
}

/* What lies beside a file that is none of ours is the word of whoever put it there. */
static enum sc_code find_path(struct sc_models *all, const char *path, struct sc_model *out,
                              struct sc_error *err)
{
    const char *slash = strrchr(path, '/');
    char name[SC_MODEL_NAME];
    if (path[0] != '/')
        return sc_error_field(err, SC_E_NOT_FOUND, "model",
                              "a model is named, or told by its full path: '%.100s' is neither",
                              path);
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i].path, path) == 0)
            return take_row(&all->rows[i], out);
    }
    if (!sc_model_name_of(slash + 1, name))
        (void)snprintf(name, sizeof(name), "%.*s", SC_MODEL_NAME - 1, slash + 1);
    if (!sc_model_look(sc_strdup(path), name, false, out))
        return sc_error_field(err, SC_E_NOT_FOUND, "model",
                              "there is no model at '%.120s': a ggml file, or a folder with "
                              "model.safetensors",
                              path);
    out->is_outside = true;
    return SC_OK;
}

enum sc_code sc_models_get(const struct sc_config *config, const char *name, struct sc_model *out,
                           struct sc_error *err)
{
    SC_AUTO_MODELS all = { 0 };
    enum sc_code code = sc_models_list(config, &all, err);
    if (code != SC_OK)
        return code;
    if (strchr(name, '/') != NULL)
        return find_path(&all, name, out, err);
    const struct sc_model *best = name[0] == '\0' ? sc_models_default(config, &all) : NULL;
    if (name[0] == '\0' && best == NULL)
        return no_default(config, &all, err);
    struct sc_model *found = best != NULL ? &all.rows[best - all.rows] : row_meant(&all, name);
    if (found == NULL)
        return none_named(&all, name, err);
    return take_row(found, out);
}

enum sc_code sc_models_find(const struct sc_config *config, const char *name, struct sc_model *out,
                            struct sc_error *err)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error why = { 0 };
    enum sc_code code = sc_models_get(config, name, &m, &why);
    if (code == SC_E_NOT_FOUND)
        return sc_error_field(err, SC_E_MODEL_ERROR, why.field, "%s", why.msg);
    if (code != SC_OK)
        return sc_error_copy(err, &why);
    if (m.is_damaged)
        return sc_error_field(
            err, SC_E_MODEL_ERROR, "model",
            "the model '%.60s' was found damaged, and is not used: " SC_MODELS_MEND, m.name);
    return take_row(&m, out);
}

/* Those that its facts tell: English alone has no token. */
static const char *language_at(const struct sc_model *m, int place)
{
    return place < m->facts.languages ? sc_vocab_language_at(place) : NULL;
}

bool sc_model_knows(const struct sc_model *m, const char *language)
{
    char code[SC_LANGUAGE_TEXT];
    if (!sc_model_is_known(m) || language[0] == '\0' || strcmp(language, "auto") == 0)
        return true;
    if (!sc_language_code(sc_str_from(language), code))
        return false;
    for (int i = 0; language_at(m, i) != NULL; i++) {
        if (strcmp(language_at(m, i), code) == 0)
            return true;
    }
    return false;
}

void sc_model_languages(const struct sc_model *m, size_t most, struct sc_buf *out)
{
    for (int i = 0; language_at(m, i) != NULL; i++) {
        if (out->len >= most) {
            sc_buf_printf(out, " and %d more", m->facts.languages - i);
            return;
        }
        sc_buf_printf(out, "%s%s", i == 0 ? "" : ", ", language_at(m, i));
    }
}

enum sc_code sc_models_find_for(const struct sc_config *config, const char *language, bool many,
                                struct sc_model *out, struct sc_error *err)
{
    SC_AUTO_MODELS all = { 0 };
    enum sc_code code = SC_OK;
    if (config->engine_whisper_model[0] == '\0')
        code = sc_models_list(config, &all, err);
    if (code != SC_OK)
        return code;
    for (size_t i = all.count; i > 0; i--) {
        const struct sc_model *m = &all.rows[i - 1];
        bool can = !many || !sc_model_is_known(m) || m->facts.languages > 1;
        if (can && sc_model_knows(m, language))
            continue;
        sc_model_done(&all.rows[i - 1]);
        all.rows[i - 1] = all.rows[--all.count];
    }
    const struct sc_model *best = choose(config, &all);
    return sc_models_find(config, best == NULL ? "" : best->name, out, err);
}

enum sc_code sc_models_path(const struct sc_config *config, const char *name, char **out_path,
                            struct sc_error *err)
{
    SC_AUTO_MODEL m = { 0 };
    enum sc_code code = sc_models_find(config, name, &m, err);
    if (code == SC_OK)
        *out_path = SC_TAKE(m.path);
    return code;
}

/* ---- memory ---- */

int64_t sc_models_budget(const struct sc_config *config)
{
    struct sc_machine machine;
    if (config->engine_memory > 0)
        return config->engine_memory;
    sc_machine_read(&machine);
    int64_t workers = config->workers > 0 ? config->workers : SC_MAX(machine.usable, 1);
    return machine.memory_total <= 0 ? INT64_MAX : machine.memory_total / 2 / workers;
}

/* The longest sound that a chunk of such a job has; pipeline/sound.c makes it shorter for some. */
static int clip_of(const struct sc_json_value *root)
{
    const int64_t part_s = sc_json_get_int(sc_json_member(root, "chunk_length"), 0) / 1000;
    if (!sc_json_get_bool(sc_json_member(root, "sequential"), false))
        return SC_WHISPER_WINDOW_S;
    return (int)SC_MIN(part_s > 0 ? part_s : SC_CHAIN_PART_S, SC_CHAIN_PART_MAX_S) +
           (SC_CHAIN_LEAD_MS + SC_CHAIN_BEHIND_MS + 999) / 1000;
}

void sc_models_use(const struct sc_config *config, const char *options, struct sc_whisper_use *out)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *root = NULL;
    if (options[0] != '\0' && sc_json_parse(sc_str_from(options), &doc, NULL) == SC_OK)
        root = sc_json_root(doc);
    *out = (struct sc_whisper_use){
        .batch = config == NULL ? 1 : SC_MAX(1, (int)config->engine_whisper_batch),
        .clip_s = clip_of(root),
        .beam = (int)sc_json_get_int(sc_json_member(root, "beam_size"), 1),
        .best_of = (int)sc_json_get_int(sc_json_member(root, "best_of"), SC_WHISPER_BEST_OF),
        .words = sc_json_get_bool(sc_json_member(root, "word_timestamps"), true),
    };
}

int64_t sc_model_memory(const struct sc_model *m, const struct sc_whisper_use *use)
{
    struct sc_whisper_use usual;
    sc_models_use(NULL, "", &usual);
    return sc_model_is_known(m) ? sc_whisper_memory(&m->facts.dims, use == NULL ? &usual : use)
                                : -1;
}

#define SUM_MARK "sha256:"

static void tell_time(const struct sc_model *m, struct sc_model_identity *out)
{
    out->kind = SC_MODEL_BY_TIME;
    (void)snprintf(out->text, sizeof(out->text), "file:%lld:%lld", (long long)m->size_bytes,
                   (long long)m->changed_ns);
}

struct sc_model_identity sc_model_identify(const struct sc_model *m)
{
    struct sc_model_identity id = { .kind = SC_MODEL_BY_SUM };
    if (m->is_known)
        (void)snprintf(id.text, sizeof(id.text), SUM_MARK "%s", m->facts.sha256);
    else
        tell_time(m, &id);
    return id;
}

bool sc_model_is_still(const struct sc_model *m, const char *text)
{
    struct sc_model_identity now = sc_model_identify(m), by_time;
    tell_time(m, &by_time);
    return text[0] == '\0' || strcmp(text, now.text) == 0 || strcmp(text, by_time.text) == 0;
}

bool sc_model_may_be(const struct sc_model *m, const char *text)
{
    const struct sc_model_identity now = sc_model_identify(m);
    bool by_sums = now.kind == SC_MODEL_BY_SUM && strncmp(text, SUM_MARK, strlen(SUM_MARK)) == 0;
    return !by_sums || strcmp(text, now.text) == 0;
}
