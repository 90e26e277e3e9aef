/* What belongs to a job beside its row: logs and transcripts; and cleaning old jobs away. */

#include "api/content.h"

#include "base/clock.h"
#include "http/answer.h"

#include "base/banned.h"

#define LOG_BYTES ((size_t)256 << 10) /* of each stage, from the end */
/* As text: all that is kept, which is twice what a file is rotated at and some. */
#define LOG_TEXT_BYTES ((size_t)4 << 20)
#define LOG_LINES 1000
#define LOG_LINES_MAX 10000
#define CLEAN_DAYS 30
#define DAY_MS INT64_C(86400000)

static enum sc_code find(struct sc_request *req, struct sc_api *api, struct sc_conn **conn,
                         struct sc_job *job, struct sc_error *err)
{
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_path_job_id(req, id, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, conn, err);
    if (code == SC_OK)
        code = sc_job_find(*conn, sc_api_owner(req), id, job, err);
    return code;
}

/* ---- logs ---- */

struct log_query {
    int stage;     /* -1: all */
    int64_t lines; /* 0: not given */
    int format;
};

enum log_format { LOG_JSON, LOG_TEXT };

static const char *format_word(int index)
{
    static const char *const words[] = { [LOG_JSON] = "json", [LOG_TEXT] = "text" };
    return index < (int)SC_ARRAY_LEN(words) ? words[index] : NULL;
}

static const struct sc_query_field log_fields[] = {
    SC_QUERY_ROW(WORD, struct log_query, stage, "stage", .words = sc_words_stage,
                 .help = "Only this stage's"),
    SC_QUERY_ROW(NUMBER, struct log_query, lines, "lines", .min = 1, .max = LOG_LINES_MAX,
                 .help = "How many of the last lines; 1000 unless given", .example = "20"),
    SC_QUERY_ROW(WORD, struct log_query, format, "format", .words = format_word,
                 .help = "`json` unless given; `text`: the log of one stage as it is"),
};
static const struct sc_query log_query = SC_QUERY(log_fields);

/* The last n lines of a text; *cut: there are more. */
static struct sc_str last_lines(struct sc_str text, int64_t n, bool *cut)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.ptr[i - 1] == '\n' && i < text.len && --n == 0) {
            *cut = true;
            return (struct sc_str){ text.ptr + i, text.len - i };
        }
    }
    return text;
}

static enum sc_code put_log(struct sc_json *w, struct sc_api *api, const struct sc_job *job,
                            enum sc_stage stage, int64_t lines, struct sc_error *err)
{
    SC_AUTO_BUF all = { 0 };
    bool cut = false;
    struct sc_error missing = { 0 };
    enum sc_code code = sc_job_log_read(sc_config_now(api->options.config)->data_dir, job->job_id,
                                        stage, LOG_BYTES, &all, &cut, &missing);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return sc_error_copy(err, &missing);
    struct sc_str text = last_lines(sc_buf_str(&all), lines, &cut);
    sc_job_log_view(w, stage, text, cut);
    return SC_OK;
}

static enum sc_code read_log_query(struct sc_request *req, struct log_query *q,
                                   struct sc_error *err)
{
    *q = (struct log_query){ .stage = -1 };
    enum sc_code code = sc_query_read(req, &log_query, q, err);
    if (code != SC_OK || q->format == LOG_JSON)
        return code;
    if (q->stage < 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "stage",
                              "stage is missing: a log as text is that of one stage");
    if (q->lines > 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "lines",
                              "lines are counted in json; of a text, ask for a Range");
    return SC_OK;
}

static struct sc_done *answer_text(struct sc_request *req, struct sc_api *api,
                                   const struct sc_job *job, enum sc_stage stage)
{
    SC_AUTO_BUF body = { 0 };
    struct sc_error err = { 0 };
    bool cut = false;
    enum sc_code code = sc_job_log_read(sc_config_now(api->options.config)->data_dir, job->job_id,
                                        stage, LOG_TEXT_BYTES, &body, &cut, &err);
    if (code != SC_OK && code != SC_E_NOT_FOUND)
        return sc_reply_error(req, &err);
    return sc_reply_bytes_or_part(req, "text/plain; charset=utf-8", &body);
}

struct sc_done *sc_api_job_log(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_JOB job = { 0 };
    struct log_query q;
    enum sc_code code = read_log_query(req, &q, &err);
    if (code == SC_OK) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        code = find(req, api, &conn, &job, &err);
    }
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    if (q.format == LOG_TEXT)
        return answer_text(req, api, &job, (enum sc_stage)q.stage);
    int64_t lines = q.lines == 0 ? LOG_LINES : q.lines;
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "logs");
    for (int stage = 0; code == SC_OK && stage < SC_STAGE_COUNT_; stage++) {
        if (q.stage < 0 || q.stage == stage)
            code = put_log(&w, api, &job, (enum sc_stage)stage, lines, &err);
    }
    sc_json_end(&w);
    sc_json_end(&w);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- transcripts ---- */

static const struct sc_query_field transcript_fields[] = {
    SC_QUERY_PAGE_ROWS(SC_CURSOR_TRANSCRIPT),
};
static const struct sc_query transcript_query = SC_QUERY(transcript_fields);

struct sc_done *sc_api_job_transcripts(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_query_page asked = { .limit = SC_LIMIT_DEFAULT };

    enum sc_code code = sc_query_read(req, &transcript_query, &asked, &err);
    if (code == SC_OK)
        code = find(req, api, &conn, &job, &err);
    struct sc_transcript_filter filter = {
        .owner_id = sc_api_owner(req),
        .job = job.id,
        .limit = asked.limit,
        .before_id = asked.before,
    };
    if (code == SC_OK)
        code = sc_transcript_page(conn, &filter, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- clean ---- */

struct clean_body {
    int64_t older_than_days;
    struct sc_str status;
    bool with_transcripts, dry_run;
};

/* A filter of the body: jobs in other states have not ended. */
static const char *const ended_words[] = { "completed", "failed", "cancelled" };

static const char *ended_word(int index)
{
    return index < (int)SC_ARRAY_LEN(ended_words) ? ended_words[index] : NULL;
}

static const struct sc_json_field clean_fields[] = {
    SC_BODY(struct clean_body, older_than_days, INT, .max = 36500,
            .help = "Days since their end; 30 unless given", .example = "7"),
    SC_BODY(struct clean_body, status, TEXT, .words = ended_word, .help = "Only these"),
    SC_BODY(struct clean_body, with_transcripts, BOOL, .help = "Their transcripts and exports too",
            .example = "false"),
    SC_BODY(struct clean_body, dry_run, BOOL, .help = "Only count", .example = "true"),
};
static const struct sc_json_shape clean_shape = {
    .name = "CleanJobsRequest",
    .request = true,
    SC_SHAPE_FIELDS(clean_fields),
};

static enum sc_code decode_clean(struct sc_request *req, struct sc_clean *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct clean_body body = { .older_than_days = CLEAN_DAYS };
    struct sc_status_filter status = { .state = -1 };
    enum sc_code code = sc_request_read(req, &clean_shape, &body, &doc, err);
    if (code != SC_OK)
        return code;
    if (body.status.ptr != NULL)
        (void)sc_status_parse(body.status, &status); /* the table lets only known words in */
    out->before_ms = sc_clock_wall_ms() - body.older_than_days * DAY_MS;
    out->state = status.state;
    out->with_transcripts = body.with_transcripts;
    out->dry_run = body.dry_run;
    return SC_OK;
}

struct sc_done *sc_api_job_clean(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_clean clean = { .owner_id = sc_api_owner(req) };
    int64_t jobs = 0;
    enum sc_code code = decode_clean(req, &clean, &err);
    if (code == SC_OK)
        code = sc_pipelines_clean(api->options.pipelines, &clean, &jobs, &err);
    if (code == SC_OK)
        sc_cleaned_view(&body, jobs, clean.dry_run);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(job_log) = {
    .query = &log_query,
    .replies = { { 200, &sc_shape_logs },
                 { 200, .types = "text/plain" },
                 { 206, .types = "text/plain", .help = "The range asked for, of the text" } },
    .errors = { SC_E_JOB_NOT_FOUND },
    .flags = SC_DOC_RANGES,
};

SC_API_DOC(job_transcripts) = {
    .query = &transcript_query,
    .replies = { { 200, &sc_shape_transcripts } },
    .errors = { SC_E_JOB_NOT_FOUND },
};

SC_API_DOC(job_clean) = { .body = &clean_shape, .replies = { { 200, &sc_shape_jobs_cleaned } } };
