#include "library/operations.h"
#include "library/library-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/find.h"
#include "transcript/revise.h"

#include <inttypes.h>

#include "base/banned.h"

struct step {
    struct sc_draft *d;
    const struct sc_operation *o;
    size_t number;
    struct sc_error *err;
};

static enum sc_code refuse(const struct step *s, const char *why)
{
    return sc_error_field(s->err, SC_E_INVALID_VALUE, "operations", "operation %zu: %s", s->number,
                          why);
}

static enum sc_code no_memory(const struct step *s)
{
    return sc_error_set(s->err, SC_E_INTERNAL, "no memory for operation %zu", s->number);
}

/* The segment with this id, read. Others may stand elsewhere afterwards. */
static enum sc_code find_segment(const struct step *s, int64_t id, size_t *at)
{
    bool found = false;
    enum sc_code code = sc_draft_find(s->d, id, at, &found, s->err);
    if (code != SC_OK || found)
        return code;
    return sc_error_field(s->err, SC_E_INVALID_VALUE, "operations",
                          "operation %zu: the transcript has no segment %" PRId64
                          "; `scripta transcripts show` and GET tell their ids",
                          s->number, id);
}

static void remove_at(struct sc_segments *list, size_t at)
{
    sc_segment_done(&list->items[at]);
    list->count--;
    memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(*list->items));
}

/* The last segment goes to where its start belongs, behind those with the same. */
static void place_last(struct sc_segments *list)
{
    size_t at = list->count - 1;
    struct sc_segment last = list->items[at];
    for (; at > 0 && list->items[at - 1].start_ms > last.start_ms; at--)
        list->items[at] = list->items[at - 1];
    list->items[at] = last;
}

/* One whose start has changed goes to its place. */
static void move(struct sc_segments *list, size_t at)
{
    struct sc_segment s = list->items[at];
    memmove(&list->items[at], &list->items[at + 1], (list->count - at - 1) * sizeof(*list->items));
    list->items[list->count - 1] = s;
    place_last(list);
}

static enum sc_code check_text(const struct step *s, struct sc_str text)
{
    if (!sc_utf8_is_valid(text))
        return refuse(s, "the text is no valid UTF-8");
    return sc_utf8_is_blank(text)
               ? refuse(s, "the text is empty; delete the segment if nothing is said")
               : SC_OK;
}

static enum sc_code set_text(const struct step *s)
{
    size_t at;
    enum sc_code code = check_text(s, s->o->text);
    if (code == SC_OK)
        code = find_segment(s, s->o->segment, &at);
    if (code == SC_OK && !sc_segment_reword(&s->d->list.items[at], s->o->text))
        return no_memory(s);
    return code;
}

static bool is_span(int64_t start_ms, int64_t end_ms)
{
    return start_ms >= 0 && end_ms >= start_ms && end_ms <= SC_SEGMENT_TIME_MAX;
}

static enum sc_code set_times(const struct step *s)
{
    size_t at;
    enum sc_code code = find_segment(s, s->o->segment, &at);
    if (code != SC_OK)
        return code;
    const struct sc_segment *was = &s->d->list.items[at];
    int64_t start = s->o->start_ms < 0 ? was->start_ms : s->o->start_ms;
    int64_t end = s->o->end_ms < 0 ? was->end_ms : s->o->end_ms;
    if (!is_span(start, end))
        return refuse(s, "the segment would end before it starts");
    code = sc_draft_look(s->d, start, s->err);
    if (code == SC_OK)
        code = find_segment(s, s->o->segment, &at);
    if (code != SC_OK)
        return code;
    sc_segment_retime(&s->d->list.items[at], start, end);
    move(&s->d->list, at);
    return SC_OK;
}

/* A new segment goes to where its start belongs; it is moved, or done. */
static enum sc_code place(const struct step *s, struct sc_segment *segment)
{
    enum sc_code code = sc_draft_look(s->d, segment->start_ms, s->err);
    if (code == SC_OK && !sc_segments_take(&s->d->list, segment))
        code = no_memory(s);
    if (code == SC_OK)
        place_last(&s->d->list);
    sc_segment_done(segment);
    return code;
}

static size_t count_begun(const struct sc_segment *segment, int64_t at_ms)
{
    size_t words = 0;
    while (words < segment->word_count && segment->words[words].start_ms < at_ms)
        words++;
    return words;
}

static enum sc_code refuse_cut(const struct step *s, const struct sc_segment *segment)
{
    if (s->o->at_ms < 0 || segment->word_count == 0)
        return refuse(s, "both parts must have words of the segment");
    double first = (double)segment->words[0].start_ms / 1000;
    double last = (double)segment->words[segment->word_count - 1].start_ms / 1000;
    return sc_error_field(s->err, SC_E_INVALID_VALUE, "operations",
                          "operation %zu: both parts must have words of the segment, whose first "
                          "one begins at %.3f s and whose last one at %.3f s",
                          s->number, first, last);
}

static enum sc_code split(const struct step *s)
{
    size_t at, words = (size_t)s->o->words;
    enum sc_code code = find_segment(s, s->o->segment, &at);
    if (code != SC_OK)
        return code;
    struct sc_segment second = { 0 };
    struct sc_segment *segment = &s->d->list.items[at];
    size_t all = 0;
    bool bare = segment->word_count == 0; /* stays so: its words' times are only reckoned */
    if (!sc_segment_words_before(segment, INT64_MAX, &all))
        return no_memory(s);
    if (s->o->at_ms >= 0)
        words = count_begun(segment, s->o->at_ms);
    if (words == 0 || words >= all)
        return refuse_cut(s, segment);
    if (!sc_segment_split(segment, words, &second))
        return no_memory(s);
    if (bare) {
        sc_segment_drop_words(segment);
        sc_segment_drop_words(&second);
    }
    return place(s, &second);
}

static enum sc_code merge(const struct step *s)
{
    struct sc_segments *list = &s->d->list;
    size_t at, with;
    enum sc_code code = find_segment(s, s->o->segment, &at);
    if (code != SC_OK)
        return code;
    if (s->o->with == 0 && at + 1 == list->count)
        return refuse(s, "there is no segment behind it");
    int64_t id = s->o->with == 0 ? list->items[at + 1].id : s->o->with;
    if (id != 0) /* one that this draft has made has been read */
        code = find_segment(s, id, &with);
    if (code == SC_OK)
        code = find_segment(s, s->o->segment, &at);
    if (code != SC_OK)
        return code;
    if (s->o->with == 0)
        with = at + 1;
    if (with <= at)
        return refuse(s, "it can be merged with a segment behind it only");
    if (!sc_segment_join(&list->items[at], &list->items[with]))
        return no_memory(s);
    remove_at(list, with);
    return SC_OK;
}

static enum sc_code delete_segment(const struct step *s)
{
    size_t at;
    enum sc_code code = find_segment(s, s->o->segment, &at);
    if (code == SC_OK)
        remove_at(&s->d->list, at);
    return code;
}

static enum sc_code insert(const struct step *s)
{
    enum sc_code code = check_text(s, s->o->text);
    if (code != SC_OK)
        return code;
    if (!is_span(s->o->start_ms, s->o->end_ms))
        return refuse(s, "a new segment needs a start, and an end that is not before it");
    struct sc_segment made = {
        .chunk = -1,
        .confidence = -1,
        .no_speech = -1,
        .start_ms = s->o->start_ms,
        .end_ms = s->o->end_ms,
    };
    size_t words;
    if (!sc_segment_name(&made, s->o->speaker) || !sc_segment_reword(&made, s->o->text) ||
        !sc_segment_words_before(&made, 0, &words)) {
        sc_segment_done(&made);
        return no_memory(s);
    }
    return place(s, &made);
}

static enum sc_code speaker_of(const struct step *s)
{
    size_t at;
    enum sc_code code = find_segment(s, s->o->segment, &at);
    if (code == SC_OK && !sc_segment_name(&s->d->list.items[at], s->o->speaker))
        return no_memory(s);
    return code;
}

/* Rows that the statement names are read. */
static enum sc_code load_spoken(const struct step *s)
{
    SC_AUTO_FREE char *from = sc_strndup(s->o->from.ptr, s->o->from.len);
    enum sc_code code = SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(s->d->conn, SC_SQL_EDIT_SPOKEN_BY);
    sc_stmt_bind_int(&st, ":transcript_id", s->d->t.id);
    sc_stmt_bind_int(&st, ":version", s->d->t.version);
    sc_stmt_bind_text(&st, ":speaker", from);
    for (;;) {
        bool row = false, found;
        size_t at;
        code = sc_stmt_step(&st, &row, s->err);
        if (code != SC_OK || !row)
            return code;
        code = sc_draft_find_row(s->d, sc_stmt_int(&st, "id"), sc_stmt_int(&st, "start_ms"), &at,
                                 &found, s->err);
        if (code != SC_OK)
            return code;
    }
}

static enum sc_code refuse_name(const struct step *s)
{
    SC_AUTO_BUF why = { 0 };
    struct sc_str name = { s->o->from.ptr, SC_MIN(s->o->from.len, 60) };
    sc_buf_printf(&why,
                  "nobody called '%.*s' speaks; `scripta transcripts speakers` and GET tell who "
                  "does",
                  (int)sc_utf8_valid_prefix(name), name.ptr);
    return refuse(s, sc_buf_text(&why));
}

static enum sc_code rename_speaker(const struct step *s)
{
    struct sc_segments *list = &s->d->list;
    if (s->o->from.len == 0)
        return refuse(s, "whose name is it? `from` is empty");
    enum sc_code code = load_spoken(s);
    bool found = false;
    for (size_t i = 0; code == SC_OK && i < list->count; i++) {
        const char *speaker = list->items[i].speaker;
        if (speaker == NULL || !sc_str_equal(sc_str_from(speaker), s->o->from))
            continue;
        if (!sc_segment_name(&list->items[i], s->o->speaker))
            return no_memory(s);
        found = true;
    }
    return code == SC_OK && !found ? refuse_name(s) : code;
}

enum sc_code sc_draft_apply(struct sc_draft *d, const struct sc_operation *o, size_t number,
                            struct sc_error *err)
{
    static enum sc_code (*const steps[SC_OPERATION_COUNT_])(const struct step *) = {
        [SC_OPERATION_TEXT] = set_text,         [SC_OPERATION_TIMES] = set_times,
        [SC_OPERATION_SPLIT] = split,           [SC_OPERATION_MERGE] = merge,
        [SC_OPERATION_DELETE] = delete_segment, [SC_OPERATION_INSERT] = insert,
        [SC_OPERATION_SPEAKER] = speaker_of,    [SC_OPERATION_RENAME] = rename_speaker,
    };
    const struct step s = { d, o, number, err };
    if (!sc_utf8_is_valid(o->speaker))
        return refuse(&s, "the speaker is no valid UTF-8");
    return steps[o->kind](&s);
}

/* ---- find and replace ---- */

/* The text with every place replaced; how many there are. */
static int64_t replace_in(struct sc_str text, const struct sc_replace *r, struct sc_buf *out)
{
    int64_t count = 0;
    size_t done = 0, at, len;
    while (sc_find_next(text, r->find, r->flags, done, &at, &len)) {
        sc_buf_append(out, text.ptr + done, at - done);
        sc_buf_put_str(out, r->with);
        done = at + len;
        count++;
    }
    sc_buf_append(out, text.ptr + done, text.len - done);
    return count;
}

/* place->after becomes the text as it is saved: blanks that met are one. A segment of which nothing
 * is left goes. */
static enum sc_code replace_segment(struct sc_draft *d, int64_t row, struct sc_str after,
                                    struct sc_replaced *place, struct sc_error *err)
{
    size_t at;
    bool found;
    enum sc_code code = sc_draft_find_row(d, row, place->start_ms, &at, &found, err);
    if (code != SC_OK || !found)
        return code;
    if (!sc_segment_reword(&d->list.items[at], after))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the replacement");
    place->after = d->list.items[at].text;
    if (sc_utf8_is_blank(sc_str_from(place->after))) {
        remove_at(&d->list, at);
        place->after = "";
    }
    return SC_OK;
}

enum sc_code sc_draft_replace(struct sc_draft *d, const struct sc_replace *r, sc_replaced_fn fn,
                              void *ctx, int64_t *count, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    *count = 0;
    SC_AUTO_STMT st = sc_stmt_get(d->conn, SC_SQL_EDIT_TEXTS);
    sc_stmt_bind_int(&st, ":transcript_id", d->t.id);
    sc_stmt_bind_int(&st, ":version", d->t.version);
    while (code == SC_OK) {
        bool row = false;
        SC_AUTO_BUF after = { 0 };
        SC_AUTO_BUF before = { 0 };
        code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            break;
        sc_buf_put_str(&before, sc_stmt_str(&st, "text"));
        struct sc_replaced place = {
            .segment_id = sc_stmt_int(&st, "segment_id"),
            .start_ms = sc_stmt_int(&st, "start_ms"),
            .count = replace_in(sc_buf_str(&before), r, &after),
        };
        if (place.count == 0)
            continue;
        if (after.failed)
            return sc_error_field(err, SC_E_INVALID_VALUE, "replace", "it makes a text too long");
        *count += place.count;
        place.before = sc_buf_text(&before);
        place.after = sc_buf_text(&after);
        code = replace_segment(d, sc_stmt_int(&st, "id"), sc_buf_str(&after), &place, err);
        if (code == SC_OK)
            code = fn(ctx, &place, err);
    }
    return code;
}
