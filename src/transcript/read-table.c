/* CSV and TSV: our own exports, and tables that others made with other names for their columns. A
 * column for the text is needed; one for the start gives times. Whole numbers without a unit are
 * milliseconds, as whisper's tools write them, unless nobody could have spoken so fast. */

#include "transcript/reader-internal.h"
#include "transcript/text.h"
#include "transcript/writer-internal.h"

#include "base/alloc.h"

#include "base/banned.h"

#define COLUMNS_MAX 64
/* Nobody says so many bytes in a second: whole numbers are seconds then. */
#define BYTES_PER_SECOND 500

enum role { START, END, DURATION, TEXT, SPEAKER, CONFIDENCE, SEGMENT, WORD, ROLE_COUNT };
enum unit { UNKNOWN, SECONDS, MILLISECONDS };

struct cell {
    size_t at, len; /* in the text of the record */
};

struct table {
    struct sc_str rest;
    char separator;
    bool names_signs;        /* TSV: \t \n \r \\ instead of quotes */
    int64_t line, next_line; /* of the record, and of what follows */
    struct sc_buf text;
    struct cell cells[COLUMNS_MAX];
    size_t count;

    int column[ROLE_COUNT]; /* -1: none */
    enum unit unit[ROLE_COUNT];
    size_t width;                  /* columns of the first line */
    bool clocks, decimals, wholes; /* what times there were */
    bool by_word;                  /* a row is a word of the segment with its number */
    struct sc_buf segment;         /* the number of the one before */
    size_t backwards;              /* rows that end before they start */
};

static void table_done(struct table *t)
{
    sc_buf_done(&t->text);
    sc_buf_done(&t->segment);
}

static enum sc_code refuse(const struct table *t, const char *says, struct sc_error *err)
{
    return sc_error_field(err, SC_E_INVALID_VALUE, "text", "line %lld %s", (long long)t->line,
                          says);
}

/* ---- records ---- */

static struct sc_str cell_str(const struct table *t, int column)
{
    if (column < 0 || (size_t)column >= t->count)
        return SC_STR("");
    const struct cell *c = &t->cells[column];
    return (struct sc_str){ sc_buf_text(&t->text) + c->at, c->len };
}

static void skip(struct table *t, size_t n)
{
    t->rest.ptr += n;
    t->rest.len -= n;
}

static bool at_line_end(const struct table *t)
{
    return t->rest.len == 0 || t->rest.ptr[0] == '\n' || t->rest.ptr[0] == '\r';
}

static void skip_line_end(struct table *t)
{
    if (t->rest.len > 1 && t->rest.ptr[0] == '\r' && t->rest.ptr[1] == '\n')
        skip(t, 1);
    if (t->rest.len > 0)
        skip(t, 1);
    t->next_line++;
}

/* Behind the opening quote, up to and with the closing one. */
static enum sc_code take_quoted(struct table *t, struct sc_error *err)
{
    for (;;) {
        if (t->rest.len == 0)
            return refuse(t, "opens a quote that nothing closes", err);
        char c = t->rest.ptr[0];
        bool doubled = c == '"' && t->rest.len > 1 && t->rest.ptr[1] == '"';
        if (c == '"' && !doubled)
            break;
        t->next_line += c == '\n';
        sc_buf_putc(&t->text, c);
        skip(t, doubled ? 2 : 1);
    }
    skip(t, 1);
    while (t->rest.len > 0 && t->rest.ptr[0] == ' ')
        skip(t, 1);
    if (!at_line_end(t) && t->rest.ptr[0] != t->separator)
        return refuse(t, "has text behind a closing quote", err);
    return SC_OK;
}

/* What Excel quotes between tabs holds doubled quotes; a text that is quoted speech has none. */
static void unquote_tabbed(struct table *t, struct cell *cell)
{
    const char *s = sc_buf_text(&t->text) + cell->at;
    size_t n = cell->len;
    bool some = false;
    if (n < 4 || s[0] != '"' || s[n - 1] != '"')
        return;
    for (size_t i = 1; i < n - 1; i++) {
        if (s[i] != '"')
            continue;
        if (i + 1 >= n - 1 || s[i + 1] != '"')
            return;
        some = true;
        i++;
    }
    if (!some)
        return;
    size_t len = 0;
    for (size_t i = 1; i < n - 1; i++) {
        t->text.ptr[cell->at + len++] = s[i];
        i += s[i] == '"';
    }
    cell->len = len;
}

static enum sc_code take_cell(struct table *t, struct sc_error *err)
{
    if (t->count == COLUMNS_MAX)
        return refuse(t, "has more than 64 cells", err);
    struct cell *cell = &t->cells[t->count++];
    *cell = (struct cell){ .at = t->text.len };
    while (!t->names_signs && t->rest.len > 0 && t->rest.ptr[0] == ' ')
        skip(t, 1);
    if (!t->names_signs && t->rest.len > 0 && t->rest.ptr[0] == '"') {
        skip(t, 1);
        enum sc_code code = take_quoted(t, err);
        cell->len = t->text.len - cell->at;
        return code;
    }
    size_t n = 0;
    while (n < t->rest.len && t->rest.ptr[n] != t->separator && t->rest.ptr[n] != '\n' &&
           t->rest.ptr[n] != '\r')
        n++;
    sc_buf_put_str(&t->text, (struct sc_str){ t->rest.ptr, n });
    skip(t, n);
    cell->len = t->text.len - cell->at;
    if (t->names_signs && !t->text.failed)
        unquote_tabbed(t, cell);
    return SC_OK;
}

/* Takes a record that is not empty; *any false: there is none left. */
static enum sc_code next_record(struct table *t, bool *any, struct sc_error *err)
{
    while (t->rest.len > 0 && at_line_end(t))
        skip_line_end(t);
    *any = t->rest.len > 0;
    t->line = t->next_line;
    t->count = 0;
    sc_buf_reset(&t->text);
    while (*any) {
        enum sc_code code = take_cell(t, err);
        if (code != SC_OK)
            return code;
        if (at_line_end(t))
            break;
        skip(t, 1);
    }
    skip_line_end(t);
    return t->text.failed ? sc_read_no_memory(err) : SC_OK;
}

/* ---- the first line ---- */

static const struct {
    const char *name;
    enum role role;
} names[] = {
    { "start", START },
    { "starttime", START },
    { "begin", START },
    { "from", START },
    { "in", START },
    { "timein", START },
    { "tcin", START },
    { "onset", START },
    { "time", START },
    { "timestamp", START },
    { "end", END },
    { "endtime", END },
    { "stop", END },
    { "to", END },
    { "out", END },
    { "timeout", END },
    { "tcout", END },
    { "finish", END },
    { "duration", DURATION },
    { "dur", DURATION },
    { "length", DURATION },
    { "text", TEXT },
    { "transcript", TEXT },
    { "transcription", TEXT },
    { "content", TEXT },
    { "caption", TEXT },
    { "subtitle", TEXT },
    { "sentence", TEXT },
    { "utterance", TEXT },
    { "speaker", SPEAKER },
    { "speakername", SPEAKER },
    { "voice", SPEAKER },
    { "actor", SPEAKER },
    { "name", SPEAKER },
    { "confidence", CONFIDENCE },
    { "probability", CONFIDENCE },
    { "score", CONFIDENCE },
    { "segment", SEGMENT },
    { "word", WORD },
};

static const struct {
    const char *suffix;
    enum unit unit;
} units[] = {
    { "milliseconds", MILLISECONDS }, { "msec", MILLISECONDS }, { "ms", MILLISECONDS },
    { "seconds", SECONDS },           { "sec", SECONDS },       { "s", SECONDS },
};

static enum role find_name(struct sc_str name)
{
    size_t i = 0;
    while (i < SC_ARRAY_LEN(names) && !sc_str_equal(name, sc_str_from(names[i].name)))
        i++;
    return i == SC_ARRAY_LEN(names) ? ROLE_COUNT : names[i].role;
}

/* ROLE_COUNT: none that is known. "Start (ms)", "start_time", "Begin" are starts. */
static enum role role_of(struct sc_str title, enum unit *unit)
{
    char bare[32];
    size_t n = 0;
    *unit = UNKNOWN;
    for (size_t i = 0; i < title.len && n < sizeof(bare); i++) {
        char c = title.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            bare[n++] = c;
    }
    struct sc_str name = { bare, n };
    enum role role = find_name(name);
    for (size_t i = 0; role == ROLE_COUNT && i < SC_ARRAY_LEN(units); i++) {
        struct sc_str suffix = sc_str_from(units[i].suffix);
        if (!sc_str_ends(name, suffix))
            continue;
        struct sc_str rest = { bare, n - suffix.len };
        if (sc_str_ends(rest, SC_STR("in"))) /* "Start time in milliseconds" */
            rest.len -= 2;
        enum role timed = find_name(rest);
        if (timed == START || timed == END || timed == DURATION) {
            role = timed;
            *unit = units[i].unit;
        }
    }
    return role;
}

/* The one that the first line holds most of, outside of quotes. */
static char guess_separator(struct sc_str text)
{
    static const char candidates[] = { ',', ';', '\t', '|' };
    size_t counts[SC_ARRAY_LEN(candidates)] = { 0 }, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len && (quoted || (text.ptr[i] != '\n' && text.ptr[i] != '\r'));
         i++) {
        quoted = quoted != (text.ptr[i] == '"');
        for (size_t k = 0; !quoted && k < SC_ARRAY_LEN(candidates); k++)
            counts[k] += text.ptr[i] == candidates[k];
    }
    for (size_t k = 1; k < SC_ARRAY_LEN(candidates); k++)
        best = counts[k] > counts[best] ? k : best;
    return candidates[best];
}

/* Comments stand in front of the first line alone, and Excel's word for the separator. */
static void begin(struct table *t, struct sc_str text, bool tabs)
{
    *t = (struct table){ .rest = text, .next_line = 1, .names_signs = tabs };
    t->text.limit = SC_READ_LIMIT;
    for (;;) {
        struct sc_lines lines = { .rest = t->rest };
        struct sc_str line;
        bool any = sc_lines_next(&lines, &line);
        bool says = any && line.len == 5 && sc_str_starts(line, SC_STR("sep="));
        if (!any || (!says && !sc_str_starts(line, SC_STR("#"))))
            break;
        t->separator = says ? line.ptr[4] : t->separator;
        t->rest = lines.rest;
        t->next_line++;
    }
    if (tabs)
        t->separator = '\t';
    else if (t->separator == '\0')
        t->separator = guess_separator(t->rest);
}

/* Reads the names of the columns. False: it has no text. */
static bool take_names(struct table *t)
{
    for (int r = 0; r < ROLE_COUNT; r++)
        t->column[r] = -1;
    for (size_t i = 0; i < t->count; i++) {
        enum unit unit;
        enum role role = role_of(cell_str(t, (int)i), &unit);
        if (role != ROLE_COUNT && t->column[role] < 0) {
            t->column[role] = (int)i;
            t->unit[role] = unit;
        }
    }
    static const enum role timed[] = { START, END, DURATION };
    for (size_t i = 0; i < 9; i++) { /* a unit that one column names is that of all */
        if (t->unit[timed[i / 3]] == UNKNOWN)
            t->unit[timed[i / 3]] = t->unit[timed[i % 3]];
    }
    t->width = t->count;
    t->by_word = t->column[SEGMENT] >= 0 && t->column[WORD] >= 0 && t->column[TEXT] >= 0;
    if (t->column[TEXT] < 0)
        t->column[TEXT] = t->column[WORD];
    return t->column[TEXT] >= 0;
}

/* ---- times ---- */

/* Digits with at most one point or comma, in thousandths. */
static bool take_number(struct sc_str s, int64_t *thousandths, bool *whole)
{
    int64_t n = 0;
    int decimals = -1;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if ((c == '.' || c == ',') && decimals < 0 && i > 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9' || n > SC_SEGMENT_TIME_MAX * 100)
            return false;
        if (decimals < 3)
            n = n * 10 + (c - '0');
        decimals += decimals >= 0;
    }
    *whole = decimals < 0;
    for (int i = SC_MIN(SC_MAX(decimals, 0), 3); i < 3; i++)
        n *= 10;
    *thousandths = n;
    return s.len > 0;
}

/* Of a column in milliseconds, or in thousandths of what scale_times finds out. -1: empty. */
static bool take_time(struct table *t, enum role role, int64_t *out)
{
    struct sc_str s = sc_str_trim(cell_str(t, t->column[role]));
    bool whole = false;
    *out = -1;
    if (s.len == 0)
        return true;
    if (memchr(s.ptr, ':', s.len) != NULL) {
        t->clocks = true;
        return sc_cue_time_take(&s, out) && s.len == 0;
    }
    if (!take_number(s, out, &whole))
        return false;
    if (t->unit[role] == MILLISECONDS)
        *out /= 1000;
    else if (t->unit[role] == UNKNOWN && whole)
        t->wholes = true;
    else if (t->unit[role] == UNKNOWN)
        t->decimals = true;
    return *out <= SC_SEGMENT_TIME_MAX * 1000;
}

/* Whole numbers were taken for seconds: are they milliseconds? */
static bool are_milliseconds(const struct table *t, const struct sc_segments *list)
{
    int64_t bytes = 0, length = 0;
    if (!t->wholes || t->decimals || t->clocks)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        bytes += (int64_t)strlen(list->items[i].text == NULL ? "" : list->items[i].text);
        length += SC_MAX(list->items[i].end_ms - list->items[i].start_ms, 0) / 1000;
    }
    return length == 0 || bytes * 1000 / BYTES_PER_SECOND <= length;
}

static int64_t scaled(int64_t time, bool milliseconds)
{
    return milliseconds && time > 0 ? time / 1000 : time;
}

/* Puts the unit of whole numbers right. False: a time is longer than any recording. */
static bool scale_times(const struct table *t, struct sc_segments *list)
{
    bool ms = are_milliseconds(t, list);
    for (size_t i = 0; i < list->count; i++) {
        struct sc_segment *s = &list->items[i];
        s->start_ms = scaled(s->start_ms, ms);
        s->end_ms = scaled(s->end_ms, ms);
        for (size_t k = 0; k < s->word_count; k++) {
            s->words[k].start_ms = scaled(s->words[k].start_ms, ms);
            s->words[k].end_ms = scaled(s->words[k].end_ms, ms);
        }
        if (s->start_ms > SC_SEGMENT_TIME_MAX || s->end_ms > SC_SEGMENT_TIME_MAX)
            return false;
    }
    return true;
}

/* ---- rows ---- */

static void put_unnamed(struct sc_buf *out, struct sc_str s)
{
    static const char named[] = "tnr\\", meant[] = "\t\n\r\\";
    for (size_t i = 0; i < s.len; i++) {
        const char *at = s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] != '\0'
                             ? strchr(named, s.ptr[i + 1])
                             : NULL;
        sc_buf_putc(out, at == NULL ? s.ptr[i] : meant[at - named]);
        i += at != NULL;
    }
}

/* What a cell says, without the guard of formulas. */
static void put_text(const struct table *t, struct sc_str s, struct sc_buf *out)
{
    s = sc_str_trim(s);
    if (s.len > 0 && s.ptr[0] == '\'' && sc_cell_is_guarded(s)) {
        s.ptr++;
        s.len--;
    }
    if (t->names_signs)
        put_unnamed(out, s);
    else
        sc_text_append_line(out, s);
}

static bool check_width(const struct table *t)
{
    if (t->count <= (size_t)t->column[TEXT] || (int)t->count <= t->column[START])
        return false;
    for (size_t i = t->width; i < t->count; i++) {
        if (t->cells[i].len > 0)
            return false;
    }
    return true;
}

/* A row goes to the segment of the one before when both are words of it. */
static struct sc_segment *segment_of(struct table *t, struct sc_segments *list, bool *is_new)
{
    struct sc_str number = sc_str_trim(cell_str(t, t->column[SEGMENT]));
    *is_new = !t->by_word || list->count == 0 || !sc_str_equal(number, sc_buf_str(&t->segment));
    if (!*is_new)
        return &list->items[list->count - 1];
    if (t->by_word) {
        sc_buf_reset(&t->segment);
        sc_buf_put_str(&t->segment, number);
    }
    return t->segment.failed ? NULL : sc_segments_add(list);
}

static float confidence_of(const struct table *t)
{
    double c;
    bool known = sc_str_to_double(sc_str_trim(cell_str(t, t->column[CONFIDENCE])), &c);
    return known && c >= 0 && c <= 1 ? (float)c : -1;
}

static enum sc_code take_row(struct table *t, struct sc_segments *list, struct sc_error *err)
{
    SC_AUTO_BUF text = { .limit = SC_READ_LIMIT }, speaker = { .limit = SC_READ_LIMIT };
    int64_t start, end, duration;
    put_text(t, cell_str(t, t->column[TEXT]), &text);
    put_text(t, cell_str(t, t->column[SPEAKER]), &speaker);
    if (!check_width(t))
        return refuse(
            t, "has other cells than the first line names; quote what holds the separator", err);
    if (!take_time(t, START, &start) || !take_time(t, END, &end) ||
        !take_time(t, DURATION, &duration))
        return refuse(t, "has a time that is none; times are 1.5, 1500 or 00:00:01.500", err);
    if (t->column[START] >= 0 && start < 0)
        return refuse(t, "has no start", err);
    if (text.len == 0 && !text.failed)
        return SC_OK;
    start = SC_MAX(start, 0);
    if (end < 0 && duration >= 0)
        end = start + duration;
    t->backwards += end >= 0 && end < start;
    if (end >= 0 || t->column[START] < 0)
        end = SC_MAX(end, start);
    bool is_new;
    struct sc_segment *s = segment_of(t, list, &is_new);
    if (s == NULL || text.failed || speaker.failed)
        return sc_read_no_memory(err);
    if (is_new)
        *s = (struct sc_segment){ .chunk = -1, .start_ms = start, .confidence = confidence_of(t) };
    s->end_ms = is_new ? end : SC_MAX(s->end_ms, end);
    bool made = sc_segment_set_speaker(s, sc_buf_str(&speaker));
    if (t->by_word)
        made = made && sc_segment_add_word(s, sc_buf_str(&text), start, SC_MAX(end, start),
                                           confidence_of(t));
    else
        made = made && sc_segment_set_text(s, sc_buf_str(&text));
    return made ? SC_OK : sc_read_no_memory(err);
}

/* Words become text. One "word" with spaces was a segment whose words nobody knew. */
static bool settle(struct sc_segments *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sc_segment *s = &list->items[i];
        if (s->word_count == 0)
            continue;
        if (!sc_segment_settle(s))
            return false;
        if (s->word_count == 1 && strchr(s->words[0].text, ' ') != NULL) {
            free(s->words[0].text);
            s->word_count = 0;
        }
    }
    return true;
}

/* The first line: names, or three columns without any. */
static enum sc_code take_head(struct table *t, struct sc_segments *list, struct sc_error *err)
{
    bool any;
    int64_t start, end;
    enum sc_code code = next_record(t, &any, err);
    if (code != SC_OK || !any || take_names(t))
        return code;
    static const enum role bare[] = { START, END, TEXT };
    for (int i = 0; t->count == SC_ARRAY_LEN(bare) && i < (int)SC_ARRAY_LEN(bare); i++)
        t->column[bare[i]] = i;
    if (t->count == SC_ARRAY_LEN(bare) && take_time(t, START, &start) && start >= 0 &&
        take_time(t, END, &end) && end >= 0)
        return take_row(t, list, err);
    return refuse(t,
                  "names no column for the text; call one 'text', those for times 'start' and "
                  "'end'",
                  err);
}

static enum sc_code read_rows(struct table *t, struct sc_reading *out, struct sc_error *err)
{
    enum sc_code code = take_head(t, &out->segments, err);
    for (bool any = t->width > 0; code == SC_OK && any;) {
        code = next_record(t, &any, err);
        if (code == SC_OK && any)
            code = take_row(t, &out->segments, err);
    }
    if (code != SC_OK)
        return code;
    out->timed = t->column[START] >= 0;
    out->doubts.backwards = t->backwards;
    if (!scale_times(t, &out->segments))
        return sc_error_field(err, SC_E_INVALID_VALUE, "text",
                              "a time is longer than any recording");
    return settle(&out->segments) ? SC_OK : sc_read_no_memory(err);
}

static enum sc_code read_table(struct sc_str text, bool tabs, struct sc_reading *out,
                               struct sc_error *err)
{
    struct table *t = sc_try_alloc(sizeof(*t));
    if (t == NULL)
        return sc_read_no_memory(err);
    begin(t, text, tabs);
    enum sc_code code = read_rows(t, out, err);
    table_done(t);
    free(t);
    return code;
}

enum sc_code sc_read_csv(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
    return read_table(text, false, out, err);
}

enum sc_code sc_read_tsv(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
    return read_table(text, true, out, err);
}

/* Two times and something else. In prose a space stands behind a comma, and numbers are small: "1,
 * 2, buckle my shoe". */
static bool begins_with_times(struct table *t, bool spaced)
{
    int64_t ms[2] = { 0 };
    size_t signs = 0;
    for (int i = 0; i < 2; i++) {
        t->column[START] = i;
        if (!take_time(t, START, &ms[i]) || ms[i] < 0)
            return false;
        signs = SC_MAX(signs, cell_str(t, i).len);
    }
    return t->count > 2 && ms[0] <= ms[1] && (!spaced || signs > 2);
}

const char *sc_table_guess(struct sc_str text)
{
    struct table *t = sc_try_alloc(sizeof(*t));
    bool any = false, found = false;
    if (t == NULL)
        return NULL;
    begin(t, text, false);
    t->names_signs = t->separator == '\t';
    const char *first =
        t->rest.len == 0 ? NULL : memchr(t->rest.ptr, t->separator, t->rest.len - 1);
    bool spaced = first != NULL && first[1] == ' ';
    if (next_record(t, &any, NULL) == SC_OK && any)
        found = take_names(t) ? t->column[START] >= 0 && t->column[START] != t->column[TEXT]
                              : begins_with_times(t, spaced);
    const char *name = !found ? NULL : t->separator == '\t' ? "tsv" : "csv";
    table_done(t);
    free(t);
    return name;
}
