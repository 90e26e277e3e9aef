/* GET /api/jobs/{id}/output: the file that a job made, of pipelines that make one. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "http/disposition.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* Below the data folder, by its words alone: rows of older systems are not to lead elsewhere. */
static bool is_below(const char *path)
{
    struct sc_str rest = sc_str_from(path);
    if (rest.len == 0 || rest.ptr[0] == '/')
        return false;
    while (rest.len > 0) {
        struct sc_str name = sc_str_take_until(&rest, '/');
        if (name.len == 0 || sc_str_equal(name, SC_STR(".")) || sc_str_equal(name, SC_STR("..")))
            return false;
    }
    return true;
}

static enum sc_code refuse(const struct sc_job *job, struct sc_error *err)
{
    bool open = job->state == SC_JOB_PENDING || job->state == SC_JOB_PROCESSING;
    if (strcmp(job->pipeline, "convert") != 0)
        return sc_error_set(err, SC_E_NOT_FOUND,
                            "jobs of the pipeline '%s' make no output file: what was recognised is "
                            "at /api/jobs/%s/transcripts",
                            job->pipeline, job->job_id);
    if (open)
        return sc_error_set(err, SC_E_CONFLICT, "job %s has no output yet: it is %s", job->job_id,
                            sc_job_state_to_string(job->state));
    return sc_error_set(err, SC_E_NOT_FOUND, "job %s has no output", job->job_id);
}

static enum sc_code open_output(struct sc_api *api, const struct sc_job *job, int *fd,
                                struct stat *st, struct sc_error *err)
{
    if (job->output_file_path[0] == '\0')
        return refuse(job, err);
    SC_AUTO_FREE char *path =
        sc_asprintf("%s/%s", sc_config_now(api->options.config)->data_dir, job->output_file_path);
    SC_AUTO_CLOSE int opened =
        is_below(job->output_file_path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (opened < 0 || fstat(opened, st) != 0 || !S_ISREG(st->st_mode))
        return sc_error_set(err, SC_E_NOT_FOUND, "the output of job %s is not there any more",
                            job->job_id);
    *fd = SC_TAKE_FD(opened);
    return SC_OK;
}

static enum sc_code find_output(struct sc_request *req, struct sc_api *api, struct sc_job *job,
                                struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_query_none(req, err);
    if (code == SC_OK)
        code = sc_path_job_id(req, id, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, err);
    return code == SC_OK ? sc_job_find(conn, sc_api_owner(req), id, job, err) : code;
}

struct sc_done *sc_api_job_output(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF disposition = { 0 };
    SC_AUTO_JOB job = { 0 };
    SC_AUTO_CLOSE int fd = -1;
    struct stat st = { 0 };
    enum sc_code code = find_output(req, api, &job, &err);
    if (code == SC_OK)
        code = open_output(api, &job, &fd, &st, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    const char *slash = strrchr(job.output_file_path, '/');
    const char *name = slash == NULL ? job.output_file_path : slash + 1;
    const char *dot = strrchr(name, '.');
    SC_AUTO_FREE char *tag =
        sc_asprintf("%llx-%llx.%llx", (unsigned long long)st.st_size,
                    (unsigned long long)st.st_mtim.tv_sec, (unsigned long long)st.st_mtim.tv_nsec);
    sc_disposition_put(&disposition, sc_str_from(name), "");
    sc_reply_header(req, "Content-Disposition", sc_buf_text(&disposition));
    return sc_reply_file(req, SC_TAKE_FD(fd), (int64_t)st.st_size,
                         sc_mime_of_format(dot == NULL ? "" : dot + 1), tag);
}

SC_API_DOC(job_output) = {
    .replies = { { 200, .types = SC_MEDIA_TYPES, .help = "The bytes" },
                 { 206, .types = SC_MEDIA_TYPES, .help = "A part of them" } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_NOT_FOUND, SC_E_CONFLICT },
    .flags = SC_DOC_RANGES | SC_DOC_DOWNLOAD,
};
