#pragma once
/* Files: durable writes, bounded reads, folders. Paths are data: nothing is expanded. Thread-safe.
 */

#include "base/buf.h"
#include "base/error.h"

#include <dirent.h>

/* What memory, offset and length of a direct write are multiples of, for nearly every file system;
 * the others refuse it. */
#define SC_DIRECT_ALIGN 4096

static inline void sc_dir_closep(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
}
/* A folder being read; NULL is fine. */
#define SC_AUTO_DIR SC_AUTO(sc_dir_closep) DIR

/* Makes the folder and its parents (mode 0700 & ~umask); an existing folder is fine. */
SC_MUST_USE enum sc_code sc_dir_create(const char *path, struct sc_error *err);
/* The same, and once it returns SC_OK the folder survives a power cut: the folder above it is
 * synced, and above each one that was missing. For folders of what is acknowledged. */
SC_MUST_USE enum sc_code sc_dir_create_durable(const char *path, struct sc_error *err);
/* fsyncs a folder, so that renames in it survive a power cut. */
SC_MUST_USE enum sc_code sc_dir_sync(const char *path, struct sc_error *err);
/* Removes the folder with all that is in it; a missing one is fine. Follows no links. */
SC_MUST_USE enum sc_code sc_dir_remove(const char *path, struct sc_error *err);

/* New file of a random name (".tmp-…" and suffix) in dir, open for reading and writing, mode 0600;
 * *path and *fd are owned by the caller. */
SC_MUST_USE enum sc_code sc_file_temp(const char *dir, const char *suffix, int *fd, char **path,
                                      struct sc_error *err);
/* All of it, or an error; retries short writes and EINTR. */
SC_MUST_USE enum sc_code sc_file_write_all(int fd, const void *bytes, size_t len,
                                           struct sc_error *err);
/* From now on, what is written goes past the page cache, from memory, at offsets and in lengths
 * that are multiples of SC_DIRECT_ALIGN, or not so again. Reading, too: whoever reads wants it off.
 * False: this file cannot. */
bool sc_file_set_direct(int fd, bool on);
/* As sc_file_write_all; where *direct says that the file was set so and such a write is refused, or
 * ended in the middle of a sector, it is set back, *direct too, and the rest written as ever. */
SC_MUST_USE enum sc_code sc_file_write_direct(int fd, const void *bytes, size_t len, bool *direct,
                                              struct sc_error *err);
/* Asks the kernel to begin writing these bytes of the file to the disk. A hint: what is durable is
 * only what sc_file_sync() has seen. */
void sc_file_start_write_back(int fd, int64_t offset, int64_t len);
/* fsync, and an error when it fails: never retried as if it had worked. */
SC_MUST_USE enum sc_code sc_file_sync(int fd, struct sc_error *err);
/* rename, then fsync of the target's folder. */
SC_MUST_USE enum sc_code sc_file_rename_durable(const char *from, const char *to,
                                                struct sc_error *err);
/* Temp file in the same folder, write, fsync, rename, fsync of the folder. */
SC_MUST_USE enum sc_code sc_file_write_atomic(const char *path, const void *bytes, size_t len,
                                              struct sc_error *err);
/* The same of what `fill` writes into the file. */
typedef enum sc_code (*sc_file_fill_fn)(void *ctx, int fd, struct sc_error *err);
SC_MUST_USE enum sc_code sc_file_fill_atomic(const char *path, sc_file_fill_fn fill, void *ctx,
                                             struct sc_error *err);
/* Whole content, at most `limit` bytes (else FILE_TOO_LARGE). NOT_FOUND when missing, IO_ERROR when
 * it is no regular file: a pipe is not waited for. Replaces what out holds; on failure out is
 * untouched. */
SC_MUST_USE enum sc_code sc_file_read(const char *path, size_t limit, struct sc_buf *out,
                                      struct sc_error *err);
/* The same of whatever lies there, a pipe until it ends: for what the caller's own user names. */
SC_MUST_USE enum sc_code sc_file_read_any(const char *path, size_t limit, struct sc_buf *out,
                                          struct sc_error *err);
/* -1 when it is no regular file. */
int64_t sc_file_size(const char *path);
/* Bytes free for us on the file system that holds path; -1: unknown. */
int64_t sc_disk_free(const char *path);
/* All bytes of that file system; -1: unknown. */
int64_t sc_disk_size(const char *path);
/* a + "/" + b (b alone when a is "", one "/" when a ends in it); owned by the caller. */
char *sc_path_join(const char *a, const char *b);
