/* NVIDIA's management library (NVML), by the names and layouts that its driver keeps for all
 * versions. Nothing of it is needed to build. */
#include "media/gpu.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

#define LIBRARY "libnvidia-ml.so.1"
#define NVML_TEMPERATURE_GPU 0

struct nvml_memory {
    unsigned long long total, free, used;
};
struct nvml_use {
    unsigned gpu, memory;
};

struct nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*driver)(char *version, unsigned size);
    int (*count)(unsigned *count);
    int (*device)(unsigned index, void **device);
    int (*name)(void *device, char *name, unsigned size);
    int (*memory)(void *device, struct nvml_memory *memory);
    int (*use)(void *device, struct nvml_use *use);
    int (*temperature)(void *device, int sensor, unsigned *degrees);
    const char *(*error)(int code);
};

static void nvml_done(struct nvml *n)
{
    if (n->library != NULL)
        (void)dlclose(n->library);
}

/* True when the library has it; a pointer to a function is no pointer to data, so it is copied. */
static bool find(const struct nvml *n, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(n->library, name);
    memcpy(function, &symbol, size);
    return symbol != NULL;
}
#define FIND(n, member, name) find((n), (name), &(n)->member, sizeof((n)->member))

static bool open_library(struct nvml *n, struct sc_gpus *out)
{
    n->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (n->library == NULL) {
        (void)snprintf(out->note, sizeof(out->note), "no GPU: there is no NVIDIA driver (%s)",
                       LIBRARY);
        return false;
    }
    bool whole =
        FIND(n, init, "nvmlInit_v2") && FIND(n, shutdown, "nvmlShutdown") &&
        FIND(n, driver, "nvmlSystemGetDriverVersion") && FIND(n, count, "nvmlDeviceGetCount_v2") &&
        FIND(n, device, "nvmlDeviceGetHandleByIndex_v2") && FIND(n, name, "nvmlDeviceGetName") &&
        FIND(n, memory, "nvmlDeviceGetMemoryInfo") &&
        FIND(n, use, "nvmlDeviceGetUtilizationRates") &&
        FIND(n, temperature, "nvmlDeviceGetTemperature") && FIND(n, error, "nvmlErrorString");
    if (!whole)
        (void)snprintf(out->note, sizeof(out->note),
                       "no GPU: the NVIDIA driver is too old (%s lacks a function)", LIBRARY);
    return whole;
}

static void read_device(const struct nvml *n, unsigned index, struct sc_gpus *out)
{
    void *device = NULL;
    struct nvml_memory memory;
    struct nvml_use use;
    unsigned degrees;
    struct sc_gpu gpu = { (int)index, "", -1, -1, -1, -1 };
    if (n->device(index, &device) != 0)
        return; /* one that has fallen off the bus */
    if (n->name(device, gpu.name, sizeof(gpu.name)) != 0)
        gpu.name[0] = '\0';
    gpu.name[sizeof(gpu.name) - 1] = '\0';
    if (n->memory(device, &memory) == 0) {
        gpu.memory_total = (int64_t)SC_MIN(memory.total, (unsigned long long)INT64_MAX);
        gpu.memory_free = (int64_t)SC_MIN(memory.free, (unsigned long long)INT64_MAX);
    }
    if (n->use(device, &use) == 0)
        gpu.utilisation = (int)SC_MIN(use.gpu, 100u);
    if (n->temperature(device, NVML_TEMPERATURE_GPU, &degrees) == 0)
        gpu.temperature = (int)SC_MIN(degrees, 1000u);
    out->rows[out->count++] = gpu;
}

static void read_devices(const struct nvml *n, struct sc_gpus *out)
{
    unsigned count = 0;
    if (n->driver(out->driver, sizeof(out->driver)) != 0)
        out->driver[0] = '\0';
    out->driver[sizeof(out->driver) - 1] = '\0';
    int code = n->count(&count);
    if (code != 0)
        (void)snprintf(out->note, sizeof(out->note), "no GPU: the driver does not count them: %s",
                       n->error(code));
    for (unsigned i = 0; code == 0 && i < count && out->count < SC_ARRAY_LEN(out->rows); i++)
        read_device(n, i, out);
    if (code == 0 && out->count == 0)
        (void)snprintf(out->note, sizeof(out->note), "no GPU: the driver finds none");
}

void sc_gpus_read(struct sc_gpus *out)
{
    SC_AUTO(nvml_done) struct nvml n = { 0 };
    *out = (struct sc_gpus){ 0 };
    if (!open_library(&n, out))
        return;
    int code = n.init();
    if (code != 0) {
        (void)snprintf(out->note, sizeof(out->note), "no GPU: the driver does not start: %s",
                       n.error(code));
        return;
    }
    read_devices(&n, out);
    (void)n.shutdown();
}
