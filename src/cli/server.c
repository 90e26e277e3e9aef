/* Which server a command talks to, and starting one of our own.
 *
 * A server on a Unix socket of the data folder is ours to start. Two commands may start one at the
 * same moment: the lock on the folder decides, the loser's child says STORE_LOCKED through its
 * readiness pipe, and the loser connects to the winner. */
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/session.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/banned.h"

#define SYSTEM_SOCKET "/run/scripta/scripta.sock"
#define START_MS 60000
#define RACE_MS 5000
#define RETRY_MS 250
#define READY_FD 3
#define CALL_ATTEMPTS 5
#define ARGV_MAX 96 /* every flag twice, and ours */
#define LOG_MAX (1 << 20)

static volatile sig_atomic_t interrupts;

static void on_signal(int number)
{
    if (interrupts > 0)
        _exit(128 + number);
    interrupts = 1;
}

void sc_cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    (void)sigemptyset(&action.sa_mask);
    sc_assert(sigaction(SIGINT, &action, NULL) == 0);
    sc_assert(sigaction(SIGTERM, &action, NULL) == 0);
}

bool sc_cli_interrupted(void)
{
    return interrupts > 0;
}

static bool socket_answers(const char *path)
{
    SC_AUTO_CLOSE int fd = -1;
    return sc_socket_connect_unix(path, &fd, NULL) == SC_OK;
}

static char *own_socket(const struct sc_cli *cli)
{
    return sc_path_join(cli->config->data_dir, "run/scripta.sock");
}

bool sc_cli_server_runs(const struct sc_cli *cli)
{
    SC_AUTO_FREE char *path = own_socket(cli);
    return socket_answers(path);
}

/* The address, and whether we may start a server there. */
static char *choose_server(const struct sc_cli *cli, bool *ours)
{
    *ours = false;
    if (cli->config->server[0] != '\0')
        return sc_strdup(cli->config->server);
    if (!cli->data_given && socket_answers(SYSTEM_SOCKET))
        return sc_strdup("unix:" SYSTEM_SOCKET);
    *ours = true;
    SC_AUTO_FREE char *path = own_socket(cli);
    return sc_asprintf("unix:%s", path);
}

bool sc_cli_server_is_local(const struct sc_cli *cli)
{
    bool ours;
    free(choose_server(cli, &ours));
    return ours;
}

/* What the child said through its pipe: "ready", or an error as one line of JSON. */
static enum sc_code understand(struct sc_str line, const char *log, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code;

    line = sc_str_trim(line);
    if (sc_str_equal(line, SC_STR("ready")))
        return SC_OK;
    if (line.len == 0 || sc_json_parse(line, &doc, NULL) != SC_OK)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                            "the server ended while it was starting; see %s", log);
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *inner = sc_json_member(root, "error");
    if (inner != NULL)
        root = inner;
    const char *name = sc_json_get_text(sc_json_member(root, "code"), "");
    if (!sc_code_parse(name, &code) || code == SC_OK)
        code = SC_E_INTERNAL;
    return sc_error_set(err, code, "%s",
                        sc_json_get_text(sc_json_member(root, "message"), sc_code_text(code)));
}

static enum sc_code read_ready(int fd, const char *log, struct sc_error *err)
{
    SC_AUTO_BUF line = { .limit = 4096 };
    int64_t deadline = sc_clock_mono_ms() + START_MS;

    while (memchr(sc_buf_text(&line), '\n', line.len) == NULL) {
        char bytes[512];
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = deadline - sc_clock_mono_ms();
        if (sc_cli_interrupted())
            return sc_error_set(err, SC_E_CANCELLED, "interrupted");
        if (left <= 0)
            return sc_error_set(err, SC_E_TIMEOUT, "the server did not start within %d s; see %s",
                                START_MS / 1000, log);
        if (poll(&p, 1, (int)SC_MIN(left, 1000)) <= 0)
            continue;
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        sc_buf_append(&line, bytes, (size_t)n);
    }
    return understand(sc_buf_str(&line), log, err);
}

static enum sc_code open_log(const struct sc_cli *cli, const char *name, char **path, int *fd,
                             struct sc_error *err)
{
    SC_AUTO_FREE char *folder = sc_path_join(cli->config->data_dir, "logs");
    enum sc_code code = sc_data_dir_make(cli->config->data_dir, "logs", err);

    if (code != SC_OK)
        return code;
    *path = sc_path_join(folder, name);
    int fresh = sc_file_size(*path) > LOG_MAX ? O_TRUNC : 0;
    *fd = open(*path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | fresh, 0600);
    if (*fd < 0)
        return sc_error_errno(err, errno, "cannot open '%s'", *path);
    return SC_OK;
}

enum sc_code sc_cli_start_server(const struct sc_cli *cli, const char *const *flags,
                                 const char *log_name, int *out_pid, struct sc_error *err)
{
    SC_AUTO_FREE char *log = NULL;
    SC_AUTO_CLOSE int log_fd = -1;
    SC_AUTO_CLOSE int read_end = -1;
    SC_AUTO_CLOSE int write_end = -1;
    const char *argv[ARGV_MAX] = { "scripta", "serve",  "--ready-fd",
                                   "3",       "--data", cli->config->data_dir };
    size_t argc = 6;
    int ends[2];
    pid_t pid;

    enum sc_code code = open_log(cli, log_name, &log, &log_fd, err);
    if (code != SC_OK)
        return code;
    code = sc_process_pipe(ends, err);
    if (code != SC_OK)
        return code;
    read_end = ends[0];
    write_end = ends[1];
    const char *const *lists[] = { flags, cli->server_args };
    for (size_t i = 0; i < SC_ARRAY_LEN(lists); i++) {
        for (const char *const *a = lists[i]; a != NULL && *a != NULL; a++) {
            sc_assert(argc + 1 < ARGV_MAX);
            argv[argc++] = *a;
        }
    }
    struct sc_spawn spec = {
        .program = "/proc/self/exe",
        .argv = argv,
        .fds = { { .fd = log_fd, .as = 2 }, { .fd = write_end, .as = READY_FD } },
        .fd_count = 2,
        .new_session = true,
    };
    code = sc_process_spawn(&spec, &pid, err);
    if (code != SC_OK)
        return code;
    *out_pid = (int)pid;
    (void)close(SC_TAKE_FD(write_end)); /* so that the child's end is the only one */
    return read_ready(read_end, log, err);
}

/* Settings that the command line itself reads; all others are the server's. */
static bool is_ours(struct sc_str name)
{
    static const char *const ours[] = { "data_dir", "server", "ca_file", "token", "token_file" };
    for (size_t i = 0; i < SC_ARRAY_LEN(ours); i++) {
        if (sc_str_equal(name, sc_str_from(ours[i])))
            return true;
    }
    return false;
}

/* Once: a setting of the command line counts in the server that it starts, and in no other. */
static void tell_settings(struct sc_cli *cli)
{
    const struct sc_config_override *o = cli->json ? NULL : cli->sources->overrides;
    for (; o != NULL && o->assignment != NULL && !cli->said_settings; o++) {
        struct sc_str rest = sc_str_from(o->assignment);
        struct sc_str name = sc_str_trim(sc_str_take_until(&rest, '='));
        if (strcmp(o->flag, "--set") != 0 || is_ours(name))
            continue;
        sc_cli_note(cli,
                    "note: the server runs already, with the settings that it was started with: "
                    "%s %.*s does not change them",
                    o->flag, (int)name.len, name.ptr);
        cli->said_settings = true;
    }
}

static bool wait_for_socket(const char *path, int64_t ms)
{
    int64_t deadline = sc_clock_mono_ms() + ms;

    while (!sc_cli_interrupted() && sc_clock_mono_ms() < deadline) {
        if (socket_answers(path))
            return true;
        sc_clock_sleep_ms(20);
    }
    return false;
}

/* Makes sure that a server answers on our socket. Whoever holds the folder while none answers is
 * the winner of a race, about to listen, or a server that is just ending: so both are tried in
 * turn. */
static enum sc_code ensure_server(struct sc_cli *cli, const char *path, struct sc_error *err)
{
    static const char *const ephemeral[] = { "--ephemeral", NULL };
    int64_t deadline = sc_clock_mono_ms() + RACE_MS;

    for (;;) {
        if (socket_answers(path)) {
            tell_settings(cli);
            return SC_OK;
        }
        int pid;
        enum sc_code code = sc_cli_start_server(cli, ephemeral, "ephemeral.log", &pid, err);
        cli->said_settings = cli->said_settings || code == SC_OK; /* they are its own */
        if (code == SC_OK && cli->verbose > 0)
            sc_cli_note(cli, "started a server for %s", cli->config->data_dir);
        if (code != SC_E_STORE_LOCKED || sc_clock_mono_ms() >= deadline || sc_cli_interrupted())
            return code;
        if (wait_for_socket(path, RETRY_MS)) {
            tell_settings(cli);
            return SC_OK;
        }
    }
}

enum sc_code sc_cli_connect(struct sc_cli *cli, struct sc_error *err)
{
    bool ours;
    SC_AUTO_FREE char *server = choose_server(cli, &ours);
    const char *token = cli->config->token[0] == '\0' ? NULL : cli->config->token;

    sc_cli_disconnect(cli);
    if (ours) {
        enum sc_code code = ensure_server(cli, server + strlen("unix:"), err);
        if (code != SC_OK)
            return code;
    } else {
        tell_settings(cli);
    }
    enum sc_code code = sc_client_open(server, token, &cli->client, err);
    if (code == SC_OK)
        sc_client_trust(cli->client, cli->config->ca_file);
    return code;
}

void sc_cli_disconnect(struct sc_cli *cli)
{
    sc_client_close(cli->client);
    cli->client = NULL;
}

enum sc_code sc_cli_call(struct sc_cli *cli, const char *method, const char *path, const char *body,
                         struct sc_buf *reply, struct sc_error *err)
{
    const struct sc_call call = { .method = method, .path = path, .body = body };
    enum sc_code code = SC_OK;

    for (int attempt = 0; attempt < CALL_ATTEMPTS; attempt++) {
        int status;
        if (attempt > 0)
            sc_clock_sleep_ms(INT64_C(50) << attempt);
        if (cli->client == NULL) {
            code = sc_cli_connect(cli, err);
            if (code != SC_OK)
                return code;
        }
        code = sc_client_call(cli->client, &call, &status, reply, err);
        if (code != SC_E_SERVER_UNREACHABLE && code != SC_E_SHUTTING_DOWN)
            return code;
        sc_cli_disconnect(cli);
        if (!sc_cli_server_is_local(cli))
            return code;
    }
    return code;
}

enum sc_code sc_cli_fetch(struct sc_cli *cli, const char *method, const char *path,
                          struct sc_buf *reply, struct sc_json_doc **doc, struct sc_error *err)
{
    enum sc_code code = sc_cli_call(cli, method, path, NULL, reply, err);

    if (code != SC_OK)
        return code;
    if (sc_json_parse(sc_buf_str(reply), doc, NULL) != SC_OK)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "the answer to %s is no JSON", path);
    return SC_OK;
}

char *sc_cli_path(const char *before, const char *id, const char *after)
{
    SC_AUTO_BUF path = { 0 };
    sc_buf_puts(&path, before);
    sc_url_encode(&path, sc_str_from(id));
    sc_buf_puts(&path, after);
    return sc_buf_take(&path);
}
