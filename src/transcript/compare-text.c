#include "transcript/compare.h"

#include "base/utf8.h"
#include "transcript/diff-internal.h"
#include "transcript/text.h"
#include "transcript/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define CYAN "\x1b[36m"
#define PLAIN "\x1b[0m"

/* "1:02:03.4", "2:03.4": tenths tell segments apart. */
static void put_time(struct sc_buf *out, int64_t ms)
{
    int64_t s = ms / 1000, tenths = ms % 1000 / 100;
    if (s >= 3600)
        sc_buf_printf(out, "%" PRId64 ":%02" PRId64 ":%02" PRId64 ".%" PRId64, s / 3600,
                      s / 60 % 60, s % 60, tenths);
    else
        sc_buf_printf(out, "%" PRId64 ":%02" PRId64 ".%" PRId64, s / 60, s % 60, tenths);
}

/* ---- which parts are shown ---- */

/* Walks over the parts that are near to one that differs. */
struct walk {
    const struct sc_comparison *c;
    int context;
    size_t next;    /* the part to look at */
    size_t differs; /* the first from `next` on that differs; c->count: none */
    size_t shown;   /* parts behind the last that differs that are shown still */
};

static size_t find_different(const struct sc_comparison *c, size_t from)
{
    while (from < c->count && c->parts[from].kind == SC_COMPARE_SAME)
        from++;
    return from;
}

/* The next part to be shown; *skipped: some before it are not. NULL: no more. */
static const struct sc_compare_part *walk_next(struct walk *w, bool *skipped)
{
    const struct sc_comparison *c = w->c;
    *skipped = false;
    while (w->next < c->count) {
        size_t at = w->next++;
        if (w->context < 0)
            return &c->parts[at];
        if (w->differs < at || at == 0)
            w->differs = find_different(c, at);
        if (w->differs == at)
            w->shown = (size_t)w->context + 1;
        if (w->shown > 0) {
            w->shown--;
            return &c->parts[at];
        }
        if (w->differs < c->count && w->differs - at <= (size_t)w->context)
            return &c->parts[at];
        *skipped = true;
    }
    return NULL;
}

/* ---- words ---- */

/* How the words of each side are set off, and how text is escaped. */
struct dress {
    const char *del, *del_end, *ins, *ins_end;
    bool apart; /* marks do not show where the old words end and the new ones begin */
    void (*put)(struct sc_buf *out, struct sc_str text);
};

/* Puts the words with the space that stands before the first one, if any. */
static void put_words(const struct dress *dress, const struct sc_diff_words *words, size_t at,
                      size_t count, struct sc_buf *out)
{
    for (size_t k = at; k < at + count; k++) {
        if (k > at && sc_diff_gap(words, k))
            sc_buf_putc(out, ' ');
        dress->put(out, words->items[k].text);
    }
}

/* Must a space stand between two runs? */
static bool joint(const struct sc_comparison *c, const struct sc_diff_op *before,
                  const struct sc_diff_op *run)
{
    struct sc_str last = before->b_count > 0
                             ? c->diff.b.items[before->b + before->b_count - 1].text
                             : c->diff.a.items[before->a + before->a_count - 1].text;
    struct sc_str first =
        run->a_count > 0 ? c->diff.a.items[run->a].text : c->diff.b.items[run->b].text;
    return sc_text_needs_space(last, first);
}

static void put_part_words(const struct sc_comparison *c, const struct sc_compare_part *part,
                           const struct dress *dress, struct sc_buf *out)
{
    struct sc_diff_op run = { 0 }, before = { 0 };
    while (sc_comparison_run(c, part, &run)) {
        if (before.a_count + before.b_count > 0 && joint(c, &before, &run))
            sc_buf_putc(out, ' ');
        if (run.kind != SC_DIFF_SAME && run.a_count > 0) {
            sc_buf_puts(out, dress->del);
            put_words(dress, &c->diff.a, run.a, run.a_count, out);
            sc_buf_puts(out, dress->del_end);
        }
        if (run.kind == SC_DIFF_CHANGED && dress->apart &&
            sc_text_needs_space(c->diff.a.items[run.a + run.a_count - 1].text,
                                c->diff.b.items[run.b].text))
            sc_buf_putc(out, ' ');
        if (run.kind != SC_DIFF_SAME && run.b_count > 0)
            sc_buf_puts(out, dress->ins);
        put_words(dress, &c->diff.b, run.b, run.b_count, out);
        if (run.kind != SC_DIFF_SAME && run.b_count > 0)
            sc_buf_puts(out, dress->ins_end);
        before = run;
    }
}

static const struct sc_segment *first_segment(const struct sc_comparison *c,
                                              const struct sc_compare_part *part)
{
    return part->b_count > 0 ? &c->b->items[part->b] : &c->a->items[part->a];
}

static const char *speaker_of(const struct sc_segment *s)
{
    return s->speaker == NULL ? "" : s->speaker;
}

/* ---- for a terminal ---- */

static void put_printable(struct sc_buf *out, struct sc_str text)
{
    sc_utf8_append_printable(out, text);
}

/* The segment behind `at`, up to `end`, in which another speaks. */
static size_t next_speaker(const struct sc_segments *s, size_t at, size_t end)
{
    size_t i = at + 1;
    while (i < end && strcmp(speaker_of(&s->items[i]), speaker_of(&s->items[at])) == 0)
        i++;
    return i;
}

static bool several_speak(const struct sc_segments *s, size_t at, size_t count)
{
    return count > 1 && next_speaker(s, at, at + count) < at + count;
}

static void put_speakers(const struct sc_segments *s, size_t at, size_t count, struct sc_buf *out)
{
    for (size_t i = at; i < at + count; i = next_speaker(s, i, at + count)) {
        sc_buf_puts(out, i > at ? ", '" : "'");
        put_printable(out, sc_str_from(speaker_of(&s->items[i])));
        sc_buf_putc(out, '\'');
    }
}

/* "(speaker was 'Ann')", where the line says who it is now; where the segments on either side have
 * several, all of them, as no one name can stand in front of the words. */
static void put_speaker_event(const struct sc_comparison *c, const struct sc_compare_part *p,
                              struct sc_buf *out)
{
    bool were = several_speak(c->a, p->a, p->a_count), are = several_speak(c->b, p->b, p->b_count);
    if (p->speaker_differs) {
        sc_buf_puts(out, were ? "(speakers were " : "(speaker was ");
        put_speakers(c->a, p->a, p->a_count, out);
        sc_buf_puts(out, are ? "; now " : ") ");
    } else if (are) {
        sc_buf_puts(out, "(speakers are ");
    }
    if (are) {
        put_speakers(c->b, p->b, p->b_count, out);
        sc_buf_puts(out, ") ");
    }
}

/* What happened to the segment beside its words: "(split in 2)". */
static void put_event(const struct sc_comparison *c, const struct sc_compare_part *p,
                      struct sc_buf *out)
{
    if (p->kind == SC_COMPARE_SPLIT)
        sc_buf_printf(out, "(split in %zu) ", p->b_count);
    else if (p->kind == SC_COMPARE_MERGED)
        sc_buf_printf(out, "(%zu merged) ", p->a_count);
    else if (p->kind == SC_COMPARE_CHANGED && p->a_count > 1)
        sc_buf_printf(out, "(%zu became %zu) ", p->a_count, p->b_count);
    put_speaker_event(c, p, out);
    if (p->times_differ && c->a->items[p->a].start_ms != c->b->items[p->b].start_ms) {
        sc_buf_puts(out, "(was at ");
        put_time(out, c->a->items[p->a].start_ms);
        sc_buf_puts(out, ") ");
    } else if (p->kind == SC_COMPARE_RETIMED) {
        sc_buf_puts(out, "(timed anew) ");
    }
}

static void put_line(const struct sc_comparison *c, const struct sc_compare_part *part,
                     const struct sc_compare_style *style, const struct dress *dress,
                     struct sc_buf *out)
{
    static const char marks[] = { ' ', '~', '~', '~', '+', '-', '~', '~' };
    const struct sc_segment *s = first_segment(c, part);
    sc_buf_printf(out, "%c %s", marks[part->kind], style->colour ? CYAN : "");
    put_time(out, s->start_ms);
    sc_buf_puts(out, style->colour ? PLAIN "  " : "  ");
    put_event(c, part, out);
    if (s->speaker != NULL && !several_speak(c->b, part->b, part->b_count)) {
        put_printable(out, sc_str_from(s->speaker));
        sc_buf_puts(out, ": ");
    }
    put_part_words(c, part, dress, out);
    sc_buf_putc(out, '\n');
}

static void put_figures(const struct sc_comparison *c, struct sc_buf *out)
{
    double rate = sc_comparison_rate(c);
    size_t differ = c->substituted + c->added + c->removed;
    if (differ == 0 && c->segments[SC_COMPARE_SAME] == c->count) {
        sc_buf_puts(out, "no differences\n");
        return;
    }
    sc_buf_printf(out, "%zu %s: %zu replaced, %zu added, %zu removed; %zu before, %zu now", differ,
                  differ == 1 ? "word differs" : "words differ", c->substituted, c->added,
                  c->removed, c->diff.a.count, c->diff.b.count);
    if (rate >= 0)
        sc_buf_printf(out, " (word error rate %.1f %%)", rate * 100);
    for (int kind = SC_COMPARE_CHANGED; kind < SC_COMPARE_KIND_COUNT_; kind++) {
        if (c->segments[kind] > 0)
            sc_buf_printf(out, "%s %zu %s", kind == SC_COMPARE_CHANGED ? "\nsegments:" : ",",
                          c->segments[kind], sc_compare_kind_text((enum sc_compare_kind)kind));
        else if (kind == SC_COMPARE_CHANGED)
            sc_buf_puts(out, "\nsegments: 0 changed");
    }
    sc_buf_putc(out, '\n');
}

void sc_comparison_text(const struct sc_comparison *c, const struct sc_compare_style *style,
                        struct sc_buf *out)
{
    static const struct dress plain = { "[-", "-]", "{+", "+}", false, put_printable };
    static const struct dress coloured = { RED, PLAIN, GREEN, PLAIN, true, put_printable };
    const struct dress *dress = style->colour ? &coloured : &plain;
    struct walk walk = { .c = c, .context = style->context };
    const struct sc_compare_part *part;
    bool skipped;
    sc_buf_printf(out, "%s -> %s\n", style->a, style->b);
    while ((part = walk_next(&walk, &skipped)) != NULL) {
        if (skipped)
            sc_buf_puts(out, "  ...\n");
        put_line(c, part, style, dress, out);
    }
    put_figures(c, out);
}

/* ---- for a page ---- */

static void put_html(struct sc_buf *out, struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            sc_buf_puts(out, "&amp;");
            break;
        case '<':
            sc_buf_puts(out, "&lt;");
            break;
        case '>':
            sc_buf_puts(out, "&gt;");
            break;
        case '"':
            sc_buf_puts(out, "&quot;");
            break;
        case '\'':
            sc_buf_puts(out, "&#39;");
            break;
        default:
            /* HTML knows no other control signs. */
            sc_buf_putc(
                out, (unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? ' ' : text.ptr[i]);
        }
    }
}

static void put_seconds(struct sc_buf *out, const char *name, int64_t ms)
{
    sc_buf_printf(out, " data-%s=\"%" PRId64 ".%03" PRId64 "\"", name, ms / 1000, ms % 1000);
}

/* Who speaks there; who is not known is a dash among others. */
static void put_names(const struct sc_segments *s, size_t at, size_t count, const char *tag,
                      struct sc_buf *out)
{
    sc_buf_printf(out, "<%s class=\"scripta-speaker-name\">", tag);
    for (size_t i = at; i < at + count; i = next_speaker(s, i, at + count)) {
        const char *who = speaker_of(&s->items[i]);
        sc_buf_puts(out, i > at ? ", " : "");
        put_html(out, who[0] == '\0' ? SC_STR("–") : sc_str_from(who));
    }
    sc_buf_printf(out, "</%s> ", tag);
}

static void put_paragraph(const struct sc_comparison *c, const struct sc_compare_part *part,
                          struct sc_buf *out)
{
    static const struct dress marked = { "<del>", "</del>", "<ins>", "</ins>", true, put_html };
    const struct sc_segment *s = first_segment(c, part);
    const struct sc_segment *last = s + (part->b_count > 0 ? part->b_count : part->a_count) - 1;
    sc_buf_printf(out, "<p class=\"scripta-%s\"", sc_compare_kind_text(part->kind));
    put_seconds(out, "start", s->start_ms);
    put_seconds(out, "end", last->end_ms);
    if (part->times_differ)
        put_seconds(out, "was-start", c->a->items[part->a].start_ms);
    sc_buf_puts(out, "><time>");
    put_time(out, s->start_ms);
    sc_buf_puts(out, "</time> ");
    bool were = several_speak(c->a, part->a, part->a_count);
    bool are = several_speak(c->b, part->b, part->b_count);
    if (part->speaker_differs && (were || c->a->items[part->a].speaker != NULL))
        put_names(c->a, part->a, part->a_count, "del", out);
    if (part->b_count == 0 && s->speaker != NULL)
        put_names(c->a, part->a, 1, "b", out);
    else if (are || (part->b_count > 0 && s->speaker != NULL))
        put_names(c->b, part->b, part->b_count, part->speaker_differs ? "ins" : "b", out);
    put_part_words(c, part, &marked, out);
    sc_buf_puts(out, "</p>\n");
}

void sc_comparison_html(const struct sc_comparison *c, const struct sc_compare_style *style,
                        struct sc_buf *out)
{
    struct walk walk = { .c = c, .context = style->context };
    const struct sc_compare_part *part;
    bool skipped;
    sc_buf_puts(out, "<div class=\"scripta-compare\" data-from=\"");
    put_html(out, sc_str_from(style->a));
    sc_buf_puts(out, "\" data-to=\"");
    put_html(out, sc_str_from(style->b));
    sc_buf_puts(out, "\">\n");
    while ((part = walk_next(&walk, &skipped)) != NULL) {
        if (skipped)
            sc_buf_puts(out, "<hr class=\"scripta-skipped\">\n");
        put_paragraph(c, part, out);
    }
    sc_buf_puts(out, "</div>\n");
}

/* ---- unified ---- */

/* The export txt by lines, which are the words of a diff; they borrow *text. */
static bool make_lines(const struct sc_segments *s, struct sc_buf *text, struct sc_diff_words *out)
{
    const struct sc_writer_meta meta = { .job_id = "", .status = "", .language = "" };
    SC_AUTO_BUF clean = { .limit = SIZE_MAX / 4 };
    size_t segment = 0;
    text->limit = SIZE_MAX / 4;
    if (sc_format_to_buf(sc_format_find("txt"), s, &meta, NULL, text, NULL) != SC_OK)
        return false;
    struct sc_str rest = sc_buf_str(text);
    while (rest.len > 0) {
        /* The export has no line for a segment that says nothing. */
        for (; segment < s->count; segment++) {
            sc_buf_reset(&clean);
            sc_text_append_line(&clean, sc_str_from(s->items[segment].text));
            if (clean.len > 0)
                break;
        }
        struct sc_diff_word line = { .segment = SC_MIN(segment, s->count - 1),
                                     .word = SC_DIFF_NO_WORD };
        line.text = sc_str_take_until(&rest, '\n');
        segment++;
        if (!sc_diff_add(out, &line))
            return false;
    }
    return !clean.failed;
}

static void put_unified_line(struct sc_buf *out, char mark, struct sc_str line, bool colour)
{
    const char *tone = mark == '-' ? RED : GREEN;
    sc_buf_puts(out, colour && mark != ' ' ? tone : "");
    sc_buf_putc(out, mark);
    sc_buf_put_str(out, line);
    sc_buf_puts(out, colour && mark != ' ' ? PLAIN "\n" : "\n");
}

/* The lines [a, a_end) and [b, b_end), of which ops[first … last] are those that differ. */
struct hunk {
    size_t a, a_end, b, b_end, first, last;
};

/* "-3,2"; before the first of none stands the line behind which it would be. */
static void put_range(struct sc_buf *out, char mark, size_t from, size_t to)
{
    size_t count = to - from, at = count == 0 ? from : from + 1;
    sc_buf_printf(out, count == 1 ? "%c%zu" : "%c%zu,%zu", mark, at, count);
}

static void put_hunk(const struct sc_comparison *c, const struct sc_diff *d, const struct hunk *h,
                     bool colour, struct sc_buf *out)
{
    sc_buf_puts(out, colour ? CYAN "@@ " : "@@ ");
    put_range(out, '-', h->a, h->a_end);
    sc_buf_putc(out, ' ');
    put_range(out, '+', h->b, h->b_end);
    sc_buf_puts(out, colour ? " @@" PLAIN " " : " @@ ");
    put_time(out, h->a < d->a.count   ? c->a->items[d->a.items[h->a].segment].start_ms
                  : h->b < d->b.count ? c->b->items[d->b.items[h->b].segment].start_ms
                                      : 0);
    sc_buf_putc(out, '\n');
    size_t a = h->a;
    for (size_t i = h->first; i <= h->last; i++) {
        const struct sc_diff_op *op = &d->ops[i];
        if (op->kind == SC_DIFF_SAME)
            continue;
        for (; a < op->a; a++)
            put_unified_line(out, ' ', d->a.items[a].text, colour);
        for (; a < op->a + op->a_count; a++)
            put_unified_line(out, '-', d->a.items[a].text, colour);
        for (size_t b = op->b; b < op->b + op->b_count; b++)
            put_unified_line(out, '+', d->b.items[b].text, colour);
    }
    for (; a < h->a_end; a++)
        put_unified_line(out, ' ', d->a.items[a].text, colour);
}

static void put_hunks(const struct sc_comparison *c, const struct sc_diff *d,
                      const struct sc_compare_style *style, struct sc_buf *out)
{
    size_t around = style->context < 0 ? SIZE_MAX / 4 : (size_t)style->context;
    for (size_t i = 0; i < d->count; i++) {
        const struct sc_diff_op *op = &d->ops[i];
        if (op->kind == SC_DIFF_SAME)
            continue;
        size_t lead = SC_MIN(around, op->a), last = i;
        lead = SC_MIN(lead, op->b);
        /* Neighbours whose surroundings touch are one hunk. */
        while (last + 2 < d->count && d->ops[last + 1].a_count <= 2 * around)
            last += 2;
        const struct sc_diff_op *end = &d->ops[last];
        size_t tail = SC_MIN(around, d->a.count - (end->a + end->a_count));
        const struct hunk h = { op->a - lead,
                                end->a + end->a_count + tail,
                                op->b - lead,
                                end->b + end->b_count + tail,
                                i,
                                last };
        put_hunk(c, d, &h, style->colour, out);
        i = last;
    }
}

bool sc_comparison_unified(const struct sc_comparison *c, const struct sc_compare_style *style,
                           struct sc_buf *out)
{
    SC_AUTO_BUF a = { 0 };
    SC_AUTO_BUF b = { 0 };
    SC_AUTO_DIFF d = { 0 };
    if (!make_lines(c->a, &a, &d.a) || !make_lines(c->b, &b, &d.b) ||
        !sc_diff_run(&d, SC_DIFF_UNTIMED))
        return false;
    bool differs = d.count > 1 || (d.count == 1 && d.ops[0].kind != SC_DIFF_SAME);
    if (differs)
        sc_buf_printf(out, "--- %s\n+++ %s\n", style->a, style->b);
    put_hunks(c, &d, style, out);
    return true;
}
