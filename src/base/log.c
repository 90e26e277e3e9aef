#include "base/log.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/enum.h"
#include "base/lock.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/banned.h"

/* A line is built outside the lock and written with one write(), so that lines of threads and of
 * processes that share the file do not mix. */

#define LINE_LIMIT ((size_t)64 << 10)

SC_DEFINE_ENUM_STRINGS(sc_log_level, SC_LOG_LEVEL_COUNT_,
                       {
                           [SC_LOG_DEBUG] = "debug",
                           [SC_LOG_INFO] = "info",
                           [SC_LOG_WARNING] = "warning",
                           [SC_LOG_ERROR] = "error",
                       });

static const char *const level_tags[SC_LOG_LEVEL_COUNT_] = {
    [SC_LOG_DEBUG] = "DEBUG",
    [SC_LOG_INFO] = "INFO",
    [SC_LOG_WARNING] = "WARNING",
    [SC_LOG_ERROR] = "ERROR",
};

static atomic_int min_level = SC_LOG_INFO;
static atomic_bool as_json;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Protected by lock. */
static int log_fd = -1;
static char *log_path;
static bool to_stderr = true;
static int64_t log_size;
static int64_t log_begun_ms; /* when the file got its first line */
static int64_t max_age_ms;
static int64_t rotate_bytes;
static int rotate_keep;

/* When a file was made, or now where its file system does not keep that. */
static int64_t begun_ms(int fd)
{
    struct statx stx = { 0 };
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) != 0 || (stx.stx_mask & STATX_BTIME) == 0)
        return sc_clock_wall_ms();
    return stx.stx_btime.tv_sec * INT64_C(1000);
}

static bool open_file_locked(void)
{
    int fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return false;
    struct stat st;
    log_size = fstat(fd, &st) == 0 ? st.st_size : 0;
    log_begun_ms = log_size > 0 ? begun_ms(fd) : sc_clock_wall_ms();
    log_fd = fd;
    return true;
}

static void close_locked(void)
{
    sc_closep(&log_fd);
    sc_freep(&log_path);
    to_stderr = true;
    rotate_bytes = max_age_ms = 0;
}

bool sc_log_open(const struct sc_log_config *config)
{
    SC_LOCK(&lock);
    close_locked();
    if (config->path != NULL) {
        log_path = sc_strdup(config->path);
        if (!open_file_locked()) {
            int saved = errno;
            close_locked();
            errno = saved;
            return false;
        }
    }
    to_stderr = config->path == NULL || config->to_stderr;
    rotate_bytes = config->rotate_bytes;
    rotate_keep = config->keep;
    max_age_ms = config->max_age_ms;
    atomic_store(&min_level, (int)config->level);
    atomic_store(&as_json, config->json);
    return true;
}

void sc_log_close(void)
{
    SC_LOCK(&lock);
    close_locked();
    atomic_store(&min_level, SC_LOG_INFO);
    atomic_store(&as_json, false);
}

bool sc_log_enabled(enum sc_log_level level)
{
    return (int)level >= atomic_load(&min_level);
}

static void put_json_text(struct sc_buf *b, const char *text)
{
    SC_AUTO_BUF clean = { .limit = LINE_LIMIT };
    sc_utf8_append_lossy(&clean, sc_str_from(text));
    sc_buf_putc(b, '"');
    for (size_t i = 0; i < clean.len; i++) {
        unsigned char c = (unsigned char)clean.ptr[i];
        if (c == '"' || c == '\\')
            sc_buf_printf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            sc_buf_printf(b, "\\u%04x", c);
        else
            sc_buf_putc(b, (char)c);
    }
    sc_buf_putc(b, '"');
}

/* A value is quoted when it would not read back as one word. */
static void put_plain_value(struct sc_buf *b, const char *text)
{
    bool quote = text[0] == '\0' || strpbrk(text, " \"=\\") != NULL;
    SC_AUTO_BUF clean = { .limit = LINE_LIMIT };
    sc_utf8_append_printable(&clean, sc_str_from(text));
    if (quote)
        sc_buf_putc(b, '"');
    for (size_t i = 0; i < clean.len; i++) {
        if (quote && clean.ptr[i] == '"')
            sc_buf_putc(b, '\\');
        sc_buf_putc(b, clean.ptr[i]);
    }
    if (quote)
        sc_buf_putc(b, '"');
}

static void format_json(struct sc_buf *b, enum sc_log_level level, const char *component,
                        const char *message, const struct sc_log_field *fields)
{
    char now[SC_TIME_TEXT];
    sc_buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"component\":",
                  sc_time_rfc3339(sc_clock_wall_ms(), now), sc_log_level_to_string(level));
    put_json_text(b, component);
    sc_buf_puts(b, ",\"message\":");
    put_json_text(b, message);
    for (const struct sc_log_field *f = fields; f->key != NULL; f++) {
        sc_buf_putc(b, ',');
        put_json_text(b, f->key);
        sc_buf_putc(b, ':');
        if (f->text != NULL)
            put_json_text(b, f->text);
        else
            sc_buf_printf(b, "%lld", (long long)f->number);
    }
    sc_buf_puts(b, "}\n");
}

static void format_text(struct sc_buf *b, enum sc_log_level level, const char *component,
                        const char *message, const struct sc_log_field *fields)
{
    char now[SC_TIME_TEXT];
    (void)sc_time_rfc3339(sc_clock_wall_ms(), now);
    /* "2026-11-20T14:30:45.123Z": the date and the time up to seconds. */
    sc_buf_printf(b, "%.10s %.8s [%s] ", now, now + 11, level_tags[level]);
    sc_utf8_append_printable(b, sc_str_from(component));
    sc_buf_puts(b, ": ");
    sc_utf8_append_printable(b, sc_str_from(message));
    for (const struct sc_log_field *f = fields; f->key != NULL; f++) {
        sc_buf_printf(b, " %s=", f->key);
        if (f->text != NULL)
            put_plain_value(b, f->text);
        else
            sc_buf_printf(b, "%lld", (long long)f->number);
    }
    sc_buf_putc(b, '\n');
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* path.2 -> path.3, path.1 -> path.2, path -> path.1; the oldest is overwritten. */
static void rotate_locked(void)
{
    for (int i = rotate_keep; i >= 1; i--) {
        SC_AUTO_FREE char *from =
            i == 1 ? sc_strdup(log_path) : sc_asprintf("%s.%d", log_path, i - 1);
        SC_AUTO_FREE char *to = sc_asprintf("%s.%d", log_path, i);
        (void)rename(from, to); /* a gap in the row of files is no fault */
    }
    if (rotate_keep < 1)
        (void)unlink(log_path);
    sc_closep(&log_fd);
    (void)open_file_locked(); /* without a file, lines go to standard error */
}

/* Those that `keep` was larger for once are not looked for. */
static void remove_old_locked(int64_t now)
{
    for (int i = 1; i <= rotate_keep; i++) {
        SC_AUTO_FREE char *path = sc_asprintf("%s.%d", log_path, i);
        struct stat st;
        if (stat(path, &st) == 0 && now - st.st_mtime * INT64_C(1000) > max_age_ms)
            (void)unlink(path);
    }
}

void sc_log_expire(void)
{
    SC_LOCK(&lock);
    int64_t now = sc_clock_wall_ms();
    if (log_path == NULL || max_age_ms <= 0)
        return;
    if (log_size > 0 && now - log_begun_ms > max_age_ms / SC_MAX(1, rotate_keep))
        rotate_locked();
    remove_old_locked(now);
}

static void emit_locked(const struct sc_buf *line)
{
    if (log_fd >= 0 && rotate_bytes > 0 && log_size > 0 &&
        log_size + (int64_t)line->len > rotate_bytes)
        rotate_locked();
    bool in_file = log_fd >= 0 && write_all(log_fd, line->ptr, line->len);
    if (in_file)
        log_size += (int64_t)line->len;
    if (to_stderr || !in_file)
        (void)write_all(STDERR_FILENO, line->ptr, line->len); /* nowhere left to complain */
}

static void build_line(struct sc_buf *line, enum sc_log_level level, const char *component,
                       const char *message, const struct sc_log_field *fields)
{
    bool json = atomic_load(&as_json);
    (json ? format_json : format_text)(line, level, component, message, fields);
    if (line->failed) {
        /* Too long: the message without its fields is better than a cut line. */
        static const struct sc_log_field none[] = { { 0 } };
        sc_buf_reset(line);
        (json ? format_json : format_text)(line, level, component, "log line too long", none);
    }
}

void sc_log_write(enum sc_log_level level, const char *component, const char *message,
                  const struct sc_log_field *fields)
{
    if (!sc_log_enabled(level))
        return;
    int saved = errno;
    SC_AUTO_BUF line = { .limit = LINE_LIMIT };
    build_line(&line, level, component, message, fields);
    if (!line.failed) {
        SC_LOCK(&lock);
        emit_locked(&line);
    }
    errno = saved;
}

bool sc_log_append(int fd, enum sc_log_level level, const char *component, const char *message,
                   const struct sc_log_field *fields)
{
    SC_AUTO_BUF line = { .limit = LINE_LIMIT };
    build_line(&line, level, component, message, fields);
    return !line.failed && write_all(fd, line.ptr, line.len);
}
