#include "whisper/file.h"

#include "base/alloc.h"
#include "sys/file.h"
#include "whisper/file-internal.h"
#include "whisper/vocab.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/banned.h"

/* Special tokens that are neither languages nor times: eot, sot, translate, transcribe, solm, prev,
 * no_speech, no_timestamps. */
#define SPECIALS 8
#define LANGUAGES_MAX 100
#define WEIGHTS "model.safetensors"
/* Bytes of what lies beside the weights: Hugging Face's tokenizer.json has 4 MB. */
#define BESIDE_MAX ((size_t)32 << 20)
#define NAME_SHOWN 48

int sc_whisper_text_tokens(int n_vocab, int named)
{
    /* Of the models that everybody has the size tells; the files name more or fewer tokens than
     * those of text. Of a vocabulary of one's own, they name those. */
    const int text = n_vocab == SC_VOCAB_ENGLISH  ? SC_VOCAB_ENGLISH_TEXT
                     : n_vocab > SC_VOCAB_ENGLISH ? SC_VOCAB_ENGLISH_TEXT + 1
                                                  : named;
    const int languages = n_vocab - SPECIALS - SC_VOCAB_TIMES - text;
    return languages >= 0 && languages <= LANGUAGES_MAX ? text : -1;
}

enum sc_code sc_whisper_make_tokens(struct sc_whisper_file *f, int count, struct sc_error *err)
{
    f->tokens = sc_try_alloc(((size_t)count + 1) * sizeof(*f->tokens));
    if (f->tokens == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    f->token_count = count;
    for (int i = 0; i < count; i++)
        f->tokens[i] = SC_STR("");
    return SC_OK;
}

enum sc_code sc_whisper_check_token(int id, size_t bytes, struct sc_error *err)
{
    if (bytes <= SC_WHISPER_TOKEN_MAX)
        return SC_OK;
    return sc_whisper_bad(err,
                          "token %d is %zu bytes long, and no Whisper model has one of more than "
                          "%d; the file is damaged",
                          id, bytes, SC_WHISPER_TOKEN_MAX);
}

/* What people take for a Whisper model, by how it begins. */
static enum sc_code name_the_stranger(struct sc_str bytes, struct sc_error *err)
{
    static const struct {
        const char *bytes;
        uint8_t at, len;
        const char *what;
    } rows[] = {
        { "GGUF", 0, 4, "it is a GGUF file; take the ggml form (ggml-*.bin) or safetensors" },
        { "PK\3\4", 0, 4,
          "it is a PyTorch checkpoint or an archive; take the ggml form (ggml-*.bin) or "
          "safetensors" },
        { "\x80\2", 0, 2,
          "it is a PyTorch checkpoint; take the ggml form (ggml-*.bin) or safetensors" },
        { "WhisperSpec", 6, 11,
          "it is a model for CTranslate2; take the ggml form (ggml-*.bin) or safetensors" },
        { "ggml", 0, 4, "it was written by a big-endian machine; convert it again" },
        { "tjgg", 0, 4, "it is a ggml model of another kind; take a Whisper model (ggml-*.bin)" },
        { "version https://git-lfs", 0, 23,
          "it only names a model: fetch the model itself with `git lfs pull`" },
        { "<", 0, 1, "it is a web page, not a model: download it again" },
        { "{", 0, 1, "it is JSON, not a model: name the folder with model.safetensors" },
        { "\x1f\x8b", 0, 2, "it is compressed: unpack it" },
    };
    if (bytes.len == 0)
        return sc_whisper_bad(err, "the file is empty: get it again");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (bytes.len >= (size_t)rows[i].at + rows[i].len &&
            memcmp(bytes.ptr + rows[i].at, rows[i].bytes, rows[i].len) == 0)
            return sc_whisper_bad(err, "%s", rows[i].what);
    }
    return sc_whisper_bad(err, "it is no Whisper model; take the ggml form (ggml-*.bin) or "
                               "safetensors");
}

enum sc_code sc_whisper_file_of(struct sc_str bytes, struct sc_whisper_file **out,
                                struct sc_error *err)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = sc_alloc(sizeof(*f));

    f->bytes = bytes;
    enum sc_code code = sc_ggml_is(bytes) ? sc_ggml_read(f, err) : name_the_stranger(bytes, err);
    if (code == SC_OK)
        *out = SC_TAKE(f);
    return code;
}

/* The file of that name in the folder; "" when there is none. */
static enum sc_code read_beside(const char *folder, const char *name, struct sc_buf *out,
                                struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_path_join(folder, name);

    enum sc_code code = sc_file_read(path, BESIDE_MAX, out, NULL);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code == SC_E_FILE_TOO_LARGE)
        return sc_whisper_bad(err, "its %s is too large: get it again", name);
    return code == SC_OK ? SC_OK
                         : sc_whisper_bad(err, "its %s is no file, or cannot be read", name);
}

static enum sc_code read_safetensors(struct sc_whisper_file *f, const char *folder,
                                     struct sc_error *err)
{
    SC_AUTO_BUF config = { 0 };
    SC_AUTO_BUF vocabulary = { 0 };

    enum sc_code code = read_beside(folder, "config.json", &config, err);
    if (code == SC_OK)
        code = read_beside(folder, "tokenizer.json", &vocabulary, err);
    if (code == SC_OK && vocabulary.len == 0)
        code = read_beside(folder, "vocab.json", &vocabulary, err);
    if (code != SC_OK)
        return code;
    return sc_safetensors_read(f, sc_buf_str(&config), sc_buf_str(&vocabulary), err);
}

/* Maps path, or of a folder the weights in it, whose path replaces *path. */
static enum sc_code map(struct sc_whisper_file *f, char **path, struct sc_error *err)
{
    struct stat st;
    SC_AUTO_CLOSE int fd = open(*path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return sc_error_field(err, SC_E_NOT_FOUND, "model", "there is no such file");
    if (fd < 0 || fstat(fd, &st) != 0)
        return sc_error_errno(err, errno, "it cannot be opened");
    if (S_ISDIR(st.st_mode)) {
        char *file = sc_path_join(*path, WEIGHTS);
        free(*path);
        *path = file;
        return access(file, F_OK) == 0
                   ? map(f, path, err)
                   : sc_whisper_bad(err, "the folder has no " WEIGHTS
                                         "; weights in several files cannot be read: take a model "
                                         "in one, or the ggml form (ggml-*.bin)");
    }
    if (!S_ISREG(st.st_mode))
        return sc_whisper_bad(err, "it is no file");
    if (st.st_size == 0)
        return name_the_stranger(SC_STR(""), err);
    enum sc_code code = sc_mapping_open(fd, (size_t)st.st_size, &f->mapping, err);
    if (code == SC_OK)
        f->bytes = sc_mapping_bytes(f->mapping);
    return code;
}

static enum sc_code open_file(struct sc_whisper_file *f, char **path, struct sc_error *err)
{
    enum sc_code code = map(f, path, err);
    if (code != SC_OK)
        return code;
    if (sc_ggml_is(f->bytes))
        return sc_ggml_read(f, err);
    if (!sc_safetensors_is(f->bytes))
        return name_the_stranger(f->bytes, err);
    char *slash = strrchr(*path, '/');
    if (slash != NULL)
        *slash = '\0';
    code = read_safetensors(f, slash == NULL ? "." : slash == *path ? "/" : *path, err);
    if (slash != NULL)
        *slash = '/';
    return code;
}

/* The file alone, the end of a long one: errors go to those who may not know our folders, and need
 * their room for the remedy. */
static char *name_of(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t from = end;
    while (from > 0 && path[from - 1] != '/' && end - from < NAME_SHOWN)
        from--;
    while (from < end && ((unsigned char)path[from] & 0xc0) == 0x80)
        from++;
    return sc_strndup(path + from, end - from);
}

enum sc_code sc_whisper_file_open(const char *path, struct sc_whisper_file **out,
                                  struct sc_error *err)
{
    SC_AUTO_FREE char *name = name_of(path);
    return sc_whisper_file_open_as(path, name, out, err);
}

enum sc_code sc_whisper_file_open_as(const char *path, const char *seen,
                                     struct sc_whisper_file **out, struct sc_error *err)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = sc_alloc(sizeof(*f));
    SC_AUTO_FREE char *file = sc_strdup(path);
    struct sc_error why = { 0 };

    f->name = sc_strdup(seen);
    enum sc_code code = open_file(f, &file, &why);
    /* What is missing of a file that was cut short meanwhile is what it lost. */
    enum sc_code whole = sc_whisper_file_check(f, err);
    if (whole != SC_OK)
        return whole;
    if (code != SC_OK)
        return sc_error_field(err, code, "model", "cannot use the model '%s': %s", f->name,
                              why.msg);
    *out = SC_TAKE(f);
    return SC_OK;
}

enum sc_code sc_whisper_file_check(const struct sc_whisper_file *f, struct sc_error *err)
{
    if (f->mapping == NULL || !sc_mapping_lost(f->mapping))
        return SC_OK;
    return sc_whisper_bad(err,
                          "cannot use the model '%s': the file changed while it was read; get it "
                          "again whole, and replace models with `scripta models add --replace`",
                          f->name);
}

void sc_whisper_file_close(struct sc_whisper_file *f)
{
    if (f == NULL)
        return;
    sc_mapping_close(f->mapping);
    free(f->name);
    free(f->mel);
    free(f->tokens);
    sc_buf_done(&f->token_bytes);
    free(f->entries);
    free(f);
}

const struct sc_whisper_dims *sc_whisper_file_dims(const struct sc_whisper_file *f)
{
    return &f->dims;
}

const struct sc_wtensor *sc_whisper_file_tensor(const struct sc_whisper_file *f, const char *name)
{
    const struct sc_whisper_entry *e = sc_whisper_find(f, name);
    return e == NULL ? NULL : &e->tensor;
}

void sc_whisper_file_leave(const struct sc_whisper_file *f, const struct sc_wtensor *t)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t before = (uintptr_t)t->data % page;

    /* What shares its first and last page is read anew, where it is needed at all. */
    if (f->mapping != NULL)
        (void)madvise((void *)(uintptr_t)(t->data - before), before + t->bytes, MADV_DONTNEED);
}

const float *sc_whisper_file_mel(const struct sc_whisper_file *f)
{
    return f->mel;
}

int sc_whisper_file_tokens(const struct sc_whisper_file *f)
{
    return f->token_count;
}

struct sc_str sc_whisper_file_token(const struct sc_whisper_file *f, int id)
{
    return id >= 0 && id < f->token_count ? f->tokens[id] : SC_STR("");
}

enum sc_wtype sc_whisper_file_type(const struct sc_whisper_file *f)
{
    int64_t values[SC_WTYPE_COUNT_] = { 0 };
    enum sc_wtype most = SC_WTYPE_F32;

    for (size_t i = 0; i < f->entry_count; i++) {
        const struct sc_wtensor *t = &f->entries[i].tensor;
        values[t->type] += t->dims[0] * sc_wtensor_row(t);
        if (values[t->type] > values[most])
            most = t->type;
    }
    return most;
}
