/* Fills a store with segments through the library's own verbs, and searches it. Prints one JSON
 * object: what a segment and its index entries cost the writer, and the quantiles of each kind of
 * search.
 *
 *   search-load FOLDER SEGMENTS SEARCHES
 *
 * The texts have 6 to 18 words out of 100,000, the n-th commonest as often as 1/n^1.03 says, in
 * transcripts of 1,000 segments. Searches are for words by how common they are. */

#include "base/alloc.h"
#include "base/clock.h"
#include "library/query.h"
#include "library/search.h"
#include "library/text-index.h"
#include "library/transcripts.h"

#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <time.h>

#include "base/banned.h"

#define VOCABULARY 100000
#define PER_TRANSCRIPT 1000
#define PER_CHUNK 20
#define WORD_MAX 24

static char words[VOCABULARY][WORD_MAX];
static double shares[VOCABULARY]; /* cumulated */
static uint64_t dice = 20261121;

static void die(const char *what, const struct sc_error *err)
{
    (void)fprintf(stderr, "search-load: %s: %s\n", what, err == NULL ? "" : err->msg);
    exit(1);
}

static uint64_t roll(uint64_t sides)
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (dice * 2685821657736338717u >> 11) % sides;
}

/* Words of syllables, so that parts of them are common to many. */
static void make_words(void)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
        size_t at = 0;
        uint64_t n = (uint64_t)i * 7919 % 343000;
        for (int s = 0; s < 3 || n > 0; s++, n /= 70) {
            words[i][at++] = consonants[n % 14];
            words[i][at++] = vowels[n / 14 % 5];
        }
        words[i][at] = '\0';
        sum += 1 / pow(i + 1, 1.03);
        shares[i] = sum;
    }
    for (int i = 0; i < VOCABULARY; i++)
        shares[i] /= sum;
}

static int pick_word(void)
{
    double wanted = (double)roll(1u << 30) / (double)(1u << 30);
    int low = 0, high = VOCABULARY - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (shares[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- filling ---- */

static void make_jobs(const char *path, int64_t count)
{
    sqlite3 *db = NULL;
    char *sql = sc_asprintf(
        "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format,"
        " codec, sample_rate, channels, uploaded_ms)"
        " VALUES (1, 1, 'h', 'a.wav', 'p', 1, 'wav', 'pcm', 16000, 1, 0);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %" PRId64 ")"
        " INSERT INTO jobs (id, job_id, owner_id, file_id, pipeline, class, state, admission,"
        " created_ms, updated_ms) SELECT i, 'j' || i, 1, 1, 'transcribe', 1, 1, 2, 0, 0 FROM n",
        count);
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != 0)
        die(sqlite3_errmsg(db), NULL);
    free(sql);
    (void)sqlite3_close(db);
}

struct putting {
    int64_t transcript, job;
    int chunk;
    const struct sc_segments *segments;
    int64_t cpu_us, index_us;
};

static int64_t cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static enum sc_code put(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct putting *p = ctx;
    struct sc_origin origin = { "null", "1", "m" };
    int64_t begun = cpu_us();
    enum sc_code code = SC_OK;
    if (p->chunk == 0)
        code = sc_transcript_begin(tx, p->job, 0, &p->transcript, err);
    if (code == SC_OK)
        code = sc_transcript_put_chunk(tx, p->transcript, p->chunk, p->segments, &origin, err);
    p->cpu_us += cpu_us() - begun;
    return code;
}

/* The index's part alone: out of it and into it again. */
static enum sc_code put_again(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct putting *p = ctx;
    enum sc_code code = sc_text_unindex_chunk(tx, p->transcript, p->chunk, err);
    int64_t begun = cpu_us();
    if (code == SC_OK)
        code = sc_text_index_chunk(tx, p->transcript, p->chunk, err);
    p->index_us += cpu_us() - begun;
    return code;
}

static void make_segments(struct sc_segments *out, int64_t start_ms)
{
    for (int i = 0; i < PER_CHUNK; i++, start_ms += 4000) {
        struct sc_segment *s = sc_segments_add(out);
        int count = 6 + (int)roll(13);
        for (int w = 0; w < count; w++) {
            if (!sc_segment_add_word(s, sc_str_from(words[pick_word()]), start_ms + w * 200,
                                     start_ms + w * 200 + 200, 0.9F))
                die("no memory", NULL);
        }
        (void)sc_segment_settle(s);
    }
}

static void write_or_die(struct sc_store *store, sc_write_fn fn, void *ctx)
{
    struct sc_error err = { 0 };
    if (sc_store_write(store, SC_RELAXED, fn, ctx, &err) != SC_OK)
        die("write", &err);
}

static void fill(struct sc_store *store, int64_t count)
{
    struct putting p = { .job = 0 };
    int64_t begun = sc_clock_mono_us(), done = 0;
    for (; done < count; done += PER_CHUNK) {
        SC_AUTO_SEGMENTS segments = { 0 };
        p.chunk = (int)(done % PER_TRANSCRIPT / PER_CHUNK);
        p.job += p.chunk == 0;
        make_segments(&segments, p.chunk * INT64_C(80000));
        p.segments = &segments;
        write_or_die(store, put, &p);
    }
    (void)printf("{\"segments\": %" PRId64 ", \"fill_s\": %.1f, \"put_us\": %.1f", done,
                 (double)(sc_clock_mono_us() - begun) / 1e6, (double)p.cpu_us / (double)done);
    int64_t again = SC_MIN(count / PER_CHUNK, 1000);
    for (int64_t i = 0; i < again; i++) {
        p.transcript = 1 + (int64_t)roll((uint64_t)p.job);
        p.chunk = (int)roll(PER_TRANSCRIPT / PER_CHUNK);
        write_or_die(store, put_again, &p);
    }
    (void)printf(", \"index_us\": %.1f", (double)p.index_us / (double)(again * PER_CHUNK));
}

/* ---- searching ---- */

struct kind {
    const char *name;
    int first, last; /* the ranks of its words */
    void (*make)(const struct kind *k, struct sc_buf *out);
    bool parts;
};

static const char *one_of(const struct kind *k)
{
    return words[(uint64_t)k->first + roll((uint64_t)(k->last - k->first + 1))];
}

static void make_one(const struct kind *k, struct sc_buf *out)
{
    sc_buf_puts(out, one_of(k));
}

static void make_two(const struct kind *k, struct sc_buf *out)
{
    sc_buf_printf(out, "%s %s", one_of(k), one_of(k));
}

static void make_phrase(const struct kind *k, struct sc_buf *out)
{
    sc_buf_printf(out, "\"%s %s\"", one_of(k), one_of(k));
}

static void make_prefix(const struct kind *k, struct sc_buf *out)
{
    sc_buf_printf(out, "%.4s*", one_of(k));
}

/* From the second sign on. */
static void make_part(const struct kind *k, struct sc_buf *out)
{
    sc_buf_printf(out, "%.4s", one_of(k) + 1);
}

static const struct kind kinds[] = {
    { "rare", 20000, 60000, make_one, false },     { "mid", 2000, 4000, make_one, false },
    { "frequent", 100, 600, make_one, false },     { "common", 0, 19, make_one, false },
    { "two_mid", 500, 4000, make_two, false },     { "two_common", 0, 19, make_two, false },
    { "phrase", 100, 4000, make_phrase, false },   { "phrase_common", 0, 19, make_phrase, false },
    { "prefix", 2000, 60000, make_prefix, false }, { "substring", 2000, 60000, make_part, true },
};

static enum sc_code ignore(void *ctx, const struct sc_search_group *group, struct sc_error *err)
{
    (void)ctx;
    (void)group;
    (void)err;
    return SC_OK;
}

static bool search(struct sc_store *store, const char *typed, bool parts)
{
    struct sc_error err = { 0 };
    SC_AUTO_MATCH m = { .text = { 0 } };
    SC_AUTO_BUF folded = { 0 }, part = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_search s = {
        .owner_id = 1,
        .parts = parts,
        .filter = { .status = -1, .complete = -1 },
        .sort = SC_SEARCH_RANK,
        .limit = 20,
        .hits = 3,
        .context = 10,
    };
    struct sc_search_end end;
    enum sc_code code = parts ? sc_match_compile_part(sc_str_from(typed), 1, &folded, &part, &err)
                              : sc_match_compile(sc_str_from(typed), 1, &m, &err);
    s.match = sc_buf_text(parts ? &part : &m.text);
    s.folded = sc_buf_str(&folded);
    s.deadline_ms = sc_clock_mono_ms() + SC_SEARCH_WALK_MS;
    if (code == SC_OK)
        code = sc_store_read(store, &conn, &err);
    if (code == SC_OK)
        code = sc_search_run(conn, &s, ignore, NULL, &end, &err);
    if (code != SC_OK)
        die(typed, &err);
    return end.partial;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct quantiles {
    double p50_ms, p99_ms, max_ms;
};

static struct quantiles quantiles_of(int64_t *us, int count)
{
    qsort(us, (size_t)count, sizeof(*us), by_value);
    return (struct quantiles){ (double)us[count / 2] / 1e3,
                               (double)us[count - 1 - count / 100] / 1e3,
                               (double)us[count - 1] / 1e3 };
}

/* By the clock, and by the processor time of this thread, which does all of it. */
static void measure(struct sc_store *store, const struct kind *k, int count)
{
    int64_t *took = sc_alloc_array((size_t)count, sizeof(*took));
    int64_t *cpu = sc_alloc_array((size_t)count, sizeof(*cpu));
    int partial = 0;
    for (int i = 0; i < count; i++) {
        SC_AUTO_BUF typed = { 0 };
        k->make(k, &typed);
        int64_t begun = sc_clock_mono_us(), cpu_begun = cpu_us();
        partial += search(store, sc_buf_text(&typed), k->parts);
        took[i] = sc_clock_mono_us() - begun;
        cpu[i] = cpu_us() - cpu_begun;
    }
    struct quantiles wall = quantiles_of(took, count), own = quantiles_of(cpu, count);
    (void)printf(", \"%s\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f,"
                 " \"cpu_p50_ms\": %.3f, \"cpu_p99_ms\": %.3f, \"partial\": %d}",
                 k->name, wall.p50_ms, wall.p99_ms, wall.max_ms, own.p50_ms, own.p99_ms, partial);
    free(took);
    free(cpu);
}

static struct sc_store *open_store(const char *path)
{
    struct sc_store *store = NULL;
    struct sc_error err = { 0 };
    struct sc_store_options o = { path, 1, 5000, 1, true };
    if (sc_store_open(&o, &store, &err) != SC_OK)
        die(path, &err);
    return store;
}

int main(int argc, char **argv)
{
    int64_t segments = 0, searches = 0;
    if (argc != 4 || !sc_str_to_int64(sc_str_from(argv[2]), &segments) ||
        !sc_str_to_int64(sc_str_from(argv[3]), &searches) || segments < 1 || searches < 1)
        die("usage: search-load FOLDER SEGMENTS SEARCHES", NULL);
    char *path = sc_asprintf("%s/scripta.db", argv[1]);
    make_words();
    sc_store_close(open_store(path));
    make_jobs(path, segments / PER_TRANSCRIPT + 1);
    struct sc_store *store = open_store(path);
    fill(store, segments);
    (void)fflush(stdout);
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++)
        measure(store, &kinds[i], (int)searches);
    struct sc_store_use use;
    sc_store_use(store, &use);
    (void)printf(", \"store_mb\": %.1f, \"words\": [\"%s\", \"%s\", \"%s\"]}\n",
                 (double)use.size_bytes / 1e6, words[30000], words[3000], words[5]);
    sc_store_close(store);
    free(path);
    return 0;
}
