#pragma once
/* What `command` and `http` have in common: a chunk as a WAV file, the options of its job, and an
 * answer in somebody else's format. */

#include "engine/engine.h"

#define SC_WAV_HEAD 44
/* The head of a WAV file of 16 kHz mono s16 with so many bytes of samples behind it. */
void sc_wav_head(size_t bytes, unsigned char out[SC_WAV_HEAD]);

struct sc_json_doc;
/* The options of the job that engines care for; texts are borrowed from *doc. */
struct sc_engine_wishes {
    const char *prompt, *hotwords; /* "": none */
    double temperature;            /* < 0: not given */
    bool translate;
};
/* *doc is the caller's to free, also on failure. */
SC_MUST_USE enum sc_code sc_engine_wishes_read(const char *settings, struct sc_json_doc **doc,
                                               struct sc_engine_wishes *out, struct sc_error *err);

/* Reads text as format ("auto": as it looks) into result's segments and language. Times may pass
 * the chunk's end a little, engines round and pad: they are cut. ENGINE_ERROR, naming `who`, for
 * text that cannot be read, is no UTF-8, or speaks of times that the chunk does not have. */
SC_MUST_USE enum sc_code sc_answer_read(const char *who, const char *format, struct sc_str text,
                                        int64_t length_ms, struct sc_engine_result *result,
                                        struct sc_error *err);

/* Appends at most `max` bytes of text as valid UTF-8 that a terminal may show, line breaks kept. */
void sc_answer_quote(struct sc_buf *out, struct sc_str text, size_t max);
