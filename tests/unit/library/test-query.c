#include "library/query.h"

#include "store/fixture.h"

#include "base/banned.h"

/* The expression without its owner's marks. */
static void plain(struct sc_str text, struct sc_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\x01')
            i += 2;
        else
            sc_buf_putc(out, text.ptr[i]);
    }
}

static void what_is_typed_becomes_an_expression(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *wanted;
    } rows[] = {
        { "budget", "\"budget\"" },
        { "  budget  vote ", "(\"budget\" AND \"vote\")" },
        { "budget AND vote", "(\"budget\" AND \"vote\")" },
        { "and or not", "((\"and\" AND \"or\") AND \"not\")" },
        { "a OR b c", "(\"a\" OR (\"b\" AND \"c\"))" },
        { "(a OR b) c", "((\"a\" OR \"b\") AND \"c\")" },
        { "\"annual budget\"", "\"annual budget\"" },
        { "“annual budget”", "\"annual budget\"" },
        { "budg*", "\"budg\"*" },
        { "\"annual budg\"*", "\"annual budg\"*" },
        { "\"a*b\"", "\"a*b\"" },
        { "a -b", "(\"a\" NOT \"b\")" },
        { "-b a", "(\"a\" NOT \"b\")" },
        { "a NOT b", "(\"a\" NOT \"b\")" },
        { "a AND NOT b", "(\"a\" NOT \"b\")" },
        { "a -b -c", "(\"a\" NOT (\"b\" OR \"c\"))" },
        { "a -(b c)", "(\"a\" NOT (\"b\" AND \"c\"))" },
        { "+a +b", "(\"a\" AND \"b\")" },
        { "a+b", "\"a+b\"" },
        { "well-known", "\"well-known\"" },
        { "rock & roll", "(\"rock\" AND \"roll\")" },
        { "a - b", "(\"a\" AND \"b\")" },
        { "a OR &", "\"a\"" },
        { "(&) a", "\"a\"" },
        { "会議 AI会議2026年", "(\"会議\" AND \"AI会議2026年\")" },
        { "今日　会議", "(\"今日\" AND \"会議\")" }, /* an ideographic space */
        { "NEAR(a b, 5)", "(\"NEAR\" AND ((\"a\" AND \"b,\") AND \"5\"))" },
        { "text:budget", "\"text:budget\"" },
        { "{text}:budget ^start", "(\"{text}:budget\" AND \"^start\")" },
        { "http://x.org/a?b=c", "\"http://x.org/a?b=c\"" },
        { "10:30", "\"10:30\"" },
        { "speaker:anna budget", "\"budget\"" },
        { "speaker:anna AND budget", "\"budget\"" },
        { "\"speaker:anna\"", "\"speaker:anna\"" },
        { "((((a))))", "\"a\"" },
        { "\ta\nb\x01", "(\"a\" AND \"b\")" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_MATCH m = { .text = { 0 } };
        SC_AUTO_BUF text = { 0 };
        struct sc_error err = { 0 };
        if (sc_match_compile(sc_str_from(rows[i].typed), 7, &m, &err) != SC_OK)
            fail_msg("'%s': %s", rows[i].typed, err.msg);
        plain(sc_buf_str(&m.text), &text);
        if (strcmp(sc_buf_text(&text), rows[i].wanted) != 0)
            fail_msg("'%s': %s, not %s", rows[i].typed, sc_buf_text(&text), rows[i].wanted);
    }
}

static void what_cannot_be_meant_is_refused_at_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *says;
    } rows[] = {
        { "", "column 1: there is no word" },
        { " . , ; ", "column 1: there is no word" },
        { "speaker:anna", "column 1: speaker: alone is not enough: add a word" },
        { "since:7d tag:x", "column 1: tag: alone is not enough: add a word" },
        { "a \"b c", "column 3: this quotation mark" },
        { "ä “b c", "column 3: this quotation mark" },
        { "(a OR b", "column 1: this parenthesis is never closed" },
        { "a OR b)", "column 7: this parenthesis was never opened" },
        { "a ()", "column 3: there is nothing between" },
        { "AND a", "column 1: AND and OR stand between" },
        { "OR", "column 1: AND and OR stand between" },
        { "a OR OR b", "column 6: AND and OR stand between" },
        { "a AND", "column 6: here something to look for is missing" },
        { "NOT", "column 4: here something to look for is missing" },
        { "a (NOT)", "column 7: this parenthesis was never opened" },
        { "-a", "column 1: only what must not be there" },
        { "a OR -b", "column 6: only what must not be there" },
        { "--a", "column 2: two signs" },
        { "NOT -a", "column 5: two signs" },
        { "*", "column 1: * stands at the end" },
        { "*a", "column 1: * stands at the end" },
        { "äb*c", "column 3: * stands at the end" },
        { "a**", "column 2: * stands at the end" },
        { "a \"&\"*", "column 6: * stands at the end" },
        { "speaker: a", "column 9: the condition has no value" },
        { "young Speakr:Bob", "column 7: there is no condition 'Speakr'; did you mean speaker:" },
        { "a -tags:b", "column 4: there is no condition 'tags'; did you mean tag:" },
        { "(speaker:b a)", "column 2: a condition holds for the whole search" },
        { "a OR speaker:b", "column 6: a condition stands by itself" },
        { "speaker:b OR a", "column 1: a condition stands by itself" },
        { "a -speaker:b", "column 4: a condition stands by itself" },
        { "tag:x tag:y a", "column 7: this condition stands here twice" },
        { "a \xff", "column 3: a byte that is no UTF-8" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_MATCH m = { .text = { 0 } };
        struct sc_error err = { 0 };
        assert_int_equal(sc_match_compile(sc_str_from(rows[i].typed), 1, &m, &err),
                         SC_E_INVALID_VALUE);
        assert_string_equal(err.field, "q");
        if (strstr(err.msg, rows[i].says) == NULL)
            fail_msg("'%s': %s, not %s", rows[i].typed, err.msg, rows[i].says);
        assert_int_equal(m.text.len, 0);
    }
    struct sc_error err = { 0 };
    SC_AUTO_MATCH m = { .text = { 0 } };
    assert_int_equal(sc_match_compile((struct sc_str){ "a\0b", 3 }, 1, &m, &err),
                     SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "column 2: a NUL"));
}

static void a_search_has_its_limits(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    SC_AUTO_BUF words = { 0 }, deep = { 0 }, wide = { 0 };
    SC_AUTO_MATCH m = { .text = { 0 } };
    for (int i = 0; i < SC_QUERY_TERMS; i++)
        sc_buf_puts(&words, "w ");
    assert_int_equal(sc_match_compile(sc_buf_str(&words), 1, &m, &err), SC_OK);
    sc_match_done(&m);
    sc_buf_puts(&words, "more");
    assert_int_equal(sc_match_compile(sc_buf_str(&words), 1, &m, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "column 65: a search has at most 32"));
    for (int i = 0; i <= SC_QUERY_DEPTH; i++)
        sc_buf_puts(&deep, "(");
    assert_int_equal(sc_match_compile(sc_buf_str(&deep), 1, &m, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "column 17: at most 16"));
    for (int i = 0; i <= SC_QUERY_BYTES; i++)
        sc_buf_putc(&wide, 'a');
    assert_int_equal(sc_match_compile(sc_buf_str(&wide), 1, &m, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "1001 bytes"));
}

static void conditions_are_told_apart_from_words(void **state)
{
    (void)state;
    SC_AUTO_MATCH m = { .text = { 0 } };
    assert_int_equal(sc_match_compile(SC_STR("ä Speaker:\"Anna B\" lang:de since:7d"), 1, &m, NULL),
                     SC_OK);
    assert_true(sc_str_equal(m.conditions[SC_CONDITION_SPEAKER].value, SC_STR("Anna B")));
    assert_int_equal(m.conditions[SC_CONDITION_SPEAKER].column, 11);
    assert_true(sc_str_equal(m.conditions[SC_CONDITION_LANGUAGE].value, SC_STR("de")));
    assert_true(sc_str_equal(m.conditions[SC_CONDITION_SINCE].value, SC_STR("7d")));
    assert_null(m.conditions[SC_CONDITION_TAG].value.ptr);
}

static void parts_of_words_are_taken_as_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *folded, *wanted;
    } rows[] = {
        { "udge", "udge", "\"udg\" AND \"dge\"" },
        { " ÜBER  Öl ", "uber ol", "\"ube\" AND \"ber\" AND \"er \" AND \"r o\" AND \" ol\"" },
        { "a\"b", "a\"b", "\"a\"\"b\"" },
        { "会議室", "会議室", "\"会議室\"" },
        { "ab", "ab", "" },
        { "-", "-", "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF folded = { 0 }, match = { 0 }, text = { 0 };
        assert_int_equal(
            sc_match_compile_part(sc_str_from(rows[i].typed), 7, &folded, &match, NULL), SC_OK);
        plain(sc_buf_str(&match), &text);
        assert_string_equal(sc_buf_text(&folded), rows[i].folded);
        assert_string_equal(sc_buf_text(&text), rows[i].wanted);
    }
    SC_AUTO_BUF folded = { 0 }, match = { 0 };
    assert_int_equal(sc_match_compile_part(SC_STR("  "), 7, &folded, &match, NULL),
                     SC_E_INVALID_VALUE);
}

/* ---- whatever is typed, FTS5 takes what we make of it ---- */

static void assert_taken(sqlite3 *db, struct sc_str typed)
{
    SC_AUTO_MATCH m = { .text = { 0 } };
    SC_AUTO_BUF folded = { 0 }, part = { 0 };
    sqlite3_stmt *st = NULL;
    const char *exprs[2] = { NULL, NULL };
    if (sc_match_compile(typed, 7, &m, NULL) == SC_OK)
        exprs[0] = sc_buf_text(&m.text);
    if (sc_match_compile_part(typed, 7, &folded, &part, NULL) == SC_OK && part.len > 0)
        exprs[1] = sc_buf_text(&part);
    for (int i = 0; i < 2; i++) {
        if (exprs[i] == NULL)
            continue;
        assert_int_equal(sqlite3_prepare_v2(db,
                                            i == 0 ? "SELECT rowid FROM words WHERE words MATCH ?1"
                                                   : "SELECT rowid FROM parts WHERE parts MATCH ?1",
                                            -1, &st, NULL),
                         SQLITE_OK);
        (void)sqlite3_bind_text(st, 1, exprs[i], -1, SQLITE_STATIC);
        int rc = sqlite3_step(st);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            fail_msg("'%.*s' became %s: %s", (int)typed.len, typed.ptr, exprs[i],
                     sqlite3_errmsg(db));
        (void)sqlite3_finalize(st);
    }
}

static sqlite3 *open_index(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sc_tokenizer_register(db, NULL), SC_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE VIRTUAL TABLE words USING fts5 (x, tokenize = 'scripta');"
                     "CREATE VIRTUAL TABLE parts USING fts5 (x, tokenize = 'scripta_signs',"
                     "  detail = none, columnsize = 0);"
                     "INSERT INTO words VALUES (char(1) || '7' || char(2) || 'a b c 会議');"
                     "INSERT INTO parts VALUES (char(1) || '7' || char(2) || 'a b c 会議')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    return db;
}

static void whatever_is_typed_is_refused_or_taken(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a",    "b",     "\"",       "(",     ")",    " ",        "*", "-",
        "+",    " AND ", " OR ",     " NOT ", "会",   "議",       "ü", "'",
        ":",    "^",     ",",        "NEAR(", "{x}:", "\\",       "“", "”",
        "\x01", "\x02",  "\xcc\x81", ";",     "%",    "speaker:", "7", "\xf0\x9f\x98\x80",
    };
    sqlite3 *db = open_index();
    uint64_t seed = 20261121;
    for (int round = 0; round < 20000; round++) {
        SC_AUTO_BUF typed = { 0 };
        for (int n = (int)(seed >> 40) % 14; n >= 0; n--) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            sc_buf_puts(&typed, pieces[(seed >> 33) % SC_ARRAY_LEN(pieces)]);
        }
        assert_taken(db, sc_buf_str(&typed));
    }
    (void)sqlite3_close(db);
}

/* As deep and as long as is allowed: FTS5's parser has a stack of its own. */
static void the_deepest_is_taken(void **state)
{
    (void)state;
    sqlite3 *db = open_index();
    SC_AUTO_BUF right = { 0 }, left = { 0 }, both = { 0 };
    for (int i = 0; i < SC_QUERY_DEPTH; i++) {
        sc_buf_puts(&right, i % 2 == 0 ? "a OR (" : "a -(");
        sc_buf_puts(&left, "(");
    }
    sc_buf_puts(&right, "b");
    for (int i = 0; i < SC_QUERY_DEPTH; i++)
        sc_buf_puts(&right, ")");
    for (int i = 0; i < SC_QUERY_DEPTH; i++)
        sc_buf_puts(&left, i % 2 == 0 ? "a OR b)" : "c)");
    for (int i = 0; i < 15; i++)
        sc_buf_puts(&both, i % 2 == 0 ? "a b OR (" : "a -(b ");
    sc_buf_puts(&both, "c");
    for (int i = 0; i < 15; i++)
        sc_buf_puts(&both, ")");
    struct sc_match m[3] = { { .text = { 0 } } };
    assert_int_equal(sc_match_compile(sc_buf_str(&right), 7, &m[0], NULL), SC_OK);
    assert_int_equal(sc_match_compile(sc_buf_str(&left), 7, &m[1], NULL), SC_OK);
    assert_int_equal(sc_match_compile(sc_buf_str(&both), 7, &m[2], NULL), SC_OK);
    sc_match_done(&m[0]);
    sc_match_done(&m[1]);
    sc_match_done(&m[2]);
    assert_taken(db, sc_buf_str(&right));
    assert_taken(db, sc_buf_str(&left));
    assert_taken(db, sc_buf_str(&both));
    (void)sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_typed_becomes_an_expression),
        TEST(what_cannot_be_meant_is_refused_at_its_column),
        TEST(a_search_has_its_limits),
        TEST(conditions_are_told_apart_from_words),
        TEST(parts_of_words_are_taken_as_they_stand),
        TEST(whatever_is_typed_is_refused_or_taken),
        TEST(the_deepest_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
