/* scripta-media: what touches untrusted audio and what recognises speech, apart from the process
 * that owns the store. Started by `scripta serve`; seldom by hand. */
#include "media/media.h"

#include "base/str.h"
#include "sys/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: not listed */
};

static const struct command commands[] = {
    { "decode", media_decode,
      "  decode --fd N [--probe] [--channels mix|split|N] [--max-seconds N]\n"
      "      decodes the file open on descriptor N, in a jail; frames on standard output\n" },
    { "worker", media_worker,
      "  worker --server unix:PATH|http://HOST:PORT --name NAME [--engines A,B]\n"
      "         [--lifeline FD] [--max-chunks N] [--settings FD]\n"
      "      recognises chunks for a server; a token for TCP is read from SCRIPTA_TOKEN, settings\n"
      "      of engines from a descriptor, else from the settings file and the environment\n" },
    { "engines", media_engines,
      "  engines --json [--settings FD]\n"
      "      the engines in this program and whether they can run here\n" },
    { "devices", media_devices,
      "  devices --json\n"
      "      the graphics processors of this machine\n" },
    { "jail-test", media_jail_test, NULL },
};

static int help(FILE *out)
{
    (void)fputs("usage: scripta-media COMMAND …\n\n", out);
    for (size_t i = 0; i < SC_ARRAY_LEN(commands); i++) {
        if (commands[i].help != NULL)
            (void)fputs(commands[i].help, out);
    }
    (void)fputs("  version\n", out);
    return out == stdout ? SC_EXIT_OK : SC_EXIT_USAGE;
}

/* OpenBLAS, where it stands in for the BLAS that PocketSphinx needs, starts threads before main():
 * no wall of the jail and no blocked signal would hold for them. The program then starts anew with
 * that told to have none. */
static void start_alone(char **argv)
{
    const char *told = getenv("OPENBLAS_NUM_THREADS");
    if (sc_process_threads() <= 1 || (told != NULL && strcmp(told, "1") == 0))
        return;
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) == 0)
        (void)execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    start_alone(argv);
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < SC_ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(stdout);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        (void)puts("scripta-media " SC_VERSION);
        return SC_EXIT_OK;
    }
    return help(stderr);
}
