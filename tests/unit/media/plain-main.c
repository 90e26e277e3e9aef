/* scripta-media as a release has it, in a build with sanitizers: they need calls and memory that
 * the jail grants to nobody else, so that decoder is tried as well. */
#include "media/media.h"

#include <string.h>

#include "base/banned.h"

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "decode") == 0)
        return media_decode(argc - 1, argv + 1);
    if (strcmp(name, "jail-test") == 0)
        return media_jail_test(argc - 1, argv + 1);
    return media_usage(name, "not in this program");
}
