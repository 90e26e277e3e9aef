#pragma once
/* Where the waveform peaks of a recording are kept: audio/peaks/<sha256>.peaks below the data
 * folder, once for all files with these bytes. They can be computed again at any time. */

/* Owned by the caller. */
char *sc_peaks_path(const char *root, const char *sha256);
/* Removes them, where there are any. */
void sc_peaks_remove(const char *root, const char *sha256);
