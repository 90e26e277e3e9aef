/* Cleaning: bytes that no row names, what killed programs left in temp/, work folders of ended
 * jobs, and the archive's old recordings.
 *
 * An upload in flight is safe by design: from before its row is looked for until it is written its
 * hash is held (arrive.c), and bytes are removed by none but who holds their hash alone and then
 * finds no row. What is spooled is written to all the time, so a temp file at rest for an hour is
 * nobody's. */

#include "pipeline/mend.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "library/changes.h"
#include "sys/file.h"
#include "json/writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define REST_MS INT64_C(3600000)

SC_DEFINE_ENUM_STRINGS(sc_clean_kind, SC_CLEAN_KIND_COUNT_,
                       {
                           [SC_CLEAN_ORPHANS] = "orphans",
                           [SC_CLEAN_TEMP] = "temp",
                           [SC_CLEAN_WORK] = "work",
                           [SC_CLEAN_ARCHIVE] = "archive",
                       });

struct cleaning {
    struct sc_pipelines *p;
    const struct sc_clean_files *what;
    struct sc_cleaned out;
    int64_t now_ms;
};

static bool is_old(const struct cleaning *c, int64_t changed_ms)
{
    return changed_ms < c->what->before_ms;
}

/* ---- bytes without a row ---- */

/* Is this where a row wants its bytes, or the only place where there are any for it? Its hash or
 * its path may be damaged, but not both. When it cannot be told it is. */
static bool is_named(struct sc_pipelines *p, const char *sha256, const char *place)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_FILE row = { 0 };
    bool named = true;
    if (sc_store_read(p->o.store, &conn, NULL) != SC_OK ||
        sc_file_place_named(conn, place, &named, NULL) != SC_OK || named)
        return true;
    enum sc_code code = sc_file_find_hash(conn, 0, sha256, &row, NULL);
    if (code == SC_OK)
        return row.purged_ms == 0 && !sc_blobs_exists(p->o.blobs, row.file_path);
    return code != SC_E_FILE_NOT_FOUND;
}

bool sc_orphan_remove(struct sc_pipelines *p, const char *sha256, const char *place, bool dry_run)
{
    struct sc_file file = { .id = 0 };
    bool used = true, known = true, gone = false;
    (void)snprintf(file.file_hash, sizeof(file.file_hash), "%s", sha256);
    (void)snprintf(file.file_path, sizeof(file.file_path), "%s", place);
    if (!sc_blobs_hold(p->o.blobs, file.file_hash, SC_HOLD_ALONE, 0))
        return false; /* somebody brings or moves these bytes just now */
    if (sc_file_bytes_used(p->o.store, &file, &used, &known, NULL) == SC_OK && !used &&
        !is_named(p, sha256, place))
        gone = dry_run || sc_blobs_remove(p->o.blobs, place, NULL) == SC_OK;
    sc_blobs_release(p->o.blobs, file.file_hash, SC_HOLD_ALONE);
    return gone;
}

static bool visit_orphan(void *ctx, const struct sc_blob_entry *entry)
{
    struct cleaning *c = ctx;
    char hash[SC_SHA256_TEXT];
    if (!entry->exported && sc_blob_name_hash(entry->name, hash) && is_old(c, entry->changed_ms) &&
        sc_orphan_remove(c->p, hash, entry->place, c->what->dry_run)) {
        c->out.files++;
        c->out.bytes += entry->size;
    }
    return !atomic_load(&c->p->stopping);
}

/* ---- folders ---- */

void sc_tree_measure(const char *path, struct sc_cleaned *sum)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return;
    if (!S_ISDIR(st.st_mode)) {
        sum->files++;
        sum->bytes += (int64_t)st.st_size;
        return;
    }
    SC_AUTO_DIR *d = opendir(path);
    const struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        SC_AUTO_FREE char *below = sc_path_join(path, entry->d_name);
        sc_tree_measure(below, sum);
    }
}

void sc_each_entry(const struct sc_pipelines *p, const char *below, sc_entry_fn fn, void *ctx)
{
    SC_AUTO_FREE char *folder = sc_path_join(p->root, below);
    SC_AUTO_DIR *d = opendir(folder);
    const struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL && !atomic_load(&p->stopping)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        SC_AUTO_FREE char *path = sc_path_join(folder, entry->d_name);
        fn(ctx, entry->d_name, path);
    }
}

static void take_away(struct cleaning *c, const char *path)
{
    struct sc_cleaned sum = { 0 };
    sc_tree_measure(path, &sum);
    if (!c->what->dry_run && unlink(path) != 0 && sc_dir_remove(path, NULL) != SC_OK)
        return;
    c->out.files += sum.files;
    c->out.bytes += sum.bytes;
}

static void visit_temp(void *ctx, const char *name, const char *path)
{
    struct cleaning *c = ctx;
    struct stat st;
    (void)name;
    if (lstat(path, &st) != 0)
        return;
    int64_t changed = (int64_t)st.st_mtim.tv_sec * 1000;
    if (is_old(c, changed) && changed < c->now_ms - REST_MS)
        take_away(c, path);
}

static bool visit_temp_blob(void *ctx, const struct sc_blob_entry *entry)
{
    struct cleaning *c = ctx;
    SC_AUTO_FREE char *path = sc_path_join(c->p->root, entry->place);
    if (sc_str_starts(sc_str_from(entry->name), SC_STR(".tmp-")))
        visit_temp(c, entry->name, path);
    return !atomic_load(&c->p->stopping);
}

/* A job that is retried just now has its lost chunks cut again. */
static void visit_work(void *ctx, const char *name, const char *path)
{
    struct cleaning *c = ctx;
    bool done = false;
    if (!sc_uuid_is_valid(sc_str_from(name)))
        return;
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        if (sc_store_read(c->p->o.store, &conn, NULL) != SC_OK)
            return;
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WORK_JOB);
        sc_stmt_bind_text(&st, ":job_id", name);
        enum sc_code code = sc_stmt_one(&st, NULL);
        done = code == SC_E_NOT_FOUND ||
               (code == SC_OK && sc_stmt_int(&st, "admission") == SC_ADMISSION_ENDED &&
                is_old(c, sc_stmt_int_or(&st, "completed_ms", c->now_ms)));
    }
    if (done)
        take_away(c, path);
}

/* ---- the archive ---- */

struct archived {
    struct cleaning *c;
    const struct sc_file *file;
    bool goes;
};

static enum sc_code may_go(struct archived *a, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_ARCHIVE_MAY_GO);
    sc_stmt_bind_text(&st, ":file_hash", a->file->file_hash);
    sc_stmt_bind_int(&st, ":before", a->c->what->before_ms);
    sc_stmt_bind_int(&st, ":key", a->file->archived_ms);
    sc_stmt_bind_int(&st, ":id", a->file->id);
    enum sc_code code = sc_stmt_one(&st, err);
    a->goes = code == SC_OK && sc_stmt_int(&st, "yes") != 0;
    return code;
}

static enum sc_code write_purged(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct archived *a = ctx;
    enum sc_code code = may_go(a, tx, err);
    return code == SC_OK && a->goes ? sc_file_purge(tx, a->file, a->c->what->by, a->c->now_ms, err)
                                    : code;
}

static enum sc_code look_purged(struct archived *a, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(a->c->p->o.store, &conn, err);
    return code == SC_OK ? may_go(a, conn, err) : code;
}

/* The row says so first: a kill leaves bytes that no row names, which the next start removes. */
static enum sc_code clean_archived(struct cleaning *c, const struct sc_file *file,
                                   struct sc_error *err)
{
    struct archived a = { c, file, false };
    struct sc_blobs *blobs = c->p->o.blobs;
    enum sc_code code;
    if (c->what->dry_run) {
        code = look_purged(&a, err);
    } else {
        if (!sc_blobs_hold(blobs, file->file_hash, SC_HOLD_ALONE, 0))
            return SC_OK;
        code = sc_store_write(c->p->o.store, SC_DURABLE, write_purged, &a, err);
        (void)SC_FAULT("clean.purged");
        if (code == SC_OK && a.goes)
            code = sc_blobs_remove(blobs, file->file_path, err);
        sc_blobs_release(blobs, file->file_hash, SC_HOLD_ALONE);
    }
    if (code == SC_OK && a.goes) {
        c->out.files++;
        c->out.bytes += file->size_bytes;
    }
    return code;
}

static enum sc_code next_archived(struct cleaning *c, struct sc_file *file, bool *found,
                                  struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(c->p->o.store, &conn, err);
    return code == SC_OK ? sc_file_next_archived(conn, c->what->before_ms, file, found, err) : code;
}

static enum sc_code clean_archive(struct cleaning *c, struct sc_error *err)
{
    SC_AUTO_FILE file = { 0 };
    enum sc_code code = SC_OK;
    for (bool found = true; code == SC_OK && !atomic_load(&c->p->stopping);) {
        code = next_archived(c, &file, &found, err);
        if (code != SC_OK || !found)
            return code;
        code = clean_archived(c, &file, err);
    }
    return code;
}

/* ---- what the history tells ---- */

static enum sc_code write_cleaned(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct cleaning *c = ctx;
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "kind", sc_clean_kind_to_string(c->what->kind));
    sc_json_int(&w, "files", c->out.files);
    sc_json_int(&w, "bytes", c->out.bytes);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_FILES_CLEANED,
        .owner_id = c->what->by,
        .by = c->what->by,
        .at_ms = c->now_ms,
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

enum sc_code sc_pipelines_clean_files(struct sc_pipelines *p, const struct sc_clean_files *what,
                                      struct sc_cleaned *out, struct sc_error *err)
{
    struct cleaning c = { .p = p, .what = what, .now_ms = sc_clock_wall_ms() };
    enum sc_code code = SC_OK;
    switch (what->kind) {
    case SC_CLEAN_ORPHANS:
        sc_blobs_each(p->o.blobs, visit_orphan, &c);
        break;
    case SC_CLEAN_TEMP:
        sc_each_entry(p, "temp", visit_temp, &c);
        sc_blobs_each(p->o.blobs, visit_temp_blob, &c);
        break;
    case SC_CLEAN_WORK:
        sc_each_entry(p, "work", visit_work, &c);
        break;
    case SC_CLEAN_ARCHIVE:
        code = clean_archive(&c, err);
        break;
    case SC_CLEAN_KIND_COUNT_:
        break;
    }
    /* Also of a pass that ended with an error: what it removed is gone. */
    if (!what->dry_run && c.out.files > 0) {
        enum sc_code told =
            sc_store_write(p->o.store, SC_DURABLE, write_cleaned, &c, code == SC_OK ? err : NULL);
        code = code == SC_OK ? told : code;
    }
    if (code == SC_OK)
        *out = c.out;
    return code;
}
