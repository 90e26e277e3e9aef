#include "config/live.h"

#include "base/alloc.h"

#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/banned.h"

static struct sc_config *load(const char *first, const char *second)
{
    const struct sc_config_override overrides[] = {
        { "--set", first },
        { second == NULL ? NULL : "--set", second },
        { NULL, NULL },
    };
    const struct sc_config_sources sources = { .overrides = overrides };
    struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    if (sc_config_load(&sources, &config, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return config;
}

static void what_can_change_does_and_the_rest_waits(void **state)
{
    (void)state;
    SC_AUTO(sc_config_freep) struct sc_config *first = load("auto_export=srt", "workers=2");
    SC_AUTO(sc_live_config_freep) struct sc_live_config *live = sc_live_config_new(first);
    SC_AUTO(sc_config_changes_done) struct sc_config_changes changes = { 0 };
    const struct sc_config *before = sc_config_now(live);
    assert_ptr_equal(before, first);

    struct sc_config *fresh = load("auto_export=vtt,txt", "workers=3");
    free(fresh->listen);
    fresh->listen = sc_strdup("127.0.0.1:1");
    assert_int_equal(sc_live_config_apply(live, fresh, &changes, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&changes.applied), "auto_export");
    assert_string_equal(sc_buf_text(&changes.waiting), "listen, workers");
    const struct sc_config *now = sc_config_now(live);
    assert_string_equal(now->auto_export, "vtt,txt");
    assert_int_equal(now->workers, 2); /* as everybody knows it */
    assert_string_equal(now->listen, "");
    assert_string_equal(before->auto_export, "srt"); /* whoever reads it still may */
}

static void nothing_new_keeps_what_there_is(void **state)
{
    (void)state;
    SC_AUTO(sc_config_freep) struct sc_config *first = load("upload.quota=1G", NULL);
    SC_AUTO(sc_live_config_freep) struct sc_live_config *live = sc_live_config_new(first);
    SC_AUTO(sc_config_changes_done) struct sc_config_changes changes = { 0 };
    struct sc_config *same = load("upload.quota=1024M", NULL);
    assert_int_equal(sc_live_config_apply(live, same, &changes, NULL), SC_OK);
    assert_int_equal(changes.applied.len + changes.waiting.len, 0);
    assert_ptr_equal(sc_config_now(live), first);
}

struct reading {
    const struct sc_live_config *live;
    atomic_bool end;
    int torn;
};

/* Both settings of one snapshot belong together. */
static void *read_on(void *ctx)
{
    struct reading *r = ctx;
    while (!atomic_load(&r->end)) {
        const struct sc_config *c = sc_config_now(r->live);
        r->torn += c->upload_quota != c->upload_warn_size || c->auto_export[0] == '\0';
    }
    return NULL;
}

static void readers_see_one_state_or_the_next(void **state)
{
    (void)state;
    SC_AUTO(sc_config_freep) struct sc_config *first = load("upload.quota=0", "upload.warn_size=0");
    SC_AUTO(sc_live_config_freep) struct sc_live_config *live = sc_live_config_new(first);
    struct reading reading = { .live = live };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_on, &reading), 0);
    for (int i = 1; i <= 100; i++) {
        SC_AUTO(sc_config_changes_done) struct sc_config_changes changes = { 0 };
        char quota[48], warn[48];
        (void)snprintf(quota, sizeof(quota), "upload.quota=%d", i);
        (void)snprintf(warn, sizeof(warn), "upload.warn_size=%d", i);
        assert_int_equal(sc_live_config_apply(live, load(quota, warn), &changes, NULL), SC_OK);
    }
    atomic_store(&reading.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reading.torn, 0);
    assert_int_equal(sc_config_now(live)->upload_quota, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_can_change_does_and_the_rest_waits),
        TEST(nothing_new_keeps_what_there_is),
        TEST(readers_see_one_state_or_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
