/* Stands in for NVIDIA's libnvidia-ml.so.1 in tests: two devices, the second of which tells neither
 * its use nor its temperature, as some do. FAKE_NVML=none: there is a driver and no device; broken:
 * the driver does not start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory {
    unsigned long long total, free, used;
};
struct use {
    unsigned gpu, memory;
};

static int devices[2] = { 0, 1 };

static int is(const char *what)
{
    const char *mode = getenv("FAKE_NVML");
    return mode != NULL && strcmp(mode, what) == 0;
}

int nvmlInit_v2(void)
{
    return is("broken") ? 9 : 0;
}

int nvmlShutdown(void)
{
    return 0;
}

const char *nvmlErrorString(int code)
{
    return code == 9 ? "Driver Not Loaded" : "Unknown Error";
}

int nvmlSystemGetDriverVersion(char *version, unsigned size)
{
    (void)snprintf(version, size, "555.42.06");
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = is("none") ? 0 : 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    *device = &devices[index];
    return 0;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size)
{
    /* A name with a colour in it is shown as text. */
    (void)snprintf(name, size, *(int *)device == 0 ? "Fake A100" : "Fake \033[31mT4");
    return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory)
{
    unsigned long long unit = *(int *)device == 0 ? 80ULL << 30 : 16ULL << 30;
    *memory = (struct memory){ unit, unit / 4, unit - unit / 4 };
    return 0;
}

int nvmlDeviceGetUtilizationRates(void *device, struct use *use)
{
    if (*(int *)device != 0)
        return 3;
    *use = (struct use){ 73, 12 };
    return 0;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *degrees)
{
    if (*(int *)device != 0 || sensor != 0)
        return 3;
    *degrees = 61;
    return 0;
}
