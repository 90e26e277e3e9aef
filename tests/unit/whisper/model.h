#pragma once
/* Tiny Whisper models for tests: of random weights, or scripted ones that say a given text whatever
 * they hear. Their vocabulary is our own: each byte, some words, and what the script needs. The
 * same wishes make the same bytes everywhere. */

#include "base/buf.h"
#include "whisper/file.h"

/* 0 stands for a default. */
struct test_model {
    int state;       /* 64; of a scripted model a power of two, by itself large enough */
    int heads;       /* one for each 64 of the state */
    int layers;      /* of the encoder: 1 */
    int text_layers; /* as the encoder has */
    int mels;        /* 80 */
    int text_ctx;    /* 448 */
    int languages;   /* 4: en, zh, de, es; TEST_MODEL_ENGLISH: none */
    int text_tokens; /* filled up to so many; 50257 and 99 languages are those of a real model */
    enum sc_wtype type;
    /* With type f32: values as this type rounds them, for what cannot compute in it. */
    enum sc_wtype rounded;
    uint64_t seed;
    /* NULL: random. Times stand between words: "<|0.00|> Hello world.<|2.00|>"; each word, and each
     * sign behind one, is a token. A word that is not ASCII is cut within
     * its first such sign. Each time may come once: a segment begins 20 ms after the last ended.
     * So may each word in the safetensors form, whose vocabulary has no token twice. */
    const char *script;
    bool silent; /* the script is said with a high probability of no speech */
};

#define TEST_MODEL_ENGLISH (-1)

/* The ggml form. Appends to out, whose limit is raised. Aborts for wishes that make no model. */
void test_model_ggml(const struct test_model *m, struct sc_buf *out);
/* Writes the same into a file; false: it cannot. */
bool test_model_write(const struct test_model *m, const char *path);

/* What libwhisper's answers were written down for (tests/golden/whisper/reference.txt): a model
 * with as many tokens as real ones have, and a sound of `samples` samples, the same everywhere. */
extern const struct test_model test_golden_model;
#define TEST_GOLDEN_SAMPLES 48000
void test_golden_sound(int16_t *pcm, size_t samples);
/* The prompt that its logits follow. */
#define TEST_GOLDEN_PROMPT         \
    {                              \
        50258, 50259, 50359, 50364 \
    }
/* The same for tokens and times: of a layer, as the reference leaves times out where two of text
 * stand on a vocabulary of that size. */
extern const struct test_model test_told_model;
#define TEST_TOLD_SAMPLES 640000

/* The same model in the safetensors form: f32, f16 or bf16, all tensors alike. Its filters are not
 * in the file, but those of the formula. */
struct test_safetensors {
    struct sc_buf weights, config, vocabulary;
};
void test_model_safetensors(const struct test_model *m, struct test_safetensors *out);
void test_safetensors_done(struct test_safetensors *s);
/* Writes model.safetensors, config.json and vocab.json into a folder; false: it cannot. */
bool test_model_write_folder(const struct test_model *m, const char *folder);

/* A value of f32 in the type and back, for tests of reading: a row of `count` values. */
void test_model_pack(enum sc_wtype type, const float *values, int64_t count, struct sc_buf *out);
