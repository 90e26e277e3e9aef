#pragma once
/* What the files of the search share. */

#include "library/search.h"

#include "store/tokenizer.h"
#include "transcript/segment.h"

/* Does a thing that was made then and is so long (-1: not known) fit? */
bool sc_search_fits_times(const struct sc_search_filter *f, int64_t made_ms, int64_t length_ms);
/* Does the transcript fit all conditions but that of the speaker, and the rows of which version of
 * it count? */
SC_MUST_USE enum sc_code sc_search_fits(struct sc_conn *conn, const struct sc_search *search,
                                        int64_t transcript, bool *fits, int64_t *version,
                                        struct sc_error *err);
/* Things whose tags count, 0: none of that kind. */
struct sc_search_tagged {
    int64_t transcript, file, job;
};
SC_MUST_USE enum sc_code sc_search_has_tag(struct sc_conn *conn, const struct sc_search_tagged *of,
                                           struct sc_str tag, bool *has, struct sc_error *err);

/* A hit as it will be shown: owns its texts. */
struct sc_shown_hit {
    struct sc_segment segment;
    struct sc_buf snippet;
    struct sc_search_mark *marks;
    size_t mark_count, mark_cap;
    int64_t at_ms;
    bool cut_before, cut_after;
};
void sc_shown_hit_done(struct sc_shown_hit *hit);
/* As callers see it: borrows all of it. */
struct sc_search_hit sc_shown_hit_tell(const struct sc_shown_hit *hit);
/* A row that was found. */
struct sc_search_row {
    int64_t id;
    struct sc_str places; /* where, as scripta_places tells (store/tokenizer.h); of parts empty */
    struct sc_tokenizer_words *tokenizer;
};
/* Reads the segment of the row and marks what was found in it. *found is false when it is damaged,
 * or gone. */
SC_MUST_USE enum sc_code sc_search_show(struct sc_conn *conn, const struct sc_search *search,
                                        const struct sc_search_row *row, struct sc_shown_hit *out,
                                        bool *found, struct sc_error *err);
/* The same of a text of another kind: *out has a snippet and its marks. */
void sc_search_show_text(const struct sc_search *search, const struct sc_search_row *row,
                         struct sc_str text, struct sc_shown_hit *out);
