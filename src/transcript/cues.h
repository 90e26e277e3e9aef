#pragma once
/* Cues that can be read, made of segments: what the caption formats share. For files of this module
 * only.
 *
 * A segment is cut into cues of so many lines and seconds at most, at the ends of sentences and
 * clauses and at pauses. Cues of segments that overlap, as those of two channels do, are brought
 * into the order of their starts; none overlaps the next, and each stays long enough to be read
 * where the next one leaves room. */

#include "transcript/tokens.h"
#include "transcript/writer-internal.h"

struct sc_cue {
    int64_t start_ms, end_ms;
    char *speaker;           /* owned; NULL: none, or not asked for */
    struct sc_tokens tokens; /* of the speaker's name first (where it is named), then of the text */
    size_t first;            /* the token that is printed first: others name no new speaker */
    bool *breaks;            /* owned; for each token: a line begins with it */
};
/* What stands between a cue's token and the one in front of it. Static. */
const char *sc_cue_joint(const struct sc_cue *cue, size_t index);

enum sc_cue_kind {
    SC_CUES_PLAIN,
    SC_CUES_NAMED, /* a new speaker is named in the text */
    SC_CUES_SUBRIP /* the same, and what SubRip would take for its syntax is broken up */
};

typedef enum sc_code (*sc_cue_fn)(void *ctx, const struct sc_cue *cue, struct sc_error *err);

/* Calls fn for each cue in order. */
enum sc_code sc_cues_each(struct sc_source *source, const struct sc_writer_options *options,
                          enum sc_cue_kind kind, sc_cue_fn fn, void *ctx, struct sc_error *err);
