#include "config/config.h"

#include "testing.h"

#include <stdlib.h>

#include "base/banned.h"

/* A data folder of our own and an environment without our variables. */
static void clean_env(const struct test_dir *dir)
{
    const char *found;
    assert_int_equal(setenv("HOME", dir->path, 1), 0);
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    for (size_t i = 0; i < sc_option_count(); i++)
        assert_int_equal(unsetenv(sc_option_at(i)->env), 0);
    assert_int_equal(unsetenv("SCRIPTA_LEASE_MS"), 0);
    assert_int_equal(unsetenv("SCRIPTA_TOKEN_FILE"), 0);
    assert_int_equal(unsetenv("SCRIPTA_QUEUE_LEASE_MS"), 0);
    while ((found = sc_config_unknown_env(NULL)) != NULL) {
        char name[64] = { 0 };
        memcpy(name, found, SC_MIN(strcspn(found, "="), sizeof(name) - 1));
        assert_int_equal(unsetenv(name), 0);
    }
}

static enum sc_code load(const struct test_dir *dir, const char *override, struct sc_config **out,
                         struct sc_error *err)
{
    char data[PATH_MAX + 16];
    (void)snprintf(data, sizeof(data), "data_dir=%s", dir->path);
    const struct sc_config_override overrides[] = { { "--data", data },
                                                    { "--set", override },
                                                    { NULL, NULL } };
    return sc_config_load(&(struct sc_config_sources){ .overrides = overrides }, out, err);
}

static size_t index_of(const char *name)
{
    for (size_t i = 0; i < sc_option_count(); i++) {
        if (strcmp(sc_option_at(i)->name, name) == 0)
            return i;
    }
    fail_msg("no option %s", name);
    return 0;
}

static void check_shown(const struct sc_config *config, const char *name, const char *value,
                        const char *source)
{
    SC_AUTO_BUF v = { 0 };
    SC_AUTO_BUF s = { 0 };
    sc_config_show(config, index_of(name), &v, &s);
    assert_string_equal(sc_buf_text(&v), value);
    if (strstr(sc_buf_text(&s), source) == NULL)
        fail_msg("%s comes from '%s', not '%s'", name, sc_buf_text(&s), source);
}

static void every_row_has_a_good_default_and_a_variable(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    clean_env(&dir);
    assert_int_equal(sc_config_load(&(struct sc_config_sources){ 0 }, &config, NULL), SC_OK);
    for (size_t i = 0; i < sc_option_count(); i++) {
        const struct sc_option_info *info = sc_option_at(i);
        assert_memory_equal(info->env, "SCRIPTA_", 8);
        assert_true(strlen(info->help) > 0);
        if (strcmp(info->name, "data_dir") != 0)
            check_shown(config, info->name, info->fallback, "default");
    }
    char expected[PATH_MAX];
    assert_string_equal(config->data_dir, test_path(&dir, ".local/share/scripta", expected));
    assert_string_equal(sc_option_at(index_of("queue.lease"))->env, "SCRIPTA_QUEUE_LEASE");
    assert_int_equal(config->queue_lease, 30000);
    assert_int_equal(config->upload_max_size, INT64_C(20) << 30);
    assert_true(config->auth_loopback_open);
}

static void later_sources_win(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    clean_env(&dir);
    test_write(&dir, "scripta.yaml",
               "queue:\n  lease: 11s\n  backoff: 2s\nworkers: 1\nhttp.threads: 2\n");
    test_write(&dir, ".env",
               "# ours and others\nOTHER=1\nexport SCRIPTA_WORKERS=2 # two\n"
               "SCRIPTA_HTTP_THREADS='3'\nSCRIPTA_LOG_LEVEL=\"error\"\n");
    assert_int_equal(setenv("SCRIPTA_HTTP_THREADS", "5", 1), 0);
    assert_int_equal(setenv("SCRIPTA_LOG_LEVEL", "", 1), 0);
    assert_int_equal(setenv("SCRIPTA_AUTO_EXPORT", "", 1), 0);
    assert_int_equal(setenv("SCRIPTA_LOG_JSON", "on", 1), 0);
    assert_int_equal(load(&dir, "log.json=false", &config, NULL), SC_OK);
    check_shown(config, "queue.lease", "11s", "scripta.yaml:2");
    check_shown(config, "queue.backoff", "2s", "scripta.yaml:3");
    check_shown(config, "workers", "2", ".env:3");
    check_shown(config, "http.threads", "5", "env SCRIPTA_HTTP_THREADS");
    check_shown(config, "auto_export", "", "env SCRIPTA_AUTO_EXPORT"); /* a list of none */
    check_shown(config, "log.level", "error", ".env:5");
    check_shown(config, "log.json", "false", "--set");
    check_shown(config, "listen", "", "default");
}

/* To YAML the word is no value; as the name of an engine it is one. */
static void an_engine_called_null_needs_no_quotes(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const struct {
        const char *yaml, *engine;
    } rows[] = {
        { "engine.default: null\n", "null" },   { "engine:\n  default: NULL\n", "null" },
        { "engine.default: 'null'\n", "null" }, { "engine.default: ~\n", "auto" },
        { "engine.default:\n", "auto" },
    };
    clean_env(&dir);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
        test_write(&dir, "scripta.yaml", rows[i].yaml);
        assert_int_equal(load(&dir, NULL, &config, NULL), SC_OK);
        assert_string_equal(config->engine_default, rows[i].engine);
    }
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    test_write(&dir, "scripta.yaml", "workers: null\nengine.command.model: null\n");
    assert_int_equal(load(&dir, NULL, &config, NULL), SC_OK);
    check_shown(config, "workers", sc_option_at(index_of("workers"))->fallback, "default");
    assert_string_equal(config->engine_command_model, "");
}

static void milliseconds_and_files_are_other_forms_of_a_value(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    char path[PATH_MAX];
    clean_env(&dir);
    test_write(&dir, "scripta.yaml", "store: { busy_timeout_ms: 250 }\n");
    test_write(&dir, "secret", "s3cret\n");
    assert_int_equal(setenv("SCRIPTA_LEASE_MS", "600", 1), 0);
    assert_int_equal(setenv("SCRIPTA_TOKEN_FILE", test_path(&dir, "secret", path), 1), 0);
    assert_int_equal(load(&dir, NULL, &config, NULL), SC_OK);
    assert_int_equal(config->store_busy_timeout, 250);
    assert_int_equal(config->queue_lease, 600);
    assert_string_equal(config->token, "s3cret");
    check_shown(config, "token", "***", "/secret (env SCRIPTA_TOKEN_FILE)");
    sc_config_free(SC_TAKE(config));
    assert_int_equal(setenv("SCRIPTA_QUEUE_LEASE", "5s", 1), 0);
    assert_int_equal(load(&dir, NULL, &config, NULL), SC_OK);
    assert_int_equal(config->queue_lease, 5000);
    sc_config_free(SC_TAKE(config));
    assert_int_equal(unsetenv("SCRIPTA_QUEUE_LEASE"), 0);
    assert_int_equal(load(&dir, NULL, &config, NULL), SC_OK);
    /* A heartbeat that nobody set follows a short lease. */
    assert_int_equal(config->queue_heartbeat, 200);
}

static void bad_files_are_refused_with_name_value_range_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } rows[] = {
        { "workers: 65\n", "scripta.yaml:1: workers is '65', must be a whole number, -1 to 64" },
        { "\nworkers: many\n",
          "scripta.yaml:2: workers is 'many', must be a whole number, -1 to 64" },
        { "queue:\n  lease: 99ms\n", "scripta.yaml:2: queue.lease is '99ms', must be a duration "
                                     "such as 250ms, 30s, 15m, 2h or "
                                     "7d, at least 100 ms" },
        { "log:\n  level: loud\n",
          "scripta.yaml:2: log.level is 'loud', must be one of debug|info|warning|error" },
        { "listen: 8000\n", "scripta.yaml:1: listen is '8000', must be HOST:PORT, such as "
                            "127.0.0.1:8000 or [::1]:8000" },
        { "listen: 127.0.0.1:80000\n", "scripta.yaml:1: listen is '127.0.0.1:80000', must be "
                                       "HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000" },
        { "server: 127.0.0.1\n", "scripta.yaml:1: server is '127.0.0.1', must be unix:PATH, "
                                 "http://HOST:PORT or https://HOST" },
        { "engine.http.url: ftp://x\n",
          "scripta.yaml:1: engine.http.url is 'ftp://x', must be http:// or https://, a host and a "
          "path, without password (engine.http.key) or query" },
        { "engine.default: parrot\n", "scripta.yaml:1: engine.default is 'parrot', must be one of "
                                      "auto|whisper|pocketsphinx|command|http|null" },
        { "auto_export: srt, doc\n",
          "scripta.yaml:1: auto_export is 'srt, doc', must be empty or, with commas between them, "
          "some of txt|srt|vtt|json|csv|tsv|lrc|md|docx|ass" },
        { "keep_chunks: perhaps\n",
          "scripta.yaml:1: keep_chunks is 'perhaps', must be true or false" },
        { "upload: { max_size: big }\n",
          "scripta.yaml:1: upload.max_size is 'big', must be a size such as 1000, 64K, 16M or 20G, "
          "at least 1 bytes" },
        { "token: \"a\\nb\"\n",
          "scripta.yaml:1: token is '***', must be text of at most 4096 bytes without control "
          "signs" },
        { "queue:\n  leese: 30s\n",
          "scripta.yaml:2: there is no setting 'queue.leese'; did you mean 'queue.lease'?" },
        { "workers: 1\nnothing_like_it: 1\n",
          "scripta.yaml:2: there is no setting 'nothing_like_it'; `scripta config show` lists "
          "them" },
        { "quue:\n  x: 1\n", "scripta.yaml:2: there is no setting 'quue.x'; `scripta config show` "
                             "lists them" },
        { "workers:\n  x: 1\n", "scripta.yaml:1: workers takes one value, not a group" },
        { "workers: 1\nworkers: 2\n",
          "scripta.yaml:2: 'workers' stands in line 1 already; keep one of them" },
        { "data_dir: /elsewhere\n", "scripta.yaml:1: data_dir cannot stand in a file of the data "
                                    "folder itself; use --data or "
                                    "--config" },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    clean_env(&dir);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_config *config = NULL;
        struct sc_error err = { 0 };
        test_write(&dir, "scripta.yaml", rows[i].yaml);
        assert_int_equal(load(&dir, NULL, &config, &err), SC_E_CONFIG_ERROR);
        assert_null(config);
        const char *message = err.msg;
        assert_memory_equal(message, dir.path, strlen(dir.path));
        assert_string_equal(message + strlen(dir.path) + 1, rows[i].message);
    }
}

static void bad_env_files_variables_and_flags_are_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    clean_env(&dir);
    test_write(&dir, ".env", "\nSCRIPTA_WORKER=1\n");
    assert_int_equal(load(&dir, NULL, &config, &err), SC_E_CONFIG_ERROR);
    assert_non_null(strstr(err.msg, ".env:2: there is no setting 'SCRIPTA_WORKER'; did you mean "
                                    "'SCRIPTA_WORKERS'?"));
    test_write(&dir, ".env", "SCRIPTA_WORKERS\n");
    assert_int_equal(load(&dir, NULL, &config, &err), SC_E_CONFIG_ERROR);
    assert_non_null(strstr(err.msg, ".env:1: expected a line NAME=VALUE"));
    test_write(&dir, ".env", "A='x' y\n");
    assert_int_equal(load(&dir, NULL, &config, &err), SC_E_CONFIG_ERROR);
    test_write(&dir, ".env", "");
    assert_int_equal(load(&dir, "worker=1", &config, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "--set: there is no setting 'worker'; did you mean 'workers'?");
    assert_int_equal(load(&dir, "workers", &config, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "--set: expected workers=VALUE");
    assert_int_equal(setenv("SCRIPTA_WORKERS", "-2", 1), 0);
    assert_int_equal(load(&dir, NULL, &config, &err), SC_E_CONFIG_ERROR);
    assert_string_equal(err.msg,
                        "env SCRIPTA_WORKERS: workers is '-2', must be a whole number, -1 to 64");
    assert_string_equal(err.field, "workers");
    assert_null(config);
    clean_env(&dir);
    assert_int_equal(load(&dir, "queue.heartbeat=30s", &config, &err), SC_E_CONFIG_ERROR);
    assert_string_equal(err.field, "queue.heartbeat");
}

struct told {
    size_t count;
    char fields[12][48];
};

static void note(void *ctx, const struct sc_error *err)
{
    struct told *told = ctx;
    assert_true(told->count < SC_ARRAY_LEN(told->fields));
    assert_true(err->msg[0] != '\0');
    (void)snprintf(told->fields[told->count++], sizeof(told->fields[0]), "%s", err->field);
}

static void who_asks_is_told_of_everything_that_is_wrong(void **state)
{
    (void)state;
    static const char *const expected[] = { "workers",         "colour",
                                            "listen",          "",
                                            "token",           "http.threads",
                                            "log.json",        "nothing",
                                            "queue.heartbeat", "engine.http.max_bytes" };
    static const struct sc_config_override overrides[] = { { "--set", "log.json=perhaps" },
                                                           { "--set", "nothing" },
                                                           { NULL, NULL } };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    struct told told = { .count = 0 };
    struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    char yaml[PATH_MAX];
    clean_env(&dir);
    test_write(&dir, "my.yaml",
               "workers: many\ncolour: red\nsplit.jobs: 2\nlisten: 8000\nqueue.lease: 1s\n"
               "queue.heartbeat: 2s\nengine.http.max_bytes: 17M\n");
    test_write(&dir, ".env", "SCRIPTA_KEEP_CHUNKS=on\nnonsense\n");
    assert_int_equal(setenv("SCRIPTA_HTTP_THREADS", "0", 1), 0);
    assert_int_equal(setenv("SCRIPTA_TOKEN", "a\nb", 1), 0);
    const struct sc_config_sources sources = {
        .file = test_path(&dir, "my.yaml", yaml),
        .overrides = overrides,
        .complain = note,
        .ctx = &told,
    };
    assert_int_equal(sc_config_load(&sources, &config, &err), SC_E_CONFIG_ERROR);
    assert_null(config);
    assert_string_equal(err.field, "workers"); /* the first */
    assert_int_equal(told.count, SC_ARRAY_LEN(expected));
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        size_t n = 0;
        while (n < told.count && strcmp(told.fields[n], expected[i]) != 0)
            n++;
        if (n == told.count)
            fail_msg("nobody told of '%s'", expected[i]);
    }
    clean_env(&dir);
}

static void named_files_must_exist(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    char path[PATH_MAX];
    clean_env(&dir);
    struct sc_config_sources sources = { .file = test_path(&dir, "my.yaml", path) };
    assert_int_equal(sc_config_load(&sources, &config, NULL), SC_E_CONFIG_ERROR);
    test_write(&dir, "my.yaml", "data_dir: /srv/audio\n");
    test_write(&dir, ".env", "SCRIPTA_WORKERS=7\n");
    assert_int_equal(sc_config_load(&sources, &config, NULL), SC_OK);
    assert_string_equal(config->data_dir, "/srv/audio");
    assert_int_equal(config->workers, 7);
}

static void engines_settings_are_handed_over_whole(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    clean_env(&dir);
    static const struct sc_config_override given[] = {
        { "--set", "engine.command.run=a 'b c' {in}" },
        { "--set", "engine.http.key=sk-secret" },
        { "--set", "engine.command.timeout=90s" },
        { "--set", "engine.http.max_bytes=2M" },
        { "--set", "workers=7" },
        { "--set", "models.dir=/srv/models" },
        { "--set", "http.threads=7" },
        { "--set", "token=t" },
        { NULL, NULL },
    };
    const struct sc_config_sources sources = { .overrides = given };
    SC_AUTO(sc_config_freep) struct sc_config *sent = NULL;
    SC_AUTO(sc_config_freep) struct sc_config *got = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF pairs = { 0 };
    assert_int_equal(sc_config_load(&sources, &sent, &err), SC_OK);
    sc_config_hand_over(sent, &pairs);
    /* The other end is a process whose environment says something else. */
    assert_int_equal(setenv("SCRIPTA_ENGINE_COMMAND_RUN", "other {in}", 1), 0);
    assert_int_equal(sc_config_receive(sc_buf_str(&pairs), &got, &err), SC_OK);
    assert_int_equal(unsetenv("SCRIPTA_ENGINE_COMMAND_RUN"), 0);
    assert_string_equal(got->engine_command_run, "a 'b c' {in}");
    assert_string_equal(got->engine_http_key, "sk-secret");
    assert_int_equal(got->engine_command_timeout, 90000);
    assert_int_equal(got->engine_http_max_bytes, 2 << 20);
    assert_string_equal(got->data_dir, sent->data_dir);
    assert_int_equal(got->workers, 7); /* they share the machine's memory */
    assert_string_equal(got->models_dir, "/srv/models");
    assert_int_equal(got->http_threads, 4); /* none of an engine's business */
    assert_string_equal(got->token, "");
}

static void what_is_handed_over_wrongly_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "nonsense=1", "engine.http.retries=many", "=",
                                       "engine.http.max_bytes=17M" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        SC_AUTO(sc_config_freep) struct sc_config *got = NULL;
        struct sc_error err = { 0 };
        struct sc_str pairs = { bad[i], strlen(bad[i]) + 1 };
        assert_int_equal(sc_config_receive(pairs, &got, &err), SC_E_CONFIG_ERROR);
        assert_true(err.msg[0] != '\0');
        assert_null(got);
    }
}

static void unknown_variables_can_be_listed(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    clean_env(&dir);
    assert_null(sc_config_unknown_env(NULL));
    assert_int_equal(setenv("SCRIPTA_WORKERS", "1", 1), 0);
    assert_int_equal(setenv("SCRIPTA_WROKERS", "1", 1), 0);
    const char *found = sc_config_unknown_env(NULL);
    assert_string_equal(found, "SCRIPTA_WROKERS=1");
    assert_null(sc_config_unknown_env(found));
}

static void the_example_file_holds_the_defaults(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    SC_AUTO_BUF example = { 0 };
    SC_AUTO_BUF settings = { 0 };
    clean_env(&dir);
    sc_config_write_example(&example);
    /* Take one # from each line, as a user would; the data folder cannot name itself. */
    struct sc_str rest = sc_buf_str(&example);
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        if (sc_str_starts(line, SC_STR("# ")) && !sc_str_starts(line, SC_STR("# data_dir:")) &&
            !sc_str_starts(line, SC_STR("# Every"))) {
            line.ptr += 2;
            line.len -= 2;
        }
        sc_buf_put_str(&settings, line);
        sc_buf_putc(&settings, '\n');
    }
    test_write(&dir, "scripta.yaml", sc_buf_text(&settings));
    struct sc_error err = { 0 };
    if (load(&dir, NULL, &config, &err) != SC_OK)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < sc_option_count(); i++) {
        if (strcmp(sc_option_at(i)->name, "data_dir") != 0)
            check_shown(config, sc_option_at(i)->name, sc_option_at(i)->fallback, "scripta.yaml:");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_has_a_good_default_and_a_variable),
        TEST(later_sources_win),
        TEST(an_engine_called_null_needs_no_quotes),
        TEST(milliseconds_and_files_are_other_forms_of_a_value),
        TEST(bad_files_are_refused_with_name_value_range_and_line),
        TEST(bad_env_files_variables_and_flags_are_refused),
        TEST(who_asks_is_told_of_everything_that_is_wrong),
        TEST(named_files_must_exist),
        TEST(engines_settings_are_handed_over_whole),
        TEST(what_is_handed_over_wrongly_is_refused),
        TEST(unknown_variables_can_be_listed),
        TEST(the_example_file_holds_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
