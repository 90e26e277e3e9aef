#pragma once
/* Names that stand in front of what somebody says, "Ann: good morning", as our exports srt and txt
 * write them: in front of the first cue or line of a speaker, where another spoke before. Pure. */

#include "transcript/segment.h"

struct sc_names {
    char **items; /* owned; sorted, each once */
    size_t count;
    const char **fresh; /* owned; those that are unknown to the old segments, as the file has them;
                           their texts are those of items */
    size_t fresh_count;
    bool as_exported; /* the file is named as our exports are */
};
#define SC_AUTO_NAMES SC_AUTO(sc_names_done) struct sc_names

void sc_names_done(struct sc_names *names);
bool sc_names_hold(const struct sc_names *names, const char *name);
/* Which texts in front of a colon are names in segments as they were read from srt or txt. Those of
 * the speakers of old; others only with evidence, so that "Note: ..." stays text: where old begins
 * another speaker (it is his name now), when it returns, or when old has no speakers and the file
 * is as our exports are: named from its start, two names or more, none of them twice in a row. None
 * that a text of old begins with. old: what the file was made of; NULL: nothing is known, and one
 * name, in front of the first text alone, is enough: who speaks from the start to the end. Into an
 * empty *out. False: no memory. */
SC_MUST_USE bool sc_names_find(const struct sc_segments *old, const struct sc_segments *read,
                               struct sc_names *out);
/* Makes speakers of the names in front of texts. follow: who is not named is the one before him. */
SC_MUST_USE bool sc_names_take(const struct sc_names *names, bool follow, struct sc_segments *read);
