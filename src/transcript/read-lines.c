/* Plain text: each line is a segment. What Whisper's command lines print for people has the times
 * of each in front of it.
 *
 * Exports of services for meetings (Otter's, Rev's) have headings, each of who speaks and since
 * when, and below what he says:
 *
 *     Ann Miller  0:12            Ann Miller (00:12):
 *     Good morning.               Good morning.
 *
 * They are taken for that where the whole file is made so: it begins with one, there are two or
 * more in one of these ways, something is said below each, and none is earlier than the one before
 * it. Else they are lines like any other. */

#include "base/utf8.h"
#include "transcript/reader-internal.h"
#include "transcript/revise.h"
#include "transcript/text.h"

#include "base/banned.h"

#define NAME_BYTES 48 /* what is longer is no name, but a sentence */

/* "01:02:03.250" or "02:03.250", with all of its fraction; false: no such time. */
static bool read_clock(struct sc_str text, int64_t *ms)
{
    const char *mark = text.len < 4 ? NULL : text.ptr + text.len - 4;
    return mark != NULL && (*mark == '.' || *mark == ',') &&
           memchr(text.ptr, ':', text.len) != NULL && sc_cue_time_take(&text, ms) && text.len == 0;
}

/* "[start --> end]  text"; false: another line. */
static bool read_bracketed(struct sc_str line, int64_t *start_ms, int64_t *end_ms,
                           struct sc_str *text)
{
    if (line.len == 0 || line.ptr[0] != '[')
        return false;
    struct sc_str times = { line.ptr + 1, line.len - 1 };
    const char *close = memchr(times.ptr, ']', times.len);
    const char *arrow = memmem(times.ptr, times.len, " --> ", 5);
    if (close == NULL || arrow == NULL || arrow > close)
        return false;
    struct sc_str start = { times.ptr, (size_t)(arrow - times.ptr) };
    struct sc_str end = { arrow + 5, (size_t)(close - arrow - 5) };
    *text = sc_str_trim((struct sc_str){ close + 1, (size_t)(line.ptr + line.len - close - 1) });
    return read_clock(start, start_ms) && read_clock(end, end_ms);
}

/* Does every line begin with its times? */
static bool are_bracketed(struct sc_str text)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line, said;
    int64_t start, end;
    bool any = false;
    while (sc_lines_next(&lines, &line)) {
        line = sc_str_trim(line);
        if (line.len > 0 && !read_bracketed(line, &start, &end, &said))
            return false;
        any = any || line.len > 0;
    }
    return any;
}

/* Cuts "[H:]M:SS" off the end of *line; false: none stands there. */
static bool cut_clock(struct sc_str *line, int64_t *ms)
{
    size_t n = 0;
    while (n < line->len && strchr("0123456789:", line->ptr[line->len - 1 - n]) != NULL)
        n++;
    struct sc_str clock = { line->ptr + line->len - n, n };
    /* Two signs behind the last colon, and of an hour behind the first. */
    if (n < 4 || clock.ptr[n - 3] != ':' || clock.ptr[n - 2] > '5' ||
        (n > 5 && (clock.ptr[n - 6] != ':' || clock.ptr[n - 5] > '5')) ||
        !sc_cue_time_take(&clock, ms) || clock.len > 0)
        return false;
    line->len -= n;
    return true;
}

/* "Ann", "Bob K.", and no sentence. */
static bool is_name(struct sc_str name)
{
    const char *last = name.len == 0 ? NULL : memrchr(name.ptr, ' ', name.len);
    size_t word = last == NULL ? name.len : name.len - (size_t)(last + 1 - name.ptr);
    for (size_t i = 0; i < name.len; i++) {
        if (strchr("?!;:,\"()[]{}<>|\t", name.ptr[i]) != NULL)
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES &&
           (name.ptr[name.len - 1] != '.' || word <= sizeof("Jr.") - 1);
}

/* "Ann  0:12", two spaces or a tab between them; *rev: "Ann (0:12):". line: trimmed. */
static bool read_heading(struct sc_str line, struct sc_str *name, int64_t *ms, bool *rev)
{
    *rev = line.len > 2 && line.ptr[line.len - 1] == ':' && line.ptr[line.len - 2] == ')';
    line.len -= *rev ? 2 : 0;
    if (!cut_clock(&line, ms) || line.len < 2)
        return false;
    const char *end = line.ptr + line.len;
    if (*rev ? end[-1] != '(' || end[-2] != ' '
             : end[-1] != '\t' && (end[-1] != ' ' || end[-2] != ' '))
        return false;
    line.len -= *rev ? 1 : 0;
    *name = sc_str_trim(line);
    return is_name(*name);
}

/* Is the whole file made so? */
static bool has_headings(struct sc_str text)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line, name;
    int64_t start, before = 0;
    size_t headings = 0;
    bool said = true, rev = false, first = false;
    while (sc_lines_next(&lines, &line)) {
        line = sc_str_trim(line);
        if (line.len > 0 && !read_heading(line, &name, &start, &rev)) {
            if (headings == 0)
                return false;
            said = said || !sc_utf8_is_blank(line);
        } else if (line.len > 0) {
            first = headings == 0 ? rev : first;
            if (!said || rev != first || start < before)
                return false;
            before = start;
            said = false;
            headings++;
        }
    }
    return said && headings > 1;
}

/* Does a time stand at the front of the line, or at its end behind a name: "[00:01:15] so",
 * "Ann  1:15", "Ann (01:15):"? */
static bool holds_time(struct sc_str line)
{
    static const char around[] = "[]():";
    int64_t ms;
    size_t digits = 0;
    struct sc_str front = line, back = line;
    while (front.len > 0 && (front.ptr[0] == '[' || front.ptr[0] == '('))
        front = (struct sc_str){ front.ptr + 1, front.len - 1 };
    if (front.len < line.len && sc_cue_time_take(&front, &ms))
        return true;
    while (back.len > 0 && strchr(around, back.ptr[back.len - 1]) != NULL)
        back.len--;
    while (digits < back.len && strchr("0123456789:.", back.ptr[back.len - 1 - digits]) != NULL)
        digits++;
    back = (struct sc_str){ back.ptr + back.len - digits, digits };
    return memchr(back.ptr, ':', back.len) != NULL && sc_cue_time_take(&back, &ms) && back.len == 0;
}

/* What stands below a heading is one segment, as nobody tells when its lines begin. */
static bool read_turns(struct sc_str text, struct sc_reading *out)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line, name;
    struct sc_segment *s = NULL;
    SC_AUTO_BUF said = { .limit = SC_READ_LIMIT };
    int64_t start;
    bool rev;
    while (sc_lines_next(&lines, &line)) {
        line = sc_str_trim(line);
        if (line.len == 0)
            continue;
        if (!read_heading(line, &name, &start, &rev)) {
            if (sc_text_needs_space(sc_buf_str(&said), line))
                sc_buf_putc(&said, ' ');
            sc_buf_put_str(&said, line);
            continue;
        }
        if (s != NULL && !sc_segment_say(s, sc_buf_str(&said)))
            return false;
        sc_buf_reset(&said);
        s = sc_segments_add(&out->segments);
        if (s == NULL || !sc_segment_set_speaker(s, name))
            return false;
        s->start_ms = start;
        s->end_ms = -1;
        out->doubts.headings++;
    }
    return !said.failed && sc_segment_say(s, sc_buf_str(&said));
}

enum sc_code sc_read_txt(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
    if (out->how.headings && has_headings(text)) {
        out->timed = true;
        return read_turns(text, out) ? SC_OK : sc_read_no_memory(err);
    }
    struct sc_lines lines = { .rest = text };
    struct sc_str line;
    SC_AUTO_BUF clean = { .limit = SC_READ_LIMIT };
    out->timed = are_bracketed(text);
    while (sc_lines_next(&lines, &line)) {
        int64_t start = 0, end = 0;
        line = sc_str_trim(line);
        if (out->timed && line.len > 0)
            (void)read_bracketed(line, &start, &end, &line);
        sc_buf_reset(&clean);
        sc_text_append_line(&clean, line);
        if (clean.len == 0)
            continue;
        struct sc_segment *s = sc_segments_add(&out->segments);
        if (s == NULL || !sc_segment_set_text(s, sc_buf_str(&clean)))
            return sc_read_no_memory(err);
        out->doubts.clocks += !out->timed && holds_time(sc_buf_str(&clean));
        s->start_ms = start;
        s->end_ms = SC_MAX(start, end);
        out->doubts.backwards += end < start;
    }
    return SC_OK;
}
