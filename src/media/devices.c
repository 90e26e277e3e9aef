/* scripta-media devices --json: what engines could run on beside the processor. */
#include "media/gpu.h"
#include "media/media.h"
#include "json/writer.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static void put_gpu(struct sc_json *w, const struct sc_gpu *gpu)
{
    sc_json_object(w, NULL);
    sc_json_int(w, "index", gpu->index);
    sc_json_text(w, "name", gpu->name);
    sc_json_opt(w, "memory_total_bytes", gpu->memory_total);
    sc_json_opt(w, "memory_free_bytes", gpu->memory_free);
    sc_json_opt(w, "utilisation_percent", gpu->utilisation);
    sc_json_opt(w, "temperature_celsius", gpu->temperature);
    sc_json_end(w);
}

int media_devices(int argc, char **argv)
{
    struct sc_gpus gpus;
    struct sc_json w;
    SC_AUTO_BUF out = { 0 };
    if (argc != 2 || strcmp(argv[1], "--json") != 0)
        return media_usage("devices", "--json");
    sc_gpus_read(&gpus);
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "gpus");
    for (size_t i = 0; i < gpus.count; i++)
        put_gpu(&w, &gpus.rows[i]);
    sc_json_end(&w);
    sc_json_text(&w, "gpu_driver", gpus.driver[0] == '\0' ? NULL : gpus.driver);
    sc_json_text(&w, "gpu_note", gpus.note[0] == '\0' ? NULL : gpus.note);
    sc_json_end(&w);
    sc_buf_putc(&out, '\n');
    if (out.failed || fputs(sc_buf_text(&out), stdout) == EOF || fflush(stdout) != 0)
        return SC_EXIT_IO;
    return SC_EXIT_OK;
}
