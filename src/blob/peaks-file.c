#include "blob/peaks-file.h"

#include "base/alloc.h"
#include "base/str.h"

#include <unistd.h>

#include "base/banned.h"

char *sc_peaks_path(const char *root, const char *sha256)
{
    return sc_asprintf("%s/audio/peaks/%s.peaks", root, sha256);
}

void sc_peaks_remove(const char *root, const char *sha256)
{
    SC_AUTO_FREE char *path = sc_peaks_path(root, sha256);
    (void)unlink(path); /* what stays behind is small and harms nobody */
}
