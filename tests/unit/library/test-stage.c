/* Long edits are written in slices: whole or not at all, whenever the server is killed. */
#include "library/edit-internal.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "problems.h"

#include <pthread.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { LONG = 320 };

/* A transcript of job 1 with LONG segments, finished; number n says "<word>n". */
static int64_t made_long(struct rig *r, const char *word)
{
    SC_AUTO_SEGMENTS list = { 0 };
    int64_t id = begin(r, 1);
    for (int i = 0; i < LONG; i++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "%s%d here", word, i);
        (void)add_segment(&list, i * 1000, 100, text);
    }
    assert_int_equal(put_chunk(r, id, 0, &list), SC_OK);
    assert_int_equal(finish(r, id, "en"), SC_OK);
    return id;
}

/* Every second segment of the current version another, the last gone and a new one in front. */
static void want(struct sc_segments *list, const char *word)
{
    for (size_t i = 0; i < list->count; i += 2) {
        char text[40];
        (void)snprintf(text, sizeof(text), "%s%zu here", word, i);
        free(list->items[i].text);
        list->items[i].text = sc_strdup(text);
    }
    sc_segment_done(&list->items[--list->count]);
}

static struct sc_save save_of(int64_t id)
{
    return (struct sc_save){
        .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED, .note = "all of it"
    };
}

static enum sc_code plan(struct rig *r, const struct sc_save *save, const char *word,
                         struct sc_edit **edit)
{
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_saved saved;
    assert_int_equal(
        read_version(r, save->transcript, find(r, save->transcript).version, &list, NULL), SC_OK);
    want(&list, word);
    AUTO_READER(conn, *r);
    return sc_edit_plan(conn, save, &list, edit, &saved, NULL);
}

/* The check of all that is stored has nothing to say. */
static void assert_sound(struct rig *r)
{
    assert_int_equal(problems_of(r, true, 1000), 0);
    assert_index_whole(r);
}

static void assert_nothing_is_left(struct rig *r)
{
    assert_int_equal(number(r->f.store, "SELECT count(*) FROM transcripts WHERE staged > 0"), 0);
    assert_int_equal(number(r->f.store, "SELECT count(*) FROM segments WHERE dies > 0"), 0);
    assert_int_equal(number(r->f.store,
                            "SELECT count(*) FROM segments AS s WHERE born > 1 AND born > (SELECT"
                            " current_version FROM transcripts WHERE id = s.transcript_id)"),
                     0);
    assert_int_equal(number(r->f.store,
                            "SELECT count(*) FROM origins AS o WHERE version > (SELECT"
                            " current_version FROM transcripts WHERE id = o.transcript_id)"),
                     0);
}

static void a_long_edit_makes_one_version(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    SC_AUTO_SEGMENTS first = { 0 };
    struct sc_saved saved = { .version = 0 };
    struct sc_save save = save_of(made_long(&r, "apple"));
    assert_int_equal(plan(&r, &save, "pear", &edit), SC_OK);
    assert_int_equal(sc_edit_save(r.f.store, edit, T0 + 5, NULL, &saved, NULL), SC_OK);
    assert_int_equal(saved.version, 2);
    assert_true(saved.changed);
    assert_int_equal(saved.changed_segments, LONG / 2 + 1);
    struct sc_transcript t = find(&r, save.transcript);
    assert_int_equal(t.version, 2);
    assert_int_equal(t.segment_count, LONG - 1);
    assert_int_equal(hits(&r, "pear10"), 1);
    assert_int_equal(hits(&r, "apple10"), 0);
    assert_int_equal(hits(&r, "apple11"), 1);
    assert_int_equal(read_version(&r, t.id, 1, &first, NULL), SC_OK);
    assert_int_equal(first.count, LONG);
    assert_string_equal(first.items[10].text, "apple10 here");
    /* What did not change is shared. */
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments"), LONG + LONG / 2);
    assert_nothing_is_left(&r);
    assert_sound(&r);
}

static void in_the_end_it_conflicts_like_a_short_one(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_edit_freep) struct sc_edit *a = NULL;
    SC_AUTO(sc_edit_freep) struct sc_edit *b = NULL;
    struct sc_error err = { 0 };
    struct sc_saved saved = { .version = 0 };
    struct sc_save save = save_of(made_long(&r, "apple"));
    assert_int_equal(plan(&r, &save, "pear", &a), SC_OK);
    assert_int_equal(plan(&r, &save, "plum", &b), SC_OK);
    assert_int_equal(sc_edit_save(r.f.store, a, T0, NULL, &saved, NULL), SC_OK);
    assert_int_equal(sc_edit_save(r.f.store, b, T0, NULL, &saved, &err), SC_E_CONFLICT);
    assert_string_equal(err.field, "base_version");
    assert_int_equal(saved.version, 2);
    assert_nothing_is_left(&r);
    assert_sound(&r);
}

static void of_a_deleted_transcript_nothing_is_written(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    struct sc_saved saved = { .version = 0 };
    struct sc_save save = save_of(made_long(&r, "apple"));
    assert_int_equal(plan(&r, &save, "pear", &edit), SC_OK);
    assert_int_equal(
        write_sql(r.f.store, "UPDATE transcripts SET indexed_owner_id = 1, owner_id = -1"), SC_OK);
    assert_int_equal(sc_edit_save(r.f.store, edit, T0, NULL, &saved, NULL),
                     SC_E_TRANSCRIPT_NOT_FOUND);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments"), LONG);
}

/* ---- readers meanwhile ---- */

struct reading {
    struct rig *r;
    int64_t transcript;
    _Atomic bool stop;
    int reads;
};

/* Each read sees one version, whole: its sum is right, and the search agrees with it. */
static void *read_on(void *ctx)
{
    struct reading *x = ctx;
    while (!x->stop) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_transcript t;
        struct sc_error err = { 0 };
        if (sc_store_read(x->r->f.store, &conn, NULL) != SC_OK ||
            sc_transcript_find(conn, 1, x->transcript, &t, NULL) != SC_OK ||
            sc_transcript_segments(conn, &t, t.version, &list, &err) != SC_OK)
            return ctx; /* a failure: NULL is good */
        x->reads++;
    }
    return NULL;
}

static void readers_see_one_version_or_the_other(void **state)
{
    (void)state;
    AUTO_RIG(r);
    void *failed = &r;
    pthread_t thread;
    struct sc_save save = save_of(made_long(&r, "apple"));
    struct reading reading = { .r = &r, .transcript = save.transcript };
    assert_int_equal(pthread_create(&thread, NULL, read_on, &reading), 0);
    for (int i = 0; i < 6; i++) {
        SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
        struct sc_saved saved;
        assert_int_equal(plan(&r, &save, i % 2 == 0 ? "pear" : "plum", &edit), SC_OK);
        assert_int_equal(sc_edit_save(r.f.store, edit, T0, NULL, &saved, NULL), SC_OK);
        assert_int_equal(saved.version, i + 2);
    }
    reading.stop = true;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_sound(&r);
}

/* ---- several at once ---- */

enum { WRITERS = 4, EACH = 3 };

struct writing {
    struct rig *r;
    int64_t transcript;
    bool is_long;
    int saved;
};

static void *write_on(void *ctx)
{
    struct writing *x = ctx;
    struct sc_save save = save_of(x->transcript);
    while (x->saved < EACH) {
        SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_saved saved = { .version = 0 };
        struct sc_transcript t;
        struct sc_error err = { 0 };
        {
            SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
            if (sc_store_read(x->r->f.store, &conn, NULL) != SC_OK ||
                sc_transcript_find(conn, 1, x->transcript, &t, NULL) != SC_OK ||
                sc_transcript_segments(conn, &t, t.version, &list, NULL) != SC_OK)
                return ctx;
            char text[60];
            for (size_t i = 0; i < list.count; i += x->is_long ? 2 : list.count) {
                (void)snprintf(text, sizeof(text), "%p %d", ctx, x->saved);
                free(list.items[i].text);
                list.items[i].text = sc_strdup(text);
            }
            if (sc_edit_plan(conn, &save, &list, &edit, &saved, NULL) != SC_OK)
                return ctx;
        }
        enum sc_code code = sc_edit_save(x->r->f.store, edit, T0, NULL, &saved, &err);
        if (code == SC_OK)
            x->saved++;
        else if (code != SC_E_TRANSCRIPT_BUSY &&
                 (code != SC_E_CONFLICT || strcmp(err.field, "base_version") != 0))
            return ctx;
    }
    return NULL;
}

static void long_and_short_edits_come_one_after_another(void **state)
{
    (void)state;
    AUTO_RIG(r);
    pthread_t threads[WRITERS];
    struct writing writing[WRITERS];
    int64_t id = made_long(&r, "apple");
    for (int i = 0; i < WRITERS; i++) {
        writing[i] = (struct writing){ .r = &r, .transcript = id, .is_long = i % 2 == 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, write_on, &writing[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(find(&r, id).version, 1 + WRITERS * EACH);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM versions"), 1 + WRITERS * EACH);
    assert_nothing_is_left(&r);
    assert_sound(&r);
}

/* ---- who waits ---- */

/* Somebody saves the transcript until he is told to stop. */
struct holding {
    struct rig *r;
    int64_t transcript;
    _Atomic bool held, stop;
    _Atomic int crowded; /* how often somebody was told that others wait */
};

static enum sc_code hold(void *ctx, struct sc_error *err)
{
    struct holding *h = ctx;
    (void)err;
    h->held = true;
    while (!h->stop)
        sc_clock_sleep_ms(1);
    return SC_OK;
}

static void *hold_main(void *ctx)
{
    struct holding *h = ctx;
    return sc_edit_settled(h->r->f.store, h->transcript, hold, h, NULL) == SC_OK ? NULL : ctx;
}

static enum sc_code save_one(struct holding *h, bool is_long, struct sc_error *err)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_saved saved;
    struct sc_transcript t;
    struct sc_save save = save_of(h->transcript);
    if (sc_store_read(h->r->f.store, &conn, err) != SC_OK ||
        sc_transcript_find(conn, 1, h->transcript, &t, err) != SC_OK ||
        sc_transcript_segments(conn, &t, t.version, &list, err) != SC_OK)
        return SC_E_INTERNAL;
    want(&list, is_long ? "pear" : "plum");
    while (!is_long && list.count > 3)
        sc_segment_done(&list.items[--list.count]);
    if (sc_edit_plan(conn, &save, &list, &edit, &saved, err) != SC_OK)
        return SC_E_INTERNAL;
    sc_conn_release(SC_TAKE(conn));
    return sc_edit_save(h->r->f.store, edit, T0, NULL, &saved, err);
}

static void *wait_main(void *ctx)
{
    struct holding *h = ctx;
    while (h->crowded == 0) {
        struct sc_error err = { 0 };
        if (save_one(h, true, &err) != SC_E_TRANSCRIPT_BUSY)
            return ctx;
        if (strstr(err.msg, "others wait") != NULL)
            h->crowded++;
    }
    return NULL;
}

/* The rig has stopped the clock, so that only the kernel's ends the wait. */
static void who_waits_is_answered(void **state)
{
    (void)state;
    AUTO_RIG(r);
    pthread_t holder, waiters[3];
    struct sc_error err = { 0 };
    struct holding h = { .r = &r, .transcript = made_long(&r, "apple") };
    assert_int_equal(pthread_create(&holder, NULL, hold_main, &h), 0);
    while (!h.held)
        sc_clock_sleep_ms(1);
    assert_int_equal(save_one(&h, false, &err), SC_E_TRANSCRIPT_BUSY);
    assert_non_null(strstr(err.msg, "is being saved or repaired: try again"));
    assert_int_equal(save_one(&h, true, &err), SC_E_TRANSCRIPT_BUSY);
    const struct sc_prune what = { .by = 1, .transcript = h.transcript, .keep = 1 };
    int64_t removed;
    assert_int_equal(sc_versions_prune(r.f.store, &what, T0, &removed, &err), SC_E_TRANSCRIPT_BUSY);
    const struct sc_prune strangers = { .owner_id = 2, .transcript = h.transcript, .keep = 1 };
    assert_int_equal(sc_versions_prune(r.f.store, &strangers, T0, &removed, &err),
                     SC_E_TRANSCRIPT_NOT_FOUND);
    /* Of three two wait at a time. */
    for (size_t i = 0; i < SC_ARRAY_LEN(waiters); i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, wait_main, &h), 0);
    for (size_t i = 0; i < SC_ARRAY_LEN(waiters); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(waiters[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(find(&r, h.transcript).version, 1);
    h.stop = true;
    void *failed = NULL;
    assert_int_equal(pthread_join(holder, &failed), 0);
    assert_null(failed);
    assert_int_equal(save_one(&h, true, &err), SC_OK);
    assert_int_equal(find(&r, h.transcript).version, 2);
    assert_nothing_is_left(&r);
}

/* ---- kills ---- */

#ifdef SC_WITH_FAULTS

static void open_again(struct rig *r)
{
    struct sc_store_options o = options_for(r->f.path, false);
    assert_int_equal(sc_store_open(&o, &r->f.store, NULL), SC_OK);
}

/* In a process of its own, which is killed behind the nth slice; false: it has saved all. */
static bool killed_at(struct rig *r, const struct sc_save *save, int n)
{
    int status = 0;
    sc_store_close(SC_TAKE(r->f.store));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
        struct sc_saved saved;
        sc_fault_arm_kill("edit.slice", n);
        open_again(r);
        bool good = plan(r, save, "pear", &edit) == SC_OK &&
                    sc_edit_save(r->f.store, edit, T0, NULL, &saved, NULL) == SC_OK;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    open_again(r);
    return WIFSIGNALED(status);
}

/* Old or new; whole before what is left is ended, and behind that. */
static void check_after_kill(struct rig *r, int64_t id)
{
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_transcript t = find(r, id);
    bool is_new = t.version == 2;
    assert_true(is_new || t.version == 1);
    assert_int_equal(read_version(r, id, t.version, &list, NULL), SC_OK);
    assert_int_equal(list.count, is_new ? LONG - 1 : LONG);
    assert_string_equal(list.items[10].text, is_new ? "pear10 here" : "apple10 here");
    assert_sound(r);
}

/* Rows that a killed edit has left to be ended are no version's once the one before is gone. */
static void a_prune_behind_a_kill_leaves_no_old_word(void **state)
{
    (void)state;
    bool killed = true;
    for (int n = 1; killed; n++) {
        AUTO_RIG(r);
        struct sc_save save = save_of(made_long(&r, "apple"));
        const struct sc_prune what = {
            .owner_id = 1, .by = 1, .transcript = save.transcript, .keep = 1
        };
        int64_t removed = -1;
        killed = killed_at(&r, &save, n);
        bool is_new = find(&r, save.transcript).version == 2;
        assert_int_equal(sc_versions_prune(r.f.store, &what, T0, &removed, NULL), SC_OK);
        assert_int_equal(removed, is_new ? 1 : 0);
        assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments"),
                         is_new ? LONG - 1 : LONG);
        assert_nothing_is_left(&r);
        check_after_kill(&r, save.transcript);
    }
}

static void a_kill_leaves_the_old_version_or_the_new_one(void **state)
{
    (void)state;
    bool killed = true, was_new = false;
    for (int n = 1; killed; n++) {
        AUTO_RIG(r);
        struct sc_save save = save_of(made_long(&r, "apple"));
        killed = killed_at(&r, &save, n);
        check_after_kill(&r, save.transcript);
        was_new = was_new || (killed && find(&r, save.transcript).version == 2);
        if (n % 2 == 0) { /* else the next edit finds it */
            assert_int_equal(sc_edits_settle(r.f.store, NULL), SC_OK);
            assert_nothing_is_left(&r);
            check_after_kill(&r, save.transcript);
        }
        SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
        struct sc_saved saved;
        int before = find(&r, save.transcript).version;
        assert_int_equal(plan(&r, &save, "fig", &edit), SC_OK);
        assert_int_equal(sc_edit_save(r.f.store, edit, T0, NULL, &saved, NULL), SC_OK);
        assert_int_equal(saved.version, before + 1);
        assert_nothing_is_left(&r);
        assert_sound(&r);
    }
    assert_true(was_new); /* there were kills on both sides of the flip */
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_long_edit_makes_one_version),
        TEST(in_the_end_it_conflicts_like_a_short_one),
        TEST(of_a_deleted_transcript_nothing_is_written),
        TEST(readers_see_one_version_or_the_other),
        TEST(long_and_short_edits_come_one_after_another),
        TEST(who_waits_is_answered),
#ifdef SC_WITH_FAULTS
        TEST(a_prune_behind_a_kill_leaves_no_old_word),
        TEST(a_kill_leaves_the_old_version_or_the_new_one),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
