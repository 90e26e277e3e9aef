#pragma once
/* libwhisper, for comparing. Not a part of any build: `make parity` compiles it. */

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where its back ends are; "": where it finds them itself. Once, before all else. */
void reference_begin(const char *backends);

struct reference;
struct whisper_state;

/* NULL: it does not take the model. */
struct reference *reference_open(const char *model);
void reference_close(struct reference *r);
/* The whole context, for what this header does not know. */
struct whisper_context *reference_context(const struct reference *r);

/* Makes the spectrum of the clip. Rows of *frames each, owned by r until the next call; NULL: it
 * cannot be had. */
const float *reference_mel(struct reference *r, const int16_t *pcm, size_t samples, int bands,
                           size_t *frames);
/* Encodes its first 30 s; the output is `positions` rows of `state`, owned by the caller. NULL: it
 * cannot be had. */
float *reference_encode(struct reference *r, int positions, int state);
/* The logits after the last of these tokens, which follow `past` others; owned by r. */
const float *reference_decode(struct reference *r, const int32_t *tokens, int count, int past);

/* How many tokens it has, then eot, sot, translate, transcribe, prev, solm, no speech, no
 * timestamps. */
void reference_specials(const struct reference *r, int32_t out[9]);
/* Its code of the language with that number. */
const char *reference_language(int number);
/* What its alignment heads attended to when it last told times of tokens by attention: so many
 * numbers, owned by the state. NULL: they cannot be had. */
const float *reference_attention(const struct whisper_state *state, size_t floats);
const char *reference_token(const struct reference *r, int token);
/* Text as tokens; how many. */
int reference_tokenize(const struct reference *r, const char *text, int32_t *out, int max);

/* Its own reading of packed values of ggml's type number. False: it does not know the type. */
bool reference_unpack(int type, const void *bytes, float *out, int64_t count);
