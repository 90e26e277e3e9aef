#pragma once
/* Tokens and times: our decoding against the reference's, on the same model and sound. */

#include <stddef.h>
#include <stdint.h>

/* Prints a row for each model and way of decoding; returns how many differ, and adds to *rows. The
 * models are made at `path`. */
int parity_tokens(const int16_t *pcm, size_t samples, const char *path, int *rows);
