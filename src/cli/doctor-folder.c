/* The data folder: whose it is, what disk it lies on, who holds it, the store in it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/doctor.h"
#include "cli/format.h"
#include "store/admin.h"
#include "sys/file.h"
#include "sys/lockfile.h"
#include "sys/socket.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/banned.h"

#define FREE_WANTED ((int64_t)1 << 30)
#define CHECK_MAX ((int64_t)512 << 20) /* a larger store is checked by hand: it takes a while */
#define DAY_MS INT64_C(86400000)

enum disk { DISK_LOCAL, DISK_NETWORK, DISK_MEMORY };

/* Names of statfs(2) that matter here; those missing are taken for local disks. */
static const struct {
    unsigned long type;
    const char *name;
    enum disk disk;
} disks[] = {
    { 0xef53, "ext", DISK_LOCAL },        { 0x58465342, "XFS", DISK_LOCAL },
    { 0x9123683e, "Btrfs", DISK_LOCAL },  { 0xf2f52010, "F2FS", DISK_LOCAL },
    { 0x2fc12fc1, "ZFS", DISK_LOCAL },    { 0x794c7630, "overlay", DISK_LOCAL },
    { 0x6969, "NFS", DISK_NETWORK },      { 0xff534d42, "CIFS", DISK_NETWORK },
    { 0xfe534d42, "SMB", DISK_NETWORK },  { 0x01021997, "9p", DISK_NETWORK },
    { 0x65735546, "FUSE", DISK_NETWORK }, { 0x00c36400, "Ceph", DISK_NETWORK },
    { 0x47504653, "GPFS", DISK_NETWORK }, { 0x0bd00bd0, "Lustre", DISK_NETWORK },
    { 0x01021994, "tmpfs", DISK_MEMORY }, { 0x858458f6, "ramfs", DISK_MEMORY },
};

static void check_disk(struct sc_doctor *d, const char *path)
{
    struct statfs fs;
    if (statfs(path, &fs) != 0)
        return;
    for (size_t i = 0; i < SC_ARRAY_LEN(disks); i++) {
        if (disks[i].type != ((unsigned long)fs.f_type & 0xffffffff))
            continue;
        if (disks[i].disk == DISK_NETWORK)
            sc_doctor_say(
                d, SC_MARK_WARNING, "disk",
                "put the data folder on a local disk: SQLite needs locks and shared memory",
                "%s lies on %s, which is no local file system", path, disks[i].name);
        else if (disks[i].disk == DISK_MEMORY)
            sc_doctor_say(d, SC_MARK_WARNING, "disk", "put the data folder on a disk",
                          "%s lies in memory (%s): all is lost when the machine stops", path,
                          disks[i].name);
        else
            sc_doctor_say(d, SC_MARK_OK, "disk", NULL, "%s", disks[i].name);
        return;
    }
    sc_doctor_say(d, SC_MARK_OK, "disk", NULL, "file system type %lx", (unsigned long)fs.f_type);
}

static void check_space(struct sc_doctor *d, const char *path)
{
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO_BUF reserve = { 0 };
    int64_t bytes = sc_disk_free(path);
    int64_t wanted = d->cli->config->upload_reserve;
    sc_format_size(&shown, bytes);
    sc_format_size(&reserve, wanted);
    if (bytes >= 0 && bytes < wanted)
        sc_doctor_say(d, SC_MARK_PROBLEM, "space", "make room, or lower upload.reserve",
                      "%s free, less than upload.reserve (%s): uploads are refused",
                      sc_buf_text(&shown), sc_buf_text(&reserve));
    else if (bytes >= 0 && bytes < FREE_WANTED)
        sc_doctor_say(d, SC_MARK_WARNING, "space", "make room", "only %s free",
                      sc_buf_text(&shown));
    else
        sc_doctor_say(d, SC_MARK_OK, "space", NULL, "%s free", sc_buf_text(&shown));
}

/* False: there is no use in looking further. */
static bool check_owner(struct sc_doctor *d, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 && errno == ENOENT) {
        sc_doctor_say(d, SC_MARK_NOTE, "data folder",
                      "the first `scripta transcribe`, `add` or `serve` makes it",
                      "%s is not there yet", path);
        return false;
    }
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "data folder", "name another one with --data",
                      "%s is no folder that can be entered", path);
        return false;
    }
    if (access(path, R_OK | W_OK | X_OK) != 0) {
        SC_AUTO_FREE char *fix =
            sc_asprintf("run as the user with the number %u, or change the owner", st.st_uid);
        sc_doctor_say(d, SC_MARK_PROBLEM, "data folder", fix, "%s: %s", path, strerror(errno));
        return false;
    }
    if (st.st_uid != geteuid())
        sc_doctor_say(d, SC_MARK_WARNING, "data folder",
                      "let one user own it and run every command",
                      "%s belongs to user %u, you are %u", path, st.st_uid, geteuid());
    else if ((st.st_mode & 077) != 0) {
        SC_AUTO_FREE char *fix = sc_asprintf("chmod 700 %s", path);
        sc_doctor_say(d, SC_MARK_WARNING, "data folder", fix,
                      "%s: others may look into it (mode %03o)", path, (unsigned)st.st_mode & 0777);
    } else
        sc_doctor_say(d, SC_MARK_OK, "data folder", NULL, "%s", path);
    return true;
}

void sc_doctor_folder(struct sc_doctor *d)
{
    const char *path = d->cli->config->data_dir;
    if (!check_owner(d, path))
        return;
    check_disk(d, path);
    check_space(d, path);
}

/* The store was written in the future, or the machine believes in another decade. */
void sc_doctor_clock(struct sc_doctor *d)
{
    SC_AUTO_FREE char *path = sc_path_join(d->cli->config->data_dir, "scripta.db");
    char now_text[SC_TIME_TEXT];
    int64_t now = sc_clock_wall_ms();
    struct stat st = { 0 };
    bool there = stat(path, &st) == 0;
    int64_t written = (int64_t)st.st_mtime * 1000;
    (void)sc_time_rfc3339(now, now_text);
    if (there && written > now + 60000)
        sc_doctor_say(d, SC_MARK_WARNING, "clock", "set the clock; NTP keeps it",
                      "it is %s, but the store was written %lld minutes later", now_text,
                      (long long)((written - now) / 60000));
    else if (now < 54 * 365 * DAY_MS)
        sc_doctor_say(d, SC_MARK_WARNING, "clock", "set the clock; NTP keeps it", "it is %s?",
                      now_text);
    else
        sc_doctor_say(d, SC_MARK_OK, "clock", NULL, "%s", now_text);
}

/* ---- the store, with nobody serving it ---- */

static void peek(struct sc_doctor *d, const char *path)
{
    struct sc_store_peek found = { 0 };
    struct sc_error err = { 0 };
    SC_AUTO_BUF size = { 0 };
    bool small = sc_file_size(path) <= CHECK_MAX;
    if (sc_store_peek(path, small, &found, &err) != SC_OK) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "store",
                      err.code == SC_E_STORE_DAMAGED
                          ? "put the newest copy of backups/, or a backup of yours, in its place; "
                            "without one, move it away: the next start makes a new store"
                          : NULL,
                      "%s", err.msg);
        return;
    }
    sc_format_size(&size, sc_file_size(path));
    int known = sc_store_schema_version();
    if (found.schema_version > known)
        sc_doctor_say(d, SC_MARK_PROBLEM, "store",
                      "install the Scripta that wrote it, or a newer one",
                      "its schema is %d, this program knows %d", found.schema_version, known);
    else if (found.schema_version < known)
        sc_doctor_say(d, SC_MARK_NOTE, "store",
                      "the next start brings it up to date, after a copy into backups/",
                      "schema %d of %d, %s", found.schema_version, known, sc_buf_text(&size));
    else
        sc_doctor_say(d, SC_MARK_OK, "store", NULL, "schema %d, %s, %s", found.schema_version,
                      sc_buf_text(&size),
                      small ? "no damage found" : "not checked: `scripta db check` does");
}

void sc_doctor_store(struct sc_doctor *d)
{
    const char *root = d->cli->config->data_dir;
    SC_AUTO_FREE char *path = sc_path_join(root, "scripta.db");
    SC_AUTO_FREE char *lock_path = sc_path_join(root, "run/lock");
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    struct sc_error err = { 0 };

    if (d->server || !sc_cli_server_is_local(d->cli)) /* it looks after its store itself */
        return;
    if (sc_file_size(path) < 0) {
        sc_doctor_say(d, SC_MARK_NOTE, "store", "the first command that needs it makes it",
                      "there is none yet");
        return;
    }
    if (access(lock_path, F_OK) != 0) { /* nobody can hold it */
        peek(d, path);
        return;
    }
    if (sc_lockfile_take(lock_path, "doctor", &lock, &err) == SC_E_STORE_LOCKED) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "server",
                      "wait a little; if it stays so, end that process",
                      "somebody holds the folder, but no server answers: %s", err.msg);
        return;
    }
    if (lock == NULL) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "store", NULL, "%s", err.msg);
        return;
    }
    peek(d, path);
}

/* Could a server listen where the settings say? */
void sc_doctor_address(struct sc_doctor *d)
{
    const char *listen = d->cli->config->listen;
    SC_AUTO_CLOSE int fd = -1;
    int port = 0;
    bool loopback = true;
    struct sc_error err = { 0 };

    if (listen[0] == '\0' || d->server)
        return;
    if (sc_socket_listen_tcp(listen, &fd, &port, &loopback, &err) != SC_OK)
        sc_doctor_say(d, SC_MARK_PROBLEM, "address",
                      "choose another one with listen, or end what uses it", "%s", err.msg);
    else if (!loopback)
        sc_doctor_say(d, SC_MARK_WARNING, "address", "put a proxy with TLS before it",
                      "%s can be reached from other machines, and tokens pass in the clear",
                      listen);
    else
        sc_doctor_say(d, SC_MARK_OK, "address", NULL, "%s is free", listen);
}
