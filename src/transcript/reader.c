#include "transcript/reader.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/diff-internal.h"
#include "transcript/reader-internal.h"
#include "transcript/text.h"

#include "base/banned.h"

/* A word may be said so long before or behind the times of its segment. */
#define SLACK_MS 250

static const struct {
    const char *name;
    enum sc_code (*read)(struct sc_str text, struct sc_reading *out, struct sc_error *err);
} readers[] = {
    { "srt", sc_read_srt }, { "vtt", sc_read_vtt }, { "json", sc_read_json },
    { "csv", sc_read_csv }, { "tsv", sc_read_tsv }, { "txt", sc_read_txt },
};

void sc_reading_done(struct sc_reading *r)
{
    sc_segments_done(&r->segments);
    *r = (struct sc_reading){ 0 };
}

enum sc_code sc_read_no_memory(struct sc_error *err)
{
    return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be read");
}

void sc_reading_say_language(struct sc_reading *r, struct sc_str language)
{
    if (language.len < sizeof(r->language) && memchr(language.ptr, '\0', language.len) == NULL)
        (void)snprintf(r->language, sizeof(r->language), "%.*s", (int)language.len, language.ptr);
}

/* ---- text ---- */

/* UTF-16 with a byte order mark, as Windows' editors write it, in UTF-8. */
static enum sc_code from_utf16(struct sc_str s, bool big, struct sc_buf *out, struct sc_error *err)
{
    int64_t line = 1;
    out->limit = SC_READ_LIMIT;
    for (size_t i = 2; i + 1 < s.len; i += 2) {
        uint32_t a = (unsigned char)s.ptr[i], b = (unsigned char)s.ptr[i + 1];
        uint32_t cp = big ? a << 8 | b : b << 8 | a;
        if (cp >= 0xd800 && cp < 0xdc00 && i + 3 < s.len) {
            uint32_t c = (unsigned char)s.ptr[i + 2], d = (unsigned char)s.ptr[i + 3];
            uint32_t low = big ? c << 8 | d : d << 8 | c;
            if (low >= 0xdc00 && low < 0xe000) {
                cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        if (cp >= 0xd800 && cp < 0xe000)
            return sc_error_field(err, SC_E_INVALID_VALUE, "text",
                                  "line %lld is no valid UTF-16; save the text as UTF-8",
                                  (long long)line);
        if (cp == 0)
            return sc_error_field(err, SC_E_INVALID_VALUE, "text",
                                  "line %lld: a NUL, which no text has; save the text as UTF-8",
                                  (long long)line);
        line += cp == '\n';
        sc_utf8_append(out, cp);
    }
    if (s.len % 2 != 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "text",
                              "the UTF-16 text ends in the middle of a sign; it is cut off");
    return out->failed ? sc_read_no_memory(err) : SC_OK;
}

/* Text as UTF-8 without byte order mark; `room` holds it where it had to be converted. lossy: bytes
 * that are no UTF-8 become U+FFFD. */
static enum sc_code decode(struct sc_str *text, bool lossy, struct sc_buf *room,
                           struct sc_error *err)
{
    bool little = sc_str_starts(*text, SC_STR("\xff\xfe"));
    if (little || sc_str_starts(*text, SC_STR("\xfe\xff"))) {
        enum sc_code code = from_utf16(*text, !little, room, err);
        *text = sc_buf_str(room);
        return code;
    }
    if (sc_str_starts(*text, SC_STR("\xef\xbb\xbf"))) {
        text->ptr += 3;
        text->len -= 3;
    }
    if (!lossy || sc_utf8_is_valid(*text))
        return sc_utf8_check_text(*text, err);
    room->limit = 3 * SC_READ_LIMIT;
    sc_utf8_append_lossy(room, *text);
    *text = sc_buf_str(room);
    return room->failed ? sc_read_no_memory(err) : SC_OK;
}

bool sc_lines_next(struct sc_lines *lines, struct sc_str *line)
{
    struct sc_str *rest = &lines->rest;
    if (rest->len == 0)
        return false;
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != '\n' && rest->ptr[n] != '\r')
        n++;
    *line = (struct sc_str){ rest->ptr, n };
    if (n + 1 < rest->len && rest->ptr[n] == '\r' && rest->ptr[n + 1] == '\n')
        n++;
    n = SC_MIN(n + 1, rest->len);
    rest->ptr += n;
    rest->len -= n;
    lines->number++;
    return true;
}

/* ---- segments ---- */

bool sc_segment_set_text(struct sc_segment *s, struct sc_str text)
{
    char *copy = sc_try_alloc(text.len + 1);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.ptr[i] == '\0' ? ' ' : text.ptr[i];
    free(s->text);
    s->text = copy;
    return true;
}

bool sc_segment_set_speaker(struct sc_segment *s, struct sc_str speaker)
{
    SC_AUTO_BUF line = { 0 };
    free(s->speaker);
    s->speaker = NULL;
    sc_text_append_line(&line, speaker);
    if (line.len == 0)
        return !line.failed;
    s->speaker = sc_buf_take(&line);
    return s->speaker != NULL;
}

static size_t length(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

/* Words are often said a little before or behind the times of their segment. */
static void doubt_words(const struct sc_segment *s, struct sc_read_doubts *doubts)
{
    bool backwards = false, outside = false;
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *w = &s->words[i];
        backwards = backwards || (i > 0 && w->start_ms < s->words[i - 1].start_ms);
        outside = outside || w->start_ms < s->start_ms - SLACK_MS ||
                  (s->end_ms >= 0 && w->end_ms > SC_MAX(s->end_ms, s->start_ms) + SLACK_MS);
    }
    doubts->backwards += backwards;
    doubts->outside += outside;
}

/* Who has no end lasts until somebody begins later. */
static void find_ends(struct sc_reading *r)
{
    struct sc_segments *s = &r->segments;
    int64_t later = 0;
    for (size_t i = s->count; i-- > 0;) {
        struct sc_segment *x = &s->items[i];
        if (i + 1 < s->count && s->items[i + 1].start_ms > x->start_ms)
            later = s->items[i + 1].start_ms;
        if (i + 1 == s->count) {
            int64_t takes = (int64_t)length(x->text) * SC_READ_BYTE_MS;
            r->open = x->end_ms < 0;
            later = r->open ? SC_MIN(x->start_ms + takes, SC_SEGMENT_TIME_MAX) : x->end_ms;
        }
        if (x->end_ms < 0)
            x->end_ms = later;
    }
}

static bool put_in_order(struct sc_reading *r)
{
    struct sc_segments *s = &r->segments;
    for (size_t i = 0; i < s->count; i++) {
        struct sc_segment *x = &s->items[i];
        bool endless = x->end_ms < 0 && x->word_count == 0;
        doubt_words(x, &r->doubts);
        float mean = sc_segment_order_words(x);
        if (x->confidence < 0)
            x->confidence = mean;
        if (endless)
            x->end_ms = -1;
        r->doubts.moved += i > 0 && x->start_ms < s->items[i - 1].start_ms;
    }
    if (!sc_segments_sort(s))
        return false;
    find_ends(r);
    return true;
}

void sc_reading_end_at(struct sc_reading *r, int64_t length_ms)
{
    struct sc_segment *last = r->open ? &r->segments.items[r->segments.count - 1] : NULL;
    if (last != NULL && last->start_ms < length_ms)
        last->end_ms = length_ms;
}

/* In floating point, as the product of a long time and a long text passes 64 bits. */
static int64_t share(int64_t start_ms, int64_t end_ms, size_t at, size_t len)
{
    if (len == 0)
        return start_ms;
    return start_ms + (int64_t)((double)(end_ms - start_ms) * (double)at / (double)len);
}

static void spread_words(struct sc_segment *s)
{
    size_t all = 0, at = 0;
    for (size_t i = 0; i < s->word_count; i++)
        all += length(s->words[i].text);
    for (size_t i = 0; i < s->word_count; i++) {
        s->words[i].start_ms = share(s->start_ms, s->end_ms, at, all);
        at += length(s->words[i].text);
        s->words[i].end_ms = share(s->start_ms, s->end_ms, at, all);
    }
}

void sc_segments_spread(struct sc_segments *s, int64_t start_ms, int64_t end_ms)
{
    size_t all = 0, at = 0;
    for (size_t i = 0; i < s->count; i++)
        all += length(s->items[i].text);
    for (size_t i = 0; i < s->count; i++) {
        struct sc_segment *segment = &s->items[i];
        segment->start_ms = share(start_ms, end_ms, at, all);
        at += length(segment->text);
        segment->end_ms = share(start_ms, end_ms, at, all);
        spread_words(segment);
    }
}

static bool estimate_words(struct sc_segment *s)
{
    SC_AUTO_BUF line = { .limit = SC_READ_LIMIT };
    sc_text_append_line(&line, sc_str_from(s->text));
    struct sc_str rest = sc_buf_str(&line), word;
    while (sc_text_take_word(&rest, &word)) {
        if (!sc_segment_add_word(s, word, 0, 0, -1))
            return false;
    }
    spread_words(s);
    return !line.failed;
}

bool sc_segments_estimate_words(struct sc_segments *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct sc_segment *segment = &s->items[i];
        if (segment->word_count == 0 && segment->text != NULL && !estimate_words(segment))
            return false;
    }
    return true;
}

/* ---- formats ---- */

enum sc_code sc_format_read(const char *format, struct sc_str text, struct sc_reading *out,
                            struct sc_error *err)
{
    static const struct sc_read_how as_it_is = { .rolling = SC_ROLLING_KEEP };
    return sc_format_read_as(format, text, &as_it_is, out, err);
}

enum sc_code sc_format_read_as(const char *format, struct sc_str text,
                               const struct sc_read_how *how, struct sc_reading *out,
                               struct sc_error *err)
{
    SC_AUTO_BUF room = { 0 };
    SC_AUTO_READING read = { .how = *how };
    size_t i = 0;
    while (i < SC_ARRAY_LEN(readers) && strcmp(readers[i].name, format) != 0)
        i++;
    if (i == SC_ARRAY_LEN(readers))
        return sc_error_field(
            err, SC_E_INVALID_VALUE, "format",
            "'%.20s' is no format that can be read; use srt, vtt, json, csv, tsv or txt", format);
    if (text.len > SC_READ_LIMIT)
        return sc_read_no_memory(err);
    /* whisper.cpp cuts signs between its tokens; beside them stands the whole text. */
    enum sc_code code = decode(&text, readers[i].read == sc_read_json, &room, err);
    if (code == SC_OK)
        code = readers[i].read(text, &read, err);
    if (code != SC_OK)
        return code;
    if (!put_in_order(&read))
        return sc_read_no_memory(err);
    sc_reading_done(out);
    *out = read;
    read = (struct sc_reading){ 0 };
    return SC_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_digits(struct sc_str s)
{
    while (s.len > 0 && is_digit(s.ptr[s.len - 1]))
        s.len--;
    return s.len == 0;
}

/* Does one of the first lines hold a pair of times? One that is nothing else, as of arrows that no
 * reader knows, stands first, or behind a number. */
static bool has_times(struct sc_str text)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line;
    bool first = true;
    for (int i = 0; i < 8 && sc_lines_next(&lines, &line); i++) {
        int64_t ms;
        line = sc_str_trim(line);
        if (first && (sc_cue_is_span(line) || sc_cue_span_parse(line, &ms, &ms)))
            return true;
        first = first && is_digits(line);
        if (sc_cue_time_take(&line, &ms) && sc_str_starts(sc_str_trim(line), SC_STR("-->")))
            return true;
    }
    return false;
}

/* "[00:04.00]", or with `tag` "[ti:memo.wav]". */
static bool is_lrc(struct sc_str line, bool tag)
{
    int64_t ms;
    if (line.len < 2 || line.ptr[0] != '[')
        return false;
    struct sc_str rest = { line.ptr + 1, line.len - 1 };
    if (!tag)
        return sc_cue_time_take(&rest, &ms) && rest.len > 0 && rest.ptr[0] == ']' &&
               memchr(line.ptr, '.', (size_t)(rest.ptr - line.ptr)) != NULL;
    struct sc_str name = sc_str_take_until(&rest, ':');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < 'a' || name.ptr[i] > 'z')
            return false;
    }
    return name.len > 0 && line.ptr[line.len - 1] == ']' && rest.len > 0;
}

/* Lines of tags, then one behind a time, with its fraction; without tags two: "[00:04] so" may be
 * text, and so may one line with a time. */
static bool looks_like_lrc(struct sc_str text)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line;
    int found = 0;
    while (found < 2 && sc_lines_next(&lines, &line)) {
        line = sc_str_trim(line);
        if (line.len == 0)
            continue;
        bool tag = is_lrc(line, true);
        if (!tag && !is_lrc(line, false))
            return false;
        found += found == 0 || !tag;
    }
    return found == 2;
}

/* Front matter of YAML, or what stands in front of a paragraph: its time, its speaker. */
static bool looks_like_markdown(struct sc_str text)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line, rest;
    int64_t ms;
    if (!sc_lines_next(&lines, &line))
        return false;
    rest = line.len > 0 ? (struct sc_str){ line.ptr + 1, line.len - 1 } : line;
    if (sc_str_starts(line, SC_STR("`")) && sc_cue_time_take(&rest, &ms) &&
        sc_str_starts(rest, SC_STR("` ")))
        return true;
    if (sc_str_starts(line, SC_STR("**")) && memmem(line.ptr, line.len, ":** ", 4) != NULL)
        return true;
    if (!sc_str_equal(sc_str_trim(line), SC_STR("---")))
        return false;
    while (sc_lines_next(&lines, &line) && memmem(line.ptr, line.len, ": ", 2) != NULL) {
    }
    return lines.number > 2 && sc_str_equal(sc_str_trim(line), SC_STR("---"));
}

/* "{25}{50}text", "[10][20]text": frames or tenths of a second. */
static bool is_framed(struct sc_str line)
{
    int spans = 0;
    while (line.len > 0 && (line.ptr[0] == '{' || line.ptr[0] == '[')) {
        const char *close = memchr(line.ptr, line.ptr[0] + 2, line.len);
        size_t n = close == NULL ? 0 : (size_t)(close - line.ptr);
        if (n < 2 || !is_digits((struct sc_str){ line.ptr + 1, n - 1 }))
            break;
        line = (struct sc_str){ close + 1, line.len - n - 1 };
        spans++;
    }
    return spans == 2;
}

/* "01:00:00:05": the last are frames. */
static bool is_timecode(struct sc_str s)
{
    size_t signs = 0;
    while (signs < s.len && (is_digit(s.ptr[signs]) || s.ptr[signs] == ':' || s.ptr[signs] == ';'))
        signs++;
    return signs == 11 && s.ptr[2] == ':' && s.ptr[5] == ':' &&
           (s.ptr[8] == ':' || s.ptr[8] == ';');
}

/* What this program writes, or others do, and nobody reads here: as text, its syntax would become
 * words. NULL: none. */
static const char *guess_unread(struct sc_str text)
{
    static const struct {
        const char *begins, *name;
    } known[] = {
        { "[Script Info]", "ass" }, { "PK\x03\x04", "docx" },     { "<?xml", "xml" },
        { "<tt", "ttml" },          { "<!DOCTYPE html", "html" }, { "<html", "html" },
        { "{\\rtf", "rtf" },        { "Scenarist_SCC V", "scc" }, { "%PDF-", "pdf" },
    };
    struct sc_lines lines = { .rest = text };
    struct sc_str line = { 0 };
    (void)sc_lines_next(&lines, &line);
    for (size_t i = 0; i < SC_ARRAY_LEN(known); i++) {
        struct sc_str begins = sc_str_from(known[i].begins);
        if (line.len >= begins.len &&
            sc_str_equal_nocase((struct sc_str){ line.ptr, begins.len }, begins))
            return known[i].name;
    }
    if (is_framed(line))
        return "sub";
    if (is_timecode(line))
        return "text with frames in its times";
    return looks_like_lrc(text) ? "lrc" : looks_like_markdown(text) ? "md" : NULL;
}

bool sc_format_is_read(const char *format)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(readers); i++) {
        if (strcmp(readers[i].name, format) == 0)
            return true;
    }
    return false;
}

/* Times that nobody can read are no words either: "99:99:99 --> -00:00:01". In brackets they may
 * be: so programs write on a terminal. */
static bool has_broken_times(struct sc_str text)
{
    while (text.len > 0) {
        struct sc_str right = sc_str_take_until(&text, '\n');
        struct sc_str line = right;
        const char *arrow = memmem(line.ptr, line.len, "-->", 3);
        if (arrow == NULL || line.ptr[0] == '[')
            continue;
        struct sc_str left = sc_str_trim((struct sc_str){ line.ptr, (size_t)(arrow - line.ptr) });
        right =
            sc_str_trim((struct sc_str){ arrow + 3, line.len - (size_t)(arrow - line.ptr) - 3 });
        if (right.len > 0 && right.ptr[0] == '-')
            right = (struct sc_str){ right.ptr + 1, right.len - 1 };
        if (left.len > 0 && right.len > 0 && is_digit(left.ptr[left.len - 1]) &&
            is_digit(right.ptr[0]))
            return true;
    }
    return false;
}

/* "[music]" is text, and so may "[[1]]" be; what opens a list or an object within one, a member, or
 * a list of times within one, is JSON, also where it was cut off. */
static bool opens_like_json(struct sc_str text)
{
    size_t deep = 0;
    bool list = text.len > 0 && text.ptr[0] == '[';
    if (!list && (text.len == 0 || text.ptr[0] != '{'))
        return false;
    for (; text.len > 0 && (text.ptr[0] == '[' || text.ptr[0] == '{'); deep++)
        text = sc_str_trim((struct sc_str){ text.ptr + 1, text.len - 1 });
    if (text.len > 0 && text.ptr[0] == '"')
        return true;
    size_t number = 0;
    while (number < text.len && (is_digit(text.ptr[number]) || text.ptr[number] == '.'))
        number++;
    return list && deep == 2 && number > 0 && number < text.len && text.ptr[number] == ',';
}

const char *sc_format_guess(struct sc_str text)
{
    SC_AUTO_BUF room = { 0 };
    if (text.len > SC_READ_LIMIT || decode(&text, true, &room, NULL) != SC_OK)
        return "txt";
    text = sc_str_trim(text);
    if (sc_str_starts(text, SC_STR("WEBVTT")))
        return "vtt";
    if (has_times(text))
        return "srt";
    const char *unread = guess_unread(text);
    if (unread != NULL)
        return unread;
    if (text.len >= 2 && ((text.ptr[0] == '{' && text.ptr[text.len - 1] == '}') ||
                          (text.ptr[0] == '[' && text.ptr[text.len - 1] == ']'))) {
        SC_AUTO_READING json = { 0 };
        if (sc_format_read("json", text, &json, NULL) == SC_OK || text.ptr[0] == '{')
            return "json";
    }
    if (opens_like_json(text))
        return "json";
    const char *table = sc_table_guess(text);
    if (table != NULL)
        return table;
    return has_broken_times(text) ? "srt" : "txt";
}
