/* Adding what lies on this machine: a copy of it becomes the model. */
#include "models/models-internal.h"

#include "base/alloc.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

#define BLOCK ((size_t)1 << 20)

struct copying {
    const struct sc_models_watch *watch;
    int64_t done, total;
};

static enum sc_code copy_bytes(struct copying *c, int from, int to, struct sc_error *err)
{
    SC_AUTO_FREE char *block = sc_alloc(BLOCK);
    for (;;) {
        if (sc_models_stopped(c->watch))
            return sc_error_set(err, SC_E_CANCELLED, "interrupted");
        ssize_t n = read(from, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read the model");
        if (n == 0)
            return sc_file_sync(to, err);
        enum sc_code code = sc_file_write_all(to, block, (size_t)n, err);
        if (code != SC_OK)
            return code;
        c->done += n;
        sc_models_show(c->watch, "copy", c->done, c->total);
    }
}

static enum sc_code copy_file(struct copying *c, const char *from, const char *to,
                              struct sc_error *err)
{
    SC_AUTO_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in < 0)
        return sc_error_errno(err, errno, "cannot read '%s'", from);
    SC_AUTO_CLOSE int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (out < 0)
        return sc_error_errno(err, errno, "cannot write '%s'", to);
    return copy_bytes(c, in, out, err);
}

/* What is read of a model of safetensors, and nothing else: the copy can be read by everybody, and
 * links in the folder may lead anywhere. */
static enum sc_code copy_folder(struct copying *c, const char *from, const char *to,
                                struct sc_error *err)
{
    static const char *const parts[] = { SC_MODEL_WEIGHTS, "config.json", "tokenizer.json",
                                         "vocab.json" };
    bool has_tokenizer = false;
    enum sc_code code = sc_dir_create(to, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(parts); i++) {
        SC_AUTO_FREE char *in = sc_path_join(from, parts[i]);
        SC_AUTO_FREE char *out = sc_path_join(to, parts[i]);
        bool is_vocab = strcmp(parts[i], "vocab.json") == 0;
        if (sc_file_size(in) < 0 || (is_vocab && has_tokenizer))
            continue;
        has_tokenizer = strcmp(parts[i], "tokenizer.json") == 0;
        code = copy_file(c, in, out, err);
    }
    return code == SC_OK ? sc_dir_sync(to, err) : code;
}

/* The name that it will have: the one that is asked for, else its own. */
static enum sc_code name_for(const struct sc_model_wish *wish, bool is_folder,
                             char out[SC_MODEL_NAME], struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_strdup(wish->what);
    char own[SC_MODEL_NAME];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL ? path : slash + 1;
    if (is_folder)
        return sc_models_name(wish, last, last, out, err);
    return sc_models_name(wish, sc_model_name_of(last, own) ? own : NULL, last, out, err);
}

struct adding {
    const struct sc_model_wish *wish;
    const struct sc_models_watch *watch;
};

/* Of weights in the safetensors form the model is the folder, with what lies beside them. */
static char *whole_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (strcmp(slash == NULL ? path : slash + 1, SC_MODEL_WEIGHTS) != 0)
        return sc_strdup(path);
    SC_AUTO_FREE char *folder =
        slash == NULL ? sc_strdup(".") : sc_strndup(path, (size_t)SC_MAX(slash - path, 1));
    char *full = realpath(folder, NULL); /* whose name is that of the model */
    return full == NULL ? sc_strdup(path) : full;
}

static enum sc_code look(void *from, struct sc_model *m, struct sc_error *err)
{
    const struct adding *a = from;
    const struct sc_model_wish *wish = a->wish;
    struct stat st;
    if (stat(wish->what, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? sc_error_set(err, SC_E_NOT_FOUND, "there is no file '%.160s'", wish->what)
                   : sc_error_errno(err, errno, "cannot read '%s'", wish->what);
    m->is_folder = S_ISDIR(st.st_mode);
    if (!m->is_folder && !S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%.160s' is no file", wish->what);
    /* Before anything is copied; what counts is looked at again in the copy. */
    enum sc_code code = sc_models_inspect(wish->what, &m->facts, err);
    if (code == SC_OK)
        code = sc_model_measure(wish->what, m->is_folder, m, err);
    if (code == SC_OK)
        code = name_for(wish, m->is_folder, m->name, err);
    m->facts.trust = wish->sha256 == NULL ? SC_MODEL_TRUST_NOBODY : SC_MODEL_TRUST_ASKED;
    SC_AUTO_FREE char *full = realpath(wish->what, NULL);
    (void)snprintf(m->facts.source, sizeof(m->facts.source), "%s", full == NULL ? "" : full);
    return code;
}

static enum sc_code copy_and_settle(void *from, struct sc_model *m, struct sc_error *err)
{
    const struct adding *a = from;
    struct copying c = { .watch = a->watch, .total = m->size_bytes };
    SC_AUTO_FREE char *dir = sc_strndup(m->path, (size_t)(strrchr(m->path, '/') - m->path));
    SC_AUTO_FREE char *copy = sc_asprintf("%s/.%s" SC_MODEL_COPY, dir, m->name);
    const struct sc_model_made made = { .path = copy,
                                        .seen = a->wish->what,
                                        .sha256 = a->wish->sha256 == NULL ? "" : a->wish->sha256 };
    sc_models_drop(copy);
    enum sc_code code = sc_models_room(dir, m->size_bytes, err);
    if (code == SC_OK)
        code = m->is_folder ? copy_folder(&c, a->wish->what, copy, err)
                            : copy_file(&c, a->wish->what, copy, err);
    if (code == SC_OK)
        code = sc_models_settle(&made, m, a->watch, err);
    if (code != SC_OK)
        sc_models_drop(copy);
    return code;
}

enum sc_code sc_models_add(const struct sc_config *config, const struct sc_model_wish *wish,
                           const struct sc_models_watch *watch, struct sc_model *out,
                           struct sc_error *err)
{
    static const struct sc_models_way way = { look, copy_and_settle };
    SC_AUTO_FREE char *what = whole_of(wish->what);
    struct sc_model_wish whole = *wish;
    whole.what = what;
    struct adding a = { &whole, watch };
    return sc_models_bring(config, &way, &a, wish->replace, out, err);
}
