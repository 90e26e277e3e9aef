#include "api/edits.h"

#include <inttypes.h>

#include "base/banned.h"

enum doubt { DOUBT_BEHIND_END, DOUBT_OVERLAPS, DOUBT_COUNT_ };

static const char *doubt_word(int index)
{
    static const char *const words[] = { "BEHIND_END", "OVERLAPS" };
    return index < DOUBT_COUNT_ ? words[index] : NULL;
}

static void put_doubt(struct sc_json *w, enum doubt which, int64_t count)
{
    const char *s = count == 1 ? "" : "s";
    char text[100];
    if (count == 0)
        return;
    if (which == DOUBT_BEHIND_END)
        (void)snprintf(text, sizeof(text),
                       "the end of %" PRId64 " segment%s is behind the recording's", count, s);
    else
        (void)snprintf(text, sizeof(text),
                       "%" PRId64 " segment%s with new times overlap%s another one", count, s,
                       count == 1 ? "s" : "");
    sc_json_object(w, NULL);
    sc_json_text(w, "code", doubt_word((int)which));
    sc_json_text(w, "message", text);
    sc_json_end(w);
}

static void put_etag(struct sc_json *w, const char *etag)
{
    if (etag != NULL)
        sc_json_text(w, "etag", etag);
}

void sc_saved_view(struct sc_buf *out, int64_t transcript, const struct sc_saved *saved,
                   const char *etag)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", transcript);
    sc_json_int(&w, "version_number", saved->version);
    sc_json_bool(&w, "changed", saved->changed);
    sc_json_int(&w, "changed_segments", saved->changed_segments);
    sc_json_int(&w, "segment_count", saved->segment_count);
    sc_json_int(&w, "word_count", saved->word_count);
    sc_json_array(&w, "warnings");
    put_doubt(&w, DOUBT_BEHIND_END, saved->behind_end);
    put_doubt(&w, DOUBT_OVERLAPS, saved->overlaps);
    sc_json_end(&w);
    put_etag(&w, etag);
    sc_json_end(&w);
}

void sc_pruned_view(struct sc_buf *out, int64_t transcript, int64_t removed)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", transcript);
    sc_json_int(&w, "removed", removed);
    sc_json_end(&w);
}

void sc_replaced_view(struct sc_json *w, const char *key, const struct sc_replaced *place)
{
    sc_json_object(w, key);
    sc_json_int(w, "segment", place->segment_id);
    sc_json_seconds(w, "start", place->start_ms);
    sc_json_int(w, "count", place->count);
    sc_json_text(w, "before", place->before);
    sc_json_text(w, "after", place->after);
    sc_json_end(w);
}

void sc_replacement_view(struct sc_buf *out, const struct sc_replacement_answer *a)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "id", a->transcript_id);
    sc_json_int(&w, "version_number", a->version);
    sc_json_bool(&w, "changed", a->changed);
    sc_json_bool(&w, "dry_run", a->dry_run);
    sc_json_int(&w, "count", a->count);
    sc_json_int(&w, "segments", a->segments);
    sc_json_raw(&w, "places", a->places);
    put_etag(&w, a->etag);
    sc_json_end(&w);
}

void sc_change_view(struct sc_json *w, const char *key, const struct sc_change *c)
{
    sc_json_object(w, key);
    sc_json_int(w, "change_id", c->id);
    sc_json_text(w, "kind", sc_change_name(c->kind));
    sc_json_text(w, "by", c->by_name);
    sc_json_time(w, "at", c->at_ms);
    sc_json_opt(w, "file_id", c->file_id == 0 ? -1 : c->file_id);
    sc_json_text(w, "job_id", c->job_id[0] == '\0' ? NULL : c->job_id);
    sc_json_opt(w, "transcript_id", c->transcript_id == 0 ? -1 : c->transcript_id);
    sc_json_opt(w, "version", c->version == 0 ? -1 : c->version);
    sc_json_opt(w, "other_id", c->other_id == 0 ? -1 : c->other_id);
    sc_json_raw(w, "detail", sc_str_from(c->detail));
    sc_json_end(w);
}

/* ---- what the views write ---- */

static const struct sc_json_field warning_fields[] = {
    SC_SHOW_WORDS(TEXT, "code", doubt_word, "What it is about", "OVERLAPS"),
    SC_SHOW(TEXT, "message", "The same as a sentence",
            "1 segment with new times overlaps another one"),
};
static const struct sc_json_shape warning_shape = { .name = "EditWarning",
                                                    SC_SHAPE_FIELDS(warning_fields) };
static const struct sc_json_field saved_fields[] = {
    SC_SHOW(INT, "id", "Of the transcript", "1"),
    SC_SHOW(INT, "version_number", "The version that is current now", "2"),
    SC_SHOW(BOOL, "changed", "A version was made; false: it said the same already", "true"),
    SC_SHOW(INT, "changed_segments", "How many are new, other or gone", "1"),
    SC_SHOW(INT, "segment_count", "How many it has", "12"),
    SC_SHOW(INT, "word_count", "How many words; in scripts without spaces, signs", "140"),
    SC_SHOW_OF(LIST, "warnings", &warning_shape, "What is doubtful about new times"),
    SC_SHOW_EDIT_ETAG,
};
const struct sc_json_shape sc_shape_saved = {
    .name = "Saved",
    .help = "What became of an edit",
    SC_SHAPE_FIELDS(saved_fields),
};

static const struct sc_json_field pruned_fields[] = {
    SC_SHOW(INT, "id", "Of the transcript", "1"),
    SC_SHOW(INT, "removed", "How many versions went", "3"),
};
const struct sc_json_shape sc_shape_pruned = { .name = "Pruned", SC_SHAPE_FIELDS(pruned_fields) };

static const struct sc_json_field place_fields[] = {
    SC_SHOW(INT, "segment", "Its `id`", "1"),
    SC_SHOW(REAL, "start", "Of the segment, in seconds", "0.32"),
    SC_SHOW(INT, "count", "How often it stands there", "1"),
    SC_SHOW(TEXT, "before", "The segment's text", "good morning"),
    SC_SHOW(TEXT, "after", "And what becomes of it", "good evening"),
};
static const struct sc_json_shape place_shape = { .name = "Replaced",
                                                  SC_SHAPE_FIELDS(place_fields) };
static const struct sc_json_field replacement_fields[] = {
    SC_SHOW(INT, "id", "Of the transcript", "1"),
    SC_SHOW(INT, "version_number", "The version that is current now", "2"),
    SC_SHOW(BOOL, "changed", "A version was made", "true"),
    SC_SHOW(BOOL, "dry_run", "Nothing was to be changed", "false"),
    SC_SHOW(INT, "count", "How many places", "3"),
    SC_SHOW(INT, "segments", "In how many segments", "2"),
    SC_SHOW_OF(LIST, "places", &place_shape, "These segments, the first 1,000"),
    SC_SHOW_EDIT_ETAG,
};
const struct sc_json_shape sc_shape_replacement = { .name = "Replacement",
                                                    SC_SHAPE_FIELDS(replacement_fields) };

const char *sc_change_word(int index)
{
    return index < SC_CHANGE_COUNT_ ? sc_change_name((enum sc_change_kind)index) : NULL;
}

static const struct sc_json_field change_fields[] = {
    SC_SHOW(INT, "change_id", "Grows with time", "1"),
    SC_SHOW_WORDS(TEXT, "kind", sc_change_word, "What was done", "transcript.edited"),
    SC_SHOW(TEXT, "by", "By whom", "local"),
    SC_SHOW(TIME, "at", "When", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(INT_OR_NULL, "file_id", "To which file", NULL),
    SC_SHOW(UUID_OR_NULL, "job_id", "To which job", NULL),
    SC_SHOW(INT_OR_NULL, "transcript_id", "To which transcript", "1"),
    SC_SHOW(INT_OR_NULL, "version", "Which version it made, or left current", "2"),
    SC_SHOW(INT_OR_NULL, "other_id", "To what else", NULL),
    SC_SHOW(ANY, "detail", "Ids and numbers; of a deletion, what it was", NULL),
};
static const struct sc_json_shape change_shape = { .name = "Change",
                                                   SC_SHAPE_FIELDS(change_fields) };
SC_PAGE_SHAPE(sc_shape_changes, "ChangePage", "changes", &change_shape);
