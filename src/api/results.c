/* What was said in a claimed task so far, and how it ended: complete, fail, release. */

#include "api/api-internal.h"
#include "api/heard.h"

#include "base/language.h"
#include "base/utf8.h"

#include <math.h>

#include "base/banned.h"

#define SECONDS_MAX 1e7 /* of one chunk: keeps sums of milliseconds far from overflow */

/* ---- complete ---- */

struct complete_body {
    int64_t worker_id, epoch, processing_ms, load_ms;
    struct sc_str language, log, carry;
    const struct sc_json_value *segments, *claim;
};

struct segment_body {
    double start, end, confidence, no_speech;
    struct sc_str text;
    const struct sc_json_value *words;
    struct sc_heard_asked heard;
};

struct word_body {
    double start, end, confidence;
    struct sc_str word;
};

static const struct sc_json_field word_fields[] = {
    SC_BODY(struct word_body, word, TEXT, .required = true, .min = 1, .max = 1024,
            .help = "The word", .example = "good"),
    SC_BODY(struct word_body, start, REAL, .required = true,
            .help = "In seconds from the start of the chunk", .example = "0.32"),
    SC_BODY(struct word_body, end, REAL, .required = true, .help = "In the same seconds",
            .example = "0.58"),
    SC_BODY(struct word_body, confidence, REAL, .help = "0 to 1"),
};
static const struct sc_json_shape word_shape = {
    .name = "WordResult",
    .request = true,
    SC_SHAPE_FIELDS(word_fields),
};

static const struct sc_json_field segment_fields[] = {
    SC_BODY(struct segment_body, start, REAL, .required = true,
            .help = "In seconds from the start of the chunk", .example = "0.32"),
    SC_BODY(struct segment_body, end, REAL, .required = true, .help = "In the same seconds",
            .example = "1.2"),
    SC_BODY(struct segment_body, text, TEXT, .required = true, .help = "What was said",
            .example = "good morning"),
    SC_BODY(struct segment_body, confidence, REAL, .help = "0 to 1", .example = "0.91"),
    SC_BODY(struct segment_body, no_speech, REAL,
            .help = "How likely nobody speaks here, 0 to 1; above the job's `no_speech_threshold` "
                    "the segment is left out"),
    SC_HEARD_ASKED_ROWS(struct segment_body,
                        "What the model says besides; kept beside the segment"),
    SC_BODY(struct segment_body, words, ARRAY, .items = SC_JSON_OBJECT, .of = &word_shape,
            .help = "At most 2000, and 100 for each second"),
};
static const struct sc_json_shape segment_shape = {
    .name = "SegmentResult",
    .request = true,
    SC_SHAPE_FIELDS(segment_fields),
};

struct next_body {
    int64_t max;
    const struct sc_json_value *lanes, *batch;
};

static const struct sc_json_field next_fields[] = {
    SC_BODY(struct next_body, lanes, ARRAY, .items = SC_JSON_TEXT, .required = true,
            .help = "`noop` and `engine:NAME`, 1 to 16", .example = "[\"engine:null\"]"),
    SC_BODY(struct next_body, max, INT, .required = true, .min = 1, .max = SC_CLAIM_MAX,
            .help = "How many tasks at most", .example = "1"),
    SC_BODY(struct next_body, batch, ARRAY, .items = SC_JSON_INT, .help = "As of a claim",
            .example = "[4]"),
};
static const struct sc_json_shape next_shape = {
    .name = "NextClaim",
    .request = true,
    SC_SHAPE_FIELDS(next_fields),
};

static const struct sc_json_field complete_fields[] = {
    SC_BODY(struct complete_body, worker_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the registration", .example = "3"),
    SC_BODY(struct complete_body, epoch, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the claim", .example = "1"),
    SC_BODY(struct complete_body, processing_ms, INT, .max = INT64_C(1) << 40,
            .help = "How long the engine took", .example = "20"),
    SC_BODY(struct complete_body, load_ms, INT, .min = 1, .max = INT64_C(1) << 40,
            .help = "How long it had to load the model before; left out where it had it",
            .example = "400"),
    SC_BODY(struct complete_body, language, TEXT, .max = 23,
            .help = "What it heard, as a code or name; what is no language counts as none"),
    SC_BODY(struct complete_body, segments, ARRAY, .items = SC_JSON_OBJECT, .of = &segment_shape,
            .help = "At most 1000, and 50 for each second", .example = "[]"),
    SC_BODY(struct complete_body, log, TEXT, .max = SC_CHUNK_LOG_MAX,
            .help = "What the engine said, as lines"),
    SC_BODY(struct complete_body, carry, TEXT, .max = SC_CHUNK_CARRY_MAX,
            .help = "Of a task with `until_ms`: what the next chunk is handed, in any form"),
    SC_BODY(struct complete_body, claim, OBJECT, .of = &next_shape,
            .help = "The worker's next tasks, claimed in the same transaction"),
};
static const struct sc_json_shape complete_shape = {
    .name = "TaskResult",
    .request = true,
    SC_SHAPE_FIELDS(complete_fields),
};

static bool is_span(double start, double end)
{
    return start >= 0 && start <= end && end <= SECONDS_MAX;
}

static int64_t to_ms(double seconds)
{
    return (int64_t)llround(seconds * 1000);
}

static enum sc_code bad_segment(size_t index, const char *why, struct sc_error *err)
{
    return sc_error_field(err, SC_E_INVALID_VALUE, "segments", "segment %zu: %s", index, why);
}

static enum sc_code no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_INTERNAL, "no memory for the result of a task");
}

static enum sc_code decode_word(const struct sc_json_value *value, size_t index,
                                struct sc_segment *segment, struct sc_error *err)
{
    struct word_body body = { .confidence = -1 };
    enum sc_code code = sc_request_object(value, "segments", &word_shape, &body, err);
    if (code != SC_OK)
        return code;
    if (!is_span(body.start, body.end) || body.confidence > 1)
        return bad_segment(index, "a word's times or confidence are out of range", err);
    bool added = sc_segment_add_word(segment, body.word, to_ms(body.start), to_ms(body.end),
                                     (float)body.confidence);
    return added ? SC_OK : no_memory(err);
}

static enum sc_code decode_segment(const struct sc_json_value *value, size_t index,
                                   struct sc_segments *out, struct sc_error *err)
{
    struct segment_body body = { .confidence = -1, .no_speech = -1 };
    enum sc_code code = sc_request_object(value, "segments", &segment_shape, &body, err);
    if (code != SC_OK)
        return code;
    if (!is_span(body.start, body.end) || body.confidence > 1 || body.no_speech > 1)
        return bad_segment(index, "its times, confidence or no_speech are out of range", err);
    struct sc_segment *segment = sc_segments_add(out);
    if (segment == NULL)
        return no_memory(err);
    segment->chunk = -1;
    segment->start_ms = to_ms(body.start);
    segment->end_ms = to_ms(body.end);
    segment->confidence = (float)body.confidence;
    segment->no_speech = (float)body.no_speech;
    segment->text = strndup(body.text.ptr, body.text.len);
    if (segment->text == NULL || !sc_heard_read(value, segment))
        return no_memory(err);
    for (size_t i = 0; code == SC_OK && i < sc_json_count(body.words); i++)
        code = decode_word(sc_json_at(body.words, i), index, segment, err);
    return code;
}

void sc_result_done(struct sc_chunk_result *r)
{
    sc_segments_done(&r->segments);
    sc_buf_done(&r->log);
    sc_buf_done(&r->carry);
}

static enum sc_code decode_next(const struct sc_json_value *value, struct sc_lanes *out,
                                struct sc_error *err)
{
    struct next_body body = { 0 };
    enum sc_code code = sc_request_object(value, "claim", &next_shape, &body, err);
    if (code == SC_OK)
        code = sc_lanes_read(body.lanes, body.batch, out, err);
    out->max = (int)body.max;
    return code;
}

static enum sc_code decode_segments(const struct sc_json_value *list, struct sc_segments *out,
                                    struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(list); i++)
        code = decode_segment(sc_json_at(list, i), i, out, err);
    return code == SC_OK ? sc_segments_check(out, err) : code;
}

/* Other chunks are heard in it: what is no language is as good as none. */
static void read_language(struct sc_str text, char out[SC_LANGUAGE_TEXT])
{
    if (text.len == 0 || !sc_language_code(text, out) || strcmp(out, "auto") == 0)
        out[0] = '\0';
}

enum sc_code sc_result_read(const struct sc_json_value *root, struct sc_chunk_result *out,
                            struct sc_lanes *next, struct sc_error *err)
{
    struct complete_body body = { 0 };
    enum sc_code code =
        sc_json_read(root, complete_fields, SC_ARRAY_LEN(complete_fields), &body, err);
    if (code == SC_OK)
        code = decode_segments(body.segments, &out->segments, err);
    if (code == SC_OK && body.claim != NULL)
        code = decode_next(body.claim, next, err);
    if (code != SC_OK)
        return code;
    out->fence.worker_id = body.worker_id;
    out->fence.epoch = body.epoch;
    out->processing_ms = body.processing_ms;
    out->load_ms = body.load_ms;
    sc_buf_put_str(&out->log, body.log);
    sc_buf_put_str(&out->carry, body.carry);
    read_language(body.language, out->language);
    return SC_OK;
}

static enum sc_code decode_complete(struct sc_request *req, struct sc_api *api,
                                    struct sc_chunk_result *out, struct sc_lanes *next,
                                    struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_path_number(req, SC_E_TASK_NOT_FOUND, &out->fence.task_id, err);
    if (code == SC_OK)
        code = sc_api_worker_body(req, api, &doc, err);
    return code == SC_OK ? sc_result_read(sc_json_root(doc), out, next, err) : code;
}

struct sc_done *sc_api_worker_complete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_result_done) struct sc_chunk_result result = { 0 };
    SC_AUTO(sc_claimed_done) struct sc_claimed claimed = { 0 };
    struct sc_lanes lanes = { .max = 0 };
    bool repeated = false;
    enum sc_code code = decode_complete(req, api, &result, &lanes, &err);
    /* A server that stops takes results and hands out nothing. */
    bool claims = code == SC_OK && lanes.max > 0 && !atomic_load(&api->stopping);
    if (claims)
        sc_claimed_begin(&claimed, result.fence.worker_id, &lanes);
    if (code == SC_OK)
        code = sc_chunk_complete(api->options.pipelines, &result, claims ? &claimed : NULL,
                                 &repeated, &err);
    if (code == SC_OK && api->options.worker_finished != NULL)
        api->options.worker_finished(api->options.ctx, result.fence.worker_id);
    /* One that claims in this way alone makes no other call for a long time. */
    if (code == SC_OK && claims && api->options.worker_heard != NULL)
        api->options.worker_heard(api->options.ctx, result.fence.worker_id);
    if (code == SC_OK)
        sc_completion_view(&reply, repeated, lanes.max > 0 ? &claimed : NULL);
    return sc_api_answer(req, code, &err, 200, &reply);
}

/* ---- said so far ---- */

struct so_far_body {
    int64_t worker_id, epoch, first;
    const struct sc_json_value *segments;
};

static const struct sc_json_field so_far_fields[] = {
    SC_BODY(struct so_far_body, worker_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the registration", .example = "3"),
    SC_BODY(struct so_far_body, epoch, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the claim", .example = "1"),
    SC_BODY(struct so_far_body, first, INT, .required = true, .max = INT32_MAX,
            .help = "How many segments of the task were told before", .example = "0"),
    SC_BODY(struct so_far_body, segments, ARRAY, .items = SC_JSON_OBJECT, .of = &segment_shape,
            .required = true, .help = "Those behind them; the bounds of a result hold for all",
            .example = "[{\"start\":0.32,\"end\":1.2,\"text\":\"good morning\"}]"),
};
static const struct sc_json_shape so_far_shape = {
    .name = "TaskSoFar",
    .request = true,
    SC_SHAPE_FIELDS(so_far_fields),
};

enum sc_code sc_so_far_read(const struct sc_json_value *root, struct sc_chunk_result *out,
                            int64_t *first, struct sc_error *err)
{
    struct so_far_body body = { 0 };
    enum sc_code code = sc_json_read(root, so_far_fields, SC_ARRAY_LEN(so_far_fields), &body, err);
    if (code == SC_OK)
        code = decode_segments(body.segments, &out->segments, err);
    out->fence.worker_id = body.worker_id;
    out->fence.epoch = body.epoch;
    *first = body.first;
    return code;
}

static enum sc_code decode_so_far(struct sc_request *req, struct sc_api *api,
                                  struct sc_chunk_result *out, struct sc_saying *what,
                                  struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_path_number(req, SC_E_TASK_NOT_FOUND, &out->fence.task_id, err);
    if (code == SC_OK)
        code = sc_api_worker_body(req, api, &doc, err);
    if (code == SC_OK)
        code = sc_so_far_read(sc_json_root(doc), out, &what->first, err);
    what->segments = &out->segments;
    what->given = out->segments.count;
    return code;
}

struct sc_done *sc_api_worker_segments(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_result_done) struct sc_chunk_result said = { 0 };
    struct sc_saying what = { 0 };
    enum sc_code code = decode_so_far(req, api, &said, &what, &err);
    if (code == SC_OK)
        code = sc_chunk_say(api->options.pipelines, &said.fence, &what, &err);
    if (code == SC_OK)
        sc_buf_puts(&reply, "{}");
    return sc_api_answer(req, code, &err, 200, &reply);
}

/* ---- fail and release ---- */

struct end_body {
    int64_t worker_id, epoch;
    struct sc_str code, message, log;
};

static const struct sc_json_field release_fields[] = {
    SC_BODY(struct end_body, worker_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the registration", .example = "3"),
    SC_BODY(struct end_body, epoch, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the claim", .example = "1"),
};
static const struct sc_json_shape release_shape = {
    .name = "TaskRelease",
    .request = true,
    SC_SHAPE_FIELDS(release_fields),
};

static const struct sc_json_field fail_fields[] = {
    SC_BODY(struct end_body, worker_id, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the registration", .example = "3"),
    SC_BODY(struct end_body, epoch, INT, .required = true, .min = 1, .max = INT64_MAX,
            .help = "Of the claim", .example = "1"),
    SC_BODY(struct end_body, code, TEXT, .required = true, .min = 1, .max = 40,
            .help = "One of the error codes", .example = "ENGINE_ERROR"),
    SC_BODY(struct end_body, message, TEXT, .max = 4096, .help = "The same as a sentence",
            .example = "out of memory"),
    SC_BODY(struct end_body, log, TEXT, .max = SC_CHUNK_LOG_MAX,
            .help = "What the engine said, as lines"),
};
static const struct sc_json_shape fail_shape = {
    .name = "TaskFailure",
    .request = true,
    SC_SHAPE_FIELDS(fail_fields),
};

struct task_end {
    struct sc_queue *queue;
    struct sc_fence fence;
    struct sc_error why;
};

static enum sc_code write_release(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct task_end *end = ctx;
    return sc_task_release(end->queue, tx, &end->fence, err);
}

static enum sc_code decode_why(const struct end_body *body, struct sc_error *out,
                               struct sc_error *err)
{
    char name[48];
    enum sc_code why;
    (void)snprintf(name, sizeof(name), "%.*s", (int)body->code.len, body->code.ptr);
    if (!sc_code_parse(name, &why) || why == SC_OK) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, "code", "'%s' is no error code",
                              sc_quote(body->code, quoted));
    }
    struct sc_str text = body->message.len > 0 ? body->message : sc_str_from(sc_code_text(why));
    text.len = SC_MIN(text.len, sizeof(out->msg) - 1);
    text.len = sc_utf8_valid_prefix(text);
    (void)sc_error_set(out, why, "%.*s", (int)text.len, text.ptr);
    return SC_OK;
}

static struct sc_done *end_task(struct sc_request *req, struct sc_api *api, bool failed)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct task_end end = { .queue = api->options.queue };
    struct end_body body = { 0 };

    enum sc_code code = sc_path_number(req, SC_E_TASK_NOT_FOUND, &end.fence.task_id, &err);
    if (code == SC_OK)
        code = sc_api_worker_body(req, api, &doc, &err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(doc), failed ? fail_fields : release_fields,
                            failed ? SC_ARRAY_LEN(fail_fields) : SC_ARRAY_LEN(release_fields),
                            &body, &err);
    if (code == SC_OK && failed)
        code = decode_why(&body, &end.why, &err);
    end.fence.worker_id = body.worker_id;
    end.fence.epoch = body.epoch;
    if (code == SC_OK && failed)
        code = sc_chunk_fail(api->options.pipelines, &end.fence, &end.why, body.log, &err);
    else if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_release, &end, &err);
    if (code == SC_OK)
        sc_buf_puts(&reply, "{}");
    return sc_api_answer(req, code, &err, 200, &reply);
}

struct sc_done *sc_api_worker_fail(struct sc_request *req, struct sc_api *api)
{
    return end_task(req, api, true);
}

struct sc_done *sc_api_worker_release(struct sc_request *req, struct sc_api *api)
{
    return end_task(req, api, false);
}

/* ---- described ---- */

#define TASK_ERRORS                                                          \
    {                                                                        \
        SC_E_TASK_NOT_FOUND, SC_E_NOT_FOUND, SC_E_LEASE_LOST, SC_E_CANCELLED \
    }

SC_API_DOC(worker_segments) = {
    .body = &so_far_shape,
    .replies = { { 200, &sc_shape_nothing } },
    .errors = { SC_E_TASK_NOT_FOUND, SC_E_NOT_FOUND, SC_E_LEASE_LOST },
};

SC_API_DOC(worker_complete) = {
    .body = &complete_shape,
    .replies = { { 200, &sc_shape_completion } },
    .errors = TASK_ERRORS,
};
SC_API_DOC(worker_fail) = {
    .body = &fail_shape,
    .replies = { { 200, &sc_shape_nothing } },
    .errors = TASK_ERRORS,
};
SC_API_DOC(worker_release) = {
    .body = &release_shape,
    .replies = { { 200, &sc_shape_nothing } },
    .errors = TASK_ERRORS,
};
