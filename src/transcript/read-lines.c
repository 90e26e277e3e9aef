/* Plain text: each line is a segment. What Whisper's command lines print for people has the times
 * of each in front of it. */

#include "transcript/reader-internal.h"
#include "transcript/text.h"

#include "base/banned.h"

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

enum sc_code sc_read_txt(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
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
