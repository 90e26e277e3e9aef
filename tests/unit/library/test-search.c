#include "library/search.h"

#include "base/fault.h"
#include "library/edit.h"
#include "library/query.h"
#include "library/text-index.h"

#include "library-fixture.h"

#include "base/banned.h"

/* ---- asking ---- */

#define MOST 64

struct answer {
    struct {
        int64_t id, hits;
        double score;
        int64_t at_ms, start_ms;
        char snippet[400]; /* of the first hit, [marked], … where it was cut */
    } rows[MOST];
    int count;
    struct sc_search_end end;
    struct sc_error err;
};

static void describe(const struct sc_search_hit *hit, char *out, size_t size)
{
    SC_AUTO_BUF text = { 0 };
    size_t sign = 0, mark = 0;
    sc_buf_puts(&text, hit->cut_before ? "…" : "");
    for (size_t i = 0; i <= hit->snippet.len; i++) {
        bool starts = i == hit->snippet.len || ((unsigned char)hit->snippet.ptr[i] & 0xC0) != 0x80;
        const struct sc_search_mark *m = &hit->marks[mark];
        if (starts && mark < hit->mark_count && sign == m->start + m->length) {
            sc_buf_putc(&text, ']');
            mark++;
            m++;
        }
        if (starts && mark < hit->mark_count && sign == m->start)
            sc_buf_putc(&text, '[');
        sign += starts;
        if (i < hit->snippet.len)
            sc_buf_putc(&text, hit->snippet.ptr[i]);
    }
    sc_buf_puts(&text, hit->cut_after ? "…" : "");
    (void)snprintf(out, size, "%s", sc_buf_text(&text));
}

static enum sc_code take(void *ctx, const struct sc_search_group *g, struct sc_error *err)
{
    struct answer *a = ctx;
    (void)err;
    assert_true(a->count < MOST);
    a->rows[a->count].id = g->transcript_id;
    a->rows[a->count].hits = g->hit_count;
    a->rows[a->count].score = g->score;
    if (g->shown > 0) {
        a->rows[a->count].at_ms = g->hits[0].at_ms;
        a->rows[a->count].start_ms = g->hits[0].start_ms;
        describe(&g->hits[0], a->rows[a->count].snippet, sizeof(a->rows[a->count].snippet));
    }
    a->count++;
    return SC_OK;
}

/* Owner 1's, newest first, all of them; what differs is changed by the caller. */
static struct sc_search plain_search(void)
{
    return (struct sc_search){
        .owner_id = 1,
        .filter = { .status = -1, .complete = -1 },
        .sort = SC_SEARCH_NEWEST,
        .limit = MOST,
        .hits = 3,
        .context = 10,
    };
}

static void ask_with(struct rig *r, struct sc_search s, const char *typed, struct answer *out)
{
    SC_AUTO_MATCH m = { .text = { 0 } };
    SC_AUTO_BUF folded = { 0 }, part = { 0 };
    AUTO_READER(conn, *r);
    *out = (struct answer){ .count = 0 };
    if (s.parts) {
        assert_int_equal(
            sc_match_compile_part(sc_str_from(typed), s.owner_id, &folded, &part, &out->err),
            SC_OK);
        s.match = part.len > 0 ? sc_buf_text(&part) : NULL;
        s.folded = sc_buf_str(&folded);
    } else {
        assert_int_equal(sc_match_compile(sc_str_from(typed), s.owner_id, &m, &out->err), SC_OK);
        s.match = sc_buf_text(&m.text);
    }
    if (sc_search_run(conn, &s, take, out, &out->end, &out->err) != SC_OK)
        fail_msg("'%s': %s", typed, out->err.msg);
}

static struct answer ask(struct rig *r, const char *typed)
{
    struct answer a;
    ask_with(r, plain_search(), typed, &a);
    return a;
}

static int64_t count_hits(struct rig *r, const char *typed)
{
    struct answer a = ask(r, typed);
    return a.end.hits;
}

static int64_t count_parts(struct rig *r, const char *typed)
{
    struct answer a;
    struct sc_search s = plain_search();
    s.parts = true;
    ask_with(r, s, typed, &a);
    return a.end.hits;
}

/* Every page of `limit`, with whatever `between` does after the first. */
static void ask_pages(struct rig *r, struct sc_search s, const char *typed, struct answer *all,
                      void (*between)(struct rig *r))
{
    *all = (struct answer){ .count = 0 };
    for (int pages = 0;; pages++) {
        struct answer page;
        SC_AUTO_BUF cursor = { 0 };
        assert_true(pages < 200);
        ask_with(r, s, typed, &page);
        assert_true(page.count <= s.limit);
        for (int i = 0; i < page.count; i++)
            all->rows[all->count++] = page.rows[i];
        all->end.hits += pages == 0 ? page.end.hits : 0;
        all->end.exact = page.end.exact && (pages == 0 || all->end.exact);
        if (!page.end.more)
            return;
        sc_search_place_put(&cursor, s.sort, &page.end.next);
        if (!sc_search_place_parse(s.sort, sc_buf_str(&cursor), &s.after))
            fail_msg("its own cursor is refused: %s", sc_buf_text(&cursor));
        if (pages == 0 && between != NULL)
            between(r);
    }
}

/* ---- what a search finds ---- */

static void words_are_found_with_their_time_and_marks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "the annual budget of the town", "nothing here");
    PUT(r, id, 1, 60000, "another Budgét is voted");
    struct answer a = ask(&r, "budget");
    assert_int_equal(a.count, 1);
    assert_int_equal(a.rows[0].id, id);
    assert_int_equal(a.rows[0].hits, 2);
    assert_int_equal(a.end.hits, 2);
    assert_true(a.end.exact && !a.end.more && !a.end.partial);
    assert_string_equal(a.rows[0].snippet, "the annual [budget] of the town");
    assert_int_equal(a.rows[0].at_ms, 200);
    a = ask(&r, "voted");
    assert_string_equal(a.rows[0].snippet, "another Budgét is [voted]");
    assert_int_equal(a.rows[0].at_ms, 60300);
    a = ask(&r, "\"annual budget\"");
    assert_string_equal(a.rows[0].snippet, "the [annual budget] of the town");
    assert_int_equal(count_hits(&r, "budget -annual"), 1);
    assert_int_equal(count_hits(&r, "annual OR voted"), 2);
    assert_int_equal(count_hits(&r, "bud*"), 2);
    assert_int_equal(count_hits(&r, "town nothing"), 0);
}

static void long_segments_are_cut_around_the_hit(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one two three four five six seven eight nine ten");
    struct answer a;
    struct sc_search s = plain_search();
    s.context = 2;
    ask_with(&r, s, "five", &a);
    assert_string_equal(a.rows[0].snippet, "…three four [five] six seven…");
    ask_with(&r, s, "one", &a);
    assert_string_equal(a.rows[0].snippet, "[one] two three…");
    ask_with(&r, s, "ten OR eight", &a);
    assert_string_equal(a.rows[0].snippet, "…six seven [eight] nine [ten]");
    s.context = 0;
    ask_with(&r, s, "five", &a);
    assert_string_equal(a.rows[0].snippet, "…[five]…");
}

static void scripts_without_spaces_are_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "今日の会議は長い", "会社の議事録", "안녕하세요 여러분", "สวัสดีครับ");
    struct answer a = ask(&r, "会議");
    assert_int_equal(a.end.hits, 1);
    assert_string_equal(a.rows[0].snippet, "今日の[会議]は長い");
    assert_int_equal(count_hits(&r, "議事"), 1);
    assert_int_equal(count_hits(&r, "안녕"), 1);
    assert_int_equal(count_hits(&r, "ครับ"), 1);
}

static void parts_of_words_are_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "Der Müllwagen kommt", "wagen, mull und abc bcd", "今日の会議");
    assert_int_equal(count_parts(&r, "LLWAG"), 1);
    assert_int_equal(count_parts(&r, "wagen"), 2);
    assert_int_equal(count_parts(&r, "mull"), 2);
    assert_int_equal(count_parts(&r, "n kom"), 1);
    assert_int_equal(count_parts(&r, "bc b"), 1);
    assert_int_equal(count_parts(&r, "abcd"), 0); /* abc and bcd are there, apart */
    assert_int_equal(count_parts(&r, "ll"), 2);   /* too short for the index */
    assert_int_equal(count_parts(&r, "会"), 1);
    struct answer a;
    struct sc_search s = plain_search();
    s.parts = true;
    ask_with(&r, s, "ULLW", &a);
    assert_string_equal(a.rows[0].snippet, "Der M[üllw]agen kommt");
    assert_int_equal(a.rows[0].at_ms, 100);
    s.owner_id = 2;
    ask_with(&r, s, "wagen", &a);
    assert_int_equal(a.count, 0);
    ask_with(&r, s, "ll", &a);
    assert_int_equal(a.count, 0);
}

static void nobody_finds_what_is_another_owners(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t mine = begin(&r, 1), other = begin(&r, 4);
    PUT(r, mine, 0, 0, "shared words");
    PUT(r, other, 0, 0, "shared secret");
    struct answer a = ask(&r, "shared");
    assert_int_equal(a.count, 1);
    assert_int_equal(a.rows[0].id, mine);
    assert_int_equal(count_hits(&r, "secret"), 0);
    assert_int_equal(count_hits(&r, "shared -secret"), 1);
    /* Nor does a mark that is typed into the search change whose words they are. */
    assert_int_equal(count_hits(&r, "\x01"
                                    "2\x02secret"),
                     0);
    assert_int_equal(count_hits(&r, "\"\x01"
                                    "2\x02secret\""),
                     0);
    struct sc_search s = plain_search();
    s.owner_id = 2;
    ask_with(&r, s, "shared", &a);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.rows[0].id, other);
}

static void what_is_deleted_is_not_found_and_leaves_the_index(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "gone tomorrow", "gone too");
    assert_int_equal(write_sql(r.f.store,
                               "UPDATE transcripts SET owner_id = -1,"
                               " indexed_owner_id = coalesce(indexed_owner_id, owner_id)"),
                     SC_OK);
    assert_int_equal(count_hits(&r, "gone"), 0);
    assert_int_equal(count_parts(&r, "omorr"), 0);
    assert_int_equal(hits(&r, "gone"), 2); /* until its rows go */
    assert_index_whole(&r);
}

struct saving {
    struct sc_save save;
    const struct sc_segments *wanted;
};

static enum sc_code op_save(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct saving *s = ctx;
    struct sc_saved saved;
    return sc_transcript_save(tx, &s->save, s->wanted, sc_clock_wall_ms(), &saved, err);
}

static void an_edit_changes_what_is_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "the old word", "and another");
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    SC_AUTO_SEGMENTS all = { 0 };
    assert_int_equal(read_version(&r, id, 1, &all, NULL), SC_OK);
    sc_segment_done(&all.items[0]);
    all.items[0] = (struct sc_segment){ .id = 1,
                                        .chunk = -1,
                                        .start_ms = 0,
                                        .end_ms = 300,
                                        .text = strdup("the new word"),
                                        .confidence = -1 };
    struct saving saving = { { .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED },
                             &all };
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_save, &saving, NULL), SC_OK);
    assert_int_equal(count_hits(&r, "old"), 0);
    assert_int_equal(count_hits(&r, "new"), 1);
    assert_int_equal(count_hits(&r, "word"), 1);
    assert_int_equal(count_parts(&r, "he ol"), 0);
    assert_int_equal(count_parts(&r, "he ne"), 1);
    assert_index_whole(&r);
}

/* ---- pages ---- */

static void fill(struct rig *r, int transcripts, int segments)
{
    for (int t = 0; t < transcripts; t++) {
        int64_t id = begin(r, 1);
        assert_int_equal(write_sql(r->f.store, "UPDATE transcripts SET job = NULL"), SC_OK);
        for (int chunk = 0; chunk * 100 < segments; chunk++) {
            SC_AUTO_SEGMENTS list = { 0 };
            for (int i = 0; i < SC_MIN(100, segments - chunk * 100); i++)
                (void)add_segment(&list, chunk * 100000 + i * 1000, 100, "common words");
            assert_int_equal(put_chunk(r, id, chunk, &list), SC_OK);
        }
    }
}

static void add_more(struct rig *r)
{
    fill(r, 2, 3);
    struct answer a = ask(r, "common");
    assert_true(a.count > 2);
}

static void pages_stay_true_while_text_streams_in(void **state)
{
    (void)state;
    static const enum sc_search_sort sorts[] = { SC_SEARCH_NEWEST, SC_SEARCH_RANK };
    for (size_t i = 0; i < SC_ARRAY_LEN(sorts); i++) {
        AUTO_RIG(r);
        struct answer all;
        struct sc_search s = plain_search();
        s.sort = sorts[i];
        s.limit = 2;
        fill(&r, 7, 4);
        ask_pages(&r, s, "common", &all, add_more);
        assert_int_equal(all.count, 7);
        bool seen[16] = { false };
        for (int n = 0; n < all.count; n++) {
            assert_false(seen[all.rows[n].id]);
            seen[all.rows[n].id] = true;
            assert_int_equal(all.rows[n].hits, 4);
            if (sorts[i] == SC_SEARCH_NEWEST)
                assert_int_equal(all.rows[n].id, 7 - n);
        }
    }
}

/* As an edit leaves the rows that it replaces. */
static void edit_the_first(struct rig *r)
{
    assert_int_equal(write_sql(r->f.store, "UPDATE segments SET dies = 1 WHERE transcript_id = 1"),
                     SC_OK);
}

static void an_edit_between_pages_takes_nothing_else_away(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct answer all;
    struct sc_search s = plain_search();
    bool seen[8] = { false };
    s.sort = SC_SEARCH_RANK;
    s.limit = 2;
    for (int i = 1; i <= 7; i++) {
        SC_AUTO_BUF text = { 0 };
        for (int k = 0; k < i; k++)
            sc_buf_puts(&text, "common ");
        sc_buf_puts(&text, "and more");
        int64_t id = begin(&r, 1);
        assert_int_equal(write_sql(r.f.store, "UPDATE transcripts SET job = NULL"), SC_OK);
        PUT(r, id, 0, 0, sc_buf_text(&text));
    }
    ask_pages(&r, s, "common more", &all, edit_the_first);
    for (int n = 0; n < all.count; n++) {
        assert_false(seen[all.rows[n].id]);
        seen[all.rows[n].id] = true;
    }
    for (int i = 2; i <= 7; i++)
        assert_true(seen[i]);
}

static int64_t sum_of(const struct answer *all)
{
    int64_t sum = 0;
    for (int i = 0; i < all->count; i++)
        sum += all->rows[i].hits;
    return sum;
}

static void the_commonest_word_comes_in_windows(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r, 3, 900);
    struct answer a = ask(&r, "common");
    assert_int_equal(a.end.hits, SC_SEARCH_WINDOW);
    assert_false(a.end.exact);
    assert_true(a.end.more);
    struct sc_search s = plain_search();
    s.limit = 1;
    s.sort = SC_SEARCH_RANK;
    ask_pages(&r, s, "common", &a, NULL);
    assert_int_equal(sum_of(&a), 2700); /* none lost, none twice */
    assert_false(a.end.exact);
}

static void each_page_of_one_window_says_that_it_is_all(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r, 3, 5);
    for (int sort = 0; sort < SC_SEARCH_SORT_COUNT_; sort++) {
        struct answer all;
        struct sc_search s = plain_search();
        s.limit = 1;
        s.sort = (enum sc_search_sort)sort;
        ask_pages(&r, s, "common", &all, NULL);
        assert_int_equal(all.count, 3);
        assert_true(all.end.exact);
    }
}

#ifdef SC_WITH_FAULTS
static void a_search_that_takes_long_ends_and_goes_on(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r, 3, 5);
    sc_fault_arm("search.walk", 1);
    struct answer a = ask(&r, "common");
    assert_true(a.end.partial && a.end.more && !a.end.exact);
    assert_int_equal(a.end.hits, 1);
    assert_true(sc_fault_disarm("search.walk"));
    struct sc_search s = plain_search();
    sc_fault_arm("search.walk", 3);
    ask_pages(&r, s, "common", &a, NULL);
    assert_int_equal(sum_of(&a), 15);
    assert_true(sc_fault_disarm("search.walk"));
}
#endif

/* A step that is under way is interrupted too. */
static void a_deadline_that_has_passed_ends_it_at_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r, 1, 300);
    struct answer a;
    struct sc_search s = plain_search();
    s.deadline_ms = 1; /* the clock stands later */
    ask_with(&r, s, "common", &a);
    assert_true(a.end.partial);
    assert_true(a.end.hits < 300);
}

static void cursors_are_those_that_were_given(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "r",
                                       "r1-1-1",
                                       "n1-1-1-0",
                                       "r1-1-1-0-",
                                       "r01-1-1-0",
                                       "r0-0-0-0",
                                       "r1-2-1-0",
                                       "r1-1-1-7ff0000000000000",
                                       "rffffffffffffffff-1-1-0",
                                       "r1-1-1-G",
                                       "r1-1-1-0-1",
                                       "r1-1-1-0-1-5",
                                       "r1-1-1-0-1-5-2",
                                       "r1-1-0-0-1-5-1",
                                       "r1-1-1-0-ffffffff-5-1" };
    struct sc_search_place place;
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        assert_false(sc_search_place_parse(SC_SEARCH_RANK, sc_str_from(bad[i]), &place));
    assert_true(sc_search_place_parse(SC_SEARCH_RANK, SC_STR("r9-2-7-3ff0000000000000"), &place));
    assert_int_equal(place.top, 9);
    assert_int_equal(place.low, 2);
    assert_int_equal(place.transcript, 7);
    assert_true(place.score == 1.0);
    assert_true(sc_search_place_parse(SC_SEARCH_RANK, SC_STR("r9-2-7-0-a-1b-0-a"), &place));
    assert_int_equal(place.scale.rows, 10);
    assert_int_equal(place.scale.signs, 27);
    assert_int_equal(place.scale.phrases, 2);
    assert_int_equal(place.scale.with[1], 10);
    assert_false(place.all);
    assert_true(sc_search_place_parse(SC_SEARCH_RANK, SC_STR("R9-2-7-0"), &place) && place.all);
    assert_false(sc_search_place_parse(SC_SEARCH_RANK, SC_STR("N9-2-7-0"), &place));
}

/* ---- rank and conditions ---- */

static void the_best_comes_first(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t once = begin(&r, 1), often = begin(&r, 2);
    PUT(r, often, 0, 0, "zebra zebra zebra", "zebra again");
    PUT(r, once, 0, 0, "a long sentence in which one zebra is told of and nothing else happens");
    PUT(r, once, 1, 9000, "common", "common", "common");
    struct answer a;
    struct sc_search s = plain_search();
    s.sort = SC_SEARCH_RANK;
    ask_with(&r, s, "zebra", &a);
    assert_int_equal(a.rows[0].id, often);
    assert_true(a.rows[0].score == 1.0 && a.rows[1].score < 1.0 && a.rows[1].score > 0);
    ask_with(&r, s, "zebra OR common", &a);
    assert_int_equal(a.count, 2);
}

static int64_t with(struct rig *r, struct sc_search_filter filter)
{
    struct answer a;
    struct sc_search s = plain_search();
    s.filter = filter;
    ask_with(r, s, "word", &a);
    return a.end.hits;
}

static void conditions_narrow_a_search(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t one = begin(&r, 1), two = begin(&r, 2);
    PUT(r, one, 0, 0, "a word", "no match");
    PUT(r, two, 0, 0, "a word", "one word more");
    assert_int_equal(finish(&r, one, "en"), SC_OK);
    assert_int_equal(write_sql(r.f.store, "UPDATE segments SET speaker = 'Zoë' WHERE id = 3;"
                                          "UPDATE transcripts SET created_ms = 5000 WHERE id = 1;"
                                          "UPDATE transcripts SET created_ms = 9000 WHERE id = 2;"
                                          "UPDATE jobs SET state = 2 WHERE id = 1;"
                                          "INSERT INTO job_tags (job, tag) VALUES (2, 'j');"
                                          "INSERT INTO file_tags (file_id, tag) VALUES (1, 'f');"
                                          "INSERT INTO transcript_tags VALUES (1, 't')"),
                     SC_OK);
    static const struct {
        struct sc_search_filter filter;
        int wanted;
    } rows[] = {
        { { .status = -1, .complete = -1 }, 3 },
        { { .status = 2, .complete = -1 }, 1 },
        { { .status = -1, .complete = 0 }, 2 },
        { { .status = -1, .complete = 1 }, 1 },
        { { .status = -1, .complete = -1, .language = { "EN", 2 } }, 1 },
        { { .status = -1, .complete = -1, .language = { "de", 2 } }, 2 },
        { { .status = -1, .complete = -1, .speaker = { "zoe", 3 } }, 1 },
        { { .status = -1, .complete = -1, .speaker = { "ZOË", 4 } }, 1 },
        { { .status = -1, .complete = -1, .speaker = { "zo", 2 } }, 0 },
        { { .status = -1, .complete = -1, .speaker = { "zoey", 4 } }, 0 },
        { { .status = -1, .complete = -1, .since_ms = 6000 }, 2 },
        { { .status = -1, .complete = -1, .until_ms = 6000 }, 1 },
        { { .status = -1, .complete = -1, .longer_ms = 4500 }, 1 },
        { { .status = -1, .complete = -1, .shorter_ms = 4500 }, 2 },
        { { .status = -1, .complete = -1, .file_id = 1 }, 3 },
        { { .status = -1, .complete = -1, .file_id = 2 }, 0 },
        { { .status = -1, .complete = -1, .job = 2 }, 2 },
        { { .status = -1, .complete = -1, .tag = { "j", 1 } }, 2 },
        { { .status = -1, .complete = -1, .tag = { "f", 1 } }, 3 },
        { { .status = -1, .complete = -1, .tag = { "t", 1 } }, 1 },
        { { .status = -1, .complete = -1, .tag = { "x", 1 } }, 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t n = with(&r, rows[i].filter);
        if (n != rows[i].wanted)
            fail_msg("row %zu: %d", i, (int)n);
    }
}

/* ---- against a reference that looks at everything ---- */

/* Spellings of the same word stand in one row. */
static const char *const vocabulary[][3] = {
    { "uber", "Über", "ÜBER" },    { "creme", "Crème", "creme" }, { "мир", "МИР", "Мир" },
    { "会議", "会議", "会議" },    { "議会", "議会", "議会" },    { "안녕", "안녕", "안녕" },
    { "alpha", "ALPHA", "Alpha" }, { "alp", "Alp", "ALP" },       { "i", "I", "i" },
};
#define WORDS ((int)SC_ARRAY_LEN(vocabulary))
#define SEGMENTS 40
#define LENGTH 5

struct corpus {
    int words[SEGMENTS][LENGTH];
    int transcript[SEGMENTS];
};

static bool has(const struct corpus *c, int segment, int word)
{
    for (int i = 0; i < LENGTH; i++)
        if (c->words[segment][i] == word)
            return true;
    return false;
}

static bool has_pair(const struct corpus *c, int segment, int a, int b)
{
    for (int i = 0; i + 1 < LENGTH; i++)
        if (c->words[segment][i] == a && c->words[segment][i + 1] == b)
            return true;
    return false;
}

enum form { ONE, BOTH, EITHER, WITHOUT, PAIR, PREFIX, FORMS };

static bool matches(const struct corpus *c, int segment, enum form form, int a, int b)
{
    bool x = has(c, segment, a), y = has(c, segment, b);
    switch (form) {
    case ONE:
        return x;
    case BOTH:
        return x && y;
    case EITHER:
        return x || y;
    case WITHOUT:
        return x && !y;
    case PAIR:
        return has_pair(c, segment, a, b);
    case PREFIX: /* alp* finds alpha too */
        return has(c, segment, 6) || has(c, segment, 7);
    case FORMS:
        break;
    }
    return false;
}

static void compose(struct dice *d, enum form form, int a, int b, struct sc_buf *out)
{
    static const char *const formats[FORMS] = {
        [ONE] = "%s",         [BOTH] = "%s %s",     [EITHER] = "%s OR %s",
        [WITHOUT] = "%s -%s", [PAIR] = "\"%s %s\"", [PREFIX] = "alp*",
    };
    const char *x = vocabulary[a][dice_between(d, 0, 2)];
    const char *y = vocabulary[b][dice_between(d, 0, 2)];
    for (const char *f = formats[form]; *f != '\0'; f++) {
        if (f[0] == '%' && f[1] == 's') {
            sc_buf_puts(out, x);
            x = y;
            f++;
        } else {
            sc_buf_putc(out, *f);
        }
    }
}

static void store_corpus(struct rig *r, struct dice *d, struct corpus *c)
{
    int64_t ids[3] = { begin(r, 1), begin(r, 2), begin(r, 4) };
    for (int s = 0; s < SEGMENTS; s++) {
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_SEGMENTS list = { 0 };
        for (int i = 0; i < LENGTH; i++) {
            c->words[s][i] = (int)dice_between(d, 0, WORDS - 1);
            sc_buf_printf(&text, i == 0 ? "%s" : " %s",
                          vocabulary[c->words[s][i]][dice_between(d, 0, 2)]);
        }
        c->transcript[s] = (int)dice_between(d, 0, 2);
        (void)add_segment(&list, s * 1000, 100, sc_buf_text(&text));
        /* Between signs of such scripts sc_segment_settle puts no space; here words stay apart. */
        free(list.items[0].text);
        list.items[0].text = sc_buf_take(&text);
        assert_int_equal(put_chunk(r, ids[c->transcript[s]], s, &list), SC_OK);
    }
}

static void results_are_those_of_a_search_through_everything(void **state)
{
    (void)state;
    struct dice d = { 4711 };
    for (int round = 0; round < 4; round++) {
        AUTO_RIG(r);
        struct corpus c;
        store_corpus(&r, &d, &c);
        for (int query = 0; query < 60; query++) {
            enum form form = (enum form)dice_between(&d, 0, FORMS - 1);
            int a = (int)dice_between(&d, 0, WORDS - 1), b = (int)dice_between(&d, 0, WORDS - 1);
            int64_t wanted[3] = { 0 };
            SC_AUTO_BUF typed = { 0 };
            struct answer got;
            struct sc_search s = plain_search();
            s.limit = (int)dice_between(&d, 1, 3);
            s.sort = dice_between(&d, 0, 1) == 0 ? SC_SEARCH_NEWEST : SC_SEARCH_RANK;
            compose(&d, form, a, b, &typed);
            for (int i = 0; i < SEGMENTS; i++)
                wanted[c.transcript[i]] += matches(&c, i, form, a, b);
            ask_pages(&r, s, sc_buf_text(&typed), &got, NULL);
            int64_t found[3] = { 0 };
            for (int i = 0; i < got.count; i++) {
                found[got.rows[i].id - 1] += got.rows[i].hits;
                if (s.sort == SC_SEARCH_NEWEST && i > 0)
                    assert_true(got.rows[i].id < got.rows[i - 1].id);
            }
            if (found[0] != wanted[0] || found[1] != wanted[1] || found[2] != 0 ||
                got.end.hits != wanted[0] + wanted[1])
                fail_msg("'%s': %d and %d, not %d and %d", sc_buf_text(&typed), (int)found[0],
                         (int)found[1], (int)wanted[0], (int)wanted[1]);
        }
        assert_index_whole(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_are_found_with_their_time_and_marks),
        TEST(long_segments_are_cut_around_the_hit),
        TEST(scripts_without_spaces_are_found),
        TEST(parts_of_words_are_found),
        TEST(nobody_finds_what_is_another_owners),
        TEST(what_is_deleted_is_not_found_and_leaves_the_index),
        TEST(an_edit_changes_what_is_found),
        TEST(pages_stay_true_while_text_streams_in),
        TEST(an_edit_between_pages_takes_nothing_else_away),
        TEST(the_commonest_word_comes_in_windows),
        TEST(each_page_of_one_window_says_that_it_is_all),
#ifdef SC_WITH_FAULTS
        TEST(a_search_that_takes_long_ends_and_goes_on),
#endif
        TEST(a_deadline_that_has_passed_ends_it_at_once),
        TEST(cursors_are_those_that_were_given),
        TEST(the_best_comes_first),
        TEST(conditions_narrow_a_search),
        TEST(results_are_those_of_a_search_through_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
