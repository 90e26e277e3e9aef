/* G8: memory is exhausted at the Nth allocation. Each run is a process of its own on a copy of one
 * data folder: it does one scenario, in which the Nth allocation of a kind fails, once. It must
 * answer with success, or with an error and nothing given out, and leak nothing (LeakSanitizer);
 * or, where a small object is missing, abort and say why. Afterwards the store is as before or as
 * after the scenario, whole, and the same scenario succeeds.
 *
 * ROUNDS=N runs (default 12, "all" of the list at most), spread over all kinds, scenarios and
 * places; FIRST=N begins at that one, SEED=N takes others. ONLY="claim sqlite 17" is that run
 * alone. */
#include "../pipeline/rig.h"

#include "api/views.h"
#include "base/alloc.h"
#include "base/fault.h"
#include "base/hash.h"
#include "library/fsck.h"
#include "pipeline/export.h"
#include "transcript/writer.h"
#include "json/reader.h"

#include <glob.h>
#include <jansson.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/banned.h"

#ifdef SC_WITH_FAULTS

#define DEEPEST 2000 /* the last allocation of a scenario that is failed */
#define WORDS 5

/* ---- the kinds of memory ---- */

static const char *const kinds[] = { "memory.small", "memory.sized", "memory.sqlite",
                                     "memory.json" };
#define KINDS SC_ARRAY_LEN(kinds)

static sqlite3_mem_methods sqlite;

static void *sqlite_alloc(int size)
{
    return SC_FAULT("memory.sqlite") ? NULL : sqlite.xMalloc(size);
}

static void *sqlite_grow(void *p, int size)
{
    return SC_FAULT("memory.sqlite") ? NULL : sqlite.xRealloc(p, size);
}

static void *json_alloc(size_t size)
{
    return SC_FAULT("memory.json") ? NULL : malloc(size);
}

static void replace_allocators(void)
{
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite), SQLITE_OK);
    sqlite3_mem_methods mine = sqlite;
    mine.xMalloc = sqlite_alloc;
    mine.xRealloc = sqlite_grow;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &mine), SQLITE_OK);
    json_set_alloc_funcs(json_alloc, free);
}

/* ---- what is done ---- */

struct run {
    struct rig r;
    const char *data;
    struct sc_job_options *options;
    char *upload, *temp; /* a path */
    int fd;
    char hash[SC_SHA256_TEXT];
    size_t upload_size;
    struct sc_chunk_work work;
    size_t claimed;
    struct sc_buf out; /* what was read */
};

static void open_rig(struct run *run)
{
    struct sc_error err = { 0 };
    run->r.setting = "auto_export=json,srt";
    (void)snprintf(run->r.f.dir.path, sizeof(run->r.f.dir.path), "%s", run->data);
    (void)test_path(&run->r.f.dir, "scripta.db", run->r.f.path);
    struct sc_store_options o = options_for(run->r.f.path, true);
    if (sc_store_open(&o, &run->r.f.store, &err) != SC_OK)
        fail_msg("%s", err.msg);
    rig_open(&run->r);
    SC_AUTO_BUF engines = { 0 }; /* its thread is done then */
    if (sc_pipelines_engines(run->r.p, &engines, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

/* A recording that is spooled, with the options of its job. */
static void ready_upload(struct run *run)
{
    open_rig(run);
    run->upload = make_wav(4000, 7000, &run->upload_size);
    sc_hash_bytes(run->upload, run->upload_size, run->hash);
    run->options = options_from(null_job);
    assert_int_equal(sc_file_temp(run->data, ".up", &run->fd, &run->temp, NULL), SC_OK);
    assert_int_equal(sc_file_write_all(run->fd, run->upload, run->upload_size, NULL), SC_OK);
}

static enum sc_code submit(struct run *run, struct sc_error *err)
{
    static const struct sc_arrived nothing;
    SC_AUTO(sc_arrived_done) struct sc_arrived out = { 0 };
    const struct sc_arrival a = {
        .owner_id = ANNA,
        .temp_path = run->temp,
        .fd = run->fd,
        .size = (int64_t)run->upload_size,
        .sha256 = run->hash,
        .name = "memory.wav",
        .source = "api",
        .idempotency_key = "once",
    };
    enum sc_code code = sc_pipelines_arrive(run->r.p, &a, run->options, &out, err);
    if (code != SC_OK)
        assert_memory_equal(&out, &nothing, sizeof(out));
    return code;
}

static enum sc_code claim_and_complete(struct run *run, struct sc_error *err)
{
    static const char *const lane = "engine:null";
    struct sc_claimed claimed = { .claim = { run->r.worker, &lane, 1, 1, NULL },
                                  .work = &run->work };
    enum sc_code code = SC_OK;
    if (run->claimed == 0) {
        code = sc_chunk_claim(run->r.p, &claimed, err);
        run->claimed = claimed.count;
    }
    if (code != SC_OK) {
        assert_int_equal(run->claimed, 0);
        return code;
    }
    assert_int_equal(run->claimed, 1);
    struct sc_chunk_result result = { .fence = fence_of(&run->r, &run->work.task) };
    bool repeated = false;
    for (int64_t k = 0; code == SC_OK && k < WORDS; k++) {
        char word[8];
        int len = snprintf(word, sizeof(word), "t%d", (int)k);
        struct sc_segment *s = sc_segments_add(&result.segments);
        if (s == NULL ||
            !sc_segment_add_word(s, (struct sc_str){ word, (size_t)len }, k * 100, k * 100 + 50, 1))
            code = sc_error_set(err, SC_E_INTERNAL, "no memory for the test's own words");
        else if (!sc_segment_settle(s))
            code = sc_error_set(err, SC_E_INTERNAL, "no memory for the test's own words");
    }
    if (code == SC_OK)
        code = sc_chunk_complete(run->r.p, &result, NULL, &repeated, err);
    sc_segments_done(&result.segments);
    return code;
}

static enum sc_code write_all(struct run *run, const struct sc_segments *all, struct sc_buf *out,
                              struct sc_error *err)
{
    size_t count = 0;
    const struct sc_format *formats = sc_format_all(&count);
    const struct sc_writer_meta meta = { .job_id = "j", .status = "completed", .language = "en" };
    enum sc_code code = SC_OK;
    (void)run;
    for (size_t i = 0; code == SC_OK && i < count; i++)
        code = sc_format_to_buf(&formats[i], all, &meta, NULL, out, err);
    return code;
}

/* Reads it and writes all formats; then the exports that are owed. */
static enum sc_code read_and_export(struct run *run, struct sc_error *err)
{
    sc_buf_reset(&run->out);
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        SC_AUTO_SEGMENTS all = { 0 };
        struct sc_transcript t;
        enum sc_code code = sc_store_read(run->r.f.store, &conn, err);
        if (code == SC_OK)
            code = sc_transcript_of_job(conn, 1, &t, err);
        if (code == SC_OK)
            code = sc_transcript_segments(conn, &t, 1, &all, err);
        if (code == SC_OK)
            code = write_all(run, &all, &run->out, err);
        if (code != SC_OK)
            return code;
    }
    struct sc_runner runner = { .p = run->r.p };
    while (sc_export_next_owed(&runner))
        ;
    return SC_OK;
}

static enum sc_code list_job(void *ctx, const struct sc_job *job, struct sc_error *err)
{
    const struct sc_job_outlook none = { -1, -1, 0 };
    (void)err;
    sc_job_view(ctx, NULL, job, &none);
    return SC_OK;
}

static enum sc_code set_options(const struct sc_json_value *body, struct sc_job_options *options,
                                struct sc_error *err)
{
    const char *key;
    const struct sc_json_value *value;
    void *at = NULL;
    enum sc_code code = SC_OK;
    while (code == SC_OK && (at = sc_json_next_member(body, at, &key, &value)) != NULL)
        code = sc_job_options_set_json(options, key, value, err);
    return code;
}

static const char body_text[] =
    "{\"engine\":\"null\",\"vad\":\"off\",\"chunk_length\":\"10s\",\"priority\":\"high\"}";

/* A job from a JSON body, and the list of jobs as JSON. */
static enum sc_code body_and_list(struct run *run, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_arrived_done) struct sc_arrived out = { 0 };
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_job_page_end end;
    struct sc_json w;
    struct sc_job_filter filter = sc_job_filter_all(ANNA, 10);
    enum sc_code code = sc_json_parse(sc_str_from(body_text), &doc, err);
    if (code == SC_OK)
        code = set_options(sc_json_root(doc), options, err);
    if (code == SC_OK)
        code = sc_pipelines_submit(run->r.p, ANNA, 1, options, "body", &out, err);
    if (code == SC_OK)
        code = sc_store_read(run->r.f.store, &conn, err);
    sc_buf_reset(&run->out);
    sc_json_begin(&w, &run->out);
    sc_json_array(&w, NULL);
    if (code == SC_OK)
        code = sc_job_list(conn, &filter, list_job, &w, &end, err);
    sc_json_end(&w);
    return code == SC_OK && run->out.failed
               ? sc_error_set(err, SC_E_INTERNAL, "the answer did not fit")
               : code;
}

static void no_rig(struct run *run)
{
    (void)run;
}

static void no_problem(void *ctx, const char *problem)
{
    (void)ctx;
    fail_msg("the store has a problem: %s", problem);
}

static enum sc_code open_and_check(const struct run *run, const char *name, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_path_join(run->data, name);
    struct sc_store *store = NULL;
    const struct sc_store_options o = options_for(path, true);
    enum sc_code code = sc_store_open(&o, &store, err);
    if (code != SC_OK)
        assert_null(store);
    if (code == SC_OK)
        code = sc_store_check(store, no_problem, NULL, err);
    sc_store_close(store);
    return code;
}

/* A store is made and migrated, one that is there is opened; both are checked. */
static enum sc_code open_stores(struct run *run, struct sc_error *err)
{
    enum sc_code code = open_and_check(run, "new.db", err);
    return code == SC_OK ? open_and_check(run, "scripta.db", err) : code;
}

struct scenario {
    const char *name;
    void (*ready)(struct run *run);
    enum sc_code (*op)(struct run *run, struct sc_error *err);
    const char *state;     /* SQL: what it changes, as a number */
    int64_t before, after; /* that number */
};

static const struct scenario scenarios[] = {
    { "submit", ready_upload, submit,
      "SELECT (SELECT count(*) FROM files WHERE original_name = 'memory.wav') +"
      " 10 * (SELECT count(*) FROM jobs WHERE file_id = (SELECT id FROM files WHERE original_name ="
      " 'memory.wav') AND engine = 'null' AND settings = (SELECT settings FROM jobs WHERE id = 1)) "
      "+"
      " 100 * (SELECT count(*) FROM tasks WHERE stage = 1 AND job > 2) +"
      " 1000 * (SELECT count(*) FROM idempotency)",
      0, 1111 },
    { "claim", open_rig, claim_and_complete,
      "SELECT (SELECT count(*) FROM segments WHERE transcript_id = (SELECT id FROM transcripts "
      "WHERE"
      " job = 2)) + 10 * (SELECT count(*) FROM chunks WHERE job = 2 AND replace(text, char(10), ' "
      "') = 't0 t1 t2 t3 t4')"
      " + 100 * (SELECT count(*) FROM tasks WHERE job = 2 AND stage = 4)",
      0, 115 },
    { "read", open_rig, read_and_export,
      "SELECT CASE exports_due WHEN 1 THEN 10 ELSE (SELECT count(DISTINCT format_name) FROM"
      " export_history) END FROM jobs WHERE id = 1",
      10, 2 },
    { "body", open_rig, body_and_list,
      "SELECT count(*) FROM jobs WHERE file_id = 1 AND class = 0 AND settings LIKE"
      " '%\"chunk_length\":10000%' AND engine = 'null'",
      0, 1 },
    { "open", no_rig, open_stores, "SELECT count(*) FROM jobs", 2, 2 },
};
#define SCENARIOS SC_ARRAY_LEN(scenarios)

static void run_done(struct run *run)
{
    sc_chunk_work_done(&run->work);
    sc_job_options_free(run->options);
    free(run->upload);
    free(run->temp);
    sc_closep(&run->fd);
    sc_buf_done(&run->out);
    if (run->r.f.store != NULL)
        rig_close(&run->r);
}

/* ---- processes ---- */

/* Exit codes of a run. */
enum verdict { WITHOUT_FAULT = 10, TOLERATED, REFUSED };

static pid_t start_child(const char *log)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    const struct rlimit no_core = { 0 };
    (void)setrlimit(RLIMIT_CORE, &no_core);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2);
    return 0;
}

static int wait_child(pid_t pid)
{
    int status = 0;
    assert_true(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void copy_folder(const char *from, const char *to)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execlp("cp", "cp", "-a", from, to, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(wait_child(pid), 0);
}

/* Of a store that nobody has open. */
static int64_t state_of(const char *data, const char *sql)
{
    SC_AUTO_FREE char *path = sc_path_join(data, "scripta.db");
    sqlite3 *db = NULL;
    int64_t out = -1;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, first_int_, &out, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return out;
}

/* ---- one run ---- */

/* In a child: the scenario with its fault; again without, when `again` and the store is open. */
static enum verdict do_faulty(const struct scenario *s, const char *kind, int64_t nth,
                              const char *data, int64_t *passes)
{
    struct run run = { .data = data, .fd = -1 };
    struct sc_error err = { 0 };
    s->ready(&run);
    sc_fault_arm(kind, nth);
    enum sc_code code = s->op(&run, &err);
    *passes = nth - sc_fault_left();
    bool hit = sc_fault_disarm(kind);
    if (code != SC_OK && err.msg[0] == '\0')
        fail_msg("%s without a message", sc_code_name(code));
    if (code != SC_OK && err.code != code)
        fail_msg("%s, but the error says %s", sc_code_name(code), sc_code_name(err.code));
    if (code != SC_OK && !hit)
        fail_msg("%s: %s, without a fault", sc_code_name(code), err.msg);
    if (code != SC_OK)
        (void)printf("refused: %s: %s\n", sc_code_name(code), err.msg);
    bool writable = run.r.f.store == NULL || sc_store_is_writable(run.r.f.store, NULL);
    SC_AUTO_BUF first = { 0 };
    sc_buf_put_str(&first, sc_buf_str(&run.out));
    if (nth % 2 == 1 && writable && (code != SC_OK || run.out.len > 0)) {
        enum sc_code again = s->op(&run, &err);
        /* A checkpoint that met the fault may have closed the store only just now. */
        if (again != SC_OK && (run.r.f.store == NULL || sc_store_is_writable(run.r.f.store, NULL)))
            fail_msg("again, without a fault: %s: %s", sc_code_name(again), err.msg);
        if (code == SC_OK && s->op == read_and_export)
            assert_string_equal(sc_buf_text(&first), sc_buf_text(&run.out));
    }
    run_done(&run);
    return code != SC_OK ? REFUSED : hit ? TOLERATED : WITHOUT_FAULT;
}

static void found(void *ctx, const struct sc_fsck_problem *p)
{
    (void)ctx;
    if (p->kind != SC_FSCK_ORPHAN)
        fail_msg("%s: %s", sc_fsck_kind_to_string(p->kind), p->message);
}

static void check_whole(struct run *run)
{
    struct sc_error err = { 0 };
    struct sc_fsck_slice slice = { .done = false };
    struct sc_fsck_options o = { .store = run->r.f.store,
                                 .blobs = run->r.blobs,
                                 .root = run->data,
                                 .audio = true,
                                 .alone = true,
                                 .slice_ms = 1000 };
    while (!slice.done) {
        struct sc_fsck_place from = slice.next;
        if (sc_fsck_step(&o, &from, &slice, found, NULL, &err) != SC_OK)
            fail_msg("the check fails: %s", err.msg);
    }
}

/* Both exports are there, down to the last word. */
static void check_exports(const char *data)
{
    SC_AUTO_FREE char *pattern = sc_path_join(data, "transcripts/*/transcript.*");
    glob_t names;
    assert_int_equal(glob(pattern, 0, NULL, &names), 0);
    assert_int_equal(names.gl_pathc, 2);
    for (size_t i = 0; i < names.gl_pathc; i++) {
        SC_AUTO_BUF text = { 0 };
        assert_int_equal(sc_file_read(names.gl_pathv[i], 1 << 20, &text, NULL), SC_OK);
        assert_non_null(strstr(sc_buf_text(&text), "t4"));
    }
    globfree(&names);
}

/* In a child: what the run left is whole, and the scenario goes on from there. */
static void check_after(const struct scenario *s, const char *data)
{
    struct run run = { .data = data, .fd = -1 };
    struct sc_error err = { 0 };
    int64_t state = state_of(data, s->state);
    if (s->ready == no_rig)
        open_rig(&run);
    else
        s->ready(&run);
    check_whole(&run);
    assert_text(&run.r, 1, WORDS);
    if (s->ready == no_rig) {
        assert_int_equal(open_and_check(&run, "new.db", &err), SC_OK);
    } else if (state != s->after && s->op(&run, &err) != SC_OK) {
        fail_msg("after a new start: %s: %s", sc_code_name(err.code), err.msg);
    }
    check_whole(&run);
    run_done(&run);
    assert_int_equal(state_of(data, s->state), s->after);
    if (s->op == read_and_export)
        check_exports(data);
}

struct tally {
    int64_t runs, refused, tolerated, stopped, passed_by, wrong;
};

static bool says(const char *log, const char *text)
{
    SC_AUTO_BUF said = { 0 };
    return sc_file_read(log, 1 << 20, &said, NULL) == SC_OK &&
           strstr(sc_buf_text(&said), text) != NULL;
}

static void complain(const struct scenario *s, const char *kind, int64_t nth, const char *what,
                     const char *log)
{
    SC_AUTO_BUF said = { 0 };
    if (sc_file_read(log, 1 << 20, &said, NULL) != SC_OK)
        sc_buf_puts(&said, "(its log cannot be read)");
    (void)fprintf(stderr, "%s %s %lld: %s\n%.3000s\n", s->name, kind + strlen("memory."),
                  (long long)nth, what, sc_buf_text(&said));
}

static void count_verdict(struct tally *t, int verdict, bool *wrong, const char *log)
{
    if (verdict == WITHOUT_FAULT)
        t->passed_by++;
    else if (verdict == TOLERATED)
        t->tolerated++;
    else if (verdict == REFUSED)
        t->refused++;
    else if (verdict == -SIGABRT && says(log, "scripta: out of memory\n"))
        t->stopped++;
    else
        *wrong = true;
}

/* One line of the list. */
static void run_one(const char *template, const struct scenario *s, const char *kind, int64_t nth,
                    struct tally *t)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char data[PATH_MAX], log[PATH_MAX], what[80] = "";
    bool wrong = false;
    copy_folder(template, test_path(&dir, "data", data));
    pid_t pid = start_child(test_path(&dir, "log", log));
    if (pid == 0) {
        int64_t passes;
        exit(do_faulty(s, kind, nth, data, &passes));
    }
    int verdict = wait_child(pid);
    count_verdict(t, verdict, &wrong, log);
    t->runs++;
    int64_t state = wrong ? -1 : state_of(data, s->state);
    if (wrong)
        (void)snprintf(what, sizeof(what), "it ended with %d", verdict);
    else if (state != s->after && (state != s->before || verdict == WITHOUT_FAULT ||
                                   (verdict == TOLERATED && s->op != read_and_export)))
        (void)snprintf(what, sizeof(what), "it ended with %d and left state %lld", verdict,
                       (long long)state);
    if (what[0] == '\0') {
        pid = start_child(log);
        if (pid == 0) {
            check_after(s, data);
            exit(0);
        }
        if (wait_child(pid) != 0)
            (void)snprintf(what, sizeof(what), "what it left (it ended with %d) is not whole",
                           verdict);
    }
    if (what[0] != '\0') {
        t->wrong++;
        complain(s, kind, nth, what, log);
    }
}

/* ---- all of them ---- */

/* A finished job with its exports owed, and one whose chunk waits. */
static void make_template(const char *data)
{
    struct run run = { .data = data, .fd = -1 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_dir_create(data, NULL), SC_OK);
    open_rig(&run);
    if (sc_pipelines_start(run.r.p, &err) != SC_OK)
        fail_msg("%s", err.msg);
    {
        AUTO_WATCH(w, &run.r);
        int64_t first = start_job(&run.r, WORDS * 1000, 9000, null_job);
        assert_int_equal(first, 1);
        assert_int_equal(work_to_the_end(&w, first), SC_JOB_COMPLETED);
        wait_for(&w, "SELECT exports_due FROM jobs", 0);
        (void)start_job(&run.r, 3000, 8000, null_job);
        wait_for(&w, "SELECT split_done FROM jobs WHERE id = 2", 1);
    }
    sc_pipelines_stop(run.r.p);
    assert_int_equal(write_sql(run.r.f.store, "DELETE FROM export_history"), SC_OK);
    assert_int_equal(write_sql(run.r.f.store, "UPDATE jobs SET exports_due = 1 WHERE id = 1"),
                     SC_OK);
    run_done(&run);
}

/* How many allocations of a kind a scenario makes. */
static int64_t count_passes(const char *template, const struct scenario *s, const char *kind)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char data[PATH_MAX], log[PATH_MAX];
    copy_folder(template, test_path(&dir, "data", data));
    pid_t pid = start_child(test_path(&dir, "log", log));
    if (pid == 0) {
        int64_t passes = 0;
        if (do_faulty(s, kind, INT64_MAX - 1, data, &passes) != WITHOUT_FAULT)
            exit(1);
        char text[24];
        (void)snprintf(text, sizeof(text), "%lld", (long long)passes);
        test_write(&dir, "passes", text);
        exit(0);
    }
    if (wait_child(pid) != 0) {
        complain(s, kind, 0, "it fails without a fault", log);
        fail();
    }
    char *text = test_read(&dir, "passes");
    int64_t out = 0, state = state_of(data, s->state);
    assert_true(sc_str_to_int64(sc_str_from(text), &out));
    free(text);
    if (state != s->after)
        fail_msg("%s leaves state %lld", s->name, (long long)state);
    return out;
}

static int64_t from_environment(const char *name, int64_t fallback)
{
    int64_t out = fallback;
    const char *text = getenv(name);
    return text != NULL && sc_str_to_int64(sc_str_from(text), &out) ? out : fallback;
}

static bool run_only(const char *template, const char *only, struct tally *t)
{
    struct sc_str rest = sc_str_from(only);
    struct sc_str name = sc_str_take_until(&rest, ' '), kind = sc_str_take_until(&rest, ' ');
    int64_t nth = 0;
    if (!sc_str_to_int64(rest, &nth) || nth < 1)
        return false;
    for (size_t i = 0; i < SCENARIOS * KINDS; i++) {
        const char *k = kinds[i % KINDS];
        if (sc_str_equal(name, sc_str_from(scenarios[i / KINDS].name)) &&
            sc_str_equal(kind, sc_str_from(k + strlen("memory."))))
            run_one(template, &scenarios[i / KINDS], k, nth, t);
    }
    return t->runs == 1;
}

/* The allocations of all scenarios one after the other, and the one at a place of that line. */
struct line {
    int64_t count[SCENARIOS * KINDS], total;
};

static void run_place(const char *template, const struct line *line, int64_t at, struct tally *t)
{
    size_t i = 0;
    while (at >= line->count[i])
        at -= line->count[i++];
    run_one(template, &scenarios[i / KINDS], kinds[i % KINDS], at + 1, t);
}

/* Steps of the golden section, made coprime to the total, meet each place once. */
static int64_t step_for(int64_t total)
{
    int64_t step = (int64_t)((double)total * 0.6180339887);
    for (;; step++) {
        int64_t a = step, b = total;
        while (b != 0) {
            int64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return step;
    }
}

static void run_line(const char *template, struct line *line, struct tally *t)
{
    for (size_t i = 0; i < SCENARIOS * KINDS; i++) {
        int64_t n = count_passes(template, &scenarios[i / KINDS], kinds[i % KINDS]);
        line->count[i] = SC_MIN(n, DEEPEST);
        line->total += line->count[i];
    }
    int64_t rounds = SC_MIN(from_environment("ROUNDS", 12), line->total);
    int64_t first = from_environment("FIRST", 0), seed = from_environment("SEED", 1);
    int64_t step = step_for(line->total);
    for (int64_t i = 0; i < rounds; i++)
        run_place(template, line, ((first + i) % line->total * step + seed) % line->total, t);
}

static void each_allocation_fails_once(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char template[PATH_MAX], log[PATH_MAX];
    struct tally t = { 0 };
    struct line line = { 0 };
    const char *only = getenv("ONLY");
    pid_t pid = start_child(test_path(&dir, "log", log));
    (void)test_path(&dir, "template", template);
    if (pid == 0) {
        make_template(template);
        exit(0);
    }
    if (wait_child(pid) != 0) {
        complain(&scenarios[0], kinds[0], 0, "the folder cannot be made", log);
        fail();
    }
    if (only != NULL && !run_only(template, only, &t))
        fail_msg("ONLY is 'scenario kind number', not '%s'", only);
    if (only == NULL)
        run_line(template, &line, &t);
    (void)printf(
        "G8: %lld of %lld allocations failed, one in each run: %lld answered with an error, "
        "%lld done all the same, %lld stopped, %lld not met, %lld wrong\n",
        (long long)t.runs, (long long)line.total, (long long)t.refused, (long long)t.tolerated,
        (long long)t.stopped, (long long)t.passed_by, (long long)t.wrong);
    assert_int_equal(t.wrong, 0);
}

/* A child that fails leaves through the same group, with what cmocka says in its log. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_allocation_fails_once),
    };
    replace_allocators();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    (void)printf("needs a build with -Dfaults=true\n");
    return 77; /* skipped */
}

#endif
