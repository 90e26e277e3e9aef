/* The words of the text are matched with those of the old segments. Each then has a target: the
 * segment that its partner belongs to; where it replaces words, theirs, in proportion; where it was
 * added, that of its neighbour on the same line; on a line of its own none. Runs of one target, or
 * where lines are segments the lines, become the new segments. */
#include "transcript/diff-internal.h"

#include "base/alloc.h"
#include "transcript/reader-internal.h"
#include "transcript/text.h"

#include "base/banned.h"

#define NO_SEGMENT SIZE_MAX
#define NO_PARTNER SIZE_MAX

/* What is known of a word of the text beside its struct sc_diff_word, whose `segment` is its line.
 */
struct placed {
    size_t partner; /* of the old words */
    size_t target;  /* of the old segments; NO_SEGMENT: a new one */
    int64_t start_ms, end_ms;
    bool goes_on; /* begins a line, of a segment that goes on from the line before */
};

struct line {
    const char *speaker; /* borrowed; NULL: the line names none */
    size_t paragraph;    /* empty lines hold these apart */
};

/* A name that may stand in front of a line. */
struct name {
    const char *text; /* borrowed */
    bool said;        /* also a segment's own text begins so: then it is text */
};

struct align {
    const struct sc_segments *old;
    struct sc_diff d;
    struct line *lines; /* owned */
    size_t line_count, line_cap, paragraph_count;
    struct name *names; /* owned; sorted */
    size_t name_count;
    struct placed *placed; /* owned; one for each word of d.b */
    bool *taken;           /* owned; old segments whose id is given away, or which are copied */
    size_t *first, *last;  /* owned; of each old segment the first and last word that it gets */
    bool paragraphs;       /* these stand for the lines */
    bool by_line;          /* the lines are the segments */
    bool has_words;        /* some old segment has */
    size_t next_old;       /* those before it are dealt with */
    const char *old_speaker, *new_speaker; /* of the segment made last */
    struct sc_segments out;
};

static void align_done(struct align *m)
{
    sc_diff_done(&m->d);
    free(m->lines);
    free(m->names);
    free(m->placed);
    free(m->taken);
    free(m->first);
    free(m->last);
    sc_segments_done(&m->out);
}

/* ---- lines ---- */

static int by_name(const void *left, const void *right)
{
    const struct name *l = left, *r = right;
    return strcmp(l->text, r->text);
}

/* The name that the line begins with, "Name: "; NULL: none that is known. */
static struct name *name_of(const struct align *m, struct sc_str line)
{
    const char *colon = line.len == 0 ? NULL : memchr(line.ptr, ':', line.len);
    if (colon == NULL || m->name_count == 0)
        return NULL;
    size_t len = (size_t)(colon - line.ptr);
    if (len + 1 < line.len && colon[1] != ' ')
        return NULL;
    SC_AUTO_FREE char *text = sc_strndup(line.ptr, SC_MIN(len, 4096));
    struct name wanted = { .text = text };
    return bsearch(&wanted, m->names, m->name_count, sizeof(*m->names), by_name);
}

static bool collect_names(struct align *m, const struct sc_names *names)
{
    const struct sc_segments *old = m->old;
    size_t room = names == NULL ? old->count : names->count;
    m->names = sc_try_alloc((room + 1) * sizeof(*m->names));
    if (m->names == NULL)
        return false;
    for (size_t i = 0; names != NULL && i < names->count; i++)
        m->names[m->name_count++].text = names->items[i];
    for (size_t i = 0; names == NULL && i < old->count; i++) {
        const char *who = old->items[i].speaker;
        if (who != NULL && (i == 0 || old->items[i - 1].speaker == NULL ||
                            strcmp(who, old->items[i - 1].speaker) != 0))
            m->names[m->name_count++].text = who;
    }
    qsort(m->names, m->name_count, sizeof(*m->names), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < m->name_count; i++) {
        if (kept == 0 || strcmp(m->names[kept - 1].text, m->names[i].text) != 0)
            m->names[kept++] = m->names[i];
    }
    m->name_count = kept;
    for (size_t i = 0; i < old->count; i++) {
        struct name *name = name_of(m, sc_str_from(old->items[i].text));
        if (name != NULL)
            name->said = true;
    }
    return true;
}

static bool add_line(struct align *m, struct sc_str text)
{
    struct line line = { 0 };
    text = sc_str_trim(text);
    const struct name *name = name_of(m, text);
    if (name != NULL && !name->said) {
        size_t n = strlen(name->text) + 1;
        line.speaker = name->text;
        text.ptr += n;
        text.len -= n;
    }
    struct sc_diff_word word = { .segment = m->line_count, .word = SC_DIFF_NO_WORD };
    size_t before = m->d.b.count;
    while (sc_text_take_word(&text, &word.text)) {
        if (!sc_diff_add(&m->d.b, &word))
            return false;
    }
    if (m->d.b.count == before)
        return true;
    void *lines = m->lines;
    if (!sc_try_grow(&lines, &m->line_cap, m->line_count + 1, sizeof(*m->lines)))
        return false;
    m->lines = lines;
    m->lines[m->line_count++] = line;
    return true;
}

static bool collect_lines(struct align *m, struct sc_str text)
{
    struct sc_lines lines = { .rest = text };
    struct sc_str line;
    bool blank = true;
    while (sc_lines_next(&lines, &line)) {
        size_t before = m->line_count;
        if (!add_line(m, line))
            return false;
        m->paragraph_count += blank && m->line_count > before;
        blank = m->line_count == before && (blank || sc_str_trim(line).len == 0);
        if (m->line_count > before)
            m->lines[before].paragraph = m->paragraph_count;
    }
    return true;
}

/* ---- targets ---- */

/* What stands between two words of one text. */
enum gap { GAP_NONE, GAP_SPACE, GAP_LINE };

static enum gap gap_before(const struct sc_diff_words *words, size_t k)
{
    struct sc_str before = words->items[k - 1].text;
    const char *at = before.ptr + before.len;
    size_t len = (size_t)(words->items[k].text.ptr - at);
    if (len == 0)
        return GAP_NONE;
    return memchr(at, '\n', len) != NULL || memchr(at, '\r', len) != NULL ? GAP_LINE : GAP_SPACE;
}

static size_t old_of(const struct align *m, size_t word)
{
    return m->d.a.items[word].segment;
}

static size_t line_of(const struct align *m, size_t word)
{
    size_t line = m->d.b.items[word].segment;
    return m->paragraphs ? m->lines[line].paragraph : line;
}

/* At least half of the ends of segments that can still be seen are ends of lines, few lines end
 * elsewhere, and there are about as many of them as segments that words are left of. */
static bool lines_are_segments(const struct align *m, size_t lines)
{
    size_t seen = 0, ended = 0, torn = 0, left = 0, last = NO_SEGMENT;
    for (size_t k = 0; k < m->d.b.count; k++) {
        size_t a = m->placed[k].partner;
        if (a == NO_PARTNER)
            continue;
        left += old_of(m, a) != last;
        last = old_of(m, a);
        if (k == 0 || a == 0 || m->placed[k - 1].partner != a - 1)
            continue;
        bool ends = line_of(m, k) != line_of(m, k - 1);
        seen += old_of(m, a - 1) != last;
        ended += ends && old_of(m, a - 1) != last;
        torn += ends && old_of(m, a - 1) == last && gap_before(&m->d.a, a) != GAP_LINE;
    }
    return ended * 2 >= seen && torn <= ended + 1 && lines * 4 >= left * 3;
}

static void judge_lines(struct align *m)
{
    m->by_line = lines_are_segments(m, m->line_count);
    if (m->by_line || m->paragraph_count < 2)
        return;
    m->paragraphs = true;
    m->by_line = lines_are_segments(m, m->paragraph_count);
}

typedef size_t (*part_fn)(const struct align *m, size_t word);

static size_t ends_within(const struct align *m, part_fn part, size_t from, size_t count)
{
    size_t ends = 0;
    for (size_t i = from + 1; i < from + count; i++)
        ends += part(m, i) != part(m, i - 1);
    return ends;
}

/* How many of the words from `from` on are of one segment, or line. */
static size_t run_of_one(const struct align *m, part_fn part, size_t from, size_t count)
{
    size_t n = 1;
    while (n < count && part(m, from + n) == part(m, from))
        n++;
    return n;
}

static void target_in_proportion(struct align *m, const struct sc_diff_op *op)
{
    for (size_t i = 0; i < op->b_count; i++) {
        size_t a = op->a + (size_t)((double)i * (double)op->a_count / (double)op->b_count);
        m->placed[op->b + i].target = old_of(m, SC_MIN(a, op->a + op->a_count - 1));
    }
}

/* Line by line when there are as many lines as segments, else in proportion. */
static void target_changed(struct align *m, const struct sc_diff_op *op)
{
    struct sc_diff_op rest = *op;
    if (!m->by_line ||
        ends_within(m, old_of, op->a, op->a_count) != ends_within(m, line_of, op->b, op->b_count)) {
        target_in_proportion(m, op);
        return;
    }
    while (rest.b_count > 0) {
        size_t a = run_of_one(m, old_of, rest.a, rest.a_count);
        size_t b = run_of_one(m, line_of, rest.b, rest.b_count);
        for (size_t i = 0; i < b; i++)
            m->placed[rest.b + i].target = old_of(m, rest.a);
        rest.a += a;
        rest.a_count -= a;
        rest.b += b;
        rest.b_count -= b;
    }
}

static void target_added(struct align *m, const struct sc_diff_op *op)
{
    size_t end = op->b + op->b_count;
    size_t before = op->b == 0 ? NO_SEGMENT : m->placed[op->b - 1].target;
    size_t behind = end == m->d.b.count ? NO_SEGMENT : old_of(m, m->placed[end].partner);
    for (size_t k = op->b; k < end; k++) {
        if (before != NO_SEGMENT &&
            (line_of(m, k) == line_of(m, op->b - 1) || (before == behind && !m->by_line)))
            m->placed[k].target = before;
        else if (behind != NO_SEGMENT && line_of(m, k) == line_of(m, end))
            m->placed[k].target = behind;
        else
            m->placed[k].target = before == behind ? before : NO_SEGMENT;
    }
}

static void set_targets(struct align *m)
{
    for (size_t i = 0; i < m->d.count; i++) {
        const struct sc_diff_op *op = &m->d.ops[i];
        switch (op->kind) {
        case SC_DIFF_SAME:
            for (size_t k = 0; k < op->b_count; k++)
                m->placed[op->b + k].target = old_of(m, op->a + k);
            break;
        case SC_DIFF_CHANGED:
            target_changed(m, op);
            break;
        case SC_DIFF_ADDED:
            target_added(m, op);
            break;
        case SC_DIFF_REMOVED:
        case SC_DIFF_KIND_COUNT_:
            break;
        }
    }
    for (size_t s = 0; s < m->old->count; s++)
        m->first[s] = m->last[s] = SIZE_MAX;
    for (size_t k = 0; k < m->d.b.count; k++) {
        size_t s = m->placed[k].target;
        if (s == NO_SEGMENT)
            continue;
        if (m->first[s] == SIZE_MAX)
            m->first[s] = k;
        m->last[s] = k;
    }
}

static size_t count_lines(const struct sc_diff_words *words, size_t from, size_t to)
{
    size_t lines = 0;
    for (size_t k = from + 1; k < to; k++)
        lines += gap_before(words, k) == GAP_LINE;
    return lines;
}

/* A segment of several lines ends no more often than it did: between two words that stay, or one
 * and its end, it goes on where the text has as many lines there. */
static void keep_lines(struct align *m)
{
    const struct sc_diff_words *a = &m->d.a, *b = &m->d.b;
    for (size_t from = 0, to, at = 0; from < b->count; from = to) {
        const struct placed *p = &m->placed[from];
        to = from + 1;
        while (to < b->count && m->placed[to].target == p->target &&
               m->placed[to].partner == NO_PARTNER)
            to++;
        if (p->target == NO_SEGMENT)
            continue;
        while (at < a->count && old_of(m, at) < p->target)
            at++;
        if (p->partner != NO_PARTNER)
            at = p->partner;
        bool more = to < b->count && m->placed[to].target == p->target;
        size_t end = at;
        while (end < a->count && old_of(m, end) == p->target &&
               (!more || end < m->placed[to].partner))
            end++;
        bool as_many = count_lines(a, at, end + more) == count_lines(b, from, to + more);
        for (size_t k = from + 1; as_many && k < to + more; k++)
            m->placed[k].goes_on =
                gap_before(b, k) == GAP_LINE && m->lines[b->items[k].segment].speaker == NULL;
        at = end;
    }
}

/* ---- times ---- */

/* Gives the words of the text from … to-1 their shares of a time by their lengths. */
static void share(struct align *m, size_t from, size_t to, int64_t start_ms, int64_t end_ms)
{
    size_t all = 0, at = 0;
    end_ms = SC_MAX(start_ms, end_ms);
    for (size_t k = from; k < to; k++)
        all += m->d.b.items[k].text.len;
    double span = (double)(end_ms - start_ms);
    for (size_t k = from; k < to; k++) {
        m->placed[k].start_ms = start_ms + (int64_t)(span * (double)at / (double)all);
        at += m->d.b.items[k].text.len;
        m->placed[k].end_ms = start_ms + (int64_t)(span * (double)at / (double)all);
    }
}

/* A line that nobody spoke yet, where there is room. */
static int64_t time_for(const struct align *m, size_t from, size_t to)
{
    int64_t bytes = 0;
    for (size_t k = from; k < to; k++)
        bytes += (int64_t)m->d.b.items[k].text.len + 1;
    return bytes * SC_READ_BYTE_MS;
}

/* Words from … to-1 of an old segment found no time: they share that of a word beside them, which
 * keeps it. */
static void time_beside(struct align *m, size_t from, size_t to)
{
    size_t target = m->placed[from].target, added = 0;
    int64_t start, end;
    for (size_t k = from; k < to; k++)
        added += m->d.b.items[k].text.len;
    if (from > 0 && m->placed[from - 1].target == target) {
        struct sc_diff_word before = m->d.b.items[from - 1];
        before.start_ms = m->placed[from - 1].start_ms;
        before.end_ms = m->placed[from - 1].end_ms;
        sc_diff_borrow(&before, added, true, &start, &end);
        share(m, from, to, start, end);
    } else if (to < m->d.b.count && m->placed[to].target == target &&
               m->placed[to].partner != NO_PARTNER) {
        sc_diff_borrow(&m->d.a.items[m->placed[to].partner], added, false, &start, &end);
        share(m, from, to, start, end);
        for (size_t k = from; k < to; k++) /* none behind the start of the word that follows */
            m->placed[k].start_ms = start;
    }
}

/* Words from … to-1 are new ones that go to one old segment, in place of those old words of its own
 * that are the next in *a … a_end-1, which are passed; none: between their neighbours. */
static void time_inside(struct align *m, size_t from, size_t to, size_t *a, size_t a_end)
{
    size_t target = m->placed[from].target;
    const struct sc_segment *s = &m->old->items[target];
    int64_t start = s->start_ms, end = s->end_ms;
    if (from > 0 && m->placed[from - 1].target == target)
        start = m->placed[from - 1].end_ms;
    if (to < m->d.b.count && m->placed[to].target == target && m->placed[to].partner != NO_PARTNER)
        end = m->d.a.items[m->placed[to].partner].start_ms;
    while (*a < a_end && old_of(m, *a) != target)
        (*a)++;
    if (*a < a_end)
        start = SC_MAX(start, m->d.a.items[*a].start_ms);
    for (; *a < a_end && old_of(m, *a) == target; (*a)++) {
        if (*a + 1 == a_end || old_of(m, *a + 1) != target)
            end = SC_MIN(end, m->d.a.items[*a].end_ms);
    }
    share(m, from, to, start, end);
    if (end <= start)
        time_beside(m, from, to);
}

/* Words from … to-1 are segments of their own: as long as they take to say, in what is free between
 * the segments around them, the first ones right in front of the next segment. */
static void time_outside(struct align *m, size_t from, size_t to)
{
    const struct sc_segments *old = m->old;
    size_t before = from == 0 ? NO_SEGMENT : m->placed[from - 1].target;
    size_t behind = to == m->d.b.count ? NO_SEGMENT : m->placed[to].target;
    int64_t needs = time_for(m, from, to);
    int64_t start = before == NO_SEGMENT ? 0 : old->items[before].end_ms;
    int64_t limit = behind == NO_SEGMENT ? start : old->items[behind].start_ms;
    if (before == NO_SEGMENT)
        start = SC_MAX(0, limit - needs);
    start = behind == NO_SEGMENT ? start : SC_MIN(start, limit);
    share(m, from, to, start, SC_MIN(limit, start + needs));
}

static void set_times(struct align *m)
{
    for (size_t i = 0; i < m->d.count; i++) {
        const struct sc_diff_op *op = &m->d.ops[i];
        size_t a = op->a, end = op->b + op->b_count;
        for (size_t k = op->b, to; k < end; k = to) {
            to = k + 1;
            if (op->kind == SC_DIFF_SAME) {
                m->placed[k].start_ms = m->d.a.items[m->placed[k].partner].start_ms;
                m->placed[k].end_ms = m->d.a.items[m->placed[k].partner].end_ms;
                continue;
            }
            while (to < end && m->placed[to].target == m->placed[k].target)
                to++;
            if (m->placed[k].target == NO_SEGMENT)
                time_outside(m, k, to);
            else
                time_inside(m, k, to, &a, op->a + op->a_count);
        }
    }
}

/* ---- segments ---- */

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : sc_strdup(text);
}

static bool copy_word(struct sc_segment *out, const struct sc_word *w)
{
    return sc_segment_add_word(out, sc_str_from(w->text), w->start_ms, w->end_ms, w->confidence);
}

static bool equal_names(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool copy_segment(struct align *m, size_t index, const char *speaker)
{
    const struct sc_segment *s = &m->old->items[index];
    struct sc_segment *out = sc_segments_add(&m->out);
    if (out == NULL || !sc_segment_copy(s, out))
        return false;
    m->taken[index] = true;
    if (out->text == NULL)
        out->text = sc_strdup("");
    if (!equal_names(speaker, s->speaker)) {
        free(out->speaker);
        out->speaker = copy_text(speaker);
        out->row = 0;
    }
    return true;
}

/* Are words k-1 and k of the text neighbours in an old segment too? */
static bool were_together(const struct align *m, size_t k)
{
    size_t a = m->placed[k].partner;
    return a != NO_PARTNER && a > 0 && m->placed[k - 1].partner == a - 1 &&
           old_of(m, a) == old_of(m, a - 1);
}

/* Are the words from … to-1 of the text all of an old segment's, and no others, with spaces where
 * it has some? */
static bool is_untouched(const struct align *m, size_t from, size_t to)
{
    size_t a = m->placed[from].partner, count = m->d.a.count;
    if (a == NO_PARTNER || (a > 0 && old_of(m, a - 1) == old_of(m, a)))
        return false;
    for (size_t k = from + 1; k < to; k++) {
        if (!were_together(m, k) || (gap_before(&m->d.b, k) == GAP_NONE) !=
                                        (gap_before(&m->d.a, m->placed[k].partner) == GAP_NONE))
            return false;
    }
    return a + (to - from) == count || old_of(m, a + (to - from)) != old_of(m, a);
}

/* What stands in front of word k: a space, or ends of lines in a segment that has several; where
 * another line ended, a space if the script has any. */
static void put_gap(const struct align *m, size_t k, struct sc_buf *out)
{
    const struct sc_diff_words *b = &m->d.b;
    struct sc_str before = b->items[k - 1].text, word = b->items[k].text;
    enum gap gap = gap_before(b, k);
    if (gap == GAP_LINE && m->placed[k].goes_on) {
        const char *at = before.ptr + before.len;
        struct sc_lines lines = { .rest = { at, (size_t)(word.ptr - at) } };
        struct sc_str line;
        while (sc_lines_next(&lines, &line) && line.ptr + line.len < word.ptr)
            sc_buf_putc(out, '\n');
    } else if (gap == GAP_SPACE || (gap == GAP_LINE && sc_text_needs_space(before, word))) {
        sc_buf_putc(out, ' ');
    }
}

/* The text of the words from … to-1 with the spaces that it has. */
static bool put_text(const struct align *m, size_t from, size_t to, struct sc_segment *out)
{
    SC_AUTO_BUF text = { .limit = SIZE_MAX / 4 };
    for (size_t k = from; k < to; k++) {
        if (k > from)
            put_gap(m, k, &text);
        sc_buf_put_str(&text, m->d.b.items[k].text);
    }
    return !text.failed && sc_segment_set_text(out, sc_buf_str(&text));
}

/* How many words of the text from k on are together one whole word of an old segment; 0: none. */
static size_t whole_word(const struct align *m, size_t k, size_t to)
{
    const struct sc_diff_words *a = &m->d.a;
    size_t at = m->placed[k].partner, n = 0;
    if (at == NO_PARTNER || a->items[at].word == SC_DIFF_NO_WORD)
        return 0;
    size_t segment = a->items[at].segment, word = a->items[at].word;
    if (at > 0 && a->items[at - 1].segment == segment && a->items[at - 1].word == word)
        return 0;
    while (at + n < a->count && a->items[at + n].segment == segment &&
           a->items[at + n].word == word) {
        if (k + n == to || m->placed[k + n].partner != at + n)
            return 0;
        n++;
    }
    return n;
}

static bool put_words(const struct align *m, size_t from, size_t to, struct sc_segment *out)
{
    for (size_t k = from, n; k < to; k += n) {
        const struct placed *p = &m->placed[k];
        const struct sc_diff_word *old =
            p->partner == NO_PARTNER ? NULL : &m->d.a.items[p->partner];
        n = whole_word(m, k, to);
        if (n > 0) {
            if (!copy_word(out, &m->old->items[old->segment].words[old->word]))
                return false;
            continue;
        }
        n = 1;
        float known = old == NULL || old->word == SC_DIFF_NO_WORD
                          ? -1
                          : m->old->items[old->segment].words[old->word].confidence;
        if (!sc_segment_add_word(out, m->d.b.items[k].text, p->start_ms, p->end_ms, known))
            return false;
    }
    return true;
}

static bool make_segment(struct align *m, size_t from, size_t to, const char *speaker)
{
    const struct placed *first = &m->placed[from], *last = &m->placed[to - 1];
    bool is_new = first->target == NO_SEGMENT;
    const struct sc_segment *s = is_new ? NULL : &m->old->items[first->target];
    struct sc_segment *out = sc_segments_add(&m->out);
    if (out == NULL || !put_text(m, from, to, out))
        return false;
    out->speaker = copy_text(speaker);
    out->start_ms = first->start_ms;
    out->end_ms = last->end_ms;
    if (!is_new) {
        out->chunk = s->chunk;
        out->origin = s->origin;
        out->confidence = s->confidence;
        if (!m->taken[first->target])
            out->id = s->id;
        m->taken[first->target] = true;
        if (m->first[first->target] == from)
            out->start_ms = SC_MIN(out->start_ms, s->start_ms);
    }
    if (last->target != NO_SEGMENT && m->last[last->target] == to - 1)
        out->end_ms = SC_MAX(out->end_ms, m->old->items[last->target].end_ms);
    if ((is_new ? m->has_words : s->word_count > 0) && !put_words(m, from, to, out))
        return false;
    /* Words of old segments that overlap may run backwards. */
    float mean = sc_segment_order_words(out);
    if (out->word_count > 0)
        out->confidence = mean;
    return true;
}

/* Who speaks the words from … on: whom the line names; else, as the export names a speaker only
 * where he begins, who follows on a changed one; else who did. */
static const char *speaker_of(struct align *m, size_t from, size_t to)
{
    size_t target = m->placed[from].target, line = m->d.b.items[from].segment;
    const char *was = target == NO_SEGMENT ? NULL : m->old->items[target].speaker;
    if (target == NO_SEGMENT && from > 0 && to < m->d.b.count &&
        m->placed[to].target != NO_SEGMENT &&
        equal_names(m->old_speaker, m->old->items[m->placed[to].target].speaker))
        was = m->old_speaker;
    const char *is = was;
    if (from > 0 && equal_names(was, m->old_speaker))
        is = m->new_speaker;
    if (m->lines[line].speaker != NULL && (from == 0 || m->d.b.items[from - 1].segment != line))
        is = m->lines[line].speaker;
    m->old_speaker = was;
    m->new_speaker = is;
    return is;
}

/* Segments without words, up to `end`, stay where they are: no text can tell of them. */
static bool pass_wordless(struct align *m, size_t end)
{
    for (; m->next_old < end; m->next_old++) {
        struct sc_str rest = sc_str_from(m->old->items[m->next_old].text), word;
        if (!sc_text_take_word(&rest, &word) &&
            !copy_segment(m, m->next_old, m->old->items[m->next_old].speaker))
            return false;
    }
    return true;
}

static bool begins_segment(const struct align *m, size_t k)
{
    bool new_line = line_of(m, k) != line_of(m, k - 1);
    if (m->by_line)
        return new_line && !m->placed[k].goes_on;
    return m->placed[k].target != m->placed[k - 1].target ||
           (m->placed[k].target == NO_SEGMENT && new_line);
}

static bool make_segments(struct align *m)
{
    for (size_t from = 0, to; from < m->d.b.count; from = to) {
        to = from + 1;
        while (to < m->d.b.count && !begins_segment(m, to))
            to++;
        size_t target = m->placed[from].target;
        if (target != NO_SEGMENT && !pass_wordless(m, target))
            return false;
        const char *speaker = speaker_of(m, from, to);
        bool made = is_untouched(m, from, to) && !m->taken[target]
                        ? copy_segment(m, target, speaker)
                        : make_segment(m, from, to, speaker);
        if (!made)
            return false;
    }
    return pass_wordless(m, m->old->count);
}

/* ---- all of it ---- */

static bool prepare(struct align *m, struct sc_str text, const struct sc_names *names)
{
    size_t segments = m->old->count + 1;
    for (size_t i = 0; i < m->old->count; i++) {
        if (!sc_diff_add_segment(&m->d.a, &m->old->items[i], i))
            return false;
        m->has_words = m->has_words || m->old->items[i].word_count > 0;
    }
    if (!collect_names(m, names) || !collect_lines(m, text) || !sc_diff_run(&m->d, SC_DIFF_UNTIMED))
        return false;
    m->placed = sc_try_alloc((m->d.b.count + 1) * sizeof(*m->placed));
    m->taken = sc_try_alloc(segments * sizeof(*m->taken));
    m->first = sc_try_alloc(segments * sizeof(*m->first));
    m->last = sc_try_alloc(segments * sizeof(*m->last));
    if (m->placed == NULL || m->taken == NULL || m->first == NULL || m->last == NULL)
        return false;
    for (size_t i = 0; i < m->d.count; i++) {
        const struct sc_diff_op *op = &m->d.ops[i];
        for (size_t k = 0; k < op->b_count; k++)
            m->placed[op->b + k].partner = op->kind == SC_DIFF_SAME ? op->a + k : NO_PARTNER;
    }
    return true;
}

bool sc_segments_align(const struct sc_segments *old, struct sc_str text,
                       const struct sc_names *names, struct sc_segments *out)
{
    SC_AUTO(align_done) struct align m = { .old = old };
    if (!prepare(&m, text, names))
        return false;
    judge_lines(&m);
    set_targets(&m);
    keep_lines(&m);
    set_times(&m);
    /* Parts of old segments that overlapped, as those of two channels do, may change places. */
    if (!make_segments(&m) || !sc_segments_sort(&m.out))
        return false;
    sc_segments_done(out);
    *out = m.out;
    m.out = (struct sc_segments){ 0 };
    return true;
}
