#include "library/search-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "store/fold.h"
#include "store/tokenizer.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

struct part {
    size_t at, len;
};

struct found {
    int64_t row;
    size_t group;
    struct part places; /* in walk.places, as scripta_places tells them */
    double score;
    int signs;
};

/* A transcript that was met, and whether it fits. */
struct group {
    int64_t id;
    bool fits;
    int64_t version; /* the rows of which count */
    double score;
    int64_t hits;
};

struct walk {
    const struct sc_search *search;
    struct sc_conn *conn;
    int64_t low, top;   /* where the window may lie */
    int64_t seen;       /* the row looked at last; 0: none */
    int64_t newest;     /* the first */
    bool full, late;    /* why it ended before the end of the list */
    struct found *hits; /* owned */
    size_t hit_count, hit_cap;
    struct group *groups; /* owned */
    size_t group_count, group_cap;
    struct sc_buf places;
    size_t phrases;
    size_t *slots; /* of groups by id, open addressing; owned */
    size_t slot_count;
};

static void walk_done(struct walk *w)
{
    free(w->hits);
    free(w->groups);
    free(w->slots);
    sc_buf_done(&w->places);
}

/* ---- which transcripts ---- */

static bool within(int64_t value, int64_t from, int64_t until)
{
    return (from == 0 || value >= from) && (until == 0 || value < until);
}

bool sc_search_fits_times(const struct sc_search_filter *f, int64_t made_ms, int64_t length_ms)
{
    return within(made_ms, f->since_ms, f->until_ms) &&
           (f->longer_ms == 0 || length_ms >= f->longer_ms) &&
           (f->shorter_ms == 0 || (length_ms >= 0 && length_ms <= f->shorter_ms));
}

enum sc_code sc_search_has_tag(struct sc_conn *conn, const struct sc_search_tagged *of,
                               struct sc_str tag, bool *has, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEARCH_HAS_TAG);
    sc_stmt_bind_int(&st, ":id", of->transcript);
    sc_stmt_bind_int(&st, ":file_id", of->file);
    sc_stmt_bind_int(&st, ":job", of->job);
    sc_stmt_bind_str(&st, ":tag", tag);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *has = sc_stmt_int(&st, "yes") != 0;
    return code;
}

enum sc_code sc_search_fits(struct sc_conn *conn, const struct sc_search *search,
                            int64_t transcript, bool *fits, int64_t *version, struct sc_error *err)
{
    const struct sc_search_filter *f = &search->filter;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SEARCH_TRANSCRIPT);
    sc_stmt_bind_int(&st, ":id", transcript);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return code;
    *version = SC_MAX(1, sc_stmt_int(&st, "current_version")); /* a partial one's are born in 1 */
    *fits =
        sc_stmt_int(&st, "owner_id") == search->owner_id &&
        sc_search_fits_times(f, sc_stmt_int(&st, "created_ms"),
                             sc_stmt_int_or(&st, "duration_ms", -1)) &&
        (f->file_id == 0 || sc_stmt_int(&st, "file_id") == f->file_id) &&
        (f->job == 0 || sc_stmt_int_or(&st, "job", 0) == f->job) &&
        (f->status < 0 || sc_stmt_int_or(&st, "job_state", -1) == f->status) &&
        (f->complete < 0 || (sc_stmt_int(&st, "state") != 0) == (f->complete != 0)) &&
        (f->language.ptr == NULL || sc_str_equal_nocase(sc_stmt_str(&st, "language"), f->language));
    if (!*fits || f->tag.ptr == NULL)
        return SC_OK;
    const struct sc_search_tagged of = { transcript, sc_stmt_int(&st, "file_id"),
                                         sc_stmt_int_or(&st, "job", 0) };
    return sc_search_has_tag(conn, &of, f->tag, fits, err);
}

/* The slot of a transcript's group, or the free one where it belongs. */
static size_t *slot_of(const struct walk *w, int64_t id)
{
    size_t at = (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 20) % w->slot_count;
    while (w->slots[at] != 0 && w->groups[w->slots[at] - 1].id != id)
        at = (at + 1) % w->slot_count;
    return &w->slots[at];
}

static void make_room(struct walk *w)
{
    if (w->group_count * 2 < w->slot_count)
        return;
    free(w->slots);
    w->slot_count = SC_MAX(w->slot_count * 4, 64);
    w->slots = sc_alloc_array(w->slot_count, sizeof(*w->slots));
    for (size_t i = 0; i < w->group_count; i++)
        *slot_of(w, w->groups[i].id) = i + 1;
}

static enum sc_code find_group(struct walk *w, int64_t id, size_t *out, struct sc_error *err)
{
    make_room(w);
    size_t *slot = slot_of(w, id);
    if (*slot == 0) {
        struct group g = { .id = id };
        enum sc_code code = sc_search_fits(w->conn, w->search, id, &g.fits, &g.version, err);
        if (code != SC_OK)
            return code;
        sc_grow((void **)&w->groups, &w->group_cap, w->group_count + 1, sizeof(*w->groups));
        w->groups[w->group_count++] = g;
        *slot = w->group_count;
    }
    *out = *slot - 1;
    return SC_OK;
}

/* ---- the walk ---- */

static enum sc_sql statement_of(const struct sc_search *s)
{
    if (!s->parts)
        return SC_SQL_SEARCH_WORDS;
    return s->match != NULL ? SC_SQL_SEARCH_PARTS : SC_SQL_SEARCH_SCAN;
}

static bool is_scan(const struct sc_search *s)
{
    return s->parts && s->match == NULL;
}

/* For one file or job only its rows need be looked at. A scan goes by transcripts, not by rows. */
static enum sc_code narrow(struct walk *w, struct sc_error *err)
{
    const struct sc_search_filter *f = &w->search->filter;
    if (is_scan(w->search) || (f->file_id == 0 && f->job == 0))
        return SC_OK;
    SC_AUTO_STMT st =
        sc_stmt_get(w->conn, f->job != 0 ? SC_SQL_SEARCH_BOUNDS_JOB : SC_SQL_SEARCH_BOUNDS_FILE);
    sc_stmt_bind_int(&st, ":id", f->job != 0 ? f->job : f->file_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK) {
        w->low = SC_MAX(w->low, sc_stmt_int_or(&st, "low", INT64_MAX));
        w->top = SC_MIN(w->top, sc_stmt_int_or(&st, "top", 0));
    }
    return code;
}

/* Rows that hold the parts may hold them apart from each other. */
static bool holds(struct sc_str text, struct sc_str folded)
{
    SC_AUTO_BUF buf = { 0 };
    sc_fold_text(&buf, text);
    return memmem(sc_buf_text(&buf), buf.len, folded.ptr, folded.len) != NULL;
}

/* The index has the rows of a version that is being written too, and until that is done those that
 * it leaves out. */
static bool is_current(struct sc_stmt *st, int64_t version)
{
    return sc_stmt_int(st, "born") <= version && sc_stmt_int_or(st, "dies", INT64_MAX) > version;
}

/* As the index sees them: neither letter case nor diacritics of Latin letters count. */
static bool is_alike(struct sc_str a, struct sc_str b)
{
    struct sc_folder x = { .rest = a }, y = { .rest = b };
    for (;;) {
        size_t start;
        uint32_t sign = sc_fold_next(&x, &start);
        if (sign != sc_fold_next(&y, &start))
            return false;
        if (sign == 0)
            return true;
    }
}

static bool row_fits(const struct walk *w, struct sc_stmt *st)
{
    const struct sc_search *s = w->search;
    if (s->filter.speaker.ptr != NULL && !is_alike(sc_stmt_str(st, "speaker"), s->filter.speaker))
        return false;
    return !s->parts || holds(sc_stmt_str(st, "text"), s->folded);
}

static void add_hit(struct walk *w, struct sc_stmt *st, size_t group)
{
    sc_grow((void **)&w->hits, &w->hit_cap, w->hit_count + 1, sizeof(*w->hits));
    struct found *hit = &w->hits[w->hit_count++];
    *hit = (struct found){ .row = sc_stmt_int(st, "id"), .group = group };
    w->groups[group].hits++;
    if (w->search->parts)
        return;
    struct sc_str places = sc_stmt_str(st, "places");
    hit->signs = (int)sc_stmt_int(st, "signs");
    hit->places = (struct part){ w->places.len, places.len };
    w->phrases = places.len > 0 ? (unsigned char)places.ptr[0] : 0;
    sc_buf_put_str(&w->places, places);
}

/* One row of the index. */
static enum sc_code look(struct walk *w, struct sc_stmt *st, struct sc_error *err)
{
    size_t group = 0;
    enum sc_code code = find_group(w, sc_stmt_int(st, "transcript_id"), &group, err);
    if (code != SC_OK)
        return code;
    sc_assert(w->groups != NULL);
    if (w->groups[group].fits && is_current(st, w->groups[group].version) && row_fits(w, st))
        add_hit(w, st, group);
    w->seen = sc_stmt_int(st, is_scan(w->search) ? "transcript_id" : "id");
    w->newest = w->newest == 0 ? w->seen : w->newest;
    return SC_OK;
}

/* A window whose end is known is walked to it. A scan ends with a whole transcript. */
static bool is_full(const struct walk *w, struct sc_stmt *st)
{
    if (w->search->after.low != 0 || w->hit_count < SC_SEARCH_WINDOW)
        return false;
    return !is_scan(w->search) || sc_stmt_int(st, "transcript_id") != w->seen;
}

static bool is_over(const struct sc_search *s)
{
    return SC_FAULT("search.walk") || (s->deadline_ms != 0 && sc_clock_mono_ms() >= s->deadline_ms);
}

static enum sc_code walk(struct walk *w, struct sc_error *err)
{
    const struct sc_search *s = w->search;
    SC_AUTO_STMT st = sc_stmt_get(w->conn, statement_of(s));
    sc_stmt_bind_int(&st, ":low", w->low);
    sc_stmt_bind_int(&st, ":top", w->top);
    if (is_scan(s))
        sc_stmt_bind_int(&st, ":owner_id", s->owner_id);
    else
        sc_stmt_bind_text(&st, ":match", s->match);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code == SC_OK && row) {
            w->full = is_full(w, &st);
            w->late = !w->full && w->seen != 0 && is_over(s);
            if (w->full || w->late)
                return SC_OK;
            code = look(w, &st, err);
        }
        if (code == SC_E_TIMEOUT) {
            w->late = true;
            return SC_OK;
        }
        if (code != SC_OK || !row)
            return code;
    }
}

/* ---- rank ---- */

/* How often the row has the phrase. */
static int count_of(const struct walk *w, const struct found *hit, size_t phrase)
{
    return (unsigned char)w->places.ptr[hit->places.at + 1 + phrase];
}

/* What the window knows of its words. A later page has it from the first: an edit between the two
 * takes rows away, and with figures of its own each page would have another order. */
static struct sc_search_scale scale_of(const struct walk *w)
{
    const struct sc_search_place *after = &w->search->after;
    struct sc_search_scale out = { .rows = (int64_t)w->hit_count, .phrases = w->phrases };
    if (after->transcript != 0 && after->scale.phrases == w->phrases)
        return after->scale;
    for (size_t i = 0; i < w->hit_count; i++) {
        out.signs += w->hits[i].signs;
        for (size_t p = 0; p < w->phrases; p++)
            out.with[p] += count_of(w, &w->hits[i], p) > 0;
    }
    return out;
}

/* BM25 with what the window itself knows: how rare a word is within it, and how long its rows are.
 * So an order does not change while others write. */
static void rate(struct walk *w, const struct sc_search_scale *scale)
{
    double rarity[SC_TOKENIZER_PHRASES] = { 0 }, n = (double)scale->rows;
    for (size_t p = 0; p < w->phrases; p++) {
        double with = (double)scale->with[p];
        rarity[p] = log(1 + (n - with + 0.5) / (with + 0.5));
    }
    for (size_t i = 0; i < w->hit_count; i++) {
        struct found *hit = &w->hits[i];
        double length = 0.25 + 0.75 * hit->signs * n / (double)SC_MAX(scale->signs, 1);
        for (size_t p = 0; p < w->phrases; p++) {
            double count = count_of(w, hit, p);
            hit->score += rarity[p] * count * 2.2 / (count + 1.2 * length);
        }
        struct group *g = &w->groups[hit->group];
        g->score = SC_MAX(g->score, hit->score);
    }
    for (size_t i = 0; i < w->group_count; i++) /* many hits count, but less than a good one */
        w->groups[i].score *= 1 + 0.1 * log(1 + (double)w->groups[i].hits);
}

/* ---- order ---- */

static bool by_rank(const struct sc_search *s)
{
    return s->sort == SC_SEARCH_RANK && !s->parts;
}

static int compare_newest(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return (x->id < y->id) - (x->id > y->id);
}

static int compare_rank(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    int by_score = (x->score < y->score) - (x->score > y->score);
    return by_score != 0 ? by_score : compare_newest(a, b);
}

/* Is it behind what the page before showed last? */
static bool is_behind(const struct sc_search *s, const struct group *g)
{
    if (s->after.transcript == 0)
        return true;
    struct group last = { .id = s->after.transcript, .score = s->after.score };
    return (by_rank(s) ? compare_rank : compare_newest)(g, &last) > 0;
}

static int compare_hits(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int by_group = (x->group > y->group) - (x->group < y->group);
    int by_score = (x->score < y->score) - (x->score > y->score);
    int by_row = (x->row > y->row) - (x->row < y->row);
    return by_group != 0 ? by_group : by_score != 0 ? by_score : by_row;
}

static int compare_shown(const void *a, const void *b)
{
    const struct sc_shown_hit *x = a, *y = b;
    int by_time =
        (x->segment.start_ms > y->segment.start_ms) - (x->segment.start_ms < y->segment.start_ms);
    return by_time != 0 ? by_time
                        : (x->segment.row > y->segment.row) - (x->segment.row < y->segment.row);
}

/* ---- a page ---- */

struct page {
    struct walk *w;
    sc_search_fn fn;
    void *ctx;
    double best;
    struct sc_tokenizer_words *tokenizer; /* NULL: of parts */
};

static void show_hits(struct sc_shown_hit *shown, struct sc_search_hit *out, size_t count)
{
    qsort(shown, count, sizeof(*shown), compare_shown);
    for (size_t i = 0; i < count; i++)
        out[i] = sc_shown_hit_tell(&shown[i]);
}

static enum sc_code tell(struct page *p, const struct group *g, const struct sc_search_hit *hits,
                         size_t count, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(p->w->conn, SC_SQL_SEARCH_TRANSCRIPT);
    sc_stmt_bind_int(&st, ":id", g->id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code == SC_E_NOT_FOUND ? SC_OK : code;
    struct sc_search_group out = {
        .transcript_id = g->id,
        .file_id = sc_stmt_int(&st, "file_id"),
        .duration_ms = sc_stmt_int_or(&st, "duration_ms", -1),
        .created_ms = sc_stmt_int(&st, "created_ms"),
        .file_name = sc_stmt_text(&st, "file_name"),
        .language = sc_stmt_text(&st, "language"),
        .job_state = (int)sc_stmt_int_or(&st, "job_state", -1),
        .complete = sc_stmt_int(&st, "state") != 0,
        .version = (int)sc_stmt_int(&st, "current_version"),
        .score = p->best > 0 ? g->score / p->best : 1,
        .hit_count = g->hits,
        .hits = hits,
        .shown = count,
    };
    SC_STMT_COPY(&st, "job_id", out.job_id);
    return p->fn(p->ctx, &out, err);
}

static enum sc_code show_hit(struct page *p, const struct found *hit, struct sc_shown_hit *out,
                             bool *found, struct sc_error *err)
{
    struct sc_search_row row = {
        .id = hit->row,
        .places = { sc_buf_text(&p->w->places) + hit->places.at, hit->places.len },
        .tokenizer = p->tokenizer,
    };
    return sc_search_show(p->w->conn, p->w->search, &row, out, found, err);
}

/* The hits of the group are those from `first` on, the best first. */
static enum sc_code show_group(struct page *p, const struct group *g, const struct found *first,
                               struct sc_error *err)
{
    struct sc_shown_hit shown[SC_SEARCH_HITS_MAX] = { 0 };
    struct sc_search_hit hits[SC_SEARCH_HITS_MAX];
    size_t wanted = (size_t)SC_MIN((int64_t)p->w->search->hits, g->hits), count = 0;
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < wanted; i++) {
        bool found = false;
        code = show_hit(p, &first[i], &shown[count], &found, err);
        if (code == SC_OK && found)
            count++;
        else
            sc_shown_hit_done(&shown[count]);
    }
    if (code == SC_OK) {
        show_hits(shown, hits, count);
        code = tell(p, g, hits, count, err);
    }
    for (size_t i = 0; i < count; i++)
        sc_shown_hit_done(&shown[i]);
    return code;
}

/* A group in its place of the order, and where its hits begin. */
struct ordered {
    struct group group;
    size_t first;
};

/* Groups with hits, in order; returns how many. */
static size_t put_in_order(struct walk *w, struct ordered *out)
{
    size_t count = 0;
    if (w->hit_count == 0)
        return 0;
    qsort(w->hits, w->hit_count, sizeof(*w->hits), compare_hits);
    for (size_t i = 0; i < w->hit_count; i++) {
        if (i == 0 || w->hits[i].group != w->hits[i - 1].group)
            out[count++] = (struct ordered){ w->groups[w->hits[i].group], i };
    }
    qsort(out, count, sizeof(*out), by_rank(w->search) ? compare_rank : compare_newest);
    return count;
}

static enum sc_code show_page(struct page *p, const struct ordered *order, size_t count,
                              struct sc_search_end *end, struct sc_error *err)
{
    const struct sc_search *s = p->w->search;
    size_t at = 0;
    int shown = 0;
    enum sc_code code = SC_OK;
    while (at < count && !is_behind(s, &order[at].group))
        at++;
    for (; code == SC_OK && at < count && shown < s->limit; at++, shown++) {
        code = show_group(p, &order[at].group, &p->w->hits[order[at].first], err);
        end->next.transcript = order[at].group.id;
        end->next.score = order[at].group.score;
    }
    end->more = at < count;
    return code;
}

/* Where the next page begins: in this window, or below it. */
static void conclude(const struct walk *w, struct sc_search_end *end)
{
    bool stopped = w->full || w->late;
    end->partial = w->late;
    end->exact = !stopped && (w->search->after.top == 0 || w->search->after.all);
    end->hits = (int64_t)w->hit_count;
    if (end->more) {
        end->next.top = w->search->after.top != 0 ? w->top : w->newest;
        end->next.low = stopped ? w->seen : SC_MAX(w->low, 1);
        end->next.all = end->exact;
        return;
    }
    int64_t low = stopped ? w->seen : w->search->after.low;
    end->next = (struct sc_search_place){ .top = low - 1 };
    end->more = low > 1;
}

enum sc_code sc_search_run(struct sc_conn *conn, const struct sc_search *search, sc_search_fn fn,
                           void *ctx, struct sc_search_end *end, struct sc_error *err)
{
    SC_AUTO(walk_done)
    struct walk w = {
        .search = search,
        .conn = conn,
        .low = SC_MAX(search->after.low, 1),
        .top = search->after.top == 0 ? INT64_MAX : search->after.top,
    };
    struct sc_search_end out = { .more = false };
    enum sc_code code = narrow(&w, err);
    sc_conn_set_deadline(conn, search->deadline_ms);
    if (code == SC_OK && w.low <= w.top)
        code = walk(&w, err);
    sc_conn_set_deadline(conn, 0); /* what was found is shown */
    if (code != SC_OK)
        return code;
    if (by_rank(search)) {
        out.next.scale = scale_of(&w);
        rate(&w, &out.next.scale);
    }
    SC_AUTO_FREE struct ordered *order = sc_alloc_array(w.group_count + 1, sizeof(*order));
    size_t count = put_in_order(&w, order);
    struct page p = { .w = &w, .fn = fn, .ctx = ctx };
    SC_AUTO(sc_tokenizer_words_freep)
    struct sc_tokenizer_words *tokenizer =
        search->parts || count == 0 ? NULL : sc_tokenizer_words_new();
    p.tokenizer = tokenizer;
    p.best = count > 0 && by_rank(search) ? order[0].group.score : 0;
    out.transcripts = (int64_t)count;
    code = show_page(&p, order, count, &out, err);
    conclude(&w, &out);
    if (code == SC_OK)
        *end = out;
    return code;
}
