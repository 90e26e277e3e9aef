/* What attempts to bring a model leave when they end before their time: .NAME.part of a pull, with
 * a note of its address and of what that had there, and .NAME.adding of a copy. */
#include "models/models-internal.h"

#include "base/alloc.h"
#include "sys/file.h"
#include "sys/lockfile.h"
#include "json/reader.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/banned.h"

#define NOTE_LIMIT ((size_t)16 << 10)

/* ---- the note of a pull ---- */

void sc_pull_note_done(struct sc_pull_note *note)
{
    free(note->url);
    *note = (struct sc_pull_note){ 0 };
}

void sc_pull_note_read(const char *path, struct sc_pull_note *out)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *root = NULL;
    if (sc_file_read(path, NOTE_LIMIT, &text, NULL) == SC_OK &&
        sc_json_parse(sc_buf_str(&text), &doc, NULL) == SC_OK)
        root = sc_json_root(doc);
    out->url = sc_strdup(sc_json_get_text(sc_json_member(root, "url"), ""));
    (void)snprintf(out->etag, sizeof(out->etag), "%s",
                   sc_json_get_text(sc_json_member(root, "etag"), ""));
    out->whole = sc_json_get_int(sc_json_member(root, "size_bytes"), -1);
}

enum sc_code sc_pull_note_write(const struct sc_pull_note *note, const char *path,
                                struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &text);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "url", note->url);
    sc_json_text(&w, "etag", note->etag);
    sc_json_int(&w, "size_bytes", note->whole);
    sc_json_end(&w);
    return sc_file_write_atomic(path, text.ptr, text.len, err);
}

/* ---- what there is ---- */

void sc_models_rests_done(struct sc_models_rests *all)
{
    for (size_t i = 0; i < all->count; i++)
        sc_pull_note_done(&all->rows[i].note);
    free(all->rows);
    *all = (struct sc_models_rests){ 0 };
}

/* "base.en" of ".base.en.part"; false: another file. */
static bool name_of(const char *file, struct sc_models_rest *out)
{
    struct sc_str name = sc_str_from(file);
    out->is_pull = sc_str_ends(name, SC_STR(SC_MODEL_PART));
    if (name.len == 0 || name.ptr[0] != '.' ||
        !(out->is_pull || sc_str_ends(name, SC_STR(SC_MODEL_COPY))))
        return false;
    name.ptr++;
    name.len -= out->is_pull ? sizeof(SC_MODEL_PART) : sizeof(SC_MODEL_COPY);
    if (name.len >= sizeof(out->name))
        return false;
    (void)snprintf(out->name, sizeof(out->name), "%.*s", (int)name.len, name.ptr);
    return sc_model_name_is_safe(out->name);
}

/* Who is at work on the folder says on which model. */
static bool is_at_work(const char *holder, const char *name)
{
    const char *said = strstr(holder, SC_MODEL_HOLDER);
    return said != NULL && strcmp(said + sizeof(SC_MODEL_HOLDER) - 1, name) == 0;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    SC_AUTO_FREE char *weights = sc_model_weights(path, S_ISDIR(st.st_mode));
    return SC_MAX(sc_file_size(weights), 0);
}

static void take_entry(struct sc_models_rests *all, const char *dir, const char *file,
                       const char *holder)
{
    struct sc_models_rest rest = { .note = { .whole = -1 } };
    struct stat st;
    SC_AUTO_FREE char *path = sc_path_join(dir, file);
    if (!name_of(file, &rest) || stat(path, &st) != 0)
        return;
    SC_AUTO_FREE char *note = sc_asprintf("%s" SC_MODEL_NOTE, path);
    rest.size_bytes = size_of(path);
    rest.changed_ms = (int64_t)st.st_mtim.tv_sec * 1000 + (int64_t)st.st_mtim.tv_nsec / 1000000;
    rest.is_at_work = is_at_work(holder, rest.name);
    if (rest.is_pull)
        sc_pull_note_read(note, &rest.note);
    sc_grow((void **)&all->rows, &all->cap, all->count + 1, sizeof(*all->rows));
    all->rows[all->count++] = rest;
}

enum sc_code sc_models_unfinished(const struct sc_config *config, struct sc_models_rests *out,
                                  struct sc_error *err)
{
    SC_AUTO(sc_models_rests_done) struct sc_models_rests all = { 0 };
    SC_AUTO_FREE char *dir = sc_models_dir(config);
    SC_AUTO_FREE char *lock = sc_path_join(dir, SC_MODEL_LOCK);
    struct dirent **entries = NULL;
    char holder[SC_MODEL_NAME + 40];
    int n = scandir(dir, &entries, NULL, alphasort);
    if (n < 0 && errno != ENOENT)
        return sc_error_errno(err, errno, "cannot read the models folder '%s'", dir);
    sc_lockfile_holder(lock, holder, sizeof(holder));
    for (int i = 0; i < n; i++) {
        take_entry(&all, dir, entries[i]->d_name, holder);
        free(entries[i]);
    }
    free(entries);
    *out = all;
    all = (struct sc_models_rests){ 0 };
    return SC_OK;
}

/* ---- making an end of it ---- */

static enum sc_code drop(const char *path, bool *any, struct sc_error *err)
{
    if (unlink(path) != 0) {
        if (errno == ENOENT)
            return SC_OK;
        if (errno != EISDIR)
            return sc_error_errno(err, errno, "cannot remove '%s'", path);
        enum sc_code code = sc_dir_remove(path, err);
        if (code != SC_OK)
            return code;
    }
    *any = true;
    return SC_OK;
}

void sc_models_drop(const char *path)
{
    bool any = false;
    enum sc_code code = drop(path, &any, NULL);
    (void)code;
}

enum sc_code sc_models_drop_rests(const char *dir, const char *name, bool *any, int64_t *freed,
                                  struct sc_error *err)
{
    static const char *const endings[] = { SC_MODEL_PART, (SC_MODEL_PART SC_MODEL_NOTE),
                                           SC_MODEL_COPY, SC_MODEL_FRESH };
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(endings); i++) {
        SC_AUTO_FREE char *path = sc_asprintf("%s/.%s%s", dir, name, endings[i]);
        int64_t size = size_of(path);
        code = drop(path, any, err);
        *freed += code == SC_OK ? size : 0;
    }
    return code;
}
