#include "store/tokenizer.h"

#include "base/buf.h"
#include "store/fixture.h"

#include "base/banned.h"

struct dump {
    struct sc_buf out;
    struct sc_str input;
    size_t last_start;
};

/* "token token+colocated": spaces between positions. */
static void append(void *ctx, const struct sc_token *t)
{
    struct dump *d = ctx;
    assert_true(t->start <= t->end && t->end <= d->input.len);
    assert_true(t->start >= d->last_start);
    d->last_start = t->start;
    if (d->out.len > 0)
        sc_buf_putc(&d->out, t->colocated ? '+' : ' ');
    else
        assert_false(t->colocated);
    sc_buf_put_str(&d->out, t->text);
}

static void check(const char *text, bool query, const char *expected)
{
    struct dump d = { .input = sc_str_from(text) };
    struct sc_error err = { 0 };
    assert_int_equal(sc_tokenizer_run(d.input, query, append, &d, &err), SC_OK);
    if (strcmp(sc_buf_text(&d.out), expected) != 0)
        fail_msg("'%s' (%s): '%s', not '%s'", text, query ? "query" : "index", sc_buf_text(&d.out),
                 expected);
    sc_buf_done(&d.out);
}

static void text_becomes_these_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text, *index, *query;
    } rows[] = {
        { "", "", "" },
        { " .,;!? ", "", "" },
        { "Hello, World", "hello world", "hello world" },
        { "Crème BRÛLÉE naïve", "creme brulee naive", "creme brulee naive" },
        { "Ångström ĐÀ NẴNG", "angstrom đa nang", "angstrom đa nang" },
        { "Привет, МИР", "привет мир", "привет мир" },
        { "ΕΛΛΆΔΑ", "ελλάδα", "ελλάδα" },
        { "it's 3.14", "it s 3 14", "it s 3 14" },
        { "会", "会", "会" },
        { "会議", "会+会議 議", "会議 議" },
        { "今日の会議", "今+今日 日+日の の+の会 会+会議 議", "今日 日の の会 会議 議" },
        { "会議、資料", "会+会議 議 資+資料 料", "会議 議 資料 料" },
        { "会 議", "会 議", "会 議" },
        { "AI会議2026年", "ai 会+会議 議 2026 年", "ai 会議 議 2026 年" },
        { "ドーナツ・ショップ", "ド+ドー ー+ーナ ナ+ナツ ツ シ+ショ ョ+ョッ ッ+ップ プ",
          "ドー ーナ ナツ ツ ショ ョッ ップ プ" },
        { "서울 시청", "서+서울 울 시+시청 청", "서울 울 시청 청" },
        { "ไทย", "ไ+ไท ท+ทย ย", "ไท ทย ย" },
        { "ລາວ", "ລ+ລາ າ+າວ ວ", "ລາ າວ ວ" },
        { "ខ្មែរ", "ខ+ខ្ ្+្ម ម+មែ ែ+ែរ រ", "ខ្ ្ម មែ ែរ រ" },
        { "𠮷野家", "𠮷+𠮷野 野+野家 家", "𠮷野 野家 家" },
        { "人々", "人+人々 々", "人々 々" },
        { "😀会🎉議", "会 議", "会 議" },
        { "long—dash", "long dash", "long dash" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        check(rows[i].text, false, rows[i].index);
        check(rows[i].text, true, rows[i].query);
    }
}

static void ignore(void *ctx, const struct sc_token *t)
{
    struct dump *d = ctx;
    assert_true(t->start <= t->end && t->end <= d->input.len);
}

static void broken_text_is_survived(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\xff\xfe",     "\xe4\xbc",     "会\xe4",        "\xe4\xbc\x9a\xe8", "会\xff議",
        "\xf0\xa0\xae", "\xed\xa0\x80", "a\xcc\x81\xcc", "\xc0\xaf会",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct dump d = { .input = sc_str_from(rows[i]) };
        for (size_t len = 0; len <= strlen(rows[i]); len++) {
            /* A copy without an end mark: reading past it shows under ASan. */
            SC_AUTO_FREE char *copy = malloc(len + (len == 0));
            memcpy(copy, rows[i], len);
            d.input = (struct sc_str){ copy, len };
            assert_int_equal(sc_tokenizer_run(d.input, false, ignore, &d, NULL), SC_OK);
            assert_int_equal(sc_tokenizer_run(d.input, true, ignore, &d, NULL), SC_OK);
        }
    }
    check("会\xff議", false, "会 議");
}

/* ---- through the text index ---- */

static void searching_finds_these(void **state)
{
    (void)state;
    static const struct {
        const char *text, *query;
        bool found;
    } rows[] = {
        { "今日の会議は長い", "会議", true },
        { "今日の会議は長い", "\"会議\"", true },
        { "今日の会議は長い", "会", true },
        { "今日の会議は長い", "議会", false },
        { "今日の会議は長い", "会議は", true },
        { "今日の会議は長い", "会議が", false },
        { "今日の会議は長い", "今日 AND 長い", true },
        { "会う。議論する", "会議", false },
        { "会社の議事録", "会議", false },
        { "AI会議2026年", "\"AI会議\"", true },
        { "AI会議2026年", "\"会議2026年\"", true },
        { "AI会議2026年", "\"会議2025年\"", false },
        { "会議", "会*", true },
        { "会議", "会議*", true },
        { "会議室", "会議*", true },
        { "สวัสดีครับ", "สวัสดี", true },
        { "สวัสดีครับ", "ครับ", true },
        { "안녕하세요 여러분", "안녕", true },
        { "안녕하세요 여러분", "세요", true },
        { "Crème brûlée", "CREME", true },
        { "Crème brûlée", "bru*", true },
        { "Crème brûlée", "\"creme brulee\"", true },
        { "Crème brûlée", "\"brulee creme\"", false },
    };
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char *sql = sqlite3_mprintf("INSERT INTO segments_fts (segments_fts) VALUES ('delete-all');"
                                    "INSERT INTO segments_fts (rowid, text) VALUES (1, %Q)",
                                    rows[i].text);
        assert_int_equal(write_sql(f.store, sql), SC_OK);
        sqlite3_free(sql);
        sql = sqlite3_mprintf("SELECT count(*) FROM segments_fts WHERE segments_fts MATCH %Q",
                              rows[i].query);
        int64_t found = number(f.store, sql);
        sqlite3_free(sql);
        if (found != rows[i].found)
            fail_msg("%s in %s: %d", rows[i].query, rows[i].text, (int)found);
    }
}

static void a_tokenizer_takes_no_settings(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    assert_int_not_equal(
        write_sql(f.store, "CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'scripta loud')"),
        SC_OK);
}

/* ---- as SQLite calls it ---- */

static fts5_api *api_of(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_bind_pointer(st, 1, (void *)&api, "fts5_api_ptr", NULL), SQLITE_OK);
    (void)sqlite3_step(st);
    (void)sqlite3_finalize(st);
    assert_non_null(api);
    return api;
}

struct taker {
    int fails_at, taken;
};

static int take(void *ctx, int flags, const char *token, int len, int start, int end)
{
    struct taker *t = ctx;
    (void)flags;
    (void)token;
    (void)len;
    (void)start;
    (void)end;
    return ++t->taken == t->fails_at ? SQLITE_NOMEM : SQLITE_OK;
}

/* Whoever takes the tokens may have had enough at any of them: it is asked no more, and told on. */
static void an_error_of_the_taker_ends_it(void **state)
{
    (void)state;
    static const char text[] = "ab 会議室 cd ef の";
    sqlite3 *db = NULL;
    fts5_tokenizer methods;
    Fts5Tokenizer *instance = NULL;
    void *user = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sc_tokenizer_register(db, NULL), SC_OK);
    fts5_api *api = api_of(db);
    assert_int_equal(api->xFindTokenizer(api, "scripta", &user, &methods), SQLITE_OK);
    assert_int_equal(methods.xCreate(user, NULL, 0, &instance), SQLITE_OK);
    for (int nth = 1; nth <= 10; nth++) {
        struct taker t = { .fails_at = nth };
        int rc =
            methods.xTokenize(instance, &t, FTS5_TOKENIZE_DOCUMENT, text, (int)strlen(text), take);
        assert_int_equal(rc, nth <= 9 ? SQLITE_NOMEM : SQLITE_OK);
        assert_int_equal(t.taken, SC_MIN(nth, 9)); /* 3 words, 4 signs, 2 pairs */
    }
    methods.xDelete(instance);
    (void)sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_becomes_these_tokens),     TEST(broken_text_is_survived),
        TEST(searching_finds_these),         TEST(a_tokenizer_takes_no_settings),
        TEST(an_error_of_the_taker_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
