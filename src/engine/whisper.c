/* Whisper, our own: ../whisper has the model, its network and its decoding; here are the options of
 * a job, and chunks as clips. */
#include "engine/engine-internal.h"

#include "base/alloc.h"
#include "models/models.h"
#include "sys/machine.h"
#include "whisper/listen.h"
#include "json/reader.h"

#include <string.h>

#include "base/banned.h"

/* The most that the setting engine.whisper.batch allows. */
#define BATCH_MAX 16

struct whisper_state {
    struct sc_listener *listener;
};

static const struct sc_engine_caps abilities = {
    .version = "2",
    .max_chunk_s = SC_WHISPER_WINDOW_S,
    .window_s = SC_WHISPER_WINDOW_S,
    .batch = 1,
    .threads = 1,
    .word_times = true,
    .languages = "",
    .options = "language,model,prompt,hotwords,temperature,translate,beam_size,best_of,"
               "word_timestamps,suppress_non_speech,compute_type,temperature_increment_on_fallback,"
               "logprob_threshold,compression_ratio_threshold,entropy_threshold,repetition_guard,"
               "device,threads,sequential,carry_initial_prompt,multilingual",
    .sends_to = "",
    .default_model = "",
    .models = "",
    .model_files = true,
    .note = "Whisper models, ggml or safetensors",
};

/* Local workers share the cores, one each where the settings do not say otherwise. */
static int threads_of(const struct sc_config *config)
{
    struct sc_machine machine;
    sc_machine_read(&machine);
    int cores = SC_MAX(machine.usable, 1);
    int workers = config->workers > 0 ? (int)config->workers : cores;
    int threads = (int)config->engine_whisper_threads;
    return SC_MIN(threads > 0 ? threads : SC_MAX(cores / workers, 1), SC_POOL_THREADS);
}

static void whisper_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    *out = abilities;
    out->threads = threads_of(config);
    out->batch = (int)config->engine_whisper_batch;
}

static enum sc_code whisper_usable(const struct sc_config *config, struct sc_error *err)
{
    (void)config; /* a job may name the full path of a model */
    (void)err;
    return SC_OK;
}

static void whisper_close(void *state)
{
    struct whisper_state *s = state;
    if (s == NULL)
        return;
    sc_listener_close(s->listener);
    free(s);
}

/* Since it was looked for. */
static enum sc_code gone(const char *model, struct sc_error *err)
{
    return sc_error_field(err, SC_E_MODEL_ERROR, "model",
                          "the model '%.120s' has just been removed: " SC_MODELS_REMEDY, model);
}

static enum sc_code whisper_open(const struct sc_config *config, const char *model,
                                 const struct sc_engine_stop *stop, void **state,
                                 struct sc_error *err)
{
    const struct sc_stop asked = { stop == NULL ? NULL : stop->fn,
                                   stop == NULL ? NULL : stop->ctx };
    char *path SC_AUTO_FREE = NULL;
    enum sc_code code = sc_models_path(config, model, &path, err);
    if (code != SC_OK)
        return code;
    struct whisper_state *made = sc_alloc(sizeof(*made));
    code = sc_listener_open(path, threads_of(config), stop == NULL ? NULL : &asked, &made->listener,
                            err);
    if (code == SC_OK)
        *state = made;
    else
        free(made);
    return code == SC_E_NOT_FOUND ? gone(model, err) : code;
}

static enum sc_code whisper_memory(const struct sc_config *config, const char *model,
                                   const char *options, int64_t *out, struct sc_error *err)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    char *path SC_AUTO_FREE = NULL;
    struct sc_whisper_use use;
    enum sc_code code = sc_models_path(config, model, &path, err);
    if (code == SC_OK)
        code = sc_whisper_file_open(path, &file, err);
    if (code == SC_E_NOT_FOUND)
        return gone(model, err);
    if (code != SC_OK)
        return code;
    sc_models_use(config, options, &use);
    *out = sc_whisper_memory(sc_whisper_file_dims(file), &use);
    return SC_OK;
}

/* ---- what a job wishes ---- */

static int whole(const struct sc_json_value *settings, const char *name, int fallback)
{
    return (int)sc_json_get_int(sc_json_member(settings, name), fallback);
}

static double real(const struct sc_json_value *settings, const char *name, double fallback)
{
    return sc_json_get_real(sc_json_member(settings, name), fallback);
}

static const char *text(const struct sc_json_value *settings, const char *name)
{
    return sc_json_get_text(sc_json_member(settings, name), "");
}

/* A temperature that is told is the only one, unless steps are told too. */
static void set_temperatures(struct sc_decode_options *d, const struct sc_json_value *settings)
{
    d->temperature = (float)real(settings, "temperature", 0);
    double step = d->temperature > 0 ? 0 : (double)d->temperature_step;
    d->temperature_step = (float)real(settings, "temperature_increment_on_fallback", step);
}

static void set_limits(struct sc_fallback *limits, const struct sc_json_value *settings)
{
    const struct {
        const char *name;
        float *value;
    } rows[] = {
        { "no_speech_threshold", &limits->no_speech_max },
        { "logprob_threshold", &limits->logprob_min },
        { "compression_ratio_threshold", &limits->compression_max },
        { "entropy_threshold", &limits->entropy_min },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        *rows[i].value = (float)real(settings, rows[i].name, (double)*rows[i].value);
    limits->loops = sc_json_get_bool(sc_json_member(settings, "repetition_guard"), limits->loops);
}

/* Texts are borrowed from the settings. */
static struct sc_listen_wishes wishes_of(const struct sc_engine_request *request,
                                         const struct sc_json_value *settings)
{
    struct sc_listen_wishes w = sc_listen_wishes_usual();
    w.language = request->language;
    w.translate = strcmp(text(settings, "task"), "translate") == 0;
    w.prompt = text(settings, "prompt");
    w.hotwords = text(settings, "hotwords");
    w.words = sc_json_get_bool(sc_json_member(settings, "word_timestamps"), true);
    w.non_speech = !sc_json_get_bool(sc_json_member(settings, "suppress_non_speech"), true);
    w.decode.beam = whole(settings, "beam_size", w.decode.beam);
    w.decode.best_of = whole(settings, "best_of", w.decode.best_of);
    w.threads = whole(settings, "threads", w.threads);
    w.previous = sc_json_get_bool(sc_json_member(settings, "sequential"), false);
    w.tell_language = sc_json_get_bool(sc_json_member(settings, "multilingual"), false);
    w.each_window = w.tell_language && w.previous;
    w.carry_prompt = sc_json_get_bool(sc_json_member(settings, "carry_initial_prompt"), false);
    set_temperatures(&w.decode, settings);
    set_limits(&w.decode.limits, settings);
    return w;
}

/* ---- chunks ---- */

/* Where the answer of a clip goes. */
struct place {
    const struct sc_engine_request *request;
    struct sc_engine_result *result;
    size_t told; /* segments that somebody was told of */
};

struct hearing {
    struct sc_json_doc *settings[BATCH_MAX];
    struct sc_listen_clip clips[BATCH_MAX];
    struct place places[BATCH_MAX];
    struct sc_carry from[BATCH_MAX]; /* of clips that go on */
    size_t count;
};

static void hearing_done(struct hearing *h)
{
    for (size_t i = 0; i < h->count; i++) {
        sc_listen_clip_done(&h->clips[i]);
        sc_carry_done(&h->from[i]);
        sc_json_doc_free(h->settings[i]);
    }
}

static void take_answer(void *ctx, struct sc_listen_clip *clip)
{
    const struct place *place = ctx;
    struct sc_engine_result *result = place->result;
    result->segments = clip->segments;
    result->log = clip->log;
    (void)snprintf(result->language, sizeof(result->language), "%s", clip->language);
    clip->segments = (struct sc_segments){ 0 };
    clip->log = (struct sc_buf){ 0 };
    if (clip->until_frame > 0 && !clip->left)
        sc_carry_write(&clip->carry, &result->carry);
    if (clip->left)
        result->code = sc_error_set(&result->error, SC_E_CANCELLED, "nobody wants this chunk");
    if (place->request->done != NULL)
        place->request->done(place->request, result);
}

static void tell_so_far(void *ctx, const struct sc_listen_clip *clip)
{
    struct place *place = ctx;
    if (clip->segments.count > place->told)
        place->request->so_far(place->request, &clip->segments, place->told);
    place->told = clip->segments.count;
}

#define FRAME_MS 10

/* Where the clip lies in a recording that is heard in sequence, and what it goes on from. */
static enum sc_code place_clip(struct hearing *h, const struct whisper_state *s,
                               const struct sc_engine_request *request, struct sc_error *err)
{
    struct sc_listen_clip *clip = &h->clips[h->count];
    struct sc_carry *from = &h->from[h->count];
    if (request->until_ms == 0)
        return SC_OK;
    clip->first_frame = request->start_ms / FRAME_MS;
    clip->until_frame = request->until_ms / FRAME_MS;
    if (request->carry == NULL)
        return SC_OK;
    clip->from = from;
    return sc_carry_read(sc_str_from(request->carry), sc_listener_vocab(s->listener)->size, from,
                         err);
}

/* A chunk that cannot be heard as it is wished fails alone. */
static void add_clip(struct hearing *h, const struct whisper_state *s,
                     const struct sc_engine_request *request, struct sc_engine_result *result)
{
    struct sc_json_doc *settings = NULL;
    *result = (struct sc_engine_result){ .code = SC_OK };
    if (sc_json_parse(sc_str_from(request->settings), &settings, NULL) != SC_OK) {
        result->code = sc_error_set(&result->error, SC_E_INTERNAL, "the job's options are no JSON");
        return;
    }
    struct sc_listen_clip *clip = &h->clips[h->count];
    *clip = (struct sc_listen_clip){
        .pcm = request->pcm,
        .samples = request->samples,
        .wishes = wishes_of(request, sc_json_root(settings)),
        .progress = request->progress,
        .unwanted = request->unwanted,
        .done = take_answer,
        .done_ctx = &h->places[h->count],
        .grown = request->so_far == NULL ? NULL : tell_so_far,
        .grown_ctx = &h->places[h->count],
    };
    result->code = sc_listener_check(s->listener, &clip->wishes, &result->error);
    if (result->code == SC_OK)
        result->code = place_clip(h, s, request, &result->error);
    if (result->code != SC_OK) {
        sc_json_doc_free(settings);
        return;
    }
    h->settings[h->count] = settings;
    h->places[h->count++] = (struct place){ .request = request, .result = result };
}

static enum sc_code whisper_transcribe(void *state, const struct sc_engine_request *requests,
                                       struct sc_engine_result *results, size_t count,
                                       const struct sc_engine_stop *stop, struct sc_error *err)
{
    const struct whisper_state *s = state;
    const struct sc_stop asked = { stop->fn, stop->ctx };
    enum sc_code code = SC_OK;
    size_t done = 0;
    while (done < count && code == SC_OK) {
        SC_AUTO(hearing_done) struct hearing h = { 0 };
        size_t end = SC_MIN(count, done + BATCH_MAX);
        for (size_t i = done; i < end; i++)
            add_clip(&h, s, &requests[i], &results[i]);
        done = end;
        code = sc_listen(s->listener, h.clips, h.count, &asked, err);
    }
    for (size_t i = 0; i < done && code != SC_OK; i++)
        sc_engine_result_done(&results[i]);
    return code;
}

const struct sc_engine_ops sc_engine_whisper = {
    .name = "whisper",
    .caps = whisper_caps,
    .usable = whisper_usable,
    .open = whisper_open,
    .memory = whisper_memory,
    .transcribe = whisper_transcribe,
    .close = whisper_close,
};
