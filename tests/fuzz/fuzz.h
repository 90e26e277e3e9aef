#pragma once
/* A fuzz target is one function over bytes. With -Dfuzz=true (clang) libFuzzer drives it; without,
 * standalone.c runs it once over every file of its corpus, as a test. */

#include <stddef.h>
#include <stdint.h>

/* Must return 0, whatever the bytes: a refusal is a result, a crash is a find. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
