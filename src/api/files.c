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
    for (const char *p = place->name; *p != '\0'; p++)
        sc_buf_printf(out, "%02x", (unsigned)(unsigned char)*p);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_name(struct sc_str text, char *out, size_t size)
{
    if (text.len % 2 != 0 || text.len / 2 >= size)
        return false;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        out[i] = (char)(high << 4 | low);
    }
    out[text.len / 2] = '\0';
    return true;
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
        !parse_name(rest, place.name, sizeof(place.name)))
        return false;
    place.value--;
    sc_file_cursor_put(&again, sort, &place);
    if (!sc_str_equal(sc_buf_str(&again), text))
        return false; /* a cursor has one spelling */
    *out = place;
    return true;
}

/* ---- filters ---- */

/* What the filter borrows. */
struct asked {
    char *hash, *name, *format; /* owned; NULL: not given */
};

static void asked_done(struct asked *a)
{
    free(a->hash);
    free(a->name);
    free(a->format);
}

static bool is_hash(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (hex_digit(text.ptr[i]) < 0)
            return false;
    }
    return text.len == SC_SHA256_TEXT - 1;
}

static const char *copy_query(struct sc_request *req, const char *name, char **out)
{
    struct sc_str text = sc_request_query(req, name);
    if (text.ptr != NULL)
        *out = sc_strndup(text.ptr, text.len);
    return *out;
}

static enum sc_code decode_sort(struct sc_request *req, struct sc_file_filter *f,
                                struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, "sort");
    char quoted[SC_QUOTED_TEXT];
    if (text.ptr == NULL)
        return SC_OK;
    for (int i = 0; i < SC_FILE_SORT_COUNT_; i++) {
        if (text.len > 0 && sc_str_equal(text, sc_str_from(sorts[i].name))) {
            f->sort = (enum sc_file_sort)i;
            return SC_OK;
        }
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, "sort",
                          "sort '%s' is none of uploaded_at, size_bytes, duration_seconds, "
                          "original_name, each also with -",
                          sc_quote(text, quoted));
}

static enum sc_code decode_page(struct sc_request *req, struct sc_file_filter *f,
                                struct sc_error *err)
{
    struct sc_str cursor = sc_request_query(req, "cursor");
    f->limit = SC_LIMIT_DEFAULT;
    enum sc_code code = sc_query_limit(req, &f->limit, err);
    if (code != SC_OK || cursor.ptr == NULL || sc_file_cursor_parse(f->sort, cursor, &f->after))
        return code;
    return sc_refuse_sorted_cursor(cursor, err);
}

static enum sc_code decode_filter(struct sc_request *req, struct sc_file_filter *f,
                                  struct asked *asked, struct sc_error *err)
{
    static const char *const names[] = { "hash",  "name",   "format",  "since",
                                         "until", "unused", "damaged", "archived",
                                         "sort",  "limit",  "cursor",  NULL };
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = sc_query_time(req, "since", &f->since_ms, err);
    if (code == SC_OK)
        code = sc_query_time(req, "until", &f->until_ms, err);
    if (code == SC_OK)
        code = sc_query_flag(req, "unused", &f->unused, err);
    if (code == SC_OK)
        code = sc_query_flag(req, "damaged", &f->damaged, err);
    if (code == SC_OK)
        code = sc_query_flag(req, "archived", &f->archived, err);
    if (code == SC_OK)
        code = decode_sort(req, f, err);
    if (code == SC_OK)
        code = decode_page(req, f, err);
    if (code != SC_OK)
        return code;
    struct sc_str hash = sc_request_query(req, "hash");
    if (hash.ptr != NULL && !is_hash(hash)) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "hash",
                              "hash must be a SHA-256 in 64 lower-case hexadecimal digits");
    }
    f->hash = copy_query(req, "hash", &asked->hash);
    f->name = copy_query(req, "name", &asked->name);
    f->format = copy_query(req, "format", &asked->format);
    return SC_OK;
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
    struct sc_file_filter filter = { .owner_id = sc_api_owner(req) };
    enum sc_code code = decode_filter(req, &filter, &asked, &err);
    if (code == SC_OK)
        code = write_page(api, &filter, "files", add_file, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_duplicates(struct sc_request *req, struct sc_api *api)
{
    static const char *const names[] = { "limit", "cursor", NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_file_filter filter = { .owner_id = sc_api_owner(req), .sort = SC_FILE_SAVED };
    enum sc_code code = sc_query_only(req, names, &err);
    if (code == SC_OK)
        code = decode_page(req, &filter, &err);
    if (code == SC_OK)
        code = write_page(api, &filter, "duplicates", add_duplicate, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- one file ---- */

enum sc_code sc_api_find_file(struct sc_request *req, struct sc_api *api, struct sc_conn **conn,
                              struct sc_file *out, struct sc_error *err)
{
    int64_t id;
    enum sc_code code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, conn, err);
    return code == SC_OK ? sc_file_find(*conn, sc_api_owner(req), id, out, err) : code;
}

struct sc_done *sc_api_file_show(struct sc_request *req, struct sc_api *api)
{
    static const char *const none[] = { NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_query_only(req, none, &err);
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
    sc_json_text(&page->w, "name", row->name);
    sc_json_text(&page->w, "source", row->source);
    sc_json_time(&page->w, "uploaded_at", row->at_ms);
    sc_json_end(&page->w);
    return SC_OK;
}

struct sc_done *sc_api_file_uploads(struct sc_request *req, struct sc_api *api)
{
    static const char *const names[] = { "limit", "cursor", NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_arrival_filter filter = { .file_id = 0 };
    enum sc_code code = sc_query_only(req, names, &err);
    if (code == SC_OK)
        code = sc_query_page(req, SC_CURSOR_UPLOAD, &filter.limit, &filter.before_id, &err);
    if (code == SC_OK)
        code = sc_api_find_file(req, api, &conn, &file, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_page page;
    sc_page_begin(&page, &body, "uploads", filter.limit);
    filter.file_id = file.id;
    filter.limit++;
    code = sc_file_arrivals(conn, &filter, add_arrival, &page, &err);
    sc_page_end(&page, SC_CURSOR_UPLOAD);
    return sc_api_answer(req, code, &err, 200, &body);
}
