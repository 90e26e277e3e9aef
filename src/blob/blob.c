#include "blob/blob-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/banned.h"

#define EXTENSION_MAX 16

char *sc_blob_folder_of(const char *place)
{
    const char *slash = strrchr(place, '/');
    return slash == NULL ? sc_strdup("") : sc_strndup(place, (size_t)(slash - place));
}

bool sc_blob_name_hash(const char *name, char out[SC_SHA256_TEXT])
{
    size_t n = strspn(name, "0123456789abcdef");
    if (n != SC_SHA256_TEXT - 1 || name[n] != '.')
        return false;
    (void)snprintf(out, SC_SHA256_TEXT, "%s", name);
    return true;
}

/* A place comes from a row: nothing in it may lead out of the root. */
enum sc_code sc_blob_check_place(const char *place, struct sc_error *err)
{
    struct sc_str rest = sc_str_from(place);
    bool good = rest.len > 0;
    while (good && rest.len > 0) {
        bool last = memchr(rest.ptr, '/', rest.len) == NULL;
        struct sc_str part = sc_str_take_until(&rest, '/');
        good = part.len > 0 && !sc_str_equal(part, SC_STR(".")) &&
               !sc_str_equal(part, SC_STR("..")) && (last || rest.len > 0);
    }
    if (!good)
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%.100s' is no place of a blob", place);
    return SC_OK;
}

/* Syncs every folder from the one given up to the root, so that each one's entry in the one above
 * is on the disk. */
static enum sc_code sync_upwards(const struct sc_blobs *blobs, const char *folder,
                                 struct sc_error *err)
{
    SC_AUTO_FREE char *part = sc_strdup(folder);
    for (;;) {
        SC_AUTO_FREE char *path = sc_path_join(blobs->root, part);
        enum sc_code code = sc_dir_sync(part[0] == '\0' ? blobs->root : path, err);
        if (code != SC_OK || part[0] == '\0')
            return code;
        char *slash = strrchr(part, '/');
        *(slash == NULL ? part : slash) = '\0';
    }
}

/* The folder is there and will be after a power cut. The lock is held while it is made, since
 * another thread must not take the new folder for a durable one. */
enum sc_code sc_blob_make_folder(struct sc_blobs *blobs, const char *folder, struct sc_error *err)
{
    SC_LOCK(&blobs->lock);
    if (blobs->durable_folder != NULL && strcmp(blobs->durable_folder, folder) == 0)
        return SC_OK;
    SC_AUTO_FREE char *path = sc_path_join(blobs->root, folder);
    enum sc_code code = sc_dir_create(path, err);
    if (code == SC_OK)
        code = sync_upwards(blobs, folder, err);
    if (code != SC_OK)
        return code;
    free(blobs->durable_folder);
    blobs->durable_folder = sc_strdup(folder);
    return SC_OK;
}

enum sc_code sc_blobs_open(const char *root, struct sc_blobs **out, struct sc_error *err)
{
    struct sc_blobs *blobs = sc_alloc(sizeof(*blobs));
    sc_assert(pthread_mutex_init(&blobs->lock, NULL) == 0);
    sc_cond_init(&blobs->released);
    blobs->root = sc_strdup(root);
    enum sc_code code = sc_blob_make_folder(blobs, SC_BLOB_UPLOADS, err);
    if (code != SC_OK) {
        sc_blobs_close(blobs);
        return code;
    }
    *out = blobs;
    return SC_OK;
}

void sc_blobs_close(struct sc_blobs *blobs)
{
    if (blobs == NULL)
        return;
    (void)pthread_cond_destroy(&blobs->released);
    (void)pthread_mutex_destroy(&blobs->lock);
    free(blobs->holds);
    free(blobs->durable_folder);
    free(blobs->root);
    free(blobs);
}

/* Small letters and digits of an extension, without its dot; "bin" when nothing is left. */
static void clean_extension(const char *extension, char out[EXTENSION_MAX + 1])
{
    size_t len = 0;
    for (const char *p = extension == NULL ? "" : extension; *p != '\0' && len < EXTENSION_MAX;
         p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[len++] = c;
    }
    out[len] = '\0';
    if (len == 0)
        (void)snprintf(out, EXTENSION_MAX + 1, "bin");
}

char *sc_blobs_place(const char *sha256, const char *extension, int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm = { 0 };
    sc_assert(gmtime_r(&seconds, &tm) != NULL);
    char clean[EXTENSION_MAX + 1];
    clean_extension(extension, clean);
    return sc_asprintf(SC_BLOB_UPLOADS "/%04d/%02d/%s.%s", tm.tm_year + 1900, tm.tm_mon + 1, sha256,
                       clean);
}

enum sc_code sc_blobs_put(struct sc_blobs *blobs, const char *temp_path, int fd, const char *place,
                          struct sc_error *err)
{
    enum sc_code code = sc_blob_check_place(place, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *folder = sc_blob_folder_of(place);
    SC_AUTO_FREE char *path = sc_path_join(blobs->root, place);
    code = sc_blob_make_folder(blobs, folder, err);
    if (code == SC_OK)
        code = sc_file_sync(fd, err);
    if (code != SC_OK)
        return code;
    code = sc_file_rename_durable(temp_path, path, err);
    /* When only the sync of the folder failed, the file has moved. It gets its old name beside the
     * new one, which may have been another row's bytes already and so must stay. */
    if (code != SC_OK && access(temp_path, F_OK) != 0) {
        int linked SC_UNUSED = link(path, temp_path); /* the first error is the one to tell */
    }
    return code;
}

enum sc_code sc_blobs_get(struct sc_blobs *blobs, const char *place, int *fd, struct sc_error *err)
{
    enum sc_code code = sc_blob_check_place(place, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *path = sc_path_join(blobs->root, place);
    /* O_NONBLOCK: a FIFO put there must not hold us up. It does nothing to a file. */
    SC_AUTO_CLOSE int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (opened < 0 && (errno == ENOENT || errno == ENOTDIR))
        return sc_error_set(err, SC_E_FILE_NOT_FOUND, "the audio '%.150s' is gone", place);
    if (opened < 0)
        return sc_error_errno(err, errno, "cannot open the audio '%.150s'", place);
    struct stat st;
    if (fstat(opened, &st) != 0 || !S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_IO_ERROR, "the audio '%.150s' is no file", place);
    *fd = SC_TAKE_FD(opened);
    return SC_OK;
}

bool sc_blobs_exists(struct sc_blobs *blobs, const char *place)
{
    if (sc_blob_check_place(place, NULL) != SC_OK)
        return false;
    SC_AUTO_FREE char *path = sc_path_join(blobs->root, place);
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}
