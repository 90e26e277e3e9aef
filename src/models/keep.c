/* Bringing, removing and verifying. A model is made under a hidden name in the folder where it will
 * lie, checked whole, described under another hidden name, and shown by one rename; then its facts
 * take the place of those of the model before it. Whatever is cut short leaves hidden files that
 * the next attempt takes over or removes, and no model; between the last two renames the facts are
 * read where they are (facts.c). */
#include "models/models-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "sys/file.h"
#include "sys/lockfile.h"
#include "whisper/vocab.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/banned.h"

#define BLOCK ((size_t)1 << 20)
/* What the disk keeps for others. */
#define ROOM_LEFT ((int64_t)16 << 20)
#define SHA1_BYTES 20

/* ---- the watch ---- */

void sc_models_show(const struct sc_models_watch *w, const char *stage, int64_t done, int64_t total)
{
    if (w != NULL && w->show != NULL)
        w->show(w->ctx, stage, done, total);
}

void sc_models_say(const struct sc_models_watch *w, const char *fmt, ...)
{
    char text[400];
    va_list args;
    if (w == NULL || w->note == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    w->note(w->ctx, text);
}

bool sc_models_stopped(const struct sc_models_watch *w)
{
    return w != NULL && w->stop != NULL && w->stop(w->ctx);
}

/* ---- what all of them need ---- */

enum sc_code sc_models_lock(const struct sc_config *config, const char *name,
                            struct sc_lockfile **out, struct sc_error *err)
{
    SC_AUTO_FREE char *dir = sc_models_dir(config);
    SC_AUTO_FREE char *path = sc_path_join(dir, SC_MODEL_LOCK);
    SC_AUTO_FREE char *holder = sc_asprintf("pid=%d" SC_MODEL_HOLDER "%s", (int)getpid(), name);
    char other[SC_MODEL_NAME + 40];
    enum sc_code code = sc_dir_create_durable(dir, err);
    if (code == SC_OK)
        code = sc_lockfile_take(path, holder, out, err);
    if (code != SC_E_STORE_LOCKED)
        return code;
    sc_lockfile_holder(path, other, sizeof(other));
    return sc_error_set(err, SC_E_CONFLICT,
                        "another `scripta models` is at work on '%.120s' (%s): try again when it "
                        "has ended",
                        dir, other);
}

bool sc_models_sum_parse(struct sc_str text, char out[SC_SHA256_TEXT])
{
    if (text.len != SC_SHA256_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isxdigit((unsigned char)text.ptr[i]))
            return false;
        out[i] = (char)tolower((unsigned char)text.ptr[i]);
    }
    out[text.len] = '\0';
    return true;
}

enum sc_code sc_models_name(const struct sc_model_wish *wish, const char *own, const char *seen,
                            char out[SC_MODEL_NAME], struct sc_error *err)
{
    const char *name = wish->name == NULL ? own : wish->name;
    if (name != NULL && sc_model_name_is_safe(name)) {
        (void)snprintf(out, SC_MODEL_NAME, "%s", name);
        return SC_OK;
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, "name",
                          "'%.80s' cannot be the name of a model: give one of letters, digits, "
                          "'.', '_' and '-' with --name",
                          wish->name == NULL ? seen : wish->name);
}

enum sc_code sc_models_room(const char *dir, int64_t need, struct sc_error *err)
{
    int64_t has = SC_FAULT("models.room") ? 0 : sc_disk_free(dir);
    if (has < 0 || need <= 0 || need <= has - ROOM_LEFT)
        return SC_OK;
    return sc_error_set(err, SC_E_NO_SPACE,
                        "%lld MB more are needed and the disk of '%.120s' has %lld MB free: make "
                        "room, or choose another folder with models.dir",
                        (long long)(need / 1000000 + 1), dir, (long long)(has / 1000000));
}

/* ---- sums ---- */

struct sums {
    char sha256[SC_SHA256_TEXT];
    char sha1[2 * SHA1_BYTES + 1]; /* what published.def has */
};

static const struct {
    const char *name, *sha1;
} published[] = {
#define SC_PUBLISHED(name, sha1) { name, sha1 },
#include "models/published.def"
#undef SC_PUBLISHED
};

const char *sc_models_published(const char *name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(published); i++) {
        if (strcmp(published[i].name, name) == 0)
            return published[i].sha1;
    }
    return NULL;
}

static bool is_published(const char *sha1)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(published); i++) {
        if (strcmp(published[i].sha1, sha1) == 0)
            return true;
    }
    return false;
}

static void take_sums(struct sc_hash *sha256, struct sc_hash *sha1, struct sums *out)
{
    unsigned char digest[SC_HASH_BYTES_MAX];
    sc_hash_hex(sha256, out->sha256);
    sc_assert(sc_hash_take(sha1, digest) == SHA1_BYTES);
    for (size_t i = 0; i < SHA1_BYTES; i++)
        (void)snprintf(out->sha1 + 2 * i, 3, "%02x", digest[i]);
}

static enum sc_code hash_file(int fd, const struct sc_models_watch *watch, struct sums *out,
                              struct sc_error *err)
{
    SC_AUTO(sc_hash_freep) struct sc_hash *sha256 = sc_hash_new();
    SC_AUTO(sc_hash_freep) struct sc_hash *sha1 = sc_hash_new_kind(SC_HASH_SHA1);
    SC_AUTO_FREE char *block = sc_alloc(BLOCK);
    struct stat st;
    int64_t done = 0, total = fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
    for (;;) {
        if (sc_models_stopped(watch))
            return sc_error_set(err, SC_E_CANCELLED, "interrupted");
        ssize_t n = pread(fd, block, BLOCK, done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read the model");
        if (n == 0)
            break;
        sc_hash_update(sha256, block, (size_t)n);
        sc_hash_update(sha1, block, (size_t)n);
        done += n;
        sc_models_show(watch, "verify", done, total);
    }
    take_sums(sha256, sha1, out);
    return SC_OK;
}

static enum sc_code hash_path(const char *path, bool is_folder, const struct sc_models_watch *watch,
                              struct sums *out, struct sc_error *err)
{
    SC_AUTO_FREE char *weights = sc_model_weights(path, is_folder);
    SC_AUTO_CLOSE int fd = open(weights, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot read '%s'", weights);
    return hash_file(fd, watch, out, err);
}

static enum sc_code look_into(const struct sc_whisper_file *file, struct sc_model_facts *out,
                              struct sc_error *err)
{
    SC_AUTO(sc_vocab_freep) struct sc_vocab *vocab = NULL;
    enum sc_code code = sc_vocab_of(file, &vocab, err);
    if (code == SC_OK)
        code = sc_whisper_file_check(file, err);
    if (code != SC_OK)
        return code;
    out->dims = *sc_whisper_file_dims(file);
    out->languages = vocab->multilingual ? vocab->languages : 1;
    (void)snprintf(out->type, sizeof(out->type), "%s", sc_wtype_name(sc_whisper_file_type(file)));
    return SC_OK;
}

enum sc_code sc_models_inspect(const char *path, struct sc_model_facts *out, struct sc_error *err)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    enum sc_code code = sc_whisper_file_open(path, &file, err);
    return code == SC_OK ? look_into(file, out, err) : code;
}

/* What nobody else has seen yet. */
static enum sc_code inspect_made(const struct sc_model_made *made, struct sc_model_facts *out,
                                 struct sc_error *err)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    enum sc_code code = sc_whisper_file_open_as(made->path, made->seen, &file, err);
    return code == SC_OK ? look_into(file, out, err) : code;
}

static enum sc_code check_sums(const struct sc_model_made *made, const struct sums *is,
                               struct sc_model *m, struct sc_error *err)
{
    const char *listed = sc_models_published(m->name);
    if (made->sha256[0] != '\0' && strcmp(made->sha256, is->sha256) != 0)
        return sc_error_set(err, SC_E_CHECKSUM_MISMATCH,
                            "its SHA-256 is %.64s, and must be %.64s: nothing was kept", is->sha256,
                            made->sha256);
    if (made->is_asked_for && listed != NULL && strcmp(listed, is->sha1) != 0)
        return sc_error_set(err, SC_E_CHECKSUM_MISMATCH,
                            "this is not the model '%.40s' that its author publishes, of SHA-1 "
                            "%.40s, but %.40s: nothing was kept; name its sum with --sha256 when "
                            "you want it",
                            m->name, listed, is->sha1);
    if (is_published(is->sha1))
        m->facts.trust = SC_MODEL_TRUST_AUTHOR;
    memcpy(m->facts.sha256, is->sha256, sizeof(m->facts.sha256));
    return SC_OK;
}

static bool exchange(const char *a, const char *b)
{
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

/* A folder takes the place of another by exchange, so that there is one at every moment; where
 * that cannot be done, what stands there goes first. */
static enum sc_code take_place(const char *made, const struct sc_model *m, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (m->is_folder && exchange(made, m->path)) {
        SC_AUTO_FREE char *dir = sc_strndup(m->path, (size_t)(strrchr(m->path, '/') - m->path));
        code = sc_dir_sync(dir, err);
        /* On failure the caller drops what lies at `made`: that must not be the old one. */
        if (code != SC_OK && exchange(made, m->path))
            return code;
        sc_models_drop(made);
        return SC_OK;
    }
    if (m->is_folder)
        code = sc_dir_remove(m->path, err);
    return code == SC_OK ? sc_file_rename_durable(made, m->path, err) : code;
}

enum sc_code sc_models_settle(const struct sc_model_made *made, struct sc_model *m,
                              const struct sc_models_watch *watch, struct sc_error *err)
{
    struct sums sums;
    enum sc_code code = hash_path(made->path, m->is_folder, watch, &sums, err);
    if (code == SC_OK)
        code = check_sums(made, &sums, m, err);
    if (code == SC_OK)
        code = inspect_made(made, &m->facts, err);
    if (code == SC_OK)
        code = sc_model_measure(made->path, m->is_folder, m, err);
    m->facts.added_ms = sc_clock_wall_ms();
    m->is_damaged = false;
    if (code == SC_OK)
        code = sc_model_facts_prepare(m, err);
    if (code == SC_OK)
        code = take_place(made->path, m, err);
    if (code == SC_OK && !SC_FAULT("models.settle"))
        sc_model_facts_show(m);
    m->is_known = m->has_facts = code == SC_OK;
    return code;
}

/* ---- bringing ---- */

/* Locks the folder and fills m->path with where the model m->name is to lie: where it lies already,
 * or anew. CONFLICT when there is one and it is not to be replaced, or is of the other kind. */
static enum sc_code place(const struct sc_config *config, struct sc_model *m, bool replace,
                          struct sc_lockfile **lock, struct sc_error *err)
{
    SC_AUTO_MODELS all = { 0 };
    SC_AUTO_FREE char *dir = sc_models_dir(config);
    enum sc_code code = sc_models_lock(config, m->name, lock, err);
    if (code == SC_OK)
        code = sc_models_list(config, &all, err);
    if (code != SC_OK)
        return code;
    for (size_t i = 0; i < all.count; i++) {
        struct sc_model *old = &all.rows[i];
        if (old->is_system || strcmp(old->name, m->name) != 0)
            continue;
        if (!replace || old->is_folder != m->is_folder)
            return sc_error_set(err, SC_E_CONFLICT,
                                "there is a model '%.80s' already: remove it first%s", m->name,
                                old->is_folder == m->is_folder ? ", or give --replace" : "");
        sc_model_facts_recover(old);  /* before others are prepared in their place */
        m->path = SC_TAKE(old->path); /* also where it is called NAME.bin */
        return SC_OK;
    }
    SC_AUTO_FREE char *file = m->is_folder
                                  ? sc_strdup(m->name)
                                  : sc_asprintf(SC_MODEL_PREFIX "%s" SC_MODEL_SUFFIX, m->name);
    m->path = sc_path_join(dir, file);
    return SC_OK;
}

enum sc_code sc_models_bring(const struct sc_config *config, const struct sc_models_way *way,
                             void *from, bool replace, struct sc_model *out, struct sc_error *err)
{
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    SC_AUTO_MODEL m = { 0 };
    enum sc_code code = way->look(from, &m, err);
    if (code == SC_OK)
        code = place(config, &m, replace, &lock, err);
    if (code == SC_OK)
        code = way->bring(from, &m, err);
    if (code != SC_OK)
        return code;
    *out = m;
    m.path = NULL;
    return SC_OK;
}

/* ---- removing ---- */

/* Its facts go first: what is left when this is cut short is a model without, not facts of a model
 * that may be another by then. A folder goes at once, too. */
static enum sc_code remove_model(const struct sc_model *m, const char *dir, int64_t *freed,
                                 struct sc_error *err)
{
    SC_AUTO_FREE char *note = sc_asprintf("%s" SC_MODEL_NOTE, m->path);
    SC_AUTO_FREE char *hidden = sc_asprintf("%s/.%s" SC_MODEL_COPY, dir, m->name);
    if (unlink(note) != 0 && errno != ENOENT)
        return sc_error_errno(err, errno, "cannot remove '%s'", note);
    if (!m->is_folder && unlink(m->path) != 0 && errno != ENOENT)
        return sc_error_errno(err, errno, "cannot remove '%s'", m->path);
    if (m->is_folder && rename(m->path, hidden) != 0 && errno != ENOENT)
        return sc_error_errno(err, errno, "cannot remove '%s'", m->path);
    *freed += m->size_bytes;
    return m->is_folder ? sc_dir_remove(hidden, err) : SC_OK;
}

/* The model of our folder that is called so, and nothing else that its name may mean. */
static enum sc_code find_own(const struct sc_config *config, const char *name, struct sc_model *out,
                             struct sc_error *err)
{
    enum sc_code code = sc_models_get(config, name, out, err);
    if (code == SC_OK && strcmp(out->name, name) != 0)
        return sc_error_field(err, SC_E_NOT_FOUND, "name",
                              "there is no model '%.60s': say '%.60s' when you mean that one", name,
                              out->name);
    if (code == SC_E_NOT_FOUND)
        return sc_error_field(err, SC_E_NOT_FOUND, "name",
                              "there is no model '%.60s'; `scripta models list` tells them", name);
    if (code == SC_OK && out->is_system)
        return sc_error_set(err, SC_E_CONFLICT,
                            "the model '%.80s' lies in '%.100s', which is the system's: remove it "
                            "the way it came",
                            out->name, config->models_system_dir);
    return code;
}

enum sc_code sc_models_remove(const struct sc_config *config, const char *name, int64_t *freed,
                              struct sc_error *err)
{
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    SC_AUTO_FREE char *dir = sc_models_dir(config);
    SC_AUTO_MODEL m = { 0 };
    struct sc_error why = { 0 };
    bool had_rests = false;
    *freed = 0;
    if (!sc_model_name_is_safe(name))
        return sc_error_field(err, SC_E_INVALID_VALUE, "name",
                              "'%.80s' is no name of a model; `scripta models list` tells them",
                              name);
    enum sc_code code = sc_models_lock(config, name, &lock, err);
    if (code == SC_OK)
        code = sc_models_drop_rests(dir, name, &had_rests, freed, err);
    if (code != SC_OK)
        return code;
    code = find_own(config, name, &m, &why);
    /* Where there is no model, or the system's, its rests were what was meant. */
    if (had_rests && (code == SC_E_NOT_FOUND || code == SC_E_CONFLICT))
        return SC_OK;
    return code == SC_OK ? remove_model(&m, dir, freed, err) : sc_error_copy(err, &why);
}

/* ---- verifying ---- */

/* Reads all of it; *now: what it is. */
static enum sc_code look_whole(const struct sc_model *m, const struct sc_models_watch *watch,
                               struct sc_model_facts *now, struct sc_error *err)
{
    struct sums sums;
    enum sc_code code = hash_path(m->path, m->is_folder, watch, &sums, err);
    if (code != SC_OK)
        return code;
    if (m->has_facts && strcmp(sums.sha256, m->facts.sha256) != 0)
        return sc_error_set(err, SC_E_MODEL_ERROR,
                            "the model '%.60s' is not what was added: its SHA-256 was %.12s…, and "
                            "is %.12s…: " SC_MODELS_MEND,
                            m->name, m->facts.sha256, sums.sha256);
    *now = m->facts;
    memcpy(now->sha256, sums.sha256, sizeof(now->sha256));
    now->trust = is_published(sums.sha1) ? SC_MODEL_TRUST_AUTHOR : m->facts.trust;
    now->added_ms = m->has_facts ? m->facts.added_ms : sc_clock_wall_ms();
    return sc_models_inspect(m->path, now, err);
}

/* Do other bytes lie there than those that were measured? */
static bool is_other_now(const struct sc_model *m)
{
    struct sc_model now = { 0 };
    return sc_model_measure(m->path, m->is_folder, &now, NULL) != SC_OK ||
           now.size_bytes != m->size_bytes || now.changed_ns != m->changed_ns;
}

/* What was found is written down under the lock, and only while the model is the one that was read:
 * with damage its facts stay, and hold no more, so that nobody uses these bytes. */
static enum sc_code conclude(const struct sc_config *config, const struct sc_model *m, bool is_news,
                             bool *replaced, struct sc_error *err)
{
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    bool writes = is_news && !m->is_system && !m->is_outside;
    enum sc_code code = writes ? sc_models_lock(config, m->name, &lock, err) : SC_OK;
    *replaced = is_other_now(m);
    if (*replaced)
        return sc_error_set(err, SC_E_CONFLICT,
                            "the model '%.80s' was replaced or removed while it was read: verify "
                            "it again",
                            m->name);
    return code == SC_OK && writes ? sc_model_facts_write(m, err) : code;
}

enum sc_code sc_models_verify(const struct sc_config *config, const char *name,
                              const struct sc_models_watch *watch, struct sc_model *out,
                              struct sc_error *err)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_model_facts now = { 0 };
    struct sc_error why = { 0 };
    enum sc_code code = sc_models_get(config, name, &m, err);
    if (code != SC_OK)
        return code;
    enum sc_code found = look_whole(&m, watch, &now, &why);
    if (found == SC_E_CANCELLED)
        return sc_error_copy(err, &why);
    m.is_damaged = found == SC_E_MODEL_ERROR;
    if (found == SC_OK)
        m.facts = now;
    bool replaced = false;
    code = conclude(config, &m, m.is_damaged || (found == SC_OK && !m.is_known), &replaced, err);
    /* Damage is told also where it could not be written down. */
    if (found != SC_OK && !replaced)
        return sc_error_copy(err, &why);
    if (code != SC_OK)
        return code;
    m.is_known = true;
    *out = m;
    m.path = NULL;
    return SC_OK;
}
