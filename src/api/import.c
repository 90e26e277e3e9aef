/* Transcripts that somebody brings: a new version of one, or a new one of a recording. */

#include "api/content.h"
#include "api/edits.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/language.h"
#include "library/edit.h"
#include "library/import.h"
#include "transcript/compare.h"
#include "transcript/reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "base/banned.h"

#define OFFSET_MAX_S 360000.0 /* as for exports: 100 hours */
#define WARNINGS_MAX 12       /* one of each kind */
#define NAMES_SHOWN 4
#define ROLLING_MS 50 /* between cues that roll on */

enum warning {
    WARN_BEHIND_END,
    WARN_OVERLAPS,
    WARN_UNTIMED,
    WARN_LANGUAGE,
    WARN_SPEAKERS,
    WARN_NO_END,
    WARN_BACKWARDS,
    WARN_BEFORE_START,
    WARN_WORDS_OUTSIDE,
    WARN_REORDERED,
    WARN_REPEATS,
    WARN_ROLLING,
    WARNING_COUNT_
};

static const char *warning_word(int index)
{
    static const char *const words[] = { "BEHIND_END",    "OVERLAPS",  "UNTIMED",   "LANGUAGE",
                                         "SPEAKERS",      "NO_END",    "BACKWARDS", "BEFORE_START",
                                         "WORDS_OUTSIDE", "REORDERED", "REPEATS",   "ROLLING" };
    return index < WARNING_COUNT_ ? words[index] : NULL;
}

struct asked {
    struct sc_str format, language, note;
    int64_t base_version; /* 0: not given */
    int64_t offset_ms;
    bool speakers, dry_run;
    int rolling; /* enum sc_rolling */
};

static enum sc_code read_offset(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    double seconds;
    if (!sc_str_to_double(text, &seconds) || !(fabs(seconds) <= OFFSET_MAX_S))
        return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                              "%s is not a number of seconds from -360000 to 360000", field->name);
    *(int64_t *)at = (int64_t)llround(seconds * 1000);
    return SC_OK;
}

#define COMMON_ROWS                                                                              \
    SC_QUERY_ROW(TEXT, struct asked, format, "format",                                           \
                 .help = "What the body is; guessed unless given", .example = "srt"),            \
        { .name = "offset",                                                                      \
          SC_QUERY_OWN,                                                                          \
          .read = read_offset,                                                                   \
          .offset = offsetof(struct asked, offset_ms),                                           \
          .help = "Seconds added to every time; may be negative",                                \
          .example = "-1.5" },                                                                   \
        SC_QUERY_ROW(FLAG, struct asked, speakers, "speakers",                                   \
                     .help = "Keep the names of speakers; on unless given", .example = "true"),  \
        SC_QUERY_ROW(WORD, struct asked, rolling, "rolling", .words = sc_rolling_word,           \
                     .help = "What `srt` and `vtt` repeat as rolling captions do; `auto` "       \
                             "unless given: collapsed where the whole file rolls",               \
                     .example = "keep"),                                                         \
        SC_QUERY_ROW(FLAG, struct asked, dry_run, "dry_run", .help = "Only say what would come", \
                     .example = "true")

static const struct sc_query_field version_fields[] = {
    COMMON_ROWS,
    SC_QUERY_ROW(NUMBER, struct asked, base_version, "base_version", .min = 1, .max = INT32_MAX,
                 .help = "The version that the file was made of; the current one unless given",
                 .example = "1"),
    SC_QUERY_ROW(TEXT, struct asked, note, "change_note", .help = "Why", .example = "proofread"),
};
static const struct sc_query version_query = SC_QUERY(version_fields);

static const struct sc_query_field file_fields[] = {
    COMMON_ROWS,
    SC_QUERY_ROW(TEXT, struct asked, language, "language",
                 .help = "What is spoken; what the file says unless given", .example = "en"),
};
static const struct sc_query file_query = SC_QUERY(file_fields);

/* What was brought, and what is to come of it. */
struct import {
    struct asked asked;
    struct sc_str body;
    char *format; /* owned */
    struct sc_reading reading;
    char language[SC_LANGUAGE_TEXT];
    int64_t duration_ms; /* of the recording; -1: unknown */
    int64_t file_id, id;
    int version;      /* 0: none was made */
    const char *etag; /* NULL: not told */
    bool changed;
    struct {
        enum warning kind;
        char text[320];
    } warnings[WARNINGS_MAX];
    size_t warning_count;
};

static void import_done(struct import *im)
{
    free(im->format);
    sc_reading_done(&im->reading);
}

SC_PRINTF(3, 4) static void warn(struct import *im, enum warning kind, const char *fmt, ...)
{
    va_list args;
    if (im->warning_count == WARNINGS_MAX)
        return;
    im->warnings[im->warning_count].kind = kind;
    va_start(args, fmt);
    (void)vsnprintf(im->warnings[im->warning_count].text, sizeof(im->warnings[0].text), fmt, args);
    va_end(args);
    im->warning_count++;
}

/* ---- reading ---- */

static bool has_words(const struct sc_segments *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].text != NULL && s->items[i].text[0] != '\0')
            return true;
    }
    return false;
}

static enum sc_code read_body(struct import *im, struct sc_error *err)
{
    struct sc_str body = im->body, format = im->asked.format;
    free(im->format);
    im->format =
        format.ptr == NULL ? sc_strdup(sc_format_guess(body)) : sc_strndup(format.ptr, format.len);
    if (format.ptr == NULL && !sc_format_is_read(im->format))
        return sc_error_field(
            err, SC_E_INVALID_VALUE, "format",
            "the body looks like '%s', which cannot be read; send srt, vtt, json, "
            "csv, tsv or txt, or say what it is with format",
            im->format);
    const struct sc_read_how how = { im->asked.rolling, im->asked.speakers };
    enum sc_code code = sc_format_read_as(im->format, body, &how, &im->reading, err);
    if (code == SC_OK && !has_words(&im->reading.segments))
        return sc_error_field(
            err, SC_E_INVALID_VALUE, "text",
            "the file has no words; curl sends it as it is by --data-binary @FILE");
    for (size_t i = 0; code == SC_OK && !im->asked.speakers && i < im->reading.segments.count;
         i++) {
        free(im->reading.segments.items[i].speaker);
        im->reading.segments.items[i].speaker = NULL;
    }
    return code;
}

static enum sc_code set_language(struct import *im, struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    if (im->asked.language.ptr != NULL) {
        if (sc_language_tag(im->asked.language, im->language) && strcmp(im->language, "auto") != 0)
            return SC_OK;
        return sc_error_field(err, SC_E_INVALID_VALUE, "language", "no such language: '%s'",
                              sc_quote(im->asked.language, quoted));
    }
    struct sc_str said = sc_str_from(im->reading.language);
    bool known = sc_language_tag(said, im->language);
    if (said.len > 0 && !known)
        warn(im, WARN_LANGUAGE, "the file's language is not known: '%s'", sc_quote(said, quoted));
    if (!known || strcmp(im->language, "auto") == 0)
        im->language[0] = '\0';
    return SC_OK;
}

static enum sc_code move(struct import *im, struct sc_error *err)
{
    struct sc_segments *s = &im->reading.segments;
    int64_t first = s->items[0].start_ms, last = 0, by = im->asked.offset_ms;
    for (size_t i = 0; i < s->count; i++)
        last = SC_MAX(last, s->items[i].end_ms);
    if (first + by < 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "offset",
                              "offset moves the first segment (%.3f s) in front of the beginning",
                              (double)first / 1000);
    if (last + by > SC_SEGMENT_TIME_MAX)
        return sc_error_field(err, SC_E_INVALID_VALUE, "offset",
                              "offset moves segments behind the end of any recording");
    sc_segments_shift(s, by);
    return SC_OK;
}

/* Segments that begin with all that the one right in front of them says. */
static size_t count_repeats(const struct sc_segments *s)
{
    size_t repeats = 0;
    for (size_t i = 1; i < s->count; i++) {
        const struct sc_segment *was = &s->items[i - 1], *is = &s->items[i];
        repeats += is->start_ms - was->end_ms <= ROLLING_MS && was->text[0] != '\0' &&
                   sc_str_starts(sc_str_from(is->text), sc_str_from(was->text));
    }
    return repeats;
}

static void warn_of_rolling(struct import *im)
{
    const struct sc_read_doubts *d = &im->reading.doubts;
    const struct sc_segments *s = &im->reading.segments;
    size_t repeats = SC_MAX(count_repeats(s), d->rolling);
    if (im->reading.collapsed)
        warn(im, WARN_ROLLING,
             "%zu of %zu cues begin with lines of the one in front of them, as rolling captions "
             "do: each line is taken once; rolling=keep takes all",
             d->rolling, d->cues);
    else if (repeats > 1 && repeats * 4 >= s->count)
        warn(im, WARN_REPEATS,
             "%zu of %zu segments begin with what the one in front of them says, as rolling "
             "captions do: it stands there more than once%s",
             repeats, s->count, d->rolling > 0 ? "; rolling=collapse takes each line once" : "");
}

/* What the reader put right. */
static void warn_of_doubts(struct import *im)
{
    const struct sc_read_doubts *d = &im->reading.doubts;
    const struct {
        enum warning kind;
        size_t count;
        const char *says;
    } rows[] = {
        { WARN_BACKWARDS, d->backwards,
          "have times that run backwards: they end where they start" },
        { WARN_BEFORE_START, d->early,
          "have times in front of the recording's start: these are 0" },
        { WARN_WORDS_OUTSIDE, d->outside,
          "have words outside of their times: they last as long as these" },
        { WARN_REORDERED, d->moved,
          "begin before the one in front of them begins: they are in the order of time now" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (rows[i].count > 0)
            warn(im, rows[i].kind, "%zu of %zu segments %s", rows[i].count,
                 im->reading.segments.count, rows[i].says);
    }
    if (d->headings > 0)
        warn(
            im, WARN_SPEAKERS,
            "%zu lines are headings, of who speaks and since when; speakers=off leaves them in the "
            "text",
            d->headings);
    warn_of_rolling(im);
}

/* Nobody said when the last segment ends. */
static void end_last(struct import *im)
{
    const struct sc_segments *s = &im->reading.segments;
    if (!im->reading.open)
        return;
    sc_reading_end_at(&im->reading, im->duration_ms);
    bool whole = s->items[s->count - 1].end_ms == im->duration_ms;
    warn(im, WARN_NO_END, "the last segment has no end: it lasts %s",
         whole ? "until the recording ends" : "as long as its text takes to say");
}

static void warn_of_times(struct import *im)
{
    const struct sc_segments *s = &im->reading.segments;
    size_t behind = 0, overlaps = 0;
    end_last(im);
    warn_of_doubts(im);
    for (size_t i = 0; i < s->count; i++) {
        behind += im->duration_ms >= 0 && s->items[i].end_ms > im->duration_ms;
        overlaps += i > 0 && s->items[i].start_ms < s->items[i - 1].end_ms;
    }
    if (behind > 0)
        warn(im, WARN_BEHIND_END, "%zu of %zu segments end behind the recording, which has %.3f s",
             behind, s->count, (double)im->duration_ms / 1000);
    if (overlaps > 0)
        warn(im, WARN_OVERLAPS, "%zu of %zu segments begin before the one in front of them ends",
             overlaps, s->count);
}

static enum sc_code no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
}

/* Do names of speakers stand in the text? In WebVTT where it has no voices, as those of meetings,
 * and in plain text where no heading has them. */
static bool has_names(const struct import *im)
{
    const struct sc_segments *s = &im->reading.segments;
    bool voices = false;
    for (size_t i = 0; i < s->count; i++)
        voices = voices || s->items[i].speaker != NULL;
    return im->asked.speakers &&
           (strcmp(im->format, "srt") == 0 ||
            (!voices && (strcmp(im->format, "txt") == 0 || strcmp(im->format, "vtt") == 0)));
}

/* Names that stand in the text, of the formats that have them there; none with speakers=off. */
static bool find_names(struct import *im, const struct sc_segments *old, struct sc_names *out)
{
    if (!has_names(im))
        return true;
    if (!sc_names_find(old, &im->reading.segments, out))
        return false;
    SC_AUTO_BUF shown = { 0 };
    for (size_t i = 0; i < SC_MIN(out->fresh_count, NAMES_SHOWN); i++)
        sc_buf_printf(&shown, "%s'%s'", i == 0 ? "" : ", ", out->fresh[i]);
    if (out->fresh_count > NAMES_SHOWN)
        sc_buf_printf(&shown, " and %zu more", out->fresh_count - NAMES_SHOWN);
    if (out->fresh_count > 0)
        warn(im, WARN_SPEAKERS,
             "taken for names of speakers: %s; speakers=off leaves them in the text",
             sc_buf_text(&shown));
    return true;
}

/* What becomes of a text without times; some hold times that no reader knows. */
static void warn_untimed(struct import *im, const char *becomes)
{
    size_t clocks = im->reading.doubts.clocks;
    if (clocks > 1 && clocks * 4 >= im->reading.segments.count)
        warn(im, WARN_UNTIMED,
             "the file has no times that are read: %s; %zu of %zu lines hold some, which are words "
             "now: have its program write srt or vtt",
             becomes, clocks, im->reading.segments.count);
    else
        warn(im, WARN_UNTIMED, "the file has no times: %s", becomes);
}

/* Times and speakers of a new transcript. Words it has where the file tells their times. */
static enum sc_code settle_new(struct import *im, struct sc_error *err)
{
    struct sc_segments *s = &im->reading.segments;
    SC_AUTO_NAMES names = { 0 };
    if (!find_names(im, NULL, &names) || !sc_names_take(&names, names.as_exported, s))
        return no_memory(err);
    if (!im->reading.timed) {
        sc_segments_spread(s, 0, SC_MAX(im->duration_ms, 0));
        warn_untimed(im, "its text is spread over the recording");
    }
    enum sc_code code = move(im, err);
    if (code == SC_OK && im->reading.timed)
        warn_of_times(im);
    return code == SC_OK ? sc_segments_check(s, err) : code;
}

/* The same of a version: what the file does not say is what was there. */
static enum sc_code settle_version(struct import *im, const struct sc_segments *old,
                                   struct sc_error *err)
{
    struct sc_segments *s = &im->reading.segments;
    SC_AUTO_NAMES names = { 0 };
    if (!find_names(im, old, &names))
        return no_memory(err);
    if (im->reading.timed) {
        bool named = has_names(im);
        enum sc_code code = move(im, err);
        if (code != SC_OK)
            return code;
        warn_of_times(im);
        if (!sc_segments_adopt(old, named ? &names : NULL, s))
            return no_memory(err);
        return sc_segments_check(s, err);
    }
    warn_untimed(im, "its words have those of the words before");
    SC_AUTO_BUF text = { .limit = SIZE_MAX / 4 };
    sc_segments_text(s, &text);
    if (text.failed || !sc_segments_align(old, sc_buf_str(&text), &names, s))
        return no_memory(err);
    return sc_segments_check(s, err);
}

/* ---- answering ---- */

static void put_answer(const struct import *im, struct sc_buf *out)
{
    const struct sc_segments *s = &im->reading.segments;
    struct sc_json w;
    int64_t words = 0;
    for (size_t i = 0; i < s->count; i++)
        words += sc_segment_says(&s->items[i]);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    if (im->id == 0)
        sc_json_null(&w, "transcript_id");
    else
        sc_json_int(&w, "transcript_id", im->id);
    sc_json_int(&w, "file_id", im->file_id);
    if (im->version == 0)
        sc_json_null(&w, "version");
    else
        sc_json_int(&w, "version", im->version);
    sc_json_bool(&w, "changed", im->changed);
    sc_json_bool(&w, "dry_run", im->asked.dry_run);
    sc_json_text(&w, "format", im->format);
    sc_json_text(&w, "language", im->language[0] == '\0' ? NULL : im->language);
    sc_json_int(&w, "segment_count", (int64_t)s->count);
    sc_json_int(&w, "word_count", words);
    sc_json_seconds(&w, "start", s->count == 0 ? 0 : s->items[0].start_ms);
    sc_json_seconds(&w, "end", s->count == 0 ? 0 : s->items[s->count - 1].end_ms);
    sc_json_array(&w, "warnings");
    for (size_t i = 0; i < im->warning_count; i++) {
        sc_json_object(&w, NULL);
        sc_json_text(&w, "code", warning_word((int)im->warnings[i].kind));
        sc_json_text(&w, "message", im->warnings[i].text);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    if (im->etag != NULL)
        sc_json_text(&w, "etag", im->etag);
    sc_json_end(&w);
}

/* ---- a new version ---- */

/* Of what is current; a version that came meanwhile is planned for again, from the body on. */
static enum sc_code plan_version(struct sc_api *api, struct sc_edit_ask *a, void *ctx,
                                 struct sc_error *err)
{
    struct import *im = ctx;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_SEGMENTS old = { 0 };
    const struct sc_transcript *t = &a->draft.t;
    struct sc_save save = a->save;
    im->warning_count = 0;
    enum sc_code code = read_body(im, err);
    if (code != SC_OK)
        return code;
    sc_segments_text(&im->reading.segments, &a->mine); /* for the answer: also where it is stale */
    const struct sc_origin origin = { .engine = "import", .model = im->format };
    code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_draft_open(conn, &a->save, &a->draft, &a->saved, err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, t, t->version, &old, err);
    if (code != SC_OK)
        return code;
    im->id = t->id;
    im->file_id = t->file_id;
    im->duration_ms = t->duration_ms;
    (void)snprintf(im->language, sizeof(im->language), "%.*s", SC_LANGUAGE_TEXT - 1, t->language);
    code = settle_version(im, &old, err);
    save.base_version = t->version;
    save.origin = &origin;
    return code == SC_OK
               ? sc_edit_plan(conn, &save, &im->reading.segments, &a->edit, &a->saved, err)
               : code;
}

/* Before the body is read: who names no transcript need not hear of its faults. */
static enum sc_code find_transcript(struct sc_request *req, struct sc_api *api,
                                    struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    return code == SC_OK ? sc_content_find(req, conn, &t, err) : code;
}

struct sc_done *sc_api_transcript_import(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    char etag[SC_ETAG_TEXT];
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_EDIT_ASK ask = { 0 };
    SC_AUTO(import_done)
    struct import im = { .asked = { .speakers = true },
                         .body = sc_request_body(req),
                         .duration_ms = -1 };
    enum sc_code code = sc_query_read(req, &version_query, &im.asked, &err);
    ask.asked = (struct sc_edit_asked){ im.asked.base_version, im.asked.note };
    if (code == SC_OK)
        code = find_transcript(req, api, &err);
    if (code == SC_OK)
        code = sc_edit_ask_begin(req, &ask, SC_CHANGE_IMPORTED, &err);
    if (code == SC_OK)
        code = im.asked.dry_run ? plan_version(api, &ask, &im, &err)
                                : sc_edit_ask_run(api, &ask, plan_version, &im, &err);
    if (code != SC_OK)
        return sc_edit_answer(req, api, &ask, code, &err);
    im.changed = ask.saved.changed;
    if (!im.asked.dry_run) {
        im.version = ask.saved.version;
        im.etag = sc_edit_etag(req, im.id, im.version, etag);
    }
    put_answer(&im, &body);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- a new transcript ---- */

struct new_write {
    struct sc_import import;
    const struct sc_segments *segments;
    int64_t id;
};

static enum sc_code write_new(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct new_write *w = ctx;
    return sc_transcript_import(tx, &w->import, w->segments, sc_clock_wall_ms(), &w->id, err);
}

static enum sc_code find_file(struct sc_request *req, struct sc_api *api, struct import *im,
                              struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_FILE file = { 0 };
    enum sc_code code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &im->file_id, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_file_find(conn, sc_api_owner(req), im->file_id, &file, err);
    if (code == SC_OK)
        im->duration_ms = file.duration_ms;
    return code;
}

struct sc_done *sc_api_file_import(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(import_done)
    struct import im = { .asked = { .speakers = true },
                         .body = sc_request_body(req),
                         .changed = true };
    enum sc_code code = sc_query_read(req, &file_query, &im.asked, &err);
    if (code == SC_OK)
        code = find_file(req, api, &im, &err);
    if (code == SC_OK)
        code = read_body(&im, &err);
    if (code == SC_OK)
        code = set_language(&im, &err);
    if (code == SC_OK)
        code = settle_new(&im, &err);
    if (code == SC_OK && !im.asked.dry_run) {
        struct new_write w = {
            .import = { sc_api_owner(req), sc_api_owner(req), im.file_id, im.language, im.format },
            .segments = &im.reading.segments,
        };
        code = sc_store_write(api->options.store, SC_DURABLE, write_new, &w, &err);
        im.id = w.id;
        im.version = 1;
    }
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    put_answer(&im, &body);
    if (im.asked.dry_run)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_api_location(req, "/api/transcripts/%" PRId64, im.id);
    return sc_api_answer(req, code, &err, 201, &body);
}

/* ---- described ---- */

static const struct sc_json_field warning_fields[] = {
    SC_SHOW_WORDS(TEXT, "code", warning_word, "What it is about", "OVERLAPS"),
    SC_SHOW(TEXT, "message", "The same as a sentence",
            "2 of 14 segments begin before the one in front of them ends"),
};
static const struct sc_json_shape warning_shape = { .name = "ImportWarning",
                                                    SC_SHAPE_FIELDS(warning_fields) };
static const struct sc_json_field import_fields[] = {
    SC_SHOW(INT_OR_NULL, "transcript_id", "The transcript; null: none was made", "2"),
    SC_SHOW(INT, "file_id", "The recording", "1"),
    SC_SHOW(INT_OR_NULL, "version", "The current version now; null: nothing was written", "1"),
    SC_SHOW(BOOL, "changed", "There is a new version, or would be", "true"),
    SC_SHOW(BOOL, "dry_run", "Nothing was written", "false"),
    SC_SHOW(TEXT, "format", "What the file was read as", "srt"),
    SC_SHOW(TEXT_OR_NULL, "language", "What is spoken", "en"),
    SC_SHOW(INT, "segment_count", "How many segments", "12"),
    SC_SHOW(INT, "word_count", "How many words; in scripts without spaces, signs", "140"),
    SC_SHOW(REAL, "start", "Where the first segment starts, in seconds", "0.32"),
    SC_SHOW(REAL, "end", "Where the last segment ends, in seconds", "93.1"),
    SC_SHOW_OF(LIST, "warnings", &warning_shape, "What the file leaves in doubt"),
    SC_SHOW_EDIT_ETAG,
};
const struct sc_json_shape sc_shape_import = {
    .name = "Import",
    .help = "What was read from a file",
    SC_SHAPE_FIELDS(import_fields),
};

SC_API_DOC(transcript_import) = {
    .query = &version_query,
    .replies = { { 200, &sc_shape_import, .or_shape = &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT, SC_E_TRANSCRIPT_BUSY,
                SC_E_FILE_TOO_LARGE },
    .flags = SC_DOC_TEXT,
};
SC_API_DOC(file_import) = {
    .query = &file_query,
    .replies = { { 200, &sc_shape_import, .or_shape = &sc_shape_transcript,
                   .help = "With `dry_run`, and for a key that comes again" },
                 { 201, &sc_shape_import } },
    .errors = { SC_E_FILE_NOT_FOUND, SC_E_FILE_TOO_LARGE },
    .flags = SC_DOC_TEXT | SC_DOC_LOCATION,
};
