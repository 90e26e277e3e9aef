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
#define LASTING "serve pid="

static const char *const folders[] = {
    "run", "temp", "logs", "work", "audio", "incoming", "transcripts", "backups",
};

void sc_folder_init(struct sc_folder *folder, const char *data_dir)
{
    *folder = (struct sc_folder){
        .root = sc_strdup(data_dir),
        .run = sc_path_join(data_dir, "run"),
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
    free(folder->run);
    free(folder->temp);
    free(folder->log);
    free(folder->store);
    *folder = (struct sc_folder){ 0 };
}

/* The number behind `prefix`, with which the line must begin; 0: there is none. */
static int pid_behind(const char *holder, const char *prefix)
{
    struct sc_str rest = sc_str_from(holder);
    int64_t pid;
    if (!sc_str_starts(rest, sc_str_from(prefix)))
        return 0;
    rest.ptr += strlen(prefix);
    rest.len -= strlen(prefix);
    if (!sc_str_to_int64(sc_str_take_until(&rest, ' '), &pid) || pid <= 1 || pid > INT32_MAX)
        return 0;
    return (int)pid;
}

int sc_folder_ephemeral_pid(const char *holder)
{
    return pid_behind(holder, EPHEMERAL);
}

/* A process that was just being started when its server was killed shares the lock until it has
 * become the program that it was started for. */
static bool is_dead(const char *holder)
{
    int pid = pid_behind(holder, LASTING);
    pid = pid == 0 ? pid_behind(holder, EPHEMERAL) : pid;
    return pid != 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

/* One try. *asked: the ephemeral holder that has had its SIGTERM already; *dead: the holder has
 * ended. */
static enum sc_code try_lock(const struct sc_folder *folder, bool ephemeral, int *asked, bool *dead,
                             struct sc_lockfile **out, struct sc_error *err)
{
    char now[SC_TIME_TEXT];
    char holder[HOLDER_SIZE];
    SC_AUTO_FREE char *line = sc_asprintf("%s%d since=%s", ephemeral ? EPHEMERAL : LASTING,
                                          (int)getpid(), sc_time_rfc3339(sc_clock_wall_ms(), now));
    enum sc_code code = sc_lockfile_take(folder->lock, line, out, err);
    if (code != SC_E_STORE_LOCKED)
        return code;
    sc_lockfile_holder(folder->lock, holder, sizeof(holder));
    if (pid_behind(holder, LASTING) != 0)
        (void)sc_error_set(err, SC_E_STORE_LOCKED,
                           "process %d serves '%.80s' already: `scripta serve --stop` with the "
                           "same --data ends it, another --data DIR serves another folder",
                           pid_behind(holder, LASTING), folder->root);
    *dead = is_dead(holder);
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
    /* What is acknowledged later is worth nothing in a folder that a power cut takes away. */
    enum sc_code code = sc_data_dir_make(folder->root, "run", err);
    int64_t deadline = sc_clock_mono_ms() + HANDOVER_MS;
    int asked = 0;
    bool dead = false;
    if (code != SC_OK)
        return code;
    for (;;) {
        code = try_lock(folder, ephemeral, &asked, &dead, out, err);
        if (code != SC_E_STORE_LOCKED || (asked == 0 && !dead) || sc_clock_mono_ms() >= deadline)
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
