#include "sys/file.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/banned.h"

/* Each level of sc_dir_remove holds one descriptor; our own trees are less than ten deep. */
#define REMOVE_DEPTH 64
#define READ_STEP ((size_t)64 << 10)
#define NAME_BYTES 12

/* The folder part of path ("." when there is none); owned by the caller. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return sc_strdup(".");
    return slash == path ? sc_strdup("/") : sc_strndup(path, (size_t)(slash - path));
}

static enum sc_code make_dir(const char *path, struct sc_error *err)
{
    if (mkdir(path, 0700) == 0)
        return SC_OK;
    int why = errno;
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return SC_OK;
        why = ENOTDIR;
    }
    return sc_error_errno(err, why, "cannot make the folder '%s'", path);
}

enum sc_code sc_dir_create(const char *path, struct sc_error *err)
{
    SC_AUTO_FREE char *part = sc_strdup(path);
    for (char *p = part; *p != '\0'; p++) {
        if (*p != '/' || p == part || p[1] == '/')
            continue;
        *p = '\0';
        enum sc_code code = make_dir(part, err);
        if (code != SC_OK)
            return code;
        *p = '/';
    }
    return make_dir(part, err);
}

/* A level of a path, after those above it. What was made but not synced is taken back, so that
 * whoever finds a folder there may rely on it. */
static enum sc_code make_durable(const char *path, bool last, struct sc_error *err)
{
    bool made = mkdir(path, 0700) == 0;
    enum sc_code code = made ? SC_OK : make_dir(path, err);
    if (code != SC_OK || (!made && !last))
        return code;
    SC_AUTO_FREE char *parent = parent_of(path);
    code = sc_dir_sync(parent, err);
    if (code != SC_OK && made)
        (void)rmdir(path);
    return code;
}

enum sc_code sc_dir_create_durable(const char *path, struct sc_error *err)
{
    /* One at a time: another must not take a folder for a durable one that is just being made. */
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    SC_LOCK(&turn);
    SC_AUTO_FREE char *part = sc_strdup(path);
    for (size_t n = strlen(part); n > 1 && part[n - 1] == '/'; n--)
        part[n - 1] = '\0';
    for (char *p = part; *p != '\0'; p++) {
        if (*p != '/' || p == part || p[1] == '/')
            continue;
        *p = '\0';
        enum sc_code code = make_durable(part, false, err);
        if (code != SC_OK)
            return code;
        *p = '/';
    }
    return make_durable(part, true, err);
}

enum sc_code sc_dir_sync(const char *path, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot open the folder '%s'", path);
    if (SC_FAULT("dir.sync"))
        return sc_error_errno(err, EIO, "cannot sync the folder '%s'", path);
    if (fsync(fd) != 0)
        return sc_error_errno(err, errno, "cannot sync the folder '%s'", path);
    return SC_OK;
}

/* Empties the open folder fd, which it takes. Returns 0 or an errno. */
static int empty_dir(int fd, int depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int why = errno;
        (void)close(fd);
        return why;
    }
    int why = depth > REMOVE_DEPTH ? ELOOP : 0;
    while (why == 0) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (e == NULL) {
            why = errno;
            break;
        }
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        /* A link to a folder is refused by O_NOFOLLOW and then unlinked as what it is. */
        int child = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        bool is_dir = child >= 0;
        if (!is_dir && errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
            why = errno;
        else if (is_dir)
            why = empty_dir(child, depth + 1);
        if (why == 0 && unlinkat(dirfd(dir), e->d_name, is_dir ? AT_REMOVEDIR : 0) != 0 &&
            errno != ENOENT)
            why = errno;
    }
    (void)closedir(dir);
    return why;
}

enum sc_code sc_dir_remove(const char *path, struct sc_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return SC_OK;
    int why = fd < 0 ? errno : empty_dir(fd, 0);
    if (why == 0 && rmdir(path) != 0 && errno != ENOENT)
        why = errno;
    if (why != 0)
        return sc_error_errno(err, why, "cannot remove the folder '%s'", path);
    return SC_OK;
}

enum sc_code sc_file_temp(const char *dir, const char *suffix, int *fd, char **path,
                          struct sc_error *err)
{
    unsigned char random[NAME_BYTES];
    char name[2 * NAME_BYTES + 1];
    sc_random_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(name + 2 * i, 3, "%02x", random[i]);

    SC_AUTO_FREE char *made = sc_asprintf("%s/.tmp-%s%s", dir, name, suffix == NULL ? "" : suffix);
    int opened = open(made, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (opened < 0)
        return sc_error_errno(err, errno, "cannot make a file in '%s'", dir);
    *fd = opened;
    *path = SC_TAKE(made);
    return SC_OK;
}

enum sc_code sc_file_write_all(int fd, const void *bytes, size_t len, struct sc_error *err)
{
    const char *p = bytes;
    if (SC_FAULT("file.write"))
        return sc_error_errno(err, ENOSPC, "cannot write");
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot write");
        p += n;
        len -= (size_t)n;
    }
    return SC_OK;
}

bool sc_file_set_direct(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

enum sc_code sc_file_write_direct(int fd, const void *bytes, size_t len, bool *direct,
                                  struct sc_error *err)
{
    const char *p = bytes;
    while (*direct && len > 0) {
        ssize_t n = write(fd, p, len);
        if (n >= 0) {
            p += n;
            len -= (size_t)n;
        } else if (errno == EINVAL) {
            *direct = false; /* of what was asked for, nothing else may be invalid */
            if (!sc_file_set_direct(fd, false))
                return sc_error_errno(err, errno, "cannot write");
        } else if (errno != EINTR) {
            return sc_error_errno(err, errno, "cannot write");
        }
    }
    return sc_file_write_all(fd, p, len, err);
}

void sc_file_start_write_back(int fd, int64_t offset, int64_t len)
{
    /* Where the file system cannot, the fsync does it all. What fails later, fsync tells. */
    (void)sync_file_range(fd, offset, len, SYNC_FILE_RANGE_WRITE);
}

enum sc_code sc_file_sync(int fd, struct sc_error *err)
{
    if (SC_FAULT("file.sync"))
        return sc_error_errno(err, EIO, "cannot sync a file");
    /* The kernel drops the dirty pages with the error: a second fsync would say that all is well.
     */
    if (fsync(fd) != 0)
        return sc_error_errno(err, errno, "cannot sync a file");
    return SC_OK;
}

enum sc_code sc_file_rename_durable(const char *from, const char *to, struct sc_error *err)
{
    if (SC_FAULT("file.rename"))
        return sc_error_errno(err, EIO, "cannot rename '%s' to '%s'", from, to);
    if (rename(from, to) != 0)
        return sc_error_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
    SC_AUTO_FREE char *dir = parent_of(to);
    return sc_dir_sync(dir, err);
}

/* Fills, syncs and closes fd, which it takes. */
static enum sc_code fill_and_close(int fd, sc_file_fill_fn fill, void *ctx, struct sc_error *err)
{
    SC_AUTO_CLOSE int file = fd;
    enum sc_code code = fill(ctx, file, err);
    if (code == SC_OK)
        code = sc_file_sync(file, err);
    if (code == SC_OK && close(SC_TAKE_FD(file)) != 0)
        code = sc_error_errno(err, errno, "cannot close a file");
    return code;
}

enum sc_code sc_file_fill_atomic(const char *path, sc_file_fill_fn fill, void *ctx,
                                 struct sc_error *err)
{
    SC_AUTO_FREE char *dir = parent_of(path);
    SC_AUTO_FREE char *temp = NULL;
    int fd = -1;
    enum sc_code code = sc_file_temp(dir, "", &fd, &temp, err);
    if (code != SC_OK)
        return code;
    code = fill_and_close(fd, fill, ctx, err);
    if (code == SC_OK)
        code = sc_file_rename_durable(temp, path, err);
    if (code != SC_OK)
        (void)unlink(temp); /* gone already when only the folder's sync failed */
    return code;
}

static enum sc_code fill_with_bytes(void *ctx, int fd, struct sc_error *err)
{
    const struct sc_str *bytes = ctx;
    return sc_file_write_all(fd, bytes->ptr, bytes->len, err);
}

enum sc_code sc_file_write_atomic(const char *path, const void *bytes, size_t len,
                                  struct sc_error *err)
{
    struct sc_str all = { bytes, len };
    return sc_file_fill_atomic(path, fill_with_bytes, &all, err);
}

/* Opening a pipe waits for who writes into it, unless it is asked not to. */
static enum sc_code open_to_read(const char *path, int flags, int *fd, struct sc_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return sc_error_set(err, SC_E_NOT_FOUND, "no such file: '%s'", path);
    if (*fd < 0)
        return sc_error_errno(err, errno, "cannot open '%s'", path);
    return SC_OK;
}

static enum sc_code read_open(int fd, const char *path, size_t limit, struct sc_buf *out,
                              struct sc_error *err)
{
    limit = SC_MIN(limit, SIZE_MAX / 4);
    SC_AUTO_BUF content = { .limit = limit + READ_STEP };
    while (content.len <= limit) {
        char *room = sc_buf_reserve(&content, SC_MIN(READ_STEP, limit + 1 - content.len));
        if (room == NULL)
            return sc_error_errno(err, ENOMEM, "cannot read '%s'", path);
        ssize_t n = read(fd, room, SC_MIN(READ_STEP, limit + 1 - content.len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read '%s'", path);
        if (n == 0)
            break;
        content.len += (size_t)n;
        content.ptr[content.len] = '\0';
    }
    if (content.len > limit)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "'%s' holds more than %zu bytes", path,
                            limit);
    free(out->ptr);
    *out = (struct sc_buf){
        .ptr = SC_TAKE(content.ptr), .len = content.len, .cap = content.cap, .limit = out->limit
    };
    return SC_OK;
}

enum sc_code sc_file_read(const char *path, size_t limit, struct sc_buf *out, struct sc_error *err)
{
    struct stat st;
    SC_AUTO_CLOSE int fd = -1;
    enum sc_code code = open_to_read(path, O_NONBLOCK | O_NOCTTY, &fd, err);
    if (code != SC_OK)
        return code;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_IO_ERROR, "'%s' is no regular file", path);
    return read_open(fd, path, limit, out, err);
}

enum sc_code sc_file_read_any(const char *path, size_t limit, struct sc_buf *out,
                              struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = -1;
    enum sc_code code = open_to_read(path, 0, &fd, err);
    return code == SC_OK ? read_open(fd, path, limit, out, err) : code;
}

int64_t sc_file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

/* Bytes of so many blocks. */
static int64_t bytes_of(const struct statvfs *st, uint64_t blocks)
{
    uint64_t unit = st->f_frsize == 0 ? 512 : st->f_frsize;
    return blocks > (uint64_t)INT64_MAX / unit ? INT64_MAX : (int64_t)(blocks * unit);
}

int64_t sc_disk_free(const char *path)
{
    struct statvfs st;
    return statvfs(path, &st) == 0 ? bytes_of(&st, st.f_bavail) : -1;
}

int64_t sc_disk_size(const char *path)
{
    struct statvfs st;
    return statvfs(path, &st) == 0 ? bytes_of(&st, st.f_blocks) : -1;
}

char *sc_path_join(const char *a, const char *b)
{
    size_t len = strlen(a);
    if (len == 0)
        return sc_strdup(b);
    return sc_asprintf("%s%s%s", a, a[len - 1] == '/' ? "" : "/", b);
}
