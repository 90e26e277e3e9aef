/* logs/jobs/<job_id>/<stage>.log: what a stage did with a recording, for people. The queue's own
 * record is job_events; a line that cannot be written here fails nothing. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* A file that has grown to this is kept once beside the new one, as <stage>.log.1: so the log of a
 * job stays bounded however long its recording is. */
#define ROTATE_BYTES ((off_t)1 << 20)

static char *log_path(const char *root, const char *job_id, enum sc_stage stage)
{
    return sc_asprintf("%s/logs/jobs/%s/%s.log", root, job_id, sc_stage_to_string(stage));
}

static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Two threads may do so at a time: then a part of the older lines is lost. */
static int rotate(const char *path, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size < ROTATE_BYTES)
        return fd;
    SC_AUTO_FREE char *older = sc_asprintf("%s.1", path);
    if (rename(path, older) != 0)
        return fd;
    (void)close(fd);
    return open_path(path);
}

/* -1: it cannot be written. */
static int open_log(struct sc_pipelines *p, const char *job_id, enum sc_stage stage)
{
    SC_AUTO_FREE char *dir = sc_asprintf("%s/logs/jobs/%s", p->root, job_id);
    SC_AUTO_FREE char *path = log_path(p->root, job_id, stage);
    int fd = open_path(path);
    if (fd < 0 && sc_dir_create(dir, NULL) == SC_OK)
        fd = open_path(path);
    return fd < 0 ? fd : rotate(path, fd);
}

void sc_job_log(struct sc_pipelines *p, const char *job_id, enum sc_stage stage,
                const char *message, const struct sc_log_field *fields)
{
    SC_AUTO_CLOSE int fd = open_log(p, job_id, stage);
    if (fd >= 0)
        (void)sc_log_append(fd, SC_LOG_INFO, sc_stage_to_string(stage), message, fields);
}

void sc_job_log_said(struct sc_pipelines *p, const char *job_id, int chunk, struct sc_str text)
{
    const char *name = sc_stage_to_string(SC_STAGE_TRANSCRIBE);
    struct stat st;
    if (text.len == 0)
        return;
    SC_AUTO_CLOSE int fd = open_log(p, job_id, SC_STAGE_TRANSCRIBE);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > SC_JOB_LOG_SAID_MAX)
        return;
    while (text.len > 0) {
        struct sc_str line = sc_str_trim(sc_str_take_until(&text, '\n'));
        SC_AUTO_FREE char *copy = sc_strndup(line.ptr, line.len);
        const struct sc_log_field fields[] = { SC_I("chunk", chunk), SC_S("said", copy), { 0 } };
        if (line.len > 0)
            (void)sc_log_append(fd, SC_LOG_INFO, name, "engine", fields);
    }
}

/* The end of a file into out, at most `limit` bytes and from the start of a line. */
static enum sc_code read_tail(const char *path, size_t limit, struct sc_buf *out, bool *cut,
                              struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 && errno == ENOENT)
        return sc_error_set(err, SC_E_NOT_FOUND, "no log of that stage");
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return sc_error_errno(err, errno, "cannot read '%s'", path);
    SC_AUTO_FREE char *bytes = sc_try_alloc(limit);
    if (bytes == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for a log");
    off_t start = st.st_size > (off_t)limit ? st.st_size - (off_t)limit : 0;
    size_t have = 0;
    for (ssize_t n = 1; n > 0 && have < limit; have += (size_t)SC_MAX(n, 0))
        n = pread(fd, bytes + have, limit - have, start + (off_t)have);
    struct sc_str text = { bytes, have };
    if (start > 0)
        (void)sc_str_take_until(&text, '\n');
    *cut = start > 0;
    sc_buf_put_str(out, text);
    return SC_OK;
}

enum sc_code sc_job_log_read(const char *root, const char *job_id, enum sc_stage stage,
                             size_t limit, struct sc_buf *out, bool *cut, struct sc_error *err)
{
    SC_AUTO_FREE char *path = log_path(root, job_id, stage);
    SC_AUTO_FREE char *older = sc_asprintf("%s.1", path);
    SC_AUTO_BUF newest = { 0 };
    enum sc_code code = read_tail(path, limit, &newest, cut, err);
    if (code != SC_OK)
        return code;
    if (!*cut && newest.len < limit) {
        bool older_cut = false;
        code = read_tail(older, limit - newest.len, out, &older_cut, err);
        *cut = code == SC_OK && older_cut;
    }
    sc_buf_put_str(out, sc_buf_str(&newest));
    return SC_OK;
}
