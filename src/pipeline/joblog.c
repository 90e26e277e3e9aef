/* logs/jobs/<job_id>/<stage>.log: what a stage did with a recording, for people. The queue's own
 * record is job_events; a line that cannot be written here fails nothing. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "sys/file.h"

#include <fcntl.h>

#include "base/banned.h"

void sc_job_log(struct sc_pipelines *p, const char *job_id, enum sc_stage stage,
                const char *message, const struct sc_log_field *fields)
{
    const char *name = sc_stage_to_string(stage);
    SC_AUTO_FREE char *dir = sc_asprintf("%s/logs/jobs/%s", p->root, job_id);
    SC_AUTO_FREE char *path = sc_asprintf("%s/%s.log", dir, name);
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    SC_AUTO_CLOSE int fd = open(path, flags, 0600);
    if (fd < 0 && sc_dir_create(dir, NULL) == SC_OK)
        fd = open(path, flags, 0600);
    if (fd >= 0)
        (void)sc_log_append(fd, SC_LOG_INFO, name, message, fields);
}
