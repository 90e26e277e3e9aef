/* Any server that speaks OpenAI's audio dialect: a chunk goes there as a WAV file, text comes back.
 *
 * Servers differ in what they can answer with. The best is asked for first: verbose_json with the
 * times of words, then without those, then json, which is text alone. What a server took stays for
 * the next chunks of this instance. */
#include "engine/engine-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/utf8.h"
#include "engine/answer.h"
#include "net/client.h"
#include "json/reader.h"

#include <string.h>

#include "base/banned.h"

#define SHORTEST_SAMPLES 1600 /* 0.1 s: servers refuse less, and nothing can be said in it */
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 8000
#define RETRY_AFTER_MAX_MS 300000
#define LOOK_MS 50
#define TRANSCRIBE_PATH "/audio/transcriptions"
#define TRANSLATE_PATH "/audio/translations"

enum dialect { VERBOSE_WORDS, VERBOSE, PLAIN, DIALECT_COUNT_ };

struct http {
    const struct sc_config *config;
    struct sc_client *client;
    char *model; /* owned */
    enum dialect dialect;
};

static void http_close(void *state)
{
    struct http *h = state;
    if (h == NULL)
        return;
    sc_client_close(h->client);
    free(h->model);
    free(h);
}
SC_DEFINE_FREEP(void, http_close);

/* ---- its address ---- */

/* The address before "/audio/…": people give it with and without /v1, or the whole of it. */
static char *base_of(const char *url)
{
    struct sc_str s = sc_str_trim(sc_str_from(url));
    while (s.len > 0 && s.ptr[s.len - 1] == '/')
        s.len--;
    if (sc_str_ends(s, SC_STR(TRANSCRIBE_PATH)))
        return sc_strndup(s.ptr, s.len - strlen(TRANSCRIBE_PATH));
    return sc_asprintf("%.*s%s", (int)s.len, s.ptr, sc_str_ends(s, SC_STR("/v1")) ? "" : "/v1");
}

/* What stands between the scheme and the path. */
static struct sc_str authority_of(const char *url)
{
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    return (struct sc_str){ start, strcspn(start, "/?#") };
}

static bool is_loopback(const char *url)
{
    static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };
    struct sc_str host = authority_of(url);
    for (size_t i = 0; i < SC_ARRAY_LEN(hosts); i++) {
        struct sc_str known = sc_str_from(hosts[i]);
        if (sc_str_starts(host, known) && (host.len == known.len || host.ptr[known.len] == ':'))
            return true;
    }
    return false;
}

static void http_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    char hash[SC_SHA256_TEXT];
    SC_AUTO_FREE char *all =
        sc_asprintf("%s\n%s", config->engine_http_url, config->engine_http_model);
    sc_hash_bytes(all, strlen(all), hash);
    bool local = config->engine_http_url[0] == '\0' || is_loopback(config->engine_http_url);
    *out = (struct sc_engine_caps){
        .max_chunk_s = (int)config->engine_http_max_chunk_s,
        .batch = 1,
        .threads = 1,
        .concurrency = (int)config->engine_http_concurrency,
        .word_times = true,
        .languages = "",
        .options = "language,model,prompt,temperature,translate",
        .default_model = config->engine_http_model,
        .models = "",
        .sends_to = local ? "" : config->engine_http_url,
        .note = "an OpenAI-compatible server",
    };
    (void)snprintf(out->version, sizeof(out->version), "1-%.16s", hash);
}

static enum sc_code http_usable(const struct sc_config *config, struct sc_error *err)
{
    const char *url = config->engine_http_url;
    if (url[0] == '\0')
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "set engine.http.url to the address of an OpenAI-compatible server");
    if (config->engine_http_model[0] == '\0')
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "set engine.http.model to a model of the server");
    return SC_OK;
}

static enum sc_code http_open(const struct sc_config *config, const char *model,
                              const struct sc_engine_stop *stop, void **state, struct sc_error *err)
{
    (void)stop;
    SC_AUTO(http_closep) void *guard = NULL;
    enum sc_code code = http_usable(config, err);
    if (code != SC_OK)
        return code;
    struct http *h = guard = sc_alloc(sizeof(*h));
    SC_AUTO_FREE char *base = base_of(config->engine_http_url);
    struct sc_error why = { 0 };
    h->config = config;
    h->model = sc_strdup(model[0] == '\0' ? config->engine_http_model : model);
    if (sc_client_open(base, config->engine_http_key, &h->client, &why) != SC_OK)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "engine.http.url, engine.http.key: %s",
                            why.msg);
    *state = SC_TAKE(guard);
    return SC_OK;
}

/* ---- what the server says when it refuses ---- */

/* The sentence in an error's body, ": sentence" or "". A server that repeats our key is not
 * quoted. */
static const char *server_says(const struct http *h, const struct sc_json_value *root,
                               char out[132])
{
    SC_AUTO_BUF text = { 0 };
    const struct sc_json_value *error = sc_json_member(root, "error");
    const char *said = sc_json_get_text(sc_json_member(error, "message"), "");
    if (said[0] == '\0')
        said = sc_json_get_text(error, "");
    if (said[0] == '\0')
        said = sc_json_get_text(sc_json_member(root, "detail"), "");
    struct sc_str s = sc_str_from(said);
    s.len = SC_MIN(s.len, (size_t)110);
    s.len = sc_utf8_valid_prefix(s);
    sc_utf8_append_printable(&text, s);
    const char *key = h->config->engine_http_key;
    out[0] = '\0';
    if (text.len > 0 && (key[0] == '\0' || strstr(sc_buf_text(&text), key) == NULL))
        (void)snprintf(out, 132, ": %.120s", sc_buf_text(&text));
    return out;
}

static bool is_about_model(const struct sc_json_value *root)
{
    const struct sc_json_value *error = sc_json_member(root, "error");
    return strcmp(sc_json_get_text(sc_json_member(error, "code"), ""), "model_not_found") == 0 ||
           strcmp(sc_json_get_text(sc_json_member(error, "param"), ""), "model") == 0;
}

static bool may_pass(int status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

static bool is_refusal_of_form(int status)
{
    return status == 400 || status == 415 || status == 422;
}

static enum sc_code refused(const struct http *h, const struct sc_answer *answer,
                            struct sc_str reply, size_t sent, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *root = NULL;
    char says[132];
    const char *url = h->config->engine_http_url;
    if (sc_json_parse(reply, &doc, NULL) == SC_OK)
        root = sc_json_root(doc);
    if (answer->status >= 300 && answer->status < 400)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "%.80s sends us elsewhere (%d, %.80s): set engine.http.url to where "
                            "the server is",
                            url, answer->status, answer->location);
    if (answer->status == 401 || answer->status == 403)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "%.100s refuses %s (%d): set %s", url,
                            h->config->engine_http_key[0] == '\0' ? "us without a key" : "our key",
                            answer->status, "engine.http.key");
    (void)server_says(h, root, says);
    if (is_about_model(root))
        return sc_error_field(err, SC_E_MODEL_ERROR, "model", "%.60s %s model '%.40s'%.100s", url,
                              answer->status == 404 ? "has no" : "refuses the", h->model, says);
    if (answer->status == 404)
        return sc_error_set(
            err, SC_E_ENGINE_UNAVAILABLE,
            "%.80s has nothing at …/v1" TRANSCRIBE_PATH " (404): check engine.http.url", url);
    if (answer->status == 413)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "%.80s takes no file of %zu bytes (413): lower engine.http.max_chunk_s",
                            url, sent);
    return sc_error_set(err, SC_E_ENGINE_ERROR, "%.80s answered %d%.120s", url, answer->status,
                        says);
}

/* ---- one request ---- */

struct call {
    struct http *http;
    const struct sc_engine_request *request;
    const struct sc_engine_stop *stop;
    struct sc_engine_result *result;
    struct sc_engine_wishes wishes;
    struct sc_answer answer;
    struct sc_buf reply;
};

static void add_field(struct sc_upload_field *fields, size_t *count, const char *name,
                      const char *value)
{
    if (value[0] != '\0')
        fields[(*count)++] = (struct sc_upload_field){ name, value };
}

static enum sc_code send_chunk(struct call *call, struct sc_error *err)
{
    static const char *const formats[DIALECT_COUNT_] = { "verbose_json", "verbose_json", "json" };
    const struct http *h = call->http;
    const struct sc_engine_request *request = call->request;
    struct sc_upload_field fields[8];
    size_t count = 0;
    unsigned char head[SC_WAV_HEAD];
    char temperature[24] = "";
    size_t bytes = request->samples * sizeof(*request->pcm);
    bool auto_language = strcmp(request->language, "auto") == 0 || call->wishes.translate;
    if (call->wishes.temperature >= 0)
        (void)snprintf(temperature, sizeof(temperature), "%g", call->wishes.temperature);
    add_field(fields, &count, "model", h->model);
    add_field(fields, &count, "response_format", formats[h->dialect]);
    add_field(fields, &count, "language", auto_language ? "" : request->language);
    add_field(fields, &count, "prompt", call->wishes.prompt);
    add_field(fields, &count, "temperature", temperature);
    if (h->dialect == VERBOSE_WORDS && !call->wishes.translate) {
        add_field(fields, &count, "timestamp_granularities[]", "segment");
        add_field(fields, &count, "timestamp_granularities[]", "word");
    }
    sc_wav_head(bytes, head);
    const struct sc_form form = {
        .path = call->wishes.translate ? TRANSLATE_PATH : TRANSCRIBE_PATH,
        .fields = fields,
        .field_count = count,
        .file_name = "chunk.wav",
        .file_type = "audio/wav",
        .head = { (const char *)head, sizeof(head) },
        .body = { (const char *)request->pcm, bytes },
        .timeout_ms = h->config->engine_http_timeout,
    };
    sc_client_set_stop(h->client, call->stop->fn, call->stop->ctx);
    call->reply.limit = (size_t)h->config->engine_http_max_bytes;
    call->answer = (struct sc_answer){ .retry_after_ms = -1 };
    return sc_client_form(h->client, &form, &call->answer, &call->reply, err);
}

static enum sc_code read_reply(struct call *call, struct sc_error *err)
{
    const char *url = call->http->config->engine_http_url;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    char says[132];
    struct sc_str text = sc_buf_str(&call->reply);
    if (sc_json_parse(text, &doc, NULL) != SC_OK)
        return sc_error_set(err, SC_E_ENGINE_ERROR,
                            "%.80s answered %d with no JSON (%.40s, %zu bytes): check "
                            "engine.http.url",
                            url, call->answer.status, call->answer.type, text.len);
    if (sc_json_member(sc_json_root(doc), "error") != NULL)
        return sc_error_set(err, SC_E_ENGINE_ERROR, "%.80s answered %d with an error%.120s", url,
                            call->answer.status, server_says(call->http, sc_json_root(doc), says));
    int64_t length_ms = (int64_t)call->request->samples / 16;
    return sc_answer_read(url, "json", text, length_ms, call->result, err);
}

/* One request. *again: the reason of the failure may pass. */
static enum sc_code attempt(struct call *call, bool *again, struct sc_error *err)
{
    struct sc_error why = { 0 };
    const char *url = call->http->config->engine_http_url;
    enum sc_code code = send_chunk(call, &why);
    *again = false;
    if (code == SC_E_CANCELLED)
        return sc_error_set(err, SC_E_CANCELLED, "stopped");
    if (code == SC_E_IO_ERROR)
        return sc_error_set(err, SC_E_ENGINE_ERROR,
                            "%.80s answers with more than engine.http.max_bytes (%lld)", url,
                            (long long)call->http->config->engine_http_max_bytes);
    *again = code != SC_OK || may_pass(call->answer.status);
    if (code == SC_E_TIMEOUT)
        return sc_error_set(err, SC_E_ENGINE_ERROR,
                            "%.80s did not answer within engine.http.timeout (%lld s)", url,
                            (long long)(call->http->config->engine_http_timeout / 1000));
    if (code != SC_OK)
        return sc_error_set(err, SC_E_ENGINE_ERROR, "%.220s", why.msg);
    if (call->answer.status >= 200 && call->answer.status < 300)
        return read_reply(call, err);
    return refused(call->http, &call->answer, sc_buf_str(&call->reply),
                   call->request->samples * sizeof(*call->request->pcm) + SC_WAV_HEAD, err);
}

/* Asks for less where the server refuses the form. When it refuses the least as well, that was not
 * the reason, and the next chunk is asked for in full again. */
static enum sc_code attempt_dialects(struct call *call, bool *again, struct sc_error *err)
{
    struct http *h = call->http;
    enum dialect before = h->dialect;
    for (;;) {
        enum sc_code code = attempt(call, again, err);
        if (code == SC_OK || !is_refusal_of_form(call->answer.status))
            return code;
        if (code == SC_E_MODEL_ERROR || h->dialect + 1 == DIALECT_COUNT_) {
            h->dialect = before;
            return code;
        }
        h->dialect++;
    }
}

/* ---- again ---- */

/* False when stop fired. */
static bool pause_for(int64_t ms, const struct sc_engine_stop *stop)
{
    int64_t end = sc_clock_mono_ms() + ms;
    for (int64_t left = ms; left > 0; left = end - sc_clock_mono_ms()) {
        if (stop->fn(stop->ctx))
            return false;
        sc_clock_sleep_ms(SC_MIN(left, LOOK_MS));
    }
    return !stop->fn(stop->ctx);
}

/* Doubled each time, with jitter, so that workers do not come back in step; what the server asks
 * for goes first. */
static int64_t pause_before(int retry, int64_t retry_after_ms)
{
    if (retry_after_ms >= 0)
        return retry_after_ms;
    uint32_t chance;
    sc_random_bytes(&chance, sizeof(chance));
    int64_t ms = SC_MIN((int64_t)BACKOFF_MIN_MS << SC_MIN(retry, 10), BACKOFF_MAX_MS);
    return ms / 2 + chance % (ms / 2 + 1);
}

static void note_failure(struct sc_engine_result *result, int attempts, const struct sc_error *err)
{
    if (result->log.len > 0)
        sc_buf_putc(&result->log, '\n');
    sc_buf_printf(&result->log, "request %d: %s", attempts, err->msg);
}

static enum sc_code ask(struct call *call, struct sc_error *err)
{
    int retries = (int)call->http->config->engine_http_retries;
    for (int retry = 0;; retry++) {
        bool again;
        enum sc_code code = attempt_dialects(call, &again, err);
        if (code == SC_OK || code == SC_E_CANCELLED)
            return code;
        note_failure(call->result, retry + 1, err);
        /* Longer waits are the queue's: the worker has other things to do. */
        if (!again || retry >= retries || call->answer.retry_after_ms > RETRY_AFTER_MAX_MS)
            return code;
        if (!pause_for(pause_before(retry, call->answer.retry_after_ms), call->stop))
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
    }
}

static enum sc_code one_chunk(struct http *h, const struct sc_engine_request *request,
                              struct sc_engine_result *result, const struct sc_engine_stop *stop,
                              struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct call call = { .http = h, .request = request, .stop = stop, .result = result };
    if (request->samples < SHORTEST_SAMPLES)
        return SC_OK;
    enum sc_code code = sc_engine_wishes_read(request->settings, &doc, &call.wishes, err);
    if (code == SC_OK)
        code = ask(&call, err);
    sc_buf_done(&call.reply);
    return code;
}

static enum sc_code http_transcribe(void *state, const struct sc_engine_request *requests,
                                    struct sc_engine_result *results, size_t count,
                                    const struct sc_engine_stop *stop, struct sc_error *err)
{
    for (size_t i = 0; i < count; i++) {
        results[i] = (struct sc_engine_result){ .code = SC_OK };
        results[i].code = one_chunk(state, &requests[i], &results[i], stop, &results[i].error);
        if (results[i].code == SC_E_CANCELLED) {
            for (size_t k = 0; k <= i; k++)
                sc_engine_result_done(&results[k]);
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
        }
    }
    return SC_OK;
}

const struct sc_engine_ops sc_engine_http = {
    .name = "http",
    .caps = http_caps,
    .usable = http_usable,
    .open = http_open,
    .transcribe = http_transcribe,
    .close = http_close,
};
