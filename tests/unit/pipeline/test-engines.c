/* The table of engines, as a program tells it that may hang or fail while it is needed. */
#include "testing.h"

#include "base/clock.h"
#include "pipeline/engines.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/banned.h"

/* Prints the file `answer` as soon as there is no file `hold`; fails without an answer. Each time
 * it is asked a line comes to `asked`. */
static const char program[] = "#!/bin/sh\n"
                              "cd \"${0%/*}\"\n"
                              "echo >>asked\n"
                              "while [ -e hold ]; do sleep 0.02; done\n"
                              "cat answer\n";

struct bench {
    struct test_dir dir;
    struct sc_config *config;
    struct sc_engines engines;
};

static void put(struct bench *b, const char *name, const char *text)
{
    test_write(&b->dir, name, text);
}

static void take_away(struct bench *b, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(unlink(test_path(&b->dir, name, path)), 0);
}

/* The program knows an engine of that name. */
static void know(struct bench *b, const char *engine)
{
    SC_AUTO_BUF text = { 0 };
    char path[PATH_MAX], made[PATH_MAX];
    sc_buf_printf(&text, "{\"engines\":[{\"name\":\"%s\",\"usable\":true,\"options\":[\"%s\"]}]}",
                  engine, engine);
    put(b, "made", sc_buf_text(&text));
    assert_int_equal(rename(test_path(&b->dir, "made", made), test_path(&b->dir, "answer", path)),
                     0);
}

/* Another model file, of that many bytes, changes the stamp. */
static void change_folder(struct bench *b, const char *bytes)
{
    put(b, "models/ggml-a.bin", bytes);
}

static size_t times_asked(const struct bench *b)
{
    char path[PATH_MAX];
    struct stat st;
    return stat(test_path(&b->dir, "asked", path), &st) == 0 ? (size_t)st.st_size : 0;
}

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof(*b));
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    char data[PATH_MAX + 16];
    assert_non_null(b);
    b->dir = test_dir_new();
    (void)snprintf(data, sizeof(data), "data_dir=%s", b->dir.path);
    const struct sc_config_override overrides[] = {
        { "--data", data },
        { "--set", "models.system_dir=" },
        { NULL, NULL },
    };
    const struct sc_config_sources sources = { .overrides = overrides };
    if (sc_config_load(&sources, &b->config, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(mkdir(test_path(&b->dir, "models", path), 0700), 0);
    put(b, "media", program);
    assert_int_equal(chmod(test_path(&b->dir, "media", path), 0700), 0);
    assert_int_equal(setenv("SCRIPTA_MEDIA", path, 1), 0);
    sc_engines_init(&b->engines, b->config);
    return b;
}

static void bench_free(struct bench *b)
{
    if (b == NULL)
        return;
    sc_engines_done(&b->engines);
    sc_config_free(b->config);
    test_dir_done(&b->dir);
    free(b);
}
SC_DEFINE_FREEP(struct bench, bench_free);

static void assert_known(struct bench *b, const char *name)
{
    struct sc_engine_row row;
    struct sc_error err = { 0 };
    if (sc_engines_get(&b->engines, name, &row, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(row.name, name);
}

static void assert_unknown(struct bench *b, const char *name, enum sc_code code, const char *said)
{
    struct sc_engine_row row;
    struct sc_error err = { 0 };
    assert_int_equal(sc_engines_get(&b->engines, name, &row, &err), code);
    if (strstr(err.msg, said) == NULL)
        fail_msg("%s", err.msg);
}

static void a_change_of_the_folder_is_seen_by_whoever_asks_next(void **state)
{
    (void)state;
    SC_AUTO(bench_freep) struct bench *b = bench_new();
    know(b, "one");
    assert_false(sc_engines_are_known(&b->engines));
    sc_engines_start(&b->engines);
    assert_known(b, "one");
    assert_known(b, "one");
    assert_int_equal(times_asked(b), 1);
    for (int i = 0; i < 5; i++) {
        char name[16], bytes[16];
        (void)snprintf(name, sizeof(name), "e%d", i);
        (void)snprintf(bytes, sizeof(bytes), "%.*s", i + 1, "aaaaa");
        know(b, name);
        change_folder(b, bytes);
        b->engines.patience_ms = 60000;
        assert_known(b, name);
        assert_unknown(b, "one", SC_E_ENGINE_UNAVAILABLE, "no engine is called 'one'");
    }
    assert_int_equal(times_asked(b), 6);
}

static void what_was_known_is_served_while_the_new_is_asked_for(void **state)
{
    (void)state;
    SC_AUTO(bench_freep) struct bench *b = bench_new();
    SC_AUTO_BUF json = { 0 };
    SC_AUTO_BUF taking = { 0 };
    know(b, "one");
    sc_engines_start(&b->engines);
    assert_known(b, "one");

    put(b, "hold", "");
    know(b, "two");
    change_folder(b, "a");
    b->engines.patience_ms = 0;
    for (int i = 0; i < 3; i++)
        assert_known(b, "one");
    assert_true(sc_engines_are_known(&b->engines));
    assert_int_equal(sc_engines_json(&b->engines, &json, NULL), SC_OK);
    assert_non_null(strstr(sc_buf_text(&json), "\"one\""));
    sc_engines_taking(&b->engines, "one", &taking);
    assert_string_equal(sc_buf_text(&taking), "one");

    take_away(b, "hold");
    b->engines.patience_ms = 60000;
    assert_known(b, "two");
}

static void what_was_known_outlives_a_program_that_fails(void **state)
{
    (void)state;
    SC_AUTO(bench_freep) struct bench *b = bench_new();
    know(b, "one");
    sc_engines_start(&b->engines);
    assert_known(b, "one");
    take_away(b, "answer");
    change_folder(b, "a");
    b->engines.patience_ms = 60000;
    assert_known(b, "one"); /* once the program has failed */
    assert_int_equal(times_asked(b), 2);
    put(b, "answer", "no JSON");
    b->engines.answered_ms -= 60000; /* so long ago that it is asked again */
    assert_known(b, "one");
    assert_int_equal(times_asked(b), 3);
    know(b, "two");
    b->engines.answered_ms -= 60000;
    assert_known(b, "two");
}

static void without_any_answer_the_program_is_blamed(void **state)
{
    (void)state;
    SC_AUTO(bench_freep) struct bench *b = bench_new();
    SC_AUTO_BUF taking = { 0 };
    sc_engines_start(&b->engines);
    assert_unknown(b, "one", SC_E_IO_ERROR, "cannot list the engines: scripta-media cannot");
    assert_unknown(b, "one", SC_E_IO_ERROR, "cannot list the engines");
    assert_int_equal(times_asked(b), 1); /* not by each who wants to know */
    assert_false(sc_engines_are_known(&b->engines));
    sc_engines_taking(&b->engines, "one", &taking);
    assert_int_equal(taking.len, 0);
    know(b, "one");
    b->engines.answered_ms -= 60000;
    assert_known(b, "one");
}

struct asker {
    struct bench *b;
    const char *name;
};

static void *ask_often(void *ctx)
{
    const struct asker *a = ctx;
    for (int i = 0; i < 200; i++)
        assert_known(a->b, a->name);
    return NULL;
}

static void many_may_ask_while_it_changes(void **state)
{
    (void)state;
    SC_AUTO(bench_freep) struct bench *b = bench_new();
    pthread_t threads[4];
    struct asker asker = { b, "one" };
    know(b, "one");
    sc_engines_start(&b->engines);
    for (size_t i = 0; i < SC_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &asker), 0);
    change_folder(b, "a");
    change_folder(b, "ab");
    for (size_t i = 0; i < SC_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_known(b, "one");
    /* Once, for each change, and by each thread that has seen the folder before it. */
    assert_in_range(times_asked(b), 1, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_of_the_folder_is_seen_by_whoever_asks_next),
        TEST(what_was_known_is_served_while_the_new_is_asked_for),
        TEST(what_was_known_outlives_a_program_that_fails),
        TEST(without_any_answer_the_program_is_blamed),
        TEST(many_may_ask_while_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
