#pragma once
/* Searching what was said: over the segments of current transcripts, partial ones too. An owner
 * finds his own and nothing else; another's text costs no time either (store/tokenizer.h).
 *
 * Hits are looked at in windows of the newest SC_SEARCH_WINDOW that fit, and grouped by transcript
 * and ordered within their window; a cursor goes on within it, then with the next one. So the
 * commonest word costs bounded time, no hit is lost or shown twice, and text that streams in
 * meanwhile moves nothing: it is newer than the window. */

#include "base/buf.h"
#include "base/id.h"
#include "store/store.h"
#include "store/tokenizer.h"

#define SC_SEARCH_WINDOW 2000
#define SC_SEARCH_WALK_MS 50 /* after that a search ends with what it has found */
#define SC_SEARCH_HITS_MAX 100
#define SC_SEARCH_CONTEXT_MAX 200

enum sc_search_sort { SC_SEARCH_RANK, SC_SEARCH_NEWEST, SC_SEARCH_SORT_COUNT_ };

struct sc_search_filter {
    struct sc_str language, speaker, tag; /* .ptr NULL: all; letter case of ASCII counts nothing in
                                             the first, what the index folds in the second */
    int64_t since_ms, until_ms;           /* when the transcript was made; 0: open */
    int64_t longer_ms, shorter_ms;        /* its length, at least and at most; 0: open */
    int64_t file_id, job;                 /* 0: all */
    int status;                           /* sc_job_state, -1: all */
    int complete;                         /* 1 or 0 (partial ones), -1: all */
};

/* By what the rows of a window are ranked: as they were when its first page was made. */
struct sc_search_scale {
    int64_t rows, signs;                /* in all of them */
    int64_t with[SC_TOKENIZER_PHRASES]; /* rows that have the phrase */
    size_t phrases;
};
/* Where a page went on to: opaque, sc_search_place_put writes it. */
struct sc_search_place {
    int64_t top, low;             /* the window's rows; top 0: none yet; low 0: not known yet */
    bool all;                     /* the window has all hits there are */
    int64_t transcript;           /* shown last; 0: none of the window */
    double score;                 /* its */
    struct sc_search_scale scale; /* by rank, where transcript is not 0 */
};

struct sc_search {
    int64_t owner_id;
    bool parts;           /* parts of words instead of words */
    const char *match;    /* of query.h; NULL: parts of less than three signs */
    struct sc_str folded; /* for parts */
    struct sc_search_filter filter;
    enum sc_search_sort sort;
    struct sc_search_place after;
    int limit;           /* transcripts */
    int hits;            /* shown of each */
    int context;         /* words around the first mark, on each side */
    int64_t deadline_ms; /* monotonic; 0: none */
};

struct sc_search_mark {
    size_t start, length; /* in the snippet, in signs */
};
struct sc_search_hit {
    int64_t segment_id, start_ms, end_ms;
    int64_t at_ms;       /* when the first marked word is said */
    const char *speaker; /* "": none */
    struct sc_str snippet;
    bool cut_before, cut_after; /* the segment has more text there */
    const struct sc_search_mark *marks;
    size_t mark_count;
};
struct sc_search_group {
    int64_t transcript_id, file_id, duration_ms, created_ms; /* duration -1: not known */
    char job_id[SC_UUID_TEXT];                               /* "": none */
    const char *file_name, *language;
    int job_state; /* sc_job_state, -1: none */
    bool complete;
    int version;
    double score;                     /* 1: the best of its window */
    int64_t hit_count;                /* of the window */
    const struct sc_search_hit *hits; /* in the order of time */
    size_t shown;
};
/* Everything is borrowed until it returns. */
typedef enum sc_code (*sc_search_fn)(void *ctx, const struct sc_search_group *group,
                                     struct sc_error *err);
struct sc_search_end {
    bool more; /* there is, or may be, another page */
    struct sc_search_place next;
    bool partial; /* the time was over before the window was full, or the end was reached */
    int64_t hits, transcripts; /* of the window */
    bool exact;                /* there are no others */
};
SC_MUST_USE enum sc_code sc_search_run(struct sc_conn *conn, const struct sc_search *search,
                                       sc_search_fn fn, void *ctx, struct sc_search_end *end,
                                       struct sc_error *err);

void sc_search_place_put(struct sc_buf *out, enum sc_search_sort sort,
                         const struct sc_search_place *place);
/* False: nothing that sc_search_place_put writes for that order. */
bool sc_search_place_parse(enum sc_search_sort sort, struct sc_str text,
                           struct sc_search_place *out);
