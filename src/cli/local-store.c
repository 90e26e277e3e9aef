#include "cli/local-store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/file.h"
#include "sys/lockfile.h"

#include <unistd.h>

#include "base/banned.h"

#define LOCK_MS 3000

/* The lock goes last: until then nobody else may open the store. */
void sc_local_store_done(struct sc_local_store *o)
{
    sc_store_close(o->store);
    sc_lockfile_drop(o->lock);
}

/* A server that is just ending still holds the folder; it is given time to. */
static enum sc_code take_lock(const char *path, struct sc_lockfile **out, struct sc_error *err)
{
    SC_AUTO_FREE char *holder = sc_asprintf("db pid=%ld", (long)getpid());
    int64_t deadline = sc_clock_mono_ms() + LOCK_MS;

    for (;;) {
        enum sc_code code = sc_lockfile_take(path, holder, out, err);
        if (code != SC_E_STORE_LOCKED || sc_clock_mono_ms() >= deadline)
            return code;
        sc_clock_sleep_ms(50);
    }
}

enum sc_code sc_local_store_open(const struct sc_cli *cli, bool create, struct sc_local_store *out,
                                 struct sc_error *err)
{
    SC_AUTO_FREE char *run = sc_path_join(cli->config->data_dir, "run");
    SC_AUTO_FREE char *lock = sc_path_join(run, "lock");
    SC_AUTO_FREE char *path = sc_path_join(cli->config->data_dir, "scripta.db");
    struct sc_store_options options = {
        .path = path,
        .readers = 1,
        .busy_timeout_ms = cli->config->store_busy_timeout,
        .open_attempts = (int)cli->config->store_open_attempts,
        .create = create,
    };

    if (!create && sc_file_size(path) < 0)
        return sc_error_set(err, SC_E_STORE_NOT_INITIALISED, "'%s' holds no store",
                            cli->config->data_dir);
    enum sc_code code = sc_data_dir_make(cli->config->data_dir, "run", err);
    if (code == SC_OK)
        code = take_lock(lock, &out->lock, err);
    if (code == SC_OK)
        code = sc_store_open(&options, &out->store, err);
    return code;
}

bool sc_cli_server_owns_store(const struct sc_cli *cli)
{
    return !sc_cli_server_is_local(cli) || sc_cli_server_runs(cli);
}
