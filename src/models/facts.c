/* What is known of a model, in a small file beside it. */
#include "models/models-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/file.h"
#include "json/reader.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/banned.h"

#define NOTE_LIMIT ((size_t)64 << 10)

static const char *const trusts[SC_MODEL_TRUST_COUNT_] = {
    [SC_MODEL_TRUST_NOBODY] = "nobody",
    [SC_MODEL_TRUST_SERVER] = "server",
    [SC_MODEL_TRUST_ASKED] = "asked",
    [SC_MODEL_TRUST_AUTHOR] = "author",
};

/* Name and place of each dimension. */
#define DIM(name)                                     \
    {                                                 \
#name, offsetof(struct sc_whisper_dims, name) \
    }
static const struct {
    const char *name;
    size_t at;
} dims[] = {
    DIM(n_vocab),    DIM(n_audio_ctx),  DIM(n_audio_state), DIM(n_audio_head), DIM(n_audio_layer),
    DIM(n_text_ctx), DIM(n_text_state), DIM(n_text_head),   DIM(n_text_layer), DIM(n_mels),
};

static int *dim_of(struct sc_whisper_dims *d, size_t i)
{
    return (int *)(void *)((char *)d + dims[i].at);
}

static char *note_path(const struct sc_model *m)
{
    return sc_asprintf("%s" SC_MODEL_NOTE, m->path);
}

static char *fresh_path(const struct sc_model *m)
{
    return sc_asprintf("%.*s/.%s" SC_MODEL_FRESH, (int)(strrchr(m->path, '/') - m->path), m->path,
                       m->name);
}

enum sc_code sc_model_measure(const char *path, bool is_folder, struct sc_model *m,
                              struct sc_error *err)
{
    SC_AUTO_FREE char *weights = sc_model_weights(path, is_folder);
    struct stat st;
    if (stat(weights, &st) != 0)
        return sc_error_errno(err, errno, "cannot read '%s'", weights);
    if (!S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_MODEL_ERROR, "'%.160s' is no file", weights);
    m->size_bytes = (int64_t)st.st_size;
    m->changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + (int64_t)st.st_mtim.tv_nsec;
    return SC_OK;
}

/* A dimension of a model that is there is above 0, and no product of three of them leaves int64. */
static bool read_dims(const struct sc_json_value *object, struct sc_whisper_dims *out)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(dims); i++) {
        int64_t value = sc_json_get_int(sc_json_member(object, dims[i].name), 0);
        if (value < 1 || value > 1 << 20)
            return false;
        *dim_of(out, i) = (int)value;
    }
    return true;
}

static const char *text_of(const struct sc_json_value *root, const char *key)
{
    return sc_json_get_text(sc_json_member(root, key), "");
}

static bool read_facts(const struct sc_json_value *root, struct sc_model_facts *out)
{
    struct sc_model_facts f = { 0 };
    int64_t languages = sc_json_get_int(sc_json_member(root, "languages"), 0);
    if (!sc_models_sum_parse(sc_str_from(text_of(root, "sha256")), f.sha256) ||
        !read_dims(sc_json_member(root, "dims"), &f.dims) || languages < 1 || languages > 1000)
        return false;
    f.languages = (int)languages;
    (void)snprintf(f.type, sizeof(f.type), "%s", text_of(root, "type"));
    (void)snprintf(f.source, sizeof(f.source), "%s", text_of(root, "source"));
    (void)sc_time_parse(sc_str_from(text_of(root, "added")), &f.added_ms);
    for (size_t i = 0; i < SC_ARRAY_LEN(trusts); i++) {
        if (strcmp(trusts[i], text_of(root, "sum_from")) == 0)
            f.trust = (enum sc_model_trust)i;
    }
    *out = f;
    return true;
}

/* True: they are of these bytes. */
static bool read_note(const char *path, struct sc_model *m)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (sc_file_read(path, NOTE_LIMIT, &text, NULL) != SC_OK ||
        sc_json_parse(sc_buf_str(&text), &doc, NULL) != SC_OK)
        return false;
    const struct sc_json_value *root = sc_json_root(doc);
    bool same = sc_json_get_int(sc_json_member(root, "size_bytes"), -1) == m->size_bytes &&
                sc_json_get_int(sc_json_member(root, "changed_ns"), -1) == m->changed_ns;
    m->is_damaged = same && sc_json_get_bool(sc_json_member(root, "damaged"), false);
    m->has_facts = read_facts(root, &m->facts);
    m->is_known = m->has_facts && same && !m->is_damaged;
    return same;
}

void sc_model_facts_read(struct sc_model *m)
{
    SC_AUTO_FREE char *note = note_path(m);
    SC_AUTO_FREE char *fresh = fresh_path(m);
    struct sc_model other = *m;
    if (!read_note(note, m) && read_note(fresh, &other))
        *m = other;
}

static void put_history(struct sc_json *w, const struct sc_model_facts *f)
{
    sc_json_text(w, "sha256", f->sha256);
    sc_json_text(w, "sum_from", trusts[f->trust]);
    sc_json_text(w, "source", f->source);
    sc_json_time(w, "added", f->added_ms);
}

static void put_network(struct sc_json *w, const struct sc_model_facts *f)
{
    struct sc_whisper_dims d = f->dims;
    sc_json_text(w, "type", f->type);
    sc_json_int(w, "languages", f->languages);
    sc_json_object(w, "dims");
    for (size_t i = 0; i < SC_ARRAY_LEN(dims); i++)
        sc_json_int(w, dims[i].name, *dim_of(&d, i));
    sc_json_end(w);
}

static void put_unknown(struct sc_json *w, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        sc_json_null(w, names[i]);
}

bool sc_model_is_known(const struct sc_model *m)
{
    return m->is_known || m->is_inspected;
}

/* Whole or not at all, and readable for whoever may read the model: a server of another user, too.
 */
static enum sc_code write_readable(const char *path, const struct sc_buf *text,
                                   struct sc_error *err)
{
    SC_AUTO_FREE char *dir = sc_strndup(path, (size_t)(strrchr(path, '/') - path));
    SC_AUTO_FREE char *made = NULL;
    SC_AUTO_CLOSE int fd = -1;
    enum sc_code code = sc_file_temp(dir, SC_MODEL_NOTE, &fd, &made, err);
    if (code != SC_OK)
        return code;
    code = sc_file_write_all(fd, text->ptr, text->len, err);
    if (code == SC_OK && fchmod(fd, 0644) != 0)
        code = sc_error_errno(err, errno, "cannot write '%s'", path);
    if (code == SC_OK)
        code = sc_file_sync(fd, err);
    if (code == SC_OK)
        code = sc_file_rename_durable(made, path, err);
    if (code != SC_OK)
        (void)unlink(made);
    return code;
}

static enum sc_code write_note(const struct sc_model *m, const char *path, struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &text);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "size_bytes", m->size_bytes);
    sc_json_int(&w, "changed_ns", m->changed_ns);
    sc_json_bool(&w, "damaged", m->is_damaged);
    put_history(&w, &m->facts);
    put_network(&w, &m->facts);
    sc_json_end(&w);
    sc_buf_putc(&text, '\n');
    return write_readable(path, &text, err);
}

enum sc_code sc_model_facts_write(const struct sc_model *m, struct sc_error *err)
{
    SC_AUTO_FREE char *note = note_path(m);
    return write_note(m, note, err);
}

enum sc_code sc_model_facts_prepare(const struct sc_model *m, struct sc_error *err)
{
    SC_AUTO_FREE char *fresh = fresh_path(m);
    return write_note(m, fresh, err);
}

void sc_model_facts_show(const struct sc_model *m)
{
    SC_AUTO_FREE char *fresh = fresh_path(m);
    SC_AUTO_FREE char *note = note_path(m);
    enum sc_code code = sc_file_rename_durable(fresh, note, NULL);
    (void)code; /* it is read where it is */
}

void sc_model_facts_recover(const struct sc_model *m)
{
    SC_AUTO_FREE char *fresh = fresh_path(m);
    struct sc_model other = *m;
    if (read_note(fresh, &other))
        sc_model_facts_show(m);
}

enum state {
    STATE_READY,
    STATE_UNCHECKED, /* whether it is a model shows when it is opened */
    STATE_DAMAGED,
};
static const char *const states[] = { "ready", "unchecked", "damaged" };

static enum state state_of(const struct sc_model *m)
{
    if (m->is_damaged)
        return STATE_DAMAGED;
    return m->is_known ? STATE_READY : STATE_UNCHECKED;
}

void sc_model_write(struct sc_json *w, const char *key, const struct sc_model *m, bool is_default)
{
    static const char *const history[] = { "sha256", "sum_from", "source", "added", NULL };
    static const char *const network[] = { "type", "languages", "dims", NULL };
    const char *slash = strrchr(m->path, '/');
    sc_json_object(w, key);
    sc_json_text(w, "name", m->name);
    sc_json_text(w, "engine", "whisper");
    sc_json_bool(w, "default", is_default);
    sc_json_text(w, "file", slash == NULL ? m->path : slash + 1);
    sc_json_text(w, "state", states[state_of(m)]);
    sc_json_text(w, "format", m->is_folder ? "safetensors" : "ggml");
    sc_json_bool(w, "system", m->is_system);
    sc_json_int(w, "size_bytes", m->size_bytes);
    sc_json_bool(w, "verified", m->is_known);
    if (m->is_known)
        put_history(w, &m->facts);
    else
        put_unknown(w, history);
    if (sc_model_is_known(m))
        put_network(w, &m->facts);
    else
        put_unknown(w, network);
    sc_json_opt(w, "memory_bytes", sc_model_memory(m, NULL));
    sc_json_end(w);
}
