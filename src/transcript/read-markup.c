/* The text of one cue: tags, entities, voices, and times between the words. It is cut into runs
 * first, pieces of one voice that begin at one time; runs become segments and words. */

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/reader-internal.h"
#include "transcript/text.h"

#include "base/banned.h"

#define VOICE_BYTES 64 /* of a voice's name tell it from others */

struct run {
    size_t at, len;             /* in cue.text */
    size_t voice_at, voice_len; /* in cue.voices */
    int64_t ms;                 /* when it begins; -1: it has no time of its own */
    int64_t end_ms;
};

/* The next '>' of the text, or '}': looked for once for all that stands in front of it. */
struct ahead {
    bool looked;
    size_t left; /* bytes of the text from it on; 0: there is none */
};

struct cue {
    bool vtt;
    int64_t start_ms, end_ms, until_ms;
    struct sc_buf text, voices;
    struct run *runs; /* owned */
    size_t count, cap;
    struct ahead angle, brace;
    bool ruby; /* within what says how the signs in front of it are read */
    bool failed;
};

static void cue_done(struct cue *c)
{
    sc_buf_done(&c->text);
    sc_buf_done(&c->voices);
    free(c->runs);
}

/* ---- text to runs ---- */

/* The run that text is added to; it goes on with the voice of the one before. */
static void begin_run(struct cue *c, int64_t ms)
{
    void *runs = c->runs;
    if (!sc_try_grow(&runs, &c->cap, c->count + 1, sizeof(*c->runs))) {
        c->failed = true;
        return;
    }
    c->runs = runs;
    struct run run = { .at = c->text.len, .ms = ms };
    if (c->count > 0) {
        run.voice_at = c->runs[c->count - 1].voice_at;
        run.voice_len = c->runs[c->count - 1].voice_len;
    }
    c->runs[c->count++] = run;
}

/* Decodes the entity that s begins with; 0 when it is none. */
static size_t take_entity(struct sc_str s, struct sc_buf *out)
{
    static const struct {
        const char *name, *text;
    } known[] = {
        { "&amp;", "&" },  { "&lt;", "<" },          { "&gt;", ">" },       { "&quot;", "\"" },
        { "&apos;", "'" }, { "&nbsp;", "\xc2\xa0" }, { "&lrm;", "\u200e" }, { "&rlm;", "\u200f" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(known); i++) {
        if (sc_str_starts(s, sc_str_from(known[i].name))) {
            sc_buf_puts(out, known[i].text);
            return strlen(known[i].name);
        }
    }
    if (!sc_str_starts(s, SC_STR("&#")))
        return 0;
    bool hex = s.len > 2 && (s.ptr[2] | 0x20) == 'x';
    uint32_t cp = 0;
    size_t first = hex ? 3 : 2, n = first;
    for (; n < s.len && n < first + 7 && s.ptr[n] != ';'; n++) {
        char c = s.ptr[n], letter = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            cp = cp * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && letter >= 'a' && letter <= 'f')
            cp = cp * 16 + (uint32_t)(letter - 'a' + 10);
        else
            return 0;
    }
    bool sign = cp > 0 && cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
    if (n == first || n == s.len || s.ptr[n] != ';' || !sign)
        return 0;
    sc_utf8_append(out, cp);
    return n + 1;
}

/* Appends text as it is meant. */
static void put_text(struct cue *c, struct sc_buf *out, struct sc_str s)
{
    while (s.len > 0) {
        size_t n = c->vtt && s.ptr[0] == '&' ? take_entity(s, out) : 0;
        if (n == 0) {
            sc_buf_putc(out, s.ptr[0]);
            n = 1;
        }
        s.ptr += n;
        s.len -= n;
    }
}

/* The letters of a tag, behind an optional '/'. */
static struct sc_str tag_name(struct sc_str tag)
{
    size_t n = 0;
    if (tag.len > 0 && tag.ptr[0] == '/') {
        tag.ptr++;
        tag.len--;
    }
    while (n < tag.len && (tag.ptr[n] | 0x20) >= 'a' && (tag.ptr[n] | 0x20) <= 'z')
        n++;
    return (struct sc_str){ tag.ptr, n };
}

bool sc_srt_is_tag(struct sc_str tag)
{
    static const char *const styles[] = { "b", "i", "u", "s", "font", "c", "v" };
    struct sc_str name = tag_name(tag);
    const char *end = tag.ptr + tag.len, *behind = name.ptr + name.len;
    if (behind < end && *behind != ' ' && *behind != '.')
        return false;
    for (size_t i = 0; i < SC_ARRAY_LEN(styles); i++) {
        if (sc_str_equal_nocase(name, sc_str_from(styles[i])))
            return true;
    }
    return false;
}

static void take_voice(struct cue *c, struct sc_str tag)
{
    size_t at = c->voices.len;
    (void)sc_str_take_until(&tag, ' '); /* the tag's name and its classes */
    put_text(c, &c->voices, sc_str_trim(tag));
    begin_run(c, -1);
    if (c->failed)
        return;
    c->runs[c->count - 1].voice_at = at;
    c->runs[c->count - 1].voice_len = c->voices.len - at;
}

/* What <rt> says of the signs in front of it stands in brackets; </rt> may be missing. */
static bool take_ruby(struct cue *c, struct sc_str tag)
{
    struct sc_str name = tag_name(tag);
    bool reading = sc_str_equal(name, SC_STR("rt"));
    if (!c->vtt || (!reading && !sc_str_equal(name, SC_STR("ruby"))))
        return false;
    if (c->ruby)
        sc_buf_putc(&c->text, ')');
    c->ruby = reading && tag.ptr[0] != '/';
    if (c->ruby)
        sc_buf_putc(&c->text, '(');
    return true;
}

static void take_tag(struct cue *c, struct sc_str tag)
{
    int64_t ms;
    struct sc_str time = tag;
    if (take_ruby(c, tag))
        return;
    if (c->vtt && sc_cue_time_take(&time, &ms) && time.len == 0)
        begin_run(c, ms);
    else if (sc_str_equal(tag, SC_STR("/v")))
        take_voice(c, SC_STR(""));
    else if (tag.len > 0 && tag.ptr[0] != '/' && sc_str_equal_nocase(tag_name(tag), SC_STR("v")))
        take_voice(c, tag);
}

/* s: what is left of the text, which never grows. NULL: no such sign is in it. */
static const char *find_ahead(struct ahead *a, struct sc_str s, char sign)
{
    if (!a->looked || a->left > s.len) {
        const char *found = memchr(s.ptr, sign, s.len);
        *a = (struct ahead){ true, found == NULL ? 0 : s.len - (size_t)(found - s.ptr) };
    }
    return a->left == 0 ? NULL : s.ptr + (s.len - a->left);
}

/* Bytes of the markup that s begins with, without its brackets in *inside; 0 when it is text. */
static size_t markup(struct cue *c, struct sc_str s, struct sc_str *inside)
{
    const char *end = NULL;
    if (s.ptr[0] == '<')
        end = find_ahead(&c->angle, s, '>');
    else if (!c->vtt && sc_str_starts(s, SC_STR("{\\")))
        end = find_ahead(&c->brace, s, '}');
    if (end == NULL)
        return 0;
    *inside = (struct sc_str){ s.ptr + 1, (size_t)(end - s.ptr) - 1 };
    /* SubRip has no way to write a '<' that is text: what is no style of its own is one. */
    if (s.ptr[0] == '<' && !c->vtt && !sc_srt_is_tag(*inside))
        return 0;
    return inside->len + 2;
}

/* At the end of the cue, in front of the end of its last line. */
static void close_ruby(struct cue *c)
{
    struct run *last = &c->runs[c->count - 1];
    while (last->len > 0 && c->text.ptr[c->text.len - 1] == '\n') {
        c->text.len--;
        last->len--;
    }
    sc_buf_putc(&c->text, ')');
    last->len++;
}

static void cut_into_runs(struct cue *c, struct sc_str s)
{
    begin_run(c, -1);
    while (s.len > 0 && !c->failed) {
        struct sc_str inside;
        size_t n = markup(c, s, &inside);
        if (n > 0) {
            if (s.ptr[0] == '<')
                take_tag(c, inside);
        } else {
            for (n = 1; n < s.len && s.ptr[n] != '<' && s.ptr[n] != '{';)
                n++;
            put_text(c, &c->text, (struct sc_str){ s.ptr, n });
        }
        s.ptr += n;
        s.len -= n;
        if (c->count > 0)
            c->runs[c->count - 1].len = c->text.len - c->runs[c->count - 1].at;
    }
    if (c->count > 0 && c->ruby)
        close_ruby(c);
    c->failed = c->failed || c->text.failed || c->voices.failed;
}

/* ---- runs to segments ---- */

static struct sc_str run_text(const struct cue *c, size_t i)
{
    return (struct sc_str){ sc_buf_text(&c->text) + c->runs[i].at, c->runs[i].len };
}

static struct sc_str run_voice(const struct cue *c, size_t i)
{
    return (struct sc_str){ sc_buf_text(&c->voices) + c->runs[i].voice_at, c->runs[i].voice_len };
}

static bool ends_in_space(struct sc_str line)
{
    return line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t');
}

/* Programs keep a line open with a space that does not break. Other signs that nobody sees are
 * kept: an import loses no sign. */
static bool is_blank(struct sc_str s)
{
    uint32_t sign;
    for (size_t n; s.len > 0; s = (struct sc_str){ s.ptr + n, s.len - n }) {
        n = sc_utf8_decode(s, &sign);
        if (n == 0 || (sign != ' ' && sign != 0xa0))
            return false;
    }
    return true;
}

/* The line cleaned; false: it is blank. */
static bool clean_line(struct sc_str line, struct sc_buf *clean)
{
    sc_buf_reset(clean);
    sc_text_append_line(clean, line);
    return !is_blank(sc_buf_str(clean));
}

/* Lines become one: with a space between, but in scripts without spaces only where one stood. */
static void join_lines(struct sc_buf *out, struct sc_str text)
{
    SC_AUTO_BUF clean = { .limit = SC_READ_LIMIT };
    bool space = false;
    while (text.len > 0) {
        struct sc_str line = sc_str_take_until(&text, '\n');
        if (clean_line(line, &clean)) {
            if (out->len > 0 && (space || sc_text_needs_space(sc_buf_str(out), sc_buf_str(&clean))))
                sc_buf_putc(out, ' ');
            sc_buf_put_str(out, sc_buf_str(&clean));
            space = false;
        }
        space = space || ends_in_space(line);
    }
    out->failed = out->failed || clean.failed;
}

/* The words of a run share its time by their length. */
static bool add_words(struct sc_segment *s, struct sc_str text, int64_t start_ms, int64_t end_ms)
{
    SC_AUTO_BUF clean = { .limit = SC_READ_LIMIT };
    sc_text_append_line(&clean, text);
    if (clean.len == 0)
        return !clean.failed;
    struct sc_segments one = { .items = &(struct sc_segment){ 0 }, .count = 1 };
    struct sc_segment *run = one.items;
    bool made = sc_segment_set_text(run, sc_buf_str(&clean)) && sc_segments_estimate_words(&one);
    if (made)
        sc_segments_spread(&one, start_ms, end_ms);
    for (size_t i = 0; made && i < run->word_count; i++)
        made = sc_segment_add_word(s, sc_str_from(run->words[i].text), run->words[i].start_ms,
                                   run->words[i].end_ms, -1);
    sc_segment_done(run);
    return made && !clean.failed;
}

/* Each run ends where the next one that has a time begins. */
static void set_ends(struct cue *c)
{
    int64_t end = c->end_ms;
    for (size_t i = c->count; i > 0; i--) {
        c->runs[i - 1].end_ms = end;
        if (c->runs[i - 1].ms >= 0)
            end = c->runs[i - 1].ms;
    }
}

/* Words for the runs [from, to) when one of them has a time. */
static bool time_words(const struct cue *c, struct sc_segment *s, size_t from, size_t to)
{
    bool timed = false;
    for (size_t i = from; i < to; i++)
        timed = timed || c->runs[i].ms >= 0;
    if (!timed)
        return true;
    int64_t start = c->start_ms;
    for (size_t i = from; i < to; i++) {
        start = c->runs[i].ms >= 0 ? SC_MAX(start, c->runs[i].ms) : start;
        int64_t end = SC_MAX(c->runs[i].end_ms, start);
        if (!add_words(s, run_text(c, i), start, end))
            return false;
    }
    return true;
}

/* One segment of the runs [from, to), which have one voice. */
static bool add_segment(const struct cue *c, struct sc_segments *out, size_t from, size_t to)
{
    SC_AUTO_BUF line = { .limit = SC_READ_LIMIT };
    struct sc_str text = run_text(c, from);
    text.len = c->runs[to - 1].at + c->runs[to - 1].len - c->runs[from].at;
    join_lines(&line, text);
    if (line.len == 0)
        return !line.failed;
    struct sc_segment *s = sc_segments_add(out);
    if (s == NULL || line.failed || !sc_segment_set_text(s, sc_buf_str(&line)) ||
        !sc_segment_set_speaker(s, run_voice(c, from)))
        return false;
    s->start_ms = c->start_ms;
    s->end_ms = c->until_ms;
    return time_words(c, s, from, to);
}

/* Voices that share a cue speak one after another. */
static void part_voices(struct sc_segments *made)
{
    bool timed = false;
    for (size_t i = 0; i < made->count; i++)
        timed = timed || made->items[i].word_count > 0;
    if (made->count > 1 && !timed)
        sc_segments_spread(made, made->items[0].start_ms, made->items[0].end_ms);
}

/* Bytes of the text up to the end of so many lines. */
static size_t find_lines(const struct cue *c, size_t lines, struct sc_buf *clean)
{
    struct sc_str rest = sc_buf_str(&c->text);
    while (lines > 0 && rest.len > 0)
        lines -= clean_line(sc_str_take_until(&rest, '\n'), clean);
    return c->text.len - rest.len;
}

/* Leaves the first lines out. */
static bool skip_lines(struct cue *c, size_t lines)
{
    SC_AUTO_BUF clean = { .limit = SC_READ_LIMIT };
    size_t at = find_lines(c, lines, &clean), kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct run run = c->runs[i];
        if (run.at + run.len <= at)
            continue;
        run.len -= run.at < at ? at - run.at : 0;
        run.at = SC_MAX(run.at, at);
        c->runs[kept++] = run;
    }
    c->count = kept;
    return !clean.failed;
}

bool sc_cue_lines(bool vtt, struct sc_str text, size_t most, struct sc_buf *out, size_t *count)
{
    SC_AUTO_BUF clean = { .limit = SC_READ_LIMIT };
    SC_AUTO(cue_done)
    struct cue c = { .vtt = vtt,
                     .text = { .limit = SC_READ_LIMIT },
                     .voices = { .limit = SC_READ_LIMIT } };
    cut_into_runs(&c, text);
    if (c.failed)
        return false;
    struct sc_str rest = sc_buf_str(&c.text);
    size_t lines = 0, run = 0;
    while (rest.len > 0 && lines < most) {
        size_t at = c.text.len - rest.len;
        if (!clean_line(sc_str_take_until(&rest, '\n'), &clean))
            continue;
        while (run + 1 < c.count && c.runs[run + 1].at <= at)
            run++;
        struct sc_str voice = run_voice(&c, run);
        sc_buf_put_str(out, (struct sc_str){ voice.ptr, SC_MIN(voice.len, VOICE_BYTES) });
        sc_buf_putc(out, '\t'); /* no cleaned line has one */
        sc_buf_put_str(out, sc_buf_str(&clean));
        sc_buf_putc(out, '\n');
        lines++;
    }
    *count = lines;
    return !clean.failed && !out->failed;
}

bool sc_cue_markup(struct sc_reading *out, bool vtt, const struct sc_cue *cue)
{
    struct sc_segments *list = &out->segments;
    SC_AUTO(cue_done)
    struct cue c = {
        .vtt = vtt,
        .start_ms = cue->start_ms,
        .end_ms = SC_MAX(cue->start_ms, cue->end_ms),
        .until_ms = SC_MAX(cue->start_ms, cue->until_ms),
        .text = { .limit = SC_READ_LIMIT },
        .voices = { .limit = SC_READ_LIMIT },
    };
    size_t first = list->count;
    cut_into_runs(&c, cue->text);
    if (c.failed || (cue->skip > 0 && !skip_lines(&c, cue->skip)))
        return false;
    set_ends(&c);
    for (size_t from = 0, to; from < c.count; from = to) {
        for (to = from + 1; to < c.count && sc_str_equal(run_voice(&c, from), run_voice(&c, to));)
            to++;
        if (!add_segment(&c, list, from, to))
            return false;
    }
    if (list->count == first)
        return true;
    out->doubts.backwards += cue->end_ms < cue->start_ms;
    struct sc_segments made = { .items = list->items + first, .count = list->count - first };
    part_voices(&made);
    return true;
}
