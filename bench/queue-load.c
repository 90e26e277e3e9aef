/* A client of the queue that costs next to nothing itself: threads with one keep-alive connection
 * each submit noop jobs, or claim and complete them, over the server's Unix socket. Prints one
 * JSON object: rates and the quantiles of every kind of call.
 *
 *   queue-load SOCKET submit|work|work-apart CONNECTIONS COUNT [BATCH]
 *
 * `work` takes BATCH tasks at a time and ends when COUNT of them are done. As Scripta's own workers
 * do, it claims the next ones with the last completion of those before; `work-apart` claims them by
 * a call of its own. */

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define CONNECTIONS_MAX 256
#define REPLY_MAX 65536

enum call { CALL_SUBMIT, CALL_CLAIM, CALL_COMPLETE, CALL_COUNT_ };
static const char *const call_names[] = { "submit", "claim", "complete" };

struct samples { /* microseconds */
    uint32_t *us;
    size_t count, cap;
};

struct load {
    const char *socket;
    bool work;
    bool apart; /* a call for each claim */
    int batch;
    int64_t count;
    _Atomic int64_t begun; /* submits handed out */
    _Atomic int64_t done;
};

struct line { /* one thread and its connection */
    pthread_t thread;
    struct load *load;
    int index, fd;
    struct samples samples[CALL_COUNT_];
    char reply[REPLY_MAX];
    const char *body; /* in reply */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "queue-load: %s\n", what);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void keep(struct samples *s, int64_t us)
{
    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 4096 : s->cap * 2;
        s->us = realloc(s->us, s->cap * sizeof(*s->us));
        if (s->us == NULL)
            die("no memory");
    }
    s->us[s->count++] = (uint32_t)us;
}

static int dial(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        die("the socket's path is too long");
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        die("cannot connect");
    return fd;
}

/* Where the answer's body begins and how long it is, once its head is whole. */
static bool head_is_whole(char *reply, size_t *body, size_t *length)
{
    char *end = strstr(reply, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *at = strcasestr(reply, "\r\nContent-Length:");
    if (at == NULL || at > end)
        die("an answer without Content-Length");
    *length = strtoul(at + strlen("\r\nContent-Length:"), NULL, 10);
    *body = (size_t)(end - reply) + 4;
    return true;
}

/* Returns the status. */
static int receive(struct line *l)
{
    size_t got = 0;
    size_t body = 0;
    size_t length = 0;
    while (body == 0 || got < body + length) {
        ssize_t n = read(l->fd, l->reply + got, REPLY_MAX - 1 - got);
        if (n <= 0)
            die("the server closed the connection");
        got += (size_t)n;
        l->reply[got] = '\0';
        if (body == 0 && head_is_whole(l->reply, &body, &length) && body + length >= REPLY_MAX)
            die("an answer is too long");
    }
    l->body = l->reply + body;
    return (int)strtol(l->reply + strlen("HTTP/1.1 "), NULL, 10);
}

static void post(struct line *l, enum call kind, const char *path, const char *body)
{
    char request[1024];
    int len = snprintf(request, sizeof(request),
                       "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       path, strlen(body), body);
    int64_t start = now_us();
    if (len >= (int)sizeof(request) || write(l->fd, request, (size_t)len) != len)
        die("cannot send");
    int status = receive(l);
    if (kind != CALL_COUNT_)
        keep(&l->samples[kind], now_us() - start);
    if (status >= 300) {
        (void)fprintf(stderr, "queue-load: %s answered %d: %s\n", path, status, l->body);
        exit(1);
    }
}

/* The number behind "key": from *at on, which moves behind it; -1: none. */
static int64_t next_number(const char **at, const char *key)
{
    const char *found = strstr(*at, key);
    if (found == NULL)
        return -1;
    *at = found + strlen(key);
    return strtoll(*at, NULL, 10);
}

static void submit(struct line *l)
{
    while (atomic_fetch_add(&l->load->begun, 1) < l->load->count)
        post(l, CALL_SUBMIT, "/api/jobs", "{\"pipeline\":\"noop\"}");
}

struct held { /* tasks that were claimed */
    int64_t task[64];
    int64_t epoch[64];
    int count;
};

/* The tasks of the answer at hand. */
static void read_tasks(struct line *l, struct held *out)
{
    const char *at = l->body;
    out->count = 0;
    for (int64_t id = next_number(&at, "\"task_id\":"); id >= 0 && out->count < 64;
         id = next_number(&at, "\"task_id\":")) {
        out->task[out->count] = id;
        out->epoch[out->count++] = next_number(&at, "\"epoch\":");
    }
}

static void complete(struct line *l, int64_t worker, struct held *held)
{
    const struct load *load = l->load;
    char path[80];
    char body[200];
    char claim[80] = "";
    int count = held->count;
    for (int i = 0; i < count; i++) {
        bool claims = i + 1 == count && !load->apart && atomic_load(&load->done) < load->count;
        if (claims)
            (void)snprintf(claim, sizeof(claim), ",\"claim\":{\"lanes\":[\"noop\"],\"max\":%d}",
                           load->batch);
        (void)snprintf(path, sizeof(path), "/api/worker/tasks/%lld/complete",
                       (long long)held->task[i]);
        (void)snprintf(body, sizeof(body),
                       "{\"worker_id\":%lld,\"epoch\":%lld,\"processing_ms\":0,\"segments\":[]%s}",
                       (long long)worker, (long long)held->epoch[i], claim);
        post(l, CALL_COMPLETE, path, body);
    }
    read_tasks(l, held);
    (void)atomic_fetch_add(&l->load->done, count);
}

static void work(struct line *l)
{
    char body[200];
    struct held held = { .count = 0 };
    (void)snprintf(body, sizeof(body),
                   "{\"name\":\"load-%d\",\"host\":\"bench\",\"pid\":%d,\"local\":false,"
                   "\"engines\":[],\"device\":\"cpu\"}",
                   l->index, (int)getpid());
    post(l, CALL_COUNT_, "/api/worker/register", body);
    const char *at = l->body;
    int64_t worker = next_number(&at, "\"worker_id\":");
    (void)snprintf(body, sizeof(body),
                   "{\"worker_id\":%lld,\"lanes\":[\"noop\"],\"max\":%d,\"wait_ms\":100}",
                   (long long)worker, l->load->batch);
    while (atomic_load(&l->load->done) < l->load->count) {
        post(l, CALL_CLAIM, "/api/worker/claim", body);
        read_tasks(l, &held);
        while (held.count > 0)
            complete(l, worker, &held);
    }
}

static void *run(void *ctx)
{
    struct line *l = ctx;
    l->fd = dial(l->load->socket);
    if (l->load->work)
        work(l);
    else
        submit(l);
    (void)close(l->fd);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_quantiles(enum call kind, struct line *lines, int connections)
{
    struct samples all = { 0 };
    for (int i = 0; i < connections; i++) {
        const struct samples *s = &lines[i].samples[kind];
        for (size_t k = 0; k < s->count; k++)
            keep(&all, s->us[k]);
    }
    if (all.count > 0) {
        qsort(all.us, all.count, sizeof(*all.us), by_value);
        (void)printf(", \"%s\": {\"count\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
                     "\"max_ms\": %.3f}",
                     call_names[kind], all.count, all.us[all.count / 2] / 1e3,
                     all.us[all.count - 1 - all.count / 100] / 1e3, all.us[all.count - 1] / 1e3);
    }
    free(all.us);
}

int main(int argc, char **argv)
{
    int64_t connections = 0;
    int64_t batch = 1;
    struct load load = { 0 };
    if (argc < 5 || !sc_str_to_int64(sc_str_from(argv[3]), &connections) ||
        !sc_str_to_int64(sc_str_from(argv[4]), &load.count) ||
        (argc > 5 && !sc_str_to_int64(sc_str_from(argv[5]), &batch)) || connections < 1 ||
        connections > CONNECTIONS_MAX || batch < 1 || batch > 64)
        die("usage: queue-load SOCKET submit|work|work-apart CONNECTIONS COUNT [BATCH]");
    load.socket = argv[1];
    load.apart = strcmp(argv[2], "work-apart") == 0;
    load.work = load.apart || strcmp(argv[2], "work") == 0;
    load.batch = (int)batch;
    struct line *lines = sc_alloc((size_t)connections * sizeof(*lines));
    int64_t start = now_us();
    for (int i = 0; i < connections; i++) {
        lines[i].load = &load;
        lines[i].index = i;
        if (pthread_create(&lines[i].thread, NULL, run, &lines[i]) != 0)
            die("cannot start a thread");
    }
    for (int i = 0; i < connections; i++)
        (void)pthread_join(lines[i].thread, NULL);
    double seconds = (double)(now_us() - start) / 1e6;
    (void)printf("{\"seconds\": %.3f, \"per_s\": %.1f", seconds, (double)load.count / seconds);
    for (int kind = 0; kind < CALL_COUNT_; kind++)
        print_quantiles((enum call)kind, lines, (int)connections);
    (void)printf("}\n");
    for (int i = 0; i < connections; i++) {
        for (int kind = 0; kind < CALL_COUNT_; kind++)
            free(lines[i].samples[kind].us);
    }
    free(lines);
    return 0;
}
