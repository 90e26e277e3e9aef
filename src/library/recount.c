/* A transcript is read as it is at one moment, and each of its versions counted from the rows that
 * it has. What is written then holds however many writes it takes: a version never changes, and an
 * edit adds to the count of the one before. Where another version, a prune or a repair has come
 * meanwhile, the transcript is read again. */
#include "library/recount.h"

#include "library/library-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"

#include "base/banned.h"

#define STEP_MS 5
#define SLICE 100 /* rows of a write */

struct version {
    int64_t version, was, words;
};

/* A transcript at hand. */
struct count {
    int64_t id, segments, was, words;
    struct sc_transcript_state state;
    struct version *versions; /* owned, in order */
    size_t version_count, cap;
    size_t at, next; /* the version that a write begins with, and the one behind it */
    bool wrong;      /* something of it is to be written */
    bool stale;      /* it is another by now */
};

static void count_done(struct count *c)
{
    free(c->versions);
}

/* ---- reading ---- */

static enum sc_code read_versions(struct sc_conn *conn, struct count *c, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FSCK_VERSIONS);
    sc_stmt_bind_int(&st, ":transcript_id", c->id);
    sc_stmt_bind_int(&st, ":from", INT64_MIN);
    sc_stmt_bind_int(&st, ":to", INT64_MAX);
    for (;;) {
        bool row = false;
        void *versions = c->versions;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        sc_grow(&versions, &c->cap, c->version_count + 1, sizeof(*c->versions));
        c->versions = versions;
        c->versions[c->version_count++] = (struct version){ .version = sc_stmt_int(&st, "version"),
                                                            .was = sc_stmt_int(&st, "word_count") };
    }
}

/* The first that is not before `version`. */
static size_t find_version(const struct count *c, int64_t version)
{
    size_t low = 0, high = c->version_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c->versions[mid].version < version)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Each row is noted where it begins and where it ends; then they are added up. */
static enum sc_code read_rows(struct sc_conn *conn, struct count *c, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_RECOUNT_ROWS);
    sc_stmt_bind_int(&st, ":transcript_id", c->id);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        size_t born = find_version(c, sc_stmt_int(&st, "born"));
        size_t died = find_version(c, sc_stmt_int_or(&st, "died", INT64_MAX));
        int64_t words = sc_text_says(sc_stmt_str(&st, "text"));
        c->words += words;
        if (born < c->version_count)
            c->versions[born].words += words;
        if (died < c->version_count)
            c->versions[died].words -= words;
    }
}

/* Of a partial transcript all rows count, of another those of its current version. */
static void add_up(struct count *c)
{
    if (c->state.version > 0)
        c->words = c->was;
    for (size_t i = 0; i < c->version_count; i++) {
        struct version *v = &c->versions[i];
        v->words += i == 0 ? 0 : v[-1].words;
        c->wrong = c->wrong || v->words != v->was;
        if (v->version == c->state.version)
            c->words = v->words;
    }
    c->wrong = c->wrong || c->words != c->was;
}

/* The next transcript; c->id 0: there is none. */
static enum sc_code read_next(struct sc_conn *conn, const struct sc_recount *r, struct count *c,
                              struct sc_error *err)
{
    {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_RECOUNT_NEXT);
        sc_stmt_bind_int(&st, ":until", r->below == 0 ? INT64_MAX : r->below - 1);
        enum sc_code code = sc_stmt_one(&st, err);
        if (code != SC_OK)
            return code == SC_E_NOT_FOUND ? SC_OK : code;
        c->id = sc_stmt_int(&st, "id");
        c->segments = sc_stmt_int(&st, "segment_count");
        c->was = sc_stmt_int(&st, "word_count");
    }
    enum sc_code code = sc_transcript_read_state(conn, c->id, &c->state, err);
    if (code == SC_OK)
        code = read_versions(conn, c, err);
    if (code == SC_OK)
        code = read_rows(conn, c, err);
    if (code == SC_OK)
        add_up(c);
    return code;
}

/* ---- writing ---- */

static enum sc_code put_passed(struct sc_conn *tx, int64_t below, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_RECOUNT_PASSED);
    sc_stmt_bind_int(&st, ":below", below);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_passed(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return put_passed(tx, *(const int64_t *)ctx, err);
}

static enum sc_code put_version(struct sc_conn *tx, const struct count *c, const struct version *v,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_RECOUNT_VERSION);
    sc_stmt_bind_int(&st, ":transcript_id", c->id);
    sc_stmt_bind_int(&st, ":version", v->version);
    sc_stmt_bind_int(&st, ":words", v->words);
    return sc_stmt_run(&st, err);
}

static enum sc_code put_transcript(struct sc_conn *tx, struct count *c, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_RECOUNT_TRANSCRIPT);
    sc_stmt_bind_int(&st, ":id", c->id);
    sc_stmt_bind_int(&st, ":segments", c->segments);
    sc_stmt_bind_int(&st, ":was", c->was);
    sc_stmt_bind_int(&st, ":words", c->words);
    enum sc_code code = sc_stmt_run(&st, err);
    c->stale = code == SC_OK && sc_conn_changes(tx) != 1; /* a partial one has grown */
    return code == SC_OK && !c->stale ? put_passed(tx, c->id, err) : code;
}

static enum sc_code check_state(struct sc_conn *tx, struct count *c, struct sc_error *err)
{
    struct sc_transcript_state now;
    enum sc_code code = sc_transcript_read_state(tx, c->id, &now, err);
    c->stale =
        code == SC_E_NOT_FOUND || (code == SC_OK && !sc_transcript_same_state(&now, &c->state));
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

/* The transcript itself last, and with it that it is done. */
static enum sc_code write_counts(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct count *c = ctx;
    enum sc_code code = check_state(tx, c, err);
    int rows = 0;
    for (c->next = c->at; code == SC_OK && !c->stale && c->next < c->version_count; c->next++) {
        const struct version *v = &c->versions[c->next];
        if (v->words == v->was)
            continue;
        if (rows++ == SLICE)
            return SC_OK;
        code = put_version(tx, c, v, err);
    }
    return code == SC_OK && !c->stale ? put_transcript(tx, c, err) : code;
}

static enum sc_code write_all(struct sc_store *store, struct count *c, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    do {
        code = sc_store_write(store, SC_RELAXED, write_counts, c, err);
        (void)SC_FAULT("recount.slice");
        c->at = c->next;
    } while (code == SC_OK && !c->stale && c->at < c->version_count);
    return code;
}

/* ---- steps ---- */

/* One transcript; *wrote: and so the step. */
static enum sc_code count_one(struct sc_store *store, struct sc_recount *r, bool *wrote,
                              struct sc_error *err)
{
    SC_AUTO(count_done) struct count c = { 0 };
    enum sc_code code = SC_OK;
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        code = sc_store_read(store, &conn, err);
        if (code == SC_OK)
            code = read_next(conn, r, &c, err);
    }
    if (code == SC_E_STORE_DAMAGED && c.id > 0) { /* which the check tells */
        r->below = c.id;
        return SC_OK;
    }
    if (code != SC_OK)
        return code;
    (void)SC_FAULT("recount.read");
    r->done = c.id == 0;
    *wrote = c.wrong;
    if (c.wrong)
        code = write_all(store, &c, err);
    if (code != SC_OK || r->done || c.stale)
        return code;
    r->below = c.id;
    r->changed += c.wrong ? 1 : 0;
    return SC_OK;
}

enum sc_code sc_recount_step(struct sc_store *store, struct sc_recount *r, struct sc_error *err)
{
    const int64_t until_ms = sc_clock_mono_ms() + STEP_MS;
    bool wrote = false;
    enum sc_code code = SC_OK;
    do {
        code = count_one(store, r, &wrote, err);
    } while (code == SC_OK && !r->done && !wrote && sc_clock_mono_ms() < until_ms);
    if (code != SC_OK || wrote || r->below == 0)
        return code;
    return sc_store_write(store, SC_RELAXED, write_passed, &r->below, err);
}
