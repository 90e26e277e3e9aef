#pragma once
/* The vocabulary of a model: special tokens, text to tokens and back. It owns what it needs: the
 * file may be closed. Never changed once it is open, so any number of threads may use it. */

#include "whisper/file.h"

/* Time tokens stand 20 ms apart, from 0 to 30 s. */
#define SC_VOCAB_TIMES 1501
#define SC_VOCAB_TIME_MS 20

/* All tokens of the English-only models, and those of text; the other models have one more of text
 * and a token for each language beyond. */
#define SC_VOCAB_ENGLISH 51864
#define SC_VOCAB_ENGLISH_TEXT 50256

struct sc_vocab {
    int size; /* all tokens */
    int text; /* the first so many are text; the next is eot */
    int eot;  /* <|endoftext|> */
    int sot;  /* <|startoftranscript|>; the languages follow it */
    int languages;
    bool multilingual; /* else neither languages nor tasks are told to the model */
    int translate, transcribe;
    int solm; /* <|startoflm|> */
    int prev; /* <|startofprev|> */
    int no_speech, no_timestamps;
    int first_time; /* <|0.00|>, then the other times up to the end */
    struct sc_vocab_index *index;
};

/* MODEL_ERROR when memory is exhausted. *out is owned by the caller. */
SC_MUST_USE enum sc_code sc_vocab_of(const struct sc_whisper_file *f, struct sc_vocab **out,
                                     struct sc_error *err);
void sc_vocab_free(struct sc_vocab *v);
SC_DEFINE_FREEP(struct sc_vocab, sc_vocab_free);

/* What the token stands for, as bytes; empty for special ones. Borrowed from v. */
struct sc_str sc_vocab_token(const struct sc_vocab *v, int id);
/* The token of exactly these bytes; -1: none. */
int sc_vocab_find(const struct sc_vocab *v, struct sc_str bytes);
/* Text as tokens, at most `max`, the last ones when there are more: what is said last is what a
 * prompt is for. Returns how many. Bytes that no token has are left out; special tokens cannot be
 * written. False memory: 0. */
size_t sc_vocab_encode(const struct sc_vocab *v, struct sc_str text, int32_t *out, size_t max);

/* The languages of all models, by their codes, in the order of their tokens: a model of n languages
 * has the first n. NULL behind the last. Static. */
const char *sc_vocab_language_at(int place);
/* The token of a language, by any of its codes or names ("de", "de-AT"); -1: this model does not
 * have it. */
int sc_vocab_language_token(const struct sc_vocab *v, const char *code);
/* The code of a language's token; NULL: it is none. Static. */
const char *sc_vocab_language(const struct sc_vocab *v, int token);

/* The tokens of text that are no speech: brackets, notes, what stands for sounds. In order of
 * their numbers; borrowed from v. */
const int32_t *sc_vocab_non_speech(const struct sc_vocab *v, size_t *count);
