/* GET /api/system: the machine, what is taken of it, and who works on it. */

#include "api/api-internal.h"
#include "api/system-view.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/file.h"
#include "json/reader.h"

#include <sys/stat.h>

#include "base/banned.h"

/* Folders of the data folder that people move to disks of their own. */
static const char *const roots[SC_SYSTEM_DISKS] = { "",     "audio", "audio/archive", "transcripts",
                                                    "work", "temp",  "logs",          "backups" };

/* Those that lie on a disk which none before them lies on. */
static void read_disks(const char *data_dir, struct sc_system *out)
{
    dev_t seen[SC_SYSTEM_DISKS] = { 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(roots); i++) {
        SC_AUTO_FREE char *path = sc_path_join(data_dir, roots[i]);
        struct stat st;
        size_t k = 0;
        if (stat(path, &st) != 0)
            continue;
        while (k < out->disk_count && seen[k] != st.st_dev)
            k++;
        if (k < out->disk_count)
            continue;
        seen[k] = st.st_dev;
        out->disks[out->disk_count++] = (struct sc_system_disk){
            .name = roots[i][0] == '\0' ? "data" : roots[i],
            .total_bytes = sc_disk_size(path),
            .free_bytes = sc_disk_free(path),
        };
    }
}

static enum sc_code add_worker(void *ctx, const struct sc_worker *worker, struct sc_error *err)
{
    struct sc_system *out = ctx;
    (void)err;
    if (sc_api_is_server(worker))
        return SC_OK;
    out->workers++;
    out->workers_busy += worker->job_id[0] != '\0';
    out->workers_local += worker->local;
    if (worker->local) {
        out->workers_bytes += SC_MAX(0, sc_process_memory(worker->pid));
        out->workers_cpu_us += SC_MAX(0, sc_process_cpu(worker->pid));
    }
    return SC_OK;
}

int64_t sc_api_workers_cpu(struct sc_api *api, int64_t alive_us)
{
    int64_t now = SC_MAX(0, sc_children_cpu()) + alive_us;
    int64_t most = atomic_load(&api->workers_cpu_us);
    while (now > most && !atomic_compare_exchange_weak(&api->workers_cpu_us, &most, now)) {
    }
    return SC_MAX(now, most);
}

static enum sc_code read_workers(struct sc_api *api, struct sc_system *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_places places = { 0 };
    if (api->options.worker_places != NULL)
        api->options.worker_places(api->options.ctx, &places);
    out->worker_places = places.places;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    return code == SC_OK ? sc_worker_list(api->options.queue, conn, add_worker, out, err) : code;
}

/* A driver that does not answer is no reason to say nothing of the rest. */
static void put_devices(struct sc_api *api, struct sc_json *w)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF said = { 0 };
    enum sc_code code = sc_pipelines_devices(api->options.pipelines, false, &said, &err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&said), &doc, &err);
    sc_devices_fields(w, code == SC_OK ? sc_json_root(doc) : NULL, err.msg);
}

struct sc_done *sc_api_system_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_system system = { .uptime_ms = sc_clock_mono_ms() - api->started_ms };
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = read_workers(api, &system, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    system.workers_cpu_us = sc_api_workers_cpu(api, system.workers_cpu_us);
    sc_machine_read(&system.machine);
    sc_usage_read(&system.usage);
    read_disks(sc_config_now(api->options.config)->data_dir, &system);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_system_fields(&w, &system);
    put_devices(api, &w);
    sc_json_end(&w);
    return sc_reply_json(req, 200, &body);
}

SC_API_DOC(system_show) = { .replies = { { 200, &sc_shape_system } } };
