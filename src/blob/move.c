/* Marks, second names, removal, and the walk over all that is there. */

#include "blob/blob-internal.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

#define BLOCK ((size_t)256 << 10)
#define DEPTH_MAX 4 /* of folders below audio/uploads: year, month */

/* ---- marks: links that point nowhere, whose text is the place; made in one step ---- */

static char *mark_path(const struct sc_blobs *blobs, const char *sha256)
{
    return sc_asprintf("%s/" SC_BLOB_ARRIVING "/%s", blobs->root, sha256);
}

enum sc_code sc_blobs_mark(struct sc_blobs *blobs, const char *sha256, const char *place,
                           struct sc_error *err)
{
    SC_AUTO_FREE char *path = mark_path(blobs, sha256);
    if (symlink(place, path) == 0 || errno == EEXIST)
        return SC_OK;
    if (errno != ENOENT)
        return sc_error_errno(err, errno, "cannot mark an arrival");
    SC_AUTO_FREE char *folder = sc_path_join(blobs->root, SC_BLOB_ARRIVING);
    enum sc_code code = sc_dir_create(folder, err);
    if (code == SC_OK && symlink(place, path) != 0 && errno != EEXIST)
        return sc_error_errno(err, errno, "cannot mark an arrival");
    return code;
}

void sc_blobs_unmark(struct sc_blobs *blobs, const char *sha256)
{
    SC_AUTO_FREE char *path = mark_path(blobs, sha256);
    (void)unlink(path); /* a mark that stays is looked at again at the next start */
}

void sc_blobs_each_mark(struct sc_blobs *blobs, sc_blob_mark_fn fn, void *ctx)
{
    SC_AUTO_FREE char *folder = sc_path_join(blobs->root, SC_BLOB_ARRIVING);
    SC_AUTO_DIR *d = opendir(folder);
    const struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        char place[512];
        if (strlen(entry->d_name) != SC_SHA256_TEXT - 1)
            continue;
        ssize_t n = readlinkat(dirfd(d), entry->d_name, place, sizeof(place) - 1);
        if (n <= 0)
            continue;
        place[n] = '\0';
        fn(ctx, entry->d_name, place);
    }
}

/* ---- places ---- */

static char *elsewhere(const char *place, const char *from, const char *to)
{
    size_t len = strlen(from);
    if (strncmp(place, from, len) != 0 || place[len] != '/')
        return sc_strdup(place);
    return sc_asprintf("%s%s", to, place + len);
}

char *sc_blobs_archive_place(const char *place)
{
    return elsewhere(place, SC_BLOB_UPLOADS, SC_BLOB_ARCHIVE);
}

char *sc_blobs_upload_place(const char *place)
{
    return elsewhere(place, SC_BLOB_ARCHIVE, SC_BLOB_UPLOADS);
}

/* ---- a second name ---- */

static enum sc_code copy_bytes(int from, int to, struct sc_error *err)
{
    SC_AUTO_FREE char *block = sc_alloc(BLOCK);
    for (;;) {
        ssize_t n = read(from, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read the audio");
        if (n == 0)
            return sc_file_sync(to, err);
        enum sc_code code = sc_file_write_all(to, block, (size_t)n, err);
        if (code != SC_OK)
            return code;
    }
}

/* To another file system: a temp file beside the target, then its name. */
static enum sc_code copy_file(struct sc_blobs *blobs, const char *from, const char *path,
                              const char *folder, struct sc_error *err)
{
    SC_AUTO_CLOSE int in = -1;
    SC_AUTO_CLOSE int out = -1;
    SC_AUTO_FREE char *temp = NULL;
    SC_AUTO_FREE char *dir = sc_path_join(blobs->root, folder);
    enum sc_code code = sc_blobs_get(blobs, from, &in, err);
    if (code == SC_OK)
        code = sc_file_temp(dir, "", &out, &temp, err);
    if (code != SC_OK)
        return code;
    code = copy_bytes(in, out, err);
    if (code == SC_OK)
        code = sc_file_rename_durable(temp, path, err);
    if (code != SC_OK)
        (void)unlink(temp);
    return code;
}

enum sc_code sc_blobs_copy(struct sc_blobs *blobs, const char *from, const char *to,
                           struct sc_error *err)
{
    enum sc_code code = sc_blob_check_place(from, err);
    if (code == SC_OK)
        code = sc_blob_check_place(to, err);
    if (code != SC_OK)
        return code;
    if (!sc_blobs_exists(blobs, from))
        return sc_error_set(err, SC_E_FILE_NOT_FOUND, "the audio '%.150s' is gone", from);
    SC_AUTO_FREE char *folder = sc_blob_folder_of(to);
    SC_AUTO_FREE char *dir = sc_path_join(blobs->root, folder);
    SC_AUTO_FREE char *source = sc_path_join(blobs->root, from);
    SC_AUTO_FREE char *target = sc_path_join(blobs->root, to);
    code = sc_blob_make_folder(blobs, folder, err);
    if (code != SC_OK)
        return code;
    bool other_disk = SC_FAULT("blob.other_disk");
    if (!other_disk && (link(source, target) == 0 || errno == EEXIST))
        return sc_dir_sync(dir, err);
    if (!other_disk && errno != EXDEV && errno != EPERM && errno != EMLINK)
        return sc_error_errno(err, errno, "cannot link the audio '%.150s'", to);
    return copy_file(blobs, from, target, folder, err);
}

/* A second name is put in the place of what is there already, which may be altered bytes. Where it
 * is a name of the same file, rename does nothing and leaves both. */
enum sc_code sc_blobs_put_again(struct sc_blobs *blobs, const char *from, const char *place,
                                struct sc_error *err)
{
    char unique[SC_UUID_TEXT];
    enum sc_code code = sc_blob_check_place(from, err);
    if (code == SC_OK)
        code = sc_blob_check_place(place, err);
    if (code != SC_OK)
        return code;
    sc_uuid7(unique);
    SC_AUTO_FREE char *folder = sc_blob_folder_of(place);
    SC_AUTO_FREE char *source = sc_path_join(blobs->root, from);
    SC_AUTO_FREE char *target = sc_path_join(blobs->root, place);
    SC_AUTO_FREE char *beside = sc_asprintf("%s/%s/.tmp-%s", blobs->root, folder, unique);
    code = sc_blob_make_folder(blobs, folder, err);
    if (code != SC_OK)
        return code;
    if (SC_FAULT("blob.other_disk") || link(source, beside) != 0) {
        if (!sc_blobs_exists(blobs, from))
            return sc_error_set(err, SC_E_FILE_NOT_FOUND, "the audio '%.150s' is gone", from);
        return copy_file(blobs, from, target, folder, err); /* no file system for second names */
    }
    code = sc_file_rename_durable(beside, target, err);
    (void)unlink(beside);
    return code;
}

enum sc_code sc_blobs_remove(struct sc_blobs *blobs, const char *place, struct sc_error *err)
{
    enum sc_code code = sc_blob_check_place(place, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *path = sc_path_join(blobs->root, place);
    if (SC_FAULT("blob.remove"))
        return sc_error_errno(err, EIO, "cannot remove the audio '%.150s'", place);
    if (unlink(path) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? SC_OK
                   : sc_error_errno(err, errno, "cannot remove the audio '%.150s'", place);
    SC_AUTO_FREE char *folder = sc_blob_folder_of(place);
    SC_AUTO_FREE char *dir = sc_path_join(blobs->root, folder);
    return sc_dir_sync(dir, err);
}

/* ---- the walk ---- */

struct walk {
    struct sc_blobs *blobs;
    sc_blob_fn fn;
    void *ctx;
};

/* False: the caller of the walk has enough. */
static bool visit(struct walk *w, const char *folder, int depth)
{
    SC_AUTO_FREE char *dir = sc_path_join(w->blobs->root, folder);
    SC_AUTO_DIR *d = opendir(dir);
    const struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        SC_AUTO_FREE char *place = sc_path_join(folder, entry->d_name);
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            if (!visit(w, place, depth + 1))
                return false;
            continue;
        }
        struct sc_blob_entry found = {
            .place = place,
            .name = entry->d_name,
            .size = (int64_t)st.st_size,
            .changed_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
            .exported = sc_str_starts(sc_str_from(place), SC_STR(SC_ARCHIVED_EXPORTS "/")),
        };
        if (S_ISREG(st.st_mode) && !w->fn(w->ctx, &found))
            return false;
    }
    return true;
}

void sc_blobs_each(struct sc_blobs *blobs, sc_blob_fn fn, void *ctx)
{
    struct walk w = { blobs, fn, ctx };
    if (visit(&w, SC_BLOB_UPLOADS, 0))
        (void)visit(&w, SC_BLOB_ARCHIVE, 0);
}
