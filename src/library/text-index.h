#pragma once
/* The text indexes, of words and of their parts (store/tokenizer.h): they hold the text of every
 * segment that is alive, as its owner's, and nobody else writes to them.
 * Rows enter it in the write that makes them, and leave it before they die or are deleted, because
 * FTS5 must be told the old text. */

#include "store/store.h"

/* The rows of a chunk of a partial transcript. */
SC_MUST_USE enum sc_code sc_text_index_chunk(struct sc_conn *tx, int64_t transcript, int chunk,
                                             struct sc_error *err);
SC_MUST_USE enum sc_code sc_text_unindex_chunk(struct sc_conn *tx, int64_t transcript, int chunk,
                                               struct sc_error *err);
/* One row that is alive. */
SC_MUST_USE enum sc_code sc_text_index_row(struct sc_conn *tx, int64_t row, struct sc_error *err);
SC_MUST_USE enum sc_code sc_text_unindex_row(struct sc_conn *tx, int64_t row, struct sc_error *err);
/* The first `limit` rows that are alive, in the order of time: those that purge_segments deletes
 * next. */
SC_MUST_USE enum sc_code sc_text_unindex_next(struct sc_conn *tx, int64_t transcript, int64_t limit,
                                              struct sc_error *err);
