/* GET /api/search: what was said. */

#include "api/search.h"

#include "api/api-internal.h"

#include "base/clock.h"
#include "base/language.h"
#include "library/names.h"
#include "library/query.h"
#include "library/search.h"

#include "base/banned.h"

#define LIMIT_DEFAULT 20
#define HITS_DEFAULT 3
#define CONTEXT_DEFAULT 10
#define SUM_DIGITS 8

enum mode { MODE_WORDS, MODE_SUBSTRING };
static const char *const modes[] = { "words", "substring" };
static const char *const sorts[SC_SEARCH_SORT_COUNT_] = {
    [SC_SEARCH_RANK] = "rank", [SC_SEARCH_NEWEST] = "newest"
};
static const char *const states[] = { "partial", "complete" };

static const char *mode_word(int index)
{
    return index < (int)SC_ARRAY_LEN(modes) ? modes[index] : NULL;
}

static const char *sort_word(int index)
{
    return index < SC_SEARCH_SORT_COUNT_ ? sorts[index] : NULL;
}

static const char *state_word(int index)
{
    return index < (int)SC_ARRAY_LEN(states) ? states[index] : NULL;
}

enum where { IN_TEXT, IN_NAMES };
static const char *const places[] = { "text", "names" };

static const char *place_word(int index)
{
    return index < (int)SC_ARRAY_LEN(places) ? places[index] : NULL;
}

struct asked {
    struct sc_str q, cursor, job;
    int in; /* enum where */
    struct sc_search_filter filter;
    int mode, sort, limit; /* enum mode, sc_search_sort */
    int64_t hits, context;
    struct sc_str cursor_sum; /* of the search that the cursor is of */
    char sum[SUM_DIGITS + 1]; /* of this one */
    char job_id[SC_UUID_TEXT];
    char language[SC_LANGUAGE_TEXT]; /* that filter.language borrows */
};

static struct asked nothing_asked(void)
{
    return (struct asked){
        .filter = { .status = -1, .complete = -1 },
        .limit = LIMIT_DEFAULT,
        .hits = HITS_DEFAULT,
        .context = CONTEXT_DEFAULT,
    };
}

static enum sc_code read_job(const struct sc_query_field *field, struct sc_str text, void *at,
                             struct sc_error *err)
{
    char id[SC_UUID_TEXT];
    (void)field;
    enum sc_code code = sc_job_id_parse(text, id, err);
    if (code == SC_OK)
        *(struct sc_str *)at = text;
    return code;
}

/* By its code or its name, as jobs take it. */
static enum sc_code read_language(const struct sc_query_field *field, struct sc_str text, void *at,
                                  struct sc_error *err)
{
    struct asked *asked = (void *)((char *)at - field->offset);
    enum sc_code code = sc_query_language(field, text, asked->language, err);
    if (code == SC_OK && strcmp(asked->language, "auto") == 0)
        code = sc_error_field(err, SC_E_INVALID_VALUE, field->name, "no such language: 'auto'");
    if (code == SC_OK)
        *(struct sc_str *)at = sc_str_from(asked->language);
    return code;
}

/* A cursor goes with the order, which has been read before it. Behind it stands the sum of its
 * search. */
static enum sc_code read_cursor(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    struct sc_search_place place;
    struct asked *asked = (void *)((char *)at - field->offset);
    struct sc_str sum = text, where = sc_str_take_until(&sum, '.');
    if (!sc_search_place_parse((enum sc_search_sort)asked->sort, where, &place))
        return sc_query_refuse_cursor(text, err);
    *(struct sc_str *)at = where;
    asked->cursor_sum = sum;
    return SC_OK;
}

#define ROW(kind, member, name, ...) SC_QUERY_ROW(kind, struct asked, member, name, __VA_ARGS__)
static const struct sc_query_field fields[] = {
    ROW(TEXT, q, "q", .required = true,
        .help = "What to look for: words, \"phrases\", prefixes\\*, AND OR NOT - and parentheses; "
                "with `mode=substring` the text as it stands",
        .example = "alpha%20OR%20bravo"),
    ROW(WORD, mode, "mode", .words = mode_word,
        .help = "`substring`: parts of words too, in every script; `words` unless given",
        .example = "words"),
    ROW(WORD, in, "in", .words = place_word,
        .help = "`names`: in names of files, and notes of files, jobs and transcripts, by words; "
                "`text` unless given",
        .example = "text"),
    ROW(WORD, sort, "sort", .words = sort_word,
        .help = "The best or the newest first; `rank` unless given", .example = "rank"),
    ROW(OWN, filter.language, "language", .read = read_language,
        .help = "Of the transcript, its code or English name", .example = "en"),
    ROW(TEXT, filter.speaker, "speaker", .help = "Who says it"),
    ROW(TEXT, filter.tag, "tag", .help = "With this tag, or its file or job"),
    ROW(NUMBER, filter.file_id, "file_id", .help = "Of this recording", .example = "1"),
    ROW(OWN, job, "job_id", .format = "uuid", .read = read_job, .help = "Of this job"),
    ROW(WORD, filter.status, "status", .words = sc_words_job_state, .help = "Of the job"),
    ROW(WORD, filter.complete, "is", .words = state_word,
        .help = "`partial`: jobs are still at work on them", .example = "complete"),
    ROW(TIME, filter.since_ms, "since", .help = "Made from this time on", .example = "7d"),
    ROW(TIME, filter.until_ms, "until", .help = "Made before this time"),
    ROW(SECONDS, filter.longer_ms, "longer", .help = "At least so many seconds long",
        .example = "1"),
    ROW(SECONDS, filter.shorter_ms, "shorter", .help = "At most so many seconds long"),
    ROW(NUMBER, hits, "hits", .min = 1, .max = SC_SEARCH_HITS_MAX,
        .help = "Hits that are shown of each transcript; 3 unless given", .example = "3"),
    ROW(NUMBER, context, "context", .min = 0, .max = SC_SEARCH_CONTEXT_MAX,
        .help = "Words around a hit, on each side; 10 unless given", .example = "10"),
    ROW(LIMIT, limit, "limit", .min = 1, .max = 100,
        .help = "How many transcripts; 20 unless given", .example = "20"),
    ROW(OWN, cursor, "cursor", .read = read_cursor,
        .help = SC_QUERY_CURSOR_HELP ", with the same search"),
};
#undef ROW
static const struct sc_query query = SC_QUERY(fields);

/* What a page of the same search may have another of. */
static bool is_of_page(const char *name)
{
    static const char *const names[] = { "hits", "context", "limit", "cursor" };
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Of the search as it was asked for: '7d' is another time with each page. */
static void sum_up(struct sc_request *req, struct asked *asked)
{
    char digits[SC_SHA256_TEXT];
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(fields); i++) {
        struct sc_str value = sc_request_query(req, fields[i].name);
        if (value.ptr == NULL || is_of_page(fields[i].name))
            continue;
        sc_hash_update(sum, fields[i].name, strlen(fields[i].name) + 1);
        sc_hash_update(sum, value.ptr, value.len);
        sc_hash_update(sum, "", 1);
    }
    sc_hash_hex(sum, digits);
    (void)snprintf(asked->sum, sizeof(asked->sum), "%.8s", digits);
}

static enum sc_code check_cursor(const struct asked *asked, struct sc_error *err)
{
    if (asked->cursor.ptr == NULL || sc_str_equal(asked->cursor_sum, sc_str_from(asked->sum)))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "cursor",
                          "the cursor is of another search: give it with the same one, or leave it "
                          "out");
}

/* ---- conditions within the text ---- */

/* Each is a parameter too. */
static const char *const parameters[SC_CONDITION_COUNT_] = {
    [SC_CONDITION_SPEAKER] = "speaker", [SC_CONDITION_LANGUAGE] = "language",
    [SC_CONDITION_FILE] = "file_id",    [SC_CONDITION_JOB] = "job_id",
    [SC_CONDITION_TAG] = "tag",         [SC_CONDITION_SINCE] = "since",
    [SC_CONDITION_UNTIL] = "until",     [SC_CONDITION_LONGER] = "longer",
    [SC_CONDITION_SHORTER] = "shorter", [SC_CONDITION_STATUS] = "status",
    [SC_CONDITION_IS] = "is",
};

static const struct sc_query_field *field_named(const char *name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

static enum sc_code read_conditions(const struct sc_match *match, struct asked *asked,
                                    struct sc_error *err)
{
    for (int i = 0; i < SC_CONDITION_COUNT_; i++) {
        struct sc_error why = { 0 };
        struct sc_str value = match->conditions[i].value;
        const struct sc_query_field *field = field_named(parameters[i]);
        sc_assert(field != NULL);
        if (value.ptr != NULL &&
            field->read(field, value, (char *)asked + field->offset, &why) != SC_OK)
            return sc_match_refuse(err, match->conditions[i].column, "%s", why.msg);
    }
    return SC_OK;
}

/* ---- the page ---- */

struct words {
    struct sc_match match;
    struct sc_buf folded, parts;
};

static void words_done(struct words *w)
{
    sc_match_done(&w->match);
    sc_buf_done(&w->folded);
    sc_buf_done(&w->parts);
}

static enum sc_code compile(struct asked *asked, struct words *words, struct sc_search *search,
                            struct sc_error *err)
{
    enum sc_code code;
    search->parts = asked->mode == MODE_SUBSTRING;
    if (search->parts) {
        code =
            sc_match_compile_part(asked->q, search->owner_id, &words->folded, &words->parts, err);
        search->match = words->parts.len > 0 ? sc_buf_text(&words->parts) : NULL;
        search->folded = sc_buf_str(&words->folded);
    } else {
        code = sc_match_compile(asked->q, search->owner_id, &words->match, err);
        search->match = sc_buf_text(&words->match.text);
        if (code == SC_OK)
            code = read_conditions(&words->match, asked, err);
    }
    return code;
}

static enum sc_code find_job(struct sc_conn *conn, struct asked *asked, int64_t owner_id,
                             struct sc_error *err)
{
    char id[SC_UUID_TEXT];
    SC_AUTO_JOB job = { 0 };
    if (asked->job.ptr == NULL)
        return SC_OK;
    enum sc_code code = sc_job_id_parse(asked->job, id, err);
    if (code == SC_OK)
        code = sc_job_find(conn, owner_id, id, &job, err);
    asked->filter.job = job.id;
    return code;
}

static enum sc_code add_group(void *ctx, const struct sc_search_group *group, struct sc_error *err)
{
    struct sc_json *w = ctx;
    (void)err;
    sc_search_group_view(w, NULL, group);
    return SC_OK;
}

static void add_name(void *ctx, const struct sc_name_hit *hit)
{
    struct sc_json *w = ctx;
    sc_search_name_view(w, NULL, hit);
}

/* What names and notes cannot be asked for. */
static enum sc_code check_names(const struct asked *asked, struct sc_error *err)
{
    if (asked->in != IN_NAMES)
        return SC_OK;
    if (asked->filter.speaker.ptr != NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, "speaker",
                              "nobody speaks in names and notes: leave speaker out, or search the "
                              "text");
    if (asked->mode == MODE_SUBSTRING)
        return sc_error_field(err, SC_E_INVALID_VALUE, "mode",
                              "names and notes are searched by words: leave mode=substring out; "
                              "a word that ends in * finds longer ones");
    return SC_OK;
}

/* One of the two lists stays empty. */
static enum sc_code write_page(struct sc_conn *conn, const struct sc_search *search,
                               const struct asked *asked, struct sc_buf *body, struct sc_error *err)
{
    bool names = asked->in == IN_NAMES;
    struct sc_json w;
    struct sc_search_end end = { .more = false };
    SC_AUTO_BUF cursor = { 0 };
    enum sc_code code = SC_OK;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "results");
    if (!names)
        code = sc_search_run(conn, search, add_group, &w, &end, err);
    sc_json_end(&w);
    sc_json_array(&w, "names");
    if (names)
        code = sc_name_search(conn, search, add_name, &w, &end, err);
    sc_json_end(&w);
    if (end.more) {
        sc_search_place_put(&cursor, search->sort, &end.next);
        sc_buf_printf(&cursor, ".%s", asked->sum);
    }
    sc_search_end_fields(&w, &end, end.more ? sc_buf_text(&cursor) : NULL);
    sc_json_end(&w);
    return code;
}

static enum sc_code run(struct sc_api *api, struct asked *asked, struct sc_search *search,
                        struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO(words_done) struct words words = { .folded = { 0 } };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = compile(asked, &words, search, err);
    if (code == SC_OK)
        code = check_names(asked, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = find_job(conn, asked, search->owner_id, err);
    if (code != SC_OK)
        return code;
    search->filter = asked->filter;
    search->deadline_ms = sc_clock_mono_ms() + SC_SEARCH_WALK_MS;
    return write_page(conn, search, asked, body, err);
}

struct sc_done *sc_api_search(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct asked asked = nothing_asked();
    enum sc_code code = sc_query_read(req, &query, &asked, &err);
    sum_up(req, &asked);
    if (code == SC_OK)
        code = check_cursor(&asked, &err);
    struct sc_search search = {
        .owner_id = sc_api_owner(req),
        .sort = (enum sc_search_sort)asked.sort,
        .limit = asked.limit,
        .hits = (int)asked.hits,
        .context = (int)asked.context,
    };
    if (code == SC_OK && asked.cursor.ptr != NULL)
        (void)sc_search_place_parse(search.sort, asked.cursor, &search.after); /* read_cursor did */
    if (code == SC_OK)
        code = run(api, &asked, &search, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- kept by somebody ---- */

static enum sc_code check_member(const char *key, const struct sc_json_value *value,
                                 struct asked *into, struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    const struct sc_query_field *field = field_named(key);
    const char *text = sc_json_get_text(value, NULL);
    if (field == NULL || strcmp(key, "cursor") == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "search",
                              "search has no '%s': see GET /api/search",
                              sc_quote(sc_str_from(key), quoted));
    if (text == NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, "search", "search: %s must be a text",
                              field->name);
    return field->read(field, sc_str_from(text), (char *)into + field->offset, err);
}

enum sc_code sc_search_check(const struct sc_json_value *object, struct sc_error *err)
{
    SC_AUTO(words_done) struct words words = { .folded = { 0 } };
    struct sc_search search = { .owner_id = 1 };
    struct asked asked = nothing_asked();
    const char *key;
    const struct sc_json_value *value;
    for (void *at = sc_json_next_member(object, NULL, &key, &value); at != NULL;
         at = sc_json_next_member(object, at, &key, &value)) {
        enum sc_code code = check_member(key, value, &asked, err);
        if (code != SC_OK)
            return code;
    }
    if (asked.q.ptr == NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, "search", "search: q is missing");
    enum sc_code code = compile(&asked, &words, &search, err);
    return code == SC_OK ? check_names(&asked, err) : code;
}

SC_API_DOC(search) = {
    .query = &query,
    .replies = { { 200, &sc_shape_search } },
    .errors = { SC_E_JOB_NOT_FOUND },
};
