#include "audio/audio.h"
#include "media/frames.h"
#include "media/media.h"
#include "sys/jail.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

#define DEFAULT_SECONDS (24 * 3600)
#define CHANNEL_MAX 64
#define MAX_SECONDS (400 * 24 * 3600)
/* The slowest codec decodes at some 500 times real time on one core; a twentieth of that is
 * allowed. */
#define CPU_BASE_S 30
#define CPU_SHARE 25

struct command {
    int fd;
    bool probe;
    bool quiet;
    int channels; /* see struct sc_audio_options */
    int streams;  /* of the recording, once INFO is out */
    int64_t max_seconds;
};

static enum sc_code on_info(void *ctx, const struct sc_audio_info *info, struct sc_error *err)
{
    struct command *command = ctx;
    command->streams = info->streams;
    return frame_write_info(STDOUT_FILENO, info, err);
}

static enum sc_code on_pcm(void *ctx, const int16_t *pcm, size_t samples, struct sc_error *err)
{
    const struct command *command = ctx;
#if __BYTE_ORDER == __LITTLE_ENDIAN
    return frame_write(STDOUT_FILENO, FRAME_PCM, pcm,
                       samples * (size_t)command->streams * sizeof(*pcm), err);
#else
#error "samples would have to be swapped"
#endif
}

static enum sc_code enter_jail(const struct command *command, struct sc_error *err)
{
    int64_t seconds = command->probe ? SC_AUDIO_PROBE_MS / 1000 : command->max_seconds;
    struct sc_jail_options jail = {
        .input_fd = command->fd,
        .memory_bytes = SC_JAIL_SANITIZED ? 0 : (int64_t)512 << 20,
        .cpu_seconds = CPU_BASE_S + seconds / CPU_SHARE,
    };
    if (!sc_jail_has_landlock() && !command->quiet)
        (void)fputs(
            "scripta-media: this kernel has no Landlock; seccomp alone guards the decoder\n",
            stderr);
    return sc_jail_enter(&jail, err);
}

/* All that needs a file, a library or a device happens before the jail closes; then the first byte
 * is read. */
static enum sc_code decode(struct command *command, struct sc_error *err)
{
    struct stat st;
    if (fstat(command->fd, &st) != 0)
        return sc_error_errno(err, errno, "there is no file on descriptor %d", command->fd);
    if (!S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_FILE_FORMAT,
                            "this is no regular file: upload the recording as a file");
    sc_audio_warm_up();

    struct sc_audio_stats stats = { 0 };
    struct sc_audio_source source = sc_audio_source_fd(&command->fd, st.st_size);
    struct sc_audio_options options = {
        .channels = command->channels,
        .probe = command->probe,
        .max_ms = command->max_seconds * 1000,
    };
    struct sc_audio_sink sink = { .info = on_info, .pcm = on_pcm, .ctx = command };
    enum sc_code code = enter_jail(command, err);
    if (code == SC_OK)
        code = sc_audio_decode(&source, &options, &sink, &stats, err);
    return code != SC_OK ? code : frame_write_done(STDOUT_FILENO, &stats, err);
}

static bool parse_channels(const char *value, int *channels)
{
    int64_t n = 0;
    if (value != NULL && strcmp(value, "mix") == 0)
        *channels = SC_AUDIO_MIX;
    else if (value != NULL && strcmp(value, "split") == 0)
        *channels = SC_AUDIO_SPLIT;
    else if (media_number(value, 1, CHANNEL_MAX, &n))
        *channels = (int)n;
    else
        return false;
    return true;
}

static bool parse(struct command *command, int argc, char **argv)
{
    int64_t n = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--probe") == 0) {
            command->probe = true;
        } else if (strcmp(argv[i], "--no-jail-check") == 0) {
            command->quiet = true;
        } else if (strcmp(argv[i], "--fd") == 0 && media_number(value, 3, 1 << 20, &n)) {
            command->fd = (int)n;
            i++;
        } else if (strcmp(argv[i], "--channels") == 0 &&
                   parse_channels(value, &command->channels)) {
            i++;
        } else if (strcmp(argv[i], "--max-seconds") == 0 &&
                   media_number(value, 1, MAX_SECONDS, &n)) {
            command->max_seconds = n;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int media_decode(int argc, char **argv)
{
    struct command command = { .fd = 3, .max_seconds = DEFAULT_SECONDS };
    struct sc_error err = { 0 };
    if (!parse(&command, argc, argv))
        return media_usage("decode", "--fd N [--probe] [--channels mix|split|N] [--max-seconds N]");
    /* A reader that has gone is an error to report by exit code, not a death by signal. */
    (void)signal(SIGPIPE, SIG_IGN);

    enum sc_code code = decode(&command, &err);
    if (code != SC_OK && frame_write_fail(STDOUT_FILENO, &err, NULL) != SC_OK)
        code = SC_E_IO_ERROR;
    /* Nothing is buffered, and what runs at exit may want what the jail forbids. */
    _exit(sc_code_exit_status(code));
}
