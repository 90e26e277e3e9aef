#include "api/search.h"

#include "api/views.h"
#include "library/names.h"
#include "library/searches.h"

#include "base/banned.h"

static void put_snippet(struct sc_json *w, const struct sc_search_hit *hit)
{
    sc_json_str(w, "snippet", hit->snippet);
    sc_json_array(w, "marks");
    for (size_t i = 0; i < hit->mark_count; i++) {
        sc_json_object(w, NULL);
        sc_json_int(w, "start", (int64_t)hit->marks[i].start);
        sc_json_int(w, "length", (int64_t)hit->marks[i].length);
        sc_json_end(w);
    }
    sc_json_end(w);
    sc_json_bool(w, "cut_before", hit->cut_before);
    sc_json_bool(w, "cut_after", hit->cut_after);
}

static void put_hit(struct sc_json *w, const struct sc_search_hit *hit)
{
    sc_json_object(w, NULL);
    sc_json_int(w, "segment_id", hit->segment_id);
    sc_json_seconds(w, "start", hit->start_ms);
    sc_json_seconds(w, "end", hit->end_ms);
    sc_json_seconds(w, "at", hit->at_ms);
    sc_json_text(w, "speaker", hit->speaker[0] == '\0' ? NULL : hit->speaker);
    put_snippet(w, hit);
    sc_json_end(w);
}

static const char *const name_kinds[SC_NAME_KIND_COUNT_] = {
    [SC_NAME_FILE] = "file_name",
    [SC_NAME_FILE_NOTES] = "file_notes",
    [SC_NAME_JOB_NOTES] = "job_notes",
    [SC_NAME_TRANSCRIPT_NOTES] = "transcript_notes",
};

void sc_search_name_view(struct sc_json *w, const char *key, const struct sc_name_hit *hit)
{
    sc_json_object(w, key);
    sc_json_text(w, "kind", name_kinds[hit->kind]);
    sc_json_opt(w, "file_id", hit->file_id == 0 ? -1 : hit->file_id);
    sc_json_text(w, "file_name", hit->file_name[0] == '\0' ? NULL : hit->file_name);
    sc_json_text(w, "job_id", hit->job_id[0] == '\0' ? NULL : hit->job_id);
    sc_json_opt(w, "transcript_id", hit->kind == SC_NAME_TRANSCRIPT_NOTES ? hit->id : -1);
    put_snippet(w, hit->hit);
    sc_json_end(w);
}

void sc_search_group_view(struct sc_json *w, const char *key, const struct sc_search_group *g)
{
    sc_json_object(w, key);
    sc_json_int(w, "transcript_id", g->transcript_id);
    sc_json_int(w, "file_id", g->file_id);
    sc_json_text(w, "file_name", g->file_name);
    sc_json_text(w, "job_id", g->job_id[0] == '\0' ? NULL : g->job_id);
    sc_json_text(w, "job_status",
                 g->job_state < 0 ? NULL : sc_job_state_to_string((enum sc_job_state)g->job_state));
    sc_json_text(w, "status", g->complete ? "complete" : "partial");
    sc_json_int(w, "version", g->version);
    sc_json_text(w, "language", g->language[0] == '\0' ? NULL : g->language);
    if (g->duration_ms < 0)
        sc_json_null(w, "duration_seconds");
    else
        sc_json_seconds(w, "duration_seconds", g->duration_ms);
    sc_json_time(w, "created_at", g->created_ms);
    sc_json_real(w, "score", g->score, 4);
    sc_json_int(w, "hit_count", g->hit_count);
    sc_json_array(w, "hits");
    for (size_t i = 0; i < g->shown; i++)
        put_hit(w, &g->hits[i]);
    sc_json_end(w);
    sc_json_end(w);
}

void sc_search_end_fields(struct sc_json *w, const struct sc_search_end *end, const char *cursor)
{
    sc_json_int(w, "total_hits", end->hits);
    sc_json_int(w, "total_transcripts", end->transcripts);
    sc_json_bool(w, "total_is_exact", end->exact);
    sc_json_text(w, "next_cursor", cursor);
    sc_json_bool(w, "partial", end->partial);
}

void sc_saved_search_view(struct sc_json *w, const char *key, const struct sc_saved_search *s)
{
    sc_json_object(w, key);
    sc_json_int(w, "id", s->id);
    sc_json_text(w, "name", s->name);
    sc_json_raw(w, "search", sc_str_from(s->query));
    sc_json_time(w, "created_at", s->created_ms);
    sc_json_time(w, "updated_at", s->updated_ms);
    sc_json_end(w);
}

/* ---- what the views write ---- */

static const struct sc_json_field mark_fields[] = {
    SC_SHOW(INT, "start", "Where it begins in the snippet, in Unicode code points", "4"),
    SC_SHOW(INT, "length", "In code points", "6"),
};
static const struct sc_json_shape mark_shape = { .name = "SearchMark",
                                                 SC_SHAPE_FIELDS(mark_fields) };

static const struct sc_json_field hit_fields[] = {
    SC_SHOW(INT, "segment_id", "Names the segment", "12"),
    SC_SHOW(REAL, "start", "When the segment begins, in seconds", "61.2"),
    SC_SHOW(REAL, "end", "When it ends", "64.8"),
    SC_SHOW(REAL, "at", "When the first marked word is said", "62.04"),
    SC_SHOW(TEXT_OR_NULL, "speaker", "Who says it", NULL),
    SC_SHOW(TEXT, "snippet", "The text around it", "the budget of the town"),
    SC_SHOW_OF(LIST, "marks", &mark_shape, "What was found in it"),
    SC_SHOW(BOOL, "cut_before", "The segment has text before the snippet", "false"),
    SC_SHOW(BOOL, "cut_after", "The segment has text behind the snippet", "true"),
};
static const struct sc_json_shape hit_shape = {
    .name = "SearchHit",
    .help = "A segment in which it was found",
    SC_SHAPE_FIELDS(hit_fields),
};

static const struct sc_json_field group_fields[] = {
    SC_SHOW(INT, "transcript_id", "Names the transcript", "1"),
    SC_SHOW(INT, "file_id", "Of which recording", "1"),
    SC_SHOW(TEXT, "file_name", "As it was called when it came", "talk.wav"),
    SC_SHOW(UUID_OR_NULL, "job_id", "Of which job; null: it is gone",
            "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "job_status", sc_words_job_state, "How the job is", "completed"),
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "partial|complete",
      .help = "Whether the job is still at work on it",
      .example = "complete" },
    SC_SHOW(INT, "version", "The current one, of which the hits are; 0: partial", "1"),
    SC_SHOW(TEXT_OR_NULL, "language", "What is spoken", "en"),
    SC_SHOW(REAL_OR_NULL, "duration_seconds", "Of the recording", "3600"),
    SC_SHOW(TIME, "created_at", "When it was made", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(REAL, "score", "How well it fits: 1 is the best", "1"),
    SC_SHOW(INT, "hit_count", "Segments in which it was found", "2"),
    SC_SHOW_OF(LIST, "hits", &hit_shape, "The best or first of them, in the order of time"),
};
static const struct sc_json_shape group_shape = {
    .name = "SearchResult",
    .help = "A transcript with hits",
    SC_SHAPE_FIELDS(group_fields),
};

static const struct sc_json_field name_fields[] = {
    { .name = "kind",
      SC_SHOW_TEXT,
      .choices = "file_name|file_notes|job_notes|transcript_notes",
      .help = "In what it was found",
      .example = "file_notes" },
    SC_SHOW(INT_OR_NULL, "file_id", "Of which recording", "1"),
    SC_SHOW(TEXT_OR_NULL, "file_name", "How it is called", "talk.wav"),
    SC_SHOW(UUID_OR_NULL, "job_id", "Of notes of a job: of which", NULL),
    SC_SHOW(INT_OR_NULL, "transcript_id", "Of notes of a transcript: of which", NULL),
    SC_SHOW(TEXT, "snippet", "The text around it", "the talk about the budget"),
    SC_SHOW_OF(LIST, "marks", &mark_shape, "What was found in it"),
    SC_SHOW(BOOL, "cut_before", "There is text before the snippet", "false"),
    SC_SHOW(BOOL, "cut_after", "There is text behind the snippet", "false"),
};
static const struct sc_json_shape name_shape = {
    .name = "SearchName",
    .help = "A name or note in which it was found",
    SC_SHAPE_FIELDS(name_fields),
};

static const struct sc_json_field page_fields[] = {
    SC_SHOW_OF(LIST, "results", &group_shape, "The rows of this page; none with `in=names`"),
    SC_SHOW_OF(LIST, "names", &name_shape, "The rows of this page with `in=names`; else none"),
    SC_SHOW(INT, "total_hits", "Segments with hits among those that were looked at", "2"),
    SC_SHOW(INT, "total_transcripts", "Transcripts with hits among them", "1"),
    SC_SHOW(BOOL, "total_is_exact",
            "`false`: there are, or may be, more hits, older ones, with which `cursor` goes on",
            "true"),
    SC_SHOW(TEXT_OR_NULL, "next_cursor", "To send as `cursor` for the next page; null: none", NULL),
    SC_SHOW(BOOL, "partial", "The search took long and ended early", "false"),
};
const struct sc_json_shape sc_shape_search = { .name = "SearchPage", SC_SHAPE_FIELDS(page_fields) };

static const struct sc_json_field saved_fields[] = {
    SC_SHOW(INT, "id", "Names the saved search", "1"),
    SC_SHOW(TEXT, "name", "What its owner calls it", "money"),
    { .name = "search",
      SC_SHOW_OBJECT,
      .items = SC_JSON_TEXT,
      .help = "The parameters of `GET /api/search`, as texts",
      .example = "{\"q\": \"budget OR tax*\", \"since\": \"30d\"}" },
    SC_SHOW(TIME, "created_at", "When it was saved", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME, "updated_at", "When it was changed", "2026-11-20T14:30:45.123Z"),
};
const struct sc_json_shape sc_shape_saved_search = { .name = "SavedSearch",
                                                     SC_SHAPE_FIELDS(saved_fields) };
SC_PAGE_SHAPE(sc_shape_saved_searches, "SavedSearchPage", "searches", &sc_shape_saved_search);
