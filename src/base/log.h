#pragma once
/* Log lines with typed fields. Text: `2026-11-20 14:30:45 [INFO] queue: job claimed job=17
 * worker=w1`; or one JSON object a line. Values are escaped; never log tokens, audio or transcript
 * text.
 *
 *     SC_LOG(INFO, "queue", "job claimed", SC_I("job", id), SC_S("worker", name));
 *
 * Thread-safe. Libraries use DEBUG only; the edges decide what is worth a line. */

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum sc_log_level { SC_LOG_DEBUG, SC_LOG_INFO, SC_LOG_WARNING, SC_LOG_ERROR, SC_LOG_LEVEL_COUNT_ };

struct sc_log_field {
    const char *key;
    const char *text; /* NULL: number */
    int64_t number;
};

#define SC_S(k, v) ((struct sc_log_field){ .key = (k), .text = (v) == NULL ? "" : (v) })
#define SC_I(k, v) ((struct sc_log_field){ .key = (k), .number = (int64_t)(v) })

#define SC_LOG(level, component, message, ...)           \
    sc_log_write(SC_LOG_##level, (component), (message), \
                 (const struct sc_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

struct sc_log_config {
    enum sc_log_level level; /* lines below it are dropped */
    bool json;
    const char *path;     /* NULL: standard error only */
    bool to_stderr;       /* beside path */
    int64_t rotate_bytes; /* 0: never; else path is renamed to path.1 … path.<keep> */
    int keep;
    int64_t max_age_ms; /* 0: never; rotated files older than it go, and max_age_ms / keep after its
                         * first line a file is rotated */
};

/* Opens the sinks; false when path cannot be opened (errno says why). Call before threads start. */
bool sc_log_open(const struct sc_log_config *config);
void sc_log_close(void);
/* Rotates and removes by age; to be called now and then. */
void sc_log_expire(void);
bool sc_log_enabled(enum sc_log_level level);
/* fields ends with a row whose key is NULL. */
void sc_log_write(enum sc_log_level level, const char *component, const char *message,
                  const struct sc_log_field *fields);
/* One line of the same form to a descriptor opened with O_APPEND; false when it cannot be written.
 */
bool sc_log_append(int fd, enum sc_log_level level, const char *component, const char *message,
                   const struct sc_log_field *fields);
/* "debug", "info", "warning", "error". */
const char *sc_log_level_to_string(enum sc_log_level level);
bool sc_log_level_from_string(const char *text, enum sc_log_level *out);
