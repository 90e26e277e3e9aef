/* SubRip and WebVTT, read by one walk over lines: times open a cue, and what follows is its text up
 * to the next times. So text with an empty line in it stays whole, and numbers may be missing. */

#include "transcript/reader-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include "base/banned.h"

struct walk {
    struct sc_lines lines;
    struct sc_str line;
    bool vtt, more;   /* `line` holds one */
    bool after_empty; /* the line before it was empty, or there was none */
    bool open;        /* a cue is being gathered */
    int64_t start_ms, end_ms;
    struct sc_buf text;  /* of the cues, one behind another */
    size_t text_at;      /* that of the open one */
    struct sc_cue *cues; /* owned; until all are there, text.ptr is not known */
    size_t count, cap;
    struct sc_reading *out;
};

/* A run of digits; false when it is none, or longer than any time. */
static bool take_digits(struct sc_str *rest, int64_t *value, size_t *count)
{
    size_t n = 0;
    int64_t sum = 0;
    while (n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9') {
        if (n < 12)
            sum = sum * 10 + (rest->ptr[n] - '0');
        n++;
    }
    if (n == 0 || n > 12)
        return false;
    rest->ptr += n;
    rest->len -= n;
    *value = sum;
    *count = n;
    return true;
}

static bool take_sign(struct sc_str *rest, char a, char b)
{
    if (rest->len < 2 || (rest->ptr[0] != a && rest->ptr[0] != b) || rest->ptr[1] < '0' ||
        rest->ptr[1] > '9')
        return false;
    rest->ptr++;
    rest->len--;
    return true;
}

bool sc_cue_time_take(struct sc_str *rest, int64_t *ms)
{
    struct sc_str s = *rest;
    int64_t parts[3] = { 0 }, fraction = 0;
    size_t count = 0, digits = 0;
    do {
        if (count == 3 || !take_digits(&s, &parts[count], &digits))
            return false;
        count++;
    } while (take_sign(&s, ':', ':'));
    if (take_sign(&s, ',', '.')) {
        if (!take_digits(&s, &fraction, &digits))
            return false;
        for (; digits < 3; digits++)
            fraction *= 10;
        for (; digits > 3; digits--)
            fraction /= 10;
    } else if (count == 1) {
        return false; /* a bare number is no time */
    }
    /* The smallest part stands last, whatever is missing in front. */
    int64_t hours = count == 3 ? parts[0] : 0;
    int64_t minutes = count == 1 ? 0 : parts[count - 2];
    if (hours > SC_SEGMENT_TIME_MAX / 3600000 || minutes > SC_SEGMENT_TIME_MAX / 60000 ||
        parts[count - 1] > SC_SEGMENT_TIME_MAX / 1000)
        return false;
    int64_t sum = ((hours * 60 + minutes) * 60 + parts[count - 1]) * 1000 + fraction;
    if (sum > SC_SEGMENT_TIME_MAX)
        return false;
    *ms = sum;
    *rest = s;
    return true;
}

static struct sc_str skip(struct sc_str s, size_t n)
{
    return sc_str_trim((struct sc_str){ s.ptr + n, s.len - n });
}

/* "0:00:01.500,0:00:02.000" and nothing else, as SubViewer's files have it. */
static bool parse_subviewer(struct sc_str line, int64_t *start_ms, int64_t *end_ms)
{
    struct sc_str start = sc_str_take_until(&line, ',');
    return memchr(start.ptr, '.', start.len) != NULL && memchr(line.ptr, '.', line.len) != NULL &&
           memchr(start.ptr, ':', start.len) != NULL && memchr(line.ptr, ':', line.len) != NULL &&
           sc_cue_time_take(&start, start_ms) && start.len == 0 &&
           sc_cue_time_take(&line, end_ms) && line.len == 0;
}

bool sc_cue_span_parse(struct sc_str line, int64_t *start_ms, int64_t *end_ms)
{
    int64_t start, end;
    line = sc_str_trim(line);
    if (parse_subviewer(line, start_ms, end_ms))
        return true;
    if (!sc_cue_time_take(&line, &start))
        return false;
    line = skip(line, 0);
    size_t dashes = 0;
    while (dashes < line.len && line.ptr[dashes] == '-')
        dashes++;
    if (dashes == 0 || dashes == line.len || line.ptr[dashes] != '>')
        return false;
    line = skip(line, dashes + 1);
    if (!sc_cue_time_take(&line, &end) ||
        (line.len > 0 && line.ptr[0] != ' ' && line.ptr[0] != '\t'))
        return false;
    *start_ms = start;
    *end_ms = end;
    return true;
}

/* A sign that may stand between two times: no letter, and not what parts the columns of a table. */
static bool is_between(char c)
{
    return (unsigned char)c >= 0x80 || strchr(" \t-=>~/", c) != NULL;
}

bool sc_cue_is_span(struct sc_str line)
{
    int64_t ms;
    size_t between = 0;
    line = sc_str_trim(line);
    if (!sc_cue_time_take(&line, &ms))
        return false;
    while (between < line.len && is_between(line.ptr[between]))
        between++;
    line = skip(line, between);
    return between > 0 && sc_cue_time_take(&line, &ms) && line.len == 0;
}

/* Looks like a line of times that cannot be read: to take it for text would lose a cue. */
static bool is_broken_times(struct sc_str line)
{
    line = sc_str_trim(line);
    if (line.len > 1 && line.ptr[0] == '-')
        line = skip(line, 1);
    return line.len > 3 && line.ptr[0] >= '0' && line.ptr[0] <= '9' &&
           memchr(line.ptr, ':', line.len) != NULL && memmem(line.ptr, line.len, "-->", 3) != NULL;
}

static bool is_empty(struct sc_str line)
{
    return sc_str_trim(line).len == 0;
}

static bool is_number(struct sc_str line)
{
    int64_t n;
    size_t digits;
    line = sc_str_trim(line);
    return take_digits(&line, &n, &digits) && line.len == 0;
}

static void step(struct walk *w)
{
    w->after_empty = !w->more || is_empty(w->line);
    w->more = sc_lines_next(&w->lines, &w->line);
}

static bool close_cue(struct walk *w)
{
    struct sc_str text = { sc_buf_text(&w->text) + w->text_at, w->text.len - w->text_at };
    void *cues = w->cues;
    w->open = false;
    if (sc_str_trim(text).len == 0) {
        w->text.len = w->text_at;
        return !w->text.failed;
    }
    w->text_at = w->text.len;
    if (w->text.failed || !sc_try_grow(&cues, &w->cap, w->count + 1, sizeof(*w->cues)))
        return false;
    w->cues = cues;
    w->cues[w->count++] =
        (struct sc_cue){ { NULL, text.len }, w->start_ms, w->end_ms, 0, w->end_ms };
    return true;
}

/* Cues become segments. */
static bool settle(struct walk *w)
{
    const char *text = sc_buf_text(&w->text);
    for (size_t i = 0; i < w->count; i++) {
        w->cues[i].text.ptr = text;
        text += w->cues[i].text.len;
    }
    if (!sc_rolling_collapse(w->cues, &w->count, w->vtt, w->out))
        return false;
    for (size_t i = 0; i < w->count; i++) {
        if (!sc_cue_markup(w->out, w->vtt, &w->cues[i]))
            return false;
    }
    return true;
}

/* Is `line` the number or name of the cue whose times stand in the next line? */
static bool is_label(const struct walk *w)
{
    struct sc_lines ahead = w->lines;
    struct sc_str next;
    int64_t start, end;
    return sc_lines_next(&ahead, &next) &&
           (sc_cue_span_parse(next, &start, &end) || is_broken_times(next) ||
            (!w->open && is_number(w->line) && sc_cue_is_span(next))) &&
           (is_number(w->line) || (w->vtt && w->after_empty));
}

/* NOTE, STYLE and REGION stand alone or in front of white space. */
static bool is_aside(const struct walk *w)
{
    static const char *const words[] = { "NOTE", "STYLE", "REGION" };
    for (size_t i = 0; w->vtt && w->after_empty && i < SC_ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if (sc_str_starts(w->line, sc_str_from(words[i])) &&
            (w->line.len == n || w->line.ptr[n] == ' ' || w->line.ptr[n] == '\t'))
            return true;
    }
    return false;
}

static void skip_block(struct walk *w)
{
    while (w->more && !is_empty(w->line))
        step(w);
}

static enum sc_code bad_line(const struct walk *w, const char *what, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    struct sc_str line = sc_str_trim(w->line);
    sc_utf8_append_printable(&shown, (struct sc_str){ line.ptr, SC_MIN(line.len, 40) });
    return sc_error_field(err, SC_E_INVALID_VALUE, "text", "line %lld: '%.80s' %s",
                          (long long)w->lines.number, sc_buf_text(&shown), what);
}

static enum sc_code take_line(struct walk *w, struct sc_error *err)
{
    int64_t start_ms, end_ms;
    if (is_empty(w->line) || is_label(w)) {
        if (is_empty(w->line) && w->open)
            sc_buf_putc(&w->text, '\n');
        step(w);
        return SC_OK;
    }
    if (is_aside(w)) {
        skip_block(w);
        return SC_OK;
    }
    if (sc_cue_span_parse(w->line, &start_ms, &end_ms)) {
        if (!close_cue(w))
            return sc_read_no_memory(err);
        w->open = true;
        w->start_ms = start_ms;
        w->end_ms = end_ms;
    } else if (is_broken_times(w->line) || (!w->open && sc_cue_is_span(w->line))) {
        return bad_line(w, "is no pair of times; write it as 00:00:01.000 --> 00:00:02.500", err);
    } else if (!w->open) {
        return bad_line(w, "stands in front of any times, so belongs to no cue", err);
    } else {
        sc_buf_put_str(&w->text, w->line);
        sc_buf_putc(&w->text, '\n');
    }
    step(w);
    return SC_OK;
}

static enum sc_code read_cues(struct walk *w, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    while (code == SC_OK && w->more)
        code = take_line(w, err);
    if (code == SC_OK && (!close_cue(w) || !settle(w)))
        code = sc_read_no_memory(err);
    sc_buf_done(&w->text);
    free(w->cues);
    return code;
}

enum sc_code sc_read_srt(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
    struct walk w = { .lines = { .rest = text },
                      .text = { .limit = SC_READ_LIMIT + 1 },
                      .out = out };
    out->timed = true;
    step(&w);
    return read_cues(&w, err);
}

enum sc_code sc_read_vtt(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
    struct walk w = {
        .lines = { .rest = text }, .vtt = true, .text = { .limit = SC_READ_LIMIT + 1 }, .out = out
    };
    out->timed = true;
    step(&w);
    while (w.more && is_empty(w.line))
        step(&w);
    if (!w.more)
        return SC_OK;
    if (!sc_str_starts(w.line, SC_STR("WEBVTT")) ||
        (w.line.len > 6 && w.line.ptr[6] != ' ' && w.line.ptr[6] != '\t'))
        return bad_line(&w, "is not WEBVTT, with which such a text begins", err);
    /* The header ends at an empty line, or where a writer forgot it, at the first times. */
    int64_t start, end;
    for (step(&w); w.more && !is_empty(w.line) && !sc_cue_span_parse(w.line, &start, &end);
         step(&w)) {
        if (sc_str_starts(w.line, SC_STR("Language:"))) /* as YouTube writes it */
            sc_reading_say_language(out, skip(w.line, strlen("Language:")));
    }
    return read_cues(&w, err);
}
