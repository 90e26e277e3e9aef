#pragma once
/* Tokens and times: our decoding against the reference's, on the same models and sound. Each prints
 * a row for each model and way of decoding, returns how many differ, and adds to *rows. Models are
 * made at the paths. */

#include <stddef.h>
#include <stdint.h>

/* The whole engine. */
int parity_tokens(const int16_t *pcm, size_t samples, const char *path, const char *reference_path,
                  int *rows);
/* Our decoding, with the reference's network below it: equal logits, so equal draws. */
int parity_driven(const int16_t *pcm, size_t samples, const char *path, int *rows);
/* Times of tokens by attention. */
int parity_words(const int16_t *pcm, size_t samples, const char *path, int *rows);
