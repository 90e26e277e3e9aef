/* Lists of jobs. One statement walks the index that fits best, the rest of the filter is tried on
 * each row here: so any mix of conditions, however rare what it asks for, costs bounded time and
 * can go on from the very row where it stopped. */

#include "queue/queue-internal.h"

#include "base/banned.h"

/* A list of newest jobs ends where jobs are older than asked for by this much: the wall clock may
 * have been set back by less while jobs were made. */
#define CLOCK_SLACK_MS INT64_C(86400000)

struct walk {
    const struct sc_job_filter *filter;
    sc_job_fn fn;
    void *ctx;
    struct sc_conn *conn;
    int shown;
    struct sc_job_place shown_last, looked_at;
};

struct sc_job_filter sc_job_filter_all(int64_t owner_id, int limit)
{
    return (struct sc_job_filter){
        .owner_id = owner_id,
        .status = { .state = -1, .stage = -1 },
        .stage = -1,
        .class = -1,
        .limit = limit,
    };
}

/* ---- which index ---- */

static bool rising(enum sc_job_sort sort)
{
    return sort == SC_JOB_OLDEST || sort == SC_JOB_ENDED_FIRST || sort == SC_JOB_SHORTEST;
}

static bool by_id(enum sc_job_sort sort)
{
    return sort == SC_JOB_NEWEST || sort == SC_JOB_OLDEST;
}

static enum sc_sql statement_of(const struct sc_job_filter *f)
{
    bool up = rising(f->sort);
    if (f->sort == SC_JOB_ENDED_LAST || f->sort == SC_JOB_ENDED_FIRST)
        return up ? SC_SQL_JOB_SCAN_COMPLETED_FIRST : SC_SQL_JOB_SCAN_COMPLETED_LAST;
    if (f->sort == SC_JOB_LONGEST || f->sort == SC_JOB_SHORTEST)
        return up ? SC_SQL_JOB_SCAN_DURATION_FIRST : SC_SQL_JOB_SCAN_DURATION_LAST;
    if (f->file_id != 0)
        return up ? SC_SQL_JOB_SCAN_FILE_OLDEST : SC_SQL_JOB_SCAN_FILE_NEWEST;
    if (f->campaign_id != 0)
        return up ? SC_SQL_JOB_SCAN_CAMPAIGN_OLDEST : SC_SQL_JOB_SCAN_CAMPAIGN_NEWEST;
    if (f->tag.ptr != NULL)
        return up ? SC_SQL_JOB_SCAN_TAG_OLDEST : SC_SQL_JOB_SCAN_TAG_NEWEST;
    if (f->status.state >= 0)
        return up ? SC_SQL_JOB_SCAN_STATE_OLDEST : SC_SQL_JOB_SCAN_STATE_NEWEST;
    return up ? SC_SQL_JOB_SCAN_OLDEST : SC_SQL_JOB_SCAN_NEWEST;
}

/* The first or last job whose time is beyond `ms`, by bisection: ids grow with the time. */
static enum sc_code id_at(struct sc_conn *conn, int64_t ms, int64_t *id, struct sc_error *err)
{
    int64_t low = 0,
            high = INT64_MAX; /* jobs up to low are older than ms, those from high are not */
    while (high - low > 1) {
        SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_PROBE);
        int64_t middle = low + (high - low) / 2;
        sc_stmt_bind_int(&st, ":low", low);
        sc_stmt_bind_int(&st, ":id", middle);
        enum sc_code code = sc_stmt_one(&st, err);
        if (code != SC_OK && code != SC_E_NOT_FOUND)
            return code;
        if (code == SC_E_NOT_FOUND || sc_stmt_int(&st, "created_ms") < ms)
            low = middle;
        else
            high = sc_stmt_int(&st, "id");
    }
    *id = high;
    return SC_OK;
}

/* Where a walk in the order of ids begins: what is younger than asked for, or older, is passed over
 * at once. */
static enum sc_code find_start(struct sc_conn *conn, const struct sc_job_filter *f, int64_t *start,
                               struct sc_error *err)
{
    *start = rising(f->sort) ? 0 : INT64_MAX;
    if (f->sort == SC_JOB_NEWEST && f->created_until > 0)
        return id_at(conn, f->created_until + CLOCK_SLACK_MS, start, err);
    if (f->sort == SC_JOB_OLDEST && f->created_since > 0) {
        enum sc_code code = id_at(conn, f->created_since - CLOCK_SLACK_MS, start, err);
        *start -= 1;
        return code;
    }
    return SC_OK;
}

static void bind(struct sc_stmt *st, const struct sc_job_filter *f, int64_t start)
{
    bool from_start = f->after.id == 0;
    sc_stmt_bind_int(st, ":id", from_start ? start : f->after.id);
    if (!by_id(f->sort)) {
        sc_stmt_bind_int(st, ":place",
                         !from_start       ? f->after.value
                         : rising(f->sort) ? INT64_MIN
                                           : INT64_MAX);
        sc_stmt_bind_int(st, ":owner_id", f->owner_id);
    } else if (f->file_id != 0) {
        sc_stmt_bind_int(st, ":file_id", f->file_id);
    } else if (f->campaign_id != 0) {
        sc_stmt_bind_int(st, ":campaign_id", f->campaign_id);
    } else if (f->tag.ptr != NULL) {
        sc_stmt_bind_str(st, ":tag", f->tag);
    } else {
        sc_stmt_bind_int(st, ":owner_id", f->owner_id);
        if (f->status.state >= 0)
            sc_stmt_bind_int(st, ":state", f->status.state);
    }
}

/* ---- the conditions ---- */

static bool same(struct sc_stmt *st, const char *column, struct sc_str wanted)
{
    return wanted.ptr == NULL || sc_str_equal(sc_stmt_str(st, column), wanted);
}

static bool either(struct sc_stmt *st, const char *one, const char *other, struct sc_str wanted)
{
    return wanted.ptr == NULL || sc_str_equal(sc_stmt_str(st, one), wanted) ||
           sc_str_equal(sc_stmt_str(st, other), wanted);
}

static bool holds(struct sc_str text, struct sc_str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (sc_str_equal_nocase((struct sc_str){ text.ptr + i, part.len }, part))
            return true;
    }
    return false;
}

static bool within(int64_t value, int64_t since, int64_t until)
{
    return (since == 0 || value >= since) && (until == 0 || value < until);
}

/* How far a job is with a stage, told by its chunks: they are made, and worked on, while split
 * still runs, so the stage of the row does not tell. */
struct advance {
    bool pending, split_done, none, all; /* chunks that have their results */
    bool joins;
};

static bool split_is(enum sc_stage_part part, const struct advance *a)
{
    switch (part) {
    case SC_PART_PENDING:
        return a->pending && !a->split_done;
    case SC_PART_PROCESSING:
        return !a->pending && !a->split_done;
    case SC_PART_COMPLETED:
        return a->split_done && a->none;
    case SC_PART_ANY:
        break;
    }
    return true;
}

static bool convert_is(enum sc_stage_part part, const struct advance *a)
{
    switch (part) {
    case SC_PART_PENDING:
        return a->split_done && a->none;
    case SC_PART_PROCESSING:
        return a->split_done && !a->none && !a->all;
    case SC_PART_COMPLETED:
        return a->all && !a->joins;
    case SC_PART_ANY:
        break;
    }
    return true;
}

static bool join_is(enum sc_stage_part part, const struct advance *a)
{
    return part == SC_PART_PENDING ? a->all && !a->joins : a->joins;
}

/* Of a job that is pending or processing. */
static bool part_fits(struct sc_stmt *st, const struct sc_status_filter *status)
{
    int64_t total = sc_stmt_int(st, "chunks_total");
    int64_t completed = sc_stmt_int(st, "chunks_completed");
    struct advance a = {
        .pending = sc_stmt_int(st, "state") == SC_JOB_PENDING,
        .split_done = sc_stmt_int(st, "split_done") != 0,
        .none = completed == 0,
        .joins = sc_stmt_int_or(st, "stage", -1) == SC_STAGE_JOIN,
    };
    a.all = a.split_done && total > 0 && completed == total;
    if (status->stage == SC_STAGE_SPLIT)
        return sc_stmt_int_or(st, "file_id", 0) != 0 && split_is(status->part, &a);
    if (!sc_str_equal(sc_stmt_str(st, "pipeline"), SC_STR("convert")))
        return false;
    return status->stage == SC_STAGE_CONVERT ? convert_is(status->part, &a)
                                             : join_is(status->part, &a);
}

static bool names_fit(struct sc_stmt *st, const struct sc_job_filter *f)
{
    return either(st, "name", "file_name", f->name) &&
           (f->search.ptr == NULL || holds(sc_stmt_str(st, "name"), f->search) ||
            holds(sc_stmt_str(st, "file_name"), f->search));
}

static bool fits(struct sc_stmt *st, const struct sc_job_filter *f)
{
    return sc_stmt_int(st, "owner_id") == f->owner_id &&
           (f->file_id == 0 || sc_stmt_int_or(st, "file_id", 0) == f->file_id) &&
           (f->campaign_id == 0 || sc_stmt_int_or(st, "campaign_id", 0) == f->campaign_id) &&
           (f->status.state < 0 || sc_stmt_int(st, "state") == f->status.state) &&
           (f->stage < 0 || sc_stmt_int_or(st, "stage", -1) == f->stage) &&
           (f->class < 0 || sc_stmt_int(st, "class") == f->class) &&
           within(sc_stmt_int(st, "created_ms"), f->created_since, f->created_until) &&
           within(sc_stmt_int(st, "updated_ms"), f->updated_since, f->updated_until) &&
           same(st, "pipeline", f->pipeline) && same(st, "engine", f->engine) &&
           same(st, "model", f->model) && same(st, "error_code", f->error_code) &&
           either(st, "language", "detected_language", f->language) && names_fit(st, f) &&
           (f->status.part == SC_PART_ANY || part_fits(st, &f->status));
}

/* Older, or younger, than all that is asked for: nothing more will come. */
static bool is_past(struct sc_stmt *st, const struct sc_job_filter *f)
{
    if (f->sort == SC_JOB_OLDEST && f->created_until > 0)
        return sc_stmt_int(st, "created_ms") > f->created_until + CLOCK_SLACK_MS;
    return f->sort == SC_JOB_NEWEST && f->created_since > 0 &&
           sc_stmt_int(st, "created_ms") < f->created_since - CLOCK_SLACK_MS;
}

static enum sc_code check_tag(struct walk *w, int64_t job, bool *fits, struct sc_error *err)
{
    if (w->filter->tag.ptr == NULL)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(w->conn, SC_SQL_JOB_HAS_TAG);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_str(&st, ":tag", w->filter->tag);
    enum sc_code code = sc_stmt_one(&st, err);
    *fits = code == SC_OK;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

/* ---- the walk ---- */

static enum sc_code show(struct walk *w, int64_t id, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_job_get(w->conn, id, &job, err);
    if (code == SC_OK)
        code = w->fn(w->ctx, &job, err);
    w->shown++;
    w->shown_last = w->looked_at;
    return code;
}

/* One row; *full: it fits, and the page has no room for it. */
static enum sc_code look(struct walk *w, struct sc_stmt *st, bool *full, struct sc_error *err)
{
    int64_t id = sc_stmt_int(st, "id");
    w->looked_at = (struct sc_job_place){ sc_stmt_int(st, "place"), id };
    bool fit = fits(st, w->filter);
    if (!fit)
        return SC_OK;
    enum sc_code code = check_tag(w, id, &fit, err);
    if (code != SC_OK || !fit)
        return code;
    *full = w->shown == w->filter->limit;
    return *full ? SC_OK : show(w, id, err);
}

enum sc_code sc_job_list(struct sc_conn *conn, const struct sc_job_filter *filter, sc_job_fn fn,
                         void *ctx, struct sc_job_page_end *end, struct sc_error *err)
{
    struct walk w = { .filter = filter, .fn = fn, .ctx = ctx, .conn = conn };
    struct sc_job_page_end out = { .more = false };
    int64_t start = 0;
    enum sc_code found = filter->after.id == 0 ? find_start(conn, filter, &start, err) : SC_OK;
    if (found != SC_OK)
        return found;
    SC_AUTO_STMT st = sc_stmt_get(conn, statement_of(filter));
    bind(&st, filter, start);
    w.looked_at = filter->after;
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row || is_past(&st, filter))
            break;
        if (filter->spent != NULL && w.looked_at.id != filter->after.id &&
            filter->spent(filter->spent_ctx)) {
            out = (struct sc_job_page_end){ true, w.shown < filter->limit, w.looked_at };
            break;
        }
        bool full = false;
        code = look(&w, &st, &full, err);
        if (code != SC_OK)
            return code;
        if (full) {
            out = (struct sc_job_page_end){ true, false, w.shown_last };
            break;
        }
    }
    *end = out;
    return SC_OK;
}
