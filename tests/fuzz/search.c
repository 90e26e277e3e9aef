/* What people type into a search: refused with a column, or an expression that FTS5 takes; and the
 * cursors of its pages. */

#include "fuzz.h"

#include "library/query.h"
#include "library/search.h"
#include "store/tokenizer.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/banned.h"

static sqlite3 *db;
static sqlite3_stmt *words, *parts;

static void open_index(void)
{
    static const char made[] = "CREATE VIRTUAL TABLE words USING fts5 (x, tokenize = 'scripta');"
                               "CREATE VIRTUAL TABLE parts USING fts5 (x,"
                               " tokenize = 'scripta_signs', detail = none, columnsize = 0)";
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || sc_tokenizer_register(db, NULL) != SC_OK ||
        sqlite3_exec(db, made, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT rowid FROM words WHERE words MATCH ?1", -1, &words, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT rowid FROM parts WHERE parts MATCH ?1", -1, &parts, NULL) !=
            SQLITE_OK)
        abort();
}

static void check_taken(sqlite3_stmt *st, const struct sc_buf *match)
{
    (void)sqlite3_bind_text(st, 1, sc_buf_text(match), (int)match->len, SQLITE_STATIC);
    if (sqlite3_step(st) != SQLITE_DONE)
        abort();
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
}

static void check_refusal(enum sc_code code, const struct sc_error *err)
{
    if (code != SC_E_INVALID_VALUE || strcmp(err->field, "q") != 0 || err->msg[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str typed = { (const char *)data, size };
    SC_AUTO_MATCH match = { .text = { 0 } };
    SC_AUTO_BUF folded = { 0 }, part = { 0 };
    struct sc_error err = { 0 };
    struct sc_search_place place;
    if (db == NULL)
        open_index();
    enum sc_code code = sc_match_compile(typed, 7, &match, &err);
    if (code == SC_OK)
        check_taken(words, &match.text);
    else
        check_refusal(code, &err);
    code = sc_match_compile_part(typed, 7, &folded, &part, &err);
    if (code != SC_OK)
        check_refusal(code, &err);
    else if (part.len > 0)
        check_taken(parts, &part);
    (void)sc_search_place_parse(SC_SEARCH_RANK, typed, &place);
    (void)sc_search_place_parse(SC_SEARCH_NEWEST, typed, &place);
    return 0;
}
