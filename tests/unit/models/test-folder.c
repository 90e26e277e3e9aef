#include "models/shelf.h"

#include <utime.h>

#include "base/banned.h"

static void check_found(struct shelf *s, const char *name, const char *found)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    if (sc_models_find(&s->config, name, &m, &err) != SC_OK)
        fail_msg("%s: %s", name, err.msg);
    assert_string_equal(m.name, found);
}

static void check_missing(struct shelf *s, const char *name, const char *said)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_models_find(&s->config, name, &m, &err), SC_E_MODEL_ERROR);
    assert_string_equal(err.field, "model");
    if (strstr(err.msg, said) == NULL)
        fail_msg("%s", err.msg);
}

static void learn(struct shelf *s, const char *name)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    if (sc_models_verify(&s->config, name, NULL, &m, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

static void a_name_means_a_file_or_its_best_precision(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    shelf_put(&s, "models/ggml-base.en.bin", 0, TEST_MODEL_ENGLISH);
    shelf_put(&s, "models/ggml-small-q5_0.bin", 0, 0);
    shelf_put(&s, "models/ggml-small-q8_0.bin", 0, 0);
    shelf_put(&s, "models/own.bin", 0, 0);
    check_found(&s, "base.en", "base.en");
    check_found(&s, "ggml-base.en.bin", "base.en");
    check_found(&s, "small", "small-q8_0");
    check_found(&s, "small-q5_0", "small-q5_0");
    check_found(&s, "own", "own");
    check_missing(&s, "base", "say base.en, own, small-q5_0, small-q8_0, or bring it");
    check_missing(&s, "models/own.bin", "is neither");
    check_missing(&s, "../own", "is neither");
    SC_AUTO_FREE char *full = shelf_path(&s, "models/own.bin");
    check_found(&s, full, "own");
    check_missing(&s, s.dir.path, "there is no model at");
    check_missing(&s, "/nonsuch.bin", "there is no model at '/nonsuch.bin'");
}

/* Whoever may name a path may have written what lies beside it. */
static void facts_count_in_the_models_folders_alone(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    char path[PATH_MAX];
    SC_AUTO_FREE char *inside = shelf_path(&s, "models/ggml-own.bin");
    SC_AUTO_FREE char *outside = shelf_path(&s, "ggml-own.bin");
    shelf_put(&s, "models/ggml-own.bin", 0, 0);
    learn(&s, "own");
    SC_AUTO_MODEL in = { 0 }, out = { 0 }, beside = { 0 };
    assert_int_equal(sc_models_find(&s.config, inside, &in, NULL), SC_OK);
    assert_true(in.is_known);
    SC_AUTO_FREE char *note = shelf_path(&s, "models/ggml-own.bin.json");
    assert_int_equal(rename(note, test_path(&s.dir, "ggml-own.bin.json", path)), 0);
    assert_int_equal(rename(inside, outside), 0);
    assert_int_equal(sc_models_find(&s.config, outside, &out, NULL), SC_OK);
    assert_false(out.has_facts);
    /* What cannot be told apart by its facts alone: they would fit. */
    assert_int_equal(rename(outside, inside), 0);
    assert_int_equal(rename(path, note), 0);
    assert_int_equal(sc_models_find(&s.config, inside, &beside, NULL), SC_OK);
    assert_true(beside.is_known);
}

/* A pipe would be waited for; so would each request that looks at the models. */
static void pipes_in_the_folder_hold_nobody_up(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    char path[PATH_MAX];
    shelf_put(&s, "models/ggml-a.bin", 0, 0);
    assert_int_equal(mkfifo(test_path(&s.dir, "models/ggml-a.bin.json", path), 0600), 0);
    assert_int_equal(mkfifo(test_path(&s.dir, "models/ggml-b.bin", path), 0600), 0);
    assert_int_equal(sc_models_find(&s.config, "a", &m, NULL), SC_OK);
    assert_false(m.has_facts);
    check_missing(&s, "b", "there is no model 'b': say a, or");
    struct sc_error err = { 0 };
    struct sc_model_facts facts = { 0 };
    assert_int_equal(mkdir(test_path(&s.dir, "models/safe", path), 0700), 0);
    SC_AUTO_FREE char *folder = strdup(path);
    test_write_bytes(&s.dir, "models/safe/model.safetensors", "\2\0\0\0\0\0\0\0{}", 10);
    assert_int_equal(mkfifo(test_path(&s.dir, "models/safe/config.json", path), 0600), 0);
    assert_int_equal(sc_models_inspect(folder, &facts, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "its config.json is no file"));
}

static void what_is_no_model_is_not_listed(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODELS all = { 0 };
    char path[PATH_MAX];
    assert_int_equal(sc_models_list(&s.config, &all, NULL), SC_OK);
    assert_int_equal(all.count, 0);
    check_missing(&s, "", "whisper has no model: `scripta models add FILE`");

    test_write(&s.dir, "models/.base.part", "x");
    test_write(&s.dir, "models/ggml-.bin", "x");
    test_write(&s.dir, "models/-a.bin", "x");
    test_write(&s.dir, "models/with space.bin", "x");
    test_write(&s.dir, "models/base.bin.json", "{}");
    assert_int_equal(mkdir(test_path(&s.dir, "models/empty", path), 0700), 0);
    assert_int_equal(mkdir(test_path(&s.dir, "models/folder.bin", path), 0700), 0);
    assert_int_equal(mkdir(test_path(&s.dir, "models/distil", path), 0700), 0);
    test_write(&s.dir, "models/distil/model.safetensors", "not looked at here");
    assert_int_equal(sc_models_list(&s.config, &all, NULL), SC_OK);
    assert_int_equal(all.count, 1);
    assert_string_equal(all.rows[0].name, "distil");
    assert_true(all.rows[0].is_folder);
    assert_false(all.rows[0].is_known);
    assert_int_equal(all.rows[0].size_bytes, 18);
    assert_int_equal(sc_model_memory(&all.rows[0], NULL), -1);
    /* But what looks like a model is named. */
    SC_AUTO_BUF said = { 0 };
    SC_AUTO_BUF more = { 0 };
    sc_models_warn(&all, &said);
    assert_non_null(strstr(sc_buf_text(&said), "folder: '-a.bin', 'folder.bin', 'ggml-.bin', 'with "
                                               "space.bin': a model is a file NAME.bin"));
    sc_models_done(&all);
    test_write(&s.dir, "models/ggml-\xc3\xa9.bin", "x");
    assert_int_equal(mkfifo(test_path(&s.dir, "models/ggml-pipe.bin", path), 0600), 0);
    assert_int_equal(sc_models_list(&s.config, &all, NULL), SC_OK);
    sc_models_warn(&all, &more);
    assert_non_null(strstr(sc_buf_text(&more), "'ggml-\xc3\xa9.bin' and 1 more: a model is"));
}

static void our_folder_goes_before_the_systems(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODELS all = { 0 };
    shelf_put(&s, "system/ggml-a.bin", 2, 0);
    shelf_put(&s, "system/ggml-b.bin", 0, 0);
    shelf_put(&s, "models/ggml-a.bin", 0, 0);
    assert_int_equal(sc_models_list(&s.config, &all, NULL), SC_OK);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.rows[0].name, "a");
    assert_false(all.rows[0].is_system);
    assert_true(all.rows[1].is_system);
    /* A folder of one's own, and one that is not there. */
    sc_models_done(&all);
    s.config.models_dir = s.config.models_system_dir;
    SC_AUTO_FREE char *dir = sc_models_dir(&s.config);
    assert_string_equal(dir, s.config.models_system_dir);
    static char nowhere[] = "sub/nowhere";
    s.config.models_dir = nowhere;
    SC_AUTO_FREE char *relative = sc_models_dir(&s.config);
    SC_AUTO_FREE char *full = shelf_path(&s, nowhere);
    assert_string_equal(relative, full);
    assert_int_equal(sc_models_list(&s.config, &all, NULL), SC_OK);
    assert_int_equal(all.count, 2);
}

static void every_change_gives_another_stamp(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    char path[PATH_MAX];
    uint64_t stamps[6];
    stamps[0] = sc_models_stamp(&s.config);
    shelf_put(&s, "models/ggml-a.bin", 0, 0);
    stamps[1] = sc_models_stamp(&s.config);
    assert_int_equal(sc_models_stamp(&s.config), stamps[1]);
    assert_int_equal(utime(test_path(&s.dir, "models/ggml-a.bin", path), &(struct utimbuf){ 1, 1 }),
                     0);
    stamps[2] = sc_models_stamp(&s.config);
    shelf_put(&s, "system/ggml-a.bin", 0, 0);
    stamps[3] = sc_models_stamp(&s.config);
    assert_int_equal(unlink(test_path(&s.dir, "models/ggml-a.bin", path)), 0);
    stamps[4] = sc_models_stamp(&s.config);
    test_write(&s.dir, "models/.a.part", "half of it"); /* not to be seen */
    stamps[5] = sc_models_stamp(&s.config);
    for (int i = 1; i < 5; i++)
        assert_true(stamps[i] != stamps[i - 1]);
    assert_int_equal(stamps[5], stamps[4]);
}

static void found_for(struct shelf *s, const char *language, const char *name)
{
    SC_AUTO_MODEL m = { 0 };
    assert_int_equal(sc_models_find_for(&s->config, language, false, &m, NULL), SC_OK);
    assert_string_equal(m.name, name);
}

static void the_default_is_the_largest_network_that_fits(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    shelf_put(&s, "models/ggml-one.bin", 1, 0);
    shelf_put(&s, "models/ggml-three.bin", 3, TEST_MODEL_ENGLISH);
    shelf_put(&s, "models/ggml-two.bin", 2, 0);
    learn(&s, "one");
    learn(&s, "two");
    learn(&s, "three");
    check_found(&s, "", "three");
    SC_AUTO_MODEL two = { 0 };
    assert_int_equal(sc_models_find(&s.config, "two", &two, NULL), SC_OK);
    s.config.engine_memory = sc_model_memory(&two, NULL);
    assert_int_equal(sc_models_budget(&s.config), s.config.engine_memory);
    check_found(&s, "", "two");
    s.config.engine_memory = 1; /* none fits: the one that is nearest to it is told */
    check_missing(&s, "", "whisper has no model: 'one' needs ");
    check_missing(&s, "",
                  " MB of memory and a worker may spend 0 MB: raise engine.memory, or "
                  "bring a smaller one");
    found_for(&s, "", "one"); /* which is refused by its name */
    s.config.engine_memory = INT64_C(1) << 40;
    static char named[] = "three";
    s.config.engine_whisper_model = named;
    check_found(&s, "", "three");
    static char gone[] = "gone";
    s.config.engine_whisper_model = gone;
    check_missing(&s, "", "engine.whisper.model names 'gone', which is not there");
    static char path[] = "/srv/secret/ggml-a.bin"; /* clients read what is missing */
    s.config.engine_whisper_model = path;
    check_missing(&s, "", "must be a name that `scripta models list` shows");
}

static void found_of_many(struct shelf *s, const char *name)
{
    SC_AUTO_MODEL m = { 0 };
    assert_int_equal(sc_models_find_for(&s->config, "", true, &m, NULL), SC_OK);
    assert_string_equal(m.name, name);
}

static void the_default_knows_the_language_where_one_does(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    shelf_put(&s, "models/ggml-a.en.bin", 3, TEST_MODEL_ENGLISH);
    learn(&s, "a.en");
    found_for(&s, "de", "a.en"); /* which is refused by its name */
    found_of_many(&s, "a.en");
    shelf_put(&s, "models/ggml-b.bin", 2, 0);
    shelf_put(&s, "models/ggml-c.bin", 1, 0);
    learn(&s, "b");
    learn(&s, "c");
    found_for(&s, "", "a.en");
    found_for(&s, "auto", "a.en");
    found_for(&s, "en-US", "a.en");
    found_for(&s, "de", "b");
    found_of_many(&s, "b");
    static char named[] = "a.en";
    s.config.engine_whisper_model = named;
    found_for(&s, "de", "a.en");
}

static void a_model_knows_the_first_languages_of_all(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    static const struct {
        const char *model, *language;
        bool known;
    } rows[] = {
        { "en", "en", true },      { "en", "en-GB", true }, { "en", "de", false },
        { "en", "auto", true },    { "en", "", true },      { "four", "es", true },
        { "four", "de-AT", true }, { "four", "fr", false }, { "four", "eo", false },
        { "many", "jv", true },    { "many", "su", true },  { "many", "yue", false },
        { "many", "jw", true },    { "many", "nb", true },  { "many", "nn-NO", true },
        { "new", "xx", true },
    };
    shelf_put(&s, "models/ggml-en.bin", 0, TEST_MODEL_ENGLISH);
    shelf_put(&s, "models/ggml-four.bin", 0, 4);
    shelf_put(&s, "models/ggml-many.bin", 0, 99);
    learn(&s, "en");
    learn(&s, "four");
    learn(&s, "many");
    shelf_put(&s, "models/ggml-new.bin", 0, 4); /* nobody has looked at it */
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_MODEL m = { 0 };
        assert_int_equal(sc_models_find(&s.config, rows[i].model, &m, NULL), SC_OK);
        if (sc_model_knows(&m, rows[i].language) != rows[i].known)
            fail_msg("%s %s", rows[i].model, rows[i].language);
    }
    SC_AUTO_MODEL four = { 0 }, many = { 0 };
    SC_AUTO_BUF few = { 0 };
    SC_AUTO_BUF some = { 0 };
    assert_int_equal(sc_models_find(&s.config, "four", &four, NULL), SC_OK);
    assert_int_equal(sc_models_find(&s.config, "many", &many, NULL), SC_OK);
    sc_model_languages(&four, 60, &few);
    assert_string_equal(sc_buf_text(&few), "en, zh, de, es");
    sc_model_languages(&many, 10, &some);
    assert_string_equal(sc_buf_text(&some), "en, zh, de and 96 more");
}

static void check_problem(struct shelf *s, const char *field, const char *said)
{
    struct sc_models_problems problems;
    sc_models_judge(&s->config, &problems);
    assert_int_equal(problems.count, field == NULL ? 0 : 1);
    if (field == NULL)
        return;
    assert_string_equal(problems.rows[0].field, field);
    if (strstr(problems.rows[0].msg, said) == NULL)
        fail_msg("%s", problems.rows[0].msg);
}

static void settings_that_name_what_is_not_there_are_told(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    static char automatic[] = "auto", whisper[] = "whisper", gone[] = "gone", there[] = "a";
    static char nothing[] = "", file[] = "models/ggml-a.bin";
    struct sc_error err = { 0 };
    SC_AUTO_MODELS all = { 0 };
    s.config.engine_default = automatic;
    check_problem(&s, NULL, NULL); /* whoever has no model and asks for none */
    s.config.engine_default = whisper;
    check_problem(&s, "engine.default", "which has no model: `scripta models add FILE`");
    s.config.engine_whisper_model = gone;
    check_problem(&s, "engine.whisper.model", "names 'gone', which is not there");
    shelf_put(&s, "models/ggml-a.bin", 0, 0);
    s.config.engine_whisper_model = there;
    check_problem(&s, NULL, NULL);
    learn(&s, "a");
    s.config.engine_memory = 1;
    check_problem(&s, "engine.whisper.model", "whisper has no model: 'a' needs ");
    s.config.engine_whisper_model = nothing;
    check_problem(&s, "engine.default", "which has no model: 'a' needs ");
    s.config.engine_default = automatic;
    check_problem(&s, "engine.memory", "whisper has no model: 'a' needs ");
    s.config.engine_default = whisper;
    s.config.engine_memory = INT64_C(1) << 40;
    s.config.models_dir = file;
    check_problem(&s, "models.dir", "models/ggml-a.bin' cannot be read: Not a directory");
    assert_int_equal(sc_models_list(&s.config, &all, &err), SC_E_CONFIG_ERROR);
    assert_string_equal(err.field, "models.dir");
    s.config.models_dir = nothing;
    free(s.config.models_system_dir);
    s.config.models_system_dir = shelf_path(&s, file);
    check_problem(&s, "models.system_dir", "cannot be read");
}

static void long_parts_are_counted_by_their_sound(void **state)
{
    static const struct {
        const char *options;
        int clip_s;
    } rows[] = {
        { "", 30 },
        { "{\"chunk_length\":10000}", 30 },
        { "{\"sequential\":false,\"chunk_length\":10000}", 30 },
        { "{\"sequential\":true}", 332 },
        { "{\"chunk_length\":60000,\"sequential\":true}", 92 },
        { "{\"chunk_length\":9000000,\"sequential\":true}", 1832 },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_whisper_use use;
        sc_models_use(NULL, rows[i].options, &use);
        assert_int_equal(use.clip_s, rows[i].clip_s);
        assert_int_equal(use.batch, 1);
    }
}

static void memory_is_shared_by_the_local_workers(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    s.config.engine_memory = 0;
    s.config.workers = 1;
    int64_t one = sc_models_budget(&s.config);
    s.config.workers = 4;
    assert_in_range(one, 1 << 20, INT64_MAX - 1);
    assert_in_range(sc_models_budget(&s.config), one / 4 - 1, one / 4 + 1);
}

static void a_model_is_still_itself_when_its_sum_becomes_known(void **state)
{
    (void)state;
    struct sc_model m = { .size_bytes = 3, .changed_ns = 5 };
    const struct sc_model_identity by_time = sc_model_identify(&m);
    assert_string_equal(by_time.text, "file:3:5");
    (void)snprintf(m.facts.sha256, sizeof(m.facts.sha256), "ab");
    m.is_known = true;
    const struct sc_model_identity by_sum = sc_model_identify(&m);
    assert_string_equal(by_sum.text, "sha256:ab");
    assert_true(sc_model_is_still(&m, by_time.text) && sc_model_is_still(&m, by_sum.text));
    assert_true(sc_model_is_still(&m, "") && !sc_model_is_still(&m, "sha256:cd"));
    assert_true(sc_model_may_be(&m, "file:4:9") && !sc_model_may_be(&m, "sha256:cd"));
    m.is_known = false;
    assert_true(sc_model_may_be(&m, by_sum.text) && !sc_model_is_still(&m, by_sum.text));
    m.changed_ns = 6;
    assert_false(sc_model_is_still(&m, by_time.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_means_a_file_or_its_best_precision),
        TEST(facts_count_in_the_models_folders_alone),
        TEST(pipes_in_the_folder_hold_nobody_up),
        TEST(what_is_no_model_is_not_listed),
        TEST(our_folder_goes_before_the_systems),
        TEST(every_change_gives_another_stamp),
        TEST(the_default_is_the_largest_network_that_fits),
        TEST(the_default_knows_the_language_where_one_does),
        TEST(a_model_knows_the_first_languages_of_all),
        TEST(settings_that_name_what_is_not_there_are_told),
        TEST(long_parts_are_counted_by_their_sound),
        TEST(memory_is_shared_by_the_local_workers),
        TEST(a_model_is_still_itself_when_its_sum_becomes_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
