#pragma once
/* The stream that `scripta-media decode` writes: frames of {u32 type, u32 length} in little-endian
 * order and a payload. INFO, then any number of "PCM ", then DONE; or FAIL instead of the rest.
 * INFO and DONE are JSON; "PCM " holds INFO's `streams` streams of 16 kHz s16, interleaved. */

#include "audio/audio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_TAG(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

enum frame_type {
    FRAME_INFO = FRAME_TAG('I', 'N', 'F', 'O'),
    FRAME_PCM = FRAME_TAG('P', 'C', 'M', ' '),
    FRAME_DONE = FRAME_TAG('D', 'O', 'N', 'E'),
    FRAME_FAIL = FRAME_TAG('F', 'A', 'I', 'L'),
};

/* Each writes one whole frame; IO_ERROR when the reader has gone. */
SC_MUST_USE enum sc_code frame_write(int fd, enum frame_type type, const void *payload, size_t len,
                                     struct sc_error *err);
SC_MUST_USE enum sc_code frame_write_info(int fd, const struct sc_audio_info *info,
                                          struct sc_error *err);
SC_MUST_USE enum sc_code frame_write_done(int fd, const struct sc_audio_stats *stats,
                                          struct sc_error *err);
SC_MUST_USE enum sc_code frame_write_fail(int fd, const struct sc_error *why, struct sc_error *err);
