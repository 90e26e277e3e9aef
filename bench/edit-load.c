/* Saves edits of a long transcript, and measures how long other writes wait meanwhile. Prints one
 * JSON object.
 *
 *   edit-load FOLDER SEGMENTS EDITS LONG SECONDS
 *
 * The transcript has SEGMENTS segments of 12 words (ten hours: 9,000). EDITS corrections of one
 * sentence are planned and saved, each beside a durable write of a single row, which is the price
 * of the disk's sync. Then a second thread writes what a claim writes, a row, each millisecond:
 * alone for SECONDS; while segments stream in, 1,000 a second; while all of the text is saved LONG
 * times, in slices as the server does it, and as one write. */

#include "base/alloc.h"
#include "base/clock.h"
#include "library/edit.h"

#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

#include "base/banned.h"

#define PER_CHUNK 20
#define STREAM_JOB 2
#define STREAM_EACH_US 20000 /* a chunk: 1,000 segments a second */
#define PROBE_EACH_US 1000
#define SAMPLES_MAX 1000000

static void die(const char *what, const struct sc_error *err)
{
    (void)fprintf(stderr, "edit-load: %s: %s\n", what, err == NULL ? "" : err->msg);
    exit(1);
}

/* ---- figures ---- */

struct samples {
    int64_t *us;
    size_t count;
};

static void keep(struct samples *s, int64_t us)
{
    if (s->us == NULL)
        s->us = sc_alloc_array(SAMPLES_MAX, sizeof(*s->us));
    if (s->count < SAMPLES_MAX)
        s->us[s->count++] = us;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* In milliseconds. */
static double at_share(const struct samples *s, size_t index)
{
    return (double)s->us[index] / 1e3;
}

static void print(const char *name, struct samples *s)
{
    if (s->count == 0)
        die(name, NULL);
    qsort(s->us, s->count, sizeof(*s->us), by_value);
    size_t half = s->count / 2, most = s->count - 1 - s->count / 100;
    (void)printf("\"%s\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"count\": %zu}, ",
                 name, at_share(s, half), at_share(s, most), at_share(s, s->count - 1), s->count);
    free(s->us);
    *s = (struct samples){ 0 };
}

/* Of all threads. */
static int64_t cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the store ---- */

static struct sc_store *open_store(const char *path)
{
    struct sc_store *store = NULL;
    struct sc_error err = { 0 };
    struct sc_store_options o = { path, 2, 5000, 1, true };
    if (sc_store_open(&o, &store, &err) != SC_OK)
        die(path, &err);
    return store;
}

static void make_jobs(const char *path)
{
    static const char sql[] =
        "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format,"
        " codec, sample_rate, channels, uploaded_ms)"
        " VALUES (1, 1, 'h', 'a.wav', 'p', 1, 'wav', 'pcm', 16000, 1, 0);"
        "INSERT INTO jobs (id, job_id, owner_id, file_id, pipeline, class, state, admission,"
        " created_ms, updated_ms) VALUES (1, 'a', 1, 1, 'transcribe', 1, 1, 2, 0, 0),"
        " (2, 'b', 1, 1, 'transcribe', 1, 1, 2, 0, 0)";
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != 0)
        die(sqlite3_errmsg(db), NULL);
    (void)sqlite3_close(db);
}

static void write_or_die(struct sc_store *store, enum sc_durability how, sc_write_fn fn, void *ctx)
{
    struct sc_error err = { 0 };
    if (sc_store_write(store, how, fn, ctx, &err) != SC_OK)
        die("write", &err);
}

static enum sc_code touch(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_META_TOUCH);
    return sc_stmt_run(&st, err);
}

struct putting {
    int64_t transcript, job, start_ms;
    int chunk;
    const struct sc_segments *segments;
    const struct sc_segments *all; /* NULL: not yet */
};

static enum sc_code put(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct putting *p = ctx;
    struct sc_origin origin = { "null", "1", "m" };
    enum sc_code code = SC_OK;
    if (p->transcript == 0)
        code = sc_transcript_begin(tx, p->job, 0, &p->transcript, err);
    return code == SC_OK
               ? sc_transcript_put_chunk(tx, p->transcript, p->chunk, p->segments, &origin, err)
               : code;
}

static enum sc_code finish(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct putting *p = ctx;
    return sc_transcript_finish(tx, p->transcript, "en", p->all, -1, 0, err);
}

static void make_segments(struct sc_segments *out, int64_t start_ms, int64_t seed)
{
    for (int i = 0; i < PER_CHUNK; i++, start_ms += 4000) {
        struct sc_segment *s = sc_segments_add(out);
        for (int w = 0; w < 12; w++) {
            char word[32];
            (void)snprintf(word, sizeof(word), "word%" PRId64, (seed * 31 + i * 7 + w * w) % 5000);
            if (!sc_segment_add_word(s, sc_str_from(word), start_ms + w * 300,
                                     start_ms + w * 300 + 300, 0.9F))
                die("no memory", NULL);
        }
        (void)sc_segment_settle(s);
    }
}

static void put_next(struct sc_store *store, struct putting *p)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    make_segments(&segments, p->start_ms, p->chunk);
    p->segments = &segments;
    write_or_die(store, SC_DURABLE, put, p);
    p->start_ms += PER_CHUNK * INT64_C(4000);
    p->chunk++;
}

static void read_current(struct sc_store *store, int64_t id, struct sc_segments *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    struct sc_error err = { 0 };
    if (sc_store_read(store, &conn, &err) != SC_OK ||
        sc_transcript_find(conn, 0, id, &t, &err) != SC_OK ||
        sc_transcript_segments(conn, &t, t.version, out, &err) != SC_OK)
        die("read", &err);
}

static int64_t fill(struct sc_store *store, int64_t segments)
{
    struct putting p = { .job = 1 };
    while ((int64_t)p.chunk * PER_CHUNK < segments)
        put_next(store, &p);
    SC_AUTO_SEGMENTS all = { 0 };
    read_current(store, p.transcript, &all);
    p.all = &all;
    write_or_die(store, SC_DURABLE, finish, &p);
    return p.transcript;
}

/* ---- edits ---- */

static void set_text(struct sc_segment *s, int64_t n)
{
    char word[32];
    (void)snprintf(word, sizeof(word), "other%" PRId64, n % 5000);
    free(s->words[0].text);
    s->words[0].text = sc_strdup(word);
    (void)sc_segment_settle(s);
}

static struct sc_save save_of(int64_t id)
{
    return (struct sc_save){ .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED };
}

/* One sentence: the draft reads its row, and what stands around it. */
static void edit_one(struct sc_store *store, int64_t id, int64_t n)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    struct sc_saved saved;
    struct sc_error err = { 0 };
    const struct sc_save save = save_of(id);
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        SC_AUTO(sc_draft_done) struct sc_draft draft = { 0 };
        if (sc_store_read(store, &conn, &err) != SC_OK ||
            sc_draft_open(conn, &save, &draft, &saved, &err) != SC_OK)
            die("draft", &err);
        size_t at;
        bool found = false;
        if (sc_draft_find(&draft, 1 + n * 7919 % draft.t.segment_count, &at, &found, &err) !=
                SC_OK ||
            !found)
            die("draft", &err);
        set_text(&draft.list.items[at], n);
        if (sc_edit_plan_draft(&draft, &save, &edit, &saved, &err) != SC_OK)
            die("plan", &err);
    }
    if (sc_edit_save(store, edit, 0, NULL, &saved, &err) != SC_OK || !saved.changed)
        die("save", &err);
}

static struct sc_edit *plan_all(struct sc_store *store, int64_t id, int64_t n)
{
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_edit *edit = NULL;
    struct sc_saved saved;
    struct sc_error err = { 0 };
    const struct sc_save save = save_of(id);
    read_current(store, id, &list);
    for (size_t i = 0; i < list.count; i++)
        set_text(&list.items[i], n * 17 + (int64_t)i);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(store, &conn, &err) != SC_OK ||
        sc_edit_plan(conn, &save, &list, &edit, &saved, &err) != SC_OK)
        die("plan", &err);
    return edit;
}

static enum sc_code write_whole(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_saved saved;
    return sc_edit_write(tx, ctx, 0, &saved, err);
}

/* ---- the other thread ---- */

struct probe {
    struct sc_store *store;
    _Atomic bool stop, on;
    struct samples samples;
};

static void *probe_main(void *ctx)
{
    struct probe *p = ctx;
    while (!p->stop) {
        int64_t begun = sc_clock_mono_us();
        struct sc_error err = { 0 };
        bool counts = p->on;
        if (sc_store_write_again(p->store, SC_RELAXED, touch, NULL, &err) != SC_OK)
            die("probe", &err);
        int64_t took = sc_clock_mono_us() - begun;
        if (counts)
            keep(&p->samples, took);
        if (took < PROBE_EACH_US)
            sc_clock_sleep_ms(1);
    }
    return NULL;
}

static void begin_probe(struct probe *p, pthread_t *thread)
{
    p->stop = false;
    p->on = true;
    if (pthread_create(thread, NULL, probe_main, p) != 0)
        die("no thread", NULL);
}

static void end_probe(struct probe *p, pthread_t thread, const char *name)
{
    p->stop = true;
    (void)pthread_join(thread, NULL);
    print(name, &p->samples);
}

static void measure_stream(struct sc_store *store, struct probe *p, int64_t seconds)
{
    pthread_t thread;
    struct putting stream = { .job = STREAM_JOB };
    int64_t end = sc_clock_mono_us() + seconds * 1000000, next = sc_clock_mono_us();
    begin_probe(p, &thread);
    while (sc_clock_mono_us() < end) {
        put_next(store, &stream);
        next += STREAM_EACH_US;
        int64_t wait_us = next - sc_clock_mono_us();
        if (wait_us > 0)
            sc_clock_sleep_ms(wait_us / 1000);
    }
    end_probe(p, thread, "probe_stream");
}

/* Plans apart: their reads are not what is measured. */
static void measure_long(struct sc_store *store, struct probe *p, int64_t id, int64_t count,
                         bool sliced)
{
    struct samples took = { 0 }, cpu = { 0 };
    pthread_t thread;
    p->on = false;
    begin_probe(p, &thread);
    for (int64_t i = 0; i < count; i++) {
        p->on = false;
        SC_AUTO(sc_edit_freep) struct sc_edit *edit = plan_all(store, id, i + (sliced ? 0 : count));
        struct sc_saved saved;
        struct sc_error err = { 0 };
        p->on = true;
        int64_t begun = sc_clock_mono_us(), cpu_begun = cpu_us();
        if (!sliced)
            write_or_die(store, SC_DURABLE, write_whole, edit);
        else if (sc_edit_save(store, edit, 0, NULL, &saved, &err) != SC_OK)
            die("save", &err);
        keep(&took, sc_clock_mono_us() - begun);
        keep(&cpu, cpu_us() - cpu_begun);
    }
    end_probe(p, thread, sliced ? "probe_sliced" : "probe_whole");
    print(sliced ? "sliced" : "whole", &took);
    print(sliced ? "sliced_cpu" : "whole_cpu", &cpu);
}

int main(int argc, char **argv)
{
    int64_t n[4];
    for (int i = 0; i < 4; i++) {
        if (argc != 6 || !sc_str_to_int64(sc_str_from(argv[i + 2]), &n[i]) || n[i] < 1)
            die("usage: edit-load FOLDER SEGMENTS EDITS LONG SECONDS", NULL);
    }
    char *path = sc_asprintf("%s/scripta.db", argv[1]);
    sc_store_close(open_store(path));
    make_jobs(path);
    struct sc_store *store = open_store(path);
    struct probe probe = { .store = store };
    struct samples edits = { 0 }, syncs = { 0 }, cpu = { 0 };
    pthread_t thread;
    int64_t id = fill(store, n[0]);
    (void)printf("{");
    for (int64_t i = 0; i < n[1]; i++) {
        int64_t begun = sc_clock_mono_us();
        write_or_die(store, SC_DURABLE, touch, NULL);
        int64_t synced = sc_clock_mono_us(), cpu_begun = cpu_us();
        edit_one(store, id, i);
        keep(&cpu, cpu_us() - cpu_begun);
        keep(&syncs, synced - begun);
        keep(&edits, sc_clock_mono_us() - synced);
    }
    print("sync", &syncs);
    print("edit", &edits);
    print("edit_cpu", &cpu);
    begin_probe(&probe, &thread);
    sc_clock_sleep_ms(n[3] * 1000);
    end_probe(&probe, thread, "probe_alone");
    measure_stream(store, &probe, n[3]);
    measure_long(store, &probe, id, n[2], true);
    measure_long(store, &probe, id, n[2], false);
    (void)printf("\"segments\": %" PRId64 "}\n", n[0]);
    sc_store_close(store);
    free(path);
    return 0;
}
