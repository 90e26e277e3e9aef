/* Jobs on files that are there, and on none. */

#include "rig.h"

#include "base/banned.h"

static const char *const noop[] = { "pipeline", "noop", NULL };

static enum sc_code submit(struct rig *r, int64_t owner, int64_t file, const char *const *pairs,
                           const char *key, struct sc_arrived *out, struct sc_error *err)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = options_from(pairs);
    return sc_pipelines_submit(r->p, owner, file, o, key, out, err);
}

static int64_t upload(struct rig *r)
{
    size_t size = 0;
    SC_AUTO_FREE char *wav = make_wav(1000, 8000, &size);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    const struct upload u = { .bytes = wav, .size = size };
    assert_int_equal(arrive(r, &u, &a, NULL), SC_OK);
    return a.file.id;
}

static void a_noop_runs_on_its_lane_and_ends_its_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    struct sc_chunk_work w;
    assert_int_equal(submit(&r, ANNA, 0, noop, NULL, &a, NULL), SC_OK);
    assert_int_equal(claim_lane(&r, "noop", 1, &w), 1);
    assert_int_equal(w.task.job, a.job.id);
    assert_int_equal(w.task.stage, SC_STAGE_NOOP);
    assert_int_equal(complete(&r, &w, NULL), SC_OK);
    SC_AUTO_JOB job = job_of(&r, a.job.id);
    assert_int_equal(job.state, SC_JOB_COMPLETED);
    assert_int_equal(sc_job_progress(r.queue, &job), 100);
    assert_int_equal(ask(&r, "SELECT count(*) FROM transcripts"), 0);
    bool repeated = false;
    assert_int_equal(complete(&r, &w, &repeated), SC_OK);
    assert_true(repeated);
    sc_chunk_work_done(&w);
}

static void noops_are_each_their_own_job_unless_a_key_says_otherwise(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
    static const char *const low[] = { "pipeline", "noop", "priority", "low", NULL };
    assert_int_equal(submit(&r, ANNA, 0, noop, NULL, &a, NULL), SC_OK);
    assert_int_equal(submit(&r, ANNA, 0, noop, "k", &b, NULL), SC_OK);
    assert_int_equal(submit(&r, ANNA, 0, noop, "k", &c, NULL), SC_OK);
    assert_true(a.job.id != b.job.id);
    assert_int_equal(c.job.id, b.job.id);
    assert_true(c.replayed);
    assert_int_equal(submit(&r, ANNA, 0, low, "k", &d, NULL), SC_E_IDEMPOTENCY_CONFLICT);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs"), 2);
}

static void a_key_stands_for_all_that_was_asked_for(void **state)
{
    (void)state;
    AUTO_RIG(r);
    static const char *const asked[] = { "pipeline", "noop", "run_after", "10m",
                                         "timeout",  "1h",   NULL };
    static const char *const others[][3] = {
        { "run_after", "11m" },     { "timeout", "2h" }, { "max_retries", "1" },
        { "priority_order", "-5" }, { "name", "x" },     { "force", "on" },
    };
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 }, b = { 0 };
    assert_int_equal(submit(&r, ANNA, 0, asked, "k", &a, NULL), SC_OK);
    sc_clock_sleep_ms(2); /* ten minutes from now are another time now, and the same request */
    assert_int_equal(submit(&r, ANNA, 0, asked, "k", &b, NULL), SC_OK);
    assert_true(b.replayed);
    for (size_t i = 0; i < SC_ARRAY_LEN(others); i++) {
        const char *pairs[10] = { "pipeline", "noop", others[i][0], others[i][1] };
        size_t n = 4;
        if (strcmp(others[i][0], "run_after") != 0) {
            pairs[n++] = "run_after";
            pairs[n++] = "10m";
        }
        if (strcmp(others[i][0], "timeout") != 0) {
            pairs[n++] = "timeout";
            pairs[n++] = "1h";
        }
        SC_AUTO(sc_arrived_done) struct sc_arrived c = { 0 };
        assert_int_equal(submit(&r, ANNA, 0, pairs, "k", &c, NULL), SC_E_IDEMPOTENCY_CONFLICT);
    }
}

static enum sc_code cost_of(struct rig *r, int64_t owner, int64_t file, const char *const *pairs,
                            struct sc_cost *out)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = options_from(pairs);
    return sc_pipelines_submit_cost(r->p, owner, file, o, out, NULL);
}

static void what_a_job_would_cost_is_told_and_nothing_is_made(void **state)
{
    (void)state;
    static const char *const short_ones[] = { "engine",       "null", "vad", "off",
                                              "chunk_length", "5s",   NULL };
    AUTO_RIG(r);
    struct sc_cost cost;
    int64_t file = upload(&r);
    assert_int_equal(cost_of(&r, ANNA, file, null_job, &cost), SC_OK);
    assert_int_equal(cost.file_id, file);
    assert_string_equal(cost.job_id, "");
    assert_string_equal(cost.engine, "null");
    assert_int_equal(cost.duration_ms, 1000);
    assert_int_equal(cost.chunks, 1);
    assert_int_equal(cost.streams, 1);
    assert_int_equal(cost.estimate_ms, -1); /* no job has told yet */
    assert_int_equal(cost.storage_bytes, 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs"), 0);
    assert_int_equal(cost_of(&r, BERT, file, null_job, &cost), SC_E_FILE_NOT_FOUND);
    assert_int_equal(cost_of(&r, ANNA, 0, null_job, &cost), SC_E_INVALID_VALUE);
    assert_int_equal(cost_of(&r, ANNA, 0, noop, &cost), SC_OK);

    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    assert_int_equal(submit(&r, ANNA, file, null_job, NULL, &a, NULL), SC_OK);
    assert_int_equal(write_sql(r.f.store, "UPDATE jobs SET state = 2, admission = 3, "
                                          "completed_ms = 1, processing_ms = 250"),
                     SC_OK);
    assert_int_equal(cost_of(&r, ANNA, file, null_job, &cost), SC_OK);
    assert_string_equal(cost.job_id, a.job.job_id);
    assert_int_equal(cost_of(&r, ANNA, file, short_ones, &cost), SC_OK);
    assert_string_equal(cost.job_id, "");
    assert_int_equal(cost.estimate_ms, 250);
    assert_int_equal(write_sql(r.f.store, "UPDATE files SET duration_ms = 21000"), SC_OK);
    assert_int_equal(cost_of(&r, ANNA, file, short_ones, &cost), SC_OK);
    assert_int_equal(cost.chunks, 5); /* 0-5, 4-9, 8-13, 12-17, 16-21 */
}

static void what_changes_no_text_makes_no_other_job(void **state)
{
    (void)state;
#define WHISPER "engine", "whisper", "model", "/nowhere/ggml-x.bin"
    static const char *const plain[] = { WHISPER, NULL };
    static const char *const same[][7] = {
        { WHISPER, "threads", "2", NULL },
        { WHISPER, "device", "cpu", NULL },
        { WHISPER, "beam_size", "1", NULL },
        { WHISPER, "temperature", "0", NULL },
    };
    static const char *const other[] = { WHISPER, "beam_size", "2", NULL };
    static const char *const threads[] = { WHISPER, "beam_size", "2", "threads", "2", NULL };
#undef WHISPER
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 }, b = { 0 }, again = { 0 };
    int64_t file = upload(&r);
    assert_int_equal(submit(&r, ANNA, file, plain, NULL, &a, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(same); i++) {
        SC_AUTO(sc_arrived_done) struct sc_arrived c = { 0 };
        struct sc_cost cost;
        assert_int_equal(submit(&r, ANNA, file, same[i], NULL, &c, NULL), SC_OK);
        assert_true(c.existing_job);
        assert_int_equal(cost_of(&r, ANNA, file, same[i], &cost), SC_OK);
        assert_string_equal(cost.job_id, a.job.job_id);
    }
    /* The engine is told all the same. */
    assert_int_equal(submit(&r, ANNA, file, threads, NULL, &b, NULL), SC_OK);
    assert_false(b.existing_job);
    assert_non_null(strstr(b.job.settings, "\"threads\":2"));
    assert_int_equal(submit(&r, ANNA, file, other, NULL, &again, NULL), SC_OK);
    assert_string_equal(again.job.job_id, b.job.job_id);
}

static void a_file_must_be_given_where_it_is_needed_and_be_ones_own(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    struct sc_error err = { 0 };
    int64_t file = upload(&r);
    assert_int_equal(submit(&r, ANNA, 0, null_job, NULL, &a, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "file_id");
    err = (struct sc_error){ 0 };
    assert_int_equal(submit(&r, ANNA, file, noop, NULL, &a, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "file_id");
    assert_int_equal(submit(&r, ANNA, file + 7, null_job, NULL, &a, NULL), SC_E_FILE_NOT_FOUND);
    assert_int_equal(submit(&r, BERT, file, null_job, NULL, &a, NULL), SC_E_FILE_NOT_FOUND);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs"), 0);
    assert_int_equal(submit(&r, ANNA, file, null_job, NULL, &a, NULL), SC_OK);
    assert_int_equal(a.file.id, file);
    assert_int_equal(a.job.duration_ms, 1000);
}

static void engines_that_are_not_there_are_named_with_those_that_are(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    struct sc_error err = { 0 };
    static const char *const parrot[] = { "engine", "parrot", NULL };
    int64_t file = upload(&r);
    assert_int_equal(submit(&r, ANNA, file, parrot, NULL, &a, &err), SC_E_ENGINE_UNAVAILABLE);
    assert_string_equal(err.field, "engine");
    assert_non_null(strstr(err.msg, "parrot"));
    assert_non_null(strstr(err.msg, "null"));
}

static void what_the_engine_cannot_do_is_refused_before_it_queues(void **state)
{
    (void)state;
    AUTO_RIG(r);
    static const char *const german[] = { "engine", "pocketsphinx", "language", "de", NULL };
    static const char *const english[] = { "engine", "pocketsphinx", "language", "en-GB", NULL };
    static const char *const any[] = { "engine", "null", "language", "de", NULL };
    static const char *const translate[] = { "engine", "null", "task", "translate", NULL };
    const struct {
        const char *const *options;
        const char *field; /* "": taken */
    } cases[] = { { german, "language" }, { english, "" }, { any, "" }, { translate, "task" } };
    int64_t file = upload(&r);
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
        struct sc_error err = { 0 };
        enum sc_code code = submit(&r, ANNA, file, cases[i].options, NULL, &a, &err);
        assert_int_equal(code, cases[i].field[0] == '\0' ? SC_OK : SC_E_INVALID_VALUE);
        assert_string_equal(err.field, cases[i].field);
    }
}

static void retries_asked_for_are_the_jobs_own(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 }, b = { 0 };
    static const char *const none[] = { "pipeline", "noop", "max_retries", "0", NULL };
    assert_int_equal(submit(&r, ANNA, 0, noop, NULL, &a, NULL), SC_OK);
    assert_int_equal(submit(&r, ANNA, 0, none, NULL, &b, NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT max_failures FROM jobs WHERE id = 1"), -1);
    assert_int_equal(ask(&r, "SELECT max_failures FROM jobs WHERE id = 2"), 1);
}

static void engines_that_could_not_be_listed_are_asked_for_again(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 };
    struct sc_engines *e = &r.p->engines;
    int64_t file = upload(&r);
    const char *given = getenv("SCRIPTA_MEDIA");
    assert_non_null(given);
    SC_AUTO_FREE char *media = strdup(given);
    const struct sc_config *config = e->config;
    sc_engines_done(e);
    assert_int_equal(setenv("SCRIPTA_MEDIA", "/nowhere/scripta-media", 1), 0);
    sc_engines_init(e, config);
    sc_engines_start(e);
    struct sc_error err = { 0 };
    enum sc_code code = submit(&r, ANNA, file, null_job, NULL, &a, &err);
    assert_int_equal(setenv("SCRIPTA_MEDIA", media, 1), 0);
    assert_int_equal(code, SC_E_IO_ERROR); /* condemns no job that waits for it */
    assert_int_equal(submit(&r, ANNA, file, null_job, NULL, &a, NULL), SC_E_IO_ERROR);
    e->answered_ms -= 10000; /* as if so long ago */
    assert_int_equal(submit(&r, ANNA, file, null_job, NULL, &a, NULL), SC_OK);
}

static void the_settings_of_a_job_are_resolved_when_it_is_made(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 }, b = { 0 };
    static const char *const bare[] = { "vad", "off", NULL };
    int64_t file = upload(&r);
    free(r.config->engine_default);
    r.config->engine_default = strdup("null");
    assert_int_equal(submit(&r, ANNA, file, bare, NULL, &a, NULL), SC_OK);
    assert_string_equal(a.job.engine, "null");
    assert_non_null(strstr(a.job.settings, "\"engine\":\"null\""));
    assert_non_null(strstr(a.job.settings, "\"vad\":false"));
    /* Said or left to the default: the same work. */
    assert_int_equal(submit(&r, ANNA, file, null_job, NULL, &b, NULL), SC_OK);
    assert_true(b.existing_job);
}

static struct sc_engine_row *engine_row(struct rig *r, const char *name)
{
    struct sc_engine_table *t = r->p->engines.table;
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].name, name) == 0)
            return &t->rows[i];
    }
    fail_msg("no engine %s", name);
    return NULL;
}

static void auto_takes_the_best_engine_and_says_what_it_passed_over(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_arrived_done) struct sc_arrived a = { 0 }, b = { 0 };
    struct sc_engine_row row;
    struct sc_error err = { 0 };
    static const char *const named[] = { "engine", "auto", "vad", "off", NULL };
    static const char *const bare[] = { "vad", "off", NULL };
    int64_t file = upload(&r);
    assert_int_equal(sc_engines_get(&r.p->engines, "null", &row, &err), SC_OK);
    engine_row(&r, "pocketsphinx")->usable = true;
    assert_string_equal(r.config->engine_default, "auto");
    assert_int_equal(submit(&r, ANNA, file, bare, NULL, &a, &err), SC_OK);
    assert_string_equal(a.job.engine, "pocketsphinx");
    assert_non_null(strstr(a.job.settings, "\"engine\":\"pocketsphinx\""));
    assert_int_equal(submit(&r, ANNA, file, named, NULL, &b, NULL), SC_OK);
    assert_true(b.existing_job); /* said, or meant: the same work */

    /* A better one that cannot run is told of, one that can is taken. */
    struct sc_engine_row *better = engine_row(&r, "whisper");
    (void)snprintf(better->reason, sizeof(better->reason), "no instructions for it");
    better->usable = false;
    assert_int_equal(sc_engines_get(&r.p->engines, "auto", &row, NULL), SC_OK);
    assert_string_equal(row.name, "pocketsphinx");
    assert_string_equal(row.passed_over, "whisper cannot run here: no instructions for it");
    better->usable = true;
    better->default_model[0] = '\0';
    (void)snprintf(better->reason, sizeof(better->reason), "has no model: bring one");
    assert_int_equal(sc_engines_get(&r.p->engines, "auto", &row, NULL), SC_OK);
    assert_string_equal(row.name, "pocketsphinx");
    assert_string_equal(row.passed_over, "whisper has no model: bring one");
    better->default_model[0] = 'a';
    assert_int_equal(sc_engines_get(&r.p->engines, "auto", &row, NULL), SC_OK);
    assert_string_equal(row.name, "whisper");
    assert_string_equal(row.passed_over, "");

    better->usable = engine_row(&r, "pocketsphinx")->usable = false;
    (void)snprintf(engine_row(&r, "pocketsphinx")->reason, sizeof(row.reason), "install it");
    assert_int_equal(submit(&r, ANNA, file, bare, NULL, &a, &err), SC_E_ENGINE_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "bring one; pocketsphinx cannot run here: install it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_noop_runs_on_its_lane_and_ends_its_job),
        TEST(noops_are_each_their_own_job_unless_a_key_says_otherwise),
        TEST(a_key_stands_for_all_that_was_asked_for),
        TEST(what_a_job_would_cost_is_told_and_nothing_is_made),
        TEST(what_changes_no_text_makes_no_other_job),
        TEST(a_file_must_be_given_where_it_is_needed_and_be_ones_own),
        TEST(engines_that_are_not_there_are_named_with_those_that_are),
        TEST(engines_that_could_not_be_listed_are_asked_for_again),
        TEST(what_the_engine_cannot_do_is_refused_before_it_queues),
        TEST(retries_asked_for_are_the_jobs_own),
        TEST(the_settings_of_a_job_are_resolved_when_it_is_made),
        TEST(auto_takes_the_best_engine_and_says_what_it_passed_over),
    };
    return cmocka_run_group_tests_name("pipeline/submit", tests, NULL, NULL);
}
