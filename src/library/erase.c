#include "library/erase.h"

#include "base/clock.h"

#include "base/banned.h"

#define SLICE_US 5000
#define PAGES_FIRST 8
#define PAGES_MAX 512
#define REST 100 /* times as long as a sweep took */
#define CUT_LOOK_MS 100

static const struct {
    enum sc_sql merge, runs;
} indexes[] = {
    { SC_SQL_ERASE_MERGE_WORDS, SC_SQL_ERASE_RUNS_WORDS },
    { SC_SQL_ERASE_MERGE_PARTS, SC_SQL_ERASE_RUNS_PARTS },
    { SC_SQL_ERASE_MERGE_NAMES, SC_SQL_ERASE_RUNS_NAMES },
};

enum sc_code sc_erase_owe(struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_ERASE_OWE);
    return sc_stmt_run(&st, err);
}

/* ---- what an index is made of ---- */

/* SQLite's variable-length integer: 7 bits a byte, the highest first. */
static bool take_varint(struct sc_str *rest, int64_t *out)
{
    uint64_t value = 0;
    for (int i = 0; i < 8 && (size_t)i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];
        value = value << 7 | (byte & 0x7f);
        if ((byte & 0x80) == 0) {
            rest->ptr += i + 1;
            rest->len -= (size_t)i + 1;
            *out = (int64_t)value;
            return true;
        }
    }
    return false;
}

/* The highest level of which runs are being merged, from FTS5's structure record: a cookie of four
 * bytes; how many levels and runs there are, and what was written; for each level how many of its
 * runs are merged, how many there are, and of each its number, first and last page. -1: none, or
 * not to be told. */
static int merging_level(struct sc_str record)
{
    int64_t levels, runs, written;
    int found = -1;
    if (record.len < 4)
        return -1;
    struct sc_str rest = { record.ptr + 4, record.len - 4 };
    if (!take_varint(&rest, &levels) || !take_varint(&rest, &runs) || !take_varint(&rest, &written))
        return -1;
    for (int64_t level = 0; level < levels; level++) {
        int64_t merging, count, skipped;
        if (!take_varint(&rest, &merging) || !take_varint(&rest, &count))
            return -1;
        for (int64_t i = 0; i < count * 3; i++) {
            if (!take_varint(&rest, &skipped))
                return -1;
        }
        if (merging > 0)
            found = (int)level;
    }
    return found;
}

static enum sc_code find_level(struct sc_conn *tx, const struct sc_erase *e, int *out,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, indexes[e->index].runs);
    enum sc_code code = sc_stmt_one(&st, err);
    *out = code == SC_OK ? merging_level(sc_stmt_str(&st, "block")) : -1;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

/* ---- slices ---- */

/* Others write to the index meanwhile, and FTS5 may merge what is new on lower levels in between:
 * the merge is done when its level has nothing to merge any more. */
static enum sc_code write_slice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_erase *e = ctx;
    int64_t begun_us = sc_clock_mono_us();
    int64_t before = sc_conn_all_changes(tx);
    enum sc_code code;
    int level = -1;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, indexes[e->index].merge);
        sc_stmt_bind_int(&st, ":pages", e->begun ? e->pages : -e->pages);
        code = sc_stmt_run(&st, err);
    }
    bool idle = sc_conn_all_changes(tx) - before < 2; /* as FTS5 says it */
    if (code == SC_OK)
        code = find_level(tx, e, &level, err);
    e->merged = idle || level < (e->begun ? e->level : 0);
    if (!e->begun)
        e->level = level;
    e->slice_us = sc_clock_mono_us() - begun_us;
    return code;
}

static void fit_slice(struct sc_erase *e)
{
    if (e->slice_us > SLICE_US)
        e->pages = SC_MAX(1, e->pages / 2);
    else if (e->slice_us < SLICE_US / 3)
        e->pages = SC_MIN(PAGES_MAX, e->pages * 2);
}

static enum sc_code merge(struct sc_store *store, struct sc_erase *e, struct sc_error *err)
{
    enum sc_code code = sc_store_write(store, SC_RELAXED, write_slice, e, err);
    if (code != SC_OK)
        return code;
    e->took_us += e->slice_us;
    e->begun = true;
    fit_slice(e);
    if (!e->merged)
        return SC_OK;
    e->begun = false;
    e->index++;
    if ((size_t)e->index == SC_ARRAY_LEN(indexes)) {
        e->cutting = true;
        sc_store_cut_log(store);
    }
    return SC_OK;
}

/* ---- the sweep ---- */

static enum sc_code read_debt(struct sc_store *store, int64_t *owed, bool *open,
                              struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_ERASE_DEBT);
    code = sc_stmt_one(&st, err);
    if (code == SC_OK) {
        *owed = sc_stmt_int(&st, "owed");
        *open = *owed != sc_stmt_int(&st, "paid");
    }
    return code;
}

static enum sc_code write_payment(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct sc_erase *e = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_ERASE_PAY);
    sc_stmt_bind_int(&st, ":owed", e->owed);
    return sc_stmt_run(&st, err);
}

static enum sc_code begin(struct sc_store *store, struct sc_erase *e, int64_t *next_ms,
                          struct sc_error *err)
{
    int64_t owed = 0;
    bool open = false;
    int64_t now_ms = sc_clock_mono_ms();
    enum sc_code code = read_debt(store, &owed, &open, err);
    *next_ms = -1;
    if (code != SC_OK || !open)
        return code;
    *next_ms = SC_MAX(0, e->rest_until_ms - now_ms);
    if (*next_ms == 0)
        *e = (struct sc_erase){ .sweeps = true, .owed = owed, .pages = PAGES_FIRST };
    return SC_OK;
}

static enum sc_code finish(struct sc_store *store, struct sc_erase *e, int64_t *next_ms, bool *paid,
                           struct sc_error *err)
{
    *next_ms = CUT_LOOK_MS;
    if (!sc_store_log_is_cut(store))
        return SC_OK;
    enum sc_code code = sc_store_write(store, SC_RELAXED, write_payment, e, err);
    if (code != SC_OK)
        return code;
    e->sweeps = e->cutting = false;
    e->rest_until_ms = sc_clock_mono_ms() + REST * e->took_us / 1000;
    *paid = true;
    *next_ms = 0;
    return SC_OK;
}

enum sc_code sc_erase_step(struct sc_store *store, struct sc_erase *e, int64_t *next_ms, bool *paid,
                           struct sc_error *err)
{
    *next_ms = 0;
    *paid = false;
    if (!e->sweeps)
        return begin(store, e, next_ms, err);
    return e->cutting ? finish(store, e, next_ms, paid, err) : merge(store, e, err);
}
