#pragma once
/* Whisper model files: the ggml form (`ggml-base.en-q5_1.bin`) and the safetensors form (a folder
 * with model.safetensors, its tokenizer.json or vocab.json and, where it is there, config.json).
 * What is open has been validated as a whole: nobody behind this header meets a size that lies. */

#include "base/error.h"
#include "base/str.h"
#include "whisper/tensor.h"

struct sc_whisper_dims {
    int n_vocab;
    int n_audio_ctx; /* 1500: the positions that a window of 3000 mel frames makes */
    int n_audio_state, n_audio_head, n_audio_layer;
    int n_text_ctx;
    int n_text_state; /* equals n_audio_state */
    int n_text_head, n_text_layer;
    int n_mels;
};

#define SC_WHISPER_POSITIONS 1500
#define SC_WHISPER_WINDOW_S 30
/* Bins of the spectrum that a mel filter weighs. */
#define SC_WHISPER_BINS 201

struct sc_whisper_file;

/* Maps the file and validates all of it: MODEL_ERROR says what is wrong with it and what to do,
 * NOT_FOUND that there is none. Of safetensors path is the folder, or its model.safetensors.
 * Thread-safe; what is open may be read by any number of threads. A file that is written to while
 * it is open holds other values, or zeros where it was cut short. */
SC_MUST_USE enum sc_code sc_whisper_file_open(const char *path, struct sc_whisper_file **out,
                                              struct sc_error *err);
/* The same of a file that lies under a name which nobody knows yet: errors call it `seen`. */
SC_MUST_USE enum sc_code sc_whisper_file_open_as(const char *path, const char *seen,
                                                 struct sc_whisper_file **out,
                                                 struct sc_error *err);
/* The same of a ggml file in memory, which must outlive it: for tests and fuzzing. */
SC_MUST_USE enum sc_code sc_whisper_file_of(struct sc_str bytes, struct sc_whisper_file **out,
                                            struct sc_error *err);
/* MODEL_ERROR when some of what was read so far was cut off the file meanwhile: to be asked after
 * the last value is read. */
SC_MUST_USE enum sc_code sc_whisper_file_check(const struct sc_whisper_file *f,
                                               struct sc_error *err);
void sc_whisper_file_close(struct sc_whisper_file *f);
SC_DEFINE_FREEP(struct sc_whisper_file, sc_whisper_file_close);

const struct sc_whisper_dims *sc_whisper_file_dims(const struct sc_whisper_file *f);
/* By ggml's name ("encoder.conv1.weight", "decoder.blocks.0.attn.query.weight"), of safetensors
 * too. Every tensor that the dimensions ask for is there, in its shape; biases are vectors. NULL:
 * they ask for none of this name. */
const struct sc_wtensor *sc_whisper_file_tensor(const struct sc_whisper_file *f, const char *name);
/* The tensor was read: pages of a mapped file that hold it need not stay in memory. It may be read
 * again, from the file. */
void sc_whisper_file_leave(const struct sc_whisper_file *f, const struct sc_wtensor *t);
/* The filters, n_mels rows of SC_WHISPER_BINS. */
const float *sc_whisper_file_mel(const struct sc_whisper_file *f);
/* The tokens of text; those of the vocabulary behind them are special. */
int sc_whisper_file_tokens(const struct sc_whisper_file *f);
/* The most that a token may stand for: twice what the longest one of a published model does. */
#define SC_WHISPER_TOKEN_MAX 256
/* Bytes that a token of text stands for, at most SC_WHISPER_TOKEN_MAX, which need be no whole
 * UTF-8; empty for special ones. */
struct sc_str sc_whisper_file_token(const struct sc_whisper_file *f, int id);
/* The type of most weights: what the model is called after. */
enum sc_wtype sc_whisper_file_type(const struct sc_whisper_file *f);

/* What is heard at once. Whoever counts memory, in the server or in a worker, counts by this. */
struct sc_whisper_use {
    int batch;   /* chunks of a call, a window of each at a time; 0: the weights alone */
    int clip_s;  /* sound of each of them, in seconds */
    int beam;    /* hypotheses of a window at temperature 0 */
    int best_of; /* tries at temperatures above it */
    bool words;  /* they get times by what was attended to */
};
/* Tries of jobs that do not say how many; hypotheses of a window at most. */
#define SC_WHISPER_BEST_OF 5
#define SC_WHISPER_HYPOTHESES 8
/* Of each window at once. */
int sc_whisper_hypotheses(const struct sc_whisper_use *use);
/* Bytes that a model of these dimensions takes in f32 at most, with its weights and the sound that
 * it hears. */
int64_t sc_whisper_memory(const struct sc_whisper_dims *dims, const struct sc_whisper_use *use);
