#include "cli/local-hash.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

#define BLOCK ((size_t)256 << 10)
#define SHOW_AFTER_MS 1000

static void show(struct sc_progress_line *line, const char *label, int64_t done, int64_t total)
{
    struct sc_progress p = {
        .label = label,
        .stage = "hash",
        .percent = total > 0 ? 100.0 * (double)done / (double)total : -1,
        .eta_s = -1,
    };
    sc_progress_show(line, &p);
}

enum sc_code sc_local_hash_fd(const struct sc_cli *cli, int fd, const char *label,
                              char out[SC_SHA256_TEXT], int64_t *bytes, struct sc_error *err)
{
    SC_AUTO(sc_hash_freep) struct sc_hash *hash = sc_hash_new();
    SC_AUTO_FREE char *block = sc_alloc(BLOCK);
    struct sc_progress_line line = { .enabled = cli->err_is_terminal && !cli->quiet,
                                     .colour = cli->colour };
    struct stat st;
    int64_t begun = sc_clock_mono_ms(), done = 0;
    int64_t total = fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
    for (;;) {
        ssize_t n = read(fd, block, BLOCK);
        if (n < 0 && errno == EINTR && !sc_cli_interrupted())
            continue;
        if (n < 0 || sc_cli_interrupted()) {
            sc_progress_clear(&line);
            return sc_cli_interrupted() ? sc_error_set(err, SC_E_CANCELLED, "interrupted")
                                        : sc_error_errno(err, errno, "cannot read '%s'", label);
        }
        if (n == 0)
            break;
        sc_hash_update(hash, block, (size_t)n);
        done += n;
        if (sc_clock_mono_ms() - begun > SHOW_AFTER_MS)
            show(&line, label, done, total);
    }
    sc_progress_clear(&line);
    sc_hash_hex(hash, out);
    if (bytes != NULL)
        *bytes = done;
    return SC_OK;
}

enum sc_code sc_local_hash(const struct sc_cli *cli, const char *path, char out[SC_SHA256_TEXT],
                           struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    struct stat st;
    sc_utf8_append_printable(&shown, sc_str_from(path));
    /* O_NONBLOCK: a FIFO must not hold us up; it does nothing to a file. */
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return sc_error_set(err, SC_E_NOT_FOUND, "there is no file '%s'", sc_buf_text(&shown));
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot read '%s'", sc_buf_text(&shown));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is no file", sc_buf_text(&shown));
    return sc_local_hash_fd(cli, fd, path, out, NULL, err);
}
