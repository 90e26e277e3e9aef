/* What the library does not show is found where it lies: its state is one block of memory, in which
 * the spectrum stands as its three sizes and a vector, and the encoder's output as a pointer to a
 * tensor of a size that no other has. */
#include "reference.h"

#include "whisper/mel.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <whisper.h>

#include "base/banned.h"

#define THREADS 1

struct reference {
    struct whisper_context *context;
    struct whisper_state *state;
    const float *logits;
};

static void say_errors(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

void reference_begin(const char *backends)
{
    whisper_log_set(say_errors, NULL);
    ggml_log_set(say_errors, NULL);
    if (backends[0] == '\0')
        ggml_backend_load_all();
    else
        ggml_backend_load_all_from_path(backends);
}

struct reference *reference_open(const char *model)
{
    struct whisper_context_params params = whisper_context_default_params();
    struct reference *r = calloc(1, sizeof(*r));

    if (r == NULL)
        abort();
    params.use_gpu = false;
    params.flash_attn = false;
    r->context = whisper_init_from_file_with_params_no_state(model, params);
    r->state = r->context == NULL ? NULL : whisper_init_state(r->context);
    if (r->state == NULL) {
        reference_close(r);
        return NULL;
    }
    return r;
}

void reference_close(struct reference *r)
{
    if (r->state != NULL)
        whisper_free_state(r->state);
    if (r->context != NULL)
        whisper_free(r->context);
    free(r);
}

struct whisper_context *reference_context(const struct reference *r)
{
    return r->context;
}

/* The vector behind three sizes: {frames in all, frames of the clip, bands}. */
struct spectrum {
    int frames, clip, bands;
    const float *begin, *end;
};

const float *reference_mel(struct reference *r, const int16_t *pcm, size_t samples, int bands,
                           size_t *frames)
{
    const char *state = (const char *)r->state;
    const size_t size = malloc_usable_size(r->state);
    float *sound = calloc(samples + 1, sizeof(*sound));

    if (sound == NULL)
        abort();
    for (size_t i = 0; i < samples; i++)
        sound[i] = (float)pcm[i] / 32768;
    const int rc =
        whisper_pcm_to_mel_with_state(r->context, r->state, sound, (int)samples, THREADS);
    free(sound);
    for (size_t at = 0; rc == 0 && at + sizeof(struct spectrum) <= size; at += sizeof(void *)) {
        struct spectrum s;
        memcpy(&s, state + at, sizeof(s));
        if (s.bands == bands && s.clip == whisper_n_len_from_state(r->state) && s.frames > s.clip &&
            s.end - s.begin == (ptrdiff_t)s.frames * bands) {
            *frames = (size_t)s.frames;
            return s.begin;
        }
    }
    return NULL;
}

/* Is there a tensor of these sizes? The address may be anything. */
static bool is_output(const void *address, int positions, int state, struct ggml_tensor *out)
{
    struct iovec to = { out, sizeof(*out) };
    struct iovec from = { (void *)(uintptr_t)address, sizeof(*out) };

    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)sizeof(*out))
        return false;
    return out->type == GGML_TYPE_F32 && out->ne[0] == state && out->ne[1] == positions &&
           out->ne[2] == 1 && out->ne[3] == 1 && out->data != NULL;
}

float *reference_encode(struct reference *r, int positions, int state)
{
    const char *block = (const char *)r->state;
    const size_t size = malloc_usable_size(r->state);

    if (whisper_encode_with_state(r->context, r->state, 0, THREADS) != 0)
        return NULL;
    for (size_t at = 0; at + sizeof(void *) <= size; at += sizeof(void *)) {
        struct ggml_tensor tensor;
        const void *address;
        memcpy(&address, block + at, sizeof(address));
        if (address == NULL || !is_output(address, positions, state, &tensor))
            continue;
        const size_t bytes = (size_t)positions * (size_t)state * sizeof(float);
        float *out = malloc(bytes);
        if (out == NULL)
            abort();
        ggml_backend_tensor_get(&tensor, out, 0, bytes);
        return out;
    }
    return NULL;
}

const float *reference_decode(struct reference *r, const int32_t *tokens, int count, int past)
{
    if (whisper_decode_with_state(r->context, r->state, tokens, count, past, THREADS) != 0)
        return NULL;
    /* A row for each token, of which only the last is filled. */
    return whisper_get_logits_from_state(r->state) +
           (size_t)(count - 1) * (size_t)whisper_model_n_vocab(r->context);
}

const float *reference_attention(const struct whisper_state *state, size_t floats)
{
    const char *block = (const char *)state;
    const size_t size = malloc_usable_size((void *)(uintptr_t)state);

    for (size_t at = 0; at + 2 * sizeof(void *) <= size; at += sizeof(void *)) {
        const float *ends[2];
        memcpy(ends, block + at, sizeof(ends));
        if (ends[0] != NULL && (uintptr_t)ends[1] - (uintptr_t)ends[0] == floats * sizeof(float))
            return ends[0];
    }
    return NULL;
}

void reference_specials(const struct reference *r, int32_t out[9])
{
    struct whisper_context *c = r->context;
    const int32_t numbers[9] = {
        whisper_n_vocab(c),         whisper_token_eot(c),        whisper_token_sot(c),
        whisper_token_translate(c), whisper_token_transcribe(c), whisper_token_prev(c),
        whisper_token_solm(c),      whisper_token_nosp(c),       whisper_token_not(c),
    };
    memcpy(out, numbers, sizeof(numbers));
}

const char *reference_language(int number)
{
    return whisper_lang_str(number);
}

const char *reference_token(const struct reference *r, int token)
{
    return whisper_token_to_str(r->context, token);
}

int reference_tokenize(const struct reference *r, const char *text, int32_t *out, int max)
{
    return whisper_tokenize(r->context, text, out, max);
}

bool reference_unpack(int type, const void *bytes, float *out, int64_t count)
{
    const struct ggml_type_traits *traits = ggml_get_type_traits((enum ggml_type)type);

    if (traits->to_float == NULL)
        return false;
    traits->to_float(bytes, out, count);
    return true;
}
