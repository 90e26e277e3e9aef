#include "media/media.h"

#include "base/banned.h"

int media_worker(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return media_usage("worker", "not in this build");
}
