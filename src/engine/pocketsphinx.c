/* PocketSphinx 0.8: draft quality, US English, nothing to download.
 *
 * A chunk's text must not depend on what this instance heard before, or a resumed job would read
 * differently. What would carry over is the running cepstral mean; so the mean is taken over the
 * whole chunk here, before recognition (28 % of words wrong on the LibriVox clips, where the
 * running mean gives 34 %), and the noise tracker begins anew with each chunk. Silence is not
 * removed: with it the decoder's frames no longer count time, and words before a pause are reported
 * behind it.
 */
#include "engine/engine-internal.h"

#include "base/alloc.h"

#include <dirent.h>
#include <limits.h>
#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

#define MODEL_DIR "/usr/share/pocketsphinx/model/en-us"
#define MODEL_NAME "en-us"
#define FRAME_MS 10
#define PIECE 10 /* frames between looks at stop: 100 ms, decoded in some 15 ms */
#define CEPSTRUM_MAX 64
#define SAMPLES_MIN 1600 /* shorter than any word */
#define PAUSE_MS 500
#define SEGMENT_MS 12000
/* For en-us: a whole worker that has used it was measured at 128 MiB (bench/idle.py). */
#define MEMORY ((int64_t)160 << 20)

struct ps_state {
    ps_decoder_t *decoder;
    cmd_ln_t *config;
};

struct model_paths {
    char acoustic[PATH_MAX];
    char language[PATH_MAX];
    char dictionary[PATH_MAX];
};

static const struct sc_engine_caps abilities = {
    .version = "5prealpha-2",
    .max_chunk_s = 30,
    .aim_chunk_s = 12,
    .batch = 1,
    .threads = 1,
    .word_times = true,
    .languages = "en",
    .options = "language,model",
    .sends_to = "",
    .default_model = MODEL_NAME,
    .models = MODEL_NAME ",/",
    .note = "draft quality, US English",
};

static void sphinx_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    (void)config;
    *out = abilities;
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static void join(char out[PATH_MAX], const char *dir, const char *name)
{
    (void)snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

/* Notes what this entry of a model's folder is; the first of a kind in the order of names counts.
 */
static void note_entry(struct model_paths *paths, const char *dir, const char *name)
{
    char path[PATH_MAX];
    char mdef[PATH_MAX];
    join(path, dir, name);
    if (snprintf(mdef, sizeof(mdef), "%s/mdef", path) >= (int)sizeof(mdef))
        return;
    if (paths->acoustic[0] == '\0' && name[0] != '.' && exists(mdef))
        memcpy(paths->acoustic, path, sizeof(path));
    if (paths->dictionary[0] == '\0' && sc_str_ends(sc_str_from(name), SC_STR(".dict")))
        memcpy(paths->dictionary, path, sizeof(path));
    if (paths->language[0] == '\0' && strstr(name, "phone") == NULL &&
        (sc_str_ends(sc_str_from(name), SC_STR(".lm.bin")) ||
         sc_str_ends(sc_str_from(name), SC_STR(".lm"))))
        memcpy(paths->language, path, sizeof(path));
}

/* A model is a folder with an acoustic model (a folder with an mdef), a *.lm.bin or *.lm, a *.dict.
 */
static bool find_model(const char *dir, struct model_paths *paths)
{
    struct dirent **entries = NULL;
    *paths = (struct model_paths){ 0 };
    int n = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        note_entry(paths, dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return paths->acoustic[0] != '\0' && paths->language[0] != '\0' && paths->dictionary[0] != '\0';
}

static enum sc_code sphinx_usable(const struct sc_config *config, struct sc_error *err)
{
    (void)config;
    struct model_paths *paths SC_AUTO_FREE = sc_alloc(sizeof(*paths));
    if (!find_model(MODEL_DIR, paths))
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "PocketSphinx has no model at '%s': install the package "
                            "pocketsphinx-en-us",
                            MODEL_DIR);
    return SC_OK;
}

static enum sc_code choose_model(const char *model, struct model_paths *paths, struct sc_error *err)
{
    if (model[0] == '\0' || strcmp(model, MODEL_NAME) == 0) {
        if (find_model(MODEL_DIR, paths))
            return SC_OK;
        return sphinx_usable(NULL, err);
    }
    if (model[0] == '/' && find_model(model, paths))
        return SC_OK;
    return sc_error_field(err, SC_E_MODEL_ERROR, "model",
                          "PocketSphinx cannot use the model '%.100s': say '" MODEL_NAME
                          "', or the full path of a folder with an acoustic model, a *.lm.bin "
                          "and a *.dict",
                          model);
}

static enum sc_code sphinx_memory(const struct sc_config *config, const char *model,
                                  const char *options, int64_t *out, struct sc_error *err)
{
    (void)config;
    (void)model;
    (void)options;
    (void)err;
    *out = MEMORY;
    return SC_OK;
}

static void sphinx_close(void *state)
{
    struct ps_state *s = state;
    if (s == NULL)
        return;
    if (s->decoder != NULL)
        (void)ps_free(s->decoder);
    if (s->config != NULL)
        (void)cmd_ln_free_r(s->config);
    free(s);
}
SC_DEFINE_FREEP(void, sphinx_close);

static enum sc_code sphinx_open(const struct sc_config *config, const char *model,
                                const struct sc_engine_stop *stop, void **state,
                                struct sc_error *err)
{
    (void)stop; /* its library reads its small models in one go */
    (void)config;
    struct model_paths *paths SC_AUTO_FREE = sc_alloc(sizeof(*paths));
    enum sc_code code = choose_model(model, paths, err);
    if (code != SC_OK)
        return code;

    err_set_logfp(NULL);
    struct ps_state *s = sc_alloc(sizeof(*s));
    SC_AUTO(sphinx_closep) void *guard = s;
    s->config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", paths->acoustic, "-lm", paths->language,
                            "-dict", paths->dictionary, "-bestpath", "yes", "-remove_silence", "no",
                            "-logfn", "/dev/null", NULL);
    if (s->config != NULL)
        s->decoder = ps_init(s->config);
    if (s->decoder == NULL)
        return sc_error_field(err, SC_E_MODEL_ERROR, "model",
                              "PocketSphinx cannot load the model '%.100s': it is damaged, or "
                              "memory is short",
                              model[0] == '\0' ? MODEL_NAME : model);
    /* The model's own settings ask for a mean over the utterance; we have taken it already. */
    ps_get_feat(s->decoder)->cmn = CMN_NONE;
    *state = SC_TAKE(guard);
    return SC_OK;
}

static bool is_filler(const char *word)
{
    return word[0] == '<' || word[0] == '[' || strncmp(word, "++", 2) == 0;
}

/* "read(2)" is the second way to say "read". */
static struct sc_str without_variant(const char *word)
{
    struct sc_str s = sc_str_from(word);
    const char *paren = strchr(word, '(');
    if (paren != NULL && paren > word && sc_str_ends(sc_str_from(word), SC_STR(")")))
        s.len = (size_t)(paren - word);
    return s;
}

/* The segment that takes a word beginning at start_ms. */
static struct sc_segment *segment_for(struct sc_segments *segments, int64_t start_ms,
                                      int64_t end_ms)
{
    if (segments->count > 0) {
        struct sc_segment *last = &segments->items[segments->count - 1];
        const struct sc_word *word = &last->words[last->word_count - 1];
        if (start_ms - word->end_ms < PAUSE_MS && end_ms - last->words[0].start_ms <= SEGMENT_MS)
            return last;
    }
    return sc_segments_add(segments);
}

static bool take_words(struct ps_state *s, const struct sc_engine_request *request,
                       struct sc_segments *segments)
{
    int64_t length_ms = (int64_t)request->samples / 16;
    logmath_t *log = ps_get_logmath(s->decoder);
    for (ps_seg_t *seg = ps_seg_iter(s->decoder); seg != NULL; seg = ps_seg_next(seg)) {
        const char *word = ps_seg_word(seg);
        if (word == NULL || is_filler(word))
            continue;
        int first = 0;
        int last = 0;
        ps_seg_frames(seg, &first, &last);
        int64_t start = SC_MIN((int64_t)SC_MAX(first, 0) * FRAME_MS, length_ms);
        int64_t end = SC_MAX(SC_MIN(((int64_t)last + 1) * FRAME_MS, length_ms), start);
        double confidence = logmath_exp(log, ps_seg_prob(seg, NULL, NULL, NULL));
        struct sc_segment *to = segment_for(segments, start, end);
        if (to == NULL || !sc_segment_add_word(to, without_variant(word), start, end,
                                               (float)SC_MIN(confidence, 1.0))) {
            ps_seg_free(seg);
            return false;
        }
    }
    for (size_t i = 0; i < segments->count; i++) {
        if (!sc_segment_settle(&segments->items[i]))
            return false;
    }
    return true;
}

/* The cepstra of a chunk. */
struct cepstra {
    mfcc_t **frames;
    int count;
};

static void cepstra_done(struct cepstra *c)
{
    if (c->frames != NULL)
        fe_free_2d(c->frames);
}

/* Takes the mean off every frame. Frames without energy do not count, as when the model was
 * trained. */
static void normalise(struct cepstra *c, int size)
{
    double mean[CEPSTRUM_MAX] = { 0 };
    int counted = 0;
    for (int i = 0; i < c->count; i++) {
        if (c->frames[i][0] < 0)
            continue;
        counted++;
        for (int k = 0; k < size; k++)
            mean[k] += (double)c->frames[i][k];
    }
    for (int i = 0; i < c->count && counted > 0; i++) {
        for (int k = 0; k < size; k++)
            c->frames[i][k] -= (mfcc_t)(mean[k] / counted);
    }
}

static bool read_cepstra(struct ps_state *s, const struct sc_engine_request *request,
                         struct cepstra *out)
{
    fe_t *fe = ps_get_fe(s->decoder);
    mfcc_t last[CEPSTRUM_MAX]; /* of the samples that fill no frame: not used */
    int32 frames = 0;
    int32 rest = 0;
    int size = fe_get_output_size(fe);
    if (size <= 0 || size > CEPSTRUM_MAX)
        return false;
    fe_start_stream(fe);
    bool ok = fe_start_utt(fe) >= 0 &&
              fe_process_utt(fe, request->pcm, request->samples, &out->frames, &frames) >= 0;
    (void)fe_end_utt(fe, last, &rest);
    if (!ok)
        return false;
    out->count = frames;
    normalise(out, size);
    return true;
}

/* False when stop fired. */
static bool search(struct ps_state *s, const struct sc_engine_request *request, struct cepstra *c,
                   const struct sc_engine_stop *stop, bool *failed)
{
    for (int at = 0; at < c->count; at += PIECE) {
        if (stop->fn(stop->ctx))
            return false;
        if (ps_process_cep(s->decoder, c->frames + at, SC_MIN(PIECE, c->count - at), FALSE, FALSE) <
            0)
            *failed = true;
        sc_engine_tell(request, at + PIECE, c->count);
    }
    return true;
}

/* CANCELLED when stop fired; any other failure is the chunk's own and lands in *result. */
static enum sc_code one_chunk(struct ps_state *s, const struct sc_engine_request *request,
                              struct sc_engine_result *result, const struct sc_engine_stop *stop)
{
    SC_AUTO(cepstra_done) struct cepstra cepstra = { 0 };
    *result = (struct sc_engine_result){ .code = SC_OK, .language = "en" };
    if (request->samples < SAMPLES_MIN)
        return SC_OK;
    bool failed = !read_cepstra(s, request, &cepstra) || ps_start_stream(s->decoder) < 0 ||
                  ps_start_utt(s->decoder) < 0;
    if (!failed) {
        bool finished = search(s, request, &cepstra, stop, &failed);
        if (ps_end_utt(s->decoder) < 0)
            failed = true;
        if (!finished)
            return SC_E_CANCELLED;
    }
    if (failed || !take_words(s, request, &result->segments)) {
        sc_segments_done(&result->segments);
        result->code = sc_error_set(&result->error, SC_E_ENGINE_ERROR,
                                    "PocketSphinx failed on chunk %d", request->chunk);
    }
    return SC_OK;
}

static enum sc_code sphinx_transcribe(void *state, const struct sc_engine_request *requests,
                                      struct sc_engine_result *results, size_t count,
                                      const struct sc_engine_stop *stop, struct sc_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (one_chunk(state, &requests[i], &results[i], stop) != SC_OK) {
            for (size_t k = 0; k < i; k++)
                sc_engine_result_done(&results[k]);
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
        }
    }
    return SC_OK;
}

const struct sc_engine_ops sc_engine_pocketsphinx = {
    .name = "pocketsphinx",
    .caps = sphinx_caps,
    .usable = sphinx_usable,
    .memory = sphinx_memory,
    .open = sphinx_open,
    .transcribe = sphinx_transcribe,
    .close = sphinx_close,
};
