#include "library/names.h"

#include "library/erase.h"
#include "library/search-internal.h"

#include "base/clock.h"

#include "base/banned.h"

#define KINDS 16

static const struct {
    enum sc_sql put, find;
} statements[SC_NAME_KIND_COUNT_] = {
    [SC_NAME_FILE] = { SC_SQL_NAME_PUT_FILE, SC_SQL_NAME_FIND_FILE },
    [SC_NAME_FILE_NOTES] = { SC_SQL_NAME_PUT_FILE_NOTES, SC_SQL_NAME_FIND_FILE },
    [SC_NAME_JOB_NOTES] = { SC_SQL_NAME_PUT_JOB_NOTES, SC_SQL_NAME_FIND_JOB },
    [SC_NAME_TRANSCRIPT_NOTES] = { SC_SQL_NAME_PUT_TRANSCRIPT_NOTES, SC_SQL_NAME_FIND_TRANSCRIPT },
};

enum sc_code sc_name_forget(struct sc_conn *tx, enum sc_name_kind kind, int64_t id,
                            struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_NAME_FORGET);
    sc_stmt_bind_int(&st, ":row", id * KINDS + kind);
    enum sc_code code = sc_stmt_run(&st, err);
    return code == SC_OK && sc_conn_changes(tx) > 0 ? sc_erase_owe(tx, err) : code;
}

enum sc_code sc_name_index(struct sc_conn *tx, enum sc_name_kind kind, int64_t id,
                           struct sc_error *err)
{
    enum sc_code code = sc_name_forget(tx, kind, id, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, statements[kind].put);
    sc_stmt_bind_int(&st, ":id", id);
    return sc_stmt_run(&st, err);
}

/* ---- searching ---- */

struct looking {
    const struct sc_search *search;
    struct sc_conn *conn;
    struct sc_tokenizer_words *tokenizer;
    sc_name_fn fn;
    void *ctx;
};

/* The index's text has its owner's mark in front. */
static struct sc_str without_mark(struct sc_str text)
{
    const char *end = memchr(text.ptr, '\x02', text.len);
    size_t n = end == NULL ? 0 : (size_t)(end - text.ptr) + 1;
    return (struct sc_str){ text.ptr + n, text.len - n };
}

/* Conditions that only jobs and transcripts can fit. */
static bool asks_below(const struct sc_search_filter *f)
{
    return f->job != 0 || f->status >= 0 || f->complete >= 0 || f->language.ptr != NULL;
}

/* Of a file (job 0) or a job. */
static enum sc_code fits_below(const struct looking *l, int64_t file, int64_t job, bool *fits,
                               struct sc_error *err)
{
    const struct sc_search_filter *f = &l->search->filter;
    if (job != 0 && f->job != 0 && job != f->job) {
        *fits = false;
        return SC_OK;
    }
    SC_AUTO_STMT st = sc_stmt_get(l->conn, job != 0 ? SC_SQL_NAME_JOB_FITS : SC_SQL_NAME_FILE_FITS);
    if (job == 0)
        sc_stmt_bind_int(&st, ":file_id", file);
    sc_stmt_bind_int(&st, ":job", job != 0 ? job : f->job);
    sc_stmt_bind_int(&st, ":status", f->status);
    sc_stmt_bind_int(&st, ":complete", f->complete);
    if (f->language.ptr != NULL)
        sc_stmt_bind_str(&st, ":language", f->language);
    else
        sc_stmt_bind_null(&st, ":language");
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *fits = sc_stmt_int(&st, "yes") != 0;
    return code;
}

/* thing: a row of the kind's own statement. */
static enum sc_code check(const struct looking *l, enum sc_name_kind kind, struct sc_stmt *thing,
                          bool *fits, struct sc_error *err)
{
    const struct sc_search_filter *f = &l->search->filter;
    int64_t id = sc_stmt_int(thing, "id"), version;
    if (kind == SC_NAME_TRANSCRIPT_NOTES)
        return sc_search_fits(l->conn, l->search, id, fits, &version, err);
    const struct sc_search_tagged of = {
        .file = sc_stmt_int_or(thing, "file_id", 0),
        .job = kind == SC_NAME_JOB_NOTES ? id : 0,
    };
    enum sc_code code = SC_OK;
    *fits = sc_search_fits_times(f, sc_stmt_int(thing, "made_ms"),
                                 sc_stmt_int_or(thing, "duration_ms", -1)) &&
            (f->file_id == 0 || of.file == f->file_id);
    if (*fits && asks_below(f))
        code = fits_below(l, of.file, of.job, fits, err);
    if (code == SC_OK && *fits && f->tag.ptr != NULL)
        code = sc_search_has_tag(l->conn, &of, f->tag, fits, err);
    return code;
}

static enum sc_code show(const struct looking *l, struct sc_stmt *st, bool *shown,
                         struct sc_error *err)
{
    SC_AUTO(sc_shown_hit_done) struct sc_shown_hit hit = { .at_ms = 0 };
    int64_t row = sc_stmt_int(st, "id");
    struct sc_name_hit out = { .kind = (enum sc_name_kind)(row % KINDS), .id = row / KINDS };
    *shown = false;
    if (out.kind >= SC_NAME_KIND_COUNT_)
        return SC_OK;
    SC_AUTO_STMT thing = sc_stmt_get(l->conn, statements[out.kind].find);
    sc_stmt_bind_int(&thing, ":id", out.id);
    sc_stmt_bind_int(&thing, ":owner_id", l->search->owner_id);
    enum sc_code code = sc_stmt_one(&thing, err);
    bool fits = false;
    if (code == SC_OK)
        code = check(l, out.kind, &thing, &fits, err);
    if (code != SC_OK || !fits)
        return code == SC_E_NOT_FOUND ? SC_OK : code;
    const struct sc_search_row found = { row, sc_stmt_str(st, "places"), l->tokenizer };
    sc_search_show_text(l->search, &found, without_mark(sc_stmt_str(st, "text")), &hit);
    struct sc_search_hit told = sc_shown_hit_tell(&hit);
    out.file_id = sc_stmt_int_or(&thing, "file_id", 0);
    out.file_name = sc_stmt_text(&thing, "file_name");
    out.hit = &told;
    SC_STMT_COPY(&thing, "job_id", out.job_id);
    l->fn(l->ctx, &out);
    *shown = true;
    return SC_OK;
}

enum sc_code sc_name_search(struct sc_conn *conn, const struct sc_search *search, sc_name_fn fn,
                            void *ctx, struct sc_search_end *end, struct sc_error *err)
{
    SC_AUTO(sc_tokenizer_words_freep)
    struct sc_tokenizer_words *tokenizer = sc_tokenizer_words_new();
    const struct looking l = { search, conn, tokenizer, fn, ctx };
    struct sc_search_end out = { .exact = search->after.top == 0 };
    int64_t seen = 0;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEARCH_NAMES);
    sc_stmt_bind_text(&st, ":match", search->match);
    sc_stmt_bind_int(&st, ":top", search->after.top == 0 ? INT64_MAX : search->after.top);
    for (;;) {
        bool row = false, shown = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row)
            break;
        bool late = search->deadline_ms != 0 && sc_clock_mono_ms() >= search->deadline_ms;
        if (seen != 0 && (late || out.hits == search->limit)) {
            out.partial = late;
            out.exact = false;
            out.more = true;
            out.next.top = sc_stmt_int(&st, "id");
            break;
        }
        seen = sc_stmt_int(&st, "id");
        code = show(&l, &st, &shown, err);
        if (code != SC_OK)
            return code;
        out.hits += shown;
    }
    *end = out;
    return SC_OK;
}
