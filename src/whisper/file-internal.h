#pragma once
/* What the readers of both forms fill. For files of this module only. */

#include "base/buf.h"
#include "sys/mapping.h"
#include "whisper/file.h"

/* One tensor that the dimensions ask for. */
struct sc_whisper_entry {
    struct sc_wtensor tensor; /* data NULL until it is found */
    char name[48];
    char other_name[80]; /* in safetensors, without "model." */
};

struct sc_whisper_file {
    struct sc_str bytes;
    struct sc_mapping *mapping; /* NULL: bytes are borrowed */
    char *name;                 /* for errors; NULL: bytes are borrowed */
    struct sc_whisper_dims dims;
    float *mel;
    struct sc_str *tokens; /* of text; in bytes or token_bytes */
    int token_count;
    struct sc_buf token_bytes;
    struct sc_whisper_entry *entries; /* in order of their names */
    size_t entry_count;
};

/* MODEL_ERROR with a sentence about the file; sc_whisper_file_open says which. */
#define sc_whisper_bad(err, ...) sc_error_field((err), SC_E_MODEL_ERROR, "model", __VA_ARGS__)

/* Text tokens of the vocabulary when the file names `named` of them; -1: no Whisper vocabulary. */
int sc_whisper_text_tokens(int n_vocab, int named);
/* Checks f->dims and lists what tensors they ask for. */
SC_MUST_USE enum sc_code sc_whisper_expect(struct sc_whisper_file *f, struct sc_error *err);
/* By its ggml name; NULL: not asked for. */
struct sc_whisper_entry *sc_whisper_find(const struct sc_whisper_file *f, const char *name);
/* MODEL_ERROR for a token of more bytes than SC_WHISPER_TOKEN_MAX. */
SC_MUST_USE enum sc_code sc_whisper_check_token(int id, size_t bytes, struct sc_error *err);
/* Room for `count` tokens. */
SC_MUST_USE enum sc_code sc_whisper_make_tokens(struct sc_whisper_file *f, int count,
                                                struct sc_error *err);

/* Fill f from f->bytes; what is in f afterwards is freed by sc_whisper_file_close, on failure too.
 */
SC_MUST_USE enum sc_code sc_ggml_read(struct sc_whisper_file *f, struct sc_error *err);
/* config "": the dimensions follow from the shapes. vocabulary: what tokenizer.json or vocab.json
 * holds. */
SC_MUST_USE enum sc_code sc_safetensors_read(struct sc_whisper_file *f, struct sc_str config,
                                             struct sc_str vocabulary, struct sc_error *err);
/* Are these bytes the beginning of the form? */
bool sc_ggml_is(struct sc_str bytes);
bool sc_safetensors_is(struct sc_str bytes);
