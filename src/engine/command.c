/* Any program that reads a WAV file and prints what was said in it, one run per chunk.
 *
 * Each run has a folder of its own: in.wav, and out/ for a program that writes files; all of it
 * goes when the run has ended. The program gets a clean environment, no descriptor, no token, and
 * nothing that it starts outlives it. */
#include "engine/engine-internal.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/language.h"
#include "base/utf8.h"
#include "engine/answer.h"
#include "engine/runline.h"
#include "sys/file.h"
#include "sys/run.h"
#include "json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

#define OUTPUT_MAX ((size_t)16 << 20)
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
#define SETTING "engine.command.run"

static const struct sc_placeholder known[] = {
    { "in", NULL },    { "out", NULL },    { "dir", NULL },      { "lang", NULL },
    { "model", NULL }, { "prompt", NULL }, { "hotwords", NULL }, { "temperature", NULL },
};

struct command {
    const struct sc_config *config;
    struct sc_runline line;
    struct sc_runline env; /* NAME=VALUE of the settings */
    char *program;         /* absolute path; owned */
    char *model;           /* owned */
};

static void command_close(void *state)
{
    struct command *c = state;
    if (c == NULL)
        return;
    sc_runline_done(&c->line);
    sc_runline_done(&c->env);
    free(c->program);
    free(c->model);
    free(c);
}
SC_DEFINE_FREEP(void, command_close);

/* ---- what it can do ---- */

/* Lists the options that the line has a place for. */
static void list_options(const struct sc_config *config, char *list, size_t size)
{
    static const struct {
        const char *placeholder, *option;
    } pairs[] = {
        { "lang", "language" },           { "model", "model" },
        { "prompt", "prompt" },           { "hotwords", "hotwords" },
        { "temperature", "temperature" },
    };
    SC_AUTO(sc_runline_done) struct sc_runline line = { 0 };
    if (sc_runline_split(sc_str_from(config->engine_command_run), &line, NULL) != SC_OK)
        return;
    for (size_t i = 0, used = 0; i < SC_ARRAY_LEN(pairs); i++) {
        if (sc_runline_use(&line, pairs[i].placeholder))
            used += (size_t)snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ",",
                                     pairs[i].option);
    }
}

static void command_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    char hash[SC_SHA256_TEXT];
    SC_AUTO_FREE char *all =
        sc_asprintf("%s\n%s\n%s\n%lld", config->engine_command_run, config->engine_command_format,
                    config->engine_command_env, (long long)config->engine_command_window_s);
    sc_hash_bytes(all, strlen(all), hash);
    *out = (struct sc_engine_caps){
        .max_chunk_s = (int)config->engine_command_max_chunk_s,
        .window_s =
            (int)SC_MIN(config->engine_command_window_s, config->engine_command_max_chunk_s),
        .batch = 1,
        .threads = 1,
        .concurrency = (int)config->engine_command_concurrency,
        .word_times = false,
        .languages = config->engine_command_languages,
        .default_model = config->engine_command_model,
        .models = "",
        .sends_to = "",
        .note = "the program of engine.command.run",
    };
    (void)snprintf(out->version, sizeof(out->version), "1-%.16s", hash);
    list_options(config, out->options, sizeof(out->options));
}

/* ---- is it fit? ---- */

static enum sc_code unusable(struct sc_error *err, const char *what)
{
    return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, SETTING ": %s", what);
}

/* The program that a name stands for; NULL: there is none that may be executed. */
static char *find_program(const char *name)
{
    struct stat st;
    if (name[0] == '/')
        return access(name, X_OK) == 0 && stat(name, &st) == 0 && S_ISREG(st.st_mode)
                   ? sc_strdup(name)
                   : NULL;
    if (strchr(name, '/') != NULL)
        return NULL;
    const char *path = getenv("PATH");
    struct sc_str rest = sc_str_from(path == NULL || path[0] == '\0' ? DEFAULT_PATH : path);
    while (rest.len > 0) {
        struct sc_str dir = sc_str_take_until(&rest, ':');
        SC_AUTO_FREE char *full = sc_asprintf("%.*s/%s", (int)dir.len, dir.ptr, name);
        if (full[0] == '/' && access(full, X_OK) == 0 && stat(full, &st) == 0 &&
            S_ISREG(st.st_mode))
            return SC_TAKE(full);
    }
    return NULL;
}

static enum sc_code check_line(const struct command *c, struct sc_error *err)
{
    if (!sc_runline_use(&c->line, "in"))
        return unusable(err, "it names no {in}, the sound file to read");
    struct sc_str bad = sc_runline_unknown(&c->line, known, SC_ARRAY_LEN(known));
    if (bad.len > 0)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            SETTING ": nothing is known as {%.*s}; there are {in} {out} {dir} "
                                    "{lang} {model} {prompt} {hotwords} {temperature}",
                            (int)SC_MIN(bad.len, (size_t)20), bad.ptr);
    if (sc_runline_use(&c->line, "model") && c->config->engine_command_model[0] == '\0')
        return unusable(err, "it uses {model}: set engine.command.model, for jobs that name none");
    if (c->program == NULL)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            SETTING ": there is no program '%.80s': install it, or give its full "
                                    "path",
                            c->line.words[0]);
    return SC_OK;
}

static enum sc_code check_env(const struct command *c, struct sc_error *err)
{
    for (size_t i = 0; i < c->env.count; i++) {
        const char *equals = strchr(c->env.words[i], '=');
        if (equals == NULL || equals == c->env.words[i])
            return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                                "engine.command.env: '%.60s' is not NAME=VALUE", c->env.words[i]);
    }
    return SC_OK;
}

static enum sc_code prepare(const struct sc_config *config, struct command **out,
                            struct sc_error *err)
{
    SC_AUTO(command_closep) void *guard = NULL;
    struct command *c = guard = sc_alloc(sizeof(*c));
    struct sc_error why = { 0 };
    c->config = config;
    if (config->engine_command_run[0] == '\0')
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "set " SETTING " to the command line of a program");
    if (sc_runline_split(sc_str_from(config->engine_command_run), &c->line, &why) != SC_OK)
        return unusable(err, why.msg);
    if (c->line.count == 0)
        return unusable(err, "it names no program");
    if (sc_runline_split(sc_str_from(config->engine_command_env), &c->env, &why) != SC_OK)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "engine.command.env: %s", why.msg);
    c->program = find_program(c->line.words[0]);
    enum sc_code code = check_line(c, err);
    if (code == SC_OK)
        code = check_env(c, err);
    if (code == SC_OK)
        *out = SC_TAKE(guard);
    return code;
}

static enum sc_code command_usable(const struct sc_config *config, struct sc_error *err)
{
    struct command *c = NULL;
    enum sc_code code = prepare(config, &c, err);
    command_close(c);
    return code;
}

/* Whoever submits a job chooses the model's name, not a path of this machine nor a flag. */
static bool is_model_name(const char *model)
{
    return model[0] != '/' && model[0] != '-' && strstr(model, "..") == NULL;
}

static enum sc_code command_open(const struct sc_config *config, const char *model,
                                 const struct sc_engine_stop *stop, void **state,
                                 struct sc_error *err)
{
    (void)stop;
    struct command *c = NULL;
    if (strcmp(model, config->engine_command_model) != 0 && !is_model_name(model))
        return sc_error_field(err, SC_E_MODEL_ERROR, "model",
                              "the engine 'command' cannot use the model '%.80s': it must be a "
                              "name, not a full path, without '..' and without a dash in front",
                              model);
    enum sc_code code = prepare(config, &c, err);
    if (code != SC_OK)
        return code;
    c->model = sc_strdup(model[0] == '\0' ? config->engine_command_model : model);
    *state = c;
    return SC_OK;
}

/* ---- one run ---- */

/* The folder of a run. */
struct place {
    char *dir, *in, *out_dir, *out; /* owned */
};

static void place_done(struct place *p)
{
    if (p->dir != NULL)
        (void)!sc_dir_remove(p->dir, NULL);
    free(p->dir);
    free(p->in);
    free(p->out_dir);
    free(p->out);
}

/* In the data folder, where a server that starts clears away what a killed one left; a worker on
 * another host has none. */
static char *new_folder(const struct sc_config *config)
{
    SC_AUTO_FREE char *own = sc_path_join(config->data_dir, "temp");
    const char *tmp = getenv("TMPDIR");
    const char *bases[] = { own, tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp };
    for (size_t i = 0; i < SC_ARRAY_LEN(bases); i++) {
        SC_AUTO_FREE char *dir = sc_path_join(bases[i], "engine-XXXXXX");
        if (mkdtemp(dir) != NULL)
            return SC_TAKE(dir);
    }
    return NULL;
}

static enum sc_code write_wav(const char *path, const struct sc_engine_request *request,
                              struct sc_error *err)
{
    unsigned char head[SC_WAV_HEAD];
    size_t bytes = request->samples * sizeof(*request->pcm);
    SC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot write the sound for the program");
    sc_wav_head(bytes, head);
    enum sc_code code = sc_file_write_all(fd, head, sizeof(head), err);
    return code == SC_OK ? sc_file_write_all(fd, request->pcm, bytes, err) : code;
}

static enum sc_code make_place(const struct command *c, const struct sc_engine_request *request,
                               struct place *out, struct sc_error *err)
{
    out->dir = new_folder(c->config);
    if (out->dir == NULL)
        return sc_error_errno(err, errno, "cannot make a folder for the program");
    out->in = sc_path_join(out->dir, "in.wav");
    out->out_dir = sc_path_join(out->dir, "out");
    out->out = sc_path_join(out->out_dir, "in");
    if (mkdir(out->out_dir, 0700) != 0)
        return sc_error_errno(err, errno, "cannot make a folder for the program");
    return write_wav(out->in, request, err);
}

/* Text of the job's that would look like a flag gets a space in front. */
static char *harmless(const char *text)
{
    return sc_asprintf("%s%s", text[0] == '-' ? " " : "", text);
}

static void fill_line(const struct command *c, const struct sc_engine_request *request,
                      const struct sc_engine_wishes *wishes, const struct place *place,
                      struct sc_runline *out)
{
    char temperature[24];
    SC_AUTO_FREE char *prompt = harmless(wishes->prompt);
    SC_AUTO_FREE char *hotwords = harmless(wishes->hotwords);
    char spelt[SC_LANGUAGE_TEXT];
    const char *language = request->language[0] == '\0' ? "auto" : request->language;
    if (sc_language_as(c->config->engine_command_languages, language, spelt))
        language = spelt;
    (void)snprintf(temperature, sizeof(temperature), "%g", SC_MAX(wishes->temperature, 0.0));
    const struct sc_placeholder values[] = {
        { "in", place->in },      { "out", place->out },          { "dir", place->out_dir },
        { "lang", language },     { "model", c->model },          { "prompt", prompt },
        { "hotwords", hotwords }, { "temperature", temperature },
    };
    sc_runline_fill(&c->line, values, SC_ARRAY_LEN(values), out);
}

/* PATH, HOME, LANG, a TMPDIR that is cleared away, and what the settings say; names and values are
 * owned by *out. */
static void make_env(const struct command *c, const struct place *place, struct sc_runline *out)
{
    static const struct {
        const char *name, *otherwise;
    } kept[] = { { "PATH", DEFAULT_PATH }, { "HOME", "/" }, { "LANG", "C.UTF-8" } };
    out->words = sc_alloc_array(SC_ARRAY_LEN(kept) + c->env.count + 2, sizeof(*out->words));
    out->count = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(kept); i++) {
        const char *value = getenv(kept[i].name);
        out->words[out->count++] = sc_asprintf(
            "%s=%s", kept[i].name, value == NULL || value[0] == '\0' ? kept[i].otherwise : value);
    }
    out->words[out->count++] = sc_asprintf("TMPDIR=%s", place->dir);
    for (size_t i = 0; i < c->env.count; i++)
        out->words[out->count++] = sc_strdup(c->env.words[i]);
}

static struct sc_str last_line(struct sc_str text)
{
    text = sc_str_trim(text);
    const char *newline = text.len == 0 ? NULL : memrchr(text.ptr, '\n', text.len);
    if (newline == NULL)
        return text;
    return (struct sc_str){ newline + 1, text.len - (size_t)(newline + 1 - text.ptr) };
}

/* ": what it said last", or nothing. */
static const char *last_words(const struct sc_run_result *r, char out[112])
{
    SC_AUTO_BUF text = { 0 };
    struct sc_str line = last_line(sc_buf_str(&r->log));
    line.len = SC_MIN(line.len, (size_t)90);
    line.len = sc_utf8_valid_prefix(line);
    sc_utf8_append_printable(&text, line);
    (void)snprintf(out, 112, "%s%.100s", text.len == 0 ? "" : ": ", sc_buf_text(&text));
    return out;
}

/* How a run ended, as an error; SC_OK: it did what it should. */
static enum sc_code judge(const struct command *c, const struct sc_run_result *r,
                          struct sc_error *err)
{
    char said[112];
    const char *slash = strrchr(c->program, '/');
    const char *name = slash == NULL ? c->program : slash + 1;
    switch (r->end) {
    case SC_RUN_EXITED:
        if (r->status == 0)
            return SC_OK;
        return sc_error_set(err, SC_E_ENGINE_ERROR, "'%.60s' ended with status %d%s", name,
                            r->status, last_words(r, said));
    case SC_RUN_KILLED:
        return sc_error_set(err, SC_E_ENGINE_ERROR, "'%.60s' died of signal %s%s", name,
                            sigabbrev_np(r->status), last_words(r, said));
    case SC_RUN_TIMEOUT:
        return sc_error_set(err, SC_E_ENGINE_ERROR,
                            "'%.60s' did not end within engine.command.timeout (%lld s) and was "
                            "killed",
                            name, (long long)(c->config->engine_command_timeout / 1000));
    case SC_RUN_TOO_MUCH:
        return sc_error_set(err, SC_E_ENGINE_ERROR, "'%.60s' wrote more than %zu MB and was killed",
                            name, OUTPUT_MAX >> 20);
    case SC_RUN_STOPPED:
        return sc_error_set(err, SC_E_CANCELLED, "stopped");
    }
    return SC_E_INTERNAL;
}

/* The file that it wrote: {out} as named, or with an ending that many programs put behind it. */
static enum sc_code read_file(const struct place *place, struct sc_buf *out, struct sc_error *err)
{
    static const char *const endings[] = { "", ".json", ".vtt", ".srt", ".txt" };
    for (size_t i = 0; i < SC_ARRAY_LEN(endings); i++) {
        SC_AUTO_FREE char *path = sc_asprintf("%s%s", place->out, endings[i]);
        struct stat st;
        if (lstat(path, &st) != 0)
            continue;
        if (!S_ISREG(st.st_mode))
            return sc_error_set(err, SC_E_ENGINE_ERROR, "the program wrote no regular file");
        return sc_file_read(path, OUTPUT_MAX, out, err);
    }
    return sc_error_set(err, SC_E_ENGINE_ERROR,
                        "the program ended well, but wrote neither {out} nor {out} with .json, "
                        ".vtt, .srt or .txt behind it");
}

static bool may_be_empty(const char *format)
{
    return strcmp(format, "text") == 0 || strcmp(format, "srt") == 0;
}

static enum sc_code read_result(const struct command *c, const struct place *place,
                                struct sc_run_result *run, int64_t length_ms,
                                struct sc_engine_result *result, struct sc_error *err)
{
    const char *format = c->config->engine_command_format;
    bool in_file = sc_runline_use(&c->line, "out") || sc_runline_use(&c->line, "dir");
    SC_AUTO_BUF file = { 0 };
    enum sc_code code = in_file ? read_file(place, &file, err) : SC_OK;
    if (code == SC_E_FILE_TOO_LARGE)
        return sc_error_set(err, SC_E_ENGINE_ERROR, "the program wrote more than %zu MB",
                            OUTPUT_MAX >> 20);
    if (code != SC_OK)
        return code;
    struct sc_str text = sc_buf_str(in_file ? &file : &run->output);
    if (text.len == 0 && may_be_empty(format))
        return SC_OK;
    if (text.len == 0)
        return sc_error_set(err, SC_E_ENGINE_ERROR, "the program ended well, but wrote nothing%s",
                            in_file ? "" : " on its standard output");
    return sc_answer_read("the program", format, text, length_ms, result, err);
}

/* CANCELLED when stop fired; any other failure is the chunk's own. */
static enum sc_code run_chunk(const struct command *c, const struct sc_engine_request *request,
                              struct sc_engine_result *result, const struct sc_engine_stop *stop,
                              struct sc_error *err)
{
    SC_AUTO(place_done) struct place place = { 0 };
    SC_AUTO(sc_runline_done) struct sc_runline argv = { 0 };
    SC_AUTO(sc_runline_done) struct sc_runline env = { 0 };
    SC_AUTO(sc_run_result_done) struct sc_run_result run_result = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_engine_wishes wishes;
    enum sc_code code = sc_engine_wishes_read(request->settings, &doc, &wishes, err);
    if (code == SC_OK)
        code = make_place(c, request, &place, err);
    if (code != SC_OK)
        return code;
    fill_line(c, request, &wishes, &place, &argv);
    make_env(c, &place, &env);
    const struct sc_run run = {
        .program = c->program,
        .argv = (const char *const *)argv.words,
        .env = (const char *const *)env.words,
        .dir = place.dir,
        .timeout_ms = c->config->engine_command_timeout,
        .output_max = OUTPUT_MAX,
        .log_max = SC_ENGINE_LOG_MAX / 2,
        .sweep = true,
        .stop = stop->fn,
        .ctx = stop->ctx,
    };
    struct sc_error why = { 0 };
    if (sc_run(&run, &run_result, &why) != SC_OK)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "%.200s", why.msg);
    sc_answer_quote(&result->log, sc_buf_str(&run_result.log), SC_ENGINE_LOG_MAX / 2);
    code = judge(c, &run_result, err);
    if (code != SC_OK)
        return code;
    int64_t length_ms = (int64_t)request->samples / 16;
    return read_result(c, &place, &run_result, length_ms, result, err);
}

static enum sc_code command_transcribe(void *state, const struct sc_engine_request *requests,
                                       struct sc_engine_result *results, size_t count,
                                       const struct sc_engine_stop *stop, struct sc_error *err)
{
    for (size_t i = 0; i < count; i++) {
        results[i] = (struct sc_engine_result){ .code = SC_OK };
        results[i].code = run_chunk(state, &requests[i], &results[i], stop, &results[i].error);
        if (results[i].code == SC_E_CANCELLED) {
            for (size_t k = 0; k <= i; k++)
                sc_engine_result_done(&results[k]);
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
        }
    }
    return SC_OK;
}

const struct sc_engine_ops sc_engine_command = {
    .name = "command",
    .caps = command_caps,
    .usable = command_usable,
    .open = command_open,
    .transcribe = command_transcribe,
    .close = command_close,
};
