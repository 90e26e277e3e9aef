#include "power-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECTOR 512
#define NODES 20000

/* ---- the record ---- */

enum kind { OP_NAME, OP_UNNAME, OP_WRITE, OP_TRUNCATE, OP_SYNC };

struct op {
    enum kind kind;
    int node, dir; /* dir: whose entry `name` is */
    char *name;
    int64_t at;
    size_t len;
    char *bytes;
    size_t arrival; /* of an OP_UNNAME: the OP_NAME of the same rename into another folder; or 0 */
    bool synced;    /* by the replay so far */
};

enum type { IS_FILE, IS_FOLDER, IS_LINK };

/* What the record knows about an inode of the real disk. */
struct inode {
    ino_t ino;
    enum type type;
    bool side; /* SQLite's shared memory: never on a disk */
    char *target;
};

static struct {
    pthread_mutex_t lock;
    bool on;
    char root[PATH_MAX];
    size_t root_len;
    struct op *ops;
    size_t count, cap;
    struct inode nodes[NODES]; /* node 0 is the root */
    int node_count;
} rec = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void die(const char *what)
{
    (void)fprintf(stderr, "power-disk: %s: %s\n", what, strerror(errno));
    abort();
}

static void *must(void *p)
{
    if (p == NULL)
        die("memory");
    return p;
}

static struct op *add_op(enum kind kind, int node)
{
    if (rec.count == rec.cap) {
        rec.cap = rec.cap == 0 ? 4096 : 2 * rec.cap;
        rec.ops = must(realloc(rec.ops, rec.cap * sizeof(*rec.ops)));
    }
    struct op *op = &rec.ops[rec.count++];
    *op = (struct op){ .kind = kind, .node = node, .dir = -1 };
    return op;
}

/* The newest node of that number: a removed file's number may come again. -1: none of ours. */
static int find_node(ino_t ino)
{
    for (int i = rec.node_count - 1; i >= 0; i--) {
        if (rec.nodes[i].ino == ino)
            return i;
    }
    return -1;
}

static int add_node(ino_t ino, enum type type)
{
    if (rec.node_count == NODES)
        die("too many files");
    rec.nodes[rec.node_count] = (struct inode){ .ino = ino, .type = type };
    return rec.node_count++;
}

static int node_of_fd(int fd)
{
    struct stat st;
    if (!rec.on || fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return -1;
    return find_node(st.st_ino);
}

/* The folder that holds path and the name in it; -1: not below the root. */
static int folder_of(const char *path, const char **name)
{
    char folder[PATH_MAX];
    struct stat st;
    const char *slash = strrchr(path, '/');
    if (!rec.on || slash == NULL || strncmp(path, rec.root, rec.root_len) != 0 ||
        path[rec.root_len] != '/')
        return -1;
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    *name = slash + 1;
    return stat(folder, &st) == 0 ? find_node(st.st_ino) : -1;
}

static int node_of_path(const char *path)
{
    struct stat st;
    return rec.on && lstat(path, &st) == 0 ? find_node(st.st_ino) : -1;
}

static void set_name(enum kind kind, int dir, const char *name, int node)
{
    struct op *op = add_op(kind, node);
    op->dir = dir;
    op->name = must(strdup(name));
}

static void note_new(const char *path, enum type type)
{
    const char *name;
    struct stat st;
    int dir = folder_of(path, &name);
    if (dir < 0 || lstat(path, &st) != 0)
        return;
    int node = add_node(st.st_ino, type);
    size_t len = strlen(name);
    rec.nodes[node].side = len > 4 && strcmp(name + len - 4, "-shm") == 0;
    if (type == IS_LINK) {
        char target[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = '\0';
        rec.nodes[node].target = must(strdup(target));
    }
    set_name(OP_NAME, dir, name, node);
}

static void note_write(int fd, int64_t at, const void *bytes, size_t len)
{
    int node = node_of_fd(fd);
    if (node < 0 || rec.nodes[node].side || len == 0)
        return;
    struct op *op = add_op(OP_WRITE, node);
    op->at = at;
    op->len = len;
    op->bytes = must(malloc(len));
    memcpy(op->bytes, bytes, len);
}

static void note(enum kind kind, int fd, int64_t at)
{
    int node = node_of_fd(fd);
    if (node >= 0 && !rec.nodes[node].side)
        add_op(kind, node)->at = at;
}

void power_record(const char *root)
{
    struct stat st;
    if (stat(root, &st) != 0)
        die(root);
    (void)pthread_mutex_lock(&rec.lock);
    (void)snprintf(rec.root, sizeof(rec.root), "%s", root);
    rec.root_len = strlen(rec.root);
    rec.on = true;
    (void)add_node(st.st_ino, IS_FOLDER);
    (void)pthread_mutex_unlock(&rec.lock);
}

void power_stop(void)
{
    (void)pthread_mutex_lock(&rec.lock);
    rec.on = false;
    (void)pthread_mutex_unlock(&rec.lock);
}

size_t power_now(void)
{
    (void)pthread_mutex_lock(&rec.lock);
    size_t now = rec.count;
    (void)pthread_mutex_unlock(&rec.lock);
    return now;
}

/* ---- the calls, in place of libc's: ours are linked here, SQLite's find them before libc ---- */

#define BEGIN() (void)pthread_mutex_lock(&rec.lock)
#define END()                                  \
    do {                                       \
        int kept = errno;                      \
        (void)pthread_mutex_unlock(&rec.lock); \
        errno = kept;                          \
    } while (0)

static int do_open(const char *path, int flags, mode_t mode)
{
    struct stat st;
    BEGIN();
    bool there = lstat(path, &st) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && !there && (flags & O_CREAT) != 0)
        note_new(path, IS_FILE);
    else if (fd >= 0 && (flags & O_TRUNC) != 0)
        note(OP_TRUNCATE, fd, 0);
    END();
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return do_open(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    BEGIN();
    ssize_t n = syscall(SYS_write, fd, bytes, len);
    if (n > 0 && node_of_fd(fd) >= 0)
        note_write(fd, lseek(fd, 0, SEEK_CUR) - n, bytes, (size_t)n);
    END();
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    BEGIN();
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, len, at);
    if (n > 0)
        note_write(fd, at, bytes, (size_t)n);
    END();
    return n;
}

int ftruncate(int fd, off_t len)
{
    BEGIN();
    int rc = (int)syscall(SYS_ftruncate, fd, len);
    if (rc == 0)
        note(OP_TRUNCATE, fd, len);
    END();
    return rc;
}

/* What is not ours to record is synced as ever; what is, is synced by being written down. */
static int do_sync(int fd, long number)
{
    BEGIN();
    bool ours = node_of_fd(fd) >= 0;
    if (ours)
        note(OP_SYNC, fd, 0);
    END();
    return ours ? 0 : (int)syscall(number, fd);
}

int fsync(int fd)
{
    return do_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return do_sync(fd, SYS_fdatasync);
}

int mkdir(const char *path, mode_t mode)
{
    BEGIN();
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (rc == 0)
        note_new(path, IS_FOLDER);
    END();
    return rc;
}

int symlink(const char *target, const char *path)
{
    BEGIN();
    int rc = (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
    if (rc == 0)
        note_new(path, IS_LINK);
    END();
    return rc;
}

int link(const char *from, const char *to)
{
    const char *name;
    BEGIN();
    int rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    int dir = folder_of(to, &name), node = node_of_path(to);
    if (rc == 0 && dir >= 0 && node >= 0)
        set_name(OP_NAME, dir, name, node);
    END();
    return rc;
}

static int do_remove(int at, const char *path, int flags)
{
    char full[PATH_MAX], folder[64];
    const char *name = NULL;
    BEGIN();
    int dir = -1;
    if (at != AT_FDCWD && path[0] != '/') {
        (void)snprintf(folder, sizeof(folder), "/proc/self/fd/%d", at);
        ssize_t n = readlink(folder, full, sizeof(full) - 1);
        full[n < 0 ? 0 : n] = '\0';
        size_t len = strlen(full);
        (void)snprintf(full + len, sizeof(full) - len, "/%s", path);
        dir = folder_of(full, &name);
    } else {
        dir = folder_of(path, &name);
    }
    int rc = (int)syscall(SYS_unlinkat, at, path, flags);
    if (rc == 0 && dir >= 0)
        set_name(OP_UNNAME, dir, name, -1);
    END();
    return rc;
}

int unlink(const char *path)
{
    return do_remove(AT_FDCWD, path, 0);
}

int unlinkat(int at, const char *path, int flags)
{
    return do_remove(at, path, flags);
}

int rmdir(const char *path)
{
    return do_remove(AT_FDCWD, path, AT_REMOVEDIR);
}

int rename(const char *from, const char *to)
{
    const char *name, *gone;
    BEGIN();
    int node = node_of_path(from), left = folder_of(from, &gone);
    int rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    int dir = folder_of(to, &name);
    bool arrives = rc == 0 && dir >= 0 && node >= 0;
    if (arrives)
        set_name(OP_NAME, dir, name, node);
    /* Within a folder the old name goes with the new one's coming, in one step. */
    if (rc == 0 && left >= 0) {
        set_name(OP_UNNAME, left, gone, -1);
        rec.ops[rec.count - 1].at = left == dir ? 1 : 0;
        rec.ops[rec.count - 1].arrival = arrives && left != dir ? rec.count - 2 : 0;
    }
    END();
    return rc;
}

/* ---- the replay ---- */

struct list {
    size_t *ops;
    size_t count, cap;
};

struct entry {
    char *name; /* of the record */
    int node;
};

struct content {
    char *bytes;
    size_t len, cap;
};

struct state {
    struct list pending;
    struct content durable;  /* of a file */
    struct entry *entries;   /* of a folder */
    size_t count, entry_cap; /* of them */
};

struct power_disk {
    size_t moment;
    struct state nodes[NODES];
};

static void push(struct list *l, size_t op)
{
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 16 : 2 * l->cap;
        l->ops = must(realloc(l->ops, l->cap * sizeof(*l->ops)));
    }
    l->ops[l->count++] = op;
}

static void set_len(struct content *c, size_t len)
{
    if (len > c->cap) {
        c->cap = len * 2;
        c->bytes = must(realloc(c->bytes, c->cap));
    }
    if (len > c->len)
        memset(c->bytes + c->len, 0, len - c->len);
    c->len = len;
}

static void put(struct content *c, int64_t at, const char *bytes, size_t len)
{
    if ((size_t)at + len > c->len)
        set_len(c, (size_t)at + len);
    if (len > 0)
        memcpy(c->bytes + at, bytes, len);
}

static void name_entry(struct state *folder, char *name, int node)
{
    for (size_t i = 0; i < folder->count; i++) {
        if (strcmp(folder->entries[i].name, name) == 0) {
            if (node >= 0)
                folder->entries[i].node = node;
            else
                folder->entries[i] = folder->entries[--folder->count];
            return;
        }
    }
    if (node < 0)
        return;
    if (folder->count == folder->entry_cap) {
        folder->entry_cap = folder->entry_cap == 0 ? 16 : 2 * folder->entry_cap;
        folder->entries =
            must(realloc(folder->entries, folder->entry_cap * sizeof(*folder->entries)));
    }
    folder->entries[folder->count++] = (struct entry){ name, node };
}

static void apply(struct state *to, const struct op *op)
{
    if (op->kind == OP_WRITE)
        put(&to->durable, op->at, op->bytes, op->len);
    else if (op->kind == OP_TRUNCATE)
        set_len(&to->durable, (size_t)op->at);
    else
        name_entry(to, op->name, op->kind == OP_NAME ? op->node : -1);
}

struct power_disk *power_disk_new(void)
{
    return must(calloc(1, sizeof(struct power_disk)));
}

void power_disk_free(struct power_disk *disk)
{
    for (int i = 0; i < NODES; i++) {
        free(disk->nodes[i].pending.ops);
        free(disk->nodes[i].durable.bytes);
        free(disk->nodes[i].entries);
    }
    free(disk);
}

void power_disk_run(struct power_disk *disk, size_t moment)
{
    for (; disk->moment < moment; disk->moment++) {
        const struct op *op = &rec.ops[disk->moment];
        struct state *state = &disk->nodes[op->dir >= 0 ? op->dir : op->node];
        if (op->kind != OP_SYNC) {
            push(&state->pending, disk->moment);
            continue;
        }
        for (size_t i = 0; i < state->pending.count; i++) {
            apply(state, &rec.ops[state->pending.ops[i]]);
            rec.ops[state->pending.ops[i]].synced = true;
        }
        state->pending.count = 0;
    }
}

/* ---- pulling the plug ---- */

static const char *const mode_names[] = { "nothing unsynced", "everything", "a prefix of each",
                                          "some writes", "some sectors" };

const char *power_mode_name(enum power_mode mode)
{
    return mode_names[mode];
}

struct pull {
    struct power_disk *disk;
    enum power_mode mode;
    uint64_t dice;
};

static bool coin(struct pull *p)
{
    p->dice ^= p->dice >> 12;
    p->dice ^= p->dice << 25;
    p->dice ^= p->dice >> 27;
    return ((p->dice * 2685821657736338717u) >> 40 & 1) != 0;
}

static void put_torn(struct pull *p, struct content *c, const struct op *op)
{
    for (size_t done = 0; done < op->len;) {
        size_t end = SECTOR - ((size_t)op->at + done) % SECTOR;
        size_t len = end < op->len - done ? end : op->len - done;
        if (coin(p))
            put(c, op->at + (int64_t)done, op->bytes + done, len);
        done += len;
    }
}

/* How many of the pending ones are there for certain, and whether the others are, one by one. */
static size_t certain(struct pull *p, size_t count)
{
    if (p->mode == POWER_KEEP)
        return count;
    if (p->mode != POWER_PREFIX || count == 0)
        return 0;
    size_t kept = 0;
    while (kept < count && coin(p))
        kept += 1 + kept / 2;
    return kept < count ? kept : count;
}

static void fill_file(struct pull *p, const struct state *state, struct content *out)
{
    struct state copy = { .durable = { .len = 0 } };
    size_t sure = certain(p, state->pending.count);
    put(&copy.durable, 0, state->durable.bytes == NULL ? "" : state->durable.bytes,
        state->durable.len);
    for (size_t i = 0; i < state->pending.count; i++) {
        const struct op *op = &rec.ops[state->pending.ops[i]];
        bool torn = op->kind == OP_WRITE &&
                    (p->mode == POWER_TORN || (p->mode == POWER_PREFIX && i == sure));
        if (i < sure)
            apply(&copy, op);
        else if (torn)
            put_torn(p, &copy.durable, op);
        else if ((p->mode == POWER_SOME || p->mode == POWER_TORN) && coin(p))
            apply(&copy, op);
    }
    *out = copy.durable;
}

static void leave_node(struct pull *p, int node, const char *path);

static void leave_folder(struct pull *p, const struct state *state, const char *path)
{
    struct state copy = { .count = 0 };
    size_t sure = certain(p, state->pending.count);
    bool before = false;
    for (size_t i = 0; i < state->count; i++)
        name_entry(&copy, state->entries[i].name, state->entries[i].node);
    for (size_t i = 0; i < state->pending.count; i++) {
        const struct op *op = &rec.ops[state->pending.ops[i]];
        bool is_there = i < sure;
        if (i >= sure && (p->mode == POWER_SOME || p->mode == POWER_TORN))
            is_there = coin(p);
        if (op->kind == OP_UNNAME && op->at == 1) /* of a rename within the folder */
            is_there = before;
        /* Between folders: both names may be there, but none only if the old folder was synced
         * first, as file systems with a journal have it. */
        if (op->arrival > 0 && !rec.ops[op->arrival].synced)
            is_there = false;
        if (is_there)
            apply(&copy, op);
        before = is_there;
    }
    for (size_t i = 0; i < copy.count; i++) {
        char below[PATH_MAX];
        (void)snprintf(below, sizeof(below), "%s/%s", path, copy.entries[i].name);
        leave_node(p, copy.entries[i].node, below);
    }
    free(copy.entries);
}

static void leave_node(struct pull *p, int node, const char *path)
{
    const struct inode *what = &rec.nodes[node];
    const struct state *state = &p->disk->nodes[node];
    if (what->side)
        return;
    if (what->type == IS_FOLDER) {
        if (node > 0 && syscall(SYS_mkdirat, AT_FDCWD, path, 0700) != 0)
            die(path);
        leave_folder(p, state, path);
        return;
    }
    if (what->type == IS_LINK) {
        if (syscall(SYS_symlinkat, what->target, AT_FDCWD, path) != 0)
            die(path);
        return;
    }
    struct content content = { .len = 0 };
    fill_file(p, state, &content);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        die(path);
    for (size_t done = 0; done < content.len;) {
        ssize_t n = syscall(SYS_write, fd, content.bytes + done, content.len - done);
        if (n <= 0)
            die(path);
        done += (size_t)n;
    }
    (void)close(fd);
    free(content.bytes);
}

void power_disk_leave(struct power_disk *disk, enum power_mode mode, uint64_t seed, const char *to)
{
    struct pull p = { disk, mode, seed * 0x9E3779B97F4A7C15U + 1 };
    for (int i = 0; i < 8; i++)
        (void)coin(&p);
    leave_node(&p, 0, to);
}
