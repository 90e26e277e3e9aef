#pragma once
/* What people do to segments: other words, other times, two of one, one of two. Words that stay
 * keep their times and confidences. Pure. False or -1: no memory, and everything as it was.
 *
 * What made the words is forgotten where words change: whoever stores them finds it again. So is
 * what a recogniser said of them (transcript/heard.h), of a part of them its tokens alone. */

#include "transcript/segment.h"

/* Says text (valid UTF-8) from now on, as one line unless it says just that already; words that are
 * new share the time between their neighbours and have no confidence. A segment without words stays
 * without. */
bool sc_segment_reword(struct sc_segment *s, struct sc_str text);
/* Sets the text (valid UTF-8), as one line, and leaves the words as they are. */
bool sc_segment_say(struct sc_segment *s, struct sc_str text);
/* Sets who speaks, as one line; empty: nobody is named. */
bool sc_segment_name(struct sc_segment *s, struct sc_str speaker);
/* Are the words those of the text? Between them it may have white space and punctuation that they
 * leave out. A segment without words is. */
bool sc_segment_is_spelt(const struct sc_segment *s);
/* Lays the text on words that say another one, case and punctuation aside; where there is no text
 * it becomes what the words say. */
bool sc_segment_fit_words(struct sc_segment *s);
/* start_ms <= end_ms. Words move with a segment that keeps its length, and are stretched with one
 * that moves away; else they are cut off at its ends. */
void sc_segment_retime(struct sc_segment *s, int64_t start_ms, int64_t end_ms);
/* How many words lie in front of a time: those whose middle does. Words that are not known are made
 * first, and the text is laid on those that do not spell it. */
bool sc_segment_words_before(struct sc_segment *s, int64_t at_ms, size_t *words);
/* Cuts behind `words` words, of which there must be more: the rest becomes *second (an empty
 * segment), with the speaker and no id. Words that are not known are made first, and the text is
 * laid on those that do not spell it: of the text nothing is lost. */
bool sc_segment_split(struct sc_segment *s, size_t words, struct sc_segment *second);
/* Adds what second says, and takes its time in. Where one of the two has words, those of the other
 * are made. */
bool sc_segment_join(struct sc_segment *s, const struct sc_segment *second);
