#include "store/tokenizer.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/fold.h"

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

bool sc_tokenizer_is_dense(uint32_t sign)
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
    return n > 0 && sc_tokenizer_is_dense(sign) ? n : 0;
}

/* ---- runs ---- */

#define PLACES_MAX 16 /* of a phrase in a row that are told */
#define MARK_MAX 24   /* bytes of an owner's mark */
#define TOKEN_MAX 256 /* of a marked token; the index and queries cut longer ones alike */

struct job {
    struct sc_str text;
    bool query;
    emit_fn emit;
    void *ctx;
    size_t offset; /* of the run of words at hand */
    size_t mark;   /* bytes of the owner's mark in `token`; 0: none */
    char token[TOKEN_MAX];
};

/* Takes the mark that the text begins with, if there is one; returns where the text goes on. */
static size_t take_mark(struct job *job)
{
    struct sc_str text = job->text;
    if (text.len == 0 || text.ptr[0] != '\x01')
        return 0;
    for (size_t i = 1; i < SC_MIN(text.len, MARK_MAX); i++) {
        if (text.ptr[i] != '\x02')
            continue;
        job->mark = i;
        memcpy(job->token, text.ptr + 1, job->mark);
        return i + 1;
    }
    return 0;
}

/* Behind the mark, if there is one. */
static int emit_bytes(struct job *job, int flags, struct sc_str token, size_t start, size_t end)
{
    if (job->mark > 0) {
        token.len = SC_MIN(token.len, TOKEN_MAX - job->mark);
        memcpy(job->token + job->mark, token.ptr, token.len);
        token = (struct sc_str){ job->token, job->mark + token.len };
    }
    return job->emit(job->ctx, flags, token.ptr, (int)token.len, (int)start, (int)end);
}

static int emit(struct job *job, size_t at, size_t len, bool colocated)
{
    return emit_bytes(job, colocated ? FTS5_TOKEN_COLOCATED : 0,
                      (struct sc_str){ job->text.ptr + at, len }, at, at + len);
}

static int emit_word(void *ctx, int flags, const char *token, int len, int start, int end)
{
    struct job *job = ctx;
    return emit_bytes(job, flags, (struct sc_str){ token, (size_t)len },
                      job->offset + (size_t)start, job->offset + (size_t)end);
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
    size_t at = take_mark(&job);
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

/* ---- parts of words ---- */

struct sign {
    char bytes[4];
    size_t len, start;
};

static struct sign encode(uint32_t sign, size_t start)
{
    SC_AUTO_BUF buf = { 0 };
    struct sign out = { .start = start };
    sc_utf8_append(&buf, sign);
    out.len = SC_MIN(buf.len, sizeof(out.bytes));
    memcpy(out.bytes, sc_buf_text(&buf), out.len);
    return out;
}

static int emit_three(struct job *job, const struct sign *a, const struct sign *b,
                      const struct sign *c, size_t end)
{
    char text[12];
    memcpy(text, a->bytes, a->len);
    memcpy(text + a->len, b->bytes, b->len);
    memcpy(text + a->len + b->len, c->bytes, c->len);
    return emit_bytes(job, 0, (struct sc_str){ text, a->len + b->len + c->len }, a->start, end);
}

/* Each three signs in a row, as they are folded. */
static int tokenize_signs(Fts5Tokenizer *self, void *ctx, int flags, const char *text, int len,
                          emit_fn emit_token)
{
    (void)self;
    (void)flags;
    struct job job = {
        .text = { text == NULL ? "" : text, len > 0 ? (size_t)len : 0 },
        .emit = emit_token,
        .ctx = ctx,
    };
    size_t skipped = take_mark(&job);
    struct sc_folder f = { .rest = rest_of(&job, skipped), .at = skipped };
    struct sign last[3] = { 0 };
    size_t count = 0, start;
    int rc = SQLITE_OK;
    for (uint32_t sign; rc == SQLITE_OK && (sign = sc_fold_next(&f, &start)) != 0; count++) {
        last[count % 3] = encode(sign, start);
        if (count >= 2)
            rc = emit_three(&job, &last[(count + 1) % 3], &last[(count + 2) % 3], &last[count % 3],
                            f.at);
    }
    return rc;
}

static int create_signs(void *ctx, const char **args, int count, Fts5Tokenizer **out)
{
    (void)ctx;
    (void)args;
    if (count > 0)
        return SQLITE_ERROR;
    *out = sc_alloc(1);
    return SQLITE_OK;
}

static void delete_signs(Fts5Tokenizer *self)
{
    free(self);
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

/* Where one phrase is in the row at hand. */
static int tell_phrase(const Fts5ExtensionApi *api, Fts5Context *fts, int phrase,
                       struct sc_buf *out)
{
    Fts5PhraseIter it;
    int column = -1, offset = -1, count = 0, size = SC_MIN(api->xPhraseSize(fts, phrase), 255);
    int rc = api->xPhraseFirst(fts, phrase, &it, &column, &offset);
    for (; rc == SQLITE_OK && column >= 0; api->xPhraseNext(fts, &it, &column, &offset)) {
        uint32_t at = (uint32_t)offset;
        unsigned char place[SC_TOKENIZER_PLACE] = { (unsigned char)size, at & 0xFF, at >> 8 & 0xFF,
                                                    at >> 16 & 0xFF, at >> 24 & 0xFF };
        if (++count <= PLACES_MAX)
            sc_buf_append(out, place, sizeof(place));
    }
    out->ptr[1 + phrase] = (char)SC_MIN(count, UINT8_MAX);
    return rc;
}

/* scripta_places. bm25() would walk the whole index for each phrase, to know how common it is, and
 * highlight() would look the row up again. */
static void tell_places(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *ctx,
                        int arg_count, sqlite3_value **args)
{
    static const char none[SC_TOKENIZER_PHRASES];
    (void)arg_count;
    (void)args;
    SC_AUTO_BUF out = { 0 };
    int phrases = SC_MIN(api->xPhraseCount(fts), SC_TOKENIZER_PHRASES), rc = SQLITE_OK;
    sc_buf_putc(&out, (char)phrases);
    sc_buf_append(&out, none, (size_t)phrases);
    for (int i = 0; rc == SQLITE_OK && !out.failed && i < phrases; i++)
        rc = tell_phrase(api, fts, i, &out);
    if (rc == SQLITE_OK && out.failed)
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        sqlite3_result_blob(ctx, out.ptr, (int)out.len, SQLITE_TRANSIENT);
    else
        sqlite3_result_error_code(ctx, rc);
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
    fts5_tokenizer signs = {
        .xCreate = create_signs,
        .xDelete = delete_signs,
        .xTokenize = tokenize_signs,
    };
    if (api->xCreateTokenizer(api, "scripta", api, &m, NULL) != SQLITE_OK ||
        api->xCreateTokenizer(api, "scripta_signs", NULL, &signs, NULL) != SQLITE_OK ||
        api->xCreateFunction(api, "scripta_places", NULL, tell_places, NULL) != SQLITE_OK)
        return sc_error_set(err, SC_E_STORE_ERROR, "cannot register the tokenizers");
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

struct sc_tokenizer_words {
    sqlite3 *db;
    Fts5Tokenizer *instance;
};

struct sc_tokenizer_words *sc_tokenizer_words_new(void)
{
    struct sc_tokenizer_words *w = sc_alloc(sizeof(*w));
    sc_assert(sqlite3_open(":memory:", &w->db) == SQLITE_OK);
    fts5_api *api = find_api(w->db);
    sc_assert(api != NULL && create_tokenizer(api, NULL, 0, &w->instance) == SQLITE_OK);
    return w;
}

void sc_tokenizer_words_run(struct sc_tokenizer_words *words, struct sc_str text, bool plain,
                            sc_token_fn fn, void *ctx)
{
    const struct tokenizer *t = (const struct tokenizer *)words->instance;
    struct listener listener = { fn, ctx };
    int rc = plain ? t->words.xTokenize(t->instance, &listener, FTS5_TOKENIZE_DOCUMENT, text.ptr,
                                        (int)text.len, listen_token)
                   : tokenize(words->instance, &listener, FTS5_TOKENIZE_DOCUMENT, text.ptr,
                              (int)text.len, listen_token);
    if (rc != SQLITE_OK)
        sc_out_of_memory(); /* its only reason to fail */
}

void sc_tokenizer_words_free(struct sc_tokenizer_words *words)
{
    if (words == NULL)
        return;
    delete_tokenizer(words->instance);
    (void)sqlite3_close(words->db);
    free(words);
}

enum sc_code sc_tokenizer_run(struct sc_str text, bool query, sc_token_fn fn, void *ctx,
                              struct sc_error *err)
{
    struct sc_tokenizer_words *words = sc_tokenizer_words_new();
    struct listener listener = { fn, ctx };
    int rc =
        tokenize(words->instance, &listener, query ? FTS5_TOKENIZE_QUERY : FTS5_TOKENIZE_DOCUMENT,
                 text.ptr, (int)text.len, listen_token);
    sc_tokenizer_words_free(words);
    return rc == SQLITE_OK
               ? SC_OK
               : sc_error_set(err, SC_E_STORE_ERROR, "cannot tokenize: %s", sqlite3_errstr(rc));
}

void sc_tokenizer_run_signs(struct sc_str text, sc_token_fn fn, void *ctx)
{
    struct listener listener = { fn, ctx };
    (void)tokenize_signs(NULL, &listener, FTS5_TOKENIZE_DOCUMENT, text.ptr, (int)text.len,
                         listen_token);
}
