/* Long edits: thousands of rows, which as one write would keep all others waiting for a second.
 *
 *     stage    the transcript notes the number of the version that is being written
 *     prepare  rows that will end are told when (`dies`); new rows are inserted, born in a version
 *              that is not there yet, with their index
 *     flip     one short write makes the version current; from now on its rows count
 *     end      rows that it left out leave the index and die; then the note goes
 *
 * A version is read by its number, so nobody sees a row before the flip, or one that has ended
 * behind it. A kill before the flip leaves the version before, one behind it the new one; what is
 * left to be done either way the rows themselves tell. */
#include "library/edit-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"
#include "library/erase.h"
#include "library/text-index.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/banned.h"

#define AT_ONCE 50    /* rows that one write may change */
#define SLICE 100     /* rows of a write, */
#define SLICE_US 3000 /* or so long */
#define WAIT_MS 2000  /* for another edit of the same transcript, */
#define WAITERS 2     /* so many at a time */

/* ---- who saves ---- */

/* Transcripts whose long edit is being written or settled, or that are being repaired, by a thread
 * of ours. */
struct saver {
    struct saver *next;
    const struct sc_store *store;
    int64_t transcript;
};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left; /* a saver has left */
/* ---- protected by lock ---- */
static struct saver *savers;
static int waiting;

static void init_once(void)
{
    sc_cond_init(&left);
}

static bool is_saved_locked(const struct sc_store *store, int64_t transcript)
{
    for (const struct saver *s = savers; s != NULL; s = s->next) {
        if (s->store == store && s->transcript == transcript)
            return true;
    }
    return false;
}

/* Waits until nobody saves it: not for long, and not many at a time, for who waits is a thread that
 * other requests need. */
static enum sc_code await_locked(const struct saver *s, struct sc_error *err)
{
    const int64_t deadline_ms = sc_clock_mono_ms() + WAIT_MS;
    if (!is_saved_locked(s->store, s->transcript))
        return SC_OK;
    if (waiting == WAITERS)
        return sc_error_set(err, SC_E_TRANSCRIPT_BUSY,
                            "transcript %" PRId64 " is being saved or repaired, and others wait "
                            "for it: try again in a moment",
                            s->transcript);
    waiting++;
    for (bool in_time = true; in_time && is_saved_locked(s->store, s->transcript);)
        in_time = sc_cond_wait(&left, &lock, deadline_ms);
    waiting--;
    if (!is_saved_locked(s->store, s->transcript))
        return SC_OK;
    return sc_error_set(err, SC_E_TRANSCRIPT_BUSY,
                        "transcript %" PRId64 " is being saved or repaired: try again in a moment",
                        s->transcript);
}

static enum sc_code await(const struct saver *saver, struct sc_error *err)
{
    sc_assert(pthread_once(&once, init_once) == 0);
    SC_LOCK(&lock);
    return await_locked(saver, err);
}

/* The same, and saves it then. */
static enum sc_code enter(struct saver *saver, struct sc_error *err)
{
    sc_assert(pthread_once(&once, init_once) == 0);
    SC_LOCK(&lock);
    enum sc_code code = await_locked(saver, err);
    if (code != SC_OK)
        return code;
    saver->next = savers;
    savers = saver;
    return SC_OK;
}

static void leave(struct saver *saver)
{
    SC_LOCK(&lock);
    struct saver **link = &savers;
    while (*link != saver)
        link = &(*link)->next;
    *link = saver->next;
    (void)pthread_cond_broadcast(&left);
}

/* ---- slices ---- */

struct slice {
    int64_t end_us;
    int rows;
};

static struct slice slice_begin(void)
{
    return (struct slice){ .end_us = sc_clock_mono_us() + SLICE_US };
}

/* At least one row, so that a slow machine gets on. */
static bool slice_goes_on(struct slice *s)
{
    s->rows++;
    return s->rows == 1 || (s->rows <= SLICE && sc_clock_mono_us() < s->end_us);
}

/* ---- writing ---- */

struct stage {
    const struct sc_edit *e;
    int64_t now_ms, origin;
    size_t at, next; /* the place or item that a slice begins with, and the one behind it */
    char (*hashes)[SC_SHA256_TEXT];
    const struct sc_edit_also *also;
    struct sc_saved *out;
};

static enum sc_code write_also(struct sc_conn *tx, const struct sc_edit_also *also,
                               struct sc_error *err)
{
    return also == NULL ? SC_OK : also->fn(tx, also->ctx, err);
}

static enum sc_code write_begin(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct stage *s = ctx;
    enum sc_code code = sc_edit_stage(tx, s->e, s->out, err);
    return code == SC_OK ? sc_edit_make_origin(tx, s->e, s->now_ms, &s->origin, err) : code;
}

/* The transcript may have been deleted meanwhile. */
static enum sc_code check_open(struct sc_conn *tx, const struct stage *s, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_STAGE_OPEN);
    sc_stmt_bind_int(&st, ":id", s->e->base.id);
    sc_stmt_bind_int(&st, ":version", s->e->base.version + 1);
    sc_stmt_bind_int(&st, ":owner_id", s->e->base.owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_E_NOT_FOUND)
        return code;
    return sc_error_set(err, SC_E_TRANSCRIPT_NOT_FOUND, "no transcript %" PRId64, s->e->base.id);
}

static enum sc_code tell_row(struct sc_conn *tx, int64_t row, int version, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_STAGE_ROW_DIES);
    sc_stmt_bind_int(&st, ":id", row);
    sc_stmt_bind_int(&st, ":version", version);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_dying(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct stage *s = ctx;
    struct slice slice = slice_begin();
    enum sc_code code = check_open(tx, s, err);
    for (s->next = s->at; code == SC_OK && s->next < s->e->place_count; s->next++) {
        const struct sc_edit_place *p = &s->e->places[s->next];
        if (!p->dies)
            continue;
        if (!slice_goes_on(&slice))
            break;
        code = tell_row(tx, p->row, s->e->base.version + 1, err);
    }
    return code;
}

static enum sc_code write_new(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct stage *s = ctx;
    struct slice slice = slice_begin();
    enum sc_code code = check_open(tx, s, err);
    for (s->next = s->at; code == SC_OK && s->next < s->e->item_count; s->next++) {
        const struct sc_edit_item *item = &s->e->items[s->next];
        if (item->kept)
            continue;
        if (!slice_goes_on(&slice))
            break;
        code = sc_edit_write_row(tx, s->e, item, s->origin, s->hashes[s->next], err);
    }
    return code;
}

static enum sc_code write_flip(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct stage *s = ctx;
    char hash[SC_SHA256_TEXT];
    enum sc_code code = sc_edit_claim(tx, s->e, true, s->now_ms, s->out, err);
    if (code != SC_OK)
        return code;
    sc_edit_sums(s->e, s->hashes, hash);
    code = sc_edit_make_version(tx, s->e, s->now_ms, hash, err);
    return code == SC_OK ? write_also(tx, s->also, err) : code;
}

/* All of `count` places or items, in slices. */
static enum sc_code run_slices(struct sc_store *store, struct stage *s, sc_write_fn fn,
                               size_t count, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (s->at = 0; code == SC_OK && s->at < count; s->at = s->next) {
        code = sc_store_write(store, SC_RELAXED, fn, s, err);
        (void)SC_FAULT("edit.slice");
    }
    return code;
}

static enum sc_code prepare(struct sc_store *store, struct stage *s, struct sc_error *err)
{
    enum sc_code code = run_slices(store, s, write_dying, s->e->place_count, err);
    if (code == SC_OK)
        code = run_slices(store, s, write_new, s->e->item_count, err);
    /* Synced, and with it the slices before. */
    return code == SC_OK ? sc_store_write(store, SC_DURABLE, write_flip, s, err) : code;
}

/* ---- ending, or taking back ---- */

struct settling {
    int64_t transcript;
    int64_t staged, current; /* 0: nothing is left */
    int64_t rows[SLICE];
    size_t count;
    bool more;
};

static enum sc_code read_staged(struct sc_conn *tx, struct settling *s, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_STAGE_GET);
    sc_stmt_bind_int(&st, ":id", s->transcript);
    enum sc_code code = sc_stmt_one(&st, err);
    s->staged = code == SC_OK ? sc_stmt_int(&st, "staged") : 0;
    s->current = code == SC_OK ? sc_stmt_int(&st, "current_version") : 0;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

/* The next rows that the statement names. */
static enum sc_code read_rows(struct sc_conn *tx, struct settling *s, enum sc_sql sql,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, ":transcript_id", s->transcript);
    sc_stmt_bind_int(&st, ":version", s->staged);
    sc_stmt_bind_int(&st, ":limit", SLICE);
    s->count = 0;
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        s->rows[s->count++] = sc_stmt_int(&st, "id");
    }
}

static enum sc_code run_on(struct sc_conn *tx, enum sc_sql sql, const char *name, int64_t value,
                           struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, name, value);
    return sc_stmt_run(&st, err);
}

/* On what the version left: its statement is about this transcript and version. */
static enum sc_code run_version(struct sc_conn *tx, const struct settling *s, enum sc_sql sql,
                                bool limited, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, ":transcript_id", s->transcript);
    sc_stmt_bind_int(&st, ":version", s->staged);
    if (limited)
        sc_stmt_bind_int(&st, ":limit", SLICE);
    return sc_stmt_run(&st, err);
}

static enum sc_code end_rows(struct sc_conn *tx, struct settling *s, struct sc_error *err)
{
    struct slice slice = slice_begin();
    enum sc_code code = read_rows(tx, s, SC_SQL_STAGE_ENDING, err);
    s->more = s->count > 0;
    for (size_t i = 0; code == SC_OK && i < s->count && slice_goes_on(&slice); i++)
        code = sc_edit_end_row(tx, s->rows[i], (int)s->staged, err);
    return code;
}

static enum sc_code remove_row(struct sc_conn *tx, int64_t row, struct sc_error *err)
{
    enum sc_code code = sc_text_unindex_row(tx, row, err);
    return code == SC_OK ? run_on(tx, SC_SQL_STAGE_DELETE_ROW, ":id", row, err) : code;
}

static enum sc_code take_back(struct sc_conn *tx, struct settling *s, struct sc_error *err)
{
    struct slice slice = slice_begin();
    enum sc_code code = read_rows(tx, s, SC_SQL_STAGE_UNBORN, err);
    s->more = s->count > 0;
    for (size_t i = 0; code == SC_OK && i < s->count && slice_goes_on(&slice); i++)
        code = remove_row(tx, s->rows[i], err);
    if (code == SC_OK && s->more)
        code = sc_erase_owe(tx, err); /* no version has their words */
    if (code != SC_OK || s->more)
        return code;
    code = run_version(tx, s, SC_SQL_STAGE_REVIVE, true, err);
    s->more = code == SC_OK && sc_conn_changes(tx) > 0;
    return code == SC_OK && !s->more ? run_version(tx, s, SC_SQL_STAGE_FORGET_ORIGIN, false, err)
                                     : code;
}

static enum sc_code write_settling(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct settling *s = ctx;
    s->more = false;
    enum sc_code code = read_staged(tx, s, err);
    if (code != SC_OK || s->staged == 0)
        return code;
    code = s->current >= s->staged ? end_rows(tx, s, err) : take_back(tx, s, err);
    return code == SC_OK && !s->more ? run_on(tx, SC_SQL_STAGE_END, ":id", s->transcript, err)
                                     : code;
}

/* By whoever saves it, or is alone with it. */
static enum sc_code settle(struct sc_store *store, int64_t transcript, struct sc_error *err)
{
    struct settling s = { .transcript = transcript, .more = true };
    enum sc_code code = SC_OK;
    while (code == SC_OK && s.more) {
        code = sc_store_write(store, SC_RELAXED, write_settling, &s, err);
        (void)SC_FAULT("edit.slice");
    }
    return code;
}

/* ---- saving ---- */

static size_t row_count(const struct sc_edit *e)
{
    size_t rows = 0;
    for (size_t i = 0; i < e->place_count; i++)
        rows += e->places[i].dies;
    for (size_t i = 0; i < e->item_count; i++)
        rows += !e->items[i].kept;
    return rows;
}

static enum sc_code write_short(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct stage *s = ctx;
    enum sc_code code = sc_edit_write(tx, s->e, s->now_ms, s->out, err);
    return code == SC_OK && s->out->changed ? write_also(tx, s->also, err) : code;
}

/* As the only one who saves the transcript. */
static enum sc_code save_long(struct sc_store *store, struct stage *s, struct sc_error *err)
{
    const int64_t id = s->e->base.id;
    SC_AUTO_FREE char(*hashes)[SC_SHA256_TEXT] = sc_edit_hashes(s->e);
    s->hashes = hashes;
    if (hashes == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
    sc_edit_tell(s->e, s->out);
    enum sc_code code = settle(store, id, err); /* what a kill, or a full disk, has left */
    if (code == SC_OK)
        code = sc_store_write(store, SC_RELAXED, write_begin, s, err);
    if (code != SC_OK)
        return code;
    code = prepare(store, s, err);
    if (code == SC_OK)
        s->out->version = s->e->base.version + 1;
    /* What cannot be done now is done by the next edit, or at the next start. */
    (void)settle(store, id, NULL);
    return code;
}

/* A short one that came upon a long one, or upon what a kill has left of it. */
static enum sc_code save_after(struct sc_store *store, struct stage *s, struct sc_error *err)
{
    enum sc_code code = settle(store, s->e->base.id, err);
    return code == SC_OK ? sc_store_write(store, SC_DURABLE, write_short, s, err) : code;
}

enum sc_code sc_edit_save(struct sc_store *store, const struct sc_edit *e, int64_t now_ms,
                          const struct sc_edit_also *also, struct sc_saved *out,
                          struct sc_error *err)
{
    struct saver saver = { .store = store, .transcript = e->base.id };
    struct stage s = { .e = e, .now_ms = now_ms, .also = also, .out = out };
    bool is_long = row_count(e) > AT_ONCE;
    enum sc_code code = SC_OK;
    if (!is_long) {
        struct sc_error staged = { 0 };
        code = await(&saver, err);
        if (code != SC_OK)
            return code;
        code = sc_store_write(store, SC_DURABLE, write_short, &s, &staged);
        if (code != SC_E_TRANSCRIPT_BUSY) {
            if (code != SC_OK && err != NULL)
                *err = staged;
            return code;
        }
    }
    code = enter(&saver, err);
    if (code != SC_OK)
        return code;
    code = is_long ? save_long(store, &s, err) : save_after(store, &s, err);
    leave(&saver);
    return code;
}

enum sc_code sc_edit_settled(struct sc_store *store, int64_t transcript, sc_edit_settled_fn fn,
                             void *ctx, struct sc_error *err)
{
    struct saver saver = { .store = store, .transcript = transcript };
    enum sc_code code = enter(&saver, err);
    if (code != SC_OK)
        return code;
    code = settle(store, transcript, err);
    if (code == SC_OK)
        code = fn(ctx, err);
    leave(&saver);
    return code;
}

static enum sc_code next_left(struct sc_store *store, int64_t after, int64_t *id,
                              struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(store, &conn, err);
    *id = 0;
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STAGE_LEFT);
    sc_stmt_bind_int(&st, ":after", after);
    code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *id = sc_stmt_int(&st, "id");
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_edits_settle(struct sc_store *store, struct sc_error *err)
{
    int64_t id = 0;
    enum sc_code code = next_left(store, 0, &id, err);
    while (code == SC_OK && id != 0) {
        struct saver saver = { .store = store, .transcript = id };
        if (enter(&saver, NULL) == SC_OK) { /* else whoever saves it has ended it first */
            code = settle(store, id, err);
            leave(&saver);
        }
        if (code == SC_OK)
            code = next_left(store, id, &id, err);
    }
    return code;
}
