#include "pipeline/verify.h"

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "library/changes.h"
#include "queue/report.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/banned.h"

#define RUNS_MAX 16 /* kept: the oldest that has ended makes room */
#define PAGE 100
#define BLOCK ((size_t)256 << 10)
#define FORGET_BYTES ((int64_t)8 << 20) /* so much is read before the page cache is told */
#define HOLD_MS 5000
#define NICENESS 10

SC_DEFINE_ENUM_STRINGS(sc_verify_state, SC_VERIFY_STATE_COUNT_,
                       {
                           [SC_VERIFY_WAITING] = "waiting",
                           [SC_VERIFY_RUNNING] = "running",
                           [SC_VERIFY_COMPLETED] = "completed",
                           [SC_VERIFY_CANCELLED] = "cancelled",
                           [SC_VERIFY_FAILED] = "failed",
                       });

struct run {
    struct sc_verification v;
    int64_t *ids; /* owned; NULL: all files of the owner */
    size_t count;
    bool cancelled;
};

struct sc_verifier {
    struct sc_pipelines *p;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a run was queued, went on or ended, or all is to stop */
    /* -- protected by lock -- */
    bool stop;
    struct run *runs[RUNS_MAX];
    size_t run_count;
    int64_t last_id;
};

void sc_verification_done(struct sc_verification *v)
{
    free(v->problems);
    v->problems = NULL;
}

static void run_free(struct run *r)
{
    sc_verification_done(&r->v);
    free(r->ids);
    free(r);
}

static bool has_ended(const struct run *r)
{
    return r->v.state >= SC_VERIFY_COMPLETED;
}

struct sc_verifier *sc_verifier_new(struct sc_pipelines *p)
{
    struct sc_verifier *v = sc_alloc(sizeof(*v));
    v->p = p;
    v->last_id = sc_clock_wall_ms(); /* no number means one run here and another after a restart */
    sc_assert(pthread_mutex_init(&v->lock, NULL) == 0);
    sc_cond_init(&v->changed);
    return v;
}

void sc_verifier_free(struct sc_verifier *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->run_count; i++)
        run_free(v->runs[i]);
    (void)pthread_cond_destroy(&v->changed);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

void sc_verify_stop(struct sc_pipelines *p)
{
    struct sc_verifier *v = p->verifier;
    {
        SC_LOCK(&v->lock);
        v->stop = true;
        sc_assert(pthread_cond_broadcast(&v->changed) == 0);
    }
    if (v->started)
        (void)pthread_join(v->thread, NULL);
    v->started = false;
}

/* ---- one file ---- */

struct check {
    struct sc_verifier *v;
    struct run *run;
    char hash[SC_SHA256_TEXT];
    int64_t bytes;  /* read */
    bool lost_hash; /* the row's hash is damaged: the bytes have that of their name */
};

static bool is_over(struct check *c, int64_t bytes)
{
    SC_LOCK(&c->v->lock);
    c->run->v.bytes_done += bytes;
    return c->v->stop || c->run->cancelled;
}

static enum sc_code hash_all(struct check *c, int fd, struct sc_error *err)
{
    SC_AUTO(sc_hash_freep) struct sc_hash *hash = sc_hash_new();
    SC_AUTO_FREE char *block = sc_alloc(BLOCK);
    int64_t forgotten = 0;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (c->bytes = 0;;) {
        ssize_t n = read(fd, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read the bytes");
        if (is_over(c, n))
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
        c->bytes += n;
        if (n == 0 || c->bytes - forgotten >= FORGET_BYTES) {
            /* What others want stays in the page cache, not what is read but once. */
            (void)posix_fadvise(fd, forgotten, c->bytes - forgotten, POSIX_FADV_DONTNEED);
            forgotten = c->bytes;
        }
        if (n == 0)
            break;
        sc_hash_update(hash, block, (size_t)n);
    }
    sc_hash_hex(hash, c->hash);
    return SC_OK;
}

static enum sc_code read_once(struct check *c, const struct sc_file *file,
                              enum sc_file_damage *damage, struct sc_error *err)
{
    char name[SC_SHA256_TEXT];
    SC_AUTO_CLOSE int fd = -1;
    c->lost_hash = false;
    enum sc_code code = sc_pipelines_open_file(c->v->p, file, &fd, err);
    if (code == SC_E_FILE_NOT_FOUND) {
        *damage = SC_FILE_MISSING;
        return SC_OK;
    }
    if (code == SC_OK)
        code = hash_all(c, fd, err);
    if (code != SC_OK)
        return code;
    c->lost_hash = sc_file_hash_differs(file, name) && strcmp(c->hash, name) == 0;
    *damage =
        c->lost_hash || strcmp(c->hash, file->file_hash) == 0 ? SC_FILE_SOUND : SC_FILE_ALTERED;
    return SC_OK;
}

struct finding {
    const char *hash;
    enum sc_file_damage damage;
};

static enum sc_code write_finding(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct finding *f = ctx;
    return sc_file_set_verified(tx, f->hash, f->damage, sc_clock_wall_ms(), err);
}

static enum sc_code note_finding(struct check *c, const struct sc_file *file,
                                 enum sc_file_damage damage, struct sc_error *err)
{
    struct finding f = { file->file_hash, damage };
    return sc_store_write(c->v->p->o.store, SC_RELAXED, write_finding, &f, err);
}

/* Bytes that seem wrong are read once more while nobody can move, remove or replace them: what is
 * noted then is so. */
static enum sc_code check_bytes(struct check *c, const struct sc_file *file,
                                enum sc_file_damage *damage, struct sc_error *err)
{
    struct sc_blobs *blobs = c->v->p->o.blobs;
    enum sc_code code = read_once(c, file, damage, err);
    if (code != SC_OK)
        return code;
    if (*damage == SC_FILE_SOUND)
        return note_finding(c, file, *damage, err);
    if (!sc_blobs_hold(blobs, file->file_hash, SC_HOLD_SHARED, HOLD_MS))
        return sc_error_set(err, SC_E_TIMEOUT, "the bytes are just being moved");
    code = read_once(c, file, damage, err);
    if (code == SC_OK)
        code = note_finding(c, file, *damage, err);
    sc_blobs_release(blobs, file->file_hash, SC_HOLD_SHARED);
    return code;
}

static void add_problem(struct run *r, const struct sc_file *file, const char *damage,
                        const char *why)
{
    struct sc_verification *v = &r->v;
    if (v->problem_count == SC_VERIFY_PROBLEMS)
        return;
    if (v->problems == NULL)
        v->problems = sc_alloc_array(SC_VERIFY_PROBLEMS, sizeof(*v->problems));
    struct sc_verify_problem *problem = &v->problems[v->problem_count++];
    *problem = (struct sc_verify_problem){ .file_id = file->id, .damage = damage };
    (void)snprintf(problem->name, sizeof(problem->name), "%s", file->original_name);
    (void)snprintf(problem->why, sizeof(problem->why), "%.*s", (int)sizeof(problem->why) - 1, why);
}

/* The whole file counts as done, however much of it could be read. */
static void count_file(struct check *c, const struct sc_file *file, int64_t bytes_before,
                       enum sc_code code, enum sc_file_damage damage, const struct sc_error *err)
{
    SC_LOCK(&c->v->lock);
    struct sc_verification *v = &c->run->v;
    v->files_done++;
    v->bytes_done = bytes_before + file->size_bytes;
    v->bytes_total = SC_MAX(v->bytes_total, v->bytes_done);
    v->files_total = SC_MAX(v->files_total, v->files_done);
    if (file->purged_ms != 0) {
        v->purged++;
    } else if (code != SC_OK) {
        v->unreadable++;
        add_problem(c->run, file, "unreadable", err->msg);
    } else if (damage == SC_FILE_MISSING) {
        v->missing++;
        add_problem(c->run, file, "missing", "the bytes are gone: upload them again");
    } else if (damage == SC_FILE_ALTERED) {
        v->altered++;
        add_problem(c->run, file, "altered",
                    "the bytes are not those that were uploaded: upload them again");
    } else if (c->lost_hash) {
        v->checksums++;
        add_problem(c->run, file, "checksum",
                    "its checksum in the store is damaged, its bytes are sound: 'scripta fsck "
                    "--repair' restores it");
    }
    sc_assert(pthread_cond_broadcast(&c->v->changed) == 0);
}

static int64_t bytes_done(struct check *c)
{
    SC_LOCK(&c->v->lock);
    return c->run->v.bytes_done;
}

/* Only what ends the run is an error. */
static enum sc_code check_file(struct check *c, const struct sc_file *file, struct sc_error *err)
{
    enum sc_file_damage damage = SC_FILE_SOUND;
    struct sc_error why = { 0 };
    int64_t before = bytes_done(c);
    enum sc_code code = file->purged_ms != 0 ? SC_OK : check_bytes(c, file, &damage, &why);
    if (code == SC_E_CANCELLED || code == SC_E_STORE_READ_ONLY || code == SC_E_STORE_UNAVAILABLE ||
        code == SC_E_SHUTTING_DOWN || code == SC_E_NO_SPACE)
        return sc_error_copy(err, &why);
    count_file(c, file, before, code, damage, &why);
    return SC_OK;
}

/* ---- a run ---- */

struct page {
    struct sc_file files[PAGE]; /* what a file owns is not kept */
    size_t count;
};

static enum sc_code keep_row(void *ctx, const struct sc_file *file, struct sc_error *err)
{
    struct page *page = ctx;
    (void)err;
    struct sc_file borrowed = *file;
    (void)sc_file_take(&borrowed);
    page->files[page->count++] = borrowed;
    return SC_OK;
}

static enum sc_code read_page(struct check *c, struct sc_file_filter *filter, struct page *page,
                              bool *more, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_file_page_end end = { .more = false };
    page->count = 0;
    enum sc_code code = sc_store_read(c->v->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_file_list(conn, filter, keep_row, page, &end, err);
    *more = end.more;
    filter->after = end.next;
    return code;
}

static enum sc_code check_all(struct check *c, struct sc_error *err)
{
    struct page *page = sc_alloc(sizeof(*page));
    struct sc_file_filter filter = { .owner_id = c->run->v.owner_id,
                                     .sort = SC_FILE_OLDEST,
                                     .limit = PAGE };
    bool more = true;
    enum sc_code code = SC_OK;
    while (code == SC_OK && more) {
        code = read_page(c, &filter, page, &more, err);
        for (size_t i = 0; code == SC_OK && i < page->count; i++)
            code = check_file(c, &page->files[i], err);
    }
    free(page);
    return code;
}

/* One that was deleted meanwhile is none of ours any more. */
static enum sc_code check_named(struct check *c, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < c->run->count; i++) {
        SC_AUTO_FILE file = { 0 };
        {
            SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
            code = sc_store_read(c->v->p->o.store, &conn, err);
            if (code == SC_OK)
                code = sc_file_find(conn, c->run->v.owner_id, c->run->ids[i], &file, err);
        }
        if (code == SC_E_FILE_NOT_FOUND)
            code = SC_OK;
        else if (code == SC_OK)
            code = check_file(c, &file, err);
    }
    return code;
}

/* Before anything is noted in a file's row. */
static enum sc_code write_begin(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct run *r = ctx;
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "verify_id", r->v.id);
    sc_json_int(&w, "files", r->v.files_total);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_FILES_VERIFIED,
        .owner_id = r->v.owner_id,
        .by = r->v.owner_id,
        .at_ms = sc_clock_wall_ms(),
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

static void execute(struct sc_verifier *v, struct run *r)
{
    struct check c = { .v = v, .run = r };
    struct sc_error err = { 0 };
    enum sc_code code = sc_store_write(v->p->o.store, SC_RELAXED, write_begin, r, &err);
    if (code == SC_OK)
        code = r->ids != NULL ? check_named(&c, &err) : check_all(&c, &err);
    if (code != SC_OK && code != SC_E_CANCELLED)
        SC_LOG(WARNING, "pipeline", "a verification failed", SC_S("why", err.msg));
    SC_LOCK(&v->lock);
    r->v.state = code == SC_OK            ? SC_VERIFY_COMPLETED
                 : code == SC_E_CANCELLED ? SC_VERIFY_CANCELLED
                                          : SC_VERIFY_FAILED;
    r->v.ended_ms = sc_clock_wall_ms();
    if (r->v.missing + r->v.altered + r->v.checksums + r->v.unreadable > 0)
        SC_LOG(WARNING, "pipeline", "recordings are damaged", SC_I("missing", r->v.missing),
               SC_I("altered", r->v.altered), SC_I("checksums", r->v.checksums),
               SC_I("unreadable", r->v.unreadable));
    sc_assert(pthread_cond_broadcast(&v->changed) == 0);
}

/* NULL: all is to stop. */
static struct run *next_run(struct sc_verifier *v)
{
    SC_LOCK(&v->lock);
    for (;;) {
        if (v->stop)
            return NULL;
        for (size_t i = 0; i < v->run_count; i++) {
            struct run *r = v->runs[i];
            if (r->v.state != SC_VERIFY_WAITING)
                continue;
            r->v.state = SC_VERIFY_RUNNING;
            r->v.started_ms = sc_clock_wall_ms();
            return r;
        }
        (void)sc_cond_wait(&v->changed, &v->lock, -1);
    }
}

static void *verify_main(void *ctx)
{
    struct sc_verifier *v = ctx;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    for (struct run *r = next_run(v); r != NULL; r = next_run(v))
        execute(v, r);
    return NULL;
}

/* ---- starting, looking, cancelling ---- */

/* What a run will read. */
static enum sc_code measure(struct sc_pipelines *p, struct run *r, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    if (code != SC_OK)
        return code;
    if (r->ids == NULL) {
        struct sc_report_files all;
        code = sc_report_files(conn, r->v.owner_id, &all, err);
        if (code == SC_OK) {
            r->v.files_total = all.files;
            r->v.bytes_total = all.bytes;
        }
        return code;
    }
    for (size_t i = 0; code == SC_OK && i < r->count; i++) {
        SC_AUTO_FILE file = { 0 };
        code = sc_file_find(conn, r->v.owner_id, r->ids[i], &file, err);
        r->v.bytes_total += file.size_bytes;
    }
    r->v.files_total = (int64_t)r->count;
    return code;
}

static bool make_room_locked(struct sc_verifier *v)
{
    for (size_t i = 0; v->run_count == RUNS_MAX && i < v->run_count; i++) {
        if (!has_ended(v->runs[i]))
            continue;
        run_free(v->runs[i]);
        v->run_count--;
        for (; i < v->run_count; i++)
            v->runs[i] = v->runs[i + 1];
    }
    return v->run_count < RUNS_MAX;
}

static enum sc_code queue_run(struct sc_verifier *v, struct run *r, struct sc_error *err)
{
    SC_LOCK(&v->lock);
    if (v->stop)
        return sc_error_set(err, SC_E_SHUTTING_DOWN, "the server is stopping");
    if (!make_room_locked(v))
        return sc_error_set(err, SC_E_CONFLICT,
                            "%d verifications wait already: try again when one has ended",
                            RUNS_MAX);
    if (!v->started) {
        int rc = pthread_create(&v->thread, NULL, verify_main, v);
        if (rc != 0)
            return sc_error_errno(err, rc, "cannot start the thread of verifications");
        v->started = true;
        (void)pthread_setname_np(v->thread, "verify");
    }
    r->v.id = ++v->last_id;
    v->runs[v->run_count++] = r;
    sc_assert(pthread_cond_broadcast(&v->changed) == 0);
    return SC_OK;
}

enum sc_code sc_verify_start(struct sc_pipelines *p, int64_t owner_id, const int64_t *ids,
                             size_t count, int64_t *run, struct sc_error *err)
{
    struct run *r = sc_alloc(sizeof(*r));
    r->v.owner_id = owner_id;
    if (count > 0) {
        r->ids = sc_alloc_array(count, sizeof(*r->ids));
        memcpy(r->ids, ids, count * sizeof(*ids));
        r->count = count;
    }
    enum sc_code code = measure(p, r, err);
    if (code == SC_OK)
        code = queue_run(p->verifier, r, err);
    if (code != SC_OK) {
        run_free(r);
        return code;
    }
    *run = r->v.id;
    return SC_OK;
}

static struct run *find_locked(struct sc_verifier *v, int64_t owner_id, int64_t id)
{
    for (size_t i = 0; i < v->run_count; i++) {
        if (v->runs[i]->v.id == id && v->runs[i]->v.owner_id == owner_id)
            return v->runs[i];
    }
    return NULL;
}

static enum sc_code no_such_run(int64_t id, struct sc_error *err)
{
    return sc_error_set(err, SC_E_NOT_FOUND,
                        "no verification %" PRId64 "; a restart of the server forgets them", id);
}

static void copy_run(const struct run *r, struct sc_verification *out)
{
    *out = r->v;
    out->problems = NULL;
    if (r->v.problem_count == 0)
        return;
    out->problems = sc_alloc_array(r->v.problem_count, sizeof(*out->problems));
    memcpy(out->problems, r->v.problems, r->v.problem_count * sizeof(*out->problems));
}

enum sc_code sc_verify_look(struct sc_pipelines *p, int64_t owner_id, int64_t run, int64_t wait_ms,
                            struct sc_verification *out, struct sc_error *err)
{
    struct sc_verifier *v = p->verifier;
    int64_t deadline = sc_clock_mono_ms() + wait_ms;
    SC_LOCK(&v->lock);
    for (;;) {
        /* Looked for anew each time: it may have been forgotten meanwhile. */
        const struct run *r = find_locked(v, owner_id, run);
        if (r == NULL)
            return no_such_run(run, err);
        if (has_ended(r) || v->stop || sc_clock_mono_ms() >= deadline) {
            copy_run(r, out);
            return SC_OK;
        }
        (void)sc_cond_wait(&v->changed, &v->lock, deadline);
    }
}

enum sc_code sc_verify_cancel(struct sc_pipelines *p, int64_t owner_id, int64_t run,
                              struct sc_error *err)
{
    struct sc_verifier *v = p->verifier;
    SC_LOCK(&v->lock);
    struct run *r = find_locked(v, owner_id, run);
    if (r == NULL)
        return no_such_run(run, err);
    r->cancelled = true;
    if (r->v.state == SC_VERIFY_WAITING)
        r->v.state = SC_VERIFY_CANCELLED;
    sc_assert(pthread_cond_broadcast(&v->changed) == 0);
    return SC_OK;
}
