/* scripta serve: in the foreground, in the background, and its end. */
#include "base/alloc.h"
#include "cli/command.h"
#include "cli/format.h"
#include "daemon/daemon.h"
#include "sys/file.h"
#include "sys/lockfile.h"
#include "sys/process.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "base/banned.h"

#define STOP_MS 15000 /* a server is through within 5 s, unless the machine is very busy */
#define FLAGS_MAX 8

/* ---- in the background ---- */

/* The line of run/listen: where TCP is served. Empty: nowhere. */
static void read_address(const struct sc_cli *cli, struct sc_buf *out)
{
    SC_AUTO_FREE char *path = sc_path_join(cli->config->data_dir, "run/listen");
    SC_AUTO_BUF line = { 0 };
    if (sc_file_read(path, 256, &line, NULL) == SC_OK)
        sc_buf_put_str(out, sc_str_trim(sc_buf_str(&line)));
}

static int say_started(const struct sc_cli *cli, int pid)
{
    SC_AUTO_BUF address = { 0 };
    SC_AUTO_BUF out = { 0 };
    const char *folder = cli->config->data_dir;

    read_address(cli, &address);
    if (cli->json) {
        struct sc_json w;
        sc_json_begin(&w, &out);
        sc_json_object(&w, NULL);
        sc_json_int(&w, "pid", pid);
        sc_json_text(&w, "data_dir", folder);
        sc_json_text(&w, "listen", address.len > 0 ? sc_buf_text(&address) : NULL);
        sc_json_end(&w);
        sc_buf_putc(&out, '\n');
    } else if (address.len > 0) {
        sc_buf_printf(&out, "process %d serves %s://%s\n", pid,
                      cli->config->tls_cert[0] == '\0' ? "http" : "https", sc_buf_text(&address));
    } else {
        sc_buf_printf(&out, "process %d serves %s\n", pid, folder);
    }
    int status = sc_cli_done(cli, &out);
    if (cli->json)
        return status;
    SC_AUTO_BUF option = { 0 };
    if (cli->data_given) {
        sc_buf_puts(&option, " --data ");
        sc_format_word(&option, folder);
    }
    sc_cli_note(cli, "its log is %s/logs/scripta.log; `scripta%s serve --stop` ends it", folder,
                sc_buf_text(&option));
    return status;
}

static int serve_behind(const struct sc_cli *cli, const struct sc_args *args)
{
    static const char *const passed[][2] = { { "listen", "--listen" }, { "workers", "--workers" } };
    const char *flags[FLAGS_MAX] = { NULL };
    size_t count = 0;
    struct sc_error err = { 0 };
    int pid;

    for (size_t i = 0; i < SC_ARRAY_LEN(passed); i++) {
        if (!sc_args_has(args, passed[i][0]))
            continue;
        flags[count++] = passed[i][1];
        flags[count++] = sc_args_get(args, passed[i][0], "");
    }
    if (cli->verbose > 0)
        flags[count++] = "--verbose";
    sc_cli_catch_signals();
    enum sc_code code = sc_cli_start_server(cli, flags, "background.log", &pid, &err);
    return code == SC_OK ? say_started(cli, pid) : sc_cli_fail(cli, &err);
}

/* ---- its end ---- */

/* The server that holds the data folder, 0: none. STORE_LOCKED: something else does, which is not
 * ours to end. */
static enum sc_code find_server(const char *lock_path, int *out, struct sc_error *err)
{
    char line[256];
    int64_t pid = 0;
    sc_lockfile_holder(lock_path, line, sizeof(line));
    const char *at = strstr(line, "pid=");
    struct sc_str digits = { at, 0 };
    if (at != NULL)
        digits = (struct sc_str){ at + 4, strspn(at + 4, "0123456789") };
    *out = 0;
    if (line[0] == '\0')
        return SC_OK;
    if (strncmp(line, "serve ", 6) != 0 || !sc_str_to_int64(digits, &pid) || pid <= 1 ||
        pid > INT32_MAX)
        return sc_error_set(err, SC_E_STORE_LOCKED,
                            "no server, but another command works on the data folder: %.100s; it "
                            "was left alone",
                            line);
    *out = (int)pid;
    return SC_OK;
}

static enum sc_code stop_server(int pid, struct sc_error *err)
{
    SC_AUTO_CLOSE int process = sc_process_open(pid);
    struct pollfd ended = { .fd = process, .events = POLLIN };
    if (process < 0)
        return SC_OK; /* it has gone meanwhile */
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
        return sc_error_errno(err, errno, "cannot stop process %d", pid);
    if (poll(&ended, 1, STOP_MS) != 1)
        return sc_error_set(err, SC_E_TIMEOUT,
                            "process %d has not ended within %d s; logs/scripta.log says why", pid,
                            STOP_MS / 1000);
    return SC_OK;
}

static void put_stopped(bool stopped, struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_bool(&w, "stopped", stopped);
    sc_json_end(&w);
    sc_buf_puts(out, "\n");
}

static int serve_stop(const struct sc_cli *cli)
{
    const char *folder = cli->config->data_dir;
    SC_AUTO_FREE char *lock_path = sc_path_join(folder, "run/lock");
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    int pid;

    enum sc_code code = find_server(lock_path, &pid, &err);
    if (code == SC_OK && pid != 0)
        code = stop_server(pid, &err);
    if (code != SC_OK)
        return sc_cli_fail(cli, &err);
    if (cli->json)
        put_stopped(pid != 0, &out);
    else if (pid == 0)
        sc_cli_note(cli, "no server runs on %s", folder);
    else if (!cli->quiet)
        sc_buf_printf(&out, "process %d has stopped; what it was at goes on at the next start\n",
                      pid);
    return sc_cli_done(cli, &out);
}

/* Each thing that is wrong is in the first error, or `scripta config check` tells it. */
static enum sc_code reload(void *ctx, struct sc_config **out, struct sc_error *err)
{
    const struct sc_cli *cli = ctx;
    struct sc_config_sources sources = *cli->sources;
    sources.complain = NULL;
    return sc_config_load(&sources, out, err);
}

int sc_cmd_serve(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_serve_options options = { .ephemeral = sc_args_has(args, "ephemeral"),
                                        .reload = reload,
                                        .reload_ctx = cli,
                                        .ready_fd = -1 };
    struct sc_error err = { 0 };
    int64_t fd = -1;

    if (sc_args_has(args, "stop"))
        return serve_stop(cli);
    if (sc_args_has(args, "background"))
        return serve_behind(cli, args);
    if (sc_args_int(args, "ready-fd", 3, 1023, &fd, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (fd >= 0 && fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0) {
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, "ready-fd",
                             "--ready-fd names no open descriptor");
        return sc_cli_fail(cli, &err);
    }
    options.ready_fd = (int)fd;
    return cli->server->serve(cli->config, &options);
}
