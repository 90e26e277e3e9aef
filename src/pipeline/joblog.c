/* logs/jobs/<job_id>/<stage>.log: what a stage did with a recording, for people. The queue's own
 * record is job_events; a line that cannot be written here fails nothing. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* -1: it cannot be written. */
static int open_log(struct sc_pipelines *p, const char *job_id, const char *stage)
{
    SC_AUTO_FREE char *dir = sc_asprintf("%s/logs/jobs/%s", p->root, job_id);
    SC_AUTO_FREE char *path = sc_asprintf("%s/%s.log", dir, stage);
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags, 0600);
    if (fd < 0 && sc_dir_create(dir, NULL) == SC_OK)
        fd = open(path, flags, 0600);
    return fd;
}

void sc_job_log(struct sc_pipelines *p, const char *job_id, enum sc_stage stage,
                const char *message, const struct sc_log_field *fields)
{
    const char *name = sc_stage_to_string(stage);
    SC_AUTO_CLOSE int fd = open_log(p, job_id, name);
    if (fd >= 0)
        (void)sc_log_append(fd, SC_LOG_INFO, name, message, fields);
}

void sc_job_log_said(struct sc_pipelines *p, const char *job_id, int chunk, struct sc_str text)
{
    const char *name = sc_stage_to_string(SC_STAGE_TRANSCRIBE);
    struct stat st;
    if (text.len == 0)
        return;
    SC_AUTO_CLOSE int fd = open_log(p, job_id, name);
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
