/* What a worker keeps loaded, with an engine that only counts. */
#include "media/engine-cache.h"

#include "models/models.h"

#include "testing.h"

#include "base/banned.h"

#define MB INT64_C(1000000)

static int opened, closed, asked;
static bool is_local;

static void count_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    (void)config;
    *out = (struct sc_engine_caps){ .languages = "" };
}

static void file_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    count_caps(config, out);
    out->model_files = true;
}

/* "30" takes 30 MB, and as much more as the job's options say. */
static enum sc_code count_memory(const struct sc_config *config, const char *model,
                                 const char *options, int64_t *out, struct sc_error *err)
{
    int64_t more = 0;
    (void)config;
    asked++;
    if (!sc_str_to_int64(sc_str_from(model), out))
        return sc_error_field(err, SC_E_MODEL_ERROR, "model", "no number");
    (void)sc_str_to_int64(sc_str_from(options), &more);
    *out = (*out + more) * MB;
    return SC_OK;
}

static enum sc_code count_open(const struct sc_config *config, const char *model,
                               const struct sc_engine_stop *stop, void **state,
                               struct sc_error *err)
{
    (void)config;
    if (stop != NULL && stop->fn(stop->ctx))
        return sc_error_set(err, SC_E_CANCELLED, "stopped");
    opened++;
    sc_clock_set(sc_clock_wall_ms(), sc_clock_mono_ms() + 5); /* loading takes its time */
    *state = strdup(model);
    return SC_OK;
}

static void count_close(void *state)
{
    closed++;
    free(state);
}

static const struct sc_engine_ops counting = {
    .name = "counting",
    .caps = count_caps,
    .memory = count_memory,
    .open = count_open,
    .close = count_close,
};
static const struct sc_engine_ops of_files = {
    .name = "files",
    .caps = file_caps,
    .open = count_open,
    .close = count_close,
};

/* Somebody copies another model over the file while it is read. */
static struct test_dir *copied_over;

static enum sc_code open_late(const struct sc_config *config, const char *model,
                              const struct sc_engine_stop *stop, void **state, struct sc_error *err)
{
    test_write(copied_over, "ggml-a.bin", "longer than before");
    return count_open(config, model, stop, state, err);
}

static const struct sc_engine_ops overtaken = {
    .name = "overtaken",
    .caps = file_caps,
    .open = open_late,
    .close = count_close,
};

static char empty[] = "";

static struct sc_config settings(void)
{
    return (struct sc_config){ .data_dir = empty,
                               .models_dir = empty,
                               .models_system_dir = empty,
                               .engine_whisper_model = empty,
                               .engine_keep = 1000,
                               .engine_memory = 100 * MB };
}

static enum sc_code ask(struct engine_cache *c, const struct sc_engine_ops *engine,
                        const char *model, const char *hash, struct engine_open **out,
                        struct sc_error *err)
{
    static const char *const none[] = { "" };
    const struct engine_wanted wanted = { engine, model, hash, is_local, none, 1 };
    return engine_cache_get(c, &wanted, NULL, out, err);
}

static struct engine_open *get(struct engine_cache *c, const char *model)
{
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    if (ask(c, &counting, model, "", &open, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(open->model, model);
    assert_string_equal(open->state, model);
    sc_clock_set(sc_clock_wall_ms(), sc_clock_mono_ms() + 10);
    engine_cache_used(open);
    return open;
}

static int reset(void **state)
{
    (void)state;
    opened = closed = asked = 0;
    is_local = true;
    sc_clock_set(1000, 1000);
    return 0;
}

static int real_time(void **state)
{
    (void)state;
    sc_clock_set(-1, -1);
    return 0;
}

static void what_fits_is_kept_and_the_oldest_goes_first(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    assert_int_equal(get(&c, "30")->load_ms, 5);
    (void)get(&c, "40");
    (void)get(&c, "30");
    assert_int_equal(opened, 2);
    (void)get(&c, "20"); /* 90 */
    assert_int_equal(closed, 0);
    (void)get(&c, "50"); /* 40 was not needed for longest, and is enough */
    assert_int_equal(closed, 1);
    (void)get(&c, "30");
    (void)get(&c, "20");
    (void)get(&c, "50");
    assert_int_equal(opened, 4);
    (void)get(&c, "31"); /* 30, then 20 have to go */
    assert_int_equal(closed, 3);
    assert_int_equal(c.count, 2);
    (void)get(&c, "100"); /* all of it, alone */
    assert_int_equal(c.count, 1);
    assert_int_equal(closed, 5);
}

static void what_can_never_fit_is_refused_with_both_figures(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    (void)get(&c, "60");
    assert_int_equal(ask(&c, &counting, "101", "", &open, &err), SC_E_MODEL_ERROR);
    assert_string_equal(err.msg, "the model '101' needs 101 MB of memory and a worker may spend "
                                 "100 MB: choose a smaller one, or raise engine.memory");
    assert_int_equal(ask(&c, &counting, "x", "", &open, &err), SC_E_MODEL_ERROR);
    assert_int_equal(opened, 1); /* nothing was loaded for it, and nothing went */
    assert_int_equal(closed, 0);
}

/* A job of many hypotheses makes what is open larger, for which others go, or is too much. */
static void what_jobs_want_of_it_counts(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    static const char *const jobs[] = { "", "10", "", "41", "71" };
    struct engine_wanted wanted = { &counting, "30", "", true, jobs, 3 };
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    (void)get(&c, "60");
    assert_int_equal(engine_cache_get(&c, &wanted, NULL, &open, &err), SC_OK);
    assert_int_equal(open->bytes, 40 * MB);
    assert_int_equal(c.count, 2);
    engine_cache_used(open);
    wanted = (struct engine_wanted){ &counting, "30", "", true, jobs + 3, 1 };
    assert_int_equal(engine_cache_get(&c, &wanted, NULL, &open, &err), SC_OK);
    assert_int_equal(open->bytes, 71 * MB);
    assert_int_equal(closed, 1); /* the other */
    assert_int_equal(opened, 2);
    int before = asked; /* about the same wishes once */
    assert_int_equal(engine_cache_get(&c, &wanted, NULL, &open, &err), SC_OK);
    assert_int_equal(asked, before);
    wanted.options++;
    assert_int_equal(engine_cache_get(&c, &wanted, NULL, &open, &err), SC_E_MODEL_ERROR);
    assert_string_equal(err.field, "beam_size");
    assert_non_null(strstr(
        err.msg, "needs 101 MB of memory with the job's beam_size, best_of and chunk_length"));
    assert_int_equal(engine_cache_get(&c, &wanted, NULL, &open, &err), SC_E_MODEL_ERROR);
    assert_int_equal(c.count, 1); /* it stays for others */
    assert_int_equal(closed, 1);
    wanted.options--;
    assert_int_equal(engine_cache_get(&c, &wanted, NULL, &open, &err), SC_OK);
    assert_int_equal(opened, 2);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

/* A worker that is asked to end, or whose job was cancelled, while it loads. */
static void what_was_stopped_while_it_was_loaded_is_not_there(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    static const char *const none[] = { "" };
    const struct engine_wanted wanted = { &counting, "30", "", true, none, 1 };
    const struct sc_engine_stop stop = { at_once, NULL };
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    assert_int_equal(engine_cache_get(&c, &wanted, &stop, &open, &err), SC_E_CANCELLED);
    assert_null(open);
    assert_int_equal(c.count, 0);
    (void)get(&c, "30");
    /* What is there needs no loading that could be stopped. */
    assert_int_equal(engine_cache_get(&c, &wanted, &stop, &open, &err), SC_OK);
    assert_int_equal(opened, 1);
}

static void many_small_ones_are_too_many(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    char model[16];
    for (int i = 1; i <= ENGINE_CACHE_MAX + 1; i++) {
        (void)snprintf(model, sizeof(model), "%d", i);
        (void)get(&c, model);
    }
    assert_int_equal(c.count, ENGINE_CACHE_MAX);
    assert_int_equal(closed, 1);
    assert_string_equal(c.rows[0].model, "2");
}

static void what_nobody_needs_goes_after_a_while(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    assert_int_equal(engine_cache_next_ms(&c), -1);
    assert_false(engine_cache_expire(&c));
    (void)get(&c, "1"); /* until 1015 */
    sc_clock_set(1500, 1500);
    (void)get(&c, "2");
    assert_int_equal(engine_cache_next_ms(&c), 2015);
    sc_clock_set(2014, 2014);
    assert_false(engine_cache_expire(&c));
    sc_clock_set(2015, 2015);
    assert_true(engine_cache_expire(&c));
    assert_int_equal(c.count, 1);
    assert_string_equal(c.rows[0].model, "2");
    sc_clock_set(9000, 9000);
    assert_true(engine_cache_expire(&c));
    assert_int_equal(c.count, 0);
    assert_int_equal(closed, 2);
}

static void a_file_that_was_replaced_is_loaded_anew(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    char path[PATH_MAX];
    config.models_dir = dir.path;
    assert_int_equal(ask(&c, &of_files, "a", "", &open, &err), SC_E_MODEL_ERROR);
    test_write(&dir, "ggml-a.bin", "one");
    assert_int_equal(ask(&c, &of_files, "a", "", &open, NULL), SC_OK);
    assert_int_equal(ask(&c, &of_files, "a", "", &open, NULL), SC_OK);
    assert_int_equal(opened, 1);
    test_write(&dir, "ggml-a.bin", "other");
    assert_int_equal(ask(&c, &of_files, "a", "", &open, NULL), SC_OK);
    assert_int_equal(opened, 2);
    assert_int_equal(closed, 1);
    assert_int_equal(unlink(test_path(&dir, "ggml-a.bin", path)), 0);
    assert_int_equal(ask(&c, &of_files, "a", "", &open, NULL), SC_E_MODEL_ERROR);
}

/* Of a file whose sum is not known, its size and time tell. */
static void a_job_is_not_heard_by_another_file(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    SC_AUTO_MODEL m = { 0 };
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    config.models_dir = dir.path;
    test_write(&dir, "ggml-a.bin", "one");
    assert_int_equal(sc_models_find(&config, "a", &m, NULL), SC_OK);
    const struct sc_model_identity id = sc_model_identify(&m);
    assert_int_equal(ask(&c, &of_files, "a", id.text, &open, NULL), SC_OK);
    test_write(&dir, "ggml-a.bin", "other");
    assert_int_equal(ask(&c, &of_files, "a", id.text, &open, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "was replaced after this job was made"));
    assert_int_equal(ask(&c, &of_files, "a", "sha256:00", &open, &err), SC_E_MODEL_ERROR);
    assert_int_equal(opened, 1);
    /* On another machine a copy has another time. */
    is_local = false;
    assert_int_equal(ask(&c, &of_files, "a", id.text, &open, &err), SC_OK);
    assert_int_equal(ask(&c, &of_files, "a", "sha256:00", &open, &err), SC_OK);
}

static void what_was_replaced_while_it_was_loaded_is_not_kept(void **state)
{
    (void)state;
    struct sc_config config = settings();
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(engine_cache_close) struct engine_cache c = { .config = &config };
    struct engine_open *open = NULL;
    struct sc_error err = { 0 };
    config.models_dir = dir.path;
    copied_over = &dir;
    test_write(&dir, "ggml-a.bin", "one");
    assert_int_equal(ask(&c, &overtaken, "a", "", &open, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "replaced while it was loaded"));
    assert_null(open);
    assert_int_equal(c.count, 0);
    assert_int_equal(closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fits_is_kept_and_the_oldest_goes_first, reset,
                                        real_time),
        cmocka_unit_test_setup_teardown(what_can_never_fit_is_refused_with_both_figures, reset,
                                        real_time),
        cmocka_unit_test_setup_teardown(what_jobs_want_of_it_counts, reset, real_time),
        cmocka_unit_test_setup_teardown(what_was_stopped_while_it_was_loaded_is_not_there, reset,
                                        real_time),
        cmocka_unit_test_setup_teardown(many_small_ones_are_too_many, reset, real_time),
        cmocka_unit_test_setup_teardown(what_nobody_needs_goes_after_a_while, reset, real_time),
        cmocka_unit_test_setup_teardown(a_file_that_was_replaced_is_loaded_anew, reset, real_time),
        cmocka_unit_test_setup_teardown(a_job_is_not_heard_by_another_file, reset, real_time),
        cmocka_unit_test_setup_teardown(what_was_replaced_while_it_was_loaded_is_not_kept, reset,
                                        real_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
