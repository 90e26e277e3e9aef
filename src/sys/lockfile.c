#include "sys/lockfile.h"

#include "base/alloc.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

#define HOLDER_SIZE 160

struct sc_lockfile {
    int fd;
    bool was_left;
};

/* Open file description locks: unlike those of the process they do not vanish when some library
 * closes another descriptor of the file, and a second open in the same process meets them too. */
static struct flock whole_file(void)
{
    return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static void read_line(int fd, char *out, size_t size)
{
    ssize_t n = pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    for (char *p = out; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
}

/* Does path still name the file that fd has open? */
static bool is_current(const char *path, int fd)
{
    struct stat there, ours;
    return stat(path, &there) == 0 && fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
           there.st_ino == ours.st_ino;
}

static enum sc_code write_holder(int fd, const char *path, const char *holder, struct sc_error *err)
{
    SC_AUTO_FREE char *line = sc_asprintf("%.*s\n", HOLDER_SIZE - 2, holder);
    /* Short, and into our own open file: no reader mixes two lines, as the file is emptied first.
     */
    if (ftruncate(fd, 0) != 0)
        return sc_error_errno(err, errno, "cannot empty '%s'", path);
    return sc_file_write_all(fd, line, strlen(line), err);
}

enum sc_code sc_lockfile_take(const char *path, const char *holder, struct sc_lockfile **out,
                              struct sc_error *err)
{
    /* Somebody may remove the file between open and lock: then the lock would guard nothing. */
    for (int attempt = 0; attempt < 8; attempt++) {
        SC_AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return sc_error_errno(err, errno, "cannot open the lock '%s'", path);
        struct flock lock = whole_file();
        if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
            if (errno != EAGAIN && errno != EACCES)
                return sc_error_errno(err, errno, "cannot lock '%s'", path);
            char line[HOLDER_SIZE];
            read_line(fd, line, sizeof(line));
            return sc_error_set(err, SC_E_STORE_LOCKED,
                                "the data folder is in use: '%s' is held by %s", path,
                                line[0] == '\0' ? "another process" : line);
        }
        if (!is_current(path, fd))
            continue;
        char last[HOLDER_SIZE];
        read_line(fd, last, sizeof(last));
        enum sc_code code = write_holder(fd, path, holder, err);
        if (code != SC_OK)
            return code;
        struct sc_lockfile *made = sc_alloc(sizeof(*made));
        made->fd = SC_TAKE_FD(fd);
        made->was_left = last[0] != '\0';
        *out = made;
        return SC_OK;
    }
    return sc_error_set(err, SC_E_STORE_LOCKED, "'%s' is being replaced by another process", path);
}

bool sc_lockfile_was_left(const struct sc_lockfile *lock)
{
    return lock->was_left;
}

void sc_lockfile_drop(struct sc_lockfile *lock)
{
    if (lock == NULL)
        return;
    /* An empty line tells the next one that we ended by ourselves. Whether the lock is held is for
     * the kernel to say. */
    (void)!ftruncate(lock->fd, 0);
    (void)close(lock->fd);
    free(lock);
}

void sc_lockfile_holder(const char *path, char *out, size_t size)
{
    sc_assert(size > 0);
    out[0] = '\0';
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct flock lock = whole_file();
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return;
    read_line(fd, out, size);
}
