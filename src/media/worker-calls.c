#include "media/worker-internal.h"

#include "base/alloc.h"
#include "json/reader.h"
#include "json/writer.h"

#include <string.h>

#include "base/banned.h"

#define CALL_MS 30000
/* An idle worker wakes itself and the server once in so long; what stands between them must not
 * have hung up by then, and many proxies do after a minute. */
#define CLAIM_WAIT_MS 50000
#define PATH_TEXT 160

void task_done(struct task *t)
{
    free(t->engine);
    free(t->model);
    free(t->model_hash);
    free(t->language);
    free(t->settings);
    free(t->carry);
    sc_buf_done(&t->said);
    *t = (struct task){ 0 };
}

static enum sc_code post(struct sc_client *client, const char *path, struct sc_buf *body,
                         int64_t timeout_ms, struct sc_buf *reply, struct sc_error *err)
{
    int status = 0;
    if (body->failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory left for a call to the server");
    const struct sc_call call = {
        .method = "POST",
        .path = path,
        .body = sc_buf_text(body),
        .timeout_ms = timeout_ms,
    };
    return sc_client_call(client, &call, &status, reply, err);
}

static enum sc_code parse_reply(const struct sc_buf *reply, struct sc_json_doc **doc,
                                struct sc_error *err)
{
    if (sc_json_parse(sc_buf_str(reply), doc, NULL) == SC_OK)
        return SC_OK;
    return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "what answers is no Scripta server");
}

static int64_t int_member(const struct sc_json_value *object, const char *key, int64_t fallback)
{
    return sc_json_get_int(sc_json_member(object, key), fallback);
}

enum sc_code call_register(struct worker *w, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json j;
    char host[64] = "localhost";
    (void)gethostname(host, sizeof(host) - 1);

    sc_json_begin(&j, &body);
    sc_json_object(&j, NULL);
    sc_json_text(&j, "name", w->name);
    sc_json_text(&j, "host", host);
    sc_json_int(&j, "pid", getpid());
    sc_json_bool(&j, "local", strncmp(w->server, "unix:", 5) == 0);
    sc_json_array(&j, "engines");
    for (size_t i = 0; i < w->engine_count; i++)
        sc_json_text(&j, NULL, w->engines[i]->name);
    sc_json_end(&j);
    sc_json_text(&j, "device", "cpu");
    sc_json_end(&j);
    enum sc_code code = post(w->client, "/api/worker/register", &body, CALL_MS, &reply, err);
    if (code == SC_OK)
        code = parse_reply(&reply, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *root = sc_json_root(doc);
    int64_t id = int_member(root, "worker_id", 0);
    if (id <= 0)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "what answers is no Scripta server");
    w->id = id;
    w->as_of = 0;
    w->heartbeat_ms = SC_MAX(int_member(root, "heartbeat_ms", 10000), 10);
    return SC_OK;
}

static char *text_member(const struct sc_json_value *object, const char *key)
{
    return sc_strdup(sc_json_get_text(sc_json_member(object, key), ""));
}

static void read_task(int64_t worker_id, const struct sc_json_value *v, struct task *out)
{
    SC_AUTO_BUF settings = { 0 };
    const struct sc_json_value *object = sc_json_member(v, "settings");
    if (object != NULL)
        sc_json_dump(object, &settings);
    *out = (struct task){
        .id = int_member(v, "task_id", 0),
        .epoch = int_member(v, "epoch", 0),
        .worker_id = worker_id,
        .engine = text_member(v, "engine"),
        .model = text_member(v, "model"),
        .model_hash = text_member(v, "model_hash"),
        .language = text_member(v, "language"),
        .settings = sc_strdup(object == NULL ? "{}" : sc_buf_text(&settings)),
        .chunk = (int)int_member(v, "chunk_index", -1),
        .attempt = (int)int_member(v, "attempt", 1),
        .start_ms = int_member(v, "start_ms", 0),
        .until_ms = int_member(v, "until_ms", 0),
        .carry = sc_json_member(v, "carry") == NULL ? NULL : text_member(v, "carry"),
        .samples = int_member(v, "samples", -1),
        .timeout_ms = int_member(v, "timeout_ms", 0),
        .is_noop = strcmp(sc_json_get_text(sc_json_member(v, "stage"), ""), "noop") == 0,
    };
}

static size_t read_tasks(int64_t worker_id, const struct sc_json_value *reply, struct task *out)
{
    const struct sc_json_value *tasks = sc_json_member(reply, "tasks");
    size_t count = SC_MIN(sc_json_count(tasks), (size_t)WORKER_TASKS);
    for (size_t i = 0; i < count; i++)
        read_task(worker_id, sc_json_at(tasks, i), &out[i]);
    return count;
}

/* "lanes", "max" and "batch" of a claim. */
static void write_wanted(const struct worker *w, struct sc_json *j)
{
    sc_json_array(j, "lanes");
    for (size_t i = 0; i < w->engine_count; i++) {
        SC_AUTO_FREE char *lane = sc_asprintf("engine:%s", w->engines[i]->name);
        sc_json_text(j, NULL, lane);
    }
    sc_json_text(j, NULL, "noop");
    sc_json_end(j);
    sc_json_int(j, "max", w->max_chunks);
    sc_json_array(j, "batch");
    for (size_t i = 0; i < w->engine_count; i++)
        sc_json_int(j, NULL, w->batch[i]);
    sc_json_int(j, NULL, 1);
    sc_json_end(j);
}

enum sc_code call_claim(struct worker *w, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json j;

    sc_json_begin(&j, &body);
    sc_json_object(&j, NULL);
    sc_json_int(&j, "worker_id", w->id);
    write_wanted(w, &j);
    sc_json_int(&j, "wait_ms", CLAIM_WAIT_MS);
    sc_json_end(&j);
    enum sc_code code =
        post(w->client, "/api/worker/claim", &body, CLAIM_WAIT_MS + CALL_MS, &reply, err);
    if (code == SC_OK)
        code = parse_reply(&reply, &doc, err);
    if (code != SC_OK)
        return code;
    w->task_count = read_tasks(w->id, sc_json_root(doc), w->tasks);
    w->as_of = int_member(sc_json_root(doc), "as_of", 0);
    return SC_OK;
}

static void mark_lost(struct worker *w, const struct sc_json_value *answer)
{
    int64_t id = int_member(answer, "task_id", 0);
    int64_t epoch = int_member(answer, "epoch", 0);
    if (strcmp(sc_json_get_text(sc_json_member(answer, "answer"), "ok"), "ok") == 0)
        return;
    for (size_t i = 0; i < w->task_count; i++) {
        if (w->tasks[i].id == id && w->tasks[i].epoch == epoch)
            atomic_store(&w->tasks[i].lost, true);
    }
}

enum sc_code call_heartbeat(struct worker *w, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json j;

    sc_json_begin(&j, &body);
    sc_json_object(&j, NULL);
    sc_json_int(&j, "worker_id", w->id);
    sc_json_array(&j, "tasks");
    for (size_t i = 0; i < w->task_count; i++) {
        /* A lost one is named as long as the engine does not let go of it: that is what a server
         * ends a worker for. */
        if (atomic_load(&w->tasks[i].lost) && !atomic_load(&w->tasks[i].running))
            continue;
        sc_json_object(&j, NULL);
        sc_json_int(&j, "task_id", w->tasks[i].id);
        sc_json_int(&j, "epoch", w->tasks[i].epoch);
        sc_json_int(&j, "progress", atomic_load(&w->tasks[i].progress));
        sc_json_end(&j);
    }
    sc_json_end(&j);
    /* What the runner claims with a result meanwhile is listed once it is ours to run. */
    if (w->as_of > 0)
        sc_json_int(&j, "as_of", w->as_of);
    sc_json_end(&j);
    enum sc_code code =
        post(w->client, "/api/worker/heartbeat", &body, w->heartbeat_ms, &reply, err);
    if (code == SC_OK)
        code = parse_reply(&reply, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *tasks = sc_json_member(sc_json_root(doc), "tasks");
    for (size_t i = 0; i < sc_json_count(tasks); i++)
        mark_lost(w, sc_json_at(tasks, i));
    return SC_OK;
}

enum sc_code call_input(struct sc_client *client, const struct task *t, struct sc_buf *pcm,
                        struct sc_error *err)
{
    char path[PATH_TEXT];
    int status = 0;
    (void)snprintf(path, sizeof(path), "/api/worker/tasks/%lld/input?worker_id=%lld&epoch=%lld",
                   (long long)t->id, (long long)t->worker_id, (long long)t->epoch);
    const struct sc_call call = { .path = path, .timeout_ms = CALL_MS };
    enum sc_code code = sc_client_call(client, &call, &status, pcm, err);
    if (code != SC_OK)
        return code;
    if (pcm->len % sizeof(int16_t) != 0 ||
        (t->samples >= 0 && pcm->len != (size_t)t->samples * sizeof(int16_t)))
        return sc_error_set(err, SC_E_IO_ERROR,
                            "the input of chunk %d has %zu bytes, not those of %lld samples",
                            t->chunk, pcm->len, (long long)t->samples);
    return SC_OK;
}

/* {worker_id, epoch, …: the caller goes on. */
static void begin_fenced(struct sc_json *j, struct sc_buf *body, const struct task *t)
{
    sc_json_begin(j, body);
    sc_json_object(j, NULL);
    sc_json_int(j, "worker_id", t->worker_id);
    sc_json_int(j, "epoch", t->epoch);
}

static enum sc_code post_task_for(struct sc_client *client, const struct task *t, const char *verb,
                                  struct sc_buf *body, struct sc_buf *reply, struct sc_error *err)
{
    char path[PATH_TEXT];
    (void)snprintf(path, sizeof(path), "/api/worker/tasks/%lld/%s", (long long)t->id, verb);
    return post(client, path, body, CALL_MS, reply, err);
}

static enum sc_code post_task(struct sc_client *client, const struct task *t, const char *verb,
                              struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    return post_task_for(client, t, verb, body, &reply, err);
}

/* Negative: unknown. */
static void write_share(struct sc_json *j, const char *name, float share)
{
    if (share >= 0)
        sc_json_real(j, name, (double)share, 4);
}

static void write_segment(struct sc_json *j, const struct sc_segment *s)
{
    sc_json_object(j, NULL);
    sc_json_seconds(j, "start", s->start_ms);
    sc_json_seconds(j, "end", s->end_ms);
    sc_json_text(j, "text", s->text == NULL ? "" : s->text);
    write_share(j, "confidence", s->confidence);
    write_share(j, "no_speech", s->no_speech);
    sc_heard_put(j, s->heard);
    sc_json_array(j, "words");
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *word = &s->words[i];
        sc_json_object(j, NULL);
        sc_json_text(j, "word", word->text);
        sc_json_seconds(j, "start", word->start_ms);
        sc_json_seconds(j, "end", word->end_ms);
        write_share(j, "confidence", word->confidence);
        sc_json_end(j);
    }
    sc_json_end(j);
    sc_json_end(j);
}

void write_segments(const struct sc_segments *segments, size_t first, struct sc_buf *out)
{
    for (size_t i = first; i < segments->count; i++) {
        struct sc_json j;
        if (out->len > 0)
            sc_buf_putc(out, ',');
        sc_json_begin(&j, out);
        write_segment(&j, &segments->items[i]);
    }
}

enum sc_code call_say(const struct worker *w, const struct task *t, const struct saying *what,
                      int64_t timeout_ms, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF list = { 0 };
    struct sc_json j;
    sc_buf_putc(&list, '[');
    sc_buf_put_str(&list, what->segments);
    sc_buf_putc(&list, ']');
    begin_fenced(&j, &body, t);
    sc_json_int(&j, "first", what->first);
    sc_json_raw(&j, "segments", sc_buf_str(&list));
    sc_json_end(&j);
    char path[PATH_TEXT];
    (void)snprintf(path, sizeof(path), "/api/worker/tasks/%lld/segments", (long long)t->id);
    return post(w->client, path, &body, timeout_ms, &reply, err);
}

static void write_log(struct sc_json *j, const struct sc_engine_result *result)
{
    if (result != NULL && result->log.len > 0 && !result->log.failed)
        sc_json_str(j, "log", sc_buf_str(&result->log));
}

static void write_completion(const struct worker *w, const struct delivery *d, struct sc_buf *body)
{
    const struct sc_engine_result *result = d->result;
    struct sc_json j;
    begin_fenced(&j, body, d->task);
    if (result != NULL && result->language[0] != '\0')
        sc_json_text(&j, "language", result->language);
    sc_json_int(&j, "processing_ms", d->processing_ms);
    if (d->load_ms > 0)
        sc_json_int(&j, "load_ms", d->load_ms);
    write_log(&j, result);
    if (result != NULL && result->carry.len > 0)
        sc_json_str(&j, "carry", sc_buf_str(&result->carry));
    sc_json_array(&j, "segments");
    for (size_t i = 0; result != NULL && i < result->segments.count; i++)
        write_segment(&j, &result->segments.items[i]);
    sc_json_end(&j);
    if (d->next != NULL) {
        sc_json_object(&j, "claim");
        write_wanted(w, &j);
        sc_json_end(&j);
    }
    sc_json_end(&j);
}

enum sc_code call_complete(const struct worker *w, struct sc_client *client,
                           const struct delivery *d, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    write_completion(w, d, &body);
    enum sc_code code = post_task_for(client, d->task, "complete", &body, &reply, err);
    if (code != SC_OK || d->next == NULL)
        return code;
    /* The result is in; what cannot be read is claimed again by others. */
    if (parse_reply(&reply, &doc, err) == SC_OK) {
        d->next->count = read_tasks(d->task->worker_id, sc_json_root(doc), d->next->at);
        d->next->as_of = int_member(sc_json_root(doc), "as_of", 0);
    }
    return SC_OK;
}

enum sc_code call_fail(struct sc_client *client, const struct task *t,
                       const struct sc_engine_result *result, const struct sc_error *why,
                       struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    struct sc_json j;
    begin_fenced(&j, &body, t);
    sc_json_text(&j, "code", sc_code_name(why->code));
    sc_json_text(&j, "message", why->msg);
    write_log(&j, result);
    sc_json_end(&j);
    return post_task(client, t, "fail", &body, err);
}

enum sc_code call_release(struct sc_client *client, const struct task *t, struct sc_error *err)
{
    SC_AUTO_BUF body = { 0 };
    struct sc_json j;
    begin_fenced(&j, &body, t);
    sc_json_end(&j);
    return post_task(client, t, "release", &body, err);
}
