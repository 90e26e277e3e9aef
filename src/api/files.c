/* GET /api/files, its duplicates, one file and who brought it. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"

#include <inttypes.h>

#include "base/banned.h"

/* ---- cursors ---- */

/* The letter names the order, so that no cursor enters another order's list. */
static const struct {
    const char *name;
    char letter;
} sorts[SC_FILE_SORT_COUNT_] = {
    [SC_FILE_NEWEST] = { "-uploaded_at", 'n' },
    [SC_FILE_OLDEST] = { "uploaded_at", 'o' },
    [SC_FILE_LARGEST] = { "-size_bytes", 'l' },
    [SC_FILE_SMALLEST] = { "size_bytes", 's' },
    [SC_FILE_LONGEST] = { "-duration_seconds", 'd' },
    [SC_FILE_SHORTEST] = { "duration_seconds", 'u' },
    [SC_FILE_NAME_DOWN] = { "-original_name", 'z' },
    [SC_FILE_NAME_UP] = { "original_name", 'a' },
    [SC_FILE_SAVED] = { "", 'r' },
};

/* "fn", the id, the value, the name in hexadecimal; the value has 1 added, for it may be -1. */
void sc_file_cursor_put(struct sc_buf *out, enum sc_file_sort sort,
                        const struct sc_file_place *place)
{
    sc_buf_printf(out, "f%c%" PRIx64 "-%" PRIx64 "-", sorts[sort].letter, (uint64_t)place->id,
                  (uint64_t)(place->value + 1));
    sc_hex_text_put(out, place->name);
}

bool sc_file_cursor_parse(enum sc_file_sort sort, struct sc_str text, struct sc_file_place *out)
{
    struct sc_file_place place = { 0 };
    SC_AUTO_BUF again = { 0 };
    if (text.len < 2 || text.ptr[0] != 'f' || text.ptr[1] != sorts[sort].letter)
        return false;
    struct sc_str rest = { text.ptr + 2, text.len - 2 };
    if (!sc_hex_parse(sc_str_take_until(&rest, '-'), &place.id) || place.id == 0 ||
        !sc_hex_parse(sc_str_take_until(&rest, '-'), &place.value) ||
        !sc_hex_text_parse(rest, place.name, sizeof(place.name)))
        return false;
    place.value--;
    sc_file_cursor_put(&again, sort, &place);
    if (!sc_str_equal(sc_buf_str(&again), text))
        return false; /* a cursor has one spelling */
    *out = place;
    return true;
}

/* ---- filters ---- */

struct asked {
    struct sc_file_filter filter;
    int sort;                                      /* of the rows of sorts */
    struct sc_str hash, name, format, tag, cursor; /* as asked */
    char *owned[4];                                /* what the filter borrows of them */
};

static void asked_done(struct asked *a)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(a->owned); i++)
        free(a->owned[i]);
}

static bool is_hash(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return text.len == SC_SHA256_TEXT - 1;
}

static enum sc_code read_hash(const struct sc_query_field *field, struct sc_str text, void *at,
                              struct sc_error *err)
{
    if (!is_hash(text))
        return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                              "hash must be a SHA-256 in 64 lower-case hexadecimal digits");
    *(struct sc_str *)at = text;
    return SC_OK;
}

static const char *sort_word(int index)
{
    return index < SC_FILE_SAVED ? sorts[index].name : NULL;
}

/* A cursor goes with the order, which has been read before it. */
static enum sc_code read_cursor(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    struct asked *asked = (void *)((char *)at - field->offset);
    if (sc_file_cursor_parse((enum sc_file_sort)asked->sort, text, &asked->filter.after))
        return SC_OK;
    return sc_query_refuse_cursor(text, err);
}

#define CURSOR_ROW                                                         \
    SC_QUERY_ROW(OWN, struct asked, cursor, "cursor", .read = read_cursor, \
                 .help = SC_QUERY_CURSOR_HELP ", with the same order")
static const struct sc_query_field list_fields[] = {
    SC_QUERY_ROW(OWN, struct asked, hash, "hash", .read = read_hash,
                 .help = "SHA-256 of the bytes: 64 lower-case hexadecimal digits"),
    SC_QUERY_ROW(TEXT, struct asked, name, "name", .help = "The original name"),
    SC_QUERY_ROW(TEXT, struct asked, format, "format", .help = "What the bytes are",
                 .example = "mp3"),
    SC_QUERY_ROW(TEXT, struct asked, tag, "tag", .help = "With this tag", .example = "interview"),
    SC_QUERY_ROW(TIME, struct asked, filter.since_ms, "since",
                 .help = "First uploaded from this time on", .example = "7d"),
    SC_QUERY_ROW(TIME, struct asked, filter.until_ms, "until",
                 .help = "First uploaded before this time", .example = "2026-11-20"),
    SC_QUERY_ROW(FLAG, struct asked, filter.unused, "unused", .help = "No job refers to it"),
    SC_QUERY_ROW(FLAG, struct asked, filter.damaged, "damaged", .help = "Found missing or altered"),
    SC_QUERY_ROW(FLAG, struct asked, filter.archived, "archived", .help = "Moved to the archive"),
    SC_QUERY_ROW(WORD, struct asked, sort, "sort", .words = sort_word,
                 .help = "The order; `-uploaded_at` unless given", .example = "-size_bytes"),
    SC_QUERY_LIMIT_ROW(struct asked, filter.limit),
    CURSOR_ROW,
};
static const struct sc_query list_query = SC_QUERY(list_fields);

static const struct sc_query_field duplicate_fields[] = {
    SC_QUERY_LIMIT_ROW(struct asked, filter.limit),
    CURSOR_ROW,
};
static const struct sc_query duplicate_query = SC_QUERY(duplicate_fields);

static const char *own(struct sc_str text, char **out)
{
    if (text.ptr != NULL)
        *out = sc_strndup(text.ptr, text.len);
    return *out;
}

static enum sc_code decode_filter(struct sc_request *req, const struct sc_query *query,
                                  struct asked *asked, struct sc_error *err)
{
    struct sc_file_filter *f = &asked->filter;
    f->owner_id = sc_api_owner(req);
    f->limit = SC_LIMIT_DEFAULT;
    enum sc_code code = sc_query_read(req, query, asked, err);
    f->sort = (enum sc_file_sort)asked->sort;
    f->hash = own(asked->hash, &asked->owned[0]);
    f->name = own(asked->name, &asked->owned[1]);
    f->format = own(asked->format, &asked->owned[2]);
    f->tag = own(asked->tag, &asked->owned[3]);
    return code;
}

/* ---- pages ---- */

static bool walk_is_over(void *ctx)
{
    const int64_t *end_ms = ctx;
    return SC_FAULT("files.list") || sc_clock_mono_ms() >= *end_ms;
}

static enum sc_code add_file(void *ctx, const struct sc_file *file, struct sc_error *err)
{
    (void)err;
    sc_file_view(ctx, NULL, file);
    return SC_OK;
}

static enum sc_code add_duplicate(void *ctx, const struct sc_file *file, struct sc_error *err)
{
    struct sc_json *w = ctx;
    (void)err;
    sc_json_object(w, NULL);
    sc_json_int(w, "file_id", file->id);
    sc_json_text(w, "file_hash", file->file_hash);
    sc_json_text(w, "original_name", file->original_name);
    sc_json_int(w, "count", file->arrivals);
    sc_json_int(w, "size_bytes", file->size_bytes);
    sc_json_int(w, "saved_bytes", (file->arrivals - 1) * file->size_bytes);
    sc_json_end(w);
    return SC_OK;
}

static enum sc_code write_page(struct sc_api *api, struct sc_file_filter *f, const char *name,
                               sc_file_fn add, struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_BUF cursor = { 0 };
    struct sc_file_page_end end = { .more = false };
    struct sc_json w;
    int64_t end_ms = sc_clock_mono_ms() + SC_LIST_WALK_MS;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code != SC_OK)
        return code;
    f->spent = walk_is_over;
    f->spent_ctx = &end_ms;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, name);
    code = sc_file_list(conn, f, add, &w, &end, err);
    sc_json_end(&w);
    if (end.more)
        sc_file_cursor_put(&cursor, f->sort, &end.next);
    sc_json_text(&w, "next_cursor", end.more ? sc_buf_text(&cursor) : NULL);
    sc_json_bool(&w, "partial", end.partial);
    sc_json_end(&w);
    return code;
}

struct sc_done *sc_api_file_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(asked_done) struct asked asked = { 0 };
    enum sc_code code = decode_filter(req, &list_query, &asked, &err);
    if (code == SC_OK)
        code = write_page(api, &asked.filter, "files", add_file, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_duplicates(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(asked_done) struct asked asked = { .sort = SC_FILE_SAVED };
    enum sc_code code = decode_filter(req, &duplicate_query, &asked, &err);
    if (code == SC_OK)
        code = write_page(api, &asked.filter, "duplicates", add_duplicate, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- one file ---- */

static enum sc_code find_file(struct sc_request *req, struct sc_conn *conn, struct sc_file *out,
                              struct sc_error *err)
{
    int64_t id;
    enum sc_code code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, err);
    return code == SC_OK ? sc_file_find(conn, sc_api_owner(req), id, out, err) : code;
}

enum sc_code sc_api_find_file(struct sc_request *req, struct sc_api *api, struct sc_conn **conn,
                              struct sc_file *out, struct sc_error *err)
{
    enum sc_code code = sc_store_read(api->options.store, conn, err);
    return code == SC_OK ? find_file(req, *conn, out, err) : code;
}

struct sc_done *sc_api_file_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_api_find_file(req, api, &conn, &file, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_file_view(&w, NULL, &file);
    return sc_api_answer(req, SC_OK, &err, 200, &body);
}

static enum sc_code add_arrival(void *ctx, const struct sc_arrival_row *row, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (!sc_page_take(page, row->id))
        return SC_OK;
    sc_json_object(&page->w, NULL);
    sc_json_int(&page->w, "id", row->id);
    sc_json_int(&page->w, "file_id", row->file_id);
    sc_json_text(&page->w, "name", row->name);
    sc_json_text(&page->w, "source", row->source);
    sc_json_text(&page->w, "by", row->by);
    sc_json_time(&page->w, "uploaded_at", row->at_ms);
    sc_json_end(&page->w);
    return SC_OK;
}

static const struct sc_query_field upload_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_UPLOAD) };
static const struct sc_query upload_query = SC_QUERY(upload_fields);

static enum sc_code arrival_rows(struct sc_request *req, struct sc_conn *conn,
                                 const struct sc_query_page *asked, struct sc_page *page,
                                 struct sc_error *err)
{
    SC_AUTO_FILE file = { 0 };
    enum sc_code code = find_file(req, conn, &file, err);
    if (code != SC_OK)
        return code;
    const struct sc_arrival_filter filter = {
        .file_id = file.id,
        .before_id = asked->before,
        .limit = asked->limit,
    };
    return sc_file_arrivals(conn, &filter, add_arrival, page, err);
}

struct sc_done *sc_api_file_uploads(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "uploads", SC_CURSOR_UPLOAD, &upload_query, arrival_rows };
    return sc_list_answer(req, api, &list, NULL);
}

/* ---- described ---- */

SC_API_DOC(file_list) = { .query = &list_query, .replies = { { 200, &sc_shape_files } } };

SC_API_DOC(file_duplicates) = {
    .query = &duplicate_query,
    .replies = { { 200, &sc_shape_duplicates } },
};

SC_API_DOC(file_show) = {
    .replies = { { 200, &sc_shape_file } },
    .errors = { SC_E_FILE_NOT_FOUND },
};

SC_API_DOC(file_uploads) = {
    .query = &upload_query,
    .replies = { { 200, &sc_shape_arrivals } },
    .errors = { SC_E_FILE_NOT_FOUND },
};
