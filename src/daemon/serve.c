/* Starting, waiting and stopping. The parts are started bottom to top and stopped in an order that
 * loses nothing: workers may still hand in what they have while no new work is accepted, the HTTP
 * server goes once they have gone, the store last, and only then the lock. */

#include "daemon/daemon.h"

#include "api/api.h"
#include "api/resumable.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "daemon/daemon-internal.h"
#include "http/tls.h"
#include "outbox/outbox.h"
#include "sys/file.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/banned.h"

/* The whole stop takes less than 5 s: workers have until here … */
#define WORKERS_MS 3500
/* … and answers to clients until here. */
#define ANSWERS_MS 4500
/* A server that a command started waits so long for its first request. */
#define FIRST_REQUEST_MS 5000
#define LOOK_MS 250
/* A certificate that ends within this time is worth a warning. */
#define EXPIRY_WARNING_MS (INT64_C(14) * 86400000)
#define NOFILE_MAX 65536
/* Descriptors that are no connections: store, files, workers, logs. */
#define NOFILE_OWN 512

struct sc_daemon {
    const struct sc_serve_options *options;
    struct sc_live_config *config;
    bool ephemeral, ran;
    bool terminal; /* started in one, and to end with it */
    int ready_fd, signal_fd;
    int connections; /* that the limit of descriptors allows … */
    int sockets;     /* … and WebSockets beside them */
    struct sc_folder folder;
    struct sc_lockfile *lock;
    struct sc_store *store;
    struct sc_hub *hub;
    struct sc_journal *journal;
    struct sc_queue *queue;
    struct sc_blobs *blobs;
    struct sc_pipelines *pipelines;
    struct sc_outbox *outbox;
    struct sc_api *api;
    struct sc_supervisor *supervisor;
    struct sc_upkeep *upkeep;
    struct sc_listening listening;
    struct sc_tls *tls; /* NULL: none */
    struct sc_http *http;
};

/* ---- the process ---- */

/* Blocked here before any thread exists, so that all inherit it and none is interrupted. */
static enum sc_code open_signals(int *fd, sigset_t *before, struct sc_error *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &set, before);
    *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd >= 0 ? SC_OK : sc_error_errno(err, errno, "cannot wait for signals");
}

static bool has_terminal(void)
{
    SC_AUTO_CLOSE int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    return fd >= 0;
}

/* SIGHUP means two things: of a service, to read its settings and open its log again; of a program
 * in a terminal, that the terminal has been closed, unless it was started with nohup. */
static bool ends_with_terminal(void)
{
    struct sigaction action;
    return has_terminal() && sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

/* How many connections we may have once the limit of descriptors is as high as we may set it. */
static int raise_limits(int wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    rlim_t best = SC_MIN(limit.rlim_max, (rlim_t)NOFILE_MAX);
    if (limit.rlim_cur < best) {
        limit.rlim_cur = best;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t)wanted + NOFILE_OWN)
        return wanted;
    int room = (int)limit.rlim_cur - NOFILE_OWN;
    return SC_MAX(room, (int)limit.rlim_cur / 2);
}

/* How many WebSockets may be open beside so many connections. */
static int socket_limit(int connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return connections;
    int all = (int)SC_MIN(limit.rlim_cur, (rlim_t)NOFILE_MAX);
    return SC_MAX(all - NOFILE_OWN - connections, all / 4);
}

static int core_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return SC_MAX(1, CPU_COUNT(&set));
}

static enum sc_code open_log(const struct sc_daemon *d, struct sc_error *err)
{
    const struct sc_config *c = sc_config_now(d->config);
    struct sc_log_config log = {
        .json = c->log_json,
        .path = d->folder.log,
        .to_stderr = true,
        .rotate_bytes = c->log_rotate,
        .keep = (int)c->log_keep,
        .max_age_ms = c->log_max_age,
    };
    if (!sc_log_level_from_string(c->log_level, &log.level))
        log.level = SC_LOG_INFO;
    if (c->debug)
        log.level = SC_LOG_DEBUG;
    sc_store_log_statements(c->debug);
    if (!sc_log_open(&log))
        return sc_error_errno(err, errno, "cannot open the log '%s'", d->folder.log);
    return SC_OK;
}

/* ---- starting ---- */

static void tasks_ready(void *ctx)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_wake(d->supervisor);
}

static void worker_registered(void *ctx, int pid, int64_t worker_id)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_registered(d->supervisor, pid, worker_id);
}

static void worker_finished(void *ctx, int64_t worker_id)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_finished(d->supervisor, worker_id);
}

static void worker_heard(void *ctx, int64_t worker_id)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_heard(d->supervisor, worker_id);
}

static void worker_told(void *ctx, int64_t worker_id, int64_t task_id)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_told(d->supervisor, worker_id, task_id);
}

static void worker_places(void *ctx, struct sc_places *out)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_look(d->supervisor, &out->places, &out->alive, &out->failing);
}

static void worker_silent(void *ctx, int64_t worker_id)
{
    struct sc_daemon *d = ctx;
    sc_supervisor_silent(d->supervisor, worker_id);
}

/* Whoever is killed leaves the write-ahead log behind, which holds the newest commits. SQLite
 * cannot tell that it has been deleted since: it finds an older store, which is whole. */
static void warn_of_a_missing_log(const struct sc_daemon *d)
{
    SC_AUTO_FREE char *log = sc_asprintf("%s-wal", d->folder.store);
    if (sc_lockfile_was_left(d->lock) && access(d->folder.store, F_OK) == 0 &&
        access(log, F_OK) != 0)
        SC_LOG(WARNING, "daemon", "the store's log has gone: what was written last may be lost",
               SC_S("path", log));
}

static struct sc_queue_config queue_config(const struct sc_config *c)
{
    return (struct sc_queue_config){
        .max_concurrent = { (int)c->queue_max_high, (int)c->queue_max_normal,
                            (int)c->queue_max_low },
        .lease_ms = c->queue_lease,
        .max_failures = (int)c->queue_max_failures,
        .max_interruptions = (int)c->queue_max_interruptions,
        .backoff_base_ms = c->queue_backoff,
        .backoff_max_ms = c->queue_backoff_max,
        .job_timeout_ms = c->queue_job_timeout,
        .idempotency_ttl_ms = c->queue_idempotency_ttl,
        .lane_limits = { { "engine:command", (int)c->engine_command_concurrency },
                         { "engine:http", (int)c->engine_http_concurrency } },
        .result_ttl_ms = c->queue_result_ttl,
        .failure_ttl_ms = c->queue_failure_ttl,
    };
}

static enum sc_code open_store(struct sc_daemon *d, struct sc_error *err)
{
    const struct sc_config *c = sc_config_now(d->config);
    const struct sc_store_options store = {
        .path = d->folder.store,
        .readers = (int)c->store_readers,
        .busy_timeout_ms = c->store_busy_timeout,
        .open_attempts = (int)c->store_open_attempts,
        .create = true,
    };
    const struct sc_queue_config queue = queue_config(c);
    warn_of_a_missing_log(d);
    enum sc_code code = sc_store_open(&store, &d->store, err);
    if (code != SC_OK)
        return code;
    d->hub = sc_hub_new();
    code = sc_journal_open(d->hub, &d->journal, err);
    if (code != SC_OK)
        return code;
    return sc_queue_open(d->store, d->hub, &queue, &d->queue, err);
}

/* Before anything can happen to a job that somebody wants to hear of. */
static enum sc_code open_outbox(struct sc_daemon *d, struct sc_error *err)
{
    const struct sc_outbox_options options = {
        .store = d->store,
        .queue = d->queue,
        .hub = d->hub,
        .config = d->config,
    };
    return sc_outbox_open(&options, &d->outbox, err);
}

static enum sc_code open_pipelines(struct sc_daemon *d, struct sc_error *err)
{
    enum sc_code code = sc_blobs_open(d->folder.root, &d->blobs, err);
    if (code != SC_OK)
        return code;
    const struct sc_pipelines_options options = {
        .store = d->store,
        .queue = d->queue,
        .hub = d->hub,
        .blobs = d->blobs,
        .config = d->config,
    };
    return sc_pipelines_open(&options, &d->pipelines, err);
}

static enum sc_code start_work(struct sc_daemon *d, struct sc_error *err)
{
    int64_t workers = sc_config_now(d->config)->workers;
    const struct sc_supervisor_options options = {
        .store = d->store,
        .queue = d->queue,
        .config = d->config,
        .socket = d->folder.socket,
        .workers = workers == 0 ? core_count() : (int)SC_MAX(workers, 0),
    };
    enum sc_code code = sc_supervisor_open(&options, &d->supervisor, err);
    if (code != SC_OK)
        return code;
    sc_queue_on_ready(d->queue, tasks_ready, d);
    sc_queue_on_silent(d->queue, worker_silent, d);
    code = sc_pipelines_start(d->pipelines, err);
    if (code != SC_OK)
        return code;
    return sc_upkeep_open(d->store, d->queue, d->pipelines, &d->upkeep, err);
}

static void log_certificate(struct sc_daemon *d)
{
    char when[SC_TIME_TEXT];
    struct sc_tls_facts facts;
    sc_tls_facts(d->tls, &facts);
    const char *expires = sc_time_rfc3339(facts.expires_ms, when);
    if (facts.expires_ms - sc_clock_wall_ms() >= EXPIRY_WARNING_MS)
        SC_LOG(INFO, "daemon", "TLS is on", SC_S("name", facts.name), SC_S("expires", expires));
    else
        SC_LOG(WARNING, "daemon", "the certificate in tls.cert has expired, or does so soon",
               SC_S("name", facts.name), SC_S("expires", expires));
}

static enum sc_code open_tls(struct sc_daemon *d, struct sc_error *err)
{
    const struct sc_config *c = sc_config_now(d->config);
    bool cert = c->tls_cert[0] != '\0', key = c->tls_key[0] != '\0';
    if (!cert && !key)
        return SC_OK;
    if (cert != key)
        return sc_error_field(err, SC_E_CONFIG_ERROR, cert ? "tls.key" : "tls.cert",
                              "%s is not set, but %s is: TLS needs both",
                              cert ? "tls.key" : "tls.cert", cert ? "tls.cert" : "tls.key");
    enum sc_code code = sc_tls_open(c->tls_cert, c->tls_key, &d->tls, err);
    if (code == SC_OK)
        log_certificate(d);
    return code;
}

static struct sc_http_policy http_policy(const struct sc_config *c)
{
    return (struct sc_http_policy){
        .trusted_proxies = c->http_trusted_proxies,
        .forwarded = strcmp(c->http_forwarded_header, "forwarded") == 0,
        .cors_origins = c->http_cors_origins,
        .hosts = c->http_hosts,
        .rate_token = c->http_rate_limit,
        .rate_address = c->http_rate_limit_address,
        .token_failures = c->http_token_failures,
        .connections = c->http_connections_address,
        .body_rate = c->http_body_rate,
    };
}

static enum sc_code start_http(struct sc_daemon *d, struct sc_error *err)
{
    const struct sc_config *c = sc_config_now(d->config);
    const struct sc_api_options api = {
        .store = d->store,
        .queue = d->queue,
        .hub = d->hub,
        .pipelines = d->pipelines,
        .outbox = d->outbox,
        .config = d->config,
        .local_open = c->auth_loopback_open,
        .worker_registered = worker_registered,
        .worker_finished = worker_finished,
        .worker_heard = worker_heard,
        .worker_told = worker_told,
        .worker_places = worker_places,
        .ctx = d,
    };
    d->api = sc_api_new(&api);
    struct sc_http_options http = {
        .app = d->api,
        .auth = sc_api_authenticate,
        .error_body = sc_api_error_body,
        .listen_fds = d->listening.fds,
        .listen_count = d->listening.count,
        .threads = (int)c->http_threads,
        .workers = (int)c->http_workers,
        .connection_limit = d->connections,
        .idle_timeout_s = (int)SC_MAX(1, c->http_idle / 1000),
        .temp_dir = d->folder.temp,
        .publish = c->metrics_open,
        .tls = d->tls != NULL,
        .spool_limit = c->upload_max_size,
        .policy = http_policy(c),
        .limits_dir = d->folder.run,
        .socket_limit = d->sockets,
        .ping_ms = c->events_ping,
        .pong_ms = c->events_pong,
        .sockets_round = sc_api_sockets_round,
        .append = &sc_resumable_ops,
        .form = sc_api_judge_form,
        .lives = sc_api_principal_lives,
    };
    http.routes = sc_api_routes(&http.route_count);
    d->listening.count = 0; /* the adapter's from now on, also when it fails */
    return sc_http_start(&http, &d->http, err);
}

static enum sc_code start(struct sc_daemon *d, struct sc_error *err)
{
    enum sc_code code = sc_folder_lock(&d->folder, d->ephemeral, &d->lock, err);
    if (code == SC_OK)
        code = sc_folder_prepare(&d->folder, err);
    if (code == SC_OK)
        code = open_log(d, err);
    if (code == SC_OK)
        code = open_tls(d, err);
    if (code == SC_OK)
        code = sc_listening_open(&d->folder, sc_config_now(d->config)->listen, &d->listening, err);
    if (code == SC_OK)
        code = open_store(d, err);
    if (code == SC_OK)
        code = open_outbox(d, err);
    if (code == SC_OK)
        code = open_pipelines(d, err);
    if (code == SC_OK)
        code = start_work(d, err);
    /* Whoever hears from us may read the address in run/listen. */
    if (code == SC_OK)
        code = sc_listening_publish(&d->folder, &d->listening, err);
    return code == SC_OK ? start_http(d, err) : code;
}

/* ---- readiness ---- */

static void tell_starter(struct sc_daemon *d, struct sc_str line)
{
    if (d->ready_fd < 0)
        return;
    /* Whoever started us may have gone: that is no reason to end. */
    (void)!sc_file_write_all(d->ready_fd, line.ptr, line.len, NULL);
    sc_closep(&d->ready_fd);
}

static void announce(struct sc_daemon *d)
{
    const char *address = d->listening.address == NULL ? "" : d->listening.address;
    tell_starter(d, SC_STR("ready\n"));
    SC_LOG(INFO, "daemon", "ready", SC_I("pid", getpid()), SC_S("version", SC_VERSION),
           SC_S("socket", d->folder.socket), SC_S("listen", address));
    if (d->listening.address != NULL && !d->listening.loopback && d->tls == NULL)
        SC_LOG(WARNING, "daemon",
               "reachable from other machines: without TLS, tokens and audio "
               "pass in the clear",
               SC_S("listen", address));
    bool shut = d->listening.address != NULL &&
                !(d->listening.loopback && sc_config_now(d->config)->auth_loopback_open);
    if (shut && !sc_api_has_tokens(d->api))
        SC_LOG(WARNING, "daemon",
               "nobody can use the TCP address yet: make a token with 'scripta token create NAME'",
               SC_S("listen", address));
}

static void report_failure(struct sc_daemon *d, const struct sc_error *err)
{
    SC_AUTO_BUF line = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &line);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "code", sc_code_name(err->code));
    sc_json_text(&w, "message", err->msg);
    sc_json_end(&w);
    sc_buf_putc(&line, '\n');
    tell_starter(d, sc_buf_str(&line));
    (void)fprintf(stderr, "scripta: %s\n", err->msg);
}

/* ---- running ---- */

/* Takes the next signal; 0: there is none. */
static int next_signal(const struct sc_daemon *d)
{
    struct signalfd_siginfo info;
    return read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo
                                                                            : 0;
}

static bool has_tasks(struct sc_daemon *d)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_queue_stats stats;
    if (sc_store_read(d->store, &conn, NULL) != SC_OK ||
        sc_queue_stats(d->queue, conn, &stats, NULL) != SC_OK)
        return true; /* unknown: do not end under somebody's hands */
    return stats.tasks_ready + stats.tasks_running > 0;
}

struct idleness {
    int64_t started_ms, busy_ms; /* monotonic: when something was last seen under way */
};

/* In how many milliseconds to look again; 0: an ephemeral server may end. */
static int64_t look_for_idleness(struct sc_daemon *d, struct idleness *idle)
{
    int64_t now = sc_clock_mono_ms();
    int64_t last = sc_api_last_request_ms(d->api);
    int64_t linger = sc_config_now(d->config)->ephemeral_linger;
    if (last <= idle->started_ms)
        linger = SC_MAX(linger, FIRST_REQUEST_MS);
    if (sc_api_waiting(d->api) > 0 || sc_http_uploads(d->http) > 0 || sc_outbox_busy(d->outbox))
        idle->busy_ms = now;
    int64_t left = SC_MAX(last, idle->busy_ms) + linger - now;
    if (left > 0)
        return SC_MIN(left, LOOK_MS);
    if (!has_tasks(d))
        return 0;
    idle->busy_ms = now;
    return LOOK_MS;
}

static enum sc_code write_queue_config(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_daemon *d = ctx;
    const struct sc_queue_config queue = queue_config(sc_config_now(d->config));
    return sc_queue_configure(d->queue, tx, &queue, err);
}

/* Who has a copy gets the new ones; everybody else asks for the settings of the moment. Also when
 * none has changed: the last time the store may have refused them. */
static enum sc_code hand_on(struct sc_daemon *d, struct sc_error *err)
{
    const struct sc_http_policy policy = http_policy(sc_config_now(d->config));
    sc_http_set_spool_limit(d->http, sc_config_now(d->config)->upload_max_size);
    sc_http_set_policy(d->http, &policy);
    if (SC_FAULT("daemon.reload"))
        return sc_error_set(err, SC_E_STORE_UNAVAILABLE, "fault point daemon.reload");
    return sc_store_write(d->store, SC_RELAXED, write_queue_config, d, err);
}

/* *taken: they are those of the moment, whatever comes of handing them on. */
static enum sc_code reload_settings(struct sc_daemon *d, struct sc_config_changes *changes,
                                    bool *taken, struct sc_error *err)
{
    struct sc_config *fresh = NULL;
    if (d->options->reload == NULL)
        return SC_OK;
    enum sc_code code = d->options->reload(d->options->reload_ctx, &fresh, err);
    if (code == SC_OK)
        code = sc_live_config_apply(d->config, fresh, changes, err);
    *taken = code == SC_OK;
    return *taken ? hand_on(d, err) : code;
}

/* Whether or not the settings were any good. */
static void reload_certificate(struct sc_daemon *d)
{
    struct sc_error err = { 0 };
    if (d->tls == NULL)
        return;
    if (sc_tls_reload(d->tls, &err) == SC_OK)
        log_certificate(d);
    else
        SC_LOG(ERROR, "daemon", "the certificate could not be read again: that of before stays",
               SC_S("error", err.msg));
}

/* SIGHUP: the settings are read again and the log is opened anew, with the settings of before where
 * the new ones are no good. */
static void reload(struct sc_daemon *d)
{
    SC_AUTO(sc_config_changes_done) struct sc_config_changes changes = { 0 };
    struct sc_error log_err = { 0 };
    struct sc_error err = { 0 };
    bool taken = false;
    enum sc_code code = reload_settings(d, &changes, &taken, &err);
    if (open_log(d, &log_err) != SC_OK)
        (void)fprintf(stderr, "scripta: %s\n", log_err.msg);
    reload_certificate(d);
    if (code != SC_OK)
        SC_LOG(ERROR, "daemon",
               taken ? "the queue keeps its settings of before: reload again later"
                     : "the settings could not be reloaded: those of before stay",
               SC_S("code", sc_code_name(code)), SC_S("error", err.msg));
    else
        SC_LOG(INFO, "daemon", "settings reloaded", SC_S("changed", sc_buf_text(&changes.applied)));
    if (code == SC_OK && changes.waiting.len > 0)
        SC_LOG(WARNING, "daemon", "settings wait for a restart",
               SC_S("settings", sc_buf_text(&changes.waiting)));
}

/* Until it is time to stop. */
static void run(struct sc_daemon *d)
{
    int64_t now = sc_clock_mono_ms();
    struct idleness idle = { now, now };
    for (;;) {
        struct pollfd polled = { .fd = d->signal_fd, .events = POLLIN };
        int64_t wait_ms = d->ephemeral ? look_for_idleness(d, &idle) : -1;
        if (wait_ms == 0) {
            SC_LOG(INFO, "daemon", "nothing left to do");
            return;
        }
        (void)poll(&polled, 1, (int)wait_ms);
        int number = next_signal(d);
        bool hung_up = number == SIGHUP && d->terminal && !has_terminal();
        if (number == SIGHUP && !hung_up)
            reload(d);
        if (number == SIGTERM || number == SIGINT || hung_up) {
            SC_LOG(INFO, "daemon", "stopping", SC_S("signal", sigabbrev_np(number)));
            return;
        }
    }
}

/* ---- stopping ---- */

/* Waits for the workers; a second signal ends their time. True: it came. */
static bool wait_for_workers(struct sc_daemon *d, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd polled[2] = {
            { .fd = sc_supervisor_idle_fd(d->supervisor), .events = POLLIN },
            { .fd = d->signal_fd, .events = POLLIN },
        };
        int64_t left = deadline_ms - sc_clock_mono_ms();
        if (left <= 0)
            return false;
        (void)poll(polled, SC_ARRAY_LEN(polled), (int)left);
        int number = next_signal(d);
        if (number == SIGTERM || number == SIGINT)
            return true;
        if (polled[0].revents != 0)
            return false;
    }
}

static void stop_running(struct sc_daemon *d)
{
    int64_t begun = sc_clock_mono_ms();
    sc_api_stop(d->api);
    sc_supervisor_stop(d->supervisor);
    sc_pipelines_stop(d->pipelines);
    sc_outbox_stop(d->outbox);
    bool hurry = wait_for_workers(d, begun + WORKERS_MS);
    sc_supervisor_kill(d->supervisor);
    (void)unlink(d->folder.socket);
    (void)unlink(d->folder.listen);
    sc_http_stop(d->http, hurry ? 0 : begun + ANSWERS_MS);
}

/* Whatever has been started, half of it or all. */
static void sc_daemon_done(struct sc_daemon *d)
{
    sc_http_free(d->http);
    sc_tls_free(d->tls);
    if (d->queue != NULL) {
        sc_queue_on_ready(d->queue, NULL, d);
        sc_queue_on_silent(d->queue, NULL, NULL);
    }
    sc_supervisor_close(d->supervisor);
    sc_upkeep_close(d->upkeep);
    if (d->pipelines != NULL)
        sc_pipelines_stop(d->pipelines);
    sc_api_free(d->api);
    sc_pipelines_close(d->pipelines);
    sc_blobs_close(d->blobs);
    sc_outbox_close(d->outbox);
    sc_queue_close(d->queue);
    sc_journal_close(d->journal);
    sc_hub_free(d->hub);
    sc_store_close(d->store);
    if (d->listening.count > 0)
        (void)unlink(d->folder.socket);
    sc_listening_done(&d->listening);
    if (d->ran)
        SC_LOG(INFO, "daemon", "stopped");
    sc_log_close();
    sc_lockfile_drop(d->lock);
    sc_folder_done(&d->folder);
    sc_live_config_free(d->config);
    sc_closep(&d->ready_fd);
    sc_closep(&d->signal_fd);
}

static enum sc_code serve(struct sc_daemon *d, sigset_t *before, struct sc_error *err)
{
    enum sc_code code = open_signals(&d->signal_fd, before, err);
    if (code != SC_OK)
        return code;
    (void)umask(0077);
    d->connections = raise_limits((int)sc_config_now(d->config)->http_connections);
    d->sockets = socket_limit(d->connections);
    code = start(d, err);
    if (code != SC_OK) {
        report_failure(d, err);
        return code;
    }
    announce(d);
    run(d);
    stop_running(d);
    d->ran = true;
    return SC_OK;
}

int sc_daemon_serve(const struct sc_config *config, const struct sc_serve_options *options)
{
    struct sc_daemon d = {
        .options = options,
        .config = sc_live_config_new(config),
        .ephemeral = options->ephemeral,
        .terminal = ends_with_terminal(),
        .ready_fd = options->ready_fd,
        .signal_fd = -1,
    };
    sigset_t before;
    struct sc_error err = { 0 };
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    sc_folder_init(&d.folder, config->data_dir);
    enum sc_code code = serve(&d, &before, &err);
    sc_daemon_done(&d);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code == SC_OK ? SC_EXIT_OK : sc_code_exit_status(code);
}
