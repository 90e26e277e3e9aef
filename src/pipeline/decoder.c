/* The jailed decoder as a child: one descriptor in, frames out. What comes through the pipe is as
 * untrusted as the file: every length is checked. */

#include "pipeline/decoder.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "sys/process.h"
#include "json/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

#define FRAME_LIMIT ((uint32_t)1 << 20)
#define STOP_POLL_MS 100
#define INPUT_FD 3
#define DURATION_MAX_MS ((int64_t)1 << 42) /* some 139 years: sums of two never overflow */
#define PROBE_TRIES 3
#define PROBE_LIMIT_MS 60000 /* for ten seconds of sound */
#define END_LIMIT_MS 5000    /* between closing the pipe and ending */

/* What of our environment the decoder gets: it may hold keys, which a decoder that was taken over
 * must not find in its memory. */
static const char *const kept_variables[] = {
    "LD_LIBRARY_PATH=", "SCRIPTA_FAULT=", "ASAN_OPTIONS=",
    "LSAN_OPTIONS=",    "TSAN_OPTIONS=",  "UBSAN_OPTIONS=",
};

#define VARIABLES (SC_ARRAY_LEN(kept_variables) + 2)

/* Borrowed from environ; ends in NULL. */
static void set_variables(const char *out[VARIABLES])
{
    size_t n = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(kept_variables); i++) {
        struct sc_str prefix = sc_str_from(kept_variables[i]);
        char **e = environ;
        while (*e != NULL && !sc_str_starts(sc_str_from(*e), prefix))
            e++;
        if (*e != NULL)
            out[n++] = *e;
    }
    /* Else it may have to start anew with it, which takes as long as the first start. */
    out[n++] = "OPENBLAS_NUM_THREADS=1";
    out[n] = NULL;
}

enum sc_code sc_decoder_start(struct sc_decoder *d, const struct sc_decoder_options *o,
                              struct sc_error *err)
{
    int ends[2];
    enum sc_code code = sc_process_pipe(ends, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_CLOSE int reader = ends[0];
    SC_AUTO_CLOSE int writer = ends[1];
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(o->max_ms / 1000 + 1));
    const char *argv[12] = { "scripta-media", "decode", "--fd", "3", "--max-seconds", seconds };
    size_t argc = 6;
    if (o->probe)
        argv[argc++] = "--probe";
    if (o->channels != NULL && strcmp(o->channels, "mix") != 0) { /* its default */
        argv[argc++] = "--channels";
        argv[argc++] = o->channels;
    }
    const char *env[VARIABLES];
    set_variables(env);
    struct sc_spawn spawn = {
        .program = "scripta-media",
        .argv = argv,
        .env = env,
        .fds = { { .fd = writer, .as = 1 }, { .fd = o->input, .as = INPUT_FD } },
        .fd_count = 2,
    };
    code = sc_process_spawn(&spawn, &d->pid, err);
    if (code != SC_OK)
        return code;
    d->fd = SC_TAKE_FD(reader);
    d->payload.limit = (size_t)FRAME_LIMIT + 1;
    return SC_OK;
}

void sc_decoder_done(struct sc_decoder *d)
{
    if (d->pid > 0) {
        int status = 0;
        (void)kill(d->pid, SIGKILL);
        (void)sc_process_wait(d->pid, -1, &status);
        d->pid = 0;
        sc_closep(&d->fd);
    }
    sc_buf_done(&d->payload);
}

/* The pipe ended before DONE: why? */
static enum sc_code explain_death(struct sc_decoder *d, bool *killed, struct sc_error *err)
{
    int status = 0;
    if (!sc_process_wait(d->pid, END_LIMIT_MS, &status)) {
        sc_decoder_done(d);
        return sc_error_set(err, SC_E_DECODER_CRASHED, "the decoder closed its pipe and stayed");
    }
    d->pid = 0;
    sc_closep(&d->fd);
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM)) {
        *killed = true;
        return sc_error_set(err, SC_E_CANCELLED, "the decoder was killed by signal %d",
                            WTERMSIG(status));
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        return sc_error_set(err, SC_E_AUDIO_ERROR,
                            "decoding took more processor time than is allowed");
    }
    if (WIFSIGNALED(status)) {
        return sc_error_set(err, SC_E_DECODER_CRASHED, "the decoder died by signal %d",
                            WTERMSIG(status));
    }
    /* Of exec, or of the dynamic linker: nothing has been read of the file. */
    if (WEXITSTATUS(status) == SC_EXIT_NOT_STARTED) {
        return sc_error_set(err, SC_E_JAIL_UNAVAILABLE,
                            "scripta-media cannot be started: it or one of its libraries is "
                            "missing; install it again and see `scripta doctor`");
    }
    return sc_error_set(err, SC_E_DECODER_CRASHED, "the decoder ended early with status %d",
                        WEXITSTATUS(status));
}

static enum sc_code read_exactly(struct sc_decoder *d, void *out, size_t len, bool *ended,
                                 struct sc_error *err)
{
    size_t got = 0;
    *ended = false;
    while (got < len) {
        struct pollfd p = { .fd = d->fd, .events = POLLIN };
        int n = poll(&p, 1, d->stop == NULL ? -1 : STOP_POLL_MS);
        if (n < 0 && errno != EINTR)
            return sc_error_errno(err, errno, "cannot wait for the decoder");
        if (d->stop != NULL && d->stop(d->ctx))
            return sc_error_set(err, SC_E_CANCELLED, "stopped while decoding");
        if (n <= 0)
            continue;
        ssize_t k = read(d->fd, (char *)out + got, len - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return sc_error_errno(err, errno, "cannot read from the decoder");
        if (k == 0) {
            *ended = true;
            return SC_OK;
        }
        got += (size_t)k;
    }
    return SC_OK;
}

static uint32_t le32(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* {"code", "message"} of a FAIL frame. */
static enum sc_code explain_fail(struct sc_decoder *d, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = SC_E_AUDIO_ERROR;
    if (sc_json_parse(sc_buf_str(&d->payload), &doc, NULL) != SC_OK)
        return sc_error_set(err, code, "the decoder failed and could not say why");
    const struct sc_json_value *root = sc_json_root(doc);
    if (!sc_code_parse(sc_json_get_text(sc_json_member(root, "code"), ""), &code) || code == SC_OK)
        code = SC_E_AUDIO_ERROR;
    return sc_error_set(err, code, "%s",
                        sc_json_get_text(sc_json_member(root, "message"), "decoding failed"));
}

enum sc_code sc_decoder_next(struct sc_decoder *d, bool *killed, struct sc_error *err)
{
    unsigned char head[8];
    bool ended = false;
    *killed = false;
    enum sc_code code = read_exactly(d, head, sizeof(head), &ended, err);
    if (code != SC_OK)
        return code;
    if (ended)
        return explain_death(d, killed, err);
    uint32_t len = le32(head + 4);
    if (len > FRAME_LIMIT)
        return sc_error_set(err, SC_E_DECODER_CRASHED, "the decoder sent a frame of %u bytes", len);
    sc_buf_reset(&d->payload);
    char *room = sc_buf_reserve(&d->payload, len);
    if (room == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for a frame of %u bytes", len);
    code = read_exactly(d, room, len, &ended, err);
    if (code != SC_OK)
        return code;
    if (ended)
        return explain_death(d, killed, err);
    d->payload.len += len;
    d->type = le32(head);
    return d->type == SC_FRAME_FAIL ? explain_fail(d, err) : SC_OK;
}

/* A number of an INFO frame; `unknown` for one that no recording has. */
static int64_t number_of(const struct sc_json_value *info, const char *name, int64_t most,
                         int64_t unknown)
{
    int64_t n = sc_json_get_int(sc_json_member(info, name), unknown);
    return n < 0 || n > most ? unknown : n;
}

static void copy_name(const struct sc_json_value *info, const char *name, char *out, size_t size)
{
    struct sc_str text = sc_str_from(sc_json_get_text(sc_json_member(info, name), ""));
    text.len = SC_MIN(text.len, size - 1);
    (void)snprintf(out, size, "%.*s", (int)sc_utf8_valid_prefix(text), text.ptr);
}

enum sc_code sc_probe_read(struct sc_str json, struct sc_probe *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(json, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *v = sc_json_root(doc);
    SC_AUTO_BUF tags = { 0 };
    const struct sc_json_value *given = sc_json_member(v, "tags");
    if (given != NULL && sc_json_type(given) == SC_JSON_OBJECT)
        sc_json_dump(given, &tags);
    else
        sc_buf_puts(&tags, "{}");
    char *taken = sc_buf_take(&tags);
    if (taken == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for metadata");
    free(out->metadata);
    out->metadata = taken;
    copy_name(v, "format", out->format, sizeof(out->format));
    copy_name(v, "codec", out->codec, sizeof(out->codec));
    out->duration_ms = number_of(v, "duration_ms", DURATION_MAX_MS, -1);
    out->bit_rate = number_of(v, "bit_rate", INT32_MAX, -1);
    out->sample_rate = (int)number_of(v, "sample_rate", INT32_MAX, 0);
    out->channels = (int)number_of(v, "channels", INT32_MAX, 0);
    return SC_OK;
}

/* A header alone: nothing comes out of it, however long one looks. */
static enum sc_code check_sound(struct sc_str text, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(text, &doc, err);
    if (code == SC_OK && sc_json_get_int(sc_json_member(sc_json_root(doc), "samples"), 0) <= 0)
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "the recording holds no sound, only a header: upload another copy");
    return code;
}

static bool probe_is_late(void *ctx)
{
    return sc_clock_mono_ms() >= *(const int64_t *)ctx;
}

static enum sc_code probe_once(int input, int64_t max_ms, struct sc_probe *out, bool *killed,
                               struct sc_error *err)
{
    int64_t deadline = sc_clock_mono_ms() + PROBE_LIMIT_MS;
    SC_AUTO(sc_decoder_done)
    struct sc_decoder d = { .fd = -1, .stop = probe_is_late, .ctx = &deadline };
    const struct sc_decoder_options options = { .input = input, .probe = true, .max_ms = max_ms };
    enum sc_code code = sc_decoder_start(&d, &options, err);
    while (code == SC_OK && d.type != SC_FRAME_DONE) {
        code = sc_decoder_next(&d, killed, err);
        if (code == SC_OK && d.type == SC_FRAME_INFO)
            code = sc_probe_read(sc_buf_str(&d.payload), out, err);
    }
    if (code == SC_OK)
        code = check_sound(sc_buf_str(&d.payload), err);
    if (code == SC_OK && out->format[0] == '\0')
        return sc_error_set(err, SC_E_FILE_FORMAT, "the decoder found no audio");
    return code;
}

enum sc_code sc_probe_file(int input, int64_t max_ms, struct sc_probe *out, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    bool killed = true;
    for (int i = 0; killed && i < PROBE_TRIES; i++)
        code = probe_once(input, max_ms, out, &killed, err);
    if (code == SC_E_CANCELLED && !killed) {
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "its first seconds cannot be decoded in %d s: convert it to WAV or "
                            "FLAC first",
                            PROBE_LIMIT_MS / 1000);
    }
    if (code == SC_E_DECODER_CRASHED) {
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "the decoder breaks on this file: convert it to WAV or FLAC first");
    }
    return code;
}
