#pragma once
/* The language of a job that is not told which, by an engine that hears it: heard once for each
 * stream of the recording (all channels mixed, or one of them), in its first chunk that has words,
 * and told to all chunks behind that. Which chunk it is depends on the sound alone, so the text
 * does not depend on how many workers there are, on who is first, or on a restart.
 *
 * Until the language is known the chunks of a stream stand in line as those of a chain do
 * (pipeline/chain.h): one is heard, the others have no task yet. Then all of them get theirs in the
 * write that ends that one, and what is cut later at once. For files of the module. */

#include "pipeline/chain.h"

#include "base/language.h"

/* Of a stream; "": not known yet. */
SC_MUST_USE enum sc_code sc_spoken_find(struct sc_conn *conn, int64_t job, int channel,
                                        char out[SC_LANGUAGE_TEXT], struct sc_error *err);
/* Inside the write that ends a chunk that others wait for: tells them its language and adds their
 * tasks; "", it has no words or none was heard: the next one is to hear it. */
SC_MUST_USE enum sc_code sc_spoken_go_on(struct sc_pipelines *p, struct sc_conn *tx,
                                         const struct sc_chain_link *link, const char *language,
                                         struct sc_error *err);
/* Inside the write that ends a job's text: notes the language of the job and puts it into `out`,
 * which stays as it is where no chunk tells one. */
SC_MUST_USE enum sc_code sc_spoken_settle(struct sc_conn *tx, int64_t job,
                                          char out[SC_LANGUAGE_TEXT], struct sc_error *err);
