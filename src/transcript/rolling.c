/* Rolling captions. Each cue shows the last lines of the one before again and adds some; between
 * them may stand holds, cues of 10 ms that add none. In two lines:
 *
 *     a · a (hold) · a b · b (hold) · b c · c (hold)
 *
 * A cue follows another when it begins no earlier and at most ROLLING_MS behind its end. It then
 * carries the most lines, last ones of the other, that are its own first ones, voices too. What it
 * carries it does not say; a sentence that was said twice stays, as it is shown twice then. A cue
 * that adds no line is a hold, unless its line may have taken the place of an equal one: it is not
 * short, all its lines are equal, and no cue of the file has more.
 *
 * A file rolls when of the cues that add lines two in three, and three at least, carry some as well
 * or have a short hold behind them. A refrain, and a speaker who repeats himself, make some such
 * cues, but not two in three. What a cue carries does not count where it may as well be said again:
 * its line took the place of an equal one, or each of its lines begins with a dash, two who speak
 * at once. */

#include "transcript/reader-internal.h"

#include "base/alloc.h"

#include "base/banned.h"

#define ROLLING_MS 50 /* between cues that roll on: less than two frames */
#define SHORT_MS 50   /* nobody reads a cue as short as that */
#define ROLLS_MIN 3
#define LINES_MAX 15 /* of a screen; a cue of more does not roll */

struct shown {
    size_t lines, carried;
    bool follows;   /* the cue before */
    bool all_equal; /* its lines */
    bool dialogue;  /* two lines or more, each with a dash in front */
    bool is_short, hold;
    bool again; /* its line may have taken the place of an equal one */
};

const char *sc_rolling_word(int index)
{
    static const char *const words[] = { "auto", "collapse", "keep" };
    return index < SC_ROLLING_COUNT_ ? words[index] : NULL;
}

static int64_t end_of(const struct sc_cue *cue)
{
    return SC_MAX(cue->start_ms, cue->end_ms);
}

static bool follows(const struct sc_cue *was, const struct sc_cue *is)
{
    return is->start_ms >= was->start_ms && is->start_ms <= end_of(was) + ROLLING_MS;
}

/* How many of the last lines of `was` begin `is`. */
static size_t count_carried(struct sc_str was, size_t lines, struct sc_str is)
{
    for (; lines > 0 && !sc_str_starts(is, was); lines--)
        (void)sc_str_take_until(&was, '\n');
    return lines;
}

static bool are_equal(struct sc_str lines)
{
    struct sc_str behind = lines;
    (void)sc_str_take_until(&behind, '\n');
    return sc_str_starts(lines, behind);
}

static bool is_dialogue(struct sc_str lines, size_t count)
{
    static const char *const dashes[] = { "-", "\u2010", "\u2013", "\u2014" };
    bool all = count > 1;
    while (all && lines.len > 0) {
        struct sc_str line = sc_str_take_until(&lines, '\n');
        (void)sc_str_take_until(&line, '\t'); /* the voice */
        all = false;
        for (size_t i = 0; i < SC_ARRAY_LEN(dashes); i++)
            all = all || sc_str_starts(line, sc_str_from(dashes[i]));
    }
    return all;
}

/* Compares each cue with the one before; those without a line go. */
static bool look(struct sc_cue *cues, size_t *count, bool vtt, struct shown *shown)
{
    struct sc_buf both[2] = { { .limit = 2 * SC_READ_LIMIT }, { .limit = 2 * SC_READ_LIMIT } };
    size_t kept = 0;
    bool made = true;
    for (size_t i = 0; made && i < *count; i++) {
        struct sc_buf *is = &both[kept % 2], *was = &both[(kept + 1) % 2];
        struct shown s = { .is_short = end_of(&cues[i]) - cues[i].start_ms <= SHORT_MS };
        sc_buf_reset(is);
        made = sc_cue_lines(vtt, cues[i].text, LINES_MAX + 1, is, &s.lines);
        if (s.lines == 0)
            continue;
        s.follows = kept > 0 && follows(&cues[kept - 1], &cues[i]);
        if (s.follows && s.lines <= LINES_MAX && shown[kept - 1].lines <= LINES_MAX)
            s.carried = count_carried(sc_buf_str(was), shown[kept - 1].lines, sc_buf_str(is));
        s.all_equal = are_equal(sc_buf_str(is));
        s.dialogue = is_dialogue(sc_buf_str(is), s.lines);
        cues[kept] = cues[i];
        shown[kept++] = s;
    }
    *count = kept;
    sc_buf_done(&both[0]);
    sc_buf_done(&both[1]);
    return made;
}

static void find_holds(struct shown *shown, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = SC_MAX(most, shown[i].lines);
    for (size_t i = 0; i < count; i++) {
        struct shown *s = &shown[i];
        bool adds_none = s->carried == s->lines;
        s->again = adds_none && !s->is_short && s->all_equal && s->lines == most;
        s->hold = adds_none && !s->again;
        s->carried -= s->again;
    }
}

static bool rolls(const struct shown *shown, size_t count)
{
    size_t adding = 0, rolling = 0;
    for (size_t i = 0; i < count; i++) {
        bool held = i + 1 < count && shown[i + 1].hold && shown[i + 1].is_short;
        bool carries = shown[i].carried > 0 && !shown[i].again && !shown[i].dialogue;
        adding += !shown[i].hold;
        rolling += !shown[i].hold && (carries || held);
    }
    return rolling >= ROLLS_MIN && rolling * 3 >= adding * 2;
}

/* What a cue adds is there until the next new line is, or until no cue shows it any more. */
static void collapse(struct sc_cue *cues, const struct shown *shown, size_t count)
{
    for (size_t i = 0, next; i < count; i = next) {
        int64_t until = end_of(&cues[i]);
        for (next = i + 1; next < count && shown[next].hold; next++) {
            until = SC_MAX(until, end_of(&cues[next]));
            cues[next].skip = shown[next].lines;
        }
        if (next < count && shown[next].follows)
            until =
                shown[next].carried > 0 ? cues[next].start_ms : SC_MIN(until, cues[next].start_ms);
        cues[i].skip = shown[i].carried;
        cues[i].until_ms = until;
        cues[i].end_ms = SC_MIN(cues[i].end_ms, until);
    }
}

bool sc_rolling_collapse(struct sc_cue *cues, size_t *count, bool vtt, struct sc_reading *out)
{
    void *room = NULL;
    size_t cap = 0;
    if (out->how.rolling == SC_ROLLING_KEEP || *count == 0)
        return true;
    SC_AUTO_FREE struct shown *shown = NULL;
    bool made = sc_try_grow(&room, &cap, *count, sizeof(*shown));
    shown = room;
    if (!made || !look(cues, count, vtt, shown))
        return false;
    find_holds(shown, *count);
    for (size_t i = 0; i < *count; i++)
        out->doubts.rolling += shown[i].carried > 0;
    out->doubts.cues = *count;
    out->collapsed = out->doubts.rolling > 0 &&
                     (out->how.rolling == SC_ROLLING_COLLAPSE || rolls(shown, *count));
    if (out->collapsed)
        collapse(cues, shown, *count);
    return true;
}
