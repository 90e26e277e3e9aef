/* Runs a fuzz target over files and folders without libFuzzer: the corpus as a plain test. Each
 * input is copied to a block of exactly its size, so that AddressSanitizer sees one byte too far.
 */

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INPUT_SECONDS 10 /* of the processor: how busy the machine is does not count */

/* From now on; one that takes longer is ended by SIGXCPU. */
static void limit_processor_time(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CPU, &limit) != 0)
        abort();
    rlim_t until = (rlim_t)(clock() / CLOCKS_PER_SEC + 1 + INPUT_SECONDS);
    limit.rlim_cur = until < limit.rlim_max ? until : limit.rlim_max;
    if (setrlimit(RLIMIT_CPU, &limit) != 0)
        abort();
}

static int run_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        fprintf(stderr, "%s: %s\n", name, fd < 0 ? strerror(errno) : "not a regular file");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL)
        abort();
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, data + got, size - got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    close(fd);
    /* Named before it runs: a crash then says which input it was. */
    fprintf(stderr, "%s (%zu bytes)\n", name, got);
    limit_processor_time();
    (void)LLVMFuzzerTestOneInput(data, got);
    free(data);
    return 0;
}

/* Number of files run, -1 on failure. */
static int run_folder(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    if (dir == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        if (run_file(dirfd(dir), e->d_name) != 0) {
            closedir(dir);
            return -1;
        }
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);
        if (count <= 0) {
            fprintf(stderr, "%s: no corpus\n", argv[i]);
            return EXIT_FAILURE;
        }
        printf("%s: %d inputs\n", argv[i], count);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
