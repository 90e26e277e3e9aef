#include "store/tokenizer.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <sqlite3.h>

#include "base/banned.h"

typedef int (*emit_fn)(void *, int, const char *, int, int, int);

/* unicode61, which does the scripts with spaces. */
struct tokenizer {
    fts5_tokenizer words;
    Fts5Tokenizer *instance;
};

/* ---- signs ---- */

struct range {
    uint32_t first, last;
};

/* Blocks whose signs are indexed one by one, in order. */
static const struct range dense[] = {
    { 0x0E01, 0x0E3A },   { 0x0E40, 0x0E4E }, /* Thai without ฿, ๏ and digits */
    { 0x0E81, 0x0ECF },   { 0x0EDC, 0x0EDF }, /* Lao without digits */
    { 0x1100, 0x11FF },                       /* Hangul Jamo */
    { 0x1780, 0x17D3 },   { 0x17D7, 0x17D7 }, /* Khmer without punctuation and digits */
    { 0x17DC, 0x17DD },   { 0x2E80, 0x2FD5 }, /* radicals */
    { 0x3005, 0x3007 },                       /* 々〆〇 */
    { 0x3021, 0x3029 },   { 0x3031, 0x3035 },   { 0x3038, 0x303C },
    { 0x3041, 0x3096 },   { 0x3099, 0x309A },   { 0x309D, 0x309F }, /* Hiragana */
    { 0x30A1, 0x30FA },   { 0x30FC, 0x30FF },                       /* Katakana without ・ */
    { 0x3131, 0x318E },   { 0x31A0, 0x31BF },   { 0x31F0, 0x31FF },
    { 0x3400, 0x4DBF },   { 0x4E00, 0x9FFF },                       /* Han */
    { 0xA960, 0xA97C },   { 0xAC00, 0xD7A3 },   { 0xD7B0, 0xD7FB }, /* Hangul */
    { 0xF900, 0xFAFF },   { 0xFF66, 0xFF9F },   { 0xFFA0, 0xFFDC },
    { 0x1AFF0, 0x1AFFE }, { 0x1B000, 0x1B16F }, { 0x20000, 0x323AF },
};

static bool is_dense(uint32_t sign)
{
    size_t low = 0, high = SC_ARRAY_LEN(dense);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (sign > dense[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < SC_ARRAY_LEN(dense) && sign >= dense[low].first;
}

/* Bytes of the dense sign at the start of s, or 0. */
static size_t dense_sign(struct sc_str s)
{
    uint32_t sign;
    if (s.len < 3 || (unsigned char)s.ptr[0] < 0xE0)
        return 0; /* all of them take three bytes or more */
    size_t n = sc_utf8_decode(s, &sign);
    return n > 0 && is_dense(sign) ? n : 0;
}

/* ---- runs ---- */

struct job {
    struct sc_str text;
    bool query;
    emit_fn emit;
    void *ctx;
    size_t offset; /* of the run of words at hand */
};

static int emit(struct job *job, size_t at, size_t len, bool colocated)
{
    return job->emit(job->ctx, colocated ? FTS5_TOKEN_COLOCATED : 0, job->text.ptr + at, (int)len,
                     (int)at, (int)(at + len));
}

static int emit_word(void *ctx, int flags, const char *token, int len, int start, int end)
{
    struct job *job = ctx;
    return job->emit(job->ctx, flags, token, len, (int)job->offset + start, (int)job->offset + end);
}

static struct sc_str rest_of(const struct job *job, size_t at)
{
    return (struct sc_str){ job->text.ptr + at, job->text.len - at };
}

/* Each sign takes one position, in the index and in a query, so that phrases that mix scripts match
 * and a highlighted phrase covers all its signs. In a query the rarer pair stands for its first
 * sign; the last sign of a run begins no pair and stands for itself. */
static int emit_dense(struct job *job, size_t *at, size_t len)
{
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && len > 0) {
        size_t next = dense_sign(rest_of(job, *at + len));
        if (!job->query || next == 0)
            rc = emit(job, *at, len, false);
        if (rc == SQLITE_OK && next > 0)
            rc = emit(job, *at, len + next, !job->query);
        *at += len;
        len = next;
    }
    return rc;
}

static int tokenize(Fts5Tokenizer *self, void *ctx, int flags, const char *text, int len,
                    emit_fn emit_token)
{
    const struct tokenizer *t = (const struct tokenizer *)self;
    struct job job = {
        .text = { text == NULL ? "" : text, len > 0 ? (size_t)len : 0 },
        .query = (flags & FTS5_TOKENIZE_QUERY) != 0,
        .emit = emit_token,
        .ctx = ctx,
    };
    int rc = SQLITE_OK;
    size_t at = 0;
    while (rc == SQLITE_OK && at < job.text.len) {
        size_t end = at, sign = 0;
        while (end < job.text.len && (sign = dense_sign(rest_of(&job, end))) == 0)
            end++;
        if (end > at) {
            job.offset = at;
            rc =
                t->words.xTokenize(t->instance, &job, flags, text + at, (int)(end - at), emit_word);
            at = end;
        }
        if (rc == SQLITE_OK && sign > 0)
            rc = emit_dense(&job, &at, sign);
    }
    return rc;
}

/* ---- SQLite's interface ---- */

static void delete_tokenizer(Fts5Tokenizer *self)
{
    struct tokenizer *t = (struct tokenizer *)self;
    if (t->instance != NULL)
        t->words.xDelete(t->instance);
    free(t);
}

static int create_tokenizer(void *ctx, const char **args, int count, Fts5Tokenizer **out)
{
    (void)args;
    if (count > 0)
        return SQLITE_ERROR; /* it takes no settings: an index made with others would not match */
    fts5_api *api = ctx;
    struct tokenizer *t = sc_alloc(sizeof(*t));
    void *user = NULL;
    const char *settings[] = { "remove_diacritics", "2" };
    int rc = api->xFindTokenizer(api, "unicode61", &user, &t->words);
    if (rc == SQLITE_OK)
        rc = t->words.xCreate(user, settings, 2, &t->instance);
    if (rc == SQLITE_OK)
        *out = (Fts5Tokenizer *)t;
    else
        delete_tokenizer((Fts5Tokenizer *)t);
    return rc;
}

static fts5_tokenizer methods(void)
{
    return (fts5_tokenizer){
        .xCreate = create_tokenizer,
        .xDelete = delete_tokenizer,
        .xTokenize = tokenize,
    };
}

static fts5_api *find_api(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL) == SQLITE_OK) {
        (void)sqlite3_bind_pointer(st, 1, (void *)&api, "fts5_api_ptr", NULL);
        (void)sqlite3_step(st);
    }
    (void)sqlite3_finalize(st);
    return api;
}

enum sc_code sc_tokenizer_register(struct sqlite3 *db, struct sc_error *err)
{
    fts5_api *api = find_api(db);
    if (api == NULL || api->iVersion < 2)
        return sc_error_set(err, SC_E_CONFIG_ERROR, "this SQLite has no full-text search (FTS5)");
    fts5_tokenizer m = methods();
    if (api->xCreateTokenizer(api, "scripta", api, &m, NULL) != SQLITE_OK)
        return sc_error_set(err, SC_E_STORE_ERROR, "cannot register the tokenizer");
    return SC_OK;
}

/* ---- outside a database ---- */

struct listener {
    sc_token_fn fn;
    void *ctx;
};

static int listen_token(void *ctx, int flags, const char *token, int len, int start, int end)
{
    const struct listener *l = ctx;
    struct sc_token t = {
        .text = { token, (size_t)len },
        .start = (size_t)start,
        .end = (size_t)end,
        .colocated = (flags & FTS5_TOKEN_COLOCATED) != 0,
    };
    l->fn(l->ctx, &t);
    return SQLITE_OK;
}

enum sc_code sc_tokenizer_run(struct sc_str text, bool query, sc_token_fn fn, void *ctx,
                              struct sc_error *err)
{
    sqlite3 *db = NULL;
    Fts5Tokenizer *t = NULL;
    struct listener listener = { fn, ctx };
    int rc = sqlite3_open(":memory:", &db);
    fts5_api *api = rc == SQLITE_OK ? find_api(db) : NULL;
    if (api == NULL)
        rc = SQLITE_ERROR;
    if (rc == SQLITE_OK)
        rc = create_tokenizer(api, NULL, 0, &t);
    if (rc == SQLITE_OK) {
        rc = tokenize(t, &listener, query ? FTS5_TOKENIZE_QUERY : FTS5_TOKENIZE_DOCUMENT, text.ptr,
                      (int)text.len, listen_token);
        delete_tokenizer(t);
    }
    (void)sqlite3_close(db);
    return rc == SQLITE_OK
               ? SC_OK
               : sc_error_set(err, SC_E_STORE_ERROR, "cannot tokenize: %s", sqlite3_errstr(rc));
}
