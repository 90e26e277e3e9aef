#include "store/store.h"

#include "store/disk.h"
#include "store/figures.h"

#include "base/lock.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/banned.h"

/* ---- several members in one transaction ----
 *
 * A member that waits keeps the writer busy; those queued meanwhile are the next group. */

struct gate {
    sem_t entered, leave;
};

static enum sc_code wait_at_gate(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)tx;
    (void)err;
    struct gate *gate = ctx;
    assert_int_equal(sem_post(&gate->entered), 0);
    assert_int_equal(sem_wait(&gate->leave), 0);
    return SC_OK;
}

struct call {
    struct sc_store *store;
    enum sc_durability durability;
    bool again;
    sc_write_fn fn;
    void *ctx;
    pthread_t thread;
    enum sc_code code;
    struct sc_error err;
};

static void *call_main(void *arg)
{
    struct call *c = arg;
    c->code = (c->again ? sc_store_write_again : sc_store_write)(c->store, c->durability, c->fn,
                                                                 c->ctx, &c->err);
    return NULL;
}

static int queued(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    int n = 0;
    for (const struct sc_member *m = store->head; m != NULL; m = m->next)
        n++;
    return n;
}

/* Starts the calls so that they queue in this order behind a member at the gate, then opens it and
 * waits for all of them. The clock stands meanwhile: a group's time is not up before it has run. */
static void run_together(struct sc_store *store, struct call *calls, int count)
{
    struct gate gate;
    assert_int_equal(sem_init(&gate.entered, 0, 0), 0);
    assert_int_equal(sem_init(&gate.leave, 0, 0), 0);
    struct call first = { .store = store, .durability = SC_RELAXED, .fn = wait_at_gate };
    first.ctx = &gate;
    assert_int_equal(pthread_create(&first.thread, NULL, call_main, &first), 0);
    assert_int_equal(sem_wait(&gate.entered), 0);
    sc_clock_set(sc_clock_wall_ms(), sc_clock_mono_ms());
    for (int i = 0; i < count; i++) {
        calls[i].store = store;
        assert_int_equal(pthread_create(&calls[i].thread, NULL, call_main, &calls[i]), 0);
        while (queued(store) < i + 1)
            sched_yield();
    }
    assert_int_equal(sem_post(&gate.leave), 0);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_join(calls[i].thread, NULL), 0);
    sc_clock_set(-1, -1);
    (void)sem_destroy(&gate.entered);
    (void)sem_destroy(&gate.leave);
}

static struct call set_call(struct setting *s, enum sc_durability durability)
{
    return (struct call){ .durability = durability, .fn = run_setting, .ctx = s };
}

static int64_t count_settings(struct sc_store *store)
{
    return number(store, "SELECT count(*) FROM meta WHERE key LIKE 'k%'");
}

/* Waits until the writer has reopened the store; the test's own limit is the harness's. */
static void await_writable(struct sc_store *store)
{
    while (!sc_store_is_writable(store, NULL))
        sc_clock_sleep_ms(20);
}

/* ---- savepoints and callbacks ---- */

static void a_member_that_fails_takes_no_neighbour_with_it(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s[3] = {
        { "k1", "1", SC_OK },
        { "k2", "2", SC_E_CONFLICT },
        { "k3", "3", SC_OK },
    };
    struct call calls[3];
    for (int i = 0; i < 3; i++)
        calls[i] = set_call(&s[i], SC_DURABLE);
    int syncs = atomic_load(&disk_syncs);
    run_together(f.store, calls, 3);
    assert_int_equal(atomic_load(&disk_syncs) - syncs, 1); /* they were one transaction */
    assert_int_equal(calls[0].code, SC_OK);
    assert_int_equal(calls[1].code, SC_E_CONFLICT);
    assert_string_equal(calls[1].err.msg, "refused by the test");
    assert_int_equal(calls[2].code, SC_OK);
    assert_int_equal(count_settings(f.store), 2);
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE key = 'k2'"), 0);
}

struct counted { /* a setting, and how often its write ran */
    struct setting setting;
    int runs;
    bool early; /* it refuses before it has written */
};

static enum sc_code run_counted(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct counted *c = ctx;
    struct sc_job_figure figure = { .owner_id = 1, .state = 1, .pipeline = "noop" };
    c->runs++;
    if (c->early)
        return sc_error_set(err, SC_E_CONFLICT, "refused at once");
    sc_conn_count_job(tx, &figure, 1);
    return run_setting(tx, &c->setting, err);
}

/* Runs three members that may run again; the second one refuses. */
static void run_again_beside_a_refusal(struct fixture *f, struct counted *c, bool early)
{
    struct call calls[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){ .durability = SC_DURABLE, .fn = run_counted, .ctx = &c[i] };
        calls[i].again = true;
    }
    c[1].early = early;
    int syncs = atomic_load(&disk_syncs);
    run_together(f->store, calls, 3);
    assert_int_equal(atomic_load(&disk_syncs) - syncs, 1); /* they were one transaction */
    assert_int_equal(calls[0].code, SC_OK);
    assert_int_equal(calls[1].code, SC_E_CONFLICT);
    assert_int_equal(calls[2].code, SC_OK);
    assert_int_equal(count_settings(f->store), 2);
    assert_int_equal(number(f->store, "SELECT count(*) FROM meta WHERE key = 'k2'"), 0);
    /* What is noted for the figures goes the same way. */
    assert_int_equal(number(f->store, "SELECT jobs FROM job_stats WHERE day = -1"), 2);
}

static void members_that_may_run_again_do_so_when_one_fails_halfway(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct counted c[3] = {
        { .setting = { "k1", "1", SC_OK } },
        { .setting = { "k2", "2", SC_E_CONFLICT } },
        { .setting = { "k3", "3", SC_OK } },
    };
    run_again_beside_a_refusal(&f, c, false);
    assert_int_equal(c[0].runs, 2);
    assert_int_equal(c[1].runs, 2);
    assert_int_equal(c[2].runs, 1); /* it had not run yet */
}

static void a_refusal_before_any_change_makes_nobody_run_again(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct counted c[3] = {
        { .setting = { "k1", "1", SC_OK } },
        { .setting = { "k2", "2", SC_OK } },
        { .setting = { "k3", "3", SC_OK } },
    };
    run_again_beside_a_refusal(&f, c, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(c[i].runs, 1);
}

static void a_refused_row_takes_its_whole_member_and_nobody_else(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char both[] = "INSERT INTO meta VALUES ('k1', '1');"
                  "INSERT INTO principals VALUES (1, 'taken', 0);";
    struct setting s = { "k2", "2", SC_OK };
    struct call calls[2] = {
        { .durability = SC_DURABLE, .fn = run_sql, .ctx = both },
        set_call(&s, SC_DURABLE),
    };
    run_together(f.store, calls, 2);
    assert_int_equal(calls[0].code, SC_E_STORE_INTEGRITY);
    assert_int_equal(calls[1].code, SC_OK);
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE key = 'k1'"), 0);
    assert_int_equal(count_settings(f.store), 1);
    assert_true(sc_store_is_writable(f.store, NULL));
}

struct log {
    struct sc_store *store;
    char text[32];
};

static void note(void *owner, const void *arg)
{
    struct log *log = owner;
    size_t n = strlen(log->text);
    log->text[n] = *(const char *)arg;
    /* Readers see the commit by then. */
    char sql[80];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM meta WHERE key = 'k%c'", log->text[n]);
    assert_int_equal(number(log->store, sql), 1);
}

struct noting {
    struct log *log;
    char name;
    enum sc_code answer;
};

static enum sc_code write_and_note(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct noting *n = ctx;
    const char key[] = { 'k', n->name, '\0' };
    struct setting s = { key, "1", SC_OK };
    sc_conn_after_commit(tx, note, n->log, &n->name, 1);
    enum sc_code code = run_setting(tx, &s, err);
    return code == SC_OK ? n->answer : code;
}

static void callbacks_come_after_the_commit_in_order_and_only_of_what_was_committed(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct log log = { .store = f.store };
    struct noting n[4] = {
        { &log, 'a', SC_OK },
        { &log, 'b', SC_E_CONFLICT },
        { &log, 'c', SC_OK },
        { &log, 'd', SC_E_NOT_FOUND },
    };
    struct call calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = (struct call){ .durability = SC_RELAXED, .fn = write_and_note, .ctx = &n[i] };
    run_together(f.store, calls, 4);
    assert_string_equal(log.text, "ac");
}

static void count_signal(void *owner, const void *arg)
{
    struct log *log = owner;
    assert_null(arg);
    log->text[strlen(log->text)] = '!';
}

static enum sc_code write_and_signal(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct noting *n = ctx;
    sc_conn_after_commit(tx, count_signal, n->log, NULL, 0);
    return write_and_note(tx, ctx, err);
}

static void a_signal_of_many_members_comes_once_and_last(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct log log = { .store = f.store };
    struct noting n[4] = {
        { &log, 'a', SC_E_CONFLICT },
        { &log, 'b', SC_OK },
        { &log, 'c', SC_OK },
        { &log, 'd', SC_OK },
    };
    struct call calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = (struct call){ .durability = SC_RELAXED, .fn = write_and_signal, .ctx = &n[i] };
    run_together(f.store, calls, 4);
    assert_string_equal(log.text, "bcd!");
}

static void note_slowly(void *owner, const void *arg)
{
    (void)arg;
    sc_clock_sleep_ms(50);
    atomic_store((atomic_bool *)owner, true);
}

static enum sc_code owe_a_slow_note(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)err;
    sc_conn_after_commit(tx, note_slowly, ctx, NULL, 0);
    return SC_OK;
}

static void a_write_returns_after_its_callbacks(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    atomic_bool noted = false;
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, owe_a_slow_note, &noted, NULL), SC_OK);
    assert_true(atomic_load(&noted));
}

/* ---- durability ---- */

static void a_durable_write_is_synced_and_a_relaxed_one_is_not(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s[2] = { { "k1", "1", SC_OK }, { "k1", "2", SC_OK } };
    int before = atomic_load(&disk_syncs);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s[0], NULL), SC_OK);
    int durable = atomic_load(&disk_syncs);
    assert_true(durable > before);
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_setting, &s[1], NULL), SC_OK);
    assert_int_equal(atomic_load(&disk_syncs), durable);
}

static void a_durable_write_that_finds_its_work_done_waits_for_that_to_be_synced(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s = { "k1", "1", SC_OK };
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_setting, &s, NULL), SC_OK);
    int before = atomic_load(&disk_syncs);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_OK);
    int synced = atomic_load(&disk_syncs);
    assert_true(synced > before);
    /* Nothing is owed any more. */
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_OK);
    assert_int_equal(atomic_load(&disk_syncs), synced);
}

static void one_durable_member_makes_its_group_durable(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s[3] = { { "k1", "1", SC_OK }, { "k2", "2", SC_OK }, { "k3", "3", SC_OK } };
    struct call calls[3] = {
        set_call(&s[0], SC_RELAXED),
        set_call(&s[1], SC_DURABLE),
        set_call(&s[2], SC_RELAXED),
    };
    int before = atomic_load(&disk_syncs);
    run_together(f.store, calls, 3);
    assert_int_equal(atomic_load(&disk_syncs) - before, 1);
}

/* ---- failed commits ---- */

static void a_failed_sync_fails_all_and_the_store_comes_back(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    struct log log = { .store = f.store };
    struct noting n = { &log, 'a', SC_OK };
    struct setting s[2] = { { "k1", "1", SC_OK }, { "k2", "2", SC_E_CONFLICT } };
    struct call calls[3] = {
        set_call(&s[0], SC_DURABLE),
        set_call(&s[1], SC_DURABLE),
        { .durability = SC_RELAXED, .fn = write_and_note, .ctx = &n },
    };
    atomic_store(&disk_sync_errno, EIO);
    run_together(f.store, calls, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(calls[i].code, SC_E_STORE_ERROR);
    assert_string_equal(log.text, "");
    assert_false(sc_store_is_writable(f.store, &err));
    assert_int_equal(err.code, SC_E_STORE_ERROR);
    assert_int_equal(count_settings(f.store), 0); /* reading goes on */
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_setting, &s[0], &err),
                     SC_E_STORE_ERROR);

    disk_heal();
    await_writable(f.store);
    assert_int_equal(count_settings(f.store), 0);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s[0], &err), SC_OK);
    assert_int_equal(count_settings(f.store), 1);
}

static void a_write_error_is_told_by_its_cause(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum sc_code code;
    } rows[] = {
        { ENOSPC, SC_E_NO_SPACE },
        { EDQUOT, SC_E_NO_SPACE },
        { EROFS, SC_E_STORE_READ_ONLY },
        { EIO, SC_E_STORE_ERROR },
    };
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        struct setting s = { "k1", "1", SC_OK };
        atomic_store(&disk_write_errno, rows[i].errnum);
        enum sc_code code = sc_store_write(f.store, SC_RELAXED, run_setting, &s, &err);
        bool writable = sc_store_is_writable(f.store, NULL);
        disk_heal();
        assert_int_equal(code, rows[i].code);
        assert_false(writable);
        assert_int_equal(count_settings(f.store), 0);
        await_writable(f.store);
    }
}

static void the_store_stays_shut_while_the_cause_lasts(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    struct setting s = { "k1", "1", SC_OK };
    atomic_store(&disk_sync_errno, EIO);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, &err), SC_E_STORE_ERROR);
    /* Two more tries to reopen, seen by their syncs. */
    for (int seen = atomic_load(&disk_syncs); atomic_load(&disk_syncs) < seen + 2;)
        sc_clock_sleep_ms(20);
    assert_false(sc_store_is_writable(f.store, &err));
    disk_heal();
    await_writable(f.store);
}

/* The log is empty, so moving it tells nothing: only a write of its own does. */
static void the_store_stays_shut_until_it_has_written(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s = { "k1", "1", SC_OK };
    atomic_store(&disk_write_errno, EIO);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_E_STORE_ERROR);
    int seen = atomic_load(&disk_refusals);
    bool writable = false;
    while (!writable && atomic_load(&disk_refusals) < seen + 2) {
        sc_clock_sleep_ms(20);
        writable = sc_store_is_writable(f.store, NULL);
    }
    disk_heal();
    assert_false(writable);
    await_writable(f.store);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_OK);
}

static void the_store_comes_back_when_it_could_not_even_be_opened(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s = { "k1", "1", SC_OK };
    atomic_store(&disk_open_errno, EIO);
    atomic_store(&disk_open_fails, 1000);
    atomic_store(&disk_write_errno, EIO);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_E_STORE_ERROR);
    /* Two tries to reopen, each of which opens. */
    for (int seen = atomic_load(&disk_open_fails); atomic_load(&disk_open_fails) > seen - 2;)
        sc_clock_sleep_ms(20);
    assert_false(sc_store_is_writable(f.store, NULL));
    disk_heal();
    await_writable(f.store);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_OK);
}

/* Shuts the store and waits until opening it again has failed with what `cause` says. */
static void await_refusal(struct sc_store *store, const char *cause)
{
    struct sc_error err = { 0 };
    do {
        sc_clock_sleep_ms(20);
        assert_false(sc_store_is_writable(store, &err));
    } while (strstr(err.msg, cause) == NULL);
}

static void shut(struct sc_store *store)
{
    struct setting s = { "k1", "1", SC_OK };
    atomic_store(&disk_sync_errno, EIO);
    assert_int_equal(sc_store_write(store, SC_DURABLE, run_setting, &s, NULL), SC_E_STORE_ERROR);
}

/* An empty one in its place would take writes, and all would be gone. */
static void a_store_that_was_deleted_is_not_made_anew(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    shut(f.store);
    assert_int_equal(unlink(f.path), 0);
    disk_heal();
    await_refusal(f.store, "open the store");
    assert_int_not_equal(access(f.path, F_OK), 0);
}

static void a_store_that_was_damaged_meanwhile_stays_shut(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char zeros[4096] = { 0 };
    sc_store_close(f.store); /* empties the log */
    struct sc_store_options o = options_for(f.path, false);
    assert_int_equal(sc_store_open(&o, &f.store, NULL), SC_OK);
    int64_t page = number(f.store, "SELECT rootpage FROM sqlite_schema WHERE name = 'origins'");
    shut(f.store);
    int fd = open(f.path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && page > 1);
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (page - 1) * (off_t)sizeof(zeros)), 4096);
    assert_int_equal(close(fd), 0);
    disk_heal();
    await_refusal(f.store, "damaged");
}

static void a_store_may_be_closed_while_it_is_shut(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s = { "k1", "1", SC_OK };
    atomic_store(&disk_sync_errno, EIO);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_E_STORE_ERROR);
    sc_store_close(f.store);
    f.store = NULL;
    disk_heal();
}

/* SQLite's own limit, met by a statement in the middle of a group. */
static enum sc_code fill_through_a_statement(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    enum sc_code code = sc_conn_exec(tx, "PRAGMA max_page_count = 1", err);
    size_t len = 4000000;
    SC_AUTO_FREE char *big = malloc(len);
    assert_non_null(big);
    memset(big, 'x', len);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_META_SET);
    sc_stmt_bind_text(&st, ":key", "kbig");
    sc_stmt_bind_str(&st, ":value", (struct sc_str){ big, len });
    if (code == SC_OK)
        code = sc_stmt_run(&st, err);
    assert_int_equal(code, SC_E_NO_SPACE);
    /* Even a member that goes on regardless commits nothing. */
    sc_stmt_reset(&st);
    sc_stmt_bind_text(&st, ":key", "kafter");
    sc_stmt_bind_text(&st, ":value", "1");
    assert_int_equal(sc_stmt_run(&st, err), SC_E_NO_SPACE);
    return SC_OK;
}

static void a_statement_that_finds_no_space_fails_every_member(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s[2] = { { "k1", "1", SC_OK }, { "k2", "2", SC_OK } };
    struct call calls[3] = {
        set_call(&s[0], SC_DURABLE),
        { .durability = SC_DURABLE, .fn = fill_through_a_statement },
        set_call(&s[1], SC_DURABLE),
    };
    run_together(f.store, calls, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(calls[i].code, SC_E_NO_SPACE);
    assert_int_equal(count_settings(f.store), 0);
    await_writable(f.store);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s[0], NULL), SC_OK);
}

/* The kernel's own limit on the size of a file, in a process of its own. */
static int outgrow_a_file(const char *path)
{
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    struct sc_store_options o = options_for(path, true);
    char big[] = "INSERT INTO meta VALUES ('kbig', hex(zeroblob(8000000)))";
    struct setting s = { "k1", "1", SC_OK };
    const struct rlimit tight = { 4 << 20, RLIM_INFINITY };
    const struct rlimit wide = { RLIM_INFINITY, RLIM_INFINITY };
    (void)signal(SIGXFSZ, SIG_IGN);
    if (sc_store_open(&o, &store, NULL) != SC_OK || setrlimit(RLIMIT_FSIZE, &tight) != 0)
        return 1;
    if (sc_store_write(store, SC_DURABLE, run_sql, big, NULL) != SC_E_NO_SPACE)
        return 2;
    if (setrlimit(RLIMIT_FSIZE, &wide) != 0)
        return 3;
    while (!sc_store_is_writable(store, NULL))
        sc_clock_sleep_ms(20);
    if (sc_store_write(store, SC_DURABLE, run_setting, &s, NULL) != SC_OK)
        return 4;
    return count_settings(store) == 1 ? 0 : 5;
}

static void a_file_that_may_not_grow_is_no_space(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(outgrow_a_file(path));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_write_after_the_end_is_refused(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    sc_writer_stop(f.store);
    struct setting s = { "k1", "1", SC_OK };
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL),
                     SC_E_SHUTTING_DOWN);
}

/* ---- many threads ---- */

#define THREADS 8
#define WRITES 150

static enum sc_code add_one(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    int64_t value = 0;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_META_GET);
        sc_stmt_bind_text(&st, ":key", "sum");
        enum sc_code code = sc_stmt_one(&st, err);
        if (code == SC_OK)
            value = sc_stmt_int(&st, "value");
        else if (code != SC_E_NOT_FOUND)
            return code;
    }
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_META_SET);
    sc_stmt_bind_text(&st, ":key", "sum");
    sc_stmt_bind_int(&st, ":value", value + 1);
    return sc_stmt_run(&st, err);
}

static void *add_many(void *arg)
{
    struct sc_store *store = arg;
    for (int i = 0; i < WRITES; i++)
        if (sc_store_write(store, i % 10 == 0 ? SC_DURABLE : SC_RELAXED, add_one, NULL, NULL) !=
            SC_OK)
            return store;
    return NULL;
}

static void *watch_growing(void *arg)
{
    struct sc_store *store = arg;
    int64_t last = 0;
    while (last < (int64_t)THREADS * WRITES) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        if (sc_store_read(store, &conn, NULL) != SC_OK)
            return store;
        int64_t seen[2];
        for (int i = 0; i < 2; i++) {
            SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_META_GET);
            sc_stmt_bind_text(&st, ":key", "sum");
            enum sc_code code = sc_stmt_one(&st, NULL);
            seen[i] = code == SC_OK ? sc_stmt_int(&st, "value") : 0;
        }
        if (seen[0] != seen[1] || seen[0] < last)
            return store;
        last = seen[0];
    }
    return NULL;
}

static void eight_threads_lose_no_write_and_readers_see_whole_states(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    pthread_t writers[THREADS], readers[2];
    void *failed;
    f.store->log.limits.pass = 5; /* the log is moved all the time */
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, watch_growing, f.store), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, add_many, f.store), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(writers[i], &failed), 0);
        assert_null(failed);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(readers[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(number(f.store, "SELECT value FROM meta WHERE key = 'sum'"), THREADS * WRITES);
    assert_int_equal(sc_store_check(f.store, NULL, NULL, NULL), SC_OK);
}

/* ---- the log ---- */

static int64_t log_bytes(struct sc_store *store)
{
    struct sc_store_info info = { 0 };
    assert_int_equal(sc_store_info(store, &info, NULL), SC_OK);
    return info.wal_bytes;
}

static int64_t store_bytes(struct sc_store *store)
{
    struct sc_store_info info = { 0 };
    assert_int_equal(sc_store_info(store, &info, NULL), SC_OK);
    return info.size_bytes;
}

/* Some 50 pages of log. */
static char add_pages[] = "INSERT INTO meta VALUES (hex(randomblob(8)), hex(zeroblob(100000)))";
#define ADDED_BYTES 200000

/* Limits that tests reach soon. */
static void limit_log(struct sc_store *store, int pass, int most)
{
    store->log.limits.pass = pass;
    store->log.limits.most = most;
}

static void the_log_is_moved_into_the_store_as_it_grows(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char big[] = "INSERT INTO meta VALUES (hex(randomblob(8)), hex(zeroblob(1000000)))";
    for (int i = 0; i < 20; i++)
        assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_sql, big, NULL), SC_OK);
    while (store_bytes(f.store) < 24 << 20)
        sc_clock_sleep_ms(20);
}

static void nobody_waits_while_the_log_is_moved(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    int held = atomic_load(&disk_held);
    limit_log(f.store, 40, 4000);
    atomic_store(&disk_holds_passes, true);
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_sql, add_pages, NULL), SC_OK);
    while (atomic_load(&disk_held) == held)
        sc_clock_sleep_ms(1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_sql, add_pages, NULL), SC_OK);
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE length(value) = 200000"), 11);
    assert_true(store_bytes(f.store) < ADDED_BYTES + (1 << 20)); /* it was held all the time */
    disk_heal();
    while (store_bytes(f.store) < 10 * ADDED_BYTES)
        assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_sql, add_pages, NULL), SC_OK);
}

/* Without a pause in which the log could be cut. */
static void the_log_begins_anew_while_there_is_always_more_to_write(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    limit_log(f.store, 60, 300);
    for (int i = 0; i < 100; i++) {
        enum sc_durability durability = i % 2 == 0 ? SC_DURABLE : SC_RELAXED;
        assert_int_equal(sc_store_write(f.store, durability, run_sql, add_pages, NULL), SC_OK);
    }
    assert_true(log_bytes(f.store) < 500 * 4120);
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE length(value) = 200000"),
                     100);
}

static void what_passes_cannot_keep_up_with_is_moved_by_the_writer(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    limit_log(f.store, 40, 300);
    atomic_store(&disk_holds_passes, true);
    struct call calls[12];
    for (size_t i = 0; i < SC_ARRAY_LEN(calls); i++) {
        calls[i] = (struct call){
            .store = f.store, .durability = SC_RELAXED, .fn = run_sql, .ctx = add_pages
        };
        assert_int_equal(pthread_create(&calls[i].thread, NULL, call_main, &calls[i]), 0);
    }
    while (log_bytes(f.store) < 300 * 4120)
        sc_clock_sleep_ms(1);
    disk_heal();
    for (size_t i = 0; i < SC_ARRAY_LEN(calls); i++) {
        assert_int_equal(pthread_join(calls[i].thread, NULL), 0);
        assert_int_equal(calls[i].code, SC_OK);
    }
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE length(value) = 200000"), 12);
    /* The last of them found the log at its limit, or its end came later: then the next do. */
    while (f.store->writer->log_restarts == 0)
        assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_sql, add_pages, NULL), SC_OK);
}

static void a_failed_pass_shuts_the_store_until_the_cause_has_gone(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    int held = atomic_load(&disk_held);
    limit_log(f.store, 40, 4000);
    atomic_store(&disk_holds_passes, true);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_sql, add_pages, NULL), SC_OK);
    while (atomic_load(&disk_held) == held)
        sc_clock_sleep_ms(1);
    atomic_store(&disk_sync_errno, EIO);
    atomic_store(&disk_holds_passes, false);
    while (sc_store_is_writable(f.store, &err)) /* nobody has to write for it to be known */
        sc_clock_sleep_ms(1);
    assert_int_equal(err.code, SC_E_STORE_ERROR);
    assert_non_null(strstr(err.msg, "move the log into the store"));
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE length(value) = 200000"), 1);
    disk_heal();
    await_writable(f.store);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_sql, add_pages, NULL), SC_OK);
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE length(value) = 200000"), 11);
}

static void a_pass_that_cannot_open_the_store_is_made_up_for(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    limit_log(f.store, 40, 200);
    atomic_store(&disk_open_errno, EMFILE);
    while (f.store->writer->log_restarts == 0)
        assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_sql, add_pages, NULL), SC_OK);
    assert_true(sc_store_is_writable(f.store, NULL));
    disk_heal();
}

static void a_log_grown_behind_a_reader_is_cut_when_the_store_is_idle(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char big[] = "INSERT INTO meta VALUES (hex(randomblob(8)), hex(zeroblob(4000000)))";
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
        (void)number_on(conn, "SELECT count(*) FROM meta");
        for (int i = 0; i < 9; i++)
            assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_sql, big, NULL), SC_OK);
        assert_true(log_bytes(f.store) > 64 << 20);
    }
    while (log_bytes(f.store) > 0)
        sc_clock_sleep_ms(20);
    assert_int_equal(number(f.store, "SELECT count(*) FROM meta"), 9);
}

/* Cutting the log off costs a sync more, and the next write has to make it long again. */
static void a_short_log_is_moved_and_not_cut_when_the_store_is_idle(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char big[] = "INSERT INTO meta VALUES (hex(randomblob(8)), hex(zeroblob(3000000)))";
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_sql, big, NULL), SC_OK);
    for (struct sc_store_info info = { 0 }; info.size_bytes < 6000000;) {
        sc_clock_sleep_ms(20);
        assert_int_equal(sc_store_info(f.store, &info, NULL), SC_OK);
    }
    /* A write behind the move: the writer has looked at how that ended. */
    struct setting s = { "k1", "1", SC_OK };
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_setting, &s, NULL), SC_OK);
    assert_true(log_bytes(f.store) >= 6000000);
}

struct closing {
    struct sc_store *store;
    struct sc_conn *lent;
};

static void *give_back_late(void *arg)
{
    const struct closing *c = arg;
    struct sc_error err = { 0 };
    struct setting s = { "k1", "1", SC_OK };
    while (sc_store_write(c->store, SC_RELAXED, run_setting, &s, &err) != SC_E_SHUTTING_DOWN)
        sc_clock_sleep_ms(1);
    sc_clock_sleep_ms(50); /* so that the end has come to waiting; sooner is as good */
    sc_conn_release(c->lent);
    return NULL;
}

static void the_end_waits_for_readers(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct closing c = { .store = f.store };
    pthread_t thread;
    assert_int_equal(sc_store_read(f.store, &c.lent, NULL), SC_OK);
    assert_int_equal(pthread_create(&thread, NULL, give_back_late, &c), 0);
    sc_store_close(f.store);
    f.store = NULL;
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_checkpoint_does_not_wait_for_a_reader(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s = { "k1", "1", SC_OK };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    (void)number_on(conn, "SELECT count(*) FROM meta");
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_setting, &s, NULL), SC_OK);
    sc_writer_stop(f.store);
    /* So long that a busy machine cannot be taken for one that waits. */
    f.store->busy_timeout_ms = 600000;
    (void)sqlite3_busy_timeout(f.store->writer->db, 600000);
    bool complete = true;
    int64_t start_ms = sc_clock_mono_ms();
    assert_int_equal(sc_wal_empty(f.store, &complete, NULL), SC_OK);
    assert_true(sc_clock_mono_ms() - start_ms < 300000);
    assert_false(complete);
    assert_int_equal(number_on(f.store->writer, "PRAGMA busy_timeout"), 600000);
}

/* Two readers in turn, so that one of them is always lent: each gives its own back only when the
 * other has got the next one, or when that has to wait. */
struct relay {
    struct sc_store *store;
    atomic_int *mine, *other; /* how often each has got a reader */
    atomic_bool *stop;
    bool failed;
};

static void *read_in_turn(void *arg)
{
    struct relay *r = arg;
    while (!atomic_load(r->stop)) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        if (sc_store_read(r->store, &conn, NULL) != SC_OK) {
            r->failed = true;
            return NULL;
        }
        int seen = atomic_load(r->other);
        (void)number_on(conn, "SELECT count(*) FROM meta");
        atomic_fetch_add(r->mine, 1);
        for (int ms = 0; ms < 100 && atomic_load(r->other) == seen; ms++)
            sc_clock_sleep_ms(1);
    }
    return NULL;
}

static void the_store_comes_back_though_it_is_read_all_the_time(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct setting s = { "k1", "1", SC_OK };
    atomic_int got[2] = { 0, 0 };
    atomic_bool stop = false;
    struct relay relays[2];
    pthread_t readers[2];
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, run_setting, &s, NULL), SC_OK);
    for (int i = 0; i < 2; i++) {
        relays[i] = (struct relay){ f.store, &got[i], &got[1 - i], &stop, false };
        assert_int_equal(pthread_create(&readers[i], NULL, read_in_turn, &relays[i]), 0);
    }
    s.value = "2";
    atomic_store(&disk_sync_errno, EIO);
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, NULL), SC_E_STORE_ERROR);
    disk_heal();
    await_writable(f.store);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(readers[i], NULL), 0);
        assert_false(relays[i].failed);
    }
}

static enum sc_code change_nothing(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)tx;
    (void)ctx;
    return sc_error_set(err, SC_E_CONFLICT, "refused");
}

static void see_version(void *owner, const void *arg)
{
    (void)arg;
    struct fixture *f = owner;
    assert_int_equal(sc_store_version(f->store) % 2, 0); /* told after the commit */
}

static enum sc_code touch_meta(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct fixture *f = ctx;
    (void)err;
    sc_conn_after_commit(tx, see_version, f, NULL, 0);
    return sc_conn_run(tx, SC_SQL_META_TOUCH, err);
}

static void the_version_grows_with_each_commit_and_is_even_between_them(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    uint64_t last = sc_store_version(f.store);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sc_store_write(f.store, SC_RELAXED, touch_meta, &f, NULL), SC_OK);
        uint64_t now = sc_store_version(f.store);
        assert_true(now > last && now % 2 == 0);
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
        assert_true(sc_store_version(f.store) == now);
        last = now;
    }
    assert_int_equal(sc_store_write(f.store, SC_RELAXED, change_nothing, NULL, NULL),
                     SC_E_CONFLICT);
    assert_int_equal(sc_store_version(f.store) % 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_version_grows_with_each_commit_and_is_even_between_them),
        TEST(a_member_that_fails_takes_no_neighbour_with_it),
        TEST(members_that_may_run_again_do_so_when_one_fails_halfway),
        TEST(a_refusal_before_any_change_makes_nobody_run_again),
        TEST(a_refused_row_takes_its_whole_member_and_nobody_else),
        TEST(callbacks_come_after_the_commit_in_order_and_only_of_what_was_committed),
        TEST(a_signal_of_many_members_comes_once_and_last),
        TEST(a_write_returns_after_its_callbacks),
        TEST(a_durable_write_is_synced_and_a_relaxed_one_is_not),
        TEST(a_durable_write_that_finds_its_work_done_waits_for_that_to_be_synced),
        TEST(one_durable_member_makes_its_group_durable),
        TEST(a_failed_sync_fails_all_and_the_store_comes_back),
        TEST(a_write_error_is_told_by_its_cause),
        TEST(the_store_stays_shut_while_the_cause_lasts),
        TEST(the_store_stays_shut_until_it_has_written),
        TEST(the_store_comes_back_when_it_could_not_even_be_opened),
        TEST(a_store_that_was_deleted_is_not_made_anew),
        TEST(a_store_that_was_damaged_meanwhile_stays_shut),
        TEST(a_store_may_be_closed_while_it_is_shut),
        TEST(a_statement_that_finds_no_space_fails_every_member),
        TEST(a_file_that_may_not_grow_is_no_space),
        TEST(a_write_after_the_end_is_refused),
        TEST(eight_threads_lose_no_write_and_readers_see_whole_states),
        TEST(the_log_is_moved_into_the_store_as_it_grows),
        TEST(nobody_waits_while_the_log_is_moved),
        TEST(the_log_begins_anew_while_there_is_always_more_to_write),
        TEST(what_passes_cannot_keep_up_with_is_moved_by_the_writer),
        TEST(a_failed_pass_shuts_the_store_until_the_cause_has_gone),
        TEST(a_pass_that_cannot_open_the_store_is_made_up_for),
        TEST(a_log_grown_behind_a_reader_is_cut_when_the_store_is_idle),
        TEST(a_short_log_is_moved_and_not_cut_when_the_store_is_idle),
        TEST(the_end_waits_for_readers),
        TEST(a_checkpoint_does_not_wait_for_a_reader),
        TEST(the_store_comes_back_though_it_is_read_all_the_time),
    };
    disk_install();
    disk_heal();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
