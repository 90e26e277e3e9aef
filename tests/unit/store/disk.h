#pragma once
/* A disk that fails on demand: SQLite's own table of system calls, and fdatasync, which the linker
 * takes from here because a library that we link refers to it. */

#include "store/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static atomic_int disk_write_errno; /* of each pwrite; 0: works */
static atomic_int disk_sync_errno;
static atomic_int disk_open_errno; /* of each open for writing */
static atomic_int disk_open_fails; /* how many more times; negative: for ever */
static atomic_int disk_syncs;
static atomic_int disk_refusals;      /* writes that failed */
static atomic_bool disk_holds_passes; /* writes of the checkpoint thread wait */
static atomic_int disk_held;          /* so many have */

int fdatasync(int fd)
{
    atomic_fetch_add(&disk_syncs, 1);
    if (atomic_load(&disk_sync_errno) != 0) {
        errno = atomic_load(&disk_sync_errno);
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void disk_hold(void)
{
    char name[16] = "";
    (void)pthread_getname_np(pthread_self(), name, sizeof(name));
    if (strcmp(name, "sc-checkpoint") != 0)
        return;
    atomic_fetch_add(&disk_held, 1);
    while (atomic_load(&disk_holds_passes))
        sc_clock_sleep_ms(1);
}

static ssize_t disk_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (atomic_load(&disk_holds_passes))
        disk_hold();
    if (atomic_load(&disk_write_errno) != 0) {
        atomic_fetch_add(&disk_refusals, 1);
        errno = atomic_load(&disk_write_errno);
        return -1;
    }
    return pwrite(fd, bytes, len, at);
}

static int disk_open(const char *path, int flags, int mode)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && atomic_load(&disk_open_errno) != 0 && atomic_load(&disk_open_fails) != 0) {
        atomic_fetch_sub(&disk_open_fails, 1);
        errno = atomic_load(&disk_open_errno);
        return -1;
    }
    return open(path, flags, mode);
}

/* Once, before the first store is opened. */
static inline void disk_install(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)disk_pwrite),
                     SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)disk_pwrite),
                     SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)disk_open), SQLITE_OK);
}

static inline void disk_heal(void)
{
    atomic_store(&disk_write_errno, 0);
    atomic_store(&disk_sync_errno, 0);
    atomic_store(&disk_open_errno, 0);
    atomic_store(&disk_open_fails, -1);
    atomic_store(&disk_holds_passes, false);
}
