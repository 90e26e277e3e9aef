#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/banned.h"

#define HANDOVER_MS 5000
#define RETRY_MS 20
#define HOLDER_SIZE 160
#define EPHEMERAL "serve --ephemeral pid="

static const char *const folders[] = {
    "run", "temp", "logs", "work", "audio", "transcripts", "backups",
};

void sc_folder_init(struct sc_folder *folder, const char *data_dir)
{
    *folder = (struct sc_folder){
        .root = sc_strdup(data_dir),
        .lock = sc_path_join(data_dir, "run/lock"),
        .socket = sc_path_join(data_dir, "run/scripta.sock"),
        .listen = sc_path_join(data_dir, "run/listen"),
        .temp = sc_path_join(data_dir, "temp"),
        .log = sc_path_join(data_dir, "logs/scripta.log"),
        .store = sc_path_join(data_dir, "scripta.db"),
    };
}

void sc_folder_done(struct sc_folder *folder)
{
    free(folder->root);
    free(folder->lock);
    free(folder->socket);
    free(folder->listen);
    free(folder->temp);
    free(folder->log);
    free(folder->store);
    *folder = (struct sc_folder){ 0 };
}

int sc_folder_ephemeral_pid(const char *holder)
{
    struct sc_str rest = sc_str_from(holder);
    int64_t pid;
    if (!sc_str_starts(rest, SC_STR(EPHEMERAL)))
        return 0;
    rest.ptr += strlen(EPHEMERAL);
    rest.len -= strlen(EPHEMERAL);
    if (!sc_str_to_int64(sc_str_take_until(&rest, ' '), &pid) || pid <= 1 || pid > INT32_MAX)
        return 0;
    return (int)pid;
}

/* One try. *asked: the ephemeral holder that has had its SIGTERM already. */
static enum sc_code try_lock(const struct sc_folder *folder, bool ephemeral, int *asked,
                             struct sc_lockfile **out, struct sc_error *err)
{
    char now[SC_TIME_TEXT];
    char holder[HOLDER_SIZE];
    SC_AUTO_FREE char *line =
        sc_asprintf("%s%d since=%s", ephemeral ? EPHEMERAL : "serve pid=", (int)getpid(),
                    sc_time_rfc3339(sc_clock_wall_ms(), now));
    enum sc_code code = sc_lockfile_take(folder->lock, line, out, err);
    if (code != SC_E_STORE_LOCKED)
        return code;
    sc_lockfile_holder(folder->lock, holder, sizeof(holder));
    int pid = sc_folder_ephemeral_pid(holder);
    if (pid != 0 && pid != *asked && !ephemeral) {
        *asked = pid;
        (void)kill(pid, SIGTERM); /* it may have ended meanwhile: the lock tells */
    }
    return code;
}

enum sc_code sc_folder_lock(const struct sc_folder *folder, bool ephemeral,
                            struct sc_lockfile **out, struct sc_error *err)
{
    SC_AUTO_FREE char *run = sc_path_join(folder->root, "run");
    /* What is acknowledged later is worth nothing in a folder that a power cut takes away. */
    enum sc_code code = sc_dir_create_durable(folder->root, err);
    int64_t deadline = sc_clock_mono_ms() + HANDOVER_MS;
    int asked = 0;
    if (code == SC_OK)
        code = sc_dir_create(run, err);
    if (code != SC_OK)
        return code;
    for (;;) {
        code = try_lock(folder, ephemeral, &asked, out, err);
        if (code != SC_E_STORE_LOCKED || asked == 0 || sc_clock_mono_ms() >= deadline)
            return code;
        sc_clock_sleep_ms(RETRY_MS);
    }
}

enum sc_code sc_folder_prepare(const struct sc_folder *folder, struct sc_error *err)
{
    /* Whatever a killed server left there belongs to nobody. */
    enum sc_code code = sc_dir_remove(folder->temp, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(folders); i++) {
        SC_AUTO_FREE char *path = sc_path_join(folder->root, folders[i]);
        code = sc_dir_create(path, err);
    }
    if (code == SC_OK)
        code = sc_dir_sync(folder->root, err);
    if (code == SC_OK && unlink(folder->listen) != 0 && errno != ENOENT)
        return sc_error_errno(err, errno, "cannot remove '%s'", folder->listen);
    return code;
}
